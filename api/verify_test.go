package api

import (
	"bytes"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/registry"
	"healthcode/schema"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// verdictJSON is what a program reads.
type verdictJSON struct {
	Authentic      bool              `json:"authentic"`
	Current        string            `json:"current"`
	StatusAsOf     time.Time         `json:"status_as_of"`
	Copied         bool              `json:"scanned_in_many_places"`
	Index          uint32            `json:"idx"`
	Reason         string            `json:"reason"`
	SignatureValid bool              `json:"signature_valid"`
	USCC           registry.USCC     `json:"uscc"`
	AtIssue        bool              `json:"at_issue"`
	Tier           string            `json:"tier"`
	CheckedAt      time.Time         `json:"checked_at"`
	Enterprise     *EnterpriseBrief  `json:"enterprise"`
	Grade          *Grade            `json:"grade"`
	Statement      *ReplyTold        `json:"statement"`
	Code           string            `json:"code"`
	Errors         registry.Problems `json:"errors"`
	Verdict        *verdictJSON      `json:"verdict"`
}

func TestVerdicts(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	good := w.codes[w.first]
	now := uint32(w.now.Unix())
	code := func(u registry.USCC, at uint32, life credential.Lifetime) credential.Issued {
		return w.stored(t, credential.Code{USCC: u, IssuedAt: at, Lifetime: life, Tier: registry.TierAA, Colour: registry.ColourGreen, Model: 1})
	}
	other, err := credential.NewKey(9, testIssuer, w.now)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := credential.Issue(other, credential.Code{USCC: w.first, IssuedAt: now, Lifetime: 30, Tier: registry.TierAA, Colour: registry.ColourGreen, Model: 1})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text, reason string
		status       int
		problem      string
	}{
		"printed":               {good.Digits, "ok", 200, ""},
		"for machines":          {good.JWT, "ok", 200, ""},
		"on screen":             {code(w.first, now, credential.ScreenLifetime).Digits, "ok", 200, ""},
		"expired":               {code(w.first, 1_600_000_000, credential.PrintedLifetime).Digits, "expired", 200, ""},
		"from the future":       {code(w.first, now+86_400, credential.PrintedLifetime).Digits, "not_yet_valid", 200, ""},
		"one digit changed":     {altered(good.Digits), "bad_signature", 200, ""},
		"signed by a stranger":  {foreign.Digits, "unknown_key", 404, "unknown_key"},
		"enterprise of no one":  {code("91350100M000100Y43", now, 365).Digits, "unknown_enterprise", 404, "unknown_enterprise"},
		"cut":                   {good.Digits[:100], "malformed", 400, "malformed_code"},
		"letter among digits":   {"x" + good.Digits[1:], "malformed", 400, "malformed_code"},
		"another version":       {"9" + good.Digits[1:], "malformed", 400, "malformed_code"},
		"half a JWT":            {good.JWT[:60], "malformed", 400, "malformed_code"},
		"a word":                {"hello", "malformed", 400, "malformed_code"},
		"longer than any of us": {strings.Repeat("1", 3000), "malformed", 400, "malformed_code"},
	} {
		t.Run(name, func(t *testing.T) {
			answers := map[string]verdictJSON{}
			for how, answer := range map[string]interface{ Result() *http.Response }{
				"page as JSON": get(h, "/v/"+c.text, "Accept", "application/json"), "query": get(h, "/api/v1/verify?code="+c.text),
				"body": call(h, http.MethodPost, "/api/v1/verify", strings.NewReader(`{"code":"`+c.text+`"}`), jsonBody...),
			} {
				answers[how] = readVerdict(t, answer.Result(), c.status)
			}
			for how, v := range answers {
				checkVerdict(t, how, v, c.reason, c.problem)
			}
			page := get(h, "/v/"+c.text, "Accept", "text/html", "Accept-Language", "en")
			if page.Code != c.status || page.Header().Get("Cache-Control") != "no-store" || page.Header().Get("Referrer-Policy") != "no-referrer" ||
				page.Header().Get("X-Robots-Tag") != "noindex" || !strings.HasPrefix(page.Header().Get("Content-Type"), "text/html") {
				t.Errorf("page: status %d, %v", page.Code, page.Header())
			}
			body := page.Body.String()
			if shown := strings.Contains(body, `class="hc-grade-word"`); shown != (c.reason == "ok") || strings.Contains(body, "out of 100") {
				t.Errorf("the page shows a grade: %t, or the index", shown)
			}
		})
	}
}

func readVerdict(t *testing.T, answer *http.Response, status int) verdictJSON {
	t.Helper()
	defer answer.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(answer.Body); err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != status {
		t.Fatalf("status %d, want %d: %.300s", answer.StatusCode, status, body.String())
	}
	recorded := get(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body.Bytes()) }), "/")
	return decoded[verdictJSON](t, recorded)
}

func checkVerdict(t *testing.T, how string, v verdictJSON, reason, problem string) {
	t.Helper()
	if v.Code != problem {
		t.Errorf("%s: problem %q, want %q", how, v.Code, problem)
	}
	if problem != "" {
		if v.Verdict == nil || len(v.Errors) != 1 || v.Errors[0].Field != "code" {
			t.Fatalf("%s: %+v", how, v)
		}
		v = *v.Verdict
	}
	ok := reason == "ok"
	if v.Reason != reason || v.Authentic != ok || v.CheckedAt.IsZero() {
		t.Errorf("%s: %+v, want %s", how, v, reason)
	}
	if want := map[bool]string{true: "yes", false: "no"}[ok]; v.Current != want {
		t.Errorf("%s: current %q, want %q", how, v.Current, want)
	}
	if (v.Grade != nil) != ok || ok && (v.Enterprise == nil || v.Enterprise.Name == "" || v.Enterprise.Region == "" || !v.AtIssue) {
		t.Errorf("%s: enterprise %+v, grade %+v", how, v.Enterprise, v.Grade)
	}
}

// The grade shown is the live one, whatever the code says.
func TestTheLiveGradeRules(t *testing.T) {
	w := ownWorld(t)
	h := w.handler(t, nil)
	live, err := w.db.Assessment(t.Context(), w.first)
	if err != nil {
		t.Fatal(err)
	}
	boast := registry.ColourGreen
	if live.Colour == boast {
		boast = registry.ColourRed
	}
	lying := w.stored(t, credential.Code{USCC: w.first, IssuedAt: uint32(w.now.Unix()), Lifetime: 365, Tier: registry.TierAA, Colour: boast, Model: 1})
	v := decoded[verdictJSON](t, get(h, "/v/"+lying.Digits, "Accept", "application/json"))
	if v.Grade == nil || v.Grade.Colour != live.Colour || v.Grade.Tier != live.Tier || v.Tier != "AA" {
		t.Errorf("got %+v, the live grade is %v %v", v.Grade, live.Colour, live.Tier)
	}
}

// The language follows the browser, and ?lang= beats it. What messengers append to a link changes nothing.
func TestVerdictLanguages(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	path := "/v/" + w.codes[w.first].Digits
	for name, c := range map[string]struct{ query, accept, want string }{
		"nothing said":        {"", "", "真码，当前有效"},
		"Chinese browser":     {"", "zh-CN,zh;q=0.9", "真码，当前有效"},
		"English browser":     {"", "en-GB", "Authentic and in force"},
		"switched to English": {"?lang=en", "zh-CN", "Authentic and in force"},
		"switched to Chinese": {"?lang=zh-CN", "en", "真码，当前有效"},
		"unknown language":    {"?lang=xx", "en", "Authentic and in force"},
		"from a messenger":    {"?from=singlemessage&isappinstalled=0&a=1&a=2", "en", "Authentic and in force"},
		"nonsense query":      {"?%zz&;=", "en", "Authentic and in force"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := get(h, path+c.query, "Accept-Language", c.accept)
			if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), c.want) {
				t.Errorf("status %d, no %q", answer.Code, c.want)
			}
		})
	}
}

func TestKeySet(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	answer := get(h, "/.well-known/jwks.json")
	keys, err := credential.ParseKeySet(answer.Body.Bytes())
	if err != nil || answer.Header().Get("Access-Control-Allow-Origin") != "*" || answer.Header().Get("Cache-Control") != "public, max-age=3600" {
		t.Fatalf("%v, %v", err, answer.Header())
	}
	if v := credential.Verify(w.codes[w.first].Digits, keys, w.now); !v.Authentic {
		t.Errorf("a code does not verify with the published keys: %+v", v)
	}
	tag := answer.Header().Get("ETag")
	if again := get(h, "/.well-known/jwks.json", "If-None-Match", `"x", W/`+tag); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("status %d with %d bytes for a client that has it", again.Code, again.Body.Len())
	}
}

// A removed key is gone at once, from the key set and from verification.
func TestRemovedKey(t *testing.T) {
	w := ownWorld(t)
	h := w.handler(t, nil)
	path := "/api/v1/verify?code=" + w.codes[w.first].Digits
	if answer := get(h, path); answer.Code != http.StatusOK {
		t.Fatalf("status %d", answer.Code)
	}
	if err := w.db.MoveKey(t.Context(), 1, schema.KeyRemoved); err != nil {
		t.Fatal(err)
	}
	problem(t, get(h, path), http.StatusNotFound, "unknown_key")
	problem(t, get(h, "/api/v1/enterprises/"+string(w.first)+"/code.svg"), http.StatusNotFound, "no_code")
	if answer := get(h, "/.well-known/jwks.json"); answer.Body.String() != `{"keys":[]}` {
		t.Errorf("got %s", answer.Body)
	}
	if answer := get(h, "/enterprises/"+string(w.first), "Accept-Language", "en"); answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), "None issued yet") {
		t.Errorf("status %d", answer.Code)
	}
}

// The image decodes to a URL whose code verifies: the whole way of a printed sign.
func TestCodeImages(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	base := "/api/v1/enterprises/" + string(w.first) + "/code"
	answer := get(h, base+".png?scale=4")
	if answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != "image/png" {
		t.Fatalf("status %d: %.200s", answer.Code, answer.Body)
	}
	picture, err := png.Decode(bytes.NewReader(answer.Body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	read, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
	if err != nil {
		t.Fatal(err)
	}
	if read.GetText() != w.codes[w.first].URL {
		t.Errorf("the image says %s", read.GetText())
	}
	if again := get(h, base+".png?scale=4", "If-None-Match", answer.Header().Get("ETag")); again.Code != http.StatusNotModified {
		t.Errorf("status %d for a client that has it", again.Code)
	}
	if svg := get(h, base+".svg"); svg.Code != http.StatusOK || !strings.HasPrefix(svg.Body.String(), "<svg") || svg.Header().Get("Content-Type") != "image/svg+xml" {
		t.Errorf("status %d: %.60s", svg.Code, svg.Body)
	}
}

func BenchmarkScanned(b *testing.B) {
	w := theWorld(b)
	h := w.handler(b, nil)
	path := "/v/" + w.codes[w.first].Digits
	b.ReportAllocs()
	for b.Loop() {
		if answer := get(h, path); answer.Code != http.StatusOK {
			b.Fatal(answer.Code)
		}
	}
}
