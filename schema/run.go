package schema

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"healthcode/registry"
)

// The kinds of runs that this package knows something about; others may have any name.
const (
	KindRecompute        = "recompute"
	KindRecomputeChanged = "recompute-changed"
)

// RunState is the state of a run.
type RunState string

// The states of a run.
const (
	RunRunning  RunState = "running"
	RunFinished RunState = "finished"
	RunFailed   RunState = "failed"
)

// DefaultRangeSize is how many enterprises a range has when nothing else is asked for.
const DefaultRangeSize = 2000

// RunRequest says what a run is to do.
type RunRequest struct {
	Kind        string
	ChangedOnly bool // only enterprises with new facts, or whose next_change_on has come
	AsOf        registry.Day
	KnownAt     time.Time // zero: everything known now
	Model       ModelRef
	RangeSize   int           // enterprises in a range; 0 means DefaultRangeSize
	Lease       time.Duration // how long the run is ours without a sign of life; 0 means a minute
}

// Run is one run of a job over ranges of enterprises. Its dates and model stay what they were when it began, whoever takes it up.
type Run struct {
	ID          int64
	Kind        string
	State       RunState
	ChangedOnly bool
	AsOf        registry.Day
	KnownAt     time.Time
	Model       ModelRef
	StartedAt   time.Time
	FinishedAt  time.Time // zero while running
	LeaseUntil  time.Time
	Error       string
	Ranges      int
	RangesDone  int
	Enterprises int64 // in all ranges
	Assessed    int64 // in the ranges that are done
	Changed     int64 // whose tier or colour changed, in the ranges that are done
	Resumed     bool  // this process took the run up from another that stopped

	worker string
	lease  time.Duration
}

const runColumns = `r.id, r.kind, r.state, r.scope, r.as_of, r.known_at, r.model_code, r.model_version, r.model_digest, r.worker, r.started_at,
	r.lease_until, r.finished_at, r.error, (SELECT count(*) FROM run_range g WHERE g.run_id = r.id),
	(SELECT count(*) FROM run_range g WHERE g.run_id = r.id AND g.done_at > 0),
	(SELECT coalesce(sum(g.enterprises), 0) FROM run_range g WHERE g.run_id = r.id),
	(SELECT coalesce(sum(g.assessed), 0) FROM run_range g WHERE g.run_id = r.id),
	(SELECT coalesce(sum(g.changed), 0) FROM run_range g WHERE g.run_id = r.id)`

func readRun(scan func(...any) error) (Run, error) {
	var r Run
	var scope string
	var known, started, lease, finished int64
	err := scan(&r.ID, &r.Kind, (*string)(&r.State), &scope, (*int32)(&r.AsOf), &known, &r.Model.Code, &r.Model.Version, &r.Model.Digest,
		&r.worker, &started, &lease, &finished, &r.Error, &r.Ranges, &r.RangesDone, &r.Enterprises, &r.Assessed, &r.Changed)
	r.ChangedOnly = scope == scopeChanged
	r.KnownAt, r.StartedAt, r.LeaseUntil, r.FinishedAt = instant(known), instant(started), instant(lease), instant(finished)
	return r, err
}

const (
	scopeAll     = "all"
	scopeChanged = "changed"
)

// StartRun begins a run and cuts its enterprises into ranges. When a run of the same kind is unfinished and its lease has run out, that
// one is taken up instead, with its own dates and model (Resumed); when its lease holds, ErrRunning. ErrNothingDue when ChangedOnly
// finds nobody.
func (db *DB) StartRun(ctx context.Context, request RunRequest) (*Run, error) {
	if request.RangeSize <= 0 {
		request.RangeSize = DefaultRangeSize
	}
	if request.Lease <= 0 {
		request.Lease = time.Minute
	}
	run, err := db.takeUpRun(ctx, request)
	if err != nil || run != nil {
		return run, err
	}
	if request.ChangedOnly {
		if err := db.anyoneDue(ctx, request.AsOf); err != nil {
			return nil, err
		}
	}
	known, err := db.Know(ctx)
	if err != nil {
		return nil, err
	}
	if request.KnownAt.IsZero() {
		request.KnownAt = known
	}
	if request.KnownAt.After(known) {
		return nil, fmt.Errorf("start run: %s is in the future: nothing is known of it yet", request.KnownAt.Format(time.RFC3339))
	}
	return db.createRun(ctx, request)
}

func (db *DB) createRun(ctx context.Context, request RunRequest) (*Run, error) {
	var id int64
	worker := newWorker()
	err := db.inWrite(ctx, "start run", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		scope := scopeAll
		if request.ChangedOnly {
			scope = scopeChanged
		}
		const query = `INSERT INTO run (kind, state, scope, as_of, known_at, model_code, model_version, model_digest, worker, started_at,
			lease_until, finished_at, error) VALUES (?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '') RETURNING id`
		err = t.GetContext(ctx, &id, t.Rebind(query), request.Kind, scope, int64(request.AsOf), micros(request.KnownAt), request.Model.Code,
			request.Model.Version, request.Model.Digest, worker, now, now+request.Lease.Microseconds())
		if err != nil {
			return err
		}
		return t.cutRanges(ctx, id, request)
	})
	switch {
	case errors.Is(err, ErrConflict):
		return nil, fmt.Errorf("start run: %w", ErrRunning)
	case err != nil:
		return nil, err
	}
	run, err := db.Run(ctx, id)
	if err != nil {
		return nil, err
	}
	run.worker, run.lease = worker, request.Lease
	return run, nil
}

func (t *tx) cutRanges(ctx context.Context, id int64, request RunRequest) error {
	source, arguments := `SELECT uscc FROM enterprise`, []any{}
	if request.ChangedOnly {
		q := evidenceQuery{horizon: horizon{request.AsOf, micros(request.KnownAt)}}
		source, arguments = q.changedCodes()
	}
	query := `INSERT INTO run_range (run_id, number, from_uscc, to_uscc, enterprises, done_at, assessed, changed)
		SELECT CAST(? AS bigint), part + 1, min(uscc), max(uscc), count(*), 0, 0, 0
		FROM (SELECT uscc, (row_number() OVER (ORDER BY uscc) - 1) / CAST(? AS bigint) AS part FROM (` + source + `) chosen) numbered GROUP BY part`
	_, err := t.ExecContext(ctx, t.Rebind(query), append([]any{id, request.RangeSize}, arguments...)...)
	if err != nil {
		return fmt.Errorf("cut ranges: %w", err)
	}
	return nil
}

// takeUpRun returns the unfinished run of this kind if its process stopped, nil if there is none, ErrRunning if it is alive.
func (db *DB) takeUpRun(ctx context.Context, request RunRequest) (*Run, error) {
	var run *Run
	err := db.inWrite(ctx, "take up run", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		run = nil
		found, now, err := t.unfinished(ctx, request.Kind)
		if err != nil || found == nil {
			return err
		}
		if micros(found.LeaseUntil) > now {
			return fmt.Errorf("run %d: %w until %s", found.ID, ErrRunning, found.LeaseUntil.Format(time.RFC3339))
		}
		worker, until := newWorker(), now+request.Lease.Microseconds()
		const query = `UPDATE run SET worker = ?, lease_until = ? WHERE id = ? AND state = 'running' AND worker = ? AND lease_until = ?`
		result, err := t.ExecContext(ctx, t.Rebind(query), worker, until, found.ID, found.worker, micros(found.LeaseUntil))
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return fmt.Errorf("run %d: %w", found.ID, ErrRunning)
		}
		run = found
		run.Resumed, run.worker, run.lease, run.LeaseUntil = true, worker, request.Lease, instant(until)
		return nil
	})
	return run, err
}

func (t *tx) unfinished(ctx context.Context, kind string) (run *Run, now int64, err error) {
	if now, err = t.now(ctx); err != nil {
		return nil, 0, err
	}
	query := `SELECT ` + runColumns + ` FROM run r WHERE r.kind = ? AND r.state = 'running'`
	err = t.each(ctx, query, []any{kind}, func(scan func(...any) error) error {
		found, err := readRun(scan)
		run = &found
		return err
	})
	return run, now, err
}

// ChangesDue reports whether a run of changes has work: facts known until a moment (zero: any) that had happened by the day, grades that time
// changes by the day, or such a run that stopped. It is cheap enough to be asked several times a second.
func (db *DB) ChangesDue(ctx context.Context, asOf registry.Day, known time.Time) (bool, error) {
	h := horizon{asOf, never}
	if !known.IsZero() {
		h.knownAt = micros(known)
	}
	const query = `SELECT (SELECT count(*) FROM (SELECT 1 FROM due WHERE known_at <= ? LIMIT 1) facts)
		+ (SELECT count(*) FROM (SELECT 1 FROM assessment WHERE next_change_on > 0 AND next_change_on <= ? LIMIT 1) days)
		+ (SELECT count(*) FROM run WHERE kind = '` + KindRecomputeChanged + `' AND state = 'running')`
	statement, err := db.statement(ctx, query)
	if err != nil {
		return false, db.fail(ctx, "look for changes", err)
	}
	var n int
	err = statement.GetContext(ctx, &n, h.settled(), int64(asOf))
	return n > 0, db.fail(ctx, "look for changes", err)
}

// RunDone reports whether a run of a kind for a day has finished.
func (db *DB) RunDone(ctx context.Context, kind string, asOf registry.Day) (bool, error) {
	var n int
	const query = `SELECT count(*) FROM (SELECT 1 FROM run WHERE kind = ? AND as_of = ? AND state = 'finished' LIMIT 1) one`
	err := db.read.GetContext(ctx, &n, db.read.Rebind(query), kind, int64(asOf))
	return n > 0, db.fail(ctx, "look for a finished run", err)
}

func (db *DB) anyoneDue(ctx context.Context, asOf registry.Day) error {
	q := evidenceQuery{horizon: horizon{asOf, never}}
	query, arguments := q.changedCodes()
	var n int
	err := db.read.GetContext(ctx, &n, db.read.Rebind(`SELECT count(*) FROM (SELECT uscc FROM (`+query+`) chosen LIMIT 1) first`), arguments...)
	if err != nil {
		return db.fail(ctx, "look for due enterprises", err)
	}
	if n == 0 {
		return ErrNothingDue
	}
	return nil
}

// Heartbeat renews the lease of a run. ErrLeaseLost when another process has taken it up, or it has ended.
func (db *DB) Heartbeat(ctx context.Context, run *Run) error {
	return db.inWrite(ctx, "renew lease", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		return t.ours(ctx, `UPDATE run SET lease_until = ? WHERE id = ? AND worker = ? AND state = 'running'`, now+run.lease.Microseconds(), run.ID, run.worker)
	})
}

// FinishRun ends a run whose ranges are all done; ErrUnfinished when one is open.
func (db *DB) FinishRun(ctx context.Context, run *Run) error {
	return db.inWrite(ctx, "finish run", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		var open int
		if err := t.GetContext(ctx, &open, t.Rebind(`SELECT count(*) FROM run_range WHERE run_id = ? AND done_at = 0`), run.ID); err != nil {
			return err
		}
		if open > 0 {
			return fmt.Errorf("run %d: %w: %d", run.ID, ErrUnfinished, open)
		}
		return t.endRun(ctx, run, RunFinished, "")
	})
}

// FailRun ends a run with the reason why it cannot go on. What its finished ranges stored stays; the rest is still due.
func (db *DB) FailRun(ctx context.Context, run *Run, reason string) error {
	return db.inWrite(ctx, "fail run", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		return t.endRun(ctx, run, RunFailed, reason)
	})
}

func (t *tx) endRun(ctx context.Context, run *Run, state RunState, reason string) error {
	now, err := t.now(ctx)
	if err != nil {
		return err
	}
	if err := t.ours(ctx, `UPDATE run SET state = ?, finished_at = ?, error = ? WHERE id = ? AND worker = ? AND state = 'running'`,
		string(state), now, reason, run.ID, run.worker); err != nil {
		return err
	}
	return t.auditRun(ctx, run, state, reason)
}

// runAudited is what the audit log says of a run that ended.
type runAudited struct {
	Kind     string       `json:"kind"`
	AsOf     registry.Day `json:"as_of"`
	KnownAt  time.Time    `json:"known_at"`
	Model    string       `json:"model"`
	Ranges   int          `json:"ranges"`   // that are done
	Assessed int64        `json:"assessed"` // enterprises
	Changed  int64        `json:"changed"`  // whose tier or colour changed, or that got a code
	Digest   string       `json:"digest"`   // of the digests of the ranges
	Reason   string       `json:"reason,omitempty"`
}

func (t *tx) auditRun(ctx context.Context, run *Run, state RunState, reason string) error {
	after := runAudited{Kind: run.Kind, AsOf: run.AsOf, KnownAt: run.KnownAt, Model: fmt.Sprintf("%s/%d", run.Model.Code, run.Model.Version), Reason: reason}
	var digests [][]any
	const query = `SELECT number, digest, assessed, changed FROM run_range WHERE run_id = ? AND done_at > 0 ORDER BY number`
	err := t.each(ctx, query, []any{run.ID}, func(scan func(...any) error) error {
		var number, assessed, changed int64
		var digest string
		err := scan(&number, &digest, &assessed, &changed)
		digests = append(digests, []any{number, digest})
		after.Ranges, after.Assessed, after.Changed = after.Ranges+1, after.Assessed+assessed, after.Changed+changed
		return err
	})
	if err != nil {
		return fmt.Errorf("read what the run did: %w", err)
	}
	after.Digest = digestOf(digests)
	return t.audit(ctx, auditEntry{Action: "run." + string(state), Noun: "run", ID: number(run.ID), After: after})
}

// ours changes the row of a run that is still ours.
func (t *tx) ours(ctx context.Context, query string, arguments ...any) error {
	result, err := t.ExecContext(ctx, t.Rebind(query), arguments...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return ErrLeaseLost
	}
	return nil
}

// Run returns a run by its number, or ErrNotFound.
func (db *DB) Run(ctx context.Context, id int64) (*Run, error) {
	for run, err := range stream(ctx, db, "read run", `SELECT `+runColumns+` FROM run r WHERE r.id = ?`, []any{id}, readRun) {
		return &run, err
	}
	return nil, fmt.Errorf("read run %d: %w", id, ErrNotFound)
}

// Runs returns the runs before a number (0: the newest), newest first, at most limit.
func (db *DB) Runs(ctx context.Context, before int64, limit int) ([]Run, error) {
	if before <= 0 {
		before = never
	}
	var found []Run
	query := `SELECT ` + runColumns + ` FROM run r WHERE r.id < ? ORDER BY r.id DESC LIMIT ?`
	for run, err := range stream(ctx, db, "read runs", query, []any{before, limit}, readRun) {
		if err != nil {
			return nil, err
		}
		found = append(found, run)
	}
	return found, nil
}

// newWorker names this process and, by a random part, this taking up of a run.
func newWorker() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), rand.Text()[:8])
}

// now returns the database's time in microseconds, for leases and marks that nothing is computed from.
func (t *tx) now(ctx context.Context) (int64, error) {
	if t.db.Engine() == sqliteDialect.name {
		return micros(t.db.clock()), nil
	}
	var now int64
	err := t.GetContext(ctx, &now, `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint`)
	return now, err
}
