package scoring_test

import (
	"fmt"

	"healthcode/registry"
	"healthcode/scoring"

	"pgregory.net/rapid"
)

const uscc = registry.USCC("91350100M000100Y43")

var today = registry.MustDay("2026-11-22")

// drawRecord draws a valid record that happened at most four years before today.
func drawRecord(t *rapid.T, ref string) registry.Record {
	kind := registry.Kind(rapid.SampledFrom(registry.KindNames()).Draw(t, "kind"))
	rule := registry.Kinds[kind]
	r := registry.Record{USCC: uscc, Source: "test", SourceRef: ref, Revision: 1, Kind: kind, Detail: rule.New(),
		Outcome:    rapid.SampledFrom(rule.Outcomes).Draw(t, "outcome"),
		OccurredOn: today - registry.Day(rapid.IntRange(0, 1500).Draw(t, "age")),
		State:      rapid.SampledFrom([]registry.State{registry.StateFinal, registry.StateFinal, registry.StateFinal, registry.StateProvisional, registry.StateVoided, registry.StateRepaired}).Draw(t, "state"),
	}
	if rule.SeverityNeeded(r.Outcome) {
		r.Severity = drawSeverity(t)
	}
	if r.State == registry.StateProvisional && rapid.Bool().Draw(t, "window ends") {
		r.ProvisionalUntil = r.OccurredOn + registry.Day(rapid.IntRange(0, 300).Draw(t, "window"))
	}
	if rule.Event {
		drawEvent(t, &r)
	}
	drawDetail(t, &r)
	return r
}

func drawSeverity(t *rapid.T) registry.Severity {
	return registry.Severity(rapid.IntRange(1, 3).Draw(t, "severity"))
}

func drawEvent(t *rapid.T, r *registry.Record) {
	r.Stage = rapid.SampledFrom([]string{"", registry.StageProduction, registry.StageShop, registry.StageOnline}).Draw(t, "stage")
	if n := rapid.IntRange(0, 6).Draw(t, "case"); n > 2 {
		r.CaseID = fmt.Sprint("case-", n)
	}
	if rapid.Bool().Draw(t, "rectified") {
		r.RectifyBy = r.OccurredOn + registry.Day(rapid.IntRange(0, 90).Draw(t, "rectify by"))
		r.RectifiedOn = min(today, r.OccurredOn+registry.Day(rapid.IntRange(0, 120).Draw(t, "rectified on")))
	} else if rapid.Bool().Draw(t, "deadline") {
		r.RectifyBy = r.OccurredOn + registry.Day(rapid.IntRange(0, 400).Draw(t, "rectify by"))
	}
}

func drawDetail(t *rapid.T, r *registry.Record) {
	switch d := r.Detail.(type) {
	case *registry.SpotCheck:
		r.Purpose = drawPurpose(t)
		if r.Severity == registry.SeverityCritical {
			d.Cause = registry.CauseForged
		}
	case *registry.Inspection:
		r.Purpose = drawPurpose(t)
		if r.Outcome == registry.OutcomeDone {
			r.Findings = drawFindings(t)
		}
	case *registry.Capability:
		d.Item = rapid.SampledFrom([]string{"qms", "traceability", "capability_assessment", "self_inspection", "other"}).Draw(t, "item")
	case *registry.SelfInspection:
		d.Year = 2023
		r.OccurredOn = max(r.OccurredOn, registry.MustDay("2023-01-01"))
	case *registry.Licence:
		d.Number = rapid.SampledFrom([]string{"L-1", "L-2"}).Draw(t, "number")
	case *registry.Certification:
		d.Number = "C-1"
	case *registry.Award:
		d.Name = "award"
	case *registry.ExternalCredit:
		d.List = registry.ListSeriousViolation
	}
	if r.ProvisionalUntil != 0 {
		r.ProvisionalUntil = max(r.ProvisionalUntil, r.OccurredOn)
	}
}

func drawPurpose(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", registry.PurposeRandom, registry.PurposeTargeted}).Draw(t, "purpose")
}

func drawFindings(t *rapid.T) (findings []registry.Finding) {
	for range rapid.IntRange(0, 5).Draw(t, "findings") {
		findings = append(findings, registry.Finding{Severity: drawSeverity(t)})
	}
	return findings
}

// drawRecords draws up to 14 valid records with references r00, r01, …
func drawRecords(t *rapid.T) []registry.Record {
	records := make([]registry.Record, rapid.IntRange(0, 14).Draw(t, "records"))
	for i := range records {
		records[i] = drawRecord(t, fmt.Sprintf("r%02d", i))
		if problems := records[i].Validate(today); len(problems) > 0 {
			t.Fatalf("the generator drew an invalid record: %v", problems)
		}
	}
	return records
}

func drawWho(t *rapid.T) scoring.Enterprise {
	who := scoring.Enterprise{USCC: uscc, Risk: registry.RiskLevel(rapid.IntRange(0, 2).Draw(t, "risk"))}
	if rapid.Bool().Draw(t, "registered") {
		who.RegisteredOn = today - registry.Day(rapid.IntRange(0, 2000).Draw(t, "registered ago"))
	}
	return who
}

func evidence(who scoring.Enterprise, records []registry.Record) *scoring.Evidence {
	facts := make([]scoring.Fact, len(records))
	for i := range records {
		facts[i] = scoring.FactOf(&records[i])
	}
	e := &scoring.Evidence{}
	e.Set(who, facts)
	return e
}

func assess(who scoring.Enterprise, records []registry.Record) scoring.Assessment {
	return scoring.NewAssessor(scoring.DefaultModel()).Assess(evidence(who, records), today)
}
