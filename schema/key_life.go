package schema

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"healthcode/credential"
)

// KeyStep is a step with a key.
type KeyStep struct {
	Number             int
	credential.KeyStep // zero At: now. LastExpiry is filled in here
}

// KeyEvent is one step in the life of a key, as it was taken.
type KeyEvent struct {
	Step   string    `json:"step"` // add, a credential.KeyAction, or rotation_due
	Author string    `json:"author"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}

// TakeKeySteps takes steps in the lives of keys, all of them or none, whatever the number of processes. An activation retires the key of
// the same algorithm that signed before. Each step is noted and told (TopicKeyChanged) in the same transaction. ErrNotFound when there
// is no such key; credential.ErrKeyStep and its kin when a step is refused.
func (db *DB) TakeKeySteps(ctx context.Context, steps ...KeyStep) error {
	return db.inWrite(ctx, "change keys", sql.LevelReadCommitted, func(t *tx) error {
		if err := t.lockKeys(ctx); err != nil {
			return err
		}
		for i := range steps {
			step := steps[i]
			at, err := t.orNow(ctx, step.At)
			if err != nil {
				return err
			}
			step.At = at
			if err := t.stepKey(ctx, &step); err != nil {
				return fmt.Errorf("key %d: %w", step.Number, err)
			}
		}
		return nil
	})
}

// MoveKey takes the step that leads to a state at once: the first key of an installation need not wait, and what is removed at once counts as
// compromised. ErrConflict for a step that is refused or a key that is not there.
func (db *DB) MoveKey(ctx context.Context, number int, to KeyState) error {
	action, known := map[KeyState]credential.KeyAction{KeyActive: credential.ActivateKey, KeyVerifyOnly: credential.RetireKey,
		KeyRemoved: credential.CompromiseKey}[to]
	if !known {
		return fmt.Errorf("move key: %w: no step leads to %q", ErrConflict, to)
	}
	err := db.TakeKeySteps(ctx, KeyStep{number, credential.KeyStep{Action: action, By: credential.BySystem, Now: true, Reason: "at once"}})
	if errors.Is(err, credential.ErrKeyStep) || errors.Is(err, ErrNotFound) {
		return errors.Join(ErrConflict, err)
	}
	return err
}

// lockKeys lets the steps of all keys follow each other.
func (t *tx) lockKeys(ctx context.Context) error {
	if t.db.Engine() == sqliteDialect.name {
		return nil
	}
	if _, err := t.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, lockKeys); err != nil {
		return fmt.Errorf("wait for other steps: %w", err)
	}
	return nil
}

// orNow returns an instant, or the database's time when there is none.
func (t *tx) orNow(ctx context.Context, at time.Time) (time.Time, error) {
	if !at.IsZero() {
		return at, nil
	}
	now, err := t.now(ctx)
	return instant(now), err
}

func (t *tx) stepKey(ctx context.Context, step *KeyStep) error {
	k, err := t.key(ctx, step.Number)
	if err != nil {
		return err
	}
	if step.LastExpiry, err = t.lastExpiry(ctx, k.KID); err != nil {
		return err
	}
	before := k.State
	if k.KeyLife, err = k.Take(step.KeyStep); err != nil {
		return err
	}
	if step.Action == credential.ActivateKey {
		if err := t.retireOther(ctx, k, step); err != nil {
			return err
		}
	}
	const query = `UPDATE signing_key SET state = ?, planned_until = ?, active_at = ?, retired_at = ?, removed_at = ?, compromised_at = ? WHERE number = ?`
	_, err = t.ExecContext(ctx, t.Rebind(query), string(k.State), micros(k.PlannedUntil), micros(k.ActiveAt), micros(k.RetiredAt), micros(k.RemovedAt),
		micros(k.CompromisedAt), k.Number)
	if err != nil {
		return err
	}
	return t.noteKey(ctx, &before, k, KeyEvent{string(step.Action), step.By, step.Reason, step.At})
}

func (t *tx) key(ctx context.Context, number int) (*SigningKey, error) {
	var found *SigningKey
	err := t.each(ctx, `SELECT `+keyColumns+` FROM signing_key WHERE number = ?`, []any{number}, func(scan func(...any) error) error {
		k, err := readKey(scan)
		found = &k
		return err
	})
	if err == nil && found == nil {
		err = ErrNotFound
	}
	return found, err
}

func (t *tx) lastExpiry(ctx context.Context, kid string) (time.Time, error) {
	var last int64
	err := t.GetContext(ctx, &last, t.Rebind(lastExpiry), kid)
	return instant(last), err
}

// retireOther retires the key that signed before under the algorithm of the next one.
func (t *tx) retireOther(ctx context.Context, next *SigningKey, step *KeyStep) error {
	var before []int
	const query = `SELECT number FROM signing_key WHERE alg = ? AND state = 'active' AND number <> ?`
	if err := t.SelectContext(ctx, &before, t.Rebind(query), next.Alg, next.Number); err != nil {
		return err
	}
	for _, number := range before {
		retire := KeyStep{number, credential.KeyStep{Action: credential.RetireKey, At: step.At, By: step.By, Reason: "replaced by key " + next.KID}}
		if err := t.stepKey(ctx, &retire); err != nil {
			return fmt.Errorf("retire key %d: %w", number, err)
		}
	}
	return nil
}

// keyAudited is what the audit log says of a signing key. Who took the step is the actor; a person's name stays in the history of the key.
type keyAudited struct {
	State  KeyState `json:"state"`
	KID    string   `json:"kid,omitempty"`
	Alg    string   `json:"alg,omitempty"`
	Driver string   `json:"driver,omitempty"`
	Reason string   `json:"reason,omitempty"`
}

// noteKey keeps a step and tells others of it. before is the state before it, nil of a new key.
func (t *tx) noteKey(ctx context.Context, before *KeyState, k *SigningKey, e KeyEvent) error {
	const query = `INSERT INTO key_event (key, number, step, author, reason, at)
		SELECT CAST(? AS integer), coalesce(max(number), 0) + 1, ?, ?, ?, CAST(? AS bigint) FROM key_event WHERE key = ?`
	_, err := t.ExecContext(ctx, t.Rebind(query), k.Number, e.Step, strings.TrimSpace(e.Author), e.Reason, micros(e.At), k.Number)
	if err != nil {
		return fmt.Errorf("note the step: %w", err)
	}
	entry := auditEntry{Action: "signing_key." + e.Step, Noun: "signing_key", ID: number(k.Number), After: keyAudited{k.State, k.KID, k.Alg, k.Driver, e.Reason}}
	if before != nil {
		entry.Before = keyAudited{State: *before}
	}
	if err := t.audit(ctx, entry); err != nil {
		return err
	}
	topic := TopicKeyChanged
	if e.Step == stepRotationDue {
		topic = TopicKeyRotationDue
	}
	return t.tellOfKey(ctx, topic, k, &e)
}

func (t *tx) tellOfKey(ctx context.Context, topic string, k *SigningKey, e *KeyEvent) error {
	payload, err := json.Marshal(struct {
		KID    string `json:"kid"`
		Alg    string `json:"alg"`
		State  string `json:"state"`
		Driver string `json:"driver"`
		KeyEvent
	}{k.KID, k.Alg, string(k.State), k.Driver, *e})
	if err != nil {
		return err
	}
	return t.insert(ctx, "outbox", "uscc, topic, payload, created_at", "", [][]any{{"", topic, string(payload), micros(e.At)}})
}

const stepRotationDue = "rotation_due"

// AskForRotation tells others, once a key, that a person must see to the key that follows it. It reports whether it was the first to ask.
func (db *DB) AskForRotation(ctx context.Context, number int, reason string, at time.Time) (first bool, err error) {
	err = db.inWrite(ctx, "ask for a rotation", sql.LevelReadCommitted, func(t *tx) error {
		first = false
		if err := t.lockKeys(ctx); err != nil {
			return err
		}
		k, err := t.key(ctx, number)
		if err != nil {
			return err
		}
		var asked int
		const query = `SELECT count(*) FROM key_event WHERE key = ? AND step = 'rotation_due'`
		if err := t.GetContext(ctx, &asked, t.Rebind(query), number); err != nil || asked > 0 {
			return err
		}
		first = true
		return t.noteKey(ctx, &k.State, k, KeyEvent{stepRotationDue, credential.BySystem, reason, at})
	})
	return first, err
}

// KeyEvents returns every step in the life of a key, oldest first.
func (db *DB) KeyEvents(ctx context.Context, number int) ([]KeyEvent, error) {
	read := func(scan func(...any) error) (e KeyEvent, err error) {
		var at int64
		err = scan(&e.Step, &e.Author, &e.Reason, &at)
		e.At = instant(at)
		return e, err
	}
	const query = `SELECT step, author, reason, at FROM key_event WHERE key = ? ORDER BY number`
	return collect(ctx, db, "read the steps of a key", query, []any{number}, read)
}
