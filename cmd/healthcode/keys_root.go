package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"healthcode/credential"
	"healthcode/schema"

	"github.com/spf13/cobra"
)

// rootNumber stands in the file of a root key. It counts for nothing: a root is known by its thumbprint, and signs no codes.
const rootNumber = 255

func (p *program) keysRootCommand() *cobra.Command {
	return group("root", "The offline root key, which verifiers pin and which signs the key set",
		p.rootNewCommand(), p.rootSignCommand(), p.rootAddCommand(), p.rootShowCommand())
}

func (p *program) rootNewCommand() *cobra.Command {
	var out, issuer, passphraseFile string
	c := &cobra.Command{
		Use: "new", Short: "Make a root key on an offline machine and print its public half", Args: arguments(),
		Long: "Makes the root key. Do it on a machine without a network, keep the file on two media in two places, and never copy it to a server.\n" +
			"What is printed is public: give it to everyone who verifies without a network, by a way other than this service.",
		Example: "  healthcode keys root new --issuer https://q.example.gov.cn --out root.key --passphrase-file passphrase > root.json",
	}
	c.Flags().StringVar(&out, "out", "", "new file for the private key (required)")
	c.Flags().StringVar(&issuer, "issuer", "", "https://HOST of the codes for whose keys it vouches (required)")
	c.Flags().StringVar(&passphraseFile, "passphrase-file", "", "file with the passphrase that encrypts the key file")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if out == "" || issuer == "" {
			return usage(c, "--out and --issuer are needed")
		}
		passphrase, err := readPassphrase(passphraseFile)
		if err != nil {
			return err
		}
		root, err := p.newRoot(out, issuer, passphrase)
		if err != nil {
			return err
		}
		p.say("root %s for %s: %s stays offline; what follows is public", root.Thumbprint(), issuer, out)
		return p.print(root)
	}
	return c
}

// newRoot makes a root key in a new file.
func (p *program) newRoot(path, issuer, passphrase string) (*credential.Root, error) {
	key, err := credential.NewKey(rootNumber, issuer, p.now())
	if err != nil {
		return nil, fmt.Errorf("make a root key: %w", err)
	}
	root, err := credential.RootOf(key.PublicKey())
	if err != nil {
		return nil, err
	}
	return root, credential.WriteKeyFile(path, key, passphrase)
}

func readPassphrase(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return credential.ReadPassphraseFile(path)
}

func (p *program) rootSignCommand() *cobra.Command {
	var file, jwks, passphraseFile string
	var days int
	c := &cobra.Command{
		Use: "sign", Short: "Sign a key set by the root, on the offline machine", Args: arguments(),
		Long: "Signs the key set that `healthcode keys jwks` printed on the server. Look at its keys first: whoever holds one of them speaks for you\n" +
			"to everyone who pinned this root. Do it again before it ends, and whenever a key comes or goes.",
		Example: "  healthcode keys root sign --root root.key --jwks jwks.json --days 90 > key-set.jwt",
	}
	c.Flags().StringVar(&file, "root", "", "file of the root key (required)")
	c.Flags().StringVar(&jwks, "jwks", "", "file with the public keys (required)")
	c.Flags().StringVar(&passphraseFile, "passphrase-file", "", "file with the passphrase of the key file")
	c.Flags().IntVar(&days, "days", int(credential.KeySetLifetime/(24*time.Hour)), "how long the signature counts, 1 to 3650 days")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if file == "" || jwks == "" || days < 1 || days > 3650 {
			return usage(c, "--root and --jwks are needed, and --days from 1 to 3650")
		}
		passphrase, err := readPassphrase(passphraseFile)
		if err != nil {
			return err
		}
		root, err := credential.ReadKeyFile(file, passphrase)
		if err != nil {
			return err
		}
		keys, err := readKeySet(jwks)
		if err != nil {
			return err
		}
		token, err := credential.SignKeySet(root, keys, p.now(), time.Duration(days)*24*time.Hour)
		if err != nil {
			return fmt.Errorf("sign the key set: %w", err)
		}
		for key := range keys.All() {
			thumbprint, err := key.Thumbprint()
			if err != nil {
				return err
			}
			p.say("signed: key %s, %s, %s, for %s", key.ID(), key.Algorithm, thumbprint, key.Issuer)
		}
		_, err = fmt.Fprintln(p.out, token)
		return err
	}
	return c
}

func (p *program) rootAddCommand() *cobra.Command {
	var public string
	var replace bool
	c := &cobra.Command{
		Use: "add FILE", Short: "Give the server a key set that the root signed", Args: arguments("FILE"),
		Long: "Verifies the signed key set by the root that was added before, or by that of --public the first time, and stores it: the bundle\n" +
			"carries it from then on. It must be for our issuer, newer than the last one, and hold exactly the keys that are not removed.",
		Example: "  healthcode keys root add key-set.jwt --public root.json   # the first time\n  healthcode keys root add key-set.jwt",
	}
	p.jsonFlag(c)
	c.Flags().StringVar(&public, "public", "", "file with the public half of the root key, as keys root new printed it")
	c.Flags().BoolVar(&replace, "replace", false, "let the root of --public take the place of another: every verifier must pin it anew")
	c.RunE = func(c *cobra.Command, given []string) error {
		if replace && public == "" {
			return usage(c, "--replace needs --public")
		}
		token, err := readSmallFile(given[0])
		if err != nil {
			return err
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			root, err := pinnedRoot(c.Context(), db, public, replace)
			if err != nil {
				return err
			}
			if err := p.addKeySet(c.Context(), db, root, strings.TrimSpace(string(token))); err != nil {
				return err
			}
			return p.showRoot(c.Context(), db)
		})
	}
	return c
}

// maxRootFile is room for a signed key set with every key number in use.
const maxRootFile = 2 << 20

func readSmallFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(file, maxRootFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(data) > maxRootFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxRootFile)
	}
	return data, nil
}

// pinnedRoot returns the root that the database knows, or that of a file when it knows none or is to know another.
func pinnedRoot(ctx context.Context, db *schema.DB, public string, replace bool) (*credential.Root, error) {
	known, err := storedRoot(ctx, db)
	if err != nil && !errors.Is(err, schema.ErrNotFound) {
		return nil, err
	}
	if public == "" {
		if known == nil {
			return nil, errors.New("no root is known yet: name the file with its public half by --public")
		}
		return known, nil
	}
	data, err := readSmallFile(public)
	if err != nil {
		return nil, err
	}
	root, err := credential.ParseRoot(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", public, err)
	}
	if known != nil && known.Thumbprint() != root.Thumbprint() && !replace {
		return nil, fmt.Errorf("%s is another root than %s, which verifiers have pinned: --replace if that is meant", root.Thumbprint(), known.Thumbprint())
	}
	return root, nil
}

func storedRoot(ctx context.Context, db *schema.DB) (*credential.Root, error) {
	stored, err := db.Root(ctx)
	if err != nil {
		return nil, err
	}
	return credential.ParseRoot([]byte(stored.JWK))
}

// addKeySet verifies a signed key set and stores it.
func (p *program) addKeySet(ctx context.Context, db *schema.DB, root *credential.Root, token string) error {
	set, err := credential.ParseSignedKeySet(token, root)
	if err != nil {
		return err
	}
	now := p.now()
	if !now.Before(set.ExpiresAt) || set.IssuedAt.After(now.Add(credential.Leeway)) {
		return fmt.Errorf("the key set counts from %s to %s: not now", set.IssuedAt.Format(time.RFC3339), set.ExpiresAt.Format(time.RFC3339))
	}
	ours, err := publicKeys(ctx, db)
	if err != nil {
		return err
	}
	if differences := compareKeys(ours, set.Keys, root.Issuer()); len(differences) > 0 {
		return fmt.Errorf("the key set is not ours: %s; sign what `healthcode keys jwks` prints now", strings.Join(differences, "; "))
	}
	jwk, err := json.Marshal(root)
	if err != nil {
		return fmt.Errorf("write the root key: %w", err)
	}
	return db.AddSignedKeySet(ctx, schema.RootKey{Thumbprint: root.Thumbprint(), JWK: string(jwk)},
		schema.SignedKeySet{IssuedAt: set.IssuedAt, ExpiresAt: set.ExpiresAt, Token: token})
}

// compareKeys says in which keys a signed set differs from ours, which are those that are not removed.
func compareKeys(ours, signed *credential.KeySet, issuer string) []string {
	var differences []string
	have := keyNames(ours)
	for name, key := range keyNames(signed) {
		if have[name] == nil {
			differences = append(differences, fmt.Sprintf("key %s of it is not ours, or removed", key.ID()))
		}
		delete(have, name)
	}
	for _, key := range have {
		differences = append(differences, fmt.Sprintf("it lacks key %s", key.ID()))
	}
	for key := range ours.All() {
		if key.Issuer != issuer {
			differences = append(differences, fmt.Sprintf("the root vouches for %s, key %s signs for %s", issuer, key.ID(), key.Issuer))
		}
	}
	return differences
}

// keyNames tells keys apart by all that a verifier trusts them for.
func keyNames(set *credential.KeySet) map[string]*credential.PublicKey {
	named := map[string]*credential.PublicKey{}
	for key := range set.All() {
		thumbprint, err := key.Thumbprint()
		if err != nil {
			thumbprint = err.Error() // a key of a set was checked when it was read
		}
		named[strings.Join([]string{key.ID(), string(key.Algorithm), thumbprint, key.Issuer}, " ")] = key
	}
	return named
}

// rootReport is what keys root show prints.
type rootReport struct {
	Thumbprint  string           `json:"thumbprint"`
	JWK         *credential.Root `json:"jwk"`
	IssuedAt    time.Time        `json:"signed_at"`
	ExpiresAt   time.Time        `json:"expires_at"`
	Differences []string         `json:"differences,omitempty"` // from the keys that are in use now
}

func (p *program) rootShowCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "show", Short: "Show the root and what it signed last", Args: arguments(),
		Long:    "Shows the root's thumbprint, which people compare by eye, until when its signature counts, and in which keys it differs from ours.",
		Example: "  healthcode keys root show --json",
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withDB(c.Context(), func(db *schema.DB) error { return p.showRoot(c.Context(), db) })
		},
	}
	p.jsonFlag(c)
	return c
}

func (p *program) showRoot(ctx context.Context, db *schema.DB) error {
	root, err := storedRoot(ctx, db)
	if errors.Is(err, schema.ErrNotFound) {
		return errors.New("no root is known yet: make one offline with `healthcode keys root new`, let it sign, then `healthcode keys root add`")
	}
	if err != nil {
		return err
	}
	stored, err := db.SignedKeySet(ctx)
	if err != nil {
		return err
	}
	set, err := credential.ParseSignedKeySet(stored.Token, root)
	if err != nil {
		return err
	}
	ours, err := publicKeys(ctx, db)
	if err != nil {
		return err
	}
	report := rootReport{root.Thumbprint(), root, set.IssuedAt, set.ExpiresAt, compareKeys(ours, set.Keys, root.Issuer())}
	if p.json {
		return p.print(report)
	}
	fmt.Fprintf(p.out, "root %s for %s\nkey set signed %s, counts until %s\n", report.Thumbprint, root.Issuer(), report.IssuedAt.Format(time.RFC3339),
		report.ExpiresAt.Format(time.RFC3339))
	for _, difference := range report.Differences {
		fmt.Fprintf(p.out, "sign again: %s\n", difference)
	}
	return nil
}

// demoRoot gives a demo a root of its own, in its folder, and lets it sign whenever the keys changed or its signature is half over. A real root
// stays offline.
func (p *program) demoRoot(ctx context.Context, db *schema.DB, issuer string) error {
	path := filepath.Join(p.dir, "keys", "root.key")
	if _, err := p.newRoot(path, issuer, ""); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	key, err := credential.ReadKeyFile(path, "")
	if err != nil {
		return err
	}
	root, err := credential.RootOf(key.PublicKey())
	if err != nil {
		return err
	}
	ours, err := publicKeys(ctx, db)
	if err != nil {
		return err
	}
	now := p.now()
	stored, err := db.SignedKeySet(ctx)
	if err != nil && !errors.Is(err, schema.ErrNotFound) {
		return err
	}
	if stored != nil && stored.ExpiresAt.Sub(now) > credential.KeySetLifetime/2 {
		if set, err := credential.ParseSignedKeySet(stored.Token, root); err == nil && len(compareKeys(ours, set.Keys, issuer)) == 0 {
			return nil
		}
	}
	token, err := credential.SignKeySet(key, ours, now, credential.KeySetLifetime)
	if err != nil {
		return err
	}
	return p.addKeySet(ctx, db, root, token)
}
