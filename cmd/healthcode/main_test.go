package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"healthcode/schema/pgtest"
)

// A test binary that is started with this variable is the program itself: so the tests can kill it.
const asProgram = "HEALTHCODE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// result is what one call of the program said.
type result struct {
	code     int
	out, err string
}

func call(t *testing.T, arguments ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(context.Background(), arguments, &out, &errs)
	return result{code, out.String(), errs.String()}
}

// mustCall fails the test unless the call was done.
func mustCall(t *testing.T, arguments ...string) result {
	t.Helper()
	r := call(t, arguments...)
	if r.code != exitDone {
		t.Fatalf("healthcode %q: exit code %d: %s", arguments, r.code, r.err)
	}
	return r
}

func parse[T any](t *testing.T, text string) (value T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return value
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDemoBuildsTheSameCityFromTheSameSeed(t *testing.T) {
	t.Parallel()
	flags := []string{"demo", "--once", "--enterprises", "150", "--seed", "7", "--today", "2026-11-22", "--json", "--dir"}
	first, second := filepath.Join(t.TempDir(), "new", "folder"), t.TempDir()
	report := parse[demoReport](t, mustCall(t, append(flags, first)...).out)
	if report.Enterprises != 150 || report.Assessed != 150 || report.Codes != 150 || report.Records < 1000 {
		t.Errorf("%+v", report)
	}
	again := parse[demoReport](t, mustCall(t, append(flags, second)...).out)
	for _, kind := range []string{"enterprises", "products", "regions", "models"} {
		if a, b := mustCall(t, "export", kind, "--dir", first).out, mustCall(t, "export", kind, "--dir", second).out; a != b || a == "" {
			t.Errorf("%s differ or are missing", kind)
		}
	}
	for tier, n := range report.Tiers {
		if again.Tiers[tier] != n {
			t.Errorf("tier %s: %d and %d", tier, n, again.Tiers[tier])
		}
	}
	if r := call(t, append(flags, first)...); r.code != exitDone {
		t.Errorf("a demo cannot be opened again: %s", r.err)
	}
	if r := call(t, "demo", "--once", "--seed", "8", "--dir", first); r.code != exitRefused || !strings.Contains(r.err, "seed 7") {
		t.Errorf("another seed in the same folder: %d %s", r.code, r.err)
	}
}

func TestDemoOnPostgreSQLGradesLikeSQLite(t *testing.T) {
	t.Parallel()
	flags := []string{"demo", "--once", "--enterprises", "150", "--seed", "7", "--today", "2026-11-22", "--json"}
	url, keys, dir := pgtest.EmptyURL(t), filepath.Join(t.TempDir(), "new"), t.TempDir()
	postgres := parse[demoReport](t, mustCall(t, append(flags, "--database", url, "--dir", keys)...).out)
	sqlite := parse[demoReport](t, mustCall(t, append(flags, "--dir", dir)...).out)
	if postgres.Records != sqlite.Records || postgres.Codes != sqlite.Codes || postgres.Assessed != 150 {
		t.Errorf("PostgreSQL %+v, SQLite %+v", postgres, sqlite)
	}
	a := grades(t, mustCall(t, "export", "assessments", "--database", url, "--dir", keys).out)
	b := grades(t, mustCall(t, "export", "assessments", "--dir", dir).out)
	if a != b {
		t.Error("the two databases hold different grades")
	}
}

// grades keeps of exported assessments what does not depend on when they were computed.
func grades(t *testing.T, lines string) string {
	t.Helper()
	var kept strings.Builder
	for line := range strings.Lines(lines) {
		a := parse[assessmentLine](t, line)
		a.KnownAt, a.Digest, a.Run = "", "", 0
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		kept.Write(text)
	}
	return kept.String()
}

func TestFromAnEmptyFolderToAVerifiedCode(t *testing.T) {
	t.Parallel()
	dir, images := t.TempDir(), t.TempDir()
	firms := write(t, "firms.csv", "uscc,name,region_code,registered_on\n91350100M000100Y43,嘉禾电器,330402,2015-03-01\n91350100M0001TGQXM,错码公司,330402,2015-03-01\n")
	if r := call(t, "import", "enterprises", firms, "--dir", dir, "--json"); r.code != exitRefused || !strings.Contains(r.out, `"added":1`) || !strings.Contains(r.out, `"refused":1`) {
		t.Fatalf("%+v", r)
	}
	rejected, err := os.ReadFile(firms + ".rejected.csv")
	if err != nil || !strings.Contains(string(rejected), "uscc_override") {
		t.Errorf("%v: %s", err, rejected)
	}
	checks := write(t, "checks.csv", "uscc,source,source_ref,kind,outcome,severity,occurred_on\n"+
		"91350100M000100Y43,bureau,SC-1,spot_check,pass,,2026-01-10\n91350100M000100Y43,bureau,SC-2,spot_check,fail,minor,2026-02-10\n")
	mustCall(t, "import", "records", checks, "--dir", dir)
	if r := mustCall(t, "import", "records", checks, "--dir", dir, "--json"); !strings.Contains(r.out, `"unchanged":2`) {
		t.Errorf("importing twice: %s", r.out)
	}
	if r := call(t, "code", "issue", "91350100M000100Y43", "--dir", dir); r.code != exitRefused || !strings.Contains(r.err, "recompute") {
		t.Errorf("a code without a grade: %+v", r)
	}
	mustCall(t, "recompute", "--as-of", "2026-06-30", "--dir", dir, "--json")
	checkExplanation(t, dir)
	checkForms(t, dir, images)
}

func checkExplanation(t *testing.T, dir string) {
	t.Helper()
	x := parse[struct {
		Index  int32  `json:"index"`
		Start  int32  `json:"start_points"`
		Digest string `json:"digest"`
		Points []struct {
			Points int32 `json:"points"`
		} `json:"records"`
		Quiet []struct {
			Points int32 `json:"points"`
		} `json:"quiet"`
	}](t, mustCall(t, "explain", "91350100M000100Y43", "--dir", dir, "--json").out)
	sum := x.Start
	for _, r := range append(x.Points, x.Quiet...) {
		sum += r.Points
	}
	stored := parse[assessmentLine](t, mustCall(t, "export", "assessments", "--dir", dir).out)
	for language, want := range map[string][]string{
		"en":    {"Too little evidence", "Capability items about which nothing is known", "one more spot check is passed"},
		"zh-CN": {"证据不够", "没有记录的能力项目", "再有一次监督抽查合格"},
	} {
		text := mustCall(t, "explain", "91350100M000100Y43", "--dir", dir, "--lang", language).out
		for _, part := range want {
			if !strings.Contains(text, part) {
				t.Errorf("%s: explain does not say %q: %s", language, part, text)
			}
		}
	}
	if len(x.Points) != 2 || sum != x.Index || stored.Index != x.Index || stored.Digest != x.Digest {
		t.Errorf("points add up to %d, index %d, stored %d; digests %s and %s", sum, x.Index, stored.Index, x.Digest, stored.Digest)
	}
}

func checkForms(t *testing.T, dir, images string) {
	t.Helper()
	png := filepath.Join(images, "code.png")
	svg := filepath.Join(images, "code.svg")
	printed := parse[issuedCode](t, mustCall(t, "code", "issue", "91350100M000100Y43", "--png", png, "--svg", svg, "--dir", dir, "--json").out)
	jwks := write(t, "jwks.json", mustCall(t, "keys", "jwks", "--dir", dir).out)
	if got := scan(t, png); got != printed.Text {
		t.Errorf("the picture says %q, not %q", got, printed.Text)
	}
	screen := parse[issuedCode](t, mustCall(t, "code", "issue", "91350100M000100Y43", "--form", "screen", "--dir", dir, "--json").out)
	if screen.ExpiresAt-screen.IssuedAt != 180 || printed.ExpiresAt-printed.IssuedAt != 365*86400 || screen.Index == printed.Index {
		t.Errorf("%+v %+v", screen, printed)
	}
	for name, c := range map[string]struct {
		text string
		more []string
		code int
		want string
	}{
		"printed":            {printed.Text, nil, exitDone, `"authentic":true`},
		"token":              {printed.JWT, nil, exitDone, `"authentic":true`},
		"screen":             {screen.Text, nil, exitDone, `"form":"screen"`},
		"after two years":    {printed.Text, []string{"--at", "2028-12-01T00:00:00Z"}, exitRefused, `"reason":"expired"`},
		"one digit changed":  {flip(printed.Text), nil, exitRefused, `"reason":"bad_signature"`},
		"cut":                {printed.Text[:200], nil, exitRefused, `"reason":"malformed"`},
		"a letter among it":  {printed.Text[:100] + "x" + printed.Text[101:], nil, exitRefused, `"reason":"malformed"`},
		"somebody else's QR": {"https://u.wechat.com/abc", nil, exitRefused, `"reason":"malformed"`},
		"10 MB":              {strings.Repeat("7", 10<<20), nil, exitRefused, `"reason":"malformed"`},
		"empty":              {"", nil, exitRefused, `"reason":"malformed"`},
	} {
		r := call(t, append([]string{"code", "verify", c.text, "--jwks", jwks, "--json"}, c.more...)...)
		if r.code != c.code || !strings.Contains(r.out, c.want) {
			t.Errorf("%s: exit code %d: %s %s", name, r.code, r.out, r.err)
		}
	}
}

// flip changes the last digit.
func flip(text string) string {
	last := text[len(text)-1]
	return text[:len(text)-1] + string('0'+(last-'0'+1)%10)
}

func TestWrongUsageExitsWithTwo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		arguments []string
		say       string
	}{
		"unknown command":          {[]string{"grade"}, `unknown command "grade"`},
		"unknown second command":   {[]string{"code", "burn"}, `unknown command "burn"`},
		"unknown flag":             {[]string{"recompute", "--fast"}, "--fast"},
		"missing argument":         {[]string{"explain"}, "USCC is missing"},
		"one argument too many":    {[]string{"export", "records", "now"}, `"now" is one word too many`},
		"unknown kind to import":   {[]string{"import", "people", "x.csv"}, `"people" cannot be imported`},
		"unknown kind to export":   {[]string{"export", "people"}, `"people" cannot be exported`},
		"date that does not exist": {[]string{"recompute", "--as-of", "2026-02-30"}, "--as-of"},
		"instant without a zone":   {[]string{"recompute", "--known-at", "2026-02-03 10:00"}, "--known-at"},
		"unknown language":         {[]string{"explain", "91350100M000100Y43", "--lang", "fr"}, "zh-CN or en"},
		"USCC too short":           {[]string{"explain", "9135"}, "18 characters"},
		"unknown form":             {[]string{"code", "issue", "91350100M000100Y43", "--form", "tattoo"}, "tattoo"},
		"verify without keys":      {[]string{"code", "verify", "x"}, "--bundle or --jwks is missing"},
		"demo of nobody":           {[]string{"demo", "--enterprises", "0"}, "--enterprises"},
		"demo of tomorrow":         {[]string{"demo", "--today", "2199-01-01"}, "--today"},
		"back-test from nowhere":   {[]string{"backtest"}, "--from is missing"},
		"back-test of tomorrow":    {[]string{"backtest", "--from", "2020-01-01", "--to", "2199-01-01"}, "--to"},
		"back-test backwards":      {[]string{"backtest", "--from", "2020-01-01", "--to", "2019-01-01"}, "--from"},
		"horizon without a unit":   {[]string{"backtest", "--from", "2020-01-01", "--horizon", "365"}, "365d"},
		"unknown label":            {[]string{"backtest", "--from", "2020-01-01", "--label", "ugly"}, "any-bad"},
		"unknown dimension":        {[]string{"backtest", "--from", "2020-01-01", "--without", "luck"}, "--without"},
		"unknown purpose":          {[]string{"backtest", "--from", "2020-01-01", "--purpose", "fun"}, "--purpose"},
		"unknown step":             {[]string{"backtest", "--from", "2020-01-01", "--step", "day"}, "--step"},
		"report in French":         {[]string{"backtest", "--from", "2020-01-01", "--lang", "fr"}, "--lang"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := call(t, c.arguments...)
			if r.code != exitUsage || !strings.Contains(r.err, c.say) || !strings.Contains(r.err, "--help") {
				t.Errorf("exit code %d: %s", r.code, r.err)
			}
		})
	}
}

func TestBadInputIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustCall(t, "migrate", "--dir", dir)
	xlsx := write(t, "cut.xlsx", "PK\x03\x04 this archive ends here")
	for name, c := range map[string]struct {
		arguments []string
		say       string
	}{
		"missing file":               {[]string{"import", "records", "/nowhere/x.csv"}, "no such file"},
		"a folder":                   {[]string{"import", "records", dir}, "folder"},
		"truncated XLSX":             {[]string{"import", "records", xlsx}, "cut.xlsx"},
		"empty file":                 {[]string{"import", "records", write(t, "empty.csv", "")}, "empty"},
		"unknown column":             {[]string{"import", "records", write(t, "odd.csv", "uscc,colour_of_door\n")}, "colour_of_door"},
		"mapping that is no mapping": {[]string{"import", "records", write(t, "x.csv", "a\n"), "--map", write(t, "m.yaml", "recordz: 1\n")}, "m.yaml"},
		"grade of nobody":            {[]string{"explain", "91350100M000100Y43"}, "not found"},
		"code for nobody":            {[]string{"code", "issue", "91350100M000100Y43"}, "not found"},
		"key set that is none":       {[]string{"code", "verify", "1", "--jwks", write(t, "j.json", "{}")}, "j.json"},
		"a future moment":            {[]string{"recompute", "--known-at", "2199-01-01T00:00:00Z"}, "future"},
	} {
		r := call(t, append(c.arguments, "--dir", dir)...)
		if r.code != exitRefused || !strings.Contains(r.err, c.say) {
			t.Errorf("%s: exit code %d: %s", name, r.code, r.err)
		}
	}
	for name, c := range map[string]struct{ dir, database, say string }{
		"folder that cannot be made": {dir: filepath.Join(xlsx, "below"), say: "database"},
		"file that is no database":   {dir: filepath.Dir(write(t, "healthcode.db", strings.Repeat("no database ", 1000))), say: "not a database"},
		"no server":                  {dir: dir, database: "postgres://127.0.0.1:1/none?sslmode=disable", say: "reached"},
		"no sslmode":                 {dir: dir, database: "postgres://127.0.0.1:1/none", say: "sslmode"},
		"an empty database":          {dir: t.TempDir(), say: "healthcode migrate"},
	} {
		r := call(t, "export", "records", "--dir", c.dir, "--database", c.database)
		if r.code != exitRefused || !strings.Contains(r.err, c.say) {
			t.Errorf("%s: exit code %d: %s", name, r.code, r.err)
		}
	}
}
