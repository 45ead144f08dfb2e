package credential_test

import (
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"

	"healthcode/credential"
	"healthcode/registry"

	"pgregory.net/rapid"
)

// The layout of version 1 is frozen: this test must never change.
func TestPackedLayoutIsFrozen(t *testing.T) {
	t.Parallel()
	code := credential.Code{
		Version: 1, Key: 7, USCC: "91350100M000100Y43", IssuedAt: 0x6a7b8c9d, Lifetime: 0x816d, Tier: registry.TierC,
		Colour: registry.ColourRed, Model: 0x1234, Index: 0x89abcdef,
	}
	var signature credential.Signature
	for i := range signature {
		signature[i] = byte(0xa0 + i)
	}
	packed, err := credential.Pack(&code, &signature)
	if err != nil {
		t.Fatal(err)
	}
	const want = "01" + "07" + "085c215c267e48e1e5b350b3" + "6a7b8c9d" + "816d" + "44" + "1234" + "89abcdef" +
		"a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf" +
		"c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
	if got := hex.EncodeToString(packed[:]); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	uscc, _ := new(big.Int).SetString("91350100M000100Y43", 36)
	if got := hex.EncodeToString(uscc.FillBytes(make([]byte, 12))); got != want[4:28] {
		t.Errorf("base 36 of the USCC is %s", got)
	}
}

func TestPackUnpackRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		code := drawCode(t, rapid.Uint8Min(1).Draw(t, "key"))
		signature := credential.Signature(rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, "signature"))
		packed, err := credential.Pack(&code, &signature)
		if err != nil {
			t.Fatal(err)
		}
		digits := packed.Digits()
		read, err := credential.ParsePacked(digits)
		if err != nil || read != packed || len(digits) != credential.PackedDigits {
			t.Fatalf("digits %s gave %x, %v", digits, read, err)
		}
		gotCode, gotSignature, err := read.Unpack()
		if err != nil || gotCode != code || gotSignature != signature {
			t.Fatalf("got %+v, %v; want %+v", gotCode, err, code)
		}
	})
}

func TestDigitsAgreeWithMathBig(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		packed := credential.Packed(rapid.SliceOfN(rapid.Byte(), credential.PackedSize, credential.PackedSize).Draw(t, "bytes"))
		checkAgainstBig(t, packed)
	})
	checkAgainstBig(t, credential.Packed{})
	var all credential.Packed
	for i := range all {
		all[i] = 0xff
	}
	checkAgainstBig(t, all)
}

func checkAgainstBig(t interface{ Fatalf(string, ...any) }, packed credential.Packed) {
	text := new(big.Int).SetBytes(packed[:]).Text(10)
	want := strings.Repeat("0", credential.PackedDigits-len(text)) + text
	if got := packed.Digits(); got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	if back, err := credential.ParsePacked(want); err != nil || back != packed {
		t.Fatalf("%s reads as %x, %v", want, back, err)
	}
}

func TestParsePackedRefuses(t *testing.T) {
	t.Parallel()
	tooLarge := new(big.Int).Lsh(big.NewInt(1), 728).String() // 2^728, one more than the largest
	good := mustIssue(t, mustKey(t, 1, testIssuer, 1), testCode()).Digits
	for name, text := range map[string]string{
		"empty":                  "",
		"one digit short":        good[:219],
		"one digit long":         good + "0",
		"leading zero more":      "0" + good,
		"leading zero cut":       good[1:],
		"a letter":               good[:100] + "a" + good[101:],
		"a letter O for a zero":  "O" + good[1:],
		"a blank":                good[:100] + " " + good[101:],
		"a line break":           good[:219] + "\n",
		"a sign":                 "+" + good[1:],
		"a minus":                "-" + good[1:],
		"an underscore":          good[:100] + "_" + good[101:],
		"a full-width digit":     good[:217] + "１",
		"a slash, before 0":      good[:219] + "/",
		"a colon, after 9":       good[:219] + ":",
		"2^728":                  strings.Repeat("0", 220-len(tooLarge)) + tooLarge,
		"the largest 220 digits": strings.Repeat("9", 220),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := credential.ParsePacked(text)
			if !errors.Is(err, credential.ErrMalformed) || got != (credential.Packed{}) {
				t.Errorf("got %x, %v", got, err)
			}
		})
	}
}

func TestUnpackRefuses(t *testing.T) {
	t.Parallel()
	code := testCode()
	code.Version, code.Key = 1, 1
	good, err := credential.Pack(&code, &credential.Signature{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		at    int
		bytes string // hex
		want  error
	}{
		"version 0":                    {0, "00", credential.ErrUnsupportedVersion},
		"version 2":                    {0, "02", credential.ErrUnsupportedVersion},
		"version 255":                  {0, "ff", credential.ErrUnsupportedVersion},
		"key 0":                        {1, "00", credential.ErrMalformed},
		"USCC of 36^18":                {2, base36Bytes("1000000000000000000"), credential.ErrMalformed},
		"USCC all bits":                {2, "ffffffffffffffffffffffff", credential.ErrMalformed},
		"USCC with a quotient too big": {2, "00005c5e45e0ffffffffffff", credential.ErrMalformed},
		"USCC with letter I":           {2, base36Bytes("91350100I000100Y43"), credential.ErrMalformed},
		"USCC with letter O":           {2, base36Bytes("O1350100M000100Y43"), credential.ErrMalformed},
		"USCC with letter S":           {2, base36Bytes("91350100M000100Y4S"), credential.ErrMalformed},
		"USCC with letter V":           {2, base36Bytes("9135010VM000100Y43"), credential.ErrMalformed},
		"USCC with letter Z":           {2, base36Bytes("91350100MZ00100Y43"), credential.ErrMalformed},
		"lifetime of 0 days":           {18, "0000", credential.ErrMalformed},
		"lifetime of 0 seconds":        {18, "8000", credential.ErrMalformed},
		"expiry after 2106":            {14, "ffffffff", credential.ErrMalformed},
		"colour 0":                     {20, "01", credential.ErrMalformed},
		"colour 5":                     {20, "51", credential.ErrMalformed},
		"colour 15":                    {20, "f1", credential.ErrMalformed},
		"tier 5":                       {20, "15", credential.ErrMalformed},
		"tier 15":                      {20, "1f", credential.ErrMalformed},
		"model 0":                      {21, "0000", credential.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := good
			patch, err := hex.DecodeString(c.bytes)
			if err != nil {
				t.Fatal(err)
			}
			copy(bad[c.at:], patch)
			got, signature, err := bad.Unpack()
			if !errors.Is(err, c.want) || got != (credential.Code{}) || signature != (credential.Signature{}) {
				t.Errorf("got %+v, %v; want %v", got, err, c.want)
			}
		})
	}
}

func base36Bytes(text string) string {
	n, _ := new(big.Int).SetString(text, 36)
	return hex.EncodeToString(n.FillBytes(make([]byte, 12)))
}

func TestPackingDoesNotAllocate(t *testing.T) {
	issued := mustIssue(t, mustKey(t, 1, testIssuer, 1), testCode())
	if n := testing.AllocsPerRun(100, func() {
		if _, err := credential.ParsePacked(issued.Digits); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("reading digits allocates %v times", n)
	}
	packed, _ := credential.ParsePacked(issued.Digits)
	if n := testing.AllocsPerRun(100, func() { _ = packed.Digits() }); n > 1 { // the string itself
		t.Errorf("writing digits allocates %v times", n)
	}
}

func FuzzParsePacked(f *testing.F) {
	f.Add(strings.Repeat("0", 220))
	f.Add(strings.Repeat("9", 220))
	f.Add(mustIssue(f, mustKey(f, 1, testIssuer, 1), testCode()).Digits)
	f.Fuzz(func(t *testing.T, text string) {
		packed, err := credential.ParsePacked(text)
		if err != nil {
			if packed != (credential.Packed{}) || !errors.Is(err, credential.ErrMalformed) {
				t.Fatalf("error %v with %x", err, packed)
			}
			return
		}
		if packed.Digits() != text {
			t.Fatalf("%s is written again as %s", text, packed.Digits())
		}
		checkAgainstBig(t, packed)
		repack(t, packed)
	})
}

// FuzzUnpack holds that whatever unpacks is packed again to the same bytes.
func FuzzUnpack(f *testing.F) {
	seed, _ := credential.ParsePacked(mustIssue(f, mustKey(f, 1, testIssuer, 1), testCode()).Digits)
	f.Add(seed[:])
	f.Fuzz(func(t *testing.T, data []byte) {
		var packed credential.Packed
		copy(packed[:], data)
		repack(t, packed)
		checkAgainstBig(t, packed)
	})
}

func repack(t *testing.T, packed credential.Packed) {
	code, signature, err := packed.Unpack()
	if err != nil {
		if code != (credential.Code{}) {
			t.Fatalf("%+v with error %v", code, err)
		}
		return
	}
	again, err := credential.Pack(&code, &signature)
	if err != nil || again != packed {
		t.Fatalf("%x is packed again as %x, %v", packed, again, err)
	}
}
