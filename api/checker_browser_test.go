package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"healthcode/credential"
	"healthcode/registry"
	"healthcode/web"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	cdppage "github.com/chromedp/cdproto/page"
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

// folder is where the checker's files are.
func folder(t *testing.T) string {
	t.Helper()
	return strings.TrimSuffix(module(t, "verify.js"), "verify.js")
}

// patience bounds how long a page may take, in milliseconds.
const patience = 60_000

// until waits until an expression is true in the page. It fails with what the page shows instead.
func (b *browser) until(t *testing.T, expression string) {
	t.Helper()
	wait := fmt.Sprintf(`new Promise(done => { const end = performance.now() + %d, look = () => { try { if (%s) return done(""); } catch {}
		if (performance.now() > end) return done(document.body.innerText); setTimeout(look, 20); }; look(); })`, patience, expression)
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](wait, chromedp.EvalAwaitPromise))
	for err != nil && strings.Contains(err.Error(), "navigated") { // the page that was asked has gone: ask the next one
		text, err = chromedp.Run(b.ctx, chromedp.Evaluate[string](wait, chromedp.EvalAwaitPromise))
	}
	if err != nil || text != "" {
		t.Fatalf("never came true: %s: %v\n%s", expression, err, text)
	}
}

func quoted(text string) string {
	body, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(body)
}

// enter checks a text in the page and waits for its verdict.
func (b *browser) enter(t *testing.T, text string) {
	t.Helper()
	evaluate[bool](t, b, `document.querySelector("[data-slot=again]")?.click(); document.getElementById("text").value = `+quoted(text)+`;
		document.querySelector("#text-form button").click(); true`)
	b.until(t, `document.querySelector("#result article")`)
}

// visit opens the checker and waits until it would work without a network.
func (b *browser) visit(t *testing.T, s *site, language string) {
	t.Helper()
	b.open(t, s.URL+"/verify?lang="+language, 360, "light")
	b.until(t, ready)
}

// ready is true when the page would open without a network and has something to check with, however old.
const ready = `document.getElementById("offline").textContent.match(/^(可以|本页能打开|Works|Opens)/)`

// refresh presses the button and waits for what is said then.
func (b *browser) refresh(t *testing.T, want string) {
	t.Helper()
	evaluate[bool](t, b, `document.getElementById("refresh").click(); true`)
	b.until(t, `!document.getElementById("refresh").disabled`)
	if said := evaluate[string](t, b, `document.getElementById("refresh-said").textContent`); !strings.Contains(said, want) {
		t.Errorf("it says %q, want %q", said, want)
	}
}

// title is the headline of the verdict on the page.
func (b *browser) title(t *testing.T) string {
	t.Helper()
	return evaluate[string](t, b, `document.querySelector("#result [data-slot=title]").textContent`)
}

// wantTitle compares the headline, and that a grade wears its colour exactly when the code is in force.
func (b *browser) wantTitle(t *testing.T, want string) {
	t.Helper()
	if got := b.title(t); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	coloured := evaluate[bool](t, b, `!!document.querySelector("#result :is(.hc-green, .hc-blue, .hc-yellow, .hc-red)")`)
	if inForce := want == "Authentic and in force" || want == "真码，当前有效"; coloured != inForce {
		t.Errorf("%s: a colour is shown: %t", want, coloured)
	}
}

// later moves the clock of every page that is opened from now on.
func (b *browser) later(t *testing.T, by time.Duration) {
	t.Helper()
	b.prepare(t, fmt.Sprintf(`{ const now = Date.now.bind(Date); Date.now = () => now() + %d; }`, by.Milliseconds()))
}

// prepare runs a script before those of every page that is opened from now on.
func (b *browser) prepare(t *testing.T, script string) {
	t.Helper()
	err := chromedp.Do(b.ctx, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
}

// state is one thing that the checker can say about a text.
type state struct{ text, zh, en string }

// states lists them all, as far as they need no other clock. It publishes the lists that belong to them.
func states(t *testing.T, s *site) map[string]state {
	t.Helper()
	now := time.Now()
	old := unix(now.Add(-48 * time.Hour))
	printed := func(index, iat uint32, status credential.Status) string {
		return s.issue(t, credential.Code{IssuedAt: iat, Lifetime: credential.PrintedLifetime, Index: index}, status).URL
	}
	screen := func(index, iat uint32) string {
		return s.issue(t, credential.Code{IssuedAt: iat, Lifetime: credential.ScreenLifetime, Index: index}, credential.StatusValid).URL
	}
	stranger, err := credential.Issue(newTestKey(t, 9), credential.Code{USCC: s.world.first, IssuedAt: old, Lifetime: 30, Tier: registry.TierAA, Colour: registry.ColourGreen, Model: 1})
	if err != nil {
		t.Fatal(err)
	}
	beyond := s.world.sign(t, credential.Code{USCC: s.world.first, IssuedAt: old, Lifetime: 365, Tier: registry.TierAA, Colour: registry.ColourGreen, Model: 1, Index: 5 << 20})
	signedBy := func(algorithm credential.Algorithm, number uint8) string {
		one, err := credential.Issue(s.addKey(t, algorithm, number), credential.Code{USCC: s.world.first, IssuedAt: old, Lifetime: 365, Tier: registry.TierAA,
			Colour: registry.ColourGreen, Model: 1, Index: s.coloured(t, registry.ColourBlue).Code.Index})
		if err != nil {
			t.Fatal(err)
		}
		return one.URL
	}
	all := map[string]state{
		"eddsa":         {signedBy(credential.EdDSA, 2), "真码，当前有效", "Authentic and in force"},
		"sm2":           {signedBy(credential.SM2SM3, 3), "此浏览器不能核验这种签名", "This browser cannot check this signature"},
		"green":         {s.coloured(t, registry.ColourGreen).URL, "真码，当前有效", "Authentic and in force"},
		"yellow":        {s.coloured(t, registry.ColourYellow).JWT, "真码，当前有效", "Authentic and in force"},
		"screen":        {screen(901, unix(now)), "真码，当前有效", "Authentic and in force"},
		"clock":         {screen(902, unix(now.Add(-200*time.Second))), "屏幕码的时间不符", "The time of this screen code does not fit"},
		"newer":         {printed(903, unix(now)+30, credential.StatusValid), "真码，但不能确定现在是否有效", "Authentic, but not known to be in force"},
		"no-list":       {beyond.URL, "真码，但不能确定现在是否有效", "Authentic, but not known to be in force"},
		"expired":       {printed(904, 1_600_000_000, credential.StatusValid), "此码已过有效期", "This code has expired"},
		"not-yet-valid": {printed(905, unix(now.Add(time.Hour)), credential.StatusValid), "此码尚未生效", "This code is not yet in force"},
		"revoked":       {printed(906, old, credential.StatusRevoked), "此码已被撤销", "This code has been revoked"},
		"suspended":     {printed(907, old, credential.StatusSuspended), "此码已暂停使用", "This code is suspended"},
		"superseded":    {printed(908, old, credential.StatusSuperseded), "此码已被新码取代", "A newer code has replaced this one"},
		"no-grade":      {printed(909, old, credential.StatusValid), "真码，但不能确定现在是否有效", "Authentic, but not known to be in force"},
		"altered":       {altered(s.coloured(t, registry.ColourGreen).Digits), "不是本系统签发的码", "Not a code of ours"},
		"stranger":      {stranger.Digits, "不是本系统签发的码", "Not a code of ours"},
		"malformed":     {"https://example.org/pay?to=1", "无法识别的码", "Not readable as a code"},
	}
	s.grades[909] = 0
	s.publish(t, now)
	return all
}

// Every state, narrow and wide, light and dark, in both languages: the right words, nothing outside the screen, no complaint of the browser, and
// no barrier that axe-core knows.
func TestCheckerStates(t *testing.T) {
	s := newSite(t)
	shown := states(t, s)
	shown["empty"] = state{}
	axe, err := os.ReadFile("testdata/axe-4.14.1.min.js")
	if err != nil {
		t.Fatal(err)
	}
	b := startBrowser(t)
	for name, c := range shown {
		for _, one := range []struct {
			language, scheme, want string
			width                  int64
		}{{"zh-CN", "light", c.zh, 360}, {"en", "dark", c.en, 1280}} {
			full := "checker-" + strings.Join([]string{name, one.language, one.scheme}, "-")
			t.Run(full, func(t *testing.T) {
				b.open(t, s.URL+"/verify?lang="+one.language, one.width, one.scheme)
				b.until(t, ready)
				if c.text != "" {
					b.enter(t, c.text)
					b.wantTitle(t, one.want)
					if got := evaluate[string](t, b, `document.activeElement.textContent`); got != one.want {
						t.Errorf("the reader is at %q", got)
					}
				}
				b.shoot(t, full)
				b.check(t, string(axe), one.language)
				evaluate[bool](t, b, `document.documentElement.style.fontSize = "200%"; true`)
				b.fits(t)
			})
		}
	}
}

// Nobody is asked when a code is checked, by text or by picture.
func TestCheckerAsksNobody(t *testing.T) {
	s := newSite(t)
	b := startBrowser(t)
	b.visit(t, s, "en")
	b.visit(t, s, "en") // now the worker serves the page
	s.requests()
	green, blue := s.coloured(t, registry.ColourGreen), s.coloured(t, registry.ColourBlue)
	b.enter(t, green.URL)
	b.wantTitle(t, "Authentic and in force")
	b.upload(t, qrFile(t, blue.URL))
	b.wantTitle(t, "Authentic and in force")
	if asked := s.requests(); len(asked) > 0 {
		t.Errorf("the server was asked for %q", asked)
	}
	if link := evaluate[string](t, b, `document.querySelector("#result [data-slot=live-link]").href`); link != blue.URL {
		t.Errorf("the link to the live page is %s", link)
	}
}

// upload chooses a picture and waits for its verdict.
func (b *browser) upload(t *testing.T, file string) {
	t.Helper()
	b.choose(t, file)
	b.until(t, `document.querySelector("#result article")`)
}

func (b *browser) choose(t *testing.T, file string) {
	t.Helper()
	evaluate[bool](t, b, `document.querySelector("[data-slot=again]")?.click(); true`)
	if err := chromedp.Do(b.ctx, chromedp.SetUploadFiles("#picture", []string{file})); err != nil {
		t.Fatal(err)
	}
}

func qrPicture(t *testing.T, text string, scale int) []byte {
	t.Helper()
	qr, err := credential.NewQR(text)
	if err != nil {
		t.Fatal(err)
	}
	body, err := qr.PNG(scale)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func qrFile(t *testing.T, text string) string {
	t.Helper()
	return fileOf(t, "code.png", qrPicture(t, text, 6))
}

func fileOf(t *testing.T, name string, body []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sideBySide puts QR codes on one picture.
func sideBySide(t *testing.T, texts ...string) []byte {
	t.Helper()
	sheet := image.NewGray(image.Rect(0, 0, 420*len(texts), 420))
	draw.Draw(sheet, sheet.Bounds(), image.White, image.Point{}, draw.Src)
	for i, text := range texts {
		one, err := png.Decode(bytes.NewReader(qrPicture(t, text, 7)))
		if err != nil {
			t.Fatal(err)
		}
		draw.Draw(sheet, one.Bounds().Add(image.Pt(420*i+10, 20)), one, image.Point{}, draw.Src)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, sheet); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestCheckerPictures(t *testing.T) {
	s := newSite(t)
	b := startBrowser(t)
	b.visit(t, s, "en")
	green, blue := s.coloured(t, registry.ColourGreen), s.coloured(t, registry.ColourBlue)
	drawing, err := credential.NewQR(green.URL)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file         string
		body         []byte
		title, notes string
	}{
		"our PNG":               {"a.png", qrPicture(t, green.URL, 4), "Authentic and in force", ""},
		"our smallest PNG":      {"a.png", qrPicture(t, green.URL, 1), "Authentic and in force", ""},
		"our SVG":               {"a.svg", drawing.SVG(), "Authentic and in force", ""},
		"digits flipped":        {"a.png", qrPicture(t, testIssuer+"/v/"+altered(green.Digits), 4), "Not a code of ours", ""},
		"beside a foreign code": {"a.png", sideBySide(t, "https://example.org/pay?to=1", green.URL), "Authentic and in force", ""},
		"a foreign code":        {"a.png", qrPicture(t, "https://example.org/pay?to=1", 4), "Not readable as a code", ""},
		"two of ours":           {"a.png", sideBySide(t, green.URL, blue.URL), "", "more than one code"},
		"nothing to see":        {"a.png", blank(t), "", "No QR code was found"},
		"no picture at all":     {"a.png", []byte("hello"), "", "not a picture"},
		"a text with a .png":    {"a.txt", []byte("hello"), "", "not a picture"},
	} {
		t.Run(name, func(t *testing.T) {
			b.choose(t, fileOf(t, c.file, c.body))
			b.until(t, `document.querySelector("#result article") || !/^(Reading…)?$/.test(document.getElementById("said").textContent)`)
			if c.title != "" {
				b.wantTitle(t, c.title)
			} else if said := evaluate[string](t, b, `document.getElementById("said").textContent`); !strings.Contains(said, c.notes) {
				t.Errorf("it says %q", said)
			}
		})
	}
}

// blank is a picture of nothing.
func blank(t *testing.T) []byte {
	t.Helper()
	white := image.NewGray(image.Rect(0, 0, 300, 200))
	draw.Draw(white, white.Bounds(), image.White, image.Point{}, draw.Src)
	var out bytes.Buffer
	if err := png.Encode(&out, white); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A browser's own detector is used where there is one. One that fails or is blind leaves the work to our reader.
func TestCheckerBesideADetector(t *testing.T) {
	s := newSite(t)
	green, blue := s.coloured(t, registry.ColourGreen), s.coloured(t, registry.ColourBlue)
	for name, c := range map[string]struct{ detect, want string }{
		"it reads":    {`return [{rawValue: ` + quoted(blue.URL) + `}]`, blue.URL},
		"it fails":    {`throw new Error("no service")`, green.URL},
		"it is blind": {`return []`, green.URL},
	} {
		t.Run(name, func(t *testing.T) {
			b := startBrowser(t)
			b.prepare(t, `globalThis.BarcodeDetector = class { static async getSupportedFormats() { return ["qr_code"]; } async detect() { `+c.detect+`; } };`)
			b.visit(t, s, "en")
			b.upload(t, qrFile(t, green.URL))
			b.wantTitle(t, "Authentic and in force")
			if link := evaluate[string](t, b, `document.querySelector("#result [data-slot=live-link]").href`); link != c.want {
				t.Errorf("it read %s", link)
			}
		})
	}
}

// A picture may be dropped on the page or pasted.
func TestCheckerDropAndPaste(t *testing.T) {
	s := newSite(t)
	b := startBrowser(t)
	b.visit(t, s, "en")
	for name, event := range map[string]string{
		"dropped": `new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true})`,
		"pasted":  `new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true})`,
	} {
		t.Run(name, func(t *testing.T) {
			bytes, err := json.Marshal(toInts(qrPicture(t, s.coloured(t, registry.ColourGreen).URL, 4)))
			if err != nil {
				t.Fatal(err)
			}
			evaluate[bool](t, b, `{ document.querySelector("[data-slot=again]")?.click(); const data = new DataTransfer();
				data.items.add(new File([new Uint8Array(`+string(bytes)+`)], "a.png", {type: "image/png"})); document.body.dispatchEvent(`+event+`); } true`)
			b.until(t, `document.querySelector("#result article")`)
			b.wantTitle(t, "Authentic and in force")
			evaluate[bool](t, b, `{ const data = new DataTransfer(); data.items.add(new File(["hello"], "a.txt")); document.body.dispatchEvent(`+event+`); } true`)
			b.until(t, `!document.getElementById("input").hidden && document.getElementById("said").textContent.includes("not a picture")`)
			if other := evaluate[bool](t, b, `{ const data = new DataTransfer(); data.setData("text/plain", "a"); document.body.dispatchEvent(`+event+`) }`); !other {
				t.Error("text cannot be dropped into the page any more")
			}
		})
	}
}

func toInts(body []byte) []int {
	ints := make([]int, len(body))
	for i, one := range body {
		ints[i] = int(one)
	}
	return ints
}

// After the first visit the checker opens and verifies though the server is gone. Two days later it says that it does not know.
func TestCheckerWithoutANetwork(t *testing.T) {
	s := newSite(t)
	known := states(t, s)
	b := startBrowser(t)
	b.visit(t, s, "en")
	s.CloseClientConnections()
	s.Close()
	for _, address := range []string{"/verify", "/verify?lang=en", "/verify?lang=zh-CN"} {
		b.open(t, s.URL+address, 360, "light")
		b.until(t, ready)
	}
	b.visit(t, s, "en")
	b.enter(t, known["green"].text)
	b.wantTitle(t, "Authentic and in force")
	b.enter(t, known["revoked"].text)
	b.wantTitle(t, "This code has been revoked")
	b.upload(t, qrFile(t, known["green"].text))
	b.wantTitle(t, "Authentic and in force")
	b.refresh(t, "No network")
	b.wantTitle(t, "Authentic and in force")

	b.later(t, 48*time.Hour)
	b.visit(t, s, "en")
	b.enter(t, known["green"].text)
	b.wantTitle(t, "Authentic, but not known to be in force")
	b.shoot(t, "checker-stale-en")
	b.enter(t, known["superseded"].text) // final, however old the list
	b.wantTitle(t, "A newer code has replaced this one")
	b.enter(t, known["suspended"].text) // may have been resumed
	b.wantTitle(t, "Authentic, but not known to be in force")

	b.later(t, 90*24*time.Hour)
	b.visit(t, s, "zh-CN")
	b.enter(t, known["green"].text)
	b.wantTitle(t, "还不能核验")
	b.shoot(t, "checker-keys-expired-zh-CN")
}

// What was seen never goes back, and what does not verify changes nothing.
func TestCheckerRefusesOldAndForgedBundles(t *testing.T) {
	s := newSite(t)
	b := startBrowser(t)
	b.visit(t, s, "en")
	good := s.bundle
	code := s.coloured(t, registry.ColourGreen)
	b.enter(t, code.URL)
	b.wantTitle(t, "Authentic and in force")

	s.publish(t, time.Now().Add(-2*time.Hour))
	b.refresh(t, "older than one seen before")
	s.change(func() { s.bundle = bytes.Replace(good, []byte(`"lists":["`), []byte(`"lists":["A`), 1) })
	b.refresh(t, "thrown away")
	s.change(func() { s.bundle = []byte("<html>") })
	b.refresh(t, "thrown away")
	s.change(func() { s.bundle = nil })
	b.refresh(t, "not published")
	b.wantTitle(t, "Authentic and in force")
	b.visit(t, s, "en")
	b.enter(t, code.URL)
	b.wantTitle(t, "Authentic and in force")

	credential.PutStatus(s.status, code.Code.Index, credential.StatusRevoked)
	s.publish(t, time.Now().Add(time.Second))
	b.refresh(t, "up to date")
	b.until(t, `document.querySelector("#result [data-slot=title]").textContent === "This code has been revoked"`)
	s.change(func() { s.bundle = good })
	b.refresh(t, "older than one seen before")
	b.wantTitle(t, "This code has been revoked")
}

// A browser that keeps nothing still checks, and says that it will not work without a network.
func TestCheckerThatKeepsNothing(t *testing.T) {
	s := newSite(t)
	b := startBrowser(t)
	b.prepare(t, `IDBFactory.prototype.open = () => { throw new DOMException("not here", "SecurityError"); };`)
	b.open(t, s.URL+"/verify?lang=en", 360, "light")
	b.until(t, `document.getElementById("refresh-said").textContent.includes("cannot keep the data")`)
	b.enter(t, s.coloured(t, registry.ColourGreen).URL)
	b.wantTitle(t, "Authentic and in force")
	s.publish(t, time.Now().Add(-2*time.Hour))
	b.refresh(t, "older than one seen before")
	if bad := b.complaints(); len(bad) > 0 {
		t.Errorf("the browser complains: %q", bad)
	}
}

// With a clock that is slow the lists lie in the future and say nothing about today.
func TestCheckerWithASlowClock(t *testing.T) {
	s := newSite(t)
	b := startBrowser(t)
	b.visit(t, s, "en")
	b.later(t, -30*time.Minute)
	b.visit(t, s, "en")
	b.enter(t, s.issue(t, credential.Code{IssuedAt: unix(time.Now().Add(-48 * time.Hour)), Lifetime: 365, Index: 910}, credential.StatusValid).URL)
	b.wantTitle(t, "Authentic, but not known to be in force")
	shown := evaluate[string](t, b, `document.body.innerText`)
	for _, want := range []string{"The clock of this device may be slow", "in the future: the clock of this device may be slow"} {
		if !strings.Contains(shown, want) {
			t.Errorf("it does not say %q", want)
		}
	}
}

// Another root is refused until somebody says that he compared its fingerprint.
func TestCheckerPinsTheRoot(t *testing.T) {
	s := newSite(t)
	b := startBrowser(t)
	b.visit(t, s, "en")
	first := evaluate[string](t, b, `document.getElementById("root-print").textContent`)
	s.rootBy = newTestKey(t, 1)
	s.publish(t, time.Now().Add(time.Second))
	b.refresh(t, "not the one from before")
	b.visit(t, s, "en") // still the first one after a reload
	b.refresh(t, "not the one from before")
	b.shoot(t, "checker-root-changed-en")
	prints := evaluate[[]string](t, b, `["root-print", "root-old", "root-new"].map(id => document.getElementById(id).textContent)`)
	if prints[0] != first || prints[1] != first || prints[2] == first || len(prints[2]) < 43 {
		t.Errorf("the fingerprints are %q, the first one is %q", prints, first)
	}
	b.enter(t, s.coloured(t, registry.ColourGreen).URL)
	b.wantTitle(t, "Authentic and in force")
	if !evaluate[bool](t, b, `document.getElementById("root-accept").disabled`) {
		t.Error("the new root can be accepted without a comparison")
	}
	evaluate[bool](t, b, `document.getElementById("root-compared").click(); document.getElementById("root-accept").click(); true`)
	b.until(t, `document.getElementById("root-changed").hidden && document.getElementById("root-print").textContent === `+quoted(prints[2]))
	b.until(t, `document.getElementById("refresh-said").textContent === "The lists are up to date."`)
	b.wantTitle(t, "Authentic and in force")
}

// Without root and lists nothing is said about any code.
func TestCheckerWithNothingToCheckWith(t *testing.T) {
	s := newSite(t)
	s.change(func() { s.root, s.bundle = nil, nil })
	b := startBrowser(t)
	b.open(t, s.URL+"/verify?lang=en", 360, "light")
	b.until(t, `document.getElementById("refresh-said").textContent.includes("not published")`)
	b.enter(t, s.coloured(t, registry.ColourGreen).URL)
	b.wantTitle(t, "Nothing to check with yet")
	b.shoot(t, "checker-nothing-en")
	s.publish(t, time.Now())
	b.refresh(t, "up to date")
	b.until(t, `document.querySelector("#result [data-slot=title]").textContent === "Authentic and in force"`)
}

// Lists signed with SM2 cannot be checked in a browser: nothing is trusted, and the page says why.
func TestCheckerOfAnSM2Issuer(t *testing.T) {
	s := newSite(t)
	s.listsBy = s.addKey(t, credential.SM2SM3, 3)
	s.publish(t, time.Now())
	b := startBrowser(t)
	b.open(t, s.URL+"/verify?lang=en", 360, "light")
	b.until(t, `document.getElementById("refresh-said").textContent.includes("SM2, which browsers do not have")`)
	b.enter(t, s.coloured(t, registry.ColourGreen).URL)
	b.wantTitle(t, "Nothing to check with yet")
}

// The whole way: what the service itself publishes verifies in the browser.
func TestCheckerWithTheServiceItself(t *testing.T) {
	w := theWorld(t)
	srv := httptest.NewServer(w.handler(t, nil))
	t.Cleanup(srv.Close)
	b := startBrowser(t)
	b.visit(t, &site{Server: srv}, "en")
	b.enter(t, w.codes[w.first].URL)
	b.wantTitle(t, "Authentic and in force")
	live, err := w.db.Assessment(t.Context(), w.first)
	if err != nil {
		t.Fatal(err)
	}
	if got := evaluate[string](t, b, `document.querySelector("#result [data-slot=colour]").textContent`); got != web.Term(web.English, "colour", live.Colour.String()) {
		t.Errorf("the colour is %q, want %s", got, live.Colour)
	}
}

// A newer checker is offered, and taken when the reader says so.
func TestCheckerUpdates(t *testing.T) {
	s := newSite(t)
	b := startBrowser(t)
	b.visit(t, s, "en")
	b.visit(t, s, "en")
	s.change(func() { s.engine = s.world.handler(t, func(c *Config) { c.Demo = false }) })
	b.open(t, s.URL+"/verify?lang=en", 360, "light")
	b.until(t, `!document.getElementById("update-ready").hidden`)
	if !evaluate[bool](t, b, `!!document.querySelector(".hc-demo")`) {
		t.Error("the page changed by itself")
	}
	evaluate[bool](t, b, `document.getElementById("update").click(); true`)
	b.until(t, `!document.querySelector(".hc-demo") && document.getElementById("offline").textContent.startsWith("Works")`)
}

// A foreign code before the camera is said and passed over.
func TestCheckerCameraPassesOver(t *testing.T) {
	s := newSite(t)
	b := startBrowser(t, chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("use-file-for-fake-video-capture", fileOf(t, "camera.y4m", film(t, "https://example.org/pay?to=1"))))
	b.visit(t, s, "en")
	evaluate[bool](t, b, `document.getElementById("camera-start").click(); true`)
	b.until(t, `document.getElementById("said").textContent.includes("not a health code")`)
	b.shoot(t, "checker-camera-en")
	evaluate[bool](t, b, `document.getElementById("camera-stop").click(); true`)
	b.until(t, `document.getElementById("camera").hidden && document.getElementById("view").srcObject === null && document.activeElement.id === "camera-start"`)
	evaluate[bool](t, b, `document.getElementById("camera-start").click(); document.getElementById("camera-stop").click(); true`) // before it is on
	b.until(t, `document.getElementById("camera").hidden && document.getElementById("view").srcObject === null`)
	evaluate[bool](t, b, `navigator.mediaDevices.getUserMedia({video: true}).then(s => s.getTracks().forEach(t => t.stop())).then(() => true)`, chromedp.EvalAwaitPromise)
	if evaluate[bool](t, b, `document.getElementById("view").srcObject !== null`) {
		t.Error("the camera came on after it was stopped")
	}
}

// The camera reads a code that is held before it. Its pictures come from a file; everything else is the browser's own.
func TestCheckerCamera(t *testing.T) {
	s := newSite(t)
	green := s.coloured(t, registry.ColourGreen)
	b := startBrowser(t, chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("use-file-for-fake-video-capture", fileOf(t, "camera.y4m", film(t, green.URL))))
	b.visit(t, s, "en")
	evaluate[bool](t, b, `document.getElementById("camera-start").click(); true`)
	b.until(t, `document.querySelector("#result article")`)
	b.wantTitle(t, "Authentic and in force")
	if on := evaluate[bool](t, b, `document.getElementById("view").srcObject !== null`); on {
		t.Error("the camera is still on")
	}
}

// A camera that is not allowed or not there is explained, and the other ways stay.
func TestCheckerCameraRefused(t *testing.T) {
	s := newSite(t)
	for name, c := range map[string]struct {
		options []chromedp.ExecAllocatorOption
		want    string
	}{
		"denied":  {[]chromedp.ExecAllocatorOption{chromedp.Flag("use-fake-device-for-media-stream", true)}, "not allowed"},
		"missing": {[]chromedp.ExecAllocatorOption{chromedp.Flag("use-fake-ui-for-media-stream", true)}, "No camera was found"},
	} {
		t.Run(name, func(t *testing.T) {
			b := startBrowser(t, c.options...)
			if name == "denied" {
				b.deny(t, s.URL)
			}
			b.visit(t, s, "en")
			evaluate[bool](t, b, `document.getElementById("camera-start").click(); true`)
			b.until(t, `document.getElementById("said").textContent.includes(`+quoted(c.want)+`)`)
			b.enter(t, s.coloured(t, registry.ColourGreen).URL)
			b.wantTitle(t, "Authentic and in force")
		})
	}
}

func (b *browser) deny(t *testing.T, origin string) {
	t.Helper()
	err := chromedp.Do(b.ctx, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, cdpbrowser.SetPermission, cdpbrowser.SetPermissionParams{Permission: &cdpbrowser.PermissionDescriptor{Name: "camera"},
			Setting: cdpbrowser.PermissionSettingDenied, Origin: origin})
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
}

// film is a few frames of a QR code on grey, as YUV4MPEG2.
func film(t *testing.T, text string) []byte {
	t.Helper()
	const width, height = 640, 480
	frame := image.NewGray(image.Rect(0, 0, width, height))
	draw.Draw(frame, frame.Bounds(), image.NewUniform(color.Gray{170}), image.Point{}, draw.Src)
	code, err := png.Decode(bytes.NewReader(qrPicture(t, text, 5)))
	if err != nil {
		t.Fatal(err)
	}
	draw.Draw(frame, code.Bounds().Add(image.Pt(180, 100)), code, image.Point{}, draw.Src)
	var out bytes.Buffer
	fmt.Fprintf(&out, "YUV4MPEG2 W%d H%d F10:1 Ip A1:1 C420jpeg\n", width, height)
	for range 5 {
		out.WriteString("FRAME\n")
		out.Write(frame.Pix)
		out.Write(bytes.Repeat([]byte{128}, width*height/2))
	}
	return out.Bytes()
}
