package scoring

import "healthcode/registry"

// Movement says how a published grade follows the earned one (升降原则): a fall takes effect at once; a rise is one step a cycle, and only
// after the better grade was earned on every day of the cycle, with a margin above its cut.
type Movement struct {
	Cycle  int   `json:"cycle_days"`
	Margin int32 `json:"margin"` // hundredths of the index
}

// Standing is the published grade and how long a better one has been earned. Like an assessment it is a pure function of model, evidence
// and day: it follows from the grades that the evidence earned on all days before.
type Standing struct {
	Tier        registry.Tier
	Colour      registry.Colour
	TierSince   registry.Day // since when a better tier is earned without a break; no day: it is not
	ColourSince registry.Day // the same for the colour
}

// Grade is what is known of one enterprise on one day: the grade that the evidence earns and the one that is published.
type Grade struct {
	Earned Assessment
	Standing
}

// earnedOn is what one day's evidence earns, as movement needs it.
type earnedOn struct {
	tier, lead registry.Tier // lead: with every cut raised by the margin
	risk       registry.RiskLevel
	floor      registry.Colour // no better colour, by vetoes or for lack of evidence
}

// firstLook is how many days back a standing is followed at first. Three steps of a cycle of 30 days fit in.
const firstLook = 128

// Grade grades the evidence as of a day and follows the published grade up to it. Nothing that happened later is looked at.
func (a *Assessor) Grade(e *Evidence, asOf registry.Day) Grade {
	all := e.facts
	defer func() { e.facts = all }()
	e.facts = happened(all, asOf)
	standing := a.standing(e, asOf)
	return Grade{Earned: a.Assess(e, asOf), Standing: standing}
}

// happened returns the facts up to a day.
func happened(facts []Fact, asOf registry.Day) []Fact {
	n := len(facts)
	for n > 0 && facts[n-1].OccurredOn > asOf {
		n--
	}
	return facts[:n]
}

// standing follows the published grade. How it stood long ago seldom matters, so it is followed from a day a few months back twice, from
// the best and from the worst that can have been; movement keeps their order, so when they meet, that is how it stands. Otherwise it
// looks further back, at last to the day of the first fact.
func (a *Assessor) standing(e *Evidence, asOf registry.Day) Standing {
	first := asOf
	if len(e.facts) > 0 {
		first = e.facts[0].OccurredOn
	}
	for look := registry.Day(firstLook); ; look *= 4 {
		from := max(asOf-look, first)
		best, worst := a.follow(e, from, asOf)
		if best == worst || from == first {
			return best
		}
	}
}

// follow takes the best and the worst standing of a day to another day.
func (a *Assessor) follow(e *Evidence, from, to registry.Day) (best, worst Standing) {
	for day := from; day <= to; {
		x, until := a.earned(e, day)
		if day == from {
			best = Standing{Tier: x.tier, Colour: a.allowed(&x, x.tier)}
			worst = Standing{Tier: registry.TierC, Colour: registry.ColourRed}
		}
		for ; day < until && day <= to; day++ {
			a.step(&best, &x, day)
			a.step(&worst, &x, day)
		}
	}
	return best, worst
}

// earned returns what a day's evidence earns and the first day on which that may be different.
func (a *Assessor) earned(e *Evidence, day registry.Day) (x earnedOn, until registry.Day) {
	now := a.Assess(e, day)
	x = earnedOn{tier: now.Tier, lead: a.tierAt(&now, now.Index-a.model.Movement.Margin), risk: e.Risk}
	x.floor = a.floor(&now)
	until = a.nextEvent(e, day)
	if len(a.weighed) < len(e.facts) {
		until = min(until, e.facts[len(a.weighed)].OccurredOn)
	}
	return x, min(until, day+1+registry.Day(a.calmDays(int(e.Risk), &now)))
}

// allowed returns the colour that goes with a tier on that day.
func (a *Assessor) allowed(x *earnedOn, tier registry.Tier) registry.Colour {
	return max(a.t.matrix[x.risk][tier], x.floor)
}

// step takes a standing to a day on which x is earned.
func (a *Assessor) step(s *Standing, x *earnedOn, day registry.Day) {
	if s.Tier == registry.TierNew || x.tier == registry.TierNew || x.tier > s.Tier {
		s.Tier, s.TierSince = x.tier, 0 // a fall, or no grade to rise from
	}
	if a.held(&s.TierSince, x.lead != registry.TierNew && x.lead < s.Tier, day) {
		s.Tier--
		s.TierSince = 0
		if x.lead < s.Tier {
			s.TierSince = day
		}
	}
	allowed, lead := a.allowed(x, s.Tier), a.allowed(x, x.lead)
	if allowed > s.Colour {
		s.Colour, s.ColourSince = allowed, 0
	}
	if a.held(&s.ColourSince, lead < s.Colour, day) && allowed < s.Colour {
		s.Colour--
		s.ColourSince = 0
		if lead < s.Colour {
			s.ColourSince = day
		}
	}
}

// held notes since when something better is earned and reports whether that was so for a whole cycle.
func (a *Assessor) held(since *registry.Day, better bool, day registry.Day) bool {
	switch {
	case !better:
		*since = 0
	case *since == 0:
		*since = day
	}
	return *since != 0 && int(day-*since) >= a.model.Movement.Cycle
}

// Outlook says when time alone changes a standing; no day: never.
type Outlook struct {
	GradeOn    registry.Day // the published tier or colour
	StandingOn registry.Day // anything of the standing
}

// GradeAhead grades as Grade does and looks ahead.
func (a *Assessor) GradeAhead(e *Evidence, asOf registry.Day) (Grade, Outlook) {
	all := e.facts
	defer func() { e.facts = all }()
	e.facts = happened(all, asOf)
	standing := a.standing(e, asOf)
	var ahead Outlook
	ahead.GradeOn, ahead.StandingOn = a.moves(e, asOf, standing)
	return Grade{Earned: a.Assess(e, asOf), Standing: standing}, ahead
}

// moves follows a standing into the future.
func (a *Assessor) moves(e *Evidence, asOf registry.Day, now Standing) (grade, standing registry.Day) {
	then := now
	for day := asOf + 1; ; {
		x, until := a.earned(e, day)
		settled := a.faded() && a.nextEvent(e, day) == noDay
		if settled { // only rises are left, at most three of each
			until = day + registry.Day(8*a.model.Movement.Cycle)
		}
		for ; day < until; day++ {
			a.step(&then, &x, day)
			if then != now && standing == 0 {
				standing = day
			}
			if then.Tier != now.Tier || then.Colour != now.Colour {
				return day, standing
			}
		}
		if settled {
			return 0, standing
		}
	}
}
