package schema

import (
	"encoding/json"
	"fmt"
	"time"
)

// AuditFault is what is wrong with a line of the audit log.
type AuditFault string

// The faults.
const (
	AuditChanged       AuditFault = "changed"    // the line is not the one that its hash was made of, or a column says something else
	AuditRemoved       AuditFault = "removed"    // lines are missing
	AuditInserted      AuditFault = "inserted"   // lines too many
	AuditReordered     AuditFault = "reordered"  // a line stands in another one's place
	AuditCut           AuditFault = "cut"        // the end is missing
	AuditHeadWrong     AuditFault = "head"       // the end is not the one that the head names
	AuditRewritten     AuditFault = "rewritten"  // the chain holds in itself but not with a checkpoint
	AuditBadCheckpoint AuditFault = "checkpoint" // a checkpoint itself is wrong
)

// AuditFinding is one thing that is wrong with the audit log.
type AuditFinding struct {
	Fault  AuditFault `json:"fault"`
	Number int64      `json:"number"` // of the line, or the checkpoint
	Detail string     `json:"detail"`
}

// maxFindings bounds how many findings are kept; all are counted.
const maxFindings = 100

// AuditRow is a line of the audit log as it is stored: the bytes that are hashed, and beside them what is searched by.
type AuditRow struct {
	Number     int64
	At         int64 // microseconds
	Kind, Name string
	ActorID    int64
	Action     string
	Noun, ID   string
	USCC       string
	Line       []byte
	Hash       string
}

// AuditPoint is a checkpoint to hold the log against.
type AuditPoint struct {
	Number int64
	Hash   string
	Source string // where it comes from, for a finding
}

// AuditChecker looks at the lines of the audit log in the order of their numbers and notes what is wrong: see NewAuditChecker.
type AuditChecker struct {
	Findings []AuditFinding
	Found    int // how many, also those that were not kept
	Lines    int64
	Last     int64 // number of the last line

	stored   string    // hash of the last line as it is stored
	computed AuditHash // hash of the last line by our own reckoning
	at       int64
	shift    int64         // by how much the line differs from its row's number
	pending  *AuditFinding // a shift that was seen once
	points   map[int64][]AuditPoint
	agreed   int64 // the last point that agreed
	parted   bool  // a point did not agree
	after    string
}

// After returns the stored hash after which it began.
func (c *AuditChecker) After() string { return c.after }

// NewAuditChecker begins after a line of a known hash (0 and the zero hash: at the beginning) and holds the log against points.
func NewAuditChecker(after int64, hash AuditHash, points []AuditPoint) *AuditChecker {
	c := &AuditChecker{after: hash.String(), Last: after, stored: hash.String(), computed: hash, agreed: after, points: map[int64][]AuditPoint{}}
	for _, p := range points {
		if p.Number > after {
			c.points[p.Number] = append(c.points[p.Number], p)
		}
	}
	return c
}

func (c *AuditChecker) find(fault AuditFault, number int64, detail string, values ...any) {
	c.Found++
	if len(c.Findings) < maxFindings {
		c.Findings = append(c.Findings, AuditFinding{fault, number, fmt.Sprintf(detail, values...)})
	}
}

// Row looks at the next line.
func (c *AuditChecker) Row(r *AuditRow) {
	c.Lines++
	broken := c.gap(r)
	var line AuditLine
	if err := json.Unmarshal(r.Line, &line); err != nil {
		c.find(AuditChanged, r.Number, "line %d is no line of the log: %v", r.Number, err)
		broken = true
	} else {
		broken = c.place(r, line.Number) || broken
		c.columns(r, &line)
	}
	c.chain(r, broken)
	c.meet(r)
	c.time(r, broken)
	c.Last = r.Number
}

// gap reports whether lines are missing before a row.
func (c *AuditChecker) gap(r *AuditRow) bool {
	switch missing := r.Number - c.Last - 1; {
	case missing == 1:
		c.find(AuditRemoved, c.Last+1, "line %d is missing", c.Last+1)
	case missing > 1:
		c.find(AuditRemoved, c.Last+1, "lines %d to %d are missing", c.Last+1, r.Number-1)
	default:
		return false
	}
	return true
}

// place holds the number that a line gives itself against that of its row. A difference that lasts means that lines were removed or inserted and the
// rows numbered anew; one that does not, that lines changed places.
func (c *AuditChecker) place(r *AuditRow, own int64) (broken bool) {
	shift := own - r.Number
	if shift == c.shift {
		c.settlePlace(true)
		return false
	}
	c.settlePlace(false)
	if shift != 0 {
		c.pending = &AuditFinding{AuditReordered, r.Number, fmt.Sprintf("in the place of line %d stands line %d", r.Number, own)}
	}
	c.shift = shift
	return true
}

// settlePlace decides what a shift that was seen once means: lasting tells whether the next line has it too.
func (c *AuditChecker) settlePlace(lasting bool) {
	if c.pending == nil {
		return
	}
	finding := *c.pending
	c.pending = nil
	switch {
	case lasting && c.shift > 0:
		finding.Fault, finding.Detail = AuditRemoved, fmt.Sprintf("%d before the line at %d were removed and the rest numbered anew: %s", c.shift, finding.Number, finding.Detail)
	case lasting:
		finding.Fault, finding.Detail = AuditInserted, fmt.Sprintf("%d before the line at %d were inserted and the rest numbered anew: %s", -c.shift, finding.Number, finding.Detail)
	}
	c.find(finding.Fault, finding.Number, "%s", finding.Detail)
}

// columns holds what is searched by against the line.
func (c *AuditChecker) columns(r *AuditRow, l *AuditLine) {
	for _, column := range []struct {
		name       string
		row, wrote any
	}{
		{"at", r.At, micros(l.At)}, {"actor_kind", r.Kind, l.Actor.Kind}, {"actor_id", r.ActorID, l.Actor.ID}, {"actor_name", r.Name, l.Actor.Name},
		{"action", r.Action, l.Action}, {"noun", r.Noun, l.Noun}, {"noun_id", r.ID, l.ID}, {"uscc", r.USCC, string(l.USCC)},
	} {
		if column.row != column.wrote {
			c.find(AuditChanged, r.Number, "the column %s of line %d is %.80q; the line says %.80q", column.name, r.Number, fmt.Sprint(column.row), fmt.Sprint(column.wrote))
		}
	}
}

// time holds the time of a line against the one before it. Lines that changed places are found by their numbers.
func (c *AuditChecker) time(r *AuditRow, broken bool) {
	if !broken && c.shift == 0 && r.At < c.at {
		c.find(AuditReordered, r.Number, "line %d is of %s, before the line that precedes it", r.Number, instant(r.At).Format(time.RFC3339Nano))
	}
	c.at = r.At
}

// chain holds the hash against the lines. After a fault it goes on from the hash that is stored, so that one fault is one finding. broken says that
// a fault was found already that explains a difference.
func (c *AuditChecker) chain(r *AuditRow, broken bool) {
	before, err := parseAuditHash(c.stored)
	followsStored := err == nil && before.Next(r.Line).String() == r.Hash
	next := c.computed.Next(r.Line)
	follows := next.String() == r.Hash
	if !follows && !followsStored && !broken {
		c.find(AuditChanged, r.Number, "line %d is not the one that its hash was made of: it, or its hash, was changed", r.Number)
	}
	own, err := parseAuditHash(r.Hash)
	switch {
	case follows:
	case (followsStored || broken) && err == nil:
		next = own
	}
	c.stored, c.computed = r.Hash, next
	if err != nil {
		c.find(AuditChanged, r.Number, "the hash of line %d is none", r.Number)
	}
}

// meet holds the hash against the checkpoints of this line.
func (c *AuditChecker) meet(r *AuditRow) {
	for _, p := range c.points[r.Number] {
		switch {
		case p.Hash == r.Hash:
			c.agreed = max(c.agreed, r.Number)
		case !c.parted:
			c.parted = true
			c.find(AuditRewritten, r.Number, "%s vouches for hash %s of line %d, which now has %s: lines %d to %d, or some of them, were rewritten after it",
				p.Source, p.Hash, r.Number, r.Hash, c.agreed+1, r.Number)
		default:
			c.find(AuditRewritten, r.Number, "%s does not agree either", p.Source)
		}
	}
	delete(c.points, r.Number)
}

// End looks at the end of the log, as its head names it, and at checkpoints that lie beyond.
func (c *AuditChecker) End(number int64, hash string) {
	c.settlePlace(false)
	switch {
	case c.Last < number:
		c.find(AuditCut, c.Last+1, "the log ends with line %d; its head names line %d: the lines from %d on were cut off", c.Last, number, c.Last+1)
	case c.Last > number:
		c.find(AuditInserted, number+1, "the head names line %d as the last; the lines from %d to %d were put after it", number, number+1, c.Last)
	case c.stored != hash:
		c.find(AuditHeadWrong, number, "the head names hash %s; line %d has %s", hash, number, c.stored)
	}
	var beyond *AuditPoint
	for _, points := range c.points {
		for i := range points {
			if p := &points[i]; p.Number > c.Last && (beyond == nil || p.Number > beyond.Number) {
				beyond = p
			}
		}
	}
	if beyond != nil {
		c.find(AuditCut, c.Last+1, "%s covers line %d; the log ends with line %d: the lines from %d to %d were cut off", beyond.Source, beyond.Number, c.Last, c.Last+1, beyond.Number)
	}
}
