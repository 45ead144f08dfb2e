package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/scoring"
)

// ModelEvent is one step in the life of a version, as it was taken.
type ModelEvent struct {
	Action scoring.ModelAction `json:"action"` // or add
	Person string              `json:"person"`
	Reason string              `json:"reason,omitempty"`
	At     time.Time           `json:"at"`
}

// modelAudited is what the audit log says of a model version. Who took the step is the actor; a person's name stays in the history of the model.
type modelAudited struct {
	State        ModelState   `json:"state"`
	Digest       string       `json:"digest,omitempty"`
	EffectiveOn  registry.Day `json:"effective_on,omitzero"`
	PreviewUntil registry.Day `json:"preview_until,omitzero"`
	Reason       string       `json:"reason,omitempty"`
}

// addEvent keeps a step that was taken with a version, in its own history and in the audit log. before is nil for a new one.
func (t *tx) addEvent(ctx context.Context, before, m *StoredModel, e ModelEvent) error {
	var number int
	const last = `SELECT coalesce(max(number), 0) FROM model_event WHERE code = ? AND version = ?`
	if err := t.GetContext(ctx, &number, t.Rebind(last), m.Code, m.Version); err != nil {
		return fmt.Errorf("count the steps: %w", err)
	}
	const query = `INSERT INTO model_event (code, version, number, action, person, reason, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)`
	_, err := t.ExecContext(ctx, t.Rebind(query), m.Code, m.Version, number+1, string(e.Action), strings.TrimSpace(e.Person), e.Reason, t.stamp)
	if err != nil {
		return fmt.Errorf("note the step: %w", err)
	}
	entry := auditEntry{Action: "model." + string(e.Action), Noun: "model", ID: fmt.Sprintf("%s/%d", m.Code, m.Version),
		After: modelAudited{m.State, m.Digest, m.EffectiveOn, m.PreviewUntil, e.Reason}}
	if before != nil {
		entry.Before = modelAudited{State: before.State, EffectiveOn: before.EffectiveOn, PreviewUntil: before.PreviewUntil}
	}
	return t.audit(ctx, entry)
}

// ModelEvents returns every step in the life of a version, oldest first.
func (db *DB) ModelEvents(ctx context.Context, code string, version int) ([]ModelEvent, error) {
	read := func(scan func(...any) error) (ModelEvent, error) {
		var e ModelEvent
		var at int64
		err := scan((*string)(&e.Action), &e.Person, &e.Reason, &at)
		e.At = instant(at)
		return e, err
	}
	const query = `SELECT action, person, reason, created_at FROM model_event WHERE code = ? AND version = ? ORDER BY number`
	return collect(ctx, db, "read the steps of a model", query, []any{code, version}, read)
}

// ModelSimulation is what a version would change for everybody, beside the version that was active.
type ModelSimulation struct {
	Model     ModelRef
	Base      ModelRef
	AsOf      registry.Day
	KnownAt   time.Time
	Result    string // JSON
	CreatedAt time.Time
}

// AddModelSimulation keeps a simulation for the approver. ErrNotFound when the version is not stored.
func (db *DB) AddModelSimulation(ctx context.Context, s ModelSimulation) error {
	return db.inWrite(ctx, "keep the simulation of model "+s.Model.String(), sql.LevelReadCommitted, func(t *tx) error {
		if err := t.lockModels(ctx); err != nil {
			return err
		}
		if _, err := t.model(ctx, s.Model.Code, s.Model.Version); err != nil {
			return err
		}
		if err := t.learn(ctx); err != nil {
			return err
		}
		var number int
		const last = `SELECT coalesce(max(number), 0) FROM model_simulation WHERE code = ? AND version = ?`
		if err := t.GetContext(ctx, &number, t.Rebind(last), s.Model.Code, s.Model.Version); err != nil {
			return err
		}
		const query = `INSERT INTO model_simulation (code, version, number, created_at, base_code, base_version, as_of, known_at, result)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
		_, err := t.ExecContext(ctx, t.Rebind(query), s.Model.Code, s.Model.Version, number+1, t.stamp, s.Base.Code, s.Base.Version,
			int64(s.AsOf), micros(s.KnownAt), s.Result)
		if err != nil {
			return err
		}
		after := struct {
			Base   string       `json:"base"`
			AsOf   registry.Day `json:"as_of"`
			Digest string       `json:"digest"` // SHA-256 of the result
		}{fmt.Sprintf("%s/%d", s.Base.Code, s.Base.Version), s.AsOf, textDigest(s.Result)}
		return t.audit(ctx, auditEntry{Action: "model.simulated", Noun: "model", ID: fmt.Sprintf("%s/%d", s.Model.Code, s.Model.Version), After: after})
	})
}

// ModelSimulations returns the simulations of a version, newest first.
func (db *DB) ModelSimulations(ctx context.Context, code string, version int) ([]ModelSimulation, error) {
	read := func(scan func(...any) error) (ModelSimulation, error) {
		s := ModelSimulation{Model: ModelRef{Code: code, Version: version}}
		var created, known int64
		err := scan(&created, &s.Base.Code, &s.Base.Version, (*int32)(&s.AsOf), &known, &s.Result)
		s.CreatedAt, s.KnownAt = instant(created), instant(known)
		return s, err
	}
	const query = `SELECT created_at, base_code, base_version, as_of, known_at, result FROM model_simulation WHERE code = ? AND version = ?
		ORDER BY number DESC`
	return collect(ctx, db, "read simulations", query, []any{code, version}, read)
}

// ModelComment is what an enterprise says about a proposed version.
type ModelComment struct {
	USCC registry.USCC `json:"uscc"`
	Text string        `json:"text"`
	At   time.Time     `json:"at"`
}

// Reasons for refusing a comment.
var (
	ErrNoPreview = errors.New("the model is not open for preview")
	ErrComment   = errors.New("want 1 to 2000 characters of plain text")

	ErrManyComments = errors.New("an enterprise may comment on a version at most 20 times")
)

// MaxComment is how many characters a comment has at most, maxComments how many an enterprise may make on a version.
const (
	MaxComment  = 2000
	maxComments = 20
)

// OpenForPreview returns ErrNoPreview unless enterprises may see and comment on the version today.
func (m *StoredModel) OpenForPreview(today registry.Day) error {
	if m.State != ModelProposed || m.PreviewUntil == 0 || today > m.PreviewUntil {
		return fmt.Errorf("model %s: %w", m, ErrNoPreview)
	}
	return nil
}

// AddModelComment keeps what an enterprise says about a version that is open for preview today. Saying the same again changes nothing.
// ErrNotFound when the version or the enterprise is not stored, ErrNoPreview, ErrComment, ErrManyComments.
func (db *DB) AddModelComment(ctx context.Context, code string, version int, c ModelComment, today registry.Day) error {
	text := strings.TrimSpace(c.Text)
	if text == "" || utf8.RuneCountInString(text) > MaxComment || !storable(text) {
		return fmt.Errorf("add comment: %w", ErrComment)
	}
	return db.inWrite(ctx, "add comment", sql.LevelReadCommitted, func(t *tx) error {
		if err := t.lockModels(ctx); err != nil {
			return err
		}
		m, err := t.model(ctx, code, version)
		if err == nil {
			err = m.OpenForPreview(today)
		}
		var known string
		if err == nil {
			err = t.GetContext(ctx, &known, t.Rebind(`SELECT uscc FROM enterprise WHERE uscc = ?`), string(c.USCC))
		}
		if err != nil {
			return err
		}
		return t.addComment(ctx, code, version, ModelComment{USCC: c.USCC, Text: text})
	})
}

func (t *tx) addComment(ctx context.Context, code string, version int, c ModelComment) error {
	var said, same int
	const count = `SELECT count(*), count(CASE WHEN text = ? THEN 1 END) FROM model_comment WHERE code = ? AND version = ? AND uscc = ?`
	if err := t.QueryRowxContext(ctx, t.Rebind(count), c.Text, code, version, string(c.USCC)).Scan(&said, &same); err != nil {
		return fmt.Errorf("count comments: %w", err)
	}
	if same > 0 {
		return nil
	}
	if said >= maxComments {
		return ErrManyComments
	}
	now, err := t.now(ctx)
	if err != nil {
		return err
	}
	const query = `INSERT INTO model_comment (uscc, code, version, text, created_at) VALUES (?, ?, ?, ?, ?)`
	if _, err = t.ExecContext(ctx, t.Rebind(query), string(c.USCC), code, version, c.Text, now); err != nil {
		return err
	}
	after := struct {
		Digest string `json:"digest"` // SHA-256 of the text: it may name people
	}{textDigest(c.Text)}
	return t.audit(ctx, auditEntry{Action: "model.commented", Noun: "model", ID: fmt.Sprintf("%s/%d", code, version), USCC: c.USCC, After: after})
}

// ModelComments returns the comments on a version of enterprises within a sight, oldest first.
func (db *DB) ModelComments(ctx context.Context, sight access.Sight, code string, version int) ([]ModelComment, error) {
	bound, values := seenByCode(sight, "model_comment.uscc")
	query := `SELECT uscc, text, created_at FROM model_comment WHERE code = ? AND version = ? AND ` + bound + ` ORDER BY id`
	return collect(ctx, db, "read comments", query, append([]any{code, version}, values...), readComment)
}

// ModelCommentsOf returns what one enterprise said about a version, oldest first.
func (db *DB) ModelCommentsOf(ctx context.Context, whose registry.USCC, code string, version int) ([]ModelComment, error) {
	const query = `SELECT uscc, text, created_at FROM model_comment WHERE uscc = ? AND code = ? AND version = ? ORDER BY id`
	return collect(ctx, db, "read an enterprise's comments", query, []any{string(whose), code, version}, readComment)
}

func readComment(scan func(...any) error) (ModelComment, error) {
	var c ModelComment
	var at int64
	err := scan((*string)(&c.USCC), &c.Text, &at)
	c.At = instant(at)
	return c, err
}

// collect reads all rows of a small result.
func collect[T any](ctx context.Context, db *DB, doing, query string, arguments []any, read func(scan func(...any) error) (T, error)) ([]T, error) {
	found := []T{}
	for value, err := range stream(ctx, db, doing, query, arguments, read) {
		if err != nil {
			return nil, err
		}
		found = append(found, value)
	}
	return found, nil
}
