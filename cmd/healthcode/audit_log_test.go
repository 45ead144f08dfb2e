package main

import (
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"healthcode/jobs"
	"healthcode/schema"
)

// rewriteLog changes the line of an action and makes every hash from it on again, as an administrator would who knows how.
func rewriteLog(t *testing.T, dir, old, next string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, schema.FileName))
	if err != nil {
		t.Fatal(err)
	}
	exec := func(query string, values ...any) {
		t.Helper()
		if _, err := db.Exec(query, values...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`DROP TRIGGER audit_keeps_values`)
	exec(`UPDATE audit SET line = replace(line, ?, ?)`, old, next)
	var hash schema.AuditHash
	for number := 1; ; number++ {
		var line string
		if err := db.QueryRow(`SELECT line FROM audit WHERE number = ?`, number).Scan(&line); err != nil {
			break
		}
		hash = hash.Next([]byte(line))
		exec(`UPDATE audit SET hash = ? WHERE number = ?`, hash.String(), number)
	}
	exec(`UPDATE audit_head SET hash = ?`, hash.String())
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestTheAuditLogIsVerifiedHereAndByAStranger(t *testing.T) {
	t.Parallel()
	dir, kept := t.TempDir(), t.TempDir()
	mustCall(t, "demo", "--once", "--enterprises", "60", "--seed", "3", "--dir", dir)
	password := write(t, "password.txt", "correct horse battery 7")
	mustCall(t, "user", "add", "li.na", "--role", "auditor", "--password-file", password, "--dir", dir)
	made := parse[checkpointLine](t, mustCall(t, "audit", "checkpoint", "--dir", dir, "--to", kept, "--json").out)
	if r := call(t, "audit", "checkpoint", "--dir", dir); r.code != exitRefused || !strings.Contains(r.err, "no line is new") {
		t.Errorf("a second checkpoint: %d %s", r.code, r.err)
	}
	mustCall(t, "user", "disable", "li.na", "--dir", dir)
	jwks := write(t, "jwks.json", mustCall(t, "keys", "jwks", "--dir", dir).out)
	files, err := filepath.Glob(filepath.Join(kept, "*.jwt"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %q, %v", files, err)
	}
	verify := []string{"audit", "verify", "--checkpoint", files[0], "--keys", jwks, "--dir", dir, "--json"}
	report := parse[jobs.AuditReport](t, mustCall(t, verify...).out)
	if report.Last != made.Number+1 || report.Kept != 1 || report.Checkpoints != 1 {
		t.Errorf("%+v after checkpoint %d", report, made.Number)
	}
	lines := mustCall(t, "audit", "log", "--noun", "account", "--dir", dir, "--json").out
	for _, want := range []string{`"action":"account.added"`, `"action":"account.disabled"`, `"doing":"user disable"`, `"kind":"command"`} {
		if !strings.Contains(lines, want) {
			t.Errorf("the log lacks %s: %s", want, lines)
		}
	}
	if strings.Contains(lines, "argon2") {
		t.Errorf("a hash of a password shows: %s", lines)
	}
	export := write(t, "audit.ndjson", mustCall(t, "audit", "export", "--dir", dir).out)
	strangerChecks(t, true, export, jwks, files[0])

	// A line that is changed alone is found by the chain.
	text, err := os.ReadFile(export)
	if err != nil {
		t.Fatal(err)
	}
	strangerChecks(t, false, write(t, "changed.ndjson", strings.Replace(string(text), "li.na", "wang", 1)))

	// Everything written anew holds in itself; only the checkpoint finds it.
	rewriteLog(t, dir, "li.na", "wang")
	if r := call(t, "audit", "verify", "--dir", dir, "--json"); r.code != exitRefused || !strings.Contains(r.out, `"fault":"rewritten"`) {
		t.Errorf("the stored checkpoint: %d %s", r.code, r.out)
	}
	if r := call(t, verify...); r.code != exitRefused || !strings.Contains(r.out, filepath.Base(files[0])) {
		t.Errorf("the checkpoint that was kept: %d %s", r.code, r.out)
	}
	export = write(t, "rewritten.ndjson", mustCall(t, "audit", "export", "--dir", dir).out)
	strangerChecks(t, true, export)
	strangerChecks(t, false, export, jwks, files[0])
}

// strangerChecks runs the example for an export.
func strangerChecks(t *testing.T, good bool, arguments ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), python(t), append([]string{examples + "/audit.py"}, arguments...)...).CombinedOutput()
	if (err == nil) != good {
		t.Errorf("audit.py %q: %v: %s", arguments, err, out)
	}
}
