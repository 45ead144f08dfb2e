package scoring

import (
	"context"
	"fmt"
	"math"
	"time"

	"healthcode/registry"
)

// Simulation shows what a model would change if it took the place of another: over everybody, by group, and who moves. All but Published
// compares the grades that the evidence earns; movement then publishes a fall at once and a rise step by step.
type Simulation struct {
	AsOf        registry.Day  `json:"as_of"`
	KnownAt     time.Time     `json:"known_at,omitzero"` // when the columns were read; filled in by who read them
	Before      ModelName     `json:"before"`
	After       ModelName     `json:"after"`
	Enterprises int           `json:"enterprises"`
	Colours     MoveTable     `json:"colours"`
	Tiers       MoveTable     `json:"tiers"`
	Index       []IndexBin    `json:"index"`
	MeanBefore  float64       `json:"mean_index_before"` // in points, 0 to 100
	MeanAfter   float64       `json:"mean_index_after"`
	Groups      []GroupShifts `json:"groups"` // one for each attribute; product risk is the last
	Moved       int           `json:"moved"`  // whose tier or colour differs
	Moves       Moves         `json:"moves"`
	Published   *Publication  `json:"published,omitempty"` // when asked for
}

// IndexBin counts the enterprises whose index lies in [From, From + 5) points; the last bin holds 100 too.
type IndexBin struct {
	From   int `json:"from"`
	Before int `json:"before"`
	After  int `json:"after"`
}

// GroupShifts is the breakdown by one attribute.
type GroupShifts struct {
	Attribute string       `json:"attribute"`
	Values    []GroupShift `json:"values"` // in the order of the attribute's values, those without enterprises left out
}

// GroupShift is what changes for the enterprises that share a value of an attribute.
type GroupShift struct {
	Value       string  `json:"value"`
	Name        string  `json:"name,omitempty"` // of a county, filled in by who knows names
	Enterprises int     `json:"enterprises"`
	Before      []int   `json:"before"` // by colour, in the order of Simulation.Colours.Names
	After       []int   `json:"after"`
	Better      int     `json:"better"` // whose colour becomes better
	Worse       int     `json:"worse"`
	MeanChange  float64 `json:"mean_change"` // of the index, in points
}

// Attribute sorts enterprises into groups: a code for each enterprise, in the order of the columns, is the place of its value.
type Attribute struct {
	Name   string
	Values []string
	Codes  []uint16
}

// SimulateOptions say what to show and how to work.
type SimulateOptions struct {
	PassOptions
	Attributes []Attribute
	Moves      MoveQuery
	Before     *Grades // the grades by the first model on that day, when the caller has them from an earlier simulation
	Published  bool    // also what would be published on that day, which takes about a hundred times as long
}

// Simulate grades everybody by two models as of a day and compares. It stops early, with the context's error, when the context ends.
// The same columns, models and day give the same result, whatever the number of workers.
func Simulate(ctx context.Context, c *Columns, before, after *Model, asOf registry.Day, o SimulateOptions) (*Simulation, error) {
	for _, a := range o.Attributes {
		if len(a.Codes) != c.Len() {
			return nil, fmt.Errorf("simulate: attribute %s has %d codes for %d enterprises", a.Name, len(a.Codes), c.Len())
		}
	}
	p := &comparison{c: c, before: o.Before, after: NewGrades(c.Len())}
	passes, progress := int64(2), o.Progress
	if p.before == nil {
		p.before = NewGrades(c.Len())
		o.Progress = inTwo(progress, 0)
		if err := c.Grade(ctx, before, asOf, p.before, o.PassOptions); err != nil {
			return nil, fmt.Errorf("simulate: %w", err)
		}
	} else {
		passes = 1
	}
	o.Progress = progress
	if passes == 2 {
		o.Progress = inTwo(progress, int64(c.Len()))
	}
	if err := c.Grade(ctx, after, asOf, p.after, o.PassOptions); err != nil {
		return nil, fmt.Errorf("simulate: %w", err)
	}
	s := p.compare(o)
	s.AsOf, s.Before, s.After = asOf, before.Name(), after.Name()
	if o.Published {
		o.Progress = progress
		if err := s.publish(ctx, c, before, after, o); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// inTwo makes one progress of two passes.
func inTwo(progress func(done, total int64), start int64) func(done, total int64) {
	if progress == nil {
		return nil
	}
	return func(done, total int64) { progress(start+done, 2*total) }
}

// comparison holds the grades of everybody before and after.
type comparison struct {
	c             *Columns
	before, after *Grades
}

func (p *comparison) compare(o SimulateOptions) *Simulation {
	s := &Simulation{Enterprises: p.c.Len(), Colours: newMoveTable(coloursInOrder), Tiers: newMoveTable(tiersInOrder), Index: newIndexBins()}
	var sumBefore, sumAfter int64
	for i := range p.c.Len() {
		s.Colours.Matrix[colourPlaces[p.before.Colour[i]]][colourPlaces[p.after.Colour[i]]]++
		s.Tiers.Matrix[tierPlaces[p.before.Tier[i]]][tierPlaces[p.after.Tier[i]]]++
		if p.before.Tier[i] != p.after.Tier[i] || p.before.Colour[i] != p.after.Colour[i] {
			s.Moved++
		}
		s.Index[binOf(p.before.Index[i])].Before++
		s.Index[binOf(p.after.Index[i])].After++
		sumBefore += int64(p.before.Index[i])
		sumAfter += int64(p.after.Index[i])
	}
	s.Colours.sum()
	s.Tiers.sum()
	s.MeanBefore, s.MeanAfter = mean(sumBefore, s.Enterprises), mean(sumAfter, s.Enterprises)
	for _, a := range append(o.Attributes[:len(o.Attributes):len(o.Attributes)], p.c.riskAttribute()) {
		s.Groups = append(s.Groups, p.group(a))
	}
	s.Moves = p.moves(o.Moves)
	return s
}

// mean turns a sum of hundredths into a mean of points, rounded to thousandths.
func mean(sum int64, n int) float64 {
	if n == 0 {
		return 0
	}
	return math.Round(float64(sum)*10/float64(n)) / 1000
}

const binWidth = 500 // hundredths

func newIndexBins() []IndexBin {
	bins := make([]IndexBin, 10_000/binWidth)
	for i := range bins {
		bins[i].From = i * binWidth / 100
	}
	return bins
}

func binOf(index uint16) int { return min(int(index), 9999) / binWidth }

// The grades from best to worst, as names and as places.
var (
	tiersInOrder, tierPlaces     = order(registry.Tiers())
	coloursInOrder, colourPlaces = order(registry.Colours())
)

func order[T interface {
	~uint8
	String() string
}](grades []T) (names []string, place [8]int) {
	for i, grade := range grades {
		names = append(names, grade.String())
		place[grade] = i
	}
	return names, place
}

// sum fills in the margins of the matrix and the PSI.
func (m *MoveTable) sum() {
	for from, row := range m.Matrix {
		for to, n := range row {
			m.Before[from] += n
			m.After[to] += n
		}
	}
	m.PSI = math.Round(PSI(m.Before, m.After)*1e6) / 1e6
}

// riskAttribute groups enterprises by the risk of their products.
func (c *Columns) riskAttribute() Attribute {
	a := Attribute{Name: "risk", Codes: make([]uint16, c.Len())}
	for _, risk := range []registry.RiskLevel{registry.RiskGeneral, registry.RiskHigher, registry.RiskHigh} {
		a.Values = append(a.Values, risk.String())
	}
	for i, risk := range c.risk {
		a.Codes[i] = uint16(risk)
	}
	return a
}

func (p *comparison) group(a Attribute) GroupShifts {
	list, change := make([]GroupShift, len(a.Values)), make([]int64, len(a.Values))
	for v := range list {
		list[v] = GroupShift{Value: a.Values[v], Before: make([]int, len(coloursInOrder)), After: make([]int, len(coloursInOrder))}
	}
	for i, v := range a.Codes {
		g, before, after := &list[v], p.before.Colour[i], p.after.Colour[i]
		g.Enterprises++
		g.Before[colourPlaces[before]]++
		g.After[colourPlaces[after]]++
		change[v] += int64(p.after.Index[i]) - int64(p.before.Index[i])
		switch {
		case after < before:
			g.Better++
		case after > before:
			g.Worse++
		}
	}
	out := GroupShifts{Attribute: a.Name, Values: []GroupShift{}}
	for v := range list {
		if list[v].Enterprises > 0 {
			list[v].MeanChange = mean(change[v], list[v].Enterprises)
			out.Values = append(out.Values, list[v])
		}
	}
	return out
}
