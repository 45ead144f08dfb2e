package api

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/supervision"
)

// listingWorld is a small city with easy criteria and everybody who deals with lists.
type listingWorld struct {
	*world
	h      http.Handler
	target registry.USCC
	region string
	who    map[string]func(t testing.TB) []string
}

func newListingWorld(t testing.TB) *listingWorld {
	t.Helper()
	w := &listingWorld{world: ownWorld(t), who: map[string]func(testing.TB) []string{"public": func(testing.TB) []string { return nil }}}
	w.h, w.target = w.handler(t, nil), w.withoutPromise(t)
	e, err := w.db.Enterprise(t.Context(), w.target)
	if err != nil {
		t.Fatal(err)
	}
	w.region = e.RegionCode[:6]
	account := func(name string, a schema.Account) {
		a.Login = name
		id, err := w.db.AddAccount(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		w.who[name] = func(t testing.TB) []string { return as(t, w.db, id, w.now) }
	}
	for _, name := range []string{"first", "second"} {
		account(name, schema.Account{Kind: access.Staff, Grants: []access.Grant{{Role: access.Supervisor, Region: w.region}}})
	}
	account("elsewhere", schema.Account{Kind: access.Staff, Grants: []access.Grant{{Role: access.Supervisor, Region: "110101"}}})
	account("approver", schema.Account{Kind: access.Staff, Grants: []access.Grant{{Role: access.Approver}}})
	account("owner", schema.Account{Kind: access.Enterprise, Owns: []registry.USCC{w.target}})
	for name, scope := range map[string]access.Scope{"lister": access.ScopeListings, "verifier": access.ScopeVerify} {
		_, key := addPartner(t, w.db, schema.Partner{Name: name, Purposes: access.Purposes}, w.now.AddDate(1, 0, 0), scope)
		w.who[name] = func(testing.TB) []string { return bearer(key) }
	}
	easy := supervision.DefaultCriteria(supervision.ListTrusted)
	easy.Version, easy.ValidFrom, easy.Asked = 2, registry.DayOf(w.now), &supervision.Asked{RegisteredDays: 1, Commitment: true, ReturnDays: 30}
	if err := w.db.AddListingCriteria(schema.WithActor(t.Context(), schema.Actor{Kind: "command", Name: "test"}), easy, "easy"); err != nil {
		t.Fatal(err)
	}
	return w
}

// withoutPromise returns an enterprise with a code that has made no commitment.
func (w *listingWorld) withoutPromise(t testing.TB) registry.USCC {
	t.Helper()
	for code := range w.codes {
		records, err := w.db.RecordsOf(t.Context(), code)
		if err != nil {
			t.Fatal(err)
		}
		if supervision.FactsOf(registry.Standing(records, registry.DayOf(w.now)), registry.DayOf(w.now)).Commitment == "" {
			return code
		}
	}
	t.Fatal("everybody has made a commitment")
	return ""
}

const trustedPath = "/api/v1/listings/trusted_merchant/entries"

func (w *listingWorld) post(t testing.TB, who, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	return call(w.h, http.MethodPost, path, strings.NewReader(body), append(w.who[who](t), jsonBody...)...)
}

func (w *listingWorld) get(t testing.TB, who, path string) *httptest.ResponseRecorder {
	t.Helper()
	return get(w.h, path, append(w.who[who](t), "Accept", "application/json")...)
}

func (w *listingWorld) step(t testing.TB, who, step, body string) *httptest.ResponseRecorder {
	t.Helper()
	return w.post(t, who, trustedPath+"/"+string(w.target)+"/"+step, body)
}

// list puts the target on the list of trusted merchants.
func (w *listingWorld) list(t testing.TB) {
	t.Helper()
	if answer := w.post(t, "owner", trustedPath, `{"uscc":"`+string(w.target)+`","commitment":"不合格产品不出厂"}`); answer.Code != http.StatusCreated {
		t.Fatalf("apply: %d %s", answer.Code, answer.Body)
	}
	if answer := w.step(t, "second", "decide", `{"decision":"list","reason":"meets everything"}`); answer.Code != http.StatusOK {
		t.Fatalf("decide: %d %s", answer.Code, answer.Body)
	}
}

func TestTrustedMerchantByTheAPI(t *testing.T) {
	t.Parallel()
	w := newListingWorld(t)
	entry := trustedPath + "/" + string(w.target)
	before := decoded[ListingAnswer](t, w.get(t, "owner", entry))
	if before.State != "" || *before.Eligible || !slices.Equal(supervision.Missed(before.Criteria), []string{"commitment"}) {
		t.Errorf("before: %+v", before)
	}
	answer := w.post(t, "owner", trustedPath, `{"uscc":"`+string(w.target)+`","commitment":"不合格产品不出厂"}`)
	applied := decoded[ListingAnswer](t, answer)
	if answer.Code != http.StatusCreated || answer.Header().Get("Location") != entry || applied.State != supervision.StateApplied || !*applied.Eligible || applied.History[0].Author != "owner" {
		t.Errorf("%d %+v", answer.Code, applied)
	}
	for who, visible := range map[string]bool{"public": false, "lister": false, "verifier": false, "elsewhere": false, "first": true, "owner": true} {
		listed := strings.Contains(w.get(t, who, trustedPath).Body.String(), string(w.target))
		if code := w.get(t, who, entry).Code; visible != (code == http.StatusOK) || visible != listed {
			t.Errorf("%s on an application: %d, in the list %t", who, code, listed)
		}
	}
	problem(t, w.step(t, "owner", "decide", `{"decision":"list","reason":"x"}`), http.StatusForbidden, "forbidden")
	problem(t, w.step(t, "elsewhere", "decide", `{"decision":"list","reason":"x"}`), http.StatusNotFound, "unknown_enterprise")
	problem(t, w.post(t, "owner", trustedPath, `{"uscc":"`+string(w.target)+`","commitment":"again"}`), http.StatusConflict, "listing_step")
	if listed := decoded[ListingAnswer](t, w.step(t, "second", "decide", `{"decision":"list","reason":"meets everything"}`)); listed.State != supervision.StateListed {
		t.Errorf("%+v", listed)
	}
	w.checkViews(t, entry)
	problem(t, w.step(t, "first", "suspend", `{"reason":""}`), http.StatusBadRequest, "invalid_field")
	if suspended := decoded[ListingAnswer](t, w.step(t, "first", "suspend", `{"reason":"under review"}`)); suspended.State != supervision.StateSuspended || !suspended.ByHand {
		t.Errorf("%+v", suspended)
	}
	w.purposes(t, supervision.StateSuspended)
	if resumed := decoded[ListingAnswer](t, w.step(t, "first", "resume", `{"reason":"nothing found"}`)); resumed.State != supervision.StateListed {
		t.Errorf("%+v", resumed)
	}
	if gone := decoded[ListingAnswer](t, w.step(t, "owner", "withdraw", `{}`)); gone.State != supervision.StateWithdrawn {
		t.Errorf("%+v", gone)
	}
	for who, want := range map[string]int{"public": http.StatusNotFound, "verifier": http.StatusNotFound, "lister": http.StatusOK, "first": http.StatusOK} {
		if answer := w.get(t, who, entry); answer.Code != want {
			t.Errorf("%s on one that left: %d", who, answer.Code)
		}
	}
}

// checkViews checks how much each caller is told of an entry on the list.
func (w *listingWorld) checkViews(t *testing.T, entry string) {
	t.Helper()
	for who, want := range map[string]struct{ history, reason bool }{"public": {}, "verifier": {}, "elsewhere": {}, "lister": {true, false}, "first": {true, true}, "owner": {true, true}} {
		body := w.get(t, who, entry).Body.String()
		one := decoded[ListingAnswer](t, w.get(t, who, entry))
		if one.State != supervision.StateListed || (len(one.History) > 0) != want.history || strings.Contains(body, "meets everything") != want.reason || (one.Criteria != nil) != want.history ||
			strings.Contains(body, `"author"`) != want.reason {
			t.Errorf("%s: %s", who, body)
		}
		page := decoded[List[ListingItem]](t, w.get(t, who, trustedPath+"?sort=-since&state=listed&region="+w.region))
		if len(page.Items) != 1 || page.Items[0].USCC != w.target || (page.Items[0].Checked != 0) {
			t.Errorf("%s: %+v", who, page.Items)
		}
	}
	lists := decoded[List[ListingSummary]](t, w.get(t, "public", "/api/v1/listings"))
	if len(lists.Items) != 2 || lists.Items[0].Counts[0].Count != 1 || lists.Items[0].Criteria.Version != 2 || lists.Items[0].Title.ZhCN != "放心消费单位" {
		t.Errorf("%+v", lists.Items)
	}
}

// purposes checks what purposes tell of the list.
func (w *listingWorld) purposes(t *testing.T, want supervision.ListingState) {
	t.Helper()
	issued := w.codes[w.target]
	tell := func(purpose access.Purpose) *httptest.ResponseRecorder {
		return w.post(t, "verifier", "/api/v1/verify", fmt.Sprintf(`{"code":%q,"purpose":%q}`, issued.JWT, purpose))
	}
	finance := decoded[struct {
		Disclosed FinanceTold `json:"disclosed"`
	}](t, tell(access.PurposeFinance)).Disclosed
	if len(finance.Listings) != 1 || finance.Listings[0].List != supervision.ListTrusted || finance.Listings[0].State != want {
		t.Errorf("finance: %+v", finance.Listings)
	}
	listing := decoded[struct {
		Disclosed ListingTold `json:"disclosed"`
	}](t, tell(access.PurposeListing)).Disclosed
	if !listing.Eligible || listing.Listed == nil || listing.Listed.State != want || len(listing.Criteria) != 2 {
		t.Errorf("listing: %+v", listing)
	}
}

func TestNobodyIsListedWhoMissesACriterion(t *testing.T) {
	t.Parallel()
	w := newListingWorld(t)
	nominate := `{"uscc":"` + string(w.target) + `","reason":"model merchant"}`
	if answer := w.post(t, "first", trustedPath, nominate); answer.Code != http.StatusCreated {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	p := problem(t, w.step(t, "second", "decide", `{"decision":"list","reason":"x"}`), http.StatusConflict, "criteria_missed")
	if len(p.Errors) != 1 || !strings.Contains(p.Errors[0].Problem, "commitment") {
		t.Errorf("%+v", p.Errors)
	}
	promise := registry.Record{USCC: w.target, Source: "test", SourceRef: "c", Kind: registry.KindCommitment, Outcome: registry.OutcomeMade, OccurredOn: registry.DayOf(w.now), State: registry.StateFinal, Detail: &registry.Commitment{}}
	if _, err := w.db.PutRecords(t.Context(), []registry.Record{promise}, schema.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	problem(t, w.step(t, "first", "decide", `{"decision":"list","reason":"x"}`), http.StatusConflict, "own_act")
	if answer := w.step(t, "second", "decide", `{"decision":"refuse","reason":"the shop is closed"}`); answer.Code != http.StatusOK {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	problem(t, w.step(t, "second", "decide", `{"decision":"list","reason":"x"}`), http.StatusConflict, "listing_step")
}

func TestSeriousViolationListByTheAPI(t *testing.T) {
	t.Parallel()
	w := newListingWorld(t)
	path := "/api/v1/listings/serious_violation/entries"
	body := func(ref string) string {
		return fmt.Sprintf(`{"uscc":%q,"reason":"以假充真","legal_basis":"第44号令第五条","penalty_source":"bureau","penalty_ref":%q}`, w.target, ref)
	}
	problem(t, w.post(t, "first", path, body("none")), http.StatusBadRequest, "invalid_field")
	penalty := registry.Record{USCC: w.target, Source: "bureau", SourceRef: "P-9", Kind: registry.KindPenalty, Outcome: registry.OutcomeImposed, Severity: registry.SeverityCritical,
		OccurredOn: registry.DayOf(w.now) - 30, State: registry.StateFinal, Detail: &registry.Penalty{}}
	if _, err := w.db.PutRecords(t.Context(), []registry.Record{penalty}, schema.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	problem(t, w.post(t, "owner", path, body("P-9")), http.StatusForbidden, "forbidden")
	answer := w.post(t, "first", path, body("P-9"))
	noticed := decoded[ListingAnswer](t, answer)
	if answer.Code != http.StatusCreated || noticed.AnswerBy != registry.DayOf(w.now)+7 || noticed.Penalty == nil || noticed.Criteria != nil {
		t.Errorf("%d %+v", answer.Code, noticed)
	}
	entry := path + "/" + string(w.target)
	problem(t, w.get(t, "public", entry), http.StatusNotFound, "not_listed")
	problem(t, w.post(t, "second", entry+"/decide", `{"decision":"list","reason":"x"}`), http.StatusConflict, "notice_open")
	w.now = w.now.AddDate(0, 0, 8)
	listed := decoded[ListingAnswer](t, w.post(t, "second", entry+"/decide", `{"decision":"list","reason":"the answer did not convince"}`))
	if listed.State != supervision.StateListed || listed.Until == 0 {
		t.Errorf("%+v", listed)
	}
	seen := w.get(t, "public", entry).Body.String()
	if !strings.Contains(seen, "第44号令第五条") || strings.Contains(seen, "P-9") || strings.Contains(seen, "convince") {
		t.Errorf("the public sees %s", seen)
	}
	problem(t, w.post(t, "second", entry+"/exit", `{"reason":"x"}`), http.StatusConflict, "exit_too_early")
	problem(t, w.post(t, "second", entry+"/suspend", `{"reason":"x"}`), http.StatusConflict, "listing_step")
	if answer := w.post(t, "second", entry+"/remove", `{"reason":"the penalty was annulled"}`); answer.Code != http.StatusOK {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}

func TestCriteriaOfAListBySomebodyOfTheWholeRegister(t *testing.T) {
	t.Parallel()
	w := newListingWorld(t)
	w.list(t)
	path := "/api/v1/listings/trusted_merchant/criteria"
	next := *supervision.DefaultCriteria(supervision.ListTrusted)
	next.Version, next.ValidFrom, next.Asked = 3, registry.DayOf(w.now), &supervision.Asked{RegisteredDays: 3600, HeldDays: 3000, Tier: registry.TierAA}
	send := func(c supervision.Criteria, dry bool) *httptest.ResponseRecorder {
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		return w.post(t, "approver", path, fmt.Sprintf(`{"criteria":%s,"reason":"stricter","dry_run":%t}`, text, dry))
	}
	answer := send(next, true)
	preview := decoded[ListingCriteriaAnswer](t, answer)
	if answer.Code != http.StatusOK || preview.Stored || preview.Preview.Entries != 1 || len(preview.Preview.Suspended) != 1 || preview.Preview.Suspended[0].USCC != w.target {
		t.Errorf("%d %+v", answer.Code, preview)
	}
	if versions := decoded[List[ListingCriteriaVersion]](t, w.get(t, "public", path)); len(versions.Items) != 2 {
		t.Errorf("a dry run was stored: %+v", versions.Items)
	}
	for name, c := range map[string]struct {
		change func(*supervision.Criteria)
		status int
		code   string
	}{
		"yesterday":    {func(c *supervision.Criteria) { c.ValidFrom-- }, 400, "invalid_field"},
		"not the next": {func(c *supervision.Criteria) { c.Version = 9 }, 409, "criteria_version"},
		"of another list": {func(c *supervision.Criteria) {
			*c = *supervision.DefaultCriteria(supervision.ListSerious)
			c.ValidFrom = registry.DayOf(w.now)
		}, 400, "invalid_field"},
		"days below nothing":  {func(c *supervision.Criteria) { c.Asked = &supervision.Asked{HeldDays: -1, Tier: registry.TierA} }, 422, "invalid_criteria"},
		"asks nothing":        {func(c *supervision.Criteria) { c.Asked = &supervision.Asked{} }, 422, "invalid_criteria"},
		"what it says is odd": {func(c *supervision.Criteria) { c.Basis = "" }, 422, "invalid_criteria"},
	} {
		bad := next
		c.change(&bad)
		t.Run(name, func(t *testing.T) { problem(t, send(bad, false), c.status, c.code) })
	}
	problem(t, w.post(t, "approver", path, `{"criteria":[],"reason":"x"}`), http.StatusUnprocessableEntity, "invalid_criteria")
	problem(t, w.post(t, "first", path, `{}`), http.StatusForbidden, "forbidden")
	if answer := send(next, false); answer.Code != http.StatusCreated {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	if versions := decoded[List[ListingCriteriaVersion]](t, w.get(t, "public", path)); len(versions.Items) != 3 || versions.Items[0].Reason != "stricter" {
		t.Errorf("%+v", versions.Items)
	}
}

func TestBadInputAboutLists(t *testing.T) {
	t.Parallel()
	w := newListingWorld(t)
	long := strings.Repeat("长", 501)
	for name, c := range map[string]struct{ who, path, body, field string }{
		"no enterprise":            {"owner", trustedPath, `{"commitment":"x"}`, "uscc"},
		"no commitment":            {"owner", trustedPath, `{"uscc":"` + string(w.target) + `"}`, "commitment"},
		"a commitment of blanks":   {"owner", trustedPath, `{"uscc":"` + string(w.target) + `","commitment":"  "}`, "commitment"},
		"a commitment too long":    {"owner", trustedPath, `{"uscc":"` + string(w.target) + `","commitment":"` + long + `"}`, "commitment"},
		"a commitment of lines":    {"owner", trustedPath, `{"uscc":"` + string(w.target) + `","commitment":"a\nb"}`, "commitment"},
		"a zero byte":              {"owner", trustedPath, `{"uscc":"` + string(w.target) + `","commitment":"a\u0000b"}`, "commitment"},
		"a reason of its own":      {"owner", trustedPath, `{"uscc":"` + string(w.target) + `","commitment":"x","reason":"y"}`, "reason"},
		"staff promise":            {"first", trustedPath, `{"uscc":"` + string(w.target) + `","reason":"x","commitment":"y"}`, "commitment"},
		"an unknown member":        {"first", trustedPath, `{"state":"listed"}`, "state"},
		"a number for a text":      {"first", trustedPath, `{"uscc":1}`, "uscc"},
		"an unknown decision":      {"first", trustedPath + "/" + string(w.target) + "/decide", `{"decision":"maybe","reason":"x"}`, "decision"},
		"a basis that is missing":  {"first", "/api/v1/listings/serious_violation/entries", `{"uscc":"` + string(w.target) + `","reason":"x"}`, "legal_basis"},
		"a decision without words": {"first", trustedPath + "/" + string(w.target) + "/decide", `{"decision":"list"}`, "reason"},
	} {
		t.Run(name, func(t *testing.T) {
			if p := problem(t, w.post(t, c.who, c.path, c.body), http.StatusBadRequest, "invalid_field"); p.Errors[0].Field != c.field {
				t.Errorf("%+v", p.Errors)
			}
		})
	}
	problem(t, w.post(t, "first", "/api/v1/listings/friends/entries", `{"uscc":"`+string(w.target)+`"}`), http.StatusNotFound, "no_such_listing")
	problem(t, w.post(t, "owner", trustedPath, `{"uscc":"91350100M000100Y43","commitment":"x"}`), http.StatusNotFound, "unknown_enterprise")
	for path, field := range map[string]string{"?state=friends": "state", "?sort=uscc": "sort", "?region=1": "region", "?q=" + strings.Repeat("x", 101): "q", "?cursor=x": "cursor", "?limit=0": "limit",
		"?page=2": "page", "?product=" + strings.Repeat("x", 41): "product", "?q=a&q=b": "q", "?q=%00": "q"} {
		if p := problem(t, w.get(t, "public", trustedPath+path), http.StatusBadRequest, "invalid_field"); p.Errors[0].Field != field {
			t.Errorf("%s: %+v", path, p.Errors)
		}
	}
	if listings, err := w.db.ListingsOf(t.Context(), w.target); err != nil || len(listings) != 0 {
		t.Errorf("something was written: %+v %v", listings, err)
	}
}

func TestOpenDataOfLists(t *testing.T) {
	t.Parallel()
	w := newListingWorld(t)
	w.list(t)
	path := "/public/listings/trusted_merchant"
	answer := get(w.h, path+".csv")
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(answer.Body.String(), "\ufeff"))).ReadAll()
	if err != nil || len(lines) != 2 || lines[1][0] != string(w.target) || lines[1][4] != "listed" || lines[1][8] != "不合格产品不出厂" || !strings.HasPrefix(answer.Header().Get("Content-Type"), "text/csv") {
		t.Errorf("%v: %s", err, answer.Body)
	}
	if link := answer.Header().Get("Link"); !strings.Contains(link, `creativecommons.org/licenses/by/4.0/>; rel="license"`) || !strings.Contains(link, path+`.json>; rel="describedby"`) {
		t.Errorf("links: %s", link)
	}
	type document struct {
		Licence string       `json:"licence"`
		AsOf    registry.Day `json:"as_of"`
		Fields  []struct{}   `json:"fields"`
		Entries []struct {
			USCC registry.USCC `json:"uscc"`
		} `json:"entries"`
	}
	if d := decoded[document](t, get(w.h, path+".json")); d.Licence != "CC BY 4.0" || d.AsOf != registry.DayOf(w.now) || len(d.Fields) != 9 || len(d.Entries) != 1 || d.Entries[0].USCC != w.target {
		t.Errorf("%+v", d)
	}
	if head := call(w.h, http.MethodHead, path+".csv", nil); head.Code != http.StatusOK || head.Body.Len() != 0 || head.Header().Get("ETag") != answer.Header().Get("ETag") {
		t.Errorf("HEAD: %d %d bytes", head.Code, head.Body.Len())
	}
	pressed := get(w.h, path+".csv", "Accept-Encoding", "gzip")
	plain, err := gzip.NewReader(pressed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(plain); err != nil || string(text) != answer.Body.String() || pressed.Header().Get("ETag") == answer.Header().Get("ETag") || pressed.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("gzip: %v", err)
	}
	tag := answer.Header().Get("ETag")
	if again := get(w.h, path+".csv", "If-None-Match", `"x", W/`+tag); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("unchanged: %d", again.Code)
	}
	w.step(t, "first", "suspend", `{"reason":"x"}`)
	if changed := get(w.h, path+".csv", "If-None-Match", tag); changed.Code != http.StatusOK || !strings.Contains(changed.Body.String(), ",suspended,") {
		t.Errorf("changed: %d %s", changed.Code, changed.Body)
	}
	for _, bad := range []string{"/public/listings/friends", "/public/listings/friends.csv", path + ".xml", path + ".csv.gz", "/public/listings/..%2f..%2fetc"} {
		if answer := get(w.h, bad); answer.Code != http.StatusNotFound {
			t.Errorf("%s: %d", bad, answer.Code)
		}
	}
	if empty := decoded[document](t, get(w.h, "/public/listings/serious_violation.json")); len(empty.Entries) != 0 {
		t.Errorf("%+v", empty)
	}
}

// brokenStore breaks off after one entry.
type brokenStore struct{ Store }

func (b brokenStore) PublicListing(ctx context.Context, list string) iter.Seq2[schema.ListingItem, error] {
	return func(yield func(schema.ListingItem, error) bool) {
		for item, err := range b.Store.PublicListing(ctx, list) {
			if yield(item, err) {
				yield(schema.ListingItem{}, io.ErrUnexpectedEOF)
			}
			return
		}
	}
}

// Half a list does not look whole: the connection breaks off.
func TestOpenDataThatBreaksOff(t *testing.T) {
	t.Parallel()
	w := newListingWorld(t)
	w.list(t)
	server := httptest.NewServer(w.handler(t, func(c *Config) { c.Store = brokenStore{w.store} }))
	defer server.Close()
	for _, ext := range []string{".csv", ".json"} {
		answer, err := http.Get(server.URL + "/public/listings/trusted_merchant" + ext)
		if err != nil {
			continue // not even the head came
		}
		_, err = io.ReadAll(answer.Body)
		if answer.Body.Close(); err == nil {
			t.Errorf("%s ends as if it were whole", ext)
		}
	}
}

func TestPagesOfLists(t *testing.T) {
	t.Parallel()
	w := newListingWorld(t)
	page := func(who, path string) string {
		t.Helper()
		answer := get(w.h, path, append(w.who[who](t), "Accept", "text/html", "Accept-Language", "en")...)
		if answer.Code != http.StatusOK {
			t.Fatalf("%s %s: %d %s", who, path, answer.Code, answer.Body)
		}
		return answer.Body.String()
	}
	own, desk := "/enterprises/"+string(w.target), "/listings/trusted_merchant/"+string(w.target)
	if text := page("owner", own); !strings.Contains(text, `name="commitment"`) || strings.Contains(text, `value="nominate"`) {
		t.Error("an enterprise cannot apply on its page")
	}
	apply := url.Values{"list": {supervision.ListTrusted}, "step": {"apply"}, "commitment": {"we\r\npromise"}}
	if answer := post(w.h, own+"/listings?lang=en", apply, w.who["owner"](t)...); answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != own+"?lang=en#listings" {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	if text := page("first", "/listings"); !strings.Contains(text, string(w.target)) || !strings.Contains(text, `value="refuse"`) {
		t.Error("the desk does not show the application")
	}
	if text := page("elsewhere", "/listings"); strings.Contains(text, string(w.target)) {
		t.Error("the desk of another county shows the application")
	}
	if text := page("approver", "/listings"); !strings.Contains(text, string(w.target)) || strings.Contains(text, `value="refuse"`) {
		t.Error("who cannot decide may read, and no more")
	}
	if text := page("public", "/public/listings/trusted_merchant"); strings.Contains(text, string(w.target)) {
		t.Error("the public sees an application")
	}
	bad := post(w.h, desk, url.Values{"step": {"apply"}, "reason": {"x"}}, w.who["first"](t)...)
	if bad.Code != http.StatusBadRequest {
		t.Errorf("a step that is not the desk's: %d", bad.Code)
	}
	decide := url.Values{"step": {"list"}, "reason": {"good"}, "state": {"listed"}}
	if answer := post(w.h, desk, decide, w.who["first"](t)...); answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "/listings?list=trusted_merchant&state=listed" {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	for path, shown := range map[string]bool{"": true, "?q=" + string(w.target): true, "?q=nobody": false, "?county=" + w.region: true, "?county=110101": false, "?lang=zh-CN": true} {
		if text := page("public", "/public/listings/trusted_merchant"+path); strings.Contains(text, string(w.target)) != shown || strings.Contains(text, "we promise") != shown || !strings.Contains(text, ".csv") {
			t.Errorf("the public list %s", path)
		}
	}
	if text := page("owner", own); !strings.Contains(text, `value="withdraw"`) {
		t.Error("an enterprise cannot leave on its page")
	}
	problem(t, call(w.h, http.MethodPost, own+"/listings", strings.NewReader(apply.Encode()), append(w.who["owner"](t), "Content-Type", typeForm, "Sec-Fetch-Site", "cross-site")...), http.StatusForbidden, "cross_origin")
}
