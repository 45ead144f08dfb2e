package jobs_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
)

// graded is a bench where everybody has a grade, and its enterprises.
func graded(t *testing.T, b *bench) (*jobs.Issuer, []registry.USCC) {
	t.Helper()
	_, err := b.recompute().RunOnce(t.Context())
	check(t, err)
	return newIssuer(t, b), slices.Sorted(maps.Keys(assessments(t, b.db)))
}

// A screen is renewed every 30 seconds: that must use up no places. Stopping the one place stops all of them, and a person opens the next.
func TestScreenCodesShareOnePlace(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		issuer, owners := graded(t, b)
		owner := owners[0]
		keys, err := credential.NewKeySet(*issuer.Signer.PublicKey())
		check(t, err)
		texts, places := map[string]bool{}, map[uint32]bool{}
		for range 20 {
			shown, err := issuer.Screen(t.Context(), owner)
			check(t, err)
			v := credential.Verify(shown.Issued.URL, keys, b.now)
			if !v.Authentic || v.Form != credential.FormScreen || v.ExpiresAt.Sub(v.IssuedAt) != 180*time.Second || v.USCC != owner {
				t.Fatalf("%+v", v)
			}
			texts[shown.Issued.URL], places[v.Index] = true, true
			b.now = b.now.Add(30 * time.Second)
		}
		rows, err := b.db.CodesOf(t.Context(), owner)
		check(t, err)
		if len(texts) != 20 || len(places) != 1 || len(rows) != 1 || rows[0].State != schema.CodeIssued || !rows[0].ExpiresAt.IsZero() {
			t.Fatalf("%d codes at %d places in %d rows: %+v", len(texts), len(places), len(rows), rows)
		}
		idx := rows[0].Index
		for _, c := range []struct {
			step schema.CodeStep
			want schema.CodeStatus
		}{{schema.StepSuspend, schema.CodeSuspended}, {schema.StepResume, schema.CodeValid}, {schema.StepSuspend, schema.CodeSuspended}} {
			_, err := b.db.ChangeCode(t.Context(), idx, c.step, "Li Hua", "telephone lost")
			check(t, err)
			shown, err := issuer.Screen(t.Context(), owner)
			check(t, err)
			if shown.Status != c.want || (shown.Issued == credential.Issued{}) != (c.want != schema.CodeValid) {
				t.Errorf("after %s: %+v", c.step, shown)
			}
		}
		if _, err := issuer.Issue(t.Context(), owner, credential.FormScreen); !errors.Is(err, jobs.ErrSuspended) {
			t.Errorf("a new place while the old one is suspended: %v", err)
		}
		_, err = b.db.ChangeCode(t.Context(), idx, schema.StepRevoke, "Li Hua", "telephone lost")
		check(t, err)
		if shown, err := issuer.Screen(t.Context(), owner); err != nil || shown.Status != schema.CodeRevoked {
			t.Errorf("revoked: %+v, %v", shown, err)
		}
		again, err := issuer.Issue(t.Context(), owner, credential.FormScreen)
		if err != nil || again.Code.Index == idx {
			t.Errorf("a person opens a new place: %+v, %v", again, err)
		}
		if shown, err := issuer.Screen(t.Context(), owner); err != nil || shown.Issued.Code.Index != again.Code.Index {
			t.Errorf("and it is used: %+v, %v", shown, err)
		}
	})
}

// The grade in a screen code is the one of this moment.
func TestScreenCodesFollowTheGrade(t *testing.T) {
	t.Parallel()
	b := newBench(t, schema.Config{Dir: t.TempDir()})
	issuer, owners := graded(t, b)
	for _, owner := range owners {
		before, err := b.db.Assessment(t.Context(), owner)
		check(t, err)
		if before.Colour != registry.ColourGreen {
			continue
		}
		first, err := issuer.Screen(t.Context(), owner)
		check(t, err)
		_, err = b.db.PutRecords(t.Context(), []registry.Record{{USCC: owner, Source: "test", SourceRef: "1", Kind: registry.KindSpotCheck, Outcome: registry.OutcomeFail,
			Severity: registry.SeverityCritical, OccurredOn: registry.DayOf(b.now), State: registry.StateFinal, Stage: registry.StageProduction, Purpose: registry.PurposeRandom,
			Detail: &registry.SpotCheck{}}}, schema.PutOptions{})
		check(t, err)
		_, err = (&jobs.Recompute{DB: b.db, Clock: b.clock, ChangedOnly: true}).RunOnce(t.Context())
		check(t, err)
		second, err := issuer.Screen(t.Context(), owner)
		check(t, err)
		if first.Issued.Code.Colour != registry.ColourGreen || second.Issued.Code.Colour != registry.ColourRed || first.Issued.Code.Index != second.Issued.Code.Index {
			t.Errorf("before %+v, after a critical failure %+v", first.Issued.Code, second.Issued.Code)
		}
		return
	}
	t.Fatal("nobody is green")
}

func TestIssuingKeepsToASuspension(t *testing.T) {
	t.Parallel()
	b := newBench(t, schema.Config{Dir: t.TempDir()})
	issuer, owners := graded(t, b)
	first, err := issuer.Issue(t.Context(), owners[0], credential.FormPrinted)
	check(t, err)
	_, err = b.db.ChangeCode(t.Context(), first.Code.Index, schema.StepSuspend, "Li Hua", "sign lost")
	check(t, err)
	if _, err := issuer.Issue(t.Context(), owners[0], credential.FormPrinted); !errors.Is(err, jobs.ErrSuspended) {
		t.Errorf("got %v", err)
	}
	if _, err := issuer.Issue(t.Context(), owners[0], credential.FormJWT); err != nil {
		t.Errorf("another form: %v", err)
	}
	if _, err := issuer.Replace(t.Context(), first.Code.Index, schema.StepRenew, "Li Hua", "sign lost"); !errors.Is(err, schema.ErrCodeStep) {
		t.Errorf("renewed while suspended: %v", err)
	}
	if codes, err := b.db.CodesOf(t.Context(), owners[0]); err != nil || len(codes) != 2 {
		t.Errorf("%d codes, want that what is refused takes no place", len(codes))
	}
	next, err := issuer.Replace(t.Context(), first.Code.Index, schema.StepSupersede, "Li Hua", "sign lost")
	if err != nil || next.Code.Index == first.Code.Index {
		t.Errorf("superseded while suspended: %v", err)
	}
	b.now = b.now.AddDate(2, 0, 0)
	if _, err := issuer.Issue(t.Context(), owners[0], credential.FormPrinted); err != nil {
		t.Errorf("when all is over: %v", err)
	}
}

func TestRemindersComeOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, schema.Config{Dir: t.TempDir()})
	issuer, owners := graded(t, b)
	job := &jobs.Remind{DB: b.db, Clock: b.clock}
	_, err := issuer.Issue(t.Context(), owners[0], credential.FormPrinted)
	check(t, err)
	if _, err := job.RunOnce(t.Context()); !errors.Is(err, schema.ErrNothingDue) {
		t.Errorf("at once: %v", err)
	}
	for _, days := range []int{336, 358} {
		b.now = b.now.AddDate(0, 0, days-int(b.now.Sub(issuedFirst(t, b, owners[0])).Hours()/24))
		if n, err := job.RunOnce(t.Context()); n != 1 || err != nil {
			t.Errorf("after %d days: %d, %v", days, n, err)
		}
		if _, err := job.RunOnce(t.Context()); !errors.Is(err, schema.ErrNothingDue) {
			t.Errorf("after %d days, once more: %v", days, err)
		}
	}
}

func issuedFirst(t *testing.T, b *bench, owner registry.USCC) time.Time {
	t.Helper()
	codes, err := b.db.CodesOf(t.Context(), owner)
	check(t, err)
	return codes[len(codes)-1].IssuedAt
}

func TestLooksGoAfterTheirYears(t *testing.T) {
	t.Parallel()
	b := newBench(t, schema.Config{Dir: t.TempDir()})
	partner, err := b.db.AddPartner(t.Context(), schema.Partner{Name: "bank"})
	check(t, err)
	check(t, b.db.AddLooks(t.Context(), []schema.Look{{USCC: "91350100M000100Y43", At: b.now, PartnerID: partner, Purpose: access.PurposeFinance, Means: schema.LookByCode, Looks: 1}}))
	job, start := &jobs.PruneLooks{DB: b.db, Clock: b.clock}, b.now
	for _, c := range []struct {
		at   time.Time
		want int
	}{{start, 0}, {start.AddDate(jobs.DefaultLookYears, 0, 0), 0}, {start.AddDate(jobs.DefaultLookYears, 0, 1), 1}, {start.AddDate(20, 0, 0), 0}} {
		b.now = c.at
		if n, err := job.RunOnce(t.Context()); n != c.want || c.want == 0 && !errors.Is(err, schema.ErrNothingDue) {
			t.Errorf("on %s: %d pruned, %v", c.at, n, err)
		}
	}
}

func TestCountsOfScansGoAfterTheirTime(t *testing.T) {
	t.Parallel()
	b := newBench(t, schema.Config{Dir: t.TempDir()})
	_, err := b.db.AddScans(t.Context(), []schema.Scans{{USCC: "91350100M000100Y43", Index: 1, Hour: schema.HourOf(b.now), Area: "a", Count: 3}}, 20)
	check(t, err)
	job := &jobs.PruneScans{DB: b.db, Clock: b.clock, Keep: 24 * time.Hour}
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 0}, {24 * time.Hour, 0}, {2 * time.Hour, 1}, {0, 0}} {
		b.now = b.now.Add(c.after)
		if n, err := job.RunOnce(t.Context()); n != c.want || c.want == 0 && !errors.Is(err, schema.ErrNothingDue) {
			t.Errorf("after %s more: %d pruned, %v", c.after, n, err)
		}
	}
}
