package schema

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/scoring"
)

// CodeState is the state of a code's row.
type CodeState string

// The states of a code. An intended one may or may not have been signed: it was not handed out by a process that lived to say so.
const (
	CodeIntended CodeState = "intended"
	CodeIssued   CodeState = "issued"
)

// Code is one issued health code. Its signature proves who; its idx is its place in the status and grade lists, for ever.
type Code struct {
	Index     uint32
	USCC      registry.USCC
	State     CodeState
	KID       string // the key that signs it
	Form      string // printed, screen or jwt
	CreatedAt time.Time
	IssuedAt  time.Time
	ExpiresAt time.Time
	Tier      registry.Tier
	Colour    registry.Colour
	Model     int // the version of the model that it was graded under
	JWT       string
	Status    CodeStatus
}

const codeColumns = `idx, uscc, state, kid, form, created_at, issued_at, expires_at, tier, colour, model, jwt, status`

func readCode(scan func(...any) error) (Code, error) {
	var c Code
	var created, issued, expires int64
	err := scan(&c.Index, (*string)(&c.USCC), (*string)(&c.State), &c.KID, &c.Form, &created, &issued, &expires, (*uint8)(&c.Tier),
		(*uint8)(&c.Colour), &c.Model, &c.JWT, (*uint8)(&c.Status))
	c.CreatedAt, c.IssuedAt, c.ExpiresAt = instant(created), instant(issued), instant(expires)
	return c, err
}

const insertIntent = `INSERT INTO code (uscc, state, kid, form, created_at, issued_at, expires_at, tier, colour, model, jwt)
	VALUES (?, 'intended', ?, ?, ?, 0, 0, 0, 0, 0, '') RETURNING idx`

// ReserveIndex takes a list index for a code that is about to be signed and stores the intent, before anything is signed. An index is
// never given twice, not even after a failure.
func (db *DB) ReserveIndex(ctx context.Context, code registry.USCC, kid, form string) (uint32, error) {
	var idx uint32
	err := db.inWrite(ctx, "reserve code index", sql.LevelReadCommitted, func(t *tx) error {
		t.touches()
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		idx, err = t.intend(ctx, code, kid, form, now)
		return err
	})
	return idx, err
}

// intend stores the intent of one code and returns its place.
func (t *tx) intend(ctx context.Context, code registry.USCC, kid, form string, now int64) (idx uint32, err error) {
	t.touch(code)
	return idx, t.GetContext(ctx, &idx, t.Rebind(insertIntent), string(code), kid, form, now)
}

// saveIntent issues a code whose intent is open and was neither abandoned nor revoked meanwhile.
const saveIntent = `UPDATE code SET state = 'issued', issued_at = ?, expires_at = ?, tier = ?, colour = ?, model = ?, jwt = ?
	WHERE uscc = ? AND idx = ? AND kid = ? AND form = ? AND state = 'intended' AND status = 0`

// issue returns the parameters of saveIntent.
func (c *Code) issue() []any {
	return []any{micros(c.IssuedAt), micros(c.ExpiresAt), int(c.Tier), int(c.Colour), c.Model, c.JWT, string(c.USCC), int64(c.Index), c.KID, c.Form}
}

// issued refuses a code that had no open intent.
func (c *Code) issued(result sql.Result) error {
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("%w: no open intent with index %d", ErrConflict, c.Index)
	}
	return nil
}

// SaveCode turns an intent into an issued code; ErrConflict when there is no such intent, or it was issued
// or abandoned already.
func (db *DB) SaveCode(ctx context.Context, c Code) error {
	return db.inWrite(ctx, "save code", sql.LevelReadCommitted, func(t *tx) error {
		t.touches()
		if err := t.saveCodes(ctx, []Code{c}); err != nil {
			return err
		}
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		return t.addCodeEvents(ctx, []Code{c}, codeNote{Step: StepIssue, Author: scoring.BySystem, At: now})
	})
}

// Code returns a code by its list index, or ErrNotFound.
func (db *DB) Code(ctx context.Context, idx uint32) (*Code, error) {
	statement, err := db.statement(ctx, `SELECT `+codeColumns+` FROM code WHERE idx = ?`)
	if err != nil {
		return nil, db.fail(ctx, "read code", err)
	}
	c, err := readCode(statement.QueryRowContext(ctx, int64(idx)).Scan)
	if err != nil {
		return nil, db.fail(ctx, "read code", err)
	}
	return &c, nil
}

// CodeSeen returns a code of an enterprise within a sight, or ErrNotFound.
func (db *DB) CodeSeen(ctx context.Context, sight access.Sight, idx uint32) (*Code, error) {
	bound, values := seenByCode(sight, "code.uscc")
	query := db.read.Rebind(`SELECT ` + codeColumns + ` FROM code WHERE idx = ? AND ` + bound)
	c, err := readCode(db.read.QueryRowContext(ctx, query, append([]any{int64(idx)}, values...)...).Scan)
	if err != nil {
		return nil, db.fail(ctx, "read code", err)
	}
	return &c, nil
}

// CodeOf returns the code of an enterprise by its list index, or ErrNotFound: also when the place is another enterprise's.
func (db *DB) CodeOf(ctx context.Context, code registry.USCC, idx uint32) (*Code, error) {
	statement, err := db.statement(ctx, `SELECT `+codeColumns+` FROM code WHERE uscc = ? AND idx = ?`)
	if err != nil {
		return nil, db.fail(ctx, "read code", err)
	}
	c, err := readCode(statement.QueryRowContext(ctx, string(code), int64(idx)).Scan)
	if err != nil {
		return nil, db.fail(ctx, "read code", err)
	}
	return &c, nil
}

// CodesOf returns the codes of an enterprise, newest first, intents included; none is no error.
func (db *DB) CodesOf(ctx context.Context, code registry.USCC) ([]Code, error) {
	var found []Code
	const query = `SELECT ` + codeColumns + ` FROM code WHERE uscc = ? ORDER BY idx DESC`
	for c, err := range stream(ctx, db, "read codes", query, []any{string(code)}, readCode) {
		if err != nil {
			return nil, err
		}
		found = append(found, c)
	}
	return found, nil
}

// CountCodes returns how many codes were issued.
func (db *DB) CountCodes(ctx context.Context) (int, error) {
	var n int
	err := db.read.GetContext(ctx, &n, `SELECT count(*) FROM code WHERE state = 'issued'`)
	return n, db.fail(ctx, "count codes", err)
}
