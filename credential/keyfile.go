package credential

import (
	"bytes"
	"crypto"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// Why a key file cannot be read or written. An existing file gives fs.ErrExist, a missing one fs.ErrNotExist.
var (
	ErrKeyFile          = errors.New("not a key file")
	ErrWrongPassphrase  = errors.New("wrong passphrase")
	ErrPassphraseNeeded = errors.New("the key file is encrypted: give the file that holds its passphrase")
	ErrNotEncrypted     = errors.New("a passphrase was given but the key file is not encrypted")
	ErrLoosePermission  = errors.New("others may read it")
)

const (
	maxKeyFile    = 64 << 10
	maxPassphrase = 4 << 10
	pemType       = "PRIVATE KEY" // PKCS#8
	// scrypt with 2^17 rounds of 1 KiB takes 128 MiB and a fraction of a second; files made with up to 2^20 are read.
	workFactor    = 17
	maxWorkFactor = 20
)

// WriteKeyFile writes the key to a new file, readable by its owner only; a missing folder is made likewise. With a passphrase the whole
// file is encrypted (age, scrypt). The file appears whole or not at all and never replaces another one: then the error wraps
// fs.ErrExist. The key must hold its private key in memory, as those of NewKey and ReadKeyFile do.
func WriteKeyFile(path string, key *Key, passphrase string) error {
	text, err := key.encode()
	if err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	if passphrase != "" {
		if text, err = encrypt(text, passphrase); err != nil {
			return fmt.Errorf("encrypt key file: %w", err)
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	if err := writeNew(path, text); err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	return nil
}

// ReadKeyFile reads what WriteKeyFile wrote. A file that others may read is refused with ErrLoosePermission, because its key may be known
// to others. The passphrase is empty for a file that is not encrypted.
func ReadKeyFile(path, passphrase string) (*Key, error) {
	text, err := readPrivate(path, maxKeyFile)
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	key, err := parseKeyFile(text, passphrase)
	if err != nil {
		return nil, fmt.Errorf("read key file %s: %w", path, err)
	}
	return key, nil
}

// ReadPassphraseFile reads a passphrase: the whole file without the line break at its end. It refuses a file that others may
// read and an empty passphrase.
func ReadPassphraseFile(path string) (string, error) {
	text, err := readPrivate(path, maxPassphrase)
	if err != nil {
		return "", fmt.Errorf("read passphrase file: %w", err)
	}
	passphrase := strings.TrimRight(string(text), "\r\n")
	if passphrase == "" {
		return "", fmt.Errorf("read passphrase file: %s is empty", path)
	}
	return passphrase, nil
}

// readPrivate reads a file of at most limit bytes that its owner alone may read. The permission is that of the opened file, so it
// cannot be exchanged in between.
func readPrivate(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" { // Windows has no such bits
		return nil, fmt.Errorf("%w: %s has mode %04o; if nobody else can have read it, run: chmod 600 %s", ErrLoosePermission, path, mode, path)
	}
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return text, err
}

// writeNew writes a file that must not exist yet: whole into a temporary one beside it, to the disk, then under its name.
func writeNew(path string, text []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), ".key-*") // exclusive, mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // its other name stays
	_, err = temporary.Write(text)
	if err == nil {
		err = temporary.Sync()
	}
	if err := errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	if err := nameNew(temporary.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// nameNew gives a file its name unless the name is taken. Where the file system knows no links, the name is first taken by an empty
// file and then replaced.
func nameNew(temporary, path string) error {
	err := os.Link(temporary, path)
	if err == nil || errors.Is(err, os.ErrExist) {
		return err
	}
	return reserveAndRename(temporary, path)
}

func reserveAndRename(temporary, path string) error {
	reserved, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := reserved.Close(); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// syncFolder makes the new name outlast a power cut.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" { // cannot open a folder
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }() // only read
	return folder.Sync()
}

// encode writes the key as text: what it is, line by line, then PKCS#8 as PEM. Tools that read PEM pass over the lines.
func (k *Key) encode() ([]byte, error) {
	der, err := k.algorithm.toPKCS8(k.private)
	if err != nil {
		return nil, errors.New("the private key is not in this process")
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "number: %d\nalgorithm: %s\nissuer: %s\ncreated: %s\n",
		k.public.Number, k.public.Algorithm, k.public.Issuer, k.created.Format(time.RFC3339))
	if err := pem.Encode(&text, &pem.Block{Type: pemType, Bytes: der}); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

// parseKeyFile reads a key file's bytes, encrypted or not.
func parseKeyFile(text []byte, passphrase string) (*Key, error) {
	encrypted := bytes.HasPrefix(text, []byte(armor.Header))
	switch {
	case encrypted && passphrase == "":
		return nil, ErrPassphraseNeeded
	case !encrypted && passphrase != "":
		return nil, ErrNotEncrypted
	case encrypted:
		var err error
		if text, err = decrypt(text, passphrase); err != nil {
			return nil, err
		}
	}
	return decodeKey(text)
}

func decodeKey(text []byte) (*Key, error) {
	start := bytes.Index(text, []byte("-----BEGIN "))
	if start < 0 {
		return nil, fmt.Errorf("%w: it holds no PEM block", ErrKeyFile)
	}
	block, rest := pem.Decode(text[start:])
	if block == nil || block.Type != pemType || len(block.Headers) > 0 || len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("%w: it does not end with one %s block", ErrKeyFile, pemType)
	}
	key, err := keyWithLabels(string(text[:start]), block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	return key, nil
}

// keyWithLabels reads the four lines above the PEM block, in their order, and the private key by its algorithm.
func keyWithLabels(lines string, der []byte) (*Key, error) {
	var values [4]string
	for i, name := range []string{"number", "algorithm", "issuer", "created"} {
		line, rest, _ := strings.Cut(lines, "\n")
		value, ok := strings.CutPrefix(strings.TrimSuffix(line, "\r"), name+": ")
		if !ok {
			return nil, fmt.Errorf("line %d must be %q and a value", i+1, name+": ")
		}
		values[i], lines = value, rest
	}
	if strings.TrimSpace(lines) != "" {
		return nil, errors.New("line 5 must begin the PEM block")
	}
	number, err := ParseKeyNumber(values[0])
	if err != nil {
		return nil, err
	}
	created, err := time.Parse(time.RFC3339, values[3])
	if err != nil {
		return nil, errors.New("created must be a time like 2026-01-02T03:04:05Z")
	}
	private, err := parsePrivate(Algorithm(values[1]), der)
	if err != nil {
		return nil, err
	}
	public := PublicKey{Number: number, Algorithm: Algorithm(values[1]), Issuer: values[2], Material: private.Public()}
	return WrapSigner(public, created, private)
}

func parsePrivate(name Algorithm, der []byte) (crypto.Signer, error) {
	a, err := algorithmOf(name)
	if err != nil {
		return nil, err
	}
	private, err := a.fromPKCS8(der)
	if err != nil { // the error is not shown: it may quote what it read
		return nil, errors.New("its PKCS#8 content cannot be read")
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, errors.New("it holds no signing key")
	}
	return signer, nil
}

func encrypt(text []byte, passphrase string) ([]byte, error) {
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	recipient.SetWorkFactor(workFactor)
	var out bytes.Buffer
	armored := armor.NewWriter(&out)
	in, err := age.Encrypt(armored, recipient)
	if err != nil {
		return nil, err
	}
	if _, err := in.Write(text); err != nil {
		return nil, err
	}
	if err := errors.Join(in.Close(), armored.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func decrypt(text []byte, passphrase string) ([]byte, error) {
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, err
	}
	identity.SetMaxWorkFactor(maxWorkFactor)
	plain, err := age.Decrypt(armor.NewReader(bytes.NewReader(text)), identity)
	if errors.Is(err, age.ErrIncorrectIdentity) {
		return nil, ErrWrongPassphrase
	}
	if err != nil {
		return nil, fmt.Errorf("%w: its encryption is damaged", ErrKeyFile)
	}
	out, err := io.ReadAll(plain)
	if err != nil {
		return nil, fmt.Errorf("%w: its encryption is damaged", ErrKeyFile)
	}
	return out, nil
}
