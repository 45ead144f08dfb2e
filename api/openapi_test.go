package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"healthcode/access"
	"healthcode/schema"

	"github.com/danielgtaylor/huma/v2"
	"github.com/getkin/kin-openapi/openapi3"
)

var update = flag.Bool("update", false, "record the examples of the OpenAPI document from the answers of this run")

// A route that programs call says what it takes and answers; an operation belongs to a route; ids are not given twice.
func TestEveryRouteHasAnOperation(t *testing.T) {
	t.Parallel()
	all, known, ids := allOperations(), map[string]bool{}, map[string]string{}
	for _, route := range (&server{}).table() {
		name := route.Method + " " + route.Path
		known[name] = true
		if _, ok := all[name]; !ok && isAPI(&route) {
			t.Errorf("%s: say in operation_NOUN.go what it takes and answers", name)
		}
	}
	tags := map[string]bool{}
	for _, tag := range operationTags {
		tags[tag.name] = true
	}
	for name, o := range all {
		switch {
		case !known[name]:
			t.Errorf("%s: no such route", name)
		case o.title.ZhCN == "" || o.title.En == "" || !tags[o.tag]:
			t.Errorf("%s: it has no title, or no known tag", name)
		case ids[o.id] != "":
			t.Errorf("%s and %s are both called %s", name, ids[o.id], o.id)
		}
		ids[o.id] = name
		for _, p := range o.parametersOf(o.route) {
			if p.schema == nil {
				t.Errorf("%s: say in pathParameters what :%s is", name, p.name)
			}
		}
		if o.body != nil && (o.method == http.MethodGet || o.method == http.MethodDelete) {
			t.Errorf("%s: it has no body", name)
		}
	}
}

// Types of bodies and answers are named, so that the document names them too.
func TestTypesAreNamed(t *testing.T) {
	t.Parallel()
	for name, o := range allOperations() {
		for _, a := range o.answers {
			if a.of != nil && reflect.TypeOf(a.of).Kind() == reflect.Struct && reflect.TypeOf(a.of).Name() == "" {
				t.Errorf("%s: name the type of its answer", name)
			}
		}
		if o.body != nil && reflect.TypeOf(o.body).Name() == "" {
			t.Errorf("%s: name the type of its body", name)
		}
	}
}

func TestDocumentIsValid(t *testing.T) {
	t.Parallel()
	text, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	document, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := document.Validate(t.Context(), openapi3.DisableExamplesValidation()); err != nil {
		t.Error(err)
	}
	if document.OpenAPI != "3.1.0" {
		t.Errorf("it is OpenAPI %s", document.OpenAPI)
	}
	again, err := OpenAPI()
	if err != nil || !bytes.Equal(text, again) {
		t.Errorf("two documents of one program differ: %v", err)
	}
}

// The recorded examples fit the types of today.
func TestRecordedExamplesFit(t *testing.T) {
	t.Parallel()
	c := newContract()
	for i := range c.routes {
		route := &c.routes[i]
		o, ok := c.says[route.Method+" "+route.Path]
		for _, a := range o.answers {
			if example, has := recorded(o.id, a.status).(json.RawMessage); ok && has && a.of != nil {
				at := pointer("paths", templated(route.Path), strings.ToLower(route.Method), "responses", strconv.Itoa(a.status), "content", cmp.Or(a.media, typeJSON), "schema")
				c.fits(route.Method+" "+route.Path, "the recorded example", at, example)
			}
		}
	}
	for key := range c.wrong {
		t.Errorf("%s; record it anew: go test ./api -update, with -run and the tests that call it", key)
	}
}

// office is a world with an administrator who holds every role, a partner with every scope, and one of each thing that examples speak of.
type office struct {
	*world
	d       *document
	h       http.Handler
	server  *httptest.Server
	session []string
	key     access.APIKey
	places  map[string]string // what stands in the examples, and what this world has instead
}

func newOffice(t *testing.T) *office {
	t.Helper()
	w := ownWorld(t)
	o := &office{world: w}
	o.h = w.handler(t, func(c *Config) {
		c.Issuer, c.Seal, c.PersonKey = w.issuer(), access.SealKey{1}, []byte("0123456789abcdef")
		c.Showcases = []Showcase{{USCC: w.first}}
	})
	o.server = httptest.NewServer(o.h)
	t.Cleanup(o.server.Close)
	var grants []access.Grant
	for _, role := range access.Roles {
		grants = append(grants, access.Grant{Role: role})
	}
	o.session = as(t, w.db, addAccount(t, w.db, schema.Account{Login: "all", Kind: access.Staff, Grants: grants}), w.now)
	addAccount(t, w.db, schema.Account{Login: "zhang.min", Kind: access.Staff, Grants: grants[:1]})
	partner, key := addPartner(t, w.db, schema.Partner{Name: "bank", Purposes: access.Purposes, Sources: []string{"12315"}}, w.now.AddDate(1, 0, 0), access.Scopes...)
	o.key = key
	hook := schema.Webhook{ID: access.NewWebhookID(), PartnerID: partner, URL: "https://bank.example/"}
	if err := w.db.AddWebhook(t.Context(), hook, "sealed"); err != nil {
		t.Fatal(err)
	}
	o.places = map[string]string{"wh_example": hook.ID, "0c5be1f2a9": key.Prefix, "/partners/1": "/partners/" + strconv.FormatInt(partner, 10),
		"/codes/1": "/codes/" + fmt.Sprint(w.codes[w.first].Code.Index)}
	s, err := newServer(Config{Log: slog.New(slog.DiscardHandler), Store: w.db, Demo: true, Showcases: []Showcase{{USCC: w.first}}})
	if err != nil {
		t.Fatal(err)
	}
	of, err := s.samples(t.Context())
	if err != nil || of.code == "" {
		t.Fatalf("%+v, %v", of, err)
	}
	o.d = newDocument(s.table(), s.says, of)
	return o
}

// unexecuted are the operations whose examples need something that is not there at first, with what it is.
var unexecuted = map[string]string{
	"addComment":    "a version that is open for preview",
	"previewModel":  "a version that is open for preview",
	"revokeCode":    "it ends the code that others speak of",
	"supersedeCode": "it ends the code that others speak of",
	"revokeKey":     "it ends the key that others are called with",
	"rotateKey":     "it ends the key that others are called with",
	"addSubmission": "lines in its body, which TestSubmission sends", "readSubmission": "a submission", "listResults": "a submission", "cancelSubmission": "a submission",
	"readRecord": "a record of this number", "voidRecord": "a record of this number", "readCheckpoint": "a checkpoint",
	"readEntry": "an entry", "decideEntry": "an entry", "suspendEntry": "an entry", "resumeEntry": "an entry", "removeEntry": "an entry", "exitEntry": "an entry", "withdrawEntry": "an entry",
	"setCriteria": "a document of criteria, which TestCriteria sends", "openEntry": "an enterprise that meets the criteria",
	"readRecourse": "a recourse", "appealRecourse": "a recourse", "acceptRecourse": "a recourse", "returnRecourse": "a recourse", "decideRecourse": "a recourse", "hideReply": "a recourse",
	"revokeRepair": "a recourse", "completeRecourse": "a recourse", "withdrawRecourse": "a recourse",
	"withdrawTicket": "a ticket",
	"deleteWebhook":  "it ends the webhook that others speak of",
	"disableAccount": "it ends the account that others speak of", "disablePartner": "it ends the partner that others are called with",
}

// Every example of the document works as it stands on a server that has what it speaks of: reading first, then what changes something.
func TestExamplesWork(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	table := (&server{}).table()
	slices.SortStableFunc(table, func(a, b Route) int { return strings.Compare(a.Method, b.Method) })
	for i := range table {
		route := &table[i]
		says, ok := allOperations()[route.Method+" "+route.Path]
		if !ok || unexecuted[says.id] != "" {
			continue
		}
		t.Run(says.id, func(t *testing.T) { o.execute(t, route) })
	}
}

// execute sends what the document's example says, with and without the parameters that need not be there.
func (o *office) execute(t *testing.T, route *Route) {
	t.Helper()
	op := o.d.operation(route)
	address := exampleAddress(route.Path, op)
	addresses := []string{address}
	for _, p := range op.Parameters {
		if p.In == "query" && !p.Required && p.Example != nil {
			join := "?"
			if strings.Contains(address, "?") {
				join = "&"
			}
			addresses = append(addresses, address+join+p.Name+"="+fmt.Sprint(p.Example))
		}
	}
	for _, address := range addresses {
		for from, to := range o.places {
			address = strings.Replace(address, from, to, 1)
		}
		var sent []byte
		headers := []string{"Accept", "application/json"}
		if op.RequestBody != nil {
			var err error
			if sent, err = json.Marshal(op.RequestBody.Content[typeJSON].Example); err != nil {
				t.Fatal(err)
			}
			headers = append(headers, "Content-Type", typeJSON)
		}
		if answer := o.send(t, route.Method, address, sent, append(headers, o.credentials(op)...)); answer.Code >= http.StatusMultipleChoices {
			t.Errorf("%s %s: status %d: %.300s", route.Method, address, answer.Code, answer.Body)
		}
	}
}

// send sends a request over the network. Its answer is compared with the document as every other.
func (o *office) send(t *testing.T, method, address string, body []byte, headers []string) *httptest.ResponseRecorder {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, o.server.URL+address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := o.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	kept := httptest.NewRecorder()
	maps.Copy(kept.Header(), answer.Header)
	kept.WriteHeader(answer.StatusCode)
	if _, err := io.Copy(kept, answer.Body); err != nil {
		t.Fatal(err)
	}
	theContract().check(r, body, kept)
	return kept
}

// credentials are a key where one may be used, else a session.
func (o *office) credentials(op *huma.Operation) []string {
	for _, way := range op.Security {
		if _, ok := way[keyScheme]; ok {
			return bearer(o.key)
		}
	}
	return o.session
}

// What the document says of the query is what the handlers take: a name that it does not have is refused, so is a value outside the bounds or the list;
// every value of a list and both bounds are taken.
func TestQueriesAreAsDocumented(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for _, route := range (&server{}).table() {
		says, ok := allOperations()[route.Method+" "+route.Path]
		if !ok || route.Method != http.MethodGet || unexecuted[says.id] != "" {
			continue
		}
		t.Run(says.id, func(t *testing.T) {
			op := o.d.operation(&route)
			if !says.anyQuery {
				o.refuses(t, &route, op, "no_such_name", "1")
			}
			for _, p := range op.Parameters {
				if p.In == "query" {
					o.checkParameter(t, &route, op, p)
				}
			}
		})
	}
}

func (o *office) checkParameter(t *testing.T, route *Route, op *huma.Operation, p *huma.Param) {
	t.Helper()
	for _, value := range p.Schema.Enum {
		o.takes(t, route, op, p.Name, fmt.Sprint(value))
	}
	if len(p.Schema.Enum) > 0 || p.Schema.Format != "" {
		o.refuses(t, route, op, p.Name, "nonsense")
	}
	if p.Schema.Minimum != nil {
		o.takes(t, route, op, p.Name, fmt.Sprintf("%.0f", *p.Schema.Minimum))
		o.takes(t, route, op, p.Name, fmt.Sprintf("%.0f", *p.Schema.Maximum))
		o.refuses(t, route, op, p.Name, fmt.Sprintf("%.0f", *p.Schema.Minimum-1))
		o.refuses(t, route, op, p.Name, fmt.Sprintf("%.0f", *p.Schema.Maximum+1))
	}
}

// with answers to the example with one parameter more.
func (o *office) with(t *testing.T, route *Route, op *huma.Operation, name, value string) (refused bool, body string) {
	t.Helper()
	address, _, _ := strings.Cut(exampleAddress(route.Path, op), "?")
	for from, to := range o.places {
		address = strings.Replace(address, from, to, 1)
	}
	answer := call(o.h, route.Method, address+"?"+name+"="+value, nil, append([]string{"Accept", "application/json"}, o.credentials(op)...)...)
	body = answer.Body.String()
	return answer.Code == http.StatusBadRequest && strings.Contains(body, `"field":"`+name+`"`), body
}

func (o *office) takes(t *testing.T, route *Route, op *huma.Operation, name, value string) {
	t.Helper()
	if refused, body := o.with(t, route, op, name, value); refused {
		t.Errorf("%s=%s is refused: %.300s", name, value, body)
	}
}

func (o *office) refuses(t *testing.T, route *Route, op *huma.Operation, name, value string) {
	t.Helper()
	if refused, body := o.with(t, route, op, name, value); !refused {
		t.Errorf("%s=%s is taken: %.300s", name, value, body)
	}
}

// recordExamples keeps one answer of each operation, shortened and without anything that looks like a secret. What this run has not seen stays as it is.
func (c *contract) recordExamples() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	all, ids := map[string]any{}, map[string]bool{"readDocument": false} // which has no room in itself
	for _, o := range c.says {
		if _, known := ids[o.id]; !known {
			ids[o.id] = true
		}
	}
	old, err := examples()
	if err != nil {
		return err
	}
	for key, text := range old {
		if id, _, _ := strings.Cut(key, " "); ids[id] {
			all[key] = text
		}
	}
	for key, text := range c.seen {
		if id, _, _ := strings.Cut(key, " "); !ids[id] {
			continue
		}
		var value any
		if json.Unmarshal(text, &value) == nil {
			all[key] = shortenedExample("", value)
		}
	}
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile("examples.json", append(text, '\n'), 0o644)
}

// How long the texts of examples may be, in characters, and their lists, in items: objects, or what is none.
const (
	maxExampleText    = 120
	maxExampleItems   = 2
	maxExampleNumbers = 12
)

func isObject(value any) bool { _, ok := value.(map[string]any); return ok }

func shortenedExample(name string, value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, one := range v {
			v[key] = shortenedExample(key, one)
		}
	case []any:
		if len(v) > 0 && !isObject(v[0]) {
			return v[:min(len(v), maxExampleNumbers)]
		}
		v = v[:min(len(v), maxExampleItems)]
		for i := range v {
			v[i] = shortenedExample("", v[i])
		}
		return v
	case string:
		switch {
		case slices.Contains([]string{"key", "secret", "ticket", "jwt"}, name):
			return "(shown once)"
		case utf8.RuneCountInString(v) > maxExampleText:
			return string([]rune(v)[:maxExampleText]) + "…"
		}
	}
	return value
}
