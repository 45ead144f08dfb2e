package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"healthcode/access"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"

	"github.com/spf13/cobra"
)

// regionLine is a region with its colour as regions prints it.
type regionLine struct {
	Code    string               `json:"code"`
	Name    string               `json:"name"`
	Level   registry.RegionLevel `json:"level"`
	AsOf    registry.Day         `json:"as_of,omitzero"`
	KnownAt time.Time            `json:"known_at,omitzero"`
	Model   string               `json:"model"` // code/version
	scoring.RegionGrade
}

func (p *program) regionsCommand() *cobra.Command {
	var level string
	c := &cobra.Command{
		Use: "regions [CODE]", Short: "Show the colour of each region, or why one has it", Args: atMostOne,
		Long: "Shows how many enterprises of each region have each published colour, and the region's own colour by the rules of the active\n" +
			"model. With a CODE it explains that region: every rule with its count, and how far the next better and worse colour are.\n" +
			"A region with too few graded enterprises has no colour.",
		Example: "  healthcode regions --level township\n  healthcode regions 330402\n  healthcode regions --level county --json",
	}
	c.Flags().BoolVar(&p.json, "json", false, "print one JSON object a region, one a line")
	c.Flags().StringVar(&level, "level", string(registry.LevelCounty), "city, county or township")
	c.RunE = func(c *cobra.Command, given []string) error {
		if !map[string]bool{"city": true, "county": true, "township": true}[level] {
			return usage(c, "--level: %.40q is not known; want city, county or township", level)
		}
		want := func(r *registry.Region) bool { return r.Level() == registry.RegionLevel(level) }
		if len(given) == 1 {
			if _, ok := registry.RegionLevelOf(given[0]); !ok {
				return usage(c, "%.40q is not a division code; want 6 or 9 digits of GB/T 2260, such as 330402", given[0])
			}
			want = func(r *registry.Region) bool { return r.Code == given[0] }
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			lines, err := regionLines(c.Context(), db, want)
			if err != nil {
				return err
			}
			return p.reportRegions(lines, given)
		})
	}
	return c
}

// atMostOne allows one word or none.
func atMostOne(c *cobra.Command, given []string) error {
	if len(given) > 1 {
		return usage(c, "%q is one word too many", given[1])
	}
	return nil
}

// regionLines grades the regions that are wanted, in the order of their codes.
func regionLines(ctx context.Context, db *schema.DB, want func(*registry.Region) bool) ([]regionLine, error) {
	model, err := jobs.ParseActive(ctx, db)
	if err != nil {
		return nil, err
	}
	colours, err := db.CountColours(ctx, access.Everything())
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%s/%d", model.Code, model.Version)
	var lines []regionLine
	for region, err := range db.Regions(ctx) {
		if err != nil {
			return nil, err
		}
		if want(&region) {
			lines = append(lines, regionLine{Code: region.Code, Name: region.Name, Level: region.Level(), AsOf: colours.AsOf, KnownAt: colours.KnownAt,
				Model: name, RegionGrade: scoring.RegionColour(model, colours.Counts[region.Code])})
		}
	}
	return lines, nil
}

func (p *program) reportRegions(lines []regionLine, given []string) error {
	if len(given) == 1 && len(lines) == 0 {
		return fmt.Errorf("no region has the code %s: import regions first", given[0])
	}
	if p.json {
		return printLines(p, lines)
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "code\tcolour\tenterprises\tgreen\tblue\tyellow\tred\tname")
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n", l.Code, regionColourWord(&l.RegionGrade), l.Enterprises, ofAll(l.Counts.Green, l.Shares.Green),
			ofAll(l.Counts.Blue, l.Shares.Blue), ofAll(l.Counts.Yellow, l.Shares.Yellow), ofAll(l.Counts.Red, l.Shares.Red), l.Name)
	}
	if len(given) == 1 {
		explainRegion(w, &lines[0])
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the regions: %w", err)
	}
	return nil
}

func regionColourWord(g *scoring.RegionGrade) string {
	if g.TooFew {
		return "none"
	}
	return g.Colour.String()
}

func ofAll(count, milli int64) string { return fmt.Sprintf("%d (%s)", count, shareText(milli)) }

func shareText(milli int64) string { return fmt.Sprintf("%d.%d %%", milli/10, milli%10) }

func explainRegion(w *tabwriter.Writer, l *regionLine) {
	fmt.Fprintf(w, "\nas of %s, model %s\n", l.AsOf, l.Model)
	if l.TooFew {
		fmt.Fprintf(w, "no colour: %d graded enterprises, fewer than %d\n", l.Enterprises, l.AtLeast)
		return
	}
	for i, r := range l.Rules {
		names := make([]string, len(r.Of))
		for j, colour := range r.Of {
			names[j] = colour.String()
		}
		text := fmt.Sprintf("rule %d: %s when %s %s %s", i+1, r.Colour, strings.Join(names, " + "), r.Operator, shareText(r.Share))
		if r.AtLeast > 0 {
			text += fmt.Sprintf(" and at least %d enterprises", r.AtLeast)
		}
		fmt.Fprintf(w, "%s: %d enterprises, %s, %s\n", text, r.Count, shareText(r.ShareFound), map[bool]string{true: "holds", false: "does not hold"}[r.Held])
	}
	if l.Rule > 0 {
		fmt.Fprintf(w, "colour %s by rule %d, the first that holds\n", l.Colour, l.Rule)
	} else {
		fmt.Fprintf(w, "colour %s: no rule holds\n", l.Colour)
	}
	if l.Better != nil {
		fmt.Fprintf(w, "%s when at least %d enterprises more become green\n", l.Better.Colour, l.Better.Enterprises)
	}
	if l.Worse != nil {
		fmt.Fprintf(w, "%s when %d enterprises more become red\n", l.Worse.Colour, l.Worse.Enterprises)
	}
}
