package schema

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Session is one signed-in browser. Its secret is not stored, only the secret's hash.
type Session struct {
	Hash      string
	AccountID int64
	Passed    bool // the second factor too, where the account has one
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
}

// sessionAudited is what the audit log says of a session.
type sessionAudited struct {
	Account   int64     `json:"account"`
	Passed    bool      `json:"passed"` // false: it waits for the second factor
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// shortHash names in the audit log what a hash stands for: too little of it to look the row up by guessing, enough to tell rows apart.
func shortHash(hash string) string { return hash[:min(len(hash), 12)] }

const sessionColumns = `hash, account_id, passed, created_at, seen_at, expires_at`

func readSession(scan func(...any) error) (Session, error) {
	var s Session
	var passed int
	var created, seen, expires int64
	err := scan(&s.Hash, &s.AccountID, &passed, &created, &seen, &expires)
	s.Passed, s.CreatedAt, s.SeenAt, s.ExpiresAt = passed == 1, instant(created), instant(seen), instant(expires)
	return s, err
}

// AddSession stores a session.
func (db *DB) AddSession(ctx context.Context, s Session) error {
	return db.inWrite(ctx, "begin session", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		passed := 0
		if s.Passed {
			passed = 1
		}
		const query = `INSERT INTO session (` + sessionColumns + `) VALUES (?, ?, ?, ?, ?, ?)`
		_, err := t.ExecContext(ctx, t.Rebind(query), s.Hash, s.AccountID, passed, micros(s.CreatedAt), micros(s.SeenAt), micros(s.ExpiresAt))
		if err != nil {
			return err
		}
		after := sessionAudited{s.AccountID, s.Passed, s.ExpiresAt}
		return t.audit(ctx, auditEntry{Action: "session.begun", Noun: "session", ID: shortHash(s.Hash), After: after})
	})
}

// Session returns a session by its hash, or ErrNotFound. Whether it has expired is for the caller to say.
func (db *DB) Session(ctx context.Context, hash string) (*Session, error) {
	statement, err := db.statement(ctx, `SELECT `+sessionColumns+` FROM session WHERE hash = ?`)
	if err != nil {
		return nil, db.fail(ctx, "read session", err)
	}
	s, err := readSession(statement.QueryRowContext(ctx, hash).Scan)
	if err != nil {
		return nil, db.fail(ctx, "read session", err)
	}
	return &s, nil
}

// SessionsOf returns the sessions of an account, the last seen first.
func (db *DB) SessionsOf(ctx context.Context, account int64) ([]Session, error) {
	const query = `SELECT ` + sessionColumns + ` FROM session WHERE account_id = ? ORDER BY seen_at DESC, hash`
	return collect(ctx, db, "list sessions", query, []any{account}, readSession)
}

// SeeSession notes that a session was used.
func (db *DB) SeeSession(ctx context.Context, hash string, at time.Time) error {
	return db.inWrite(ctx, "note the use of a session", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		_, err := t.ExecContext(ctx, t.Rebind(`UPDATE session SET seen_at = ? WHERE hash = ?`), micros(at), hash)
		return err
	})
}

// EndSession ends one session of an account; ErrNotFound when it has none of this hash.
func (db *DB) EndSession(ctx context.Context, account int64, hash string) error {
	return db.inWrite(ctx, "end session", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		result, err := t.ExecContext(ctx, t.Rebind(`DELETE FROM session WHERE account_id = ? AND hash = ?`), account, hash)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return fmt.Errorf("%w: no such session", ErrNotFound)
		}
		before := struct {
			Account int64 `json:"account"`
		}{account}
		return t.audit(ctx, auditEntry{Action: "session.ended", Noun: "session", ID: shortHash(hash), Before: before})
	})
}

// EndSessions ends every session of an account.
func (db *DB) EndSessions(ctx context.Context, account int64) error {
	return db.inWrite(ctx, "end sessions", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		n, err := t.endSessions(ctx, account)
		if err != nil || n == 0 {
			return err
		}
		after := struct {
			Ended int64 `json:"ended_sessions"`
		}{n}
		return t.audit(ctx, auditEntry{Action: "account.sessions_ended", Noun: "account", ID: number(account), After: after})
	})
}

func (t *tx) endSessions(ctx context.Context, account int64) (int64, error) {
	result, err := t.ExecContext(ctx, t.Rebind(`DELETE FROM session WHERE account_id = ?`), account)
	if err != nil {
		return 0, fmt.Errorf("end sessions: %w", err)
	}
	return result.RowsAffected()
}

// PruneSessions forgets sessions that expired, or were last seen, before an instant.
func (db *DB) PruneSessions(ctx context.Context, now, seen time.Time) error {
	return db.inWrite(ctx, "forget old sessions", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		_, err := t.ExecContext(ctx, t.Rebind(`DELETE FROM session WHERE expires_at < ? OR seen_at < ?`), micros(now), micros(seen))
		return err
	})
}
