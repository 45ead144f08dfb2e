package credential_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"healthcode/credential"
)

func TestCheckIssuer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		issuer string
		ok     bool
	}{
		"host":                         {"https://q.example.gov.cn", true},
		"host and port":                {"https://q.example.gov.cn:8443", true},
		"one word":                     {"https://code", true},
		"IPv4":                         {"https://10.0.0.1", true},
		"punycode":                     {"https://xn--fiqs8s.cn", true},
		"longest":                      {"https://" + strings.Repeat("a", 24), true},
		"this machine":                 {"http://127.0.0.1:8080", true},
		"this machine by name":         {"http://localhost", true},
		"empty":                        {"", false},
		"one too long":                 {"https://" + strings.Repeat("a", 25), false},
		"no scheme":                    {"q.example.gov.cn", false},
		"scheme alone":                 {"https://", false},
		"http elsewhere":               {"http://q.example.gov.cn", false},
		"http, name begins like local": {"http://localhost.evil.cn", false},
		"slash at the end":             {"https://q.example.gov.cn/", false},
		"path":                         {"https://q.example.gov.cn/x", false},
		"query":                        {"https://q.example.gov.cn?x", false},
		"user":                         {"https://u@q.example.gov.cn", false},
		"capitals":                     {"https://Q.example.gov.cn", false},
		"scheme in capitals":           {"HTTPS://q.example.gov.cn", false},
		"Chinese":                      {"https://质量.cn", false},
		"quote":                        {`https://a"b`, false},
		"blank":                        {"https://a b", false},
		"line break":                   {"https://a\n", false},
		"port empty":                   {"https://a:", false},
		"port in letters":              {"https://a:b", false},
		"two ports":                    {"https://a:1:2", false},
		"dot at the end":               {"https://a.", false},
		"dash at the beginning":        {"https://-a", false},
		"IPv6":                         {"https://[::1]", false},
	} {
		if err := credential.CheckIssuer(c.issuer); (err == nil) != c.ok || err != nil && !errors.Is(err, credential.ErrIssuer) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewKeyRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		number uint8
		issuer string
		want   error
	}{
		"number 0":  {0, testIssuer, credential.ErrKeyNumber},
		"no issuer": {1, "", credential.ErrIssuer},
	} {
		if key, err := credential.NewKey(c.number, c.issuer, issuedAt); !errors.Is(err, c.want) || key != nil {
			t.Errorf("%s: %v, %v", name, key, err)
		}
	}
}

func TestNewKeysDiffer(t *testing.T) {
	t.Parallel()
	first, err1 := credential.NewKey(1, testIssuer, issuedAt)
	second, err2 := credential.NewKey(1, testIssuer, issuedAt)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if a, _ := first.PublicKey().Thumbprint(); a == "" {
		t.Error("no thumbprint")
	} else if b, _ := second.PublicKey().Thumbprint(); a == b {
		t.Error("twice the same key")
	}
	if !first.CreatedAt().Equal(issuedAt) || first.PublicKey().ID() != "1" {
		t.Errorf("created %v, id %s", first.CreatedAt(), first.PublicKey().ID())
	}
}

func TestWrapSignerRefuses(t *testing.T) {
	t.Parallel()
	p256, p384 := fixedPrivate(1), mustGenerate(t, elliptic.P384())
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public := credential.PublicKey{Number: 1, Algorithm: credential.ES256, Issuer: testIssuer, Material: p256.Public()}
	for name, change := range map[string]func(*credential.PublicKey){
		"another private key":   func(k *credential.PublicKey) { k.Material = fixedPrivate(2).Public() },
		"a key on P-384":        func(k *credential.PublicKey) { k.Material = p384.Public() },
		"an Ed25519 key":        func(k *credential.PublicKey) { k.Material = edwards.Public() },
		"no key":                func(k *credential.PublicKey) { k.Material = nil },
		"an unknown algorithm":  func(k *credential.PublicKey) { k.Algorithm = "ES999" },
		"none for an algorithm": func(k *credential.PublicKey) { k.Algorithm = "none" },
		"number 0":              func(k *credential.PublicKey) { k.Number = 0 },
		"an end before its beginning": func(k *credential.PublicKey) {
			k.NotBefore, k.NotAfter = issuedAt, issuedAt.Add(-time.Second)
		},
	} {
		changed := public
		change(&changed)
		if key, err := credential.WrapSigner(changed, issuedAt, p256); err == nil || key != nil {
			t.Errorf("%s: accepted", name)
		}
		if name != "another private key" {
			if set, err := credential.NewKeySet(changed); err == nil || set != nil {
				t.Errorf("%s: accepted in a set", name)
			}
		}
	}
}

func mustGenerate(tb testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}
