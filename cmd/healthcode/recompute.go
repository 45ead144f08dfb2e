package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"healthcode/access"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"

	"github.com/spf13/cobra"
)

func (p *program) recomputeCommand() *cobra.Command {
	var asOf, knownAt string
	var changed bool
	c := &cobra.Command{
		Use: "recompute", Short: "Grade all enterprises", Args: arguments(),
		Long: "Grades all enterprises as of a day, knowing what was known at an instant, and stores the grades.\n" +
			"A run that was interrupted, even by kill -9, is taken up where it stopped.",
		Example: "  healthcode recompute\n  healthcode recompute --as-of 2026-06-30 --known-at 2026-07-01T00:00:00+08:00 --json",
	}
	p.jsonFlag(c)
	c.Flags().StringVar(&asOf, "as-of", "", "day of the grades, YYYY-MM-DD (default today, Asia/Shanghai)")
	c.Flags().StringVar(&knownAt, "known-at", "", "what was known at this instant, RFC 3339 (default now)")
	c.Flags().BoolVar(&changed, "changed", false, "only enterprises with new facts, or whose next change has come")
	c.RunE = func(c *cobra.Command, _ []string) error {
		job := &jobs.Recompute{Clock: p.now, ChangedOnly: changed, Lease: recomputeLease}
		var err error
		if job.AsOf, err = parseDayFlag(c, "as-of", asOf); err != nil {
			return err
		}
		if job.KnownAt, err = parseInstantFlag(c, "known-at", knownAt); err != nil {
			return err
		}
		return p.withNewDB(c.Context(), func(db *schema.DB) error {
			job.DB = db
			run, err := p.recompute(c.Context(), job)
			if err != nil {
				return err
			}
			return p.reportRun(c.Context(), db, run)
		})
	}
	return c
}

// recomputeLease is how long a run stays with a process that gives no sign of life. Ranges take less than a second.
const recomputeLease = 15 * time.Second

// recompute does one run with a progress bar. When another process holds the run, or was killed a moment ago, it waits until the lease
// must have run out and tries once more.
func (p *program) recompute(ctx context.Context, job *jobs.Recompute) (*schema.Run, error) {
	bar := p.newProgress("grading", "enterprises", -1)
	defer bar.finish()
	job.Progress = bar.set
	run, err := job.RunOnce(ctx)
	if errors.Is(err, schema.ErrRunning) {
		p.say("another process is grading, or was killed a moment ago: waiting up to %s", recomputeLease+time.Second)
		if err := wait(ctx, recomputeLease+time.Second); err != nil {
			return nil, err
		}
		run, err = job.RunOnce(ctx)
	}
	if errors.Is(err, schema.ErrNothingDue) {
		return &schema.Run{Kind: schema.KindRecomputeChanged, State: schema.RunFinished, AsOf: registry.DayOf(job.Clock())}, nil
	}
	return run, err
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait: %w", ctx.Err())
	case <-timer.C:
		return nil
	}
}

// runReport is what recompute prints.
type runReport struct {
	Run      int64          `json:"run"`
	Kind     string         `json:"kind"`
	AsOf     registry.Day   `json:"as_of"`
	KnownAt  time.Time      `json:"known_at"`
	Model    string         `json:"model"`
	Assessed int64          `json:"assessed"`
	Changed  int64          `json:"changed"`
	Resumed  bool           `json:"resumed"`
	Seconds  float64        `json:"seconds"`
	Tiers    map[string]int `json:"tiers"`
	Colours  map[string]int `json:"colours"`
}

func (p *program) reportRun(ctx context.Context, db *schema.DB, run *schema.Run) error {
	tiers, colours, err := distribution(ctx, db)
	if err != nil {
		return err
	}
	report := runReport{Run: run.ID, Kind: run.Kind, AsOf: run.AsOf, KnownAt: run.KnownAt, Model: run.Model.String(), Assessed: run.Assessed,
		Changed: run.Changed, Resumed: run.Resumed, Tiers: tiers, Colours: colours}
	if !run.FinishedAt.IsZero() {
		report.Seconds = run.FinishedAt.Sub(run.StartedAt).Seconds()
	}
	if p.json {
		return p.print(report)
	}
	p.say("%d enterprises graded as of %s in %.1f s, %d grades changed", report.Assessed, report.AsOf, report.Seconds, report.Changed)
	p.sayShares(tiers, colours)
	return nil
}

// distribution counts the current grades by tier and colour, zeros included.
func distribution(ctx context.Context, db *schema.DB) (tiers, colours map[string]int, err error) {
	counted, err := db.CountAssessments(ctx, access.Everything())
	if err != nil {
		return nil, nil, fmt.Errorf("count the grades: %w", err)
	}
	tiers, colours = map[string]int{}, map[string]int{}
	for _, tier := range registry.Tiers() {
		tiers[tier.String()] = counted.Tiers[tier]
	}
	for _, colour := range registry.Colours() {
		colours[colour.String()] = counted.Colours[colour]
	}
	return tiers, colours, nil
}

func (p *program) sayShares(tiers, colours map[string]int) {
	line := "tiers  "
	for _, tier := range registry.Tiers() {
		line += fmt.Sprintf("  %s %d", tier, tiers[tier.String()])
	}
	p.say("%s", line)
	line = "colours"
	for _, colour := range registry.Colours() {
		line += fmt.Sprintf("  %s %d", colour, colours[colour.String()])
	}
	p.say("%s", line)
}
