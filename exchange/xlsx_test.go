package exchange

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// workbook makes an XLSX file; fill sets its cells.
func workbook(t testing.TB, fill func(f *excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	fill(f)
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func set(t testing.TB, f *excelize.File, cell string, value any) {
	t.Helper()
	if err := f.SetCellValue("Sheet1", cell, value); err != nil {
		t.Fatal(err)
	}
}

func show(t testing.TB, f *excelize.File, cell string, value any, style excelize.Style) {
	t.Helper()
	set(t, f, cell, value)
	id, err := f.NewStyle(&style)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.SetCellStyle("Sheet1", cell, cell, id); err != nil {
		t.Fatal(err)
	}
}

func TestXLSXRows(t *testing.T) {
	chinese, american, amount := `yyyy"年"m"月"d"日"`, "[$-409]m/d/yy;@", `#,##0.00 "days"`
	data := workbook(t, func(f *excelize.File) {
		for cell, value := range map[string]any{"A2": "code", "B2": "day", "C2": "amount", "A3": "a", "A6": "long", "B6": "text"} {
			set(t, f, cell, value)
		}
		set(t, f, "C6", 0.1)
		show(t, f, "B3", time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC), excelize.Style{NumFmt: 14})
		show(t, f, "C3", 1234.56789, excelize.Style{CustomNumFmt: &amount})
		set(t, f, "A4", "b")
		show(t, f, "B4", time.Date(2100, 12, 31, 13, 30, 0, 0, time.UTC), excelize.Style{CustomNumFmt: &chinese})
		show(t, f, "C4", 0.5, excelize.Style{NumFmt: 9})
		set(t, f, "A5", "c")
		show(t, f, "B5", 1, excelize.Style{CustomNumFmt: &american})
		set(t, f, "C5", true)
	})
	r, err := openData(t, "a.xlsx", data, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(r.Columns(), "|"); got != "code|day|amount" {
		t.Errorf("columns %s", got)
	}
	rows, err := readRows(t, r)
	if err != nil {
		t.Fatal(err)
	}
	sameRows(t, rows, []readRow{
		{number: 3, cells: "a|2024-03-01|1234.56789"},
		{number: 4, cells: "b|2100-12-31|0.5"},
		{number: 5, cells: "c|1900-01-01|TRUE"},
		{number: 6, cells: "long|text|0.1"},
	})
	if done, total := r.Progress(); done != total {
		t.Errorf("progress at the end %d of %d", done, total)
	}
}

func TestXLSXSheets(t *testing.T) {
	data := workbook(t, func(f *excelize.File) {
		set(t, f, "A1", "first")
		set(t, f, "A2", 1)
		if _, err := f.NewSheet("抽查结果"); err != nil {
			t.Fatal(err)
		}
		for cell, value := range map[string]string{"A1": "second", "A2": "二"} {
			if err := f.SetCellValue("抽查结果", cell, value); err != nil {
				t.Fatal(err)
			}
		}
	})
	for sheet, want := range map[string]string{"": "first", "Sheet1": "first", "抽查结果": "second"} {
		r, err := openData(t, "a.xlsx", data, ReadOptions{Sheet: sheet})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Columns()[0]; got != want {
			t.Errorf("sheet %q: column %q, want %q", sheet, got, want)
		}
	}
	if _, err := openData(t, "a.xlsx", data, ReadOptions{Sheet: "none"}); !errors.Is(err, ErrHeader) || !strings.Contains(err.Error(), "抽查结果") {
		t.Errorf("unknown sheet: %v", err)
	}
}

// rezip writes the file again, with parts changed.
func rezip(t testing.TB, data []byte, change func(name string, part []byte) []byte) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	for _, part := range in.File {
		r, err := part.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		w, err := out.Create(part.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(change(part.Name, text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func smallWorkbook(t testing.TB) []byte {
	t.Helper()
	return workbook(t, func(f *excelize.File) {
		for i, row := range [][]any{{"code", "name"}, {"330402", "南湖区"}, {"330411", "秀洲区"}} {
			cell, err := excelize.CoordinatesToCellName(1, i+1)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.SetSheetRow("Sheet1", cell, &row); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestXLSXDamaged(t *testing.T) {
	good := smallWorkbook(t)
	inSheet := func(old, with string) []byte {
		return rezip(t, good, func(name string, part []byte) []byte {
			if name == "xl/worksheets/sheet1.xml" {
				return bytes.Replace(part, []byte(old), []byte(with), 1)
			}
			return part
		})
	}
	flipped := bytes.Clone(good)
	flipped[bytes.Index(flipped, []byte("xl/worksheets/sheet1.xml"))+200] ^= 0xff
	for _, tt := range []struct {
		name string
		data []byte
		want error
		says string
	}{
		{"cut in half", good[:len(good)/2], ErrBroken, "cut short"},
		{"cut by a byte", good[:len(good)-1], ErrBroken, "cut short"},
		{"a byte changed", flipped, ErrBroken, "sheet1.xml"},
		{"sheet breaks off", inSheet(`<row r="3"`, `</oops><row r="3"`), ErrBroken, "breaks off after row 2 of 3"},
		{"row without number breaks off", inSheet(`<row r="3"`, `&broken;<row`), ErrBroken, "breaks off"},
		{"no sheets", rezip(t, good, func(name string, part []byte) []byte {
			if name == "xl/workbook.xml" {
				return []byte("<workbook/>")
			}
			return part
		}), ErrBroken, "no sheet"},
		{"another zip file", rezip(t, good, func(string, []byte) []byte { return nil }), ErrBroken, "workbook"},
		{"a cell of many megabytes", inSheet("<v>0</v>", "<v>"+strings.Repeat("9", maxTextRun+1)+"</v>"), ErrTooLarge, "16 MiB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := openData(t, "a.xlsx", tt.data, ReadOptions{})
			if err == nil {
				_, err = readRows(t, r)
			}
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want %v saying %q", err, tt.want, tt.says)
			}
		})
	}
}

func TestXLSXHugeCell(t *testing.T) {
	data := rezip(t, smallWorkbook(t), func(name string, part []byte) []byte {
		if name == "xl/sharedStrings.xml" {
			return bytes.Replace(part, []byte("南湖区"), bytes.Repeat([]byte("x"), 10<<20), 1)
		}
		return part
	})
	r, err := openData(t, "a.xlsx", data, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readRows(t, r)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 || !strings.Contains(rows[0].problem, "10485760 bytes") || rows[1].cells != "330411|秀洲区" || rows[1].problem != "" {
		t.Errorf("%d rows, problem %q, second %.50q", len(rows), rows[0].problem, rows[1].cells)
	}
}

func TestXLSXEmptyAndHeaderOnly(t *testing.T) {
	if _, err := openData(t, "a.xlsx", workbook(t, func(*excelize.File) {}), ReadOptions{}); !errors.Is(err, ErrEmptyFile) {
		t.Errorf("empty sheet: %v", err)
	}
	r, err := openData(t, "a.xlsx", workbook(t, func(f *excelize.File) { set(t, f, "A1", "code") }), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := readRows(t, r); len(rows) != 0 || err != nil {
		t.Errorf("header only: %d rows, %v", len(rows), err)
	}
}

func TestXLSXWithoutStyles(t *testing.T) {
	data := rezip(t, smallWorkbook(t), func(name string, part []byte) []byte {
		if name == "xl/styles.xml" {
			return []byte(`<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>`)
		}
		return part
	})
	r, err := openData(t, "a.xlsx", data, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readRows(t, r)
	if err != nil || len(rows) != 2 {
		t.Errorf("%d rows, %v; want 2", len(rows), err)
	}
}

func TestShowsDay(t *testing.T) {
	for format, want := range map[string]bool{
		"yyyy-mm-dd": true, `yyyy"年"m"月"`: true, "d-mmm": true, "[$-804]aaaa;@": false, "General": false, "0.00": false,
		`0.00"days"`: false, `#,##0\d`: false, "[Red]0": false, "hh:mm": false, "@": false, "0_d": false,
	} {
		if got := showsDay(nil, &format); got != want {
			t.Errorf("%q: %v, want %v", format, got, want)
		}
	}
	for id, want := range map[int]bool{0: false, 9: false, 14: true, 18: false, 20: false, 22: true, 31: true, 33: false, 36: true, 45: false, 49: false, 57: true} {
		if got := showsDay(&id, nil); got != want {
			t.Errorf("built-in %d: %v, want %v", id, got, want)
		}
	}
}
