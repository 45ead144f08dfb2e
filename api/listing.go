package api

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"time"
	"unicode/utf8"

	"healthcode/access"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/supervision"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// ListingReader reads lists of enterprises.
type ListingReader interface {
	ListingsOf(ctx context.Context, code registry.USCC) ([]schema.Listing, error)
	ListingSteps(ctx context.Context, list string, code registry.USCC) ([]schema.ListingEvent, error)
	ListingPage(ctx context.Context, f schema.ListingFilter) (*schema.ListingPage, error)
}

// ListingCounter reads lists as wholes.
type ListingCounter interface {
	CountListing(ctx context.Context, f schema.ListingFilter) (map[supervision.ListingState]int, error)
	ListingsIn(ctx context.Context, list string, states ...supervision.ListingState) iter.Seq2[schema.Listing, error]
}

// CriteriaStore keeps the criteria of lists.
type CriteriaStore interface {
	ListingCriteria(ctx context.Context, list string, day registry.Day) (*supervision.Criteria, error)
	ListingCriteriaVersions(ctx context.Context, list string) ([]schema.CriteriaVersion, error)
	AddListingCriteria(ctx context.Context, c *supervision.Criteria, reason string) error
}

// ListingTaker takes steps.
type ListingTaker interface {
	TakeListingStep(ctx context.Context, act schema.ListingAct) (*schema.Listing, error)
}

// Why a request about a list is refused.
var (
	ErrNoListing      = errors.New("there is no such list of enterprises")
	ErrNoEntry        = errors.New("the enterprise is not on the list")
	ErrCriteriaMissed = errors.New("the enterprise misses criteria of the list")
)

// ListingSummary is a list as JSON: what it is, what it asks, how many are on it.
type ListingSummary struct {
	List     string               `json:"list"`
	Title    ListingTitle         `json:"title"`
	Criteria supervision.Criteria `json:"criteria"` // that hold today
	Counts   []ListingCount       `json:"counts"`
	CSV      string               `json:"csv"` // address of the open data
	JSON     string               `json:"json"`
}

// ListingTitle is the name of a list.
type ListingTitle struct {
	ZhCN string `json:"zh-CN"`
	En   string `json:"en"`
}

// ListingCount is how many entries of one state the caller may see.
type ListingCount struct {
	State supervision.ListingState `json:"state"`
	Count int                      `json:"count"`
}

// ListingItem is one line of a list. What stands after the commitment is for the bureau, the enterprise itself, and partners with scope listings.
type ListingItem struct {
	List       string                   `json:"list"`
	USCC       registry.USCC            `json:"uscc"`
	Name       string                   `json:"name"`
	RegionCode string                   `json:"region_code"`
	Region     string                   `json:"region"`
	State      supervision.ListingState `json:"state"` // empty: it never had to do with the list
	Since      registry.Day             `json:"since,omitzero"`
	Until      registry.Day             `json:"until,omitzero"` // the first day after the term
	LegalBasis string                   `json:"legal_basis,omitempty"`
	Commitment string                   `json:"commitment,omitempty"` // that the enterprise has made in public

	Missed   []string     `json:"missed,omitempty"`    // criteria, as last checked
	MetSince registry.Day `json:"met_since,omitzero"`  // while suspended: since when everything is met again
	ByHand   bool         `json:"by_hand,omitempty"`   // suspended by a person
	AnswerBy registry.Day `json:"answer_by,omitzero"`  // the last day to answer a notice
	Penalty  *RecordName  `json:"penalty,omitempty"`   // on which it rests; not for partners
	Checked  registry.Day `json:"checked_on,omitzero"` // by the criteria
}

// RecordName names a record.
type RecordName struct {
	Source    string `json:"source"`
	SourceRef string `json:"source_ref"`
}

// ListingAnswer is an entry as JSON, with its history and how the criteria stand now.
type ListingAnswer struct {
	ListingItem
	History  []ListingEventItem            `json:"history,omitempty"`
	Eligible *bool                         `json:"eligible,omitempty"` // every criterion is met now
	Criteria []supervision.CriterionResult `json:"criteria,omitempty"`
}

// ListingEventItem is one step. Reason and author are for the bureau and the enterprise itself.
type ListingEventItem struct {
	Step   supervision.ListingStep  `json:"step"`
	State  supervision.ListingState `json:"state"` // after it
	Day    registry.Day             `json:"day"`
	At     time.Time                `json:"at"`
	Missed []string                 `json:"missed,omitempty"`
	Reason string                   `json:"reason,omitempty"`
	Author string                   `json:"author,omitempty"` // a login name, or system
}

// listingView is how much of lists a caller sees: what lies within the sight whole, the rest as everybody does or, a partner with scope listings,
// with how entries stand and those that have ended.
type listingView struct {
	sight   access.Sight
	partner bool
	inside  bool // a page that shows nothing outside the sight
}

// listingView says how much of lists the caller of a public route sees.
func (s *server) listingView(c *gin.Context) (*listingView, error) {
	caller, err := s.caller(c)
	if err != nil {
		return nil, err
	}
	rule := access.Rule{Roles: []access.Role{access.Reader}, Enterprise: true}
	return &listingView{sight: rule.Sight(caller), partner: caller.Kind == access.Partner && caller.Has(access.ScopeListings)}, nil
}

// everywhere lists the states that the caller sees outside its sight.
func (v *listingView) everywhere() []supervision.ListingState {
	var states []supervision.ListingState
	if v.inside {
		return nil
	}
	for _, state := range supervision.ListingStates {
		if state.Public() || v.partner && state.Ended() {
			states = append(states, state)
		}
	}
	return states
}

// within reports whether an enterprise lies in the sight.
func (v *listingView) within(code registry.USCC, region string) bool {
	return v.sight.Covers(region) || slices.Contains(v.sight.Owns, code)
}

// listingTitle is the name of a list in both languages.
func listingTitle(list string) ListingTitle {
	return ListingTitle{web.Term(web.Chinese, "list", list), web.Term(web.English, "list", list)}
}

// readList reads the name of a list of ours.
func readList(name string) (string, error) {
	if !slices.Contains(supervision.Lists, name) {
		return "", ErrNoListing
	}
	return name, nil
}

func (s *server) today() registry.Day { return registry.DayOf(s.now()) }

func (s *server) listingFacts() *jobs.ListingFacts {
	return &jobs.ListingFacts{Store: s.store, Model: s.model}
}

// listings answers GET /api/v1/listings.
func (s *server) listings(c *gin.Context) {
	list, err := s.listingSummaries(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, list)
}

func (s *server) listingSummaries(c *gin.Context) (*List[ListingSummary], error) {
	view, err := s.listingView(c)
	if err != nil {
		return nil, err
	}
	all := newList[ListingSummary](len(supervision.Lists))
	for _, list := range supervision.Lists {
		criteria, err := s.store.ListingCriteria(c.Request.Context(), list, s.today())
		if err != nil {
			return nil, fmt.Errorf("read criteria: %w", err)
		}
		counts, err := s.store.CountListing(c.Request.Context(), schema.ListingFilter{List: list, Sight: view.sight, Everywhere: view.everywhere()})
		if err != nil {
			return nil, fmt.Errorf("count a list: %w", err)
		}
		one := ListingSummary{List: list, Title: listingTitle(list), Criteria: *criteria, Counts: []ListingCount{}, CSV: publicListingPath + list + ".csv", JSON: publicListingPath + list + ".json"}
		for _, state := range supervision.ListingStates {
			if counts[state] > 0 || state.Public() {
				one.Counts = append(one.Counts, ListingCount{state, counts[state]})
			}
		}
		all.Items = append(all.Items, one)
	}
	return all, nil
}

// listingEntries answers GET /api/v1/listings/:list/entries.
func (s *server) listingEntries(c *gin.Context) {
	query := s.query(c)
	view, err := s.listingView(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	page, err := s.listingItems(c.Request.Context(), view, c.Param("list"), query)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, page)
}

func (s *server) listingItems(ctx context.Context, view *listingView, name string, query url.Values) (*List[ListingItem], error) {
	list, err := readList(name)
	if err != nil {
		return nil, err
	}
	filter, err := listingFilter(query)
	if err != nil {
		return nil, err
	}
	filter.List = list
	return s.listingList(ctx, view, filter)
}

// listingList reads one page of a list as the caller sees it.
func (s *server) listingList(ctx context.Context, view *listingView, filter schema.ListingFilter) (*List[ListingItem], error) {
	filter.Sight, filter.Everywhere = view.sight, view.everywhere()
	stored, err := s.store.ListingPage(ctx, filter)
	if errors.Is(err, schema.ErrCursor) {
		return nil, badField("cursor", "is not of this list", "next of the page before, with the same filter and order")
	}
	if err != nil {
		return nil, fmt.Errorf("list a list: %w", err)
	}
	_, names, err := s.divisions(ctx)
	if err != nil {
		return nil, err
	}
	page := newList[ListingItem](len(stored.Items))
	for i := range stored.Items {
		item := &stored.Items[i]
		page.Items = append(page.Items, view.item(&item.Listing, item.Name, item.Region, fullName(names, item.Region, cityOf(item.Region))))
	}
	page.Next = stored.Next
	return page, nil
}

// item is a line as the caller sees it.
func (v *listingView) item(l *schema.Listing, name, code, region string) ListingItem {
	item := ListingItem{List: l.List, USCC: l.USCC, Name: name, RegionCode: code, Region: region, State: l.State, Since: l.Since, Until: l.Until, LegalBasis: l.Basis, Commitment: l.Commitment}
	within := v.within(l.USCC, code)
	if !within && !v.partner {
		return item
	}
	item.Missed, item.MetSince, item.ByHand, item.Checked = l.Missed, l.MetSince, l.ByHand, l.CheckedOn
	if item.AnswerBy = l.AnswerBy; within && l.Penalty.Ref != "" {
		item.Penalty = &RecordName{l.Penalty.Source, l.Penalty.Ref}
	}
	return item
}

// listingFilter reads q, region, product, state, sort, cursor and limit.
func listingFilter(query url.Values) (schema.ListingFilter, error) {
	f := schema.ListingFilter{Text: query.Get("q"), Region: query.Get("region"), Product: query.Get("product"), Sort: schema.ListingSort(query.Get("sort")), Cursor: query.Get("cursor")}
	if f.Sort == "" {
		f.Sort = schema.ListingByName
	}
	state := supervision.ListingState(query.Get("state"))
	switch _, division := registry.RegionLevelOf(f.Region); {
	case utf8.RuneCountInString(f.Text) > maxSearch:
		return f, badField("q", "is too long", "at most 100 characters")
	case !division && f.Region != "":
		return f, badField("region", "is not a division code", "6, 9 or 12 digits of GB/T 2260, such as 330402")
	case len(f.Product) > 40:
		return f, badField("product", "is too long", "a code of the catalogue")
	case state != "" && !slices.Contains(supervision.ListingStates, state):
		return f, badField("state", "is not known", fmt.Sprintf("one of %v", supervision.ListingStates))
	case f.Sort != schema.ListingByName && f.Sort != schema.ListingBySince:
		return f, badField("sort", "is not known", "name or -since")
	}
	if state != "" {
		f.States = []supervision.ListingState{state}
	}
	var err error
	f.Limit, err = readLimit(query.Get("limit"))
	return f, err
}

// listingEntry answers GET /api/v1/listings/:list/entries/:uscc.
func (s *server) listingEntry(c *gin.Context) {
	s.answerEntry(c, http.StatusOK, c.Param("uscc"))
}

func (s *server) answerEntry(c *gin.Context, status int, uscc string) {
	answer, err := s.findEntry(c, c.Param("list"), uscc)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(status, answer)
}

// findEntry reads an entry as the caller sees it. Whoever sees the enterprise is told how the criteria stand, whether it is on the list or not.
func (s *server) findEntry(c *gin.Context, name, uscc string) (*ListingAnswer, error) {
	list, err := readList(name)
	if err != nil {
		return nil, err
	}
	code, err := readUSCC(uscc)
	if err != nil {
		return nil, err
	}
	view, err := s.listingView(c)
	if err != nil {
		return nil, err
	}
	e, err := s.store.Enterprise(c.Request.Context(), code)
	if errors.Is(err, schema.ErrNotFound) {
		return nil, ErrNoEntry
	}
	if err != nil {
		return nil, fmt.Errorf("read enterprise: %w", err)
	}
	return s.entryOf(c.Request.Context(), view, list, e)
}

func (s *server) entryOf(ctx context.Context, view *listingView, list string, e *registry.Enterprise) (*ListingAnswer, error) {
	stored, err := s.store.ListingsOf(ctx, e.USCC)
	if err != nil {
		return nil, fmt.Errorf("read listings: %w", err)
	}
	l := &schema.Listing{ListingEntry: supervision.ListingEntry{List: list, USCC: e.USCC}}
	if at := slices.IndexFunc(stored, func(l schema.Listing) bool { return l.List == list }); at >= 0 {
		l = &stored[at]
	}
	within := view.within(e.USCC, e.RegionCode)
	if !within && !slices.Contains(view.everywhere(), l.State) {
		return nil, ErrNoEntry
	}
	region, err := s.regionName(ctx, e.RegionCode)
	if err != nil {
		return nil, err
	}
	answer := &ListingAnswer{ListingItem: view.item(l, e.Name, e.RegionCode, region)}
	if !within && !view.partner {
		return answer, nil
	}
	if answer.History, err = s.listingHistory(ctx, l, within); err != nil {
		return nil, err
	}
	if answer.Criteria, err = s.criteriaOf(ctx, list, e.USCC); answer.Criteria != nil {
		eligible := len(supervision.Missed(answer.Criteria)) == 0
		answer.Eligible = &eligible
	}
	return answer, err
}

// listingHistory returns the steps of an entry. Others than the bureau and the enterprise see those that led to or from the list, without reasons.
func (s *server) listingHistory(ctx context.Context, l *schema.Listing, whole bool) ([]ListingEventItem, error) {
	steps, err := s.store.ListingSteps(ctx, l.List, l.USCC)
	if err != nil {
		return nil, fmt.Errorf("read the history of a listing: %w", err)
	}
	items := []ListingEventItem{}
	for i := range steps {
		e := &steps[i]
		if !whole && !e.State.Public() && !e.State.Ended() {
			continue
		}
		item := ListingEventItem{Step: e.Step, State: e.State, Day: e.Day, At: e.At, Missed: e.Missed}
		if whole {
			item.Reason, item.Author = e.Reason, e.Author
		}
		items = append(items, item)
	}
	return items, nil
}

// criteriaOf says how the criteria of a list stand for an enterprise today; nil when the list asks nothing.
func (s *server) criteriaOf(ctx context.Context, list string, code registry.USCC) ([]supervision.CriterionResult, error) {
	criteria, err := s.store.ListingCriteria(ctx, list, s.today())
	if err != nil {
		return nil, fmt.Errorf("read criteria: %w", err)
	}
	if criteria.Asked == nil {
		return nil, nil
	}
	facts, _, err := s.listingFacts().Of(ctx, code, s.today())
	if err != nil {
		return nil, fmt.Errorf("look at the criteria: %w", err)
	}
	return criteria.Check(facts, s.today()), nil
}
