package credential_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"sync"
	"testing"

	"healthcode/credential"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"pgregory.net/rapid"
)

func mustQR(tb testing.TB, text string) *credential.QR {
	tb.Helper()
	q, err := credential.NewQR(text)
	if err != nil {
		tb.Fatal(err)
	}
	return q
}

func mustPNG(tb testing.TB, q *credential.QR, scale int) image.Image {
	tb.Helper()
	file, err := q.PNG(scale)
	if err != nil {
		tb.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		tb.Fatal(err)
	}
	return picture
}

// scan reads a picture as a scanner would.
func scan(picture image.Image) (string, error) {
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		return "", err
	}
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, hints)
	if err != nil {
		return "", err
	}
	return result.GetText(), nil
}

func TestQRIsReadAtEveryScale(t *testing.T) {
	t.Parallel()
	issued := mustIssue(t, mustKey(t, 1, testIssuer, 1), testCode())
	for name, text := range map[string]string{"URL": issued.URL, "digits": issued.Digits, "short": "https://a/v/1", "1,000 digits": strings.Repeat("1234567890", 100)} {
		for _, scale := range []int{1, 2, 3, 4, 5, 8, 13} {
			t.Run(fmt.Sprintf("%s at %d", name, scale), func(t *testing.T) {
				t.Parallel()
				got, err := scan(mustPNG(t, mustQR(t, text), scale))
				if err != nil || got != text {
					t.Errorf("read %q, %v", got, err)
				}
			})
		}
	}
}

// A scanned code verifies: the whole way from issue to verdict.
func TestScannedCodeVerifies(t *testing.T) {
	t.Parallel()
	key := mustKey(t, 1, testIssuer, 1)
	set := mustSet(t, *key.PublicKey())
	rapid.Check(t, func(t *rapid.T) {
		code := drawCode(t, 1)
		issued, err := credential.Issue(key, code)
		if err != nil {
			t.Fatal(err)
		}
		q, err := credential.NewQR(issued.URL)
		if err != nil {
			t.Fatal(err)
		}
		file, err := q.PNG(3)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		text, err := scan(picture)
		if v := credential.Verify(text, set, code.Issued()); err != nil || !v.Authentic || v.USCC != code.USCC {
			t.Fatalf("%+v, %v", v, err)
		}
	})
}

// Version 7 (45 modules) at level M is what a printed sign of 25 mm is made for.
func TestPrintedCodeIsVersion7(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		host    string
		modules int
	}{
		"host of 17 characters":          {"q.example.gov.cn1", 45},
		"host of 16 characters":          {"q.example.gov.cn", 45},
		"host of 5 characters":           {"zj.cn", 45},
		"the longest, 24 characters":     {strings.Repeat("a", 24), 49},
		"the longest, in two characters": {strings.Repeat("a.", 11) + "cn", 49},
	} {
		issued := mustIssue(t, mustKey(t, 1, "https://"+c.host, 1), testCode())
		q := mustQR(t, issued.URL)
		if q.Modules() != c.modules {
			t.Errorf("%s: %d modules, want %d", name, q.Modules(), c.modules)
		}
		if text, err := scan(mustPNG(t, q, 4)); text != issued.URL || err != nil {
			t.Errorf("%s: read %q, %v", name, text, err)
		}
	}
}

func TestPNGIsOneBitWithAQuietZone(t *testing.T) {
	t.Parallel()
	q := mustQR(t, mustIssue(t, mustKey(t, 1, testIssuer, 1), testCode()).URL)
	const scale = 5
	file, err := q.PNG(scale)
	if err != nil {
		t.Fatal(err)
	}
	if depth, kind := file[24], file[25]; depth != 1 || kind != 3 { // IHDR: bit depth, colour type (3 = palette)
		t.Errorf("bit depth %d, colour type %d", depth, kind)
	}
	picture := mustPNG(t, q, scale)
	side := picture.Bounds().Dx()
	if want := (45 + 2*credential.QuietZone) * scale; side != want || picture.Bounds().Dy() != want {
		t.Fatalf("%v, want a side of %d", picture.Bounds(), want)
	}
	border := credential.QuietZone * scale
	for y := range side {
		for x := range side {
			inside := x >= border && x < side-border && y >= border && y < side-border
			r, g, b, _ := picture.At(x, y).RGBA()
			if white := r == 0xffff && g == 0xffff && b == 0xffff; !white && (!inside || r+g+b != 0) {
				t.Fatalf("pixel %d, %d is %x %x %x", x, y, r, g, b)
			}
			if picture.At(x, y) != picture.At(x-x%scale, y-y%scale) {
				t.Fatalf("pixel %d, %d differs from its module", x, y)
			}
		}
	}
}

// drawing is an SVG as this package writes it.
type drawing struct {
	ViewBox string `xml:"viewBox,attr"`
	Rect    struct {
		Width  int    `xml:"width,attr"`
		Height int    `xml:"height,attr"`
		Fill   string `xml:"fill,attr"`
	} `xml:"rect"`
	Path []struct {
		D string `xml:"d,attr"`
	} `xml:"path"`
}

// rasterise draws the path's rectangles, one pixel a module.
func (d *drawing) rasterise(tb testing.TB) *image.Gray {
	tb.Helper()
	picture := image.NewGray(image.Rect(0, 0, d.Rect.Width, d.Rect.Height))
	for i := range picture.Pix {
		picture.Pix[i] = 0xff
	}
	for run := range strings.SplitSeq(strings.TrimSuffix(d.Path[0].D, "z"), "z") {
		var x, y, length, back int
		if _, err := fmt.Sscanf(run, "M%d %dh%dv1h-%d", &x, &y, &length, &back); err != nil || length != back || length < 1 {
			tb.Fatalf("run %q: %v", run, err)
		}
		for i := range length {
			picture.SetGray(x+i, y, color.Gray{})
		}
	}
	return picture
}

func TestSVGIsTheSamePicture(t *testing.T) {
	t.Parallel()
	q := mustQR(t, mustIssue(t, mustKey(t, 1, testIssuer, 1), testCode()).URL)
	var svg drawing
	if err := xml.Unmarshal(q.SVG(), &svg); err != nil {
		t.Fatal(err)
	}
	if svg.ViewBox != "0 0 53 53" || svg.Rect.Width != 53 || svg.Rect.Height != 53 || svg.Rect.Fill != "#fff" || len(svg.Path) != 1 {
		t.Fatalf("%+v", svg)
	}
	drawn, want := svg.rasterise(t), mustPNG(t, q, 1)
	for y := range 53 {
		for x := range 53 {
			r, _, _, _ := want.At(x, y).RGBA()
			if uint32(drawn.GrayAt(x, y).Y)*0x101 != r {
				t.Fatalf("module %d, %d differs from the PNG", x, y)
			}
		}
	}
}

func TestQRRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty":                      "",
		"Chinese":                    "质量安全",
		"a line break":               "https://a/v/1\n",
		"a zero byte":                "a\x00b",
		"DEL":                        "a\x7fb",
		"256 characters":             strings.Repeat("a", 256),
		"256, mostly digits":         "a" + strings.Repeat("1", 255),
		"more digits than a QR code": strings.Repeat("1", 6000),
		"10 MB":                      strings.Repeat("1", 10<<20),
	} {
		if q, err := credential.NewQR(text); !errors.Is(err, credential.ErrQR) || q != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	q := mustQR(t, "hello")
	for _, scale := range []int{-8, -1, 0, 1000, 1 << 40, -1 << 62} {
		if file, err := q.PNG(scale); !errors.Is(err, credential.ErrQR) || file != nil {
			t.Errorf("scale %d: %v", scale, err)
		}
	}
}

func TestQRTextsAtTheLimits(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"255 characters":     strings.Repeat("a", 255),
		"256 digits":         strings.Repeat("7", 256),
		"5,000 digits":       strings.Repeat("7", 5000),
		"255, mostly digits": "a" + strings.Repeat("1", 254),
		"capitals":           strings.Repeat("A", 255),
		"one character":      "~",
	} {
		got, err := scan(mustPNG(t, mustQR(t, text), 2))
		if got != text || err != nil {
			t.Errorf("%s: read %q, %v", name, got, err)
		}
	}
}

// Any printable text up to the limit can be drawn and is read again: the QR library does not panic.
func TestAnyTextIsReadAgain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ -~]{1,255}`).Draw(t, "text")
		q, err := credential.NewQR(text)
		if err != nil {
			t.Fatal(err)
		}
		file, err := q.PNG(2)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := scan(picture); got != text || err != nil {
			t.Fatalf("read %q, %v", got, err)
		}
	})
}

func TestQRIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	q := mustQR(t, "https://a/v/1")
	want, err := q.PNG(2)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if got, err := q.PNG(2); err != nil || !bytes.Equal(got, want) {
				t.Errorf("differs, %v", err)
			}
			q.SVG()
		})
	}
	wait.Wait()
}
