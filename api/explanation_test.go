package api

import (
	"html/template"
	"strings"
	"testing"

	"healthcode/scoring"
	"healthcode/web"
)

// reasoned is what an enterprise's answer says about reasons.
type reasoned struct {
	Explanation *scoring.Explanation
	Words       map[web.Language]web.Words
}

// The API gives codes, values and sentences in both languages; the page of the enterprise shows the sentences; the page of a scanned
// code shows none of them.
func TestReasonsAreShownWhereTheyBelong(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	for code, issued := range w.codes {
		answer := decoded[reasoned](t, get(h, "/api/v1/enterprises/"+string(code)))
		if len(answer.Words) != 2 {
			t.Fatalf("%s: words in %d languages", code, len(answer.Words))
		}
		for language, words := range answer.Words {
			if len(words.Reasons) != len(answer.Explanation.Reasons) || len(words.Actions) < len(answer.Explanation.PathUp.Actions) {
				t.Errorf("%s: %d reasons, %d in words; %d ways up, %d in words", code, len(answer.Explanation.Reasons), len(words.Reasons),
					len(answer.Explanation.PathUp.Actions), len(words.Actions))
			}
			page := get(h, "/enterprises/"+string(code)+"?lang="+string(language)).Body.String()
			public := get(h, "/v/"+issued.Digits+"?lang="+string(language)).Body.String()
			for _, text := range sentences(words) {
				if text = template.HTMLEscapeString(text); !strings.Contains(page, text) {
					t.Errorf("%s: the page does not say %q", code, text)
				}
				if strings.Contains(public, text) {
					t.Errorf("%s: the public page says %q", code, text)
				}
			}
		}
	}
}

func sentences(words web.Words) (list []string) {
	for _, r := range words.Reasons {
		list = append(list, r.Text, r.Advice)
	}
	return append(append(list, words.Actions...), words.Time...)
}

// A reason names products as the catalogue does, not by their codes.
func TestReasonsNameProducts(t *testing.T) {
	w := theWorld(t)
	h := w.handler(t, nil)
	for _, showcase := range w.showcases {
		if showcase.Title.En != "A veto: a critical failure not rectified" {
			continue
		}
		answer := decoded[reasoned](t, get(h, "/api/v1/enterprises/"+string(showcase.USCC)))
		first := answer.Explanation.Reasons[0]
		if first.Code != scoring.ReasonCriticalOpen || first.Action != scoring.ActionRectify || !strings.Contains(answer.Words[web.Chinese].Reasons[0].Text, "电线电缆") {
			t.Errorf("%+v %+v", first, answer.Words)
		}
		if up := answer.Explanation.PathUp.Actions; len(up) == 0 || up[0].Actions[0].Code != scoring.ActionRectify || up[0].Actions[0].SourceRef != first.Records[0].SourceRef {
			t.Errorf("rectifying the failure is not the best way up: %+v", up)
		}
		return
	}
	t.Fatal("the showcase is gone")
}
