package main

import (
	"context"
	"fmt"

	"healthcode/access"
	"healthcode/api"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"

	"github.com/spf13/cobra"
)

// stepFlags say who takes a step in a model's life, and why.
type stepFlags struct {
	versionFlags
	person, reason, effectiveOn, previewUntil string
}

// stepCommand is a command that takes one step. name is the flag that names the person.
func (p *program) stepCommand(action scoring.ModelAction, short, name, example string) (*cobra.Command, *stepFlags) {
	f := &stepFlags{}
	c := &cobra.Command{Use: string(action), Short: short, Args: arguments(), Example: "  healthcode model " + string(action) + " --version 2 " + example}
	p.jsonFlag(c)
	f.versionFlags.add(c, true)
	c.Flags().StringVar(&f.person, name, "", "name of the person who does this")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := f.check(c); err != nil {
			return err
		}
		if f.person == "" {
			return usage(c, "--%s is missing: want the name of a person", name)
		}
		step, err := f.step(c, action, p.today())
		if err != nil {
			return err
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			if err := f.complete(c.Context(), db); err != nil {
				return err
			}
			m, err := db.StepModel(c.Context(), f.code, f.version, step)
			if err != nil {
				return err
			}
			if action == scoring.Propose {
				return p.simulateAndReport(c.Context(), db, m)
			}
			return p.reportModel(m)
		})
	}
	return c, f
}

func (f *stepFlags) reasonFlag(c *cobra.Command) {
	c.Flags().StringVar(&f.reason, "reason", "", "why, in one line")
}

func (f *stepFlags) step(c *cobra.Command, action scoring.ModelAction, today registry.Day) (scoring.ModelStep, error) {
	step := scoring.ModelStep{Action: action, By: f.person, Reason: f.reason, Today: today}
	var err error
	if step.EffectiveOn, err = parseDayFlag(c, "effective-on", f.effectiveOn); err != nil {
		return step, err
	}
	step.PreviewUntil, err = parseDayFlag(c, "preview-until", f.previewUntil)
	return step, err
}

func (p *program) reportModel(m *schema.StoredModel) error {
	if p.json {
		return p.print(api.NewModelItem(m))
	}
	p.say("%s is %s", m, m.State)
	if m.State == schema.ModelActive {
		p.say("everybody is due for a new grade: `healthcode recompute --changed` gives it, `serve` within a minute")
	}
	return nil
}

func (p *program) modelAddCommand() *cobra.Command {
	f := &stepFlags{}
	c := &cobra.Command{Use: "add FILE", Short: "Store a model file as a draft", Args: arguments("FILE"),
		Long:    "Stores a version for good: its content never changes. A better draft is another version.",
		Example: "  healthcode model add draft.json --author 'Li Hua' --reason 'peers of 2026'"}
	p.jsonFlag(c)
	c.Flags().StringVar(&f.person, "author", "", "name of the person who wrote it")
	f.reasonFlag(c)
	c.RunE = func(c *cobra.Command, given []string) error {
		if f.person == "" {
			return usage(c, "--author is missing: want the name of a person")
		}
		m, err := parseModelFile(given[0])
		if err != nil {
			return err
		}
		life, err := scoring.Draft(f.person, f.reason)
		if err != nil {
			return err
		}
		ref := schema.ModelRef{Code: m.Code, Version: m.Version, Digest: m.Digest()}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			if err := db.AddModel(c.Context(), schema.StoredModel{ModelRef: ref, Life: life, Body: string(m.JSON())}); err != nil {
				return err
			}
			stored, err := db.Model(c.Context(), ref.Code, ref.Version)
			if err != nil {
				return err
			}
			return p.reportModel(stored)
		})
	}
	return c
}

func (p *program) modelProposeCommand() *cobra.Command {
	c, f := p.stepCommand(scoring.Propose, "Propose a draft and record what it would change for everybody", "author",
		"--author 'Li Hua' --reason 'peers of 2026' --effective-on 2027-01-01 --preview-until 2026-12-15")
	f.reasonFlag(c)
	c.Flags().StringVar(&f.effectiveOn, "effective-on", "", "day from which on it may be active, YYYY-MM-DD")
	c.Flags().StringVar(&f.previewUntil, "preview-until", "", "last day on which enterprises see their own before and after, YYYY-MM-DD (default no preview)")
	return c
}

func (p *program) modelApproveCommand() *cobra.Command {
	c, _ := p.stepCommand(scoring.Approve, "Approve a proposal: not by who wrote or proposed it", "approver", "--approver 'Zhao Min'")
	c.Long = "Approves a proposal. `healthcode model show` and `model diff` show what an approver must know: the differences in words, the\n" +
		"simulation, which is needed, and the comments of enterprises. During a preview nothing can be approved."
	return c
}

func (p *program) modelRejectCommand() *cobra.Command {
	c, f := p.stepCommand(scoring.Reject, "Send a proposed or approved version back to draft", "approver", "--approver 'Zhao Min' --reason 'too hard on small firms'")
	f.reasonFlag(c)
	return c
}

func (p *program) modelActivateCommand() *cobra.Command {
	c, f := p.stepCommand(scoring.Activate, "Activate an approved version on its day or later", "approver", "--approver 'Zhao Min'")
	c.Long = "Activates an approved version and retires the one before. `serve` does the same by itself at 01:30 of the day.\n" +
		"Everybody is then due for a new grade."
	f.reasonFlag(c)
	return c
}

func (p *program) modelRetireCommand() *cobra.Command {
	c, f := p.stepCommand(scoring.Retire, "Put a version aside for good that was not activated", "author", "--author 'Li Hua' --reason 'written anew'")
	f.reasonFlag(c)
	return c
}

func (p *program) modelSimulateCommand() *cobra.Command {
	v := &versionFlags{}
	c := &cobra.Command{Use: "simulate", Short: "Record again what a version would change beside the active one", Args: arguments(),
		Example: "  healthcode model simulate --version 2 --json"}
	p.jsonFlag(c)
	v.add(c, true)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := v.check(c); err != nil {
			return err
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			m, err := v.find(c.Context(), db)
			if err != nil {
				return err
			}
			return p.simulateAndReport(c.Context(), db, m)
		})
	}
	return c
}

// simulationReport is what propose, rollback and simulate print.
type simulationReport struct {
	api.ModelItem
	Simulation *scoring.Simulation `json:"simulation"`
}

func (p *program) simulateAndReport(ctx context.Context, db *schema.DB, m *schema.StoredModel) error {
	bar := p.newProgress("simulating", "enterprises", -1)
	simulation, err := (&jobs.SimulateModel{DB: db, Clock: p.now, Progress: bar.set}).RunOnce(ctx, m.Code, m.Version)
	bar.finish()
	if err != nil {
		return fmt.Errorf("%s is %s, but its simulation failed; `healthcode model simulate` tries again: %w", m, m.State, err)
	}
	if p.json {
		return p.print(simulationReport{api.NewModelItem(m), simulation})
	}
	p.say("%s is %s; by today's evidence %d of %d enterprises would earn another tier or colour, and today %d would have another one published;\n"+
		"mean index %.2f → %.2f; PSI of earned tiers %.3f, of colours %.3f. `healthcode model show --version %d` has all of it", m, m.State, simulation.Moved,
		simulation.Enterprises, simulation.Published.Moved, simulation.MeanBefore, simulation.MeanAfter, simulation.Tiers.PSI, simulation.Colours.PSI, m.Version)
	return nil
}

func (p *program) modelRollbackCommand() *cobra.Command {
	f, to := &stepFlags{}, 0
	c := &cobra.Command{Use: "rollback", Short: "Propose an older version's content again, as a new version", Args: arguments(),
		Long: "Stores the content of a version that was active as a new version and proposes it, from today on unless --effective-on says\n" +
			"otherwise. Another person approves and activates it, today if need be. Nothing is erased.",
		Example: "  healthcode model rollback --to 1 --author 'Li Hua' --reason 'version 2 counts recalls twice'"}
	p.jsonFlag(c)
	c.Flags().StringVar(&f.code, "code", "", "code of the model (default that of the active one)")
	c.Flags().IntVar(&to, "to", 0, "the version whose content is wanted")
	c.Flags().StringVar(&f.person, "author", "", "name of the person who does this")
	c.Flags().StringVar(&f.effectiveOn, "effective-on", "", "day from which on it may be active, YYYY-MM-DD (default today)")
	f.reasonFlag(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if to < 1 {
			return usage(c, "--to is missing: want the number of a version that was active")
		}
		if f.person == "" {
			return usage(c, "--author is missing: want the name of a person")
		}
		step, err := f.step(c, scoring.Propose, p.today())
		if err != nil {
			return err
		}
		if step.EffectiveOn == 0 {
			step.EffectiveOn = step.Today
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			f.version = to
			if err := f.complete(c.Context(), db); err != nil {
				return err
			}
			m, err := jobs.RollBack(c.Context(), db, f.code, to, step)
			if err != nil {
				return err
			}
			return p.simulateAndReport(c.Context(), db, m)
		})
	}
	return c
}

func (p *program) modelPreviewCommand() *cobra.Command {
	v := &versionFlags{}
	c := &cobra.Command{Use: "preview USCC", Short: "Show an enterprise's own grade before and after a version that is open for preview", Args: arguments("USCC"),
		Example: "  healthcode model preview 91350100M000100Y43 --version 2 --json"}
	p.jsonFlag(c)
	v.add(c, true)
	c.RunE = func(c *cobra.Command, given []string) error {
		code, err := parseCode(c, given[0])
		if err != nil {
			return err
		}
		if err := v.check(c); err != nil {
			return err
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			answer, err := p.preview(c.Context(), db, code, v)
			if err != nil {
				return err
			}
			if p.json {
				return p.print(answer)
			}
			for _, g := range []scoring.OwnGrade{answer.Before, answer.After} {
				fmt.Fprintf(p.out, "%s/%d: index %s, tier %s, colour %s, evidence %s\n", g.Model.Code, g.Model.Version, points(g.Index), g.Tier, g.Colour, g.Evidence)
			}
			p.say("takes effect on %s at the earliest; comments until %s: `healthcode model comment`", answer.EffectiveOn, answer.PreviewUntil)
			return nil
		})
	}
	return c
}

func (p *program) preview(ctx context.Context, db *schema.DB, code registry.USCC, v *versionFlags) (*api.PreviewAnswer, error) {
	m, err := v.find(ctx, db)
	if err != nil {
		return nil, err
	}
	if err := m.OpenForPreview(p.today()); err != nil {
		return nil, err
	}
	before, err := jobs.ParseActive(ctx, db)
	if err != nil {
		return nil, err
	}
	after, err := jobs.ParseStored(ctx, db, m.Code, m.Version)
	if err != nil {
		return nil, err
	}
	knownAt, err := db.Know(ctx)
	if err != nil {
		return nil, err
	}
	evidence, err := db.EvidenceOf(ctx, code, p.today(), knownAt)
	if err != nil {
		return nil, err
	}
	return &api.PreviewAnswer{OwnEffect: scoring.CompareOne(evidence, p.today(), before, after), EffectiveOn: m.EffectiveOn,
		PreviewUntil: m.PreviewUntil, Changes: scoring.Diff(before, after)}, nil
}

func (p *program) modelCommentCommand() *cobra.Command {
	v, text := &versionFlags{}, ""
	c := &cobra.Command{Use: "comment USCC", Short: "Keep what an enterprise says about a version that is open for preview", Args: arguments("USCC"),
		Example: "  healthcode model comment 91350100M000100Y43 --version 2 --text '抽查权重过高'"}
	p.jsonFlag(c)
	v.add(c, true)
	c.Flags().StringVar(&text, "text", "", "what the enterprise says, at most 2000 characters")
	c.RunE = func(c *cobra.Command, given []string) error {
		code, err := parseCode(c, given[0])
		if err != nil {
			return err
		}
		if err := v.check(c); err != nil {
			return err
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			if err := v.complete(c.Context(), db); err != nil {
				return err
			}
			if err := db.AddModelComment(c.Context(), v.code, v.version, schema.ModelComment{USCC: code, Text: text}, p.today()); err != nil {
				return err
			}
			comments, err := db.ModelComments(c.Context(), access.Everything(), v.code, v.version)
			if err != nil {
				return err
			}
			if p.json {
				return p.print(map[string]int{"comments": len(comments)})
			}
			p.say("kept; comments that the approver of %s/%d sees: %d", v.code, v.version, len(comments))
			return nil
		})
	}
	return c
}
