package supervision

import (
	"slices"
	"strconv"

	"healthcode/registry"
)

// The criteria of trusted merchants, in the order of every list.
const (
	CriterionTier       = "tier"
	CriterionColour     = "colour"
	CriterionHeld       = "held"
	CriterionRegistered = "registered"
	CriterionHazard     = "open_hazard"
	CriterionVeto       = "veto"
	CriterionSerious    = "serious_list"
	CriterionCommitment = "commitment"
)

// Criterions names every criterion, in its order.
var Criterions = []string{CriterionTier, CriterionColour, CriterionHeld, CriterionRegistered, CriterionHazard, CriterionVeto, CriterionSerious, CriterionCommitment}

// GradedOn is the grade that an enterprise had from a day on.
type GradedOn struct {
	On     registry.Day
	Tier   registry.Tier
	Colour registry.Colour
}

// ListingFacts is what criteria look at.
type ListingFacts struct {
	Grades       []GradedOn // newest first; the first is the present one, none when it was never graded
	RegisteredOn registry.Day
	Hazards      map[registry.Severity]int // what waits to be rectified, by severity
	Vetoes       int                       // that fire
	Serious      bool                      // stands on the serious-violation list
	Commitment   string                    // the newest word on its commitment: registry.OutcomeMade, OutcomeKept, OutcomeBroken, or nothing
}

// FactsOf returns what standing records say on a day. Grades, vetoes and the day of registration are filled in by the caller.
func FactsOf(standing []registry.Record, on registry.Day) ListingFacts {
	f := ListingFacts{Hazards: map[registry.Severity]int{}}
	for _, open := range registry.OpenRectifications(standing, on) {
		f.Hazards[open.Severity]++
	}
	for _, listed := range registry.ListedOn(standing) {
		f.Serious = f.Serious || listed.List == ListSerious
	}
	var newest registry.Day
	for i := range standing {
		r := &standing[i]
		if r.Kind != registry.KindCommitment || r.OccurredOn < newest || r.OccurredOn == newest && f.Commitment == registry.OutcomeBroken {
			continue // on one day, a broken word wins
		}
		newest, f.Commitment = r.OccurredOn, r.Outcome
	}
	return f
}

// CriterionResult says of one criterion whether it is met, what was found and what is wanted: names of grades, numbers of days or of things,
// or the word for the newest commitment.
type CriterionResult struct {
	Criterion string `json:"criterion"`
	Met       bool   `json:"met"`
	Found     string `json:"found"`
	Wanted    string `json:"wanted"`
}

// Check says of each criterion that is asked whether facts meet it on a day. A list that asks nothing has no results.
func (c *Criteria) Check(f *ListingFacts, day registry.Day) []CriterionResult {
	if c.Asked == nil {
		return nil
	}
	a, results := c.Asked, []CriterionResult{}
	add := func(asked bool, criterion string, met bool, found, wanted string) {
		if asked {
			results = append(results, CriterionResult{criterion, met, found, wanted})
		}
	}
	now := GradedOn{}
	if len(f.Grades) > 0 {
		now = f.Grades[0]
	}
	held, registered, hazards := a.heldDays(f.Grades, day), daysSince(f.RegisteredOn, day), f.hazardsFrom(a.NoHazard)
	add(a.Tier != registry.TierNew, CriterionTier, a.tierMet(now.Tier), now.Tier.String(), a.Tier.String())
	add(a.Colour != registry.ColourNone, CriterionColour, a.colourMet(now.Colour), now.Colour.String(), a.Colour.String())
	add(a.HeldDays > 0, CriterionHeld, held >= a.HeldDays, strconv.Itoa(held), strconv.Itoa(a.HeldDays))
	add(a.RegisteredDays > 0, CriterionRegistered, registered >= a.RegisteredDays, strconv.Itoa(registered), strconv.Itoa(a.RegisteredDays))
	add(a.NoHazard != registry.SeverityNone, CriterionHazard, hazards == 0, strconv.Itoa(hazards), "0")
	add(a.NoVeto, CriterionVeto, f.Vetoes == 0, strconv.Itoa(f.Vetoes), "0")
	add(a.NotSerious, CriterionSerious, !f.Serious, strconv.FormatBool(f.Serious), "false")
	kept := f.Commitment == registry.OutcomeMade || f.Commitment == registry.OutcomeKept
	add(a.Commitment, CriterionCommitment, kept, f.Commitment, registry.OutcomeMade)
	return results
}

// Missed names the criteria that are not met.
func Missed(results []CriterionResult) []string {
	missed := []string{}
	for _, r := range results {
		if !r.Met {
			missed = append(missed, r.Criterion)
		}
	}
	return missed
}

// tierMet reports whether a tier is at least the one asked for. NEW says that too little is known: it meets nothing that is asked.
func (a *Asked) tierMet(t registry.Tier) bool {
	return a.Tier == registry.TierNew || slices.Index(registry.Tiers(), t) <= slices.Index(registry.Tiers(), a.Tier)
}

func (a *Asked) colourMet(c registry.Colour) bool {
	return a.Colour == registry.ColourNone || c != registry.ColourNone && c <= a.Colour
}

// heldDays is for how many days tier and colour have been as good as asked, without a break.
func (a *Asked) heldDays(grades []GradedOn, day registry.Day) int {
	since := registry.Day(0)
	for _, g := range grades {
		if !a.tierMet(g.Tier) || !a.colourMet(g.Colour) {
			break
		}
		since = g.On
	}
	return daysSince(since, day)
}

func daysSince(since, day registry.Day) int {
	if since == 0 || since > day {
		return 0
	}
	return int(day - since)
}

func (f *ListingFacts) hazardsFrom(least registry.Severity) (n int) {
	for severity, count := range f.Hazards {
		if severity >= least {
			n += count
		}
	}
	return n
}
