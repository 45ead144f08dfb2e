package schema

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"
)

// noteChange raises the number that tells versions apart and notes what this one touched. Old notes go many at a time.
func (t *tx) noteChange(ctx context.Context, touched string) error {
	var version int64
	if err := t.GetContext(ctx, &version, `UPDATE clock SET value = value + 1 WHERE name = 'live' RETURNING value`); err != nil {
		return err
	}
	if _, err := t.ExecContext(ctx, `INSERT INTO live_change (version, touched) VALUES (?, ?)`, version, touched); err != nil {
		return err
	}
	if version%(liveKept/8) != 0 {
		return nil
	}
	_, err := t.ExecContext(ctx, `DELETE FROM live_change WHERE version <= ?`, version-liveKept)
	return err
}

// liveLook is how long what SQLite said of other processes' commits holds.
const liveLook = 5 * time.Millisecond

// sqliteClock asks SQLite whether another connection has committed (https://sqlite.org/pragma.html#pragma_data_version), at most every five milliseconds
// and after each commit of this process, and only then reads the number that writers raise. Both need one connection of their own.
type sqliteClock struct {
	pool    *sqlx.DB
	commits atomic.Int64 // of this process
	looked  atomic.Pointer[sqliteLook]

	mu     sync.Mutex
	conn   *sqlx.Conn
	look   *sql.Stmt
	told   *sql.Stmt
	data   int64
	number uint64
}

// sqliteLook is what was seen after so many commits of this process.
type sqliteLook struct {
	commits int64
	at      time.Duration // since processStart
	number  uint64
}

func (c *sqliteClock) version(context.Context) (uint64, bool) {
	commits, now := c.commits.Load(), time.Since(processStart)
	if l := c.looked.Load(); l != nil && l.commits == commits && now-l.at < liveLook {
		return l.number, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx := context.Background() // microseconds; the driver watches over one that may end, which takes longer
	data, err := c.dataVersion(ctx)
	if err == nil && data != c.data {
		err = c.conn.GetContext(ctx, &c.number, `SELECT value FROM clock WHERE name = 'live'`)
		c.data = data
	}
	if err != nil {
		c.forget()
		return 0, false
	}
	c.looked.Store(&sqliteLook{commits, now, c.number})
	return c.number, true
}

func (c *sqliteClock) dataVersion(ctx context.Context) (data int64, err error) {
	if err := c.connect(ctx); err != nil {
		return 0, err
	}
	return data, c.look.QueryRowContext(ctx).Scan(&data)
}

// changesSince reads the number and the notes of what came after one in one state of the database.
const changesSince = `SELECT k.value, coalesce(c.version, 0), coalesce(c.touched, '') FROM clock k LEFT JOIN live_change c ON c.version > ?
	WHERE k.name = 'live' ORDER BY c.version`

func (c *sqliteClock) connect(ctx context.Context) (err error) {
	if c.conn != nil {
		return nil
	}
	if c.conn, err = c.pool.Connx(ctx); err != nil {
		return err
	}
	c.data = -1
	if c.look, err = c.conn.PrepareContext(ctx, `PRAGMA data_version`); err != nil {
		return err
	}
	c.told, err = c.conn.PrepareContext(ctx, changesSince)
	return err
}

func (c *sqliteClock) changes(_ context.Context, since uint64) (LiveChanges, bool) {
	commits, now := c.commits.Load(), time.Since(processStart)
	c.mu.Lock()
	defer c.mu.Unlock()
	changes, err := c.readChanges(context.Background(), since) // microseconds, as above
	if err != nil {
		c.forget()
		return LiveChanges{}, false
	}
	c.number = changes.Version // so that version never tells an older one
	c.looked.Store(&sqliteLook{commits, now, c.number})
	return changes, true
}

// readChanges gathers the notes since a version. When one is missing, which was deleted or belongs to another database, everything may differ.
func (c *sqliteClock) readChanges(ctx context.Context, since uint64) (changes LiveChanges, err error) {
	if err := c.connect(ctx); err != nil {
		return changes, err
	}
	rows, err := c.told.QueryContext(ctx, int64(since))
	if err != nil {
		return changes, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	reached := since
	for rows.Next() {
		var version uint64
		var touched string
		if err := rows.Scan(&changes.Version, &version, &touched); err != nil {
			return changes, err
		}
		if version == reached+1 {
			reached = version
			changes.add(touched)
		}
	}
	if reached != changes.Version {
		changes.everything()
	}
	return changes, rows.Err()
}

func (c *sqliteClock) forget() {
	for _, statement := range []*sql.Stmt{c.look, c.told} {
		if statement != nil {
			_ = statement.Close()
		}
	}
	if c.conn != nil {
		_ = c.conn.Close()
	}
	c.conn, c.look, c.told = nil, nil, nil
	c.looked.Store(nil)
}

func (c *sqliteClock) committed(string) { c.commits.Add(1) }

// Close ends the connection.
func (c *sqliteClock) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget()
	return nil
}
