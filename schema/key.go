package schema

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// KeyState is the state of a signing key in its life.
type KeyState string

// The states of a key: published but not used yet, signing, only verifying, gone.
const (
	KeyPending    KeyState = "pending"
	KeyActive     KeyState = "active"
	KeyVerifyOnly KeyState = "verify_only"
	KeyRemoved    KeyState = "removed"
)

// SigningKey is the public part of a key. The private key never enters the database.
type SigningKey struct {
	Number    int // 1 to 255: what a packed code carries
	KID       string
	Alg       string
	JWK       string // JSON, public
	State     KeyState
	CreatedAt time.Time
	ActiveAt  time.Time
	RetiredAt time.Time // when it stopped signing
	RemovedAt time.Time
}

const keyColumns = `number, kid, alg, jwk, state, created_at, active_at, retired_at, removed_at`

func readKey(scan func(...any) error) (SigningKey, error) {
	var k SigningKey
	var created, active, retired, removed int64
	err := scan(&k.Number, &k.KID, &k.Alg, &k.JWK, (*string)(&k.State), &created, &active, &retired, &removed)
	k.CreatedAt, k.ActiveAt, k.RetiredAt, k.RemovedAt = instant(created), instant(active), instant(retired), instant(removed)
	return k, err
}

// AddKey stores a key as pending. Adding the same key again changes nothing; another key under its number or kid is ErrConflict.
func (db *DB) AddKey(ctx context.Context, k SigningKey) error {
	return db.inWrite(ctx, "add key", sql.LevelReadCommitted, func(t *tx) error {
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		const query = `INSERT INTO signing_key (` + keyColumns + `) VALUES (?, ?, ?, ?, 'pending', ?, 0, 0, 0) ON CONFLICT (number) DO NOTHING`
		if _, err := t.ExecContext(ctx, t.Rebind(query), k.Number, k.KID, k.Alg, k.JWK, now); err != nil {
			return err
		}
		var jwk string
		if err := t.GetContext(ctx, &jwk, t.Rebind(`SELECT jwk FROM signing_key WHERE number = ?`), k.Number); err != nil {
			return err
		}
		if jwk != k.JWK {
			return fmt.Errorf("%w: number %d is another key's", ErrConflict, k.Number)
		}
		return nil
	})
}

// keySteps holds the states from which a state may be entered, and the column that dates it.
var keySteps = map[KeyState]struct{ from, column string }{
	KeyActive:     {`('pending')`, `active_at`},
	KeyVerifyOnly: {`('pending', 'active')`, `retired_at`},
	KeyRemoved:    {`('pending', 'active', 'verify_only')`, `removed_at`},
}

// MoveKey takes a key one step on in its life. A key becomes active only when no other key of its algorithm is; ErrConflict for a step back
// or a key that is not there.
func (db *DB) MoveKey(ctx context.Context, number int, to KeyState) error {
	step, known := keySteps[to]
	if !known {
		return fmt.Errorf("move key: %w: no step leads to %q", ErrConflict, to)
	}
	return db.inWrite(ctx, "move key", sql.LevelReadCommitted, func(t *tx) error {
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		query := `UPDATE signing_key SET state = ?, ` + step.column + ` = ? WHERE number = ? AND state IN ` + step.from
		result, err := t.ExecContext(ctx, t.Rebind(query), string(to), now, number)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return fmt.Errorf("%w: key %d cannot become %s", ErrConflict, number, to)
		}
		return nil
	})
}

// Keys returns every key in the order of their numbers, removed ones included.
func (db *DB) Keys(ctx context.Context) ([]SigningKey, error) {
	var found []SigningKey
	for k, err := range stream(ctx, db, "read keys", `SELECT `+keyColumns+` FROM signing_key ORDER BY number`, nil, readKey) {
		if err != nil {
			return nil, err
		}
		found = append(found, k)
	}
	return found, nil
}
