package scoring

import (
	"time"

	"healthcode/registry"
)

// Grader grades enterprises of columns by one model. Most facts only add masses: these are added up straight from the columns, by tables of
// what their class is worth; facts that depend on each other are unpacked and go through the assessor. The results are the assessor's. It
// keeps its working memory, so it is not safe for concurrent use: one per goroutine.
type Grader struct {
	*passTables
	c      *Columns
	a      *Assessor
	reader *ColumnReader

	asOf, since registry.Day     // since: the first day in the window
	faded       *[1 << 16]uint64 // by day: the decay and what else facts of that day may add
	sums        [batch]partial
	more        []place  // facts of the batch with more to them than what they add
	rest        []uint32 // those of them that the assessor is to see
}

// batch is how many enterprises are graded side by side: what differs from one to the next is done in one long loop, in which a processor
// guesses rightly what comes next.
const batch = 64

// partial is what has been added up of one enterprise of a batch.
type partial struct {
	summed
	all       counts // which kinds of facts there are
	dependent counts // facts of these kinds depend on each other
	rest      int32  // how many facts the assessor is to see
}

// place is a fact's place in the columns, and above it, its enterprise's place in the batch.
type place uint64

// Grader returns a grader of the columns by a model.
func (c *Columns) Grader(m *Model) *Grader { return newGrader(c, m, newPassTables(c, m)) }

func newGrader(c *Columns, m *Model, t *passTables) *Grader {
	a := NewAssessor(m)
	a.worths = t.worths
	return &Grader{passTables: t, c: c, a: a, reader: c.Reader(), faded: new([1 << 16]uint64)}
}

// Assess grades enterprise i as of a day, as Assessor.Assess does.
func (g *Grader) Assess(i int, asOf registry.Day) Assessment {
	var x Assessment
	g.each(i, i+1, asOf, &x, func(int) {})
	return x
}

// AssessAll grades every enterprise as of a day, in order. x is good until yield returns.
func (g *Grader) AssessAll(asOf registry.Day, yield func(i int, x *Assessment)) {
	var x Assessment
	g.each(0, g.c.Len(), asOf, &x, func(i int) { yield(i, &x) })
}

// Digest returns the digest of a grade of enterprise i, where facts is that of its facts that had happened; see Assessor.Digest.
func (g *Grader) Digest(i int, asOf registry.Day, knownAt time.Time, facts [32]byte, grade *Grade) [32]byte {
	return g.a.Digest(g.c.Who(i), asOf, knownAt, facts, grade)
}

// Grade grades enterprise i as of a day and follows its published grade up to it, as Assessor.Grade does.
func (g *Grader) Grade(i int, asOf registry.Day) Grade { return g.a.Grade(g.whole(i), asOf) }

// GradeAhead grades as Grade does and looks ahead, as Assessor.GradeAhead does.
func (g *Grader) GradeAhead(i int, asOf registry.Day) (Grade, Outlook) {
	return g.a.GradeAhead(g.whole(i), asOf)
}

// whole returns the whole evidence of enterprise i, with the classes of its facts.
func (g *Grader) whole(i int) *Evidence {
	e := g.reader.Read(i)
	e.summed = nil
	if from := g.c.first[i]; from < g.c.first[i+1] {
		for k := range e.facts {
			class := g.c.facts.what[from+uint32(k)] >> whatBits
			e.facts[k].class, e.facts[k].item = uint16(class), g.items[class]
		}
	}
	return e
}

// each grades the enterprises from one number up to, but without, another, into x, and calls yield after each.
func (g *Grader) each(from, to int, asOf registry.Day, x *Assessment, yield func(i int)) {
	g.turnTo(asOf)
	for ; from < to; from += batch {
		until := min(from+batch, to)
		g.addUp(from, until)
		rest := g.rest
		for i := from; i < until; i++ {
			p := &g.sums[i-from]
			g.a.assess(g.evidence(i, p, rest[:p.rest]), asOf, x)
			rest = rest[p.rest:]
			yield(i)
		}
	}
}

// evidence returns what the assessor needs of enterprise i: the facts that it is to see, and the sums of the others.
func (g *Grader) evidence(i int, p *partial, rest []uint32) *Evidence {
	e := &g.reader.evidence
	if p.all >= pending && (p.all.of(needsAll) != 0 || g.c.registered[i] == 0) {
		return g.whole(i)
	}
	e.RegisteredOn, e.Risk, e.summed = g.c.registered[i], g.c.risk[i], &p.summed
	if e.RegisteredOn == 0 && p.all.of(begins) != 0 {
		e.RegisteredOn = g.beginning(g.c.first[i])
	}
	g.reader.room(len(rest))
	for k, j := range rest {
		g.unpack(&g.reader.facts[k], j)
	}
	e.facts = g.reader.facts[:len(rest)]
	return e
}

// beginning returns the day of the first fact with which quiet time may begin, from a place in the columns on.
func (g *Grader) beginning(from uint32) registry.Day {
	for g.adds[g.c.facts.what[from]>>whatBits].counts.of(begins) == 0 {
		from++
	}
	return registry.Day(g.c.facts.occurred[from])
}

// unpack fills in the fields of a fact that the assessor reads when it knows the class.
func (g *Grader) unpack(f *Fact, j uint32) {
	c := &g.c.facts
	f.unpackWhat(c.what[j])
	f.class = uint16(c.what[j] >> whatBits)
	f.OccurredOn, f.ProvisionalUntil = registry.Day(c.occurred[j]), registry.Day(c.provisional[j])
	f.RectifyBy, f.RectifiedOn = registry.Day(c.rectifyBy[j]), registry.Day(c.rectify[j])
	f.caseNo = int32(c.caseNo[j])
}

// turnTo prepares the ageing of the facts to a day.
func (g *Grader) turnTo(asOf registry.Day) {
	if asOf == g.asOf {
		return
	}
	g.fade(func(int64) uint64 { return 0 })
	g.asOf, g.since = asOf, asOf-registry.Day(g.a.model.Window)
	g.fade(func(decay int64) uint64 { return uint64(decay) | uint64(aged(oneCheck, decay))<<32 | isHeld | isBad })
}

// fade writes what becomes of the decay of each day in the window.
func (g *Grader) fade(becomes func(decay int64) uint64) {
	for age, decay := range g.a.t.decay {
		if day := int(g.asOf) - age; day >= 0 && day < len(g.faded) {
			g.faded[day] = becomes(decay)
		}
	}
}
