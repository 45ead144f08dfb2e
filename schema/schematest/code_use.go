package schematest

import (
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
)

// next reserves a printed code of the nth enterprise that ends at an instant, without issuing it.
func next(tb testing.TB, db *schema.DB, n int, ends time.Time) schema.Code {
	tb.Helper()
	idx := must(db.ReserveIndex(tb.Context(), Code(n), "k1", "printed"))(tb)
	return schema.Code{Index: idx, USCC: Code(n), KID: "k1", Form: "printed", IssuedAt: ends.Add(-time.Hour), ExpiresAt: ends, JWT: "a.b.c"}
}

// issueUntil issues a printed code of the nth enterprise that ends at an instant.
func issueUntil(tb testing.TB, db *schema.DB, n int, ends time.Time) uint32 {
	tb.Helper()
	c := next(tb, db, n, ends)
	must(0, db.SaveCode(tb.Context(), c))(tb)
	return c.Index
}

func steps(tb testing.TB, db *schema.DB, n int, idx uint32) string {
	tb.Helper()
	var all []string
	for _, e := range must(db.CodeEvents(tb.Context(), Code(n), idx))(tb) {
		all = append(all, string(e.Step)+" by "+e.Author)
	}
	return strings.Join(all, ", ")
}

func codesReplaced(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	ends := time.Unix(1790000000, 0).UTC()
	replace := func(old uint32, step schema.CodeStep, n int) (uint32, error) {
		c := next(t, db, n, ends.AddDate(1, 0, 0))
		return c.Index, db.ReplaceCode(ctx, old, step, c, "Li Hua", "a new sign")
	}
	status := func(idx uint32) schema.CodeStatus { return must(db.Code(ctx, idx))(t).Status }
	first := issueUntil(t, db, 1, ends)
	second, err := replace(first, schema.StepRenew, 1)
	if err != nil || status(first) != schema.CodeValid || status(second) != schema.CodeValid || must(db.Code(ctx, second))(t).State != schema.CodeIssued {
		t.Fatalf("renewed: %v", err)
	}
	if a, b := steps(t, db, 1, first), steps(t, db, 1, second); a != "issue by system, renew by Li Hua" || b != "issue by Li Hua" {
		t.Errorf("history %q and %q", a, b)
	}
	third, err := replace(second, schema.StepSupersede, 1)
	if err != nil || status(second) != schema.CodeSuperseded || status(third) != schema.CodeValid {
		t.Fatalf("superseded: %v", err)
	}
	if n := len(must(db.Unpublished(ctx, schema.TopicCodeChanged, 10))(t)); n != 1 {
		t.Errorf("%d messages of a change, want that of the superseded one", n)
	}
	if _, err := db.ChangeCode(ctx, third, schema.StepSuspend, "Li Hua", "lost sign"); err != nil {
		t.Fatal(err)
	}
	intent := must(db.ReserveIndex(ctx, Code(1), "k1", "printed"))(t)
	for name, c := range map[string]struct {
		old  uint32
		step schema.CodeStep
		n    int
		want error
	}{
		"renewed twice":            {first, schema.StepRenew, 1, schema.ErrCodeStep},
		"superseded twice":         {second, schema.StepSupersede, 1, schema.ErrCodeStep},
		"a superseded one renewed": {second, schema.StepRenew, 1, schema.ErrCodeStep},
		"a suspended one renewed":  {third, schema.StepRenew, 1, schema.ErrCodeStep},
		"an intent":                {intent, schema.StepRenew, 1, schema.ErrCodeStep},
		"another step":             {first, schema.StepRevoke, 1, schema.ErrCodeStep},
		"of another enterprise":    {first, schema.StepSupersede, 2, schema.ErrConflict},
		"of nobody":                {4_000_000_000, schema.StepSupersede, 1, schema.ErrNotFound},
	} {
		idx, err := replace(c.old, c.step, c.n)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if got := must(db.Code(ctx, idx))(t); got.State != schema.CodeIntended {
			t.Errorf("%s: the code that was to follow is %s", name, got.State)
		}
	}
	if err := db.ReplaceCode(ctx, first, schema.StepSupersede, next(t, db, 1, ends), "Li Hua", ""); !errors.Is(err, schema.ErrStepNote) {
		t.Errorf("without a reason: %v", err)
	}
	if err := db.ReplaceCode(ctx, first, schema.StepSupersede, schema.Code{Index: second, USCC: Code(1), KID: "k1", Form: "printed"}, "Li Hua", "x"); !errors.Is(err, schema.ErrConflict) ||
		status(first) != schema.CodeValid {
		t.Errorf("by a code that is issued already: %v, and the old one is %s", err, status(first))
	}
	for idx, want := range map[uint32]error{first: schema.ErrCodeStep, third: schema.ErrCodeStep} {
		if err := db.CanReplace(ctx, must(db.Code(ctx, idx))(t), schema.StepRenew, "Li Hua", "x"); !errors.Is(err, want) {
			t.Errorf("code %d can be renewed: %v", idx, err)
		}
	}
}

// codeReplaceRaces has several processes renew one code at the same time.
func codeReplaceRaces(t *testing.T, fresh Opener) {
	config := fresh(t)
	db := Reopen(t, config)
	old := issueUntil(t, db, 1, time.Unix(1790000000, 0))
	var mu sync.Mutex
	var group sync.WaitGroup
	renewed := 0
	for range 4 {
		other := Reopen(t, config)
		group.Go(func() {
			err := other.ReplaceCode(t.Context(), old, schema.StepRenew, next(t, other, 1, time.Unix(1800000000, 0)), "Li Hua", "ends soon")
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				renewed++
			} else if !errors.Is(err, schema.ErrCodeStep) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if renewed != 1 {
		t.Errorf("renewed %d times, want once", renewed)
	}
}

// codeNeedsByStatus: who gets a code by itself, and for whom a person decides.
func codeNeedsByStatus(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	seed(t, db, 8, 3)
	gradeSome(t, db)
	ends, step := time.Unix(1790000000, 0), func(idx uint32, s schema.CodeStep) {
		if _, err := db.ChangeCode(ctx, idx, s, "Li Hua", "a reason"); err != nil {
			t.Fatal(err)
		}
	}
	issueUntil(t, db, 1, ends) // valid
	step(issueUntil(t, db, 2, ends), schema.StepSuspend)
	step(issueUntil(t, db, 3, ends), schema.StepRevoke)
	step(issueUntil(t, db, 4, ends), schema.StepRevoke)
	issueUntil(t, db, 4, ends.Add(-time.Hour)) // issued after the revocation, and it ends early
	step(issueUntil(t, db, 5, ends), schema.StepSupersede)
	must(db.ReserveIndex(ctx, Code(6), "k1", "printed"))(t)
	for missing, want := range map[bool][]registry.USCC{true: {Code(0), Code(4), Code(5), Code(6), Code(7)}, false: {Code(4), Code(5)}} {
		if got := must(db.CodeNeeds(ctx, Code(0), Code(7), "k1", ends, missing))(t); !slices.Equal(got, want) {
			t.Errorf("missing %t: %v, want %v", missing, got, want)
		}
	}
	if got := must(db.CodeNeeds(ctx, Code(0), Code(7), "k2", ends, false))(t); !slices.Equal(got, []registry.USCC{Code(1), Code(4), Code(5)}) {
		t.Errorf("under another key: %v", got)
	}
}

func screenPlaces(t *testing.T, fresh Opener) {
	config := fresh(t)
	db, ctx := Reopen(t, config), t.Context()
	seed(t, db, 4, 1)
	var mu sync.Mutex
	var group sync.WaitGroup
	given := map[uint32]int{}
	for range 4 {
		other := Reopen(t, config)
		group.Go(func() {
			for range 5 {
				place, err := other.ScreenPlace(t.Context(), Code(1), "k1", false)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				given[place.Index]++
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if len(given) != 1 {
		t.Fatalf("%d places, want one that all share", len(given))
	}
	place := func(kid string, again bool) *schema.Code { return must(db.ScreenPlace(ctx, Code(1), kid, again))(t) }
	first := place("k1", false)
	if first.State != schema.CodeIntended || first.Form != "screen" || first.KID != "k1" || given[first.Index] != 20 {
		t.Errorf("place %+v", first)
	}
	must(0, db.SaveCode(ctx, schema.Code{Index: first.Index, USCC: Code(1), KID: "k1", Form: "screen", JWT: "a.b.c"}))(t)
	second := place("k2", false)
	if second.Index == first.Index || place("k2", true).Index != second.Index {
		t.Errorf("another key has place %d, want one of its own and no other", second.Index)
	}
	must(0, db.SaveCode(ctx, schema.Code{Index: second.Index, USCC: Code(1), KID: "k2", Form: "screen", JWT: "a.b.c"}))(t)
	step := func(idx uint32, s schema.CodeStep) { must(db.ChangeCode(ctx, idx, s, "Li Hua", "a reason"))(t) }
	step(second.Index, schema.StepSuspend)
	if got := place("k3", true); got.Index != second.Index || got.Status != schema.CodeSuspended {
		t.Errorf("suspended, and the next key gives %+v", got)
	}
	step(second.Index, schema.StepRevoke)
	if got := place("k3", false); got.Index != second.Index || got.Status != schema.CodeRevoked {
		t.Errorf("revoked, and the next key gives %+v", got)
	}
	third := place("k3", true)
	if third.Index <= second.Index || third.Status != schema.CodeValid || place("k3", false).Index != third.Index {
		t.Errorf("a new place on demand: %+v", third)
	}
	if _, err := db.ScreenPlace(ctx, Code(9), "k1", false); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("an enterprise of nobody: %v", err)
	}
	abandoned := must(db.ScreenPlace(ctx, Code(2), "k1", false))(t) // its process is killed
	if n, err := db.AbandonIntents(ctx, -time.Hour); err != nil || n == 0 {
		t.Fatalf("%d abandoned, %v", n, err)
	}
	if got := must(db.ScreenPlace(ctx, Code(2), "k1", false))(t); got.Index == abandoned.Index || got.Status != schema.CodeValid {
		t.Errorf("after an abandoned place %+v", got)
	}
}

func codePages(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	ends := time.Unix(1790000000, 0).UTC()
	for n := range 7 {
		for i := range 3 {
			idx := issueUntil(t, db, n, ends.AddDate(0, 0, (n*5+i)%4)) // many end on the same day
			if i == 1 {
				must(db.ChangeCode(ctx, idx, schema.StepSuspend, "Li Hua", "x"))(t)
			}
		}
	}
	must(db.ReserveIndex(ctx, Code(1), "k1", "printed"))(t)
	for _, sort := range []schema.CodeSort{"", schema.CodesByIndex, schema.CodesByIndexDown, schema.CodesByEnd, schema.CodesByEndDown} {
		var all []schema.Code
		f := schema.CodeFilter{Sort: sort, Limit: 4}
		for range 10 {
			page := must(db.CodePage(ctx, access.Everything(), f))(t)
			all = append(all, page.Items...)
			if f.Cursor = page.Next; page.Next == "" {
				break
			}
		}
		seen := map[uint32]bool{}
		for i, c := range all {
			seen[c.Index] = true
			if i > 0 && !inOrder(sort, &all[i-1], &c) {
				t.Errorf("%s: %d comes before %d", sort, all[i-1].Index, c.Index)
			}
		}
		if len(all) != 21 || len(seen) != 21 {
			t.Errorf("%s: %d codes, %d different; want each of 21 once", sort, len(all), len(seen))
		}
	}
	suspended := schema.CodeSuspended
	for name, c := range map[string]struct {
		filter schema.CodeFilter
		want   int
	}{
		"of one": {schema.CodeFilter{USCC: Code(2)}, 3}, "suspended": {schema.CodeFilter{Status: &suspended}, 7}, "of one, suspended": {schema.CodeFilter{USCC: Code(2), Status: &suspended}, 1},
		"of a key": {schema.CodeFilter{KID: "k1"}, 21}, "of no key": {schema.CodeFilter{KID: "k2"}, 0}, "of a form": {schema.CodeFilter{Form: "jwt"}, 0},
	} {
		if got := must(db.CodePage(ctx, access.Everything(), c.filter))(t); len(got.Items) != c.want || got.Items == nil {
			t.Errorf("%s: %d, want %d", name, len(got.Items), c.want)
		}
	}
	for _, cursor := range []string{"x", "!!", "eyJzIjoiLWlkeCIsImsiOjEsImkiOjF9", "eyJzIjoxfQ"} {
		if _, err := db.CodePage(ctx, access.Everything(), schema.CodeFilter{Cursor: cursor}); !errors.Is(err, schema.ErrCursor) {
			t.Errorf("cursor %s: %v", cursor, err)
		}
	}
}

func inOrder(sort schema.CodeSort, a, b *schema.Code) bool {
	switch sort {
	case schema.CodesByIndexDown:
		return a.Index > b.Index
	case schema.CodesByEnd:
		return a.ExpiresAt.Before(b.ExpiresAt) || a.ExpiresAt.Equal(b.ExpiresAt) && a.Index < b.Index
	case schema.CodesByEndDown:
		return a.ExpiresAt.After(b.ExpiresAt) || a.ExpiresAt.Equal(b.ExpiresAt) && a.Index > b.Index
	}
	return a.Index < b.Index
}

func codeReminders(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	start := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	ends := start.AddDate(0, 0, 40)
	plain := issueUntil(t, db, 1, ends)
	renewed := issueUntil(t, db, 2, ends)
	must(0, db.ReplaceCode(ctx, renewed, schema.StepRenew, next(t, db, 2, ends.AddDate(1, 0, 0)), "Li Hua", "x"))(t)
	for n, step := range map[int]schema.CodeStep{3: schema.StepRevoke, 4: schema.StepSupersede, 5: schema.StepSuspend} {
		must(db.ChangeCode(ctx, issueUntil(t, db, n, ends), step, "Li Hua", "x"))(t)
	}
	issueUntil(t, db, 6, ends)
	issueUntil(t, db, 6, ends.AddDate(1, 0, 0)) // issued anew, without saying that it renews
	late := issueUntil(t, db, 7, start.AddDate(0, 0, 5))
	issueUntil(t, db, 8, start.AddDate(0, 0, -1))
	told := map[string]int{}
	for day := range 42 {
		for range 2 { // twice a day, by two processes that read before either writes
			now := start.AddDate(0, 0, day)
			one, two := must(db.EndingCodes(ctx, now, []int{30, 7}))(t), must(db.EndingCodes(ctx, now, []int{7, 30}))(t)
			for _, c := range one {
				told[fmt.Sprintf("%d: %d days, told on day %d", c.Index, c.Days, day)]++
			}
			if n := must(db.Remind(ctx, one))(t); n != len(one) {
				t.Errorf("%d told of %d", n, len(one))
			}
			if n := must(db.Remind(ctx, two))(t); n != 0 {
				t.Errorf("%d told twice", n)
			}
		}
	}
	want := map[string]int{fmt.Sprintf("%d: 30 days, told on day 10", plain): 1, fmt.Sprintf("%d: 7 days, told on day 33", plain): 1, fmt.Sprintf("%d: 7 days, told on day 0", late): 1}
	if fmt.Sprint(told) != fmt.Sprint(want) {
		t.Errorf("told %v, want %v", told, want)
	}
	messages := must(db.Unpublished(ctx, schema.TopicCodeExpiring, 10))(t)
	if len(messages) != 3 || !strings.Contains(messages[0].Payload, `"days":7`) || !strings.Contains(messages[0].Payload, `"expires_at":"2026-11-27T03:00:00Z"`) {
		t.Errorf("messages %+v", messages)
	}
}

func scans(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	at := time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC) // noon in Shanghai
	hour := schema.HourOf(at)
	seen := func(n int, idx uint32, hour int64, areas ...string) []schema.Signal {
		var all []schema.Scans
		for _, area := range areas {
			all = append(all, schema.Scans{USCC: Code(n), Index: idx, Hour: hour, Area: area, Count: 2})
		}
		return must(db.AddScans(ctx, all, 3))(t)
	}
	if got := seen(1, 10, hour, "a", "b", "c", "a", "b"); got != nil {
		t.Errorf("three areas are ordinary: %+v", got)
	}
	if got := seen(1, 11, hour, "d"); got != nil {
		t.Errorf("the area of another code: %+v", got)
	}
	if got := seen(1, 10, hour+1, "a", "b", "c"); got != nil {
		t.Errorf("the same areas an hour later: %+v", got)
	}
	got := seen(1, 10, hour+2, "d")
	if len(got) != 1 || got[0].USCC != Code(1) || got[0].Index != 10 || got[0].Areas != 4 || got[0].Scans != 18 || got[0].Most != 3 || got[0].Day != registry.MustDay("2026-11-22") {
		t.Fatalf("a fourth area: %+v", got)
	}
	if again := seen(1, 10, hour+3, "e", "f"); again != nil {
		t.Errorf("a second signal on one day: %+v", again)
	}
	if got := seen(1, 10, hour+14, "u", "v"); got != nil { // after midnight in Shanghai areas have other names
		t.Errorf("the same networks under the next day's key: %+v", got)
	}
	if got := seen(1, 10, hour+15, "u", "v", "w", "x"); len(got) != 1 || got[0].Areas != 4 || got[0].Scans != 12 || got[0].Day != registry.MustDay("2026-11-23") {
		t.Errorf("the next day: %+v", got)
	}
	if got := seen(2, 20, hour, "a", "b"); got != nil {
		t.Error("two areas")
	}
	if got := seen(2, 20, hour+24, "c", "d", "e"); got != nil {
		t.Errorf("areas of the day before are forgotten: %+v", got)
	}
	messages := must(db.Unpublished(ctx, schema.TopicCodeCopied, 10))(t)
	if len(messages) != 2 || !strings.Contains(messages[0].Payload, `"areas":4`) {
		t.Errorf("messages %+v", messages)
	}
	stored, of := must(db.Signals(ctx, access.Everything(), time.Unix(0, 0), 10))(t), must(db.SignalsOf(ctx, Code(1), time.Unix(0, 0)))(t)
	if len(stored) != 2 || !slices.Equal(stored, of) || stored[0].At.IsZero() || len(must(db.SignalsOf(ctx, Code(2), time.Unix(0, 0)))(t)) != 0 {
		t.Errorf("stored %+v", stored)
	}
	if counts := must(db.ScansOf(ctx, Code(1), hour))(t); counts[10] != 34 || counts[11] != 2 {
		t.Errorf("counts %v", counts)
	}
	if n := must(db.PruneScans(ctx, hour+2))(t); n != 9 {
		t.Errorf("%d rows pruned, want those of the first two hours", n)
	}
	if counts := must(db.ScansOf(ctx, Code(1), 0))(t); counts[10] != 18 {
		t.Errorf("counts %v after pruning", counts)
	}
}

// scanRaces has several processes count the same code at once: nothing is lost, one signal comes.
func scanRaces(t *testing.T, fresh Opener) {
	config := fresh(t)
	db := Reopen(t, config)
	var mu sync.Mutex
	var group sync.WaitGroup
	signals := 0
	for range 4 {
		other := Reopen(t, config)
		group.Go(func() {
			for i := range 25 {
				var all []schema.Scans
				for k := range 30 {
					all = append(all, schema.Scans{USCC: Code((i + k) % 3), Index: uint32((i + k) % 3), Hour: 1000, Area: fmt.Sprint((i * k) % 7), Count: 1})
				}
				got, err := other.AddScans(t.Context(), all, 5)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				signals += len(got)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	var total int64
	for n := range 3 {
		total += must(db.ScansOf(t.Context(), Code(n), 0))(t)[uint32(n)]
	}
	if total != 4*25*30 || signals != 3 {
		t.Errorf("%d counted, %d signals; want 3000 and one for each of 3 codes", total, signals)
	}
}

func scanKeys(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	day := registry.MustDay("2026-11-22")
	one := must(db.ScanKey(ctx, day))(t)
	if again := must(db.ScanKey(ctx, day))(t); len(one) != 32 || !slices.Equal(one, again) {
		t.Errorf("%x, then %x", one, again)
	}
	if next := must(db.ScanKey(ctx, day+1))(t); slices.Equal(one, next) {
		t.Error("the next day has the same key")
	}
	if back := must(db.ScanKey(ctx, day))(t); slices.Equal(one, back) {
		t.Error("the key of a day that is over was kept")
	}
}
