package scoring

import (
	"cmp"
	"math"
	"slices"
)

// The statistics of a back-test. They use floating point, unlike grades, but the same input gives the same output: counts are whole
// numbers, sums run in a fixed order, and what is printed is rounded to a millionth.

// AUC is the probability that a bad observation has a higher risk than a good one, ties counting half (Mann-Whitney): 0.5 is chance,
// 1 perfect. ok is false unless there are both bad and good ones. risk and bad have the same length.
func AUC(risk []float64, bad []bool) (auc float64, ok bool) {
	s, ok := newRanking(risk).separation(bad, nil)
	return s.auc, ok
}

// KS is the largest distance between the cumulative shares of bad and good observations along the risk (Kolmogorov-Smirnov), 0 to 1.
func KS(risk []float64, bad []bool) (ks float64, ok bool) {
	s, ok := newRanking(risk).separation(bad, nil)
	return s.ks, ok
}

// Gini is 2·AUC − 1: 0 is chance, 1 perfect.
func Gini(auc float64) float64 { return 2*auc - 1 }

// PSI is the population stability index of two distributions over the same bins, Σ (c − b)·ln(c / b) of their shares: below 0.10 stable,
// to 0.25 watch, above it a shift (a convention: Lewis 1994). When any bin of either is empty, half an observation is added to every bin of
// both, so that the logarithm exists. Without any observation on one side it is 0.
func PSI(base, current []int) float64 {
	add := 0.0
	if slices.Contains(base, 0) || slices.Contains(current, 0) {
		add = 0.5
	}
	totalBase, totalCurrent := float64(sumOf(base)), float64(sumOf(current))
	if totalBase == 0 || totalCurrent == 0 {
		return 0
	}
	totalBase += add * float64(len(base))
	totalCurrent += add * float64(len(base))
	psi := 0.0
	for i := range base {
		b, c := (float64(base[i])+add)/totalBase, (float64(current[i])+add)/totalCurrent
		psi += (c - b) * math.Log(c/b)
	}
	return psi
}

func sumOf(counts []int) (sum int) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// Wilson returns the 95 % score interval of a share of bad ones among n (Wilson 1927); 0 to 1 without any.
func Wilson(bad, n int) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	const z = 1.959963984540054
	total := float64(n)
	p := float64(bad) / total
	middle := (p + z*z/(2*total)) / (1 + z*z/total)
	half := z / (1 + z*z/total) * math.Sqrt(p*(1-p)/total+z*z/(4*total*total))
	return max(0, middle-half), min(1, middle+half)
}

// bunchingTest compares the numbers of observations just below and just above a cut. Without steering they are about alike, so z is
// (above − below) / √(above + below), and p the chance of such a z or a larger one.
func bunchingTest(below, above int) (z, p float64) {
	if below+above == 0 {
		return 0, 1
	}
	z = float64(above-below) / math.Sqrt(float64(above+below))
	return z, math.Erfc(z/math.Sqrt2) / 2
}

// ranking is observations in the order of their risk, highest first, so that they can be counted again and again with other weights.
type ranking struct {
	order []int32
	ends  []int32 // where each group of equal risks ends
}

func newRanking(risk []float64) *ranking {
	r := &ranking{order: make([]int32, len(risk))}
	for i := range r.order {
		r.order[i] = int32(i)
	}
	slices.SortFunc(r.order, func(a, b int32) int {
		if c := cmp.Compare(risk[b], risk[a]); c != 0 {
			return c
		}
		return cmp.Compare(a, b)
	})
	for i := range r.order {
		if i+1 == len(r.order) || risk[r.order[i]] != risk[r.order[i+1]] {
			r.ends = append(r.ends, int32(i+1))
		}
	}
	return r
}

// separation says how well a ranking tells bad from good.
type separation struct{ auc, ks float64 }

// separation counts each observation as often as its weight says; nil is once.
func (r *ranking) separation(bad []bool, weight []int32) (separation, bool) {
	allBad, allGood := r.totals(bad, weight)
	if allBad == 0 || allGood == 0 {
		return separation{}, false
	}
	var twice, seenBad, seenGood int64 // twice the number of pairs in the right order, ties once
	ks := 0.0
	from := int32(0)
	for _, to := range r.ends {
		groupBad, groupGood := count(r.order[from:to], bad, weight)
		seenBad, seenGood = seenBad+groupBad, seenGood+groupGood
		twice += groupBad * (2*(allGood-seenGood) + groupGood)
		ks = max(ks, math.Abs(float64(seenBad)/float64(allBad)-float64(seenGood)/float64(allGood)))
		from = to
	}
	return separation{auc: float64(twice) / float64(2*allBad*allGood), ks: ks}, true
}

func (r *ranking) totals(bad []bool, weight []int32) (bads, goods int64) {
	return count(r.order, bad, weight)
}

func count(some []int32, bad []bool, weight []int32) (bads, goods int64) {
	for _, i := range some {
		n := int64(1)
		if weight != nil {
			n = int64(weight[i])
		}
		if bad[i] {
			bads += n
		} else {
			goods += n
		}
	}
	return bads, goods
}

// curve returns at most about a hundred points (share of the good, share of the bad) of the ROC curve, from 0, 0 to 1, 1.
func (r *ranking) curve(bad []bool) [][2]float64 {
	allBad, allGood := r.totals(bad, nil)
	points := [][2]float64{{0, 0}}
	var seenBad, seenGood int64
	from := int32(0)
	for g, to := range r.ends {
		groupBad, groupGood := count(r.order[from:to], bad, nil)
		seenBad, seenGood = seenBad+groupBad, seenGood+groupGood
		x, y := float64(seenGood)/float64(allGood), float64(seenBad)/float64(allBad)
		last := points[len(points)-1]
		if g == len(r.ends)-1 || x-last[0]+y-last[1] >= 0.02 {
			points = append(points, [2]float64{rounded(x), rounded(y)})
		}
		from = to
	}
	return points
}

// rounded cuts what differs between processors: a millionth is far finer than any of these statistics means.
func rounded(x float64) float64 { return math.Round(x*1e6) / 1e6 }
