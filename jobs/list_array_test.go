package jobs

import (
	"context"
	"math"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/registry"
	"healthcode/schema"

	"pgregory.net/rapid"
)

// An entry is put at its place of its list and changes nothing else; lists count as changed only when a byte did.
func TestArraysHoldWhatWasPutLast(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a := newListArrays()
		last := map[uint32]schema.ListEntry{}
		index := rapid.OneOf(rapid.Uint32Range(0, 20), rapid.Uint32Range(credential.ListSize-3, credential.ListSize+3), rapid.Just(uint32(math.MaxUint32)))
		for range rapid.IntRange(0, 40).Draw(rt, "entries") {
			e := schema.ListEntry{Index: index.Draw(rt, "index"), Status: schema.CodeStatus(rapid.IntRange(0, 3).Draw(rt, "status")),
				Tier: registry.Tier(rapid.IntRange(0, 4).Draw(rt, "tier")), Colour: registry.Colour(rapid.IntRange(0, 4).Draw(rt, "colour"))}
			before, had := last[e.Index]
			for _, l := range a.named {
				l.changed = false
			}
			a.put(e)
			status, grade := a.named[listName{credential.ListStatus, e.Index / credential.ListSize}], a.named[listName{credential.ListGrade, e.Index / credential.ListSize}]
			if had && status.changed != (before.Status != e.Status) || had && grade.changed != (shown(before) != shown(e)) {
				rt.Fatalf("%+v after %+v: changed %t %t", e, before, status.changed, grade.changed)
			}
			last[e.Index] = e
		}
		for _, e := range last {
			number, place := e.Index/credential.ListSize, e.Index%credential.ListSize
			status := a.get(listName{credential.ListStatus, number}).entries[place/4] >> (place % 4 * 2) & 3
			if grade := a.get(listName{credential.ListGrade, number}).entries[place]; status != byte(e.Status) || grade != shown(e) {
				rt.Fatalf("%+v: status %d, grade %#x", e, status, grade)
			}
		}
	})
}

// shown is the byte of the grade list that an entry should have.
func shown(e schema.ListEntry) byte {
	if e.Status == schema.CodeRevoked || e.Status == schema.CodeSuperseded {
		return 0
	}
	return credential.GradeByte(e.Colour, e.Tier)
}

func TestDueLists(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_795_000_000, 0)
	published := func(change func(*listArray)) *listArrays {
		a := newListArrays()
		for _, name := range []listName{{credential.ListGrade, 1}, {credential.ListGrade, 0}, {credential.ListStatus, 1}, {credential.ListStatus, 0}} {
			l := a.get(name)
			l.iat, l.kid = now.Add(-time.Minute), "1"
			if name == (listName{credential.ListGrade, 1}) {
				change(l)
			}
		}
		return a
	}
	for name, c := range map[string]struct {
		change func(*listArray)
		kid    string
		want   int
	}{
		"nothing":                         {func(*listArray) {}, "1", 0},
		"a change":                        {func(l *listArray) { l.changed = true }, "1", 1},
		"never published":                 {func(l *listArray) { l.iat = time.Time{} }, "1", 1},
		"an hour is over":                 {func(l *listArray) { l.iat = now.Add(-PublishEvery) }, "1", 1},
		"nearly an hour":                  {func(l *listArray) { l.iat = now.Add(time.Second - PublishEvery) }, "1", 0},
		"a younger code":                  {func(l *listArray) { l.issued = now.Add(-time.Second).Unix() }, "1", 1},
		"no younger code":                 {func(l *listArray) { l.issued = now.Add(-time.Minute).Unix() }, "1", 0},
		"a code of a clock that is ahead": {func(l *listArray) { l.issued = now.Add(time.Second).Unix() }, "1", 0},
		"another key":                     {func(*listArray) {}, "2", 4},
	} {
		due := published(c.change).due(now, c.kid)
		if len(due) != c.want || c.want == 4 && (due[0].kind != credential.ListStatus || due[0].number != 0 || due[3].kind != credential.ListGrade || due[3].number != 1) {
			t.Errorf("%s: %d lists are due, want %d", name, len(due), c.want)
		}
	}
}

func TestWorkThatFailsWaitsLongerEachTime(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_795_000_000, 0)
	var result error
	calls := 0
	work := patient(func() time.Time { return now }, func(context.Context) error {
		calls++
		return result
	})
	run := func(seconds int, fails error, want int) {
		t.Helper()
		now, result, calls = now.Add(time.Duration(seconds)*time.Second), fails, 0
		for range 3 { // the clock stands still: only the first call may work after a failure
			_ = work(t.Context())
		}
		if calls != want {
			t.Errorf("%d calls, want %d", calls, want)
		}
	}
	run(0, nil, 3)
	run(0, schema.ErrNothingDue, 3)
	run(0, schema.ErrRunning, 3)
	run(0, schema.ErrBusy, 1) // waits 1 s
	run(1, schema.ErrBusy, 1) // 2 s
	run(1, schema.ErrBusy, 0)
	run(1, errStillDue, 1) // 4 s
	run(3, schema.ErrBusy, 0)
	for range 10 {
		run(60, schema.ErrBusy, 1)
	}
	run(60, nil, 3)
	run(0, schema.ErrBusy, 1) // a second again
	run(1, nil, 3)
	run(0, schema.ErrBusy, 1)
	run(-3600, nil, 3) // a clock that was set back does not make it wait for an hour
}
