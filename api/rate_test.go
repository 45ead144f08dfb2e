package api

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/schema"
)

// A bucket has a quarter of a minute's requests, fills by the second, and says so.
func TestRates(t *testing.T) {
	t.Parallel()
	r, at := newRates("address", 120), time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	take := func(key string, cost int) (http.Header, error) {
		h := http.Header{}
		return h, r.take(h, key, cost, at)
	}
	for i := range 30 {
		h, err := take("a", 1)
		if want := `"address";r=` + strconv.Itoa(29-i) + `;t=` + strconv.Itoa((i+2)/2); err != nil || h.Get("RateLimit") != want {
			t.Fatalf("request %d: %v, %q, want %q", i, err, h.Get("RateLimit"), want)
		}
		if h.Get("RateLimit-Policy") != `"address";q=30;w=15` || h.Get("Retry-After") != "" {
			t.Fatalf("request %d: %v", i, h)
		}
	}
	if h, err := take("a", 1); !errors.Is(err, ErrTooMany) || h.Get("Retry-After") != "1" {
		t.Errorf("one too many: %v, %v", err, h)
	}
	if h, err := take("a", 10); !errors.Is(err, ErrTooMany) || h.Get("Retry-After") != "5" {
		t.Errorf("ten too many: %v, %v", err, h)
	}
	if _, err := take("a", 0); !errors.Is(err, ErrTooMany) {
		t.Errorf("a look at an empty bucket: %v", err)
	}
	if _, err := take("b", 30); err != nil {
		t.Errorf("another caller: %v", err)
	}
	if _, err := take("c", 1000); err != nil {
		t.Errorf("a cost above the bucket takes a full bucket: %v", err)
	}
	at = at.Add(time.Second)
	for i, want := range []error{nil, nil, ErrTooMany} {
		if _, err := take("a", 1); !errors.Is(err, want) {
			t.Errorf("request %d a second later: %v, want %v", i, err, want)
		}
	}
}

// However many callers there are, the memory is bounded.
func TestRatesAreBounded(t *testing.T) {
	t.Parallel()
	r := newRates("address", 60)
	for i := range 3 * maxBuckets {
		r.bucket(strconv.Itoa(i))
	}
	if len(r.newer) > maxBuckets || len(r.older) > maxBuckets {
		t.Errorf("%d and %d buckets", len(r.newer), len(r.older))
	}
}

func TestNetworkOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "2001:db8:1:2::9": "2001:db8:1:2::/64", "": "", "x": "",
	} {
		if got := networkOf(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// Whoever asks too often is told when to come back; who sends a good key is counted by it, and a wrong one costs the address more.
func TestTooMany(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	bank := schema.Partner{Name: "bank", Purposes: []access.Purpose{access.PurposeFinance}}
	_, key := addPartner(t, w.db, bank, w.now.Add(time.Hour), access.ScopeVerify)
	h := w.handler(t, func(c *Config) { c.RateAddress, c.RateKey = 40, 80 })
	body := `{"code":"1","purpose":"finance"}`
	for i := range 20 {
		answer := call(h, http.MethodPost, "/api/v1/verify", strings.NewReader(body), append(bearer(key), "Content-Type", typeJSON)...)
		if answer.Code == http.StatusTooManyRequests || !strings.HasPrefix(answer.Header().Get("RateLimit"), `"key";r=`) {
			t.Fatalf("request %d by key: %d %v", i, answer.Code, answer.Header())
		}
	}
	answer := call(h, http.MethodPost, "/api/v1/verify", strings.NewReader(body), append(bearer(key), "Content-Type", typeJSON)...)
	if p := problem(t, answer, http.StatusTooManyRequests, "too_many_requests"); answer.Header().Get("Retry-After") != "1" {
		t.Errorf("%+v, %v", p, answer.Header())
	}
	for range 10 {
		if answer := get(h, "/healthz"); answer.Code != http.StatusOK {
			t.Fatalf("whether the server lives: %d", answer.Code)
		}
	}
	get(h, "/api/v1/runs", "Authorization", "Bearer hc_wrong") // costs the whole bucket
	problem(t, get(h, "/api/v1/verify?code=1", "Accept", typeJSON), http.StatusTooManyRequests, "too_many_requests")
}
