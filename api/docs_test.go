package api

import (
	"html/template"
	"net/http"
	"strings"
	"testing"

	"healthcode/web"
)

// The page has every operation and every code of a problem, in both languages, and nothing that its policy forbids.
func TestDocsPage(t *testing.T) {
	t.Parallel()
	h := theWorld(t).handler(t, nil)
	for _, language := range web.Languages() {
		answer := get(h, "/docs?lang="+string(language), "Accept", "text/html")
		page := answer.Body.String()
		if answer.Code != http.StatusOK || !strings.Contains(page, `lang="`+string(language)+`"`) {
			t.Fatalf("%s: status %d", language, answer.Code)
		}
		for name, o := range allOperations() {
			if !strings.Contains(page, `id="`+o.id+`"`) || !strings.Contains(page, template.HTMLEscapeString(o.title.In(language))) {
				t.Errorf("%s: %s is missing", language, name)
			}
		}
		for _, forbidden := range []string{"<script", "<style", " style=", " onclick=", "%!"} {
			if strings.Contains(page, forbidden) {
				t.Errorf("%s: the page has %s", language, forbidden)
			}
		}
	}
	problem(t, get(h, "/docs?nonsense=1"), http.StatusBadRequest, "invalid_field")
}

// Every code of a problem has a title in each language, and a request gets the one that it accepts.
func TestProblemTitles(t *testing.T) {
	t.Parallel()
	for _, known := range problems {
		titles := map[string]bool{}
		for _, language := range web.Languages() {
			title := web.Term(language, "problem", known.code)
			if title == known.code || title == "" || titles[title] {
				t.Errorf("%s has no title of its own in %s", known.code, language)
			}
			titles[title] = true
		}
	}
	h := theWorld(t).handler(t, nil)
	for accepted, want := range map[string]web.Language{"": web.Chinese, "en": web.English, "en-GB,en;q=0.9,zh-CN;q=0.5": web.English, "zh-TW,zh;q=0.9": web.Chinese, "de": web.Chinese} {
		answer := get(h, "/api/v1/enterprises?nonsense=1", "Accept-Language", accepted)
		p := problem(t, answer, http.StatusBadRequest, "invalid_field")
		if got := answer.Header().Get("Content-Language"); p.Title != web.Term(want, "problem", p.Code) || got != string(want) {
			t.Errorf("%q: %q in %s, want %s", accepted, p.Title, got, want)
		}
		if vary := answer.Header().Get("Vary"); !strings.Contains(vary, "Accept-Language") {
			t.Errorf("%q: Vary is %q", accepted, vary)
		}
	}
}
