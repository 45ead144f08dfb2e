package scoring_test

import (
	"encoding/json"
	"os"
	"testing"

	"healthcode/registry"
	"healthcode/scoring"
)

// handCase is an enterprise of docs/method.md, worked out there with a pocket calculator.
type handCase struct {
	Name         string                 `json:"name"`
	Risk         registry.RiskLevel     `json:"risk"`
	RegisteredOn registry.Day           `json:"registered_on"`
	AsOf         registry.Day           `json:"as_of"`
	Index        int32                  `json:"index"`
	Tier         registry.Tier          `json:"tier"`
	Colour       registry.Colour        `json:"colour"`
	Evidence     registry.EvidenceLevel `json:"evidence"`
	Facts        []json.RawMessage      `json:"facts"`
}

func TestHandCalculatedEnterprises(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/hand.json")
	if err != nil {
		t.Fatal(err)
	}
	var table struct {
		Enterprises []handCase `json:"enterprises"`
	}
	if err := json.Unmarshal(data, &table); err != nil {
		t.Fatal(err)
	}
	if len(table.Enterprises) < 12 {
		t.Fatalf("only %d enterprises", len(table.Enterprises))
	}
	for _, c := range table.Enterprises {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			checkHandCase(t, c)
		})
	}
}

func checkHandCase(t *testing.T, c handCase) {
	t.Helper()
	var facts []scoring.Fact
	for _, text := range c.Facts {
		var err error
		if facts, err = scoring.ParseFacts(facts, string(text)); err != nil {
			t.Fatal(err)
		}
	}
	var e scoring.Evidence
	e.Set(scoring.Enterprise{USCC: uscc, RegisteredOn: c.RegisteredOn, Risk: c.Risk}, facts)
	got := scoring.NewAssessor(scoring.DefaultModel()).Assess(&e, c.AsOf)
	if got.Index != c.Index || got.Tier != c.Tier || got.Colour != c.Colour || got.Evidence != c.Evidence {
		t.Errorf("got %d %s %s %s, want %d %s %s %s", got.Index, got.Tier, got.Colour, got.Evidence, c.Index, c.Tier, c.Colour, c.Evidence)
	}
}

// The digest of an assessment is a frozen format: it must be the same on every machine and in every later version.
func TestDigestIsFrozen(t *testing.T) {
	t.Parallel()
	x := scoring.NewAssessor(scoring.DefaultModel()).Explain(ordinary(), today, knownAt)
	const want = "2f3019e3be4132f1ef6c29436680ce50b22fb4d92b2ec71f95dbef1cdfcd692e"
	if x.Digest != want {
		t.Errorf("digest %s, want %s", x.Digest, want)
	}
	const model = "ec9232bf7efe65e5875a564c82c76a11690d19ae5e1422b1b568d1671a72ce01"
	if got := scoring.DefaultModel().Digest(); got != model {
		t.Errorf("the default model's digest is %s, want %s", got, model)
	}
}
