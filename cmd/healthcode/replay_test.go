package main

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
)

func TestReplayAndAuditFindWhatWasTamperedWith(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustCall(t, "demo", "--once", "--enterprises", "60", "--seed", "3", "--dir", dir)
	if r := mustCall(t, "audit", "scores", "--dir", dir, "--json"); !strings.Contains(r.out, `{"checked":60,"different":0}`) {
		t.Fatal(r.out)
	}
	line, _, _ := strings.Cut(mustCall(t, "export", "assessments", "--dir", dir).out, "\n")
	a := parse[assessmentLine](t, line)
	dates := []string{"--as-of", a.AsOf.String(), "--known-at", a.KnownAt, "--dir", dir, "--json"}
	r := parse[replayed](t, mustCall(t, append([]string{"replay", string(a.USCC)}, dates...)...).out)
	if !r.Same || r.Stored != a.Digest || r.Computed != a.Digest || r.Index != a.Index {
		t.Errorf("%+v, exported %+v", r, a)
	}
	other := parse[replayed](t, mustCall(t, "replay", string(a.USCC), "--as-of", (a.AsOf-200).String(), "--dir", dir, "--json").out)
	if other.Stored != "" || other.Computed == a.Digest {
		t.Errorf("a day that nobody graded: %+v", other)
	}
	tamper(t, dir, string(a.USCC))
	if r := call(t, "audit", "scores", "--dir", dir, "--json"); r.code != exitRefused || !strings.Contains(r.out, `"different":1,"first":["`+string(a.USCC)+`"]`) {
		t.Errorf("%d %s", r.code, r.out)
	}
	if r := call(t, "replay", string(a.USCC), "--dir", dir); r.code != exitRefused || !strings.Contains(r.err, "DIFFERENT") {
		t.Errorf("%d %s", r.code, r.err)
	}
}

// tamper changes a stored digest behind the program's back.
func tamper(t *testing.T, dir, code string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "healthcode.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"assessment", "assessment_history"} {
		if _, err := db.Exec(`UPDATE `+table+` SET digest = ? WHERE uscc = ?`, strings.Repeat("0", 64), code); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
