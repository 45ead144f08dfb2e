package scoring

import (
	"math"
	"slices"
	"strconv"
	"unsafe"

	"healthcode/registry"
)

// Columns is the evidence of a whole population in memory: one array for each field, sorted by enterprise, so that everybody can be
// graded again while a regulator moves a weight. It takes 21 bytes a record and 27 an enterprise (Bytes counts them). It never changes
// and is safe for concurrent use; With makes a newer one.
//
// What grading does not read is left out: sources and references (their order is kept), revisions, certificate numbers. Cases, licences
// and products become numbers within the enterprise. The few enterprises with a number or a date that does not fit keep their facts whole.
type Columns struct {
	codes      [][usccLength]byte
	first      []uint32 // where the facts of each enterprise begin; one more at the end
	registered []registry.Day
	risk       []registry.RiskLevel
	facts      factColumns
	whole      map[uint32][]Fact // facts that do not fit, by enterprise
	subjects   []string          // capability items and lists; number 0 is no text
	texts      []string          // stand for licence and product numbers: texts[n] is n in digits, texts[0] is empty
	classes    []classKey        // the different facts but for their dates and cases, from 1 on
}

const usccLength = 18

// maxRecords is how many records the columns hold at most: the places where enterprises begin have 32 bits.
const maxRecords = math.MaxUint32

// factColumns holds the facts, one array a field. Days are counted as in package registry, 1 to 65535 (2079-06-05).
type factColumns struct {
	what                                      []uint32 // kind, outcome, severity, stage, purpose, state (see packWhat) and the class
	occurred, provisional, rectifyBy, rectify []uint16
	caseNo, subject, product                  []uint16
	minor, major, critical                    []uint8
}

// Len returns the number of enterprises.
func (c *Columns) Len() int { return len(c.codes) }

// Records returns the number of records.
func (c *Columns) Records() int {
	n := len(c.facts.what)
	for _, facts := range c.whole {
		n += len(facts)
	}
	return n
}

// USCC returns the code of enterprise i, in ascending order of bytes from 0 to Len()-1.
func (c *Columns) USCC(i int) registry.USCC { return registry.USCC(c.codes[i][:]) }

// Risk returns the product risk of enterprise i.
func (c *Columns) Risk(i int) registry.RiskLevel { return c.risk[i] }

// Who returns what scoring reads of enterprise i itself.
func (c *Columns) Who(i int) Enterprise {
	return Enterprise{USCC: c.USCC(i), RegisteredOn: c.registered[i], Risk: c.risk[i]}
}

// Find returns the number of an enterprise, or where it would stand and false.
func (c *Columns) Find(code registry.USCC) (int, bool) {
	return slices.BinarySearchFunc(c.codes, string(code), compareCode)
}

func compareCode(code [usccLength]byte, wanted string) int {
	switch have := string(code[:]); {
	case have < wanted:
		return -1
	case have > wanted:
		return 1
	}
	return 0
}

// Bytes returns the memory of the arrays that grow with records and with enterprises, spare room and facts kept whole included.
func (c *Columns) Bytes() (records, enterprises int) {
	f := &c.facts
	records = 4*cap(f.what) + 2*(cap(f.occurred)+cap(f.provisional)+cap(f.rectifyBy)+cap(f.rectify)+cap(f.caseNo)+cap(f.subject)+cap(f.product)) +
		cap(f.minor) + cap(f.major) + cap(f.critical)
	for _, facts := range c.whole {
		records += cap(facts) * int(unsafe.Sizeof(Fact{}))
	}
	return records, usccLength*cap(c.codes) + 4*cap(c.first) + 4*cap(c.registered) + cap(c.risk)
}

// ColumnReader turns columns back into evidence, one enterprise at a time, without new memory. Each goroutine needs its own.
type ColumnReader struct {
	c        *Columns
	evidence Evidence
	facts    []Fact
}

// Reader returns a reader of the columns.
func (c *Columns) Reader() *ColumnReader { return &ColumnReader{c: c} }

// Read returns the evidence of enterprise i, good until the next Read. It grades exactly as the evidence that the columns were built of
// (Assess, NextChange). It is not good for explanations and digests: references and revisions are gone and numbers stand for texts.
func (r *ColumnReader) Read(i int) *Evidence {
	e := &r.evidence
	e.Enterprise = r.c.Who(i)
	from, to := r.c.first[i], r.c.first[i+1]
	if from == to && r.c.whole != nil {
		e.facts = r.c.whole[uint32(i)]
		return e
	}
	r.room(int(to - from))
	for j := from; j < to; j++ {
		r.c.unpack(&r.facts[j-from], j)
	}
	e.facts = r.facts[:to-from]
	return e
}

// room makes room for the facts of one enterprise.
func (r *ColumnReader) room(n int) {
	if n > len(r.facts) {
		r.facts = make([]Fact, n+n/2)
	}
}

// unpack fills in the fields of fact j that grading reads.
func (c *Columns) unpack(f *Fact, j uint32) {
	f.unpackWhat(c.facts.what[j])
	f.OccurredOn, f.ProvisionalUntil = registry.Day(c.facts.occurred[j]), registry.Day(c.facts.provisional[j])
	f.RectifyBy, f.RectifiedOn = registry.Day(c.facts.rectifyBy[j]), registry.Day(c.facts.rectify[j])
	f.Minor, f.Major, f.Critical = c.facts.minor[j], c.facts.major[j], c.facts.critical[j]
	f.caseNo, f.class = int32(c.facts.caseNo[j]), 0
	if namesSubject[f.kind&15] {
		f.Subject = c.subjects[c.facts.subject[j]]
	} else if f.kind == kindLicence {
		f.Subject, f.ProductCode = c.texts[c.facts.subject[j]], c.texts[c.facts.product[j]]
	}
}

// namesSubject tells the kinds whose subject is compared with names of the model or of this package. Of licences, only whether subjects
// and products are the same is asked; of other kinds neither is read.
var namesSubject = func() (set [16]bool) {
	for _, kind := range []uint8{kindCapability, kindSelfInspection, kindExternalCredit} {
		set[kind] = true
	}
	return set
}()

// classKey is what facts of one class have in common.
type classKey struct {
	what                   uint32
	subject                uint16 // where it is compared with names
	minor, major, critical uint8
}

// The class of a fact stands above the 18 bits that say what it is. Class 0 is for facts that came when all classes were taken, and for
// words about a capability item to which there is more than kind and day.
const (
	whatBits   = 18
	maxClasses = 1 << (32 - whatBits)
)

// packWhat packs what a fact says into 18 bits.
func packWhat(f *Fact) uint32 {
	return uint32(f.kind) | uint32(f.outcome)<<4 | uint32(f.Severity)<<10 | uint32(f.stage)<<12 | uint32(f.purpose)<<14 | uint32(f.state)<<16
}

func (f *Fact) unpackWhat(w uint32) {
	f.kind, f.outcome, f.Severity = uint8(w&15), uint8(w>>4&63), registry.Severity(w>>10&3)
	f.stage, f.purpose, f.state = uint8(w>>12&3), uint8(w>>14&3), uint8(w>>16&3)
}

// fits reports whether a fact can be packed without loss.
func (f *Fact) fits() bool {
	for _, day := range [...]registry.Day{f.OccurredOn, f.ProvisionalUntil, f.RectifyBy, f.RectifiedOn} {
		if day < 0 || day > math.MaxUint16 {
			return false
		}
	}
	var again Fact
	again.unpackWhat(packWhat(f))
	return again.kind == f.kind && again.outcome == f.outcome && again.Severity == f.Severity && again.stage == f.stage &&
		again.purpose == f.purpose && again.state == f.state && f.caseNo >= 0 && f.caseNo <= math.MaxUint16
}

// growTexts makes sure that there is a text for each number up to n.
func growTexts(texts []string, n int) []string {
	for i := len(texts); i <= n; i++ {
		texts = append(texts, strconv.Itoa(i))
	}
	return texts
}
