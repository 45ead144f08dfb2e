package scoring_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"healthcode/registry"
	"healthcode/scoring"
)

// syntheticEvidence is what the enterprises of a range of a run have.
func syntheticEvidence(n int) []*scoring.Evidence {
	list, dice, all := syntheticTemplates(), rand.New(rand.NewPCG(5, 6)), make([]*scoring.Evidence, n)
	for i := range all {
		all[i] = &scoring.Evidence{}
		facts := append([]scoring.Fact(nil), list[i%len(list)]...)
		all[i].Set(scoring.Enterprise{USCC: codeOf(i), RegisteredOn: today - registry.Day(300+dice.IntN(5000)), Risk: registry.RiskLevel(dice.IntN(3))}, facts)
	}
	return all
}

// rangeByEvidence grades a range one enterprise after the other; steady says that no standing needs to be followed.
func rangeByEvidence(all []*scoring.Evidence, steady bool) {
	a := scoring.NewAssessor(scoring.DefaultModel())
	for _, e := range all {
		g := scoring.Grade{}
		if steady {
			g.Earned = a.Assess(e, today)
		} else {
			g, _ = a.GradeAhead(e, today)
		}
		a.Digests(e, today, knownAt, &g)
	}
}

// rangeByColumns does the same as recompute does.
func rangeByColumns(b *testing.B, all []*scoring.Evidence, steady bool) {
	builder, facts := scoring.NewColumnBuilder(len(all), 0), make([][32]byte, len(all))
	var buffer []byte
	for i, e := range all {
		if err := builder.Add(e); err != nil {
			b.Fatal(err)
		}
		facts[i], buffer = scoring.FactsDigest(buffer, e.Facts())
	}
	grader, grades := builder.Build().Grader(scoring.DefaultModel()), make([]scoring.Grade, len(all))
	grader.AssessAll(today, func(i int, x *scoring.Assessment) { grades[i].Earned = *x })
	for i := range grades {
		if !steady {
			grades[i], _ = grader.GradeAhead(i, today)
		}
		grader.Digest(i, today, knownAt, facts[i], &grades[i])
	}
}

// BenchmarkRange grades a range of a run by columns; beside it, the time that grading each enterprise's evidence takes.
func BenchmarkRange(b *testing.B) {
	all := syntheticEvidence(1000)
	for name, steady := range map[string]bool{"first run": false, "nightly run": true} {
		b.Run(name, func(b *testing.B) {
			columns, evidence := time.Hour, time.Hour
			for b.Loop() {
				start := time.Now()
				rangeByColumns(b, all, steady)
				middle := time.Now()
				rangeByEvidence(all, steady)
				columns, evidence = min(columns, middle.Sub(start)), min(evidence, time.Since(middle))
			}
			b.ReportMetric(float64(columns.Nanoseconds())/float64(len(all)), "ns/enterprise")
			b.ReportMetric(columns.Seconds()/evidence.Seconds(), "columns/evidence")
		})
	}
}

// pastOf is an enterprise's past made of the facts of a synthetic one, each known when it happened.
func pastOf(e *scoring.Evidence) past {
	p := past{&scoring.History{Subject: scoring.Subject{USCC: e.USCC}, Descriptions: []scoring.Description{{Revision: 1, RegisteredOn: e.RegisteredOn}}}}
	for _, f := range e.Facts() {
		p.Facts = append(p.Facts, scoring.KnownFact{Fact: f, KnownAt: f.OccurredOn.Time().UnixMicro()})
	}
	slices.SortFunc(p.Facts, func(a, b scoring.KnownFact) int { return strings.Compare(a.SourceRef, b.SourceRef) })
	return p
}

// gradePasts grades every past on its own, as the back-test does by columns.
func gradePasts(b *testing.B, pasts map[registry.USCC]past, seen []scoring.Observation, models []*scoring.Model) {
	var e scoring.Evidence
	assessors := make([]*scoring.Assessor, len(models))
	for i, m := range models {
		assessors[i] = scoring.NewAssessor(m)
	}
	var known []scoring.KnownFact
	var facts []scoring.Fact
	for i := range seen {
		o := &seen[i]
		var who scoring.Enterprise
		who, known, _ = pasts[o.USCC].At(scoring.EndOf(o.AsOf, false), known[:0])
		facts = facts[:0]
		for k := range known {
			facts = append(facts, known[k].Fact)
		}
		e.Set(who, facts)
		if g := assessors[0].Grade(&e, o.AsOf); g.Earned.Index != o.Index || g.Colour != o.Colour {
			b.Fatalf("%+v, the back-test says %+v", g, o)
		}
		for _, a := range assessors[1:] {
			a.Assess(&e, o.AsOf)
		}
	}
}

// BenchmarkBacktest is a whole back-test over two years of months, graded by columns; beside it, the time that cutting and grading each past
// on its own takes on one processor, without guard and statistics.
func BenchmarkBacktest(b *testing.B) {
	list, pasts := []past{}, map[registry.USCC]past{}
	for _, e := range syntheticEvidence(2000) {
		p := pastOf(e)
		list, pasts[e.USCC] = append(list, p), p
	}
	var seen []scoring.Observation
	o := scoring.BacktestOptions{Model: scoring.DefaultModel(), Without: []scoring.Dimension{scoring.Complaint}, Protocol: scoring.Protocol{From: today - 1000,
		To: today - 300, Horizon: 300, Step: scoring.StepMonth, Label: scoring.LabelMajor}, Each: func(one *scoring.Observation) { seen = append(seen, *one) }}
	without, err := o.Model.Without(scoring.Complaint)
	if err != nil {
		b.Fatal(err)
	}
	columns, evidence := time.Hour, time.Hour
	for b.Loop() {
		seen = seen[:0]
		start := time.Now()
		if _, err := scoring.Backtest(b.Context(), dossiers(list), o); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		gradePasts(b, pasts, seen, []*scoring.Model{o.Model, without})
		columns, evidence = min(columns, middle.Sub(start)), min(evidence, time.Since(middle))
	}
	b.ReportMetric(float64(len(seen)), "observations")
	b.ReportMetric(float64(columns.Nanoseconds())/float64(len(seen)), "ns/observation")
	b.ReportMetric(columns.Seconds()/evidence.Seconds(), "columns/evidence")
}
