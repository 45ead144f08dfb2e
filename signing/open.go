package signing

import (
	"context"
	"errors"
	"fmt"

	"healthcode/credential"
)

// Why a key cannot be opened.
var (
	ErrOtherKey = errors.New("another key than the registered one")
	ErrNoDriver = errors.New("this program was built without PKCS#11: build it with -tags pkcs11 and cgo")
)

// Signer is a key that is open. It is safe for concurrent use.
type Signer interface {
	credential.Signer
	// Close ends the use of the key.
	Close() error
}

// Open opens the key at a location. When want has its Material, the key must be that one in number, algorithm, issuer and public half:
// otherwise ErrOtherKey. Without, any key is taken that does not contradict want: to register it. A hardware token knows neither number nor issuer, so want names
// them then.
func Open(ctx context.Context, l Location, want credential.PublicKey) (Signer, error) {
	var signer Signer
	var err error
	switch l.Driver {
	case DriverFile:
		signer, err = openFile(l)
	case DriverUnix:
		signer, err = openRemote(ctx, l)
	case DriverPKCS11:
		signer, err = openPKCS11(l, want)
	default:
		return nil, fmt.Errorf("%w: no driver %.20q", ErrLocation, l.Driver)
	}
	if err != nil {
		return nil, fmt.Errorf("open the key at %s: %w", l, err)
	}
	if err := compare(signer.PublicKey(), &want); err != nil {
		return nil, errors.Join(fmt.Errorf("open the key at %s: %w", l, err), signer.Close())
	}
	return signer, nil
}

// compare returns ErrOtherKey where a key contradicts what is wanted.
func compare(got, want *credential.PublicKey) error {
	switch {
	case want.Number != 0 && got.Number != want.Number:
		return fmt.Errorf("%w: number %d, want %d", ErrOtherKey, got.Number, want.Number)
	case want.Algorithm != "" && got.Algorithm != want.Algorithm:
		return fmt.Errorf("%w: it signs with %s, want %s", ErrOtherKey, got.Algorithm, want.Algorithm)
	case want.Issuer != "" && got.Issuer != want.Issuer:
		return fmt.Errorf("%w: it signs for %s, want %s", ErrOtherKey, got.Issuer, want.Issuer)
	case want.Material == nil:
		return nil
	}
	a, err := got.Thumbprint()
	if err != nil {
		return err
	}
	b, err := want.Thumbprint()
	if err != nil {
		return err
	}
	if a != b {
		return fmt.Errorf("%w: its public half is not that of key %s", ErrOtherKey, want.ID())
	}
	return nil
}

// fileKey is a key whose private half is in this process.
type fileKey struct{ *credential.Key }

// Close does nothing: the key goes with the process.
func (fileKey) Close() error { return nil }

func openFile(l Location) (Signer, error) {
	passphrase := ""
	if l.Secret != "" {
		var err error
		if passphrase, err = credential.ReadPassphraseFile(l.Secret); err != nil {
			return nil, err
		}
	}
	key, err := credential.ReadKeyFile(l.Path, passphrase)
	if err != nil {
		return nil, err
	}
	return fileKey{key}, nil
}
