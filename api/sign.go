package api

import (
	"errors"
	"net/http"

	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// signPage answers GET /enterprises/:uscc/sign, ?size=a4 or a6: the printed sign of an enterprise.
func (s *server) signPage(c *gin.Context) {
	query, err := readQuery(c.Request, "lang", "size")
	if err != nil {
		s.fail(c, err)
		return
	}
	size, ok := web.ParseSignSize(query.Get("size"))
	if !ok {
		s.fail(c, badField("size", "is not known", "a4 or a6"))
		return
	}
	code, err := readUSCC(c.Param("uscc"))
	if err != nil {
		s.fail(c, err)
		return
	}
	enterprise, err := s.register(c.Request.Context(), code)
	if err != nil {
		s.fail(c, err)
		return
	}
	view := web.SignPage{Page: s.page(c), USCC: code, Name: enterprise.Name, Size: size}
	shown, err := s.printedCode(c.Request.Context(), code)
	if errors.Is(err, ErrNoCode) { // the page says what to do
		s.render(c, http.StatusNotFound, view)
		return
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	if view.Sign, err = shown.Sign(enterprise.Name, s.Demo); err != nil {
		s.fail(c, err)
		return
	}
	s.render(c, http.StatusOK, view)
}
