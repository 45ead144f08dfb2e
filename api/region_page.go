package api

import (
	"context"
	"fmt"
	"net/http"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/scoring"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// regionsPage answers GET /regions and /regions/:code: a region with its colour, the rules, and the divisions below it.
func (s *server) regionsPage(c *gin.Context) {
	if _, err := readQuery(c.Request, "lang"); err != nil {
		s.fail(c, err)
		return
	}
	view, err := s.regionsView(c.Request.Context(), s.sight(c), s.page(c), c.Param("code"))
	if err != nil {
		s.fail(c, err)
		return
	}
	s.render(c, http.StatusOK, view)
}

func (s *server) regionsView(ctx context.Context, sight access.Sight, page web.Page, code string) (web.RegionsPage, error) {
	view := web.RegionsPage{Page: page}
	list, names, err := s.divisions(ctx)
	if err != nil {
		return view, err
	}
	if code == "" {
		code = startRegion(sight, list)
	}
	if view.Code = code; code != "" {
		if err := s.regionHead(ctx, sight, &view, names); err != nil {
			return view, err
		}
	}
	grades, err := s.regionGrades(ctx, sight)
	if err != nil {
		return view, err
	}
	for i := range list {
		if sight.Covers(list[i].Code) && isBelow(&list[i], code, sight) {
			view.Children = append(view.Children, regionRow(&list[i], grades))
			view.Towns = list[i].Level() == registry.LevelTownship
		}
	}
	return view, nil
}

// startRegion returns where the page begins: the only division of a bounded sight, or the only city. Nothing when there are several.
func startRegion(sight access.Sight, list []registry.Region) string {
	if sight.All {
		return onlyCity(list)
	}
	var tops []string
	for i := range list {
		if isTop(&list[i], sight) {
			tops = append(tops, list[i].Code)
		}
	}
	if len(tops) == 1 {
		return tops[0]
	}
	return ""
}

// isTop reports whether a division is the largest of a bounded sight at its place.
func isTop(d *registry.Region, sight access.Sight) bool {
	return sight.Covers(d.Code) && !sight.Covers(registry.ParentRegion(d.Code))
}

// onlyCity returns the city when the register has just one.
func onlyCity(list []registry.Region) string {
	var cities []string
	for i := range list {
		if list[i].Level() == registry.LevelCity {
			cities = append(cities, list[i].Code)
		}
	}
	if len(cities) == 1 {
		return cities[0]
	}
	return ""
}

// isBelow reports whether a division is listed under a region; under no region cities are, or the tops of a bounded sight. Villages have
// no page of their own.
func isBelow(d *registry.Region, code string, sight access.Sight) bool {
	switch {
	case code == "" && !sight.All:
		return isTop(d, sight)
	case code == "":
		return d.Level() == registry.LevelCity
	}
	return registry.ParentRegion(d.Code) == code && d.Level() != registry.LevelVillage
}

// regionHead fills in the region that the page is about.
func (s *server) regionHead(ctx context.Context, sight access.Sight, view *web.RegionsPage, names map[string]string) error {
	answer, err := s.findRegion(ctx, sight, view.Code)
	if err != nil {
		return err
	}
	view.Name, view.AsOf = answer.Name, answer.AsOf
	for at := registry.ParentRegion(view.Code); names[at] != "" && sight.Covers(at); at = registry.ParentRegion(at) {
		view.Parents = append([]web.Choice{{Value: at, Label: names[at]}}, view.Parents...)
	}
	if answer.Grade == nil {
		return nil
	}
	view.Model = fmt.Sprintf("%s v%d", answer.Model.Code, answer.Model.Version)
	view.Grade, view.Rules = regionGradeView(answer.Grade), regionRules(answer.Grade)
	return nil
}

func regionGradeView(g *scoring.RegionGrade) *web.RegionGrade {
	view := &web.RegionGrade{Colour: g.Colour, Enterprises: g.Enterprises, AtLeast: g.AtLeast, Colours: regionBars(&g.Counts), Rule: g.Rule, Otherwise: g.Otherwise}
	if g.Better != nil {
		view.Better = &web.RegionStep{Colour: g.Better.Colour, Enterprises: g.Better.Enterprises}
	}
	if g.Worse != nil {
		view.Worse = &web.RegionStep{Colour: g.Worse.Colour, Enterprises: g.Worse.Enterprises}
	}
	return view
}

func regionRules(g *scoring.RegionGrade) []web.RegionRule {
	rules := make([]web.RegionRule, len(g.Rules))
	for i := range g.Rules {
		r := &g.Rules[i]
		rules[i] = web.RegionRule{Number: i + 1, Colour: r.Colour, Of: r.Of, Operator: r.Operator, Share: r.Share, AtLeast: r.AtLeast,
			Count: r.Count, Found: r.ShareFound, Held: r.Held}
	}
	return rules
}

func regionBars(counts *scoring.RegionCounts) []web.Bar {
	bars := make([]web.Bar, 0, len(registry.Colours()))
	for _, colour := range registry.Colours() {
		bars = append(bars, web.Bar{Value: colour.String(), Colour: colour, Count: counts.Of(colour), Of: counts.Total()})
	}
	return bars
}

func regionRow(d *registry.Region, grades *regionGrades) web.RegionRow {
	counts := grades.colours.Counts[d.Code]
	row := web.RegionRow{Code: d.Code, Name: d.Name, Enterprises: counts.Total(), Colours: regionBars(&counts)}
	if grade := grades.of(d.Code); grade != nil {
		row.Colour = grade.Colour
	}
	return row
}
