package schema

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// The nouns that have a version.
const (
	VersionOfAccount = "account" // by its login name
	VersionOfPartner = "partner" // by its number
	VersionOfWebhook = "webhook" // by its id
	VersionOfCode    = "code"    // by its index
)

// ErrChanged is the reason for an edit that was based on another version than the stored one.
var ErrChanged = errors.New("it has changed meanwhile")

// versionQueries read what a noun's version is made of: what the API shows of it and what its edits change, nothing secret. The first reads the row
// itself, and locks it before an edit; without that row there is no version. Each has one parameter, the key.
var versionQueries = map[string][]string{
	VersionOfAccount: {
		`SELECT id, login, kind, agency, CASE WHEN totp = '' THEN 0 ELSE 1 END, password_at, disabled_at FROM account WHERE login = ?`,
		`SELECT g.role, g.region FROM account_grant g JOIN account a ON a.id = g.account_id WHERE a.login = ? ORDER BY g.role, g.region`,
		`SELECT o.uscc FROM account_enterprise o JOIN account a ON a.id = o.account_id WHERE a.login = ? ORDER BY o.uscc`,
	},
	VersionOfPartner: {`SELECT id, name, purposes, sources, addresses, disabled_at FROM partner WHERE id = ?`},
	VersionOfWebhook: {`SELECT id, partner_id, url, topics, position, attempts, next_at, failing_since, disabled_at, turn FROM webhook WHERE id = ?`},
	VersionOfCode: {
		`SELECT idx, uscc, state, status FROM code WHERE idx = ?`,
		`SELECT e.number FROM code c JOIN code_event e ON e.uscc = c.uscc AND e.idx = c.idx WHERE c.idx = ? ORDER BY e.number`,
	},
}

// versionKey turns a key as an address has it into that of the row.
func versionKey(noun, key string) (any, error) {
	switch noun {
	case VersionOfPartner, VersionOfCode:
		n, err := strconv.ParseInt(key, 10, 64)
		if err != nil {
			return nil, ErrNotFound
		}
		return n, nil
	case VersionOfAccount:
		key = fold(key)
	}
	if !storable(key) {
		return nil, ErrNotFound
	}
	return key, nil
}

// ContentVersion returns the version of a noun: a hash of its content, 32 hexadecimal digits. ErrNotFound when it is not there.
func (db *DB) ContentVersion(ctx context.Context, noun, key string) (version string, err error) {
	err = db.inRead(ctx, "read a version", func(t *tx) error {
		version, err = t.version(ctx, noun, key, "")
		return err
	})
	return version, err
}

func (t *tx) version(ctx context.Context, noun, text, lock string) (string, error) {
	key, err := versionKey(noun, text)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for i, query := range versionQueries[noun] {
		if i > 0 {
			lock = ""
		}
		n, err := t.digest(ctx, sum, query+lock, key)
		if err != nil {
			return "", fmt.Errorf("read the version of a %s: %w", noun, err)
		}
		if i == 0 && n == 0 {
			return "", ErrNotFound
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:16]), nil
}

// digest adds the rows of a query to a hash and counts them.
func (t *tx) digest(ctx context.Context, sum io.Writer, query string, key any) (n int, err error) {
	rows, err := t.QueryxContext(ctx, t.Rebind(query), key)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for ; rows.Next(); n++ {
		values, err := rows.SliceScan()
		if err != nil {
			return 0, err
		}
		for _, value := range values {
			if raw, isBytes := value.([]byte); isBytes {
				value = string(raw)
			}
			fmt.Fprintf(sum, "%q ", fmt.Sprint(value))
		}
		fmt.Fprintln(sum)
	}
	return n, rows.Err()
}

type conditionKey struct{}

// condition is the version that an edit is based on.
type condition struct {
	noun, key string
	versions  []string
	met       bool // the edit is done
}

// IfVersion makes whatever writes under a context fail with ErrChanged unless the noun still has one of the versions; without
// versions it need only be there. It is compared in each writing transaction until the one that changes the noun, with the row locked,
// so nothing comes between the comparison and the edit.
func IfVersion(ctx context.Context, noun, key string, versions ...string) context.Context {
	return context.WithValue(ctx, conditionKey{}, &condition{noun: noun, key: key, versions: versions})
}

// conditional puts the comparison before work.
func conditional(ctx context.Context, work func(*tx) error) func(*tx) error {
	c, ok := ctx.Value(conditionKey{}).(*condition)
	if !ok || c.met {
		return work
	}
	return func(t *tx) error {
		before, err := t.version(ctx, c.noun, c.key, t.db.engine.dialect().updateLock)
		if err != nil {
			return err
		}
		if len(c.versions) > 0 && !slices.Contains(c.versions, before) {
			return ErrChanged
		}
		if err := work(t); err != nil {
			return err
		}
		after, err := t.version(ctx, c.noun, c.key, "")
		if errors.Is(err, ErrNotFound) { // deleted
			c.met = true
			return nil
		}
		c.met = after != before
		return err
	}
}
