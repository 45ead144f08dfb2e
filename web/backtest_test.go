package web

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"healthcode/registry"
	"healthcode/scoring"
)

func someBacktest() *scoring.BacktestResult {
	ahead, auc := scoring.Interval{Value: -0.012, Low: -0.02, High: 0.001}, 0.7
	s := scoring.Separation{Name: "index", AUC: scoring.Interval{Value: 0.751, Low: 0.73, High: 0.77}}
	last := scoring.Separation{Name: "last_result", AUC: scoring.Interval{Value: 0.668, Low: 0.65, High: 0.69}, Ahead: &ahead}
	without := scoring.Separation{Name: "complaint", AUC: s.AUC, Ahead: &ahead}
	groups := func(names ...string) (list []scoring.Group) {
		for i, name := range names {
			list = append(list, scoring.Group{Name: name, N: 40 * i, Failures: 10 * i, Rate: 0.25, Low: 0.2, High: 0.3, MeanIndex: 7300, AUC: &auc, Few: i == 0})
		}
		return list
	}
	r := &scoring.BacktestResult{Model: scoring.ModelName{Code: "default", Version: 1, Digest: strings.Repeat("ab", 32)}, Replicates: 200,
		Protocol:     scoring.Protocol{From: registry.MustDay("2018-01-01"), To: registry.MustDay("2019-05-31"), Label: scoring.LabelMajor, Purpose: "random", KnownAsOccurred: true},
		Observations: 3459, Failures: 1625, Enterprises: 1768, Index: s, Naive: []scoring.Separation{last}, Without: []scoring.Separation{without},
		ROC: [][2]float64{{0, 0}, {0.2, 0.6}, {1, 1}}, Colours: groups("green", "blue", "yellow", "red"), Tiers: groups("AA", "A", "B", "C", "NEW"),
		Distribution: groups("0", "2", "4"), Sizes: groups("small", ""), Areas: groups("330402"), Masked: 3, Suspicious: true,
		Months:   []scoring.Month{{Month: "2018-01", N: 10, Failures: 3, Colours: []int{1, 2, 3, 4}, PSI: 0.0634}},
		Bunching: []scoring.Bunching{{By: "all", Cut: 8000, Below: 10, Above: 40, Z: 4.2, Suspicious: true}, {By: "inspector", Name: "<b>0123456789", Cut: 8000, Below: 10, Above: 12}}}
	for i, g := range groups("1", "2", "3") {
		r.Deciles = append(r.Deciles, scoring.Decile{From: int32(i), To: int32(i + 1), Group: g})
	}
	return r
}

func report(t *testing.T, language Language, r *scoring.BacktestResult) string {
	t.Helper()
	var page strings.Builder
	if err := WriteBacktest(&page, language, r); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

func TestBacktestReportShowsItsNumbers(t *testing.T) {
	t.Parallel()
	for language, words := range map[Language][]string{
		Chinese: {"评分模型回溯检验", "0.751", "绿码只有 0 个观测", "高得不可信", "有 3 次整改日期", "随机检查", "不含投诉举报的指数", "2018-01", "0.063", "&lt;b&gt;01234"},
		English: {"Back-test of the scoring model", "0.668", "Green has 0 observations", "too good to be true", "random checks", "Index without complaints", "−0.012", "80.00", "3,459"},
	} {
		page := report(t, language, someBacktest())
		for _, want := range words {
			if !strings.Contains(page, want) {
				t.Errorf("%s: %q is missing", language, want)
			}
		}
	}
}

// The report can be sent by mail and opened years later: nothing in it points elsewhere, and nothing runs.
func TestBacktestReportNeedsNothingElse(t *testing.T) {
	t.Parallel()
	page := report(t, English, someBacktest())
	if found := regexp.MustCompile(`(?i)(src|href|action)\s*=|url\(|@import|<script|https?:`).FindString(page); found != "" {
		t.Errorf("the report holds %q", found)
	}
	decoder := xml.NewDecoder(strings.NewReader(page))
	decoder.Strict, decoder.AutoClose, decoder.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("an element is not closed: %v", err)
		}
	}
}

func TestAxisFitsTheRates(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		group scoring.Group
		want  float64
	}{
		"low":                      {scoring.Group{Rate: 0.02, High: 0.09}, 0.1},
		"its interval counts":      {scoring.Group{Rate: 0.02, High: 0.11}, 0.2},
		"middle":                   {scoring.Group{Rate: 0.2, High: 0.5}, 0.5},
		"high":                     {scoring.Group{Rate: 0.6, High: 0.7}, 1},
		"of few only the rate":     {scoring.Group{Rate: 0.1, High: 0.9, Few: true}, 0.1},
		"nobody fails among a few": {scoring.Group{Few: true, High: 1}, 0.1},
	} {
		if got := axisTop([]scoring.Group{c.group}); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestBacktestReportOfEmptyGroups(t *testing.T) {
	t.Parallel()
	r := someBacktest()
	r.Bunching, r.Distribution, r.Deciles, r.ROC, r.Colours[3].Low, r.Colours[3].High = nil, nil, nil, nil, 0.2, 1
	page := report(t, English, r)
	if !strings.Contains(page, "There is nothing to compare") || strings.Contains(page, "NaN") || strings.Contains(page, "Inf") {
		t.Error("empty tables are not said to be empty")
	}
}
