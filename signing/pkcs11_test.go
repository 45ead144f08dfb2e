//go:build pkcs11

package signing_test

import (
	"crypto/elliptic"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"healthcode/credential"
	"healthcode/signing"

	"github.com/ThalesGroup/crypto11"
)

// softHSM is a token of SoftHSM2 in a folder of its own, with the key signing-1 and twice the key twins.
type softHSM struct{ module, pinFile string }

var modules = []string{
	"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so",
	"/opt/homebrew/lib/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so",
}

const tokenPIN = "83014265"

func newSoftHSM(tb testing.TB) softHSM {
	tb.Helper()
	h := softHSM{pinFile: filepath.Join(tb.TempDir(), "pin")}
	for _, path := range modules {
		if _, err := os.Stat(path); err == nil {
			h.module = path
		}
	}
	if h.module == "" {
		tb.Fatal("no SoftHSM2 found: run make setup")
	}
	folder := tb.TempDir()
	config := filepath.Join(folder, "softhsm2.conf")
	text := fmt.Sprintf("directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", folder)
	if err := errors.Join(os.WriteFile(config, []byte(text), 0o600), os.WriteFile(h.pinFile, []byte(tokenPIN+"\n"), 0o600)); err != nil {
		tb.Fatal(err)
	}
	tb.Setenv("SOFTHSM2_CONF", config)
	out, err := exec.Command("softhsm2-util", "--module", h.module, "--init-token", "--free", "--label", "health code", "--so-pin", "12345678", "--pin", tokenPIN).CombinedOutput()
	if err != nil {
		tb.Fatalf("make a token: %v: %s", err, out)
	}
	h.makeKeys(tb, elliptic.P256(), "signing-1", "twins", "twins")
	h.makeKeys(tb, elliptic.P384(), "large")
	return h
}

func (h softHSM) makeKeys(tb testing.TB, curve elliptic.Curve, labels ...string) {
	tb.Helper()
	token, err := crypto11.Configure(&crypto11.Config{Path: h.module, TokenLabel: "health code", Pin: tokenPIN})
	if err != nil {
		tb.Fatal(err)
	}
	for i, label := range labels {
		if _, err := token.GenerateECDSAKeyPairWithLabel([]byte{byte(i + 1)}, []byte(label), curve); err != nil {
			tb.Fatal(err)
		}
	}
	if err := token.Close(); err != nil {
		tb.Fatal(err)
	}
}

func (h softHSM) location(tb testing.TB, attributes string) signing.Location {
	tb.Helper()
	l, err := signing.ParseLocation("pkcs11:" + attributes + "?module-path=" + h.module + "&pin-source=file:" + h.pinFile)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// register is what is known of a token's key before it is registered.
var register = credential.PublicKey{Number: 9, Algorithm: credential.ES256, Issuer: issuer}

func TestAKeyInATokenSignsLikeAnyOther(t *testing.T) {
	h := newSoftHSM(t)
	l := h.location(t, "token=health%20code;object=signing-1;type=private")
	first, err := signing.Open(t.Context(), l, register)
	if err != nil {
		t.Fatal(err)
	}
	public := *first.PublicKey()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	signer, err := signing.Open(t.Context(), l, public) // as registered
	if err != nil {
		t.Fatal(err)
	}
	set, err := credential.NewKeySet(public)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := credential.Issue(signer, code(now))
	if err != nil {
		t.Fatal(err)
	}
	if v := credential.Verify(issued.URL, set, now); !v.Authentic || v.KeyID != "9" {
		t.Errorf("%+v", v)
	}
	if err := signer.Close(); err != nil {
		t.Error(err)
	}
	h.refuses(t, l, public)
}

func (h softHSM) refuses(t *testing.T, good signing.Location, public credential.PublicKey) {
	t.Helper()
	other := public
	other.Material = keyOf(t, credential.ES256, 9).PublicKey().Material
	edwards := register
	edwards.Algorithm = credential.EdDSA
	noPIN, wrongPIN, noModule := good, good, good
	noPIN.Secret += "x"
	wrongPIN.Secret = filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(wrongPIN.Secret, []byte("0000"), 0o600); err != nil {
		t.Fatal(err)
	}
	noModule.Path += "x"
	for name, c := range map[string]struct {
		l    signing.Location
		want credential.PublicKey
	}{
		"another key than the registered one": {good, other},
		"a key for another algorithm":         {good, edwards},
		"no number and issuer":                {good, credential.PublicKey{}},
		"a key that is not there":             {h.location(t, "token=health%20code;object=signing-2"), register},
		"two keys of the label":               {h.location(t, "token=health%20code;object=twins"), register},
		"another token":                       {h.location(t, "token=other;object=signing-1"), register},
		"a key on P-384":                      {h.location(t, "token=health%20code;object=large"), register},
		"no file with the PIN":                {noPIN, register},
		"a wrong PIN":                         {wrongPIN, register},
		"no module":                           {noModule, register},
	} {
		signer, err := signing.Open(t.Context(), c.l, c.want)
		if err == nil || signer != nil {
			t.Errorf("%s: opened", name)
		} else if strings.Contains(err.Error(), tokenPIN) {
			t.Errorf("%s: the error tells the PIN: %v", name, err)
		}
	}
	one, err := signing.Open(t.Context(), h.location(t, "token=health%20code;object=twins;id=%02"), register)
	if err != nil {
		t.Fatalf("one of the twins by its id: %v", err)
	}
	if err := one.Close(); err != nil {
		t.Error(err)
	}
}

// Signing in a token beside the raw primitive. SoftHSM is a program: what a device adds on its way is its own.
func BenchmarkSignPKCS11(b *testing.B) {
	h := newSoftHSM(b)
	signer, err := signing.Open(b.Context(), h.location(b, "token=health%20code;object=signing-1"), register)
	if err != nil {
		b.Fatal(err)
	}
	benchmarkSign(b, signer)
	if err := signer.Close(); err != nil {
		b.Error(err)
	}
}
