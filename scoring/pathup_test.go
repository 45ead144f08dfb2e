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

// rank orders tiers by this test's own table: AA best, NEW last.
var rank = map[registry.Tier]int{registry.TierAA: 1, registry.TierA: 2, registry.TierB: 3, registry.TierC: 4, registry.TierNew: 5}

// lifted says in this test's own words when a grade is better.
func lifted(fromTier, toTier registry.Tier, from, to registry.Colour) bool {
	if to > from || (toTier == registry.TierNew && fromTier != toTier) {
		return false
	}
	if fromTier == registry.TierNew && toTier == registry.TierC {
		return to < from
	}
	return rank[toTier] <= rank[fromTier] && (rank[toTier] < rank[fromTier] || to < from)
}

// doing returns the records after an action, as a bureau would record it.
func doing(t *rapid.T, records []registry.Record, a scoring.Action) []registry.Record {
	records = slices.Clone(records)
	for i := range records {
		r := &records[i]
		if r.Source != a.Source || r.SourceRef != a.SourceRef {
			continue
		}
		switch a.Code {
		case scoring.ActionRectify:
			r.RectifiedOn = today
			return records
		case scoring.ActionRepair:
			r.State = registry.StateRepaired
			return records
		}
	}
	added := registry.Record{USCC: uscc, Source: "new", SourceRef: fmt.Sprint("new ", len(records)), Revision: 1, OccurredOn: today, State: registry.StateFinal,
		ProductCode: a.ProductCode}
	switch a.Code {
	case scoring.ActionHoldItem:
		added.Kind, added.Outcome, added.Detail = registry.KindCapability, registry.OutcomeHeld, &registry.Capability{Item: a.Subject}
	case scoring.ActionReport:
		added.Kind, added.Outcome, added.Detail = registry.KindSelfInspection, registry.OutcomeOnTime, &registry.SelfInspection{Year: 2025}
	case scoring.ActionRegain:
		added.Kind, added.Outcome, added.Detail = registry.KindLicence, registry.OutcomeGranted, &registry.Licence{Number: a.Subject}
	case scoring.ActionDelist:
		added.Kind, added.Outcome, added.Detail = registry.KindExternalCredit, registry.OutcomeDelisted, &registry.ExternalCredit{List: registry.ListSeriousViolation}
	case scoring.ActionPassCheck:
		added.Kind, added.Outcome, added.Detail = registry.KindSpotCheck, registry.OutcomePass, &registry.SpotCheck{}
	default:
		t.Fatalf("nobody can do %+v", a)
	}
	if problems := added.Validate(today); len(problems) > 0 {
		t.Fatalf("%+v cannot be recorded: %v", a, problems)
	}
	return append(records, added)
}

// drawClimber draws an enterprise that some action may lift: good checks, some of the items, and whatever else is drawn.
func drawClimber(t *rapid.T) []registry.Record {
	good := excellent()
	records := append(slices.Clone(good[:rapid.IntRange(0, 12).Draw(t, "checks")]), good[12+rapid.IntRange(0, 4).Draw(t, "items"):]...)
	return append(records, drawRecords(t)...)
}

// What is promised is what comes: recording the actions and grading again gives exactly the grade listed, and it is better.
func TestThePathUpKeepsItsPromises(t *testing.T) {
	kept := map[int]int{} // by number of actions
	rapid.Check(t, func(t *rapid.T) {
		who, records := drawWho(t), drawClimber(t)
		now := assess(who, records)
		path := scoring.PathUp(scoring.NewAssessor(scoring.DefaultModel()), evidence(who, records), today)
		if len(path.Actions) > 10 {
			t.Fatalf("%d actions", len(path.Actions))
		}
		for _, lift := range path.Actions {
			after := records
			kept[len(lift.Actions)]++
			for _, action := range lift.Actions {
				after = doing(t, after, action)
			}
			got := assess(who, after)
			if got.Index != lift.Index || got.Tier != lift.Tier || got.Colour != lift.Colour {
				t.Fatalf("%+v came to %d %s %s", lift, got.Index, got.Tier, got.Colour)
			}
			if !lifted(now.Tier, got.Tier, now.Colour, got.Colour) && lift.Published == nil {
				t.Fatalf("%+v lifts nothing from %s %s", lift, now.Tier, now.Colour)
			}
			if len(lift.Actions) == 2 {
				checkPair(t, who, records, lift)
			}
		}
		checkOrder(t, path.Actions)
	})
	if kept[1] == 0 || kept[2] == 0 {
		t.Errorf("hardly anything was tried: %v", kept)
	}
}

// checkPair proves that a pair lifts further than either of its actions: what is earned, or what is earned with the margin beyond
// the published grade.
func checkPair(t *rapid.T, who scoring.Enterprise, records []registry.Record, lift scoring.Lift) {
	published := scoring.NewAssessor(scoring.DefaultModel()).Grade(evidence(who, records), today)
	ahead := func(records []registry.Record) (registry.Tier, registry.Colour) {
		x := scoring.NewAssessor(raised(t)).Assess(evidence(who, records), today)
		if !lifted(published.Tier, x.Tier, published.Colour, x.Colour) {
			return published.Tier, published.Colour
		}
		return x.Tier, x.Colour
	}
	tier, colour := ahead(doing(t, doing(t, records, lift.Actions[0]), lift.Actions[1]))
	for _, action := range lift.Actions {
		one := doing(t, records, action)
		alone := assess(who, one)
		aloneTier, aloneColour := ahead(one)
		if !lifted(alone.Tier, lift.Tier, alone.Colour, lift.Colour) && !lifted(aloneTier, tier, aloneColour, colour) {
			t.Fatalf("%+v alone gives %s %s, the pair %s %s", action, alone.Tier, alone.Colour, lift.Tier, lift.Colour)
		}
	}
}

func checkOrder(t *rapid.T, lifts []scoring.Lift) {
	for i := 1; i < len(lifts); i++ {
		x, y := lifts[i-1], lifts[i]
		if y.Colour < x.Colour || (y.Colour == x.Colour && rank[y.Tier] < rank[x.Tier]) {
			t.Fatalf("%+v before %+v", x, y)
		}
	}
}

// No single action that lifts is left out, as far as the list reaches: each event rectified, each item held, tried one by one.
func TestThePathUpMissesNoSingleAction(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		who, records := drawWho(t), drawClimber(t)
		now := assess(who, records)
		path := scoring.PathUp(scoring.NewAssessor(scoring.DefaultModel()), evidence(who, records), today)
		if len(path.Actions) == 10 {
			return
		}
		for _, action := range everyAction(records, explained(who, records).Items) {
			after := assess(who, doing(t, records, action))
			if !lifted(now.Tier, after.Tier, now.Colour, after.Colour) {
				continue
			}
			if !slices.ContainsFunc(path.Actions, func(l scoring.Lift) bool {
				return len(l.Actions) == 1 && l.Actions[0].Code == action.Code && l.Actions[0].SourceRef == action.SourceRef && l.Actions[0].Subject == action.Subject
			}) {
				t.Fatalf("%+v lifts %s %s to %s %s and is not listed: %+v", action, now.Tier, now.Colour, after.Tier, after.Colour, path.Actions)
			}
		}
	})
}

// everyAction lists single actions naively, whether or not they make sense.
func everyAction(records []registry.Record, items []scoring.ItemState) []scoring.Action {
	list := []scoring.Action{{Code: scoring.ActionPassCheck}}
	for _, item := range items {
		switch {
		case item.Held:
		case item.Item == "self_inspection":
			list = append(list, scoring.Action{Code: scoring.ActionReport, Subject: item.Item})
		default:
			list = append(list, scoring.Action{Code: scoring.ActionHoldItem, Subject: item.Item})
		}
	}
	for _, r := range records {
		bad := r.State == registry.StateFinal || r.State == registry.StateProvisional
		if bad && registry.Kinds[r.Kind].Event && r.RectifiedOn == 0 && r.Outcome != registry.OutcomeRefused {
			list = append(list, scoring.Action{Code: scoring.ActionRectify, Source: r.Source, SourceRef: r.SourceRef})
		}
		if bad && r.Kind == registry.KindPenalty {
			list = append(list, scoring.Action{Code: scoring.ActionRepair, Source: r.Source, SourceRef: r.SourceRef})
		}
	}
	return list
}

// The published grade lived by hand, day after day, rises first on the day that the path names, and changes before it as it says.
func TestTimeAloneLiftsOnTheDayThatThePathNames(t *testing.T) {
	a := scoring.NewAssessor(scoring.DefaultModel())
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		who, records := drawWho(t), drawClimber(t)
		path := scoring.PathUp(a, evidence(who, records), today)
		now := live(t, who, records, today)
		want, before := riseByHand(t, who, records, now)
		if got := said(path.Time); got != want {
			t.Fatalf("the path names %+v, day by day it is %+v", got, want)
		}
		if got := said(path.Before); got != before {
			t.Fatalf("the first change before is said to be %+v, day by day it is %+v", got, before)
		}
		if want.On != 0 {
			found++
		}
	})
	if found == 0 {
		t.Error("time alone lifted nobody: the test proves nothing")
	}
}

// riseByHand lives on from today and returns the first day with a better published grade, and the first change before it.
func riseByHand(t *rapid.T, who scoring.Enterprise, records []registry.Record, now lived) (rise, before scoring.Step) {
	e := evidence(who, records)
	first := today
	if len(records) > 0 {
		first = e.Facts()[0].OccurredOn
	}
	a, b := scoring.NewAssessor(scoring.DefaultModel()), scoring.NewAssessor(raised(t))
	var l lived
	for day := first; day <= today+1095+1+8*30; day++ {
		earned, lead := a.ExplainEarned(e, day), b.ExplainEarned(e, day)
		l.day(&earned, &lead, day == first)
		step := scoring.Step{On: day, Index: earned.Index, Tier: l.tier, Colour: l.colour}
		switch {
		case day <= today:
		case lifted(now.tier, l.tier, now.colour, l.colour):
			return step, before
		case before.On == 0 && (l.tier != now.tier || l.colour != now.colour):
			before = step
		}
	}
	return rise, before
}

func said(s *scoring.Step) scoring.Step {
	if s == nil {
		return scoring.Step{}
	}
	return *s
}

// The rise that is published after an action is the published grade of that day, and no day before it is better than today.
func TestThePublishedRiseAfterAnActionComes(t *testing.T) {
	a := scoring.NewAssessor(scoring.DefaultModel())
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		who, records := drawWho(t), drawClimber(t)
		now := a.Grade(evidence(who, records), today)
		for _, lift := range scoring.PathUp(a, evidence(who, records), today).Actions {
			if lift.Published == nil {
				continue
			}
			found++
			after := records
			for _, action := range lift.Actions {
				after = doing(t, after, action)
			}
			e := evidence(who, after)
			for day := today; day <= lift.Published.On; day++ {
				g := a.Grade(e, day)
				if rises := lifted(now.Tier, g.Tier, now.Colour, g.Colour); rises != (day == lift.Published.On) {
					t.Fatalf("%+v: on %s it is %s %s", lift, day, g.Tier, g.Colour)
				}
				if day == lift.Published.On && (g.Tier != lift.Published.Tier || g.Colour != lift.Published.Colour || g.Earned.Index != lift.Published.Index) {
					t.Fatalf("%+v came to %+v", lift.Published, g)
				}
			}
		}
	})
	if found == 0 {
		t.Error("no action led to a published rise: the test proves nothing")
	}
}

// What happens after the day is not looked at, and the evidence comes back as it was.
func TestThePathUpDoesNotLookAhead(t *testing.T) {
	a := scoring.NewAssessor(scoring.DefaultModel())
	failed := made("later", registry.KindSpotCheck, registry.OutcomeFail, registry.SeverityMajor, -30)
	old := made("old", registry.KindPenalty, registry.OutcomeImposed, registry.SeverityCritical, 300)
	records := append(excellent(), old) // the gate of A opens after a year
	who := scoring.Enterprise{USCC: uscc, RegisteredOn: today}
	e := evidence(who, append(slices.Clone(records), failed))
	got, want := scoring.PathUp(a, e, today), scoring.PathUp(a, evidence(who, records), today)
	if got.Time == nil || got.Time.On != today+65+30 || !reflect.DeepEqual(got, want) || len(e.Facts()) != len(records)+1 {
		t.Errorf("%+v, without the later record %+v", got, want)
	}
}

func TestPathsOfKnownEnterprises(t *testing.T) {
	t.Parallel()
	open := func(ref string) registry.Record {
		return made(ref, registry.KindSpotCheck, registry.OutcomeFail, registry.SeverityCritical, 900)
	}
	revoked := made("rev", registry.KindLicence, registry.OutcomeRevoked, 0, 30)
	revoked.Detail = &registry.Licence{Number: "L-1"}
	listed := made("list", registry.KindExternalCredit, registry.OutcomeListed, 0, 30)
	listed.Detail = &registry.ExternalCredit{List: registry.ListSeriousViolation}
	drop := func(records []registry.Record, refs ...string) []registry.Record {
		return slices.DeleteFunc(records, func(r registry.Record) bool { return slices.Contains(refs, r.SourceRef) })
	}
	for name, c := range map[string]struct {
		records []registry.Record
		want    string
	}{
		"excellent":               {excellent(), ""},
		"two checks from a tier":  {nil, "pass_check/ + pass_check/: A green"},
		"one item from AA":        {drop(excellent(), "held-qms"), "hold_item/qms: AA green"},
		"two items from AA":       {drop(excellent(), "held-qms", "report"), "hold_item/qms + hand_in_report/self_inspection: AA green"},
		"one open critical check": {append(excellent(), open("x")), "rectify/x: A green"},
		"two open critical ones":  {append(excellent(), open("x"), open("y")), "rectify/x + rectify/y: A green, rectify/x: A red, rectify/y: A red, pass_check/ + pass_check/: A red"},
		"revoked":                 {append(excellent(), revoked), "regain_licence/revL-1: AA green"},
		"listed":                  {append(excellent(), listed), "delist/: AA green"},
		"refused":                 {append(earlier(excellent(), 10), made("no", registry.KindInspection, registry.OutcomeRefused, 0, 1)), "pass_check/: AA green"},
		"refused today":           {append(earlier(excellent(), 10), made("no", registry.KindInspection, registry.OutcomeRefused, 0, 0)), ""},
		"penalty":                 {append(excellent(), made("p", registry.KindPenalty, registry.OutcomeImposed, registry.SeverityMajor, 20)), "repair/p: AA green"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := explained(scoring.Enterprise{USCC: uscc, RegisteredOn: today}, c.records)
			var got []string
			for _, l := range x.PathUp.Actions {
				var names []string
				for _, action := range l.Actions {
					names = append(names, string(action.Code)+"/"+action.SourceRef+action.Subject)
				}
				got = append(got, strings.Join(names, " + ")+": "+l.Tier.String()+" "+l.Colour.String())
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("from %d %s %s: got %q, want %q", x.Index, x.Tier, x.Colour, got, c.want)
			}
		})
	}
}

// earlier moves records back in time.
func earlier(records []registry.Record, days registry.Day) []registry.Record {
	for i := range records {
		records[i].OccurredOn -= days
	}
	return records
}

func BenchmarkPathUp(b *testing.B) {
	a, e := scoring.NewAssessor(scoring.DefaultModel()), ordinary()
	b.ReportAllocs()
	for b.Loop() {
		scoring.PathUp(a, e, today)
	}
}
