package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"healthcode/credential"
	"healthcode/exchange"
	"healthcode/schema"

	"github.com/spf13/cobra"
)

// defaultIssuer is who issues codes until somebody says otherwise: this machine.
const defaultIssuer = "http://127.0.0.1:8080"

// keyFlags say with which key codes are signed.
type keyFlags struct{ issuer, passphraseFile string }

func (f *keyFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.issuer, "issuer", "", "https://HOST that codes name and lead to; fixed when the key is made (default "+defaultIssuer+")")
	c.Flags().StringVar(&f.passphraseFile, "passphrase-file", "", "file with the passphrase that encrypts the key file")
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
	var keys []credential.PublicKey
	for _, row := range rows {
		if row.State == schema.KeyRemoved {
			continue
		}
		var key credential.PublicKey
		if err := json.Unmarshal([]byte(row.JWK), &key); err != nil {
			return nil, fmt.Errorf("read key %s: %w", row.KID, err)
		}
		keys = append(keys, key)
	}
	return credential.NewKeySet(keys...)
}

// signer returns the key that signs. The first start makes it.
func (p *program) signer(ctx context.Context, db *schema.DB, f *keyFlags) (*credential.Key, error) {
	passphrase := ""
	if f.passphraseFile != "" {
		var err error
		if passphrase, err = credential.ReadPassphraseFile(f.passphraseFile); err != nil {
			return nil, fmt.Errorf("read the passphrase: %w", err)
		}
	}
	rows, err := db.Keys(ctx)
	if err != nil {
		return nil, err
	}
	number := 1
	for _, row := range rows {
		if row.State == schema.KeyActive {
			return p.knownKey(row, f, passphrase)
		}
		number = max(number, row.Number+1)
	}
	return p.firstKey(ctx, db, number, f, passphrase)
}

func (p *program) keyPath(number int) string {
	return filepath.Join(p.dir, "keys", fmt.Sprintf("signing-%d.key", number))
}

// knownKey reads the file of the key that the database calls active.
func (p *program) knownKey(row schema.SigningKey, f *keyFlags, passphrase string) (*credential.Key, error) {
	path := p.keyPath(row.Number)
	key, err := credential.ReadKeyFile(path, passphrase)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the database signs with key %s, whose file %s is missing: put it there, or name its folder with --dir: %w", row.KID, path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read the signing key %s: %w", path, err)
	}
	public, err := json.Marshal(key.PublicKey())
	if err != nil {
		return nil, fmt.Errorf("write the public key: %w", err)
	}
	if string(public) != row.JWK {
		return nil, fmt.Errorf("%s is not key %s of the database", path, row.KID)
	}
	if f.issuer != "" && f.issuer != key.PublicKey().Issuer {
		return nil, fmt.Errorf("key %s signs for %s, not for %s: an issuer is fixed when its key is made", row.KID, key.PublicKey().Issuer, f.issuer)
	}
	return key, nil
}

// firstKey makes a key, or finds the file of one that was made before a crash, and tells the database.
func (p *program) firstKey(ctx context.Context, db *schema.DB, number int, f *keyFlags, passphrase string) (*credential.Key, error) {
	issuer := f.issuer
	if issuer == "" {
		issuer = defaultIssuer
	}
	path := p.keyPath(number)
	made, err := credential.NewKey(uint8(min(number, 255)), issuer, p.now())
	if err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	if err := credential.WriteKeyFile(path, made, passphrase); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("write the signing key %s: %w", path, err)
	}
	key, err := credential.ReadKeyFile(path, passphrase)
	if err != nil {
		return nil, fmt.Errorf("read the signing key %s: %w", path, err)
	}
	public, err := json.Marshal(key.PublicKey())
	if err != nil {
		return nil, fmt.Errorf("write the public key: %w", err)
	}
	row := schema.SigningKey{Number: number, KID: key.PublicKey().ID(), Alg: string(key.PublicKey().Algorithm), JWK: string(public)}
	if err := db.AddKey(ctx, row); err != nil {
		return nil, fmt.Errorf("store the public key: %w", err)
	}
	if err := db.MoveKey(ctx, number, schema.KeyActive); err != nil {
		return nil, fmt.Errorf("make the key active: %w", err)
	}
	return key, nil
}

// personKey returns the key that hides the names of persons, made at the first use: a file of random bytes that only its owner reads.
func personKey(dir string) ([]byte, error) {
	path := filepath.Join(dir, "keys", "person.key")
	key, err := os.ReadFile(path)
	if err == nil && len(key) >= exchange.MinPersonKey {
		return key, nil
	}
	if err == nil {
		return nil, fmt.Errorf("%s is too short to hide names: restore it from a backup", path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the key that hides names: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of keys: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the key that hides names: %w", err)
	}
	key = make([]byte, exchange.MinPersonKey)
	_, _ = rand.Read(key) // never fails, says crypto/rand
	_, err = file.Write(key)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return nil, fmt.Errorf("write the key that hides names: %w", err)
	}
	return key, nil
}
