package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"
	"healthcode/web"

	"github.com/spf13/cobra"
)

func (p *program) explainCommand() *cobra.Command {
	var asOf, knownAt, language string
	c := &cobra.Command{
		Use: "explain USCC", Short: "Show the reasons for a grade, the way up, and where every point comes from", Args: arguments("USCC"),
		Long: "Shows at most four reasons, what would lift the grade, the start, every record's points, quiet time, gates and vetoes; the points\n" +
			"add up to the index exactly. Without dates it explains the current grade; with them it computes the grade of that day again,\n" +
			"knowing what was known then.",
		Example: "  healthcode explain 91350100M000100Y43\n  healthcode explain 91350100M000100Y43 --as-of 2026-06-30 --known-at 2026-07-01T00:00:00+08:00 --json",
	}
	p.jsonFlag(c)
	c.Flags().StringVar(&asOf, "as-of", "", "day, YYYY-MM-DD (default that of the current grade)")
	c.Flags().StringVar(&knownAt, "known-at", "", "what was known at this instant, RFC 3339 (default that of the current grade)")
	c.Flags().StringVar(&language, "lang", string(web.English), "language of the reasons and the way up: zh-CN or en")
	c.RunE = func(c *cobra.Command, given []string) error {
		code, err := parseCode(c, given[0])
		if err != nil {
			return err
		}
		lang, known := web.ParseLanguage(language)
		if !known {
			return usage(c, "--lang %q is not known: zh-CN or en", language)
		}
		at := moment{}
		if at.asOf, err = parseDayFlag(c, "as-of", asOf); err != nil {
			return err
		}
		if at.knownAt, err = parseInstantFlag(c, "known-at", knownAt); err != nil {
			return err
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			x, err := p.explain(c.Context(), db, code, at)
			if err != nil {
				return err
			}
			if p.json {
				return p.print(x)
			}
			words, err := tell(c.Context(), db, x, lang)
			if err != nil {
				return err
			}
			return p.printExplanation(x, words)
		})
	}
	return c
}

// moment is the two dates and the model of an explanation.
type moment struct {
	asOf    registry.Day
	knownAt time.Time
	model   schema.ModelRef
}

func (p *program) explain(ctx context.Context, db *schema.DB, code registry.USCC, at moment) (*scoring.Explanation, error) {
	at, err := p.complete(ctx, db, code, at)
	if err != nil {
		return nil, err
	}
	model, err := jobs.ParseStored(ctx, db, at.model.Code, at.model.Version)
	if err != nil {
		return nil, err
	}
	evidence, err := db.EvidenceOf(ctx, code, at.asOf, at.knownAt)
	if err != nil {
		return nil, err
	}
	x := scoring.NewAssessor(model).Explain(evidence, at.asOf, at.knownAt)
	return &x, nil
}

// complete fills in what was not said: from the current grade, or from today when there is none or another day is asked for.
func (p *program) complete(ctx context.Context, db *schema.DB, code registry.USCC, at moment) (moment, error) {
	current, err := db.Assessment(ctx, code)
	if err != nil && !errors.Is(err, schema.ErrNotFound) {
		return at, err
	}
	if current != nil && at.asOf == 0 && at.knownAt.IsZero() {
		return moment{current.AsOf, current.KnownAt, current.Model}, nil
	}
	if at.asOf == 0 {
		at.asOf = p.today()
	}
	if at.knownAt.IsZero() {
		if at.knownAt, err = db.Know(ctx); err != nil {
			return at, err
		}
	}
	active, err := db.ActiveModelAt(ctx, at.knownAt)
	if err != nil {
		return at, fmt.Errorf("find the model of that time: %w", err)
	}
	at.model = active.ModelRef
	return at, nil
}

// tell puts the reasons and the way up into words, with the names of products.
func tell(ctx context.Context, db *schema.DB, x *scoring.Explanation, language web.Language) (web.Words, error) {
	teller := web.Teller{Lang: language, Products: map[string]string{}}
	for _, code := range web.ProductCodes(x) {
		product, err := db.Product(ctx, code)
		if errors.Is(err, schema.ErrNotFound) {
			continue
		}
		if err != nil {
			return web.Words{}, fmt.Errorf("name product %s: %w", code, err)
		}
		teller.Products[code] = product.Name
	}
	return teller.Words(x), nil
}

func printWords(w io.Writer, words web.Words) {
	for i, r := range words.Reasons {
		fmt.Fprintf(w, "%d. %s\n   %s\n", i+1, r.Text, r.Advice)
	}
	if len(words.Reasons) > 0 {
		fmt.Fprintln(w)
	}
	for _, text := range slices.Concat(words.Actions, words.Time) {
		fmt.Fprintf(w, "^ %s\n", text)
	}
	fmt.Fprintln(w)
}

func (p *program) printExplanation(x *scoring.Explanation, words web.Words) error {
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s  as of %s, knowing what was known at %s, model %s/%d\n", x.USCC, x.AsOf, x.KnownAt.In(registry.Shanghai).Format(time.RFC3339), x.Model.Code, x.Model.Version)
	fmt.Fprintf(w, "index %s  tier %s  colour %s  evidence %s\n", points(x.Index), x.Tier, x.Colour, x.Evidence)
	if x.EarnedTier != x.Tier || x.EarnedColour != x.Colour {
		fmt.Fprintf(w, "earned today: tier %s, colour %s; a rise is one step a cycle\n", x.EarnedTier, x.EarnedColour)
	}
	fmt.Fprintln(w)
	printWords(w, words)
	fmt.Fprintf(w, "points\tdate\twhat\treference\tnote\n%s\t\tstart: what peers have\t\t\n", points(x.StartPoints))
	for _, r := range x.Records {
		fmt.Fprintf(w, "%+.2f\t%s\t%s %s %s\t%s/%s\t%s %s\n", float64(r.Points)/100, r.OccurredOn, r.Kind, r.Outcome, r.Severity, r.Source, r.SourceRef, r.Note, r.With)
	}
	for _, q := range x.Quiet {
		fmt.Fprintf(w, "%+.2f\t\tquiet time in %s: %d blocks of 30 days\t\t\n", float64(q.Points)/100, q.Dimension, q.Blocks)
	}
	fmt.Fprintf(w, "%s\t\tindex\t\t\n\n", points(x.Index))
	for _, g := range x.Gates {
		fmt.Fprintf(w, "gate of %s: %s %s %d: %s, %s\n", g.Tier, g.Fact, g.Operator, g.Value, foundBy(&g), map[bool]string{true: "open", false: "closed"}[g.Held])
	}
	for _, v := range x.Vetoes {
		fmt.Fprintf(w, "veto to %s: %s is %d\n", v.Colour, v.Fact, v.Actual)
	}
	if x.NextChangeOn != 0 {
		fmt.Fprintf(w, "time alone changes the grade on %s\n", x.NextChangeOn)
	}
	fmt.Fprintf(w, "digest %s\n", x.Digest)
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the explanation: %w", err)
	}
	return nil
}

func points(hundredths int32) string { return fmt.Sprintf("%.2f", float64(hundredths)/100) }

// foundBy writes what a gate found; days since what never happened have no number.
func foundBy(g *scoring.GateResult) string {
	if g.Never() {
		return "never"
	}
	return strconv.Itoa(int(g.Actual))
}
