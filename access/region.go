package access

import (
	"slices"
	"strings"

	"healthcode/registry"
)

// Regions is an area of sight: the whole register, or divisions with everything below them. The zero value is nowhere.
type Regions struct {
	All      bool
	Prefixes []string // what the region codes within begin with, each once, none within another; nil when All
}

// RegionsOf returns the area of division codes; the empty code is the whole register. A code that is no division counts for nothing.
func RegionsOf(codes ...string) Regions {
	var prefixes []string
	for _, code := range codes {
		if code == "" {
			return Regions{All: true}
		}
		if prefix := prefixOf(code); prefix != "" {
			prefixes = append(prefixes, prefix)
		}
	}
	slices.Sort(prefixes)
	var area Regions
	for _, prefix := range prefixes { // sorted: a prefix comes right before what it holds
		if n := len(area.Prefixes); n == 0 || !strings.HasPrefix(prefix, area.Prefixes[n-1]) {
			area.Prefixes = append(area.Prefixes, prefix)
		}
	}
	return area
}

// Covers reports whether a division lies within.
func (r Regions) Covers(code string) bool {
	return r.All || slices.ContainsFunc(r.Prefixes, func(prefix string) bool { return strings.HasPrefix(code, prefix) })
}

// Empty reports whether nothing lies within.
func (r Regions) Empty() bool { return !r.All && len(r.Prefixes) == 0 }

// prefixOf returns what the codes of a division and all below it begin with, or "" for what is no division.
func prefixOf(code string) string {
	switch level, _ := registry.RegionLevelOf(code); level {
	case registry.LevelProvince:
		return code[:2]
	case registry.LevelCity:
		return code[:4]
	case registry.LevelCounty, registry.LevelTownship, registry.LevelVillage:
		return code
	}
	return ""
}
