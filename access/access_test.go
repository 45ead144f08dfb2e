package access_test

import (
	"slices"
	"strings"
	"testing"

	"healthcode/access"
	"healthcode/registry"

	"pgregory.net/rapid"
)

const own, other registry.USCC = "91350100M000100Y43", "91330100799655058B"

func staff(role access.Role, region string) *access.Caller {
	return &access.Caller{Kind: access.Staff, ID: 1, Grants: []access.Grant{{Role: role, Region: region}}}
}

func TestRuleAdmits(t *testing.T) {
	t.Parallel()
	readers := access.Rule{Roles: []access.Role{access.Reader}}
	city := access.Rule{Roles: []access.Role{access.Approver}, Everywhere: true}
	for name, c := range map[string]struct {
		rule   access.Rule
		caller *access.Caller
		want   bool
	}{
		"the public on a public route":          {access.Rule{Public: true}, &access.Caller{}, true},
		"the public elsewhere":                  {readers, &access.Caller{}, false},
		"the operator anywhere":                 {access.Rule{}, &access.Caller{Kind: access.Operator}, true},
		"nobody else on a route without a rule": {access.Rule{}, staff(access.Admin, ""), false},
		"a reader of a county":                  {readers, staff(access.Reader, "330402"), true},
		"a recorder reads":                      {readers, staff(access.Recorder, "330402"), true},
		"an admin does not read":                {readers, staff(access.Admin, ""), false},
		"a key officer does not read":           {readers, staff(access.KeyOfficer, ""), false},
		"a reader does not record":              {access.Rule{Roles: []access.Role{access.Recorder}}, staff(access.Reader, ""), false},
		"an approver of a county for the city":  {city, staff(access.Approver, "330402"), false},
		"an approver of everything":             {city, staff(access.Approver, ""), true},
		"a grant for a region that is none":     {readers, staff(access.Reader, "33x"), false},
		"grants count for staff only":           {readers, &access.Caller{Kind: access.Enterprise, Grants: []access.Grant{{Role: access.Reader}}}, false},
		"an enterprise on its route":            {access.Rule{Enterprise: true}, &access.Caller{Kind: access.Enterprise}, true},
		"an enterprise on another's":            {access.Rule{Agency: true}, &access.Caller{Kind: access.Enterprise}, false},
		"an agency on its route":                {access.Rule{Agency: true}, &access.Caller{Kind: access.Agency}, true},
		"anybody signed in":                     {access.Rule{SignedIn: true}, &access.Caller{Kind: access.Agency}, true},
		"a partner is not signed in":            {access.Rule{SignedIn: true}, &access.Caller{Kind: access.Partner}, false},
		"a partner with the scope":              {access.Rule{Scopes: access.Scopes}, &access.Caller{Kind: access.Partner, Scopes: []access.Scope{access.ScopeVerify}}, true},
		"a partner with another":                {access.Rule{Scopes: []access.Scope{access.ScopeRecords}}, &access.Caller{Kind: access.Partner, Scopes: []access.Scope{access.ScopeVerify}}, false},
		"scopes count for partners only":        {access.Rule{Scopes: access.Scopes}, &access.Caller{Kind: access.Agency, Scopes: access.Scopes}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.rule.Admits(c.caller); got != c.want {
				t.Errorf("%q admits: %t", c.rule.String(), got)
			}
		})
	}
}

func TestRegions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		area access.Regions
		code string
		want bool
	}{
		"nowhere":                   {access.RegionsOf(), "330402", false},
		"everywhere":                {access.RegionsOf("330402", ""), "110000", true},
		"the county itself":         {access.RegionsOf("330402"), "330402", true},
		"a township of it":          {access.RegionsOf("330402"), "330402001", true},
		"its neighbour":             {access.RegionsOf("330402"), "330411", false},
		"its city":                  {access.RegionsOf("330402"), "330400", false},
		"a county of the city":      {access.RegionsOf("330400"), "330481", true},
		"a county of another city":  {access.RegionsOf("330400"), "330502", false},
		"a city of the province":    {access.RegionsOf("330000"), "330500", true},
		"no division":               {access.RegionsOf("33"), "330402", false},
		"a prefix that is no whole": {access.RegionsOf("330402001"), "330402", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.area.Covers(c.code); got != c.want {
				t.Errorf("%+v covers %s: %t", c.area, c.code, got)
			}
		})
	}
}

// What an area covers is what any of its codes covers alone, whatever their order and however they overlap.
func TestRegionsAreAUnion(t *testing.T) {
	t.Parallel()
	code := rapid.StringMatching(`(330000|330400|33040[2-4]|33040200[1-3]|330402001001|3304|x)`)
	rapid.Check(t, func(t *rapid.T) {
		codes, asked := rapid.SliceOf(code).Draw(t, "codes"), code.Draw(t, "asked")
		want := slices.ContainsFunc(codes, func(one string) bool { return access.RegionsOf(one).Covers(asked) })
		if got := access.RegionsOf(codes...).Covers(asked); got != want {
			t.Errorf("%v covers %s: %t, want %t", codes, asked, got, want)
		}
	})
}

func TestCaller(t *testing.T) {
	t.Parallel()
	people := &access.Caller{Kind: access.Enterprise, Owns: []registry.USCC{own}}
	bank := &access.Caller{Kind: access.Partner, Purpose: []access.Purpose{access.PurposeFinance}}
	for name, c := range map[string]struct{ got, want bool }{
		"an enterprise acts for itself":        {people.ActsFor(own), true},
		"and for no other":                     {people.ActsFor(other), false},
		"owning counts for enterprises only":   {(&access.Caller{Kind: access.Staff, Owns: []registry.USCC{own}}).ActsFor(own), false},
		"a bank names its purpose":             {bank.Names(access.PurposeFinance), true},
		"and not another's":                    {bank.Names(access.PurposePermitting), false},
		"anyone asks what the public may know": {(&access.Caller{}).Names(access.PurposePublic), true},
		"a county's supervisor holds it there": {staff(access.Supervisor, "330402").Holds(access.Supervisor, "330402001"), true},
		"not beside it":                        {staff(access.Supervisor, "330402").Holds(access.Supervisor, "330411"), false},
		"not for the whole":                    {staff(access.Supervisor, "330402").Holds(access.Supervisor, ""), false},
		"the operator holds everything":        {(&access.Caller{Kind: access.Operator}).Holds(access.Admin, ""), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.got != c.want {
				t.Error(c.got)
			}
		})
	}
}

func TestRuleInWords(t *testing.T) {
	t.Parallel()
	rule := access.Rule{Roles: []access.Role{access.Recorder}, Enterprise: true, Scopes: []access.Scope{access.ScopeRecords}}
	if got := rule.String(); got != "recorder, enterprise (own), partner: records" {
		t.Error(got)
	}
	if got := (&access.Rule{}).String(); !strings.Contains(got, "operator") {
		t.Error(got)
	}
}
