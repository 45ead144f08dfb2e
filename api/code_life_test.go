package api

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
)

func step(h http.Handler, idx uint32, name string) *httptest.ResponseRecorder {
	return call(h, http.MethodPost, fmt.Sprintf("/api/v1/codes/%d/%s", idx, name), strings.NewReader(`{"by":"Li Hua","reason":"sign lost"}`), jsonBody...)
}

// What happens to a code shows at once to whoever scans it, with words in both languages.
func TestStepsShowAtOnce(t *testing.T) {
	w := ownWorld(t)
	h := w.handler(t, func(c *Config) { c.Issuer = w.issuer() })
	issued := w.codes[w.first]
	idx := issued.Code.Index
	for _, c := range []struct {
		step, reason, zh, en string
		status               int
	}{
		{"", "ok", "真码，当前有效", "Authentic and in force", 0},
		{"suspend", "suspended", "此码已暂停使用", "This code is suspended", 200},
		{"suspend", "suspended", "此码已暂停使用", "This code is suspended", 409},
		{"renew", "suspended", "此码已暂停使用", "This code is suspended", 409},
		{"resume", "ok", "真码，当前有效", "Authentic and in force", 200},
		{"supersede", "superseded", "此码已被新码取代", "A newer code has replaced this one", 201},
		{"revoke", "superseded", "此码已被新码取代", "A newer code has replaced this one", 409},
	} {
		if c.step != "" {
			answer := step(h, idx, c.step)
			if c.status == 409 {
				problem(t, answer, 409, "code_step")
			} else if answer.Code != c.status {
				t.Fatalf("%s: status %d: %s", c.step, answer.Code, answer.Body)
			}
		}
		v := decoded[verdictJSON](t, get(h, "/v/"+issued.Digits, "Accept", "application/json"))
		ok := c.reason == "ok"
		if v.Reason != c.reason || v.Authentic != ok || (v.Current == "yes") != ok || (v.Grade != nil) != ok || !v.SignatureValid || !v.StatusAsOf.Equal(v.CheckedAt) {
			t.Errorf("after %s: %+v", c.step, v)
		}
		for language, want := range map[string]string{"zh-CN": c.zh, "en": c.en} {
			page := get(h, "/v/"+issued.Digits, "Accept", "text/html", "Accept-Language", language)
			if page.Code != 200 || !strings.Contains(page.Body.String(), want) || strings.Contains(page.Body.String(), "sign lost") || strings.Contains(page.Body.String(), "Li Hua") {
				t.Errorf("after %s in %s: status %d", c.step, language, page.Code)
			}
		}
	}
	detail := decoded[CodeDetail](t, get(h, fmt.Sprintf("/api/v1/codes/%d", idx)))
	var steps []string
	for _, s := range detail.Steps {
		steps = append(steps, string(s.Step)+" by "+s.By)
	}
	if got := strings.Join(steps, ", "); got != "issue by system, suspend by Li Hua, resume by Li Hua, supersede by Li Hua" || detail.JWT != issued.JWT {
		t.Errorf("history %s", got)
	}
	page := get(h, "/enterprises/"+string(w.first), "Accept-Language", "en").Body.String()
	for _, want := range []string{"Codes that were issued", "superseded", "sign lost", "Li Hua"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of the enterprise has no %q", want)
		}
	}
}

// A renewed code stays good to its end, and so is the new one; the image is that of the new one.
func TestRenewedCodesAreBothGood(t *testing.T) {
	w := ownWorld(t)
	h := w.handler(t, func(c *Config) { c.Issuer = w.issuer() })
	old := w.codes[w.first]
	answer := step(h, old.Code.Index, "renew")
	next := decoded[CodeDetail](t, answer)
	if answer.Code != http.StatusCreated || next.Index == old.Code.Index || answer.Header().Get("Location") != fmt.Sprintf("/api/v1/codes/%d", next.Index) || next.Steps[0].By != "Li Hua" {
		t.Fatalf("status %d: %s", answer.Code, answer.Body)
	}
	for _, text := range []string{old.Digits, next.JWT} {
		if v := decoded[verdictJSON](t, get(h, "/api/v1/verify?code="+text)); v.Reason != "ok" || v.Current != "yes" {
			t.Errorf("%+v", v)
		}
	}
	problem(t, step(h, old.Code.Index, "renew"), 409, "code_step")
	if list := decoded[List[CodeItem]](t, get(h, "/api/v1/codes?uscc="+string(w.first)+"&sort=-idx")); len(list.Items) != 2 || list.Items[0].Index != next.Index {
		t.Errorf("list %+v", list)
	}
}

// A change of grade needs no new print: the sign on the wall shows the new grade.
func TestAPrintedCodeShowsTheNewGrade(t *testing.T) {
	w := ownWorld(t)
	h := w.handler(t, nil)
	for owner, issued := range w.codes {
		if issued.Code.Colour == registry.ColourRed {
			continue
		}
		_, err := w.db.PutRecords(t.Context(), []registry.Record{{USCC: owner, Source: "test", SourceRef: "1", Kind: registry.KindSpotCheck, Outcome: registry.OutcomeFail,
			Severity: registry.SeverityCritical, OccurredOn: registry.DayOf(w.now), State: registry.StateFinal, Stage: registry.StageProduction, Purpose: registry.PurposeRandom,
			Detail: &registry.SpotCheck{}}}, schema.PutOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (&jobs.Recompute{DB: w.db, Clock: func() time.Time { return w.now }, ChangedOnly: true}).RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		v := decoded[verdictJSON](t, get(h, "/v/"+issued.Digits, "Accept", "application/json"))
		if v.Reason != "ok" || v.Grade.Colour != registry.ColourRed || v.Index != issued.Code.Index {
			t.Errorf("was %s, a critical failure later: %+v %+v", issued.Code.Colour, v, v.Grade)
		}
		return
	}
	t.Fatal("everybody is red")
}

// What the key signed but the register does not know is refused, and somebody hears of it.
func TestSignedBehindTheRegistersBack(t *testing.T) {
	w := ownWorld(t)
	var log bytes.Buffer
	h := w.handler(t, func(c *Config) { c.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	good := w.codes[w.first].Code
	var other credential.Issued
	for owner, issued := range w.codes {
		if owner != w.first {
			other = issued
		}
	}
	change := func(f func(*credential.Code)) string {
		c := good
		f(&c)
		return w.sign(t, c).Digits
	}
	intent, err := w.db.ReserveIndex(t.Context(), w.first, "1", "printed")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"a place never given":            change(func(c *credential.Code) { c.Index = 4_000_000 }),
		"a place of another enterprise":  change(func(c *credential.Code) { c.Index = other.Code.Index }),
		"the same place, issued later":   change(func(c *credential.Code) { c.IssuedAt++ }),
		"the same place, lives longer":   change(func(c *credential.Code) { c.Lifetime++ }),
		"the same place, a better tier":  change(func(c *credential.Code) { c.Tier = (c.Tier + 1) % 5 }),
		"the same place, another colour": change(func(c *credential.Code) { c.Colour = c.Colour%4 + 1 }),
		"the same place, another model":  change(func(c *credential.Code) { c.Model++ }),
		"a screen code at its place": change(func(c *credential.Code) {
			c.Lifetime, c.IssuedAt = credential.ScreenLifetime, uint32(w.now.Unix())
		}),
		"an intent that was never issued": change(func(c *credential.Code) { c.Index = intent }),
	} {
		log.Reset()
		p := problem(t, get(h, "/v/"+text, "Accept", "application/json"), http.StatusNotFound, "unknown_code")
		if len(p.Errors) != 1 || !strings.Contains(log.String(), `"level":"ERROR"`) || !strings.Contains(log.String(), "is the key in other hands?") {
			t.Errorf("%s: %+v, log %s", name, p, log.String())
		}
		page := get(h, "/v/"+text, "Accept", "text/html", "Accept-Language", "en")
		if page.Code != http.StatusNotFound || !strings.Contains(page.Body.String(), "The register does not have this code") || strings.Contains(page.Body.String(), "out of 100") {
			t.Errorf("%s: page with status %d", name, page.Code)
		}
	}
	if _, err := w.db.ChangeCode(t.Context(), intent, schema.StepRevoke, "Li Hua", "its process was killed"); err != nil {
		t.Fatal(err)
	}
	if v := decoded[verdictJSON](t, get(h, "/v/"+change(func(c *credential.Code) { c.Index = intent }), "Accept", "application/json")); v.Reason != "revoked" {
		t.Errorf("a code of a killed process, revoked since: %+v", v)
	}
}

// Bad steps are refused with the field that is wrong.
func TestBadSteps(t *testing.T) {
	w := ownWorld(t)
	h := w.handler(t, func(c *Config) { c.Issuer = w.issuer() })
	const good = `{"by":"Li Hua","reason":"sign lost"}`
	idx := fmt.Sprint(w.codes[w.first].Code.Index)
	for name, c := range map[string]struct {
		path, body string
		status     int
		code       string
		field      string
	}{
		"no index":            {"x/suspend", good, 400, "invalid_field", "idx"},
		"negative":            {"-1/suspend", good, 400, "invalid_field", "idx"},
		"too large":           {"4294967296/suspend", good, 400, "invalid_field", "idx"},
		"leading zero":        {"01/suspend", good, 400, "invalid_field", "idx"},
		"SQL":                 {"1%20OR%201=1/suspend", good, 400, "invalid_field", "idx"},
		"never given":         {"4294967295/suspend", good, 404, "unknown_code", ""},
		"never given, renew":  {"4294967295/renew", good, 404, "unknown_code", ""},
		"unknown step":        {idx + "/burn", good, 404, "not_found", ""},
		"with a query":        {idx + "/suspend?x=1", good, 400, "invalid_field", "x"},
		"nobody":              {idx + "/suspend", `{"reason":"x"}`, 400, "invalid_field", "by"},
		"nobody but blanks":   {idx + "/suspend", `{"by":"  ","reason":"x"}`, 400, "invalid_field", "by"},
		"no reason":           {idx + "/suspend", `{"by":"Li Hua","reason":""}`, 400, "invalid_field", "reason"},
		"no reason, renew":    {idx + "/renew", `{"by":"Li Hua"}`, 400, "invalid_field", "reason"},
		"zero byte":           {idx + "/suspend", `{"by":"Li Hua","reason":"a\u0000b"}`, 400, "invalid_field", "reason"},
		"two lines":           {idx + "/suspend", `{"by":"Li\nHua","reason":"a"}`, 400, "invalid_field", "by"},
		"a long name":         {idx + "/suspend", `{"by":"` + strings.Repeat("a", 201) + `","reason":"a"}`, 400, "invalid_field", "by"},
		"a long reason":       {idx + "/suspend", `{"by":"a","reason":"` + strings.Repeat("字", 700) + `"}`, 400, "invalid_field", "reason"},
		"unknown member":      {idx + "/suspend", `{"by":"a","reason":"a","status":"valid"}`, 400, "invalid_field", "status"},
		"no JSON":             {idx + "/suspend", `by=a`, 400, "invalid_field", "body"},
		"not suspended":       {idx + "/resume", good, 409, "code_step", ""},
		"a number for a name": {idx + "/suspend", `{"by":1,"reason":"a"}`, 400, "invalid_field", "by"},
	} {
		t.Run(name, func(t *testing.T) {
			p := problem(t, call(h, http.MethodPost, "/api/v1/codes/"+c.path, strings.NewReader(c.body), jsonBody...), c.status, c.code)
			if c.field != "" && (len(p.Errors) != 1 || p.Errors[0].Field != c.field || p.Errors[0].Want == "") {
				t.Errorf("fields %+v, want %s", p.Errors, c.field)
			}
		})
	}
	if answer := call(h, http.MethodPost, "/api/v1/codes/"+idx+"/suspend", strings.NewReader(good)); answer.Code != http.StatusUnsupportedMediaType {
		t.Errorf("a form of another site: status %d", answer.Code)
	}
	without := w.handler(t, nil)
	problem(t, step(without, w.codes[w.first].Code.Index, "renew"), http.StatusServiceUnavailable, "no_signer")
	problem(t, get(without, "/api/v1/enterprises/"+string(w.first)+"/screen"), http.StatusServiceUnavailable, "no_signer")
}

func TestBadCodeLists(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	for path, field := range map[string]string{
		"/api/v1/codes?uscc=1": "uscc", "/api/v1/codes?form=tattoo": "form", "/api/v1/codes?status=lost": "status", "/api/v1/codes?status=0": "status",
		"/api/v1/codes?kid=0": "kid", "/api/v1/codes?kid=01": "kid", "/api/v1/codes?kid=1'--": "kid", "/api/v1/codes?sort=uscc": "sort", "/api/v1/codes?limit=0": "limit",
		"/api/v1/codes?cursor=x": "cursor", "/api/v1/codes?sort=-idx&cursor=eyJzIjoiaWR4IiwiayI6MSwiaSI6MX0": "cursor", "/api/v1/codes?page=1": "page",
		"/api/v1/codes/x": "idx", "/api/v1/codes/1?x=1": "x", "/api/v1/signals?limit=501": "limit", "/api/v1/signals?q=1": "q",
	} {
		if p := problem(t, get(h, path), 400, "invalid_field"); len(p.Errors) != 1 || p.Errors[0].Field != field {
			t.Errorf("%s: %+v, want %s", path, p.Errors, field)
		}
	}
	problem(t, get(h, "/api/v1/codes/4294967295"), 404, "unknown_code")
	first := decoded[List[CodeItem]](t, get(h, "/api/v1/codes?limit=7&form=printed&status=valid&kid=1"))
	second := decoded[List[CodeItem]](t, get(h, "/api/v1/codes?limit=7&form=printed&status=valid&kid=1&cursor="+first.Next))
	if len(first.Items) != 7 || len(second.Items) != 7 || second.Items[0].Index <= first.Items[6].Index {
		t.Errorf("pages %+v, %+v", first, second)
	}
}
