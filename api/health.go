package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
)

// Readiness says whether the store can be used: reachable, and of this program's version.
type Readiness interface {
	Ready(ctx context.Context) error
}

// healthz answers as long as the process can answer at all.
func (s *server) healthz(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "alive"}) }

// readyz answers 200 when requests can be served, 503 otherwise.
func (s *server) readyz(c *gin.Context) {
	if err := s.Readiness.Ready(c.Request.Context()); err != nil {
		s.fail(c, &unavailable{fmt.Errorf("readiness: %w", err)})
		return
	}
	c.JSON(http.StatusOK, gin.H{"status": "ready"})
}

// unavailable makes any error one that passes: it is the store that is not ready, not a fault of a handler.
type unavailable struct{ error }

func (u *unavailable) Unwrap() []error { return []error{errUnavailable, u.error} }
