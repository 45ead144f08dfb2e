//go:build unix

package jobs_test

import (
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/web"

	"github.com/skip2/go-qrcode"
)

// printBenchSize is how many signs a run of the benchmark prints: enough files and chunks for the pipeline to matter.
const printBenchSize = 600

// loadPrintBench fills a database with enterprises and one real printed code each.
func loadPrintBench(b *testing.B) (*schema.DB, *credential.KeySet, []string) {
	b.Helper()
	ctx := b.Context()
	db, err := schema.Open(ctx, schema.Config{Dir: b.TempDir()})
	must(b, err)
	b.Cleanup(func() { must(b, db.Close()) })
	_, _, err = db.Migrate(ctx)
	must(b, err)
	key, err := credential.NewKey(1, "https://q.example.gov.cn", time.Now())
	must(b, err)
	keys, err := credential.NewKeySet(*key.PublicKey())
	must(b, err)
	firms, codes := make([]registry.Enterprise, printBenchSize), make([]registry.USCC, printBenchSize)
	for n := range firms {
		codes[n] = benchCode(n)
		firms[n] = registry.Enterprise{USCC: codes[n], Name: fmt.Sprintf("嘉兴市南湖区示例食品有限公司%d", n), RegionCode: "330402"}
	}
	_, err = db.PutEnterprises(ctx, firms, schema.PutOptions{})
	must(b, err)
	indexes, err := db.ReserveIndexes(ctx, codes, "1", string(credential.FormPrinted))
	must(b, err)
	texts := make([]string, printBenchSize)
	for n, code := range codes {
		issued, err := credential.Issue(key, credential.Code{USCC: code, IssuedAt: uint32(time.Now().Unix()), Lifetime: credential.PrintedLifetime, Tier: registry.TierA,
			Colour: registry.ColourGreen, Model: 1, Index: indexes[n]})
		must(b, err)
		texts[n] = issued.URL
		must(b, db.SaveCode(ctx, schema.Code{Index: indexes[n], USCC: code, KID: "1", Form: string(credential.FormPrinted), IssuedAt: issued.Code.Issued(),
			ExpiresAt: issued.Code.Expires(), Tier: registry.TierA, Colour: registry.ColourGreen, Model: 1, JWT: issued.JWT}))
	}
	return db, keys, texts
}

// Sheets of A6 signs, the whole way from the database to the files, beside the QR library's own bitmaps of the same texts made by one
// worker. Both run turn by turn; the figures are medians. rate compares the time on the clock: at least 0.9 with one worker and 1.8 with
// two; raw_both is the rate of two workers that make nothing but bitmaps, which is all that the machine can give at that time. cpu_rate compares
// the processor's time, which a busy machine falsifies less: at least 0.9 whatever the number of workers.
func BenchmarkSheets(b *testing.B) {
	db, keys, texts := loadPrintBench(b)
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			before := runtime.GOMAXPROCS(workers)
			defer runtime.GOMAXPROCS(before)
			var ours, raw, both, oursCPU, rawCPU []float64
			note := func(clock, cpu *[]float64, step func()) {
				start, used := time.Now(), cpuTime(b)
				step()
				*clock = append(*clock, time.Since(start).Seconds())
				*cpu = append(*cpu, (cpuTime(b) - used).Seconds())
			}
			for b.Loop() {
				note(&raw, &rawCPU, func() { bitmaps(b, texts, 1) })
				note(&ours, &oursCPU, func() {
					job := &jobs.Print{DB: db, Keys: keys, Clock: time.Now, Dir: b.TempDir(), Size: web.SignSizes()[1], PerFile: 200, Lang: web.Chinese, Workers: workers}
					result, err := job.RunOnce(b.Context())
					must(b, err)
					if result.Signs != printBenchSize {
						b.Fatalf("%+v", result)
					}
				})
				note(&both, new([]float64), func() { bitmaps(b, texts, workers) })
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(printBenchSize/median(ours), "codes/s")
			b.ReportMetric(printBenchSize/median(raw), "raw/s")
			b.ReportMetric(median(raw)/median(ours), "rate")
			b.ReportMetric(median(raw)/median(both), "raw_both")
			b.ReportMetric(median(rawCPU)/median(oursCPU), "cpu_rate")
		})
	}
}

// cpuTime is the processor's time that this process has used.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// bitmaps makes the library's bitmaps of all texts.
func bitmaps(b *testing.B, texts []string, workers int) {
	b.Helper()
	done := make(chan bool)
	for first := range workers {
		go func() {
			for i := first; i < len(texts); i += workers {
				q, err := qrcode.New(texts[i], qrcode.Medium)
				if err != nil {
					b.Error(err)
					break
				}
				sinkBitmap(q.Bitmap())
			}
			done <- true
		}()
	}
	for range workers {
		<-done
	}
}

func sinkBitmap(rows [][]bool) {
	if len(rows) == 0 {
		panic("no bitmap")
	}
}
