package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/credential/verify"
	"healthcode/registry"

	"github.com/chromedp/chromedp"
)

// answers is what must be the same in every verifier. Of a text with several faults another reason is allowed (docs/formats.md 1.6), so
// reasons count only where the signature is good.
type answers struct {
	Authentic bool   `json:"authentic"`
	Current   string `json:"current"`
	Signed    bool   `json:"signature_valid"`
	Reason    string `json:"reason"`
}

func (a answers) comparable() answers {
	if !a.Signed {
		a.Reason = ""
	}
	return a
}

// judgeAll runs texts through the checker's modules with the bundle that the site serves.
const judgeAll = `(async (folder, now) => {
	const [{ readRoot, readBundle }, { takeIn }, { verdictOf }] = await Promise.all(["bundle.js", "memory.js", "verify.js"].map((name) => import(folder + name)));
	const text = async (path) => (await fetch(path)).text();
	const { trusted } = takeIn(await readBundle(await text("/bundle"), await readRoot(await text("/.well-known/root.json"))), undefined, now);
	const all = [];
	for (const one of JSON.parse(await text("/texts.json"))) {
		const { authentic, current, signature_valid, reason } = await verdictOf(one, trusted, now);
		all.push({ authentic, current, signature_valid, reason });
	}
	return all;
})`

// Texts that nobody thought of get the same answer in the browser and in Go: codes with random faults, and signed payloads with faults.
func TestCheckerAgreesOnRandomTexts(t *testing.T) {
	s := newSite(t)
	states(t, s)
	r := rand.New(rand.NewPCG(2026, 11)) //nolint:gosec // the same texts in every run
	texts := slices.Concat(damaged(t, s, r, 1500), s.signedNonsense(t, r, 500))
	body, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	s.change(func() { s.more = map[string][]byte{"/texts.json": body} })
	now := time.Now().UTC().Truncate(time.Second)
	b := startBrowser(t)
	b.visit(t, s, "en")
	got := evaluate[[]answers](t, b, fmt.Sprintf("%s(%s, %d)", judgeAll, quoted(folder(t)), now.Unix()), chromedp.EvalAwaitPromise)
	want := s.judge(t, texts, now)
	signed := 0
	for i, text := range texts {
		if got[i].comparable() != want[i].comparable() {
			t.Errorf("%.700q\n got %+v\nwant %+v", text, got[i], want[i])
		}
		if want[i].Signed {
			signed++
		}
	}
	if signed < 50 || signed > len(texts)-500 {
		t.Errorf("%d of %d texts are well signed: the test looks at one side only", signed, len(texts))
	}
}

// judge is what the Go package says.
func (s *site) judge(t *testing.T, texts []string, now time.Time) []answers {
	t.Helper()
	root, err := credential.ParseRoot(s.root)
	if err != nil {
		t.Fatal(err)
	}
	v := verify.New(root, verify.Memory{})
	if err := v.LoadBundle(s.bundle, now); err != nil {
		t.Fatal(err)
	}
	all := make([]answers, len(texts))
	for i, text := range texts {
		verdict := v.Verify(text, now)
		all[i] = answers{verdict.Authentic, string(verdict.Current), verdict.SignatureValid, string(verdict.Reason)}
	}
	return all
}

// damaged takes good codes and does up to three small things to each: some stay as they are.
func damaged(t *testing.T, s *site, r *rand.Rand, count int) []string {
	t.Helper()
	var good []string
	for _, code := range slices.Sorted(maps.Keys(s.world.codes)) {
		issued := s.world.codes[code]
		good = append(good, issued.URL, issued.Digits, issued.JWT, testIssuer+"/v/"+issued.JWT)
	}
	texts := make([]string, count)
	for i := range texts {
		text := good[r.IntN(len(good))]
		for range r.IntN(4) {
			text = damage(text, r)
		}
		texts[i] = text
	}
	return texts
}

func damage(text string, r *rand.Rand) string {
	const letters = "0123456789AZaz-_.~:/?#%+= \n\x00é字"
	at := r.IntN(len(text) + 1)
	one := string([]rune(letters)[r.IntN(len([]rune(letters)))])
	switch r.IntN(6) {
	case 0:
		return text[:at] + one + text[at:]
	case 1:
		return strings.ToValidUTF8(text[:at]+text[min(at+1, len(text)):], "")
	case 2:
		return strings.ToValidUTF8(text[:at]+one+text[min(at+1, len(text)):], "")
	case 3:
		return strings.ToValidUTF8(text[:at], "")
	case 4:
		return strings.ToUpper(text[:at]) + text[at:]
	}
	return strings.Replace(text, "https", []string{"http", "HTTPS", "ftp", "httpss", ""}[r.IntN(5)], 1)
}

// signedNonsense signs payloads that are almost those of a code, with the real key: the signature is good, the payload often is not.
func (s *site) signedNonsense(t *testing.T, r *rand.Rand, count int) []string {
	t.Helper()
	issued := s.coloured(t, registry.ColourGreen)
	parts := strings.Split(issued.JWT, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	swaps := [][2]string{
		{`"v":1`, `"v":2`}, {`"v":1`, `"v":1.0`}, {`"v":1`, `"v":"1"`}, {`"v":1`, `"v":null`}, {`"v":1,`, ``}, {`"v":1`, `"v":1e0`}, {`"v":1`, `"v":1,"v":1`},
		{`"iss":"`, `"iss":"x`}, {`"iss":`, `"ISS":`}, {`"iss":"https://q.example.org",`, ``}, {`"iss":`, `"iss":null,"x":`}, {`"iss":"`, `"iss":"\u0068`},
		{`"sub":"`, `"sub":"0`}, {`"iat":`, `"iat":0`}, {`"iat":`, `"iat":-`}, {`"exp":`, `"exp":9`}, {`"exp":`, `"exp":1.`}, {`"tier":"`, `"tier":"A`}, {`green`, `blue`},
		{`green`, `GREEN`}, {`green`, `gr\u0065en`}, {`"model":1`, `"model":0`}, {`"model":1`, `"model":65536`}, {`"model":1`, `"model":1,"more":1`}, {`"idx":`, `"idx":9`},
		{`"idx":`, `"idx": `}, {`/lists/status/0`, `/lists/status/00`}, {`/lists/status/0`, `/lists/status/4096`}, {`/lists/status/0`, `/lists/status/1`}, {`}}}`, `}}} `}, {`}}}`, `}}`},
		{`{"iss"`, ` {"iss"`}, {`{"iss"`, `[{"iss"`}, {`"qc":{`, `"qc":[],"x":{`}, {`"qc":{`, `"qc":null,"x":{`}, {`,`, `, `}, {`"status":{`, `"status":{},"x":{`}, {`"`, `'`},
	}
	texts := make([]string, count)
	for i := range texts {
		text := string(payload)
		for range r.IntN(3) {
			swap := swaps[r.IntN(len(swaps))]
			text = strings.Replace(text, swap[0], swap[1], 1)
		}
		input := parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(text))
		signature, err := s.world.key.Sign(input)
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = input + "." + base64.RawURLEncoding.EncodeToString(signature[:])
	}
	return texts
}
