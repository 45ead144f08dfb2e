package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// Secret is a random text of 256 bits that its holder shows: a session's, an API key's, a ticket's. Only its hash is stored. It is so
// long that a plain SHA-256 hides it: nobody can try them all.
type Secret string

// NewSecret makes a secret.
func NewSecret() Secret {
	var bytes [32]byte
	rand.Read(bytes[:]) // crypto/rand.Read never fails: it crashes the program instead (Go 1.24)
	return Secret(base64.RawURLEncoding.EncodeToString(bytes[:]))
}

// Hash returns what is stored of it, in hex.
func (s Secret) Hash() string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// Is reports whether this is the secret of a stored hash. It takes as long wherever they differ.
func (s Secret) Is(hash string) bool {
	return subtle.ConstantTimeCompare([]byte(s.Hash()), []byte(hash)) == 1
}

// String hides the secret from logs.
func (s Secret) String() string { return "(secret)" }

// APIKey is what a partner's system sends: Authorization: Bearer hck_PREFIX_SECRET. The prefix finds the key's row and may be shown.
type APIKey struct {
	Prefix string // 10 small hex digits
	Secret Secret
}

const (
	keyMark      = "hck_"
	prefixDigits = 10
	secretLength = 43 // 32 bytes in base64url
)

// NewAPIKey makes a key.
func NewAPIKey() APIKey {
	var prefix [prefixDigits / 2]byte
	rand.Read(prefix[:])
	return APIKey{hex.EncodeToString(prefix[:]), NewSecret()}
}

// Text returns the whole key. It is shown once.
func (k APIKey) Text() string { return keyMark + k.Prefix + "_" + string(k.Secret) }

// ParseAPIKey takes the text of a key apart; ok is false for anything that NewAPIKey cannot have made.
func ParseAPIKey(text string) (key APIKey, ok bool) {
	rest, marked := strings.CutPrefix(text, keyMark)
	if !marked || len(rest) != prefixDigits+1+secretLength || rest[prefixDigits] != '_' {
		return APIKey{}, false
	}
	key = APIKey{rest[:prefixDigits], Secret(rest[prefixDigits+1:])}
	if strings.Trim(key.Prefix, "0123456789abcdef") != "" {
		return APIKey{}, false
	}
	bytes, err := base64.RawURLEncoding.Strict().DecodeString(string(key.Secret))
	return key, err == nil && len(bytes) == 32
}
