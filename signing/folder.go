package signing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"healthcode/credential"
)

// Folder is where an installation keeps its keys: signing-N.key is the file of key N. Where signing-N.uri stands instead, it holds the
// location of key N, one line.
type Folder struct {
	Path   string
	Secret string // file with the passphrase of the key files; empty for none
}

// KeyPath returns the file of a key.
func (f Folder) KeyPath(number uint8) string {
	return filepath.Join(f.Path, fmt.Sprintf("signing-%d.key", number))
}

func (f Folder) uriPath(number uint8) string {
	return filepath.Join(f.Path, fmt.Sprintf("signing-%d.uri", number))
}

// Open opens a key that is registered: see Open. fs.ErrNotExist when the folder knows nothing of it.
func (f Folder) Open(ctx context.Context, want credential.PublicKey) (Signer, error) {
	l, err := f.location(want.Number)
	if err != nil {
		return nil, err
	}
	return Open(ctx, l, want)
}

func (f Folder) location(number uint8) (Location, error) {
	text, err := readLine(f.uriPath(number))
	if errors.Is(err, fs.ErrNotExist) {
		return Location{Driver: DriverFile, Path: f.KeyPath(number), Secret: f.Secret}, nil
	}
	if err != nil {
		return Location{}, fmt.Errorf("read the location of key %d: %w", number, err)
	}
	return ParseLocation(text)
}

func readLine(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(file, MaxLocation+2))
	return strings.TrimRight(string(text), "\r\n"), err
}

// Make makes the file of a new key, or finds that of one that was made before a crash: then made is false. ErrOtherKey when such a file is for
// another algorithm or issuer.
func (f Folder) Make(number uint8, alg credential.Algorithm, issuer string, at time.Time) (key *credential.Key, made bool, err error) {
	passphrase := ""
	if f.Secret != "" {
		if passphrase, err = credential.ReadPassphraseFile(f.Secret); err != nil {
			return nil, false, err
		}
	}
	fresh, err := credential.GenerateKey(alg, number, issuer, at)
	if err != nil {
		return nil, false, fmt.Errorf("make key %d: %w", number, err)
	}
	err = credential.WriteKeyFile(f.KeyPath(number), fresh, passphrase)
	if err == nil {
		return fresh, true, nil
	}
	if !errors.Is(err, fs.ErrExist) {
		return nil, false, err
	}
	found, err := credential.ReadKeyFile(f.KeyPath(number), passphrase)
	if err != nil {
		return nil, false, err
	}
	want := credential.PublicKey{Number: number, Algorithm: alg, Issuer: issuer}
	if err := compare(found.PublicKey(), &want); err != nil {
		return nil, false, fmt.Errorf("%s: %w", f.KeyPath(number), err)
	}
	return found, false, nil
}

// Discard removes the file of a key that Make made and nobody registered.
func (f Folder) Discard(number uint8) error { return os.Remove(f.KeyPath(number)) }

// Point notes where a key is. Noting the same place again changes nothing; fs.ErrExist when another place is noted.
func (f Folder) Point(number uint8, l Location) error {
	if err := os.MkdirAll(f.Path, 0o700); err != nil {
		return fmt.Errorf("make the folder of keys: %w", err)
	}
	file, err := os.OpenFile(f.uriPath(number), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		if text, readErr := readLine(f.uriPath(number)); readErr == nil && text == l.String() {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("note where key %d is: %w", number, err)
	}
	_, err = file.WriteString(l.String() + "\n")
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("note where key %d is: %w", number, err)
	}
	return nil
}
