package api

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/registry"
	"healthcode/web"

	"github.com/chromedp/chromedp"
)

// module is the address of one of the checker's files.
func module(t *testing.T, name string) string {
	t.Helper()
	assets, err := web.Assets()
	if err != nil {
		t.Fatal(err)
	}
	url, err := assets.URL("verify/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// until waits until an expression is true in the page, and fails with what the page shows.
func (b *browser) until(t *testing.T, expression string) {
	t.Helper()
	wait := `new Promise(done => { const end = Date.now() + 60000, look = () => { try { if (` + expression + `) return done(""); } catch {}
		if (performance.now() > 60000) return done(document.body.innerText); setTimeout(look, 20); }; look(); })`
	if text := evaluate[string](t, b, wait, chromedp.EvalAwaitPromise); text != "" {
		t.Fatalf("never came true: %s\n%s", expression, text)
	}
}

// enter checks a text in the page and waits for its verdict.
func (b *browser) enter(t *testing.T, text string) {
	t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	evaluate[bool](t, b, `document.querySelector("[data-slot=again]")?.click(); document.getElementById("text").value = `+string(quoted)+`;
		document.querySelector("#text-form button").click(); true`)
	b.until(t, `document.querySelector("#result article")`)
}

const (
	ready = `document.getElementById("offline").textContent.match(/^(可以|Works)/)`
	title = `document.querySelector("#result [data-slot=title]").textContent`
)

// The states of the checker, in pictures: narrow and wide, light and dark, both languages.
func TestCheckerStates(t *testing.T) {
	s := newSite(t)
	axe, err := os.ReadFile("testdata/axe-4.14.1.min.js")
	if err != nil {
		t.Fatal(err)
	}
	b := startBrowser(t)
	green := s.coloured(t, registry.ColourGreen)
	for name, c := range map[string]struct{ text, zh, en string }{
		"empty":   {"", "", ""},
		"green":   {green.URL, "真码，当前有效", "Authentic and in force"},
		"altered": {altered(green.Digits), "不是本系统签发的码", "Not a code of ours"},
	} {
		for _, one := range []struct {
			language, scheme string
			width            int64
		}{{"zh-CN", "light", 360}, {"en", "dark", 360}, {"en", "light", 1280}, {"zh-CN", "dark", 1280}} {
			full := "checker-" + strings.Join([]string{name, one.language, one.scheme}, "-")
			t.Run(full, func(t *testing.T) {
				b.open(t, s.URL+"/verify?lang="+one.language, one.width, one.scheme)
				b.until(t, ready)
				if c.text != "" {
					b.enter(t, c.text)
					want := map[string]string{"zh-CN": c.zh, "en": c.en}[one.language]
					if got := evaluate[string](t, b, title); got != want {
						t.Errorf("got %q, want %q", got, want)
					}
				}
				b.shoot(t, full)
				b.check(t, string(axe), one.language)
			})
		}
	}
	_ = time.Now
	_ = credential.ES256
}
