package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/supervision"
)

// counter is a small city where partners ask: one of its enterprises has something for every purpose to tell.
type counter struct {
	*world
	h      http.Handler
	at     time.Time // what the handler's clock says
	bank   int64
	keys   map[string][]string // headers by who asks
	target registry.USCC
}

func newCounter(t testing.TB) *counter {
	t.Helper()
	c := &counter{world: ownWorld(t), keys: map[string][]string{"nobody": nil}}
	c.at, c.target = c.now, c.first
	c.h = c.handler(t, func(config *Config) { config.Now = func() time.Time { return c.at } })
	c.spoil(t)
	expires := c.now.AddDate(1, 0, 0)
	for name, purposes := range map[string][]access.Purpose{"bank": {access.PurposeFinance}, "all": access.Purposes, "none": nil} {
		id, key := addPartner(t, c.db, schema.Partner{Name: name, Purposes: purposes}, expires, access.ScopeVerify)
		c.keys[name] = bearer(key)
		if name == "bank" {
			c.bank = id
		}
	}
	_, key := addPartner(t, c.db, schema.Partner{Name: "sender", Purposes: access.Purposes}, expires, access.ScopeRecords)
	c.keys["sender"] = bearer(key)
	for name, a := range map[string]schema.Account{
		"staff": {Kind: access.Staff, Grants: []access.Grant{{Role: access.Supervisor}}},
		"own":   {Kind: access.Enterprise, Owns: []registry.USCC{c.target}},
	} {
		a.Login = name
		c.keys[name] = as(t, c.db, addAccount(t, c.db, a), c.now)
	}
	return c
}

// spoil gives the target a licence, a place on a list, and a critical failure that is not rectified.
func (c *counter) spoil(t testing.TB) {
	t.Helper()
	day := registry.DayOf(c.now)
	record := func(ref string, kind registry.Kind, outcome string, severity registry.Severity, detail registry.Detail) registry.Record {
		return registry.Record{USCC: c.target, Source: "test", SourceRef: ref, Kind: kind, Outcome: outcome, Severity: severity, OccurredOn: day - 20,
			State: registry.StateFinal, Detail: detail}
	}
	failure := record("1", registry.KindSpotCheck, registry.OutcomeFail, registry.SeverityCritical, &registry.SpotCheck{Cause: registry.CauseAdulteration})
	failure.Stage, failure.Purpose, failure.RectifyBy, failure.ProductCode = registry.StageProduction, registry.PurposeRandom, day+10, "wire"
	licence := record("2", registry.KindLicence, registry.OutcomeGranted, 0, &registry.Licence{Number: "XK-TEST", ValidUntil: day + 400})
	licence.ProductCode = "wire"
	results, err := c.db.PutRecords(t.Context(), []registry.Record{failure, licence,
		record("3", registry.KindExternalCredit, registry.OutcomeListed, 0, &registry.ExternalCredit{List: "tax", Body: "tax bureau"}),
	}, schema.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Outcome == schema.Refused {
			t.Fatalf("%+v", r.Problem)
		}
	}
	if _, err := (&jobs.Recompute{DB: c.db, Clock: func() time.Time { return c.now }}).RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (c *counter) post(path, who, body string) *httptest.ResponseRecorder {
	return call(c.h, http.MethodPost, path, strings.NewReader(body), append(slices.Clone(c.keys[who]), jsonBody...)...)
}

func (c *counter) ask(who, purpose string) *httptest.ResponseRecorder {
	return c.post("/api/v1/verify", who, fmt.Sprintf(`{"code":%q,"purpose":%q}`, c.codes[c.target].JWT, purpose))
}

// pathsOf walks JSON and returns the path of every member, lists as [].
func pathsOf(t testing.TB, body []byte) []string {
	t.Helper()
	var whole any
	if err := json.Unmarshal(body, &whole); err != nil {
		t.Fatalf("%v: %.300s", err, body)
	}
	found := map[string]bool{}
	var walk func(at string, value any)
	walk = func(at string, value any) {
		switch v := value.(type) {
		case map[string]any:
			for name, inner := range v {
				found[at+name] = true
				walk(at+name+".", inner)
			}
		case []any:
			for _, inner := range v {
				walk(strings.TrimSuffix(at, ".")+"[].", inner)
			}
		}
	}
	walk("", whole)
	var paths []string
	for path := range found {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

// What each purpose is told beside the verdict: exactly this.
var toldMembers = map[access.Purpose]string{
	access.PurposePublic:  "tier colour as_of",
	access.PurposeFinance: "tier colour as_of index_band index_band.from index_band.to since trend trend[].on trend[].tier trend[].colour trend[].index_band trend[].index_band.from trend[].index_band.to direction listings listings[].list listings[].body listings[].state listings[].since",
	access.PurposePermitting: "as_of licences licences[].number licences[].valid_from licences[].valid_until licences[].state licences[].product_code vetoes vetoes[].fact vetoes[].colour " +
		"open_rectifications open_rectifications[].kind open_rectifications[].severity open_rectifications[].occurred_on open_rectifications[].rectify_by open_rectifications[].product_code",
	access.PurposeListing: "tier colour as_of since open_critical_findings eligible criteria criteria[].criterion criteria[].met criteria[].found criteria[].wanted",
	access.PurposeProject: "tier colour as_of since listings listings[].list listings[].body listings[].state listings[].since",
}

const verdictMembers = "authentic current reason signature_valid form issuer kid uscc tier colour at_issue model issued_at expires_at idx status_as_of " +
	"checked_at enterprise enterprise.uscc enterprise.name enterprise.region purpose disclosed"

func TestEachPurposeTellsExactly(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	for _, purpose := range access.Purposes {
		answer := c.ask("all", string(purpose))
		if answer.Code != http.StatusOK {
			t.Fatalf("%s: status %d: %s", purpose, answer.Code, answer.Body)
		}
		want := strings.Fields(verdictMembers)
		for _, member := range strings.Fields(toldMembers[purpose]) {
			want = append(want, "disclosed."+member)
		}
		slices.Sort(want)
		got := pathsOf(t, answer.Body.Bytes())
		if !slices.Equal(got, want) {
			t.Errorf("%s:\ngot  %q\nwant %q", purpose, got, want)
		}
	}
	checkTold(t, c)
}

// checkTold compares what is told with what the register says.
func checkTold(t *testing.T, c *counter) {
	t.Helper()
	live, err := c.db.Assessment(t.Context(), c.target)
	if err != nil {
		t.Fatal(err)
	}
	finance := toldFor[FinanceTold](t, c, access.PurposeFinance)
	if live.Colour != registry.ColourRed || finance.Colour != live.Colour || finance.Tier != live.Tier || finance.Since != live.ChangedOn || finance.Band != bandOf(live.Index) ||
		finance.Band.From*100 > live.Index || finance.Band.To*100 <= live.Index {
		t.Errorf("%+v of %+v", finance, live)
	}
	day := registry.DayOf(c.now)
	if want := []ListedTold{{List: "tax", Body: "tax bureau", State: supervision.StateListed, Since: day - 20}}; !slices.Equal(finance.Listings, want) || !slices.Equal(toldFor[ProjectTold](t, c, access.PurposeProject).Listings, want) {
		t.Errorf("listings %+v", finance.Listings)
	}
	permitting := toldFor[PermittingTold](t, c, access.PurposePermitting)
	if !slices.Contains(permitting.Licences, registry.LicenceState{Number: "XK-TEST", ProductCode: "wire", ValidFrom: day - 20, ValidUntil: day + 400, State: registry.LicenceValid}) {
		t.Errorf("licences %+v", permitting.Licences)
	}
	if !slices.ContainsFunc(permitting.Vetoes, func(v VetoTold) bool { return v.Colour == registry.ColourRed }) {
		t.Errorf("vetoes %+v", permitting.Vetoes)
	}
	if !slices.Contains(permitting.Open, registry.OpenRectification{Kind: registry.KindSpotCheck, Severity: registry.SeverityCritical, OccurredOn: day - 20, RectifyBy: day + 10, ProductCode: "wire"}) {
		t.Errorf("open %+v", permitting.Open)
	}
	if listing := toldFor[ListingTold](t, c, access.PurposeListing); listing.OpenCritical < 1 || listing.Eligible || len(listing.Criteria) != len(supervision.Criterions) || !slices.Contains(supervision.Missed(listing.Criteria), supervision.CriterionVeto) {
		t.Errorf("%+v", listing)
	}
}

func toldFor[T any](t *testing.T, c *counter, purpose access.Purpose) T {
	t.Helper()
	return decoded[struct {
		Disclosed T `json:"disclosed"`
	}](t, c.ask("all", string(purpose))).Disclosed
}

func TestPurposesAreHeld(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	for name, k := range map[string]struct {
		who, purpose string
		status       int
		code         string
	}{
		"bank, finance":              {"bank", "finance", 200, ""},
		"bank, public":               {"bank", "public", 200, ""},
		"bank, nothing named":        {"bank", "", 200, ""},
		"bank, permitting":           {"bank", "permitting", 403, "purpose_not_held"},
		"no purpose at all, public":  {"none", "public", 200, ""},
		"no purpose at all, finance": {"none", "finance", 403, "purpose_not_held"},
		"another scope, finance":     {"sender", "finance", 403, "forbidden"},
		"another scope, public":      {"sender", "public", 200, ""},
		"public, public":             {"nobody", "public", 200, ""},
		"public, finance":            {"nobody", "finance", 403, "purpose_not_held"},
		"staff, public":              {"staff", "public", 200, ""},
		"staff, finance":             {"staff", "finance", 403, "purpose_not_held"},
		"its own people, finance":    {"own", "finance", 403, "purpose_not_held"},
		"unknown purpose":            {"all", "curiosity", 400, "invalid_field"},
		"naughty purpose":            {"all", "finance'; DROP TABLE partner_look; --", 400, "invalid_field"},
	} {
		answer := c.ask(k.who, k.purpose)
		if k.code != "" {
			p := problem(t, answer, k.status, k.code)
			if k.status == 400 && (len(p.Errors) != 1 || p.Errors[0].Field != "purpose") {
				t.Errorf("%s: %+v", name, p.Errors)
			}
		} else if answer.Code != k.status {
			t.Errorf("%s: status %d: %s", name, answer.Code, answer.Body)
		}
	}
	wrong := call(c.h, http.MethodPost, "/api/v1/verify", strings.NewReader(`{"code":"1"}`), append(bearer(access.NewAPIKey()), jsonBody...)...)
	problem(t, wrong, http.StatusUnauthorized, "not_signed_in")
	// Looks: of the partners that were answered, and of nobody else.
	page, err := c.db.LooksAt(t.Context(), access.Everything(), c.target, "", 50)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, l := range page.Items {
		got[l.Partner+" "+string(l.Purpose)+" "+l.Means] += l.Looks
	}
	want := map[string]int64{"bank finance code": 1, "bank public code": 2, "none public code": 1, "sender public code": 1}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("looks %v, want %v", got, want)
	}
}

// A code that may not be relied on tells nothing, and is a look only when it names an enterprise.
func TestNothingIsToldOfABadCode(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	digits := c.codes[c.target].Digits
	answer := c.post("/api/v1/verify", "bank", `{"code":"`+altered(digits)+`","purpose":"finance"}`)
	if v := decoded[map[string]any](t, answer); answer.Code != http.StatusOK || v["disclosed"] != nil || v["grade"] != nil || v["reason"] != "bad_signature" {
		t.Errorf("%v", v)
	}
	idx := c.codes[c.target].Code.Index
	if answer := c.post(fmt.Sprintf("/api/v1/codes/%d/revoke", idx), "staff", `{"reason":"lost"}`); answer.Code != http.StatusOK {
		t.Fatalf("status %d: %s", answer.Code, answer.Body)
	}
	answer = c.ask("bank", "finance")
	if v := decoded[map[string]any](t, answer); v["disclosed"] != nil || v["grade"] != nil || v["reason"] != "revoked" {
		t.Errorf("%v", v)
	}
	if page, err := c.db.LooksAt(t.Context(), access.Everything(), c.target, "", 50); err != nil || len(page.Items) != 1 {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestIndexBands(t *testing.T) {
	t.Parallel()
	for index, want := range map[int32]int32{0: 0, 499: 0, 500: 5, 8299: 80, 8499: 80, 8500: 85, 9999: 95, 10000: 95} {
		if got := bandOf(index); got.From != want || got.To != want+5 {
			t.Errorf("%d: %+v, want from %d", index, got, want)
		}
	}
}

func TestTrend(t *testing.T) {
	t.Parallel()
	at := func(day string, index int32) schema.Assessment {
		return schema.Assessment{AsOf: registry.MustDay(day), Grade: schema.Grade{Index: index, Tier: registry.TierB, Colour: registry.ColourBlue}}
	}
	live := &Grade{Index: 8600, Tier: registry.TierA, Colour: registry.ColourGreen, AsOf: registry.MustDay("2026-03-31")}
	for name, c := range map[string]struct {
		history   []schema.Assessment
		want      string
		direction string
	}{
		"none":           {nil, "2026-03-31:85", "steady"},
		"this month":     {[]schema.Assessment{at("2026-03-02", 100)}, "2026-03-31:85", "steady"},
		"two months":     {[]schema.Assessment{at("2026-02-28", 8000), at("2026-02-01", 100), at("2026-01-31", 7600)}, "2026-01-31:75 2026-02-28:80 2026-03-31:85", "rising"},
		"older counts":   {[]schema.Assessment{at("2020-01-01", 9000)}, "2025-03-31:90 2025-04-30:90 2025-05-31:90 2025-06-30:90 2025-07-31:90 2025-08-31:90 2025-09-30:90 2025-10-31:90 2025-11-30:90 2025-12-31:90 2026-01-31:90 2026-02-28:90 2026-03-31:85", "falling"},
		"within a month": {[]schema.Assessment{at("2026-02-28", 8500), at("2026-02-27", 1)}, "2026-02-28:85 2026-03-31:85", "steady"},
	} {
		trend := trendOf(c.history, live)
		var got []string
		for _, p := range trend {
			got = append(got, fmt.Sprintf("%s:%d", p.On, p.Band.From))
		}
		if text := strings.Join(got, " "); text != c.want || directionOf(trend) != c.direction {
			t.Errorf("%s: %s %s, want %s %s", name, text, directionOf(trend), c.want, c.direction)
		}
	}
}
