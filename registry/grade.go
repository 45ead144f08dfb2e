package registry

import "fmt"

// RiskLevel is the risk of a product (产品风险等级): general 一般风险, higher 较高风险, high 高风险 (requirements J2).
type RiskLevel uint8

// The risk levels, lowest first, so that the highest of several products is their maximum.
const (
	RiskGeneral RiskLevel = iota
	RiskHigher
	RiskHigh
)

// Tier is the credit tier of an enterprise (信用等级). The numbers are those of the grade list: NEW 0, AA 1, A 2, B 3, C 4.
type Tier uint8

// The tiers. TierNew (证据不足) says that too little is known.
const (
	TierNew Tier = iota
	TierAA
	TierA
	TierB
	TierC
)

// Colour is the colour of a health code (色级). The numbers are those of the grade list: green 1 to red 4, 0 = no grade.
type Colour uint8

// The colours, best first.
const (
	ColourNone Colour = iota
	ColourGreen
	ColourBlue
	ColourYellow
	ColourRed
)

// EvidenceLevel says how much is known about an enterprise.
type EvidenceLevel uint8

// The evidence levels, least first.
const (
	EvidenceNone EvidenceLevel = iota
	EvidenceLow
	EvidenceFair
	EvidenceStrong
)

// Severity is how bad a finding or a record is (轻微, 一般较重, 严重).
type Severity uint8

// The severities, least first.
const (
	SeverityNone Severity = iota
	SeverityMinor
	SeverityMajor
	SeverityCritical
)

var (
	riskNames     = []string{"general", "higher", "high"}
	tierNames     = []string{"NEW", "AA", "A", "B", "C"}
	colourNames   = []string{"", "green", "blue", "yellow", "red"}
	evidenceNames = []string{"none", "low", "fair", "strong"}
	severityNames = []string{"", "minor", "major", "critical"}
)

// Tiers lists every tier from best to worst, NEW last.
func Tiers() []Tier { return []Tier{TierAA, TierA, TierB, TierC, TierNew} }

// Colours lists every colour from best to worst.
func Colours() []Colour { return []Colour{ColourGreen, ColourBlue, ColourYellow, ColourRed} }

func name[T ~uint8](names []string, v T) string {
	if int(v) < len(names) {
		return names[v]
	}
	return fmt.Sprintf("%d?", v)
}

func parseName[T ~uint8](what string, names []string, text []byte, into *T) error {
	for i, n := range names {
		if n == string(text) {
			*into = T(i)
			return nil
		}
	}
	return fmt.Errorf("%s %.20q is none of %q", what, text, names)
}

func (r RiskLevel) String() string     { return name(riskNames, r) }
func (t Tier) String() string          { return name(tierNames, t) }
func (c Colour) String() string        { return name(colourNames, c) }
func (e EvidenceLevel) String() string { return name(evidenceNames, e) }
func (s Severity) String() string      { return name(severityNames, s) }

// MarshalText writes the name of the level.
func (r RiskLevel) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// MarshalText writes the name of the tier.
func (t Tier) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// MarshalText writes the name of the colour.
func (c Colour) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// MarshalText writes the name of the evidence level.
func (e EvidenceLevel) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// MarshalText writes the name of the severity.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a risk level's name.
func (r *RiskLevel) UnmarshalText(text []byte) error { return parseName("risk", riskNames, text, r) }

// UnmarshalText reads a tier's name.
func (t *Tier) UnmarshalText(text []byte) error { return parseName("tier", tierNames, text, t) }

// UnmarshalText reads a colour's name.
func (c *Colour) UnmarshalText(text []byte) error { return parseName("colour", colourNames, text, c) }

// UnmarshalText reads an evidence level's name.
func (e *EvidenceLevel) UnmarshalText(text []byte) error {
	return parseName("evidence level", evidenceNames, text, e)
}

// UnmarshalText reads a severity's name.
func (s *Severity) UnmarshalText(text []byte) error {
	return parseName("severity", severityNames, text, s)
}
