package access

import (
	"slices"

	"healthcode/registry"
)

// Kind tells callers apart.
type Kind string

// The kinds of callers.
const (
	Nobody     Kind = "public"     // not signed in
	Staff      Kind = "staff"      // a member of the bureau
	Enterprise Kind = "enterprise" // one of the people of an enterprise
	Agency     Kind = "agency"     // an inspection or testing body, for its own tasks (requirement H13)
	Partner    Kind = "partner"    // another department's or a bank's system, by API key
	Operator   Kind = "operator"   // the machine itself, while there is no account yet
)

// Caller is who makes a request. The zero value may do what the public may.
type Caller struct {
	Kind    Kind
	ID      int64  // of the account or the partner; 0 for the public and the operator
	Name    string // the login name, for the audit log; never a person's real name
	Grants  []Grant
	Owns    []registry.USCC // the enterprises that an enterprise's account acts for
	Agency  string          // the agency that an agency's account works for
	Scopes  []Scope         // what a partner's key may be used for
	Purpose []Purpose       // the purposes a partner may name
	Sources []string        // the sources under which a partner delivers records
}

// Regions returns where the caller holds a role, or one that includes it.
func (c *Caller) Regions(role Role) Regions {
	if c.Kind == Operator {
		return Regions{All: true}
	}
	var codes []string
	for _, grant := range c.Grants {
		if c.Kind == Staff && grant.Role.includes(role) {
			codes = append(codes, grant.Region)
		}
	}
	return RegionsOf(codes...)
}

// Holds reports whether the caller holds the role for a division; the empty code asks for the whole register.
func (c *Caller) Holds(role Role, region string) bool {
	area := c.Regions(role)
	return area.All || region != "" && area.Covers(region)
}

// ActsFor reports whether the caller is one of an enterprise's own people.
func (c *Caller) ActsFor(code registry.USCC) bool {
	return c.Kind == Enterprise && slices.Contains(c.Owns, code)
}

// Has reports whether a partner's key may be used for something.
func (c *Caller) Has(scope Scope) bool {
	return c.Kind == Operator || c.Kind == Partner && slices.Contains(c.Scopes, scope)
}

// Names reports whether a partner may name a purpose. Everybody may ask what the public may know.
func (c *Caller) Names(purpose Purpose) bool {
	return purpose == PurposePublic || c.Kind == Operator || c.Kind == Partner && slices.Contains(c.Purpose, purpose)
}
