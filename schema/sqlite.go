package schema

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// FileName is the name of the database in the data folder.
const FileName = "healthcode.db"

type sqliteEngine struct{}

func (sqliteEngine) dialect() *dialect { return &sqliteDialect }

// classify maps SQLite's result codes (https://sqlite.org/rescode.html); the low byte is the primary code.
func (sqliteEngine) classify(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return nil
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return ErrBusy
	case sqlite3.SQLITE_FULL:
		return ErrFull
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return ErrReadOnly
	case sqlite3.SQLITE_CONSTRAINT:
		return ErrConflict
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return ErrNotDatabase
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR:
		return ErrUnreachable
	case sqlite3.SQLITE_INTERRUPT:
		return context.Canceled
	}
	return nil
}

func openSQLite(ctx context.Context, c Config) (*DB, error) {
	if err := os.MkdirAll(c.Dir, 0o750); err != nil {
		return nil, folderError(c.Dir, err)
	}
	file := filepath.Join(c.Dir, FileName)
	db := &DB{engine: sqliteEngine{}}
	var err error
	if db.write, err = sqlx.Open("sqlite", sqliteDSN(file, c, "immediate", "cache_size(-32768)", "foreign_keys(1)")); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	db.write.SetMaxOpenConns(1)
	if err := db.write.PingContext(ctx); err != nil {
		return nil, errors.Join(db.fail(ctx, "open "+file, err), db.write.Close())
	}
	reading := sqliteDSN(file, c, "deferred", "cache_size(-16384)", "query_only(1)")
	if db.read, err = sqlx.Open("sqlite", reading); err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), db.write.Close())
	}
	if db.hot, err = sqlx.Open("sqlite", reading); err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), db.write.Close(), db.read.Close())
	}
	for _, pool := range []*sqlx.DB{db.read, db.hot} {
		pool.SetMaxOpenConns(max(5, runtime.NumCPU()+3)) // of hot, the clock of LiveVersion has one
		pool.SetMaxIdleConns(max(5, runtime.NumCPU()+3))
	}
	return db, nil
}

func folderError(dir string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("make data folder: %w: %w", ErrFull, err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("make data folder: %w: %w", ErrReadOnly, err)
	}
	return fmt.Errorf("make data folder %q: %w: %w", dir, ErrUnreachable, err)
}

// sqliteDSN sets the busy timeout first: opening a locked file must already wait. A full sync at each checkpoint (NORMAL) keeps the
// file whole after a power cut; a killed process loses nothing.
func sqliteDSN(file string, c Config, lock string, pragmas ...string) string {
	query := url.Values{}
	query.Add("_pragma", "busy_timeout("+strconv.FormatInt(c.BusyTimeout.Milliseconds(), 10)+")")
	for _, pragma := range append([]string{"journal_mode(WAL)", "synchronous(NORMAL)", "temp_store(MEMORY)"}, pragmas...) {
		query.Add("_pragma", pragma)
	}
	query.Set("_txlock", lock)
	path := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(file)}).EscapedPath(), RawQuery: query.Encode()}
	return path.String()
}
