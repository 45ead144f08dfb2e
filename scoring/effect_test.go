package scoring_test

import (
	"errors"
	"testing"

	"healthcode/registry"
	"healthcode/scoring"

	"pgregory.net/rapid"
)

func TestCompareCountsEveryMove(t *testing.T) {
	t.Parallel()
	p, _, _ := twoKinds(11, 400, 0.05, 0.5)
	base := scoring.DefaultModel()
	same, err := base.Renumbered(2)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := scoring.Compare(p.each, today, base, same, nil); err != nil || e.Moved != 0 || e.Tiers.PSI != 0 || e.Enterprises != 400 || e.MeanBefore != e.MeanAfter {
		t.Errorf("the same model: %+v, %v", e, err)
	}
	stricter := changed(t, `"index_from": 8000`, `"index_from": 8400`)
	calls := 0
	e, err := scoring.Compare(p.each, today, base, stricter, func(int) { calls++ })
	if err != nil || e.Moved == 0 || calls != 400 {
		t.Fatalf("%+v, %v", e, err)
	}
	a, b, moved := scoring.NewAssessor(base), scoring.NewAssessor(stricter), 0
	for _, one := range p {
		if x, y := a.Assess(one, today), b.Assess(one, today); x.Tier == registry.TierA && y.Tier == registry.TierB {
			moved++
		}
	}
	if got := e.Tiers.Matrix[1][2]; got != moved || e.Tiers.Before[1]-e.Tiers.After[1] != moved {
		t.Errorf("from A to B: %d, want %d: %+v", got, moved, e.Tiers)
	}
}

// Whatever steps are tried by whomever, nobody's own model comes to be approved or active by themselves alone, and nothing is active before
// its day or without a simulation.
func TestNobodyApprovesTheirOwnModel(t *testing.T) {
	t.Parallel()
	people := []string{"Li Hua", "li hua", "Wang Wei", "Zhao Min", "system", ""}
	rapid.Check(t, func(t *rapid.T) {
		life, err := scoring.Draft("Li Hua", "a trial")
		if err != nil {
			t.Fatal(err)
		}
		simulated := false
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			step := scoring.ModelStep{Reason: "so decided", By: rapid.SampledFrom(people).Draw(t, "by"), Today: today + registry.Day(rapid.IntRange(0, 9).Draw(t, "today")),
				Action:      rapid.SampledFrom([]scoring.ModelAction{scoring.Propose, scoring.Reject, scoring.Approve, scoring.Activate, scoring.Retire, "erase"}).Draw(t, "action"),
				EffectiveOn: today + registry.Day(rapid.IntRange(0, 9).Draw(t, "effective")), Simulated: rapid.Bool().Draw(t, "simulated")}
			next, err := life.Take(step)
			if err != nil {
				if next != life {
					t.Fatalf("refused, yet changed: %+v to %+v", life, next)
				}
				continue
			}
			if step.Action == scoring.Approve {
				simulated = step.Simulated
			}
			life = next
			approved := life.State == scoring.ModelApproved || life.State == scoring.ModelActive
			if approved && (!simulated || life.Approver == "Li Hua" || life.Approver == "li hua" || life.Approver == life.Proposer || life.Approver == "" || life.Approver == "system") {
				t.Fatalf("%+v", life)
			}
			if step.Action == scoring.Activate && step.Today < life.EffectiveOn {
				t.Fatalf("too early: %+v", life)
			}
		}
	})
}

func TestDraftRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		author, reason string
		want           error
	}{
		"nobody":        {"", "why", scoring.ErrPerson},
		"two lines":     {"Li\nHua", "why", scoring.ErrPerson},
		"the system":    {" SYSTEM ", "why", scoring.ErrPerson},
		"no reason":     {"Li Hua", " ", scoring.ErrReason},
		"bytes no text": {"Li Hua", "\xff", scoring.ErrReason},
		"a draft":       {" Li Hua ", "why", nil},
	} {
		if life, err := scoring.Draft(c.author, c.reason); !errors.Is(err, c.want) || err == nil && life.Author != "Li Hua" {
			t.Errorf("%s: %+v, %v", name, life, err)
		}
	}
}
