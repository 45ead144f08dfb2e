package jobs

import (
	"encoding/json"
	"testing"

	"healthcode/registry"
	"healthcode/schema"

	"pgregory.net/rapid"
)

// A result is written with the bytes that encoding/json would write.
func TestResultLines(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~\x7f]{0,20}`))
	rapid.Check(t, func(t *rapid.T) {
		r := RowResult{Row: rapid.Int64().Draw(t, "row"), Outcome: rapid.SampledFrom([]schema.PutOutcome{schema.Added, schema.Changed, schema.Unchanged, schema.Waiting, schema.Refused}).Draw(t, "outcome"),
			Source: text.Draw(t, "source"), SourceRef: text.Draw(t, "source_ref"), Revision: rapid.Int().Draw(t, "revision")}
		if rapid.Bool().Draw(t, "wrong") {
			r.Errors = registry.Problems{{Field: text.Draw(t, "field"), Problem: "is wrong", Want: "better"}}
		}
		want, err := json.Marshal(&r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.appendLine(nil)
		if err != nil || string(got) != string(want)+"\n" {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	})
}
