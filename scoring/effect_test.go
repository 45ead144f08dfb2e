package scoring_test

import (
	"errors"
	"testing"

	"healthcode/registry"
	"healthcode/scoring"

	"pgregory.net/rapid"
)

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
