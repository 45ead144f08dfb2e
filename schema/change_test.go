package schema_test

import (
	"errors"
	"testing"

	"healthcode/access"
	"healthcode/schema"
	"healthcode/schema/schematest"

	"github.com/jmoiron/sqlx"
)

// A message that takes its number first and is committed last has the lower number and becomes visible later: a reader who remembered
// the number would miss it. Its place in the feed is after what was visible before it.
func TestALateCommitIsNotMissed(t *testing.T) {
	t.Parallel()
	config := freshPostgres(t)
	db := schematest.Reopen(t, config)
	raw, err := sqlx.Open("postgres", config.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	const add = `INSERT INTO outbox (uscc, topic, payload, created_at) VALUES ($1, 'code.changed', '{"uscc":"' || $1 || '","idx":1,"form":"printed","step":"suspend","status":"suspended"}', 1) RETURNING id`
	slow, err := raw.Beginx()
	if err != nil {
		t.Fatal(err)
	}
	var late, early int64
	one, two := string(schematest.Code(1)), string(schematest.Code(2))
	err = errors.Join(slow.Get(&late, add, one), raw.Get(&early, add, two)) // the second commits at once
	if err != nil || late >= early {
		t.Fatalf("%d, %d: %v", late, early, err)
	}
	sequence(t, db, 1)
	first := changes(t, db, 0)
	if err := slow.Commit(); err != nil {
		t.Fatal(err)
	}
	sequence(t, db, 1)
	second := changes(t, db, first.Next)
	if len(first.Items) != 1 || len(second.Items) != 1 || first.Items[0].Position != 1 || second.Items[0].Position != 2 {
		t.Fatalf("first %+v, then %+v", first, second)
	}
	for _, query := range []string{`UPDATE change SET position = 9 WHERE position = 1`, `DELETE FROM change`} {
		if _, err := raw.Exec(query); err == nil {
			t.Errorf("%s is not refused", query)
		}
	}
}

// While one process gives places another one goes away without waiting.
func TestPlacesAreGivenByOne(t *testing.T) {
	t.Parallel()
	config := freshPostgres(t)
	db := schematest.Reopen(t, config)
	raw, err := sqlx.Open("postgres", config.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Exec(`INSERT INTO outbox (uscc, topic, payload, created_at) VALUES ('x', 'grade.changed', '{"uscc":"91350100M000100Y43","as_of":"2026-11-25","after":{"tier":"A","colour":"green"}}', 1)`); err != nil {
		t.Fatal(err)
	}
	other, err := raw.Beginx()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(`SELECT pg_advisory_xact_lock($1)`, 0x6863_000c); err != nil {
		t.Fatal(err)
	}
	sequence(t, db, 0)
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	sequence(t, db, 1)
	if got := string(changes(t, db, 0).Items[0].Data); got != `{"uscc":"91350100M000100Y43","as_of":"2026-11-25","after":{"tier":"A","colour":"green"}}` {
		t.Error(got)
	}
}

func sequence(t *testing.T, db *schema.DB, want int) {
	t.Helper()
	if n, err := db.SequenceChanges(t.Context()); err != nil || n != want {
		t.Fatalf("%d got places, want %d: %v", n, want, err)
	}
}

func changes(t *testing.T, db *schema.DB, after int64) *schema.ChangePage {
	t.Helper()
	page, err := db.Changes(t.Context(), access.Everything(), after, nil, 9)
	if err != nil {
		t.Fatal(err)
	}
	return page
}
