package exchange

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestNDJSONRows(t *testing.T) {
	huge := `{"name":"` + strings.Repeat("x", 10<<20) + `"}`
	data := byteOrderMark + "{\"code\":\"1\"}\r\n\n" + huge + "\n  {\"code\":\"2\"}  \n{\"name\":\"\xff\"}\n{\"code\":\"3\"}"
	r, err := openData(t, "a.ndjson", []byte(data), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Format() != FormatNDJSON {
		t.Errorf("format %s", r.Format())
	}
	rows, err := readRows(t, r)
	if err != nil {
		t.Fatal(err)
	}
	sameRows(t, rows, []readRow{
		{number: 1, cells: `{"code":"1"}`},
		{number: 3, problem: "longer than 1 MiB"},
		{number: 4, cells: `{"code":"2"}`},
		{number: 5, cells: "{\"name\":\"\xff\"}", problem: "not UTF-8"},
		{number: 6, cells: `{"code":"3"}`},
	})
}

func TestNDJSONEncoding(t *testing.T) {
	_, err := openData(t, "a.ndjson", []byte("\xFF\xFE{\x00}\x00"), ReadOptions{Format: FormatNDJSON})
	if !errors.Is(err, ErrEncoding) && !errors.Is(err, ErrFormat) {
		t.Errorf("UTF-16: %v", err)
	}
}

// What lies in memory is cut into the same rows as what is read.
func FuzzSplitNDJSON(f *testing.F) {
	f.Add([]byte(byteOrderMark + "{\"a\":1}\r\n\n \t\n\xff\n{}"))
	f.Add([]byte("\xFF\xFE{\x00"))
	f.Add([]byte("\n"))
	f.Add(append(bytes.Repeat([]byte("x"), MaxRow+1), "\n{}"...))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > MaxRow+4096 {
			return
		}
		got, err := SplitNDJSON(data)
		want, wrong := rowsRead(data)
		if (err == nil) != (wrong == nil) || err != nil && !errors.Is(err, ErrEncoding) {
			t.Fatalf("%v, want %v", err, wrong)
		}
		if len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("rows %+v, want %+v", got, want)
		}
	})
}

func rowsRead(data []byte) (rows []Row, err error) {
	reader, err := ReadNDJSON(bytes.NewReader(data))
	if errors.Is(err, ErrEmptyFile) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for {
		row, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return rows, reader.Close()
		}
		if err != nil {
			return nil, err
		}
		kept := *row
		kept.JSON, kept.Cells = slices.Clone(row.JSON), append([]string(nil), row.Cells...)
		rows = append(rows, kept)
	}
}
