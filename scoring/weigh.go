package scoring

import "healthcode/registry"

// weigh gives every fact that had happened its mass and gathers the circumstances.
func (a *Assessor) weigh(e *Evidence, asOf registry.Day) {
	a.reset(e, asOf)
	for i := range e.facts {
		f := &e.facts[i]
		if f.OccurredOn > asOf {
			break
		}
		a.weighed = append(a.weighed, weighed{dimension: dimensions - 1, note: noteNoMass})
		a.weighOne(e, i, f)
	}
	a.countItems(e)
	a.countRevoked(e)
}

func (a *Assessor) reset(e *Evidence, asOf registry.Day) {
	a.weighed, a.inCase, a.revoked = a.weighed[:0], a.inCase[:0], a.revoked[:0]
	a.items = [20]int32{}
	a.asOf, a.since = asOf, e.RegisteredOn
	a.blocked = [dimensions]uint64{}
	a.checks, a.refusedOn, a.listedOn = 0, 0, 0
	a.state = [circumstances]int32{DaysSinceWorseThanMinor: never, DaysSinceWorseThanMajor: never}
}

// weighOne decides whether a fact counts at all, and with which mass.
func (a *Assessor) weighOne(e *Evidence, i int, f *Fact) {
	w := &a.weighed[i]
	b := a.baseOf(f)
	age := int(a.asOf - f.OccurredOn)
	switch {
	case f.state == stateVoided:
		w.note = noteVoided
		return
	case f.state == stateProvisional && (f.ProvisionalUntil == 0 || a.asOf <= f.ProvisionalUntil) && b.level < registry.SeverityCritical:
		w.note = noteProvisional
		return
	case f.state != stateRepaired:
		a.observe(e, i, f, &b, age)
	}
	if age > a.model.Window {
		w.note = noteOutsideWindow
		return
	}
	w.decay, w.block = a.t.decay[age], int32(age/blockDays)
	if (f.kind == kindSpotCheck || f.kind == kindInspection) && f.outcome != outcomeRefused {
		a.checks += aged(a.repaired(f, 1_000_000), w.decay)
	}
	if b.listed {
		a.mass(e, i, w, &b)
	}
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

// mass fills in the masses: e0 = base·purpose·stage·rectified / 10^6, then e = (e0·decay + 2^19) >> 20. Being rectified lightens bad
// evidence only.
func (a *Assessor) mass(e *Evidence, i int, w *weighed, b *base) {
	f := &e.facts[i]
	w.dimension, w.note = b.dimension, noteCounts
	rectified := int64(1000)
	if f.RectifiedOn != 0 && f.RectifiedOn <= a.asOf {
		rectified = a.model.Factors.Rectified
	}
	where := a.t.purpose[f.purpose] * a.t.stage[f.stage]
	w.fresh = a.repaired(f, divide(b.bad*where*rectified, 1_000_000))
	w.bad = aged(w.fresh, w.decay)
	w.good = aged(a.repaired(f, divide(b.good*where*1000, 1_000_000)), w.decay)
	if f.state == stateRepaired {
		w.note = noteRepaired
	}
	if f.kind == kindCapability || f.kind == kindSelfInspection {
		a.item(e, i, w)
		return
	}
	if w.fresh == 0 {
		return
	}
	a.blocked[w.dimension] |= 1 << w.block
	if f.caseNo != 0 {
		a.inCase = append(a.inCase, int32(i))
	}
	if b.level > registry.SeverityMinor {
		a.state[DaysSinceWorseThanMinor] = int32(a.asOf - f.OccurredOn)
	}
	if b.level > registry.SeverityMajor {
		a.state[DaysSinceWorseThanMajor] = int32(a.asOf - f.OccurredOn)
	}
}

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
	at := a.itemNumber(f.Subject)
	if at < 0 || f.state == stateRepaired {
		w.bad, w.good = 0, 0
		if at < 0 {
			w.note = noteNoMass
		}
		return
	}
	last := int(a.items[at]) - 1
	if last < 0 {
		a.items[at] = int32(i + 1)
		return
	}
	loser := i
	if f.OccurredOn > e.facts[last].OccurredOn || w.fresh > a.weighed[last].fresh {
		loser = last
		a.items[at] = int32(i + 1)
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

// countItems counts the items of the model about which the newest word in the window is not that they are held.
func (a *Assessor) countItems(e *Evidence) {
	for at := range a.model.Items {
		i := a.items[at] - 1
		if i < 0 || (e.facts[i].outcome != outcomeHeld && e.facts[i].outcome != outcomeOnTime) {
			a.state[ItemsNotHeld]++
		}
	}
}

// observe gathers what gates, vetoes and quiet time need to know from a fact that stands.
func (a *Assessor) observe(e *Evidence, i int, f *Fact, b *base, age int) {
	purelyBad := b.bad > 0 && b.good == 0
	if e.RegisteredOn == 0 && a.since == 0 && !purelyBad && f.outcome != outcomeRefused {
		a.since = f.OccurredOn
	}
	switch f.kind {
	case kindSpotCheck, kindInspection:
		if age <= a.model.Window {
			a.observeCheck(f)
		}
	case kindLicence:
		if f.outcome == outcomeRevoked {
			a.revoked = append(a.revoked, int32(i))
		}
	case kindExternalCredit:
		a.observeList(f)
	}
}

func (a *Assessor) observeCheck(f *Fact) {
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
	if f.kind != kindSpotCheck || f.outcome != outcomeFail || rectified {
		return
	}
	if f.Severity == registry.SeverityCritical {
		a.state[CriticalFailuresNotRectified]++
	}
	if f.Severity == registry.SeverityMajor && f.RectifyBy != 0 && a.asOf > f.RectifyBy {
		a.state[MajorFailuresOverdue]++
	}
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
