package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"healthcode/registry"
)

// PutOutcome says what became of one row.
type PutOutcome uint8

// The outcomes of a row.
const (
	Added     PutOutcome = iota + 1
	Changed              // a new revision
	Unchanged            // equal to what is stored: nothing was written
	Waiting              // kept aside until its enterprise is registered
	Refused
)

var putOutcomeNames = []string{"", "added", "changed", "unchanged", "waiting", "refused"}

func (o PutOutcome) String() string { return putOutcomeNames[o] }

// MarshalText writes the name of the outcome.
func (o PutOutcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// PutResult says what became of the row at the same place of the batch.
type PutResult struct {
	Outcome  PutOutcome
	Revision int              // the revision that holds this content; 0 when waiting or refused
	Problem  registry.Problem // for refused: what is wrong and what would be right
}

// PutOptions change how a batch is stored. The zero value is right for everything but a first load of history.
type PutOptions struct {
	// FirstLoad lets rows carry the moment at which they became known: a record its own KnownAt, any other row KnownAt below. Such a
	// moment may not be in the future, nor before the revision that the row corrects, nor before a grade that was already given.
	FirstLoad bool
	KnownAt   time.Time
	Bounds    *Bounds // of records: whose may be stored; nil: anybody's
}

func refused(field, problem, want string) PutResult {
	return PutResult{Outcome: Refused, Problem: registry.Problem{Field: field, Problem: problem, Want: want}}
}

// inPut is inWrite for batches that take a stamp. They change facts, and of what Live and Keys return only what they touch. A row that another process stored in between is a lost race: the batch is looked at again.
func (db *DB) inPut(ctx context.Context, doing string, options PutOptions, work func(*tx) error) error {
	return db.inWrite(ctx, doing, sql.LevelReadCommitted, func(t *tx) error {
		t.touches()
		if err := t.learn(ctx); err != nil {
			return err
		}
		if options.FirstLoad {
			if _, err := t.ExecContext(ctx, `UPDATE clock SET value = value + 1 WHERE name = 'first_loads'`); err != nil {
				return fmt.Errorf("announce first load: %w", err)
			}
		}
		err := work(t)
		if err != nil && db.Engine() == postgresDialect.name && errors.Is(db.engine.classify(err), ErrConflict) {
			return fmt.Errorf("%w: %w", errAgain, err)
		}
		return err
	})
}

// moment returns when a row becomes known. last is the moment of the revision before it (0: none), graded that of the newest grade.
func (t *tx) moment(options PutOptions, own time.Time, last, graded int64) (int64, *PutResult) {
	if own.IsZero() {
		own = options.KnownAt
	}
	if !options.FirstLoad || own.IsZero() {
		return max(t.stamp, last), nil // a clock that was set back must not reorder revisions
	}
	at := micros(own)
	var r PutResult
	switch {
	case at > t.stamp:
		r = refused("known_at", "is in the future", "a moment that has passed")
	case at < last:
		r = refused("known_at", "is before the revision that it corrects became known", "a later moment, or nothing")
	case at <= graded:
		r = refused("known_at", "is before a grade that was given without it", "nothing: the store says when it became known")
	default:
		return at, nil
	}
	return 0, &r
}

// graded returns the newest moment of knowledge under which each of the enterprises was graded. Only a first load asks.
func (t *tx) graded(ctx context.Context, options PutOptions, codes []string) (map[string]int64, error) {
	if !options.FirstLoad {
		return nil, nil
	}
	query := `SELECT h.uscc, max(h.known_at) FROM ` + t.db.engine.dialect().keys + ` k JOIN assessment h ON h.uscc = k.key GROUP BY h.uscc`
	found := make(map[string]int64)
	err := t.each(ctx, query, []any{list(codes)}, func(scan func(...any) error) error {
		var code string
		var at int64
		if err := scan(&code, &at); err != nil {
			return err
		}
		found[code] = at
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read grades: %w", err)
	}
	return found, nil
}

// each runs a query and calls row for every row of its answer.
func (t *tx) each(ctx context.Context, query string, arguments []any, row func(scan func(...any) error) error) error {
	rows, err := t.QueryContext(ctx, t.Rebind(query), arguments...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// newToken tells the due rows of one transaction from those of any other.
func newToken() int64 { return rand.Int64() }

// announce stores, once for each enterprise whose facts changed, that it waits for a new grade and that others are to be told.
func (t *tx) announce(ctx context.Context, changed map[string]bool) error {
	codes := make([]string, 0, len(changed))
	for code := range changed {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	token := newToken()
	due, out := make([][]any, len(codes)), make([][]any, len(codes))
	for i, code := range codes {
		due[i] = []any{code, token, t.stamp}
		out[i] = []any{code, TopicRecordReceived, `{"uscc":"` + code + `"}`, t.stamp}
	}
	if err := t.insert(ctx, "due", "uscc, token, known_at", "", due); err != nil {
		return err
	}
	return t.insert(ctx, "outbox", "uscc, topic, payload, created_at", "", out)
}

// storable reports whether PostgreSQL can keep the texts: valid UTF-8 without the zero byte. One such row must not fail its batch.
func storable(texts ...string) bool {
	for _, s := range texts {
		if strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
			return false
		}
	}
	return true
}
