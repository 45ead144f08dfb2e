package api

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"healthcode/registry"
	"healthcode/scoring"
)

func sha256Hex(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Every page of a list together is the whole list, once each, in the order asked for.
func TestListsByCursor(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	for name, c := range map[string]struct {
		path string
		all  int
	}{
		"by code":    {"/api/v1/enterprises?", 120},
		"by name":    {"/api/v1/enterprises?sort=name&", 120},
		"by index":   {"/api/v1/enterprises?sort=index&", 120},
		"best first": {"/api/v1/enterprises?sort=-index&", 120},
		"by change":  {"/api/v1/enterprises?sort=-changed_on&", 120},
		"products":   {"/api/v1/products?", -1},
		"regions":    {"/api/v1/regions?", -1},
		"counties":   {"/api/v1/regions?parent=330400&", 7},
		"townships":  {"/api/v1/regions?level=township&", 72},
		"runs":       {"/api/v1/runs?", 1},
	} {
		t.Run(name, func(t *testing.T) {
			seen := map[string]bool{}
			cursor := ""
			for range 200 {
				page := decoded[List[map[string]any]](t, get(h, c.path+"limit=7&cursor="+url.QueryEscape(cursor)))
				for _, item := range page.Items {
					key := fmt.Sprint(item["uscc"], item["code"], item["id"])
					if seen[key] {
						t.Fatalf("%s comes twice", key)
					}
					seen[key] = true
				}
				if cursor = page.Next; cursor == "" {
					break
				}
			}
			if c.all >= 0 && len(seen) != c.all || len(seen) == 0 || cursor != "" {
				t.Errorf("%d items, want %d", len(seen), c.all)
			}
		})
	}
}

func TestEnterpriseFilters(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	whole := decoded[List[EnterpriseItem]](t, get(h, "/api/v1/enterprises?limit=500")).Items
	for name, c := range map[string]struct {
		query url.Values
		want  func(EnterpriseItem) bool
	}{
		"colour":    {url.Values{"colour": {"red"}}, func(e EnterpriseItem) bool { return e.Grade.Colour == registry.ColourRed }},
		"tier":      {url.Values{"tier": {"NEW"}}, func(e EnterpriseItem) bool { return e.Grade.Tier == registry.TierNew }},
		"county":    {url.Values{"region": {"330402"}}, func(e EnterpriseItem) bool { return e.RegionCode[:6] == "330402" }},
		"city":      {url.Values{"region": {"330400"}}, func(EnterpriseItem) bool { return true }},
		"name":      {url.Values{"q": {"有限公司"}}, func(e EnterpriseItem) bool { return strings.Contains(e.Name, "有限公司") }},
		"USCC":      {url.Values{"q": {string(w.first[:12])}}, func(e EnterpriseItem) bool { return e.USCC[:12] == w.first[:12] }},
		"wild card": {url.Values{"q": {"%"}}, func(EnterpriseItem) bool { return false }},
		"both": {url.Values{"colour": {"blue"}, "tier": {"A"}}, func(e EnterpriseItem) bool {
			return e.Grade.Colour == registry.ColourBlue && e.Grade.Tier == registry.TierA
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c.query.Set("limit", "500")
			got := decoded[List[EnterpriseItem]](t, get(h, "/api/v1/enterprises?"+c.query.Encode())).Items
			want := slices.DeleteFunc(slices.Clone(whole), func(e EnterpriseItem) bool { return !c.want(e) })
			if len(got) != len(want) {
				t.Errorf("%d, want %d", len(got), len(want))
			}
		})
	}
}

// The explanation of the live grade is that grade, its points add up, and the page's dimension totals add up to the index too.
func TestExplanationsAddUp(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	for _, item := range decoded[List[EnterpriseItem]](t, get(h, "/api/v1/enterprises?limit=500")).Items {
		answer := decoded[struct {
			Grade       *Grade
			Explanation *scoring.Explanation
		}](t, get(h, "/api/v1/enterprises/"+string(item.USCC)))
		x := answer.Explanation
		stored, err := w.db.Assessment(t.Context(), item.USCC)
		if err != nil {
			t.Fatal(err)
		}
		if x == nil || x.Index != answer.Grade.Index || x.Colour != answer.Grade.Colour || x.Digest != hex.EncodeToString(stored.Digest[:]) {
			t.Fatalf("%s: grade %+v, explained %+v", item.USCC, answer.Grade, x)
		}
		points := x.StartPoints
		for _, r := range x.Records {
			points += r.Points
		}
		for _, q := range x.Quiet {
			points += q.Points
		}
		var totals int64
		for _, line := range dimensionLines(x) {
			totals += line.Total()
		}
		if points != x.Index || totals != int64(x.Index) {
			t.Errorf("%s: points add up to %d, dimensions to %d, the index is %d", item.USCC, points, totals, x.Index)
		}
	}
}

// A replay of today is today's grade; a replay of an earlier day is of that day, and the page says so.
func TestReplay(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	type replay struct{ Explanation *scoring.Explanation }
	path := "/api/v1/enterprises/" + string(w.first)
	live := decoded[replay](t, get(h, path)).Explanation
	again := decoded[replay](t, get(h, path+"?as_of="+live.AsOf.String()+"&known_at="+url.QueryEscape(live.KnownAt.Format("2006-01-02T15:04:05.999999Z07:00")))).Explanation
	if again.Digest != live.Digest {
		t.Errorf("the replay differs: %+v, %+v", again, live)
	}
	past := decoded[replay](t, get(h, path+"?as_of=2026-01-31")).Explanation
	if past.AsOf.String() != "2026-01-31" || past.Digest == live.Digest {
		t.Errorf("got %+v", past)
	}
	page := get(h, "/enterprises/"+string(w.first)+"?as_of=2026-01-31", "Accept-Language", "en")
	if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), "as of 31 Jan 2026") || !strings.Contains(page.Body.String(), "Back to now") {
		t.Errorf("status %d", page.Code)
	}
}

// The first page lists what its URL says, and its links lead on.
func TestHomeLinks(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	for name, c := range map[string]struct {
		path  string
		has   []string
		lacks []string
	}{
		"first page":       {"/?lang=en", []string{"Next page", "Cases that show a rule", "lang=en"}, []string{"First page"}},
		"filtered":         {"/?lang=en&colour=red", []string{"Clear", `value="red" selected`}, []string{"Cases that show a rule"}},
		"county":           {"/?lang=en&county=330402", []string{"建设街道"}, []string{"disabled"}},
		"another county":   {"/?lang=en&county=330402&town=330483103", []string{`value="330402" selected`}, []string{`value="330483103"`}},
		"sorted":           {"/?lang=en&sort=-index", []string{`aria-sort="descending"`, "sort=index"}, nil},
		"search is quoted": {"/?lang=en&q=%22%3E%3Cscript%3E", []string{"No enterprise fits", "&#34;&gt;&lt;script&gt;"}, []string{"<script>"}},
	} {
		t.Run(name, func(t *testing.T) {
			page := get(h, c.path).Body.String()
			for _, text := range c.has {
				if !strings.Contains(page, text) {
					t.Errorf("no %q", text)
				}
			}
			for _, text := range c.lacks {
				if strings.Contains(page, text) {
					t.Errorf("has %q", text)
				}
			}
		})
	}
}
