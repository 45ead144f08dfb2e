package scoring_test

import (
	"testing"

	"healthcode/registry"
	"healthcode/scoring"

	"pgregory.net/rapid"
)

func TestRegionColour(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		counts scoring.RegionCounts
		colour registry.Colour
		rule   int
		better int64 // enterprises to the next better colour, 0: there is none
		worse  int64
	}{
		"nobody":                                {scoring.RegionCounts{}, registry.ColourNone, 0, 0, 0},
		"nine, all green":                       {scoring.RegionCounts{Green: 9}, registry.ColourNone, 0, 0, 0},
		"ten, all green":                        {scoring.RegionCounts{Green: 10}, registry.ColourGreen, 4, 0, 1},
		"as real lists are":                     {scoring.RegionCounts{Green: 14, Blue: 74, Yellow: 10, Red: 2}, registry.ColourBlue, 3, 16, 3},
		"nothing bad, little good":              {scoring.RegionCounts{Green: 29, Blue: 71}, registry.ColourBlue, 0, 1, 5},
		"nothing bad, enough good":              {scoring.RegionCounts{Green: 30, Blue: 70}, registry.ColourGreen, 4, 0, 1},
		"much good, a twentieth bad":            {scoring.RegionCounts{Green: 60, Blue: 35, Yellow: 5}, registry.ColourBlue, 3, 1, 5},
		"a twentieth red":                       {scoring.RegionCounts{Green: 60, Blue: 35, Red: 5}, registry.ColourRed, 1, 1, 0},
		"two reds never make a small place red": {scoring.RegionCounts{Blue: 18, Red: 2}, registry.ColourBlue, 3, 6, 1},
		"three do":                              {scoring.RegionCounts{Blue: 17, Red: 3}, registry.ColourRed, 1, 1, 0},
		"a quarter yellow":                      {scoring.RegionCounts{Blue: 75, Yellow: 25}, registry.ColourYellow, 2, 1, 5},
		"less than a quarter":                   {scoring.RegionCounts{Blue: 7501, Yellow: 2499}, registry.ColourBlue, 3, 3000, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := scoring.RegionColour(scoring.DefaultModel(), c.counts)
			if g.Colour != c.colour || g.Rule != c.rule || g.TooFew != (c.colour == registry.ColourNone) || steps(g.Better) != c.better || steps(g.Worse) != c.worse {
				t.Errorf("got %s by rule %d, too few %t, better %+v, worse %+v", g.Colour, g.Rule, g.TooFew, g.Better, g.Worse)
			}
		})
	}
}

func steps(s *scoring.RegionStep) int64 {
	if s == nil {
		return 0
	}
	return s.Enterprises
}

func drawCounts(t *rapid.T) scoring.RegionCounts {
	most := rapid.SampledFrom([]int64{5, 40, 4000}).Draw(t, "most")
	n := func(name string) int64 { return rapid.Int64Range(0, most).Draw(t, name) }
	return scoring.RegionCounts{Green: n("green"), Blue: n("blue"), Yellow: n("yellow"), Red: n("red")}
}

// drawModel draws rules at random and keeps those that validation accepts, so that the law is one of every model.
func drawRegionModel(t *rapid.T) *scoring.Model {
	m := *scoring.DefaultModel()
	colours := rapid.SampledFrom(registry.Colours())
	m.RegionColour = scoring.RegionRules{AtLeast: rapid.Int64Range(1, 12).Draw(t, "at least"), Otherwise: colours.Draw(t, "otherwise")}
	for range rapid.IntRange(0, 4).Draw(t, "rules") {
		of := registry.Colours()
		from := rapid.IntRange(0, 3).Draw(t, "from")
		rule := scoring.RegionRule{Colour: colours.Draw(t, "colour"), Operator: rapid.SampledFrom([]string{">=", ">", "<", "<="}).Draw(t, "operator"),
			Of: of[from:rapid.IntRange(from, 4).Draw(t, "to")], Share: rapid.Int64Range(0, 1000).Draw(t, "share"), AtLeast: rapid.Int64Range(0, 4).Draw(t, "count")}
		m.RegionColour.Rules = append(m.RegionColour.Rules, rule)
	}
	if len(scoring.RegionProblems(&m.RegionColour)) > 0 {
		return scoring.DefaultModel()
	}
	return &m
}

// One enterprise that gets a worse colour never improves a region.
func TestAWorseEnterpriseNeverMakesABetterRegion(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, counts := drawRegionModel(t), drawCounts(t)
		from := registry.Colour(rapid.IntRange(int(registry.ColourGreen), int(registry.ColourYellow)).Draw(t, "from"))
		to := registry.Colour(rapid.IntRange(int(from)+1, int(registry.ColourRed)).Draw(t, "to"))
		if counts.Of(from) == 0 {
			counts.Add(from, 1)
		}
		before := scoring.RegionColour(m, counts)
		counts.Add(from, -1)
		counts.Add(to, 1)
		if after := scoring.RegionColour(m, counts); after.Colour < before.Colour {
			t.Fatalf("one from %s to %s: %s became %s under %+v", from, to, before.Colour, after.Colour, m.RegionColour)
		}
	})
}

// The order in which enterprises are counted is irrelevant, every enterprise is counted, and the explanation agrees with the colour.
func TestRegionExplanationAgrees(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.SampledFrom(registry.Colours()), 0, 60).Draw(t, "enterprises")
		var one, other scoring.RegionCounts
		for i := range list {
			one.Add(list[i], 1)
			other.Add(list[len(list)-1-i], 1)
		}
		m := drawRegionModel(t)
		g := scoring.RegionColour(m, one)
		if one != other || g.Enterprises != int64(len(list)) {
			t.Fatalf("%+v and %+v of %d", one, other, len(list))
		}
		if g.TooFew {
			return
		}
		want, by := m.RegionColour.Otherwise, 0
		for i, rule := range g.Rules {
			if rule.Held {
				want, by = rule.Colour, i+1
				break
			}
		}
		if g.Colour != want || g.Rule != by {
			t.Fatalf("got %s by %d, the rules say %s by %d", g.Colour, g.Rule, want, by)
		}
	})
}

// Fewer changes than the explanation names bring no other colour, whatever they are; so many to green do.
func TestStepsAreExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		counts := drawCounts(t)
		g := scoring.RegionColour(scoring.DefaultModel(), counts)
		if g.Better == nil {
			return
		}
		changed := counts
		for left := g.Better.Enterprises - 1; left > 0; left-- {
			from := registry.Colour(rapid.IntRange(1, 4).Draw(t, "from"))
			if changed.Of(from) > 0 && left < 30 { // enough to try some ways
				changed.Add(from, -1)
				changed.Add(registry.Colour(rapid.IntRange(1, 4).Draw(t, "to")), 1)
			}
		}
		if after := scoring.RegionColour(scoring.DefaultModel(), changed); after.Colour < g.Colour {
			t.Fatalf("fewer than %d changes made %s of %s: %+v to %+v", g.Better.Enterprises, after.Colour, g.Colour, counts, changed)
		}
		left := g.Better.Enterprises
		for _, from := range []registry.Colour{registry.ColourRed, registry.ColourYellow, registry.ColourBlue} {
			moved := min(left, counts.Of(from))
			counts.Add(from, -moved)
			counts.Add(registry.ColourGreen, moved)
			left -= moved
		}
		if after := scoring.RegionColour(scoring.DefaultModel(), counts); after.Colour != g.Better.Colour {
			t.Fatalf("%d changes made %s, not %s", g.Better.Enterprises, after.Colour, g.Better.Colour)
		}
	})
}
