package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
)

// Readiness says whether the store can be used: reachable, and of this program's version.
type Readiness interface {
	Ping(ctx context.Context) error
	// CheckVersion refuses a database that is older or newer than this program.
	CheckVersion(ctx context.Context) error
}

// Health says how the service is.
type Health struct {
	Status string `json:"status" enum:"alive,ready"`
}

// healthz answers as long as the process can answer at all.
func (s *server) healthz(c *gin.Context) { c.JSON(http.StatusOK, Health{"alive"}) }

// readyz answers 200 when requests can be served, 503 otherwise.
func (s *server) readyz(c *gin.Context) {
	ctx := c.Request.Context()
	for _, check := range []func(context.Context) error{s.store.Ping, s.store.CheckVersion} {
		if err := check(ctx); err != nil {
			s.fail(c, fmt.Errorf("%w: %w", errUnavailable, err))
			return
		}
	}
	c.JSON(http.StatusOK, Health{"ready"})
}
