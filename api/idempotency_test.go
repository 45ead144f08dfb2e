package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"healthcode/schema"
)

func key(text string) []string { return []string{headerIdempotencyKey, text} }

// A request with a key is carried out once: sent again it gets the answer of the first time, with another body it is refused.
func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	body := visited(in.own, "k-1")
	first := in.post(recordsPath, body, in.lab, key(`"k"`))
	again := in.post(recordsPath, body, in.lab, key("k")) // quotes are not part of it
	if first.Code != http.StatusCreated || again.Code != first.Code || again.Body.String() != first.Body.String() {
		t.Fatalf("first %d %s, again %d %s", first.Code, first.Body, again.Code, again.Body)
	}
	for _, name := range []string{"Location", "ETag", "Content-Type"} {
		if a, b := first.Header().Get(name), again.Header().Get(name); a != b || a == "" {
			t.Errorf("%s: %q, again %q", name, a, b)
		}
	}
	if first.Header().Get(headerReplayed) != "" || again.Header().Get(headerReplayed) != "true" {
		t.Error("only what is replayed says so")
	}
	for name, c := range map[string]struct{ path, body string }{
		"another body":    {recordsPath, visited(in.own, "k-2")},
		"another address": {recordsPath + "/lab/k-1/void", body},
	} {
		problem(t, in.post(c.path, c.body, in.lab, key("k")), http.StatusUnprocessableEntity, "idempotency_key_reused")
		if c.path != recordsPath {
			continue
		}
		problem(t, call(in.h, http.MethodGet, recordsPath+"/lab/k-2", nil, in.lab...), http.StatusNotFound, "unknown_record")
		t.Log(name)
	}
	if other := in.post(recordsPath, strings.Replace(body, `"lab"`, `"court"`, 1), in.court, key("k")); other.Code != http.StatusCreated {
		t.Errorf("another caller's key is its own: status %d %s", other.Code, other.Body)
	}
	refused := in.post(recordsPath, `{}`, in.lab, key("bad"))
	if again := in.post(recordsPath, `{}`, in.lab, key("bad")); again.Code != refused.Code || again.Header().Get(headerReplayed) != "true" || again.Body.String() != refused.Body.String() {
		t.Errorf("a refusal is an answer too: %d %s", again.Code, again.Body)
	}
	for _, odd := range []string{"", `""`, "a b", "嘉", strings.Repeat("k", 256), `a"b`, "a\\b", "\x00"} {
		p := problem(t, in.post(recordsPath, body, in.lab, key(odd)), http.StatusBadRequest, "invalid_field")
		if p.Errors[0].Field != headerIdempotencyKey {
			t.Errorf("%q: %+v", odd, p.Errors)
		}
	}
}

// Answers that show a secret are kept too, so that it is not lost with the connection, but sealed.
func TestIdempotencySealsSecrets(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	f := &faulty{Store: in.db}
	in.h = in.handler(t, func(c *Config) { c.Store = f })
	admin := in.who(t, "admin.")
	path := fmt.Sprintf("/api/v1/partners/%d/keys", 1)
	first := in.post(path, `{"scopes":["verify"]}`, admin, key("secret"))
	made := decoded[PartnerKeyItem](t, first)
	if first.Code != http.StatusCreated && first.Code != http.StatusOK || made.Key == "" {
		t.Fatalf("status %d %s", first.Code, first.Body)
	}
	again := decoded[PartnerKeyItem](t, in.post(path, `{"scopes":["verify"]}`, admin, key("secret")))
	keys, err := in.db.PartnerKeys(t.Context(), 1)
	if err != nil || again.Key != made.Key || len(keys) != 2 { // and the one that the bureau made
		t.Errorf("%d keys, %v: a second one was made", len(keys), err)
	}
	if f.kept == "" || strings.Contains(f.kept, made.Key) || strings.Contains(f.kept, made.Prefix) {
		t.Errorf("kept: %.100s", f.kept)
	}
}

// faulty is a store that fails or waits when an answer is to be kept.
type faulty struct {
	Store
	aged bool // what is under way is older than it can be
	end  func(ctx context.Context, r *schema.IdempotentRequest, a schema.IdempotentAnswer) error
	put  func()
	kept string
}

func (f *faulty) EndIdempotent(ctx context.Context, r *schema.IdempotentRequest, a schema.IdempotentAnswer) error {
	f.kept = a.Answer
	if f.end != nil {
		return f.end(ctx, r, a)
	}
	return f.Store.EndIdempotent(ctx, r, a)
}

func (f *faulty) BeginIdempotent(ctx context.Context, r *schema.IdempotentRequest, longest time.Duration) (*schema.IdempotentAnswer, error) {
	if f.aged {
		longest = -time.Minute
	}
	return f.Store.BeginIdempotent(ctx, r, longest)
}

func (f *faulty) AddPartner(ctx context.Context, p schema.Partner) (int64, error) {
	if f.put != nil {
		f.put()
	}
	return f.Store.AddPartner(ctx, p)
}

// While the first request is under way the second is told to wait; when a handler fails or panics the key is free again; when the process dies, or the
// database goes, between the work and the keeping of its answer, the work is never done twice: who comes again is told that nobody knows.
func TestIdempotencyFailures(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	admin := func() []string { return in.who(t, "admin.") }
	f := &faulty{Store: in.db}
	in.h = in.handler(t, func(c *Config) { c.Store = f })
	add := func(name, k string) (int, string) {
		answer := in.post("/api/v1/partners", `{"name":"`+name+`"}`, admin(), key(k))
		if answer.Code < 400 {
			return answer.Code, ""
		}
		return answer.Code, decoded[Problem](t, answer).Code
	}
	partners := func() int {
		all, err := in.db.Partners(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}

	started, goOn := make(chan struct{}), make(chan struct{})
	f.put = func() { close(started); <-goOn }
	var group sync.WaitGroup
	group.Go(func() {
		if status, _ := add("slow", "k1"); status != http.StatusCreated {
			t.Errorf("slow: status %d", status)
		}
	})
	<-started
	f.put = nil
	if status, code := add("slow", "k1"); status != http.StatusConflict || code != "idempotency_key_running" {
		t.Errorf("under way: %d %s", status, code)
	}
	close(goOn)
	group.Wait()

	f.put = func() { panic("a fault") }
	if status, _ := add("panics", "k2"); status != http.StatusInternalServerError {
		t.Errorf("panics: status %d", status)
	}
	f.put = nil
	if status, code := add("panics", "k2"); status != http.StatusCreated {
		t.Errorf("after a panic: %d %s", status, code)
	}

	before := partners()
	f.end = func(context.Context, *schema.IdempotentRequest, schema.IdempotentAnswer) error {
		return schema.ErrUnreachable
	}
	if status, _ := add("lost", "k3"); status != http.StatusCreated {
		t.Errorf("the answer is not kept: status %d, want that of the work", status)
	}
	f.end = nil
	if status, code := add("lost", "k3"); status != http.StatusConflict || code != "idempotency_key_running" {
		t.Errorf("at once: %d %s", status, code)
	}
	f.aged = true
	if status, code := add("lost", "k3"); status != http.StatusConflict || code != "idempotency_key_unknown" {
		t.Errorf("later: %d %s", status, code)
	}
	if n := partners() - before; n != 1 {
		t.Errorf("%d partners were made, want one", n)
	}
}

// Every route under /api/v1 that writes takes a key or says that it does not.
func TestIdempotencyEverywhere(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	for i := range in.routes {
		route := &in.routes[i]
		if !strings.HasPrefix(route.Path, "/api/v1/") || route.Method == http.MethodGet || route.Method == http.MethodOptions {
			continue
		}
		for j := range in.callers {
			caller := &in.callers[j]
			if caller.name == "nobody" || !caller.let(whoMay[route.Method+" "+route.Path]) {
				continue
			}
			at := in.address(route, in.own, in.near)
			send := func() (int, string) {
				answer := call(in.h, route.Method, at, nil, append(caller.headers(t), key(fmt.Sprintf("%d-%d", i, j))...)...)
				return answer.Code, answer.Header().Get(headerReplayed)
			}
			first, _ := send()
			again, replayed := send()
			if first < 500 && (first != again || replayed != "true") && first != http.StatusBadRequest {
				t.Errorf("%s %s by %s: status %d, again %d, replayed %q", route.Method, at, caller.name, first, again, replayed)
			}
			break
		}
	}
}
