package scoring

import "healthcode/registry"

// cause returns the circumstance that a fact raises on the day of the last assessment. A fact raises one at most. The gates that look
// back at grave records are not here: RecordPoints.GateSeverity answers for them.
func (a *Assessor) cause(e *Evidence, i int) (c Circumstance, raised bool) {
	f, w := &e.facts[i], &a.weighed[i]
	if w.note == noteVoided || w.note == noteProvisional || f.state == stateRepaired {
		return 0, false
	}
	switch f.kind {
	case kindLicence:
		return LicencesRevoked, f.outcome == outcomeRevoked && !a.grantedAgain(e, f)
	case kindExternalCredit:
		listed := f.outcome == outcomeListed && f.Subject == registry.ListSeriousViolation
		return SeriousViolationListed, listed && a.state[SeriousViolationListed] > 0 && f.OccurredOn == a.listedOn
	case kindSpotCheck, kindInspection:
		return a.causeOfCheck(e, f)
	}
	return 0, false
}

func (a *Assessor) causeOfCheck(e *Evidence, f *Fact) (c Circumstance, raised bool) {
	if int(a.asOf-f.OccurredOn) > a.model.Window || (f.RectifiedOn != 0 && f.RectifiedOn <= a.asOf) {
		return 0, false
	}
	failed := f.kind == kindSpotCheck && f.outcome == outcomeFail
	switch {
	case f.outcome == outcomeRefused:
		return ChecksRefused, a.state[ChecksRefused] > 0 && !a.checkedAfter(e, f)
	case failed && f.Severity == registry.SeverityCritical:
		return CriticalFailuresNotRectified, true
	case failed && f.Severity == registry.SeverityMajor:
		return MajorFailuresOverdue, f.RectifyBy != 0 && a.asOf > f.RectifyBy
	}
	return 0, false
}

// checkedAfter reports whether a check was completed on a day after a refusal.
func (a *Assessor) checkedAfter(e *Evidence, refused *Fact) bool {
	for i := range a.weighed {
		f, w := &e.facts[i], &a.weighed[i]
		check := (f.kind == kindSpotCheck || f.kind == kindInspection) && f.outcome != outcomeRefused
		stands := w.note != noteVoided && w.note != noteProvisional && f.state != stateRepaired
		if check && stands && f.OccurredOn > refused.OccurredOn {
			return true
		}
	}
	return false
}

// gateSeverity returns the severity that a fact has in gates which look back at grave records, or none when they do not see it.
func (a *Assessor) gateSeverity(e *Evidence, i int) registry.Severity {
	f := &e.facts[i]
	if a.weighed[i].fresh == 0 || f.kind == kindCapability || f.kind == kindSelfInspection {
		return registry.SeverityNone
	}
	b := a.baseOf(f)
	return b.level
}

// itemStates tells of every capability item of the model what the newest word in the window is.
func (a *Assessor) itemStates(e *Evidence) []ItemState {
	items := make([]ItemState, len(a.model.Items))
	for at, name := range a.model.Items {
		items[at].Item = name
		if i := a.items[at] - 1; i >= 0 {
			f := &e.facts[i]
			items[at].Outcome, items[at].Source, items[at].SourceRef = f.Outcome(), f.Source, f.SourceRef
			items[at].Held = f.outcome == outcomeHeld || f.outcome == outcomeOnTime
		}
	}
	return items
}
