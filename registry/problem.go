package registry

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem says what is wrong with one field and what would be right.
type Problem struct {
	Field   string `json:"field"`
	Problem string `json:"problem"`
	Want    string `json:"want"`
}

// Problems are all the reasons why something is refused. An empty list refuses nothing.
type Problems []Problem

// Error joins the problems into one line.
func (p Problems) Error() string {
	parts := make([]string, len(p))
	for i, one := range p {
		parts[i] = fmt.Sprintf("%s: %s; want %s", one.Field, one.Problem, one.Want)
	}
	return strings.Join(parts, " · ")
}

// Err returns the problems as an error, or nil when there are none.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

func (p *Problems) add(field, problem, want string) {
	*p = append(*p, Problem{Field: field, Problem: problem, Want: want})
}

// text checks one line of text for length in characters, valid UTF-8 and control characters.
func (p *Problems) text(field, value string, maxLength int) {
	switch {
	case len(value) <= maxLength && isPlainLine(value): // nearly all
	case !utf8.ValidString(value):
		p.add(field, "not valid UTF-8", "UTF-8 text")
	case utf8.RuneCountInString(value) > maxLength:
		p.add(field, fmt.Sprintf("%d characters", utf8.RuneCountInString(value)), fmt.Sprintf("at most %d", maxLength))
	case strings.ContainsFunc(value, unicode.IsControl):
		p.add(field, "has a control character", "one line of plain text")
	}
}

// isPlainLine reports whether a text is valid UTF-8 without control characters. It passes over no character that begins with the byte 0xC2, as some control
// characters do: false says only that each character has to be looked at.
func isPlainLine(text string) bool {
	ascii := true
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ', c == 0x7f, c == 0xc2:
			return false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return ascii || utf8.ValidString(text)
}

// required is text that may not be empty.
func (p *Problems) required(field, value string, maxLength int) {
	if strings.TrimSpace(value) == "" {
		p.add(field, "is missing", "a value")
		return
	}
	p.text(field, value, maxLength)
}

func (p *Problems) oneOf(field, value string, allowed []string) {
	for _, a := range allowed {
		if value == a {
			return
		}
	}
	p.add(field, fmt.Sprintf("%.40q is not known", value), "one of "+strings.Join(allowed, ", "))
}

// between checks that a day, when given, lies in a range.
func (p *Problems) between(field string, day, from, to Day) {
	if day != 0 && (day < from || day > to) {
		p.add(field, day.String()+" is out of range", fmt.Sprintf("a date from %s to %s", from, to))
	}
}
