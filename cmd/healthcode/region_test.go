package main

import (
	"strings"
	"testing"

	"healthcode/scoring"
)

func TestRegionsAndProducts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustCall(t, "demo", "--once", "--enterprises", "150", "--seed", "7", "--today", "2026-11-22", "--json", "--dir", dir)
	var whole, parts scoring.RegionCounts
	city := parse[regionLine](t, mustCall(t, "regions", "330400", "--json", "--dir", dir).out)
	whole = city.Counts
	lines := mustCall(t, "regions", "--level", "county", "--json", "--dir", dir).out
	for line := range strings.Lines(lines) {
		counts := parse[regionLine](t, line).Counts
		parts = scoring.RegionCounts{Green: parts.Green + counts.Green, Blue: parts.Blue + counts.Blue, Yellow: parts.Yellow + counts.Yellow, Red: parts.Red + counts.Red}
	}
	if whole != parts || whole.Total() != 150 || strings.Count(lines, "\n") != 7 || city.Colour == 0 {
		t.Errorf("the city has %+v, its counties %+v", whole, parts)
	}
	moment := []string{"--as-of", "2026-06-30", "--known-at", "2026-07-01T00:00:00+08:00", "--json", "--dir", dir}
	all := mustCall(t, append([]string{"products"}, moment...)...).out
	one := mustCall(t, append([]string{"products", "IN05"}, moment...)...).out
	if !strings.Contains(all, one) || strings.Count(all, "\n") < 60 || parse[productLine](t, one).AsOf.String() != "2026-06-30" {
		t.Errorf("one product is not among all: %s", one)
	}
	if again := mustCall(t, append([]string{"products"}, moment...)...).out; again != all {
		t.Error("the same moment gives other risks")
	}
	for name, c := range map[string]struct {
		words []string
		code  int
		want  string
	}{
		"table of regions":    {[]string{"regions"}, exitDone, "330402"},
		"region explained":    {[]string{"regions", "330400"}, exitDone, "rule 1: red when red >= 5.0 % and at least 3 enterprises"},
		"table of products":   {[]string{"products"}, exitDone, "proposal"},
		"product explained":   {[]string{"products", "IN05"}, exitDone, "prior: base 15.0000 %"},
		"no such level":       {[]string{"regions", "--level", "galaxy"}, exitUsage, "city, county or township"},
		"no code of a region": {[]string{"regions", "nanhu"}, exitUsage, "division code"},
		"region of nobody":    {[]string{"regions", "110101"}, exitRefused, "no region has the code"},
		"product of nobody":   {[]string{"products", "XX99"}, exitRefused, "no product had the code"},
		"a bad day":           {[]string{"products", "--as-of", "soon"}, exitUsage, "YYYY-MM-DD"},
		"two codes":           {[]string{"regions", "330402", "330411"}, exitUsage, "one word too many"},
	} {
		r := call(t, append(c.words, "--dir", dir)...)
		if r.code != c.code || !strings.Contains(r.out+r.err, c.want) {
			t.Errorf("%s: exit code %d: %s%s", name, r.code, r.out, r.err)
		}
	}
}
