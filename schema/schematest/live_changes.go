package schematest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"healthcode/access"
	"healthcode/credential"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/supervision"
)

// liveCases are about what verifiers keep in memory.
var liveCases = []suiteCase{
	{"live: one query says what its parts say", live},
	{"live: its version moves with what is committed", liveVersion},
	{"live: its version stays for what only counts", liveQuiet},
	{"live: every writer names whom it changes", liveWriters},
	{"live: whoever changes is named, whatever is done in whichever order", liveLaw},
	{"live: what is too long ago is everything", liveForgotten},
	{"live: many writers at once, each change told", liveAtOnce},
	{"live: all rows in one pass are those of each code", liveRows},
}

// enterprisesWatched is how many enterprises a watch looks at; codes of numbers from firstMark on only mark the end of what a step told.
const (
	enterprisesWatched = 4
	firstMark          = 100_000
)

// watch holds what verifiers are told of the first enterprises, and how far two handles of the same database have followed its changes: the one that
// writes and another, which stands for another process.
type watch struct {
	*testing.T
	db, other      *schema.DB
	own, elsewhere uint64
	marks          int
	rows           map[string]string
}

func newWatch(t *testing.T, fresh Opener) *watch {
	t.Helper()
	config := fresh(t)
	w := &watch{T: t, db: Reopen(t, config), other: Reopen(t, config)}
	seed(t, w.db, enterprisesWatched-1, 4)
	gradeSome(t, w.db)
	w.own, w.elsewhere = known(t, w.db, anyVersion), known(t, w.other, anyVersion)
	w.told()
	w.rows = w.look()
	return w
}

// look reads what verifiers are told: of the newest codes of each enterprise and of two that do not exist yet, the keys and the divisions.
func (w *watch) look() map[string]string {
	w.Helper()
	rows := map[string]string{}
	note := func(place string, said any) { rows[place] = string(must(json.Marshal(said))(w)) }
	for n := range enterprisesWatched {
		indexes := []uint32{1 << 30}
		codes := must(w.db.CodesOf(w.Context(), Code(n)))(w)
		for _, c := range codes[:min(len(codes), 6)] {
			indexes = append(indexes, c.Index)
		}
		for _, idx := range indexes {
			l, err := w.db.Live(w.Context(), Code(n), idx)
			if err != nil && !errors.Is(err, schema.ErrNotFound) {
				w.Fatal(err)
			}
			note(fmt.Sprintf("%s %d", Code(n), idx), l)
		}
	}
	note("keys", must(w.db.Keys(w.Context()))(w))
	for r, err := range w.db.Regions(w.Context()) {
		note("region "+r.Code, must(r, err)(w))
	}
	return rows
}

// changed returns the codes of the enterprises whose rows differ from what was read before, and whether keys or divisions do. A row of a code that
// fell out of sight, because there are newer ones, does not count.
func (w *watch) changed() (codes map[registry.USCC]bool, other bool) {
	w.Helper()
	codes = map[registry.USCC]bool{}
	now := w.look()
	for place, said := range now {
		before, had := w.rows[place]
		switch {
		case had && before == said:
		case len(place) > registry.USCCLength && place[registry.USCCLength] == ' ':
			codes[registry.USCC(place[:registry.USCCLength])] = true
		default:
			other = true
		}
	}
	w.rows = now
	return codes, other
}

// told writes a mark and waits until the other handle hears of it: what it hears until then is all that the steps before have told. Where everything
// was told the mark may have gone with it, so there is another one.
func (w *watch) told() (all bool, codes map[registry.USCC]bool) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	codes = map[registry.USCC]bool{}
	for mark := w.mark(); !codes[mark]; {
		changes, ok := w.other.LiveChanges(ctx, w.elsewhere)
		if ok {
			w.elsewhere = changes.Version
			for _, code := range changes.Enterprises {
				codes[code] = true
			}
		}
		if ok && changes.All {
			all, mark = true, w.mark()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			w.Fatal("the other handle is not told")
		}
	}
	maps.DeleteFunc(codes, isMark)
	return all, codes
}

func (w *watch) mark() registry.USCC {
	w.Helper()
	w.marks++
	code := Code(firstMark + w.marks)
	must(w.db.ReserveIndex(w.Context(), code, "k1", "printed"))(w)
	return code
}

func isMark(code registry.USCC, _ bool) bool { return code >= Code(firstMark) }

// lawful looks at what changed, and checks that this handle names it at once and the other one soon. It returns what the other one is told.
func (w *watch) lawful(fail func(string, ...any), name string) (all bool, told map[registry.USCC]bool) {
	w.Helper()
	changes, ok := w.db.LiveChanges(w.Context(), w.own)
	w.own = changes.Version
	codes, other := w.changed()
	all, told = w.told()
	if other && !(ok && changes.All && all) {
		fail("%s: keys or divisions changed and not everything is told: %v, %v", name, changes.All, all)
	}
	for code := range codes {
		if !ok || !changes.All && !slices.Contains(changes.Enterprises, code) || !all && !told[code] {
			fail("%s: what is told of %s changed and nobody learns of it: %v, %v; elsewhere %v, %v", name, code, changes, ok, all, told)
		}
	}
	return all, told
}

// writer is one call of a store and whom of the watched enterprises it names.
type writer struct {
	name  string
	write func() error
	want  []int // -1: everything
}

var wantAll = []int{-1}

// liveWriters holds every frequent writer to exactly whom it names, and all to the law.
func liveWriters(t *testing.T, fresh Opener) {
	w := newWatch(t, fresh)
	all := slices.Concat(w.codeWriters(), w.factWriters(), w.quietWriters(), w.otherWriters())
	for _, step := range all {
		if err := step.write(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		everything, codes := w.lawful(t.Errorf, step.name)
		want := map[registry.USCC]bool{}
		for _, n := range step.want {
			if n >= 0 {
				want[Code(n)] = true
			}
		}
		if everything != slices.Equal(step.want, wantAll) || !everything && !maps.Equal(codes, want) {
			t.Errorf("%s: told everything %v, %v; want %v", step.name, everything, slices.Sorted(maps.Keys(codes)), step.want)
		}
	}
}

// issued issues a code of an enterprise.
func (w *watch) issued(n int, form string) (uint32, error) {
	c := next(w, w.db, n, time.Now().Add(time.Hour).UTC().Truncate(time.Second))
	return c.Index, w.db.SaveCode(w.Context(), c)
}

func (w *watch) codeWriters() []writer {
	ctx, db := w.Context(), w.db
	var idx, later uint32
	step := func(idx *uint32, step schema.CodeStep) func() error {
		return func() error { return second(db.ChangeCode(ctx, *idx, step, "li", "because")) }
	}
	scan := func(areas int) func() error {
		return func() error {
			var scans []schema.Scans
			for area := range areas {
				scans = append(scans, schema.Scans{USCC: Code(0), Index: idx, Hour: schema.HourOf(time.Now()), Area: fmt.Sprint(area), Count: 1})
			}
			return second(db.AddScans(ctx, scans, 3))
		}
	}
	replace := func(how schema.CodeStep) func() error {
		return func() error {
			c := next(w, db, 0, time.Now().Add(2*time.Hour))
			later = c.Index
			return db.ReplaceCode(ctx, idx, how, c, "li", "a new sign")
		}
	}
	return []writer{
		{"a code", func() (err error) { idx, err = w.issued(0, "printed"); return err }, []int{0}},
		{"scans", scan(3), nil},
		{"scans in many areas", scan(4), []int{0}},
		{"a code is suspended", step(&idx, schema.StepSuspend), []int{0}},
		{"a code is resumed", step(&idx, schema.StepResume), []int{0}},
		{"a code is renewed", replace(schema.StepRenew), []int{0}},
		{"a code is superseded", replace(schema.StepSupersede), []int{0}},
		{"a code is revoked", step(&later, schema.StepRevoke), []int{0}},
		{"intents", func() error {
			return second(db.ReserveIndexes(ctx, []registry.USCC{Code(1), Code(2), Code(1)}, "k1", "printed"))
		}, []int{1, 2}},
		{"a place of screen codes", func() error { return second(db.ScreenPlace(ctx, Code(1), "k1", false)) }, []int{1}},
		{"the same place", func() error { return second(db.ScreenPlace(ctx, Code(1), "k1", false)) }, nil},
		{"intents are abandoned", func() error { return second(db.AbandonIntents(ctx, -time.Hour)) }, []int{1, 2}},
		{"codes of a range", w.issueRange, []int{0, 1, 2}},
	}
}

// second returns the error of a call whose value nobody needs.
func second[T any](_ T, err error) error { return err }

func (w *watch) issueRange() error {
	ctx, db := w.Context(), w.db
	run, err := db.StartRun(ctx, request(schema.KindReissueCodes, Today(), false))
	if err != nil {
		return err
	}
	for _, r := range must(db.OpenRanges(ctx, run))(w) {
		var issued []schema.Code
		for n := range enterprisesWatched - 1 {
			issued = append(issued, next(w, db, n, time.Now().Add(time.Hour)))
		}
		if err := db.FinishCodeRange(ctx, run, r, issued); err != nil {
			return err
		}
	}
	return db.FinishRun(ctx, run)
}

func (w *watch) factWriters() []writer {
	ctx, db := w.Context(), w.db
	put := func(e registry.Enterprise) func() error {
		return func() error { return second(db.PutEnterprises(ctx, []registry.Enterprise{e}, schema.PutOptions{})) }
	}
	moved := Enterprise(2)
	moved.RegionCode = "330481001"
	more := Record(1, 9)
	var reply *schema.Recourse
	file := func(f schema.RecourseFiling) func() error {
		return func() (err error) {
			f.By, f.On, f.Days = "own", Today(), supervision.China()
			reply, err = db.FileRecourse(ctx, f)
			return err
		}
	}
	withdraw := schema.RecourseAct{Act: supervision.Act{Step: supervision.Withdraw, By: "own", Side: supervision.Author, On: Today()}}
	return []writer{
		{"an enterprise arrives", put(Enterprise(3)), []int{3}},
		{"the same enterprise", put(Enterprise(3)), nil},
		{"an enterprise moves", put(moved), []int{2}},
		{"a record", func() error { return second(db.PutRecords(ctx, []registry.Record{more}, now)) }, nil},
		{"a product", func() error {
			return second(db.PutProducts(ctx, []registry.Product{{Code: "toy", Name: "玩具", Risk: registry.RiskHigh}}, now))
		}, nil},
		{"grades of whom facts changed", func() error { grade(w, db, schema.KindRecomputeChanged, Today(), true); return nil }, []int{1, 2, 3}},
		{"grades of everybody", func() error { grade(w, db, schema.KindRecompute, Today()+1, false); return nil }, []int{0, 1, 2, 3}},
		{"a reply", file(schema.RecourseFiling{USCC: Code(2), Kind: supervision.Reply, Text: "we disagree"}), []int{2}},
		{"a reply is withdrawn", func() error {
			return second(db.StepRecourse(ctx, access.Everything(), reply.ID, withdraw, supervision.China()))
		}, []int{2}},
		{"a listing", func() error {
			return second(db.TakeListingStep(acting(w, 2, "li"), trustedStep(0, supervision.StepNominate, Today(), "good")))
		}, nil},
		{"a record is voided", func() error {
			return second(db.VoidRecord(ctx, of(more.Source), schema.VoidRequest{Source: more.Source, SourceRef: more.SourceRef, Reason: "by mistake"}))
		}, nil},
	}
}

// quietWriters are calls that change nothing which verifiers are told.
func (w *watch) quietWriters() []writer {
	ctx, db, at := w.Context(), w.db, time.Now().UTC().Truncate(time.Second)
	var account, bank int64
	ticket := schema.Ticket{USCC: Code(0), Hash: "0123456789abcdef", Purpose: access.PurposeFinance, CreatedAt: at, ExpiresAt: at.Add(time.Hour)}
	return []writer{
		{"an account", func() (err error) {
			account, err = db.AddAccount(ctx, schema.Account{Login: "li", Kind: access.Staff, PasswordHash: "h"})
			return err
		}, wantAll},
		{"a partner", func() (err error) { bank, err = db.AddPartner(ctx, schema.Partner{Name: "bank"}); return err }, wantAll},
		{"a failed sign-in", func() error { return db.NoteFailure(ctx, account, at) }, nil},
		{"failures forgiven", func() error { return db.ForgiveFailures(ctx, account) }, nil},
		{"a second factor is used", func() error { return db.UseTOTP(ctx, account, 7) }, nil},
		{"a session", func() error {
			return db.AddSession(ctx, schema.Session{Hash: "0123456789abcdef", AccountID: account, CreatedAt: at, ExpiresAt: at.Add(time.Hour)})
		}, nil},
		{"sessions end", func() error { return db.EndSessions(ctx, account) }, nil},
		{"a partner's key", func() error {
			return db.AddPartnerKey(ctx, schema.PartnerKey{Prefix: "k1", PartnerID: bank, Hash: "h", ExpiresAt: at})
		}, wantAll},
		{"a partner's key is used", func() error { return db.UsePartnerKey(ctx, "k1", at) }, nil},
		{"a look", func() error {
			return db.AddLooks(ctx, []schema.Look{{USCC: Code(0), At: at, PartnerID: bank, Purpose: access.PurposeFinance, Means: schema.LookByCode, Looks: 1}})
		}, nil},
		{"a ticket", func() error { return db.AddTicket(ctx, ticket) }, nil},
		{"a ticket is used", func() error { return db.UseTicket(ctx, &ticket, bank, at) }, nil},
		{"a run that fails", func() error {
			run := must(db.StartRun(ctx, request(schema.KindRecompute, Today()+2, false)))(w)
			return db.FailRun(ctx, run, "no reason")
		}, nil},
		{"lists", func() error {
			lease := must(db.TakeLease(ctx, listLease, time.Minute))(w)
			marks, _, err := db.ListChanges(ctx, 100)
			return errors.Join(err, db.SaveLists(ctx, lease, []schema.ListToken{listToken("status", 0, 1000)}, marks), db.ReleaseLease(ctx, lease))
		}, nil},
		{"lists are pruned", func() error { return second(db.PruneLists(ctx, schema.ListKeeping{Minutes: at, Hours: at})) }, nil},
		{"the key of scans", func() error { return second(db.ScanKey(ctx, Today())) }, nil},
		{"the feed", func() error { return second(db.SequenceChanges(ctx)) }, nil},
		{"the outbox", func() error {
			return db.MarkPublished(ctx, must(db.Unpublished(ctx, schema.TopicGradeChanged, 5))(w), at)
		}, nil},
		{"the moment of knowledge", func() error { return second(db.Know(ctx)) }, nil},
	}
}

// otherWriters change what is not of one enterprise, or too many of them.
func (w *watch) otherWriters() []writer {
	ctx, db := w.Context(), w.db
	return []writer{
		{"a key", func() error { return db.AddKey(ctx, keyRow(w, 1, credential.ES256)) }, wantAll},
		{"a key's step", func() error { return db.TakeKeySteps(ctx, step(1, credential.ActivateKey, time.Now(), "now")) }, wantAll},
		{"divisions", func() error {
			return second(db.PutRegions(ctx, []registry.Region{{Code: "330000", Name: "浙江省"}}))
		}, wantAll},
		{"many enterprises", func() error { return second(db.PutEnterprises(ctx, Enterprises(10, 411), schema.PutOptions{})) }, wantAll},
	}
}

// liveLaw does anything in any order: whoever's rows differ is named. What a store refuses changes nothing.
func liveLaw(t *testing.T, fresh Opener) {
	w := newWatch(t, fresh)
	rapid.Check(t, func(r *rapid.T) {
		for range rapid.IntRange(1, 4).Draw(r, "steps") {
			n := rapid.IntRange(0, enterprisesWatched-1).Draw(r, "enterprise")
			name := rapid.SampledFrom(slices.Sorted(maps.Keys(anything))).Draw(r, "step")
			_ = anything[name](w, r, n) // a refusal is an answer, too
			w.lawful(func(format string, values ...any) {
				t.Errorf(format, values...) // rapid cannot do it again: the database has gone on
				r.Fatalf(format, values...)
			}, name)
		}
	})
}

// newestCode returns the newest issued printed code of an enterprise, 0 without one.
func (w *watch) newestCode(n int) uint32 {
	for _, c := range must(w.db.CodesOf(w.Context(), Code(n)))(w) {
		if c.State == schema.CodeIssued && c.Form == "printed" {
			return c.Index
		}
	}
	return 0
}

// anything is what may happen to an enterprise.
var anything = map[string]func(w *watch, r *rapid.T, n int) error{
	"describe": func(w *watch, r *rapid.T, n int) error {
		e := Enterprise(n)
		e.Name += rapid.SampledFrom([]string{"", "甲", "乙"}).Draw(r, "name")
		return second(w.db.PutEnterprises(w.Context(), []registry.Enterprise{e}, now))
	},
	"record": func(w *watch, r *rapid.T, n int) error {
		record := Record(n, rapid.IntRange(0, 9).Draw(r, "record"))
		record.OccurredOn += registry.Day(rapid.IntRange(0, 3).Draw(r, "day"))
		return second(w.db.PutRecords(w.Context(), []registry.Record{record}, now))
	},
	"grade": func(w *watch, r *rapid.T, _ int) error {
		run, err := w.db.StartRun(w.Context(), request(schema.KindRecomputeChanged, Today(), true))
		if err == nil {
			finish(w, w.db, run)
		}
		return err
	},
	"reserve": func(w *watch, _ *rapid.T, n int) error {
		return second(w.db.ReserveIndex(w.Context(), Code(n), "k1", "printed"))
	},
	"issue": func(w *watch, _ *rapid.T, n int) error { return second(w.issued(n, "printed")) },
	"screen": func(w *watch, r *rapid.T, n int) error {
		return second(w.db.ScreenPlace(w.Context(), Code(n), rapid.SampledFrom([]string{"k1", "k2"}).Draw(r, "key"), rapid.Bool().Draw(r, "again")))
	},
	"change": func(w *watch, r *rapid.T, n int) error {
		steps := []schema.CodeStep{schema.StepSuspend, schema.StepResume, schema.StepRevoke, schema.StepSupersede}
		return second(w.db.ChangeCode(w.Context(), w.newestCode(n), rapid.SampledFrom(steps).Draw(r, "to"), "li", "because"))
	},
	"replace": func(w *watch, r *rapid.T, n int) error {
		old := w.newestCode(n)
		how := rapid.SampledFrom([]schema.CodeStep{schema.StepRenew, schema.StepSupersede}).Draw(r, "how")
		return w.db.ReplaceCode(w.Context(), old, how, next(w, w.db, n, time.Now().Add(time.Hour)), "li", "a new sign")
	},
	"abandon": func(w *watch, _ *rapid.T, _ int) error { return second(w.db.AbandonIntents(w.Context(), -time.Hour)) },
	"scan": func(w *watch, r *rapid.T, n int) error {
		s := schema.Scans{USCC: Code(n), Index: w.newestCode(n), Hour: schema.HourOf(time.Now()), Area: rapid.StringN(1, 1, 4).Draw(r, "area"), Count: 1}
		return second(w.db.AddScans(w.Context(), []schema.Scans{s}, 1))
	},
	"reply": func(w *watch, _ *rapid.T, n int) error {
		f := schema.RecourseFiling{USCC: Code(n), Kind: supervision.Reply, Text: "we disagree", By: "own", On: Today(), Days: supervision.China()}
		return second(w.db.FileRecourse(w.Context(), f))
	},
	"reply no more": func(w *watch, r *rapid.T, n int) error {
		said, err := w.db.PublishedReply(w.Context(), Code(n))
		if err != nil || said == nil {
			return err
		}
		act := schema.RecourseAct{Act: supervision.Act{Step: supervision.Withdraw, By: "own", Side: supervision.Author, On: Today()}}
		if rapid.Bool().Draw(r, "hidden") {
			act = schema.RecourseAct{Act: supervision.Act{Step: supervision.Hide, By: "zhang", Side: supervision.Officer, On: Today(), Reason: "insults"}}
		}
		return second(w.db.StepRecourse(w.Context(), access.Everything(), said.ID, act, supervision.China()))
	},
	"division": func(w *watch, r *rapid.T, _ int) error {
		name := rapid.SampledFrom([]string{"南湖区", "秀洲区"}).Draw(r, "name")
		return second(w.db.PutRegions(w.Context(), []registry.Region{{Code: "330402", Name: name}}))
	},
}

// liveForgotten: a version that is too old, of the future or of another database is answered with everything.
func liveForgotten(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	first := known(t, db, anyVersion)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 300 {
				if _, err := db.ReserveIndex(t.Context(), Code(0), "k1", "printed"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	last := known(t, db, anyVersion)
	for name, since := range map[string]uint64{"too old": first, "of the future": last + 1_000_000, "far beyond": 1 << 63} {
		if changes, ok := db.LiveChanges(t.Context(), since); !ok || !changes.All || changes.Enterprises != nil || changes.Version < last {
			t.Errorf("%s: %+v, %v; want everything", name, changes, ok)
		}
	}
	if changes, ok := db.LiveChanges(t.Context(), last-10); !ok || changes.All || len(changes.Enterprises) < 10 || changes.Enterprises[0] != Code(0) {
		t.Errorf("of late: %+v, %v; want one enterprise, some times", changes, ok)
	}
}

// liveAtOnce has several processes issue codes while two follow the changes: each hears of every enterprise.
func liveAtOnce(t *testing.T, fresh Opener) {
	config := fresh(t)
	const writers, each = 3, 20
	var writing, reading sync.WaitGroup
	for range 2 {
		db := Reopen(t, config)
		since := known(t, db, anyVersion)
		reading.Go(func() {
			heard := map[registry.USCC]bool{}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			for len(heard) < writers*each && ctx.Err() == nil {
				changes, ok := db.LiveChanges(ctx, since)
				if version, known := db.LiveVersion(ctx); ok && known && version < changes.Version {
					t.Errorf("version %d after %d", version, changes.Version)
				}
				if !ok {
					continue
				}
				since = changes.Version
				for _, code := range changes.Enterprises {
					heard[code] = true
				}
			}
			if len(heard) != writers*each {
				t.Errorf("heard of %d enterprises, want %d", len(heard), writers*each)
			}
		})
	}
	for n := range writers {
		db := Reopen(t, config)
		writing.Go(func() {
			for i := range each {
				if _, err := db.ReserveIndex(t.Context(), Code(n*each+i), "k1", "printed"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	reading.Wait()
}

// liveRows: the codes that count, in order, each as Live returns it.
func liveRows(t *testing.T, fresh Opener) {
	w := newWatch(t, fresh)
	ctx, db, at := t.Context(), w.db, time.Now().UTC().Truncate(time.Second)
	var want []string
	for n := range enterprisesWatched - 1 {
		good, suspended, revoked := issueUntil(t, db, n, at.Add(time.Hour)), issueUntil(t, db, n, at.Add(time.Second)), issueUntil(t, db, n, at.Add(time.Hour))
		issueUntil(t, db, n, at) // ends at this moment
		must(db.ChangeCode(ctx, suspended, schema.StepSuspend, "li", "lost"))(t)
		must(db.ChangeCode(ctx, revoked, schema.StepRevoke, "li", "lost"))(t)
		superseded := issueUntil(t, db, n, at.Add(time.Hour))
		must(db.ChangeCode(ctx, superseded, schema.StepSupersede, "li", "a new sign"))(t)
		place := must(db.ScreenPlace(ctx, Code(n), "k1", false))(t)
		place.ExpiresAt = at.Add(-time.Hour)
		must(0, db.SaveCode(ctx, *place))(t)
		must(db.ReserveIndex(ctx, Code(n), "k1", "jwt"))(t) // an intent
		for _, idx := range []uint32{good, suspended, place.Index} {
			want = append(want, fmt.Sprintf("%s %d %s", Code(n), idx, must(json.Marshal(must(db.Live(ctx, Code(n), idx))(t)))(t)))
		}
	}
	issueUntil(t, db, 7, at.Add(time.Hour)) // of an enterprise that the register does not have
	for _, most := range []int{100, 4} {
		var got []string
		for row, err := range db.LiveRows(ctx, at, most) {
			must(0, err)(t)
			got = append(got, fmt.Sprintf("%s %d %s", row.USCC, row.Index, must(json.Marshal(row.Live))(t)))
		}
		if wanted := want[:min(most, len(want))]; !slices.Equal(got, wanted) {
			t.Errorf("at most %d: got\n%v\nwant\n%v", most, got, wanted)
		}
	}
}
