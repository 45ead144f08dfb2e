package credential_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/registry"

	"pgregory.net/rapid"
)

// intentOf is what a register would have stored about a code.
func intentOf(c *credential.Code, form credential.Form) credential.Intent {
	return credential.Intent{USCC: c.USCC, KeyID: c.KeyID(), Form: form, Index: c.Index, Tier: c.Tier, Colour: c.Colour, Model: int(c.Model)}
}

// The two paths agree on every code that may be issued.
func TestBothPathsWriteTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Uint8Min(1).Draw(t, "key")
		private := fixedPrivate(1)
		key := &credential.PublicKey{Number: number, Algorithm: credential.ES256, Issuer: testIssuer, Material: private.Public()}
		code := drawCode(t, number)
		in := intentOf(&code, "")
		if err := credential.Lint(credential.SigningInput(key, &code), key, &in, code.Lifetime.Seconds(), code.Issued()); err != nil {
			t.Fatal(err)
		}
	})
}

// Whatever is other in the bytes than in the intent is found, each alone.
func TestLintFindsEveryDifference(t *testing.T) {
	t.Parallel()
	key := mustKey(t, 1, testIssuer, 1).PublicKey()
	code := testCode()
	code.Version, code.Key = credential.Version1, 1
	const life = 365 * 86400
	good := credential.SigningInput(key, &code)
	in := intentOf(&code, credential.FormPrinted)
	if err := credential.Lint(good, key, &in, life, issuedAt); err != nil {
		t.Fatal(err)
	}
	edit := func(old, with string) func(string) string {
		return func(text string) string {
			if !strings.Contains(text, old) {
				t.Errorf("%q is not in %s", old, text)
			}
			return strings.Replace(text, old, with, 1)
		}
	}
	for name, change := range map[string]func(string) string{
		"another issuer":            edit(`"iss":"https://q.`, `"iss":"https://p.`),
		"another enterprise":        edit("91350100M000100Y43", "91350100M000100Y44"),
		"issued a second later":     edit(`"iat":1795314800`, `"iat":1795314801`),
		"a day more":                edit(`"exp":1826850800`, `"exp":1826937200`),
		"a fraction":                edit(`"iat":1795314800`, `"iat":1795314800.0`),
		"another version":           edit(`"v":1`, `"v":2`),
		"a better tier":             edit(`"AA"`, `"A"`),
		"another colour":            edit(`"green"`, `"blue"`),
		"another model":             edit(`"model":1`, `"model":2`),
		"another place":             edit(`"idx":5`, `"idx":6`),
		"another list":              edit(`/status/1"`, `/status/2"`),
		"a list elsewhere":          edit(`"uri":"https://q.`, `"uri":"https://p.`),
		"a claim more":              edit(`"v":1`, `"v":1,"nbf":0`),
		"a claim twice":             edit(`"iat":1795314800`, `"iat":1795314800,"iat":1795314800`),
		"a claim twice, in capital": edit(`"iat":1795314800`, `"iat":1795314800,"IAT":1795314800`),
		"a blank":                   edit(`"v":1`, `"v": 1`),
		"another order":             edit(`"iat":1795314800,"exp":1826850800`, `"exp":1826850800,"iat":1795314800`),
		"an escape":                 edit(`"green"`, `"gr\u0065en"`),
		"no JSON":                   edit(`}}}`, `}}`),
		"bytes after it":            edit(`}}}`, `}}} `),
		"another algorithm":         edit(`ES256`, `none`),
		"another kid":               edit(`"kid":"1"`, `"kid":"2"`),
		"another type":              edit(`qc+jwt`, `statuslist+jwt`),
		"crit":                      edit(`"typ"`, `"crit":[],"typ"`),
	} {
		head, body, _ := strings.Cut(good, ".")
		parts := []string{decode(t, head), decode(t, body)}
		of := 1
		switch name {
		case "another algorithm", "another kid", "another type", "crit":
			of = 0
		}
		parts[of] = change(parts[of])
		if err := credential.Lint(b64(parts[0])+"."+b64(parts[1]), key, &in, life, issuedAt); !errors.Is(err, credential.ErrLint) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, input := range map[string]string{"nothing": "", "one part": "e30", "padded": good + "=", "a third part": good + ".e30", "with a line break": good[:20] + "\n" + good[20:], "not base64": "ä.ö"} {
		if err := credential.Lint(input, key, &in, life, issuedAt); !errors.Is(err, credential.ErrLint) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func decode(t *testing.T, segment string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What the register stored, and what the key allows, is compared too: here the bytes are right and the intent is another.
func TestLintFindsEveryDifferenceOfTheIntent(t *testing.T) {
	t.Parallel()
	code := testCode()
	code.Version, code.Key = credential.Version1, 1
	for name, change := range map[string]func(*credential.PublicKey, *credential.Intent){
		"a place of another enterprise": func(_ *credential.PublicKey, in *credential.Intent) { in.USCC = "91350100M000100Y44" },
		"another place":                 func(_ *credential.PublicKey, in *credential.Intent) { in.Index++ },
		"the same place of a next list": func(_ *credential.PublicKey, in *credential.Intent) { in.Index += 1 << 20 },
		"for another key":               func(_ *credential.PublicKey, in *credential.Intent) { in.KeyID = "2" },
		"for no key":                    func(_ *credential.PublicKey, in *credential.Intent) { in.KeyID = "" },
		"a key with a zero":             func(_ *credential.PublicKey, in *credential.Intent) { in.KeyID = "01" },
		"another tier":                  func(_ *credential.PublicKey, in *credential.Intent) { in.Tier = registry.TierC },
		"a tier that is none":           func(_ *credential.PublicKey, in *credential.Intent) { in.Tier = 5 },
		"another colour":                func(_ *credential.PublicKey, in *credential.Intent) { in.Colour = registry.ColourRed },
		"no colour":                     func(_ *credential.PublicKey, in *credential.Intent) { in.Colour = registry.ColourNone },
		"another model":                 func(_ *credential.PublicKey, in *credential.Intent) { in.Model = 2 },
		"no model":                      func(_ *credential.PublicKey, in *credential.Intent) { in.Model = 0 },
		"a key of another issuer":       func(key *credential.PublicKey, _ *credential.Intent) { key.Issuer = "https://p.example.gov.cn" },
		"a key not in use yet":          func(key *credential.PublicKey, _ *credential.Intent) { key.NotBefore = issuedAt.Add(time.Second) },
		"a key no more in use":          func(key *credential.PublicKey, _ *credential.Intent) { key.NotAfter = issuedAt.Add(-time.Second) },
	} {
		public := mustKey(t, 1, testIssuer, 1).PublicKey()
		input := credential.SigningInput(public, &code)
		key, in := *public, intentOf(&code, credential.FormPrinted)
		change(&key, &in)
		if err := credential.Lint(input, &key, &in, 365*86400, issuedAt); !errors.Is(err, credential.ErrLint) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPrepareGivesEachFormItsLifetime(t *testing.T) {
	t.Parallel()
	key := mustKey(t, 1, testIssuer, 1)
	code := testCode()
	code.Key = 1
	for form, want := range map[credential.Form]time.Duration{credential.FormPrinted: 365 * 24 * time.Hour, credential.FormJWT: 365 * 24 * time.Hour, credential.FormScreen: 180 * time.Second} {
		p, err := credential.Prepare(key, intentOf(&code, form), issuedAt.Add(500*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		issued, err := credential.SignPrepared(key, p)
		if err != nil {
			t.Fatal(err)
		}
		if got := issued.Code.Expires().Sub(issued.Code.Issued()); got != want {
			t.Errorf("%s lives %s, want %s", form, got, want)
		}
	}
	for name, c := range map[string]struct {
		form credential.Form
		at   time.Time
	}{"no form": {"", issuedAt}, "an unknown form": {"tattoo", issuedAt}, "before 1970": {credential.FormPrinted, time.Unix(-1, 0)}, "after 2106": {credential.FormPrinted, time.Unix(1<<32-1, 0)}} {
		if p, err := credential.Prepare(key, intentOf(&code, c.form), c.at); p != nil || !errors.Is(err, credential.ErrCode) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// counting counts the signatures.
type counting struct {
	credential.Signer
	signed *atomic.Int32
}

func (c counting) Sign(input string) (credential.Signature, error) {
	c.signed.Add(1)
	return c.Signer.Sign(input)
}

func TestPreparedIsSignedOnceByItsOwnKey(t *testing.T) {
	t.Parallel()
	var signed atomic.Int32
	key := counting{mustKey(t, 1, testIssuer, 1), &signed}
	code := testCode()
	code.Key = 1
	in := intentOf(&code, credential.FormPrinted)
	if _, err := credential.SignPrepared(key, nil); !errors.Is(err, credential.ErrPrepared) {
		t.Errorf("nil: %v", err)
	}
	for name, other := range map[string]credential.Signer{
		"another number":  counting{mustKey(t, 2, testIssuer, 1), &signed},
		"another issuer":  counting{mustKey(t, 1, "https://p.example.gov.cn", 1), &signed},
		"another private": counting{mustKey(t, 1, testIssuer, 2), &signed},
	} {
		p, err := credential.Prepare(key, in, issuedAt)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := credential.SignPrepared(other, p); !errors.Is(err, credential.ErrPrepared) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := credential.SignPrepared(key, p); !errors.Is(err, credential.ErrPrepared) {
			t.Errorf("%s, and then its own: %v", name, err)
		}
	}
	if signed.Load() != 0 {
		t.Errorf("%d signatures for what was refused", signed.Load())
	}
	p, err := credential.Prepare(key, in, issuedAt)
	if err != nil {
		t.Fatal(err)
	}
	var issued atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := credential.SignPrepared(key, p); err == nil {
				issued.Add(1)
			} else if !errors.Is(err, credential.ErrPrepared) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if issued.Load() != 1 || signed.Load() != 1 {
		t.Errorf("20 at once got %d codes with %d signatures", issued.Load(), signed.Load())
	}
}

// A key that breaks while it signs uses the prepared code up: nobody knows whether a signature left the token.
func TestPreparedIsUsedUpByAFailure(t *testing.T) {
	t.Parallel()
	key := mustKey(t, 1, testIssuer, 1)
	code := testCode()
	code.Key = 1
	p, err := credential.Prepare(key, intentOf(&code, credential.FormPrinted), issuedAt)
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("pulled out")
	if _, err := credential.SignPrepared(faulty{key, func(s credential.Signature) (credential.Signature, error) { return s, broken }}, p); !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	if _, err := credential.SignPrepared(key, p); !errors.Is(err, credential.ErrPrepared) {
		t.Errorf("after a failure: %v", err)
	}
}
