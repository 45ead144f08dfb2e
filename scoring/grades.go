package scoring

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"healthcode/registry"
)

// Grades are the results of one grading pass, by number of the enterprise. Index is in hundredths, 0 to 10000.
type Grades struct {
	Index    []uint16
	Tier     []registry.Tier
	Colour   []registry.Colour
	Evidence []registry.EvidenceLevel
}

// NewGrades returns room for the grades of n enterprises.
func NewGrades(n int) *Grades {
	return &Grades{Index: make([]uint16, n), Tier: make([]registry.Tier, n), Colour: make([]registry.Colour, n), Evidence: make([]registry.EvidenceLevel, n)}
}

// PassOptions say how to go through a population.
type PassOptions struct {
	Workers  int                     // goroutines; 0: one per processor
	Progress func(done, total int64) // called from several goroutines; may be nil
}

// passChunk is how many enterprises are graded between two looks at the context.
const passChunk = 1024

// Grade grades every enterprise by the model as of a day, exactly as Assessor.Assess does, into grades that have room for all of them.
// It stops early, with the context's error, when the context ends.
func (c *Columns) Grade(ctx context.Context, m *Model, asOf registry.Day, into *Grades, o PassOptions) error {
	tables := newPassTables(c, m)
	return eachChunk(ctx, c.Len(), o, func() func(from, to int) {
		g := newGrader(c, m, tables)
		return func(from, to int) { into.fill(g, asOf, from, to) }
	})
}

// eachChunk goes through n enterprises on several goroutines. Each of them asks once for what it is to do with a stretch of numbers.
func eachChunk(ctx context.Context, n int, o PassOptions, worker func() func(from, to int)) error {
	workers := o.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	var next, done atomic.Int64
	var group sync.WaitGroup
	for range min(workers, n/passChunk+1) {
		group.Go(func() {
			work := worker()
			for ctx.Err() == nil {
				from := int(next.Add(passChunk)) - passChunk
				if from >= n {
					return
				}
				to := min(from+passChunk, n)
				work(from, to)
				if finished := done.Add(int64(to - from)); o.Progress != nil {
					o.Progress(finished, int64(n))
				}
			}
		})
	}
	group.Wait()
	return ctx.Err()
}

// fill grades a stretch of the enterprises.
func (into *Grades) fill(g *Grader, asOf registry.Day, from, to int) {
	var x Assessment
	g.each(from, to, asOf, &x, func(i int) {
		into.Index[i], into.Tier[i], into.Colour[i], into.Evidence[i] = uint16(x.Index), x.Tier, x.Colour, x.Evidence
	})
}
