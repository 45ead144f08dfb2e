package schema

import (
	"context"
	"errors"
	"fmt"

	"healthcode/registry"
)

// ErrRevision means that a record has another revision than the caller believed.
var ErrRevision = errors.New("the record has another revision now")

// VoidRequest names the record that is to be voided.
type VoidRequest struct {
	Source, SourceRef string
	Revision          int // that the caller saw; 0: whichever it is
	Reason            string
}

// VoidRecord makes a revision of a record that says it counts as if it had never been, with the reason. One that is void already is unchanged.
// ErrNotFound when there is none within the bounds, ErrRevision when its revision is another one.
func (db *DB) VoidRecord(ctx context.Context, bounds Bounds, v VoidRequest) (PutResult, error) {
	var result PutResult
	err := db.inPut(ctx, "void record", PutOptions{}, func(t *tx) error {
		row, err := t.boundedRecord(ctx, &bounds, v.Source, v.SourceRef)
		if err != nil {
			return err
		}
		if v.Revision != 0 && v.Revision != row.revision {
			return fmt.Errorf("revision %d: %w", row.revision, ErrRevision)
		}
		record, err := row.record()
		if err != nil {
			return err
		}
		record.State, record.Revision = registry.StateVoided, 0
		batch := newRecordBatch(t, PutOptions{Bounds: &bounds})
		results, err := batch.put(ctx, []registry.Record{record})
		if err != nil {
			return err
		}
		if result = results[0]; result.Outcome != Changed {
			return nil
		}
		note := []any{row.uscc, row.source, row.sourceRef, result.Revision, v.Reason, t.stamp}
		if err := t.insert(ctx, "record_note", "uscc, source, source_ref, revision, reason, at", "", [][]any{note}); err != nil {
			return err
		}
		entry := auditEntry{Action: "record.voided", Noun: "record", ID: row.source + "/" + row.sourceRef, USCC: record.USCC,
			Before: auditedRecord{row.revision, registry.State(row.state), ""}, After: auditedRecord{result.Revision, record.State, v.Reason}}
		if err := t.audit(ctx, entry); err != nil {
			return err
		}
		return t.announce(ctx, batch.changed)
	})
	return result, err
}

// auditedRecord is what the audit log says of a record.
type auditedRecord struct {
	Revision int            `json:"revision"`
	State    registry.State `json:"state"`
	Reason   string         `json:"reason,omitempty"`
}

// boundedRecord returns the newest revision of a record, or ErrNotFound when it lies outside the bounds.
func (t *tx) boundedRecord(ctx context.Context, bounds *Bounds, source, ref string) (*recordRow, error) {
	if !storable(source, ref) {
		return nil, ErrNotFound
	}
	bound, values := bounds.condition("r.uscc", "r.source")
	query := `SELECT ` + prefixed("r", recordColumns) + ` FROM record o
		JOIN record r ON r.uscc = o.uscc AND r.source = o.source AND r.source_ref = o.source_ref
		WHERE o.source = ? AND o.source_ref = ? AND o.revision = 1 AND r.superseded_at = 9223372036854775807 AND ` + bound
	row := new(recordRow)
	err := t.QueryRowContext(ctx, t.Rebind(query), append([]any{source, ref}, values...)...).Scan(row.fields()...)
	return row, err
}
