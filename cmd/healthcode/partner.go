package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"healthcode/access"
	"healthcode/api"
	"healthcode/schema"

	"github.com/spf13/cobra"
)

func (p *program) partnerCommand() *cobra.Command {
	return group("partner", "Other departments and banks, and the keys of their systems", p.partnerAddCommand(), p.partnerListCommand(), p.partnerDisableCommand(),
		group("key", "API keys of a partner", p.partnerKeyNewCommand(), p.partnerKeyListCommand(), p.partnerKeyRotateCommand(), p.partnerKeyRevokeCommand()))
}

func (p *program) partnerAddCommand() *cobra.Command {
	body := api.PartnerBody{}
	var certificates []string
	c := &cobra.Command{
		Use: "add NAME", Short: "Add a partner", Args: arguments("NAME"), Long: "Adds another department or a bank, with the purposes for which it may ask. Its systems call with a key (partner key new).",
		Example: "  healthcode partner add 某银行嘉兴分行 --purpose finance --address 192.0.2.0/24\n  healthcode partner add 12315 --source 12315 --json",
	}
	p.jsonFlag(c)
	c.Flags().StringArrayVar(&body.Purposes, "purpose", nil, "why it may ask, again for each: public, finance, permitting, listing, project")
	c.Flags().StringArrayVar(&body.Sources, "source", nil, "name under which it may send records, again for each")
	c.Flags().StringArrayVar(&body.Addresses, "address", nil, "network that its requests come from, again for each (default any)")
	c.Flags().StringArrayVar(&certificates, "certificate", nil, "file with a client certificate in PEM that its systems must show beside the key, again for each")
	c.RunE = func(c *cobra.Command, given []string) (err error) {
		body.Name = given[0]
		if body.Certificates, err = readThumbprints(certificates); err != nil {
			return err
		}
		partner, err := body.Partner()
		if err != nil {
			return usage(c, "%v", err)
		}
		return p.withNewDB(c.Context(), func(db *schema.DB) error {
			if _, err := db.AddPartner(c.Context(), partner); err != nil {
				return err
			}
			return p.showPartner(c.Context(), db, body.Name)
		})
	}
	return c
}

// readThumbprints reads the first certificate of each file.
func readThumbprints(files []string) (thumbprints []string, err error) {
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read certificate: %w", err)
		}
		block, _ := pem.Decode(text)
		if block == nil || block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("read certificate: %s holds none in PEM", file)
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return nil, fmt.Errorf("read certificate %s: %w", file, err)
		}
		thumbprints = append(thumbprints, access.Thumbprint(block.Bytes))
	}
	return thumbprints, nil
}

func (p *program) showPartner(ctx context.Context, db *schema.DB, name string) error {
	partner, err := db.PartnerNamed(ctx, name)
	if err != nil {
		return err
	}
	return p.sayPartner(partner)
}

func (p *program) sayPartner(partner *schema.Partner) error {
	item := api.NewPartnerItem(partner)
	if p.json {
		return p.print(item)
	}
	state := ""
	if !item.DisabledAt.IsZero() {
		state = ", disabled"
	}
	fmt.Fprintf(p.out, "%s: purposes %v, sources %v, from %v%s\n", item.Name, item.Purposes, item.Sources, item.Addresses, state)
	return nil
}

func (p *program) partnerListCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "List partners", Args: arguments(), Long: "Lists partners in the order of their names. With --json, one line each.",
		Example: "  healthcode partner list --json",
	}
	p.jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return p.withDB(c.Context(), func(db *schema.DB) error {
			all, err := db.Partners(c.Context())
			if err != nil {
				return err
			}
			for i := range all {
				if err := p.sayPartner(&all[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return c
}

// withPartner runs work with a partner by its name.
func (p *program) withPartner(c *cobra.Command, name string, work func(ctx context.Context, db *schema.DB, partner *schema.Partner) error) error {
	return p.withDB(c.Context(), func(db *schema.DB) error {
		partner, err := db.PartnerNamed(c.Context(), name)
		if errors.Is(err, schema.ErrNotFound) {
			return fmt.Errorf("there is no partner %q: %w", name, err)
		}
		if err != nil {
			return err
		}
		return work(c.Context(), db, partner)
	})
}

func (p *program) partnerDisableCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "disable NAME", Short: "End a partner with all its keys", Args: arguments("NAME"), Long: "Ends a partner with all its keys, at once.",
		Example: "  healthcode partner disable 某银行嘉兴分行",
	}
	p.jsonFlag(c)
	c.RunE = func(c *cobra.Command, given []string) error {
		return p.withPartner(c, given[0], func(ctx context.Context, db *schema.DB, partner *schema.Partner) error {
			if err := db.DisablePartner(ctx, partner.ID, p.now()); err != nil {
				return err
			}
			return p.showPartner(ctx, db, partner.Name)
		})
	}
	return c
}

func (p *program) partnerKeyNewCommand() *cobra.Command {
	body := api.KeyBody{}
	c := &cobra.Command{
		Use: "new NAME", Short: "Make a key and print it, once", Args: arguments("NAME"),
		Long:    "Makes a key and prints it. Only its hash is stored: it is never shown again. Callers send it as `Authorization: Bearer KEY`.",
		Example: "  healthcode partner key new 某银行嘉兴分行 --scope verify --scope changes > bank.key\n  healthcode partner key new 12315 --scope records --days 90 --json",
	}
	p.jsonFlag(c)
	c.Flags().StringArrayVar(&body.Scopes, "scope", nil, "what it may be used for, again for each: verify, changes, records, listings")
	c.Flags().IntVar(&body.Days, "days", int(api.KeyLife/(24*time.Hour)), "days that it lives, 1 to 730")
	c.RunE = func(c *cobra.Command, given []string) error {
		row, key, err := body.Key(p.now())
		if err != nil {
			return usage(c, "%v", err)
		}
		return p.withPartner(c, given[0], func(ctx context.Context, db *schema.DB, partner *schema.Partner) error {
			row.PartnerID = partner.ID
			if err := db.AddPartnerKey(ctx, row); err != nil {
				return err
			}
			return p.printNewKey(ctx, db, key.Prefix, key.Text())
		})
	}
	return c
}

// printNewKey prints a key that was just made.
func (p *program) printNewKey(ctx context.Context, db *schema.DB, prefix, text string) error {
	row, err := db.PartnerKey(ctx, prefix)
	if err != nil {
		return err
	}
	item := api.NewPartnerKeyItem(row)
	item.Key = text
	if p.json {
		return p.print(item)
	}
	fmt.Fprintln(p.out, text)
	p.say("key %s lives until %s and is not shown again", prefix, row.ExpiresAt.Format(time.RFC3339))
	return nil
}

func (p *program) partnerKeyListCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "list NAME", Short: "List the keys of a partner, newest first", Args: arguments("NAME"), Long: "Lists the keys of a partner, newest first, without their secrets. With --json, one line each.",
		Example: "  healthcode partner key list 某银行嘉兴分行",
	}
	p.jsonFlag(c)
	c.RunE = func(c *cobra.Command, given []string) error {
		return p.withPartner(c, given[0], func(ctx context.Context, db *schema.DB, partner *schema.Partner) error {
			keys, err := db.PartnerKeys(ctx, partner.ID)
			if err != nil {
				return err
			}
			for i := range keys {
				if err := p.sayKey(&keys[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return c
}

func (p *program) sayKey(k *schema.PartnerKey) error {
	item := api.NewPartnerKeyItem(k)
	if p.json {
		return p.print(item)
	}
	state := "until " + item.ExpiresAt.Format(time.RFC3339)
	switch {
	case !item.RevokedAt.IsZero():
		state = "revoked " + item.RevokedAt.Format(time.RFC3339)
	case !p.now().Before(item.ExpiresAt):
		state = "ended " + item.ExpiresAt.Format(time.RFC3339)
	}
	used := "never used"
	if !item.UsedAt.IsZero() {
		used = "used " + item.UsedAt.Format(time.RFC3339)
	}
	scopes := strings.Trim(fmt.Sprint(item.Scopes), "[]")
	fmt.Fprintf(p.out, "%s: %s, %s, %s\n", item.Prefix, scopes, state, used)
	return nil
}

func (p *program) partnerKeyRotateCommand() *cobra.Command {
	overlap := api.KeyOverlap
	c := &cobra.Command{
		Use: "rotate PREFIX", Short: "Make the key that takes another's place and print it, once", Args: arguments("PREFIX"),
		Long:    "Makes a key with the scopes of another, which goes on working for the overlap: the partner exchanges them without a pause.",
		Example: "  healthcode partner key rotate 0c5be1f2a9 --overlap 168h",
	}
	p.jsonFlag(c)
	c.Flags().DurationVar(&overlap, "overlap", overlap, "how long the old key goes on working")
	c.RunE = func(c *cobra.Command, given []string) error {
		if overlap < 0 || overlap > 90*24*time.Hour {
			return usage(c, "--overlap: want 0 to 2160h")
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			row, key := api.NewKeyRow(schema.PartnerKey{}, p.now().Add(api.KeyLife))
			if err := db.RotatePartnerKey(c.Context(), given[0], row, p.now().Add(overlap)); err != nil {
				return err
			}
			return p.printNewKey(c.Context(), db, key.Prefix, key.Text())
		})
	}
	return c
}

func (p *program) partnerKeyRevokeCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "revoke PREFIX", Short: "End a key at once", Args: arguments("PREFIX"), Long: "Ends a key at once, without an overlap: for one that was lost.",
		Example: "  healthcode partner key revoke 0c5be1f2a9",
	}
	p.jsonFlag(c)
	c.RunE = func(c *cobra.Command, given []string) error {
		return p.withDB(c.Context(), func(db *schema.DB) error {
			if err := db.RevokePartnerKey(c.Context(), given[0], p.now()); err != nil {
				return err
			}
			row, err := db.PartnerKey(c.Context(), given[0])
			if err != nil {
				return err
			}
			return p.sayKey(row)
		})
	}
	return c
}
