package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"healthcode/access"
	"healthcode/api"
	"healthcode/schema"

	"github.com/spf13/cobra"
)

func (p *program) userCommand() *cobra.Command {
	return group("user", "People who sign in: their roles, enterprises and passwords", p.userAddCommand(), p.userListCommand(), p.userRightsCommand(),
		p.userPasswordCommand(), p.userTOTPCommand(), p.userDisableCommand(), p.userLinkCommand())
}

// rightsFlags say what an account may do.
type rightsFlags struct{ rights api.Rights }

func (f *rightsFlags) add(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.rights.Roles, "role", nil, "ROLE or ROLE:REGION, again for each: reader, recorder, supervisor, modeller, approver, key_officer, auditor, admin")
	c.Flags().StringArrayVar(&f.rights.Enterprises, "enterprise", nil, "USCC of an enterprise that the person acts for, again for each")
}

// passwordFlag names the file that holds a password.
func passwordFlag(c *cobra.Command, path *string) {
	c.Flags().StringVar(path, "password-file", "", "file with the password, 12 to 128 characters on one line")
}

func (p *program) userAddCommand() *cobra.Command {
	f, file := &rightsFlags{}, ""
	c := &cobra.Command{
		Use: "add LOGIN", Short: "Add a person", Args: arguments("LOGIN"),
		Long: "Adds a person: a member of staff by --role, somebody of an enterprise by --enterprise, somebody of an agency by --agency. The login name is\n" +
			"what the audit log shows. Without --password-file the person signs in by OpenID Connect only (user link).\n" +
			"With the first account, `serve` stops trusting this machine: make it an admin.",
		Example: "  healthcode user add zhang.min --role admin --password-file zhang.txt\n  healthcode user add li.hua --role reader:330402 --role supervisor:330402 --password-file li.txt\n" +
			"  healthcode user add jiahe --enterprise 91350100M000100Y43 --password-file jiahe.txt --json",
	}
	p.jsonFlag(c)
	f.add(c)
	passwordFlag(c, &file)
	c.Flags().StringVar(&f.rights.Agency, "agency", "", "agency that the person works for")
	c.RunE = func(c *cobra.Command, given []string) error {
		a, err := f.rights.Account()
		if err == nil {
			err = access.CheckLogin(given[0])
		}
		if err != nil {
			return usage(c, "%v", err)
		}
		a.Login = given[0]
		if file != "" {
			if a.PasswordHash, err = hashFile(file, a.Login); err != nil {
				return err
			}
		}
		return p.withNewDB(c.Context(), func(db *schema.DB) error {
			if _, err := db.AddAccount(c.Context(), a); err != nil {
				return err
			}
			return p.showUser(c.Context(), db, a.Login)
		})
	}
	return c
}

// hashFile reads a password from a file and hashes it.
func hashFile(path, login string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	password := strings.TrimRight(string(text), "\r\n")
	if err := access.CheckPassword(password, login); err != nil {
		return "", fmt.Errorf("the password in %s: %w", path, err)
	}
	return access.HashPassword(password)
}

func (p *program) showUser(ctx context.Context, db *schema.DB, login string) error {
	a, err := db.AccountOf(ctx, login)
	if err != nil {
		return err
	}
	if p.json {
		return p.print(api.NewAccountItem(a))
	}
	p.sayUser(a)
	return nil
}

func (p *program) sayUser(a *schema.Account) {
	item := api.NewAccountItem(a)
	rights := append(item.Roles, item.Agency)
	for _, code := range item.Enterprises {
		rights = append(rights, string(code))
	}
	state := ""
	if item.SecondFactor {
		state = ", second factor"
	}
	if !item.DisabledAt.IsZero() {
		state += ", disabled"
	}
	fmt.Fprintf(p.out, "%s (%s): %s%s\n", item.Login, item.Kind, strings.TrimSpace(strings.Join(rights, " ")), state)
}

func (p *program) userListCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "List everybody who signs in", Args: arguments(), Long: "Lists everybody who signs in, in the order of the login names. With --json, one line each.",
		Example: "  healthcode user list\n  healthcode user list --json | jq -r 'select(.second_factor | not) | .login'",
	}
	p.jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return p.withDB(c.Context(), func(db *schema.DB) error {
			filter := schema.AccountFilter{Limit: 500}
			for {
				found, err := db.Accounts(c.Context(), filter)
				if err != nil || len(found) == 0 {
					return err
				}
				for i := range found {
					if p.json {
						err = p.print(api.NewAccountItem(&found[i]))
					} else {
						p.sayUser(&found[i])
					}
					if err != nil {
						return err
					}
				}
				filter.After = found[len(found)-1].Login
			}
		})
	}
	return c
}

// changeUser runs a change of one account and shows the account.
func (p *program) changeUser(c *cobra.Command, login string, change func(ctx context.Context, db *schema.DB, a *schema.Account) error) error {
	return p.withDB(c.Context(), func(db *schema.DB) error {
		a, err := db.AccountOf(c.Context(), login)
		if errors.Is(err, schema.ErrNotFound) {
			return fmt.Errorf("there is no account %q: %w", login, err)
		}
		if err == nil {
			err = change(c.Context(), db, a)
		}
		if err != nil {
			return err
		}
		return p.showUser(c.Context(), db, login)
	})
}

func (p *program) userRightsCommand() *cobra.Command {
	f := &rightsFlags{}
	c := &cobra.Command{
		Use: "rights LOGIN", Short: "Replace what a person may do", Args: arguments("LOGIN"), Long: "Replaces all roles, or all enterprises, of a person. Sessions go on with the new ones.",
		Example: "  healthcode user rights li.hua --role supervisor:330402 --role approver",
	}
	p.jsonFlag(c)
	f.add(c)
	c.RunE = func(c *cobra.Command, given []string) error {
		rights, err := f.rights.Account()
		if err != nil {
			return usage(c, "%v", err)
		}
		return p.changeUser(c, given[0], func(ctx context.Context, db *schema.DB, a *schema.Account) error {
			if a.Kind != rights.Kind {
				return fmt.Errorf("%s is an account of %s: %w", a.Login, a.Kind, api.ErrOtherKind)
			}
			return db.SetRights(ctx, a.ID, rights.Grants, rights.Owns)
		})
	}
	return c
}

func (p *program) userPasswordCommand() *cobra.Command {
	file := ""
	c := &cobra.Command{
		Use: "password LOGIN", Short: "Give a person another password", Args: arguments("LOGIN"), Long: "Gives a person another password, forgets failed attempts and ends every session.",
		Example: "  healthcode user password li.hua --password-file new.txt",
	}
	p.jsonFlag(c)
	passwordFlag(c, &file)
	c.RunE = func(c *cobra.Command, given []string) error {
		if file == "" {
			return usage(c, "--password-file is missing")
		}
		return p.changeUser(c, given[0], func(ctx context.Context, db *schema.DB, a *schema.Account) error {
			hash, err := hashFile(file, a.Login)
			if err != nil {
				return err
			}
			return db.SetPassword(ctx, a.ID, hash, p.now())
		})
	}
	return c
}

func (p *program) userTOTPCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "totp-reset LOGIN", Short: "Take away a second factor that its owner lost", Args: arguments("LOGIN"), Long: "Takes away the second factor of a person who lost it. Make sure that it is that person who asks.",
		Example: "  healthcode user totp-reset li.hua",
	}
	p.jsonFlag(c)
	c.RunE = func(c *cobra.Command, given []string) error {
		return p.changeUser(c, given[0], func(ctx context.Context, db *schema.DB, a *schema.Account) error { return db.SetTOTP(ctx, a.ID, "") })
	}
	return c
}

func (p *program) userDisableCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "disable LOGIN", Short: "End an account and its sessions", Args: arguments("LOGIN"), Long: "Ends an account and its sessions. Its name stays taken, because the audit log speaks of it.",
		Example: "  healthcode user disable li.hua --json",
	}
	p.jsonFlag(c)
	c.RunE = func(c *cobra.Command, given []string) error {
		return p.changeUser(c, given[0], func(ctx context.Context, db *schema.DB, a *schema.Account) error {
			return db.DisableAccount(ctx, a.ID, p.now())
		})
	}
	return c
}

func (p *program) userLinkCommand() *cobra.Command {
	var issuer, subject string
	c := &cobra.Command{
		Use: "link LOGIN", Short: "Say by what name an OpenID provider knows a person", Args: arguments("LOGIN"), Long: "Says by what issuer and subject an OpenID provider knows a person, who then signs in there (serve --oidc).",
		Example: "  healthcode user link li.hua --issuer https://id.example.org --subject 3f2a91",
	}
	p.jsonFlag(c)
	c.Flags().StringVar(&issuer, "issuer", "", "issuer of the provider's tokens, exactly as they name it")
	c.Flags().StringVar(&subject, "subject", "", "the provider's own number of the person (sub)")
	c.RunE = func(c *cobra.Command, given []string) error {
		if issuer == "" || subject == "" {
			return usage(c, "--issuer or --subject is missing")
		}
		return p.changeUser(c, given[0], func(ctx context.Context, db *schema.DB, a *schema.Account) error {
			return db.LinkAccount(ctx, a.ID, issuer, subject)
		})
	}
	return c
}
