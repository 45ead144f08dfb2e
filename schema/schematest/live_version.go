package schematest

import (
	"context"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
)

// known waits until the version is told: PostgreSQL's connection that listens takes a moment.
func known(t *testing.T, db *schema.DB, differs func(uint64) bool) uint64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if version, ok := db.LiveVersion(ctx); ok && differs(version) {
			return version
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the version is not told")
		}
	}
}

func anyVersion(uint64) bool { return true }

// liveVersion: own writes show at once, another process's soon, and what only counts does not show at all.
func liveVersion(t *testing.T, fresh Opener) {
	config := fresh(t)
	db, other := Reopen(t, config), Reopen(t, config)
	seed(t, db, 2, 2)
	idx := must(db.ReserveIndex(t.Context(), Code(0), "1", "printed"))(t)
	now := time.Now().UTC().Truncate(time.Second)
	known(t, other, anyVersion)
	last := known(t, db, anyVersion)
	steps := []struct {
		name  string
		write func() error
	}{
		{"a code", func() error {
			return db.SaveCode(t.Context(), schema.Code{Index: idx, USCC: Code(0), KID: "1", Form: "printed", IssuedAt: now, ExpiresAt: now.Add(time.Hour),
				Tier: registry.TierA, Colour: registry.ColourBlue, Model: 1, JWT: "x"})
		}},
		{"its suspension", func() error {
			_, err := db.ChangeCode(t.Context(), idx, schema.StepSuspend, "li", "lost")
			return err
		}},
		{"an enterprise", func() error {
			_, err := db.PutEnterprises(t.Context(), Enterprises(2, 3), schema.PutOptions{})
			return err
		}},
	}
	for _, step := range steps {
		must(0, step.write())(t)
		version, ok := db.LiveVersion(t.Context())
		if !ok || version == last {
			t.Errorf("%s: the version stays %d, %v", step.name, version, ok)
		}
		last = version
	}
	before := known(t, other, anyVersion)
	must(db.ChangeCode(t.Context(), idx, schema.StepRevoke, "li", "lost"))(t)
	known(t, other, func(version uint64) bool { return version != before })
}

// liveQuiet: what no verifier is told leaves the version alone.
func liveQuiet(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	seed(t, db, 2, 2)
	bank := must(db.AddPartner(t.Context(), schema.Partner{Name: "bank"}))(t)
	last := known(t, db, anyVersion)
	must(0, db.AddLooks(t.Context(), []schema.Look{{USCC: Code(0), At: time.Now(), PartnerID: bank, Purpose: access.PurposeFinance, Means: schema.LookByCode, Looks: 1}}))(t)
	lease := must(db.TakeLease(t.Context(), "test", time.Minute))(t)
	must(0, db.RenewLease(t.Context(), lease))(t)
	must(db.Know(t.Context()))(t)
	if version, ok := db.LiveVersion(t.Context()); ok && version != last {
		t.Errorf("the version went from %d to %d", last, version)
	}
}
