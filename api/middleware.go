package api

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"math/rand/v2"
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

// requestID gives each request a number of its own. One that a client sends is not believed: the log is ours.
func requestID(c *gin.Context) {
	var id [12]byte
	binary.BigEndian.PutUint64(id[:], rand.Uint64())  //nolint:gosec // it must be new, not secret
	binary.BigEndian.PutUint32(id[8:], rand.Uint32()) //nolint:gosec // the same
	c.Writer.Header()[headerRequestID] = []string{hex.EncodeToString(id[:])}
}

// requestIDOf returns the number of a request.
func requestIDOf(c *gin.Context) string { return c.Writer.Header().Get(headerRequestID) }

// strictTransport keeps browsers on HTTPS for two years, once they have come by it.
func strictTransport(c *gin.Context) {
	c.Header("Strict-Transport-Security", "max-age=63072000")
}

// field is a header field with its value. The slice is shared, so nobody may change it in place: Header.Set puts another in its place.
type field struct {
	name  string
	value []string
}

// pageFields stand on every answer, but those of the API.
var pageFields = []field{
	{"Content-Security-Policy", []string{contentPolicy}},
	{"X-Content-Type-Options", []string{"nosniff"}},
	{"X-Frame-Options", []string{"DENY"}},
	{"Referrer-Policy", []string{"no-referrer"}},
	{"Cross-Origin-Opener-Policy", []string{"same-origin"}},
	{"Cross-Origin-Resource-Policy", []string{"same-origin"}},
	{"Permissions-Policy", []string{"camera=(), geolocation=(), microphone=()"}},
	{"Cache-Control", []string{"no-store"}},
}

// programFields stand on every answer of the API. No browser shows one as a page, so what only pages obey is left out (OWASP REST Security Cheat Sheet).
var programFields = []field{
	{"Content-Security-Policy", []string{"default-src 'none'; frame-ancestors 'none'"}},
	{"X-Content-Type-Options", []string{"nosniff"}},
	{"Cross-Origin-Resource-Policy", []string{"same-origin"}},
	{"Cache-Control", []string{"no-store"}},
}

// apiPrefix is where programs call.
const apiPrefix = "/api/"

func securityHeaders(c *gin.Context) {
	if strings.HasPrefix(c.FullPath(), apiPrefix) {
		setFields(c, programFields)
		return
	}
	setFields(c, pageFields)
}

func setFields(c *gin.Context, fields []field) {
	header := c.Writer.Header()
	for i := range fields {
		header[fields[i].name] = fields[i].value
	}
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
	ctx, handler := c.Request.Context(), s.saysWhat(c)
	if !handler.Enabled(ctx, level) {
		return
	}
	end := s.now()
	line := slog.NewRecord(end, level, "request", 0) // the Logger would look for the line of the source, which is always this one
	line.AddAttrs(slog.String("request_id", requestIDOf(c)), slog.Int("status", c.Writer.Status()), slog.Int("bytes", max(0, c.Writer.Size())), slog.Duration("took", end.Sub(start)))
	_ = handler.Handle(ctx, line) // there is nobody to tell that the log cannot be written
}

// saysWhat returns the log of a request, with what was asked. That of the most frequent one is made once.
func (s *server) saysWhat(c *gin.Context) slog.Handler {
	if c.Request.Method == http.MethodPost && c.FullPath() == verifyPath {
		return s.verifyLog
	}
	return logOf(s.log, c.Request.Method, loggedPath(c))
}

func logOf(log *slog.Logger, method, path string) slog.Handler {
	return log.Handler().WithAttrs([]slog.Attr{slog.String("method", method), slog.String("path", path)})
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
