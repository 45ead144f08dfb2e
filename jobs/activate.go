package jobs

import (
	"context"
	"fmt"
	"time"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"
)

// Activate activates the approved models whose day has come. Everybody is then due for a new grade, which the next run of changes gives.
type Activate struct {
	DB    *schema.DB
	Clock func() time.Time
}

// RunOnce activates in the order in which the models take effect, so that the newest stays, and returns what it activated.
// schema.ErrNothingDue when no model's day has come; scoring.ErrStep when another process was faster.
func (j *Activate) RunOnce(ctx context.Context) ([]schema.StoredModel, error) {
	today := registry.DayOf(j.Clock())
	due, err := j.DB.DueModels(ctx, today)
	if err != nil {
		return nil, fmt.Errorf("look for models to activate: %w", err)
	}
	if len(due) == 0 {
		return nil, schema.ErrNothingDue
	}
	var activated []schema.StoredModel
	for _, m := range due {
		after, err := j.DB.StepModel(ctx, m.Code, m.Version, scoring.ModelStep{Action: scoring.Activate, By: scoring.BySystem, Today: today})
		if err != nil {
			return activated, err
		}
		activated = append(activated, *after)
	}
	return activated, nil
}
