package credential_test

import (
	"bytes"
	"compress/zlib"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/registry"

	"pgregory.net/rapid"
)

// mustList signs a list with every entry 0 but those given.
func mustList(tb testing.TB, key credential.Signer, kind credential.ListKind, number uint32, at time.Time, fill func(entries []byte)) string {
	tb.Helper()
	entries := make([]byte, kind.Bytes())
	if fill != nil {
		fill(entries)
	}
	token, err := credential.SignList(key, kind, number, entries, at)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

// Every place of a whole list reads as it was written: empty, nearly empty, half full with varied values, full.
func TestListRoundTrip(t *testing.T) {
	t.Parallel()
	for name, used := range map[string]int{"empty": 0, "one code": 1, "a town": 9_000, "half full": 524_287, "full": credential.ListSize} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := mustKey(t, 1, testIssuer, 1)
			set := mustSet(t, *key.PublicKey())
			r := newDice(uint64(used))
			statuses, grades := make([]byte, credential.ListStatus.Bytes()), make([]byte, credential.ListGrade.Bytes())
			for i := range used {
				credential.PutStatus(statuses, uint32(i), credential.Status(r.IntN(4)))
				grades[i] = credential.GradeByte(registry.Colour(r.IntN(5)), registry.Tier(r.IntN(5)))
			}
			status, grade := mustParse(t, key, set, credential.ListStatus, 4095, statuses), mustParse(t, key, set, credential.ListGrade, 4095, grades)
			for i := range uint32(credential.ListSize) {
				if got := byte(status.Status(i)); got != statuses[i/4]>>(i%4*2)&3 {
					t.Fatalf("status %d is %d", i, got)
				}
				tier, colour, ok := grade.Grade(i)
				if ok != (grades[i] != 0) || ok && grades[i] != byte(colour)<<4|byte(tier) {
					t.Fatalf("grade %d is %v %v %v, written %#x", i, tier, colour, ok, grades[i])
				}
			}
		})
	}
}

// Law: whatever is written anywhere, packed and unpacked, is read there, and the places beside it keep what they had. Lists of any length
// and of every size of entry, with pieces that are full and pieces that are empty.
func TestPackedListReadsAsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.SampledFrom([]int{1, 2, 4, 8}).Draw(t, "bits")
		entries := make([]byte, rapid.IntRange(1, 40_000).Draw(t, "bytes"))
		places := len(entries) * 8 / bits
		r := newDice(rapid.Uint64().Draw(t, "seed"))
		want := map[uint32]uint8{}
		for range rapid.IntRange(0, 20).Draw(t, "runs") { // of varied values, here and there
			start := r.IntN(places)
			for place := range uint32(min(places-start, r.IntN(10_000))) {
				place += uint32(start)
				want[place] = uint8(r.IntN(1 << bits))
				credential.PutValue(entries, bits, place, want[place])
			}
		}
		packed, err := credential.Deflate(entries)
		if err != nil {
			t.Fatal(err)
		}
		back, err := credential.Inflate(packed, len(entries))
		if err != nil {
			t.Fatal(err)
		}
		for place := range uint32(places) {
			if got := credential.ValueAt(back, bits, place); got != want[place] {
				t.Fatalf("place %d is %d, want %d", place, got, want[place])
			}
		}
	})
}

func mustParse(tb testing.TB, key *credential.Key, set *credential.KeySet, kind credential.ListKind, number uint32, entries []byte) *credential.List {
	tb.Helper()
	token, err := credential.SignList(key, kind, number, entries, issuedAt)
	if err != nil {
		tb.Fatal(err)
	}
	list, err := credential.ParseList(token, set)
	if err != nil {
		tb.Fatal(err)
	}
	if list.Kind != kind || list.Number != number || list.Issuer != testIssuer || list.KeyID != "1" || !list.IssuedAt.Equal(issuedAt) ||
		!list.ExpiresAt.Equal(issuedAt.Add(credential.ListLifetime)) || list.TTL != credential.ListTTL {
		tb.Fatalf("%+v", list)
	}
	return list
}

func TestSignListRefuses(t *testing.T) {
	t.Parallel()
	key := mustKey(t, 1, testIssuer, 1)
	retired := *key.PublicKey()
	retired.NotAfter = issuedAt.Add(-time.Second)
	old, err := credential.WrapSigner(retired, issuedAt, fixedPrivate(1))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		signer credential.Signer
		kind   credential.ListKind
		number uint32
		bytes  int
		at     time.Time
	}{
		"a byte short":          {key, credential.ListStatus, 0, 1<<18 - 1, issuedAt},
		"grades as statuses":    {key, credential.ListStatus, 0, 1 << 20, issuedAt},
		"no such kind":          {key, "colour", 0, 0, issuedAt},
		"a number too high":     {key, credential.ListGrade, 4096, 1 << 20, issuedAt},
		"before 1970":           {key, credential.ListGrade, 0, 1 << 20, time.Unix(-1, 0)},
		"ends after 2106":       {key, credential.ListGrade, 0, 1 << 20, time.Unix(math.MaxUint32, 0)},
		"by a key out of use":   {old, credential.ListGrade, 0, 1 << 20, issuedAt},
		"by a signer that lies": {lyingSigner{key}, credential.ListGrade, 0, 1 << 20, issuedAt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if token, err := credential.SignList(c.signer, c.kind, c.number, make([]byte, c.bytes), c.at); err == nil || token != "" {
				t.Errorf("signed, %v", err)
			}
		})
	}
}

// lyingSigner returns a signature of something else, as a broken driver might.
type lyingSigner struct{ *credential.Key }

func (s lyingSigner) Sign(string) (credential.Signature, error) { return s.Key.Sign("something else") }

// Whatever cannot be looked up counts as revoked or as no grade, never as good.
func TestListOutsideItsPlaces(t *testing.T) {
	t.Parallel()
	key := mustKey(t, 1, testIssuer, 1)
	set := mustSet(t, *key.PublicKey())
	full := make([]byte, credential.ListGrade.Bytes())
	for i := range full {
		full[i] = 0x11
	}
	status := mustParse(t, key, set, credential.ListStatus, 0, make([]byte, credential.ListStatus.Bytes()))
	grade := mustParse(t, key, set, credential.ListGrade, 0, full)
	for _, place := range []uint32{1 << 20, 1<<20 + 1, math.MaxUint32} {
		if s := status.Status(place); s != credential.StatusRevoked {
			t.Errorf("place %d is %v", place, s)
		}
		if _, _, ok := grade.Grade(place); ok {
			t.Errorf("place %d has a grade", place)
		}
	}
	if _, _, ok := status.Grade(0); ok || grade.Status(0) != credential.StatusRevoked {
		t.Error("one kind of list answers for the other")
	}
}

// Two keys of one number are both tried, also when one private key signs for two issuers.
func TestParseListTriesEveryKey(t *testing.T) {
	t.Parallel()
	key := mustKey(t, 1, testIssuer, 1)
	elsewhere, stranger := mustKey(t, 1, "https://other.example", 1), mustKey(t, 1, testIssuer, 2)
	token := mustList(t, key, credential.ListStatus, 0, issuedAt, nil)
	list, err := credential.ParseList(token, mustSet(t, *stranger.PublicKey(), *elsewhere.PublicKey(), *key.PublicKey()))
	if err != nil || list.Issuer != testIssuer {
		t.Errorf("%+v, %v", list, err)
	}
	for name, set := range map[string]*credential.KeySet{
		"a stranger":       mustSet(t, *stranger.PublicKey()),
		"another issuer":   mustSet(t, *elsewhere.PublicKey()),
		"an empty key set": mustSet(t),
		"no key set":       nil,
	} {
		if _, err := credential.ParseList(token, set); !errors.Is(err, credential.ErrList) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestListCurrent(t *testing.T) {
	t.Parallel()
	key := mustKey(t, 1, testIssuer, 1)
	list := mustParse(t, key, mustSet(t, *key.PublicKey()), credential.ListStatus, 0, make([]byte, credential.ListStatus.Bytes()))
	for name, c := range map[string]struct {
		after time.Duration
		want  bool
	}{
		"at its time":             {0, true},
		"a minute before":         {-time.Minute, true},
		"longer before":           {-time.Minute - time.Nanosecond, false},
		"its last moment":         {24*time.Hour - time.Nanosecond, true},
		"at its end":              {24 * time.Hour, false},
		"after a year of silence": {365 * 24 * time.Hour, false},
	} {
		if got := list.Current(issuedAt.Add(c.after)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A stream that grows to 64 MiB costs no more than the list's own length.
func TestInflateStopsABomb(t *testing.T) { // not parallel: it counts memory
	var bomb bytes.Buffer
	w, err := zlib.NewWriterLevel(&bomb, zlib.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 1 << 6 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if entries, err := credential.Inflate(bomb.Bytes(), 1<<18); err == nil {
		t.Errorf("%d bytes", len(entries))
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 1<<20 {
		t.Errorf("%d bytes allocated", allocated)
	}
}

func TestInflateRefuses(t *testing.T) {
	t.Parallel()
	good, err := credential.Deflate(make([]byte, 100))
	if err != nil {
		t.Fatal(err)
	}
	var withDictionary bytes.Buffer
	w, err := zlib.NewWriterLevelDict(&withDictionary, 9, []byte("dictionary"))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(make([]byte, 100))
	_ = w.Close()
	for name, c := range map[string]struct {
		packed []byte
		size   int
	}{
		"nothing":           {nil, 100},
		"one byte too few":  {good, 101},
		"one byte too many": {good, 99},
		"bytes after":       {append(append([]byte{}, good...), 0), 100},
		"twice":             {append(append([]byte{}, good...), good...), 100},
		"cut":               {good[:len(good)-1], 100},
		"a dictionary":      {withDictionary.Bytes(), 100},
		"gzip":              {[]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0}, 100},
	} {
		if entries, err := credential.Inflate(c.packed, c.size); err == nil {
			t.Errorf("%s: %d bytes", name, len(entries))
		}
	}
}

// FuzzParseList holds that no text makes ParseList panic, and that what it accepts is one of the two lists that exist.
func FuzzParseList(f *testing.F) {
	key := mustKey(f, 1, testIssuer, 1)
	set := mustSet(f, *key.PublicKey())
	status, grade := mustList(f, key, credential.ListStatus, 1, issuedAt, nil), mustList(f, key, credential.ListGrade, 2, issuedAt, nil)
	for _, seed := range []string{status, grade, tslToken, "", "..", readDraft(f).Token, status + "A", strings.Replace(status, ".", "..", 1)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		list, err := credential.ParseList(token, set)
		if err != nil {
			if list != nil || !errors.Is(err, credential.ErrList) {
				t.Fatalf("%v with %v", list, err)
			}
			return
		}
		if list.Issuer != testIssuer || !list.IssuedAt.Equal(issuedAt) || (list.Kind == credential.ListStatus) != (list.Number == 1) {
			t.Errorf("%q verifies as %+v", token, list)
		}
	})
}

// FuzzListPayload signs any payload with the true key: what then verifies must be the template's bytes.
func FuzzListPayload(f *testing.F) {
	key := mustKey(f, 1, testIssuer, 1)
	set := mustSet(f, *key.PublicKey())
	for _, kind := range []credential.ListKind{credential.ListStatus, credential.ListGrade} {
		_, payload := partsOf(f, mustList(f, key, kind, 1, issuedAt, nil))
		f.Add(payload, kind == credential.ListGrade)
		f.Add(strings.Replace(payload, `"ttl":3600`, `"ttl":1,"ttl":3600`, 1), kind == credential.ListGrade)
	}
	f.Fuzz(func(t *testing.T, payload string, grade bool) {
		if len(payload) > 1<<16 {
			return // as large as a real one is enough
		}
		kind, typ := credential.ListStatus, "statuslist+jwt"
		if grade {
			kind, typ = credential.ListGrade, "qc-gradelist+jwt"
		}
		list, err := credential.ParseList(forge(t, 1, `{"alg":"ES256","kid":"1","typ":"`+typ+`"}`, payload), set)
		if err != nil {
			return
		}
		_, lst, _ := strings.Cut(payload, `"lst":"`)
		lst, _, _ = strings.Cut(lst, `"`)
		again := credential.AppendListPayload(kind, testIssuer, list.Number, uint32(list.IssuedAt.Unix()), uint32(list.ExpiresAt.Unix()), uint32(list.TTL/time.Second), lst)
		if again != payload {
			t.Errorf("%s\nverifies, but is written %s", payload, again)
		}
	})
}
