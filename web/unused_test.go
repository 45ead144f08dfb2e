package web

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A phrase that no template and no code names is dead weight for translators. Terms are looked up by value, so they do not count.
func TestEveryPhraseIsUsed(t *testing.T) {
	t.Parallel()
	var sources strings.Builder
	for _, pattern := range []string{"templates/*.html", "reports/*.html", "static/verify/*.js", "*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasPrefix(name, "words_") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(text)
		}
	}
	for _, table := range []map[string]Phrase{commonWords, verdictWords, consoleWords, enterpriseWords, previewWords, backtestWords, regionWords, verifyWords, checkerWords, screenWords, codeWords, signWords, signInWords, lookWords, docsWords, auditWords, recourseWords, listingWords} {
		for key := range table {
			said := strings.TrimPrefix(key, checkerPrefix)
			if !strings.Contains(sources.String(), `"`+said+`"`) && !isOfReason(key) && !isOfReason("verdict."+said) {
				t.Errorf("nothing shows %s", key)
			}
		}
	}
}

func isOfReason(key string) bool {
	for _, part := range []string{"verdict.title.", "verdict.text.", "verdict.do.", "verdict.problem.", "screen.stop.", "screen.text.", "account_wrong.", "role."} {
		if strings.HasPrefix(key, part) {
			return true
		}
	}
	return false
}
