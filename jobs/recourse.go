package jobs

import (
	"context"
	"fmt"
	"time"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/supervision"
)

// EndPublications makes records repaired whose longest term of publication has ended, so that they count and are shown no longer.
type EndPublications struct {
	DB    *schema.DB
	Clock func() time.Time
}

// RunOnce returns how many ended; schema.ErrNothingDue when none did. Running it again changes nothing.
func (j *EndPublications) RunOnce(ctx context.Context) (int, error) {
	n, err := j.DB.EndPublications(ctx, registry.DayOf(j.Clock()))
	return idleOrDone(n, err, "end publications")
}

// LapseRecourses ends recourses that were returned to their authors and not completed in time.
type LapseRecourses struct {
	DB    *schema.DB
	Clock func() time.Time
	Days  *supervision.Calendar // nil: supervision.China
}

// RunOnce returns how many lapsed; schema.ErrNothingDue when none did. Running it again changes nothing.
func (j *LapseRecourses) RunOnce(ctx context.Context) (int, error) {
	days := j.Days
	if days == nil {
		days = supervision.China()
	}
	n, err := j.DB.LapseRecourses(ctx, registry.DayOf(j.Clock()), days)
	return idleOrDone(n, err, "lapse recourses")
}

func idleOrDone(n int, err error, doing string) (int, error) {
	if err != nil {
		return n, fmt.Errorf("%s: %w", doing, err)
	}
	if n == 0 {
		return 0, schema.ErrNothingDue
	}
	return n, nil
}
