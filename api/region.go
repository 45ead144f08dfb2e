package api

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"

	"github.com/gin-gonic/gin"
)

// RegionReader reads divisions in the order of their codes.
type RegionReader interface {
	Regions(ctx context.Context) iter.Seq2[registry.Region, error]
	// CountColours counts the published colours of each region's enterprises.
	CountColours(ctx context.Context, sight access.Sight) (*schema.RegionColours, error)
}

// regionsLive is how long names of divisions are kept in memory. They change a few times a year.
const regionsLive = time.Minute

// regionNames keeps the divisions in memory: every page names some, and they are few.
type regionNames struct {
	mu     sync.Mutex
	loaded time.Time
	list   []registry.Region
	byCode map[string]string
	full   map[string]string // full names that were asked for
}

// divisions returns every division in the order of their codes, and their names by code. Neither is changed by callers.
func (s *server) divisions(ctx context.Context) ([]registry.Region, map[string]string, error) {
	n := &s.names
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.byCode != nil && s.now().Sub(n.loaded) < regionsLive {
		return n.list, n.byCode, nil
	}
	list, byCode := []registry.Region{}, map[string]string{}
	for region, err := range s.store.Regions(ctx) {
		if err != nil {
			return nil, nil, fmt.Errorf("read regions: %w", err)
		}
		list = append(list, region)
		byCode[region.Code] = region.Name
	}
	n.list, n.byCode, n.full, n.loaded = list, byCode, map[string]string{}, s.now()
	return list, byCode, nil
}

// regionName returns the full name of a division, largest first: 浙江省嘉兴市南湖区. A code without names is shown as it is.
func (s *server) regionName(ctx context.Context, code string) (string, error) {
	_, names, err := s.divisions(ctx)
	if err != nil {
		return "", err
	}
	n := &s.names
	n.mu.Lock()
	defer n.mu.Unlock()
	full, known := n.full[code]
	if !known {
		full = fullName(names, code, "")
		if names[code] != "" { // so that there are at most as many as divisions
			n.full[code] = full
		}
	}
	return full, nil
}

// fullName joins the names from below a division (none: from the top) down to code.
func fullName(names map[string]string, code, below string) string {
	var full []string
	for at := code; at != "" && at != below; at = registry.ParentRegion(at) {
		if name := names[at]; name != "" {
			full = append([]string{name}, full...)
		}
	}
	if len(full) == 0 {
		return code
	}
	return strings.Join(full, "")
}

// colourCache keeps the counted colours of each sight for a while: counting reads every grade.
type colourCache struct {
	mu      sync.Mutex
	colours map[string]countedColours // by what the sight is
}

type countedColours struct {
	at      time.Time
	colours *schema.RegionColours
}

// maxColours bounds how many sights are kept: there are as many as staff have different regions.
const maxColours = 64

// coloursLive is how long counted colours are kept in memory.
const coloursLive = time.Minute

// regionColours returns the counted colours, at most a minute old. Nobody changes them.
func (s *server) regionColours(ctx context.Context, sight access.Sight) (*schema.RegionColours, error) {
	k, whose := &s.colours, fmt.Sprint(sight)
	k.mu.Lock()
	defer k.mu.Unlock()
	if kept, ok := k.colours[whose]; ok && s.now().Sub(kept.at) < coloursLive {
		return kept.colours, nil
	}
	colours, err := s.store.CountColours(ctx, sight)
	if err != nil {
		return nil, fmt.Errorf("count colours by region: %w", err)
	}
	if k.colours == nil || len(k.colours) >= maxColours {
		k.colours = map[string]countedColours{}
	}
	k.colours[whose] = countedColours{s.now(), colours}
	return colours, nil
}

// regionGrades colours regions. Without a model no region has a grade.
type regionGrades struct {
	colours *schema.RegionColours
	model   *scoring.Model // may be nil
}

func (s *server) regionGrades(ctx context.Context, sight access.Sight) (*regionGrades, error) {
	colours, err := s.regionColours(ctx, sight)
	if err != nil {
		return nil, err
	}
	model, err := s.model(ctx, schema.ModelRef{})
	if err != nil && !errors.Is(err, ErrNoModel) {
		return nil, err
	}
	return &regionGrades{colours, model}, nil
}

// of returns the grade of a region with its explanation, nil without a model.
func (g *regionGrades) of(code string) *scoring.RegionGrade {
	if g.model == nil {
		return nil
	}
	grade := scoring.RegionColour(g.model, g.colours.Counts[code])
	return &grade
}

func (g *regionGrades) modelName() *scoring.ModelName {
	if g.model == nil {
		return nil
	}
	return &scoring.ModelName{Code: g.model.Code, Version: g.model.Version, Digest: g.model.Digest()}
}

// RegionItem is one line of the list as JSON: a division with its colour and what its enterprises have.
type RegionItem struct {
	registry.Region
	Level       registry.RegionLevel  `json:"level"`
	Colour      registry.Colour       `json:"colour,omitzero"` // none when too few enterprises are graded
	TooFew      bool                  `json:"too_few"`
	Enterprises int64                 `json:"enterprises"` // that have a grade
	Counts      *scoring.RegionCounts `json:"counts,omitempty"`
}

// RegionAnswer is one region as JSON, with its grade and the rules that gave it.
type RegionAnswer struct {
	registry.Region
	Level   registry.RegionLevel `json:"level"`
	AsOf    registry.Day         `json:"as_of,omitzero"` // of the newest grade
	KnownAt time.Time            `json:"known_at,omitzero"`
	Model   *scoring.ModelName   `json:"model,omitempty"`
	Grade   *scoring.RegionGrade `json:"grade,omitempty"`
}

// regions answers GET /api/v1/regions: divisions in the order of their codes, below parent= and of level= when given.
func (s *server) regions(c *gin.Context) {
	query := s.query(c)
	page, err := s.regionList(c.Request.Context(), s.sight(c), query)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, page)
}

func (s *server) regionList(ctx context.Context, sight access.Sight, query url.Values) (*List[RegionItem], error) {
	limit, err := readLimit(query.Get("limit"))
	if err != nil {
		return nil, err
	}
	level := registry.RegionLevel(query.Get("level"))
	if level != "" && !slices.Contains(regionLevels, level) {
		return nil, badField("level", "is not known", "one of province, city, county, township, village")
	}
	list, _, err := s.divisions(ctx)
	if err != nil {
		return nil, err
	}
	grades, err := s.regionGrades(ctx, sight)
	if err != nil {
		return nil, err
	}
	parent, after := query.Get("parent"), query.Get("cursor")
	page := newList[RegionItem](limit)
	for _, region := range list {
		wanted := sight.Covers(region.Code) && region.Code > after && (parent == "" || registry.ParentRegion(region.Code) == parent) && (level == "" || region.Level() == level)
		if wanted && !page.add(regionItem(&region, grades.of(region.Code)), region.Code) {
			break
		}
	}
	return page, nil
}

var regionLevels = []registry.RegionLevel{registry.LevelProvince, registry.LevelCity, registry.LevelCounty, registry.LevelTownship, registry.LevelVillage}

func regionItem(region *registry.Region, grade *scoring.RegionGrade) RegionItem {
	item := RegionItem{Region: *region, Level: region.Level()}
	if grade != nil {
		item.Colour, item.TooFew, item.Enterprises, item.Counts = grade.Colour, grade.TooFew, grade.Enterprises, &grade.Counts
	}
	return item
}

// region answers GET /api/v1/regions/:code.
func (s *server) region(c *gin.Context) {
	answer, err := s.findRegion(c.Request.Context(), s.sight(c), c.Param("code"))
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, answer)
}

// findRegion reads a region. What reaches beyond the caller's sight is as unknown as what the register does not have.
func (s *server) findRegion(ctx context.Context, sight access.Sight, code string) (*RegionAnswer, error) {
	level, ok := registry.RegionLevelOf(code)
	if !ok {
		return nil, badField("code", "is not a division code", "6, 9 or 12 digits of GB/T 2260, such as 330402")
	}
	_, names, err := s.divisions(ctx)
	if err != nil {
		return nil, err
	}
	name, known := names[code]
	if !known || !sight.Covers(code) {
		return nil, ErrNoRegion
	}
	grades, err := s.regionGrades(ctx, sight)
	if err != nil {
		return nil, err
	}
	return &RegionAnswer{Region: registry.Region{Code: code, Name: name}, Level: level, AsOf: grades.colours.AsOf, KnownAt: grades.colours.KnownAt,
		Model: grades.modelName(), Grade: grades.of(code)}, nil
}
