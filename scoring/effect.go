package scoring

import "healthcode/registry"

// Effect is what a model would change for everybody: the grades that the same evidence earns on the same day under two models. Movement
// lets rises follow later, a step a cycle.
type Effect struct {
	Before      ModelName    `json:"before"`
	After       ModelName    `json:"after"`
	AsOf        registry.Day `json:"as_of"`
	Enterprises int          `json:"enterprises"`
	Moved       int          `json:"moved"` // whose tier or colour differs
	MeanBefore  float64      `json:"mean_before"`
	MeanAfter   float64      `json:"mean_after"` // of the index, in points
	Tiers       MoveTable    `json:"tiers"`
	Colours     MoveTable    `json:"colours"`
}

// MoveTable counts enterprises by what they have before (rows) and after (columns), both in the order of Names.
type MoveTable struct {
	Names  []string `json:"names"`
	Matrix [][]int  `json:"matrix"`
	Before []int    `json:"before"`
	After  []int    `json:"after"`
	PSI    float64  `json:"psi"` // of after beside before
}

func newMoveTable(names []string) MoveTable {
	m := MoveTable{Names: names, Matrix: make([][]int, len(names)), Before: make([]int, len(names)), After: make([]int, len(names))}
	for i := range m.Matrix {
		m.Matrix[i] = make([]int, len(names))
	}
	return m
}

func (m *MoveTable) add(before, after int) {
	m.Matrix[before][after]++
	m.Before[before]++
	m.After[after]++
}

// Compare grades everybody by both models as of a day.
func Compare(source EvidenceSource, asOf registry.Day, before, after *Model, progress func(enterprises int)) (*Effect, error) {
	var tiers, colours []string
	for _, tier := range registry.Tiers() {
		tiers = append(tiers, tier.String())
	}
	for _, colour := range registry.Colours() {
		colours = append(colours, colour.String())
	}
	out := &Effect{Before: before.Name(), After: after.Name(), AsOf: asOf, Tiers: newMoveTable(tiers), Colours: newMoveTable(colours)}
	var sumBefore, sumAfter int64
	old, next := NewAssessor(before), NewAssessor(after)
	err := source(func(e *Evidence) error {
		x, y := old.Assess(e, asOf), next.Assess(e, asOf)
		out.add(&x, &y)
		sumBefore, sumAfter = sumBefore+int64(x.Index), sumAfter+int64(y.Index)
		if progress != nil {
			progress(out.Enterprises)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	n := int64(max(1, out.Enterprises))
	out.MeanBefore, out.MeanAfter = float64(divide(sumBefore, n))/100, float64(divide(sumAfter, n))/100
	for _, m := range []*MoveTable{&out.Tiers, &out.Colours} {
		m.PSI = rounded(PSI(m.Before, m.After))
	}
	return out, nil
}

func (e *Effect) add(x, y *Assessment) {
	e.Enterprises++
	if x.Tier != y.Tier || x.Colour != y.Colour {
		e.Moved++
	}
	e.Tiers.add(tierPlace(x.Tier), tierPlace(y.Tier))
	e.Colours.add(int(x.Colour-registry.ColourGreen), int(y.Colour-registry.ColourGreen))
}

// tierPlace is where a tier stands in registry.Tiers: NEW last.
func tierPlace(t registry.Tier) int {
	return (int(t) + 4) % 5
}

// OwnEffect is what a model would change for one enterprise.
type OwnEffect struct {
	USCC   registry.USCC `json:"uscc"`
	AsOf   registry.Day  `json:"as_of"`
	Before OwnGrade      `json:"before"`
	After  OwnGrade      `json:"after"`
}

// OwnGrade is one enterprise's grade under one model: the published one and what the evidence earns. Index in hundredths, losses by
// dimension in millionths.
type OwnGrade struct {
	Model        ModelName              `json:"model"`
	Index        int32                  `json:"index"`
	Tier         registry.Tier          `json:"tier"`
	Colour       registry.Colour        `json:"colour"`
	EarnedTier   registry.Tier          `json:"earned_tier"`
	EarnedColour registry.Colour        `json:"earned_colour"`
	Evidence     registry.EvidenceLevel `json:"evidence"`
	LossPPM      [dimensions]int32      `json:"loss_ppm"`
}

// CompareOne grades one enterprise by both models as of a day.
func CompareOne(e *Evidence, asOf registry.Day, before, after *Model) OwnEffect {
	own := func(m *Model) OwnGrade {
		g := NewAssessor(m).Grade(e, asOf)
		x := &g.Earned
		return OwnGrade{Model: m.Name(), Index: x.Index, Tier: g.Tier, Colour: g.Colour, EarnedTier: x.Tier, EarnedColour: x.Colour,
			Evidence: x.Evidence, LossPPM: x.LossPPM}
	}
	return OwnEffect{USCC: e.USCC, AsOf: asOf, Before: own(before), After: own(after)}
}
