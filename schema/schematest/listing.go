package schematest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"
	"healthcode/supervision"
)

// listingCases are those about lists of enterprises.
var listingCases = []suiteCase{
	{"listings: a trusted merchant's life, step by step", trustedLife},
	{"listings: the serious-violation list is records and a veto", seriousLife},
	{"listings: what follows by itself, once", followedListings},
	{"listings: an entry follows its penalty", penalisedListings},
	{"listings: of two who decide at once one does", listingRaces},
	{"listings: pages by state, sight, region, product and name", listingPages},
	{"listings: criteria as versions, each from its day", listingCriteria},
}

// acting is a context in which somebody acts.
func acting(t testing.TB, id int64, name string) context.Context {
	return schema.WithActor(t.Context(), schema.Actor{Kind: "staff", ID: id, Name: name})
}

func trustedStep(n int, step supervision.ListingStep, day registry.Day, reason string) schema.ListingAct {
	return schema.ListingAct{List: supervision.ListTrusted, USCC: Code(n), Step: step, Day: day, Reason: reason}
}

// listingMessages returns what the feed tells of listings.
func listingMessages(t *testing.T, db *schema.DB) (told []string) {
	t.Helper()
	must(db.SequenceChanges(t.Context()))(t)
	for _, c := range must(db.Changes(t.Context(), access.Everything(), 0, []string{schema.TopicListingChanged}, 100))(t).Items {
		told = append(told, string(c.Data))
	}
	return told
}

func trustedLife(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	seed(t, db, 1, 0)
	today := Today()
	apply := trustedStep(0, supervision.StepApply, today-9, "")
	apply.Commitment = "不合格产品不出厂"
	owner := schema.WithActor(t.Context(), schema.Actor{Kind: "enterprise", ID: 3, Name: "boss"})
	l := must(db.TakeListingStep(owner, apply))(t)
	if l.State != supervision.StateApplied || l.Since != today-9 || l.Steps != 1 || l.Commitment != apply.Commitment {
		t.Errorf("applied: %+v", l)
	}
	records := must(db.RecordsOf(t.Context(), Code(0)))(t)
	if len(records) != 1 || records[0].Outcome != registry.OutcomeMade || records[0].Source != schema.ListingSource || supervision.FactsOf(records, today).Commitment != registry.OutcomeMade {
		t.Errorf("the commitment is no record: %+v", records)
	}
	for name, c := range map[string]struct {
		ctx  context.Context
		act  schema.ListingAct
		want error
	}{
		"applied again":         {owner, trustedStep(0, supervision.StepApply, today, ""), supervision.ErrListingStep},
		"decides its own":       {owner, trustedStep(0, supervision.StepList, today, "good"), schema.ErrOwnAct},
		"no reason":             {acting(t, 7, "li"), trustedStep(0, supervision.StepRefuse, today, ""), schema.ErrStepNote},
		"a reason too long":     {acting(t, 7, "li"), trustedStep(0, supervision.StepRefuse, today, strings.Repeat("x", schema.MaxStepReason+1)), schema.ErrStepNote},
		"a zero byte":           {owner, schema.ListingAct{List: supervision.ListTrusted, USCC: Code(0), Step: supervision.StepApply, Day: today, Commitment: "\x00"}, schema.ErrStepNote},
		"no such enterprise":    {acting(t, 7, "li"), trustedStep(5, supervision.StepNominate, today, "x"), schema.ErrNotFound},
		"no such list":          {acting(t, 7, "li"), schema.ListingAct{List: "friends", USCC: Code(0), Step: supervision.StepList, Day: today, Reason: "x"}, schema.ErrNotFound},
		"a step of another":     {acting(t, 7, "li"), trustedStep(0, supervision.StepExit, today, "x"), supervision.ErrListingStep},
		"resumed, never listed": {acting(t, 7, "li"), trustedStep(0, supervision.StepResume, today, "x"), supervision.ErrListingStep},
	} {
		if _, err := db.TakeListingStep(c.ctx, c.act); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	staff := acting(t, 7, "li")
	must(db.TakeListingStep(staff, trustedStep(0, supervision.StepList, today-8, "meets everything")))(t)
	must(db.TakeListingStep(staff, trustedStep(0, supervision.StepSuspend, today-7, "under review")))(t)
	if l := must(db.Listing(t.Context(), supervision.ListTrusted, Code(0)))(t); !l.ByHand || l.Revision != 3 {
		t.Errorf("suspended by hand: %+v", l)
	}
	must(db.TakeListingStep(staff, trustedStep(0, supervision.StepResume, today-6, "nothing found")))(t)
	must(db.TakeListingStep(owner, trustedStep(0, supervision.StepWithdraw, today-5, "")))(t)
	steps := must(db.ListingSteps(t.Context(), supervision.ListTrusted, Code(0)))(t)
	var got []string
	for _, s := range steps {
		got = append(got, string(s.Step)+" "+string(s.State)+" "+s.Author+" "+s.Reason)
	}
	if want := []string{"apply applied boss ", "list listed li meets everything", "suspend suspended li under review", "resume listed li nothing found", "withdraw withdrawn boss "}; !slices.Equal(got, want) {
		t.Errorf("history: %q", got)
	}
	if told := listingMessages(t, db); len(told) != 4 || !strings.Contains(told[0], `"state":"listed"`) || strings.Contains(told[1], "review") || !strings.Contains(told[3], "withdrawn") {
		t.Errorf("told: %q", told)
	}
	if lines := auditTexts(t, db); len(lines) < 5 || !strings.Contains(strings.Join(lines, "\n"), `"action":"listing.suspend","noun":"listing","id":"trusted_merchant","uscc":"`+string(Code(0))) {
		t.Errorf("audit: %q", lines)
	}
	must(db.TakeListingStep(owner, trustedStep(0, supervision.StepApply, today, "")))(t) // a new beginning
}

// listedVeto is what scoring makes of the list.
func listedVeto(t *testing.T, db *schema.DB, day registry.Day) bool {
	t.Helper()
	known := must(db.Know(t.Context()))(t)
	e := must(db.EvidenceOf(t.Context(), Code(0), day, known))(t)
	x := scoring.NewAssessor(scoring.DefaultModel()).Explain(e, day, known)
	return slices.ContainsFunc(x.Vetoes, func(v scoring.VetoResult) bool { return v.Fact == scoring.SeriousViolationListed })
}

func seriousLife(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	seed(t, db, 1, 0)
	today := Today()
	act := func(step supervision.ListingStep, day registry.Day) schema.ListingAct {
		return schema.ListingAct{List: supervision.ListSerious, USCC: Code(0), Step: step, Day: day, Reason: "as decided", Basis: "第44号令第五条", Penalty: supervision.RecordRef{Source: "bureau", Ref: "P-1"}}
	}
	first, second := acting(t, 7, "li"), acting(t, 8, "wu")
	if _, err := db.TakeListingStep(first, act(supervision.StepNotice, today-900)); !errors.Is(err, schema.ErrPenalty) {
		t.Errorf("without a penalty: %v", err)
	}
	penalty := registry.Record{USCC: Code(0), Source: "bureau", SourceRef: "P-1", Kind: registry.KindPenalty, Outcome: registry.OutcomeImposed, Severity: registry.SeverityCritical,
		OccurredOn: today - 2000, State: registry.StateFinal, Detail: &registry.Penalty{DecisionNumber: "1"}}
	must(db.PutRecords(t.Context(), []registry.Record{penalty}, schema.PutOptions{}))(t)
	l := must(db.TakeListingStep(first, act(supervision.StepNotice, today-900)))(t)
	if l.State != supervision.StateNoticed || l.AnswerBy != today-893 || l.Basis == "" || l.Penalty.Ref != "P-1" || listedVeto(t, db, today) {
		t.Errorf("noticed: %+v", l)
	}
	for name, c := range map[string]struct {
		ctx  context.Context
		day  registry.Day
		want error
	}{
		"before the answer's day ends": {second, today - 893, supervision.ErrNoticeOpen}, "by who gave the notice": {first, today - 892, schema.ErrOwnAct},
	} {
		if _, err := db.TakeListingStep(c.ctx, act(supervision.StepList, c.day)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	must(db.TakeListingStep(second, act(supervision.StepList, today-892)))(t)
	if !listedVeto(t, db, today) || !must(db.ChangesDue(t.Context(), today, time.Time{}))(t) {
		t.Error("being listed is no veto, or asks for no new grade")
	}
	must(db.TakeListingStep(second, act(supervision.StepExit, today-100)))(t)
	if listedVeto(t, db, today) || !listedVeto(t, db, today-101) {
		t.Error("the veto does not end with the entry, or ended before")
	}
	must(db.TakeListingStep(first, act(supervision.StepNotice, today-90)))(t)
	must(db.TakeListingStep(second, act(supervision.StepList, today-80)))(t)
	if !listedVeto(t, db, today) {
		t.Error("listed again and no veto")
	}
	must(db.TakeListingStep(second, act(supervision.StepRemove, today-80)))(t)
	if listedVeto(t, db, today) || listedVeto(t, db, today-80) {
		t.Error("an entry that was taken back still counts")
	}
	must(db.TakeListingStep(first, act(supervision.StepNotice, today-60)))(t)
	penalty.State = registry.StateVoided
	must(db.PutRecords(t.Context(), []registry.Record{penalty}, schema.PutOptions{}))(t)
	if _, err := db.TakeListingStep(second, act(supervision.StepList, today)); !errors.Is(err, schema.ErrPenalty) {
		t.Errorf("the penalty was voided meanwhile: %v", err)
	}
	must(db.TakeListingStep(second, act(supervision.StepRefuse, today)))(t)
}

func followedListings(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	seed(t, db, 3, 0)
	today, staff := Today(), acting(t, 7, "li")
	for n := range 3 {
		must(db.TakeListingStep(acting(t, 3, "x"), trustedStep(n, supervision.StepNominate, today-50, "good")))(t)
		must(db.TakeListingStep(staff, trustedStep(n, supervision.StepList, today-40, "good")))(t)
	}
	criteria := must(db.ListingCriteria(t.Context(), supervision.ListTrusted, today))(t)
	due := func(day registry.Day) []schema.Listing {
		t.Helper()
		return must(db.DueListings(t.Context(), supervision.ListTrusted, day, criteria.Version, "", 10))(t)
	}
	follow := func(l *schema.Listing, day registry.Day, want supervision.ListingStep, missed ...string) {
		t.Helper()
		check := &schema.ListingCheck{Listing: l, Criteria: criteria, Missed: missed, Day: day, KnownAt: signIn}
		if step := must(db.FollowListing(acting(t, 9, "operator"), check))(t); step != want {
			t.Errorf("day %s, missed %v: %q, want %q", day, missed, step, want)
		}
		if step := must(db.FollowListing(t.Context(), check))(t); step != "" { // it has changed since it was read
			t.Errorf("day %s, again: %q", day, step)
		}
	}
	found := due(today - 35)
	if len(found) != 3 || len(must(db.DueListings(t.Context(), supervision.ListTrusted, today, criteria.Version, found[0].USCC, 1))(t)) != 1 {
		t.Fatalf("%d due", len(found))
	}
	follow(&found[0], today-35, supervision.StepSuspend, "tier", "held")
	follow(&found[1], today-35, "")
	if left := due(today - 35); len(left) != 1 || left[0].USCC != found[2].USCC {
		t.Errorf("still due: %+v", left)
	}
	if again := due(today - 34); len(again) != 3 {
		t.Errorf("the next day: %d due", len(again))
	}
	if others := must(db.DueListings(t.Context(), supervision.ListTrusted, today-35, criteria.Version+1, "", 10))(t); len(others) != 3 {
		t.Errorf("by other criteria: %d due", len(others))
	}
	suspended := must(db.Listing(t.Context(), supervision.ListTrusted, found[0].USCC))(t)
	if suspended.State != supervision.StateSuspended || suspended.ByHand || !slices.Equal(suspended.Missed, []string{"tier", "held"}) {
		t.Errorf("%+v", suspended)
	}
	for _, c := range []struct {
		day  registry.Day
		want supervision.ListingStep
	}{{today - 31, ""}, {today - 2, ""}, {today - 1, supervision.StepResume}, {today, ""}} {
		follow(must(db.Listing(t.Context(), supervision.ListTrusted, found[0].USCC))(t), c.day, c.want)
	}
	steps := must(db.ListingSteps(t.Context(), supervision.ListTrusted, found[0].USCC))(t)
	if len(steps) != 4 || steps[2].Author != "system" || steps[3].Step != supervision.StepResume {
		t.Errorf("history: %+v", steps)
	}
	expireListing(t, db)
}

// expireListing lets a term run out.
func expireListing(t *testing.T, db *schema.DB) {
	t.Helper()
	today := Today()
	penalty := registry.Record{USCC: Code(0), Source: "bureau", SourceRef: "P-1", Kind: registry.KindPenalty, Outcome: registry.OutcomeImposed, Severity: registry.SeverityCritical,
		OccurredOn: today - 2000, State: registry.StateFinal, Detail: &registry.Penalty{DecisionNumber: "1"}}
	must(db.PutRecords(t.Context(), []registry.Record{penalty}, schema.PutOptions{}))(t)
	notice := schema.ListingAct{List: supervision.ListSerious, USCC: Code(0), Step: supervision.StepNotice, Day: today - 1200, Reason: "x", Basis: "x", Penalty: supervision.RecordRef{Source: "bureau", Ref: "P-1"}}
	must(db.TakeListingStep(acting(t, 3, "x"), notice))(t)
	notice.Step, notice.Day = supervision.StepList, today-1190
	l := must(db.TakeListingStep(acting(t, 7, "li"), notice))(t)
	if due := must(db.DueListings(t.Context(), supervision.ListSerious, l.Until-1, 1, "", 10))(t); len(due) != 0 {
		t.Errorf("due before its end: %+v", due)
	}
	due := must(db.DueListings(t.Context(), supervision.ListSerious, today, 1, "", 10))(t)
	if len(due) != 1 {
		t.Fatalf("%d terms are over", len(due))
	}
	check := &schema.ListingCheck{Listing: &due[0], Criteria: supervision.DefaultCriteria(supervision.ListSerious), Day: today}
	if step := must(db.FollowListing(t.Context(), check))(t); step != supervision.StepExpire {
		t.Errorf("%q, want expire", step)
	}
	after := must(db.Listing(t.Context(), supervision.ListSerious, Code(0)))(t)
	if after.State != supervision.StateExpired || after.Since != l.Until || listedVeto(t, db, today) || !listedVeto(t, db, l.Until-1) {
		t.Errorf("%+v", after)
	}
}

func listingRaces(t *testing.T, fresh Opener) {
	config := fresh(t)
	db := Reopen(t, config)
	seed(t, db, 1, 0)
	today := Today()
	race := func(step supervision.ListingStep) int32 {
		var group sync.WaitGroup
		var won atomic.Int32
		for range 4 {
			other := Reopen(t, config)
			group.Go(func() {
				switch _, err := other.TakeListingStep(acting(t, 7, "li"), trustedStep(0, step, today, "x")); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, supervision.ErrListingStep):
					t.Errorf("lost the race: %v", err)
				}
			})
		}
		group.Wait()
		return won.Load()
	}
	if n := race(supervision.StepNominate); n != 1 {
		t.Errorf("nominated %d times", n)
	}
	must(db.TakeListingStep(acting(t, 8, "wu"), trustedStep(0, supervision.StepList, today, "x")))(t)
	if n := race(supervision.StepSuspend); n != 1 {
		t.Errorf("suspended %d times", n)
	}
	if steps := must(db.ListingSteps(t.Context(), supervision.ListTrusted, Code(0)))(t); len(steps) != 3 {
		t.Errorf("%d steps, want 3", len(steps))
	}
}

func listingPages(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	const all = 9
	firms := Enterprises(0, all)
	for n := range firms {
		if n >= 6 {
			firms[n].RegionCode, firms[n].ProductCodes = "330481001", []string{"lamp", "wire2"}
		}
	}
	firms[3].Name = "Ärzte 100%"
	must(db.PutEnterprises(t.Context(), firms, schema.PutOptions{}))(t)
	today := Today()
	for n := range all {
		must(db.TakeListingStep(acting(t, 3, "x"), trustedStep(n, supervision.StepNominate, today-50, "x")))(t)
		if n%3 != 2 { // 2, 5 and 8 wait
			must(db.TakeListingStep(acting(t, 7, "li"), trustedStep(n, supervision.StepList, today-40+registry.Day(n/2), "x")))(t)
		}
	}
	must(db.TakeListingStep(acting(t, 7, "li"), trustedStep(4, supervision.StepSuspend, today, "x")))(t)
	public := []supervision.ListingState{supervision.StateListed, supervision.StateSuspended}
	near, far := access.Sight{Regions: access.RegionsOf("330402")}, access.Sight{Regions: access.RegionsOf("330481")}
	for name, c := range map[string]struct {
		filter schema.ListingFilter
		want   []int
	}{
		"everybody":        {schema.ListingFilter{Everywhere: public}, []int{0, 1, 3, 4, 6, 7}},
		"nobody":           {schema.ListingFilter{}, nil},
		"one's own too":    {schema.ListingFilter{Everywhere: public, Sight: access.Sight{Owns: []registry.USCC{Code(5)}}}, []int{0, 1, 3, 4, 5, 6, 7}},
		"a county":         {schema.ListingFilter{Everywhere: public, Sight: near}, []int{0, 1, 2, 3, 4, 5, 6, 7}},
		"waiting there":    {schema.ListingFilter{Everywhere: public, Sight: far, States: []supervision.ListingState{supervision.StateApplied}}, []int{8}},
		"suspended":        {schema.ListingFilter{Everywhere: public, States: public[1:]}, []int{4}},
		"states of none":   {schema.ListingFilter{Everywhere: public, States: []supervision.ListingState{}}, nil},
		"of a region":      {schema.ListingFilter{Everywhere: public, Region: "330481"}, []int{6, 7}},
		"of a product":     {schema.ListingFilter{Everywhere: public, Product: "wire"}, []int{0, 1, 3, 4}},
		"of another":       {schema.ListingFilter{Everywhere: public, Product: "wire2"}, []int{6, 7}},
		"of no product":    {schema.ListingFilter{Everywhere: public, Product: "w%"}, nil},
		"by a part":        {schema.ListingFilter{Everywhere: public, Text: "ärzte 100%"}, []int{3}},
		"by a code":        {schema.ListingFilter{Everywhere: public, Text: string(Code(7))}, []int{7}},
		"of another list":  {schema.ListingFilter{Everywhere: public, List: supervision.ListSerious}, nil},
		"by injected text": {schema.ListingFilter{Everywhere: public, Text: "' OR 1=1 --"}, nil},
	} {
		if c.filter.List == "" {
			c.filter.List = supervision.ListTrusted
		}
		for _, order := range []schema.ListingSort{schema.ListingByName, schema.ListingBySince} {
			c.filter.Sort = order
			got := walkListing(t, db, c.filter)
			want := make([]registry.USCC, len(c.want))
			for i, n := range c.want {
				want[i] = Code(n)
			}
			slices.Sort(want)
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%s by %s: %v, want %v", name, order, got, want)
			}
		}
		counted := 0
		for _, n := range must(db.CountListing(t.Context(), c.filter))(t) {
			counted += n
		}
		if counted != len(c.want) {
			t.Errorf("%s: counted %d, want %d", name, counted, len(c.want))
		}
	}
	for _, bad := range []string{"!", "e30", "bnVsbA", "eyJzIjoibmFtZSIsIm4iOiJcdTAwMDAifQ"} {
		if _, err := db.ListingPage(t.Context(), schema.ListingFilter{List: supervision.ListTrusted, Sort: schema.ListingByName, Cursor: bad}); !errors.Is(err, schema.ErrCursor) {
			t.Errorf("cursor %q: %v", bad, err)
		}
	}
	openListing(t, db)
}

// walkListing reads a list two at a time, in order, each entry once.
func walkListing(t *testing.T, db *schema.DB, f schema.ListingFilter) (codes []registry.USCC) {
	t.Helper()
	f.Limit = 2
	last := registry.Day(1 << 20)
	for {
		page := must(db.ListingPage(t.Context(), f))(t)
		for _, item := range page.Items {
			if slices.Contains(codes, item.USCC) || item.Name == "" || len(item.Region) != 9 || f.Sort == schema.ListingBySince && item.Since > last {
				t.Errorf("%+v after %v", item, codes)
			}
			codes, last = append(codes, item.USCC), item.Since
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			return codes
		}
	}
}

// openListing checks the public list, and that its mark changes with it and not without.
func openListing(t *testing.T, db *schema.DB) {
	t.Helper()
	mark := func() string { return must(db.PublicListingMark(t.Context(), supervision.ListTrusted))(t) }
	var codes []registry.USCC
	for item, err := range db.PublicListing(t.Context(), supervision.ListTrusted) {
		must(0, err)(t)
		codes = append(codes, item.USCC)
	}
	if len(codes) != 6 || !slices.IsSorted(codes) {
		t.Errorf("public: %v", codes)
	}
	before := mark()
	if before != mark() {
		t.Error("the mark changes by itself")
	}
	must(db.TakeListingStep(acting(t, 7, "li"), trustedStep(4, supervision.StepResume, Today(), "x")))(t)
	resumed := mark()
	must(db.TakeListingStep(acting(t, 7, "li"), trustedStep(4, supervision.StepRemove, Today(), "x")))(t)
	removed := mark()
	renamed := Enterprise(0)
	renamed.Name = "新名"
	must(db.PutEnterprises(t.Context(), []registry.Enterprise{renamed}, schema.PutOptions{}))(t)
	if marks := []string{before, resumed, removed, mark()}; len(slices.Compact(slices.Sorted(slices.Values(marks)))) != 4 {
		t.Errorf("marks: %v", marks)
	}
}

func listingCriteria(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	today, ctx := Today(), acting(t, 7, "li")
	read := func(day registry.Day) *supervision.Criteria {
		t.Helper()
		return must(db.ListingCriteria(t.Context(), supervision.ListTrusted, day))(t)
	}
	if c := read(today); c.Version != 1 || c.Asked.HeldDays != 90 {
		t.Errorf("without any: %+v", c)
	}
	next := read(today)
	next.Version, next.ValidFrom, next.Asked.HeldDays = 2, today+10, 180
	for name, change := range map[string]func(c *supervision.Criteria){
		"the same version":    func(c *supervision.Criteria) { c.Version = 1 },
		"a version left out":  func(c *supervision.Criteria) { c.Version = 3 },
		"before the last one": func(c *supervision.Criteria) { c.ValidFrom = registry.MustDay("2019-01-01") },
	} {
		c := *next
		change(&c)
		if err := db.AddListingCriteria(ctx, &c, "x"); !errors.Is(err, schema.ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := db.AddListingCriteria(ctx, next, ""); !errors.Is(err, schema.ErrStepNote) {
		t.Errorf("without a reason: %v", err)
	}
	must(0, db.AddListingCriteria(ctx, next, "stricter"))(t)
	if read(today).Version != 1 || read(today+9).Version != 1 || read(today+10).Asked.HeldDays != 180 {
		t.Error("criteria hold on other days than theirs")
	}
	versions := must(db.ListingCriteriaVersions(t.Context(), supervision.ListTrusted))(t)
	if len(versions) != 2 || versions[0].Version != 2 || versions[0].Author != "li" || versions[0].Reason != "stricter" || versions[1].Version != 1 {
		t.Errorf("versions: %+v", versions)
	}
	if _, err := db.ListingCriteria(t.Context(), "friends", today); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("no list of ours: %v", err)
	}
	if lines := auditTexts(t, db); len(lines) != 1 || !strings.Contains(lines[0], "listing.criteria_set") {
		t.Errorf("audit: %q", lines)
	}
}

// penalisedListings has penalties voided and repaired behind notices and entries.
func penalisedListings(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	const all = 6
	seed(t, db, all, 0)
	today := Today()
	penalty := func(n int, severity registry.Severity, ago registry.Day) registry.Record {
		return registry.Record{USCC: Code(n), Source: "bureau", SourceRef: "P-" + string(Code(n)), Kind: registry.KindPenalty, Outcome: registry.OutcomeImposed, Severity: severity,
			OccurredOn: today - ago, State: registry.StateFinal, Detail: &registry.Penalty{DecisionNumber: "1"}}
	}
	cases := []struct {
		name     string
		listed   bool
		severity registry.Severity
		ago      registry.Day
		becomes  registry.State
		want     supervision.ListingState
		step     supervision.ListingStep
		veto     bool // on the day before
	}{
		{"a notice, voided", false, registry.SeverityCritical, 100, registry.StateVoided, supervision.StateRefused, supervision.StepRefuse, false},
		{"a notice, repaired", false, registry.SeverityCritical, 100, registry.StateRepaired, supervision.StateRefused, supervision.StepRefuse, false},
		{"an entry, voided", true, registry.SeverityCritical, 100, registry.StateVoided, supervision.StateRemoved, supervision.StepRemove, false},
		{"an entry, repaired early", true, registry.SeverityCritical, 100, registry.StateRepaired, supervision.StateRemoved, supervision.StepRemove, true},
		{"an entry, the publication over", true, registry.SeverityMajor, 800, registry.StateRepaired, supervision.StateListed, "", true},
		{"an entry, untouched", true, registry.SeverityCritical, 100, registry.StateFinal, supervision.StateListed, "", true},
	}
	for n, c := range cases {
		must(db.PutRecords(t.Context(), []registry.Record{penalty(n, c.severity, c.ago)}, schema.PutOptions{}))(t)
		act := schema.ListingAct{List: supervision.ListSerious, USCC: Code(n), Step: supervision.StepNotice, Day: today - 60, Reason: "x", Basis: "x",
			Penalty: supervision.RecordRef{Source: "bureau", Ref: "P-" + string(Code(n))}}
		must(db.TakeListingStep(acting(t, 3, "x"), act))(t)
		if c.listed {
			act.Step, act.Day = supervision.StepList, today-50
			must(db.TakeListingStep(acting(t, 7, "li"), act))(t)
		}
	}
	followPenalties(t, db, 0) // all stand
	for n, c := range cases {
		r := penalty(n, c.severity, c.ago)
		r.State = c.becomes
		must(db.PutRecords(t.Context(), []registry.Record{r}, schema.PutOptions{}))(t)
	}
	followPenalties(t, db, 5)
	followPenalties(t, db, 0) // once
	for n, c := range cases {
		l := must(db.Listing(t.Context(), supervision.ListSerious, Code(n)))(t)
		steps := must(db.ListingSteps(t.Context(), supervision.ListSerious, Code(n)))(t)
		last := steps[len(steps)-1]
		if l.State != c.want || c.step != "" && (last.Step != c.step || last.Author != "system" || last.Reason != "the penalty was "+string(c.becomes)) {
			t.Errorf("%s: %s after %+v", c.name, l.State, last)
		}
		records := must(db.RecordsOf(t.Context(), Code(n)))(t)
		on := func(day registry.Day) bool { return supervision.FactsOf(registry.Standing(records, day), day).Serious }
		if on(today) != (c.want == supervision.StateListed) || on(today-1) != c.veto && c.listed {
			t.Errorf("%s: on the list by its records today %t, the day before %t", c.name, on(today), on(today-1))
		}
	}
	if told := strings.Join(listingMessages(t, db), "\n"); strings.Count(told, `"removed"`) != 2 || strings.Contains(told, "refused") {
		t.Errorf("told: %s", told)
	}
	if lines := strings.Join(auditTexts(t, db), "\n"); strings.Count(lines, `"action":"listing.remove"`) != 2 || strings.Count(lines, supervision.ReasonPenaltyVoided) != 2 {
		t.Errorf("audit: %s", lines)
	}
}

// followPenalties follows up what is due on the serious-violation list and wants so many entries.
func followPenalties(t *testing.T, db *schema.DB, want int) {
	t.Helper()
	due := must(db.DueListings(t.Context(), supervision.ListSerious, Today(), 1, "", 10))(t)
	if len(due) != want {
		t.Errorf("%d due, want %d", len(due), want)
	}
	for i := range due {
		check := &schema.ListingCheck{Listing: &due[i], Criteria: supervision.DefaultCriteria(supervision.ListSerious), Day: Today()}
		must(db.FollowListing(acting(t, 9, "operator"), check))(t)
		if step := must(db.FollowListing(t.Context(), check))(t); step != "" {
			t.Errorf("%s again: %q", due[i].USCC, step)
		}
	}
}
