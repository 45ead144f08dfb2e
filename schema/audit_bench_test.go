package schema

import (
	"crypto/sha256"
	"fmt"
	"testing"
)

// BenchmarkDigestOfABatch is what an import pays for the digest of 1,000 records, beside SHA-256 of the same bytes.
func BenchmarkDigestOfABatch(b *testing.B) {
	rows := make([][]any, 1000)
	var text []byte
	for i := range rows {
		row := recordRow{uscc: "91350100M000100Y43", source: "spot-check-system", sourceRef: fmt.Sprintf("2026-%06d", i), revision: 1, kind: "spot_check", outcome: "fail", severity: 2,
			occurredOn: 46000, knownAt: 1795000000000000, supersededAt: never, productCode: "HA01", stage: "production", purpose: "random", caseID: fmt.Sprint(i), state: "final",
			detail: `{"findings":[{"item":"formaldehyde","severity":"major","standard":"GB 18401","limit":"75","value":"131"}],"people":{"sampler":"0123456789abcdef","tester":"fedcba9876543210"}}`,
			fact:   `[46000,"spot_check","fail",2,1,0,0,"HA01"]`}
		rows[i] = row.values()
		for _, value := range rows[i] {
			text = appendValue(text, value)
		}
	}
	b.Run("digest", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			digestOf(rows)
		}
	})
	b.Run("sha256", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			sha256.Sum256(text)
		}
	})
}
