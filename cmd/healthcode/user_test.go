package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"healthcode/api"
)

func TestUsers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good, simple := write(t, "good.txt", "four plain words here\n"), write(t, "simple.txt", "aaaaaaaaaaaaaaa\n")
	user := func(arguments ...string) result {
		return call(t, append(append([]string{"user"}, arguments...), "--dir", dir)...)
	}
	added := user("add", "Zhang.Min", "--role", "admin", "--role", "reader:330402", "--password-file", good, "--json")
	if item := parse[api.AccountItem](t, added.out); added.code != exitDone || item.Login != "zhang.min" || len(item.Roles) != 2 {
		t.Fatalf("%+v", added)
	}
	for name, c := range map[string]struct {
		arguments []string
		code      int
		say       string
	}{
		"taken":                   {[]string{"add", "zhang.min", "--role", "reader", "--password-file", good}, exitRefused, "taken"},
		"a simple password":       {[]string{"add", "wu", "--role", "reader", "--password-file", simple}, exitRefused, "simple.txt"},
		"no such file":            {[]string{"add", "wu", "--role", "reader", "--password-file", "/nowhere"}, exitRefused, "no such file"},
		"an unknown role":         {[]string{"add", "wu", "--role", "boss"}, exitUsage, "boss"},
		"no right":                {[]string{"add", "wu"}, exitUsage, "exactly one"},
		"a name that is none":     {[]string{"add", "吴", "--role", "reader"}, exitUsage, "login name"},
		"an enterprise too short": {[]string{"add", "wu", "--enterprise", "9135"}, exitUsage, "18 characters"},
		"rights of nobody":        {[]string{"rights", "wu", "--role", "reader"}, exitRefused, "no account"},
		"another kind":            {[]string{"rights", "zhang.min", "--enterprise", "91350100M000100Y43"}, exitRefused, "stays what it is"},
		"no new password":         {[]string{"password", "zhang.min"}, exitUsage, "--password-file"},
		"linked to nothing":       {[]string{"link", "zhang.min"}, exitUsage, "--issuer"},
	} {
		if r := user(c.arguments...); r.code != c.code || !strings.Contains(r.err, c.say) {
			t.Errorf("%s: %d %s", name, r.code, r.err)
		}
	}
	if r := user("rights", "zhang.min", "--role", "auditor", "--json"); !strings.Contains(r.out, `"roles":["auditor"]`) {
		t.Errorf("%+v", r)
	}
	for _, arguments := range [][]string{{"password", "zhang.min", "--password-file", good}, {"totp-reset", "zhang.min"}, {"link", "zhang.min", "--issuer", "https://id.example", "--subject", "1"}, {"disable", "zhang.min"}} {
		if r := user(arguments...); r.code != exitDone || !strings.Contains(r.out, "zhang.min") {
			t.Errorf("%v: %+v", arguments, r)
		}
	}
	if r := user("list"); !strings.Contains(r.out, "zhang.min (staff): auditor, disabled") {
		t.Errorf("%+v", r)
	}
}

func TestPartners(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	partner := func(arguments ...string) result {
		return call(t, append(append([]string{"partner"}, arguments...), "--dir", dir)...)
	}
	if r := partner("add", "某银行", "--purpose", "finance", "--address", "192.0.2.0/24", "--json"); !strings.Contains(r.out, `"purposes":["finance"]`) {
		t.Fatalf("%+v", r)
	}
	made := partner("key", "new", "某银行", "--scope", "verify")
	text := strings.TrimSpace(made.out)
	if made.code != exitDone || !strings.HasPrefix(text, "hck_") {
		t.Fatalf("%+v", made)
	}
	prefix := text[4:14]
	next := parse[api.PartnerKeyItem](t, partner("key", "rotate", prefix, "--overlap", "1h", "--json").out)
	if listed := partner("key", "list", "某银行").out; strings.Count(listed, "\n") != 2 || strings.Contains(listed, text) || next.Key == "" || strings.Contains(listed, next.Key) {
		t.Errorf("%s", listed)
	}
	if r := partner("key", "revoke", next.Prefix); r.code != exitDone || !strings.Contains(r.out, "revoked") {
		t.Errorf("%+v", r)
	}
	for name, c := range map[string]struct {
		arguments []string
		code      int
		say       string
	}{
		"taken":              {[]string{"add", "某银行"}, exitRefused, "taken"},
		"an unknown purpose": {[]string{"add", "x", "--purpose", "gossip"}, exitUsage, "purposes"},
		"no network":         {[]string{"add", "x", "--address", "10.0.0.1"}, exitUsage, "network"},
		"no scope":           {[]string{"key", "new", "某银行"}, exitUsage, "scopes"},
		"nobody's key":       {[]string{"key", "new", "x", "--scope", "verify"}, exitRefused, "no partner"},
		"revoked twice":      {[]string{"key", "revoke", next.Prefix}, exitRefused, "not found"},
		"a long overlap":     {[]string{"key", "rotate", prefix, "--overlap", "9999h"}, exitUsage, "--overlap"},
	} {
		if r := partner(c.arguments...); r.code != c.code || !strings.Contains(r.err, c.say) {
			t.Errorf("%s: %d %s", name, r.code, r.err)
		}
	}
	if r := partner("disable", "某银行"); r.code != exitDone || !strings.Contains(r.out, "disabled") {
		t.Errorf("%+v", r)
	}
}

// Other machines come by HTTPS, and only when there is somebody to sign in as.
func TestServeBeyondThisMachineIsGuarded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, c := range map[string]struct {
		arguments []string
		code      int
		say       string
	}{
		"in the clear":        {[]string{"--listen", "0.0.0.0:0"}, exitRefused, "no account"},
		"half a certificate":  {[]string{"--tls-cert", "x.pem"}, exitUsage, "--tls-key"},
		"no such certificate": {[]string{"--tls-cert", "x.pem", "--tls-key", "y.pem"}, exitRefused, "x.pem"},
		"behind nobody":       {[]string{"--behind-proxy"}, exitUsage, "--trusted-proxy"},
		"a proxy too early":   {[]string{"--behind-proxy", "--trusted-proxy", "127.0.0.1"}, exitRefused, "no account"},
		"a proxy and our own": {[]string{"--behind-proxy", "--trusted-proxy", "127.0.0.1", "--tls-cert", "x", "--tls-key", "y"}, exitUsage, "--tls-cert"},
	} {
		if r := call(t, append(append([]string{"serve"}, c.arguments...), "--dir", dir)...); r.code != c.code || !strings.Contains(r.err, c.say) {
			t.Errorf("%s: %d %s", name, r.code, r.err)
		}
	}
	mustCall(t, "user", "add", "root", "--role", "admin", "--dir", dir)
	if r := call(t, "serve", "--listen", "0.0.0.0:0", "--dir", dir); r.code != exitRefused || !strings.Contains(r.err, "in the clear") {
		t.Errorf("%+v", r)
	}
	info, err := os.Stat(filepath.Join(dir, "keys", "account.key"))
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != 32 {
		t.Errorf("%v, %v", info, err)
	}
}

// A demo has an account of every role and a partner whose key works; building it again adds nothing.
func TestDemoHasPeople(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	flags := []string{"demo", "--once", "--enterprises", "20", "--today", "2026-11-22", "--dir", dir}
	mustCall(t, flags...)
	mustCall(t, flags...)
	users := mustCall(t, "user", "list", "--json", "--dir", dir).out
	if n := strings.Count(users, "\n"); n != 12 || strings.Count(users, `"kind":"staff"`) != 10 {
		t.Errorf("%d people: %s", n, users)
	}
	key, err := os.ReadFile(filepath.Join(dir, "demo-partner.key"))
	if err != nil || !strings.HasPrefix(string(key), "hck_") {
		t.Errorf("%q, %v", key, err)
	}
	if listed := mustCall(t, "partner", "key", "list", demoPartner, "--dir", dir).out; !strings.Contains(listed, string(key[4:14])) {
		t.Errorf("%s", listed)
	}
}

func TestOIDCFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(text string) string {
		path := filepath.Join(dir, "oidc.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := os.WriteFile(filepath.Join(dir, "secret.txt"), []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if none, err := readOIDC(""); none != nil || err != nil {
		t.Errorf("%v, %v", none, err)
	}
	const rest = `"client_id":"web","secret_file":"secret.txt","redirect_url":"https://q.example/login/oidc/callback"}`
	if _, err := readOIDC(file(`{"issuer":"https://id.example",` + rest)); err != nil {
		t.Error(err)
	}
	for name, text := range map[string]string{
		"in the clear": `{"issuer":"http://id.example",` + rest, "a member too many": `{"secret":"x",` + rest, "no JSON": `issuer: x`,
		"no secret": `{"issuer":"https://id.example","client_id":"web","secret_file":"none.txt","redirect_url":"https://q.example/x"}`,
	} {
		if _, err := readOIDC(file(text)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
