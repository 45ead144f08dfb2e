package credential_test

import (
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/registry"

	"pgregory.net/rapid"
)

// mustList signs a list with every entry 0 but those given.
func mustList(tb testing.TB, key credential.Signer, kind credential.ListKind, number uint32, at time.Time, fill func(entries []byte)) string {
	tb.Helper()
	entries := make([]byte, kind.Bytes())
	if fill != nil {
		fill(entries)
	}
	token, err := credential.SignList(key, kind, number, entries, at)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

// Every entry of a list reads as it was written, whatever the others are.
func TestListRoundTrip(t *testing.T) {
	t.Parallel()
	key := mustKey(t, 1, testIssuer, 1)
	set := mustSet(t, *key.PublicKey())
	rapid.Check(t, func(rt *rapid.T) {
		r := newDice(rapid.Uint64().Draw(rt, "seed"))
		used := rapid.IntRange(0, credential.ListSize).Draw(rt, "used")
		statuses, grades := make([]byte, credential.ListStatus.Bytes()), make([]byte, credential.ListGrade.Bytes())
		for i := range used {
			credential.PutStatus(statuses, uint32(i), credential.Status(r.IntN(4)))
			grades[i] = credential.GradeByte(registry.Colour(r.IntN(5)), registry.Tier(r.IntN(5)))
		}
		number := rapid.Uint32Range(0, credential.MaxListNumber).Draw(rt, "number")
		status, grade := mustParse(t, key, set, credential.ListStatus, number, statuses), mustParse(t, key, set, credential.ListGrade, number, grades)
		for i := range uint32(credential.ListSize) {
			if got := byte(status.Status(i)); got != statuses[i/4]>>(i%4*2)&3 {
				t.Fatalf("status %d is %d", i, got)
			}
			tier, colour, ok := grade.Grade(i)
			if ok != (grades[i] != 0) || ok && grades[i] != byte(colour)<<4|byte(tier) {
				t.Fatalf("grade %d is %v %v %v, written %#x", i, tier, colour, ok, grades[i])
			}
		}
	})
}

func mustParse(tb testing.TB, key *credential.Key, set *credential.KeySet, kind credential.ListKind, number uint32, entries []byte) *credential.List {
	tb.Helper()
	token, err := credential.SignList(key, kind, number, entries, issuedAt)
	if err != nil {
		tb.Fatal(err)
	}
	list, err := credential.ParseList(token, set)
	if err != nil {
		tb.Fatal(err)
	}
	if list.Kind != kind || list.Number != number || list.Issuer != testIssuer || list.KeyID != "1" || !list.IssuedAt.Equal(issuedAt) ||
		!list.ExpiresAt.Equal(issuedAt.Add(credential.ListLifetime)) || list.TTL != credential.ListTTL {
		tb.Fatalf("%+v", list)
	}
	return list
}
