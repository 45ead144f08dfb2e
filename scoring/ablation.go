package scoring

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// Without returns the model with the weight of one dimension set to 0 and the others scaled up in proportion, so that they add up to 1000
// again (largest remainder; ties: the first dimension). The result answers what a dimension adds; it is never in force. It fails when no
// other dimension has weight.
func (m *Model) Without(d Dimension) (*Model, error) {
	left := 1000 - m.Weights[d].Weight
	if left == 0 {
		return nil, fmt.Errorf("model %s/%d without %s has no weight left", m.Code, m.Version, d)
	}
	other := &Model{}
	if err := json.Unmarshal(m.source, other); err != nil {
		return nil, fmt.Errorf("copy model: %w", err)
	}
	type rest struct {
		dimension int
		remainder int64
	}
	var rests []rest
	missing := int64(1000)
	for i := range other.Weights {
		w := &other.Weights[i]
		if Dimension(i) == d {
			w.Weight = 0
			continue
		}
		rests = append(rests, rest{i, w.Weight * 1000 % left})
		w.Weight = w.Weight * 1000 / left
		missing -= w.Weight
	}
	slices.SortStableFunc(rests, func(a, b rest) int { return cmp.Compare(b.remainder, a.remainder) })
	for _, r := range rests[:missing] {
		other.Weights[r.dimension].Weight++
	}
	return other, other.compile()
}
