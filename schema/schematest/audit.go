package schematest

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/schema"
)

// auditCases are about the log of changes.
var auditCases = []suiteCase{
	{"audit: a line a change, chained, by its actor", auditChain},
	{"audit: what fails leaves no line", auditFails},
	{"audit: who and what, and no secret", auditEntries},
	{"audit: found by noun, actor, enterprise and day", auditReads},
	{"audit: what is done to the log is found", auditTampered},
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

// secretText stands in everything that the log must not show.
const secretText = "SECRET-7f3a"

// auditEntries makes every kind of change of people and partners, with secrets that are easily told, and looks at the lines.
func auditEntries(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	ctx, at := t.Context(), signIn
	seed(t, db, 1, 1)
	id := must(db.AddAccount(ctx, schema.Account{Login: "li.na", Kind: access.Staff, PasswordHash: secretText}))(t)
	must(0, db.SetRights(ctx, id, []access.Grant{{Role: access.Auditor}}, nil))(t)
	must(0, db.NoteFailure(ctx, id, at))(t)
	must(0, db.ForgiveFailures(ctx, id))(t)
	must(0, db.ForgiveFailures(ctx, id))(t) // nothing is left: no line
	must(0, db.SetTOTP(ctx, id, secretText))(t)
	must(0, db.AddSession(ctx, schema.Session{Hash: "0123456789ab" + secretText, AccountID: id, Passed: true, ExpiresAt: at}))(t)
	must(0, db.EndSession(ctx, id, "0123456789ab"+secretText))(t)
	must(0, db.AddSession(ctx, schema.Session{Hash: "0123456789ab" + secretText, AccountID: id, ExpiresAt: at}))(t)
	must(0, db.SetPassword(ctx, id, secretText, at))(t)
	must(0, db.LinkAccount(ctx, id, "https://login.example", secretText))(t)
	must(0, db.LinkAccount(ctx, id, "https://login.example", secretText))(t) // it is linked: no line
	must(0, db.DisableAccount(ctx, id, at))(t)
	partner := must(db.AddPartner(ctx, schema.Partner{Name: "bank", Purposes: []access.Purpose{access.PurposeFinance}}))(t)
	must(0, db.AddPartnerKey(ctx, schema.PartnerKey{Prefix: "k1", PartnerID: partner, Hash: secretText, ExpiresAt: at}))(t)
	must(0, db.RotatePartnerKey(ctx, "k1", schema.PartnerKey{Prefix: "k2", Hash: secretText, ExpiresAt: at}, at))(t)
	must(0, db.RevokePartnerKey(ctx, "k2", at))(t)
	must(0, db.AddWebhook(ctx, schema.Webhook{ID: "wh_1", PartnerID: partner, URL: "https://bank.example/" + secretText}, secretText))(t)
	must(0, db.RotateWebhookSecret(ctx, "wh_1", secretText, at))(t)
	must(0, db.EnableWebhook(ctx, "wh_1"))(t)
	must(0, db.DeleteWebhook(ctx, "wh_1"))(t)
	ticket := schema.Ticket{USCC: Code(0), Hash: "0123456789ab" + secretText, Purpose: access.PurposeFinance, CreatedAt: at, ExpiresAt: at.Add(time.Hour)}
	must(0, db.AddTicket(ctx, ticket))(t)
	must(0, db.UseTicket(ctx, &ticket, partner, at))(t)
	must(0, db.DisablePartner(ctx, partner, at))(t)
	var got []string
	for _, line := range auditTexts(t, db) {
		if strings.Contains(line, secretText) {
			t.Errorf("%s shows a secret", line)
		}
		action, _, _ := strings.Cut(line[strings.Index(line, `"action":"`)+len(`"action":"`):], `"`)
		got = append(got, action)
	}
	want := strings.Fields(`enterprise.put record.put account.added account.rights_set account.sign_in_failed account.failures_forgiven
		account.second_factor_set session.begun session.ended session.begun account.password_set account.linked account.disabled partner.added partner_key.added
		partner_key.ends partner_key.added partner_key.revoked webhook.added webhook.secret_exchanged webhook.enabled webhook.deleted ticket.added ticket.used
		partner.disabled`)
	if !slices.Equal(got, want) {
		t.Errorf("actions %q\nwant    %q", got, want)
	}
}

// auditReads looks for lines by each filter.
func auditReads(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	seed(t, db, 1, 1)
	ctx := schema.WithActor(t.Context(), schema.Actor{Kind: "staff", ID: 7, Name: "zhang.min"})
	id := must(db.AddAccount(ctx, schema.Account{Login: "li.na", Kind: access.Staff}))(t)
	must(0, db.NoteFailure(t.Context(), id, signIn))(t)
	all := must(db.AuditLog(ctx, schema.AuditFilter{}))(t)
	last := all[0].Number
	for _, c := range []struct {
		name   string
		filter schema.AuditFilter
		want   []string
	}{
		{"everything, newest first", schema.AuditFilter{Limit: 2}, []string{"account.sign_in_failed", "account.added"}},
		{"the next page", schema.AuditFilter{Limit: 1, Before: last}, []string{"account.added"}},
		{"a noun", schema.AuditFilter{Noun: "record"}, []string{"record.put"}},
		{"one of them", schema.AuditFilter{Noun: "account", ID: all[0].ID}, []string{"account.sign_in_failed", "account.added"}},
		{"no such one", schema.AuditFilter{Noun: "account", ID: "x"}, nil},
		{"an action", schema.AuditFilter{Action: "account.added"}, []string{"account.added"}},
		{"an actor", schema.AuditFilter{Actor: "zhang.min"}, []string{"account.added"}},
		{"a kind of actor", schema.AuditFilter{Kind: "staff"}, []string{"account.added"}},
		{"an enterprise", schema.AuditFilter{USCC: Code(0)}, []string{"record.put", "enterprise.put"}},
		{"another enterprise", schema.AuditFilter{USCC: Code(1)}, nil},
		{"from now on", schema.AuditFilter{From: all[0].At.Add(time.Second)}, nil},
		{"from then on", schema.AuditFilter{From: all[0].At.Add(-time.Hour), Limit: 1}, []string{"account.sign_in_failed"}},
		{"until then", schema.AuditFilter{Until: all[len(all)-1].At}, nil},
		{"until now", schema.AuditFilter{Until: all[0].At.Add(time.Second), Limit: 1}, []string{"account.sign_in_failed"}},
		{"what no database keeps", schema.AuditFilter{Actor: "a\x00b"}, nil},
	} {
		var got []string
		for _, e := range must(db.AuditLog(ctx, c.filter))(t) {
			got = append(got, e.Action)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
