package schematest

import (
	"errors"
	"testing"
	"time"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/supervision"
)

// live checks that one query says what the readers of its parts say.
func live(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	seed(t, db, 3, 4)
	gradeSome(t, db)
	idx := must(db.ReserveIndex(t.Context(), Code(0), "1", "printed"))(t)
	now := time.Now().UTC().Truncate(time.Second)
	must(0, db.SaveCode(t.Context(), schema.Code{Index: idx, USCC: Code(0), KID: "1", Form: "printed", IssuedAt: now, ExpiresAt: now.Add(time.Hour),
		Tier: registry.TierA, Colour: registry.ColourBlue, Model: 1, JWT: "x"}))(t)
	got := must(db.Live(t.Context(), Code(0), idx))(t)
	want := must(db.CodeOf(t.Context(), Code(0), idx))(t)
	want.JWT, want.CreatedAt = "", time.Time{}
	if got.Code == nil || *got.Code != *want || got.Name != Enterprise(0).Name || got.RegionCode != Enterprise(0).RegionCode || !got.SignalAt.IsZero() {
		t.Errorf("%+v, want %+v", got, want)
	}
	a := must(db.Assessment(t.Context(), Code(0)))(t)
	grade := schema.LiveGrade{AsOf: a.AsOf, KnownAt: a.KnownAt, Model: a.Model, Index: a.Index, Tier: a.Tier, Colour: a.Colour, Evidence: a.Evidence, ChangedOn: a.ChangedOn}
	if got.Grade == nil || *got.Grade != grade {
		t.Errorf("%+v, want %+v", got.Grade, grade)
	}
	for n := range 3 {
		l := must(db.Live(t.Context(), Code(n), idx+1))(t)
		a, err := db.Assessment(t.Context(), Code(n))
		if l.Code != nil || (l.Grade == nil) != errors.Is(err, schema.ErrNotFound) || l.Grade != nil && l.Grade.Index != a.Index {
			t.Errorf("enterprise %d: %+v", n, l)
		}
	}
	f := schema.RecourseFiling{USCC: Code(1), Kind: supervision.Reply, Text: "we <b>disagree</b>", By: "own", On: Today(), Days: supervision.China()}
	must(db.FileRecourse(t.Context(), f))(t)
	if l := must(db.Live(t.Context(), Code(1), idx))(t); l.Reply == nil || *l.Reply != (schema.LiveReply{Text: f.Text, On: f.On}) || got.Reply != nil {
		t.Errorf("what it says: %+v", l.Reply)
	}
	if l := must(db.Live(t.Context(), Code(1), idx))(t); l.Code != nil {
		t.Errorf("a code of another enterprise: %+v", l.Code)
	}
	if _, err := db.Live(t.Context(), Code(7), idx); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("an unknown enterprise: %v", err)
	}
	var scans []schema.Scans
	for area := range 3 {
		scans = append(scans, schema.Scans{USCC: Code(0), Index: idx, Hour: schema.HourOf(now), Area: string(rune('a' + area)), Count: 1})
	}
	signals := must(db.AddScans(t.Context(), scans, 2))(t)
	if len(signals) != 1 {
		t.Fatalf("%d signals", len(signals))
	}
	if l := must(db.Live(t.Context(), Code(0), idx))(t); !l.SignalAt.Equal(signals[0].At) {
		t.Errorf("a signal at %s, want %s", l.SignalAt, signals[0].At)
	}
}
