package schematest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"healthcode/schema"
)

const listLease = "publish-lists"

func leases(t *testing.T, fresh Opener) {
	config := fresh(t)
	db, other, ctx := Reopen(t, config), Reopen(t, config), t.Context()
	mine := must(db.TakeLease(ctx, listLease, time.Minute))(t)
	if _, err := other.TakeLease(ctx, listLease, time.Minute); !errors.Is(err, schema.ErrRunning) {
		t.Errorf("taken twice: %v, want ErrRunning", err)
	}
	must(other.TakeLease(ctx, "another", time.Minute))(t)
	must(0, db.RenewLease(ctx, mine))(t)
	must(0, db.ReleaseLease(ctx, mine))(t)
	short := must(db.TakeLease(ctx, listLease, -time.Second))(t) // has run out already
	must(0, db.RenewLease(ctx, short))(t)                        // nobody came: it is still ours
	theirs := must(other.TakeLease(ctx, listLease, time.Minute))(t)
	if err := db.RenewLease(ctx, short); !errors.Is(err, schema.ErrLeaseLost) {
		t.Errorf("renewed after it was taken: %v, want ErrLeaseLost", err)
	}
	must(0, db.ReleaseLease(ctx, short))(t)
	must(0, other.RenewLease(ctx, theirs))(t)
}

func listToken(kind string, number uint32, iat int64) schema.ListToken {
	return schema.ListToken{Kind: kind, Number: number, IssuedAt: time.Unix(iat, 0).UTC(), KID: "1", Content: "c", Token: "t"}
}

func listTokens(t *testing.T, fresh Opener) {
	config := fresh(t)
	db, other, ctx := Reopen(t, config), Reopen(t, config), t.Context()
	issue(t, db, 1)
	marks, _, err := db.ListChanges(ctx, 10)
	must(0, err)(t)
	lost := must(db.TakeLease(ctx, listLease, -time.Second))(t)
	lease := must(other.TakeLease(ctx, listLease, time.Minute))(t)
	if err := db.SaveLists(ctx, lost, []schema.ListToken{listToken("status", 0, 1000)}, marks); !errors.Is(err, schema.ErrLeaseLost) {
		t.Errorf("without the lease: %v, want ErrLeaseLost", err)
	}
	if !must(db.ListsDue(ctx))(t) || len(must(db.ListHeads(ctx))(t)) != 0 {
		t.Error("a publication without the lease left something")
	}
	issue(t, db, 1) // a mark that this publication does not make good
	must(0, other.SaveLists(ctx, lease, []schema.ListToken{listToken("grade", 0, 1000), listToken("status", 0, 1000), listToken("status", 1, 900)}, marks))(t)
	if left, _, err := db.ListChanges(ctx, 10); err != nil || len(left) != 1 || left[0] == marks[0] {
		t.Errorf("marks left %v, %v; want the newer one", left, err)
	}
	for _, iat := range []int64{999, 1000} {
		if err := other.SaveLists(ctx, lease, []schema.ListToken{listToken("status", 0, iat)}, nil); !errors.Is(err, schema.ErrConflict) {
			t.Errorf("iat %d after 1000: %v, want ErrConflict", iat, err)
		}
	}
	must(0, other.SaveLists(ctx, lease, []schema.ListToken{listToken("status", 0, 1001)}, nil))(t)
	var heads []schema.ListToken
	for _, want := range []schema.ListToken{listToken("status", 0, 1001), listToken("status", 1, 900), listToken("grade", 0, 1000)} {
		want.Token = ""
		heads = append(heads, want)
	}
	if got := must(db.ListHeads(ctx))(t); !slices.Equal(got, heads) {
		t.Errorf("heads %+v, want %+v", got, heads)
	}
	for at, want := range map[time.Time]int64{{}: 1001, time.Unix(1001, 0): 1001, time.Unix(1000, 999): 1000, time.Unix(5000, 0): 1001} {
		if got := must(db.ListToken(ctx, "status", 0, at))(t); *got != listToken("status", 0, want) {
			t.Errorf("at %s: %+v, want iat %d", at, got, want)
		}
	}
	for _, at := range []time.Time{time.Unix(999, 0), time.Unix(-5, 0)} {
		if _, err := db.ListToken(ctx, "status", 0, at); !errors.Is(err, schema.ErrNotFound) {
			t.Errorf("before the first: %v, want ErrNotFound", err)
		}
	}
}

func listHistory(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	lease := must(db.TakeLease(ctx, listLease, time.Minute))(t)
	const day = 86400
	stored := []int64{100, 3599, 3600, 3700, 7199, day + 5, day + 59, day + 60, day + 61, day + 7200}
	for _, iat := range stored {
		must(0, db.SaveLists(ctx, lease, []schema.ListToken{listToken("status", 0, iat)}, nil))(t)
	}
	must(0, db.SaveLists(ctx, lease, []schema.ListToken{listToken("grade", 7, 50)}, nil))(t)
	keep := schema.ListKeeping{Minutes: time.Unix(day, 0), Hours: time.Unix(3600, 0)}
	if n := must(db.PruneLists(ctx, keep))(t); n != 6 {
		t.Errorf("%d pruned, want 6", n)
	}
	var kept []int64
	for at := time.Unix(day+7200, 0); ; {
		l, err := db.ListToken(ctx, "status", 0, at)
		if errors.Is(err, schema.ErrNotFound) {
			break
		}
		must(0, err)(t)
		kept = append(kept, l.IssuedAt.Unix())
		at = l.IssuedAt.Add(-time.Second)
	}
	if want := []int64{day + 7200, day + 61, day + 59, 7199}; !slices.Equal(kept, want) {
		t.Errorf("kept %v, want %v", kept, want)
	}
	must(db.ListToken(ctx, "grade", 7, time.Time{}))(t) // old, and the newest of its list
	if n := must(db.PruneLists(ctx, keep))(t); n != 0 {
		t.Errorf("%d pruned again", n)
	}
}

func signedKeySets(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	if _, err := db.Root(ctx); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("no root: %v, want ErrNotFound", err)
	}
	if _, err := db.SignedKeySet(ctx); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("no key set: %v, want ErrNotFound", err)
	}
	root := schema.RootKey{Thumbprint: "r", JWK: `{"kty":"EC"}`}
	set := schema.SignedKeySet{IssuedAt: time.Unix(1000, 0).UTC(), ExpiresAt: time.Unix(2000, 0).UTC(), Token: "a"}
	for range 2 {
		must(0, db.AddSignedKeySet(ctx, root, set))(t)
	}
	for name, other := range map[string]schema.SignedKeySet{
		"of the same second": {IssuedAt: set.IssuedAt, ExpiresAt: set.ExpiresAt, Token: "b"},
		"older":              {IssuedAt: set.IssuedAt.Add(-time.Second), ExpiresAt: set.ExpiresAt, Token: "c"},
	} {
		if err := db.AddSignedKeySet(ctx, root, other); !errors.Is(err, schema.ErrConflict) {
			t.Errorf("%s: %v, want ErrConflict", name, err)
		}
	}
	newer := schema.SignedKeySet{IssuedAt: set.IssuedAt.Add(time.Second), ExpiresAt: set.ExpiresAt, Token: "d"}
	must(0, db.AddSignedKeySet(ctx, root, newer))(t)
	got, pinned := must(db.SignedKeySet(ctx))(t), must(db.Root(ctx))(t)
	if newer.Root, newer.AddedAt = "r", got.AddedAt; *got != newer || got.AddedAt.IsZero() {
		t.Errorf("newest %+v, want %+v", got, newer)
	}
	if pinned.Thumbprint != "r" || pinned.JWK != root.JWK || pinned.AddedAt.IsZero() {
		t.Errorf("root %+v", pinned)
	}
}
