package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"healthcode/access"
	"healthcode/credential"
	"healthcode/exchange"
	"healthcode/jobs"
	"healthcode/schema"
	"healthcode/signing"

	"github.com/spf13/cobra"
)

// defaultIssuer is who issues codes until somebody says otherwise: this machine.
const defaultIssuer = "http://127.0.0.1:8080"

// keyFlags say with which key codes are signed.
type keyFlags struct{ issuer, passphraseFile, alg string }

func (f *keyFlags) add(c *cobra.Command) {
	f.passphrase(c)
	c.Flags().StringVar(&f.issuer, "issuer", "", "https://HOST that codes name and lead to; fixed when the key is made (default "+defaultIssuer+")")
	c.Flags().StringVar(&f.alg, "sign-with", "", "ES256, EdDSA or SM2SM3: where several keys sign, the one to take (default ES256, or the only one)")
}

func (f *keyFlags) passphrase(c *cobra.Command) {
	c.Flags().StringVar(&f.passphraseFile, "passphrase-file", "", "file with the passphrase that encrypts the key file")
}

func (p *program) keysCommand() *cobra.Command {
	return group("keys", "Signing keys", p.keysListCommand(), p.keysNewCommand(), p.keysActivateCommand(), p.keysRetireCommand(), p.keysRemoveCommand(),
		p.keysRotateCommand(), p.keysCompromiseCommand(), p.keysSignerCommand(), p.keysJWKSCommand(), p.keysRootCommand())
}

func (p *program) keysJWKSCommand() *cobra.Command {
	return &cobra.Command{
		Use: "jwks", Short: "Print the public keys as a JSON Web Key Set", Args: arguments(),
		Example: "  healthcode keys jwks > jwks.json",
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withDB(c.Context(), func(db *schema.DB) error {
				set, err := publicKeys(c.Context(), db)
				if err != nil {
					return err
				}
				return p.print(set)
			})
		},
	}
}

// publicKeys returns the keys that verifiers should trust: all but the removed ones.
func publicKeys(ctx context.Context, db *schema.DB) (*credential.KeySet, error) {
	rows, err := db.Keys(ctx)
	if err != nil {
		return nil, err
	}
	return schema.KeySet(rows)
}

// keyFolder is where the keys of this installation are.
func (p *program) keyFolder(f *keyFlags) signing.Folder {
	return signing.Folder{Path: filepath.Join(p.dir, "keys"), Secret: f.passphraseFile}
}

// signer returns the key that signs, whichever that will be. The first start makes it.
func (p *program) signer(ctx context.Context, db *schema.DB, f *keyFlags) (*jobs.ActiveKey, error) {
	alg := credential.Algorithm(f.alg)
	if alg != "" && !slices.Contains(credential.Algorithms(), alg) {
		return nil, fmt.Errorf("--sign-with: %w: want one of %v", credential.ErrAlgorithm, credential.Algorithms())
	}
	if err := p.firstKey(ctx, db, f, alg); err != nil {
		return nil, err
	}
	key, err := jobs.OpenActiveKey(ctx, db, p.keyFolder(f), alg)
	if err != nil {
		return nil, err
	}
	if has := key.PublicKey().Issuer; f.issuer != "" && f.issuer != has {
		return nil, fmt.Errorf("key %s signs for %s, not for %s: an issuer is fixed when its key is made", key.PublicKey().ID(), has, f.issuer)
	}
	return key, nil
}

// firstKey makes the first key of an installation and has it sign at once: nobody verifies yet. Where a key signs, or ever did, it does
// nothing. A start that was killed in between is taken up.
func (p *program) firstKey(ctx context.Context, db *schema.DB, f *keyFlags, alg credential.Algorithm) error {
	rows, err := db.Keys(ctx)
	if err != nil {
		return err
	}
	number := 0
	for i := range rows {
		if rows[i].State != schema.KeyPending {
			return nil
		}
		if number == 0 && (alg == "" || rows[i].Alg == string(alg)) {
			number = rows[i].Number
		}
	}
	if number == 0 {
		if number, err = p.makeFirst(ctx, db, f, alg); err != nil {
			return fmt.Errorf("make the first signing key: %w", err)
		}
	}
	step := credential.KeyStep{Action: credential.ActivateKey, At: p.now(), By: credential.BySystem, Reason: "the first key", Now: true}
	err = db.TakeKeySteps(ctx, schema.KeyStep{Number: number, KeyStep: step})
	if errors.Is(err, credential.ErrKeyStep) { // another process was faster
		return nil
	}
	return err
}

func (p *program) makeFirst(ctx context.Context, db *schema.DB, f *keyFlags, alg credential.Algorithm) (int, error) {
	if alg == "" {
		alg = credential.ES256
	}
	issuer := f.issuer
	if issuer == "" {
		issuer = defaultIssuer
	}
	now := p.now()
	plan := credential.KeyLife{CreatedAt: now, PlannedFrom: now, PlannedUntil: now.Add(credential.KeyLifetime)}
	number, err := jobs.MakeKey(ctx, db, p.keyFolder(f), alg, issuer, plan)
	return int(number), err
}

// personKey returns the key that hides the names of persons.
func personKey(dir string) ([]byte, error) {
	return secretFile(dir, "person.key", exchange.MinPersonKey, "hides names")
}

// sealKey returns the key that seals the secrets of second factors.
func sealKey(dir string) (key access.SealKey, err error) {
	secret, err := secretFile(dir, "account.key", len(key), "seals second factors")
	copy(key[:], secret)
	return key, err
}

// secretFile returns a key of at least so many bytes, made at the first use: a file of random bytes that only its owner reads. does is what
// it is for, to be named where it is missing.
func secretFile(dir, name string, size int, does string) ([]byte, error) {
	path := filepath.Join(dir, "keys", name)
	key, err := os.ReadFile(path)
	if err == nil && len(key) >= size {
		return key, nil
	}
	if err == nil {
		return nil, fmt.Errorf("%s, the key that %s, is too short: restore it from a backup", path, does)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the key that %s: %w", does, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of keys: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the key that %s: %w", does, err)
	}
	key = make([]byte, size)
	_, _ = rand.Read(key) // never fails, says crypto/rand
	_, err = file.Write(key)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return nil, fmt.Errorf("write the key that %s: %w", does, err)
	}
	return key, nil
}
