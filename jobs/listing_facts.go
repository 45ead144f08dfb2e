package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"
	"healthcode/supervision"
)

// FactStore reads what the criteria of a list look at. *schema.DB is one.
type FactStore interface {
	GradeStore
	Enterprise(ctx context.Context, code registry.USCC) (*registry.Enterprise, error)
	RecordsOf(ctx context.Context, code registry.USCC) ([]registry.Record, error)
}

// GradeStore reads the grades of an enterprise and what they rest on.
type GradeStore interface {
	Assessment(ctx context.Context, code registry.USCC) (*schema.Assessment, error)
	AssessmentHistory(ctx context.Context, code registry.USCC, limit int) ([]schema.Assessment, error)
	EvidenceOf(ctx context.Context, code registry.USCC, asOf registry.Day, knownAt time.Time) (*scoring.Evidence, error)
}

// ListingFacts gathers what the criteria of a list look at, for one enterprise after another.
type ListingFacts struct {
	Store FactStore
	Model func(ctx context.Context, ref schema.ModelRef) (*scoring.Model, error) // of a grade
}

// maxGradeHistory bounds how many kept grades are read: who has more has held its grade for less.
const maxGradeHistory = 2000

// Of returns the facts about an enterprise on a day, and the moment of knowledge of the grade among them; the zero time when it was never graded.
func (l *ListingFacts) Of(ctx context.Context, code registry.USCC, day registry.Day) (*supervision.ListingFacts, time.Time, error) {
	e, err := l.Store.Enterprise(ctx, code)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("read enterprise: %w", err)
	}
	live, err := l.Store.Assessment(ctx, code)
	if err != nil && !errors.Is(err, schema.ErrNotFound) {
		return nil, time.Time{}, fmt.Errorf("read grade: %w", err)
	}
	records, err := l.Store.RecordsOf(ctx, code)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("read records: %w", err)
	}
	f := supervision.FactsOf(registry.Standing(records, day), day)
	if f.RegisteredOn = e.RegisteredOn; live == nil {
		return &f, time.Time{}, nil
	}
	if f.Grades, err = l.grades(ctx, code, live); err != nil {
		return nil, time.Time{}, err
	}
	f.Vetoes, err = l.vetoes(ctx, code, live)
	return &f, live.KnownAt, err
}

// grades returns the grades that an enterprise has had, newest first. A kept row is there for each change and each month's end.
func (l *ListingFacts) grades(ctx context.Context, code registry.USCC, live *schema.Assessment) ([]supervision.GradedOn, error) {
	history, err := l.Store.AssessmentHistory(ctx, code, maxGradeHistory)
	if err != nil {
		return nil, fmt.Errorf("read the history of the grade: %w", err)
	}
	grades := []supervision.GradedOn{{On: live.AsOf, Tier: live.Tier, Colour: live.Colour}}
	for i := range history {
		if h := &history[i]; h.AsOf <= live.AsOf {
			grades = append(grades, supervision.GradedOn{On: h.AsOf, Tier: h.Tier, Colour: h.Colour})
		}
	}
	return grades, nil
}

// vetoes counts those that fire for the present grade.
func (l *ListingFacts) vetoes(ctx context.Context, code registry.USCC, live *schema.Assessment) (int, error) {
	model, err := l.Model(ctx, live.Model)
	if err != nil {
		return 0, err
	}
	evidence, err := l.Store.EvidenceOf(ctx, code, live.AsOf, live.KnownAt)
	if err != nil {
		return 0, fmt.Errorf("read evidence: %w", err)
	}
	x := scoring.NewAssessor(model).Explain(evidence, live.AsOf, live.KnownAt)
	return len(x.Vetoes), nil
}

// NewListingFacts gathers from a database, and keeps the models that it has read.
func NewListingFacts(db *schema.DB) *ListingFacts {
	return &ListingFacts{Store: db, Model: storedModels(db)}
}

// storedModels returns a reader of models that keeps what it has read.
func storedModels(db *schema.DB) func(context.Context, schema.ModelRef) (*scoring.Model, error) {
	read := map[schema.ModelRef]*scoring.Model{}
	return func(ctx context.Context, ref schema.ModelRef) (*scoring.Model, error) {
		ref.Digest = ""
		if read[ref] != nil {
			return read[ref], nil
		}
		m, err := ParseStored(ctx, db, ref.Code, ref.Version)
		if err == nil {
			read[ref] = m
		}
		return m, err
	}
}
