package schematest

import (
	"errors"
	"testing"

	"healthcode/registry"
	"healthcode/schema"
)

// Exercise runs every case of the suite on one engine.
func Exercise(t *testing.T, fresh Opener) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Opener)
	}{
		{"records: sending a batch twice changes nothing", recordsTwice},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, fresh)
		})
	}
}

func recordsTwice(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	for _, want := range []schema.PutOutcome{schema.Added, schema.Unchanged} {
		results := must(db.PutEnterprises(ctx, Enterprises(0, 50), schema.PutOptions{}))(t)
		if got := outcomes(results)[want]; got != 50 {
			t.Errorf("enterprises: %d %s, want 50", got, want)
		}
		results = must(db.PutRecords(ctx, Records(0, 50, 4), schema.PutOptions{}))(t)
		if got := outcomes(results)[want]; got != 200 {
			t.Errorf("records: %d %s, want 200", got, want)
		}
	}
	e := must(db.EvidenceOf(ctx, Code(7), Today(), must(db.Know(ctx))(t)))(t)
	if len(e.Facts()) != 4 {
		t.Errorf("evidence of %d facts, want 4", len(e.Facts()))
	}
	if _, err := db.Enterprise(ctx, registry.USCC("91330402MA00000000")); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("unknown enterprise: %v, want ErrNotFound", err)
	}
}
