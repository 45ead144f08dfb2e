package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"healthcode/scoring"
)

func TestBacktestOfAnInventedCity(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustCall(t, "demo", "--once", "--enterprises", "400", "--seed", "7", "--today", "2026-11-22", "--dir", dir)
	page := filepath.Join(t.TempDir(), "report.html")
	flags := []string{"backtest", "--from", "2025-02-01", "--to", "2025-11-01", "--horizon", "365d", "--label", "any-bad", "--without", "complaint", "--bootstrap", "30", "--dir", dir}
	first := mustCall(t, append(flags, "--json", "--html", page)...)
	r := parse[scoring.BacktestResult](t, first.out)
	if r.Observations < 500 || len(r.Naive) != 3 || len(r.Without) != 1 || len(r.Months) != 10 || r.Suspicious {
		t.Errorf("%d observations, %d naive, %d without, %d months, suspicious %t", r.Observations, len(r.Naive), len(r.Without), len(r.Months), r.Suspicious)
	}
	if a := r.Index.AUC; a.Value < 0.6 || a.Low > a.Value || a.High < a.Value {
		t.Errorf("the city's enterprises differ, and yet AUC is %+v", a)
	}
	if again := mustCall(t, append(flags, "--json")...); again.out != first.out {
		t.Error("the same back-test gave another result")
	}
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "评分模型回溯检验") {
		t.Errorf("the report: %v", err)
	}
	calibrated := filepath.Join(t.TempDir(), "calibrated.html")
	own := parse[scoring.BacktestResult](t, mustCall(t, append(flags, "--json", "--calibrate", "cuts", "--html", calibrated, "--lang", "en")...).out)
	if own.Protocol.CalibratedOn.String() != "2025-01-31" || own.Model.Digest == r.Model.Digest || own.Observations != r.Observations {
		t.Errorf("%+v", own.Protocol)
	}
	if text, err := os.ReadFile(calibrated); err != nil || !strings.Contains(string(text), "peers were estimated from what was known on 31 Jan 2025") {
		t.Errorf("the report of a calibrated model does not say so: %v", err)
	}
	rows := filepath.Join(t.TempDir(), "rows.csv")
	mustCall(t, append(flags, "--json", "--observations", rows)...)
	if text, err := os.ReadFile(rows); err != nil || strings.Count(string(text), "\n") != r.Observations+1 || strings.Count(string(text), ",true,") != r.Failures {
		t.Errorf("%d rows, %v; want a head and %d", strings.Count(string(text), "\n"), err, r.Observations)
	}
	if r := mustCall(t, append(flags, "--step", "quarter")...); !strings.Contains(r.out, "without complaint") || !strings.Contains(r.out, "last_result") {
		t.Errorf("for people: %s", r.out)
	}
}

// History loaded in one go was not known before: nothing can be tested unless that is asked for.
func TestBacktestOfLoadedHistory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	firms := write(t, "firms.csv", "uscc,name,region_code,registered_on\n91350100M000100Y43,嘉禾电器,330402,2015-03-01\n")
	checks := write(t, "checks.csv", "uscc,source,source_ref,kind,outcome,severity,occurred_on\n"+
		"91350100M000100Y43,bureau,SC-1,spot_check,pass,,2024-01-10\n91350100M000100Y43,bureau,SC-2,spot_check,fail,major,2024-06-10\n"+
		"91350100M000100Y43,bureau,SC-3,spot_check,pass,,2025-01-10\n")
	mustCall(t, "import", "enterprises", firms, "--dir", dir)
	mustCall(t, "import", "records", checks, "--dir", dir)
	flags := []string{"backtest", "--from", "2024-02-01", "--horizon", "next", "--dir", dir, "--json"}
	if r := call(t, flags...); r.code != exitRefused || !strings.Contains(r.err, "--known-as-occurred") {
		t.Errorf("%d: %s", r.code, r.err)
	}
	r := parse[scoring.BacktestResult](t, mustCall(t, append(flags, "--known-as-occurred")...).out)
	if r.Observations != 2 || r.Failures != 1 {
		t.Errorf("%d observations, %d failures", r.Observations, r.Failures)
	}
}
