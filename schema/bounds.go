package schema

import (
	"slices"
	"strings"

	"healthcode/access"
	"healthcode/registry"
)

// Bounds are whose records a caller may deliver and read: of enterprises within a sight, under some sources.
type Bounds struct {
	Sight   access.Sight `json:"sight"`
	Sources []string     `json:"sources"` // nil: every source
}

// unbounded reports whether every enterprise lies within, also one that is not registered yet. nil bounds nothing.
func (b *Bounds) unbounded() bool { return b == nil || b.Sight.All }

// Holds reports whether a source lies within.
func (b *Bounds) Holds(source string) bool {
	return b == nil || b.Sources == nil || slices.Contains(b.Sources, source)
}

// admit refuses a record that lies outside. Of what lies outside it says no more than of what does not exist.
func (b *Bounds) admit(r *registry.Record, known bool, current *recordRow) (PutResult, bool) {
	switch {
	case !b.Holds(r.Source):
		return refused("source", "is not one of the caller's", "one of "+strings.Join(b.Sources, ", ")), false
	case b.unbounded():
		return PutResult{}, true
	case !known:
		return refused("uscc", "is not registered in the caller's regions", "an enterprise of these regions"), false
	case current != nil && current.uscc != string(r.USCC):
		return refused("source_ref", "is in use for another enterprise", "another number"), false
	}
	return PutResult{}, true
}

// condition is the bounds in SQL. uscc and source are the columns of a record's enterprise and source.
func (b *Bounds) condition(uscc, source string) (condition string, values []any) {
	condition, values = seenByCode(b.Sight, uscc)
	if b.Sources == nil {
		return condition, values
	}
	if len(b.Sources) == 0 {
		return "1 = 0", nil
	}
	for _, name := range b.Sources {
		values = append(values, name)
	}
	return condition + " AND " + source + " IN (?" + strings.Repeat(",?", len(b.Sources)-1) + ")", values
}
