package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	"healthcode/registry"
	"healthcode/scoring"
)

// ModelState is the state of a model version in its life.
type ModelState = scoring.ModelState

// The states of a model version. One version is active at a time.
const (
	ModelDraft    = scoring.ModelDraft
	ModelProposed = scoring.ModelProposed
	ModelApproved = scoring.ModelApproved
	ModelActive   = scoring.ModelActive
	ModelRetired  = scoring.ModelRetired
)

// StoredModel is one version of a scoring model. Its content never changes; its life goes on by StepModel.
type StoredModel struct {
	ModelRef
	scoring.Life
	CreatedAt   time.Time
	ProposedAt  time.Time // of the newest proposal; the zero time: not proposed
	ApprovedAt  time.Time
	ActivatedAt time.Time
	RetiredAt   time.Time
	Body        string // JSON
}

const modelColumns = `code, version, digest, state, created_at, body, author, proposer, approver, reason, effective_on, preview_until,
	proposed_at, approved_at, activated_at, retired_at`

func readModel(scan func(...any) error) (StoredModel, error) {
	var m StoredModel
	var created, proposed, approved, activated, retired int64
	err := scan(&m.Code, &m.Version, &m.Digest, (*string)(&m.State), &created, &m.Body, &m.Author, &m.Proposer, &m.Approver, &m.Reason,
		(*int32)(&m.EffectiveOn), (*int32)(&m.PreviewUntil), &proposed, &approved, &activated, &retired)
	m.CreatedAt, m.ProposedAt, m.ApprovedAt = instant(created), instant(proposed), instant(approved)
	m.ActivatedAt, m.RetiredAt = instant(activated), instant(retired)
	return m, err
}

// AddModel stores a model version as a draft of its author, for a reason. Adding the same content again changes nothing; another content
// under the same version is ErrConflict. The first model of a database may come without an author: it is the one that the program
// ships, and needs nobody's approval.
func (db *DB) AddModel(ctx context.Context, m StoredModel) error {
	return db.inWrite(ctx, "add model "+m.String(), sql.LevelReadCommitted, func(t *tx) error {
		if err := t.lockModels(ctx); err != nil {
			return err
		}
		stored, err := t.model(ctx, m.Code, m.Version)
		switch {
		case err == nil && stored.Digest == m.Digest:
			return nil
		case err == nil:
			return fmt.Errorf("%w: this version has another content", ErrConflict)
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		if m.Life, err = t.firstLife(ctx, &m); err != nil {
			return err
		}
		if err := t.learn(ctx); err != nil {
			return err
		}
		const query = `INSERT INTO model (code, version, digest, state, created_at, body, author, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
		_, err = t.ExecContext(ctx, t.Rebind(query), m.Code, m.Version, m.Digest, string(m.State), t.stamp, m.Body, m.Author, m.Reason)
		if err != nil {
			return err
		}
		return t.addEvent(ctx, nil, &m, ModelEvent{Action: "add", Person: m.Author, Reason: m.Reason})
	})
}

// firstLife is the life of a version that is about to be stored.
func (t *tx) firstLife(ctx context.Context, m *StoredModel) (scoring.Life, error) {
	if m.Author != "" {
		return scoring.Draft(m.Author, m.Reason)
	}
	var n int
	if err := t.GetContext(ctx, &n, `SELECT count(*) FROM model`); err != nil {
		return scoring.Life{}, err
	}
	if n > 0 {
		return scoring.Life{}, fmt.Errorf("%w: only the first model may come without an author", scoring.ErrPerson)
	}
	return scoring.Life{State: ModelApproved, Author: scoring.AuthorShipped, Reason: "shipped with the program"}, nil
}

// model reads a version inside a transaction; sql.ErrNoRows when it is not stored.
func (t *tx) model(ctx context.Context, code string, version int) (*StoredModel, error) {
	m, err := readModel(t.QueryRowxContext(ctx, t.Rebind(`SELECT `+modelColumns+` FROM model WHERE code = ? AND version = ?`), code, version).Scan)
	return &m, err
}

// ActiveModel returns the version in use, or ErrNotFound.
func (db *DB) ActiveModel(ctx context.Context) (*StoredModel, error) {
	return db.oneModel(ctx, `WHERE state = 'active'`)
}

// ActiveModelAt returns the version that was in use at an instant. Before the first activation, as when history is computed that is
// older than this database, it is the one in use now. ErrNotFound when there is none.
func (db *DB) ActiveModelAt(ctx context.Context, at time.Time) (*StoredModel, error) {
	m, err := db.oneModel(ctx, `WHERE activated_at > 0 AND activated_at <= ? AND (retired_at = 0 OR retired_at > ?) ORDER BY activated_at DESC LIMIT 1`,
		micros(at), micros(at))
	if errors.Is(err, ErrNotFound) {
		return db.ActiveModel(ctx)
	}
	return m, err
}

// Model returns a stored version, or ErrNotFound.
func (db *DB) Model(ctx context.Context, code string, version int) (*StoredModel, error) {
	return db.oneModel(ctx, `WHERE code = ? AND version = ?`, code, version)
}

func (db *DB) oneModel(ctx context.Context, where string, arguments ...any) (*StoredModel, error) {
	for m, err := range stream(ctx, db, "read model", `SELECT `+modelColumns+` FROM model `+where, arguments, readModel) {
		return &m, err
	}
	return nil, fmt.Errorf("read model: %w", ErrNotFound)
}

// Models iterates over every stored version in the order of code and version.
func (db *DB) Models(ctx context.Context) iter.Seq2[StoredModel, error] {
	return stream(ctx, db, "read models", `SELECT `+modelColumns+` FROM model ORDER BY code, version`, nil, readModel)
}

// DueModels returns the approved versions whose day has come, those first that take effect first.
func (db *DB) DueModels(ctx context.Context, today registry.Day) ([]StoredModel, error) {
	const query = `SELECT ` + modelColumns + ` FROM model WHERE state = 'approved' AND effective_on <= ? ORDER BY effective_on, approved_at, code, version`
	var found []StoredModel
	for m, err := range stream(ctx, db, "read due models", query, []any{int64(today)}, readModel) {
		if err != nil {
			return nil, err
		}
		found = append(found, m)
	}
	return found, nil
}
