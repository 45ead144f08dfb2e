package web

import (
	"bytes"
	_ "embed" // the template
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
	"sync"

	"healthcode/registry"
	"healthcode/scoring"
)

//go:embed reports/backtest.html
var backtestTemplate string

// WriteBacktest writes the result of a back-test as one page that needs nothing else: styles and charts are inside, so that it can be
// kept, sent and printed.
func WriteBacktest(w io.Writer, language Language, r *scoring.BacktestResult) error {
	t, err := parsedBacktest()
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := t.Execute(&page, newBacktestPage(language, r)); err != nil {
		return fmt.Errorf("render report: %w", err)
	}
	if _, err := page.WriteTo(w); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

var parsedBacktest = sync.OnceValues(func() (*template.Template, error) {
	functions := functions(nil)
	functions["three"] = three
	functions["percent"] = percent
	functions["axis"] = func(share float64) string { return fmt.Sprintf("%.0f%%", 100*share) }
	t, err := template.New("backtest").Option("missingkey=error").Funcs(functions).Parse(backtestTemplate)
	if err != nil {
		return nil, fmt.Errorf("parse report: %w", err)
	}
	for _, one := range t.Templates() {
		if err := checkNames(one, nil); err != nil {
			return nil, fmt.Errorf("report: %w", err)
		}
	}
	return t, nil
})

// three writes a statistic with three decimals.
func three(x any) string {
	if p, ok := x.(*float64); ok {
		x = *p
	}
	return strings.Replace(fmt.Sprintf("%.3f", x), "-", minus, 1)
}

// percent writes a share with one decimal.
func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// backtestPage is the view of a report. Every chart is laid out here, in units of its own drawing.
type backtestPage struct {
	Page
	*scoring.BacktestResult
	Rankings     []rankingLine
	Notes        []string
	ROCLine      string
	ColourChart  rateChart
	TierRows     []groupRow
	DecileChart  rateChart
	DistBars     []stackedBar
	DistTicks    []tick
	SizeRows     []groupRow
	AreaRows     []groupRow
	BunchingRows []bunchingRow
}

// rankingLine is one row of the table of rankings.
type rankingLine struct {
	Name string
	scoring.Separation
}

// rateChart is bars of failure rates on an axis that ends at Top, a share.
type rateChart struct {
	Top  float64
	Bars []chartBar
}

// Half is the middle of the axis.
func (c rateChart) Half() float64 { return c.Top / 2 }

// chartBar is a bar of a failure rate with its interval.
type chartBar struct {
	X, Width, Y, Height  float64
	Middle, LowY, HighY  float64
	Name, Value, Caption string
	Class                string
	Few                  bool
}

// stackedBar is a bar of which a part failed.
type stackedBar struct{ X, Width, Y, Height, BadY, BadHeight float64 }

// tick is a label on an axis.
type tick struct {
	X    float64
	Text string
}

// groupRow is a group with its name in words.
type groupRow struct {
	Word string
	scoring.Group
}

// bunchingRow is a row with its name in words.
type bunchingRow struct {
	Word string
	scoring.Bunching
}

// The size of the charts: they fit a phone at their own size.
const (
	chartWidth  = 330.0
	chartLeft   = 34.0
	chartTop    = 16.0
	chartBottom = 166.0
)

func newBacktestPage(language Language, r *scoring.BacktestResult) *backtestPage {
	p := &backtestPage{Page: Page{Lang: language}, BacktestResult: r, ROCLine: rocLine(r.ROC)}
	p.Rankings = p.rankings()
	p.Notes = p.notes()
	p.layOutBars()
	p.DistBars, p.DistTicks = distribution(r.Distribution)
	for _, g := range r.Tiers {
		p.TierRows = append(p.TierRows, groupRow{p.Term("tier", g.Name), g})
	}
	for _, g := range r.Sizes {
		p.SizeRows = append(p.SizeRows, groupRow{p.known(p.Term("size", g.Name)), g})
	}
	for _, g := range r.Areas {
		p.AreaRows = append(p.AreaRows, groupRow{p.known(g.Name), g})
	}
	for _, b := range r.Bunching {
		p.BunchingRows = append(p.BunchingRows, bunchingRow{p.bunchingWord(&b), b})
	}
	return p
}

// words translates a key that this file names; the tests see that it exists.
func (p *backtestPage) words(key string, args ...any) string {
	text, err := p.T(key, args...)
	if err != nil {
		return key
	}
	return text
}

func (p *backtestPage) known(name string) string {
	if name == "" {
		return p.words("backtest.unknown")
	}
	return name
}

// LabelWord says what counts as a failure.
func (p *backtestPage) LabelWord() string { return p.Term("label", p.Protocol.Label.String()) }

// PurposeWord says which checks are outcomes, or nothing.
func (p *backtestPage) PurposeWord() string { return p.Term("purpose", p.Protocol.Purpose) }

// BaseRate is the share of failures.
func (p *backtestPage) BaseRate() float64 {
	return float64(p.Failures) / float64(max(1, p.Observations))
}

func (p *backtestPage) rankings() []rankingLine {
	lines := []rankingLine{{p.words("backtest.index"), p.Index}}
	naive := map[string]string{"last_result": "backtest.last_result", "decayed_severity": "backtest.decayed", "failure_share": "backtest.failure_share"}
	for _, s := range p.Naive {
		lines = append(lines, rankingLine{p.words(naive[s.Name]), s})
	}
	for _, s := range p.Without {
		lines = append(lines, rankingLine{p.words("backtest.without", strings.ToLower(p.Term("dimension", s.Name))), s})
	}
	return lines
}

func (p *backtestPage) notes() (notes []string) {
	if p.Suspicious {
		notes = append(notes, p.words("backtest.suspicious", fmt.Sprintf("%.3f", p.Index.AUC.Value)))
	}
	if p.Masked > 0 {
		notes = append(notes, p.words("backtest.masked", p.Masked))
	}
	if p.Protocol.KnownAsOccurred {
		notes = append(notes, p.words("backtest.assumed"))
	}
	for _, g := range p.Colours {
		if g.Few {
			notes = append(notes, p.words("backtest.few_in_colour", p.Term("colour", g.Name), g.N))
		}
	}
	if !p.ColoursRising {
		notes = append(notes, p.words("backtest.not_rising"))
	}
	return notes
}

func (p *backtestPage) bunchingWord(b *scoring.Bunching) string {
	switch b.By {
	case "inspector":
		return p.words("backtest.by_inspector", b.Name[:min(8, len(b.Name))])
	case "area":
		return p.words("backtest.by_area", b.Name)
	}
	return p.words("backtest.by_all")
}

func (p *backtestPage) layOutBars() {
	p.ColourChart.Top = axisTop(p.Colours)
	for i, g := range p.Colours {
		bar := newBar(i, len(p.Colours), &g, p.ColourChart.Top)
		bar.Name, bar.Class = p.Term("colour", g.Name), g.Name
		bar.Caption = "n " + Count(int64(g.N))
		p.ColourChart.Bars = append(p.ColourChart.Bars, bar)
	}
	tenths := make([]scoring.Group, len(p.Deciles))
	for i, d := range p.Deciles {
		tenths[i] = d.Group
	}
	p.DecileChart.Top = axisTop(tenths)
	for i, d := range p.Deciles {
		bar := newBar(i, len(p.Deciles), &d.Group, p.DecileChart.Top)
		bar.Name, bar.Class = fmt.Sprintf("%.1f", float64(d.MeanIndex)/100), "plain"
		bar.Value = fmt.Sprintf("%.0f", 100*d.Rate)
		p.DecileChart.Bars = append(p.DecileChart.Bars, bar)
	}
}

// axisTop is the first of 10, 20, 50 and 100 per cent that no rate, and no interval of a rate that means something, exceeds.
func axisTop(groups []scoring.Group) float64 {
	highest := 0.0
	for _, g := range groups {
		if !g.Few {
			highest = max(highest, g.High)
		}
		highest = max(highest, g.Rate)
	}
	for _, top := range []float64{0.1, 0.2, 0.5} {
		if highest <= top {
			return top
		}
	}
	return 1
}

// newBar lays out one of several bars of failure rates on an axis from 0 to top.
func newBar(i, of int, g *scoring.Group, top float64) chartBar {
	rateY := func(rate float64) float64 { return tenth(chartBottom - min(1, rate/top)*(chartBottom-chartTop)) }
	slot := (chartWidth - chartLeft) / float64(of)
	bar := chartBar{X: tenth(chartLeft + slot*float64(i) + slot*0.18), Width: tenth(slot * 0.64), Y: rateY(g.Rate), LowY: rateY(g.Low), HighY: rateY(g.High),
		Middle: tenth(chartLeft + slot*(float64(i)+0.5)), Value: percent(g.Rate), Few: g.Few}
	bar.Height = tenth(chartBottom - bar.Y)
	if g.N == 0 {
		bar.Value = "–"
		bar.LowY, bar.HighY = chartBottom, chartBottom
	}
	return bar
}

// LabelY is where the number over a bar stands: above its interval.
func (b chartBar) LabelY() float64 { return tenth(max(b.HighY-4, 10)) }

func tenth(x float64) float64 { return math.Round(x*10) / 10 }

// rocLine lays the curve out in a square of 240 by 240 at 34, 10.
func rocLine(points [][2]float64) string {
	var b strings.Builder
	for _, p := range points {
		fmt.Fprintf(&b, "%.1f,%.1f ", 34+240*p[0], 250-240*p[1])
	}
	return b.String()
}

// distribution lays out the part of the histogram that holds anybody.
func distribution(groups []scoring.Group) (bars []stackedBar, ticks []tick) {
	first, last, most := len(groups), -1, 1
	for i, g := range groups {
		if g.N > 0 {
			first, last, most = min(first, i), i, max(most, g.N)
		}
	}
	if last < 0 {
		return nil, nil
	}
	slot := (chartWidth - chartLeft) / float64(last-first+1)
	for i, g := range groups[first : last+1] {
		x := chartLeft + slot*float64(i)
		height := (chartBottom - chartTop) * float64(g.N) / float64(most)
		bad := (chartBottom - chartTop) * float64(g.Failures) / float64(most)
		bars = append(bars, stackedBar{tenth(x + slot*0.08), tenth(slot * 0.84), tenth(chartBottom - height), tenth(height), tenth(chartBottom - bad), tenth(bad)})
		if every := max(1, (last-first+1)/6); i%every == 0 {
			ticks = append(ticks, tick{tenth(x), g.Name})
		}
	}
	return bars, ticks
}

// ColourNames lists the colours, best first, as the months hold them.
func (p *backtestPage) ColourNames() (names []string) {
	for _, c := range registry.Colours() {
		names = append(names, p.Term("colour", c.String()))
	}
	return names
}

// groupTable is rows with the words around them.
type groupTable struct {
	Page
	List []groupRow
}

// Rows makes a table of groups.
func (p *backtestPage) Rows(list []groupRow) groupTable { return groupTable{p.Page, list} }
