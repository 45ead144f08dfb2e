package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"healthcode/access"
)

// Why a request with an idempotency key is not carried out.
var (
	ErrKeyReused  = errors.New("the idempotency key was used for another request")
	ErrKeyRunning = errors.New("the first request with the idempotency key is under way")
	ErrKeyUnknown = errors.New("what became of the first request with the idempotency key is not known")
)

// IdempotentRequest is a request with a key that its caller chose. Whoever begins it alone may carry it out.
type IdempotentRequest struct {
	CallerKind  access.Kind
	CallerID    int64
	Key         string
	Fingerprint string // SHA-256 of method, address and body

	token int64
}

// IdempotentAnswer is what a request was answered with. Answer is sealed.
type IdempotentAnswer struct {
	Status int
	Answer string
}

// BeginIdempotent takes a key for a request. nil without an error: carry it out, then end or drop it. An answer: it was carried out before. ErrKeyReused,
// ErrKeyRunning, or, when the first request is older than it can take, ErrKeyUnknown: its process died before or after the work.
func (db *DB) BeginIdempotent(ctx context.Context, r *IdempotentRequest, longest time.Duration) (*IdempotentAnswer, error) {
	r.token = newToken()
	var answer *IdempotentAnswer
	err := db.inWrite(ctx, "take an idempotency key", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		answer = nil
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		const add = `INSERT INTO idempotency (caller_kind, caller_id, name, fingerprint, token, status, answer, created_at) VALUES (?, ?, ?, ?, ?, 0, '', ?)
			ON CONFLICT (caller_kind, caller_id, name) DO NOTHING`
		result, err := t.ExecContext(ctx, t.Rebind(add), string(r.CallerKind), r.CallerID, r.Key, r.Fingerprint, r.token, now)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 1 {
			return err
		}
		answer, err = t.idempotent(ctx, r, now-longest.Microseconds())
		return err
	})
	return answer, err
}

// idempotent returns the answer to an earlier request with the key.
func (t *tx) idempotent(ctx context.Context, r *IdempotentRequest, alive int64) (*IdempotentAnswer, error) {
	const query = `SELECT fingerprint, status, answer, created_at FROM idempotency WHERE caller_kind = ? AND caller_id = ? AND name = ?`
	var fingerprint string
	var created int64
	answer := new(IdempotentAnswer)
	err := t.QueryRowContext(ctx, t.Rebind(query), string(r.CallerKind), r.CallerID, r.Key).Scan(&fingerprint, &answer.Status, &answer.Answer, &created)
	switch {
	case errors.Is(err, sql.ErrNoRows): // dropped meanwhile
		return nil, fmt.Errorf("%w: the key was given back", errAgain)
	case err != nil:
		return nil, err
	case fingerprint != r.Fingerprint:
		return nil, ErrKeyReused
	case answer.Status != 0:
		return answer, nil
	case created > alive:
		return nil, ErrKeyRunning
	}
	return nil, ErrKeyUnknown
}

// EndIdempotent keeps the answer to a request that was carried out.
func (db *DB) EndIdempotent(ctx context.Context, r *IdempotentRequest, a IdempotentAnswer) error {
	return db.inWrite(ctx, "keep an answer", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		return t.ours(ctx, `UPDATE idempotency SET status = ?, answer = ? WHERE caller_kind = ? AND caller_id = ? AND name = ? AND token = ?`,
			a.Status, a.Answer, string(r.CallerKind), r.CallerID, r.Key, r.token)
	})
}

// DropIdempotent gives a key back: the request was not carried out and may be tried again.
func (db *DB) DropIdempotent(ctx context.Context, r *IdempotentRequest) error {
	return db.inWrite(ctx, "give back an idempotency key", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		_, err := t.ExecContext(ctx, t.Rebind(`DELETE FROM idempotency WHERE caller_kind = ? AND caller_id = ? AND name = ? AND token = ?`),
			string(r.CallerKind), r.CallerID, r.Key, r.token)
		return err
	})
}

// PruneIdempotent deletes keys that were taken before an instant and returns how many went.
func (db *DB) PruneIdempotent(ctx context.Context, before time.Time) (int, error) {
	var n int64
	err := db.inWrite(ctx, "prune idempotency keys", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		result, err := t.ExecContext(ctx, t.Rebind(`DELETE FROM idempotency WHERE created_at < ?`), micros(before))
		if err != nil {
			return err
		}
		n, err = result.RowsAffected()
		return err
	})
	return int(n), err
}
