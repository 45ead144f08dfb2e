package scoring

import (
	"slices"

	"healthcode/registry"
)

// pass grades enterprises one after the other on one goroutine. Most facts do no more than add good mass and checks: these are added up
// straight from the columns, by tables of what their class is worth; the others are unpacked, and the assessor does the rest.
type pass struct {
	*passTables
	c      *Columns
	a      *Assessor
	asOf   registry.Day
	reader *ColumnReader
	rest   []uint32   // the facts of one enterprise that the assessor is to see
	newest [20]uint32 // by item of the model: the newest fact that says it is held, plus one
	lone   []uint32   // visits with findings, which count by themselves unless they stand in a case
	held   []uint32   // those that say that a capability item is held, for good
}

// passTables is what a model makes of the classes of facts. The passes of all goroutines share it.
type passTables struct {
	worths []worth // class 0 is for facts whose worth is computed one by one
	adds   []adding
	items  []int8  // by subject: the number of the capability item, -1 for none
	decay  []int64 // as in tables, and 0 for what is outside the window
}

// adding is what a fact of a class adds before ageing, when adding is all that it does.
type adding struct {
	good, check int64 // millionths of a check; 0 when there is more to it
	dimension   Dimension
	rest, held  uint8 // 1: it goes to the facts of pass.rest, pass.held
	lone        uint8 // 1: it goes to pass.lone
	kind        classKind
}

// classKind says what else there is to know about a class.
type classKind uint8

const (
	needsAll  classKind = 1 << iota // it asks what came after it: a refused check for a completed one, a revoked licence for a grant
	occurs                          // of its dates, only the day on which it occurred is read, and no case
	otherItem                       // any other word about a capability item
)

func newPassTables(c *Columns, m *Model) *passTables {
	a := NewAssessor(m)
	t := &passTables{worths: make([]worth, len(c.classes)), adds: make([]adding, len(c.classes)), decay: append(slices.Clone(m.numbers.decay), 0)}
	t.adds[0] = adding{rest: 1, kind: otherItem} // for all that is known beforehand
	for i, class := range c.classes[1:] {
		f := Fact{Minor: class.minor, Major: class.major, Critical: class.critical}
		f.unpackWhat(class.what)
		x := a.computeWorth(&f)
		t.worths[i+1], t.adds[i+1] = x, addingOf(&f, &x)
	}
	for _, name := range c.subjects {
		t.items = append(t.items, int8(a.itemNumber(name)))
	}
	return t
}

func addingOf(f *Fact, x *worth) adding {
	if f.outcome == outcomeRefused || f.outcome == outcomeRevoked {
		return adding{rest: 1, kind: needsAll}
	}
	onlyGood := f.state == stateFinal && x.bad == [2]int64{}
	switch {
	case x.item && onlyGood && x.listed && saysHeld(f):
		return adding{held: 1, kind: occurs}
	case x.item:
		return adding{rest: 1, kind: otherItem}
	case f.kind == kindInspection && f.state == stateFinal && x.listed && !onlyGood:
		return adding{lone: 1}
	case !onlyGood || f.kind == kindExternalCredit:
		return adding{rest: 1}
	}
	return adding{good: x.good, check: x.check, dimension: x.dimension}
}

func newPass(c *Columns, m *Model, asOf registry.Day, t *passTables) *pass {
	a := NewAssessor(m)
	a.worths = t.worths
	return &pass{passTables: t, c: c, a: a, asOf: asOf, reader: c.Reader()}
}

func (p *pass) grade(into *Grades, from, to int) {
	var x Assessment
	for i := from; i < to; i++ {
		p.a.assess(p.evidence(i), p.asOf, &x)
		into.Index[i], into.Tier[i], into.Colour[i], into.Evidence[i] = uint16(x.Index), x.Tier, x.Colour, x.Evidence
	}
}

// evidence returns what the assessor needs of enterprise i: the facts that it is to see, and the sums of the others. An enterprise
// without a day of registration goes to it whole, because quiet time begins with the first fact.
func (p *pass) evidence(i int) *Evidence {
	c, e := p.c, &p.reader.evidence
	from, to := c.first[i], c.first[i+1]
	e.summed = summed{}
	if c.registered[i] == 0 || from == to {
		return p.reader.Read(i)
	}
	e.RegisteredOn, e.Risk = c.registered[i], c.risk[i]
	kinds := p.addUp(from, to, e)
	if kinds&needsAll != 0 {
		e.summed = summed{}
		return p.reader.Read(i)
	}
	seen := len(p.rest)
	p.addLone(&e.summed)
	if kinds&otherItem != 0 {
		p.rest = append(p.rest, p.held...)
	} else {
		p.addItems(e)
	}
	if len(p.rest) > seen {
		slices.Sort(p.rest) // in the order of the columns, which is that of time
	}
	p.reader.room(len(p.rest))
	for k, j := range p.rest {
		p.unpack(&p.reader.facts[k], j)
	}
	e.facts = p.reader.facts[:len(p.rest)]
	return e
}

// addLone adds visits with findings; those in a case go to the assessor.
func (p *pass) addLone(sums *summed) {
	for _, j := range p.lone {
		x, age := &p.worths[p.c.facts.what[j]>>whatBits], int(p.asOf)-int(p.c.facts.occurred[j])
		if p.c.facts.caseNo[j] != 0 {
			p.rest = append(p.rest, j)
			continue
		}
		if uint(age) >= uint(len(p.decay)-1) {
			continue
		}
		fresh, rectified := x.bad[0], registry.Day(p.c.facts.rectify[j])
		if rectified != 0 && rectified <= p.asOf {
			fresh = x.bad[1]
		}
		sums.bad[x.dimension] += aged(fresh, p.decay[age])
		sums.good[x.dimension] += aged(x.good, p.decay[age])
		sums.checks += aged(x.check, p.decay[age])
		if fresh != 0 {
			sums.mark(x, int32(age/blockDays), int32(age))
		}
	}
}

// addItems adds the newest word about each item to the sums, when all that is said about items is that they are held. It must have been
// said by the day and within the window; of two on one day, the first counts.
func (p *pass) addItems(e *Evidence) {
	if len(p.held) == 0 {
		return
	}
	occurred := p.c.facts.occurred
	for _, j := range p.held {
		at, age := p.items[p.c.facts.subject[j]], int(p.asOf)-int(occurred[j])
		if at < 0 || uint(age) >= uint(len(p.decay)-1) {
			continue
		}
		if last := p.newest[at]; last == 0 || occurred[j] > occurred[last-1] {
			p.newest[at] = j + 1
		}
	}
	for at := range p.a.model.Items {
		j := p.newest[at] - 1
		if p.newest[at] == 0 {
			continue
		}
		p.newest[at] = 0
		x := &p.worths[p.c.facts.what[j]>>whatBits]
		e.summed.good[x.dimension] += aged(x.good, p.decay[int(p.asOf)-int(occurred[j])])
		e.summed.held |= 1 << at
	}
}

// addUp adds up what the facts in a stretch of the columns add, and notes those that there is more to: of these kinds. It does the same
// for every fact, because a processor that guesses wrongly which way to go loses more time than the sums take.
func (p *pass) addUp(from, to uint32, e *Evidence) (kinds classKind) {
	what := p.c.facts.what[from:to]
	occurred := p.c.facts.occurred[from:to][:len(what)]
	if len(what) > cap(p.rest) || len(what) > cap(p.held) || len(what) > cap(p.lone) {
		p.rest, p.held, p.lone = make([]uint32, 2*len(what)), make([]uint32, 2*len(what)), make([]uint32, 2*len(what))
	}
	var good [8]int64 // as many as dimensions, rounded up so that no bound is checked
	var n, h, l int
	adds, asOf := p.adds, int(p.asOf)
	rest, held, lone, decay, outside, checks := p.rest[:len(what)], p.held[:len(what)], p.lone[:len(what)], p.decay, uint(len(p.decay)-1), int64(0)
	for j, w := range what {
		x := &adds[w>>whatBits]
		faded := decay[min(uint(asOf-int(occurred[j])), outside)] // what is still to come wraps around and is outside
		good[x.dimension&7] += aged(x.good, faded)
		checks += aged(x.check, faded)
		rest[n], held[h], lone[l] = from+uint32(j), from+uint32(j), from+uint32(j)
		n, h, l = n+int(x.rest), h+int(x.held), l+int(x.lone)
		kinds |= x.kind
	}
	copy(e.summed.good[:], good[:])
	e.summed.checks, p.rest, p.held, p.lone = checks, rest[:n], held[:h], lone[:l]
	return kinds
}

// unpack fills in the fields of fact j that the assessor reads when it knows the class.
func (p *pass) unpack(f *Fact, j uint32) {
	c := p.c
	w := c.facts.what[j]
	class := w >> whatBits
	if class == 0 || w&15 == uint32(kindExternalCredit) || w&15 == uint32(kindLicence) {
		c.unpack(f, j)
		f.class = uint16(class)
		return
	}
	f.unpackWhat(w)
	f.class, f.item = uint16(class), p.items[c.facts.subject[j]]
	f.OccurredOn, f.caseNo, f.RectifiedOn = registry.Day(c.facts.occurred[j]), 0, 0
	if p.adds[class].kind&occurs != 0 {
		return
	}
	f.ProvisionalUntil, f.RectifyBy = registry.Day(c.facts.provisional[j]), registry.Day(c.facts.rectifyBy[j])
	f.RectifiedOn, f.caseNo = registry.Day(c.facts.rectify[j]), int32(c.facts.caseNo[j])
}
