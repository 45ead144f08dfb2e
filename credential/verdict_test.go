package credential_test

import (
	"encoding/json"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/registry"

	"pgregory.net/rapid"
)

// A verdict is written with the bytes that encoding/json would write of its fields.
func TestVerdictJSON(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~甲]{0,20}`))
	moment := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "none") {
			return time.Time{}
		}
		zone := rapid.SampledFrom([]*time.Location{time.UTC, registry.Shanghai}).Draw(t, "zone")
		return time.Unix(rapid.Int64Range(0, 1<<32).Draw(t, "second"), rapid.SampledFrom([]int64{0, 1, 120_000_000}).Draw(t, "nanosecond")).In(zone)
	})
	rapid.Check(t, func(t *rapid.T) {
		grade := func() (registry.Tier, registry.Colour) {
			return registry.Tier(rapid.Uint8Range(0, 5).Draw(t, "tier")), registry.Colour(rapid.Uint8Range(0, 5).Draw(t, "colour"))
		}
		v := credential.Verdict{Authentic: rapid.Bool().Draw(t, "authentic"), Current: credential.Currency(text.Draw(t, "current")), Reason: credential.Reason(text.Draw(t, "reason")),
			SignatureValid: rapid.Bool().Draw(t, "valid"), Detail: text.Draw(t, "detail"), Form: credential.Form(text.Draw(t, "form")), Issuer: text.Draw(t, "issuer"),
			KeyID: text.Draw(t, "kid"), USCC: registry.USCC(text.Draw(t, "uscc")), AtIssue: rapid.Bool().Draw(t, "at issue"), Model: rapid.Uint16().Draw(t, "model"),
			IssuedAt: moment.Draw(t, "issued"), ExpiresAt: moment.Draw(t, "expires"), Index: rapid.Uint32().Draw(t, "idx"), StatusAsOf: moment.Draw(t, "status as of")}
		v.Tier, v.Colour = grade()
		if rapid.Bool().Draw(t, "today") {
			v.Grade.Tier, v.Grade.Colour = grade()
			v.Grade.AsOf = moment.Draw(t, "as of")
		}
		type whole credential.Verdict
		want, err := json.Marshal(whole(v))
		if !v.SignatureValid {
			want, err = json.Marshal(struct {
				Authentic      bool                `json:"authentic"`
				Current        credential.Currency `json:"current,omitempty"`
				Reason         credential.Reason   `json:"reason"`
				SignatureValid bool                `json:"signature_valid"`
				Detail         string              `json:"detail,omitempty"`
			}{v.Authentic, v.Current, v.Reason, v.SignatureValid, v.Detail})
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := string(v.AppendJSON(nil)); got != string(want) {
			t.Errorf("%s\nwant %s", got, want)
		}
	})
}
