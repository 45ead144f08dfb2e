package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/web"
)

// broken is a store in which one call goes wrong. The rest is the real one.
type broken struct {
	Store
	fail func() error
}

func (b broken) Keys(context.Context) ([]schema.SigningKey, error) { return nil, b.fail() }
func (b broken) Enterprise(context.Context, registry.USCC) (*registry.Enterprise, error) {
	return nil, b.fail()
}
func (b broken) CountEnterprisesOf(context.Context, access.Sight, schema.EnterpriseFilter) (int, error) {
	return 0, b.fail()
}

// What goes wrong inside is logged with the request's number and never shown.
func TestFailuresOfOurs(t *testing.T) {
	w := theWorld(t)
	const secret = "password=hunter2 at /var/lib/x.go:12"
	for name, c := range map[string]struct {
		fail   func() error
		status int
		code   string
	}{
		"unknown error": {func() error { return errors.New(secret) }, 500, "internal"},
		"panic":         {func() error { panic(secret) }, 500, "internal"},
		"locked":        {func() error { return errors.Join(schema.ErrBusy, errors.New(secret)) }, 503, "unavailable"},
		"unreachable":   {func() error { return errors.Join(schema.ErrUnreachable, errors.New(secret)) }, 503, "unavailable"},
		"too slow":      {func() error { return context.DeadlineExceeded }, 503, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			h := w.handler(t, func(c2 *Config) {
				c2.Store, c2.Log = broken{w.store, c.fail}, slog.New(slog.NewJSONHandler(&log, nil))
			})
			for _, path := range []string{"/", "/v/123", "/.well-known/jwks.json", "/enterprises/" + string(w.first), "/api/v1/enterprises/" + string(w.first), "/api/v1/verify?code=1"} {
				for _, accept := range []string{"application/json", "text/html"} {
					log.Reset()
					answer := get(h, path, "Accept", accept)
					if answer.Code != c.status || strings.Contains(answer.Body.String(), "hunter2") {
						t.Errorf("%s as %s: status %d: %.300s", path, accept, answer.Code, answer.Body)
					}
					if id := answer.Header().Get("X-Request-Id"); id == "" || !strings.Contains(log.String(), id) || !strings.Contains(answer.Body.String(), id) {
						t.Errorf("%s as %s: request %q is not in the log or the answer", path, accept, id)
					}
				}
			}
			problem(t, get(h, "/v/123", "Accept", "application/json"), c.status, c.code)
		})
	}
}

// The log holds no payload of a code, no query and no address of a client.
func TestTheLogIsDiscreet(t *testing.T) {
	w := theWorld(t)
	var log bytes.Buffer
	h := w.handler(t, func(c *Config) { c.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	digits := w.codes[w.first].Digits
	for _, path := range []string{"/v/" + digits, "/v/" + digits + "/more", "//v/" + digits, "/V/" + digits, "/api/v1/verify?code=" + digits, "/?q=secret-search", "/v/" + w.codes[w.first].JWT} {
		get(h, path)
	}
	call(h, http.MethodPost, "/api/v1/verify", strings.NewReader(`{"code":"`+digits+`"}`), jsonBody...)
	call(h, http.MethodPut, "/v/"+digits, nil)
	for _, hidden := range []string{digits[:20], digits[60:90], w.codes[w.first].JWT[:40], "secret-search", "127.0.0.1", "40000"} {
		if strings.Contains(log.String(), hidden) {
			t.Errorf("the log has %q", hidden)
		}
	}
	if n := strings.Count(log.String(), `"msg":"request"`); n != 9 {
		t.Errorf("%d lines for 9 requests", n)
	}
}

func TestSecurityHeaders(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	pages := map[string]string{"Content-Security-Policy": contentPolicy, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Permissions-Policy": "camera=(), geolocation=(), microphone=()", "Cache-Control": "no-store"}
	programs := map[string]string{"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "X-Content-Type-Options": "nosniff",
		"Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store"}
	for path, want := range map[string]map[string]string{"/": pages, "/v/1": pages, "/nowhere": pages, "/api/v1/nowhere": pages, "/healthz": pages,
		"/api/v1/enterprises?x=1": programs, verifyPath + "?code=1": programs} {
		got := get(h, path).Header()
		for name, value := range want {
			if got.Get(name) != value {
				t.Errorf("%s: %s is %q", path, name, got.Get(name))
			}
		}
		if got.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s may be read from any page", path)
		}
	}
	shown := get(h, "/api/v1/enterprises?x=1", "Accept", "text/html").Header()
	for name, value := range pages {
		if shown.Get(name) != value {
			t.Errorf("what a browser shows of the API: %s is %q", name, shown.Get(name))
		}
	}
}

func TestStaticAssets(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	assets, err := web.Assets()
	if err != nil {
		t.Fatal(err)
	}
	url, err := assets.URL("tabler.min.css")
	if err != nil {
		t.Fatal(err)
	}
	plain, packed := get(h, url), get(h, url, "Accept-Encoding", "br, gzip;q=0.8")
	if plain.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" || plain.Header().Get("Content-Encoding") != "" || plain.Header().Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("%v", plain.Header())
	}
	if packed.Header().Get("Content-Encoding") != "gzip" || packed.Body.Len()*4 > plain.Body.Len() {
		t.Errorf("packed %d bytes of %d: %v", packed.Body.Len(), plain.Body.Len(), packed.Header())
	}
	if refused := get(h, url, "Accept-Encoding", "gzip;q=0"); refused.Header().Get("Content-Encoding") != "" {
		t.Error("gzip was sent to a client that refuses it")
	}
}

// The process is alive whatever the store does; it is ready only with a database of its own version.
func TestHealth(t *testing.T) {
	w := theWorld(t)
	if answer := get(w.handler(t, nil), "/readyz"); answer.Code != http.StatusOK {
		t.Errorf("status %d", answer.Code)
	}
	fresh, err := schema.Open(t.Context(), schema.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	h := w.handler(t, func(c *Config) { c.Store = fresh })
	problem(t, get(h, "/readyz"), http.StatusServiceUnavailable, "unavailable")
	if err := fresh.Close(); err != nil {
		t.Fatal(err)
	}
	problem(t, get(h, "/readyz"), http.StatusServiceUnavailable, "unavailable")
	if answer := get(h, "/healthz"); answer.Code != http.StatusOK {
		t.Errorf("status %d", answer.Code)
	}
}

// An empty, migrated database gives pages that say what to do, and no failure.
func TestEmptyRegister(t *testing.T) {
	w := theWorld(t)
	empty, err := schema.Open(t.Context(), schema.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := empty.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, _, err := empty.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := w.handler(t, func(c *Config) { c.Store, c.Demo = empty, false })
	home := get(h, "/", "Accept-Language", "en")
	if home.Code != http.StatusOK || !strings.Contains(home.Body.String(), "healthcode import --help") || strings.Contains(home.Body.String(), "Invented") {
		t.Errorf("status %d", home.Code)
	}
	problem(t, get(h, "/api/v1/verify?code="+w.codes[w.first].Digits), http.StatusNotFound, "unknown_key")
	for _, path := range []string{"/api/v1/enterprises", "/api/v1/regions", "/api/v1/products", "/api/v1/runs"} {
		if answer := get(h, path); answer.Body.String() != `{"items":[]}` {
			t.Errorf("%s: %s", path, answer.Body)
		}
	}
}

func TestNewRefusesWhatIsIncomplete(t *testing.T) {
	w := theWorld(t)
	if _, err := New(Config{}); !errors.Is(err, ErrConfig) {
		t.Errorf("got %v", err)
	}
	if _, err := New(Config{Log: slog.New(slog.DiscardHandler), Store: w.store, TrustedProxies: []string{"not an address"}}); err == nil {
		t.Error("a wrong proxy was taken")
	}
}

// Every problem has its words, and the codes are those that programs know.
func TestProblemsHaveWords(t *testing.T) {
	t.Parallel()
	for _, known := range append(problems, struct {
		err    error
		status int
		code   string
	}{nil, 500, "internal"}) {
		for _, language := range web.Languages() {
			if title := web.Term(language, "problem", known.code); title == strings.ReplaceAll(known.code, "_", " ") {
				t.Errorf("%s has no title in %s", known.code, language)
			}
		}
		if known.status < 400 || known.status > 599 {
			t.Errorf("%s has the status %d", known.code, known.status)
		}
	}
}

// The notes beside the test assets are right.
func TestTestAssetNotes(t *testing.T) {
	t.Parallel()
	notes, err := os.ReadFile("testdata/ASSETS.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("testdata/axe-4.14.1.min.js")
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256Hex(source); !bytes.Contains(notes, []byte(sum)) {
		t.Errorf("the hash of axe is %s", sum)
	}
	if !bytes.HasPrefix(source, []byte("/*! axe v4.14.1")) {
		t.Error("not axe 4.14.1")
	}
}

// The JSON of a problem keeps its form.
func TestProblemForm(t *testing.T) {
	w := theWorld(t)
	var got map[string]any
	answer := get(w.handler(t, nil), "/api/v1/enterprises?limit=0", "Accept-Language", "en")
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "request_id")
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"code":"invalid_field","detail":"limit: is out of range; want a number from 1 to 500","errors":[{"field":"limit","problem":"is out of range","want":"a number from 1 to 500"}],"status":400,"title":"A field is wrong","type":"urn:healthcode:problem:invalid_field"}`
	if string(text) != want {
		t.Errorf("got %s", text)
	}
}
