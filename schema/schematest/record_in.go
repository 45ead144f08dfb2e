package schematest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
)

// recordInCases are about records that departments report.
var recordInCases = []suiteCase{
	{"records: bounded by region and source", recordsBounded},
	{"records: pages in every order, filtered and bounded", recordPages},
	{"records: voided with a reason", recordsVoided},
	{"submissions: received, stored, reported", submissions},
	{"submissions: cut, cancelled, pruned", submissionsEnded},
	{"submissions: of two processes one has it", submissionFence},
	{"submissions: revisions on both sides of a cut", submissionCut},
	{"submissions: of claims at once one is taken", submissionRaces},
	{"idempotency: a key is one request", idempotency},
	{"idempotency: of many at once one begins", idempotencyRaces},
}

// twoCounties registers enterprises 1 and 2 in 330402 and 330411.
func twoCounties(t *testing.T, db *schema.DB) {
	t.Helper()
	firms := Enterprises(1, 3)
	firms[0].RegionCode, firms[1].RegionCode = "330402", "330411"
	must(db.PutEnterprises(t.Context(), firms, now))(t)
}

func in(region string) schema.Bounds {
	return schema.Bounds{Sight: access.Sight{Regions: access.RegionsOf(region)}}
}

func of(sources ...string) schema.Bounds {
	return schema.Bounds{Sight: access.Everything(), Sources: append([]string{}, sources...)}
}

func recordsBounded(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	twoCounties(t, db)
	other, moved := Record(1, 0), Record(1, 7)
	other.Source = "other"
	wantResult(t, "one of county 2", putOne(t, db, Record(2, 7), now), schema.Added, 1)
	moved.SourceRef = Record(2, 7).SourceRef
	for _, c := range []struct {
		name    string
		bounds  schema.Bounds
		record  registry.Record
		outcome schema.PutOutcome
		field   string
	}{
		{"in the county", in("330402"), Record(1, 0), schema.Added, ""},
		{"in another county", in("330402"), Record(2, 0), schema.Refused, "uscc"},
		{"of nobody", in("330402"), Record(9, 0), schema.Refused, "uscc"},
		{"nowhere", schema.Bounds{}, Record(1, 1), schema.Refused, "uscc"},
		{"a number that another county's enterprise has", in("330402"), moved, schema.Refused, "source_ref"},
		{"of the source", of("sample"), Record(2, 1), schema.Added, ""},
		{"of the source, waiting", of("sample"), Record(9, 1), schema.Waiting, ""},
		{"of another source", of("sample"), other, schema.Refused, "source"},
		{"of no source", of(), Record(1, 2), schema.Refused, "source"},
		{"the same in the whole register", schema.Bounds{Sight: access.Everything()}, other, schema.Added, ""},
	} {
		got := putOne(t, db, c.record, schema.PutOptions{Bounds: &c.bounds})
		if got.Outcome != c.outcome || got.Problem.Field != c.field {
			t.Errorf("%s: %s %+v, want %s %s", c.name, got.Outcome, got.Problem, c.outcome, c.field)
		}
	}
	far, none := in("330402"), in("330402")
	a, b := putOne(t, db, Record(2, 5), schema.PutOptions{Bounds: &far}), putOne(t, db, Record(9, 5), schema.PutOptions{Bounds: &none})
	if a != b {
		t.Errorf("outside %+v, unknown %+v: they must look alike", a, b)
	}
	if stored := must(db.RecordsOf(t.Context(), Code(2)))(t); len(stored) != 2 {
		t.Errorf("%d records of the neighbour, want 2", len(stored))
	}
}

func recordPages(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	twoCounties(t, db)
	for i := range 7 { // some at the same moment, some not, some on the same day
		batch := []registry.Record{Record(1, i), Record(2, i)}
		batch[1].Source = "far"
		if i%3 == 0 {
			batch[0].Kind, batch[0].Outcome, batch[0].Detail, batch[0].Purpose = registry.KindComplaint, registry.OutcomePending, &registry.Complaint{}, ""
		}
		batch[0].OccurredOn = Record(1, i/2).OccurredOn
		must(db.PutRecords(ctx, batch, now))(t)
	}
	voided := Record(2, 3)
	voided.Source, voided.State = "far", registry.StateVoided
	wantResult(t, "void", putOne(t, db, voided, now), schema.Changed, 2)
	all := func(bounds schema.Bounds, f schema.RecordFilter) (found []registry.Record) {
		t.Helper()
		for f.Limit = 3; ; {
			page := must(db.RecordPage(ctx, bounds, f))(t)
			found = append(found, page.Items...)
			if f.Cursor = page.Next; f.Cursor == "" {
				return found
			}
		}
	}
	everything := schema.Bounds{Sight: access.Everything()}
	for _, sort := range []schema.RecordSort{"", schema.RecordsByKnown, schema.RecordsByDay, schema.RecordsByDayDown} {
		found := all(everything, schema.RecordFilter{Sort: sort})
		seen := map[string]bool{}
		for i, r := range found {
			seen[r.Source+r.SourceRef] = true
			if i == 0 {
				continue
			}
			p := found[i-1]
			inOrder := map[schema.RecordSort]bool{"": !r.KnownAt.After(p.KnownAt), schema.RecordsByKnown: !r.KnownAt.Before(p.KnownAt),
				schema.RecordsByDay: r.OccurredOn >= p.OccurredOn, schema.RecordsByDayDown: r.OccurredOn <= p.OccurredOn}
			if !inOrder[sort] {
				t.Errorf("%q: %s %s after %s %s", sort, r.KnownAt, r.OccurredOn, p.KnownAt, p.OccurredOn)
			}
		}
		if len(found) != 14 || len(seen) != 14 {
			t.Errorf("%q: %d records, %d different, want 14", sort, len(found), len(seen))
		}
	}
	middle := all(everything, schema.RecordFilter{Sort: schema.RecordsByKnown})[6].KnownAt
	for name, c := range map[string]struct {
		bounds schema.Bounds
		filter schema.RecordFilter
		want   int
	}{
		"a county":             {in("330402"), schema.RecordFilter{}, 7},
		"nowhere":              {schema.Bounds{}, schema.RecordFilter{}, 0},
		"a source's":           {of("far"), schema.RecordFilter{}, 7},
		"no source's":          {of(), schema.RecordFilter{}, 0},
		"two sources'":         {of("far", "sample"), schema.RecordFilter{}, 14},
		"enterprise":           {everything, schema.RecordFilter{USCC: Code(2)}, 7},
		"enterprise, outside":  {in("330402"), schema.RecordFilter{USCC: Code(2)}, 0},
		"source":               {everything, schema.RecordFilter{Source: "far"}, 7},
		"source, not storable": {everything, schema.RecordFilter{Source: "\x00"}, 0},
		"kind":                 {everything, schema.RecordFilter{Kind: registry.KindComplaint}, 3},
		"state":                {everything, schema.RecordFilter{State: registry.StateVoided}, 1},
		"state, bounded":       {in("330402"), schema.RecordFilter{State: registry.StateVoided}, 0},
		"days":                 {everything, schema.RecordFilter{USCC: Code(1), From: Record(1, 1).OccurredOn, To: Record(1, 2).OccurredOn}, 4},
		"known from":           {everything, schema.RecordFilter{KnownFrom: middle}, 8},
		"known before":         {everything, schema.RecordFilter{KnownTil: middle}, 6},
	} {
		if got := all(c.bounds, c.filter); len(got) != c.want {
			t.Errorf("%s: %d records, want %d", name, len(got), c.want)
		}
	}
	next := must(db.RecordPage(ctx, everything, schema.RecordFilter{Limit: 1}))(t).Next
	for name, f := range map[string]schema.RecordFilter{"no order": {Sort: "uscc; DROP"}, "nonsense": {Cursor: "x"}, "of another order": {Cursor: next, Sort: schema.RecordsByDay}} {
		if _, err := db.RecordPage(ctx, everything, f); !errors.Is(err, schema.ErrCursor) {
			t.Errorf("%s: %v, want ErrCursor", name, err)
		}
	}
}

func recordsVoided(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	twoCounties(t, db)
	must(db.PutRecords(ctx, []registry.Record{Record(1, 0), Record(2, 0)}, now))(t)
	Ship(t, db)
	grade(t, db, schema.KindRecompute, Today(), false)
	void := func(bounds schema.Bounds, n, revision int) (schema.PutResult, error) {
		return db.VoidRecord(ctx, bounds, schema.VoidRequest{Source: "sample", SourceRef: Record(n, 0).SourceRef, Revision: revision, Reason: "sent by mistake"})
	}
	for name, bounds := range map[string]schema.Bounds{"another county": in("330402"), "another source": of("x"), "nowhere": {}} {
		if _, err := void(bounds, 2, 0); !errors.Is(err, schema.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
		if _, err := db.Revisions(ctx, bounds, "sample", Record(2, 0).SourceRef); !errors.Is(err, schema.ErrNotFound) {
			t.Errorf("%s, read: %v, want ErrNotFound", name, err)
		}
	}
	for _, ref := range []string{"none", "\x00"} {
		if _, err := db.VoidRecord(ctx, of("sample"), schema.VoidRequest{Source: "sample", SourceRef: ref}); !errors.Is(err, schema.ErrNotFound) {
			t.Errorf("%q: %v, want ErrNotFound", ref, err)
		}
	}
	if _, err := void(in("330402"), 1, 2); !errors.Is(err, schema.ErrRevision) {
		t.Errorf("a revision ahead: %v, want ErrRevision", err)
	}
	wantResult(t, "void", must(void(in("330402"), 1, 1))(t), schema.Changed, 2)
	if due := must(db.ChangesDue(ctx, Today(), time.Time{}))(t); !due {
		t.Error("no new grade is asked for")
	}
	if _, err := void(in("330402"), 1, 1); !errors.Is(err, schema.ErrRevision) {
		t.Errorf("a revision behind: %v, want ErrRevision", err)
	}
	wantResult(t, "void again", must(void(of("sample"), 1, 0))(t), schema.Unchanged, 2)
	history := must(db.Revisions(ctx, in("330402"), "sample", Record(1, 0).SourceRef))(t)
	if len(history) != 2 || history[0].Reason != "" || history[1].Reason != "sent by mistake" || history[1].Record.State != registry.StateVoided ||
		history[1].Record.Purpose != history[0].Record.Purpose {
		t.Errorf("history %+v", history)
	}
}

// receive receives a submission of chunks with so many lines each.
func receive(t *testing.T, db *schema.DB, id string, caller int64, lines ...int64) *schema.Submission {
	t.Helper()
	s := must(db.AddSubmission(t.Context(), schema.Submission{ID: id, CallerKind: access.Partner, CallerID: caller, Bounds: of("sample"), Source: "sample"}, time.Minute))(t)
	first := int64(1)
	for i, n := range lines {
		must(0, db.AddChunk(t.Context(), s, schema.Chunk{Number: i + 1, FirstLine: first, Lines: n, Bytes: 10 * n, Body: fmt.Sprintf("body %d", i+1)}))(t)
		first += n
	}
	return s
}

func partner(id int64) *access.Caller { return &access.Caller{Kind: access.Partner, ID: id} }

// told is a report of a chunk.
func told(text string) func(put []schema.PutResult) (string, schema.RowCounts, error) {
	return func(put []schema.PutResult) (string, schema.RowCounts, error) {
		var n schema.RowCounts
		for _, r := range put {
			n.Count(r.Outcome)
		}
		return text, n, nil
	}
}

func submissions(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	twoCounties(t, db)
	if _, err := db.ClaimSubmission(ctx, time.Minute); !errors.Is(err, schema.ErrNothingDue) {
		t.Errorf("nothing: %v, want ErrNothingDue", err)
	}
	s := receive(t, db, "sub_1", 7, 3, 2)
	if _, err := db.ClaimSubmission(ctx, time.Minute); !errors.Is(err, schema.ErrNothingDue) {
		t.Errorf("one that is being received: %v, want ErrNothingDue", err)
	}
	must(0, db.QueueSubmission(ctx, s))(t)
	if err := db.AddChunk(ctx, s, schema.Chunk{Number: 3}); !errors.Is(err, schema.ErrSubmissionEnded) {
		t.Errorf("a part behind the end: %v", err)
	}
	work := must(db.ClaimSubmission(ctx, time.Minute))(t)
	if work.ID != "sub_1" || work.State != schema.SubmissionRunning || work.Chunks != 2 || work.Lines != 5 || work.Bytes != 50 || work.Source != "sample" ||
		!slices.Equal(work.Bounds.Sources, []string{"sample"}) || !work.Bounds.Sight.All || work.StartedAt.IsZero() || work.ReceivedAt.IsZero() {
		t.Errorf("claimed %+v", work)
	}
	chunk := must(db.Chunk(ctx, work.ID, 2))(t)
	if chunk.Body != "body 2" || chunk.FirstLine != 4 || chunk.Results != "" {
		t.Errorf("chunk %+v", chunk)
	}
	foreign := Record(1, 1)
	foreign.Source = "foreign"
	must(0, db.PutChunk(ctx, work, 1, packed(t, Record(1, 0), foreign, Record(9, 0)), told("one")))(t)
	must(0, db.PutChunk(ctx, work, 2, packed(t, Record(1, 0), Record(1, 2)), told("two")))(t)
	must(0, db.EndSubmission(ctx, work, schema.SubmissionFinished, ""))(t)
	done := must(db.Submission(ctx, partner(7), "sub_1"))(t)
	want := schema.RowCounts{Rows: 5, Added: 2, Unchanged: 1, Waiting: 1, Refused: 1}
	if done.State != schema.SubmissionFinished || done.RowCounts != want || done.ChunksDone != 2 || done.EndedAt.IsZero() {
		t.Errorf("done %+v, want %+v", done, want)
	}
	if stored := must(db.RecordsOf(ctx, Code(1)))(t); len(stored) != 2 {
		t.Errorf("%d records, want 2", len(stored))
	}
	for outcome, want := range map[schema.PutOutcome]string{0: "one", schema.Refused: "one", schema.Unchanged: "two"} {
		if got := must(db.ResultChunk(ctx, "sub_1", 1, outcome))(t); got.Results != want || got.Body != "" {
			t.Errorf("results of %d: %+v, want %s", outcome, got, want)
		}
	}
	if _, err := db.ResultChunk(ctx, "sub_1", 2, schema.Refused); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("no refused row from part 2 on: %v", err)
	}
	submissionLists(t, db)
}

// submissionLists adds two of another caller and looks who sees what.
func submissionLists(t *testing.T, db *schema.DB) {
	t.Helper()
	ctx := t.Context()
	receive(t, db, "sub_2", 8, 1)
	receive(t, db, "sub_3", 8, 1)
	for name, c := range map[string]struct {
		owner *access.Caller
		state schema.SubmissionState
		want  []string
	}{
		"everybody's": {nil, "", []string{"sub_3", "sub_2", "sub_1"}},
		"its own":     {partner(8), "", []string{"sub_3", "sub_2"}},
		"by state":    {nil, schema.SubmissionFinished, []string{"sub_1"}},
		"nobody's":    {&access.Caller{Kind: access.Staff, ID: 8}, "", nil},
	} {
		var got []string
		for cursor := ""; ; {
			page := must(db.Submissions(ctx, c.owner, c.state, cursor, 1))(t)
			for i := range page.Items {
				got = append(got, page.Items[i].ID)
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	for _, id := range []string{"sub_1", "none", "\x00"} {
		if _, err := db.Submission(ctx, partner(8), id); !errors.Is(err, schema.ErrNotFound) {
			t.Errorf("%q of another: %v", id, err)
		}
	}
	if _, err := db.Submissions(ctx, nil, "", "x", 1); !errors.Is(err, schema.ErrCursor) {
		t.Errorf("cursor: %v", err)
	}
}

func submissionsEnded(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	cut := receive(t, db, "cut", 7, 1)
	must(0, db.CutSubmission(ctx, cut, "it broke off"))(t)
	if err := db.QueueSubmission(ctx, cut); !errors.Is(err, schema.ErrSubmissionEnded) {
		t.Errorf("queue one that was cut: %v", err)
	}
	if _, err := db.Chunk(ctx, "cut", 1); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("lines of one that was cut are kept: %v", err)
	}
	if s := must(db.Submission(ctx, nil, "cut"))(t); s.State != schema.SubmissionCut || s.Error != "it broke off" || s.EndedAt.IsZero() {
		t.Errorf("cut: %+v", s)
	}

	stale := must(db.AddSubmission(ctx, schema.Submission{ID: "stale", CallerKind: access.Partner, CallerID: 7, Bounds: of("a")}, -time.Second))(t)
	live := receive(t, db, "live", 7, 1)
	if n := must(db.CutSubmissions(ctx))(t); n != 1 {
		t.Errorf("%d cut, want the one whose server stopped", n)
	}
	if err := db.AddChunk(ctx, stale, schema.Chunk{Number: 1}); !errors.Is(err, schema.ErrSubmissionEnded) {
		t.Errorf("a part of one that was cut: %v", err)
	}

	for _, id := range []string{"live", "none"} {
		if err := db.CancelSubmission(ctx, partner(8), id); !errors.Is(err, schema.ErrNotFound) {
			t.Errorf("cancel another's %s: %v", id, err)
		}
	}
	must(0, db.CancelSubmission(ctx, partner(7), "live"))(t)
	if err := db.CancelSubmission(ctx, partner(7), "live"); !errors.Is(err, schema.ErrSubmissionEnded) {
		t.Errorf("cancel twice: %v", err)
	}
	if err := db.AddChunk(ctx, live, schema.Chunk{Number: 2}); !errors.Is(err, schema.ErrSubmissionEnded) {
		t.Errorf("a part of one that was cancelled: %v", err)
	}

	must(0, db.QueueSubmission(ctx, receive(t, db, "open", 7, 1)))(t)
	if n := must(db.PruneSubmissions(ctx, time.Now().Add(-time.Hour)))(t); n != 0 {
		t.Errorf("%d of today are gone", n)
	}
	if n := must(db.PruneSubmissions(ctx, time.Now().Add(time.Hour)))(t); n != 3 {
		t.Errorf("%d went, want the three that ended", n)
	}
	for n := 1; n < schema.MaxOpenSubmissions; n++ {
		receive(t, db, fmt.Sprintf("many_%d", n), 7)
	}
	if _, err := db.AddSubmission(ctx, schema.Submission{ID: "over", CallerKind: access.Partner, CallerID: 7}, time.Minute); !errors.Is(err, schema.ErrManySubmissions) {
		t.Errorf("one too many: %v", err)
	}
	receive(t, db, "another's", 8)
}

func packed(t *testing.T, records ...registry.Record) []schema.PackedRecord {
	t.Helper()
	return must(schema.PackRecords(records))(t)
}

// submissionCut: many rows are taken for new, but those whose keys the chunk before had. No chunk is decided twice because of them.
func submissionCut(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	must(db.PutEnterprises(ctx, Enterprises(0, 60), now))(t)
	must(0, db.QueueSubmission(ctx, receive(t, db, "sub_1", 7, 200, 201, 200)))(t)
	work := must(db.ClaimSubmission(ctx, time.Minute))(t)
	rows := Records(0, 60, 10)
	last := rows[199]
	last.State = registry.StateVoided
	rows = slices.Insert(rows, 203, last) // soon after the cut, where no sample is taken, another revision of the last row before it
	for number, bounds := range [][2]int{{0, 200}, {200, 401}, {401, 601}} {
		decided := 0
		report := func(put []schema.PutResult) (string, schema.RowCounts, error) {
			decided++
			return told("done")(put)
		}
		must(0, db.PutChunk(ctx, work, number+1, packed(t, rows[bounds[0]:bounds[1]]...), report))(t)
		if decided != 1 {
			t.Errorf("chunk %d was decided %d times", number+1, decided)
		}
	}
	if want := (schema.RowCounts{Rows: 601, Added: 600, Changed: 1}); work.RowCounts != want {
		t.Errorf("%+v, want %+v", work.RowCounts, want)
	}
	second := func(r registry.Record) bool {
		return r.SourceRef == last.SourceRef && r.Revision == 2 && r.State == registry.StateVoided
	}
	if chain := must(db.RecordsOf(ctx, last.USCC))(t); !slices.ContainsFunc(chain, second) {
		t.Errorf("%+v, want a second revision of %s", chain, last.SourceRef)
	}
}

func submissionFence(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	twoCounties(t, db)
	must(0, db.QueueSubmission(ctx, receive(t, db, "sub_1", 7, 1, 1, 1)))(t)
	old := must(db.ClaimSubmission(ctx, -time.Second))(t) // its lease has run out already
	must(0, db.PutChunk(ctx, old, 1, packed(t, Record(1, 0)), told("one")))(t)
	next := must(db.ClaimSubmission(ctx, time.Minute))(t)
	if next.ChunksDone != 1 || next.Added != 1 || !next.StartedAt.Equal(old.StartedAt) {
		t.Errorf("taken up: %+v", next)
	}
	if err := db.PutChunk(ctx, old, 2, packed(t, Record(1, 1)), told("lost")); !errors.Is(err, schema.ErrLeaseLost) {
		t.Errorf("the old worker stored: %v", err)
	}
	if err := db.PutChunk(ctx, next, 3, packed(t, Record(1, 2)), told("ahead")); !errors.Is(err, schema.ErrLeaseLost) {
		t.Errorf("a part out of order: %v", err)
	}
	if err := db.PutChunk(ctx, next, 2, packed(t, Record(1, 1)), func([]schema.PutResult) (string, schema.RowCounts, error) {
		return "", schema.RowCounts{}, errors.New("no room")
	}); err == nil {
		t.Error("a part without results was stored")
	}
	if stored := must(db.RecordsOf(ctx, Code(1)))(t); len(stored) != 1 {
		t.Fatalf("%d records, want the one of the first part: a part is stored whole or not at all", len(stored))
	}
	must(0, db.PutChunk(ctx, next, 2, packed(t, Record(1, 1)), told("two")))(t)
	must(0, db.CancelSubmission(ctx, partner(7), "sub_1"))(t)
	if err := db.PutChunk(ctx, next, 3, packed(t, Record(1, 2)), told("three")); !errors.Is(err, schema.ErrLeaseLost) {
		t.Errorf("stored after it was cancelled: %v", err)
	}
	if err := db.EndSubmission(ctx, next, schema.SubmissionFinished, ""); !errors.Is(err, schema.ErrLeaseLost) {
		t.Errorf("finished after it was cancelled: %v", err)
	}
	if s := must(db.Submission(ctx, nil, "sub_1"))(t); s.State != schema.SubmissionCancelled || s.Added != 2 {
		t.Errorf("cancelled: %+v", s)
	}
	if _, err := db.Chunk(ctx, "sub_1", 3); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("lines that will not be stored are kept: %v", err)
	}
	must(0, db.QueueSubmission(ctx, receive(t, db, "sub_2", 7, 1)))(t)
	held := must(db.ClaimSubmission(ctx, time.Minute))(t)
	must(0, db.ReleaseSubmission(ctx, held))(t)
	if again := must(db.ClaimSubmission(ctx, time.Minute))(t); again.ID != "sub_2" {
		t.Errorf("given back, then %+v", again)
	}
}

func submissionRaces(t *testing.T, fresh Opener) {
	config := fresh(t)
	db := Reopen(t, config)
	for n := range 3 {
		must(0, db.QueueSubmission(t.Context(), receive(t, db, fmt.Sprintf("sub_%d", n), 7, 1)))(t)
	}
	claimed := atOnce(t, config, func(db *schema.DB) (string, error) {
		s, err := db.ClaimSubmission(t.Context(), time.Minute)
		if errors.Is(err, schema.ErrNothingDue) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		return s.ID, nil
	})
	seen := map[string]bool{}
	for _, id := range claimed {
		if id != "" && seen[id] {
			t.Errorf("%s was taken twice", id)
		}
		seen[id] = true
	}
	delete(seen, "")
	if len(seen) == 0 {
		t.Error("nobody took anything")
	}
}

// atOnce runs work several times at once over handles of its own and returns what each gave.
func atOnce(t *testing.T, config schema.Config, work func(*schema.DB) (string, error)) []string {
	t.Helper()
	results := make(chan string, 16)
	for range 4 {
		db := Reopen(t, config)
		for range 4 {
			go func() {
				got, err := work(db)
				if err != nil {
					t.Errorf("at once: %v", err)
				}
				results <- got
			}()
		}
	}
	all := make([]string, 16)
	for i := range all {
		all[i] = <-results
	}
	return all
}

func keyed(caller int64, key, fingerprint string) *schema.IdempotentRequest {
	return &schema.IdempotentRequest{CallerKind: access.Partner, CallerID: caller, Key: key, Fingerprint: fingerprint}
}

func idempotency(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	begin := func(r *schema.IdempotentRequest, longest time.Duration) (*schema.IdempotentAnswer, error) {
		return db.BeginIdempotent(ctx, r, longest)
	}
	first := keyed(7, "k", "a")
	if kept := must(begin(first, time.Minute))(t); kept != nil {
		t.Fatalf("a new key has the answer %+v", kept)
	}
	for name, c := range map[string]struct {
		request *schema.IdempotentRequest
		longest time.Duration
		want    error
	}{
		"the same, under way":         {keyed(7, "k", "a"), time.Minute, schema.ErrKeyRunning},
		"the same, its process died":  {keyed(7, "k", "a"), -time.Minute, schema.ErrKeyUnknown},
		"another body":                {keyed(7, "k", "b"), time.Minute, schema.ErrKeyReused},
		"another caller, another key": {keyed(8, "k", "b"), time.Minute, nil},
		"another key":                 {keyed(7, "l", "b"), time.Minute, nil},
	} {
		if _, err := begin(c.request, c.longest); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if err := db.EndIdempotent(ctx, keyed(7, "k", "a"), schema.IdempotentAnswer{Status: 201}); err == nil {
		t.Error("who did not begin it ended it")
	}
	must(0, db.EndIdempotent(ctx, first, schema.IdempotentAnswer{Status: 201, Answer: "sealed"}))(t)
	if kept := must(begin(keyed(7, "k", "a"), time.Minute))(t); kept == nil || *kept != (schema.IdempotentAnswer{Status: 201, Answer: "sealed"}) {
		t.Errorf("answered: %+v", kept)
	}
	if _, err := begin(keyed(7, "k", "b"), time.Minute); !errors.Is(err, schema.ErrKeyReused) {
		t.Errorf("another body after the answer: %v", err)
	}
	failed := keyed(7, "m", "a")
	must(begin(failed, time.Minute))(t)
	must(0, db.DropIdempotent(ctx, failed))(t)
	if kept := must(begin(keyed(7, "m", "a"), time.Minute))(t); kept != nil {
		t.Errorf("given back, then %+v", kept)
	}
	if n := must(db.PruneIdempotent(ctx, time.Now().Add(-time.Hour)))(t); n != 0 {
		t.Errorf("%d keys of today are gone", n)
	}
	if n := must(db.PruneIdempotent(ctx, time.Now().Add(time.Hour)))(t); n != 4 {
		t.Errorf("%d went, want 4", n)
	}
}

func idempotencyRaces(t *testing.T, fresh Opener) {
	began := 0
	for _, got := range atOnce(t, fresh(t), func(db *schema.DB) (string, error) {
		switch _, err := db.BeginIdempotent(t.Context(), keyed(7, "k", "a"), time.Minute); {
		case err == nil:
			return "began", nil
		case errors.Is(err, schema.ErrKeyRunning):
			return "", nil
		default:
			return "", err
		}
	}) {
		if got == "began" {
			began++
		}
	}
	if began != 1 {
		t.Errorf("%d began, want one", began)
	}
}
