package api

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// named reports whether an error names a field, with what is wrong and what would be right, in valid UTF-8 that is not long.
func named(err error) bool {
	var fields *fieldError
	if !errors.As(err, &fields) || len(fields.problems) == 0 {
		return false
	}
	p := fields.problems[0]
	return p.Field != "" && p.Problem != "" && p.Want != "" && utf8.ValidString(p.Field) && utf8.RuneCountInString(p.Field) <= 41
}

// decodedAll has a field of every type that bodies have.
type decodedAll struct {
	Text   string          `json:"text"`
	Number int             `json:"number"`
	Place  int64           `json:"place"`
	Yes    bool            `json:"yes"`
	Texts  []string        `json:"texts"`
	Raw    json.RawMessage `json:"raw"`
}

// What decodeObject takes is one JSON object in UTF-8 with known members, each once; what it refuses it names.
func FuzzDecodeObject(f *testing.F) {
	for _, body := range []string{`{}`, `{"text":"a","number":1,"place":2,"yes":true,"texts":["a"],"raw":{"a":[1]}}`, `{"text":null}`, `{"text":1}`, `{"number":1e400}`, `{"number":-0}`, `{"place":9223372036854775808}`,
		`{"text":"a","text":"b"}`, `{"te\u0078t":"a","text":"b"}`, `{"TEXT":"a"}`, `{"":1}`, `{"text":"\ud800"}`, "{\"text\":\"\xff\"}", "\ufeff{}", "{}{}", `{"raw":` + strings.Repeat("[", 100), `[`, ``} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 4096 {
			return
		}
		var into decodedAll
		err := decodeObject(body, &into)
		if err != nil {
			if !named(err) {
				t.Errorf("%q: %v names no field", body, err)
			}
			return
		}
		if !utf8.Valid(body) || !json.Valid(body) || !strings.HasPrefix(strings.TrimLeft(string(body), " \t\r\n"), "{") {
			t.Errorf("%q is taken", body)
		}
		var again decodedAll // what it says is what everybody else reads
		if err := json.Unmarshal(body, &again); err != nil || again.Text != into.Text || again.Number != into.Number || again.Place != into.Place || again.Yes != into.Yes || !slices.Equal(again.Texts, into.Texts) {
			t.Errorf("%q: %+v, others read %+v, %v", body, into, again, err)
		}
	})
}

// What readQuery takes are known names, each once, with one line of UTF-8.
func FuzzReadQuery(f *testing.F) {
	for _, query := range []string{"", "q=a&limit=1", "q=a&q=b", "q=%zz", "q=%00", "q=%ff", "Q=a", "q", "=a", "&&", "q=a;limit=1", "q[]=a", "%71=a", "q=%0d%0aX:1", strings.Repeat("q=a&", 100)} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.RawQuery = query
		values, err := readQuery(r, "q", "limit")
		if err != nil && !named(err) {
			t.Errorf("%q: %v names no field", query, err)
		}
		for name, given := range values {
			if err == nil && (name != "q" && name != "limit" || len(given) != 1 || !utf8.ValidString(given[0]) || strings.ContainsFunc(given[0], isControl)) {
				t.Errorf("%q is taken as %q", query, values)
			}
		}
	})
}

// What readForm takes are known names, each once, with a text that every database keeps.
func FuzzReadForm(f *testing.F) {
	for _, body := range []string{"", "text=a&kind=b", "text=a&text=b", "text=%zz", "text=%00", "text=%ff", "TEXT=a", "text=a;kind=b", "text=%0d%0a", strings.Repeat("text=a&", 100)} {
		f.Add(typeForm, body)
	}
	f.Add("", "text=a")
	f.Add(typeForm+"; charset=gbk", "text=a")
	f.Add("multipart/form-data; boundary=x", "--x--")
	f.Fuzz(func(t *testing.T, mediaType, body string) {
		if len(body) > MaxBody {
			return
		}
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", mediaType)
		values, err := readForm(r, "text", "kind")
		if err != nil && !named(err) {
			t.Errorf("%q %q: %v names no field", mediaType, body, err)
		}
		for name, given := range values {
			if err == nil && (name != "text" && name != "kind" || len(given) != 1 || !utf8.ValidString(given[0]) || strings.ContainsRune(given[0], 0)) {
				t.Errorf("%q is taken as %q", body, values)
			}
		}
	})
}
