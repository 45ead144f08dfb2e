package jobs_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/schema/pgtest"
	"healthcode/scoring"
)

// cityCodes is how many codes the benchmark's city has, all in the first lists.
const cityCodes = 1_000_000

// fillCity adds graded enterprises with a code each, beside what the register knows. tier and colour have the shares of real lists.
var fillCity = map[string][]string{
	"sqlite": {
		`CREATE TEMP TABLE fill AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %[1]d - 1)
			SELECT printf('91330402Z%%08dX', i) AS uscc, abs(random()) %% 100 AS dice, abs(random()) %% 100 AS other FROM n`,
		fillAssessment, fillCodes,
	},
	"postgres": {
		`CREATE TEMP TABLE fill AS SELECT '91330402Z' || lpad(i::text, 8, '0') || 'X' AS uscc, floor(random() * 100)::int AS dice, floor(random() * 100)::int AS other
			FROM generate_series(1, %[1]d - 1) i`,
		fillAssessment, fillCodes, `ANALYZE assessment`, `ANALYZE code`,
	},
}

const (
	fillAssessment = `INSERT INTO assessment (uscc, run_id, as_of, known_at, model_code, model_version, index_value, tier, colour, evidence, checks, losses,
		next_change_on, changed_on, digest, records_digest) SELECT uscc, 1, 46000, 1, 'default', 1, 8000,
		CASE WHEN dice < 5 THEN 1 WHEN dice < 43 THEN 2 WHEN dice < 93 THEN 3 ELSE 4 END,
		CASE WHEN other < 14 THEN 1 WHEN other < 88 THEN 2 WHEN other < 98 THEN 3 ELSE 4 END, 2, 0, '0 0 0 0 0', 0, 46000, '', '' FROM fill`
	fillCodes = `INSERT INTO code (uscc, state, kid, form, created_at, issued_at, expires_at, tier, colour, model, jwt, status)
		SELECT uscc, 'issued', '1', 'printed', 1, 1, 2, 3, 2, 1, 'x', CASE WHEN dice = other AND dice < 50 THEN 1 ELSE 0 END FROM fill`
)

// benchCity is a city of a million codes with one enterprise whose records change.
type benchCity struct {
	db     *schema.DB
	signer *credential.Key
	firm   registry.USCC
	idx    uint32
}

func newBenchCity(b *testing.B, c schema.Config) *benchCity {
	b.Helper()
	ctx := b.Context()
	db, err := schema.Open(ctx, c)
	must(b, err)
	b.Cleanup(func() { must(b, db.Close()) })
	_, _, err = db.Migrate(ctx)
	must(b, err)
	m := scoring.DefaultModel()
	must(b, db.AddModel(ctx, schema.StoredModel{ModelRef: schema.ModelRef{Code: m.Code, Version: m.Version, Digest: m.Digest()}, Body: string(m.JSON())}))
	must(b, db.ActivateModel(ctx, m.Code, m.Version))
	city := &benchCity{db: db, firm: benchCode(1)}
	today := registry.DayOf(time.Now())
	_, err = db.PutEnterprises(ctx, []registry.Enterprise{{USCC: city.firm, Name: "Enterprise", RegionCode: "330402", RegisteredOn: today - 3000}}, schema.PutOptions{})
	must(b, err)
	_, err = (&jobs.Recompute{DB: db, Clock: time.Now}).RunOnce(ctx)
	must(b, err)
	city.signer, err = credential.NewKey(1, "https://q.example.gov.cn", time.Now().Add(-time.Hour))
	must(b, err)
	issued, err := (&jobs.Issuer{DB: db, Signer: city.signer, Clock: time.Now}).Issue(ctx, city.firm, credential.FormPrinted)
	must(b, err)
	city.idx = issued.Code.Index
	city.fill(b, c)
	return city
}

// fill writes past the stores: a million enterprises with their records would take minutes and change nothing of what is measured.
func (c *benchCity) fill(b *testing.B, config schema.Config) {
	b.Helper()
	driver, address := "sqlite", filepath.Join(config.Dir, schema.FileName)
	if config.URL != "" {
		driver, address = "postgres", config.URL
	}
	direct, err := sql.Open(driver, address)
	must(b, err)
	defer func() { must(b, direct.Close()) }()
	direct.SetMaxOpenConns(1)
	for i, statement := range fillCity[driver] {
		if i == 0 {
			statement = fmt.Sprintf(statement, cityCodes)
		}
		_, err := direct.ExecContext(b.Context(), statement)
		must(b, err)
	}
}

// grade reads the enterprise's colour in the newest publication, as a verifier does.
func (c *benchCity) grade(b *testing.B, keys *credential.KeySet) registry.Colour {
	b.Helper()
	stored, err := c.db.ListToken(b.Context(), "grade", 0, time.Time{})
	must(b, err)
	list, err := credential.ParseList(stored.Token, keys)
	must(b, err)
	_, colour, _ := list.Grade(c.idx)
	return colour
}

// strike gives the enterprise a critical failure, or voids it again.
func (c *benchCity) strike(b *testing.B, guilty bool) {
	b.Helper()
	r := registry.Record{USCC: c.firm, Source: "bench", SourceRef: "strike", Kind: registry.KindSpotCheck, Outcome: registry.OutcomeFail,
		Severity: registry.SeverityCritical, OccurredOn: registry.DayOf(time.Now()), State: registry.StateFinal, Detail: &registry.SpotCheck{}}
	if !guilty {
		r.State = registry.StateVoided
	}
	_, err := c.db.PutRecords(b.Context(), []registry.Record{r}, schema.PutOptions{})
	must(b, err)
}

// endToEnd measures from the moment before a record is stored to the moment at which the published list says what follows from it, with the
// jobs that a server runs.
func (c *benchCity) endToEnd(b *testing.B) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	publish := &jobs.Publish{DB: c.db, Signer: c.signer, Clock: time.Now}
	start := time.Now()
	_, err := publish.RunOnce(ctx)
	must(b, err)
	b.Logf("first pass over %d codes: %s", cityCodes, time.Since(start).Round(time.Millisecond))
	when := jobs.DefaultSchedule()
	scheduler, err := jobs.NewScheduler(ctx, c.db, jobs.Work{Publish: publish}, jobs.Schedule{Changed: when.Changed, Publish: when.Publish}, time.Now, slog.New(slog.DiscardHandler))
	must(b, err)
	scheduler.Start()
	defer func() { must(b, scheduler.Stop()) }()
	keys, err := credential.NewKeySet(*c.signer.PublicKey())
	must(b, err)
	var total, worst time.Duration
	changes := 0
	for b.Loop() {
		for range 6 {
			start := time.Now()
			changes++
			c.strike(b, changes%2 == 1)
			c.await(b, keys, changes%2 == 1)
			took := time.Since(start)
			total, worst = total+took, max(worst, took)
		}
	}
	b.ReportMetric(total.Seconds()/float64(changes), "end-to-end-s(<2)")
	b.ReportMetric(worst.Seconds(), "worst-s(<2)")
}

// await looks at the newest publication until it says that the enterprise is red, or not any more.
func (c *benchCity) await(b *testing.B, keys *credential.KeySet, red bool) {
	b.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var seen time.Time
	for range tick.C {
		newest, err := c.db.ListHead(b.Context(), "grade", 0, time.Time{})
		must(b, err)
		if newest.IssuedAt.Equal(seen) {
			continue
		}
		if seen = newest.IssuedAt; (c.grade(b, keys) == registry.ColourRed) == red {
			return
		}
	}
}

// parts measures what a publication is made of, beside zlib's default level on the same bytes.
func (c *benchCity) parts(b *testing.B) {
	b.Helper()
	start := time.Now()
	const looks = 200
	for range looks {
		_, err := c.db.ChangesDue(b.Context(), registry.DayOf(start), time.Time{})
		must(b, err)
		_, err = c.db.ListsDue(b.Context())
		must(b, err)
	}
	b.ReportMetric(float64(time.Since(start).Microseconds())/looks, "idle-look-us")
	entries := make([]byte, credential.ListGrade.Bytes())
	_, err := c.db.Lists(b.Context(), func(e schema.ListEntry) { entries[e.Index] = credential.GradeByte(e.Colour, e.Tier) })
	must(b, err)
	start = time.Now()
	var pressed bytes.Buffer
	w := zlib.NewWriter(&pressed)
	_, err = w.Write(entries)
	must(b, err)
	must(b, w.Close())
	b.ReportMetric(float64(time.Since(start).Milliseconds()), "zlib-ms")
	at := time.Now().Add(time.Minute)
	start = time.Now()
	token, err := credential.SignList(c.signer, credential.ListGrade, 0, entries, at)
	must(b, err)
	b.ReportMetric(float64(time.Since(start).Milliseconds()), "sign-ms")
	b.ReportMetric(float64(len(token))/1000, "token-kB")
	lease, err := c.db.TakeLease(b.Context(), "publish-lists", time.Minute)
	must(b, err)
	start = time.Now()
	must(b, c.db.SaveLists(b.Context(), lease, []schema.ListToken{{Kind: "grade", IssuedAt: at, KID: "1", Content: "x", Token: token}}, nil))
	b.ReportMetric(float64(time.Since(start).Milliseconds()), "store-ms")
}

// bundle reports the size of what a verifier takes along.
func (c *benchCity) bundle(b *testing.B) {
	b.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	key, err := credential.NewKey(255, c.signer.PublicKey().Issuer, now)
	must(b, err)
	root, err := credential.RootOf(key.PublicKey())
	must(b, err)
	jwk, err := json.Marshal(root)
	must(b, err)
	keys, err := credential.NewKeySet(*c.signer.PublicKey())
	must(b, err)
	token, err := credential.SignKeySet(key, keys, now, credential.KeySetLifetime)
	must(b, err)
	must(b, c.db.AddSignedKeySet(b.Context(), schema.RootKey{Thumbprint: root.Thumbprint(), JWK: string(jwk)},
		schema.SignedKeySet{IssuedAt: now, ExpiresAt: now.Add(credential.KeySetLifetime), Token: token}))
	start := time.Now()
	made, err := (&jobs.Bundle{DB: c.db, Signer: c.signer, Clock: time.Now}).Newest(b.Context())
	must(b, err)
	b.ReportMetric(float64(time.Since(start).Milliseconds()), "bundle-ms")
	var pressed bytes.Buffer
	w := gzip.NewWriter(&pressed)
	_, err = w.Write(made.Body)
	must(b, err)
	must(b, w.Close())
	b.ReportMetric(float64(len(made.Body))/1000, "bundle-kB")
	b.ReportMetric(float64(pressed.Len())/1000, "bundle-gzip-kB")
}

// BenchmarkPublishSQLite: a record is stored, graded and published in a city of a million codes.
func BenchmarkPublishSQLite(b *testing.B) {
	c := newBenchCity(b, schema.Config{Dir: b.TempDir()})
	c.endToEnd(b)
	c.bundle(b)
	c.parts(b)
}

// BenchmarkPublishPostgreSQL is the same on PostgreSQL.
func BenchmarkPublishPostgreSQL(b *testing.B) {
	c := newBenchCity(b, schema.Config{URL: pgtest.EmptyURL(b)})
	c.endToEnd(b)
	c.bundle(b)
	c.parts(b)
}
