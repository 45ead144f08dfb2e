package scoring

import (
	"fmt"
	"math"
)

// Circumstance is a whole number about an enterprise that gates and vetoes compare.
type Circumstance uint8

// The circumstances. Days since are counted from the latest such record in the window; 999999 when there is none.
const (
	EvidenceLevel                Circumstance = iota // 0 none, 1 low, 2 fair, 3 strong
	ItemsNotHeld                                     // capability items of the model that are missing or unknown
	DaysSinceWorseThanMinor                          // since the last bad record above minor
	DaysSinceWorseThanMajor                          // since the last critical record
	LicencesRevoked                                  // licences revoked and not granted again
	SeriousViolationListed                           // 1 while on the list of seriously unlawful enterprises
	CriticalFailuresNotRectified                     // failed spot checks of critical severity whose re-inspection has not passed
	ChecksRefused                                    // refused checks with no completed check after them
	MajorFailuresOverdue                             // failed spot checks of major severity past their rectification date
	IndexWhileNew                                    // the index, in hundredths, while evidence is below fair; 10000 otherwise
	circumstances                                    // how many there are
)

// never is the number of days since something that has not happened.
const never = 999_999

var circumstanceNames = [circumstances]string{"evidence_level", "capability_items_not_held", "days_since_worse_than_minor",
	"days_since_worse_than_major", "licences_revoked", "serious_violation_listed", "critical_failures_not_rectified", "checks_refused",
	"major_failures_overdue", "index_while_new"}

func (c Circumstance) String() string {
	if c < circumstances {
		return circumstanceNames[c]
	}
	return "unknown"
}

// MarshalText writes the name of the circumstance.
func (c Circumstance) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads a circumstance's name.
func (c *Circumstance) UnmarshalText(text []byte) error {
	for i, name := range circumstanceNames {
		if name == string(text) {
			*c = Circumstance(i)
			return nil
		}
	}
	return fmt.Errorf("fact %.40q is none of %q", text, circumstanceNames)
}

// holds reports whether the condition is met by the circumstances.
func (c *Condition) holds(of *[circumstances]int32) bool {
	b := c.bounds()
	return b.hold(of)
}

// bounds is a condition made ready: the circumstance is at least from and at most span more.
type bounds struct {
	fact Circumstance
	from int32
	span uint32
}

func (b *bounds) hold(of *[circumstances]int32) bool {
	return uint32(of[b.fact])-uint32(b.from) <= b.span // what is less than from wraps around
}

func (c *Condition) bounds() bounds {
	from, to := c.Value, c.Value
	switch c.Operator {
	case ">=":
		to = math.MaxInt32
	case "<=":
		from = math.MinInt32
	case ">":
		from, to = c.Value+1, math.MaxInt32
	case "<":
		from, to = math.MinInt32, c.Value-1
	}
	return bounds{c.Fact, from, uint32(to) - uint32(from)}
}
