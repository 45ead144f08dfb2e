package main

import (
	"context"
	"fmt"
	"os"

	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"

	"github.com/spf13/cobra"
)

// pngScale is the pixels of a module in a PNG: 53 modules with their border become 530 pixels.
const pngScale = 10

func (p *program) codeCommand() *cobra.Command {
	c := group("code", "Issue and verify health codes, and what becomes of them", p.codeIssueCommand(), p.codeVerifyCommand(), p.codePrintCommand(), p.codeListCommand(), p.codeShowCommand())
	c.AddCommand(p.codeStepCommands()...)
	return c
}

// issueFlags are the flags of code issue.
type issueFlags struct {
	form, png, svg string
	all            bool
	keys           keyFlags
}

func (p *program) codeIssueCommand() *cobra.Command {
	f := &issueFlags{}
	c := &cobra.Command{
		Use: "issue USCC", Short: "Issue a signed health code with the current grade",
		Long: "Issues a code with the current grade of an enterprise. With --all, every graded enterprise that has no printed code, or whose\n" +
			"code ends within 30 days, gets one; export codes prints them.",
		Example: "  healthcode code issue 91350100M000100Y43 --form printed --png code.png --svg code.svg\n  healthcode code issue --all",
	}
	p.jsonFlag(c)
	f.keys.add(c)
	c.Flags().StringVar(&f.form, "form", string(credential.FormPrinted), "printed (365 days), screen (180 seconds) or jwt (for machines)")
	c.Flags().StringVar(&f.png, "png", "", "write the QR code as PNG")
	c.Flags().StringVar(&f.svg, "svg", "", "write the QR code as SVG")
	c.Flags().BoolVar(&f.all, "all", false, "a printed code for every enterprise that needs one")
	c.Args = func(c *cobra.Command, given []string) error {
		if f.all {
			return arguments()(c, given)
		}
		return arguments("USCC")(c, given)
	}
	c.RunE = func(c *cobra.Command, given []string) error {
		if err := f.check(c); err != nil {
			return err
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			key, err := p.signer(c.Context(), db, &f.keys)
			if err != nil {
				return err
			}
			issuer := &jobs.Issuer{DB: db, Signer: key, Clock: p.now}
			if f.all {
				return p.issueAll(c.Context(), issuer)
			}
			return p.issueOne(c, issuer, given[0], f)
		})
	}
	return c
}

func (f *issueFlags) check(c *cobra.Command) error {
	switch credential.Form(f.form) {
	case credential.FormPrinted, credential.FormScreen, credential.FormJWT:
	default:
		return usage(c, "--form: %q is not known; want printed, screen or jwt", f.form)
	}
	images := f.png != "" || f.svg != ""
	if images && credential.Form(f.form) == credential.FormJWT {
		return usage(c, "a JWT is for machines: use --form printed or screen for a QR code")
	}
	if f.all && (images || credential.Form(f.form) != credential.FormPrinted) {
		return usage(c, "--all issues printed codes and writes no images")
	}
	return nil
}

func (p *program) issueOne(c *cobra.Command, issuer *jobs.Issuer, text string, f *issueFlags) error {
	code, err := parseCode(c, text)
	if err != nil {
		return err
	}
	issued, err := issuer.Issue(c.Context(), code, credential.Form(f.form))
	if err != nil {
		return err
	}
	if err := writeImages(issued.URL, f.png, f.svg); err != nil {
		return err
	}
	return p.printIssued(&issued, credential.Form(f.form))
}

func (p *program) issueAll(ctx context.Context, issuer *jobs.Issuer) error {
	run, err := p.issueCodes(ctx, &jobs.Reissue{Issuer: issuer, Missing: true, Lease: recomputeLease})
	if err != nil {
		return err
	}
	if p.json {
		return p.print(map[string]int64{"enterprises": run.Enterprises, "issued": run.Changed})
	}
	p.say("%d codes issued for %d enterprises", run.Changed, run.Enterprises)
	return nil
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
