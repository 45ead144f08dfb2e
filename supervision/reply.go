package supervision

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The lengths of texts, in characters.
const (
	MaxText   = 2000 // what a recourse says
	MaxReply  = 500  // a reply that everybody reads
	MaxReason = 1000 // of a step
)

// ErrText is the reason for a text that is empty, too long or not plain.
var ErrText = errors.New("not a plain text of this length")

// PlainText returns a text as it is kept: lines end with one sign, nothing stands around it. It refuses one that is empty, longer than most
// characters, not UTF-8, or has signs that no reader sees, which could make a text look like another (control signs, and those that turn the
// direction of writing).
func PlainText(text string, most int) (string, error) {
	if !utf8.ValidString(text) {
		return "", ErrText
	}
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	if text == "" || utf8.RuneCountInString(text) > most || strings.ContainsFunc(text, unseen) {
		return "", ErrText
	}
	return text, nil
}

func unseen(r rune) bool {
	turns := r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
	return turns || r != '\n' && r != '\t' && unicode.IsControl(r)
}

// MostOf is how long the text of a recourse of a kind may be.
func (k Kind) MostOf() int {
	if k == Reply {
		return MaxReply
	}
	return MaxText
}
