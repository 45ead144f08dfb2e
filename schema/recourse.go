package schema

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/supervision"
)

// Recourse is what an enterprise asked for, and where that stands.
type Recourse struct {
	supervision.Recourse
	ID        int64
	USCC      registry.USCC
	Source    string // the record that it is about, empty for none
	SourceRef string
	Against   int64 // the recourse that an appeal is about; 0: the grade
	Text      string
	Duties    bool // a repair: duties done and harm removed are declared
	OnBehalf  bool // a supervisor filed it for the enterprise
	FiledOn   registry.Day
	RevokedOn registry.Day
	CreatedAt time.Time
	ChangedAt time.Time

	Name       string         // of the enterprise, on the way out
	RegionCode string         // of the enterprise, on the way out
	Steps      []RecourseStep // oldest first; not in lists

	count int // of steps
}

// RecourseStep is one thing that was done with a recourse.
type RecourseStep struct {
	Step    supervision.Step
	State   supervision.State // after it
	Outcome supervision.Outcome
	Actor   string // login, or system
	Side    supervision.Side
	Higher  bool // an officer of a region above the enterprise's county
	Reason  string
	At      time.Time
}

// Why a recourse is refused beside the reasons of package supervision.
var (
	ErrFiled    = errors.New("a recourse of this kind was filed already")
	ErrNoRecord = errors.New("the enterprise has no such record")

	ErrManyRecourses = errors.New("the enterprise has filed as many recourses today as it may")
	ErrCannotCount   = errors.New("the corrected record makes no sense")
)

const recourseColumns = `id, uscc, kind, state, outcome, source, source_ref, against, body, duties, filer, on_behalf, filed_on, due_on, revoked_on,
	steps, created_at, changed_at`

func (r *Recourse) fields(created, changed *int64) []any {
	return []any{&r.ID, (*string)(&r.USCC), (*string)(&r.Kind), (*string)(&r.State), (*string)(&r.Outcome), &r.Source, &r.SourceRef, &r.Against,
		&r.Text, &r.Duties, &r.Filer, &r.OnBehalf, &r.FiledOn, &r.Due, &r.RevokedOn, &r.count, created, changed}
}

func readRecourse(scan func(...any) error, more ...any) (Recourse, error) {
	var r Recourse
	var created, changed int64
	err := scan(append(r.fields(&created, &changed), more...)...)
	r.CreatedAt, r.ChangedAt = instant(created), instant(changed)
	return r, err
}

// readListed reads a recourse with the name and the division of its enterprise.
func readListed(scan func(...any) error) (Recourse, error) {
	var body, region string
	r, err := readRecourse(scan, &region, &body)
	if err != nil {
		return r, err
	}
	e, err := unpackEnterprise(body)
	if err != nil {
		return r, err
	}
	r.Name, r.RegionCode = e.Name, region
	return r, nil
}

var listedRecourse = `SELECT ` + prefixed("r", recourseColumns) + `, e.region_code, e.body FROM recourse r JOIN enterprise e ON e.uscc = r.uscc WHERE `

// Recourse returns a recourse within a sight with its steps and everybody who decided before; ErrNotFound outside.
func (db *DB) Recourse(ctx context.Context, sight access.Sight, id int64) (*Recourse, error) {
	var found *Recourse
	err := db.inRead(ctx, "read recourse", func(t *tx) (err error) {
		found, err = t.recourse(ctx, sight, id)
		return err
	})
	return found, err
}

func (t *tx) recourse(ctx context.Context, sight access.Sight, id int64) (*Recourse, error) {
	bound, values := seen(sight, "e.region_code", "e.uscc")
	row := t.QueryRowContext(ctx, t.Rebind(listedRecourse+`r.id = ? AND `+bound), append([]any{id}, values...)...)
	r, err := readListed(row.Scan)
	if err != nil {
		return nil, err
	}
	if r.Steps, err = t.recourseSteps(ctx, r.ID); err != nil {
		return nil, err
	}
	r.Deciders, err = t.decidersBefore(ctx, &r)
	return &r, err
}

// decidersBefore returns everybody who decided before: here, in what an appeal is about, and on the entry of a list that it is about.
func (t *tx) decidersBefore(ctx context.Context, r *Recourse) ([]string, error) {
	who, err := t.listingAuthors(ctx, r)
	if err != nil || r.Against == 0 {
		return append(who, decidersOf(r.Steps)...), err
	}
	about, err := t.recourse(ctx, access.Everything(), r.Against)
	if err != nil {
		return nil, err
	}
	return append(about.Deciders, decidersOf(r.Steps)...), nil
}

func decidersOf(steps []RecourseStep) (who []string) {
	for i := range steps {
		if slices.Contains([]supervision.Step{supervision.Decide, supervision.Reverse, supervision.Hide, supervision.Revoke}, steps[i].Step) {
			who = append(who, steps[i].Actor)
		}
	}
	return who
}

func (t *tx) recourseSteps(ctx context.Context, id int64) (steps []RecourseStep, err error) {
	const query = `SELECT step, state, outcome, actor, side, higher, reason, at FROM recourse_step WHERE recourse_id = ? ORDER BY number`
	err = t.each(ctx, query, []any{id}, func(scan func(...any) error) error {
		var s RecourseStep
		var at int64
		err := scan((*string)(&s.Step), (*string)(&s.State), (*string)(&s.Outcome), &s.Actor, (*string)(&s.Side), &s.Higher, &s.Reason, &at)
		s.At = instant(at)
		steps = append(steps, s)
		return err
	})
	return steps, err
}

// RecourseSort is an order of RecoursePage.
type RecourseSort string

// The orders. The number breaks ties.
const (
	RecourseNewest RecourseSort = "-id"
	RecourseOldest RecourseSort = "id"
	RecourseDue    RecourseSort = "due_on" // what the bureau must do soonest first, so what is overdue; then all that waits for nobody
)

// recourseOrders holds for each order its expression, direction and comparison.
var recourseOrders = map[RecourseSort]struct{ expression, direction, after string }{
	RecourseNewest: {"r.id", "DESC", "<"},
	RecourseOldest: {"r.id", "ASC", ">"},
	RecourseDue:    {"CASE WHEN r.state IN ('filed', 'accepted') THEN r.due_on ELSE 999999 END", "ASC", ">"},
}

// RecourseFilter chooses recourses. The zero value chooses all, newest first.
type RecourseFilter struct {
	USCC    registry.USCC
	Kind    supervision.Kind
	State   supervision.State
	Region  string       // a division of any level: all below it
	Overdue registry.Day // only those that the bureau should have acted on before this day; 0: all
	Sort    RecourseSort
	Cursor  string // Next of the page before
	Limit   int    // 1 to 500; 0 means 50
}

// RecoursePage is one page of a list. Next is empty on the last one.
type RecoursePage struct {
	Items []Recourse
	Next  string
}

type recourseCursor struct {
	Sort RecourseSort `json:"s"`
	Key  int64        `json:"k"`
	ID   int64        `json:"i"`
}

func (f *RecourseFilter) conditions(sight access.Sight) (string, []any) {
	where, values := seen(sight, "e.region_code", "e.uscc")
	and := func(condition string, more ...any) { where, values = where+" AND "+condition, append(values, more...) }
	if f.USCC != "" {
		and("r.uscc = ?", string(f.USCC))
	}
	if f.Kind != "" {
		and("r.kind = ?", string(f.Kind))
	}
	if f.State != "" {
		and("r.state = ?", string(f.State))
	}
	if f.Region != "" {
		prefix := regionPrefix(f.Region)
		and("e.region_code >= ? AND e.region_code < ?", prefix, prefix+":") // ':' follows '9'
	}
	if f.Overdue != 0 {
		and("r.state IN ('filed', 'accepted') AND r.due_on < ?", int64(f.Overdue))
	}
	return where, values
}

// RecoursePage returns one page of the recourses of enterprises within a sight, without their steps. ErrCursor for a cursor of another list.
func (db *DB) RecoursePage(ctx context.Context, sight access.Sight, f RecourseFilter) (*RecoursePage, error) {
	if f.Sort == "" {
		f.Sort = RecourseNewest
	}
	if f.Limit <= 0 || f.Limit > 500 {
		f.Limit = 50
	}
	order, ok := recourseOrders[f.Sort]
	if !ok || !storable(string(f.USCC), f.Region) {
		return nil, fmt.Errorf("list recourses: %q is no order: %w", f.Sort, ErrCursor)
	}
	where, values := f.conditions(sight)
	if f.Cursor != "" {
		var c recourseCursor
		if json.Unmarshal([]byte(f.Cursor), &c) != nil || c.Sort != f.Sort || f.Sort == RecourseDue && !isDay(c.Key) {
			return nil, fmt.Errorf("list recourses: %w", ErrCursor)
		}
		where += ` AND (` + order.expression + ` ` + order.after + ` ? OR ` + order.expression + ` = ? AND r.id > ?)`
		values = append(values, c.Key, c.Key, c.ID)
	}
	query := listedRecourse + where + ` ORDER BY ` + order.expression + ` ` + order.direction + `, r.id LIMIT ?`
	found, err := collect(ctx, db, "list recourses", query, append(values, f.Limit+1), readListed)
	if err != nil {
		return nil, err
	}
	page := &RecoursePage{Items: found}
	if len(found) > f.Limit {
		last := &found[f.Limit-1]
		page.Items, page.Next = found[:f.Limit], list(recourseCursor{f.Sort, last.sortKey(f.Sort), last.ID})
	}
	return page, nil
}

func (r *Recourse) sortKey(sort RecourseSort) int64 {
	switch {
	case sort != RecourseDue:
		return r.ID
	case r.State == supervision.Filed || r.State == supervision.Accepted:
		return int64(r.Due)
	}
	return 999_999
}

// PublishedReply returns what an enterprise says beside its grade, or nil when it says nothing.
func (db *DB) PublishedReply(ctx context.Context, code registry.USCC) (*Recourse, error) {
	found, err := collectHot(ctx, db, "read reply", `SELECT `+recourseColumns+` FROM recourse WHERE uscc = ? AND state = 'published'`, []any{string(code)},
		func(scan func(...any) error) (Recourse, error) { return readRecourse(scan) })
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}
