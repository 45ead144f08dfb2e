package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/supervision"

	"github.com/gin-gonic/gin"
)

// RecourseStore keeps what enterprises ask for.
type RecourseStore interface {
	FileRecourse(ctx context.Context, f schema.RecourseFiling) (*schema.Recourse, error)
	// StepRecourse takes a step within a sight, or returns an error that wraps schema.ErrNotFound.
	StepRecourse(ctx context.Context, sight access.Sight, id int64, act schema.RecourseAct, days *supervision.Calendar) (*schema.Recourse, error)
}

// RecourseReader reads what enterprises asked for.
type RecourseReader interface {
	// Recourse returns one within a sight with its steps, or an error that wraps schema.ErrNotFound.
	Recourse(ctx context.Context, sight access.Sight, id int64) (*schema.Recourse, error)
	RecoursePage(ctx context.Context, sight access.Sight, f schema.RecourseFilter) (*schema.RecoursePage, error)
	// PublishedReply returns what an enterprise says beside its grade, nil for nothing.
	PublishedReply(ctx context.Context, code registry.USCC) (*schema.Recourse, error)
}

// ErrNoRecourse is the reason for a number that no recourse within the caller's sight has.
var ErrNoRecourse = errors.New("there is no such recourse")

// recourseRoutes are about what enterprises ask for. Staff act where they are supervisor; what the enterprise itself does they may do on its behalf.
func (s *server) recourseRoutes() []Route {
	const get, post = http.MethodGet, http.MethodPost
	own := access.Rule{Roles: []access.Role{access.Reader}, Enterprise: true}
	author := access.Rule{Roles: []access.Role{access.Supervisor}, Enterprise: true}
	routes := []Route{
		{get, "/recourses", own, s.recoursesPage},
		{get, "/recourses/:id", own, s.recoursePage},
		{post, "/enterprises/:uscc/recourses", author, s.recourseFormFiled},
		{get, "/api/v1/recourses", own, s.recoursesListed},
		{get, "/api/v1/recourses/:id", own, s.recourseShown},
		{post, "/api/v1/enterprises/:uscc/recourses", author, s.recourseFiled},
		{post, "/api/v1/recourses/:id/appeal", author, s.recourseAppealed},
	}
	officer := access.Rule{Roles: []access.Role{access.Supervisor}}
	for _, step := range []supervision.Step{supervision.Accept, supervision.Return, supervision.Decide, supervision.Hide, supervision.Revoke, supervision.Complete, supervision.Withdraw} {
		rule := officer
		if step == supervision.Complete || step == supervision.Withdraw {
			rule = author
		}
		routes = append(routes, Route{post, "/api/v1/recourses/:id/" + string(step), rule, s.recourseStepped(step)},
			Route{post, "/recourses/:id/" + string(step), rule, s.recourseFormStepped(step)})
	}
	return routes
}

// RecourseBody is what POST /api/v1/enterprises/:uscc/recourses takes. An objection names a record or a list, a repair a record; an appeal what it is about, or
// nothing for the grade; a repair declares that the duties are done and the harm is removed.
type RecourseBody struct {
	Kind        string `json:"kind"` // objection, repair, appeal or reply
	Source      string `json:"source"`
	SourceRef   string `json:"source_ref"`
	List        string `json:"list"` // of an objection, in place of a record: serious_violation, the notice or the entry as it stands
	Against     int64  `json:"against"`
	Text        string `json:"text"` // plain text, at most 2000 characters, of a reply 500
	DutiesDone  bool   `json:"duties_done"`
	HarmRemoved bool   `json:"harm_removed"`
}

// RecourseAppealBody is what POST /api/v1/recourses/:id/appeal takes.
type RecourseAppealBody struct {
	Text string `json:"text"`
}

// RecourseStepBody is what a step takes. Only a decision has an outcome; where it upholds an objection, or an appeal against one, the outcome and the
// severity that the record should have had, and nothing of both where it is void.
type RecourseStepBody struct {
	Reason         string `json:"reason"`
	Outcome        string `json:"outcome"`
	RecordOutcome  string `json:"record_outcome"`
	RecordSeverity string `json:"record_severity"`
}

// RecourseItem is one line of the list as JSON.
type RecourseItem struct {
	ID         int64               `json:"id"`
	USCC       registry.USCC       `json:"uscc"`
	Name       string              `json:"name"`
	RegionCode string              `json:"region_code"`
	Kind       supervision.Kind    `json:"kind"`
	State      supervision.State   `json:"state"`
	Outcome    supervision.Outcome `json:"outcome,omitempty"`
	Source     string              `json:"source,omitempty"` // the record that it is about
	SourceRef  string              `json:"source_ref,omitempty"`
	List       string              `json:"list,omitempty"`    // the list whose notice or entry an objection is about
	Against    int64               `json:"against,omitempty"` // the recourse that an appeal is about
	FiledOn    registry.Day        `json:"filed_on"`
	DueOn      registry.Day        `json:"due_on,omitzero"` // by when the next step is to be taken
	Overdue    bool                `json:"overdue"`         // the bureau has let that pass
	ChangedAt  time.Time           `json:"changed_at"`
}

// RecourseAnswer is one recourse as JSON.
type RecourseAnswer struct {
	RecourseItem
	Text     string             `json:"text"`
	FiledBy  string             `json:"filed_by"`
	OnBehalf bool               `json:"on_behalf,omitempty"` // by a supervisor for the enterprise
	Steps    []RecourseStepItem `json:"steps"`
	Next     []supervision.Step `json:"next"`               // what the caller may do now
	Calendar string             `json:"calendar,omitempty"` // weekends_only: the holidays of due_on's year are not known yet
}

// RecourseStepItem is one step of a recourse as JSON.
type RecourseStepItem struct {
	Step    supervision.Step    `json:"step"`
	State   supervision.State   `json:"state"` // after it
	Outcome supervision.Outcome `json:"outcome,omitempty"`
	By      string              `json:"by"`
	Side    supervision.Side    `json:"side"`
	Higher  bool                `json:"higher,omitempty"` // by an officer of a region above the enterprise's county
	Reason  string              `json:"reason,omitempty"`
	At      time.Time           `json:"at"`
}

func newRecourseItem(r *schema.Recourse, today registry.Day) RecourseItem {
	return RecourseItem{r.ID, r.USCC, r.Name, r.RegionCode, r.Kind, r.State, r.Outcome, r.Source, r.SourceRef, r.List(), r.Against, r.FiledOn, r.Due, r.Overdue(today), r.ChangedAt}
}

// weekendsOnly says that a date was counted without the holidays of its year.
const weekendsOnly = "weekends_only"

func (s *server) newRecourseAnswer(caller *access.Caller, r *schema.Recourse) *RecourseAnswer {
	today := registry.DayOf(s.now())
	answer := &RecourseAnswer{RecourseItem: newRecourseItem(r, today), Text: r.Text, FiledBy: r.Filer, OnBehalf: r.OnBehalf, Steps: make([]RecourseStepItem, len(r.Steps)),
		Next: nextSteps(caller, r, today)}
	for i, step := range r.Steps {
		answer.Steps[i] = RecourseStepItem{step.Step, step.State, step.Outcome, step.Actor, step.Side, step.Higher, step.Reason, step.At}
	}
	if r.Due != 0 && !supervision.China().Knows(r.Due) {
		answer.Calendar = weekendsOnly
	}
	return answer
}

// nextSteps lists what a caller may do with a recourse now.
func nextSteps(caller *access.Caller, r *schema.Recourse, today registry.Day) []supervision.Step {
	next := []supervision.Step{}
	officer := caller.Holds(access.Supervisor, r.RegionCode)
	if officer {
		next = append(next, r.Next(supervision.Officer, caller.Name, today)...)
	}
	if !officer && !caller.ActsFor(r.USCC) {
		return next
	}
	for _, step := range r.Next(supervision.Author, caller.Name, today) {
		if step != supervision.Withdraw || mayWithdraw(caller, r) {
			next = append(next, step)
		}
	}
	return next
}

// mayWithdraw reports whether a caller may take a recourse back: the enterprise's own people, and a supervisor what a supervisor filed for it.
// Otherwise the bureau could end an objection without deciding it.
func mayWithdraw(caller *access.Caller, r *schema.Recourse) bool {
	return caller.ActsFor(r.USCC) || r.OnBehalf
}

// recourseFiled answers POST /api/v1/enterprises/:uscc/recourses with 201.
func (s *server) recourseFiled(c *gin.Context) {
	var body RecourseBody
	if err := decodeJSON(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	filed, err := s.file(c, &body)
	s.answerFiled(c, filed, err)
}

func (s *server) answerFiled(c *gin.Context, filed *schema.Recourse, err error) {
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Header("Location", "/api/v1/recourses/"+strconv.FormatInt(filed.ID, 10))
	s.answerRecourse(c, http.StatusCreated, filed)
}

func (s *server) answerRecourse(c *gin.Context, status int, r *schema.Recourse) {
	caller, err := s.caller(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(status, s.newRecourseAnswer(caller, r))
}

// file files what a body says for the enterprise of the address.
func (s *server) file(c *gin.Context, body *RecourseBody) (*schema.Recourse, error) {
	code, err := readUSCC(c.Param("uscc"))
	if err != nil {
		return nil, err
	}
	return s.fileFor(c, code, body)
}

func (s *server) fileFor(c *gin.Context, code registry.USCC, body *RecourseBody) (*schema.Recourse, error) {
	caller, err := s.caller(c)
	if err != nil {
		return nil, err
	}
	f := schema.RecourseFiling{USCC: code, Kind: supervision.Kind(body.Kind), Source: body.Source, SourceRef: body.SourceRef, List: body.List, Against: body.Against,
		Duties: body.DutiesDone && body.HarmRemoved, By: caller.Name, OnBehalf: !caller.ActsFor(code), On: registry.DayOf(s.now()), Days: supervision.China()}
	if err := body.check(&f); err != nil {
		return nil, err
	}
	filed, err := s.store.FileRecourse(c.Request.Context(), f)
	return filed, recourseProblem(err)
}

// check refuses parts that do not belong to the kind, and a text that is none.
func (b *RecourseBody) check(f *schema.RecourseFiling) (err error) {
	about := f.Kind == supervision.Objection || f.Kind == supervision.Repair
	switch {
	case !slices.Contains(supervision.Kinds, f.Kind):
		return badField("kind", "is not known", fmt.Sprintf("one of %v", supervision.Kinds))
	case b.List != "" && (f.Kind != supervision.Objection || b.Source != "" || b.SourceRef != ""):
		return badField("list", "does not go with "+string(f.Kind)+" or beside a record", "nothing")
	case b.List != "" && b.List != supervision.ListSerious:
		return badField("list", "is not known", supervision.ListSerious)
	case about && b.List == "" && (b.Source == "" || b.SourceRef == ""):
		return badField("source_ref", "is missing", "source and source_ref of a record of the enterprise")
	case !about && (b.Source != "" || b.SourceRef != ""):
		return badField("source", "does not go with "+string(f.Kind), "nothing")
	case f.Kind != supervision.Appeal && b.Against != 0:
		return badField("against", "does not go with "+string(f.Kind), "nothing")
	case b.Against < 0:
		return badField("against", "is negative", "the number of what is appealed against, or nothing for the grade")
	case f.Kind != supervision.Repair && (b.DutiesDone || b.HarmRemoved):
		return badField("duties_done", "does not go with "+string(f.Kind), "nothing")
	}
	f.Text, err = plainText("text", b.Text, f.Kind.MostOf())
	return err
}

func plainText(field, text string, most int) (string, error) {
	plain, err := supervision.PlainText(text, most)
	if err != nil {
		return "", badField(field, "is empty, too long or not plain text", fmt.Sprintf("1 to %d characters of plain text", most))
	}
	return plain, nil
}

// recourseProblem turns what the rules and the store say into what a client is told.
func recourseProblem(err error) error {
	var problems registry.Problems
	switch {
	case err == nil:
		return nil
	case errors.Is(err, schema.ErrNotFound):
		return fmt.Errorf("%w: %w", ErrNoRecourse, err)
	case errors.Is(err, supervision.ErrOutcome):
		return badField("outcome", "does not fit", "upheld, partly or dismissed; for a repair granted or refused")
	case errors.Is(err, supervision.ErrReason):
		return badField("reason", "is missing", "the reason, in plain text")
	case errors.Is(err, schema.ErrCannotCount) && errors.As(err, &problems):
		return &fieldError{problems, ErrField}
	}
	return err
}

// recourseAppealed answers POST /api/v1/recourses/:id/appeal with 201 and the appeal.
func (s *server) recourseAppealed(c *gin.Context) {
	var body RecourseAppealBody
	if err := decodeJSON(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	about, err := s.seenRecourse(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	filed, err := s.fileFor(c, about.USCC, &RecourseBody{Kind: string(supervision.Appeal), Against: about.ID, Text: body.Text})
	s.answerFiled(c, filed, err)
}

// seenRecourse reads the recourse of the address within the caller's sight.
func (s *server) seenRecourse(c *gin.Context) (*schema.Recourse, error) {
	id, err := readRecourseID(c.Param("id"))
	if err != nil {
		return nil, err
	}
	r, err := s.store.Recourse(c.Request.Context(), s.sight(c), id)
	return r, recourseProblem(err)
}

func readRecourseID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 || strconv.FormatInt(id, 10) != text {
		return 0, ErrNoRecourse
	}
	return id, nil
}

// recourseShown answers GET /api/v1/recourses/:id.
func (s *server) recourseShown(c *gin.Context) {
	r, err := s.seenRecourse(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.answerRecourse(c, http.StatusOK, r)
}

// recourseStepped answers POST /api/v1/recourses/:id/STEP with the recourse after it.
func (s *server) recourseStepped(step supervision.Step) gin.HandlerFunc {
	return func(c *gin.Context) {
		var body RecourseStepBody
		if err := decodeJSON(c.Request, &body); err != nil {
			s.fail(c, err)
			return
		}
		after, err := s.stepRecourse(c, step, &body)
		if err != nil {
			s.fail(c, err)
			return
		}
		s.answerRecourse(c, http.StatusOK, after)
	}
}

func (s *server) stepRecourse(c *gin.Context, step supervision.Step, body *RecourseStepBody) (*schema.Recourse, error) {
	r, err := s.seenRecourse(c)
	if err != nil {
		return nil, err
	}
	caller, err := s.caller(c)
	if err != nil {
		return nil, err
	}
	act := schema.RecourseAct{Act: supervision.Act{Step: step, By: caller.Name, Side: supervision.Officer, On: registry.DayOf(s.now()), Outcome: supervision.Outcome(body.Outcome)},
		Higher: caller.Holds(access.Supervisor, cityOf(r.RegionCode))}
	if step == supervision.Complete || step == supervision.Withdraw {
		act.Side, act.Higher = supervision.Author, false
	}
	if step == supervision.Withdraw && !mayWithdraw(caller, r) {
		return nil, ErrForbidden
	}
	if err := body.check(step, &act); err != nil {
		return nil, err
	}
	after, err := s.store.StepRecourse(c.Request.Context(), s.sight(c), r.ID, act, supervision.China())
	return after, recourseProblem(err)
}

func (b *RecourseStepBody) check(step supervision.Step, act *schema.RecourseAct) (err error) {
	if step != supervision.Decide && (b.Outcome != "" || b.RecordOutcome != "" || b.RecordSeverity != "") {
		return badField("outcome", "does not go with "+string(step), "nothing")
	}
	if b.Reason != "" {
		most := supervision.MaxReason
		if step == supervision.Complete {
			most = supervision.MaxText
		}
		if act.Reason, err = plainText("reason", b.Reason, most); err != nil {
			return err
		}
	}
	if b.RecordSeverity != "" {
		if err := act.Correction.Severity.UnmarshalText([]byte(b.RecordSeverity)); err != nil {
			return badField("record_severity", "is not known", "minor, major or critical")
		}
	}
	act.Correction.Outcome = b.RecordOutcome
	if !act.Correction.Voids() && !act.Outcome.Favours() {
		return badField("record_outcome", "does not go with "+b.Outcome, "nothing")
	}
	return nil
}

// recoursesListed answers GET /api/v1/recourses.
func (s *server) recoursesListed(c *gin.Context) {
	query := s.query(c)
	list, err := s.recourseList(c, query)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, list)
}

func (s *server) recourseList(c *gin.Context, query url.Values) (*List[RecourseItem], error) {
	today := registry.DayOf(s.now())
	f, err := recourseFilter(query, today)
	if err != nil {
		return nil, err
	}
	if f.Limit, err = readLimit(query.Get("limit")); err != nil {
		return nil, err
	}
	page, err := s.store.RecoursePage(c.Request.Context(), s.sight(c), f)
	if errors.Is(err, schema.ErrCursor) {
		return nil, badField("cursor", "is not of this list", "next of the page before, with the same order")
	}
	if err != nil {
		return nil, fmt.Errorf("list recourses: %w", err)
	}
	list := newList[RecourseItem](len(page.Items))
	for i := range page.Items {
		list.Items = append(list.Items, newRecourseItem(&page.Items[i], today))
	}
	list.Next = page.Next
	return list, nil
}

var recourseSorts = []schema.RecourseSort{schema.RecourseNewest, schema.RecourseOldest, schema.RecourseDue}

// recourseFilter reads kind, state, overdue, region, uscc, sort and cursor.
func recourseFilter(query url.Values, today registry.Day) (f schema.RecourseFilter, err error) {
	f = schema.RecourseFilter{Kind: supervision.Kind(query.Get("kind")), State: supervision.State(query.Get("state")), Region: query.Get("region"),
		Sort: schema.RecourseSort(query.Get("sort")), Cursor: query.Get("cursor")}
	if f.Kind != "" && !slices.Contains(supervision.Kinds, f.Kind) {
		return f, badField("kind", "is not known", fmt.Sprintf("one of %v", supervision.Kinds))
	}
	if f.State != "" && !slices.Contains(supervision.States, f.State) {
		return f, badField("state", "is not known", fmt.Sprintf("one of %v", supervision.States))
	}
	if _, ok := registry.RegionLevelOf(f.Region); !ok && f.Region != "" {
		return f, badField("region", "is not a division code", "6, 9 or 12 digits of GB/T 2260, such as 330402")
	}
	if f.Sort != "" && !slices.Contains(recourseSorts, f.Sort) {
		return f, badField("sort", "is not known", fmt.Sprintf("one of %v", recourseSorts))
	}
	switch query.Get("overdue") {
	case "", "false":
	case "true":
		f.Overdue = today
	default:
		return f, badField("overdue", "is not known", "true or false")
	}
	if text := query.Get("uscc"); text != "" {
		f.USCC, err = readUSCC(text)
	}
	return f, err
}
