package verify_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/credential/verify"
)

// stopwatch keeps the time of every run of a step, of so many repetitions each.
type stopwatch []float64

func (s *stopwatch) run(times int, step func()) {
	start := time.Now()
	for range times {
		step()
	}
	*s = append(*s, float64(time.Since(start).Nanoseconds())/float64(times))
}

func (s stopwatch) median() float64 {
	slices.Sort(s)
	return s[len(s)/2]
}

// Verifying a code that was not seen before, with lists, against one raw ES256 verification; and the same code again. All three take turns
// in one loop, so that they meet the same machine, and the figures are medians in ns. Targets: rate (raw / new) at least 0.85; again, the
// factor between a new code and a repeated one, at least 20.
func BenchmarkVerify(b *testing.B) {
	v := verify.New(mustRoot(b), verify.Memory{})
	bundle := makeBundles(b)["today"]
	mustLoad(b, v, bundle, scanned)
	issued, _ := good(b)
	private := fixedPrivate(active)
	digest := sha("code")
	signature, err := ecdsa.SignASN1(rand.Reader, private, digest)
	if err != nil {
		b.Fatal(err)
	}
	keys := freshCodes(b, 512)
	var fresh, repeated, raw stopwatch
	for i := 0; b.Loop(); i++ {
		if i%len(keys) == 0 { // empties the cache
			mustLoad(b, v, bundle, scanned)
		}
		check := func(text string) {
			if got := v.Verify(text, scanned); got.Current != credential.CurrentYes {
				b.Fatal(got.Reason, got.Detail)
			}
		}
		fresh.run(1, func() { check(keys[i%len(keys)]) })
		check(issued.URL)
		repeated.run(16, func() { check(issued.URL) })
		raw.run(1, func() { ecdsa.VerifyASN1(&private.PublicKey, digest, signature) })
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(fresh.median(), "new_ns")
	b.ReportMetric(repeated.median(), "again_ns")
	b.ReportMetric(raw.median(), "raw_ns")
	b.ReportMetric(raw.median()/fresh.median(), "rate")
	b.ReportMetric(fresh.median()/repeated.median(), "again")
}

// freshCodes are codes of one place with different lifetimes: each is a text of its own.
func freshCodes(b *testing.B, n int) []string {
	b.Helper()
	texts := make([]string, n)
	for i := range texts {
		code := codeAt(placeGood)
		code.Lifetime = credential.Lifetime(1 + i)
		texts[i] = mustIssue(b, active, code).URL
	}
	return texts
}
