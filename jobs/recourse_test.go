package jobs_test

import (
	"errors"
	"testing"

	"healthcode/access"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/supervision"
)

// Time ends publications once, and grades follow; a recourse that was returned lapses once.
func TestTimeEndsPublicationsAndRecourses(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		_, firms := graded(t, b)
		day := registry.DayOf(b.now)
		penalty := registry.Record{USCC: firms[0], Source: "law", SourceRef: "1", Kind: registry.KindPenalty, Outcome: registry.OutcomeImposed, Severity: registry.SeverityMinor,
			OccurredOn: day - 60, State: registry.StateFinal, Detail: &registry.Penalty{LegalBasis: "a law of this test"}}
		off := registry.Record{USCC: firms[0], Source: "law", SourceRef: "off", Kind: registry.KindExternalCredit, Outcome: registry.OutcomeDelisted, OccurredOn: day, State: registry.StateFinal,
			Detail: &registry.ExternalCredit{List: registry.ListSeriousViolation}} // wherever the city has put it
		_, err := b.db.PutRecords(t.Context(), []registry.Record{penalty, off}, schema.PutOptions{})
		check(t, err)
		filed, err := b.db.FileRecourse(t.Context(), schema.RecourseFiling{USCC: firms[0], Kind: supervision.Repair, Source: "law", SourceRef: "1", Text: "paid", Duties: true, By: "own",
			On: day, Days: supervision.China()})
		check(t, err)
		act := schema.RecourseAct{Act: supervision.Act{Step: supervision.Return, By: "zhang", Side: supervision.Officer, On: day, Reason: "incomplete"}}
		_, err = b.db.StepRecourse(t.Context(), access.Everything(), filed.ID, act, supervision.China())
		check(t, err)
		lapse, end := &jobs.LapseRecourses{DB: b.db, Clock: b.clock}, &jobs.EndPublications{DB: b.db, Clock: b.clock}
		if _, err := end.RunOnce(t.Context()); err != nil && !errors.Is(err, schema.ErrNothingDue) { // what the city brought along
			t.Fatal(err)
		}
		if _, err := lapse.RunOnce(t.Context()); !errors.Is(err, schema.ErrNothingDue) {
			t.Errorf("lapsed in time: %v", err)
		}
		b.now = b.now.AddDate(0, 0, 40)
		for name, run := range map[string]func() (int, error){"recourses": func() (int, error) { return lapse.RunOnce(t.Context()) }, "publications": func() (int, error) { return end.RunOnce(t.Context()) }} {
			if n, err := run(); n < 1 || err != nil {
				t.Errorf("%s: %d ended, %v", name, n, err)
			}
			if _, err := run(); !errors.Is(err, schema.ErrNothingDue) {
				t.Errorf("%s end twice: %v", name, err)
			}
		}
		records, err := b.db.RecordsOf(t.Context(), firms[0])
		check(t, err)
		for _, r := range registry.Standing(records, day+40) {
			if r.Source == "law" && r.SourceRef == "1" {
				t.Errorf("it stands: %+v", r)
			}
		}
	})
}
