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

// EvidenceOfAll hands out everybody's evidence as of a day, knowing what was known at an instant.
func EvidenceOfAll(ctx context.Context, db *schema.DB, asOf registry.Day, knownAt time.Time) scoring.EvidenceSource {
	return func(yield func(*scoring.Evidence) error) error {
		return db.Evidence(ctx, schema.KeyRange{}, asOf, knownAt, yield)
	}
}

// recordedMoves is how many of those who move most a recorded simulation names.
const recordedMoves = 100

// SimulateModel computes what a stored version would change for everybody beside the active one, and keeps it for the approver.
type SimulateModel struct {
	DB       *schema.DB
	Clock    func() time.Time
	Progress func(done, total int64) // reading enterprises, then grading them; may be nil
}

// RunOnce simulates as of today, knowing everything known now: what the evidence earns and what would be published today.
// schema.ErrNotFound when the version is not stored or none is active.
func (j *SimulateModel) RunOnce(ctx context.Context, code string, version int) (*scoring.Simulation, error) {
	before, err := ParseActive(ctx, j.DB)
	if err != nil {
		return nil, err
	}
	after, err := ParseStored(ctx, j.DB, code, version)
	if err != nil {
		return nil, err
	}
	simulation, err := SimulateAll(ctx, j.DB, before, after, registry.DayOf(j.Clock()), scoring.MoveQuery{Limit: recordedMoves}, j.Progress)
	if err != nil {
		return nil, fmt.Errorf("simulate model %s/%d: %w", code, version, err)
	}
	result, err := json.Marshal(simulation)
	if err != nil {
		return nil, fmt.Errorf("write the simulation: %w", err)
	}
	err = j.DB.AddModelSimulation(ctx, schema.ModelSimulation{Model: refOf(after), Base: refOf(before), AsOf: simulation.AsOf, KnownAt: simulation.KnownAt, Result: string(result)})
	return simulation, err
}

// SimulateAll reads everybody and compares two models as of a day: what the evidence earns, what would be published, and so many of those
// who move most, with their names.
func SimulateAll(ctx context.Context, db *schema.DB, before, after *scoring.Model, asOf registry.Day, moves scoring.MoveQuery, progress func(done, total int64)) (*scoring.Simulation, error) {
	everyone, err := db.ReadPopulation(ctx, asOf, progress)
	if err != nil {
		return nil, err
	}
	s, err := scoring.Simulate(ctx, everyone.Columns, before, after, asOf, scoring.SimulateOptions{PassOptions: scoring.PassOptions{Progress: progress},
		Attributes: everyone.Attributes, Moves: moves, Published: true})
	if err != nil {
		return nil, err
	}
	s.KnownAt = everyone.KnownAt
	for _, groups := range [][]scoring.GroupShifts{s.Groups, s.Published.Groups} {
		if err := db.NameGroups(ctx, groups); err != nil {
			return nil, err
		}
	}
	return s, db.NameMoves(ctx, s.Moves.Items)
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
