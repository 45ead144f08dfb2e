package scoring

import (
	"math"
	"math/bits"

	"healthcode/registry"
)

// weigh gives every fact that had happened its mass and gathers the circumstances.
func (a *Assessor) weigh(e *Evidence, asOf registry.Day) {
	a.reset(e, asOf)
	if len(e.facts) > 0 {
		a.weighAll(e)
	}
	a.state[CriticalFailuresNotRectified], a.state[MajorFailuresOverdue] = a.alarms.critical, a.alarms.overdue
	a.state[DaysSinceWorseThanMinor], a.state[DaysSinceWorseThanMajor] = a.days()
	a.state[ItemsNotHeld] = int32(len(a.model.Items) - bits.OnesCount32(a.heldItems))
}

func (a *Assessor) reset(e *Evidence, asOf registry.Day) {
	a.weighed, a.inCase, a.revoked = a.weighed[:0], a.inCase[:0], a.revoked[:0]
	a.asOf, a.since, a.refusedOn, a.listedOn = asOf, e.RegisteredOn, 0, 0
	a.items, a.state = [20]int32{}, [circumstances]int32{}
	a.beforehand = e.summed
	if a.beforehand == nil {
		a.beforehand = &nothingSummed
	}
	a.marks, a.alarms, a.checks, a.heldItems = a.beforehand.marks, a.beforehand.alarms, a.beforehand.checks, a.beforehand.held
}

func (a *Assessor) weighAll(e *Evidence) {
	if cap(a.weighed) < len(e.facts) {
		a.weighed = make([]weighed, 0, 2*len(e.facts))
	}
	for i := range e.facts {
		f := &e.facts[i]
		if f.OccurredOn > a.asOf {
			break
		}
		a.weighed = a.weighed[:i+1]
		w := &a.weighed[i]
		*w = weighed{dimension: dimensions - 1, note: noteNoMass}
		a.weighOne(e, i, f, w)
	}
	if len(a.revoked) > 0 {
		a.countRevoked(e)
	}
}

// weighOne decides whether a fact counts at all, and with which mass.
func (a *Assessor) weighOne(e *Evidence, i int, f *Fact, w *weighed) {
	b := a.worthOf(f)
	age := int(a.asOf - f.OccurredOn)
	switch {
	case f.state == stateVoided:
		w.note = noteVoided
		return
	case f.state == stateProvisional && (f.ProvisionalUntil == 0 || a.asOf <= f.ProvisionalUntil) && b.level < registry.SeverityCritical:
		w.note = noteProvisional
		return
	case f.state != stateRepaired && (b.watched || a.since == 0):
		a.observe(e, i, f, b, age)
	}
	if age > a.model.Window {
		w.note = noteOutsideWindow
		return
	}
	w.decay, w.block = a.t.decay[age], int32(age/blockDays)
	if b.check != 0 {
		a.checks += aged(b.check, w.decay)
	}
	if !b.listed {
		return
	}
	a.mass(f, w, b)
	switch {
	case b.item:
		a.item(e, i, w)
	case w.fresh != 0:
		a.hurt(i, f, w, b)
	}
}

// worth is what a fact weighs whenever it happened: masses before ageing, in millionths of a check.
type worth struct {
	bad       [2]int64 // e0 = base·purpose·stage·rectified / 10^6: before and after rectification, which lightens bad evidence only
	good      int64
	atMost    int64 // bad mass in a block of 30 days
	check     int64 // what it adds to the number of checks
	dimension Dimension
	level     registry.Severity // in gates
	listed    bool              // the model gives it a mass
	purelyBad bool
	item      bool     // a word about a capability item
	watched   bool     // gates, vetoes and refusals ask for its kind; see observe
	worse     [2]int32 // −1 when its level is above minor, above major; else 0

	failsCritical, failsMajor int32 // 1 for a failed spot check of that severity
}

func oneIf(condition bool) int32 {
	if condition {
		return 1
	}
	return 0
}

// worthOf returns the worth of a fact, from the table of a grading pass when it stands there.
func (a *Assessor) worthOf(f *Fact) *worth {
	if f.class != 0 {
		return &a.worths[f.class]
	}
	a.computed = a.computeWorth(f)
	return &a.computed
}

func (a *Assessor) computeWorth(f *Fact) worth {
	b := a.baseOf(f)
	x := worth{dimension: b.dimension, level: b.level, listed: b.listed, purelyBad: b.bad > 0 && b.good == 0}
	x.item = f.kind == kindCapability || f.kind == kindSelfInspection
	x.watched = f.kind == kindSpotCheck || f.kind == kindInspection || f.kind == kindLicence || f.kind == kindExternalCredit
	x.worse = [2]int32{-oneIf(x.level > registry.SeverityMinor), -oneIf(x.level > registry.SeverityMajor)}
	x.atMost = math.MaxInt64
	if x.dimension == Complaint && a.t.cap > 0 {
		x.atMost = a.t.cap
	}
	if f.kind == kindSpotCheck && f.outcome == outcomeFail && f.state != stateRepaired {
		x.failsCritical, x.failsMajor = oneIf(f.Severity == registry.SeverityCritical), oneIf(f.Severity == registry.SeverityMajor)
	}
	where := a.t.purpose[f.purpose] * a.t.stage[f.stage]
	x.bad[0] = a.repaired(f, divide(b.bad*where*1000, 1_000_000))
	x.bad[1] = a.repaired(f, divide(b.bad*where*a.model.Factors.Rectified, 1_000_000))
	x.good = a.repaired(f, divide(b.good*where*1000, 1_000_000))
	if (f.kind == kindSpotCheck || f.kind == kindInspection) && f.outcome != outcomeRefused {
		x.check = a.repaired(f, oneCheck)
	}
	return x
}

// baseOf returns the base mass of a fact: by the table, or by the findings of a visit.
func (a *Assessor) baseOf(f *Fact) base {
	if f.kind != kindInspection {
		return a.t.base[f.kind&15][f.outcome&63][f.Severity&3]
	}
	if f.outcome == outcomeRefused {
		return base{}
	}
	v := &a.model.Visit
	worst := registry.SeverityNone
	switch {
	case f.Critical > 0:
		worst = registry.SeverityCritical
	case f.Major > 0:
		worst = registry.SeverityMajor
	case f.Minor > 0:
		worst = registry.SeverityMinor
	}
	bad := int64(f.Minor)*v.Bad.Minor + int64(f.Major)*v.Bad.Major + int64(f.Critical)*v.Bad.Critical
	return base{bad: min(bad, v.AtMost), good: v.Good.of(worst), dimension: Inspection, level: worst, listed: true}
}

// mass fills in the masses: e = (e0·decay + 2^19) >> 20.
func (a *Assessor) mass(f *Fact, w *weighed, b *worth) {
	w.dimension, w.note = b.dimension, noteCounts
	if f.state == stateRepaired {
		w.note = noteRepaired
	}
	w.fresh = b.bad[0]
	if f.RectifiedOn != 0 && f.RectifiedOn <= a.asOf {
		w.fresh = b.bad[1]
	}
	w.bad, w.good = aged(w.fresh, w.decay), aged(b.good, w.decay)
}

// hurt keeps what a record with bad mass is for quiet time, its case and the gates.
func (a *Assessor) hurt(i int, f *Fact, w *weighed, b *worth) {
	a.mark(b, uint32(w.block), int32(a.asOf-f.OccurredOn))
	if f.caseNo != 0 {
		a.inCase = append(a.inCase, int32(i))
	}
}

// alarms count failed spot checks that were not rectified: the critical ones, and the major ones past their rectification date.
type alarms struct{ critical, overdue int32 }

// raise adds a check when open is 1, not 0, by the day on which its rectification was due.
func (n *alarms) raise(b *worth, open int32, due, asOf registry.Day) {
	n.critical += b.failsCritical & open
	n.overdue += b.failsMajor & open & oneIf(uint32(due)-1 < uint32(asOf)-1) // no day is 0 and wraps around
}

// marks are what records with bad mass are for quiet time and gates.
type marks struct {
	blocked      [dimensions]uint64 // the blocks of 30 days that are not quiet
	minor, major int32              // never − days since the last bad record worse than minor, worse than major; 0: none
}

// mark adds a record of some age in days, in its block of 30.
func (m *marks) mark(b *worth, block uint32, age int32) {
	m.blocked[b.dimension] |= 1 << block
	m.minor = max(m.minor, (never-age)&b.worse[0])
	m.major = max(m.major, (never-age)&b.worse[1])
}

// days returns the days since the last bad record worse than minor, and worse than major.
func (m *marks) days() (minor, major int32) { return never - m.minor, never - m.major }

// repaired multiplies by the repair factor what has been repaired.
func (a *Assessor) repaired(f *Fact, mass int64) int64 {
	if f.state != stateRepaired {
		return mass
	}
	return divide(mass*a.model.Factors.Repaired, 1000)
}

// item keeps the newest word about a capability item; of two on one day, the worse.
func (a *Assessor) item(e *Evidence, i int, w *weighed) {
	f := &e.facts[i]
	at := int(f.item)
	if f.class == 0 {
		at = a.itemNumber(f.Subject)
	}
	if at < 0 || f.state == stateRepaired {
		w.bad, w.good = 0, 0
		if at < 0 {
			w.note = noteNoMass
		}
		return
	}
	last := int(a.items[at]) - 1
	if last < 0 {
		a.hear(at, i, f)
		return
	}
	loser := i
	if f.OccurredOn > e.facts[last].OccurredOn || w.fresh > a.weighed[last].fresh {
		loser = last
		a.hear(at, i, f)
	}
	l := &a.weighed[loser]
	l.fresh, l.bad, l.good, l.note, l.with = 0, 0, 0, noteReplaced, a.items[at]-1
}

func (a *Assessor) itemNumber(name string) int {
	for i, item := range a.model.Items {
		if item == name {
			return i
		}
	}
	return -1
}

// hear makes fact i the newest word about an item of the model.
func (a *Assessor) hear(at, i int, f *Fact) {
	a.items[at] = int32(i + 1)
	a.heldItems &^= 1 << at
	if saysHeld(f) {
		a.heldItems |= 1 << at
	}
}

func saysHeld(f *Fact) bool { return f.outcome == outcomeHeld || f.outcome == outcomeOnTime }

// observe gathers what gates, vetoes and quiet time need to know from a fact that stands.
func (a *Assessor) observe(e *Evidence, i int, f *Fact, b *worth, age int) {
	if e.RegisteredOn == 0 && a.since == 0 && !b.purelyBad && f.outcome != outcomeRefused {
		a.since = f.OccurredOn
	}
	switch f.kind {
	case kindSpotCheck, kindInspection:
		if age <= a.model.Window {
			a.observeCheck(f, b)
		}
	case kindLicence:
		if f.outcome == outcomeRevoked {
			a.revoked = append(a.revoked, int32(i))
		}
	case kindExternalCredit:
		a.observeList(f)
	}
}

func (a *Assessor) observeCheck(f *Fact, b *worth) {
	rectified := f.RectifiedOn != 0 && f.RectifiedOn <= a.asOf
	switch {
	case f.outcome == outcomeRefused:
		if !rectified {
			a.state[ChecksRefused]++
			a.refusedOn = f.OccurredOn
		}
		return
	case f.OccurredOn > a.refusedOn:
		a.state[ChecksRefused] = 0
	}
	a.alarms.raise(b, oneIf(!rectified), f.RectifyBy, a.asOf)
}

// observeList follows the list of seriously unlawful enterprises; on one day, being listed wins.
func (a *Assessor) observeList(f *Fact) {
	if f.Subject != registry.ListSeriousViolation {
		return
	}
	if f.outcome == outcomeListed {
		a.state[SeriousViolationListed], a.listedOn = 1, f.OccurredOn
	} else if f.OccurredOn > a.listedOn {
		a.state[SeriousViolationListed] = 0
	}
}

// countRevoked counts the revoked licences that were not granted again, by the same number or for the same product.
func (a *Assessor) countRevoked(e *Evidence) {
	for _, i := range a.revoked {
		if !a.grantedAgain(e, &e.facts[i]) {
			a.state[LicencesRevoked]++
		}
	}
}

func (a *Assessor) grantedAgain(e *Evidence, revoked *Fact) bool {
	for i := range a.weighed {
		f := &e.facts[i]
		alike := f.Subject == revoked.Subject || (f.ProductCode != "" && f.ProductCode == revoked.ProductCode)
		if f.kind == kindLicence && f.state == stateFinal && f.OccurredOn > revoked.OccurredOn && alike && grants[f.outcome] {
			return true
		}
	}
	return false
}

// grants holds the outcomes that leave an enterprise with a valid licence.
var grants = func() (set [64]bool) {
	for _, name := range []string{registry.OutcomeGranted, registry.OutcomeRenewed, registry.OutcomeRelocated, registry.OutcomeExtended,
		registry.OutcomeChanged, registry.OutcomeReplaced} {
		set[outcomeNumbers[name]] = true
	}
	return set
}()
