package scoring_test

import (
	"fmt"
	"testing"

	"healthcode/registry"
	"healthcode/scoring"
)

// tenRecords is an ordinary enterprise: checks, visits, a failed check with its penalty in one case, a complaint, capability items.
func tenRecords() []registry.Record {
	record := func(n int, kind registry.Kind, outcome string, severity registry.Severity, age registry.Day) registry.Record {
		return registry.Record{USCC: uscc, Source: "bureau", SourceRef: fmt.Sprintf("r-%02d", n), Revision: 1, Kind: kind, Outcome: outcome,
			Severity: severity, OccurredOn: today - age, State: registry.StateFinal, Detail: registry.Kinds[kind].New()}
	}
	records := []registry.Record{
		record(0, registry.KindSpotCheck, registry.OutcomePass, 0, 900),
		record(1, registry.KindInspection, registry.OutcomeDone, 0, 800),
		record(2, registry.KindSpotCheck, registry.OutcomeFail, registry.SeverityMajor, 500),
		record(3, registry.KindPenalty, registry.OutcomeImposed, registry.SeverityMajor, 450),
		record(4, registry.KindComplaint, registry.OutcomeSubstantiated, registry.SeverityMinor, 400),
		record(5, registry.KindCapability, registry.OutcomeHeld, 0, 300),
		record(6, registry.KindCapability, registry.OutcomeHeld, 0, 290),
		record(7, registry.KindSelfInspection, registry.OutcomeOnTime, 0, 200),
		record(8, registry.KindInspection, registry.OutcomeDone, 0, 100),
		record(9, registry.KindSpotCheck, registry.OutcomePass, 0, 30),
	}
	records[2].CaseID, records[3].CaseID = "case", "case"
	records[5].Detail, records[6].Detail = &registry.Capability{Item: "qms"}, &registry.Capability{Item: "traceability"}
	records[8].Findings = []registry.Finding{{Severity: registry.SeverityMinor}, {Severity: registry.SeverityMajor}}
	return records
}

func ordinary() *scoring.Evidence {
	return evidence(scoring.Enterprise{USCC: uscc, RegisteredOn: today - 4000, Risk: registry.RiskHigher}, tenRecords())
}

func BenchmarkAssess(b *testing.B) {
	a, e := scoring.NewAssessor(scoring.DefaultModel()), ordinary()
	b.ReportAllocs()
	for b.Loop() {
		a.Assess(e, today)
	}
}

func BenchmarkParseAndAssess(b *testing.B) {
	a, e := scoring.NewAssessor(scoring.DefaultModel()), ordinary()
	who, text := e.Enterprise, ""
	for i, f := range e.Facts() {
		if i > 0 {
			text += ","
		}
		text += string(f.AppendJSON(nil))
	}
	var facts []scoring.Fact
	b.ReportAllocs()
	for b.Loop() {
		facts, _ = scoring.ParseFacts(facts[:0], text)
		e.Set(who, facts)
		a.Assess(e, today)
	}
}

func BenchmarkDigests(b *testing.B) {
	a, e := scoring.NewAssessor(scoring.DefaultModel()), ordinary()
	g := a.Grade(e, today)
	b.ReportAllocs()
	for b.Loop() {
		a.Digests(e, today, knownAt, &g)
	}
}

func BenchmarkNextChange(b *testing.B) {
	a, e := scoring.NewAssessor(scoring.DefaultModel()), ordinary()
	b.ReportAllocs()
	for b.Loop() {
		a.NextChange(e, today)
	}
}

func BenchmarkExplain(b *testing.B) {
	a, e := scoring.NewAssessor(scoring.DefaultModel()), ordinary()
	b.ReportAllocs()
	for b.Loop() {
		a.Explain(e, today, knownAt)
	}
}

func TestAssessAllocatesNothing(t *testing.T) {
	a, e := scoring.NewAssessor(scoring.DefaultModel()), ordinary()
	a.Assess(e, today)
	if n := testing.AllocsPerRun(100, func() { a.Assess(e, today) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
