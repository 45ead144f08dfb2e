package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// contract compares what the tests of this package get with the OpenAPI document. Every answer to call is looked at: its status and content type must
// be documented, and its content must fit the schema, in which no member is unknown and no code of a problem unnamed. What was sent with a request that
// succeeded must fit the schema of the body. TestMain reports.
type contract struct {
	routes   []Route
	says     operations
	compiler *jsonschema.Compiler

	mu      sync.Mutex
	schemas map[string]*jsonschema.Schema
	wrong   map[string]string          // the first of each kind
	seen    map[string]json.RawMessage // an answer of each operation and status
}

var theContract = sync.OnceValue(newContract)

const contractFile = "openapi.json"

func newContract() *contract {
	s := &server{}
	d := newDocument(s.table(), allOperations(), samples{})
	for _, one := range d.Components.Schemas.Map() { // clients must bear members that come later; this test must not
		if one.Type == huma.TypeObject && one.AdditionalProperties == true && len(one.Properties) > 0 {
			one.AdditionalProperties = false
		}
	}
	text, err := json.Marshal(d.OpenAPI)
	if err != nil {
		panic(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		panic(err)
	}
	c := &contract{routes: s.table(), says: allOperations(), compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}, wrong: map[string]string{}, seen: map[string]json.RawMessage{}}
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	c.compiler.AssertFormat()
	if err := c.compiler.AddResource(contractFile, document); err != nil {
		panic(err)
	}
	return c
}

// operation finds the operation of a request.
func (c *contract) operation(method, path string) (*Route, *operation) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	var found *Route
	for i := range c.routes {
		route := &c.routes[i]
		if route.Method == method && matches(route.Path, path) && (found == nil || strings.Count(route.Path, ":") < strings.Count(found.Path, ":")) {
			found = route
		}
	}
	if found == nil {
		return nil, nil
	}
	if o, ok := c.says[found.Method+" "+found.Path]; ok {
		return found, &o
	}
	return nil, nil
}

func matches(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && (!strings.HasPrefix(want[i], ":") || got[i] == "") {
			return false
		}
	}
	return true
}

// check looks at one answer.
func (c *contract) check(r *http.Request, sent []byte, answer *httptest.ResponseRecorder) {
	route, o := c.operation(r.Method, r.URL.Path)
	if o == nil || answer.Code == statusClientGone || wantsPage(r) && answer.Code >= http.StatusMultipleChoices {
		return
	}
	name := r.Method + " " + route.Path
	mediaType, _, _ := mime.ParseMediaType(answer.Header().Get("Content-Type"))
	at := pointer("paths", templated(route.Path), strings.ToLower(route.Method), "responses", fmt.Sprint(answer.Code))
	if answer.Code == http.StatusNoContent || answer.Code == http.StatusNotModified || r.Method == http.MethodHead {
		c.documented(name, answer, at)
		return
	}
	if r.URL.Query().Has(fieldsName) && answer.Code == http.StatusOK || answer.Header().Get("Content-Encoding") != "" {
		return
	}
	at += pointer("", "content", mediaType, "schema")
	if strings.HasSuffix(mediaType, "json") && mediaType != typeNDJSON {
		c.fits(name, fmt.Sprint(answer.Code), at, answer.Body.Bytes())
	} else {
		c.documented(name, answer, at)
	}
	if answer.Code < 300 && o.body != nil && r.Header.Get("Content-Type") == typeJSON {
		c.fits(name, "body", pointer("paths", templated(route.Path), strings.ToLower(route.Method), "requestBody", "content", typeJSON, "schema"), sent)
	}
	c.remember(o, answer)
}

func (c *contract) remember(o *operation, answer *httptest.ResponseRecorder) {
	key := fmt.Sprintf("%s %d", o.id, answer.Code)
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.seen[key]; answer.Code < 300 && (len(old) < 40 || strings.Contains(string(old), `"items":[]`)) {
		c.seen[key] = bytes.Clone(answer.Body.Bytes())
	}
}

// pointer writes a JSON pointer.
func pointer(parts ...string) string {
	var out strings.Builder
	for _, part := range parts {
		if part != "" {
			out.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(part))
		}
	}
	return out.String()
}

func (c *contract) schema(at string) (*jsonschema.Schema, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.schemas[at]; ok {
		return known, nil
	}
	compiled, err := c.compiler.Compile(contractFile + "#" + strings.NewReplacer("{", "%7B", "}", "%7D").Replace(at))
	if err == nil {
		c.schemas[at] = compiled
	}
	return compiled, err
}

func (c *contract) documented(name string, answer *httptest.ResponseRecorder, at string) {
	if _, err := c.schema(at); err != nil {
		c.report(name, fmt.Sprintf("status %d %s is not documented", answer.Code, answer.Header().Get("Content-Type")), answer.Body.Bytes())
	}
}

func (c *contract) fits(name, what, at string, content []byte) {
	schema, err := c.schema(at)
	if err != nil {
		c.report(name, what+" is not documented ("+at+")", content)
		return
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		c.report(name, what+" does not fit: "+strings.Join(strings.Split(err.Error(), "\n")[1:], "; "), content)
	}
}

func (c *contract) report(name, what string, content []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := name + ": " + what
	if _, known := c.wrong[key]; !known && len(c.wrong) < 200 {
		c.wrong[key] = string(content[:min(len(content), 300)])
	}
}

// failed prints what differs from the document and reports whether something does.
func (c *contract) failed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(c.wrong)) {
		fmt.Fprintf(os.Stderr, "contract: %s\n    %s\n", key, c.wrong[key])
	}
	return len(c.wrong) > 0
}
