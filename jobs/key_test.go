package jobs_test

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/signing"
)

const (
	keyIssuer = "https://q.example.gov.cn"
	oneDay    = 24 * time.Hour
)

// keyRing is a folder of keys beside a database.
func keyRing(t *testing.T) signing.Folder {
	t.Helper()
	return signing.Folder{Path: filepath.Join(t.TempDir(), "keys")}
}

// firstKey has a key sign as from the bench's now.
func firstKey(t *testing.T, b *bench, keys jobs.Keys, alg credential.Algorithm) int {
	t.Helper()
	plan := credential.KeyLife{CreatedAt: b.now, PlannedFrom: b.now, PlannedUntil: b.now.Add(credential.KeyLifetime)}
	number, err := jobs.MakeKey(t.Context(), b.db, keys, alg, keyIssuer, plan)
	check(t, err)
	takeStep(t, b, int(number), credential.ActivateKey, "the first key")
	return int(number)
}

func takeStep(t *testing.T, b *bench, number int, action credential.KeyAction, reason string) {
	t.Helper()
	step := credential.KeyStep{Action: action, At: b.now, By: "Li Hua", Reason: reason, Now: true}
	check(t, b.db.TakeKeySteps(t.Context(), schema.KeyStep{Number: number, KeyStep: step}))
}

func activeKey(t *testing.T, b *bench, keys jobs.Keys, alg credential.Algorithm) *jobs.ActiveKey {
	t.Helper()
	key, err := jobs.OpenActiveKey(t.Context(), b.db, keys, alg)
	check(t, err)
	t.Cleanup(func() { check(t, key.Close()) })
	return key
}

func states(t *testing.T, b *bench) map[int]schema.KeyState {
	t.Helper()
	rows, err := b.db.Keys(t.Context())
	check(t, err)
	found := map[int]schema.KeyState{}
	for _, row := range rows {
		found[row.Number] = row.State
	}
	return found
}

func someone(t *testing.T, b *bench) registry.USCC {
	t.Helper()
	for code := range assessments(t, b.db) {
		return code
	}
	t.Fatal("nobody is graded")
	return ""
}

// A year and more, a day at a time: the next key is made two weeks before, is published for a week, takes over by itself in a running
// process, and the old one goes when its last code has ended.
func TestRotationOfAKeyFromItsFirstDayToItsLast(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		_, err := b.recompute().RunOnce(t.Context())
		check(t, err)
		keys := keyRing(t)
		firstKey(t, b, keys, credential.EdDSA)
		key := activeKey(t, b, keys, "")
		issuer := &jobs.Issuer{DB: b.db, Signer: key, Clock: b.clock}
		rotate := &jobs.Rotate{DB: b.db, Keys: keys, Clock: b.clock}
		start, someone := b.now, someone(t, b)
		for _, c := range []struct {
			day    int
			want   jobs.Rotated
			signer uint8
		}{
			{1, jobs.Rotated{}, 1},
			{350, jobs.Rotated{}, 1},
			{351, jobs.Rotated{Made: []int{2}}, 1},
			{352, jobs.Rotated{}, 1},
			{364, jobs.Rotated{}, 1},
			{365, jobs.Rotated{Activated: []int{2}}, 2},
			{366, jobs.Rotated{}, 2},
			{728, jobs.Rotated{Made: []int{3}}, 2}, // the job did not run for a while
			{730, jobs.Rotated{Removed: []int{1}}, 2},
			{735, jobs.Rotated{Activated: []int{3}}, 3},
		} {
			b.now = start.Add(time.Duration(c.day) * oneDay)
			done, err := rotate.RunOnce(t.Context())
			if len(c.want.Made)+len(c.want.Activated)+len(c.want.Removed) == 0 {
				if !errors.Is(err, schema.ErrNothingDue) {
					t.Errorf("day %d: %+v, %v, want nothing", c.day, done, err)
				}
			} else if err != nil || !same(done, c.want) {
				t.Errorf("day %d: %+v, %v, want %+v", c.day, done, err, c.want)
			}
			if _, err := rotate.RunOnce(t.Context()); !errors.Is(err, schema.ErrNothingDue) {
				t.Errorf("day %d, the second time: %v", c.day, err)
			}
			check(t, key.Refresh(t.Context()))
			if c.day > 364 {
				continue // the last code of key 1 ends on day 729
			}
			issued, err := issuer.Issue(t.Context(), someone, credential.FormJWT)
			check(t, err)
			if issued.Code.Key != c.signer {
				t.Errorf("day %d: key %d signs, want %d", c.day, issued.Code.Key, c.signer)
			}
			verifies(t, b, issued.JWT)
		}
		if got := states(t, b); got[1] != schema.KeyRemoved || got[2] != schema.KeyVerifyOnly || got[3] != schema.KeyActive {
			t.Errorf("%v", got)
		}
	})
}

func same(a, b jobs.Rotated) bool {
	equal := func(x, y []int) bool { return len(x) == len(y) && (len(x) == 0 || x[0] == y[0]) }
	return equal(a.Made, b.Made) && equal(a.Activated, b.Activated) && equal(a.Removed, b.Removed) && equal(a.Asked, b.Asked)
}

func verifies(t *testing.T, b *bench, text string) {
	t.Helper()
	rows, err := b.db.Keys(t.Context())
	check(t, err)
	set, err := schema.KeySet(rows)
	check(t, err)
	if v := credential.Verify(text, set, b.now); !v.Authentic {
		t.Errorf("%+v", v)
	}
}

// Several processes on one database rotate at the same moment, each with its own folder: everything happens once, and a key that lost
// leaves no file behind.
func TestSeveralProcessesRotateOnce(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		shared := keyRing(t)
		firstKey(t, b, shared, credential.ES256)
		b.now = b.now.Add(355 * oneDay)
		folders := []signing.Folder{shared, keyRing(t), keyRing(t), shared}
		var group sync.WaitGroup
		var mu sync.Mutex
		made := 0
		for _, folder := range folders {
			group.Go(func() {
				done, err := (&jobs.Rotate{DB: b.db, Keys: folder, Clock: b.clock}).RunOnce(t.Context())
				if err != nil && !errors.Is(err, schema.ErrNothingDue) {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				made += len(done.Made)
			})
		}
		group.Wait()
		if got := states(t, b); made < 1 || len(got) != 2 || got[2] != schema.KeyPending {
			t.Errorf("made %d times: %v", made, got)
		}
		row, err := b.db.Key(t.Context(), 2)
		check(t, err)
		public, err := row.Public()
		check(t, err)
		for i, folder := range folders {
			signer, err := folder.Open(t.Context(), public)
			if err == nil {
				check(t, signer.Close())
			} else if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("folder %d holds a key that nobody registered: %v", i, err)
			}
		}
	})
}

// killed is a folder whose process is killed right after it has made the file of a key.
type killed struct{ signing.Folder }

var errKilled = errors.New("killed")

func (k killed) Make(number uint8, alg credential.Algorithm, issuer string, at time.Time) (*credential.Key, bool, error) {
	if _, _, err := k.Folder.Make(number, alg, issuer, at); err != nil {
		return nil, false, err
	}
	return nil, false, errKilled
}

func TestARotationThatWasKilledIsTakenUp(t *testing.T) {
	t.Parallel()
	b := newBench(t, schema.Config{Dir: t.TempDir()})
	keys := keyRing(t)
	firstKey(t, b, keys, credential.SM2SM3)
	b.now = b.now.Add(355 * oneDay)
	if _, err := (&jobs.Rotate{DB: b.db, Keys: killed{keys}, Clock: b.clock}).RunOnce(t.Context()); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	done, err := (&jobs.Rotate{DB: b.db, Keys: keys, Clock: b.clock}).RunOnce(t.Context())
	check(t, err)
	if !same(done, jobs.Rotated{Made: []int{2}}) {
		t.Errorf("%+v", done)
	}
	b.now = b.now.Add(10 * oneDay)
	_, err = (&jobs.Rotate{DB: b.db, Keys: keys, Clock: b.clock}).RunOnce(t.Context())
	check(t, err)
	if key := activeKey(t, b, keys, credential.SM2SM3); key.PublicKey().Number != 2 {
		t.Errorf("key %d signs", key.PublicKey().Number)
	}
}

// A key that is in no file is not made by itself: a person is asked, once. And a key that cannot be opened is not activated.
func TestRotationAsksWhereItCannotAct(t *testing.T) {
	t.Parallel()
	b := newBench(t, schema.Config{Dir: t.TempDir()})
	keys, elsewhere := keyRing(t), keyRing(t)
	held, _, err := elsewhere.Make(1, credential.ES256, keyIssuer, b.now)
	check(t, err)
	plan := credential.KeyLife{CreatedAt: b.now, PlannedUntil: b.now.Add(30 * oneDay)}
	check(t, jobs.RegisterKey(t.Context(), b.db, held.PublicKey(), schema.DriverUnix, plan))
	takeStep(t, b, 1, credential.ActivateKey, "the first key")
	b.now = b.now.Add(20 * oneDay)
	rotate := &jobs.Rotate{DB: b.db, Keys: keys, Clock: b.clock}
	done, err := rotate.RunOnce(t.Context())
	check(t, err)
	if !same(done, jobs.Rotated{Asked: []int{1}}) {
		t.Errorf("%+v", done)
	}
	if _, err := rotate.RunOnce(t.Context()); !errors.Is(err, schema.ErrNothingDue) {
		t.Errorf("asked twice: %v", err)
	}
	if told, err := b.db.Unpublished(t.Context(), schema.TopicKeyRotationDue, 10); err != nil || len(told) != 1 {
		t.Errorf("%+v, %v", told, err)
	}
	next, _, err := elsewhere.Make(2, credential.ES256, keyIssuer, b.now)
	check(t, err)
	plan = credential.KeyLife{CreatedAt: b.now, PlannedFrom: b.now.Add(10 * oneDay), PlannedUntil: b.now.Add(300 * oneDay)}
	check(t, jobs.RegisterKey(t.Context(), b.db, next.PublicKey(), schema.DriverUnix, plan))
	b.now = b.now.Add(11 * oneDay)
	if _, err := rotate.RunOnce(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a key that nobody here can sign with: %v", err)
	}
	if got := states(t, b); got[1] != schema.KeyActive || got[2] != schema.KeyPending {
		t.Errorf("%v", got)
	}
}

func TestWhichKeySigns(t *testing.T) {
	t.Parallel()
	b := newBench(t, schema.Config{Dir: t.TempDir()})
	keys := keyRing(t)
	if _, err := jobs.OpenActiveKey(t.Context(), b.db, keys, ""); !errors.Is(err, jobs.ErrNoActiveKey) {
		t.Errorf("no key at all: %v", err)
	}
	firstKey(t, b, keys, credential.SM2SM3)
	if n := activeKey(t, b, keys, "").PublicKey().Number; n != 1 {
		t.Errorf("key %d where only SM2SM3 signs", n)
	}
	if _, err := jobs.OpenActiveKey(t.Context(), b.db, keys, credential.ES256); !errors.Is(err, jobs.ErrNoActiveKey) {
		t.Errorf("ES256 asked for: %v", err)
	}
	firstKey(t, b, keys, credential.EdDSA)
	firstKey(t, b, keys, credential.ES256)
	for alg, want := range map[credential.Algorithm]uint8{"": 3, credential.ES256: 3, credential.EdDSA: 2, credential.SM2SM3: 1} {
		if n := activeKey(t, b, keys, alg).PublicKey().Number; n != want {
			t.Errorf("%q: key %d, want %d", alg, n, want)
		}
	}
}

// A running process notices that its key was removed, and signs nothing with it.
func TestTheActiveKeyFollowsTheDatabase(t *testing.T) {
	t.Parallel()
	b := newBench(t, schema.Config{Dir: t.TempDir()})
	_, err := b.recompute().RunOnce(t.Context())
	check(t, err)
	keys := keyRing(t)
	firstKey(t, b, keys, credential.ES256)
	key := activeKey(t, b, keys, "")
	issuer := &jobs.Issuer{DB: b.db, Signer: key, Clock: b.clock}
	_, err = issuer.Issue(t.Context(), someone(t, b), credential.FormJWT)
	check(t, err)
	takeStep(t, b, 1, credential.CompromiseKey, "stolen")
	if err := key.Refresh(t.Context()); !errors.Is(err, jobs.ErrNoActiveKey) {
		t.Errorf("%v", err)
	}
	if _, err := issuer.Issue(t.Context(), someone(t, b), credential.FormJWT); !errors.Is(err, jobs.ErrNoActiveKey) {
		t.Errorf("issued by a removed key: %v", err)
	}
	if s, err := key.Sign("a.b"); !errors.Is(err, jobs.ErrNoActiveKey) || s != (credential.Signature{}) {
		t.Errorf("signed by a removed key: %v", err)
	}
	if key.PublicKey().Number != 1 {
		t.Errorf("%+v", key.PublicKey())
	}
	firstKey(t, b, keys, credential.ES256)
	check(t, key.Refresh(t.Context()))
	issued, err := issuer.Issue(t.Context(), someone(t, b), credential.FormJWT)
	check(t, err)
	verifies(t, b, issued.JWT)
}

func TestRotateNow(t *testing.T) {
	t.Parallel()
	b := newBench(t, schema.Config{Dir: t.TempDir()})
	keys := keyRing(t)
	rotate := &jobs.Rotate{DB: b.db, Keys: keys, Clock: b.clock}
	if _, err := rotate.Now(t.Context(), "", "Li Hua", "x"); !errors.Is(err, jobs.ErrNoActiveKey) {
		t.Errorf("no key at all: %v", err)
	}
	firstKey(t, b, keys, credential.ES256)
	if _, err := rotate.Now(t.Context(), "", "Li Hua", ""); !errors.Is(err, credential.ErrKeyReason) {
		t.Errorf("without a reason: %v", err)
	}
	done, err := rotate.Now(t.Context(), "", "Li Hua", "an administrator has left")
	check(t, err)
	if got := states(t, b); !same(done, jobs.Rotated{Activated: []int{2}}) || got[1] != schema.KeyVerifyOnly || got[2] != schema.KeyActive {
		t.Errorf("%+v, %v", done, got)
	}
}

// compromised is a bench whose enterprises all have a printed code by key 1.
func compromised(t *testing.T, b *bench, keys signing.Folder) *jobs.Compromise {
	t.Helper()
	_, err := b.recompute().RunOnce(t.Context())
	check(t, err)
	firstKey(t, b, keys, credential.ES256)
	issuer := &jobs.Issuer{DB: b.db, Signer: activeKey(t, b, keys, ""), Clock: b.clock}
	_, err = (&jobs.Reissue{Issuer: issuer, Missing: true, RangeSize: 7}).RunOnce(t.Context())
	check(t, err)
	return &jobs.Compromise{DB: b.db, Keys: keys, Clock: b.clock, Number: 1, By: "Li Hua", Reason: "a backup was stolen", RangeSize: 7, Lease: time.Millisecond}
}

func TestACompromiseGivesEveryoneANewCode(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		keys := keyRing(t)
		job := compromised(t, b, keys)
		key := activeKey(t, b, keys, "")
		publish := &jobs.Publish{DB: b.db, Signer: key, Clock: b.clock}
		_, err := publish.RunOnce(t.Context())
		check(t, err)
		job.Reason = ""
		if _, err := job.RunOnce(t.Context()); !errors.Is(err, credential.ErrKeyReason) || len(states(t, b)) != 1 {
			t.Fatalf("without a reason: %v, %v", err, states(t, b))
		}
		job.Reason = "a backup was stolen"
		b.now = b.now.Add(time.Hour)
		done, err := job.RunOnce(t.Context())
		check(t, err)
		if done.NewKey != 2 || done.Codes != size || done.Enterprises != size || done.Reissued != size || done.Resumed || done.Reason != job.Reason || !done.RemovedAt.Equal(b.now.Truncate(time.Microsecond)) {
			t.Errorf("%+v", done)
		}
		onlyKey2(t, b)
		check(t, key.Refresh(t.Context()))
		_, err = publish.RunOnce(t.Context())
		check(t, err)
		heads, err := b.db.ListHeads(t.Context())
		check(t, err)
		for _, head := range heads {
			if head.KID != "2" {
				t.Errorf("list %s/%d is still signed by key %s", head.Kind, head.Number, head.KID)
			}
		}
		again, err := job.RunOnce(t.Context())
		check(t, err)
		if !again.Resumed || again.Codes != size || again.Reissued != size || again.NewKey != 2 {
			t.Errorf("called again: %+v", again)
		}
		if n, err := b.db.CountCodes(t.Context()); err != nil || n != 2*size {
			t.Errorf("%d codes, %v", n, err)
		}
		check(t, publish.Release(t.Context()))
	})
}

// onlyKey2 verifies that codes of key 1 are refused, and that everyone has one of key 2.
func onlyKey2(t *testing.T, b *bench) {
	t.Helper()
	rows, err := b.db.Keys(t.Context())
	check(t, err)
	set, err := schema.KeySet(rows)
	check(t, err)
	owners := map[registry.USCC]bool{}
	for c, err := range b.db.Codes(t.Context()) {
		check(t, err)
		v := credential.Verify(c.JWT, set, b.now)
		switch {
		case c.KID == "1" && v.Reason != credential.ReasonUnknownKey:
			t.Fatalf("a code of the removed key: %+v", v)
		case c.KID == "2" && !v.Authentic:
			t.Fatalf("a new code: %+v", v)
		case c.KID == "2":
			owners[c.USCC] = true
		}
	}
	if len(owners) != size {
		t.Errorf("%d enterprises have a new code, want %d", len(owners), size)
	}
}

// The process is stopped after each range; the next call goes on, and in the end everyone has exactly one new code.
func TestACompromiseThatIsStoppedGoesOn(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, b *bench) {
		job := compromised(t, b, keyRing(t))
		stops := 0
		for {
			ctx, cancel := context.WithCancel(t.Context())
			job.Progress = func(done, _ int64) {
				if done > int64(20*(stops+1)) && stops < 3 {
					cancel()
				}
			}
			_, err := job.RunOnce(ctx)
			cancel()
			if err == nil {
				break
			}
			if !errors.Is(err, context.Canceled) && !errors.Is(err, schema.ErrRunning) {
				t.Fatal(err)
			}
			stops++
		}
		if stops < 2 {
			t.Fatalf("stopped only %d times", stops)
		}
		onlyKey2(t, b)
		if n, err := b.db.CountCodes(t.Context()); err != nil || n != 2*size {
			t.Errorf("%d codes, %v, want %d", n, err, 2*size)
		}
	})
}

func TestACompromiseWithANextKey(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fresh bool
		want  int
	}{"that waits": {false, 2}, "that is not trusted": {true, 3}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, keys := newBench(t, schema.Config{Dir: t.TempDir()}), keyRing(t)
			job := compromised(t, b, keys)
			_, err := jobs.MakeKey(t.Context(), b.db, keys, credential.ES256, keyIssuer, credential.KeyLife{CreatedAt: b.now, PlannedFrom: b.now.Add(30 * oneDay)})
			check(t, err)
			job.Fresh = c.fresh
			done, err := job.RunOnce(t.Context())
			check(t, err)
			if done.NewKey != c.want || done.Reissued != size {
				t.Errorf("%+v", done)
			}
		})
	}
}

// The removal never waits: with a key in a token and none to follow it, the key goes, and the codes follow when the next key is there.
func TestACompromiseDoesNotWaitForTheNextKey(t *testing.T) {
	t.Parallel()
	b, keys := newBench(t, schema.Config{Dir: t.TempDir()}), keyRing(t)
	_, err := b.recompute().RunOnce(t.Context())
	check(t, err)
	held, _, err := keys.Make(1, credential.ES256, keyIssuer, b.now)
	check(t, err)
	check(t, jobs.RegisterKey(t.Context(), b.db, held.PublicKey(), schema.DriverPKCS11, credential.KeyLife{CreatedAt: b.now}))
	takeStep(t, b, 1, credential.ActivateKey, "the first key")
	issuer := &jobs.Issuer{DB: b.db, Signer: activeKey(t, b, keys, ""), Clock: b.clock}
	_, err = (&jobs.Reissue{Issuer: issuer, Missing: true}).RunOnce(t.Context())
	check(t, err)
	job := &jobs.Compromise{DB: b.db, Keys: keys, Clock: b.clock, Number: 1, By: "Li Hua", Reason: "the token was lost"}
	if _, err := job.RunOnce(t.Context()); !errors.Is(err, jobs.ErrNoActiveKey) {
		t.Errorf("%v", err)
	}
	if got := states(t, b); got[1] != schema.KeyRemoved {
		t.Fatalf("%v", got)
	}
	firstKey(t, b, keys, credential.ES256)
	done, err := job.RunOnce(t.Context())
	check(t, err)
	if !done.Resumed || done.NewKey != 2 || done.Reissued != size {
		t.Errorf("%+v", done)
	}
}

// A key that only verifies keeps its codes: nobody prints anew because of a rotation. Its compromise costs its codes alone.
func TestARotationCostsNobodyANewPrint(t *testing.T) {
	t.Parallel()
	b, keys := newBench(t, schema.Config{Dir: t.TempDir()}), keyRing(t)
	job := compromised(t, b, keys)
	_, err := (&jobs.Rotate{DB: b.db, Keys: keys, Clock: b.clock}).Now(t.Context(), "", "Li Hua", "an administrator has left")
	check(t, err)
	issuer := &jobs.Issuer{DB: b.db, Signer: activeKey(t, b, keys, ""), Clock: b.clock}
	run, err := (&jobs.Reissue{Issuer: issuer, RangeSize: 7}).RunOnce(t.Context())
	check(t, err)
	if run.Changed != 0 {
		t.Errorf("%d codes because of a rotation", run.Changed)
	}
	done, err := job.RunOnce(t.Context())
	check(t, err)
	if done.NewKey != 2 || done.Reissued != size || len(states(t, b)) != 2 {
		t.Errorf("%+v, %v", done, states(t, b))
	}
}
