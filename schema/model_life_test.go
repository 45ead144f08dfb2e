package schema_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"healthcode/schema"
	"healthcode/schema/schematest"
	"healthcode/scoring"
)

// TestModelTriggers goes behind the program's back.
func TestModelTriggers(t *testing.T) {
	engines(t, func(t *testing.T, config schema.Config) {
		db := schematest.Reopen(t, config)
		schematest.Ship(t, db)
		schematest.Bring(t, db, 2, schema.ModelDraft)
		schematest.Bring(t, db, 3, schema.ModelProposed)
		schematest.Bring(t, db, 4, schema.ModelApproved)
		direct := raw(t, config)
		for name, query := range map[string]string{
			"another body":               `UPDATE model SET body = '{}' WHERE version = 2`,
			"another digest":             `UPDATE model SET digest = 'x' WHERE version = 2`,
			"another author":             `UPDATE model SET author = 'x' WHERE version = 2`,
			"an erasure":                 `DELETE FROM model WHERE version = 2`,
			"a draft made active":        `UPDATE model SET state = 'active', approver = 'x' WHERE version = 2`,
			"a draft made approved":      `UPDATE model SET state = 'approved', approver = 'x' WHERE version = 2`,
			"approved by nobody":         `UPDATE model SET state = 'approved' WHERE version = 3`,
			"approved by the author":     `UPDATE model SET state = 'approved', approver = 'li hua' WHERE version = 3`,
			"approved by the proposer":   `UPDATE model SET state = 'approved', approver = 'Wang Wei' WHERE version = 3`,
			"two active ones":            `UPDATE model SET state = 'active' WHERE version = 4`,
			"a retired one back":         `UPDATE model SET state = 'approved' WHERE version = 1`,
			"an active one back":         `UPDATE model SET state = 'draft' WHERE version = 1`,
			"an event erased":            `DELETE FROM model_event`,
			"an event changed":           `UPDATE model_event SET person = 'x'`,
			"a simulation erased":        `DELETE FROM model_simulation`,
			"a simulation changed":       `UPDATE model_simulation SET result = '{}'`,
			"a new one without approval": `INSERT INTO model (code, version, digest, state, created_at, body, author) VALUES ('m', 9, 'd', 'approved', 1, '{}', 'x')`,
		} {
			if _, err := direct.ExecContext(t.Context(), query); err == nil {
				t.Errorf("%s: the database let it pass", name)
			}
		}
		if m, err := db.ActiveModel(t.Context()); err != nil || m.Version != 1 {
			t.Errorf("active %+v, %v", m, err)
		}
	})
}

// childActivates makes the child activate versions instead of grading: from which one on.
const childActivates = "SCHEMA_TEST_ACTIVATE"

// activating activates one version after the other and says so, until it is killed.
func activating(address, first string) error {
	db, err := schema.Open(context.Background(), childAddress(address))
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(first)
	if err != nil {
		return err
	}
	for ; ; n++ {
		fmt.Println(n)
		step := scoring.ModelStep{Action: scoring.Activate, By: "Zhao Min", Today: schematest.Today()}
		if _, err := db.StepModel(context.Background(), "m", n, step); err != nil {
			fmt.Println("end")
			select {}
		}
	}
}

// TestKilledActivation kills a process in the middle of activations: each leaves the old version active or the new one, and when it is the
// new one, everybody is due once for it and the old one is retired.
func TestKilledActivation(t *testing.T) {
	engines(t, func(t *testing.T, config schema.Config) {
		const enterprises, versions = 300, 40
		db := schematest.Reopen(t, config)
		if _, err := db.PutEnterprises(t.Context(), schematest.Enterprises(0, enterprises), schema.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		direct := raw(t, config)
		schematest.Ship(t, db)
		for n := 2; n < 2+versions; n++ {
			schematest.Bring(t, db, n, schema.ModelApproved)
		}
		run(t, direct, `DELETE FROM due`)
		next := 2
		for round := range 6 {
			killActivating(t, config, next, 1+round%3, time.Duration(round)*400*time.Microsecond)
			active, err := db.ActiveModel(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var due, tokens int
			if err := direct.QueryRowContext(t.Context(), `SELECT count(*), count(DISTINCT token) FROM due`).Scan(&due, &tokens); err != nil {
				t.Fatal(err)
			}
			if tokens != active.Version-1 || due != tokens*enterprises {
				t.Errorf("version %d is active, with %d due rows of %d activations", active.Version, due, tokens)
			}
			for m, err := range db.Models(t.Context()) {
				if want := stateBeside(m.Version, active.Version); err != nil || m.State != want {
					t.Errorf("version %d is %s, %v; want %s while %d is active", m.Version, m.State, err, want, active.Version)
				}
			}
			next = active.Version + 1
		}
	})
}

func stateBeside(version, active int) schema.ModelState {
	switch {
	case version < active:
		return schema.ModelRetired
	case version == active:
		return schema.ModelActive
	}
	return schema.ModelApproved
}

// killActivating lets a child begin so many activations and kills it a moment into the last.
func killActivating(t *testing.T, config schema.Config, first, begun int, into time.Duration) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), self)
	command.Env = append(os.Environ(), childConfig+"="+config.Dir+config.URL, childActivates+"="+strconv.Itoa(first))
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range begun {
		if !lines.Scan() || lines.Text() == "end" {
			t.Errorf("the child said %q, %v", lines.Text(), lines.Err())
			break
		}
	}
	<-time.After(into)
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err == nil {
		t.Error("the child ended by itself")
	}
}
