package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/samplecity"
	"healthcode/schema"
	"healthcode/schema/pgtest"
	"healthcode/scoring"

	"github.com/go-co-op/gocron/v2"
	"go.uber.org/goleak"
)

// TestMain turns this binary into the publisher that is to be killed when it is asked to.
func TestMain(m *testing.M) {
	if address := os.Getenv(childDatabase); address != "" {
		child := publishingChild
		if os.Getenv(childIssues) != "" {
			child = issuingChild
		}
		if os.Getenv(childDelivers) != "" {
			child = deliveringChild
		}
		if os.Getenv(childSubmits) != "" {
			child = submittingChild
		}
		if os.Getenv(childLists) != "" {
			child = listingChild
		}
		if err := child(address); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("database/sql.(*DB).connectionOpener"))
}

const size = 60 // enterprises of the city in these tests

// bench is a database with a small city and a clock that stands still.
type bench struct {
	db    *schema.DB
	now   time.Time
	clock func() time.Time
}

// onBothEngines runs a test on SQLite and on PostgreSQL.
func onBothEngines(t *testing.T, test func(t *testing.T, b *bench)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newBench(t, schema.Config{Dir: t.TempDir()}))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, newBench(t, schema.Config{URL: pgtest.EmptyURL(t)}))
	})
}

func newBench(t *testing.T, c schema.Config) *bench {
	t.Helper()
	ctx := t.Context()
	db, err := schema.Open(ctx, c)
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	_, _, err = db.Migrate(ctx)
	check(t, err)
	m := scoring.DefaultModel()
	check(t, db.AddModel(ctx, schema.StoredModel{ModelRef: schema.ModelRef{Code: m.Code, Version: m.Version, Digest: m.Digest()}, Body: string(m.JSON())}))
	check(t, db.ActivateModel(ctx, m.Code, m.Version))
	b := &bench{db: db, now: time.Now()}
	b.clock = func() time.Time { return b.now }
	city := samplecity.Generate(1, size, registry.DayOf(b.now))
	_, err = db.PutProducts(ctx, city.Products(), schema.PutOptions{})
	check(t, err)
	for e, records := range city.All() {
		_, err := db.PutEnterprises(ctx, []registry.Enterprise{*e}, schema.PutOptions{})
		check(t, err)
		_, err = db.PutRecords(ctx, records, schema.PutOptions{})
		check(t, err)
	}
	return b
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bench) recompute() *jobs.Recompute {
	return &jobs.Recompute{DB: b.db, Clock: b.clock, RangeSize: 7}
}

func assessments(t *testing.T, db *schema.DB) map[registry.USCC]schema.Assessment {
	t.Helper()
	found := map[registry.USCC]schema.Assessment{}
	for a, err := range db.Assessments(t.Context()) {
		check(t, err)
		if _, twice := found[a.USCC]; twice {
			t.Fatalf("%s has two current assessments", a.USCC)
		}
		found[a.USCC] = a
	}
	return found
}

func TestRecomputeGradesEverybodyAsTheAssessorDoes(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		run, err := b.recompute().RunOnce(t.Context())
		check(t, err)
		if run.State != schema.RunFinished || run.Assessed != size || run.Ranges != 9 || run.RangesDone != 9 {
			t.Fatalf("%+v", run)
		}
		a := scoring.NewAssessor(scoring.DefaultModel())
		for code, stored := range assessments(t, b.db) {
			e, err := b.db.EvidenceOf(t.Context(), code, run.AsOf, run.KnownAt)
			check(t, err)
			x := a.Grade(e, run.AsOf)
			digest, _ := a.Digests(e, run.AsOf, run.KnownAt, &x)
			if stored.Index != x.Earned.Index || stored.Tier != x.Tier || stored.Colour != x.Colour || stored.Digest != digest {
				t.Errorf("%s: stored %+v, computed %+v", code, stored.Grade, x)
			}
		}
	})
}

func TestOncePerDayDoesNothingTheSecondTime(t *testing.T) {
	t.Parallel()
	b := newBench(t, schema.Config{Dir: t.TempDir()})
	job := b.recompute()
	job.OncePerDay = true
	_, err := job.RunOnce(t.Context())
	check(t, err)
	if _, err := job.RunOnce(t.Context()); !errors.Is(err, jobs.ErrAlreadyDone) {
		t.Errorf("got %v", err)
	}
	b.now = b.now.Add(24 * time.Hour)
	if _, err := job.RunOnce(t.Context()); err != nil {
		t.Errorf("the next day: %v", err)
	}
}

func TestOnlyOneProcessRunsAKind(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		inside, leave := make(chan struct{}), make(chan struct{})
		slow := b.recompute()
		slow.Workers = 1
		first := true
		slow.Progress = func(int64, int64) {
			if first {
				first = false
				close(inside)
				<-leave
			}
		}
		done := make(chan error, 1)
		go func() {
			_, err := slow.RunOnce(t.Context())
			done <- err
		}()
		<-inside
		if _, err := b.recompute().RunOnce(t.Context()); !errors.Is(err, schema.ErrRunning) {
			t.Errorf("a second run of the kind: %v", err)
		}
		close(leave)
		check(t, <-done)
	})
}

func TestAnInterruptedRunIsTakenUpWithItsOwnDates(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		ctx, cancel := context.WithCancel(t.Context())
		job := b.recompute()
		job.Workers, job.Lease = 1, time.Millisecond
		job.Progress = func(assessed, _ int64) {
			if assessed >= 20 {
				cancel()
			}
		}
		if _, err := job.RunOnce(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		half := len(assessments(t, b.db))
		runs, err := b.db.Runs(t.Context(), 0, 10)
		check(t, err)
		if half == 0 || half == size || len(runs) != 1 || runs[0].State != schema.RunRunning {
			t.Fatalf("%d assessed, %+v", half, runs)
		}
		again := b.recompute()
		again.AsOf = runs[0].AsOf - 100 // the run that is taken up keeps its day
		run, err := again.RunOnce(t.Context())
		check(t, err)
		if run.ID != runs[0].ID || run.AsOf != runs[0].AsOf || run.Assessed != size || len(assessments(t, b.db)) != size {
			t.Errorf("%+v", run)
		}
	})
}

func TestRecomputeChangedGradesOnlyWhoHasNewFacts(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		_, err := b.recompute().RunOnce(t.Context())
		check(t, err)
		changed := b.recompute()
		changed.ChangedOnly = true
		if _, err := changed.RunOnce(t.Context()); !errors.Is(err, schema.ErrNothingDue) {
			t.Fatalf("nothing is new: %v", err)
		}
		before := assessments(t, b.db)
		var code registry.USCC
		for code = range before {
			break
		}
		_, err = b.db.PutRecords(t.Context(), []registry.Record{{USCC: code, Source: "bureau", SourceRef: "new", Kind: registry.KindSpotCheck,
			Outcome: registry.OutcomeFail, Severity: registry.SeverityMajor, OccurredOn: registry.DayOf(b.now), State: registry.StateFinal}}, schema.PutOptions{})
		check(t, err)
		run, err := changed.RunOnce(t.Context())
		check(t, err)
		after := assessments(t, b.db)
		if run.Assessed != 1 || after[code].Index >= before[code].Index || after[code].Run != run.ID {
			t.Errorf("%+v: %d became %d", run, before[code].Index, after[code].Index)
		}
	})
}

func newIssuer(t *testing.T, b *bench) *jobs.Issuer {
	t.Helper()
	key, err := credential.NewKey(1, "https://q.example.gov.cn", b.now.Add(-time.Hour))
	check(t, err)
	return &jobs.Issuer{DB: b.db, Signer: key, Clock: b.clock}
}

func TestReissueGivesEachEnterpriseOneCodeAndRenewsItBeforeItsEnd(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		_, err := b.recompute().RunOnce(t.Context())
		check(t, err)
		issuer := newIssuer(t, b)
		first := &jobs.Reissue{Issuer: issuer, Missing: true, RangeSize: 7}
		later := &jobs.Reissue{Issuer: issuer, RangeSize: 7}
		for _, step := range []struct {
			name string
			job  *jobs.Reissue
			wait time.Duration
			want int64
		}{
			{"nobody has a code to renew", later, 0, 0},
			{"everybody gets one", first, 0, size},
			{"everybody has one", first, time.Hour, 0},
			{"31 days before the end", later, 334*24*time.Hour - time.Hour - time.Minute, 0},
			{"29 days before the end", later, 2 * 24 * time.Hour, size},
			{"renewed", later, time.Hour, 0},
		} {
			b.now = b.now.Add(step.wait)
			run, err := step.job.RunOnce(t.Context())
			check(t, err)
			if run.Changed != step.want {
				t.Errorf("%s: %d codes, want %d", step.name, run.Changed, step.want)
			}
		}
		checkCodes(t, b, issuer)
	})
}

// checkCodes verifies every code and that no index was given twice.
func checkCodes(t *testing.T, b *bench, issuer *jobs.Issuer) {
	t.Helper()
	keys, err := credential.NewKeySet(*issuer.Signer.PublicKey())
	check(t, err)
	seen := map[uint32]bool{}
	for c, err := range b.db.Codes(t.Context()) {
		check(t, err)
		v := credential.Verify(c.JWT, keys, c.IssuedAt)
		if !v.Authentic || v.USCC != c.USCC || v.Index != c.Index || seen[c.Index] {
			t.Fatalf("%+v: %+v", c, v)
		}
		seen[c.Index] = true
	}
	if len(seen) != 2*size {
		t.Errorf("%d codes", len(seen))
	}
}

func TestIssueRefusesWhoHasNoGrade(t *testing.T) {
	t.Parallel()
	b := newBench(t, schema.Config{Dir: t.TempDir()})
	issuer := newIssuer(t, b)
	var known registry.USCC
	for e, err := range b.db.Enterprises(t.Context()) {
		check(t, err)
		known = e.USCC
	}
	if _, err := issuer.Issue(t.Context(), known, credential.FormPrinted); !errors.Is(err, jobs.ErrNotGraded) {
		t.Errorf("no grade: %v", err)
	}
	if _, err := issuer.Issue(t.Context(), "91350100M000100Y43", credential.FormPrinted); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

// brokenSigner signs nothing.
type brokenSigner struct{ credential.Signer }

var errBroken = errors.New("the signer is broken")

func (brokenSigner) Sign(string) (s credential.Signature, err error) { return s, errBroken }

func TestACodeThatCannotBeSignedLeavesOnlyAnIntent(t *testing.T) {
	t.Parallel()
	b := newBench(t, schema.Config{Dir: t.TempDir()})
	_, err := b.recompute().RunOnce(t.Context())
	check(t, err)
	issuer := newIssuer(t, b)
	issuer.Signer = brokenSigner{issuer.Signer}
	reissue := &jobs.Reissue{Issuer: issuer, Missing: true}
	if _, err := reissue.RunOnce(t.Context()); !errors.Is(err, errBroken) {
		t.Fatalf("got %v", err)
	}
	runs, err := b.db.Runs(t.Context(), 0, 1)
	check(t, err)
	n, err := b.db.CountCodes(t.Context())
	check(t, err)
	if n != 0 || runs[0].State != schema.RunFailed || runs[0].Error == "" {
		t.Errorf("%d codes, %+v", n, runs[0])
	}
}

func TestTheSchedulerRunsTheJobs(t *testing.T) {
	t.Parallel()
	b := newBench(t, schema.Config{Dir: t.TempDir()})
	finished := make(chan struct{}, 8)
	log := slog.New(onMessage{finished})
	now := gocron.OneTimeJob(gocron.OneTimeJobStartImmediately())
	never := gocron.DurationJob(time.Hour)
	s, err := jobs.NewScheduler(t.Context(), b.db, jobs.Work{Reissue: &jobs.Reissue{Issuer: newIssuer(t, b)}}, jobs.Schedule{Recompute: now, Changed: never, Reissue: never}, b.clock, log)
	check(t, err)
	s.Start()
	select {
	case <-finished:
	case <-time.After(time.Minute):
		t.Error("the job did not finish")
	}
	check(t, s.Stop())
	if got := len(assessments(t, b.db)); got != size {
		t.Errorf("%d assessed", got)
	}
}

// onMessage is a log handler that signals each message.
type onMessage struct{ signal chan<- struct{} }

func (onMessage) Enabled(context.Context, slog.Level) bool { return true }
func (h onMessage) Handle(context.Context, slog.Record) error {
	h.signal <- struct{}{}
	return nil
}
func (h onMessage) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h onMessage) WithGroup(string) slog.Handler      { return h }
