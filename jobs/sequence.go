package jobs

import (
	"context"
	"fmt"

	"healthcode/schema"
)

// Sequence gives changes that are committed their places in the change feed. Any number of processes may run it: one at a time gives places.
type Sequence struct {
	DB *schema.DB
}

// RunOnce gives places until nothing waits and returns how many; schema.ErrNothingDue when nothing waited.
func (j *Sequence) RunOnce(ctx context.Context) (int, error) {
	total := 0
	for {
		n, err := j.DB.SequenceChanges(ctx)
		total += n
		switch {
		case err != nil:
			return total, fmt.Errorf("give changes their places: %w", err)
		case n == 0 && total == 0:
			return 0, schema.ErrNothingDue
		case n == 0:
			return total, nil
		}
	}
}
