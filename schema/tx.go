package schema

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"healthcode/registry"

	"github.com/jmoiron/sqlx"
)

// tx is a transaction with the helpers that the stores share.
type tx struct {
	*sqlx.Tx
	db *DB
	// conn is the connection that the transaction has.
	conn *sqlx.Conn
	// stamp is the moment at which what this transaction writes becomes known, in microseconds; 0 until learn has taken it.
	stamp int64
	// audited holds the lines of the audit log that wait for the end.
	audited []AuditLine
	// named says that of what Live or Keys return nothing changes but what is touched; see touches.
	named   bool
	touched map[registry.USCC]bool
}

// attempts bounds how often a transaction that lost a race is tried again, after a random wait of at most 2^slowest milliseconds: some two
// seconds in all, in which even a busy machine finishes what was faster.
const (
	attempts = 24
	slowest  = 8
)

// inWrite runs work in a writing transaction: commit when it returns nil, else roll back. A lost race is tried again from the start, so
// work must not keep anything from an earlier attempt.
func (db *DB) inWrite(ctx context.Context, doing string, level sql.IsolationLevel, work func(*tx) error) error {
	if db.Engine() == sqliteDialect.name {
		level = sql.LevelDefault // one immediate writer is serializable already
	}
	work = conditional(ctx, work)
	var err error
	for attempt := range attempts {
		err = db.fail(ctx, doing, db.once(ctx, db.write, &sql.TxOptions{Isolation: level}, work, func(t *tx) error { return t.finish(ctx) }))
		if !errors.Is(err, errAgain) {
			return err
		}
		select { // two losers must not meet again at once
		case <-time.After(rand.N(time.Millisecond << min(attempt, slowest))):
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", doing, ctx.Err())
		}
	}
	return fmt.Errorf("%w, %d times", err, attempts)
}

// inRead runs work in a transaction that sees one state of the database from start to end.
func (db *DB) inRead(ctx context.Context, doing string, work func(*tx) error) error {
	options := &sql.TxOptions{}
	if db.Engine() == postgresDialect.name {
		options = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	return db.fail(ctx, doing, db.once(ctx, db.read, options, work, func(t *tx) error { return t.Commit() }))
}

func (db *DB) once(ctx context.Context, pool *sqlx.DB, options *sql.TxOptions, work, commit func(*tx) error) error {
	conn, inner, err := begin(ctx, pool, options)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer inner.Rollback() // after a commit this does nothing
	t := &tx{Tx: inner, db: db, conn: conn}
	if err := work(t); err != nil {
		return err
	}
	return commit(t)
}

// begin takes a connection out of the pool and begins a transaction. One that the server has closed meanwhile is passed over, as the pool itself would do:
// at most all that lie idle, and then a new one.
func begin(ctx context.Context, pool *sqlx.DB, options *sql.TxOptions) (*sqlx.Conn, *sqlx.Tx, error) {
	for idle := pool.Stats().Idle; ; idle-- {
		conn, err := pool.Connx(ctx)
		if err != nil {
			return nil, nil, err
		}
		inner, err := conn.BeginTxx(ctx, options)
		if err == nil {
			return conn, inner, nil
		}
		if closed := conn.Close(); closed != nil && !errors.Is(closed, sql.ErrConnDone) {
			err = errors.Join(err, closed)
		}
		if !errors.Is(err, driver.ErrBadConn) || idle <= 0 {
			return nil, nil, err
		}
	}
}

// finish writes what comes last in a transaction that writes, and commits.
func (t *tx) finish(ctx context.Context) error {
	if err := t.writeAudit(ctx); err != nil {
		return err
	}
	touched, moved := t.moved()
	if !moved {
		return t.Commit()
	}
	if err := t.announceLive(ctx, touched); err != nil {
		return err
	}
	if err := t.Commit(); err != nil {
		return err
	}
	t.db.committedLive(touched)
	return nil
}

// The numbers of our advisory locks on PostgreSQL: "hc" and a small number.
const (
	lockKnowing  = 0x6863_0001 // writers share it, Know has it alone
	lockModels   = 0x6863_0003 // whoever takes a step in a model's life has it alone
	lockCopy     = 0x6863_000a // whoever has a copy of the database
	lockKeys     = 0x6863_0009 // whoever takes a step in a key's life has it alone
	lockChanges  = 0x6863_000c // who gives changes their places in the feed has it alone
	lockArrivals = 0x6863_0002 // who registers an enterprise, or keeps a record aside because one is missing, has it alone
)

// learn takes the stamp of this transaction: later than every moment that Know has promised to be past.
func (t *tx) learn(ctx context.Context) error {
	if t.db.Engine() == sqliteDialect.name {
		if err := t.GetContext(ctx, &t.stamp, `SELECT value + 1 FROM clock WHERE name = 'known_until'`); err != nil {
			return fmt.Errorf("read clock: %w", err)
		}
		t.stamp = max(t.stamp, micros(t.db.clock()))
		return nil
	}
	if _, err := t.ExecContext(ctx, `SELECT pg_advisory_xact_lock_shared($1)`, lockKnowing); err != nil {
		return fmt.Errorf("join writers: %w", err)
	}
	const stamp = `SELECT greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint, value + 1) FROM clock WHERE name = 'known_until'`
	if err := t.GetContext(ctx, &t.stamp, stamp); err != nil {
		return fmt.Errorf("read clock: %w", err)
	}
	return nil
}

// Know returns a moment K and makes it exact: whatever is known at K is committed and visible, and whatever is learned from now on is
// stamped later than K. On PostgreSQL it waits for the writers under way; on SQLite there is one writer, this one.
func (db *DB) Know(ctx context.Context) (time.Time, error) {
	var known int64
	err := db.inWrite(ctx, "take the moment of knowledge", sql.LevelReadCommitted, func(t *tx) error {
		if db.Engine() == postgresDialect.name {
			if _, err := t.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, lockKnowing); err != nil {
				return fmt.Errorf("wait for writers: %w", err)
			}
		}
		if err := t.learn(ctx); err != nil {
			return err
		}
		t.quiet()
		known = t.stamp
		_, err := t.ExecContext(ctx, t.Rebind(`UPDATE clock SET value = ? WHERE name = 'known_until'`), known)
		return err
	})
	return instant(known), err
}

// lockArrivals makes a record that finds no enterprise and the enterprise that looks for its records wait for each other.
func (t *tx) lockArrivals(ctx context.Context) error {
	if t.db.Engine() == sqliteDialect.name {
		return nil
	}
	_, err := t.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, lockArrivals)
	if err != nil {
		return fmt.Errorf("wait for arrivals: %w", err)
	}
	return nil
}

// list makes the parameter of dialect.keys, pairs and triples.
func list(values any) string {
	text, err := json.Marshal(values)
	if err != nil {
		panic(err) // texts and numbers always marshal
	}
	return string(text)
}

// maxParameters is SQLite's bound (32766); PostgreSQL's is 65535.
const maxParameters = 32766

// insert adds rows in as few statements as possible: COPY on PostgreSQL (into a temporary table first when tail, ON CONFLICT …, asks for
// more), rows of VALUES otherwise. Safety: table, columns and tail are constants of this package, values are bound.
func (t *tx) insert(ctx context.Context, table, columns, tail string, rows [][]any) error {
	switch {
	case len(rows) == 0:
		return nil
	case t.copies(len(rows), tail):
		return t.copyIn(ctx, table, columns, len(rows), valueLines(rows))
	case t.db.Engine() == postgresDialect.name && len(rows) > 20:
		return t.mergeIn(ctx, table, columns, tail, rows)
	}
	width := len(rows[0])
	chunk := min(len(rows), 200, maxParameters/width)
	for len(rows) > 0 {
		chunk = min(chunk, len(rows))
		if err := t.insertChunk(ctx, "INSERT INTO "+table+" ("+columns+") VALUES ", tail, rows[:chunk]); err != nil {
			return fmt.Errorf("add to %s: %w", table, err)
		}
		rows = rows[chunk:]
	}
	return nil
}

// copies reports whether COPY is how so many rows are added.
func (t *tx) copies(rows int, tail string) bool {
	return t.db.Engine() == postgresDialect.name && rows > 20 && tail == ""
}

// mergeIn copies rows into a temporary table of this connection and inserts them from there.
func (t *tx) mergeIn(ctx context.Context, table, columns, tail string, rows [][]any) error {
	if _, err := t.ExecContext(ctx, `CREATE TEMP TABLE IF NOT EXISTS incoming_`+table+` (LIKE `+table+`) ON COMMIT DELETE ROWS`); err != nil {
		return fmt.Errorf("make room for %s: %w", table, err)
	}
	if err := t.copyIn(ctx, "incoming_"+table, columns, len(rows), valueLines(rows)); err != nil {
		return err
	}
	if _, err := t.ExecContext(ctx, `INSERT INTO `+table+` (`+columns+`) SELECT `+columns+` FROM incoming_`+table+` `+tail); err != nil {
		return fmt.Errorf("add to %s: %w", table, err)
	}
	_, err := t.ExecContext(ctx, `TRUNCATE incoming_`+table)
	return err
}

func (t *tx) insertChunk(ctx context.Context, head, tail string, rows [][]any) error {
	width := len(rows[0])
	one := "(" + strings.Repeat("?,", width-1) + "?)"
	query := head + strings.Repeat(one+",", len(rows)-1) + one + " " + tail
	values := make([]any, 0, len(rows)*width)
	for _, row := range rows {
		values = append(values, row...)
	}
	_, err := t.ExecContext(ctx, t.Rebind(query), values...)
	return err
}
