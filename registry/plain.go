package registry

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// What encoding/json escapes although it is printable: two ends of lines of JavaScript. Both begin with a byte that Chinese characters do not begin with.
const lineSeparator, paragraphSeparator = "\u2028", "\u2029"

// PlainJSON reports whether encoding/json writes a text as it is, between quotes: valid UTF-8 in which nothing is escaped.
func PlainJSON(text string) bool {
	ascii, separators := true, false
	for i := range len(text) {
		switch c := text[i]; {
		case c < 0x20, c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		case c >= utf8.RuneSelf:
			ascii, separators = false, separators || c == lineSeparator[0]
		}
	}
	return ascii || utf8.ValidString(text) &&
		(!separators || !strings.Contains(text, lineSeparator) && !strings.Contains(text, paragraphSeparator))
}

// AppendJSON appends a text as encoding/json writes it. What is not valid UTF-8 comes out as U+FFFD.
func AppendJSON(dst []byte, text string) []byte {
	if PlainJSON(text) {
		return append(append(append(dst, '"'), text...), '"')
	}
	written, err := json.Marshal(text)
	if err != nil { // a text can always be written
		panic(err)
	}
	return append(dst, written...)
}
