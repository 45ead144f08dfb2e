package samplecity

import (
	_ "embed" // the divisions below
	"encoding/json"
	"fmt"

	"healthcode/registry"
)

//go:embed regions.json
var regionsJSON []byte

// regions are the divisions of Jiaxing, the larger before the smaller (REGIONS.md).
var regions = func() []registry.Region {
	var list []registry.Region
	if err := json.Unmarshal(regionsJSON, &list); err != nil {
		panic(fmt.Sprintf("samplecity: regions.json: %v", err)) // embedded and tested
	}
	return list
}()

// county is one of the seven county-level areas. The seat is a rough position of ours, in millionths of a degree.
type county struct {
	code, name, short   string
	weight              int // share of the city's enterprises
	longitude, latitude int
	towns               []town
}

// town is a township or street; its anchor is a pattern around the county seat and no survey.
type town struct {
	code, name          string
	longitude, latitude int
}

var counties = settle([]county{
	{code: "330402", short: "嘉兴", weight: 16, longitude: 120_783_000, latitude: 30_748_000},
	{code: "330411", short: "嘉兴", weight: 13, longitude: 120_709_000, latitude: 30_764_000},
	{code: "330421", short: "嘉善", weight: 12, longitude: 120_926_000, latitude: 30_831_000},
	{code: "330424", short: "海盐", weight: 10, longitude: 120_946_000, latitude: 30_526_000},
	{code: "330481", short: "海宁", weight: 18, longitude: 120_680_000, latitude: 30_510_000},
	{code: "330482", short: "平湖", weight: 14, longitude: 121_015_000, latitude: 30_677_000},
	{code: "330483", short: "桐乡", weight: 17, longitude: 120_565_000, latitude: 30_630_000},
})

// settle fills in the names and the towns of the counties from the divisions.
func settle(list []county) []county {
	for i := range list {
		c := &list[i]
		for _, r := range regions {
			switch {
			case r.Code == c.code:
				c.name = r.Name
			case len(r.Code) == 9 && r.Code[:6] == c.code:
				c.towns = append(c.towns, c.place(r, len(c.towns)))
			}
		}
	}
	return list
}

var countyWeights = func() []int {
	weights := make([]int, len(counties))
	for i := range counties {
		weights[i] = counties[i].weight
	}
	return weights
}()

// compass holds eight directions in thousandths: east, north-east, …
var compass = [8][2]int{{1000, 0}, {707, 707}, {0, 1000}, {-707, 707}, {-1000, 0}, {-707, -707}, {0, -1000}, {707, -707}}

// place puts streets (third part below 100) near the seat and townships farther out, each in the next direction.
func (c *county) place(r registry.Region, n int) town {
	reach := 24_000 // about 2.5 km
	if r.Code[6] != '0' {
		reach = 75_000
	}
	reach += n / len(compass) * 20_000
	way := compass[n%len(compass)]
	return town{code: r.Code, name: r.Name, longitude: c.longitude + way[0]*reach/1000, latitude: c.latitude + way[1]*reach/1000*4/5}
}

// point scatters an enterprise around its town, in millionths of a degree.
func (t *town) point(d dice) *registry.Point {
	return &registry.Point{
		Longitude: float64(t.longitude+d.between(-12_000, 12_000)) / 1e6,
		Latitude:  float64(t.latitude+d.between(-10_000, 10_000)) / 1e6,
	}
}
