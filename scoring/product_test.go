package scoring_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"healthcode/registry"
	"healthcode/scoring"

	"pgregory.net/rapid"
)

var toy = registry.Product{Code: "toy", Group: "儿童用品", Name: "玩具", Risk: registry.RiskHigher, Users: registry.UsersChildren}

const otherUSCC = registry.USCC("91330100799655058B")

// fact writes a final fact of product toy: kind, outcome, severity, day, case and state.
func productFact(ref, kind, outcome, severity, day, caseID, state string) string {
	return fmt.Sprintf(`["s",%q,1,%q,%q,%q,%q,"production","random",%q,"","","",%q,0,0,0,"","toy"]`, ref, kind, outcome, severity, day, state, caseID)
}

func productRisk(t *testing.T, product registry.Product, enterprises ...string) scoring.ProductGrade {
	t.Helper()
	risks := scoring.NewProductRisks(scoring.DefaultModel(), today, []registry.Product{product})
	for i, text := range enterprises {
		facts, err := scoring.ParseFacts(nil, text)
		if err != nil {
			t.Fatal(err)
		}
		risks.Add([]registry.USCC{uscc, otherUSCC}[i], facts)
	}
	x, ok := risks.Risk("toy")
	if !ok {
		t.Fatal("the product is missing")
	}
	return x
}

func passes(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = productFact(fmt.Sprint("p", i), "spot_check", "pass", "", "2026-11-22", "", "final")
	}
	return strings.Join(list, ",")
}

// Worked by hand: all on the day itself (no ageing), production, random. k = 20.
func TestProductRisk(t *testing.T) {
	t.Parallel()
	fail := productFact("f", "spot_check", "fail", "major", "2026-11-22", "c1", "final")
	for name, c := range map[string]struct {
		users, attention string
		licence          bool
		facts            []string
		loss             int32
		level            registry.RiskLevel
		proposal         string
		held, enough     bool
	}{
		"nothing known, the public":             {"", "", false, nil, 150_000, registry.RiskGeneral, "lower", false, false},
		"nothing known, children":               {"children", "", false, nil, 230_000, registry.RiskHigher, "agrees", false, false},
		"nothing known, everything sensitive":   {"children", "high", true, nil, 360_000, registry.RiskHigh, "higher", false, false},
		"5 passes are too little (4.6/25)":      {"children", "", false, []string{passes(5)}, 184_000, registry.RiskHigher, "agrees", false, false},
		"9 passes, held by the prior (4.6/29)":  {"children", "", false, []string{passes(9)}, 158_621, registry.RiskHigher, "agrees", true, false},
		"10 passes (4.6/30)":                    {"children", "", false, []string{passes(10)}, 153_333, registry.RiskGeneral, "lower", false, true},
		"a major failure ((3+3)/23)":            {"", "", false, []string{fail}, 260_870, registry.RiskHigher, "agrees", false, false},
		"and its penalty, of the same case":     {"", "", false, []string{fail + "," + productFact("x", "penalty", "imposed", "critical", "2026-11-22", "c1", "final")}, 306_122, registry.RiskHigher, "agrees", false, false},
		"the same name of another's case (6+3)": {"", "", false, []string{fail, fail}, 346_154, registry.RiskHigh, "higher", false, false},
		"voided":                                {"", "", false, []string{productFact("v", "spot_check", "fail", "critical", "2026-11-22", "", "voided")}, 150_000, registry.RiskGeneral, "lower", false, false},
		"repaired":                              {"", "", false, []string{productFact("v", "penalty", "imposed", "major", "2026-11-22", "", "repaired")}, 150_000, registry.RiskGeneral, "lower", false, false},
		"open to objection":                     {"", "", false, []string{productFact("v", "spot_check", "fail", "major", "2026-11-22", "", "provisional")}, 150_000, registry.RiskGeneral, "lower", false, false},
		"a critical incident ((20+3)/40)":       {"", "", false, []string{productFact("i", "incident", "confirmed", "critical", "2026-11-22", "", "final")}, 575_000, registry.RiskHigh, "higher", false, false},
		"a half-life old ((1.5+3)/21.5)":        {"", "", false, []string{productFact("o", "spot_check", "fail", "major", "2025-05-23", "", "final")}, 209_302, registry.RiskHigher, "agrees", false, false},
		"a complaint weighs a quarter":          {"", "", false, []string{productFact("c", "complaint", "substantiated", "major", "2026-11-22", "", "final")}, 170_732, registry.RiskGeneral, "lower", false, false},
		"a risk signal ((1.5+3)/21.5)":          {"", "", false, []string{productFact("r", "risk_signal", "raised", "major", "2026-11-22", "", "final")}, 209_302, registry.RiskHigher, "agrees", false, false},
		"tomorrow's failure":                    {"", "", false, []string{productFact("t", "spot_check", "fail", "critical", "2026-11-23", "", "final")}, 150_000, registry.RiskGeneral, "lower", false, false},
		"a licence lapsed says nothing of it":   {"", "", false, []string{productFact("l", "licence", "lapsed", "", "2026-11-22", "", "final")}, 150_000, registry.RiskGeneral, "lower", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := toy
			p.Users, p.Attention, p.LicenceNeeded = c.users, c.attention, c.licence
			x := productRisk(t, p, c.facts...)
			if x.LossPPM != c.loss || x.Computed != c.level || x.Proposal != c.proposal || x.HeldByPrior != c.held || x.Enough != c.enough {
				t.Errorf("got %d %s %s, held %t, enough %t", x.LossPPM, x.Computed, x.Proposal, x.HeldByPrior, x.Enough)
			}
			checkSum(t, &x)
		})
	}
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkSum proves that prior and groups add up to the loss, and that nothing is counted twice or left out.
func checkSum(t failer, x *scoring.ProductGrade) {
	t.Helper()
	loss, bad, good, records := x.Prior.Mu, int64(0), int64(0), 0
	for _, g := range x.Groups {
		loss += int64(g.Points)
		bad, good, records = bad+g.Bad, good+g.Good, records+g.Records
	}
	if loss != int64(x.LossPPM) || bad != x.Bad || good != x.Good || records != x.Records {
		t.Fatalf("groups add up to %d ppm, N %d, G %d, %d records; the product has %+v", loss, bad, good, records, x)
	}
}

// drawProductRecords draws records of two enterprises and some products.
func drawProductRecords(t *rapid.T) []registry.Record {
	records := drawRecords(t)
	for i := range records {
		records[i].ProductCode = rapid.SampledFrom([]string{"toy", "toy", "toy", "wire", ""}).Draw(t, "product")
	}
	return records
}

func risksOf(byEnterprise map[registry.USCC][]registry.Record, order []registry.USCC) []scoring.ProductGrade {
	catalogue := []registry.Product{toy, {Code: "wire", Name: "电线", Risk: registry.RiskHigh}}
	risks := scoring.NewProductRisks(scoring.DefaultModel(), today, catalogue)
	for _, code := range order {
		var facts []scoring.Fact
		for i := range byEnterprise[code] {
			facts = append(facts, scoring.FactOf(&byEnterprise[code][i]))
		}
		risks.Add(code, facts)
	}
	return risks.All()
}

// The order of records and of enterprises is irrelevant, everything adds up, a clean record never raises a level and a purely bad one
// never lowers it, and voiding a record equals never having had it.
func TestProductLaws(t *testing.T) {
	t.Parallel()
	both := []registry.USCC{uscc, otherUSCC}
	rapid.Check(t, func(t *rapid.T) {
		all := map[registry.USCC][]registry.Record{uscc: drawProductRecords(t), otherUSCC: drawProductRecords(t)}
		before := risksOf(all, both)
		for i := range before {
			checkSum(t, &before[i])
		}
		slices.Reverse(all[uscc])
		if again := risksOf(all, []registry.USCC{otherUSCC, uscc}); !reflect.DeepEqual(again, before) {
			t.Fatalf("the order matters: %+v and %+v", before, again)
		}
		extra := registry.Record{USCC: uscc, Source: "test", SourceRef: "extra", Revision: 1, Kind: registry.KindSpotCheck, Outcome: registry.OutcomePass,
			OccurredOn: today - 3, State: registry.StateFinal, ProductCode: "toy", Detail: &registry.SpotCheck{}}
		bad := rapid.Bool().Draw(t, "bad")
		if bad {
			extra.Outcome, extra.Severity, extra.CaseID = registry.OutcomeFail, drawSeverity(t), rapid.SampledFrom([]string{"", "case-3"}).Draw(t, "case")
		}
		own := all[uscc]
		all[uscc] = append(slices.Clone(own), extra)
		after := risksOf(all, both)
		if worse := cmpRisk(&after[0], &before[0]); bad && worse < 0 || !bad && worse > 0 {
			t.Fatalf("bad %t: %d %s became %d %s", bad, before[0].LossPPM, before[0].Computed, after[0].LossPPM, after[0].Computed)
		}
		extra.State = registry.StateVoided
		all[uscc] = append(slices.Clone(own), extra)
		if voided := risksOf(all, both); !reflect.DeepEqual(voided, before) {
			t.Fatalf("a voided record matters: %+v and %+v", before, voided)
		}
	})
}

// cmpRisk is negative when a is better than b in loss or level, positive when it is worse in either, 0 when both are equal. Loss and
// level never disagree.
func cmpRisk(a, b *scoring.ProductGrade) int {
	switch {
	case a.LossPPM < b.LossPPM || a.Computed < b.Computed:
		return -1
	case a.LossPPM > b.LossPPM || a.Computed > b.Computed:
		return 1
	}
	return 0
}

// A worse record never lowers the loss or the level.
func TestAWorseRecordNeverMakesAProductSafer(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := map[registry.USCC][]registry.Record{uscc: drawProductRecords(t)}
		at := slices.IndexFunc(all[uscc], func(r registry.Record) bool {
			return r.Severity > registry.SeverityNone && r.Severity < registry.SeverityCritical
		})
		if at < 0 {
			return
		}
		before := risksOf(all, []registry.USCC{uscc})
		all[uscc][at].Severity++
		after := risksOf(all, []registry.USCC{uscc})
		for i := range before {
			if after[i].LossPPM < before[i].LossPPM || after[i].Computed < before[i].Computed {
				t.Fatalf("%+v became %+v", before[i], after[i])
			}
		}
	})
}

// The ten enterprises that pull most are named, strongest first.
func TestMakersAreTheStrongest(t *testing.T) {
	t.Parallel()
	risks := scoring.NewProductRisks(scoring.DefaultModel(), today, []registry.Product{toy})
	for i := range 15 {
		facts, err := scoring.ParseFacts(nil, passes(i+1))
		if err != nil {
			t.Fatal(err)
		}
		risks.Add(registry.USCC(fmt.Sprintf("enterprise-%02d", (i*7)%15)), facts)
	}
	x, _ := risks.Risk("toy")
	if len(x.Makers) != 10 || x.Makers[0].Records != 15 || x.Makers[9].Records != 6 || x.Enterprises != 15 {
		t.Errorf("%+v", x.Makers)
	}
	if _, ok := risks.Risk("nothing"); ok {
		t.Error("a product that is not there has a risk")
	}
}

// A million records of the largest mass do not overflow.
func TestProductOfMillions(t *testing.T) {
	t.Parallel()
	risks := scoring.NewProductRisks(scoring.DefaultModel(), today, []registry.Product{toy})
	facts := make([]scoring.Fact, 0, 20_000)
	for i := range 20_000 {
		facts = append(facts, scoring.FactOf(&registry.Record{Source: "s", SourceRef: fmt.Sprint(i), Revision: 1, Kind: registry.KindIncident, Outcome: registry.OutcomeConfirmed,
			Severity: registry.SeverityCritical, OccurredOn: today, State: registry.StateFinal, ProductCode: "toy", Detail: &registry.Incident{}}))
	}
	for i := range 60 {
		risks.Add(registry.USCC(fmt.Sprint("e", i)), facts)
	}
	x, _ := risks.Risk("toy")
	if x.Records != 1_200_000 || x.Bad != 24_000_000_000_000 || x.LossPPM != 999_999 {
		t.Errorf("%d records, N %d, loss %d", x.Records, x.Bad, x.LossPPM)
	}
	checkSum(t, &x)
}
