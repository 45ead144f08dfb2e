package scoring

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"healthcode/registry"
)

// ErrColumns is the reason for evidence that cannot go into columns.
var ErrColumns = errors.New("evidence does not go into columns")

// ColumnBuilder fills Columns from evidence in ascending order of USCC.
type ColumnBuilder struct {
	c        Columns
	subjects map[string]uint16
	classes  map[classKey]uint32
	numbers  numbering
	inCase   []int32 // of the enterprise in hand: how many facts each case has
}

// NewColumnBuilder returns a builder with room for so many enterprises and records; fewer or more may come.
func NewColumnBuilder(enterprises, records int) *ColumnBuilder {
	b := &ColumnBuilder{subjects: map[string]uint16{"": 0}, classes: make(map[classKey]uint32)}
	c := &b.c
	c.codes, c.first = make([][usccLength]byte, 0, enterprises), make([]uint32, 1, enterprises+1)
	c.registered, c.risk = make([]registry.Day, 0, enterprises), make([]registry.RiskLevel, 0, enterprises)
	c.facts.grow(records)
	c.subjects, c.texts = []string{""}, []string{""}
	c.classes = make([]classKey, 1)
	return b
}

// Add appends an enterprise. The evidence is copied. ErrColumns when its code has not 18 bytes or does not follow the one before, or
// when there are more than 2^32−1 records.
func (b *ColumnBuilder) Add(e *Evidence) error {
	if err := b.follows(string(e.USCC)); err != nil {
		return err
	}
	return b.put(e)
}

// put appends an enterprise, whatever came before. Columns that are out of order can be graded but not searched.
func (b *ColumnBuilder) put(e *Evidence) error {
	if len(b.c.facts.what)+len(e.facts) > maxRecords {
		return fmt.Errorf("%w: more than %d records", ErrColumns, maxRecords)
	}
	if !b.addFacts(e.facts) {
		if b.c.whole == nil {
			b.c.whole = make(map[uint32][]Fact)
		}
		b.c.whole[uint32(len(b.c.codes))] = slices.Clone(e.facts)
	}
	b.addWho(e)
	return nil
}

func (b *ColumnBuilder) addWho(e *Evidence) {
	c := &b.c
	c.codes = append(c.codes, [usccLength]byte([]byte(e.USCC)))
	c.registered, c.risk = append(c.registered, e.RegisteredOn), append(c.risk, e.Risk)
	c.first = append(c.first, uint32(len(c.facts.what)))
}

func (b *ColumnBuilder) follows(code string) error {
	if len(code) != usccLength {
		return fmt.Errorf("%w: %q has not %d characters", ErrColumns, code, usccLength)
	}
	if n := len(b.c.codes); n > 0 && compareCode(b.c.codes[n-1], code) >= 0 {
		return fmt.Errorf("%w: %s does not follow %s", ErrColumns, code, b.c.codes[n-1])
	}
	return nil
}

// addFacts packs the facts of one enterprise, all or, when one does not fit, none.
func (b *ColumnBuilder) addFacts(facts []Fact) bool {
	f := &b.c.facts
	start := len(f.what)
	b.numbers.reset()
	b.countCases(facts)
	for i := range facts {
		subject, product, ok := b.subject(&facts[i])
		if !ok || !facts[i].fits() {
			f.truncate(start)
			return false
		}
		class := uint32(0)
		if !disputed(facts, i) {
			class = b.class(&facts[i], subject)
		}
		f.add(&facts[i], class, subject, product, b.caseOf(&facts[i]))
	}
	b.c.texts = growTexts(b.c.texts, b.numbers.highest())
	return true
}

// countCases counts the facts of each case.
func (b *ColumnBuilder) countCases(facts []Fact) {
	b.inCase = b.inCase[:0]
	for i := range facts {
		for int(facts[i].caseNo) >= len(b.inCase) {
			b.inCase = append(b.inCase, 0)
		}
		b.inCase[facts[i].caseNo]++
	}
}

// caseOf returns the number of the case of a fact. A fact that is alone in its case weighs like one without.
func (b *ColumnBuilder) caseOf(f *Fact) uint16 {
	if b.inCase[f.caseNo] < 2 {
		return 0
	}
	return uint16(f.caseNo)
}

// disputed reports whether a fact is a word about a capability item to which there is more than kind and day: it was rectified, or another
// one about the same item is of the same day.
func disputed(facts []Fact, i int) bool {
	f := &facts[i]
	if f.kind != kindCapability && f.kind != kindSelfInspection {
		return false
	}
	for k := i - 1; k >= 0 && facts[k].OccurredOn == f.OccurredOn; k-- {
		if (facts[k].kind == kindCapability || facts[k].kind == kindSelfInspection) && facts[k].Subject == f.Subject {
			return true
		}
	}
	return f.RectifiedOn != 0
}

// class returns the number of the class of a fact, new when there was none like it. Ordinary populations have a few hundred.
func (b *ColumnBuilder) class(f *Fact, subject uint16) uint32 {
	key := classKey{what: packWhat(f), minor: f.Minor, major: f.Major, critical: f.Critical}
	if namesSubject[f.kind&15] {
		key.subject = subject
	}
	class, known := b.classes[key]
	if !known && len(b.c.classes) < maxClasses {
		class = uint32(len(b.c.classes))
		b.c.classes = append(b.c.classes, key)
		b.classes[key] = class
	}
	return class
}

// subject returns the numbers that stand for what a fact is about, or false when there are none left.
func (b *ColumnBuilder) subject(f *Fact) (subject, product uint16, ok bool) {
	switch {
	case namesSubject[f.kind&15]:
		subject, ok = b.subjects[f.Subject]
		if !ok && len(b.c.subjects) <= math.MaxUint16 {
			subject, ok = uint16(len(b.c.subjects)), true
			name := strings.Clone(f.Subject) // the text around it need not stay
			b.c.subjects = append(b.c.subjects, name)
			b.subjects[name] = subject
		}
		return subject, 0, ok
	case f.kind == kindLicence:
		s, p := b.numbers.subjects.of(f.Subject), b.numbers.products.of(f.ProductCode)
		return uint16(s), uint16(p), max(s, p) <= math.MaxUint16
	}
	return 0, 0, true
}

// Build returns the columns. The builder must not be used any more.
func (b *ColumnBuilder) Build() *Columns {
	c := &b.c
	c.codes, c.first, c.registered, c.risk = trimmed(c.codes), trimmed(c.first), trimmed(c.registered), trimmed(c.risk)
	c.facts.trim()
	return c
}

// trimmed gives back spare room of more than one part in fifty.
func trimmed[T any](values []T) []T {
	if cap(values)-len(values) > len(values)/50 {
		return append(make([]T, 0, len(values)), values...)
	}
	return values
}

// numbering gives numbers to the licences and products of one enterprise; nothing is 0.
type numbering struct{ subjects, products names }

func (n *numbering) reset()       { n.subjects.reset(); n.products.reset() }
func (n *numbering) highest() int { return max(n.subjects.last(), n.products.last()) }

type names struct {
	list   []string
	byName map[string]int // once the list is long
}

func (n *names) reset() {
	n.list = append(n.list[:0], "")
	clear(n.byName)
}

func (n *names) last() int { return len(n.list) - 1 }

func (n *names) of(name string) int {
	const long = 100
	if len(n.list) <= long {
		if at := slices.Index(n.list, name); at >= 0 {
			return at
		}
	} else if at, ok := n.byName[name]; ok {
		return at
	}
	n.list = append(n.list, name)
	if n.byName == nil {
		n.byName = make(map[string]int)
	}
	if len(n.list) == long+1 {
		for i, one := range n.list {
			n.byName[one] = i
		}
	}
	if len(n.list) > long {
		n.byName[name] = n.last()
	}
	return n.last()
}

func (f *factColumns) grow(n int) {
	f.what = make([]uint32, 0, n)
	for _, column := range f.shorts() {
		*column = make([]uint16, 0, n)
	}
	for _, column := range f.bytes() {
		*column = make([]uint8, 0, n)
	}
}

func (f *factColumns) shorts() [7]*[]uint16 {
	return [7]*[]uint16{&f.occurred, &f.provisional, &f.rectifyBy, &f.rectify, &f.caseNo, &f.subject, &f.product}
}

func (f *factColumns) bytes() [3]*[]uint8 { return [3]*[]uint8{&f.minor, &f.major, &f.critical} }

func (f *factColumns) add(fact *Fact, class uint32, subject, product, caseNo uint16) {
	f.what = append(f.what, packWhat(fact)|class<<whatBits)
	values := [7]uint16{uint16(fact.OccurredOn), uint16(fact.ProvisionalUntil), uint16(fact.RectifyBy), uint16(fact.RectifiedOn),
		caseNo, subject, product}
	for i, column := range f.shorts() {
		*column = append(*column, values[i])
	}
	findings := [3]uint8{fact.Minor, fact.Major, fact.Critical}
	for i, column := range f.bytes() {
		*column = append(*column, findings[i])
	}
}

func (f *factColumns) truncate(n int) {
	f.what = f.what[:n]
	for _, column := range f.shorts() {
		*column = (*column)[:min(n, len(*column))]
	}
	for _, column := range f.bytes() {
		*column = (*column)[:min(n, len(*column))]
	}
}

func (f *factColumns) trim() {
	f.what = trimmed(f.what)
	for _, column := range f.shorts() {
		*column = trimmed(*column)
	}
	for _, column := range f.bytes() {
		*column = trimmed(*column)
	}
}

// appendFrom appends a stretch of other columns.
func (f *factColumns) appendFrom(other *factColumns, from, to uint32) {
	f.what = append(f.what, other.what[from:to]...)
	theirs := other.shorts()
	for i, column := range f.shorts() {
		*column = append(*column, (*theirs[i])[from:to]...)
	}
	findings := other.bytes()
	for i, column := range f.bytes() {
		*column = append(*column, (*findings[i])[from:to]...)
	}
}

// With returns columns in which each of the given enterprises, in ascending order of USCC, has the given evidence instead of its own or
// is added. Everything else is copied as it is, so these columns stay good for whoever reads them; copying costs a few nanoseconds a record.
func (c *Columns) With(changed []*Evidence) (*Columns, error) {
	more := 0
	for _, e := range changed {
		more += len(e.facts)
	}
	b := NewColumnBuilder(c.Len()+len(changed), len(c.facts.what)+more)
	b.inherit(c)
	at := 0
	for _, e := range changed {
		upTo, found := c.Find(e.USCC)
		if upTo < at {
			return nil, fmt.Errorf("%w: %s does not follow the change before", ErrColumns, e.USCC)
		}
		if err := b.copyFrom(c, at, upTo); err != nil {
			return nil, err
		}
		if err := b.Add(e); err != nil {
			return nil, err
		}
		at = upTo
		if found {
			at++
		}
	}
	if err := b.copyFrom(c, at, c.Len()); err != nil {
		return nil, err
	}
	return b.Build(), nil
}

// inherit takes over the numbers that stand for texts.
func (b *ColumnBuilder) inherit(c *Columns) {
	b.c.subjects, b.c.texts = slices.Clone(c.subjects), slices.Clone(c.texts)
	b.c.classes = slices.Clone(c.classes)
	for i, key := range c.classes {
		b.classes[key] = uint32(i)
	}
	for i, name := range c.subjects {
		b.subjects[name] = uint16(i)
	}
}

// copyFrom appends the enterprises from one number up to, but without, another.
func (b *ColumnBuilder) copyFrom(c *Columns, from, to int) error {
	if from == to {
		return nil
	}
	if err := b.follows(string(c.codes[from][:])); err != nil {
		return err
	}
	if len(b.c.facts.what)+int(c.first[to]-c.first[from]) > maxRecords {
		return fmt.Errorf("%w: more than %d records", ErrColumns, maxRecords)
	}
	shift := len(b.c.codes) - from
	for _, i := range slices.Sorted(maps.Keys(c.whole)) {
		if int(i) >= from && int(i) < to {
			if b.c.whole == nil {
				b.c.whole = make(map[uint32][]Fact)
			}
			b.c.whole[uint32(int(i)+shift)] = c.whole[i]
		}
	}
	start := uint32(len(b.c.facts.what)) - c.first[from]
	for _, place := range c.first[from+1 : to+1] {
		b.c.first = append(b.c.first, place+start)
	}
	b.c.codes = append(b.c.codes, c.codes[from:to]...)
	b.c.registered, b.c.risk = append(b.c.registered, c.registered[from:to]...), append(b.c.risk, c.risk[from:to]...)
	b.c.facts.appendFrom(&c.facts, c.first[from], c.first[to])
	return nil
}
