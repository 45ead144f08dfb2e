package supervision

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"healthcode/registry"

	"pgregory.net/rapid"
)

// taken takes steps one after the other: step, login, outcome.
func taken(t testing.TB, kind Kind, acts ...Act) Recourse {
	t.Helper()
	r := Recourse{Kind: kind}
	for _, act := range acts {
		next, err := r.Take(act, China())
		if err != nil {
			t.Fatalf("%s of %s in %q: %v", act.Step, kind, r.State, err)
		}
		r = next
	}
	return r
}

func act(step Step, by string, on string, outcome ...Outcome) Act {
	a := Act{Step: step, By: by, On: day(on), Reason: "because"}
	if len(outcome) > 0 {
		a.Outcome = outcome[0]
	}
	switch step {
	case File, Complete, Withdraw:
		a.Side = Author
	case Lapse, Contest, Reverse:
		a.Side = System
	case Accept, Return, Decide, Hide, Revoke:
		a.Side = Officer
	}
	return a
}

func TestLives(t *testing.T) {
	t.Parallel()
	file, accept := act(File, "own", "2026-11-02"), act(Accept, "zhang", "2026-11-04")
	dismissed := act(Decide, "zhang", "2026-11-10", Dismissed)
	for name, c := range map[string]struct {
		kind  Kind
		acts  []Act
		state State
		due   string
	}{
		"filed":                   {Objection, []Act{file}, Filed, "2026-11-05"},
		"a repair is":             {Repair, []Act{file}, Filed, "2026-11-04"},
		"accepted":                {Objection, []Act{file, accept}, Accepted, "2026-12-02"},
		"returned":                {Objection, []Act{file, act(Return, "zhang", "2026-11-04")}, Returned, "2026-11-18"},
		"completed":               {Objection, []Act{file, act(Return, "zhang", "2026-11-04"), act(Complete, "own", "2026-11-18")}, Filed, "2026-11-23"},
		"lapsed":                  {Objection, []Act{file, act(Return, "zhang", "2026-11-04"), act(Lapse, "system", "2026-11-19")}, Lapsed, ""},
		"withdrawn":               {Appeal, []Act{file, accept, act(Withdraw, "own", "2026-11-05")}, Withdrawn, ""},
		"dismissed":               {Objection, []Act{file, accept, dismissed}, Decided, "2026-12-01"},
		"upheld":                  {Objection, []Act{file, accept, act(Decide, "zhang", "2026-11-10", Upheld)}, Decided, ""},
		"partly upheld":           {Objection, []Act{file, accept, act(Decide, "zhang", "2026-11-10", Partly)}, Decided, "2026-12-01"},
		"appealed":                {Objection, []Act{file, accept, dismissed, act(Contest, "system", "2026-12-01")}, Appealed, ""},
		"turned round":            {Objection, []Act{file, accept, dismissed, act(Contest, "system", "2026-12-01"), act(Reverse, "li", "2026-12-08", Upheld)}, Appealed, ""},
		"an appeal is final":      {Appeal, []Act{file, accept, dismissed}, Decided, ""},
		"granted":                 {Repair, []Act{file, accept, act(Decide, "zhang", "2026-11-10", Granted)}, Decided, ""},
		"got by fraud":            {Repair, []Act{file, accept, act(Decide, "zhang", "2026-11-10", Granted), act(Revoke, "zhang", "2027-03-01")}, Revoked, ""},
		"a reply":                 {Reply, []Act{file}, Published, ""},
		"a reply withdrawn":       {Reply, []Act{file, act(Withdraw, "own", "2026-11-05")}, Withdrawn, ""},
		"a reply hidden":          {Reply, []Act{file, act(Hide, "zhang", "2026-11-05")}, Hidden, "2026-11-26"},
		"a reply published again": {Reply, []Act{file, act(Hide, "zhang", "2026-11-05"), act(Contest, "system", "2026-11-06"), act(Reverse, "li", "2026-11-09")}, Published, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r := taken(t, c.kind, c.acts...); r.State != c.state || r.Due.String() != c.due {
				t.Errorf("%s due %s, want %s due %s", r.State, r.Due, c.state, c.due)
			}
		})
	}
}

func TestStepsThatAreRefused(t *testing.T) {
	t.Parallel()
	file, accept, sentBack := act(File, "own", "2026-11-02"), act(Accept, "zhang", "2026-11-04"), act(Return, "zhang", "2026-11-04")
	dismissed := act(Decide, "zhang", "2026-11-10", Dismissed)
	mute := act(Decide, "zhang", "2026-11-10", Dismissed)
	mute.Reason = ""
	own := act(Accept, "own", "2026-11-04")
	own.Side = Author
	for name, c := range map[string]struct {
		kind Kind
		acts []Act
		last Act
		want error
	}{
		"decided before acceptance":       {Objection, []Act{file}, dismissed, ErrStep},
		"decided twice":                   {Objection, []Act{file, accept, dismissed}, act(Decide, "li", "2026-11-11", Upheld), ErrStep},
		"filed twice":                     {Objection, []Act{file}, file, ErrStep},
		"accepted by its author":          {Objection, []Act{file}, own, ErrSide},
		"decided by who filed it":         {Objection, []Act{file, accept}, act(Decide, "own", "2026-11-10", Upheld), ErrSame},
		"without a reason":                {Objection, []Act{file, accept}, mute, ErrReason},
		"granted, an objection":           {Objection, []Act{file, accept}, act(Decide, "zhang", "2026-11-10", Granted), ErrOutcome},
		"upheld, a repair":                {Repair, []Act{file, accept}, act(Decide, "zhang", "2026-11-10", Upheld), ErrOutcome},
		"without an outcome":              {Repair, []Act{file, accept}, act(Decide, "zhang", "2026-11-10"), ErrOutcome},
		"completed late":                  {Objection, []Act{file, sentBack}, act(Complete, "own", "2026-11-19"), ErrLate},
		"lapsed in time":                  {Objection, []Act{file, sentBack}, act(Lapse, "system", "2026-11-18"), ErrEarly},
		"lapsed while the bureau is late": {Objection, []Act{file, accept}, act(Lapse, "system", "2027-11-18"), ErrStep},
		"appealed late":                   {Objection, []Act{file, accept, dismissed}, act(Contest, "system", "2026-12-02"), ErrLate},
		"appealed what was upheld":        {Objection, []Act{file, accept, act(Decide, "zhang", "2026-11-10", Upheld)}, act(Contest, "system", "2026-11-11"), ErrStep},
		"appealed what was granted":       {Repair, []Act{file, accept, act(Decide, "zhang", "2026-11-10", Granted)}, act(Contest, "system", "2026-11-11"), ErrStep},
		"an appeal appealed":              {Appeal, []Act{file, accept, dismissed}, act(Contest, "system", "2026-11-11"), ErrStep},
		"withdrawn when decided":          {Objection, []Act{file, accept, dismissed}, act(Withdraw, "own", "2026-11-11"), ErrStep},
		"an objection hidden":             {Objection, []Act{file}, act(Hide, "zhang", "2026-11-11"), ErrStep},
		"a reply decided":                 {Reply, []Act{file}, act(Decide, "zhang", "2026-11-10", Dismissed), ErrStep},
		"revoked, not granted":            {Repair, []Act{file, accept, act(Decide, "zhang", "2026-11-10", Refused)}, act(Revoke, "zhang", "2026-11-11"), ErrStep},
		"published again with an outcome": {Reply, []Act{file, act(Hide, "zhang", "2026-11-05"), act(Contest, "system", "2026-11-06")}, act(Reverse, "li", "2026-11-09", Upheld), ErrOutcome},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := taken(t, c.kind, c.acts...)
			after, err := r.Take(c.last, China())
			if !errors.Is(err, c.want) || after.State != r.State || len(after.Deciders) != len(r.Deciders) {
				t.Errorf("%v, %+v, want %v", err, after, c.want)
			}
		})
	}
}

// The officer who decided an objection does not decide the appeal against it.
func TestAnAppealIsDecidedBySomebodyElse(t *testing.T) {
	t.Parallel()
	r := taken(t, Appeal, act(File, "own", "2026-11-12"), act(Accept, "zhang", "2026-11-13"))
	r.Deciders = []string{"zhang"} // of what it is about
	if _, err := r.Take(act(Decide, "zhang", "2026-11-16", Dismissed), China()); !errors.Is(err, ErrSame) {
		t.Errorf("decided by the same person: %v", err)
	}
	if next := r.Next(Officer, "zhang", day("2026-11-16")); slices.Contains(next, Decide) {
		t.Errorf("offered to the same person: %v", next)
	}
	if after, err := r.Take(act(Decide, "li", "2026-11-16", Dismissed), China()); err != nil || after.State != Decided {
		t.Errorf("by another: %+v, %v", after, err)
	}
}

// Whatever anybody tries: nothing is decided twice, no decider of before decides again, no filer decides, dates do not go back, and what is offered
// can be done.
func TestAnyPath(t *testing.T) {
	t.Parallel()
	steps := []Step{File, Accept, Return, Complete, Decide, Contest, Reverse, Withdraw, Lapse, Hide, Revoke}
	rapid.Check(t, func(t *rapid.T) {
		r := Recourse{Kind: rapid.SampledFrom(Kinds).Draw(t, "kind"), Deciders: rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 2).Draw(t, "before")}
		before := slices.Clone(r.Deciders)
		on, decisions := day("2026-10-01"), 0
		for range rapid.IntRange(1, 40).Draw(t, "tries") {
			on += registry.Day(rapid.IntRange(0, 12).Draw(t, "days"))
			a := act(rapid.SampledFrom(steps).Draw(t, "step"), rapid.SampledFrom([]string{"own", "a", "b", "c", "d"}).Draw(t, "by"), on.String(),
				rapid.SampledFrom([]Outcome{"", Upheld, Partly, Dismissed, Granted, Refused}).Draw(t, "outcome"))
			offered := slices.Contains(r.Next(a.Side, a.By, on), a.Step)
			after, err := r.Take(a, China())
			if err != nil {
				if offered && !errors.Is(err, ErrOutcome) {
					t.Fatalf("%s was offered: %v", a.Step, err)
				}
				continue
			}
			if a.Step == Decide {
				decisions++
				if decisions > 1 || a.By == r.Filer || slices.Contains(before, a.By) {
					t.Fatalf("%s decides: filer %s, before %v, %d decisions", a.By, r.Filer, before, decisions)
				}
			}
			if after.Due != 0 && after.Due < on {
				t.Fatalf("due %s on %s", after.Due, on)
			}
			if after.Overdue(on) {
				t.Fatal("late at once")
			}
			r = after
		}
	})
}

func TestOverdue(t *testing.T) {
	t.Parallel()
	r := taken(t, Objection, act(File, "own", "2026-11-02"))
	if r.Overdue(day("2026-11-05")) || !r.Overdue(day("2026-11-06")) {
		t.Error("due on the 5th")
	}
	returned := taken(t, Objection, act(File, "own", "2026-11-02"), act(Return, "zhang", "2026-11-04"))
	if returned.Overdue(day("2027-11-05")) {
		t.Error("it waits for its author")
	}
}

func TestPlainText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, want string
	}{
		"lines of a form":        {" a\r\nb ", "a\nb"},
		"markup is text":         {"<b>x</b>", "<b>x</b>"},
		"at its length":          {strings.Repeat("言", 10), strings.Repeat("言", 10)},
		"too long":               {strings.Repeat("言", 11), ""},
		"nothing":                {" \n ", ""},
		"a zero byte":            {"a\x00", ""},
		"an escape":              {"a\x1b[31m", ""},
		"writing turned round":   {"a\u202eb", ""},
		"isolated":               {"a\u2066b", ""},
		"not UTF-8":              {"a\xff", ""},
		"an emoji with a joiner": {"👩\u200d🔬", "👩\u200d🔬"},
	} {
		got, err := PlainText(c.text, 10)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
