package api

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/samplecity"
	"healthcode/schema"
	"healthcode/schema/pgtest"
)

var benchSubmitted = flag.Int("submitted", 30_000, "enterprises of the benchmark of submissions; each has some nine records")

// processorTime is how much processor time this process and the connections to a database have used.
func processorTime(b *testing.B, url string) (own, server time.Duration) {
	b.Helper()
	var used syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	own = time.Duration(used.Utime.Nano() + used.Stime.Nano())
	db, err := sql.Open("postgres", url)
	must(b, err)
	defer db.Close()
	rows, err := db.QueryContext(b.Context(), `SELECT pg_read_file('/proc/' || pid || '/stat') FROM pg_stat_activity WHERE datname = current_database()`)
	must(b, err)
	defer rows.Close()
	for rows.Next() {
		var stat string
		must(b, rows.Scan(&stat))
		server += ticks(stat)
	}
	must(b, rows.Err())
	return own, server
}

// busyTime is how much processor time everything on this machine has used, and what its host gave to others (proc_stat(5)).
func busyTime(b *testing.B) (busy time.Duration) {
	b.Helper()
	text, err := os.ReadFile("/proc/stat")
	must(b, err)
	first, _, _ := strings.Cut(string(text), "\n")
	for i, field := range strings.Fields(first)[1:9] {
		n, err := strconv.Atoi(field)
		must(b, err)
		if i != 3 && i != 4 { // idle, and waiting for a disk
			busy += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return busy
}

// ticks is the processor time that a process has used by its /proc/PID/stat; a tick is 10 ms on every Linux that we know.
func ticks(stat string) (sum time.Duration) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	for _, text := range fields[11:13] {
		n, err := strconv.Atoi(text)
		if err == nil {
			sum += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return sum
}

// BenchmarkSubmission sends the records of a city to a server on PostgreSQL as one submission and has them stored, and copies the same rows into the same
// table of another database with psql. It prints both rates and their ratio: of the storing, which reads, validates and stores, and of everything from the first byte sent.
// COPY gets the rows in the order of the primary key, which is the fastest there is for it, and once as they came.
func BenchmarkSubmission(b *testing.B) {
	city := samplecity.Generate(7, *benchSubmitted, registry.DayOf(time.Now()))
	for range b.N {
		db, url := submissionBench(b, city)
		body, rows := cityLines(b, city)
		h, err := New(Config{Log: slog.New(slog.DiscardHandler), Store: db, PersonKey: []byte("0123456789abcdef")})
		must(b, err)
		server := httptest.NewServer(h)
		busyBefore := busyTime(b)
		ownBefore, serverBefore := processorTime(b, url)
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
		own, backends := processorTime(b, url)
		own, backends = own-ownBefore, backends-serverBefore
		others := max(0, busyTime(b)-busyBefore-own-backends)
		server.Close()
		if done.Added+done.Changed != int64(rows) {
			b.Fatalf("%+v, want %d added or changed", done, rows)
		}
		sent, _ := copySame(b, url, "", int(done.Added))
		copied, copyUsed := copySame(b, url, "order by uscc, source, source_ref, revision", int(done.Added))
		rate := func(took time.Duration) float64 { return float64(rows) / took.Seconds() }
		stored := whole - received
		b.ReportMetric(rate(stored), "stored-rows/s")
		b.ReportMetric(rate(whole), "sent-and-stored-rows/s")
		b.ReportMetric(rate(copied), "copy-rows/s")
		b.ReportMetric(copied.Seconds()/stored.Seconds(), "stored/copy")
		b.ReportMetric(sent.Seconds()/stored.Seconds(), "stored/copy-as-sent")
		b.ReportMetric(copied.Seconds()/whole.Seconds(), "sent-and-stored/copy")
		b.ReportMetric(own.Seconds()*1e6/float64(rows), "own-processor-µs/row")
		b.ReportMetric(backends.Seconds()*1e6/float64(rows), "server-processor-µs/row")
		b.ReportMetric(copyUsed.Seconds()*1e6/float64(rows), "copy-processor-µs/row")
		b.Logf("%d rows, %d MB: received in %.2f s, stored in %.2f s; psql copies the rows into the same table in %.2f s; others used the processors for %.2f s of the %.2f", rows, len(body)>>20, received.Seconds(), stored.Seconds(), copied.Seconds(),
			others.Seconds(), whole.Seconds()*float64(runtime.NumCPU()))
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

// copySame copies what is stored at an address, in an order or as it came, into the same table of a fresh database and returns how long psql takes to do so, and how much processor
// time it and the server use.
func copySame(b *testing.B, url, order string, records int) (took, used time.Duration) {
	b.Helper()
	bin, err := pgtest.Bin()
	must(b, err)
	psql := filepath.Join(bin, "psql")
	if _, err := os.Stat(psql); err != nil {
		psql = "psql"
	}
	file := filepath.Join(b.TempDir(), "records")
	run := func(url string, commands ...string) (string, time.Duration) {
		arguments := []string{url, "-qAt"}
		for _, one := range commands {
			arguments = append(arguments, "-c", one)
		}
		command := exec.Command(psql, arguments...)
		text, err := command.CombinedOutput()
		if err != nil {
			b.Fatalf("psql: %v: %s", err, text)
		}
		return string(text), command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	}
	run(url, `\copy (select * from record `+order+`) to '`+file+`'`)
	other := pgtest.URL(b)
	start := time.Now()
	stat, used := run(other, `\copy record from '`+file+`'`, `SELECT pg_read_file('/proc/self/stat')`)
	took = time.Since(start)
	used += ticks(stat)
	db, err := schema.Open(b.Context(), schema.Config{URL: other})
	must(b, err)
	defer db.Close()
	if n, err := db.CountRecords(b.Context()); err != nil || n != records {
		b.Fatalf("%d records were copied, want %d: %v", n, records, err)
	}
	return took, used
}
