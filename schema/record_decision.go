package schema

import (
	"context"
	"fmt"

	"healthcode/registry"
)

// noteDecision notes that a decision made a revision, and which one the source itself sent last.
func (b *recordBatch) noteDecision(key recordKey, current *recordRow, revision int) {
	said := current.revision
	if before := b.said[key]; before != nil {
		said = before.revision
	}
	b.notes = append(b.notes, []any{current.uscc, key.source, key.ref, revision, said})
}

// saidBefore returns for each of the records whose newest revision a decision made what its source sent last.
func (t *tx) saidBefore(ctx context.Context, newest map[recordKey]*recordRow) (map[recordKey]*recordRow, error) {
	said := make(map[recordKey]*recordRow)
	var names [][4]any
	for key, row := range newest {
		if row.revision > 1 {
			names = append(names, [4]any{row.uscc, key.source, key.ref, row.revision})
		}
	}
	if len(names) == 0 {
		return said, nil
	}
	query := `SELECT ` + prefixed("r", recordColumns) + ` FROM ` + t.db.engine.dialect().triples + ` k
		JOIN record_decision d ON d.uscc = k.a AND d.source = k.b AND d.source_ref = k.c AND d.revision = k.n
		JOIN record r ON r.uscc = d.uscc AND r.source = d.source AND r.source_ref = d.source_ref AND r.revision = d.said`
	err := t.each(ctx, query, []any{list(names)}, func(scan func(...any) error) error {
		row := new(recordRow)
		if err := scan(row.fields()...); err != nil {
			return err
		}
		said[recordKey{row.source, row.sourceRef}] = row
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for decisions: %w", err)
	}
	return said, nil
}

// keepDecision says what a row of a source means for a record whose newest revision a decision made. Sending again what the source sent before
// changes nothing. What was voided stays so; what was repaired stays so, or is voided; what is provisional while an objection is open stays so,
// with what the source has to say now. A record that was put right takes what the source says: it is new.
func keepDecision(row *recordRow, r *registry.Record, current, said *recordRow) (*registry.Record, *PutResult) {
	if said.same(row) {
		return nil, &PutResult{Outcome: Unchanged, Revision: current.revision}
	}
	state, was := registry.State(row.state), registry.State(current.state)
	switch {
	case was == registry.StateVoided && state != was, was == registry.StateRepaired && state != was && state != registry.StateVoided:
		result := refused("state", "would undo a decision: the record is "+current.state, current.state+", or a new source_ref for something new")
		return nil, &result
	case was != registry.StateProvisional || state != registry.StateFinal:
		return r, nil
	case max(r.Severity, r.Worst()) == registry.SeverityCritical:
		return r, nil
	}
	kept := *r
	kept.State, kept.ProvisionalUntil = registry.StateProvisional, 0
	row.state, row.provisionalUntil = current.state, 0
	return &kept, nil
}
