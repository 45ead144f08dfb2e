package schema

import (
	"context"
	"strconv"
)

// LimitPages bounds the size of a SQLite file, as a full disk would.
func (db *DB) LimitPages(ctx context.Context, more int) error {
	var pages int
	if err := db.write.GetContext(ctx, &pages, `PRAGMA page_count`); err != nil {
		return err
	}
	_, err := db.write.ExecContext(ctx, `PRAGMA max_page_count = `+strconv.Itoa(pages+more))
	return err
}
