package jobs_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"
)

// heavier is the default model with more weight on spot checks, as another version.
func heavier(t *testing.T, version int) *scoring.Model {
	t.Helper()
	text := scoring.DefaultModel().JSON()
	for from, to := range map[string]string{`"weight_milli":400`: `"weight_milli":500`, `"weight_milli":200`: `"weight_milli":100`} {
		text = bytes.Replace(text, []byte(from), []byte(to), 1)
	}
	m, err := scoring.ParseModel(text)
	check(t, err)
	m, err = m.Renumbered(version)
	check(t, err)
	return m
}

// approve stores a version, simulates it and has it approved, to take effect on a day.
func (b *bench) approve(t *testing.T, m *scoring.Model, on registry.Day) {
	t.Helper()
	ctx, today := t.Context(), registry.DayOf(b.now)
	check(t, b.db.AddModel(ctx, schema.StoredModel{ModelRef: schema.ModelRef{Code: m.Code, Version: m.Version, Digest: m.Digest()},
		Life: scoring.Life{Author: "Li Hua", Reason: "a trial"}, Body: string(m.JSON())}))
	for _, step := range []scoring.ModelStep{
		{Action: scoring.Propose, By: "Li Hua", Reason: "a trial", EffectiveOn: on},
		{Action: scoring.Approve, By: "Zhao Min"},
	} {
		step.Today = today
		_, err := b.db.StepModel(ctx, m.Code, m.Version, step)
		check(t, err)
		_, err = b.simulate().RunOnce(ctx, m.Code, m.Version)
		check(t, err)
	}
}

func (b *bench) simulate() *jobs.SimulateModel {
	return &jobs.SimulateModel{DB: b.db, Clock: b.clock}
}

func TestAModelIsActivatedOnItsDayAndGradesEverybody(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		ctx := t.Context()
		_, err := b.recompute().RunOnce(ctx)
		check(t, err)
		before := assessments(t, b.db)
		today := registry.DayOf(b.now)
		b.approve(t, heavier(t, 2), today+1)
		job := &jobs.Activate{DB: b.db, Clock: b.clock}
		if _, err := job.RunOnce(ctx); !errors.Is(err, schema.ErrNothingDue) {
			t.Fatalf("a day early: %v", err)
		}
		b.now = b.now.Add(24 * time.Hour)
		activated, err := job.RunOnce(ctx)
		check(t, err)
		if len(activated) != 1 || activated[0].Version != 2 || activated[0].State != schema.ModelActive {
			t.Fatalf("%+v", activated)
		}
		changed := b.recompute()
		changed.ChangedOnly = true
		run, err := changed.RunOnce(ctx)
		check(t, err)
		if run.Assessed != size || run.Model.Version != 2 {
			t.Errorf("%+v", run)
		}
		moved := 0
		for code, a := range assessments(t, b.db) {
			if a.Model.Version != 2 {
				t.Errorf("%s is graded by version %d", code, a.Model.Version)
			}
			if a.Index != before[code].Index {
				moved++
			}
			history, err := b.db.AssessmentHistory(ctx, code, 10)
			check(t, err)
			if last := history[len(history)-1]; last.Model.Version != 1 || last.Index != before[code].Index {
				t.Errorf("%s: the grade under version 1 is gone: %+v", code, last)
			}
		}
		if moved == 0 {
			t.Error("the new weights moved nobody")
		}
		if _, err := job.RunOnce(ctx); !errors.Is(err, schema.ErrNothingDue) {
			t.Errorf("again: %v", err)
		}
	})
}

// Two models have become due while nobody was there: the one that takes effect later stays.
func TestOfSeveralDueModelsTheNewestStays(t *testing.T) {
	t.Parallel()
	b := newBench(t, schema.Config{Dir: t.TempDir()})
	today := registry.DayOf(b.now)
	b.approve(t, heavier(t, 2), today+2)
	b.approve(t, heavier(t, 3), today+1)
	b.now = b.now.Add(72 * time.Hour)
	activated, err := (&jobs.Activate{DB: b.db, Clock: b.clock}).RunOnce(t.Context())
	check(t, err)
	active, err := b.db.ActiveModel(t.Context())
	check(t, err)
	if len(activated) != 2 || active.Version != 2 {
		t.Errorf("%d activated, version %d stays", len(activated), active.Version)
	}
}

// A run under way when another model is activated cannot go on; the job begins another one by the new model.
func TestARunOfARetiredModelIsGivenUp(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		b.approve(t, heavier(t, 2), registry.DayOf(b.now))
		job := b.recompute()
		job.Workers = 1
		first := true
		job.Progress = func(int64, int64) {
			if first {
				first = false
				_, err := (&jobs.Activate{DB: b.db, Clock: b.clock}).RunOnce(t.Context())
				check(t, err)
			}
		}
		run, err := job.RunOnce(t.Context())
		check(t, err)
		runs, err := b.db.Runs(t.Context(), 0, 10)
		check(t, err)
		if run.Model.Version != 2 || run.Assessed != size || len(runs) != 2 || runs[1].State != schema.RunFailed || !strings.Contains(runs[1].Error, "not the active one") {
			t.Errorf("%+v\n%+v", run, runs)
		}
		for code, a := range assessments(t, b.db) {
			if a.Model.Version != 2 {
				t.Errorf("%s is graded by version %d", code, a.Model.Version)
			}
		}
	})
}

// The simulation counts what grading each enterprise by both models gives.
func TestASimulationForetellsTheGrades(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		ctx := t.Context()
		m := heavier(t, 2)
		b.approve(t, m, registry.DayOf(b.now))
		effect, err := b.simulate().RunOnce(ctx, m.Code, 2)
		check(t, err)
		known, err := b.db.Know(ctx)
		check(t, err)
		a := scoring.NewAssessor(m)
		moved, published := 0, 0
		for firm, err := range b.db.Enterprises(ctx) {
			check(t, err)
			e, err := b.db.EvidenceOf(ctx, firm.USCC, effect.AsOf, known)
			check(t, err)
			x, y := a.Assess(e, effect.AsOf), scoring.NewAssessor(scoring.DefaultModel()).Assess(e, effect.AsOf)
			if x.Tier != y.Tier || x.Colour != y.Colour {
				moved++
			}
			own := scoring.CompareOne(e, effect.AsOf, scoring.DefaultModel(), m)
			if own.Before.Tier != own.After.Tier || own.Before.Colour != own.After.Colour {
				published++
			}
			if own.Before.Index != y.Index || own.After.Index != x.Index || own.USCC != firm.USCC {
				t.Errorf("%s: %+v", firm.USCC, own)
			}
		}
		sum := 0
		for i := range effect.Tiers.Names {
			for j := range effect.Tiers.Names {
				sum += effect.Tiers.Matrix[i][j]
			}
		}
		if effect.Moved != moved || effect.Enterprises != size || sum != size || effect.Tiers.PSI < 0 || effect.Published.Moved != published || len(effect.Groups) != 4 ||
			effect.Moves.Total < moved || effect.Moves.Items[0].Name == "" || effect.MeanBefore == effect.MeanAfter {
			t.Errorf("%d moved, foretold %+v", moved, effect)
		}
	})
}

func TestRollBackIsANewVersionThatAnotherPersonApproves(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		ctx, today := t.Context(), registry.DayOf(b.now)
		b.approve(t, heavier(t, 2), today)
		_, err := (&jobs.Activate{DB: b.db, Clock: b.clock}).RunOnce(ctx)
		check(t, err)
		step := scoring.ModelStep{Action: scoring.Propose, By: "Li Hua", Reason: "counts too hard", Today: today, EffectiveOn: today}
		m, err := jobs.RollBack(ctx, b.db, "default", 1, step)
		check(t, err)
		body, err := jobs.ParseStored(ctx, b.db, "default", 3)
		check(t, err)
		if lines := scoring.Diff(scoring.DefaultModel(), body); m.Version != 3 || m.State != schema.ModelProposed || m.Author != "Li Hua" || len(lines) != 2 { // the two titles name the version
			t.Errorf("%+v: %+v", m, lines)
		}
		if _, err := b.simulate().RunOnce(ctx, "default", 3); err != nil {
			t.Fatal(err)
		}
		if _, err := b.db.StepModel(ctx, "default", 3, scoring.ModelStep{Action: scoring.Approve, By: "Li Hua", Today: today}); !errors.Is(err, scoring.ErrSamePerson) {
			t.Errorf("approved by who rolled back: %v", err)
		}
		_, err = b.db.StepModel(ctx, "default", 3, scoring.ModelStep{Action: scoring.Approve, By: "Zhao Min", Today: today})
		check(t, err)
		_, err = (&jobs.Activate{DB: b.db, Clock: b.clock}).RunOnce(ctx)
		check(t, err)
		states := map[int]schema.ModelState{}
		for m, err := range b.db.Models(ctx) {
			check(t, err)
			states[m.Version] = m.State
		}
		if states[1] != schema.ModelRetired || states[2] != schema.ModelRetired || states[3] != schema.ModelActive {
			t.Errorf("%v", states)
		}
		for name, c := range map[string]struct {
			to   int
			step scoring.ModelStep
			want error
		}{
			"an unknown version": {9, step, schema.ErrNotFound},
			"without a reason":   {1, scoring.ModelStep{Action: scoring.Propose, By: "Li Hua", Today: today, EffectiveOn: today}, scoring.ErrReason},
			"by nobody":          {1, scoring.ModelStep{Action: scoring.Propose, Reason: "x", Today: today, EffectiveOn: today}, scoring.ErrPerson},
		} {
			if _, err := jobs.RollBack(ctx, b.db, "default", c.to, c.step); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		if n, err := jobs.NextVersion(ctx, b.db, "default"); err != nil || n != 4 {
			t.Errorf("a refused rollback left a version: next is %d, %v", n, err)
		}
	})
}
