package schematest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
)

// sequenceAll gives places until there is nothing left to give one to.
func sequenceAll(tb testing.TB, db *schema.DB) (total int) {
	tb.Helper()
	for {
		n := must(db.SequenceChanges(tb.Context()))(tb)
		if n == 0 {
			return total
		}
		total += n
	}
}

// feed checks what the change feed holds: what partners may know and nothing else, bounded by sight and topic, page by page.
func feed(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	if page := must(db.Changes(ctx, access.Everything(), 0, nil, 9))(t); len(page.Items) != 0 || page.Next != 0 {
		t.Errorf("an empty feed: %+v", page)
	}
	seed(t, db, 3, 2)
	gradeSome(t, db)
	must(db.ChangeCode(ctx, issue(t, db, 1), schema.StepSuspend, "Li Hua", "a secret reason"))(t)
	if n := sequenceAll(t, db); n != 4 {
		t.Fatalf("%d changes got places, want three grades and a code", n)
	}
	page := must(db.Changes(ctx, access.Everything(), 0, nil, 9))(t)
	if len(page.Items) != 4 || page.Next != 4 {
		t.Fatalf("%+v", page)
	}
	for i, c := range page.Items {
		text := string(c.Data)
		if c.Position != int64(i+1) || c.Version != schema.ChangeVersion || time.Since(c.At).Abs() > time.Hour {
			t.Errorf("%+v", c)
		}
		if strings.Contains(text, "secret") || strings.Contains(text, "digest") || strings.Contains(text, "index") || !strings.Contains(text, `"uscc":"9133`) {
			t.Errorf("%s says %s", c.Topic, text)
		}
	}
	if c := page.Items[3]; c.Topic != schema.TopicCodeChanged || !strings.Contains(string(c.Data), `"step":"suspend","status":`) {
		t.Errorf("the last one is %s: %s", c.Topic, c.Data)
	}
	for name, c := range map[string]struct {
		sight  access.Sight
		after  int64
		topics []string
		limit  int
		want   []int64
		next   int64
	}{
		"all":               {access.Everything(), 0, nil, 9, []int64{1, 2, 3, 4}, 4},
		"a page":            {access.Everything(), 1, nil, 2, []int64{2, 3}, 3},
		"just the rest":     {access.Everything(), 2, nil, 2, []int64{3, 4}, 4},
		"nothing new":       {access.Everything(), 4, nil, 2, nil, 4},
		"a topic":           {access.Everything(), 0, []string{schema.TopicCodeChanged}, 9, []int64{4}, 4},
		"two topics":        {access.Everything(), 2, schema.FeedTopics, 9, []int64{3, 4}, 4},
		"none of a topic":   {access.Everything(), 0, []string{schema.TopicCodeCopied}, 9, nil, 4},
		"of one's own":      {access.Sight{Owns: []registry.USCC{Code(1)}}, 3, nil, 9, []int64{4}, 4},
		"of another county": {access.Sight{Regions: access.RegionsOf("330411")}, 0, nil, 9, nil, 4},
		"of the county":     {access.Sight{Regions: access.RegionsOf("330402")}, 0, nil, 3, []int64{1, 2, 3}, 3},
		"of nobody":         {access.Sight{}, 0, nil, 9, nil, 4},
	} {
		page := must(db.Changes(ctx, c.sight, c.after, c.topics, c.limit))(t)
		var got []int64
		for _, item := range page.Items {
			got = append(got, item.Position)
		}
		if !slices.Equal(got, c.want) || page.Next != c.next {
			t.Errorf("%s: %v, next %d", name, got, page.Next)
		}
	}
	if _, err := db.Changes(ctx, access.Everything(), 5, nil, 9); !errors.Is(err, schema.ErrAhead) {
		t.Errorf("ahead of the feed: %v", err)
	}
	if left := must(db.Unpublished(ctx, schema.TopicGradeChanged, 9))(t); len(left) != 0 {
		t.Errorf("%d grades are not marked as told", len(left))
	}
}

// feedRaces lets many write and several give places while one reads by cursor. The reader gets every change exactly once, in the order of
// their places, though numbers of the outbox become visible out of order on PostgreSQL; who reads again from the start gets the same.
func feedRaces(t *testing.T, fresh Opener) {
	const writers, each = 6, 15
	config := fresh(t)
	db := Reopen(t, config)
	must(db.PutEnterprises(t.Context(), Enterprises(1, writers+1), schema.PutOptions{}))(t)
	indexes := make([]uint32, writers)
	for i := range indexes {
		indexes[i] = issue(t, db, i+1)
	}
	var writing, sequencing sync.WaitGroup
	written := make(chan struct{})
	for _, idx := range indexes {
		writing.Go(func() {
			for n := range each {
				if _, err := db.ChangeCode(t.Context(), idx, []schema.CodeStep{schema.StepSuspend, schema.StepResume}[n%2], "Li Hua", fmt.Sprint(n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 2 {
		other := Reopen(t, config) // another process
		sequencing.Go(func() {
			for end := false; !end; {
				select {
				case <-written:
					end = true // once more after the last one
				default:
				}
				if _, err := other.SequenceChanges(t.Context()); err != nil && !errors.Is(err, schema.ErrBusy) {
					t.Error(err)
				}
			}
		})
	}
	go func() { writing.Wait(); close(written) }()
	var seen []string
	var cursor int64
	read := func() {
		page := must(db.Changes(t.Context(), access.Everything(), cursor, nil, 7))(t)
		for _, c := range page.Items {
			if c.Position <= cursor {
				t.Errorf("%d comes after %d", c.Position, cursor)
			}
			cursor = c.Position
			seen = append(seen, fmt.Sprint(c.Position, c.At.UnixMicro(), string(c.Data)))
		}
		cursor = page.Next
	}
	for end := false; !end; {
		select {
		case <-written:
			end = true
		default:
		}
		read()
	}
	sequencing.Wait()
	sequenceAll(t, db)
	for before := int64(-1); before != cursor; {
		before = cursor
		read()
	}
	var again []string
	page := must(db.Changes(t.Context(), access.Everything(), 0, nil, 1000))(t)
	for i, c := range page.Items {
		if c.Position != int64(i+1) {
			t.Errorf("place %d is at %d: there is a gap", c.Position, i+1)
		}
		again = append(again, fmt.Sprint(c.Position, c.At.UnixMicro(), string(c.Data)))
	}
	if len(seen) != writers*each || !slices.Equal(seen, again) {
		t.Errorf("the reader got %d of %d changes; read again: %d, equal %t", len(seen), writers*each, len(again), slices.Equal(seen, again))
	}
}
