package registry_test

import (
	"slices"
	"strings"
	"testing"

	"healthcode/registry"
)

func firm() registry.Enterprise {
	return registry.Enterprise{
		USCC: "91350100M000100Y43", Name: "嘉禾电器有限公司", Size: registry.SizeSmall, RegionCode: "330402001", IndustryCode: "C3851",
		Point: &registry.Point{Longitude: 120.75, Latitude: 30.75}, RegisteredOn: registry.MustDay("2015-03-01"), ProductCodes: []string{"HA01"},
		Licences:        []registry.Permit{{Number: "XK-1", ProductCode: "HA01", ValidFrom: registry.MustDay("2024-01-01"), ValidUntil: registry.MustDay("2029-01-01")}},
		Certificates:    []registry.Permit{{Number: "CCC-1", Scheme: "CCC", ValidFrom: registry.MustDay("2024-02-01")}},
		CapabilityItems: []registry.CapabilityItem{{Item: registry.ItemQMS, Held: true, Since: registry.MustDay("2024-03-01")}, {Item: registry.ItemTraceability, Since: registry.MustDay("2024-04-01")}},
	}
}

func TestEnterpriseIsRefusedAtTheField(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(e *registry.Enterprise)
		field  string // empty: nothing is wrong
	}{
		"nothing wrong":          {func(*registry.Enterprise) {}, ""},
		"issued code that fails": {func(e *registry.Enterprise) { e.USCC = "91350100M0001TGQXM" }, "uscc"},
		"issued code with its override": {func(e *registry.Enterprise) {
			e.USCC, e.USCCOverride = "91350100M0001TGQXM", "执照原件核对无误,张某复核"
		}, ""},
		"override does not mend letters": {func(e *registry.Enterprise) { e.USCC, e.USCCOverride = "91350100M0001TGQOO", "x" }, "uscc"},
		"no name":                        {func(e *registry.Enterprise) { e.Name = "" }, "name"},
		"unknown size":                   {func(e *registry.Enterprise) { e.Size = "huge" }, "size"},
		"unknown status":                 {func(e *registry.Enterprise) { e.Status = "asleep" }, "status"},
		"region of five digits":          {func(e *registry.Enterprise) { e.RegionCode = "33040" }, "region_code"},
		"region with letters":            {func(e *registry.Enterprise) { e.RegionCode = "33O402" }, "region_code"},
		"industry without letter":        {func(e *registry.Enterprise) { e.IndustryCode = "3851" }, "industry_code"},
		"industry of one digit":          {func(e *registry.Enterprise) { e.IndustryCode = "C3" }, "industry_code"},
		"point beyond the pole":          {func(e *registry.Enterprise) { e.Point.Latitude = 91 }, "point"},
		"registered in 1900":             {func(e *registry.Enterprise) { e.RegisteredOn = registry.MustDay("1900-01-01") }, "registered_on"},
		"registered tomorrow":            {func(e *registry.Enterprise) { e.RegisteredOn = today + 1 }, "registered_on"},
		"product twice":                  {func(e *registry.Enterprise) { e.ProductCodes = []string{"A", "A"} }, "product_codes"},
		"101 products":                   {func(e *registry.Enterprise) { e.ProductCodes = strings.Split(strings.Repeat("A,", 100)+"B", ",") }, "product_codes"},
		"licence without a number":       {func(e *registry.Enterprise) { e.Licences[0].Number = "" }, "licence.number"},
		"licence without a date":         {func(e *registry.Enterprise) { e.Licences[0].ValidFrom = 0 }, "licence.occurred_on"},
		"capability item tomorrow":       {func(e *registry.Enterprise) { e.CapabilityItems[0].Since = today + 1 }, "capability.occurred_on"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := firm()
			c.change(&e)
			problems := e.Validate(today)
			found := slices.ContainsFunc(problems, func(p registry.Problem) bool { return p.Field == c.field })
			if (c.field == "" && len(problems) > 0) || (c.field != "" && !found) {
				t.Errorf("want a problem at %q: %v", c.field, problems)
			}
		})
	}
}

func TestAnEnterprisesPermitsAndItemsAreRecords(t *testing.T) {
	t.Parallel()
	e := firm()
	var got []string
	for _, r := range e.Records() {
		if problems := r.Validate(today); len(problems) > 0 || r.Source != registry.RegisterSource || r.USCC != e.USCC {
			t.Errorf("%+v: %v", r, problems)
		}
		got = append(got, string(r.Kind)+" "+r.Outcome+" "+r.OccurredOn.String())
	}
	want := []string{"licence granted 2024-01-01", "certification granted 2024-02-01", "capability held 2024-03-01", "capability missing 2024-04-01"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestRegions(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]struct {
		level  registry.RegionLevel
		parent string
	}{
		"330000": {registry.LevelProvince, ""}, "330400": {registry.LevelCity, "330000"}, "330402": {registry.LevelCounty, "330400"},
		"330402001": {registry.LevelTownship, "330402"}, "330402001003": {registry.LevelVillage, "330402001"},
		"3304": {"", ""}, "33040200": {"", ""}, "000000": {"", ""}, "33o402": {"", ""}, "": {"", ""},
	} {
		r := registry.Region{Code: code, Name: "x"}
		if r.Level() != want.level || registry.ParentRegion(code) != want.parent || (len(r.Validate()) == 0) != (want.level != "") {
			t.Errorf("%q: level %q, parent %q, problems %v", code, r.Level(), registry.ParentRegion(code), r.Validate())
		}
	}
}

func TestProductIsRefusedAtTheField(t *testing.T) {
	t.Parallel()
	good := registry.Product{Code: "HA01", Group: "家用电器", Name: "电饭锅", Risk: registry.RiskHigher, Standards: []string{"GB 4706.1"}}
	for name, c := range map[string]struct {
		change func(p *registry.Product)
		field  string
	}{
		"nothing wrong":  {func(*registry.Product) {}, ""},
		"no code":        {func(p *registry.Product) { p.Code = "" }, "code"},
		"no group":       {func(p *registry.Product) { p.Group = "" }, "group"},
		"no name":        {func(p *registry.Product) { p.Name = "" }, "name"},
		"unknown risk":   {func(p *registry.Product) { p.Risk = 9 }, "risk"},
		"empty standard": {func(p *registry.Product) { p.Standards = []string{""} }, "standards"},
		"factors":        {func(p *registry.Product) { p.Users, p.Attention, p.RiskReason = "children", "high", "理由" }, ""},
		"unknown users":  {func(p *registry.Product) { p.Users = "pets" }, "users"},
		"unknown talk":   {func(p *registry.Product) { p.Attention = "viral" }, "attention"},
		"endless reason": {func(p *registry.Product) { p.RiskReason = strings.Repeat("理", 501) }, "risk_reason"},
		"from tomorrow":  {func(p *registry.Product) { p.Since = today + 1 }, "since"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := good
			c.change(&p)
			problems := p.Validate(today)
			found := slices.ContainsFunc(problems, func(one registry.Problem) bool { return one.Field == c.field })
			if (c.field == "" && len(problems) > 0) || (c.field != "" && !found) {
				t.Errorf("want a problem at %q: %v", c.field, problems)
			}
		})
	}
}
