package scoring_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"healthcode/registry"
	"healthcode/scoring"

	"pgregory.net/rapid"
)

// crowd is a population in memory.
type crowd []*scoring.Evidence

func (p crowd) each(yield func(*scoring.Evidence) error) error {
	for _, e := range p {
		if err := yield(e); err != nil {
			return err
		}
	}
	return nil
}

// spotChecked has so many passed and failed spot checks of today.
func spotChecked(n int, risk registry.RiskLevel, passed, failed int) *scoring.Evidence {
	var records []registry.Record
	for i := range passed + failed {
		r := registry.Record{USCC: uscc, Source: "test", SourceRef: fmt.Sprint(n, "-", i), Revision: 1, Kind: registry.KindSpotCheck,
			Outcome: registry.OutcomePass, OccurredOn: today, State: registry.StateFinal, Detail: &registry.SpotCheck{}}
		if i < failed {
			r.Outcome, r.Severity = registry.OutcomeFail, registry.SeverityMinor
		}
		records = append(records, r)
	}
	return evidence(scoring.Enterprise{USCC: uscc, Risk: risk}, records)
}

// twoKinds is a population whose enterprises fail with one of two rates, evenly, so that mu and k are known exactly.
func twoKinds(seed uint64, size int, low, high float64) (p crowd, mu, k float64) {
	dice := rand.New(rand.NewPCG(seed, 0))
	for n := range size {
		rate := low
		if n%2 == 1 {
			rate = high
		}
		var passed, failed int
		for range 2 + dice.IntN(11) {
			if dice.Float64() < rate {
				failed++
			} else {
				passed++
			}
		}
		p = append(p, spotChecked(n, registry.RiskHigher, passed, failed))
	}
	mu = (low + high) / 2
	epv := (low*(1-low) + high*(1-high)) / 2
	return p, mu, epv / ((high - low) * (high - low) / 4)
}

func find(t interface{ Fatalf(string, ...any) }, c *scoring.Calibration, risk registry.RiskLevel, d scoring.Dimension) scoring.Estimate {
	for _, e := range c.Estimates {
		if e.Risk == risk && e.Dimension == d {
			return e
		}
	}
	t.Fatalf("no estimate of %s, %s", risk, d)
	return scoring.Estimate{}
}

// With 3,000 enterprises mu comes within 0.03 and k within 40 % of the truth (more than seven standard errors), whatever the two rates and the dice.
func TestCalibrateRecoversWhatThePopulationWasMadeFrom(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		low := float64(rapid.IntRange(2, 15).Draw(t, "low")) / 100
		high := low + float64(rapid.IntRange(25, 60).Draw(t, "difference"))/100
		p, mu, k := twoKinds(rapid.Uint64().Draw(t, "seed"), 3000, low, high)
		c, err := scoring.Calibrate(p.each, today, scoring.DefaultModel(), scoring.CalibrateOptions{Replicates: 20})
		if err != nil {
			t.Fatal(err)
		}
		e := find(t, c, registry.RiskHigher, scoring.SpotCheck)
		if got := float64(e.Mu) / 1e6; math.Abs(got-mu) > 0.03 {
			t.Errorf("mu %.4f, want %.4f", got, mu)
		}
		if got, want := float64(e.K)/1000, math.Max(k, 0.5); math.Abs(got-want) > want*0.4 {
			t.Errorf("k %.3f, want %.3f", got, want)
		}
		if e.Source != scoring.FromGroup || e.Enterprises != 3000 || e.MuFrom > e.Mu || e.MuTo < e.Mu || e.KFrom > e.KTo {
			t.Errorf("%+v", e)
		}
	})
}

// Over many populations the errors cancel: the variances are unbiased, and so nearly is k.
func TestCalibrateIsRightOnAverage(t *testing.T) {
	t.Parallel()
	const populations = 30
	var mu, k, epv, vhm float64
	_, wantMu, wantK := twoKinds(0, 0, 0.06, 0.31)
	for seed := range uint64(populations) {
		p, _, _ := twoKinds(seed, 3000, 0.06, 0.31)
		c, err := scoring.Calibrate(p.each, today, scoring.DefaultModel(), scoring.CalibrateOptions{Replicates: 20})
		if err != nil {
			t.Fatal(err)
		}
		e := find(t, c, registry.RiskHigher, scoring.SpotCheck)
		mu, k, epv, vhm = mu+float64(e.Mu)/1e6/populations, k+float64(e.K)/1e3/populations, epv+e.EPV/populations, vhm+e.VHM/populations
	}
	for name, c := range map[string]struct{ got, want float64 }{"mu": {mu, wantMu}, "k": {k, wantK}, "EPV": {epv, 0.13515}, "VHM": {vhm, 0.015625}} {
		if math.Abs(c.got/c.want-1) > 0.05 {
			t.Errorf("%s: %.5f on average, want %.5f", name, c.got, c.want)
		}
	}
}

func TestCalibrateIntervalsCoverTheTruth(t *testing.T) {
	t.Parallel()
	covered := 0
	for seed := range uint64(40) {
		p, mu, _ := twoKinds(seed, 400, 0.05, 0.45)
		c, err := scoring.Calibrate(p.each, today, scoring.DefaultModel(), scoring.CalibrateOptions{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		if e := find(t, c, registry.RiskHigher, scoring.SpotCheck); float64(e.MuFrom) <= mu*1e6 && mu*1e6 <= float64(e.MuTo) {
			covered++
		}
	}
	if covered < 33 { // 95 % of 40 is 38; below 33 has a probability under 1 in 1000
		t.Errorf("the interval held the truth in %d of 40", covered)
	}
}

func TestCalibrateDegenerateCases(t *testing.T) {
	t.Parallel()
	many := func(n, passed, failed int, risk registry.RiskLevel) (p crowd) {
		for i := range n {
			p = append(p, spotChecked(i, risk, passed, failed))
		}
		return p
	}
	unlike := append(many(20, 4, 0, registry.RiskHigh), many(20, 0, 4, registry.RiskHigh)...)
	varied, _, _ := twoKinds(1, 200, 0.1, 0.5)
	for name, c := range map[string]struct {
		people    crowd
		risk      registry.RiskLevel
		source    string
		bound     string
		mu, k     int64
		n         int
		estimates bool // mu and k are whatever they are
	}{
		"nobody":                               {nil, registry.RiskGeneral, scoring.FromBase, "", 180_000, 3000, 0, false},
		"one enterprise":                       {many(1, 5, 1, registry.RiskHigh), registry.RiskHigh, scoring.FromBase, "", 180_000, 3000, 1, false},
		"no evidence":                          {many(50, 0, 0, registry.RiskHigh), registry.RiskHigh, scoring.FromBase, "", 180_000, 3000, 0, false},
		"one check each":                       {many(50, 1, 0, registry.RiskHigh), registry.RiskHigh, scoring.FromBase, "", 180_000, 3000, 50, false},
		"all equal, never failing":             {many(50, 4, 0, registry.RiskHigh), registry.RiskHigh, scoring.FromGroup, "upper", 0, 30_000, 50, false},
		"all equal, half failing":              {many(50, 2, 2, registry.RiskHigh), registry.RiskHigh, scoring.FromGroup, "upper", 500_000, 30_000, 50, false},
		"each always the same, not alike":      {unlike, registry.RiskHigh, scoring.FromGroup, "lower", 500_000, 500, 40, false},
		"a group too small, the whole is not":  {append(many(5, 4, 0, registry.RiskHigh), varied...), registry.RiskHigh, scoring.FromWhole, "", 0, 0, 5, true},
		"a group of nobody, the whole is more": {varied, registry.RiskGeneral, scoring.FromWhole, "", 0, 0, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := scoring.Calibrate(c.people.each, today, scoring.DefaultModel(), scoring.CalibrateOptions{Replicates: 50, Cuts: true})
			if err != nil {
				t.Fatal(err)
			}
			e := find(t, got, c.risk, scoring.SpotCheck)
			if e.Source != c.source || e.Bound != c.bound || e.Enterprises != c.n || !c.estimates && (e.Mu != c.mu || e.K != c.k) {
				t.Errorf("%+v, want %+v", e, c)
			}
			if e.Before != (scoring.Belief{Mu: 180_000, K: 3000}) {
				t.Errorf("before: %+v", e.Before)
			}
		})
	}
}

// sameEverywhere is what every processor must compute, to the last bit.
const sameEverywhere = "215931 187316..238728, 5489 4276..6964, 3fc26cb4e5616344 3f9ada8333a47814"

func TestCalibrateIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	p, _, _ := twoKinds(3, 300, 0.05, 0.4)
	options := scoring.CalibrateOptions{Seed: 9, Cuts: true}
	first, err := scoring.Calibrate(p.each, today, scoring.DefaultModel(), options)
	if err != nil {
		t.Fatal(err)
	}
	again, err := scoring.Calibrate(p.each, today, scoring.DefaultModel(), options)
	if err != nil || !bytes.Equal(first.Draft.JSON(), again.Draft.JSON()) || fmt.Sprint(first.Estimates, *first.Cuts) != fmt.Sprint(again.Estimates, *again.Cuts) {
		t.Errorf("two calibrations of the same evidence differ: %v", err)
	}
	e := find(t, first, registry.RiskHigher, scoring.SpotCheck)
	got := fmt.Sprintf("%d %d..%d, %d %d..%d, %x %x", e.Mu, e.MuFrom, e.MuTo, e.K, e.KFrom, e.KTo, math.Float64bits(e.EPV), math.Float64bits(e.VHM))
	if got != sameEverywhere {
		t.Errorf("another machine computed %s, this one %s", sameEverywhere, got)
	}
	if d := first.Draft; d.Version != 2 || d.Code != "default" || d.Weights[0].Weight != 400 || d.Title["en"] != "Default model v2 (an example that a regulator can change)" {
		t.Errorf("draft %s/%d %v", d.Code, d.Version, d.Title)
	}
}

func TestCalibrateRefusesSenselessOptions(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]scoring.CalibrateOptions{
		"one enterprise":    {MinEnterprises: 1},
		"no dice":           {Replicates: 3},
		"bounds turned":     {LeastK: 9000, MostK: 100},
		"k beyond a model":  {MostK: 2_000_000},
		"negative shares":   {Shares: scoring.Shares{-1, 0, 0, 0}},
		"a version too far": {Version: 70_000},
	} {
		if _, err := scoring.Calibrate(crowd{}.each, today, scoring.DefaultModel(), o); !errors.Is(err, scoring.ErrCalibrate) && !errors.Is(err, scoring.ErrModel) {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := errors.New("broken")
	_, err := scoring.Calibrate(func(func(*scoring.Evidence) error) error { return broken }, today, scoring.DefaultModel(), scoring.CalibrateOptions{})
	if !errors.Is(err, broken) {
		t.Errorf("a source that fails: %v", err)
	}
}

// The proposed cuts give what an ordinary grading with the draft gives, and come near to the wanted shares when gates do not stand in the way.
func TestProposedCutsGiveTheSharesTheyPromise(t *testing.T) {
	t.Parallel()
	p, _, _ := twoKinds(5, 1000, 0.02, 0.5)
	wanted, err := scoring.ParseShares("AA=0, A=38,B=50.5,C=11.5")
	if err != nil {
		t.Fatal(err)
	}
	c, err := scoring.Calibrate(p.each, today, scoring.DefaultModel(), scoring.CalibrateOptions{Cuts: true, Shares: wanted, Replicates: 20})
	if err != nil {
		t.Fatal(err)
	}
	for _, veto := range c.Draft.Vetoes {
		if veto.Fact == scoring.IndexWhileNew && veto.Value != c.Cuts.Tiers[2].IndexFrom {
			t.Errorf("the veto at the cut of B stays at %d, the cut moved to %d", veto.Value, c.Cuts.Tiers[2].IndexFrom)
		}
	}
	a, count, fair := scoring.NewAssessor(c.Draft), map[registry.Tier]int{}, 0
	for _, e := range p {
		if x := a.Assess(e, today); x.Tier != registry.TierNew {
			count[x.Tier]++
			fair++
		}
	}
	if c.Cuts.Fair != fair || fair == 0 {
		t.Fatalf("%d with fair evidence, want %d", c.Cuts.Fair, fair)
	}
	for i, cut := range c.Cuts.Tiers {
		if cut.Enterprises != count[cut.Tier] || math.Abs(float64(cut.Share-wanted[i])) > 300 {
			t.Errorf("%+v: graded %d, wanted share %d", cut, count[cut.Tier], wanted[i])
		}
	}
}

// Nobody holds a capability item here, so no cut makes anybody AA: the proposal says so and keeps the cut.
func TestProposedCutsSayWhenGatesStandInTheWay(t *testing.T) {
	t.Parallel()
	p, _, _ := twoKinds(5, 500, 0.02, 0.5)
	c, err := scoring.Calibrate(p.each, today, scoring.DefaultModel(), scoring.CalibrateOptions{Cuts: true, Replicates: 20})
	if err != nil {
		t.Fatal(err)
	}
	aa, a := c.Cuts.Tiers[0], c.Cuts.Tiers[1]
	if !aa.LimitedByGates || aa.GatesHeld != 0 || aa.Enterprises != 0 || aa.IndexFrom != 8700 || a.LimitedByGates || a.Enterprises == 0 {
		t.Errorf("AA %+v, A %+v", aa, a)
	}
}

func TestParseShares(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"AA=5,A=38,B=50,C=6": true, "C=6,B=50,A=38,AA=5": true, "AA=0,A=0,B=0,C=1": true, "AA=2.25,A=38,B=50,C=6": true,
		"": false, "AA=5": false, "AA=5,AA=5,A=38,B=50,C=6": false, "AA=5,A=38,B=50,D=6": false, "AA=x,A=38,B=50,C=6": false,
		"AA=-1,A=38,B=50,C=6": false, "AA=0,A=0,B=0,C=0": false, "AA=NaN,A=38,B=50,C=6": false, "AA=500,A=38,B=50,C=6": false,
	} {
		s, err := scoring.ParseShares(text)
		if (err == nil) != want || err != nil && !errors.Is(err, scoring.ErrShares) {
			t.Errorf("%q: %v, %v", text, s, err)
		}
	}
}
