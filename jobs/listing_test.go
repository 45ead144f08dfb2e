package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/schema/pgtest"
	"healthcode/supervision"
)

// childLists is after how many entries the child that follows listings waits to be killed.
const childLists = "JOBS_TEST_LISTS"

func listingChild(address string) error {
	db, err := schema.Open(context.Background(), configOf(address))
	if err != nil {
		return err
	}
	left, err := strconv.Atoi(os.Getenv(childLists))
	if err != nil {
		return err
	}
	job := &jobs.Listings{DB: db, Clock: time.Now}
	job.OnEntry(func() {
		if left--; left == 0 {
			waitForTheEnd()
		}
	})
	_, err = job.RunOnce(context.Background())
	return fmt.Errorf("it went on to the end: %w", err)
}

func (b *bench) today() registry.Day { return registry.DayOf(b.now) }

func (b *bench) listings() *jobs.Listings { return &jobs.Listings{DB: b.db, Clock: b.clock} }

// take takes a step as a member of staff: 1 begins, 2 decides.
func (b *bench) take(t *testing.T, code registry.USCC, step supervision.ListingStep, ago registry.Day) {
	t.Helper()
	id := int64(2)
	if step == supervision.StepNominate {
		id = 1
	}
	ctx := schema.WithActor(t.Context(), schema.Actor{Kind: "staff", ID: id, Name: fmt.Sprint("staff", id)})
	_, err := b.db.TakeListingStep(ctx, schema.ListingAct{List: supervision.ListTrusted, USCC: code, Step: step, Day: b.today() - ago, Reason: "test"})
	check(t, err)
}

// listEverybody puts every enterprise of the city on the list of trusted merchants, whether it meets anything or not.
func (b *bench) listEverybody(t *testing.T) (codes []registry.USCC) {
	t.Helper()
	_, err := b.recompute().RunOnce(t.Context())
	check(t, err)
	for code := range assessments(t, b.db) {
		b.take(t, code, supervision.StepNominate, 3)
		b.take(t, code, supervision.StepList, 2)
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return codes
}

func (b *bench) listing(t *testing.T, code registry.USCC) *schema.Listing {
	t.Helper()
	l, err := b.db.Listing(t.Context(), supervision.ListTrusted, code)
	check(t, err)
	return l
}

// Whoever misses something is suspended, nobody else is; the criteria that are missed are those that a look by itself finds.
func TestListingsSuspendWhoMissesSomething(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		easy := supervision.DefaultCriteria(supervision.ListTrusted)
		easy.Version, easy.ValidFrom, easy.Asked = 2, b.today()-1, &supervision.Asked{Tier: registry.TierB, NoHazard: registry.SeverityCritical, NoVeto: true, ReturnDays: 30}
		check(t, b.db.AddListingCriteria(schema.WithActor(t.Context(), schema.Actor{Kind: "staff", ID: 1, Name: "x"}), easy, "test"))
		codes := b.listEverybody(t)
		done, err := b.listings().RunOnce(t.Context())
		check(t, err)
		suspended := 0
		for _, code := range codes {
			facts, _, err := jobs.NewListingFacts(b.db).Of(t.Context(), code, b.today())
			check(t, err)
			missed, l := supervision.Missed(easy.Check(facts, b.today())), b.listing(t, code)
			if want := len(missed) > 0; want != (l.State == supervision.StateSuspended) || !slices.Equal(missed, l.Missed) {
				t.Errorf("%s is %s missing %v, want %v", code, l.State, l.Missed, missed)
			}
			if len(missed) > 0 {
				suspended++
			}
		}
		if done.Checked != len(codes) || done.Steps[supervision.StepSuspend] != suspended || suspended == 0 || suspended == len(codes) {
			t.Errorf("%+v, %d of %d suspended", done, suspended, len(codes))
		}
		if _, err := b.listings().RunOnce(t.Context()); !errors.Is(err, schema.ErrNothingDue) {
			t.Errorf("again at once: %v", err)
		}
		b.fallAndReturn(t, codes)
	})
}

// fallAndReturn has a good one fail a check critically, and the check voided.
func (b *bench) fallAndReturn(t *testing.T, codes []registry.USCC) {
	t.Helper()
	good := codes[slices.IndexFunc(codes, func(code registry.USCC) bool { return b.listing(t, code).State == supervision.StateListed })]
	failure := registry.Record{USCC: good, Source: "test", SourceRef: "1", Kind: registry.KindSpotCheck, Outcome: registry.OutcomeFail, Severity: registry.SeverityCritical,
		OccurredOn: b.today(), State: registry.StateFinal, Detail: &registry.SpotCheck{Cause: registry.CauseForged}}
	for _, round := range []struct {
		state registry.State
		later int // days
		want  supervision.ListingState
	}{
		{registry.StateFinal, 0, supervision.StateSuspended}, {registry.StateVoided, 0, supervision.StateSuspended},
		{registry.StateVoided, 29, supervision.StateSuspended}, {registry.StateVoided, 1, supervision.StateListed},
	} {
		failure.State = round.state
		_, err := b.db.PutRecords(t.Context(), []registry.Record{failure}, schema.PutOptions{})
		check(t, err)
		b.now = b.now.AddDate(0, 0, round.later)
		changed := b.recompute()
		changed.ChangedOnly = round.later == 0
		_, err = changed.RunOnce(t.Context())
		check(t, err)
		_, err = b.listings().RunOnce(t.Context())
		check(t, err)
		if l := b.listing(t, good); l.State != round.want {
			t.Errorf("%+v: it is %s since %s, met since %s, missing %v", round, l.State, l.Since, l.MetSince, l.Missed)
		}
	}
}

// checkFollowed checks that everybody was followed up once, however often and by however many that was tried.
func (b *bench) checkFollowed(t *testing.T, codes []registry.USCC) {
	t.Helper()
	for _, code := range codes {
		steps, err := b.db.ListingSteps(t.Context(), supervision.ListTrusted, code)
		check(t, err)
		l := b.listing(t, code)
		if want := map[supervision.ListingState]int{supervision.StateListed: 2, supervision.StateSuspended: 3}[l.State]; len(steps) != want || l.Steps != want || l.CheckedOn != b.today() || l.Revision != 3 {
			t.Errorf("%s: %d steps, %+v", code, len(steps), l)
		}
	}
}

func TestListingsByProcessesAtOnce(t *testing.T) {
	t.Parallel()
	for engine, config := range map[string]schema.Config{"sqlite": {Dir: t.TempDir()}, "postgres": {URL: pgtest.EmptyURL(t)}} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, config)
			codes := b.listEverybody(t)
			var group sync.WaitGroup
			for range 3 {
				db, err := schema.Open(t.Context(), config)
				check(t, err)
				t.Cleanup(func() { check(t, db.Close()) })
				group.Go(func() {
					if _, err := (&jobs.Listings{DB: db, Clock: b.clock}).RunOnce(t.Context()); err != nil && !errors.Is(err, schema.ErrNothingDue) {
						t.Error(err)
					}
				})
			}
			group.Wait()
			b.checkFollowed(t, codes)
		})
	}
}

// A process that is killed in the middle leaves entries that were followed up and entries that were not, and nothing between.
func TestListingsKilled(t *testing.T) {
	t.Parallel()
	for engine, config := range map[string]schema.Config{"sqlite": {Dir: t.TempDir()}, "postgres": {URL: pgtest.EmptyURL(t)}} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, config)
			codes := b.listEverybody(t)
			for _, after := range []string{"1", "17"} {
				killIssuer(t, map[string]string{childDatabase: config.Dir + config.URL, childLists: after})
			}
			followed := 0
			for _, code := range codes {
				if b.listing(t, code).CheckedOn != 0 {
					followed++
				}
			}
			if followed != 18 {
				t.Errorf("%d were followed up before the kills, want 18", followed)
			}
			done, err := b.listings().RunOnce(t.Context())
			if check(t, err); done.Checked != len(codes)-18 {
				t.Errorf("%+v after it", done)
			}
			b.checkFollowed(t, codes)
		})
	}
}

// A penalty that is voided takes the entry that rests on it along, and the grade follows: at once, once, and without anybody.
func TestAVoidedPenaltyEndsItsEntryAndTheGradeFollows(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		regrade := func() map[registry.USCC]schema.Assessment {
			t.Helper()
			changed := b.recompute()
			changed.ChangedOnly = true
			if _, err := changed.RunOnce(t.Context()); err != nil && !errors.Is(err, schema.ErrNothingDue) {
				t.Fatal(err)
			}
			return assessments(t, b.db)
		}
		_, err := b.recompute().RunOnce(t.Context())
		check(t, err)
		code, before := b.blue(t)
		act := schema.ListingAct{List: supervision.ListSerious, USCC: code, Step: supervision.StepNotice, Day: b.today() - 20, Reason: "x", Basis: "x", Penalty: supervision.RecordRef{Source: "bureau", Ref: "P"}}
		penalty := registry.Record{USCC: code, Source: "bureau", SourceRef: "P", Kind: registry.KindPenalty, Outcome: registry.OutcomeImposed, Severity: registry.SeverityCritical,
			OccurredOn: b.today() - 40, State: registry.StateFinal, Detail: &registry.Penalty{DecisionNumber: "1"}}
		_, err = b.db.PutRecords(t.Context(), []registry.Record{penalty}, schema.PutOptions{})
		check(t, err)
		for id, step := range []supervision.ListingStep{supervision.StepNotice, supervision.StepList} {
			act.Step, act.Day = step, b.today()-20+10*registry.Day(id)
			_, err := b.db.TakeListingStep(schema.WithActor(t.Context(), schema.Actor{Kind: "staff", ID: int64(id + 1), Name: "x"}), act)
			check(t, err)
		}
		if listed := regrade()[code]; listed.Colour != registry.ColourRed {
			t.Fatalf("listed: %+v", listed)
		}
		_, err = b.db.VoidRecord(t.Context(), schema.Bounds{Sight: access.Everything()}, schema.VoidRequest{Source: "bureau", SourceRef: "P", Reason: "annulled by the court"})
		check(t, err)
		done, err := b.listings().RunOnce(t.Context())
		if check(t, err); done.Checked != 1 || done.Steps[supervision.StepRemove] != 1 {
			t.Errorf("%+v", done)
		}
		if _, err := b.listings().RunOnce(t.Context()); !errors.Is(err, schema.ErrNothingDue) {
			t.Errorf("again: %v", err)
		}
		if after := regrade()[code]; after.Tier != before.Tier || after.Colour != before.Colour || after.Index != before.Index {
			t.Errorf("the grade was %+v and is %+v", before, after)
		}
	})
}

// blue returns an enterprise whose code is blue, and its grade.
func (b *bench) blue(t *testing.T) (registry.USCC, schema.Assessment) {
	t.Helper()
	for code, a := range assessments(t, b.db) {
		if a.Colour == registry.ColourBlue {
			return code, a
		}
	}
	t.Fatal("nobody is blue")
	return "", schema.Assessment{}
}
