package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"healthcode/schema/pgtest"
	"healthcode/scoring"
)

// otherModel writes the default model with other weights into a file.
func otherModel(t *testing.T) string {
	t.Helper()
	text := strings.Replace(string(scoring.DefaultModel().JSON()), `"weight_milli":400`, `"weight_milli":100`, 1)
	return write(t, "model.json", strings.Replace(text, `"complaint","weight_milli":100`, `"complaint","weight_milli":400`, 1))
}

func TestSimulate(t *testing.T) {
	t.Parallel()
	demo := []string{"demo", "--once", "--enterprises", "150", "--seed", "7", "--today", "2026-11-22"}
	simulate := []string{"simulate", "--model", otherModel(t), "--as-of", "2026-11-22", "--movers", "3"}
	file := []string{"--dir", t.TempDir()}
	server := []string{"--database", pgtest.EmptyURL(t), "--dir", t.TempDir()}
	mustCall(t, append(demo, file...)...)
	mustCall(t, append(demo, server...)...)

	s := parse[scoring.Simulation](t, mustCall(t, append(append(simulate, "--json"), file...)...).out)
	if s.Enterprises != 150 || len(s.Moves.Items) != 3 || s.Moves.Items[0].Name == "" || s.After.Digest == s.Before.Digest {
		t.Errorf("%+v", s)
	}
	explained := parse[scoring.Explanation](t, mustCall(t, append([]string{"explain", string(s.Moves.Items[0].USCC), "--as-of", "2026-11-22", "--json"}, file...)...).out)
	if explained.Index != s.Moves.Items[0].IndexBefore {
		t.Errorf("index %d before, explained as %d", s.Moves.Items[0].IndexBefore, explained.Index)
	}
	there := parse[scoring.Simulation](t, mustCall(t, append(append(simulate, "--json"), server...)...).out)
	there.KnownAt, s.KnownAt = s.KnownAt, there.KnownAt
	if there.Colours.PSI != s.Colours.PSI || there.Moves.Items[0] != s.Moves.Items[0] || there.MeanAfter != s.MeanAfter {
		t.Errorf("PostgreSQL %+v, SQLite %+v", there, s)
	}
	table := mustCall(t, append(simulate, file...)...).out
	for _, part := range []string{"150 enterprises as of 2026-11-22", "PSI ", "What the evidence earns", "What would be published on that day", "county", "industry", "size", "risk", s.Moves.Items[0].Name} {
		if !strings.Contains(table, part) {
			t.Errorf("no %q in:\n%s", part, table)
		}
	}
}

func TestSimulatePagesThoseWhoMove(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustCall(t, "demo", "--once", "--enterprises", "60", "--seed", "7", "--today", "2026-11-22", "--dir", dir)
	moves := func(more ...string) scoring.Moves {
		arguments := []string{"simulate", "--model", otherModel(t), "--as-of", "2026-11-22", "--dir", dir, "--json"}
		return parse[scoring.Simulation](t, mustCall(t, append(arguments, more...)...).out).Moves
	}
	all := moves("--movers", "60", "--sort", "change")
	page := moves("--movers", "5", "--skip", "5", "--sort", "change")
	if all.Total < 10 || page.Total != all.Total || len(page.Items) != 5 || !slices.Equal(page.Items, all.Items[5:10]) {
		t.Errorf("%d of %d, the page has %+v", len(all.Items), all.Total, page.Items)
	}
	if !slices.IsSortedFunc(all.Items, func(a, b scoring.Move) int { return int(a.Change - b.Change) }) {
		t.Errorf("not by change: %+v", all.Items)
	}
	for _, m := range moves("--movers", "60", "--direction", "up").Items {
		if m.Change <= 0 {
			t.Errorf("%+v does not rise", m)
		}
	}
}

// A simulation that is interrupted ends at once and says so.
func TestSimulateStopsWhenAsked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustCall(t, "demo", "--once", "--enterprises", "5", "--dir", dir)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out, errs bytes.Buffer
	if code := run(ctx, []string{"simulate", "--dir", dir, "--model", otherModel(t)}, &out, &errs); code != exitRefused || out.Len() > 0 {
		t.Errorf("exit code %d: %s%s", code, &out, &errs)
	}
}

func TestSimulateRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustCall(t, "demo", "--once", "--enterprises", "5", "--dir", dir)
	good, err := os.ReadFile(otherModel(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		arguments []string
		code      int
		says      string
	}{
		"no model":         {nil, exitUsage, "--model is missing"},
		"a word too many":  {[]string{"model.json"}, exitUsage, "one word too many"},
		"a bad day":        {[]string{"--model", "x", "--as-of", "tomorrow"}, exitUsage, "YYYY-MM-DD"},
		"movers below 0":   {[]string{"--model", "x", "--movers", "-1"}, exitUsage, "below 0"},
		"skip below 0":     {[]string{"--model", "x", "--skip", "-1"}, exitUsage, "below 0"},
		"another order":    {[]string{"--model", "x", "--sort", "name"}, exitUsage, "--sort"},
		"no direction":     {[]string{"--model", "x", "--direction", "left"}, exitUsage, "--direction"},
		"no file":          {[]string{"--model", filepath.Join(dir, "none.json")}, exitRefused, "none.json"},
		"no model in it":   {[]string{"--model", write(t, "list.json", "[]")}, exitRefused, "not a scoring model"},
		"weights add up":   {[]string{"--model", write(t, "m.json", strings.Replace(string(good), `"weight_milli":100`, `"weight_milli":99`, 1))}, exitRefused, "dimensions: the weights add up to 999"},
		"another database": {[]string{"--model", otherModel(t), "--dir", filepath.Join(dir, "none")}, exitRefused, "migrate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := call(t, append([]string{"simulate", "--dir", dir}, c.arguments...)...)
			if r.code != c.code || !strings.Contains(r.err, c.says) {
				t.Errorf("exit code %d: %s", r.code, r.err)
			}
		})
	}
}
