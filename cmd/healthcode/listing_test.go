package main

import (
	"strings"
	"testing"

	"healthcode/jobs"
	"healthcode/supervision"
)

func TestListingsOfTheDemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustCall(t, "demo", "--once", "--enterprises", "400", "--seed", "7", "--dir", dir)
	states := map[supervision.ListingState][]listingLine{}
	for _, list := range supervision.Lists {
		for line := range strings.Lines(mustCall(t, "listing", "list", list, "--dir", dir, "--json").out) {
			l := parse[listingLine](t, line)
			states[l.State] = append(states[l.State], l)
		}
	}
	for _, state := range []supervision.ListingState{supervision.StateListed, supervision.StateSuspended, supervision.StateApplied, supervision.StateNoticed} {
		if len(states[state]) == 0 {
			t.Errorf("nobody is %s", state)
		}
	}
	suspended := states[supervision.StateSuspended][0]
	shown := parse[listingShown](t, mustCall(t, "listing", "show", suspended.List, string(suspended.USCC), "--dir", dir, "--json").out)
	if last := shown.History[len(shown.History)-1]; last.Author != "system" || len(last.Missed) == 0 || len(shown.Missed) == 0 {
		t.Errorf("%+v", shown)
	}
	if r := mustCall(t, "listing", "show", suspended.List, string(suspended.USCC), "--dir", dir); !strings.Contains(r.out, "suspend") {
		t.Errorf("%s", r.out)
	}
	if c := parse[listingChecked](t, mustCall(t, "listing", "check", string(suspended.USCC), "--dir", dir, "--json").out); c.Eligible || len(c.Criteria) != len(supervision.Criterions) {
		t.Errorf("%+v", c)
	}
	if done := parse[jobs.ListingsDone](t, mustCall(t, "listing", "check", "--dir", dir, "--json").out); len(done.Steps) != 0 {
		t.Errorf("the demo leaves steps to take: %+v", done)
	}
	before := mustCall(t, "listing", "list", "trusted_merchant", "--dir", dir).out
	mustCall(t, "demo", "--once", "--dir", dir)
	if again := mustCall(t, "listing", "list", "trusted_merchant", "--dir", dir).out; again != before {
		t.Errorf("a demo that is opened again lists others:\n%s\n%s", before, again)
	}
	checkCriteriaCommand(t, dir)
}

func checkCriteriaCommand(t *testing.T, dir string) {
	t.Helper()
	next := write(t, "v2.json", `{"list":"trusted_merchant","version":2,"valid_from":"2199-01-01","basis":"stricter","asked":{"tier_at_least":"AA","held_days":3650}}`)
	change := parse[criteriaChange](t, mustCall(t, "listing", "criteria", "trusted_merchant", next, "--dir", dir, "--json").out)
	if change.Stored || change.Entries == 0 || len(change.Suspended) == 0 {
		t.Errorf("%+v", change)
	}
	if r := mustCall(t, "listing", "criteria", "trusted_merchant", "--dir", dir); strings.Count(r.out, "\n") != 1 {
		t.Errorf("a look was stored: %s", r.out)
	}
	mustCall(t, "listing", "criteria", "trusted_merchant", next, "--store", "--reason", "as decided", "--dir", dir)
	if r := mustCall(t, "listing", "criteria", "trusted_merchant", "--dir", dir); strings.Count(r.out, "\n") != 2 || !strings.Contains(r.out, "as decided") {
		t.Errorf("%s", r.out)
	}
	for name, c := range map[string]struct {
		arguments []string
		code      int
	}{
		"no such list":         {[]string{"list", "friends"}, exitUsage},
		"no such state":        {[]string{"list", "trusted_merchant", "--state", "friends"}, exitUsage},
		"no such division":     {[]string{"list", "trusted_merchant", "--region", "x"}, exitUsage},
		"no list":              {[]string{"list"}, exitUsage},
		"never on it":          {[]string{"show", "serious_violation", "91350100M000100Y43"}, exitRefused},
		"no code":              {[]string{"check", "x"}, exitUsage},
		"no such file":         {[]string{"criteria", "trusted_merchant", "missing.json"}, exitRefused},
		"the same version":     {[]string{"criteria", "trusted_merchant", next, "--store", "--reason", "again"}, exitRefused},
		"stored for no reason": {[]string{"criteria", "trusted_merchant", next, "--store"}, exitUsage},
		"another list's":       {[]string{"criteria", "serious_violation", next}, exitRefused},
		"no criteria":          {[]string{"criteria", "trusted_merchant", write(t, "bad.json", "{}")}, exitRefused},
	} {
		if r := call(t, append(append([]string{"listing"}, c.arguments...), "--dir", dir)...); r.code != c.code || r.err == "" {
			t.Errorf("%s: %d %s", name, r.code, r.err)
		}
	}
}
