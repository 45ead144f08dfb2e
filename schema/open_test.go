package schema_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/schema/pgtest"
	"healthcode/schema/schematest"
	"healthcode/scoring"
)

// raw opens the database beside the stores, to break it.
func raw(t *testing.T, config schema.Config) *sql.DB {
	t.Helper()
	driver, dsn := "postgres", config.URL
	if config.Dir != "" {
		driver, dsn = "sqlite", "file:"+filepath.Join(config.Dir, schema.FileName)
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func run(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// engines runs a test on both engines, each with a fresh database.
func engines(t *testing.T, test func(*testing.T, schema.Config)) {
	t.Run("sqlite", func(t *testing.T) { test(t, freshSQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, freshPostgres(t)) })
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("not a folder"), 0o600); err != nil {
		t.Fatal(err)
	}
	noise := t.TempDir()
	if err := os.WriteFile(filepath.Join(noise, schema.FileName), []byte(strings.Repeat("this is no database ", 400)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		config schema.Config
		want   error
		says   string
	}{
		{"neither folder nor URL", schema.Config{}, nil, "either"},
		{"both", schema.Config{Dir: dir, URL: "postgres://x"}, nil, "either"},
		{"a folder under a file", schema.Config{Dir: filepath.Join(file, "data")}, schema.ErrUnreachable, "folder"},
		{"a file that is no database", schema.Config{Dir: noise}, schema.ErrNotDatabase, schema.FileName},
		{"a URL without sslmode", schema.Config{URL: "postgres://u:secret@127.0.0.1/x"}, schema.ErrUnreachable, "add sslmode="},
		{"a URL that is none", schema.Config{URL: "postgres://u:secret@[::1/x?sslmode=disable"}, schema.ErrUnreachable, "postgres://"},
		{"another scheme", schema.Config{URL: "mysql://u:secret@h/x?sslmode=disable"}, schema.ErrUnreachable, "postgres://"},
		{"a parameter that the driver refuses", schema.Config{URL: "postgres://u:secret@127.0.0.1/x?sslmode=maybe"}, schema.ErrUnreachable, "URL"},
		{"nobody there", schema.Config{URL: "postgres://u:secret@127.0.0.1:1/x?sslmode=disable"}, schema.ErrUnreachable, "open database"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := schema.Open(t.Context(), c.config)
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want %v with %q", err, c.want, c.says)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

func TestOpenNoSuchDatabase(t *testing.T) {
	url := strings.Replace(pgtest.URL(t), "/test_", "/absent_", 1)
	if _, err := schema.Open(t.Context(), schema.Config{URL: url}); !errors.Is(err, schema.ErrUnreachable) {
		t.Errorf("got %v, want ErrUnreachable", err)
	}
}

func TestVersion(t *testing.T) {
	for _, c := range []struct {
		engine string
		empty  func() schema.Config
	}{
		{"sqlite", func() schema.Config { return schema.Config{Dir: filepath.Join(t.TempDir(), "new", "folder")} }},
		{"postgres", func() schema.Config { return schema.Config{URL: pgtest.EmptyURL(t)} }},
	} {
		t.Run(c.engine, func(t *testing.T) {
			config := c.empty()
			db := schematest.Reopen(t, config)
			if err := db.CheckVersion(t.Context()); !errors.Is(err, schema.ErrUnmigrated) {
				t.Errorf("before: %v, want ErrUnmigrated", err)
			}
			from, to, err := db.Migrate(t.Context())
			if err != nil || from != 0 || to != db.Newest() {
				t.Errorf("migrate: %d to %d, %v", from, to, err)
			}
			if from, to, err = db.Migrate(t.Context()); err != nil || from != to {
				t.Errorf("migrate again: %d to %d, %v", from, to, err)
			}
			if err := db.CheckVersion(t.Context()); err != nil {
				t.Errorf("after: %v", err)
			}
			run(t, raw(t, config), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999999, true)`)
			if _, err := schema.Open(t.Context(), config); !errors.Is(err, schema.ErrNewer) {
				t.Errorf("a newer database: %v, want ErrNewer", err)
			}
			if err := db.CheckVersion(t.Context()); !errors.Is(err, schema.ErrNewer) {
				t.Errorf("a newer database, opened before: %v, want ErrNewer", err)
			}
		})
	}
}

// TestMigrateWithData fills each version with rows before the next step, and reads all of them at the end.
func TestMigrateWithData(t *testing.T) {
	for engine, empty := range map[string]func() schema.Config{
		"sqlite":   func() schema.Config { return schema.Config{Dir: t.TempDir()} },
		"postgres": func() schema.Config { return schema.Config{URL: pgtest.EmptyURL(t)} },
	} {
		t.Run(engine, func(t *testing.T) {
			config := empty()
			db, direct := schematest.Reopen(t, config), raw(t, config)
			e := schematest.Enterprise(1)
			rows := map[int64]string{
				1: `INSERT INTO enterprise VALUES ('` + string(e.USCC) + `', 1, 5, '330402', 'old', '', '{"uscc":"` + string(e.USCC) + `","name":"Old","region_code":"330402"}')`,
				2: `INSERT INTO record (uscc, source, source_ref, revision, kind, outcome, severity, occurred_on, known_at, product_code, stage, purpose,
					case_id, state, provisional_until, rectify_by, rectified_on, detail, fact) VALUES ('` + string(e.USCC) + `', 's', 'r', 1, 'inspection',
					'done', 0, 45000, 5, '', '', '', '', 'final', 0, 0, 0, '{}', '')`,
				3: `INSERT INTO model (code, version, digest, state, created_at, body) VALUES ('m', 1, 'd', 'active', 5, '{}'), ('m', 2, 'e', 'approved', 6, '{}')`,
				4: `INSERT INTO signing_key VALUES (1, 'k', 'ES256', '{}', 'active', 5, 5, 0, 0)`,
				5: `INSERT INTO code (uscc, state, kid, form, created_at, issued_at, expires_at, tier, colour, model, jwt) VALUES
					('` + string(e.USCC) + `', 'issued', '1', 'printed', 5, 6, 7, 1, 1, 1, 'a.b.c'), ('` + string(e.USCC) + `', 'intended', '1', 'printed', 5, 0, 0, 0, 0, 0, '')`,
			}
			for version := int64(1); version <= db.Newest(); version++ {
				if _, _, err := db.MigrateTo(t.Context(), version); err != nil {
					t.Fatal(err)
				}
				run(t, direct, rows[version])
			}
			old, err := db.Enterprise(t.Context(), e.USCC)
			if err != nil || old.Name != "Old" {
				t.Errorf("enterprise %+v, %v", old, err)
			}
			if records, err := db.RecordsOf(t.Context(), e.USCC); err != nil || len(records) != 1 {
				t.Errorf("records %+v, %v", records, err)
			}
			if m, err := db.ActiveModel(t.Context()); err != nil || m.Code != "m" || m.Author != scoring.AuthorShipped || !m.ActivatedAt.Equal(m.CreatedAt) {
				t.Errorf("model %+v, %v", m, err)
			}
			if m, err := db.Model(t.Context(), "m", 2); err != nil || m.State != schema.ModelDraft {
				t.Errorf("a version that nobody approved: %+v, %v", m, err)
			}
			if keys, err := db.Keys(t.Context()); err != nil || len(keys) != 1 {
				t.Errorf("keys %+v, %v", keys, err)
			}
			codes, err := db.CodesOf(t.Context(), e.USCC)
			if err != nil || len(codes) != 2 || codes[0].Status != schema.CodeValid || codes[1].Status != schema.CodeValid {
				t.Fatalf("codes %+v, %v", codes, err)
			}
			events, err := db.CodeEvents(t.Context(), e.USCC, codes[1].Index)
			if err != nil || len(events) != 1 || events[0].Step != schema.StepIssue || !events[0].At.Equal(codes[1].IssuedAt) {
				t.Errorf("events of the code issued before %+v, %v", events, err)
			}
			if events, err := db.CodeEvents(t.Context(), e.USCC, codes[0].Index); err != nil || len(events) != 0 {
				t.Errorf("events of the intent %+v, %v", events, err)
			}
		})
	}
}

func TestRowsAreOnlyAdded(t *testing.T) {
	engines(t, func(t *testing.T, config schema.Config) {
		db := schematest.Reopen(t, config)
		if _, err := db.PutEnterprises(t.Context(), schematest.Enterprises(0, 1), schema.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := db.PutRecords(t.Context(), schematest.Records(0, 1, 1), schema.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		idx, err := db.ReserveIndex(t.Context(), schematest.Code(0), "1", "printed")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ChangeCode(t.Context(), idx, schema.StepRevoke, "Li Hua", "a test"); err != nil {
			t.Fatal(err)
		}
		direct := raw(t, config)
		if _, err := direct.ExecContext(t.Context(), `UPDATE code SET status = 0`); err == nil || !strings.Contains(err.Error(), "final") {
			t.Errorf("un-revoke: %v, want a refusal", err)
		}
		for _, query := range []string{`DELETE FROM record`, `UPDATE record SET outcome = 'fail'`, `DELETE FROM enterprise_revision`, `UPDATE enterprise_revision SET known_at = 1`,
			`DELETE FROM code_event`, `UPDATE code_event SET author = 'nobody'`} {
			if _, err := direct.ExecContext(t.Context(), query); err == nil || !strings.Contains(err.Error(), "rows are only ever added") {
				t.Errorf("%s: %v, want a refusal", query, err)
			}
		}
	})
}

func TestSQLiteLocked(t *testing.T) {
	config := freshSQLite(t)
	config.BusyTimeout = 20 * time.Millisecond
	db := schematest.Reopen(t, config)
	direct := raw(t, config)
	direct.SetMaxOpenConns(1)
	run(t, direct, `BEGIN IMMEDIATE`)
	_, err := db.PutRecords(t.Context(), schematest.Records(0, 1, 1), schema.PutOptions{})
	if !errors.Is(err, schema.ErrBusy) {
		t.Errorf("store while another process writes: %v, want ErrBusy", err)
	}
	if _, err := db.CountEnterprises(t.Context()); err != nil {
		t.Errorf("read while another process writes: %v", err)
	}
	run(t, direct, `ROLLBACK`)
}

func TestSQLiteLockedAtOpen(t *testing.T) {
	config := freshSQLite(t)
	config.BusyTimeout = 20 * time.Millisecond
	direct := raw(t, config)
	direct.SetMaxOpenConns(1)
	run(t, direct, `PRAGMA locking_mode = EXCLUSIVE`)
	run(t, direct, `BEGIN EXCLUSIVE`)
	if _, err := schema.Open(t.Context(), config); !errors.Is(err, schema.ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	run(t, direct, `ROLLBACK`)
}

// TestSQLiteFull fills the database to a bound and looks that what was stored before is still there.
func TestSQLiteFull(t *testing.T) {
	config := freshSQLite(t)
	db := schematest.Reopen(t, config)
	if _, err := db.PutEnterprises(t.Context(), schematest.Enterprises(0, 1), schema.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := db.LimitPages(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	big := schematest.Record(0, 0)
	big.Findings = []registry.Finding{{Severity: registry.SeverityMinor, Value: strings.Repeat("x", 1<<20)}}
	if _, err := db.PutRecords(t.Context(), []registry.Record{big}, schema.PutOptions{}); !errors.Is(err, schema.ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
	if n, err := db.CountEnterprises(t.Context()); err != nil || n != 1 {
		t.Errorf("%d enterprises, %v; want the one from before", n, err)
	}
}

func TestPostgresReadOnly(t *testing.T) {
	config := freshPostgres(t)
	direct := raw(t, config)
	run(t, direct, `DROP ROLE IF EXISTS reader`)
	run(t, direct, `CREATE ROLE reader LOGIN`)
	run(t, direct, `GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader`)
	t.Cleanup(func() {
		if _, err := direct.Exec(`DROP OWNED BY reader; DROP ROLE reader`); err != nil {
			t.Error(err)
		}
	})
	db := schematest.Reopen(t, schema.Config{URL: strings.Replace(config.URL, "healthcode@", "reader@", 1)})
	if _, err := db.PutRegions(t.Context(), []registry.Region{{Code: "330402", Name: "南湖区"}}); !errors.Is(err, schema.ErrReadOnly) {
		t.Errorf("got %v, want ErrReadOnly", err)
	}
	if n, err := db.CountEnterprises(t.Context()); err != nil || n != 0 {
		t.Errorf("reading: %d, %v", n, err)
	}
}

func TestUnmigratedIsSaid(t *testing.T) {
	db := schematest.Reopen(t, schema.Config{URL: pgtest.EmptyURL(t)})
	if _, err := db.CountEnterprises(t.Context()); !errors.Is(err, schema.ErrUnmigrated) {
		t.Errorf("got %v, want ErrUnmigrated", err)
	}
}
