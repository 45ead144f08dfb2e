package schema

import (
	"encoding/json"
	"testing"

	"healthcode/registry"

	"pgregory.net/rapid"
)

// The detail of a record is packed with the bytes that encoding/json writes.
func TestPackedDetails(t *testing.T) {
	t.Parallel()
	kinds := registry.KindNames()
	text := rapid.OneOf(rapid.Just(""), rapid.String(), rapid.StringMatching(`[ -~\x7f甲\x{2028}\x{2029}]{0,20}`))
	rapid.Check(t, func(t *rapid.T) {
		r := registry.Record{Kind: registry.Kind(rapid.SampledFrom(kinds).Draw(t, "kind"))}
		if rapid.Bool().Draw(t, "with a detail") {
			r.Detail = registry.Kinds[r.Kind].New()
		}
		if d, ok := r.Detail.(*registry.SpotCheck); ok {
			d.Batch = text.Draw(t, "batch")
		}
		for range rapid.IntRange(0, 2).Draw(t, "findings") {
			severity := registry.Severity(rapid.IntRange(0, int(registry.SeverityCritical)).Draw(t, "severity"))
			r.Findings = append(r.Findings, registry.Finding{Severity: severity, Item: text.Draw(t, "item"), Standard: text.Draw(t, "standard"),
				Limit: text.Draw(t, "limit"), Value: text.Draw(t, "value"), Cause: text.Draw(t, "cause")})
		}
		if rapid.Bool().Draw(t, "with people") {
			r.People = &registry.People{Sampler: text.Draw(t, "sampler"), Tester: text.Draw(t, "tester"), Inspectors: rapid.SliceOfN(text, 0, 3).Draw(t, "inspectors")}
		}
		packed := recordDetail{Findings: r.Findings, People: r.People}
		if inner, err := json.Marshal(r.Detail); err != nil {
			t.Fatal(err)
		} else if r.Detail != nil && string(inner) != "{}" {
			packed.Detail = inner
		}
		want, err := json.Marshal(packed)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := packDetail(&r); err != nil || got != string(want) {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	})
}
