package samplecity_test

import (
	"fmt"
	"testing"

	"healthcode/registry"
	"healthcode/samplecity"
	"healthcode/scoring"
)

// facts returns what scoring reads of an enterprise: the newest revision of each record, the row's own records included.
func facts(t testing.TB, e *registry.Enterprise, records []registry.Record) []scoring.Fact {
	t.Helper()
	newest := map[string]scoring.Fact{}
	for _, r := range append(e.Records(), records...) {
		key := r.Source + "\x00" + r.SourceRef
		r.Revision = int(newest[key].Revision) + 1
		newest[key] = scoring.FactOf(&r)
	}
	list := make([]scoring.Fact, 0, len(newest))
	for _, f := range newest {
		list = append(list, f)
	}
	return list
}

// risks maps each product's code to its risk level.
func risks(city *samplecity.City) map[string]registry.RiskLevel {
	levels := map[string]registry.RiskLevel{}
	for _, p := range city.Products() {
		levels[p.Code] = p.Risk
	}
	return levels
}

func who(e *registry.Enterprise, levels map[string]registry.RiskLevel) scoring.Enterprise {
	risk := registry.RiskGeneral
	for _, code := range e.ProductCodes {
		risk = max(risk, levels[code])
	}
	return scoring.Enterprise{USCC: e.USCC, RegisteredOn: e.RegisteredOn, Risk: risk}
}

// grades grades every enterprise of a city under the default model: tier and colour are the published ones.
func grades(t testing.TB, city *samplecity.City) map[registry.USCC]scoring.Grade {
	t.Helper()
	assessor, levels := scoring.NewAssessor(scoring.DefaultModel()), risks(city)
	var evidence scoring.Evidence
	all := make(map[registry.USCC]scoring.Grade, city.Len())
	for e, records := range city.All() {
		evidence.Set(who(e, levels), facts(t, e, records))
		all[e.USCC] = assessor.Grade(&evidence, city.Today())
	}
	return all
}

// TestGradesFallNearTheRealShares grades a city under the default model. Real lists had AA 5, A 38, B 50, C 6 % and green 14, blue 74,
// yellow 10, red 2 %; they had no NEW, which takes its few percent from the others.
func TestGradesFallNearTheRealShares(t *testing.T) {
	const enterprises = 5000
	bounds := []struct {
		grade     string
		low, high float64 // percent
	}{
		{"AA", 2.5, 6.5}, {"A", 34, 42}, {"B", 45, 54}, {"C", 4, 8}, {"NEW", 1.5, 4.5},
		{"green", 11, 17}, {"blue", 68, 76}, {"yellow", 8, 13}, {"red", 1.5, 5.5},
	}
	for _, seed := range []uint64{1, 7, 2026} {
		counts := map[string]int{}
		for _, a := range grades(t, samplecity.Generate(seed, enterprises, today)) {
			counts[a.Tier.String()]++
			counts[a.Colour.String()]++
		}
		for _, b := range bounds {
			t.Run(fmt.Sprintf("seed %d %s", seed, b.grade), func(t *testing.T) {
				share := 100 * float64(counts[b.grade]) / enterprises
				t.Logf("%.1f %%", share)
				if share < b.low || share > b.high {
					t.Errorf("%s: %.2f %%, want %.1f to %.1f", b.grade, share, b.low, b.high)
				}
			})
		}
	}
}
