package registry

import "fmt"

// Region is a division of GB/T 2260 (province 2 digits, city 4, county 6) or of the statistical code that extends it
// (township 9, village or community 12). Its parent is the division whose code is its prefix.
type Region struct {
	Code string `json:"code"` // trailing zeros included for province and city: 330000, 330400, 330402, 330402001
	Name string `json:"name"`
}

// RegionLevel tells the levels of regions apart.
type RegionLevel string

// The levels of regions, largest first.
const (
	LevelProvince RegionLevel = "province"
	LevelCity     RegionLevel = "city"
	LevelCounty   RegionLevel = "county"
	LevelTownship RegionLevel = "township"
	LevelVillage  RegionLevel = "village"
)

// RegionLevelOf returns the level that a code's length and zeros say. ok is false when the code is not one of GB/T 2260's shape.
func RegionLevelOf(code string) (level RegionLevel, ok bool) {
	if !digits(code) || len(code) < 6 || code[:2] == "00" {
		return "", false
	}
	switch {
	case len(code) == 6 && code[2:] == "0000":
		return LevelProvince, true
	case len(code) == 6 && code[4:] == "00":
		return LevelCity, true
	case len(code) == 6:
		return LevelCounty, true
	case len(code) == 9:
		return LevelTownship, true
	case len(code) == 12:
		return LevelVillage, true
	}
	return "", false
}

// ParentRegion returns the code of the division that holds this one, or "" for a province or a code of another shape.
func ParentRegion(code string) string {
	switch level, _ := RegionLevelOf(code); level {
	case LevelCity:
		return code[:2] + "0000"
	case LevelCounty:
		return code[:4] + "00"
	case LevelTownship:
		return code[:6]
	case LevelVillage:
		return code[:9]
	}
	return ""
}

// Level returns the region's level, or "" when its code is malformed.
func (r *Region) Level() RegionLevel {
	level, _ := RegionLevelOf(r.Code)
	return level
}

// Validate checks code and name.
func (r *Region) Validate() Problems {
	var p Problems
	p.regionCode("code", r.Code)
	p.required("name", r.Name, 100)
	return p
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func (p *Problems) regionCode(field, code string) {
	if _, ok := RegionLevelOf(code); !ok {
		p.add(field, fmt.Sprintf("%.20q is not a division code", code), "6, 9 or 12 digits of GB/T 2260, such as 330402 or 330402001")
	}
}

// industryCode checks the shape of GB/T 4754: a section letter A to T and none, two, three or four digits.
func (p *Problems) industryCode(field, code string) {
	if code == "" {
		return
	}
	ok := code[0] >= 'A' && code[0] <= 'T' && len(code) != 2 && len(code) <= 5 && (len(code) == 1 || digits(code[1:]))
	if !ok {
		p.add(field, fmt.Sprintf("%.20q is not an industry code", code), "a letter A to T and two to four digits of GB/T 4754, such as C3831")
	}
}
