package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"

	"github.com/spf13/cobra"
)

// pngScale is the pixels of a module in a PNG: 53 modules with their border become 530 pixels.
const pngScale = 10

func (p *program) codeIssueCommand() *cobra.Command {
	var form, png, svg string
	keys := &keyFlags{}
	c := &cobra.Command{
		Use: "issue USCC", Short: "Issue a signed health code with the current grade", Args: arguments("USCC"),
		Example: "  healthcode code issue 91350100M000100Y43 --form printed --png code.png --svg code.svg",
	}
	p.jsonFlag(c)
	keys.add(c)
	c.Flags().StringVar(&form, "form", string(credential.FormPrinted), "printed (365 days), screen (180 seconds) or jwt (for machines)")
	c.Flags().StringVar(&png, "png", "", "write the QR code as PNG")
	c.Flags().StringVar(&svg, "svg", "", "write the QR code as SVG")
	c.RunE = func(c *cobra.Command, given []string) error {
		code, err := parseCode(c, given[0])
		if err != nil {
			return err
		}
		switch credential.Form(form) {
		case credential.FormPrinted, credential.FormScreen, credential.FormJWT:
		default:
			return usage(c, "--form: %q is not known; want printed, screen or jwt", form)
		}
		if credential.Form(form) == credential.FormJWT && (png != "" || svg != "") {
			return usage(c, "a JWT is for machines: use --form printed or screen for a QR code")
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			key, err := p.signer(c.Context(), db, keys)
			if err != nil {
				return err
			}
			issuer := &jobs.Issuer{DB: db, Signer: key, Clock: p.now}
			issued, err := issuer.Issue(c.Context(), code, credential.Form(form))
			if err != nil {
				return err
			}
			if err := writeImages(issued.URL, png, svg); err != nil {
				return err
			}
			return p.printIssued(&issued, credential.Form(form))
		})
	}
	return c
}

func writeImages(text, png, svg string) error {
	if png == "" && svg == "" {
		return nil
	}
	qr, err := credential.NewQR(text)
	if err != nil {
		return err
	}
	if svg != "" {
		if err := os.WriteFile(svg, qr.SVG(), 0o644); err != nil {
			return fmt.Errorf("write the SVG: %w", err)
		}
	}
	if png == "" {
		return nil
	}
	image, err := qr.PNG(pngScale)
	if err != nil {
		return err
	}
	if err := os.WriteFile(png, image, 0o644); err != nil {
		return fmt.Errorf("write the PNG: %w", err)
	}
	return nil
}

// issuedCode is what code issue prints. iat and exp are Unix seconds, as in the token.
type issuedCode struct {
	Text      string        `json:"text"`
	JWT       string        `json:"jwt"`
	KID       string        `json:"kid"`
	Index     uint32        `json:"idx"`
	IssuedAt  int64         `json:"iat"`
	ExpiresAt int64         `json:"exp"`
	USCC      registry.USCC `json:"uscc"`
	Form      string        `json:"form"`
}

func (p *program) printIssued(i *credential.Issued, form credential.Form) error {
	text := i.URL
	if form == credential.FormJWT {
		text = i.JWT
	}
	if !p.json {
		_, err := fmt.Fprintln(p.out, text)
		return err
	}
	return p.print(issuedCode{Text: text, JWT: i.JWT, KID: i.Code.KeyID(), Index: i.Code.Index, IssuedAt: i.Code.Issued().Unix(),
		ExpiresAt: i.Code.Expires().Unix(), USCC: i.Code.USCC, Form: string(form)})
}

func (p *program) codeVerifyCommand() *cobra.Command {
	var jwks, at string
	c := &cobra.Command{
		Use: "verify TEXT", Short: "Verify a scanned text without database or network", Args: arguments("TEXT"),
		Long: "Verifies the text of a QR code, its digits alone, or a JWT, with nothing but a key set. The grade inside is that of the time\n" +
			"of issue. Exit code 0: authentic; 1: not, and why.",
		Example: "  healthcode keys jwks > jwks.json\n  healthcode code verify https://q.example.gov.cn/v/0123… --jwks jwks.json --json",
	}
	p.jsonFlag(c)
	c.Flags().StringVar(&jwks, "jwks", "", "file with the issuer's public keys (required)")
	c.Flags().StringVar(&at, "at", "", "verify as of this instant, RFC 3339 (default now)")
	c.RunE = func(c *cobra.Command, given []string) error {
		if jwks == "" {
			return usage(c, "--jwks is missing: name the file with the issuer's public keys")
		}
		now, err := parseInstantFlag(c, "at", at)
		if err != nil {
			return err
		}
		if now.IsZero() {
			now = p.now()
		}
		keys, err := readKeySet(jwks)
		if err != nil {
			return err
		}
		verdict := credential.Verify(given[0], keys, now)
		if err := p.printVerdict(&verdict); err != nil {
			return err
		}
		if !verdict.Authentic {
			return errQuiet
		}
		return nil
	}
	return c
}

func readKeySet(path string) (*credential.KeySet, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the key set: %w", err)
	}
	defer file.Close() // only read
	data, err := io.ReadAll(io.LimitReader(file, credential.MaxKeySet+1))
	if err != nil {
		return nil, fmt.Errorf("read the key set: %w", err)
	}
	keys, err := credential.ParseKeySet(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

func (p *program) printVerdict(v *credential.Verdict) error {
	if p.json {
		return p.print(v)
	}
	if !v.SignatureValid {
		_, err := fmt.Fprintf(p.out, "NOT AUTHENTIC: %s: %s\n", v.Reason, v.Detail)
		return err
	}
	word := "AUTHENTIC"
	if !v.Authentic {
		word = "NOT VALID NOW: " + string(v.Reason)
	}
	_, err := fmt.Fprintf(p.out, "%s\nUSCC %s\nissued %s by %s (key %s), until %s\nat issue: tier %s, colour %s; the current grade may differ\n", word, v.USCC,
		v.IssuedAt.In(registry.Shanghai).Format(time.RFC3339), v.Issuer, v.KeyID, v.ExpiresAt.In(registry.Shanghai).Format(time.RFC3339), v.Tier, v.Colour)
	return err
}
