package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"healthcode/exchange"
	"healthcode/registry"
	"healthcode/schema"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

// importBatch is how many rows are stored in one transaction: what a kill can cost at most, and has to be sent again.
const importBatch = 1000

// importFlags are the flags of import.
type importFlags struct {
	mapping, source, format, delimiter, sheet string
	firstLoad                                 bool
}

func (p *program) importCommand() *cobra.Command {
	f := &importFlags{}
	c := &cobra.Command{
		Use: "import KIND FILE", Short: "Import enterprises, products, regions or records from CSV, XLSX or NDJSON", Args: arguments("KIND", "FILE"),
		Long: "Imports a file of enterprises, products, regions or records. Good rows land; refused ones go to FILE.rejected.csv with what\n" +
			"would be right, to be mended and imported again. Importing the same file again changes nothing.",
		Example: "  healthcode import enterprises firms.xlsx\n  healthcode import records checks.csv --source bureau\n" +
			"  healthcode import records inspections.csv --map docs/examples/detroit-inspections.yaml",
	}
	p.jsonFlag(c)
	c.Flags().StringVar(&f.mapping, "map", "", "YAML file that maps foreign columns and values to ours")
	c.Flags().StringVar(&f.source, "source", "", "who sent the records, for rows that do not say so")
	c.Flags().StringVar(&f.format, "format", "", "csv, xlsx or ndjson (default: by the file's content)")
	c.Flags().StringVar(&f.delimiter, "delimiter", "", "of a CSV file: , ; | or tab (default: by its header)")
	c.Flags().StringVar(&f.sheet, "sheet", "", "of an XLSX file (default: the first)")
	c.Flags().BoolVar(&f.firstLoad, "first-load", false, "a first load of history: records may carry their own known_at")
	c.RunE = func(c *cobra.Command, given []string) error {
		put, known := importers[given[0]]
		if !known {
			return usage(c, "%q cannot be imported; want enterprises, products, regions or records", given[0])
		}
		report := importReport{Kind: given[0], File: given[1]}
		err := p.withNewDB(c.Context(), func(db *schema.DB) error { return put(c.Context(), p, db, f, &report) })
		if err != nil {
			return err
		}
		return p.reportImport(&report)
	}
	return c
}

// importReport is what import prints.
type importReport struct {
	Kind      string `json:"kind"`
	File      string `json:"file"`
	Rows      int    `json:"rows"`
	Added     int    `json:"added"`
	Changed   int    `json:"changed"`
	Unchanged int    `json:"unchanged"`
	Waiting   int    `json:"waiting"`
	Refused   int    `json:"refused"`
	Rejected  string `json:"rejected,omitempty"` // the file of refused rows
}

func (r *importReport) count(outcome schema.PutOutcome) {
	switch outcome {
	case schema.Added:
		r.Added++
	case schema.Changed:
		r.Changed++
	case schema.Unchanged:
		r.Unchanged++
	case schema.Waiting:
		r.Waiting++
	}
}

func (p *program) reportImport(r *importReport) error {
	if p.json {
		if err := p.print(r); err != nil {
			return err
		}
	} else {
		p.say("%d rows: %d added, %d changed, %d unchanged, %d waiting for their enterprise, %d refused", r.Rows, r.Added, r.Changed, r.Unchanged, r.Waiting, r.Refused)
	}
	if r.Refused > 0 {
		p.say("refused rows, with what would be right: %s", r.Rejected)
		return errQuiet
	}
	return nil
}

// importer imports one kind of thing.
type importer func(ctx context.Context, p *program, db *schema.DB, f *importFlags, report *importReport) error

var importers = map[string]importer{
	"enterprises": importOf(exchange.NewEnterpriseDecoder, func(db *schema.DB, o schema.PutOptions) putFunc[registry.Enterprise] {
		return func(ctx context.Context, rows []registry.Enterprise) ([]schema.PutResult, error) {
			return db.PutEnterprises(ctx, rows, o)
		}
	}),
	"products": importOf(exchange.NewProductDecoder, func(db *schema.DB, o schema.PutOptions) putFunc[registry.Product] {
		return func(ctx context.Context, rows []registry.Product) ([]schema.PutResult, error) {
			return db.PutProducts(ctx, rows, o)
		}
	}),
	"regions": importOf(exchange.NewRegionDecoder, func(db *schema.DB, _ schema.PutOptions) putFunc[registry.Region] {
		return db.PutRegions
	}),
	"records": importOf(exchange.NewRecordDecoder, func(db *schema.DB, o schema.PutOptions) putFunc[registry.Record] {
		return func(ctx context.Context, rows []registry.Record) ([]schema.PutResult, error) {
			return db.PutRecords(ctx, rows, o)
		}
	}),
}

type putFunc[T any] func(ctx context.Context, rows []T) ([]schema.PutResult, error)

// importOf joins a decoder and a store into an importer.
func importOf[T any](decoder func([]string, exchange.DecodeOptions) (*exchange.Decoder[T], error),
	store func(*schema.DB, schema.PutOptions) putFunc[T],
) importer {
	return func(ctx context.Context, p *program, db *schema.DB, f *importFlags, report *importReport) error {
		options, err := p.decodeOptions(f)
		if err != nil {
			return err
		}
		reader, err := exchange.Open(report.File, exchange.ReadOptions{Format: exchange.Format(f.format), Delimiter: delimiter(f.delimiter), Sheet: f.sheet})
		if err != nil {
			return err
		}
		decode, err := decoder(reader.Columns(), options)
		if err != nil {
			return errors.Join(fmt.Errorf("%s: %w", report.File, err), reader.Close())
		}
		work := &importWork[T]{reader: reader, decode: decode, put: store(db, schema.PutOptions{FirstLoad: f.firstLoad}), report: report,
			rejected: exchange.NewRejectedWriter(report.File, reader.Columns())}
		actor := schema.ActorOf(ctx)
		actor.Doing += " " + filepath.Base(report.File)
		err = work.run(schema.WithActor(ctx, actor), p)
		return errors.Join(err, reader.Close())
	}
}

func delimiter(text string) string {
	if text == "tab" || text == `\t` {
		return "\t"
	}
	return text
}

func (p *program) decodeOptions(f *importFlags) (exchange.DecodeOptions, error) {
	key, err := personKey(p.dir)
	if err != nil {
		return exchange.DecodeOptions{}, err
	}
	options := exchange.DecodeOptions{Today: p.today(), Source: f.source, PersonKey: key}
	if f.mapping != "" {
		if options.Mapping, err = exchange.ReadMapping(f.mapping); err != nil {
			return options, fmt.Errorf("%s: %w", f.mapping, err)
		}
	}
	return options, nil
}

// importWork reads and decodes rows in one goroutine and stores them in another.
type importWork[T any] struct {
	reader   *exchange.Reader
	decode   *exchange.Decoder[T]
	put      putFunc[T]
	rejected *exchange.RejectedWriter
	report   *importReport
	rows     int // read so far, by the reading goroutine
}

// importRows is a batch on its way to the store. A row that could not be decoded has no value.
type importRows[T any] struct {
	rows     []exchange.Row
	problems []registry.Problems
	values   []T
	done     int64 // bytes of the file read so far
	total    int64
}

func (w *importWork[T]) run(ctx context.Context, p *program) error {
	bar := p.newProgress("importing "+w.report.Kind, bytesUnit, -1)
	defer bar.finish()
	start := time.Now()
	batches := make(chan *importRows[T], 2)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(batches)
		return w.read(ctx, batches)
	})
	group.Go(func() error {
		for batch := range batches {
			if err := w.store(ctx, batch); err != nil {
				return err
			}
			bar.set(batch.done, batch.total)
			rate := float64(w.report.Rows) / max(time.Since(start).Seconds(), 1e-3)
			bar.describe(fmt.Sprintf("importing %s: %d rows, %.0f rows/s", w.report.Kind, w.report.Rows, rate))
		}
		return nil
	})
	err := group.Wait()
	closed := w.rejected.Close() // what was refused so far is kept even when the rest could not be read
	w.report.Refused, w.report.Rejected = w.rejected.Count(), ""
	if w.rejected.Count() > 0 {
		w.report.Rejected = w.rejected.Path()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%s: after %d rows: %w", w.report.File, w.report.Rows, err), closed)
	}
	return closed
}

func (w *importWork[T]) read(ctx context.Context, batches chan<- *importRows[T]) error {
	batch := &importRows[T]{}
	send := func() error {
		batch.done, batch.total = w.reader.Progress()
		select {
		case batches <- batch:
			batch = &importRows[T]{}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for {
		row, err := w.reader.Next()
		if errors.Is(err, io.EOF) {
			return send()
		}
		if err != nil {
			return errors.Join(err, send())
		}
		w.rows++
		w.take(batch, row)
		if len(batch.rows) == importBatch {
			if err := send(); err != nil {
				return err
			}
		}
	}
}

// take decodes a row into the batch. nil without problems is a row that the mapping leaves out.
func (w *importWork[T]) take(batch *importRows[T], row *exchange.Row) {
	value, problems := w.decode.Decode(row)
	if value == nil && len(problems) == 0 {
		return
	}
	kept := *row
	kept.Cells, kept.JSON = slices.Clone(row.Cells), slices.Clone(row.JSON)
	batch.rows = append(batch.rows, kept)
	batch.problems = append(batch.problems, problems)
	if len(problems) == 0 {
		batch.values = append(batch.values, *value)
	}
}

// store puts the good rows and keeps the refused ones, in the order of the file.
func (w *importWork[T]) store(ctx context.Context, batch *importRows[T]) error {
	results, err := w.put(ctx, batch.values)
	if err != nil {
		return err
	}
	next := 0
	for i := range batch.rows {
		w.report.Rows++
		problems := batch.problems[i]
		if len(problems) == 0 {
			result := results[next]
			next++
			if result.Outcome != schema.Refused {
				w.report.count(result.Outcome)
				continue
			}
			problems = registry.Problems{result.Problem}
		}
		if err := w.rejected.Add(&batch.rows[i], problems); err != nil {
			return fmt.Errorf("keep a refused row: %w", err)
		}
	}
	return nil
}
