package api

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
)

// whoMay is who may call each route. A route that is not here fails the test: think of who may call it first.
var whoMay = map[string]string{
	"GET /api/v1/changes":                    "reader, partner: changes",
	"GET /api/v1/webhooks":                   "admin, (whole register), partner: changes",
	"POST /api/v1/webhooks":                  "admin, (whole register), partner: changes",
	"GET /api/v1/webhooks/:id":               "admin, (whole register), partner: changes",
	"DELETE /api/v1/webhooks/:id":            "admin, (whole register), partner: changes",
	"POST /api/v1/webhooks/:id/rotate":       "admin, (whole register), partner: changes",
	"POST /api/v1/webhooks/:id/enable":       "admin, (whole register), partner: changes",
	"POST /api/v1/webhooks/:id/redeliver":    "admin, (whole register), partner: changes",
	"GET /api/v1/webhooks/:id/deliveries":    "admin, (whole register), partner: changes",
	"GET /v/:code":                           "public",
	"GET /.well-known/jwks.json":             "public",
	"GET /.well-known/root.json":             "public",
	"GET /lists":                             "public",
	"GET /lists/status/:n":                   "public",
	"GET /lists/grade/:n":                    "public",
	"GET /bundle":                            "public",
	"OPTIONS /.well-known/root.json":         "public",
	"OPTIONS /lists":                         "public",
	"OPTIONS /lists/status/:n":               "public",
	"OPTIONS /lists/grade/:n":                "public",
	"OPTIONS /bundle":                        "public",
	"GET /api/v1/verify":                     "public",
	"POST /api/v1/verify":                    "public",
	"GET /verify":                            "public",
	"GET /verify/sw.js":                      "public",
	"GET /static/:hash/:name":                "public",
	"GET /healthz":                           "public",
	"GET /readyz":                            "public",
	"GET /":                                  "reader",
	"GET /enterprises/:uscc":                 "reader, enterprise (own)",
	"GET /enterprises/:uscc/sign":            "reader, enterprise (own)",
	"GET /api/v1/enterprises":                "reader",
	"GET /api/v1/enterprises/:uscc":          "reader, enterprise (own)",
	"GET /api/v1/enterprises/:uscc/code.svg": "reader, enterprise (own)",
	"GET /api/v1/enterprises/:uscc/code.png": "reader, enterprise (own)",
	"GET /api/v1/regions":                    "reader",
	"GET /api/v1/regions/:code":              "reader",
	"GET /api/v1/products":                   "reader",
	"GET /api/v1/products/:code":             "reader",
	"GET /regions":                           "reader",
	"GET /regions/:code":                     "reader",
	"GET /api/v1/enterprises/:uscc/screen":   "reader, enterprise (own)",
	"GET /enterprises/:uscc/screen":          "reader, enterprise (own)",
	"GET /api/v1/codes":                      "reader",
	"GET /api/v1/codes/:idx":                 "reader",
	"POST /api/v1/codes/:idx/suspend":        "supervisor",
	"POST /api/v1/codes/:idx/resume":         "supervisor",
	"POST /api/v1/codes/:idx/revoke":         "supervisor",
	"POST /api/v1/codes/:idx/supersede":      "supervisor",
	"POST /api/v1/codes/:idx/renew":          "supervisor",
	"GET /api/v1/signals":                    "reader",
	"GET /api/v1/runs":                       "reader",
	"GET /api/v1/models":                     "reader",
	"GET /api/v1/models/:code/:version":      "reader",
	"GET /api/v1/models/:code/:version/diff": "reader",
	"GET /api/v1/enterprises/:uscc/preview":  "reader, enterprise (own)",
	"POST /api/v1/simulations":               "modeller, approver, (whole register)",

	"POST /enterprises/:uscc/comments":                "modeller, enterprise (own)",
	"GET /api/v1/enterprises/:uscc/preview/comments":  "modeller, enterprise (own)",
	"POST /api/v1/enterprises/:uscc/preview/comments": "modeller, enterprise (own)",
	"GET /login":   "public",
	"POST /login":  "public",
	"POST /logout": "public",

	"GET /api/v1/accounts":                          "admin, (whole register)",
	"POST /api/v1/accounts":                         "admin, (whole register)",
	"GET /api/v1/accounts/:login":                   "admin, (whole register)",
	"POST /api/v1/accounts/:login/rights":           "admin, (whole register)",
	"POST /api/v1/accounts/:login/password":         "admin, (whole register)",
	"POST /api/v1/accounts/:login/totp-reset":       "admin, (whole register)",
	"POST /api/v1/accounts/:login/disable":          "admin, (whole register)",
	"GET /api/v1/partners":                          "admin, (whole register)",
	"POST /api/v1/partners":                         "admin, (whole register)",
	"GET /api/v1/partners/:id":                      "admin, (whole register)",
	"POST /api/v1/partners/:id/disable":             "admin, (whole register)",
	"GET /api/v1/partners/:id/keys":                 "admin, (whole register)",
	"POST /api/v1/partners/:id/keys":                "admin, (whole register)",
	"POST /api/v1/partners/:id/keys/:prefix/rotate": "admin, (whole register)",
	"POST /api/v1/partners/:id/keys/:prefix/revoke": "admin, (whole register)",
}

// Every registered route is in the list with its rule, and is guarded: while there is no account, whoever asks from another machine, by a
// foreign name, or through a proxy, gets an answer from public ones only.
func TestWhoMayCallEachRoute(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	engine, ok := h.(*gin.Engine)
	if !ok {
		t.Fatalf("the handler is a %T", h)
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
			t.Errorf("%s: say who may call it", name)
		}
		t.Run(route.Method+" "+route.Path, func(t *testing.T) { checkAccess(t, h, w, route, whoMay[name]) })
	}
	s, err := newServer(Config{Log: slog.New(slog.DiscardHandler), Store: w.store})
	if err != nil {
		t.Fatal(err)
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
	path := strings.NewReplacer(":uscc", string(w.first), ":code", w.codes[w.first].Digits, ":idx", "1", ":hash", "x", ":name", "y").Replace(route.Path)
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
