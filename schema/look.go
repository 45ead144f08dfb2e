package schema

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"healthcode/access"
	"healthcode/registry"
)

// How a partner came to look at an enterprise.
const (
	LookByCode   = "code"
	LookByTicket = "ticket"
)

// Look says that a partner was told about an enterprise.
type Look struct {
	USCC      registry.USCC
	At        time.Time
	PartnerID int64
	Partner   string // its name; only on the way out
	Purpose   access.Purpose
	Means     string // LookByCode or LookByTicket
	Looks     int64  // how many at this instant, as in a batch that names a code twice
}

// AddLooks stores looks. Those that differ in nothing but their count are added up.
func (db *DB) AddLooks(ctx context.Context, looks []Look) error {
	rows := lookRows(looks)
	return db.inWrite(ctx, "note who looked", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		return t.addLooks(ctx, rows)
	})
}

func (t *tx) addLooks(ctx context.Context, rows [][]any) error {
	const add = `ON CONFLICT (uscc, at, partner_id, purpose, means) DO UPDATE SET looks = partner_look.looks + excluded.looks`
	return t.insert(ctx, "partner_look", "uscc, at, partner_id, purpose, means, looks", add, rows)
}

// lookRows puts looks in one order, in which writers that meet take rows, and adds up those of the same key.
func lookRows(looks []Look) [][]any {
	order := func(a, b Look) int {
		return cmp.Or(cmp.Compare(a.USCC, b.USCC), cmp.Compare(micros(a.At), micros(b.At)), cmp.Compare(a.PartnerID, b.PartnerID),
			cmp.Compare(a.Purpose, b.Purpose), cmp.Compare(a.Means, b.Means))
	}
	var sums []Look
	for _, l := range slices.SortedFunc(slices.Values(looks), order) {
		if last := len(sums) - 1; last >= 0 && order(sums[last], l) == 0 {
			sums[last].Looks += l.Looks
			continue
		}
		sums = append(sums, l)
	}
	rows := make([][]any, len(sums))
	for i, l := range sums {
		rows[i] = []any{string(l.USCC), micros(l.At), l.PartnerID, string(l.Purpose), l.Means, l.Looks}
	}
	return rows
}

// LookPage is one page of a list of looks. Next is the cursor of the following page, empty on the last one.
type LookPage struct {
	Items []Look
	Next  string
}

// lookCursor is where a page of looks ended.
type lookCursor struct {
	At      int64  `json:"a"`
	Partner int64  `json:"p"`
	Purpose string `json:"u"`
	Means   string `json:"m"`
}

// LooksAt returns one page of who looked at an enterprise within a sight, newest first. ErrCursor for a cursor of another list.
func (db *DB) LooksAt(ctx context.Context, sight access.Sight, code registry.USCC, cursor string, limit int) (*LookPage, error) {
	bound, values := seenByCode(sight, "l.uscc")
	query := `SELECT l.at, l.partner_id, p.name, l.purpose, l.means, l.looks FROM partner_look l JOIN partner p ON p.id = l.partner_id WHERE l.uscc = ? AND ` + bound
	values = append([]any{string(code)}, values...)
	if cursor != "" {
		var c lookCursor
		if json.Unmarshal([]byte(cursor), &c) != nil || !storable(c.Purpose) || !storable(c.Means) {
			return nil, fmt.Errorf("list looks: %w", ErrCursor)
		}
		query += ` AND (l.at < ? OR l.at = ? AND (l.partner_id, l.purpose, l.means) > (?, ?, ?))`
		values = append(values, c.At, c.At, c.Partner, c.Purpose, c.Means)
	}
	query += ` ORDER BY l.at DESC, l.partner_id, l.purpose, l.means LIMIT ?`
	found, err := collect(ctx, db, "list looks", query, append(values, limit+1), func(scan func(...any) error) (Look, error) {
		l := Look{USCC: code}
		var at int64
		err := scan(&at, &l.PartnerID, &l.Partner, (*string)(&l.Purpose), &l.Means, &l.Looks)
		l.At = instant(at)
		return l, err
	})
	if err != nil {
		return nil, err
	}
	page := &LookPage{Items: found}
	if len(found) > limit {
		last := found[limit-1]
		page.Items, page.Next = found[:limit], list(lookCursor{micros(last.At), last.PartnerID, string(last.Purpose), last.Means})
	}
	return page, nil
}

// PruneLooks deletes the looks before an instant and returns how many rows went.
func (db *DB) PruneLooks(ctx context.Context, before time.Time) (pruned int, err error) {
	const query = `DELETE FROM partner_look WHERE (uscc, at, partner_id, purpose, means) IN
		(SELECT uscc, at, partner_id, purpose, means FROM partner_look WHERE at < ? LIMIT ?)`
	return db.prune(ctx, "look", query, micros(before), before)
}
