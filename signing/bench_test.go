package signing_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"healthcode/credential"

	"github.com/emmansun/gmsm/sm2"
)

var base64URL = base64.RawURLEncoding

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

// benchmarkSign signs the input of a code, turn by turn with the raw primitive on the same bytes: ours_ns, raw_ns, and rate (raw_ns / ours_ns).
func benchmarkSign(b *testing.B, signer credential.Signer) {
	issued, err := credential.Issue(signer, code(now))
	if err != nil {
		b.Fatal(err)
	}
	input := issued.JWT[:strings.LastIndexByte(issued.JWT, '.')]
	primitive := raw(b, signer.PublicKey().Algorithm, []byte(input))
	var ours, theirs stopwatch
	for b.Loop() {
		ours.run(func() {
			if _, err := signer.Sign(input); err != nil {
				b.Fatal(err)
			}
		})
		theirs.run(primitive)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ours.median(), "ours_ns")
	b.ReportMetric(theirs.median(), "raw_ns")
	b.ReportMetric(theirs.median()/ours.median(), "rate")
}

// raw is the bare signature of each algorithm over a message.
func raw(b *testing.B, alg credential.Algorithm, message []byte) func() {
	b.Helper()
	var err error
	var step func()
	switch alg {
	case credential.ES256:
		var key *ecdsa.PrivateKey
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		step = func() {
			digest := sha256.Sum256(message)
			_, _ = ecdsa.SignASN1(rand.Reader, key, digest[:])
		}
	case credential.EdDSA:
		var key ed25519.PrivateKey
		_, key, err = ed25519.GenerateKey(rand.Reader)
		step = func() { _ = ed25519.Sign(key, message) }
	case credential.SM2SM3:
		var key *sm2.PrivateKey
		key, err = sm2.GenerateKey(rand.Reader)
		step = func() { _, _ = key.SignWithSM2(rand.Reader, nil, message) }
	}
	if err != nil {
		b.Fatal(err)
	}
	return step
}

// Signing with the key in this process, by algorithm, beside the raw primitive.
func BenchmarkSignFile(b *testing.B) {
	for _, alg := range credential.Algorithms() {
		b.Run(string(alg), func(b *testing.B) { benchmarkSign(b, keyOf(b, alg, 1)) })
	}
}

// Signing by another process through a unix socket (here another goroutine, but the same socket), by algorithm, beside the raw primitive.
func BenchmarkSignRemote(b *testing.B) {
	for _, alg := range credential.Algorithms() {
		b.Run(string(alg), func(b *testing.B) {
			key, path := keyOf(b, alg, 1), socket(b)
			start(b, path, key)
			benchmarkSign(b, open(b, path, *key.PublicKey()))
		})
	}
}
