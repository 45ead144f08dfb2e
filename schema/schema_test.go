package schema_test

import (
	"testing"

	"healthcode/schema"
	"healthcode/schema/pgtest"
	"healthcode/schema/schematest"
)

func freshSQLite(tb testing.TB) schema.Config {
	tb.Helper()
	config := schema.Config{Dir: tb.TempDir()}
	db, err := schema.Open(tb.Context(), config)
	if err != nil {
		tb.Fatal(err)
	}
	if _, _, err := db.Migrate(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	if err := db.Close(); err != nil {
		tb.Fatal(err)
	}
	return config
}

func freshPostgres(tb testing.TB) schema.Config {
	tb.Helper()
	return schema.Config{URL: pgtest.URL(tb)}
}

func TestSQLite(t *testing.T)   { schematest.Exercise(t, freshSQLite) }
func TestPostgres(t *testing.T) { schematest.Exercise(t, freshPostgres) }
