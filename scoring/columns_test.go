package scoring_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"healthcode/registry"
	"healthcode/scoring"

	"pgregory.net/rapid"
)

// codeOf returns the valid code of enterprise n; the codes ascend with n.
func codeOf(n int) registry.USCC {
	first := fmt.Sprintf("91330402%09d", n)
	return registry.USCC(first + string(registry.USCCCheckCharacter(first)))
}

// changedModel returns the default model with a change, as a regulator would make it: through its JSON.
func changedModel(t testing.TB, change func(m *scoring.Model)) *scoring.Model {
	t.Helper()
	var m scoring.Model
	if err := json.Unmarshal(scoring.DefaultModel().JSON(), &m); err != nil {
		t.Fatal(err)
	}
	change(&m)
	text, err := json.Marshal(&m)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := scoring.ParseModel(text)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func modelsToCompare(t testing.TB) map[string]*scoring.Model {
	return map[string]*scoring.Model{
		"default": scoring.DefaultModel(),
		"weights": changedModel(t, func(m *scoring.Model) { m.Weights[0].Weight, m.Weights[2].Weight = 100, 400 }),
		"no cap":  changedModel(t, func(m *scoring.Model) { m.Weights[2].Cap = 0 }),
		"low cap": changedModel(t, func(m *scoring.Model) { m.Weights[2].Cap = 500 }),
		"windows": changedModel(t, func(m *scoring.Model) { m.Window, m.HalfLife = 400, 90 }),
		"longest": changedModel(t, func(m *scoring.Model) { m.Window, m.HalfLife = 1920, 3650 }),
		"items":   changedModel(t, func(m *scoring.Model) { m.Items = []string{"other", "qms"} }),
		"factors": changedModel(t, func(m *scoring.Model) { m.Factors.Repaired, m.Factors.Rectified, m.Factors.Stage.Online = 500, 0, 100 }),
		"no mass": changedModel(t, func(m *scoring.Model) { // what weighs nothing still counts for gates and vetoes
			m.Factors.Stage.Production, m.Factors.Purpose.Random = 0, 0
		}),
		"gates": changedModel(t, func(m *scoring.Model) {
			m.Tiers[0].Gates, m.Vetoes = nil, append(m.Vetoes, scoring.Veto{Colour: registry.ColourYellow,
				Condition: scoring.Condition{Fact: scoring.DaysSinceWorseThanMinor, Operator: "<", Value: 100}})
		}),
	}
}

// drawFacts draws the evidence of one enterprise; sometimes with what columns cannot pack.
func drawEvidence(t *rapid.T, n int) *scoring.Evidence {
	who, records := drawWho(t), drawRecords(t)
	who.USCC = codeOf(n)
	facts := make([]scoring.Fact, len(records))
	for i := range records {
		facts[i] = scoring.FactOf(&records[i])
		if facts[i].Kind() == registry.KindLicence {
			facts[i].ProductCode = rapid.SampledFrom([]string{"", "P-1", "P-2"}).Draw(t, "product")
		}
		if rapid.IntRange(0, 60).Draw(t, "far") == 0 {
			facts[i].RectifyBy = registry.MustDay("2199-12-31")
		}
	}
	e := &scoring.Evidence{}
	e.Set(who, facts)
	return e
}

func drawPopulation(t *rapid.T) (*scoring.Columns, []*scoring.Evidence) {
	population := make([]*scoring.Evidence, rapid.IntRange(0, 6).Draw(t, "enterprises"))
	b := scoring.NewColumnBuilder(0, 0)
	for i := range population {
		population[i] = drawEvidence(t, 2*i)
		if err := b.Add(population[i]); err != nil {
			t.Fatal(err)
		}
	}
	return b.Build(), population
}

func checkPopulation(t *rapid.T, name string, m *scoring.Model, c *scoring.Columns, population []*scoring.Evidence) {
	a, fresh, reader, grader := scoring.NewAssessor(m), scoring.NewAssessor(m), c.Reader(), c.Grader(m)
	asOf := today - registry.Day(rapid.IntRange(-100, 900).Draw(t, "days ago"))
	grades := scoring.NewGrades(c.Len())
	if err := c.Grade(t.Context(), m, asOf, grades, scoring.PassOptions{Workers: 2}); err != nil {
		t.Fatal(err)
	}
	if c.Len() != len(population) {
		t.Fatalf("%d enterprises, want %d", c.Len(), len(population))
	}
	for i, e := range population {
		read := reader.Read(i)
		if read.Enterprise != e.Enterprise || c.USCC(i) != e.USCC || c.Risk(i) != e.Risk {
			t.Fatalf("enterprise %+v, want %+v", read.Enterprise, e.Enterprise)
		}
		want := fresh.Assess(e, asOf)
		if got := a.Assess(read, asOf); got != want {
			t.Fatalf("%s: %+v, want %+v of %+v", name, got, want, e)
		}
		if got := grader.Assess(i, asOf); got != want {
			t.Fatalf("%s: grader %+v, want %+v of %+v", name, got, want, e)
		}
		if grades.Index[i] != uint16(want.Index) || grades.Tier[i] != want.Tier || grades.Colour[i] != want.Colour || grades.Evidence[i] != want.Evidence {
			t.Fatalf("%s: %d %s %s %s, want %+v", name, grades.Index[i], grades.Tier[i], grades.Colour[i], grades.Evidence[i], want)
		}
	}
}

func TestColumnsGradeExactlyAsTheAssessor(t *testing.T) {
	models := modelsToCompare(t)
	names := slices.Sorted(maps.Keys(models))
	rapid.Check(t, func(t *rapid.T) {
		c, population := drawPopulation(t)
		for _, name := range names {
			checkPopulation(t, name, models[name], c, population)
		}
	})
}

// Enterprises with more facts than are counted at a time, some of them with several complaints and many words about each item.
func TestColumnsGradeLargeEnterprisesExactly(t *testing.T) {
	models := modelsToCompare(t)
	rapid.Check(t, func(t *rapid.T) {
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		records := drawRecords(t)
		e := &scoring.Evidence{}
		var facts []scoring.Fact
		for n := range rapid.IntRange(0, 300).Draw(t, "facts") {
			if len(records) == 0 {
				break
			}
			f := scoring.FactOf(&records[dice.IntN(len(records))])
			f.SourceRef, f.OccurredOn = fmt.Sprintf("%03d", n), f.OccurredOn-registry.Day(dice.IntN(1000))
			facts = append(facts, f)
		}
		who := drawWho(t)
		who.USCC = codeOf(0)
		e.Set(who, facts)
		b := scoring.NewColumnBuilder(0, 0)
		if err := b.Add(e); err != nil {
			t.Fatal(err)
		}
		c := b.Build()
		for _, name := range slices.Sorted(maps.Keys(models)) {
			checkPopulation(t, name, models[name], c, []*scoring.Evidence{e})
		}
	})
}

func TestColumnsKnowMovementAndTheNextChange(t *testing.T) {
	a := scoring.NewAssessor(scoring.DefaultModel())
	rapid.Check(t, func(t *rapid.T) {
		c, population := drawPopulation(t)
		reader, grader := c.Reader(), c.Grader(scoring.DefaultModel())
		for i, e := range population {
			if got, want := a.NextChange(reader.Read(i), today), a.NextChange(e, today); got != want {
				t.Fatalf("%s, want %s", got, want)
			}
			grade, ahead := a.GradeAhead(e, today)
			if got, until := grader.GradeAhead(i, today); got != grade || until != ahead {
				t.Fatalf("%+v until %+v, want %+v until %+v", got, until, grade, ahead)
			}
			if got := grader.Grade(i, today-100); got != a.Grade(e, today-100) {
				t.Fatalf("%+v, want %+v", got, a.Grade(e, today-100))
			}
		}
	})
}

func TestChangedColumnsAreColumnsBuiltAnew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, population := drawPopulation(t)
		var changed []*scoring.Evidence
		for n := range 2*len(population) + 2 { // odd ones are new, in between and at the ends
			if rapid.IntRange(0, 2).Draw(t, "change") > 0 {
				continue
			}
			e := drawEvidence(t, n)
			changed = append(changed, e)
			at, found := slices.BinarySearchFunc(population, e, func(a, b *scoring.Evidence) int { return slices.Compare([]byte(a.USCC), []byte(b.USCC)) })
			if found {
				population[at] = e
			} else {
				population = slices.Insert(population, at, e)
			}
		}
		newer, err := c.With(changed)
		if err != nil {
			t.Fatal(err)
		}
		checkPopulation(t, "default", scoring.DefaultModel(), newer, population)
		records := 0
		for _, e := range population {
			records += len(e.Facts())
		}
		if newer.Records() != records {
			t.Fatalf("%d records, want %d", newer.Records(), records)
		}
	})
}

func TestColumnsRefuseWhatIsOutOfOrder(t *testing.T) {
	for name, codes := range map[string][]registry.USCC{
		"descending": {codeOf(2), codeOf(1)},
		"twice":      {codeOf(1), codeOf(1)},
		"short":      {"123"},
		"empty":      {""},
	} {
		t.Run(name, func(t *testing.T) {
			b := scoring.NewColumnBuilder(0, 0)
			var err error
			for _, code := range codes {
				var e scoring.Evidence
				e.Set(scoring.Enterprise{USCC: code}, nil)
				err = b.Add(&e)
			}
			if !errors.Is(err, scoring.ErrColumns) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestManyLicencesOfOneEnterprise(t *testing.T) {
	for _, licences := range []int{3, 150, 70_000} { // a short list, a long one, more than there are numbers for
		t.Run(fmt.Sprint(licences), func(t *testing.T) {
			facts := make([]scoring.Fact, 0, licences+1)
			for i := range licences + 1 { // the last one grants the first revoked licence again
				outcome, n := registry.OutcomeRevoked, i
				if i == licences {
					outcome, n = registry.OutcomeGranted, 0
				}
				facts = append(facts, scoring.FactOf(&registry.Record{USCC: codeOf(1), Source: "s", SourceRef: fmt.Sprintf("%06d", i), Kind: registry.KindLicence,
					Outcome: outcome, OccurredOn: today - 5000 + registry.Day(i/licences), State: registry.StateFinal, Detail: &registry.Licence{Number: fmt.Sprint("L-", n)}}))
				if licences > 1000 && i%1000 != 0 && i != licences { // revocations that count take time to look up
					voided := registry.Record{Kind: registry.KindLicence, Outcome: registry.OutcomeGranted, State: registry.StateVoided, Detail: &registry.Licence{Number: fmt.Sprint("L-", n)},
						Source: "s", SourceRef: fmt.Sprintf("%06d", i), OccurredOn: today - 5000}
					facts[i] = scoring.FactOf(&voided)
				}
			}
			var e scoring.Evidence
			e.Set(scoring.Enterprise{USCC: codeOf(1)}, facts)
			b := scoring.NewColumnBuilder(1, 0)
			if err := b.Add(&e); err != nil {
				t.Fatal(err)
			}
			c := b.Build()
			a := scoring.NewAssessor(changedModel(t, func(m *scoring.Model) {
				m.Vetoes = []scoring.Veto{{Colour: registry.ColourRed, Condition: scoring.Condition{Fact: scoring.LicencesRevoked, Operator: ">=", Value: int32(wantRevoked(licences))}}}
			}))
			if got, want := a.Assess(c.Reader().Read(0), today), a.Assess(&e, today); got != want || want.Colour != registry.ColourRed {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}

// wantRevoked is how many licences of the test above stay revoked: all that are not void but the first.
func wantRevoked(licences int) int {
	if licences > 1000 {
		return licences/1000 - 1
	}
	return licences - 1
}

// Facts that come when all classes are taken are weighed one by one.
func TestMoreKindsOfFactsThanClasses(t *testing.T) {
	who := func(n int) scoring.Enterprise { return scoring.Enterprise{USCC: codeOf(n), RegisteredOn: today - 3000} }
	b, c := scoring.NewColumnBuilder(0, 0), []*scoring.Evidence{{}, {}}
	many := make([]scoring.Fact, 0, 17_000)
	for i := range cap(many) {
		f := scoring.FactOf(&registry.Record{Source: "s", SourceRef: fmt.Sprintf("%06d", i), Kind: registry.KindInspection, Outcome: registry.OutcomeDone,
			OccurredOn: today - 900, State: registry.StateFinal, Detail: &registry.Inspection{}})
		f.Minor, f.Major = uint8(i%256), uint8(i/256)
		many = append(many, f)
	}
	many[0] = scoring.FactOf(&registry.Record{Source: "s", SourceRef: "000000", Kind: registry.KindCapability, Outcome: registry.OutcomeHeld,
		OccurredOn: today - 900, State: registry.StateFinal, Detail: &registry.Capability{Item: "qms"}}) // of these, the class is known
	c[0].Set(who(1), many)
	var items []scoring.Fact
	for i, outcome := range []string{registry.OutcomeHeld, registry.OutcomeMissing, registry.OutcomeHeld} {
		items = append(items, scoring.FactOf(&registry.Record{Source: "s", SourceRef: fmt.Sprint(i), Kind: registry.KindCapability, Outcome: outcome,
			OccurredOn: today - registry.Day(10*(5-i)), State: registry.StateFinal, Detail: &registry.Capability{Item: []string{"qms", "qms", "traceability"}[i]}}))
	}
	c[1].Set(who(2), items)
	for _, e := range c {
		if err := b.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	columns, grades := b.Build(), scoring.NewGrades(2)
	if err := columns.Grade(t.Context(), scoring.DefaultModel(), today, grades, scoring.PassOptions{}); err != nil {
		t.Fatal(err)
	}
	for i, e := range c {
		if want := scoring.NewAssessor(scoring.DefaultModel()).Assess(e, today); grades.Index[i] != uint16(want.Index) || grades.Colour[i] != want.Colour {
			t.Errorf("%d %s, want %+v", grades.Index[i], grades.Colour[i], want)
		}
	}
}

func TestAGradingPassStopsWhenAsked(t *testing.T) {
	c := syntheticColumns(t, 20_000)
	ctx, stop := context.WithCancel(t.Context())
	seen := int64(0)
	err := c.Grade(ctx, scoring.DefaultModel(), today, scoring.NewGrades(c.Len()), scoring.PassOptions{Workers: 1, Progress: func(done, total int64) {
		seen = done
		stop()
	}})
	if !errors.Is(err, context.Canceled) || seen == 0 || seen >= int64(c.Len()) {
		t.Errorf("%v after %d of %d", err, seen, c.Len())
	}
}

func TestColumnsAreSmall(t *testing.T) {
	c := syntheticColumns(t, 20_000)
	records, enterprises := c.Bytes()
	if records > 24*c.Records() || enterprises > 64*c.Len() {
		t.Errorf("%d bytes for %d records, %d for %d enterprises", records, c.Records(), enterprises, c.Len())
	}
}
