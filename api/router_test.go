package api

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
)

// whoMay is who may call each route, as docs/security.md says. A route that is not there fails the test: think of who may call it first.
var whoMay = readWhoMay()

var routeRow = regexp.MustCompile("(?m)^\\| `([A-Z]+ /[^`]*)` \\| ([^|]+) \\| [^|]+ \\|$")

func readWhoMay() map[string]string {
	text, err := os.ReadFile(filepath.Join("..", "docs", "security.md"))
	if err != nil {
		panic(err)
	}
	rows := map[string]string{}
	for _, row := range routeRow.FindAllStringSubmatch(string(text), -1) {
		if rows[row[1]] != "" {
			panic(row[1] + " is listed twice")
		}
		rows[row[1]] = row[2]
	}
	return rows
}

// Every registered route is in the list with its rule, and is guarded: while there is no account, whoever asks from another machine, by a
// foreign name, or through a proxy, gets an answer from public ones only.
func TestWhoMayCallEachRoute(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	s, err := newServer(Config{Log: slog.New(slog.DiscardHandler), Store: w.store})
	if err != nil {
		t.Fatal(err)
	}
	engine, err := s.engine()
	if err != nil {
		t.Fatal(err)
	}
	registered := map[string]bool{}
	for _, route := range engine.Routes() {
		method := route.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		name := method + " " + route.Path
		registered[name] = true
		if whoMay[name] == "" {
			t.Errorf("%s: say in docs/security.md who may call it", name)
		}
		t.Run(route.Method+" "+route.Path, func(t *testing.T) { checkAccess(t, h, w, route, whoMay[name]) })
	}
	for _, route := range s.table() {
		if name := route.Method + " " + route.Path; whoMay[name] != route.Rule.String() {
			t.Errorf("%s: its rule is %q, want %q", name, route.Rule.String(), whoMay[name])
		}
	}
	for name := range whoMay {
		if !registered[name] {
			t.Errorf("%s is not registered", name)
		}
	}
}

func checkAccess(t *testing.T, h http.Handler, w *world, route gin.RouteInfo, want string) {
	t.Helper()
	path := strings.NewReplacer(":uscc", string(w.first), ":code", w.codes[w.first].Digits, ":idx", "1", ":hash", "x", ":name", "y", ":list", "trusted_merchant").Replace(route.Path)
	for name, change := range map[string]func(*http.Request){
		"another machine":        func(r *http.Request) { r.RemoteAddr = "192.0.2.7:5000" },
		"a foreign name":         func(r *http.Request) { r.Host = "rebound.example.org" },
		"through a proxy":        func(r *http.Request) { r.Header.Set("X-Forwarded-For", "127.0.0.1") },
		"through another proxy":  func(r *http.Request) { r.Header.Set("Forwarded", "for=127.0.0.1") },
		"an address that is odd": func(r *http.Request) { r.RemoteAddr = "@" },
	} {
		r := httptest.NewRequest(route.Method, path, nil)
		r.RemoteAddr, r.Host = "127.0.0.1:40000", "127.0.0.1:8080"
		change(r)
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		if refused := answer.Code == http.StatusUnauthorized; refused != (want != "public") {
			t.Errorf("%s: status %d", name, answer.Code)
		}
	}
}

func TestLocalNames(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		host string
		want bool
	}{
		"name":              {"localhost", true},
		"name and port":     {"localhost:8080", true},
		"IPv4":              {"127.0.0.1:8080", true},
		"IPv4 of the block": {"127.8.7.6", true},
		"IPv6":              {"[::1]:8080", true},
		"IPv6, no port":     {"[::1]", true},
		"IPv4 in IPv6":      {"[::ffff:127.0.0.1]:80", true},
		"foreign":           {"example.org", false},
		"looks like it":     {"localhost.example.org", false},
		"begins like it":    {"127.0.0.1.example.org", false},
		"everything":        {"0.0.0.0:80", false},
		"private":           {"10.0.0.1", false},
		"nothing":           {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := isLoopbackHost(c.host); got != c.want {
				t.Errorf("%q: %t", c.host, got)
			}
		})
	}
}
