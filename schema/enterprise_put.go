package schema

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"healthcode/registry"
)

// PutEnterprises stores a batch in one transaction and says for each row what became of it. A row that differs from the enterprise's
// newest description becomes its next revision. What the row says about permits and capability items is stored as records in the same
// transaction, and records that waited for a new enterprise are taken up. The caller has validated the rows.
func (db *DB) PutEnterprises(ctx context.Context, enterprises []registry.Enterprise, options PutOptions) ([]PutResult, error) {
	var results []PutResult
	err := db.inPut(ctx, "store enterprises", options, func(t *tx) error {
		batch := &enterpriseBatch{tx: t, options: options}
		var err error
		results, err = batch.put(ctx, enterprises)
		return err
	})
	return results, err
}

type enterpriseRow struct {
	uscc         string
	revision     int
	since        int64
	knownAt      int64
	registeredOn int64
	regionCode   string
	foldedName   string
	productCodes string
	body         string
}

// enterpriseBatch decides, in the order of the rows, what each of them means for what is stored, and writes the outcome at once.
type enterpriseBatch struct {
	tx      *tx
	options PutOptions
	graded  map[string]int64
	newest  map[string]*enterpriseRow
	arrived []string // enterprises that were not registered before
	added   []*enterpriseRow
	rows    [][]any           // that were written, for the audit log
	records []registry.Record // what the added rows say about permits and capability
}

func (b *enterpriseBatch) put(ctx context.Context, enterprises []registry.Enterprise) ([]PutResult, error) {
	if len(enterprises) == 0 {
		return nil, nil
	}
	if err := b.look(ctx, enterprises); err != nil {
		return nil, err
	}
	results := make([]PutResult, len(enterprises))
	for i := range enterprises {
		var err error
		if results[i], err = b.place(&enterprises[i]); err != nil {
			return nil, err
		}
	}
	if err := b.write(ctx); err != nil {
		return nil, err
	}
	if err := b.tx.auditPut(ctx, putEnterprises, valueRows(b.rows), results); err != nil {
		return nil, err
	}
	return results, b.follow(ctx)
}

func (b *enterpriseBatch) look(ctx context.Context, enterprises []registry.Enterprise) error {
	codes := make([]string, 0, len(enterprises))
	for i := range enterprises {
		if code := string(enterprises[i].USCC); storable(code) {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	codes = slices.Compact(codes)
	var err error
	if b.newest, err = b.tx.newestEnterprises(ctx, codes); err != nil {
		return err
	}
	if len(b.newest) < len(codes) { // someone new: nobody may keep a record of theirs aside until we are done
		if err := b.tx.lockArrivals(ctx); err != nil {
			return err
		}
		if b.newest, err = b.tx.newestEnterprises(ctx, codes); err != nil {
			return err
		}
	}
	b.graded, err = b.tx.graded(ctx, b.options, codes)
	return err
}

func (b *enterpriseBatch) place(e *registry.Enterprise) (PutResult, error) {
	row, err := newEnterpriseRow(e)
	if err != nil {
		return PutResult{}, err
	}
	if !storable(row.uscc, row.regionCode, row.foldedName, row.productCodes, row.body) {
		return refused("", "has a zero byte or is not valid UTF-8", "plain text"), nil
	}
	current := b.newest[row.uscc]
	if current != nil && sameEnterprise(current, row) {
		return PutResult{Outcome: Unchanged, Revision: current.revision}, nil
	}
	outcome, last := Added, int64(0)
	row.revision = 1
	if current != nil {
		outcome, last, row.revision = Changed, current.knownAt, current.revision+1
	}
	knownAt, problem := b.tx.moment(b.options, time.Time{}, last, b.graded[row.uscc])
	if problem != nil {
		return *problem, nil
	}
	if current == nil {
		b.arrived = append(b.arrived, row.uscc)
	}
	row.knownAt = knownAt
	b.newest[row.uscc] = row
	b.added = append(b.added, row)
	b.records = append(b.records, e.Records()...)
	return PutResult{Outcome: outcome, Revision: row.revision}, nil
}

func newEnterpriseRow(e *registry.Enterprise) (*enterpriseRow, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("pack enterprise: %w", err)
	}
	return &enterpriseRow{uscc: string(e.USCC), since: int64(e.Since), registeredOn: int64(e.RegisteredOn), regionCode: e.RegionCode,
		foldedName: fold(e.Name), productCodes: strings.Join(e.ProductCodes, "\n"), body: string(body)}, nil
}

// sameEnterprise compares what is stored with a row; what an earlier version of this program packed in another way is packed again.
func sameEnterprise(stored, row *enterpriseRow) bool {
	if stored.body == row.body {
		return true
	}
	var e registry.Enterprise
	if err := json.Unmarshal([]byte(stored.body), &e); err != nil {
		return false
	}
	again, err := json.Marshal(&e)
	return err == nil && string(again) == row.body
}

// fold makes a text that both engines compare alike whatever its case.
func fold(text string) string { return strings.ToLower(strings.TrimSpace(text)) }

func (b *enterpriseBatch) write(ctx context.Context) error {
	slices.SortStableFunc(b.added, func(x, y *enterpriseRow) int { return strings.Compare(x.uscc, y.uscc) })
	var revisions, current [][]any
	for _, row := range b.added {
		revisions = append(revisions, []any{row.uscc, row.revision, row.since, row.knownAt, row.registeredOn, row.productCodes, row.body})
		if b.newest[row.uscc] == row {
			b.tx.touch(registry.USCC(row.uscc))
			current = append(current, []any{row.uscc, row.revision, row.knownAt, row.regionCode, row.foldedName, row.productCodes, row.body})
		}
	}
	b.rows = revisions
	const columns = `uscc, revision, since, known_at, registered_on, product_codes, body`
	if err := b.tx.insert(ctx, "enterprise_revision", columns, "", revisions); err != nil {
		return err
	}
	return b.tx.insert(ctx, "enterprise", `uscc, revision, known_at, region_code, folded_name, product_codes, body`,
		`ON CONFLICT (uscc) DO UPDATE SET revision = excluded.revision, known_at = excluded.known_at, region_code = excluded.region_code,
		folded_name = excluded.folded_name, product_codes = excluded.product_codes, body = excluded.body`, current)
}

// follow stores what follows from the new descriptions: their records, the records that waited, and the announcement.
func (b *enterpriseBatch) follow(ctx context.Context) error {
	batch := newRecordBatch(b.tx, b.options)
	for _, row := range b.added {
		batch.changed[row.uscc] = true
	}
	if _, err := batch.put(ctx, b.records); err != nil {
		return err
	}
	if err := batch.takeUp(ctx, b.arrived); err != nil {
		return err
	}
	if err := b.tx.auditPut(ctx, putRecords, batch.written, nil); err != nil {
		return err
	}
	return b.tx.announce(ctx, batch.changed)
}

func (t *tx) newestEnterprises(ctx context.Context, codes []string) (map[string]*enterpriseRow, error) {
	query := `SELECT e.uscc, e.revision, e.known_at, e.body FROM ` + t.db.engine.dialect().keys + ` k JOIN enterprise e ON e.uscc = k.key`
	found := make(map[string]*enterpriseRow, len(codes))
	err := t.each(ctx, query, []any{list(codes)}, func(scan func(...any) error) error {
		row := new(enterpriseRow)
		if err := scan(&row.uscc, &row.revision, &row.knownAt, &row.body); err != nil {
			return err
		}
		found[row.uscc] = row
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for enterprises: %w", err)
	}
	return found, nil
}
