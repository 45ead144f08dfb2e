package api

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"healthcode/schema"

	"github.com/chromedp/chromedp"
)

func TestAnEnterpriseComments(t *testing.T) {
	t.Parallel()
	w, h := previewed(t)
	path := "/api/v1/enterprises/" + string(w.first) + "/preview/comments"
	post := func(body string) *httptest.ResponseRecorder {
		return call(h, http.MethodPost, path, strings.NewReader(body), jsonBody...)
	}
	answer := post(`{"version":2,"text":"  召回被重复扣分\n请核实 "}`)
	if answer.Code != http.StatusCreated {
		t.Fatalf("%d: %s", answer.Code, answer.Body)
	}
	said := decoded[List[schema.ModelComment]](t, get(h, path+"?version=2"))
	if len(said.Items) != 2 || said.Items[1].Text != "召回被重复扣分\n请核实" || said.Items[1].USCC != w.first || said.Items[1].At.IsZero() {
		t.Fatalf("%+v", said.Items)
	}
	post(`{"version":2,"text":"召回被重复扣分\n请核实"}`)
	shown := decoded[ModelDetail](t, get(h, "/api/v1/models/default/2"))
	if len(shown.Comments) != 2 {
		t.Errorf("said twice, or hidden from the approver: %+v", shown.Comments)
	}
	if other := decoded[List[schema.ModelComment]](t, get(h, path+"?version=3")); len(other.Items) != 0 {
		t.Errorf("about another version: %+v", other.Items)
	}
	for i := range 18 {
		post(`{"version":2,"text":"` + strconv.Itoa(i) + `"}`)
	}
	problem(t, post(`{"version":2,"text":"one too many"}`), http.StatusConflict, "too_many_comments")
}

func TestBadComments(t *testing.T) {
	t.Parallel()
	w, h := previewed(t)
	path := "/api/v1/enterprises/" + string(w.first) + "/preview/comments"
	for name, c := range map[string]struct {
		path, body string
		status     int
		code       string
	}{
		"nothing said":          {path, `{"version":2,"text":" "}`, 400, "invalid_field"},
		"too long":              {path, `{"version":2,"text":"` + strings.Repeat("言", 2001) + `"}`, 400, "invalid_field"},
		"a zero byte":           {path, `{"version":2,"text":"a\u0000"}`, 400, "invalid_field"},
		"no version":            {path, `{"text":"x"}`, 400, "invalid_field"},
		"a version that is one": {path, `{"version":"2","text":"x"}`, 400, "invalid_field"},
		"an unknown member":     {path, `{"version":2,"text":"x","name":"y"}`, 400, "invalid_field"},
		"a draft":               {path, `{"version":3,"text":"x"}`, 409, "no_preview"},
		"the active one":        {path, `{"version":1,"text":"x"}`, 409, "no_preview"},
		"an unknown version":    {path, `{"version":9,"text":"x"}`, 404, "not_found"},
		"a body that is huge":   {path, `{"version":2,"text":"` + strings.Repeat("x", MaxBody) + `"}`, 413, "body_too_large"},
		"nobody":                {strings.Replace(path, string(w.first), "91350100M000100Y43", 1), `{"version":2,"text":"x"}`, 404, "unknown_enterprise"},
		"no code":               {strings.Replace(path, string(w.first), "1", 1), `{"version":2,"text":"x"}`, 400, "invalid_field"},
	} {
		t.Run(name, func(t *testing.T) {
			problem(t, call(h, http.MethodPost, c.path, strings.NewReader(c.body), jsonBody...), c.status, c.code)
		})
	}
	problem(t, get(h, path+"?version=9"), http.StatusNotFound, "not_found")
	problem(t, get(h, path), http.StatusBadRequest, "invalid_field")
	problem(t, get(h, path+"?version=2&name=x"), http.StatusBadRequest, "invalid_field")
	if left := decoded[ModelDetail](t, get(h, "/api/v1/models/default/2")); len(left.Comments) != 1 {
		t.Errorf("%d comments are kept", len(left.Comments))
	}
}

// sendForm posts the form of the page as a browser without script does.
func sendForm(h http.Handler, path string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	return call(h, http.MethodPost, path, strings.NewReader(form.Encode()), append([]string{"Content-Type", typeForm, "Accept", "text/html"}, headers...)...)
}

func TestThePageTakesAComment(t *testing.T) {
	t.Parallel()
	w, h := previewed(t)
	page := "/enterprises/" + string(w.first)
	before := call(h, http.MethodGet, page+"?lang=en", nil, "Accept", "text/html").Body.String()
	for _, part := range []string{"Preview of a proposed scoring model", "spot_check weight 40 % → 45 %", "抽查权重过高", `action="` + page + `/comments?lang=en"`, `maxlength="2000"`} {
		if !strings.Contains(before, part) {
			t.Errorf("no %q on the page", part)
		}
	}
	answer := sendForm(h, page+"/comments?lang=en", url.Values{"version": {"2"}, "text": {"one line\r\n<b>another</b>"}}, "Sec-Fetch-Site", "same-origin")
	if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != page+"?lang=en#preview" {
		t.Fatalf("%d to %q", answer.Code, answer.Header().Get("Location"))
	}
	if after := call(h, http.MethodGet, page, nil, "Accept", "text/html").Body.String(); !strings.Contains(after, "one line\n&lt;b&gt;another&lt;/b&gt;") {
		t.Error("the comment is not shown")
	}
	long := strings.Repeat("x", 2001)
	answer = sendForm(h, page+"/comments?lang=en", url.Values{"version": {"2"}, "text": {long}})
	if body := answer.Body.String(); answer.Code != http.StatusBadRequest || !strings.Contains(body, long) || !strings.Contains(body, "The comment was not kept") {
		t.Errorf("too long: %d", answer.Code)
	}
	for name, c := range map[string]struct {
		form    url.Values
		headers []string
		status  int
	}{
		"from another site":         {url.Values{"version": {"2"}, "text": {"x"}}, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		"from another site, by old": {url.Values{"version": {"2"}, "text": {"x"}}, []string{"Origin", "https://elsewhere.example"}, 403},
		"twice the text":            {url.Values{"version": {"2"}, "text": {"x", "y"}}, nil, 400},
		"more than asked for":       {url.Values{"version": {"2"}, "text": {"x"}, "uscc": {"y"}}, nil, 400},
		"a draft":                   {url.Values{"version": {"3"}, "text": {"x"}}, nil, 409},
	} {
		if answer := sendForm(h, page+"/comments", c.form, c.headers...); answer.Code != c.status {
			t.Errorf("%s: %d", name, answer.Code)
		}
	}
	problem(t, call(h, http.MethodPost, page+"/comments", strings.NewReader(`{}`), jsonBody...), http.StatusUnsupportedMediaType, "unsupported_media_type")
	problem(t, call(h, http.MethodPost, "/api/v1/simulations", strings.NewReader(`{}`), append(jsonBody, "Sec-Fetch-Site", "cross-site")...), http.StatusForbidden, "cross_origin")
	if left := decoded[ModelDetail](t, get(h, "/api/v1/models/default/2")); len(left.Comments) != 2 {
		t.Errorf("%d comments are kept", len(left.Comments))
	}
}

// A real browser fills in the form; it sends what a page of ours is allowed to send.
func TestACommentInTheBrowser(t *testing.T) {
	w, h := previewed(t)
	axe, err := os.ReadFile("testdata/axe-4.14.1.min.js")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	b := startBrowser(t)
	for _, one := range []struct {
		language, scheme string
		width            int64
	}{{"zh-CN", "light", 360}, {"en", "dark", 360}, {"en", "light", 1280}} {
		b.open(t, srv.URL+"/enterprises/"+string(w.first)+"?lang="+one.language, one.width, one.scheme)
		b.shoot(t, "preview-"+one.language+"-"+strconv.FormatInt(one.width, 10)+"-"+one.scheme)
		b.check(t, string(axe), one.language)
	}
	evaluate[bool](t, b, `document.querySelector("#comment").value = "too hard on small firms"; document.querySelector(".hc-comment button").click(); true`)
	if err := chromedp.Do(b.ctx, chromedp.WaitVisible(".hc-said li:nth-child(2)")); err != nil {
		t.Fatal(err)
	}
	if got := evaluate[string](t, b, "location.pathname + location.hash"); got != "/enterprises/"+string(w.first)+"#preview" {
		t.Errorf("the browser is at %s", got)
	}
	if bad := b.complaints(); len(bad) > 0 {
		t.Errorf("the browser complains: %q", bad)
	}
}
