package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"
)

// RecoveryCodes is how many codes an account gets that take the place of its second factor, once each.
const RecoveryCodes = 10

// recoveryLength is the length of a recovery code without its dashes: 80 random bits.
const recoveryLength = 16

// NewRecoveryCodes returns new recovery codes, such as k2vd-7hqa-mm3x-2oyp.
func NewRecoveryCodes() []string {
	codes := make([]string, RecoveryCodes)
	for i := range codes {
		var bits [recoveryLength * 5 / 8]byte
		rand.Read(bits[:]) // crypto/rand.Read never fails: it crashes the program instead (Go 1.24)
		text := strings.ToLower(base32.StdEncoding.EncodeToString(bits[:]))
		codes[i] = strings.Join([]string{text[:4], text[4:8], text[8:12], text[12:]}, "-")
	}
	return codes
}

// RecoveryHash returns what is stored of a recovery code; false when the text cannot be one. Case, blanks and dashes do not count. The code has 80
// random bits, so that its hash needs no salt and no slowness.
func RecoveryHash(text string) (hash string, ok bool) {
	plain := strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(text))
	if len(plain) != recoveryLength || strings.Trim(plain, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		return "", false
	}
	sum := sha256.Sum256([]byte("healthcode recovery " + plain))
	return hex.EncodeToString(sum[:]), true
}
