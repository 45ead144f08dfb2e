package schematest

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"
)

func enterprisesDated(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	must(db.PutProducts(ctx, []registry.Product{{Code: "wire", Group: "g", Name: "电线", Risk: registry.RiskHigh}, {Code: "toy", Group: "g", Name: "玩具"}}, now))(t)
	before := must(db.Know(ctx))(t)
	first := Enterprise(0)
	must(db.PutEnterprises(ctx, []registry.Enterprise{first}, now))(t)
	known := must(db.Know(ctx))(t)
	moved := first
	moved.ProductCodes, moved.Since = []string{"toy"}, registry.MustDay("2026-01-01")
	wantResult(t, "other products", must(db.PutEnterprises(ctx, []registry.Enterprise{moved}, now))(t)[0], schema.Changed, 2)
	after := must(db.Know(ctx))(t)
	for _, c := range []struct {
		name    string
		asOf    string
		knownAt time.Time
		want    registry.RiskLevel
	}{
		{"before the change was known", "2026-02-01", known, registry.RiskHigh},
		{"before the change held", "2025-12-31", after, registry.RiskHigh},
		{"when the change held and was known", "2026-01-01", after, registry.RiskGeneral},
	} {
		if e := must(db.EvidenceOf(ctx, Code(0), registry.MustDay(c.asOf), c.knownAt))(t); e.Risk != c.want {
			t.Errorf("%s: risk %s, want %s", c.name, e.Risk, c.want)
		}
	}
	if _, err := db.EvidenceOf(ctx, Code(0), Today(), before); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("before the enterprise was known: %v, want ErrNotFound", err)
	}
	if revisions := must(db.EnterpriseRevisions(ctx, Code(0)))(t); len(revisions) != 2 || revisions[1].Revision != 2 {
		t.Errorf("revisions %+v, want two", revisions)
	}
}

func enterprisesRecords(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	e := Enterprise(0)
	e.Licences = []registry.Permit{{Number: "XK1", ProductCode: "wire", ValidFrom: registry.MustDay("2024-01-01"), ValidUntil: registry.MustDay("2029-01-01")}}
	e.CapabilityItems = []registry.CapabilityItem{{Item: registry.ItemQMS, Held: true, Since: registry.MustDay("2024-02-01")}}
	must(db.PutEnterprises(ctx, []registry.Enterprise{e}, now))(t)
	if n := len(must(db.RecordsOf(ctx, Code(0)))(t)); n != 2 {
		t.Errorf("%d records, want licence and capability", n)
	}
	e.Licences[0].ValidUntil = registry.MustDay("2030-01-01")
	must(db.PutEnterprises(ctx, []registry.Enterprise{e}, now))(t)
	stored := must(db.RecordsOf(ctx, Code(0)))(t)
	if len(stored) != 3 || !slices.ContainsFunc(stored, func(r registry.Record) bool { return r.Kind == registry.KindLicence && r.Revision == 2 }) {
		t.Errorf("after the licence was prolonged: %+v, want its second revision", stored)
	}
	got := must(db.Enterprise(ctx, Code(0)))(t)
	if got.Licences[0].ValidUntil != e.Licences[0].ValidUntil {
		t.Errorf("licence valid until %s, want %s", got.Licences[0].ValidUntil, e.Licences[0].ValidUntil)
	}
}

func productsRisk(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	seed(t, db, 3, 1)
	other := Enterprise(3)
	other.ProductCodes = []string{"wireless"} // begins like the product that changes
	must(db.PutEnterprises(ctx, []registry.Enterprise{other}, now))(t)
	grade(t, db, schema.KindRecompute, Today(), false)
	p := registry.Product{Code: "wire", Group: "g", Name: "电线", Risk: registry.RiskHigher, Standards: []string{"GB 1"}}
	wantResult(t, "new", must(db.PutProducts(ctx, []registry.Product{p}, now))(t)[0], schema.Added, 1)
	wantResult(t, "again", must(db.PutProducts(ctx, []registry.Product{p}, now))(t)[0], schema.Unchanged, 1)
	if run := grade(t, db, schema.KindRecomputeChanged, Today(), true); run.Assessed != 3 {
		t.Errorf("%d assessed after the risk changed, want the 3 that make it", run.Assessed)
	}
	if got := must(db.Product(ctx, "wire"))(t); got.Risk != registry.RiskHigher || got.Standards[0] != "GB 1" {
		t.Errorf("product %+v", got)
	}
}

func regions(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	all := []registry.Region{{Code: "330400", Name: "嘉兴市"}, {Code: "330402", Name: "南湖区"}}
	for _, want := range []schema.PutOutcome{schema.Added, schema.Unchanged} {
		if got := outcomes(must(db.PutRegions(ctx, all))(t)); got[want] != 2 {
			t.Errorf("%v, want 2 %s", got, want)
		}
	}
	all[1].Name = "南湖"
	if got := must(db.PutRegions(ctx, all))(t); got[1].Outcome != schema.Changed {
		t.Errorf("renamed: %s, want changed", got[1].Outcome)
	}
	if r := must(db.Region(ctx, "330402"))(t); r.Name != "南湖" {
		t.Errorf("name %s, want the new one", r.Name)
	}
	var codes []string
	for r, err := range db.Regions(ctx) {
		codes = append(codes, must(r, err)(t).Code)
	}
	if !slices.Equal(codes, []string{"330400", "330402"}) {
		t.Errorf("regions %v", codes)
	}
}

// Counts of a region are those of everything below it, and only graded enterprises count.
func regionColours(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	if empty := must(db.CountColours(ctx, access.Everything()))(t); len(empty.Counts) != 0 || empty.AsOf != 0 || !empty.KnownAt.IsZero() {
		t.Errorf("an empty register has %+v", empty)
	}
	places := []string{"330402", "330402001", "330402001003", "330411002", "330402002"}
	firms := Enterprises(0, len(places))
	for i := range firms {
		firms[i].RegionCode = places[i]
	}
	must(db.PutEnterprises(ctx, firms[:4], schema.PutOptions{}))(t)
	grade(t, db, schema.KindRecompute, Today(), false)
	must(db.PutEnterprises(ctx, firms[4:], schema.PutOptions{}))(t) // not graded
	colours := must(db.CountColours(ctx, access.Everything()))(t)
	got := map[string]int64{}
	for code, counts := range colours.Counts {
		got[code] = counts.Total()
	}
	want := map[string]int64{"330000": 4, "330400": 4, "330402": 3, "330402001": 2, "330411": 1, "330411002": 1}
	if !maps.Equal(got, want) || colours.AsOf != Today() || colours.KnownAt.IsZero() {
		t.Errorf("got %v as of %s, want %v", got, colours.AsOf, want)
	}
}

// The catalogue of a day and a moment is that of the newest revision that was known and in force.
func productsDated(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	p := registry.Product{Code: "wire", Group: "g", Name: "电线", Users: registry.UsersProfessional}
	toy := registry.Product{Code: "toy", Group: "g", Name: "玩具", Users: registry.UsersChildren, Since: registry.MustDay("2026-01-01")}
	must(db.PutProducts(ctx, []registry.Product{p, toy}, schema.PutOptions{}))(t)
	first := must(db.Know(ctx))(t)
	p.Attention, p.RiskReason, p.Risk = registry.AttentionHigh, "起火事故多", registry.RiskHigh
	must(db.PutProducts(ctx, []registry.Product{p}, schema.PutOptions{}))(t)
	second := must(db.Know(ctx))(t)
	for name, c := range map[string]struct {
		day     string
		knownAt time.Time
		codes   []string
		risk    registry.RiskLevel
	}{
		"before the toy":      {"2025-12-31", second, []string{"wire"}, registry.RiskHigh},
		"before the revision": {"2026-02-01", first, []string{"toy", "wire"}, registry.RiskGeneral},
		"after it":            {"2026-02-01", second, []string{"toy", "wire"}, registry.RiskHigh},
	} {
		catalogue := must(db.ProductsAt(ctx, registry.MustDay(c.day), c.knownAt))(t)
		var codes []string
		for _, product := range catalogue {
			codes = append(codes, product.Code)
		}
		if !slices.Equal(codes, c.codes) || catalogue[len(catalogue)-1].Risk != c.risk {
			t.Errorf("%s: %+v", name, catalogue)
		}
	}
	if got := must(db.ProductsAt(ctx, Today(), second))(t); !reflect.DeepEqual(got[1], p) {
		t.Errorf("got %+v, want %+v", got[1], p)
	}
}

// One pass brings every enterprise's facts about products once, in the order of their codes, as of a day, knowing a moment.
func productFacts(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	first := seed(t, db, 3, 4) // on 2025-01-01 and the three days after it
	none, corrected := Record(1, 0), Record(2, 1)
	none.SourceRef, none.ProductCode = "1-none", ""
	corrected.ProductCode = "toy"
	must(db.PutRecords(ctx, []registry.Record{none, corrected}, schema.PutOptions{}))(t)
	second := must(db.Know(ctx))(t)
	for name, c := range map[string]struct {
		day     string
		knownAt time.Time
		want    []string
	}{
		"before anything":       {"2024-12-31", second, nil},
		"two days":              {"2025-01-02", first, []string{"0 wire wire", "1 wire wire", "2 wire wire"}},
		"corrected":             {"2025-01-02", second, []string{"0 wire wire", "1 wire wire", "2 wire toy"}},
		"all, before corrected": {"2026-01-01", first, []string{"0 wire wire wire wire", "1 wire wire wire wire", "2 wire wire wire wire"}},
	} {
		var got []string
		err := db.ProductFacts(ctx, registry.MustDay(c.day), c.knownAt, func(code registry.USCC, facts []scoring.Fact) error {
			line := strings.TrimLeft(string(code[10:17]), "0")
			if line == "" {
				line = "0"
			}
			for i := range facts {
				line += " " + facts[i].ProductCode
			}
			got = append(got, line)
			return nil
		})
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %q, want %q", name, err, got, c.want)
		}
	}
	stop := errors.New("enough")
	if err := db.ProductFacts(ctx, Today(), second, func(registry.USCC, []scoring.Fact) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("stopped with %v", err)
	}
}
