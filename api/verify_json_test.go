package api

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/credential"
	"healthcode/registry"

	"pgregory.net/rapid"
)

// An answer is written with the bytes that encoding/json would write of the verdict and of what we add to it.
func TestVerdictAnswerJSON(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~甲]{1,20}`))
	day := rapid.Map(rapid.IntRange(0, 60000), func(n int) registry.Day { return registry.Day(n) })
	rapid.Check(t, func(t *rapid.T) {
		a := VerdictAnswer{Verdict: credential.Verdict{Reason: credential.Reason(text.Draw(t, "reason")), SignatureValid: rapid.Bool().Draw(t, "valid")},
			CheckedAt: time.Unix(rapid.Int64Range(0, 1<<32).Draw(t, "second"), 0).UTC(), Copied: rapid.Bool().Draw(t, "copied")}
		var more struct {
			CheckedAt  time.Time        `json:"checked_at"`
			Enterprise *EnterpriseBrief `json:"enterprise,omitempty"`
			Grade      *PublicTold      `json:"grade,omitempty"`
			Statement  *ReplyTold       `json:"statement,omitempty"`
			Copied     bool             `json:"scanned_in_many_places,omitempty"`
			Purpose    access.Purpose   `json:"purpose,omitempty"`
			Disclosed  any              `json:"disclosed,omitempty"`
		}
		if rapid.Bool().Draw(t, "named") {
			a.Enterprise = &EnterpriseBrief{USCC: registry.USCC(text.Draw(t, "uscc")), Name: text.Draw(t, "name"), Region: text.Draw(t, "region")}
		}
		public := PublicTold{registry.Tier(rapid.Uint8Range(0, 5).Draw(t, "tier")), registry.Colour(rapid.Uint8Range(0, 5).Draw(t, "colour")), day.Draw(t, "as of")}
		if rapid.Bool().Draw(t, "graded") {
			a.Grade = &Grade{Tier: public.Tier, Colour: public.Colour, AsOf: public.AsOf}
		}
		if rapid.Bool().Draw(t, "replied") {
			a.Statement = &ReplyTold{Text: text.Draw(t, "reply"), On: day.Draw(t, "on")}
		}
		more.CheckedAt, more.Enterprise, more.Copied = a.CheckedAt, a.Enterprise, a.Copied
		if rapid.Bool().Draw(t, "purpose") {
			a.purpose, a.told = rapid.SampledFrom(access.Purposes[:]).Draw(t, "for"), map[string]string{"a": text.Draw(t, "told")}
			more.Purpose, more.Disclosed = a.purpose, a.told
		} else {
			more.Statement = a.Statement
			if a.Grade != nil {
				more.Grade = &public
			}
		}
		verdict, err := json.Marshal(a.Verdict)
		if err != nil {
			t.Fatal(err)
		}
		rest, err := json.Marshal(more)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.TrimSuffix(string(verdict), "}") + "," + strings.TrimPrefix(string(rest), "{")
		if got, err := json.Marshal(a); err != nil || string(got) != want {
			t.Errorf("%s, %v\nwant %s", got, err, want)
		}
	})
}

// A body that is read the short way says the same when it is read the long way.
func FuzzReadVerifyBody(f *testing.F) {
	for _, body := range []string{`{"code":"a.b.c"}`, `{"code": "1"}`, `{"code":"1" }`, `{"code":"1"}{}`, `{"code":"a\"}`, `{"code":"\u0031"}`, `{"code":""}`, `{"code":}`, `{"code":"1","code":"2"}`, `{"code":"é"}`,
		"{\"code\":\"\xff\"}", "{\"code\":\"\t\"}", `{"code":"1"}` + "\n", `{"code":null}`, `{"code":"1"`, `"code":"1"}`, `{"code":1}`, `{}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 4096 {
			return
		}
		code, short := codeAlone(body)
		var long verifyBody
		if err := decodeObject(body, &long); short && (err != nil || long != verifyBody{Code: code}) {
			t.Errorf("%q is %q the short way, %+v the long way, %v", body, code, long, err)
		}
	})
}
