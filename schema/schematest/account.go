package schematest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
)

var signIn = time.Date(2026, 11, 25, 1, 2, 3, 456789000, time.UTC)

func accounts(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	if must(db.AnyAccount(t.Context()))(t) {
		t.Error("a new database has an account")
	}
	grants := []access.Grant{{Role: access.Reader, Region: "330402"}, {Role: access.Supervisor}}
	id := must(db.AddAccount(t.Context(), schema.Account{Login: " Zhang.Min", Kind: access.Staff, PasswordHash: "h", Grants: grants}))(t)
	firm := must(db.AddAccount(t.Context(), schema.Account{Login: "firm", Kind: access.Enterprise, Owns: []registry.USCC{Code(0)}}))(t)
	if !must(db.AnyAccount(t.Context()))(t) {
		t.Error("no account is seen")
	}
	if _, err := db.AddAccount(t.Context(), schema.Account{Login: "ZHANG.MIN", Kind: access.Staff}); !errors.Is(err, schema.ErrConflict) {
		t.Errorf("the same login: %v", err)
	}
	a := must(db.AccountOf(t.Context(), "zhang.MIN"))(t)
	if a.ID != id || a.Login != "zhang.min" || !slices.Equal(a.Grants, []access.Grant{grants[0], grants[1]}) || a.CreatedAt.IsZero() || !a.DisabledAt.IsZero() {
		t.Errorf("%+v", a)
	}
	if c := must(db.Account(t.Context(), firm))(t).Caller(); !c.ActsFor(Code(0)) || c.ActsFor(Code(1)) || c.Kind != access.Enterprise {
		t.Errorf("%+v", c)
	}
	for _, login := range []string{"nobody", "zhang\x00min", ""} {
		if _, err := db.AccountOf(t.Context(), login); !errors.Is(err, schema.ErrNotFound) {
			t.Errorf("%q: %v", login, err)
		}
	}
	must(0, db.SetRights(t.Context(), id, grants[:1], nil))(t)
	if got := must(db.Accounts(t.Context(), schema.AccountFilter{Kind: access.Staff}))(t); len(got) != 1 || len(got[0].Grants) != 1 {
		t.Errorf("%+v", got)
	}
	if got := must(db.Accounts(t.Context(), schema.AccountFilter{After: "firm", Limit: 9}))(t); len(got) != 1 || got[0].ID != id {
		t.Errorf("after firm: %+v", got)
	}
}

func signIns(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	id := must(db.AddAccount(t.Context(), schema.Account{Login: "li", Kind: access.Staff, PasswordHash: "h"}))(t)
	other := must(db.AddAccount(t.Context(), schema.Account{Login: "wu", Kind: access.Staff}))(t)
	must(0, db.NoteFailure(t.Context(), id, signIn))(t)
	must(0, db.NoteFailure(t.Context(), id, signIn.Add(time.Second)))(t)
	if a := must(db.Account(t.Context(), id))(t); a.Failures != 2 || !a.FailedAt.Equal(signIn.Add(time.Second)) {
		t.Errorf("%+v", a)
	}
	must(0, db.ForgiveFailures(t.Context(), id))(t)
	must(0, db.SetTOTP(t.Context(), id, "sealed"))(t)
	must(0, db.UseTOTP(t.Context(), id, 7))(t)
	for _, step := range []int64{7, 6} {
		if err := db.UseTOTP(t.Context(), id, step); !errors.Is(err, schema.ErrConflict) {
			t.Errorf("step %d again: %v", step, err)
		}
	}
	for _, hash := range []string{"one", "two"} {
		must(0, db.AddSession(t.Context(), schema.Session{Hash: hash, AccountID: id, Passed: hash == "two", CreatedAt: signIn, SeenAt: signIn, ExpiresAt: signIn.Add(time.Hour)}))(t)
	}
	must(0, db.SeeSession(t.Context(), "one", signIn.Add(time.Minute)))(t)
	all := must(db.SessionsOf(t.Context(), id))(t)
	if len(all) != 2 || all[0].Hash != "one" || !all[0].SeenAt.Equal(signIn.Add(time.Minute)) || all[0].Passed || !all[1].Passed {
		t.Errorf("%+v", all)
	}
	if err := db.EndSession(t.Context(), other, "one"); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("somebody else's session: %v", err)
	}
	must(0, db.EndSession(t.Context(), id, "one"))(t)
	must(0, db.SetPassword(t.Context(), id, "h2", signIn))(t)
	if _, err := db.Session(t.Context(), "two"); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("a session outlived its password: %v", err)
	}
	must(0, db.AddSession(t.Context(), schema.Session{Hash: "three", AccountID: id, SeenAt: signIn, ExpiresAt: signIn.Add(time.Hour)}))(t)
	must(0, db.PruneSessions(t.Context(), signIn, signIn))(t)
	must(db.Session(t.Context(), "three"))(t)
	must(0, db.DisableAccount(t.Context(), id, signIn))(t)
	if _, err := db.Session(t.Context(), "three"); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("a session outlived its account: %v", err)
	}
	if a := must(db.Account(t.Context(), id))(t); a.DisabledAt.IsZero() || a.PasswordHash != "h2" || a.TOTP != "sealed" || a.TOTPStep != 7 || a.Failures != 0 {
		t.Errorf("%+v", a)
	}
	must(0, db.LinkAccount(t.Context(), id, "https://id.example", "42"))(t)
	must(0, db.LinkAccount(t.Context(), id, "https://id.example", "42"))(t)
	if err := db.LinkAccount(t.Context(), other, "https://id.example", "42"); !errors.Is(err, schema.ErrConflict) {
		t.Errorf("a name of two accounts: %v", err)
	}
	if a := must(db.AccountElsewhere(t.Context(), "https://id.example", "42"))(t); a.ID != id {
		t.Errorf("%+v", a)
	}
	if err := db.ForgiveFailures(t.Context(), 999); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("nobody's failures: %v", err)
	}
}

func partners(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	bank := schema.Partner{Name: "bank", Purposes: []access.Purpose{access.PurposeFinance, access.PurposeProject}, Addresses: []string{"192.0.2.0/24"}}
	id := must(db.AddPartner(t.Context(), bank))(t)
	if _, err := db.AddPartner(t.Context(), bank); !errors.Is(err, schema.ErrConflict) {
		t.Errorf("the same name: %v", err)
	}
	got := must(db.Partner(t.Context(), id))(t)
	if got.Name != "bank" || !slices.Equal(got.Purposes, bank.Purposes) || len(got.Sources) != 0 || !slices.Equal(got.Addresses, bank.Addresses) {
		t.Errorf("%+v", got)
	}
	key := schema.PartnerKey{Prefix: "0123456789", PartnerID: id, Hash: "h", Scopes: []access.Scope{access.ScopeVerify}, ExpiresAt: signIn.Add(time.Hour)}
	must(0, db.AddPartnerKey(t.Context(), key))(t)
	if err := db.AddPartnerKey(t.Context(), key); !errors.Is(err, schema.ErrConflict) {
		t.Errorf("the same prefix: %v", err)
	}
	must(0, db.UsePartnerKey(t.Context(), key.Prefix, signIn))(t)
	next := schema.PartnerKey{Prefix: "abcdef0123", Hash: "h2", ExpiresAt: signIn.Add(3 * time.Hour)}
	must(0, db.RotatePartnerKey(t.Context(), key.Prefix, next, signIn.Add(2*time.Hour)))(t)
	if k := must(db.PartnerKey(t.Context(), key.Prefix))(t); !k.ExpiresAt.Equal(key.ExpiresAt) || !k.UsedAt.Equal(signIn) || !slices.Equal(k.Scopes, key.Scopes) {
		t.Errorf("an exchange lengthened a life: %+v", k)
	}
	if k := must(db.PartnerKey(t.Context(), next.Prefix))(t); k.PartnerID != id || !slices.Equal(k.Scopes, key.Scopes) || !k.ExpiresAt.Equal(next.ExpiresAt) {
		t.Errorf("the new key: %+v", k)
	}
	if err := db.RotatePartnerKey(t.Context(), key.Prefix, next, signIn); !errors.Is(err, schema.ErrConflict) {
		t.Errorf("a prefix that is taken: %v", err)
	}
	if k := must(db.PartnerKey(t.Context(), key.Prefix))(t); !k.ExpiresAt.Equal(key.ExpiresAt) {
		t.Errorf("half an exchange: %+v", k)
	}
	must(0, db.RevokePartnerKey(t.Context(), key.Prefix, signIn))(t)
	if err := db.RevokePartnerKey(t.Context(), key.Prefix, signIn); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("revoked twice: %v", err)
	}
	if err := db.RotatePartnerKey(t.Context(), key.Prefix, schema.PartnerKey{Prefix: "ffffffffff"}, signIn); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("a revoked key was exchanged: %v", err)
	}
	if all := must(db.PartnerKeys(t.Context(), id))(t); len(all) != 2 || all[0].RevokedAt.IsZero() == all[1].RevokedAt.IsZero() {
		t.Errorf("%+v", all)
	}
	if p := must(db.PartnerNamed(t.Context(), "bank"))(t); p.ID != id {
		t.Errorf("%+v", p)
	}
	if _, err := db.PartnerNamed(t.Context(), "nobody"); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("an unknown name: %v", err)
	}
	must(0, db.DisablePartner(t.Context(), id, signIn))(t)
	if all := must(db.Partners(t.Context()))(t); len(all) != 1 || !all[0].DisabledAt.Equal(signIn) {
		t.Errorf("%+v", all)
	}
	if _, err := db.PartnerKey(t.Context(), "ffffffffff"); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("an unknown prefix: %v", err)
	}
}
