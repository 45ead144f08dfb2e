package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/web"
)

// AssessmentReader reads current assessments.
type AssessmentReader interface {
	// Assessment returns the current assessment of an enterprise, or an error that wraps schema.ErrNotFound.
	Assessment(ctx context.Context, code registry.USCC) (*schema.Assessment, error)
	CountAssessments(ctx context.Context, sight access.Sight) (*schema.Distribution, error)
}

// Grade is a live grade as JSON.
type Grade struct {
	Index     int32                  `json:"index"` // hundredths
	Tier      registry.Tier          `json:"tier"`
	Colour    registry.Colour        `json:"colour"`
	Evidence  registry.EvidenceLevel `json:"evidence"`
	AsOf      registry.Day           `json:"as_of"`
	KnownAt   time.Time              `json:"known_at"`
	ChangedOn registry.Day           `json:"changed_on,omitzero"`
	Model     schema.ModelRef        `json:"model"`
}

// gradeOf returns the live grade of an enterprise, nil when it has none yet.
func (s *server) gradeOf(ctx context.Context, code registry.USCC) (*Grade, error) {
	a, err := s.store.Assessment(ctx, code)
	if errors.Is(err, schema.ErrNotFound) {
		return nil, nil //nolint:nilnil // no grade yet is an ordinary answer
	}
	if err != nil {
		return nil, fmt.Errorf("read grade: %w", err)
	}
	return newGrade(a), nil
}

func newGrade(a *schema.Assessment) *Grade {
	if a == nil {
		return nil
	}
	return &Grade{Index: a.Index, Tier: a.Tier, Colour: a.Colour, Evidence: a.Evidence, AsOf: a.AsOf, KnownAt: a.KnownAt,
		ChangedOn: a.ChangedOn, Model: a.Model}
}

func newLiveGrade(g *schema.LiveGrade) *Grade {
	if g == nil {
		return nil
	}
	return &Grade{Index: g.Index, Tier: g.Tier, Colour: g.Colour, Evidence: g.Evidence, AsOf: g.AsOf, KnownAt: g.KnownAt, ChangedOn: g.ChangedOn, Model: g.Model}
}

// view is the grade as pages show it.
func (g *Grade) view() *web.Grade {
	if g == nil {
		return nil
	}
	return &web.Grade{Index: g.Index, Tier: g.Tier, Colour: g.Colour, Evidence: g.Evidence, AsOf: g.AsOf, KnownAt: g.KnownAt,
		Model: fmt.Sprintf("%s v%d", g.Model.Code, g.Model.Version)}
}
