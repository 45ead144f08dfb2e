package jobs

import (
	"context"
	"fmt"
	"time"

	"healthcode/schema"
)

// RemindDays is how many days before the end of a printed code its owner is told, once each.
var RemindDays = []int{30, 7}

// Remind tells by the outbox which printed codes end soon. Renewed, suspended, revoked and superseded ones are left out.
type Remind struct {
	DB    *schema.DB
	Clock func() time.Time
}

// RunOnce tells what was not told yet and returns how many reminders that were; schema.ErrNothingDue when there was nothing.
func (j *Remind) RunOnce(ctx context.Context) (int, error) {
	ending, err := j.DB.EndingCodes(ctx, j.Clock(), RemindDays)
	if err != nil {
		return 0, fmt.Errorf("look for codes that end: %w", err)
	}
	if len(ending) == 0 {
		return 0, schema.ErrNothingDue
	}
	told, err := j.DB.Remind(ctx, ending)
	if err != nil {
		return 0, fmt.Errorf("remind of codes that end: %w", err)
	}
	return told, nil
}
