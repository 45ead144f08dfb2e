package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"healthcode/access"
	"healthcode/api"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"

	"github.com/spf13/cobra"
)

func (p *program) modelCommand() *cobra.Command {
	return group("model", "Versions of the scoring model: draft, proposed, approved, active, retired",
		p.modelListCommand(), p.modelShowCommand(), p.modelCheckCommand(), p.modelDiffCommand(), p.modelAddCommand(), p.modelProposeCommand(),
		p.modelSimulateCommand(), p.modelPreviewCommand(), p.modelCommentCommand(), p.modelApproveCommand(), p.modelRejectCommand(),
		p.modelActivateCommand(), p.modelRetireCommand(), p.modelRollbackCommand())
}

// versionFlags name a version of a model.
type versionFlags struct {
	code    string
	version int
}

func (v *versionFlags) add(c *cobra.Command, needed bool) {
	c.Flags().StringVar(&v.code, "code", "", "code of the model (default that of the active one)")
	text := "version (default the active one)"
	if needed {
		text = "version"
	}
	c.Flags().IntVar(&v.version, "version", 0, text)
}

// check refuses a call without a version where one is needed.
func (v *versionFlags) check(c *cobra.Command) error {
	if v.version < 1 || v.version > 65535 {
		return usage(c, "--version is missing or wrong: want a number from 1 to 65535")
	}
	return nil
}

// find returns the version, or the active one when none is named.
func (v *versionFlags) find(ctx context.Context, db *schema.DB) (*schema.StoredModel, error) {
	if err := v.complete(ctx, db); err != nil {
		return nil, err
	}
	m, err := db.Model(ctx, v.code, v.version)
	if err != nil {
		return nil, fmt.Errorf("model %s/%d: %w", v.code, v.version, err)
	}
	return m, nil
}

func (v *versionFlags) complete(ctx context.Context, db *schema.DB) error {
	if v.code != "" && v.version != 0 {
		return nil
	}
	active, err := db.ActiveModel(ctx)
	if err != nil {
		return fmt.Errorf("find the active model: %w", err)
	}
	if v.code == "" {
		v.code = active.Code
	}
	if v.version == 0 && v.code == active.Code {
		v.version = active.Version
	}
	return nil
}

func (p *program) modelListCommand() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List every version with its state", Args: arguments(), Example: "  healthcode model list --json"}
	p.jsonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return p.withDB(c.Context(), func(db *schema.DB) error {
			items := []api.ModelItem{}
			for m, err := range db.Models(c.Context()) {
				if err != nil {
					return err
				}
				items = append(items, api.NewModelItem(&m))
			}
			if p.json {
				return p.print(items)
			}
			w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "model\tstate\tauthor\tapprover\teffective on\treason")
			for _, m := range items {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", m.String(), m.State, m.Author, m.Approver, m.EffectiveOn, m.Reason)
			}
			return w.Flush()
		})
	}
	return c
}

func (p *program) modelShowCommand() *cobra.Command {
	v := &versionFlags{}
	c := &cobra.Command{Use: "show", Short: "Show a version: its steps, what it would change, what enterprises say", Args: arguments(),
		Example: "  healthcode model show --version 2\n  healthcode model show --json"}
	p.jsonFlag(c)
	v.add(c, false)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return p.withDB(c.Context(), func(db *schema.DB) error {
			m, err := v.find(c.Context(), db)
			if err != nil {
				return err
			}
			detail, err := api.ReadModelDetail(c.Context(), db, access.Everything(), m)
			if err != nil {
				return err
			}
			if p.json {
				return p.print(detail)
			}
			return p.printModel(detail)
		})
	}
	return c
}

func (p *program) printModel(d *api.ModelDetail) error {
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s  %s  digest %s\n", d.ModelRef, d.State, d.Digest)
	if d.EffectiveOn != 0 {
		fmt.Fprintf(w, "takes effect on %s\n", d.EffectiveOn)
	}
	if d.PreviewUntil != 0 {
		fmt.Fprintf(w, "enterprises may look and comment until %s\n", d.PreviewUntil)
	}
	fmt.Fprintln(w)
	for _, e := range d.Events {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", e.At.In(registry.Shanghai).Format(time.RFC3339), e.Action, e.Person, e.Reason)
	}
	for _, c := range d.Comments {
		fmt.Fprintf(w, "\n%s says on %s: %s\n", c.USCC, c.At.In(registry.Shanghai).Format(time.RFC3339), c.Text)
	}
	if len(d.Simulations) == 0 {
		return w.Flush()
	}
	newest := d.Simulations[0]
	fmt.Fprintf(w, "\nsimulated %d times; the newest beside %s at %s:\n", len(d.Simulations), newest.Base, newest.CreatedAt.In(registry.Shanghai).Format(time.RFC3339))
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the model: %w", err)
	}
	var simulation scoring.Simulation
	if err := json.Unmarshal(newest.Result, &simulation); err != nil {
		return fmt.Errorf("read the simulation of %s: %w", d.ModelRef, err)
	}
	return printSimulation(p.out, &simulation)
}

func (p *program) modelCheckCommand() *cobra.Command {
	c := &cobra.Command{Use: "check FILE", Short: "Check a model file and name every problem at its path", Args: arguments("FILE"),
		Example: "  healthcode model check draft.json --json"}
	p.jsonFlag(c)
	c.RunE = func(_ *cobra.Command, given []string) error {
		m, err := parseModelFile(given[0])
		var problems registry.Problems
		switch {
		case errors.As(err, &problems):
		case err != nil:
			return err
		}
		if p.json {
			report := struct {
				OK       bool              `json:"ok"`
				Digest   string            `json:"digest,omitempty"`
				Problems registry.Problems `json:"problems,omitempty"`
			}{OK: m != nil, Problems: problems}
			if m != nil {
				report.Digest = m.Digest()
			}
			if err := p.print(report); err != nil {
				return err
			}
		}
		for _, problem := range problems {
			p.say("%s: %s; want %s", problem.Field, problem.Problem, problem.Want)
		}
		if m == nil {
			return errQuiet
		}
		p.say("%s/%d is a model, digest %s", m.Code, m.Version, m.Digest())
		return nil
	}
	return c
}

func parseModelFile(path string) (*scoring.Model, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the model: %w", err)
	}
	m, err := scoring.ParseModel(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

func (p *program) modelDiffCommand() *cobra.Command {
	v, with := &versionFlags{}, 0
	c := &cobra.Command{Use: "diff", Short: "Say in words what changes from one version to another", Args: arguments(),
		Example: "  healthcode model diff --version 2\n  healthcode model diff --version 3 --with 1 --json"}
	p.jsonFlag(c)
	v.add(c, true)
	c.Flags().IntVar(&with, "with", 0, "the version before (default the active one)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := v.check(c); err != nil {
			return err
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			if err := v.complete(c.Context(), db); err != nil {
				return err
			}
			to, err := jobs.ParseStored(c.Context(), db, v.code, v.version)
			if err != nil {
				return err
			}
			from, err := jobs.ParseActive(c.Context(), db)
			if with != 0 {
				from, err = jobs.ParseStored(c.Context(), db, v.code, with)
			}
			if err != nil {
				return err
			}
			changes := scoring.Diff(from, to)
			if p.json {
				return p.print(api.ModelDiff{From: from.Name(), To: to.Name(), Changes: changes})
			}
			for _, change := range changes {
				fmt.Fprintf(p.out, "%s\n%s\n", change.En, change.ZhCN)
			}
			p.say("%d differences from %s/%d to %s/%d", len(changes), from.Code, from.Version, to.Code, to.Version)
			return nil
		})
	}
	return c
}
