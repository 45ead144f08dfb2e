package schema

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// RootKey is the public part of the key that signs key sets. Verifiers pin it; its private part is never on a server.
type RootKey struct {
	Thumbprint string // RFC 7638
	JWK        string // JSON, public
	AddedAt    time.Time
}

// SignedKeySet is a key set that the root signed.
type SignedKeySet struct {
	IssuedAt  time.Time // whole seconds, as in the token
	ExpiresAt time.Time
	Root      string // thumbprint
	Token     string
	AddedAt   time.Time
}

// Root returns the newest root key, or ErrNotFound.
func (db *DB) Root(ctx context.Context) (*RootKey, error) {
	var r RootKey
	var added int64
	const query = `SELECT thumbprint, jwk, added_at FROM root_key ORDER BY added_at DESC, thumbprint LIMIT 1`
	if err := db.read.QueryRowContext(ctx, query).Scan(&r.Thumbprint, &r.JWK, &added); err != nil {
		return nil, db.fail(ctx, "read root key", err)
	}
	r.AddedAt = instant(added)
	return &r, nil
}

// SignedKeySet returns the newest key set that a root signed, or ErrNotFound.
func (db *DB) SignedKeySet(ctx context.Context) (*SignedKeySet, error) {
	statement, err := db.statement(ctx, `SELECT iat, exp, root, token, added_at FROM signed_key_set ORDER BY iat DESC LIMIT 1`)
	if err != nil {
		return nil, db.fail(ctx, "read signed key set", err)
	}
	var s SignedKeySet
	var iat, exp, added int64
	if err := statement.QueryRowContext(ctx).Scan(&iat, &exp, &s.Root, &s.Token, &added); err != nil {
		return nil, db.fail(ctx, "read signed key set", err)
	}
	s.IssuedAt, s.ExpiresAt, s.AddedAt = time.Unix(iat, 0).UTC(), time.Unix(exp, 0).UTC(), instant(added)
	return &s, nil
}

// AddSignedKeySet stores a key set with the root that signed it. The same one again changes nothing; one that is not newer than the newest is
// ErrConflict: verifiers that saw the newest would refuse it.
func (db *DB) AddSignedKeySet(ctx context.Context, root RootKey, s SignedKeySet) error {
	return db.inWrite(ctx, "add signed key set", sql.LevelReadCommitted, func(t *tx) error {
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		const addRoot = `INSERT INTO root_key (thumbprint, jwk, added_at) VALUES (?, ?, ?) ON CONFLICT (thumbprint) DO NOTHING`
		if _, err := t.ExecContext(ctx, t.Rebind(addRoot), root.Thumbprint, root.JWK, now); err != nil {
			return err
		}
		const add = `INSERT INTO signed_key_set (iat, exp, root, token, added_at) SELECT CAST(? AS bigint), CAST(? AS bigint), ?, ?, CAST(? AS bigint)
			WHERE NOT EXISTS (SELECT 1 FROM signed_key_set WHERE iat >= ?) ON CONFLICT (iat) DO NOTHING`
		iat := s.IssuedAt.Unix()
		result, err := t.ExecContext(ctx, t.Rebind(add), iat, s.ExpiresAt.Unix(), root.Thumbprint, s.Token, now, iat)
		if err != nil {
			return err
		}
		var newest string
		if err := t.GetContext(ctx, &newest, `SELECT token FROM signed_key_set ORDER BY iat DESC LIMIT 1`); err != nil {
			return err
		}
		if newest != s.Token {
			return fmt.Errorf("%w: a key set that is as new or newer is stored", ErrConflict)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return err // it was stored before
		}
		after := struct {
			Root      string    `json:"root"` // thumbprint
			ExpiresAt time.Time `json:"expires_at"`
			Digest    string    `json:"digest"`
		}{root.Thumbprint, s.ExpiresAt, textDigest(s.Token)}
		return t.audit(ctx, auditEntry{Action: "key_set.signed", Noun: "key_set", ID: number(iat), After: after})
	})
}
