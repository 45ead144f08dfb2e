package access

import (
	"slices"

	"healthcode/registry"
)

// Sight is which enterprises a caller sees: those of an area, and those that it acts for. The zero value sees none. Whatever reads
// enterprises takes one and bounds its query by it.
type Sight struct {
	Regions
	Owns []registry.USCC
}

// Everything is the sight of jobs and commands: of the program itself.
func Everything() Sight { return Sight{Regions: Regions{All: true}} }

// Sight returns which enterprises a caller sees on a route of this rule: staff those of the regions where they hold one of its roles, an
// enterprise's people their own, where the rule names them.
func (r *Rule) Sight(c *Caller) Sight {
	switch {
	case c.Kind == Operator:
		return Everything()
	case c.Kind == Enterprise && r.Enterprise:
		return Sight{Owns: c.Owns}
	case c.Kind != Staff:
		return Sight{}
	}
	var codes []string
	for _, grant := range c.Grants {
		if slices.ContainsFunc(r.Roles, grant.Role.includes) {
			codes = append(codes, grant.Region)
		}
	}
	return Sight{Regions: RegionsOf(codes...)}
}
