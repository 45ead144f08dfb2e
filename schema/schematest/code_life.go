package schematest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"healthcode/registry"
	"healthcode/schema"
)

// issuedAt is when the codes of issue were issued, Unix seconds.
const issuedAt = 1780000000

// issue stores an issued code of the nth enterprise and returns its index.
func issue(tb testing.TB, db *schema.DB, n int) uint32 {
	tb.Helper()
	idx := must(db.ReserveIndex(tb.Context(), Code(n), "k1", "printed"))(tb)
	c := schema.Code{Index: idx, USCC: Code(n), KID: "k1", Form: "printed", IssuedAt: time.Unix(issuedAt, 0), ExpiresAt: time.Unix(1790000000, 0), JWT: "a.b.c"}
	must(0, db.SaveCode(tb.Context(), c))(tb)
	return idx
}

// settle reads every mark and deletes it, as a publisher does.
func settle(tb testing.TB, db *schema.DB) ([]schema.ListMark, []schema.ListEntry) {
	tb.Helper()
	marks, entries, err := db.ListChanges(tb.Context(), 1000)
	must(0, err)(tb)
	lease := must(db.TakeLease(tb.Context(), "settle", time.Minute))(tb)
	must(0, db.SaveLists(tb.Context(), lease, nil, marks))(tb)
	must(0, db.ReleaseLease(tb.Context(), lease))(tb)
	if must(db.ListsDue(tb.Context()))(tb) {
		tb.Error("marks are left")
	}
	return marks, entries
}

func codeSteps(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	for _, c := range []struct {
		name  string
		steps []schema.CodeStep
		want  schema.CodeStatus
		fails bool // the last step
	}{
		{"suspended and resumed", []schema.CodeStep{schema.StepSuspend, schema.StepResume}, schema.CodeValid, false},
		{"suspended twice", []schema.CodeStep{schema.StepSuspend, schema.StepSuspend}, schema.CodeSuspended, true},
		{"resumed without need", []schema.CodeStep{schema.StepResume}, schema.CodeValid, true},
		{"revoked while suspended", []schema.CodeStep{schema.StepSuspend, schema.StepRevoke}, schema.CodeRevoked, false},
		{"revoked is final", []schema.CodeStep{schema.StepRevoke, schema.StepResume}, schema.CodeRevoked, true},
		{"revoked twice", []schema.CodeStep{schema.StepRevoke, schema.StepRevoke}, schema.CodeRevoked, true},
		{"superseded", []schema.CodeStep{schema.StepSupersede}, schema.CodeSuperseded, false},
		{"superseded is final", []schema.CodeStep{schema.StepSupersede, schema.StepRevoke}, schema.CodeSuperseded, true},
		{"no step for hands", []schema.CodeStep{schema.StepAbandon}, schema.CodeValid, true},
		{"an unknown step", []schema.CodeStep{"burn"}, schema.CodeValid, true},
	} {
		idx := issue(t, db, 1)
		settle(t, db)
		var taken []schema.CodeStep
		for i, step := range c.steps {
			changed, err := db.ChangeCode(ctx, idx, step, "Li Hua", "lost sign")
			if c.fails && i == len(c.steps)-1 {
				if !errors.Is(err, schema.ErrCodeStep) {
					t.Errorf("%s: %v, want ErrCodeStep", c.name, err)
				}
				continue
			}
			if taken = append(taken, step); err != nil || changed.Index != idx {
				t.Errorf("%s: %+v, %v", c.name, changed, err)
			}
		}
		checkLife(t, db, c.name, idx, c.want, taken)
	}
}

// checkLife looks at all that steps leave behind: status, events, marks.
func checkLife(t *testing.T, db *schema.DB, name string, idx uint32, want schema.CodeStatus, taken []schema.CodeStep) {
	t.Helper()
	if got := must(db.Code(t.Context(), idx))(t); got.Status != want {
		t.Errorf("%s: %s, want %s", name, got.Status, want)
	}
	var steps []schema.CodeStep
	for i, e := range must(db.CodeEvents(t.Context(), Code(1), idx))(t) {
		steps = append(steps, e.Step)
		if e.Number != i+1 || e.USCC != Code(1) || e.Index != idx || e.At.IsZero() || i > 0 && (e.Author != "Li Hua" || e.Reason != "lost sign") {
			t.Errorf("%s: event %+v", name, e)
		}
	}
	if !slices.Equal(steps, append([]schema.CodeStep{schema.StepIssue}, taken...)) {
		t.Errorf("%s: events %v after the issue, want %v", name, steps, taken)
	}
	if due := must(db.ListsDue(t.Context()))(t); due != (len(taken) > 0) {
		t.Errorf("%s: marked %t after %d steps", name, due, len(taken))
	}
}

func codeStepBounds(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	idx := issue(t, db, 1)
	for _, c := range []struct{ name, author, reason string }{
		{"no author", "", "why"}, {"no reason", "Li Hua", ""}, {"a zero byte", "Li\x00", "why"}, {"not UTF-8", "Li", "\xff"},
		{"a long author", strings.Repeat("x", schema.MaxStepAuthor+1), "why"}, {"a long reason", "Li", strings.Repeat("x", schema.MaxStepReason+1)},
	} {
		if _, err := db.ChangeCode(ctx, idx, schema.StepRevoke, c.author, c.reason); !errors.Is(err, schema.ErrStepNote) {
			t.Errorf("%s: %v, want ErrStepNote", c.name, err)
		}
	}
	if _, err := db.ChangeCode(ctx, 4_000_000_000, schema.StepRevoke, "Li Hua", "why"); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("unknown index: %v, want ErrNotFound", err)
	}
	intent := must(db.ReserveIndex(ctx, Code(1), "k1", "printed"))(t)
	if _, err := db.ChangeCode(ctx, intent, schema.StepSuspend, "Li Hua", "why"); !errors.Is(err, schema.ErrCodeStep) {
		t.Errorf("suspend an intent: %v, want ErrCodeStep", err)
	}
	must(db.ChangeCode(ctx, intent, schema.StepRevoke, "Li Hua", "why"))(t)
	c := schema.Code{Index: intent, USCC: Code(1), KID: "k1", Form: "printed"}
	if err := db.SaveCode(ctx, c); !errors.Is(err, schema.ErrConflict) {
		t.Errorf("issue after a revocation: %v, want ErrConflict", err)
	}
	messages := must(db.Unpublished(ctx, schema.TopicCodeChanged, 10))(t)
	if len(messages) != 1 || !strings.Contains(messages[0].Payload, `"status":"revoked","reason":"why"`) || strings.Contains(messages[0].Payload, "Li Hua") {
		t.Errorf("messages %+v", messages)
	}
}

// codeStepRaces: of a suspension, a revocation and a supersession at once by several processes, final ones come once.
func codeStepRaces(t *testing.T, fresh Opener) {
	config := fresh(t)
	db := Reopen(t, config)
	idx := issue(t, db, 1)
	results := make(chan error)
	steps := []schema.CodeStep{schema.StepRevoke, schema.StepSupersede, schema.StepRevoke, schema.StepSupersede}
	for _, step := range steps {
		other := Reopen(t, config)
		go func() {
			_, err := other.ChangeCode(t.Context(), idx, step, "Li Hua", "at once")
			results <- err
		}()
	}
	taken := 0
	for range steps {
		if err := <-results; err == nil {
			taken++
		} else if !errors.Is(err, schema.ErrCodeStep) {
			t.Error(err)
		}
	}
	if events := must(db.CodeEvents(t.Context(), Code(1), idx))(t); taken != 1 || len(events) != 2 {
		t.Errorf("%d final steps taken, %d events, want 1 and 2", taken, len(events))
	}
}

func abandonedIntents(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	issued := issue(t, db, 1)
	intent := must(db.ReserveIndex(ctx, Code(2), "k1", "printed"))(t)
	settle(t, db)
	if n := must(db.AbandonIntents(ctx, time.Hour))(t); n != 0 {
		t.Errorf("%d abandoned though none is an hour old", n)
	}
	if n := must(db.AbandonIntents(ctx, -time.Hour))(t); n != 1 {
		t.Errorf("%d abandoned, want 1", n)
	}
	if n := must(db.AbandonIntents(ctx, -time.Hour))(t); n != 0 {
		t.Errorf("%d abandoned again", n)
	}
	if c := must(db.Code(ctx, intent))(t); c.Status != schema.CodeRevoked || c.State != schema.CodeIntended {
		t.Errorf("abandoned: %+v", c)
	}
	if c := must(db.Code(ctx, issued))(t); c.Status != schema.CodeValid {
		t.Errorf("the issued one: %+v", c)
	}
	if err := db.SaveCode(ctx, schema.Code{Index: intent, USCC: Code(2), KID: "k1", Form: "printed"}); !errors.Is(err, schema.ErrConflict) {
		t.Errorf("issue after all: %v, want ErrConflict", err)
	}
	events := must(db.CodeEvents(ctx, Code(2), intent))(t)
	marks, entries := settle(t, db)
	want := schema.ListEntry{Index: intent, Status: schema.CodeRevoked}
	if len(events) != 1 || events[0].Step != schema.StepAbandon || len(marks) != 1 || marks[0].USCC != Code(2) || !slices.Equal(entries, []schema.ListEntry{want}) {
		t.Errorf("events %+v, marks %+v, entries %+v", events, marks, entries)
	}
}

// listMarks: issuing, changing and grading mark exactly the enterprises whose places change, and a reading of all gives the same entries.
func listMarks(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	seed(t, db, 3, 3)
	idx := issue(t, db, 1)
	marks, entries := settle(t, db)
	if len(marks) != 1 || !slices.Equal(entries, []schema.ListEntry{{Index: idx, IssuedAt: issuedAt}}) {
		t.Errorf("issued: marks %v, entries %v", marks, entries)
	}
	gradeSome(t, db)
	marks, entries = settle(t, db)
	want := schema.ListEntry{Index: idx, IssuedAt: issuedAt, Tier: registry.TierA, Colour: registry.ColourGreen}
	if len(marks) != 3 || !slices.Equal(entries, []schema.ListEntry{want}) {
		t.Errorf("graded: marks %v, entries %v, want 3 and %v", marks, entries, want)
	}
	grade(t, db, schema.KindRecompute, Today()+1, false)
	if marks, _ = settle(t, db); len(marks) != 0 {
		t.Errorf("graded the same again: marks %v", marks)
	}
	must(db.ChangeCode(ctx, idx, schema.StepSuspend, "Li Hua", "why"))(t)
	want.Status = schema.CodeSuspended
	var all []schema.ListEntry
	marks, err := db.Lists(ctx, func(e schema.ListEntry) { all = append(all, e) })
	if err != nil || len(marks) != 1 || !slices.Equal(all, []schema.ListEntry{want}) {
		t.Errorf("all: marks %v, entries %v, %v", marks, all, err)
	}
}
