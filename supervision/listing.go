package supervision

import (
	"slices"

	"healthcode/registry"
)

// The lists that this program keeps.
const (
	ListTrusted = "trusted_merchant"            // 放心消费单位 (requirement J14)
	ListSerious = registry.ListSeriousViolation // 严重违法失信名单 (requirement J12)
)

// Lists names every list that this program keeps.
var Lists = []string{ListTrusted, ListSerious}

// ListingState is how an enterprise stands with a list.
type ListingState string

// The states. Nobody but the bureau and the enterprise knows of applied, noticed and refused.
const (
	StateNone      ListingState = ""          // it never had to do with the list
	StateApplied   ListingState = "applied"   // asked to be listed, or was nominated; a supervisor decides
	StateNoticed   ListingState = "noticed"   // told that it is to be listed (事先告知) and may answer
	StateRefused   ListingState = "refused"   // not listed: the application was refused, the notice led to nothing
	StateListed    ListingState = "listed"    // stands on the list
	StateSuspended ListingState = "suspended" // stands on the list and does not count as long as a criterion is missed
	StateRemoved   ListingState = "removed"   // taken off by decision, or after a long suspension
	StateWithdrawn ListingState = "withdrawn" // left by its own will
	StateExpired   ListingState = "expired"   // the term ended
	StateExited    ListingState = "exited"    // let go before the end of the term
)

// ListingStates lists the states in the order of screens.
var ListingStates = []ListingState{StateApplied, StateNoticed, StateListed, StateSuspended, StateRefused, StateRemoved, StateWithdrawn, StateExpired, StateExited}

// Public reports whether everybody may know of the state.
func (s ListingState) Public() bool { return s == StateListed || s == StateSuspended }

// Ended reports whether the enterprise was on the list and is no more, which partners who read listings may know.
func (s ListingState) Ended() bool {
	return slices.Contains([]ListingState{StateRemoved, StateWithdrawn, StateExpired, StateExited}, s)
}

// Waits reports whether a supervisor is to decide.
func (s ListingState) Waits() bool { return s == StateApplied || s == StateNoticed }

// ListingStep is one step of an enterprise with a list.
type ListingStep string

// The steps.
const (
	StepApply    ListingStep = "apply"    // by the enterprise
	StepNominate ListingStep = "nominate" // by staff
	StepNotice   ListingStep = "notice"   // staff tell the enterprise that it is to be listed
	StepList     ListingStep = "list"
	StepRefuse   ListingStep = "refuse"
	StepSuspend  ListingStep = "suspend"
	StepResume   ListingStep = "resume"
	StepRemove   ListingStep = "remove"
	StepWithdraw ListingStep = "withdraw"
	StepExpire   ListingStep = "expire"
	StepExit     ListingStep = "exit"
)

// listingSteps says for each list from which states a step leads to which.
var listingSteps = map[string]map[ListingStep]struct {
	from []ListingState
	to   ListingState
}{
	ListTrusted: {
		StepApply:    {[]ListingState{StateNone, StateRefused, StateRemoved, StateWithdrawn}, StateApplied},
		StepNominate: {[]ListingState{StateNone, StateRefused, StateRemoved, StateWithdrawn}, StateApplied},
		StepList:     {[]ListingState{StateApplied}, StateListed},
		StepRefuse:   {[]ListingState{StateApplied}, StateRefused},
		StepSuspend:  {[]ListingState{StateListed}, StateSuspended},
		StepResume:   {[]ListingState{StateSuspended}, StateListed},
		StepRemove:   {[]ListingState{StateListed, StateSuspended}, StateRemoved},
		StepWithdraw: {[]ListingState{StateApplied, StateListed, StateSuspended}, StateWithdrawn},
	},
	ListSerious: {
		StepNotice: {[]ListingState{StateNone, StateRefused, StateRemoved, StateExpired, StateExited}, StateNoticed},
		StepList:   {[]ListingState{StateNoticed}, StateListed},
		StepRefuse: {[]ListingState{StateNoticed}, StateRefused},
		StepExpire: {[]ListingState{StateListed}, StateExpired},
		StepExit:   {[]ListingState{StateListed}, StateExited},
		StepRemove: {[]ListingState{StateListed}, StateRemoved},
	},
}
