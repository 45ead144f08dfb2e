package scoring

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"healthcode/registry"
)

// BacktestResult is the whole outcome of a back-test. Shares and statistics are fractions, indices hundredths.
type BacktestResult struct {
	Model       ModelName `json:"model"`
	Protocol    Protocol  `json:"protocol"`
	Replicates  int       `json:"replicates"`
	Seed        uint64    `json:"seed"`
	Enterprises int       `json:"enterprises"` // with an observation
	Read        int       `json:"enterprises_read"`

	Observations int      `json:"observations"`
	Failures     int      `json:"failures"`
	Skipped      Skipped  `json:"skipped"`
	Masked       int      `json:"masked_rectifications"` // dates after the day of a grade that were hidden from it
	Suspicious   bool     `json:"suspicious"`            // AUC above 0.97 with more than 200 observations: look for a leak
	Warnings     []string `json:"warnings"`

	Index         Separation   `json:"index"`
	Naive         []Separation `json:"naive"`
	Without       []Separation `json:"without"`
	ROC           [][2]float64 `json:"roc"` // share of the good, share of the bad
	Deciles       []Decile     `json:"deciles"`
	Distribution  []Group      `json:"distribution"`   // of the index in steps of two points
	Colours       []Group      `json:"colours"`        // published, after the rules of movement
	Earned        []Group      `json:"colours_earned"` // by the evidence of the day alone
	Tiers         []Group      `json:"tiers"`
	ColoursRising bool         `json:"colours_rising"` // failure rate from green to red over the colours with at least 30 observations
	Months        []Month      `json:"months"`
	Bunching      []Bunching   `json:"bunching"`
	Sizes         []Group      `json:"sizes"`
	Areas         []Group      `json:"areas"`
}

// Separation says how well a ranking tells bad from good. Ahead is AUC of the index minus that of this ranking, over the same replicates.
type Separation struct {
	Name  string    `json:"name"`
	AUC   Interval  `json:"auc"`
	KS    Interval  `json:"ks"`
	Gini  Interval  `json:"gini"`
	Ahead *Interval `json:"index_ahead,omitempty"`
}

// Group is the observations that share something. Few says that there are fewer than 30: no conclusion.
type Group struct {
	Name      string   `json:"name"`
	N         int      `json:"n"`
	Failures  int      `json:"failures"`
	Rate      float64  `json:"rate"`
	Low       float64  `json:"low"` // 95 %, Wilson
	High      float64  `json:"high"`
	MeanIndex int32    `json:"mean_index"`
	AUC       *float64 `json:"auc,omitempty"` // within the group, from 30 observations on
	Few       bool     `json:"few"`
}

// Decile is a tenth of the observations by index, the lowest indices first.
type Decile struct {
	From int32 `json:"index_from"`
	To   int32 `json:"index_to"`
	Group
}

// Month is the grades of one month. PSI compares its colours with those of the first month that has at least 30.
type Month struct {
	Month    string  `json:"month"`
	N        int     `json:"n"`
	Failures int     `json:"failures"`
	Colours  []int   `json:"colours"` // green, blue, yellow, red
	PSI      float64 `json:"psi"`
}

// Bunching compares how many fresh results put an enterprise within one point below and above a cut. P is the chance of as many above
// when nobody steers; Suspicious says P is below 0.05 after dividing it among all groups of the table (Bonferroni).
type Bunching struct {
	By         string  `json:"by"` // all, inspector or area
	Name       string  `json:"name"`
	Cut        int32   `json:"cut"`
	Below      int     `json:"below"`
	Above      int     `json:"above"`
	Z          float64 `json:"z"`
	P          float64 `json:"p"`
	Suspicious bool    `json:"suspicious"`
}

const (
	few             = 30 // observations below which a group proves nothing
	suspiciousAUC   = 0.97
	suspiciousCount = 200
	bunchingBand    = 100 // hundredths of a point on each side of a cut
	bunchingLeast   = 20  // results in the two bands together
)

func (b *backtest) result(ctx context.Context) (*BacktestResult, error) {
	m := b.options.Model
	r := &BacktestResult{Model: ModelName{m.Code, m.Version, m.digest}, Protocol: b.options.Protocol, Replicates: b.options.Replicates,
		Seed: b.options.Seed, Enterprises: len(b.subjects), Read: b.read, Observations: len(b.seen), Skipped: b.skipped, Masked: b.guard.masked,
		Warnings: []string{}}
	for i := range b.seen {
		if b.seen[i].bad {
			r.Failures++
		}
	}
	if r.Failures == 0 || r.Failures == r.Observations {
		return nil, fmt.Errorf("%w: %d of %d observations are bad (skipped: %d of enterprises not known then, %d with too few earlier checks, %d without outcome); "+
			"history that was loaded later than it happened counts as known only with known-as-occurred", ErrNothingToTest, r.Failures, r.Observations,
			b.skipped.NotKnown, b.skipped.TooFewChecks, b.skipped.NotCheckedYet)
	}
	if err := b.separate(ctx, r); err != nil {
		return nil, err
	}
	b.describe(r)
	b.warn(r)
	return r, nil
}

// separate fills in how well the index, the naive rankings and the models without a dimension rank.
func (b *backtest) separate(ctx context.Context, r *BacktestResult) error {
	names, rankings := b.rankings()
	bad, of := make([]bool, len(b.seen)), make([]int32, len(b.seen))
	for i := range b.seen {
		bad[i], of[i] = b.seen[i].bad, b.seen[i].enterprise
	}
	r.ROC = rankings[0].curve(bad)
	replicates := make([][]separation, len(rankings))
	draws := newResampler(b.options.Seed, len(b.subjects), of)
	for range b.options.Replicates {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("back-test: %w", err)
		}
		weight := draws.draw()
		for k, one := range rankings {
			if s, ok := one.separation(bad, weight); ok {
				replicates[k] = append(replicates[k], s)
			}
		}
	}
	all := make([]Separation, len(rankings))
	var first separation
	for k, one := range rankings {
		s, _ := one.separation(bad, nil)
		if k == 0 {
			first = s
		}
		all[k] = separationOf(names[k], s, replicates[k])
		if k > 0 {
			ahead := interval(first.auc-s.auc, differences(replicates[0], replicates[k]))
			all[k].Ahead = &ahead
		}
	}
	r.Index, r.Naive, r.Without = all[0], all[1:1+naiveRankings], all[1+naiveRankings:]
	return nil
}

// rankings returns the index, the naive rankings and the models without a dimension. A naive ranking that knows no check says what it
// says on average.
func (b *backtest) rankings() (names []string, rankings []*ranking) {
	names, rankings = append(names, "index"), append(rankings, newRanking(risksOf(b.indices[0])))
	for k, risks := range b.naive {
		b.fillUnknown(risks)
		names, rankings = append(names, naiveNames[k]), append(rankings, newRanking(risks))
	}
	for k, d := range b.options.Without {
		names, rankings = append(names, d.String()), append(rankings, newRanking(risksOf(b.indices[k+1])))
	}
	return names, rankings
}

func (b *backtest) fillUnknown(risks []float64) {
	sum, n := 0.0, 0
	for i, risk := range risks {
		if b.seen[i].compared {
			sum += risk
			n++
		}
	}
	for i := range risks {
		if !b.seen[i].compared && n > 0 {
			risks[i] = sum / float64(n)
		}
	}
}

func risksOf(indices []int32) []float64 {
	risks := make([]float64, len(indices))
	for i, index := range indices {
		risks[i] = -float64(index)
	}
	return risks
}

func separationOf(name string, s separation, replicates []separation) Separation {
	aucs, kss, ginis := make([]float64, len(replicates)), make([]float64, len(replicates)), make([]float64, len(replicates))
	for i, one := range replicates {
		aucs[i], kss[i], ginis[i] = one.auc, one.ks, Gini(one.auc)
	}
	return Separation{Name: name, AUC: interval(s.auc, aucs), KS: interval(s.ks, kss), Gini: interval(Gini(s.auc), ginis)}
}

func differences(a, b []separation) []float64 {
	d := make([]float64, len(a))
	for i := range a {
		d[i] = a[i].auc - b[i].auc
	}
	return d
}

// describe fills in the tables.
func (b *backtest) describe(r *BacktestResult) {
	r.Deciles = b.deciles()
	r.Distribution = b.distribution()
	for _, colour := range registry.Colours() {
		r.Colours = append(r.Colours, b.group(colour.String(), func(o *observation) bool { return o.colour == colour }))
		r.Earned = append(r.Earned, b.group(colour.String(), func(o *observation) bool { return o.earned == colour }))
	}
	for _, tier := range registry.Tiers() {
		r.Tiers = append(r.Tiers, b.group(tier.String(), func(o *observation) bool { return o.tier == tier }))
	}
	r.ColoursRising = rising(r.Colours)
	r.Months = b.months()
	r.Sizes = b.groupsBy(func(s *Subject) string { return string(s.Size) })
	r.Areas = b.groupsBy(func(s *Subject) string { return area(s.Region) })
	r.Bunching = b.bunching()
}

// area is the county of a region.
func area(region string) string { return region[:min(6, len(region))] }

// rising reports whether the failure rate rises over the groups that are large enough.
func rising(groups []Group) bool {
	last := -1.0
	for _, g := range groups {
		if g.Few {
			continue
		}
		if g.Rate < last {
			return false
		}
		last = g.Rate
	}
	return true
}

// tally of a group.
type groupTally struct {
	n, bad int
	index  int64
}

func (t *groupTally) add(o *observation) {
	t.n++
	t.index += int64(o.index)
	if o.bad {
		t.bad++
	}
}

func (t *groupTally) group(name string) Group {
	g := Group{Name: name, N: t.n, Failures: t.bad, Few: t.n < few}
	if t.n > 0 {
		g.Rate, g.MeanIndex = rounded(float64(t.bad)/float64(t.n)), int32(divide(t.index, int64(t.n)))
		low, high := Wilson(t.bad, t.n)
		g.Low, g.High = rounded(low), rounded(high)
	}
	return g
}

func (b *backtest) group(name string, of func(*observation) bool) Group {
	var t groupTally
	for i := range b.seen {
		if of(&b.seen[i]) {
			t.add(&b.seen[i])
		}
	}
	return t.group(name)
}

// groupsBy returns a group for each value that enterprises have, by name; those without come last as "".
func (b *backtest) groupsBy(key func(*Subject) string) []Group {
	tallies := map[string]*groupTally{}
	risks, bads := map[string][]float64{}, map[string][]bool{}
	for i := range b.seen {
		o := &b.seen[i]
		name := key(&b.subjects[o.enterprise])
		if tallies[name] == nil {
			tallies[name] = &groupTally{}
		}
		tallies[name].add(o)
		risks[name], bads[name] = append(risks[name], -float64(o.index)), append(bads[name], o.bad)
	}
	groups := make([]Group, 0, len(tallies))
	for name, t := range tallies {
		g := t.group(name)
		if auc, ok := AUC(risks[name], bads[name]); ok && !g.Few {
			auc = rounded(auc)
			g.AUC = &auc
		}
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(x, y Group) int {
		if (x.Name == "") != (y.Name == "") {
			return cmp.Compare(y.Name, x.Name)
		}
		return cmp.Compare(x.Name, y.Name)
	})
	return groups
}

// deciles cuts the observations, by index, into ten parts as equal as whole numbers allow.
func (b *backtest) deciles() []Decile {
	order := make([]int32, len(b.seen))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(x, y int32) int { return cmp.Compare(b.seen[x].index, b.seen[y].index) })
	var deciles []Decile
	for d := range 10 {
		part := order[d*len(order)/10 : (d+1)*len(order)/10]
		if len(part) == 0 {
			continue
		}
		var t groupTally
		for _, i := range part {
			t.add(&b.seen[i])
		}
		deciles = append(deciles, Decile{b.seen[part[0]].index, b.seen[part[len(part)-1]].index, t.group(fmt.Sprint(d + 1))})
	}
	return deciles
}

func (b *backtest) distribution() []Group {
	const width = 200
	tallies := make([]groupTally, 10_000/width)
	for i := range b.seen {
		tallies[min(int(b.seen[i].index)/width, len(tallies)-1)].add(&b.seen[i])
	}
	groups := make([]Group, len(tallies))
	for i := range tallies {
		groups[i] = tallies[i].group(fmt.Sprint(i * 2))
	}
	return groups
}

func (b *backtest) months() []Month {
	byName := map[string]*Month{}
	var months []*Month
	for i := range b.seen {
		o := &b.seen[i]
		name := o.day.String()[:7]
		m := byName[name]
		if m == nil {
			m = &Month{Month: name, Colours: make([]int, 4)}
			byName[name] = m
			months = append(months, m)
		}
		m.N++
		m.Colours[o.colour-registry.ColourGreen]++
		if o.bad {
			m.Failures++
		}
	}
	slices.SortFunc(months, func(x, y *Month) int { return cmp.Compare(x.Month, y.Month) })
	base := max(0, slices.IndexFunc(months, func(m *Month) bool { return m.N >= few }))
	list := make([]Month, len(months))
	for i, m := range months {
		list[i] = *m
		list[i].PSI = rounded(PSI(months[base].Colours, m.Colours))
	}
	return list
}

// bunchingKey names a row of the table of bunching.
type bunchingKey struct {
	by, name string
	cut      int32
}

// bunching looks at fresh results only: the first grade after each check, once for each inspector.
func (b *backtest) bunching() []Bunching {
	rows := map[bunchingKey]*Bunching{}
	for _, rule := range b.options.Model.Tiers {
		cut := rule.IndexFrom
		for i := range b.seen {
			o := &b.seen[i]
			if o.team < 0 || o.index < cut-bunchingBand || o.index >= cut+bunchingBand {
				continue
			}
			b.bunchingOf(o, cut, func(k bunchingKey) {
				if rows[k] == nil {
					rows[k] = &Bunching{By: k.by, Name: k.name, Cut: k.cut}
				}
				if o.index >= cut {
					rows[k].Above++
				} else {
					rows[k].Below++
				}
			})
		}
	}
	return judged(rows)
}

func (b *backtest) bunchingOf(o *observation, cut int32, add func(bunchingKey)) {
	add(bunchingKey{"all", "", cut})
	if name := area(b.subjects[o.enterprise].Region); name != "" {
		add(bunchingKey{"area", name, cut})
	}
	for _, inspector := range b.teams.names[o.team] {
		add(bunchingKey{"inspector", inspector, cut})
	}
}

// judged tests the rows that hold enough, the most remarkable first.
func judged(rows map[bunchingKey]*Bunching) []Bunching {
	list := make([]Bunching, 0, len(rows))
	for _, row := range rows {
		if row.By == "all" || row.Below+row.Above >= bunchingLeast {
			list = append(list, *row)
		}
	}
	for i := range list {
		row := &list[i]
		z, p := bunchingTest(row.Below, row.Above)
		row.Suspicious = p*float64(len(list)) < 0.05
		row.Z, row.P = rounded(z), rounded(p)
	}
	slices.SortFunc(list, func(x, y Bunching) int {
		return cmp.Or(cmp.Compare(x.By, y.By), cmp.Compare(y.Z, x.Z), cmp.Compare(x.Cut, y.Cut), cmp.Compare(x.Name, y.Name))
	})
	return list
}

func (b *backtest) warn(r *BacktestResult) {
	add := func(format string, values ...any) { r.Warnings = append(r.Warnings, fmt.Sprintf(format, values...)) }
	if r.Index.AUC.Value > suspiciousAUC && r.Observations > suspiciousCount {
		r.Suspicious = true
		add("an AUC of %.3f on %d observations is too good to be true: look for a field that tells the outcome", r.Index.AUC.Value, r.Observations)
	}
	if r.Masked > 0 {
		add("%d times a rectification date lay after the day of the grade and was hidden from it", r.Masked)
	}
	for _, g := range r.Colours {
		if g.Few {
			add("colour %s has %d observations: no conclusion", g.Name, g.N)
		}
	}
	if !r.ColoursRising {
		add("the failure rate does not rise from green to red")
	}
}
