package credential_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/registry"

	"github.com/golang-jwt/jwt/v5"
	"pgregory.net/rapid"
)

// Header and payload of version 1 are frozen: printed codes carry a signature over exactly these bytes. This test must never change.
func TestTemplateIsFrozen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code            credential.Code
		header, payload string
	}{
		"printed, first code of the second list": {
			credential.Code{
				Version: 1, Key: 1, USCC: "91350100M000100Y43", IssuedAt: 1795314800, Lifetime: credential.PrintedLifetime,
				Tier: registry.TierAA, Colour: registry.ColourGreen, Model: 1, Index: 1 << 20,
			},
			`{"alg":"ES256","kid":"1","typ":"qc+jwt"}`,
			`{"iss":"https://q.example.gov.cn","sub":"91350100M000100Y43","iat":1795314800,"exp":1826850800,` +
				`"qc":{"v":1,"tier":"AA","colour":"green","model":1},` +
				`"status":{"status_list":{"idx":0,"uri":"https://q.example.gov.cn/lists/status/1"}}}`,
		},
		"screen, all numbers at their largest": {
			credential.Code{
				Version: 1, Key: 255, USCC: "XXXXXXXXXXXXXXXXXX", IssuedAt: 4294967115, Lifetime: credential.ScreenLifetime,
				Tier: registry.TierNew, Colour: registry.ColourYellow, Model: 65535, Index: 4294967295,
			},
			`{"alg":"ES256","kid":"255","typ":"qc+jwt"}`,
			`{"iss":"https://q.example.gov.cn","sub":"XXXXXXXXXXXXXXXXXX","iat":4294967115,"exp":4294967295,` +
				`"qc":{"v":1,"tier":"NEW","colour":"yellow","model":65535},` +
				`"status":{"status_list":{"idx":1048575,"uri":"https://q.example.gov.cn/lists/status/4095"}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := string(credential.AppendHeader(nil, credential.ES256, c.code.KeyID())); got != c.header {
				t.Errorf("header\n got %s\nwant %s", got, c.header)
			}
			if got := string(credential.AppendPayload(nil, testIssuer, &c.code)); got != c.payload {
				t.Errorf("payload\n got %s\nwant %s", got, c.payload)
			}
			if err := c.code.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// The payload must be the JSON that a stock reader understands.
func TestTemplateIsJSONForEveryCode(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		code := drawCode(t, 9)
		var read struct {
			Iss, Sub string
			Iat, Exp int64
			QC       struct {
				V, Model     int
				Tier, Colour string
			}
			Status struct {
				List struct {
					Idx uint32
					URI string
				} `json:"status_list"`
			}
		}
		in := json.NewDecoder(strings.NewReader(string(credential.AppendPayload(nil, testIssuer, &code))))
		in.DisallowUnknownFields()
		if err := in.Decode(&read); err != nil {
			t.Fatal(err)
		}
		if read.Exp-read.Iat != code.Lifetime.Seconds() || read.Sub != string(code.USCC) || read.QC.Tier != code.Tier.String() ||
			read.QC.Colour != code.Colour.String() || read.Status.List.Idx >= 1<<20 {
			t.Fatalf("%+v reads as %+v", code, read)
		}
	})
}

// Any JWT library must accept the token; this is the stock method of golang-jwt with the plain public key.
func TestStockLibraryAcceptsTheToken(t *testing.T) {
	t.Parallel()
	key := mustKey(t, 1, testIssuer, 1)
	issued := mustIssue(t, key, testCode())
	token, err := jwt.Parse(issued.JWT, func(*jwt.Token) (any, error) { return key.PublicKey().Material, nil },
		jwt.WithValidMethods([]string{"ES256"}), jwt.WithTimeFunc(func() time.Time { return issuedAt }))
	if err != nil || !token.Valid {
		t.Fatal(err)
	}
	if subject, _ := token.Claims.GetSubject(); subject != "91350100M000100Y43" {
		t.Errorf("subject %q", subject)
	}
}

func TestLifetimeHasOneSpelling(t *testing.T) {
	t.Parallel()
	seen := map[int64]bool{}
	for l := range 1 << 16 {
		lifetime := credential.Lifetime(l)
		seconds := lifetime.Seconds()
		got, ok := credential.LifetimeOf(seconds)
		if valid := l&0x7fff != 0; ok != valid || valid && got != lifetime {
			t.Fatalf("%#x: %d seconds, read again as %#x, %v", l, seconds, got, ok)
		}
		if ok && seen[seconds] {
			t.Fatalf("two lifetimes of %d seconds", seconds)
		}
		seen[seconds] = true
	}
	for _, none := range []int64{-1, 0, 32768, 86399, 86401, 32768 * 86400} {
		if l, ok := credential.LifetimeOf(none); ok {
			t.Errorf("%d seconds gave %#x", none, l)
		}
	}
	if credential.PrintedLifetime.Seconds() != 365*86400 || credential.ScreenLifetime.Seconds() != 180 {
		t.Error("the two lifetimes are not 365 days and 180 seconds")
	}
}

// A code as a JWT is about 420 characters; with the longest issuer and numbers it must stay below the cap.
func TestLongestTokenFitsTheCap(t *testing.T) {
	t.Parallel()
	issuer := "https://" + strings.Repeat("a", 24)
	code := credential.Code{
		USCC: "XXXXXXXXXXXXXXXXXX", IssuedAt: 4294967115, Lifetime: credential.ScreenLifetime, Tier: registry.TierNew,
		Colour: registry.ColourYellow, Model: 65535, Index: 4294967295,
	}
	issued := mustIssue(t, mustKey(t, 255, issuer, 1), code)
	if n := len(issuer + "/v/" + issued.JWT); n > credential.MaxText {
		t.Errorf("%d characters", n)
	}
	if len(issued.URL) != credential.MaxQRText {
		t.Errorf("the URL has %d characters, want exactly %d", len(issued.URL), credential.MaxQRText)
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(issued.JWT, ".")[1])
	if err != nil || len(payload) > credential.MaxPayload {
		t.Errorf("the payload has %d bytes, more than its buffer; %v", len(payload), err)
	}
}
