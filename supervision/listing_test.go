package supervision_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"healthcode/registry"
	"healthcode/supervision"

	"pgregory.net/rapid"
)

const uscc = registry.USCC("91350100M000100Y43")

func day(text string) registry.Day { return registry.MustDay(text) }

var today = day("2026-11-26")

// good is a merchant that meets everything that comes with the program.
func good() supervision.ListingFacts {
	return supervision.ListingFacts{RegisteredOn: day("2015-03-01"), Commitment: registry.OutcomeMade, Hazards: map[registry.Severity]int{},
		Grades: []supervision.GradedOn{{On: day("2026-10-01"), Tier: registry.TierAA, Colour: registry.ColourGreen}, {On: day("2026-08-01"), Tier: registry.TierA, Colour: registry.ColourBlue}}}
}

func TestCheckOfTrustedMerchants(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*supervision.ListingFacts)
		missed []string
	}{
		"everything met":              {func(*supervision.ListingFacts) {}, nil},
		"tier B":                      {func(f *supervision.ListingFacts) { f.Grades[0].Tier = registry.TierB }, []string{"tier", "held"}},
		"too little known":            {func(f *supervision.ListingFacts) { f.Grades[0].Tier = registry.TierNew }, []string{"tier", "held"}},
		"yellow":                      {func(f *supervision.ListingFacts) { f.Grades[0].Colour = registry.ColourYellow }, []string{"colour", "held"}},
		"never graded":                {func(f *supervision.ListingFacts) { f.Grades = nil }, []string{"tier", "colour", "held"}},
		"held for 89 days":            {func(f *supervision.ListingFacts) { f.Grades[1].On = today - 89 }, []string{"held"}},
		"held for 90 days":            {func(f *supervision.ListingFacts) { f.Grades[1].On = today - 90 }, nil},
		"a dip in between":            {func(f *supervision.ListingFacts) { f.Grades[1].Tier = registry.TierC }, []string{"held"}},
		"registered 364 days ago":     {func(f *supervision.ListingFacts) { f.RegisteredOn = today - 364 }, []string{"registered"}},
		"registered at no known day":  {func(f *supervision.ListingFacts) { f.RegisteredOn = 0 }, []string{"registered"}},
		"a minor hazard":              {func(f *supervision.ListingFacts) { f.Hazards[registry.SeverityMinor] = 3 }, nil},
		"a major hazard":              {func(f *supervision.ListingFacts) { f.Hazards[registry.SeverityMajor] = 1 }, []string{"open_hazard"}},
		"a critical hazard and veto":  {func(f *supervision.ListingFacts) { f.Hazards[registry.SeverityCritical], f.Vetoes = 1, 1 }, []string{"open_hazard", "veto"}},
		"on the serious list":         {func(f *supervision.ListingFacts) { f.Serious = true }, []string{"serious_list"}},
		"no commitment":               {func(f *supervision.ListingFacts) { f.Commitment = "" }, []string{"commitment"}},
		"commitment broken":           {func(f *supervision.ListingFacts) { f.Commitment = registry.OutcomeBroken }, []string{"commitment"}},
		"commitment found to be kept": {func(f *supervision.ListingFacts) { f.Commitment = registry.OutcomeKept }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := good()
			c.change(&f)
			results := supervision.DefaultCriteria(supervision.ListTrusted).Check(&f, today)
			if got := supervision.Missed(results); !slices.Equal(got, append([]string{}, c.missed...)) {
				t.Errorf("missed %v, want %v", got, c.missed)
			}
			if len(results) != len(supervision.Criterions) {
				t.Errorf("%d results, want one for each criterion: %+v", len(results), results)
			}
		})
	}
	if got := supervision.DefaultCriteria(supervision.ListSerious).Check(&supervision.ListingFacts{}, today); got != nil {
		t.Errorf("the serious-violation list asks nothing, got %+v", got)
	}
}

func TestCheckSaysWhatWasFoundAndWanted(t *testing.T) {
	t.Parallel()
	f := good()
	f.Grades[1].On, f.Hazards[registry.SeverityMajor] = today-12, 2
	results := supervision.DefaultCriteria(supervision.ListTrusted).Check(&f, today)
	want := []supervision.CriterionResult{{"tier", true, "AA", "A"}, {"colour", true, "green", "blue"}, {"held", false, "12", "90"}, {"registered", true, "4288", "365"},
		{"open_hazard", false, "2", "0"}, {"veto", true, "0", "0"}, {"serious_list", true, "false", "false"}, {"commitment", true, "made", "made"}}
	if !reflect.DeepEqual(results, want) {
		t.Errorf("got  %+v\nwant %+v", results, want)
	}
}

func TestFactsOfRecords(t *testing.T) {
	t.Parallel()
	commitment := func(outcome string, on registry.Day) registry.Record {
		return registry.Record{Kind: registry.KindCommitment, Outcome: outcome, OccurredOn: on, Detail: &registry.Commitment{}}
	}
	records := []registry.Record{
		commitment(registry.OutcomeMade, today-30), commitment(registry.OutcomeBroken, today-10), commitment(registry.OutcomeMade, today-10),
		{Kind: registry.KindSpotCheck, Outcome: registry.OutcomeFail, Severity: registry.SeverityMajor, OccurredOn: today - 5},
		{Kind: registry.KindSpotCheck, Outcome: registry.OutcomeFail, Severity: registry.SeverityMajor, OccurredOn: today - 50, RectifiedOn: today - 40},
		{Kind: registry.KindExternalCredit, Outcome: registry.OutcomeListed, OccurredOn: today - 3, Detail: &registry.ExternalCredit{List: supervision.ListSerious}},
	}
	f := supervision.FactsOf(records, today)
	if f.Commitment != registry.OutcomeBroken || !f.Serious || f.Hazards[registry.SeverityMajor] != 1 || len(f.Hazards) != 1 {
		t.Errorf("%+v", f)
	}
	if f := supervision.FactsOf(records[2:3], today); f.Commitment != registry.OutcomeMade || f.Serious {
		t.Errorf("%+v", f)
	}
}

func TestStepsOfAnEntry(t *testing.T) {
	t.Parallel()
	trusted, serious := supervision.DefaultCriteria(supervision.ListTrusted), supervision.DefaultCriteria(supervision.ListSerious)
	take := func(e supervision.ListingEntry, c *supervision.Criteria, on registry.Day, step supervision.ListingStep, want error) supervision.ListingEntry {
		t.Helper()
		next, err := e.Take(step, c, on)
		if !errors.Is(err, want) || want != nil && next != e {
			t.Errorf("%s of %+v: %+v %v, want %v", step, e, next, err, want)
		}
		return next
	}
	e := supervision.ListingEntry{List: supervision.ListTrusted, USCC: uscc}
	take(e, trusted, today, supervision.StepList, supervision.ErrListingStep)
	take(e, trusted, today, supervision.StepNotice, supervision.ErrListingStep)
	e = take(e, trusted, today, supervision.StepApply, nil)
	e = take(e, trusted, today+1, supervision.StepList, nil)
	take(e, trusted, today+1, supervision.StepApply, supervision.ErrListingStep)
	e = take(e, trusted, today+2, supervision.StepSuspend, nil)
	e = take(e, trusted, today+3, supervision.StepResume, nil)
	e = take(e, trusted, today+4, supervision.StepWithdraw, nil)
	if e.State != supervision.StateWithdrawn || e.Since != today+4 || e.Until != 0 {
		t.Errorf("%+v", e)
	}
	take(e, trusted, today+5, supervision.StepNominate, nil)

	n := take(supervision.ListingEntry{List: supervision.ListSerious, USCC: uscc}, serious, today, supervision.StepNotice, nil)
	take(n, serious, today+7, supervision.StepList, supervision.ErrNoticeOpen)
	n = take(n, serious, today+8, supervision.StepList, nil)
	if n.Until != day("2029-12-04") || n.AnswerBy != 0 {
		t.Errorf("three years from 2026-12-04: %+v", n)
	}
	take(n, serious, today+8+364, supervision.StepExit, supervision.ErrExitEarly)
	take(n, serious, today+8+365, supervision.StepExit, nil)
	take(n, serious, n.Until-1, supervision.StepExpire, supervision.ErrListingStep)
	take(n, serious, n.Until, supervision.StepExpire, nil)
	take(n, serious, today+9, supervision.StepSuspend, supervision.ErrListingStep)
	take(n, serious, today+9, supervision.StepRemove, nil)
}

func TestWhatFollowsByItself(t *testing.T) {
	t.Parallel()
	trusted := supervision.DefaultCriteria(supervision.ListTrusted)
	entry := func(state supervision.ListingState, ago, metAgo registry.Day, byHand bool) supervision.ListingEntry {
		e := supervision.ListingEntry{List: supervision.ListTrusted, State: state, Since: today - ago, ByHand: byHand}
		if metAgo >= 0 {
			e.MetSince = today - metAgo
		}
		return e
	}
	for name, c := range map[string]struct {
		entry    supervision.ListingEntry
		met      bool
		want     supervision.ListingStep
		metSince registry.Day
	}{
		"listed, met":                        {entry(supervision.StateListed, 9, -1, false), true, "", 0},
		"listed, missed":                     {entry(supervision.StateListed, 9, -1, false), false, supervision.StepSuspend, 0},
		"applied, missed":                    {entry(supervision.StateApplied, 9, -1, false), false, "", 0},
		"suspended, met for the first time":  {entry(supervision.StateSuspended, 9, -1, false), true, "", today},
		"suspended, met for 29 days":         {entry(supervision.StateSuspended, 60, 29, false), true, "", today - 29},
		"suspended, met for 30 days":         {entry(supervision.StateSuspended, 60, 30, false), true, supervision.StepResume, 0},
		"suspended, missed again":            {entry(supervision.StateSuspended, 60, 29, false), false, "", 0},
		"suspended by hand, met for long":    {entry(supervision.StateSuspended, 600, 300, true), true, "", today - 300},
		"suspended for 364 days":             {entry(supervision.StateSuspended, 364, -1, false), false, "", 0},
		"suspended for 365 days":             {entry(supervision.StateSuspended, 365, -1, false), false, supervision.StepRemove, 0},
		"suspended for 365 days, now met":    {entry(supervision.StateSuspended, 365, 3, false), true, "", today - 3},
		"removed, met":                       {entry(supervision.StateRemoved, 9, -1, false), true, "", 0},
		"serious, the last day of its term":  {supervision.ListingEntry{List: supervision.ListSerious, State: supervision.StateListed, Until: today + 1}, true, "", 0},
		"serious, the day after its term":    {supervision.ListingEntry{List: supervision.ListSerious, State: supervision.StateListed, Until: today}, true, supervision.StepExpire, 0},
		"serious, a notice waits for people": {supervision.ListingEntry{List: supervision.ListSerious, State: supervision.StateNoticed, AnswerBy: today - 9}, false, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if step, since := c.entry.Follow(trusted, c.met, today); step != c.want || since != c.metSince {
				t.Errorf("%q %s, want %q %s", step, since, c.want, c.metSince)
			}
		})
	}
}

func TestAnEntryFollowsItsPenalty(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		list     string
		state    supervision.ListingState
		penalty  registry.State
		severity registry.Severity
		ago      registry.Day
		want     supervision.ListingStep
	}{
		"notice, stands":              {supervision.ListSerious, supervision.StateNoticed, registry.StateFinal, registry.SeverityMajor, 9, ""},
		"notice, contested":           {supervision.ListSerious, supervision.StateNoticed, registry.StateProvisional, registry.SeverityMajor, 9, ""},
		"notice, voided":              {supervision.ListSerious, supervision.StateNoticed, registry.StateVoided, registry.SeverityMajor, 9, supervision.StepRefuse},
		"notice, repaired":            {supervision.ListSerious, supervision.StateNoticed, registry.StateRepaired, registry.SeverityMajor, 9, supervision.StepRefuse},
		"entry, stands":               {supervision.ListSerious, supervision.StateListed, registry.StateFinal, registry.SeverityMajor, 9, ""},
		"entry, voided":               {supervision.ListSerious, supervision.StateListed, registry.StateVoided, registry.SeverityMajor, 999, supervision.StepRemove},
		"entry, repaired early":       {supervision.ListSerious, supervision.StateListed, registry.StateRepaired, registry.SeverityMajor, 364, supervision.StepRemove},
		"entry, publication ended":    {supervision.ListSerious, supervision.StateListed, registry.StateRepaired, registry.SeverityMajor, 367, ""},
		"entry, critical and early":   {supervision.ListSerious, supervision.StateListed, registry.StateRepaired, registry.SeverityCritical, 367, supervision.StepRemove},
		"expired, voided":             {supervision.ListSerious, supervision.StateExpired, registry.StateVoided, registry.SeverityMajor, 9, ""},
		"trusted merchant, no matter": {supervision.ListTrusted, supervision.StateListed, registry.StateVoided, registry.SeverityMajor, 9, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := supervision.ListingEntry{List: c.list, State: c.state}
			r := registry.Record{Kind: registry.KindPenalty, Outcome: registry.OutcomeImposed, Severity: c.severity, OccurredOn: today - c.ago, State: c.penalty, Detail: &registry.Penalty{}}
			step, reason := e.FollowPenalty(r, 0, today)
			if step != c.want || (reason == "") != (step == "") {
				t.Errorf("%q because %q, want %q", step, reason, c.want)
			}
		})
	}
}

func drawFacts(t *rapid.T) supervision.ListingFacts {
	f := supervision.ListingFacts{RegisteredOn: today - registry.Day(rapid.IntRange(0, 800).Draw(t, "registered")), Vetoes: rapid.IntRange(0, 1).Draw(t, "vetoes"),
		Serious: rapid.Bool().Draw(t, "serious"), Commitment: rapid.SampledFrom([]string{"", "made", "kept", "broken"}).Draw(t, "commitment"), Hazards: map[registry.Severity]int{}}
	on := today
	for range rapid.IntRange(0, 4).Draw(t, "grades") {
		on -= registry.Day(rapid.IntRange(0, 80).Draw(t, "ago"))
		f.Grades = append(f.Grades, supervision.GradedOn{On: on, Tier: rapid.SampledFrom(registry.Tiers()).Draw(t, "tier"), Colour: rapid.SampledFrom(registry.Colours()).Draw(t, "colour")})
	}
	for severity := registry.SeverityMinor; severity <= registry.SeverityCritical; severity++ {
		if n := rapid.IntRange(0, 1).Draw(t, "hazard"); n > 0 {
			f.Hazards[severity] = n
		}
	}
	return f
}

// better draws facts that are nowhere worse.
func better(t *rapid.T, f supervision.ListingFacts) supervision.ListingFacts {
	g := f
	g.Grades, g.Hazards = slices.Clone(f.Grades), map[registry.Severity]int{}
	for i := range g.Grades {
		tiers := registry.Tiers()
		at := slices.Index(tiers, g.Grades[i].Tier)
		g.Grades[i].Tier = tiers[rapid.IntRange(0, at).Draw(t, "better tier")]
		g.Grades[i].Colour = registry.Colour(rapid.IntRange(1, int(g.Grades[i].Colour)).Draw(t, "better colour"))
	}
	g.RegisteredOn -= registry.Day(rapid.IntRange(0, 500).Draw(t, "older"))
	g.Vetoes = rapid.IntRange(0, f.Vetoes).Draw(t, "fewer vetoes")
	g.Serious = f.Serious && rapid.Bool().Draw(t, "still serious")
	if rapid.Bool().Draw(t, "promises") {
		g.Commitment = registry.OutcomeKept
	}
	for severity, n := range f.Hazards {
		g.Hazards[severity] = rapid.IntRange(0, n).Draw(t, "fewer hazards")
	}
	return g
}

// Meeting more never suspends, never removes and never delays a return; doing what follows twice on a day is doing it once.
func TestLawsOfFollowing(t *testing.T) {
	t.Parallel()
	c := supervision.DefaultCriteria(supervision.ListTrusted)
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		g := better(t, f)
		worse, more := supervision.Missed(c.Check(&f, today)), supervision.Missed(c.Check(&g, today))
		for _, missed := range more {
			if !slices.Contains(worse, missed) {
				t.Fatalf("%s is missed with better facts only: %+v then %+v", missed, f, g)
			}
		}
		e := supervision.ListingEntry{List: supervision.ListTrusted, USCC: uscc, ByHand: rapid.Bool().Draw(t, "by hand"),
			State: rapid.SampledFrom([]supervision.ListingState{supervision.StateListed, supervision.StateSuspended}).Draw(t, "state"), Since: today - registry.Day(rapid.IntRange(0, 500).Draw(t, "since"))}
		if e.State == supervision.StateSuspended && rapid.Bool().Draw(t, "met before") {
			e.MetSince = today - registry.Day(rapid.IntRange(0, 60).Draw(t, "met since"))
		}
		step, since := e.Follow(c, len(worse) == 0, today)
		stepMore, _ := e.Follow(c, len(more) == 0, today)
		bad := []supervision.ListingStep{supervision.StepSuspend, supervision.StepRemove}
		if slices.Contains(bad, stepMore) && !slices.Contains(bad, step) || step == supervision.StepResume && stepMore != step {
			t.Fatalf("better facts: %q instead of %q", stepMore, step)
		}
		next := e
		if next.MetSince = since; step != "" {
			var err error
			if next, err = e.Take(step, c, today); err != nil {
				t.Fatalf("what follows cannot be done: %v", err)
			}
		}
		if again, sinceAgain := next.Follow(c, len(worse) == 0, today); again != "" || sinceAgain != next.MetSince {
			t.Fatalf("after %q of %+v follows %q %s", step, e, again, sinceAgain)
		}
	})
}

func TestCriteriaThatAreRefused(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(supervision.DefaultCriteria(supervision.ListTrusted))
	if err != nil {
		t.Fatal(err)
	}
	ok := string(text)
	for name, bad := range map[string]string{
		"nothing":             "",
		"no object":           "[]",
		"two objects":         ok + "{}",
		"an unknown member":   strings.Replace(ok, `"version"`, `"vresion"`, 1),
		"a member twice":      strings.Replace(ok, `"version":1`, `"version":1,"Version":2`, 1),
		"an unknown list":     strings.Replace(ok, `"trusted_merchant"`, `"friends"`, 1),
		"another list's":      strings.Replace(ok, `"trusted_merchant"`, `"serious_violation"`, 1),
		"version 0":           strings.Replace(ok, `"version":1`, `"version":0`, 1),
		"no day":              strings.Replace(ok, `"2020-01-01"`, `""`, 1),
		"a day that is none":  strings.Replace(ok, `"2020-01-01"`, `"2020-13-01"`, 1),
		"an unknown tier":     strings.Replace(ok, `"A"`, `"AAA"`, 1),
		"days below nothing":  strings.Replace(ok, `"held_days":90`, `"held_days":-1`, 1),
		"days without end":    strings.Replace(ok, `"held_days":90`, `"held_days":99999`, 1),
		"a fraction of a day": strings.Replace(ok, `"held_days":90`, `"held_days":0.5`, 1),
		"asks nothing":        `{"list":"trusted_merchant","version":2,"valid_from":"2026-01-01","basis":"x","asked":{"return_days":3}}`,
		"held, but what":      `{"list":"trusted_merchant","version":2,"valid_from":"2026-01-01","basis":"x","asked":{"held_days":3}}`,
		"no term":             `{"list":"serious_violation","version":2,"valid_from":"2026-01-01","basis":"x"}`,
		"a term of no years":  `{"list":"serious_violation","version":2,"valid_from":"2026-01-01","basis":"x","term":{"years":0,"exit_days":1,"notice_days":1}}`,
		"no basis":            `{"list":"serious_violation","version":2,"valid_from":"2026-01-01","basis":"","term":{"years":1,"exit_days":1,"notice_days":1}}`,
		"basis of two lines":  `{"list":"serious_violation","version":2,"valid_from":"2026-01-01","basis":"a\nb","term":{"years":1,"exit_days":1,"notice_days":1}}`,
		"not UTF-8":           strings.Replace(ok, `"A"`, "\"\xff\"", 1),
		"too long":            ok + strings.Repeat(" ", supervision.MaxCriteria),
		"deeply nested":       strings.Repeat("[", 9000),
	} {
		if c, err := supervision.ParseCriteria([]byte(bad)); !errors.Is(err, supervision.ErrCriteria) {
			t.Errorf("%s: %+v %v", name, c, err)
		}
	}
	for _, list := range supervision.Lists {
		if c := supervision.DefaultCriteria(list); c.List != list || c.Version != 1 {
			t.Errorf("%s: %+v", list, c)
		}
	}
	if c := supervision.DefaultCriteria("friends"); c != nil {
		t.Errorf("criteria of no list: %+v", c)
	}
}

// What is read writes what reads the same.
func FuzzParseCriteria(f *testing.F) {
	for _, list := range supervision.Lists {
		text, err := json.Marshal(supervision.DefaultCriteria(list))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 2*supervision.MaxCriteria {
			return
		}
		c, err := supervision.ParseCriteria(data)
		if err != nil {
			return
		}
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := supervision.ParseCriteria(text)
		if err != nil || !reflect.DeepEqual(c, again) {
			t.Fatalf("%v: %s", err, text)
		}
	})
}

func TestObjectionsToNoticesAndEntries(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		entry supervision.ListingEntry
		want  error
		undo  supervision.ListingStep
	}{
		"a notice, the last day":   {supervision.ListingEntry{List: supervision.ListSerious, State: supervision.StateNoticed, AnswerBy: today}, nil, supervision.StepRefuse},
		"a notice, the day after":  {supervision.ListingEntry{List: supervision.ListSerious, State: supervision.StateNoticed, AnswerBy: today - 1}, supervision.ErrLate, supervision.StepRefuse},
		"an entry, of today":       {supervision.ListingEntry{List: supervision.ListSerious, State: supervision.StateListed, Since: today}, nil, supervision.StepRemove},
		"an entry, a month old":    {supervision.ListingEntry{List: supervision.ListSerious, State: supervision.StateListed, Since: today - 30}, supervision.ErrLate, supervision.StepRemove},
		"an entry that has ended":  {supervision.ListingEntry{List: supervision.ListSerious, State: supervision.StateExpired, Since: today}, supervision.ErrRecord, ""},
		"nothing":                  {supervision.ListingEntry{List: supervision.ListSerious}, supervision.ErrRecord, ""},
		"a merchant that is known": {supervision.ListingEntry{List: supervision.ListTrusted, State: supervision.StateListed, Since: today}, supervision.ErrRecord, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := c.entry.CanObject(today, supervision.China()); !errors.Is(err, c.want) || c.entry.Undo() != c.undo {
				t.Errorf("%v and %q, want %v and %q", err, c.entry.Undo(), c.want, c.undo)
			}
		})
	}
}
