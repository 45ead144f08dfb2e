package jobs

import (
	"context"
	"fmt"
	"time"

	"healthcode/schema"
)

// DefaultScanLife is how long counts of scans stay: a copy shows within days, and a month of counts tells it from an ordinary day.
const DefaultScanLife = 30 * 24 * time.Hour

// PruneScans deletes counts of scans that are too old. Signals stay.
type PruneScans struct {
	DB    *schema.DB
	Clock func() time.Time
	Keep  time.Duration // 0: DefaultScanLife
}

// RunOnce returns how many counts went; schema.ErrNothingDue when there were none.
func (j *PruneScans) RunOnce(ctx context.Context) (int, error) {
	keep := j.Keep
	if keep <= 0 {
		keep = DefaultScanLife
	}
	n, err := j.DB.PruneScans(ctx, schema.HourOf(j.Clock().Add(-keep)))
	if err != nil {
		return n, fmt.Errorf("prune counts of scans: %w", err)
	}
	if n == 0 {
		return 0, schema.ErrNothingDue
	}
	return n, nil
}
