package registry_test

import (
	"errors"
	"strings"
	"testing"

	"healthcode/registry"

	"pgregory.net/rapid"
)

func TestParseUSCC(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want registry.USCC
		err  error
	}{
		"worked example":                {"91350100M000100Y43", "91350100M000100Y43", nil},
		"Hangzhou company":              {"91330100799655058B", "91330100799655058B", nil},
		"check character X of the body": {"9144030071526726XG", "9144030071526726XG", nil},
		"Shenzhen company":              {"914403001922038216", "914403001922038216", nil},
		"Beijing company":               {"91110000802100433B", "91110000802100433B", nil},
		"small letters and spaces":      {" 91350100m000100y43 ", "91350100M000100Y43", nil},
		"issued, but fails: Fujian 1":   {"91350100M0001TGQXM", "91350100M0001TGQXM", registry.ErrUSCCCheckDigit},
		"issued, but fails: Fujian 2":   {"91350211M0000XUF46", "91350211M0000XUF46", registry.ErrUSCCCheckDigit},
		"issued, but fails: Fujian 3":   {"91350203M0001FUE2P", "91350203M0001FUE2P", registry.ErrUSCCCheckDigit},
		"letter Z":                      {"91350100M000100Y4Z", "", registry.ErrUSCCAlphabet},
		"letter O for zero":             {"9135O100M000100Y43", "", registry.ErrUSCCAlphabet},
		"full-width digit":              {"９1350100M000100Y43", "", registry.ErrUSCCAlphabet},
		"one short":                     {"91350100M000100Y4", "", registry.ErrUSCCLength},
		"empty":                         {"", "", registry.ErrUSCCLength},
		"10 MB":                         {strings.Repeat("9", 10<<20), "", registry.ErrUSCCLength},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := registry.ParseUSCC(c.text)
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("got %q, %v; want %q, %v", got, err, c.want, c.err)
			}
		})
	}
}

// GB 32100's weights are powers of 3 modulo the prime 31 and the alphabet has 31 values, so one wrong character never passes.
func TestUSCCOneWrongCharacterIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := []byte(drawUSCC(t))
		at := rapid.IntRange(0, 17).Draw(t, "position")
		value := strings.IndexByte(registry.USCCAlphabet, code[at])
		code[at] = registry.USCCAlphabet[(value+rapid.IntRange(1, 30).Draw(t, "shift"))%31]
		if registry.USCC(code).Valid() {
			t.Fatalf("%s passes", code)
		}
	})
}

func drawUSCC(t *rapid.T) string {
	values := rapid.SliceOfN(rapid.IntRange(0, 30), 17, 17).Draw(t, "values")
	first := make([]byte, 17)
	for i, v := range values {
		first[i] = registry.USCCAlphabet[v]
	}
	return string(first) + string(registry.USCCCheckCharacter(string(first)))
}

func FuzzParseUSCC(f *testing.F) {
	f.Add("91350100M000100Y43")
	f.Add("91350100M0001TGQXM")
	f.Fuzz(func(t *testing.T, text string) {
		code, err := registry.ParseUSCC(text)
		if err == nil && !code.Valid() {
			t.Errorf("%q was accepted as %q, which is not valid", text, code)
		}
		if err != nil && !errors.Is(err, registry.ErrUSCCCheckDigit) && code != "" {
			t.Errorf("%q was refused (%v) but gave %q", text, err, code)
		}
	})
}
