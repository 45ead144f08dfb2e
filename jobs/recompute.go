package jobs

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"

	"golang.org/x/sync/errgroup"
)

// Recompute grades enterprises and stores the grades: all of them, or those with new facts or whose next change has come.
type Recompute struct {
	DB          *schema.DB
	Clock       func() time.Time
	ChangedOnly bool
	AsOf        registry.Day // no day: today
	KnownAt     time.Time    // zero: everything known when the run starts
	OncePerDay  bool         // do nothing when a run for the same day has finished: two replicas tick, one works
	Workers     int          // ranges worked on at once; 0: one per processor
	RangeSize   int          // enterprises in a range; 0: schema.DefaultRangeSize
	Lease       time.Duration
	Progress    func(assessed, enterprises int64) // called from several goroutines; may be nil
}

// ErrAlreadyDone says that a run for the same day has finished already.
var ErrAlreadyDone = errors.New("a run for this day has finished")

func (j *Recompute) kind() string {
	if j.ChangedOnly {
		return schema.KindRecomputeChanged
	}
	return schema.KindRecompute
}

// RunOnce does one run, or takes up one that was interrupted. schema.ErrRunning when another process is at it, schema.ErrNothingDue when
// only changes were asked for and there are none, ErrAlreadyDone under OncePerDay. Only the active model grades: a run whose model was
// retired meanwhile ends as failed, and another one begins.
func (j *Recompute) RunOnce(ctx context.Context) (run *schema.Run, err error) {
	for range 3 {
		if run, err = j.runOnce(ctx); !errors.Is(err, schema.ErrInactive) {
			return run, err
		}
	}
	return nil, err
}

func (j *Recompute) runOnce(ctx context.Context) (*schema.Run, error) {
	asOf := j.AsOf
	if asOf == 0 {
		asOf = registry.DayOf(j.Clock())
	}
	if err := j.refuse(ctx, asOf); err != nil {
		return nil, err
	}
	model, err := j.DB.ActiveModel(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the active model: %w", err)
	}
	run, err := j.DB.StartRun(ctx, schema.RunRequest{Kind: j.kind(), ChangedOnly: j.ChangedOnly, AsOf: asOf, KnownAt: j.KnownAt,
		Model: model.ModelRef, RangeSize: j.RangeSize, Lease: j.Lease})
	if err != nil {
		return nil, err
	}
	if err := j.work(ctx, run); err != nil {
		return nil, j.giveUp(ctx, run, err)
	}
	if err := j.DB.FinishRun(ctx, run); err != nil {
		return nil, fmt.Errorf("finish run %d: %w", run.ID, err)
	}
	return j.DB.Run(ctx, run.ID)
}

// refuse returns ErrAlreadyDone under OncePerDay when a run of the kind has done this day, and schema.ErrNothingDue when a run of changes
// would find none: that is asked several times a second and must cost next to nothing.
func (j *Recompute) refuse(ctx context.Context, asOf registry.Day) error {
	if j.ChangedOnly {
		due, err := j.DB.ChangesDue(ctx, asOf, time.Time{})
		if err == nil && !due {
			err = schema.ErrNothingDue
		}
		return err
	}
	if !j.OncePerDay {
		return nil
	}
	done, err := j.DB.RunDone(ctx, j.kind(), asOf)
	if err == nil && done {
		err = ErrAlreadyDone
	}
	return err
}

// work grades the open ranges, several at once.
func (j *Recompute) work(ctx context.Context, run *schema.Run) error {
	model, err := ParseStored(ctx, j.DB, run.Model.Code, run.Model.Version)
	if err != nil {
		return err
	}
	ranges, err := j.DB.OpenRanges(ctx, run)
	if err != nil {
		return fmt.Errorf("read the ranges of run %d: %w", run.ID, err)
	}
	todo := make(chan schema.Range, len(ranges))
	for _, r := range ranges {
		todo <- r
	}
	close(todo)
	var assessed atomic.Int64
	assessed.Store(run.Assessed)
	group, ctx := errgroup.WithContext(ctx)
	for range j.workers() {
		group.Go(func() error { return j.gradeRanges(ctx, run, model, todo, &assessed) })
	}
	return group.Wait()
}

func (j *Recompute) workers() int {
	if j.Workers > 0 {
		return j.Workers
	}
	return runtime.GOMAXPROCS(0)
}

func (j *Recompute) gradeRanges(ctx context.Context, run *schema.Run, model *scoring.Model, todo <-chan schema.Range, assessed *atomic.Int64) error {
	for r := range todo {
		result, err := j.DB.FinishRange(ctx, run, r, func(p *schema.Part) ([]schema.Grade, error) {
			return gradePart(p, model, run), nil
		})
		if err != nil {
			return fmt.Errorf("grade the enterprises %s to %s: %w", r.From, r.To, err)
		}
		if done := assessed.Add(int64(result.Assessed)); j.Progress != nil {
			j.Progress(done, run.Enterprises)
		}
	}
	return nil
}

// gradePart grades the enterprises of a range: one pass over the columns for what their evidence earns, then movement for those whose
// standing may be another.
func gradePart(p *schema.Part, model *scoring.Model, run *schema.Run) []schema.Grade {
	grader, grades := p.Columns.Grader(model), make([]schema.Grade, p.Columns.Len())
	earned := make([]scoring.Assessment, len(grades))
	grader.AssessAll(run.AsOf, func(i int, x *scoring.Assessment) { earned[i] = *x })
	for i := range grades {
		grades[i] = grade(grader, i, earned[i], p, run)
	}
	return grades
}

// grade is everything that is stored about one enterprise on one day. While neither records nor model change and no day comes on which
// time changes the standing, the standing is what it was, and only the index is computed again.
func grade(grader *scoring.Grader, i int, earned scoring.Assessment, p *schema.Part, run *schema.Run) schema.Grade {
	var g scoring.Grade
	var ahead scoring.Outlook
	if prior := p.Priors[i]; prior != nil && (prior.StandingUntil == 0 || run.AsOf < prior.StandingUntil) {
		g = scoring.Grade{Earned: earned, Standing: scoring.Standing{Tier: prior.Tier, Colour: prior.Colour,
			TierSince: prior.TierSince, ColourSince: prior.ColourSince}}
		ahead = scoring.Outlook{GradeOn: prior.NextChangeOn, StandingOn: prior.StandingUntil}
	} else {
		g, ahead = grader.GradeAhead(i, run.AsOf)
	}
	x := &g.Earned
	return schema.Grade{Index: x.Index, Tier: g.Tier, Colour: g.Colour, Evidence: x.Evidence, Checks: x.Checks, LossPPM: x.LossPPM,
		NextChangeOn: ahead.GradeOn, EarnedTier: x.Tier, EarnedColour: x.Colour, TierSince: g.TierSince, ColourSince: g.ColourSince,
		StandingUntil: ahead.StandingOn, Digest: grader.Digest(i, run.AsOf, run.KnownAt, p.Facts[i], &g)}
}

// giveUp ends a run that cannot go on. A run that was only interrupted stays open for whoever takes it up.
func (j *Recompute) giveUp(ctx context.Context, run *schema.Run, cause error) error {
	if ctx.Err() != nil || errors.Is(cause, schema.ErrLeaseLost) {
		return fmt.Errorf("run %d was interrupted and can be taken up: %w", run.ID, cause)
	}
	if err := j.DB.FailRun(ctx, run, cause.Error()); err != nil {
		return errors.Join(cause, fmt.Errorf("mark run %d as failed: %w", run.ID, err))
	}
	return fmt.Errorf("run %d: %w", run.ID, cause)
}
