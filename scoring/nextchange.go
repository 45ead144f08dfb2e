package scoring

import (
	"math"

	"healthcode/registry"
)

// noDay is later than every day that anything can happen on.
const noDay = registry.Day(math.MaxInt32)

// NextChange returns the first day after asOf on which time alone changes tier or colour, or no day when it never does.
//
// It does not try every day. Between events (a record leaves the window or crosses into another block of 30 days, a deadline passes)
// masses only fade, by at most a known share a day, so from the distance to the nearest cut follows a number of days on which nothing
// can happen. A day is only returned after it was graded exactly.
func (a *Assessor) NextChange(e *Evidence, asOf registry.Day) registry.Day {
	all := e.facts
	defer func() { e.facts = all }()
	now := a.Assess(e, asOf)
	e.facts = all[:len(a.weighed)] // what happens later is not time alone
	for day := asOf; ; {
		event := a.nextEvent(e, day)
		if event == noDay && a.faded() {
			return 0
		}
		day = min(event, day+1+registry.Day(a.calmDays(int(e.Risk), &now)))
		then := a.Assess(e, day)
		if then.Tier != now.Tier || then.Colour != now.Colour {
			return day
		}
		now = then
	}
}

// faded reports whether no fact has any mass left that could fade.
func (a *Assessor) faded() bool {
	if a.checks > 0 {
		return false
	}
	for i := range a.weighed {
		if a.weighed[i].bad > 0 || a.weighed[i].good > 0 {
			return false
		}
	}
	return true
}

// nextEvent returns the first day after day on which something other than fading happens.
func (a *Assessor) nextEvent(e *Evidence, day registry.Day) registry.Day {
	next := noDay
	consider := func(candidate registry.Day) {
		if candidate > day && candidate < next {
			next = candidate
		}
	}
	if a.since > 0 && int(day-a.since) <= a.model.Window {
		consider(day + blockDays - (day-a.since+1)%blockDays)
	}
	for i := range a.weighed {
		f, w := &e.facts[i], &a.weighed[i]
		consider(f.ProvisionalUntil + 1)
		consider(f.RectifyBy + 1)
		consider(f.RectifiedOn)
		if w.note == noteVoided || int(day-f.OccurredOn) > a.model.Window {
			continue
		}
		consider(f.OccurredOn + registry.Day(a.model.Window) + 1)
		if w.fresh > 0 {
			a.considerBad(f, w, day, consider)
		}
	}
	return next
}

// considerBad adds the days on which a bad record moves to the next block of 30 days, or grows old enough for a gate.
func (a *Assessor) considerBad(f *Fact, w *weighed, day registry.Day, consider func(registry.Day)) {
	if w.dimension == Complaint || w.dimension == Compliance {
		consider(day + blockDays - (day-f.OccurredOn)%blockDays)
	}
	for i := range a.model.Tiers {
		for _, gate := range a.model.Tiers[i].Gates {
			a.considerCondition(f, &gate, consider)
		}
	}
	for i := range a.model.Vetoes {
		a.considerCondition(f, &a.model.Vetoes[i].Condition, consider)
	}
}

func (a *Assessor) considerCondition(f *Fact, c *Condition, consider func(registry.Day)) {
	if c.Fact == DaysSinceWorseThanMinor || c.Fact == DaysSinceWorseThanMajor {
		consider(f.OccurredOn + registry.Day(c.Value))
		consider(f.OccurredOn + registry.Day(c.Value) + 1)
	}
}

// calmDays returns a number of days during which fading alone cannot carry the index over a cut or the checks over a level.
func (a *Assessor) calmDays(risk int, now *Assessment) int {
	// A day fades every mass by the share `fastest` and the table and the masses round by far less than a thousandth of it.
	fastest := a.t.fastest * 1.001
	slack := 40 + 4*float64(len(a.weighed)) // ppm of index that rounding may add
	distance := math.Inf(1)
	for i := range a.model.Tiers {
		cut := float64(a.model.Tiers[i].IndexFrom) * 100
		margin := float64(a.model.Movement.Margin) * 100
		above := float64(now.IndexPPM) - cut + 50
		distance = min(distance, math.Abs(above)-slack, math.Abs(above-margin)-slack)
	}
	for i := range a.model.Vetoes {
		if c := &a.model.Vetoes[i].Condition; c.Fact == IndexWhileNew {
			above := float64(now.IndexPPM) - float64(c.Value)*100 + 50
			distance = min(distance, math.Abs(above)-slack, math.Abs(above-100)-slack) // on either side of the value
		}
	}
	calm := min(distance/(a.steepest(risk)*fastest*1e6+1e-9), a.checksCalm(now, fastest))
	return int(max(0, min(calm, 10_000)))
}

// steepest bounds how far the index (as a share of 1) moves while every mass fades by a small share s, divided by s. With N, G the
// fading masses, q the quiet mass and k, mu the peers, L = (x·l + k'·mu') / (x + k') where x = N + G, l = N/x, k' = k + q, mu' = k·mu/k';
// so dL/ds = |l − mu'|·k'·x/(x + k')², which is at most a quarter of |l − mu'| and smaller when x < k'.
func (a *Assessor) steepest(risk int) float64 {
	if len(a.inCase) > 1 {
		return 0.25 // which record counts for a case may change from day to day
	}
	total := 0.0
	for d := range a.t.weight {
		var quiet tally
		a.addQuietOf(d, &quiet)
		k := float64(a.t.k[risk][d] + quiet.good[d])
		mu := float64(a.t.kMu[risk][d]) / k
		bad, x := float64(a.sum.bad[d]), float64(a.sum.bad[d]+a.sum.good[d]-quiet.good[d])
		if x <= 0 {
			continue
		}
		gap := math.Abs(bad/x - mu)
		if x < k {
			total += gap * k * x / ((x + k) * (x + k)) * float64(a.t.weight[d]) / 1000
		} else {
			total += gap / 4 * float64(a.t.weight[d]) / 1000
		}
	}
	return total
}

// checksCalm returns for how many days the fading number of checks stays in its evidence level.
func (a *Assessor) checksCalm(now *Assessment, fastest float64) float64 {
	if now.Evidence == registry.EvidenceNone {
		return math.Inf(1)
	}
	above := float64(now.Checks - a.t.levels[now.Evidence-1] - int64(len(a.weighed)) - 2)
	return above / (float64(now.Checks) * fastest)
}
