package web

import (
	"net/url"
	"strings"

	"healthcode/registry"
)

// HomePage is the start of the console: counts, distribution, showcases and the list of enterprises.
type HomePage struct {
	Page
	Counts    Counts
	Colours   []Bar
	Tiers     []Bar
	AsOf      registry.Day // of the newest run, 0 when there was none
	Model     string       // of the newest run
	Showcases []Showcase
	Signals   []SignalLine // printed codes that were scanned in many places, newest first
	Filter    Filter
	Counties  []Choice
	Townships []Choice // of the chosen county
	Rows      []EnterpriseRow
	Next      string // cursor of the next page, empty on the last one
}

// Counts says how much is known.
type Counts struct {
	Enterprises int64
	Assessed    int64
}

// Bar is one line of a distribution.
type Bar struct {
	Value  string // the value to filter by: a colour or a tier
	Colour registry.Colour
	Count  int64
	Of     int64
}

// Width is the bar's length in per cent of the whole, at least 1 when anything is there.
func (b Bar) Width() int64 {
	if b.Of <= 0 || b.Count <= 0 {
		return 0
	}
	return max(1, (b.Count*100+b.Of/2)/b.Of)
}

// Showcase is an enterprise that shows one rule.
type Showcase struct {
	USCC  registry.USCC
	Name  string
	Title string // in the page's language
	Text  string
	Grade *Grade
}

// Filter is what the list of enterprises shows, as in its URL.
type Filter struct {
	Text   string // part of a name, or the start of a USCC
	County string // region code, 6 digits
	Town   string // region code, 9 digits
	Tier   string
	Colour string
	Sort   string // name, index, -index or -changed_on; empty for the order of the codes
	After  string // cursor
}

// Choice is one value of a select.
type Choice struct {
	Value, Label string
}

// EnterpriseRow is one line of the list.
type EnterpriseRow struct {
	USCC      registry.USCC
	Name      string
	Region    string
	Grade     *Grade // nil when not yet assessed
	ChangedOn registry.Day
}

// TierChoices lists the choices for a tier.
func (h HomePage) TierChoices() []Choice {
	choices := []Choice{}
	for _, t := range registry.Tiers() {
		choices = append(choices, Choice{t.String(), h.Term("tier", t.String())})
	}
	return choices
}

// ColourChoices lists the choices for a colour.
func (h HomePage) ColourChoices() []Choice {
	choices := []Choice{}
	for _, c := range registry.Colours() {
		choices = append(choices, Choice{c.String(), h.Term("colour", c.String())})
	}
	return choices
}

// The columns by which the list can be sorted. A minus sign means descending, as in the API.
const (
	sortIndex     = "index"
	sortIndexDown = "-index"
)

// SortURL returns this list sorted by a column. The index turns round at a second click, highest first at the first.
func (h HomePage) SortURL(column string) string {
	if column == sortIndex && h.Filter.Sort != sortIndexDown {
		column = sortIndexDown
	}
	return h.list(map[string]string{"sort": column})
}

// SortState is the value of aria-sort for a column.
func (h HomePage) SortState(column string) string {
	switch h.Filter.Sort {
	case column:
		if strings.HasPrefix(column, "-") {
			return "descending"
		}
		return "ascending"
	case "-" + column:
		return "descending"
	}
	return "none"
}

// FilterURL returns this list with one more filter, from its first page.
func (h HomePage) FilterURL(key, value string) string { return h.list(map[string]string{key: value}) }

// NextURL returns the next page of this list.
func (h HomePage) NextURL() string { return h.with("after", h.Next) + "#list" }

// FirstURL returns the first page of this list.
func (h HomePage) FirstURL() string { return h.list(nil) }

func (h HomePage) list(change map[string]string) string {
	page := h.Page
	page.Query = url.Values{}
	for key, values := range h.Query {
		page.Query[key] = values
	}
	page.Query.Del("after")
	for key, value := range change {
		page.Query.Set(key, value)
		if value == "" {
			page.Query.Del(key)
		}
	}
	if len(page.Query) == 0 {
		return page.Path + "#list"
	}
	return page.Path + "?" + page.Query.Encode() + "#list"
}

// Filtered reports whether the list shows less than everything.
func (h HomePage) Filtered() bool {
	f := h.Filter
	return f.Text+f.County+f.Town+f.Tier+f.Colour != ""
}
