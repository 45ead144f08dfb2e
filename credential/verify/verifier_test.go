package verify_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/credential/verify"
	"healthcode/registry"

	"pgregory.net/rapid"
)

func mustLoad(tb testing.TB, v *verify.Verifier, bundle string, now time.Time) {
	tb.Helper()
	if err := v.LoadBundle([]byte(bundle), now); err != nil {
		tb.Fatal(err)
	}
}

// What one verifier has seen, the next one knows, through JSON.
func TestMemoryOutlivesAVerifier(t *testing.T) {
	t.Parallel()
	bundles := makeBundles(t)
	first := verify.New(mustRoot(t), verify.Memory{})
	mustLoad(t, first, bundles["today"], scanned)
	text, err := json.Marshal(first.Memory())
	if err != nil {
		t.Fatal(err)
	}
	memory, err := verify.ParseMemory(text)
	if err != nil {
		t.Fatal(err)
	}
	second := verify.New(mustRoot(t), memory)
	if err := second.LoadBundle([]byte(bundles["yesterday"]), scanned); verify.Refusal(err) != "rollback" || !errors.Is(err, credential.ErrBundle) {
		t.Errorf("%v", err)
	}
	mustLoad(t, second, bundles["today"], scanned)
	if len(memory.Lists) != 2 || memory.Lists[issuer+"/lists/status/1"] != uint32(listedAt.Unix()) || memory.KeySet == 0 {
		t.Errorf("%s", text)
	}
}

// A verifier's memory is its own: who holds a copy cannot change it, nor what was given to New.
func TestMemoryIsACopy(t *testing.T) {
	t.Parallel()
	given := verify.Memory{Lists: map[string]uint32{}}
	v := verify.New(mustRoot(t), given)
	mustLoad(t, v, makeBundles(t)["today"], scanned)
	v.Memory().Lists[issuer+"/lists/status/1"] = 0
	if len(given.Lists) != 0 || v.Memory().Lists[issuer+"/lists/status/1"] == 0 {
		t.Error("a copy changed it")
	}
}

func TestParseMemoryRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "[]", `{"key_set":-1}`, `{"key_set":4294967296}`, `{"lists":{"x":"y"}}`, `{"lists":[]}`, `{}x`} {
		if m, err := verify.ParseMemory([]byte(text)); !errors.Is(err, verify.ErrMemory) || m.KeySet != 0 || m.Lists != nil {
			t.Errorf("%s: %+v, %v", text, m, err)
		}
	}
	if _, err := verify.ParseMemory(make([]byte, verify.MaxMemory+1)); !errors.Is(err, verify.ErrMemory) {
		t.Error(err)
	}
}

// Who has no bundle gets the lists one by one, with a key set that it trusts.
func TestLoadLists(t *testing.T) {
	t.Parallel()
	issued, want := good(t)
	status, grade := signedList(t, active, credential.ListStatus, listedAt), signedList(t, active, credential.ListGrade, listedAt)
	older := signedList(t, active, credential.ListGrade, listedAt.Add(-time.Second))
	v := verify.NewWithKeys(mustSet(t, active), verify.Memory{})
	steps := []struct {
		name   string
		tokens []string
		refuse string
		want   credential.Currency
	}{
		{"nothing", nil, "", credential.CurrentUnknown},
		{"the status list", []string{status}, "", credential.CurrentUnknown},
		{"one good, one bad", []string{grade, "x"}, "malformed", credential.CurrentUnknown},
		{"by another key", []string{signedList(t, removed, credential.ListGrade, listedAt)}, "unknown_key", credential.CurrentUnknown},
		{"the grade list", []string{grade}, "", credential.CurrentYes},
		{"an older one", []string{older}, "rollback", credential.CurrentYes},
		{"one of tomorrow, passed over", []string{signedList(t, active, credential.ListStatus, listedAt.AddDate(0, 0, 1))}, "", credential.CurrentYes},
	}
	for _, step := range steps {
		if err := v.LoadLists(scanned, step.tokens...); verify.Refusal(err) != step.refuse {
			t.Errorf("%s: %v, want %q", step.name, err, step.refuse)
		}
		if got := v.Verify(issued.URL, scanned); got.Current != step.want || !got.Authentic {
			t.Errorf("%s: %+v", step.name, got)
		}
	}
	if got := v.Verify(issued.URL, scanned); got != want {
		t.Errorf("%+v", got)
	}
	if err := v.LoadBundle([]byte(makeBundles(t)["today"]), scanned); !errors.Is(err, verify.ErrNoRoot) {
		t.Error(err)
	}
}

// Codes, lists and manifests may be signed by a key of any algorithm; another key of the set, of another algorithm, changes nothing.
func TestEveryAlgorithm(t *testing.T) {
	t.Parallel()
	for i, alg := range credential.Algorithms() {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			number := uint8(20 + i)
			key, err := credential.GenerateKey(alg, number, issuer, issuedAt)
			if err != nil {
				t.Fatal(err)
			}
			set, err := credential.NewKeySet(*mustKey(t, active).PublicKey(), *key.PublicKey())
			if err != nil {
				t.Fatal(err)
			}
			keySet, err := credential.SignKeySet(mustKey(t, rootSeed), set, issuedAt, credential.KeySetLifetime)
			if err != nil {
				t.Fatal(err)
			}
			var lists []string
			for kind, fill := range map[credential.ListKind]func([]byte){credential.ListStatus: fillStatus, credential.ListGrade: fillGrade} {
				entries := make([]byte, kind.Bytes())
				fill(entries)
				token, err := credential.SignList(key, kind, listNumber, entries, listedAt)
				if err != nil {
					t.Fatal(err)
				}
				lists = append(lists, token)
			}
			bundle, err := credential.SignBundle(key, keySet, lists, listedAt)
			if err != nil {
				t.Fatal(err)
			}
			v := verify.New(mustRoot(t), verify.Memory{})
			mustLoad(t, v, string(bundle), scanned)
			issued, err := credential.Issue(key, codeAt(placeGood))
			if err != nil {
				t.Fatal(err)
			}
			want := current(says(&issued.Code, credential.FormPrinted), registry.TierA, registry.ColourBlue, listedAt, listedAt)
			if got := v.Verify(issued.URL, scanned); got != want {
				t.Errorf("\n got %+v\nwant %+v", got, want)
			}
			for _, other := range credential.Algorithms() {
				header, payload, signature := parts(t, issued.JWT)
				text := b64(strings.Replace(header, string(alg), string(other), 1)) + "." + b64(payload) + "." + b64(signature)
				if got := v.Verify(text, scanned); got.Authentic != (other == alg) {
					t.Errorf("called %s: %+v", other, got)
				}
			}
		})
	}
}

// Many verify while bundles change: each verdict is that of one bundle or the other, never of a mixture. The race detector watches.
func TestVerifyWhileLoading(t *testing.T) {
	t.Parallel()
	bundles := makeBundles(t)
	issued, _ := good(t)
	v := verify.New(mustRoot(t), verify.Memory{})
	mustLoad(t, v, bundles["yesterday"], scanned)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				got := v.Verify(issued.URL, scanned)
				if !got.Authentic || got.Current == credential.CurrentYes && !got.Grade.AsOf.Equal(listedAt) {
					t.Errorf("%+v", got)
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for range 20 {
		mustLoad(t, v, bundles["today"], scanned)
	}
	close(stop)
	readers.Wait()
}

// The law: current comes only with fresh lists that say so, whatever the times.
func TestNeverCurrentWithoutFreshLists(tb *testing.T) {
	tb.Parallel()
	root := mustRoot(tb)
	keySet := signedSet(tb, issuedAt.AddDate(0, 0, -2), active)
	statuses, gradeLists := map[credential.Status]string{}, map[byte]string{}
	for s := range credential.Status(4) {
		statuses[s] = listWith(tb, credential.ListStatus, func(e []byte) { credential.PutStatus(e, 7, s) })
	}
	grades := []byte{0, 0x11, 0x44, 0x51, 0x15} // the last two are none
	for _, g := range grades {
		gradeLists[g] = listWith(tb, credential.ListGrade, func(e []byte) { e[7] = g })
	}
	rapid.Check(tb, func(t *rapid.T) {
		now := scanned
		back := func(name string) time.Time { // around the ends of leeways and lifetimes as often as anywhere else
			seconds := rapid.OneOf(rapid.IntRange(-200, 200), rapid.IntRange(86400-200, 86400+200), rapid.IntRange(-90000, 90000)).Draw(t, name)
			return now.Add(-time.Duration(seconds) * time.Second)
		}
		code := screenAt(7, back("issued"))
		if rapid.Bool().Draw(t, "printed") {
			code.Lifetime = credential.Lifetime(rapid.IntRange(1, 3).Draw(t, "days"))
		}
		said := credential.Status(rapid.IntRange(0, 3).Draw(t, "status"))
		graded := rapid.SampledFrom(grades).Draw(t, "grade")
		statusAt, gradeAt := back("status list"), back("grade list")
		lists := []string{
			redated(tb, statuses[said], statusAt),
			redated(tb, gradeLists[graded], gradeAt),
		}
		data, err := credential.SignBundle(mustSigner(t), keySet, lists, now)
		if err != nil {
			t.Fatal(err)
		}
		v := verify.New(root, verify.Memory{})
		if err := v.LoadBundle(data, now); err != nil {
			t.Fatal(err)
		}
		issued, err := credential.Issue(mustSigner(t), code)
		if err != nil {
			t.Fatal(err)
		}
		got := v.Verify(issued.URL, now)
		fresh := func(at time.Time) bool {
			return now.Before(at.Add(24*time.Hour)) && !at.After(now.Add(time.Minute))
		}
		if got.Current == credential.CurrentYes {
			if !got.Authentic || got.Reason != credential.ReasonOK || !fresh(statusAt) || !fresh(gradeAt) || said != credential.StatusValid ||
				graded != 0x11 && graded != 0x44 || got.Grade.Colour == registry.ColourNone || !got.ExpiresAt.After(now) {
				t.Fatalf("%+v with status %v of %v, grade %#x of %v", got, said, statusAt, graded, gradeAt)
			}
			if got.IssuedAt.After(statusAt) && !got.LivesForSeconds() {
				t.Fatalf("the list of %v cannot know of %+v", statusAt, got)
			}
		}
		if got.Authentic && !statusAt.After(now.Add(time.Minute)) && said.Final() {
			t.Fatalf("%v, and yet %+v", said, got)
		}
		if got.Authentic == (got.Current == credential.CurrentNo) || got.Grade != (credential.TodaysGrade{}) && !got.Authentic {
			t.Fatalf("%+v", got)
		}
	})
}

func mustSigner(t *rapid.T) *credential.Key {
	private := repeatable{fixedPrivate(active)}
	key, err := credential.WrapSigner(credential.PublicKey{Number: active, Algorithm: credential.ES256, Issuer: issuer, Material: private.Public()}, issuedAt, private)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func listWith(tb testing.TB, kind credential.ListKind, fill func([]byte)) string {
	tb.Helper()
	entries := make([]byte, kind.Bytes())
	fill(entries)
	token, err := credential.SignList(mustKey(tb, active), kind, listNumber, entries, listedAt)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

// redated is the same list of another time.
func redated(tb testing.TB, token string, at time.Time) string {
	was, is := listedAt.Unix(), at.Unix()
	return changed(tb, active, token, fmt.Sprintf(`"iat":%d,"exp":%d`, was, was+86400), fmt.Sprintf(`"iat":%d,"exp":%d`, is, is+86400))
}

// FuzzVerify holds that no text makes a loaded verifier panic or say more than it may.
func FuzzVerify(f *testing.F) {
	bundles := makeBundles(f)
	v := verify.New(mustRoot(f), verify.Memory{})
	mustLoad(f, v, bundles["today"], scanned)
	for _, c := range textCases(f) {
		if len(c.Text) < 2*credential.MaxText {
			f.Add(c.Text, int64(0))
		}
	}
	issued, _ := good(f)
	for _, seconds := range []int64{-7261, -7200, 0, 86400, 1 << 40, -1 << 60} {
		f.Add(issued.URL, seconds)
	}
	f.Fuzz(func(t *testing.T, text string, seconds int64) {
		now := time.Unix(scanned.Unix()+seconds, 0)
		got := v.Verify(text, now)
		if again := v.Verify(text, now); again != got {
			t.Errorf("%q: %+v, and then %+v", text, got, again)
		}
		bare := credential.Verdict{Reason: got.Reason, Current: credential.CurrentNo, Detail: got.Detail}
		if !got.SignatureValid && got != bare {
			t.Errorf("%q: an unverified code tells %+v", text, got)
		}
		if got.Authentic == (got.Current == credential.CurrentNo) || (got.Current == credential.CurrentYes) != (got.Reason == credential.ReasonOK) ||
			got.Current == credential.CurrentYes && (!now.Before(listedAt.Add(24*time.Hour)) || got.Grade.AsOf.IsZero()) {
			t.Errorf("%q at %v: %+v", text, now, got)
		}
	})
}

// FuzzLoadBundle holds that nothing but the good bundle is loaded, and that what is refused changes nothing.
func FuzzLoadBundle(f *testing.F) {
	for _, data := range makeBundles(f) {
		if len(data) < 1<<13 {
			f.Add([]byte(data))
		}
	}
	root := mustRoot(f)
	issued, _ := good(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		v := verify.New(root, verify.Memory{})
		err := v.LoadBundle(data, scanned)
		got := v.Verify(issued.URL, scanned)
		if err == nil && verify.Refusal(err) != "" || err != nil && (verify.Refusal(err) == "" || got.Reason != credential.ReasonUnknownKey || v.Memory().KeySet != 0) {
			t.Errorf("%v, and then %+v", err, got)
		}
	})
}

// FuzzParseMemory holds that what is read is written again as the same.
func FuzzParseMemory(f *testing.F) {
	f.Add([]byte(`{"key_set":1,"lists":{"https://q.example.gov.cn/lists/status/1":2}}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		memory, err := verify.ParseMemory(data)
		if err != nil {
			return
		}
		text, err := json.Marshal(memory)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := verify.ParseMemory(text); err != nil || len(back.Lists) != len(memory.Lists) || back.KeySet != memory.KeySet {
			t.Errorf("%s: %+v, %v", text, back, err)
		}
	})
}
