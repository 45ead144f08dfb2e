package access

import (
	"slices"
	"strings"
)

// Rule says who may call a route. Whoever any of its parts admits may call; what they then see is bounded by region, enterprise,
// agency or purpose in the query itself. The zero Rule admits nobody but the operator.
type Rule struct {
	Public     bool
	SignedIn   bool    // anybody with an account: their own password, sessions, second factor
	Roles      []Role  // staff who hold one of these somewhere
	Everywhere bool    // the role must be held for the whole register: what belongs to the city, not to a county
	Enterprise bool    // an enterprise's people, about their own enterprise
	Agency     bool    // an agency's people, about their own tasks
	Scopes     []Scope // partners whose key has one of these
}

// Admits reports whether the caller may call the route at all.
func (r *Rule) Admits(c *Caller) bool {
	switch c.Kind {
	case Operator:
		return true
	case Staff:
		return r.Public || r.SignedIn || slices.ContainsFunc(r.Roles, func(role Role) bool { return r.held(c, role) })
	case Enterprise:
		return r.Public || r.SignedIn || r.Enterprise
	case Agency:
		return r.Public || r.SignedIn || r.Agency
	case Partner:
		return r.Public || slices.ContainsFunc(r.Scopes, c.Has)
	}
	return r.Public
}

func (r *Rule) held(c *Caller, role Role) bool {
	area := c.Regions(role)
	return area.All || !r.Everywhere && !area.Empty()
}

// String says the rule in words, as docs/security.md lists it.
func (r *Rule) String() string {
	var who []string
	add := func(when bool, word string) {
		if when {
			who = append(who, word)
		}
	}
	add(r.Public, "public")
	add(r.SignedIn, "signed in")
	for _, role := range r.Roles {
		who = append(who, string(role))
	}
	add(r.Everywhere, "(whole register)")
	add(r.Enterprise, "enterprise (own)")
	add(r.Agency, "agency (own tasks)")
	for _, scope := range r.Scopes {
		who = append(who, "partner: "+string(scope))
	}
	add(len(who) == 0, "operator")
	return strings.Join(who, ", ")
}
