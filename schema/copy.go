package schema

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/jmoiron/sqlx"
)

// Copy makes a copy of what a reissue of codes needs, to try it out: enterprises, grades, codes, keys and models; with SQLite of everything.
// On SQLite it is a file in dir, on PostgreSQL the schema healthcode_copy of the same database, so that both are
// as fast as the original. remove closes the copy and takes it away. ErrRunning when somebody has a copy already (PostgreSQL).
func (db *DB) Copy(ctx context.Context, dir string) (copied *DB, remove func() error, err error) {
	if db.Engine() == sqliteDialect.name {
		copied, err = db.copySQLite(ctx, dir)
		if err != nil {
			return nil, nil, err
		}
		return copied, copied.Close, nil
	}
	return db.copyPostgres(ctx)
}

func (db *DB) copySQLite(ctx context.Context, dir string) (*DB, error) {
	if _, err := db.write.ExecContext(ctx, `VACUUM INTO ?`, filepath.Join(dir, FileName)); err != nil {
		return nil, db.fail(ctx, "copy the database", err)
	}
	return Open(ctx, Config{Dir: dir, Clock: db.clock})
}

// copySchema is where a copy is on PostgreSQL. Nobody else has a schema of this name: what stands there is what a killed process left.
const copySchema = "healthcode_copy"

// copiedTables are what a copy on PostgreSQL has of the original, in an order that keeps references whole.
var copiedTables = []string{"model", "enterprise", "assessment", "signing_key", "code"}

func (db *DB) copyPostgres(ctx context.Context) (*DB, func() error, error) {
	const doing = "copy the database"
	conn, err := db.write.Connx(ctx) // holds the lock, so that it goes with this process
	if err != nil {
		return nil, nil, db.fail(ctx, doing, err)
	}
	var source string
	var alone bool
	const query = `SELECT current_schema(), pg_try_advisory_lock($1)`
	if err := conn.QueryRowContext(ctx, query, lockCopy).Scan(&source, &alone); err != nil || !alone {
		if err == nil {
			err = ErrRunning
		}
		return nil, nil, errors.Join(db.fail(ctx, doing, err), conn.Close())
	}
	drop := func() error { return db.dropCopy(conn) }
	if _, err := conn.ExecContext(ctx, `DROP SCHEMA IF EXISTS `+copySchema+` CASCADE; CREATE SCHEMA `+copySchema); err != nil {
		return nil, nil, errors.Join(db.fail(ctx, doing, err), drop())
	}
	copied, err := db.fillCopy(ctx, conn, source)
	if err != nil {
		return nil, nil, errors.Join(db.fail(ctx, doing, err), drop())
	}
	return copied, func() error { return errors.Join(copied.Close(), drop()) }, nil
}

// dropCopy takes the schema away, also when the caller's context has ended, and gives the lock back.
func (db *DB) dropCopy(conn *sqlx.Conn) error {
	ctx := context.Background()
	_, err := conn.ExecContext(ctx, `DROP SCHEMA IF EXISTS `+copySchema+` CASCADE`)
	_, unlocked := conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, lockCopy)
	return errors.Join(db.fail(ctx, "remove the copy of the database", errors.Join(err, unlocked)), conn.Close())
}

func (db *DB) fillCopy(ctx context.Context, conn *sqlx.Conn, source string) (*DB, error) {
	address, err := withSearchPath(db.url, copySchema)
	if err != nil {
		return nil, err
	}
	copied, err := Open(ctx, Config{URL: address})
	if err != nil {
		return nil, err
	}
	if _, _, err := copied.Migrate(ctx); err != nil {
		return nil, errors.Join(err, copied.Close())
	}
	for _, table := range copiedTables {
		into := copySchema + "." + table
		query := `ALTER TABLE ` + into + ` DISABLE TRIGGER USER; INSERT INTO ` + into + ` OVERRIDING SYSTEM VALUE SELECT * FROM "` + source + `".` + table +
			`; ALTER TABLE ` + into + ` ENABLE TRIGGER USER; ANALYZE ` + into
		if _, err := conn.ExecContext(ctx, query); err != nil {
			return nil, errors.Join(fmt.Errorf("table %s: %w", table, err), copied.Close())
		}
	}
	const next = `SELECT setval(pg_get_serial_sequence('` + copySchema + `.code', 'idx'), (SELECT greatest(coalesce(max(idx), 0), 1) FROM ` + copySchema + `.code))`
	if _, err := conn.ExecContext(ctx, next); err != nil {
		return nil, errors.Join(err, copied.Close())
	}
	return copied, nil
}
