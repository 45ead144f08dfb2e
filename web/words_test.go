package web

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"healthcode/credential"
	"healthcode/registry"
	"healthcode/scoring"
	"healthcode/supervision"
)

// halfWidth finds Western punctuation beside a Chinese character.
var halfWidth = regexp.MustCompile(`\p{Han}[,:;?(]|[,:;?)]\p{Han}`)

var verbs = regexp.MustCompile(`%[a-z]`)

func TestEveryPhraseIsInBothLanguages(t *testing.T) {
	t.Parallel()
	if len(phrases) < 200 {
		t.Fatalf("only %d phrases: the tables are not joined", len(phrases))
	}
	for key, phrase := range phrases {
		if strings.TrimSpace(phrase.ZhCN) == "" || strings.TrimSpace(phrase.En) == "" {
			t.Errorf("%s: zh-CN %q, en %q", key, phrase.ZhCN, phrase.En)
		}
		if halfWidth.MatchString(phrase.ZhCN) {
			t.Errorf("%s: %s has Western punctuation", key, phrase.ZhCN)
		}
		if zh, en := verbs.FindAllString(phrase.ZhCN, -1), verbs.FindAllString(phrase.En, -1); !slices.Equal(zh, en) {
			t.Errorf("%s: the verbs differ: %v and %v", key, zh, en)
		}
	}
}

// Every value of our vocabularies that a page can show has a word.
func TestEveryTermHasAWord(t *testing.T) {
	t.Parallel()
	terms := []string{"colour.none", "region_colour.none", "severity.minor", "severity.major", "severity.critical", "risk.general", "risk.higher", "risk.high",
		"evidence.none", "evidence.low", "evidence.fair", "evidence.strong"}
	for _, c := range registry.Colours() {
		terms = append(terms, "colour."+c.String(), "colour_means."+c.String(), "region_colour."+c.String())
	}
	for _, tier := range registry.Tiers() {
		terms = append(terms, "tier."+tier.String())
	}
	for _, size := range registry.Sizes() {
		terms = append(terms, "size."+size)
	}
	for kind, rule := range registry.Kinds {
		terms = append(terms, "kind."+string(kind))
		for _, outcome := range rule.Outcomes {
			terms = append(terms, "outcome."+outcome)
		}
	}
	for _, form := range []credential.Form{credential.FormPrinted, credential.FormScreen, credential.FormJWT} {
		terms = append(terms, "form."+string(form))
	}
	for _, status := range []string{"valid", "expired", "revoked", "suspended", "superseded"} {
		terms = append(terms, "code_status."+status)
	}
	for _, step := range []string{"issue", "renew", "supersede", "suspend", "resume", "revoke", "abandon"} {
		terms = append(terms, "code_step."+step)
	}
	terms = append(append(terms, modelTerms()...), recourseTerms()...)
	for _, term := range terms {
		if _, ok := phrases[term]; !ok {
			t.Errorf("no word for %s", term)
		}
	}
}

func recourseTerms() (terms []string) {
	for _, kind := range supervision.Kinds {
		terms = append(terms, "recourse_kind."+string(kind))
		for _, outcome := range kind.Outcomes() {
			terms = append(terms, "recourse_outcome."+string(outcome))
		}
	}
	for _, state := range supervision.States {
		terms = append(terms, "recourse_state."+string(state))
	}
	for _, move := range supervision.Moves {
		terms = append(terms, "recourse_step."+string(move.Step))
	}
	for _, state := range []registry.State{registry.StateProvisional, registry.StateFinal, registry.StateVoided, registry.StateRepaired} {
		terms = append(terms, "record_state."+string(state))
	}
	return terms
}

func modelTerms() []string {
	var terms []string
	model := scoring.DefaultModel()
	for _, w := range model.Weights {
		terms = append(terms, "dimension."+w.Dimension.String())
	}
	for _, veto := range model.Vetoes {
		terms = append(terms, "fact."+veto.Fact.String())
	}
	for _, tier := range model.Tiers {
		for _, gate := range tier.Gates {
			terms = append(terms, "fact."+gate.Fact.String())
		}
	}
	return terms
}

// Every reason of a verdict has its title, its text and its advice.
func TestEveryReasonHasWords(t *testing.T) {
	t.Parallel()
	for _, reason := range VerdictReasons() {
		for _, part := range []string{"title", "text", "do"} {
			if _, err := Translate(Chinese, "verdict."+part+"."+reason); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestTranslate(t *testing.T) {
	t.Parallel()
	if got, err := Translate(English, "verdict.model_is", 3); err != nil || got != "version 3" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := Translate(Chinese, "no.such.key"); err == nil {
		t.Errorf("an unknown key gave %q", got)
	}
	if got := Term(English, "kind", "space_survey"); got != "space survey" {
		t.Errorf("a kind without a word is shown as %q", got)
	}
	if got := Term(English, "kind", ""); got != "" {
		t.Errorf("no kind is shown as %q", got)
	}
}
