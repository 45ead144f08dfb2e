package scoring

import (
	"cmp"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"healthcode/registry"
)

// pastsAtOnce is how many pasts wait until they are graded together; only few more may wait, those of one enterprise.
const pastsAtOnce = 4096

// waiting holds what was known of enterprises on past days, as columns, until it is graded. An enterprise comes once for each of its days.
type waiting struct {
	pasts *ColumnBuilder
	days  []registry.Day
}

func newWaiting() waiting { return waiting{pasts: NewColumnBuilder(pastsAtOnce, 0)} }

// wait adds what was known on a day.
func (w *waiting) wait(e *Evidence, day registry.Day) error {
	w.days = append(w.days, day)
	return w.pasts.put(e)
}

// gradeWaiting grades what waits, by every model, into the newest observations, and hands them out. Several goroutines share the work: the
// grades are the same whoever does them.
func (b *backtest) gradeWaiting() {
	c, days := b.pasts.Build(), b.days
	first := len(b.seen) - len(days)
	for m := range b.indices {
		b.indices[m] = append(b.indices[m], make([]int32, len(days))...)
	}
	byDay := make([]int32, len(days)) // in the order of the days, because turning a grader to another day takes time
	for k := range byDay {
		byDay[k] = int32(k)
	}
	slices.SortFunc(byDay, func(x, y int32) int { return cmp.Or(cmp.Compare(days[x], days[y]), cmp.Compare(x, y)) })
	tables := make([]*passTables, len(b.models))
	for m := range tables {
		tables[m] = newPassTables(c, b.models[m])
	}
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(days)/batch+1) {
		group.Go(func() {
			graders := make([]*Grader, len(tables))
			for m := range graders {
				graders[m] = newGrader(c, b.models[m], tables[m])
			}
			for from := int(next.Add(batch)) - batch; from < len(days); from = int(next.Add(batch)) - batch {
				for _, k := range byDay[from:min(from+batch, len(days))] {
					b.gradeOne(graders, int(k), days[k], first+int(k))
				}
			}
		})
	}
	group.Wait()
	b.waiting = newWaiting()
	b.tell(first)
}

// gradeOne grades past k as of its day into an observation.
func (b *backtest) gradeOne(graders []*Grader, k int, day registry.Day, at int) {
	g, o := graders[0].Grade(k, day), &b.seen[at]
	o.index, o.tier, o.colour, o.earned = g.Earned.Index, g.Tier, g.Colour, g.Earned.Colour
	b.indices[0][at] = o.index
	for m := 1; m < len(graders); m++ {
		b.indices[m][at] = graders[m].Assess(k, day).Index
	}
}

// tell hands out the observations from a number on.
func (b *backtest) tell(first int) {
	if b.options.Each == nil {
		return
	}
	for at := first; at < len(b.seen); at++ {
		o := &b.seen[at]
		one := Observation{USCC: b.subjects[o.enterprise].USCC, AsOf: o.day, Index: o.index, Tier: o.tier, Colour: o.colour, Bad: o.bad}
		for i := range b.naive {
			one.Naive[i] = b.naive[i][at]
		}
		b.options.Each(&one)
	}
}
