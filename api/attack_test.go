package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/schema/pgtest"
	"healthcode/scoring"
)

// siege is a small city of its own with somebody who holds every role, so that nothing but the input itself is a reason to refuse.
type siege struct {
	*world
	h       http.Handler
	routes  []Route
	bodies  map[string]attacked
	params  map[string]string // of addresses that are there
	account int64
	who     []string // the headers of a session
	strings []string // that programs stumble over
	turn    int      // which half of them is next
	many    bool     // strings are tried, one after the other: their answers are not compared with the OpenAPI document
}

func newSiege(t *testing.T, database schema.Config, texts []string) *siege {
	t.Helper()
	w, err := newWorldIn(t.Context(), database, 20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.db.Close(); err != nil {
			t.Error(err)
		}
	})
	a := &siege{world: w, strings: texts, bodies: attackedRoutes(w.first, scoring.DefaultModel())}
	change := func(c *Config) {
		c.Issuer, c.PersonKey, c.Seal = w.issuer(), []byte("0123456789abcdef"), access.SealKey{1, 2, 3}
	}
	a.h = w.handler(t, change)
	s, err := newServer(Config{Log: slog.New(slog.DiscardHandler), Store: w.db})
	if err != nil {
		t.Fatal(err)
	}
	a.routes = s.table()
	a.settle(t)
	return a
}

// settle adds everybody and everything that addresses name.
func (a *siege) settle(t *testing.T) {
	t.Helper()
	var all []access.Grant
	for _, role := range access.Roles {
		all = append(all, access.Grant{Role: role})
	}
	a.account = addAccount(t, a.db, schema.Account{Login: "everybody", Kind: access.Staff, Grants: all})
	addAccount(t, a.db, schema.Account{Login: "victim", Kind: access.Staff, Grants: all[:1]})
	id, key := addPartner(t, a.db, schema.Partner{Name: "bank"}, a.now.AddDate(1, 0, 0), access.ScopeChanges)
	a.signIn(t)
	day := registry.DayOf(a.now) - 5
	check := registry.Record{USCC: a.first, Source: "lab", SourceRef: "known", Kind: registry.KindSpotCheck, Outcome: registry.OutcomeFail, Severity: registry.SeverityMajor,
		OccurredOn: day, State: registry.StateFinal, Detail: &registry.SpotCheck{}}
	if results, err := a.db.PutRecords(t.Context(), []registry.Record{check}, schema.PutOptions{}); err != nil || results[0].Outcome == schema.Refused {
		t.Fatalf("%+v, %v", results, err)
	}
	hook := decoded[WebhookItem](t, a.made(t, "/api/v1/webhooks", fmt.Sprintf(`{"url":"https://hooks.example.org/a","partner_id":%d}`, id)))
	recourse := decoded[RecourseAnswer](t, a.made(t, "/api/v1/enterprises/"+string(a.first)+"/recourses", a.bodies["POST /api/v1/enterprises/:uscc/recourses"].right))
	a.params = map[string]string{"uscc": string(a.first), "idx": fmt.Sprint(a.codes[a.first].Code.Index), "login": "victim", "prefix": key.Prefix, "source": "lab", "ref": "known",
		"list": "trusted_merchant", "version": "1", "n": "0", "number": "1", "hash": "x", "name": "y", "code": "default",
		"webhooks": hook.ID, "recourses": fmt.Sprint(recourse.ID), "partners": fmt.Sprint(id), "submissions": "sub_1"}
}

func (a *siege) signIn(t *testing.T) {
	t.Helper()
	a.who = append(as(t, a.db, a.account, a.now), "Accept", typeJSON)
}

func (a *siege) made(t *testing.T, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	answer := call(a.h, http.MethodPost, path, strings.NewReader(body), append(slices.Clone(jsonBody), a.who...)...)
	if answer.Code != http.StatusCreated {
		t.Fatalf("%s: status %d: %s", path, answer.Code, answer.Body)
	}
	return answer
}

// address fills in the parameters of a route; put stands in the place of one of them.
func (a *siege) address(route *Route, name, put string) string {
	parts := strings.Split(route.Path, "/")
	for i, part := range parts {
		param, ok := strings.CutPrefix(part, ":")
		switch {
		case !ok:
		case param == name:
			parts[i] = put
		case param == "id":
			parts[i] = a.params[parts[i-1]]
		default:
			parts[i] = a.params[param]
		}
	}
	return strings.Join(parts, "/")
}

// attack sends a request and checks what holds for every answer: no failure of ours, no header that the input made, a refusal is a problem that names
// what is wrong, and nothing was written. Whatever is written is a line of the audit log (schema/schematest proves that).
func (a *siege) attack(t *testing.T, what, method, target, mediaType, body string) (int, Problem) {
	t.Helper()
	before := a.lines(t)
	headers := a.who
	if mediaType != "" {
		headers = append(slices.Clone(headers), "Content-Type", mediaType)
	}
	answer := a.send(method, target, body, headers)
	for name, values := range answer.Header() {
		if text := name + strings.Join(values, ""); strings.ContainsAny(text, "\r\n\x00") || strings.EqualFold(name, "X-Injected") {
			t.Errorf("%s: a header of the input's: %q %q", what, name, values)
		}
	}
	if answer.Code < 400 {
		return answer.Code, Problem{}
	}
	if after := a.lines(t); after != before {
		t.Errorf("%s: refused with %d, but something was written", what, answer.Code)
	}
	if answer.Code < 500 && mediaType == typeForm && strings.HasPrefix(answer.Header().Get("Content-Type"), "text/html") { // the form again, with what is wrong
		return answer.Code, Problem{}
	}
	var p Problem
	err := json.Unmarshal(answer.Body.Bytes(), &struct {
		*Problem
		Verdict json.RawMessage `json:"verdict"`
	}{Problem: &p})
	switch {
	case answer.Code >= 500, err != nil, answer.Header().Get("Content-Type") != "application/problem+json", p.Title == "", p.Status != answer.Code:
		t.Errorf("%s: status %d, %s, %v: %.300s", what, answer.Code, answer.Header().Get("Content-Type"), err, answer.Body)
	case p.Code == "invalid_field" && (len(p.Errors) == 0 || p.Errors[0].Field == "" || p.Errors[0].Problem == "" || p.Errors[0].Want == ""):
		t.Errorf("%s: no field is named: %s", what, answer.Body)
	}
	return answer.Code, p
}

// send compares with the OpenAPI document what is taken of bodies of odd shape, and what conflicts: comparing takes several times as long as a refusal.
func (a *siege) send(method, target, body string, headers []string) *httptest.ResponseRecorder {
	r, answer := ask(a.h, method, target, strings.NewReader(body), headers...)
	if !a.many && (answer.Code < 400 || answer.Code == http.StatusConflict) {
		theContract().check(r, []byte(body), answer)
	}
	return answer
}

func (a *siege) lines(t *testing.T) int64 {
	t.Helper()
	number, _, err := a.db.AuditHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return number
}

// refused attacks and wants a refusal with the field named.
func (a *siege) refused(t *testing.T, what, target, mediaType, body string, fields ...string) {
	t.Helper()
	status, p := a.attack(t, what, http.MethodPost, target, mediaType, body)
	named := len(p.Errors) > 0 && slices.ContainsFunc(fields, func(field string) bool { return p.Errors[0].Field == field })
	if status < 400 || !named {
		t.Errorf("%s: status %d, %s %+v, want a refusal of %q", what, status, p.Code, p.Errors, fields)
	}
}

// Every route that takes a query, a body or a parameter refuses what is wrong with it, on both engines.
func TestAttackedRoutes(t *testing.T) {
	t.Parallel()
	few := []string{"a\x00b", "' OR 1=1 --", "\xff", "a\r\nX-Injected: 1", "9223372036854775808", strings.Repeat("长", 5000)}
	for name, c := range map[string]struct {
		database schema.Config
		texts    []string
	}{
		"sqlite":   {schema.Config{Dir: t.TempDir()}, append(naughty(t), few...)},
		"postgres": {schema.Config{URL: pgtest.EmptyURL(t)}, few},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newSiege(t, c.database, c.texts)
			for i := range a.routes {
				route := &a.routes[i]
				t.Run(route.Method+" "+route.Path, func(t *testing.T) { a.besiege(t, route) })
			}
			if log := a.log.String(); strings.Contains(log, `"level":"ERROR"`) || strings.Contains(log, "panicked") {
				t.Errorf("the log tells of failures: %.2000s", log[max(0, strings.Index(log, `"level":"ERROR"`)-100):])
			}
		})
	}
}

func (a *siege) besiege(t *testing.T, route *Route) {
	a.signIn(t)
	known, listed := a.bodies[route.Method+" "+route.Path]
	switch {
	case route.Method == http.MethodOptions:
		return
	case route.Method == http.MethodGet:
		a.attackQuery(t, route)
	case !listed:
		t.Fatal("say in attack_table_test.go what it takes")
	case known.form != nil:
		a.attackForm(t, route, &known)
	case known.right != "":
		a.attackJSON(t, route, &known)
	}
	a.attackAddress(t, route, &known)
}

// tricks are parameters of addresses, as they stand in the address.
var tricks = []string{"..%2f..%2f..%2fetc%2fpasswd", "%2e%2e", "..", ".", "%00", "a%00b", "%0d%0aX-Injected:%201", "%ff", "%c0%ae%c0%ae", "%ed%a0%80", "%EF%BB%BF", strings.Repeat("a", 5000),
	"%27%20OR%20%271%27=%271", "1;DROP%20TABLE%20record", "-1", "0", "+1", "01", "1e3", "9223372036854775808", "99999999999999999999", "%E9%95%BF", "%25", "*", "%3Cscript%3E", "%5c..%5c", "%20", "%e2%80%ae"}

func (a *siege) attackAddress(t *testing.T, route *Route, known *attacked) {
	for part := range strings.SplitSeq(route.Path, "/") {
		name, ok := strings.CutPrefix(part, ":")
		if !ok {
			continue
		}
		for _, trick := range tricks {
			mediaType := typeJSON
			if known.form != nil {
				mediaType = typeForm
			}
			a.attack(t, fmt.Sprintf("%s is %.60s", name, trick), route.Method, a.address(route, name, trick), mediaType, known.right)
		}
	}
}

// unasked are the routes that read no query: they answer the same whatever stands there.
var unasked = []string{"/v/:code", "/.well-known/jwks.json", "/.well-known/root.json", "/static/:hash/:name", "/login/oidc", "/login/oidc/callback", "/healthz", "/readyz", checkerWorker}

// attackQuery asks a route which names it knows, by one that nobody does, and attacks each.
func (a *siege) attackQuery(t *testing.T, route *Route) {
	at := a.address(route, "", "") + "?"
	asked := func(what, query string) (int, Problem) {
		t.Helper()
		return a.attack(t, what, route.Method, at+query, "", "")
	}
	status, p := asked("an unknown name", "nobody_asks=1")
	for what, query := range map[string]string{"a bad escape": "%zz", "a semicolon": "a=1;b=2", "no UTF-8 in a name": "%ff=1", "a long name": strings.Repeat("x", 3000) + "=1",
		"a long query": "a=" + strings.Repeat("x", 5000), "a zero byte in a name": "a%00=1", "a header in a name": "%0d%0aX-Injected:1=1"} {
		if status, _ := asked(what, query); !slices.Contains(unasked, route.Path) && status < 400 {
			t.Errorf("%s: status %d", what, status)
		}
	}
	if slices.Contains(unasked, route.Path) {
		return
	}
	if status != http.StatusBadRequest || len(p.Errors) != 1 || p.Errors[0].Field != "nobody_asks" {
		if status != http.StatusNotFound { // what is not there reads no query
			t.Errorf("an unknown name: status %d %+v", status, p)
		}
		return
	}
	names, _ := strings.CutPrefix(p.Errors[0].Want, "one of ")
	for name := range strings.SplitSeq(names, ", ") {
		if name == "" {
			continue
		}
		if status, p := asked(name+" twice", name+"=1&"+name+"=2"); status != http.StatusBadRequest || p.Errors[0].Field != name {
			t.Errorf("%s twice: status %d %+v", name, status, p.Errors)
		}
		a.many = true
		for _, text := range a.half() {
			asked(fmt.Sprintf("%s is %.60q", name, text), name+"="+url.QueryEscape(text))
		}
		a.many = false
	}
}

func (a *siege) attackForm(t *testing.T, route *Route, known *attacked) {
	at := a.address(route, "", "")
	a.refused(t, "JSON", at, typeJSON, `{}`, "Content-Type")
	a.refused(t, "no type", at, "", known.right, "Content-Type")
	a.refused(t, "multipart", at, "multipart/form-data; boundary=x", "--x--", "Content-Type")
	a.refused(t, "a bad escape", at, typeForm, "%zz", "body")
	a.refused(t, "an unknown name", at, typeForm, "nobody_asks=1", "nobody_asks")
	a.refused(t, "too long", at, typeForm, known.form[0]+"="+strings.Repeat("x", MaxBody), "body")
	right, err := url.ParseQuery(known.right)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range known.form {
		a.refused(t, name+" twice", at, typeForm, name+"=1&"+name+"=2", name)
		a.refused(t, name+" is no UTF-8", at, typeForm, name+"=%ff", name)
		a.refused(t, name+" has a zero byte", at, typeForm, name+"=a%00b", name)
		a.many = true
		for _, text := range a.some() {
			a.signIn(t) // some end the session
			form := maps.Clone(right)
			form.Set(name, text)
			a.attack(t, fmt.Sprintf("%s is %.60q", name, text), route.Method, at, typeForm, form.Encode())
		}
		a.many = false
	}
}

// half are the even and the odd ones of the strings by turns: neighbours are of one kind, and all of them for every field would take twice as long.
func (a *siege) half() (texts []string) {
	for i := a.turn % 2; i < len(a.strings); i += 2 {
		texts = append(texts, a.strings[i])
	}
	a.turn++
	return texts
}

// some are a few of the strings, for what takes long: pages that are written again, and passwords.
func (a *siege) some() (texts []string) {
	for i := 0; i < len(a.strings); i += 12 {
		texts = append(texts, a.strings[i])
	}
	return texts
}

// deep is how deep values are nested: deeper than the decoder goes, and shorter than the longest body.
const deep = 60_000

func (a *siege) attackJSON(t *testing.T, route *Route, known *attacked) {
	at, right := a.address(route, "", ""), known.right
	for name, mediaType := range map[string]string{"no type": "", "text": "text/plain", "a form": typeForm, "nonsense": ";;;", "XML": "application/xml"} {
		a.refused(t, name, at, mediaType, right, "Content-Type")
	}
	for name, body := range map[string]string{"empty": "", "blank": " ", "null": "null", "a list": "[]", "a number": "1", "a text": `"x"`, "half": right[:len(right)/2], "not closed": right[:len(right)-1],
		"more after it": right + "x", "another after it": right + "{}", "a mark before it": "\ufeff" + right, "UTF-16": string(asUTF16(right)), "a zero byte after it": right + "\x00",
		"deep lists": strings.Repeat("[", deep), "no quotes": `{a:1}`, "single quotes": `{'a':1}`, "a comment": `/* */` + right, "no UTF-8 in a name": "{\"\xff\":1}", "XML": "<a/>"} {
		status, p := a.attack(t, name, route.Method, at, typeJSON, body)
		if status != http.StatusBadRequest && status != http.StatusRequestEntityTooLarge || len(p.Errors) == 0 || p.Errors[0].Field == "" {
			t.Errorf("%s: status %d %s %+v", name, status, p.Code, p.Errors)
		}
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(right), &members); err != nil {
		t.Fatal(err)
	}
	with := func(name, value string) string {
		changed := maps.Clone(members)
		changed[name] = json.RawMessage(value)
		return written(changed)
	}
	a.refused(t, "an unknown member", at, typeJSON, with("nobody_asks", "1"), "nobody_asks")
	a.refused(t, "a header for a member", at, typeJSON, with(`\r\nX-Injected: 1`, "1"), "\r\nX-Injected: 1")
	for name, kind := range membersOf(known, members) {
		twice := `{"` + name + `":1,"` + name + `":1}`
		a.refused(t, name+" twice", at, typeJSON, twice, name)
		a.refused(t, name+" in capitals", at, typeJSON, with(strings.ToUpper(name), "1"), strings.ToUpper(name))
		a.refused(t, name+" deep", at, typeJSON, `{"`+name+`":`+strings.Repeat("[", deep), name)
		a.refused(t, name+" is no UTF-8", at, typeJSON, with(name, "\"\xff\""), "body", name)
		a.attackMember(t, route, at, name, kind, known, with)
	}
}

// attackMember puts values of every type and every naughty string into one member.
func (a *siege) attackMember(t *testing.T, route *Route, at, name string, kind reflect.Kind, known *attacked, with func(name, value string) string) {
	for value, fits := range map[string][]reflect.Kind{
		`null`: nil, `{}`: nil, `[[]]`: nil, `[{}]`: nil, `[1]`: nil, `{"a":1,"a":2}`: nil, `1e400`: nil, `1.5`: nil, `9223372036854775808`: nil, `-9223372036854775809`: nil, `NaN`: nil, `Infinity`: nil, `0x1`: nil, `01`: nil, `tru`: nil,
		`1`: {reflect.Int, reflect.Int64}, `-0`: {reflect.Int, reflect.Int64}, `-1`: {reflect.Int, reflect.Int64}, `9223372036854775807`: {reflect.Int, reflect.Int64},
		`"1"`: {reflect.String}, `"a\u0000b"`: {reflect.String}, `"\ud800"`: {reflect.String}, `true`: {reflect.Bool}, `[]`: {reflect.Slice}, `["\u0000"]`: {reflect.Slice}, `[null]`: {reflect.Slice},
	} {
		what := name + " is " + value
		status, p := a.attack(t, what, route.Method, at, typeJSON, with(name, value))
		if known.body == nil || kind == reflect.Interface || slices.Contains(fits, kind) { // a value that may be right
			continue
		}
		if status < 400 || len(p.Errors) == 0 || p.Errors[0].Field != name && p.Errors[0].Field != "body" { // body: what is no JSON at all
			t.Errorf("%s: status %d %s %+v", what, status, p.Code, p.Errors)
		}
	}
	texts := a.half()
	if known.dear {
		texts = a.some()
	}
	a.many = true
	for _, text := range texts {
		value := string(asJSON(text))
		if kind == reflect.Slice {
			value = "[" + value + "]"
		}
		a.attack(t, fmt.Sprintf("%s is %.60q", name, text), route.Method, at, typeJSON, with(name, value))
	}
	a.many = false
}

// membersOf returns the members of a JSON object with the kinds of their values; Interface where any may do.
func membersOf(known *attacked, right map[string]json.RawMessage) map[string]reflect.Kind {
	kinds := map[string]reflect.Kind{}
	for name := range right {
		kinds[name] = reflect.Interface
	}
	if known.body == nil {
		return kinds
	}
	for field := range reflect.TypeOf(known.body).Fields() {
		kinds[field.Tag.Get("json")] = field.Type.Kind()
		if field.Type == reflect.TypeFor[json.RawMessage]() {
			kinds[field.Tag.Get("json")] = reflect.Interface
		}
	}
	return kinds
}

// written is an object as it is, without mending what is no JSON in it.
func written(members map[string]json.RawMessage) string {
	var out bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if out.Len() > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, `"%s":%s`, name, members[name])
	}
	return "{" + out.String() + "}"
}

func asUTF16(text string) (out []byte) {
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		out = append(out, byte(unit>>8), byte(unit))
	}
	return out
}

// A key that comes again with another body is refused on every route that keeps answers, and nothing is written; so it is when the first was refused.
func TestReplayedWithAnotherBody(t *testing.T) {
	t.Parallel()
	a := newSiege(t, schema.Config{Dir: t.TempDir()}, nil)
	tried := 0
	for i := range a.routes {
		route := &a.routes[i]
		known := a.bodies[route.Method+" "+route.Path]
		if !strings.HasPrefix(route.Path, "/api/v1/") || known.right == "" || slices.Contains(streams, route.Path) {
			continue
		}
		t.Run(route.Path, func(t *testing.T) {
			tried++
			at, headers := a.address(route, "", ""), append(slices.Clone(jsonBody), append(slices.Clone(a.who), headerIdempotencyKey, fmt.Sprintf("key-%d", i))...)
			first := call(a.h, route.Method, at, strings.NewReader(known.right), headers...)
			before := a.lines(t)
			for name, body := range map[string]string{"a blank more": known.right + " ", "nothing in it": `{"nobody_asks":1}`, "no JSON": "x"} {
				p := problem(t, call(a.h, route.Method, at, strings.NewReader(body), headers...), http.StatusUnprocessableEntity, "idempotency_key_reused")
				if after := a.lines(t); after != before {
					t.Errorf("%s: something was written: %+v", name, p)
				}
			}
			again := call(a.h, route.Method, at, strings.NewReader(known.right), headers...)
			if again.Code != first.Code || again.Body.String() != first.Body.String() || again.Header().Get(headerReplayed) != "true" || a.lines(t) != before {
				t.Errorf("first %d, again %d %.200s", first.Code, again.Code, again.Body)
			}
		})
	}
	if tried < 30 {
		t.Errorf("only %d routes were tried", tried)
	}
}
