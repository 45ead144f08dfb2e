package schematest

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"healthcode/access"
	"healthcode/schema"
)

// auditCases are about the log of changes.
var auditCases = []suiteCase{
	{"audit: a line a change, chained, by its actor", auditChain},
	{"audit: what fails leaves no line", auditFails},
	{"audit: writers at once make one chain", auditRaces},
}

// auditTexts returns the lines of the log, checking each hash.
func auditTexts(t *testing.T, db *schema.DB) []string {
	t.Helper()
	var lines []string
	var hash schema.AuditHash
	must(0, db.AuditLines(t.Context(), 0, 0, func(number int64, line []byte, stored string) error {
		hash = hash.Next(line)
		if number != int64(len(lines)+1) || hash.String() != stored {
			t.Errorf("line %d after %d lines: hash %s, want %s", number, len(lines), stored, hash)
		}
		lines = append(lines, string(line))
		return nil
	}))(t)
	if number, head, err := db.AuditHead(t.Context()); err != nil || number != int64(len(lines)) || head != hash {
		t.Errorf("the head is %d %s %v, want %d %s", number, head, err, len(lines), hash)
	}
	return lines
}

func auditChain(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	ctx := schema.WithActor(t.Context(), schema.Actor{Kind: "staff", ID: 7, Name: "zhang.min", RequestID: "r1"})
	must(db.AddAccount(ctx, schema.Account{Login: "li.na", Kind: access.Staff, PasswordHash: "$argon2id$x",
		Grants: []access.Grant{{Role: access.Reader, Region: "330402"}}}))(t)
	must(db.AddAccount(t.Context(), schema.Account{Login: "wang", Kind: access.Staff}))(t)
	lines := auditTexts(t, db)
	if len(lines) < 2 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, part := range []string{`"number":1`, `"actor":{"kind":"staff","id":7,"name":"zhang.min","request_id":"r1"}`, `"action":"account.added"`, `"li.na"`, `330402`} {
		if !strings.Contains(lines[0], part) {
			t.Errorf("%s lacks %s", lines[0], part)
		}
	}
	if strings.Contains(lines[0], "argon2") || !strings.Contains(lines[1], `"actor":{"kind":"system"}`) {
		t.Errorf("lines: %v", lines)
	}
}

func auditFails(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	must(db.AddAccount(t.Context(), schema.Account{Login: "li.na", Kind: access.Staff}))(t)
	if _, err := db.AddAccount(t.Context(), schema.Account{Login: "li.na", Kind: access.Staff}); !errors.Is(err, schema.ErrConflict) {
		t.Errorf("a login name twice: %v", err)
	}
	if lines := auditTexts(t, db); len(lines) != 1 {
		t.Errorf("%d lines, want one: %v", len(lines), lines)
	}
}

func auditRaces(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	const writers, each = 4, 8
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for n := range each {
				login := string(rune('a'+w)) + string(rune('a'+n))
				if _, err := db.AddAccount(t.Context(), schema.Account{Login: login, Kind: access.Staff}); err != nil {
					t.Errorf("add %s: %v", login, err)
				}
			}
		})
	}
	group.Wait()
	if lines := auditTexts(t, db); len(lines) != writers*each {
		t.Errorf("%d lines, want %d", len(lines), writers*each)
	}
}
