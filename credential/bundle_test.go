package credential_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"healthcode/credential"
)

const rootSeed = 9

func mustRoot(tb testing.TB) (*credential.Key, *credential.Root) {
	tb.Helper()
	key := mustKey(tb, 200, testIssuer, rootSeed)
	root, err := credential.RootOf(key.PublicKey())
	if err != nil {
		tb.Fatal(err)
	}
	return key, root
}

func TestBundleRoundTrip(t *testing.T) {
	t.Parallel()
	key := mustKey(t, 1, testIssuer, 1)
	rootKey, root := mustRoot(t)
	text, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	pinned, err := credential.ParseRoot(text)
	if err != nil {
		t.Fatal(err)
	}
	keySet, err := credential.SignKeySet(rootKey, mustSet(t, *key.PublicKey()), issuedAt, credential.KeySetLifetime)
	if err != nil {
		t.Fatal(err)
	}
	lists := []string{
		mustList(t, key, credential.ListStatus, 1, issuedAt, func(e []byte) { credential.PutStatus(e, 5, credential.StatusSuspended) }),
		mustList(t, key, credential.ListGrade, 1, issuedAt, func(e []byte) { e[5] = 0x12 }),
	}
	for name, signer := range map[string]*credential.Key{"active key": key, "root": rootKey} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := credential.SignBundle(signer, keySet, lists, issuedAt.Add(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			bundle, err := credential.ParseBundle(data, pinned)
			if err != nil {
				t.Fatal(err)
			}
			if len(bundle.Lists) != 2 || bundle.Lists[0].Status(5) != credential.StatusSuspended || !bundle.ExpiresAt.Equal(issuedAt.Add(credential.ListLifetime)) {
				t.Errorf("%+v", bundle)
			}
		})
	}
}

func TestParseRootRefuses(t *testing.T) {
	t.Parallel()
	_, root := mustRoot(t)
	text, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	good := string(text)
	for name, c := range map[string]struct{ old, with string }{
		"a private key":        {`"kty"`, `"d":"AQ","kty"`},
		"kid a number":         {`"kid":"` + root.Thumbprint(), `"kid":"1`},
		"another thumbprint":   {`"use"`, `"thumbprint":"AAAA","use"`},
		"no issuer":            {`"iss"`, `"issuer"`},
		"issuer with a path":   {testIssuer, testIssuer + "/x"},
		"for encryption":       {`"sig"`, `"enc"`},
		"an algorithm unknown": {`"ES256"`, `"XS256"`},
		"a member twice":       {`"kty"`, `"kty":"EC","kty"`},
		"a point elsewhere":    {`"x":"`, `"x":"A`},
		"a key set":            {`{`, `{"keys":[]}{`},
	} {
		text := strings.Replace(good, c.old, c.with, 1)
		if text == good {
			t.Fatalf("%s: nothing changed", name)
		}
		if got, err := credential.ParseRoot([]byte(text)); got != nil || !errors.Is(err, credential.ErrRoot) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestSignKeySetRefuses(t *testing.T) {
	t.Parallel()
	rootKey, _ := mustRoot(t)
	key := mustKey(t, 1, testIssuer, 1)
	for name, c := range map[string]struct {
		set      *credential.KeySet
		at       time.Time
		lifetime time.Duration
	}{
		"no keys":          {mustSet(t), issuedAt, time.Hour},
		"nil":              {nil, issuedAt, time.Hour},
		"the root itself":  {mustSet(t, *key.PublicKey(), *rootKey.PublicKey()), issuedAt, time.Hour},
		"no life":          {mustSet(t, *key.PublicKey()), issuedAt, 0},
		"before it begins": {mustSet(t, *key.PublicKey()), issuedAt, -time.Hour},
		"before 1970":      {mustSet(t, *key.PublicKey()), time.Unix(-1, 0), time.Hour},
		"after 2106":       {mustSet(t, *key.PublicKey()), issuedAt, 100 * 365 * 24 * time.Hour},
	} {
		if token, err := credential.SignKeySet(rootKey, c.set, c.at, c.lifetime); err == nil || token != "" {
			t.Errorf("%s: signed", name)
		}
	}
}

func TestSignBundleRefuses(t *testing.T) {
	t.Parallel()
	key := mustKey(t, 1, testIssuer, 1)
	rootKey, _ := mustRoot(t)
	keySet, err := credential.SignKeySet(rootKey, mustSet(t, *key.PublicKey()), issuedAt, credential.KeySetLifetime)
	if err != nil {
		t.Fatal(err)
	}
	code := mustIssue(t, key, testCode()).JWT
	for name, c := range map[string]struct {
		keySet string
		lists  []string
		at     time.Time
	}{
		"no key set":     {"", nil, issuedAt},
		"a list unread":  {keySet, []string{"x"}, issuedAt},
		"a code as list": {keySet, []string{strings.Replace(code, ".", "..", 1)}, issuedAt},
		"before 1970":    {keySet, nil, time.Unix(-1, 0)},
	} {
		if data, err := credential.SignBundle(key, c.keySet, c.lists, c.at); err == nil {
			t.Errorf("%s: %s", name, data)
		}
	}
}

// FuzzParseSignedKeySet holds that no text passes but the one set that the root signed.
func FuzzParseSignedKeySet(f *testing.F) {
	key := mustKey(f, 1, testIssuer, 1)
	rootKey, root := mustRoot(f)
	token, err := credential.SignKeySet(rootKey, mustSet(f, *key.PublicKey()), issuedAt, credential.KeySetLifetime)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{token, "", "..", mustIssue(f, key, testCode()).JWT, token + ".", strings.ToUpper(token)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		set, err := credential.ParseSignedKeySet(token, root)
		if err != nil {
			if set != nil || !errors.Is(err, credential.ErrKeySet) {
				t.Fatalf("%v with %v", set, err)
			}
			return
		}
		if text, _ := json.Marshal(set.Keys); set.Issuer != testIssuer || !strings.Contains(string(text), `"kid":"1"`) {
			t.Errorf("%q is %s", token, text)
		}
	})
}

// FuzzKeySetPayload signs any payload with the true root.
func FuzzKeySetPayload(f *testing.F) {
	_, root := mustRoot(f)
	header := `{"alg":"ES256","kid":"` + root.Thumbprint() + `","typ":"qc-keyset+jwt"}`
	text, err := json.Marshal(mustSet(f, *mustKey(f, 1, testIssuer, 1).PublicKey()))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`{"iss":"` + testIssuer + `","iat":1,"exp":2,` + string(text[1:]))
	f.Add(`{"iss":"x","iat":1e9,"exp":-2,"keys":null}`)
	f.Fuzz(func(t *testing.T, payload string) {
		if len(payload) > 1<<16 {
			return // as large as a real one is enough
		}
		set, err := credential.ParseSignedKeySet(forge(t, rootSeed, header, payload), root)
		if err == nil && (set.Issuer != testIssuer || !set.IssuedAt.Before(set.ExpiresAt)) {
			t.Errorf("%s is %+v", payload, set)
		}
	})
}

// FuzzParseBundle holds that nothing passes but the signed parts, whatever stands around them.
func FuzzParseBundle(f *testing.F) {
	key := mustKey(f, 1, testIssuer, 1)
	rootKey, root := mustRoot(f)
	keySet, err := credential.SignKeySet(rootKey, mustSet(f, *key.PublicKey()), issuedAt, credential.KeySetLifetime)
	if err != nil {
		f.Fatal(err)
	}
	data, err := credential.SignBundle(key, keySet, []string{mustList(f, key, credential.ListStatus, 1, issuedAt, nil)}, issuedAt)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(data), "{}", "[]", "null", `{"manifest":"","key_set":"","lists":[]}`, strings.Replace(string(data), "[", "[[", 1)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		bundle, err := credential.ParseBundle(data, root)
		if err != nil {
			if bundle != nil || !errors.Is(err, credential.ErrBundle) {
				t.Fatalf("%v with %v", bundle, err)
			}
			return
		}
		if len(bundle.Lists) != 1 || bundle.Lists[0].Number != 1 || !bundle.IssuedAt.Equal(issuedAt) {
			t.Errorf("%s is %+v", data, bundle)
		}
	})
}
