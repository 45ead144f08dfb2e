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
			"after, who goes where by county, industry, size and product risk, and who moves most: what the evidence earns, and what would be\n" +
			"published on that day. A fall is published at once; a rise as far as its cycles have passed, the rest a step a cycle later.",
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
	bar := p.newProgress("simulating", "enterprises", -1)
	defer bar.finish()
	return jobs.SimulateAll(ctx, db, active, model, asOf, moves, bar.set)
}

// printSimulation prints tables for people.
func printSimulation(out io.Writer, s *scoring.Simulation) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%d enterprises as of %s: model %s/%d against the active %s/%d\n", s.Enterprises, s.AsOf, s.After.Code, s.After.Version, s.Before.Code, s.Before.Version)
	fmt.Fprintf(w, "mean index %.2f, was %.2f\n", s.MeanAfter, s.MeanBefore)
	fmt.Fprintf(w, "\nWhat the evidence earns: %d get another tier or colour\n", s.Moved)
	printShift(w, "colour", &s.Colours)
	printShift(w, "tier", &s.Tiers)
	printGroups(w, s.Groups, s.Colours.Names)
	if p := s.Published; p != nil {
		fmt.Fprintf(w, "\nWhat would be published on that day: %d get another tier or colour, %d a better colour, %d a worse one\n", p.Moved, p.Better, p.Worse)
		printShift(w, "colour", &p.Colours)
		printShift(w, "tier", &p.Tiers)
		printGroups(w, p.Groups, p.Colours.Names)
	}
	printMoves(w, &s.Moves)
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the simulation: %w", err)
	}
	return nil
}

func printGroups(w io.Writer, groups []scoring.GroupShifts, colours []string) {
	for _, group := range groups {
		fmt.Fprintf(w, "\n%s\tenterprises\tbetter\tworse\tmean change\t%s\n", group.Attribute, strings.Join(colours, "\t"))
		for _, v := range group.Values {
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%+.2f\t%s\n", strings.TrimSpace(named(v.Value)+" "+v.Name), v.Enterprises, v.Better, v.Worse, v.MeanChange, beforeAndAfter(v.Before, v.After))
		}
	}
}

func printMoves(w io.Writer, moves *scoring.Moves) {
	fmt.Fprintf(w, "\n%d have another index, tier or colour", moves.Total)
	if len(moves.Items) > 0 {
		fmt.Fprint(w, "; those who move most:\nUSCC\tindex\tchange\tearned tier\tearned colour\tpublished tier\tpublished colour\tname")
	}
	for _, m := range moves.Items {
		fmt.Fprintf(w, "\n%s\t%s\t%+.2f\t%s\t%s\t%s\t%s\t%s", m.USCC, points(m.IndexAfter), float64(m.Change)/100, arrow(m.TierBefore.String(), m.TierAfter.String()),
			arrow(m.ColourBefore.String(), m.ColourAfter.String()), arrow(m.PublishedTierBefore, m.PublishedTierAfter),
			arrow(m.PublishedColourBefore, m.PublishedColourAfter), m.Name)
	}
	fmt.Fprintln(w)
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
