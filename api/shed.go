package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// errOverloaded is the reason for refusing a request while too many are under way.
var errOverloaded = errors.New("too many requests are under way")

// gate lets so many requests in at once; the others wait a moment and are then sent away, so that those inside are answered in time.
type gate struct {
	places  chan struct{}
	patient time.Duration
}

func newGate(places int, patient time.Duration) *gate {
	return &gate{make(chan struct{}, places), patient}
}

// enter reports whether there is a place; leave gives it back.
func (g *gate) enter(ctx context.Context) bool {
	select {
	case g.places <- struct{}{}:
		return true
	default:
	}
	wait := time.NewTimer(g.patient)
	defer wait.Stop()
	select {
	case g.places <- struct{}{}:
		return true
	case <-wait.C:
	case <-ctx.Done():
	}
	return false
}

func (g *gate) leave() { <-g.places }

// gates keep three kinds of requests from taking each other's places. Verifying has most of them: it is what people wait for at a counter, and it
// reads through connections of its own (schema.DB). What takes long has few.
type gates struct{ verifying, ordinary, long *gate }

func newGates() gates {
	n := runtime.GOMAXPROCS(0)
	return gates{
		verifying: newGate(max(256, 64*n), 2*time.Second),
		ordinary:  newGate(max(16, 8*n), 500*time.Millisecond),
		long:      newGate(max(4, 2*n), 100*time.Millisecond),
	}
}

// of returns the gate of a route; nil for what is always answered.
func (g *gates) of(route string) *gate {
	switch {
	case route == "/healthz" || route == "/readyz" || strings.HasPrefix(route, "/static/"):
		return nil
	case route == submissionsPath: // what comes in has places of its own (server.receive), for as long as it takes
		return nil
	case strings.HasPrefix(route, "/v/"), strings.HasPrefix(route, "/api/v1/verify"), strings.HasPrefix(route, "/lists"), strings.HasPrefix(route, "/.well-known/"),
		route == "/bundle":
		return g.verifying
	case route == "/api/v1/simulations", route == resultsPath:
		return g.long
	}
	return g.ordinary
}

// gather reads the body before the request takes a place: whoever sends one drop by drop keeps nobody from it. What goes wrong is told to the handler
// that reads. A submission is too long for that.
func gather(c *gin.Context) {
	if isGathered(c.Request) || c.Request.Body == nil || c.Request.Body == http.NoBody || c.Request.ContentLength == 0 || c.FullPath() == submissionsPath {
		return
	}
	body := make([]byte, 0, min(max(c.Request.ContentLength, 0), MaxBody)+1)
	whole := bytes.NewBuffer(body)
	_, err := whole.ReadFrom(c.Request.Body)
	c.Request.Body = newGathered(whole.Bytes(), err)
}

func isGathered(r *http.Request) bool {
	_, is := r.Body.(*gathered)
	return is
}

func newGathered(body []byte, err error) *gathered {
	return &gathered{bytes.NewReader(body), body, err}
}

// gathered is a body that was read already, and what went wrong then.
type gathered struct {
	rest *bytes.Reader
	body []byte
	err  error
}

func (g *gathered) Read(p []byte) (int, error) {
	n, err := g.rest.Read(p)
	if errors.Is(err, io.EOF) && g.err != nil {
		err = g.err
	}
	return n, err
}

func (g *gathered) Close() error { return nil }

// readBody returns the whole body of a request.
func readBody(r *http.Request) ([]byte, error) {
	if g, ok := r.Body.(*gathered); ok {
		return g.body, g.err
	}
	return io.ReadAll(r.Body)
}

// shed sends away with 503 what there is no place for.
func (s *server) shed(c *gin.Context) {
	g := s.gates.of(c.FullPath())
	if g == nil {
		return
	}
	if !g.enter(c.Request.Context()) {
		c.Header("Retry-After", "1")
		s.fail(c, errOverloaded)
		return
	}
	defer g.leave()
	c.Next()
}
