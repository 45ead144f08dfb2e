package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/scoring"
)

// A county's counts are those of its townships, the city's those of its counties, and the whole is every graded enterprise.
func TestRegionsAddUp(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	sums := map[string]scoring.RegionCounts{}
	var whole scoring.RegionCounts
	for _, item := range decoded[List[RegionItem]](t, get(h, "/api/v1/regions?limit=500")).Items {
		if item.Counts == nil || item.Enterprises != item.Counts.Total() || item.TooFew != (item.Colour == registry.ColourNone) {
			t.Fatalf("%+v", item)
		}
		for _, colour := range registry.Colours() {
			up := sums[registry.ParentRegion(item.Code)]
			up.Add(colour, item.Counts.Of(colour))
			sums[registry.ParentRegion(item.Code)] = up
		}
		if item.Level == registry.LevelCity {
			whole = *item.Counts
		}
	}
	for _, item := range decoded[List[RegionItem]](t, get(h, "/api/v1/regions?level=county")).Items {
		if sums[item.Code] != *item.Counts {
			t.Errorf("%s has %+v, its townships %+v", item.Name, *item.Counts, sums[item.Code])
		}
	}
	d, err := w.db.CountAssessments(t.Context(), access.Everything())
	if err != nil || sums["330400"] != whole || whole.Total() != int64(d.Total) || whole.Red != int64(d.Colours[registry.ColourRed]) {
		t.Errorf("the city has %+v, its counties %+v, all grades %+v: %v", whole, sums["330400"], d, err)
	}
}

// One region with its explanation is what the engine says of its counts.
func TestRegionExplained(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	got := decoded[RegionAnswer](t, get(h, "/api/v1/regions/330400"))
	want := scoring.RegionColour(scoring.DefaultModel(), got.Grade.Counts)
	if got.Name != "嘉兴市" || got.Level != registry.LevelCity || got.AsOf != registry.DayOf(w.now) || got.Model.Digest != scoring.DefaultModel().Digest() ||
		got.Grade.Colour != want.Colour || got.Grade.Rule != want.Rule || len(got.Grade.Rules) != len(want.Rules) || got.Grade.Enterprises != 120 {
		t.Errorf("got %+v %+v, want %+v", got, got.Grade, want)
	}
}

func TestRegionsPage(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	for name, c := range map[string]struct {
		path string
		has  []string
	}{
		"the city":   {"/regions?lang=en", []string{"<h1>嘉兴市</h1>", "南湖区", "桐乡市", "Rules", "/regions/330402?lang=en", "By rule "}},
		"a county":   {"/regions/330402?lang=en", []string{"<h1>南湖区</h1>", "建设街道", "/regions/330402007?lang=en", "/regions/330400?lang=en", "List of enterprises"}},
		"a township": {"/regions/330402007?lang=en", []string{"建设街道</h1>", "Fewer than 10 graded enterprises", "No colour"}},
		"home":       {"/?lang=en", []string{"/regions?lang=en"}},
	} {
		t.Run(name, func(t *testing.T) {
			answer := get(h, c.path)
			if answer.Code != http.StatusOK {
				t.Fatalf("status %d: %.300s", answer.Code, answer.Body)
			}
			for _, text := range c.has {
				if !strings.Contains(answer.Body.String(), text) {
					t.Errorf("no %q", text)
				}
			}
		})
	}
}

// Computed risks come with the moment that they are of, agree with the engine's explanation and are kept for a while.
func TestProductRisks(t *testing.T) {
	w := theWorld(t)
	now := w.now
	h := w.handler(t, func(c *Config) { c.Now = func() time.Time { return now } })
	type page struct {
		List[ProductItem]
		AsOf    registry.Day `json:"as_of"`
		KnownAt time.Time    `json:"known_at"`
	}
	list := decoded[page](t, get(h, "/api/v1/products?limit=500"))
	if list.AsOf != registry.DayOf(w.now) || !list.KnownAt.Equal(w.now) || len(list.Items) < 60 {
		t.Fatalf("%d products as of %s, known at %s", len(list.Items), list.AsOf, list.KnownAt)
	}
	records := 0
	for _, item := range list.Items {
		one := decoded[ProductAnswer](t, get(h, "/api/v1/products/"+item.Code))
		if item.Computed == nil || one.Risk == nil || one.Risk.LossPPM != item.Computed.LossPPM || one.Risk.Computed != item.Computed.Risk || one.Risk.Declared != item.Risk {
			t.Fatalf("%s: %+v and %+v", item.Code, item.Computed, one.Risk)
		}
		loss := one.Risk.Prior.Mu
		for _, g := range one.Risk.Groups {
			loss += int64(g.Points)
		}
		if loss != int64(one.Risk.LossPPM) {
			t.Errorf("%s: prior and groups add up to %d, the loss is %d", item.Code, loss, one.Risk.LossPPM)
		}
		records += item.Computed.Records
	}
	if records < 100 {
		t.Errorf("only %d records tell something of products", records)
	}
	for _, c := range []struct {
		name  string
		later time.Duration
		want  time.Time
	}{{"half a minute later", 30 * time.Second, w.now}, {"a minute later", time.Minute, w.now.Add(time.Minute)}} {
		now = w.now.Add(c.later)
		if got := decoded[page](t, get(h, "/api/v1/products")).KnownAt; !got.Equal(c.want) {
			t.Errorf("%s: known at %s, want %s", c.name, got, c.want)
		}
	}
}
