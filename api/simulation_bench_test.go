package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"healthcode/registry"
	"healthcode/samplecity"
	"healthcode/schema"
	"healthcode/scoring"
)

// loadCity stores a sample city with its records, ungraded, in batches.
func loadCity(b *testing.B, enterprises int) *schema.DB {
	b.Helper()
	ctx := context.Background()
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	db, err := schema.Open(ctx, schema.Config{Dir: b.TempDir()})
	must(err)
	b.Cleanup(func() { must(db.Close()) })
	_, _, err = db.Migrate(ctx)
	must(err)
	m := scoring.DefaultModel()
	must(db.AddModel(ctx, schema.StoredModel{ModelRef: schema.ModelRef{Code: m.Code, Version: m.Version, Digest: m.Digest()}, Body: string(m.JSON())}))
	must(db.ActivateModel(ctx, m.Code, m.Version))
	city := samplecity.Generate(7, enterprises, registry.DayOf(time.Now()))
	load := schema.PutOptions{FirstLoad: true, KnownAt: time.Now().AddDate(-3, -1, 0)}
	_, err = db.PutProducts(ctx, city.Products(), load)
	must(err)
	for from := 0; from < city.Len(); from += 500 {
		var firms []registry.Enterprise
		var records []registry.Record
		for i := from; i < min(from+500, city.Len()); i++ {
			e, theirs := city.At(i)
			firms, records = append(firms, *e), append(records, theirs...)
		}
		_, err := db.PutEnterprises(ctx, firms, load)
		must(err)
		_, err = db.PutRecords(ctx, records, schema.PutOptions{FirstLoad: true})
		must(err)
	}
	return db
}

// timeRequest sends a request to a server over the network and reads the whole answer.
func timeRequest(b *testing.B, method, url, body string) time.Duration {
	b.Helper()
	start := time.Now()
	r, err := http.NewRequestWithContext(b.Context(), method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		b.Fatalf("%d %v: %.300s", answer.StatusCode, err, text)
	}
	if err := answer.Body.Close(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

func percentile(times []time.Duration, percent int) float64 {
	slices.Sort(times)
	return times[min(len(times)-1, len(times)*percent/100)].Seconds() * 1000
}

// BenchmarkSimulation asks the real server, over loopback, what other weights would change for a sample city; each request brings
// another model. The figure of a request that does nothing stands beside it. HEALTHCODE_BENCH_ENTERPRISES=100000 is the size that is
// aimed at; loading it takes about two minutes.
func BenchmarkSimulation(b *testing.B) {
	size := 20_000
	if text := os.Getenv("HEALTHCODE_BENCH_ENTERPRISES"); text != "" {
		var err error
		if size, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	h, err := New(Config{Log: slog.New(slog.DiscardHandler), Store: loadCity(b, size)})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(h)
	defer server.Close()
	body := func(window int) string {
		return fmt.Sprintf(`{"model":%s,"movers":{"limit":50}}`, modelText(b, `"window_days":1095`, fmt.Sprintf(`"window_days":%d`, window)))
	}
	first := timeRequest(b, http.MethodPost, server.URL+"/api/v1/simulations", body(1094))
	var simulations, nothing []time.Duration
	for b.Loop() {
		simulations = append(simulations, timeRequest(b, http.MethodPost, server.URL+"/api/v1/simulations", body(700+len(simulations)%300)))
		nothing = append(nothing, timeRequest(b, http.MethodGet, server.URL+"/healthz", ""))
	}
	b.ReportMetric(float64(size), "enterprises")
	b.ReportMetric(first.Seconds()*1000, "first-ms")
	b.ReportMetric(percentile(simulations, 50), "p50-ms")
	b.ReportMetric(percentile(simulations, 95), "p95-ms(≤150)")
	b.ReportMetric(percentile(nothing, 95), "no-op-p95-ms")
}
