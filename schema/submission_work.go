package schema

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// ClaimSubmission takes the oldest submission that waits to be stored, or whose process has stopped. ErrNothingDue when there is none.
func (db *DB) ClaimSubmission(ctx context.Context, lease time.Duration) (*Submission, error) {
	now, err := db.leaseTime(ctx)
	if err != nil {
		return nil, err
	}
	const due = `SELECT id FROM submission WHERE state IN ('receiving', 'queued', 'running') AND state <> 'receiving' AND lease_until <= ? ORDER BY created_at, id LIMIT 1`
	var id string
	if err := db.read.GetContext(ctx, &id, db.read.Rebind(due), now); err != nil { // looking several times a second writes nothing
		return nil, nothingDue(db.fail(ctx, "look for submissions", err))
	}
	s := new(Submission)
	worker := newWorker()
	err = db.inWrite(ctx, "take up a submission", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		const query = `UPDATE submission SET state = 'running', worker = ?, lease_until = ?, started_at = CASE WHEN started_at = 0 THEN ? ELSE started_at END
			WHERE id = ? AND state IN ('queued', 'running') AND lease_until <= ? RETURNING ` + submissionColumns
		*s, err = readSubmission(t.QueryRowContext(ctx, t.Rebind(query), worker, now+lease.Microseconds(), now, id, now).Scan)
		return err
	})
	s.lease = lease
	return s, nothingDue(err)
}

func nothingDue(err error) error {
	if errors.Is(err, ErrNotFound) {
		return ErrNothingDue
	}
	return err
}

// Chunk returns a chunk of a submission, or ErrNotFound.
func (db *DB) Chunk(ctx context.Context, id string, number int) (*Chunk, error) {
	const query = `SELECT ` + chunkColumns + ` FROM submission_chunk WHERE submission_id = ? AND number = ?`
	c, err := readChunk(db.read.QueryRowContext(ctx, db.read.Rebind(query), id, number).Scan)
	if err != nil {
		return nil, db.fail(ctx, "read a part of a submission", err)
	}
	return &c, nil
}

// PutChunk stores the records of the next chunk as PutRecords does, within the bounds of the submission, with what became of each: all at once or nothing. report turns
// what became of the records into the results of the chunk; it may be called again when a race was lost. ErrLeaseLost when another process has
// the submission, or it was cancelled.
func (db *DB) PutChunk(ctx context.Context, s *Submission, number int, records []PackedRecord, report func([]PutResult) (string, RowCounts, error)) error {
	var counts RowCounts
	options := PutOptions{Bounds: &s.Bounds}
	attempts := 0
	var batch *recordBatch
	err := db.inPut(ctx, "store a part of a submission", options, func(t *tx) error {
		batch = newRecordBatch(t, options)
		batch.hopes, batch.before = attempts == 0 && s.looks == 0, s.before
		attempts++
		var results string
		err := batch.store(ctx, records, func(put []PutResult) (err error) {
			results, counts, err = report(put)
			return err
		})
		if err != nil {
			return err
		}
		return t.chunkDone(ctx, s, number, results, &counts)
	})
	if err == nil {
		s.ChunksDone = number
		s.RowCounts.add(&counts)
		s.learn(attempts)
		s.before = batch.newest
	}
	return err
}

// learn decides for how many chunks the keys of records are looked for: twice as many after each chunk that was taken for new and was not.
func (s *Submission) learn(attempts int) {
	switch {
	case attempts > 1:
		s.doubt = min(2*s.doubt+1, 63)
		s.looks = s.doubt
	case s.looks > 0:
		s.looks--
	default:
		s.doubt = 0
	}
}

func (c *RowCounts) add(n *RowCounts) {
	c.Rows, c.Added, c.Changed, c.Unchanged = c.Rows+n.Rows, c.Added+n.Added, c.Changed+n.Changed, c.Unchanged+n.Unchanged
	c.Waiting, c.Refused = c.Waiting+n.Waiting, c.Refused+n.Refused
}

// chunkDone is the fence: it counts a chunk for the process that has the submission, and once.
func (t *tx) chunkDone(ctx context.Context, s *Submission, number int, results string, n *RowCounts) error {
	now, err := t.now(ctx)
	if err != nil {
		return err
	}
	const query = `UPDATE submission SET chunks_done = ?, row_count = row_count + ?, added = added + ?, changed = changed + ?, unchanged = unchanged + ?,
		waiting = waiting + ?, refused = refused + ?, lease_until = ? WHERE id = ? AND worker = ? AND state = 'running' AND chunks_done = ?`
	err = t.ours(ctx, query, number, n.Rows, n.Added, n.Changed, n.Unchanged, n.Waiting, n.Refused, now+s.lease.Microseconds(), s.ID, s.worker, number-1)
	if err != nil {
		return err
	}
	const chunk = `UPDATE submission_chunk SET body = '', results = ?, row_count = ?, added = ?, changed = ?, unchanged = ?, waiting = ?, refused = ?
		WHERE submission_id = ? AND number = ?`
	_, err = t.ExecContext(ctx, t.Rebind(chunk), results, n.Rows, n.Added, n.Changed, n.Unchanged, n.Waiting, n.Refused, s.ID, number)
	return err
}

// EndSubmission ends a submission that this process has, finished or failed.
func (db *DB) EndSubmission(ctx context.Context, s *Submission, state SubmissionState, reason string) error {
	err := db.inWrite(ctx, "end a submission", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		return t.endSubmission(ctx, state, reason, `id = ? AND worker = ? AND state = 'running'`, s.ID, s.worker)
	})
	if errors.Is(err, ErrSubmissionEnded) {
		return ErrLeaseLost
	}
	return err
}

// ReleaseSubmission lets another process go on at once with a submission that this one has.
func (db *DB) ReleaseSubmission(ctx context.Context, s *Submission) error {
	return db.inWrite(ctx, "release a submission", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		return t.ours(ctx, `UPDATE submission SET lease_until = 0 WHERE id = ? AND worker = ? AND state = 'running'`, s.ID, s.worker)
	})
}
