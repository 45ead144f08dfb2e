package web

import (
	"maps"
	"slices"
	"strings"

	"healthcode/registry"
)

// VerifyPage is the checker: a page that verifies codes in the browser, also without a network.
type VerifyPage struct{ Page }

// Word is one text that a page carries for its script.
type Word struct{ Key, Text string }

// checkerPrefix stands before the keys of the script's own words.
const checkerPrefix = "checker."

// Words returns what the script says, in the page's language, sorted by key.
func (p VerifyPage) Words() []Word {
	all := map[string]string{}
	for _, reason := range VerdictReasons() {
		for _, part := range []string{"title.", "text.", "do."} {
			all[part+reason] = p.Term("verdict", part+reason)
		}
	}
	for key, phrase := range checkerWords {
		all[strings.TrimPrefix(key, checkerPrefix)] = phrase.In(p.Lang)
	}
	for _, term := range checkerTerms() {
		vocabulary, value, _ := strings.Cut(term, ".")
		all[term] = p.Term(vocabulary, value)
	}
	words := make([]Word, 0, len(all))
	for _, key := range slices.Sorted(maps.Keys(all)) {
		words = append(words, Word{key, all[key]})
	}
	return words
}

// checkerTerms lists the terms that a verdict can name.
func checkerTerms() []string {
	terms := []string{"form.printed", "form.screen", "form.jwt"}
	for _, colour := range registry.Colours() {
		terms = append(terms, "colour."+colour.String(), "colour_means."+colour.String())
	}
	for _, tier := range registry.Tiers() {
		terms = append(terms, "tier."+tier.String())
	}
	return terms
}

// Marks lists the colours, whose shapes the script shows.
func (p VerifyPage) Marks() []Mark {
	marks := make([]Mark, 0, len(registry.Colours()))
	for _, colour := range registry.Colours() {
		marks = append(marks, p.Mark(colour))
	}
	return marks
}
