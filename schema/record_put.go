package schema

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"healthcode/registry"

	"golang.org/x/sync/errgroup"
)

// PutRecords stores a batch in one transaction and says for each row what became of it. Sending a batch again changes nothing. A row
// that differs from what is stored becomes the next revision; a row with its own revision number must equal that revision or be the
// next one. Records of enterprises that are not registered are kept aside. A good batch has 1,000 to 10,000 rows.
// The caller has validated the rows (registry.Record.Validate).
func (db *DB) PutRecords(ctx context.Context, records []registry.Record, options PutOptions) ([]PutResult, error) {
	packed, err := PackRecords(records)
	if err != nil {
		return nil, fmt.Errorf("store records: %w", err)
	}
	var results []PutResult
	tried := false
	err = db.inPut(ctx, "store records", options, func(t *tx) error {
		batch := newRecordBatch(t, options)
		batch.hopes, tried = !tried, true
		return batch.store(ctx, packed, func(put []PutResult) error {
			results = put
			return nil
		})
	})
	return results, err
}

// store puts a batch, with its line of the audit log and who is to be graded anew. What became of the rows is known before the database has them: that is
// told, and hashed for the log, while the database takes them in.
func (b *recordBatch) store(ctx context.Context, records []PackedRecord, told func([]PutResult) error) error {
	results, err := b.decide(ctx, records)
	if err != nil {
		return err
	}
	var beside errgroup.Group
	beside.Go(func() error {
		if err := told(results); err != nil {
			return err
		}
		return b.tx.auditPut(ctx, putRecords, b.written, results)
	})
	err = b.write(ctx)
	if failed := beside.Wait(); err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	return b.tx.announce(ctx, b.changed)
}

type recordKey struct{ source, ref string }

type revisionKey struct {
	recordKey
	revision int
}

// recordBatch decides, in the order of the rows, what each of them means for what is stored, and writes the outcome at once.
type recordBatch struct {
	tx      *tx
	options PutOptions
	known   map[string]bool // registered enterprises
	graded  map[string]int64
	newest  map[recordKey]*recordRow
	older   map[revisionKey]*recordRow
	added   []*recordRow
	ended   []*recordRow // stored rows that have a newer revision now
	notes   [][]any      // rows of record_decision
	aside   map[int]bool // places of the rows that wait for their enterprise
	changed map[string]bool
	written recordRows // for the audit log

	hopes   bool                     // see takenForNew
	before  map[recordKey]*recordRow // see knownBefore
	decides bool                     // the rows are what a decision makes of records, not what a source sends
	said    map[recordKey]*recordRow // of records whose newest revision a decision made: what their source sent last
}

func newRecordBatch(t *tx, options PutOptions) *recordBatch {
	return &recordBatch{tx: t, options: options, changed: make(map[string]bool)}
}

func (b *recordBatch) put(ctx context.Context, records []registry.Record) ([]PutResult, error) {
	packed, err := PackRecords(records)
	if err != nil {
		return nil, err
	}
	results, err := b.decide(ctx, packed)
	if err != nil {
		return nil, err
	}
	return results, b.write(ctx)
}

// decide says what becomes of each row, and keeps aside those that wait. The others are left to write.
func (b *recordBatch) decide(ctx context.Context, records []PackedRecord) ([]PutResult, error) {
	b.added, b.ended, b.notes = nil, nil, nil
	if len(records) == 0 {
		return nil, nil
	}
	if err := b.look(ctx, records); err != nil {
		return nil, err
	}
	results := make([]PutResult, len(records))
	b.added = make([]*recordRow, 0, len(records))
	for i := range records {
		results[i] = b.place(&records[i], i)
	}
	if err := b.keepAside(ctx, records); err != nil {
		return nil, err
	}
	slices.SortFunc(b.added, compareRows)
	b.written = append(b.written, b.added...)
	return results, nil
}

// look reads everything that the decisions need, with one query for each question.
func (b *recordBatch) look(ctx context.Context, records []PackedRecord) error {
	b.aside = make(map[int]bool)
	codes := distinctCodes(records)
	var err error
	if b.known, err = b.tx.registered(ctx, codes, b.options.Bounds); err != nil {
		return err
	}
	if len(b.known) < len(codes) && b.options.Bounds.unbounded() {
		if err := b.tx.lockArrivals(ctx); err != nil {
			return err
		}
		if b.known, err = b.tx.registered(ctx, codes, b.options.Bounds); err != nil {
			return err
		}
	}
	if b.graded, err = b.tx.graded(ctx, b.options, codes); err != nil {
		return err
	}
	isNew, err := b.takenForNew(ctx, records, codes)
	if err != nil {
		return err
	}
	looked := records
	if isNew {
		looked = b.knownBefore(records)
	}
	if len(looked) == 0 {
		b.newest, b.older, b.said = make(map[recordKey]*recordRow, len(records)), make(map[revisionKey]*recordRow), make(map[recordKey]*recordRow)
		return nil
	}
	if b.newest, err = b.tx.newestRecords(ctx, looked); err != nil {
		return err
	}
	if b.older, err = b.tx.olderRecords(ctx, looked, b.newest); err != nil {
		return err
	}
	b.said, err = b.tx.saidBefore(ctx, b.newest)
	return err
}

func distinctCodes(records []PackedRecord) []string {
	seen := make(map[string]bool)
	var codes []string
	last := "" // the rows of an enterprise often come together
	for i := range records {
		code := records[i].row.uscc
		if code != last && !seen[code] && storable(code) {
			seen[code] = true
			codes = append(codes, code)
		}
		last = code
	}
	slices.Sort(codes)
	return codes
}

// place decides about one row.
func (b *recordBatch) place(p *PackedRecord, at int) PutResult {
	if !p.storable {
		return refused("", "has a zero byte or is not valid UTF-8", "plain text")
	}
	r, row := p.Record, p.fresh()
	key := recordKey{row.source, row.sourceRef}
	current, known := b.newest[key], b.known[row.uscc]
	if result, within := b.options.Bounds.admit(r, known, current); !within {
		return result
	}
	switch {
	case current != nil && current.uscc != row.uscc:
		return refused("uscc", "source "+r.Source+" sent "+r.SourceRef+" for enterprise "+current.uscc,
			current.uscc+"; to move a record, void it there and send it with a new source_ref")
	case !known:
		if _, problem := b.tx.moment(b.options, r.KnownAt, 0, 0); problem != nil {
			return *problem
		}
		b.aside[at] = true
		return PutResult{Outcome: Waiting}
	}
	if result, decided := b.compare(row, r.Revision, current); decided {
		return result
	}
	if said := b.said[key]; said != nil && !b.decides {
		if result := keepDecision(row, r, current, said); result != nil {
			return *result
		}
	}
	return b.add(p, current)
}

// compare answers for a row that adds nothing or may not be stored.
func (b *recordBatch) compare(row *recordRow, revision int, current *recordRow) (PutResult, bool) {
	last := 0
	if current != nil {
		last = current.revision
	}
	if revision == 0 {
		if current != nil && current.same(row) {
			return PutResult{Outcome: Unchanged, Revision: last}, true
		}
		return PutResult{}, false
	}
	if revision > last+1 {
		return refused("revision", fmt.Sprintf("is %d, the newest stored one is %d", revision, last), strconv.Itoa(last+1)+", or nothing"), true
	}
	if revision == last+1 {
		return PutResult{}, false
	}
	stored := current
	if revision < last {
		stored = b.older[revisionKey{recordKey{row.source, row.sourceRef}, revision}]
	}
	if stored == nil || !stored.same(row) {
		return refused("revision", fmt.Sprintf("%d is stored with another content", revision), strconv.Itoa(last+1)+", or nothing"), true
	}
	return PutResult{Outcome: Unchanged, Revision: revision}, true
}

// add makes the row the newest revision of its record.
func (b *recordBatch) add(p *PackedRecord, current *recordRow) PutResult {
	row, revision, last := &p.row, 1, int64(0)
	if current != nil {
		revision, last = current.revision+1, current.knownAt
	}
	knownAt, problem := b.tx.moment(b.options, p.Record.KnownAt, last, b.graded[row.uscc])
	if problem != nil {
		return *problem
	}
	p.settle(revision, knownAt)
	outcome := Added
	if current != nil {
		outcome = Changed
		b.end(current, knownAt)
	}
	key := recordKey{row.source, row.sourceRef}
	b.noteDecision(key, current, row)
	row.isNew = true
	b.newest[key] = row
	b.added = append(b.added, row)
	b.changed[row.uscc] = true
	return PutResult{Outcome: outcome, Revision: revision}
}

// end marks a revision as superseded. One of this very batch is not stored yet: it will be written with its end.
func (b *recordBatch) end(current *recordRow, at int64) {
	current.supersededAt = at
	if current.isNew {
		b.older[revisionKey{recordKey{current.source, current.sourceRef}, current.revision}] = current
		return
	}
	b.ended = append(b.ended, current)
}

func (b *recordBatch) write(ctx context.Context) error {
	if err := b.tx.endRecords(ctx, b.ended); err != nil {
		return err
	}
	if err := b.tx.insertRecords(ctx, b.added); err != nil {
		return err
	}
	return b.tx.insert(ctx, "record_decision", "uscc, source, source_ref, revision, said", "", b.notes)
}

// compareRows orders rows as the primary key does, so that they land side by side and two writers lock in the same order.
func compareRows(a, b *recordRow) int {
	if c := strings.Compare(a.uscc, b.uscc); c != 0 {
		return c
	}
	if c := strings.Compare(a.source, b.source); c != 0 {
		return c
	}
	if c := strings.Compare(a.sourceRef, b.sourceRef); c != 0 {
		return c
	}
	return a.revision - b.revision
}

// registered returns which of the codes are in the register, within the bounds.
func (t *tx) registered(ctx context.Context, codes []string, bounds *Bounds) (map[string]bool, error) {
	found := make(map[string]bool, len(codes))
	query, arguments := `SELECT e.uscc FROM `+t.db.engine.dialect().keys+` k JOIN enterprise e ON e.uscc = k.key`, []any{list(codes)}
	if !bounds.unbounded() {
		condition, values := seen(bounds.Sight, "e.region_code", "e.uscc")
		query, arguments = query+` WHERE `+condition, append(arguments, values...)
	}
	err := t.each(ctx, query, arguments, func(scan func(...any) error) error {
		var code string
		if err := scan(&code); err != nil {
			return err
		}
		found[code] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for enterprises: %w", err)
	}
	return found, nil
}

// newestRecords returns the newest stored revision of each (source, source_ref) of the batch, whichever enterprise has it.
func (t *tx) newestRecords(ctx context.Context, records []PackedRecord) (map[recordKey]*recordRow, error) {
	pairs := make([][2]string, 0, len(records))
	for i := range records {
		if records[i].storable {
			pairs = append(pairs, [2]string{records[i].row.source, records[i].row.sourceRef})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	pairs = slices.Compact(pairs)
	query := `SELECT ` + prefixed("r", recordColumns) + ` FROM ` + t.db.engine.dialect().pairs + ` k
		JOIN record o ON o.source = k.a AND o.source_ref = k.b AND o.revision = 1
		JOIN record r ON r.uscc = o.uscc AND r.source = o.source AND r.source_ref = o.source_ref
		WHERE r.superseded_at = 9223372036854775807`
	found := make(map[recordKey]*recordRow, len(records))
	err := t.each(ctx, query, []any{list(pairs)}, func(scan func(...any) error) error {
		row := new(recordRow)
		if err := scan(row.fields()...); err != nil {
			return err
		}
		found[recordKey{row.source, row.sourceRef}] = row
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for records: %w", err)
	}
	return found, nil
}

// olderRecords returns the stored revisions that rows with a revision number of their own name, when they are not the newest.
func (t *tx) olderRecords(ctx context.Context, records []PackedRecord, newest map[recordKey]*recordRow) (map[revisionKey]*recordRow, error) {
	found := make(map[revisionKey]*recordRow)
	var wanted [][4]any
	for i := range records {
		r := records[i].Record
		if current := newest[recordKey{r.Source, r.SourceRef}]; current != nil && r.Revision > 0 && r.Revision < current.revision {
			wanted = append(wanted, [4]any{current.uscc, r.Source, r.SourceRef, r.Revision})
		}
	}
	if len(wanted) == 0 {
		return found, nil
	}
	query := `SELECT ` + prefixed("r", recordColumns) + ` FROM ` + t.db.engine.dialect().triples + ` k
		JOIN record r ON r.uscc = k.a AND r.source = k.b AND r.source_ref = k.c AND r.revision = k.n`
	err := t.each(ctx, query, []any{list(wanted)}, func(scan func(...any) error) error {
		row := new(recordRow)
		if err := scan(row.fields()...); err != nil {
			return err
		}
		found[revisionKey{recordKey{row.source, row.sourceRef}, row.revision}] = row
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for revisions: %w", err)
	}
	return found, nil
}

// endRecords writes superseded_at of stored revisions: the one change that the table allows.
func (t *tx) endRecords(ctx context.Context, ended []*recordRow) error {
	if len(ended) == 0 {
		return nil
	}
	slices.SortFunc(ended, compareRows)
	statement, err := t.PreparexContext(ctx, t.Rebind(`UPDATE record SET superseded_at = ?
		WHERE uscc = ? AND source = ? AND source_ref = ? AND revision = ? AND superseded_at = 9223372036854775807`))
	if err != nil {
		return fmt.Errorf("end revisions: %w", err)
	}
	defer statement.Close()
	for _, row := range ended {
		result, err := statement.ExecContext(ctx, row.supersededAt, row.uscc, row.source, row.sourceRef, row.revision)
		if err != nil {
			return fmt.Errorf("end revisions: %w", err)
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return fmt.Errorf("end revision %d of %s/%s: %w", row.revision, row.source, row.sourceRef, errAgain)
		}
	}
	return nil
}
