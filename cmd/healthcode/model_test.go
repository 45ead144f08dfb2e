package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"healthcode/api"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/scoring"
)

// TestALifeOfAModelFromTheCommandLine goes from calibration over preview and approval to activation and back.
func TestALifeOfAModelFromTheCommandLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(words ...string) []string { return append(words, "--dir", dir) }
	mustCall(t, in("demo", "--once", "--enterprises", "300", "--seed", "7")...)
	today := registry.DayOf(time.Now())
	draft := filepath.Join(t.TempDir(), "draft.json")
	report := parse[calibrationReport](t, mustCall(t, in("calibrate", "--cuts", "--out", draft, "--json", "--replicates", "20")...).out)
	again := parse[calibrationReport](t, mustCall(t, in("calibrate", "--cuts", "--json", "--replicates", "20", "--known-at", report.KnownAt.Format(time.RFC3339Nano))...).out)
	if len(report.Estimates) != 15 || report.Cuts == nil || report.Enterprises != 300 || string(report.Draft) != string(again.Draft) {
		t.Fatalf("%+v", report)
	}
	checked := parse[struct {
		OK     bool
		Digest string
	}](t, mustCall(t, "model", "check", draft, "--json").out)
	added := parse[api.ModelItem](t, mustCall(t, in("model", "add", draft, "--author", "Li Hua", "--reason", "peers", "--json")...).out)
	if !checked.OK || added.Digest != checked.Digest || added.State != schema.ModelDraft || added.Version != 2 {
		t.Errorf("%+v %+v", checked, added)
	}
	if diff := parse[api.ModelDiff](t, mustCall(t, in("model", "diff", "--version", "2", "--json")...).out); len(diff.Changes) < 10 {
		t.Errorf("%+v", diff)
	}
	proposed := parse[simulationReport](t, mustCall(t, in("model", "propose", "--version", "2", "--author", "Li Hua", "--reason", "peers", "--effective-on", today.String(), "--json")...).out)
	if proposed.State != schema.ModelProposed || proposed.Simulation.Enterprises != 300 || proposed.Simulation.Moved == 0 {
		t.Errorf("%+v", proposed)
	}
	if r := call(t, in("model", "approve", "--version", "2", "--approver", "LI HUA")...); r.code != exitRefused || !strings.Contains(r.err, "may not approve") {
		t.Errorf("the author approves: %d %s", r.code, r.err)
	}
	mustCall(t, in("model", "reject", "--version", "2", "--approver", "Zhao Min", "--reason", "let enterprises see it first")...)
	mustCall(t, in("model", "propose", "--version", "2", "--author", "Li Hua", "--reason", "peers", "--effective-on", (today+9).String(), "--preview-until", (today+3).String())...)
	previewByCommand(t, dir)
	if r := call(t, in("model", "approve", "--version", "2", "--approver", "Zhao Min")...); r.code != exitRefused || !strings.Contains(r.err, "until") {
		t.Errorf("approval during the preview: %d %s", r.code, r.err)
	}
	mustCall(t, in("model", "reject", "--version", "2", "--approver", "Zhao Min", "--reason", "no comments of weight")...)
	for _, words := range [][]string{
		{"propose", "--version", "2", "--author", "Li Hua", "--reason", "peers", "--effective-on", today.String()},
		{"approve", "--version", "2", "--approver", "Zhao Min"}, {"activate", "--version", "2", "--approver", "Zhao Min"},
	} {
		mustCall(t, in(append([]string{"model"}, words...)...)...)
	}
	if run := parse[runReport](t, mustCall(t, in("recompute", "--changed", "--json")...).out); run.Assessed != 300 || run.Model != "default/2" {
		t.Errorf("%+v", run)
	}
	rollBackByCommand(t, dir)
}

func previewByCommand(t *testing.T, dir string) {
	t.Helper()
	line, _, _ := strings.Cut(mustCall(t, "export", "assessments", "--dir", dir).out, "\n")
	who := string(parse[assessmentLine](t, line).USCC)
	answer := parse[api.PreviewAnswer](t, mustCall(t, "model", "preview", who, "--version", "2", "--json", "--dir", dir).out)
	if string(answer.USCC) != who || answer.Before.Model.Version != 1 || answer.After.Model.Version != 2 || len(answer.Changes) < 10 {
		t.Errorf("%+v", answer)
	}
	mustCall(t, "model", "comment", who, "--version", "2", "--text", "看不懂", "--dir", dir)
	detail := parse[api.ModelDetail](t, mustCall(t, "model", "show", "--version", "2", "--json", "--dir", dir).out)
	if len(detail.Comments) != 1 || string(detail.Comments[0].USCC) != who || len(detail.Simulations) != 2 || len(detail.Events) != 4 {
		t.Errorf("%+v", detail)
	}
	if text := mustCall(t, "model", "show", "--version", "2", "--dir", dir).out; !strings.Contains(text, "看不懂") || !strings.Contains(text, "let enterprises see it first") {
		t.Errorf("%s", text)
	}
}

func rollBackByCommand(t *testing.T, dir string) {
	t.Helper()
	back := parse[simulationReport](t, mustCall(t, "model", "rollback", "--to", "1", "--author", "Li Hua", "--reason", "an error", "--json", "--dir", dir).out)
	if back.Version != 3 || back.State != schema.ModelProposed {
		t.Errorf("%+v", back)
	}
	mustCall(t, "model", "approve", "--version", "3", "--approver", "Zhao Min", "--dir", dir)
	mustCall(t, "model", "activate", "--version", "3", "--approver", "Zhao Min", "--dir", dir)
	items := parse[[]api.ModelItem](t, mustCall(t, "model", "list", "--json", "--dir", dir).out)
	if len(items) != 3 || items[0].State != schema.ModelRetired || items[1].State != schema.ModelRetired || items[2].State != schema.ModelActive {
		t.Errorf("%+v", items)
	}
	if table := mustCall(t, "model", "list", "--dir", dir).out; !strings.Contains(table, "default/3  active") {
		t.Errorf("%s", table)
	}
}

func TestModelCheckNamesEveryProblem(t *testing.T) {
	t.Parallel()
	text := strings.Replace(string(scoring.DefaultModel().JSON()), `"weight_milli":400`, `"weight_milli":-1`, 1)
	bad := write(t, "bad.json", text)
	r := call(t, "model", "check", bad, "--json")
	report := parse[struct {
		OK       bool
		Problems registry.Problems
	}](t, r.out)
	if r.code != exitRefused || report.OK || len(report.Problems) != 2 || report.Problems[0].Field != "dimensions[0].weight_milli" || !strings.Contains(r.err, "dimensions[0].weight_milli: -1 is out of range") {
		t.Errorf("%d %s %s", r.code, r.out, r.err)
	}
	if r := call(t, "model", "check", filepath.Join(t.TempDir(), "absent.json")); r.code != exitRefused {
		t.Errorf("no file: %d %s", r.code, r.err)
	}
	if _, err := os.Stat(bad); err != nil || !json.Valid([]byte(text)) {
		t.Error("the file is broken in another way than meant")
	}
}

func TestModelCommandsRefuseWrongWords(t *testing.T) {
	t.Parallel()
	for name, words := range map[string][]string{
		"no version":            {"model", "approve", "--approver", "Zhao Min"},
		"no approver":           {"model", "approve", "--version", "2"},
		"no author":             {"model", "add", "x.json", "--reason", "y"},
		"a date that is none":   {"model", "propose", "--version", "2", "--author", "a", "--effective-on", "tomorrow"},
		"rollback to nothing":   {"model", "rollback", "--author", "a"},
		"shares that are none":  {"calibrate", "--shares", "AA=5"},
		"a version out of hand": {"model", "diff", "--version", "70000"},
		"an unknown command":    {"model", "erase"},
		"preview of nobody":     {"model", "preview", "123", "--version", "2"},
	} {
		if r := call(t, words...); r.code != exitUsage || !strings.Contains(r.err, "--help") {
			t.Errorf("%s: %d %s", name, r.code, r.err)
		}
	}
}
