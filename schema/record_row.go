package schema

import (
	"encoding/json"
	"fmt"
	"math"

	"healthcode/registry"
	"healthcode/scoring"
)

// never is the superseded_at of a revision that is still the newest.
const never = math.MaxInt64

const recordColumns = `uscc, source, source_ref, revision, kind, outcome, severity, occurred_on, known_at, superseded_at, product_code, stage,
	purpose, case_id, state, provisional_until, rectify_by, rectified_on, detail, fact`

// recordRow is a record as it is stored.
type recordRow struct {
	uscc, source, sourceRef                    string
	revision                                   int
	kind, outcome                              string
	severity                                   int
	occurredOn, knownAt, supersededAt          int64
	productCode, stage, purpose, caseID, state string
	provisionalUntil, rectifyBy, rectifiedOn   int64
	detail, fact                               string

	isNew bool // decided in this batch
}

// recordDetail is the JSON of the column detail, which appendDetail writes.
type recordDetail struct {
	Findings []registry.Finding `json:"findings,omitempty"`
	People   *registry.People   `json:"people,omitempty"`
	Detail   json.RawMessage    `json:"detail,omitempty"`
}

func (r *recordRow) fields() []any {
	return []any{&r.uscc, &r.source, &r.sourceRef, &r.revision, &r.kind, &r.outcome, &r.severity, &r.occurredOn, &r.knownAt, &r.supersededAt,
		&r.productCode, &r.stage, &r.purpose, &r.caseID, &r.state, &r.provisionalUntil, &r.rectifyBy, &r.rectifiedOn, &r.detail, &r.fact}
}

func (r *recordRow) values() []any {
	return []any{r.uscc, r.source, r.sourceRef, r.revision, r.kind, r.outcome, r.severity, r.occurredOn, r.knownAt, r.supersededAt,
		r.productCode, r.stage, r.purpose, r.caseID, r.state, r.provisionalUntil, r.rectifyBy, r.rectifiedOn, r.detail, r.fact}
}

// PackedRecord is a record with all of its row that does not depend on what is stored. Packing needs no database, so that many can be packed at once, ahead
// of the transaction that stores them. One transaction at a time may have it.
type PackedRecord struct {
	Record   *registry.Record
	row      recordRow
	fact     string // of its first revision, which most are
	storable bool
}

// PackRecord packs a record that was validated. The error says that its detail cannot be written as JSON.
func PackRecord(r *registry.Record) (PackedRecord, error) {
	row, err := newRecordRow(r)
	if err != nil {
		return PackedRecord{}, err
	}
	ok := storable(row.uscc, row.source, row.sourceRef, row.kind, row.outcome, row.productCode, row.stage, row.purpose, row.caseID, row.state, row.detail)
	return PackedRecord{Record: r, row: row, fact: packFact(r, 1), storable: ok}, nil
}

// PackRecords packs records, each as PackRecord does.
func PackRecords(records []registry.Record) ([]PackedRecord, error) {
	packed := make([]PackedRecord, len(records))
	for i := range records {
		var err error
		if packed[i], err = PackRecord(&records[i]); err != nil {
			return nil, err
		}
	}
	return packed, nil
}

// fresh returns the row as it was packed, whatever a transaction that came to nothing made of it.
func (p *PackedRecord) fresh() *recordRow {
	p.row.revision, p.row.knownAt, p.row.supersededAt, p.row.fact, p.row.isNew = 0, 0, never, "", false
	return &p.row
}

// settle gives the row its revision and moment, and what scoring reads of it.
func (p *PackedRecord) settle(revision int, knownAt int64) {
	p.row.revision, p.row.knownAt, p.row.fact = revision, knownAt, p.fact
	if revision != 1 {
		p.row.fact = packFact(p.Record, revision)
	}
}

// packFact packs what scoring reads of a revision.
func packFact(r *registry.Record, revision int) string {
	fact := scoring.FactOf(r)
	fact.Revision = int32(revision)
	var room [512]byte
	return string(fact.AppendJSON(room[:0]))
}

// newRecordRow packs everything but revision, known_at and fact.
func newRecordRow(r *registry.Record) (recordRow, error) {
	detail, err := packDetail(r)
	if err != nil {
		return recordRow{}, err
	}
	return recordRow{uscc: string(r.USCC), source: r.Source, sourceRef: r.SourceRef, kind: string(r.Kind), outcome: r.Outcome,
		severity: int(r.Severity), occurredOn: int64(r.OccurredOn), supersededAt: never, productCode: r.ProductCode, stage: r.Stage,
		purpose: r.Purpose, caseID: r.CaseID, state: string(r.State), provisionalUntil: int64(r.ProvisionalUntil),
		rectifyBy: int64(r.RectifyBy), rectifiedOn: int64(r.RectifiedOn), detail: detail}, nil
}

func packDetail(r *registry.Record) (string, error) {
	var room [1024]byte
	text, err := appendDetail(room[:0], r)
	if err != nil {
		return "", fmt.Errorf("pack detail: %w", err)
	}
	return string(text), nil
}

// record unpacks a stored row.
func (r *recordRow) record() (registry.Record, error) {
	record := registry.Record{USCC: registry.USCC(r.uscc), Source: r.source, SourceRef: r.sourceRef, Revision: r.revision,
		Kind: registry.Kind(r.kind), Outcome: r.outcome, Severity: registry.Severity(r.severity), OccurredOn: registry.Day(r.occurredOn),
		KnownAt: instant(r.knownAt), ProductCode: r.productCode, Stage: r.stage, Purpose: r.purpose, CaseID: r.caseID,
		State: registry.State(r.state), ProvisionalUntil: registry.Day(r.provisionalUntil), RectifyBy: registry.Day(r.rectifyBy),
		RectifiedOn: registry.Day(r.rectifiedOn)}
	rule, known := registry.Kinds[record.Kind]
	if !known {
		return record, fmt.Errorf("record %s/%s is of kind %q: %w", r.source, r.sourceRef, r.kind, ErrNewer)
	}
	record.Detail = rule.New()
	var packed recordDetail
	if err := json.Unmarshal([]byte(r.detail), &packed); err != nil {
		return record, fmt.Errorf("read detail of record %s/%s: %w", r.source, r.sourceRef, err)
	}
	record.Findings, record.People = packed.Findings, packed.People
	if packed.Detail == nil {
		return record, nil
	}
	if err := json.Unmarshal(packed.Detail, record.Detail); err != nil {
		return record, fmt.Errorf("read detail of record %s/%s: %w", r.source, r.sourceRef, err)
	}
	return record, nil
}

// same reports whether two rows say the same, whatever their revision and moment. What an earlier version of this program packed in
// another way is unpacked and packed again before it counts as different.
func (r *recordRow) same(other *recordRow) bool {
	a, b := *r, *other
	a.revision, a.knownAt, a.supersededAt, a.fact, a.isNew = 0, 0, 0, "", false
	b.revision, b.knownAt, b.supersededAt, b.fact, b.isNew = 0, 0, 0, "", false
	if a == b {
		return true
	}
	a.detail, b.detail = "", ""
	if a != b {
		return false
	}
	return repack(r) == repack(other)
}

func repack(r *recordRow) string {
	record, err := r.record()
	if err != nil {
		return r.detail
	}
	detail, err := packDetail(&record)
	if err != nil {
		return r.detail
	}
	return detail
}
