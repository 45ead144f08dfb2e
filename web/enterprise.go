package web

import (
	"fmt"
	"strings"
	"time"

	"healthcode/registry"
)

// EnterprisePage shows one enterprise: its grade, its code and where every point of the index comes from.
type EnterprisePage struct {
	Page
	USCC         registry.USCC
	Override     string // why its code may fail the check character, empty for all others
	Name         string
	Region       string
	Address      string
	Size         string
	Industry     string
	RegisteredOn registry.Day
	Products     []ProductLine
	Grade        *Grade
	Code         *CodeImage
	Codes        []CodeLine   // newest first
	Signals      []SignalLine // newest first
	Looks        []LookLine   // newest first, at most MaxLooks
	Tickets      *Tickets     // nil on a page of another moment
	Reply        *PublicReply // what the enterprise says beside the grade, nil for nothing
	Answering    *Answering   // nil on a page of another moment
	Listings     []OwnListing
	Explanation  *Explanation
	Preview      *Preview // none when no version is open for preview
	AsOf         string   // the day asked for, empty for the current grade
	KnownAt      string   // the instant asked for
}

// Replayed reports whether the page shows another moment than now.
func (e EnterprisePage) Replayed() bool { return e.AsOf != "" || e.KnownAt != "" }

// ProductLine is a product with its risk.
type ProductLine struct {
	Name string
	Risk registry.RiskLevel
}

// CodeImage is the printed code of an enterprise.
type CodeImage struct {
	SVG, PNG  string // addresses of the images
	URL       string // what the code says
	Sign      string // where its sign is printed
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// Explanation says where an index comes from. Points are hundredths of a point: the start and all points add up to the index.
type Explanation struct {
	Start        int64
	Index        int64
	Reasons      []ReasonLine
	Time         []string // what time alone does
	Lifts        []LiftLine
	Dimensions   []DimensionLine
	Records      []RecordLine
	Quiet        []QuietLine
	Gates        []RuleLine
	Vetoes       []RuleLine
	NextChangeOn registry.Day
	ModelCode    string
	ModelVersion int
	ModelDigest  string
	Digest       string
	AsOf         registry.Day
	KnownAt      time.Time
}

// ReasonLine is a reason with the colour that it forces, if it does.
type ReasonLine struct {
	ReasonWords
	Veto registry.Colour
}

// LiftLine is a sentence about actions with the colour that they give; no colour when there are none.
type LiftLine struct {
	Text   string
	Colour registry.Colour
}

// shownLifts is how many ways up the page shows before a reader asks for more.
const shownLifts = 4

// FirstLifts returns the best ways up.
func (x *Explanation) FirstLifts() []LiftLine { return x.Lifts[:min(len(x.Lifts), shownLifts)] }

// MoreLifts returns the other ways up.
func (x *Explanation) MoreLifts() []LiftLine { return x.Lifts[len(x.FirstLifts()):] }

// DimensionLine is one dimension's part of the index.
type DimensionLine struct {
	Dimension string
	Weight    int64 // thousandths
	Start     int64 // hundredths
	Bad, Good int64 // millionths of a check
	Points    int64 // hundredths
}

// Total is what the dimension brings to the index, hundredths.
func (d DimensionLine) Total() int64 { return d.Start + d.Points }

// Full is the most that the dimension could bring, hundredths.
func (d DimensionLine) Full() int64 { return d.Weight * 10 }

// RecordLine is one record and its points.
type RecordLine struct {
	Source, SourceRef string
	Revision          int
	Kind, Outcome     string
	Severity          string
	OccurredOn        registry.Day
	Dimension         string
	Bad, Good         int64 // millionths of a check
	Points            int64 // hundredths
	Note              string
	With              string // source/source_ref of the record that counts instead
}

// NoteOf writes why a record counts less than its mass.
func (e EnterprisePage) NoteOf(r RecordLine) string {
	note := e.Term("note", r.Note)
	switch {
	case r.Note == "":
		return "–"
	case strings.Contains(note, "%s"):
		return fmt.Sprintf(note, r.With)
	case r.With != "":
		return note + " " + r.With
	}
	return note
}

// QuietLine is the good evidence of quiet time in one dimension.
type QuietLine struct {
	Dimension string
	Blocks    int64
	Good      int64 // millionths of a check
	Points    int64 // hundredths
}

// RuleLine is a gate or a veto with what it asked and what it found.
type RuleLine struct {
	Target   string // the tier that a gate guards, the colour that a veto forces
	Fact     string
	Operator string
	Value    int64
	Actual   int64
	Held     bool
}

// neverHappened is the number of days since something that has not happened.
const neverHappened = 999_999

// Asked writes what a rule asks, with the signs of mathematics.
func (e EnterprisePage) Asked(r RuleLine) string {
	sign := map[string]string{"<=": "≤ ", ">=": "≥ ", "=": ""}[r.Operator]
	if sign == "" && r.Operator != "=" {
		sign = r.Operator + " "
	}
	return sign + e.quantity(r.Fact, r.Value)
}

// Actual writes what a rule found.
func (e EnterprisePage) Actual(r RuleLine) string { return e.quantity(r.Fact, r.Actual) }

// quantity writes a circumstance: an evidence level as its word, days with their unit, anything else as a number.
func (e EnterprisePage) quantity(fact string, n int64) string {
	switch {
	case fact == "evidence_level" && n >= 0 && n <= int64(registry.EvidenceStrong):
		return e.Term("evidence", registry.EvidenceLevel(n).String())
	case strings.HasPrefix(fact, "days_since_") && n >= neverHappened:
		return e.Term("quantity", "never")
	case strings.HasPrefix(fact, "days_since_"):
		return Count(n) + e.Term("quantity", "days")
	}
	return Count(n)
}
