package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"healthcode/access"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// page gathers what every view needs to know of the request. A language named in ?lang= beats that of the browser.
func (s *server) page(c *gin.Context) web.Page {
	p := web.Page{Path: "/", Demo: s.Demo, ID: requestIDOf(c)}
	if c.FullPath() != "" { // an address that no route knows never becomes a link
		p.Path, p.Query = c.Request.URL.EscapedPath(), c.Request.URL.Query()
	}
	if known, ok := c.Get(headerCaller); ok { // a guarded page
		if caller, ok := known.(*access.Caller); ok {
			p.Audits = caller.Holds(access.Auditor, "")
			if caller.ID != 0 {
				p.Account = caller.Name
			}
		}
	}
	p.Lang, p.Chosen = web.ParseLanguage(c.Request.URL.Query().Get("lang"))
	if !p.Chosen {
		p.Lang = web.AcceptedLanguage(c.GetHeader("Accept-Language"))
	}
	return p
}

// render answers with a page. Should the page itself fail, a plain line still says so: this is the last resort.
func (s *server) render(c *gin.Context, status int, view any) {
	body, err := s.renderer.Render(view)
	if err != nil {
		p := problemOf(err, web.English)
		p.RequestID = requestIDOf(c)
		s.logProblem(c, p, fmt.Errorf("render page: %w", err))
		c.Data(http.StatusInternalServerError, "text/plain; charset=utf-8", []byte(p.Title+" ("+p.RequestID+")\n"))
		return
	}
	addVary(c, "Accept", "Accept-Language")
	c.Data(status, "text/html; charset=utf-8", body)
}

// addVary says that the answer depends on headers of the request, each named once.
func addVary(c *gin.Context, names ...string) {
	known := strings.Split(c.Writer.Header().Get("Vary"), ", ")
	for _, name := range names {
		if !slices.Contains(known, name) {
			known = append(known, name)
		}
	}
	c.Header("Vary", strings.TrimPrefix(strings.Join(known, ", "), ", "))
}
