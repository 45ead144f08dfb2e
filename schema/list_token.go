package schema

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

// ListToken is one publication of a list.
type ListToken struct {
	Kind     string // status or grade
	Number   uint32
	IssuedAt time.Time // whole seconds, as in the token
	KID      string    // the key that signed it
	Content  string    // SHA-256 of the entries, hexadecimal
	Token    string    // empty where only heads are read
}

const listHeadColumns = `t.kind, t.number, t.iat, t.kid, t.content`

func readListToken(scan func(...any) error, more ...any) (ListToken, error) {
	var l ListToken
	var iat int64
	err := scan(append([]any{&l.Kind, &l.Number, &iat, &l.KID, &l.Content}, more...)...)
	l.IssuedAt = time.Unix(iat, 0).UTC()
	return l, err
}

const newestLists = ` FROM (SELECT kind, number, max(iat) AS iat FROM list_token GROUP BY kind, number) n
	JOIN list_token t ON t.kind = n.kind AND t.number = n.number AND t.iat = n.iat ORDER BY t.kind DESC, t.number`

// ListHeads returns the newest publication of every list without its token: the status lists first, by number.
func (db *DB) ListHeads(ctx context.Context) ([]ListToken, error) {
	read := func(scan func(...any) error) (ListToken, error) { return readListToken(scan) }
	return collect(ctx, db, "read list heads", `SELECT `+listHeadColumns+newestLists, nil, read)
}

// ListHead is ListToken without the token.
func (db *DB) ListHead(ctx context.Context, kind string, number uint32, at time.Time) (*ListToken, error) {
	return db.listToken(ctx, listHeadColumns, kind, number, at)
}

// ListToken returns the newest publication of a list whose iat is not after a time, whatever the time if it is zero. ErrNotFound when there
// is none.
func (db *DB) ListToken(ctx context.Context, kind string, number uint32, at time.Time) (*ListToken, error) {
	var token string
	l, err := db.listToken(ctx, listHeadColumns+`, t.token`, kind, number, at, &token)
	if err == nil {
		l.Token = token
	}
	return l, err
}

func (db *DB) listToken(ctx context.Context, columns, kind string, number uint32, at time.Time, more ...any) (*ListToken, error) {
	until := int64(never)
	if !at.IsZero() {
		until = at.Unix()
	}
	statement, err := db.statement(ctx, `SELECT `+columns+` FROM list_token t WHERE t.kind = ? AND t.number = ? AND t.iat <= ? ORDER BY t.iat DESC LIMIT 1`)
	if err != nil {
		return nil, db.fail(ctx, "read list", err)
	}
	l, err := readListToken(statement.QueryRowContext(ctx, kind, int64(number), until).Scan, more...)
	if err != nil {
		return nil, db.fail(ctx, "read list", err)
	}
	return &l, nil
}

// SaveLists stores publications and deletes exactly the marks that they make good, in one transaction that only the holder of the lease can
// commit: ErrLeaseLost for anybody else. ErrConflict when a list would go back in time. Either part may be empty.
func (db *DB) SaveLists(ctx context.Context, lease *Lease, tokens []ListToken, marks []ListMark) error {
	return db.inWrite(ctx, "store lists", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		if err := t.renewLease(ctx, lease); err != nil {
			return err
		}
		for _, l := range tokens {
			const query = `INSERT INTO list_token (kind, number, iat, kid, content, token) VALUES (?, ?, ?, ?, ?, ?)`
			if _, err := t.ExecContext(ctx, t.Rebind(query), l.Kind, int64(l.Number), l.IssuedAt.Unix(), l.KID, l.Content, l.Token); err != nil {
				return fmt.Errorf("%s list %d: %w", l.Kind, l.Number, err)
			}
		}
		return t.deleteListMarks(ctx, marks)
	})
}

func (t *tx) deleteListMarks(ctx context.Context, marks []ListMark) error {
	query := t.Rebind(`DELETE FROM list_due WHERE (uscc, mark) IN (SELECT k.a, CAST(k.b AS bigint) FROM ` + t.db.engine.dialect().pairs + ` k)`)
	for chunk := range slices.Chunk(marks, 5000) {
		pairs := make([][2]any, len(chunk))
		for i, m := range chunk {
			pairs[i] = [2]any{string(m.USCC), m.Mark}
		}
		if _, err := t.ExecContext(ctx, query, list(pairs)); err != nil {
			return fmt.Errorf("clear list marks: %w", err)
		}
	}
	return nil
}

// ListKeeping says how much of the lists' history stays: the newest of each minute since Minutes, the newest of each hour since Hours, and
// always the newest of all.
type ListKeeping struct {
	Minutes, Hours time.Time
}

// PruneLists deletes the publications that need not be kept and returns how many they were.
func (db *DB) PruneLists(ctx context.Context, keep ListKeeping) (int64, error) {
	const newer = ` AND EXISTS (SELECT 1 FROM list_token n WHERE n.kind = list_token.kind AND n.number = list_token.number AND n.iat > list_token.iat`
	minutes, hours := keep.Minutes.Unix(), keep.Hours.Unix()
	var pruned int64
	err := db.inWrite(ctx, "prune lists", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		pruned = 0
		for _, rule := range []struct {
			where     string
			arguments []any
		}{
			{`iat < ?` + newer + `)`, []any{hours}},
			{`iat < ?` + newer + ` AND n.iat < (list_token.iat / 3600 + 1) * 3600)`, []any{minutes}},
			{`iat >= ?` + newer + ` AND n.iat < (list_token.iat / 60 + 1) * 60)`, []any{minutes}},
		} {
			result, err := t.ExecContext(ctx, t.Rebind(`DELETE FROM list_token WHERE `+rule.where), rule.arguments...)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			pruned += n
		}
		return nil
	})
	return pruned, err
}
