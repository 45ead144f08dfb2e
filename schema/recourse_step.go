package schema

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/supervision"
)

// RecourseAct is a step with what only the store needs: how a record is corrected, and whether the officer's region lies above the
// enterprise's county.
type RecourseAct struct {
	supervision.Act
	Correction supervision.Correction
	Higher     bool
}

// StepRecourse takes a step and stores at once whatever follows from it: the new revision of a record, the step at what an appeal was about, the
// message to partners. It returns the recourse after it. ErrNotFound outside the sight, or why package supervision refuses; what is wrong with a
// corrected record comes as registry.Problems beside ErrCannotCount.
func (db *DB) StepRecourse(ctx context.Context, sight access.Sight, id int64, act RecourseAct, days *supervision.Calendar) (*Recourse, error) {
	var after *Recourse
	err := db.inPut(ctx, "take a step of a recourse", PutOptions{}, func(t *tx) error {
		w := &recourseWriter{tx: t, days: days, changed: map[string]bool{}}
		r, err := t.recourse(ctx, sight, id)
		if err != nil {
			return err
		}
		if err := w.take(ctx, r, &act); err != nil {
			return err
		}
		if err := w.follow(ctx, r, &act); err != nil {
			return err
		}
		if err := t.announce(ctx, w.changed); err != nil {
			return err
		}
		after, err = t.recourse(ctx, sight, id)
		return err
	})
	return after, err
}

// take takes one step and stores it.
func (w *recourseWriter) take(ctx context.Context, r *Recourse, act *RecourseAct) error {
	after, err := r.Take(act.Act, w.days)
	if err != nil {
		return err
	}
	r.Recourse = after
	if act.Step == supervision.Revoke {
		r.RevokedOn = act.On
	}
	return w.addStep(ctx, r, act)
}

// addStep stores a step, and where the recourse stands after it. Of two who act at once one is told to look again.
func (w *recourseWriter) addStep(ctx context.Context, r *Recourse, act *RecourseAct) error {
	const change = `UPDATE recourse SET state = ?, outcome = ?, due_on = ?, revoked_on = ?, steps = steps + 1, changed_at = ? WHERE id = ? AND steps = ?`
	result, err := w.ExecContext(ctx, w.Rebind(change), string(r.State), string(r.Outcome), int64(r.Due), int64(r.RevokedOn), w.stamp, r.ID, r.count)
	if err != nil {
		return fmt.Errorf("change recourse: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("change recourse %d: %w", r.ID, errAgain)
	}
	r.count++
	outcome := act.Outcome
	if act.Step != supervision.Decide && act.Step != supervision.Reverse {
		outcome = ""
	}
	return w.insert(ctx, "recourse_step", "uscc, recourse_id, number, step, state, outcome, actor, side, higher, reason, at", "", [][]any{{string(r.USCC), r.ID,
		r.count, string(act.Step), string(r.State), string(outcome), act.By, string(act.Side), flag(act.Higher), act.Reason, w.stamp}})
}

// follow does what follows from a step that was just taken.
func (w *recourseWriter) follow(ctx context.Context, r *Recourse, act *RecourseAct) error {
	switch act.Step {
	case supervision.Withdraw, supervision.Lapse:
		if r.Kind == supervision.Objection {
			return w.settle(ctx, r)
		}
	case supervision.Revoke:
		return w.decideRecord(ctx, r, supervision.Unrepaired)
	case supervision.Decide:
		if r.Kind == supervision.Appeal {
			return w.decideAppeal(ctx, r, act)
		}
		return w.land(ctx, r, act)
	case supervision.File, supervision.Accept, supervision.Return, supervision.Complete, supervision.Contest, supervision.Reverse, supervision.Hide:
	}
	return nil
}

// decideAppeal turns round what was decided before, when the appeal is upheld. What an upheld appeal against a grade found wrong is put right in
// the records, by hand.
func (w *recourseWriter) decideAppeal(ctx context.Context, r *Recourse, act *RecourseAct) error {
	if r.Against == 0 || !act.Outcome.Favours() {
		return nil
	}
	about, err := w.recourse(ctx, access.Everything(), r.Against)
	if err != nil {
		return err
	}
	reverse := *act
	reverse.Step, reverse.Side = supervision.Reverse, supervision.System
	switch about.Kind {
	case supervision.Repair:
		reverse.Outcome = supervision.Granted
	case supervision.Reply:
		reverse.Outcome = ""
	case supervision.Objection, supervision.Appeal:
	}
	if err := w.take(ctx, about, &reverse); err != nil {
		return err
	}
	if about.Kind == supervision.Reply {
		return nil
	}
	return w.land(ctx, about, &reverse)
}

// land makes a decision about a record true.
func (w *recourseWriter) land(ctx context.Context, r *Recourse, act *RecourseAct) error {
	switch {
	case r.Kind == supervision.Repair && act.Outcome == supervision.Granted:
		if err := w.stillRepairable(ctx, r, act.On); err != nil {
			return err
		}
		if err := w.decideRecord(ctx, r, supervision.Repaired); err != nil {
			return err
		}
		return w.tellRepair(ctx, r.USCC, r.Source, r.SourceRef, act.On)
	case r.Kind == supervision.Objection && act.Outcome.Favours():
		return w.correct(ctx, r, act)
	case r.Kind == supervision.Objection:
		return w.settle(ctx, r)
	}
	return nil
}

// stillRepairable asks again on the day of the decision what was asked on the day of filing: meanwhile there may be a second penalty.
func (w *recourseWriter) stillRepairable(ctx context.Context, r *Recourse, on registry.Day) error {
	record, err := w.newestOf(ctx, r)
	if err != nil {
		return err
	}
	return w.mayRepair(ctx, &record, r.Duties, on)
}

// correct voids or amends the record of an upheld objection.
func (w *recourseWriter) correct(ctx context.Context, r *Recourse, act *RecourseAct) error {
	record, err := w.newestOf(ctx, r)
	if err != nil {
		return err
	}
	corrected := supervision.Corrected(record, act.Correction)
	if act.Outcome == supervision.Partly && act.Correction.Voids() || !act.Correction.Voids() && sameRecord(&record, &corrected) {
		return fmt.Errorf("%w: %w", ErrCannotCount, registry.Problems{{Field: "record_severity", Problem: "changes nothing of the record", Want: "another outcome or severity"}})
	}
	if problems := corrected.Validate(act.On); problems != nil {
		return fmt.Errorf("%w: %w", ErrCannotCount, problems)
	}
	return w.decideRecord(ctx, r, func(registry.Record) registry.Record { return corrected })
}

func sameRecord(a, b *registry.Record) bool {
	return a.Outcome == b.Outcome && a.Severity == b.Severity && a.Worst() == b.Worst()
}

// settle makes the record of an objection that came to nothing count again. That it was decided upon is noted even where nothing changes.
func (w *recourseWriter) settle(ctx context.Context, r *Recourse) error {
	return w.decideRecord(ctx, r, func(record registry.Record) registry.Record {
		settled, _ := supervision.Settled(record)
		return settled
	})
}

// decideRecord gives the record of a recourse its next revision, where the decision changes anything, and notes which one is decided upon.
func (w *recourseWriter) decideRecord(ctx context.Context, r *Recourse, change func(registry.Record) registry.Record) error {
	before, err := w.newestOf(ctx, r)
	if err != nil {
		return err
	}
	after := change(before)
	changed := after.State != before.State || after.ProvisionalUntil != before.ProvisionalUntil || !sameRecord(&before, &after)
	if err := w.reviseIf(ctx, changed, after); err != nil {
		return err
	}
	result := before.Revision
	if changed {
		result++
	}
	if _, err := w.ExecContext(ctx, w.Rebind(`UPDATE recourse SET result_revision = ? WHERE id = ?`), result, r.ID); err != nil {
		return fmt.Errorf("note the revision of a decision: %w", err)
	}
	return nil
}

// reviseIf stores the next revision of a record.
func (w *recourseWriter) reviseIf(ctx context.Context, changed bool, r registry.Record) error {
	if !changed {
		return nil
	}
	r.Revision++
	batch := newRecordBatch(w.tx, PutOptions{})
	batch.decides = true
	results, err := batch.put(ctx, []registry.Record{r})
	if err != nil {
		return err
	}
	if results[0].Outcome != Changed {
		return fmt.Errorf("revise record %s/%s: %s: %w", r.Source, r.SourceRef, results[0].Problem.Problem, errAgain)
	}
	w.changed[string(r.USCC)] = true
	return nil
}

// tellRepair leaves a message for partners: the record is to be shown and shared no longer.
func (t *tx) tellRepair(ctx context.Context, code registry.USCC, source, ref string, on registry.Day) error {
	payload, err := json.Marshal(repairTold{code, source, ref, on})
	if err != nil {
		return fmt.Errorf("tell of a repair: %w", err)
	}
	return t.insert(ctx, "outbox", "uscc, topic, payload, created_at", "", [][]any{{string(code), TopicRepairGranted, string(payload), t.stamp}})
}

// newestOf returns the newest revision of the record that a recourse is about.
func (w *recourseWriter) newestOf(ctx context.Context, r *Recourse) (registry.Record, error) {
	revisions, err := w.revisionsOf(ctx, r.USCC, r.Source, r.SourceRef)
	if err != nil {
		return registry.Record{}, err
	}
	return revisions[len(revisions)-1], nil
}

// revisionsOf returns all revisions of a record of an enterprise, oldest first, or ErrNoRecord.
func (t *tx) revisionsOf(ctx context.Context, code registry.USCC, source, ref string) ([]registry.Record, error) {
	if !storable(source, ref) {
		return nil, ErrNoRecord
	}
	records, err := t.recordsWhere(ctx, `uscc = ? AND source = ? AND source_ref = ?`, string(code), source, ref)
	if err == nil && len(records) == 0 {
		err = ErrNoRecord
	}
	return records, err
}

func (t *tx) recordsWhere(ctx context.Context, where string, values ...any) (records []registry.Record, err error) {
	query := `SELECT ` + recordColumns + ` FROM record WHERE ` + where + ` ORDER BY uscc, source, source_ref, revision`
	err = t.each(ctx, query, values, func(scan func(...any) error) error {
		var row recordRow
		if err := scan(row.fields()...); err != nil {
			return err
		}
		record, err := row.record()
		records = append(records, record)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	return records, nil
}

// lapseBatch bounds how many recourses lapse, and records end, in one transaction.
const lapseBatch = 500

// LapseRecourses ends what was returned to its author and not completed in time, and returns how many.
func (db *DB) LapseRecourses(ctx context.Context, on registry.Day, days *supervision.Calendar) (lapsed int, err error) {
	const late = `SELECT id FROM recourse WHERE state = 'returned' AND due_on < ? ORDER BY due_on, id LIMIT ?`
	var ids []int64
	if err := db.read.SelectContext(ctx, &ids, db.read.Rebind(late), int64(on), lapseBatch); err != nil {
		return 0, db.fail(ctx, "look for recourses that lapse", err)
	}
	for _, id := range ids {
		act := RecourseAct{Act: supervision.Act{Step: supervision.Lapse, By: bySystem, Side: supervision.System, On: on}}
		_, err := db.StepRecourse(ctx, access.Everything(), id, act, days)
		switch {
		case errors.Is(err, supervision.ErrStep), errors.Is(err, supervision.ErrEarly): // somebody was faster
		case err != nil:
			return lapsed, err
		default:
			lapsed++
		}
	}
	return lapsed, nil
}

// EndPublications makes the records repaired whose longest term of publication has ended by a day, tells partners, and returns how many.
func (db *DB) EndPublications(ctx context.Context, on registry.Day) (ended int, err error) {
	var after recordName
	for {
		found, last, err := db.publicationsEnded(ctx, after, on)
		if err != nil {
			return ended, err
		}
		if len(found) > 0 {
			n, err := db.endPublications(ctx, found, on)
			if err != nil {
				return ended, err
			}
			ended += n
		}
		if last == (recordName{}) {
			return ended, nil
		}
		after = last
	}
}

type recordName struct{ uscc, source, ref string }

// publicationsEnded looks through the next records after a name and returns those that have been published for as long as they may, and where
// it stopped; the zero name at the end.
func (db *DB) publicationsEnded(ctx context.Context, after recordName, on registry.Day) (found []recordName, last recordName, err error) {
	err = db.inRead(ctx, "look for publications that end", func(t *tx) error {
		records, restarted, err := t.published(ctx, `(r.uscc, r.source, r.source_ref) > (?, ?, ?)`, after.uscc, after.source, after.ref, lapseBatch)
		if err != nil {
			return err
		}
		for i := range records {
			r := &records[i]
			name := recordName{string(r.USCC), r.Source, r.SourceRef}
			if supervision.Ended(r, restarted[i], on) {
				found = append(found, name)
			}
			if len(records) == lapseBatch {
				last = name
			}
		}
		return nil
	})
	return found, last, err
}

// published reads records that are published for a term, with the day on which a repair of them was last revoked.
func (t *tx) published(ctx context.Context, where string, values ...any) (records []registry.Record, restarted []registry.Day, err error) {
	query := `SELECT ` + prefixed("r", recordColumns) + `, coalesce((SELECT max(x.revoked_on) FROM recourse x WHERE x.source = r.source AND x.source_ref = r.source_ref AND x.source <> ''), 0)
		FROM record r WHERE r.superseded_at = 9223372036854775807 AND r.kind IN ('penalty', 'commitment') AND r.state IN ('final', 'provisional') AND ` + where + `
		ORDER BY r.uscc, r.source, r.source_ref LIMIT ?`
	err = t.each(ctx, query, values, func(scan func(...any) error) error {
		var row recordRow
		var since registry.Day
		if err := scan(append(row.fields(), &since)...); err != nil {
			return err
		}
		record, err := row.record()
		records, restarted = append(records, record), append(restarted, since)
		return err
	})
	return records, restarted, err
}

// endPublications looks at each record again within the transaction that ends it.
func (db *DB) endPublications(ctx context.Context, names []recordName, on registry.Day) (ended int, err error) {
	err = db.inPut(ctx, "end publications", PutOptions{}, func(t *tx) error {
		w := &recourseWriter{tx: t, changed: map[string]bool{}}
		ended = 0
		for _, name := range names {
			records, restarted, err := t.published(ctx, `r.uscc = ? AND r.source = ? AND r.source_ref = ?`, name.uscc, name.source, name.ref, 1)
			if err != nil {
				return err
			}
			if len(records) == 0 || !supervision.Ended(&records[0], restarted[0], on) {
				continue
			}
			if err := w.reviseIf(ctx, true, supervision.Repaired(records[0])); err != nil {
				return err
			}
			if err := t.tellRepair(ctx, records[0].USCC, name.source, name.ref, on); err != nil {
				return err
			}
			ended++
		}
		return t.announce(ctx, w.changed)
	})
	return ended, err
}
