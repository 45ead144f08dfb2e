package scoring_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"healthcode/registry"
	"healthcode/scoring"

	"pgregory.net/rapid"
)

// changed parses the default model after a change to its text.
func changed(t *testing.T, from, to string) *scoring.Model {
	t.Helper()
	text := strings.Replace(modelText(t), from, to, 1)
	if text == modelText(t) {
		t.Fatalf("%q is not in the model", from)
	}
	m, err := scoring.ParseModel([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestDiffInWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from, to string
		zh, en   []string
	}{
		"weights": {`400, "quiet_milli": 0, "cap_milli": 0},
    {"dimension": "inspection", "weight_milli": 200`, `450, "quiet_milli": 0, "cap_milli": 0},
    {"dimension": "inspection", "weight_milli": 150`, []string{"监督抽查 权重 40 % → 45 %", "日常检查 权重 20 % → 15 %"}, []string{"spot_check weight 40 % → 45 %", "inspection weight 20 % → 15 %"}},
		"a mass":         {`"severity": "major", "bad_milli": 3000`, `"severity": "major", "bad_milli": 2500`, []string{"证据 监督抽查 不合格 较重 不良证据 3 次检查 → 2.5 次检查"}, []string{"evidence spot_check fail major bad mass 3 checks → 2.5 checks"}},
		"mu":             {`"mu_ppm": 180000`, `"mu_ppm": 175250`, []string{"同行 一般风险 监督抽查 平均损失 18 % → 17.525 %"}, []string{"peers general risk spot_check mean loss 18 % → 17.525 %"}},
		"k":              {`"mu_ppm": 380000, "k_milli": 2000`, `"mu_ppm": 380000, "k_milli": 2750`, []string{"同行 一般风险 质量保证能力 可信度 k 2 次检查 → 2.75 次检查"}, []string{"peers general risk capability k 2 checks → 2.75 checks"}},
		"a cut":          {`"index_from": 8700`, `"index_from": 8850`, []string{"信用等级 AA 级 最低指数 87 分 → 88.5 分"}, []string{"tier AA index from 87 points → 88.5 points"}},
		"a gate":         {`"operator": ">=", "value": 1095`, `"operator": ">=", "value": 730`, []string{"信用等级 AA 级 门槛 距上次较重或严重问题天数 ≥ 值 1095 → 730"}, []string{"tier AA gate days_since_worse_than_minor >= value 1095 → 730"}},
		"a colour":       {`"general": {"AA": "green", "A": "green", "B": "blue"`, `"general": {"AA": "green", "A": "green", "B": "yellow"`, []string{"色级矩阵 一般风险 B 级 蓝 → 黄"}, []string{"colour matrix general risk B blue → yellow"}},
		"a veto":         {`{"colour": "yellow", "fact": "major`, `{"colour": "red", "fact": "major`, []string{"一票否决 较重不合格整改逾期 ≥ 色级 黄 → 红"}, []string{"veto major_failures_overdue >= colour yellow → red"}},
		"a factor":       {`"targeted": 500`, `"targeted": 725`, []string{"系数 目的 专项 50 % → 72.5 %"}, []string{"factor purpose targeted 50 % → 72.5 %"}},
		"the margin":     {`"margin": 100`, `"margin": 150`, []string{"升降 升级余量 1 分 → 1.5 分"}, []string{"movement margin 1 points → 1.5 points"}},
		"the window":     {`"window_days": 1095`, `"window_days": 730`, []string{"计算期 1095 天 → 730 天"}, []string{"window 1095 days → 730 days"}},
		"an item":        {`"traceability", "capability_assessment"`, `"capability_assessment"`, []string{"能力项目 质量追溯 列入 → 无"}, []string{"capability item traceability listed → none"}},
		"items in order": {`"qms", "traceability"`, `"traceability", "qms"`, []string{"能力项目 顺序 qms, traceability, capability_assessment, self_inspection → traceability, qms, capability_assessment, self_inspection"}, []string{"order of capability item: qms, traceability, capability_assessment, self_inspection → traceability, qms, capability_assessment, self_inspection"}},
		"the version":    {`"version": 1`, `"version": 7`, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var zh, en []string
			for _, change := range scoring.Diff(scoring.DefaultModel(), changed(t, c.from, c.to)) {
				zh, en = append(zh, change.ZhCN), append(en, change.En)
			}
			if !slices.Equal(zh, c.zh) || !slices.Equal(en, c.en) {
				t.Errorf("got\n%q\n%q", zh, en)
			}
		})
	}
}

// place is where a number or a text stands in decoded JSON.
type place []any

// places lists every number and text of a decoded model but the version.
func places(value any, at place) (all []place) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			if len(at) > 0 || key != "version" {
				all = append(all, places(inner, append(slices.Clone(at), key))...)
			}
		}
	case []any:
		for i, inner := range v {
			all = append(all, places(inner, append(slices.Clone(at), i))...)
		}
	default:
		return []place{at}
	}
	slices.SortFunc(all, func(a, b place) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return all
}

// replace puts a changed value at a place.
func replace(value any, at place, change func(any) any) any {
	if len(at) == 0 {
		return change(value)
	}
	switch v := value.(type) {
	case map[string]any:
		v[at[0].(string)] = replace(v[at[0].(string)], at[1:], change)
	case []any:
		v[at[0].(int)] = replace(v[at[0].(int)], at[1:], change)
	}
	return value
}

func decoded(t interface{ Fatal(...any) }, m *scoring.Model) any {
	var value any
	if err := json.Unmarshal(m.JSON(), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// Whatever single number is changed, the difference has a line for it, in words of its own and with the values; whatever text is changed,
// it has at least a line. Models that are not valid cannot be stored, so only valid ones count.
func TestDiffMissesNothing(t *testing.T) {
	t.Parallel()
	base, tried := scoring.DefaultModel(), 0
	for _, at := range places(decoded(t, base), nil) {
		for _, change := range []func(any) any{
			func(v any) any { return step(v, 1) }, func(v any) any { return step(v, -1) }, otherWord,
		} {
			value := replace(decoded(t, base), at, change)
			text, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			m, err := scoring.ParseModel(text)
			if err != nil {
				continue
			}
			tried++
			if lines := scoring.Diff(base, m); (len(lines) == 0) != sameBody(t, base, m) {
				t.Errorf("%v: %d lines", at, len(lines))
			}
		}
	}
	if tried < 150 {
		t.Errorf("only %d changes gave a valid model", tried)
	}
}

func step(v any, by float64) any {
	if n, ok := v.(float64); ok {
		return n + by
	}
	return v
}

func otherWord(v any) any {
	switch v {
	case "green", "yellow", "red":
		return "blue"
	case "minor":
		return "major"
	case ">=":
		return ">"
	case "qms":
		return "haccp"
	case "default":
		return "other"
	}
	return v
}

// sameBody reports whether two models have the same JSON but for the version.
func sameBody(t interface{ Fatal(...any) }, a, b *scoring.Model) bool {
	same, err := b.Renumbered(a.Version)
	if err != nil {
		t.Fatal(err)
	}
	other, err := a.Renumbered(a.Version)
	if err != nil {
		t.Fatal(err)
	}
	return same.Digest() == other.Digest()
}

// Two models are the same if and only if their difference is empty, and the difference turned around has as many lines.
func TestDiffIsEmptyOnlyForEqualModels(t *testing.T) {
	t.Parallel()
	base := scoring.DefaultModel()
	spots := places(decoded(t, base), nil)
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) *scoring.Model {
			value := decoded(t, base)
			for range rapid.IntRange(0, 3).Draw(t, label) {
				at := rapid.SampledFrom(spots).Draw(t, "place")
				by := float64(rapid.IntRange(-2, 2).Draw(t, "by"))
				value = replace(value, at, func(v any) any { return step(v, by) })
			}
			text, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			m, err := scoring.ParseModel(text)
			if err != nil {
				return base // what is not valid cannot be stored
			}
			return m
		}
		a, b := draw("first"), draw("second")
		there, back := scoring.Diff(a, b), scoring.Diff(b, a)
		if (len(there) == 0) != sameBody(t, a, b) || len(there) != len(back) {
			t.Errorf("%d lines there, %d back, equal: %t", len(there), len(back), sameBody(t, a, b))
		}
	})
}

// Every part of every path of the default model has a Chinese word.
func TestDiffHasAWordForEverything(t *testing.T) {
	t.Parallel()
	empty, err := scoring.ParseModel([]byte(modelText(t)))
	if err != nil {
		t.Fatal(err)
	}
	empty.Code, empty.Title, empty.Evidence, empty.Items, empty.Weights, empty.Tiers, empty.Vetoes = "", nil, nil, nil, nil, nil, nil
	empty.Matrix, empty.Visit, empty.Factors, empty.Peers, empty.Levels = scoring.Matrix{}, scoring.Visit{}, scoring.Factors{}, scoring.Peers{}, scoring.Levels{}
	empty.Window, empty.HalfLife, empty.Movement = 0, 0, scoring.Movement{}
	empty.RegionColour, empty.ProductRisk = scoring.RegionRules{}, scoring.ProductModel{}
	lines := scoring.Diff(empty, scoring.DefaultModel())
	if len(lines) < 150 {
		t.Errorf("%d lines", len(lines))
	}
	for _, line := range lines {
		if strings.HasPrefix(line.Path, "title/") || line.Path == "code" {
			continue
		}
		name, _, _ := strings.Cut(line.ZhCN, " → ")
		for word := range strings.FieldsSeq(name) {
			if strings.Contains(word, "_") || len(word) > 3 && !strings.ContainsFunc(word, func(r rune) bool { return r >= unicode.MaxLatin1 || unicode.IsDigit(r) }) {
				t.Errorf("%s: no word for %q in %q", line.Path, word, line.ZhCN)
			}
		}
	}
	for kind, rule := range registry.Kinds {
		for _, outcome := range rule.Outcomes {
			if !scoring.HasTerm(string(kind)) || !scoring.HasTerm(outcome) {
				t.Errorf("no word for %s %s", kind, outcome)
			}
		}
	}
}
