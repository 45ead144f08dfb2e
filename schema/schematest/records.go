package schematest

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"healthcode/registry"
	"healthcode/schema"
)

var now schema.PutOptions // the ordinary case: stamped by the store

func recordsTwice(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	for _, want := range []schema.PutOutcome{schema.Added, schema.Unchanged} {
		results := must(db.PutEnterprises(ctx, Enterprises(0, 50), now))(t)
		if got := outcomes(results)[want]; got != 50 {
			t.Errorf("enterprises: %d %s, want 50", got, want)
		}
		results = must(db.PutRecords(ctx, Records(0, 50, 4), now))(t)
		if got := outcomes(results)[want]; got != 200 {
			t.Errorf("records: %d %s, want 200", got, want)
		}
	}
	e := must(db.EvidenceOf(ctx, Code(7), Today(), must(db.Know(ctx))(t)))(t)
	if len(e.Facts()) != 4 {
		t.Errorf("evidence of %d facts, want 4", len(e.Facts()))
	}
	if _, err := db.Enterprise(ctx, registry.USCC("91330402MA00000000")); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("unknown enterprise: %v, want ErrNotFound", err)
	}
}

// putOne stores one record and returns what became of it.
func putOne(t *testing.T, db *schema.DB, r registry.Record, options schema.PutOptions) schema.PutResult {
	t.Helper()
	return must(db.PutRecords(t.Context(), []registry.Record{r}, options))(t)[0]
}

func wantResult(t *testing.T, what string, got schema.PutResult, outcome schema.PutOutcome, revision int) {
	t.Helper()
	if got.Outcome != outcome || got.Revision != revision {
		t.Errorf("%s: %s revision %d (%v), want %s revision %d", what, got.Outcome, got.Revision, got.Problem, outcome, revision)
	}
}

func recordsRevised(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	seed(t, db, 1, 1)
	voided, back := Record(0, 0), Record(0, 0)
	voided.State = registry.StateVoided
	wantResult(t, "voided", putOne(t, db, voided, now), schema.Changed, 2)
	wantResult(t, "voided again", putOne(t, db, voided, now), schema.Unchanged, 2)
	wantResult(t, "as it was first", putOne(t, db, back, now), schema.Changed, 3)
	results := must(db.PutRecords(ctx, []registry.Record{voided, voided, back}, now))(t)
	wantResult(t, "in one batch, first", results[0], schema.Changed, 4)
	wantResult(t, "in one batch, the same", results[1], schema.Unchanged, 4)
	wantResult(t, "in one batch, changed again", results[2], schema.Changed, 5)
	stored := must(db.RecordsOf(ctx, Code(0)))(t)
	if len(stored) != 5 {
		t.Fatalf("%d revisions, want 5", len(stored))
	}
	for i, r := range stored {
		if r.Revision != i+1 || i > 0 && r.KnownAt.Before(stored[i-1].KnownAt) {
			t.Errorf("revision %d at place %d, known at %s", r.Revision, i, r.KnownAt)
		}
	}
}

func recordsNumbered(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	must(db.PutEnterprises(ctx, Enterprises(0, 1), now))(t)
	numbered := func(revision int, purpose string) registry.Record {
		r := Record(0, 0)
		r.Revision, r.Purpose = revision, purpose
		return r
	}
	const random, targeted = registry.PurposeRandom, registry.PurposeTargeted
	for _, step := range []struct {
		name     string
		record   registry.Record
		outcome  schema.PutOutcome
		revision int
	}{
		{"2 before 1", numbered(2, random), schema.Refused, 0},
		{"1 first", numbered(1, random), schema.Added, 1},
		{"1 again", numbered(1, random), schema.Unchanged, 1},
		{"1 with another content", numbered(1, targeted), schema.Refused, 0},
		{"2 next", numbered(2, targeted), schema.Changed, 2},
		{"1 again, no more the newest", numbered(1, random), schema.Unchanged, 1},
		{"1 with the content of 2", numbered(1, targeted), schema.Refused, 0},
		{"4 after 2", numbered(4, random), schema.Refused, 0},
		{"no number, equal to the newest", numbered(0, targeted), schema.Unchanged, 2},
		{"no number, equal to an older one", numbered(0, random), schema.Changed, 3},
	} {
		wantResult(t, step.name, putOne(t, db, step.record, now), step.outcome, step.revision)
	}
	batch := must(db.PutRecords(ctx, []registry.Record{numbered(1, random), numbered(2, targeted), numbered(3, random), numbered(4, targeted)}, now))(t)
	if got := outcomes(batch); got[schema.Unchanged] != 3 || got[schema.Changed] != 1 {
		t.Errorf("the whole chain again: %v, want 3 unchanged and 1 changed", got)
	}
}

func recordsOneOwner(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	seed(t, db, 2, 1)
	moved := Record(0, 0)
	moved.USCC = Code(1)
	got := putOne(t, db, moved, now)
	if got.Outcome != schema.Refused || got.Problem.Field != "uscc" || !strings.Contains(got.Problem.Want, string(Code(0))) {
		t.Errorf("a record that moves to another enterprise: %+v, want refused with the owner", got)
	}
	if stored := must(db.RecordsOf(ctx, Code(1)))(t); len(stored) != 1 {
		t.Errorf("the other enterprise has %d records, want its own one", len(stored))
	}
}

// recordsNearlyNew: a batch that is new but for rows which nobody looks for at first.
func recordsNearlyNew(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	must(db.PutEnterprises(ctx, Enterprises(0, 60), now))(t)
	batch := Records(0, 60, 4)
	voided, moved := batch[101], batch[151]
	voided.State, moved.USCC = registry.StateVoided, batch[7].USCC
	for _, r := range []registry.Record{batch[37], voided, moved} {
		wantResult(t, "stored before", putOne(t, db, r, now), schema.Added, 1)
	}
	batch[1].Revision, batch[2].Revision = 1, 1
	again, changed := batch[2], batch[3]
	changed.State = registry.StateVoided
	batch = append(batch, again, changed)
	results := must(db.PutRecords(ctx, batch, now))(t)
	for at, got := range results {
		switch at {
		case 37, 240:
			wantResult(t, "the same", got, schema.Unchanged, 1)
		case 101, 241:
			wantResult(t, "with another state", got, schema.Changed, 2)
		case 151:
			wantResult(t, "of another enterprise", got, schema.Refused, 0)
		default:
			wantResult(t, "a new one", got, schema.Added, 1)
		}
	}
	if n := must(db.CountRecords(ctx))(t); n != 240 {
		t.Errorf("%d records, want 240", n)
	}
	if got := outcomes(must(db.PutRecords(ctx, batch[:240], now))(t)); got[schema.Unchanged] != 238 || got[schema.Refused] != 1 || got[schema.Changed] != 1 {
		t.Errorf("sent again: %v, want 238 unchanged, 1 refused and 1 changed back", got)
	}
}

func recordsWaiting(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	seed(t, db, 1, 1)
	stolen := Record(0, 0) // its number belongs to enterprise 0: it can never be taken up
	stolen.USCC = Code(1)
	stolen.SourceRef = "later"
	corrected := Record(1, 0)
	corrected.State = registry.StateVoided
	early := []registry.Record{Record(1, 0), corrected, Record(1, 1), stolen}
	for range 2 {
		if got := outcomes(must(db.PutRecords(ctx, early[1:], now))(t)); got[schema.Waiting] != 3 {
			t.Errorf("records of an unknown enterprise: %v, want 3 waiting", got)
		}
	}
	if n := must(db.CountWaiting(ctx))(t); n != 3 {
		t.Errorf("%d wait, want 3", n)
	}
	taken := Record(0, 1)
	taken.SourceRef = "later"
	wantResult(t, "the number goes to another", putOne(t, db, taken, now), schema.Added, 1)
	must(db.PutEnterprises(ctx, []registry.Enterprise{Enterprise(1)}, now))(t)
	if stored := must(db.RecordsOf(ctx, Code(1)))(t); len(stored) != 2 || stored[0].State != registry.StateVoided {
		t.Errorf("taken up: %+v, want the corrected record and another", stored)
	}
	waiting := must(db.WaitingRecords(ctx, "", 10))(t)
	if len(waiting) != 1 || waiting[0].Record.SourceRef != "later" || waiting[0].Problem == "" {
		t.Errorf("still waiting: %+v, want the one whose number is taken, with the reason", waiting)
	}
}

func recordsRoundTrip(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	must(db.PutEnterprises(ctx, Enterprises(0, 1), now))(t)
	var all []registry.Record
	for i, kind := range registry.KindNames() {
		rule := registry.Kinds[registry.Kind(kind)]
		r := Record(0, i)
		r.Kind, r.Outcome, r.Detail, r.CaseID = registry.Kind(kind), rule.Outcomes[0], rule.New(), "case "+kind
		r.Findings = []registry.Finding{{Item: "铅含量", Severity: registry.SeverityMajor, Standard: "GB 6675", Limit: "90 mg/kg", Value: `"12\5"`}}
		r.People = &registry.People{Sampler: "甲", Tester: "乙", Inspectors: []string{"k1", "k2"}}
		r.ProvisionalUntil, r.RectifyBy, r.RectifiedOn = r.OccurredOn+60, r.OccurredOn+30, r.OccurredOn+20
		if licence, ok := r.Detail.(*registry.Licence); ok {
			*licence = registry.Licence{Number: "XK16-001", ValidUntil: registry.MustDay("2029-01-01")}
		}
		all = append(all, r)
	}
	must(db.PutRecords(ctx, all, now))(t)
	stored := must(db.RecordsOf(ctx, Code(0)))(t)
	byRef := make(map[string]registry.Record)
	for _, r := range stored {
		if r.Revision != 1 || r.KnownAt.IsZero() {
			t.Errorf("%s: revision %d known at %s", r.SourceRef, r.Revision, r.KnownAt)
		}
		r.Revision, r.KnownAt = 0, time.Time{}
		byRef[r.SourceRef] = r
	}
	for _, want := range all {
		if got := byRef[want.SourceRef]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s came back as %+v, want %+v", want.Kind, got, want)
		}
	}
}

func recordsZeroByte(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	seed(t, db, 1, 0)
	bad, worse := Record(0, 1), Record(0, 2)
	bad.CaseID, worse.SourceRef = "a\x00b", "\xff"
	results := must(db.PutRecords(t.Context(), []registry.Record{Record(0, 0), bad, worse, Record(0, 3)}, now))(t)
	if got := outcomes(results); got[schema.Added] != 2 || got[schema.Refused] != 2 {
		t.Errorf("%v, want 2 added and 2 refused", got)
	}
}

func firstLoad(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	long := time.Date(2025, 6, 1, 8, 0, 0, 123456000, time.UTC)
	history := schema.PutOptions{FirstLoad: true, KnownAt: long}
	must(db.PutEnterprises(ctx, Enterprises(0, 2), history))(t)
	old, future := Record(0, 0), Record(0, 1)
	old.KnownAt, future.KnownAt = long.Add(time.Hour), time.Now().Add(time.Hour)
	wantResult(t, "known long ago", putOne(t, db, old, history), schema.Added, 1)
	wantResult(t, "known tomorrow", putOne(t, db, future, history), schema.Refused, 0)
	earlier := old
	earlier.State, earlier.KnownAt = registry.StateVoided, long
	wantResult(t, "a correction that was known before", putOne(t, db, earlier, history), schema.Refused, 0)
	earlier.KnownAt = long.Add(2 * time.Hour)
	wantResult(t, "a correction that was known later", putOne(t, db, earlier, history), schema.Changed, 2)
	for hours, want := range []registry.State{"", registry.StateFinal, registry.StateVoided} {
		e := must(db.EvidenceOf(ctx, Code(0), Today(), long.Add(time.Duration(hours)*time.Hour)))(t)
		if (want == "") != (len(e.Facts()) == 0) {
			t.Errorf("after %d hours: %d facts, want the record %q", hours, len(e.Facts()), want)
		}
	}
	grade(t, db, schema.KindRecompute, Today(), false)
	late := Record(0, 5)
	late.KnownAt = long.Add(3 * time.Hour)
	wantResult(t, "history behind a grade", putOne(t, db, late, history), schema.Refused, 0)
	wantResult(t, "the same as news", putOne(t, db, late, now), schema.Added, 1)
}
