package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"

	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"
	"healthcode/web"

	"github.com/spf13/cobra"
)

// backtestFlags are the words of the command.
type backtestFlags struct {
	from, to, horizon, step, label, purpose, model, html, language, observations, calibrate string
	without                                                                                 []string
	minChecks, replicates                                                                   int
	seed                                                                                    uint64
	knownAsOccurred                                                                         bool
}

func (p *program) backtestCommand() *cobra.Command {
	var f backtestFlags
	c := &cobra.Command{
		Use: "backtest", Short: "Grade at past days with what was known then, and look at what came after", Args: arguments(),
		Long: "Grades every enterprise at past days with nothing but what had happened and was known then, and compares the grades with the\n" +
			"checks that came after: AUC, KS, Gini with bootstrap intervals beside naive rankings of the same checks, calibration, failure rate\n" +
			"by colour, stability, bunching above the cuts, differences by size and area. Colours are the published ones, after the rules of movement.\n\n" +
			"  --horizon 365d  grades at --from and the same day of each following month; bad when any check of the next 365 days is\n" +
			"  --horizon next  each check from --from on is tested against the grade of the day before\n\n" +
			"Labels: any-bad (failed spot check, or a visit with any finding), major (the same at major or worse), critical, failed-check\n" +
			"(failed spot checks only). An enterprise without a check in the horizon is left out: nobody knows how it fared.\n\n" +
			"History that was loaded in one go is known only from that day on, so nothing was known before it. --known-as-occurred counts the first\n" +
			"revision of each record as known on the day on which it occurred. Corrections still count only from when they came. Use it for\n" +
			"loaded history only: for a live system it hides how late news arrives.\n\n" +
			"--calibrate shows what the model can do in a population for which its peers (and cuts) were never estimated: they are, from the past alone.",
		Example: "  healthcode backtest --from 2025-01-01 --to 2025-10-31 --horizon 365d --html report.html\n" +
			"  healthcode backtest --from 2018-01-01 --horizon next --label major --purpose random --known-as-occurred --without complaint --json\n" +
			"  healthcode backtest --from 2018-01-01 --horizon next --known-as-occurred --calibrate cuts",
	}
	p.jsonFlag(c)
	f.add(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		options, err := f.options(c, p.today())
		if err != nil {
			return err
		}
		return p.withDB(c.Context(), func(db *schema.DB) error { return p.backtest(c.Context(), db, options, &f) })
	}
	return c
}

func (f *backtestFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.from, "from", "", "first day, YYYY-MM-DD (required)")
	flags.StringVar(&f.to, "to", "", "last day, YYYY-MM-DD (default the last whose horizon has passed)")
	flags.StringVar(&f.horizon, "horizon", "365d", "days after a grade in which outcomes count, such as 365d; or next")
	flags.StringVar(&f.step, "step", scoring.StepMonth, "between the days of grades: month or quarter (not with --horizon next)")
	flags.StringVar(&f.label, "label", scoring.LabelMajor.String(), "which checks are bad: "+strings.Join(scoring.LabelNames(), ", "))
	flags.StringVar(&f.purpose, "purpose", "", "outcomes and naive rankings of one purpose only: random or targeted. Targeted checks look where trouble is expected")
	flags.IntVar(&f.minChecks, "min-checks", 1, "earlier checks like the outcomes that an enterprise must have had in three years")
	flags.StringArrayVar(&f.without, "without", nil, "also the model without this dimension, to see what it adds; may be given again")
	flags.StringVar(&f.model, "model", "", "a model file instead of the active model")
	flags.StringVar(&f.calibrate, "calibrate", "", "test the model with its peers estimated from what was known on the day before --from: peers, or cuts for peers and the cuts of tiers")
	flags.BoolVar(&f.knownAsOccurred, "known-as-occurred", false, "for loaded history: records count as known on the day they occurred")
	flags.IntVar(&f.replicates, "bootstrap", 200, "replicates of the bootstrap, 0 to 10000")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of the bootstrap")
	flags.StringVar(&f.html, "html", "", "also write a report to this file")
	flags.StringVar(&f.observations, "observations", "", "also write every observation to this CSV file, to compute the statistics anew or to join other labels")
	flags.StringVar(&f.language, "lang", "zh-CN", "language of the report: zh-CN or en")
}

// options turns words into options. The model is still missing.
func (f *backtestFlags) options(c *cobra.Command, today registry.Day) (o scoring.BacktestOptions, err error) {
	if f.from == "" {
		return o, usage(c, "--from is missing")
	}
	o.MinChecks, o.Purpose, o.KnownAsOccurred, o.Replicates, o.Seed = f.minChecks, f.purpose, f.knownAsOccurred, f.replicates, f.seed
	if o.From, err = parseDayFlag(c, "from", f.from); err != nil {
		return o, err
	}
	if o.Horizon, err = parseHorizon(c, f.horizon); err != nil {
		return o, err
	}
	if o.Horizon > 0 {
		o.Step = f.step
	}
	last := today - registry.Day(o.Horizon)
	o.To = last
	if f.to != "" {
		if o.To, err = parseDayFlag(c, "to", f.to); err != nil {
			return o, err
		}
	}
	if o.To > last {
		return o, usage(c, "--to: outcomes of %s are known on %s at the earliest", o.To, o.To+registry.Day(o.Horizon))
	}
	if o.To < o.From {
		return o, usage(c, "--from %s is after the last day, %s", o.From, o.To)
	}
	if err := o.Label.UnmarshalText([]byte(f.label)); err != nil {
		return o, usage(c, "--label: %v", err)
	}
	if err := f.checkChoices(c); err != nil {
		return o, err
	}
	for _, name := range f.without {
		var d scoring.Dimension
		if err := d.UnmarshalText([]byte(name)); err != nil {
			return o, usage(c, "--without: %v", err)
		}
		o.Without = append(o.Without, d)
	}
	return o, nil
}

func (f *backtestFlags) checkChoices(c *cobra.Command) error {
	switch {
	case f.step != scoring.StepMonth && f.step != scoring.StepQuarter:
		return usage(c, "--step: %q; want month or quarter", f.step)
	case f.purpose != "" && f.purpose != registry.PurposeRandom && f.purpose != registry.PurposeTargeted:
		return usage(c, "--purpose: %q; want random or targeted", f.purpose)
	case f.language != string(web.Chinese) && f.language != string(web.English):
		return usage(c, "--lang: %q; want zh-CN or en", f.language)
	case f.calibrate != "" && f.calibrate != "peers" && f.calibrate != "cuts":
		return usage(c, "--calibrate: %q; want peers or cuts", f.calibrate)
	case f.replicates < 0 || f.replicates > 10_000:
		return usage(c, "--bootstrap: %d; want 0 to 10000", f.replicates)
	case f.minChecks < 0:
		return usage(c, "--min-checks: %d; want 0 or more", f.minChecks)
	}
	return nil
}

// parseHorizon reads 365d or next, which is 0.
func parseHorizon(c *cobra.Command, text string) (int, error) {
	if text == "next" {
		return 0, nil
	}
	days, err := strconv.Atoi(strings.TrimSuffix(text, "d"))
	if err != nil || days < 1 || days > 3650 || !strings.HasSuffix(text, "d") {
		return 0, usage(c, "--horizon: %.20q; want days such as 365d (1d to 3650d), or next", text)
	}
	return days, nil
}

func (p *program) backtest(ctx context.Context, db *schema.DB, o scoring.BacktestOptions, f *backtestFlags) error {
	var err error
	if o.Model, err = backtestModel(ctx, db, f.model); err != nil {
		return err
	}
	total, err := db.CountEnterprises(ctx)
	if err != nil {
		return err
	}
	source := func(ctx context.Context, yield func(scoring.Dossier) error) error {
		return db.Histories(ctx, schema.KeyRange{}, func(h *scoring.History) error { return yield(h) })
	}
	if f.calibrate != "" {
		if err := scoring.CalibrateBefore(ctx, source, &o, f.calibrate == "cuts"); err != nil {
			return err
		}
	}
	observations, err := newObservationFile(f.observations)
	if err != nil {
		return err
	}
	o.Each = observations.write
	bar := p.newProgress("grading the past", "enterprises", int64(total))
	o.Progress = func(done int64) { bar.set(done, int64(total)) }
	r, err := scoring.Backtest(ctx, source, o)
	bar.finish()
	err = errors.Join(err, observations.close())
	if errors.Is(err, scoring.ErrNothingToTest) && !o.KnownAsOccurred {
		return fmt.Errorf("%w (for history that was loaded in one go: --known-as-occurred)", err)
	}
	if err != nil {
		return err
	}
	if f.html != "" {
		if err := writeReport(f.html, f.language, r); err != nil {
			return err
		}
	}
	if p.json {
		return p.print(r)
	}
	return p.printBacktest(r)
}

// backtestModel reads the model to test: a file, or the active one.
func backtestModel(ctx context.Context, db *schema.DB, file string) (*scoring.Model, error) {
	if file != "" {
		return parseModelFile(file)
	}
	m, err := jobs.ParseActive(ctx, db)
	if errors.Is(err, schema.ErrNotFound) {
		return scoring.DefaultModel(), nil
	}
	return m, err
}

// observationFile writes observations as CSV; without a name it does nothing.
type observationFile struct {
	file *os.File
	rows *csv.Writer
}

func newObservationFile(name string) (*observationFile, error) {
	if name == "" {
		return &observationFile{}, nil
	}
	file, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("write observations: %w", err)
	}
	o := &observationFile{file: file, rows: csv.NewWriter(file)}
	return o, o.rows.Write([]string{"uscc", "as_of", "index", "tier", "colour", "bad", "last_result", "decayed_severity", "failure_share"})
}

// write adds a row. What goes wrong is kept by the CSV writer and told by close.
func (o *observationFile) write(x *scoring.Observation) {
	if o.rows == nil {
		return
	}
	row := []string{string(x.USCC), x.AsOf.String(), points(x.Index), x.Tier.String(), x.Colour.String(), strconv.FormatBool(x.Bad)}
	for _, risk := range x.Naive {
		row = append(row, strconv.FormatFloat(risk, 'f', 6, 64))
	}
	_ = o.rows.Write(row) // csv.Writer keeps its first error
}

func (o *observationFile) close() error {
	if o.rows == nil {
		return nil
	}
	o.rows.Flush()
	if err := errors.Join(o.rows.Error(), o.file.Close()); err != nil {
		return fmt.Errorf("write observations: %w", err)
	}
	return nil
}

func writeReport(name, language string, r *scoring.BacktestResult) (err error) {
	file, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return web.WriteBacktest(file, web.Language(language), r)
}

func (p *program) printBacktest(r *scoring.BacktestResult) error {
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%d observations of %d enterprises, %d bad (%.1f %%), label %s, model %s/%d\n\n", r.Observations, r.Enterprises, r.Failures,
		100*float64(r.Failures)/float64(r.Observations), r.Protocol.Label, r.Model.Code, r.Model.Version)
	if on := r.Protocol.CalibratedOn; on != 0 {
		fmt.Fprintf(w, "peers estimated from what was known on %s\n\n", on)
	}
	fmt.Fprintf(w, "ranking\tAUC\t95 %%\tKS\tGini\tindex ahead by\n")
	line := func(prefix string, s *scoring.Separation) {
		ahead := ""
		if s.Ahead != nil {
			ahead = fmt.Sprintf("%+.3f (%+.3f to %+.3f)", s.Ahead.Value, s.Ahead.Low, s.Ahead.High)
		}
		fmt.Fprintf(w, "%s%s\t%.3f\t%.3f to %.3f\t%.3f\t%.3f\t%s\n", prefix, s.Name, s.AUC.Value, s.AUC.Low, s.AUC.High, s.KS.Value, s.Gini.Value, ahead)
	}
	line("", &r.Index)
	for i := range r.Naive {
		line("", &r.Naive[i])
	}
	for i := range r.Without {
		line("without ", &r.Without[i])
	}
	fmt.Fprintf(w, "\ngrade\tn\tbad\trate\t95 %%\n")
	for _, g := range append(append([]scoring.Group{}, r.Colours...), r.Tiers...) {
		fmt.Fprintf(w, "%s\t%d\t%d\t%.3f\t%.3f to %.3f\n", g.Name, g.N, g.Failures, g.Rate, g.Low, g.High)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the back-test: %w", err)
	}
	for _, warning := range r.Warnings {
		p.say("%s", warning)
	}
	return nil
}
