package scoring_test

import (
	"context"
	"errors"
	"testing"

	"healthcode/registry"
	"healthcode/scoring"

	"pgregory.net/rapid"
)

// What a simulation calls published is what grading the evidence itself publishes, whatever the evidence.
func TestColumnsPublishExactlyAsTheAssessor(t *testing.T) {
	models := modelsToCompare(t)
	rapid.Check(t, func(t *rapid.T) {
		c, population := drawPopulation(t)
		m := models[rapid.SampledFrom([]string{"default", "weights", "windows", "gates"}).Draw(t, "model")]
		asOf := today - registry.Day(rapid.IntRange(-100, 900).Draw(t, "days ago"))
		grades := scoring.NewGrades(c.Len())
		if err := c.Publish(t.Context(), m, asOf, grades, scoring.PassOptions{Workers: 2}); err != nil {
			t.Fatal(err)
		}
		for i, e := range population {
			want := scoring.NewAssessor(m).Grade(e, asOf)
			if grades.Tier[i] != want.Tier || grades.Colour[i] != want.Colour || grades.Index[i] != uint16(want.Earned.Index) || grades.Evidence[i] != want.Earned.Evidence {
				t.Fatalf("%d %s %s, want %+v", grades.Index[i], grades.Tier[i], grades.Colour[i], want)
			}
		}
	})
}

func TestASimulationTellsWhatWouldBePublished(t *testing.T) {
	c := syntheticColumns(t, 2000)
	before, after := scoring.DefaultModel(), modelsToCompare(t)["weights"]
	o := scoring.SimulateOptions{Moves: scoring.MoveQuery{Limit: 500}}
	plain, err := scoring.Simulate(t.Context(), c, before, after, today, o)
	if err != nil || plain.Published != nil || plain.Moves.Items[0].PublishedTierAfter != "" {
		t.Fatalf("%+v, %v", plain.Published, err)
	}
	o.Published = true
	s, err := scoring.Simulate(t.Context(), c, before, after, today, o)
	if err != nil {
		t.Fatal(err)
	}
	a, b, reader := scoring.NewAssessor(before), scoring.NewAssessor(after), c.Reader()
	var moved, better, worse, waiting int
	for i := range c.Len() {
		x, y := a.Grade(reader.Read(i), today), b.Grade(reader.Read(i), today)
		switch {
		case y.Colour < x.Colour:
			better++
		case y.Colour > x.Colour:
			worse++
		}
		if x.Tier != y.Tier || x.Colour != y.Colour {
			moved++
		}
		if y.Colour != y.Earned.Colour {
			waiting++
		}
	}
	p := s.Published
	if p.Moved != moved || p.Better != better || p.Worse != worse || moved == 0 || waiting == 0 {
		t.Errorf("%+v, want %d move, %d better, %d worse; %d wait", p, moved, better, worse, waiting)
	}
	for _, m := range s.Moves.Items {
		if y := b.Grade(reader.Read(m.Number), today); m.PublishedTierAfter != y.Tier.String() || m.PublishedColourAfter != y.Colour.String() {
			t.Errorf("%+v, want %s %s", m, y.Tier, y.Colour)
		}
	}
	same, err := scoring.Simulate(t.Context(), c, before, before, today, o)
	if err != nil || same.Published.Moved != 0 || same.Published.Colours.PSI != 0 {
		t.Errorf("the same model: %+v, %v", same.Published, err)
	}
	checkSums(t, &scoring.Simulation{Enterprises: s.Enterprises, Colours: p.Colours, Tiers: p.Tiers, Index: s.Index, Groups: p.Groups})
}

func TestPublishingStops(t *testing.T) {
	c := syntheticColumns(t, 100)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := c.Publish(ctx, scoring.DefaultModel(), today, scoring.NewGrades(c.Len()), scoring.PassOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}
