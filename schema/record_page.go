package schema

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"healthcode/registry"
)

// RecordSort is an order of RecordPage.
type RecordSort string

// The orders. Enterprise, source and number break ties.
const (
	RecordsByKnown     RecordSort = "known_at"
	RecordsByKnownDown RecordSort = "-known_at" // newest first
	RecordsByDay       RecordSort = "occurred_on"
	RecordsByDayDown   RecordSort = "-occurred_on"
)

// RecordFilter chooses records. The zero value chooses all.
type RecordFilter struct {
	USCC                registry.USCC
	Source              string
	Kind                registry.Kind
	State               registry.State
	From, To            registry.Day // of occurred_on, both included; 0: no end
	KnownFrom, KnownTil time.Time    // known_at from, and before; zero: no end
	Sort                RecordSort   // nothing means RecordsByKnownDown
	Cursor              string       // Next of the page before
	Limit               int          // 1 to 500; 0 means 50
}

// RecordPage is one page of a list of records, each with its newest revision. Next is empty on the last one.
type RecordPage struct {
	Items []registry.Record
	Next  string
}

// recordOrders holds for each order its column, direction and comparison.
var recordOrders = map[RecordSort]struct{ column, direction, after string }{
	RecordsByKnown:     {"r.known_at", "ASC", ">"},
	RecordsByKnownDown: {"r.known_at", "DESC", "<"},
	RecordsByDay:       {"r.occurred_on", "ASC", ">"},
	RecordsByDayDown:   {"r.occurred_on", "DESC", "<"},
}

type recordCursor struct {
	Sort   RecordSort `json:"s"`
	Key    int64      `json:"k"`
	USCC   string     `json:"u"`
	Source string     `json:"o"`
	Ref    string     `json:"r"`
}

// RecordPage returns one page of records within the bounds. ErrCursor for a cursor of another list or for no order.
func (db *DB) RecordPage(ctx context.Context, bounds Bounds, f RecordFilter) (*RecordPage, error) {
	f.Sort = cmp.Or(f.Sort, RecordsByKnownDown)
	if f.Limit <= 0 || f.Limit > 500 {
		f.Limit = 50
	}
	order, ok := recordOrders[f.Sort]
	if !ok {
		return nil, fmt.Errorf("list records: %q is no order: %w", f.Sort, ErrCursor)
	}
	if !storable(string(f.USCC), f.Source, string(f.Kind), string(f.State)) {
		return &RecordPage{}, nil
	}
	where, arguments, err := f.conditions(&bounds, order.column, order.after)
	if err != nil {
		return nil, fmt.Errorf("list records: %w", err)
	}
	query := `SELECT ` + prefixed("r", recordColumns) + ` FROM record r WHERE r.superseded_at = 9223372036854775807 AND ` + where +
		strings.NewReplacer("COLUMN", order.column, "WAY", order.direction).Replace(` ORDER BY COLUMN WAY, r.uscc WAY, r.source WAY, r.source_ref WAY LIMIT ?`)
	found, err := collect(ctx, db, "list records", query, append(arguments, f.Limit+1), readRecord)
	if err != nil || len(found) <= f.Limit {
		return &RecordPage{Items: found}, err
	}
	page := &RecordPage{Items: found[:f.Limit]}
	page.Next, err = f.cursorAt(&page.Items[f.Limit-1])
	return page, err
}

func readRecord(scan func(...any) error) (registry.Record, error) {
	var row recordRow
	if err := scan(row.fields()...); err != nil {
		return registry.Record{}, err
	}
	return row.record()
}

func (f *RecordFilter) cursorAt(last *registry.Record) (string, error) {
	c := recordCursor{f.Sort, micros(last.KnownAt), string(last.USCC), last.Source, last.SourceRef}
	if recordOrders[f.Sort].column == "r.occurred_on" {
		c.Key = int64(last.OccurredOn)
	}
	text, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("make cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(text), nil
}

func (f *RecordFilter) conditions(bounds *Bounds, column, after string) (string, []any, error) {
	bound, arguments := bounds.condition("r.uscc", "r.source")
	where := []string{bound}
	and := func(given bool, condition string, values ...any) {
		if given {
			where, arguments = append(where, condition), append(arguments, values...)
		}
	}
	and(f.USCC != "", "r.uscc = ?", string(f.USCC))
	and(f.Source != "", "r.source = ?", f.Source)
	and(f.Kind != "", "r.kind = ?", string(f.Kind))
	and(f.State != "", "r.state = ?", string(f.State))
	and(f.From != 0, "r.occurred_on >= ?", int64(f.From))
	and(f.To != 0, "r.occurred_on <= ?", int64(f.To))
	and(!f.KnownFrom.IsZero(), "r.known_at >= ?", micros(f.KnownFrom))
	and(!f.KnownTil.IsZero(), "r.known_at < ?", micros(f.KnownTil))
	if f.Cursor != "" {
		c, err := f.parseCursor()
		if err != nil {
			return "", nil, err
		}
		and(true, column+" "+after+"= ?", c.Key)
		and(true, "("+column+", r.uscc, r.source, r.source_ref) "+after+" (?, ?, ?, ?)", c.Key, c.USCC, c.Source, c.Ref)
	}
	return strings.Join(where, " AND "), arguments, nil
}

func (f *RecordFilter) parseCursor() (c recordCursor, err error) {
	text, err := base64.RawURLEncoding.DecodeString(f.Cursor)
	if err != nil {
		return c, ErrCursor
	}
	if err := json.Unmarshal(text, &c); err != nil || c.Sort != f.Sort || !storable(c.USCC, c.Source, c.Ref) {
		return c, ErrCursor
	}
	return c, nil
}

// Revision is one revision of a record, with the reason when a person gave one.
type Revision struct {
	Record registry.Record
	Reason string
}

// Revisions returns every revision of a record within the bounds, oldest first, or ErrNotFound.
func (db *DB) Revisions(ctx context.Context, bounds Bounds, source, ref string) ([]Revision, error) {
	const doing = "read revisions"
	if !storable(source, ref) {
		return nil, fmt.Errorf("%s: %w", doing, ErrNotFound)
	}
	bound, values := bounds.condition("r.uscc", "r.source")
	query := `SELECT ` + prefixed("r", recordColumns) + `, coalesce(n.reason, '') FROM record o
		JOIN record r ON r.uscc = o.uscc AND r.source = o.source AND r.source_ref = o.source_ref
		LEFT JOIN record_note n ON n.uscc = r.uscc AND n.source = r.source AND n.source_ref = r.source_ref AND n.revision = r.revision
		WHERE o.source = ? AND o.source_ref = ? AND o.revision = 1 AND ` + bound + ` ORDER BY r.revision`
	found, err := collect(ctx, db, doing, query, append([]any{source, ref}, values...), func(scan func(...any) error) (v Revision, err error) {
		var row recordRow
		if err := scan(append(row.fields(), &v.Reason)...); err != nil {
			return v, err
		}
		v.Record, err = row.record()
		return v, err
	})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%s: %w", doing, ErrNotFound)
	}
	return found, err
}
