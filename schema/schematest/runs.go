package schematest

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
)

var model = schema.ModelRef{Code: "sample", Version: 1, Digest: "d1"}

// Grade grades simply, for tests: more facts, a higher index; it has nothing to do with the real model.
func Grade(p *schema.Part) ([]schema.Grade, error) {
	grades, reader := make([]schema.Grade, p.Columns.Len()), p.Columns.Reader()
	for i := range grades {
		grades[i] = gradeOf(len(reader.Read(i).Facts()))
	}
	return grades, nil
}

func gradeOf(n int) schema.Grade {
	g := schema.Grade{Index: int32(5000 + n), Tier: registry.TierB, Colour: registry.ColourBlue, Evidence: registry.EvidenceFair,
		Checks: int64(n) * 1_000_000, LossPPM: [5]int32{1, 2, 3, 4, int32(n)}}
	if n >= 3 {
		g.Tier, g.Colour = registry.TierA, registry.ColourGreen
	}
	g.Digest[0], g.Digest[31] = byte(n), 7
	return g
}

func request(kind string, asOf registry.Day, changed bool) schema.RunRequest {
	return schema.RunRequest{Kind: kind, AsOf: asOf, ChangedOnly: changed, Model: model, RangeSize: 10}
}

// grade runs a whole run and returns it as it ended.
func grade(tb testing.TB, db *schema.DB, kind string, asOf registry.Day, changed bool) *schema.Run {
	tb.Helper()
	run := must(db.StartRun(tb.Context(), request(kind, asOf, changed)))(tb)
	finish(tb, db, run)
	return must(db.Run(tb.Context(), run.ID))(tb)
}

func finish(tb testing.TB, db *schema.DB, run *schema.Run) {
	tb.Helper()
	for _, r := range must(db.OpenRanges(tb.Context(), run))(tb) {
		must(db.FinishRange(tb.Context(), run, r, Grade))(tb)
	}
	if err := db.FinishRun(tb.Context(), run); err != nil {
		tb.Fatal(err)
	}
}

func gradeSome(tb testing.TB, db *schema.DB) {
	tb.Helper()
	grade(tb, db, schema.KindRecompute, Today(), false)
}

func runsOneOfAKind(t *testing.T, fresh Opener) {
	config := fresh(t)
	db, other := Reopen(t, config), Reopen(t, config)
	seed(t, db, 25, 1)
	run := must(db.StartRun(t.Context(), request(schema.KindRecompute, Today(), false)))(t)
	if run.Ranges != 3 || run.Enterprises != 25 || run.State != schema.RunRunning {
		t.Errorf("run %+v, want 25 enterprises in 3 ranges", run)
	}
	if _, err := other.StartRun(t.Context(), request(schema.KindRecompute, Today(), false)); !errors.Is(err, schema.ErrRunning) {
		t.Errorf("a second run: %v, want ErrRunning", err)
	}
	if err := db.FinishRun(t.Context(), run); !errors.Is(err, schema.ErrUnfinished) {
		t.Errorf("finish with open ranges: %v, want ErrUnfinished", err)
	}
	second := must(other.StartRun(t.Context(), request(schema.KindRecomputeChanged, Today(), true)))(t)
	if err := other.FailRun(t.Context(), second, "no reason"); err != nil {
		t.Error(err)
	}
	finish(t, db, run)
	runs := must(db.Runs(t.Context(), 0, 10))(t)
	if len(runs) != 2 || runs[0].State != schema.RunFailed || runs[0].Error != "no reason" || runs[1].State != schema.RunFinished || runs[1].Assessed != 25 {
		t.Errorf("runs %+v, want the failed one and the finished one", runs)
	}
	if page := must(db.Runs(t.Context(), runs[0].ID, 10))(t); len(page) != 1 {
		t.Errorf("second page %+v, want one run", page)
	}
	if _, err := db.StartRun(t.Context(), schema.RunRequest{Kind: "later", AsOf: Today(), KnownAt: time.Now().Add(time.Hour)}); err == nil {
		t.Error("a run that knows the future began")
	}
}

func runsTakenUp(t *testing.T, fresh Opener) {
	config := fresh(t)
	db, other := Reopen(t, config), Reopen(t, config)
	seed(t, db, 25, 1)
	short := request(schema.KindRecompute, Today(), false)
	short.Lease = time.Microsecond
	run := must(db.StartRun(t.Context(), short))(t)
	open := must(db.OpenRanges(t.Context(), run))(t)
	must(db.FinishRange(t.Context(), run, open[1], Grade))(t)
	putOne(t, db, Record(0, 8), now) // after the run's moment
	taken := must(other.StartRun(t.Context(), request(schema.KindRecompute, Today()+1, false)))(t)
	if !taken.Resumed || taken.ID != run.ID || taken.AsOf != run.AsOf || !taken.KnownAt.Equal(run.KnownAt) || taken.RangesDone != 1 {
		t.Errorf("taken up %+v, want run %d as it was", taken, run.ID)
	}
	if _, err := db.FinishRange(t.Context(), run, open[0], Grade); !errors.Is(err, schema.ErrLeaseLost) {
		t.Errorf("the old worker: %v, want ErrLeaseLost", err)
	}
	if result := must(other.FinishRange(t.Context(), taken, open[1], Grade))(t); !result.AlreadyDone {
		t.Errorf("a finished range again: %+v, want AlreadyDone", result)
	}
	finish(t, other, taken)
	if ended := must(db.Run(t.Context(), run.ID))(t); ended.Assessed != 25 {
		t.Errorf("%d assessed, want each of 25 once", ended.Assessed)
	}
	if a := must(db.Assessment(t.Context(), Code(0)))(t); a.Index != 5001 {
		t.Errorf("index %d, want that of the run's moment", a.Index)
	}
	if changed := grade(t, db, schema.KindRecomputeChanged, Today(), true); changed.Assessed != 1 {
		t.Errorf("%d changed afterwards, want the one with the later record", changed.Assessed)
	}
}

func rangeRows(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	seed(t, db, 3, 2)
	day := Today()
	for (day+1).Time().Day() == 1 || (day+2).Time().Day() == 1 {
		day-- // not at a month's end
	}
	first := grade(t, db, schema.KindRecompute, day, false)
	a := must(db.Assessment(ctx, Code(1)))(t)
	want := schema.Assessment{USCC: Code(1), Run: first.ID, AsOf: day, KnownAt: first.KnownAt, Model: schema.ModelRef{Code: "sample", Version: 1},
		ChangedOn: day, RecordsDigest: a.RecordsDigest}
	want.Index, want.Tier, want.Colour, want.Evidence, want.Checks = 5002, registry.TierB, registry.ColourBlue, registry.EvidenceFair, 2_000_000
	want.LossPPM, want.Digest[0], want.Digest[31] = [5]int32{1, 2, 3, 4, 2}, 2, 7
	if *a != want {
		t.Errorf("assessment %+v, want %+v", *a, want)
	}
	history := func(n int) int { return len(must(db.AssessmentHistory(ctx, Code(n), 100))(t)) }
	grade(t, db, schema.KindRecompute, day+1, false)
	if history(1) != 1 {
		t.Errorf("%d rows of history after nothing changed, want 1", history(1))
	}
	putOne(t, db, Record(1, 5), now) // a third fact: another tier and colour
	grade(t, db, schema.KindRecompute, day+1, false)
	if history(1) != 2 || history(0) != 1 {
		t.Errorf("history %d and %d, want 2 for the one that changed and 1", history(1), history(0))
	}
	messages := must(db.Unpublished(ctx, schema.TopicGradeChanged, 100))(t)
	if len(messages) != 4 || messages[3].USCC != Code(1) {
		t.Errorf("messages %+v, want 3 first grades and one change", messages)
	}
	monthEnd := day + 1
	for (monthEnd + 1).Time().Day() != 1 {
		monthEnd++
	}
	grade(t, db, schema.KindRecompute, monthEnd, false)
	if history(0) != 2 {
		t.Errorf("%d rows at the month's end, want 2", history(0))
	}
	if d := must(db.CountAssessments(ctx, access.Everything()))(t); d.Total != 3 || d.Tiers[registry.TierA] != 1 || d.Colours[registry.ColourBlue] != 2 {
		t.Errorf("distribution %+v", d)
	}
}

func rangeChangedOnly(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	seed(t, db, 50, 1)
	if run := grade(t, db, schema.KindRecomputeChanged, Today(), true); run.Assessed != 50 {
		t.Errorf("first: %d, want all 50", run.Assessed)
	}
	changed := request(schema.KindRecomputeChanged, Today(), true)
	if _, err := db.StartRun(ctx, changed); !errors.Is(err, schema.ErrNothingDue) {
		t.Errorf("nothing changed: %v, want ErrNothingDue", err)
	}
	putOne(t, db, Record(7, 5), now)
	putOne(t, db, Record(44, 5), now)
	run := must(db.StartRun(ctx, changed))(t)
	putOne(t, db, Record(20, 5), now) // between the two, known later than the run's moment
	finish(t, db, run)
	if ended := must(db.Run(ctx, run.ID))(t); ended.Assessed != 2 || ended.Ranges != 1 {
		t.Errorf("%d assessed in %d ranges, want 2 in 1", ended.Assessed, ended.Ranges)
	}
	if run := grade(t, db, schema.KindRecomputeChanged, Today(), true); run.Assessed != 1 {
		t.Errorf("the one that changed meanwhile: %d, want 1", run.Assessed)
	}
	tomorrow := func(p *schema.Part) ([]schema.Grade, error) {
		grades, err := Grade(p)
		for i := range grades {
			grades[i].NextChangeOn = Today() + 1
		}
		return grades, err
	}
	run = must(db.StartRun(ctx, request(schema.KindRecompute, Today(), false)))(t)
	must(db.FinishRange(ctx, run, must(db.OpenRanges(ctx, run))(t)[0], tomorrow))(t)
	finish(t, db, run)
	if _, err := db.StartRun(ctx, changed); !errors.Is(err, schema.ErrNothingDue) {
		t.Errorf("today: %v, want ErrNothingDue", err)
	}
	if run := grade(t, db, schema.KindRecomputeChanged, Today()+1, true); run.Assessed != 10 {
		t.Errorf("tomorrow: %d, want the 10 whose day has come", run.Assessed)
	}
}

func changesDue(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	due := func(name string, asOf registry.Day, known time.Time, want bool) {
		t.Helper()
		if got := must(db.ChangesDue(ctx, asOf, known))(t); got != want {
			t.Errorf("%s: due %t, want %t", name, got, want)
		}
	}
	due("an empty register", Today(), time.Time{}, false)
	known := seed(t, db, 2, 1)
	due("new facts", Today(), time.Time{}, true)
	due("new facts, for yesterday", Today()-1, time.Time{}, false)
	due("new facts, known before them", Today(), known.Add(-time.Hour), false)
	if must(db.RunDone(ctx, schema.KindRecomputeChanged, Today()))(t) {
		t.Error("a run that never was is done")
	}
	run := must(db.StartRun(ctx, request(schema.KindRecomputeChanged, Today(), true)))(t)
	must(db.FinishRange(ctx, run, must(db.OpenRanges(ctx, run))(t)[0], func(part *schema.Part) ([]schema.Grade, error) {
		grades, err := Grade(part)
		for i := range grades {
			grades[i].NextChangeOn = Today() + 1
		}
		return grades, err
	}))(t)
	due("a run that is not finished", Today(), time.Time{}, true)
	finish(t, db, run)
	due("graded", Today(), time.Time{}, false)
	due("the day has come", Today()+1, time.Time{}, true)
	if !must(db.RunDone(ctx, schema.KindRecomputeChanged, Today()))(t) || must(db.RunDone(ctx, schema.KindRecompute, Today()))(t) ||
		must(db.RunDone(ctx, schema.KindRecomputeChanged, Today()+1))(t) {
		t.Error("the finished run is taken for another, or not for itself")
	}
}

func rangeOlder(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	known := seed(t, db, 3, 2)
	putOne(t, db, Record(0, 5), now)
	newer := grade(t, db, schema.KindRecompute, Today(), false)
	putOne(t, db, Record(1, 5), now)
	for name, old := range map[string]schema.RunRequest{
		"an older day":         request("replay", registry.MustDay("2025-06-15"), false),
		"an older knowledge":   {Kind: "replay", AsOf: Today(), KnownAt: known, Model: model},
		"a month's end before": request("replay", registry.MustDay("2025-05-31"), false),
	} {
		run := must(db.StartRun(ctx, old))(t)
		result := must(db.FinishRange(ctx, run, must(db.OpenRanges(ctx, run))(t)[0], Grade))(t)
		if result.Assessed != 3 || result.Kept != 3 {
			t.Errorf("%s: %+v, want the 3 present assessments kept", name, result)
		}
		finish(t, db, run)
	}
	if a := must(db.Assessment(ctx, Code(0)))(t); a.Run != newer.ID || a.Tier != registry.TierA {
		t.Errorf("current assessment %+v, want that of run %d", a, newer.ID)
	}
	history := must(db.AssessmentHistory(ctx, Code(0), 10))(t)
	if !slices.ContainsFunc(history, func(a schema.Assessment) bool { return a.AsOf == registry.MustDay("2025-05-31") }) || len(history) != 2 {
		t.Errorf("history %+v, want the newest and the month's end", history)
	}
	if run := grade(t, db, schema.KindRecomputeChanged, Today(), true); run.Assessed != 1 {
		t.Errorf("%d still due, want the one whose new record only replays have seen", run.Assessed)
	}
}

func rangesAtOnce(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	seed(t, db, 200, 3)
	run := must(db.StartRun(t.Context(), request(schema.KindRecompute, Today(), false)))(t)
	open := must(db.OpenRanges(t.Context(), run))(t)
	var group sync.WaitGroup
	both := make(chan struct{}) // the first two ranges are under way at the same time, or the test never ends
	for i, r := range open {
		group.Go(func() {
			met := false
			_, err := db.FinishRange(t.Context(), run, r, func(p *schema.Part) ([]schema.Grade, error) {
				if i < 2 && !met { // not again when the range is read again
					met = true
					select {
					case both <- struct{}{}:
					case <-both:
					case <-t.Context().Done():
					}
				}
				return Grade(p)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	finish(t, db, run)
	if d := must(db.CountAssessments(t.Context(), access.Everything()))(t); d.Total != 200 || d.Tiers[registry.TierA] != 200 {
		t.Errorf("distribution %+v, want 200 of tier A", d)
	}
}

// firstLoadDuringRun loads history between the reading of a range's evidence and the storing of its grades. Whether the grade or the
// history comes first, the grade must be what a replay says.
func firstLoadDuringRun(t *testing.T, fresh Opener) {
	config := fresh(t)
	db, other := Reopen(t, config), Reopen(t, config)
	seed(t, db, 5, 1)
	run := must(db.StartRun(t.Context(), request(schema.KindRecompute, Today(), false)))(t)
	history := Record(4, 7)
	history.KnownAt = run.KnownAt.Add(-time.Microsecond)
	loaded := make(chan schema.PutResult, 1)
	load := sync.OnceFunc(func() {
		done := make(chan struct{})
		go func() {
			defer close(done)
			results, err := other.PutRecords(t.Context(), []registry.Record{history}, schema.PutOptions{FirstLoad: true})
			if err != nil {
				t.Error(err)
				results = []schema.PutResult{{}}
			}
			loaded <- results[0]
		}()
		if db.Engine() == "sqlite" {
			<-done // reading does not hold the writer up; PostgreSQL makes the load wait for us
		}
	})
	_, err := db.FinishRange(t.Context(), run, must(db.OpenRanges(t.Context(), run))(t)[0], func(p *schema.Part) ([]schema.Grade, error) {
		load()
		return Grade(p)
	})
	must(0, err)(t)
	result := <-loaded
	if known := must(db.Assessment(t.Context(), Code(4)))(t).Index == 5002; known != (result.Outcome == schema.Added) {
		t.Errorf("the history was %s, yet the grade knows it: %t", result.Outcome, known)
	}
	finish(t, db, run)
	Check(t, db, 5)
}

func rangeError(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	seed(t, db, 5, 1)
	run := must(db.StartRun(t.Context(), request(schema.KindRecompute, Today(), false)))(t)
	open := must(db.OpenRanges(t.Context(), run))(t)
	broken := errors.New("broken")
	_, err := db.FinishRange(t.Context(), run, open[0], func(p *schema.Part) ([]schema.Grade, error) {
		grades, _ := Grade(p)
		return grades[:3], broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want the callback's error", err)
	}
	few := func(p *schema.Part) ([]schema.Grade, error) { return make([]schema.Grade, 4), nil }
	if _, err := db.FinishRange(t.Context(), run, open[0], few); err == nil {
		t.Error("four grades for five enterprises were taken")
	}
	for a, err := range db.Assessments(t.Context()) {
		t.Errorf("stored %+v, %v", a, err)
	}
	finish(t, db, run)
	if n := must(db.CountAssessments(t.Context(), access.Everything()))(t).Total; n != 5 {
		t.Errorf("%d after the second try, want 5", n)
	}
}

// Check compares every stored assessment with what the evidence of its own point of view says now, and that none is missing or doubled.
func Check(tb testing.TB, db *schema.DB, enterprises int) {
	tb.Helper()
	count := 0
	for a, err := range db.Assessments(tb.Context()) {
		a := must(a, err)(tb)
		count++
		e := must(db.EvidenceOf(tb.Context(), a.USCC, a.AsOf, a.KnownAt))(tb)
		if want := gradeOf(len(e.Facts())); a.Grade != want {
			tb.Errorf("%s: stored %+v, replay %+v", a.USCC, a.Grade, want)
		}
	}
	if count != enterprises {
		tb.Errorf("%d assessments, want %d", count, enterprises)
	}
	histories := 0
	for n := range enterprises {
		histories += len(must(db.AssessmentHistory(tb.Context(), Code(n), 100))(tb))
	}
	messages := must(db.Unpublished(tb.Context(), schema.TopicGradeChanged, enterprises*2))(tb)
	if histories != enterprises || len(messages) != enterprises {
		tb.Errorf("%d rows of history and %d messages, want %d of each", histories, len(messages), enterprises)
	}
}
