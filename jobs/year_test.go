package jobs_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"
)

// livedDay is one nightly run and what it left.
type livedDay struct {
	asOf    registry.Day
	knownAt time.Time
	grades  map[registry.USCC]schema.Assessment
}

// A year is lived night by night while records arrive, are corrected, voided and rectified. Then every night is computed again from what is
// stored at the end of the year: the same bytes, movement included.
func TestReplayingAYearGivesTheSameBytesAsLivingIt(t *testing.T) {
	t.Parallel()
	b := &bench{now: time.Date(2025, 1, 1, 1, 0, 0, 0, time.UTC)}
	b.clock = func() time.Time { return b.now }
	b.open(t, schema.Config{Dir: t.TempDir(), Clock: b.clock})
	dice := rand.New(rand.NewPCG(1, 2))
	var nights []livedDay
	for range 365 {
		b.now = b.now.Add(24 * time.Hour)
		b.happen(t, dice)
		run, err := (&jobs.Recompute{DB: b.db, Clock: b.clock}).RunOnce(t.Context())
		check(t, err)
		nights = append(nights, livedDay{run.AsOf, run.KnownAt, assessments(t, b.db)})
	}
	a := scoring.NewAssessor(scoring.DefaultModel())
	moved := 0
	for _, night := range nights {
		for code, lived := range night.grades {
			e, err := b.db.EvidenceOf(t.Context(), code, night.asOf, night.knownAt)
			check(t, err)
			g := a.Grade(e, night.asOf)
			digest, _ := a.Digests(e, night.asOf, night.knownAt, &g)
			if digest != lived.Digest || g.Tier != lived.Tier || g.Colour != lived.Colour || g.TierSince != lived.TierSince {
				t.Fatalf("%s on %s: lived %+v, replayed %+v", code, night.asOf, lived.Grade, g)
			}
			if g.Tier != g.Earned.Tier {
				moved++
			}
		}
	}
	if moved == 0 {
		t.Error("nobody was on the way up all year: the test shows nothing about movement")
	}
}

const livedFirms = 12

// open makes a database with a few enterprises and no records.
func (b *bench) open(t *testing.T, c schema.Config) {
	t.Helper()
	ctx := t.Context()
	db, err := schema.Open(ctx, c)
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	b.db = db
	_, _, err = db.Migrate(ctx)
	check(t, err)
	m := scoring.DefaultModel()
	check(t, db.AddModel(ctx, schema.StoredModel{ModelRef: schema.ModelRef{Code: m.Code, Version: m.Version, Digest: m.Digest()}, Body: string(m.JSON())}))
	check(t, db.ActivateModel(ctx, m.Code, m.Version))
	firms := make([]registry.Enterprise, livedFirms)
	for n := range firms {
		firms[n] = registry.Enterprise{USCC: livedCode(n), Name: fmt.Sprint("Firm ", n), RegionCode: "330402", RegisteredOn: registry.MustDay("2015-01-01")}
	}
	_, err = db.PutEnterprises(ctx, firms, schema.PutOptions{})
	check(t, err)
}

func livedCode(n int) registry.USCC {
	first := fmt.Sprintf("91330402%09d", n)
	return registry.USCC(first + string(registry.USCCCheckCharacter(first)))
}

// happen lets a day bring records: new ones, some of them late, and corrections of old ones.
func (b *bench) happen(t *testing.T, dice *rand.Rand) {
	t.Helper()
	today := registry.DayOf(b.now)
	var records []registry.Record
	for range dice.IntN(4) {
		n := dice.IntN(200) // a low number of references, so that many are corrections
		r := registry.Record{USCC: livedCode(n % livedFirms), Source: "bureau", SourceRef: fmt.Sprint("R", n), Kind: registry.KindSpotCheck,
			Outcome: registry.OutcomePass, OccurredOn: today - registry.Day(dice.IntN(60)), State: registry.StateFinal, Detail: &registry.SpotCheck{}}
		if dice.IntN(4) == 0 {
			r.Outcome, r.Severity = registry.OutcomeFail, registry.Severity(1+dice.IntN(2))
			r.RectifyBy = r.OccurredOn + 30
		}
		if dice.IntN(6) == 0 {
			r.State = []registry.State{registry.StateVoided, registry.StateRepaired, registry.StateProvisional}[dice.IntN(3)]
		}
		records = append(records, r)
	}
	results, err := b.db.PutRecords(t.Context(), records, schema.PutOptions{})
	check(t, err)
	for _, r := range results {
		if r.Outcome == schema.Refused {
			t.Fatalf("%+v", r.Problem)
		}
	}
}
