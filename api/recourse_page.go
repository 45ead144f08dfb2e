package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/supervision"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// recourseRows is how many recourses the desk lists at a time, and recoursesShown how many an enterprise's page does.
const (
	recourseRows   = 25
	recoursesShown = 10
)

// recoursesPage answers GET /recourses: the desk, what is overdue first.
func (s *server) recoursesPage(c *gin.Context) {
	query, err := readQuery(c.Request, "lang", "kind", "state", "county", "overdue", "uscc", "after")
	if err != nil {
		s.fail(c, err)
		return
	}
	view := web.RecoursesPage{Page: s.page(c), Filter: web.RecourseFilter{Kind: query.Get("kind"), State: query.Get("state"), County: query.Get("county"),
		Overdue: query.Get("overdue") == "true", After: query.Get("after")}}
	list, err := s.recourseList(c, url.Values{"kind": {view.Filter.Kind}, "state": {view.Filter.State}, "region": {view.Filter.County}, "overdue": {query.Get("overdue")},
		"uscc": {query.Get("uscc")}, "sort": {string(schema.RecourseDue)}, "cursor": {view.Filter.After}, "limit": {strconv.Itoa(recourseRows)}})
	if err != nil {
		s.fail(c, err)
		return
	}
	for i := range list.Items {
		view.Rows = append(view.Rows, recourseRow(&list.Items[i]))
	}
	view.Next = list.Next
	if view.Counties, err = s.countyChoices(c.Request.Context(), s.sight(c)); err != nil {
		s.fail(c, err)
		return
	}
	s.render(c, http.StatusOK, view)
}

// countyChoices lists the counties within a sight.
func (s *server) countyChoices(ctx context.Context, sight access.Sight) (choices []web.Choice, err error) {
	divisions, names, err := s.divisions(ctx)
	if err != nil {
		return nil, err
	}
	for _, d := range divisions {
		if d.Level() == registry.LevelCounty && sight.Covers(d.Code) {
			choices = append(choices, web.Choice{Value: d.Code, Label: fullName(names, d.Code, cityOf(d.Code))})
		}
	}
	return choices, nil
}

func recourseRow(r *RecourseItem) web.RecourseRow {
	row := web.RecourseRow{Number: r.ID, USCC: r.USCC, Name: r.Name, Kind: string(r.Kind), State: string(r.State), Outcome: string(r.Outcome), FiledOn: r.FiledOn, DueOn: r.DueOn,
		Overdue: r.Overdue, List: r.List}
	if r.Source != "" {
		row.Record = r.Source + " " + r.SourceRef
	}
	return row
}

// recoursePage answers GET /recourses/:id.
func (s *server) recoursePage(c *gin.Context) {
	if _, err := readQuery(c.Request, "lang"); err != nil {
		s.fail(c, err)
		return
	}
	s.showRecourse(c, http.StatusOK, "", "")
}

// showRecourse shows the recourse of the address, with why a step was refused and what was typed.
func (s *server) showRecourse(c *gin.Context, status int, problem, reason string) {
	r, err := s.seenRecourse(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	caller, err := s.caller(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	view, err := s.recourseView(c, caller, r)
	if err != nil {
		s.fail(c, err)
		return
	}
	view.Problem, view.Reason = problem, reason
	view.Path = "/recourses/" + strconv.FormatInt(r.ID, 10) // a reader who changes the language comes back to the page
	s.render(c, status, view)
}

func (s *server) recourseView(c *gin.Context, caller *access.Caller, r *schema.Recourse) (web.RecoursePage, error) {
	answer := s.newRecourseAnswer(caller, r)
	view := web.RecoursePage{Page: s.page(c), RecourseRow: recourseRow(&answer.RecourseItem), Against: r.Against, Text: r.Text, FiledBy: r.Filer, OnBehalf: r.OnBehalf, Duties: r.Duties,
		WeekendsOnly: answer.Calendar != "", Next: answer.Next, MaxReason: supervision.MaxReason, MaxText: supervision.MaxText}
	for _, step := range r.Steps {
		view.Steps = append(view.Steps, web.RecourseStep{Step: string(step.Step), Outcome: string(step.Outcome), By: step.Actor, Higher: step.Higher, Reason: step.Reason, At: step.At})
	}
	about := r
	if r.Against != 0 {
		var err error
		if about, err = s.store.Recourse(c.Request.Context(), access.Sight{Owns: []registry.USCC{r.USCC}}, r.Against); err != nil {
			return view, fmt.Errorf("read what an appeal is about: %w", err)
		}
	}
	view.List = about.List()
	for _, outcome := range r.Kind.Outcomes() {
		if view.List != "" && outcome == supervision.Partly {
			continue // an entry stands or does not
		}
		view.Outcomes = append(view.Outcomes, web.Choice{Value: string(outcome), Label: view.Term("recourse_outcome", string(outcome))})
	}
	record, err := s.recordAbout(c.Request.Context(), about)
	if err != nil || record == nil {
		return view, err
	}
	view.Record = recourseRecord(record, about.RevokedOn)
	if about.Kind == supervision.Objection && view.List == "" {
		for _, outcome := range registry.Kinds[record.Kind].Outcomes {
			if outcome != record.Outcome {
				view.Results = append(view.Results, web.Choice{Value: outcome, Label: view.Term("outcome", outcome)})
			}
		}
	}
	return view, nil
}

// recordAbout returns the newest revision of the record that a recourse is about, nil for none.
func (s *server) recordAbout(ctx context.Context, r *schema.Recourse) (*registry.Record, error) {
	if r.Source == "" {
		return nil, nil
	}
	records, err := s.store.RecordsOf(ctx, r.USCC)
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	for i := len(records) - 1; i >= 0; i-- {
		if records[i].Source == r.Source && records[i].SourceRef == r.SourceRef {
			return &records[i], nil
		}
	}
	return nil, nil
}

func recourseRecord(r *registry.Record, restarted registry.Day) *web.RecourseRecord {
	line := &web.RecourseRecord{Source: r.Source, SourceRef: r.SourceRef, Kind: string(r.Kind), Outcome: r.Outcome, OccurredOn: r.OccurredOn, State: string(r.State)}
	if severity := max(r.Severity, r.Worst()); severity != registry.SeverityNone {
		line.Severity = severity.String()
	}
	if supervision.Repairable(r) {
		term := supervision.PublicationOf(r, restarted)
		line.RepairFrom, line.PublishedUntil = term.Repair, term.Until
	}
	return line
}

// recourseFormStepped answers POST /recourses/:id/STEP, the forms of the page: back to the page; or the page with what is wrong.
func (s *server) recourseFormStepped(step supervision.Step) gin.HandlerFunc {
	return func(c *gin.Context) {
		if _, err := readQuery(c.Request, "lang"); err != nil {
			s.fail(c, err)
			return
		}
		form, err := readForm(c.Request, "reason", "outcome", "record_outcome", "record_severity")
		if err != nil {
			s.fail(c, err)
			return
		}
		body := RecourseStepBody{form.Get("reason"), form.Get("outcome"), form.Get("record_outcome"), form.Get("record_severity")}
		after, err := s.stepRecourse(c, step, &body)
		if err != nil {
			s.formRefused(c, err, func(status int, problem string) { s.showRecourse(c, status, problem, body.Reason) })
			return
		}
		s.redirect(c, "/recourses/"+strconv.FormatInt(after.ID, 10), "")
	}
}

// formRefused shows the page of a form again when the person can do something about the problem.
func (s *server) formRefused(c *gin.Context, err error, again func(status int, problem string)) {
	p := problemOf(err, s.page(c).Lang)
	if p.Status != http.StatusBadRequest && p.Status != http.StatusConflict && !errors.Is(err, schema.ErrNoRecord) {
		s.fail(c, err)
		return
	}
	problem := p.Title
	if p.Detail != "" {
		problem += " (" + p.Detail + ")"
	}
	again(p.Status, problem)
}

// redirect leads back to a page of ours in the language that the reader chose.
func (s *server) redirect(c *gin.Context, path, fragment string) {
	page := web.Page{Path: path}
	page.Lang, page.Chosen = web.ParseLanguage(c.Query("lang"))
	c.Redirect(http.StatusSeeOther, page.Link(path)+fragment)
}

// recourseFormFiled answers POST /enterprises/:uscc/recourses, the forms of an enterprise's page.
func (s *server) recourseFormFiled(c *gin.Context) {
	if _, err := readQuery(c.Request, "lang"); err != nil {
		s.fail(c, err)
		return
	}
	form, err := readForm(c.Request, "kind", "record", "against", "text", "duties_done", "harm_removed")
	if err != nil {
		s.fail(c, err)
		return
	}
	body, err := filingOfForm(form)
	var filed *schema.Recourse
	if err == nil {
		filed, err = s.file(c, body)
	}
	if err != nil {
		s.formRefused(c, err, func(status int, problem string) { s.filingAgain(c, status, problem, form) })
		return
	}
	s.redirect(c, "/recourses/"+strconv.FormatInt(filed.ID, 10), "")
}

// filingOfForm reads the form. A record is a JSON list of its source and its number there.
func filingOfForm(form url.Values) (*RecourseBody, error) {
	body := &RecourseBody{Kind: form.Get("kind"), Text: form.Get("text"), DutiesDone: form.Get("duties_done") == "true", HarmRemoved: form.Get("harm_removed") == "true"}
	if text := form.Get("record"); text != "" {
		var name [2]string
		if json.Unmarshal([]byte(text), &name) != nil {
			return nil, badField("record", "is not one of the list", "a record of the list")
		}
		body.Source, body.SourceRef = name[0], name[1]
	}
	if text := form.Get("against"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, badField("against", "is not one of the list", "something of the list")
		}
		body.Against = n
	}
	return body, nil
}

// filingAgain shows the page of the enterprise with what was typed.
func (s *server) filingAgain(c *gin.Context, status int, problem string, form url.Values) {
	s.enterpriseAgain(c, status, func(view *web.EnterprisePage) {
		view.Answering.Problem, view.Answering.Kind, view.Answering.Text = problem, form.Get("kind"), form.Get("text")
	})
}

// answering is the part of an enterprise's page about its recourses.
func (s *server) answering(c *gin.Context, page web.Page, code registry.USCC) (*web.Answering, error) {
	ctx, today := c.Request.Context(), registry.DayOf(s.now())
	caller, err := s.caller(c)
	if err != nil {
		return nil, err
	}
	stored, err := s.store.RecoursePage(ctx, s.sight(c), schema.RecourseFilter{USCC: code, Limit: maxLimit})
	if err != nil {
		return nil, fmt.Errorf("list recourses: %w", err)
	}
	e, err := s.register(ctx, code)
	if err != nil {
		return nil, err
	}
	view := &web.Answering{MayFile: caller.ActsFor(code) || caller.Holds(access.Supervisor, e.RegionCode), MaxText: supervision.MaxText, MaxReply: supervision.MaxReply,
		More: len(stored.Items) > recoursesShown, MayReply: true}
	for i := range stored.Items {
		item := newRecourseItem(&stored.Items[i], today)
		if i < recoursesShown {
			view.Rows = append(view.Rows, recourseRow(&item))
		}
		if r := &stored.Items[i]; r.Contestable() && today <= r.Due {
			view.Contested = append(view.Contested, web.Choice{Value: strconv.FormatInt(r.ID, 10), Label: page.Term("recourse_kind", string(r.Kind)) + " " + strconv.FormatInt(r.ID, 10)})
		}
		view.MayReply = view.MayReply && (item.Kind != supervision.Reply || item.State != supervision.Published && item.State != supervision.Appealed)
	}
	return view, s.answerable(ctx, page, code, stored.Items, view)
}

// answerable lists what may still be filed about the records and the grade.
func (s *server) answerable(ctx context.Context, page web.Page, code registry.USCC, filed []schema.Recourse, view *web.Answering) error {
	records, err := s.store.RecordsOf(ctx, code)
	if err != nil {
		return fmt.Errorf("read records: %w", err)
	}
	today := registry.DayOf(s.now())
	standing := registry.Standing(records, today)
	for first := 0; first < len(records); {
		end := first + 1
		for end < len(records) && records[end].Source == records[first].Source && records[end].SourceRef == records[first].SourceRef {
			end++
		}
		s.offer(page, records[first:end], standing, filed, view)
		first = end
	}
	if err := s.offerListings(ctx, page, code, filed, view); err != nil {
		return err
	}
	grade, err := s.gradeOf(ctx, code)
	if err != nil || grade == nil {
		return err
	}
	if today <= supervision.Appeal.FileUntil(grade.ChangedOn, supervision.China()) && !openAbout(filed, "", "") {
		view.Contested = append(view.Contested, web.Choice{Value: "0", Label: page.Term("recourse", "grade")})
	}
	return nil
}

// offer lists one record where the enterprise may still do something about it.
func (s *server) offer(page web.Page, revisions, standing []registry.Record, filed []schema.Recourse, view *web.Answering) {
	today := registry.DayOf(s.now())
	newest := &revisions[len(revisions)-1]
	open := openAbout(filed, newest.Source, newest.SourceRef)
	restarted := restartedOn(filed, newest)
	if supervision.Repairable(newest) && newest.State != registry.StateRepaired && newest.State != registry.StateVoided {
		view.Terms = append(view.Terms, *recourseRecord(newest, restarted))
	}
	name, err := json.Marshal([2]string{newest.Source, newest.SourceRef})
	if err != nil || open || schema.ListOf(newest.Source, newest.SourceRef) != "" { // an entry of a list is offered by itself
		return
	}
	choice := web.Choice{Value: string(name), Label: page.Term("kind", string(newest.Kind)) + " · " + page.Term("outcome", newest.Outcome) + " · " + newest.OccurredOn.String() + " · " + newest.SourceRef}
	if supervision.CanObject(revisions, today, supervision.China()) == nil && !decidedAbout(filed, newest) {
		view.Objectable = append(view.Objectable, choice)
	}
	if supervision.CanRepair(newest, standing, supervision.Duties{Done: true, Removed: true}, restarted, today) == nil {
		view.Repairable = append(view.Repairable, choice)
	}
}

// offerListings lists the notices and entries of lists that can still be objected to.
func (s *server) offerListings(ctx context.Context, page web.Page, code registry.USCC, filed []schema.Recourse, view *web.Answering) error {
	listings, err := s.store.ListingsOf(ctx, code)
	if err != nil {
		return fmt.Errorf("read listings: %w", err)
	}
	for i := range listings {
		l := &listings[i]
		about := registry.Record{Source: schema.ListingSource, SourceRef: l.ContestedRef()}
		if l.CanObject(registry.DayOf(s.now()), supervision.China()) != nil || openAbout(filed, about.Source, about.SourceRef) || decidedAbout(filed, &about) {
			continue
		}
		name, err := json.Marshal([2]string{about.Source, about.SourceRef})
		if err != nil {
			return fmt.Errorf("write a choice: %w", err)
		}
		label := page.Term("list", l.List) + " · " + page.Term("listing_state", string(l.State)) + " · " + l.Since.String()
		view.Objectable = append(view.Objectable, web.Choice{Value: string(name), Label: label})
	}
	return nil
}

// openAbout reports whether a recourse about a record is open; of no record: an appeal about the grade.
func openAbout(filed []schema.Recourse, source, ref string) bool {
	return slices.ContainsFunc(filed, func(r schema.Recourse) bool {
		return r.State.Open() && r.Source == source && r.SourceRef == ref && (source != "" || r.Kind == supervision.Appeal && r.Against == 0)
	})
}

func decidedAbout(filed []schema.Recourse, newest *registry.Record) bool {
	return slices.ContainsFunc(filed, func(r schema.Recourse) bool {
		return r.Kind == supervision.Objection && (r.State == supervision.Decided || r.State == supervision.Appealed) && r.Source == newest.Source && r.SourceRef == newest.SourceRef
	})
}

func restartedOn(filed []schema.Recourse, newest *registry.Record) (on registry.Day) {
	for i := range filed {
		if filed[i].Source == newest.Source && filed[i].SourceRef == newest.SourceRef {
			on = max(on, filed[i].RevokedOn)
		}
	}
	return on
}

// publicReply is what an enterprise says beside its grade, nil for nothing.
func (s *server) publicReply(ctx context.Context, code registry.USCC) (*web.PublicReply, error) {
	r, err := s.store.PublishedReply(ctx, code)
	if err != nil {
		return nil, fmt.Errorf("read reply: %w", err)
	}
	if r == nil {
		return nil, nil
	}
	return &web.PublicReply{Text: r.Text, On: r.FiledOn}, nil
}
