package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
)

// bureau is a small city of its own with everybody who may call: accounts of each role, people of enterprises, an agency, partners.
type bureau struct {
	*world
	h      http.Handler
	routes []Route

	near, far   string        // two counties
	own, beside registry.USCC // of the near county, with codes; people act for the first
	foreign     registry.USCC // of the far county, with a code
	product     string
	in          map[string]map[registry.USCC]string // the enterprises of each county with their names

	callers []called
}

// called is one who calls.
type called struct {
	name    string
	words   []string // of a rule that let it in
	whole   bool     // its role is for the whole register
	sees    func(e registry.USCC) bool
	headers func(t testing.TB) []string
}

func newBureau(t testing.TB) *bureau {
	t.Helper()
	w, err := newWorld(t.Context(), t.TempDir(), 60)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.db.Close(); err != nil {
			t.Error(err)
		}
	})
	b := &bureau{world: w, in: map[string]map[registry.USCC]string{}}
	b.h = w.handler(t, func(c *Config) { c.Issuer = w.issuer() })
	s, err := newServer(Config{Log: slog.New(slog.DiscardHandler), Store: w.db})
	if err != nil {
		t.Fatal(err)
	}
	b.routes = s.table()
	b.choose(t)
	b.invite(t)
	return b
}

// choose takes two counties with codes, and enterprises of theirs.
func (b *bureau) choose(t testing.TB) {
	t.Helper()
	coded := map[string][]registry.USCC{}
	for e, err := range b.db.Enterprises(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		county := e.RegionCode[:6]
		if b.in[county] == nil {
			b.in[county] = map[registry.USCC]string{}
		}
		b.in[county][e.USCC] = e.Name
		if _, ok := b.codes[e.USCC]; ok {
			coded[county] = append(coded[county], e.USCC)
		}
		if len(e.ProductCodes) > 0 {
			b.product = e.ProductCodes[0]
		}
	}
	for county, firms := range coded {
		if len(firms) > 1 && b.near == "" {
			b.near, b.own, b.beside = county, firms[0], firms[1]
		}
	}
	for county, firms := range coded {
		if county != b.near {
			b.far, b.foreign = county, firms[0]
		}
	}
	if b.near == "" || b.far == "" || b.product == "" {
		t.Fatal("the city has no two counties with codes")
	}
}

func (b *bureau) invite(t testing.TB) {
	t.Helper()
	inCounty := func(county string) func(registry.USCC) bool {
		return func(e registry.USCC) bool { return b.in[county][e] != "" }
	}
	everything, nothing := func(registry.USCC) bool { return true }, func(registry.USCC) bool { return false }
	words := map[access.Role][]string{}
	for _, role := range access.Roles {
		words[role] = []string{"public", "signed in", string(role)}
		if role != access.KeyOfficer && role != access.Admin && role != access.Reader {
			words[role] = append(words[role], string(access.Reader))
		}
	}
	for _, role := range access.Roles {
		for _, region := range []string{b.near, b.far, ""} {
			sees := everything
			if region != "" {
				sees = inCounty(region)
			}
			a := schema.Account{Login: fmt.Sprintf("%s.%s", role, region), Kind: access.Staff, Grants: []access.Grant{{Role: role, Region: region}}}
			b.account(t, a, words[role], region == "", sees)
		}
	}
	for login, code := range map[string]registry.USCC{"own": b.own, "foreign": b.foreign} {
		a := schema.Account{Login: login, Kind: access.Enterprise, Owns: []registry.USCC{code}}
		b.account(t, a, []string{"public", "signed in", "enterprise (own)"}, false, func(e registry.USCC) bool { return e == code })
	}
	b.account(t, schema.Account{Login: "agency", Kind: access.Agency, Agency: "lab"}, []string{"public", "signed in", "agency (own tasks)"}, false, nothing)
	for _, scope := range access.Scopes {
		_, key := addPartner(t, b.db, schema.Partner{Name: string(scope), Purposes: access.Purposes}, b.now.AddDate(1, 0, 0), scope)
		b.callers = append(b.callers, called{string("partner " + scope), []string{"public", "partner: " + string(scope)}, false, nothing,
			func(testing.TB) []string { return bearer(key) }})
	}
	b.callers = append(b.callers, called{"nobody", []string{"public"}, false, nothing, func(testing.TB) []string { return nil }})
}

func (b *bureau) account(t testing.TB, a schema.Account, words []string, whole bool, sees func(registry.USCC) bool) {
	t.Helper()
	id, err := b.db.AddAccount(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	// A session for each call: some routes end it.
	b.callers = append(b.callers, called{a.Login, words, whole, sees, func(t testing.TB) []string { return as(t, b.db, id, b.now) }})
}

// let reports whether a rule in words lets a caller in.
func (c *called) let(rule string) bool {
	words := strings.Split(rule, ", ")
	admitted := slices.ContainsFunc(c.words, func(word string) bool { return slices.Contains(words, word) })
	if slices.Contains(words, "(whole register)") && !c.whole && !strings.HasPrefix(c.name, "partner ") {
		return slices.Contains(words, "public")
	}
	return admitted
}

// address fills in the parameters of a route.
func (b *bureau) address(route *Route, e registry.USCC, county string) string {
	code := county
	switch {
	case strings.Contains(route.Path, "/products/"):
		code = b.product
	case strings.Contains(route.Path, "/models/"):
		code = "default"
	case strings.HasPrefix(route.Path, "/v/"):
		code = b.codes[e].Digits
	}
	idx := fmt.Sprint(b.codes[e].Code.Index)
	return strings.NewReplacer(":uscc", string(e), ":code", code, ":idx", idx, ":version", "1", ":n", "0", ":hash", "x", ":name", "y", ":list", "trusted_merchant").Replace(route.Path)
}

func (b *bureau) call(t testing.TB, caller *called, method, address string) *httptest.ResponseRecorder {
	t.Helper()
	return call(b.h, method, address, nil, append(caller.headers(t), "Accept", "application/json")...)
}

// Every route lets in exactly those whom its rule names, and whoever is let in sees nothing of another region or enterprise.
func TestEveryCallerOnEveryRoute(t *testing.T) {
	t.Parallel()
	b := newBureau(t)
	for i := range b.routes {
		route := &b.routes[i]
		name := route.Method + " " + route.Path
		t.Run(name, func(t *testing.T) {
			for j := range b.callers {
				caller := &b.callers[j]
				if let := caller.let(whoMay[name]); let {
					b.checkLet(t, route, caller)
				} else {
					b.checkRefused(t, route, caller)
				}
			}
		})
	}
}

func (b *bureau) checkRefused(t *testing.T, route *Route, caller *called) {
	t.Helper()
	answer := b.call(t, caller, route.Method, b.address(route, b.own, b.near))
	want := http.StatusForbidden
	if caller.name == "nobody" {
		want = http.StatusUnauthorized
	}
	if answer.Code != want {
		t.Errorf("%s: status %d, want %d", caller.name, answer.Code, want)
	}
}

func (b *bureau) checkLet(t *testing.T, route *Route, caller *called) {
	t.Helper()
	public := strings.Contains(whoMay[route.Method+" "+route.Path], "public")
	for _, place := range []struct {
		e      registry.USCC
		county string
	}{{b.own, b.near}, {b.beside, b.near}, {b.foreign, b.far}} {
		address := b.address(route, place.e, place.county)
		if strings.Contains(address, "/tickets/:id") {
			address = strings.Replace(address, ":id", b.ticket(t, place.e), 1)
		}
		answer := b.call(t, caller, route.Method, address)
		named := strings.Contains(route.Path, ":uscc") || strings.Contains(route.Path, ":idx") || strings.Contains(route.Path, "/regions/:code")
		hidden := named && !public && !caller.sees(place.e)
		switch {
		case answer.Code == http.StatusForbidden || answer.Code == http.StatusUnauthorized && !strings.HasPrefix(route.Path, "/login"):
			t.Errorf("%s: %s: status %d", caller.name, address, answer.Code)
		case hidden && answer.Code != http.StatusNotFound:
			t.Errorf("%s: %s is outside: status %d", caller.name, address, answer.Code)
		case hidden:
			b.checkUnknown(t, route, caller, answer)
		case named && !public && strings.Contains(answer.Body.String(), `"unknown_`):
			t.Errorf("%s: %s is within: %.200s", caller.name, address, answer.Body)
		}
		if !public {
			b.checkSeen(t, caller, address, answer.Body.String())
		}
	}
}

// ticket makes a ticket of an enterprise and returns its id.
func (b *bureau) ticket(t *testing.T, e registry.USCC) string {
	t.Helper()
	k := schema.Ticket{USCC: e, Hash: access.NewSecret().Hash(), Purpose: access.PurposeFinance, CreatedAt: b.now, ExpiresAt: b.now.Add(time.Hour)}
	if err := b.db.AddTicket(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	return k.ID()
}

// checkUnknown checks that what lies outside looks like what does not exist.
func (b *bureau) checkUnknown(t *testing.T, route *Route, caller *called, hidden *httptest.ResponseRecorder) {
	t.Helper()
	address := strings.NewReplacer(":uscc", "91350100M000100Y43", ":code", "110101", ":idx", "999999", ":list", "trusted_merchant").Replace(route.Path)
	unknown := b.call(t, caller, route.Method, address)
	if a, b := decoded[Problem](t, hidden), decoded[Problem](t, unknown); a.Code != b.Code || a.Title != b.Title || a.Detail != b.Detail || a.Status != b.Status {
		t.Errorf("%s: hidden is %+v, unknown is %+v", caller.name, a, b)
	}
}

// checkSeen looks through a whole answer for enterprises that the caller does not see.
func (b *bureau) checkSeen(t *testing.T, caller *called, address, body string) {
	t.Helper()
	for _, firms := range b.in {
		for code, name := range firms {
			if !caller.sees(code) && (strings.Contains(body, string(code)) && !strings.Contains(address, string(code)) || strings.Contains(body, name)) {
				t.Errorf("%s: %s shows %s %s", caller.name, address, code, name)
			}
		}
	}
}

// Lists show all of what lies within, so the test above is not content with empty ones.
func TestListsShowWhatLiesWithin(t *testing.T) {
	t.Parallel()
	b := newBureau(t)
	for i := range b.callers {
		caller := &b.callers[i]
		if !caller.let("reader") {
			continue
		}
		enterprises := decoded[List[EnterpriseItem]](t, call(b.h, http.MethodGet, "/api/v1/enterprises?limit=500", nil, caller.headers(t)...))
		codes := decoded[List[CodeItem]](t, call(b.h, http.MethodGet, "/api/v1/codes?limit=500", nil, caller.headers(t)...))
		want, coded := 0, 0
		for _, firms := range b.in {
			for code := range firms {
				if caller.sees(code) {
					want++
					if _, ok := b.codes[code]; ok {
						coded++
					}
				}
			}
		}
		if len(enterprises.Items) != want || len(codes.Items) != coded {
			t.Errorf("%s: %d enterprises of %d, %d codes of %d", caller.name, len(enterprises.Items), want, len(codes.Items), coded)
		}
	}
}

// Without an account the machine itself may do everything, and nobody else anything.
func TestOperatorOnEveryRoute(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	s, err := newServer(Config{Log: slog.New(slog.DiscardHandler), Store: d.db})
	if err != nil {
		t.Fatal(err)
	}
	for _, route := range s.table() {
		answer := call(d.h, route.Method, strings.NewReplacer(":uscc", "91350100M000100Y43", ":idx", "1", ":list", "trusted_merchant").Replace(route.Path), nil)
		if route.Rule.SignedIn { // about one's own account, and there is none
			continue
		}
		if answer.Code == http.StatusForbidden || answer.Code == http.StatusUnauthorized && !strings.HasPrefix(route.Path, "/login") {
			t.Errorf("%s %s: status %d", route.Method, route.Path, answer.Code)
		}
	}
}
