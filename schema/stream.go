package schema

import (
	"context"
	"iter"
)

// stream runs a query and yields one value a row. The connection is held until the loop ends, however it ends. An error is yielded once,
// as the last pair.
func stream[T any](ctx context.Context, db *DB, doing, query string, arguments []any, read func(scan func(...any) error) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		rows, err := db.read.QueryContext(ctx, db.read.Rebind(query), arguments...)
		if err != nil {
			yield(none, db.fail(ctx, doing, err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			value, err := read(rows.Scan)
			if err == nil {
				err = ctx.Err() // database/sql notices a cancel in its own time
			}
			if err != nil {
				yield(none, db.fail(ctx, doing, err))
				return
			}
			if !yield(value, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(none, db.fail(ctx, doing, err))
		}
	}
}
