package schema

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

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
		if err := t.lockRecourse(ctx, id); err != nil {
			return err
		}
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

// lockRecourse keeps a recourse for this transaction, so that of two who act at once the second sees what the first has done.
func (t *tx) lockRecourse(ctx context.Context, id int64) error {
	var kept int64
	query := `SELECT id FROM recourse WHERE id = ?` + t.db.engine.dialect().updateLock
	if err := t.GetContext(ctx, &kept, t.Rebind(query), id); err != nil {
		return fmt.Errorf("keep recourse: %w", err)
	}
	return nil
}

// take takes one step and stores it.
func (w *recourseWriter) take(ctx context.Context, r *Recourse, act *RecourseAct) error {
	after, err := r.Take(act.Act, w.days)
	if err != nil {
		return err
	}
	before := &recourseAudited{State: r.State, Outcome: r.Outcome, Due: r.Due}
	r.Recourse = after
	if act.Step == supervision.Revoke {
		r.RevokedOn = act.On
	}
	return w.addStep(ctx, r, act, before)
}

// recourseAudited is what the audit log keeps of a step. The texts stay where they are: they may name people.
type recourseAudited struct {
	Kind      supervision.Kind    `json:"kind,omitempty"`
	State     supervision.State   `json:"state"`
	Outcome   supervision.Outcome `json:"outcome,omitempty"`
	Source    string              `json:"source,omitempty"`
	SourceRef string              `json:"source_ref,omitempty"`
	Against   int64               `json:"against,omitempty"`
	Due       registry.Day        `json:"due_on,omitzero"`
}

func (w *recourseWriter) auditStep(ctx context.Context, r *Recourse, step supervision.Step, before *recourseAudited) error {
	e := auditEntry{Action: "recourse." + string(step), Noun: "recourse", ID: strconv.FormatInt(r.ID, 10), USCC: r.USCC,
		After: recourseAudited{r.Kind, r.State, r.Outcome, r.Source, r.SourceRef, r.Against, r.Due}}
	if before != nil {
		e.Before = *before
	}
	return w.audit(ctx, e)
}

// addStep stores a step, and where the recourse stands after it. Of two who act at once one is told to look again.
func (w *recourseWriter) addStep(ctx context.Context, r *Recourse, act *RecourseAct, before *recourseAudited) error {
	w.touch(r.USCC)
	const change = `UPDATE recourse SET state = ?, outcome = ?, due_on = ?, revoked_on = ?, steps = steps + 1, changed_at = ? WHERE id = ? AND steps = ?`
	result, err := w.ExecContext(ctx, w.Rebind(change), string(r.State), string(r.Outcome), int64(r.Due), int64(r.RevokedOn), w.stamp, r.ID, r.count)
	if err != nil {
		return fmt.Errorf("change recourse: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("change recourse %d: %w", r.ID, errAgain)
	}
	r.count++
	if err := w.auditStep(ctx, r, act.Step, before); err != nil {
		return err
	}
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
		if r.Kind == supervision.Objection && r.List() == "" {
			return w.settleRecord(ctx, r)
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
	case r.List() != "" && act.Outcome.Favours():
		return w.undoListing(ctx, r, act)
	case r.List() != "":
	case r.Kind == supervision.Objection && act.Outcome.Favours():
		return w.correct(ctx, r, act)
	case r.Kind == supervision.Objection:
		return w.settleRecord(ctx, r)
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
	if problems := corrected.Validate(max(act.On, registry.DayOf(instant(w.stamp)))); problems != nil {
		return fmt.Errorf("%w: %w", ErrCannotCount, problems)
	}
	return w.decideRecord(ctx, r, func(registry.Record) registry.Record { return corrected })
}

func sameRecord(a, b *registry.Record) bool {
	return a.Outcome == b.Outcome && a.Severity == b.Severity && a.Worst() == b.Worst()
}

// settleRecord makes the record of an objection that came to nothing count again. That it was decided upon is noted even where nothing changes.
func (w *recourseWriter) settleRecord(ctx context.Context, r *Recourse) error {
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
