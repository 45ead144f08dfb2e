package web

import (
	"fmt"
	"strings"
)

// Phrase is one text in every language of the pages.
type Phrase struct {
	ZhCN string
	En   string
}

// In returns the text in a language.
func (p Phrase) In(language Language) string {
	if language == English {
		return p.En
	}
	return p.ZhCN
}

// phrases holds every text of the pages by its key. It is put together once, from the tables of the words_*.go files.
var phrases = joinTables(commonWords, verdictWords, consoleWords, enterpriseWords, previewWords, reasonWords, regionWords, termWords, problemWords, backtestWords, verifyWords, checkerWords, screenWords, codeWords, signWords, signInWords, lookWords, docsWords, auditWords, auditTerms, recourseWords, listingWords, listingTerms)

func joinTables(tables ...map[string]Phrase) map[string]Phrase {
	all := map[string]Phrase{}
	for _, table := range tables {
		for key, phrase := range table {
			if _, twice := all[key]; twice {
				panic("two phrases have the key " + key)
			}
			all[key] = phrase
		}
	}
	return all
}

// Translate returns the text of a key with its %-verbs filled, and an error for a key that no table has.
func Translate(language Language, key string, args ...any) (string, error) {
	phrase, ok := phrases[key]
	if !ok {
		return "", fmt.Errorf("no phrase has the key %q", key)
	}
	if len(args) == 0 {
		return phrase.In(language), nil
	}
	return fmt.Sprintf(phrase.In(language), args...), nil
}

// Term returns the word for a value of one of our own vocabularies, such as "colour" "green". A value that the table does not
// have (a model's own fact, a newer kind) is shown as it is, with blanks for underscores: better a plain word than no page.
func Term(language Language, vocabulary, value string) string {
	if phrase, ok := phrases[vocabulary+"."+value]; ok && value != "" {
		return phrase.In(language)
	}
	return strings.ReplaceAll(value, "_", " ")
}
