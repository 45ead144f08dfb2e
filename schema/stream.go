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

// collectHot is collect by a prepared statement, for queries that each verified code asks. They must be constants: each stays prepared.
func collectHot[T any](ctx context.Context, db *DB, doing, query string, arguments []any, read func(scan func(...any) error) (T, error)) ([]T, error) {
	statement, err := db.statement(ctx, query)
	if err != nil {
		return nil, db.fail(ctx, doing, err)
	}
	rows, err := statement.QueryContext(ctx, arguments...)
	if err != nil {
		return nil, db.fail(ctx, doing, err)
	}
	defer rows.Close()
	var found []T
	for rows.Next() {
		value, err := read(rows.Scan)
		if err != nil {
			return nil, db.fail(ctx, doing, err)
		}
		found = append(found, value)
	}
	return found, db.fail(ctx, doing, rows.Err())
}
