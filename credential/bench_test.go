package credential_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"testing"
	"time"

	"healthcode/credential"

	"github.com/skip2/go-qrcode"
)

// Each benchmark runs ours and the yardstick turn by turn in the same loop, so that both meet the same machine, and prints both
// figures with their ratio: ours_ns, raw_ns and rate (raw_ns / ours_ns). The figures are medians, so that another process that takes the
// processor for a moment falsifies neither.

// stopwatch keeps the time of every run of a step.
type stopwatch []time.Duration

func (s *stopwatch) run(step func()) {
	start := time.Now()
	step()
	*s = append(*s, time.Since(start))
}

func (s stopwatch) median() float64 {
	slices.Sort(s)
	return float64(s[len(s)/2])
}

// report prints both figures. rate is how much of the yardstick's rate ours reaches.
func report(b *testing.B, ours, raw stopwatch) {
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ours.median(), "ours_ns")
	b.ReportMetric(raw.median(), "raw_ns")
	b.ReportMetric(raw.median()/ours.median(), "rate")
}

// sink keeps the compiler from leaving work out.
var sink any

func mustFresh(b *testing.B) (*credential.Key, *ecdsa.PrivateKey) {
	b.Helper()
	key, err := credential.NewKey(1, testIssuer, issuedAt)
	if err != nil {
		b.Fatal(err)
	}
	return key, mustGenerate(b, fixedPrivate(1).Curve)
}

// Signing one code, all three forms made, against one raw ES256 signature. Target: rate at least 0.8.
func BenchmarkSign(b *testing.B) {
	key, private := mustFresh(b)
	digest := sha256.Sum256([]byte("code"))
	var ours, raw stopwatch
	for i := 0; b.Loop(); i++ {
		code := testCode()
		code.Index = uint32(i)
		ours.run(func() {
			issued, err := credential.SignUnchecked(key, code)
			if err != nil {
				b.Fatal(err)
			}
			sink = issued
		})
		raw.run(func() { sink, _ = ecdsa.SignASN1(rand.Reader, private, digest[:]) })
	}
	report(b, ours, raw)
}

// Issuing one code, which verifies it before it leaves, against the same raw work: one signature and one verification.
func BenchmarkIssue(b *testing.B) {
	key, private := mustFresh(b)
	digest := sha256.Sum256([]byte("code"))
	var ours, raw stopwatch
	for i := 0; b.Loop(); i++ {
		code := testCode()
		code.Index = uint32(i)
		ours.run(func() { sink = mustIssue(b, key, code) })
		raw.run(func() {
			signature, _ := ecdsa.SignASN1(rand.Reader, private, digest[:])
			sink = ecdsa.VerifyASN1(&private.PublicKey, digest[:], signature)
		})
	}
	report(b, ours, raw)
}

func benchmarkVerify(b *testing.B, text func(*credential.Issued) string) {
	key, private := mustFresh(b)
	set := mustSet(b, *key.PublicKey())
	issued := mustIssue(b, key, testCode())
	digest := sha256.Sum256([]byte("code"))
	signature, err := ecdsa.SignASN1(rand.Reader, private, digest[:])
	if err != nil {
		b.Fatal(err)
	}
	var ours, raw stopwatch
	for b.Loop() {
		ours.run(func() {
			if v := credential.Verify(text(&issued), set, issuedAt); !v.Authentic {
				b.Fatal(v.Detail)
			}
		})
		raw.run(func() { sink = ecdsa.VerifyASN1(&private.PublicKey, digest[:], signature) })
	}
	report(b, ours, raw)
}

// Verifying a scanned code against one raw ES256 verification.
func BenchmarkVerifyPacked(b *testing.B) {
	benchmarkVerify(b, func(i *credential.Issued) string { return i.URL })
}

func BenchmarkVerifyJWT(b *testing.B) {
	benchmarkVerify(b, func(i *credential.Issued) string { return i.JWT })
}

// Packing a code into digits. Target: under 5,000 ns.
func BenchmarkPack(b *testing.B) {
	issued := mustIssue(b, mustKey(b, 1, testIssuer, 1), testCode())
	b.ReportAllocs()
	for b.Loop() {
		packed, err := credential.Pack(&issued.Code, &credential.Signature{})
		if err != nil {
			b.Fatal(err)
		}
		_ = packed.Digits()
	}
}

// Unpacking digits into a code. Target: under 5,000 ns.
func BenchmarkUnpack(b *testing.B) {
	issued := mustIssue(b, mustKey(b, 1, testIssuer, 1), testCode())
	b.ReportAllocs()
	for b.Loop() {
		packed, err := credential.ParsePacked(issued.Digits)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := packed.Unpack(); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkImage(b *testing.B, draw func(*credential.QR) error) {
	issued := mustIssue(b, mustKey(b, 1, testIssuer, 1), testCode())
	var ours, raw stopwatch
	for b.Loop() {
		ours.run(func() {
			q, err := credential.NewQR(issued.URL)
			if err != nil {
				b.Fatal(err)
			}
			if err := draw(q); err != nil {
				b.Fatal(err)
			}
		})
		raw.run(func() {
			q, err := qrcode.New(issued.URL, qrcode.Medium) // fresh: it keeps its symbol
			if err != nil {
				b.Fatal(err)
			}
			sink = q.Bitmap()
		})
	}
	report(b, ours, raw)
	b.ReportMetric(ours.median()/raw.median(), "times_raw")
}

// A PNG of 424 pixels (8 a module) against the QR library's own bitmap. Target: times_raw at most 1.3.
func BenchmarkPNG(b *testing.B) {
	benchmarkImage(b, func(q *credential.QR) (err error) { sink, err = q.PNG(8); return err })
}

func BenchmarkSVG(b *testing.B) {
	benchmarkImage(b, func(q *credential.QR) error { sink = q.SVG(); return nil })
}
