package jobs_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"healthcode/access"
	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/schema"
)

func addPerson(t *testing.T, b *bench, login string) {
	t.Helper()
	_, err := b.db.AddAccount(t.Context(), schema.Account{Login: login, Kind: access.Staff})
	check(t, err)
}

func TestOneCheckpointADayWhenALineIsNew(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		signer := newIssuer(t, b).Signer
		job := &jobs.Checkpoint{DB: b.db, Signer: signer, Clock: b.clock, Dir: filepath.Join(t.TempDir(), "checkpoints")}
		first, err := job.RunOnce(t.Context())
		check(t, err)
		addPerson(t, b, "a")
		nothing(t, job, "the day has one")
		b.now = b.now.Add(3 * oneDay) // nobody served for days
		second, err := job.RunOnce(t.Context())
		check(t, err)
		b.now = b.now.Add(oneDay)
		nothing(t, job, "no line is new")

		keys, err := credential.NewKeySet(*signer.PublicKey())
		check(t, err)
		read, err := credential.ParseCheckpoint(second.Token, keys)
		check(t, err)
		if before := (credential.LogPoint{Number: first.Number, Hash: first.Hash}); read.Previous != before || read.Number != first.Number+1 || read.Hash != second.Hash {
			t.Errorf("the second says %+v after %+v", read, first)
		}
		files, err := filepath.Glob(filepath.Join(job.Dir, "*.jwt"))
		check(t, err)
		if len(files) != 2 {
			t.Fatalf("files %q", files)
		}
		if text, err := os.ReadFile(files[1]); err != nil || strings.TrimSpace(string(text)) != second.Token {
			t.Errorf("%s holds %s, %v", files[1], text, err)
		}
	})
}

func nothing(t *testing.T, job *jobs.Checkpoint, why string) {
	t.Helper()
	if made, err := job.RunOnce(t.Context()); !errors.Is(err, schema.ErrNothingDue) {
		t.Errorf("%s, yet %+v, %v", why, made, err)
	}
}

func TestSeveralProcessesMakeOneCheckpoint(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		signer := newIssuer(t, b).Signer
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				if _, err := (&jobs.Checkpoint{DB: b.db, Signer: signer, Clock: b.clock}).RunOnce(t.Context()); err != nil && !errors.Is(err, schema.ErrNothingDue) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if made, err := b.db.AuditCheckpoints(t.Context(), 0, 0); err != nil || len(made) != 1 {
			t.Errorf("made %+v, %v", made, err)
		}
	})
}

// TestNoCheckpointOfABrokenLog: what was rewritten is not vouched for.
func TestNoCheckpointOfABrokenLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newBench(t, schema.Config{Dir: dir})
	job := &jobs.Checkpoint{DB: b.db, Signer: newIssuer(t, b).Signer, Clock: b.clock}
	_, err := job.RunOnce(t.Context())
	check(t, err)
	addPerson(t, b, "a")
	addPerson(t, b, "b")
	raw, err := sql.Open("sqlite", filepath.Join(dir, schema.FileName))
	check(t, err)
	defer raw.Close()
	for _, query := range []string{`DROP TRIGGER audit_keeps_values`, `UPDATE audit SET line = replace(line, '"b"', '"c"') WHERE number = (SELECT max(number) FROM audit)`} {
		_, err := raw.Exec(query)
		check(t, err)
	}
	b.now = b.now.Add(oneDay)
	if made, err := job.RunOnce(t.Context()); !errors.Is(err, schema.ErrAudit) {
		t.Errorf("made %+v, %v", made, err)
	}
	if stored, err := b.db.AuditCheckpoints(t.Context(), 0, 0); err != nil || len(stored) != 1 {
		t.Errorf("stored %+v, %v", stored, err)
	}
}
