package verify_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/credential/verify"
)

const tableFile = "../testdata/verdicts.json"

// table is the file by which every verifier is checked: this package, the command, the browser, a stranger's. Bundles are texts, so that
// their bytes are what they are.
type table struct {
	About   string            `json:"about"`
	Root    json.RawMessage   `json:"root"`
	Bundles map[string]string `json:"bundles"`
	Cases   []tableCase       `json:"cases"`
}

// tableCase is one verification. The bundles are loaded in turn at now; each is refused for the reason in refused, or loaded when that is
// empty. details of the verdict are left out: they are words for people.
type tableCase struct {
	Name    string             `json:"name"`
	Memory  *verify.Memory     `json:"memory,omitempty"`
	Bundles []string           `json:"bundles"`
	Refused []string           `json:"refused"`
	Text    string             `json:"text"`
	Repeat  *repetition        `json:"text_repeat,omitempty"` // instead of text
	Now     time.Time          `json:"now"`
	Verdict credential.Verdict `json:"verdict"`
}

// repetition describes a text that is too long to be stored.
type repetition struct {
	Before string `json:"before"`
	Part   string `json:"part"`
	Times  int    `json:"times"`
	After  string `json:"after"`
}

func (c *tableCase) text() string {
	if r := c.Repeat; r != nil {
		return r.Before + strings.Repeat(r.Part, r.Times) + r.After
	}
	return c.Text
}

func readTable(tb testing.TB) *table {
	tb.Helper()
	data, err := os.ReadFile(tableFile)
	if err != nil {
		tb.Fatal(err)
	}
	var read table
	in := json.NewDecoder(bytes.NewReader(data))
	in.DisallowUnknownFields()
	if err := in.Decode(&read); err != nil {
		tb.Fatal(err)
	}
	return &read
}

// The table as a stranger would use it: with the file alone.
func TestTable(t *testing.T) {
	if *update {
		writeTable(t)
	}
	read := readTable(t)
	root, err := credential.ParseRoot(read.Root)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range read.Cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			v := verify.New(root, memoryOf(&c))
			for i, name := range c.Bundles {
				err := v.LoadBundle([]byte(read.Bundles[name]), c.Now)
				if got := verify.Refusal(err); got != c.Refused[i] {
					t.Errorf("bundle %q: %q (%v), want %q", name, got, err, c.Refused[i])
				}
			}
			for range 2 { // the second time from the cache
				got := v.Verify(c.text(), c.Now)
				if (got.Detail == "") != (got.Reason == credential.ReasonOK) || len(got.Detail) > 200 {
					t.Errorf("detail %q with reason %s", got.Detail, got.Reason)
				}
				got.Detail = ""
				if got != c.Verdict {
					t.Errorf("\n got %+v\nwant %+v", got, c.Verdict)
				}
			}
		})
	}
}

func memoryOf(c *tableCase) verify.Memory {
	if c.Memory == nil {
		return verify.Memory{}
	}
	return *c.Memory
}

// The file holds exactly the cases that stand in the code, with the verdicts that a person wrote there, and enough of each kind.
func TestTableIsCurrent(t *testing.T) {
	want, got := makeTable(t), readTable(t)
	if len(got.Cases) != len(want.Cases) {
		t.Fatalf("the file has %d cases, the code %d: run go test ./credential/verify -update", len(got.Cases), len(want.Cases))
	}
	reasons := map[credential.Reason]int{}
	names := map[string]bool{}
	for i, c := range got.Cases {
		w := want.Cases[i]
		if c.Name != w.Name || c.text() != w.text() || c.Verdict != w.Verdict || !c.Now.Equal(w.Now) ||
			!reflect.DeepEqual(c.Bundles, w.Bundles) || !reflect.DeepEqual(c.Refused, w.Refused) {
			t.Errorf("case %q of the file is not that of the code", c.Name)
		}
		if names[c.Name] {
			t.Errorf("two cases are called %q", c.Name)
		}
		names[c.Name] = true
		reasons[c.Verdict.Reason]++
	}
	for _, reason := range []credential.Reason{
		credential.ReasonOK, credential.ReasonExpired, credential.ReasonNotYetValid, credential.ReasonClock, credential.ReasonRevoked,
		credential.ReasonSuspended, credential.ReasonSuperseded, credential.ReasonBadSignature, credential.ReasonUnknownKey,
		credential.ReasonUnsupportedVersion, credential.ReasonMalformed, credential.ReasonStaleList,
	} {
		if reasons[reason] == 0 {
			t.Errorf("no case gives %s", reason)
		}
	}
	if len(got.Cases) < 60 {
		t.Errorf("only %d cases", len(got.Cases))
	}
}

// writeTable writes one case a line, so that a change of the file can be read.
func writeTable(t *testing.T) {
	t.Helper()
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(makeTable(t)); err != nil {
		t.Fatal(err)
	}
	lines := strings.NewReplacer(`,"root":`, ",\n\"root\":", `,"bundles":{`, ",\n\"bundles\":{\n", `]}","`, "]}\",\n\"", `,"cases":[`, ",\n\"cases\":[\n", `},{"name":`, "},\n{\"name\":")
	if err := os.WriteFile(tableFile, []byte(lines.Replace(out.String())), 0o644); err != nil {
		t.Fatal(err)
	}
}
