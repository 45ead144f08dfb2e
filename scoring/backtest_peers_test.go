package scoring_test

import (
	"context"
	"errors"
	"testing"

	"healthcode/registry"
	"healthcode/scoring"
)

// What comes after the first day does not change a peer: two towns that differ only then give the same draft.
func TestCalibrateBeforeSeesOnlyThePast(t *testing.T) {
	t.Parallel()
	calm, later := town(1, 80, skill(80)), town(1, 80, skill(80))
	for _, p := range later {
		p.visit(start+360, 9, registry.SeverityCritical)
	}
	drafts := [2]*scoring.Model{}
	for i, all := range [][]past{calm, later} {
		o := next(start + 360)
		if err := scoring.CalibrateBefore(t.Context(), dossiers(all), &o, false); err != nil {
			t.Fatal(err)
		}
		drafts[i] = o.Model
		if o.CalibratedOn != start+359 {
			t.Errorf("calibrated on %s", o.CalibratedOn)
		}
		if i == 0 {
			if r := mustBacktest(t, all, o); r.Protocol.CalibratedOn != start+359 || r.Model.Digest != o.Model.Digest() || r.Index.AUC.Value < 0.75 {
				t.Errorf("%+v", r.Index)
			}
		}
	}
	if drafts[0].Digest() != drafts[1].Digest() {
		t.Error("the future changed the peers")
	}
	own := scoring.DefaultModel().Peers.Groups.General.Inspection
	if got := drafts[0].Peers.Groups.General.Inspection; got == own {
		t.Errorf("nothing was estimated: %+v", got)
	}
	o := next(start + 500)
	if err := scoring.CalibrateBefore(t.Context(), dossiers(later), &o, false); err != nil || o.Model.Digest() == drafts[0].Digest() {
		t.Errorf("what was known later changes nothing, %v: the test proves nothing", err)
	}
}

func TestCalibrateBeforeRefuses(t *testing.T) {
	t.Parallel()
	var all []leaky
	for _, p := range town(1, 40, skill(40)) {
		all = append(all, leaky{p, func(p scoring.Point, facts []scoring.KnownFact) []scoring.KnownFact {
			next := facts[0]
			next.SourceRef, next.OccurredOn, next.KnownAt = "tomorrow", p.AsOf+1, p.KnownAt
			return append(facts, next)
		}})
	}
	o := next(start + 360)
	if err := scoring.CalibrateBefore(t.Context(), dossiers(all), &o, true); !errors.Is(err, scoring.ErrLeak) {
		t.Errorf("a leak: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := scoring.CalibrateBefore(ctx, dossiers(town(1, 40, skill(40))), &o, true); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	o.Model = nil
	if err := scoring.CalibrateBefore(t.Context(), dossiers(all), &o, true); !errors.Is(err, scoring.ErrProtocol) {
		t.Errorf("no model: %v", err)
	}
}
