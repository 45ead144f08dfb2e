package credential

import (
	"crypto"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// ErrPrepared means that a prepared code is none, was signed already, or was prepared for another key.
var ErrPrepared = errors.New("nothing prepared to be signed")

// lives holds how long a code of each form lives.
var lives = map[Form]Lifetime{FormPrinted: PrintedLifetime, FormJWT: PrintedLifetime, FormScreen: ScreenLifetime}

// prepared is a code whose bytes were found good and may be signed once. Nobody outside can make one but by Prepare.
type prepared struct {
	code  Code
	input string // the exact bytes to be signed
	key   *PublicKey
	taken atomic.Bool
}

// Prepare writes the bytes of a code that is to be issued at a moment and compares them with the stored intent on a second path, before anything
// is signed: see ErrLint. What it returns is signed once, by SignPrepared with the same signer.
func Prepare(signer Signer, in Intent, at time.Time) (*prepared, error) {
	life, known := lives[in.Form]
	if !known || in.Model < 1 || in.Model > 1<<16-1 {
		return nil, fmt.Errorf("%w: no such form or model", ErrCode)
	}
	issued, err := UnixSeconds(at)
	if err != nil {
		return nil, err
	}
	c := Code{USCC: in.USCC, IssuedAt: issued, Lifetime: life, Tier: in.Tier, Colour: in.Colour, Model: uint16(in.Model), Index: in.Index}
	return prepare(signer, c, &in, lintedLives[in.Form], at)
}

func prepare(signer Signer, c Code, in *Intent, seconds int64, at time.Time) (*prepared, error) {
	key := signer.PublicKey()
	if err := c.setKey(key); err != nil {
		return nil, err
	}
	p := &prepared{code: c, input: signingInput(headerSegment(key), key.Issuer, &c), key: key}
	if err := lint(p.input, key, in, seconds, at); err != nil {
		return nil, err
	}
	return p, nil
}

// setKey sets version and key where they are not given, and checks everything.
func (c *Code) setKey(key *PublicKey) error {
	if c.Version == 0 {
		c.Version = Version1
	}
	if c.Key == 0 {
		c.Key = key.Number
	}
	if c.Key != key.Number {
		return fmt.Errorf("%w: it names key %d, the signer is key %d", ErrCode, c.Key, key.Number)
	}
	if err := c.Check(); err != nil {
		return err
	}
	return CheckIssuer(key.Issuer) // a Signer of another kind may not have checked it
}

// SignPrepared signs what Prepare found good, once. ErrPrepared for nil, for one that was signed already (or whose signing failed: prepare it
// anew), and for another signer than the one that it was prepared for. Before the code leaves it goes the way of every scanned code: parsed from its URL, unpacked,
// rebuilt and verified with the public key. So a fault of memory, of a driver or of this package costs a code, never a wrong one.
func SignPrepared(signer Signer, p *prepared) (Issued, error) {
	issued, err := signPrepared(signer, p)
	if err != nil {
		return Issued{}, err
	}
	if err := issued.check(p.key); err != nil {
		return Issued{}, fmt.Errorf("%w: %w", ErrNotIssued, err)
	}
	return issued, nil
}

func signPrepared(signer Signer, p *prepared) (Issued, error) {
	if p == nil || p.taken.Swap(true) {
		return Issued{}, ErrPrepared
	}
	if !samePublicKey(signer.PublicKey(), p.key) {
		return Issued{}, fmt.Errorf("%w: it was prepared for another key", ErrPrepared)
	}
	signature, err := signer.Sign(p.input)
	if err != nil {
		return Issued{}, fmt.Errorf("sign code: %w", err)
	}
	packed, err := Pack(&p.code, &signature)
	if err != nil {
		return Issued{}, fmt.Errorf("pack code: %w", err)
	}
	digits := packed.Digits()
	return Issued{p.code, withSignature(p.input, &signature), digits, p.key.Issuer + codePath + digits}, nil
}

func samePublicKey(a, b *PublicKey) bool {
	material, ok := a.Material.(interface{ Equal(crypto.PublicKey) bool })
	return ok && material.Equal(b.Material) && a.Number == b.Number && a.Algorithm == b.Algorithm && a.Issuer == b.Issuer
}
