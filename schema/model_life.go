package schema

import (
	"context"
	"database/sql"
	"fmt"

	"healthcode/registry"
	"healthcode/scoring"
)

// StepModel takes one step in the life of a version and returns it as it is then. Steps are taken one after the other, whatever the number
// of processes. ErrNotFound when the version is not stored; scoring.ErrStep and its kin when the step is refused. An activation retires
// the version before and asks for new grades of everybody in the same transaction.
func (db *DB) StepModel(ctx context.Context, code string, version int, step scoring.ModelStep) (*StoredModel, error) {
	doing := fmt.Sprintf("%s model %s/%d", step.Action, code, version)
	err := db.inWrite(ctx, doing, sql.LevelReadCommitted, func(t *tx) error { return t.stepModel(ctx, code, version, step) })
	if err != nil {
		return nil, err
	}
	return db.Model(ctx, code, version)
}

// ActivateModel lets the system take the step activate today. A version that is active already stays as it is.
func (db *DB) ActivateModel(ctx context.Context, code string, version int) error {
	doing := fmt.Sprintf("activate model %s/%d", code, version)
	return db.inWrite(ctx, doing, sql.LevelReadCommitted, func(t *tx) error {
		if err := t.lockModels(ctx); err != nil {
			return err
		}
		if m, err := t.model(ctx, code, version); err != nil || m.State == ModelActive {
			return err
		}
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		return t.stepModel(ctx, code, version, scoring.ModelStep{Action: scoring.Activate, By: scoring.BySystem, Today: registry.DayOf(instant(now))})
	})
}

func (t *tx) stepModel(ctx context.Context, code string, version int, step scoring.ModelStep) error {
	if err := t.lockModels(ctx); err != nil {
		return err
	}
	if err := t.learn(ctx); err != nil {
		return err
	}
	m, err := t.model(ctx, code, version)
	if err != nil {
		return err
	}
	if step.Simulated, err = t.simulated(ctx, m); err != nil {
		return err
	}
	before := *m
	if m.Life, err = m.Take(step); err != nil {
		return err
	}
	if step.Action == scoring.Activate {
		if err := t.makeWay(ctx, m.ModelRef, step.By); err != nil {
			return err
		}
	}
	if err := t.saveLife(ctx, m, step.Action); err != nil {
		return err
	}
	return t.addEvent(ctx, &before, m, ModelEvent{Action: step.Action, Person: step.By, Reason: step.Reason})
}

// lockModels lets the steps of all models follow each other.
func (t *tx) lockModels(ctx context.Context) error {
	if t.db.Engine() == sqliteDialect.name {
		return nil
	}
	if _, err := t.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, lockModels); err != nil {
		return fmt.Errorf("wait for other steps: %w", err)
	}
	return nil
}

// simulated reports whether what the version changes was computed since it was proposed, beside the version that is active now.
func (t *tx) simulated(ctx context.Context, m *StoredModel) (bool, error) {
	const query = `SELECT count(*) FROM model_simulation s JOIN model a ON a.code = s.base_code AND a.version = s.base_version
		WHERE s.code = ? AND s.version = ? AND s.created_at >= ? AND a.state = 'active'`
	var n int
	if err := t.GetContext(ctx, &n, t.Rebind(query), m.Code, m.Version, micros(m.ProposedAt)); err != nil {
		return false, fmt.Errorf("look for a simulation: %w", err)
	}
	return n > 0, nil
}

// makeWay retires the active version and asks for new grades of everybody: a run of changes finds them due.
func (t *tx) makeWay(ctx context.Context, next ModelRef, by string) error {
	var active []ModelRef
	err := t.each(ctx, `SELECT code, version FROM model WHERE state = 'active'`, nil, func(scan func(...any) error) error {
		var m ModelRef
		err := scan(&m.Code, &m.Version)
		active = append(active, m)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the active model: %w", err)
	}
	for _, m := range active {
		const query = `UPDATE model SET state = 'retired', retired_at = ? WHERE code = ? AND version = ?`
		if _, err := t.ExecContext(ctx, t.Rebind(query), t.stamp, m.Code, m.Version); err != nil {
			return fmt.Errorf("retire %s: %w", m, err)
		}
		before, after := &StoredModel{ModelRef: m, Life: scoring.Life{State: ModelActive}}, &StoredModel{ModelRef: m, Life: scoring.Life{State: ModelRetired}}
		if err := t.addEvent(ctx, before, after, ModelEvent{Action: scoring.Retire, Person: by, Reason: "replaced by " + next.String()}); err != nil {
			return err
		}
	}
	const due = `INSERT INTO due (uscc, token, known_at) SELECT uscc, CAST(? AS bigint), CAST(? AS bigint) FROM enterprise ORDER BY uscc`
	if _, err := t.ExecContext(ctx, t.Rebind(due), newToken(), t.stamp); err != nil {
		return fmt.Errorf("ask for new grades: %w", err)
	}
	return nil
}

// saveLife stores the life after a step with the moment of the step.
func (t *tx) saveLife(ctx context.Context, m *StoredModel, action scoring.ModelAction) error {
	at := instant(t.stamp)
	switch action {
	case scoring.Propose:
		m.ProposedAt = at
	case scoring.Reject:
		m.ProposedAt, m.ApprovedAt = instant(0), instant(0)
	case scoring.Approve:
		m.ApprovedAt = at
	case scoring.Activate:
		m.ActivatedAt = at
	case scoring.Retire:
		m.RetiredAt = at
	}
	const query = `UPDATE model SET state = ?, proposer = ?, approver = ?, reason = ?, effective_on = ?, preview_until = ?, proposed_at = ?,
		approved_at = ?, activated_at = ?, retired_at = ? WHERE code = ? AND version = ?`
	_, err := t.ExecContext(ctx, t.Rebind(query), string(m.State), m.Proposer, m.Approver, m.Reason, int64(m.EffectiveOn), int64(m.PreviewUntil),
		micros(m.ProposedAt), micros(m.ApprovedAt), micros(m.ActivatedAt), micros(m.RetiredAt), m.Code, m.Version)
	return err
}

// refuseInactive returns ErrInactive when the model of a run is no longer, or not yet, the active one. On PostgreSQL the row is held until
// the end, so that an activation waits for the grades or the grades are refused.
func (t *tx) refuseInactive(ctx context.Context, ref ModelRef) error {
	query := `SELECT state FROM model WHERE code = ? AND version = ?` + t.db.engine.dialect().shareLock
	var states []ModelState
	if err := t.SelectContext(ctx, &states, t.Rebind(query), ref.Code, ref.Version); err != nil {
		return fmt.Errorf("look at the model: %w", err)
	}
	if len(states) == 1 && states[0] != ModelActive {
		return fmt.Errorf("%w: %s is %s", ErrInactive, ref, states[0])
	}
	return nil
}
