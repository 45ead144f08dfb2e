package credential

import (
	"crypto"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// PublicKey is what a verifier must know about a signing key.
type PublicKey struct {
	Number    uint8            // 1 to 255, the kid byte of the packed form
	Algorithm Algorithm        // the only one that its signatures may use
	Issuer    string           // the issuer for whom it signs: see CheckIssuer
	Material  crypto.PublicKey // *ecdsa.PublicKey on P-256 for ES256 and on SM2 for SM2SM3, ed25519.PublicKey for EdDSA
	NotBefore time.Time        // codes issued earlier are not by this key; zero = no limit
	NotAfter  time.Time        // codes issued later are not by this key; zero = no limit
}

// ErrKeyNumber means that a key number is not 1 to 255.
var ErrKeyNumber = errors.New("a key number is 1 to 255, in plain digits")

// ID returns the kid: the number in decimal.
func (k *PublicKey) ID() string { return keyID(k.Number) }

func keyID(number uint8) string { return strconv.Itoa(int(number)) }

// Check says what is wrong with the key, or nil.
func (k *PublicKey) Check() error {
	if k.Number == 0 {
		return ErrKeyNumber
	}
	if err := CheckIssuer(k.Issuer); err != nil {
		return err
	}
	a, err := algorithmOf(k.Algorithm)
	if err != nil {
		return err
	}
	if _, err := a.toJWK(k.Material); err != nil {
		return err
	}
	if !k.NotAfter.IsZero() && k.NotAfter.Before(k.NotBefore) {
		return errors.New("the key ends before it begins")
	}
	return nil
}

// signedAt reports whether the key was in use at t.
func (k *PublicKey) signedAt(t time.Time) bool {
	return (k.NotBefore.IsZero() || !t.Before(k.NotBefore)) && (k.NotAfter.IsZero() || !t.After(k.NotAfter))
}

// ParseKeyNumber reads a kid: 1 to 255 in decimal without leading zeros.
func ParseKeyNumber(kid string) (uint8, error) {
	n, err := strconv.ParseUint(kid, 10, 8)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != kid {
		return 0, ErrKeyNumber
	}
	return uint8(n), nil
}

// Signer signs the tokens of one key. The private key may live in this process, in a hardware token or on another machine.
type Signer interface {
	// PublicKey returns the key that verifies what Sign returns. The caller does not change it.
	PublicKey() *PublicKey
	// Sign returns the JOSE signature of a token's signing input (header "." payload).
	Sign(signingInput string) (Signature, error)
}

// Key is a signing key: a crypto.Signer with its number, algorithm and issuer. It is safe for concurrent use when its
// crypto.Signer is; those that NewKey and ReadKeyFile return are.
type Key struct {
	public    PublicKey
	created   time.Time
	algorithm algorithm
	private   crypto.Signer
}

var _ Signer = (*Key)(nil)

// NewKey makes a new ES256 key for the issuer. The randomness is the operating system's.
func NewKey(number uint8, issuer string, created time.Time) (*Key, error) {
	return GenerateKey(ES256, number, issuer, created)
}

// GenerateKey makes a new key of any algorithm; ErrAlgorithm for an unknown one.
func GenerateKey(name Algorithm, number uint8, issuer string, created time.Time) (*Key, error) {
	a, err := algorithmOf(name)
	if err != nil {
		return nil, err
	}
	private, err := a.generate()
	if err != nil {
		return nil, fmt.Errorf("generate key: %w", err)
	}
	public := PublicKey{Number: number, Algorithm: name, Issuer: issuer, Material: private.Public()}
	return WrapSigner(public, created, private)
}

// WrapSigner makes a Key of a private key that lives elsewhere. public.Material must be the public half of private.
func WrapSigner(public PublicKey, created time.Time, private crypto.Signer) (*Key, error) {
	if err := public.Check(); err != nil {
		return nil, err
	}
	material, ok := public.Material.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !material.Equal(private.Public()) {
		return nil, fmt.Errorf("%w: the private key is not that of the public key", ErrAlgorithm)
	}
	return &Key{public, created.UTC().Truncate(time.Second), algorithms[public.Algorithm], private}, nil
}

// PublicKey returns the public half.
func (k *Key) PublicKey() *PublicKey { return &k.public }

// CreatedAt returns when the key was made, in whole seconds, UTC.
func (k *Key) CreatedAt() time.Time { return k.created }

// Sign returns the JOSE signature of signingInput.
func (k *Key) Sign(signingInput string) (Signature, error) {
	raw, err := k.algorithm.method.Sign(signingInput, k.private)
	if err != nil {
		return Signature{}, fmt.Errorf("key %s: %w", k.public.ID(), err)
	}
	if len(raw) != SignatureSize {
		return Signature{}, fmt.Errorf("key %s: %w: a signature of %d bytes", k.public.ID(), ErrAlgorithm, len(raw))
	}
	return Signature(raw), nil
}
