package credential_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/credential/verify"
	"healthcode/registry"
)

// offlineVectors is the part of the vectors about lists, key sets by the root and bundles. Another zlib packs the same list into other
// bytes, so this part is checked by reading it, and written anew only with -update.
type offlineVectors struct {
	Root     json.RawMessage `json:"root"`
	KeySet   tokenVector     `json:"key_set_token"`
	Lists    []listVector    `json:"lists"`
	Manifest tokenVector     `json:"manifest"`
	Bundle   string          `json:"bundle"`
	Verdicts []checkVector   `json:"verdicts"` // of texts, with the bundle loaded at that time
}

type tokenVector struct {
	Header  string `json:"header"`
	Payload string `json:"payload"`
	Token   string `json:"token"`
}

type listVector struct {
	tokenVector
	Kind    credential.ListKind `json:"kind"`
	Number  uint32              `json:"number"`
	Iat     uint32              `json:"iat"`
	Exp     uint32              `json:"exp"`
	TTL     uint32              `json:"ttl"`
	Packed  string              `json:"lst"`
	Entries map[uint32]uint8    `json:"entries"` // value by place; all others are 0
}

// The lists of the vectors, an hour after the codes were issued. The screen code of the vectors stands in list 0.
var vectorLists = []struct {
	kind    credential.ListKind
	number  uint32
	entries map[uint32]uint8
}{
	{credential.ListStatus, 1, map[uint32]uint8{0: 1, 1: 2, 2: 3, 6: 2, 1048575: 1}},
	{credential.ListGrade, 1, map[uint32]uint8{0: 0x44, 5: 0x22, 6: 0x11, 1048575: 0x30}},
	{credential.ListStatus, 0, map[uint32]uint8{}},
	{credential.ListGrade, 0, map[uint32]uint8{7: 0x11}},
}

func makeOffline(tb testing.TB, v *vectors) *offlineVectors {
	tb.Helper()
	rootKey, root := mustRoot(tb)
	key := mustKey(tb, 1, testIssuer, 1)
	keySet, err := credential.SignKeySet(rootKey, mustSet(tb, *key.PublicKey()), issuedAt, credential.KeySetLifetime)
	if err != nil {
		tb.Fatal(err)
	}
	o := &offlineVectors{Root: mustJSON(tb, root), KeySet: tokenOf(tb, keySet)}
	listedAt := issuedAt.Add(time.Hour)
	var tokens []string
	for _, l := range vectorLists {
		token := mustList(tb, key, l.kind, l.number, listedAt, func(entries []byte) {
			for place, value := range l.entries {
				credential.PutValue(entries, l.kind.Bytes()*8/credential.ListSize, place, value)
			}
		})
		tokens = append(tokens, token)
		o.Lists = append(o.Lists, listVectorOf(tb, l.kind, l.number, token, l.entries))
	}
	bundle, err := credential.SignBundle(key, keySet, tokens, listedAt)
	if err != nil {
		tb.Fatal(err)
	}
	var text struct{ Manifest string }
	if err := json.Unmarshal(bundle, &text); err != nil {
		tb.Fatal(err)
	}
	o.Bundle, o.Manifest = string(bundle), tokenOf(tb, text.Manifest)
	o.Verdicts = offlineVerdicts(tb, o, root, v)
	return o
}

func offlineVerdicts(tb testing.TB, o *offlineVectors, root *credential.Root, v *vectors) []checkVector {
	tb.Helper()
	suspended := testCode()
	suspended.Index++
	bad := mustIssue(tb, mustKey(tb, 1, testIssuer, 1), suspended)
	checks := []checkVector{
		{Name: "printed, with lists of an hour ago", Text: v.Codes[0].URL, At: issuedAt.Add(2 * time.Hour)},
		{Name: "printed, when the lists have expired", Text: v.Codes[0].URL, At: issuedAt.Add(25 * time.Hour)},
		{Name: "suspended", Text: bad.URL, At: issuedAt.Add(2 * time.Hour)},
		{Name: "a digit changed", Text: v.Codes[0].Digits[:219] + "0", At: issuedAt.Add(2 * time.Hour)},
	}
	for i := range checks {
		checks[i].Verdict = offlineVerdict(tb, o, root, &checks[i])
	}
	return checks
}

func offlineVerdict(tb testing.TB, o *offlineVectors, root *credential.Root, c *checkVector) credential.Verdict {
	tb.Helper()
	verifier := verify.New(root, verify.Memory{})
	if err := verifier.LoadBundle([]byte(o.Bundle), c.At); err != nil {
		tb.Fatal(err)
	}
	return verifier.Verify(c.Text, c.At)
}

func tokenOf(tb testing.TB, token string) tokenVector {
	tb.Helper()
	header, payload := partsOf(tb, token)
	return tokenVector{header, payload, token}
}

func listVectorOf(tb testing.TB, kind credential.ListKind, number uint32, token string, entries map[uint32]uint8) listVector {
	tb.Helper()
	v := listVector{tokenVector: tokenOf(tb, token), Kind: kind, Number: number, Entries: entries}
	type list struct{ Lst string }
	var claims struct {
		Iat, Exp, TTL uint32
		Status        list `json:"status_list"`
		Grade         list `json:"grade_list"`
	}
	if err := json.Unmarshal([]byte(v.Payload), &claims); err != nil {
		tb.Fatal(err)
	}
	v.Iat, v.Exp, v.TTL, v.Packed = claims.Iat, claims.Exp, claims.TTL, claims.Status.Lst+claims.Grade.Lst
	return v
}

func mustJSON(tb testing.TB, value any) json.RawMessage {
	tb.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// The file alone must be enough to check a verifier of lists.
func TestVerifyByOfflineVectors(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(file, &v); err != nil {
		t.Fatal(err)
	}
	root, err := credential.ParseRoot(v.Offline.Root)
	if err != nil {
		t.Fatal(err)
	}
	set, err := credential.ParseSignedKeySet(v.Offline.KeySet.Token, root)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range v.Offline.Lists {
		checkListVector(t, &l, set.Keys)
	}
	for _, c := range v.Offline.Verdicts {
		if got := offlineVerdict(t, v.Offline, root, &c); got != c.Verdict {
			t.Errorf("%s\n got %+v\nwant %+v", c.Name, got, c.Verdict)
		}
	}
	if len(v.Offline.Lists) != len(vectorLists) || len(v.Offline.Verdicts) != 4 {
		t.Errorf("%d lists, %d verdicts", len(v.Offline.Lists), len(v.Offline.Verdicts))
	}
}

func checkListVector(t *testing.T, l *listVector, keys *credential.KeySet) {
	t.Helper()
	if got := credential.AppendListPayload(l.Kind, testIssuer, l.Number, l.Iat, l.Exp, l.TTL, l.Packed); got != l.Payload {
		t.Errorf("list %s/%d: payload\n%s\nis written\n%s", l.Kind, l.Number, l.Payload, got)
	}
	list, err := credential.ParseList(l.Token, keys)
	if err != nil {
		t.Fatal(err)
	}
	for place := range uint32(credential.ListSize) {
		got := uint8(list.Status(place))
		if l.Kind == credential.ListGrade {
			tier, colour, _ := list.Grade(place)
			got = credential.GradeByte(colour, tier)
		}
		if got != l.Entries[place] {
			t.Fatalf("list %s/%d: place %d is %#x", l.Kind, l.Number, place, got)
		}
	}
}

// Header and payload of a list are frozen: lists signed today are read by verifiers of tomorrow. This test must never change.
func TestListTemplateIsFrozen(t *testing.T) {
	t.Parallel()
	for kind, want := range map[credential.ListKind]string{
		credential.ListStatus: `{"iss":"https://q.example.gov.cn","sub":"https://q.example.gov.cn/lists/status/4095","iat":1,"exp":86401,"ttl":3600,` +
			`"status_list":{"bits":2,"lst":"LST","aggregation_uri":"https://q.example.gov.cn/lists"}}`,
		credential.ListGrade: `{"iss":"https://q.example.gov.cn","sub":"https://q.example.gov.cn/lists/grade/4095","iat":1,"exp":86401,"ttl":3600,` +
			`"grade_list":{"bits":8,"lst":"LST"}}`,
	} {
		if got := credential.AppendListPayload(kind, testIssuer, 4095, 1, 86401, 3600, "LST"); got != want {
			t.Errorf("%s\n got %s\nwant %s", kind, got, want)
		}
	}
	key := mustKey(t, 1, testIssuer, 1)
	for kind, want := range map[credential.ListKind]string{
		credential.ListStatus: `{"alg":"ES256","kid":"1","typ":"statuslist+jwt"}`,
		credential.ListGrade:  `{"alg":"ES256","kid":"1","typ":"qc-gradelist+jwt"}`,
	} {
		if header, _ := partsOf(t, mustList(t, key, kind, 0, issuedAt, nil)); header != want {
			t.Errorf("%s: header %s, want %s", kind, header, want)
		}
	}
	if got := credential.GradeByte(registry.ColourRed, registry.TierC); got != 0x44 {
		t.Errorf("red C is %#x", got)
	}
	if got := credential.GradeByte(registry.ColourNone, registry.TierC); got != 0 {
		t.Errorf("no colour is %#x", got)
	}
}
