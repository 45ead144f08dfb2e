package credential_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"testing"

	"healthcode/credential"
	"healthcode/registry"
)

// mixedGrades is a grade list of n enterprises with the mix of real lists: tiers AA 5, A 38, B 50, C 6, NEW 1 %; products of general, higher
// and high risk 60, 30, 10 %; colours by the matrix of the default model. Places follow no order: codes are issued as enterprises come.
func mixedGrades(n int) []byte {
	matrix := [3][5]registry.Colour{{2, 1, 1, 2, 3}, {2, 1, 2, 2, 4}, {3, 2, 2, 3, 4}} // risk, then NEW AA A B C
	r := newDice(1)
	entries := make([]byte, credential.ListGrade.Bytes())
	for i := range n {
		tier := registry.TierNew
		switch x := r.IntN(100); {
		case x < 5:
			tier = registry.TierAA
		case x < 43:
			tier = registry.TierA
		case x < 93:
			tier = registry.TierB
		case x < 99:
			tier = registry.TierC
		}
		risk := 0
		switch x := r.IntN(100); {
		case x >= 90:
			risk = 2
		case x >= 60:
			risk = 1
		}
		entries[i] = credential.GradeByte(matrix[risk][tier], tier)
	}
	return entries
}

func zlibAt(b *testing.B, entries []byte, level int) int {
	var out bytes.Buffer
	w, err := zlib.NewWriterLevel(&out, level)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := w.Write(entries); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return out.Len()
}

// A grade list of a million enterprises, packed, signed, and read again before it leaves, against zlib at its usual level on the same bytes.
// Target: times_zlib at most 1.5, token_kb (as it goes over a gzipped connection: gzip_kb) at most 450. The level of zlib is chosen by the
// other figures: see deflate.
func BenchmarkSignGradeList(b *testing.B) {
	key, _ := mustFresh(b)
	entries := mixedGrades(1_000_000)
	var ours, raw, huffman stopwatch
	var token string
	var usual, alone int
	for b.Loop() {
		ours.run(func() {
			var err error
			if token, err = credential.SignList(key, credential.ListGrade, 0, entries, issuedAt); err != nil {
				b.Fatal(err)
			}
		})
		raw.run(func() { usual = zlibAt(b, entries, zlib.DefaultCompression) })
		huffman.run(func() { alone = zlibAt(b, entries, flate.HuffmanOnly) })
	}
	packed, err := credential.Deflate(entries)
	if err != nil {
		b.Fatal(err)
	}
	report(b, ours, raw)
	b.ReportMetric(ours.median()/raw.median(), "times_zlib")
	b.ReportMetric(ours.median()/huffman.median(), "times_huffman")
	b.ReportMetric(float64(len(packed))/1e3, "packed_kb")
	b.ReportMetric(float64(usual)/1e3, "zlib_kb")
	b.ReportMetric(float64(alone)/1e3, "huffman_kb")
	b.ReportMetric(float64(len(token))/1e3, "token_kb")
	b.ReportMetric(float64(gzipped(b, token))/1e3, "gzip_kb")
}

func gzipped(b *testing.B, text string) int {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return out.Len()
}

// A verifier's reading of that list, against inflating it.
func BenchmarkParseGradeList(b *testing.B) {
	key, _ := mustFresh(b)
	set := mustSet(b, *key.PublicKey())
	entries := mixedGrades(1_000_000)
	token, err := credential.SignList(key, credential.ListGrade, 0, entries, issuedAt)
	if err != nil {
		b.Fatal(err)
	}
	packed, err := credential.Deflate(entries)
	if err != nil {
		b.Fatal(err)
	}
	var ours, raw stopwatch
	for b.Loop() {
		ours.run(func() { sink, _ = credential.ParseList(token, set) })
		raw.run(func() { sink, _ = credential.Inflate(packed, len(entries)) })
	}
	report(b, ours, raw)
}

// One look into a list of each kind. Target: under 200 ns.
func BenchmarkListLookup(b *testing.B) {
	key, _ := mustFresh(b)
	set := mustSet(b, *key.PublicKey())
	lists := map[credential.ListKind]*credential.List{}
	for kind, entries := range map[credential.ListKind][]byte{credential.ListStatus: make([]byte, credential.ListStatus.Bytes()), credential.ListGrade: mixedGrades(1_000_000)} {
		token, err := credential.SignList(key, kind, 0, entries, issuedAt)
		if err != nil {
			b.Fatal(err)
		}
		if lists[kind], err = credential.ParseList(token, set); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("status", func(b *testing.B) {
		place := uint32(1)
		for b.Loop() {
			place = (place*1664525 + 1013904223) % credential.ListSize // anywhere, so that no cache of the processor helps
			lists[credential.ListStatus].Status(place)
		}
	})
	b.Run("grade", func(b *testing.B) {
		place := uint32(1)
		for b.Loop() {
			place = (place*1664525 + 1013904223) % credential.ListSize
			lists[credential.ListGrade].Grade(place)
		}
	})
}
