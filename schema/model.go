package schema

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"time"
)

// ModelState is the state of a model version in its life.
type ModelState string

// The states of a model version. One version is active at a time.
const (
	ModelDraft    ModelState = "draft"
	ModelProposed ModelState = "proposed"
	ModelApproved ModelState = "approved"
	ModelActive   ModelState = "active"
	ModelRetired  ModelState = "retired"
)

// StoredModel is one version of a scoring model. Its content never changes.
type StoredModel struct {
	ModelRef
	State     ModelState
	CreatedAt time.Time
	Body      string // JSON
}

const modelColumns = `code, version, digest, state, created_at, body`

func readModel(scan func(...any) error) (StoredModel, error) {
	var m StoredModel
	var created int64
	err := scan(&m.Code, &m.Version, &m.Digest, (*string)(&m.State), &created, &m.Body)
	m.CreatedAt = instant(created)
	return m, err
}

// AddModel stores a model version. Adding the same content again changes nothing; another content under the same version is ErrConflict.
// It comes as approved when no state is given; ActivateModel makes it the one in use.
func (db *DB) AddModel(ctx context.Context, m StoredModel) error {
	if m.State == "" {
		m.State = ModelApproved
	}
	return db.inWrite(ctx, "add model "+m.String(), sql.LevelReadCommitted, func(t *tx) error {
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		const query = `INSERT INTO model (` + modelColumns + `) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (code, version) DO NOTHING`
		if _, err := t.ExecContext(ctx, t.Rebind(query), m.Code, m.Version, m.Digest, string(m.State), now, m.Body); err != nil {
			return err
		}
		var digest string
		if err := t.GetContext(ctx, &digest, t.Rebind(`SELECT digest FROM model WHERE code = ? AND version = ?`), m.Code, m.Version); err != nil {
			return err
		}
		if digest != m.Digest {
			return fmt.Errorf("%w: this version has another content", ErrConflict)
		}
		return nil
	})
}

// ActivateModel makes a stored version the active one and retires the one before; ErrNotFound when it is not stored.
func (db *DB) ActivateModel(ctx context.Context, code string, version int) error {
	return db.inWrite(ctx, "activate model", sql.LevelReadCommitted, func(t *tx) error {
		const retire = `UPDATE model SET state = 'retired' WHERE state = 'active' AND NOT (code = ? AND version = ?)`
		if _, err := t.ExecContext(ctx, t.Rebind(retire), code, version); err != nil {
			return err
		}
		result, err := t.ExecContext(ctx, t.Rebind(`UPDATE model SET state = 'active' WHERE code = ? AND version = ?`), code, version)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return ErrNotFound
		}
		return nil
	})
}

// ActiveModel returns the version in use, or ErrNotFound.
func (db *DB) ActiveModel(ctx context.Context) (*StoredModel, error) {
	return db.oneModel(ctx, `WHERE state = 'active'`)
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
