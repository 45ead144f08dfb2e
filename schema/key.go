package schema

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"healthcode/credential"
)

// KeyState is the state of a signing key in its life: see credential.KeyLife.
type KeyState = credential.KeyState

// The states of a key: published but not used yet, signing, only verifying, gone.
const (
	KeyPending    = credential.KeyPending
	KeyActive     = credential.KeyActive
	KeyVerifyOnly = credential.KeyVerifyOnly
	KeyRemoved    = credential.KeyRemoved
)

// The drivers of a private key: a file beside the data, a hardware token, a process behind a unix socket.
const (
	DriverFile   = "file"
	DriverPKCS11 = "pkcs11"
	DriverUnix   = "unix"
)

// SigningKey is the public part of a key and its life. The private key never enters the database.
type SigningKey struct {
	Number int // 1 to 255: what a packed code carries
	KID    string
	Alg    string
	JWK    string // JSON, public, without dates
	Driver string // who holds the private key; "" means DriverFile
	credential.KeyLife
}

// ErrKey means that a key's JWK is none, or is that of another number or algorithm than its row says.
var ErrKey = errors.New("not the public key that its row says")

// Public returns the key as verifiers see it, with the dates between which it signs. The error wraps ErrKey.
func (k *SigningKey) Public() (credential.PublicKey, error) {
	var key credential.PublicKey
	if err := json.Unmarshal([]byte(k.JWK), &key); err != nil {
		return key, fmt.Errorf("key %s: %w: %w", k.KID, ErrKey, err)
	}
	if int(key.Number) != k.Number || key.ID() != k.KID || string(key.Algorithm) != k.Alg {
		return key, fmt.Errorf("key %s: %w", k.KID, ErrKey)
	}
	key.NotBefore, key.NotAfter = k.Window()
	return key, nil
}

// KeySet returns the public keys that verifiers are to trust, each with its dates: all but the removed ones. The error wraps ErrKey.
func KeySet(rows []SigningKey) (*credential.KeySet, error) {
	return EveryKey(slices.DeleteFunc(slices.Clone(rows), func(k SigningKey) bool { return k.State == KeyRemoved }))
}

// EveryKey returns the public keys of all rows, removed ones too: what they signed stays to be verified, as the checkpoints of the audit log. The
// error wraps ErrKey.
func EveryKey(rows []SigningKey) (*credential.KeySet, error) {
	var keys []credential.PublicKey
	for i := range rows {
		key, err := rows[i].Public()
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return credential.NewKeySet(keys...)
}

const keyColumns = `number, kid, alg, jwk, driver, state, created_at, planned_from, planned_until, active_at, retired_at, removed_at, compromised_at`

func readKey(scan func(...any) error) (SigningKey, error) {
	var k SigningKey
	var created, from, until, active, retired, removed, compromised int64
	err := scan(&k.Number, &k.KID, &k.Alg, &k.JWK, &k.Driver, (*string)(&k.State), &created, &from, &until, &active, &retired, &removed, &compromised)
	k.CreatedAt, k.PlannedFrom, k.PlannedUntil, k.ActiveAt = instant(created), instant(from), instant(until), instant(active)
	k.RetiredAt, k.RemovedAt, k.CompromisedAt = instant(retired), instant(removed), instant(compromised)
	return k, err
}

// AddKey stores a key as pending, published from CreatedAt on (zero: now), with what is planned for it. Adding the same key again changes
// nothing. ErrConflict: another key has its number or kid, or this key stands there under another number. ErrKey: see SigningKey.Public.
func (db *DB) AddKey(ctx context.Context, k SigningKey) error {
	public, err := k.Public()
	if err != nil {
		return fmt.Errorf("add key: %w", err)
	}
	thumbprint, err := public.Thumbprint()
	if err != nil {
		return fmt.Errorf("add key: %w", err)
	}
	if k.Driver == "" {
		k.Driver = DriverFile
	}
	return db.inWrite(ctx, "add key", sql.LevelReadCommitted, func(t *tx) error { return t.addKey(ctx, &k, thumbprint) })
}

func (t *tx) addKey(ctx context.Context, k *SigningKey, thumbprint string) error {
	if err := t.lockKeys(ctx); err != nil {
		return err
	}
	at, err := t.orNow(ctx, k.CreatedAt)
	if err != nil {
		return err
	}
	const query = `INSERT INTO signing_key (number, kid, alg, jwk, driver, thumbprint, state, created_at, planned_from, planned_until, active_at, retired_at,
		removed_at) VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, 0, 0, 0) ON CONFLICT (number) DO NOTHING`
	result, err := t.ExecContext(ctx, t.Rebind(query), k.Number, k.KID, k.Alg, k.JWK, k.Driver, thumbprint, micros(at), micros(k.PlannedFrom), micros(k.PlannedUntil))
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil {
		return err
	} else if n == 1 {
		k.State = KeyPending
		return t.noteKey(ctx, nil, k, KeyEvent{Step: "add", Author: credential.BySystem, At: at})
	}
	var jwk string
	if err := t.GetContext(ctx, &jwk, t.Rebind(`SELECT jwk FROM signing_key WHERE number = ?`), k.Number); err != nil {
		return err
	}
	if jwk != k.JWK {
		return fmt.Errorf("%w: number %d is another key's", ErrConflict, k.Number)
	}
	return nil
}

// Keys returns every key in the order of their numbers, removed ones included.
func (db *DB) Keys(ctx context.Context) ([]SigningKey, error) {
	return collectHot(ctx, db, "read keys", `SELECT `+keyColumns+` FROM signing_key ORDER BY number`, nil, readKey)
}

// Key returns a key by its number, or ErrNotFound.
func (db *DB) Key(ctx context.Context, number int) (*SigningKey, error) {
	for k, err := range stream(ctx, db, "read key", `SELECT `+keyColumns+` FROM signing_key WHERE number = ?`, []any{number}, readKey) {
		return &k, err
	}
	return nil, fmt.Errorf("read key %d: %w", number, ErrNotFound)
}

// LastExpiry returns when the last code that a key signed ends, the zero time when it signed none.
func (db *DB) LastExpiry(ctx context.Context, kid string) (time.Time, error) {
	var last int64
	err := db.read.GetContext(ctx, &last, db.read.Rebind(lastExpiry), kid)
	return instant(last), db.fail(ctx, "find the last code of key "+kid, err)
}

const lastExpiry = `SELECT coalesce(max(expires_at), 0) FROM code WHERE kid = ?`
