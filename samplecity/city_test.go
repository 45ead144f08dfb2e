package samplecity_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"healthcode/registry"
	"healthcode/samplecity"
)

var update = flag.Bool("update", false, "write the golden files anew")

var today = registry.MustDay("2026-11-20")

// check reports whatever validation, the dates and the city's own promises say against an enterprise and its records.
func check(t interface {
	Helper()
	Errorf(string, ...any)
}, city *samplecity.City, e *registry.Enterprise, records []registry.Record) {
	t.Helper()
	if err := e.Validate(city.Today()).Err(); err != nil {
		t.Errorf("%s: %v", e.USCC, err)
	}
	if !e.USCC.Valid() || string(e.USCC[2:8]) != e.RegionCode[:6] || e.USCC[8:10] != "YY" {
		t.Errorf("%s in %s: want a valid code of its county that begins its body with YY", e.USCC, e.RegionCode)
	}
	for i := range records {
		r := &records[i]
		if err := r.Validate(city.Today()).Err(); err != nil {
			t.Errorf("%s %s %s: %v", e.USCC, r.Kind, r.SourceRef, err)
		}
		if r.USCC != e.USCC || r.OccurredOn <= e.RegisteredOn || r.OccurredOn >= city.Today() {
			t.Errorf("%s %s: of %s, on %s, registered %s", e.USCC, r.SourceRef, r.USCC, r.OccurredOn, e.RegisteredOn)
		}
		if r.KnownAt.Before(r.OccurredOn.Time()) || r.KnownAt.After(city.Today().Time()) {
			t.Errorf("%s %s: known at %s, happened on %s", e.USCC, r.SourceRef, r.KnownAt, r.OccurredOn)
		}
		if i > 0 && r.KnownAt.Before(records[i-1].KnownAt) {
			t.Errorf("%s %s: out of the order of knowledge", e.USCC, r.SourceRef)
		}
	}
}

func TestEveryRowIsValid(t *testing.T) {
	city := samplecity.Generate(1, 5000, today)
	codes, references := map[registry.USCC]bool{}, map[string]int{}
	for e, records := range city.All() {
		check(t, city, e, records)
		codes[e.USCC] = true
		for _, r := range records {
			references[r.Source+" "+r.SourceRef]++
		}
	}
	if len(codes) != city.Len() {
		t.Errorf("%d different codes for %d enterprises", len(codes), city.Len())
	}
	for reference, n := range references {
		if n > 2 {
			t.Errorf("%s stands %d times, want a record and at most one correction", reference, n)
		}
	}
}

func TestAnySeedAndDayGivesValidRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := registry.MustDay("2010-01-01") + registry.Day(rapid.IntRange(0, 20_000).Draw(t, "day"))
		city := samplecity.Generate(rapid.Uint64().Draw(t, "seed"), samplecity.MaxEnterprises, day)
		e, records := city.At(rapid.IntRange(0, samplecity.MaxEnterprises-1).Draw(t, "i"))
		check(t, city, e, records)
	})
}

func TestCodesDifferAcrossAHugeCity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		city := samplecity.Generate(rapid.Uint64().Draw(t, "seed"), samplecity.MaxEnterprises, today)
		i, j := rapid.IntRange(0, samplecity.MaxEnterprises-1).Draw(t, "i"), rapid.IntRange(0, samplecity.MaxEnterprises-1).Draw(t, "j")
		one, _ := city.At(i)
		other, _ := city.At(j)
		if (one.USCC[8:16] == other.USCC[8:16]) != (i == j) {
			t.Fatalf("enterprises %d and %d: %s and %s", i, j, one.USCC, other.USCC)
		}
	})
}

// digest hashes every byte of a city.
func digest(t *testing.T, city *samplecity.City) string {
	t.Helper()
	hash := sha256.New()
	encoder := json.NewEncoder(hash)
	encode(t, encoder, city.Regions())
	encode(t, encoder, city.Products())
	for e, records := range city.All() {
		encode(t, encoder, e)
		encode(t, encoder, records)
	}
	return hex.EncodeToString(hash.Sum(nil))
}

func encode(t *testing.T, encoder *json.Encoder, thing any) {
	t.Helper()
	if err := encoder.Encode(thing); err != nil {
		t.Fatal(err)
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	path := filepath.Join("testdata", "city-seed1-2000.sha256")
	got := digest(t, samplecity.Generate(1, 2000, today))
	if *update {
		if err := os.WriteFile(path, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != strings.TrimSpace(string(want)) {
		t.Errorf("the city of seed 1 changed: %s, want %s (when meant: go test ./samplecity -update)", got, want)
	}
	if again := digest(t, samplecity.Generate(1, 2000, today)); again != got {
		t.Errorf("a second city of the same seed differs: %s and %s", got, again)
	}
	if other := digest(t, samplecity.Generate(2, 2000, today)); other == got {
		t.Error("seed 2 makes the city of seed 1")
	}
}

func TestALargerCityBeginsWithTheSmaller(t *testing.T) {
	small, large := samplecity.Generate(9, 50, today), samplecity.Generate(9, 5_000_000, today)
	i := 0
	for e, records := range small.All() {
		e2, records2 := large.At(i)
		if !reflect.DeepEqual(e, e2) || !reflect.DeepEqual(records, records2) {
			t.Fatalf("enterprise %d depends on the size of the city", i)
		}
		i++
	}
	if i != small.Len() {
		t.Errorf("%d enterprises, want %d", i, small.Len())
	}
}

func TestTheStreamsAgreeAndStop(t *testing.T) {
	city := samplecity.Generate(3, 40, today)
	enterprises, records := 0, 0
	for range city.Enterprises() {
		enterprises++
	}
	for range city.Records() {
		records++
	}
	want := 0
	for _, list := range city.All() {
		want += len(list)
	}
	if enterprises != 40 || records != want {
		t.Errorf("%d enterprises and %d records, want 40 and %d", enterprises, records, want)
	}
	for range city.Records() {
		break
	}
	for range city.Enterprises() {
		break
	}
}

func TestSizesAtTheEnds(t *testing.T) {
	for _, c := range []struct {
		name          string
		asked, length int
		showcases     int
	}{{"none", 0, 0, 0}, {"below none", -5, 0, 0}, {"three", 3, 3, 3}, {"beyond the codes", 1 << 40, samplecity.MaxEnterprises, 9}} {
		t.Run(c.name, func(t *testing.T) {
			city := samplecity.Generate(1, c.asked, today)
			if city.Len() != c.length || len(city.Showcases()) != c.showcases {
				t.Errorf("%d enterprises, %d showcases, want %d and %d", city.Len(), len(city.Showcases()), c.length, c.showcases)
			}
		})
	}
}

func TestRegionsAndProducts(t *testing.T) {
	city := samplecity.Generate(1, 1, today)
	seen, levels := map[string]bool{"": true}, map[registry.RegionLevel]int{}
	for _, r := range city.Regions() {
		if err := r.Validate().Err(); err != nil || !seen[registry.ParentRegion(r.Code)] || seen[r.Code] {
			t.Errorf("%s %s: %v, or its parent does not come before it, or it comes twice", r.Code, r.Name, err)
		}
		seen[r.Code] = true
		levels[r.Level()]++
	}
	want := map[registry.RegionLevel]int{registry.LevelProvince: 1, registry.LevelCity: 1, registry.LevelCounty: 7, registry.LevelTownship: 72}
	if !reflect.DeepEqual(levels, want) {
		t.Errorf("levels %v, want %v", levels, want)
	}
	groups, codes := map[string]bool{}, map[string]bool{}
	for _, p := range city.Products() {
		if err := p.Validate(today).Err(); err != nil || codes[p.Code] {
			t.Errorf("%s: %v, or twice", p.Code, err)
		}
		groups[p.Group], codes[p.Code] = true, true
	}
	if len(groups) != 13 || len(codes) < 60 {
		t.Errorf("%d groups with %d products, want 13 with 60 or more", len(groups), len(codes))
	}
}

func TestLicenceHoldersMakeWhatNeedsALicence(t *testing.T) {
	city := samplecity.Generate(4, 3000, today)
	needed := map[string]bool{}
	for _, p := range city.Products() {
		needed[p.Code] = p.LicenceNeeded
	}
	for e := range city.Enterprises() {
		held := map[string]bool{}
		for _, l := range e.Licences {
			held[l.ProductCode] = true
		}
		for _, code := range e.ProductCodes {
			if held[code] != needed[code] {
				t.Errorf("%s makes %s: licence held %t, needed %t", e.USCC, code, held[code], needed[code])
			}
		}
	}
}

func BenchmarkEnterprise(b *testing.B) {
	city := samplecity.Generate(1, samplecity.MaxEnterprises, today)
	b.ReportAllocs()
	for i := range b.N {
		city.At(i)
	}
}
