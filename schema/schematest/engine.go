package schematest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"
)

// conflict has two connections correct the same records at the same time, each many times.
func conflict(t *testing.T, fresh Opener) {
	config := fresh(t)
	db := Reopen(t, config)
	seed(t, db, 5, 2)
	const rounds = 10
	var group sync.WaitGroup
	for w, purpose := range []string{registry.PurposeTargeted, registry.PurposeRandom} {
		other := Reopen(t, config)
		group.Go(func() {
			for i := range rounds {
				batch := Records(0, 5, 2)
				for k := range batch {
					batch[k].Purpose, batch[k].CaseID = purpose, fmt.Sprintf("%d-%d", w, i)
				}
				if _, err := other.PutRecords(t.Context(), batch, now); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for n := range 5 {
		stored := must(db.RecordsOf(t.Context(), Code(n)))(t)
		if len(stored) != 2*(1+2*rounds) {
			t.Errorf("enterprise %d: %d revisions, want %d", n, len(stored), 2*(1+2*rounds))
		}
	}
	if all := lookAll(t, db, 5, must(db.Know(t.Context()))(t)); len(all) != 10 || all["3-1"] != 1+2*rounds {
		t.Errorf("newest revisions %v, want 10 records at revision %d", all, 1+2*rounds)
	}
}

// locking has several handles register the same enterprises and keep records aside for them, as several processes would.
func locking(t *testing.T, fresh Opener) {
	config := fresh(t)
	const writers, enterprises = 4, 40
	var group sync.WaitGroup
	for w := range writers {
		db := Reopen(t, config)
		group.Go(func() {
			for n := range enterprises {
				if w%2 == 0 {
					if _, err := db.PutEnterprises(t.Context(), Enterprises(n, n+1), now); err != nil {
						t.Error(err)
					}
				} else if _, err := db.PutRecords(t.Context(), []registry.Record{Record(enterprises-1-n, w)}, now); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	db := Reopen(t, config)
	if n := must(db.CountWaiting(t.Context()))(t); n != 0 {
		t.Errorf("%d records still wait though every enterprise is registered", n)
	}
	if all := lookAll(t, db, enterprises, must(db.Know(t.Context()))(t)); len(all) != enterprises*2 {
		t.Errorf("%d records, want %d", len(all), enterprises*2)
	}
}

func timePrecision(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	at := time.Date(2025, 12, 31, 23, 59, 59, 999999000, registry.Shanghai)
	history := schema.PutOptions{FirstLoad: true, KnownAt: at}
	must(db.PutEnterprises(t.Context(), Enterprises(0, 1), history))(t)
	record := Record(0, 0)
	record.KnownAt = at.Add(999 * time.Nanosecond) // below a microsecond nothing is kept
	putOne(t, db, record, history)
	got := must(db.RecordsOf(t.Context(), Code(0)))(t)[0].KnownAt
	if !got.Equal(at) || got.Location() != time.UTC {
		t.Errorf("known at %s, want %s in UTC", got, at)
	}
	for shift, want := range map[time.Duration]int{-time.Microsecond: 0, 0: 1, time.Microsecond: 1} {
		var facts int
		if e, err := db.EvidenceOf(t.Context(), Code(0), Today(), at.Add(shift)); err == nil {
			facts = len(e.Facts())
		} else if !errors.Is(err, schema.ErrNotFound) {
			t.Fatal(err)
		}
		if facts != want {
			t.Errorf("%s away: %d facts, want %d", shift, facts, want)
		}
	}
}

func emptyText(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	seed(t, db, 1, 0)
	plain := registry.Record{USCC: Code(0), Source: "s", SourceRef: "r", Kind: registry.KindInspection, Outcome: registry.OutcomeDone,
		OccurredOn: registry.MustDay("2025-01-01"), State: registry.StateFinal}
	wantResult(t, "nothing optional", putOne(t, db, plain, now), schema.Added, 1)
	plain.Findings, plain.Detail = []registry.Finding{}, &registry.Inspection{}
	wantResult(t, "empty instead of nothing", putOne(t, db, plain, now), schema.Unchanged, 1)
	got := must(db.RecordsOf(t.Context(), Code(0)))(t)[0]
	if got.CaseID != "" || got.Findings != nil || got.People != nil || got.RectifiedOn != 0 {
		t.Errorf("came back as %+v, want nothing where nothing was", got)
	}
}

// collation: a linguistic order would put a before B and ignore punctuation; keys follow their bytes.
func collation(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	seed(t, db, 1, 0)
	refs := []string{"B", "a", "A", "b", "ä", "a-b", "a b", "ab", "10", "9", "区", "Z", "_"}
	var batch []registry.Record
	for _, ref := range refs {
		r := Record(0, 0)
		r.SourceRef = ref
		batch = append(batch, r)
	}
	if got := outcomes(must(db.PutRecords(t.Context(), batch, now))(t)); got[schema.Added] != len(refs) {
		t.Errorf("%v: every number is its own, whatever its case", got)
	}
	var order []string
	for _, r := range must(db.RecordsOf(t.Context(), Code(0)))(t) {
		order = append(order, r.SourceRef)
	}
	slices.Sort(refs)
	if !slices.Equal(order, refs) {
		t.Errorf("order %q, want %q", order, refs)
	}
}

func caseSensitivity(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	names := map[int]string{1: "Jiaxing ÄRZTE Cable", 2: "嘉兴100%棉", 3: "嘉兴100_棉", 4: `back\slash`}
	var batch []registry.Enterprise
	for n := range 5 {
		e := Enterprise(n)
		if names[n] != "" {
			e.Name = names[n]
		}
		batch = append(batch, e)
	}
	must(db.PutEnterprises(t.Context(), batch, now))(t)
	for _, c := range []struct {
		text string
		want []int
	}{
		{"ärzte", []int{1}}, {"CABLE", []int{1}}, {"0%棉", []int{2}}, {"0_棉", []int{3}}, {`k\s`, []int{4}}, {"样例0有", []int{0}},
		{string(Code(3)), []int{3}}, {strings.ToLower(string(Code(3))), []int{3}}, {"没有", nil}, {"%", []int{2}},
	} {
		page := must(db.EnterprisePage(t.Context(), access.Everything(), schema.EnterpriseFilter{Text: c.text}))(t)
		var got []registry.USCC
		for _, item := range page.Items {
			got = append(got, item.Enterprise.USCC)
		}
		var want []registry.USCC
		for _, n := range c.want {
			want = append(want, Code(n))
		}
		if !slices.Equal(got, want) {
			t.Errorf("search %q: %v, want %v", c.text, got, want)
		}
	}
}

func bulkLoad(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	must(db.PutEnterprises(ctx, Enterprises(0, 1000), now))(t)
	batch := Records(0, 1000, 10)
	for _, want := range []schema.PutOutcome{schema.Added, schema.Unchanged} {
		if got := outcomes(must(db.PutRecords(ctx, batch, now))(t)); got[want] != len(batch) {
			t.Errorf("%v, want %d %s", got, len(batch), want)
		}
	}
	for i := range batch {
		batch[i].State = registry.StateVoided
	}
	if got := outcomes(must(db.PutRecords(ctx, batch, now))(t)); got[schema.Changed] != len(batch) {
		t.Errorf("%v, want %d changed", got, len(batch))
	}
	must(db.PutEnterprises(ctx, Enterprises(1000, 5000), now))(t)
	var order []registry.USCC
	facts := 0
	err := db.Evidence(ctx, schema.KeyRange{}, Today(), must(db.Know(ctx))(t), func(e *scoring.Evidence) error {
		order, facts = append(order, e.USCC), facts+len(e.Facts())
		return nil
	})
	must(0, err)(t)
	if len(order) != 5000 || !slices.IsSorted(order) || facts != len(batch) {
		t.Errorf("evidence of %d enterprises with %d facts, want 5000 in order with %d", len(order), facts, len(batch))
	}
	count := 0
	for _, err := range db.Records(ctx) {
		must(0, err)(t)
		count++
	}
	if count != 2*len(batch) {
		t.Errorf("%d revisions, want %d", count, 2*len(batch))
	}
}

func bigText(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	seed(t, db, 1, 0)
	big := Record(0, 0)
	big.Findings = []registry.Finding{{Severity: registry.SeverityMinor, Value: strings.Repeat("量\\\t\"'\n", 1<<20)}}
	wantResult(t, "10 MB", putOne(t, db, big, now), schema.Added, 1)
	wantResult(t, "10 MB again", putOne(t, db, big, now), schema.Unchanged, 1)
	if got := must(db.RecordsOf(t.Context(), Code(0)))(t)[0]; got.Findings[0].Value != big.Findings[0].Value {
		t.Error("the text came back another")
	}
}

func closedEarly(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	seed(t, db, 30, 2)
	for range 50 { // more often than any pool has connections
		for _, err := range db.Records(t.Context()) {
			must(0, err)(t)
			break
		}
		for e, err := range db.Enterprises(t.Context()) {
			must(e, err)(t)
			break
		}
	}
	if n := must(db.CountEnterprises(t.Context()))(t); n != 30 {
		t.Errorf("%d enterprises, want 30", n)
	}
}

func cancelled(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	seed(t, db, 30, 2)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	count := 0
	var last error
	for _, err := range db.Records(ctx) {
		if last = err; err == nil {
			count++
		}
		cancel()
	}
	if !errors.Is(last, context.Canceled) || count != 1 {
		t.Errorf("the loop went on to the end after the cancel: %d rows, %v", count, last)
	}
	if _, err := db.PutRecords(ctx, Records(0, 1, 9), now); !errors.Is(err, context.Canceled) {
		t.Errorf("store after the cancel: %v, want Canceled", err)
	}
	if n := len(must(db.RecordsOf(t.Context(), Code(0)))(t)); n != 2 {
		t.Errorf("%d records, want the 2 from before", n)
	}
}

func deepPaging(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	const all = 57
	batch := Enterprises(0, all)
	for n := range batch {
		batch[n].Name = fmt.Sprintf("厂%d", n%7) // ties
		if n%3 == 0 {
			batch[n].RegionCode = "330481"
		}
	}
	must(db.PutEnterprises(t.Context(), batch, now))(t)
	must(db.PutRecords(t.Context(), Records(0, all-10, 3), now))(t)
	gradeSome(t, db)
	for _, order := range []schema.EnterpriseSort{schema.SortUSCC, schema.SortName, schema.SortIndex, schema.SortIndexDown, schema.SortChanged, schema.SortRegion} {
		if seen := walk(t, db, schema.EnterpriseFilter{Sort: order, Limit: 4}); len(seen) != all {
			t.Errorf("order %s: %d enterprises, want %d", order, len(seen), all)
		}
	}
	if seen := walk(t, db, schema.EnterpriseFilter{Region: "330481", Limit: 4}); len(seen) != 19 {
		t.Errorf("one county: %d, want 19", len(seen))
	}
	if seen := walk(t, db, schema.EnterpriseFilter{Region: "330000", Limit: 9, Colour: registry.ColourRed}); len(seen) != 0 {
		t.Errorf("red ones: %d, want none", len(seen))
	}
	chosen := []registry.USCC{batch[3].USCC, batch[1].USCC, "91330400MA28A0000X"}
	if seen := walk(t, db, schema.EnterpriseFilter{Codes: chosen, Limit: 1}); len(seen) != 2 || !seen[chosen[0]] || !seen[chosen[1]] {
		t.Errorf("by a list of codes: %v", seen)
	}
	if seen := walk(t, db, schema.EnterpriseFilter{Codes: []registry.USCC{}}); len(seen) != 0 {
		t.Errorf("by an empty list: %d, want none", len(seen))
	}
	regionOrder(t, db)
	for _, bad := range []string{"!", "e30", "bnVsbA"} {
		if _, err := db.EnterprisePage(t.Context(), access.Everything(), schema.EnterpriseFilter{Cursor: bad}); !errors.Is(err, schema.ErrCursor) {
			t.Errorf("cursor %q: %v, want ErrCursor", bad, err)
		}
	}
}

// regionOrder checks that the order by divisions is one, and that counts agree with the pages.
func regionOrder(t *testing.T, db *schema.DB) {
	t.Helper()
	page := must(db.EnterprisePage(t.Context(), access.Everything(), schema.EnterpriseFilter{Sort: schema.SortRegion, Limit: 500}))(t)
	if !slices.IsSortedFunc(page.Items, func(a, b schema.EnterpriseItem) int {
		return cmp.Or(cmp.Compare(a.Enterprise.RegionCode, b.Enterprise.RegionCode), cmp.Compare(a.Enterprise.USCC, b.Enterprise.USCC))
	}) {
		t.Error("enterprises are not in the order of their divisions")
	}
	for region, want := range map[string]int{"": 57, "330481": 19, "330000": 57, "340000": 0} {
		if n := must(db.CountEnterprisesOf(t.Context(), access.Everything(), schema.EnterpriseFilter{Region: region, Cursor: "ignored"}))(t); n != want {
			t.Errorf("%d enterprises in %q, want %d", n, region, want)
		}
	}
}

// walk follows the pages to the end and refuses an enterprise that comes twice.
func walk(t *testing.T, db *schema.DB, f schema.EnterpriseFilter) map[registry.USCC]bool {
	t.Helper()
	seen := make(map[registry.USCC]bool)
	for {
		page := must(db.EnterprisePage(t.Context(), access.Everything(), f))(t)
		for _, item := range page.Items {
			if seen[item.Enterprise.USCC] {
				t.Fatalf("order %s: %s comes twice", f.Sort, item.Enterprise.USCC)
			}
			seen[item.Enterprise.USCC] = true
		}
		if page.Next == "" {
			return seen
		}
		f.Cursor = page.Next
	}
}
