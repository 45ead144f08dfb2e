package scoring_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"healthcode/registry"
	"healthcode/scoring"
)

// byHand grades everybody with the assessor alone.
func byHand(c *scoring.Columns, m *scoring.Model) []scoring.Assessment {
	a, reader, grades := scoring.NewAssessor(m), c.Reader(), make([]scoring.Assessment, c.Len())
	for i := range grades {
		grades[i] = a.Assess(reader.Read(i), today)
	}
	return grades
}

func TestASimulationCountsWhatTheAssessorSays(t *testing.T) {
	c := syntheticColumns(t, 3000)
	before, after := scoring.DefaultModel(), modelsToCompare(t)["weights"]
	counties := scoring.Attribute{Name: "county", Values: []string{"a", "nobody", "b"}, Codes: make([]uint16, c.Len())}
	for i := range counties.Codes {
		counties.Codes[i] = uint16(i % 2 * 2)
	}
	s, err := scoring.Simulate(t.Context(), c, before, after, today, scoring.SimulateOptions{Attributes: []scoring.Attribute{counties}, Moves: scoring.MoveQuery{Limit: c.Len()}})
	if err != nil {
		t.Fatal(err)
	}
	was, is := byHand(c, before), byHand(c, after)
	colours, tiers := map[[2]registry.Colour]int{}, map[[2]registry.Tier]int{}
	moved, worse := 0, [2]int{}
	for i := range was {
		colours[[2]registry.Colour{was[i].Colour, is[i].Colour}]++
		tiers[[2]registry.Tier{was[i].Tier, is[i].Tier}]++
		if was[i].Index != is[i].Index || was[i].Tier != is[i].Tier || was[i].Colour != is[i].Colour {
			moved++
		}
		if is[i].Colour > was[i].Colour {
			worse[i%2]++
		}
	}
	for i, from := range registry.Colours() {
		for j, to := range registry.Colours() {
			if got := s.Colours.Matrix[i][j]; got != colours[[2]registry.Colour{from, to}] {
				t.Errorf("%s to %s: %d", from, to, got)
			}
		}
	}
	for i, from := range registry.Tiers() {
		for j, to := range registry.Tiers() {
			if got := s.Tiers.Matrix[i][j]; got != tiers[[2]registry.Tier{from, to}] {
				t.Errorf("%s to %s: %d", from, to, got)
			}
		}
	}
	if s.Moves.Total != moved || len(s.Moves.Items) != moved || moved == 0 {
		t.Errorf("%d move, %d listed, want %d", s.Moves.Total, len(s.Moves.Items), moved)
	}
	groups := s.Groups[0].Values
	if len(groups) != 2 || groups[1].Value != "b" || groups[0].Worse != worse[0] || groups[1].Worse != worse[1] || groups[0].Enterprises != 1500 {
		t.Errorf("%+v, want %v worse", groups, worse)
	}
	if risk := s.Groups[1]; risk.Attribute != "risk" || len(risk.Values) != 3 {
		t.Errorf("%+v", risk)
	}
	checkSums(t, s)
}

// checkSums checks that every part of a simulation adds up to everybody.
func checkSums(t *testing.T, s *scoring.Simulation) {
	t.Helper()
	total := func(counts []int) (sum int) {
		for _, n := range counts {
			sum += n
		}
		return sum
	}
	var bins [2][]int
	for _, bin := range s.Index {
		bins[0], bins[1] = append(bins[0], bin.Before), append(bins[1], bin.After)
	}
	for name, counts := range map[string][]int{"colours before": s.Colours.Before, "colours after": s.Colours.After, "tiers before": s.Tiers.Before,
		"tiers after": s.Tiers.After, "index before": bins[0], "index after": bins[1]} {
		if total(counts) != s.Enterprises {
			t.Errorf("%s: %d of %d", name, total(counts), s.Enterprises)
		}
	}
	for _, group := range s.Groups {
		sum := 0
		for _, value := range group.Values {
			sum += value.Enterprises
			if total(value.Before) != value.Enterprises || total(value.After) != value.Enterprises {
				t.Errorf("%s %s: %+v", group.Attribute, value.Value, value)
			}
		}
		if sum != s.Enterprises {
			t.Errorf("%s: %d of %d", group.Attribute, sum, s.Enterprises)
		}
	}
}

func TestMovesAreSortedAndPaged(t *testing.T) {
	c := syntheticColumns(t, 3000)
	before, after := scoring.DefaultModel(), modelsToCompare(t)["weights"]
	page := func(q scoring.MoveQuery) scoring.Moves {
		s, err := scoring.Simulate(t.Context(), c, before, after, today, scoring.SimulateOptions{Moves: q})
		if err != nil {
			t.Fatal(err)
		}
		return s.Moves
	}
	size := func(m scoring.Move) int32 { return max(m.Change, -m.Change) }
	for name, inOrder := range map[scoring.MoveSort]func(a, b scoring.Move) bool{
		scoring.SortSize: func(a, b scoring.Move) bool { return size(a) > size(b) || (size(a) == size(b) && a.USCC < b.USCC) },
		scoring.SortFall: func(a, b scoring.Move) bool { return a.Change < b.Change || (a.Change == b.Change && a.USCC < b.USCC) },
		scoring.SortRise: func(a, b scoring.Move) bool { return a.Change > b.Change || (a.Change == b.Change && a.USCC < b.USCC) },
		scoring.SortUSCC: func(a, b scoring.Move) bool { return a.USCC < b.USCC },
	} {
		t.Run(string(name), func(t *testing.T) {
			whole := page(scoring.MoveQuery{Limit: 5000, Sort: name})
			for i := 1; i < len(whole.Items); i++ {
				if !inOrder(whole.Items[i-1], whole.Items[i]) {
					t.Fatalf("%+v before %+v", whole.Items[i-1], whole.Items[i])
				}
			}
			var paged []scoring.Move
			for len(paged) < whole.Total {
				paged = append(paged, page(scoring.MoveQuery{Limit: 700, Offset: len(paged), Sort: name}).Items...)
			}
			if !slices.Equal(paged, whole.Items) {
				t.Error("the pages are not the whole")
			}
		})
	}
	for direction, fits := range map[scoring.MoveDirection]func(m scoring.Move) bool{
		scoring.MovesUp: func(m scoring.Move) bool { return m.Change > 0 }, scoring.MovesDown: func(m scoring.Move) bool { return m.Change < 0 },
		scoring.MovesBetter: func(m scoring.Move) bool { return m.ColourAfter < m.ColourBefore },
		scoring.MovesWorse:  func(m scoring.Move) bool { return m.ColourAfter > m.ColourBefore },
	} {
		t.Run(string(direction), func(t *testing.T) {
			want := slices.DeleteFunc(page(scoring.MoveQuery{Limit: 5000}).Items, func(m scoring.Move) bool { return !fits(m) })
			if got := page(scoring.MoveQuery{Limit: 5000, Direction: direction}); !slices.Equal(got.Items, want) || got.Total != len(want) || len(want) == 0 {
				t.Errorf("%d of %d, want %d", len(got.Items), got.Total, len(want))
			}
		})
	}
	if beyond := page(scoring.MoveQuery{Limit: 10, Offset: 1 << 40}); len(beyond.Items) != 0 || beyond.Total == 0 {
		t.Errorf("%+v", beyond)
	}
}

func TestASimulationIsTheSameHoweverItIsDone(t *testing.T) {
	c := syntheticColumns(t, 5000)
	before, after := scoring.DefaultModel(), modelsToCompare(t)["windows"]
	known := scoring.NewGrades(c.Len())
	if err := c.Grade(t.Context(), before, today, known, scoring.PassOptions{}); err != nil {
		t.Fatal(err)
	}
	var first *scoring.Simulation
	for name, o := range map[string]scoring.SimulateOptions{"one worker": {PassOptions: scoring.PassOptions{Workers: 1}}, "three": {PassOptions: scoring.PassOptions{Workers: 3}},
		"grades known": {Before: known}} {
		o.Moves.Limit = 100
		s, err := scoring.Simulate(t.Context(), c, before, after, today, o)
		if err != nil {
			t.Fatal(err)
		}
		if first != nil && !reflect.DeepEqual(first, s) {
			t.Errorf("%s differs", name)
		}
		first = s
	}
}

func TestNothingMovesUnderTheSameModel(t *testing.T) {
	c := syntheticColumns(t, 500)
	s, err := scoring.Simulate(t.Context(), c, scoring.DefaultModel(), scoring.DefaultModel(), today, scoring.SimulateOptions{Moves: scoring.MoveQuery{Limit: 10}})
	if err != nil || s.Moves.Total != 0 || s.Colours.PSI != 0 || s.Tiers.PSI != 0 || s.MeanBefore != s.MeanAfter {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestASimulationStopsAndRefuses(t *testing.T) {
	c := syntheticColumns(t, 100)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := scoring.Simulate(ctx, c, scoring.DefaultModel(), scoring.DefaultModel(), today, scoring.SimulateOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	short := []scoring.Attribute{{Name: "county", Values: []string{"a"}}}
	if _, err := scoring.Simulate(t.Context(), c, scoring.DefaultModel(), scoring.DefaultModel(), today, scoring.SimulateOptions{Attributes: short}); err == nil {
		t.Error("an attribute without codes is accepted")
	}
}
