package jobs

import (
	"context"
	"fmt"
	"time"

	"healthcode/schema"
)

// PruneTickets deletes tickets that were used, or expired, more than a year ago. Who looked with them is kept apart, for longer.
type PruneTickets struct {
	DB    *schema.DB
	Clock func() time.Time
}

// RunOnce returns how many went; schema.ErrNothingDue when there were none.
func (j *PruneTickets) RunOnce(ctx context.Context) (int, error) {
	n, err := j.DB.PruneTickets(ctx, j.Clock().AddDate(-1, 0, 0))
	if err != nil {
		return n, fmt.Errorf("prune tickets: %w", err)
	}
	if n == 0 {
		return 0, schema.ErrNothingDue
	}
	return n, nil
}
