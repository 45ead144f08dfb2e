package credential_test

import (
	"crypto"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"healthcode/credential"

	"pgregory.net/rapid"
)

func TestIssueThenVerify(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Uint8Min(1).Draw(t, "key")
		key, err := credential.NewKey(number, testIssuer, issuedAt)
		if err != nil {
			t.Fatal(err)
		}
		code := drawCode(t, number)
		issued, err := credential.Issue(key, code)
		if err != nil {
			t.Fatal(err)
		}
		set, err := credential.NewKeySet(*key.PublicKey())
		if err != nil {
			t.Fatal(err)
		}
		at := code.Issued().Add(time.Duration(rapid.Int64Range(0, code.Lifetime.Seconds()-1).Draw(t, "age")) * time.Second)
		for _, text := range []string{issued.URL, issued.Digits, issued.JWT, testIssuer + "/v/" + issued.JWT} {
			v := credential.Verify(text, set, at)
			if !v.Authentic || v.USCC != code.USCC || v.Tier != code.Tier || v.Colour != code.Colour || v.Index != code.Index ||
				v.Model != code.Model || !v.IssuedAt.Equal(code.Issued()) || !v.ExpiresAt.Equal(code.Expires()) || v.KeyID != code.KeyID() {
				t.Fatalf("%s\n%+v\n%+v", text, code, v)
			}
		}
	})
}

func TestIssueRefuses(t *testing.T) {
	t.Parallel()
	key := mustKey(t, 7, testIssuer, 1)
	for name, c := range map[string]struct {
		change func(*credential.Code)
		want   error
	}{
		"another version":           {func(c *credential.Code) { c.Version = 2 }, credential.ErrUnsupportedVersion},
		"another key":               {func(c *credential.Code) { c.Key = 8 }, credential.ErrCode},
		"no USCC":                   {func(c *credential.Code) { c.USCC = "" }, credential.ErrCode},
		"a USCC in small letters":   {func(c *credential.Code) { c.USCC = "91350100m000100y43" }, credential.ErrCode},
		"a USCC that breaks JSON":   {func(c *credential.Code) { c.USCC = `9135","sub":"00100` }, credential.ErrCode},
		"no lifetime":               {func(c *credential.Code) { c.Lifetime = 0 }, credential.ErrCode},
		"an end after 2106":         {func(c *credential.Code) { c.IssuedAt = 1<<32 - 1 }, credential.ErrCode},
		"a tier that is none":       {func(c *credential.Code) { c.Tier = 5 }, credential.ErrCode},
		"no colour":                 {func(c *credential.Code) { c.Colour = 0 }, credential.ErrCode},
		"a colour that is none":     {func(c *credential.Code) { c.Colour = 5 }, credential.ErrCode},
		"no model":                  {func(c *credential.Code) { c.Model = 0 }, credential.ErrCode},
		"a USCC with a wrong check": {func(c *credential.Code) { c.USCC = "91350100M0001TGQXM" }, nil}, // issued like that in earnest
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code := testCode()
			c.change(&code)
			issued, err := credential.Issue(key, code)
			if !errors.Is(err, c.want) || (err != nil) != (issued == (credential.Issued{})) {
				t.Errorf("got %+v, %v; want %v", issued, err, c.want)
			}
		})
	}
}

func TestIssueKeepsToTheKeysTime(t *testing.T) {
	t.Parallel()
	private := repeatable{fixedPrivate(1)}
	public := credential.PublicKey{
		Number: 1, Algorithm: credential.ES256, Issuer: testIssuer, Material: private.Public(),
		NotBefore: issuedAt, NotAfter: issuedAt.Add(time.Hour),
	}
	key, err := credential.WrapSigner(public, issuedAt, private)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		after time.Duration
		want  error
	}{
		"one second early": {-time.Second, credential.ErrLint},
		"at its beginning": {0, nil},
		"at its end":       {time.Hour, nil},
		"one second late":  {time.Hour + time.Second, credential.ErrLint},
	} {
		code := testCode()
		code.IssuedAt = uint32(issuedAt.Add(c.after).Unix())
		if _, err := credential.Issue(key, code); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// faulty is a signer that goes wrong in a way.
type faulty struct {
	credential.Signer
	sign func(good credential.Signature) (credential.Signature, error)
}

func (f faulty) Sign(input string) (credential.Signature, error) {
	good, err := f.Signer.Sign(input)
	if err != nil {
		return good, err
	}
	return f.sign(good)
}

func TestFaultySignerIssuesNothing(t *testing.T) {
	t.Parallel()
	broken := errors.New("token pulled out")
	for name, c := range map[string]struct {
		sign func(credential.Signature) (credential.Signature, error)
		want error
	}{
		"one bit wrong": {func(s credential.Signature) (credential.Signature, error) { s[40] ^= 1; return s, nil }, credential.ErrNotIssued},
		"empty":         {func(credential.Signature) (credential.Signature, error) { return credential.Signature{}, nil }, credential.ErrNotIssued},
		"error":         {func(credential.Signature) (credential.Signature, error) { return credential.Signature{}, broken }, broken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issued, err := credential.Issue(faulty{mustKey(t, 1, testIssuer, 1), c.sign}, testCode())
			if !errors.Is(err, c.want) || issued != (credential.Issued{}) {
				t.Errorf("got %+v, %v", issued, err)
			}
		})
	}
}

// The check before a code leaves must find a change in any of its parts.
func TestCheckFindsEveryChange(t *testing.T) {
	t.Parallel()
	key := mustKey(t, 1, testIssuer, 1)
	other := testCode()
	other.Index++
	changed := mustIssue(t, key, other)
	for name, change := range map[string]func(*credential.Issued){
		"another code":         func(i *credential.Issued) { i.Code = changed.Code },
		"another JWT":          func(i *credential.Issued) { i.JWT = changed.JWT },
		"another URL":          func(i *credential.Issued) { i.URL = changed.URL },
		"a JWT cut":            func(i *credential.Issued) { i.JWT = i.JWT[:len(i.JWT)-1] },
		"code and JWT of both": func(i *credential.Issued) { i.Code, i.JWT = changed.Code, changed.JWT },
	} {
		issued := mustIssue(t, key, testCode())
		change(&issued)
		if err := issued.Check(key.PublicKey()); err == nil {
			t.Errorf("%s: found nothing", name)
		}
	}
}

// remote is a crypto.Signer that gives what a bad driver might.
type remote struct {
	repeatable
	answer []byte
}

func (r remote) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return r.answer, nil }

func TestSignatureOfADriverIsChecked(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"empty":                  "",
		"not ASN.1":              "hello",
		"raw r and s":            strings.Repeat("x", 64),
		"zero":                   "\x30\x06\x02\x01\x00\x02\x01\x01",
		"negative":               "\x30\x06\x02\x01\xff\x02\x01\x01",
		"a byte left over":       "\x30\x06\x02\x01\x01\x02\x01\x01\x00",
		"a number of 33 bytes":   "\x30\x26\x02\x21" + strings.Repeat("\x01", 33) + "\x02\x01\x01",
		"small, but well formed": "\x30\x06\x02\x01\x01\x02\x01\x01",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			private := remote{repeatable{fixedPrivate(1)}, []byte(answer)}
			public := credential.PublicKey{Number: 1, Algorithm: credential.ES256, Issuer: testIssuer, Material: private.Public()}
			key, err := credential.WrapSigner(public, issuedAt, private)
			if err != nil {
				t.Fatal(err)
			}
			if issued, err := credential.Issue(key, testCode()); err == nil || issued != (credential.Issued{}) {
				t.Errorf("got %+v, %v", issued, err)
			}
		})
	}
}
