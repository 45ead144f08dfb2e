package schematest

import (
	"fmt"
	"slices"
	"testing"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"
)

// populations: what is in memory is what Evidence reads, however it came there.
func populations(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	seed(t, db, 6, 3)
	p := must(db.ReadPopulation(ctx, Today(), nil))(t)
	checkPopulation(t, db, p, "first")
	if again := must(db.RenewPopulation(ctx, p))(t); again != p {
		t.Error("nothing arrived, yet it was read again")
	}

	changed := Enterprise(2)
	changed.Size, changed.RegionCode, changed.RegisteredOn = registry.SizeLarge, "330481", registry.MustDay("2019-01-01")
	must(db.PutEnterprises(ctx, []registry.Enterprise{changed, Enterprise(9)}, now))(t)
	corrected := Record(4, 1)
	corrected.Outcome, corrected.Severity, corrected.Detail = registry.OutcomeFail, registry.SeverityMajor, &registry.SpotCheck{}
	must(db.PutRecords(ctx, []registry.Record{corrected, Record(9, 0), Record(0, 7)}, now))(t)
	renewed := must(db.RenewPopulation(ctx, p))(t)
	checkPopulation(t, db, renewed, "renewed")
	if renewed.Columns.Len() != 7 || p.Columns.Len() != 6 {
		t.Errorf("%d enterprises, %d before", renewed.Columns.Len(), p.Columns.Len())
	}

	must(db.PutProducts(ctx, []registry.Product{{Code: "wire", Group: "g", Name: "电线", Risk: registry.RiskHigh, Standards: []string{"GB 1"}}}, now))(t)
	risky := must(db.RenewPopulation(ctx, renewed))(t)
	checkPopulation(t, db, risky, "after a product's risk")
	if risky.Columns.Risk(0) != registry.RiskHigh {
		t.Errorf("risk %s", risky.Columns.Risk(0))
	}

	must(db.PutEnterprises(ctx, Enterprises(20, 140), now))(t)
	checkPopulation(t, db, must(db.RenewPopulation(ctx, risky))(t), "after many")
}

func checkPopulation(t *testing.T, db *schema.DB, p *schema.Population, when string) {
	t.Helper()
	a, reader, i := scoring.NewAssessor(scoring.DefaultModel()), p.Columns.Reader(), 0
	err := db.Evidence(t.Context(), schema.KeyRange{}, p.AsOf, p.KnownAt, func(e *scoring.Evidence) error {
		if i >= p.Columns.Len() {
			return fmt.Errorf("%s is missing", e.USCC)
		}
		got := reader.Read(i)
		if got.Enterprise != e.Enterprise || a.Assess(got, p.AsOf) != a.Assess(e, p.AsOf) {
			t.Errorf("%s: %+v, want %+v", when, got.Enterprise, e.Enterprise)
		}
		described := must(db.Enterprise(t.Context(), e.USCC))(t)
		groups := []string{described.RegionCode[:6], described.IndustryCode[:3], string(described.Size)}
		for j, attribute := range p.Attributes {
			if value := attribute.Values[attribute.Codes[i]]; value != groups[j] || !slices.IsSorted(attribute.Values) {
				t.Errorf("%s: %s of %s is %q, want %q", when, attribute.Name, e.USCC, value, groups[j])
			}
		}
		i++
		return nil
	})
	if err != nil || i != p.Columns.Len() {
		t.Errorf("%s: %d of %d enterprises: %v", when, i, p.Columns.Len(), err)
	}
}
