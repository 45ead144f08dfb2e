package schema

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"healthcode/access"
)

// SubmissionState says how far a submission is.
type SubmissionState string

// The states of a submission. The last four are final.
const (
	SubmissionReceiving SubmissionState = "receiving" // its rows are coming in; none is stored yet
	SubmissionQueued    SubmissionState = "queued"    // all rows are here
	SubmissionRunning   SubmissionState = "running"   // rows are being stored
	SubmissionFinished  SubmissionState = "finished"
	SubmissionCancelled SubmissionState = "cancelled" // by who sent it; what was stored stays
	SubmissionCut       SubmissionState = "cut"       // it never came in whole; nothing was stored
	SubmissionFailed    SubmissionState = "failed"    // it could not go on; what was stored stays
)

// SubmissionStates lists every state.
var SubmissionStates = []SubmissionState{SubmissionReceiving, SubmissionQueued, SubmissionRunning, SubmissionFinished, SubmissionCancelled, SubmissionCut, SubmissionFailed}

// Why a submission does not go on.
var (
	ErrSubmissionEnded = errors.New("the submission has ended")
	ErrManySubmissions = errors.New("the caller has as many open submissions as it may")
)

// MaxOpenSubmissions bounds how many submissions of one caller are receiving, queued or running.
const MaxOpenSubmissions = 20

// RowCounts are how many rows there were, and what became of them.
type RowCounts struct {
	Rows      int64 `json:"rows"`
	Added     int64 `json:"added"`
	Changed   int64 `json:"changed"`
	Unchanged int64 `json:"unchanged"`
	Waiting   int64 `json:"waiting"`
	Refused   int64 `json:"refused"`
}

// Count adds one row.
func (c *RowCounts) Count(outcome PutOutcome) {
	c.Rows++
	switch outcome {
	case Added:
		c.Added++
	case Changed:
		c.Changed++
	case Unchanged:
		c.Unchanged++
	case Waiting:
		c.Waiting++
	case Refused:
		c.Refused++
	}
}

// Submission is a delivery of many records. It is received whole, in chunks, and then stored by a job, chunk by chunk.
type Submission struct {
	ID         string
	CallerKind access.Kind
	CallerID   int64
	Bounds     Bounds // whose records the caller might deliver when it sent them
	Source     string // of rows that name none
	State      SubmissionState
	CreatedAt  time.Time
	ReceivedAt time.Time // zero until all is here
	StartedAt  time.Time // zero until the first row is stored
	EndedAt    time.Time // zero until it has ended
	Bytes      int64     // unpacked
	Lines      int64     // received
	Chunks     int
	ChunksDone int
	RowCounts         // of the chunks that are done
	Error      string // why it was cut or failed

	worker string
	lease  time.Duration
	looks  int                      // chunks of which the keys are looked for, because one was not as new as it was taken to be
	doubt  int                      // how many they were at first
	before map[recordKey]*recordRow // by the keys of the chunk before; only they count
}

// Chunk is a part of a submission. Body and Results are opaque here.
type Chunk struct {
	Number    int   // from 1
	FirstLine int64 // of the submission, from 1
	Lines     int64
	Bytes     int64
	Body      string
	Results   string
	RowCounts
}

const submissionColumns = `id, caller_kind, caller_id, bounds, source, state, created_at, received_at, started_at, ended_at, bytes, lines, chunks, chunks_done,
	row_count, added, changed, unchanged, waiting, refused, error, worker`

func readSubmission(scan func(...any) error) (Submission, error) {
	var s Submission
	var bounds string
	var created, received, started, ended int64
	err := scan(&s.ID, (*string)(&s.CallerKind), &s.CallerID, &bounds, &s.Source, (*string)(&s.State), &created, &received, &started, &ended, &s.Bytes, &s.Lines,
		&s.Chunks, &s.ChunksDone, &s.Rows, &s.Added, &s.Changed, &s.Unchanged, &s.Waiting, &s.Refused, &s.Error, &s.worker)
	if err != nil {
		return s, err
	}
	s.CreatedAt, s.ReceivedAt, s.StartedAt, s.EndedAt = instant(created), instant(received), instant(started), instant(ended)
	return s, json.Unmarshal([]byte(bounds), &s.Bounds)
}

// AddSubmission begins to receive a submission. Who receives it has it for as long as lease after each chunk. ErrManySubmissions when the caller has
// MaxOpenSubmissions.
func (db *DB) AddSubmission(ctx context.Context, s Submission, lease time.Duration) (*Submission, error) {
	s.worker, s.lease, s.State = newWorker(), lease, SubmissionReceiving
	bounds, err := json.Marshal(s.Bounds)
	if err != nil {
		return nil, fmt.Errorf("add submission: %w", err)
	}
	err = db.inWrite(ctx, "add submission", sql.LevelSerializable, func(t *tx) error {
		t.quiet()
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		var open int
		const count = `SELECT count(*) FROM submission WHERE state IN ('receiving', 'queued', 'running') AND caller_kind = ? AND caller_id = ?`
		if err := t.GetContext(ctx, &open, t.Rebind(count), string(s.CallerKind), s.CallerID); err != nil {
			return err
		}
		if open >= MaxOpenSubmissions {
			return ErrManySubmissions
		}
		s.CreatedAt = instant(now)
		return t.insert(ctx, "submission", submissionColumns+`, lease_until`, "", [][]any{{s.ID, string(s.CallerKind), s.CallerID, string(bounds), s.Source,
			string(s.State), now, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "", s.worker, now + lease.Microseconds()}})
	})
	return &s, err
}

// AddChunk keeps the next chunk of a submission that is being received. ErrSubmissionEnded when it was cancelled or cut meanwhile.
func (db *DB) AddChunk(ctx context.Context, s *Submission, c Chunk) error {
	err := db.inWrite(ctx, "keep a part of a submission", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		const query = `UPDATE submission SET chunks = ?, bytes = bytes + ?, lines = lines + ?, lease_until = ? WHERE id = ? AND worker = ? AND state = 'receiving' AND chunks = ?`
		if err := t.step(ctx, query, c.Number, c.Bytes, c.Lines, now+s.lease.Microseconds(), s.ID, s.worker, c.Number-1); err != nil {
			return err
		}
		return t.insert(ctx, "submission_chunk", `submission_id, number, first_line, body, results, row_count, added, changed, unchanged, waiting, refused`, "",
			[][]any{{s.ID, c.Number, c.FirstLine, c.Body, "", 0, 0, 0, 0, 0, 0}})
	})
	if err == nil {
		s.Chunks, s.Bytes, s.Lines = c.Number, s.Bytes+c.Bytes, s.Lines+c.Lines
	}
	return err
}

// step changes the row of a submission that is in the state which the query asks for.
func (t *tx) step(ctx context.Context, query string, arguments ...any) error {
	err := t.ours(ctx, query, arguments...)
	if errors.Is(err, ErrLeaseLost) {
		return ErrSubmissionEnded
	}
	return err
}

// QueueSubmission says that all of a submission is here, so that it can be stored.
func (db *DB) QueueSubmission(ctx context.Context, s *Submission) error {
	return db.inWrite(ctx, "queue a submission", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		const query = `UPDATE submission SET state = 'queued', received_at = ?, worker = '', lease_until = 0 WHERE id = ? AND worker = ? AND state = 'receiving'`
		if err := t.step(ctx, query, now, s.ID, s.worker); err != nil {
			return err
		}
		s.State, s.ReceivedAt = SubmissionQueued, instant(now)
		return t.audit(ctx, auditEntry{Action: "submission.received", Noun: "submission", ID: s.ID, After: auditedSubmission{State: s.State, Lines: s.Lines}})
	})
}

// CutSubmission ends a submission that did not come in whole, and drops what came.
func (db *DB) CutSubmission(ctx context.Context, s *Submission, reason string) error {
	return db.inWrite(ctx, "cut a submission", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		return t.endSubmission(ctx, SubmissionCut, reason, `id = ? AND worker = ? AND state = 'receiving'`, s.ID, s.worker)
	})
}

// CutSubmissions ends those that were being received by a process that gave no sign of life for its lease, and returns how many.
func (db *DB) CutSubmissions(ctx context.Context) (int, error) {
	now, err := db.leaseTime(ctx)
	if err != nil {
		return 0, err
	}
	const query = `SELECT ` + submissionColumns + ` FROM submission WHERE state IN ('receiving', 'queued', 'running') AND state = 'receiving' AND lease_until <= ? ORDER BY created_at, id LIMIT 100`
	stale, err := collect(ctx, db, "look for submissions that stopped", query, []any{now}, readSubmission)
	if err != nil {
		return 0, err
	}
	cut := 0
	for i := range stale {
		switch err := db.CutSubmission(ctx, &stale[i], "the server that received it stopped"); {
		case err == nil:
			cut++
		case !errors.Is(err, ErrSubmissionEnded):
			return cut, err
		}
	}
	return cut, nil
}

// leaseTime is the database's time.
func (db *DB) leaseTime(ctx context.Context) (now int64, err error) {
	err = db.inRead(ctx, "read the time", func(t *tx) error {
		now, err = t.now(ctx)
		return err
	})
	return now, err
}

// endSubmission puts a submission into a final state and drops the lines that will not be stored.
func (t *tx) endSubmission(ctx context.Context, state SubmissionState, reason, where string, id string, more ...any) error {
	now, err := t.now(ctx)
	if err != nil {
		return err
	}
	query := `UPDATE submission SET state = ?, ended_at = ?, error = ?, worker = '', lease_until = 0 WHERE ` + where
	if err := t.step(ctx, query, append([]any{string(state), now, reason, id}, more...)...); err != nil {
		return err
	}
	const rest = `DELETE FROM submission_chunk WHERE submission_id = ? AND number > (SELECT chunks_done FROM submission WHERE id = ?)`
	if _, err = t.ExecContext(ctx, t.Rebind(rest), id, id); err != nil {
		return err
	}
	ended, err := readSubmission(t.QueryRowContext(ctx, t.Rebind(`SELECT `+submissionColumns+` FROM submission WHERE id = ?`), id).Scan)
	if err != nil {
		return err
	}
	after := auditedSubmission{ended.State, ended.Lines, &ended.RowCounts, reason}
	return t.audit(ctx, auditEntry{Action: "submission." + string(state), Noun: "submission", ID: id, After: after})
}

// auditedSubmission is what the audit log says of a submission.
type auditedSubmission struct {
	State  SubmissionState `json:"state"`
	Lines  int64           `json:"lines"`
	Rows   *RowCounts      `json:"rows,omitempty"` // that were stored
	Reason string          `json:"reason,omitempty"`
}

// CancelSubmission ends a submission of a caller (nil: anybody's). What was stored stays. ErrNotFound when the caller has none of this name,
// ErrSubmissionEnded when it has ended.
func (db *DB) CancelSubmission(ctx context.Context, owner *access.Caller, id string) error {
	if _, err := db.Submission(ctx, owner, id); err != nil {
		return err
	}
	return db.inWrite(ctx, "cancel a submission", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		return t.endSubmission(ctx, SubmissionCancelled, "", `id = ? AND state IN ('receiving', 'queued', 'running')`, id)
	})
}

// owned is the condition that a submission is of a caller; nil sees all.
func owned(owner *access.Caller) (condition string, values []any) {
	if owner == nil {
		return "1 = 1", nil
	}
	return "caller_kind = ? AND caller_id = ?", []any{string(owner.Kind), owner.ID}
}

// Submission returns a submission of a caller (nil: anybody's), or ErrNotFound.
func (db *DB) Submission(ctx context.Context, owner *access.Caller, id string) (*Submission, error) {
	if !storable(id) {
		return nil, fmt.Errorf("read submission: %w", ErrNotFound)
	}
	bound, values := owned(owner)
	query := `SELECT ` + submissionColumns + ` FROM submission WHERE id = ? AND ` + bound
	s, err := readSubmission(db.read.QueryRowContext(ctx, db.read.Rebind(query), append([]any{id}, values...)...).Scan)
	if err != nil {
		return nil, db.fail(ctx, "read submission", err)
	}
	return &s, nil
}

// SubmissionPage is one page of a list of submissions. Next is empty on the last one.
type SubmissionPage struct {
	Items []Submission
	Next  string
}

type submissionCursor struct {
	Created int64  `json:"c"`
	ID      string `json:"i"`
}

// Submissions returns one page of the submissions of a caller (nil: everybody's), newest first; state, when given, chooses. ErrCursor for a cursor of
// another list.
func (db *DB) Submissions(ctx context.Context, owner *access.Caller, state SubmissionState, cursor string, limit int) (*SubmissionPage, error) {
	where, values := owned(owner)
	if state != "" {
		where, values = where+" AND state = ?", append(values, string(state))
	}
	if cursor != "" {
		var c submissionCursor
		text, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil || json.Unmarshal(text, &c) != nil || !storable(c.ID) {
			return nil, fmt.Errorf("list submissions: %w", ErrCursor)
		}
		where, values = where+" AND (created_at, id) < (?, ?)", append(values, c.Created, c.ID)
	}
	query := `SELECT ` + submissionColumns + ` FROM submission WHERE ` + where + ` ORDER BY created_at DESC, id DESC LIMIT ?`
	found, err := collect(ctx, db, "list submissions", query, append(values, limit+1), readSubmission)
	if err != nil || len(found) <= limit {
		return &SubmissionPage{Items: found}, err
	}
	last := found[limit-1]
	return &SubmissionPage{found[:limit], base64.RawURLEncoding.EncodeToString([]byte(list(submissionCursor{micros(last.CreatedAt), last.ID})))}, nil
}

const chunkColumns = `number, first_line, body, results, row_count, added, changed, unchanged, waiting, refused`

func readChunk(scan func(...any) error) (Chunk, error) {
	var c Chunk
	err := scan(&c.Number, &c.FirstLine, &c.Body, &c.Results, &c.Rows, &c.Added, &c.Changed, &c.Unchanged, &c.Waiting, &c.Refused)
	return c, err
}

// ResultChunk returns the first chunk from a number on that is done and has a row of the outcome (0: any), or ErrNotFound.
func (db *DB) ResultChunk(ctx context.Context, id string, from int, outcome PutOutcome) (*Chunk, error) {
	query := `SELECT ` + chunkColumns + ` FROM submission_chunk WHERE submission_id = ? AND number >= ? AND results <> ''`
	if outcome != 0 {
		query += ` AND ` + outcome.String() + ` > 0` // one of our own five words
	}
	c, err := readChunk(db.read.QueryRowContext(ctx, db.read.Rebind(query+` ORDER BY number LIMIT 1`), id, from).Scan)
	if err != nil {
		return nil, db.fail(ctx, "read results", err)
	}
	return &c, nil
}

// PruneSubmissions deletes submissions that ended before an instant, with their results, and returns how many went.
func (db *DB) PruneSubmissions(ctx context.Context, before time.Time) (int, error) {
	const query = `SELECT id FROM submission WHERE ended_at > 0 AND ended_at < ? LIMIT 1000`
	pruned := 0
	for {
		var ids []string
		if err := db.read.SelectContext(ctx, &ids, db.read.Rebind(query), micros(before)); err != nil {
			return pruned, db.fail(ctx, "prune submissions", err)
		}
		for _, id := range ids {
			err := db.inWrite(ctx, "prune submissions", sql.LevelReadCommitted, func(t *tx) error {
				t.quiet()
				for _, one := range strings.Fields("submission_chunk:submission_id submission:id") {
					table, column, _ := strings.Cut(one, ":")
					if _, err := t.ExecContext(ctx, t.Rebind(`DELETE FROM `+table+` WHERE `+column+` = ?`), id); err != nil {
						return err
					}
				}
				return t.audit(ctx, auditEntry{Action: "submission.pruned", Noun: "submission", ID: id})
			})
			if err != nil {
				return pruned, err
			}
			pruned++
		}
		if len(ids) == 0 {
			return pruned, nil
		}
	}
}
