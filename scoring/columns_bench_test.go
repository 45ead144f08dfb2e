package scoring_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"healthcode/registry"
	"healthcode/scoring"
)

// templates is how many different enterprises the synthetic population is made of; each comes again with other days and risk.
const templates = 4096

// syntheticRecord draws one record of an ordinary enterprise: mostly checks and visits, few failures, some of everything else.
func syntheticRecord(dice *rand.Rand, n int) registry.Record {
	r := registry.Record{Source: "bench", SourceRef: fmt.Sprintf("%02d", n), State: registry.StateFinal, OccurredOn: today - registry.Day(dice.IntN(1080))}
	severity := []registry.Severity{1, 1, 1, 1, 1, 1, 2, 2, 2, 3}[dice.IntN(10)]
	set := func(kind registry.Kind, outcome string) {
		r.Kind, r.Outcome, r.Detail = kind, outcome, registry.Kinds[kind].New()
		if registry.Kinds[kind].SeverityNeeded(outcome) {
			r.Severity = severity
		}
	}
	switch roll := dice.IntN(100); {
	case roll < 27:
		set(registry.KindSpotCheck, registry.OutcomePass)
	case roll < 31:
		set(registry.KindSpotCheck, registry.OutcomeFail)
		r.CaseID, r.RectifyBy = "case", r.OccurredOn+30
		if dice.IntN(4) > 0 {
			r.RectifiedOn = r.OccurredOn + 20
		}
	case roll < 60:
		set(registry.KindInspection, registry.OutcomeDone)
		for range max(0, dice.IntN(6)-3) {
			r.Findings = append(r.Findings, registry.Finding{Severity: severity})
		}
	case roll < 67:
		set(registry.KindComplaint, registry.OutcomeUnsubstantiated)
	case roll < 71:
		set(registry.KindComplaint, registry.OutcomeSubstantiated)
	case roll < 74:
		set(registry.KindPenalty, registry.OutcomeImposed)
		r.CaseID = "case"
	case roll < 86:
		set(registry.KindCapability, registry.OutcomeHeld)
		if dice.IntN(12) == 0 {
			set(registry.KindCapability, registry.OutcomeMissing)
		}
		r.Detail = &registry.Capability{Item: []string{"qms", "traceability", "capability_assessment"}[dice.IntN(3)]}
	case roll < 92:
		set(registry.KindSelfInspection, registry.OutcomeOnTime)
	case roll < 96:
		set(registry.KindLicence, registry.OutcomeRenewed)
		r.Detail = &registry.Licence{Number: "L-1"}
	default:
		set(registry.KindRiskSignal, registry.OutcomeRaised)
	}
	return r
}

func syntheticTemplates() [][]scoring.Fact {
	dice := rand.New(rand.NewPCG(1, 2))
	list := make([][]scoring.Fact, templates)
	for i := range list {
		for n := range 10 {
			r := syntheticRecord(dice, n)
			list[i] = append(list[i], scoring.FactOf(&r))
		}
	}
	return list
}

// syntheticColumns makes a population of ten records an enterprise, the same for the same size.
func syntheticColumns(t testing.TB, enterprises int) *scoring.Columns {
	t.Helper()
	list, dice := syntheticTemplates(), rand.New(rand.NewPCG(3, 4))
	b := scoring.NewColumnBuilder(enterprises, 10*enterprises)
	var e scoring.Evidence
	facts := make([]scoring.Fact, 10)
	for i := range enterprises {
		copy(facts, list[dice.IntN(templates)])
		shift := registry.Day(dice.IntN(60))
		for j := range facts {
			f := &facts[j]
			f.OccurredOn -= shift
			if f.RectifyBy != 0 {
				f.RectifyBy -= shift
			}
			if f.RectifiedOn != 0 {
				f.RectifiedOn -= shift
			}
		}
		e.Set(scoring.Enterprise{USCC: codeOf(i), RegisteredOn: today - registry.Day(300+dice.IntN(5000)), Risk: registry.RiskLevel(dice.IntN(3))}, facts)
		if err := b.Add(&e); err != nil {
			t.Fatal(err)
		}
	}
	return b.Build()
}

// sumOf adds up as many bytes as the columns have, in words of eight, and returns how long that takes: the best of five.
func sumOf(c *scoring.Columns) time.Duration {
	records, enterprises := c.Bytes()
	words := make([]uint64, (records+enterprises)/8)
	for i := range words {
		words[i] = uint64(i)
	}
	best := time.Hour
	for range 5 {
		start, sum := time.Now(), uint64(0)
		for _, w := range words {
			sum += w
		}
		took := time.Since(start)
		if sum == 0 { // the sum must be used, or nothing is summed
			panic("the sum of many numbers is zero")
		}
		best = min(best, took)
	}
	return best
}

func pass(b *testing.B, c *scoring.Columns, workers int) time.Duration {
	grades := scoring.NewGrades(c.Len())
	start := time.Now()
	if err := c.Grade(b.Context(), scoring.DefaultModel(), today, grades, scoring.PassOptions{Workers: workers}); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

// BenchmarkGradingPass grades everybody: beside it the time that summing the same bytes takes, the gain of a second core, and the cost of
// an enterprise beside that in a population of ten thousand. HEALTHCODE_BENCH_ENTERPRISES sets the size.
func BenchmarkGradingPass(b *testing.B) {
	size := 1_000_000
	if text := os.Getenv("HEALTHCODE_BENCH_ENTERPRISES"); text != "" {
		var err error
		if size, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	small, c := syntheticColumns(b, 10_000), syntheticColumns(b, size)
	few := time.Hour
	for range 20 {
		few = min(few, pass(b, small, 1))
	}
	summing, one, two := time.Hour, time.Hour, time.Hour
	for b.Loop() { // each in turn, so that other work on the machine disturbs all of them alike
		summing, one, two = min(summing, sumOf(c)), min(one, pass(b, c, 1)), min(two, pass(b, c, 2))
	}
	records, enterprises := c.Bytes()
	b.ReportMetric(float64(records)/float64(c.Records()), "bytes/record(≤24)")
	b.ReportMetric(float64(enterprises)/float64(c.Len()), "bytes/enterprise(≤64)")
	b.ReportMetric(summing.Seconds()*1000, "sum-ms")
	b.ReportMetric(one.Seconds()*1000, "pass-ms")
	b.ReportMetric(one.Seconds()/summing.Seconds(), "pass/sum(≤20)")
	b.ReportMetric(one.Seconds()/two.Seconds(), "2-cores(≥1.8)")
	b.ReportMetric(float64(one.Nanoseconds())/float64(size), "ns/enterprise")
	b.ReportMetric((one.Seconds()/float64(size))/(few.Seconds()/10_000), "linear(≤1.2)")
}
