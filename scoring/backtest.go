package scoring

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"healthcode/registry"
)

// Dossier is one enterprise's past as a back-test reads it.
type Dossier interface {
	Whose() Subject
	// At appends to dst the newest revision known at the point of each record that had happened; false when the enterprise was not known.
	At(p Point, dst []KnownFact) (Enterprise, []KnownFact, bool)
	// Everything returns every revision of every record in the order of source, source_ref, revision. Only outcomes are taken from it.
	Everything() []KnownFact
}

// Dossiers calls yield once for each enterprise. yield does not keep the dossier.
type Dossiers func(ctx context.Context, yield func(Dossier) error) error

// Steps between the days of a grid.
const (
	StepMonth   = "month"
	StepQuarter = "quarter"
)

// Protocol says which grades are tested against what.
type Protocol struct {
	From registry.Day `json:"from"` // first day: of a grade, or of an outcome when Horizon is 0
	To   registry.Day `json:"to"`   // last day, likewise
	// Horizon is how many days after a grade outcomes are looked for: 1 to 3650. 0 tests each outcome of its own against the grade of the day
	// before.
	Horizon int    `json:"horizon_days"`
	Step    string `json:"step,omitempty"` // of the grid when Horizon is not 0
	Label   Label  `json:"label"`
	// Purpose restricts outcomes and naive rankings to checks of that purpose; empty takes all. Grades always see everything.
	Purpose string `json:"purpose,omitempty"`
	// MinChecks is how many checks like the outcomes an enterprise must have had in the three years before a grade.
	MinChecks       int  `json:"min_checks"`
	KnownAsOccurred bool `json:"known_as_occurred"`
	// CalibratedOn is the day on whose knowledge the model's peers were estimated for this back-test; none: they are the model's own.
	CalibratedOn registry.Day `json:"calibrated_on,omitzero"`
}

// BacktestOptions say what to test and how.
type BacktestOptions struct {
	Protocol
	Model      *Model
	Without    []Dimension // each gives one more ranking: the model without that dimension
	Replicates int         // of the bootstrap, 0 to 10000
	Seed       uint64
	Progress   func(enterprises int64) // may be nil
	Each       func(*Observation)      // may be nil: gets every observation, in the order of enterprises and days
}

// Observation is one grade and what came after it, for those who want to compute the statistics themselves or to join labels of their own.
type Observation struct {
	USCC   registry.USCC
	AsOf   registry.Day // day of the grade
	Index  int32        // hundredths
	Tier   registry.Tier
	Colour registry.Colour // published, after the rules of movement
	Bad    bool
	Naive  [naiveRankings]float64 // last result, decayed severity, share of failures; all 0 when nothing is known
}

// ErrProtocol is the reason for options that make no sense.
var ErrProtocol = errors.New("this back-test cannot be done")

// ErrNothingToTest is the reason for a back-test without bad or without good outcomes.
var ErrNothingToTest = errors.New("nothing to test")

// Backtest grades every enterprise at past days with what was known then and compares the grades with what came after. Nothing after a day
// can reach its grade: pasts are cut in one place, and a guard looks at each fact again and stops with ErrLeak. The result is a pure function
// of histories and options.
func Backtest(ctx context.Context, source Dossiers, options BacktestOptions) (*BacktestResult, error) {
	b, err := newBacktest(options)
	if err != nil {
		return nil, err
	}
	done := int64(0)
	err = source(ctx, func(d Dossier) error {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("back-test: %w", err)
		}
		if done++; options.Progress != nil {
			options.Progress(done)
		}
		err := b.enterprise(d)
		if err == nil && len(b.days) >= pastsAtOnce {
			b.gradeWaiting()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	b.gradeWaiting()
	return b.result(ctx)
}

// backtest gathers observations.
type backtest struct {
	options  BacktestOptions
	outcomes outcomes
	grid     []registry.Day
	models   []*Model // the model, then the model without each dimension
	decay    []int64  // of naive rankings
	guard    guard
	evidence Evidence
	known    []KnownFact
	read     int // enterprises
	waiting

	skipped  Skipped
	subjects []Subject // those with observations
	seen     []observation
	indices  [][]int32                // by model
	naive    [naiveRankings][]float64 // NaN-free: unknown ones are filled in at the end
	teams    teams
}

// observation is one grade and what came after.
type observation struct {
	enterprise int32 // in subjects
	day        registry.Day
	index      int32
	team       int32 // who did the last check, when this is the first observation after it; else -1
	tier       registry.Tier
	colour     registry.Colour // published
	earned     registry.Colour // by the evidence of the day alone
	bad        bool
	compared   bool // naive rankings know a check
}

// Skipped counts pairs of enterprise and day that are no observation, and why.
type Skipped struct {
	NotKnown      int `json:"not_known"`       // the enterprise was not known yet
	TooFewChecks  int `json:"too_few_checks"`  // fewer earlier checks than asked for
	NotCheckedYet int `json:"not_checked_yet"` // no outcome within the horizon: unknown, not good
}

// teams numbers the sets of inspectors.
type teams struct {
	names  [][]string
	number map[string]int32
}

func newBacktest(o BacktestOptions) (*backtest, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	b := &backtest{options: o, decay: decayTable(naiveHalfLife, naiveWindow), teams: teams{number: map[string]int32{}},
		outcomes: outcomes{label: o.Label, purpose: purposeNumbers[o.Purpose]}}
	b.models = []*Model{o.Model}
	for _, d := range o.Without {
		other, err := o.Model.Without(d)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrProtocol, err)
		}
		b.models = append(b.models, other)
	}
	b.indices = make([][]int32, len(b.models))
	b.waiting = newWaiting()
	if o.Horizon > 0 {
		b.grid = grid(o.From, o.To, o.Step)
	}
	return b, nil
}

func (o *BacktestOptions) check() error {
	_, known := purposeNumbers[o.Purpose]
	switch {
	case o.Model == nil:
		return fmt.Errorf("%w: no model", ErrProtocol)
	case o.From == 0 || o.To < o.From:
		return fmt.Errorf("%w: from %s to %s", ErrProtocol, o.From, o.To)
	case o.Horizon < 0 || o.Horizon > 3650:
		return fmt.Errorf("%w: a horizon of %d days, want 1 to 3650", ErrProtocol, o.Horizon)
	case o.Horizon > 0 && o.Step != StepMonth && o.Step != StepQuarter:
		return fmt.Errorf("%w: step %q, want %s or %s", ErrProtocol, o.Step, StepMonth, StepQuarter)
	case o.Label < LabelAnyBad || o.Label > LabelFailedCheck:
		return fmt.Errorf("%w: no label, want one of %q", ErrProtocol, LabelNames())
	case !known:
		return fmt.Errorf("%w: purpose %q, want %q or nothing", ErrProtocol, o.Purpose, purposeNames[1:])
	case o.Replicates < 0 || o.Replicates > 10_000 || o.MinChecks < 0:
		return fmt.Errorf("%w: %d replicates, at least %d checks", ErrProtocol, o.Replicates, o.MinChecks)
	}
	return nil
}

// grid returns the first day and the same day of each following month or quarter (the last day of a shorter month), up to the last.
func grid(from, to registry.Day, step string) (days []registry.Day) {
	y, m, d := from.Time().Date()
	months := 1
	if step == StepQuarter {
		months = 3
	}
	for n := 0; ; n += months {
		month := int(m) - 1 + n
		year, month := y+month/12, month%12+1
		text := appendDate(nil, 0)
		text = fmt.Appendf(text[:0], "%04d-%02d-%02d", year, month, min(d, daysIn(year, month)))
		day, ok := parseDate(string(text))
		if !ok || day > to {
			return days
		}
		days = append(days, day)
	}
}

// enterprise adds the observations of one enterprise.
func (b *backtest) enterprise(d Dossier) error {
	b.read++
	checks := slices.DeleteFunc(newestChecks(d.Everything()), func(f KnownFact) bool { return !b.outcomes.is(&f.Fact) })
	subject, last := int32(-1), [2]string{}
	observe := func(day registry.Day, bad bool) error {
		o, check, ok, err := b.observe(d, day)
		if err != nil || !ok {
			return err
		}
		if subject < 0 {
			subject = int32(len(b.subjects))
			b.subjects = append(b.subjects, d.Whose())
		}
		o.enterprise, o.bad, o.team = subject, bad, -1
		if check != nil && last != [2]string{check.Source, check.SourceRef} {
			last = [2]string{check.Source, check.SourceRef}
			o.team = b.teams.of(check.Inspectors)
		}
		b.seen = append(b.seen, o)
		return nil
	}
	if b.options.Horizon == 0 {
		return b.eachOutcome(checks, observe)
	}
	return b.eachDay(checks, observe)
}

// eachOutcome tests every outcome against the grade of the day before.
func (b *backtest) eachOutcome(checks []KnownFact, observe func(registry.Day, bool) error) error {
	for i := range checks {
		if f := &checks[i]; f.OccurredOn >= b.options.From && f.OccurredOn <= b.options.To {
			if err := observe(f.OccurredOn-1, b.outcomes.bad(&f.Fact)); err != nil {
				return err
			}
		}
	}
	return nil
}

// eachDay tests the grades of the grid against the outcomes within the horizon: bad when any of them is.
func (b *backtest) eachDay(checks []KnownFact, observe func(registry.Day, bool) error) error {
	for _, day := range b.grid {
		found, bad := false, false
		for i := range checks {
			if on := checks[i].OccurredOn; on > day && on <= day+registry.Day(b.options.Horizon) {
				found, bad = true, bad || b.outcomes.bad(&checks[i].Fact)
			}
		}
		if !found {
			b.skipped.NotCheckedYet++
			continue
		}
		if err := observe(day, bad); err != nil {
			return err
		}
	}
	return nil
}

// observe puts down what was known of an enterprise on a day, to be graded. check is the last check that had happened.
func (b *backtest) observe(d Dossier, day registry.Day) (o observation, check *KnownFact, ok bool, err error) {
	p := EndOf(day, b.options.KnownAsOccurred)
	who, known, ok := d.At(p, b.known[:0])
	b.known = known
	if !ok || who.RegisteredOn > day {
		b.skipped.NotKnown++
		return o, nil, false, nil
	}
	facts, err := b.guard.admit(d.Whose().USCC, &p, known)
	if err != nil {
		return o, nil, false, err
	}
	risks, n := b.outcomes.naive(facts, day, b.decay)
	if n < b.options.MinChecks {
		b.skipped.TooFewChecks++
		return o, nil, false, nil
	}
	for i, risk := range risks {
		b.naive[i] = append(b.naive[i], risk)
	}
	b.evidence.Set(who, facts)
	return observation{day: day, compared: n > 0}, lastCheck(known), true, b.wait(&b.evidence, day)
}

// lastCheck returns the newest check; of several on one day, the last of the list.
func lastCheck(known []KnownFact) *KnownFact {
	var last *KnownFact
	for i := range known {
		f := &known[i]
		if isCheck(&f.Fact) && f.state != stateVoided && (last == nil || f.OccurredOn >= last.OccurredOn) {
			last = f
		}
	}
	return last
}

func (t *teams) of(inspectors []string) int32 {
	key := fmt.Sprintf("%q", inspectors)
	no, seen := t.number[key]
	if !seen {
		no = int32(len(t.names))
		t.number[key] = no
		t.names = append(t.names, slices.Clone(inspectors))
	}
	return no
}
