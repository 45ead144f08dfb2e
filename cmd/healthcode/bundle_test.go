package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"healthcode/credential"
	"healthcode/schema"
)

// withoutRoot is a city that is no demo any more: nobody signs for it by itself.
func withoutRoot(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	mustCall(t, "migrate", "--dir", dir)
	mustCall(t, "code", "issue", "--all", "--dir", dir)
	return dir
}

func readBundle(t *testing.T, path, root string) *credential.Bundle {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pinned, err := credential.ParseRoot([]byte(root))
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := credential.ParseBundle(data, pinned)
	if err != nil {
		t.Fatal(err)
	}
	return bundle
}

func TestADemoHasABundleAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustCall(t, "demo", "--once", "--enterprises", "50", "--dir", dir)
	root := parse[struct {
		JWK         json.RawMessage `json:"jwk"`
		Differences []string        `json:"differences"`
	}](t, mustCall(t, "keys", "root", "show", "--dir", dir, "--json").out)
	out := filepath.Join(t.TempDir(), "bundle.json")
	report := parse[bundleReport](t, mustCall(t, "bundle", "--out", out, "--dir", dir, "--json").out)
	bundle := readBundle(t, out, string(root.JWK))
	if len(root.Differences) != 0 || report.Codes != 50 || report.Lists != 2 || len(bundle.Lists) != 2 || !report.ExpiresAt.Equal(bundle.ExpiresAt) || report.Gzip >= report.Bytes {
		t.Errorf("root %+v, report %+v", root, report)
	}
	byRoot := filepath.Join(t.TempDir(), "bundle.json")
	mustCall(t, "bundle", "--out", byRoot, "--root", filepath.Join(dir, "keys", "root.key"), "--dir", dir)
	readBundle(t, byRoot, string(root.JWK))
}

// The ceremony: a key on one machine, a key set to it and back.
func TestRootCeremony(t *testing.T) {
	t.Parallel()
	dir, offline := withoutRoot(t), t.TempDir()
	in := func(name string) string { return filepath.Join(offline, name) }
	refused := func(name string, r result, want string) {
		t.Helper()
		if r.code != exitRefused || !strings.Contains(r.err, want) {
			t.Errorf("%s: exit code %d: %s", name, r.code, r.err)
		}
	}
	bundle := in("bundle.json")
	refused("no root yet", call(t, "bundle", "--out", bundle, "--dir", dir), "healthcode keys root new")
	refused("nothing to show", call(t, "keys", "root", "show", "--dir", dir), "healthcode keys root new")

	passphrase := write(t, "passphrase", "correct horse\n")
	root := mustCall(t, "keys", "root", "new", "--issuer", defaultIssuer, "--out", in("root.key"), "--passphrase-file", passphrase).out
	refused("the file is there", call(t, "keys", "root", "new", "--issuer", defaultIssuer, "--out", in("root.key")), "exists")
	if strings.Contains(root, `"d"`) || !strings.Contains(root, `"kid"`) {
		t.Errorf("printed: %s", root)
	}
	public, jwks := write(t, "root.json", root), write(t, "jwks.json", mustCall(t, "keys", "jwks", "--dir", dir).out)
	refused("without the passphrase", call(t, "keys", "root", "sign", "--root", in("root.key"), "--jwks", jwks), "passphrase")
	signed := mustCall(t, "keys", "root", "sign", "--root", in("root.key"), "--jwks", jwks, "--days", "30", "--passphrase-file", passphrase)
	if strings.Count(signed.err, "signed: key 1") != 1 {
		t.Errorf("what is signed is not shown: %s", signed.err)
	}
	token := write(t, "key-set.jwt", signed.out)

	refused("no root is pinned", call(t, "keys", "root", "add", token, "--dir", dir), "--public")
	refused("changed on the way", call(t, "keys", "root", "add", write(t, "bad", strings.Replace(signed.out, ".", ".A", 1)), "--public", public, "--dir", dir), "key set")
	report := parse[struct {
		Thumbprint  string   `json:"thumbprint"`
		Differences []string `json:"differences"`
	}](t, mustCall(t, "keys", "root", "add", token, "--public", public, "--dir", dir, "--json").out)
	if report.Thumbprint == "" || !strings.Contains(root, report.Thumbprint) || len(report.Differences) != 0 {
		t.Errorf("%+v", report)
	}
	mustCall(t, "keys", "root", "add", token, "--dir", dir) // the same again changes nothing
	mustCall(t, "bundle", "--out", bundle, "--dir", dir)
	readBundle(t, bundle, root)

	other := mustCall(t, "keys", "root", "new", "--issuer", defaultIssuer, "--out", in("other.key")).out
	forged := mustCall(t, "keys", "root", "sign", "--root", in("other.key"), "--jwks", jwks).out
	refused("another root", call(t, "keys", "root", "add", write(t, "forged.jwt", forged), "--dir", dir), "root")
	refused("another root, shown", call(t, "keys", "root", "add", write(t, "forged.jwt", forged), "--public", write(t, "other.json", other), "--dir", dir), "--replace")
	elsewhere := withoutRoot(t)
	refused("keys of another city", call(t, "keys", "root", "add", token, "--public", public, "--dir", elsewhere), "not ours")
}

func TestRootCommandsSayWhatIsMissing(t *testing.T) {
	t.Parallel()
	for name, arguments := range map[string][]string{
		"no file for the key":  {"keys", "root", "new", "--issuer", defaultIssuer},
		"no issuer":            {"keys", "root", "new", "--out", "x"},
		"no root to sign with": {"keys", "root", "sign", "--jwks", "x"},
		"no days":              {"keys", "root", "sign", "--root", "x", "--jwks", "x", "--days", "0"},
		"nothing to add":       {"keys", "root", "add"},
		"replace by nothing":   {"keys", "root", "add", "x", "--replace"},
		"no file to write":     {"bundle"},
		"no history":           {"serve", "--list-history", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r := call(t, arguments...); r.code != exitUsage {
				t.Errorf("exit code %d: %s", r.code, r.err)
			}
		})
	}
}

// From the register to a verifier without a network: a code is current until a new bundle says otherwise.
func TestABundleTellsWhatHappenedToACode(t *testing.T) {
	t.Parallel()
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "bundle.json")
	mustCall(t, "demo", "--once", "--enterprises", "20", "--dir", dir)
	root := parse[struct {
		JWK json.RawMessage `json:"jwk"`
	}](t, mustCall(t, "keys", "root", "show", "--dir", dir, "--json").out)
	pinned := write(t, "root.json", string(root.JWK))
	code := parse[issuedCode](t, mustCall(t, "code", "issue", anyFirm(t, dir), "--json", "--dir", dir).out)
	type verdict struct {
		Authentic bool   `json:"authentic"`
		Current   string `json:"current"`
		Reason    string `json:"reason"`
		Grade     *struct {
			Colour string `json:"colour"`
		} `json:"grade"`
	}
	look := func() verdict {
		t.Helper()
		mustCall(t, "bundle", "--out", out, "--dir", dir)
		return parse[verdict](t, call(t, "code", "verify", code.Text, "--bundle", out, "--root", pinned, "--json").out)
	}
	if v := look(); !v.Authentic || v.Current != "yes" || v.Grade == nil {
		t.Errorf("a new code: %+v", v)
	}
	db, err := schema.Open(t.Context(), schema.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ChangeCode(t.Context(), code.Index, schema.StepRevoke, "Li Hua", "the sign was stolen")
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if v := look(); v.Authentic || v.Current != "no" || v.Reason != "revoked" || v.Grade != nil {
		t.Errorf("a revoked code: %+v", v)
	}
}

// anyFirm returns the code of some enterprise.
func anyFirm(t *testing.T, dir string) string {
	t.Helper()
	line, _, _ := strings.Cut(mustCall(t, "export", "enterprises", "--dir", dir).out, "\n")
	return parse[struct {
		USCC string `json:"uscc"`
	}](t, line).USCC
}
