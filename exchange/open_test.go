package exchange

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"healthcode/registry"
)

var testToday = registry.MustDay("2026-11-20")

var testKey = []byte("a key for tests, 16+ bytes")

// writeFile puts data into a file of its own and returns its name.
func writeFile(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func openData(t testing.TB, name string, data []byte, o ReadOptions) (*Reader, error) {
	t.Helper()
	r, err := Open(writeFile(t, name, data), o)
	if err == nil {
		t.Cleanup(func() {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return r, err
}

// readRow is a row copied out of the reader.
type readRow struct {
	number, origin int
	cells          string // joined by |
	problem        string // of the first problem
}

// readRows reads to the end; err is the error that ended the file, nil for its regular end.
func readRows(t testing.TB, r *Reader) (rows []readRow, err error) {
	t.Helper()
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		one := readRow{number: row.Number, origin: row.Origin, cells: strings.Join(row.Cells, "|")}
		if row.JSON != nil {
			one.cells = string(row.JSON)
		}
		if len(row.Problems) > 0 {
			one.problem = row.Problems[0].Problem
		}
		rows = append(rows, one)
	}
}

func sameRows(t testing.TB, got, want []readRow) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d rows %+v, want %d %+v", len(got), got, len(want), want)
	}
	for i := range want {
		if want[i].origin == 0 {
			want[i].origin = want[i].number
		}
		problem := got[i].problem
		if strings.Contains(problem, want[i].problem) && want[i].problem != "" {
			got[i].problem = want[i].problem
		}
		if got[i] != want[i] {
			t.Errorf("row %d: %+v (%s), want %+v", i, got[i], problem, want[i])
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, file, data string
		options          ReadOptions
		want             error
		says             string
	}{
		{name: "empty file", file: "a.csv", want: ErrEmptyFile},
		{name: "empty NDJSON said to be one", file: "a.ndjson", options: ReadOptions{Format: FormatNDJSON}, want: ErrEmptyFile},
		{name: "only a byte order mark", file: "a.csv", data: byteOrderMark, want: ErrEmptyFile},
		{name: "only blank lines", file: "a.csv", data: "\n\r\n\n", want: ErrEmptyFile},
		{name: "old Excel file", file: "a.xls", data: "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 more", want: ErrFormat, says: "save it as .xlsx"},
		{name: "JSON array", file: "a.json", data: `[{"code":"1"}]`, want: ErrFormat, says: "each object on its own line"},
		{name: "CSV said to be XLSX", file: "a.csv", data: "a,b\n", options: ReadOptions{Format: FormatXLSX}, want: ErrFormat, says: "looks like csv"},
		{name: "UTF-16 without its mark", file: "a.csv", data: "n\x00a\x00m\x00e\x00\n\x00", want: ErrFormat, says: "NUL"},
		{name: "UTF-32", file: "a.csv", data: "\xFF\xFE\x00\x00a\x00\x00\x00", want: ErrEncoding, says: "UTF-32"},
		{name: "neither UTF-8 nor GB18030", file: "a.csv", data: "a,b\n\xff\xff\xff\xff,\xff\xff\xff\n", want: ErrEncoding, says: "neither"},
		{name: "header twice", file: "a.csv", data: "name,code,name\n", want: ErrHeader, says: `"name" stands there twice, as column 1 and 3`},
		{name: "no name at all", file: "a.csv", data: ",,\n1,2,3\n", want: ErrHeader, says: "no column has a name"},
		{name: "semicolons and commas", file: "a.csv", data: "a;b;c,d\n", want: ErrDelimiter, says: "2 semicolon"},
		{name: "full-width commas", file: "a.csv", data: "企业名称，地址\n", want: ErrDelimiter, says: "full-width comma"},
		{name: "unknown delimiter option", file: "a.csv", data: "a,b\n", options: ReadOptions{Delimiter: "::"}, want: ErrDelimiter},
		{name: "quote in header never closed", file: "a.csv", data: "\"a,b\n1,2\n", want: ErrHeader, says: "never closed"},
		{name: "header of a megabyte", file: "a.csv", data: strings.Repeat("a,", 1<<17) + "\n", want: ErrHeader, says: "longer than 64 KiB"},
		{name: "too many columns", file: "a.csv", data: strings.Repeat("a,", 2500) + "\n", want: ErrHeader, says: "2501 columns"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := openData(t, tt.file, []byte(tt.data), tt.options)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want %v saying %q", err, tt.want, tt.says)
			}
		})
	}
}

func TestOpenMissingFile(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "none.csv"), ReadOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want not exist", err)
	}
	if _, err := Open(t.TempDir(), ReadOptions{}); !errors.Is(err, ErrFormat) {
		t.Errorf("a folder: error %v, want %v", err, ErrFormat)
	}
}

func TestProgressReachesTheEnd(t *testing.T) {
	data := []byte("code,name\n" + strings.Repeat("330402,南湖区\n", 20_000))
	r, err := openData(t, "a.csv", data, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if done, total := r.Progress(); done >= total || total != int64(len(data)) {
		t.Errorf("at the start %d of %d, want less than %d", done, total, len(data))
	}
	if _, err := readRows(t, r); err != nil {
		t.Fatal(err)
	}
	if done, total := r.Progress(); done != total {
		t.Errorf("at the end %d of %d", done, total)
	}
}
