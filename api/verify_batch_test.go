package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/credential"
	"healthcode/schema"
)

func batchOf(t testing.TB, purpose string, codes ...string) string {
	t.Helper()
	body, err := json.Marshal(batchBody{codes, purpose})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestBatch(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	good := c.codes[c.target]
	answer := c.post(batchPath, "bank", batchOf(t, "finance", good.JWT, "nonsense", altered(good.Digits), good.Digits, ""))
	list := decoded[List[struct {
		verdictJSON
		Purpose   access.Purpose `json:"purpose"`
		Disclosed *FinanceTold   `json:"disclosed"`
	}]](t, answer)
	reasons := []string{"ok", "malformed", "bad_signature", "ok", "malformed"}
	if answer.Code != http.StatusOK || len(list.Items) != len(reasons) {
		t.Fatalf("status %d: %s", answer.Code, answer.Body)
	}
	for i, item := range list.Items {
		if ok := reasons[i] == "ok"; item.Reason != reasons[i] || (item.Disclosed != nil) != ok || item.Grade != nil || item.Purpose != access.PurposeFinance {
			t.Errorf("code %d: %+v", i, item)
		}
	}
	page, err := c.db.LooksAt(t.Context(), access.Everything(), c.target, "", 9)
	if err != nil || len(page.Items) != 1 || page.Items[0].Looks != 2 || page.Items[0].PartnerID != c.bank {
		t.Errorf("looks: %+v, %v", page, err)
	}
	// A thousand of the longest codes, one after the other: in order.
	var codes []string
	var want []string
	for len(codes) < MaxBatch {
		for code, issued := range c.codes {
			if len(codes) < MaxBatch {
				codes, want = append(codes, issued.JWT), append(want, string(code))
			}
		}
	}
	answer = c.post(batchPath, "staff", batchOf(t, "", codes...))
	whole := decoded[List[verdictJSON]](t, answer)
	if answer.Code != http.StatusOK || len(whole.Items) != MaxBatch {
		t.Fatalf("status %d, %d items: %.200s", answer.Code, len(whole.Items), answer.Body)
	}
	for i, item := range whole.Items {
		if string(item.USCC) != want[i] || !item.Authentic {
			t.Fatalf("code %d: %+v, want %s", i, item, want[i])
		}
	}
}

func TestBatchesThatAreRefused(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	for name, k := range map[string]struct {
		who, body   string
		status      int
		code, field string
	}{
		"none":             {"bank", `{"codes":[]}`, 400, "invalid_field", "codes"},
		"no list":          {"bank", `{}`, 400, "invalid_field", "codes"},
		"one too many":     {"bank", batchOf(t, "", make([]string, MaxBatch+1)...), 400, "invalid_field", "codes"},
		"text for a list":  {"bank", `{"codes":"1"}`, 400, "invalid_field", "codes"},
		"number in it":     {"bank", `{"codes":["1",2]}`, 400, "invalid_field", "codes"},
		"list in it":       {"bank", `{"codes":` + strings.Repeat("[", 50_000), 400, "invalid_field", "codes"},
		"unknown purpose":  {"bank", `{"codes":["1"],"purpose":"x"}`, 400, "invalid_field", "purpose"},
		"not its purpose":  {"bank", `{"codes":["1"],"purpose":"permitting"}`, 403, "purpose_not_held", ""},
		"staff, finance":   {"staff", `{"codes":["1"],"purpose":"finance"}`, 403, "purpose_not_held", ""},
		"over a mebibyte":  {"bank", `{"codes":["` + strings.Repeat("1", MaxBatchBody) + `"]}`, 413, "body_too_large", "body"},
		"another's member": {"bank", `{"codes":["1"],"ticket":"x"}`, 400, "invalid_field", "ticket"},
		"its own people":   {"own", `{"codes":["1"]}`, 403, "forbidden", ""},
		"another scope":    {"sender", `{"codes":["1"]}`, 403, "forbidden", ""},
		"nobody":           {"nobody", `{"codes":["1"]}`, 401, "not_signed_in", ""},
	} {
		p := problem(t, c.post(batchPath, k.who, k.body), k.status, k.code)
		if k.field != "" && (len(p.Errors) != 1 || p.Errors[0].Field != k.field) {
			t.Errorf("%s: %+v, want %s", name, p.Errors, k.field)
		}
	}
	answer := c.post("/api/v1/verify", "bank", `{"code":"`+strings.Repeat("1", MaxBody)+`"}`)
	problem(t, answer, http.StatusRequestEntityTooLarge, "body_too_large")
}

func TestLooksAreShown(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.ask("bank", "finance")
	c.at = c.now.Add(time.Minute)
	c.ask("all", "permitting")
	path := "/api/v1/enterprises/" + string(c.target) + "/looks"
	for _, who := range []string{"own", "staff"} {
		first := decoded[List[LookItem]](t, get(c.h, path+"?limit=1", c.keys[who]...))
		if want := (LookItem{c.at, "all", access.PurposePermitting, "code", 1}); len(first.Items) != 1 || first.Items[0] != want || first.Next == "" {
			t.Fatalf("%s: %+v, want %+v", who, first, want)
		}
		second := decoded[List[LookItem]](t, get(c.h, path+"?limit=1&cursor="+first.Next, c.keys[who]...))
		if want := (LookItem{c.now, "bank", access.PurposeFinance, "code", 1}); len(second.Items) != 1 || second.Items[0] != want || second.Next != "" {
			t.Errorf("%s: %+v, want %+v", who, second, want)
		}
	}
	for query, field := range map[string]string{"?limit=0": "limit", "?cursor=x": "cursor", "?cursor=%7B%22u%22:%22%5Cu0000%22%7D": "cursor", "?q=x": "q"} {
		p := problem(t, get(c.h, path+query, c.keys["own"]...), http.StatusBadRequest, "invalid_field")
		if len(p.Errors) != 1 || p.Errors[0].Field != field {
			t.Errorf("%s: %+v", query, p.Errors)
		}
	}
	problem(t, get(c.h, path, c.keys["bank"]...), http.StatusForbidden, "forbidden")
	page := get(c.h, "/enterprises/"+string(c.target), append([]string{"Accept", "text/html", "Accept-Language", "en"}, c.keys["own"]...)...)
	for _, word := range []string{"Who looked", "bank", "finance", "permitting"} {
		if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), word) {
			t.Errorf("the page, status %d, does not say %q", page.Code, word)
		}
	}
}

// forgetful cannot store looks.
type forgetful struct{ Store }

func (forgetful) AddLooks(context.Context, []schema.Look) error {
	return errors.Join(schema.ErrBusy, errors.New("full"))
}

// No partner is told anything that is not noted.
func TestNoAnswerWithoutALook(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.h = c.handler(t, func(config *Config) { config.Store = forgetful{c.db} })
	problem(t, c.ask("bank", "finance"), http.StatusServiceUnavailable, "unavailable")
	problem(t, c.post(batchPath, "bank", batchOf(t, "", c.codes[c.target].JWT)), http.StatusServiceUnavailable, "unavailable")
}

// Looks that come at once are stored together, each before its answer.
func TestManyLooksAtOnce(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	var group sync.WaitGroup
	for range 40 {
		group.Go(func() {
			if answer := c.ask("bank", "finance"); answer.Code != http.StatusOK {
				t.Errorf("status %d: %s", answer.Code, answer.Body)
			}
		})
	}
	group.Wait()
	if page, err := c.db.LooksAt(t.Context(), access.Everything(), c.target, "", 9); err != nil || len(page.Items) != 1 || page.Items[0].Looks != 40 {
		t.Errorf("%+v, %v", page, err)
	}
}

// Kept proofs are bounded, and go with their keys.
func TestKeptProofs(t *testing.T) {
	t.Parallel()
	var cache provenCache
	cache.most = maxProven
	keys, others := &credential.KeySet{}, &credential.KeySet{}
	text := func(i int) string { return strings.Repeat("x", i%10) + strings.Repeat("y", i/10) }
	proofs := map[string]*credential.Proven{}
	for i := range 3 * maxProven / 2 {
		proofs[text(i%50)+strings.Repeat("z", i/50)] = &credential.Proven{}
	}
	for known, proof := range proofs {
		cache.keep(keys, known, proof)
		if found, _ := cache.find(keys, known); found != proof {
			t.Fatal("what was kept last is not found")
		}
	}
	if len(cache.newer) > maxProven || len(cache.older) > maxProven {
		t.Errorf("%d and %d are kept", len(cache.newer), len(cache.older))
	}
	if _, found := cache.find(others, text(1)); found {
		t.Error("a proof outlived its keys")
	}
	cache.keep(others, "new", &credential.Proven{})
	if _, found := cache.find(others, text(1)); found || cache.older != nil || len(cache.newer) != 1 {
		t.Error("proofs of other keys are kept")
	}
}
