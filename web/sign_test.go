package web

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"sync"
	"testing"

	"healthcode/credential"
	"healthcode/registry"

	"pgregory.net/rapid"
)

// sharedQR is one code for many signs: making it takes longer than drawing the rest.
var sharedQR = sync.OnceValue(func() *credential.QR {
	qr, err := credential.NewQR("https://q.example.gov.cn/v/" + strings.Repeat("1234567890", 22))
	if err != nil {
		panic(err)
	}
	return qr
})

// someQR is a code of the size that a printed one has: version 7 for a host of 16 characters, version 8 for the longest.
func someQR(tb testing.TB, host string) *credential.QR {
	tb.Helper()
	qr, err := credential.NewQR("https://" + host + "/v/" + strings.Repeat("1234567890", 22))
	if err != nil {
		tb.Fatal(err)
	}
	return qr
}

func someSign(name string) *Sign {
	return &Sign{Name: name, USCC: "91350100M000100Y43", Tier: registry.TierAA, Colour: registry.ColourGreen, IssuedAt: instant, ExpiresAt: instant.AddDate(1, 0, 0),
		Host: "q.example.gov.cn", QR: sharedQR()}
}

func someSignPage(page Page) SignPage {
	sign := &Sign{Name: "嘉兴示例<食品>有限公司", USCC: "91350100M000100Y43", Colour: registry.ColourRed, IssuedAt: instant, ExpiresAt: instant, Host: "q.example.gov.cn", QR: sharedQR()}
	return SignPage{Page: page, USCC: sign.USCC, Name: sign.Name, Size: SignSizes()[0], Sign: sign}
}

// textsOf reads a drawing as XML and returns its texts; a drawing that is not well-formed fails.
func textsOf(tb rapid.TB, svg []byte) []string {
	tb.Helper()
	var texts []string
	inText := false
	for decoder := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			tb.Fatalf("%v: %.200s", err, svg)
		}
		switch element := token.(type) {
		case xml.StartElement:
			inText = element.Name.Local == "text"
		case xml.EndElement:
			inText = false
		case xml.CharData:
			if inText {
				texts = append(texts, string(element))
			}
		}
	}
}

// A sign says in both languages what it must, whatever the colour.
func TestSignSaysEverything(t *testing.T) {
	t.Parallel()
	for _, colour := range registry.Colours() {
		for _, tier := range registry.Tiers() {
			sign := someSign("嘉兴示例食品有限公司")
			sign.Colour, sign.Tier = colour, tier
			said := strings.Join(textsOf(t, sign.SVG(SignSizes()[1])), "\n")
			for _, want := range []string{"嘉兴示例食品有限公司", "91350100M000100Y43", "q.example.gov.cn", "2026-11-22", "2027-11-22 10:30", Term(Chinese, "colour", colour.String()),
				Term(English, "colour", colour.String()), Term(Chinese, "tier", tier.String()), "签发时的等级", "Grade at issue", "今日等级以扫码所见为准", "Scan for today's grade",
				"请核对名称和统一社会信用代码与营业执照是否一致", "Compare name and USCC with the licence."} {
				if !strings.Contains(said, want) {
					t.Errorf("%s %s: the sign does not say %q", colour, tier, want)
				}
			}
			if strings.Contains(said, "示例数据") {
				t.Errorf("%s: a real sign calls itself a sample", colour)
			}
		}
	}
	sample := someSign("甲")
	sample.Sample = true
	if said := strings.Join(textsOf(t, sample.SVG(SignSizes()[0])), "\n"); !strings.Contains(said, "示例数据，不得张贴 · INVENTED SAMPLE, NOT FOR DISPLAY") {
		t.Error("a sample does not say so")
	}
}

// No name breaks a drawing: it stays well-formed and says the name whole.
func TestAnyNameIsDrawn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringOfN(rapid.RuneFrom([]rune(`甲乙（）《》、。 <>&"'abMW1-.·é한Ａ`)), 1, 200, -1).Draw(t, "name")
		sign := &Sign{Name: name, USCC: "91350100M000100Y43", Colour: registry.ColourBlue, QR: sharedQR()}
		said := strings.Join(textsOf(t, sign.SVG(SignSizes()[1])), "")
		if want := strings.Join(strings.Fields(name), ""); !strings.Contains(strings.Join(strings.Fields(said), ""), want) {
			t.Fatalf("%q is not said whole", name)
		}
	})
}

// The width of every line is at most that of the box and the lines fit its height.
func TestNamesFit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text  string
		lines int
	}{
		"one character":         {"甲", 1},
		"ordinary":              {"嘉兴市南湖区示例食品有限公司", 1},
		"two lines":             {"嘉兴市南湖区示例精密机械制造进出口贸易有限公司", 2},
		"the longest":           {strings.Repeat("嘉兴", 100), 6},
		"English":               {"Zhejiang Jiaxing International Precision Manufacturing & Trading Company Limited", 3},
		"one word without end":  {strings.Repeat("W", 200), 6},
		"nothing":               {"", 1},
		"blanks and a bracket":  {"甲 （乙）  公司", 1},
		"only closing brackets": {strings.Repeat("）", 60), 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			size, lines := fit(c.text, inside, 21, 7)
			if len(lines) != c.lines || float64(len(lines))*size*lineHeight > 21+1e-9 || size > 7 {
				t.Errorf("%d lines of %.2f mm: %q", len(lines), size, lines)
			}
			for _, one := range lines {
				if widthOf(one)*size > inside+1e-9 {
					t.Errorf("%q is %.1f mm wide", one, widthOf(one)*size)
				}
			}
		})
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text  string
		width float64
		want  string
	}{
		"Chinese breaks anywhere":        {"一二三四五", 2, "一二|三四|五"},
		"no closing bracket begins":      {"一二（三）四", 4, "一二|（三）四"},
		"words stay whole":               {"ab cd ef", 2.2, "ab|cd|ef"},
		"a word that is wider is broken": {"WWWWW", 2, "WW|WW|W"},
		"blanks at the end are dropped":  {"ab   ", 9, "ab"},
		"mixed":                          {"一ab二", 2.5, "一ab|二"},
	} {
		if got := strings.Join(wrap(c.text, c.width), "|"); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// The black part of a code measures at least 25 mm, its modules are whole dots of printers, and nothing stands in its quiet zone.
func TestCodeOnASign(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"a.cn", "q.example.gov.cn", strings.Repeat("a", 24)} {
		qr := someQR(t, host)
		for _, size := range SignSizes() {
			side := size.CodeSide(qr)
			if dots := side / float64(qr.Modules()) / (25.4 / 300); side < 25 || math.Abs(dots-math.Round(dots)) > 1e-9 {
				t.Errorf("%s on %s: %.2f mm, %f dots a module", host, size.Name, side, dots)
			}
		}
		zone := float64(qr.Side()) * module
		left, top := margin-credential.QuietZone*module, codeTop-credential.QuietZone*module
		if left < 0 || left+zone > besideX || top < 57 || top+zone > 106.25 {
			t.Errorf("%s: the quiet zone is %.1f to %.1f across, %.1f to %.1f down", host, left, left+zone, top, top+zone)
		}
	}
}

func TestParseSignSize(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"": "a4", "a4": "a4", "a6": "a6", "A4": "none", "a5": "none", "a4 ": "none"} {
		size, ok := ParseSignSize(name)
		if got := size.Name; ok != (want != "none") || ok && got != want {
			t.Errorf("%q: %q, %t", name, got, ok)
		}
	}
}

func TestSheets(t *testing.T) {
	t.Parallel()
	size := SignSizes()[1]
	signs := [][]byte{someSign("甲 & 乙").Drawn(), someSign("丙").Drawn(), someSign("丁").Drawn()}
	page := SheetPage(size, signs, []string{"1/1", "1/1", "1/1"})
	if texts := strings.Join(textsOf(t, page), "|"); !strings.Contains(texts, "甲 & 乙") || strings.Count(texts, "1/1") != 3 {
		t.Errorf("the page says %s", texts)
	}
	for name, view := range map[string]any{"signs": SheetDocument(English, 7, [][]byte{page, page}), "one sign": someSign("甲<乙>").Document(Chinese, "甲<乙> A6", size),
		"list":  SheetList{Page: Page{Lang: Chinese}, Number: 7, Rows: []SheetRow{{Page: 1, Place: 4, Name: "甲<乙>", USCC: "9", Region: "南湖区"}}},
		"index": SheetIndex{Page: Page{Lang: English}, Signs: 1234, Files: []SheetFile{{Number: 1, Name: "a.html", List: "b.html", Signs: 3, First: "甲<乙>", Last: "丙"}}, Without: 2, Unknown: 3}} {
		var out bytes.Buffer
		if err := WriteSheet(&out, view); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if text := out.String(); !strings.HasPrefix(text, "<!doctype html>") || !strings.HasSuffix(text, "</html>\n") || strings.Contains(text, "<乙>") || untranslated.MatchString(text) {
			t.Errorf("%s: %.400s", name, text)
		}
	}
	if err := WriteSheet(io.Discard, struct{}{}); !errors.Is(err, ErrView) {
		t.Errorf("a view of another kind: %v", err)
	}
}

// Drawing all of a sign around its code: what a sign costs beside the code itself.
func BenchmarkSignDrawing(b *testing.B) {
	sign := someSign("嘉兴市南湖区示例食品有限公司")
	b.ReportAllocs()
	for b.Loop() {
		if len(sign.Drawn()) == 0 {
			b.Fatal("nothing drawn")
		}
	}
}
