package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"healthcode/api"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func (p *program) codeListCommand() *cobra.Command {
	c := &cobra.Command{Use: "list USCC", Short: "List the codes of an enterprise with their state", Args: arguments("USCC"), Example: "  healthcode code list 91350100M000100Y43 --json"}
	p.jsonFlag(c)
	c.RunE = func(c *cobra.Command, given []string) error {
		code, err := parseCode(c, given[0])
		if err != nil {
			return err
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			if _, err := db.Enterprise(c.Context(), code); err != nil {
				return fmt.Errorf("find enterprise %s: %w", code, err)
			}
			codes, err := db.CodesOf(c.Context(), code)
			if err != nil {
				return err
			}
			items := []api.CodeItem{}
			for i := range codes {
				if codes[i].State == schema.CodeIssued {
					items = append(items, api.NewCodeItem(&codes[i]))
				}
			}
			return p.printCodes(items)
		})
	}
	return c
}

func (p *program) printCodes(items []api.CodeItem) error {
	if p.json {
		return printLines(p, items)
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "IDX\tFORM\tSTATUS\tISSUED\tEXPIRES\tKEY\tAT ISSUE")
	for _, i := range items {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s %s\n", i.Index, i.Form, i.Status, shanghai(i.IssuedAt), shanghai(i.ExpiresAt), i.KID, i.Tier, i.Colour)
	}
	return w.Flush()
}

// shanghai writes an instant for people; the zero time is none.
func shanghai(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(registry.Shanghai).Format("2006-01-02 15:04")
}

func (p *program) codeShowCommand() *cobra.Command {
	c := &cobra.Command{Use: "show IDX", Short: "Show a code with its history", Args: arguments("IDX"), Example: "  healthcode code show 1048581 --json"}
	p.jsonFlag(c)
	c.RunE = func(c *cobra.Command, given []string) error {
		idx, err := parseIndex(c, given[0])
		if err != nil {
			return err
		}
		return p.withDB(c.Context(), func(db *schema.DB) error { return p.showCode(c.Context(), db, idx) })
	}
	return c
}

func parseIndex(c *cobra.Command, text string) (uint32, error) {
	idx, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, usage(c, "IDX: %.20q is no place in the lists; want a number from 0 to 4294967295", text)
	}
	return uint32(idx), nil
}

func (p *program) showCode(ctx context.Context, db *schema.DB, idx uint32) error {
	code, err := db.Code(ctx, idx)
	if err != nil {
		return fmt.Errorf("find code %d: %w", idx, err)
	}
	detail, err := api.ReadCodeDetail(ctx, db, code)
	if err != nil {
		return err
	}
	if p.json {
		return p.print(detail)
	}
	fmt.Fprintf(p.out, "code %d of %s: %s, %s\nissued %s, until %s, by key %s\nat issue: tier %s, colour %s, model version %d\n", detail.Index, detail.USCC, detail.Form,
		detail.Status, shanghai(detail.IssuedAt), shanghai(detail.ExpiresAt), detail.KID, detail.Tier, detail.Colour, detail.Model)
	for _, s := range detail.Steps {
		fmt.Fprintf(p.out, "%s  %s by %s", shanghai(s.At), s.Step, s.By)
		if s.Reason != "" {
			fmt.Fprintf(p.out, ": %s", s.Reason)
		}
		fmt.Fprintln(p.out)
	}
	return nil
}

// codeStep says how a step with a code is offered.
type codeStep struct {
	step        schema.CodeStep
	short, long string
	final       bool // cannot be undone
}

// codeSteps are the steps that a person takes.
var codeSteps = []codeStep{
	{schema.StepRenew, "Issue a new code in place of one that ends", "Issues another code with the current grade. The old one stays valid to its end, so that there is time to print.", false},
	{schema.StepSupersede, "Issue a new code and end the old one", "Issues another code with the current grade; the old one ends at once. It cannot be undone.", true},
	{schema.StepSuspend, "Suspend a code", "Suspends a code until it is resumed or revoked. Suspending the place of screen codes stops all of them.", false},
	{schema.StepResume, "Resume a suspended code", "", false},
	{schema.StepRevoke, "Revoke a code", "Revokes a code for good. It cannot be undone: code issue gives the enterprise another one.", true},
}

// codeStepCommands are one command for each step.
func (p *program) codeStepCommands() []*cobra.Command {
	all := make([]*cobra.Command, len(codeSteps))
	for i := range codeSteps {
		all[i] = p.codeStepCommand(&codeSteps[i])
	}
	return all
}

func (p *program) codeStepCommand(is *codeStep) *cobra.Command {
	var by, reason string
	var yes bool
	keys := &keyFlags{}
	c := &cobra.Command{Use: string(is.step) + " IDX", Short: is.short, Long: is.long, Args: arguments("IDX"),
		Example: "  healthcode code " + string(is.step) + " 1048581 --by 'Li Hua' --reason 'sign lost'"}
	p.jsonFlag(c)
	c.Flags().StringVar(&by, "by", "", "name of the person who decides this")
	c.Flags().StringVar(&reason, "reason", "", "why, in one line")
	signs := is.step == schema.StepRenew || is.step == schema.StepSupersede
	if signs {
		keys.add(c)
	}
	if is.final {
		c.Example += " --yes"
		c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	}
	c.RunE = func(c *cobra.Command, given []string) error {
		idx, err := parseIndex(c, given[0])
		if err != nil {
			return err
		}
		if strings.TrimSpace(by) == "" || strings.TrimSpace(reason) == "" {
			return usage(c, "--by and --reason are needed: who decides this, and why")
		}
		if is.final && !yes {
			if err := p.confirm(c, fmt.Sprintf("%s code %d? It cannot be undone.", is.step, idx)); err != nil {
				return err
			}
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			if signs {
				return p.replaceCode(c.Context(), db, keys, idx, is.step, by, reason)
			}
			if _, err := db.ChangeCode(c.Context(), idx, is.step, by, reason); err != nil {
				return err
			}
			return p.showCode(c.Context(), db, idx)
		})
	}
	return c
}

func (p *program) replaceCode(ctx context.Context, db *schema.DB, keys *keyFlags, idx uint32, step schema.CodeStep, by, reason string) error {
	key, err := p.signer(ctx, db, keys)
	if err != nil {
		return err
	}
	issued, err := (&jobs.Issuer{DB: db, Signer: key, Clock: p.now}).Replace(ctx, idx, step, by, reason)
	if err != nil {
		return err
	}
	return p.showCode(ctx, db, issued.Code.Index)
}

// errNotConfirmed is the reason for a step that was asked about and not wanted.
var errNotConfirmed = errors.New("nothing was done")

// confirm asks on a terminal. Elsewhere nobody could answer: then --yes is needed.
func (p *program) confirm(c *cobra.Command, question string) error {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return usage(c, "--yes is missing: %s", question)
	}
	fmt.Fprintf(p.err, "%s [y/N] ", question)
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil || !strings.EqualFold(strings.TrimSpace(answer), "y") {
		return errNotConfirmed
	}
	return nil
}
