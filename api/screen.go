package api

import (
	"context"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"time"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// screenRenewal is how often a screen renews its code, which lives six times as long: a few failed attempts do no harm.
const screenRenewal = 30 * time.Second

// screenPolicy is contentPolicy, and the page's own script, which asks this server for the next code.
const screenPolicy = contentPolicy + "; script-src 'self'; connect-src 'self'"

// ScreenAnswer is a screen code as JSON.
type ScreenAnswer struct {
	USCC       registry.USCC   `json:"uscc"`
	Text       string          `json:"text"` // what the QR code says: https://HOST/v/DIGITS
	SVG        string          `json:"svg"`
	Tier       registry.Tier   `json:"tier"`   // the current one
	Colour     registry.Colour `json:"colour"` // the current one
	Index      uint32          `json:"idx"`
	IssuedAt   time.Time       `json:"issued_at"`
	ExpiresAt  time.Time       `json:"expires_at"`
	RenewAfter int64           `json:"renew_after"` // seconds
	ServerTime time.Time       `json:"server_time"` // so that the clock of the device does not matter
}

// screenCode answers GET /api/v1/enterprises/:uscc/screen.
func (s *server) screenCode(c *gin.Context) {
	code, err := readUSCC(c.Param("uscc"))
	if err != nil {
		s.fail(c, err)
		return
	}
	answer, err := s.nextScreen(c.Request.Context(), code)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, answer)
}

// nextScreen signs the next screen code of an enterprise. ErrScreenSuspended and ErrScreenRevoked when there may be none.
func (s *server) nextScreen(ctx context.Context, code registry.USCC) (*ScreenAnswer, error) {
	if s.Issuer == nil {
		return nil, ErrNoSigner
	}
	if _, err := s.register(ctx, code); err != nil {
		return nil, err
	}
	shown, err := s.Issuer.Screen(ctx, code)
	if err != nil {
		return nil, err
	}
	switch shown.Status {
	case schema.CodeValid:
	case schema.CodeSuspended:
		return nil, ErrScreenSuspended
	default:
		return nil, ErrScreenRevoked
	}
	svg, err := drawCode(shown.Issued.URL, drawSVG)
	if err != nil {
		return nil, err
	}
	is := &shown.Issued.Code
	return &ScreenAnswer{USCC: code, Text: shown.Issued.URL, SVG: string(svg), Tier: is.Tier, Colour: is.Colour, Index: is.Index, IssuedAt: is.Issued(),
		ExpiresAt: is.Expires(), RenewAfter: s.renewAfter(), ServerTime: s.now().UTC()}, nil
}

// renewAfter is how many seconds a screen waits before it asks for its next code.
func (s *server) renewAfter() int64 {
	if s.ScreenRenewal <= 0 {
		return int64(screenRenewal / time.Second)
	}
	return int64(s.ScreenRenewal / time.Second)
}

// screenPage answers GET /enterprises/:uscc/screen: the code, large, which renews itself.
func (s *server) screenPage(c *gin.Context) {
	if _, err := readQuery(c.Request, "lang"); err != nil {
		s.fail(c, err)
		return
	}
	code, err := readUSCC(c.Param("uscc"))
	if err != nil {
		s.fail(c, err)
		return
	}
	view, err := s.screenView(c, code)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Header("Content-Security-Policy", screenPolicy)
	s.render(c, http.StatusOK, view)
}

func (s *server) screenView(c *gin.Context, code registry.USCC) (web.ScreenPage, error) {
	ctx := c.Request.Context()
	view := web.ScreenPage{Page: s.page(c), USCC: code, State: "valid", API: "/api/v1/enterprises/" + string(code) + "/screen", RenewAfter: s.renewAfter()}
	enterprise, err := s.register(ctx, code)
	if err != nil {
		return view, err
	}
	view.Name = enterprise.Name
	answer, err := s.nextScreen(ctx, code)
	switch {
	case errors.Is(err, ErrScreenSuspended):
		view.State = "suspended"
		return view, nil
	case errors.Is(err, ErrScreenRevoked):
		view.State = "revoked"
		return view, nil
	case err != nil:
		return view, err
	}
	view.Tier, view.Colour = answer.Tier, answer.Colour
	view.IssuedAt, view.Left = answer.IssuedAt, int64(answer.ExpiresAt.Sub(answer.ServerTime)/time.Second)
	view.Image = template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(answer.SVG))) //nolint:gosec // our own drawing
	return view, nil
}
