package schematest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/schema"
)

// versionCases are those about edits that are based on what was read.
var versionCases = []suiteCase{
	{"versions: another after each edit, else the same", versions},
	{"versions: who reads, edits and tries again loses nothing of others", versionRaces},
}

// versions edits each noun that has a version, in every way.
func versions(t *testing.T, fresh Opener) {
	db, _, partner := hookWorld(t, fresh)
	ctx := t.Context()
	account := must(db.AddAccount(ctx, schema.Account{Login: "zhang.min", Kind: access.Staff, Grants: []access.Grant{{Role: access.Reader}}}))(t)
	idx := issue(t, db, 0)
	for _, c := range []struct {
		noun, key, name string
		edit            func(ctx context.Context) error
	}{
		{schema.VersionOfAccount, "Zhang.Min", "rights", func(ctx context.Context) error {
			return db.SetRights(ctx, account, []access.Grant{{Role: access.Reader, Region: "330402"}}, nil)
		}},
		{schema.VersionOfAccount, "zhang.min", "password", func(ctx context.Context) error { return db.SetPassword(ctx, account, "h2", signIn) }},
		{schema.VersionOfAccount, "zhang.min", "second factor", func(ctx context.Context) error { return db.SetTOTP(ctx, account, "sealed") }},
		{schema.VersionOfAccount, "zhang.min", "disabled", func(ctx context.Context) error { return db.DisableAccount(ctx, account, signIn) }},
		{schema.VersionOfPartner, strconv.FormatInt(partner, 10), "disabled", func(ctx context.Context) error { return db.DisablePartner(ctx, partner, signIn) }},
		{schema.VersionOfWebhook, "wh_1", "secret", func(ctx context.Context) error { return db.RotateWebhookSecret(ctx, "wh_1", "sealed", signIn) }},
		{schema.VersionOfWebhook, "wh_1", "place", func(ctx context.Context) error { return db.MoveWebhook(ctx, "wh_1", 1) }},
		{schema.VersionOfWebhook, "wh_1", "deleted", func(ctx context.Context) error { return db.DeleteWebhook(ctx, "wh_1") }},
		{schema.VersionOfCode, fmt.Sprint(idx), "status", func(ctx context.Context) error {
			_, err := db.ChangeCode(ctx, idx, schema.StepSuspend, "Li Hua", "a test")
			return err
		}},
	} {
		before := must(db.ContentVersion(ctx, c.noun, c.key))(t)
		if again := must(db.ContentVersion(ctx, c.noun, c.key))(t); again != before || len(before) != 32 {
			t.Errorf("%s, %s: %q, then %q", c.noun, c.name, before, again)
		}
		if err := c.edit(schema.IfVersion(ctx, c.noun, c.key, "another")); !errors.Is(err, schema.ErrChanged) {
			t.Errorf("%s, %s: based on another version: %v", c.noun, c.name, err)
		}
		if now := must(db.ContentVersion(ctx, c.noun, c.key))(t); now != before {
			t.Errorf("%s, %s: a refused edit changed something", c.noun, c.name)
		}
		must(0, c.edit(schema.IfVersion(ctx, c.noun, c.key, "another", before)))(t)
		if after, err := db.ContentVersion(ctx, c.noun, c.key); err == nil && after == before || err != nil && c.name != "deleted" {
			t.Errorf("%s, %s: after the edit: %q, %v", c.noun, c.name, after, err)
		}
		if err := c.edit(schema.IfVersion(ctx, c.noun, c.key, before)); !errors.Is(err, schema.ErrChanged) && !errors.Is(err, schema.ErrNotFound) {
			t.Errorf("%s, %s: a second time: %v", c.noun, c.name, err)
		}
	}
	for noun, key := range map[string]string{schema.VersionOfAccount: "nobody\x00", schema.VersionOfPartner: "x", schema.VersionOfWebhook: "wh_1", schema.VersionOfCode: "-1"} {
		if _, err := db.ContentVersion(ctx, noun, key); !errors.Is(err, schema.ErrNotFound) {
			t.Errorf("%s %q: %v", noun, key, err)
		}
	}
}

// versionRaces lets two processes add rights to one account at once, each to what it read. Other edits go on beside them.
func versionRaces(t *testing.T, fresh Opener) {
	config := fresh(t)
	handles := []*schema.DB{Reopen(t, config), Reopen(t, config)}
	id := must(handles[0].AddAccount(t.Context(), schema.Account{Login: "li", Kind: access.Staff, Grants: []access.Grant{{Role: access.Reader}}}))(t)
	const writers = 6
	var group sync.WaitGroup
	for n := range writers {
		db := handles[n%len(handles)]
		group.Go(func() {
			if err := addRight(t.Context(), db, id, access.Grant{Role: access.Supervisor, Region: strconv.Itoa(330400 + n)}); err != nil {
				t.Error(err)
			}
		})
		group.Go(func() {
			if err := db.SetPassword(t.Context(), id, "h", signIn.Add(time.Duration(n)*time.Second)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if a := must(handles[0].Account(t.Context(), id))(t); len(a.Grants) != writers+1 {
		t.Errorf("%d of %d rights are there: %v", len(a.Grants), writers+1, a.Grants)
	}
}

// addRight reads the rights of an account and writes them back with one more, until nobody came between.
func addRight(ctx context.Context, db *schema.DB, id int64, grant access.Grant) error {
	for {
		version, err := db.ContentVersion(ctx, schema.VersionOfAccount, "li")
		if err != nil {
			return err
		}
		a, err := db.Account(ctx, id)
		if err != nil {
			return err
		}
		err = db.SetRights(schema.IfVersion(ctx, schema.VersionOfAccount, "li", version), id, append(a.Grants, grant), nil)
		if !errors.Is(err, schema.ErrChanged) {
			return err
		}
	}
}
