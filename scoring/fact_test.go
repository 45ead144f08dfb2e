package scoring_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"healthcode/registry"
	"healthcode/scoring"

	"pgregory.net/rapid"
)

func TestFactsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := drawRecords(t)
		var text []byte
		var want []scoring.Fact
		for i := range records {
			records[i].SourceRef = rapid.String().Draw(t, "ref")
			records[i].CaseID = rapid.SampledFrom([]string{"", `quo"te`, "汉字", "line\nbreak", "<&>"}).Draw(t, "case")
			f := scoring.FactOf(&records[i])
			want = append(want, f)
			if i > 0 {
				text = append(text, ',')
			}
			text = f.AppendJSON(text)
		}
		if !json.Valid([]byte("[" + string(text) + "]")) {
			t.Fatalf("not JSON: %s", text)
		}
		got, err := scoring.ParseFacts(nil, string(text))
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%v\n%+v\n%+v\n%s", err, got, want, text)
		}
	})
}

func TestFactIsWrittenAsSpecified(t *testing.T) {
	t.Parallel()
	r := registry.Record{USCC: uscc, Source: "bureau", SourceRef: "SC-7", Revision: 2, Kind: registry.KindSpotCheck, Outcome: registry.OutcomeFail,
		Severity: registry.SeverityMajor, OccurredOn: registry.MustDay("2026-02-28"), Stage: registry.StageOnline, Purpose: registry.PurposeRandom,
		State: registry.StateProvisional, ProvisionalUntil: registry.MustDay("2026-03-15"), RectifyBy: registry.MustDay("2026-04-29"),
		CaseID: "case 1", ProductCode: "P01", Findings: []registry.Finding{{Severity: registry.SeverityMinor}, {Severity: registry.SeverityMajor}}}
	f := scoring.FactOf(&r)
	want := `["bureau","SC-7",2,"spot_check","fail","major","2026-02-28","online","random","provisional","2026-03-15","2026-04-29","","case 1",1,1,0,"","P01"]`
	if got := string(f.AppendJSON(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestParseFactsRefuses(t *testing.T) {
	t.Parallel()
	good := `["b","r",1,"spot_check","pass","","2026-01-01","","","final","","","","",0,0,0,"",""]`
	for name, text := range map[string]string{
		"cut":              good[:40],
		"trailing comma":   good + ",",
		"trailing text":    good + "x",
		"unknown kind":     strings.Replace(good, "spot_check", "gossip", 1),
		"unknown outcome":  strings.Replace(good, "pass", "perhaps", 1),
		"unknown severity": strings.Replace(good, `"pass",""`, `"pass","awful"`, 1),
		"29 February":      strings.Replace(good, "2026-01-01", "2026-02-29", 1),
		"256 findings":     strings.Replace(good, ",0,0,0,", ",256,0,0,", 1),
		"negative":         strings.Replace(good, ",1,", ",-1,", 1),
		"open string":      `["b`,
		"an object":        `{}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if facts, err := scoring.ParseFacts(nil, text); err == nil {
				t.Errorf("accepted: %+v", facts)
			}
		})
	}
}

func FuzzParseFacts(f *testing.F) {
	f.Add(`["b","r",1,"spot_check","pass","","2026-01-01","","","final","","","","",0,0,0,"",""]`)
	f.Add(`["b","\u6c49\"",3,"inspection","done","","2026-01-01","shop","targeted","repaired","","","","c",1,2,3,"","P"],[`)
	f.Fuzz(func(t *testing.T, text string) {
		facts, err := scoring.ParseFacts(nil, text)
		if err != nil {
			return
		}
		var again []byte
		for i := range facts {
			if i > 0 {
				again = append(again, ',')
			}
			again = facts[i].AppendJSON(again)
		}
		back, err := scoring.ParseFacts(nil, string(again))
		if err != nil || !slices.Equal(back, facts) {
			t.Errorf("%q was read, written as %q and read as %+v, %v", text, again, back, err)
		}
	})
}
