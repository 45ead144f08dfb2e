package jobs

import (
	"context"
	"fmt"
	"time"

	"healthcode/schema"
)

// DefaultLookYears is for how many years it is kept who looked at an enterprise: Zhejiang's rules on public credit information (2017) ask for ten.
const DefaultLookYears = 10

// PruneLooks deletes looks that are too old.
type PruneLooks struct {
	DB    *schema.DB
	Clock func() time.Time
	Years int // 0: DefaultLookYears
}

// RunOnce returns how many went; schema.ErrNothingDue when there were none.
func (j *PruneLooks) RunOnce(ctx context.Context) (int, error) {
	years := j.Years
	if years <= 0 {
		years = DefaultLookYears
	}
	n, err := j.DB.PruneLooks(ctx, j.Clock().AddDate(-years, 0, 0))
	if err != nil {
		return n, fmt.Errorf("prune looks: %w", err)
	}
	if n == 0 {
		return 0, schema.ErrNothingDue
	}
	return n, nil
}
