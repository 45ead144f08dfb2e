package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"healthcode/supervision"
	"healthcode/web"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// operation says what a route takes and answers. The router reads the query by it, and /openapi.json and /docs are made from it and from the
// route's rule, so that neither can say what the program does not do. Each noun lists its own in operation_NOUN.go.
type operation struct {
	method, route string // filled in by allOperations

	id    string     // operationId: a verb and a noun, in camelCase
	tag   string     // one of operationTags
	title web.Phrase // one line
	about string     // more, in English, as Markdown

	query    []parameter
	anyQuery bool        // other names in the query are passed over: what a messenger appends to a link is no fault of the reader
	path     []parameter // beside pathParameters

	body    any      // a value of the type that the body is decoded into; nil: no body
	needs   []string // members that the body must have
	example string   // of the body, as JSON
	media   string   // of the body, when it is not application/json
	headers []parameter

	answers  []answer
	problems []error // sentinels of problem.go, beside those that follow from the rule, the path and the body
	keyToo   bool    // public, but an API key opens more
	whole    bool    // a GET whose answer is never cut by fields=
	version  string  // the noun whose version is the ETag of a GET and the condition of an edit; its key is the last path parameter
}

// operations are keyed by METHOD and path, as the table of contents has them.
type operations map[string]operation

// answer is one way in which an operation succeeds.
type answer struct {
	status int
	of     any // a value of the type that is written as JSON; nil: no JSON
	about  string
	media  string                  // of that JSON, when it is not application/json
	types  map[string]*huma.Schema // of what is no JSON
}

// parameter is one parameter of the query or the path.
type parameter struct {
	name, about string
	schema      *huma.Schema
	example     any
	required    bool
}

// answers with one status and one type.
func ok(of any, about string) []answer { return []answer{{http.StatusOK, of, about, "", nil}} }

func created(of any, about string) []answer {
	return []answer{{http.StatusCreated, of, about, "", nil}}
}

// bytesOf is the schema of an answer that is no JSON.
func bytesOf(types ...string) map[string]*huma.Schema {
	found := map[string]*huma.Schema{}
	for _, name := range types {
		found[name] = &huma.Schema{Type: huma.TypeString}
	}
	return found
}

// text is a parameter of at most so many characters.
func text(name, about string, most int, example string) parameter {
	return parameter{name: name, about: about, schema: &huma.Schema{Type: huma.TypeString, MaxLength: &most}, example: example}
}

// choice is a parameter with a list of values.
func choice[T ~string](name, about string, values ...T) parameter {
	p := parameter{name: name, about: about, schema: &huma.Schema{Type: huma.TypeString}, example: string(values[0])}
	for _, value := range values {
		p.schema.Enum = append(p.schema.Enum, string(value))
	}
	return p
}

// number is a whole number within bounds.
func number(name, about string, least, most float64, example int) parameter {
	return parameter{name: name, about: about, schema: &huma.Schema{Type: huma.TypeInteger, Minimum: &least, Maximum: &most}, example: example}
}

// formatted is a parameter of a format of JSON Schema.
func formatted(name, about, format, example string) parameter {
	return parameter{name: name, about: about, schema: &huma.Schema{Type: huma.TypeString, Format: format}, example: example}
}

// without takes the example away, so that examples ask for the ordinary answer.
func (p parameter) without() parameter {
	p.example = nil
	return p
}

// needed makes a parameter of the query one that must be there.
func (p parameter) needed() parameter {
	p.required = true
	return p
}

// with gives another example.
func (p parameter) with(example any) parameter {
	p.example = example
	return p
}

// What every list takes.
var (
	limitParameter = func() parameter {
		p := number("limit", "How many items a page has at most.", 1, maxLimit, 20)
		p.schema.Default = defaultLimit
		return p
	}()
	cursorParameter = text("cursor", "Where to go on: `next` of the page before, with the same filter and order. Leave it out for the first page.", maxQuery, "")
	pageQuery       = []parameter{cursorParameter, limitParameter}
)

// paged puts a list's own parameters before those of every list.
func paged(own ...parameter) []parameter { return append(own, pageQuery...) }

// allOperations joins the operations of every noun.
func allOperations() operations {
	all := operations{}
	for _, noun := range []operations{verifyOperations, enterpriseOperations, codeOperations, registerOperations, modelOperations, accountOperations,
		partnerOperations, changeOperations, recordOperations, recourseOperations, listingOperations, auditOperations, healthOperations} {
		for name, o := range noun {
			o.method, o.route, _ = strings.Cut(name, " ")
			all[name] = o
		}
	}
	return all
}

// operationTags lists the tags in the order of the page.
var operationTags = []struct {
	name  string
	title web.Phrase
	about web.Phrase
}{
	{"verify", web.Phrase{ZhCN: "核验", En: "Verify"}, web.Phrase{ZhCN: "核验健康码。", En: "Verify codes one by one, in bulk, or with a ticket."}},
	{"lists", web.Phrase{ZhCN: "离线核验", En: "Offline material"}, web.Phrase{ZhCN: "离线核验用的公钥与名单。", En: "Keys and signed lists, with which codes are verified without a network."}},
	{"changes", web.Phrase{ZhCN: "变更推送", En: "Changes"}, web.Phrase{ZhCN: "变更流与回调。", En: "What changed, by cursor or by webhook."}},
	{"enterprises", web.Phrase{ZhCN: "企业", En: "Enterprises"}, web.Phrase{ZhCN: "企业与等级。", En: "Enterprises, their grades and where every point comes from."}},
	{"codes", web.Phrase{ZhCN: "健康码", En: "Codes"}, web.Phrase{ZhCN: "健康码及其状态。", En: "Issued codes and what becomes of them."}},
	{"register", web.Phrase{ZhCN: "名录", En: "Register"}, web.Phrase{ZhCN: "区划、产品与计算任务。", En: "Divisions, products and runs."}},
	{"models", web.Phrase{ZhCN: "评分模型", En: "Models"}, web.Phrase{ZhCN: "评分模型、公示与试算。", En: "Scoring models, previews and simulations."}},
	{"accounts", web.Phrase{ZhCN: "账号", En: "Accounts"}, web.Phrase{ZhCN: "账号与权限。", En: "Who may sign in, and what for."}},
	{"partners", web.Phrase{ZhCN: "合作部门", En: "Partners"}, web.Phrase{ZhCN: "合作部门及其密钥。", En: "Partner departments and their API keys."}},
	{"records", web.Phrase{ZhCN: "记录报送", En: "Records"}, web.Phrase{ZhCN: "单条与批量报送、修订、作废。", En: "Deliver records, one by one or in bulk, revise and void them."}},
	{"recourse", web.Phrase{ZhCN: "救济", En: "Recourse"}, web.Phrase{ZhCN: "异议、修复、申诉与申辩。", En: "Objections, repairs, appeals and replies."}},
	{"listings", web.Phrase{ZhCN: "名单", En: "Lists of enterprises"}, web.Phrase{ZhCN: "放心消费单位与严重违法失信名单。", En: "Trusted merchants, and the list of serious violations."}},
	{"audit", web.Phrase{ZhCN: "审计", En: "Audit"}, web.Phrase{ZhCN: "审计日志与检查点。", En: "The audit log and its checkpoints."}},
	{"health", web.Phrase{ZhCN: "运行状态", En: "Health"}, web.Phrase{ZhCN: "运行状态。", En: "Whether the service is alive and ready."}},
}

// pathParameters are the parameters of paths, by the noun before them and their name.
var pathParameters = map[string]parameter{
	"enterprises/:uscc":   text("uscc", "Unified social credit code, as on the licence.", 18, exampleUSCC),
	"codes/:idx":          number("idx", "Place of the code in the lists.", 0, 4294967295, 1),
	"regions/:code":       text("code", "Division code of GB/T 2260: 6, 9 or 12 digits.", 12, "330402"),
	"products/:code":      text("code", "Code of the product in the catalogue.", 200, "AG03"),
	"models/:code":        text("code", "Code of the model.", 200, "default"),
	":code/:version":      number("version", "Version of the model.", 1, 65535, 1),
	"accounts/:login":     text("login", "Login name.", 64, "zhang.min"),
	"partners/:id":        number("id", "Number of the partner.", 1, 1<<53, 1),
	"tickets/:id":         text("id", "Id of the ticket, as the list shows it; not its secret.", 40, "3f0c9a71b2de"),
	"keys/:prefix":        text("prefix", "Prefix of the key, as the list shows it.", 40, "0c5be1f2a9"),
	"webhooks/:id":        text("id", "Id of the webhook.", 40, "wh_example"),
	"listings/:name":      choice("name", "Name of the list; with .csv or .json for open data.", "trusted_merchant", "serious_violation", "trusted_merchant.csv", "trusted_merchant.json", "serious_violation.csv", "serious_violation.json"),
	"listings/:list":      choice("list", "Name of the list.", supervision.Lists...),
	"entries/:uscc":       text("uscc", "Unified social credit code, as on the licence.", 18, exampleUSCC),
	"records/:source":     text("source", "Under which it was sent.", 100, "12315"),
	":source/:ref":        text("ref", "The source's own number.", 200, "C-2026-0117"),
	"submissions/:id":     text("id", "Id of the submission.", 40, "sub_example"),
	"recourses/:id":       number("id", "Number of the recourse.", 1, 1<<53, 1),
	"checkpoints/:number": number("number", "Number of the last line that the checkpoint covers.", 0, 1<<53, 1),
	"status/:n":           number("n", "Number of the list.", 0, 65535, 0),
	"grade/:n":            number("n", "Number of the list.", 0, 65535, 0),
	"v/:code":             text("code", "The digits of a printed or shown code, or a JWT.", 1024, exampleText),
}

// What examples speak of where a server has nothing better: see samples.
const (
	exampleUSCC = "91350100M000100Y43"
	exampleHost = "https://q.example.org/v/"
	exampleText = "0123456789"
	exampleCode = exampleHost + exampleText
)

// parametersOf lists the parameters of a route's path, in their order.
func (o *operation) parametersOf(path string) []parameter {
	var found []parameter
	parts := strings.Split(path, "/")
	for i, part := range parts {
		name, isParameter := strings.CutPrefix(part, ":")
		if !isParameter {
			continue
		}
		p := pathParameters[parts[i-1]+"/"+part]
		for _, own := range o.path {
			if own.name == name {
				p = own
			}
		}
		p.name, p.required = name, true
		found = append(found, p)
	}
	return found
}

// names lists what the query may have.
func (o *operation) names() []string {
	names := make([]string, 0, len(o.query)+1)
	for i := range o.query {
		names = append(names, o.query[i].name)
	}
	if o.selectable() != nil {
		names = append(names, fieldsName)
	}
	return names
}

// described guards a route by its operation: its query, the members that are asked for, and the version that an edit is based on.
func (s *server) described(route *Route) (handlers []gin.HandlerFunc) {
	o, ok := s.says[route.Method+" "+route.Path]
	if !ok {
		return nil
	}
	handlers = append(handlers, s.readsQuery(&o))
	if o.version != "" {
		handlers = append(handlers, s.versions(&o))
	}
	if o.selectable() != nil {
		handlers = append(handlers, s.selects(&o))
	}
	return handlers
}

// headerQuery is where a request keeps its query once it is read.
const headerQuery = "healthcode.query"

// readsQuery reads the query of a route by its operation: what the document does not name is refused.
func (s *server) readsQuery(o *operation) gin.HandlerFunc {
	names := o.names()
	return func(c *gin.Context) {
		if o.anyQuery {
			return
		}
		query, err := readQuery(c.Request, names...)
		if err != nil {
			s.fail(c, err)
			return
		}
		if len(query) > 0 {
			c.Set(headerQuery, query)
		}
	}
}

// query returns the query of a route that has an operation.
func (s *server) query(c *gin.Context) url.Values {
	if known, ok := c.Get(headerQuery); ok {
		if query, ok := known.(url.Values); ok {
			return query
		}
	}
	return url.Values{}
}

// isAPI reports whether a route must have an operation: programs call it.
func isAPI(route *Route) bool {
	if route.Method == http.MethodOptions { // browsers ask by themselves
		return false
	}
	return slices.ContainsFunc([]string{"/api/", "/lists", "/bundle", "/.well-known/", "/v/", "/audit/checkpoints", "/public/listings/", "/healthz", "/readyz", "/openapi.json"},
		func(prefix string) bool { return strings.HasPrefix(route.Path, prefix) })
}
