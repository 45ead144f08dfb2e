package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"healthcode/credential"
	"healthcode/registry"
	"healthcode/schema"
)

// renewAhead is how long before its end a printed code is renewed.
const renewAhead = 30 * 24 * time.Hour

// Reissue renews printed codes that end soon or whose key was removed and, when asked to, gives one to every graded enterprise.
type Reissue struct {
	Issuer    *Issuer
	Missing   bool // also enterprises that never had a code
	RangeSize int
	Lease     time.Duration
	Progress  func(done, enterprises int64) // may be nil
}

// RunOnce does one run, or takes up one that was interrupted; the run's Changed counts the codes. schema.ErrRunning when another process
// is at it.
func (j *Reissue) RunOnce(ctx context.Context) (*schema.Run, error) {
	db := j.Issuer.DB
	model, err := db.ActiveModel(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the active model: %w", err)
	}
	run, err := db.StartRun(ctx, schema.RunRequest{Kind: schema.KindReissueCodes, AsOf: registry.DayOf(j.Issuer.Clock()), Model: model.ModelRef,
		RangeSize: j.RangeSize, Lease: j.Lease})
	if err != nil {
		return nil, err
	}
	if err := j.work(ctx, run); err != nil {
		if ctx.Err() != nil || errors.Is(err, schema.ErrLeaseLost) {
			return nil, fmt.Errorf("run %d was interrupted and can be taken up: %w", run.ID, err)
		}
		return nil, errors.Join(err, db.FailRun(ctx, run, err.Error()))
	}
	if err := db.FinishRun(ctx, run); err != nil {
		return nil, fmt.Errorf("finish run %d: %w", run.ID, err)
	}
	return db.Run(ctx, run.ID)
}

func (j *Reissue) work(ctx context.Context, run *schema.Run) error {
	ranges, err := j.Issuer.DB.OpenRanges(ctx, run)
	if err != nil {
		return fmt.Errorf("read the ranges of run %d: %w", run.ID, err)
	}
	done := run.Assessed
	for _, r := range ranges {
		if err := j.issueRange(ctx, run, r); err != nil {
			return err
		}
		if done += int64(r.Enterprises); j.Progress != nil {
			j.Progress(done, run.Enterprises)
		}
	}
	return nil
}

func (j *Reissue) issueRange(ctx context.Context, run *schema.Run, r schema.Range) error {
	s, err := j.Issuer.pinned(ctx)
	if err != nil {
		return err
	}
	owners, err := s.DB.CodeNeeds(ctx, r.From, r.To, s.kid(), s.Clock().Add(renewAhead), j.Missing)
	if err != nil {
		return fmt.Errorf("look for codes to issue: %w", err)
	}
	s.at(stepWanted)
	indexes, err := s.DB.ReserveIndexes(ctx, owners, s.kid(), string(credential.FormPrinted))
	if err != nil {
		return fmt.Errorf("reserve places for codes: %w", err)
	}
	s.at(stepIntended)
	signed, err := s.signAll(ctx, r.From, r.To, indexes)
	if err != nil {
		return err
	}
	codes := make([]schema.Code, len(signed))
	for i := range signed {
		codes[i] = stored(&signed[i], credential.FormPrinted)
	}
	if err := s.DB.FinishCodeRange(ctx, run, r, codes); err != nil {
		return fmt.Errorf("store the codes of %s to %s: %w", r.From, r.To, err)
	}
	s.at(stepStored)
	return nil
}
