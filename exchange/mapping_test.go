package exchange

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"healthcode/registry"
	"pgregory.net/rapid"
)

// mapRows decodes a file with a mapping: the values as JSON, and for refused rows their problems. A skipped row is "skipped".
func mapRows[T any](t testing.TB, open func([]string, DecodeOptions) (*Decoder[T], error), m *Mapping, r *Reader) []string {
	t.Helper()
	o := testOptions()
	o.Mapping = m
	d, err := open(r.Columns(), o)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for {
		row, err := r.Next()
		if err != nil {
			return out
		}
		value, problems := d.Decode(row)
		switch {
		case len(problems) > 0:
			out = append(out, problemText(problems))
		case value == nil:
			out = append(out, "skipped")
		default:
			out = append(out, compactJSON(value))
		}
	}
}

func sameLines(t testing.TB, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d lines %q, want %d", len(got), got, len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("line %d\ngot  %s\nwant %s", i, got[i], want[i])
		}
	}
}

func example(t testing.TB, name string) string {
	t.Helper()
	return filepath.Join("..", "docs", "examples", name)
}

func exampleMapping(t testing.TB, name string) *Mapping {
	t.Helper()
	m, err := ReadMapping(example(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestDetroitExample(t *testing.T) {
	const data = "est,date,kind,fail,priority,foundation,core,sev\n" +
		"1003,2016-09-27,routine,0,2,0,2,12\n1003,2016-11-10,complaint,0,0,0,1,1\n51623019,2019-05-31,other,1,0,0,0,0\n" +
		"1004,2017-02-30,visit,0,0,x,2,2\n"
	m := exampleMapping(t, "detroit-inspections.yaml")
	open := func() *Reader {
		r, err := openData(t, "inspections.csv", []byte(data), ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	sameLines(t, mapRows(t, NewEnterpriseDecoder, m, open()), []string{
		`{"uscc":"913304020000010036","name":"Establishment 1003","region_code":"330402","industry_code":"H6210"}`,
		`{"uscc":"913304020000010036","name":"Establishment 1003","region_code":"330402","industry_code":"H6210"}`,
		`{"uscc":"91330402051623019P","name":"Establishment 51623019","region_code":"330402","industry_code":"H6210"}`,
		`{"uscc":"913304020000010049","name":"Establishment 1004","region_code":"330402","industry_code":"H6210"}`,
	})
	const rest = `"kind":"inspection","outcome":"done","occurred_on":`
	sameLines(t, mapRows(t, NewRecordDecoder, m, open()), []string{
		`{"uscc":"913304020000010036","source":"detroit","source_ref":"1003-2016-09-27-2",` + rest + `"2016-09-27","stage":"shop","purpose":"random","state":"final","findings":[{"severity":"minor"},{"severity":"minor"},{"severity":"critical"},{"severity":"critical"}],"detail":{}}`,
		`{"uscc":"913304020000010036","source":"detroit","source_ref":"1003-2016-11-10-3",` + rest + `"2016-11-10","stage":"shop","purpose":"targeted","state":"final","findings":[{"severity":"minor"}],"detail":{}}`,
		`{"uscc":"91330402051623019P","source":"detroit","source_ref":"51623019-2019-05-31-4",` + rest + `"2019-05-31","stage":"shop","purpose":"targeted","state":"final","detail":{}}`,
		`occurred_on: "2017-02-30" is not a date as the mapping says (from date); want the form 2024-03-01 · ` +
			`purpose: "visit" is not among the values of the mapping (from kind); want a value of the mapping, or a default in it · ` +
			`findings_major: "x" is not a count (from foundation); want a whole number from 0 to 200`,
	})
}

func TestChineseExample(t *testing.T) {
	m := exampleMapping(t, "spot-check-zh.yaml")
	open := func() *Reader {
		r, err := Open(example(t, "spot-check-zh.csv"), ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
		return r
	}
	enterprises := mapRows(t, NewEnterpriseDecoder, m, open())
	if len(enterprises) != 5 || enterprises[3] != `{"uscc":"91330424MA2XX0033Q","name":"海盐虚构紧固件有限公司","size":"medium","region_code":"330424"}` {
		t.Errorf("enterprises %q", enterprises)
	}
	records := mapRows(t, NewRecordDecoder, m, open())
	if len(records) != 5 || records[4] != "skipped" {
		t.Fatalf("records %q", records)
	}
	for i, parts := range [][]string{
		{`"outcome":"pass"`, `"detail":{"batch":"20240105"}`},
		{`"outcome":"fail","severity":"minor"`, `"purpose":"targeted"`, `"findings":[{"item":"说明书","severity":"minor","standard":"GB 4706.1","limit":"应标注","value":"未标注"}]`},
		{`"severity":"critical"`, `"state":"provisional"`, `"cause":"safety_standard"`},
		{`"severity":"major"`, `"item":"楔负载"`, `"value":"-3.5 %"`, `"sampler":"虚构抽样所"`},
	} {
		for _, part := range parts {
			if !strings.Contains(records[i], part) {
				t.Errorf("record %d %s lacks %s", i, records[i], part)
			}
		}
	}
}

func TestMappingRefused(t *testing.T) {
	for _, tt := range []struct{ name, text, says string }{
		{"empty", "", "exactly one YAML document"},
		{"not YAML", "records: [", "not YAML"},
		{"two documents", "about: a\n---\nabout: b\n", "exactly one YAML document"},
		{"a list", "- a\n", "line 1: names with values"},
		{"no section", "about: x\n", "no section"},
		{"unknown section", "about: x\nrecord:\n  fields: {uscc: a}\n", `line 2: "record" is not known; did you mean "records"?`},
		{"unknown word in a section", "records:\n  field: {uscc: a}\n", `line 2: "field" is not known; did you mean "fields"?`},
		{"no fields", "records:\n  skip: {a: b}\n", "line 2: a section needs fields"},
		{"unknown field of ours", "records:\n  fields:\n    uscc: a\n    occured_on: b\n", `line 4: "occured_on" is not known; did you mean "occurred_on"?`},
		{"unknown word in a rule", "records:\n  fields:\n    uscc: {colum: a}\n", `line 3: "colum" is not known; did you mean "column"?`},
		{"no source", "records:\n  fields:\n    uscc: {default: a}\n", "line 3: a rule needs exactly one"},
		{"two sources", "records:\n  fields:\n    uscc: {column: a, const: b}\n", "line 3: a rule needs exactly one"},
		{"empty rule", "records:\n  fields:\n    uscc:\n", "a column or a rule"},
		{"key twice", "records:\n  fields:\n    uscc: a\n    uscc: b\n", "already defined"},
		{"bad date format", "records:\n  fields:\n    occurred_on: {column: a, date: the day}\n", "is no date format"},
		{"date format without day", "records:\n  fields:\n    occurred_on: {column: a, date: YYYY-MM}\n", "is no date format"},
		{"bad template", "records:\n  fields:\n    uscc: {template: \"{a\"}\n", "line 3: the braces"},
		{"empty template", "records:\n  fields:\n    uscc: {template: \"\"}\n", "the template is empty"},
		{"region missing", "records:\n  fields:\n    uscc: {uscc_from_id: a}\n", "region"},
		{"region alone", "records:\n  fields:\n    uscc: {column: a, region: \"330402\"}\n", "region goes with uscc_from_id"},
		{"empty condition", "records:\n  skip: {}\n  fields: {uscc: a}\n", "a condition needs"},
		{"alias", "records:\n  fields:\n    uscc: &a x\n    source: *a\n", "line 3: names with values"},
		{"too large", strings.Repeat("#", MaxMapping+1), "256 KiB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseMapping([]byte(tt.text))
			if !errors.Is(err, ErrMapping) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want one saying %q", err, tt.says)
			}
		})
	}
}

func TestMappingAndFile(t *testing.T) {
	m, err := ParseMapping([]byte("records:\n  fields: {uscc: licence no, occurred_on: day}\n"))
	if err != nil {
		t.Fatal(err)
	}
	o := testOptions()
	o.Mapping = m
	_, err = NewRecordDecoder([]string{"licence_no", "day"}, o)
	var columns *ColumnError
	if !errors.As(err, &columns) || !strings.Contains(err.Error(), `"licence no" (did you mean "licence_no"?)`) {
		t.Errorf("missing column: %v", err)
	}
	if _, err := NewEnterpriseDecoder([]string{"licence no", "day"}, o); !errors.Is(err, ErrMapping) {
		t.Errorf("missing section: %v", err)
	}
	if _, err := NewRecordDecoder([]string{jsonColumn}, o); !errors.Is(err, ErrMapping) {
		t.Errorf("mapping for NDJSON: %v", err)
	}
	if _, err := ReadMapping(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestInventedUSCC(t *testing.T) {
	for _, tt := range []struct {
		name, region, id string
		want             registry.USCC
	}{
		{"a number", "330402", "1003", "913304020000010036"},
		{"nine digits", "330402", "999999999", "91330402999999999C"},
		{"zero", "330402", "0", "91330402000000000M"},
		{"no id", "330402", " ", ""},
		{"a township", "330402001", "1", ""},
		{"no region", "", "1", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := InventedUSCC(tt.region, tt.id)
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("%s, %v; want %s", got, err, tt.want)
			}
		})
	}
}

func TestInventedUSCCOfLeadingZeros(t *testing.T) {
	seen := map[registry.USCC]string{}
	for _, id := range []string{"7", "07", "007", "000000007", "0", "00", "1234567890"} {
		code, err := InventedUSCC("330402", id)
		if err != nil || !code.Valid() || seen[code] != "" {
			t.Errorf("%q gives %s (%v), as %q does", id, code, err, seen[code])
		}
		seen[code] = id
	}
}

func TestInventedUSCCNeverMeets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.OneOf(rapid.StringMatching(`[0-9]{1,9}`), rapid.StringMatching(`[0-9A-Za-z-]{1,20}`))
		a, b := id.Draw(t, "a"), id.Draw(t, "b")
		codeA, err := InventedUSCC("330402", a)
		if err != nil {
			t.Fatal(err)
		}
		codeB, err := InventedUSCC("330402", b)
		if err != nil {
			t.Fatal(err)
		}
		if !codeA.Valid() || !codeB.Valid() || (codeA == codeB) != (a == b) {
			t.Fatalf("%q gives %s, %q gives %s", a, codeA, b, codeB)
		}
	})
}
