package schema

import (
	"context"
	"iter"
	"strings"

	"healthcode/registry"
)

// prefixed puts a table's alias before each column of a list.
func prefixed(alias, columns string) string {
	names := strings.Split(columns, ",")
	for i, name := range names {
		names[i] = alias + "." + strings.TrimSpace(name)
	}
	return strings.Join(names, ", ")
}

// RecordsOf returns every revision of an enterprise's records in the order source, source_ref, revision; none is no error.
func (db *DB) RecordsOf(ctx context.Context, code registry.USCC) ([]registry.Record, error) {
	var records []registry.Record
	for record, err := range db.records(ctx, `WHERE uscc = ?`, string(code)) {
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return records, nil
}

// Records iterates over every revision of every record in the order of the key: uscc, source, source_ref, revision (by bytes).
// Leaving the loop early frees the connection.
func (db *DB) Records(ctx context.Context) iter.Seq2[registry.Record, error] {
	return db.records(ctx, ``)
}

func (db *DB) records(ctx context.Context, where string, arguments ...any) iter.Seq2[registry.Record, error] {
	query := `SELECT ` + recordColumns + ` FROM record ` + where + ` ORDER BY uscc, source, source_ref, revision`
	return stream(ctx, db, "read records", query, arguments, func(scan func(...any) error) (registry.Record, error) {
		var row recordRow
		if err := scan(row.fields()...); err != nil {
			return registry.Record{}, err
		}
		return row.record()
	})
}

// CountRecords returns how many records there are, whatever the number of their revisions.
func (db *DB) CountRecords(ctx context.Context) (int, error) {
	var n int
	err := db.read.GetContext(ctx, &n, `SELECT count(*) FROM record WHERE revision = 1`)
	return n, db.fail(ctx, "count records", err)
}
