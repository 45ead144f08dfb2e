package schema_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/schema/pgtest"
	"healthcode/schema/schematest"
	"healthcode/scoring"
)

var benchEnterprises = flag.Int("enterprises", 100_000, "enterprises of the benchmarks, with ten records each")

// BenchmarkSQLite and BenchmarkPostgres load a city, read its evidence and grade it, and print what each step took. On PostgreSQL the time
// that psql needs to copy the same records to a file stands beside it.
func BenchmarkSQLite(b *testing.B)   { benchmarkCity(b, freshSQLite(b)) }
func BenchmarkPostgres(b *testing.B) { benchmarkCity(b, freshPostgres(b)) }

func benchmarkCity(b *testing.B, config schema.Config) {
	db := schematest.Reopen(b, config)
	for range b.N {
		loadCity(b, db)
		if config.URL != "" {
			reference := copyRecords(b, config.URL)
			defer func() { b.ReportMetric(reference.Seconds(), "psql-copy-s") }()
		}
		readCity(b, db)
		gradeCity(b, db, "first grading")
		gradeCity(b, db, "second grading")
	}
}

func report(b *testing.B, what string, n int, start time.Time) {
	took := time.Since(start)
	b.Logf("%-24s %9d rows %8.2f s %10.0f rows/s", what, n, took.Seconds(), float64(n)/took.Seconds())
}

func loadCity(b *testing.B, db *schema.DB) {
	const batch = 1000
	start := time.Now()
	for n := 0; n < *benchEnterprises; n += batch {
		if _, err := db.PutEnterprises(b.Context(), schematest.Enterprises(n, n+batch), schema.PutOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	report(b, "import enterprises", *benchEnterprises, start)
	start = time.Now()
	for n := 0; n < *benchEnterprises; n += batch {
		if _, err := db.PutRecords(b.Context(), schematest.Records(n, n+batch, 10), schema.PutOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	report(b, "import records", *benchEnterprises*10, start)
	start = time.Now()
	for n := 0; n < *benchEnterprises/10; n += batch {
		if _, err := db.PutRecords(b.Context(), schematest.Records(n, n+batch, 10), schema.PutOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	report(b, "import again (a tenth)", *benchEnterprises, start)
}

func copyRecords(b *testing.B, url string) time.Duration {
	bin, err := pgtest.Bin()
	if err != nil {
		b.Fatal(err)
	}
	psql := filepath.Join(bin, "psql")
	if _, err := os.Stat(psql); err != nil {
		psql = "psql"
	}
	var took time.Duration
	for range 2 { // the first one fills the caches
		start := time.Now()
		out := filepath.Join(b.TempDir(), "records")
		command := exec.Command(psql, url, "-qc", `\copy (select * from record order by uscc) to '`+out+`'`)
		if text, err := command.CombinedOutput(); err != nil {
			b.Fatalf("psql: %v: %s", err, text)
		}
		took = time.Since(start)
	}
	b.Logf("%-24s %9d rows %8.2f s", "psql \\copy", *benchEnterprises*10, took.Seconds())
	return took
}

func readCity(b *testing.B, db *schema.DB) {
	known, err := db.Know(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	start, facts := time.Now(), 0
	err = db.Evidence(b.Context(), schema.KeyRange{}, schematest.Today(), known, func(e *scoring.Evidence) error {
		facts += len(e.Facts())
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	report(b, "read evidence", facts, start)
}

func gradeCity(b *testing.B, db *schema.DB, what string) {
	start := time.Now()
	model := scoring.DefaultModel()
	run, err := db.StartRun(b.Context(), schema.RunRequest{Kind: schema.KindRecompute, AsOf: schematest.Today(),
		Model: schema.ModelRef{Code: model.Code, Version: model.Version, Digest: model.Digest()}})
	if err != nil {
		b.Fatal(err)
	}
	open, err := db.OpenRanges(b.Context(), run)
	if err != nil {
		b.Fatal(err)
	}
	ranges := make(chan schema.Range, len(open))
	for _, r := range open {
		ranges <- r
	}
	close(ranges)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			assess := grader(model, run.AsOf, run.KnownAt)
			for r := range ranges {
				if _, err := db.FinishRange(b.Context(), run, r, assess); err != nil {
					b.Error(err)
				}
			}
		})
	}
	workers.Wait()
	if err := db.FinishRun(b.Context(), run); err != nil {
		b.Fatal(err)
	}
	report(b, what, *benchEnterprises, start)
}

// grader grades with the real model.
func grader(model *scoring.Model, asOf registry.Day, knownAt time.Time) schema.Assess {
	return func(p *schema.Part) ([]schema.Grade, error) {
		grades, grader := make([]schema.Grade, p.Columns.Len()), p.Columns.Grader(model)
		for i := range grades {
			g, ahead := grader.GradeAhead(i, asOf)
			a := g.Earned
			grades[i] = schema.Grade{Index: a.Index, Tier: a.Tier, Colour: a.Colour, Evidence: a.Evidence, Checks: a.Checks, LossPPM: a.LossPPM,
				NextChangeOn: ahead.GradeOn, Digest: grader.Digest(i, asOf, knownAt, p.Facts[i], &g)}
		}
		return grades, nil
	}
}
