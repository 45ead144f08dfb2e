package credential_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"flag"
	"io"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/registry"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

const testIssuer = "https://q.example.gov.cn"

// issuedAt is the time of issue in most tests.
var issuedAt = time.Date(2026, 11, 22, 2, 33, 20, 0, time.UTC)

// fixedPrivate is a private key for tests only: its number is seed.
func fixedPrivate(seed byte) *ecdsa.PrivateKey {
	raw := make([]byte, 32)
	raw[31] = seed
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		panic(err)
	}
	return key
}

// repeatable signs after RFC 6979: the same input, the same signature. Golden files need that.
type repeatable struct{ *ecdsa.PrivateKey }

func (r repeatable) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return r.PrivateKey.Sign(nil, digest, opts)
}

func mustKey(tb testing.TB, number uint8, issuer string, seed byte) *credential.Key {
	tb.Helper()
	private := repeatable{fixedPrivate(seed)}
	public := credential.PublicKey{Number: number, Algorithm: credential.ES256, Issuer: issuer, Material: private.Public()}
	key, err := credential.WrapSigner(public, issuedAt, private)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func mustSet(tb testing.TB, keys ...credential.PublicKey) *credential.KeySet {
	tb.Helper()
	set, err := credential.NewKeySet(keys...)
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

// testCode is the code of the worked example in docs/formats.md.
func testCode() credential.Code {
	return credential.Code{
		USCC: "91350100M000100Y43", IssuedAt: uint32(issuedAt.Unix()), Lifetime: credential.PrintedLifetime,
		Tier: registry.TierAA, Colour: registry.ColourGreen, Model: 1, Index: 1_048_581,
	}
}

func mustIssue(tb testing.TB, key credential.Signer, c credential.Code) credential.Issued {
	tb.Helper()
	issued, err := credential.Issue(key, c)
	if err != nil {
		tb.Fatal(err)
	}
	return issued
}

// forge signs any header and payload with the private key of mustKey, as a faulty or hostile holder of the key could.
func forge(tb testing.TB, seed byte, header, payload string) string {
	tb.Helper()
	input := b64(header) + "." + b64(payload)
	signature, err := mustKey(tb, 1, testIssuer, seed).Sign(input) // repeatable, or a fuzzer takes each signature for something new
	if err != nil {
		tb.Fatal(err)
	}
	return input + "." + b64(string(signature[:]))
}

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func drawUSCC(t *rapid.T) registry.USCC {
	values := rapid.SliceOfN(rapid.IntRange(0, 30), 18, 18).Draw(t, "uscc")
	text := make([]byte, 18)
	for i, v := range values {
		text[i] = registry.USCCAlphabet[v]
	}
	return registry.USCC(text)
}

// drawCode draws any code that Check accepts.
func drawCode(t *rapid.T, key uint8) credential.Code {
	lifetime := credential.Lifetime(rapid.Uint16().Filter(func(l uint16) bool { return l&0x7fff != 0 }).Draw(t, "lifetime"))
	latest := math.MaxUint32 - lifetime.Seconds()
	return credential.Code{
		Version: credential.Version1, Key: key, USCC: drawUSCC(t),
		IssuedAt: uint32(rapid.Int64Range(0, latest).Draw(t, "issued")), Lifetime: lifetime,
		Tier:   registry.Tier(rapid.IntRange(0, 4).Draw(t, "tier")),
		Colour: registry.Colour(rapid.IntRange(1, 4).Draw(t, "colour")),
		Model:  rapid.Uint16Min(1).Draw(t, "model"), Index: rapid.Uint32().Draw(t, "index"),
	}
}

// highS turns (r, s) of a raw ES256 signature into (r, n-s), which verifies as well.
func highS(raw []byte) []byte {
	s := new(big.Int).SetBytes(raw[32:])
	s.Sub(elliptic.P256().Params().N, s)
	out := append([]byte(nil), raw[:32]...)
	return append(out, s.FillBytes(make([]byte, 32))...)
}

// newDice is repeatable randomness for what rapid would draw too slowly.
func newDice(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// partsOf returns header and payload of a token.
func partsOf(tb testing.TB, token string) (header, payload string) {
	tb.Helper()
	segments := strings.Split(token, ".")
	for i, into := range []*string{&header, &payload} {
		text, err := base64.RawURLEncoding.DecodeString(segments[i])
		if err != nil {
			tb.Fatal(err)
		}
		*into = string(text)
	}
	return header, payload
}
