package exchange

import (
	"errors"
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
