package supervision

import (
	"errors"
	"testing"
	"time"

	"healthcode/registry"

	"pgregory.net/rapid"
)

func penalty(on string, severity registry.Severity, detail registry.Penalty) registry.Record {
	return registry.Record{USCC: "91330402MA0000001X", Source: "s", SourceRef: on, Revision: 1, Kind: registry.KindPenalty, Outcome: registry.OutcomeImposed, Severity: severity,
		OccurredOn: day(on), State: registry.StateFinal, Detail: &detail}
}

func TestPublication(t *testing.T) {
	t.Parallel()
	broken := registry.Record{Kind: registry.KindCommitment, Outcome: registry.OutcomeBroken, OccurredOn: day("2026-01-31"), Detail: &registry.Commitment{}}
	for name, c := range map[string]struct {
		record        registry.Record
		restarted     string
		repair, until string
	}{
		"minor":                          {penalty("2026-01-31", registry.SeverityMinor, registry.Penalty{}), "", "2026-01-31", "2026-04-30"},
		"major":                          {penalty("2026-01-31", registry.SeverityMajor, registry.Penalty{}), "", "2026-04-30", "2027-01-31"},
		"critical":                       {penalty("2026-01-31", registry.SeverityCritical, registry.Penalty{}), "", "2027-01-31", "2029-01-31"},
		"a leap day":                     {penalty("2024-02-29", registry.SeverityMajor, registry.Penalty{}), "", "2024-05-29", "2025-02-28"},
		"a commitment":                   {broken, "", "2026-04-30", "2027-01-31"},
		"closed down":                    {penalty("2026-01-31", registry.SeverityMinor, registry.Penalty{Sanction: registry.SanctionSuspension}), "", "", "2029-01-31"},
		"a licence revoked":              {penalty("2026-01-31", registry.SeverityCritical, registry.Penalty{Sanction: registry.SanctionRevocation}), "", "", "2029-01-31"},
		"its own end, earlier":           {penalty("2026-01-31", registry.SeverityMajor, registry.Penalty{PublishUntil: day("2026-07-01")}), "", "2026-04-30", "2026-07-01"},
		"its own end, later":             {penalty("2026-01-31", registry.SeverityMinor, registry.Penalty{PublishUntil: day("2029-01-31")}), "", "2026-01-31", "2026-04-30"},
		"after fraud the clock restarts": {penalty("2026-01-31", registry.SeverityMajor, registry.Penalty{PublishUntil: day("2026-07-01")}), "2026-09-15", "2026-12-15", "2027-09-15"},
	} {
		restarted, err := registry.ParseDay(c.restarted)
		if err != nil {
			t.Fatal(err)
		}
		p := PublicationOf(&c.record, restarted)
		if p.Repair.String() != c.repair || p.Until.String() != c.until {
			t.Errorf("%s: from %s until %s, want %s, %s", name, p.Repair, p.Until, c.repair, c.until)
		}
		if Ended(&c.record, restarted, p.Until) {
			t.Errorf("%s: ended on its last day", name)
		}
		c.record.State = registry.StateFinal
		if !Ended(&c.record, restarted, p.Until+1) {
			t.Errorf("%s: not ended on the day after", name)
		}
	}
}

func TestWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*registry.Record){
		"a spot check":        func(r *registry.Record) { r.Kind, r.Outcome = registry.KindSpotCheck, registry.OutcomeFail },
		"a commitment kept":   func(r *registry.Record) { r.Kind, r.Outcome = registry.KindCommitment, registry.OutcomeKept },
		"repaired already":    func(r *registry.Record) { r.State = registry.StateRepaired },
		"voided":              func(r *registry.Record) { r.State = registry.StateVoided },
		"an objection's open": func(r *registry.Record) { r.State = registry.StateProvisional },
	} {
		r := penalty("2020-01-01", registry.SeverityMinor, registry.Penalty{})
		change(&r)
		if Ended(&r, 0, day("2026-11-26")) {
			t.Error(name)
		}
	}
}

func TestCanRepair(t *testing.T) {
	t.Parallel()
	all := Duties{true, true}
	major := func(change func(*registry.Record)) registry.Record {
		r := penalty("2026-01-10", registry.SeverityMajor, registry.Penalty{LegalBasis: "art. 49"})
		if change != nil {
			change(&r)
		}
		return r
	}
	listed := registry.Record{Kind: registry.KindExternalCredit, Outcome: registry.OutcomeListed, OccurredOn: day("2026-02-01"), State: registry.StateFinal, Source: "c", SourceRef: "1",
		Detail: &registry.ExternalCredit{List: registry.ListSeriousViolation}}
	other := listed
	other.Detail = &registry.ExternalCredit{List: "tax_arrears"}
	for name, c := range map[string]struct {
		record registry.Record
		beside []registry.Record
		duties Duties
		on     string
		want   error
	}{
		"in time":                     {major(nil), nil, all, "2026-04-10", nil},
		"a day early":                 {major(nil), nil, all, "2026-04-09", ErrTooEarly},
		"duties not done":             {major(nil), nil, Duties{false, true}, "2026-06-01", ErrDuties},
		"harm not removed":            {major(nil), nil, Duties{true, false}, "2026-06-01", ErrDuties},
		"not rectified":               {major(func(r *registry.Record) { r.RectifyBy = day("2026-03-01") }), nil, all, "2026-06-01", ErrDuties},
		"rectified":                   {major(func(r *registry.Record) { r.RectifyBy, r.RectifiedOn = day("2026-03-01"), day("2026-02-20") }), nil, all, "2026-06-01", nil},
		"the same again":              {major(nil), []registry.Record{penalty("2026-03-01", registry.SeverityMinor, registry.Penalty{LegalBasis: "art. 49"})}, all, "2026-06-01", ErrAgain},
		"again, on what basis?":       {major(nil), []registry.Record{penalty("2026-03-01", registry.SeverityMinor, registry.Penalty{})}, all, "2026-06-01", ErrAgain},
		"another kind of penalty":     {major(nil), []registry.Record{penalty("2026-03-01", registry.SeverityMinor, registry.Penalty{LegalBasis: "art. 50"})}, all, "2026-06-01", nil},
		"an earlier penalty":          {major(nil), []registry.Record{penalty("2025-12-01", registry.SeverityMinor, registry.Penalty{LegalBasis: "art. 49"})}, all, "2026-06-01", nil},
		"on the list":                 {major(nil), []registry.Record{listed}, all, "2026-06-01", ErrListed},
		"on a list of another sort":   {major(nil), []registry.Record{other}, all, "2026-06-01", nil},
		"closed down":                 {major(func(r *registry.Record) { r.Detail = &registry.Penalty{Sanction: registry.SanctionSuspension} }), nil, all, "2028-06-01", ErrNotRepairable},
		"a spot check":                {registry.Record{Kind: registry.KindSpotCheck, Outcome: registry.OutcomeFail, State: registry.StateFinal}, nil, all, "2026-06-01", ErrNotRepairable},
		"repaired already":            {major(func(r *registry.Record) { r.State = registry.StateRepaired }), nil, all, "2026-06-01", ErrNotRepairable},
		"while an objection is open":  {major(func(r *registry.Record) { r.State = registry.StateProvisional }), nil, all, "2026-06-01", ErrNotRepairable},
		"a commitment that was kept":  {registry.Record{Kind: registry.KindCommitment, Outcome: registry.OutcomeKept, State: registry.StateFinal}, nil, all, "2026-06-01", ErrNotRepairable},
		"a commitment that is broken": {registry.Record{Kind: registry.KindCommitment, Outcome: registry.OutcomeBroken, State: registry.StateFinal, OccurredOn: day("2026-01-10"), Detail: &registry.Commitment{}}, nil, all, "2026-06-01", nil},
	} {
		standing := append([]registry.Record{c.record}, c.beside...)
		if err := CanRepair(&c.record, standing, c.duties, 0, day(c.on)); !errors.Is(err, c.want) || err != nil && c.want == nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// A repaired record never stands, so it never counts and is never told; and a record's terms follow each other.
func TestRepairedNeverStands(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := penalty("2026-01-10", registry.Severity(rapid.IntRange(1, 3).Draw(t, "severity")), registry.Penalty{Sanction: rapid.SampledFrom(append(registry.Sanctions(), "")).Draw(t, "sanction")})
		r.ProvisionalUntil = registry.Day(rapid.IntRange(0, 60000).Draw(t, "until"))
		r.State = rapid.SampledFrom([]registry.State{registry.StateFinal, registry.StateProvisional}).Draw(t, "state")
		on := registry.Day(rapid.IntRange(int(r.OccurredOn), 60000).Draw(t, "on"))
		if standing := registry.Standing([]registry.Record{r, Repaired(r)}, on); len(standing) != 0 {
			t.Fatalf("%+v stands on %s", standing, on)
		}
		restarted := registry.Day(rapid.IntRange(0, 60000).Draw(t, "restarted"))
		p := PublicationOf(&r, restarted)
		if p.From < r.OccurredOn || p.Until < p.From || p.Repair != 0 && (p.Repair < p.From || p.Repair > p.Until) {
			t.Fatalf("%+v", p)
		}
	})
}

func TestObjections(t *testing.T) {
	t.Parallel()
	known := time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)
	fail := registry.Record{USCC: "91330402MA0000001X", Source: "s", SourceRef: "1", Revision: 1, Kind: registry.KindSpotCheck, Outcome: registry.OutcomeFail, Severity: registry.SeverityMajor,
		OccurredOn: day("2026-10-20"), KnownAt: known, State: registry.StateFinal, Findings: []registry.Finding{{Item: "x", Severity: registry.SeverityMajor}}, Detail: &registry.SpotCheck{}}
	final, worse := fail, fail
	final.KnownAt, final.State = known.AddDate(0, 0, 5), registry.StateFinal
	worse.KnownAt, worse.Severity = known.AddDate(0, 0, 5), registry.SeverityCritical
	given := fail
	given.State, given.ProvisionalUntil = registry.StateProvisional, day("2026-12-10")
	voided := fail
	voided.State = registry.StateVoided
	for name, c := range map[string]struct {
		revisions []registry.Record
		on        string
		want      error
	}{
		"on the last day":              {[]registry.Record{fail}, "2026-11-17", nil},
		"a day late":                   {[]registry.Record{fail}, "2026-11-18", ErrLate},
		"a state alone is no news":     {[]registry.Record{fail, final}, "2026-11-18", ErrLate},
		"it became worse":              {[]registry.Record{fail, worse}, "2026-11-23", nil}, // the 22nd is a Sunday
		"the source gives longer":      {[]registry.Record{given}, "2026-12-10", nil},
		"voided":                       {[]registry.Record{voided}, "2026-11-03", ErrRecord},
		"repaired":                     {[]registry.Record{Repaired(fail)}, "2026-11-03", ErrRecord},
		"no such record":               {nil, "2026-11-03", ErrRecord},
		"and the day after that, late": {[]registry.Record{fail, worse}, "2026-11-24", ErrLate},
	} {
		if err := CanObject(c.revisions, day(c.on), China()); !errors.Is(err, c.want) || err != nil && c.want == nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if s, changed := Suspended(fail); !changed || s.State != registry.StateProvisional || s.ProvisionalUntil != 0 {
		t.Errorf("suspended: %+v", s)
	}
	if _, changed := Suspended(worse); changed {
		t.Error("a critical record counts while it is contested")
	}
	open, _ := Suspended(fail)
	if standing := registry.Standing([]registry.Record{open}, day("2030-01-01")); len(standing) != 0 {
		t.Error("it counts while it is contested")
	}
	if s, changed := Settled(open); !changed || s.State != registry.StateFinal {
		t.Errorf("settled: %+v", s)
	}
}

func TestCorrections(t *testing.T) {
	t.Parallel()
	fail := registry.Record{USCC: "91330402MA0000001X", Source: "s", SourceRef: "1", Kind: registry.KindSpotCheck, Outcome: registry.OutcomeFail, Severity: registry.SeverityCritical,
		OccurredOn: day("2026-10-20"), State: registry.StateProvisional, Findings: []registry.Finding{{Item: "x", Severity: registry.SeverityCritical}, {Item: "y", Severity: registry.SeverityMinor}},
		Detail: &registry.SpotCheck{Cause: registry.CauseForged}}
	visit := registry.Record{USCC: "91330402MA0000001X", Source: "s", SourceRef: "2", Kind: registry.KindInspection, Outcome: registry.OutcomeDone, OccurredOn: day("2026-10-20"),
		State: registry.StateFinal, Findings: []registry.Finding{{Severity: registry.SeverityMajor}}, Detail: &registry.Inspection{}}
	for name, c := range map[string]struct {
		record   registry.Record
		how      Correction
		state    registry.State
		severity registry.Severity
		worst    registry.Severity
	}{
		"voided":               {fail, Correction{}, registry.StateVoided, registry.SeverityCritical, registry.SeverityCritical},
		"less severe":          {fail, Correction{Severity: registry.SeverityMinor}, registry.StateFinal, registry.SeverityMinor, registry.SeverityMinor},
		"passed after all":     {fail, Correction{Outcome: registry.OutcomePass}, registry.StateFinal, registry.SeverityNone, registry.SeverityNone},
		"a finding less grave": {visit, Correction{Severity: registry.SeverityMinor}, registry.StateFinal, registry.SeverityNone, registry.SeverityMinor},
	} {
		got := Corrected(c.record, c.how)
		if got.State != c.state || got.Severity != c.severity || got.Worst() != c.worst {
			t.Errorf("%s: %+v", name, got)
		}
		if problems := got.Validate(day("2026-11-26")); problems != nil {
			t.Errorf("%s: %v", name, problems)
		}
		if fail.Findings[0].Severity != registry.SeverityCritical {
			t.Fatalf("%s: the record before was changed", name)
		}
	}
}
