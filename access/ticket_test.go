package access

import (
	"strings"
	"testing"
)

func TestTickets(t *testing.T) {
	t.Parallel()
	made := NewTicket("91350100M000100Y43")
	if read, ok := ParseTicket(made.Text()); !ok || read != made || !read.Secret.Is(made.Secret.Hash()) {
		t.Errorf("%v, %t", read, ok)
	}
	if NewTicket(made.USCC) == made {
		t.Error("two tickets are the same")
	}
	text := made.Text()
	for name, bad := range map[string]string{
		"nothing": "", "an API key": NewAPIKey().Text(), "cut": text[:len(text)-1], "longer": text + "A", "small letters": strings.Replace(text, "M", "m", 1),
		"no secret": text[:len("hct_91350100M000100Y43_")], "not base64": text[:len(text)-1] + "=", "SQL": "hct_9135010'M000100Y43" + text[22:],
	} {
		if read, ok := ParseTicket(bad); ok {
			t.Errorf("%s: %v", name, read)
		}
	}
}

// What is read is written back as the same text: no ticket has two forms.
func FuzzParseTicket(f *testing.F) {
	f.Add(NewTicket("91350100M000100Y43").Text())
	f.Add("hct_91350100M000100Y43_")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 200 {
			return
		}
		if read, ok := ParseTicket(text); ok && read.Text() != text {
			t.Errorf("%q came back as %q", text, read.Text())
		}
	})
}
