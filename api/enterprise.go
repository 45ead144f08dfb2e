package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
	"unicode/utf8"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// EnterpriseReader reads the register.
type EnterpriseReader interface {
	// Enterprise returns the newest description of an enterprise, or an error that wraps schema.ErrNotFound.
	Enterprise(ctx context.Context, code registry.USCC) (*registry.Enterprise, error)
	// EnterprisePage returns one page of a list, or an error that wraps schema.ErrCursor for a cursor of another list.
	EnterprisePage(ctx context.Context, sight access.Sight, f schema.EnterpriseFilter) (*schema.EnterprisePage, error)
	CountEnterprisesOf(ctx context.Context, sight access.Sight, f schema.EnterpriseFilter) (int, error)
	// EnterpriseSeen is Enterprise within a sight; outside it is schema.ErrNotFound too.
	EnterpriseSeen(ctx context.Context, sight access.Sight, code registry.USCC) (*registry.Enterprise, error)
}

// EnterpriseItem is one line of the list as JSON.
type EnterpriseItem struct {
	USCC       registry.USCC `json:"uscc"`
	Name       string        `json:"name"`
	RegionCode string        `json:"region_code"`
	Region     string        `json:"region"`
	Grade      *Grade        `json:"grade,omitempty"`
}

// EnterpriseAnswer is one enterprise as JSON, with its grade and where every point comes from.
type EnterpriseAnswer struct {
	Enterprise  *registry.Enterprise `json:"enterprise"`
	Region      string               `json:"region"`
	Grade       *Grade               `json:"grade,omitempty"` // the live grade
	Reply       *ReplyTold           `json:"reply,omitempty"` // what the enterprise says beside it
	Explanation *scoring.Explanation `json:"explanation,omitempty"`

	Words map[web.Language]web.Words `json:"words,omitempty"` // its reasons and its path up as sentences
}

// ReplyTold is what an enterprise says beside its grade. The bureau has not verified it.
type ReplyTold struct {
	Text     string       `json:"text"`
	On       registry.Day `json:"on"`
	Verified bool         `json:"verified"` // always false
}

// enterprises answers GET /api/v1/enterprises.
func (s *server) enterprises(c *gin.Context) {
	query := s.query(c)
	filter, err := enterpriseFilter(query)
	if err != nil {
		s.fail(c, err)
		return
	}
	if filter.Limit, err = readLimit(query.Get("limit")); err != nil {
		s.fail(c, err)
		return
	}
	page, err := s.enterpriseList(c.Request.Context(), s.sight(c), filter)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, page)
}

// enterpriseList reads one page within a sight and names the divisions on it.
func (s *server) enterpriseList(ctx context.Context, sight access.Sight, filter schema.EnterpriseFilter) (*List[EnterpriseItem], error) {
	stored, err := s.store.EnterprisePage(ctx, sight, filter)
	if errors.Is(err, schema.ErrCursor) {
		return nil, badField("cursor", "is not of this list", "next of the page before, with the same filter and order")
	}
	if err != nil {
		return nil, fmt.Errorf("list enterprises: %w", err)
	}
	_, names, err := s.divisions(ctx)
	if err != nil {
		return nil, err
	}
	list := newList[EnterpriseItem](len(stored.Items))
	for _, item := range stored.Items {
		e := item.Enterprise
		list.Items = append(list.Items, EnterpriseItem{USCC: e.USCC, Name: e.Name, RegionCode: e.RegionCode,
			Region: fullName(names, e.RegionCode, cityOf(e.RegionCode)), Grade: newGrade(item.Assessment)})
	}
	list.Next = stored.Next
	return list, nil
}

// cityOf returns the city of a division, so that lists of one city do not repeat its name on each line.
func cityOf(code string) string {
	if len(code) < 6 {
		return ""
	}
	return code[:4] + "00"
}

var enterpriseSorts = []schema.EnterpriseSort{schema.SortUSCC, schema.SortName, schema.SortIndex, schema.SortIndexDown, schema.SortChanged}

// maxSearch bounds a search text, in characters.
const maxSearch = 100

// enterpriseFilter reads q, region, tier, colour, sort and cursor.
func enterpriseFilter(query url.Values) (schema.EnterpriseFilter, error) {
	f := schema.EnterpriseFilter{Text: query.Get("q"), Region: query.Get("region"), Sort: schema.EnterpriseSort(query.Get("sort")), Cursor: query.Get("cursor")}
	if utf8.RuneCountInString(f.Text) > maxSearch {
		return f, badField("q", "is too long", "at most 100 characters")
	}
	if _, ok := registry.RegionLevelOf(f.Region); !ok && f.Region != "" {
		return f, badField("region", "is not a division code", "6, 9 or 12 digits of GB/T 2260, such as 330402")
	}
	if text := query.Get("tier"); text != "" {
		f.Tier = new(registry.Tier)
		if f.Tier.UnmarshalText([]byte(text)) != nil {
			return f, badField("tier", "is not known", "one of AA, A, B, C, NEW")
		}
	}
	if text := query.Get("colour"); text != "" && f.Colour.UnmarshalText([]byte(text)) != nil {
		return f, badField("colour", "is not known", "one of green, blue, yellow, red")
	}
	if f.Sort != "" && !slices.Contains(enterpriseSorts, f.Sort) {
		return f, badField("sort", "is not known", "one of uscc, name, index, -index, -changed_on")
	}
	return f, nil
}

// enterprise answers GET /api/v1/enterprises/:uscc, with ?as_of= and ?known_at= for another moment.
func (s *server) enterprise(c *gin.Context) {
	query := s.query(c)
	answer, err := s.findEnterprise(c.Request.Context(), c.Param("uscc"), query)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, answer)
}

func (s *server) findEnterprise(ctx context.Context, text string, query url.Values) (*EnterpriseAnswer, error) {
	code, err := readUSCC(text)
	if err != nil {
		return nil, err
	}
	at, err := s.readMoment(query)
	if err != nil {
		return nil, err
	}
	answer := &EnterpriseAnswer{}
	if answer.Enterprise, err = s.register(ctx, code); err != nil {
		return nil, err
	}
	if answer.Region, err = s.regionName(ctx, answer.Enterprise.RegionCode); err != nil {
		return nil, err
	}
	if answer.Grade, err = s.gradeOf(ctx, code); err != nil {
		return nil, err
	}
	if reply, err := s.publicReply(ctx, code); err != nil {
		return nil, err
	} else if reply != nil {
		answer.Reply = &ReplyTold{Text: reply.Text, On: reply.On}
	}
	if answer.Explanation, err = s.explain(ctx, code, at, answer.Grade); err != nil {
		return nil, err
	}
	answer.Words, err = s.words(ctx, answer.Explanation)
	return answer, err
}

// register reads an enterprise; a code that nobody has is ErrNoEnterprise. Whether the caller may see it was asked before: see bounded.
func (s *server) register(ctx context.Context, code registry.USCC) (*registry.Enterprise, error) {
	e, err := s.store.Enterprise(ctx, code)
	if errors.Is(err, schema.ErrNotFound) {
		return nil, ErrNoEnterprise
	}
	if err != nil {
		return nil, fmt.Errorf("read enterprise: %w", err)
	}
	return e, nil
}

// readUSCC takes a code whose check character is wrong too: some enterprises are registered under such a one.
func readUSCC(text string) (registry.USCC, error) {
	code, err := registry.ParseUSCC(text)
	if err != nil && !errors.Is(err, registry.ErrUSCCCheckDigit) {
		return "", badField("uscc", err.Error(), "18 characters as on the licence, such as 91350100M000100Y43")
	}
	return code, nil
}

// moment is what a grade is asked for: as of a day, knowing what was known at an instant. The zero value is the live grade's own.
type moment struct {
	asOf    registry.Day
	knownAt time.Time
}

// readMoment reads as_of= and known_at=. Of the two the one that is missing follows from the other: known now, or as of that day.
func (s *server) readMoment(query url.Values) (at moment, err error) {
	if text := query.Get("as_of"); text != "" {
		if at.asOf, err = registry.ParseDay(text); err != nil {
			return at, badField("as_of", "is not a date from 1900 to 2199", "YYYY-MM-DD")
		}
	}
	if text := query.Get("known_at"); text != "" {
		at.knownAt, err = time.Parse(time.RFC3339Nano, text)
		if err != nil || at.knownAt.Year() < 1900 || at.knownAt.Year() > 2199 {
			return at, badField("known_at", "is not an instant from 1900 to 2199", "RFC 3339, such as 2026-11-22T08:00:00Z")
		}
		at.knownAt = at.knownAt.UTC().Truncate(time.Microsecond)
	}
	switch {
	case at.asOf != 0 && at.knownAt.IsZero():
		at.knownAt = s.now().UTC().Truncate(time.Microsecond)
	case at.asOf == 0 && !at.knownAt.IsZero():
		at.asOf = registry.DayOf(at.knownAt)
	}
	return at, nil
}

// enterprisePage answers GET /enterprises/:uscc.
func (s *server) enterprisePage(c *gin.Context) {
	query, err := readQuery(c.Request, "lang", "as_of", "known_at")
	if err != nil {
		s.fail(c, err)
		return
	}
	answer, err := s.findEnterprise(c.Request.Context(), c.Param("uscc"), query)
	if err != nil {
		s.fail(c, err)
		return
	}
	view, err := s.enterpriseView(c, answer)
	if err != nil {
		s.fail(c, err)
		return
	}
	view.AsOf, view.KnownAt = query.Get("as_of"), query.Get("known_at")
	if view.Replayed() {
		view.Reply, view.Answering, view.Tickets = nil, nil, nil // they are of today
	}
	if view.Replayed() && view.Explanation != nil {
		view.Grade = explainedGrade(answer.Explanation)
	}
	s.render(c, http.StatusOK, view)
}

// enterpriseAgain shows the page of an enterprise with what became of a form on it.
func (s *server) enterpriseAgain(c *gin.Context, status int, change func(*web.EnterprisePage)) {
	answer, err := s.findEnterprise(c.Request.Context(), c.Param("uscc"), url.Values{})
	if err != nil {
		s.fail(c, err)
		return
	}
	view, err := s.enterpriseView(c, answer)
	if err != nil {
		s.fail(c, err)
		return
	}
	view.Path = "/enterprises/" + string(view.USCC) // a reader who changes the language comes back to the page
	change(&view)
	s.render(c, status, view)
}

func (s *server) enterpriseView(c *gin.Context, answer *EnterpriseAnswer) (web.EnterprisePage, error) {
	ctx, e := c.Request.Context(), answer.Enterprise
	page := s.page(c)
	view := web.EnterprisePage{Page: page, USCC: e.USCC, Override: e.USCCOverride, Name: e.Name, Region: answer.Region, Address: e.Address,
		Size: string(e.Size), Industry: e.IndustryCode, RegisteredOn: e.RegisteredOn, Grade: answer.Grade.view(),
		Explanation: explanationView(answer.Explanation, answer.Words[page.Lang])}
	products, err := s.productLines(ctx, e.ProductCodes)
	if err != nil {
		return view, err
	}
	view.Products = products
	if view.Code, err = s.codeView(ctx, e.USCC); err != nil {
		return view, err
	}
	if view.Preview, err = s.previewView(ctx, page, e.USCC); err != nil {
		return view, err
	}
	if view.Looks, err = s.lookLines(ctx, s.sight(c), e.USCC); err != nil {
		return view, err
	}
	if view.Tickets, err = s.ticketsView(c, e); err != nil {
		return view, err
	}
	if answer.Reply != nil {
		view.Reply = &web.PublicReply{Text: answer.Reply.Text, On: answer.Reply.On}
	}
	if view.Answering, err = s.answering(c, page, e.USCC); err != nil {
		return view, err
	}
	if view.Listings, err = s.ownListings(c, e); err != nil {
		return view, err
	}
	return view, s.enterpriseCodes(ctx, e.USCC, &view)
}
