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
	Reissue   gocron.JobDefinition // codes
}

// DefaultSchedule activates models at 01:30, grades everybody at 02:00, changes every minute, and looks after codes at 03:30.
func DefaultSchedule() Schedule {
	return Schedule{
		Activate:  gocron.DailyJob(1, gocron.NewAtTimes(gocron.NewAtTime(1, 30, 0))),
		Recompute: gocron.DailyJob(1, gocron.NewAtTimes(gocron.NewAtTime(2, 0, 0))),
		Changed:   gocron.DurationJob(time.Minute),
		Reissue:   gocron.DailyJob(1, gocron.NewAtTimes(gocron.NewAtTime(3, 30, 0))),
	}
}

// Scheduler runs the jobs of one process. Several processes may share a database: the run's row lets one of them work.
type Scheduler struct {
	cron gocron.Scheduler
	log  *slog.Logger
}

// NewScheduler prepares the jobs; nothing runs before Start. ctx ends every job that is running.
func NewScheduler(ctx context.Context, db *schema.DB, reissue *Reissue, when Schedule, clock func() time.Time, log *slog.Logger) (*Scheduler, error) {
	cron, err := gocron.NewScheduler(gocron.WithLocation(registry.Shanghai), gocron.WithStopTimeout(20*time.Second))
	if err != nil {
		return nil, fmt.Errorf("make a scheduler: %w", err)
	}
	s := &Scheduler{cron: cron, log: log}
	nightly := &Recompute{DB: db, Clock: clock, OncePerDay: true}
	changed := &Recompute{DB: db, Clock: clock, ChangedOnly: true}
	jobs := []struct {
		name string
		when gocron.JobDefinition
		work func(context.Context) error
	}{
		{"activate-model", when.Activate, s.activate(&Activate{DB: db, Clock: clock})},
		{schema.KindRecompute, when.Recompute, s.recompute(nightly)},
		{schema.KindRecomputeChanged, when.Changed, s.recompute(changed)},
		{schema.KindReissueCodes, when.Reissue, s.reissue(reissue)},
	}
	for _, job := range jobs {
		if job.when == nil {
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

// Stop waits for running jobs, at most 20 seconds.
func (s *Scheduler) Stop() error {
	if err := s.cron.Shutdown(); err != nil {
		return fmt.Errorf("stop the scheduler: %w", err)
	}
	return nil
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

// logged runs a job and logs what went wrong. That there is nothing to do, or that another process does it, is no fault.
func (s *Scheduler) logged(ctx context.Context, name string, work func(context.Context) error) func() {
	return func() {
		err := work(ctx)
		switch {
		case err == nil, errors.Is(err, schema.ErrNothingDue), errors.Is(err, schema.ErrRunning), errors.Is(err, ErrAlreadyDone),
			errors.Is(err, scoring.ErrStep), ctx.Err() != nil:
		default:
			s.log.ErrorContext(ctx, "job failed", "job", name, "error", err.Error())
		}
	}
}
