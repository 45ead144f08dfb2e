package exchange

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// readEnv makes this test binary a reader of the file that it names; see TestMain.
const readEnv = "EXCHANGE_TEST_READ"

// TestMain runs the tests, or reads one file as import does and prints how many rows landed: the memory of a process of its own
// can be measured.
func TestMain(m *testing.M) {
	if path := os.Getenv(readEnv); path != "" {
		n, err := countRecords(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(n, peakMB())
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func countRecords(path string) (n int, err error) {
	r, err := Open(path, ReadOptions{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	d, err := NewRecordDecoder(r.Columns(), testOptions())
	if err != nil {
		return 0, err
	}
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if value, problems := d.Decode(row); value == nil {
			return n, problems
		}
		n++
	}
}

const bulkHead = "uscc,source_ref,kind,outcome,severity,occurred_on,product_code,stage,purpose,findings_minor,batch"

func bulkRow(i int) []string {
	return []string{"91350100M000100Y43", "R-" + strconv.Itoa(i), "spot_check", "fail", "minor", "2024-03-01", "电热水壶", "shop", "random", "1", "B-" + strconv.Itoa(i%997)}
}

func writeBulkCSV(t testing.TB, rows int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bulk.csv")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(file)
	fmt.Fprintln(w, bulkHead)
	for i := range rows {
		fmt.Fprintln(w, strings.Join(bulkRow(i), ","))
	}
	if err := errors.Join(w.Flush(), file.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func writeBulkNDJSON(t testing.TB, rows int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bulk.ndjson")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(file)
	for i := range rows {
		fmt.Fprintf(w, `{"uscc":"91350100M000100Y43","source":"bulk","source_ref":"R-%d","kind":"spot_check","outcome":"pass","occurred_on":"2024-03-01","product_code":"电热水壶"}`+"\n", i)
	}
	if err := errors.Join(w.Flush(), file.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func writeBulkXLSX(t testing.TB, rows int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bulk.xlsx")
	f := excelize.NewFile()
	w, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows + 1 {
		texts := strings.Split(bulkHead, ",")
		if i > 0 {
			texts = bulkRow(i)
		}
		row := make([]any, len(texts))
		for j, text := range texts {
			row[j] = text
		}
		if err := w.SetRow("A"+strconv.Itoa(i+1), row); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Flush(), f.SaveAs(path), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// readInChild reads the file in a process of its own and returns its peak memory in MB.
func readInChild(t testing.TB, path string, rows int) int64 {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), readEnv+"="+path)
	out, err := child.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var got int
	var peak int64
	if _, err := fmt.Sscan(string(out), &got, &peak); err != nil || got != rows {
		t.Fatalf("%s read (%v), want %d rows", out, err, rows)
	}
	return peak
}

// peakMB is the most memory that this process ever held, as Linux says, or what Go took from another system.
func peakMB() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err == nil {
		_, after, _ := strings.Cut(string(status), "VmHWM:")
		var kB int64
		if _, err := fmt.Sscan(after, &kB); err == nil {
			return kB >> 10
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys >> 20)
}

// TestMillionRowsInLittleMemory holds the bound of the importers. NDJSON and XLSX have fewer rows here, to save time, and a million
// in the benchmarks below.
func TestMillionRowsInLittleMemory(t *testing.T) {
	for _, tt := range []struct {
		name string
		rows int
		file func(testing.TB, int) string
	}{
		{"CSV", 1_000_000, writeBulkCSV},
		{"NDJSON", 200_000, writeBulkNDJSON},
		{"XLSX", 20_000, writeBulkXLSX},
	} {
		t.Run(tt.name, func(t *testing.T) {
			peak := readInChild(t, tt.file(t, tt.rows), tt.rows)
			t.Logf("%d rows: peak %d MB", tt.rows, peak)
			if peak > 200 {
				t.Errorf("peak %d MB, want at most 200", peak)
			}
		})
	}
}

func benchmarkFile(b *testing.B, path string, rows int) {
	b.Helper()
	var peak int64
	for b.Loop() {
		peak = max(peak, readInChild(b, path, rows))
	}
	b.ReportMetric(float64(peak), "peak-MB")
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkMillionRowsCSV(b *testing.B) { benchmarkFile(b, writeBulkCSV(b, 1_000_000), 1_000_000) }

func BenchmarkMillionRowsNDJSON(b *testing.B) {
	benchmarkFile(b, writeBulkNDJSON(b, 1_000_000), 1_000_000)
}

func BenchmarkMillionRowsXLSX(b *testing.B) {
	benchmarkFile(b, writeBulkXLSX(b, 1_000_000), 1_000_000)
}
