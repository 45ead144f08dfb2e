package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"healthcode/access"
	"healthcode/exchange"
	"healthcode/schema"

	"github.com/gin-gonic/gin"
)

const (
	// MaxBody bounds a request body, in bytes.
	MaxBody = 64 << 10
	// requestTimeout bounds the work on one request.
	requestTimeout = 10 * time.Second
)

// headerRequestID names the request in the answer and in the log.
const headerRequestID = "X-Request-Id"

// contentPolicy allows what our pages have and nothing else: own style sheets, own images, images in Tabler's style sheet, own forms.
const contentPolicy = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// apiPolicy is for answers that no browser is to show or to frame.
const apiPolicy = "default-src 'none'; frame-ancestors 'none'"

// apiPrefix is where programs call.
const apiPrefix = "/api/"

// requestID gives each request a number of its own. One that a client sends is not believed: the log is ours.
func requestID(c *gin.Context) {
	var id [12]byte
	rand.Read(id[:]) // crypto/rand.Read never fails: it crashes the program instead (Go 1.24)
	c.Writer.Header()[headerRequestID] = []string{hex.EncodeToString(id[:])}
}

// requestIDOf returns the number of a request.
func requestIDOf(c *gin.Context) string { return c.Writer.Header().Get(headerRequestID) }

// strictTransport keeps browsers on HTTPS for two years, once they have come by it.
func strictTransport(c *gin.Context) {
	c.Header("Strict-Transport-Security", "max-age=63072000")
}

// fixedHeaders stand on every answer. The slices are shared, so nobody may change one in place: Header.Set puts another in its place.
var fixedHeaders = http.Header{
	"Content-Security-Policy":      {contentPolicy},
	"X-Content-Type-Options":       {"nosniff"},
	"X-Frame-Options":              {"DENY"},
	"Referrer-Policy":              {"no-referrer"},
	"Cross-Origin-Opener-Policy":   {"same-origin"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
	"Permissions-Policy":           {"camera=(), geolocation=(), microphone=()"},
	"Cache-Control":                {"no-store"},
}

// fixedAPIHeaders stand on every answer of the API. No browser shows one as a page, so what only pages obey is left out (OWASP REST Security Cheat Sheet).
var fixedAPIHeaders = http.Header{
	"Content-Security-Policy":      {apiPolicy},
	"X-Content-Type-Options":       {"nosniff"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
	"Cache-Control":                {"no-store"},
}

func securityHeaders(c *gin.Context) {
	fixed := fixedHeaders
	if strings.HasPrefix(c.FullPath(), apiPrefix) {
		fixed = fixedAPIHeaders
	}
	maps.Copy(c.Writer.Header(), fixed)
}

// limits bounds the body and the time of a request, and says that nobody in particular asks, until admit knows better. Handlers pass the request's
// context on, never the gin context.
func limits(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), timeLimit(c.FullPath()))
	defer cancel()
	c.Request = c.Request.WithContext(schema.WithActor(ctx, actorOf(c, &access.Caller{Kind: access.Nobody})))
	if !isGathered(c.Request) {
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, bodyLimit(c.FullPath()))
	}
	c.Next()
}

// bodyLimit is how long the body of a route may be, in bytes.
func bodyLimit(route string) int64 {
	switch route {
	case batchPath:
		return MaxBatchBody
	case recordsPath:
		return exchange.MaxRow
	case submissionsPath:
		return MaxSubmissionBody
	}
	return MaxBody
}

// timeLimit bounds the work on a request of a route. What streams is bounded by its pace as well.
func timeLimit(route string) time.Duration {
	if route == submissionsPath || route == resultsPath {
		return streamTimeout
	}
	return requestTimeout
}

// accessLog writes one line a request. It knows the route and not the address: the payload of a code, queries and clients' addresses
// never reach the log, so nobody can learn from it whom someone looked up.
func (s *server) accessLog(c *gin.Context) {
	start := s.now()
	c.Next()
	level := slog.LevelInfo
	if c.Writer.Status() >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	ctx, handler := c.Request.Context(), s.log.Handler()
	if !handler.Enabled(ctx, level) {
		return
	}
	end := s.now()
	line := slog.NewRecord(end, level, "request", 0) // the Logger would look for the line of the source, which is always this one
	line.AddAttrs(slog.String("request_id", requestIDOf(c)), slog.String("method", c.Request.Method), slog.String("path", loggedPath(c)),
		slog.Int("status", c.Writer.Status()), slog.Int("bytes", max(0, c.Writer.Size())), slog.Duration("took", end.Sub(start)))
	_ = handler.Handle(ctx, line) // there is nobody to tell that the log cannot be written
}

// loggedPath is the path as far as it may be logged: a code's payload is cut off, and so is whatever no route knows.
func loggedPath(c *gin.Context) string {
	route := c.FullPath()
	switch {
	case route == "":
		return "(no route)"
	case strings.HasPrefix(route, "/v/"):
		return "/v/…"
	}
	return c.Request.URL.Path
}

func (s *server) recovery(c *gin.Context) {
	defer func() {
		if cause := recover(); cause != nil {
			if cause == http.ErrAbortHandler { //nolint:errorlint // net/http asks for this very value
				panic(cause)
			}
			s.recovered(c, cause, debug.Stack())
		}
	}()
	c.Next()
}
