package credential_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"healthcode/credential"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
	"github.com/golang-jwt/jwt/v5"
	"pgregory.net/rapid"
)

func keyOf(tb testing.TB, alg credential.Algorithm, number uint8) *credential.Key {
	tb.Helper()
	key, err := credential.GenerateKey(alg, number, testIssuer, issuedAt)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// forEachAlgorithm runs a test for every algorithm with a fresh key 1.
func forEachAlgorithm(t *testing.T, test func(t *testing.T, alg credential.Algorithm, key *credential.Key)) {
	t.Helper()
	if got := credential.Algorithms(); fmt.Sprint(got) != "[ES256 EdDSA SM2SM3]" {
		t.Fatalf("algorithms %v", got)
	}
	for _, alg := range credential.Algorithms() {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			test(t, alg, keyOf(t, alg, 1))
		})
	}
}

func TestEveryAlgorithmSignsAllThreeForms(t *testing.T) {
	t.Parallel()
	forEachAlgorithm(t, func(t *testing.T, alg credential.Algorithm, key *credential.Key) {
		set := mustSet(t, *key.PublicKey())
		rapid.Check(t, func(rt *rapid.T) {
			code := drawCode(rt, 1)
			issued, err := credential.Issue(key, code)
			if err != nil {
				rt.Fatal(err)
			}
			for _, text := range []string{issued.URL, issued.Digits, issued.JWT} {
				if v := credential.Verify(text, set, code.Issued()); !v.Authentic || v.USCC != code.USCC {
					rt.Fatalf("%s: %+v", text, v)
				}
			}
		})
		v := credential.Verify(mustIssue(t, key, testCode()).JWT, mustSet(t, *keyOf(t, alg, 1).PublicKey()), issuedAt)
		if v.Reason != credential.ReasonBadSignature {
			t.Errorf("another key of %s: %+v", alg, v)
		}
	})
}

// A changed bit anywhere in a packed code is found, whatever the algorithm.
func TestEveryAlgorithmFindsAChangedBit(t *testing.T) {
	t.Parallel()
	forEachAlgorithm(t, func(t *testing.T, _ credential.Algorithm, key *credential.Key) {
		set := mustSet(t, *key.PublicKey())
		packed, err := credential.ParsePacked(mustIssue(t, key, testCode()).Digits)
		if err != nil {
			t.Fatal(err)
		}
		for i := range packed {
			changed := packed
			changed[i] ^= 1 << (i % 8)
			if v := credential.Verify(changed.Digits(), set, issuedAt); v.Authentic || v.SignatureValid {
				t.Errorf("byte %d: %+v", i, v)
			}
		}
	})
}

// One key never signs under two algorithms: a token that names another one, a label that says another one, and a JWK that says
// another one are refused, for every pair.
func TestAKeyHasOneAlgorithm(t *testing.T) {
	t.Parallel()
	forEachAlgorithm(t, func(t *testing.T, alg credential.Algorithm, key *credential.Key) {
		set := mustSet(t, *key.PublicKey())
		for _, other := range append(credential.Algorithms(), "Ed25519", "none", "HS256", "ES384") {
			if other == alg {
				continue
			}
			wrong := *key.PublicKey()
			wrong.Algorithm = other
			if _, err := credential.NewKeySet(wrong); !errors.Is(err, credential.ErrAlgorithm) {
				t.Errorf("a set takes the key for %s: %v", other, err)
			}
			if v := credential.Verify(signedAs(t, key, other), set, issuedAt); v.SignatureValid || v.Reason != credential.ReasonBadSignature {
				t.Errorf("a token that says %s: %+v", other, v)
			}
			fileSays(t, key, alg, other)
			jwkSays(t, key, alg, other)
		}
	})
}

// signedAs is a token whose header names another algorithm, signed by the key all the same.
func signedAs(t *testing.T, key *credential.Key, alg credential.Algorithm) string {
	t.Helper()
	parts := strings.Split(mustIssue(t, key, testCode()).JWT, ".")
	input := b64(string(credential.AppendHeader(nil, alg, "1"))) + "." + parts[1]
	signature, err := key.Sign(input)
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + b64(string(signature[:]))
}

func fileSays(t *testing.T, key *credential.Key, alg, other credential.Algorithm) {
	t.Helper()
	text, err := key.Encode()
	if err != nil {
		t.Fatal(err)
	}
	lie := strings.Replace(string(text), "algorithm: "+string(alg), "algorithm: "+string(other), 1)
	if got, err := credential.ParseKeyFile([]byte(lie), ""); !errors.Is(err, credential.ErrKeyFile) || got != nil {
		t.Errorf("a key file that says %s: %v", other, err)
	}
}

func jwkSays(t *testing.T, key *credential.Key, alg, other credential.Algorithm) {
	t.Helper()
	text, err := json.Marshal(mustSet(t, *key.PublicKey()))
	if err != nil {
		t.Fatal(err)
	}
	lie := strings.Replace(string(text), `"alg":"`+string(alg)+`"`, `"alg":"`+string(other)+`"`, 1)
	if set, err := credential.ParseKeySet([]byte(lie)); !errors.Is(err, credential.ErrKeySet) || set != nil {
		t.Errorf("a JWK that says %s: %v", other, err)
	}
}

// The stock library knows nothing of us: it gets the token and the bare public key.
func TestStockLibraryVerifies(t *testing.T) {
	t.Parallel()
	for alg, method := range map[credential.Algorithm]jwt.SigningMethod{credential.ES256: jwt.SigningMethodES256, credential.EdDSA: jwt.SigningMethodEdDSA} {
		key := keyOf(t, alg, 1)
		token := mustIssue(t, key, testCode()).JWT
		cut := strings.LastIndexByte(token, '.')
		signature, err := base64.RawURLEncoding.DecodeString(token[cut+1:])
		if err != nil {
			t.Fatal(err)
		}
		if err := method.Verify(token[:cut], signature, key.PublicKey().Material); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		parser := jwt.NewParser(jwt.WithValidMethods([]string{string(alg)}), jwt.WithoutClaimsValidation())
		read, err := parser.Parse(token, func(*jwt.Token) (any, error) { return key.PublicKey().Material, nil })
		if err != nil || !read.Valid || read.Header["kid"] != "1" {
			t.Errorf("%s: %v", alg, err)
		}
		if _, err := parser.Parse(token[:len(token)-8]+"AAAAAAAA", func(*jwt.Token) (any, error) { return key.PublicKey().Material, nil }); err == nil {
			t.Errorf("%s: a changed signature verifies", alg)
		}
	}
}

func openssl(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "openssl", arguments...).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Fatal("no openssl found: run make setup")
	}
	return string(out), err
}

func writeIn(t *testing.T, folder, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// OpenSSL is the stranger who verifies our SM2 signature, with the default user id, and refuses it with another one.
func TestOpenSSLVerifiesSM2(t *testing.T) {
	t.Parallel()
	key := keyOf(t, credential.SM2SM3, 1)
	token := mustIssue(t, key, testCode()).JWT
	cut := strings.LastIndexByte(token, '.')
	raw, err := base64.RawURLEncoding.DecodeString(token[cut+1:])
	if err != nil || len(raw) != 64 {
		t.Fatalf("%d bytes, %v", len(raw), err)
	}
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])})
	if err != nil {
		t.Fatal(err)
	}
	spki, err := smx509.MarshalPKIXPublicKey(key.PublicKey().Material)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	public := writeIn(t, folder, "public.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
	signature := writeIn(t, folder, "signature.der", der)
	message := writeIn(t, folder, "message", []byte(token[:cut]))
	other := writeIn(t, folder, "other", []byte(token[:cut-1]))
	verify := func(message, id string) (string, error) {
		return openssl(t, "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-digest", "sm3", "-in", message, "-sigfile", signature,
			"-pkeyopt", "distid:"+id)
	}
	if out, err := verify(message, "1234567812345678"); err != nil || !strings.Contains(out, "Verified Successfully") {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := verify(other, "1234567812345678"); err == nil {
		t.Errorf("another text verifies: %s", out)
	}
	if out, err := verify(message, "ALICE123@YAHOO.COM"); err == nil {
		t.Errorf("another user id verifies: %s", out)
	}
}

// And the other way round: OpenSSL signs with the private key of our key file, and we verify.
func TestOpenSSLSignsWithOurKeyFile(t *testing.T) {
	t.Parallel()
	key := keyOf(t, credential.SM2SM3, 1)
	folder := t.TempDir()
	file := filepath.Join(folder, "signing.key")
	if err := credential.WriteKeyFile(file, key, ""); err != nil {
		t.Fatal(err)
	}
	token := mustIssue(t, key, testCode()).JWT
	input := token[:strings.LastIndexByte(token, '.')]
	signature := filepath.Join(folder, "signature.der")
	out, err := openssl(t, "pkeyutl", "-sign", "-inkey", file, "-rawin", "-digest", "sm3", "-in", writeIn(t, folder, "message", []byte(input)),
		"-out", signature, "-pkeyopt", "distid:1234567812345678")
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	der, err := os.ReadFile(signature)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := credential.RawFromASN1(der)
	if err != nil {
		t.Fatal(err)
	}
	if v := credential.Verify(input+"."+b64(string(raw)), mustSet(t, *key.PublicKey()), issuedAt); !v.Authentic {
		t.Errorf("%+v", v)
	}
}

func TestKeyFilesOfEveryAlgorithm(t *testing.T) {
	t.Parallel()
	forEachAlgorithm(t, func(t *testing.T, alg credential.Algorithm, key *credential.Key) {
		for name, passphrase := range map[string]string{"plain": "", "encrypted": "correct horse battery staple"} {
			path := filepath.Join(t.TempDir(), "signing.key")
			if err := credential.WriteKeyFile(path, key, passphrase); err != nil {
				t.Fatal(err)
			}
			back, err := credential.ReadKeyFile(path, passphrase)
			if err != nil {
				t.Fatal(err)
			}
			issued := mustIssue(t, back, testCode())
			if v := credential.Verify(issued.URL, mustSet(t, *key.PublicKey()), issuedAt); !v.Authentic || back.PublicKey().Algorithm != alg {
				t.Errorf("%s: %+v", name, v)
			}
		}
	})
}

func TestOpenSSLReadsEveryKeyFile(t *testing.T) {
	t.Parallel()
	forEachAlgorithm(t, func(t *testing.T, _ credential.Algorithm, key *credential.Key) {
		path := filepath.Join(t.TempDir(), "signing.key")
		if err := credential.WriteKeyFile(path, key, ""); err != nil {
			t.Fatal(err)
		}
		out, err := openssl(t, "pkey", "-in", path, "-pubout", "-outform", "DER")
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		marshal := x509.MarshalPKIXPublicKey
		if key.PublicKey().Algorithm == credential.SM2SM3 {
			marshal = smx509.MarshalPKIXPublicKey
		}
		if want, err := marshal(key.PublicKey().Material); err != nil || out != string(want) {
			t.Errorf("OpenSSL sees another public key: %x, want %x, %v", out, want, err)
		}
	})
}

func TestKeySetOfEveryAlgorithm(t *testing.T) {
	t.Parallel()
	var list []credential.PublicKey
	for i, alg := range credential.Algorithms() {
		list = append(list, *keyOf(t, alg, uint8(i+1)).PublicKey())
	}
	text, err := json.Marshal(mustSet(t, list...))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"kty":"EC","crv":"P-256"`, `"kty":"OKP","crv":"Ed25519"`, `"kty":"EC","crv":"SM2"`, `"alg":"SM2SM3"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	back, err := credential.ParseKeySet(text)
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for key := range back.All() {
		want, _ := list[i].Thumbprint()
		if got, err := key.Thumbprint(); err != nil || got != want || len(got) != 43 {
			t.Errorf("key %d: thumbprint %s, want %s, %v", i+1, got, want, err)
		}
		i++
	}
}

// The example of RFC 8037 appendix A.3, and the generator of SM2 (GB/T 32918.5), whose thumbprint was computed with sha256sum.
func TestThumbprintsOfTheOtherAlgorithms(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ jwk, want string }{
		"Ed25519": {`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"1","alg":"EdDSA","use":"sig","iss":"` + testIssuer + `"}`,
			"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
		"SM2": {`{"kty":"EC","crv":"SM2","x":"` + hexURL(t, "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7") + `","y":"` +
			hexURL(t, "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0") + `","kid":"1","alg":"SM2SM3","use":"sig","iss":"` + testIssuer + `"}`,
			"y7AjrEynNOtAO0yKBlF9CLhdziAQ9HjaV_uKxJlJ1iY"},
	} {
		set, err := credential.ParseKeySet([]byte(keys(c.jwk)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for key := range set.All() {
			if got, err := key.Thumbprint(); got != c.want || err != nil {
				t.Errorf("%s: %s, %v; want %s", name, got, err, c.want)
			}
		}
	}
}

const algorithmsFile = "testdata/algorithms.json"

// algorithmVectors are a key of every algorithm and the code of the worked example by each of them: for verifiers in other languages. The
// signatures of two algorithms are random, so the file is not made again but read: what verified once verifies for ever.
type algorithmVectors struct {
	About  string          `json:"about"`
	KeySet json.RawMessage `json:"key_set"`
	Codes  []algorithmCode `json:"codes"`
}

type algorithmCode struct {
	Alg    credential.Algorithm `json:"alg"`
	KID    string               `json:"kid"`
	JWT    string               `json:"jwt"`
	Digits string               `json:"digits"`
}

func TestAlgorithmVectors(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(algorithmsFile); *update && errors.Is(err, fs.ErrNotExist) {
		writeAlgorithmVectors(t)
	}
	text, err := os.ReadFile(algorithmsFile)
	if err != nil {
		t.Fatal(err)
	}
	var v algorithmVectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	set, err := credential.ParseKeySet(v.KeySet)
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Codes) != len(credential.Algorithms()) {
		t.Errorf("%d codes, want one of each algorithm", len(v.Codes))
	}
	for _, c := range v.Codes {
		for _, text := range []string{c.JWT, c.Digits} {
			if got := credential.Verify(text, set, issuedAt); !got.Authentic || got.KeyID != c.KID || got.USCC != testCode().USCC {
				t.Errorf("%s: %+v", c.Alg, got)
			}
		}
		header, _, _ := strings.Cut(c.JWT, ".")
		if header != b64(string(credential.AppendHeader(nil, c.Alg, c.KID))) {
			t.Errorf("%s: header %s", c.Alg, header)
		}
	}
}

func writeAlgorithmVectors(t *testing.T) {
	t.Helper()
	v := algorithmVectors{About: "The code of docs/formats.md 1.5 by a key of each algorithm. Nobody has the private keys."}
	var public []credential.PublicKey
	for i, alg := range credential.Algorithms() {
		key := keyOf(t, alg, uint8(i+1))
		issued := mustIssue(t, key, testCode())
		public = append(public, *key.PublicKey())
		v.Codes = append(v.Codes, algorithmCode{alg, key.PublicKey().ID(), issued.JWT, issued.Digits})
	}
	var err error
	if v.KeySet, err = json.Marshal(mustSet(t, public...)); err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(algorithmsFile, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

func hexURL(t *testing.T, text string) string {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b64(string(raw))
}

func TestFaultyPointsAreRefused(t *testing.T) {
	t.Parallel()
	okp := func(x, more string) string {
		return `{"kty":"OKP","crv":"Ed25519","x":"` + x + `"` + more + `,"kid":"1","alg":"EdDSA","use":"sig","iss":"` + testIssuer + `"}`
	}
	national := func(x, y string) string {
		return `{"kty":"EC","crv":"SM2","x":"` + x + `","y":"` + y + `","kid":"1","alg":"SM2SM3","use":"sig","iss":"` + testIssuer + `"}`
	}
	good := b64(string(keyOf(t, credential.EdDSA, 1).PublicKey().Material.(ed25519.PublicKey)))
	if _, err := credential.ParseKeySet([]byte(keys(okp(good, "")))); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"Ed25519: 31 bytes":               okp(good[:41], ""),
		"Ed25519: no bytes":               okp("", ""),
		"Ed25519: padded":                 okp(good+"=", ""),
		"Ed25519: a y":                    okp(good, `,"y":"`+good+`"`),
		"Ed25519: a private key":          okp(good, `,"d":"`+good+`"`),
		"Ed25519: not on the curve":       okp(hexURL(t, "0200000000000000000000000000000000000000000000000000000000000000"), ""),
		"Ed25519: the neutral element":    okp(hexURL(t, "0100000000000000000000000000000000000000000000000000000000000000"), ""),
		"Ed25519: order 2":                okp(hexURL(t, "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), ""),
		"Ed25519: order 4":                okp(hexURL(t, "0000000000000000000000000000000000000000000000000000000000000000"), ""),
		"Ed25519: order 8":                okp(hexURL(t, "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), ""),
		"Ed25519: another spelling":       okp(hexURL(t, "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), ""),
		"SM2: not on the curve":           national(good, good),
		"SM2: a point of P-256":           national(shcX1, shcY1),
		"SM2: zero":                       national(hexURL(t, strings.Repeat("00", 32)), hexURL(t, strings.Repeat("00", 32))),
		"SM2: no y":                       national(shcX1, ""),
		"P-256 that says it is EdDSA":     strings.Replace(jwk("1", shcX1, shcY1, ""), "ES256", "EdDSA", 1),
		"P-256 that says it is SM2SM3":    strings.Replace(jwk("1", shcX1, shcY1, ""), "ES256", "SM2SM3", 1),
		"P-256 whose crv says it is SM2":  strings.Replace(jwk("1", shcX1, shcY1, ""), "P-256", "SM2", 1),
		"Ed25519 that says it is for ECC": strings.Replace(okp(good, ""), "OKP", "EC", 1),
	} {
		if set, err := credential.ParseKeySet([]byte(keys(text))); !errors.Is(err, credential.ErrKeySet) || set != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The newer name of RFC 9864 would give one key two tokens for a code; such a key is for something else.
func TestTheNameEd25519IsNotOurs(t *testing.T) {
	t.Parallel()
	x := b64(string(keyOf(t, credential.EdDSA, 1).PublicKey().Material.(ed25519.PublicKey)))
	other := `{"kty":"OKP","crv":"Ed25519","x":"` + x + `","kid":"2","alg":"Ed25519","use":"sig","iss":"` + testIssuer + `"}`
	set, err := credential.ParseKeySet([]byte(keys(jwk("1", shcX1, shcY1, ""), other)))
	if err != nil {
		t.Fatal(err)
	}
	for key := range set.All() {
		if key.ID() != "1" {
			t.Errorf("key %s was taken", key.ID())
		}
	}
}

// foreignSigner gives out one key and signs with another, as a token whose objects were exchanged would.
type foreignSigner struct{ crypto.Signer }

func (s foreignSigner) Public() crypto.PublicKey { return keyPair.Public() }

var keyPair = fixedPrivate(9)

func TestASignerWithAnotherKeyIssuesNothing(t *testing.T) {
	t.Parallel()
	public := credential.PublicKey{Number: 1, Algorithm: credential.ES256, Issuer: testIssuer, Material: keyPair.Public()}
	key, err := credential.WrapSigner(public, issuedAt, foreignSigner{fixedPrivate(1)})
	if err != nil {
		t.Fatal(err)
	}
	if issued, err := credential.Issue(key, testCode()); !errors.Is(err, credential.ErrNotIssued) || issued.JWT != "" {
		t.Errorf("%+v, %v", issued, err)
	}
}

// A private key of one algorithm becomes no signer of another one.
func TestASignerHasOneAlgorithm(t *testing.T) {
	t.Parallel()
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	national, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for own, private := range map[credential.Algorithm]crypto.Signer{credential.ES256: keyPair, credential.EdDSA: edwards, credential.SM2SM3: national} {
		for _, alg := range credential.Algorithms() {
			public := credential.PublicKey{Number: 1, Algorithm: alg, Issuer: testIssuer, Material: private.Public()}
			if key, err := credential.WrapSigner(public, issuedAt, private); (err == nil) != (alg == own) || (key == nil) != (alg != own) {
				t.Errorf("a key of %s as %s: %v", own, alg, err)
			}
		}
	}
}

func TestGenerateKeyRefusesAnUnknownAlgorithm(t *testing.T) {
	t.Parallel()
	for _, alg := range []credential.Algorithm{"", "none", "HS256", "RS256", "Ed25519", "es256"} {
		if key, err := credential.GenerateKey(alg, 1, testIssuer, issuedAt); !errors.Is(err, credential.ErrAlgorithm) || key != nil {
			t.Errorf("%q: %v", alg, err)
		}
	}
}
