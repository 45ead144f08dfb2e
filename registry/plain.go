package registry

import (
	"strings"
	"unicode/utf8"
)

// PlainJSON reports whether encoding/json writes a text as it is, between quotes: valid UTF-8 in which nothing is escaped.
func PlainJSON(text string) bool {
	ascii := true
	for i := range len(text) {
		switch c := text[i]; {
		case c < 0x20, c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return ascii || utf8.ValidString(text) && !strings.ContainsAny(text, "\u2028\u2029")
}
