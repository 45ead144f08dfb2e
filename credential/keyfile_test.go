package credential_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"healthcode/credential"
)

func newKey(tb testing.TB) *credential.Key {
	tb.Helper()
	key, err := credential.NewKey(3, testIssuer, issuedAt)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func TestKeyFileRoundTrip(t *testing.T) {
	t.Parallel()
	for name, passphrase := range map[string]string{"plain": "", "encrypted": "correct horse battery staple"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := newKey(t)
			path := filepath.Join(t.TempDir(), "keys", "signing.key")
			if err := credential.WriteKeyFile(path, key, passphrase); err != nil {
				t.Fatal(err)
			}
			back, err := credential.ReadKeyFile(path, passphrase)
			if err != nil {
				t.Fatal(err)
			}
			issued := mustIssue(t, back, testCode())
			v := credential.Verify(issued.URL, mustSet(t, *key.PublicKey()), issuedAt)
			if !v.Authentic || v.KeyID != "3" || !back.CreatedAt().Equal(key.CreatedAt()) {
				t.Errorf("%+v", v)
			}
			checkPrivate(t, path)
		})
	}
}

// checkPrivate checks the permissions and that nothing else was left behind.
func checkPrivate(t *testing.T, path string) {
	t.Helper()
	for p, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(p)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v, %v", p, info.Mode().Perm(), want, err)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}

func TestEncryptedKeyFileHidesEverything(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signing.key")
	if err := credential.WriteKeyFile(path, newKey(t), "open sesame"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(text, []byte("-----BEGIN AGE ENCRYPTED FILE-----")) || bytes.Contains(text, []byte("PRIVATE")) {
		t.Errorf("%s", text)
	}
	for name, c := range map[string]struct {
		passphrase string
		want       error
	}{
		"wrong":       {"open sesam", credential.ErrWrongPassphrase},
		"none":        {"", credential.ErrPassphraseNeeded},
		"a blank off": {" open sesame", credential.ErrWrongPassphrase},
	} {
		if key, err := credential.ReadKeyFile(path, c.passphrase); !errors.Is(err, c.want) || key != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, at := range map[string]int{"header": 60, "body": len(text) - 60} {
		damaged := bytes.Clone(text)
		damaged[at] ^= 1
		if key, err := credential.ParseKeyFile(damaged, "open sesame"); err == nil || key != nil {
			t.Errorf("damage in the %s: accepted", name)
		}
	}
	if key, err := credential.ParseKeyFile(text[:len(text)/2], "open sesame"); !errors.Is(err, credential.ErrKeyFile) || key != nil {
		t.Errorf("half a file: %v", err)
	}
}

// Other tools must be able to read the key: the lines above the PEM block are passed over.
func TestPlainKeyFileIsPEM(t *testing.T) {
	t.Parallel()
	text, err := newKey(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" || len(rest) > 0 {
		t.Fatalf("%q", text)
	}
	if _, err := x509.ParsePKCS8PrivateKey(block.Bytes); err != nil {
		t.Error(err)
	}
	want := "number: 3\nalgorithm: ES256\nissuer: https://q.example.gov.cn\ncreated: 2026-11-22T02:33:20Z\n-----BEGIN PRIVATE KEY-----\n"
	if !strings.HasPrefix(string(text), want) {
		t.Errorf("%s", text[:len(want)])
	}
}

func TestKeyFileNeverReplacesAnother(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signing.key")
	first := newKey(t)
	if err := credential.WriteKeyFile(path, first, ""); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(path)
	if err := credential.WriteKeyFile(path, newKey(t), ""); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
	after, _ := os.ReadFile(path)
	if !bytes.Equal(before, after) {
		t.Error("the first key is gone")
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

// Where several processes start at once, one of them makes the key and all the others see that it is there.
func TestOneOfManyWritersWins(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signing.key")
	var wait sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		key := newKey(t)
		wait.Go(func() { errs[i] = credential.WriteKeyFile(path, key, "") })
	}
	wait.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, fs.ErrExist) {
			t.Error(err)
		}
	}
	if _, err := credential.ReadKeyFile(path, ""); won != 1 || err != nil {
		t.Errorf("%d writers won, %v", won, err)
	}
}

func TestReserveAndRename(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	temporary, path := filepath.Join(folder, "temporary"), filepath.Join(folder, "key")
	for i, want := range []error{nil, fs.ErrExist} {
		if err := os.WriteFile(temporary, fmt.Appendf(nil, "key %d", i), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := credential.ReserveAndRename(temporary, path); !errors.Is(err, want) {
			t.Errorf("time %d: %v, want %v", i, err, want)
		}
	}
	if text, err := os.ReadFile(path); string(text) != "key 0" || err != nil {
		t.Errorf("%s, %v", text, err)
	}
}

func TestReadKeyFileRefuses(t *testing.T) {
	t.Parallel()
	good, err := newKey(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	swap := func(old, with string) string { return strings.Replace(string(good), old, with, 1) }
	other, _ := newKey(t).Encode()
	block, _ := pem.Decode(good)
	for name, c := range map[string]struct {
		text, passphrase string
		want             error
	}{
		"empty":                   {"", "", credential.ErrKeyFile},
		"a word":                  {"hello", "", credential.ErrKeyFile},
		"cut":                     {string(good[:len(good)-30]), "", credential.ErrKeyFile},
		"lines only":              {string(good[:60]), "", credential.ErrKeyFile},
		"no lines":                {swap("number: 3\nalgorithm: ES256\nissuer: https://q.example.gov.cn\ncreated: 2026-11-22T02:33:20Z\n", ""), "", credential.ErrKeyFile},
		"number 0":                {swap("number: 3", "number: 0"), "", credential.ErrKeyFile},
		"number 256":              {swap("number: 3", "number: 256"), "", credential.ErrKeyFile},
		"unknown algorithm":       {swap("ES256", "ES999"), "", credential.ErrKeyFile},
		"issuer broken":           {swap("https://", "ftp://"), "", credential.ErrKeyFile},
		"created a date":          {swap("2026-11-22T02:33:20Z", "2026-11-22"), "", credential.ErrKeyFile},
		"a line more":             {swap("-----BEGIN", "note: x\n-----BEGIN"), "", credential.ErrKeyFile},
		"lines in another order":  {swap("number: 3\nalgorithm: ES256", "algorithm: ES256\nnumber: 3"), "", credential.ErrKeyFile},
		"two keys":                {string(good) + string(other), "", credential.ErrKeyFile},
		"text after it":           {string(good) + "more", "", credential.ErrKeyFile},
		"a public key":            {strings.ReplaceAll(string(good), "PRIVATE", "PUBLIC"), "", credential.ErrKeyFile},
		"SEC 1 instead of PKCS#8": {swap("BEGIN PRIVATE", "BEGIN EC PRIVATE"), "", credential.ErrKeyFile},
		"PKCS#8 broken":           {string(good[:bytes.Index(good, []byte("-----"))]) + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: block.Bytes[:40]})), "", credential.ErrKeyFile},
		"age, but nothing in it":  {"-----BEGIN AGE ENCRYPTED FILE-----\n-----END AGE ENCRYPTED FILE-----\n", "x", credential.ErrKeyFile},
		"plain with a passphrase": {string(good), "x", credential.ErrNotEncrypted},
		"64 KiB and more":         {string(good) + strings.Repeat("\n", 64<<10), "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "signing.key")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			key, err := credential.ReadKeyFile(path, c.passphrase)
			if err == nil || key != nil || c.want != nil && !errors.Is(err, c.want) {
				t.Fatalf("got %v, %v", key, err)
			}
			if secret := string(good[len(good)-120 : len(good)-60]); strings.Contains(err.Error(), secret) {
				t.Errorf("the error tells the key: %v", err)
			}
		})
	}
}

func TestKeyFileWithLoosePermissionsIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signing.key")
	if err := credential.WriteKeyFile(path, newKey(t), ""); err != nil {
		t.Fatal(err)
	}
	for mode, ok := range map[fs.FileMode]bool{0o600: true, 0o400: true, 0o640: false, 0o604: false, 0o620: false, 0o601: false, 0o777: false} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		key, err := credential.ReadKeyFile(path, "")
		if ok != (err == nil) || ok == (key == nil) {
			t.Errorf("mode %o: %v", mode, err)
		}
		if !ok && (!errors.Is(err, credential.ErrLoosePermission) || !strings.Contains(err.Error(), "chmod 600 "+path)) {
			t.Errorf("mode %o: the error does not say how to mend it: %v", mode, err)
		}
	}
}

func TestKeyFileElsewhere(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if _, err := credential.ReadKeyFile(filepath.Join(folder, "none"), ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := credential.ReadKeyFile(folder, ""); err == nil {
		t.Error("a folder was read")
	}
	blocked := filepath.Join(folder, "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := credential.WriteKeyFile(filepath.Join(blocked, "signing.key"), newKey(t), ""); err == nil {
		t.Error("wrote below a file")
	}
	if err := credential.WriteKeyFile(filepath.Join(folder, "signing.key"), mustKey(t, 1, testIssuer, 1), ""); err == nil {
		t.Error("wrote a key that is not in this process")
	}
}

func TestReadPassphraseFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		mode fs.FileMode
		want string
	}{
		"plain":            {"sesame", 0o600, "sesame"},
		"line break":       {"sesame\n", 0o600, "sesame"},
		"Windows":          {"sesame\r\n", 0o400, "sesame"},
		"blanks stay":      {" se cret \n", 0o600, " se cret "},
		"Chinese":          {"密码\n", 0o600, "密码"},
		"empty":            {"", 0o600, ""},
		"line break alone": {"\n", 0o600, ""},
		"others may read":  {"sesame", 0o644, ""},
		"too large":        {strings.Repeat("x", 5000), 0o600, ""},
	} {
		path := filepath.Join(t.TempDir(), "passphrase")
		if err := os.WriteFile(path, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		got, err := credential.ReadPassphraseFile(path)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: the error tells the passphrase", name)
		}
	}
}

func FuzzParseKeyFile(f *testing.F) {
	good, err := newKey(f).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")))
	f.Add([]byte("-----BEGIN AGE ENCRYPTED FILE-----\n-----END AGE ENCRYPTED FILE-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := credential.ParseKeyFile(text, "")
		if err != nil {
			if key != nil {
				t.Fatal("a key with an error")
			}
			return
		}
		again, err := key.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := credential.ParseKeyFile(again, "")
		if err != nil || back.PublicKey().ID() != key.PublicKey().ID() || back.PublicKey().Issuer != key.PublicKey().Issuer {
			t.Fatalf("%v", err)
		}
	})
}
