package credential_test

import (
	"encoding/json"
	"testing"
	"time"

	"healthcode/credential"
)

const rootSeed = 9

func mustRoot(tb testing.TB) (*credential.Key, *credential.Root) {
	tb.Helper()
	key := mustKey(tb, 200, testIssuer, rootSeed)
	root, err := credential.RootOf(key.PublicKey())
	if err != nil {
		tb.Fatal(err)
	}
	return key, root
}

func TestBundleRoundTrip(t *testing.T) {
	t.Parallel()
	key := mustKey(t, 1, testIssuer, 1)
	rootKey, root := mustRoot(t)
	text, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	pinned, err := credential.ParseRoot(text)
	if err != nil {
		t.Fatal(err)
	}
	keySet, err := credential.SignKeySet(rootKey, mustSet(t, *key.PublicKey()), issuedAt, credential.KeySetLifetime)
	if err != nil {
		t.Fatal(err)
	}
	lists := []string{
		mustList(t, key, credential.ListStatus, 1, issuedAt, func(e []byte) { credential.PutStatus(e, 5, credential.StatusSuspended) }),
		mustList(t, key, credential.ListGrade, 1, issuedAt, func(e []byte) { e[5] = 0x12 }),
	}
	for name, signer := range map[string]*credential.Key{"active key": key, "root": rootKey} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := credential.SignBundle(signer, keySet, lists, issuedAt.Add(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			bundle, err := credential.ParseBundle(data, pinned)
			if err != nil {
				t.Fatal(err)
			}
			if len(bundle.Lists) != 2 || bundle.Lists[0].Status(5) != credential.StatusSuspended || !bundle.ExpiresAt.Equal(issuedAt.Add(credential.ListLifetime)) {
				t.Errorf("%+v", bundle)
			}
		})
	}
}
