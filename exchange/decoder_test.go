package exchange

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"healthcode/registry"
)

func testOptions() DecodeOptions {
	return DecodeOptions{Today: testToday, Source: "test", PersonKey: testKey}
}

// problemText is the problems of a row as "field: problem; want …".
func problemText(problems registry.Problems) string { return problems.Error() }

// decodeCSV decodes a table of one header and one row.
func decodeCSV[T any](t testing.TB, open func([]string, DecodeOptions) (*Decoder[T], error), data string) (*T, registry.Problems) {
	t.Helper()
	r, err := openData(t, "a.csv", []byte(data), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := open(r.Columns(), testOptions())
	if err != nil {
		t.Fatal(err)
	}
	row, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	return d.Decode(row)
}

func TestDecodeEnterprise(t *testing.T) {
	for _, tt := range []struct{ name, data, want, problems string }{
		{name: "everything", data: "uscc,name,size,status,region_code,industry_code,address,longitude,latitude,registered_on,product_codes,licence_number,licence_valid_from,licence_valid_until,capability_qms,capability_traceability,capability_since\n" +
			"91350100m000100y43,虚构公司,small,operating,330402,C3831,某路 1 号,120.75,30.74,2019/3/1,kettle;bolt,XK-1,20240101,2029年1月1日,held,缺失,2024-02-01\n",
			want: `{"uscc":"91350100M000100Y43","name":"虚构公司","size":"small","status":"operating","region_code":"330402","industry_code":"C3831","address":"某路 1 号","point":{"longitude":120.75,"latitude":30.74},"registered_on":"2019-03-01","product_codes":["kettle","bolt"],"licences":[{"number":"XK-1","valid_from":"2024-01-01","valid_until":"2029-01-01"}],"capability_items":[{"item":"qms","held":true,"since":"2024-02-01"},{"item":"traceability","held":false,"since":"2024-02-01"}]}`},
		{name: "Chinese headings and words", data: "统一社会信用代码,企业名称,企业规模,行政区划代码,成立日期\n91350100M000100Y43,虚构公司,小型,330402,2019年3月1日\n",
			want: `{"uscc":"91350100M000100Y43","name":"虚构公司","size":"small","region_code":"330402","registered_on":"2019-03-01"}`},
		{name: "several licences as JSON", data: "uscc,name,region_code,licences\n91350100M000100Y43,虚构公司,330402,\"[{\"\"number\"\":\"\"a\"\",\"\"valid_from\"\":\"\"2024-01-01\"\"},{\"\"number\"\":\"\"b\"\",\"\"valid_from\"\":\"\"2024-01-01\"\"}]\"\n",
			want: `{"uscc":"91350100M000100Y43","name":"虚构公司","region_code":"330402","licences":[{"number":"a","valid_from":"2024-01-01"},{"number":"b","valid_from":"2024-01-01"}]}`},
		{name: "all problems at once", data: "uscc,name,region_code,registered_on,longitude,capability_qms\n91350100M000100Y44,,33,31.12.2019,east,yes\n",
			problems: `uscc: the check character|name: is missing|region_code: "33" is not a division code|registered_on: not a date|longitude: "east" is not a number|capability_qms: "yes" is not known; want held or missing|point: has one coordinate only`},
		{name: "capability without its date", data: "uscc,name,region_code,capability_qms\n91350100M000100Y43,虚构公司,330402,held\n", problems: "capability_since: is missing"},
		{name: "licence without its date", data: "uscc,name,region_code,licence_number\n91350100M000100Y43,虚构公司,330402,a\n", problems: "licence_valid_from: is missing"},
		{name: "unknown word in JSON", data: "uscc,name,region_code,licences\n91350100M000100Y43,虚构公司,330402,\"[{\"\"no\"\":\"\"a\"\"}]\"\n", problems: `licences: unknown field "no"; want a JSON list`},
		{name: "registered in 2100", data: "uscc,name,region_code,registered_on\n91350100M000100Y43,虚构公司,330402,2100-01-01\n", problems: "registered_on: 2100-01-01 is out of range; want a date from 1949-10-01 to 2026-11-20"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, problems := decodeCSV(t, NewEnterpriseDecoder, tt.data)
			checkDecoded(t, e, problems, tt.want, tt.problems)
		})
	}
}

func checkDecoded[T any](t testing.TB, value *T, problems registry.Problems, want, wantProblems string) {
	t.Helper()
	if wantProblems == "" {
		if len(problems) > 0 {
			t.Fatalf("problems %s", problemText(problems))
		}
		if got := compactJSON(value); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		return
	}
	if value != nil {
		t.Errorf("a refused row gave %s", compactJSON(value))
	}
	parts := strings.Split(wantProblems, "|")
	if len(parts) != len(problems) {
		t.Errorf("%d problems %s, want %d", len(problems), problemText(problems), len(parts))
	}
	for _, part := range parts {
		if !strings.Contains(problemText(problems), part) {
			t.Errorf("problems %s\nwant %s", problemText(problems), part)
		}
	}
}

func TestDecodeProductAndRegion(t *testing.T) {
	p, problems := decodeCSV(t, NewProductDecoder, "产品代码,产品类别,产品名称,风险等级,是否许可,执行标准\nkettle,家电,电热水壶,较高风险,是,GB 4706.1;GB 4806.7\n")
	checkDecoded(t, p, problems, `{"code":"kettle","group":"家电","name":"电热水壶","risk":"higher","licence_needed":true,"standards":["GB 4706.1","GB 4806.7"]}`, "")
	p, problems = decodeCSV(t, NewProductDecoder, "code,group,name,risk,licence_needed\nkettle,家电,电热水壶,very,maybe\n")
	checkDecoded(t, p, problems, "", `risk: "very" is not known; want general, higher or high|licence_needed: "maybe" is neither`)
	r, problems := decodeCSV(t, NewRegionDecoder, "code,name\n330402001,建设街道\n")
	checkDecoded(t, r, problems, `{"code":"330402001","name":"建设街道"}`, "")
	r, problems = decodeCSV(t, NewRegionDecoder, "code,name\n3304,嘉兴\n")
	checkDecoded(t, r, problems, "", `code: "3304" is not a division code`)
}

const recordHead = "uscc,source_ref,kind,outcome,occurred_on,"
const recordRow = "91350100M000100Y43,R-1,"

func TestDecodeRecord(t *testing.T) {
	for _, tt := range []struct{ name, head, row, want, problems string }{
		{name: "passed", head: "product_code,stage,purpose", row: "spot_check,pass,2024-03-01,kettle,shop,random",
			want: `{"uscc":"91350100M000100Y43","source":"test","source_ref":"R-1","kind":"spot_check","outcome":"pass","occurred_on":"2024-03-01","product_code":"kettle","stage":"shop","purpose":"random","state":"final","detail":{}}`},
		{name: "Chinese words", head: "severity,stage,state,batch", row: "监督抽查,不合格,2024年3月1日,轻微,网络,异议期,B-7",
			want: `{"uscc":"91350100M000100Y43","source":"test","source_ref":"R-1","kind":"spot_check","outcome":"fail","severity":"minor","occurred_on":"2024-03-01","stage":"online","state":"provisional","detail":{"batch":"B-7"}}`},
		{name: "findings as counts", head: "source,findings_minor,findings_major", row: "inspection,done,2024-03-01,own,2,1",
			want: `{"uscc":"91350100M000100Y43","source":"own","source_ref":"R-1","kind":"inspection","outcome":"done","occurred_on":"2024-03-01","state":"final","findings":[{"severity":"minor"},{"severity":"minor"},{"severity":"major"}],"detail":{}}`},
		{name: "one finding of the row", head: "severity,finding_item,finding_value", row: "spot_check,fail,2024-03-01,major,甲醛,83",
			want: `{"uscc":"91350100M000100Y43","source":"test","source_ref":"R-1","kind":"spot_check","outcome":"fail","severity":"major","occurred_on":"2024-03-01","state":"final","findings":[{"item":"甲醛","severity":"major","value":"83"}],"detail":{}}`},
		{name: "findings as JSON", head: "findings", row: `inspection,done,2024-03-01,"[{""item"":""x"",""severity"":""critical""}]"`,
			want: `{"uscc":"91350100M000100Y43","source":"test","source_ref":"R-1","kind":"inspection","outcome":"done","occurred_on":"2024-03-01","state":"final","findings":[{"item":"x","severity":"critical"}],"detail":{}}`},
		{name: "penalty", head: "severity,decision_number,amount_cents,publish_until", row: "penalty,imposed,2024-03-01,major,嘉市监罚〔2024〕1号,5000000,2027-03-01",
			want: `{"uscc":"91350100M000100Y43","source":"test","source_ref":"R-1","kind":"penalty","outcome":"imposed","severity":"major","occurred_on":"2024-03-01","state":"final","detail":{"decision_number":"嘉市监罚〔2024〕1号","amount_cents":5000000,"publish_until":"2027-03-01"}}`},
		{name: "a sanction in Chinese", head: "severity,sanction", row: "penalty,imposed,2024-03-01,major,停产停业",
			want: `{"uscc":"91350100M000100Y43","source":"test","source_ref":"R-1","kind":"penalty","outcome":"imposed","severity":"major","occurred_on":"2024-03-01","state":"final","detail":{"sanction":"suspension"}}`},
		{name: "sampler and tester", head: "sampler,tester", row: "spot_check,pass,2024-03-01,A,B",
			want: `{"uscc":"91350100M000100Y43","source":"test","source_ref":"R-1","kind":"spot_check","outcome":"pass","occurred_on":"2024-03-01","state":"final","people":{"sampler":"A","tester":"B"},"detail":{}}`},
		{name: "self-inspection", head: "year", row: "自查报告,on_time,2024-03-01,2023",
			want: `{"uscc":"91350100M000100Y43","source":"test","source_ref":"R-1","kind":"self_inspection","outcome":"on_time","occurred_on":"2024-03-01","state":"final","detail":{"year":2023}}`},
		{name: "history with its own instant", head: "known_at,revision", row: "spot_check,pass,2024-03-01,2024-03-02T08:00:00+08:00,2",
			want: `{"uscc":"91350100M000100Y43","source":"test","source_ref":"R-1","revision":2,"kind":"spot_check","outcome":"pass","occurred_on":"2024-03-01","known_at":"2024-03-02T00:00:00Z","state":"final","detail":{}}`},
		{name: "detail of another kind", head: "year", row: "spot_check,pass,2024-03-01,2023", problems: "year: does not go with spot_check; want nothing; spot_check has batch, cause, plan"},
		{name: "in 1900", head: "stage", row: "spot_check,pass,1900-01-01,", problems: "occurred_on: 1900-01-01 is out of range; want a date from 1990-01-01 to 2026-11-20"},
		{name: "in 2100", head: "stage", row: "spot_check,pass,2100-01-01,", problems: "occurred_on: 2100-01-01 is out of range"},
		{name: "everything wrong", head: "severity,findings_minor,known_at,amount_cents", row: "spot_check,passed,tomorrow,bad,-1,now,x",
			problems: `outcome: "passed" is not known; want one of pass, fail, refused|occurred_on: not a date of the form YYYY-MM-DD: "tomorrow"; want a date such as|severity: "bad" is not known; want minor, major or critical|findings_minor: "-1" is not a count|known_at: "now" is not an instant|amount_cents: does not go with`},
		{name: "too many findings", head: "findings_minor", row: "inspection,done,2024-03-01,999999999", problems: "findings_minor: \"999999999\" is not a count; want a whole number from 0 to 200"},
		{name: "unknown kind", head: "year", row: "audit,done,2024-03-01,2023", problems: `kind: "audit" is not known`},
		{name: "a sampler who tests", head: "sampler,tester", row: "spot_check,pass,2024-03-01,A,A", problems: "people.tester: is the sampler too"},
		{name: "an amount that is no number", head: "severity,amount_cents", row: "penalty,imposed,2024-03-01,minor,1e6", problems: `amount_cents: "1e6" is not a whole number`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, problems := decodeCSV(t, NewRecordDecoder, recordHead+tt.head+"\n"+recordRow+tt.row+"\n")
			checkDecoded(t, r, problems, tt.want, tt.problems)
		})
	}
}

func TestPersonsAreHidden(t *testing.T) {
	r, problems := decodeCSV(t, NewRecordDecoder, recordHead+"inspectors\n"+recordRow+"inspection,done,2024-03-01,张三;李四\n")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	fromJSON := decodeJSON(t, `{"uscc":"91350100M000100Y43","source":"s","source_ref":"1","kind":"inspection","outcome":"done","occurred_on":"2024-03-01","people":{"inspectors":[" 张三 ","李四"]}}`)
	hidden := r.People.Inspectors
	if got := fromJSON.People.Inspectors; got[0] != hidden[0] || got[1] != hidden[1] || hidden[0] == hidden[1] {
		t.Errorf("from CSV %q, from NDJSON %q: want the same two different hashes", hidden, got)
	}
	c := decodeJSON(t, `{"uscc":"91350100M000100Y43","source":"s","source_ref":"1","kind":"complaint","outcome":"pending","occurred_on":"2024-03-01","detail":{"complainant":"张三"}}`)
	complainant := c.Detail.(*registry.Complaint).Complainant
	if !isHidden(complainant) || complainant == hidden[0] {
		t.Errorf("complainant %q, want a hash other than the inspector's of that name", complainant)
	}
	again := decodeJSON(t, compactJSON(c))
	if got := again.Detail.(*registry.Complaint).Complainant; got != complainant {
		t.Errorf("read again %q, want %q", got, complainant)
	}
	if other := newPersonHider([]byte("another key of 16 bytes")).person("inspector", "张三"); other == hidden[0] {
		t.Error("another key gives the same hash")
	}
	for _, text := range []string{compactJSON(r), compactJSON(c)} {
		if strings.Contains(text, "张三") {
			t.Errorf("a name is left in %s", text)
		}
	}
}

func TestRecordDecoderNeedsKeyAndDay(t *testing.T) {
	if _, err := NewRecordDecoder([]string{"uscc"}, DecodeOptions{Today: testToday, PersonKey: testKey[:8]}); !errors.Is(err, ErrPersonKey) {
		t.Errorf("short key: %v", err)
	}
	if _, err := NewRegionDecoder([]string{"code"}, DecodeOptions{}); !errors.Is(err, ErrToday) {
		t.Errorf("no day: %v", err)
	}
}

func TestUnknownColumns(t *testing.T) {
	_, err := NewRecordDecoder([]string{"uscc", "occured_on", "colour of the roof"}, testOptions())
	var columns *ColumnError
	if !errors.As(err, &columns) || fmt.Sprint(columns.Unknown) != "[occured_on colour of the roof]" {
		t.Fatalf("error %v, want a ColumnError with the two unknown names", err)
	}
	for _, part := range []string{`"occured_on" (did you mean "occurred_on"?)`, `"colour of the roof";`, "findings_minor"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %s", err, part)
		}
	}
	if _, err := NewRegionDecoder([]string{"code", "name", "名称"}, testOptions()); !errors.Is(err, ErrHeader) {
		t.Errorf("one column under two names: %v", err)
	}
}

// decodeJSON decodes a line of NDJSON that is a good record.
func decodeJSON(t testing.TB, line string) *registry.Record {
	t.Helper()
	r, problems := decodeLine(t, NewRecordDecoder, line)
	if len(problems) > 0 {
		t.Fatalf("%s: %s", line, problemText(problems))
	}
	return r
}

func decodeLine[T any](t testing.TB, open func([]string, DecodeOptions) (*Decoder[T], error), line string) (*T, registry.Problems) {
	t.Helper()
	r, err := openData(t, "a.ndjson", []byte(line+"\n"), ReadOptions{Format: FormatNDJSON})
	if err != nil {
		t.Fatal(err)
	}
	d, err := open(r.Columns(), testOptions())
	if err != nil {
		t.Fatal(err)
	}
	row, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	return d.Decode(row)
}

func TestDecodeNDJSON(t *testing.T) {
	const good = `"uscc":"91350100M000100Y43","source":"s","source_ref":"1","occurred_on":"2024-03-01"`
	for _, tt := range []struct{ name, line, want, problems string }{
		{name: "state left out", line: `{` + good + `,"kind":"spot_check","outcome":"pass"}`,
			want: `{"uscc":"91350100M000100Y43","source":"s","source_ref":"1","kind":"spot_check","outcome":"pass","occurred_on":"2024-03-01","state":"final","detail":{}}`},
		{name: "unknown field", line: `{` + good + `,"kind":"spot_check","outcome":"pass","sevrity":"minor","x":1}`, problems: `sevrity: is not a known field; want did you mean "severity"?|x: is not a known field; want one of uscc`},
		{name: "unknown field in detail", line: `{` + good + `,"kind":"spot_check","outcome":"pass","detail":{"bach":"1"}}`, problems: `detail: unknown field "bach"`},
		{name: "unknown field in a finding", line: `{` + good + `,"kind":"inspection","outcome":"done","findings":[{"severity":"minor","colour":"red"}]}`, problems: `findings: unknown field "colour"`},
		{name: "several at once", line: `{"uscc":1,"source":"s","kind":"spot_check","occurred_on":"03/01/2024","severity":"bad"}`,
			problems: `uscc: is a JSON number, not text|occurred_on: not a date|severity: severity "bad" is none of`},
		{name: "unknown kind", line: `{` + good + `,"kind":"audit","outcome":"pass","severity":"bad"}`, problems: `kind: "audit" is not known; want one of award|severity: severity "bad"`},
		{name: "no kind", line: `{` + good + `}`, problems: `kind: "" is not known`},
		{name: "not JSON", line: `{"uscc":`, problems: `unexpected EOF; want one JSON object in a line`},
		{name: "two objects in a line", line: `{"uscc":"1"}{}`, problems: `there is more behind the value`},
		{name: "a list", line: `[1]`, problems: `is a JSON array`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, problems := decodeLine(t, NewRecordDecoder, tt.line)
			checkDecoded(t, r, problems, tt.want, tt.problems)
		})
	}
	e, problems := decodeLine(t, NewEnterpriseDecoder, `{"uscc":"91350100M000100Y43","name":"虚构","region_code":"330402","point":{"longitude":1,"lat":2}}`)
	checkDecoded(t, e, problems, "", `point: unknown field "lat"`)
}

func TestParseDay(t *testing.T) {
	for text, want := range map[string]string{
		"2024-03-01": "2024-03-01", "2024/3/1": "2024-03-01", "2024/03/01": "2024-03-01", "20240301": "2024-03-01", "2024年3月1日": "2024-03-01", "2024年03月01日": "2024-03-01",
		"2024.3.1": "2024-03-01", "2024-3-1": "2024-03-01", "2024-03-01 23:59:59": "2024-03-01", "2024/3/1 8:30": "2024-03-01", "1900-01-01": "1900-01-01", "2100/12/31": "2100-12-31",
		"2024-02-30": "", "01/03/2024": "", "2024-03-01T00:00:00Z": "", "1899-12-31": "", "2200-01-01": "", "2024年": "", "45352": "", "2024-03-01 x": "",
	} {
		day, err := parseDay(text)
		if day.String() != want || (err == nil) != (want != "") {
			t.Errorf("%s: %s, %v; want %s", text, day, err, want)
		}
	}
}
