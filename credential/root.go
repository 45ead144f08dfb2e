package credential

import (
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
)

// Root is the public half of an issuer's root key: what a verifier pins. The root signs key sets and nothing of every day, so its private
// half can stay off every machine that has a network. Its kid is its thumbprint, so that it never passes for a key of codes.
// A Root never changes.
type Root struct {
	algorithm  Algorithm
	issuer     string
	material   crypto.PublicKey
	point      jwkPoint
	thumbprint string
}

// ErrRoot means that a text or key is not a usable root key.
var ErrRoot = errors.New("not a usable root key")

// RootOf makes the root of a key's public half. The number of the key counts for nothing.
func RootOf(key *PublicKey) (*Root, error) {
	a, err := algorithmOf(key.Algorithm)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRoot, err)
	}
	if err := CheckIssuer(key.Issuer); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRoot, err)
	}
	point, err := a.toJWK(key.Material)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRoot, err)
	}
	return &Root{key.Algorithm, key.Issuer, key.Material, point, point.thumbprint()}, nil
}

// Issuer returns for whom the root vouches.
func (r *Root) Issuer() string { return r.issuer }

// Thumbprint returns the RFC 7638 thumbprint, which is also the kid.
func (r *Root) Thumbprint() string { return r.thumbprint }

// MarshalJSON writes the root as a JWK.
func (r *Root) MarshalJSON() ([]byte, error) {
	return json.Marshal(jwk{jwkPoint: r.point, Kid: r.thumbprint, Alg: r.algorithm, Use: "sig", Iss: r.issuer})
}

// ParseRoot reads a root as MarshalJSON writes it. Every error wraps ErrRoot.
func ParseRoot(data []byte) (*Root, error) {
	var read jwk
	if len(data) > MaxKeySet {
		return nil, fmt.Errorf("%w: it is too long", ErrRoot)
	}
	if err := refuseTwice(data); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRoot, err)
	}
	if json.Unmarshal(data, &read) != nil || read.Use != "sig" {
		return nil, fmt.Errorf("%w: not a JWK for signatures", ErrRoot)
	}
	a, err := algorithmOf(read.Alg)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRoot, err)
	}
	key, err := read.publicKey(1, a) // a root has no number
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRoot, err)
	}
	root, err := RootOf(&key)
	if err != nil {
		return nil, err
	}
	if read.Kid != root.thumbprint {
		return nil, fmt.Errorf("%w: its kid is not its thumbprint", ErrRoot)
	}
	return root, nil
}

// verify checks a token of the root's.
func (r *Root) verify(read *jws) error {
	if read.kid != r.thumbprint {
		return fmt.Errorf("%w: it is not signed by the pinned root", ErrUnknownKey)
	}
	return read.verifyWith(r.algorithm, r.material)
}
