package registry

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// The quick look at a text lets through only what looking at each character lets through.
func TestPlainLines(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~\x00-\x1f\x7f-\xa0甲é\x{2028}]{0,9}`), rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 9), func(b []byte) string { return string(b) }))
	rapid.Check(t, func(t *rapid.T) {
		one := text.Draw(t, "text")
		good := utf8.ValidString(one) && !strings.ContainsFunc(one, unicode.IsControl)
		if quick := isPlainLine(one); quick && !good || !quick && good && !strings.Contains(one, "\xc2") {
			t.Errorf("%q is good: %v, the quick look says %v", one, good, quick)
		}
	})
}
