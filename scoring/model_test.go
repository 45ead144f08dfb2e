package scoring_test

import (
	"bytes"
	"errors"
	"math/big"
	"os"
	"strings"
	"testing"

	"healthcode/registry"
	"healthcode/scoring"
)

func modelText(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("model-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestParseModelNamesEveryProblemAtItsPath(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ from, to, path string }{
		"weights do not add up":           {`"weight_milli": 400`, `"weight_milli": 401`, "dimensions"},
		"negative weight":                 {`"weight_milli": 400`, `"weight_milli": -1`, "dimensions[0].weight_milli"},
		"window too long":                 {`"window_days": 1095`, `"window_days": 5000`, "window_days"},
		"no half-life":                    {`"half_life_days": 548`, `"half_life_days": 0`, "half_life_days"},
		"severity upside down":            {`"severity": "critical", "bad_milli": 10000`, `"severity": "critical", "bad_milli": 100`, "evidence[3]"},
		"unknown kind":                    {`"kind": "award"`, `"kind": "gossip"`, "evidence[24].kind"},
		"unknown outcome":                 {`"outcome": "kept"`, `"outcome": "forgotten"`, "evidence[22].outcome"},
		"mu above one":                    {`"mu_ppm": 180000`, `"mu_ppm": 1000001`, "peers.groups.general.spot_check.mu_ppm"},
		"k zero":                          {`"k_milli": 2000`, `"k_milli": 0`, "peers.groups.general.capability.k_milli"},
		"cuts out of order":               {`"index_from": 8000`, `"index_from": 8800`, "tiers[1].index_from"},
		"unknown operator":                {`"operator": "="`, `"operator": "~"`, "tiers[0].gates[1].operator"},
		"no colour":                       {`"general": {"AA": "green"`, `"general": {"AA": ""`, "matrix.general.AA"},
		"a green veto":                    {`{"colour": "yellow", "fact"`, `{"colour": "green", "fact"`, "vetoes[4].colour"},
		"quiet time of spot checks":       {`"weight_milli": 400, "quiet_milli": 0`, `"weight_milli": 400, "quiet_milli": 9`, "dimensions[0].quiet_milli"},
		"worse visits weigh less":         {`"minor": 125, "major": 375`, `"minor": 125, "major": 100`, "visit.bad_milli.major"},
		"unlike words about an item":      {`"outcome": "late", "counts_as": "minor", "bad_milli": 1000`, `"outcome": "late", "counts_as": "minor", "bad_milli": 500`, "evidence[20]"},
		"evidence levels not rising":      {`"fair": 2000`, `"fair": 100`, "evidence_levels_milli"},
		"factor above one":                {`"targeted": 500`, `"targeted": 7000`, "factors_milli.purpose.targeted"},
		"bad mass without a severity":     {`"outcome": "ordered", "counts_as": "major"`, `"outcome": "ordered"`, "evidence[11].counts_as"},
		"a region better for being worse": {`"colour": "red", "of": ["red"]`, `"colour": "green", "of": ["red"]`, "region_colour.rules[0].colour"},
		"a region worse for being better": {`"colour": "green", "of": ["green"]`, `"colour": "red", "of": ["green"]`, "region_colour.rules[3].colour"},
		"colours that are no neighbours":  {`"of": ["red"]`, `"of": ["red", "green"]`, "region_colour.rules[0].of"},
		"a colour twice":                  {`"of": ["red"]`, `"of": ["red", "red"]`, "region_colour.rules[0].of"},
		"all four colours":                {`"of": ["red"]`, `"of": ["red", "green", "blue", "yellow"]`, "region_colour.rules[0].of"},
		"share above the whole":           {`"share_milli": 50, "at_least"`, `"share_milli": 1050, "at_least"`, "region_colour.rules[0].share_milli"},
		"unknown operator of a region":    {`"of": ["red"], "operator": ">="`, `"of": ["red"], "operator": "="`, "region_colour.rules[0].operator"},
		"at least, with less than":        {`"colour": "red", "of": ["red"], "operator": ">="`, `"colour": "green", "of": ["red"], "operator": "<"`, "region_colour.rules[0].at_least"},
		"no colour that remains":          {`"otherwise": "blue"`, `"otherwise": ""`, "region_colour.otherwise"},
		"regions of nobody":               {`"at_least_enterprises": 10`, `"at_least_enterprises": 0`, "region_colour.at_least_enterprises"},
		"a kind that says nothing":        {`"kind": "spot_check", "factor_milli"`, `"kind": "inspection", "factor_milli"`, "product_risk.kinds[0].kind"},
		"a kind twice":                    {`"kind": "complaint", "factor_milli"`, `"kind": "spot_check", "factor_milli"`, "product_risk.kinds[1].kind"},
		"factor of a kind above one":      {`"factor_milli": 250`, `"factor_milli": 1250`, "product_risk.kinds[1].factor_milli"},
		"mass of another kind":            {`"kind": "risk_signal", "outcome": "raised", "severity": "minor"`, `"kind": "recall", "outcome": "ordered", "severity": "minor"`, "product_risk.evidence[0]"},
		"worse signals weigh less":        {`"severity": "major", "bad_milli": 1500}`, `"severity": "major", "bad_milli": 400}`, "product_risk.evidence[1].bad_milli"},
		"users left out":                  {`"general": 0, "children"`, `"children"`, "product_risk.prior.users_ppm.general"},
		"unknown users":                   {`"general": 0, "children"`, `"general": 0, "pets": 1, "children"`, "product_risk.prior.users_ppm"},
		"attention left out":              {`"low": -30000, "normal"`, `"normal"`, "product_risk.prior.attention_ppm.low"},
		"a prior above one":               {`"base_ppm": 150000`, `"base_ppm": 900000`, "product_risk.prior"},
		"a prior worth nothing":           {`"k_milli": 20000`, `"k_milli": 0`, "product_risk.prior.k_milli"},
		"product cuts out of order":       {`"high_from_ppm": 320000`, `"high_from_ppm": 100000`, "product_risk.high_from_ppm"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(modelText(t), c.from, c.to, 1)
			if text == modelText(t) {
				t.Fatalf("%q is not in the model", c.from)
			}
			_, err := scoring.ParseModel([]byte(text))
			var problems registry.Problems
			if !errors.Is(err, scoring.ErrModel) || !errors.As(err, &problems) {
				t.Fatalf("got %v", err)
			}
			for _, p := range problems {
				if p.Field == c.path {
					return
				}
			}
			t.Errorf("no problem at %s, but %v", c.path, problems)
		})
	}
}

func TestParseModelRefusesWhatIsNoModel(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty":          "",
		"not JSON":       "weights: 40",
		"unknown name":   strings.Replace(modelText(t), `"window_days"`, `"window_day"`, 1),
		"trailing bytes": modelText(t) + "{}",
		"a fraction":     strings.Replace(modelText(t), "548", "547.5", 1),
		"too large":      strings.Repeat(" ", scoring.MaxModelSize+1),
		"unknown colour": strings.Replace(modelText(t), `"green"`, `"purple"`, 1),
		"unknown fact":   strings.Replace(modelText(t), `"checks_refused"`, `"moon_phase"`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := scoring.ParseModel([]byte(text)); !errors.Is(err, scoring.ErrModel) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestModelJSONReadsBackAsTheSameModel(t *testing.T) {
	t.Parallel()
	m := scoring.DefaultModel()
	again, err := scoring.ParseModel(m.JSON())
	if err != nil || again.Digest() != m.Digest() || !bytes.Equal(again.JSON(), m.JSON()) {
		t.Errorf("%v: %s became %s", err, m.Digest(), again.Digest())
	}
}

// Every entry is checked in whole numbers: 2^(21·h−age) lies between (2n−1)^h and (2n+1)^h.
func TestDecayTableIsExact(t *testing.T) {
	t.Parallel()
	const half = 548
	table := scoring.DecayTable(half, 1095)
	for age := 0; age <= 1095; age += 5 {
		exact := new(big.Int).Lsh(big.NewInt(1), uint(21*half-age))
		low := new(big.Int).Exp(big.NewInt(2*table[age]-1), big.NewInt(half), nil)
		high := new(big.Int).Exp(big.NewInt(2*table[age]+1), big.NewInt(half), nil)
		if exact.Cmp(low) < 0 || exact.Cmp(high) >= 0 {
			t.Errorf("age %d: %d is not the nearest whole number", age, table[age])
		}
	}
	if table[0] != 1<<20 || table[half] != 1<<19 {
		t.Errorf("a half-life is not a half: %d, %d", table[0], table[half])
	}
}

func FuzzParseModel(f *testing.F) {
	data, err := os.ReadFile("model-v1.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"code":"x"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := scoring.ParseModel(data)
		if (m == nil) == (err == nil) {
			t.Errorf("model %v, error %v", m, err)
		}
		if err == nil {
			scoring.NewAssessor(m).Assess(ordinary(), today)
		}
	})
}
