package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// Config is all that the handlers need. Every reader is required; *schema.DB satisfies those that a comment does not say otherwise of.
type Config struct {
	Log *slog.Logger
	Now func() time.Time // nil means time.Now

	Keys        KeyReader
	Enterprises EnterpriseReader
	Assessments AssessmentReader
	Explainer   Explainer
	Codes       CodeReader
	Regions     RegionReader
	Products    ProductReader
	Runs        RunReader
	Readiness   Readiness

	Demo           bool       // the data is invented: every page says so
	Showcases      []Showcase // shown on the first page
	TrustedProxies []string   // addresses or CIDRs of proxies whose X-Forwarded-For is believed; none by default
}

// server holds what the handlers share.
type server struct {
	Config
	log      *slog.Logger
	now      func() time.Time
	renderer *web.Renderer
	assets   *web.AssetSet
	names    regionNames
	images   imageCache
}

// ErrConfig is the reason for a Config that lacks something.
var ErrConfig = errors.New("incomplete configuration of the server")

// New builds the handler of every route. It fails when a page does not fit its template or when the configuration lacks something.
func New(c Config) (http.Handler, error) {
	s, err := newServer(c)
	if err != nil {
		return nil, err
	}
	return s.engine()
}

func newServer(c Config) (*server, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	renderer, err := web.NewRenderer()
	if err != nil {
		return nil, fmt.Errorf("prepare pages: %w", err)
	}
	assets, err := web.Assets()
	if err != nil {
		return nil, fmt.Errorf("prepare assets: %w", err)
	}
	return &server{Config: c, log: c.Log, now: c.Now, renderer: renderer, assets: assets}, nil
}

func (c *Config) check() error {
	var missing []error
	for name, given := range map[string]bool{"Log": c.Log != nil, "Keys": c.Keys != nil, "Enterprises": c.Enterprises != nil,
		"Assessments": c.Assessments != nil, "Explainer": c.Explainer != nil, "Codes": c.Codes != nil, "Regions": c.Regions != nil,
		"Products": c.Products != nil, "Runs": c.Runs != nil, "Readiness": c.Readiness != nil} {
		if !given {
			missing = append(missing, fmt.Errorf("%w: %s is missing", ErrConfig, name))
		}
	}
	return errors.Join(missing...)
}

// engine sets gin up. Its mode is the process's business: tests and cmd choose it.
func (s *server) engine() (*gin.Engine, error) {
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false // one address for each thing; gin's redirect also believes X-Forwarded-Prefix
	if err := e.SetTrustedProxies(s.TrustedProxies); err != nil {
		return nil, fmt.Errorf("trusted proxies: %w", err)
	}
	e.Use(requestID, securityHeaders, s.accessLog, s.recovery, limits)
	s.routes(e)
	e.NoRoute(s.noRoute)
	e.NoMethod(s.noMethod)
	return e, nil
}
