package verify_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"flag"
	"io"
	"strings"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/registry"
)

var update = flag.Bool("update", false, "write the table of verdicts anew")

const issuer = "https://q.example.gov.cn"

// The times of most cases: the code is issued, an hour later the lists, and another hour later somebody scans the code.
var (
	issuedAt = time.Date(2026, 11, 22, 2, 33, 20, 0, time.UTC)
	listedAt = issuedAt.Add(time.Hour)
	scanned  = issuedAt.Add(2 * time.Hour)
)

// The keys by their number, which is also their private key: for tests only.
const (
	active   = 1
	future   = 2 // begins to sign 30 days later
	removed  = 3 // stands in no key set but the one of "before the removal"
	retired  = 4 // signed until ten days earlier
	rootSeed = 9
)

func fixedPrivate(seed byte) *ecdsa.PrivateKey {
	raw := make([]byte, 32)
	raw[31] = seed
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		panic(err)
	}
	return key
}

// repeatable signs after RFC 6979: the same input, the same signature.
type repeatable struct{ *ecdsa.PrivateKey }

func (r repeatable) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return r.PrivateKey.Sign(nil, digest, opts)
}

func mustKey(tb testing.TB, number uint8) *credential.Key {
	tb.Helper()
	private := repeatable{fixedPrivate(number)}
	public := credential.PublicKey{Number: number, Algorithm: credential.ES256, Issuer: issuer, Material: private.Public()}
	switch number {
	case future:
		public.NotBefore = issuedAt.AddDate(0, 0, 30)
	case retired:
		public.NotAfter = issuedAt.AddDate(0, 0, -10)
	}
	key, err := credential.WrapSigner(public, issuedAt, private)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func mustSet(tb testing.TB, numbers ...uint8) *credential.KeySet {
	tb.Helper()
	var keys []credential.PublicKey
	for _, n := range numbers {
		keys = append(keys, *mustKey(tb, n).PublicKey())
	}
	set, err := credential.NewKeySet(keys...)
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

func mustRoot(tb testing.TB) *credential.Root {
	tb.Helper()
	root, err := credential.RootOf(mustKey(tb, rootSeed).PublicKey())
	if err != nil {
		tb.Fatal(err)
	}
	return root
}

// signUnhindered signs without the checks of Issue and SignList, as a faulty or hostile holder of the key could.
func signUnhindered(tb testing.TB, seed byte, header, payload string) string {
	tb.Helper()
	input := b64(header) + "." + b64(payload)
	der, err := repeatable{fixedPrivate(seed)}.PrivateKey.Sign(nil, sha(input), crypto.SHA256)
	if err != nil {
		tb.Fatal(err)
	}
	return input + "." + b64(string(rawSignature(tb, der)))
}

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func unb64(tb testing.TB, text string) string {
	tb.Helper()
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		tb.Fatal(err)
	}
	return string(data)
}

// parts of a token: header, payload and signature, decoded.
func parts(tb testing.TB, token string) (header, payload, signature string) {
	tb.Helper()
	p := strings.Split(token, ".")
	return unb64(tb, p[0]), unb64(tb, p[1]), unb64(tb, p[2])
}

// The places of the codes in list 1 and what the lists say about them.
const (
	placeGood = iota + 5
	placeRevoked
	placeSuspended
	placeSuperseded
	placeNoGrade
	placeFallen // green AA at issue, red C today
	placeOddGrade
)

func fillStatus(entries []byte) {
	credential.PutStatus(entries, placeRevoked, credential.StatusRevoked)
	credential.PutStatus(entries, placeSuspended, credential.StatusSuspended)
	credential.PutStatus(entries, placeSuperseded, credential.StatusSuperseded)
}

func fillGrade(entries []byte) {
	for place := placeGood; place <= placeSuperseded; place++ {
		entries[place] = credential.GradeByte(registry.ColourBlue, registry.TierA)
	}
	entries[placeFallen] = credential.GradeByte(registry.ColourRed, registry.TierC)
	entries[placeOddGrade] = 0x59 // no colour 5, no tier 9
}

const (
	listNumber = 1
	firstIndex = listNumber << 20
)

// codeAt is a printed code at a place of list 1, green AA at issue.
func codeAt(place uint32) credential.Code {
	return credential.Code{
		USCC: "91350100M000100Y43", IssuedAt: uint32(issuedAt.Unix()), Lifetime: credential.PrintedLifetime,
		Tier: registry.TierAA, Colour: registry.ColourGreen, Model: 1, Index: firstIndex + place,
	}
}

// screenAt is a screen code at a place, issued at a time.
func screenAt(place uint32, at time.Time) credential.Code {
	c := codeAt(place)
	c.Lifetime, c.IssuedAt = credential.ScreenLifetime, uint32(at.Unix())
	return c
}

func mustIssue(tb testing.TB, number uint8, c credential.Code) credential.Issued {
	tb.Helper()
	key := mustKey(tb, number)
	public := *key.PublicKey()
	public.NotBefore, public.NotAfter = time.Time{}, time.Time{} // a code may be made that the verifier must refuse
	free, err := credential.WrapSigner(public, issuedAt, repeatable{fixedPrivate(number)})
	if err != nil {
		tb.Fatal(err)
	}
	issued, err := credential.Issue(free, c)
	if err != nil {
		tb.Fatal(err)
	}
	return issued
}
