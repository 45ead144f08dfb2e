package verify_test

import (
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/asn1"
	"math/big"
	"strings"
	"testing"
)

func sha(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// rawSignature turns an ASN.1 signature into r and s side by side.
func rawSignature(tb testing.TB, der []byte) []byte {
	tb.Helper()
	var point struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &point); err != nil {
		tb.Fatal(err)
	}
	raw := make([]byte, 64)
	point.R.FillBytes(raw[:32])
	point.S.FillBytes(raw[32:])
	return raw
}

// asn1Signature is the other way round.
func asn1Signature(tb testing.TB, raw string) string {
	tb.Helper()
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes([]byte(raw[:32])), new(big.Int).SetBytes([]byte(raw[32:]))})
	if err != nil {
		tb.Fatal(err)
	}
	return string(der)
}

// otherS turns (r, s) into (r, n-s), which verifies as well.
func otherS(raw string) string {
	s := new(big.Int).SetBytes([]byte(raw[32:]))
	s.Sub(elliptic.P256().Params().N, s)
	return raw[:32] + string(s.FillBytes(make([]byte, 32)))
}

// hmacByPublicKey is the classic confusion: the public key as an HMAC secret.
func hmacByPublicKey(tb testing.TB, header, payload string) string {
	tb.Helper()
	secret, err := fixedPrivate(active).PublicKey.Bytes()
	if err != nil {
		tb.Fatal(err)
	}
	input := b64(strings.Replace(header, "ES256", "HS256", 1)) + "." + b64(payload)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(input))
	return input + "." + b64(string(mac.Sum(nil)))
}
