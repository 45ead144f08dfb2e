package scoring

import "healthcode/registry"

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
