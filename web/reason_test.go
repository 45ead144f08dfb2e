package web

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"healthcode/registry"
	"healthcode/scoring"
)

var places = regexp.MustCompile(`\{[a-z_]+\}`)

// Every reason, every piece of advice and every action has its words, and both languages fill the same places.
func TestEveryReasonAndActionHasWords(t *testing.T) {
	t.Parallel()
	var keys []string
	for _, code := range scoring.ReasonCodes() {
		keys = append(keys, "reason."+string(code))
	}
	for _, code := range scoring.ActionCodes() {
		keys = append(keys, "advice."+string(code))
		if code != scoring.ActionWait {
			keys = append(keys, "path."+string(code))
		}
	}
	for _, key := range keys {
		if _, ok := reasonWords[key]; !ok {
			t.Errorf("no words for %s", key)
		}
	}
	for key, phrase := range reasonWords {
		zh, en := places.FindAllString(phrase.ZhCN, -1), places.FindAllString(phrase.En, -1)
		slices.Sort(zh)
		slices.Sort(en)
		if !slices.Equal(zh, en) {
			t.Errorf("%s: %v and %v", key, zh, en)
		}
	}
}

// Whatever a reason says, no place is left open.
func TestEveryPlaceIsFilled(t *testing.T) {
	t.Parallel()
	for _, language := range Languages() {
		teller := Teller{Lang: language}
		for _, code := range scoring.ReasonCodes() {
			r := fullReason(code)
			if text := teller.Reason(&r); places.MatchString(text) || strings.Contains(text, "%!") {
				t.Errorf("%s: %s", code, text)
			}
		}
		for _, code := range scoring.ActionCodes() {
			l := scoring.Lift{Actions: []scoring.Action{{Code: code, Subject: "qms", Kind: registry.KindLicence}}, Tier: registry.TierA, Colour: registry.ColourGreen}
			if text := teller.Lift(&l, 1); places.MatchString(text) {
				t.Errorf("%s: %s", code, text)
			}
		}
	}
}

func fullReason(code scoring.ReasonCode) scoring.Reason {
	return scoring.Reason{Code: code, Points: -312, Gate: &scoring.GateResult{Tier: registry.TierAA}, Items: []string{"qms", "traceability"}, Checks: 1_990_000,
		Needed: 2_000_000, Kind: registry.KindSpotCheck, Outcome: "fail", Severity: registry.SeverityMajor, OccurredOn: registry.MustDay("2026-02-03"),
		DaysSince: 292, RectifyBy: registry.MustDay("2026-04-01"), ProductCode: "P01", Subject: "L-1", Count: 3, CountedWith: 2,
		EndsOn: registry.MustDay("2029-01-01"), Rising: &scoring.Rising{Tier: registry.TierA, Colour: registry.ColourGreen, Since: registry.MustDay("2026-11-12"), Movement: scoring.Movement{Cycle: 30, Margin: 100}}, Findings: scoring.FindingCounts{Minor: 2, Major: 1}}
}

func TestReasonSentences(t *testing.T) {
	t.Parallel()
	veto := fullReason(scoring.ReasonCriticalOpen)
	veto.Gate, veto.EndsOn, veto.Veto, veto.Count, veto.CountedWith = nil, 0, registry.ColourRed, 1, 1
	veto.Rising = nil
	short := fullReason(scoring.ReasonTooLittleEvidence)
	short.Gate, short.Count, short.CountedWith, short.Points = nil, 0, 0, 0
	short.Rising = nil
	findings := fullReason(scoring.ReasonFindings)
	findings.Gate, findings.CountedWith = nil, 0
	findings.Rising = nil
	items := fullReason(scoring.ReasonItemsNotHeld)
	items.EndsOn, items.CountedWith, items.Points = 0, 0, 0
	items.Rising = nil
	rising := fullReason(scoring.ReasonRising)
	rising.Gate, rising.Count, rising.CountedWith, rising.Points = nil, 0, 0, 0
	opening := fullReason(scoring.ReasonWorseThanMinor)
	opening.Rising = nil
	for name, c := range map[string]struct {
		reason scoring.Reason
		zh, en string
	}{
		"veto": {veto, "2026年2月3日 监督抽查严重不合格（电线电缆），已过 292 天，整改复查尚未合格，一票否决为红码，同案另有 1 条记录并入计算，影响 −3.12 分。",
			"The spot check of 3 Feb 2026 (电线电缆) failed critically; 292 days later its re-inspection has not passed, which forces red; 1 more of the same case counted with it: −3.12 points."},
		"too little evidence is never rounded up": {short, "证据不够：按时间折算的检查为 1.9 次，需要 2.0 次，信用等级只能是“证据不足”。",
			"Too little evidence: checks on record come to 1.9 (older ones count less), 2.0 are needed, so the tier is NEW."},
		"findings": {findings, "检查发现问题：3 次检查，较重 1 项、轻微 2 项，最近一次是 2026年2月3日，影响 −3.12 分。",
			"Inspections with findings: 3 (1 major, 2 minor), the latest of 3 Feb 2026: −3.12 points."},
		"gate": {items, "尚未具备的能力项目：质量管理体系、追溯体系，指数虽够，仍不能评为 AA 级。",
			"Capability items not held: quality management system, traceability, so the tier is not AA although the index is high enough."},
		"rising": {rising, "证据应得 A 级、绿码，高于公布等级：须高出分数线 1.00 分并保持 30 天，每次升一步；自 2026年11月12日 起已在保持，最早 2029年1月1日 上升。",
			"The evidence earns A, green, more than is published: it must be 1.00 points above the cut for 30 days, and each rise is one step; it has been so since 12 Nov 2026, the first rise is on 1 Jan 2029."},
		"gate that opens": {opening, "2026年2月3日 的监督抽查（较重，电线电缆）比轻微更重，另有 2 条同类记录，指数虽够，2029年1月1日 之前仍不能评为 AA 级，同案另有 2 条记录并入计算，影响 −3.12 分。",
			"Spot check (major, 电线电缆) of 3 Feb 2026 was worse than minor, and 2 more like it, so the tier is not AA before 1 Jan 2029 although the index is high enough; 2 more of the same case counted with it: −3.12 points."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for language, want := range map[Language]string{Chinese: c.zh, English: c.en} {
				if got := (Teller{language, map[string]string{"P01": "电线电缆"}}).Reason(&c.reason); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			}
		})
	}
}

func TestPathSentences(t *testing.T) {
	t.Parallel()
	check := scoring.Action{Code: scoring.ActionPassCheck, Kind: registry.KindSpotCheck}
	rectify := scoring.Action{Code: scoring.ActionRectify, Kind: registry.KindSpotCheck, Severity: registry.SeverityCritical, OccurredOn: registry.MustDay("2026-02-03"), ProductCode: "P01"}
	step := &scoring.Step{On: registry.MustDay("2027-03-14"), Tier: registry.TierA, Colour: registry.ColourGreen}
	fall := &scoring.Step{On: registry.MustDay("2027-01-01"), Tier: registry.TierNew, Colour: registry.ColourBlue}
	for name, c := range map[string]struct {
		x    scoring.Explanation
		want string
	}{
		"published at once": {scoring.Explanation{AsOf: step.On, PathUp: scoring.Path{Actions: []scoring.Lift{{Actions: []scoring.Action{rectify}, Index: 8231, Tier: registry.TierA, Colour: registry.ColourGreen, Published: step}}}},
			"If the spot check (critical, P01) of 3 Feb 2026 passes its re-inspection: A, green on the same day (index 82.31).|Time alone does not lift it."},
		"published later": {scoring.Explanation{PathUp: scoring.Path{Actions: []scoring.Lift{{Actions: []scoring.Action{rectify}, Index: 9231, Tier: registry.TierAA, Colour: registry.ColourGreen, Published: step}}}},
			"If the spot check (critical, P01) of 3 Feb 2026 passes its re-inspection: the evidence earns AA, green on the same day (index 92.31); if that holds, A, green is published from 14 Mar 2027.|Time alone does not lift it."},
		"two checks": {scoring.Explanation{PathUp: scoring.Path{Time: step, Actions: []scoring.Lift{{Actions: []scoring.Action{check, check}, Index: 8231, Tier: registry.TierA, Colour: registry.ColourGreen}}}},
			"If two more spot checks are passed: the evidence earns A, green on the same day (index 82.31); the published grade does not follow yet.|Without new bad records, time alone brings A, green on 14 Mar 2027."},
		"time after a fall": {scoring.Explanation{PathUp: scoring.Path{Time: step, Before: fall}},
			"No single action and no pair of them lifts what the evidence earns: it takes more.|Without new bad records, time alone brings A, green on 14 Mar 2027.|Before that, on 1 Jan 2027, it becomes NEW, blue."},
		"the best": {scoring.Explanation{EarnedTier: registry.TierAA, PathUp: scoring.Path{Before: fall}},
			"The evidence earns the best grade that products of this risk can have.|Without new records it becomes NEW, blue on 1 Jan 2027."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := Teller{Lang: English}.Words(&c.x)
			if got := strings.Join(append(w.Actions, w.Time...), "|"); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
