package api

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/web"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

func TestSignPage(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	h := w.handler(t, nil)
	base := "/enterprises/" + string(w.first) + "/sign"
	for name, c := range map[string]struct {
		path   string
		status int
		want   []string
	}{
		"A4 by default":        {base, http.StatusOK, []string{`width="210mm" height="297mm"`, "sign-a4.css", string(w.first)}},
		"A6":                   {base + "?size=a6&lang=en", http.StatusOK, []string{`width="105mm" height="148mm"`, "sign-a6.css", "must then measure 38.1 mm", "INVENTED SAMPLE"}},
		"a size of its own":    {base + "?size=a5", http.StatusBadRequest, []string{"a4 or a6"}},
		"another parameter":    {base + "?paper=a4", http.StatusBadRequest, nil},
		"an enterprise of no":  {"/enterprises/91350100M000100Y43/sign", http.StatusNotFound, nil},
		"a code that is none":  {"/enterprises/nonsense/sign", http.StatusBadRequest, nil},
		"one without its code": {"/enterprises/" + string(uncoded(t, w)) + "/sign?lang=en", http.StatusNotFound, []string{"healthcode code issue " + string(uncoded(t, w))}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := get(h, c.path, "Accept", "text/html")
			if answer.Code != c.status {
				t.Fatalf("status %d, want %d", answer.Code, c.status)
			}
			for _, want := range c.want {
				if !strings.Contains(answer.Body.String(), want) {
					t.Errorf("the page has no %q", want)
				}
			}
		})
	}
	if page := get(h, "/enterprises/"+string(w.first), "Accept", "text/html").Body.String(); !strings.Contains(page, base+"?size=a4") {
		t.Error("the enterprise's page does not lead to its sign")
	}
}

// uncoded returns an enterprise that has no code.
func uncoded(t *testing.T, w *world) registry.USCC {
	t.Helper()
	for e, err := range w.db.Enterprises(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if _, has := w.codes[e.USCC]; !has {
			return e.USCC
		}
	}
	t.Fatal("everybody has a code")
	return ""
}

// printed is what comes out of a printer: the pages of a PDF at 300 dots to the inch, the resolution of an ordinary printer.
func (b *browser) printed(t *testing.T, url string, grey bool) []image.Image {
	t.Helper()
	b.open(t, url, 1280, "dark") // what the screen looks like is not printed
	pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF(func(p *page.PrintToPDFParams) { p.PreferCSSPageSize = new(true) }))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "print.pdf"), pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	if keep := os.Getenv("HEALTHCODE_SCREENSHOTS"); keep != "" {
		if err := os.WriteFile(filepath.Join(keep, strings.ReplaceAll(t.Name(), "/", "-")+".pdf"), pdf, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	arguments := []string{"-r", fmt.Sprint(printerDots), "-png", filepath.Join(dir, "print.pdf"), filepath.Join(dir, "page")}
	if grey {
		arguments = append([]string{"-gray"}, arguments...)
	}
	if out, err := exec.CommandContext(t.Context(), "pdftoppm", arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s: the test needs pdftoppm (Debian: apt-get install poppler-utils)", err, out)
	}
	names, err := filepath.Glob(filepath.Join(dir, "page*.png"))
	if err != nil {
		t.Fatal(err)
	}
	pages := make([]image.Image, len(names))
	for i, name := range names {
		pages[i] = readPNG(t, name)
	}
	return pages
}

const (
	printerDots = 300 // an inch
	inch        = 25.4
)

func readPNG(t *testing.T, name string) image.Image {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	picture, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// scanPrint reads the code on a part of a page, which is one sign, and measures its black part in mm. It looks where the layout has the code
// (between the USCC and the note, left of the grade), because the decoder misses some clean codes beside text: what a telephone sees when it is held
// close.
func scanPrint(t *testing.T, picture image.Image, part image.Rectangle) (text string, side float64) {
	t.Helper()
	unit := float64(part.Dx()) / 105 // the layout is that of A6, in mm
	at := func(x, y float64) image.Point { return part.Min.Add(image.Pt(int(x*unit), int(y*unit))) }
	black := blackPart(picture, image.Rectangle{at(3, 58.5), at(54, 104)})
	sub, ok := picture.(interface {
		SubImage(r image.Rectangle) image.Image
	})
	if !ok {
		t.Fatalf("no part of a %T", picture)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(sub.SubImage(black.Inset(-int(2 * unit))))
	if err != nil {
		t.Fatal(err)
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
	if err != nil {
		t.Fatalf("the code on %v is not read: %v", black, err)
	}
	if black.Dx()-black.Dy() > 1 || black.Dy()-black.Dx() > 1 {
		t.Errorf("the code is not square: %v", black)
	}
	return result.GetText(), mm(black.Dx())
}

// blackPart returns the smallest rectangle that holds everything dark.
func blackPart(picture image.Image, within image.Rectangle) image.Rectangle {
	var found image.Rectangle
	for y := within.Min.Y; y < within.Max.Y; y++ {
		for x := within.Min.X; x < within.Max.X; x++ {
			if color.GrayModel.Convert(picture.At(x, y)).(color.Gray).Y < 128 {
				found = found.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return found
}

// A sign that was printed from the page, in colour and in black and white, is one page of its size; its code is read, verifies, and has its
// true size.
func TestPrintedSigns(t *testing.T) {
	w := theWorld(t)
	srv := httptest.NewServer(w.handler(t, nil))
	t.Cleanup(srv.Close)
	b := startBrowser(t)
	for _, size := range web.SignSizes() {
		for name, grey := range map[string]bool{"colour": false, "grey": true} {
			t.Run(size.Name+" "+name, func(t *testing.T) {
				pages := b.printed(t, srv.URL+"/enterprises/"+string(w.first)+"/sign?size="+size.Name, grey)
				if len(pages) != 1 {
					t.Fatalf("%d pages", len(pages))
				}
				paper := pages[0].Bounds()
				if width, height := mm(paper.Dx()), mm(paper.Dy()); math.Abs(width-size.Width) > 0.5 || math.Abs(height-size.Height) > 0.5 {
					t.Errorf("the paper is %.1f by %.1f mm", width, height)
				}
				text, side := scanPrint(t, pages[0], paper)
				if text != w.codes[w.first].URL {
					t.Errorf("read %s", text)
				}
				if want := 45 * 10 * inch / printerDots * size.Width / 105; side < 25 || math.Abs(side-want) > 0.3 {
					t.Errorf("the code measures %.2f mm, want %.2f", side, want)
				}
			})
		}
	}
}

func mm(dots int) float64 { return float64(dots) / printerDots * inch }

// Every sign on a printed sheet is read where the index says, and the pages are those of the file.
func TestPrintedSheet(t *testing.T) {
	w := theWorld(t)
	keys, err := credential.NewKeySet(*w.key.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	var codes []registry.USCC
	for code := range w.codes {
		codes = append(codes, code)
	}
	codes = codes[:7]
	job := &jobs.Print{DB: w.db, Keys: keys, Clock: func() time.Time { return w.now }, Dir: t.TempDir(), Codes: codes, Size: web.SignSizes()[1], PerFile: 100, Lang: web.Chinese}
	if result, err := job.RunOnce(t.Context()); err != nil || result.Signs != 7 {
		t.Fatalf("%+v, %v", result, err)
	}
	b := startBrowser(t)
	pages := b.printed(t, "file://"+filepath.Join(job.Dir, "sheet-00001.html"), true)
	if len(pages) != 2 {
		t.Fatalf("%d pages, want 2", len(pages))
	}
	for i, code := range codes {
		sheet, place := pages[i/4], i%4
		half := image.Pt(sheet.Bounds().Dx()/2, sheet.Bounds().Dy()/2)
		corner := image.Pt(place%2*half.X, place/2*half.Y)
		text, side := scanPrint(t, sheet, image.Rectangle{corner, corner.Add(half)})
		if text != w.codes[code].URL || math.Abs(side-38.1) > 0.3 {
			t.Errorf("sign %d: %.2f mm, %s", i, side, text)
		}
	}
}

// No text of a sign leaves its place, whatever the name: the browser says how wide the font made it.
func TestSignsInTheBrowser(t *testing.T) {
	w := theWorld(t)
	keys, err := credential.NewKeySet(*w.key.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	code, err := jobs.NewestPrinted([]schema.Code{{State: schema.CodeIssued, Form: "printed", JWT: w.codes[w.first].JWT}}, keys, w.now)
	if err != nil {
		t.Fatal(err)
	}
	b := startBrowser(t)
	for name, text := range map[string]string{"ordinary": "嘉兴市南湖区示例食品有限公司", "the longest": strings.Repeat("嘉兴", 100), "one word": strings.Repeat("W", 200), "small letters": strings.Repeat("mw", 40),
		"English": "Zhejiang Jiaxing International Precision Manufacturing & Trading Company Limited (Nanhu Branch)", "brackets": "（）《》" + strings.Repeat("甲（乙）", 30)} {
		for _, tier := range registry.Tiers() {
			sign, err := code.Sign(text, true)
			if err != nil {
				t.Fatal(err)
			}
			sign.Tier, sign.Host = tier, strings.Repeat("w", 24)
			path := filepath.Join(t.TempDir(), "sign.html")
			file, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := web.WriteSheet(file, sign.Document(web.Chinese, "sign", web.SignSizes()[1])); err != nil {
				t.Fatal(err)
			}
			if err := file.Close(); err != nil {
				t.Fatal(err)
			}
			b.open(t, "file://"+path, 800, "light")
			for _, bad := range evaluate[[]string](t, b, `[...document.querySelectorAll("text")].map(e => [e.getBBox(), e.textContent]).filter(([r]) => r.x < 7.9 || r.x + r.width > 97.2 || r.y + r.height > 144)
				.map(([r, text]) => text.slice(0, 40) + " from " + r.x + " to " + (r.x + r.width) + ", down to " + (r.y + r.height))`) {
				t.Errorf("%s, %s: %s", name, tier, bad)
			}
			if wide := evaluate[float64](t, b, `Math.max(...[...document.querySelectorAll("text")].filter(e => e.getAttribute("y") > 106.5 && e.getAttribute("y") < 123).map(e => e.getBBox().x + e.getBBox().width))`); wide > 95.5 {
				t.Errorf("%s: a note reaches %.1f mm, its frame ends at 97", name, wide)
			}
		}
	}
}
