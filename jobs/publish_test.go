package jobs_test

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
)

// newPublisher grades the city, gives everybody a code and returns a publisher.
func newPublisher(t *testing.T, b *bench) *jobs.Publish {
	t.Helper()
	_, err := b.recompute().RunOnce(t.Context())
	check(t, err)
	issuer := newIssuer(t, b)
	_, err = (&jobs.Reissue{Issuer: issuer, Missing: true}).RunOnce(t.Context())
	check(t, err)
	return &jobs.Publish{DB: b.db, Signer: issuer.Signer, Clock: b.clock}
}

// current reads the newest publication of each list as a verifier does, checks every code against the database, and returns the lists.
func current(t *testing.T, db *schema.DB, signer credential.Signer) map[string]*credential.List {
	t.Helper()
	keys, err := credential.NewKeySet(*signer.PublicKey())
	check(t, err)
	heads, err := db.ListHeads(t.Context())
	check(t, err)
	lists := map[string]*credential.List{}
	for _, head := range heads {
		stored, err := db.ListToken(t.Context(), head.Kind, head.Number, time.Time{})
		check(t, err)
		list, err := credential.ParseList(stored.Token, keys)
		check(t, err)
		if string(list.Kind) != head.Kind || list.Number != head.Number || !list.IssuedAt.Equal(head.IssuedAt) || list.KeyID != head.KID {
			t.Errorf("stored as %+v, says %+v", head, list)
		}
		lists[head.Kind] = list
	}
	marks, err := db.Lists(t.Context(), func(e schema.ListEntry) { checkEntry(t, lists, e) })
	check(t, err)
	if len(marks) != 0 {
		t.Errorf("%d marks are left", len(marks))
	}
	return lists
}

func checkEntry(t *testing.T, lists map[string]*credential.List, e schema.ListEntry) {
	t.Helper()
	status := lists["status"].Status(e.Index)
	tier, colour, ok := lists["grade"].Grade(e.Index)
	if e.Status.Final() {
		e.Tier, e.Colour = 0, 0
	}
	if status != credential.Status(e.Status) || tier != e.Tier || colour != e.Colour || ok != (e.Colour != 0) {
		t.Errorf("code %d: the lists say %s %s %s, the database %+v", e.Index, status, tier, colour, e)
	}
}

func publishOnce(t *testing.T, j *jobs.Publish, want jobs.Published) {
	t.Helper()
	if done, err := j.RunOnce(t.Context()); err != nil || done != want {
		t.Fatalf("published %+v, %v; want %+v", done, err, want)
	}
}

func nothingToPublish(t *testing.T, j *jobs.Publish) {
	t.Helper()
	if done, err := j.RunOnce(t.Context()); !errors.Is(err, schema.ErrNothingDue) {
		t.Fatalf("published %+v, %v; want nothing", done, err)
	}
}

// takeOver publishes as soon as the lease of a millisecond that another publisher left has run out.
func takeOver(t *testing.T, j *jobs.Publish) {
	t.Helper()
	for {
		_, err := j.RunOnce(t.Context())
		switch {
		case errors.Is(err, schema.ErrRunning):
		case err != nil && !errors.Is(err, schema.ErrNothingDue):
			t.Fatal(err)
		default:
			return
		}
	}
}

func revoke(t *testing.T, db *schema.DB, idx uint32) {
	t.Helper()
	_, err := db.ChangeCode(t.Context(), idx, schema.StepRevoke, "Li Hua", "a test")
	check(t, err)
}

func TestPublishFollowsEveryChange(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		j := newPublisher(t, b)
		publishOnce(t, j, jobs.Published{Lists: 2, Marks: 2 * size, Rebuilt: true}) // everybody was graded and got a code
		current(t, b.db, j.Signer)
		nothingToPublish(t, j)

		_, err := b.db.ChangeCode(t.Context(), 7, schema.StepSuspend, "Li Hua", "a test")
		check(t, err)
		publishOnce(t, j, jobs.Published{Lists: 1, Marks: 1}) // a suspended code keeps its grade
		revoke(t, b.db, 9)
		publishOnce(t, j, jobs.Published{Lists: 2, Marks: 1})
		lists := current(t, b.db, j.Signer)
		if lists["status"].Status(7) != credential.StatusSuspended || lists["status"].Status(9) != credential.StatusRevoked {
			t.Error("the statuses are others")
		}

		b.now = b.now.Add(time.Minute)
		issuer := &jobs.Issuer{DB: b.db, Signer: j.Signer, Clock: b.clock}
		c, err := b.db.Code(t.Context(), 20)
		check(t, err)
		_, err = issuer.Issue(t.Context(), c.USCC, credential.FormPrinted)
		check(t, err)
		publishOnce(t, j, jobs.Published{Lists: 2, Marks: 1}) // its status reads as before, but now the list speaks of it
		nothingToPublish(t, j)
		_, err = b.db.PutRecords(t.Context(), []registry.Record{{USCC: c.USCC, Source: "bureau", SourceRef: "new", Kind: registry.KindSpotCheck,
			Outcome: registry.OutcomeFail, Severity: registry.SeverityCritical, OccurredOn: registry.DayOf(b.now), State: registry.StateFinal}}, schema.PutOptions{})
		check(t, err)
		nothingToPublish(t, j)
		changed := b.recompute()
		changed.ChangedOnly = true
		_, err = changed.RunOnce(t.Context())
		check(t, err)
		publishOnce(t, j, jobs.Published{Lists: 1, Marks: 1})
		if _, colour, _ := current(t, b.db, j.Signer)["grade"].Grade(20); colour != registry.ColourRed {
			t.Errorf("after a critical failure: %s", colour)
		}
	})
}

func TestPublishSignsEveryListWithinItsHour(t *testing.T) {
	t.Parallel()
	b := newBench(t, schema.Config{Dir: t.TempDir()})
	j := newPublisher(t, b)
	publishOnce(t, j, jobs.Published{Lists: 2, Marks: 2 * size, Rebuilt: true})
	b.now = b.now.Add(jobs.PublishEvery - time.Second)
	nothingToPublish(t, j)
	b.now = b.now.Add(time.Second)
	publishOnce(t, j, jobs.Published{Lists: 2})
	nothingToPublish(t, j)
	current(t, b.db, j.Signer)
	if jobs.PublishEvery >= credential.ListTTL {
		t.Error("a reader may get a list that is older than its ttl")
	}
}

func TestPublishReadsNothingAgainAfterARestartWithoutChange(t *testing.T) {
	t.Parallel()
	b := newBench(t, schema.Config{Dir: t.TempDir()})
	j := newPublisher(t, b)
	publishOnce(t, j, jobs.Published{Lists: 2, Marks: 2 * size, Rebuilt: true})
	check(t, j.Release(t.Context()))
	second := &jobs.Publish{DB: b.db, Signer: j.Signer, Clock: b.clock}
	nothingToPublish(t, second)
	if _, err := j.RunOnce(t.Context()); !errors.Is(err, schema.ErrRunning) {
		t.Errorf("the first one again: %v, want ErrRunning", err)
	}
	check(t, second.Release(t.Context()))
	revoke(t, b.db, 3)
	publishOnce(t, j, jobs.Published{Lists: 2, Marks: 1, Rebuilt: true})
	current(t, b.db, j.Signer)
}

func TestPublishByAnotherKeySignsEverythingAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, schema.Config{Dir: t.TempDir()})
	j := newPublisher(t, b)
	publishOnce(t, j, jobs.Published{Lists: 2, Marks: 2 * size, Rebuilt: true})
	key, err := credential.NewKey(2, j.Signer.PublicKey().Issuer, b.now)
	check(t, err)
	j.Signer = key
	publishOnce(t, j, jobs.Published{Lists: 2})
	current(t, b.db, key)
	nothingToPublish(t, j)
}

func TestPublishNeverGoesBackInTime(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		j := newPublisher(t, b)
		publishOnce(t, j, jobs.Published{Lists: 2, Marks: 2 * size, Rebuilt: true})
		last := current(t, b.db, j.Signer)["status"].IssuedAt
		rises := func(name string, want time.Duration) {
			t.Helper()
			iat := current(t, b.db, j.Signer)["status"].IssuedAt
			if iat.Sub(last) != want {
				t.Errorf("%s: iat rose by %s, want %s", name, iat.Sub(last), want)
			}
			last = iat
		}
		revoke(t, b.db, 1)
		publishOnce(t, j, jobs.Published{Lists: 2, Marks: 1})
		rises("twice in a second", time.Second)
		b.now = b.now.Add(-30 * time.Second)
		revoke(t, b.db, 2)
		publishOnce(t, j, jobs.Published{Lists: 2, Marks: 1})
		rises("a clock set back a little", time.Second)
		b.now = b.now.Add(-time.Hour)
		revoke(t, b.db, 3)
		for range 2 {
			if done, err := j.RunOnce(t.Context()); !errors.Is(err, jobs.ErrClockBehind) {
				t.Fatalf("a clock set back an hour: %+v, %v", done, err)
			}
		}
		check(t, j.Release(t.Context()))
		b.now = b.now.Add(2 * time.Hour)
		publishOnce(t, j, jobs.Published{Lists: 2, Marks: 1, Rebuilt: true})
		rises("when it has caught up", 59*time.Minute+28*time.Second)
	})
}

func TestAbandonedIntentsAreRevokedInTheList(t *testing.T) {
	t.Parallel()
	b := &bench{now: time.Now()}
	b.clock = func() time.Time { return b.now }
	b.open(t, schema.Config{Dir: t.TempDir(), Clock: b.clock})
	idx, err := b.db.ReserveIndex(t.Context(), livedCode(1), "1", "printed")
	check(t, err)
	j := &jobs.Publish{DB: b.db, Signer: newIssuer(t, b).Signer, Clock: b.clock}
	publishOnce(t, j, jobs.Published{Lists: 2, Rebuilt: true})
	if s := current(t, b.db, j.Signer)["status"].Status(idx); s != credential.StatusValid {
		t.Errorf("a young intent is %s", s)
	}
	b.now = b.now.Add(jobs.IntentLife + time.Minute)
	publishOnce(t, j, jobs.Published{Lists: 1, Marks: 1, Abandoned: 1})
	if s := current(t, b.db, j.Signer)["status"].Status(idx); s != credential.StatusRevoked {
		t.Errorf("an old intent is %s", s)
	}
}

// TestPublishersOfTwoProcesses has two publishers and a writer at work at once; the lease changes hands all the time. What stands at the end is
// right, and between two publications of a list iat rose (the primary key and a trigger refuse anything else).
func TestPublishersOfTwoProcesses(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		j := newPublisher(t, b)
		var group sync.WaitGroup
		published := make([]int, 2)
		done := make(chan struct{})
		for n := range published {
			other := &jobs.Publish{DB: b.db, Signer: j.Signer, Clock: time.Now, Lease: time.Millisecond}
			group.Go(func() {
				for {
					result, err := other.RunOnce(t.Context())
					published[n] += result.Lists
					if err != nil && !errors.Is(err, schema.ErrNothingDue) && !errors.Is(err, schema.ErrRunning) && !errors.Is(err, schema.ErrLeaseLost) && !errors.Is(err, schema.ErrBusy) &&
						!errors.Is(err, jobs.ErrClockBehind) {
						t.Error(err)
					}
					select {
					case <-done:
						return
					default:
					}
				}
			})
		}
		for idx := range uint32(size) {
			_, err := b.db.ChangeCode(t.Context(), idx+1, []schema.CodeStep{schema.StepSuspend, schema.StepRevoke}[idx%2], "Li Hua", "a test")
			check(t, err)
		}
		close(done)
		group.Wait()
		if published[0]+published[1] == 0 {
			t.Error("nobody published anything")
		}
		heads, err := b.db.ListHeads(t.Context())
		check(t, err)
		b.now = heads[0].IssuedAt.Add(time.Minute) // many publications a second carry the iat ahead of the clock
		takeOver(t, j)
		current(t, b.db, j.Signer)
	})
}

// Whatever happens in whatever order, what is published is what the database says.
func TestPublishedIsWhatTheDatabaseSays(t *testing.T) {
	t.Parallel()
	b := newBench(t, schema.Config{Dir: t.TempDir()})
	j := newPublisher(t, b)
	issuer := &jobs.Issuer{DB: b.db, Signer: j.Signer, Clock: b.clock}
	dice := rand.New(rand.NewPCG(3, 4))
	steps := []schema.CodeStep{schema.StepSuspend, schema.StepResume, schema.StepRevoke, schema.StepSupersede}
	for range 15 {
		b.now = b.now.Add(time.Duration(dice.IntN(2000)) * time.Second)
		for range dice.IntN(6) {
			n, err := b.db.CountCodes(t.Context())
			check(t, err)
			_, err = b.db.ChangeCode(t.Context(), uint32(1+dice.IntN(n)), steps[dice.IntN(len(steps))], "Li Hua", "a test")
			if err != nil && !errors.Is(err, schema.ErrCodeStep) {
				t.Fatal(err)
			}
		}
		if dice.IntN(3) == 0 {
			c, err := b.db.Code(t.Context(), uint32(1+dice.IntN(size)))
			check(t, err)
			if _, err = issuer.Issue(t.Context(), c.USCC, credential.FormPrinted); !errors.Is(err, jobs.ErrSuspended) {
				check(t, err)
			}
		}
		if dice.IntN(5) == 0 {
			check(t, j.Release(t.Context()))
		}
		if _, err := j.RunOnce(t.Context()); err != nil && !errors.Is(err, schema.ErrNothingDue) {
			t.Fatal(err)
		}
		current(t, b.db, j.Signer)
	}
}

// A server's jobs follow a record by themselves: graded, and published, without anybody calling them.
func TestTheSchedulerFollowsARecordToTheLists(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		j := newPublisher(t, b)
		published := make(chan struct{}, 100)
		when := jobs.DefaultSchedule()
		s, err := jobs.NewScheduler(t.Context(), b.db, jobs.Work{Publish: j}, jobs.Schedule{Changed: when.Changed, Publish: when.Publish}, b.clock,
			slog.New(onMessage{published}))
		check(t, err)
		s.Start()
		c, err := b.db.Code(t.Context(), 5)
		check(t, err)
		_, err = b.db.PutRecords(t.Context(), []registry.Record{{USCC: c.USCC, Source: "bureau", SourceRef: "new", Kind: registry.KindSpotCheck,
			Outcome: registry.OutcomeFail, Severity: registry.SeverityCritical, OccurredOn: registry.DayOf(b.now), State: registry.StateFinal}}, schema.PutOptions{})
		check(t, err)
		for colour := registry.ColourNone; colour != registry.ColourRed; {
			<-published
			stored, err := b.db.ListToken(t.Context(), "grade", 0, time.Time{})
			if errors.Is(err, schema.ErrNotFound) {
				continue // what was logged was the grading
			}
			check(t, err)
			keys, err := credential.NewKeySet(*j.Signer.PublicKey())
			check(t, err)
			list, err := credential.ParseList(stored.Token, keys)
			check(t, err)
			_, colour, _ = list.Grade(5)
		}
		check(t, s.Stop())
		if _, err := b.db.TakeLease(t.Context(), "publish-lists", time.Minute); err != nil {
			t.Errorf("a stopped server keeps others from publishing: %v", err)
		}
	})
}
