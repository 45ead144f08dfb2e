package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/schema/pgtest"
)

var submitKey = []byte("0123456789abcdef")

func submitJob(db *schema.DB, clock func() time.Time) *jobs.Submit {
	return &jobs.Submit{DB: db, PersonKey: submitKey, Clock: clock, Log: slog.New(slog.DiscardHandler)}
}

// submitted is a submission of chunks of lines, all here.
func submitted(t *testing.T, db *schema.DB, id string, chunks ...string) {
	t.Helper()
	ctx := t.Context()
	s, err := db.AddSubmission(ctx, schema.Submission{ID: id, CallerKind: access.Partner, CallerID: 7, Source: "lab",
		Bounds: schema.Bounds{Sight: access.Everything(), Sources: []string{"lab"}}}, time.Minute)
	check(t, err)
	first := int64(1)
	for i, lines := range chunks {
		packed, err := new(jobs.Spool).Lines(id, i+1, []byte(lines))
		check(t, err)
		n := int64(strings.Count(lines, "\n"))
		check(t, db.AddChunk(ctx, s, schema.Chunk{Number: i + 1, FirstLine: first, Lines: n, Bytes: int64(len(lines)), Body: packed}))
		first += n
	}
	check(t, db.QueueSubmission(ctx, s))
}

// labLine is the nth line of a laboratory about an enterprise: a visit of two inspectors.
func labLine(code registry.USCC, n int) string {
	return fmt.Sprintf(`{"uscc":"%s","source_ref":"v-%d","kind":"inspection","outcome":"done","occurred_on":"2026-01-05","people":{"inspectors":["张三","李四"]}}`+"\n", code, n)
}

// anyone returns an enterprise of the city.
func (b *bench) anyone(t *testing.T) registry.USCC {
	t.Helper()
	for e, err := range b.db.Enterprises(t.Context()) {
		check(t, err)
		return e.USCC
	}
	t.Fatal("the city is empty")
	return ""
}

// resultsOf returns what became of each row.
func resultsOf(t *testing.T, db *schema.DB, id string) (all []jobs.RowResult) {
	t.Helper()
	for from := 1; ; {
		chunk, err := db.ResultChunk(t.Context(), id, from, 0)
		if errors.Is(err, schema.ErrNotFound) {
			return all
		}
		check(t, err)
		lines, err := new(jobs.Spool).Results(id, chunk.Number, chunk.Results)
		check(t, err)
		for line := range strings.Lines(string(lines)) {
			var r struct {
				jobs.RowResult
				Outcome string `json:"outcome"`
			}
			check(t, json.Unmarshal([]byte(line), &r))
			for o := schema.Added; o <= schema.Refused; o++ {
				if o.String() == r.Outcome {
					r.RowResult.Outcome = o
				}
			}
			all = append(all, r.RowResult)
		}
		from = chunk.Number + 1
	}
}

// Each row of a submission comes to what it deserves, is reported with its line, and names no person.
func TestSubmitStores(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		code := b.anyone(t)
		job := submitJob(b.db, b.clock)
		if _, err := job.RunOnce(t.Context()); !errors.Is(err, schema.ErrNothingDue) {
			t.Errorf("nothing waits: %v", err)
		}
		one := labLine(code, 1)
		foreign := strings.Replace(labLine(code, 5), `"source_ref"`, `"source":"other","source_ref"`, 1)
		alone := strings.Replace(labLine(code, 6), `,"李四"`, ``, 1)
		chunks := []string{
			one + "\n" + one + strings.Replace(one, "done", "refused", 1) + "{broken\n" + labLine("91330402MA2B00001U", 3),
			foreign + alone + "\xff\n" + labLine(code, 2) + `{"source_ref":5}` + "\n" + strings.Repeat("x", 1<<20+1) + "\n",
		}
		for round, want := range []string{
			"1 added, 3 unchanged, 4 changed, 5 refused, 6 waiting, 7 refused, 8 refused, 9 refused, 10 added, 11 refused, 12 refused",
			"1 changed, 3 unchanged, 4 changed, 5 refused, 6 waiting, 7 refused, 8 refused, 9 refused, 10 unchanged, 11 refused, 12 refused",
		} {
			id := fmt.Sprintf("sub_%d", round)
			submitted(t, b.db, id, chunks...)
			done, err := job.RunOnce(t.Context())
			check(t, err)
			if done.State != schema.SubmissionFinished || done.Rows != 11 || done.Refused != 6 || done.Waiting != 1 {
				t.Errorf("%s: %+v", id, done)
			}
			var got []string
			for _, r := range resultsOf(t, b.db, id) {
				got = append(got, fmt.Sprintf("%d %s", r.Row, r.Outcome))
				if (r.Outcome == schema.Refused) != (len(r.Errors) > 0) || r.Outcome != schema.Refused && r.SourceRef == "" {
					t.Errorf("row %d: %+v", r.Row, r)
				}
			}
			if text := strings.Join(got, ", "); text != want {
				t.Errorf("%s: %s, want %s", id, text, want)
			}
		}
		records, err := b.db.RecordsOf(t.Context(), code)
		check(t, err)
		text, err := json.Marshal(records)
		check(t, err)
		if strings.Contains(string(text), "张三") {
			t.Error("the name of an inspector is stored")
		}
	})
}

// What cannot be opened or read ends the submission with a reason; what a person cancels stops.
func TestSubmitFails(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		submitted(t, b.db, "sealed", labLine(b.anyone(t), 1))
		other := submitJob(b.db, b.clock)
		other.Spool.Seal[0] = 1
		if _, err := other.RunOnce(t.Context()); !errors.Is(err, access.ErrSealed) {
			t.Errorf("another key: %v", err)
		}
		submitted(t, b.db, "utf-16", "\xfe\xff\x00{")
		if _, err := submitJob(b.db, b.clock).RunOnce(t.Context()); err != nil {
			t.Errorf("UTF-16: %v", err)
		}
		for _, id := range []string{"sealed", "utf-16"} {
			s, err := b.db.Submission(t.Context(), nil, id)
			check(t, err)
			if s.State != schema.SubmissionFailed || s.Error == "" {
				t.Errorf("%s: %+v", id, s)
			}
		}
		submitted(t, b.db, "cancelled", labLine(b.anyone(t), 1), labLine(b.anyone(t), 2), labLine(b.anyone(t), 3))
		job := submitJob(b.db, b.clock)
		job.OnStep(func(step string, chunk int) {
			if step == jobs.StepKept && chunk == 1 {
				check(t, b.db.CancelSubmission(context.WithoutCancel(t.Context()), nil, "cancelled"))
			}
		})
		if _, err := job.RunOnce(t.Context()); !errors.Is(err, schema.ErrNothingDue) {
			t.Errorf("cancelled: %v", err)
		}
		if got := resultsOf(t, b.db, "cancelled"); len(got) != 1 {
			t.Errorf("%d rows were stored, want the one of before", len(got))
		}
		prune := &jobs.PruneSubmissions{DB: b.db, Clock: func() time.Time { return b.now.Add(jobs.SubmissionLife + time.Hour) }}
		if n, err := prune.RunOnce(t.Context()); err != nil || n != 3 {
			t.Errorf("%d pruned, %v, want 3", n, err)
		}
		if _, err := prune.RunOnce(t.Context()); !errors.Is(err, schema.ErrNothingDue) {
			t.Errorf("nothing to prune: %v", err)
		}
	})
}

// The environment of the child that stores submissions until it is killed, beside that of the publishing one: step and chunk.
const childSubmits = "JOBS_TEST_SUBMITS"

func submittingChild(address string) error {
	ctx := context.Background()
	db, err := schema.Open(ctx, configOf(address))
	if err != nil {
		return err
	}
	job := submitJob(db, time.Now)
	job.Lease = time.Millisecond
	job.OnStep(func(step string, chunk int) {
		if os.Getenv(childSubmits) == fmt.Sprintf("%s %d", step, chunk) {
			waitForTheEnd()
		}
	})
	_, err = job.RunOnce(ctx)
	return fmt.Errorf("it went on to the end: %w", err)
}

// A process that stores a submission is killed in every step of some chunks; another one goes on. Every row is stored and counted once, as if nothing had happened.
func TestSubmitKilled(t *testing.T) {
	t.Parallel()
	for engine, config := range map[string]schema.Config{"sqlite": {Dir: t.TempDir()}, "postgres": {URL: pgtest.EmptyURL(t)}} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, config)
			code := b.anyone(t)
			var chunks []string
			for n := range 6 {
				chunks = append(chunks, labLine(code, 2*n)+labLine(code, 2*n+1))
			}
			submitted(t, b.db, "killed", chunks...)
			for _, point := range []string{jobs.StepStoring + " 1", jobs.StepKept + " 1", jobs.StepStoring + " 3", jobs.StepKept + " 5", jobs.StepStoring + " 6"} {
				killIssuer(t, map[string]string{childDatabase: config.Dir + config.URL, childSubmits: point})
			}
			done, err := submitJob(b.db, b.clock).RunOnce(t.Context())
			check(t, err)
			if done.Added != 12 || done.Rows != 12 {
				t.Errorf("%+v, want 12 added", done)
			}
			for i, r := range resultsOf(t, b.db, "killed") {
				if r.Row != int64(i+1) || r.Outcome != schema.Added || r.Revision != 1 {
					t.Errorf("row %d: %+v", i+1, r)
				}
			}
		})
	}
}
