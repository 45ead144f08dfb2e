package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/schema"

	"github.com/spf13/cobra"
)

// bundleReport is what bundle prints.
type bundleReport struct {
	File      string    `json:"file"`
	Bytes     int       `json:"bytes"`
	Gzip      int       `json:"gzip_bytes"` // as a server that presses it sends it
	Lists     int       `json:"lists"`
	Codes     int       `json:"codes"` // issued so far
	IssuedAt  time.Time `json:"issued_at"`
	ExpiresAt time.Time `json:"expires_at"` // after that a verifier cannot say any more that a code is current
	KeySetEnd time.Time `json:"key_set_expires_at"`
}

func (p *program) bundleCommand() *cobra.Command {
	var out, rootFile, rootPassphrase string
	keys := &keyFlags{}
	c := &cobra.Command{
		Use: "bundle", Short: "Write key set, status and grades in one signed file for verifiers without a network", Args: arguments(),
		Long: "Publishes what is due and writes the bundle: the key set that the root signed, every list, and a manifest that binds them. The manifest\n" +
			"is signed by the active key; with --root by the root itself, for a machine that has both.",
		Example: "  healthcode bundle --out bundle.json\n  healthcode code verify https://q.example.gov.cn/v/0123… --bundle bundle.json --root root.json",
	}
	p.jsonFlag(c)
	keys.add(c)
	c.Flags().StringVar(&out, "out", "", "file to write (required)")
	c.Flags().StringVar(&rootFile, "root", "", "file of the root key, to sign the manifest by the root")
	c.Flags().StringVar(&rootPassphrase, "root-passphrase-file", "", "file with the passphrase of the root key's file")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if out == "" {
			return usage(c, "--out is missing: name the file to write")
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			key, err := p.signer(c.Context(), db, keys)
			if err != nil {
				return err
			}
			if err := p.publishDue(c.Context(), &jobs.Publish{DB: db, Signer: key, Clock: p.now}); err != nil {
				return err
			}
			var signer credential.Signer = key
			if rootFile != "" {
				if signer, err = readRootKey(rootFile, rootPassphrase); err != nil {
					return err
				}
			}
			return p.writeBundle(c.Context(), &jobs.Bundle{DB: db, Signer: signer, Clock: p.now}, out)
		})
	}
	return c
}

func readRootKey(path, passphraseFile string) (*credential.Key, error) {
	passphrase, err := readPassphrase(passphraseFile)
	if err != nil {
		return nil, err
	}
	return credential.ReadKeyFile(path, passphrase)
}

// publishDue publishes what is due now. A server that publishes does it anyway.
func (p *program) publishDue(ctx context.Context, job *jobs.Publish) error {
	_, err := job.RunOnce(ctx)
	if errors.Is(err, schema.ErrNothingDue) || errors.Is(err, schema.ErrRunning) {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("publish the lists: %w", err)
	}
	return errors.Join(err, job.Release(ctx))
}

func (p *program) writeBundle(ctx context.Context, job *jobs.Bundle, out string) error {
	made, err := job.Newest(ctx)
	if err != nil {
		return err
	}
	pressed, err := gzipSize(made.Body)
	if err != nil {
		return err
	}
	codes, err := job.DB.CountCodes(ctx)
	if err != nil {
		return err
	}
	if err := replaceFile(out, made.Body); err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	report := bundleReport{out, len(made.Body), pressed, len(made.Lists), codes, made.IssuedAt, made.ExpiresAt, made.KeySetEnd}
	if p.json {
		return p.print(report)
	}
	p.say("%s: %d bytes (%d with gzip), %d lists for %d codes, current until %s; the key set counts until %s", out, report.Bytes, report.Gzip,
		report.Lists, report.Codes, report.ExpiresAt.Format(time.RFC3339), report.KeySetEnd.Format(time.RFC3339))
	return nil
}

func gzipSize(body []byte) (int, error) {
	var pressed bytes.Buffer
	w := gzip.NewWriter(&pressed)
	_, err := w.Write(body)
	err = errors.Join(err, w.Close()) // what is left is written here
	return pressed.Len(), err
}

// replaceFile writes a file that a reader sees whole: the old one or the new one.
func replaceFile(path string, body []byte) error {
	half, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(half.Name()) }() // it has its name by then
	_, err = half.Write(body)
	if err := errors.Join(err, half.Chmod(0o644), half.Sync(), half.Close()); err != nil {
		return err
	}
	return os.Rename(half.Name(), path)
}
