package schema

import (
	"context"
	"database/sql"
	"time"
)

// pruneBatch bounds how many rows one transaction deletes, so that others need not wait long.
const pruneBatch = 10_000

// prune deletes rows of a noun that are older than an instant, many at a time, each time with its line of the audit log. The query takes the bound and how many
// may go at once.
func (db *DB) prune(ctx context.Context, noun, query string, bound int64, before time.Time) (pruned int, err error) {
	for {
		var n int64
		err := db.inWrite(ctx, "prune "+noun, sql.LevelReadCommitted, func(t *tx) error {
			t.quiet()
			result, err := t.ExecContext(ctx, t.Rebind(query), bound, pruneBatch)
			if err != nil {
				return err
			}
			if n, err = result.RowsAffected(); err != nil || n == 0 {
				return err
			}
			return t.auditPruned(ctx, noun, before, n)
		})
		pruned += int(n)
		if err != nil || n < pruneBatch {
			return pruned, err
		}
	}
}
