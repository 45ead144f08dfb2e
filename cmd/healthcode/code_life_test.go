package main

import (
	"fmt"
	"strings"
	"testing"

	"healthcode/api"
	"healthcode/schema"
)

func TestCodeLifeCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustCall(t, "demo", "--once", "--enterprises", "40", "--seed", "5", "--today", "2026-11-22", "--json", "--dir", dir)
	firm := anyFirm(t, dir)
	do := func(step string, idx uint32, more ...string) result {
		return call(t, append([]string{"code", step, fmt.Sprint(idx), "--by", "Li Hua", "--reason", "sign lost", "--json", "--dir", dir}, more...)...)
	}
	lines := func() []api.CodeItem {
		var all []api.CodeItem
		for line := range strings.Lines(mustCall(t, "code", "list", firm, "--json", "--dir", dir).out) {
			all = append(all, parse[api.CodeItem](t, line))
		}
		return all
	}
	first := lines()[0]
	for _, c := range []struct {
		step string
		more []string
		exit int
		want schema.CodeStatus
	}{
		{"suspend", nil, exitDone, schema.CodeSuspended}, {"suspend", nil, exitRefused, schema.CodeSuspended}, {"renew", nil, exitRefused, schema.CodeSuspended},
		{"resume", nil, exitDone, schema.CodeValid}, {"renew", nil, exitDone, schema.CodeValid}, {"supersede", nil, exitUsage, schema.CodeValid},
		{"supersede", []string{"--yes"}, exitDone, schema.CodeSuperseded}, {"revoke", []string{"--yes"}, exitRefused, schema.CodeSuperseded},
	} {
		r := do(c.step, first.Index, c.more...)
		if r.code != c.exit {
			t.Fatalf("%s %v: exit code %d: %s", c.step, c.more, r.code, r.err)
		}
		if got := parse[api.CodeDetail](t, mustCall(t, "code", "show", fmt.Sprint(first.Index), "--json", "--dir", dir).out); got.Status != c.want {
			t.Errorf("after %s it is %s", c.step, got.Status)
		}
	}
	if all := lines(); len(all) != 3 || all[0].Status != schema.CodeValid || all[1].Status != schema.CodeValid || all[2].Index != first.Index {
		t.Errorf("renewed and superseded: %+v", all)
	}
	text := mustCall(t, "code", "show", fmt.Sprint(first.Index), "--dir", dir).out
	for _, want := range []string{"superseded", "suspend by Li Hua: sign lost", "renew by Li Hua"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	if table := mustCall(t, "code", "list", firm, "--dir", dir).out; strings.Count(table, "\n") != 4 {
		t.Errorf("table %s", table)
	}
	revoked := lines()[0].Index
	if r := do("revoke", revoked, "--yes"); r.code != exitDone {
		t.Errorf("revoke: %s", r.err)
	}
	if r := mustCall(t, "code", "issue", "--all", "--json", "--dir", dir); !strings.Contains(r.out, `"issued":0`) {
		t.Errorf("a revocation was undone by itself: %s", r.out)
	}
	for name, c := range map[string]struct {
		arguments []string
		exit      int
		want      string
	}{
		"no index":    {[]string{"code", "show", "x"}, exitUsage, "no place in the lists"},
		"too large":   {[]string{"code", "show", "4294967296"}, exitUsage, "no place in the lists"},
		"of nobody":   {[]string{"code", "show", "4294967295"}, exitRefused, "not found"},
		"no person":   {[]string{"code", "suspend", "1", "--reason", "x"}, exitUsage, "--by and --reason"},
		"no reason":   {[]string{"code", "suspend", "1", "--by", "x", "--reason", " "}, exitUsage, "--by and --reason"},
		"no yes":      {[]string{"code", "revoke", "1", "--by", "x", "--reason", "y"}, exitUsage, "--yes"},
		"list of no":  {[]string{"code", "list", "91350100M000100Y43"}, exitRefused, "not found"},
		"bad areas":   {[]string{"serve", "--scan-areas", "64"}, exitUsage, "--scan-areas"},
		"bad network": {[]string{"serve", "--webhook-allow", "10.0.0.1/8"}, exitUsage, "--webhook-allow"},
	} {
		r := call(t, append(c.arguments, "--dir", dir)...)
		if r.code != c.exit || !strings.Contains(r.err, c.want) {
			t.Errorf("%s: exit code %d, %s", name, r.code, r.err)
		}
	}
}
