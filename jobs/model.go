package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"
)

// Simulator computes what a model would change for everybody as of a day, knowing what was known at an instant.
type Simulator interface {
	Simulate(ctx context.Context, before, after *scoring.Model, asOf registry.Day, knownAt time.Time) (*scoring.Effect, error)
}

// Loop is the plainest simulator: it reads everybody's evidence and grades each by both models.
type Loop struct {
	DB       *schema.DB
	Progress func(enterprises int) // may be nil
}

// Simulate reads the evidence once.
func (l *Loop) Simulate(ctx context.Context, before, after *scoring.Model, asOf registry.Day, knownAt time.Time) (*scoring.Effect, error) {
	return scoring.Compare(EvidenceOfAll(ctx, l.DB, asOf, knownAt), asOf, before, after, l.Progress)
}

// EvidenceOfAll hands out everybody's evidence as of a day, knowing what was known at an instant.
func EvidenceOfAll(ctx context.Context, db *schema.DB, asOf registry.Day, knownAt time.Time) scoring.EvidenceSource {
	return func(yield func(*scoring.Evidence) error) error {
		return db.Evidence(ctx, schema.KeyRange{}, asOf, knownAt, yield)
	}
}

// SimulateModel computes what a stored version would change beside the active one, and keeps it for the approver.
type SimulateModel struct {
	DB        *schema.DB
	Clock     func() time.Time
	Simulator Simulator
}

// RunOnce simulates as of today, knowing everything known now. schema.ErrNotFound when the version is not stored or none is active.
func (j *SimulateModel) RunOnce(ctx context.Context, code string, version int) (*scoring.Effect, error) {
	before, err := ParseActive(ctx, j.DB)
	if err != nil {
		return nil, err
	}
	after, err := ParseStored(ctx, j.DB, code, version)
	if err != nil {
		return nil, err
	}
	knownAt, err := j.DB.Know(ctx)
	if err != nil {
		return nil, err
	}
	asOf := registry.DayOf(j.Clock())
	effect, err := j.Simulator.Simulate(ctx, before, after, asOf, knownAt)
	if err != nil {
		return nil, fmt.Errorf("simulate model %s/%d: %w", code, version, err)
	}
	result, err := json.Marshal(effect)
	if err != nil {
		return nil, fmt.Errorf("write the simulation: %w", err)
	}
	err = j.DB.AddModelSimulation(ctx, schema.ModelSimulation{Model: refOf(after), Base: refOf(before), AsOf: asOf, KnownAt: knownAt, Result: string(result)})
	return effect, err
}

func refOf(m *scoring.Model) schema.ModelRef {
	return schema.ModelRef{Code: m.Code, Version: m.Version, Digest: m.Digest()}
}

// ParseActive returns the model in use; an error that wraps schema.ErrNotFound when there is none.
func ParseActive(ctx context.Context, db *schema.DB) (*scoring.Model, error) {
	stored, err := db.ActiveModel(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the active model: %w", err)
	}
	return parse(stored)
}

// ParseStored returns a stored version; an error that wraps schema.ErrNotFound when it is not stored.
func ParseStored(ctx context.Context, db *schema.DB, code string, version int) (*scoring.Model, error) {
	stored, err := db.Model(ctx, code, version)
	if err != nil {
		return nil, fmt.Errorf("find model %s/%d: %w", code, version, err)
	}
	return parse(stored)
}

func parse(stored *schema.StoredModel) (*scoring.Model, error) {
	m, err := scoring.ParseModel([]byte(stored.Body))
	if err != nil {
		return nil, fmt.Errorf("read model %s: %w", stored, err)
	}
	return m, nil
}

// NextVersion returns the version after the newest of a code that is stored.
func NextVersion(ctx context.Context, db *schema.DB, code string) (int, error) {
	newest := 0
	for m, err := range db.Models(ctx) {
		if err != nil {
			return 0, fmt.Errorf("look for the newest version: %w", err)
		}
		if m.Code == code {
			newest = max(newest, m.Version)
		}
	}
	return newest + 1, nil
}

// RollBack stores an older version's body as a new version and proposes it, to take effect on a day that may be today. It then waits for a
// simulation, another person's approval and its activation like any other. Of two at once, one is refused with schema.ErrConflict.
func RollBack(ctx context.Context, db *schema.DB, code string, to int, step scoring.ModelStep) (*schema.StoredModel, error) {
	old, err := db.Model(ctx, code, to)
	if err != nil {
		return nil, fmt.Errorf("find model %s/%d: %w", code, to, err)
	}
	if old.ActivatedAt.IsZero() {
		return nil, fmt.Errorf("roll back to %s: %w", old, errNeverUsed)
	}
	body, err := parse(old)
	if err != nil {
		return nil, err
	}
	version, err := NextVersion(ctx, db, code)
	if err != nil {
		return nil, err
	}
	again, err := body.Renumbered(version)
	if err != nil {
		return nil, fmt.Errorf("roll back to %s: %w", old, err)
	}
	if _, err := (scoring.Life{State: scoring.ModelDraft, Author: step.By}).Take(step); err != nil {
		return nil, err // before anything is stored
	}
	m := schema.StoredModel{ModelRef: refOf(again), Life: scoring.Life{Author: step.By, Reason: step.Reason}, Body: string(again.JSON())}
	if err := db.AddModel(ctx, m); err != nil {
		return nil, err
	}
	return db.StepModel(ctx, code, version, step)
}

var errNeverUsed = errors.New("this version was never active")
