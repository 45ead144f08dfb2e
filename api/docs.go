package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"healthcode/web"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// samples are what the examples of the document speak of. On a demo they are things of its own, so that every example works as it stands.
type samples struct {
	uscc string // an enterprise; empty: that of a form
	code string // what its code says; empty: an invented one, which is refused
}

// samples returns the first showcase of a demo and its code.
func (s *server) samples(ctx context.Context) (samples, error) {
	if !s.Demo || len(s.Showcases) == 0 {
		return samples{}, nil
	}
	found := samples{uscc: string(s.Showcases[0].USCC)}
	shown, err := s.printedCode(ctx, s.Showcases[0].USCC)
	if errors.Is(err, ErrNoCode) || errors.Is(err, ErrNoEnterprise) {
		return found, nil
	}
	if err != nil {
		return found, err
	}
	found.code = shown.Text
	return found, nil
}

// openAPI answers GET /openapi.json.
func (s *server) openAPI(c *gin.Context) {
	of, err := s.samples(c.Request.Context())
	if err != nil {
		s.fail(c, err)
		return
	}
	document, err := s.lists.get("openapi/"+of.uscc+"/"+of.code, func() (*shared, error) {
		body, err := json.Marshal(newDocument(s.table(), s.says, of).OpenAPI)
		if err != nil {
			return nil, fmt.Errorf("write the OpenAPI document: %w", err)
		}
		return newShared(typeJSON, body), nil
	})
	if err != nil {
		s.fail(c, err)
		return
	}
	answerShared(c, document, minFresh)
}

// OpenAPI returns the OpenAPI 3.1 document of this version of the program.
func OpenAPI() ([]byte, error) {
	body, err := json.Marshal(newDocument((&server{}).table(), allOperations(), samples{}).OpenAPI)
	if err != nil {
		return nil, fmt.Errorf("write the OpenAPI document: %w", err)
	}
	return body, nil
}

// docsPage answers GET /docs: the document for people.
func (s *server) docsPage(c *gin.Context) {
	if _, err := readQuery(c.Request, "lang"); err != nil {
		s.fail(c, err)
		return
	}
	of, err := s.samples(c.Request.Context())
	if err != nil {
		s.fail(c, err)
		return
	}
	view := web.DocsPage{Page: s.page(c), Base: baseOf(c.Request), Code: of.code}
	table := s.table()
	d := newDocument(table, s.says, of)
	for _, tag := range operationTags {
		section := web.DocsSection{Name: tag.name, Title: tag.title, About: tag.about}
		for i := range table {
			if o, ok := s.says[table[i].Method+" "+table[i].Path]; ok && o.tag == tag.name {
				section.Operations = append(section.Operations, d.shown(&table[i], &o, view.Lang, view.Base))
			}
		}
		view.Sections = append(view.Sections, section)
	}
	s.render(c, http.StatusOK, view)
}

// baseOf returns the scheme and host by which a client came.
func baseOf(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// shown is an operation of the document for people.
func (d *document) shown(route *Route, o *operation, language web.Language, base string) web.DocsOperation {
	op := d.operation(route)
	view := web.DocsOperation{ID: o.id, Method: route.Method, Path: route.Path, Title: o.title, About: strings.ReplaceAll(o.about, "`", ""), Who: route.Rule.String(), Curl: d.curl(route, op, base)}
	for _, p := range op.Parameters {
		view.Parameters = append(view.Parameters, web.DocsParameter{Name: p.Name, In: p.In, Schema: inWords(p.Schema), About: p.Description, Required: p.Required})
	}
	if op.RequestBody != nil {
		view.Body = indented(op.RequestBody.Content[cmp.Or(o.media, typeJSON)].Example)
	}
	codes := problemCodes(route, o)
	for _, status := range sortedStatuses(op.Responses) {
		response := op.Responses[strconv.Itoa(status)]
		if status >= http.StatusBadRequest {
			problem := web.DocsProblem{Status: status}
			for _, code := range codes[status] {
				problem.Codes = append(problem.Codes, web.DocsCode{Code: code, Title: web.Term(language, "problem", code)})
			}
			view.Problems = append(view.Problems, problem)
			continue
		}
		view.Answers = append(view.Answers, shownAnswer(status, response))
	}
	return view
}

func shownAnswer(status int, response *huma.Response) web.DocsAnswer {
	answer := web.DocsAnswer{Status: status, About: response.Description}
	var types []string
	for name, media := range response.Content {
		types = append(types, name)
		if media.Example != nil {
			answer.Example = indented(media.Example)
		}
	}
	slices.Sort(types)
	answer.Type = strings.Join(types, ", ")
	return answer
}

func sortedStatuses(responses map[string]*huma.Response) (statuses []int) {
	for text := range responses {
		if status, err := strconv.Atoi(text); err == nil {
			statuses = append(statuses, status)
		}
	}
	slices.Sort(statuses)
	return statuses
}

// inWords says in a few words what a parameter may be.
func inWords(s *huma.Schema) string {
	switch {
	case len(s.Enum) > 0:
		words := make([]string, len(s.Enum))
		for i, value := range s.Enum {
			words[i] = fmt.Sprint(value)
		}
		return strings.Join(words, " | ")
	case s.Minimum != nil && s.Maximum != nil:
		return fmt.Sprintf("%.0f–%.0f", *s.Minimum, *s.Maximum)
	case s.Format != "":
		return s.Format
	case s.MaxLength != nil:
		return fmt.Sprintf("%s ≤ %d", s.Type, *s.MaxLength)
	}
	return s.Type
}

// indented writes an example over several lines.
func indented(example any) string {
	if example == nil {
		return ""
	}
	text, err := json.Marshal(example)
	if err != nil {
		return ""
	}
	var out bytes.Buffer
	if json.Indent(&out, text, "", "  ") != nil {
		return string(text)
	}
	return out.String()
}

// curl writes the call of an operation as a command line, with the examples of its parameters.
func (d *document) curl(route *Route, op *huma.Operation, base string) string {
	out := "curl"
	if route.Method != http.MethodGet && route.Method != http.MethodPost {
		out += " -X " + route.Method
	}
	out += " '" + base + exampleAddress(route.Path, op) + "'"
	for _, way := range op.Security {
		if _, ok := way[keyScheme]; ok {
			out += ` -H "Authorization: Bearer $KEY"`
			break
		}
		if _, ok := way[sessionScheme]; ok {
			out += " -b cookies.txt"
			break
		}
	}
	if op.RequestBody != nil {
		for name, media := range op.RequestBody.Content { // one
			out += " \\\n  -H 'Content-Type: " + name + "' -d " + curlBody(media.Example)
		}
	}
	return out
}

// maxCurlBody is how long a body may be, in bytes, to stand in the command itself.
const maxCurlBody = 600

func curlBody(example any) string {
	text, err := json.Marshal(example)
	if err != nil || example == nil || len(text) > maxCurlBody || bytes.ContainsRune(text, '\'') {
		return "@body.json"
	}
	return "'" + string(text) + "'"
}

// exampleAddress is the path and query of an operation with the examples of its parameters.
func exampleAddress(path string, op *huma.Operation) string {
	query := ""
	for _, p := range op.Parameters {
		switch {
		case p.In == "path":
			path = strings.Replace(path, ":"+p.Name, fmt.Sprint(p.Example), 1)
		case p.In == "query" && p.Required:
			query = "?" + p.Name + "=" + fmt.Sprint(p.Example)
		}
	}
	return path + query
}
