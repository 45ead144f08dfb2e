package exchange

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"healthcode/registry"
)

var update = flag.Bool("update", false, "write the golden files anew")

// importRecords reads a file as the import command does and returns how many rows landed, and the file of refused rows.
func importRecords(t testing.TB, path string, m *Mapping) (landed []*registry.Record, rejected *RejectedWriter) {
	t.Helper()
	r, err := Open(path, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	o := testOptions()
	o.Mapping = m
	d, err := NewRecordDecoder(r.Columns(), o)
	if err != nil {
		t.Fatal(err)
	}
	rejected = NewRejectedWriter(path, r.Columns())
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		value, problems := d.Decode(row)
		if len(problems) > 0 {
			if err := rejected.Add(row, problems); err != nil {
				t.Fatal(err)
			}
		} else if value != nil {
			landed = append(landed, value)
		}
	}
	if err := errors.Join(rejected.Close(), r.Close()); err != nil {
		t.Fatal(err)
	}
	return landed, rejected
}

const refusedInput = recordHead + "findings,tester\n" +
	"91350100M000100Y43,good,spot_check,pass,2024-03-01,,A\n" +
	"91350100M000100Y43,=cmd|' /C calc'!A0,spot_check,fail,2100-03-01,,B\n" +
	"91350100M000100Y43,\"=1+1,\"\"x\"\"\",inspection,done,tomorrow,,\n" +
	"-3.5,@x,audit,done,2024-03-01,+1,'=y\n" +
	"short,row\n" +
	"91350100M000100Y43,\"open,spot_check,pass,2024-03-01,,\n" +
	"91350100M000100Y43,last,spot_check,pass,2024-03-01,,\n"

func TestRejectedGolden(t *testing.T) {
	path := writeFile(t, "records.csv", []byte(refusedInput))
	landed, rejected := importRecords(t, path, nil)
	if len(landed) != 2 || rejected.Count() != 5 || rejected.Path() != path+".rejected.csv" {
		t.Fatalf("%d landed, %d refused into %s", len(landed), rejected.Count(), rejected.Path())
	}
	got, err := os.ReadFile(rejected.Path())
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "records.rejected.golden")
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	info, err := os.Stat(rejected.Path())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want only the owner to read it", info.Mode(), err)
	}
}

func TestRejectedIsMendedAndReadAgain(t *testing.T) {
	path := writeFile(t, "records.csv", []byte(refusedInput))
	_, rejected := importRecords(t, path, nil)
	text, err := os.ReadFile(rejected.Path())
	if err != nil {
		t.Fatal(err)
	}
	mended := strings.ReplaceAll(string(text), "2100-03-01", "2024-03-01")
	mended = strings.Replace(mended, "spot_check,fail,", "spot_check,pass,", 1)
	if err := os.WriteFile(rejected.Path(), []byte(mended), 0o600); err != nil {
		t.Fatal(err)
	}
	landed, again := importRecords(t, rejected.Path(), nil)
	if len(landed) != 1 || landed[0].SourceRef != "=cmd|' /C calc'!A0" || again.Count() != 4 {
		t.Fatalf("landed %s, %d refused again", compactJSON(landed), again.Count())
	}
	before, after := rejectedCells(t, rejected.Path()), rejectedCells(t, again.Path())
	for i, line := range after {
		if line != before[i+1] {
			t.Errorf("refused again as %s, want %s", line, before[i+1])
		}
	}
}

// rejectedCells lists the rows of a file of refused rows: the number of the first file and the original cells.
func rejectedCells(t testing.TB, path string) []string {
	t.Helper()
	r, err := Open(path, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readRows(t, r)
	if err = errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, row := range rows {
		lines = append(lines, positive(int64(row.origin))+" "+row.cells)
	}
	return lines
}

func TestRejectedKeepsTheRowOfTheFirstFile(t *testing.T) {
	m := exampleMapping(t, "detroit-inspections.yaml")
	path := writeFile(t, "visits.csv", []byte("est,date,kind,priority,foundation,core\n7,2017-01-02,routine,0,0,0\n7,2017-02-30,routine,0,0,0\n"))
	_, rejected := importRecords(t, path, m)
	text, err := os.ReadFile(rejected.Path())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(rejected.Path(), bytes.ReplaceAll(text, []byte("2017-02-30"), []byte("2017-02-28")), 0o600); err != nil {
		t.Fatal(err)
	}
	landed, again := importRecords(t, rejected.Path(), m)
	if len(landed) != 1 || landed[0].SourceRef != "7-2017-02-28-3" || again.Count() != 0 {
		t.Errorf("landed %s, %d refused", compactJSON(landed), again.Count())
	}
}

func TestRejectedNDJSON(t *testing.T) {
	good := `{"uscc":"91350100M000100Y43","source":"s","source_ref":"1","kind":"spot_check","outcome":"pass","occurred_on":"2024-03-01"}`
	path := writeFile(t, "records.ndjson", []byte(good+"\n"+strings.Replace(good, "2024", "3024", 1)+"\nnot JSON\n"))
	landed, rejected := importRecords(t, path, nil)
	if len(landed) != 1 || rejected.Count() != 2 {
		t.Fatalf("%d landed, %d refused", len(landed), rejected.Count())
	}
	text, err := os.ReadFile(rejected.Path())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(rejected.Path(), bytes.ReplaceAll(text, []byte("3024"), []byte("2024")), 0o600); err != nil {
		t.Fatal(err)
	}
	again, left := importRecords(t, rejected.Path(), nil)
	if len(again) != 1 || compactJSON(again[0]) != compactJSON(landed[0]) || left.Count() != 1 {
		t.Errorf("landed %s, %d refused", compactJSON(again), left.Count())
	}
}

func TestRejectedReplacesOnlyItsOwn(t *testing.T) {
	problems := registry.Problems{{Field: "name", Problem: "is missing", Want: "a value"}}
	row := &Row{Number: 2, Origin: 2, Cells: []string{"x"}}
	for _, tt := range []struct {
		name, before string
		refused      bool
		want         error
		after        string
	}{
		{name: "nothing refused, nothing there"},
		{name: "nothing refused, an older one there", before: byteOrderMark + "row,field,problem,want,name\n9,,,,old\n"},
		{name: "refused, nothing there", refused: true, after: "2,name,is missing,a value,x"},
		{name: "refused, an older one there", before: byteOrderMark + "row,field,problem,want,name\n9,,,,old\n", refused: true, after: "2,name,is missing,a value,x"},
		{name: "refused, a stranger there", before: "precious", refused: true, want: ErrNotRejectedFile, after: "precious"},
		{name: "nothing refused, a stranger there", before: "precious", want: ErrNotRejectedFile, after: "precious"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			input := filepath.Join(t.TempDir(), "a.csv")
			if tt.before != "" {
				if err := os.WriteFile(input+RejectedSuffix, []byte(tt.before), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			w := NewRejectedWriter(input, []string{"name"})
			if tt.refused {
				if err := w.Add(row, problems); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
			after, err := os.ReadFile(w.Path())
			if tt.after == "" && !errors.Is(err, os.ErrNotExist) || tt.after != "" && (!strings.Contains(string(after), tt.after) || strings.Contains(string(after), "old")) {
				t.Errorf("afterwards %q, %v; want %q", after, err, tt.after)
			}
			checkFolder(t, filepath.Dir(input), tt.after != "")
		})
	}
}

// checkFolder finds temporary files left behind.
func checkFolder(t testing.TB, dir string, one bool) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) > 1 || len(entries) == 1 != one {
		t.Errorf("left behind: %v", entries)
	}
}

func TestRejectedAbort(t *testing.T) {
	input := filepath.Join(t.TempDir(), "a.csv")
	w := NewRejectedWriter(input, []string{"name"})
	if err := w.Add(&Row{Origin: 2, Cells: []string{"x"}}, nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	checkFolder(t, filepath.Dir(input), false)
}

func TestRejectedEmptyRowIsRefusedAgain(t *testing.T) {
	r, err := openData(t, "a.csv.rejected.csv", []byte("row,field,problem,want,code,name\n12,,too long,,,\n"), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readRows(t, r)
	if err != nil {
		t.Fatal(err)
	}
	sameRows(t, rows, []readRow{{number: 2, origin: 12, cells: "|", problem: "is empty"}})
}

func TestNeutralise(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "plain": "plain", "=1+1": "'=1+1", "+1": "+1", "-3.5": "-3.5", "-3.5 %": "'-3.5 %", "+86 573": "'+86 573", "-": "'-", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx", "\nx": "'\nx",
		"＝1": "'＝1", "'": "'", "'abc": "'abc", "'=x": "''=x", "''-1": "'''-1", "a=b": "a=b", "-1e5": "'-1e5", "1.5": "1.5", "-.5": "'-.5", "-5.": "'-5.",
	} {
		if got := Neutralise(in); got != want || Restore(got) != in {
			t.Errorf("%q becomes %q and again %q; want %q", in, got, Restore(got), want)
		}
	}
}
