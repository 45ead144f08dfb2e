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

// raised returns the default model with every cut raised by the margin: what it gives is earned with the margin.
func raised(t interface{ Fatal(...any) }) *scoring.Model {
	text := string(scoring.DefaultModel().JSON())
	for _, cut := range [][2]string{{`"index_from":8700`, `"index_from":8800`}, {`"index_from":8000`, `"index_from":8100`}, {`"index_from":6800`, `"index_from":6900`}} {
		text = strings.Replace(text, cut[0], cut[1], 1)
	}
	m, err := scoring.ParseModel([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// lived is the published grade as somebody would keep it by hand, day after day from the first record on.
type lived struct {
	tier              registry.Tier
	colour            registry.Colour
	tierDays, colDays int // days in a row on which better was earned, the present one included
}

func (l *lived) day(earned, lead *scoring.Explanation, first bool) {
	floor := registry.ColourGreen
	if earned.Evidence < registry.EvidenceFair {
		floor = registry.ColourBlue
	}
	for _, v := range earned.Vetoes {
		floor = max(floor, v.Colour)
	}
	allowed := func(tier registry.Tier) registry.Colour { return max(matrix(earned.Risk, tier), floor) }
	if first {
		*l = lived{tier: earned.Tier, colour: earned.Colour}
	}
	if l.tier == registry.TierNew || earned.Tier == registry.TierNew || earned.Tier > l.tier {
		l.tier, l.tierDays = earned.Tier, 0
	}
	if lead.Tier != registry.TierNew && lead.Tier < l.tier {
		l.tierDays++
	} else {
		l.tierDays = 0
	}
	if l.tierDays > 30 { // today is the day after thirty whole days
		l.tier--
		l.tierDays = 0
		if lead.Tier < l.tier {
			l.tierDays = 1
		}
	}
	if a := allowed(l.tier); a > l.colour {
		l.colour, l.colDays = a, 0
	}
	if lead.Colour < l.colour {
		l.colDays++
	} else {
		l.colDays = 0
	}
	if l.colDays > 30 && allowed(l.tier) < l.colour {
		l.colour--
		l.colDays = 0
		if lead.Colour < l.colour {
			l.colDays = 1
		}
	}
}

func matrix(risk registry.RiskLevel, tier registry.Tier) registry.Colour {
	m := scoring.DefaultModel().Matrix
	row := []scoring.ByTier{m.General, m.Higher, m.High}[risk]
	return map[registry.Tier]registry.Colour{registry.TierAA: row.AA, registry.TierA: row.A, registry.TierB: row.B, registry.TierC: row.C, registry.TierNew: row.New}[tier]
}

// live replays every day from the first record to a day by hand.
func live(t *rapid.T, who scoring.Enterprise, records []registry.Record, to registry.Day) lived {
	e := evidence(who, records)
	first := to
	if len(records) > 0 {
		first = min(to, e.Facts()[0].OccurredOn)
	}
	a, b := scoring.NewAssessor(scoring.DefaultModel()), scoring.NewAssessor(raised(t))
	var l lived
	for day := first; day <= to; day++ {
		earned, lead := a.ExplainEarned(e, day), b.ExplainEarned(e, day)
		l.day(&earned, &lead, day == first)
	}
	return l
}

func TestTheStandingIsWhatLivingEveryDayGives(t *testing.T) {
	a := scoring.NewAssessor(scoring.DefaultModel())
	rapid.Check(t, func(t *rapid.T) {
		who, records := drawWho(t), drawRecords(t)
		asOf := today - registry.Day(rapid.IntRange(0, 400).Draw(t, "before today"))
		got := a.Grade(evidence(who, records), asOf)
		want := live(t, who, records, asOf)
		if got.Tier != want.tier || got.Colour != want.colour || (got.TierSince != 0) != (want.tierDays > 0) || (got.ColourSince != 0) != (want.colDays > 0) {
			t.Fatalf("got %+v, lived %+v", got.Standing, want)
		}
	})
}

func TestThePublishedGradeIsNeverBetterThanTheEarnedOne(t *testing.T) {
	a := scoring.NewAssessor(scoring.DefaultModel())
	rapid.Check(t, func(t *rapid.T) {
		g := a.Grade(evidence(drawWho(t), drawRecords(t)), today)
		if g.Tier < g.Earned.Tier || g.Colour < g.Earned.Colour || (g.Tier == registry.TierNew) != (g.Earned.Tier == registry.TierNew) {
			t.Fatalf("%+v", g)
		}
	})
}

func TestTheOutlookIsTheFirstDayOnWhichTimeAloneMovesThePublishedGrade(t *testing.T) {
	a := scoring.NewAssessor(scoring.DefaultModel())
	rapid.Check(t, func(t *rapid.T) {
		e := evidence(drawWho(t), drawRecords(t))
		now, ahead := a.GradeAhead(e, today)
		got, gotStanding := ahead.GradeOn, ahead.StandingOn
		if plain := a.Grade(e, today); plain != now {
			t.Fatalf("%+v, looking ahead %+v", plain, now)
		}
		var want, wantStanding registry.Day
		for day := today + 1; day < today+1600 && want == 0; day++ {
			then := a.Grade(e, day)
			if then.Standing != now.Standing && wantStanding == 0 {
				wantStanding = day
			}
			if then.Tier != now.Tier || then.Colour != now.Colour {
				want = day
			}
		}
		if got != want || gotStanding != wantStanding {
			t.Fatalf("got %s and %s, day by day it is %s and %s", got, gotStanding, want, wantStanding)
		}
	})
}

// checks makes spot checks of the given outcomes on days before today, oldest first.
func checks(outcomes map[registry.Day]string) []registry.Record {
	var records []registry.Record
	for ago, outcome := range outcomes {
		r := registry.Record{USCC: uscc, Source: "bureau", SourceRef: (today - ago).String(), Revision: 1, Kind: registry.KindSpotCheck,
			Outcome: outcome, OccurredOn: today - ago, State: registry.StateFinal, Detail: &registry.SpotCheck{}}
		if outcome == registry.OutcomeFail {
			r.Severity = registry.SeverityMajor
		}
		records = append(records, r)
	}
	slices.SortFunc(records, func(a, b registry.Record) int { return int(a.OccurredOn - b.OccurredOn) })
	return records
}

func TestMovement(t *testing.T) {
	t.Parallel()
	good := map[registry.Day]string{200: "pass", 199: "pass", 198: "pass", 197: "pass"}
	with := func(more map[registry.Day]string) []registry.Record {
		all := map[registry.Day]string{}
		for _, outcomes := range []map[registry.Day]string{good, more} {
			for ago, outcome := range outcomes {
				all[ago] = outcome
			}
		}
		return checks(all)
	}
	falling := with(map[registry.Day]string{0: "fail"})
	rectified := with(map[registry.Day]string{100: "fail"})
	for i := range rectified {
		if rectified[i].Outcome == "fail" {
			rectified[i].State = registry.StateRepaired
		}
	}
	recovering := with(map[registry.Day]string{60: "fail", 40: "pass", 39: "pass", 38: "pass", 37: "pass", 36: "pass", 35: "pass", 34: "pass", 33: "pass", 10: "pass"})
	for name, c := range map[string]struct {
		records      []registry.Record
		asOf         registry.Day
		tier, earned registry.Tier
	}{
		"a good record":                               {with(nil), today, registry.TierA, registry.TierA},
		"a fall takes effect on its day":              {falling, today, registry.TierB, registry.TierB},
		"the day before it":                           {falling, today - 1, registry.TierA, registry.TierA},
		"repaired is as if it had never been":         {rectified, today, registry.TierA, registry.TierA},
		"better is earned again, but not long enough": {recovering, today - 20, registry.TierB, registry.TierA},
		"it rises after a whole cycle":                {recovering, today, registry.TierA, registry.TierA},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := scoring.NewAssessor(scoring.DefaultModel()).Grade(evidence(scoring.Enterprise{USCC: uscc, RegisteredOn: today - 3000}, c.records), c.asOf)
			if g.Tier != c.tier || g.Earned.Tier != c.earned {
				text, _ := json.Marshal(g)
				t.Errorf("published %s, earned %s, want %s and %s: %s", g.Tier, g.Earned.Tier, c.tier, c.earned, text)
			}
		})
	}
}

func BenchmarkGrade(b *testing.B) {
	a, e := scoring.NewAssessor(scoring.DefaultModel()), ordinary()
	b.ReportAllocs()
	for b.Loop() {
		a.Grade(e, today)
	}
}

func BenchmarkGradeAhead(b *testing.B) {
	a, e := scoring.NewAssessor(scoring.DefaultModel()), ordinary()
	for b.Loop() {
		a.GradeAhead(e, today)
	}
}
