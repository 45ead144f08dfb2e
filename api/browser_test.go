package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/registry"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browserTime bounds a whole browser test: it ends a browser that hangs.
const browserTime = 8 * time.Minute

// browser starts the real Chromium with one tab and collects what it complains about.
type browser struct {
	ctx context.Context
	mu  sync.Mutex
	bad []string
}

func startBrowser(t *testing.T, more ...chromedp.ExecAllocatorOption) *browser {
	t.Helper()
	b := &browser{}
	limited, cancel := context.WithTimeout(t.Context(), browserTime)
	t.Cleanup(cancel)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true))
	options = append(options, more...)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, cancel := chromedp.NewExecAllocator(limited, options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator, chromedp.WithListener(b.listen))
	t.Cleanup(cancel)
	b.ctx = ctx
	return b
}

// chromium finds the browser. Without it the pages are not tested, so the test fails.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no Chromium found: install it (Debian: apt-get install chromium fonts-noto-cjk), the pages are tested in it")
	return ""
}

// listen notes errors of the console, which include violations of the content security policy, and exceptions.
func (b *browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *cdplog.EventEntryAdded:
		if !strings.Contains(e.Entry.Text, "the server responded with a status of 40") { // the page itself, of a code that is none
			b.bad = append(b.bad, fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL))
		}
	case *runtime.EventConsoleAPICalled:
		b.bad = append(b.bad, "console."+string(e.Type))
	case *runtime.EventExceptionThrown:
		b.bad = append(b.bad, "exception: "+e.ExceptionDetails.Text)
	}
}

func (b *browser) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	bad := b.bad
	b.bad = nil
	return bad
}

// open shows a page of a width in a colour scheme.
func (b *browser) open(t *testing.T, url string, width int64, scheme string) {
	t.Helper()
	media := func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	}
	if err := chromedp.Do(b.ctx, chromedp.EmulateViewport(width, 800), chromedp.Func(media), chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
}

// withoutScript switches scripts off, as some do; evaluate still works.
func (b *browser) withoutScript(t *testing.T) {
	t.Helper()
	off := func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}
	if err := chromedp.Do(b.ctx, chromedp.Func(off)); err != nil {
		t.Fatal(err)
	}
}

func evaluate[T any](t *testing.T, b *browser, expression string, options ...chromedp.EvaluateOption) T {
	t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, options...))
	if err != nil {
		t.Fatalf("%.80s: %v", expression, err)
	}
	return value
}

// axe runs axe-core and returns what it finds, one line a node.
func (b *browser) axe(t *testing.T, source string) []string {
	t.Helper()
	evaluate[bool](t, b, source+"; true")
	found := evaluate[string](t, b, `axe.run(document, {preload: false, resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations.flatMap(v =>
		v.nodes.map(n => v.id + ": " + n.html.slice(0, 160) + " " + n.failureSummary.slice(0, 300)))))`, chromedp.EvalAwaitPromise)
	var lines []string
	if err := json.Unmarshal([]byte(found), &lines); err != nil {
		t.Fatal(err)
	}
	return lines
}

// shoot keeps a picture of the whole page when HEALTHCODE_SCREENSHOTS names a folder.
func (b *browser) shoot(t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("HEALTHCODE_SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600); err != nil {
		t.Fatal(err)
	}
}

// pages lists what is looked at: every view, in its states.
func pages(t *testing.T, w *world) map[string]string {
	t.Helper()
	expired := w.stored(t, credential.Code{USCC: w.first, IssuedAt: 1_600_000_000, Lifetime: credential.PrintedLifetime, Tier: registry.TierA, Colour: registry.ColourGreen, Model: 1})
	stranger := w.sign(t, credential.Code{USCC: "91350100M000100Y43", IssuedAt: uint32(w.now.Unix()) - 60, Lifetime: credential.PrintedLifetime, Tier: registry.TierA, Colour: registry.ColourGreen, Model: 1, Index: 901})
	all := map[string]string{"home": "/", "home-filtered": "/?colour=red&sort=-index&county=330402", "home-nothing": "/?q=nobody", "expired": "/v/" + expired.Digits,
		"malformed": "/v/12345", "altered": "/v/" + altered(w.codes[w.first].Digits), "stranger": "/v/" + stranger.Digits, "nowhere": "/nowhere", "regions": "/regions", "regions-county": "/regions/330402", "regions-town": "/regions/330402007", "replay": "/enterprises/" + string(w.first) + "?as_of=2026-01-31",
		"sign": "/enterprises/" + string(w.first) + "/sign?size=a6"}
	for i, one := range w.showcases[1:2] {
		all[fmt.Sprintf("enterprise-%d", i)] = "/enterprises/" + string(one.USCC)
	}
	colours := map[registry.Colour]bool{}
	for code, issued := range w.codes {
		a, err := w.db.Assessment(t.Context(), code)
		if err != nil {
			t.Fatal(err)
		}
		if !colours[a.Colour] {
			colours[a.Colour] = true
			all["verdict-"+a.Colour.String()] = "/v/" + issued.Digits
			if a.Colour == registry.ColourGreen || a.Colour == registry.ColourYellow {
				all["enterprise-"+a.Colour.String()] = "/enterprises/" + string(code)
			}
		}
	}
	return all
}

// altered changes one digit of the signature.
func altered(digits string) string {
	last := digits[len(digits)-1]
	return digits[:len(digits)-1] + string('0'+(last-'0'+1)%10)
}

// Every page, narrow and wide, light and dark, in both languages: nothing runs out of the screen, the browser has nothing to complain
// about, and axe-core finds no barrier.
func TestPagesInTheBrowser(t *testing.T) {
	w := theWorld(t)
	axe, err := os.ReadFile("testdata/axe-4.14.1.min.js")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(w.handler(t, nil))
	t.Cleanup(srv.Close)
	b := startBrowser(t)
	shown := pages(t, w)
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		path := shown[name]
		for _, one := range []struct {
			language, scheme string
			width            int64
		}{{"zh-CN", "light", 360}, {"en", "dark", 360}, {"en", "light", 1280}, {"zh-CN", "dark", 1280}} {
			full := fmt.Sprintf("%s-%s-%d-%s", name, one.language, one.width, one.scheme)
			t.Run(full, func(t *testing.T) {
				b.open(t, srv.URL+withLanguage(path, one.language), one.width, one.scheme)
				b.shoot(t, full)
				b.check(t, string(axe), one.language)
			})
		}
	}
}

func withLanguage(path, language string) string {
	if strings.Contains(path, "?") {
		return path + "&lang=" + language
	}
	return path + "?lang=" + language
}

func (b *browser) check(t *testing.T, axe, language string) {
	t.Helper()
	if got := evaluate[string](t, b, "document.documentElement.lang"); got != language {
		t.Errorf("the page is in %q", got)
	}
	b.fits(t)
	if bad := b.complaints(); len(bad) > 0 {
		t.Errorf("the browser complains: %q", bad)
	}
	for _, line := range b.axe(t, axe) {
		t.Errorf("axe: %s", line)
	}
	b.complaints() // what the testing itself causes
}

// fits checks that nothing runs out of the screen to the right.
func (b *browser) fits(t *testing.T) {
	t.Helper()
	if size := evaluate[[]int](t, b, "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"); size[0] > size[1] {
		t.Errorf("the page is %d pixels wide on a screen of %d; too wide: %v", size[0], size[1], evaluate[[]string](t, b,
			`[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).slice(0, 5).map(e => e.outerHTML.slice(0, 120))`))
	}
}
