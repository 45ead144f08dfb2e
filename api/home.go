package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// Showcase is an enterprise that shows one rule at work, to be named on the first page.
type Showcase struct {
	USCC  registry.USCC
	Title web.Phrase
	Text  web.Phrase
}

// homeRows is how many enterprises the first page lists at a time.
const homeRows = 25

// home answers GET /: counts, distribution, showcases and the list of enterprises.
func (s *server) home(c *gin.Context) {
	query, err := readQuery(c.Request, "lang", "q", "county", "town", "tier", "colour", "sort", "after")
	if err != nil {
		s.fail(c, err)
		return
	}
	view := web.HomePage{Page: s.page(c)}
	view.Filter = web.Filter{Text: query.Get("q"), County: query.Get("county"), Town: query.Get("town"), Tier: query.Get("tier"),
		Colour: query.Get("colour"), Sort: query.Get("sort"), After: query.Get("after")}
	ctx := c.Request.Context()
	for _, part := range []func(context.Context, access.Sight, *web.HomePage) error{s.homeCounts, s.homeSignals, s.homeShowcases, s.homeChoices, s.homeRows} {
		if err := part(ctx, s.sight(c), &view); err != nil {
			s.fail(c, err)
			return
		}
	}
	s.render(c, http.StatusOK, view)
}

func (s *server) homeCounts(ctx context.Context, sight access.Sight, view *web.HomePage) error {
	enterprises, err := s.store.CountEnterprisesOf(ctx, sight, schema.EnterpriseFilter{})
	if err != nil {
		return fmt.Errorf("count enterprises: %w", err)
	}
	d, err := s.store.CountAssessments(ctx, sight)
	if err != nil {
		return fmt.Errorf("count grades: %w", err)
	}
	total := int64(d.Total)
	view.Counts = web.Counts{Enterprises: int64(enterprises), Assessed: total}
	for _, colour := range registry.Colours() {
		view.Colours = append(view.Colours, web.Bar{Value: colour.String(), Colour: colour, Count: int64(d.Colours[colour]), Of: total})
	}
	for _, tier := range registry.Tiers() {
		view.Tiers = append(view.Tiers, web.Bar{Value: tier.String(), Count: int64(d.Tiers[tier]), Of: total})
	}
	return s.homeRun(ctx, view)
}

// homeRun shows the newest finished run: the day that the grades are of.
func (s *server) homeRun(ctx context.Context, view *web.HomePage) error {
	runs, err := s.store.Runs(ctx, 0, 10)
	if err != nil {
		return fmt.Errorf("read runs: %w", err)
	}
	for _, run := range runs {
		if run.State == schema.RunFinished && strings.HasPrefix(run.Kind, schema.KindRecompute) {
			view.AsOf, view.Model = run.AsOf, fmt.Sprintf("%s v%d", run.Model.Code, run.Model.Version)
			return nil
		}
	}
	return nil
}

func (s *server) homeShowcases(ctx context.Context, sight access.Sight, view *web.HomePage) error {
	if view.Filtered() || view.Filter.After != "" { // who looks for something wants the list
		return nil
	}
	for _, one := range s.Showcases {
		e, err := s.store.EnterpriseSeen(ctx, sight, one.USCC)
		if errors.Is(err, schema.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read showcase: %w", err)
		}
		grade, err := s.gradeOf(ctx, one.USCC)
		if err != nil {
			return err
		}
		view.Showcases = append(view.Showcases, web.Showcase{USCC: e.USCC, Name: e.Name, Title: one.Title.In(view.Lang), Text: one.Text.In(view.Lang), Grade: grade.view()})
	}
	return nil
}

// homeChoices fills the selects of divisions: the counties, and the townships of the chosen one.
func (s *server) homeChoices(ctx context.Context, sight access.Sight, view *web.HomePage) error {
	divisions, names, err := s.divisions(ctx)
	if err != nil {
		return err
	}
	cities := map[string]bool{}
	for _, d := range divisions {
		if d.Level() == registry.LevelCounty {
			cities[registry.ParentRegion(d.Code)] = true
		}
	}
	for _, d := range divisions {
		if !sight.Covers(d.Code) {
			continue
		}
		switch {
		case d.Level() == registry.LevelCounty && len(cities) > 1:
			view.Counties = append(view.Counties, web.Choice{Value: d.Code, Label: fullName(names, d.Code, "")})
		case d.Level() == registry.LevelCounty:
			view.Counties = append(view.Counties, web.Choice{Value: d.Code, Label: d.Name})
		case d.Level() == registry.LevelTownship && registry.ParentRegion(d.Code) == view.Filter.County:
			view.Townships = append(view.Townships, web.Choice{Value: d.Code, Label: d.Name})
		}
	}
	return nil
}

func (s *server) homeRows(ctx context.Context, sight access.Sight, view *web.HomePage) error {
	f := &view.Filter
	if !strings.HasPrefix(f.Town, f.County) { // another county was chosen: its townships are others
		f.Town = ""
	}
	region := f.County
	if f.Town != "" {
		region = f.Town
	}
	filter, err := enterpriseFilter(url.Values{"q": {strings.TrimSpace(f.Text)}, "region": {region}, "tier": {f.Tier}, "colour": {f.Colour}, "sort": {f.Sort}, "cursor": {f.After}})
	if err != nil {
		return err
	}
	filter.Limit = homeRows
	list, err := s.enterpriseList(ctx, sight, filter)
	if err != nil {
		return err
	}
	for _, item := range list.Items {
		row := web.EnterpriseRow{USCC: item.USCC, Name: item.Name, Region: item.Region, Grade: item.Grade.view()}
		if item.Grade != nil {
			row.ChangedOn = item.Grade.ChangedOn
		}
		view.Rows = append(view.Rows, row)
	}
	view.Next = list.Next
	return nil
}
