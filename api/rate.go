package api

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"healthcode/access"

	"github.com/gin-gonic/gin"
	"golang.org/x/time/rate"
)

// ErrTooMany is the reason for refusing whoever asks more often than they may.
var ErrTooMany = errors.New("too many requests")

// Rate bounds how often somebody may ask: so many requests a minute, and a quarter of that at once. 0 is no bound.
type Rate int

// The rates that a server starts with.
const (
	DefaultRateAddress Rate = 1200  // of one address (of one /64 of IPv6); twenty a second
	DefaultRateKey     Rate = 12000 // of one partner; two hundred a second
)

func (r Rate) burst() int { return max(1, int(r)/4) }

// The costs of what is not one request's worth.
const (
	costSignIn   = 10 // a password is compared: 32 MiB and tens of milliseconds
	costWrongKey = 10 // an API key that is none
	codesACost   = 10 // so many codes of a batch cost as much as one request
)

// maxBuckets bounds the callers that are kept apart a generation, some hundred bytes each. Whoever is forgotten begins with a full bucket.
const maxBuckets = 65536

// rates keeps a token bucket for each caller of one kind.
type rates struct {
	name string // of the policy
	rate Rate

	mu           sync.Mutex
	newer, older map[string]*rate.Limiter
}

func newRates(name string, r Rate) *rates { return &rates{name: name, rate: r} }

func (r *rates) bucket(key string) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.newer[key]; b != nil {
		return b
	}
	b := r.older[key]
	if b == nil {
		b = rate.NewLimiter(rate.Limit(float64(r.rate)/60), r.rate.burst())
	}
	if r.newer == nil || len(r.newer) >= maxBuckets {
		r.newer, r.older = make(map[string]*rate.Limiter), r.newer
	}
	r.newer[key] = b
	return b
}

// take takes the cost of a request from a caller's bucket and writes the header fields of draft-ietf-httpapi-ratelimit-headers. An empty bucket is
// ErrTooMany, with Retry-After. A cost of 0 only looks.
func (r *rates) take(h http.Header, key string, cost int, now time.Time) error {
	if r.rate <= 0 {
		return nil
	}
	b := r.bucket(key)
	cost = min(cost, b.Burst())
	allowed := b.AllowN(now, cost)
	tokens := b.TokensAt(now)
	if cost == 0 {
		allowed = tokens >= 1
	}
	perSecond := float64(b.Limit())
	h.Set("RateLimit-Policy", fmt.Sprintf("%q;q=%d;w=%d", r.name, b.Burst(), int(math.Ceil(float64(b.Burst())/perSecond))))
	h.Set("RateLimit", fmt.Sprintf("%q;r=%d;t=%d", r.name, max(0, int(tokens)), int(math.Ceil((float64(b.Burst())-tokens)/perSecond))))
	if allowed {
		return nil
	}
	wait := (float64(max(1, cost)) - tokens) / perSecond
	h.Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(wait)))))
	return ErrTooMany
}

// limitAddress bounds how often one address may ask. Whoever sends an API key is bounded by that instead (limitKey); one that is none costs their
// address more.
func (s *server) limitAddress(c *gin.Context) {
	if s.byAddress.rate <= 0 || unlimited(c.FullPath()) {
		return
	}
	address, keyed := networkOf(c.ClientIP()), c.GetHeader("Authorization") != ""
	cost := 1
	switch {
	case keyed:
		cost = 0
	case c.Request.Method == http.MethodPost && c.FullPath() == "/login":
		cost = costSignIn
	}
	if err := s.byAddress.take(c.Writer.Header(), address, cost, s.now()); err != nil {
		s.fail(c, err)
		return
	}
	c.Next()
	if keyed && c.Writer.Status() == http.StatusUnauthorized {
		_ = s.byAddress.take(http.Header{}, address, costWrongKey, s.now()) // the answer is out; the next request is refused
	}
}

// limitKey bounds how often one partner may ask.
func (s *server) limitKey(c *gin.Context, caller *access.Caller, cost int) error {
	if cost == 0 || caller.Kind != access.Partner {
		return nil
	}
	return s.byKey.take(c.Writer.Header(), strconv.FormatInt(caller.ID, 10), cost, s.now())
}

// unlimited reports whether a route answers however often it is asked: what a page loads beside itself, and whether the server lives.
func unlimited(route string) bool {
	return strings.HasPrefix(route, "/static/") || route == "/healthz" || route == "/readyz"
}

// networkOf is what addresses are told apart by: an address of IPv4, the /64 of one of IPv6, which one subscriber has whole.
func networkOf(text string) string {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return ""
	}
	address = address.Unmap()
	if address.Is4() {
		return address.String()
	}
	prefix, err := address.Prefix(64)
	if err != nil {
		return address.String()
	}
	return prefix.String()
}
