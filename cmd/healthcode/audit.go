package main

import (
	"context"
	"fmt"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"

	"github.com/spf13/cobra"
)

// auditReport is what audit scores prints.
type auditReport struct {
	Checked   int             `json:"checked"`
	Different int             `json:"different"`
	First     []registry.USCC `json:"first,omitempty"` // at most ten that differ
}

func (p *program) auditScoresCommand() *cobra.Command {
	var every int
	c := &cobra.Command{
		Use: "scores", Short: "Compute the current assessments again and compare their digests", Args: arguments(),
		Long: "Computes every current assessment again from the records, as of its own day, knowing what was known then, by its own model,\n" +
			"and compares digests. Exit code 1 when one differs.",
		Example: "  healthcode audit scores\n  healthcode audit scores --every 100 --json",
	}
	p.jsonFlag(c)
	c.Flags().IntVar(&every, "every", 1, "a sample: only every nth enterprise, in the order of codes")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if every < 1 {
			return usage(c, "--every: want 1 or more")
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			report, err := p.auditScores(c.Context(), db, every)
			if err != nil {
				return err
			}
			return p.reportAudit(report)
		})
	}
	return c
}

func (p *program) auditScores(ctx context.Context, db *schema.DB, every int) (*auditReport, error) {
	distribution, err := db.CountAssessments(ctx, access.Everything())
	if err != nil {
		return nil, err
	}
	bar := p.newProgress("auditing", "enterprises", int64(distribution.Total))
	defer bar.finish()
	report, models := &auditReport{}, &scorers{db: db}
	seen := 0
	for a, err := range db.Assessments(ctx) {
		if err != nil {
			return nil, err
		}
		seen++
		if (seen-1)%every != 0 {
			continue
		}
		same, err := auditOne(ctx, db, models, &a)
		if err != nil {
			return nil, err
		}
		report.Checked++
		if !same {
			report.Different++
			if len(report.First) < 10 {
				report.First = append(report.First, a.USCC)
			}
		}
		bar.set(int64(seen), int64(distribution.Total))
	}
	return report, nil
}

func auditOne(ctx context.Context, db *schema.DB, models *scorers, a *schema.Assessment) (bool, error) {
	scorer, err := models.of(ctx, a.Model)
	if err != nil {
		return false, err
	}
	evidence, err := db.EvidenceOf(ctx, a.USCC, a.AsOf, a.KnownAt)
	if err != nil {
		return false, fmt.Errorf("evidence of %s: %w", a.USCC, err)
	}
	g := scorer.Grade(evidence, a.AsOf)
	digest, _ := scorer.Digests(evidence, a.AsOf, a.KnownAt, &g)
	same := digest == a.Digest && g.Tier == a.Tier && g.Colour == a.Colour && g.Earned.Index == a.Index
	return same, nil
}

func (p *program) reportAudit(r *auditReport) error {
	if p.json {
		if err := p.print(r); err != nil {
			return err
		}
	} else {
		p.say("%d assessments computed again, %d differ", r.Checked, r.Different)
		for _, code := range r.First {
			p.say("different: %s", code)
		}
	}
	if r.Different > 0 {
		return errQuiet
	}
	return nil
}
