package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

type postgresEngine struct{}

func (postgresEngine) dialect() *dialect { return &postgresDialect }

// classify maps SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html).
func (postgresEngine) classify(err error) error {
	var e *pq.Error
	if !errors.As(err, &e) {
		var network net.Error
		if errors.As(err, &network) {
			return ErrUnreachable
		}
		return nil
	}
	switch e.Code {
	case pqerror.TRSerializationFailure, pqerror.TRDeadlockDetected:
		return errAgain
	case pqerror.LockNotAvailable, pqerror.ObjectInUse, pqerror.TooManyConnections:
		return ErrBusy
	case pqerror.DiskFull:
		return ErrFull
	case pqerror.ReadOnlySQLTransaction, pqerror.InsufficientPrivilege:
		return ErrReadOnly
	case pqerror.UndefinedTable, pqerror.UndefinedColumn:
		return ErrUnmigrated
	case pqerror.QueryCanceled:
		return context.Canceled
	}
	switch e.Code.Class() {
	case pqerror.ClassIntegrityConstraintViolation:
		return ErrConflict
	case pqerror.ClassConnectionException, pqerror.ClassInvalidCatalogName, pqerror.ClassInvalidAuthorizationSpecification:
		return ErrUnreachable
	}
	return nil
}

func openPostgres(ctx context.Context, c Config) (*DB, error) {
	dsn, err := postgresURL(c.URL)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	connector, err := pq.NewConnector(dsn)
	if err != nil { // the driver's text may hold the password
		return nil, fmt.Errorf("open database: the URL has a part that the driver does not understand: %w", ErrUnreachable)
	}
	pool := sqlx.NewDb(sql.OpenDB(connector), "postgres")
	pool.SetMaxOpenConns(16)
	pool.SetMaxIdleConns(8)
	hot := sqlx.NewDb(sql.OpenDB(connector), "postgres")
	hot.SetMaxOpenConns(4)
	hot.SetMaxIdleConns(4)
	db := &DB{engine: postgresEngine{}, write: pool, read: pool, hot: hot}
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(db.fail(ctx, "open database", err), pool.Close(), hot.Close())
	}
	return db, nil
}

// postgresURL insists on an explicit sslmode and adds what we rely on: a bounded connect (database/sql does not pass the context on to
// the dial), UTC, and no JIT, which costs more than it saves on queries of some milliseconds.
func postgresURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return "", fmt.Errorf("the URL is not of the form postgres://user@host:port/database?sslmode=…: %w", ErrUnreachable)
	}
	query := u.Query()
	if query.Get("sslmode") == "" {
		return "", fmt.Errorf("the URL does not say whether to encrypt: add sslmode=verify-full, or sslmode=disable for a server on this machine: %w", ErrUnreachable)
	}
	for name, value := range map[string]string{"connect_timeout": "10", "application_name": "healthcode", "timezone": "UTC", "jit": "off"} {
		if query.Get(name) == "" {
			query.Set(name, value)
		}
	}
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// withSearchPath returns an address whose connections see a schema first and alone.
func withSearchPath(text, schema string) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", fmt.Errorf("read the address of the database: %w", ErrUnreachable)
	}
	query := u.Query()
	query.Set("search_path", schema)
	u.RawQuery = query.Encode()
	return u.String(), nil
}
