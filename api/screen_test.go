package api

import (
	"bytes"
	"fmt"
	"image"
	_ "image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/registry"
	"healthcode/schema"

	"github.com/chromedp/chromedp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

func TestScreenCode(t *testing.T) {
	w := ownWorld(t)
	h := w.handler(t, func(c *Config) { c.Issuer = w.issuer() })
	path := "/api/v1/enterprises/" + string(w.first) + "/screen"
	answer := get(h, path)
	got := decoded[ScreenAnswer](t, answer)
	live, err := w.db.Assessment(t.Context(), w.first)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Header().Get("Cache-Control") != "no-store" || got.RenewAfter != 30 || got.ExpiresAt.Sub(got.IssuedAt) != 180*time.Second || !got.ServerTime.Equal(w.now) ||
		!strings.HasPrefix(got.SVG, "<svg") || got.Colour != live.Colour || got.Tier != live.Tier {
		t.Errorf("%+v", got)
	}
	v := decoded[verdictJSON](t, get(h, "/v/"+got.Text[strings.LastIndex(got.Text, "/")+1:], "Accept", "application/json"))
	if v.Reason != "ok" || v.Current != "yes" || v.USCC != w.first || v.Index != got.Index {
		t.Errorf("the code verifies as %+v", v)
	}
	for _, c := range []struct{ step, code, word string }{{"suspend", "screen_suspended", "Screen codes are suspended"}, {"resume", "", ""}, {"revoke", "screen_revoked", "Screen codes are revoked"}} {
		if answer := step(h, got.Index, c.step); answer.Code != http.StatusOK {
			t.Fatalf("%s: status %d: %s", c.step, answer.Code, answer.Body)
		}
		page := get(h, "/enterprises/"+string(w.first)+"/screen", "Accept-Language", "en")
		shown := strings.Contains(page.Body.String(), "data:image/svg")
		if page.Code != http.StatusOK || shown != (c.code == "") || !strings.Contains(page.Body.String(), c.word) || page.Header().Get("Content-Security-Policy") != screenPolicy {
			t.Errorf("after %s the page has status %d, a code: %t", c.step, page.Code, shown)
		}
		if c.code != "" {
			problem(t, get(h, path), http.StatusConflict, c.code)
			stopped := decoded[verdictJSON](t, get(h, "/api/v1/verify?code="+got.Text))
			if stopped.Authentic || stopped.Current != "no" {
				t.Errorf("after %s the code on the screen is %+v", c.step, stopped)
			}
		}
	}
	problem(t, step(h, got.Index, "renew"), http.StatusConflict, "code_step")
}

func TestScreenCodeOfNobody(t *testing.T) {
	w := ownWorld(t)
	h := w.handler(t, func(c *Config) { c.Issuer = w.issuer() })
	problem(t, get(h, "/api/v1/enterprises/91350100M000100Y43/screen"), 404, "unknown_enterprise")
	problem(t, get(h, "/api/v1/enterprises/x/screen"), 400, "invalid_field")
	problem(t, get(h, "/api/v1/enterprises/"+string(w.first)+"/screen?x=1"), 400, "invalid_field")
	problem(t, get(h, "/enterprises/"+string(w.first)+"/screen?x=1"), 400, "invalid_field")
	problem(t, get(h, "/enterprises/91350100M000100Y43/screen"), 404, "unknown_enterprise")
	fresh, err := w.db.Enterprise(t.Context(), w.first)
	if err != nil {
		t.Fatal(err)
	}
	fresh.USCC, fresh.Name = "91350100M000100Y43", "new"
	if _, err := w.db.PutEnterprises(t.Context(), []registry.Enterprise{*fresh}, schema.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	problem(t, get(h, "/api/v1/enterprises/91350100M000100Y43/screen"), 409, "not_graded")
}

// scannedText reads the QR code in pictures of the screen until it has one, as a telephone does: a picture may catch the screen as it changes.
func scannedText(t *testing.T, b *browser) string {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		text, err := tryScan(b)
		if err == nil {
			return text
		}
		if time.Now().After(deadline) {
			t.Fatalf("no code on the screen: %v", err)
		}
	}
}

func tryScan(b *browser) (string, error) {
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		return "", err
	}
	read, _, err := image.Decode(bytes.NewReader(picture))
	if err != nil {
		return "", err
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(read)
	if err != nil {
		return "", err
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return "", err
	}
	return result.GetText(), nil
}

// until waits for a condition in the page, which may be loaded anew meanwhile.
func until(t *testing.T, b *browser, condition string) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		met, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](condition))
		if err == nil && met {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waiting for %s: %v", condition, err)
		}
		_, _ = chromedp.Run(b.ctx, chromedp.Evaluate[bool]("new Promise(done => setTimeout(() => done(true), 50))", chromedp.EvalAwaitPromise)) // a pause
	}
}

// The page renews its code by itself, each verifies, a change of colour and a suspension show without a hand, and a screen without a network hides
// what has ended.
func TestScreenInTheBrowser(t *testing.T) {
	w := ownWorld(t)
	axe, err := os.ReadFile("testdata/axe-4.14.1.min.js")
	if err != nil {
		t.Fatal(err)
	}
	issuer := w.issuer()
	issuer.Clock = time.Now
	h := w.handler(t, func(c *Config) { c.Issuer, c.Now, c.ScreenRenewal = issuer, time.Now, time.Second })
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	b := startBrowser(t)
	page := srv.URL + "/enterprises/" + string(w.first) + "/screen"
	keys, err := credential.NewKeySet(*w.key.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	const source = `document.getElementById("screen-code").src`
	for _, one := range []struct {
		language, scheme string
		width            int64
	}{{"zh-CN", "light", 360}, {"en", "dark", 360}, {"en", "light", 1280}, {"zh-CN", "dark", 1280}} {
		b.open(t, page+"?lang="+one.language, one.width, one.scheme)
		seen := map[string]bool{}
		for range 2 {
			text := scannedText(t, b)
			if v := credential.Verify(text, keys, time.Now()); !v.Authentic || v.USCC != w.first || v.Form != credential.FormScreen {
				t.Fatalf("the screen shows %s: %+v", text, v)
			}
			seen[text] = true
			before := evaluate[string](t, b, source) // after the scan, during which the code may have changed
			until(t, b, source+" !== "+fmt.Sprintf("%q", before))
		}
		if len(seen) != 2 {
			t.Errorf("%d different codes on the screen, want 2", len(seen))
		}
		b.shoot(t, fmt.Sprintf("screen-%s-%d-%s", one.language, one.width, one.scheme))
		if said := evaluate[string](t, b, `document.getElementById("screen-trouble").textContent`); said != "" {
			t.Errorf("a screen reader would hear %q at each renewal", said)
		}
		b.check(t, string(axe), one.language)
	}
	w.stopAndGoOn(t, b, h)
	b.complaints() // refused requests while suspended
	withoutNetwork(t, b, srv)
}

// stopAndGoOn suspends and resumes the screen's place while the page is open.
func (w *world) stopAndGoOn(t *testing.T, b *browser, h http.Handler) {
	t.Helper()
	idx := decoded[ScreenAnswer](t, get(h, "/api/v1/enterprises/"+string(w.first)+"/screen")).Index
	for _, c := range []struct{ step, state string }{{"suspend", "suspended"}, {"resume", "valid"}} {
		if answer := step(h, idx, c.step); answer.Code != http.StatusOK {
			t.Fatalf("%s: status %d", c.step, answer.Code)
		}
		until(t, b, fmt.Sprintf(`document.getElementById("screen") !== null && document.getElementById("screen").dataset.state === %q && document.readyState === "complete"`, c.state))
		if shown := evaluate[bool](t, b, `document.getElementById("screen-code") !== null`); shown != (c.state == "valid") {
			t.Errorf("after %s a code is shown: %t", c.step, shown)
		}
		b.shoot(t, "screen-"+c.state)
	}
}

// withoutNetwork stops the server and lets three minutes pass on the page's own clocks.
func withoutNetwork(t *testing.T, b *browser, srv *httptest.Server) {
	t.Helper()
	srv.CloseClientConnections()
	srv.Close()
	evaluate[bool](t, b, `(() => { const was = Date.now; Date.now = () => was() + 200000; return true; })()`)
	until(t, b, `document.getElementById("screen-box").hidden`)
	if said := evaluate[string](t, b, `document.getElementById("screen-trouble").textContent`); said == "" {
		t.Error("the page does not say why it shows no code")
	}
	b.shoot(t, "screen-offline")
	b.complaints() // refused connections
}

// Without a script the browser itself loads the page anew.
func TestScreenWithoutScript(t *testing.T) {
	w := ownWorld(t)
	h := w.handler(t, func(c *Config) { c.Issuer, c.ScreenRenewal = w.issuer(), time.Second })
	asked := make(chan string, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(answer, r)
		asked <- r.URL.Path
	}))
	t.Cleanup(srv.Close)
	b := startBrowser(t)
	b.withoutScript(t)
	path := "/enterprises/" + string(w.first) + "/screen"
	b.open(t, srv.URL+path, 360, "light")
	deadline := time.After(time.Minute)
	for pages := 0; pages < 3; {
		select {
		case got := <-asked:
			if got == path {
				pages++
			} else if strings.HasPrefix(got, "/api/") {
				t.Fatal("a script runs")
			}
		case <-deadline:
			t.Fatalf("the page was loaded %d times, want it again and again", pages)
		}
	}
}
