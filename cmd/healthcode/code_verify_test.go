package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/credential/verify"
)

// verdictTable is what credential/testdata/verdicts.json holds: the cases that every verifier must pass.
type verdictTable struct {
	Root    json.RawMessage   `json:"root"`
	Bundles map[string]string `json:"bundles"`
	Cases   []verdictCase     `json:"cases"`
}

type verdictCase struct {
	Name    string         `json:"name"`
	Memory  *verify.Memory `json:"memory"`
	Bundles []string       `json:"bundles"`
	Refused []string       `json:"refused"`
	Text    string         `json:"text"`
	Repeat  *struct {
		Before, Part, After string
		Times               int
	} `json:"text_repeat"`
	Now     time.Time          `json:"now"`
	Verdict credential.Verdict `json:"verdict"`
}

func (c *verdictCase) text() string {
	if r := c.Repeat; r != nil {
		return r.Before + strings.Repeat(r.Part, r.Times) + r.After
	}
	return c.Text
}

func readVerdictTable(t *testing.T) *verdictTable {
	t.Helper()
	data, err := os.ReadFile("../../credential/testdata/verdicts.json")
	if err != nil {
		t.Fatal(err)
	}
	var table verdictTable
	if err := json.Unmarshal(data, &table); err != nil {
		t.Fatal(err)
	}
	return &table
}

// The table of verdicts, through the command: every bundle of a case is one call, and the memory file is what stays between them.
func TestCodeVerifyByTable(t *testing.T) {
	t.Parallel()
	table := readVerdictTable(t)
	root := write(t, "root.json", string(table.Root))
	for _, c := range table.Cases {
		if len(c.Bundles) == 0 {
			continue // the command has no verdict without a bundle: see TestCodeVerifyWords
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			memory := filepath.Join(t.TempDir(), "memory.json")
			if c.Memory != nil {
				if err := writeMemory(memory, *c.Memory); err != nil {
					t.Fatal(err)
				}
			}
			for i, name := range c.Bundles {
				bundle := write(t, "bundle.json", table.Bundles[name])
				r := call(t, "code", "verify", c.text(), "--bundle", bundle, "--root", root, "--memory", memory, "--at", c.Now.Format(time.RFC3339), "--json")
				switch {
				case c.Refused[i] != "":
					if r.code != exitRefused || r.out != "" || !strings.Contains(r.err, "is refused ("+c.Refused[i]+")") {
						t.Errorf("bundle %q: exit code %d, %s%s", name, r.code, r.out, r.err)
					}
				case i == len(c.Bundles)-1:
					checkVerdict(t, &c, r)
				case r.err != "":
					t.Errorf("bundle %q: %s", name, r.err)
				}
			}
		})
	}
}

func checkVerdict(t *testing.T, c *verdictCase, r result) {
	t.Helper()
	got := parse[credential.Verdict](t, r.out)
	got.Detail = ""
	if got != c.Verdict {
		t.Errorf("\n got %+v\nwant %+v", got, c.Verdict)
	}
	if done := r.code == exitDone; done != (c.Verdict.Authentic && c.Verdict.Current == credential.CurrentYes) {
		t.Errorf("exit code %d", r.code)
	}
}

// The words for people, one for each state.
func TestCodeVerifyWords(t *testing.T) {
	t.Parallel()
	table := readVerdictTable(t)
	root := write(t, "root.json", string(table.Root))
	for name, want := range map[string][]string{
		"printed URL, current":          {"AUTHENTIC AND CURRENT, by the list of 2026-11-22T11:33:20+08:00\n", "GRADE: tier A, colour blue, as of 2026-11-22T11:33:20+08:00\n"},
		"lists at their end":            {"AUTHENTIC, CURRENT GRADE UNKNOWN since 2026-11-22T11:33:20+08:00: ", "at issue: tier AA, colour green; the current grade may differ\n"},
		"no lists":                      {"AUTHENTIC, CURRENT GRADE UNKNOWN: no status list"},
		"revoked":                       {"NOT VALID NOW: revoked, by the list of 2026-11-22T11:33:20+08:00\n"},
		"text: a digit changed":         {"NOT AUTHENTIC: bad_signature: "},
		"text: a WeChat link":           {"NOT AUTHENTIC: malformed: "},
		"seconds: at its end":           {"NOT VALID NOW: clock\n"},
		"screen: no grade list":         {"AUTHENTIC, CURRENT GRADE UNKNOWN since", "grade of 2026-11-22T12:33:20+08:00: tier AA, colour green; whether the code was revoked is unknown\n"},
		"days: longer before its issue": {"NOT VALID NOW: not_yet_valid\n"},
	} {
		found := false
		for _, c := range table.Cases {
			if c.Name != name {
				continue
			}
			found = true
			r := call(t, "code", "verify", c.text(), "--bundle", write(t, "bundle.json", table.Bundles[c.Bundles[0]]), "--root", root, "--at", c.Now.Format(time.RFC3339))
			for _, words := range want {
				if !strings.Contains(r.out, words) {
					t.Errorf("%s: %q is not in %s%s", name, words, r.out, r.err)
				}
			}
		}
		if !found {
			t.Errorf("no case %q", name)
		}
	}
}

func TestCodeVerifyRefusesFiles(t *testing.T) {
	t.Parallel()
	table := readVerdictTable(t)
	root, bundle := write(t, "root.json", string(table.Root)), write(t, "bundle.json", table.Bundles["today"])
	at := []string{"--at", "2026-11-22T04:33:20Z"}
	for name, c := range map[string]struct {
		flags []string
		code  int
		say   string
	}{
		"no root":                {[]string{"--bundle", bundle}, exitUsage, "--root is missing"},
		"both":                   {[]string{"--bundle", bundle, "--root", root, "--jwks", root}, exitUsage, "--jwks stands alone"},
		"root that is not there": {[]string{"--bundle", bundle, "--root", "/nowhere"}, exitRefused, "read the root key"},
		"root that is none":      {[]string{"--bundle", bundle, "--root", bundle}, exitRefused, "not a usable root key"},
		"bundle not there":       {[]string{"--bundle", "/nowhere", "--root", root}, exitRefused, "read the bundle"},
		"bundle that is none":    {[]string{"--bundle", root, "--root", root}, exitRefused, "is refused (malformed)"},
		"memory that is none":    {[]string{"--bundle", bundle, "--root", root, "--memory", write(t, "m.json", "[]")}, exitRefused, "not the memory of a verifier"},
		"memory nowhere":         {[]string{"--bundle", bundle, "--root", root, "--memory", "/nowhere/m.json"}, exitRefused, "write the memory"},
	} {
		r := call(t, append(append([]string{"code", "verify", "1"}, c.flags...), at...)...)
		if r.code != c.code || !strings.Contains(r.err, c.say) || r.out != "" {
			t.Errorf("%s: exit code %d: %s%s", name, r.code, r.out, r.err)
		}
	}
}
