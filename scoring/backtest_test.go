package scoring_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"healthcode/registry"
	"healthcode/scoring"

	"pgregory.net/rapid"
)

// past is an enterprise whose history a test tells day by day.
type past struct{ *scoring.History }

func newPast(n int) past {
	return past{&scoring.History{Subject: scoring.Subject{USCC: registry.USCC(fmt.Sprintf("91350100M%09d", n)), Size: registry.SizeSmall, Region: "330402001"},
		Descriptions: []scoring.Description{{Revision: 1, RegisteredOn: start - 3000}}}}
}

// visit adds an inspection with findings of one severity, known at the end of its day.
func (p past) visit(on registry.Day, findings int, severity registry.Severity) *scoring.KnownFact {
	r := registry.Record{USCC: p.USCC, Source: "test", SourceRef: fmt.Sprintf("v%03d", len(p.Facts)), Revision: 1, Kind: registry.KindInspection,
		Outcome: registry.OutcomeDone, OccurredOn: on, State: registry.StateFinal, Purpose: registry.PurposeRandom, Detail: &registry.Inspection{}}
	for range findings {
		r.Findings = append(r.Findings, registry.Finding{Severity: severity})
	}
	p.Facts = append(p.Facts, scoring.KnownFact{Fact: scoring.FactOf(&r), KnownAt: (on + 1).Time().UnixMicro() - 1, Inspectors: []string{"i1", "i2"}})
	return &p.Facts[len(p.Facts)-1]
}

func dossiers[D scoring.Dossier](all []D) scoring.Dossiers {
	return func(_ context.Context, yield func(scoring.Dossier) error) error {
		for _, d := range all {
			if err := yield(d); err != nil {
				return err
			}
		}
		return nil
	}
}

var start = registry.MustDay("2024-01-01")

// town tells of enterprises that are steadily good or bad, with some chance in each visit.
func town(seed uint64, n int, chance func(enterprise, visit int) float64) []past {
	random := rand.New(rand.NewPCG(seed, 1))
	all := make([]past, n)
	for i := range all {
		all[i] = newPast(i)
		for v := range 8 {
			findings := 0
			if random.Float64() < chance(i, v) {
				findings = 1 + random.IntN(3)
			}
			all[i].visit(start+registry.Day(90*v+random.IntN(60)), findings, registry.SeverityMajor)
		}
	}
	return all
}

// skill makes the first half of a town bad at 0.7, the second at 0.1.
func skill(n int) func(int, int) float64 {
	return func(i, _ int) float64 {
		if i < n/2 {
			return 0.7
		}
		return 0.1
	}
}

func next(from registry.Day) scoring.BacktestOptions {
	return scoring.BacktestOptions{Model: scoring.DefaultModel(), Replicates: 50, Seed: 1,
		Protocol: scoring.Protocol{From: from, To: from + 2000, Label: scoring.LabelMajor, MinChecks: 1}}
}

func mustBacktest[D scoring.Dossier](t *testing.T, all []D, o scoring.BacktestOptions) *scoring.BacktestResult {
	t.Helper()
	r, err := scoring.Backtest(t.Context(), dossiers(all), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBacktestFindsSkillAndOnlyWhereThereIsAny(t *testing.T) {
	t.Parallel()
	skilled := mustBacktest(t, town(1, 200, skill(200)), next(start+360))
	if a := skilled.Index.AUC; a.Value < 0.75 || a.Value > 0.9 || a.Low >= a.Value || a.High <= a.Value {
		t.Errorf("AUC of a town with good and bad enterprises: %+v", a)
	}
	if skilled.Observations != 800 || skilled.Enterprises != 200 || len(skilled.Deciles) != 10 || skilled.Suspicious {
		t.Errorf("%d observations of %d enterprises, %d deciles, suspicious %t", skilled.Observations, skilled.Enterprises, len(skilled.Deciles), skilled.Suspicious)
	}
	if first, last := skilled.Deciles[0], skilled.Deciles[9]; first.Rate < last.Rate+0.3 || first.MeanIndex >= last.MeanIndex {
		t.Errorf("calibration: %+v … %+v", first, last)
	}
	chance := mustBacktest(t, town(2, 200, func(int, int) float64 { return 0.4 }), next(start+360))
	if a := chance.Index.AUC; a.Low > 0.5 || a.High < 0.5 {
		t.Errorf("AUC of a town where all are alike: %+v", a)
	}
}

func TestBacktestIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	o := next(start + 360)
	o.Without = []scoring.Dimension{scoring.Complaint, scoring.Inspection}
	texts := [2]string{}
	for i := range texts {
		text, err := json.Marshal(mustBacktest(t, town(1, 60, skill(60)), o))
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(text)
	}
	if texts[0] != texts[1] {
		t.Error("two back-tests of the same past differ")
	}
}

func TestWithoutADimension(t *testing.T) {
	t.Parallel()
	o := next(start + 360)
	o.Without = []scoring.Dimension{scoring.Complaint, scoring.Inspection}
	r := mustBacktest(t, town(1, 100, skill(100)), o)
	if got := r.Without[0]; got.Name != "complaint" || got.AUC.Value < 0.7 {
		t.Errorf("without complaints, of which there are none: %+v, index %+v", got, r.Index.AUC)
	}
	if got := r.Without[1]; got.Name != "inspection" || got.AUC.Value != 0.5 || got.Ahead.Value < 0.2 {
		t.Errorf("without inspections nothing is left to rank by: %+v", got)
	}
}

func TestWithoutKeepsTheSumOfWeights(t *testing.T) {
	t.Parallel()
	for d, want := range map[scoring.Dimension][]int64{
		scoring.SpotCheck: {0, 333, 167, 250, 250}, scoring.Inspection: {500, 0, 125, 188, 187}, scoring.Complaint: {444, 222, 0, 167, 167},
		scoring.Compliance: {471, 235, 118, 0, 176}, scoring.Capability: {471, 235, 118, 176, 0},
	} {
		m, err := scoring.DefaultModel().Without(d)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range m.Weights {
			if w.Weight != want[i] {
				t.Errorf("without %s: weight %d of %s, want %d", d, w.Weight, scoring.Dimension(i), want[i])
			}
		}
		if _, err := scoring.ParseModel(m.JSON()); err != nil {
			t.Errorf("without %s: %v", d, err)
		}
	}
	if scoring.DefaultModel().Weights[0].Weight != 400 {
		t.Error("the model itself was changed")
	}
}

// leaky is a source that hands out more than it should.
type leaky struct {
	past
	leak func(p scoring.Point, facts []scoring.KnownFact) []scoring.KnownFact
}

func (l leaky) At(p scoring.Point, dst []scoring.KnownFact) (scoring.Enterprise, []scoring.KnownFact, bool) {
	who, facts, ok := l.past.At(p, dst)
	return who, l.leak(p, facts), ok
}

func TestBacktestRefusesTheFuture(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		leak func(p scoring.Point, facts []scoring.KnownFact) []scoring.KnownFact
		say  string
	}{
		"a record that had not happened": {func(p scoring.Point, facts []scoring.KnownFact) []scoring.KnownFact {
			next := facts[0]
			next.SourceRef, next.OccurredOn, next.KnownAt = "tomorrow", p.AsOf+1, p.KnownAt
			return append(facts, next)
		}, "test/tomorrow occurred on"},
		"a revision that was not known": {func(p scoring.Point, facts []scoring.KnownFact) []scoring.KnownFact {
			facts[0].Revision, facts[0].KnownAt = 2, p.KnownAt+1
			return facts
		}, "test/v000 revision 2 became known at"},
		"a record with two revisions at once": {func(_ scoring.Point, facts []scoring.KnownFact) []scoring.KnownFact {
			return append(facts, facts[0])
		}, "test/v000 comes twice"},
	} {
		var all []leaky
		for _, p := range town(1, 20, skill(20)) {
			all = append(all, leaky{p, c.leak})
		}
		_, err := scoring.Backtest(t.Context(), dossiers(all), next(start+360))
		if !errors.Is(err, scoring.ErrLeak) || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A source that knows of a rectification too early is not refused: the date is hidden from the grade, and counted.
func TestBacktestHidesRectificationsToCome(t *testing.T) {
	t.Parallel()
	honest := town(1, 60, skill(60))
	told := town(1, 60, skill(60))
	for _, p := range told {
		for i := range p.Facts {
			if p.Facts[i].Major > 0 {
				p.Facts[i].RectifiedOn = start + 1500
			}
		}
	}
	o := next(start + 360)
	o.To = start + 800
	want, got := mustBacktest(t, honest, o), mustBacktest(t, told, o)
	if got.Masked == 0 || want.Masked != 0 || got.Index != want.Index || !slices.Equal(got.Colours, want.Colours) {
		t.Errorf("hidden %d times; AUC %v and %v", got.Masked, got.Index.AUC, want.Index.AUC)
	}
	if len(got.Warnings) == 0 || !strings.Contains(got.Warnings[0], "rectification") {
		t.Errorf("nobody is told: %q", got.Warnings)
	}
}

// Every visit tells in its findings how the next one ends: nothing about dates is wrong, but the result is too good to be true.
func TestBacktestSuspectsAFieldThatTellsTheOutcome(t *testing.T) {
	t.Parallel()
	all := town(3, 200, func(int, int) float64 { return 0.5 })
	for _, p := range all {
		for i := range p.Facts[1:] {
			p.Facts[i].Minor = 40 * min(1, p.Facts[i+1].Major) // the code of the outcome to come
		}
	}
	o := next(start + 90)
	o.Model = fastModel(t)
	r := mustBacktest(t, all, o)
	if !r.Suspicious || r.Index.AUC.Value <= 0.97 || !strings.Contains(strings.Join(r.Warnings, "\n"), "too good to be true") {
		t.Errorf("AUC %v on %d observations, suspicious %t", r.Index.AUC, r.Observations, r.Suspicious)
	}
	few := mustBacktest(t, all[:20], o)
	if few.Suspicious {
		t.Errorf("%d observations prove nothing", few.Observations)
	}
}

// fastModel forgets within days, so that only the last visit counts.
func fastModel(t *testing.T) *scoring.Model {
	t.Helper()
	text := strings.Replace(string(scoring.DefaultModel().JSON()), `"half_life_days":548`, `"half_life_days":20`, 1)
	text = strings.ReplaceAll(text, `"k_milli":3000`, `"k_milli":1`)
	m, err := scoring.ParseModel([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestKnownAsOccurred(t *testing.T) {
	t.Parallel()
	all := town(1, 60, skill(60))
	loaded := (start + 3000).Time().UnixMicro()
	honest := mustBacktest(t, all, next(start+360))
	for _, p := range all {
		for i := range p.Facts {
			p.Facts[i].KnownAt = loaded
		}
		p.Descriptions[0].KnownAt = loaded
		corrected := p.Facts[0]
		corrected.Revision, corrected.KnownAt, corrected.Critical = 2, loaded+1, 9
		p.Facts = slices.Insert(p.Facts, 1, corrected) // a correction after everything
	}
	if _, err := scoring.Backtest(t.Context(), dossiers(all), next(start+360)); !errors.Is(err, scoring.ErrNothingToTest) {
		t.Errorf("history that was loaded later is known too early: %v", err)
	}
	o := next(start + 360)
	o.KnownAsOccurred = true
	if got := mustBacktest(t, all, o); got.Index.AUC != honest.Index.AUC || got.Observations != honest.Observations {
		t.Errorf("%d observations with %v, want %d with %v", got.Observations, got.Index.AUC, honest.Observations, honest.Index.AUC)
	}
}

// Two inspectors see the same kind of enterprise: one finds what is there, the other stops counting when one finding more would cost a
// tier. Only the second, and the whole because of it, has more results just above the cut.
func TestBunchingFindsTheInspectorWhoStops(t *testing.T) {
	t.Parallel()
	o := next(start + 300)
	index := map[int]int32{} // by number of findings
	o.Each = func(x *scoring.Observation) { index[len(index)] = x.Index }
	var town []past
	last := func(p past, findings int, inspectors ...string) past {
		for day := range 3 {
			p.visit(start+registry.Day(90*day), 0, 0).Inspectors = inspectors
		}
		p.visit(start+290, findings, registry.SeverityMinor).Inspectors = inspectors
		p.visit(start+300, findings%2, registry.SeverityMajor).Inspectors = inspectors
		return p
	}
	for findings := range 40 {
		town = append(town, last(newPast(findings), findings, "i1", "i2"))
	}
	mustBacktest(t, town, o)
	// the last number of findings that stays at or above 80.00, and the first that does not
	above := 0
	for index[above+1] >= 8000 {
		above++
	}
	if index[above] >= 8100 || index[above+1] < 7900 {
		t.Fatalf("one finding is worth too much: %v", index)
	}
	town = town[:0]
	for n := range 120 {
		honest, steered := last(newPast(2*n), above+n%2, "honest", "fair"), last(newPast(2*n+1), above, "helpful", "kind")
		town = append(town, honest, steered)
	}
	slices.SortFunc(town, func(a, b past) int { return strings.Compare(string(a.USCC), string(b.USCC)) })
	o.Each = nil
	found := 0
	for _, row := range mustBacktest(t, town, o).Bunching {
		if row.Suspicious {
			found++
		}
		steered := row.By == "all" || row.By == "area" || row.Name == "helpful" || row.Name == "kind"
		if row.Cut == 8000 && row.Suspicious != steered {
			t.Errorf("%+v", row)
		}
	}
	if found != 4 {
		t.Errorf("%d rows are suspicious; want all, the area and two inspectors", found)
	}
	few := town[:0]
	for n := range 20 { // 14 above, 6 below: p = 0.037, which one of so many rows may well have
		few = append(few, last(newPast(n), above+min(1, n/14), "i1", "i2"))
	}
	for _, row := range mustBacktest(t, few, o).Bunching {
		if row.Cut == 8000 && (row.Suspicious || row.Above != 14 || row.Below != 6 || !near(row.P, 0.0368, 0.0001)) {
			t.Errorf("%+v", row)
		}
	}
}

func TestHorizonLeavesOutWhoWasNotChecked(t *testing.T) {
	t.Parallel()
	checked, clean, gone := newPast(1), newPast(2), newPast(3)
	for _, p := range []past{checked, clean, gone} {
		p.visit(start, 0, 0)
		p.visit(start+10, 2, registry.SeverityMajor)
	}
	checked.visit(start+100, 0, 0)
	checked.visit(start+400, 1, registry.SeverityMajor)
	clean.visit(start+400, 1, registry.SeverityMinor)
	o := next(start + 35) // 2024-02-05 and four months on
	o.To, o.Horizon, o.Step = start+170, 365, scoring.StepMonth
	r := mustBacktest(t, []past{checked, clean, gone}, o)
	if r.Observations != 10 || r.Skipped.NotCheckedYet != 5 || r.Failures != 5 {
		t.Errorf("five days each: %d observations, %d bad, %+v", r.Observations, r.Failures, r.Skipped)
	}
	if len(r.Months) != 5 || r.Months[0].Month != "2024-02" || r.Months[0].PSI != 0 {
		t.Errorf("%+v", r.Months)
	}
	// The grid is days 35, 64, 95, 125 and 156. Within 244 days only the last sees day 400, within 243 none.
	for horizon, want := range map[int][2]int{300: {7, 2}, 244: {5, 1}} {
		o.Horizon = horizon
		if r := mustBacktest(t, []past{checked, clean, gone}, o); r.Observations != want[0] || r.Failures != want[1] {
			t.Errorf("%d days: %d observations, %d bad", horizon, r.Observations, r.Failures)
		}
	}
	o.Horizon = 243
	if _, err := scoring.Backtest(t.Context(), dossiers([]past{checked, clean, gone}), o); !errors.Is(err, scoring.ErrNothingToTest) {
		t.Errorf("no outcome is bad, and yet: %v", err)
	}
}

func TestBacktestRefusesOptionsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*scoring.BacktestOptions){
		"no model":         func(o *scoring.BacktestOptions) { o.Model = nil },
		"backwards":        func(o *scoring.BacktestOptions) { o.To = o.From - 1 },
		"no label":         func(o *scoring.BacktestOptions) { o.Label = 0 },
		"a long horizon":   func(o *scoring.BacktestOptions) { o.Horizon, o.Step = 3651, scoring.StepMonth },
		"an unknown step":  func(o *scoring.BacktestOptions) { o.Horizon, o.Step = 30, "day" },
		"an unknown aim":   func(o *scoring.BacktestOptions) { o.Purpose = "revenge" },
		"too many repeats": func(o *scoring.BacktestOptions) { o.Replicates = 10_001 },
	} {
		o := next(start)
		change(&o)
		if _, err := scoring.Backtest(t.Context(), dossiers(town(1, 2, skill(2))), o); !errors.Is(err, scoring.ErrProtocol) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBacktestStopsWhenCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	o := next(start + 360)
	o.Progress = func(done int64) {
		if done == 3 {
			cancel()
		}
	}
	if _, err := scoring.Backtest(ctx, dossiers(town(1, 50, skill(50))), o); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// Whatever the past, no record after the day of a grade and no revision that came later changes what the cut hands out.
func TestTheFutureDoesNotReachThePast(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := newPast(1)
		for range rapid.IntRange(1, 10).Draw(t, "visits") {
			f := p.visit(start+registry.Day(rapid.IntRange(0, 400).Draw(t, "day")), rapid.IntRange(0, 2).Draw(t, "findings"), registry.SeverityMinor)
			f.KnownAt += int64(rapid.IntRange(0, 60).Draw(t, "late")) * 86_400_000_000
		}
		day := start + registry.Day(rapid.IntRange(0, 400).Draw(t, "as of"))
		point := scoring.EndOf(day, false)
		_, before, ok := p.At(point, nil)
		for i := range slices.Clone(p.Facts) {
			later := p.Facts[i]
			later.Revision, later.KnownAt, later.Critical = 2, max(later.KnownAt, point.KnownAt)+1, 3
			p.Facts = append(p.Facts, later)
		}
		p.visit(day+1, 9, registry.SeverityCritical)
		p.visit(day+1, 9, registry.SeverityCritical).KnownAt = point.KnownAt // announced, but it has not happened
		slices.SortStableFunc(p.Facts, func(a, b scoring.KnownFact) int { return strings.Compare(a.SourceRef, b.SourceRef) })
		_, after, _ := p.At(point, nil)
		same := slices.EqualFunc(before, after, func(a, b scoring.KnownFact) bool { return a.Fact == b.Fact && a.KnownAt == b.KnownAt })
		if !ok || !same {
			t.Fatalf("%v became %v", before, after)
		}
	})
}

func TestIntervalByHand(t *testing.T) {
	t.Parallel()
	replicates := make([]float64, 1001)
	for i := range replicates {
		replicates[(i*5)%1001] = float64(i) / 1000
	}
	if got := scoring.IntervalOf(0.5, replicates); got != (scoring.Interval{Value: 0.5, Low: 0.025, High: 0.975}) {
		t.Errorf("%+v", got)
	}
	if got := scoring.IntervalOf(0.5, nil); got != (scoring.Interval{Value: 0.5, Low: 0.5, High: 0.5}) {
		t.Errorf("without replicates: %+v", got)
	}
}

// The outcome is what is believed of a check now: its newest revision, unless that voids it.
func TestOutcomesAreTheNewestRevisions(t *testing.T) {
	t.Parallel()
	record := func(revision int, state registry.State, findings int) scoring.KnownFact {
		r := registry.Record{USCC: uscc, Source: "test", SourceRef: "late", Revision: revision, Kind: registry.KindInspection, Outcome: registry.OutcomeDone,
			OccurredOn: start + 100, State: state, Detail: &registry.Inspection{}}
		for range findings {
			r.Findings = append(r.Findings, registry.Finding{Severity: registry.SeverityMajor})
		}
		return scoring.KnownFact{Fact: scoring.FactOf(&r), KnownAt: (start + 100 + registry.Day(revision)).Time().UnixMicro()}
	}
	for name, c := range map[string]struct {
		revisions    []scoring.KnownFact
		observations int
		failures     int
	}{
		"bad at first, corrected":  {[]scoring.KnownFact{record(1, registry.StateFinal, 1), record(2, registry.StateFinal, 0)}, 3, 1},
		"good at first, corrected": {[]scoring.KnownFact{record(1, registry.StateFinal, 0), record(2, registry.StateFinal, 1)}, 3, 2},
		"voided":                   {[]scoring.KnownFact{record(1, registry.StateFinal, 1), record(2, registry.StateVoided, 1)}, 2, 1},
		"repaired still happened":  {[]scoring.KnownFact{record(1, registry.StateFinal, 1), record(2, registry.StateRepaired, 1)}, 3, 2},
	} {
		p := newPast(1)
		p.visit(start, 0, 0)
		p.visit(start+50, 1, registry.SeverityMajor)
		p.visit(start+60, 0, 0)
		p.Facts = slices.Insert(p.Facts, 0, c.revisions...)
		r := mustBacktest(t, []past{p}, next(start+1))
		if r.Observations != c.observations || r.Failures != c.failures {
			t.Errorf("%s: %d observations, %d bad", name, r.Observations, r.Failures)
		}
	}
}

// One enterprise by hand: visits of 365 and 730 days ago, and one of 10 days ago that was aimed at trouble.
func TestNaiveRankingsByHand(t *testing.T) {
	t.Parallel()
	p := newPast(1)
	p.visit(start, 3, registry.SeverityMajor)
	p.visit(start+365, 2, registry.SeverityMinor)
	p.visit(start+720, 1, registry.SeverityCritical)
	p.visit(start+731, 1, registry.SeverityMajor)
	p.visit(start+731, 0, 0)
	targeted := &p.Facts[2]
	record := registry.Record{USCC: p.USCC, Source: "test", SourceRef: targeted.SourceRef, Revision: 1, Kind: registry.KindInspection, Outcome: registry.OutcomeDone,
		OccurredOn: start + 720, State: registry.StateFinal, Purpose: registry.PurposeTargeted, Findings: []registry.Finding{{Severity: registry.SeverityCritical}}}
	targeted.Fact = scoring.FactOf(&record)
	for name, c := range map[string]struct {
		purpose string
		want    [3]float64 // as of day 730
	}{
		// the weights of the ages 730, 365 and 10 are 1/4, 1/2 and 2^(−10/365) = 0.981189
		"random checks": {registry.PurposeRandom, [3]float64{0, (15*0.25 + 2*0.5) / 0.75, 1.0 / 2}},
		"all checks":    {"", [3]float64{1, (15*0.25 + 2*0.5 + 15*0.981189) / 1.731189, 2.0 / 3}},
	} {
		o := next(start + 731)
		o.Purpose = c.purpose
		var seen []scoring.Observation
		o.Each = func(x *scoring.Observation) { seen = append(seen, *x) }
		mustBacktest(t, []past{p}, o)
		for i, want := range c.want {
			if len(seen) != 2 || !near(seen[0].Naive[i], want, 1e-5) {
				t.Errorf("%s: ranking %d is %v, want %v", name, i, seen[0].Naive, c.want)
			}
		}
	}
}

// A visit on the day of a grade belongs to the grade, not to its future.
func TestTheDayItselfIsNoOutcome(t *testing.T) {
	t.Parallel()
	p, other := newPast(1), newPast(2)
	for _, one := range []past{p, other} {
		one.visit(start, 0, 0)
		one.visit(start+60, 0, 0)
	}
	p.visit(start+31, 1, registry.SeverityMajor) // 2024-02-01
	other.visit(start+61, 1, registry.SeverityMajor)
	o := next(start + 31)
	o.To, o.Horizon, o.Step = start+31, 100, scoring.StepMonth
	if r := mustBacktest(t, []past{p, other}, o); r.Observations != 2 || r.Failures != 1 {
		t.Errorf("%d observations, %d bad", r.Observations, r.Failures)
	}
}

// Enterprises without an earlier check can be tested too: the naive rankings then say of them what they say on average.
func TestBacktestOfTheUnknown(t *testing.T) {
	t.Parallel()
	fresh, good, worse, unborn := newPast(1), newPast(2), newPast(3), newPast(4)
	for i, p := range []past{fresh, good, worse, unborn} {
		if i == 1 || i == 2 {
			p.visit(start, i-1, registry.SeverityMajor)
		}
		p.visit(start+100, (i+1)%2, registry.SeverityMajor) // good and unborn end well, fresh and worse badly
	}
	unborn.Descriptions[0].RegisteredOn = start + 100
	o := next(start + 50)
	o.MinChecks = 0
	r := mustBacktest(t, []past{fresh, good, worse, unborn}, o)
	if r.Observations != 3 || r.Skipped.NotKnown != 1 || r.Failures != 2 {
		t.Errorf("%d observations, %d bad, %+v", r.Observations, r.Failures, r.Skipped)
	}
	// good 0, worse 1, fresh their mean: both failures rank above the success
	if got := r.Naive[0]; got.Name != "last_result" || got.AUC.Value != 1 {
		t.Errorf("%+v", got)
	}
}
