package schema

import (
	"context"
	"fmt"

	"healthcode/registry"
)

// ListMark says that the places of an enterprise in the lists are to be looked at again.
type ListMark struct {
	USCC registry.USCC
	Mark int64 // tells the marks of one enterprise apart
}

// ListEntry is the place of one code in the lists.
type ListEntry struct {
	Index    uint32
	IssuedAt int64 // Unix seconds; 0: it was not issued
	Status   CodeStatus
	Tier     registry.Tier   // of the enterprise's current grade
	Colour   registry.Colour // none when it has no grade, or the code was not issued
}

// markLists asks for a new look at the places of enterprises, in the transaction that changes what stands there.
func (t *tx) markLists(ctx context.Context, codes []registry.USCC) error {
	mark := newToken()
	seen := make(map[registry.USCC]bool, len(codes))
	rows := make([][]any, 0, len(codes))
	for _, code := range codes {
		if !seen[code] {
			seen[code] = true
			rows = append(rows, []any{string(code), mark})
		}
	}
	return t.insert(ctx, "list_due", "uscc, mark", "", rows)
}

// ListsDue reports whether any enterprise is marked. It is cheap enough to be asked several times a second.
func (db *DB) ListsDue(ctx context.Context) (bool, error) {
	statement, err := db.statement(ctx, `SELECT count(*) FROM (SELECT 1 FROM list_due LIMIT 1) one`)
	if err != nil {
		return false, db.fail(ctx, "look for list marks", err)
	}
	var n int
	err = statement.GetContext(ctx, &n)
	return n > 0, db.fail(ctx, "look for list marks", err)
}

const entryColumns = `c.idx, c.issued_at / 1000000, c.status, coalesce(a.tier, 0), CASE WHEN c.state = 'issued' THEN coalesce(a.colour, 0) ELSE 0 END`

func readEntry(scan func(...any) error) (e ListEntry, err error) {
	return e, scan(&e.Index, &e.IssuedAt, (*uint8)(&e.Status), (*uint8)(&e.Tier), (*uint8)(&e.Colour))
}

// ListChanges returns at most limit marks and every place of the marked enterprises, from one state of the database.
func (db *DB) ListChanges(ctx context.Context, limit int) (marks []ListMark, entries []ListEntry, err error) {
	err = db.inRead(ctx, "read list changes", func(t *tx) error {
		if marks, err = t.listMarks(ctx, limit); err != nil || len(marks) == 0 {
			return err
		}
		owners := make([]registry.USCC, 0, len(marks))
		for i := range marks {
			if i == 0 || marks[i].USCC != marks[i-1].USCC {
				owners = append(owners, marks[i].USCC)
			}
		}
		query := `SELECT ` + entryColumns + ` FROM ` + t.db.engine.dialect().keys + ` k JOIN code c ON c.uscc = k.key LEFT JOIN assessment a ON a.uscc = c.uscc`
		return t.each(ctx, query, []any{list(owners)}, func(scan func(...any) error) error {
			e, err := readEntry(scan)
			entries = append(entries, e)
			return err
		})
	})
	return marks, entries, err
}

// Lists calls entry for the place of every code, in no order, and returns the marks that this reading makes good, all from one state of the
// database.
func (db *DB) Lists(ctx context.Context, entry func(ListEntry)) (marks []ListMark, err error) {
	err = db.inRead(ctx, "read lists", func(t *tx) error {
		if marks, err = t.listMarks(ctx, -1); err != nil {
			return err
		}
		const query = `SELECT ` + entryColumns + ` FROM code c LEFT JOIN assessment a ON a.uscc = c.uscc`
		return t.each(ctx, query, nil, func(scan func(...any) error) error {
			e, err := readEntry(scan)
			entry(e)
			return err
		})
	})
	return marks, err
}

// listMarks returns marks in the order of their enterprises; a negative limit is none.
func (t *tx) listMarks(ctx context.Context, limit int) ([]ListMark, error) {
	query, arguments := `SELECT uscc, mark FROM list_due ORDER BY uscc, mark`, []any{}
	if limit >= 0 {
		query, arguments = query+` LIMIT ?`, append(arguments, limit)
	}
	var marks []ListMark
	err := t.each(ctx, query, arguments, func(scan func(...any) error) error {
		var m ListMark
		err := scan((*string)(&m.USCC), &m.Mark)
		marks = append(marks, m)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read list marks: %w", err)
	}
	return marks, nil
}
