package registry

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// USCC is a unified social credit code (统一社会信用代码, GB 32100-2015): 18 characters, the last one a check character.
type USCC string

// USCCAlphabet lists the 31 characters of GB 32100-2015 in the order of their values 0 to 30 (no I, O, S, V, Z).
const USCCAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// USCCLength is the length of every unified social credit code.
const USCCLength = 18

// Reasons why a text is not a unified social credit code.
var (
	ErrUSCCLength     = errors.New("a unified social credit code has 18 characters")
	ErrUSCCAlphabet   = errors.New("a unified social credit code uses 0-9 and A-Z without I, O, S, V, Z")
	ErrUSCCCheckDigit = errors.New("the check character does not fit the first 17 characters")
)

// usccValue maps a byte to its GB 32100 value, or -1.
var usccValue = func() (v [256]int8) {
	for i := range v {
		v[i] = -1
	}
	for i := range USCCAlphabet {
		v[USCCAlphabet[i]] = int8(i)
	}
	return v
}()

// ParseUSCC trims and upper-cases text and checks length, alphabet and check character (GB 32100-2015).
// When only the check character is wrong it returns the code together with an error that wraps ErrUSCCCheckDigit, because a few
// legally issued codes fail it: see Enterprise.USCCOverride. With any other error the code is empty.
func ParseUSCC(text string) (USCC, error) {
	s := strings.ToUpper(strings.TrimSpace(text))
	if n := utf8.RuneCountInString(s); n != USCCLength {
		return "", fmt.Errorf("%w, this has %d", ErrUSCCLength, n)
	}
	for i := range len(s) { // a character of several bytes fails at its first
		if usccValue[s[i]] < 0 {
			return "", fmt.Errorf("%w: position %d", ErrUSCCAlphabet, i+1)
		}
	}
	if want := USCCCheckCharacter(s[:17]); s[17] != want {
		return USCC(s), fmt.Errorf("%w: it would be %q", ErrUSCCCheckDigit, string(want))
	}
	return USCC(s), nil
}

// USCCCheckCharacter returns the 18th character for the first 17: weights 3^(i-1) mod 31, check value
// (31 - sum mod 31) mod 31 (GB 32100-2015). The caller has checked length and alphabet.
func USCCCheckCharacter(first17 string) byte {
	sum, weight := 0, 1
	for i := range len(first17) {
		sum += int(usccValue[first17[i]]) * weight
		weight = weight * 3 % 31
	}
	return USCCAlphabet[(31-sum%31)%31]
}

// Valid reports whether the code passes every rule, the check character included.
func (c USCC) Valid() bool {
	parsed, err := ParseUSCC(string(c))
	return err == nil && parsed == c
}
