package schematest

import (
	"errors"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
)

// sights checks every reader that is bounded: it shows all of what lies within and nothing of what lies outside. Enterprises 1 and 2 are in
// one county, 3 in a township of it, 4 in a neighbour.
func sights(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	firms := Enterprises(1, 5)
	for i, place := range []string{"330402", "330402", "330402001", "330411"} {
		firms[i].RegionCode = place
	}
	must(db.PutEnterprises(ctx, firms, schema.PutOptions{}))(t)
	Ship(t, db)
	grade(t, db, schema.KindRecompute, Today(), false)
	indexes := map[int]uint32{}
	for n := 1; n <= 4; n++ {
		indexes[n] = issueUntil(t, db, n, time.Now().Add(time.Hour))
		noon := schema.HourOf(time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)) // in Shanghai
		one := schema.Scans{USCC: Code(n), Index: indexes[n], Hour: noon, Area: "a", Count: 1}
		other := one
		other.Area = "b"
		must(db.AddScans(ctx, []schema.Scans{one, other}, 1))(t)
	}
	comment(t, db, 1, 4)
	for name, c := range map[string]struct {
		sight access.Sight
		want  []int
	}{
		"everything":               {access.Everything(), []int{1, 2, 3, 4}},
		"nothing":                  {access.Sight{}, nil},
		"the county":               {access.Sight{Regions: access.RegionsOf("330402")}, []int{1, 2, 3}},
		"a township":               {access.Sight{Regions: access.RegionsOf("330402001")}, []int{3}},
		"the neighbour":            {access.Sight{Regions: access.RegionsOf("330411")}, []int{4}},
		"both counties":            {access.Sight{Regions: access.RegionsOf("330411", "330402")}, []int{1, 2, 3, 4}},
		"the city":                 {access.Sight{Regions: access.RegionsOf("330400")}, []int{1, 2, 3, 4}},
		"another city":             {access.Sight{Regions: access.RegionsOf("330500")}, nil},
		"one's own":                {access.Sight{Owns: []registry.USCC{Code(2)}}, []int{2}},
		"one that nobody has":      {access.Sight{Owns: []registry.USCC{Code(9)}}, nil},
		"a township and one's own": {access.Sight{Regions: access.RegionsOf("330402001"), Owns: []registry.USCC{Code(1)}}, []int{1, 3}},
	} {
		t.Run(name, func(t *testing.T) { checkSight(t, db, c.sight, indexes, c.want) })
	}
}

// comment lets enterprises comment on a version that is open for preview.
func comment(t *testing.T, db *schema.DB, numbers ...int) {
	t.Helper()
	Bring(t, db, 2, schema.ModelDraft)
	step := propose()
	step.EffectiveOn, step.PreviewUntil = Today()+10, Today()+5
	must(db.StepModel(t.Context(), "m", 2, step))(t)
	for _, n := range numbers {
		must(0, db.AddModelComment(t.Context(), "m", 2, schema.ModelComment{USCC: Code(n), Text: "x"}, Today()))(t)
	}
}

func checkSight(t *testing.T, db *schema.DB, sight access.Sight, indexes map[int]uint32, want []int) {
	ctx, within := t.Context(), map[registry.USCC]bool{}
	for _, n := range want {
		within[Code(n)] = true
	}
	same := func(what string, want int, found ...registry.USCC) {
		t.Helper()
		for _, code := range found {
			if !within[code] {
				t.Errorf("%s: %s is outside", what, code)
			}
		}
		if len(found) != want {
			t.Errorf("%s: %d are shown, want %d", what, len(found), want)
		}
	}
	var found []registry.USCC
	for _, item := range must(db.EnterprisePage(ctx, sight, schema.EnterpriseFilter{}))(t).Items {
		found = append(found, item.Enterprise.USCC)
	}
	same("enterprises", len(want), found...)
	if n := must(db.CountEnterprisesOf(ctx, sight, schema.EnterpriseFilter{}))(t); n != len(want) {
		t.Errorf("%d enterprises are counted", n)
	}
	if d := must(db.CountAssessments(ctx, sight))(t); d.Total != len(want) {
		t.Errorf("%d grades are counted", d.Total)
	}
	if city := must(db.CountColours(ctx, sight))(t).Counts["330400"]; city.Total() != int64(len(want)) {
		t.Errorf("%d colours are counted", city.Total())
	}
	found = nil
	for _, code := range must(db.CodePage(ctx, sight, schema.CodeFilter{}))(t).Items {
		found = append(found, code.USCC)
	}
	same("codes", len(want), found...)
	found = nil
	for _, signal := range must(db.Signals(ctx, sight, time.Unix(0, 0), 9))(t) {
		found = append(found, signal.USCC)
	}
	same("signals", len(want), found...)
	found = nil
	for _, one := range must(db.ModelComments(ctx, sight, "m", 2))(t) {
		found = append(found, one.USCC)
	}
	comments := 0
	for _, n := range []int{1, 4} {
		if within[Code(n)] {
			comments++
		}
	}
	same("comments", comments, found...)
	for n, idx := range indexes {
		if _, err := db.EnterpriseSeen(ctx, sight, Code(n)); within[Code(n)] != (err == nil) || err != nil && !errors.Is(err, schema.ErrNotFound) {
			t.Errorf("enterprise %d: %v", n, err)
		}
		if _, err := db.CodeSeen(ctx, sight, idx); within[Code(n)] != (err == nil) || err != nil && !errors.Is(err, schema.ErrNotFound) {
			t.Errorf("the code of enterprise %d: %v", n, err)
		}
	}
	if _, err := db.EnterpriseSeen(ctx, sight, "x\x00"); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("no text: %v", err)
	}
}
