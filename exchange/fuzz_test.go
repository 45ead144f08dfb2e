package exchange

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
	"healthcode/registry"
)

// drain reads every row and checks what holds for all of them.
func drain(t *testing.T, rows rowSource) (good [][]string) {
	last, columns := 0, rows.columns()
	for {
		var row Row
		err := rows.next(&row)
		if errors.Is(err, io.EOF) {
			return good
		}
		if err != nil {
			if !errors.Is(err, ErrBroken) && !errors.Is(err, ErrEncoding) && !errors.Is(err, ErrTooLarge) {
				t.Fatalf("the file ends with %v, which says no reason", err)
			}
			return good
		}
		if row.Number <= last || row.Origin < 1 {
			t.Fatalf("row %d (of the first file %d) after row %d", row.Number, row.Origin, last)
		}
		last = row.Number
		if len(row.Problems) == 0 && row.JSON == nil {
			checkCells(t, row.Cells, columns)
			good = append(good, row.Cells)
		}
	}
}

func checkCells(t *testing.T, cells, columns []string) {
	if len(cells) < len(columns) {
		t.Fatalf("%d cells under %d columns", len(cells), len(columns))
	}
	for _, cell := range cells {
		if len(cell) > MaxCell || !utf8.ValidString(cell) {
			t.Fatalf("a cell of %d bytes passed: %.40q", len(cell), cell)
		}
	}
}

func FuzzCSV(f *testing.F) {
	for _, seed := range []string{"a,b\n1,2\n", byteOrderMark + "a;b\r\n1;\"x\ny\"\r\n", "a\tb\r1\t2\r", "sep=|\na|b\n1|2\n", "a,b\n\"1,2\n3,4\n", "a,b\n1\"x,2\n'=1,''-\n",
		"row,field,problem,want,a\n7,,,,x\n", "\xFF\xFEa\x00,\x00b\x00\n\x001\x00,\x002\x00", refusedInput, "json\n\"{\"\"a\"\":1}\"\n"} {
		f.Add([]byte(seed))
	}
	chinese, err := simplifiedchinese.GB18030.NewEncoder().String("名称,地址\n虚构,南湖区\n")
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(chinese))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := newCSVRows(bytes.NewReader(data), 0)
		if err != nil {
			return
		}
		good := drain(t, rows)
		checkWrittenAgain(t, rows, good)
	})
}

// checkWrittenAgain writes good rows as our writers do and reads them back.
func checkWrittenAgain(t *testing.T, rows *csvRows, good [][]string) {
	header := rows.columns()
	if rows.table.rejected || isRejectedHeader(header) || strings.HasPrefix(header[0], "sep=") || !utf8.ValidString(strings.Join(header, "")) || strings.Contains(strings.Join(header, ""), "\x00") {
		return
	}
	var b bytes.Buffer
	b.WriteString(byteOrderMark)
	w := csv.NewWriter(&b)
	for _, line := range append([][]string{header}, good...) {
		safe := make([]string, len(line))
		for i, cell := range line {
			safe[i] = Neutralise(cell)
		}
		if err := w.Write(safe); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	again, err := newCSVRows(&b, ',')
	if err != nil {
		t.Fatalf("written again: %v", err)
	}
	if !slices.Equal(again.columns(), header) {
		t.Fatalf("header %q came back as %q", header, again.columns())
	}
	if back := drain(t, again); !reflect.DeepEqual(back, good) {
		t.Fatalf("rows %q came back as %q", good, back)
	}
}

func FuzzXLSX(f *testing.F) {
	f.Add(smallWorkbook(f))
	f.Add(workbook(f, func(*excelize.File) {}))
	f.Fuzz(func(t *testing.T, data []byte) {
		file := workbookFile{in: bytes.NewReader(data), size: int64(len(data)), open: func(o excelize.Options) (*excelize.File, error) {
			return excelize.OpenReader(bytes.NewReader(data), o)
		}}
		rows, err := newXLSXRows(file, "", new(atomic.Int64))
		if err != nil {
			return
		}
		drain(t, rows)
		if err := rows.close(); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzXLSXSheet spoils the XML of the sheet instead of the zip file around it.
func FuzzXLSXSheet(f *testing.F) {
	good := smallWorkbook(f)
	f.Add([]byte(`<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row><row r="2"><c r="A2" s="1"><v>45352</v></c></row></sheetData></worksheet>`))
	f.Add([]byte(`<worksheet><sheetData><row><c><v>1</v></c></row><row r="5"><c r="XFD5" t="s"><v>9</v></c></row></sheetData></worksheet>`))
	f.Fuzz(func(t *testing.T, sheet []byte) {
		data := rezip(t, good, func(name string, part []byte) []byte {
			if name == "xl/worksheets/sheet1.xml" {
				return sheet
			}
			return part
		})
		file := workbookFile{in: bytes.NewReader(data), size: int64(len(data)), open: func(o excelize.Options) (*excelize.File, error) {
			return excelize.OpenReader(bytes.NewReader(data), o)
		}}
		rows, err := newXLSXRows(file, "", new(atomic.Int64))
		if err != nil {
			return
		}
		drain(t, rows)
		if err := rows.close(); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzNDJSON(f *testing.F) {
	f.Add([]byte(`{"uscc":"91350100M000100Y43","source":"s","source_ref":"1","kind":"complaint","outcome":"pending","occurred_on":"2024-03-01","detail":{"complainant":"x"}}`))
	f.Add([]byte("{\"kind\":\"audit\",\"detail\":[]}\n\n{}\n[1]\nnull\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := newNDJSONRows(bytes.NewReader(data))
		if err != nil {
			return
		}
		d, err := NewRecordDecoder(rows.columns(), testOptions())
		if err != nil {
			t.Fatal(err)
		}
		for {
			var row Row
			if err := rows.next(&row); err != nil {
				return
			}
			checkDecodedRecord(t, d, &row)
		}
	})
}

// checkDecodedRecord: a row gives a valid record or says why not, and a record written and read again is the same.
func checkDecodedRecord(t *testing.T, d *Decoder[registry.Record], row *Row) {
	r, problems := d.Decode(row)
	if (r == nil) != (len(problems) > 0) {
		t.Fatalf("record %v with problems %v", r, problems)
	}
	if r == nil {
		return
	}
	if problems := r.Validate(testToday); len(problems) > 0 {
		t.Fatalf("a record with problems passed: %s", problemText(problems))
	}
	first := compactJSON(r)
	again, problems := d.Decode(&Row{Number: 1, JSON: []byte(first)})
	if again == nil {
		t.Fatalf("%s is refused when read again: %s", first, problemText(problems))
	}
	if second := compactJSON(again); second != first {
		t.Fatalf("%s became %s", first, second)
	}
}

func FuzzMapping(f *testing.F) {
	f.Add("records:\n  fields:\n    uscc: {uscc_from_id: est, region: \"330402\"}\n    source_ref: {template: \"{est}-{line}\"}\n")
	f.Add("about: x\nrecords:\n  skip: [{a: b}, {c: [d, e]}]\n  fields:\n    kind:\n      - when: {a: b}\n        const: award\n      - column: [a, c]\n        values: {x: y}\n        default: z\n    occurred_on: {column: a, date: D/M/YYYY}\n    findings_minor: {sum: [a, c]}\n")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMapping([]byte(text))
		if err != nil {
			if !errors.Is(err, ErrMapping) {
				t.Fatalf("error %v says no reason", err)
			}
			return
		}
		s, has := m.sections[kindRecords]
		if !has {
			return
		}
		columns := slices.Compact(slices.Sorted(slices.Values(s.reads())))
		o := testOptions()
		o.Mapping = m
		d, err := NewRecordDecoder(columns, o)
		if err != nil {
			return
		}
		row := &Row{Number: 7, Origin: 7}
		for range columns {
			row.Cells = append(row.Cells, "1")
		}
		d.Decode(row)
	})
}

func FuzzRow(f *testing.F) {
	f.Add("findings", `[{"severity":"minor"}]`)
	f.Add("inspectors", "a;b")
	f.Add("occurred_on", "2024年3月1日")
	f.Add("findings_critical", "200")
	f.Add("known_at", "2024-03-01T00:00:00.123456789+08:00")
	f.Add("kind", "召回")
	names := recordColumns.names()
	f.Fuzz(func(t *testing.T, name, text string) {
		at := slices.Index(names, name)
		if at < 0 {
			return
		}
		row := &Row{Number: 2, Origin: 2, Cells: make([]string, len(names))}
		for column, value := range map[string]string{"uscc": "91350100M000100Y43", "source_ref": "1", "kind": "inspection", "outcome": "done", "occurred_on": "2024-03-01"} {
			row.Cells[slices.Index(names, column)] = value
		}
		row.Cells[at] = text
		d, err := NewRecordDecoder(names, testOptions())
		if err != nil {
			t.Fatal(err)
		}
		checkDecodedRecord(t, d, row)
	})
}
