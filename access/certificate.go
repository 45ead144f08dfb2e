package access

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
)

// ErrThumbprint is the reason for a text that names no certificate.
var ErrThumbprint = errors.New("is not the thumbprint of a certificate")

// Thumbprint names a certificate: the SHA-256 of its DER form in base64url (x5t#S256 of RFC 8705 section 3.1).
func Thumbprint(der []byte) string {
	sum := sha256.Sum256(der)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// CheckThumbprint refuses what no Thumbprint could be with ErrThumbprint.
func CheckThumbprint(text string) error {
	sum, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(sum) != sha256.Size {
		return ErrThumbprint
	}
	return nil
}

// Presents reports whether somebody who must show one of these certificates showed one; der is nil when none was shown. None required is met by all.
func Presents(thumbprints []string, der []byte) bool {
	return len(thumbprints) == 0 || der != nil && slices.Contains(thumbprints, Thumbprint(der))
}
