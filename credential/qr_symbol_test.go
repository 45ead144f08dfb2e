package credential_test

import (
	"bytes"
	"image/png"
	"strings"
	"testing"

	"healthcode/credential"

	library "github.com/skip2/go-qrcode"
	"pgregory.net/rapid"
)

// The picture of a code on a sheet is, module for module, the one that it has elsewhere: version, error correction and mask are the same.
func TestBulkSymbolIsTheSame(t *testing.T) {
	t.Parallel()
	hosts := []string{"https://a.cn/v/", "https://q.example.gov.cn/v/", "https://" + strings.Repeat("a", 24) + "/v/"}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom(hosts).Draw(t, "host") + rapid.StringMatching(`[0-9]{220}`).Draw(t, "digits")
		sameSymbol(t, text)
	})
	for name, text := range map[string]string{"all digits": strings.Repeat("0123456789", 40), "one letter": "a", "letters": strings.Repeat("letters ", 30), "few digits": "abcdefgh1"} {
		t.Run(name, func(t *testing.T) { sameSymbol(t, text) })
	}
}

func sameSymbol(t rapid.TB, text string) {
	t.Helper()
	want, err := library.New(text, library.Medium)
	if err != nil {
		t.Fatal(err)
	}
	q, err := credential.NewBulkQR(text)
	if err != nil {
		t.Fatal(err)
	}
	file, err := q.PNG(1)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	rows := want.Bitmap()
	if len(rows) != picture.Bounds().Dx() {
		t.Fatalf("%d modules with the border, want %d", picture.Bounds().Dx(), len(rows))
	}
	for y, row := range rows {
		for x, black := range row {
			if r, _, _, _ := picture.At(x, y).RGBA(); (r == 0) != black {
				t.Fatalf("module %d, %d differs", x, y)
			}
		}
	}
}
