package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"

	"github.com/spf13/cobra"
)

// productLine is a product with its computed risk as products prints it.
type productLine struct {
	AsOf    registry.Day      `json:"as_of"`
	KnownAt time.Time         `json:"known_at"`
	Model   scoring.ModelName `json:"model"`
	scoring.ProductGrade
}

func (p *program) productsCommand() *cobra.Command {
	var asOf, knownAt string
	c := &cobra.Command{
		Use: "products [CODE]", Short: "Show the risk that records say of each product, or why of one", Args: atMostOne,
		Long: "Computes the risk of every product from the records about it, of all enterprises, and from its sensitivity factors, and compares\n" +
			"it with the level that the catalogue declares. Grading uses the declared level: changing it is up to people. With a CODE it shows\n" +
			"where the loss of that product comes from.",
		Example: "  healthcode products\n  healthcode products HA01\n  healthcode products --as-of 2026-06-30 --known-at 2026-07-01T00:00:00+08:00 --json",
	}
	c.Flags().BoolVar(&p.json, "json", false, "print one JSON object a product, one a line")
	c.Flags().StringVar(&asOf, "as-of", "", "day, YYYY-MM-DD (default today)")
	c.Flags().StringVar(&knownAt, "known-at", "", "what was known at this instant, RFC 3339 (default now)")
	c.RunE = func(c *cobra.Command, given []string) error {
		at, err := productMoment(c, asOf, knownAt)
		if err != nil {
			return err
		}
		return p.withDB(c.Context(), func(db *schema.DB) error {
			lines, err := p.productLines(c.Context(), db, at)
			if err != nil {
				return err
			}
			return p.reportProducts(lines, given)
		})
	}
	return c
}

func productMoment(c *cobra.Command, asOf, knownAt string) (at moment, err error) {
	if at.asOf, err = parseDayFlag(c, "as-of", asOf); err != nil {
		return at, err
	}
	at.knownAt, err = parseInstantFlag(c, "known-at", knownAt)
	return at, err
}

// productLines computes the risk of every product in one pass over the records.
func (p *program) productLines(ctx context.Context, db *schema.DB, at moment) ([]productLine, error) {
	model, err := jobs.ParseActive(ctx, db)
	if err != nil {
		return nil, err
	}
	if at.asOf == 0 {
		at.asOf = p.today()
	}
	if at.knownAt.IsZero() {
		if at.knownAt, err = db.Know(ctx); err != nil {
			return nil, err
		}
	}
	catalogue, err := db.ProductsAt(ctx, at.asOf, at.knownAt)
	if err != nil {
		return nil, err
	}
	risks := scoring.NewProductRisks(model, at.asOf, catalogue)
	if err := p.gatherProducts(ctx, db, at, risks); err != nil {
		return nil, err
	}
	var lines []productLine
	name := scoring.ModelName{Code: model.Code, Version: model.Version, Digest: model.Digest()}
	for _, risk := range risks.All() {
		lines = append(lines, productLine{AsOf: at.asOf, KnownAt: at.knownAt.UTC(), Model: name, ProductGrade: risk})
	}
	return lines, nil
}

func (p *program) gatherProducts(ctx context.Context, db *schema.DB, at moment, risks *scoring.ProductRisks) error {
	enterprises, err := db.CountEnterprises(ctx)
	if err != nil {
		return err
	}
	bar := p.newProgress("reading records", "enterprises", int64(enterprises))
	defer bar.finish()
	seen := 0
	return db.ProductFacts(ctx, at.asOf, at.knownAt, func(code registry.USCC, facts []scoring.Fact) error {
		risks.Add(code, facts)
		if seen++; seen%1000 == 0 {
			bar.set(int64(seen), int64(enterprises))
		}
		return nil
	})
}

func (p *program) reportProducts(lines []productLine, given []string) error {
	if len(given) == 1 {
		lines = oneProduct(lines, given[0])
		if len(lines) == 0 {
			return fmt.Errorf("no product had the code %.40q then", given[0])
		}
	}
	if p.json {
		return printLines(p, lines)
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "code\tdeclared\tcomputed\tproposal\tloss\tprior\trecords\tenterprises\tname")
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\n", l.Code, l.Declared, l.Computed, l.Proposal, ppm(int64(l.LossPPM)), ppm(l.Prior.Mu), l.Records, l.Enterprises, l.Name)
	}
	if len(given) == 1 {
		explainProduct(w, &lines[0])
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the products: %w", err)
	}
	return nil
}

func oneProduct(lines []productLine, code string) []productLine {
	for i := range lines {
		if lines[i].Code == code {
			return lines[i : i+1]
		}
	}
	return nil
}

func explainProduct(w *tabwriter.Writer, l *productLine) {
	fmt.Fprintf(w, "\nas of %s, knowing what was known at %s, model %s/%d\n", l.AsOf, l.KnownAt.In(registry.Shanghai).Format(time.RFC3339), l.Model.Code, l.Model.Version)
	if l.Reason != "" {
		fmt.Fprintf(w, "reason for the declared level: %s\n", l.Reason)
	}
	switch {
	case l.HeldByPrior:
		fmt.Fprintf(w, "too little clean evidence (%.1f checks): not below %s, the level of its sensitivity factors\n", float64(l.Good)/1e6, l.PriorLevel)
	case !l.Enough:
		fmt.Fprintf(w, "little clean evidence: %.1f checks\n", float64(l.Good)/1e6)
	}
	fmt.Fprintf(w, "\nloss\twhat\trecords\n%s\tprior: base %s, licence duty %s, users %s, attention %s\t\n", ppm(l.Prior.Mu), ppm(l.Prior.Base),
		signedPPM(l.Prior.Licence), signedPPM(l.Prior.Users), signedPPM(l.Prior.Attention))
	for _, g := range l.Groups {
		fmt.Fprintf(w, "%s\t%s %s %s\t%d\n", signedPPM(int64(g.Points)), g.Kind, g.Outcome, g.Severity, g.Records)
	}
	fmt.Fprintf(w, "%s\tloss: level %s\t%d\n\nof that\tenterprise\trecords\n", ppm(int64(l.LossPPM)), l.Computed, l.Records)
	for _, m := range l.Makers {
		fmt.Fprintf(w, "%s\t%s\t%d\n", signedPPM(int64(m.Points)), m.USCC, m.Records)
	}
}

// ppm writes millionths as per cent.
func ppm(n int64) string { return fmt.Sprintf("%.4f %%", float64(n)/10_000) }

func signedPPM(n int64) string { return fmt.Sprintf("%+.4f %%", float64(n)/10_000) }
