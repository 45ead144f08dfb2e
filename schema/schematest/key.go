package schematest

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/registry"
	"healthcode/schema"
)

// keyRow makes a fresh key as it is stored.
func keyRow(tb testing.TB, number uint8, alg credential.Algorithm) schema.SigningKey {
	tb.Helper()
	key := must(credential.GenerateKey(alg, number, "https://q.example.gov.cn", time.Unix(1780000000, 0)))(tb)
	jwk := must(json.Marshal(key.PublicKey()))(tb)
	return schema.SigningKey{Number: int(number), KID: key.PublicKey().ID(), Alg: string(alg), JWK: string(jwk)}
}

func addKeys(t *testing.T, db *schema.DB, rows ...schema.SigningKey) {
	t.Helper()
	for _, row := range rows {
		if err := db.AddKey(t.Context(), row); err != nil {
			t.Fatal(err)
		}
	}
}

func step(number int, action credential.KeyAction, at time.Time, reason string) schema.KeyStep {
	return schema.KeyStep{Number: number, KeyStep: credential.KeyStep{Action: action, At: at, By: "Li Hua", Reason: reason, Now: reason != ""}}
}

func keyLife(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	addKeys(t, db, keyRow(t, 1, credential.ES256), keyRow(t, 2, credential.ES256), keyRow(t, 3, credential.SM2SM3))
	for _, step := range []struct {
		number int
		to     schema.KeyState
		ok     bool
	}{
		{1, schema.KeyActive, true}, {3, schema.KeyActive, true}, {2, schema.KeyActive, true}, {2, schema.KeyActive, false}, {1, schema.KeyActive, false},
		{1, schema.KeyVerifyOnly, false}, {1, schema.KeyRemoved, true}, {1, schema.KeyVerifyOnly, false}, {1, schema.KeyRemoved, false},
		{9, schema.KeyActive, false}, {2, schema.KeyPending, false},
	} {
		err := db.MoveKey(ctx, step.number, step.to)
		if step.ok != (err == nil) || err != nil && !errors.Is(err, schema.ErrConflict) {
			t.Errorf("key %d to %s: %v", step.number, step.to, err)
		}
	}
	keys := must(db.Keys(ctx))(t)
	if len(keys) != 3 || keys[0].State != schema.KeyRemoved || keys[1].State != schema.KeyActive || keys[2].State != schema.KeyActive || keys[1].ActiveAt.IsZero() {
		t.Errorf("keys %+v", keys)
	}
	if one := must(db.Key(ctx, 2))(t); *one != keys[1] {
		t.Errorf("alone %+v, in the list %+v", *one, keys[1])
	}
	if _, err := db.Key(ctx, 9); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("a key that is not there: %v", err)
	}
}

func keyMaterial(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	first, other := keyRow(t, 1, credential.ES256), keyRow(t, 1, credential.ES256)
	addKeys(t, db, first, first) // twice changes nothing
	again := first               // the same key under number 2
	again.Number, again.KID, again.JWK = 2, "2", strings.Replace(first.JWK, `"kid":"1"`, `"kid":"2"`, 1)
	label := keyRow(t, 3, credential.ES256)
	label.Alg = "EdDSA"
	zero := first
	zero.Number = 0
	for name, c := range map[string]struct {
		row  schema.SigningKey
		want error
	}{
		"another key under the number":     {other, schema.ErrConflict},
		"the same key under a new number":  {again, schema.ErrConflict},
		"another algorithm than its JWK's": {label, schema.ErrKey},
		"another number than its JWK's":    {zero, schema.ErrKey},
		"a JWK that is none":               {schema.SigningKey{Number: 4, KID: "4", Alg: "ES256", JWK: `{"kid":"4"}`}, schema.ErrKey},
		"no JWK":                           {schema.SigningKey{Number: 4, KID: "4", Alg: "ES256"}, schema.ErrKey},
	} {
		if err := db.AddKey(ctx, c.row); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if keys := must(db.Keys(ctx))(t); len(keys) != 1 || keys[0].JWK != first.JWK || keys[0].Driver != schema.DriverFile {
		t.Errorf("%+v", keys)
	}
}

func keySteps(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	begin := time.Unix(1780000000, 123456000).UTC()
	first, next := keyRow(t, 1, credential.ES256), keyRow(t, 2, credential.ES256)
	first.CreatedAt, next.CreatedAt, next.Driver = begin, begin.Add(300*24*time.Hour), schema.DriverUnix
	next.PlannedFrom, next.PlannedUntil = begin.Add(310*24*time.Hour), begin.Add(600*24*time.Hour)
	addKeys(t, db, first, next)
	lastCode := begin.Add(700 * 24 * time.Hour)
	code := must(db.Code(ctx, must(db.ReserveIndex(ctx, Code(1), "1", "printed"))(t)))(t)
	code.IssuedAt, code.ExpiresAt, code.Model, code.JWT = begin, lastCode, 1, "a.b.c"
	if err := db.SaveCode(ctx, *code); err != nil {
		t.Fatal(err)
	}
	day := func(n int) time.Time { return begin.Add(time.Duration(n) * 24 * time.Hour) }
	for _, c := range []struct {
		name string
		step schema.KeyStep
		want error
	}{
		{"too early", step(1, credential.ActivateKey, day(6), ""), credential.ErrKeyEarly},
		{"active", step(1, credential.ActivateKey, day(7), ""), nil},
		{"the next one, which retires the first", step(2, credential.ActivateKey, day(310), ""), nil},
		{"removed while its code lives", step(1, credential.RemoveKey, day(699), "x"), credential.ErrKeyEarly},
		{"removed", step(1, credential.RemoveKey, day(701), ""), nil},
		{"a compromise wants a reason", step(2, credential.CompromiseKey, day(702), ""), credential.ErrKeyReason},
		{"compromised", step(2, credential.CompromiseKey, day(702), "a backup was stolen"), nil},
		{"not there", step(7, credential.ActivateKey, day(702), ""), schema.ErrNotFound},
	} {
		if err := db.TakeKeySteps(ctx, c.step); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	keys := must(db.Keys(ctx))(t)
	want := []credential.KeyLife{
		{State: schema.KeyRemoved, CreatedAt: begin, PlannedUntil: day(7 + 365), ActiveAt: day(7), RetiredAt: day(310), RemovedAt: day(701)},
		{State: schema.KeyRemoved, CreatedAt: day(300), PlannedFrom: day(310), PlannedUntil: day(600), ActiveAt: day(310), RetiredAt: day(702), RemovedAt: day(702),
			CompromisedAt: day(702)},
	}
	for i := range keys {
		if keys[i].KeyLife != want[i] {
			t.Errorf("key %d: %+v, want %+v", i+1, keys[i].KeyLife, want[i])
		}
	}
	if got := must(db.LastExpiry(ctx, "1"))(t); !got.Equal(lastCode) {
		t.Errorf("the last code ends %s, want %s", got, lastCode)
	}
	checkKeyEvents(t, db)
}

func checkKeyEvents(t *testing.T, db *schema.DB) {
	t.Helper()
	for number, want := range map[int]string{1: "add activate retire remove", 2: "add activate compromise"} {
		var got []string
		for _, e := range must(db.KeyEvents(t.Context(), number))(t) {
			got = append(got, e.Step)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("key %d: %q, want %q", number, got, want)
		}
	}
	events := must(db.KeyEvents(t.Context(), 1))(t)
	if events[1].Author != "Li Hua" || events[2].Reason != "replaced by key 2" {
		t.Errorf("%+v", events)
	}
	told := must(db.Unpublished(t.Context(), schema.TopicKeyChanged, 100))(t)
	if len(told) != 7 || !strings.Contains(told[6].Payload, `"step":"compromise","author":"Li Hua","reason":"a backup was stolen"`) ||
		!strings.Contains(told[6].Payload, `"kid":"2","alg":"ES256","state":"removed","driver":"unix"`) {
		t.Errorf("told %+v", told)
	}
}

// keyRaces lets several processes activate the same key at the same moment.
func keyRaces(t *testing.T, fresh Opener) {
	config := fresh(t)
	db := Reopen(t, config)
	addKeys(t, db, keyRow(t, 1, credential.ES256), keyRow(t, 2, credential.ES256))
	if err := db.MoveKey(t.Context(), 1, schema.KeyActive); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	took := 0
	for range 4 {
		other := Reopen(t, config)
		group.Go(func() {
			err := other.TakeKeySteps(t.Context(), step(2, credential.ActivateKey, time.Time{}, "at once"))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				took++
			} else if !errors.Is(err, credential.ErrKeyStep) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	keys := must(db.Keys(t.Context()))(t)
	if took != 1 || keys[0].State != schema.KeyVerifyOnly || keys[1].State != schema.KeyActive {
		t.Errorf("%d took the step: %+v", took, keys)
	}
	if events := must(db.KeyEvents(t.Context(), 2))(t); len(events) != 2 {
		t.Errorf("%+v", events)
	}
}

func keyStepsTogether(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	addKeys(t, db, keyRow(t, 1, credential.ES256), keyRow(t, 2, credential.ES256))
	if err := db.MoveKey(ctx, 1, schema.KeyActive); err != nil {
		t.Fatal(err)
	}
	stolen := step(1, credential.CompromiseKey, time.Time{}, "stolen")
	if err := db.TakeKeySteps(ctx, stolen, step(2, credential.ActivateKey, time.Time{}, "")); !errors.Is(err, credential.ErrKeyEarly) {
		t.Errorf("the second step is too early: %v", err)
	}
	if keys := must(db.Keys(ctx))(t); keys[0].State != schema.KeyActive || keys[1].State != schema.KeyPending {
		t.Errorf("the first step was taken alone: %+v", keys)
	}
	if err := db.TakeKeySteps(ctx, stolen, step(2, credential.ActivateKey, time.Time{}, "key 1 was stolen")); err != nil {
		t.Fatal(err)
	}
	if keys := must(db.Keys(ctx))(t); keys[0].State != schema.KeyRemoved || keys[1].State != schema.KeyActive {
		t.Errorf("%+v", keys)
	}
}

func keyRotationDue(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	addKeys(t, db, keyRow(t, 1, credential.ES256))
	for i, want := range []bool{true, false, false} {
		if first, err := db.AskForRotation(ctx, 1, "it ends on 2027-01-01", time.Unix(1780000000, 0)); first != want || err != nil {
			t.Errorf("time %d: %v, %v", i+1, first, err)
		}
	}
	told := must(db.Unpublished(ctx, schema.TopicKeyRotationDue, 100))(t)
	if len(told) != 1 || !strings.Contains(told[0].Payload, "it ends on 2027-01-01") {
		t.Errorf("%+v", told)
	}
	if _, err := db.AskForRotation(ctx, 2, "x", time.Unix(1780000000, 0)); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("no such key: %v", err)
	}
}

// issueBy issues a printed code of an enterprise by a key.
func issueBy(t *testing.T, db *schema.DB, code registry.USCC, kid string, until time.Time) uint32 {
	t.Helper()
	idx := must(db.ReserveIndex(t.Context(), code, kid, "printed"))(t)
	c := must(db.Code(t.Context(), idx))(t)
	c.IssuedAt, c.ExpiresAt, c.Model, c.JWT = time.Unix(1780000000, 0), until, 1, "a.b.c"
	if err := db.SaveCode(t.Context(), *c); err != nil {
		t.Fatal(err)
	}
	return idx
}

func lostCodes(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	seed(t, db, 4, 1)
	addKeys(t, db, keyRow(t, 1, credential.ES256), keyRow(t, 2, credential.ES256))
	if err := db.MoveKey(ctx, 1, schema.KeyActive); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1790000000, 0)
	first, second := issueBy(t, db, Code(0), "1", at.Add(time.Hour)), issueBy(t, db, Code(1), "1", at.Add(time.Hour))
	issueBy(t, db, Code(2), "1", at) // has ended
	revoked := issueBy(t, db, Code(3), "1", at.Add(time.Hour))
	if _, err := db.ChangeCode(ctx, revoked, schema.StepRevoke, "Li Hua", "closed"); err != nil {
		t.Fatal(err)
	}
	if err := db.TakeKeySteps(ctx, step(1, credential.CompromiseKey, at, "stolen"), step(2, credential.ActivateKey, at, "stolen")); err != nil {
		t.Fatal(err)
	}
	next := issueBy(t, db, Code(1), "2", at.Add(time.Hour))
	var got []schema.LostCode
	for l, err := range db.LostCodes(ctx, "1", at) {
		got = append(got, must(l, err)(t))
	}
	want := []schema.LostCode{
		{USCC: Code(0), Name: Enterprise(0).Name, Region: Enterprise(0).RegionCode, Index: first},
		{USCC: Code(1), Name: Enterprise(1).Name, Region: Enterprise(1).RegionCode, Index: second, NewIndex: next},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func copies(t *testing.T, fresh Opener) {
	db, ctx := Open(t, fresh), t.Context()
	seed(t, db, 25, 1)
	gradeSome(t, db)
	addKeys(t, db, keyRow(t, 1, credential.ES256))
	idx := issueBy(t, db, Code(0), "1", time.Unix(1790000000, 0))
	for range 2 { // the second one finds nothing of the first
		copied, remove, err := db.Copy(ctx, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if db.Engine() == "postgres" {
			if _, _, err := db.Copy(ctx, t.TempDir()); !errors.Is(err, schema.ErrRunning) {
				t.Errorf("a second copy: %v", err)
			}
		}
		if n := must(copied.CountEnterprises(ctx))(t); n != 25 {
			t.Errorf("%d enterprises in the copy", n)
		}
		if got := must(copied.Code(ctx, idx))(t); got.USCC != Code(0) {
			t.Errorf("%+v", got)
		}
		if next := must(copied.ReserveIndex(ctx, Code(1), "1", "printed"))(t); next <= idx {
			t.Errorf("the copy gives index %d again", next)
		}
		if err := copied.MoveKey(ctx, 1, schema.KeyActive); err != nil {
			t.Error(err)
		}
		if a, b := must(copied.Assessment(ctx, Code(3)))(t), must(db.Assessment(ctx, Code(3)))(t); a.Digest != b.Digest {
			t.Errorf("%+v, %+v", a, b)
		}
		if err := remove(); err != nil {
			t.Error(err)
		}
	}
	if keys := must(db.Keys(ctx))(t); keys[0].State != schema.KeyPending {
		t.Errorf("the original changed: %+v", keys)
	}
	if got := must(db.CodesOf(ctx, Code(1)))(t); len(got) != 0 {
		t.Errorf("the original changed: %+v", got)
	}
}
