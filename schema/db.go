package schema

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
)

// Config says where the database is: a folder for SQLite or a URL for PostgreSQL, exactly one of them.
type Config struct {
	Dir         string           // folder that holds healthcode.db
	URL         string           // postgres://… with an explicit sslmode
	BusyTimeout time.Duration    // how long to wait for a lock of another process; 0 means 5 s
	Clock       func() time.Time // SQLite only, for tests: what time it is; nil means time.Now. PostgreSQL's own clock rules there
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	engine engine
	write  *sqlx.DB // SQLite: one connection, so that writers queue here; PostgreSQL: the pool
	read   *sqlx.DB
	hot    *sqlx.DB // reads for those who verify, which must not wait behind long ones
	clock  func() time.Time
	url    string // PostgreSQL's address, for a copy beside the original

	mu       sync.Mutex
	prepared map[string]*sqlx.Stmt
	live     liveClock // nil until somebody asks
}

// engine is what differs between SQLite and PostgreSQL beyond placeholders.
type engine interface {
	// classify returns the sentinel that a driver's error stands for, or nil.
	classify(err error) error
	// dialect holds the fragments of SQL that differ.
	dialect() *dialect
}

// Open opens the database. It refuses a folder that cannot be made, a file that is no database, a locked one, a full disk and a
// database that is newer than this program (ErrNewer); one that is older is opened, for Migrate: see CheckVersion.
func Open(ctx context.Context, c Config) (*DB, error) {
	if (c.Dir == "") == (c.URL == "") {
		return nil, errors.New("open database: name either a folder or a postgres:// URL")
	}
	if c.BusyTimeout <= 0 {
		c.BusyTimeout = 5 * time.Second
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	open := openSQLite
	if c.URL != "" {
		open = openPostgres
	}
	db, err := open(ctx, c)
	if err != nil {
		return nil, err
	}
	db.clock, db.url, db.prepared = c.Clock, c.URL, make(map[string]*sqlx.Stmt)
	if err := db.refuseNewer(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func (db *DB) refuseNewer(ctx context.Context) error {
	version, err := db.Version(ctx)
	if err != nil {
		return err
	}
	if newest := db.Newest(); version > newest {
		return fmt.Errorf("open database: %w: it has version %d, this program knows %d", ErrNewer, version, newest)
	}
	return nil
}

// Engine returns "sqlite" or "postgres".
func (db *DB) Engine() string { return db.engine.dialect().name }

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	return db.fail(ctx, "reach the database", db.read.PingContext(ctx))
}

// Close closes every connection.
func (db *DB) Close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	var errs []error
	if db.live != nil {
		errs = append(errs, db.live.Close())
	}
	for _, statement := range db.prepared {
		errs = append(errs, statement.Close())
	}
	db.prepared = nil
	errs = append(errs, db.read.Close(), db.hot.Close())
	if db.write != db.read {
		errs = append(errs, db.write.Close())
	}
	return errors.Join(errs...)
}

// statement returns the prepared statement of a query on a hot path. lib/pq takes 1.7 times as long without.
func (db *DB) statement(ctx context.Context, query string) (*sqlx.Stmt, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if s, ok := db.prepared[query]; ok {
		return s, nil
	}
	if db.prepared == nil {
		return nil, errors.New("the database is closed")
	}
	s, err := db.hot.PreparexContext(ctx, db.hot.Rebind(query))
	if err != nil {
		return nil, err
	}
	db.prepared[query] = s
	return s, nil
}

// micros and instant turn an instant into what is stored and back. The zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
