package exchange

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

func encode(t testing.TB, e encoding.Encoding, text string) []byte {
	t.Helper()
	data, err := e.NewEncoder().Bytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestCSVRows(t *testing.T) {
	for _, tt := range []struct {
		name, data string
		want       []readRow
	}{
		{name: "header only", data: "a,b\n"},
		{name: "header without line end", data: "a,b"},
		{name: "no last line end", data: "a,b\n1,2", want: []readRow{{number: 2, cells: "1|2"}}},
		{name: "CRLF", data: "a,b\r\n1,2\r\n3,4\r\n", want: []readRow{{number: 2, cells: "1|2"}, {number: 3, cells: "3|4"}}},
		{name: "CR only", data: "a,b\r1,2\r3,4\r", want: []readRow{{number: 2, cells: "1|2"}, {number: 3, cells: "3|4"}}},
		{name: "byte order mark", data: byteOrderMark + "a,b\n1,2\n", want: []readRow{{number: 2, cells: "1|2"}}},
		{name: "blank lines keep the count", data: "\na,b\n\n1,2\n,\n \n3,4\n", want: []readRow{{number: 4, cells: "1|2"}, {number: 7, cells: "3|4"}}},
		{name: "quotes", data: "a,b\n\"x,y\",\"say \"\"hi\"\"\"\n", want: []readRow{{number: 2, cells: `x,y|say "hi"`}}},
		{name: "line end in quotes", data: "a,b\n\"x\ny\",2\n3,4\n", want: []readRow{{number: 2, cells: "x\ny|2"}, {number: 4, cells: "3|4"}}},
		{name: "bare quote", data: "a,b\n1\"x,2\n3,4\n", want: []readRow{{number: 2, cells: "1\"x,2|", problem: "the quotes are wrong"}, {number: 3, cells: "3|4"}}},
		{name: "text behind a closing quote", data: "a,b\n\"1\"x,2\n3,4\n", want: []readRow{{number: 2, cells: "\"1\"x,2|", problem: "the quotes are wrong"}, {number: 3, cells: "3|4"}}},
		{name: "quote never closed", data: "a,b\n\"1,2\n3,4\n5,6\n", want: []readRow{{number: 2, cells: "\"1,2|", problem: "never closed"}, {number: 3, cells: "3|4"}, {number: 4, cells: "5|6"}}},
		{name: "row too short", data: "a,b,c\n1,2\n3,4,5\n", want: []readRow{{number: 2, cells: "1|2", problem: "has 2 columns"}, {number: 3, cells: "3|4|5"}}},
		{name: "row too long", data: "a,b\n1,2,3\n", want: []readRow{{number: 2, cells: "1|2|3", problem: "has 3 columns"}}},
		{name: "only empty cells too many", data: "a,b\n1,2,,\n", want: []readRow{{number: 2, cells: "1|2||"}}},
		{name: "column without name and values", data: "a,,b,\n1,,2,\n", want: []readRow{{number: 2, cells: "1||2|"}}},
		{name: "value under no name", data: "a,,b\n1,9,2\n", want: []readRow{{number: 2, cells: "1|9|2", problem: "the column has no name"}}},
		{name: "NUL byte", data: "a,b\n1,x\x00y\n3,4\n", want: []readRow{{number: 2, cells: "1|x\x00y", problem: "NUL"}, {number: 3, cells: "3|4"}}},
		{name: "bad UTF-8 among much good", data: "a,b\n企业名称全称在此处很长很长,2\n一\xff,4\n5,6\n", want: []readRow{
			{number: 2, cells: "企业名称全称在此处很长很长|2"}, {number: 3, cells: "一\xff|4", problem: "not UTF-8"}, {number: 4, cells: "5|6"}}},
		{name: "replacement character", data: "a,b\n一\uFFFD二三四五六七八九十,4\n", want: []readRow{{number: 2, cells: "一\uFFFD二三四五六七八九十|4", problem: "lost in conversion"}}},
		{name: "semicolons", data: "a;b\n1,5;2\n", want: []readRow{{number: 2, cells: "1,5|2"}}},
		{name: "tabs", data: "a\tb\n1\t2\n", want: []readRow{{number: 2, cells: "1|2"}}},
		{name: "pipes", data: "a|b\n1|2\n", want: []readRow{{number: 2, cells: "1|2"}}},
		{name: "comma beside one pipe", data: "a,b,c|d\n1,2,3\n", want: []readRow{{number: 2, cells: "1|2|3"}}},
		{name: "delimiters in quoted headings", data: "\"a;;;\",b\n1,2\n", want: []readRow{{number: 2, cells: "1|2"}}},
		{name: "Excel's hint", data: "sep=;\na;b,c\n1;2\n", want: []readRow{{number: 3, cells: "1|2"}}},
		{name: "one column", data: "a\n1\n", want: []readRow{{number: 2, cells: "1"}}},
		{name: "neutralised cells", data: "a,b\n'=1+1,'abc\n-3.5,''+x\n", want: []readRow{{number: 2, cells: "=1+1|'abc"}, {number: 3, cells: "-3.5|'+x"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := openData(t, "a.csv", []byte(tt.data), ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			rows, err := readRows(t, r)
			if err != nil {
				t.Fatal(err)
			}
			sameRows(t, rows, tt.want)
		})
	}
}

func TestCSVEncodings(t *testing.T) {
	const text = "企业名称,地址\n嘉兴虚构电器有限公司,南湖区\n"
	ascii := "name,address\n" + strings.Repeat("plain,text\n", 20_000)
	for _, tt := range []struct {
		name, want string
		data       []byte
	}{
		{"UTF-8", encodingUTF8, []byte(text)},
		{"UTF-8 with mark", encodingBOM, []byte(byteOrderMark + text)},
		{"UTF-16 little-endian", encodingUTF16, encode(t, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), text)},
		{"UTF-16 big-endian", encodingUTF16, encode(t, unicode.UTF16(unicode.BigEndian, unicode.UseBOM), text)},
		{"GB18030", encodingGB18030, encode(t, simplifiedchinese.GB18030, text)},
		{"GB18030 far behind ASCII", encodingGB18030, append([]byte(ascii), encode(t, simplifiedchinese.GB18030, "嘉兴虚构电器有限公司,南湖区\n")...)},
		{"UTF-8 far behind ASCII", encodingUTF8, []byte(ascii + "嘉兴虚构电器有限公司,南湖区\n")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := openData(t, "a.csv", tt.data, ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			rows, err := readRows(t, r)
			if err != nil {
				t.Fatal(err)
			}
			last := rows[len(rows)-1]
			if last.cells != "嘉兴虚构电器有限公司|南湖区" || last.problem != "" || r.Encoding() != tt.want {
				t.Errorf("read %+v as %s, want %s", last, r.Encoding(), tt.want)
			}
		})
	}
}

func TestCSVEncodingStays(t *testing.T) {
	data := encode(t, simplifiedchinese.GB18030, "名称,地址\n"+strings.Repeat("嘉兴虚构电器有限公司,南湖区\n", 5000))
	data = append(data, "bad \xff byte,1\n"...)
	data = append(data, encode(t, simplifiedchinese.GB18030, "好行,南湖区\n")...)
	r, err := openData(t, "a.csv", data, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readRows(t, r)
	if err != nil {
		t.Fatal(err)
	}
	sameRows(t, rows[5000:], []readRow{{number: 5002, cells: "bad \uFFFD byte|1", problem: "lost in conversion"}, {number: 5003, cells: "好行|南湖区"}})
}

func TestCSVHugeCells(t *testing.T) {
	ten := strings.Repeat("x", 10<<20)
	for _, tt := range []struct {
		name, cell string
		rows       []readRow
	}{
		{"just too much", strings.Repeat("x", MaxCell+1), []readRow{{number: 2, cells: strings.Repeat("x", MaxCell+1) + "|1", problem: "has 65537 bytes"}, {number: 3, cells: "good|2"}}},
		{"just enough", strings.Repeat("x", MaxCell), []readRow{{number: 2, cells: strings.Repeat("x", MaxCell) + "|1"}, {number: 3, cells: "good|2"}}},
		{"10 MB", ten, []readRow{{number: 2, cells: "|", problem: "longer than 1 MiB"}, {number: 3, cells: "good|2"}}},
		{"10 MB quoted with line ends", `"` + strings.Repeat("line\n", 2<<20) + `"`, []readRow{{number: 2, cells: "|", problem: "longer than 1 MiB"}, {number: 2<<20 + 3, cells: "good|2"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := openData(t, "a.csv", []byte("a,b\n"+tt.cell+",1\ngood,2\n"), ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			rows, err := readRows(t, r)
			if err != nil {
				t.Fatal(err)
			}
			sameRows(t, rows, tt.rows)
		})
	}
}

func TestCSVQuoteThatSwallowsTheRest(t *testing.T) {
	r, err := openData(t, "a.csv", []byte("a,b\n1,2\n\"3,4\n"+strings.Repeat("5,6\n", 1<<19)), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readRows(t, r)
	if !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), "line 3") || len(rows) != 1 {
		t.Errorf("%d rows, error %v; want 1 row and an error naming line 3", len(rows), err)
	}
}

func TestCSVManyQuotesEnd(t *testing.T) {
	var b strings.Builder
	b.WriteString("a,b\n")
	for i := range 3 * maxRescans {
		fmt.Fprintf(&b, "%d,\"\"\"\n", i)
	}
	r, err := openData(t, "a.csv", []byte(b.String()), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readRows(t, r)
	if len(rows) > 3*maxRescans || err != nil && !errors.Is(err, ErrBroken) {
		t.Errorf("%d rows, error %v", len(rows), err)
	}
}
