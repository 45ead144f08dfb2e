package registry_test

import (
	"reflect"
	"testing"

	"healthcode/registry"
)

var standingDay = registry.MustDay("2026-11-25")

func TestStanding(t *testing.T) {
	t.Parallel()
	base := registry.Record{Source: "s", SourceRef: "1", Revision: 1, Kind: registry.KindSpotCheck, Outcome: registry.OutcomeFail, Severity: registry.SeverityMajor,
		OccurredOn: standingDay - 30, State: registry.StateFinal}
	provisional := func(until registry.Day, severity registry.Severity) func(*registry.Record) {
		return func(r *registry.Record) {
			r.State, r.ProvisionalUntil, r.Severity = registry.StateProvisional, until, severity
		}
	}
	for name, c := range map[string]struct {
		change func(*registry.Record)
		want   bool
	}{
		"final":                       {func(*registry.Record) {}, true},
		"voided":                      {func(r *registry.Record) { r.State = registry.StateVoided }, false},
		"repaired":                    {func(r *registry.Record) { r.State = registry.StateRepaired }, false},
		"today":                       {func(r *registry.Record) { r.OccurredOn = standingDay }, true},
		"tomorrow":                    {func(r *registry.Record) { r.OccurredOn = standingDay + 1 }, false},
		"open to objection":           {provisional(standingDay, registry.SeverityMajor), false},
		"open to objection, critical": {provisional(standingDay, registry.SeverityCritical), true},
		"no longer open":              {provisional(standingDay-1, registry.SeverityMajor), true},
	} {
		r := base
		c.change(&r)
		if got := registry.Standing([]registry.Record{r}, standingDay); (len(got) == 1) != c.want {
			t.Errorf("%s: %+v", name, got)
		}
		next := base
		next.Revision, next.State = 2, registry.StateVoided
		if got := registry.Standing([]registry.Record{r, next}, standingDay); len(got) != 0 {
			t.Errorf("%s, voided later: %+v", name, got)
		}
	}
}

func TestOpenRectifications(t *testing.T) {
	t.Parallel()
	fail := registry.Record{Kind: registry.KindSpotCheck, Outcome: registry.OutcomeFail, Severity: registry.SeverityMajor, OccurredOn: standingDay - 30, ProductCode: "wire"}
	visit := registry.Record{Kind: registry.KindInspection, Outcome: registry.OutcomeDone, OccurredOn: standingDay - 20, RectifyBy: standingDay + 9,
		Findings: []registry.Finding{{Severity: registry.SeverityMinor}, {Severity: registry.SeverityCritical}}}
	with := func(r registry.Record, change func(*registry.Record)) registry.Record {
		change(&r)
		return r
	}
	rectified := func(on registry.Day) func(*registry.Record) { return func(r *registry.Record) { r.RectifiedOn = on } }
	complaint := registry.Record{Kind: registry.KindComplaint, Outcome: registry.OutcomeSubstantiated, Severity: registry.SeverityMinor, OccurredOn: standingDay - 10}
	dated := func(r *registry.Record) { r.RectifyBy = standingDay }
	for name, c := range map[string]struct {
		record registry.Record
		want   *registry.OpenRectification
	}{
		"failed check":       {fail, &registry.OpenRectification{Kind: fail.Kind, Severity: registry.SeverityMajor, OccurredOn: fail.OccurredOn, ProductCode: "wire"}},
		"visit":              {visit, &registry.OpenRectification{Kind: visit.Kind, Severity: registry.SeverityCritical, OccurredOn: visit.OccurredOn, RectifyBy: visit.RectifyBy}},
		"rectified today":    {with(fail, rectified(standingDay)), nil},
		"rectified tomorrow": {with(fail, rectified(standingDay+1)), &registry.OpenRectification{Kind: fail.Kind, Severity: registry.SeverityMajor, OccurredOn: fail.OccurredOn, ProductCode: "wire"}},
		"six years ago":      {with(fail, func(r *registry.Record) { r.OccurredOn -= 6 * 366 }), nil},
		"passed check":       {with(fail, func(r *registry.Record) { r.Outcome, r.Severity = registry.OutcomePass, registry.SeverityNone }), nil},
		"complaint":          {complaint, nil},
		"dated complaint":    {with(complaint, dated), &registry.OpenRectification{Kind: complaint.Kind, Severity: registry.SeverityMinor, OccurredOn: complaint.OccurredOn, RectifyBy: standingDay}},
		"pending complaint":  {with(with(complaint, dated), func(r *registry.Record) { r.Outcome, r.Severity = registry.OutcomePending, 0 }), nil},
		"risk signal":        {registry.Record{Kind: registry.KindRiskSignal, Outcome: registry.OutcomeRaised, Severity: registry.SeverityMajor, OccurredOn: standingDay, RectifyBy: standingDay}, nil},
	} {
		want := []registry.OpenRectification{}
		if c.want != nil {
			want = append(want, *c.want)
		}
		if got := registry.OpenRectifications([]registry.Record{c.record}, standingDay); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if got := registry.OpenRectifications([]registry.Record{fail, visit}, standingDay); len(got) != 2 || got[0].Kind != registry.KindInspection {
		t.Errorf("not the newest first: %+v", got)
	}
}

func TestLicencesOn(t *testing.T) {
	t.Parallel()
	event := func(number, outcome string, on, until registry.Day) registry.Record {
		return registry.Record{Kind: registry.KindLicence, Outcome: outcome, OccurredOn: on, ProductCode: "wire", Detail: &registry.Licence{Number: number, ValidUntil: until}}
	}
	day := standingDay
	events := []registry.Record{
		event("C", registry.OutcomeRevoked, day-5, 0), event("C", registry.OutcomeGranted, day-400, day+400),
		event("B", registry.OutcomeGranted, day-900, day-1), event("A", registry.OutcomeRenewed, day-10, day), event("A", registry.OutcomeGranted, day-900, day-9),
		event("D", registry.OutcomeCancelled, day-3, 0), event("D", registry.OutcomeGranted, day-3, day+9),
		{Kind: registry.KindAward, Outcome: registry.OutcomeGranted, Detail: &registry.Award{Name: "x"}},
	}
	want := []registry.LicenceState{{"A", "wire", day - 10, day, registry.LicenceValid}, {"B", "wire", day - 900, day - 1, registry.LicenceExpired},
		{"C", "wire", day - 400, day + 400, registry.OutcomeRevoked}, {"D", "wire", day - 3, day + 9, registry.OutcomeCancelled}}
	if got := registry.LicencesOn(events, day); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := registry.LicencesOn(nil, day); got == nil || len(got) != 0 {
		t.Errorf("none: %#v", got)
	}
}

func TestListedOn(t *testing.T) {
	t.Parallel()
	on := func(list, outcome string, day registry.Day) registry.Record {
		return registry.Record{Kind: registry.KindExternalCredit, Outcome: outcome, OccurredOn: day, Detail: &registry.ExternalCredit{List: list, Body: "bureau"}}
	}
	got := registry.ListedOn([]registry.Record{on("b", registry.OutcomeListed, 10), on("a", registry.OutcomeListed, 11), on("c", registry.OutcomeListed, 12),
		on("c", registry.OutcomeDelisted, 13), on("d", registry.OutcomeListed, 5), on("d", registry.OutcomeDelisted, 5), on("", registry.OutcomeClassA, 5)})
	want := []registry.Listed{{"a", "bureau", 11}, {"b", "bureau", 10}, {"d", "bureau", 5}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}
