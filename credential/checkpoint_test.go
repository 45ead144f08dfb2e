package credential_test

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"healthcode/credential"

	"pgregory.net/rapid"
)

func testPoint(number int64, digit string) credential.LogPoint {
	return credential.LogPoint{Number: number, Hash: strings.Repeat(digit, 64)}
}

// TestCheckpointFrozen holds the exact bytes of header and payload (docs/formats.md).
func TestCheckpointFrozen(t *testing.T) {
	t.Parallel()
	key := mustKey(t, 7, testIssuer, 1)
	token, err := credential.SignCheckpoint(key, testPoint(1234, "a"), testPoint(1000, "b"), issuedAt)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token, ".")
	header, _ := base64.RawURLEncoding.DecodeString(parts[0])
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	const wantHeader = `{"alg":"ES256","kid":"7","typ":"audit-checkpoint+jwt"}`
	wantPayload := `{"iss":"` + testIssuer + `","sub":"` + testIssuer + `/audit/checkpoints/1234","iat":` + strconv.FormatInt(issuedAt.Unix(), 10) +
		`,"checkpoint":{"number":1234,"hash":"` + strings.Repeat("a", 64) + `"},"previous":{"number":1000,"hash":"` + strings.Repeat("b", 64) + `"}}`
	if string(header) != wantHeader || string(payload) != wantPayload {
		t.Errorf("header %s, payload %s\nwant %s, %s", header, payload, wantHeader, wantPayload)
	}
}

func TestCheckpointRefused(t *testing.T) {
	t.Parallel()
	key, other := mustKey(t, 7, testIssuer, 1), mustKey(t, 7, testIssuer, 2)
	for name, points := range map[string][2]credential.LogPoint{
		"the beginning":             {credential.LogBeginning(), credential.LogBeginning()},
		"not after the one before":  {testPoint(5, "a"), testPoint(5, "b")},
		"a short hash":              {{Number: 5, Hash: "aa"}, credential.LogBeginning()},
		"capitals":                  {testPoint(5, "A"), credential.LogBeginning()},
		"a beginning with a hash":   {testPoint(5, "a"), testPoint(0, "b")},
		"a number below zero":       {testPoint(5, "a"), testPoint(-1, "b")},
		"a sign that breaks a text": {testPoint(5, `"`), credential.LogBeginning()},
	} {
		if token, err := credential.SignCheckpoint(key, points[0], points[1], issuedAt); !errors.Is(err, credential.ErrCheckpoint) || token != "" {
			t.Errorf("%s: %q, %v", name, token, err)
		}
	}
	token, err := credential.SignCheckpoint(key, testPoint(5, "a"), credential.LogBeginning(), issuedAt)
	if err != nil {
		t.Fatal(err)
	}
	keys := mustSet(t, *key.PublicKey())
	if read, err := credential.ParseCheckpoint(token, keys); err != nil || read.Number != 5 || read.KeyID != "7" || !read.IssuedAt.Equal(issuedAt.Truncate(time.Second)) {
		t.Errorf("read %+v, %v", read, err)
	}
	if _, err := credential.ParseCheckpoint(token, mustSet(t, *other.PublicKey())); !errors.Is(err, credential.ErrBadSignature) {
		t.Errorf("by another key: %v", err)
	}
	late := *key.PublicKey()
	late.NotBefore = issuedAt.Add(time.Hour)
	if _, err := credential.ParseCheckpoint(token, mustSet(t, late)); !errors.Is(err, credential.ErrUnknownKey) {
		t.Errorf("before the key was in use: %v", err)
	}
	if _, err := credential.ParseCheckpoint(mustIssue(t, key, testCode()).JWT, keys); !errors.Is(err, credential.ErrCheckpoint) {
		t.Errorf("a code: %v", err)
	}
	for i := range token { // no character may differ
		for _, c := range "A0.-" {
			if changed := token[:i] + string(c) + token[i+1:]; changed != token {
				if _, err := credential.ParseCheckpoint(changed, keys); err == nil {
					t.Fatalf("character %d changed to %c is accepted", i, c)
				}
			}
		}
	}
}

// TestCheckpointRoundTrip: what is signed is read as it was.
func TestCheckpointRoundTrip(t *testing.T) {
	t.Parallel()
	key := mustKey(t, 9, testIssuer, 3)
	keys := mustSet(t, *key.PublicKey())
	rapid.Check(t, func(t *rapid.T) {
		hash := rapid.StringMatching(`[0-9a-f]{64}`)
		previous := credential.LogPoint{Number: rapid.Int64Range(1, 1<<40).Draw(t, "previous"), Hash: hash.Draw(t, "before")}
		point := credential.LogPoint{Number: previous.Number + rapid.Int64Range(1, 1<<40).Draw(t, "more"), Hash: hash.Draw(t, "hash")}
		token, err := credential.SignCheckpoint(key, point, previous, issuedAt)
		if err != nil {
			t.Fatal(err)
		}
		read, err := credential.ParseCheckpoint(token, keys)
		if err != nil || read.LogPoint != point || read.Previous != previous {
			t.Fatalf("read %+v, %v", read, err)
		}
	})
}

func FuzzParseCheckpoint(f *testing.F) {
	key := mustKey(f, 7, testIssuer, 1)
	keys := mustSet(f, *key.PublicKey())
	token, err := credential.SignCheckpoint(key, testPoint(5, "a"), credential.LogBeginning(), issuedAt)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2*credential.MaxCheckpoint {
			return
		}
		if read, err := credential.ParseCheckpoint(text, keys); err == nil && (text != token || read.Number != 5) {
			t.Errorf("%q is accepted", text)
		} else if err != nil && !errors.Is(err, credential.ErrCheckpoint) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
