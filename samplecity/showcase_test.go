package samplecity_test

import (
	"testing"

	"healthcode/registry"
	"healthcode/samplecity"
	"healthcode/scoring"
)

// TestShowcasesShowTheirRules grades each showcase under the default model, on two days and with two seeds.
func TestShowcasesShowTheirRules(t *testing.T) {
	want := map[string]struct {
		tiers  []registry.Tier // any of them
		colour registry.Colour
	}{
		"repaired-penalty": {[]registry.Tier{registry.TierA}, registry.ColourGreen},
		"veto":             {[]registry.Tier{registry.TierB, registry.TierC}, registry.ColourRed},
		"licence-revoked":  {[]registry.Tier{registry.TierA}, registry.ColourRed},
		"new":              {[]registry.Tier{registry.TierNew}, registry.ColourBlue},
		"one-case":         {[]registry.Tier{registry.TierA}, registry.ColourGreen},
		"open-objection":   {[]registry.Tier{registry.TierA}, registry.ColourBlue},
		"rectified":        {[]registry.Tier{registry.TierB, registry.TierA}, registry.ColourBlue},
		"model":            {[]registry.Tier{registry.TierAA}, registry.ColourGreen},
		"refusal":          {[]registry.Tier{registry.TierA}, registry.ColourRed},
	}
	for _, seed := range []uint64{1, 99} {
		for _, day := range []registry.Day{today, registry.MustDay("2027-03-01")} {
			city := samplecity.Generate(seed, 9, day)
			graded := grades(t, city)
			for _, s := range city.Showcases() {
				t.Run(s.Rule+" "+day.String(), func(t *testing.T) {
					a, w := graded[s.USCC], want[s.Rule]
					t.Logf("%s %s: %d %s %s", s.USCC, s.Company, a.Earned.Index, a.Tier, a.Colour)
					if a.Colour != w.colour || len(w.tiers) == 0 || a.Tier != w.tiers[0] && a.Tier != w.tiers[len(w.tiers)-1] {
						t.Errorf("%s %s, want %v %s", a.Tier, a.Colour, w.tiers, w.colour)
					}
					if s.Company == "" || s.TitleZH == "" || s.TitleEN == "" || s.TextZH == "" || s.TextEN == "" {
						t.Error("a showcase without its words")
					}
				})
			}
		}
	}
}

// TestEachShowcaseChangesWithItsRule takes away what each showcase is about and looks at the difference.
func TestEachShowcaseChangesWithItsRule(t *testing.T) {
	city := samplecity.Generate(1, 9, today)
	for _, c := range []struct {
		rule   string
		change func(r *registry.Record) // what would be without the rule
		better bool                     // whether the index rises by the change
	}{
		{"repaired-penalty", func(r *registry.Record) { final(r, registry.StateRepaired) }, false},
		{"one-case", func(r *registry.Record) { r.CaseID = "" }, false},
		{"open-objection", func(r *registry.Record) { final(r, registry.StateProvisional) }, false},
		{"rectified", func(r *registry.Record) { r.RectifiedOn = 0 }, false},
		{"rectified", func(r *registry.Record) { void(r, registry.OutcomeFail) }, true},
		{"veto", func(r *registry.Record) { void(r, registry.OutcomeFail) }, true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			before, after := showcaseIndex(t, city, c.rule, func(*registry.Record) {}), showcaseIndex(t, city, c.rule, c.change)
			if before == after || (after > before) != c.better {
				t.Errorf("index %d, and %d with the change; want it to rise: %t", before, after, c.better)
			}
		})
	}
}

func final(r *registry.Record, from registry.State) {
	if r.State == from {
		r.State, r.ProvisionalUntil = registry.StateFinal, 0
	}
}

func void(r *registry.Record, outcome string) {
	if r.Outcome == outcome {
		r.State = registry.StateVoided
	}
}

func showcaseIndex(t *testing.T, city *samplecity.City, rule string, change func(*registry.Record)) int32 {
	t.Helper()
	for i, s := range city.Showcases() {
		if s.Rule != rule {
			continue
		}
		e, records := city.At(i)
		for i := range records {
			change(&records[i])
		}
		var evidence scoring.Evidence
		evidence.Set(who(e, risks(city)), facts(t, e, records))
		return scoring.NewAssessor(scoring.DefaultModel()).Assess(&evidence, city.Today()).Index
	}
	t.Fatalf("no showcase %s", rule)
	return 0
}
