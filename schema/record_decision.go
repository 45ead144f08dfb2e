package schema

import (
	"context"
	"fmt"
	"slices"

	"healthcode/registry"
)

// noteDecision notes that a decision made a revision, or that one of the source leaves a decision as it is, and which one the source itself sent
// last. Anything else that the source says ends what was noted.
func (b *recordBatch) noteDecision(key recordKey, current, row *recordRow) {
	before := b.said[key]
	said := before
	switch {
	case b.decides && before == nil:
		said = current
	case b.decides:
	case before != nil && row.state == current.state && row.state != string(registry.StateFinal):
		said = row
	default:
		delete(b.said, key)
		return
	}
	b.said[key] = said
	b.notes = append(b.notes, []any{row.uscc, key.source, key.ref, row.revision, said.revision})
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

// keepDecision refuses or passes over a row of a source that would undo a decision. Sending again what the source sent before changes nothing.
// What was voided stays so; what was repaired stays so, or is voided; what is provisional while an objection is open stays so, unless it is
// critical now. A record that was put right takes what its source has to say: it is new.
func keepDecision(row *recordRow, r *registry.Record, current, said *recordRow) *PutResult {
	if said.same(row) {
		return &PutResult{Outcome: Unchanged, Revision: current.revision}
	}
	allowed := []registry.State{r.State}
	switch was := registry.State(current.state); was {
	case registry.StateVoided:
		allowed = []registry.State{was}
	case registry.StateRepaired:
		allowed = []registry.State{was, registry.StateVoided}
	case registry.StateProvisional:
		if critical := max(r.Severity, r.Worst()) == registry.SeverityCritical; !critical {
			allowed = []registry.State{was, registry.StateVoided}
		}
	case registry.StateFinal:
	}
	open := r.State == registry.StateProvisional && r.ProvisionalUntil != 0 && current.state == row.state
	if slices.Contains(allowed, r.State) && !open {
		return nil
	}
	result := refused("state", "would undo a decision of the bureau: the record is "+current.state, current.state+" without provisional_until, or a new source_ref for something new")
	return &result
}
