package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"time"

	"healthcode/access"
	"healthcode/exchange"
	"healthcode/registry"
	"healthcode/schema"

	"golang.org/x/sync/errgroup"
)

const (
	// SubmissionLife is how long it is kept what became of each row.
	SubmissionLife = 30 * 24 * time.Hour
	// submitLease is how long a submission waits for another process when its own was killed. Each chunk renews it.
	submitLease = 30 * time.Second
)

// Submit stores the records of submissions. Any number of processes may run it; one at a time has a submission. A chunk is stored with what became of its
// rows in one transaction, so whoever goes on after a crash begins after the last whole chunk.
type Submit struct {
	DB        *schema.DB
	Spool     Spool
	PersonKey []byte // hides the names of persons
	Clock     func() time.Time
	Log       *slog.Logger
	Lease     time.Duration // how long a submission is ours without a sign of life; 0: half a minute

	looked  time.Time                    // for submissions that nobody receives any more
	reached func(step string, chunk int) // for tests: called between steps
}

// The steps at which a process may die.
const (
	stepStoring = "storing" // within the transaction of a chunk
	stepKept    = "kept"    // after it
)

func (j *Submit) at(step string, chunk int) {
	if j.reached != nil {
		j.reached(step, chunk)
	}
}

// RunOnce stores the oldest submission that waits, to its end; schema.ErrNothingDue when none does.
func (j *Submit) RunOnce(ctx context.Context) (*schema.Submission, error) {
	if now := j.Clock(); now.Sub(j.looked) >= time.Minute {
		if _, err := j.DB.CutSubmissions(ctx); err != nil {
			return nil, fmt.Errorf("cut submissions: %w", err)
		}
		j.looked = now
	}
	s, err := j.DB.ClaimSubmission(ctx, cmp.Or(j.Lease, submitLease))
	if err != nil {
		return nil, err
	}
	err = j.store(ctx, s)
	switch {
	case err == nil:
		s.State, err = schema.SubmissionFinished, j.DB.EndSubmission(ctx, s, schema.SubmissionFinished, "")
	case ctx.Err() != nil:
		j.giveBack(ctx, s)
	case errors.Is(err, access.ErrSealed):
		err = errors.Join(err, j.DB.EndSubmission(ctx, s, schema.SubmissionFailed, "its rows cannot be opened with the key of this server"))
	case errors.Is(err, exchange.ErrEncoding):
		s.State, err = schema.SubmissionFailed, j.DB.EndSubmission(ctx, s, schema.SubmissionFailed, "its rows are not in UTF-8")
	}
	if errors.Is(err, schema.ErrLeaseLost) { // cancelled, or another process took it up
		return s, schema.ErrNothingDue
	}
	return s, err
}

// giveBack lets another process go on at once after this one was told to stop.
func (j *Submit) giveBack(ctx context.Context, s *schema.Submission) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := j.DB.ReleaseSubmission(ctx, s); err != nil && !errors.Is(err, schema.ErrLeaseLost) {
		j.Log.WarnContext(ctx, "a submission waits for the end of its lease", "submission", s.ID, "error", err.Error())
	}
}

// part is a chunk on its way to the store. One that is stored makes room for the next.
type part struct {
	number  int
	results []RowResult           // of each row; those of good rows without their outcome
	good    []int                 // the places of the good rows
	records []schema.PackedRecord // of the good rows
	told    []byte                // the results as lines
}

// clear makes room for a chunk of so many rows.
func (p *part) clear(number, rows int) {
	p.number, p.good = number, p.good[:0]
	p.results, p.records = slices.Grow(p.results[:0], rows)[:rows], slices.Grow(p.records[:0], rows)[:rows]
}

// store reads and decodes chunks in one goroutine while another stores those before, in their order.
func (j *Submit) store(ctx context.Context, s *schema.Submission) error {
	decode, err := j.decoder(s)
	if err != nil {
		return err
	}
	parts, stored := make(chan *part, 1), make(chan *part, 1)
	reader := &partReader{Submit: j, submission: s, decode: decode, stored: stored}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(parts)
		for number := s.ChunksDone + 1; number <= s.Chunks; number++ {
			p, err := reader.read(ctx, number)
			if err != nil {
				return err
			}
			select {
			case parts <- p:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	chunks := s.Chunks
	group.Go(func() error {
		for p := range parts {
			report := func(put []schema.PutResult) (string, schema.RowCounts, error) {
				j.at(stepStoring, p.number)
				return j.report(s.ID, p, put)
			}
			if err := j.DB.PutChunk(ctx, s, p.number, p.records, report); err != nil {
				return fmt.Errorf("store part %d of %d: %w", p.number, chunks, err)
			}
			j.at(stepKept, p.number)
			select {
			case stored <- p:
			default:
			}
		}
		return nil
	})
	return group.Wait()
}

func (j *Submit) decoder(s *schema.Submission) (*exchange.Decoder[registry.Record], error) {
	options := exchange.DecodeOptions{Today: registry.DayOf(j.Clock()), Source: s.Source, PersonKey: j.PersonKey}
	decode, err := exchange.NewJSONRecordDecoder(options)
	if err != nil {
		return nil, fmt.Errorf("read submission: %w", err)
	}
	return decode, nil
}

// partReader reads the chunks of a submission, one after the other.
type partReader struct {
	*Submit
	submission *schema.Submission
	decode     *exchange.Decoder[registry.Record]
	lines      []byte       // of the chunk; records hold no part of it
	stored     <-chan *part // parts that are there for the next chunk
}

func (r *partReader) part(number, rows int) *part {
	p := new(part)
	select {
	case p = <-r.stored:
	default:
	}
	p.clear(number, rows)
	return p
}

// read unpacks a chunk and decodes its rows.
func (r *partReader) read(ctx context.Context, number int) (*part, error) {
	id := r.submission.ID
	chunk, err := r.DB.Chunk(ctx, id, number)
	if errors.Is(err, schema.ErrNotFound) { // cancelled meanwhile: its rest is gone
		return nil, schema.ErrLeaseLost
	}
	if err != nil {
		return nil, err
	}
	if r.lines, err = r.Spool.unpack(r.lines[:cap(r.lines)], id, number, spoolLines, chunk.Body); err != nil {
		return nil, err
	}
	rows, err := exchange.SplitNDJSON(r.lines)
	if err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	p := r.part(number, len(rows))
	if err := r.decodeAll(p, rows, chunk.FirstLine); err != nil {
		return nil, err
	}
	for i := range rows {
		if len(p.results[i].Errors) > 0 {
			p.results[i].Outcome = schema.Refused
			p.results[i].Source, p.results[i].SourceRef = named(rows[i].JSON)
			continue
		}
		if n := len(p.good); n < i {
			p.records[n] = p.records[i]
		}
		p.good = append(p.good, i)
	}
	p.records = p.records[:len(p.good)]
	return p, nil
}

// decodeAll decodes and packs rows on every processor but one, which the storing of the chunk before needs.
func (r *partReader) decodeAll(p *part, rows []exchange.Row, firstLine int64) error {
	var group errgroup.Group
	workers := max(1, runtime.GOMAXPROCS(0)-1)
	for w := range workers {
		group.Go(func() error {
			for i := w; i < len(rows); i += workers {
				record, problems := r.decode.Decode(&rows[i])
				p.results[i] = RowResult{Row: firstLine + int64(rows[i].Number) - 1, Errors: problems}
				if record == nil {
					continue
				}
				var err error
				if p.records[i], err = schema.PackRecord(record); err != nil {
					return fmt.Errorf("row %d: %w", p.results[i].Row, err)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// named returns which record a refused row is about, as far as it says.
func named(row []byte) (source, ref string) {
	var name struct {
		Source    json.RawMessage `json:"source"`
		SourceRef json.RawMessage `json:"source_ref"`
	}
	if err := json.Unmarshal(row, &name); err != nil {
		return "", ""
	}
	text := func(raw json.RawMessage) (s string) {
		if err := json.Unmarshal(raw, &s); err != nil || len(s) > 480 {
			return ""
		}
		return s
	}
	return text(name.Source), text(name.SourceRef)
}

// report says what became of the rows of a chunk, packed.
func (j *Submit) report(id string, p *part, put []schema.PutResult) (string, schema.RowCounts, error) {
	for n, i := range p.good {
		r, record := &p.results[i], p.records[n].Record
		r.Outcome, r.Source, r.SourceRef, r.Revision, r.Errors = put[n].Outcome, record.Source, record.SourceRef, put[n].Revision, nil
		if r.Outcome == schema.Refused {
			r.Errors = registry.Problems{put[n].Problem}
		}
	}
	var counts schema.RowCounts
	p.told = p.told[:0]
	for i := range p.results {
		counts.Count(p.results[i].Outcome)
		var err error
		if p.told, err = p.results[i].appendLine(p.told); err != nil {
			return "", counts, fmt.Errorf("write results: %w", err)
		}
	}
	packed, err := j.Spool.pack(id, p.number, spoolResults, p.told)
	return packed, counts, err
}

// PruneSubmissions deletes submissions, with what became of their rows, that ended long ago, and idempotency keys of the day before.
type PruneSubmissions struct {
	DB    *schema.DB
	Clock func() time.Time
}

// IdempotencyLife is how long the answer to a request with an idempotency key is kept.
const IdempotencyLife = 24 * time.Hour

// RunOnce returns how many went; schema.ErrNothingDue when there were none.
func (j *PruneSubmissions) RunOnce(ctx context.Context) (int, error) {
	now := j.Clock()
	submissions, err := j.DB.PruneSubmissions(ctx, now.Add(-SubmissionLife))
	if err != nil {
		return submissions, fmt.Errorf("prune submissions: %w", err)
	}
	keys, err := j.DB.PruneIdempotent(ctx, now.Add(-IdempotencyLife))
	if err != nil {
		return submissions, fmt.Errorf("prune idempotency keys: %w", err)
	}
	if submissions+keys == 0 {
		return 0, schema.ErrNothingDue
	}
	return submissions + keys, nil
}
