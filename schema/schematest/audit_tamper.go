package schematest

import (
	"database/sql"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"healthcode/access"
	"healthcode/schema"

	_ "github.com/lib/pq" // the driver of who tampers
)

// tamperCases are what somebody who holds the database may do to the log, and what is found: the fault and its line.
var tamperCases = []struct {
	name   string
	tamper func(*tamperer)
	plain  []string // found without a checkpoint
	held   []string // found with one of line 5 and one of line 10
}{
	{"nothing", func(*tamperer) {}, nil, nil},
	{"a line changed", func(r *tamperer) {
		r.exec(`UPDATE audit SET line = replace(line, 'person05', 'person99') WHERE number = 5`)
	},
		[]string{"changed 5"}, []string{"changed 5"}},
	{"a column changed", func(r *tamperer) { r.exec(`UPDATE audit SET action = 'account.forged' WHERE number = 7`) }, []string{"changed 7"}, []string{"changed 7"}},
	{"a hash changed", func(r *tamperer) {
		r.exec(`UPDATE audit SET hash = '` + strings.Repeat("0", 64) + `' WHERE number = 6`)
	}, []string{"changed 6"}, []string{"changed 6"}},
	{"a hash that is none", func(r *tamperer) { r.exec(`UPDATE audit SET hash = 'x' WHERE number = 6`) }, []string{"changed 6", "changed 6"}, []string{"changed 6", "changed 6"}},
	{"text that is no line", func(r *tamperer) { r.exec(`UPDATE audit SET line = '{' WHERE number = 6`) }, []string{"changed 6"}, []string{"changed 6"}},
	{"one removed", func(r *tamperer) { r.exec(`DELETE FROM audit WHERE number = 6`) }, []string{"removed 6"}, []string{"removed 6"}},
	{"three removed", func(r *tamperer) { r.exec(`DELETE FROM audit WHERE number BETWEEN 6 AND 8`) }, []string{"removed 6"}, []string{"removed 6"}},
	{"the first removed", func(r *tamperer) { r.exec(`DELETE FROM audit WHERE number = 1`) }, []string{"removed 1"}, []string{"removed 1"}},
	{"one removed, the rest numbered anew", func(r *tamperer) {
		r.exec(`DELETE FROM audit WHERE number = 6`)
		r.exec(`UPDATE audit SET number = -number WHERE number > 6`)
		r.exec(`UPDATE audit SET number = -number - 1 WHERE number < 0`)
		r.exec(`UPDATE audit_head SET number = number - 1`)
	}, []string{"removed 6"}, []string{"removed 6", "rewritten 10"}},
	{"one inserted, the rest numbered anew", func(r *tamperer) {
		r.exec(`UPDATE audit SET number = -number WHERE number > 6`)
		r.exec(`UPDATE audit SET number = -number + 1 WHERE number < 0`)
		r.exec(`INSERT INTO audit SELECT 7, at, actor_kind, actor_id, actor_name, action, noun, noun_id, uscc, replace(line, '"number":6', '"number":7'), hash FROM audit WHERE number = 6`)
		r.exec(`UPDATE audit_head SET number = number + 1`)
	}, []string{"changed 7", "inserted 8"}, []string{"changed 7", "inserted 8", "rewritten 10"}},
	{"two swapped", func(r *tamperer) {
		r.exec(`UPDATE audit SET number = -6 WHERE number = 6`)
		r.exec(`UPDATE audit SET number = 6 WHERE number = 8`)
		r.exec(`UPDATE audit SET number = 8 WHERE number = -6`)
	}, []string{"reordered 6", "reordered 8"}, []string{"reordered 6", "reordered 8"}},
	{"one put at the end", func(r *tamperer) {
		r.exec(`INSERT INTO audit SELECT 13, at, actor_kind, actor_id, actor_name, action, noun, noun_id, uscc, replace(line, '"number":12', '"number":13'), hash FROM audit WHERE number = 12`)
	}, []string{"changed 13", "inserted 13"}, []string{"changed 13", "inserted 13"}},
	{"the end cut off", func(r *tamperer) { r.exec(`DELETE FROM audit WHERE number > 8`) }, []string{"cut 9"}, []string{"cut 9", "cut 9"}},
	{"the end cut off, with its head", func(r *tamperer) {
		r.exec(`DELETE FROM audit WHERE number > 8`)
		r.exec(`UPDATE audit_head SET number = 8, hash = (SELECT hash FROM audit WHERE number = 8)`)
	}, nil, []string{"cut 9"}},
	{"another head", func(r *tamperer) { r.exec(`UPDATE audit_head SET hash = '` + strings.Repeat("0", 64) + `'`) }, []string{"head 12"}, []string{"head 12"}},
	{"everything written anew from a line on", func(r *tamperer) { r.rewrite(7) }, nil, []string{"rewritten 10"}},
	{"everything written anew from the beginning", func(r *tamperer) { r.rewrite(1) }, nil, []string{"rewritten 5", "rewritten 10"}},
	{"everything removed", func(r *tamperer) {
		r.exec(`DELETE FROM audit`)
		r.exec(`UPDATE audit_head SET number = 0, hash = '` + strings.Repeat("0", 64) + `'`)
	}, nil, []string{"cut 1"}},
}

// tamperer is an administrator who holds the database.
type tamperer struct {
	testing.TB
	db *sql.DB
}

func newTamperer(tb testing.TB, config schema.Config) *tamperer {
	tb.Helper()
	driver, address, drop := "postgres", config.URL, []string{`DROP TRIGGER audit_keeps_rows ON audit`}
	if config.URL == "" {
		driver, address = "sqlite", filepath.Join(config.Dir, schema.FileName)
		drop = []string{`DROP TRIGGER audit_keeps_rows`, `DROP TRIGGER audit_keeps_values`}
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	r := &tamperer{tb, db}
	for _, query := range drop {
		r.exec(query)
	}
	return r
}

func (r *tamperer) exec(query string) {
	r.Helper()
	if _, err := r.db.Exec(query); err != nil {
		r.Fatalf("%s: %v", query, err)
	}
}

// rewrite changes a line and makes every hash from it on again, as somebody would who knows how the chain is made.
func (r *tamperer) rewrite(from int) {
	r.exec(fmt.Sprintf(`UPDATE audit SET line = replace(line, 'person%02d', 'person99') WHERE number = %d`, from, from))
	var hash schema.AuditHash
	for number := 1; ; number++ {
		var line string
		err := r.db.QueryRow(fmt.Sprintf(`SELECT line FROM audit WHERE number = %d`, number)).Scan(&line)
		if err != nil {
			r.exec(fmt.Sprintf(`UPDATE audit_head SET hash = '%s'`, hash))
			return
		}
		hash = hash.Next([]byte(line))
		r.exec(fmt.Sprintf(`UPDATE audit SET hash = '%s' WHERE number = %d`, hash, number))
	}
}

func auditTampered(t *testing.T, fresh Opener) {
	for _, c := range tamperCases {
		t.Run(c.name, func(t *testing.T) {
			config := fresh(t)
			db := Reopen(t, config)
			for n := 1; n <= 12; n++ {
				must(db.AddAccount(t.Context(), schema.Account{Login: fmt.Sprintf("person%02d", n), Kind: access.Staff}))(t)
			}
			points := []schema.AuditPoint{auditPoint(t, db, 5), auditPoint(t, db, 10)}
			c.tamper(newTamperer(t, config))
			if found := auditFaults(t, db, nil); !slices.Equal(found, c.plain) {
				t.Errorf("without a checkpoint %q, want %q", found, c.plain)
			}
			if found := auditFaults(t, db, points); !slices.Equal(found, c.held) {
				t.Errorf("with checkpoints %q, want %q", found, c.held)
			}
		})
	}
}

// auditPoint takes the hash of a line as a checkpoint would.
func auditPoint(t *testing.T, db *schema.DB, number int64) schema.AuditPoint {
	t.Helper()
	p := schema.AuditPoint{Number: number, Source: fmt.Sprintf("the checkpoint of line %d", number)}
	must(0, db.AuditLines(t.Context(), number-1, 1, func(_ int64, _ []byte, hash string) error {
		p.Hash = hash
		return nil
	}))(t)
	if raw, err := hex.DecodeString(p.Hash); err != nil || len(raw) != 32 {
		t.Fatalf("line %d has hash %q", number, p.Hash)
	}
	return p
}

// auditFaults checks the log and returns what is found.
func auditFaults(t *testing.T, db *schema.DB, points []schema.AuditPoint) []string {
	t.Helper()
	checker := must(db.CheckAudit(t.Context(), 0, points, func(_, _ int64) {}))(t)
	var found []string
	for _, f := range checker.Findings {
		found = append(found, fmt.Sprintf("%s %d", f.Fault, f.Number))
		t.Log(f.Detail)
	}
	return found
}
