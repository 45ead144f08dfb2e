package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/schema"
)

// published reads an answer as a verifier would.
func (w *world) published(t *testing.T, answer *httptest.ResponseRecorder) *credential.List {
	t.Helper()
	if answer.Code != http.StatusOK {
		t.Fatalf("status %d: %.200s", answer.Code, answer.Body)
	}
	keys, err := credential.NewKeySet(*w.key.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	list, err := credential.ParseList(answer.Body.String(), keys)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestListsSayWhatTheRegisterSays(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	h := w.handler(t, nil)
	status, grade := w.published(t, get(h, "/lists/status/0")), w.published(t, get(h, "/lists/grade/0"))
	for code, issued := range w.codes {
		a, err := w.db.Assessment(t.Context(), code)
		if err != nil {
			t.Fatal(err)
		}
		tier, colour, ok := grade.Grade(issued.Code.Index)
		if status.Status(issued.Code.Index) != credential.StatusValid || !ok || tier != a.Tier || colour != a.Colour {
			t.Errorf("%s: %s %s %t, graded %s %s", code, tier, colour, ok, a.Tier, a.Colour)
		}
	}
}

func TestListHeaders(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	h := w.handler(t, nil)
	for target, contentType := range map[string]string{
		"/lists/status/0":        "application/statuslist+jwt",
		"/lists/grade/0":         "application/qc-gradelist+jwt",
		"/lists":                 "application/json",
		"/bundle":                "application/json",
		"/.well-known/root.json": "application/jwk+json",
	} {
		answer := get(h, target)
		header := answer.Header()
		age, err := strconv.Atoi(strings.TrimPrefix(header.Get("Cache-Control"), "public, max-age="))
		if answer.Code != http.StatusOK || header.Get("Content-Type") != contentType || header.Get("Access-Control-Allow-Origin") != "*" ||
			header.Get("Cross-Origin-Resource-Policy") != "cross-origin" || err != nil || age < 10 || age > 3600 {
			t.Errorf("%s: status %d, %v", target, answer.Code, header)
		}
		head := call(h, http.MethodHead, target, nil)
		if head.Code != http.StatusOK || head.Header().Get("ETag") != header.Get("ETag") {
			t.Errorf("HEAD %s: status %d, tag %s, want %s", target, head.Code, head.Header().Get("ETag"), header.Get("ETag"))
		}
		for _, known := range []string{header.Get("ETag"), "W/" + header.Get("ETag"), `"x", ` + header.Get("ETag"), "*"} {
			if again := get(h, target, "If-None-Match", known); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
				t.Errorf("%s with If-None-Match %s: status %d, %d bytes", target, known, again.Code, again.Body.Len())
			}
		}
		asked := call(h, http.MethodOptions, target, nil, "Origin", "https://bank.example", "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "if-none-match")
		if asked.Code != http.StatusNoContent || asked.Header().Get("Access-Control-Allow-Headers") != "If-None-Match" || asked.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("preflight of %s: status %d, %v", target, asked.Code, asked.Header())
		}
		if refused := problem(t, call(h, http.MethodPost, target, nil), http.StatusMethodNotAllowed, "method_not_allowed"); refused.Detail != "" {
			t.Errorf("POST %s: %+v", target, refused)
		}
	}
}

func TestListsArePressedForWhoTakesIt(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	h := w.handler(t, nil)
	plain := get(h, "/lists/grade/0")
	for header, want := range map[string]string{"gzip": "gzip", "br, gzip;q=0.5": "gzip", "gzip;q=0": "", "": "", "br": ""} {
		answer := get(h, "/lists/grade/0", "Accept-Encoding", header)
		if answer.Header().Get("Content-Encoding") != want || answer.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: %v", header, answer.Header())
		}
		if want == "" {
			continue
		}
		if answer.Header().Get("ETag") == plain.Header().Get("ETag") || answer.Body.Len() >= plain.Body.Len() {
			t.Errorf("%q: the same tag, or not smaller: %d and %d bytes", header, answer.Body.Len(), plain.Body.Len())
		}
		unpacked, err := gzip.NewReader(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(unpacked); err != nil || !bytes.Equal(body, plain.Body.Bytes()) {
			t.Errorf("%q unpacks to %d other bytes, %v", header, len(body), err)
		}
	}
}

func TestListsOfThePast(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	h := w.handler(t, nil)
	now := w.now.Unix()
	for at, want := range map[int64]int64{now: now, now + 1000: now, now - 1: now - 3600, now - 3600: now - 3600} {
		if list := w.published(t, get(h, fmt.Sprint("/lists/status/0?time=", at))); list.IssuedAt.Unix() != want {
			t.Errorf("time=%d: iat %d, want %d", at, list.IssuedAt.Unix(), want)
		}
	}
	problem(t, get(h, fmt.Sprint("/lists/status/0?time=", now-3601)), http.StatusNotFound, "list_not_kept")
	problem(t, get(h, "/lists/grade/0?time=0"), http.StatusNotFound, "list_not_kept")
}

func TestListsRefuseNonsense(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	h := w.handler(t, nil)
	for target, want := range map[string]struct {
		status int
		code   string
	}{
		"/lists/status/1":                    {http.StatusNotFound, "unknown_list"},
		"/lists/grade/4095":                  {http.StatusNotFound, "unknown_list"},
		"/lists/grade/4096":                  {http.StatusNotFound, "unknown_list"},
		"/lists/status/00":                   {http.StatusNotFound, "unknown_list"},
		"/lists/status/-1":                   {http.StatusNotFound, "unknown_list"},
		"/lists/status/0x0":                  {http.StatusNotFound, "unknown_list"},
		"/lists/status/1'--":                 {http.StatusNotFound, "unknown_list"},
		"/lists/status/99999999999999999999": {http.StatusNotFound, "unknown_list"},
		"/lists/colour/0":                    {http.StatusNotFound, "not_found"},
		"/lists/status/0?time=":              {http.StatusBadRequest, "invalid_field"},
		"/lists/status/0?time=-1":            {http.StatusBadRequest, "invalid_field"},
		"/lists/status/0?time=1e9":           {http.StatusBadRequest, "invalid_field"},
		"/lists/status/0?time=007":           {http.StatusBadRequest, "invalid_field"},
		"/lists/status/0?time=4294967296":    {http.StatusBadRequest, "invalid_field"},
		"/lists/status/0?time=1&time=2":      {http.StatusBadRequest, "invalid_field"},
		"/lists/status/0?date=1":             {http.StatusBadRequest, "invalid_field"},
		"/lists?page=2":                      {http.StatusBadRequest, "invalid_field"},
		"/bundle?x=1":                        {http.StatusBadRequest, "invalid_field"},
	} {
		t.Run(target, func(t *testing.T) { problem(t, get(h, target), want.status, want.code) })
	}
}

func TestListsAreNamed(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	named := decoded[ListsAnswer](t, get(w.handler(t, nil), "/lists"))
	if !slices.Equal(named.StatusLists, []string{testIssuer + "/lists/status/0"}) || !slices.Equal(named.GradeLists, []string{testIssuer + "/lists/grade/0"}) {
		t.Errorf("%+v", named)
	}
}

func TestBundleIsWhatAVerifierNeeds(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	h := w.handler(t, nil)
	root, err := credential.ParseRoot(get(h, "/.well-known/root.json").Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	first, second := get(h, "/bundle"), get(h, "/bundle")
	if !bytes.Equal(first.Body.Bytes(), second.Body.Bytes()) {
		t.Error("the same lists, another bundle")
	}
	bundle, err := credential.ParseBundle(first.Body.Bytes(), root)
	if err != nil {
		t.Fatal(err)
	}
	if len(bundle.Lists) != 2 || !bundle.ExpiresAt.Equal(w.now.Add(credential.ListLifetime)) || bundle.KeySet.Issuer != testIssuer {
		t.Errorf("%+v", bundle)
	}
}

// oldRegister has published nothing and knows no root.
type oldRegister struct{ Store }

func (oldRegister) ListHeads(context.Context) ([]schema.ListToken, error) { return nil, nil }
func (oldRegister) Root(context.Context) (*schema.RootKey, error)         { return nil, schema.ErrNotFound }

func TestBundleThatCannotBeMadeSaysWhatToDo(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	fresh, err := schema.Open(t.Context(), schema.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fresh.Close() })
	if _, _, err := fresh.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	other, err := credential.NewKey(2, testIssuer, w.now)
	if err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return w.now }
	for name, c := range map[string]struct {
		bundle Bundler
		status int
		code   string
	}{
		"no signer":          {nil, http.StatusNotFound, "no_bundle"},
		"nothing signed yet": {&jobs.Bundle{DB: fresh, Signer: w.key, Clock: clock}, http.StatusNotFound, "no_key_set"},
		"signed long ago": {&jobs.Bundle{DB: w.db, Signer: w.key, Clock: func() time.Time { return w.now.Add(credential.KeySetLifetime) }},
			http.StatusServiceUnavailable, "old_key_set"},
		"published yesterday": {&jobs.Bundle{DB: w.db, Signer: w.key, Clock: func() time.Time { return w.now.Add(credential.ListLifetime) }},
			http.StatusServiceUnavailable, "no_lists"},
		"signed before the key": {&jobs.Bundle{DB: w.db, Signer: other, Clock: clock}, http.StatusServiceUnavailable, "old_key_set"},
	} {
		t.Run(name, func(t *testing.T) {
			h := w.handler(t, func(config *Config) { config.Bundle = c.bundle })
			p := problem(t, get(h, "/bundle", "Accept-Language", "en"), c.status, c.code)
			if strings.HasSuffix(c.code, "key_set") && !strings.Contains(p.Title, "healthcode keys root") {
				t.Errorf("title %q does not say what to do", p.Title)
			}
		})
	}
	h := w.handler(t, func(config *Config) { config.Store = oldRegister{w.store} })
	problem(t, get(h, "/.well-known/root.json"), http.StatusNotFound, "no_root")
	if body := get(h, "/lists").Body.String(); body != `{"status_lists":[],"grade_lists":[]}` {
		t.Errorf("no lists: %s", body)
	}
}

func TestBundleByTheRoot(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	made, err := (&jobs.Bundle{DB: w.db, Signer: w.root, Clock: func() time.Time { return w.now }}).Newest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var text struct{ Manifest string }
	if err := json.Unmarshal(made.Body, &text); err != nil || text.Manifest == "" || len(made.Lists) != 2 {
		t.Errorf("%+v, %v", made, err)
	}
}

// FuzzLists: whatever is asked for, the answer is a list or a refusal that says why; never a failure of ours.
func FuzzLists(f *testing.F) {
	for _, seed := range [][2]string{{"0", ""}, {"0", "1795000000"}, {"00", "-1"}, {"4095", "0"}, {"1'--", "0 OR 1=1"}, {"\x00", "\xff"}, {"..", "007"}, {"９", "９"}} {
		f.Add(seed[0], seed[1])
	}
	w := theWorld(f)
	h := w.handler(f, quietly)
	f.Fuzz(func(t *testing.T, number, at string) {
		if len(number)+len(at) > 4096 {
			return
		}
		for _, kind := range []string{"/lists/status/", "/lists/grade/"} {
			if answer := get(h, kind+url.PathEscape(number)+"?"+url.Values{"time": {at}}.Encode()); answer.Code >= http.StatusInternalServerError {
				t.Errorf("%q at %q: status %d", number, at, answer.Code)
			}
		}
	})
}
