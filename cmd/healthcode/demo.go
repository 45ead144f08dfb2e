package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"healthcode/api"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/samplecity"
	"healthcode/schema"
	"healthcode/web"

	"github.com/spf13/cobra"
)

// demo says with which invented city a folder was filled. It stands in the folder as demo.json.
type demo struct {
	Seed        uint64       `json:"seed"`
	Enterprises int          `json:"enterprises"`
	Today       registry.Day `json:"today"`
	Complete    bool         `json:"complete"` // false while the city is being loaded

	Lists  [][]demoAct `json:"lists,omitempty"`  // who goes on which list, until that is done
	Listed bool        `json:"listed,omitempty"` // it is done
}

func (p *program) demoCommand() *cobra.Command {
	var once bool
	var listen, today string
	want := demo{}
	keys := &keyFlags{}
	c := &cobra.Command{
		Use: "demo", Short: "Build an invented city, grade it, issue its codes and serve it", Args: arguments(),
		Long: "Builds an invented city (the divisions of Jiaxing are real, every enterprise is invented), grades it, issues a code for each\n" +
			"enterprise and serves the pages. A folder that holds a demo already is served as it is.",
		Example: "  healthcode demo\n  healthcode demo --once --dir /tmp/city --enterprises 5000 --seed 7 --json",
	}
	p.jsonFlag(c)
	keys.add(c)
	c.Flags().BoolVar(&once, "once", false, "build everything, print the counts and exit")
	c.Flags().IntVar(&want.Enterprises, "enterprises", 2000, "how many enterprises")
	c.Flags().Uint64Var(&want.Seed, "seed", 1, "the same seed gives the same city")
	c.Flags().StringVar(&today, "today", "", "the city's day, YYYY-MM-DD (default today)")
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "loopback address and port; port 0 takes any")
	c.RunE = func(c *cobra.Command, _ []string) (err error) {
		if !c.Flags().Changed("dir") {
			p.dir = "healthcode-demo"
		}
		if want.Today, err = parseDayFlag(c, "today", today); err != nil {
			return err
		}
		if want.Today == 0 {
			want.Today = p.today()
		}
		if want.Enterprises < 1 || want.Enterprises > samplecity.MaxEnterprises || want.Today > p.today() {
			return usage(c, "want --enterprises from 1 to %d and --today not after %s", samplecity.MaxEnterprises, p.today())
		}
		return p.withNewDB(c.Context(), func(db *schema.DB) error {
			if err := p.buildDemo(c.Context(), db, want, keys, c.Flags().Changed); err != nil {
				return err
			}
			if once {
				return p.reportDemo(c.Context(), db)
			}
			return p.serve(c.Context(), db, serving{listening: api.Listening{Address: listen}, keys: keys, history: listHistoryDays,
				rateAddress: api.DefaultRateAddress, rateKey: api.DefaultRateKey, liveCodes: api.DefaultLiveCodes})
		})
	}
	return c
}

func demoPath(dir string) string { return filepath.Join(dir, "demo.json") }

// readDemo returns what the folder says about its demo, or nil when its data are real.
func readDemo(dir string) (*demo, error) {
	data, err := os.ReadFile(demoPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the demo's description: %w", err)
	}
	d := &demo{}
	if err := json.Unmarshal(data, d); err != nil {
		return nil, fmt.Errorf("read %s: %w", demoPath(dir), err)
	}
	return d, nil
}

func (d *demo) write(dir string) error {
	data, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("describe the demo: %w", err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	half := demoPath(dir) + ".new" // a kill leaves the old description or the new one
	if err := os.WriteFile(half, data, 0o644); err != nil {
		return fmt.Errorf("describe the demo: %w", err)
	}
	if err := os.Rename(half, demoPath(dir)); err != nil {
		return fmt.Errorf("describe the demo: %w", err)
	}
	return nil
}

// show makes every page say that the data are invented, and lists the showcases.
func (d *demo) show(c *api.Config) {
	if d == nil {
		return
	}
	c.Demo = true
	showcases := samplecity.Generate(d.Seed, d.Enterprises, d.Today).Showcases()
	c.DemoAccounts = listAccounts(showcases[0].USCC)
	for _, s := range showcases {
		c.Showcases = append(c.Showcases, api.Showcase{USCC: s.USCC, Title: web.Phrase{ZhCN: s.TitleZH, En: s.TitleEN}, Text: web.Phrase{ZhCN: s.TextZH, En: s.TextEN}})
	}
}

// buildDemo fills an empty database with the city, or goes on with a folder that holds one, and runs the jobs once.
func (p *program) buildDemo(ctx context.Context, db *schema.DB, want demo, keys *keyFlags, given func(flag string) bool) error {
	have, err := readDemo(p.dir)
	if err != nil {
		return err
	}
	count, err := db.CountEnterprises(ctx)
	if err != nil {
		return err
	}
	switch {
	case have == nil && count > 0:
		return fmt.Errorf("%s holds data that are not a demo: choose another --dir", p.dir)
	case have != nil && (given("seed") && have.Seed != want.Seed || given("enterprises") && have.Enterprises != want.Enterprises || given("today") && have.Today != want.Today):
		return fmt.Errorf("%s holds the demo of seed %d with %d enterprises of %s: choose another --dir or remove it", p.dir, have.Seed, have.Enterprises, have.Today)
	case have != nil:
		want = *have
	}
	asOf := registry.Day(0) // a demo that is opened again is graded as of today
	if !want.Complete {
		asOf = want.Today
		if err := p.loadCity(ctx, db, &want); err != nil {
			return err
		}
	}
	own := samplecity.Generate(want.Seed, want.Enterprises, want.Today).Showcases()[0].USCC
	if err := p.inviteDemo(ctx, db, own); err != nil {
		return err
	}
	if err := p.pleadDemo(ctx, db, own, want.Today); err != nil {
		return err
	}
	key, err := p.signer(ctx, db, keys)
	if err != nil {
		return err
	}
	if !want.Listed && want.Lists == nil { // lists ask for how long a grade has been held
		if _, err := p.recompute(ctx, &jobs.Recompute{DB: db, Clock: p.now, AsOf: want.Today - demoHistory, Lease: recomputeLease}); err != nil {
			return err
		}
	}
	if _, err := p.recompute(ctx, &jobs.Recompute{DB: db, Clock: p.now, AsOf: asOf, Lease: recomputeLease}); err != nil {
		return err
	}
	_, err = p.issueCodes(ctx, &jobs.Reissue{Issuer: &jobs.Issuer{DB: db, Signer: key, Clock: p.now}, Missing: true, Lease: recomputeLease})
	if err != nil {
		return err
	}
	if err := p.listDemo(ctx, db, &want, own, asOf); err != nil {
		return fmt.Errorf("fill the lists of the demo: %w", err)
	}
	if err := p.demoRoot(ctx, db, key.PublicKey().Issuer); err != nil {
		return err
	}
	return p.publishDue(ctx, &jobs.Publish{DB: db, Signer: key, Clock: p.now})
}

func (p *program) issueCodes(ctx context.Context, job *jobs.Reissue) (*schema.Run, error) {
	bar := p.newProgress("issuing codes", "enterprises", -1)
	defer bar.finish()
	job.Progress = bar.set
	run, err := job.RunOnce(ctx)
	if errors.Is(err, schema.ErrRunning) {
		p.say("another process is issuing codes, or was killed a moment ago: waiting up to %s", recomputeLease+time.Second)
		if err := wait(ctx, recomputeLease+time.Second); err != nil {
			return nil, err
		}
		run, err = job.RunOnce(ctx)
	}
	return run, err
}

// loadCity stores the city. When it was stopped in the middle, the next call stores what is missing.
func (p *program) loadCity(ctx context.Context, db *schema.DB, d *demo) error {
	if err := d.write(p.dir); err != nil {
		return err
	}
	city := samplecity.Generate(d.Seed, d.Enterprises, d.Today)
	// The register itself was known before anything happened: the city's records begin three years before its day.
	options := schema.PutOptions{FirstLoad: true, KnownAt: (d.Today - 4*366).Time()}
	if _, err := db.PutRegions(ctx, city.Regions()); err != nil {
		return fmt.Errorf("store the regions: %w", err)
	}
	if _, err := db.PutProducts(ctx, city.Products(), options); err != nil {
		return fmt.Errorf("store the products: %w", err)
	}
	bar := p.newProgress("building the city", "enterprises", int64(city.Len()))
	defer bar.finish()
	var firms []registry.Enterprise
	var records []registry.Record
	stored := int64(0)
	store := func() error {
		if err := storeCity(ctx, db, firms, records, options); err != nil {
			return err
		}
		stored += int64(len(firms))
		bar.set(stored, int64(city.Len()))
		firms, records = firms[:0], records[:0]
		return nil
	}
	for firm, its := range city.All() {
		firms, records = append(firms, *firm), append(records, numbered(its)...)
		if len(records) >= importBatch {
			if err := store(); err != nil {
				return err
			}
		}
	}
	if err := store(); err != nil {
		return err
	}
	d.Complete = true
	return d.write(p.dir)
}

// numbered gives the revisions of one enterprise's records their numbers, so that storing them again changes nothing.
func numbered(records []registry.Record) []registry.Record {
	seen := map[[2]string]int{}
	for i := range records {
		r := &records[i]
		key := [2]string{r.Source, r.SourceRef}
		seen[key]++
		r.Revision = seen[key]
	}
	return records
}

func storeCity(ctx context.Context, db *schema.DB, firms []registry.Enterprise, records []registry.Record, options schema.PutOptions) error {
	put, err := db.PutEnterprises(ctx, firms, options)
	if err != nil {
		return fmt.Errorf("store enterprises: %w", err)
	}
	if err := nothingRefused(put); err != nil {
		return err
	}
	put, err = db.PutRecords(ctx, records, schema.PutOptions{FirstLoad: true})
	if err != nil {
		return fmt.Errorf("store records: %w", err)
	}
	return nothingRefused(put)
}

func nothingRefused(results []schema.PutResult) error {
	for _, r := range results {
		if r.Outcome == schema.Refused {
			return fmt.Errorf("the invented city was refused: %w", registry.Problems{r.Problem})
		}
	}
	return nil
}

// demoReport is what demo --once prints.
type demoReport struct {
	Enterprises int            `json:"enterprises"`
	Records     int            `json:"records"`
	Assessed    int            `json:"assessed"`
	Codes       int            `json:"codes"`
	Tiers       map[string]int `json:"tiers"`
	Colours     map[string]int `json:"colours"`
}

func (p *program) reportDemo(ctx context.Context, db *schema.DB) error {
	var report demoReport
	var err error
	for _, count := range []struct {
		into *int
		of   func(context.Context) (int, error)
	}{{&report.Enterprises, db.CountEnterprises}, {&report.Records, db.CountRecords}, {&report.Codes, db.CountCodes}} {
		if *count.into, err = count.of(ctx); err != nil {
			return err
		}
	}
	if report.Tiers, report.Colours, err = distribution(ctx, db); err != nil {
		return err
	}
	for _, n := range report.Tiers {
		report.Assessed += n
	}
	if p.json {
		return p.print(report)
	}
	p.say("%d enterprises, %d records, %d graded, %d codes", report.Enterprises, report.Records, report.Assessed, report.Codes)
	p.sayShares(report.Tiers, report.Colours)
	return nil
}
