package scoring

import (
	"slices"

	"healthcode/registry"
)

// addUp adds up what the facts of the enterprises from one number up to, but without, another add, but for those that depend on each other,
// which become the rest.
func (g *Grader) addUp(from, to int) {
	g.more, g.rest = slices.Grow(g.more[:0], int(g.c.first[to]-g.c.first[from])+stretch), g.rest[:0]
	for i := from; i < to; i++ {
		g.addMost(i, i-from)
	}
	g.addMore()
}

// addMost adds up what the facts of enterprise i add, but for those with more to them, which are noted.
func (g *Grader) addMost(i, at int) {
	p := &g.sums[at]
	*p = partial{}
	first, last := g.c.first[i], g.c.first[i+1]
	if first == last && g.c.whole != nil {
		p.all = needsAll
		return
	}
	for last > first && registry.Day(g.c.facts.occurred[last-1]) > g.asOf {
		last--
	}
	var sums [slots]uint64
	for part := range (last - first + stretch - 1) / stretch {
		from := first + part*stretch
		noted := len(g.more)
		all := g.addSums(from, min(from+stretch, last), &sums, (*[stretch]place)(g.more[noted:noted+stretch]), place(at)<<32|place(from))
		g.more = g.more[:noted+all.of(more)]
		p.all |= all
		p.take(&sums)
	}
	p.takeItems(sums[itemSlots : itemSlots+len(g.a.model.Items)])
	if p.all.of(capped) > 1 || last-first > stretch {
		p.dependent = capped * 255
	}
}

// addSums adds up facts by slot and notes those with more to them, the first of which is here. It does the same for every fact, because a
// processor that guesses wrongly which way to go loses more time than the sums take.
func (g *Grader) addSums(first, last uint32, sums *[slots]uint64, list *[stretch]place, here place) (all counts) {
	what, adds, faded := g.c.facts.what[first:last], g.adds, g.faded
	occurred := g.c.facts.occurred[first:last][:len(what)]
	for j, w := range what {
		x, day := &adds[w>>whatBits], faded[occurred[j]]
		sum := &sums[x.slot&(slots-1)]
		*sum = *sum&uint64(x.keep) + (uint64(x.mass)*uint64(uint32(day))+q20/2)>>20 + day&x.also
		list[all&(stretch-1)] = here
		all += x.counts
		here++
	}
	return all
}

// take takes over the sums of the dimensions.
func (p *partial) take(sums *[slots]uint64) {
	for d := range p.good {
		p.good[d] += int64(uint32(sums[d]))
		p.checks += int64(sums[d] >> 32)
		sums[d] = 0
	}
}

// takeItems adds the newest words about the capability items.
func (p *partial) takeItems(sums []uint64) {
	for at, sum := range sums {
		mass, bad := int64(uint32(sum)), -int64(sum&isBad>>62)
		p.good[Capability] += mass &^ bad
		p.bad[Capability] += mass & bad
		p.held |= uint32(sum>>63) << at
	}
}

// addMore adds what there is more than good mass to, but for facts that depend on each other: those of one case, and complaints under a
// cap when there are several.
func (g *Grader) addMore() {
	f, asOf := &g.c.facts, uint32(g.asOf)
	for _, one := range g.more {
		j, p := uint32(one), &g.sums[one>>32&(batch-1)]
		day, class := f.occurred[j], f.what[j]>>whatBits
		x, counts := &g.worths[class], g.adds[class].counts
		if f.caseNo[j] != 0 || counts&p.dependent != 0 {
			g.rest = append(g.rest, j)
			p.rest++
			continue
		}
		faded := g.faded[day]
		if faded == 0 || (counts.of(pending) != 0 && !g.stands(j, x)) { // outside the window, or
			continue
		}
		rectified := oneIf(uint32(f.rectify[j])-1 < asOf) // no day is 0 and wraps around
		fresh, decay := x.bad[rectified&1], int64(uint32(faded))
		p.raise(x, 1-rectified, registry.Day(f.rectifyBy[j]), g.asOf)
		p.good[x.dimension] += aged(x.good, decay)
		p.checks += aged(x.check, decay)
		if fresh != 0 {
			p.bad[x.dimension] += aged(min(fresh, x.atMost), decay)
			age := asOf - uint32(day)
			p.mark(x, age/blockDays, int32(age))
		}
	}
}

// stands reports whether a provisional fact counts by the day; see weighOne.
func (g *Grader) stands(j uint32, x *worth) bool {
	until := registry.Day(g.c.facts.provisional[j])
	return x.level >= registry.SeverityCritical || (until != 0 && g.asOf > until)
}
