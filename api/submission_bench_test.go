package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/samplecity"
	"healthcode/schema"
	"healthcode/schema/pgtest"
)

var benchSubmitted = flag.Int("submitted", 30_000, "enterprises of the benchmark of submissions; each has some nine records")

// BenchmarkSubmission sends the records of a city to a server on PostgreSQL as one submission and has them stored, and copies the same rows into the same
// table of another database with psql. It prints both rates and their ratio: of the storing, which reads, validates and stores, and of everything from the first byte sent.
func BenchmarkSubmission(b *testing.B) {
	city := samplecity.Generate(7, *benchSubmitted, registry.DayOf(time.Now()))
	for range b.N {
		db, url := submissionBench(b, city)
		body, rows := cityLines(b, city)
		h, err := New(Config{Log: slog.New(slog.DiscardHandler), Store: db, PersonKey: []byte("0123456789abcdef")})
		must(b, err)
		server := httptest.NewServer(h)
		start := time.Now()
		answer, err := http.Post(server.URL+submissionsPath, typeNDJSON, bytes.NewReader(body))
		must(b, err)
		must(b, answer.Body.Close())
		if answer.StatusCode != http.StatusAccepted {
			b.Fatalf("status %d", answer.StatusCode)
		}
		received := time.Since(start)
		job := &jobs.Submit{DB: db, PersonKey: []byte("0123456789abcdef"), Clock: time.Now, Log: slog.New(slog.DiscardHandler)}
		done, err := job.RunOnce(b.Context())
		must(b, err)
		whole := time.Since(start)
		server.Close()
		if done.Added+done.Changed != int64(rows) {
			b.Fatalf("%+v, want %d added or changed", done, rows)
		}
		copied := copySame(b, url, int(done.Added))
		rate := func(took time.Duration) float64 { return float64(rows) / took.Seconds() }
		stored := whole - received
		b.ReportMetric(rate(stored), "stored-rows/s")
		b.ReportMetric(rate(whole), "sent-and-stored-rows/s")
		b.ReportMetric(rate(copied), "copy-rows/s")
		b.ReportMetric(copied.Seconds()/stored.Seconds(), "stored/copy")
		b.ReportMetric(copied.Seconds()/whole.Seconds(), "sent-and-stored/copy")
		b.Logf("%d rows, %d MB: received in %.2f s, stored in %.2f s; psql copies the rows into the same table in %.2f s", rows, len(body)>>20, received.Seconds(), stored.Seconds(), copied.Seconds())
	}
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// submissionBench is a database that has the city without its records.
func submissionBench(b *testing.B, city *samplecity.City) (*schema.DB, string) {
	b.Helper()
	url := pgtest.URL(b)
	db, err := schema.Open(b.Context(), schema.Config{URL: url})
	must(b, err)
	b.Cleanup(func() { must(b, db.Close()) })
	_, err = db.PutRegions(b.Context(), city.Regions())
	must(b, err)
	_, err = db.PutProducts(b.Context(), city.Products(), schema.PutOptions{})
	must(b, err)
	var batch []registry.Enterprise
	put := func() {
		_, err := db.PutEnterprises(b.Context(), batch, schema.PutOptions{})
		must(b, err)
		batch = nil
	}
	for e := range city.Enterprises() {
		firm := *e
		firm.Licences, firm.Certificates, firm.CapabilityItems = nil, nil, nil // they would become records
		if batch = append(batch, firm); len(batch) == 1000 {
			put()
		}
	}
	put()
	return db, url
}

func cityLines(b *testing.B, city *samplecity.City) ([]byte, int) {
	b.Helper()
	var lines bytes.Buffer
	rows := 0
	encoder := json.NewEncoder(&lines)
	for r := range city.Records() {
		must(b, encoder.Encode(r))
		rows++
	}
	return lines.Bytes(), rows
}

// copySame copies what is stored at an address into the same table of a fresh database and returns how long psql takes to do so.
func copySame(b *testing.B, url string, records int) time.Duration {
	b.Helper()
	bin, err := pgtest.Bin()
	must(b, err)
	psql := filepath.Join(bin, "psql")
	if _, err := os.Stat(psql); err != nil {
		psql = "psql"
	}
	file := filepath.Join(b.TempDir(), "records")
	run := func(url, command string) {
		if text, err := exec.Command(psql, url, "-qc", command).CombinedOutput(); err != nil {
			b.Fatalf("psql: %v: %s", err, text)
		}
	}
	run(url, `\copy (select * from record order by uscc, source, source_ref) to '`+file+`'`)
	other := pgtest.URL(b)
	start := time.Now()
	run(other, `\copy record from '`+file+`'`)
	took := time.Since(start)
	db, err := schema.Open(b.Context(), schema.Config{URL: other})
	must(b, err)
	defer db.Close()
	if n, err := db.CountRecords(b.Context()); err != nil || n != records {
		b.Fatalf("%d records were copied, want %d: %v", n, records, err)
	}
	return took
}
