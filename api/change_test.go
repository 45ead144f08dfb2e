package api

import (
	"net/http"
	"strings"
	"testing"

	"healthcode/access"
	"healthcode/schema"
)

// told gives everything that changed in the bureau's city its place in the feed.
func (b *bureau) told(t *testing.T) int64 {
	t.Helper()
	for {
		n, err := b.db.SequenceChanges(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	page, err := b.db.Changes(t.Context(), access.Everything(), 0, nil, 1)
	if err != nil || len(page.Items) != 1 {
		t.Fatalf("nothing changed: %v", err)
	}
	end, err := b.db.Changes(t.Context(), access.Everything(), 0, []string{schema.TopicCodeCopied}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return end.Next
}

// Whoever may read the feed sees all of what lies within, page by page, and nothing else.
func TestFeedShowsWhatLiesWithin(t *testing.T) {
	t.Parallel()
	b := newBureau(t)
	head := b.told(t)
	readers := 0
	for i := range b.callers {
		caller := &b.callers[i]
		partner := caller.name == "partner "+string(access.ScopeChanges)
		if !partner && !caller.let("reader") {
			continue
		}
		readers++
		graded := map[string]bool{}
		var last int64
		for after := "0"; ; {
			answer := call(b.h, http.MethodGet, "/api/v1/changes?limit=7&after="+after, nil, caller.headers(t)...)
			page := decoded[ChangeList](t, answer)
			for _, c := range page.Items {
				if c.Position <= last {
					t.Fatalf("%s: %d comes after %d", caller.name, c.Position, last)
				}
				last = c.Position
				graded[uscc(string(c.Data))] = true
			}
			if !partner {
				b.checkSeen(t, caller, "/api/v1/changes", answer.Body.String())
			}
			if page.Next == after {
				break
			}
			after = page.Next
		}
		for _, firms := range b.in {
			for code := range firms {
				if want := partner || caller.sees(code); graded[string(code)] != want {
					t.Errorf("%s: %s is shown %t", caller.name, code, !want)
				}
			}
		}
	}
	if readers < 4 || head < int64(len(b.codes)) {
		t.Errorf("%d readers of %d changes", readers, head)
	}
}

func uscc(data string) string {
	_, rest, _ := strings.Cut(data, `"uscc":"`)
	return rest[:min(18, len(rest))]
}

func TestBadCursors(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	for query, field := range map[string]string{
		"after=-1": "after", "after=x": "after", "after=+1": "after", "after=01": "after", "after=1.5": "after", "after=9223372036854775808": "after",
		"after=%00": "after", "after=1%0a": "after", "after=1'%20or%201=1--": "after", "after=1&after=2": "after",
		"limit=0": "limit", "limit=501": "limit", "topic=x": "topic", "topic=record.received": "topic", "topic=code.changed,code.changed": "topic",
		"topic=,": "topic", "topic=CODE.CHANGED": "topic", "cursor=1": "cursor", "after=%ff": "after",
	} {
		if p := problem(t, get(d.h, "/api/v1/changes?"+query), http.StatusBadRequest, "invalid_field"); len(p.Errors) != 1 || p.Errors[0].Field != field {
			t.Errorf("%s: %+v", query, p.Errors)
		}
	}
	problem(t, get(d.h, "/api/v1/changes?after=1"), http.StatusConflict, "cursor_ahead")
	if page := decoded[ChangeList](t, get(d.h, "/api/v1/changes?topic=code.changed,grade.changed")); page.Next != "0" || page.Items == nil {
		t.Errorf("%+v", page)
	}
}
