package schema

import (
	"context"

	"healthcode/registry"
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
func (b *recordBatch) takenForNew(ctx context.Context, records []registry.Record, codes []string) (bool, error) {
	if !b.hopes || b.tx.db.Engine() != postgresDialect.name || len(records) < hopedFor || b.options.FirstLoad || len(b.known) < len(codes) {
		return false, nil
	}
	sample := make([]registry.Record, 0, sampled)
	for i := range records {
		if records[i].Revision > 1 {
			return false, nil
		}
		if i*sampled/len(records) == len(sample) {
			sample = append(sample, records[i])
		}
	}
	found, err := b.tx.newestRecords(ctx, sample)
	return len(found) == 0, err
}
