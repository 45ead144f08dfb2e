package scoring

import "healthcode/registry"

// passTables is what a model makes of the classes of facts. The graders of all goroutines share it.
type passTables struct {
	worths []worth // class 0 is for facts whose worth is computed one by one
	adds   []adding
	items  []int8 // by class: the number of the capability item, -1 for none
}

// adding is what a fact of a class adds before ageing. Words about a capability item do not add up: the newest stands in its slot.
type adding struct {
	also   uint64 // what it adds beside its mass: those of checkMass, isHeld, isBad that it has
	counts counts
	mass   uint32 // good mass in millionths of a check; of a word about an item, good or bad
	slot   uint8
	keep   int8 // -1: what stands in the slot stays; 0: this takes its place
}

// A day in the window has the decay in the low 32 bits, and above it what facts of that day may add: an aged check, and two marks of words
// about an item. A slot has the sum of masses in the low 32 bits, above it the same.
const (
	isHeld    = 1 << 63 // the item is held
	isBad     = 1 << 62 // the mass is bad
	checkMass = 1<<62 - 1<<32
)

// The slots: one for each dimension, some for facts that add nothing (several, so that a processor need not wait for one), and one for each
// capability item of the model.
const (
	emptySlots = int(dimensions)
	itemSlots  = 8
	slots      = 32
)

// counts holds numbers of facts side by side, a byte each, which are counted in one step. The kinds from pending on are seldom.
type counts uint64

const (
	more     counts = 1 << (8 * iota) // there is more to it than what it adds
	capped                            // its bad mass is under a monthly cap
	begins                            // quiet time may begin with such a fact
	pending                           // it counts from a day on
	needsAll                          // the assessor must see all facts of the enterprise
)

// of returns how many of one kind there are, at most 255.
func (c counts) of(one counts) int { return int(uint8(c / one)) }

// stretch is how many facts are counted at a time: so few that neither counts nor the two sums of a slot overflow.
const stretch = 64

func newPassTables(c *Columns, m *Model) *passTables {
	a, n := NewAssessor(m), len(c.classes)
	t := &passTables{worths: make([]worth, n), adds: make([]adding, n), items: make([]int8, n)}
	t.adds[0].counts = needsAll
	for i, class := range c.classes[1:] {
		f := Fact{Minor: class.minor, Major: class.major, Critical: class.critical, Subject: c.subjects[class.subject]}
		f.unpackWhat(class.what)
		x, item := a.computeWorth(&f), a.itemNumber(f.Subject)
		add := addingOf(&f, &x, item)
		if add.counts.of(more) != 0 && x.dimension == Complaint && a.t.cap > 0 {
			add.counts += capped
		}
		if add.mass == 0 && add.also == 0 && add.keep != 0 {
			add.slot = uint8(emptySlots + i%(itemSlots-emptySlots))
		}
		t.worths[i+1], t.items[i+1], t.adds[i+1] = x, int8(item), add
	}
	return t
}

// addingOf says what facts like f add, where x is what they are worth and item is what they are about.
func addingOf(f *Fact, x *worth, item int) adding {
	nothing := adding{keep: -1}
	switch {
	case f.state == stateVoided, f.state == stateRepaired && x.item:
		return nothing
	case f.outcome == outcomeRefused, f.outcome == outcomeRevoked, f.kind == kindExternalCredit && f.Subject == registry.ListSeriousViolation,
		f.state == stateProvisional && x.item:
		return adding{keep: -1, counts: needsAll}
	case f.state == stateProvisional:
		return adding{keep: -1, counts: more + pending}
	case f.state == stateFinal && !x.purelyBad:
		nothing.counts = begins
	}
	switch {
	case x.item && (item < 0 || !x.listed):
		return nothing
	case x.item:
		return wordOf(f, x, item)
	case x.bad != [2]int64{}, x.failsCritical+x.failsMajor > 0, x.check != 0 && x.check != oneCheck:
		nothing.counts += more
		return nothing
	}
	add := adding{mass: uint32(x.good), counts: nothing.counts, slot: uint8(x.dimension), keep: -1}
	if x.check != 0 {
		add.also = checkMass
	}
	return add
}

// wordOf is what a word about a capability item adds until a newer one is heard.
func wordOf(f *Fact, x *worth, item int) adding {
	add := adding{mass: uint32(x.good), slot: uint8(itemSlots + item)}
	if x.bad[0] > 0 {
		add.mass, add.also = uint32(x.bad[0]), isBad
	} else {
		add.counts = begins
	}
	if saysHeld(f) {
		add.also |= isHeld
	}
	return add
}
