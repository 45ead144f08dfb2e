package scoring_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"healthcode/registry"
	"healthcode/scoring"

	"pgregory.net/rapid"
)

func explained(who scoring.Enterprise, records []registry.Record) scoring.Explanation {
	return scoring.NewAssessor(scoring.DefaultModel()).Explain(evidence(who, records), today, knownAt)
}

func TestReasonsKeepTheirLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := explained(drawWho(t), drawRecords(t))
		if len(x.Reasons) > 4 {
			t.Fatalf("%d reasons", len(x.Reasons))
		}
		points := map[scoring.RecordRef]int32{}
		for _, r := range x.Records {
			points[scoring.RecordRef{Source: r.Source, SourceRef: r.SourceRef}] = r.Points
		}
		seen := map[scoring.RecordRef]bool{}
		for _, r := range x.Reasons {
			checkReason(t, &x, &r)
			sum := int32(0)
			for _, ref := range r.Records {
				one, exists := points[ref]
				if !exists || seen[ref] {
					t.Fatalf("%s rests on %v: exists %t, in two reasons %t", r.Code, ref, exists, seen[ref])
				}
				seen[ref] = true
				sum += one
			}
			if sum != r.Points {
				t.Fatalf("%s costs %d, its records %d", r.Code, r.Points, sum)
			}
		}
		checkRanking(t, x.Reasons)
	})
}

// checkReason proves that a reason is about something: records, or a circumstance that is as it says.
func checkReason(t *rapid.T, x *scoring.Explanation, r *scoring.Reason) {
	if r.Code == "" || r.Action == "" {
		t.Fatalf("a reason without code or action: %+v", r)
	}
	if len(r.Records) == 0 && r.Fact == "" {
		t.Fatalf("%s names nothing", r.Code)
	}
	if r.Veto != 0 && (r.Veto != x.EarnedColour || !slices.ContainsFunc(x.Vetoes, func(v scoring.VetoResult) bool { return v.Fact.String() == r.Fact && v.Actual == r.Actual })) {
		t.Fatalf("a veto that did not decide: %+v", r)
	}
	if r.Gate != nil && (r.Gate.Held || r.Gate.IndexFrom > x.Index || r.Gate.Tier >= x.EarnedTier) {
		t.Fatalf("a gate that does not bind: %+v", r.Gate)
	}
	for _, item := range r.Items {
		if !slices.ContainsFunc(x.Items, func(i scoring.ItemState) bool { return i.Item == item && !i.Held }) {
			t.Fatalf("%s names %s, which is held or unknown to the model", r.Code, item)
		}
	}
}

// checkRanking proves that what caps comes first and the rest goes by points lost.
func checkRanking(t *rapid.T, reasons []scoring.Reason) {
	last, before := int32(0), 0
	for _, r := range reasons {
		kind := 1
		switch {
		case r.Veto != 0 || r.Gate != nil || r.Code == scoring.ReasonTooLittleEvidence || r.Code == scoring.ReasonRising:
			kind = 0
		case r.Code == scoring.ReasonItemsUnknown:
			kind = 2
		}
		if kind < before {
			t.Fatalf("%s comes too late", r.Code)
		}
		if kind == 1 && (r.Points >= 0 || (before == 1 && r.Points < last)) {
			t.Fatalf("%s costs %d after one of %d", r.Code, r.Points, last)
		}
		before, last = kind, r.Points
	}
}

func TestReasonsAndPathIgnoreTheOrderOfRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		who, records := drawWho(t), drawRecords(t)
		x, y := explained(who, records), explained(who, rapid.Permutation(records).Draw(t, "shuffled"))
		if !reflect.DeepEqual(x.Reasons, y.Reasons) || !reflect.DeepEqual(x.PathUp, y.PathUp) {
			t.Fatalf("%+v\n%+v\n%+v\n%+v", x.Reasons, y.Reasons, x.PathUp, y.PathUp)
		}
	})
}

// Each veto that fired rests on records that raise it, and no record raises one that did not fire.
func TestEveryVetoHasItsRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := explained(drawWho(t), drawRecords(t))
		fired := map[string]bool{}
		for _, v := range x.Vetoes {
			if v.Fact != scoring.IndexWhileNew { // rests on all records together
				fired[v.Fact.String()] = false
			}
		}
		for _, r := range x.Records {
			if _, ok := fired[r.Raises]; r.Raises != "" && !ok {
				t.Fatalf("%s raises %s, which did not fire", r.SourceRef, r.Raises)
			}
			fired[r.Raises] = true
		}
		for fact, found := range fired {
			if !found && fact != "" {
				t.Fatalf("%s fired and no record raises it", fact)
			}
		}
	})
}

func TestStartPointsOfDimensionsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := explained(drawWho(t), drawRecords(t))
		sum := int32(0)
		for _, d := range x.Dimensions {
			sum += d.Start
			if exact := d.Weight * (1_000_000 - d.Mu) / 100_000; int64(d.Start) < exact || int64(d.Start) > exact+1 {
				t.Fatalf("%s starts at %d, exactly %d", d.Dimension, d.Start, exact)
			}
		}
		if sum != x.StartPoints {
			t.Fatalf("the parts add up to %d, the start is %d", sum, x.StartPoints)
		}
	})
}

// made returns a final record of the default test enterprise.
func made(ref string, kind registry.Kind, outcome string, severity registry.Severity, age registry.Day) registry.Record {
	return registry.Record{USCC: uscc, Source: "bureau", SourceRef: ref, Revision: 1, Kind: kind, Outcome: outcome, Severity: severity,
		OccurredOn: today - age, State: registry.StateFinal, Detail: registry.Kinds[kind].New()}
}

// excellent is enterprise 5 of docs/method.md: 8 passes, 4 clean visits, 4 items held.
func excellent() (records []registry.Record) {
	for i := range 12 {
		kind, outcome := registry.KindSpotCheck, registry.OutcomePass
		if i >= 8 {
			kind, outcome = registry.KindInspection, registry.OutcomeDone
		}
		records = append(records, made("ok-"+string(rune('a'+i)), kind, outcome, 0, 0))
	}
	for _, item := range []string{"qms", "traceability", "capability_assessment"} {
		records = append(records, held(item))
	}
	return append(records, made("report", registry.KindSelfInspection, registry.OutcomeOnTime, 0, 0))
}

func held(item string) registry.Record {
	r := made("held-"+item, registry.KindCapability, registry.OutcomeHeld, 0, 0)
	r.Detail = &registry.Capability{Item: item}
	return r
}

// besidesRising leaves out that the published grade is on its way up, which the tables below are not about.
func besidesRising(reasons []scoring.Reason) []scoring.Reason {
	return slices.DeleteFunc(slices.Clone(reasons), func(r scoring.Reason) bool { return r.Code == scoring.ReasonRising })
}

func codes(reasons []scoring.Reason) string {
	var list []string
	for _, r := range besidesRising(reasons) {
		list = append(list, string(r.Code)+":"+string(r.Action))
	}
	return strings.Join(list, " ")
}

func TestReasonsOfKnownEnterprises(t *testing.T) {
	t.Parallel()
	with := func(change func(*registry.Record), r registry.Record) registry.Record { change(&r); return r }
	inCase := func(r *registry.Record) { r.CaseID = "case" }
	rectified := func(r *registry.Record) { r.RectifiedOn = today }
	critical := made("crit", registry.KindSpotCheck, registry.OutcomeFail, registry.SeverityCritical, 10)
	penalty := made("pen", registry.KindPenalty, registry.OutcomeImposed, registry.SeverityMajor, 20)
	late := made("late", registry.KindSelfInspection, registry.OutcomeLate, 0, 0)
	lapsed := with(func(r *registry.Record) { r.Detail = &registry.Licence{Number: "L-1"} }, made("lapse", registry.KindLicence, registry.OutcomeLapsed, 0, 100))
	renewed := with(func(r *registry.Record) { r.Detail = &registry.Licence{Number: "L-1"} }, made("renew", registry.KindLicence, registry.OutcomeRenewed, 0, 50))
	revoked := with(func(r *registry.Record) { r.Detail = &registry.Licence{Number: "L-2"} }, made("revoke", registry.KindLicence, registry.OutcomeRevoked, 0, 60))
	visit := with(func(r *registry.Record) { r.Findings = []registry.Finding{{Severity: registry.SeverityMajor}} }, made("visit", registry.KindInspection, registry.OutcomeDone, 0, 30))
	for name, c := range map[string]struct {
		records []registry.Record
		want    string
	}{
		"excellent":                {excellent(), ""},
		"nothing known":            {nil, "too_little_evidence:pass_check items_unknown:hold_item"},
		"critical, open":           {append(excellent(), critical), "critical_failure_open:rectify"},
		"critical, rectified":      {append(excellent(), with(rectified, critical)), "rectified_checks:wait"},
		"major penalty":            {append(excellent(), penalty), "penalty:repair"},
		"case":                     {append(excellent(), with(inCase, critical), with(inCase, penalty)), "critical_failure_open:rectify"},
		"report late":              {append(excellent(), late), "items_not_held:hand_in_report"},
		"lapsed":                   {append(excellent(), lapsed), "licence_lapsed:renew"},
		"lapsed, renewed":          {append(excellent(), lapsed, renewed), "licence_lapsed:wait"},
		"revoked":                  {append(excellent(), revoked), "licence_revoked:regain_licence"},
		"visit and lapse":          {[]registry.Record{visit, lapsed}, "too_little_evidence:pass_check licence_lapsed:renew findings:rectify items_unknown:hold_item"},
		"visit and renewed":        {[]registry.Record{visit, lapsed, renewed}, "too_little_evidence:pass_check licence_lapsed:wait findings:rectify items_unknown:hold_item"},
		"refused":                  {append(excellent(), made("no", registry.KindSpotCheck, registry.OutcomeRefused, 0, 0)), "check_refused:pass_check"},
		"four kinds of bad things": {[]registry.Record{visit, penalty, lapsed, made("com", registry.KindComplaint, registry.OutcomeSubstantiated, registry.SeverityMajor, 9), late}, "poor_start:pass_check too_little_evidence:pass_check penalty:repair licence_lapsed:renew"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := explained(scoring.Enterprise{USCC: uscc, RegisteredOn: today}, c.records)
			if got := codes(x.Reasons); got != c.want {
				t.Errorf("got  %s\nwant %s\n%d %s %s %+v", got, c.want, x.Index, x.Tier, x.Colour, x.Reasons)
			}
		})
	}
}

func TestTheRestOfACaseIsCountedWith(t *testing.T) {
	t.Parallel()
	fail, penalty := made("check", registry.KindSpotCheck, registry.OutcomeFail, registry.SeverityMajor, 40), made("pen", registry.KindPenalty, registry.OutcomeImposed, registry.SeverityMinor, 20)
	fail.CaseID, penalty.CaseID, fail.ProductCode = "case", "case", "P01"
	x := explained(scoring.Enterprise{USCC: uscc, RegisteredOn: today}, append(excellent(), fail, penalty))
	reasons := besidesRising(x.Reasons)
	if len(reasons) != 1 {
		t.Fatalf("%+v", reasons)
	}
	r := reasons[0]
	if r.Code != scoring.ReasonFailedCheck || r.CountedWith != 1 || len(r.Records) != 2 || r.ProductCode != "P01" || r.CaseID != "case" || r.DaysSince != 40 || r.Points >= 0 {
		t.Errorf("%+v", r)
	}
}

func TestAClosedGateSaysWhenItOpens(t *testing.T) {
	t.Parallel()
	penalty := made("pen", registry.KindPenalty, registry.OutcomeImposed, registry.SeverityMajor, 200)
	x := explained(scoring.Enterprise{USCC: uscc, RegisteredOn: today - 1200}, append(excellent(), penalty))
	r := besidesRising(x.Reasons)[0]
	if r.Code != scoring.ReasonWorseThanMinor || r.Action != scoring.ActionRepair || r.Gate == nil || r.Gate.Tier != registry.TierAA || r.EndsOn != today-200+1095 || r.Veto != 0 {
		t.Errorf("%+v", r)
	}
}

// After a fall the evidence may earn more than is published: the reason says what, since when, and when it rises.
func TestAPublishedGradeOnItsWayUpSaysSo(t *testing.T) {
	t.Parallel()
	fall := made("refused", registry.KindInspection, registry.OutcomeRefused, 0, 20)
	x := explained(scoring.Enterprise{USCC: uscc, RegisteredOn: today - 3000}, append(earlier(excellent(), 100), fall, made("z", registry.KindSpotCheck, registry.OutcomePass, 0, 10)))
	if x.Colour != registry.ColourRed || x.EarnedColour != registry.ColourGreen || len(x.Reasons) != 1 {
		t.Fatalf("published %s, earned %s, %+v", x.Colour, x.EarnedColour, x.Reasons)
	}
	r := x.Reasons[0]
	if r.Code != scoring.ReasonRising || r.Rising.Colour != registry.ColourGreen || r.Rising.Since != today-10 || r.EndsOn != today+20 || r.Rising.Cycle != 30 {
		t.Errorf("%+v %+v", r, r.Rising)
	}
}
