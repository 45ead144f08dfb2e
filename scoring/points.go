package scoring

import (
	"cmp"
	"slices"
)

// part is one owner of points: a record or the quiet time of a dimension.
type part struct {
	points    *int32
	exact     int64 // in millionths of a hundredth of a point
	remainder int64
}

// share gives every record and quiet time its points. Since L − mu = Σ (N_r·(1 − mu) − G_r·mu) / (N + G + k), each one's share of the
// distance between the peers' start and the index is exact; largest-remainder rounding makes the hundredths add up to it.
func (a *Assessor) share(risk int, out *Explanation) {
	parts := make([]part, 0, len(out.Records)+len(out.Quiet))
	for i := range out.Records {
		r := &out.Records[i]
		parts = append(parts, part{points: &r.Points, exact: a.exact(risk, a.weighed[i].dimension, r.Bad, r.Good)})
	}
	for i := range out.Quiet {
		q := &out.Quiet[i]
		parts = append(parts, part{points: &q.Points, exact: a.exact(risk, q.Dimension, 0, q.Good)})
	}
	roundToSum(parts, int64(out.Index-out.StartPoints))
}

// exact returns what bad and good mass add to the index, in millionths of a hundredth of a point, rounded down.
func (a *Assessor) exact(risk int, d Dimension, bad, good int64) int64 {
	mu := a.t.mu[risk][d]
	gain := a.t.weight[d] * (good*mu - bad*(1_000_000-mu)) // thousandths · millionths · millionths of a check
	return floorDivide(gain*10, a.sum.bad[d]+a.sum.good[d]+a.t.k[risk][d])
}

// splitStart gives every dimension its part of the start, so that the hundredths add up to the whole start.
func (a *Assessor) splitStart(risk int, list []DimensionPoints) {
	parts := make([]part, len(list))
	for d := range list {
		parts[d] = part{points: &list[d].Start, exact: a.t.weight[d] * (1_000_000 - a.t.mu[risk][d]) * 10}
	}
	roundToSum(parts, int64(a.t.start[risk]))
}

// roundToSum rounds every part to hundredths so that they add up to the total: all down first, then those with the largest
// remainder up, in the order of the parts among equals. Parts without any mass stay at zero unless nothing else is left.
func roundToSum(parts []part, total int64) {
	left := total
	order := make([]int, 0, len(parts))
	for i := range parts {
		p := &parts[i]
		whole := floorDivide(p.exact, 1_000_000)
		p.remainder = p.exact - whole*1_000_000
		*p.points = int32(whole)
		left -= whole
		if p.exact != 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(parts[j].remainder, parts[i].remainder) })
	step := int64(1)
	if left < 0 {
		step = -1
		slices.Reverse(order)
	}
	for at := 0; left != 0 && len(order) > 0; at = (at + 1) % len(order) {
		*parts[order[at]].points += int32(step)
		left -= step
	}
}

func floorDivide(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
