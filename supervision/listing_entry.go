package supervision

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"healthcode/registry"
)

// ListingEntry is an enterprise's standing with one list.
type ListingEntry struct {
	List     string
	USCC     registry.USCC
	State    ListingState
	Since    registry.Day // since when it is in this state
	ByHand   bool         // suspended by a person: only a person lets it return
	MetSince registry.Day // while suspended: since when every criterion is met again; none: one is missed

	Until    registry.Day // of the serious-violation list: the first day after the term
	AnswerBy registry.Day // of a notice: the last day to answer
	Basis    string       // legal basis, in words
	Penalty  RecordRef    // the penalty on which it rests
}

// RecordRef names a record by its source and the source's number.
type RecordRef struct {
	Source string `json:"source"`
	Ref    string `json:"source_ref"`
}

// Why a step cannot be taken.
var (
	ErrListingStep = errors.New("the state of the entry does not allow this step")
	ErrNoticeOpen  = errors.New("the days to answer the notice are not over")
	ErrExitEarly   = errors.New("the entry is too young to be let go early")
)

// Allows reports whether a step can be taken from a state of a list, whatever its day.
func Allows(list string, from ListingState, step ListingStep) bool {
	rule, ok := listingSteps[list][step]
	return ok && slices.Contains(rule.from, from)
}

// Take returns the entry after a step on a day. c are the criteria that hold on the day. ErrListingStep, ErrNoticeOpen or ErrExitEarly when the
// step cannot be taken.
func (e ListingEntry) Take(step ListingStep, c *Criteria, day registry.Day) (ListingEntry, error) {
	rule, ok := listingSteps[e.List][step]
	switch {
	case !ok || !slices.Contains(rule.from, e.State):
		return e, fmt.Errorf("%w: %s from %q", ErrListingStep, step, e.State)
	case step == StepList && e.State == StateNoticed && day <= e.AnswerBy:
		return e, fmt.Errorf("%w: until %s", ErrNoticeOpen, e.AnswerBy)
	case step == StepExit && day < e.Since+registry.Day(c.Term.ExitDays):
		return e, fmt.Errorf("%w: from %s", ErrExitEarly, e.Since+registry.Day(c.Term.ExitDays))
	case step == StepExpire && day < e.Until:
		return e, fmt.Errorf("%w: the term ends on %s", ErrListingStep, e.Until)
	}
	e.State, e.Since, e.ByHand, e.MetSince = rule.to, day, false, 0
	switch step {
	case StepNotice:
		e.AnswerBy, e.Until = day+registry.Day(c.Term.NoticeDays), 0
	case StepList:
		e.AnswerBy = 0
		if c.Term != nil {
			e.Until = registry.DayOf(day.Time().AddDate(c.Term.Years, 0, 0).Add(12 * time.Hour))
		}
	}
	return e, nil
}

// The reasons of steps that follow from something else than a decision about the entry. The pages have words for them.
const (
	ReasonPenaltyVoided   = "the penalty was voided"
	ReasonPenaltyRepaired = "the penalty was repaired"
	ReasonObjectionUpheld = "an objection was upheld"
)

// FollowPenalty says what becomes of a notice or an entry of the serious-violation list on a day when the penalty on which it rests does not stand any
// more: the step that follows, if any, and why. A notice leads to nothing. An entry ends when the penalty was voided, or repaired before its time. That
// the publication of the penalty ended by time alone says nothing against the entry, which has a term of its own. restarted is as in PublicationOf.
func (e *ListingEntry) FollowPenalty(penalty registry.Record, restarted, day registry.Day) (step ListingStep, reason string) {
	switch penalty.State {
	case registry.StateVoided:
		reason = ReasonPenaltyVoided
	case registry.StateRepaired:
		reason = ReasonPenaltyRepaired
	default:
		return "", ""
	}
	shown := penalty
	shown.State = registry.StateFinal
	switch {
	case e.List != ListSerious:
	case e.State == StateNoticed:
		return StepRefuse, reason
	case e.State == StateListed && (penalty.State == registry.StateVoided || !Ended(&shown, restarted, day)):
		return StepRemove, reason
	}
	return "", ""
}

// Follow says what has become of an entry by itself on a day, when its criteria are met or not: the step that follows, if any, and since when
// everything is met again. A listed merchant that misses a criterion is suspended; it returns when everything has been met for the days of
// return, unless a person suspended it; a long suspension ends the listing. An entry of the serious-violation list ends with its term.
func (e *ListingEntry) Follow(c *Criteria, met bool, day registry.Day) (step ListingStep, metSince registry.Day) {
	switch {
	case e.List == ListSerious && e.State == StateListed && day >= e.Until:
		return StepExpire, 0
	case e.List != ListTrusted:
		return "", e.MetSince
	case e.State == StateListed && !met:
		return StepSuspend, 0
	case e.State != StateSuspended:
		return "", 0
	case !met && c.Asked.RemoveDays > 0 && day >= e.Since+registry.Day(c.Asked.RemoveDays):
		return StepRemove, 0
	case !met:
		return "", 0
	}
	if metSince = e.MetSince; metSince == 0 {
		metSince = day
	}
	if !e.ByHand && day >= metSince+registry.Day(c.Asked.ReturnDays) {
		return StepResume, 0
	}
	return "", metSince
}
