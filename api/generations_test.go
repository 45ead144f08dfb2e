package api

import (
	"net/http"
	"strings"
	"testing"

	"healthcode/schema"
)

// A code that was answered a moment ago is answered by the register of now, whoever changed it.
func TestKeptAnswers(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	h := w.handler(t, nil)
	code := w.codes[w.first]
	ask := func() string {
		body := strings.NewReader(`{"code":"` + code.JWT + `"}`)
		return call(h, http.MethodPost, "/api/v1/verify", body, "Content-Type", typeJSON).Body.String()
	}
	change := func(step schema.CodeStep) {
		t.Helper()
		if _, err := w.db.ChangeCode(t.Context(), code.Code.Index, step, "li", "lost"); err != nil {
			t.Fatal(err)
		}
	}
	first := ask()
	if !strings.Contains(first, `"reason":"ok"`) || ask() != first {
		t.Fatalf("asked twice: %s", first)
	}
	change(schema.StepSuspend)
	if got := ask(); !strings.Contains(got, `"reason":"suspended"`) || ask() != got {
		t.Errorf("after its suspension: %s", got)
	}
	change(schema.StepResume)
	if got := ask(); got != first {
		t.Errorf("after its resumption: %s, want %s", got, first)
	}
	change(schema.StepRevoke)
	if got := ask(); !strings.Contains(got, `"reason":"revoked"`) {
		t.Errorf("after its revocation: %s", got)
	}
}

// What is kept under one mark is not found under another.
func TestGenerations(t *testing.T) {
	t.Parallel()
	g := generations[int, string, int]{most: 2}
	for i, key := range []string{"a", "b", "c", "d", "e"} {
		g.keep(1, key, i)
	}
	if _, found := g.find(1, "a"); found {
		t.Error("the first of five is still kept in two generations of two")
	}
	for i, key := range []string{"c", "d", "e"} {
		if value, found := g.find(1, key); !found || value != i+2 {
			t.Errorf("%s: %d, %v", key, value, found)
		}
	}
	if _, found := g.find(2, "e"); found {
		t.Error("a value is found under another mark")
	}
	g.keep(2, "f", 9)
	if _, found := g.find(1, "e"); found {
		t.Error("a value outlives its mark")
	}
}

// Anybody is told tier, colour and date. The index is for those who may know it.
func TestThePublicIsNotToldTheIndex(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	h := w.handler(t, nil)
	body := `{"code":"` + w.codes[w.first].JWT + `"}`
	for how, text := range map[string]string{
		"by POST": call(h, http.MethodPost, "/api/v1/verify", strings.NewReader(body), "Content-Type", typeJSON).Body.String(),
		"by GET":  get(h, "/api/v1/verify?code="+w.codes[w.first].Digits).Body.String(),
		"scanned": get(h, "/v/"+w.codes[w.first].Digits, "Accept", typeJSON).Body.String(),
	} {
		if !strings.Contains(text, `"grade":{"tier":`) || strings.Contains(text, `"index"`) || strings.Contains(text, `"evidence"`) {
			t.Errorf("%s: %s", how, text)
		}
	}
}
