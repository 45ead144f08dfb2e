package schema

import (
	"context"
	"fmt"
)

const (
	// hopedFor is how many rows a batch must have for it to pay to take its keys for new.
	hopedFor = 100
	// sampled is how many keys of such a batch are looked for.
	sampled = 16
)

// takenForNew reports whether the keys of a batch are taken for new without looking for each: most deliveries bring new records, and looking costs
// PostgreSQL a third of what storing them costs. One that is there after all fails the batch on a unique index, and whoever sent it decides it again without
// hope. So this is only for batches in which no row can come to an answer without its key being added: every enterprise is known, no row names a
// revision that only a stored one gives a meaning to, and none brings its own moment.
func (b *recordBatch) takenForNew(ctx context.Context, records []PackedRecord, codes []string) (bool, error) {
	if !b.hopes || b.tx.db.Engine() != postgresDialect.name || len(records) < hopedFor || b.options.FirstLoad || len(b.known) < len(codes) {
		return false, nil
	}
	sample := make([][2]string, 0, sampled)
	for i := range records {
		if records[i].Record.Revision > 1 {
			return false, nil
		}
		if records[i].storable && i*sampled/len(records) >= len(sample) {
			sample = append(sample, [2]string{records[i].row.source, records[i].row.sourceRef})
		}
	}
	stored := false
	query := `SELECT EXISTS (SELECT 1 FROM ` + b.tx.db.engine.dialect().pairs + ` k JOIN record o ON o.source = k.a AND o.source_ref = k.b AND o.revision = 1)`
	if err := b.tx.GetContext(ctx, &stored, b.tx.Rebind(query), list(sample)); err != nil {
		return false, fmt.Errorf("look for some records: %w", err)
	}
	return !stored, nil
}

// knownBefore returns those of a batch that is taken for new whose keys the batch before had: an end of a batch often comes between the revisions of a record.
func (b *recordBatch) knownBefore(records []PackedRecord) []PackedRecord {
	var known []PackedRecord
	for i := range records {
		if _, there := b.before[recordKey{records[i].row.source, records[i].row.sourceRef}]; there {
			known = append(known, records[i])
		}
	}
	return known
}
