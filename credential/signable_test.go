package credential_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"healthcode/credential"
)

// inputs is what a key for codes signs every day, and how it is called.
func inputs(tb testing.TB, key *credential.Key) map[string]string {
	tb.Helper()
	out := map[string]string{"a code": mustIssue(tb, key, testCode()).JWT}
	var lists []string
	for _, kind := range []credential.ListKind{credential.ListStatus, credential.ListGrade} {
		token, err := credential.SignList(key, kind, 3, make([]byte, kind.Bytes()), issuedAt)
		if err != nil {
			tb.Fatal(err)
		}
		out["a "+string(kind)+" list"], lists = token, append(lists, token)
	}
	keySet, err := credential.SignKeySet(mustKey(tb, 255, testIssuer, 9), mustSet(tb, *key.PublicKey()), issuedAt, time.Hour)
	if err != nil {
		tb.Fatal(err)
	}
	bundle, err := credential.SignBundle(key, keySet, lists, issuedAt)
	if err != nil {
		tb.Fatal(err)
	}
	var text struct{ Manifest string }
	if err := json.Unmarshal(bundle, &text); err != nil {
		tb.Fatal(err)
	}
	out["a manifest"] = text.Manifest
	point := credential.LogPoint{Number: 12, Hash: strings.Repeat("0f", 32)}
	if out["a checkpoint"], err = credential.SignCheckpoint(key, point, credential.LogBeginning(), issuedAt); err != nil {
		tb.Fatal(err)
	}
	for name, token := range out {
		out[name] = token[:strings.LastIndexByte(token, '.')]
	}
	return out
}

func TestCheckSignable(t *testing.T) {
	t.Parallel()
	key, other := mustKey(t, 7, testIssuer, 1), mustKey(t, 7, "https://zj.cn", 1)
	for name, input := range inputs(t, key) {
		for shift, ok := range map[time.Duration]bool{0: true, 4 * time.Minute: true, -4 * time.Minute: true, 6 * time.Minute: false, -6 * time.Minute: false} {
			if err := credential.CheckSignable(input, key.PublicKey(), issuedAt.Add(shift)); (err == nil) != ok || err != nil && !errors.Is(err, credential.ErrNotSignable) {
				t.Errorf("%s, %s later: %v", name, shift, err)
			}
		}
		head, body, _ := strings.Cut(input, ".")
		payload, err := base64.RawURLEncoding.DecodeString(body)
		if err != nil {
			t.Fatal(err)
		}
		for what, wrong := range map[string]string{
			"another issuer's": strings.ReplaceAll(string(payload), testIssuer, "https://zj.cn"),
			"one member more":  strings.Replace(string(payload), "{", `{"x":1,`, 1),
			"a blank":          strings.Replace(string(payload), ",", ", ", 1),
			"a member twice":   strings.Replace(string(payload), "{", `{"iss":"`+testIssuer+`",`, 1),
			"cut":              string(payload[:len(payload)-1]),
			"null":             "null",
		} {
			if err := credential.CheckSignable(head+"."+b64(wrong), key.PublicKey(), issuedAt); !errors.Is(err, credential.ErrNotSignable) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		for what, wrong := range map[string]string{"signed": input + ".AAAA", "a dot": input + ".", "no dot": head, "padded": input + "="} {
			if err := credential.CheckSignable(wrong, key.PublicKey(), issuedAt); !errors.Is(err, credential.ErrNotSignable) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		if err := credential.CheckSignable(input, other.PublicKey(), issuedAt); !errors.Is(err, credential.ErrNotSignable) {
			t.Errorf("%s, by a key for another issuer: %v", name, err)
		}
	}
}

func TestCheckSignableKnowsNothingElse(t *testing.T) {
	t.Parallel()
	key := mustKey(t, 7, testIssuer, 1)
	set, err := credential.SignKeySet(mustKey(t, 7, testIssuer, 9), mustSet(t, *key.PublicKey()), issuedAt, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	code := inputs(t, key)["a code"]
	_, body, _ := strings.Cut(code, ".")
	for name, input := range map[string]string{
		"a key set":                set[:strings.LastIndexByte(set, '.')],
		"a code as a list":         b64(`{"alg":"ES256","kid":"7","typ":"statuslist+jwt"}`) + "." + body,
		"a code as a manifest":     b64(`{"alg":"ES256","kid":"7","typ":"qc-bundle+jwt"}`) + "." + body,
		"a code as any JWT":        b64(`{"alg":"ES256","kid":"7","typ":"JWT"}`) + "." + body,
		"a code by no algorithm":   b64(`{"alg":"none","kid":"7","typ":"qc+jwt"}`) + "." + body,
		"a code by another number": b64(`{"alg":"ES256","kid":"8","typ":"qc+jwt"}`) + "." + body,
		"crit":                     b64(`{"alg":"ES256","kid":"7","typ":"qc+jwt","crit":["b64"],"b64":false}`) + "." + body,
		"two megabytes":            strings.Repeat("a", 3<<20),
	} {
		if err := credential.CheckSignable(input, key.PublicKey(), issuedAt); !errors.Is(err, credential.ErrNotSignable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What passes and is signed is read again as what it is: nothing passes that no verifier here would know.
func FuzzCheckSignable(f *testing.F) {
	key := mustKey(f, 7, testIssuer, 1)
	for _, input := range inputs(f, key) {
		f.Add(input)
	}
	set := mustSet(f, *key.PublicKey())
	f.Fuzz(func(t *testing.T, input string) {
		if len(input) > 1<<16 || credential.CheckSignable(input, key.PublicKey(), issuedAt) != nil {
			return
		}
		signature, err := key.Sign(input)
		if err != nil {
			t.Fatal(err)
		}
		token := input + "." + b64(string(signature[:]))
		if _, err := credential.ParseCheckpoint(token, set); err == nil {
			return
		}
		_, listError := credential.ParseList(token, set)
		if v := credential.Verify(token, set, issuedAt); v.Reason != credential.ReasonOK && v.Reason != credential.ReasonNotYetValid && v.Reason != credential.ReasonExpired &&
			v.Reason != credential.ReasonClock && listError != nil && !strings.Contains(input, b64(`{"alg":"ES256","kid":"7","typ":"qc-bundle+jwt"}`)) {
			t.Fatalf("%s passes, but it is %s and no list: %v", token, v.Reason, listError)
		}
	})
}
