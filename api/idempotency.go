package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"healthcode/access"
	"healthcode/schema"

	"github.com/gin-gonic/gin"
)

// IdempotencyStore keeps the answers to requests that may come again.
type IdempotencyStore interface {
	BeginIdempotent(ctx context.Context, r *schema.IdempotentRequest, longest time.Duration) (*schema.IdempotentAnswer, error)
	EndIdempotent(ctx context.Context, r *schema.IdempotentRequest, a schema.IdempotentAnswer) error
	DropIdempotent(ctx context.Context, r *schema.IdempotentRequest) error
}

const (
	headerIdempotencyKey = "Idempotency-Key"
	headerReplayed       = "Idempotency-Replayed"
	maxIdempotencyKey    = 255
	// idempotentLongest is how long a request with a key can be under way: its own limit and the time to keep its answer.
	idempotentLongest = 2*requestTimeout + 10*time.Second
)

// writes are the methods that change something.
var writes = []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// keepsAnswers reports whether a route takes an Idempotency-Key.
func (s *server) keepsAnswers(route *Route) bool {
	return strings.HasPrefix(route.Path, "/api/v1/") && slices.Contains(writes, route.Method)
}

// streams are the routes whose bodies or answers are too long to be kept. None of them needs a key: two change nothing, and the rows of a submission
// are told apart by source and source_ref.
var streams = []string{batchPath, submissionsPath, "/api/v1/simulations"}

// keptAnswer is an answer as it is kept, sealed: some show a secret.
type keptAnswer struct {
	Header map[string]string `json:"header"`
	Body   []byte            `json:"body"`
}

// keptHeaders are the headers of an answer that are sent again with it.
var keptHeaders = []string{"Content-Type", "Location", "ETag", "Cache-Control", "Vary"}

// idempotent carries out a request with an Idempotency-Key once (draft-ietf-httpapi-idempotency-key-header): whoever sends it again with the same body
// gets the answer of the first time.
func (s *server) idempotent(c *gin.Context) {
	given := c.Request.Header.Values(headerIdempotencyKey)
	if len(given) == 0 {
		return
	}
	request, err := s.idempotentRequest(c, given)
	if err != nil {
		s.fail(c, err)
		return
	}
	if request == nil { // nobody's: there is nobody to keep it for
		return
	}
	kept, err := s.store.BeginIdempotent(c.Request.Context(), request, idempotentLongest)
	switch {
	case err != nil:
		s.fail(c, err)
	case kept != nil:
		s.replay(c, request, kept)
	default:
		s.carryOut(c, request)
	}
}

func (s *server) idempotentRequest(c *gin.Context, given []string) (*schema.IdempotentRequest, error) {
	key, err := readIdempotencyKey(given)
	if err != nil {
		return nil, err
	}
	if slices.Contains(streams, c.FullPath()) {
		return nil, badField(headerIdempotencyKey, "is not taken here", "no key: sending it again does no harm")
	}
	caller, err := s.caller(c)
	if err != nil || caller.Kind == access.Nobody {
		return nil, err
	}
	body, err := readBody(c.Request) // gathered: the handler reads it again
	if err != nil {
		return nil, bodyError(err)
	}
	hash := sha256.New()
	fmt.Fprintf(hash, "%s %q %q %q\n", c.Request.Method, c.Request.URL.RequestURI(), c.GetHeader("Content-Type"), c.GetHeader("If-Match"))
	hash.Write(body)
	return &schema.IdempotentRequest{CallerKind: caller.Kind, CallerID: caller.ID, Key: key, Fingerprint: hex.EncodeToString(hash.Sum(nil))}, nil
}

// readIdempotencyKey reads the header: a text of visible ASCII, with or without quotes.
func readIdempotencyKey(given []string) (string, error) {
	key := given[0]
	if n := len(key); n >= 2 && key[0] == '"' && key[n-1] == '"' {
		key = key[1 : n-1]
	}
	odd := strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' })
	if len(given) > 1 || key == "" || len(key) > maxIdempotencyKey || odd {
		return "", badField(headerIdempotencyKey, "is not a key", "once, 1 to 255 visible ASCII characters, such as a UUID")
	}
	return key, nil
}

func sealedFor(r *schema.IdempotentRequest) string {
	return fmt.Sprintf("idempotency %s %d %s", r.CallerKind, r.CallerID, r.Key)
}

func (s *server) replay(c *gin.Context, r *schema.IdempotentRequest, kept *schema.IdempotentAnswer) {
	text, err := s.Seal.Open(kept.Answer, sealedFor(r))
	if err != nil {
		s.fail(c, fmt.Errorf("open a kept answer: %w", err))
		return
	}
	var answer keptAnswer
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		s.fail(c, fmt.Errorf("read a kept answer: %w", err))
		return
	}
	for name, value := range answer.Header {
		c.Header(name, value)
	}
	c.Header(headerReplayed, "true")
	c.Abort()
	c.Status(kept.Status)
	if _, err := c.Writer.Write(answer.Body); err != nil {
		s.fail(c, fmt.Errorf("send a kept answer: %w", err))
	}
}

// carryOut lets the handlers answer into memory, keeps the answer, and sends it. An answer that says that we failed, or that it was too early, is not kept:
// the key is given back. The process may die before the answer is kept: then the key stays taken, and who comes again is told that nobody knows.
func (s *server) carryOut(c *gin.Context, r *schema.IdempotentRequest) {
	real := c.Writer
	held := &heldWriter{ResponseWriter: real}
	c.Writer = held
	done := false
	defer func() { // also when a handler panics
		c.Writer = real
		if !done {
			s.giveKeyBack(c, r)
		}
	}()
	c.Next()
	c.Writer = real
	if status := held.Status(); status < http.StatusInternalServerError && status != http.StatusTooManyRequests && status != statusClientGone && status != http.StatusUnauthorized {
		done = true
		s.keepAnswer(c, r, held)
	}
	if held.body.Len() > 0 {
		if _, err := real.Write(held.body.Bytes()); err != nil {
			s.log.LogAttrs(c.Request.Context(), slog.LevelWarn, "an answer was not sent", slog.String("request_id", requestIDOf(c)))
		}
	}
}

// detached is the context of what must be done although the request's own time is over.
func detached(c *gin.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(c.Request.Context()), requestTimeout)
}

func (s *server) giveKeyBack(c *gin.Context, r *schema.IdempotentRequest) {
	ctx, cancel := detached(c)
	defer cancel()
	if err := s.store.DropIdempotent(ctx, r); err != nil {
		s.logKept(c, "an idempotency key stays taken", err)
	}
}

// keepAnswer keeps an answer before it is sent. When that fails the work is done all the same, so the answer goes out.
func (s *server) keepAnswer(c *gin.Context, r *schema.IdempotentRequest, held *heldWriter) {
	answer := keptAnswer{Header: map[string]string{}, Body: held.body.Bytes()}
	for _, name := range keptHeaders {
		if value := held.Header().Get(name); value != "" {
			answer.Header[name] = value
		}
	}
	ctx, cancel := detached(c)
	defer cancel()
	text, err := json.Marshal(answer)
	if err == nil {
		var sealed string
		if sealed, err = s.Seal.Seal(string(text), sealedFor(r)); err == nil {
			err = s.store.EndIdempotent(ctx, r, schema.IdempotentAnswer{Status: held.Status(), Answer: sealed})
		}
	}
	if err != nil && !errors.Is(err, schema.ErrLeaseLost) {
		s.logKept(c, "an answer was not kept", err)
	}
}

func (s *server) logKept(c *gin.Context, what string, err error) {
	s.log.LogAttrs(c.Request.Context(), slog.LevelError, what, slog.String("request_id", requestIDOf(c)), slog.String("error", err.Error()))
}

// heldWriter keeps a body back. The status and the headers are noted by the writer below and go out with the first byte.
type heldWriter struct {
	gin.ResponseWriter
	body    bytes.Buffer
	written bool
}

// Write implements io.Writer.
func (w *heldWriter) Write(p []byte) (int, error) {
	w.written = true
	return w.body.Write(p)
}

// WriteString implements io.StringWriter.
func (w *heldWriter) WriteString(text string) (int, error) {
	w.written = true
	return w.body.WriteString(text)
}

// WriteHeaderNow holds the header back, too.
func (w *heldWriter) WriteHeaderNow() { w.written = true }

// Written reports whether a handler has answered.
func (w *heldWriter) Written() bool { return w.written }

// Size returns the length of the body so far.
func (w *heldWriter) Size() int { return w.body.Len() }

// Flush holds everything back.
func (w *heldWriter) Flush() {}
