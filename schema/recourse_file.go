package schema

import (
	"context"
	"fmt"
	"slices"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/supervision"
)

// RecourseFiling is what somebody files. Which of its parts are needed is the kind's business: a record for objection and repair, what it is
// about for an appeal (0: the grade), nothing for a reply.
type RecourseFiling struct {
	USCC      registry.USCC
	Kind      supervision.Kind
	Source    string
	SourceRef string
	List      string // in place of a record: the notice or the entry of this list, as it stands
	Against   int64
	Text      string // plain, see supervision.PlainText
	Duties    bool
	By        string // login
	OnBehalf  bool
	On        registry.Day
	Days      *supervision.Calendar
}

// FileRecourse stores a recourse and what follows from it at once: an objection makes its record provisional, an appeal takes over what it is
// about. ErrFiled when there is one already, ErrNoRecord, ErrNotFound for an appeal against nothing of the enterprise's, or why package
// supervision refuses.
func (db *DB) FileRecourse(ctx context.Context, f RecourseFiling) (*Recourse, error) {
	var filed *Recourse
	err := db.inPut(ctx, "file a recourse", PutOptions{}, func(t *tx) error {
		w := &recourseWriter{tx: t, days: f.Days, changed: map[string]bool{}}
		about := f
		if f.List != "" {
			if err := w.nameListing(ctx, &about); err != nil {
				return err
			}
		}
		id, err := w.file(ctx, &about)
		if err != nil {
			return err
		}
		if err := t.announce(ctx, w.changed); err != nil {
			return err
		}
		filed, err = t.recourse(ctx, access.Everything(), id)
		return err
	})
	return filed, err
}

// recourseWriter does what a step leads to, within one transaction.
type recourseWriter struct {
	*tx
	days    *supervision.Calendar
	changed map[string]bool // enterprises whose facts changed
}

func (w *recourseWriter) file(ctx context.Context, f *RecourseFiling) (int64, error) {
	r := Recourse{Recourse: supervision.Recourse{Kind: f.Kind}, USCC: f.USCC, Source: f.Source, SourceRef: f.SourceRef, Against: f.Against, Text: f.Text,
		Duties: f.Duties, OnBehalf: f.OnBehalf, FiledOn: f.On}
	act := RecourseAct{Act: supervision.Act{Step: supervision.File, By: f.By, Side: supervision.Author, On: f.On, Reason: f.Text}}
	after, err := r.Take(act.Act, w.days)
	if err != nil {
		return 0, err
	}
	if err := w.mayFile(ctx, f); err != nil {
		return 0, err
	}
	r.Recourse = after
	if err := w.addRecourse(ctx, &r); err != nil {
		return 0, err
	}
	act.Reason = "" // it stands in the row
	if err := w.addStep(ctx, &r, &act, nil); err != nil {
		return 0, err
	}
	return r.ID, w.followFiling(ctx, &r, &act)
}

func (w *recourseWriter) addRecourse(ctx context.Context, r *Recourse) error {
	w.touch(r.USCC)
	const add = `INSERT INTO recourse (uscc, kind, state, outcome, source, source_ref, against, body, duties, filer, on_behalf, filed_on, due_on, revoked_on,
		result_revision, steps, created_at, changed_at) VALUES (?, ?, ?, '', ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, ?, ?) RETURNING id`
	err := w.GetContext(ctx, &r.ID, w.Rebind(add), string(r.USCC), string(r.Kind), string(r.State), r.Source, r.SourceRef, r.Against, r.Text, flag(r.Duties),
		r.Filer, flag(r.OnBehalf), int64(r.FiledOn), int64(r.Due), w.stamp, w.stamp)
	if err != nil {
		return fmt.Errorf("add recourse: %w", err)
	}
	return nil
}

func flag(on bool) int {
	if on {
		return 1
	}
	return 0
}

// MaxRecoursesADay bounds how many recourses of one enterprise are filed on a day: withdrawn ones can be filed again.
const MaxRecoursesADay = 30

// mayFile asks what is stored whether the recourse may be filed.
func (w *recourseWriter) mayFile(ctx context.Context, f *RecourseFiling) error {
	var today int
	if err := w.GetContext(ctx, &today, w.Rebind(`SELECT count(*) FROM recourse WHERE uscc = ? AND filed_on = ?`), string(f.USCC), int64(f.On)); err != nil {
		return fmt.Errorf("count recourses: %w", err)
	}
	if today >= MaxRecoursesADay {
		return ErrManyRecourses
	}
	switch f.Kind {
	case supervision.Objection, supervision.Repair:
		return w.mayFileAbout(ctx, f)
	case supervision.Appeal:
		return w.mayAppeal(ctx, f)
	case supervision.Reply:
		return w.none(ctx, `uscc = ? AND kind = 'reply' AND state IN ('published', 'appealed')`, string(f.USCC))
	}
	return supervision.ErrStep
}

// none refuses when there is a recourse like this.
func (w *recourseWriter) none(ctx context.Context, where string, values ...any) error {
	var n int
	if err := w.GetContext(ctx, &n, w.Rebind(`SELECT count(*) FROM recourse WHERE `+where), values...); err != nil {
		return fmt.Errorf("look for recourses: %w", err)
	}
	if n > 0 {
		return ErrFiled
	}
	return nil
}

func (w *recourseWriter) mayFileAbout(ctx context.Context, f *RecourseFiling) error {
	if f.Kind == supervision.Objection && ListOf(f.Source, f.SourceRef) != "" {
		return w.mayObjectToListing(ctx, f)
	}
	revisions, err := w.revisionsOf(ctx, f.USCC, f.Source, f.SourceRef)
	if err != nil {
		return err
	}
	newest := &revisions[len(revisions)-1]
	if err := w.none(ctx, `source = ? AND source_ref = ? AND state IN ('filed', 'accepted', 'returned')`, f.Source, f.SourceRef); err != nil {
		return err
	}
	if f.Kind == supervision.Repair {
		return w.mayRepair(ctx, newest, f.Duties, f.On)
	}
	// What was decided stands until the source says something new: whoever disagrees appeals.
	decided := `source = ? AND source_ref = ? AND kind = 'objection' AND state IN ('decided', 'appealed') AND result_revision >= ?`
	if err := w.none(ctx, decided, f.Source, f.SourceRef, newest.Revision); err != nil {
		return err
	}
	return supervision.CanObject(revisions, f.On, w.days)
}

func (w *recourseWriter) mayRepair(ctx context.Context, r *registry.Record, duties bool, on registry.Day) error {
	restarted, err := w.restarted(ctx, r)
	if err != nil {
		return err
	}
	records, err := w.recordsWhere(ctx, `uscc = ?`, string(r.USCC))
	if err != nil {
		return err
	}
	return supervision.CanRepair(r, registry.Standing(records, on), supervision.Duties{Done: duties, Removed: duties}, restarted, on)
}

// restarted returns the day on which a repair of the record was last revoked, 0 for none.
func (w *recourseWriter) restarted(ctx context.Context, r *registry.Record) (on registry.Day, err error) {
	const query = `SELECT coalesce(max(revoked_on), 0) FROM recourse WHERE source = ? AND source_ref = ?`
	if err := w.GetContext(ctx, &on, w.Rebind(query), r.Source, r.SourceRef); err != nil {
		return 0, fmt.Errorf("look for revoked repairs: %w", err)
	}
	return on, nil
}

// mayAppeal looks at what the appeal is about: something of the same enterprise that can be appealed and was not, or its grade.
func (w *recourseWriter) mayAppeal(ctx context.Context, f *RecourseFiling) error {
	if f.Against == 0 {
		return w.mayAppealGrade(ctx, f)
	}
	about, err := w.recourse(ctx, access.Sight{Owns: []registry.USCC{f.USCC}}, f.Against)
	if err != nil {
		return err
	}
	if _, err := about.Take(contest(f.On), w.days); err != nil {
		return err
	}
	if about.Kind != supervision.Reply {
		return nil
	}
	return w.none(ctx, `uscc = ? AND kind = 'reply' AND state = 'published'`, string(f.USCC))
}

func contest(on registry.Day) supervision.Act {
	return supervision.Act{Step: supervision.Contest, By: bySystem, Side: supervision.System, On: on}
}

// bySystem is the actor of steps that time or another step takes.
const bySystem = "system"

func (w *recourseWriter) mayAppealGrade(ctx context.Context, f *RecourseFiling) error {
	if err := w.none(ctx, `uscc = ? AND kind = 'appeal' AND against = 0 AND state IN ('filed', 'accepted', 'returned')`, string(f.USCC)); err != nil {
		return err
	}
	var changed []registry.Day
	if err := w.SelectContext(ctx, &changed, w.Rebind(`SELECT changed_on FROM assessment WHERE uscc = ?`), string(f.USCC)); err != nil {
		return fmt.Errorf("read grade: %w", err)
	}
	if len(changed) == 0 {
		return fmt.Errorf("%w: there is no grade", supervision.ErrRecord)
	}
	since := slices.Max(changed)
	if until := supervision.Appeal.FileUntil(since, w.days); f.On > until {
		return fmt.Errorf("%w: it ended on %s", supervision.ErrLate, until)
	}
	return w.none(ctx, `uscc = ? AND kind = 'appeal' AND against = 0 AND state = 'decided' AND filed_on >= ?`, string(f.USCC), int64(since)) // an appeal is final
}

// followFiling does what follows from a filing.
func (w *recourseWriter) followFiling(ctx context.Context, r *Recourse, act *RecourseAct) error {
	switch {
	case r.List() != "": // the entry holds until it is decided
	case r.Kind == supervision.Objection:
		record, err := w.newestOf(ctx, r)
		if err != nil {
			return err
		}
		suspended, changed := supervision.Suspended(record)
		return w.reviseIf(ctx, changed, suspended)
	case r.Kind == supervision.Appeal && r.Against != 0:
		about, err := w.recourse(ctx, access.Everything(), r.Against)
		if err != nil {
			return err
		}
		return w.take(ctx, about, &RecourseAct{Act: contest(act.On)})
	}
	return nil
}
