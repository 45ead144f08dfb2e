package schema

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"healthcode/registry"
	"healthcode/scoring"
)

// Range is one part of a run: the enterprises between two codes, both included.
type Range struct {
	Number      int
	From, To    registry.USCC
	Enterprises int
}

// RangeResult says what a finished range did.
type RangeResult struct {
	Assessed    int
	Changed     int  // whose tier or colour changed, or who got a first grade
	Kept        int  // whose current assessment is of a later day or of later knowledge: it stays
	AlreadyDone bool // by another process, or before this one was stopped
}

// Part is what the enterprises of a range are graded by, in the order of their codes: the evidence as columns, and what columns leave out.
type Part struct {
	Columns *scoring.Columns
	Facts   [][32]byte // the digest of each one's facts; see scoring.FactsDigest
	// Priors holds the current assessment of each when that rests on the same records and the same model and is of no later day, nil
	// otherwise: it may save work but not change the grade.
	Priors []*Assessment
}

// Assess grades the enterprises of a range, in order. A range that lost a race is read and graded again.
type Assess func(*Part) ([]Grade, error)

// errFirstLoad says that history was loaded between reading the evidence and storing the grades.
var errFirstLoad = errors.New("history was loaded meanwhile")

// OpenRanges returns the ranges of a run that are not done, in key order.
func (db *DB) OpenRanges(ctx context.Context, run *Run) ([]Range, error) {
	const query = `SELECT number, from_uscc, to_uscc, enterprises FROM run_range WHERE run_id = ? AND done_at = 0 ORDER BY number`
	read := func(scan func(...any) error) (Range, error) {
		var r Range
		return r, scan(&r.Number, (*string)(&r.From), (*string)(&r.To), &r.Enterprises)
	}
	var found []Range
	for r, err := range stream(ctx, db, "read ranges", query, []any{run.ID}, read) {
		if err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	return found, nil
}

// FinishRange grades the enterprises of a range and stores the grades, their history, the messages about them and the mark that the range
// is done in one transaction: a process that is killed has done all of it or nothing. Several ranges of a run may be worked on at once.
// It renews the lease of the run, and returns ErrLeaseLost when another process has taken the run up, ErrInactive when
// the model of the run is not the active one (any more).
func (db *DB) FinishRange(ctx context.Context, run *Run, r Range, assess Assess) (RangeResult, error) {
	if err := db.Heartbeat(ctx, run); err != nil {
		return RangeResult{}, err
	}
	work := &rangeWork{run: run, part: r, assess: assess}
	doing := fmt.Sprintf("grade range %d of run %d", r.Number, run.ID)
	finish := db.finishInOne
	if db.Engine() == sqliteDialect.name {
		finish = db.finishInTwo
	}
	err := finish(ctx, doing, work)
	if errors.Is(err, errRangeTaken) {
		return RangeResult{AlreadyDone: true}, nil
	}
	return work.result, err
}

// finishInOne reads and stores from one state of the database.
func (db *DB) finishInOne(ctx context.Context, doing string, work *rangeWork) error {
	return db.inWrite(ctx, doing, sql.LevelRepeatableRead, func(t *tx) error {
		t.touches()
		if err := work.grade(ctx, t); err != nil || work.result.AlreadyDone {
			return err
		}
		return work.store(ctx, t)
	})
}

// finishInTwo reads beside the one writer of SQLite and stores afterwards: what was known at the run's moment does not change any more,
// unless history is loaded, which is noticed.
func (db *DB) finishInTwo(ctx context.Context, doing string, work *rangeWork) error {
	for range attempts {
		err := db.inRead(ctx, doing, func(t *tx) error { return work.grade(ctx, t) })
		if err != nil || work.result.AlreadyDone {
			return err
		}
		err = db.inWrite(ctx, doing, sql.LevelDefault, func(t *tx) error {
			t.touches()
			return work.store(ctx, t)
		})
		if !errors.Is(err, errFirstLoad) {
			return err
		}
	}
	return fmt.Errorf("%s: %w, %d times", doing, errFirstLoad, attempts)
}

// rangeWork is one range on its way from evidence to stored grades.
type rangeWork struct {
	run    *Run
	part   Range
	assess Assess

	loads  int64 // first loads of history so far
	grades []Assessment
	result RangeResult
}

func (w *rangeWork) horizon() horizon { return horizon{w.run.AsOf, micros(w.run.KnownAt)} }

func (w *rangeWork) keys() KeyRange { return KeyRange{w.part.From, w.part.To} }

// grade reads the evidence of the range and has it assessed.
func (w *rangeWork) grade(ctx context.Context, t *tx) error {
	w.grades, w.result = w.grades[:0], RangeResult{}
	var done int64
	const open = `SELECT done_at FROM run_range WHERE run_id = ? AND number = ?`
	if err := t.GetContext(ctx, &done, t.Rebind(open), w.run.ID, w.part.Number); err != nil {
		return err
	}
	if done > 0 {
		w.result.AlreadyDone = true
		return nil
	}
	var err error
	if w.loads, err = t.firstLoads(ctx); err != nil {
		return err
	}
	part, err := w.read(ctx, t)
	if err != nil {
		return err
	}
	grades, err := w.assess(part)
	if err == nil && len(grades) != len(w.grades) {
		err = fmt.Errorf("%d grades for %d enterprises", len(grades), len(w.grades))
	}
	if err != nil {
		return fmt.Errorf("assess: %w", err)
	}
	for i := range grades {
		w.grades[i].Grade = grades[i]
	}
	return nil
}

// read reads what the range is graded by, and begins an assessment of each enterprise, which is still without a grade.
func (w *rangeWork) read(ctx context.Context, t *tx) (*Part, error) {
	priors, err := t.priors(ctx, w)
	if err != nil {
		return nil, err
	}
	part, builder := &Part{}, scoring.NewColumnBuilder(w.part.Enterprises, 0)
	var buffer []byte
	var facts [32]byte
	q := evidenceQuery{KeyRange: w.keys(), horizon: w.horizon(), changedOnly: w.run.ChangedOnly}
	err = t.evidence(ctx, q, func(e *scoring.Evidence, packed string) error {
		digest := recordsDigest(e, packed)
		prior := priors[e.USCC]
		if prior != nil && prior.RecordsDigest != digest {
			prior = nil
		}
		facts, buffer = scoring.FactsDigest(buffer, e.Facts())
		part.Facts, part.Priors = append(part.Facts, facts), append(part.Priors, prior)
		w.grades = append(w.grades, Assessment{USCC: e.USCC, Run: w.run.ID, AsOf: w.run.AsOf, KnownAt: w.run.KnownAt, Model: w.run.Model,
			ChangedOn: w.run.AsOf, RecordsDigest: digest})
		return builder.Add(e)
	})
	part.Columns = builder.Build()
	return part, err
}

// priors reads the current assessments of the range that are of the run's model and of no later day.
func (t *tx) priors(ctx context.Context, w *rangeWork) (map[registry.USCC]*Assessment, error) {
	where, arguments := w.keys().condition()
	query := `SELECT ` + assessmentColumns + ` FROM assessment WHERE ` + where + ` AND model_code = ? AND model_version = ? AND as_of <= ?`
	arguments = append(append([]any{}, arguments...), w.run.Model.Code, w.run.Model.Version, int64(w.run.AsOf))
	found := make(map[registry.USCC]*Assessment, w.part.Enterprises)
	err := t.each(ctx, query, arguments, func(scan func(...any) error) error {
		a, err := readAssessment(scan)
		found[a.USCC] = &a
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read current assessments: %w", err)
	}
	return found, nil
}

// recordsDigest tells two states of an enterprise's evidence apart: its facts, its risk and its registration.
func recordsDigest(e *scoring.Evidence, packed string) string {
	head := fmt.Appendf(make([]byte, 0, len(packed)+24), "%d %d ", e.Risk, e.RegisteredOn)
	sum := sha256.Sum256(append(head, packed...))
	return hex.EncodeToString(sum[:16])
}

// firstLoads counts the first loads of history. On PostgreSQL the row is held until the end: a load that begins meanwhile waits for us and
// then sees our grades, one that was faster makes us start again.
func (t *tx) firstLoads(ctx context.Context) (int64, error) {
	var n int64
	err := t.GetContext(ctx, &n, `SELECT value FROM clock WHERE name = 'first_loads'`+t.db.engine.dialect().shareLock)
	if err != nil {
		return 0, fmt.Errorf("read first loads: %w", err)
	}
	return n, nil
}

// store writes everything that follows from the grades.
func (w *rangeWork) store(ctx context.Context, t *tx) error {
	w.result = RangeResult{}
	if loads, err := t.firstLoads(ctx); err != nil || loads != w.loads {
		return errors.Join(err, errFirstLoad)
	}
	if err := t.refuseInactive(ctx, w.run.Model); err != nil {
		return err
	}
	now, err := t.now(ctx)
	if err != nil {
		return err
	}
	before, err := t.currentGrades(ctx, w.grades)
	if err != nil {
		return err
	}
	rows := w.compare(before, now)
	t.touch(rows.graded...)
	if err := t.insert(ctx, "assessment", assessmentColumns, upsertAssessment, rows.current); err != nil {
		return err
	}
	if err := t.insert(ctx, "assessment_history", assessmentColumns, "ON CONFLICT DO NOTHING", rows.history); err != nil {
		return err
	}
	if err := t.insert(ctx, "outbox", "uscc, topic, payload, created_at", "", rows.outbox); err != nil {
		return err
	}
	if err := t.markLists(ctx, rows.moved); err != nil {
		return err
	}
	if err := w.deleteDue(ctx, t, rows.kept); err != nil {
		return err
	}
	return w.mark(ctx, t, now, digestOf(rows.current))
}

// upsertAssessment never puts an older assessment over a newer one.
const upsertAssessment = `ON CONFLICT (uscc) DO UPDATE SET run_id = excluded.run_id, as_of = excluded.as_of, known_at = excluded.known_at,
	model_code = excluded.model_code, model_version = excluded.model_version, index_value = excluded.index_value, tier = excluded.tier,
	colour = excluded.colour, evidence = excluded.evidence, checks = excluded.checks, losses = excluded.losses,
	next_change_on = excluded.next_change_on, changed_on = excluded.changed_on,
	earned_tier = excluded.earned_tier, earned_colour = excluded.earned_colour, tier_since = excluded.tier_since,
	colour_since = excluded.colour_since, standing_until = excluded.standing_until, digest = excluded.digest, records_digest = excluded.records_digest
	WHERE (excluded.as_of, excluded.known_at) >= (assessment.as_of, assessment.known_at)`

// currentGrade is what of the present assessment decides what a new one means.
type currentGrade struct {
	tier          registry.Tier
	colour        registry.Colour
	asOf          registry.Day
	knownAt       int64
	changedOn     registry.Day
	recordsDigest string
}

func (t *tx) currentGrades(ctx context.Context, grades []Assessment) (map[registry.USCC]currentGrade, error) {
	codes := make([]registry.USCC, len(grades))
	for i := range grades {
		codes[i] = grades[i].USCC
	}
	query := `SELECT a.uscc, a.tier, a.colour, a.as_of, a.known_at, a.changed_on, a.records_digest FROM ` + t.db.engine.dialect().keys + ` k
		JOIN assessment a ON a.uscc = k.key`
	found := make(map[registry.USCC]currentGrade, len(grades))
	err := t.each(ctx, query, []any{list(codes)}, func(scan func(...any) error) error {
		var code string
		var c currentGrade
		err := scan(&code, (*uint8)(&c.tier), (*uint8)(&c.colour), (*int32)(&c.asOf), &c.knownAt, (*int32)(&c.changedOn), &c.recordsDigest)
		found[registry.USCC(code)] = c
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read current grades: %w", err)
	}
	return found, nil
}

type rangeRows struct {
	current, history, outbox [][]any
	kept, moved, graded      []registry.USCC
}

// compare decides what each new grade means beside the present one.
func (w *rangeWork) compare(before map[registry.USCC]currentGrade, now int64) rangeRows {
	var rows rangeRows
	monthEnd := (w.run.AsOf + 1).Time().Day() == 1
	for i := range w.grades {
		g := &w.grades[i]
		w.result.Assessed++
		old, had := before[g.USCC]
		if had && w.horizon().before(old) {
			w.result.Kept++
			rows.kept = append(rows.kept, g.USCC)
			if monthEnd {
				rows.history = append(rows.history, g.values())
			}
			continue
		}
		moved := !had || old.tier != g.Tier || old.colour != g.Colour
		if !moved {
			g.ChangedOn = old.changedOn
		}
		row := g.values()
		rows.current, rows.graded = append(rows.current, row), append(rows.graded, g.USCC)
		if moved || monthEnd || old.recordsDigest != g.RecordsDigest {
			rows.history = append(rows.history, row)
		}
		if moved {
			w.result.Changed++
			rows.moved = append(rows.moved, g.USCC)
			rows.outbox = append(rows.outbox, []any{string(g.USCC), TopicGradeChanged, gradeChanged(g, old, had), now})
		}
	}
	return rows
}

// before reports whether an assessment from here is older than one that is stored.
func (h horizon) before(c currentGrade) bool {
	return h.asOf < c.asOf || h.asOf == c.asOf && h.knownAt < c.knownAt
}

// gradeChanged is the payload of a grade.changed message.
func gradeChanged(g *Assessment, old currentGrade, had bool) string {
	type grade struct {
		Tier   registry.Tier   `json:"tier"`
		Colour registry.Colour `json:"colour"`
	}
	message := struct {
		USCC   registry.USCC `json:"uscc"`
		AsOf   registry.Day  `json:"as_of"`
		Index  int32         `json:"index"`
		Before *grade        `json:"before,omitempty"`
		After  grade         `json:"after"`
		Digest string        `json:"digest"`
	}{USCC: g.USCC, AsOf: g.AsOf, Index: g.Index, After: grade{g.Tier, g.Colour}, Digest: hex.EncodeToString(g.Digest[:])}
	if had {
		message.Before = &grade{old.tier, old.colour}
	}
	text, err := json.Marshal(&message)
	if err != nil {
		panic(err) // texts and numbers always marshal
	}
	return string(text)
}

// deleteDue removes what asked for these grades: the due rows of facts that the run knew and that had happened by its day. The enterprises
// whose newer assessment was kept still wait.
func (w *rangeWork) deleteDue(ctx context.Context, t *tx, kept []registry.USCC) error {
	where, arguments := w.keys().condition()
	query := `DELETE FROM due WHERE ` + where + ` AND known_at <= ?`
	arguments = append(append([]any{}, arguments...), w.horizon().settled())
	if len(kept) > 0 {
		query += ` AND uscc NOT IN (SELECT k.key FROM ` + t.db.engine.dialect().keys + ` k)`
		arguments = append(arguments, list(kept))
	}
	if _, err := t.ExecContext(ctx, t.Rebind(query), arguments...); err != nil {
		return fmt.Errorf("clear due: %w", err)
	}
	return nil
}

// mark says that the range is done. Only one transaction can: the row is the fence between two processes that work on the same range.
func (w *rangeWork) mark(ctx context.Context, t *tx, now int64, digest string) error {
	const query = `UPDATE run_range SET done_at = ?, assessed = ?, changed = ?, digest = ? WHERE run_id = ? AND number = ? AND done_at = 0`
	result, err := t.ExecContext(ctx, t.Rebind(query), now, w.result.Assessed, w.result.Changed, digest, w.run.ID, w.part.Number)
	if err != nil {
		return fmt.Errorf("mark range: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("mark range: %w", errRangeTaken)
	}
	return nil
}

// errRangeTaken says that another process finished the range first. Nothing of ours is stored.
var errRangeTaken = errors.New("another process finished the range")
