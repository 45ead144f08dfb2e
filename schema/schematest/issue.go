package schematest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"healthcode/registry"
	"healthcode/schema"
)

func codes(t *testing.T, fresh Opener) {
	config := fresh(t)
	db, ctx := Reopen(t, config), t.Context()
	var mu sync.Mutex
	given := make(map[uint32]int)
	var group sync.WaitGroup
	for range 4 {
		other := Reopen(t, config)
		group.Go(func() {
			for range 10 {
				idx, err := other.ReserveIndex(t.Context(), Code(1), "k1", "printed")
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				given[idx]++
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if len(given) != 40 {
		t.Errorf("%d different indexes, want 40", len(given))
	}
	idx := must(db.ReserveIndex(ctx, Code(2), "k1", "jwt"))(t)
	if given[idx] != 0 {
		t.Errorf("index %d was given before", idx)
	}
	c := must(db.Code(ctx, idx))(t)
	if c.State != schema.CodeIntended || c.USCC != Code(2) || c.CreatedAt.IsZero() {
		t.Errorf("intent %+v", c)
	}
	c.IssuedAt, c.ExpiresAt = time.Unix(1780000000, 0).UTC(), time.Unix(1790000000, 0).UTC()
	c.Tier, c.Colour, c.Model, c.JWT = registry.TierAA, registry.ColourGreen, 1, "a.b.c"
	if err := db.SaveCode(ctx, *c); err != nil {
		t.Fatal(err)
	}
	if err := db.SaveCode(ctx, *c); !errors.Is(err, schema.ErrConflict) {
		t.Errorf("issued twice: %v, want ErrConflict", err)
	}
	c.State = schema.CodeIssued
	if got := must(db.CodesOf(ctx, Code(2)))(t); len(got) != 1 || got[0] != *c {
		t.Errorf("codes %+v, want %+v", got, *c)
	}
	if n := must(db.CountCodes(ctx))(t); n != 1 {
		t.Errorf("%d issued, want 1", n)
	}
	if _, err := db.Code(ctx, 4_000_000_000); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("unknown index: %v, want ErrNotFound", err)
	}
}

func codeRanges(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	seed(t, db, 25, 3)
	gradeSome(t, db)
	until := time.Unix(1790000000, 0).UTC()
	run := must(db.StartRun(ctx, request(schema.KindReissueCodes, Today(), false)))(t)
	open := must(db.OpenRanges(ctx, run))(t)
	seen := make(map[uint32]bool)
	for _, r := range open {
		needs := must(db.CodeNeeds(ctx, r.From, r.To, "k1", until, true))(t)
		var issued []schema.Code
		for i, idx := range must(db.ReserveIndexes(ctx, needs, "k1", "printed"))(t) {
			if c := must(db.Code(ctx, idx))(t); c.USCC != needs[i] || seen[idx] {
				t.Errorf("index %d is %s's, want %s's", idx, c.USCC, needs[i])
			}
			seen[idx] = true
			issued = append(issued, schema.Code{Index: idx, USCC: needs[i], KID: "k1", Form: "printed", ExpiresAt: until, JWT: "x"})
		}
		if err := db.FinishCodeRange(ctx, run, r, issued); err != nil {
			t.Fatal(err)
		}
		if err := db.FinishCodeRange(ctx, run, r, nil); !errors.Is(err, schema.ErrLeaseLost) {
			t.Errorf("a finished range again: %v, want ErrLeaseLost", err)
		}
		if left := must(db.CodeNeeds(ctx, r.From, r.To, "k1", until, true))(t); len(left) != 0 {
			t.Errorf("%d still need a code", len(left))
		}
		if renew := must(db.CodeNeeds(ctx, r.From, r.To, "k1", until.Add(time.Second), false))(t); len(renew) != len(needs) {
			t.Errorf("%d to renew a second later, want %d", len(renew), len(needs))
		}
	}
	if len(seen) != 25 || must(db.CountCodes(ctx))(t) != 25 {
		t.Errorf("%d codes, want one for each of 25", len(seen))
	}
	twice := must(db.ReserveIndexes(ctx, []registry.USCC{Code(1), Code(1)}, "k1", "jwt"))(t)
	if twice[0] == twice[1] {
		t.Errorf("one enterprise twice: %v, want two indexes", twice)
	}
}

// printedCodes asks for the codes to print of several enterprises: the newest first, and only issued printed ones that still live.
func printedCodes(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	now := time.Unix(1790000000, 0).UTC()
	issue := func(n int, form string, until time.Time) uint32 {
		idx := must(db.ReserveIndex(ctx, Code(n), "k1", form))(t)
		if err := db.SaveCode(ctx, schema.Code{Index: idx, USCC: Code(n), KID: "k1", Form: form, ExpiresAt: until, JWT: "x"}); err != nil {
			t.Fatal(err)
		}
		return idx
	}
	old, young := issue(1, "printed", now.Add(time.Second)), issue(1, "printed", now.AddDate(1, 0, 0))
	issue(2, "printed", now) // ends at this moment
	issue(3, "jwt", now.AddDate(1, 0, 0))
	must(db.ReserveIndex(ctx, Code(4), "k1", "printed"))(t) // an intent
	issue(5, "printed", now.AddDate(1, 0, 0))
	found := must(db.PrintedCodes(ctx, []registry.USCC{Code(1), Code(2), Code(3), Code(4), Code(9)}, now))(t)
	if got := found[Code(1)]; len(found) != 1 || len(got) != 2 || got[0].Index != young || got[1].Index != old {
		t.Errorf("found %+v, want the two of one enterprise, newest first", found)
	}
	if found := must(db.PrintedCodes(ctx, nil, now))(t); len(found) != 0 {
		t.Errorf("of nobody: %+v", found)
	}
}

// codeIntents reads intents back as they were stored, with the grade of their owner.
func codeIntents(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	seed(t, db, 3, 3)
	gradeSome(t, db)
	indexes := must(db.ReserveIndexes(ctx, []registry.USCC{Code(2), Code(0), Code(1)}, "k1", "printed"))(t)
	intents := must(db.CodeIntents(ctx, Code(0), Code(2), indexes))(t)
	for i, n := range []int{2, 0, 1} {
		a := must(db.Assessment(ctx, Code(n)))(t)
		want := schema.CodeIntent{Index: indexes[i], USCC: Code(n), KID: "k1", Form: "printed", Tier: a.Tier, Colour: a.Colour, Model: a.Model.Version}
		if intents[i] != want {
			t.Errorf("got %+v, want %+v", intents[i], want)
		}
	}
	missing := func(what string, from, to registry.USCC, idx uint32) {
		if got, err := db.CodeIntents(ctx, from, to, []uint32{idx}); !errors.Is(err, schema.ErrNotFound) {
			t.Errorf("%s: %+v, %v, want ErrNotFound", what, got, err)
		}
	}
	missing("a place of another enterprise", Code(0), Code(0), indexes[0])
	missing("a place of nobody", Code(0), Code(2), 4_000_000_000)
	missing("one without a grade", Code(7), Code(7), must(db.ReserveIndex(ctx, Code(7), "k1", "printed"))(t))
	c := must(db.Code(ctx, indexes[0]))(t)
	c.JWT = "a.b.c"
	if err := db.SaveCode(ctx, *c); err != nil {
		t.Fatal(err)
	}
	missing("an issued one", Code(2), Code(2), indexes[0])
}

func outbox(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	seed(t, db, 3, 2)
	messages := must(db.Unpublished(ctx, schema.TopicRecordReceived, 100))(t)
	if len(messages) != 6 { // one for each enterprise and batch: the enterprises, then their records
		t.Fatalf("%d messages, want 6", len(messages))
	}
	if err := db.MarkPublished(ctx, messages[:5], time.Now()); err != nil {
		t.Fatal(err)
	}
	rest := must(db.Unpublished(ctx, schema.TopicRecordReceived, 100))(t)
	if len(rest) != 1 || rest[0].ID != messages[5].ID || rest[0].CreatedAt.IsZero() {
		t.Errorf("left %+v, want the last one", rest)
	}
}
