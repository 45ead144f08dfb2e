package api

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"healthcode/access"
	"healthcode/schema"
	"healthcode/web"

	"github.com/danielgtaylor/huma/v2"
)

const (
	typeProblem = "application/problem+json"

	// apiVersion is that of the document. The paths carry their own: /api/v1.
	apiVersion = "1.0.0"

	schemaPrefix = "#/components/schemas/"

	sessionScheme = "session"
	keyScheme     = "apiKey"
)

const apiAbout = `Health codes of enterprises (企业质量安全健康码): verify codes, read grades, be told of changes.

* Everything is JSON in UTF-8. Instants are RFC 3339 in UTC, dates are days in Asia/Shanghai.
* Lists are paged by cursor: send ` + "`next`" + ` of one page as ` + "`cursor`" + ` of the following. ` + "`fields=uscc,tier`" + ` picks members of each item.
* What can be edited has an ETag; send it back as If-Match, and an edit of something that has changed meanwhile is refused with 412.
* Errors are application/problem+json (RFC 9457). ` + "`code`" + ` is stable and meant for programs; ` + "`title`" + ` is for people, in the language that Accept-Language asks for (zh-CN or en).
* Each answer has an X-Request-Id; name it when something is wrong.
* Unknown parameters and members are refused, never passed over.`

// document is the OpenAPI document under construction.
type document struct{ *huma.OpenAPI }

// newDocument describes the API of a route table.
func newDocument(table []Route, all operations, of samples) *document {
	d := &document{OpenAPI: &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{Title: "healthcode", Version: apiVersion, Description: apiAbout,
			Contact: &huma.Contact{Name: "The issuer of the codes", URL: "https://example.org/"},
			License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}},
		Servers: []*huma.Server{{URL: "/", Description: "this server"}},
		Paths:   map[string]*huma.PathItem{},
		Components: &huma.Components{Schemas: huma.NewMapRegistry(schemaPrefix, schemaName), SecuritySchemes: map[string]*huma.SecurityScheme{
			sessionScheme: {Type: "apiKey", In: "cookie", Name: sessionCookie, Description: "Staff and people of enterprises, who sign in at /login."},
			keyScheme:     {Type: "http", Scheme: "bearer", BearerFormat: "hck_…", Description: "Partners: `Authorization: Bearer KEY`. An administrator makes the key, which is shown once."},
		}},
	}}
	aliases(d.Components.Schemas)
	for _, tag := range operationTags {
		d.Tags = append(d.Tags, &huma.Tag{Name: tag.name, Description: tag.about.En + " " + tag.about.ZhCN, Extensions: map[string]any{"x-title-zh-CN": tag.title.ZhCN}})
	}
	for i := range table {
		route := &table[i]
		if o, ok := all[route.Method+" "+route.Path]; ok {
			d.add(route, &o, of)
		}
	}
	d.Webhooks = map[string]*huma.PathItem{"change": {Post: d.delivery()}}
	d.settle()
	return d
}

// delivery describes what is sent to webhooks.
func (d *document) delivery() *huma.Operation {
	header := func(name, about string) *huma.Param {
		return &huma.Param{Name: name, In: "header", Required: true, Description: about, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	return &huma.Operation{OperationID: "receiveChange", Tags: []string{"changes"}, Summary: "What is sent to a webhook",
		Description: "One message a change, signed as Standard Webhooks ask. Any 2xx takes it; else it is sent again, over five days.", Security: []map[string][]string{{}},
		Parameters: []*huma.Param{header("webhook-id", "The webhook and the position: the same whenever this change is sent to it."), header("webhook-timestamp", "Seconds; when it was sent."),
			header("webhook-signature", "HMAC-SHA-256 of ID.TIMESTAMP.BODY by each secret that is valid.")},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{typeJSON: {Schema: d.Components.Schemas.Schema(reflect.TypeFor[schema.Change](), true, "")}}},
		Responses:   map[string]*huma.Response{"2XX": {Description: "Taken."}, "4XX": {Description: "Not taken; it is sent again."}}}
}

// add describes one route.
func (d *document) add(route *Route, o *operation, of samples) {
	path := templated(route.Path)
	item := d.Paths[path]
	if item == nil {
		item = &huma.PathItem{}
		d.Paths[path] = item
	}
	op := &huma.Operation{OperationID: o.id, Tags: []string{o.tag}, Summary: o.title.En, Description: o.describe(&route.Rule), Security: security(&route.Rule, o),
		Parameters: d.parameters(route, o, of), RequestBody: d.body(o, of), Responses: d.responses(route, o), Extensions: map[string]any{"x-summary-zh-CN": o.title.ZhCN}}
	switch route.Method {
	case http.MethodGet:
		item.Get = op
	case http.MethodPost:
		item.Post = op
	case http.MethodDelete:
		item.Delete = op
	case http.MethodPut:
		item.Put = op
	case http.MethodPatch:
		item.Patch = op
	}
}

// operation returns what was added for a route.
func (d *document) operation(route *Route) *huma.Operation {
	item := d.Paths[templated(route.Path)]
	switch route.Method {
	case http.MethodGet:
		return item.Get
	case http.MethodPost:
		return item.Post
	case http.MethodDelete:
		return item.Delete
	case http.MethodPut:
		return item.Put
	}
	return item.Patch
}

// templated writes a path as OpenAPI does: /codes/{idx}.
func templated(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

func (o *operation) describe(rule *access.Rule) string {
	about := o.about
	if about != "" {
		about += "\n\n"
	}
	return about + "Who may call it: " + rule.String() + "."
}

// security says how a caller may be known: any of the listed ways.
func security(rule *access.Rule, o *operation) []map[string][]string {
	var ways []map[string][]string
	if rule.Public {
		ways = append(ways, map[string][]string{})
	} else if rule.SignedIn || rule.Enterprise || rule.Agency || len(rule.Roles) > 0 {
		ways = append(ways, map[string][]string{sessionScheme: {}})
	}
	if len(rule.Scopes) > 0 || o.keyToo {
		ways = append(ways, map[string][]string{keyScheme: {}})
	}
	return ways
}

func (d *document) parameters(route *Route, o *operation, of samples) []*huma.Param {
	var found []*huma.Param
	for _, p := range o.parametersOf(route.Path) {
		found = append(found, p.param("path", of))
	}
	for _, p := range o.query {
		found = append(found, p.param("query", of))
	}
	if names := o.selectable(); names != nil {
		p := text(fieldsName, "Members to answer with, separated by commas: "+strings.Join(names, ", ")+". Without it, all of them.", maxQuery, names[0])
		found = append(found, p.param("query", of))
	}
	for _, p := range o.headers {
		found = append(found, p.param("header", of))
	}
	if takesKey(route) {
		p := text(headerIdempotencyKey, "Whoever sends a request with the same key and body again gets the answer of the first time, for 24 hours.", maxIdempotencyKey, "")
		found = append(found, p.param("header", of))
	}
	if o.version != "" && route.Method != http.MethodGet {
		p := text("If-Match", "The ETag of the answer that this edit is based on. If it has changed meanwhile, nothing is done (412).", 200, "")
		found = append(found, p.param("header", of))
	}
	return found
}

func (p *parameter) param(in string, of samples) *huma.Param {
	out := &huma.Param{Name: p.name, In: in, Description: p.about, Required: p.required, Schema: p.schema}
	switch {
	case p.example == "":
	case p.example == exampleUSCC:
		out.Example = cmp.Or(of.uscc, exampleUSCC)
	case p.example == exampleCode:
		out.Example = cmp.Or(of.code, exampleCode)
	case p.example == exampleText:
		out.Example = cmp.Or(of.code[strings.LastIndex(of.code, "/")+1:], exampleText)
	default:
		out.Example = p.example
	}
	return out
}

func (d *document) body(o *operation, of samples) *huma.RequestBody {
	if o.body == nil {
		return nil
	}
	schema := d.Components.Schemas.Schema(reflect.TypeOf(o.body), true, "")
	if named := d.Components.Schemas.SchemaFromRef(schema.Ref); named != nil {
		named.Required = o.needs // a body's members have no omitempty
	}
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{cmp.Or(o.media, typeJSON): {Schema: schema, Example: raw(strings.ReplaceAll(o.example, exampleCode, cmp.Or(of.code, exampleCode)))}}}
}

func raw(text string) any {
	if text == "" {
		return nil
	}
	return json.RawMessage(text)
}

func (d *document) responses(route *Route, o *operation) map[string]*huma.Response {
	found := map[string]*huma.Response{}
	for i := range o.answers {
		a := &o.answers[i]
		response := &huma.Response{Description: a.about, Content: map[string]*huma.MediaType{}}
		if a.of != nil {
			media := &huma.MediaType{Schema: d.Components.Schemas.Schema(reflect.TypeOf(a.of), true, "")}
			if example := recorded(o.id, a.status); example != nil {
				media.Example = example
			}
			response.Content[cmp.Or(a.media, typeJSON)] = media
		}
		for name, schema := range a.types {
			response.Content[name] = &huma.MediaType{Schema: schema}
		}
		if o.version != "" && route.Method == http.MethodGet {
			response.Headers = map[string]*huma.Param{"ETag": {Description: "The version of what is answered, for If-Match.", Schema: &huma.Schema{Type: huma.TypeString}}}
		}
		found[strconv.Itoa(a.status)] = response
	}
	for status, codes := range problemCodes(route, o) {
		response := d.problem(status, codes)
		if o.answersPage() { // to those who did not ask for JSON
			response.Content["text/html"] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
		}
		found[strconv.Itoa(status)] = response
	}
	return found
}

// answersPage reports whether people get a page where programs get JSON.
func (o *operation) answersPage() bool {
	return len(o.answers) > 0 && o.answers[0].types["text/html"] != nil
}

// problem describes the problems of one status.
func (d *document) problem(status int, codes []string) *huma.Response {
	var list []any
	for _, code := range codes {
		list = append(list, code)
	}
	ref := d.Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "")
	schema := &huma.Schema{AllOf: []*huma.Schema{ref, {Properties: map[string]*huma.Schema{"code": {Type: huma.TypeString, Enum: list}}, AdditionalProperties: true}}}
	example := Problem{Type: problemType(codes[0]), Title: web.Term(web.English, "problem", codes[0]), Status: status, Code: codes[0], RequestID: "5f2b6f0f4f6f4a0c9d1e2a3b"}
	return &huma.Response{Description: http.StatusText(status) + ": " + strings.Join(codes, ", "),
		Content: map[string]*huma.MediaType{typeProblem: {Schema: schema, Example: example}}}
}

// problemCodes lists the stable codes that a route may answer with, by status.
func problemCodes(route *Route, o *operation) map[int][]string {
	found := map[int][]string{http.StatusInternalServerError: {"internal"}}
	for _, err := range slices.Concat(o.problems, impliedProblems(route, o)) {
		p := problemOf(err, web.English)
		if !slices.Contains(found[p.Status], p.Code) {
			found[p.Status] = append(found[p.Status], p.Code)
		}
	}
	return found
}

// takesKey reports whether a request may carry an Idempotency-Key.
func takesKey(route *Route) bool {
	return (&server{}).keepsAnswers(route) && !slices.Contains(streams, route.Path)
}

// impliedProblems follow from who may call, the path, the query and the body.
func impliedProblems(route *Route, o *operation) (found []error) {
	found = []error{errUnavailable, context.DeadlineExceeded, errOverloaded}
	if !unlimited(route.Path) {
		found = append(found, ErrTooMany)
	}
	if !o.anyQuery {
		found = append(found, ErrField)
	}
	if !route.Rule.Public || o.keyToo {
		found = append(found, ErrNotSignedIn)
	}
	if !route.Rule.Public {
		found = append(found, ErrForbidden)
		if route.Method != http.MethodGet {
			found = append(found, ErrCrossOrigin)
		}
	}
	if takesKey(route) {
		found = append(found, ErrField, schema.ErrKeyReused, schema.ErrKeyRunning, schema.ErrKeyUnknown)
	}
	if o.body != nil {
		found = append(found, ErrField, ErrTooLarge, ErrMediaType)
	}
	if strings.Contains(route.Path, "/:uscc") {
		found = append(found, ErrNoEnterprise)
	}
	if strings.Contains(route.Path, "/:idx") {
		found = append(found, ErrNoSuchCode)
	}
	if o.version != "" && route.Method != http.MethodGet {
		found = append(found, schema.ErrChanged)
	}
	return found
}
