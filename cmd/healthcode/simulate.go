package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"

	"github.com/spf13/cobra"
)

func (p *program) simulateCommand() *cobra.Command {
	var file, asOf, sort, direction string
	var movers, skip int
	c := &cobra.Command{
		Use: "simulate", Short: "Show what a scoring model would change", Args: arguments(),
		Long: "Grades everybody by the active model and by the one in a file, stores nothing, and shows how grades are distributed before and\n" +
			"after, who goes where by county, industry, size and product risk, and who moves most. Grades are those that the evidence earns: a fall\n" +
			"is published at once, a rise step by step.",
		Example: "  healthcode export models | head -1 > model.json   # then edit it\n  healthcode simulate --model model.json --movers 20\n" +
			"  healthcode simulate --model model.json --direction worse --sort change --movers 50 --skip 50   # the second fifty",
	}
	p.jsonFlag(c)
	c.Flags().StringVar(&file, "model", "", "file with the scoring model (JSON)")
	c.Flags().StringVar(&asOf, "as-of", "", "day of the grades, YYYY-MM-DD (default today, Asia/Shanghai)")
	c.Flags().IntVar(&movers, "movers", 10, "how many of those who move to list")
	c.Flags().IntVar(&skip, "skip", 0, "how many of them to leave out first, to see the next page")
	c.Flags().StringVar(&sort, "sort", scoring.MoveSorts()[0], "their order: "+strings.Join(scoring.MoveSorts(), ", ")+" (change: the deepest fall first)")
	c.Flags().StringVar(&direction, "direction", "", "only those who move: "+strings.Join(scoring.MoveDirections(), ", ")+" (better, worse: of colour)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		day, err := parseDayFlag(c, "as-of", asOf)
		switch {
		case err != nil:
			return err
		case file == "":
			return usage(c, "--model is missing")
		case movers < 0 || skip < 0:
			return usage(c, "--movers %d, --skip %d: a number below 0", movers, skip)
		case !slices.Contains(scoring.MoveSorts(), sort):
			return usage(c, "--sort: %q is none of %q", sort, scoring.MoveSorts())
		case direction != "" && !slices.Contains(scoring.MoveDirections(), direction):
			return usage(c, "--direction: %q is none of %q", direction, scoring.MoveDirections())
		case day == 0:
			day = p.today()
		}
		model, err := parseModelFile(file)
		if err != nil {
			return err
		}
		query := scoring.MoveQuery{Limit: movers, Offset: skip, Sort: scoring.MoveSort(sort), Direction: scoring.MoveDirection(direction)}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			s, err := p.simulate(c.Context(), db, model, day, query)
			if err != nil {
				return err
			}
			if p.json {
				return p.print(s)
			}
			return printSimulation(p.out, s)
		})
	}
	return c
}

// simulate reads everybody and compares the active model with another.
func (p *program) simulate(ctx context.Context, db *schema.DB, model *scoring.Model, asOf registry.Day, moves scoring.MoveQuery) (*scoring.Simulation, error) {
	active, err := jobs.ParseActive(ctx, db)
	if err != nil {
		return nil, err
	}
	bar := p.newProgress("reading", "enterprises", -1)
	defer bar.finish()
	everyone, err := db.ReadPopulation(ctx, asOf, bar.set)
	if err != nil {
		return nil, err
	}
	bar.describe("grading")
	s, err := scoring.Simulate(ctx, everyone.Columns, active, model, asOf, scoring.SimulateOptions{PassOptions: scoring.PassOptions{Progress: bar.set},
		Attributes: everyone.Attributes, Moves: moves})
	if err != nil {
		return nil, err
	}
	s.KnownAt = everyone.KnownAt
	return s, db.NameMoves(ctx, s.Moves.Items)
}

// printSimulation prints tables for people.
func printSimulation(out io.Writer, s *scoring.Simulation) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%d enterprises as of %s: model %s/%d against the active %s/%d\n", s.Enterprises, s.AsOf, s.After.Code, s.After.Version, s.Before.Code, s.Before.Version)
	fmt.Fprintf(w, "mean index %.2f, was %.2f\n", s.MeanAfter, s.MeanBefore)
	printShift(w, "colour", &s.Colours)
	printShift(w, "tier", &s.Tiers)
	for _, group := range s.Groups {
		fmt.Fprintf(w, "\n%s\tenterprises\tbetter\tworse\tmean change\t%s\n", group.Attribute, strings.Join(s.Colours.Names, "\t"))
		for _, v := range group.Values {
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%+.2f\t%s\n", named(v.Value), v.Enterprises, v.Better, v.Worse, v.MeanChange, beforeAndAfter(v.Before, v.After))
		}
	}
	fmt.Fprintf(w, "\n%d move", s.Moves.Total)
	if len(s.Moves.Items) > 0 {
		fmt.Fprintf(w, "; %d of them:\nUSCC\tindex\tchange\ttier\tcolour\tname", len(s.Moves.Items))
	}
	for _, m := range s.Moves.Items {
		fmt.Fprintf(w, "\n%s\t%s\t%+.2f\t%s\t%s\t%s", m.USCC, points(m.IndexAfter), float64(m.Change)/100, arrow(m.TierBefore.String(), m.TierAfter.String()),
			arrow(m.ColourBefore.String(), m.ColourAfter.String()), m.Name)
	}
	fmt.Fprintln(w)
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the simulation: %w", err)
	}
	return nil
}

func printShift(w io.Writer, what string, s *scoring.MoveTable) {
	fmt.Fprintf(w, "\n%s\tbefore\tafter\tof these to %s\n", what, strings.Join(s.Names, "\t"))
	for i, name := range s.Names {
		fmt.Fprintf(w, "%s\t%d\t%d", name, s.Before[i], s.After[i])
		for _, n := range s.Matrix[i] {
			fmt.Fprintf(w, "\t%d", n)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "PSI %.4f (below 0.10 stable, above 0.25 another population)\n", s.PSI)
}

func beforeAndAfter(before, after []int) string {
	cells := make([]string, len(before))
	for i := range before {
		cells[i] = fmt.Sprintf("%d → %d", before[i], after[i])
	}
	return strings.Join(cells, "\t")
}

func arrow(before, after string) string {
	if before == after {
		return before
	}
	return before + " → " + after
}

func named(value string) string {
	if value == "" {
		return "unknown"
	}
	return value
}
