package credential

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	keySetType = "qc-keyset+jwt"
	// KeySetLifetime is how long a key set signed by the root counts, unless its signer says otherwise.
	KeySetLifetime = 90 * 24 * time.Hour
	// maxSignedKeySet is room for a key set of MaxKeySet bytes in base64url.
	maxSignedKeySet = MaxKeySet/3*4 + 4096
)

// SignedKeySet is a key set for which an issuer's root vouches.
type SignedKeySet struct {
	Keys      *KeySet
	Issuer    string    // of the root
	IssuedAt  time.Time // UTC, whole seconds
	ExpiresAt time.Time
}

// SignKeySet signs a key set with the root's private half and returns the token. lifetime is more than 0. A set that holds the root
// itself is refused: one key never does two things.
func SignKeySet(root Signer, keys *KeySet, at time.Time, lifetime time.Duration) (string, error) {
	pinned, err := RootOf(root.PublicKey())
	if err != nil {
		return "", err
	}
	issued, err := UnixSeconds(at)
	if err != nil {
		return "", err
	}
	expires, err := UnixSeconds(at.Add(lifetime))
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(keySetClaims{pinned.issuer, &issued, &expires, keys.list()})
	if err != nil {
		return "", fmt.Errorf("write key set: %w", err)
	}
	token, err := signJWS(root, pinned.thumbprint, keySetType, payload)
	if err != nil {
		return "", err
	}
	if _, err := ParseSignedKeySet(token, pinned); err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotIssued, err)
	}
	return token, nil
}

// keySetClaims is the payload; its members are written in this order.
type keySetClaims struct {
	Issuer  string       `json:"iss"`
	Issued  *uint32      `json:"iat"`
	Expires *uint32      `json:"exp"`
	Keys    []*PublicKey `json:"keys"`
}

// ParseSignedKeySet verifies a key set with the pinned root. It does not look at the clock. Every error wraps ErrKeySet; ErrBadSignature
// and ErrUnknownKey stand within where they fit.
func ParseSignedKeySet(token string, root *Root) (*SignedKeySet, error) {
	set, err := parseSignedKeySet(token, root)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeySet, err)
	}
	return set, nil
}

func parseSignedKeySet(token string, root *Root) (*SignedKeySet, error) {
	read, err := readJWS(token, maxSignedKeySet)
	if err != nil {
		return nil, err
	}
	if read.typ != keySetType {
		return nil, fmt.Errorf("its typ is not %s", keySetType)
	}
	if err := root.verify(read); err != nil {
		return nil, err
	}
	keys, err := ParseKeySet(read.payload) // refuses a member that stands twice
	if err != nil {
		return nil, err
	}
	var claims struct {
		Iss      string
		Iat, Exp *uint32
	}
	if json.Unmarshal(read.payload, &claims) != nil || claims.Iat == nil || claims.Exp == nil || *claims.Exp <= *claims.Iat {
		return nil, errors.New("iat and exp are missing or no times")
	}
	if claims.Iss != root.issuer {
		return nil, errors.New("the root vouches for another issuer")
	}
	for key := range keys.All() {
		if print, err := key.Thumbprint(); err != nil || print == root.thumbprint {
			return nil, errors.New("it holds the root itself")
		}
	}
	return &SignedKeySet{keys, claims.Iss, timeOrZero(claims.Iat), timeOrZero(claims.Exp)}, nil
}

// list returns the keys, never nil.
func (s *KeySet) list() []*PublicKey {
	keys := []*PublicKey{}
	for key := range s.All() {
		keys = append(keys, key)
	}
	return keys
}
