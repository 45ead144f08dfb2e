package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"healthcode/jobs"
	"healthcode/schema"
	"healthcode/scoring"

	"github.com/spf13/cobra"
)

func (p *program) calibrateCommand() *cobra.Command {
	var asOf, knownAt, out, shares string
	o := scoring.CalibrateOptions{}
	c := &cobra.Command{
		Use: "calibrate", Short: "Estimate what peers lose and how much that belief is worth, and draft a model that says it", Args: arguments(),
		Long: "Estimates mu and k of each risk group and dimension from the records by Bühlmann and Straub, with bootstrap intervals, and writes\n" +
			"a draft: the active model with the next version number. Groups that are too small take the estimate of all enterprises, or keep\n" +
			"what the active model says; the table tells which. Nothing is stored: `healthcode model add` does that.",
		Example: "  healthcode calibrate --out draft.json\n  healthcode calibrate --cuts --shares AA=5,A=38,B=50,C=6 --as-of 2026-06-30 --json",
	}
	p.jsonFlag(c)
	c.Flags().StringVar(&asOf, "as-of", "", "day, YYYY-MM-DD (default today, Asia/Shanghai)")
	c.Flags().StringVar(&knownAt, "known-at", "", "what was known at this instant, RFC 3339 (default now)")
	c.Flags().BoolVar(&o.Cuts, "cuts", false, "also propose the cuts of the tiers")
	c.Flags().StringVar(&shares, "shares", "AA=5,A=38,B=50,C=6", "wanted shares for --cuts, in percent of those with fair evidence")
	c.Flags().IntVar(&o.MinEnterprises, "min-enterprises", 30, "with evidence, for an estimate of a group's own")
	c.Flags().IntVar(&o.Replicates, "replicates", 200, "samples of the bootstrap")
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "of the bootstrap: the same seed gives the same intervals")
	c.Flags().StringVar(&out, "out", "", "write the draft model to this file")
	c.RunE = func(c *cobra.Command, _ []string) error {
		at := moment{}
		var err error
		if at.asOf, err = parseDayFlag(c, "as-of", asOf); err != nil {
			return err
		}
		if at.knownAt, err = parseInstantFlag(c, "known-at", knownAt); err != nil {
			return err
		}
		if o.Shares, err = scoring.ParseShares(shares); err != nil {
			return usage(c, "--shares: %v", err)
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			report, err := p.calibrate(c.Context(), db, at, o)
			if err != nil {
				return err
			}
			if err := writeDraft(out, report.Draft); err != nil {
				return err
			}
			return p.reportCalibration(report, out)
		})
	}
	return c
}

// calibrationReport is what calibrate prints.
type calibrationReport struct {
	*scoring.Calibration
	KnownAt time.Time       `json:"known_at"`
	Draft   json.RawMessage `json:"draft"`
}

func (p *program) calibrate(ctx context.Context, db *schema.DB, at moment, o scoring.CalibrateOptions) (*calibrationReport, error) {
	base, err := jobs.ParseActive(ctx, db)
	if err != nil {
		return nil, err
	}
	if at.asOf == 0 {
		at.asOf = p.today()
	}
	if at.knownAt.IsZero() {
		if at.knownAt, err = db.Know(ctx); err != nil {
			return nil, err
		}
	}
	if o.Version, err = jobs.NextVersion(ctx, db, base.Code); err != nil {
		return nil, err
	}
	total, err := db.CountEnterprises(ctx)
	if err != nil {
		return nil, err
	}
	bar := p.newProgress("calibrating", "enterprises", int64(total))
	defer bar.finish()
	o.Progress = func(n int) {
		if n%100 == 0 {
			bar.set(int64(n), int64(total))
		}
	}
	c, err := scoring.Calibrate(jobs.EvidenceOfAll(ctx, db, at.asOf, at.knownAt), at.asOf, base, o)
	if err != nil {
		return nil, err
	}
	return &calibrationReport{Calibration: c, KnownAt: at.knownAt.UTC(), Draft: c.Draft.JSON()}, nil
}

// writeDraft writes a model for people to read and edit; nowhere when no file is named.
func writeDraft(path string, model json.RawMessage) error {
	if path == "" {
		return nil
	}
	var text bytes.Buffer
	if err := json.Indent(&text, model, "", "  "); err != nil {
		return fmt.Errorf("lay out the draft: %w", err)
	}
	text.WriteByte('\n')
	if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the draft: %w", err)
	}
	return nil
}

func (p *program) reportCalibration(r *calibrationReport, out string) error {
	if p.json {
		return p.print(r)
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%d enterprises as of %s, base model %s/%d\n\n", r.Enterprises, r.AsOf, r.Base.Code, r.Base.Version)
	fmt.Fprintln(w, "dimension\trisk\tsource\tenterprises\tobservations\tmu %\t95 %\tbefore\tk\t95 %\tbefore\t")
	for _, e := range r.Estimates {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%.2f\t%.2f to %.2f\t%.2f\t%.2f\t%.2f to %.2f\t%.2f\t%s\n", e.Dimension, e.Risk, e.Source, e.Enterprises,
			e.Observations, percent(e.Mu), percent(e.MuFrom), percent(e.MuTo), percent(e.Before.Mu), thousandths(e.K), thousandths(e.KFrom),
			thousandths(e.KTo), thousandths(e.Before.K), map[string]string{"": "", "upper": "k at its upper bound", "lower": "k at its lower bound"}[e.Bound])
	}
	if r.Cuts != nil {
		fmt.Fprintf(w, "\ntier\tindex from\tbefore\twanted %%\tgiven %%\tenterprises\tof %d with fair evidence\n", r.Cuts.Fair)
		for _, t := range r.Cuts.Tiers {
			fmt.Fprintf(w, "%s\t%s\t%s\t%.2f\t%.2f\t%d\t%s\n", t.Tier, points(t.IndexFrom), points(t.Before), float64(t.Wanted)/100, float64(t.Share)/100,
				t.Enterprises, map[bool]string{true: fmt.Sprintf("only %d pass the gates", t.GatesHeld)}[t.LimitedByGates])
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the estimates: %w", err)
	}
	if out != "" {
		p.say("draft written: `healthcode model add %s --author NAME --reason TEXT` stores it", out)
	}
	return nil
}

func percent(ppm int64) float64 { return float64(ppm) / 10_000 }

func thousandths(milli int64) float64 { return float64(milli) / 1000 }
