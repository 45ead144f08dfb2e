package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/registry"
	"healthcode/schema"
)

// from sends a request from an address.
func from(h http.Handler, method, path, address string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.RemoteAddr = address
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	return answer
}

// A printed code that is scanned from many networks in a day raises one signal, which the console, the enterprise's page and those who scan it see. What
// is stored names nobody.
func TestScansAreCounted(t *testing.T) {
	w := ownWorld(t)
	scans := NewScanLog(w.db, func() time.Time { return w.now }, slog.New(slog.DiscardHandler), 5)
	h := w.handler(t, func(c *Config) { c.Scans, c.Issuer = scans, w.issuer() })
	scans.flush(t.Context())
	issued := w.codes[w.first]
	for i := range 60 {
		if answer := from(h, http.MethodGet, "/v/"+issued.Digits, fmt.Sprintf("198.%d.%d.7:4000", i%3, i)); answer.Code != http.StatusOK { // three networks
			t.Fatalf("status %d", answer.Code)
		}
	}
	from(h, http.MethodHead, "/v/"+issued.Digits, "203.0.113.7:1")
	from(h, http.MethodGet, "/v/"+altered(issued.Digits), "203.0.113.7:1")
	from(h, http.MethodGet, "/api/v1/verify?code="+issued.Digits, "203.0.113.7:1")
	screen, err := w.issuer().Screen(t.Context(), w.first)
	if err != nil {
		t.Fatal(err)
	}
	from(h, http.MethodGet, "/v/"+screen.Issued.Digits, "203.0.113.7:1")
	scans.flush(t.Context())
	if counts, err := w.db.ScansOf(t.Context(), w.first, 0); err != nil || len(counts) != 1 || counts[issued.Code.Index] != 60 {
		t.Errorf("counts %v, %v; want 60 of the printed code and nothing else", counts, err)
	}
	if v := decoded[verdictJSON](t, get(h, "/api/v1/verify?code="+issued.Digits)); v.Copied {
		t.Error("three networks raise a signal")
	}
	for i := range 100 {
		from(h, http.MethodGet, "/v/"+issued.Digits, fmt.Sprintf("[2001:%x::7]:4000", i))
	}
	scans.flush(t.Context())
	scans.flush(t.Context())
	signals := decoded[List[schema.Signal]](t, get(h, "/api/v1/signals"))
	if len(signals.Items) != 1 || signals.Items[0].USCC != w.first || signals.Items[0].Areas <= 5 || signals.Items[0].Most != 5 {
		t.Fatalf("signals %+v", signals)
	}
	if v := decoded[verdictJSON](t, get(h, "/api/v1/verify?code="+issued.Digits)); !v.Copied || !v.Authentic {
		t.Errorf("a hint, not a verdict: %+v", v)
	}
	for after, want := range map[time.Duration]bool{signalShown: true, signalShown + time.Second: false} {
		later := w.handler(t, func(c *Config) { c.Now = func() time.Time { return signals.Items[0].At.Add(after) } })
		if v := decoded[verdictJSON](t, get(later, "/api/v1/verify?code="+issued.Digits)); v.Copied != want || !v.Authentic {
			t.Errorf("%s after the signal: %+v", after, v)
		}
	}
	for path, want := range map[string]string{"/v/" + issued.Digits: "scanned in many places", "/": "may have been copied", "/enterprises/" + string(w.first): "may have been copied"} {
		if page := get(h, path, "Accept", "text/html", "Accept-Language", "en"); !strings.Contains(page.Body.String(), want) {
			t.Errorf("%s has no %q", path, want)
		}
	}
}

func TestAreasAreCoarse(t *testing.T) {
	t.Parallel()
	key, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	area := func(text string, key []byte) string { return areaOf(netip.MustParseAddr(text), key) }
	for name, c := range map[string]struct{ a, b string }{
		"one network":         {"198.51.100.1", "198.51.200.9"},
		"one network of IPv6": {"2001:db8::1", "2001:db8:ffff::1"},
		"IPv4 in IPv6":        {"198.51.100.1", "::ffff:198.51.0.1"},
	} {
		if area(c.a, key) != area(c.b, key) {
			t.Errorf("%s: two areas", name)
		}
	}
	seen, moved := map[string]int{}, 0
	for i := range 256 {
		address := fmt.Sprintf("%d.7.0.1", i)
		seen[area(address, key)]++
		if area(address, key) != area(address, other) {
			moved++
		}
	}
	if len(seen) > 64 || len(seen) < 48 || moved < 230 {
		t.Errorf("%d areas of 256 networks, %d with another name under another key", len(seen), moved)
	}
	if got := areaOf(netip.Addr{}, key); len(got) != 3 {
		t.Errorf("no address is area %q", got)
	}
}

// keeper is a store of scans that fails when told to.
type keeper struct {
	mu    sync.Mutex
	down  bool
	total int64
	calls int
}

func (k *keeper) AddScans(_ context.Context, scans []schema.Scans, _ int) ([]schema.Signal, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls++
	if k.down {
		return nil, errors.New("the database is away")
	}
	for _, s := range scans {
		k.total += s.Count
	}
	return nil, nil
}

func (k *keeper) ScanKey(context.Context, registry.Day) ([]byte, error) { return make([]byte, 32), nil }

// Nothing is lost while the database is away, memory stays bounded, and the last second is stored at the end.
func TestScansSurviveTheDatabase(t *testing.T) {
	t.Parallel()
	store, now := &keeper{down: true}, time.Now()
	var log bytes.Buffer
	l := NewScanLog(store, func() time.Time { return now }, slog.New(slog.NewTextHandler(&log, nil)), 0)
	client := netip.MustParseAddr("198.51.100.1")
	l.Seen("91350100M000100Y43", 1, client) // before there is a key
	l.flush(t.Context())
	for range 100 {
		l.Seen("91350100M000100Y43", 1, client)
	}
	l.flush(t.Context())
	l.Seen("91350100M000100Y43", 1, client)
	store.down = false
	l.flush(t.Context())
	if store.total != 101 || !strings.Contains(log.String(), "not counted") {
		t.Errorf("%d stored, want 101; log %s", store.total, log.String())
	}
	for i := range uint32(maxScanKeys + 500) {
		l.Seen("91350100M000100Y43", i, client)
	}
	if len(l.counts) != maxScanKeys || l.dropped != 500 {
		t.Errorf("%d counts kept, %d dropped", len(l.counts), l.dropped)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	l.Run(ctx)
	if store.total != 101+maxScanKeys {
		t.Errorf("%d stored at the end", store.total)
	}
}

// Many at once, while counts are stored.
func TestScansAtOnce(t *testing.T) {
	t.Parallel()
	store := &keeper{}
	l := NewScanLog(store, time.Now, slog.New(slog.DiscardHandler), 0)
	l.flush(t.Context())
	ctx, stop := context.WithCancel(t.Context())
	var running, clients sync.WaitGroup
	running.Go(func() { l.Run(ctx) })
	for range 8 {
		clients.Go(func() {
			for i := range 1000 {
				l.Seen("91350100M000100Y43", uint32(i%50), netip.AddrFrom4([4]byte{byte(i), 1, 1, 1}))
			}
		})
	}
	clients.Wait()
	stop()
	running.Wait()
	if store.total != 8000 {
		t.Errorf("%d counted of 8000", store.total)
	}
}

// A scan with counting against the same without: counting must not be felt.
func BenchmarkScannedAndCounted(b *testing.B) {
	w := theWorld(b)
	l := NewScanLog(w.db, time.Now, slog.New(slog.DiscardHandler), 0)
	l.flush(b.Context())
	text := w.codes[w.first].Digits
	keys, err := credential.NewKeySet(*w.key.PublicKey())
	if err != nil {
		b.Fatal(err)
	}
	var counted, verified time.Duration
	for b.Loop() {
		start := time.Now()
		credential.Verify(text, keys, w.now)
		between := time.Now()
		l.Seen(w.first, 1, netip.AddrFrom4([4]byte{198, 51, 100, 7}))
		verified, counted = verified+between.Sub(start), counted+time.Since(between)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(verified.Nanoseconds())/float64(b.N), "verify_ns")
	b.ReportMetric(float64(counted.Nanoseconds())/float64(b.N), "count_ns")
}
