package scoring

import "healthcode/registry"

// DecayTable opens the decay table to tests.
var DecayTable = decayTable

// ExplainEarned gives the earned grade and what caps it, without points.
func (a *Assessor) ExplainEarned(e *Evidence, day registry.Day) Explanation {
	x := a.Assess(e, day)
	return Explanation{Risk: e.Risk, Index: x.Index, Tier: x.Tier, Colour: x.Colour, Evidence: x.Evidence, Vetoes: a.vetoResults()}
}

// HasTerm reports whether differences of models have a word for a name.
func HasTerm(name string) bool {
	_, ok := modelTerms[name]
	return ok
}

// IntervalOf opens the percentile interval to tests.
var IntervalOf = interval

// RegionProblems validates rules for the colour of regions.
func RegionProblems(r *RegionRules) registry.Problems {
	c := &checker{}
	c.regionColour(r)
	return c.problems
}
