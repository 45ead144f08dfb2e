package scoring

import (
	"cmp"
	"slices"

	"healthcode/registry"
)

// actionSource is the source of the facts that an action brings.
const actionSource = "path_up"

// trials lists the actions that can be tried, most promising first, from what the last assessment found.
func (a *Assessor) trials(e *Evidence) []trial {
	var list []trial
	for i := range a.weighed {
		list = a.recordTrials(list, e, i)
	}
	list = a.itemTrials(list, e)
	if a.state[SeriousViolationListed] > 0 {
		list = append(list, a.bring(Action{Code: ActionDelist, Kind: registry.KindExternalCredit}, registry.OutcomeDelisted, registry.ListSeriousViolation))
	}
	list = append(list, a.bring(Action{Code: ActionPassCheck, Kind: registry.KindSpotCheck}, registry.OutcomePass, ""))
	slices.SortStableFunc(list, func(x, y trial) int {
		if x.first != y.first {
			if x.first {
				return -1
			}
			return 1
		}
		return cmp.Compare(y.weight, x.weight)
	})
	return list[:min(len(list), maxActions)]
}

// recordTrials adds what can be done about one record that stands.
func (a *Assessor) recordTrials(list []trial, e *Evidence, i int) []trial {
	f, w := &e.facts[i], &a.weighed[i]
	if w.note == noteVoided || w.note == noteProvisional || f.state == stateRepaired {
		return list
	}
	if f.kind == kindLicence || f.kind == kindCertification {
		return a.licenceTrials(list, e, i)
	}
	if w.note == noteOutsideWindow || (w.fresh == 0 && !failed(f)) {
		return list
	}
	_, raises := a.cause(e, i)
	t := trial{action: actionOn(f), at: int32(i), change: *f, first: raises, weight: w.bad * a.t.weight[w.dimension]}
	if rectified := f.RectifiedOn != 0 && f.RectifiedOn <= a.asOf; registry.Kinds[f.Kind()].Event && !rectified {
		t.action.Code, t.change.RectifiedOn = ActionRectify, a.asOf
		list = append(list, t)
	}
	if f.Kind().CanBeRepaired() {
		t.action.Code, t.change = ActionRepair, *f
		t.change.state = stateRepaired
		list = append(list, t)
	}
	return list
}

func failed(f *Fact) bool { return f.kind == kindSpotCheck && f.outcome == outcomeFail }

func actionOn(f *Fact) Action {
	return Action{Source: f.Source, SourceRef: f.SourceRef, Kind: f.Kind(), Severity: f.Severity, OccurredOn: f.OccurredOn,
		ProductCode: f.ProductCode, Subject: f.Subject}
}

// licenceTrials adds the renewal of what lapsed and the new grant of what was revoked, once for each number.
func (a *Assessor) licenceTrials(list []trial, e *Evidence, i int) []trial {
	f := &e.facts[i]
	action, outcome := actionOn(f), registry.OutcomeGranted
	_, raises := a.cause(e, i)
	switch {
	case raises:
		action.Code = ActionRegain
	case f.outcome == outcomeLapsed && a.weighed[i].fresh > 0 && !a.revokedToo(e, f):
		action.Code, outcome = ActionRenew, registry.OutcomeRenewed
	default:
		return list
	}
	for _, t := range list {
		if t.action.Code == action.Code && t.action.Kind == action.Kind && t.action.Subject == action.Subject && t.action.ProductCode == action.ProductCode {
			return list
		}
	}
	return append(list, a.bring(action, outcome, f.Subject))
}

// revokedToo reports whether what lapsed stands revoked: then it must be granted again, and renewing is no way.
func (a *Assessor) revokedToo(e *Evidence, lapsed *Fact) bool {
	return slices.ContainsFunc(a.revoked, func(i int32) bool {
		f := &e.facts[i]
		alike := f.Subject == lapsed.Subject || (f.ProductCode != "" && f.ProductCode == lapsed.ProductCode)
		return f.kind == lapsed.kind && alike && !a.grantedAgain(e, f)
	})
}

// itemTrials adds the capability items that are not held.
func (a *Assessor) itemTrials(list []trial, e *Evidence) []trial {
	for _, item := range a.itemStates(e) {
		if item.Held {
			continue
		}
		action, outcome := Action{Code: ActionHoldItem, Kind: registry.KindCapability, Subject: item.Item}, registry.OutcomeHeld
		if item.Item == registry.ItemSelfInspection {
			action.Code, action.Kind, outcome = ActionReport, registry.KindSelfInspection, registry.OutcomeOnTime
		}
		list = append(list, a.bring(action, outcome, item.Item))
	}
	return list
}

// bring returns the trial of a new record, dated on the day itself.
func (a *Assessor) bring(action Action, outcome, subject string) trial {
	return trial{action: action, at: -1, first: true, change: Fact{Source: actionSource, SourceRef: string(action.Code) + " " + subject, Revision: 1,
		OccurredOn: a.asOf, kind: kindNumbers[action.Kind], outcome: outcomeNumbers[outcome], Subject: subject, ProductCode: action.ProductCode}}
}
