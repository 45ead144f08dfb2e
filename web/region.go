package web

import (
	"strings"

	"healthcode/registry"
)

// RegionsPage shows a region's colour with the rules that gave it, and the colours of the divisions that it holds.
type RegionsPage struct {
	Page
	Code     string       // none when the register has several cities: then only the divisions are shown
	Name     string       // full
	Parents  []Choice     // what holds the region, largest first: code and name
	AsOf     registry.Day // of the newest grade, 0 when there is none
	Model    string
	Grade    *RegionGrade
	Rules    []RegionRule
	Children []RegionRow
	Towns    bool // the divisions are townships
}

// RegionGrade is the colour of a region.
type RegionGrade struct {
	Colour      registry.Colour // none when too few enterprises are graded
	Enterprises int64
	AtLeast     int64
	Colours     []Bar
	Rule        int             // that gave the colour, from 1; 0: none held
	Otherwise   registry.Colour // the colour when no rule holds
	Better      *RegionStep
	Worse       *RegionStep
}

// RegionStep says how many enterprises would have to change for another colour.
type RegionStep struct {
	Colour      registry.Colour
	Enterprises int64
}

// RegionRule is one rule with what it found.
type RegionRule struct {
	Number   int
	Colour   registry.Colour
	Of       []registry.Colour
	Operator string
	Share    int64 // thousandths
	AtLeast  int64 // enterprises; 0: any number
	Count    int64
	Found    int64 // thousandths
	Held     bool
}

// RegionRow is one division of the list.
type RegionRow struct {
	Code        string
	Name        string
	Colour      registry.Colour
	Enterprises int64
	Colours     []Bar
}

// RegionMark is the mark of a region's colour: a region has a colour, enterprises have a code of a colour.
func (r RegionsPage) RegionMark(c registry.Colour) Mark {
	return Mark{Lang: r.Lang, Colour: c, Vocabulary: "region_colour"}
}

// ColourTerms lists the words of the colours, for the head of the list.
func (r RegionsPage) ColourTerms() []Choice {
	terms := []Choice{}
	for _, c := range registry.Colours() {
		terms = append(terms, Choice{c.String(), r.Term("colour", c.String())})
	}
	return terms
}

// Words says a rule in words: the colours that it counts, the share, the least number.
func (r RegionsPage) Words(rule RegionRule) (string, error) {
	names := make([]string, len(rule.Of))
	for i, colour := range rule.Of {
		names[i] = r.Term("colour", colour.String())
	}
	between, err := r.T("regions.and")
	if err != nil {
		return "", err
	}
	key := map[string]string{">=": "regions.from", ">": "regions.over", "<": "regions.under", "<=": "regions.to"}[rule.Operator]
	text, err := r.T(key, strings.Join(names, between), Thousandths(rule.Share))
	if err != nil || rule.AtLeast == 0 {
		return text, err
	}
	least, err := r.T("regions.least", rule.AtLeast)
	return text + least, err
}
