package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/supervision"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// listingRows is how many entries a page of a list shows at a time.
const listingRows = 25

// publicListingPage answers GET /public/listings/NAME: what the list asks, who is on it, where the data are. It shows everybody the same.
func (s *server) publicListingPage(c *gin.Context, list string) {
	query, err := readQuery(c.Request, "lang", "q", "county", "after")
	if err != nil {
		s.fail(c, err)
		return
	}
	view := web.PublicListingPage{Page: s.page(c), List: list, Lists: supervision.Lists, Text: query.Get("q"), County: query.Get("county"), After: query.Get("after"),
		Licence: web.Licence(s.Licence)}
	for _, part := range []func(context.Context, *web.PublicListingPage) error{s.publicListingHead, s.publicListingCounties, s.publicListingRows} {
		if err := part(c.Request.Context(), &view); err != nil {
			s.fail(c, err)
			return
		}
	}
	s.render(c, http.StatusOK, view)
}

func (s *server) publicListingHead(ctx context.Context, view *web.PublicListingPage) error {
	criteria, err := s.store.ListingCriteria(ctx, view.List, s.today())
	if err != nil {
		return fmt.Errorf("read criteria: %w", err)
	}
	view.Basis, view.Version, view.ValidFrom = criteria.Basis, criteria.Version, criteria.ValidFrom
	view.Criteria = criterionLines(criteria.Check(&supervision.ListingFacts{}, s.today()), 0)
	if t := criteria.Term; t != nil {
		view.Lasts = &web.ListingTerm{Years: t.Years, ExitDays: t.ExitDays, NoticeDays: t.NoticeDays}
	}
	counts, err := s.store.CountListing(ctx, schema.ListingFilter{List: view.List, Everywhere: (&listingView{}).everywhere()})
	if err != nil {
		return fmt.Errorf("count a list: %w", err)
	}
	view.Listed, view.Suspended = int64(counts[supervision.StateListed]), int64(counts[supervision.StateSuspended])
	return nil
}

func (s *server) publicListingCounties(ctx context.Context, view *web.PublicListingPage) error {
	divisions, _, err := s.divisions(ctx)
	for i := range divisions {
		if divisions[i].Level() == registry.LevelCounty {
			view.Counties = append(view.Counties, web.Choice{Value: divisions[i].Code, Label: divisions[i].Name})
		}
	}
	return err
}

func (s *server) publicListingRows(ctx context.Context, view *web.PublicListingPage) error {
	filter, err := listingFilter(url.Values{"q": {strings.TrimSpace(view.Text)}, "region": {view.County}, "cursor": {view.After}})
	if err != nil {
		return err
	}
	filter.List, filter.Limit = view.List, listingRows
	page, err := s.listingList(ctx, &listingView{}, filter)
	if err != nil {
		return err
	}
	for i := range page.Items {
		view.Rows = append(view.Rows, listingRow(&page.Items[i]))
	}
	view.Next = page.Next
	return nil
}

func listingRow(item *ListingItem) web.ListingRow {
	return web.ListingRow{List: item.List, USCC: item.USCC, Name: item.Name, Region: item.Region, State: string(item.State), Since: item.Since, Until: item.Until,
		AnswerBy: item.AnswerBy, Basis: item.LegalBasis, Commitment: item.Commitment, Missed: item.Missed}
}

// criterionLines puts results into lines. On a day it also says when time alone will meet what is missed; 0: it does not.
func criterionLines(results []supervision.CriterionResult, today registry.Day) []web.CriterionLine {
	lines := make([]web.CriterionLine, len(results))
	for i, r := range results {
		lines[i] = web.CriterionLine{Criterion: r.Criterion, Met: r.Met, Found: r.Found, Wanted: r.Wanted}
		found, err := strconv.Atoi(r.Found)
		waits := r.Criterion == supervision.CriterionRegistered || r.Criterion == supervision.CriterionHeld && gradeMet(results)
		if wanted, bad := strconv.Atoi(r.Wanted); today != 0 && !r.Met && waits && err == nil && bad == nil {
			lines[i].On = today + registry.Day(wanted-found)
		}
	}
	return lines
}

// gradeMet reports whether the grade itself is as good as asked, so that only time is missing.
func gradeMet(results []supervision.CriterionResult) bool {
	return !slices.ContainsFunc(results, func(r supervision.CriterionResult) bool {
		return !r.Met && (r.Criterion == supervision.CriterionTier || r.Criterion == supervision.CriterionColour)
	})
}

// listingDesk answers GET /listings: what waits for a decision, and what can be done.
func (s *server) listingDesk(c *gin.Context) {
	query, err := readQuery(c.Request, "lang", "list", "state", "q", "after")
	if err != nil {
		s.fail(c, err)
		return
	}
	view, err := s.deskView(c, query)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.render(c, http.StatusOK, *view)
}

// stateWaiting stands for the states in which a supervisor is to decide.
const stateWaiting = "waiting"

func (s *server) deskView(c *gin.Context, query url.Values) (*web.ListingDeskPage, error) {
	view := &web.ListingDeskPage{Page: s.page(c), List: query.Get("list"), Lists: supervision.Lists, State: query.Get("state"), Text: query.Get("q"), States: []string{stateWaiting}}
	if view.List == "" {
		view.List = supervision.ListTrusted
	}
	if view.State == "" {
		view.State = stateWaiting
	}
	for _, state := range supervision.ListingStates {
		view.States = append(view.States, string(state))
	}
	values := url.Values{"q": {strings.TrimSpace(view.Text)}, "state": {view.State}, "sort": {string(schema.ListingBySince)}, "cursor": {query.Get("after")}}
	if view.State == stateWaiting {
		values.Del("state")
	}
	filter, err := listingFilter(values)
	if err != nil {
		return nil, err
	}
	if filter.List, err = readList(view.List); err != nil {
		return nil, err
	}
	if view.State == stateWaiting {
		filter.States = []supervision.ListingState{supervision.StateApplied, supervision.StateNoticed}
	}
	filter.Limit = listingRows
	caller, err := s.caller(c)
	if err != nil {
		return nil, err
	}
	return view, s.deskRows(c.Request.Context(), view, filter, s.sight(c), caller)
}

// deskRows fills in the entries, with the steps that the caller may take with each.
func (s *server) deskRows(ctx context.Context, view *web.ListingDeskPage, filter schema.ListingFilter, sight access.Sight, caller *access.Caller) error {
	page, err := s.listingList(ctx, &listingView{sight: sight, inside: true}, filter)
	if err != nil {
		return err
	}
	decides := caller.Regions(access.Supervisor)
	view.Next, view.Decide = page.Next, !decides.Empty()
	for i := range page.Items {
		row := listingRow(&page.Items[i])
		if decides.Covers(page.Items[i].RegionCode) {
			for _, step := range deskSteps {
				if supervision.Allows(row.List, page.Items[i].State, step) {
					row.Steps = append(row.Steps, string(step))
				}
			}
		}
		view.Rows = append(view.Rows, row)
	}
	return nil
}

// deskSteps are the steps that the desk takes.
var deskSteps = []supervision.ListingStep{supervision.StepList, supervision.StepRefuse, supervision.StepSuspend, supervision.StepResume, supervision.StepExit, supervision.StepRemove}

// listingPosted answers POST /listings/:list/:uscc, a form of the desk: back to the desk.
func (s *server) listingPosted(c *gin.Context) {
	if _, err := readQuery(c.Request, "lang"); err != nil {
		s.fail(c, err)
		return
	}
	form, err := readForm(c.Request, "step", "reason", "state")
	if err != nil {
		s.fail(c, err)
		return
	}
	step := supervision.ListingStep(form.Get("step"))
	if !slices.Contains(deskSteps, step) {
		s.fail(c, badField("step", "is not known", fmt.Sprintf("one of %v", deskSteps)))
		return
	}
	if err := s.stepEntry(c, c.Param("list"), step, form.Get("reason")); err != nil {
		s.fail(c, err)
		return
	}
	s.redirect(c, "/listings?"+url.Values{"list": {c.Param("list")}, "state": {form.Get("state")}}.Encode(), "")
}

// listingOwnPosted answers POST /enterprises/:uscc/listings, the forms of the enterprise's page: back to the page.
func (s *server) listingOwnPosted(c *gin.Context) {
	if _, err := readQuery(c.Request, "lang"); err != nil {
		s.fail(c, err)
		return
	}
	form, err := readForm(c.Request, "list", "step", "commitment", "reason", "legal_basis", "penalty")
	if err != nil {
		s.fail(c, err)
		return
	}
	if err := s.ownStep(c, form); err != nil {
		s.fail(c, err)
		return
	}
	s.redirect(c, "/enterprises/"+url.PathEscape(c.Param("uscc")), "#listings")
}

func (s *server) ownStep(c *gin.Context, form url.Values) error {
	if form.Get("step") == string(supervision.StepWithdraw) {
		return s.stepEntry(c, form.Get("list"), supervision.StepWithdraw, form.Get("reason"))
	}
	source, ref, _ := strings.Cut(form.Get("penalty"), " ")
	body := &ListingBody{USCC: c.Param("uscc"), Commitment: strings.Join(strings.Fields(form.Get("commitment")), " "), Reason: form.Get("reason"), LegalBasis: form.Get("legal_basis"), Source: source, SourceRef: ref}
	return s.openEntry(c, form.Get("list"), body)
}

// ownListings is the part about lists of an enterprise's page.
func (s *server) ownListings(c *gin.Context, e *registry.Enterprise) ([]web.OwnListing, error) {
	caller, err := s.caller(c)
	if err != nil {
		return nil, err
	}
	view := &listingView{sight: s.sight(c)}
	var own []web.OwnListing
	for _, list := range supervision.Lists {
		answer, err := s.entryOf(c.Request.Context(), view, list, e)
		if errors.Is(err, ErrNoEntry) {
			continue
		}
		if err != nil {
			return nil, err
		}
		one := s.ownListing(s.page(c), answer)
		allowed := func(step supervision.ListingStep) bool { return supervision.Allows(list, answer.State, step) }
		supervises := caller.Holds(access.Supervisor, e.RegionCode)
		one.CanApply, one.CanWithdraw = caller.ActsFor(e.USCC) && allowed(supervision.StepApply), caller.ActsFor(e.USCC) && allowed(supervision.StepWithdraw)
		one.CanNominate, one.CanNotice = supervises && allowed(supervision.StepNominate), supervises && allowed(supervision.StepNotice)
		if one.CanNotice {
			if one.Penalties, err = s.penaltyChoices(c.Request.Context(), e.USCC); err != nil {
				return nil, err
			}
		}
		own = append(own, one)
	}
	return own, nil
}

func (s *server) ownListing(page web.Page, answer *ListingAnswer) web.OwnListing {
	one := web.OwnListing{ListingRow: listingRow(&answer.ListingItem), ByHand: answer.ByHand, MetSince: answer.MetSince,
		Criteria: criterionLines(answer.Criteria, s.today()), Eligible: answer.Eligible != nil && *answer.Eligible}
	for i := range answer.History {
		h := &answer.History[i]
		one.History = append(one.History, web.ListingEventLine{Step: string(h.Step), Day: h.Day, Author: h.Author, Reason: page.ListingReason(h.Reason), Missed: h.Missed})
	}
	return one
}

// penaltyChoices lists the standing penalties of an enterprise, newest first.
func (s *server) penaltyChoices(ctx context.Context, code registry.USCC) ([]web.Choice, error) {
	records, err := s.store.RecordsOf(ctx, code)
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	standing := registry.Standing(records, s.today())
	slices.SortStableFunc(standing, func(a, b registry.Record) int { return int(b.OccurredOn - a.OccurredOn) })
	var choices []web.Choice
	for i := range standing {
		if r := &standing[i]; r.Kind == registry.KindPenalty && !strings.Contains(r.Source, " ") {
			choices = append(choices, web.Choice{Value: r.Source + " " + r.SourceRef, Label: r.OccurredOn.String() + " · " + r.Source + " " + r.SourceRef})
		}
	}
	return choices, nil
}
