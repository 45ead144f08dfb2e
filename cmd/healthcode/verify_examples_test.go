package main

import (
	"bytes"
	"compress/zlib"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/registry"
	"healthcode/schema"
)

// The examples of docs/verifying.md are run as a stranger runs them: against codes, keys and lists that the program made.

const examples = "../../docs/examples/verify"

// exampleWorld is what a stranger has, and the key that he has not.
type exampleWorld struct {
	dir, jwks string
	key       *credential.Key
	codes     []codeLine
	now       time.Time
}

func newExampleWorld(t *testing.T) *exampleWorld {
	t.Helper()
	w := &exampleWorld{dir: t.TempDir(), now: time.Now()}
	mustCall(t, "demo", "--once", "--enterprises", "60", "--seed", "7", "--issuer", "https://q.example.gov.cn", "--dir", w.dir)
	w.jwks = write(t, "jwks.json", mustCall(t, "keys", "jwks", "--dir", w.dir).out)
	for line := range strings.Lines(mustCall(t, "export", "codes", "--dir", w.dir).out) {
		w.codes = append(w.codes, parse[codeLine](t, line))
	}
	var err error
	if w.key, err = credential.ReadKeyFile(filepath.Join(w.dir, "keys", "signing-1.key"), ""); err != nil {
		t.Fatal(err)
	}
	return w
}

// issue signs a code of the first enterprise at another time, as a key that says it is another one.
func (w *exampleWorld) issue(t *testing.T, key *credential.Key, at time.Time) string {
	t.Helper()
	seconds, err := credential.UnixSeconds(at)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := credential.Issue(key, credential.Code{USCC: w.codes[0].USCC, IssuedAt: seconds, Lifetime: credential.PrintedLifetime, Tier: registry.TierA,
		Colour: registry.ColourGreen, Model: 1, Index: 7})
	if err != nil {
		t.Fatal(err)
	}
	return issued.JWT
}

// token puts a token together and signs it with the issuer's key, whatever it says.
func (w *exampleWorld) token(t *testing.T, header, payload string) string {
	t.Helper()
	input := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	signature, err := w.key.Sign(input)
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature[:])
}

// sameKey is the issuer's key under the name of another issuer.
func (w *exampleWorld) sameKey(t *testing.T, issuer string) *credential.Key {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(w.dir, "keys", "signing-1.key"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := credential.ReadKeyFile(write(t, "other.key", strings.Replace(string(text), w.key.PublicKey().Issuer, issuer, 1)), "")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// verifiers are the commands that take a key set and a JWT.
func verifiers(t *testing.T) map[string][]string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "verify")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./"+examples+"/go").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	needed(t, "node", "nodejs")
	needed(t, "jose", "jose")
	if _, err := os.Stat(examples + "/node_modules/jose"); err != nil {
		t.Fatalf("npm's jose is not installed: run make setup, or npm ci in docs/examples/verify: %v", err)
	}
	return map[string][]string{"Go": {program}, "JavaScript": {"node", examples + "/verify.mjs"}, "Python": {python(t), examples + "/verify.py"},
		"jose": {"bash", examples + "/verify.sh"}}
}

func needed(t *testing.T, program, debian string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Fatalf("the test needs %s: run make setup, or apt-get install %s", program, debian)
	}
}

// python finds a Python that has PyJWT.
func python(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), name, "-c", "import jwt, cryptography").Run() == nil {
			return name
		}
	}
	t.Fatal("the test needs Python with PyJWT: run make setup, or apt-get install python3-jwt python3-cryptography")
	return ""
}

// stranger runs an example and returns what it said and whether it accepted.
func stranger(t *testing.T, command []string, arguments ...string) (said string, accepted bool) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), command[0], append(command[1:], arguments...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err == nil
}

// Every example accepts what is right and refuses what is not, with a reason and never with a stack of calls.
func TestVerifyExamples(t *testing.T) {
	t.Parallel()
	w := newExampleWorld(t)
	good := w.codes[0].JWT
	other, err := credential.NewKey(1, w.key.PublicKey().Issuer, w.now)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	public, err := os.ReadFile(w.jwks)
	if err != nil {
		t.Fatal(err)
	}
	list, err := credential.SignList(w.key, "status", 0, make([]byte, 1<<18), w.now)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		token    string
		accepted bool
	}{
		"a code of today":                  {good, true},
		"one a minute ago":                 {w.issue(t, w.key, w.now.Add(-time.Minute)), true},
		"one that has ended":               {w.issue(t, w.key, w.now.AddDate(-2, 0, 0)), false},
		"one of tomorrow":                  {w.issue(t, w.key, w.now.AddDate(0, 0, 1)), false},
		"another key of the same number":   {w.issue(t, other, w.now), false},
		"the key under another name":       {w.issue(t, w.sameKey(t, "https://evil.example.org"), w.now), false},
		"a signature that was altered":     {parts[0] + "." + parts[1] + "." + swapFirst(parts[2]), false},
		"a grade that was altered":         {parts[0] + "." + encoded(bytes.Replace(payload, []byte(`"v":1`), []byte(`"v":1,"x":1`), 1)) + "." + parts[2], false},
		"algorithm none":                   {encoded([]byte(`{"alg":"none","kid":"1","typ":"qc+jwt"}`)) + "." + parts[1] + ".", false},
		"the public key as a shared one":   {hmacToken(`{"alg":"HS256","kid":"1","typ":"qc+jwt"}`, parts[1], public), false},
		"a list for a code":                {list, false},
		"a demand that nobody knows":       {w.token(t, `{"alg":"ES256","crit":["x"],"kid":"1","typ":"qc+jwt","x":1}`, string(payload)), false},
		"a key of another number":          {w.token(t, `{"alg":"ES256","kid":"9","typ":"qc+jwt"}`, string(payload)), false},
		"no end":                           {w.token(t, `{"alg":"ES256","kid":"1","typ":"qc+jwt"}`, `{"iss":"https://q.example.gov.cn","sub":"x","iat":1,"qc":{"tier":"A","colour":"green"}}`), false},
		"a line break":                     {parts[0] + ".\n" + parts[1] + "." + parts[2], false},
		"nothing":                          {"", false},
		"two dots":                         {"..", false},
		"words":                            {"https://q.example.gov.cn/", false},
		"a text that is far longer than a": {strings.Repeat("a", 100_000), false},
	}
	for language, command := range verifiers(t) {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			for name, c := range cases {
				said, accepted := stranger(t, command, w.jwks, c.token)
				if accepted != c.accepted || accepted && !strings.HasPrefix(said, string(w.codes[0].USCC)+" ") {
					t.Errorf("%s: accepted %t, said %.300s", name, accepted, said)
				}
				if !accepted && (!strings.HasPrefix(said, "not valid: ") || strings.Contains(said, "\n")) {
					t.Errorf("%s: said %.300s", name, said)
				}
			}
		})
	}
}

func encoded(part []byte) string { return base64.RawURLEncoding.EncodeToString(part) }

// swapFirst changes the first character.
func swapFirst(text string) string {
	if text[0] == 'A' {
		return "B" + text[1:]
	}
	return "A" + text[1:]
}

func hmacToken(header, payload string, secret []byte) string {
	input := encoded([]byte(header)) + "." + payload
	sum := hmac.New(sha256.New, secret)
	sum.Write([]byte(input))
	return input + "." + encoded(sum.Sum(nil))
}

// The digits of a printed code become exactly the token that was signed.
func TestDigitsExample(t *testing.T) {
	t.Parallel()
	w := newExampleWorld(t)
	command := []string{python(t), examples + "/digits.py"}
	set := mustReadKeySet(t, w.jwks)
	for _, code := range w.codes[:5] {
		verdict := credential.Verify(code.JWT, set, w.now)
		url, err := credential.PrintedText(&verdict, code.JWT)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{url, url[strings.Index(url, "/v/")+3:]} {
			if said, accepted := stranger(t, command, w.jwks, text); !accepted || said != code.JWT {
				t.Errorf("%s: %s", text, said)
			}
		}
	}
	for name, text := range map[string]string{"too short": strings.Repeat("1", 219), "too large": strings.Repeat("9", 220), "letters": strings.Repeat("x", 220), "another version": "1" + strings.Repeat("0", 219),
		"Arabic digits": strings.Repeat("٣", 220), "zero": strings.Repeat("0", 220), "nothing": ""} {
		if said, accepted := stranger(t, command, w.jwks, text); accepted || !strings.HasPrefix(said, "not valid: ") || strings.Contains(said, "\n") {
			t.Errorf("%s: %s", name, said)
		}
	}
}

func mustReadKeySet(t *testing.T, path string) *credential.KeySet {
	t.Helper()
	set, err := readKeySet(path)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// exampleLists takes the status and grade list out of a fresh bundle.
func (w *exampleWorld) lists(t *testing.T) (status, grade string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bundle.json")
	mustCall(t, "bundle", "--out", path, "--dir", w.dir)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range parse[struct{ Lists []string }](t, string(text)).Lists {
		header, err := base64.RawURLEncoding.DecodeString(token[:strings.IndexByte(token, '.')])
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(header), `"statuslist+jwt"`) {
			status = write(t, "status.jwt", token)
		} else {
			grade = write(t, "grade.jwt", token)
		}
	}
	return status, grade
}

// The list examples say of every place what the program published.
func TestListExamples(t *testing.T) {
	t.Parallel()
	w := newExampleWorld(t)
	steps := []schema.CodeStep{schema.StepRevoke, schema.StepSuspend, schema.StepSupersede}
	db, err := schema.Open(t.Context(), schema.Config{Dir: w.dir})
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range steps {
		if _, err := db.ChangeCode(t.Context(), w.codes[i].Index, step, "tester", "a test"); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	status, grade := w.lists(t)
	issuer := w.key.PublicKey().Issuer
	ended, err := credential.SignList(w.key, "status", 0, make([]byte, 1<<18), w.now.AddDate(0, 0, -2))
	if err != nil {
		t.Fatal(err)
	}
	now := w.now.Unix()
	bomb := w.token(t, `{"alg":"ES256","kid":"1","typ":"statuslist+jwt"}`, fmt.Sprintf(`{"iss":%q,"sub":"x","iat":%d,"exp":%d,"status_list":{"bits":2,"lst":%q}}`, issuer, now-9, now+99, deflated(t, 32<<20)))
	foreign := w.token(t, `{"alg":"ES256","kid":"1","typ":"statuslist+jwt"}`, fmt.Sprintf(`{"iss":%q,"sub":"x","iat":%d,"exp":%d,"status_list":{"bits":1,"lst":%q}}`, issuer, now-9, now+99, deflated(t, 1<<17)))
	place := func(i int) string { return fmt.Sprint(w.codes[i].Index) }
	for name, c := range map[string]struct {
		arguments []string
		want      string // "" means refused
	}{
		"revoked":                 {[]string{status, place(0), issuer + "/lists/status/0"}, "revoked as of "},
		"suspended":               {[]string{status, place(1)}, "suspended as of "},
		"superseded":              {[]string{status, place(2)}, "superseded as of "},
		"valid":                   {[]string{status, place(3), issuer + "/lists/status/0"}, "valid as of "},
		"a grade":                 {[]string{grade, place(3), issuer + "/lists/grade/0"}, w.codes[3].Colour.String() + " " + w.codes[3].Tier.String() + " as of "},
		"a grade of one revoked":  {[]string{grade, place(0)}, "none NEW as of "},
		"the last place":          {[]string{status, "1048575"}, "valid as of "},
		"after the last place":    {[]string{status, "1048576"}, ""},
		"before the first":        {[]string{status, "-1"}, ""},
		"half a place":            {[]string{status, "0.5"}, ""},
		"the list of another":     {[]string{status, "0", issuer + "/lists/status/1"}, ""},
		"one that has ended":      {[]string{write(t, "ended.jwt", ended), "0"}, ""},
		"a code for a list":       {[]string{write(t, "code.jwt", w.codes[3].JWT), "0"}, ""},
		"an altered list":         {[]string{write(t, "altered.jwt", altered(t, status)), "0"}, ""},
		"one that would burst":    {[]string{write(t, "bomb.jwt", bomb), "0"}, ""},
		"of one bit a code":       {[]string{write(t, "foreign.jwt", foreign), "0"}, ""},
		"nothing":                 {[]string{write(t, "nothing.jwt", ""), "0"}, ""},
		"the last of the grades":  {[]string{grade, "1048575"}, "none NEW as of "},
		"after the last of these": {[]string{grade, "1048576"}, ""},
	} {
		for language, command := range map[string][]string{"JavaScript": {"node", examples + "/list.mjs"}, "Python": {python(t), examples + "/list.py"}} {
			said, accepted := stranger(t, command, append([]string{w.jwks}, c.arguments...)...)
			if accepted != (c.want != "") || !strings.HasPrefix(said, c.want) {
				t.Errorf("%s, %s: accepted %t, said %.300s", language, name, accepted, said)
			}
			if !accepted && (!strings.HasPrefix(said, "not valid: ") || strings.Contains(said, "\n")) {
				t.Errorf("%s, %s: said %.300s", language, name, said)
			}
		}
	}
}

// deflated is so many zeros, compressed as in a list.
func deflated(t *testing.T, size int) string {
	t.Helper()
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	if _, err := w.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return encoded(out.Bytes())
}

// altered returns a list with another signature.
func altered(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.LastIndexByte(string(text), '.') + 1
	return string(text[:at]) + swapFirst(string(text[at:]))
}

// The examples that the documentation shows are the files that are tested.
func TestVerifyingShowsTheExamples(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/verifying.md")
	if err != nil {
		t.Fatal(err)
	}
	var files strings.Builder
	for _, name := range []string{"go/main.go", "verify.mjs", "verify.py", "verify.sh", "list.mjs", "list.py", "digits.py", "package.json"} {
		if !strings.Contains(string(text), "(examples/verify/"+name+")") {
			t.Errorf("docs/verifying.md does not lead to %s", name)
		}
		source, err := os.ReadFile(filepath.Join(examples, name))
		if err != nil {
			t.Fatal(err)
		}
		files.Write(source)
	}
	shown := 0
	for _, block := range regexp.MustCompile("(?s)```(?:go|js|python)\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			shown++
			if !strings.Contains(files.String(), strings.TrimSpace(line)) {
				t.Errorf("no example has the line %q", line)
			}
		}
	}
	if shown < 30 {
		t.Errorf("docs/verifying.md shows %d lines", shown)
	}
	var lock struct {
		Packages map[string]struct{ Version, Resolved string }
	}
	data, err := os.ReadFile(examples + "/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &lock); err != nil || lock.Packages["node_modules/jose"].Version == "" || len(lock.Packages) != 2 {
		t.Errorf("the lock holds %+v, %v", lock, err)
	}
}
