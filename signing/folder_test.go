package signing_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"healthcode/credential"
	"healthcode/signing"
)

func TestAFolderMakesAKeyOnce(t *testing.T) {
	t.Parallel()
	folder := signing.Folder{Path: filepath.Join(t.TempDir(), "keys")}
	first, made, err := folder.Make(2, credential.EdDSA, issuer, now)
	if err != nil || !made {
		t.Fatalf("%v, %v", made, err)
	}
	again, made, err := folder.Make(2, credential.EdDSA, issuer, now)
	if err != nil || made {
		t.Fatalf("again: %v, %v", made, err)
	}
	a, _ := first.PublicKey().Thumbprint()
	if b, _ := again.PublicKey().Thumbprint(); a != b {
		t.Error("another key the second time")
	}
	for name, c := range map[string]struct {
		alg    credential.Algorithm
		issuer string
	}{"another algorithm": {credential.ES256, issuer}, "another issuer": {credential.EdDSA, "https://zj.cn"}} {
		if key, _, err := folder.Make(2, c.alg, c.issuer, now); !errors.Is(err, signing.ErrOtherKey) || key != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	signer, err := folder.Open(t.Context(), *first.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := credential.Issue(signer, code(now)); err != nil {
		t.Error(err)
	}
	if err := folder.Discard(2); err != nil {
		t.Error(err)
	}
	if _, err := folder.Open(t.Context(), *first.PublicKey()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a discarded key: %v", err)
	}
}

func TestAFolderKnowsWhereAKeyIs(t *testing.T) {
	t.Parallel()
	folder := signing.Folder{Path: filepath.Join(t.TempDir(), "keys")}
	key, path := keyOf(t, credential.ES256, 7), socket(t)
	start(t, path, key)
	here := signing.Location{Driver: signing.DriverUnix, Path: path}
	for range 2 {
		if err := folder.Point(7, here); err != nil {
			t.Fatal(err)
		}
	}
	if err := folder.Point(7, signing.Location{Driver: signing.DriverUnix, Path: path + "x"}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("another place: %v", err)
	}
	signer, err := folder.Open(t.Context(), *key.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := credential.Issue(signer, code(now)); err != nil {
		t.Error(err)
	}
	if err := signer.Close(); err != nil {
		t.Error(err)
	}
	other := *keyOf(t, credential.ES256, 7).PublicKey()
	if _, err := folder.Open(t.Context(), other); !errors.Is(err, signing.ErrOtherKey) {
		t.Errorf("another key than the registered one: %v", err)
	}
	if err := os.WriteFile(filepath.Join(folder.Path, "signing-8.uri"), []byte("https://example.cn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := folder.Open(t.Context(), *keyOf(t, credential.ES256, 8).PublicKey()); !errors.Is(err, signing.ErrLocation) {
		t.Errorf("nonsense for a location: %v", err)
	}
}
