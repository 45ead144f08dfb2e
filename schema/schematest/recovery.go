package schematest

import (
	"errors"
	"testing"

	"healthcode/access"
	"healthcode/schema"
)

// recovery: each code once, of one account; new ones end the old.
func recovery(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	li := must(db.AddAccount(t.Context(), schema.Account{Login: "li", Kind: access.Staff}))(t)
	wu := must(db.AddAccount(t.Context(), schema.Account{Login: "wu", Kind: access.Staff}))(t)
	must(0, db.SetRecovery(t.Context(), li, []string{"a", "b"}))(t)
	must(0, db.SetRecovery(t.Context(), wu, []string{"a"}))(t)
	must(0, db.UseRecovery(t.Context(), li, "a"))(t)
	for name, err := range map[string]error{"the same again": db.UseRecovery(t.Context(), li, "a"), "another's": db.UseRecovery(t.Context(), wu, "b")} {
		if !errors.Is(err, schema.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left := must(db.CountRecovery(t.Context(), li))(t); left != 1 {
		t.Errorf("%d are left, want 1", left)
	}
	must(0, db.SetRecovery(t.Context(), li, nil))(t)
	if left := must(db.CountRecovery(t.Context(), li))(t); left != 0 {
		t.Errorf("%d are left, want none", left)
	}
	if left := must(db.CountRecovery(t.Context(), wu))(t); left != 1 {
		t.Errorf("another's: %d are left, want 1", left)
	}
}
