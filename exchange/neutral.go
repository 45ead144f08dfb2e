package exchange

import (
	"strings"
	"unicode/utf8"
)

// formulaStarts are the characters with which a spreadsheet takes a cell for a formula, full-width forms included.
const formulaStarts = "=+-@\t\r\n＝＋－＠"

// Neutralise makes a cell safe to open in a spreadsheet: a text that would be taken for a formula gets an apostrophe before
// it. Plain numbers such as -3.5 stay. Restore takes the apostrophe off again, and Restore(Neutralise(s)) is always s.
func Neutralise(cell string) string {
	if startsFormula(strings.TrimLeft(cell, "'")) && !plainNumber(cell) {
		return "'" + cell
	}
	return cell
}

// Restore undoes Neutralise.
func Restore(cell string) string {
	if strings.HasPrefix(cell, "'") && startsFormula(strings.TrimLeft(cell, "'")) {
		return cell[1:]
	}
	return cell
}

func startsFormula(s string) bool {
	first, size := utf8.DecodeRuneInString(s)
	return size > 0 && strings.ContainsRune(formulaStarts, first)
}

// plainNumber reports whether s is an optional sign, digits, and an optional fraction.
func plainNumber(s string) bool {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	whole, fraction, dotted := strings.Cut(s, ".")
	return allDigits(whole) && (!dotted || allDigits(fraction))
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
