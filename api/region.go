package api

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"sync"
	"time"

	"healthcode/registry"

	"github.com/gin-gonic/gin"
)

// RegionReader reads divisions in the order of their codes.
type RegionReader interface {
	Regions(ctx context.Context) iter.Seq2[registry.Region, error]
}

// regionsLive is how long names of divisions are kept in memory. They change a few times a year.
const regionsLive = time.Minute

// regionNames keeps the divisions in memory: every page names some, and they are few.
type regionNames struct {
	mu     sync.Mutex
	loaded time.Time
	list   []registry.Region
	byCode map[string]string
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
	n.list, n.byCode, n.loaded = list, byCode, s.now()
	return list, byCode, nil
}

// regionName returns the full name of a division, largest first: 浙江省嘉兴市南湖区. A code without names is shown as it is.
func (s *server) regionName(ctx context.Context, code string) (string, error) {
	_, names, err := s.divisions(ctx)
	if err != nil {
		return "", err
	}
	return fullName(names, code, ""), nil
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

// regions answers GET /api/v1/regions: divisions in the order of their codes, below parent= when given.
func (s *server) regions(c *gin.Context) {
	query, err := readQuery(c.Request, "parent", "cursor", "limit")
	if err != nil {
		s.fail(c, err)
		return
	}
	limit, err := readLimit(query.Get("limit"))
	if err != nil {
		s.fail(c, err)
		return
	}
	list, _, err := s.divisions(c.Request.Context())
	if err != nil {
		s.fail(c, err)
		return
	}
	parent, after := query.Get("parent"), query.Get("cursor")
	page := newList[registry.Region](limit)
	for _, region := range list {
		if region.Code > after && (parent == "" || registry.ParentRegion(region.Code) == parent) && !page.add(region, region.Code) {
			break
		}
	}
	c.JSON(http.StatusOK, page)
}
