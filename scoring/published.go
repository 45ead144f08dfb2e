package scoring

import (
	"context"
	"fmt"

	"healthcode/registry"
)

// Publication shows what would be published if a model took the place of another on the day of the simulation. The published grade is a pure
// function of model, day and what is known, so it is exactly what the first run after an activation on that day gives: every fall is in
// it; a rise is in it as far as its cycles have passed, and the rest follows a step a cycle.
type Publication struct {
	Moved   int           `json:"moved"`  // whose published tier or colour would be another one
	Better  int           `json:"better"` // of the colour
	Worse   int           `json:"worse"`
	Colours MoveTable     `json:"colours"`
	Tiers   MoveTable     `json:"tiers"`
	Groups  []GroupShifts `json:"groups"` // one for each attribute; product risk is the last
}

// Publish fills in the grades that are published on a day by the model, exactly as Assessor.Grade does: it follows each enterprise over the
// months before and takes about a hundred times as long as Columns.Grade. It stops early, with the context's error, when the context ends.
func (c *Columns) Publish(ctx context.Context, m *Model, asOf registry.Day, into *Grades, o PassOptions) error {
	return eachChunk(ctx, c.Len(), o, func() func(from, to int) {
		a, reader := NewAssessor(m), c.Reader()
		return func(from, to int) {
			for i := from; i < to; i++ {
				g := a.Grade(reader.Read(i), asOf)
				into.Index[i], into.Evidence[i] = uint16(g.Earned.Index), g.Earned.Evidence
				into.Tier[i], into.Colour[i] = g.Tier, g.Colour
			}
		}
	})
}

// publish adds what would be published to a simulation, by group and for each enterprise of its page.
func (s *Simulation) publish(ctx context.Context, c *Columns, before, after *Model, o SimulateOptions) error {
	p := &comparison{c: c, before: NewGrades(c.Len()), after: NewGrades(c.Len())}
	err := c.Publish(ctx, before, s.AsOf, p.before, PassOptions{Workers: o.Workers, Progress: inTwo(o.Progress, 0)})
	if err == nil {
		err = c.Publish(ctx, after, s.AsOf, p.after, PassOptions{Workers: o.Workers, Progress: inTwo(o.Progress, int64(c.Len()))})
	}
	if err != nil {
		return fmt.Errorf("simulate what is published: %w", err)
	}
	o.Moves = MoveQuery{}
	all := p.compare(o)
	s.Published = &Publication{Moved: all.Moved, Better: all.Colours.better(), Worse: all.Colours.worse(), Colours: all.Colours, Tiers: all.Tiers, Groups: all.Groups}
	for i := range s.Moves.Items {
		m := &s.Moves.Items[i]
		m.PublishedTierBefore, m.PublishedTierAfter = p.before.Tier[m.Number].String(), p.after.Tier[m.Number].String()
		m.PublishedColourBefore, m.PublishedColourAfter = p.before.Colour[m.Number].String(), p.after.Colour[m.Number].String()
	}
	return nil
}

// better counts those whose grade becomes better; the names of the table go from best to worst.
func (m *MoveTable) better() (n int) {
	for from, row := range m.Matrix {
		for _, moved := range row[:from] {
			n += moved
		}
	}
	return n
}

func (m *MoveTable) worse() (n int) {
	for from, row := range m.Matrix {
		for _, moved := range row[from+1:] {
			n += moved
		}
	}
	return n
}
