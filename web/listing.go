package web

import (
	"strconv"

	"healthcode/registry"
	"healthcode/supervision"
)

// PublicListingPage shows a list to everybody: what it asks, who is on it, and where the data are.
type PublicListingPage struct {
	Page
	List      string
	Lists     []string // all of ours
	Basis     string
	Criteria  []CriterionLine // what is asked; nothing was looked at
	Version   int
	ValidFrom registry.Day
	Lasts     *ListingTerm
	Listed    int64
	Suspended int64
	Text      string
	County    string
	Counties  []Choice
	Rows      []ListingRow
	After     string // cursor of this page, empty on the first one
	Next      string // cursor of the next page, empty on the last one
	Licence   Licence
}

// ListingTerm says how long entries of a list last.
type ListingTerm struct {
	Years, ExitDays, NoticeDays int
}

// Licence says under which terms open data may be used.
type Licence struct {
	Name, URL, Attribution string
}

// ListingRow is one line of a list.
type ListingRow struct {
	List       string
	USCC       registry.USCC
	Name       string
	Region     string
	State      string
	Since      registry.Day
	Until      registry.Day
	AnswerBy   registry.Day
	Basis      string
	Commitment string
	Missed     []string
	Steps      []string // that may be taken
}

// Tone says how a state is shown: good or bad for the enterprise, on hold, or neither.
func (r ListingRow) Tone() string {
	switch {
	case r.State == "suspended":
		return "hold"
	case r.State != "listed":
		return "other"
	case r.List == "serious_violation":
		return "bad"
	}
	return "good"
}

// NextURL returns the next page of this list.
func (p PublicListingPage) NextURL() string { return p.with("after", p.Next) + "#list" }

// FirstURL returns the first page of this list.
func (p PublicListingPage) FirstURL() string { return p.with("after", "") + "#list" }

// Filtered reports whether the reader looks for something.
func (p PublicListingPage) Filtered() bool { return p.Text != "" || p.County != "" }

// CriterionLine says how one criterion stands.
type CriterionLine struct {
	Criterion string
	Met       bool
	Found     string // as supervision writes it
	Wanted    string
	On        registry.Day // when time alone will meet it; none: it takes more than time
}

// Wanted says in words what a criterion asks.
func (p Page) Wanted(l CriterionLine) (string, error) {
	switch l.Criterion {
	case "tier", "colour":
		return p.T("listing.at_least", p.Term(l.Criterion, l.Wanted))
	case "held", "registered":
		return p.T("listing.days_at_least", number(l.Wanted))
	case "commitment":
		return p.T("listing.commitment_wanted")
	case "serious_list":
		return p.T("listing.own_none")
	}
	return p.T("listing.none_wanted")
}

// Found says in words what a look found.
func (p Page) Found(l CriterionLine) (string, error) {
	switch {
	case l.Criterion == "commitment" || l.Criterion == "colour":
		if l.Found == "" {
			l.Found = "none"
		}
		return p.Term(map[string]string{"colour": "colour", "commitment": "listing_commitment"}[l.Criterion], l.Found), nil
	case l.Criterion == "tier":
		return p.Term("tier", l.Found), nil
	case l.Criterion == "held" || l.Criterion == "registered":
		return p.T("listing.days", number(l.Found))
	case l.Criterion == "serious_list" && l.Found == "true":
		return p.T("listing.is_on")
	case l.Criterion == "serious_list":
		return p.T("listing.own_none")
	case l.Found == "0":
		return p.T("listing.none_wanted")
	}
	return p.T("listing.found", number(l.Found))
}

func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// ListingReason is the reason of a step in words: that of a step that followed by itself in the reader's language, any other as it was written.
func (p Page) ListingReason(reason string) string {
	switch reason {
	case supervision.ReasonPenaltyVoided:
		return p.Term("listing_reason", "penalty_voided")
	case supervision.ReasonPenaltyRepaired:
		return p.Term("listing_reason", "penalty_repaired")
	case supervision.ReasonObjectionUpheld:
		return p.Term("listing_reason", "objection_upheld")
	}
	return reason
}

// OwnListing is how an enterprise stands with a list, on its own page.
type OwnListing struct {
	ListingRow
	ByHand   bool
	MetSince registry.Day
	Criteria []CriterionLine
	Eligible bool
	History  []ListingEventLine

	CanApply, CanWithdraw, CanNominate, CanNotice bool // of who looks at the page

	Penalties []Choice // that a notice can rest on
}

// Known reports whether the enterprise has ever had to do with the list.
func (o OwnListing) Known() bool { return o.State != "" }

// MissedNow is how many criteria are missed at present.
func (o OwnListing) MissedNow() (n int) {
	for _, c := range o.Criteria {
		if !c.Met {
			n++
		}
	}
	return n
}

// ListingEventLine is one step with a list.
type ListingEventLine struct {
	Step   string
	Day    registry.Day
	Author string
	Reason string
	Missed []string
}

// ListingDeskPage is where staff decide about lists.
type ListingDeskPage struct {
	Page
	List   string
	Lists  []string
	State  string // of the entries shown: a state, or "waiting"
	States []string
	Text   string
	Rows   []ListingRow
	Next   string
	Decide bool // the reader may take steps
}

// NextURL returns the next page of this list.
func (p ListingDeskPage) NextURL() string { return p.with("after", p.Next) }
