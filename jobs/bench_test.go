package jobs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/schema/pgtest"
	"healthcode/scoring"
)

// benchSize is the number of enterprises; each has ten records. HEALTHCODE_BENCH_ENTERPRISES=100000 is the size that is aimed at.
func benchSize(b *testing.B) int {
	text := os.Getenv("HEALTHCODE_BENCH_ENTERPRISES")
	if text == "" {
		return 20_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// benchCode returns the valid code of enterprise n.
func benchCode(n int) registry.USCC {
	first := fmt.Sprintf("91330402%09d", n)
	return registry.USCC(first + string(registry.USCCCheckCharacter(first)))
}

// tenRecords is what an enterprise of the benchmark has: checks, visits with findings, a case of two, a complaint, capability items.
func tenRecords(code registry.USCC, n int, today registry.Day) []registry.Record {
	records := make([]registry.Record, 10)
	kinds := []registry.Kind{registry.KindSpotCheck, registry.KindInspection, registry.KindSpotCheck, registry.KindPenalty, registry.KindComplaint,
		registry.KindCapability, registry.KindCapability, registry.KindSelfInspection, registry.KindInspection, registry.KindSpotCheck}
	outcomes := []string{registry.OutcomePass, registry.OutcomeDone, registry.OutcomeFail, registry.OutcomeImposed, registry.OutcomeSubstantiated,
		registry.OutcomeHeld, registry.OutcomeMissing, registry.OutcomeOnTime, registry.OutcomeDone, registry.OutcomePass}
	for i := range records {
		day := today - registry.Day((n*37+i*101)%1000)
		records[i] = registry.Record{USCC: code, Source: "bench", SourceRef: fmt.Sprintf("%09d-%d", n, i), Kind: kinds[i], Outcome: outcomes[i],
			OccurredOn: day, State: registry.StateFinal, Detail: registry.Kinds[kinds[i]].New()}
		if registry.Kinds[kinds[i]].SeverityNeeded(outcomes[i]) {
			records[i].Severity = registry.Severity(1 + n%2)
		}
	}
	records[2].CaseID, records[3].CaseID = "case", "case"
	records[1].Findings = []registry.Finding{{Severity: registry.SeverityMinor}, {Severity: registry.SeverityMajor}}
	records[5].Detail, records[6].Detail = &registry.Capability{Item: "qms"}, &registry.Capability{Item: "traceability"}
	records[7].Detail = &registry.SelfInspection{Year: 2023}
	return records
}

func loadBench(b *testing.B, c schema.Config) *schema.DB {
	b.Helper()
	ctx, today := b.Context(), registry.DayOf(time.Now())
	db, err := schema.Open(ctx, c)
	must(b, err)
	b.Cleanup(func() { must(b, db.Close()) })
	_, _, err = db.Migrate(ctx)
	must(b, err)
	m := scoring.DefaultModel()
	must(b, db.AddModel(ctx, schema.StoredModel{ModelRef: schema.ModelRef{Code: m.Code, Version: m.Version, Digest: m.Digest()}, Body: string(m.JSON())}))
	must(b, db.ActivateModel(ctx, m.Code, m.Version))
	const batch = 500
	for from := 0; from < benchSize(b); from += batch {
		firms, records := make([]registry.Enterprise, batch), make([]registry.Record, 0, 10*batch)
		for i := range firms {
			firms[i] = registry.Enterprise{USCC: benchCode(from + i), Name: fmt.Sprint("Enterprise ", from+i), RegionCode: "330402", RegisteredOn: today - 3000}
			records = append(records, tenRecords(firms[i].USCC, from+i, today)...)
		}
		_, err := db.PutEnterprises(ctx, firms, schema.PutOptions{})
		must(b, err)
		_, err = db.PutRecords(ctx, records, schema.PutOptions{})
		must(b, err)
	}
	return db
}

// recomputeOnce does a whole run and returns how long it took.
func recomputeOnce(b *testing.B, db *schema.DB) time.Duration {
	b.Helper()
	start := time.Now()
	run, err := (&jobs.Recompute{DB: db, Clock: time.Now}).RunOnce(b.Context())
	must(b, err)
	if run.Assessed != int64(benchSize(b)) {
		b.Fatalf("%d assessed", run.Assessed)
	}
	return time.Since(start)
}

func BenchmarkRecomputeSQLite(b *testing.B) {
	db := loadBench(b, schema.Config{Dir: b.TempDir()})
	recomputeOnce(b, db)
	var total time.Duration
	for b.Loop() {
		total += recomputeOnce(b, db)
	}
	perMinute := float64(benchSize(b)*b.N) / total.Minutes()
	b.ReportMetric(perMinute, "enterprises/min")
	b.ReportMetric(100_000, "target/min")
}

// BenchmarkRecomputePostgreSQL compares a whole run with the time that psql takes to copy the same records to a file.
func BenchmarkRecomputePostgreSQL(b *testing.B) {
	psql, err := exec.LookPath("psql")
	must(b, err)
	url, file := pgtest.EmptyURL(b), filepath.Join(b.TempDir(), "records")
	db := loadBench(b, schema.Config{URL: url})
	recomputeOnce(b, db)
	var ours, theirs time.Duration
	for b.Loop() {
		ours += recomputeOnce(b, db)
		start := time.Now()
		copied := exec.Command(psql, url, "-q", "-c", `\copy (SELECT * FROM record ORDER BY uscc, source, source_ref, revision) TO '`+file+`'`)
		if out, err := copied.CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		theirs += time.Since(start)
	}
	b.ReportMetric(ours.Seconds()/float64(b.N), "recompute-s")
	b.ReportMetric(theirs.Seconds()/float64(b.N), "psql-copy-s")
	b.ReportMetric(ours.Seconds()/theirs.Seconds(), "ratio(≤3)")
	b.ReportMetric(float64(benchSize(b)*b.N)/ours.Minutes(), "enterprises/min")
}

// BenchmarkPopulationPostgreSQL compares reading everybody into memory with the time that psql takes to copy the same records to a file.
func BenchmarkPopulationPostgreSQL(b *testing.B) {
	psql, err := exec.LookPath("psql")
	must(b, err)
	url, file := pgtest.EmptyURL(b), filepath.Join(b.TempDir(), "records")
	db := loadBench(b, schema.Config{URL: url})
	var ours, theirs time.Duration
	for b.Loop() {
		start := time.Now()
		p, err := db.ReadPopulation(b.Context(), registry.DayOf(start), nil)
		must(b, err)
		if p.Columns.Len() != benchSize(b) || p.Columns.Records() < 10*benchSize(b) {
			b.Fatalf("%d enterprises, %d records", p.Columns.Len(), p.Columns.Records())
		}
		ours += time.Since(start)
		start = time.Now()
		copied := exec.Command(psql, url, "-q", "-c", `\copy (SELECT * FROM record ORDER BY uscc, source, source_ref, revision) TO '`+file+`'`)
		if out, err := copied.CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		theirs += time.Since(start)
	}
	b.ReportMetric(ours.Seconds()/float64(b.N), "read-s")
	b.ReportMetric(theirs.Seconds()/float64(b.N), "psql-copy-s")
	b.ReportMetric(ours.Seconds()/theirs.Seconds(), "ratio(≤2.5)")
}
