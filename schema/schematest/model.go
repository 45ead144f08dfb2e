package schematest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"
)

// version is an invented model version.
func version(n int) schema.StoredModel {
	return schema.StoredModel{ModelRef: schema.ModelRef{Code: "m", Version: n, Digest: fmt.Sprint("d", n)}, Body: fmt.Sprintf(`{"a":%d}`, n),
		Life: scoring.Life{Author: "Li Hua", Reason: "a trial"}}
}

// Ship stores and activates the first version.
func Ship(tb testing.TB, db *schema.DB) {
	tb.Helper()
	first := version(1)
	first.Life = scoring.Life{}
	must(0, db.AddModel(tb.Context(), first))(tb)
	must(0, db.ActivateModel(tb.Context(), "m", 1))(tb)
}

func simulation(n int) schema.ModelSimulation {
	return schema.ModelSimulation{Model: schema.ModelRef{Code: "m", Version: n}, Base: schema.ModelRef{Code: "m", Version: 1}, AsOf: Today(),
		KnownAt: time.Now(), Result: `{"moved":3}`}
}

func propose() scoring.ModelStep {
	return scoring.ModelStep{Action: scoring.Propose, By: "Wang Wei", Reason: "fewer failures", Today: Today(), EffectiveOn: Today()}
}

func by(action scoring.ModelAction, person string) scoring.ModelStep {
	return scoring.ModelStep{Action: action, By: person, Reason: "so decided", Today: Today()}
}

// Bring stores a version and takes it along the states up to the one that is wanted: draft, proposed or approved.
func Bring(tb testing.TB, db *schema.DB, n int, to schema.ModelState) {
	tb.Helper()
	must(0, db.AddModel(tb.Context(), version(n)))(tb)
	if to == schema.ModelDraft {
		return
	}
	must(db.StepModel(tb.Context(), "m", n, propose()))(tb)
	if to == schema.ModelProposed {
		return
	}
	must(0, db.AddModelSimulation(tb.Context(), simulation(n)))(tb)
	must(db.StepModel(tb.Context(), "m", n, by(scoring.Approve, "Zhao Min")))(tb)
}

func modelBody(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	if _, err := db.ActiveModel(ctx); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("no model yet: %v, want ErrNotFound", err)
	}
	Ship(t, db)
	must(0, db.ActivateModel(ctx, "m", 1))(t) // again changes nothing
	if err := db.ActivateModel(ctx, "m", 3); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("unknown version: %v, want ErrNotFound", err)
	}
	for range 2 {
		must(0, db.AddModel(ctx, version(2)))(t)
	}
	forged := version(2)
	forged.Digest = "other"
	if err := db.AddModel(ctx, forged); !errors.Is(err, schema.ErrConflict) {
		t.Errorf("another content: %v, want ErrConflict", err)
	}
	nobody := version(3)
	nobody.Author = ""
	if err := db.AddModel(ctx, nobody); !errors.Is(err, scoring.ErrPerson) {
		t.Errorf("a second model without an author: %v, want ErrPerson", err)
	}
	posing := version(3)
	posing.Author = "Shipped"
	if err := db.AddModel(ctx, posing); !errors.Is(err, scoring.ErrPerson) {
		t.Errorf("an author called shipped: %v, want ErrPerson", err)
	}
	if err := db.ActivateModel(ctx, "m", 2); !errors.Is(err, scoring.ErrStep) {
		t.Errorf("a draft: %v, want ErrStep", err)
	}
	states := map[int]schema.ModelState{}
	for m, err := range db.Models(ctx) {
		states[must(m, err)(t).Version] = m.State
	}
	if len(states) != 2 || states[1] != schema.ModelActive || states[2] != schema.ModelDraft {
		t.Errorf("states %v", states)
	}
}

// modelSteps brings a version to each state and tries each step as each person.
func modelSteps(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	Ship(t, db)
	early, preview, noReason, noDate, past := propose(), propose(), propose(), propose(), propose()
	preview.EffectiveOn, preview.PreviewUntil = Today()+10, Today()+5
	early.EffectiveOn = Today() + 1
	noReason.Reason, noDate.EffectiveOn, past.EffectiveOn = "", 0, Today()-1
	latePreview := preview
	latePreview.PreviewUntil = preview.EffectiveOn
	for i, c := range []struct {
		name string
		from schema.ModelState
		step scoring.ModelStep
		to   schema.ModelState
		err  error
	}{
		{"the author proposes", schema.ModelDraft, by2(propose(), "Li Hua"), schema.ModelProposed, nil},
		{"another proposes", schema.ModelDraft, propose(), schema.ModelProposed, nil},
		{"a proposal with a preview", schema.ModelDraft, preview, schema.ModelProposed, nil},
		{"a preview that ends too late", schema.ModelDraft, latePreview, "", scoring.ErrDate},
		{"a proposal for tomorrow", schema.ModelDraft, early, schema.ModelProposed, nil},
		{"a proposal without a reason", schema.ModelDraft, noReason, "", scoring.ErrReason},
		{"a proposal without a date", schema.ModelDraft, noDate, "", scoring.ErrDate},
		{"a proposal for yesterday", schema.ModelDraft, past, "", scoring.ErrDate},
		{"nobody proposes", schema.ModelDraft, by2(propose(), " "), "", scoring.ErrPerson},
		{"the system proposes", schema.ModelDraft, by2(propose(), "system"), "", scoring.ErrPerson},
		{"approve a draft", schema.ModelDraft, by(scoring.Approve, "Zhao Min"), "", scoring.ErrStep},
		{"reject a draft", schema.ModelDraft, by(scoring.Reject, "Zhao Min"), "", scoring.ErrStep},
		{"activate a draft", schema.ModelDraft, by(scoring.Activate, "Zhao Min"), "", scoring.ErrStep},
		{"retire a draft", schema.ModelDraft, by(scoring.Retire, "Li Hua"), schema.ModelRetired, nil},
		{"propose again", schema.ModelProposed, propose(), "", scoring.ErrStep},
		{"approve without a simulation", schema.ModelProposed, by(scoring.Approve, "Zhao Min"), "", scoring.ErrSimulate},
		{"the author approves", schema.ModelProposed, by(scoring.Approve, "Li Hua"), "", scoring.ErrSamePerson},
		{"the author approves in another spelling", schema.ModelProposed, by(scoring.Approve, " li  HUA "), "", scoring.ErrSamePerson},
		{"the proposer approves", schema.ModelProposed, by(scoring.Approve, "Wang Wei"), "", scoring.ErrSamePerson},
		{"nobody approves", schema.ModelProposed, by(scoring.Approve, ""), "", scoring.ErrPerson},
		{"activate a proposal", schema.ModelProposed, by(scoring.Activate, "Zhao Min"), "", scoring.ErrStep},
		{"reject a proposal", schema.ModelProposed, by(scoring.Reject, "Zhao Min"), schema.ModelDraft, nil},
		{"the author withdraws", schema.ModelProposed, by(scoring.Reject, "Li Hua"), schema.ModelDraft, nil},
		{"reject without a reason", schema.ModelProposed, scoring.ModelStep{Action: scoring.Reject, By: "Zhao Min"}, "", scoring.ErrReason},
		{"retire a proposal", schema.ModelProposed, by(scoring.Retire, "Li Hua"), schema.ModelRetired, nil},
		{"propose what is approved", schema.ModelApproved, propose(), "", scoring.ErrStep},
		{"approve again", schema.ModelApproved, by(scoring.Approve, "Qian Yu"), "", scoring.ErrStep},
		{"withdraw what is approved", schema.ModelApproved, by(scoring.Reject, "Zhao Min"), schema.ModelDraft, nil},
		{"retire what is approved", schema.ModelApproved, by(scoring.Retire, "Zhao Min"), schema.ModelRetired, nil},
		{"activate before the day", schema.ModelApproved, scoring.ModelStep{Action: scoring.Activate, By: "Zhao Min", Today: Today() - 1}, "", scoring.ErrTooEarly},
		{"nobody activates", schema.ModelApproved, by(scoring.Activate, ""), "", scoring.ErrPerson},
	} {
		n := 10 + i
		Bring(t, db, n, c.from)
		before := must(db.Model(t.Context(), "m", n))(t)
		after, err := db.StepModel(t.Context(), "m", n, c.step)
		if !errors.Is(err, c.err) || err == nil && after.State != c.to {
			t.Errorf("%s: %+v, %v; want %s, %v", c.name, after, err, c.to, c.err)
		}
		if err != nil && *must(db.Model(t.Context(), "m", n))(t) != *before {
			t.Errorf("%s: refused, yet something changed", c.name)
		}
	}
	endOfLife(t, db)
}

func by2(s scoring.ModelStep, person string) scoring.ModelStep {
	s.By = person
	return s
}

// endOfLife activates a version and tries each step on the active one and on the retired one.
func endOfLife(t *testing.T, db *schema.DB) {
	t.Helper()
	Bring(t, db, 2, schema.ModelApproved)
	active := must(db.StepModel(t.Context(), "m", 2, by(scoring.Activate, "Zhao Min")))(t)
	retired := must(db.Model(t.Context(), "m", 1))(t)
	for _, code := range []string{"a\x00", "\xff"} { // what no database keeps
		if _, err := db.Model(t.Context(), code, 1); !errors.Is(err, schema.ErrNotFound) {
			t.Errorf("%q: %v", code, err)
		}
	}
	if active.State != schema.ModelActive || active.ActivatedAt.IsZero() || retired.State != schema.ModelRetired || !retired.RetiredAt.Equal(active.ActivatedAt) {
		t.Errorf("active %+v, retired %+v", active, retired)
	}
	for _, n := range []int{1, 2} {
		for _, step := range []scoring.ModelStep{propose(), by(scoring.Approve, "Qian Yu"), by(scoring.Reject, "Qian Yu"), by(scoring.Activate, "Qian Yu"), by(scoring.Retire, "Qian Yu")} {
			if _, err := db.StepModel(t.Context(), "m", n, step); !errors.Is(err, scoring.ErrStep) {
				t.Errorf("%s version %d: %v, want ErrStep", step.Action, n, err)
			}
		}
	}
	for at, want := range map[time.Time]int{active.ActivatedAt: 2, active.ActivatedAt.Add(-time.Microsecond): 1, retired.ActivatedAt.Add(-time.Hour): 2, time.Now().Add(time.Hour): 2} {
		if m := must(db.ActiveModelAt(t.Context(), at))(t); m.Version != want {
			t.Errorf("at %s version %d, want %d", at, m.Version, want)
		}
	}
	if _, err := db.StepModel(t.Context(), "m", 999, propose()); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("a version that is not stored: %v", err)
	}
	events := must(db.ModelEvents(t.Context(), "m", 2))(t)
	var actions []scoring.ModelAction
	for _, e := range events {
		actions = append(actions, e.Action)
	}
	if !slices.Equal(actions, []scoring.ModelAction{"add", scoring.Propose, scoring.Approve, scoring.Activate}) || events[2].Person != "Zhao Min" {
		t.Errorf("events %+v", events)
	}
}

// modelRaces lets eight callers on two connections take the same step.
func modelRaces(t *testing.T, fresh Opener) {
	config := fresh(t)
	pools := []*schema.DB{Reopen(t, config), Reopen(t, config)}
	db := pools[0]
	Ship(t, db)
	Bring(t, db, 2, schema.ModelProposed)
	must(0, db.AddModelSimulation(t.Context(), simulation(2)))(t)
	race := func(step func(i int) (string, int, scoring.ModelStep)) (taken int) {
		var mu sync.Mutex
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				code, n, s := step(i)
				_, err := pools[i%2].StepModel(context.WithoutCancel(t.Context()), code, n, s)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					taken++
				} else if !errors.Is(err, scoring.ErrStep) {
					t.Errorf("%+v: %v, want ErrStep", s, err)
				}
			})
		}
		group.Wait()
		return taken
	}
	if n := race(func(i int) (string, int, scoring.ModelStep) {
		return "m", 2, by(scoring.Approve, fmt.Sprint("Approver ", i))
	}); n != 1 {
		t.Errorf("%d approvals of one proposal", n)
	}
	for n := 10; n < 18; n++ {
		Bring(t, db, n, schema.ModelApproved)
	}
	if n := race(func(i int) (string, int, scoring.ModelStep) { return "m", 10 + i, by(scoring.Activate, "Zhao Min") }); n != 8 {
		t.Errorf("%d activations one after the other, want 8", n)
	}
	active, retired := 0, 0
	for m, err := range db.Models(t.Context()) {
		switch must(m, err)(t).State {
		case schema.ModelActive:
			active++
		case schema.ModelRetired:
			retired++
		}
	}
	if active != 1 || retired != 8 {
		t.Errorf("%d active, %d retired; want 1 and 8", active, retired)
	}
}

// modelActivation fences off a run of the old model and leaves everybody due for the new one.
func modelActivation(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	seed(t, db, 25, 1)
	Ship(t, db)
	Bring(t, db, 2, schema.ModelApproved)
	old := request(schema.KindRecompute, Today(), false)
	old.Model = version(1).ModelRef
	run := must(db.StartRun(t.Context(), old))(t)
	open := must(db.OpenRanges(t.Context(), run))(t)
	must(db.FinishRange(t.Context(), run, open[0], Grade))(t)
	must(db.StepModel(t.Context(), "m", 2, by(scoring.Activate, "Zhao Min")))(t)
	if _, err := db.FinishRange(t.Context(), run, open[1], Grade); !errors.Is(err, schema.ErrInactive) {
		t.Errorf("a range under the retired model: %v, want ErrInactive", err)
	}
	must(0, db.FailRun(t.Context(), run, "retired"))(t)
	changed := request(schema.KindRecomputeChanged, Today(), true)
	changed.Model = version(2).ModelRef
	run = must(db.StartRun(t.Context(), changed))(t)
	finish(t, db, run)
	if run = must(db.Run(t.Context(), run.ID))(t); run.Assessed != 25 {
		t.Errorf("%d graded by the new model, want 25", run.Assessed)
	}
	for a, err := range db.Assessments(t.Context()) {
		if must(a, err)(t).Model.Version != 2 {
			t.Errorf("%s is graded by version %d", a.USCC, a.Model.Version)
		}
	}
	if _, err := db.StartRun(t.Context(), changed); !errors.Is(err, schema.ErrNothingDue) {
		t.Errorf("afterwards: %v, want ErrNothingDue", err)
	}
}

// manyComments lets one enterprise talk until it is stopped; another one and what was said before are not touched.
func manyComments(t *testing.T, db *schema.DB) {
	t.Helper()
	say := func(n int, text string) error {
		return db.AddModelComment(t.Context(), "m", 2, schema.ModelComment{USCC: Code(n), Text: text}, Today())
	}
	for i := range 20 {
		must(0, say(0, fmt.Sprint(i)))(t)
	}
	if err := say(0, "one more"); !errors.Is(err, schema.ErrManyComments) {
		t.Errorf("the 21st comment: %v, want ErrManyComments", err)
	}
	must(0, say(0, " 7 "))(t) // said before: nothing is added
	must(0, say(1, "抽查权重太高"))(t)
	if found := must(db.ModelCommentsOf(t.Context(), Code(0), "m", 2))(t); len(found) != 20 || found[19].Text != "19" {
		t.Errorf("%d comments of one enterprise", len(found))
	}
	if found := must(db.ModelCommentsOf(t.Context(), Code(1), "m", 2))(t); len(found) != 1 {
		t.Errorf("%d comments of another enterprise", len(found))
	}
}

func modelNotes(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	seed(t, db, 2, 1)
	Ship(t, db)
	Bring(t, db, 2, schema.ModelDraft)
	comment := schema.ModelComment{USCC: Code(1), Text: " 抽查权重太高 "}
	if err := db.AddModelComment(ctx, "m", 2, comment, Today()); !errors.Is(err, schema.ErrNoPreview) {
		t.Errorf("a comment on a draft: %v, want ErrNoPreview", err)
	}
	step := propose()
	step.EffectiveOn, step.PreviewUntil = Today()+10, Today()+5
	must(db.StepModel(ctx, "m", 2, step))(t)
	for name, c := range map[string]struct {
		comment schema.ModelComment
		version int
		today   registry.Day
		want    error
	}{
		"the last day":           {comment, 2, Today() + 5, nil},
		"a day later":            {comment, 2, Today() + 6, schema.ErrNoPreview},
		"an unknown enterprise":  {schema.ModelComment{USCC: Code(7), Text: "x"}, 2, Today(), schema.ErrNotFound},
		"an unknown version":     {comment, 3, Today(), schema.ErrNotFound},
		"nothing said":           {schema.ModelComment{USCC: Code(1), Text: "  "}, 2, Today(), schema.ErrComment},
		"a zero byte":            {schema.ModelComment{USCC: Code(1), Text: "a\x00"}, 2, Today(), schema.ErrComment},
		"the one that is active": {comment, 1, Today(), schema.ErrNoPreview},
	} {
		if err := db.AddModelComment(ctx, "m", c.version, c.comment, c.today); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if found := must(db.ModelComments(ctx, access.Everything(), "m", 2))(t); len(found) != 1 || found[0].Text != "抽查权重太高" || found[0].USCC != Code(1) || found[0].At.IsZero() {
		t.Errorf("comments %+v", found)
	}
	manyComments(t, db)
	must(0, db.AddModelSimulation(ctx, simulation(2)))(t)
	if _, err := db.StepModel(ctx, "m", 2, by(scoring.Approve, "Zhao Min")); !errors.Is(err, scoring.ErrTooEarly) {
		t.Errorf("approval while enterprises may comment: %v, want ErrTooEarly", err)
	}
	approve := by(scoring.Approve, "Zhao Min")
	approve.Today += 6
	must(db.StepModel(ctx, "m", 2, approve))(t)
	staleSimulation(t, db)
}

// staleSimulation proposes a version, simulates it, and activates another one: the simulation no longer says what would change.
func staleSimulation(t *testing.T, db *schema.DB) {
	t.Helper()
	ctx := t.Context()
	Bring(t, db, 3, schema.ModelProposed)
	must(0, db.AddModelSimulation(ctx, simulation(3)))(t)
	Bring(t, db, 4, schema.ModelApproved)
	must(db.StepModel(ctx, "m", 4, by(scoring.Activate, "Zhao Min")))(t)
	if _, err := db.StepModel(ctx, "m", 3, by(scoring.Approve, "Zhao Min")); !errors.Is(err, scoring.ErrSimulate) {
		t.Errorf("approval by a simulation beside a retired model: %v, want ErrSimulate", err)
	}
	again := simulation(3)
	again.Base.Version = 4
	must(0, db.AddModelSimulation(ctx, again))(t)
	must(db.StepModel(ctx, "m", 3, by(scoring.Approve, "Zhao Min")))(t)
	if found := must(db.ModelSimulations(ctx, "m", 3))(t); len(found) != 2 || found[0].Base.Version != 4 || found[0].Result != `{"moved":3}` {
		t.Errorf("simulations %+v", found)
	}
	if err := db.AddModelSimulation(ctx, simulation(99)); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("a simulation of nothing: %v", err)
	}
}
