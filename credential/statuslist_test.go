package credential_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"healthcode/credential"
)

// draftVectors are those of draft-ietf-oauth-status-list: see the file's about.
type draftVectors struct {
	Lists []struct {
		Name    string           `json:"name"`
		Bits    int              `json:"bits"`
		Bytes   int              `json:"bytes"`
		Lst     string           `json:"lst"`
		SHA256  string           `json:"sha256"`
		Nonzero map[uint32]uint8 `json:"nonzero"`
	} `json:"lists"`
	Key   json.RawMessage `json:"key"`
	Token string          `json:"token"`
}

func readDraft(tb testing.TB) *draftVectors {
	tb.Helper()
	data, err := os.ReadFile("testdata/status_lists.json")
	if err != nil {
		tb.Fatal(err)
	}
	var v draftVectors
	if err := json.Unmarshal(data, &v); err != nil {
		tb.Fatal(err)
	}
	return &v
}

// Every list of the draft is made from its table and compared with the draft's own bytes, and read again place by place. The zlib text is
// not compared: another zlib writes another one for the same bytes.
func TestDraftStatusLists(t *testing.T) {
	t.Parallel()
	draft := readDraft(t)
	bits := map[int]bool{}
	for _, v := range draft.Lists {
		bits[v.Bits] = true
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			entries := make([]byte, v.Bytes)
			for place, value := range v.Nonzero {
				credential.PutValue(entries, v.Bits, place, value)
			}
			if sum := sha256.Sum256(entries); hex.EncodeToString(sum[:]) != v.SHA256 {
				t.Errorf("the bytes are not those of the draft")
			}
			checkPacked(t, entries)
			for place := range uint32(v.Bytes * 8 / v.Bits) {
				if got := credential.ValueAt(entries, v.Bits, place); got != v.Nonzero[place] {
					t.Fatalf("entry %d is %d, want %d", place, got, v.Nonzero[place])
				}
			}
			if v.Lst != "" {
				if got := unpack(t, v.Lst, v.Bytes); string(got) != string(entries) {
					t.Errorf("the draft's text reads as %x, not %x", got, entries)
				}
			}
		})
	}
	if len(draft.Lists) != 6 || len(bits) != 4 {
		t.Errorf("%d lists of %d sizes", len(draft.Lists), len(bits))
	}
}

func checkPacked(t *testing.T, entries []byte) {
	t.Helper()
	packed, err := credential.Deflate(entries)
	if err != nil {
		t.Fatal(err)
	}
	back, err := credential.Inflate(packed, len(entries))
	if err != nil || string(back) != string(entries) {
		t.Errorf("packed and unpacked it is something else; %v", err)
	}
}

func unpack(t *testing.T, lst string, size int) []byte {
	t.Helper()
	packed, err := base64.RawURLEncoding.DecodeString(lst)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := credential.Inflate(packed, size)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// The signed example of the draft: its signature is good and its list reads as the draft says. It is not a list of ours.
func TestDraftToken(t *testing.T) {
	t.Parallel()
	draft := readDraft(t)
	var key credential.PublicKey
	if err := json.Unmarshal(draft.Key, &key); err != nil {
		t.Fatal(err)
	}
	typ, payload, err := credential.OpenToken(draft.Token, &key)
	if err != nil || typ != "statuslist+jwt" {
		t.Fatalf("%s, %v", typ, err)
	}
	var claims struct {
		Sub, Iss string
		Exp, Iat int64
		List     struct {
			Bits int
			Lst  string
		} `json:"status_list"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	if claims.Sub != "https://example.com/statuslists/1" || claims.Exp != 2291720170 || claims.Iat != 1686920170 || claims.List.Bits != 1 {
		t.Errorf("%+v", claims)
	}
	entries := unpack(t, claims.List.Lst, 2)
	for place, want := range []uint8{1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1} {
		if got := credential.ValueAt(entries, claims.List.Bits, uint32(place)); got != want {
			t.Errorf("entry %d is %d", place, got)
		}
	}
	spoilt := draft.Token[:len(draft.Token)-10] + "AAAAAAAAAA"
	if _, _, err := credential.OpenToken(spoilt, &key); err == nil {
		t.Error("another signature is accepted")
	}
	if _, err := credential.ParseList(draft.Token, mustSet(t, key)); err == nil {
		t.Error("a list of 16 codes is taken for one of ours")
	}
}
