package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/registry"
)

// site is the real engine on a real port. Root and bundle are the test's, so that it can change them and take them away.
type site struct {
	*httptest.Server
	world   *world
	rootBy  *credential.Key
	others  []*credential.Key // in the key set beside the world's key
	listsBy *credential.Key   // signs lists and manifest
	status  []byte            // of list 0
	grades  []byte

	mu     sync.Mutex
	engine http.Handler
	root   []byte
	bundle []byte
	more   map[string][]byte // other files, by path
	asked  []string          // path of every request
}

// newSite publishes the lists of the world's codes as of now: every code in force with its live grade.
func newSite(t *testing.T) *site {
	t.Helper()
	w := theWorld(t)
	s := &site{world: w, listsBy: w.key, status: make([]byte, credential.ListStatus.Bytes()), grades: make([]byte, credential.ListGrade.Bytes())}
	s.rootBy = newTestKey(t, 1)
	for uscc, issued := range w.codes {
		a, err := w.db.Assessment(t.Context(), uscc)
		if err != nil {
			t.Fatal(err)
		}
		s.grades[issued.Code.Index] = credential.GradeByte(a.Colour, a.Tier)
	}
	s.publish(t, time.Now())
	s.engine = w.handler(t, nil)
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// ServeHTTP answers root and bundle itself; everything else is the engine's.
func (s *site) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.URL.Path)
	engine, own := s.engine, map[string][]byte{"/.well-known/root.json": s.root, "/bundle": s.bundle}
	maps.Copy(own, s.more)
	s.mu.Unlock()
	body, isOwn := own[r.URL.Path]
	switch {
	case !isOwn:
		engine.ServeHTTP(rw, r)
	case body == nil:
		http.Error(rw, "nothing here", http.StatusNotFound)
	default:
		rw.Header().Set("Content-Type", "application/json")
		rw.Write(body)
	}
}

// change changes what the site serves.
func (s *site) change(by func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	by()
}

// requests returns the paths asked for since the last call.
func (s *site) requests() (paths []string) {
	s.change(func() { paths, s.asked = s.asked, nil })
	return paths
}

// addKey puts a key of an algorithm into the key set, beginning with the next publication.
func (s *site) addKey(t *testing.T, algorithm credential.Algorithm, number uint8) *credential.Key {
	t.Helper()
	key, err := credential.GenerateKey(algorithm, number, testIssuer, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s.others = append(s.others, key)
	return key
}

func newTestKey(t *testing.T, number uint8) *credential.Key {
	t.Helper()
	key, err := credential.NewKey(number, testIssuer, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// publish signs root, key set and lists as of a time.
func (s *site) publish(t *testing.T, at time.Time) {
	t.Helper()
	root, err := credential.RootOf(s.rootBy.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	all := []credential.PublicKey{*s.world.key.PublicKey()}
	for _, key := range s.others {
		all = append(all, *key.PublicKey())
	}
	keys, err := credential.NewKeySet(all...)
	if err != nil {
		t.Fatal(err)
	}
	set, err := credential.SignKeySet(s.rootBy, keys, at, credential.KeySetLifetime)
	if err != nil {
		t.Fatal(err)
	}
	var lists []string
	for kind, entries := range map[credential.ListKind][]byte{credential.ListStatus: s.status, credential.ListGrade: s.grades} {
		token, err := credential.SignList(s.listsBy, kind, 0, entries, at)
		if err != nil {
			t.Fatal(err)
		}
		lists = append(lists, token)
	}
	bundle, err := credential.SignBundle(s.listsBy, set, lists, at)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	s.change(func() { s.root, s.bundle = text, bundle })
}

// coloured returns a code of a colour.
func (s *site) coloured(t *testing.T, colour registry.Colour) credential.Issued {
	t.Helper()
	for _, issued := range s.world.codes {
		if s.grades[issued.Code.Index]>>4 == byte(colour) {
			return issued
		}
	}
	t.Fatalf("no code of the world is %s", colour)
	return credential.Issued{}
}

// issue signs a code, by the world's key, that lives at a place of its own in list 0, with a status there.
func (s *site) issue(t *testing.T, c credential.Code, status credential.Status) credential.Issued {
	t.Helper()
	c.USCC, c.Tier, c.Colour, c.Model = s.world.first, registry.TierAA, registry.ColourGreen, 1
	credential.PutStatus(s.status, c.Index, status)
	s.grades[c.Index] = credential.GradeByte(c.Colour, c.Tier)
	return s.world.sign(t, c)
}

func unix(t time.Time) uint32 { return uint32(t.Unix()) }

// The answers of the checker's addresses say who may do what.
func TestCheckerHeaders(t *testing.T) {
	h := theWorld(t).handler(t, nil)
	for path, want := range map[string]map[string]string{
		"/verify?lang=en": {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": checkerPolicy, "Permissions-Policy": "camera=(self), geolocation=(), microphone=()"},
		"/verify/sw.js": {"Content-Type": "text/javascript; charset=utf-8", "Content-Security-Policy": scriptPolicy, "Service-Worker-Allowed": "/verify", "Cache-Control": "no-cache",
			"Permissions-Policy": "camera=(), geolocation=(), microphone=()"},
		module(t, "decode-worker.js"):     {"Content-Type": "text/javascript; charset=utf-8", "Content-Security-Policy": scriptPolicy},
		module(t, "zxing_reader.wasm"):    {"Content-Type": "application/wasm", "Content-Security-Policy": contentPolicy},
		module(t, "zh-CN.webmanifest"):    {"Content-Type": "application/manifest+json", "Content-Security-Policy": contentPolicy},
		"/v/" + string(theWorld(t).first): {"Content-Security-Policy": contentPolicy, "Permissions-Policy": "camera=(), geolocation=(), microphone=()"},
	} {
		answer := get(h, path, "Accept", "text/html")
		for name, value := range want {
			if got := answer.Header().Get(name); got != value {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
	if answer := get(h, "/verify?code=1"); answer.Code != http.StatusBadRequest {
		t.Errorf("a code in the query: status %d", answer.Code)
	}
}

// The worker keeps exactly what the page needs, its version changes with the page, and everything on its list is there.
func TestCheckerWorker(t *testing.T) {
	w := theWorld(t)
	h, real := w.handler(t, nil), w.handler(t, func(c *Config) { c.Demo = false })
	kept := func(h http.Handler) (list shell) {
		script := get(h, checkerWorker).Body.String()
		line, _, _ := strings.Cut(strings.TrimPrefix(script, "const SHELL = "), ";\n")
		if err := json.Unmarshal([]byte(line), &list); err != nil {
			t.Fatal(err)
		}
		return list
	}
	list := kept(h)
	if again := kept(real); again.Version == list.Version {
		t.Error("a page that says something else has the same version")
	}
	if len(list.Pages) != 2 || len(list.Files) < 20 || slices.Contains(list.Files, "/bundle") {
		t.Errorf("got %+v", list)
	}
	for _, path := range append(slices.Collect(maps.Values(list.Pages)), list.Files...) {
		if answer := get(h, path); answer.Code != http.StatusOK {
			t.Errorf("%s: status %d", path, answer.Code)
		}
	}
	first := get(h, checkerWorker)
	if again := get(h, checkerWorker, "If-None-Match", first.Header().Get("ETag")); again.Code != http.StatusNotModified {
		t.Errorf("status %d for a browser that has it", again.Code)
	}
}
