package api

import (
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"healthcode/registry"
)

// jsonBody makes the headers of a JSON request.
var jsonBody = []string{"Content-Type", "application/json"}

// Bad bodies are refused with the field that is wrong; nothing is guessed.
func TestBadBodies(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	for name, c := range map[string]struct {
		body    string
		headers []string
		status  int
		code    string
		field   string
	}{
		"empty":                     {"", jsonBody, 400, "invalid_field", "body"},
		"not JSON":                  {"code=1", jsonBody, 400, "invalid_field", "body"},
		"no content type":           {`{"code":"1"}`, nil, 415, "unsupported_media_type", "Content-Type"},
		"form":                      {"code=1", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "unsupported_media_type", "Content-Type"},
		"content type is nonsense":  {`{}`, []string{"Content-Type", ";;;"}, 415, "unsupported_media_type", "Content-Type"},
		"10 MB":                     {`{"code":"` + strings.Repeat("1", 10<<20) + `"}`, jsonBody, 413, "body_too_large", "body"},
		"just over the limit":       {`{"code":"` + strings.Repeat("1", MaxBody) + `"}`, jsonBody, 413, "body_too_large", "body"},
		"deep list":                 {strings.Repeat("[", 60_000), jsonBody, 400, "invalid_field", "body"},
		"deep value":                {`{"code":` + strings.Repeat("[", 60_000), jsonBody, 400, "invalid_field", "code"},
		"deep objects":              {strings.Repeat(`{"code":`, 8_000), jsonBody, 400, "invalid_field", "code"},
		"list":                      {`["1"]`, jsonBody, 400, "invalid_field", "body"},
		"number":                    {`{"code":1}`, jsonBody, 400, "invalid_field", "code"},
		"null":                      {`{"code":null}`, jsonBody, 400, "invalid_field", "code"},
		"object":                    {`{"code":{"code":"1"}}`, jsonBody, 400, "invalid_field", "code"},
		"unknown field":             {`{"code":"1","colour":"green"}`, jsonBody, 400, "invalid_field", "colour"},
		"unknown field in capitals": {`{"CODE":"1"}`, jsonBody, 400, "invalid_field", "CODE"},
		"long unknown field":        {`{"` + strings.Repeat("x", 300) + `":1}`, jsonBody, 400, "invalid_field", strings.Repeat("x", 40) + "…"},
		"member without a name":     {`{"":1}`, jsonBody, 400, "invalid_field", `""`},
		"field twice":               {`{"code":"1","code":"2"}`, jsonBody, 400, "invalid_field", "code"},
		"invalid UTF-8":             {"{\"code\":\"\xff\xfe\"}", jsonBody, 400, "invalid_field", "body"},
		"cut off":                   {`{"code":"1"`, jsonBody, 400, "invalid_field", "body"},
		"cut off in the string":     {`{"code":"1`, jsonBody, 400, "invalid_field", "code"},
		"trailing bytes":            {`{"code":"1"} {}`, jsonBody, 400, "invalid_field", "body"},
		"no field":                  {`{}`, jsonBody, 400, "malformed_code", "code"},
		"zero byte in the code":     {`{"code":"1\u00002"}`, jsonBody, 400, "malformed_code", "code"},
		"SQL":                       {`{"code":"1'; DROP TABLE code; --"}`, jsonBody, 400, "malformed_code", "code"},
		"lone surrogate":            {`{"code":"\ud800"}`, jsonBody, 400, "malformed_code", "code"},
		"markup":                    {`{"code":"<script>alert(1)</script>"}`, jsonBody, 400, "malformed_code", "code"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := call(h, http.MethodPost, "/api/v1/verify", strings.NewReader(c.body), c.headers...)
			p := problem(t, answer, c.status, c.code)
			if len(p.Errors) != 1 || p.Errors[0].Field != c.field || p.Errors[0].Problem == "" || p.Errors[0].Want == "" {
				t.Errorf("fields %+v, want %s", p.Errors, c.field)
			}
			if strings.Contains(answer.Body.String(), "<script") {
				t.Error("the answer repeats markup")
			}
		})
	}
}

// Bad addresses and queries: each names what is wrong.
func TestBadQueries(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	one := "/api/v1/enterprises/" + string(w.first)
	for name, c := range map[string]struct {
		path   string
		status int
		code   string
		field  string
	}{
		"unknown parameter":         {"/api/v1/enterprises?page=2", 400, "invalid_field", "page"},
		"parameter twice":           {"/api/v1/enterprises?q=a&q=b", 400, "invalid_field", "q"},
		"parameter without a name":  {"/api/v1/enterprises?=a", 400, "invalid_field", `""`},
		"bad escape":                {"/api/v1/enterprises?q=%zz", 400, "invalid_field", "query"},
		"semicolon":                 {"/api/v1/enterprises?q=1;2", 400, "invalid_field", "query"},
		"invalid UTF-8":             {"/api/v1/enterprises?q=%ff%fe", 400, "invalid_field", "q"},
		"zero byte":                 {"/api/v1/enterprises?q=%00", 400, "invalid_field", "q"},
		"invalid UTF-8 name":        {"/api/v1/enterprises?%ff=1", 400, "invalid_field", "�"},
		"long text":                 {"/api/v1/enterprises?q=" + strings.Repeat("a", 101), 400, "invalid_field", "q"},
		"long query":                {"/api/v1/enterprises?q=" + strings.Repeat("a", 5000), 400, "invalid_field", "query"},
		"tier":                      {"/api/v1/enterprises?tier=AAA", 400, "invalid_field", "tier"},
		"colour":                    {"/api/v1/enterprises?colour=purple", 400, "invalid_field", "colour"},
		"region":                    {"/api/v1/enterprises?region=33'--", 400, "invalid_field", "region"},
		"sort":                      {"/api/v1/enterprises?sort=name;DROP", 400, "invalid_field", "query"},
		"sort by SQL":               {"/api/v1/enterprises?sort=1%20DESC", 400, "invalid_field", "sort"},
		"limit 0":                   {"/api/v1/enterprises?limit=0", 400, "invalid_field", "limit"},
		"limit over":                {"/api/v1/enterprises?limit=501", 400, "invalid_field", "limit"},
		"limit text":                {"/api/v1/enterprises?limit=ten", 400, "invalid_field", "limit"},
		"limit overflow":            {"/api/v1/enterprises?limit=99999999999999999999", 400, "invalid_field", "limit"},
		"cursor":                    {"/api/v1/enterprises?cursor=abc", 400, "invalid_field", "cursor"},
		"cursor of another order":   {"/api/v1/enterprises?sort=name&cursor=eyJzIjoidXNjYyIsImsiOiJ4IiwidSI6IngifQ", 400, "invalid_field", "cursor"},
		"runs cursor":               {"/api/v1/runs?cursor=-1", 400, "invalid_field", "cursor"},
		"runs limit":                {"/api/v1/runs?limit=x", 400, "invalid_field", "limit"},
		"regions limit":             {"/api/v1/regions?limit=x", 400, "invalid_field", "limit"},
		"regions level":             {"/api/v1/regions?level=galaxy", 400, "invalid_field", "level"},
		"region of nonsense":        {"/api/v1/regions/33'--", 400, "invalid_field", "code"},
		"region of nobody":          {"/api/v1/regions/110101", 404, "unknown_region", ""},
		"region with a query":       {"/api/v1/regions/330402?x=1", 400, "invalid_field", "x"},
		"page of a bad region":      {"/regions/x", 400, "invalid_field", "code"},
		"page of no region":         {"/regions/110101", 404, "unknown_region", ""},
		"page of regions, unknown":  {"/regions?q=x", 400, "invalid_field", "q"},
		"product of nobody":         {"/api/v1/products/nothing", 404, "unknown_product", ""},
		"product with a zero byte":  {"/api/v1/products/a%00", 404, "unknown_product", ""},
		"product not in UTF-8":      {"/api/v1/products/%ff", 404, "unknown_product", ""},
		"product with a query":      {"/api/v1/products/HA01?x=1", 400, "invalid_field", "x"},
		"products unknown":          {"/api/v1/products?q=x", 400, "invalid_field", "q"},
		"USCC too short":            {"/api/v1/enterprises/123", 400, "invalid_field", "uscc"},
		"USCC of SQL":               {"/api/v1/enterprises/1'%20OR%20'1'='1", 400, "invalid_field", "uscc"},
		"USCC with a zero byte":     {"/api/v1/enterprises/9135010%00M000100Y43", 400, "invalid_field", "uscc"},
		"USCC of nobody":            {"/api/v1/enterprises/91350100M000100Y43", 404, "unknown_enterprise", ""},
		"as_of":                     {one + "?as_of=2026-02-30", 400, "invalid_field", "as_of"},
		"as_of before time":         {one + "?as_of=1066-10-14", 400, "invalid_field", "as_of"},
		"known_at":                  {one + "?known_at=yesterday", 400, "invalid_field", "known_at"},
		"known_at far away":         {one + "?known_at=9999-01-01T00:00:00Z", 400, "invalid_field", "known_at"},
		"before anything was known": {one + "?known_at=1990-01-01T00:00:00Z", 404, "not_known_then", ""},
		"image scale":               {one + "/code.png?scale=0", 400, "invalid_field", "scale"},
		"image scale over":          {one + "/code.png?scale=41", 400, "invalid_field", "scale"},
		"SVG with a scale":          {one + "/code.svg?scale=2", 400, "invalid_field", "scale"},
		"image of nobody":           {"/api/v1/enterprises/91350100M000100Y43/code.svg", 404, "unknown_enterprise", ""},
		"verify without a code":     {"/api/v1/verify", 400, "malformed_code", "code"},
		"verify with two codes":     {"/api/v1/verify?code=1&code=2", 400, "invalid_field", "code"},
		"page of nobody":            {"/enterprises/91350100M000100Y43", 404, "unknown_enterprise", ""},
		"page of nonsense":          {"/enterprises/x", 400, "invalid_field", "uscc"},
		"home with a bad tier":      {"/?tier=Z", 400, "invalid_field", "tier"},
		"home with a bad cursor":    {"/?after=x", 400, "invalid_field", "cursor"},
		"nothing there":             {"/api/v2/verify", 404, "not_found", ""},
		"path up":                   {"/static/../../etc/passwd", 404, "not_found", ""},
		"path up, escaped":          {"/static/..%2f..%2fetc/passwd", 404, "not_found", ""},
		"asset notes":               {"/static/0000000000000000/ASSETS.md", 404, "not_found", ""},
		"two slashes":               {"//v/123", 404, "not_found", ""},
		"code with a slash":         {"/v/12/34", 404, "not_found", ""},
		"code with a slash after":   {"/v/1234/", 404, "not_found", ""},
		"no code":                   {"/v/", 404, "not_found", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := problem(t, get(h, c.path), c.status, c.code)
			if c.field == "" && len(p.Errors) == 0 {
				return
			}
			if len(p.Errors) != 1 || p.Errors[0].Field != c.field || p.Errors[0].Want == "" {
				t.Errorf("fields %+v, want %s", p.Errors, c.field)
			}
		})
	}
}

func TestWrongMethods(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, "TRACE", "BREW"} {
		for _, path := range []string{"/", "/v/123", "/healthz", "/api/v1/enterprises", "/.well-known/jwks.json"} {
			answer := call(h, method, path, nil)
			problem(t, answer, http.StatusMethodNotAllowed, "method_not_allowed")
			if allow := answer.Header().Get("Allow"); !strings.Contains(allow, "GET") || !strings.Contains(allow, "HEAD") {
				t.Errorf("%s %s: Allow %q", method, path, allow)
			}
		}
	}
	problem(t, call(h, http.MethodDelete, "/api/v1/verify", nil), http.StatusMethodNotAllowed, "method_not_allowed")
}

func TestHeadAnswersLikeGet(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	for _, path := range []string{"/", "/v/" + w.codes[w.first].Digits, "/healthz"} {
		if a, b := call(h, http.MethodHead, path, nil), get(h, path); a.Code != b.Code || a.Header().Get("Content-Type") != b.Header().Get("Content-Type") {
			t.Errorf("%s: HEAD %d, GET %d", path, a.Code, b.Code)
		}
	}
}

func TestOddAcceptHeaders(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	for name, c := range map[string]struct {
		accept string
		json   bool
	}{
		"none":                        {"", false},
		"everything":                  {"*/*", false},
		"browser":                     {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false},
		"JSON":                        {"application/json", true},
		"JSON in capitals":            {"Application/JSON", true},
		"JSON rather":                 {"text/html;q=0.5, application/json", true},
		"JSON less":                   {"text/html, application/json;q=0.9", false},
		"JSON not at all":             {"application/json;q=0", false},
		"all but HTML":                {"text/html;q=0, */*", true},
		"something else":              {"application/pdf", false},
		"nonsense":                    {";;;,,,q=q=q", false},
		"weight that is no number":    {"application/json;q=high", false},
		"weight that is not a number": {"application/json;q=NaN", false},
		"weight over one":             {"application/json;q=5", false},
		"very long":                   {strings.Repeat("a/b,", 2000) + "application/json", false},
		"zero bytes":                  {"\x00\x00", false},
	} {
		t.Run(name, func(t *testing.T) {
			answer := get(h, "/v/"+w.codes[w.first].Digits, "Accept", c.accept)
			want := "text/html; charset=utf-8"
			if c.json {
				want = "application/json; charset=utf-8"
			}
			if got := answer.Header().Get("Content-Type"); answer.Code != http.StatusOK || got != want {
				t.Errorf("status %d, %s", answer.Code, got)
			}
		})
	}
}

// A person gets a page about what went wrong, in their language and without a link to a foreign host.
func TestProblemPages(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	for language, want := range map[string]string{"zh-CN": "没有这个页面", "en": "There is nothing at this address"} {
		answer := get(h, "//evil.example.org/x", "Accept", "text/html", "Accept-Language", language)
		if answer.Code != http.StatusNotFound || !strings.Contains(answer.Body.String(), want) || strings.Contains(answer.Body.String(), "evil") {
			t.Errorf("%s: status %d: %.600s", language, answer.Code, answer.Body)
		}
	}
	p := problem(t, get(h, "/nowhere", "Accept-Language", "zh-CN"), http.StatusNotFound, "not_found")
	if p.Title != "没有这个页面" {
		t.Errorf("the title is %q", p.Title)
	}
}

// quietly keeps millions of requests out of the memory.
func quietly(c *Config) { c.Log = slog.New(slog.DiscardHandler) }

// Whatever is searched for, the answer is a list or a problem, and SQL in it is text.
func FuzzEnterprises(f *testing.F) {
	for _, text := range []string{"嘉兴", "91", "%", "_", `\`, "' OR 1=1 --", "\x00", "\xff"} {
		f.Add(text, "330402", "A", "green", "-index", "")
	}
	w := theWorld(f)
	h := w.handler(f, quietly)
	f.Fuzz(func(t *testing.T, q, region, tier, colour, sort, cursor string) {
		query := url.Values{"q": {q}, "region": {region}, "tier": {tier}, "colour": {colour}, "sort": {sort}, "cursor": {cursor}}
		answer := get(h, "/api/v1/enterprises?"+query.Encode())
		if answer.Code != http.StatusOK && answer.Code != http.StatusBadRequest {
			t.Errorf("status %d: %.300s", answer.Code, answer.Body)
		}
	})
}

// So for codes.
func FuzzCodes(f *testing.F) {
	for _, text := range []string{"", "91350100M000100Y43", "%", "' OR 1=1 --", "\x00", "\xff", "-1", "4294967296", "eyJzIjoiIiwiayI6LTEsImkiOi05OTk5OTk5OTk5fQ"} {
		f.Add(text, "printed", "valid", "1", "-idx", text)
	}
	w := theWorld(f)
	h := w.handler(f, quietly)
	f.Fuzz(func(t *testing.T, uscc, form, status, kid, sort, cursor string) {
		query := url.Values{"uscc": {uscc}, "form": {form}, "status": {status}, "kid": {kid}, "sort": {sort}, "cursor": {cursor}}
		for _, path := range []string{"/api/v1/codes?" + query.Encode(), "/api/v1/codes?" + url.Values{"cursor": {cursor}}.Encode(), "/api/v1/codes/" + url.PathEscape(uscc)} {
			if answer := get(h, path); answer.Code >= http.StatusInternalServerError {
				t.Errorf("%s: status %d: %.300s", path, answer.Code, answer.Body)
			}
		}
	})
}

// Whatever is sent to be verified, in whatever way, the answer is never a failure of ours.
func FuzzVerify(f *testing.F) {
	w := theWorld(f)
	h := w.handler(f, quietly)
	issued := w.codes[w.first]
	for _, text := range []string{issued.Digits, issued.JWT, issued.URL, altered(issued.Digits), issued.JWT[:len(issued.JWT)-2], "", "1", "%2e%2e", "a.b.c", "https://x/v/1", "\x00", "\xff", "嘉兴", strings.Repeat("9", 2000)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := "/v/" + url.PathEscape(text)
		for _, accept := range []string{"text/html", "application/json"} {
			if answer := get(h, path, "Accept", accept); answer.Code >= http.StatusInternalServerError {
				t.Errorf("%q: status %d", text, answer.Code)
			}
		}
		if answer := get(h, "/api/v1/verify?"+url.Values{"code": {text}}.Encode()); answer.Code >= http.StatusInternalServerError {
			t.Errorf("%q by query: status %d", text, answer.Code)
		}
		answer := call(h, http.MethodPost, "/api/v1/verify", io.MultiReader(strings.NewReader(`{"code":"`), strings.NewReader(text), strings.NewReader(`"}`)), jsonBody...)
		if answer.Code >= http.StatusInternalServerError {
			t.Errorf("%q by body: status %d", text, answer.Code)
		}
	})
}

// readUSCC takes registered codes with a wrong check character and never anything of another shape.
func FuzzUSCC(f *testing.F) {
	f.Add("91350100M0001TGQXM")
	f.Fuzz(func(t *testing.T, text string) {
		code, err := readUSCC(text)
		if err == nil && len(code) != registry.USCCLength {
			t.Errorf("%q became %q", text, code)
		}
	})
}
