package signing_test

import (
	"errors"
	"strings"
	"testing"

	"healthcode/signing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const module = "?module-path=/usr/lib/p11.so&pin-source=/etc/pin"

func TestParseLocation(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]signing.Location{
		"file:/srv/keys/signing-1.key":                              {Driver: "file", Path: "/srv/keys/signing-1.key"},
		"file:/srv/a%20b/1.key?passphrase-source=/etc/pass":         {Driver: "file", Path: "/srv/a b/1.key", Secret: "/etc/pass"},
		"file:/1.key?passphrase-source=file:/etc/pass":              {Driver: "file", Path: "/1.key", Secret: "/etc/pass"},
		"unix:/run/healthcode/signer.sock":                          {Driver: "unix", Path: "/run/healthcode/signer.sock"},
		"pkcs11:token=health%20code;object=signing-1" + module:      {Driver: "pkcs11", Path: "/usr/lib/p11.so", Secret: "/etc/pin", Token: "health code", Object: "signing-1"},
		"pkcs11:serial=0001;id=%01%ff;type=private" + module:        {Driver: "pkcs11", Path: "/usr/lib/p11.so", Secret: "/etc/pin", Serial: "0001", ID: "\x01\xff"},
		"pkcs11:slot-id=5;object=a;id=b" + module:                   {Driver: "pkcs11", Path: "/usr/lib/p11.so", Secret: "/etc/pin", Slot: "5", Object: "a", ID: "b"},
		"pkcs11:object=a;token=t?pin-source=file:/p&module-path=/m": {Driver: "pkcs11", Path: "/m", Secret: "/p", Token: "t", Object: "a"},
	} {
		got, err := signing.ParseLocation(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

func TestParseLocationRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":                      "",
		"a path alone":                 "/srv/keys/1.key",
		"an unknown driver":            "https://example.cn/key",
		"capitals":                     "FILE:/srv/1.key",
		"a relative file":              "file:keys/1.key",
		"no path":                      "file:",
		"a relative passphrase":        "file:/1.key?passphrase-source=pass",
		"a passphrase itself":          "file:/1.key?passphrase=sesame",
		"a socket with a query":        "unix:/run/s?x=1",
		"a relative socket":            "unix:run/s",
		"a broken escape":              "unix:/run/%zz",
		"a zero byte":                  "unix:/run/%00",
		"a line break":                 "file:/1.key\n",
		"a token without a module":     "pkcs11:token=t;object=o?pin-source=/p",
		"a token without a PIN":        "pkcs11:token=t;object=o?module-path=/m",
		"a PIN itself":                 "pkcs11:token=t;object=o?module-path=/m&pin-value=1234",
		"a PIN itself, beside a file":  "pkcs11:token=t;object=o" + module + "&pin-value=1234",
		"no token":                     "pkcs11:object=o" + module,
		"two ways to choose the token": "pkcs11:token=t;serial=1;object=o" + module,
		"no key":                       "pkcs11:token=t" + module,
		"an attribute twice":           "pkcs11:token=t;token=u;object=o" + module,
		"an unknown attribute":         "pkcs11:token=t;object=o;library=x" + module,
		"an empty attribute":           "pkcs11:token=;object=o" + module,
		"an attribute without a value": "pkcs11:token;object=o" + module,
		"a certificate":                "pkcs11:token=t;object=o;type=cert" + module,
		"a slot in words":              "pkcs11:slot-id=one;object=o" + module,
		"a slot with a zero before it": "pkcs11:slot-id=01;object=o" + module,
		"a huge slot":                  "pkcs11:slot-id=99999999999;object=o" + module,
		"too long":                     "unix:/" + strings.Repeat("a", 3000),
	} {
		got, err := signing.ParseLocation(text)
		if !errors.Is(err, signing.ErrLocation) || got != (signing.Location{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if err != nil && (strings.Contains(err.Error(), "1234") || strings.Contains(err.Error(), "sesame")) {
			t.Errorf("%s: the error tells the secret: %v", name, err)
		}
	}
}

func TestLocationRoundTrip(t *testing.T) {
	t.Parallel()
	word := rapid.StringMatching(`[ -~é区]{1,20}`)
	path := rapid.Map(word, func(s string) string { return "/" + s })
	rapid.Check(t, func(t *rapid.T) {
		l := signing.Location{Driver: rapid.SampledFrom([]string{"file", "unix", "pkcs11"}).Draw(t, "driver"), Path: path.Draw(t, "path")}
		switch l.Driver {
		case "file":
			if rapid.Bool().Draw(t, "encrypted") {
				l.Secret = path.Draw(t, "secret")
			}
		case "pkcs11":
			l.Secret, l.Token, l.Object, l.ID = path.Draw(t, "secret"), word.Draw(t, "token"), word.Draw(t, "object"), word.Draw(t, "id")
		}
		got, err := signing.ParseLocation(l.String())
		if err != nil || got != l {
			t.Fatalf("%s: %+v, %v; want %+v", l, got, err, l)
		}
	})
}

func FuzzParseLocation(f *testing.F) {
	for _, text := range []string{"file:/a?passphrase-source=/b", "unix:/run/s", "pkcs11:token=t;object=o;id=%01" + module, "pkcs11:slot-id=1;id=%00" + module, "file:%", "a:b?c"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2*signing.MaxLocation {
			return
		}
		l, err := signing.ParseLocation(text)
		if err != nil {
			if !errors.Is(err, signing.ErrLocation) || l != (signing.Location{}) {
				t.Fatalf("%+v with %v", l, err)
			}
			return
		}
		if again, err := signing.ParseLocation(l.String()); len(l.String()) <= signing.MaxLocation && (err != nil || again != l) {
			t.Fatalf("%q is written %q and read %+v, %v", text, l, again, err)
		}
	})
}
