package scoring

import (
	"cmp"
	"slices"
)

// maxChoices bounds the ways of counting open cases that are compared.
const maxChoices = 4096

// openCase is a case whose bad records stand in several places, so that it is to be decided where it counts.
type openCase struct {
	from, to int // its slots
	chosen   int
}

// settleCases lets each case count once: there where it weighs most on the index, that is, of all ways to count every case once, the
// one with the lowest index. Within a dimension the heaviest record stands for the case (ties: the earliest, then the lowest
// source_ref); of complaints under a monthly cap, those stand that no newer and heavier one of the same month outdoes. When an
// enterprise has more than 4,096 ways, its later cases count where weight times mass is largest.
//
// Choosing by mass alone would break the law that a worse record never raises the index: a heavier penalty in a light dimension
// would take the place of a failed check in a heavy one.
func (a *Assessor) settleCases(e *Evidence) {
	if len(a.inCase) < 2 {
		return
	}
	a.sortByCase(e)
	a.open, a.slots = a.open[:0], a.slots[:0]
	for from := 0; from < len(a.inCase); {
		to := from + 1
		for to < len(a.inCase) && e.facts[a.inCase[to]].caseNo == e.facts[a.inCase[from]].caseNo {
			to++
		}
		a.addCase(a.inCase[from:to])
		from = to
	}
	a.decide(int(e.Risk))
	a.pointAtChosen()
}

// sortByCase puts the facts of each case together, within a case in their order. They come in the order of facts, and there are
// seldom more than a handful.
func (a *Assessor) sortByCase(e *Evidence) {
	if len(a.inCase) > 32 {
		slices.SortStableFunc(a.inCase, func(i, j int32) int { return cmp.Compare(e.facts[i].caseNo, e.facts[j].caseNo) })
		return
	}
	for n := 1; n < len(a.inCase); n++ {
		fact := a.inCase[n]
		at := n
		for ; at > 0 && e.facts[a.inCase[at-1]].caseNo > e.facts[fact].caseNo; at-- {
			a.inCase[at] = a.inCase[at-1]
		}
		a.inCase[at] = fact
	}
}

// addCase keeps the heaviest record of each place and, when there are several places, opens the case.
func (a *Assessor) addCase(facts []int32) {
	if len(facts) == 1 {
		return
	}
	from := len(a.slots)
	for _, i := range facts {
		a.takeSlot(from, i)
	}
	if len(a.slots)-from == 1 {
		a.slots = a.slots[:from]
		return
	}
	a.open = append(a.open, openCase{from: from, to: len(a.slots)})
}

// takeSlot adds fact i to the slots from a position on, unless one of them outdoes it; those that it outdoes leave. The facts
// come in order, so i is no older than the others.
func (a *Assessor) takeSlot(from int, i int32) {
	w := &a.weighed[i]
	for s := from; s < len(a.slots); {
		holder := a.slots[s]
		h := &a.weighed[holder]
		switch {
		case h.dimension != w.dimension:
			s++
		case a.outdoes(h, w, true):
			w.note, w.with = noteCountedWith, holder
			return
		case a.outdoes(w, h, false):
			h.note, h.with = noteCountedWith, i
			a.slots = slices.Delete(a.slots, s, s+1)
		default:
			s++
		}
	}
	a.slots = append(a.slots, i)
}

// outdoes reports whether x stands for y in their dimension, whatever else there is; of equals, the earlier.
func (a *Assessor) outdoes(x, y *weighed, earlier bool) bool {
	if x.dimension == Complaint && a.t.cap > 0 {
		return x.block == y.block && x.decay >= y.decay && x.fresh >= y.fresh
	}
	return x.bad > y.bad || (earlier && x.bad == y.bad)
}

// decide compares the ways to count the open cases, the earliest cases first, and keeps the one with the lowest index; among equal
// ones, the first in the order of the records.
func (a *Assessor) decide(risk int) {
	if len(a.open) > 1 {
		slices.SortFunc(a.open, func(x, y openCase) int { return cmp.Compare(a.slots[x.from], a.slots[y.from]) })
	}
	decided, choices := 0, 1
	for decided < len(a.open) && choices*(a.open[decided].to-a.open[decided].from) <= maxChoices {
		choices *= a.open[decided].to - a.open[decided].from
		decided++
	}
	a.countLater(a.open[decided:])
	open := a.open[:decided]
	best, lowest := 0, int64(1)<<62
	for choice := range choices {
		a.choose(open, choice)
		if index := a.fineIndex(risk); index < lowest {
			best, lowest = choice, index
		}
	}
	a.choose(open, best)
}

// countLater counts each case where weight times mass is largest.
func (a *Assessor) countLater(open []openCase) {
	for c := range open {
		heaviest, most := 0, int64(-1)
		for s, i := range a.slots[open[c].from:open[c].to] {
			if w := &a.weighed[i]; w.bad*a.t.weight[w.dimension] > most {
				heaviest, most = s, w.bad*a.t.weight[w.dimension]
			}
		}
		a.choose(open[c:c+1], heaviest)
	}
}

// choose lets one slot of each open case count. The last case varies fastest.
func (a *Assessor) choose(open []openCase, choice int) {
	for c := len(open) - 1; c >= 0; c-- {
		n := open[c].to - open[c].from
		open[c].chosen = open[c].from + choice%n
		choice /= n
		for s := open[c].from; s < open[c].to; s++ {
			w := &a.weighed[a.slots[s]]
			w.with = a.slots[open[c].chosen]
			w.note = noteCountedWith
			if s == open[c].chosen {
				w.note = noteCounts
			}
		}
	}
}

// fineIndex returns the index in thousandths of a millionth, finer than the grade, so that ways are told apart.
func (a *Assessor) fineIndex(risk int) int64 {
	var sum tally
	a.tally(&sum, false)
	a.addQuiet(&sum)
	fine := int64(0)
	for d, loss := range a.t.losses(risk, &sum) {
		fine += a.t.weight[d] * (1_000_000 - loss)
	}
	return fine
}

// pointAtChosen makes every record that is counted with another name the one that counts in the end.
func (a *Assessor) pointAtChosen() {
	for _, i := range a.inCase {
		w := &a.weighed[i]
		for w.note == noteCountedWith && a.weighed[w.with].note == noteCountedWith {
			w.with = a.weighed[w.with].with
		}
	}
}
