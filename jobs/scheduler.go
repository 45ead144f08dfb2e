package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"

	"github.com/go-co-op/gocron/v2"
)

// Schedule says when each job runs, Asia/Shanghai. A job without a time does not run.
type Schedule struct {
	Activate  gocron.JobDefinition // models whose day has come
	Recompute gocron.JobDefinition // everybody
	Changed   gocron.JobDefinition // those with new facts
	Publish   gocron.JobDefinition // the lists of codes
	Remind    gocron.JobDefinition // of codes that end
	Reissue   gocron.JobDefinition // codes
	Recourse  gocron.JobDefinition // publications that end, recourses that lapse
	Prune     gocron.JobDefinition // counts of scans, looks, and tickets
	Sequence  gocron.JobDefinition // changes, for the feed
	Deliver   gocron.JobDefinition // changes, to webhooks
	Submit    gocron.JobDefinition // records of submissions, stored
	Tidy      gocron.JobDefinition // submissions that ended long ago, and idempotency keys
	Rotate    gocron.JobDefinition // signing keys
	Key       gocron.JobDefinition // looks which key signs
	Listings  gocron.JobDefinition // who stands on a list

	Checkpoint gocron.JobDefinition // of the audit log: one a day, however often it is looked

	KeepScans time.Duration // how long counts of scans stay; 0: DefaultScanLife
	LookYears int           // for how many years looks stay; 0: DefaultLookYears
}

// follow is how often changes are looked for: a record is graded, and its grade published, within two seconds. To look costs one small query.
const follow = 400 * time.Millisecond

// listingsFollow is how often it is looked for entries of lists whose grades have changed, or which were not looked at today.
const listingsFollow = 2 * time.Second

// DefaultSchedule rotates keys at 00:40, ends publications and recourses whose time is over at 01:00, activates models at 01:30, grades everybody at
// 02:00, reminds of codes that end at 03:20, before it renews them at 03:30, and prunes counts and looks at 03:50; changes are graded and published at
// once, and a new key signs within a second. Ten minutes after each hour it looks whether today's checkpoint of the audit log is made: the first is
// that of 00:10.
func DefaultSchedule() Schedule {
	return Schedule{
		Activate:  gocron.DailyJob(1, gocron.NewAtTimes(gocron.NewAtTime(1, 30, 0))),
		Recompute: gocron.DailyJob(1, gocron.NewAtTimes(gocron.NewAtTime(2, 0, 0))),
		Changed:   gocron.DurationJob(follow),
		Publish:   gocron.DurationJob(follow),
		Remind:    gocron.DailyJob(1, gocron.NewAtTimes(gocron.NewAtTime(3, 20, 0))),
		Reissue:   gocron.DailyJob(1, gocron.NewAtTimes(gocron.NewAtTime(3, 30, 0))),
		Recourse:  gocron.DailyJob(1, gocron.NewAtTimes(gocron.NewAtTime(1, 0, 0))),
		Prune:     gocron.DailyJob(1, gocron.NewAtTimes(gocron.NewAtTime(3, 50, 0))),
		Rotate:    gocron.DailyJob(1, gocron.NewAtTimes(gocron.NewAtTime(0, 40, 0))),
		Key:       gocron.DurationJob(keyFresh),
		Sequence:  gocron.DurationJob(follow),
		Deliver:   gocron.DurationJob(follow),

		Checkpoint: gocron.CronJob("10 * * * *", false),
		Submit:     gocron.DurationJob(follow),
		Tidy:       gocron.DurationJob(time.Hour),
		Listings:   gocron.DurationJob(listingsFollow),
	}
}

// Work holds the jobs that need keys. Those that are nil do not run.
type Work struct {
	Reissue *Reissue
	Publish *Publish
	Rotate  *Rotate
	Key     *ActiveKey // that the others sign with
	Deliver *Deliver   // signs with the secrets of webhooks

	Checkpoint *Checkpoint
	Submit     *Submit // hides persons
}

// Scheduler runs the jobs of one process. Several processes may share a database: the run's row, or a lease, lets one of them work.
type Scheduler struct {
	cron    gocron.Scheduler
	log     *slog.Logger
	publish *Publish
	deliver *Deliver
}

// NewScheduler prepares the jobs; nothing runs before Start. ctx ends every job that is running.
func NewScheduler(ctx context.Context, db *schema.DB, signed Work, when Schedule, clock func() time.Time, log *slog.Logger) (*Scheduler, error) {
	cron, err := gocron.NewScheduler(gocron.WithLocation(registry.Shanghai), gocron.WithStopTimeout(20*time.Second))
	if err != nil {
		return nil, fmt.Errorf("make a scheduler: %w", err)
	}
	s := &Scheduler{cron: cron, log: log, publish: signed.Publish, deliver: signed.Deliver}
	nightly := &Recompute{DB: db, Clock: clock, OncePerDay: true}
	changed := &Recompute{DB: db, Clock: clock, ChangedOnly: true}
	jobs := []struct {
		name string
		when gocron.JobDefinition
		work func(context.Context) error
	}{
		{"activate-model", when.Activate, s.activate(&Activate{DB: db, Clock: clock})},
		{schema.KindRecompute, when.Recompute, s.recompute(nightly)},
		{schema.KindRecomputeChanged, when.Changed, patient(clock, s.changes(changed))},
		{"publish-lists", when.Publish, patient(clock, s.published())},
		{"remind-of-codes", when.Remind, s.counted("reminded of codes that end", (&Remind{DB: db, Clock: clock}).RunOnce)},
		{schema.KindReissueCodes, when.Reissue, s.reissue(signed.Reissue)},
		{"end-publications", when.Recourse, s.counted("publications ended", (&EndPublications{DB: db, Clock: clock}).RunOnce)},
		{"lapse-recourses", when.Recourse, s.counted("recourses lapsed", (&LapseRecourses{DB: db, Clock: clock}).RunOnce)},
		{"prune-scans", when.Prune, s.counted("counts of scans pruned", (&PruneScans{DB: db, Clock: clock, Keep: when.KeepScans}).RunOnce)},
		{"prune-looks", when.Prune, s.counted("looks pruned", (&PruneLooks{DB: db, Clock: clock, Years: when.LookYears}).RunOnce)},
		{"prune-tickets", when.Prune, s.counted("tickets pruned", (&PruneTickets{DB: db, Clock: clock}).RunOnce)},
		{"rotate-keys", when.Rotate, s.rotate(signed.Rotate)},
		{"sequence-changes", when.Sequence, patient(clock, uncounted((&Sequence{DB: db}).RunOnce))},
		{"deliver-webhooks", when.Deliver, s.delivered(clock, signed.Deliver)},
		{"store-submissions", when.Submit, s.submitted(clock, signed.Submit)},
		{"prune-submissions", when.Tidy, s.counted("submissions and idempotency keys pruned", (&PruneSubmissions{DB: db, Clock: clock}).RunOnce)},
		{"follow-listings", when.Listings, patient(clock, s.listings(&Listings{DB: db, Clock: clock}))},
		{"follow-key", when.Key, follows(clock, signed.Key)},
		{"checkpoint-audit", when.Checkpoint, s.checkpoint(signed.Checkpoint)},
	}
	for _, job := range jobs {
		if job.when == nil || job.work == nil {
			continue
		}
		task := gocron.NewTask(s.logged(ctx, job.name, job.work))
		if _, err := cron.NewJob(job.when, task, gocron.WithName(job.name), gocron.WithSingletonMode(gocron.LimitModeReschedule)); err != nil {
			return nil, errors.Join(fmt.Errorf("schedule %s: %w", job.name, err), cron.Shutdown())
		}
	}
	return s, nil
}

// Start lets the jobs run when their time comes.
func (s *Scheduler) Start() { s.cron.Start() }

// Stop waits for running jobs, at most 20 seconds, for deliveries under way, which ctx ends, and lets another process publish the lists.
func (s *Scheduler) Stop() error {
	err := s.cron.Shutdown()
	if err != nil {
		err = fmt.Errorf("stop the scheduler: %w", err)
	}
	if s.deliver != nil {
		s.deliver.Wait()
	}
	if s.publish == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(err, s.publish.Release(ctx))
}

func (s *Scheduler) recompute(job *Recompute) func(context.Context) error {
	return func(ctx context.Context) error {
		run, err := job.RunOnce(ctx)
		if err == nil {
			s.log.InfoContext(ctx, "run finished", "kind", run.Kind, "run", run.ID, "assessed", run.Assessed, "changed", run.Changed)
		}
		return err
	}
}

// errStillDue says that a run of changes left what it should have graded: an assessment of a later day is in the way.
var errStillDue = errors.New("some changes wait for a later day")

// changes is recompute for those with new facts. What it cannot grade today must not make it run all the time.
func (s *Scheduler) changes(job *Recompute) func(context.Context) error {
	return func(ctx context.Context) error {
		run, err := job.RunOnce(ctx)
		if err != nil {
			return err
		}
		s.log.InfoContext(ctx, "run finished", "kind", run.Kind, "run", run.ID, "assessed", run.Assessed, "changed", run.Changed)
		due, err := job.DB.ChangesDue(ctx, run.AsOf, run.KnownAt)
		if err == nil && due {
			err = errStillDue
		}
		return err
	}
}

// published publishes the lists, at most once a second: while everybody is graded anew, every look finds changes.
func (s *Scheduler) published() func(context.Context) error {
	var last time.Time
	return func(ctx context.Context) error {
		start := time.Now()
		if start.Sub(last) < time.Second {
			return nil
		}
		done, err := s.publish.RunOnce(ctx)
		if err == nil {
			last = start
			s.log.InfoContext(ctx, "lists published", "lists", done.Lists, "marks", done.Marks, "abandoned", done.Abandoned, "took", time.Since(start).Round(time.Millisecond))
		}
		return err
	}
}

// patient lets work that runs all the time wait after a failure: a second, then twice as long each time, at most a minute.
func patient(clock func() time.Time, work func(context.Context) error) func(context.Context) error {
	var next time.Time
	var pause time.Duration
	return func(ctx context.Context) error {
		now := clock()
		if now.Before(next) && next.Sub(now) <= time.Minute {
			return nil
		}
		err := work(ctx)
		if err == nil || idle(err) {
			pause = 0
			return err
		}
		pause = min(max(time.Second, 2*pause), time.Minute)
		next = clock().Add(pause)
		return err
	}
}

func (s *Scheduler) activate(job *Activate) func(context.Context) error {
	return func(ctx context.Context) error {
		activated, err := job.RunOnce(ctx)
		for i := range activated {
			s.log.InfoContext(ctx, "model activated", "model", activated[i].String())
		}
		return err
	}
}

func (s *Scheduler) reissue(job *Reissue) func(context.Context) error {
	return func(ctx context.Context) error {
		run, err := job.RunOnce(ctx)
		if err == nil {
			s.log.InfoContext(ctx, "run finished", "kind", run.Kind, "run", run.ID, "issued", run.Changed)
		}
		return err
	}
}

// counted logs how much a job did.
func (s *Scheduler) counted(done string, work func(context.Context) (int, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		n, err := work(ctx)
		if err == nil {
			s.log.InfoContext(ctx, done, "count", n)
		}
		return err
	}
}

func (s *Scheduler) rotate(job *Rotate) func(context.Context) error {
	if job == nil {
		return nil
	}
	return func(ctx context.Context) error {
		done, err := job.RunOnce(ctx)
		if !errors.Is(err, schema.ErrNothingDue) {
			s.log.InfoContext(ctx, "keys rotated", "made", done.Made, "activated", done.Activated, "removed", done.Removed, "asked", done.Asked)
		}
		return err
	}
}

func (s *Scheduler) checkpoint(job *Checkpoint) func(context.Context) error {
	if job == nil {
		return nil
	}
	return func(ctx context.Context) error {
		made, err := job.RunOnce(ctx)
		if err == nil {
			s.log.InfoContext(ctx, "checkpoint of the audit log made", "line", made.Number)
		}
		return err
	}
}

// follows looks which key signs; while that fails, less and less often.
func follows(clock func() time.Time, key *ActiveKey) func(context.Context) error {
	if key == nil {
		return nil
	}
	return patient(clock, key.Refresh)
}

func (s *Scheduler) listings(job *Listings) func(context.Context) error {
	return func(ctx context.Context) error {
		done, err := job.RunOnce(ctx)
		if err == nil {
			s.log.InfoContext(ctx, "listings followed up", "checked", done.Checked, "steps", done.Steps)
		}
		return err
	}
}

// uncounted is work of which the log says nothing unless it fails: it is done all the time.
func uncounted(work func(context.Context) (int, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := work(ctx)
		return err
	}
}

func (s *Scheduler) delivered(clock func() time.Time, job *Deliver) func(context.Context) error {
	if job == nil {
		return nil
	}
	return patient(clock, uncounted(job.RunOnce))
}

func (s *Scheduler) submitted(clock func() time.Time, job *Submit) func(context.Context) error {
	if job == nil {
		return nil
	}
	return patient(clock, func(ctx context.Context) error {
		done, err := job.RunOnce(ctx)
		if err == nil {
			s.log.InfoContext(ctx, "submission stored", "submission", done.ID, "state", done.State, "rows", done.Rows, "added", done.Added, "changed", done.Changed,
				"unchanged", done.Unchanged, "waiting", done.Waiting, "refused", done.Refused)
		}
		return err
	})
}

// idle reports whether an error says that there is nothing to do, or that another process does it: no fault.
func idle(err error) bool {
	return errors.Is(err, schema.ErrNothingDue) || errors.Is(err, schema.ErrRunning) || errors.Is(err, ErrAlreadyDone) || errors.Is(err, scoring.ErrStep)
}

// logged runs a job and logs what went wrong.
func (s *Scheduler) logged(ctx context.Context, name string, work func(context.Context) error) func() {
	ctx = schema.WithActor(ctx, schema.Actor{Kind: schema.ActorSystem, Name: name})
	return func() {
		err := work(ctx)
		switch {
		case err == nil, idle(err), errors.Is(err, errStillDue), ctx.Err() != nil:
		default:
			s.log.ErrorContext(ctx, "job failed", "job", name, "error", err.Error())
		}
	}
}
