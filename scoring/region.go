package scoring

import (
	"fmt"
	"sort"

	"healthcode/registry"
)

// RegionRules says how the colours of a region's enterprises make the region's own colour (区域分色): the first rule that holds gives
// it, otherwise the colour that remains. With fewer graded enterprises than AtLeast a region has no colour: missing data never reads
// as green.
type RegionRules struct {
	AtLeast   int64           `json:"at_least_enterprises"`
	Rules     []RegionRule    `json:"rules"`
	Otherwise registry.Colour `json:"otherwise"`
}

// RegionRule gives a colour when the share of enterprises that have one of some colours compares with a number, in thousandths.
type RegionRule struct {
	Colour   registry.Colour   `json:"colour"`
	Of       []registry.Colour `json:"of"`
	Operator string            `json:"operator"` // >=, >, <, <=
	Share    int64             `json:"share_milli"`
	AtLeast  int64             `json:"at_least,omitempty"` // with >= and >: and at least so many enterprises
}

// RegionCounts is how many enterprises of a region have each published colour.
type RegionCounts struct {
	Green  int64 `json:"green"`
	Blue   int64 `json:"blue"`
	Yellow int64 `json:"yellow"`
	Red    int64 `json:"red"`
}

// Add counts n more enterprises of a colour. Enterprises without a colour are not counted.
func (c *RegionCounts) Add(colour registry.Colour, n int64) {
	if at := c.at(colour); at != nil {
		*at += n
	}
}

// Of returns how many enterprises have a colour.
func (c *RegionCounts) Of(colour registry.Colour) int64 {
	if at := c.at(colour); at != nil {
		return *at
	}
	return 0
}

// Total returns how many enterprises have a colour at all.
func (c *RegionCounts) Total() int64 { return c.Green + c.Blue + c.Yellow + c.Red }

func (c *RegionCounts) at(colour registry.Colour) *int64 {
	switch colour {
	case registry.ColourGreen:
		return &c.Green
	case registry.ColourBlue:
		return &c.Blue
	case registry.ColourYellow:
		return &c.Yellow
	case registry.ColourRed:
		return &c.Red
	}
	return nil
}

// RegionGrade is the colour of a region with everything that led to it.
type RegionGrade struct {
	Colour      registry.Colour    `json:"colour,omitzero"` // none when too few enterprises are graded
	Enterprises int64              `json:"enterprises"`     // that have a colour
	Counts      RegionCounts       `json:"counts"`
	Shares      RegionCounts       `json:"shares_milli"` // thousandths of the enterprises, each rounded half up
	AtLeast     int64              `json:"at_least_enterprises"`
	TooFew      bool               `json:"too_few"`
	Rule        int                `json:"rule"` // that gave the colour, from 1; 0: none held, or too few enterprises
	Rules       []RegionRuleResult `json:"rules"`
	Otherwise   registry.Colour    `json:"otherwise"`
	Better      *RegionStep        `json:"better,omitempty"`
	Worse       *RegionStep        `json:"worse,omitempty"`
}

// RegionRuleResult is a rule with what it found.
type RegionRuleResult struct {
	RegionRule
	Count      int64 `json:"count"`        // enterprises of the rule's colours
	ShareFound int64 `json:"actual_milli"` // their share in thousandths, rounded half up
	Held       bool  `json:"held"`
}

// RegionStep says how far another colour is: fewer changes than Enterprises cannot bring it.
type RegionStep struct {
	Colour      registry.Colour `json:"colour"`
	Enterprises int64           `json:"enterprises"` // that would have to change, to green for the better, to red for the worse
	Rule        int             `json:"rule"`        // that would give the colour, from 1; 0: none would hold
}

// RegionColour gives a region the colour that the model's rules draw from the published colours of its enterprises, in whole numbers.
func RegionColour(m *Model, counts RegionCounts) RegionGrade {
	rules := &m.RegionColour
	g := RegionGrade{Enterprises: counts.Total(), Counts: counts, AtLeast: rules.AtLeast, Otherwise: rules.Otherwise,
		Rules: make([]RegionRuleResult, len(rules.Rules))}
	for i := range rules.Rules {
		rule := &rules.Rules[i]
		count := rule.count(&counts)
		g.Rules[i] = RegionRuleResult{RegionRule: *rule, Count: count, ShareFound: milli(count, g.Enterprises), Held: rule.holds(count, g.Enterprises)}
	}
	for _, colour := range registry.Colours() {
		*g.Shares.at(colour) = milli(counts.Of(colour), g.Enterprises)
	}
	if g.TooFew = g.Enterprises < rules.AtLeast || g.Enterprises == 0; g.TooFew {
		return g
	}
	g.Colour, g.Rule = rules.colour(&counts)
	g.Better, g.Worse = rules.step(counts, g.Colour, improved), rules.step(counts, g.Colour, worsened)
	return g
}

// milli is count as thousandths of total, rounded half up.
func milli(count, total int64) int64 {
	if total == 0 {
		return 0
	}
	return divide(count*1000, total)
}

func (r *RegionRule) count(counts *RegionCounts) (sum int64) {
	for _, colour := range r.Of {
		sum += counts.Of(colour)
	}
	return sum
}

// holds compares exactly: count/total with the share, without rounding.
func (r *RegionRule) holds(count, total int64) bool {
	left, right := count*1000, r.Share*total
	switch r.Operator {
	case ">=":
		return left >= right && count >= r.AtLeast
	case ">":
		return left > right && count >= r.AtLeast
	case "<":
		return left < right
	}
	return left <= right
}

// colour returns the colour of the first rule that holds and its place, from 1.
func (r *RegionRules) colour(counts *RegionCounts) (registry.Colour, int) {
	total := counts.Total()
	for i := range r.Rules {
		if rule := &r.Rules[i]; rule.holds(rule.count(counts), total) {
			return rule.Colour, i + 1
		}
	}
	return r.Otherwise, 0
}

// step finds the fewest enterprises whose change brings another colour. The rules never give better for worse (validation sees to it),
// so changing the worst ones to green, or the best ones to red, does as much as any change of as many enterprises can.
func (r *RegionRules) step(counts RegionCounts, now registry.Colour, change func(RegionCounts, int64) RegionCounts) *RegionStep {
	all := int(counts.Total())
	n := sort.Search(all+1, func(n int) bool {
		changed := change(counts, int64(n))
		colour, _ := r.colour(&changed)
		return colour != now
	})
	if n > all {
		return nil
	}
	changed := change(counts, int64(n))
	colour, rule := r.colour(&changed)
	return &RegionStep{Colour: colour, Enterprises: int64(n), Rule: rule}
}

// improved makes the n worst enterprises green.
func improved(c RegionCounts, n int64) RegionCounts {
	for _, from := range []*int64{&c.Red, &c.Yellow, &c.Blue} {
		moved := min(n, *from)
		*from -= moved
		c.Green += moved
		n -= moved
	}
	return c
}

// worsened makes the n best enterprises red.
func worsened(c RegionCounts, n int64) RegionCounts {
	for _, from := range []*int64{&c.Green, &c.Blue, &c.Yellow} {
		moved := min(n, *from)
		*from -= moved
		c.Red += moved
		n -= moved
	}
	return c
}

// regionColour refuses rules under which worse enterprises could make a better region. It is enough that each rule looks at the worst
// colours from some colour on (or at the best up to some colour), so that worse enterprises can only make it true (or only untrue),
// and that its colour is no better (or no worse) than everything that may come after it.
func (c *checker) regionColour(r *RegionRules) {
	const path = "region_colour"
	c.within(path+".at_least_enterprises", r.AtLeast, 1, 1_000_000)
	if len(r.Rules) > 20 {
		c.add(path+".rules", "too many", "at most 20")
	}
	best, worst := r.Otherwise, r.Otherwise
	if !isColour(r.Otherwise) {
		c.add(path+".otherwise", "is missing", "green, blue, yellow or red")
		return
	}
	for i := len(r.Rules) - 1; i >= 0; i-- {
		rule, at := &r.Rules[i], fmt.Sprintf("%s.rules[%d]", path, i)
		c.regionRule(at, rule)
		switch grows := rule.grows(); {
		case grows > 0 && rule.Colour < worst:
			c.add(at+".colour", rule.Colour.String()+" is better than "+worst.String()+", which may follow", "a colour no better than those after it: worse enterprises never make a better region")
		case grows < 0 && rule.Colour > best:
			c.add(at+".colour", rule.Colour.String()+" is worse than "+best.String()+", which may follow", "a colour no worse than those after it: worse enterprises never make a better region")
		}
		best, worst = min(best, rule.Colour), max(worst, rule.Colour)
	}
}

func (c *checker) regionRule(path string, r *RegionRule) {
	if !isColour(r.Colour) {
		c.add(path+".colour", "is missing", "green, blue, yellow or red")
	}
	upward, known := operatorUp[r.Operator]
	if !known {
		c.add(path+".operator", fmt.Sprintf("%.10q is not known", r.Operator), "one of >= > < <=")
	}
	if r.side() == 0 {
		c.add(path+".of", "is no row of neighbouring colours from one end", "the worst colours, such as red and yellow, or the best, such as green; each once, not all four")
	}
	c.within(path+".share_milli", r.Share, 0, 1000)
	c.within(path+".at_least", r.AtLeast, 0, 1_000_000)
	if r.AtLeast > 0 && !upward {
		c.add(path+".at_least", "makes no sense with "+r.Operator, "0, except with >= and >")
	}
}

// operatorUp tells the operators for which more enterprises can only make a rule true.
var operatorUp = map[string]bool{">=": true, ">": true, "<": false, "<=": false}

// grows returns 1 when worse enterprises can only make the rule true, -1 when they can only make it untrue, 0 when it is malformed.
func (r *RegionRule) grows() int {
	if operatorUp[r.Operator] {
		return r.side()
	}
	return -r.side()
}

// side returns 1 when the rule's colours are the worst ones from some colour on, -1 when they are the best ones, else 0.
func (r *RegionRule) side() int {
	var has [registry.ColourRed + 1]bool
	for _, colour := range r.Of {
		if !isColour(colour) || has[colour] {
			return 0
		}
		has[colour] = true
	}
	n := len(r.Of)
	if n == 0 || n == 4 {
		return 0
	}
	fromRed, fromGreen := 0, 0
	for has[registry.ColourRed-registry.Colour(fromRed)] {
		fromRed++
	}
	for has[registry.ColourGreen+registry.Colour(fromGreen)] {
		fromGreen++
	}
	switch n {
	case fromRed:
		return 1
	case fromGreen:
		return -1
	}
	return 0
}

func isColour(c registry.Colour) bool { return c >= registry.ColourGreen && c <= registry.ColourRed }
