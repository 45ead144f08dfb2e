package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
)

// intake is a bureau whose server takes records: recorders by name, and partners of two sources.
type intake struct {
	*bureau
	lab, court []string // headers of partners
}

func newIntake(t testing.TB) *intake {
	t.Helper()
	b := newBureau(t)
	b.h = b.handler(t, func(c *Config) { c.PersonKey = []byte("0123456789abcdef") })
	in := &intake{bureau: b}
	_, key := addPartner(t, b.db, schema.Partner{Name: "laboratory", Sources: []string{"lab"}}, b.now.AddDate(1, 0, 0), access.ScopeRecords)
	in.lab = bearer(key)
	_, key = addPartner(t, b.db, schema.Partner{Name: "court", Sources: []string{"court", "bailiff"}}, b.now.AddDate(1, 0, 0), access.ScopeRecords)
	in.court = bearer(key)
	return in
}

// recorder returns the headers of a recorder of a region.
func (in *intake) recorder(t testing.TB, region string) []string {
	return in.who(t, "recorder."+region)
}

func (in *intake) who(t testing.TB, login string) []string {
	t.Helper()
	for i := range in.callers {
		if in.callers[i].name == login {
			return in.callers[i].headers(t)
		}
	}
	t.Fatalf("nobody is called %s", login)
	return nil
}

func (in *intake) post(path, body string, headers ...[]string) *httptest.ResponseRecorder {
	all := append([]string{}, jsonBody...)
	for _, more := range headers {
		all = append(all, more...)
	}
	return call(in.h, http.MethodPost, path, strings.NewReader(body), all...)
}

func (in *intake) records(t testing.TB) int {
	t.Helper()
	n, err := in.db.CountRecords(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	waiting, err := in.db.CountWaiting(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n + waiting
}

// visited is a record as JSON: a visit of two inspectors, with members put in place of its own or added (name, value, …).
func visited(code registry.USCC, ref string, change ...string) string {
	members := map[string]json.RawMessage{"uscc": asJSON(string(code)), "source": asJSON("lab"), "source_ref": asJSON(ref), "kind": asJSON("inspection"),
		"outcome": asJSON("done"), "occurred_on": asJSON("2026-01-05"), "people": json.RawMessage(`{"inspectors":["张三","李四"]}`)}
	for i := 0; i+1 < len(change); i += 2 {
		members[change[i]] = json.RawMessage(change[i+1])
	}
	text, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func asJSON(text string) json.RawMessage {
	if !utf8.ValidString(text) { // as it is: the encoder would mend it
		return json.RawMessage(`"` + text + `"`)
	}
	out, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return out
}

// answered is an answer about a record as a client reads it.
type answered struct {
	Outcome, Source string
	SourceRef       string `json:"source_ref"`
	Revision        int
}

// A record is added, sent again, amended and voided, and every revision stays.
func TestRecordLife(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	const ref = "2026/17 号"
	at := recordsPath + "/lab/" + url.PathEscape(ref)
	for _, step := range []struct {
		name, path, body string
		status, revision int
		outcome          string
		headers          []string
	}{
		{"new", recordsPath, visited(in.own, ref), 201, 1, "added", nil},
		{"again", recordsPath, visited(in.own, ref), 200, 1, "unchanged", nil},
		{"amended", recordsPath, visited(in.own, ref, "findings", `[{"severity":"minor"}]`), 200, 2, "changed", nil},
		{"with its number", recordsPath, visited(in.own, ref, "findings", `[{"severity":"minor"}]`, "revision", "2"), 200, 2, "unchanged", nil},
		{"void", at + "/void", `{"reason":"double"}`, 200, 3, "changed", []string{"If-Match", `"2"`}},
		{"void again", at + "/void", `{"reason":"double","revision":3}`, 200, 3, "unchanged", nil},
		{"back", recordsPath, visited(in.own, ref, "revision", "4"), 200, 4, "changed", nil},
		{"waiting", recordsPath, visited("91330402MA2B00001U", "w"), 202, 0, "waiting", nil},
		{"without its source", recordsPath, strings.Replace(visited(in.own, "bare"), `"source":"lab",`, "", 1), 201, 1, "added", nil},
	} {
		answer := in.post(step.path, step.body, in.lab, step.headers)
		got := decoded[answered](t, answer)
		if answer.Code != step.status || got.Revision != step.revision || got.Outcome != step.outcome || got.Source != "lab" {
			t.Fatalf("%s: status %d %s", step.name, answer.Code, answer.Body)
		}
		if location := answer.Header().Get("Location"); got.SourceRef == ref && location != at || step.revision > 0 && answer.Header().Get("ETag") != fmt.Sprintf("%q", fmt.Sprint(step.revision)) {
			t.Errorf("%s: Location %q, ETag %s", step.name, location, answer.Header().Get("ETag"))
		}
	}
	answer := call(in.h, http.MethodGet, at, nil, in.lab...)
	history := decoded[struct {
		Revisions []struct {
			Revision, Inspectors int
			State, Reason        string
		}
	}](t, answer)
	text := answer.Body.String()
	if len(history.Revisions) != 4 || history.Revisions[2].State != "voided" || history.Revisions[2].Reason != "double" || history.Revisions[0].Inspectors != 2 || answer.Header().Get("ETag") != `"4"` {
		t.Errorf("history %s", text)
	}
	if strings.Contains(text, "张三") || strings.Contains(text, `"people"`) {
		t.Error("the history names an inspector")
	}
	for name, c := range map[string]struct {
		path, body, code string
		status           int
		headers          []string
	}{
		"a revision ahead":       {recordsPath, visited(in.own, ref, "revision", "7"), "revision_conflict", 409, nil},
		"void, ahead":            {at + "/void", `{"reason":"x","revision":9}`, "revision_conflict", 409, nil},
		"void, If-Match of old":  {at + "/void", `{"reason":"x"}`, "precondition_failed", 412, []string{"If-Match", `"3"`}},
		"void, If-Match odd":     {at + "/void", `{"reason":"x"}`, "invalid_field", 400, []string{"If-Match", `W/"3"`}},
		"void without a reason":  {at + "/void", `{"reason":" "}`, "invalid_field", 400, nil},
		"void, negative":         {at + "/void", `{"reason":"x","revision":-1}`, "invalid_field", 400, nil},
		"void nothing":           {recordsPath + "/lab/none/void", `{"reason":"x"}`, "unknown_record", 404, nil},
		"void of another source": {recordsPath + "/sample/1/void", `{"reason":"x"}`, "unknown_record", 404, nil},
	} {
		t.Run(name, func(t *testing.T) { problem(t, in.post(c.path, c.body, in.lab, c.headers), c.status, c.code) })
	}
}

// Who may deliver what, both ways.
func TestRecordBounds(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	for i, c := range []struct {
		name   string
		code   registry.USCC
		source string
		who    []string
		status int
		want   string // code and field of the problem
	}{
		{"a recorder of the county", in.own, "desk", in.recorder(t, in.near), 201, ""},
		{"a recorder of another county", in.own, "desk", in.recorder(t, in.far), 422, "invalid_record uscc"},
		{"a recorder about nobody", "91330402MA2B00001U", "desk", in.recorder(t, in.near), 422, "invalid_record uscc"},
		{"a recorder of the register", in.foreign, "desk", in.recorder(t, ""), 201, ""},
		{"a recorder of the register about nobody", "91330402MA2B00001U", "desk", in.recorder(t, ""), 202, ""},
		{"a supervisor", in.own, "desk", in.who(t, "supervisor."+in.near), 403, "forbidden"},
		{"a reader", in.own, "desk", in.who(t, "reader."), 403, "forbidden"},
		{"an enterprise about itself", in.own, "desk", in.who(t, "own"), 403, "forbidden"},
		{"a partner under its source", in.own, "lab", in.lab, 201, ""},
		{"a partner under another's", in.own, "court", in.lab, 403, "source_not_held source"},
		{"a partner of two under one", in.own, "bailiff", in.court, 201, ""},
		{"a partner of none", in.own, "lab", in.who(t, "partner records"), 403, "source_not_held source"},
		{"a partner without the scope", in.own, "lab", in.who(t, "partner verify"), 403, "forbidden"},
		{"nobody", in.own, "lab", nil, 401, "not_signed_in"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := in.records(t)
			answer := in.post(recordsPath, visited(c.code, fmt.Sprint("b", i), "source", string(asJSON(c.source))), c.who)
			stored := in.records(t) - before
			if c.want == "" {
				if answer.Code != c.status || stored != 1 {
					t.Fatalf("status %d, %d stored: %s", answer.Code, stored, answer.Body)
				}
				return
			}
			code, field, _ := strings.Cut(c.want, " ")
			p := problem(t, answer, c.status, code)
			if field != "" && (len(p.Errors) != 1 || p.Errors[0].Field != field) || stored != 0 {
				t.Errorf("%+v, %d stored", p, stored)
			}
		})
	}
}

// What is wrong is refused, all of it named, and nothing is written. Two inspectors (requirement K2) and a tester who did not sample (C2) are part of it.
func TestBadRecords(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	before := in.records(t)
	good := visited(in.own, "x")
	for name, c := range map[string]struct {
		body   string
		status int
		fields string
	}{
		"one inspector":            {visited(in.own, "x", "people", `{"inspectors":["张三"]}`), 422, "people.inspectors"},
		"one inspector twice":      {visited(in.own, "x", "people", `{"inspectors":["张三","张三"]}`), 422, "people.inspectors"},
		"the sampler tests":        {visited(in.own, "x", "people", `{"sampler":"检测中心","tester":"检测中心"}`), 422, "people.tester"},
		"three at once":            {visited(in.own, "x", "outcome", `"best"`, "state", `"new"`, "occurred_on", `"2099-01-01"`), 422, "occurred_on state outcome"},
		"two that cannot be read":  {visited(in.own, "x", "occurred_on", `"tomorrow"`, "severity", `7`), 422, "occurred_on severity"},
		"a field that is not ours": {visited(in.own, "x", "colour", `"green"`), 422, "colour"},
		"a finding's field":        {visited(in.own, "x", "findings", `[{"severity":"minor","colour":1}]`), 422, "findings"},
		"a detail's field":         {visited(in.own, "x", "detail", `{"campaign":"a","b":1}`), 422, "detail"},
		"a kind that is not ours":  {visited(in.own, "x", "kind", `"rumour"`), 422, "kind"},
		"no kind":                  {`{"uscc":"` + string(in.own) + `"}`, 422, "kind"},
		"a number as text":         {visited(in.own, "x", "revision", `"1"`), 422, "revision"},
		"text as a number":         {visited(in.own, "x", "source_ref", `17`), 422, "source_ref"},
		"a null code":              {visited(in.own, "x", "uscc", `null`), 422, "uscc"},
		"a huge number":            {visited(in.own, "x", "revision", `1e400`), 422, "revision"},
		"a member twice":           {strings.Replace(good, `{`, `{"uscc":"x",`, 1), 400, "uscc"},
		"a list":                   {`[` + good + `]`, 400, "body"},
		"two objects":              {good + good, 400, "body"},
		"nothing":                  {``, 400, "body"},
		"null":                     {`null`, 400, "body"},
		"a mark before it":         {"\ufeff" + good, 400, "body"},
		"UTF-16":                   {"{\x00\"\x00", 400, "body"},
		"not UTF-8":                {strings.Replace(good, `"x"`, "\"\xff\"", 1), 400, "body"},
		"cut off":                  {good[:len(good)-1], 400, "body"},
		"deep":                     {`{"detail":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`, 400, "detail"},
		"long":                     {visited(in.own, "x", "case_id", string(asJSON(strings.Repeat("x", 1<<20)))), 413, "body"},
		"many findings":            {visited(in.own, "x", "findings", `[`+strings.Repeat(`{"severity":"minor"},`, 200)+`{"severity":"minor"}]`), 422, "findings"},
	} {
		t.Run(name, func(t *testing.T) {
			code := map[int]string{400: "invalid_field", 413: "body_too_large", 422: "invalid_record"}[c.status]
			p := problem(t, in.post(recordsPath, c.body, in.lab), c.status, code)
			var fields []string
			for _, one := range p.Errors {
				fields = append(fields, one.Field)
				if one.Problem == "" || one.Want == "" {
					t.Errorf("%+v does not say what would be right", one)
				}
			}
			if got := strings.Join(fields, " "); got != c.fields {
				t.Errorf("fields %q, want %q", got, c.fields)
			}
		})
	}
	for name, headers := range map[string][]string{"no type": {"Content-Type", ""}, "text": {"Content-Type", "text/plain"}, "a form": {"Content-Type", typeForm}, "lines": {"Content-Type", typeNDJSON}} {
		if answer := in.post(recordsPath, good, in.lab, headers); answer.Code != http.StatusUnsupportedMediaType {
			t.Errorf("%s: status %d", name, answer.Code)
		}
	}
	if after := in.records(t); after != before {
		t.Errorf("%d records were stored", after-before)
	}
}

// naughty are the lines of testdata/naughty.txt, with escapes as in Go, and some that no file should hold.
func naughty(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "naughty.txt"))
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"", strings.Repeat("长", 5000), strings.Repeat("9", 400)}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSuffix(line, "\n"); line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		one := strings.NewReplacer(`\0`, "\x00", `\r`, "\r", `\n`, "\n", `\t`, "\t", `\e`, "\x1b", `\b`, "\xff").Replace(line)
		all = append(all, one)
	}
	return all
}

// Naughty strings in every field are text, or refused with the field; what is stored comes back as it was.
func TestNaughtyRecords(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	fields := []string{"uscc", "source", "source_ref", "kind", "outcome", "severity", "occurred_on", "known_at", "product_code", "stage", "purpose", "case_id", "state",
		"provisional_until", "rectify_by", "rectified_on", "findings", "people", "detail", "findings.item", "people.sampler", "people.inspectors", "detail.campaign"}
	stored := 0
	for i, text := range naughty(t) {
		for _, field := range fields {
			ref := fmt.Sprintf("n-%d-%s", i, field)
			value := string(asJSON(text))
			body := visited(in.own, ref, field, value)
			switch field {
			case "findings.item":
				body = visited(in.own, ref, "findings", `[{"severity":"minor","item":`+value+`}]`)
			case "people.sampler":
				body = visited(in.own, ref, "people", `{"sampler":`+value+`}`)
			case "people.inspectors":
				body = visited(in.own, ref, "people", `{"inspectors":[`+value+`,"x"]}`)
			case "detail.campaign":
				body = visited(in.own, ref, "detail", `{"campaign":`+value+`}`)
			}
			before := in.records(t)
			answer := in.post(recordsPath, body, in.lab)
			wrote := in.records(t) - before
			if ok := answer.Code == 200 || answer.Code == 201 || answer.Code == 202; answer.Code >= 500 || !ok && wrote != 0 || !ok && len(decoded[Problem](t, answer).Errors) == 0 {
				t.Errorf("%s %q: status %d, %d written: %.200s", field, text, answer.Code, wrote, answer.Body)
			}
			if answer.Code != http.StatusCreated || field != "source_ref" && field != "case_id" {
				continue
			}
			stored++
			if !utf8.ValidString(text) {
				t.Errorf("%s: bytes that are no text were stored", field)
			}
			if field == "source_ref" {
				ref = text
			}
			shown := call(in.h, http.MethodGet, recordsPath+"/lab/"+url.PathEscape(ref), nil, in.lab...)
			if ref == "." || ref == ".." || strings.TrimSpace(ref) == "" {
				continue
			}
			if shown.Code != http.StatusOK || !strings.Contains(shown.Body.String(), strings.Trim(string(asJSON(text)), `"`)) {
				t.Errorf("%s %q comes back as %d %.300s", field, text, shown.Code, shown.Body)
			}
		}
	}
	if stored == 0 {
		t.Error("nothing was stored: the test sees nothing")
	}
}

// Lists show all of what lies within the caller's bounds and nothing else, and no person.
func TestRecordLists(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	complaint := visited(in.own, "c", "kind", `"complaint"`, "outcome", `"pending"`, "people", `null`, "detail", `{"complainant":"王五","cause":"smell"}`)
	for _, body := range []string{visited(in.own, "a"), visited(in.foreign, "b"), complaint} {
		if answer := in.post(recordsPath, body, in.lab); answer.Code != http.StatusCreated {
			t.Fatalf("status %d %s", answer.Code, answer.Body)
		}
	}
	type list = List[struct {
		USCC      registry.USCC `json:"uscc"`
		Source    string        `json:"source"`
		SourceRef string        `json:"source_ref"`
	}]
	read := func(query string, who []string) list {
		t.Helper()
		answer := call(in.h, http.MethodGet, recordsPath+query, nil, who...)
		if text := answer.Body.String(); answer.Code != 200 || strings.Contains(text, "王五") || strings.Contains(text, `"complainant"`) || strings.Contains(text, `"people"`) {
			t.Fatalf("%s: status %d %s", query, answer.Code, text)
		}
		return decoded[list](t, answer)
	}
	if got := read("", in.lab); len(got.Items) != 3 {
		t.Errorf("the laboratory sees %d, want 3", len(got.Items))
	}
	if got := read("", in.court); len(got.Items) != 0 {
		t.Errorf("the court sees %d, want none", len(got.Items))
	}
	if got := read("?source=sample&limit=500", in.lab); len(got.Items) != 0 {
		t.Errorf("the laboratory sees %d of another source", len(got.Items))
	}
	seen := 0
	for cursor := ""; ; {
		page := read("?limit=7&sort=known_at&cursor="+cursor, in.who(t, "reader."+in.near))
		for _, r := range page.Items {
			seen++
			if in.in[in.near][r.USCC] == "" {
				t.Errorf("a reader of %s sees %+v", in.near, r)
			}
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	want := 0
	for code := range in.in[in.near] {
		records, err := in.db.RecordsOf(t.Context(), code)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if r.Revision == 1 {
				want++
			}
		}
	}
	if seen != want || want == 0 {
		t.Errorf("the reader saw %d records of %d", seen, want)
	}
	if got := read("?uscc="+string(in.own)+"&sort=-occurred_on&kind=complaint&state=final&source=lab&from=2026-01-01&to=2026-02-01&known_from=2020-01-01T00:00:00Z&known_to=2199-01-01T00:00:00Z", in.who(t, "reader.")); len(got.Items) != 1 {
		t.Errorf("filtered: %+v", got.Items)
	}
	for _, at := range []string{"/lab/b", "/lab/none"} {
		problem(t, call(in.h, http.MethodGet, recordsPath+at, nil, in.who(t, "reader."+in.near)...), 404, "unknown_record")
	}
	for query, field := range map[string]string{"?kind=x": "kind", "?state=x": "state", "?sort=uscc": "sort", "?sort=occurred_on": "sort", "?from=x": "from", "?to=2026-13-01": "to",
		"?known_from=now": "known_from", "?known_to=9999-01-01T00:00:00Z": "known_to", "?uscc=1": "uscc", "?limit=0": "limit", "?cursor=x": "cursor", "?q=1": "q"} {
		p := problem(t, call(in.h, http.MethodGet, recordsPath+query, nil, in.lab...), 400, "invalid_field")
		if len(p.Errors) != 1 || p.Errors[0].Field != field {
			t.Errorf("%s: %+v", query, p.Errors)
		}
	}
}

// Without the key that hides persons no record is taken.
func TestRecordsWithoutPersonKey(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	in.h = in.handler(t, nil)
	problem(t, in.post(recordsPath, visited(in.own, "a"), in.lab), 503, "unavailable")
	problem(t, in.post(submissionsPath, visited(in.own, "a"), in.lab, []string{"Content-Type", typeNDJSON}), 503, "unavailable")
}

// Whatever bytes are sent as a record, the answer is no failure of ours, and what is refused is not stored.
func FuzzRecord(f *testing.F) {
	in := newIntake(f)
	seeds := []string{visited(in.own, "a"), visited(in.foreign, "b", "detail", `{}`), `{}`, `null`, `[`, `{"kind":"complaint","detail":{"complainant":"x"}}`, "\xff", "\ufeff{}", `{"people":{"inspectors":[1]}}`}
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 4096 {
			return
		}
		before := in.records(t)
		answer := in.post(recordsPath, string(body), in.lab)
		if answer.Code >= http.StatusInternalServerError {
			t.Errorf("status %d: %.300s", answer.Code, answer.Body)
		}
		if answer.Code >= http.StatusBadRequest && in.records(t) != before {
			t.Error("refused and stored")
		}
	})
}
