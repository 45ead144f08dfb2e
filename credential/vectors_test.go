package credential_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/registry"
)

const vectorsFile = "testdata/vectors.json"

// vectors is the file by which a verifier in another language can be checked. Later versions add to it and change nothing in it.
type vectors struct {
	About  string          `json:"about"`
	KeySet json.RawMessage `json:"key_set"`
	Codes  []codeVector    `json:"codes"`
	Checks []checkVector   `json:"checks"`

	Offline *offlineVectors `json:"offline"`
}

type codeVector struct {
	Name            string          `json:"name"`
	Version         uint8           `json:"version"`
	Key             uint8           `json:"key"`
	USCC            registry.USCC   `json:"uscc"`
	IssuedAt        uint32          `json:"iat"`
	LifetimeSeconds int64           `json:"lifetime_seconds"`
	Tier            registry.Tier   `json:"tier"`
	Colour          registry.Colour `json:"colour"`
	Model           uint16          `json:"model"`
	Index           uint32          `json:"index"`
	Header          string          `json:"header"`
	Payload         string          `json:"payload"`
	Packed          string          `json:"packed_hex"`
	Digits          string          `json:"digits"`
	URL             string          `json:"url"`
	JWT             string          `json:"jwt"`
}

type checkVector struct {
	Name    string             `json:"name"`
	Text    string             `json:"text"`
	At      time.Time          `json:"at"`
	Verdict credential.Verdict `json:"verdict"`
}

func vectorKeys(tb testing.TB) []*credential.Key {
	return []*credential.Key{mustKey(tb, 1, testIssuer, 1), mustKey(tb, 255, "https://zj.cn", 2)}
}

func vectorCodes() map[string]credential.Code {
	printed := testCode()
	screen := testCode()
	screen.Lifetime, screen.Index = credential.ScreenLifetime, 7
	return map[string]credential.Code{
		"printed": printed,
		"screen":  screen,
		"smallest numbers": {
			USCC: "000000000000000000", IssuedAt: 0, Lifetime: 1, Tier: registry.TierNew, Colour: registry.ColourGreen, Model: 1, Index: 0,
		},
		"largest numbers": {
			Key: 255, USCC: "YYYYYYYYYYYYYYYYYY", IssuedAt: 4294934528, Lifetime: 0xffff, Tier: registry.TierC,
			Colour: registry.ColourRed, Model: 65535, Index: 4294967295,
		},
		"longest life":                   {USCC: "914403001922038216", IssuedAt: 1463898495, Lifetime: 0x7fff, Tier: registry.TierB, Colour: registry.ColourYellow, Model: 300, Index: 1<<20 - 1},
		"issued USCC with a wrong check": {USCC: "91350100M0001TGQXM", IssuedAt: 1795314800, Lifetime: 365, Tier: registry.TierA, Colour: registry.ColourBlue, Model: 2, Index: 1 << 20},
	}
}

func makeVectors(tb testing.TB) vectors {
	tb.Helper()
	keys := vectorKeys(tb)
	set := mustSet(tb, *keys[0].PublicKey(), *keys[1].PublicKey())
	text, err := json.Marshal(set)
	if err != nil {
		tb.Fatal(err)
	}
	v := vectors{About: "Health codes, version 1. The private keys are the numbers 1 and 2: for tests only.", KeySet: text}
	for _, name := range []string{"printed", "screen", "smallest numbers", "largest numbers", "longest life", "issued USCC with a wrong check"} {
		v.Codes = append(v.Codes, makeCodeVector(tb, keys, name))
	}
	for _, c := range checkTexts(&v.Codes[0]) {
		c.Verdict = credential.Verify(c.Text, set, c.At)
		v.Checks = append(v.Checks, c)
	}
	return v
}

func makeCodeVector(tb testing.TB, keys []*credential.Key, name string) codeVector {
	tb.Helper()
	code := vectorCodes()[name]
	key := keys[0]
	if code.Key == 255 {
		key = keys[1]
	}
	issued := mustIssue(tb, key, code)
	code = issued.Code
	packed, err := credential.ParsePacked(issued.Digits)
	if err != nil {
		tb.Fatal(err)
	}
	return codeVector{
		name, code.Version, code.Key, code.USCC, code.IssuedAt, code.Lifetime.Seconds(), code.Tier, code.Colour, code.Model, code.Index,
		string(credential.AppendHeader(nil, credential.ES256, code.KeyID())),
		string(credential.AppendPayload(nil, key.PublicKey().Issuer, &code)),
		hex.EncodeToString(packed[:]), issued.Digits, issued.URL, issued.JWT,
	}
}

// checkTexts are texts around one code, with the time of the check.
func checkTexts(c *codeVector) []checkVector {
	at := issuedAt.Add(24 * time.Hour)
	at2 := issuedAt.Add(365 * 24 * time.Hour)
	return []checkVector{
		{Name: "URL", Text: c.URL, At: at},
		{Name: "digits", Text: c.Digits, At: at},
		{Name: "JWT", Text: c.JWT, At: at},
		{Name: "URL with JWT", Text: testIssuer + "/v/" + c.JWT, At: at},
		{Name: "another host", Text: "https://evil.example/v/" + c.Digits, At: at},
		{Name: "last second", Text: c.URL, At: at2.Add(-time.Second)},
		{Name: "expired", Text: c.URL, At: at2},
		{Name: "a minute before its issue", Text: c.URL, At: issuedAt.Add(-time.Minute)},
		{Name: "longer before its issue", Text: c.URL, At: issuedAt.Add(-time.Minute - time.Second)},
		{Name: "a digit changed", Text: c.Digits[:219] + string('0'+(c.Digits[219]-'0'+1)%10), At: at},
		{Name: "a digit short", Text: c.Digits[:219], At: at},
		{Name: "a letter", Text: c.Digits[:219] + "x", At: at},
		{Name: "version 0", Text: strings.Repeat("0", 220), At: at},
		{Name: "too large a number", Text: strings.Repeat("9", 220), At: at},
		{Name: "no such key", Text: strings.Replace(c.JWT, b64(c.Header), b64(strings.Replace(c.Header, `"1"`, `"9"`, 1)), 1), At: at},
		{Name: "alg none", Text: b64(strings.Replace(c.Header, "ES256", "none", 1)) + "." + b64(c.Payload) + ".", At: at},
		{Name: "a query", Text: c.URL + "?x=1", At: at},
		{Name: "another path", Text: testIssuer + "/V/" + c.Digits, At: at},
		{Name: "line break", Text: c.URL + "\n", At: at},
		{Name: "empty", Text: "", At: at},
	}
}

func TestVectors(t *testing.T) { // not parallel: -update must come before the file is read
	made := makeVectors(t)
	if *update {
		made.Offline = makeOffline(t, &made)
		if err := os.WriteFile(vectorsFile, writeVectors(t, &made), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var read vectors
	if err := json.Unmarshal(file, &read); err != nil {
		t.Fatal(err)
	}
	made.Offline = read.Offline // see offlineVectors
	want := writeVectors(t, &made)
	if !bytes.Equal(file, want) {
		t.Errorf("%s is not what the code makes. A frozen format changed: printed codes would no longer verify.", vectorsFile)
	}
}

func writeVectors(tb testing.TB, v *vectors) []byte {
	tb.Helper()
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		tb.Fatal(err)
	}
	return append(text, '\n')
}

// The file alone must be enough to check a verifier.
func TestVerifyByVectors(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(file, &v); err != nil {
		t.Fatal(err)
	}
	set, err := credential.ParseKeySet(v.KeySet)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range v.Codes {
		for _, text := range []string{c.URL, c.Digits, c.JWT} {
			got := credential.Verify(text, set, time.Unix(int64(c.IssuedAt), 0))
			if !got.Authentic || got.USCC != c.USCC || got.Tier != c.Tier || got.Colour != c.Colour || got.Model != c.Model || got.Index != c.Index {
				t.Errorf("%s: %+v", c.Name, got)
			}
		}
	}
	for _, c := range v.Checks {
		if got := credential.Verify(c.Text, set, c.At); got != c.Verdict {
			t.Errorf("%s\n got %+v\nwant %+v", c.Name, got, c.Verdict)
		}
	}
	if len(v.Codes) < 6 || len(v.Checks) < 20 {
		t.Errorf("only %d codes and %d checks", len(v.Codes), len(v.Checks))
	}
}
