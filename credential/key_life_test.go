package credential_test

import (
	"errors"
	"testing"
	"time"

	"healthcode/credential"

	"pgregory.net/rapid"
)

const keyDay = 24 * time.Hour

// lifeIn is the life of a key that was made at issuedAt, activated 8 days later and retired 100 days later, as far as the state.
func lifeIn(state credential.KeyState) credential.KeyLife {
	l := credential.KeyLife{State: state, CreatedAt: issuedAt}
	if state == credential.KeyPending {
		return l
	}
	l.ActiveAt, l.PlannedUntil = issuedAt.Add(8*keyDay), issuedAt.Add(373*keyDay)
	if state == credential.KeyActive {
		return l
	}
	l.RetiredAt = issuedAt.Add(100 * keyDay)
	if state == credential.KeyRemoved {
		l.RemovedAt = issuedAt.Add(500 * keyDay)
	}
	return l
}

func TestKeySteps(t *testing.T) {
	t.Parallel()
	const why = "the day has come"
	lastCode := issuedAt.Add(465 * keyDay)
	for _, c := range []struct {
		name   string
		from   credential.KeyState
		action credential.KeyAction
		after  time.Duration
		now    bool
		reason string
		want   credential.KeyState
		err    error
	}{
		{"pending, a week later, is activated", credential.KeyPending, credential.ActivateKey, 7 * keyDay, false, "", credential.KeyActive, nil},
		{"a second too early", credential.KeyPending, credential.ActivateKey, 7*keyDay - time.Second, false, why, "", credential.ErrKeyEarly},
		{"now, with a reason", credential.KeyPending, credential.ActivateKey, 0, true, why, credential.KeyActive, nil},
		{"now, without", credential.KeyPending, credential.ActivateKey, 0, true, "", "", credential.ErrKeyReason},
		{"now, with a blank for a reason", credential.KeyPending, credential.ActivateKey, 0, true, " \n", "", credential.ErrKeyReason},
		{"now, when nothing is early: needs no reason", credential.KeyPending, credential.ActivateKey, 8 * keyDay, true, "", credential.KeyActive, nil},
		{"active again", credential.KeyActive, credential.ActivateKey, 9 * keyDay, false, "", "", credential.ErrKeyStep},
		{"retired back to active", credential.KeyVerifyOnly, credential.ActivateKey, 101 * keyDay, true, why, "", credential.ErrKeyStep},
		{"removed back to active", credential.KeyRemoved, credential.ActivateKey, 501 * keyDay, true, why, "", credential.ErrKeyStep},
		{"active is retired", credential.KeyActive, credential.RetireKey, 100 * keyDay, false, "", credential.KeyVerifyOnly, nil},
		{"pending is not retired", credential.KeyPending, credential.RetireKey, 100 * keyDay, false, "", "", credential.ErrKeyStep},
		{"retired twice", credential.KeyVerifyOnly, credential.RetireKey, 101 * keyDay, false, "", "", credential.ErrKeyStep},
		{"removed when its last code has ended", credential.KeyVerifyOnly, credential.RemoveKey, 466 * keyDay, false, "", credential.KeyRemoved, nil},
		{"removed a day too early", credential.KeyVerifyOnly, credential.RemoveKey, 464 * keyDay, true, why, "", credential.ErrKeyEarly},
		{"removed at the very end: clocks differ", credential.KeyVerifyOnly, credential.RemoveKey, 465 * keyDay, false, "", "", credential.ErrKeyEarly},
		{"pending is withdrawn", credential.KeyPending, credential.RemoveKey, time.Second, false, "", credential.KeyRemoved, nil},
		{"active is not removed", credential.KeyActive, credential.RemoveKey, 1000 * keyDay, true, why, "", credential.ErrKeyStep},
		{"removed twice", credential.KeyRemoved, credential.RemoveKey, 1000 * keyDay, false, "", "", credential.ErrKeyStep},
		{"compromised while pending", credential.KeyPending, credential.CompromiseKey, 0, false, why, credential.KeyRemoved, nil},
		{"compromised while active", credential.KeyActive, credential.CompromiseKey, 9 * keyDay, false, why, credential.KeyRemoved, nil},
		{"compromised while verifying", credential.KeyVerifyOnly, credential.CompromiseKey, 101 * keyDay, false, why, credential.KeyRemoved, nil},
		{"compromised without a reason", credential.KeyActive, credential.CompromiseKey, 9 * keyDay, false, "", "", credential.ErrKeyReason},
		{"compromised when it is gone", credential.KeyRemoved, credential.CompromiseKey, 501 * keyDay, false, why, "", credential.ErrKeyStep},
		{"no step of this name", credential.KeyActive, "sell", 9 * keyDay, false, why, "", credential.ErrKeyStep},
	} {
		before := lifeIn(c.from)
		after, err := before.Take(credential.KeyStep{Action: c.action, At: issuedAt.Add(c.after), By: "Li Hua", Reason: c.reason, Now: c.now, LastExpiry: lastCode})
		if !errors.Is(err, c.err) || c.err != nil && after != before || c.err == nil && after.State != c.want {
			t.Errorf("%s: %+v, %v", c.name, after, err)
		}
	}
}

func TestACompromiseIsDated(t *testing.T) {
	t.Parallel()
	at := issuedAt.Add(50 * keyDay)
	got, err := lifeIn(credential.KeyActive).Take(credential.KeyStep{Action: credential.CompromiseKey, At: at, Reason: "stolen"})
	if err != nil || !got.CompromisedAt.Equal(at) || !got.RemovedAt.Equal(at) || !got.RetiredAt.Equal(at) {
		t.Errorf("%+v, %v", got, err)
	}
}

// A key that never signed a code has signed lists, which live for a day.
func TestRemovableFrom(t *testing.T) {
	t.Parallel()
	l := lifeIn(credential.KeyVerifyOnly)
	for name, c := range map[string]struct{ last, want time.Time }{
		"no code":                {time.Time{}, l.RetiredAt.Add(keyDay + 5*time.Minute)},
		"a code that ended soon": {l.RetiredAt.Add(time.Hour), l.RetiredAt.Add(keyDay + 5*time.Minute)},
		"a code of a year":       {l.RetiredAt.Add(365 * keyDay), l.RetiredAt.Add(365*keyDay + 5*time.Minute)},
	} {
		if got := l.RemovableFrom(c.last); !got.Equal(c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestWindow(t *testing.T) {
	t.Parallel()
	planned := func(state credential.KeyState) credential.KeyLife {
		l := lifeIn(state)
		l.PlannedFrom = issuedAt.Add(9*keyDay + 300*time.Millisecond)
		return l
	}
	plan, started, stopped := issuedAt.Add(9*keyDay-5*time.Minute), issuedAt.Add(8*keyDay-5*time.Minute), issuedAt.Add(100*keyDay+5*time.Minute)
	for name, c := range map[string]struct {
		life        credential.KeyLife
		from, until time.Time
	}{
		"pending without a plan":     {lifeIn(credential.KeyPending), time.Time{}, time.Time{}},
		"pending with one":           {planned(credential.KeyPending), plan, time.Time{}},
		"active, as it really began": {planned(credential.KeyActive), started, time.Time{}},
		"active without a plan":      {lifeIn(credential.KeyActive), time.Time{}, time.Time{}},
		"verify-only":                {planned(credential.KeyVerifyOnly), started, stopped},
		"verify-only without a plan": {lifeIn(credential.KeyVerifyOnly), time.Time{}, stopped},
	} {
		if from, until := c.life.Window(); !from.Equal(c.from) || !until.Equal(c.until) {
			t.Errorf("%s: %s to %s, want %s to %s", name, from, until, c.from, c.until)
		}
	}
}

func TestPlanRotation(t *testing.T) {
	t.Parallel()
	standing := func(number uint8, state credential.KeyState, change ...func(*credential.KeyStanding)) credential.KeyStanding {
		k := credential.KeyStanding{Number: number, Algorithm: credential.ES256, Life: lifeIn(state)}
		for _, c := range change {
			c(&k)
		}
		return k
	}
	planned := func(days int) func(*credential.KeyStanding) {
		return func(k *credential.KeyStanding) { k.Life.PlannedFrom = issuedAt.Add(time.Duration(days) * keyDay) }
	}
	made := func(days int) func(*credential.KeyStanding) {
		return func(k *credential.KeyStanding) { k.Life.CreatedAt = issuedAt.Add(time.Duration(days) * keyDay) }
	}
	edwards := func(k *credential.KeyStanding) { k.Algorithm = credential.EdDSA }
	for _, c := range []struct {
		name string
		keys []credential.KeyStanding
		day  int
		want []credential.RotationStep
	}{
		{"no keys", nil, 0, nil},
		{"an active key in the middle of its life", []credential.KeyStanding{standing(1, credential.KeyActive)}, 200, nil},
		{"15 days before its end", []credential.KeyStanding{standing(1, credential.KeyActive)}, 358, nil},
		{"14 days before its end the next one is made", []credential.KeyStanding{standing(1, credential.KeyActive)}, 359,
			[]credential.RotationStep{{Make: true, Number: 1, Algorithm: credential.ES256, From: issuedAt.Add(373 * keyDay), Until: issuedAt.Add(738 * keyDay)}}},
		{"late: published for a week all the same", []credential.KeyStanding{standing(1, credential.KeyActive)}, 500,
			[]credential.RotationStep{{Make: true, Number: 1, Algorithm: credential.ES256, From: issuedAt.Add(507 * keyDay), Until: issuedAt.Add(872 * keyDay)}}},
		{"the next one waits for its day", []credential.KeyStanding{standing(1, credential.KeyActive), standing(2, credential.KeyPending, made(359), planned(373))}, 372, nil},
		{"its day has come", []credential.KeyStanding{standing(1, credential.KeyActive), standing(2, credential.KeyPending, made(359), planned(373))}, 373,
			[]credential.RotationStep{{Action: credential.ActivateKey, Number: 2, Algorithm: credential.ES256}}},
		{"planned too early: a week after it was made", []credential.KeyStanding{standing(1, credential.KeyActive), standing(2, credential.KeyPending, made(20), planned(21))}, 26, nil},
		{"a key without a date waits for a person, who is told", []credential.KeyStanding{standing(1, credential.KeyActive), standing(2, credential.KeyPending)}, 360,
			[]credential.RotationStep{{Tell: true, Number: 1, Algorithm: credential.ES256, From: issuedAt.Add(373 * keyDay), Until: issuedAt.Add(738 * keyDay)}}},
		{"a first key of an algorithm that is planned", []credential.KeyStanding{standing(3, credential.KeyPending, planned(10), edwards)}, 10,
			[]credential.RotationStep{{Action: credential.ActivateKey, Number: 3, Algorithm: credential.EdDSA}}},
		{"an algorithm that nobody signs with gets no key", []credential.KeyStanding{standing(3, credential.KeyVerifyOnly, edwards, func(k *credential.KeyStanding) { k.LastExpiry = issuedAt.Add(900 * keyDay) })}, 500, nil},
		{"a retired key whose codes have ended", []credential.KeyStanding{standing(1, credential.KeyVerifyOnly), standing(2, credential.KeyActive)}, 102,
			[]credential.RotationStep{{Action: credential.RemoveKey, Number: 1, Algorithm: credential.ES256}}},
		{"removed keys are left alone", []credential.KeyStanding{standing(1, credential.KeyRemoved)}, 900, nil},
	} {
		got := credential.PlanRotation(c.keys, issuedAt.Add(time.Duration(c.day)*keyDay))
		if len(got) != len(c.want) || len(got) > 0 && got[0] != c.want[0] {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// ring keeps keys as the database does, for the laws of rotation.
type ring struct {
	t    *rapid.T
	keys []credential.KeyStanding
}

func (r *ring) take(number uint8, action credential.KeyAction, at time.Time) {
	k := &r.keys[number-1]
	for i := range r.keys {
		if other := &r.keys[i]; action == credential.ActivateKey && other.Algorithm == k.Algorithm && other.Life.State == credential.KeyActive {
			r.take(other.Number, credential.RetireKey, at)
		}
	}
	after, err := k.Life.Take(credential.KeyStep{Action: action, At: at, By: credential.BySystem, LastExpiry: k.LastExpiry})
	if err != nil {
		r.t.Fatalf("the plan's step %s of key %d is refused: %v", action, number, err)
	}
	k.Life = after
}

func (r *ring) rotate(at time.Time) (steps int) {
	for _, s := range credential.PlanRotation(r.keys, at) {
		switch {
		case s.Make:
			r.keys = append(r.keys, credential.KeyStanding{Number: uint8(len(r.keys) + 1), Algorithm: s.Algorithm,
				Life: credential.KeyLife{State: credential.KeyPending, CreatedAt: at, PlannedFrom: s.From, PlannedUntil: s.Until}})
		case !s.Tell:
			r.take(s.Number, s.Action, at)
		}
		steps++
	}
	return steps
}

// Run for years with days on which the job does not run: there is always exactly one key that signs, each was published for a week
// before, and none is removed while one of its codes is valid.
func TestLawsOfRotation(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := &ring{t: t}
		algs := rapid.SliceOfNDistinct(rapid.SampledFrom(credential.Algorithms()), 1, 3, rapid.ID[credential.Algorithm]).Draw(t, "algorithms")
		for i, alg := range algs {
			r.keys = append(r.keys, credential.KeyStanding{Number: uint8(i + 1), Algorithm: alg, Life: lifeIn(credential.KeyActive)})
		}
		at := issuedAt.Add(9 * keyDay)
		for range rapid.IntRange(50, 400).Draw(t, "runs") {
			at = at.Add(time.Duration(rapid.IntRange(1, 240).Draw(t, "hours")) * time.Hour)
			r.rotate(at)
			if again := r.rotate(at); again != 0 {
				t.Fatalf("%d steps more at the same moment", again)
			}
			r.check(at, len(algs))
		}
	})
}

func (r *ring) check(at time.Time, algorithms int) {
	active := 0
	for i := range r.keys {
		k := &r.keys[i]
		switch k.Life.State {
		case credential.KeyActive:
			active++
			k.LastExpiry = at.Add(365 * keyDay) // it signs a code
		case credential.KeyRemoved:
			if k.LastExpiry.After(at) {
				r.t.Fatalf("key %d was removed before its last code ended", k.Number)
			}
		}
		if i >= algorithms && !k.Life.ActiveAt.IsZero() && k.Life.ActiveAt.Before(k.Life.CreatedAt.Add(7*keyDay)) {
			r.t.Fatalf("key %d signed before it was published for a week: %+v", k.Number, k.Life)
		}
	}
	if active != algorithms {
		r.t.Fatalf("%d keys sign, want %d", active, algorithms)
	}
}
