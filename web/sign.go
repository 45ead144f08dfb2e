package web

import (
	"time"

	"healthcode/credential"
	"healthcode/registry"
)

// Sign is what a printed sign says: who is meant, the code, and the grade at issue. It carries both languages.
type Sign struct {
	Name      string
	USCC      registry.USCC
	Tier      registry.Tier   // at issue
	Colour    registry.Colour // at issue
	IssuedAt  time.Time
	ExpiresAt time.Time
	Host      string // of the issuer
	QR        *credential.QR
	Sample    bool // the data are invented, or the issuer is a machine for trials: the sign says so
}

// SignSize is a paper size of signs.
type SignSize struct {
	Name          string  // a4 or a6, as flags and addresses write it
	Width, Height float64 // of the paper, mm
	scale         float64 // against the layout, which is that of A6
	across, down  int     // signs on a page of A4
}

// SignSizes lists the sizes, the default first.
func SignSizes() []SignSize {
	return []SignSize{
		{Name: "a4", Width: 210, Height: 297, scale: 2, across: 1, down: 1},
		{Name: "a6", Width: 105, Height: 148, scale: 1, across: 2, down: 2},
	}
}

// ParseSignSize finds a size by its name; the empty name is the default.
func ParseSignSize(name string) (SignSize, bool) {
	for _, size := range SignSizes() {
		if size.Name == name || name == "" {
			return size, true
		}
	}
	return SignSize{}, false
}

// Paper returns the name of the paper: A4 or A6.
func (s SignSize) Paper() string {
	if s.scale > 1 {
		return "A4"
	}
	return "A6"
}

// PerPage returns how many signs a page of A4 holds.
func (s SignSize) PerPage() int { return s.across * s.down }

// A module has moduleDots dots of a printer with 300 dots to the inch in the layout, and so a whole number of them at 600 and 1200
// dots and at the size of A4 too: 0.847 mm on A6, 1.693 mm on A4. Every module comes out alike.
const (
	moduleDots = 10
	dot        = 25.4 / 300 // mm
	module     = moduleDots * dot
)

// CodeSide returns the side of the black part of a code on a sign in mm: 38.1 on A6 for version 7.
func (s SignSize) CodeSide(qr *credential.QR) float64 {
	return float64(qr.Modules()) * module * s.scale
}

// SVG returns the sign as a drawing of its true size (mm) that needs no other file. Fonts are those of the machine.
func (s *Sign) SVG(size SignSize) []byte {
	d := &drawing{out: make([]byte, 0, 20<<10)}
	d.open(size.Width, size.Height, size.Width/size.scale, size.Height/size.scale)
	s.draw(d)
	d.raw(`</svg>`)
	return d.out
}

// Drawn returns the sign as a part of a larger drawing: SheetPage puts it in its place.
func (s *Sign) Drawn() []byte {
	d := &drawing{out: make([]byte, 0, 20<<10)}
	s.draw(d)
	return d.out
}

// The layout, in mm on A6. Nothing stands nearer to the edge than margin: most printers leave 4 to 6 mm white.
const (
	margin    = 8.0
	signWidth = 105.0
	inside    = signWidth - 2*margin
	ink       = "#1b2733"
	soft      = "#44515f"
	brand     = "#17406d"
	codeTop   = 60.8 // of the symbol, without its quiet zone
	besideX   = 57.0 // what stands beside the code; a symbol of 49 modules ends at 49.5, its quiet zone at 52.9
)

// signColours are the colours of grades in print, those of the pages.
var signColours = map[registry.Colour]string{
	registry.ColourGreen: "#12713f", registry.ColourBlue: "#1259a8", registry.ColourYellow: "#f0b400", registry.ColourRed: "#b3261e",
}

// draw draws the sign into the layout of A6: 105 by 148 mm from 0, 0.
func (s *Sign) draw(d *drawing) {
	d.raw(`<rect width="105" height="148" fill="#fff"/>`)
	s.head(d)
	s.who(d)
	s.code(d)
	s.grade(d)
	s.notes(d)
	s.foot(d)
}

func (s *Sign) head(d *drawing) {
	d.raw(`<g transform="translate(8 8) scale(.34)">` + emblem + `</g>`)
	title := phrases["app.name"]
	d.text(line{x: 21, y: 13.2, size: 5.2, bold: true, colour: brand, text: title.ZhCN})
	d.text(line{x: 21, y: 17.8, size: 3.1, colour: brand, text: title.En, lang: English})
	d.raw(`<path d="M8 21.5h89" stroke="` + brand + `" stroke-width=".5"/>`)
	if s.Sample {
		sample := signWords["sign.sample"]
		d.raw(`<rect x="8" y="2.2" width="89" height="4.4" fill="#fff" stroke="#000" stroke-width=".3" stroke-dasharray="1.2 .8"/>`)
		d.text(line{x: signWidth / 2, y: 5.4, size: 2.7, bold: true, colour: "#000", anchor: "middle", text: sample.ZhCN + " · " + sample.En})
	}
}

// emblem is that of the pages, 32 units wide.
const emblem = `<rect width="32" height="32" rx="7" fill="#17406d"/><path d="M16 5l9 3.4v7.2c0 5.4-3.6 9.6-9 11.4-5.4-1.8-9-6-9-11.4V8.4z" fill="#fff"/>` +
	`<path d="M11.5 16l3.2 3.2 5.8-6" fill="none" stroke="#17406d" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"/>`

// who writes name and USCC, the two things to compare with the licence. A long name takes more lines and then smaller letters.
func (s *Sign) who(d *drawing) {
	const top, height, most = 24.0, 21.0, 7.0
	size, lines := fit(s.Name, inside, height, most)
	above := (height - lineHeight*size*float64(len(lines))) / 2
	for i, text := range lines {
		d.text(line{x: margin, y: top + above + size*(1+lineHeight*float64(i)), size: size, bold: true, colour: "#000", text: text})
	}
	label := signWords["sign.uscc"]
	d.text(line{x: margin, y: 49.8, size: 2.7, colour: soft, text: label.ZhCN})
	d.text(line{x: margin + 8*2.7 + 2, y: 49.8, size: 2.5, colour: soft, text: label.En, lang: English})
	d.text(line{x: margin, y: 56.6, size: 6.4, bold: true, mono: true, colour: "#000", text: string(s.USCC)})
}

func (s *Sign) code(d *drawing) {
	side := s.QR.Side()
	corner := credential.QuietZone * module
	d.raw(`<svg x="`).number(margin - corner).raw(`" y="`).number(codeTop - corner)
	d.raw(`" width="`).number(float64(side) * module).raw(`" height="`).number(float64(side) * module)
	d.raw(`" viewBox="0 0 `).number(float64(side)).raw(` `).number(float64(side)).raw(`" shape-rendering="crispEdges">`)
	d.raw(`<rect width="100%" height="100%" fill="#fff"/><path fill="#000" d="`)
	d.out = s.QR.AppendPath(d.out)
	d.raw(`"/></svg>`)
}

// grade says the grade at issue as colour, shape and word. It stays small beside the code: today's grade is behind the code.
func (s *Sign) grade(d *drawing) {
	label := signWords["sign.at_issue"]
	d.text(line{x: besideX, y: 63.6, size: 3.4, bold: true, colour: ink, text: label.ZhCN})
	d.text(line{x: besideX, y: 67.5, size: 2.8, colour: ink, text: label.En, lang: English})
	d.raw(`<g transform="translate(`).number(besideX).raw(` 70.3) scale(.5)">`)
	d.shape(s.Colour)
	d.raw(`</g>`)
	d.text(line{x: besideX + 19, y: 77.8, size: 8, bold: true, colour: "#000", text: Term(Chinese, "colour", s.Colour.String())})
	d.text(line{x: besideX + 19, y: 84.1, size: 4.8, bold: true, colour: "#000", text: Term(English, "colour", s.Colour.String()), lang: English})
	tier, zh, en := signWords["sign.tier"], Term(Chinese, "tier", s.Tier.String()), Term(English, "tier", s.Tier.String())
	d.text(line{x: besideX, y: 91.6, size: 2.8, colour: ink, text: tier.ZhCN + " " + tier.En})
	d.text(line{x: besideX, y: 97.2, size: 5, bold: true, colour: "#000", text: zh})
	if s.Tier == registry.TierNew {
		d.text(line{x: besideX, y: 101, size: 2.6, colour: ink, text: en, lang: English})
	}
}

// notes says where today's grade is, and what to compare.
func (s *Sign) notes(d *drawing) {
	today, text, compare := signWords["sign.today"], signWords["sign.today_text"], signWords["sign.compare"]
	d.raw(`<rect x="8" y="106.5" width="89" height="17.4" rx="1.5" fill="none" stroke="#000" stroke-width=".5"/>`)
	d.text(line{x: 10.5, y: 111.7, size: 4.1, bold: true, colour: "#000", text: today.ZhCN})
	d.text(line{x: 60, y: 111.7, size: 2.9, bold: true, colour: "#000", text: today.En, lang: English})
	d.text(line{x: 10.5, y: 116.7, size: 3, colour: "#000", text: text.ZhCN})
	d.text(line{x: 10.5, y: 121.4, size: 2.7, colour: "#000", text: text.En, lang: English})
	d.text(line{x: margin, y: 129.2, size: 3.4, bold: true, colour: "#000", text: compare.ZhCN})
	d.text(line{x: margin, y: 133.4, size: 2.9, bold: true, colour: "#000", text: compare.En, lang: English})
	d.raw(`<path d="M8 135.6h89" stroke="` + brand + `" stroke-width=".3"/>`)
}

// foot writes the dates in the zone of the readers; the end is a minute, because a code ends at the very second.
func (s *Sign) foot(d *drawing) {
	issued, until, issuer := signWords["sign.issued"], signWords["sign.valid_until"], signWords["sign.issuer"]
	d.text(line{x: margin, y: 139.2, size: 2.5, colour: soft, text: issued.ZhCN + " " + issued.En + " " + s.IssuedAt.In(registry.Shanghai).Format(time.DateOnly)})
	d.text(line{x: 46, y: 139.2, size: 2.5, colour: soft, text: until.ZhCN + " " + until.En + " " + s.ExpiresAt.In(registry.Shanghai).Format("2006-01-02 15:04") + " UTC+8"})
	d.text(line{x: margin, y: 142.8, size: 2.5, colour: soft, text: issuer.ZhCN + " " + issuer.En + " " + s.Host})
}
