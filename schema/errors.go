package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Reasons why the database refuses, one per meaning. Every error of this package that has one of these causes wraps it.
var (
	ErrNotFound    = errors.New("not found")
	ErrConflict    = errors.New("conflicts with what is stored")
	ErrBusy        = errors.New("the database is locked by another process: try again when it has finished")
	ErrFull        = errors.New("no space left for the database: free some and try again, what was stored stays")
	ErrReadOnly    = errors.New("the database can only be read")
	ErrNewer       = errors.New("the database was made by a newer version of this program")
	ErrUnmigrated  = errors.New("the database is not ready: run `healthcode migrate` first")
	ErrNotDatabase = errors.New("not a database of this program")
	ErrUnreachable = errors.New("the database cannot be opened or reached")
	ErrRunning     = errors.New("a run of this kind is under way in another process")
	ErrNothingDue  = errors.New("no enterprise waits for a new grade")
	ErrLeaseLost   = errors.New("the run was taken over by another process")
	ErrInactive    = errors.New("the model of the run is not the active one")
	ErrCodeStep    = errors.New("the code does not allow this step")
	ErrStepNote    = errors.New("a step with a code needs an author and a reason")
	ErrAhead       = errors.New("the place in the change feed is ahead of the feed")
	ErrManyHooks   = errors.New("the partner has as many webhooks as it may")
	ErrAudit       = errors.New("the audit log is broken")
	ErrUnfinished  = errors.New("the run still has open ranges")
)

// errAgain marks an error after which the same transaction may succeed: a lost race, not a fault.
var errAgain = errors.New("a concurrent transaction was faster")

// fail says what was being done and maps the driver's error to a sentinel by its code, never by its text.
func (db *DB) fail(ctx context.Context, doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%s: %w", doing, ErrNotFound)
	case ctx.Err() != nil && !errors.Is(err, ctx.Err()):
		return fmt.Errorf("%s: %w", doing, ctx.Err())
	}
	if class := db.engine.classify(err); class != nil && !errors.Is(err, class) {
		return fmt.Errorf("%s: %w: %w", doing, class, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
