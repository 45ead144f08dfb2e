package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"healthcode/jobs"
	"healthcode/schema/pgtest"
)

// smallDemo is a folder with a small city whose codes are all signed by key 1.
func smallDemo(t *testing.T, enterprises string) string {
	t.Helper()
	dir := t.TempDir()
	mustCall(t, "demo", "--once", "--enterprises", enterprises, "--seed", "5", "--dir", dir)
	return dir
}

func keysOf(t *testing.T, dir string) []keyLine {
	t.Helper()
	var found []keyLine
	for line := range strings.Lines(mustCall(t, "keys", "list", "--json", "--dir", dir).out) {
		found = append(found, parse[keyLine](t, line))
	}
	return found
}

func TestKeysFromNewToRemoved(t *testing.T) {
	t.Parallel()
	dir := smallDemo(t, "20")
	first := keysOf(t, dir)[0]
	if first.State != "active" || first.Alg != "ES256" || first.Driver != "file" || first.LastExpiry.IsZero() || len(first.Steps) != 2 || len(first.Thumbprint) != 43 {
		t.Fatalf("%+v", first)
	}
	for _, c := range []struct {
		name string
		code int
		says string
		call []string
	}{
		{"the only key is not retired by mistake", exitRefused, "no other key signs", []string{"keys", "retire", "1"}},
		{"an active key is not removed", exitRefused, "no such step", []string{"keys", "remove", "1"}},
		{"a pending key", exitDone, "", []string{"keys", "new", "--from", "2099-01-01"}},
		{"too early", exitRefused, "too early", []string{"keys", "activate", "2"}},
		{"at once without a reason", exitRefused, "reason", []string{"keys", "activate", "2", "--now"}},
		{"at once", exitDone, "", []string{"keys", "activate", "2", "--now", "--reason", "nobody verifies yet", "--author", "Li Hua"}},
		{"removed while its codes live", exitRefused, "too early", []string{"keys", "remove", "1"}},
		{"another algorithm", exitDone, "", []string{"keys", "new", "--alg", "SM2SM3"}},
		{"an unknown one", exitRefused, "unknown signature algorithm", []string{"keys", "new", "--alg", "RS256"}},
		{"a pending key is withdrawn", exitDone, "", []string{"keys", "remove", "3"}},
		{"nothing is due", exitDone, "", []string{"keys", "rotate"}},
		{"at once, without a reason", exitUsage, "--reason", []string{"keys", "rotate", "--now"}},
		{"no such key", exitRefused, "not found", []string{"keys", "activate", "9"}},
		{"no number", exitUsage, "no number of a key", []string{"keys", "activate", "first"}},
		{"days the wrong way round", exitUsage, "--until", []string{"keys", "new", "--from", "2099-01-01", "--until", "2098-01-01"}},
		{"a day gone by", exitUsage, "ahead", []string{"keys", "new", "--from", "2020-01-01"}},
		{"a secret in a location", exitUsage, "PIN", []string{"keys", "new", "--signer", "pkcs11:token=t;object=o?module-path=/m&pin-value=1"}},
		{"a compromise without a reason", exitRefused, "reason", []string{"keys", "compromise", "1"}},
		{"a report of another kind", exitUsage, ".csv", []string{"keys", "compromise", "1", "--reason", "x", "--report", "x.pdf"}},
	} {
		if r := call(t, append(c.call, "--dir", dir)...); r.code != c.code || !strings.Contains(r.err, c.says) {
			t.Errorf("%s: exit code %d, %q", c.name, r.code, r.err)
		}
	}
	keys := keysOf(t, dir)
	if len(keys) != 3 || keys[0].State != "verify_only" || keys[1].State != "active" || keys[2].State != "removed" || keys[0].RemovableFrom.Before(keys[0].LastExpiry) {
		t.Errorf("%+v", keys)
	}
	if last := keys[1].Steps[1]; last.Author != "Li Hua" || last.Reason != "nobody verifies yet" {
		t.Errorf("%+v", last)
	}
	if table := mustCall(t, "keys", "list", "--dir", dir).out; strings.Count(table, "\n") != 4 || !strings.Contains(table, "verify_only") {
		t.Errorf("%s", table)
	}
	set := mustCall(t, "keys", "jwks", "--dir", dir).out
	if strings.Count(set, `"kid"`) != 2 || strings.Count(set, `"nbf"`) != 2 || strings.Count(set, `"naf"`) != 1 {
		t.Errorf("%s", set)
	}
	issue := call(t, "code", "issue", "--all", "--dir", dir, "--json")
	if got := parse[map[string]int64](t, issue.out); issue.code != exitDone || got["issued"] != 0 {
		t.Errorf("a rotation costs new prints: %s %s", issue.out, issue.err)
	}
}

// What a key did before it was rotated still verifies; what it did before it was compromised does not.
func TestACompromiseFromTheCommandLine(t *testing.T) {
	t.Parallel()
	dir := smallDemo(t, "60")
	code := firstCode(t, dir)
	before := mustCall(t, "export", "codes", "--dir", dir).out
	drill := parse[compromiseReport](t, mustCall(t, "keys", "compromise", "1", "--drill", "--json", "--dir", dir).out)
	if !drill.Drill || drill.Codes != 60 || drill.Reissued != 60 || drill.Seconds <= 0 {
		t.Errorf("%+v", drill)
	}
	if after := mustCall(t, "export", "codes", "--dir", dir).out; after != before || len(keysOf(t, dir)) != 1 || keysOf(t, dir)[0].State != "active" {
		t.Error("the drill changed something")
	}
	if left, err := filepath.Glob(filepath.Join(dir, "drill-*")); err != nil || len(left) > 0 {
		t.Errorf("the drill left %v, %v", left, err)
	}
	for _, name := range []string{"reprint.csv", "reprint.json"} {
		path := filepath.Join(t.TempDir(), name)
		report := parse[compromiseReport](t, mustCall(t, "keys", "compromise", "1", "--reason", "a backup was stolen", "--report", path, "--json", "--dir", dir).out)
		if report.NewKey != 2 || report.Enterprises != 60 || report.Reissued != 60 || report.Resumed != (name == "reprint.json") {
			t.Errorf("%+v", report)
		}
		text, err := os.ReadFile(path)
		if err != nil || bytes.Count(text, []byte("\n")) < 60 || !bytes.Contains(text, []byte("91")) {
			t.Errorf("%s: %v: %.200s", name, err, text)
		}
	}
	verdict := call(t, "code", "verify", code, "--jwks", write(t, "jwks.json", mustCall(t, "keys", "jwks", "--dir", dir).out))
	if verdict.code != exitRefused || !strings.Contains(verdict.out, "unknown_key") {
		t.Errorf("a code of the removed key: %d %s%s", verdict.code, verdict.out, verdict.err)
	}
}

func TestADrillOnPostgreSQL(t *testing.T) {
	t.Parallel()
	url, dir := pgtest.EmptyURL(t), t.TempDir()
	mustCall(t, "demo", "--once", "--enterprises", "60", "--seed", "5", "--database", url, "--dir", dir)
	for range 2 { // the first one left nothing behind
		drill := parse[compromiseReport](t, mustCall(t, "keys", "compromise", "1", "--drill", "--json", "--database", url, "--dir", dir).out)
		if !drill.Drill || drill.Codes != 60 || drill.Reissued != 60 {
			t.Errorf("%+v", drill)
		}
	}
	line := parse[keyLine](t, mustCall(t, "keys", "list", "--json", "--database", url, "--dir", dir).out)
	if line.State != "active" || line.Number != 1 {
		t.Errorf("the drill changed something: %+v", line)
	}
}

func firstCode(t *testing.T, dir string) string {
	t.Helper()
	line, _, _ := strings.Cut(mustCall(t, "export", "codes", "--dir", dir).out, "\n")
	return parse[struct{ JWT string }](t, line).JWT
}

// The command is killed while it gives out new codes. Called again, it goes on, and everyone has one new code.
func TestACompromiseThatIsKilledGoesOn(t *testing.T) {
	t.Parallel()
	dir := smallDemo(t, "3000")
	flags := []string{"keys", "compromise", "1", "--reason", "a backup was stolen", "--json", "--dir", dir}
	if !killAt(t, dir, grown(t, dir)+1_000_000, flags) {
		t.Fatal("the program was faster: the test does not disturb")
	}
	if got := keysOf(t, dir); got[0].State != "removed" || got[0].CompromisedAt.IsZero() || got[1].State != "active" {
		t.Fatalf("killed, %+v", got)
	}
	report := parse[jobs.Compromised](t, mustCall(t, flags...).out)
	if !report.Resumed || report.Enterprises != 3000 || report.Reissued != 3000 {
		t.Errorf("%+v", report)
	}
	byKey2 := strings.Count(mustCall(t, "export", "codes", "--dir", dir).out, `"kid":"2"`)
	if byKey2 != 3000 {
		t.Errorf("%d codes of key 2, want 3000", byKey2)
	}
}

// startSigner runs keys signer as a process of its own and waits until it answers.
func startSigner(t *testing.T, socket, key string) *exec.Cmd {
	t.Helper()
	child := exec.Command(os.Args[0], "keys", "signer", "--listen", "unix:"+socket, "--key", key)
	child.Env = append(os.Environ(), asProgram+"=1")
	said, err := child.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = child.Process.Kill() // may be dead already
		_ = child.Wait()
	})
	line := make([]byte, 200)
	n, err := said.Read(line)
	if err != nil || !strings.Contains(string(line[:n]), "ctrl-C stops") {
		t.Fatalf("the signer says %q, %v", line[:n], err)
	}
	return child
}

func TestAKeyHeldByAnotherProcess(t *testing.T) {
	t.Parallel()
	dir := smallDemo(t, "20")
	folder, err := os.MkdirTemp("", "hc") // a short path: sockets need one
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	file, socket := filepath.Join(folder, "signing-2.key"), filepath.Join(folder, "s")
	mustCall(t, "keys", "new", "--alg", "EdDSA", "--number", "2", "--issuer", defaultIssuer, "--to", file)
	signer := startSigner(t, socket, file)
	line := parse[keyLine](t, mustCall(t, "keys", "new", "--signer", "unix:"+socket, "--json", "--dir", dir).out)
	if line.Number != 2 || line.Driver != "unix" || line.Alg != "EdDSA" || line.State != "pending" {
		t.Fatalf("%+v", line)
	}
	mustCall(t, "keys", "new", "--signer", "unix:"+socket, "--dir", dir) // again changes nothing
	mustCall(t, "keys", "activate", "2", "--now", "--reason", "nobody verifies yet", "--dir", dir)
	taken, other := filepath.Join(folder, "signing-1.key"), filepath.Join(folder, "o")
	mustCall(t, "keys", "new", "--number", "1", "--issuer", defaultIssuer, "--to", taken)
	startSigner(t, other, taken)
	if r := call(t, "keys", "new", "--signer", "unix:"+other, "--dir", dir); r.code != exitRefused || !strings.Contains(r.err, "another key's") {
		t.Errorf("a number that is taken: %d %s", r.code, r.err)
	}
	mustCall(t, "code", "issue", "--all", "--dir", dir) // key 1 is where it was
	enterprise := parse[struct{ USCC string }](t, strings.SplitN(mustCall(t, "export", "codes", "--dir", dir).out, "\n", 2)[0]).USCC
	issue := []string{"code", "issue", enterprise, "--form", "jwt", "--sign-with", "EdDSA", "--dir", dir}
	jwks := write(t, "jwks.json", mustCall(t, "keys", "jwks", "--dir", dir).out)
	check := func() {
		t.Helper()
		mustCall(t, "code", "verify", strings.TrimSpace(mustCall(t, issue...).out), "--jwks", jwks)
	}
	check()
	if err := signer.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = signer.Wait()
	if r := call(t, issue...); r.code != exitRefused || !strings.Contains(r.err, "reach the signer") {
		t.Errorf("without the signer: %d %s", r.code, r.err)
	}
	startSigner(t, socket, file) // over the socket that the dead one left
	check()
	for name, c := range map[string][]string{
		"no key":     {"keys", "signer", "--listen", "unix:" + socket},
		"no socket":  {"keys", "signer", "--key", file},
		"a web port": {"keys", "signer", "--listen", "127.0.0.1:80", "--key", file},
	} {
		if r := call(t, c...); r.code != exitUsage {
			t.Errorf("%s: %d %s", name, r.code, r.err)
		}
	}
	if r := call(t, "keys", "signer", "--listen", "unix:"+socket, "--key", file); r.code != exitRefused || !strings.Contains(r.err, "another process answers") {
		t.Errorf("a second signer: %d %s", r.code, r.err)
	}
}
