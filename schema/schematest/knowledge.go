package schematest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"
)

// view is what a reader sees of an enterprise: the revision of each record.
type view map[string]int32

func look(tb testing.TB, db *schema.DB, code registry.USCC, asOf registry.Day, knownAt time.Time) view {
	tb.Helper()
	seen := make(view)
	err := db.Evidence(tb.Context(), schema.KeyRange{From: code, To: code}, asOf, knownAt, func(e *scoring.Evidence) error {
		for _, f := range e.Facts() {
			seen[f.SourceRef] = f.Revision
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return seen
}

func replay(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	first := seed(t, db, 1, 3)
	before := look(t, db, Code(0), Today(), first)
	voided := Record(0, 1)
	voided.State = registry.StateVoided
	putOne(t, db, voided, now)
	putOne(t, db, Record(0, 9), now)
	if again := look(t, db, Code(0), Today(), first); !maps.Equal(again, before) || len(before) != 3 {
		t.Errorf("knowing the first moment: %v, then %v", before, again)
	}
	after := look(t, db, Code(0), Today(), must(db.Know(t.Context()))(t))
	if want := (view{"0-0": 1, "0-1": 2, "0-2": 1, "0-9": 1}); !maps.Equal(after, want) {
		t.Errorf("knowing everything: %v, want %v", after, want)
	}
	day := Record(0, 1).OccurredOn
	if early := look(t, db, Code(0), day, must(db.Know(t.Context()))(t)); !maps.Equal(early, view{"0-0": 1, "0-1": 2}) {
		t.Errorf("as of the second day: %v, want two records", early)
	}
}

// replayWhileWriting takes moments while other connections write. What is read at once must be what is read at the end.
func replayWhileWriting(t *testing.T, fresh Opener) {
	config := fresh(t)
	db := Reopen(t, config)
	const writers, batches = 3, 15
	seed(t, db, writers, 0)
	var group sync.WaitGroup
	for w := range writers {
		other := Reopen(t, config)
		group.Go(func() {
			for i := range batches {
				if _, err := other.PutRecords(t.Context(), []registry.Record{Record(w, 2*i), Record(w, 2*i+1)}, now); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var moments []time.Time
	var views []view
	for range 20 {
		known := must(db.Know(t.Context()))(t)
		moments = append(moments, known)
		views = append(views, lookAll(t, db, writers, known))
	}
	group.Wait()
	for i, known := range moments {
		if again := lookAll(t, db, writers, known); !maps.Equal(again, views[i]) {
			t.Errorf("moment %d: %d records at once, %d at the end", i, len(views[i]), len(again))
		}
		if i > 0 && !known.After(moments[i-1]) {
			t.Errorf("moment %d is not after the one before", i)
		}
	}
	if all := lookAll(t, db, writers, must(db.Know(t.Context()))(t)); len(all) != writers*batches*2 {
		t.Errorf("%d records at the end, want %d", len(all), writers*batches*2)
	}
}

func lookAll(tb testing.TB, db *schema.DB, enterprises int, known time.Time) view {
	tb.Helper()
	all := make(view)
	for n := range enterprises {
		maps.Copy(all, look(tb, db, Code(n), Today(), known))
	}
	return all
}

// knowledgeModel stores random batches and compares every past point of view with a model that keeps everything in memory.
func knowledgeModel(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	var next atomic.Int64
	rapid.Check(t, func(r *rapid.T) {
		n := int(next.Add(1))
		must(db.PutEnterprises(t.Context(), Enterprises(n, n+1), now))(t)
		newest, days := make(view), make(map[string]registry.Day)
		contents := make(map[string]registry.Record)
		type point struct {
			known time.Time
			asOf  registry.Day
			want  view
		}
		var points []point
		for range rapid.IntRange(1, 4).Draw(r, "batches") {
			var batch []registry.Record
			for range rapid.IntRange(1, 4).Draw(r, "rows") {
				record := Record(n, rapid.IntRange(0, 2).Draw(r, "number"))
				record.OccurredOn += registry.Day(rapid.IntRange(0, 3).Draw(r, "day"))
				batch = append(batch, record)
				if old, had := contents[record.SourceRef]; !had || old.OccurredOn != record.OccurredOn {
					newest[record.SourceRef]++
				}
				contents[record.SourceRef], days[record.SourceRef] = record, record.OccurredOn
			}
			must(db.PutRecords(t.Context(), batch, now))(t)
			p := point{must(db.Know(t.Context()))(t), registry.MustDay("2025-01-01") + registry.Day(rapid.IntRange(-1, 6).Draw(r, "as of")), make(view)}
			for ref, revision := range newest {
				if days[ref] <= p.asOf {
					p.want[ref] = revision
				}
			}
			points = append(points, p)
		}
		for i, p := range points {
			if got := look(t, db, Code(n), p.asOf, p.known); !maps.Equal(got, p.want) {
				r.Fatal(fmt.Sprintf("point %d of %d: %v, want %v", i, len(points), got, p.want))
			}
		}
	})
}

// histories compares what one pass over everything says of random past points with what is read for each of them.
func histories(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	first := seed(t, db, 6, 4)
	changed := Enterprise(2)
	changed.ProductCodes, changed.Since, changed.Size = []string{"toy"}, registry.MustDay("2025-01-03"), registry.SizeLarge
	must(db.PutEnterprises(t.Context(), []registry.Enterprise{changed}, now))(t)
	must(db.PutProducts(t.Context(), []registry.Product{{Code: "toy", Name: "玩具", Risk: registry.RiskHigh}}, now))(t)
	second := must(db.Know(t.Context()))(t)
	checked := Record(2, 1)
	checked.State, checked.People = registry.StateVoided, &registry.People{Inspectors: []string{"a1", "b2"}}
	putOne(t, db, checked, now)
	putOne(t, db, Record(4, 9), now)
	third := must(db.Know(t.Context()))(t)
	var order []registry.USCC
	err := db.Histories(t.Context(), schema.KeyRange{}, func(h *scoring.History) error {
		order = append(order, h.USCC)
		for _, known := range []time.Time{first, second, third} {
			for _, day := range []registry.Day{registry.MustDay("2024-12-31"), registry.MustDay("2025-01-02"), registry.MustDay("2025-01-03"), Today()} {
				compareCut(t, db, h, day, known)
			}
		}
		if h.USCC == Code(2) && (len(h.Facts) != 5 || len(h.Facts[2].Inspectors) != 2 || h.Size != registry.SizeLarge || h.Region != changed.RegionCode) {
			t.Errorf("%+v", h)
		}
		return nil
	})
	if err != nil || len(order) != 6 || !slices.IsSorted(order) {
		t.Errorf("%v %v", order, err)
	}
	if err := db.Histories(t.Context(), schema.KeyRange{}, func(*scoring.History) error { return errStop }); !errors.Is(err, errStop) {
		t.Errorf("the reader's own error: %v", err)
	}
}

var errStop = errors.New("enough")

// compareCut compares a cut of a history with the evidence that is read for the same point.
func compareCut(t *testing.T, db *schema.DB, h *scoring.History, day registry.Day, known time.Time) {
	t.Helper()
	who, facts, ok := h.At(scoring.Point{AsOf: day, KnownAt: known.UnixMicro()}, nil)
	want, err := db.EvidenceOf(t.Context(), h.USCC, day, known)
	if ok != (err == nil) {
		t.Fatalf("%s as of %s: known %t, read %v", h.USCC, day, ok, err)
	}
	if !ok {
		return
	}
	plain := make([]scoring.Fact, len(facts))
	for i := range facts {
		plain[i] = facts[i].Fact
	}
	got := &scoring.Evidence{}
	got.Set(who, plain)
	if got.Enterprise != want.Enterprise || !slices.Equal(got.Facts(), want.Facts()) {
		t.Errorf("%s as of %s: %+v %v, want %+v %v", h.USCC, day, got.Enterprise, got.Facts(), want.Enterprise, want.Facts())
	}
}
