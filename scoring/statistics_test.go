package scoring_test

import (
	"math"
	"slices"
	"testing"

	"healthcode/scoring"

	"pgregory.net/rapid"
)

func near(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance }

// The risks and outcomes are small enough to be counted by hand: each pair of a bad and a good one in the right order counts 1, a tie 1/2.
func TestAUCAndKSByHand(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		risk    []float64
		bad     []bool
		auc, ks float64
		ok      bool
	}{
		"perfect":                     {[]float64{4, 3, 2, 1}, []bool{true, true, false, false}, 1, 1, true},
		"upside down":                 {[]float64{1, 2, 3, 4}, []bool{true, true, false, false}, 0, 1, true},
		"all alike":                   {[]float64{7, 7, 7, 7}, []bool{true, false, true, false}, 0.5, 0, true},
		"three of four pairs":         {[]float64{4, 3, 2, 1}, []bool{true, false, true, false}, 0.75, 0.5, true},
		"a tie counts half":           {[]float64{2, 2, 1}, []bool{true, false, false}, 0.75, 0.5, true},
		"five and a half pairs of 6":  {[]float64{9, 5, 5, 2, 1}, []bool{true, true, false, false, false}, 5.5 / 6, 2.0 / 3, true},
		"nobody bad":                  {[]float64{1, 2}, []bool{false, false}, 0, 0, false},
		"nobody good":                 {[]float64{1, 2}, []bool{true, true}, 0, 0, false},
		"nobody":                      {nil, nil, 0, 0, false},
		"negative risks, as of index": {[]float64{-60, -70, -80, -90}, []bool{true, false, true, false}, 0.75, 0.5, true},
	} {
		auc, ok := scoring.AUC(c.risk, c.bad)
		ks, _ := scoring.KS(c.risk, c.bad)
		if auc != c.auc || !near(ks, c.ks, 1e-15) || ok != c.ok {
			t.Errorf("%s: AUC %v, KS %v, %t; want %v, %v, %t", name, auc, ks, ok, c.auc, c.ks, c.ok)
		}
	}
	if g := scoring.Gini(0.75); g != 0.5 {
		t.Errorf("Gini of 0.75 is %v", g)
	}
}

// drawObservations draws risks with many ties.
func drawObservations(t *rapid.T) (risk []float64, bad []bool) {
	for range rapid.IntRange(2, 40).Draw(t, "n") {
		risk = append(risk, float64(rapid.IntRange(0, 12).Draw(t, "risk")))
		bad = append(bad, rapid.Bool().Draw(t, "bad"))
	}
	return risk, bad
}

func TestAUCEqualsCountingPairs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		risk, bad := drawObservations(t)
		pairs, right := 0.0, 0.0
		for i := range risk {
			for j := range risk {
				if bad[i] && !bad[j] {
					pairs++
					switch {
					case risk[i] > risk[j]:
						right++
					case risk[i] == risk[j]:
						right += 0.5
					}
				}
			}
		}
		auc, ok := scoring.AUC(risk, bad)
		if ok != (pairs > 0) || (ok && !near(auc, right/pairs, 1e-12)) {
			t.Fatalf("%v, want %v of %v", auc, right, pairs)
		}
	})
}

func TestAUCOfTheReversedRankingIsTheRest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		risk, bad := drawObservations(t)
		reversed, stretched := slices.Clone(risk), slices.Clone(risk)
		for i, r := range risk {
			reversed[i], stretched[i] = -r, math.Exp(r/5)
		}
		auc, ok := scoring.AUC(risk, bad)
		if !ok {
			return
		}
		back, _ := scoring.AUC(reversed, bad)
		same, _ := scoring.AUC(stretched, bad)
		ks, _ := scoring.KS(risk, bad)
		ksBack, _ := scoring.KS(reversed, bad)
		if !near(auc+back, 1, 1e-12) || auc != same || !near(ks, ksBack, 1e-12) || ks < math.Abs(2*auc-1)/2-1e-12 || ks > 1 {
			t.Fatalf("AUC %v, reversed %v, stretched %v, KS %v and %v", auc, back, same, ks, ksBack)
		}
	})
}

func TestPSIByHand(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		base, current []int
		want          float64
	}{
		// .05·ln 2 + .05·ln(4/3) + (−.05)·ln .9 + (−.05)·ln(5/6)
		"four colours":              {[]int{5, 15, 50, 30}, []int{10, 20, 45, 25}, 0.0634},
		"the same":                  {[]int{5, 15, 50, 30}, []int{50, 150, 500, 300}, 0},
		"an empty bin is smoothed":  {[]int{10, 0}, []int{5, 5}, psiOf(10.5/11, 0.5/11, 5.5/11, 5.5/11)},
		"nobody on one side":        {[]int{0, 0}, []int{5, 5}, 0},
		"both have one bin in all":  {[]int{10, 0, 0}, []int{30, 0, 0}, psiOf(10.5/11.5, 0.5/11.5, 30.5/31.5, 0.5/31.5) + (0.5/31.5-0.5/11.5)*math.Log(11.5/31.5)},
		"a shift, by one bin of 10": {[]int{90, 10}, []int{80, 20}, psiOf(.9, .1, .8, .2)},
	} {
		if got := scoring.PSI(c.base, c.current); !near(got, c.want, 5e-5) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// psiOf is the sum over two bins.
func psiOf(b1, b2, c1, c2 float64) float64 {
	return (c1-b1)*math.Log(c1/b1) + (c2-b2)*math.Log(c2/b2)
}

func TestPSIIsNeverNegativeAndSymmetric(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		bins := rapid.SliceOfN(rapid.IntRange(0, 50), 4, 4)
		a, b := bins.Draw(t, "a"), bins.Draw(t, "b")
		there, back := scoring.PSI(a, b), scoring.PSI(b, a)
		if there < 0 || !near(there, back, 1e-12) {
			t.Fatalf("%v and %v", there, back)
		}
	})
}

// Known values: 0 of 3 up to .56, 0 of 10 up to .28, 1 of 1 from .21 to 1.
func TestWilsonByHand(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bad, n    int
		low, high float64
	}{
		"0 of 3": {0, 3, 0, .56}, "0 of 10": {0, 10, 0, .28}, "1 of 1": {1, 1, .21, 1}, "none": {0, 0, 0, 1}, "5 of 10": {5, 10, .24, .76},
	} {
		if low, high := scoring.Wilson(c.bad, c.n); !near(low, c.low, .005) || !near(high, c.high, .005) {
			t.Errorf("%s: %v to %v", name, low, high)
		}
	}
}
