package schema

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// provider returns goose for this engine. On PostgreSQL a session lock lets one process migrate at a time.
func (db *DB) provider() (*goose.Provider, error) {
	dialect, name := goose.DialectSQLite3, db.Engine()
	options := []goose.ProviderOption{goose.WithSlog(slog.New(slog.DiscardHandler)), goose.WithDisableGlobalRegistry(true)}
	if name == postgresDialect.name {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, fmt.Errorf("make migration lock: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	folder, err := fs.Sub(migrations, "migrations/"+name)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	provider, err := goose.NewProvider(dialect, db.write.DB, folder, options...)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return provider, nil
}

// Migrate brings the database to the version of this program, forward only, and returns the versions before and after.
func (db *DB) Migrate(ctx context.Context) (from, to int64, err error) {
	return db.MigrateTo(ctx, db.Newest())
}

// MigrateTo is Migrate up to a version, so that a test can look at each step with data in it.
func (db *DB) MigrateTo(ctx context.Context, version int64) (from, to int64, err error) {
	if from, err = db.Version(ctx); err != nil {
		return 0, 0, err
	}
	provider, err := db.provider()
	if err != nil {
		return 0, 0, err
	}
	if _, err := provider.UpTo(ctx, version); err != nil {
		var partial *goose.PartialError
		if errors.As(err, &partial) && partial.Err != nil {
			err = partial.Err
		}
		return 0, 0, db.fail(ctx, "migrate database", err)
	}
	to, err = db.Version(ctx)
	return from, to, err
}

// Newest returns the version that this program needs.
func (db *DB) Newest() int64 {
	provider, err := db.provider()
	if err != nil {
		panic(err) // the migrations are part of the program: a test would have shown it
	}
	sources := provider.ListSources()
	return sources[len(sources)-1].Version
}

// Version returns the version of the database, 0 when nothing was ever migrated.
func (db *DB) Version(ctx context.Context) (int64, error) {
	exists := `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'goose_db_version'`
	if db.Engine() == postgresDialect.name {
		exists = `SELECT CASE WHEN to_regclass('goose_db_version') IS NULL THEN 0 ELSE 1 END`
	}
	var tables int
	if err := db.write.GetContext(ctx, &tables, exists); err != nil {
		return 0, db.fail(ctx, "read database version", err)
	}
	if tables == 0 {
		return 0, nil
	}
	var version int64
	err := db.write.GetContext(ctx, &version, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`)
	return version, db.fail(ctx, "read database version", err)
}

// CheckVersion refuses a database that is older than this program (ErrUnmigrated) or newer (ErrNewer).
func (db *DB) CheckVersion(ctx context.Context) error {
	version, err := db.Version(ctx)
	if err != nil {
		return err
	}
	switch newest := db.Newest(); {
	case version > newest:
		return fmt.Errorf("%w: it has version %d, this program knows %d", ErrNewer, version, newest)
	case version < newest:
		return fmt.Errorf("%w: it has version %d, this program needs %d", ErrUnmigrated, version, newest)
	}
	return nil
}
