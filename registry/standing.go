package registry

import (
	"cmp"
	"slices"
)

// ToldYears is for how many years bad facts may be told to others (Zhejiang's rules on public credit information of 2017: five years).
const ToldYears = 5

// Standing returns of an enterprise's records those that stand on a day, in the order given: of each its newest revision, unless it was voided or
// repaired, is of a later day, or is still open to objection and not critical. Revisions of one record follow each other, as the store returns them.
func Standing(records []Record, on Day) []Record {
	var standing []Record
	for i := range records {
		r := &records[i]
		if i+1 < len(records) && records[i+1].Source == r.Source && records[i+1].SourceRef == r.SourceRef {
			continue
		}
		open := r.State == StateProvisional && (r.ProvisionalUntil == 0 || on <= r.ProvisionalUntil)
		if r.State != StateVoided && r.State != StateRepaired && r.OccurredOn <= on && (!open || r.gravity() == SeverityCritical) {
			standing = append(standing, *r)
		}
	}
	return standing
}

// gravity is the severity of a record or of its worst finding.
func (r *Record) gravity() Severity { return max(r.Severity, r.Worst()) }

// OpenRectification is something found wrong whose re-inspection has not passed.
type OpenRectification struct {
	Kind        Kind     `json:"kind"`
	Severity    Severity `json:"severity,omitzero"`
	OccurredOn  Day      `json:"occurred_on"`
	RectifyBy   Day      `json:"rectify_by,omitzero"`
	ProductCode string   `json:"product_code,omitempty"`
}

// OpenRectifications returns what is to be rectified on a day according to standing records: failed spot checks, inspections with findings, and
// complaints, penalties, incidents and recalls that have a date for it; the newest first.
func OpenRectifications(standing []Record, on Day) []OpenRectification {
	open := []OpenRectification{}
	for i := range standing {
		r := &standing[i]
		rectified := r.RectifiedOn != 0 && r.RectifiedOn <= on
		if r.toRectify() && !rectified && r.OccurredOn >= on-ToldYears*366 {
			open = append(open, OpenRectification{r.Kind, r.gravity(), r.OccurredOn, r.RectifyBy, r.ProductCode})
		}
	}
	slices.SortStableFunc(open, func(a, b OpenRectification) int { return int(b.OccurredOn - a.OccurredOn) })
	return open
}

// toRectify reports whether a record found something wrong that a re-inspection is to pass. A suspicion is none.
func (r *Record) toRectify() bool {
	switch r.Kind {
	case KindSpotCheck, KindInspection:
		return r.gravity() != SeverityNone
	case KindComplaint, KindPenalty, KindIncident, KindRecall:
		return r.RectifyBy != 0 && !slices.Contains([]string{OutcomePending, OutcomeUnsubstantiated, OutcomeSuspected}, r.Outcome)
	default: // a risk signal is for the regulator, the others are no event
		return false
	}
}

// The states of a licence, beside the outcomes that end one.
const (
	LicenceValid   = "valid"
	LicenceExpired = "expired"
)

// LicenceState is a production licence as it stands on a day.
type LicenceState struct {
	Number      string `json:"number"`
	ProductCode string `json:"product_code,omitempty"`
	ValidFrom   Day    `json:"valid_from,omitzero"` // of the newest event that gave it
	ValidUntil  Day    `json:"valid_until,omitzero"`
	State       string `json:"state"` // LicenceValid, LicenceExpired, or how it ended: revoked, withdrawn, cancelled, lapsed
}

// LicencesOn returns the licences that standing records speak of, by number. Of several events the newest decides, of one day the one that ends it.
func LicencesOn(standing []Record, on Day) []LicenceState {
	var events []*Record
	for i := range standing {
		if _, ok := standing[i].Detail.(*Licence); ok {
			events = append(events, &standing[i])
		}
	}
	slices.SortStableFunc(events, func(a, b *Record) int {
		return cmp.Or(cmp.Compare(a.OccurredOn, b.OccurredOn), cmp.Compare(ending(a), ending(b)))
	})
	found := []LicenceState{}
	for _, r := range events {
		detail, _ := r.Detail.(*Licence)
		at := slices.IndexFunc(found, func(l LicenceState) bool { return l.Number == detail.Number })
		if at < 0 {
			at, found = len(found), append(found, LicenceState{Number: detail.Number})
		}
		found[at].learn(r, detail, on)
	}
	slices.SortFunc(found, func(a, b LicenceState) int { return cmp.Compare(a.Number, b.Number) })
	return found
}

func (l *LicenceState) learn(r *Record, detail *Licence, on Day) {
	if r.ProductCode != "" {
		l.ProductCode = r.ProductCode
	}
	if detail.ValidUntil != 0 {
		l.ValidUntil = detail.ValidUntil
	}
	if endsLicence(r.Outcome) {
		l.State = r.Outcome
		return
	}
	l.ValidFrom, l.State = r.OccurredOn, LicenceValid
	if l.ValidUntil != 0 && l.ValidUntil < on {
		l.State = LicenceExpired
	}
}

func endsLicence(outcome string) bool {
	return slices.Contains([]string{OutcomeRevoked, OutcomeWithdrawn, OutcomeCancelled, OutcomeLapsed}, outcome)
}

// ending puts events that end a licence after others of their day.
func ending(r *Record) int {
	if endsLicence(r.Outcome) {
		return 1
	}
	return 0
}

// Listed says that an enterprise stands on a list that another body keeps.
type Listed struct {
	List  string `json:"list"`
	Body  string `json:"body,omitempty"`
	Since Day    `json:"since"`
}

// ListedOn returns the lists of other bodies on which standing records put the enterprise, by name. On one day, being listed wins.
func ListedOn(standing []Record) []Listed {
	newest := map[string]*Record{}
	for i := range standing {
		r := &standing[i]
		detail, ok := r.Detail.(*ExternalCredit)
		if !ok || detail.List == "" || r.Outcome != OutcomeListed && r.Outcome != OutcomeDelisted {
			continue
		}
		before := newest[detail.List]
		if before == nil || r.OccurredOn > before.OccurredOn || r.OccurredOn == before.OccurredOn && r.Outcome == OutcomeListed {
			newest[detail.List] = r
		}
	}
	on := []Listed{}
	for name, r := range newest {
		if detail, ok := r.Detail.(*ExternalCredit); ok && r.Outcome == OutcomeListed {
			on = append(on, Listed{name, detail.Body, r.OccurredOn})
		}
	}
	slices.SortFunc(on, func(a, b Listed) int { return cmp.Compare(a.List, b.List) })
	return on
}
