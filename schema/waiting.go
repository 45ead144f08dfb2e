package schema

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"healthcode/registry"
)

// WaitingRecord is a record that was kept aside because its enterprise is not registered, or could not be taken up when it was.
type WaitingRecord struct {
	Record     registry.Record
	ReceivedAt time.Time
	Problem    string // why it could not be taken up; empty while the enterprise is missing
}

type waitingKey struct {
	uscc string
	recordKey
}

type waitingRow struct {
	waitingKey
	revision int
	knownAt  int64
	body     string
}

// keepAside stores the rows of unknown enterprises as they came. One that waits already is not stored again.
func (b *recordBatch) keepAside(ctx context.Context, records []PackedRecord) error {
	if len(b.aside) == 0 {
		return nil
	}
	var incoming []waitingRow
	for i := range records {
		if !b.aside[i] {
			continue
		}
		row, err := newWaitingRow(records[i].Record, b.options)
		if err != nil {
			return err
		}
		incoming = append(incoming, row)
	}
	stored, err := b.tx.waiting(ctx, incoming)
	if err != nil {
		return err
	}
	var rows [][]any
	for _, row := range incoming {
		chain := stored[row.waitingKey]
		if slices.ContainsFunc(chain, func(s waitingRow) bool { return s.body == row.body }) && alreadyWaits(chain, row) {
			continue
		}
		row.revision = len(chain) + 1
		stored[row.waitingKey] = append(chain, row)
		rows = append(rows, []any{row.uscc, row.source, row.ref, row.revision, row.knownAt, b.tx.stamp, "", row.body})
	}
	return b.tx.insert(ctx, "waiting_record", "uscc, source, source_ref, revision, known_at, received_at, problem, body", "", rows)
}

// alreadyWaits: a row with its own revision number may equal any that waits, another one only the last.
func alreadyWaits(chain []waitingRow, row waitingRow) bool {
	var numbered struct {
		Revision int `json:"revision"`
	}
	if err := json.Unmarshal([]byte(row.body), &numbered); err == nil && numbered.Revision > 0 {
		return true
	}
	return chain[len(chain)-1].body == row.body
}

func newWaitingRow(r *registry.Record, options PutOptions) (waitingRow, error) {
	plain := *r
	plain.KnownAt = time.Time{}
	body, err := json.Marshal(&plain)
	if err != nil {
		return waitingRow{}, fmt.Errorf("keep record aside: %w", err)
	}
	row := waitingRow{waitingKey: waitingKey{string(r.USCC), recordKey{r.Source, r.SourceRef}}, body: string(body)}
	if options.FirstLoad {
		row.knownAt = micros(r.KnownAt)
		if row.knownAt == 0 {
			row.knownAt = micros(options.KnownAt)
		}
	}
	return row, nil
}

func (t *tx) waiting(ctx context.Context, rows []waitingRow) (map[waitingKey][]waitingRow, error) {
	wanted := make([][4]any, len(rows))
	for i, row := range rows {
		wanted[i] = [4]any{row.uscc, row.source, row.ref, 0}
	}
	query := `SELECT DISTINCT w.uscc, w.source, w.source_ref, w.revision, w.known_at, w.body FROM ` + t.db.engine.dialect().triples + ` k
		JOIN waiting_record w ON w.uscc = k.a AND w.source = k.b AND w.source_ref = k.c ORDER BY w.uscc, w.source, w.source_ref, w.revision`
	found := make(map[waitingKey][]waitingRow)
	err := t.eachWaiting(ctx, query, list(wanted), func(row waitingRow) error {
		found[row.waitingKey] = append(found[row.waitingKey], row)
		return nil
	})
	return found, err
}

func (t *tx) eachWaiting(ctx context.Context, query, argument string, yield func(waitingRow) error) error {
	err := t.each(ctx, query, []any{argument}, func(scan func(...any) error) error {
		var row waitingRow
		if err := scan(&row.uscc, &row.source, &row.ref, &row.revision, &row.knownAt, &row.body); err != nil {
			return err
		}
		return yield(row)
	})
	if err != nil {
		return fmt.Errorf("read waiting records: %w", err)
	}
	return nil
}

// takeUp stores the records that waited for these newly registered enterprises. One that is refused stays aside with the reason.
func (b *recordBatch) takeUp(ctx context.Context, codes []string) error {
	if len(codes) == 0 {
		return nil
	}
	keys := b.tx.db.engine.dialect().keys
	query := `SELECT w.uscc, w.source, w.source_ref, w.revision, w.known_at, w.body FROM ` + keys + ` k
		JOIN waiting_record w ON w.uscc = k.key ORDER BY w.uscc, w.source, w.source_ref, w.revision`
	var rows []waitingRow
	var records []registry.Record
	err := b.tx.eachWaiting(ctx, query, list(codes), func(row waitingRow) error {
		var record registry.Record
		if err := json.Unmarshal([]byte(row.body), &record); err != nil {
			return fmt.Errorf("read waiting record: %w", err)
		}
		record.KnownAt = instant(row.knownAt)
		rows, records = append(rows, row), append(records, record)
		return nil
	})
	if err != nil || len(records) == 0 {
		return err
	}
	b.options = PutOptions{FirstLoad: true} // a record that came with its own moment keeps it
	results, err := b.put(ctx, records)
	if err != nil {
		return err
	}
	return b.tx.settleWaiting(ctx, rows, results)
}

func (t *tx) settleWaiting(ctx context.Context, rows []waitingRow, results []PutResult) error {
	for i, row := range rows {
		query, arguments := `DELETE FROM waiting_record WHERE uscc = ? AND source = ? AND source_ref = ? AND revision = ?`, []any{}
		if results[i].Outcome == Refused {
			query = `UPDATE waiting_record SET problem = ? WHERE uscc = ? AND source = ? AND source_ref = ? AND revision = ?`
			arguments = append(arguments, registry.Problems{results[i].Problem}.Error())
		}
		arguments = append(arguments, row.uscc, row.source, row.ref, row.revision)
		if _, err := t.ExecContext(ctx, t.Rebind(query), arguments...); err != nil {
			return fmt.Errorf("settle waiting record: %w", err)
		}
	}
	return nil
}

// WaitingRecords returns the records that were kept aside, in key order after the given enterprise, at most limit.
func (db *DB) WaitingRecords(ctx context.Context, after registry.USCC, limit int) ([]WaitingRecord, error) {
	const query = `SELECT known_at, received_at, problem, body FROM waiting_record WHERE uscc > ? ORDER BY uscc, source, source_ref, revision LIMIT ?`
	var found []struct {
		Known    int64  `db:"known_at"`
		Received int64  `db:"received_at"`
		Problem  string `db:"problem"`
		Body     string `db:"body"`
	}
	if err := db.read.SelectContext(ctx, &found, db.read.Rebind(query), string(after), limit); err != nil {
		return nil, db.fail(ctx, "read waiting records", err)
	}
	waiting := make([]WaitingRecord, len(found))
	for i, row := range found {
		waiting[i] = WaitingRecord{ReceivedAt: instant(row.Received), Problem: row.Problem}
		if err := json.Unmarshal([]byte(row.Body), &waiting[i].Record); err != nil {
			return nil, fmt.Errorf("read waiting record: %w", err)
		}
		waiting[i].Record.KnownAt = instant(row.Known)
	}
	return waiting, nil
}

// CountWaiting returns how many records are kept aside.
func (db *DB) CountWaiting(ctx context.Context) (int, error) {
	var n int
	err := db.read.GetContext(ctx, &n, `SELECT count(*) FROM waiting_record`)
	return n, db.fail(ctx, "count waiting records", err)
}
