package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"healthcode/credential"
	"healthcode/credential/verify"
	"healthcode/registry"

	"github.com/spf13/cobra"
)

// verifyFlags are the flags of code verify.
type verifyFlags struct{ jwks, bundle, root, memory, at string }

func (p *program) codeVerifyCommand() *cobra.Command {
	f := &verifyFlags{}
	c := &cobra.Command{
		Use: "verify TEXT", Short: "Verify a scanned text without database or network", Args: arguments("TEXT"),
		Long: "Verifies the text of a QR code, its digits alone, or a JWT.\n\n" +
			"With --bundle and --root it says whether the code is authentic, whether it is current, and which grade it has as of when. The root\n" +
			"is the issuer's root key, got once on a way that you trust; the bundle is what `healthcode bundle` writes and may come on any way.\n" +
			"With --memory it refuses a bundle older than one that it has seen. Exit code 0: authentic and current; 1: anything else, and why.\n\n" +
			"With --jwks it has nothing but a key set: the grade is that of the time of issue, and nobody looks whether the code was revoked.\n" +
			"Exit code 0: authentic; 1: not, and why.",
		Example: "  healthcode code verify https://q.example.gov.cn/v/0123… --bundle bundle.json --root root.json --memory seen.json\n" +
			"  healthcode keys jwks > jwks.json\n  healthcode code verify https://q.example.gov.cn/v/0123… --jwks jwks.json --json",
	}
	p.jsonFlag(c)
	c.Flags().StringVar(&f.bundle, "bundle", "", "file with the issuer's bundle: keys and lists")
	c.Flags().StringVar(&f.root, "root", "", "file with the public half of the issuer's root key, a JWK")
	c.Flags().StringVar(&f.memory, "memory", "", "file that remembers how new the bundles were; made when it is missing")
	c.Flags().StringVar(&f.jwks, "jwks", "", "file with the issuer's public keys, instead of a bundle")
	c.Flags().StringVar(&f.at, "at", "", "verify as of this instant, RFC 3339 (default now)")
	c.RunE = func(c *cobra.Command, given []string) error {
		if err := f.check(c); err != nil {
			return err
		}
		now, err := parseInstantFlag(c, "at", f.at)
		if err != nil {
			return err
		}
		if now.IsZero() {
			now = p.now()
		}
		verdict, err := f.verify(given[0], now)
		if err != nil {
			return err
		}
		if err := p.printVerdict(&verdict); err != nil {
			return err
		}
		if !verdict.Authentic || f.bundle != "" && verdict.Current != credential.CurrentYes {
			return errQuiet
		}
		return nil
	}
	return c
}

func (f *verifyFlags) check(c *cobra.Command) error {
	switch {
	case f.jwks == "" && f.bundle == "":
		return usage(c, "--bundle or --jwks is missing: name the file with the issuer's bundle, or with its public keys")
	case f.jwks != "" && (f.bundle != "" || f.root != "" || f.memory != ""):
		return usage(c, "--jwks stands alone: a bundle has keys of its own")
	case f.bundle != "" && f.root == "":
		return usage(c, "--root is missing: a bundle is worth nothing without the root key that it is checked with")
	}
	return nil
}

func (f *verifyFlags) verify(text string, now time.Time) (credential.Verdict, error) {
	if f.bundle == "" {
		keys, err := readKeySet(f.jwks)
		if err != nil {
			return credential.Verdict{}, err
		}
		return credential.Verify(text, keys, now), nil
	}
	verifier, err := f.verifier(now)
	if err != nil {
		return credential.Verdict{}, err
	}
	return verifier.Verify(text, now), nil
}

// verifier loads the bundle, and remembers it.
func (f *verifyFlags) verifier(now time.Time) (*verify.Verifier, error) {
	text, err := readCapped(f.root, credential.MaxKeySet)
	if err != nil {
		return nil, fmt.Errorf("read the root key: %w", err)
	}
	root, err := credential.ParseRoot(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.root, err)
	}
	memory, err := readMemory(f.memory)
	if err != nil {
		return nil, err
	}
	bundle, err := readCapped(f.bundle, credential.MaxBundle)
	if err != nil {
		return nil, fmt.Errorf("read the bundle: %w", err)
	}
	verifier := verify.New(root, memory)
	if err := verifier.LoadBundle(bundle, now); err != nil {
		return nil, fmt.Errorf("%s is refused (%s): %w", f.bundle, verify.Refusal(err), err)
	}
	return verifier, writeMemory(f.memory, verifier.Memory())
}

// readMemory reads a memory; a missing file is that of a first time.
func readMemory(path string) (verify.Memory, error) {
	if path == "" {
		return verify.Memory{}, nil
	}
	text, err := readCapped(path, verify.MaxMemory)
	if errors.Is(err, fs.ErrNotExist) {
		return verify.Memory{}, nil
	}
	if err != nil {
		return verify.Memory{}, fmt.Errorf("read the memory: %w", err)
	}
	memory, err := verify.ParseMemory(text)
	if err != nil {
		return verify.Memory{}, fmt.Errorf("%s: %w", path, err)
	}
	return memory, nil
}

// writeMemory replaces the file as a whole, so that a crash leaves the old memory or the new one.
func writeMemory(path string, memory verify.Memory) error {
	if path == "" {
		return nil
	}
	text, err := json.Marshal(memory)
	if err != nil {
		return fmt.Errorf("write the memory: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".memory-*")
	if err != nil {
		return fmt.Errorf("write the memory: %w", err)
	}
	_, err = file.Write(append(text, '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write the memory: %w", errors.Join(err, os.Remove(file.Name())))
	}
	return nil
}

func readKeySet(path string) (*credential.KeySet, error) {
	data, err := readCapped(path, credential.MaxKeySet)
	if err != nil {
		return nil, fmt.Errorf("read the key set: %w", err)
	}
	keys, err := credential.ParseKeySet(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

// readCapped reads a file; of one that is too long, one byte more than allowed, so that its reader refuses it.
func readCapped(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read
	return io.ReadAll(io.LimitReader(file, limit+1))
}

func (p *program) printVerdict(v *credential.Verdict) error {
	if p.json {
		return p.print(v)
	}
	if !v.SignatureValid {
		_, err := fmt.Fprintf(p.out, "NOT AUTHENTIC: %s: %s\n", v.Reason, v.Detail)
		return err
	}
	_, err := fmt.Fprintf(p.out, "%s\nUSCC %s\nissued %s by %s (key %s), until %s\nat issue: tier %s, colour %s%s\n", verdictWord(v), v.USCC,
		inShanghai(v.IssuedAt), v.Issuer, v.KeyID, inShanghai(v.ExpiresAt), v.Tier, v.Colour, gradeWord(v))
	return err
}

// verdictWord says in capitals what counts.
func verdictWord(v *credential.Verdict) string {
	switch {
	case !v.Authentic && !v.StatusAsOf.IsZero():
		return fmt.Sprintf("NOT VALID NOW: %s, by the list of %s", v.Reason, inShanghai(v.StatusAsOf))
	case !v.Authentic:
		return "NOT VALID NOW: " + string(v.Reason)
	case v.Current == credential.CurrentYes:
		return "AUTHENTIC AND CURRENT, by the list of " + inShanghai(v.StatusAsOf)
	case v.Current == credential.CurrentUnknown && v.StatusAsOf.IsZero():
		return "AUTHENTIC, CURRENT GRADE UNKNOWN: " + v.Detail
	case v.Current == credential.CurrentUnknown:
		return fmt.Sprintf("AUTHENTIC, CURRENT GRADE UNKNOWN since %s: %s", inShanghai(v.StatusAsOf), v.Detail)
	}
	return "AUTHENTIC"
}

// gradeWord says what today's grade is, or why the one at issue must not be taken for it.
func gradeWord(v *credential.Verdict) string {
	switch {
	case v.Grade.AsOf.IsZero():
		return "; the current grade may differ"
	case v.Current == credential.CurrentYes:
		return fmt.Sprintf("\nGRADE: tier %s, colour %s, as of %s", v.Grade.Tier, v.Grade.Colour, inShanghai(v.Grade.AsOf))
	}
	return fmt.Sprintf("\ngrade of %s: tier %s, colour %s; whether the code was revoked is unknown", inShanghai(v.Grade.AsOf), v.Grade.Tier, v.Grade.Colour)
}

func inShanghai(t time.Time) string { return t.In(registry.Shanghai).Format(time.RFC3339) }
