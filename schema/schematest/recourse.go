package schematest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/supervision"
)

// recourseCases are about what enterprises ask for.
var recourseCases = []suiteCase{
	{"recourses: an objection, and its record, step by step", objections},
	{"recourses: a source does not undo a decision", decisionsKept},
	{"recourses: a repair, told, and revoked", repairs},
	{"recourses: an appeal turns a decision round", appeals},
	{"recourses: replies", replies},
	{"recourses: pages by sight, filter and order", recoursePages},
	{"recourse: against a notice and an entry of a list", listingObjections},
	{"recourses: time ends publications and what was returned", recoursesLapse},
	{"recourses: of two who act at once one is taken", recourseRaces},
}

// bench is a database with two enterprises, and a way to file and step.
type bench struct {
	*schema.DB
	tb    testing.TB
	today registry.Day
	count int
}

func newBench(t *testing.T, fresh Opener) *bench {
	t.Helper()
	b := &bench{DB: Open(t, fresh), tb: t, today: Today()}
	far := Enterprise(1)
	far.RegionCode = "330481001"
	must(b.PutEnterprises(t.Context(), []registry.Enterprise{Enterprise(0), far}, schema.PutOptions{}))(t)
	return b
}

// failed is a failed spot check, penalised a penalty, of the first enterprise.
func (b *bench) failed(ref string, severity registry.Severity) registry.Record {
	r := Record(0, 0)
	r.SourceRef, r.Outcome, r.Severity, r.OccurredOn = ref, registry.OutcomeFail, severity, b.today-10
	r.Detail = &registry.SpotCheck{}
	if severity == registry.SeverityCritical {
		r.Detail = &registry.SpotCheck{Cause: registry.CauseForged}
	}
	return r
}

func (b *bench) penalised(ref string, on registry.Day, severity registry.Severity) registry.Record {
	return registry.Record{USCC: Code(0), Source: "law", SourceRef: ref, Kind: registry.KindPenalty, Outcome: registry.OutcomeImposed, Severity: severity, OccurredOn: on,
		State: registry.StateFinal, Detail: &registry.Penalty{LegalBasis: "art. " + ref}}
}

func (b *bench) put(records ...registry.Record) []schema.PutResult {
	b.tb.Helper()
	return must(b.PutRecords(b.tb.Context(), records, schema.PutOptions{}))(b.tb)
}

// newest returns the newest revision of a record of the first enterprise.
func (b *bench) newest(ref string) registry.Record {
	b.tb.Helper()
	var found registry.Record
	for _, r := range must(b.RecordsOf(b.tb.Context(), Code(0)))(b.tb) {
		if r.SourceRef == ref {
			found = r
		}
	}
	return found
}

func (b *bench) filing(kind supervision.Kind, source, ref string, against int64) schema.RecourseFiling {
	return schema.RecourseFiling{USCC: Code(0), Kind: kind, Source: source, SourceRef: ref, Against: against, Text: "why", Duties: true, By: "own", On: b.today, Days: supervision.China()}
}

func (b *bench) file(kind supervision.Kind, source, ref string, against int64) *schema.Recourse {
	b.tb.Helper()
	return must(b.FileRecourse(b.tb.Context(), b.filing(kind, source, ref, against)))(b.tb)
}

func (b *bench) step(id int64, step supervision.Step, by string, outcome supervision.Outcome, how supervision.Correction) (*schema.Recourse, error) {
	side := supervision.Officer
	if step == supervision.Withdraw || step == supervision.Complete {
		side = supervision.Author
	}
	act := schema.RecourseAct{Act: supervision.Act{Step: step, By: by, Side: side, On: b.today, Outcome: outcome, Reason: "because"}, Correction: how}
	return b.StepRecourse(b.tb.Context(), access.Everything(), id, act, supervision.China())
}

// decided accepts and decides.
func (b *bench) decided(id int64, by string, outcome supervision.Outcome) *schema.Recourse {
	b.tb.Helper()
	must(b.step(id, supervision.Accept, by, "", supervision.Correction{}))(b.tb)
	return must(b.step(id, supervision.Decide, by, outcome, supervision.Correction{}))(b.tb)
}

func (b *bench) stands(ref string) bool {
	b.tb.Helper()
	for _, r := range registry.Standing(must(b.RecordsOf(b.tb.Context(), Code(0)))(b.tb), b.today) {
		if r.SourceRef == ref {
			return true
		}
	}
	return false
}

func objections(t *testing.T, fresh Opener) {
	b := newBench(t, fresh)
	b.put(b.failed("void", registry.SeverityMajor), b.failed("amend", registry.SeverityMajor), b.failed("keep", registry.SeverityMajor), b.failed("withdraw", registry.SeverityMinor),
		b.failed("critical", registry.SeverityCritical))
	for ref, c := range map[string]struct {
		outcome supervision.Outcome
		how     supervision.Correction
		state   registry.State
		worst   registry.Severity
		stands  bool
	}{
		"void":  {supervision.Upheld, supervision.Correction{}, registry.StateVoided, registry.SeverityMajor, false},
		"amend": {supervision.Partly, supervision.Correction{Severity: registry.SeverityMinor}, registry.StateFinal, registry.SeverityMinor, true},
		"keep":  {supervision.Dismissed, supervision.Correction{}, registry.StateFinal, registry.SeverityMajor, true},
	} {
		filed := b.file(supervision.Objection, "sample", ref, 0)
		if filed.State != supervision.Filed || filed.USCC != Code(0) || filed.Name == "" || len(filed.Steps) != 1 || filed.Due <= b.today {
			t.Fatalf("%s: %+v", ref, filed)
		}
		if r := b.newest(ref); r.State != registry.StateProvisional || r.ProvisionalUntil != 0 || r.Revision != 2 || b.stands(ref) {
			t.Errorf("%s while it is contested: %+v", ref, r)
		}
		must(b.step(filed.ID, supervision.Accept, "zhang", "", supervision.Correction{}))(t)
		done := must(b.step(filed.ID, supervision.Decide, "zhang", c.outcome, c.how))(t)
		if done.State != supervision.Decided || done.Outcome != c.outcome || len(done.Steps) != 3 || done.Steps[2].Reason != "because" || done.Steps[2].Actor != "zhang" {
			t.Errorf("%s decided: %+v", ref, done)
		}
		if r := b.newest(ref); r.State != c.state || r.Severity != c.worst || r.Revision != 3 || b.stands(ref) != c.stands {
			t.Errorf("%s decided: %+v", ref, r)
		}
		if _, err := b.FileRecourse(t.Context(), b.filing(supervision.Objection, "sample", ref, 0)); !errors.Is(err, schema.ErrFiled) {
			t.Errorf("%s, again: %v", ref, err)
		}
	}
	withdrawn := b.file(supervision.Objection, "sample", "withdraw", 0)
	must(b.step(withdrawn.ID, supervision.Withdraw, "own", "", supervision.Correction{}))(t)
	if !b.stands("withdraw") {
		t.Error("a withdrawn objection keeps its record from counting")
	}
	b.file(supervision.Objection, "sample", "critical", 0)
	if r := b.newest("critical"); r.Revision != 1 || !b.stands("critical") {
		t.Errorf("a critical failure counts while it is contested: %+v", r)
	}
	b.audited(map[string]int{"recourse.file": 5, "recourse.accept": 3, "recourse.decide": 3, "recourse.withdraw": 1})
	b.refused()
}

// audited checks how many lines of each action about recourses the audit log has, and that no text is among them.
func (b *bench) audited(want map[string]int) {
	b.tb.Helper()
	got := map[string]int{}
	err := b.AuditLines(b.tb.Context(), 0, 1000, func(_ int64, line []byte, _ string) error {
		var l schema.AuditLine
		if err := json.Unmarshal(line, &l); err != nil {
			return err
		}
		if l.Noun == "recourse" {
			got[l.Action]++
			if l.USCC != Code(0) || strings.Contains(string(line), "because") || strings.Contains(string(line), "why") {
				b.tb.Errorf("line: %s", line)
			}
		}
		return nil
	})
	if err != nil || !maps.Equal(got, want) {
		b.tb.Errorf("audited %v, want %v: %v", got, want, err)
	}
}

func (b *bench) refused() {
	b.tb.Helper()
	open := b.failed("open", registry.SeverityMajor)
	b.put(open)
	id := b.file(supervision.Objection, "sample", "open", 0).ID
	late, foreign := b.filing(supervision.Objection, "sample", "keep", 0), b.filing(supervision.Objection, "sample", "keep", 0)
	late.On += 40
	foreign.USCC = Code(1)
	zero := b.filing(supervision.Objection, "sample", "a\x00", 0)
	for name, c := range map[string]struct {
		filing schema.RecourseFiling
		want   error
	}{
		"one is open":       {b.filing(supervision.Objection, "sample", "open", 0), schema.ErrFiled},
		"no such record":    {b.filing(supervision.Objection, "sample", "none", 0), schema.ErrNoRecord},
		"another's record":  {foreign, schema.ErrNoRecord},
		"a zero byte":       {zero, schema.ErrNoRecord},
		"not repairable":    {b.filing(supervision.Repair, "sample", "withdraw", 0), supervision.ErrNotRepairable},
		"an appeal too far": {b.filing(supervision.Appeal, "", "", 99), schema.ErrNotFound},
		"nothing decided":   {b.filing(supervision.Appeal, "", "", id), supervision.ErrStep},
		"no grade":          {b.filing(supervision.Appeal, "", "", 0), supervision.ErrRecord},
	} {
		if _, err := b.FileRecourse(b.tb.Context(), c.filing); !errors.Is(err, c.want) {
			b.tb.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	must(b.step(id, supervision.Accept, "zhang", "", supervision.Correction{}))(b.tb)
	for name, how := range map[string]supervision.Correction{"nothing changes": {Severity: registry.SeverityMajor}, "no such outcome": {Outcome: registry.OutcomeGranted}} {
		var problems registry.Problems
		if _, err := b.step(id, supervision.Decide, "zhang", supervision.Partly, how); !errors.Is(err, schema.ErrCannotCount) || !errors.As(err, &problems) {
			b.tb.Errorf("%s: %v", name, err)
		}
	}
	if r := b.newest("open"); r.State != registry.StateProvisional {
		b.tb.Errorf("a decision that failed left a trace: %+v", r)
	}
	if _, err := b.StepRecourse(b.tb.Context(), access.Sight{Owns: []registry.USCC{Code(1)}}, id, schema.RecourseAct{}, supervision.China()); !errors.Is(err, schema.ErrNotFound) {
		b.tb.Errorf("outside the sight: %v", err)
	}
}

func decisionsKept(t *testing.T, fresh Opener) {
	b := newBench(t, fresh)
	voided, open, amended := b.failed("voided", registry.SeverityMajor), b.failed("open", registry.SeverityMajor), b.failed("amended", registry.SeverityMajor)
	repaired := b.penalised("repaired", b.today-200, registry.SeverityMajor)
	b.put(voided, open, amended, repaired)
	b.decided(b.file(supervision.Objection, "sample", "voided", 0).ID, "zhang", supervision.Upheld)
	b.file(supervision.Objection, "sample", "open", 0)
	b.decided(b.file(supervision.Repair, "law", "repaired", 0).ID, "zhang", supervision.Granted)
	id := b.file(supervision.Objection, "sample", "amended", 0).ID
	must(b.step(id, supervision.Accept, "zhang", "", supervision.Correction{}))(t)
	must(b.step(id, supervision.Decide, "zhang", supervision.Upheld, supervision.Correction{Severity: registry.SeverityMinor}))(t)

	for i, r := range b.put(voided, open, amended, repaired) {
		if r.Outcome != schema.Unchanged {
			t.Errorf("row %d sent again: %+v", i, r)
		}
	}
	change := func(r registry.Record, how func(*registry.Record)) registry.Record { how(&r); return r }
	worse := func(r *registry.Record) { r.RectifyBy = r.OccurredOn + 60 }
	for name, c := range map[string]struct {
		record registry.Record
		want   schema.PutOutcome
	}{
		"a voided one comes back changed":      {change(voided, worse), schema.Refused},
		"a repaired one comes back changed":    {change(repaired, worse), schema.Refused},
		"a contested one is made to count":     {change(open, worse), schema.Refused},
		"a contested one is set to end":        {change(open, func(r *registry.Record) { r.State, r.ProvisionalUntil = registry.StateProvisional, b.today+1 }), schema.Refused},
		"an amended one has something new":     {change(amended, worse), schema.Changed},
		"a repaired one, still so, is amended": {change(repaired, func(r *registry.Record) { worse(r); r.State = registry.StateRepaired }), schema.Changed},
	} {
		if r := b.put(c.record)[0]; r.Outcome != c.want || c.want == schema.Refused && r.Problem.Field != "state" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	open.State = registry.StateVoided
	if r := b.put(open)[0]; r.Outcome != schema.Changed {
		t.Errorf("voided by its own source: %+v", r)
	}
}

func repairs(t *testing.T, fresh Opener) {
	b := newBench(t, fresh)
	b.put(b.penalised("1", b.today-200, registry.SeverityMajor), b.penalised("2", b.today-20, registry.SeverityMajor))
	if _, err := b.FileRecourse(t.Context(), b.filing(supervision.Repair, "law", "2", 0)); !errors.Is(err, supervision.ErrTooEarly) {
		t.Errorf("too early: %v", err)
	}
	lazy := b.filing(supervision.Repair, "law", "1", 0)
	lazy.Duties = false
	if _, err := b.FileRecourse(t.Context(), lazy); !errors.Is(err, supervision.ErrDuties) {
		t.Errorf("duties: %v", err)
	}
	id := b.file(supervision.Repair, "law", "1", 0).ID
	if !b.stands("1") {
		t.Error("a repair that was only asked for counts already")
	}
	b.decided(id, "zhang", supervision.Granted)
	if r := b.newest("1"); r.State != registry.StateRepaired || r.Revision != 2 || b.stands("1") {
		t.Errorf("repaired: %+v", r)
	}
	due := must(b.ChangesDue(t.Context(), b.today, must(b.Know(t.Context()))(t)))(t)
	if !due {
		t.Error("nobody is graded again")
	}
	b.told(1)
	after := must(b.step(id, supervision.Revoke, "li", "", supervision.Correction{}))(t)
	if r := b.newest("1"); r.State != registry.StateFinal || !b.stands("1") || after.RevokedOn != b.today {
		t.Errorf("revoked: %+v, %+v", r, after)
	}
	if _, err := b.FileRecourse(t.Context(), b.filing(supervision.Repair, "law", "1", 0)); !errors.Is(err, supervision.ErrTooEarly) {
		t.Errorf("after fraud the clock starts again: %v", err)
	}
	b.asked()
}

// told checks that partners are told of n repairs, and nothing of what the records said.
func (b *bench) told(n int) {
	b.tb.Helper()
	must(b.SequenceChanges(b.tb.Context()))(b.tb)
	page := must(b.Changes(b.tb.Context(), access.Everything(), 0, []string{schema.TopicRepairGranted}, 100))(b.tb)
	if len(page.Items) != n {
		b.tb.Fatalf("%d changes, want %d", len(page.Items), n)
	}
	want := `{"uscc":"` + string(Code(0)) + `","source":"law","source_ref":"1","on":"` + b.today.String() + `"}`
	if got := string(page.Items[0].Data); got != want {
		b.tb.Errorf("told %s, want %s", got, want)
	}
}

// asked checks that what was fulfilled on the day of filing must still be on the day of the decision.
func (b *bench) asked() {
	b.tb.Helper()
	b.put(b.penalised("3", b.today-200, registry.SeverityMajor))
	id := b.file(supervision.Repair, "law", "3", 0).ID
	again := b.penalised("4", b.today-1, registry.SeverityMinor)
	again.Detail = &registry.Penalty{LegalBasis: "art. 3"}
	b.put(again)
	must(b.step(id, supervision.Accept, "zhang", "", supervision.Correction{}))(b.tb)
	if _, err := b.step(id, supervision.Decide, "zhang", supervision.Granted, supervision.Correction{}); !errors.Is(err, supervision.ErrAgain) {
		b.tb.Errorf("a second penalty came meanwhile: %v", err)
	}
	must(b.step(id, supervision.Decide, "zhang", supervision.Refused, supervision.Correction{}))(b.tb)
}

func appeals(t *testing.T, fresh Opener) {
	b := newBench(t, fresh)
	b.put(b.failed("1", registry.SeverityMajor), b.penalised("p", b.today-200, registry.SeverityMajor))
	objection := b.file(supervision.Objection, "sample", "1", 0).ID
	b.decided(objection, "zhang", supervision.Dismissed)
	appeal := b.file(supervision.Appeal, "", "", objection)
	if about := must(b.Recourse(t.Context(), access.Everything(), objection))(t); about.State != supervision.Appealed || len(about.Steps) != 4 {
		t.Errorf("taken over: %+v", about)
	}
	must(b.step(appeal.ID, supervision.Accept, "zhang", "", supervision.Correction{}))(t)
	if _, err := b.step(appeal.ID, supervision.Decide, "zhang", supervision.Upheld, supervision.Correction{}); !errors.Is(err, supervision.ErrSame) {
		t.Errorf("decided by who decided before: %v", err)
	}
	must(b.step(appeal.ID, supervision.Decide, "li", supervision.Upheld, supervision.Correction{}))(t)
	if about := must(b.Recourse(t.Context(), access.Everything(), objection))(t); about.Outcome != supervision.Upheld || about.Steps[4].Actor != "li" {
		t.Errorf("turned round: %+v", about)
	}
	if r := b.newest("1"); r.State != registry.StateVoided {
		t.Errorf("the record: %+v", r)
	}
	if _, err := b.FileRecourse(t.Context(), b.filing(supervision.Appeal, "", "", objection)); err == nil {
		t.Error("a second appeal")
	}
	repair := b.file(supervision.Repair, "law", "p", 0).ID
	b.decided(repair, "zhang", supervision.Refused)
	b.decided(b.file(supervision.Appeal, "", "", repair).ID, "li", supervision.Upheld)
	if r := b.newest("p"); r.State != registry.StateRepaired {
		t.Errorf("repaired on appeal: %+v", r)
	}
}

func replies(t *testing.T, fresh Opener) {
	b := newBench(t, fresh)
	if said := must(b.PublishedReply(t.Context(), Code(0)))(t); said != nil {
		t.Fatalf("said without a word: %+v", said)
	}
	first := b.file(supervision.Reply, "", "", 0)
	if said := must(b.PublishedReply(t.Context(), Code(0)))(t); said == nil || said.ID != first.ID || said.Text != "why" {
		t.Fatalf("published: %+v", said)
	}
	if _, err := b.FileRecourse(t.Context(), b.filing(supervision.Reply, "", "", 0)); !errors.Is(err, schema.ErrFiled) {
		t.Errorf("a second one: %v", err)
	}
	must(b.step(first.ID, supervision.Hide, "zhang", "", supervision.Correction{}))(t)
	if said := must(b.PublishedReply(t.Context(), Code(0)))(t); said != nil {
		t.Errorf("hidden: %+v", said)
	}
	appeal := b.file(supervision.Appeal, "", "", first.ID).ID
	if _, err := b.FileRecourse(t.Context(), b.filing(supervision.Reply, "", "", 0)); !errors.Is(err, schema.ErrFiled) {
		t.Errorf("another one while an appeal is open: %v", err)
	}
	b.decided(appeal, "li", supervision.Upheld)
	if said := must(b.PublishedReply(t.Context(), Code(0)))(t); said == nil || said.ID != first.ID {
		t.Errorf("published again: %+v", said)
	}
	must(b.step(first.ID, supervision.Withdraw, "own", "", supervision.Correction{}))(t)
	b.file(supervision.Reply, "", "", 0)
	for {
		_, err := b.FileRecourse(t.Context(), b.filing(supervision.Objection, "sample", b.fresh(), 0))
		if errors.Is(err, schema.ErrManyRecourses) {
			break
		}
		must(0, err)(t)
	}
	page := must(b.RecoursePage(t.Context(), access.Everything(), schema.RecourseFilter{Limit: 500}))(t)
	if len(page.Items) != schema.MaxRecoursesADay {
		t.Errorf("%d filed on a day", len(page.Items))
	}
}

// fresh stores another record to object to and returns its number.
func (b *bench) fresh() string {
	b.tb.Helper()
	b.count++
	ref := fmt.Sprintf("fresh-%d", b.count)
	b.put(b.failed(ref, registry.SeverityMinor))
	return ref
}

func recoursePages(t *testing.T, fresh Opener) {
	b := newBench(t, fresh)
	var ids []int64
	for _, ref := range []string{"1", "2", "3", "4", "5"} {
		b.put(b.failed(ref, registry.SeverityMinor))
		ids = append(ids, b.file(supervision.Objection, "sample", ref, 0).ID)
	}
	other := b.filing(supervision.Reply, "", "", 0)
	other.USCC = Code(1)
	ids = append(ids, must(b.FileRecourse(t.Context(), other))(t).ID)
	must(b.step(ids[1], supervision.Accept, "zhang", "", supervision.Correction{}))(t)
	must(b.step(ids[2], supervision.Withdraw, "own", "", supervision.Correction{}))(t)
	read := func(sight access.Sight, f schema.RecourseFilter) (found []int64) {
		for f.Limit = 2; ; {
			page := must(b.RecoursePage(t.Context(), sight, f))(t)
			for i := range page.Items {
				found = append(found, page.Items[i].ID)
			}
			if f.Cursor = page.Next; f.Cursor == "" {
				return found
			}
		}
	}
	everything, tomorrow := access.Everything(), b.today+60
	for name, c := range map[string]struct {
		sight  access.Sight
		filter schema.RecourseFilter
		want   []int
	}{
		"newest first":      {everything, schema.RecourseFilter{}, []int{5, 4, 3, 2, 1, 0}},
		"oldest first":      {everything, schema.RecourseFilter{Sort: schema.RecourseOldest}, []int{0, 1, 2, 3, 4, 5}},
		"due first":         {everything, schema.RecourseFilter{Sort: schema.RecourseDue}, []int{0, 3, 4, 1, 2, 5}},
		"replies":           {everything, schema.RecourseFilter{Kind: supervision.Reply}, []int{5}},
		"accepted":          {everything, schema.RecourseFilter{State: supervision.Accepted}, []int{1}},
		"overdue one day":   {everything, schema.RecourseFilter{Overdue: tomorrow, Sort: schema.RecourseDue}, []int{0, 3, 4, 1}},
		"not overdue today": {everything, schema.RecourseFilter{Overdue: b.today}, nil},
		"a county":          {everything, schema.RecourseFilter{Region: "330481"}, []int{5}},
		"an enterprise":     {everything, schema.RecourseFilter{USCC: Code(1)}, []int{5}},
		"seen by a county":  {access.Sight{Regions: access.RegionsOf("330481")}, schema.RecourseFilter{}, []int{5}},
		"seen by its own":   {access.Sight{Owns: []registry.USCC{Code(0)}}, schema.RecourseFilter{Sort: schema.RecourseOldest}, []int{0, 1, 2, 3, 4}},
		"seen by nobody":    {access.Sight{}, schema.RecourseFilter{}, nil},
		"not in another's":  {access.Sight{Owns: []registry.USCC{Code(0)}}, schema.RecourseFilter{USCC: Code(1)}, nil},
	} {
		got := read(c.sight, c.filter)
		same := len(got) == len(c.want)
		for i := range got {
			same = same && got[i] == ids[c.want[i]]
		}
		if !same {
			t.Errorf("%s: %v, want places %v of %v", name, got, c.want, ids)
		}
	}
	for _, cursor := range []string{"x", "[]", `{"s":"id","k":1,"i":1}`} {
		if _, err := b.RecoursePage(t.Context(), everything, schema.RecourseFilter{Cursor: cursor}); !errors.Is(err, schema.ErrCursor) {
			t.Errorf("cursor %s: %v", cursor, err)
		}
	}
	if _, err := b.Recourse(t.Context(), access.Sight{Owns: []registry.USCC{Code(1)}}, ids[0]); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("another's: %v", err)
	}
}

func recoursesLapse(t *testing.T, fresh Opener) {
	b := newBench(t, fresh)
	b.put(b.failed("1", registry.SeverityMajor), b.penalised("minor", b.today-100, registry.SeverityMinor), b.penalised("major", b.today-100, registry.SeverityMajor),
		b.penalised("1", b.today-400, registry.SeverityMajor))
	id := b.file(supervision.Objection, "sample", "1", 0).ID
	must(b.step(id, supervision.Return, "zhang", "", supervision.Correction{}))(t)
	if n := must(b.LapseRecourses(t.Context(), b.today, supervision.China()))(t); n != 0 {
		t.Errorf("%d lapsed in time", n)
	}
	for _, want := range []int{1, 0} {
		if n := must(b.LapseRecourses(t.Context(), b.today+40, supervision.China()))(t); n != want {
			t.Errorf("%d lapsed, want %d", n, want)
		}
	}
	if r := must(b.Recourse(t.Context(), access.Everything(), id))(t); r.State != supervision.Lapsed || r.Steps[2].Actor != "system" {
		t.Errorf("lapsed: %+v", r)
	}
	for _, want := range []int{2, 0} {
		if n := must(b.EndPublications(t.Context(), b.today))(t); n != want {
			t.Errorf("%d publications ended, want %d", n, want)
		}
	}
	for ref, want := range map[string]bool{"minor": false, "major": true} {
		if b.stands(ref) != want {
			t.Errorf("%s stands: %t", ref, !want)
		}
	}
	if r := b.put(b.penalised("minor", b.today-100, registry.SeverityMinor))[0]; r.Outcome != schema.Unchanged {
		t.Errorf("its source brings it back: %+v", r)
	}
	must(b.SequenceChanges(t.Context()))(t)
	if page := must(b.Changes(t.Context(), access.Everything(), 0, []string{schema.TopicRepairGranted}, 100))(t); len(page.Items) != 2 || !strings.Contains(string(page.Items[0].Data), `"law"`) {
		t.Errorf("told: %+v", page.Items)
	}
	var many []registry.Record
	for i := range 1203 { // more than one batch
		many = append(many, b.penalised("m"+string(rune('0'+i%10))+"-"+strings.Repeat("x", i/10), b.today-100, registry.SeverityMinor))
	}
	b.put(many...)
	if n := must(b.EndPublications(t.Context(), b.today))(t); n != 1203 {
		t.Errorf("%d of 1203 ended", n)
	}
}

func recourseRaces(t *testing.T, fresh Opener) {
	config := fresh(t)
	b := newBench(t, func(testing.TB) schema.Config { return config })
	b.put(b.failed("1", registry.SeverityMajor))
	var filed, decided atomic.Int32
	var id atomic.Int64
	b.together(config, func(one *bench, _ int) {
		switch r, err := one.FileRecourse(t.Context(), one.filing(supervision.Objection, "sample", "1", 0)); {
		case err == nil:
			filed.Add(1)
			id.Store(r.ID)
		case !errors.Is(err, schema.ErrFiled):
			t.Errorf("filed at once: %v", err)
		}
	})
	must(b.step(id.Load(), supervision.Accept, "zhang", "", supervision.Correction{}))(t)
	b.together(config, func(one *bench, n int) {
		outcome := []supervision.Outcome{supervision.Upheld, supervision.Dismissed}[n%2]
		switch _, err := one.step(id.Load(), supervision.Decide, "zhang", outcome, supervision.Correction{}); {
		case err == nil:
			decided.Add(1)
		case !errors.Is(err, supervision.ErrStep):
			t.Errorf("decided at once: %v", err)
		}
	})
	if filed.Load() != 1 || decided.Load() != 1 || b.newest("1").Revision != 3 {
		t.Errorf("filed %d times, decided %d times, revision %d", filed.Load(), decided.Load(), b.newest("1").Revision)
	}
}

// together runs work eight times at once over several handles.
func (b *bench) together(config schema.Config, work func(one *bench, n int)) {
	b.tb.Helper()
	var group sync.WaitGroup
	for n := range 4 {
		one := &bench{DB: Reopen(b.tb, config), tb: b.tb, today: b.today}
		for k := range 2 {
			group.Go(func() { work(one, 2*n+k) })
		}
	}
	group.Wait()
}

// listingStep takes a step of the first enterprise with the serious-violation list.
func (b *bench) listingStep(id int64, name string, step supervision.ListingStep, ago registry.Day) error {
	act := schema.ListingAct{List: supervision.ListSerious, USCC: Code(0), Step: step, Day: b.today - ago, Reason: "x", Basis: "x", Penalty: supervision.RecordRef{Source: "law", Ref: "p"}}
	_, err := b.TakeListingStep(schema.WithActor(b.tb.Context(), schema.Actor{Kind: "staff", ID: id, Name: name}), act)
	return err
}

func (b *bench) fileList() (*schema.Recourse, error) {
	f := b.filing(supervision.Objection, "", "", 0)
	f.List = supervision.ListSerious
	return b.FileRecourse(b.tb.Context(), f)
}

func (b *bench) listingState(want supervision.ListingState) {
	b.tb.Helper()
	if l := must(b.Listing(b.tb.Context(), supervision.ListSerious, Code(0)))(b.tb); l.State != want {
		b.tb.Errorf("it is %s, want %s", l.State, want)
	}
}

func listingObjections(t *testing.T, fresh Opener) {
	b := newBench(t, fresh)
	b.put(b.penalised("p", b.today-200, registry.SeverityCritical))
	if _, err := b.fileList(); !errors.Is(err, supervision.ErrRecord) {
		t.Errorf("on no list: %v", err)
	}
	// A notice that is answered with success leads to nothing.
	must(0, b.listingStep(1, "zhang", supervision.StepNotice, 3))(t)
	first := must(b.fileList())(t)
	if first.List() != supervision.ListSerious || first.Source != schema.ListingSource {
		t.Errorf("filed: %+v", first)
	}
	if _, err := b.fileList(); !errors.Is(err, schema.ErrFiled) {
		t.Errorf("twice: %v", err)
	}
	must(b.step(first.ID, supervision.Accept, "zhang", "", supervision.Correction{}))(t)
	for name, c := range map[string]struct {
		by      string
		outcome supervision.Outcome
		how     supervision.Correction
		want    error
	}{
		"by who gave the notice": {"zhang", supervision.Upheld, supervision.Correction{}, supervision.ErrSame},
		"by who filed":           {"own", supervision.Upheld, supervision.Correction{}, supervision.ErrSame},
		"half":                   {"li", supervision.Partly, supervision.Correction{}, supervision.ErrOutcome},
		"as a correction":        {"li", supervision.Upheld, supervision.Correction{Severity: registry.SeverityMinor}, schema.ErrCannotCount},
	} {
		if _, err := b.step(first.ID, supervision.Decide, c.by, c.outcome, c.how); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	b.listingState(supervision.StateNoticed)
	must(b.step(first.ID, supervision.Decide, "li", supervision.Upheld, supervision.Correction{}))(t)
	b.listingState(supervision.StateRefused)

	// One that is dismissed is listed after it, and taken back where the appeal is upheld.
	must(0, b.listingStep(1, "zhang", supervision.StepNotice, 7))(t)
	second := must(b.fileList())(t)
	b.today++ // the days to answer are over
	if err := b.listingStep(2, "wu", supervision.StepList, 0); !errors.Is(err, schema.ErrAnswerOpen) {
		t.Errorf("listed while the answer waits: %v", err)
	}
	b.decided(second.ID, "li", supervision.Dismissed)
	must(0, b.listingStep(2, "wu", supervision.StepList, 0))(t)
	ref := must(b.Listing(t.Context(), supervision.ListSerious, Code(0)))(t).ContestedRef()
	listed := must(b.fileList())(t)
	if listed.SourceRef != ref || !b.stands(ref) {
		t.Errorf("an open objection suspends the entry: %+v", b.newest(ref))
	}
	b.decided(listed.ID, "li", supervision.Dismissed)
	if _, err := b.fileList(); !errors.Is(err, schema.ErrFiled) {
		t.Errorf("again after the decision: %v", err)
	}
	appeal := b.file(supervision.Appeal, "", "", second.ID)
	must(b.step(appeal.ID, supervision.Accept, "wu", "", supervision.Correction{}))(t)
	for _, who := range []string{"wu", "li", "zhang"} {
		if _, err := b.step(appeal.ID, supervision.Decide, who, supervision.Upheld, supervision.Correction{}); !errors.Is(err, supervision.ErrSame) {
			t.Errorf("decided by %s: %v", who, err)
		}
	}
	must(b.step(appeal.ID, supervision.Decide, "sun", supervision.Upheld, supervision.Correction{}))(t)
	b.listingState(supervision.StateRemoved)
	if r := b.newest(ref); r.State != registry.StateVoided {
		t.Errorf("the record of the entry: %+v", r)
	}
	// Upheld about what has ended meanwhile, nothing follows.
	late := b.file(supervision.Appeal, "", "", listed.ID)
	b.decided(late.ID, "sun", supervision.Upheld)
	b.listingState(supervision.StateRemoved)
	steps := must(b.ListingSteps(t.Context(), supervision.ListSerious, Code(0)))(t)
	if len(steps) != 5 || steps[1].Reason != supervision.ReasonObjectionUpheld || steps[4].Step != supervision.StepRemove {
		t.Errorf("history: %+v", steps)
	}
}
