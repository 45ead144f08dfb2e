package api

import (
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/web"

	"github.com/chromedp/chromedp"
)

// Signing in, one's own account and signing out as people do it: narrow and wide, in both languages, with a keyboard and without barriers.
func TestSigningInInTheBrowser(t *testing.T) {
	axe, err := os.ReadFile("testdata/axe-4.14.1.min.js")
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, func(c *Config) {
		c.Demo, c.DemoAccounts = true, []web.DemoAccount{{Login: "county.reader", Title: web.Phrase{ZhCN: "南湖区查阅人员", En: "Reader of one county"}}}
	})
	d.at = time.Now()
	d.staff(t, "zhang.min", everywhere, access.Grant{Role: access.Approver, Region: "330402"})
	d.staff(t, "county.reader", access.Grant{Role: access.Reader, Region: "330402"})
	srv := httptest.NewServer(d.h)
	t.Cleanup(srv.Close)
	b := startBrowser(t)
	for _, one := range []struct {
		language, scheme string
		width            int64
	}{{"zh-CN", "light", 360}, {"en", "dark", 360}, {"en", "light", 1280}} {
		name := "-" + one.language + "-" + one.scheme
		b.open(t, srv.URL+"/?lang="+one.language, one.width, one.scheme)
		b.at(t, "/login")
		b.open(t, srv.URL+"/login?next=/account&lang="+one.language, one.width, one.scheme)
		b.look(t, "sign-in"+name, string(axe), one.language)
		b.keys(t, "zhang.min\t"+rightPassword+"\r")
		b.at(t, "/account")
		b.open(t, srv.URL+"/account?lang="+one.language, one.width, one.scheme)
		b.look(t, "account"+name, string(axe), one.language)
		b.click(t, `form[action^="/account/second-factor"] button`)
		b.look(t, "second-factor"+name, string(axe), one.language)
		b.click(t, `form[action^="/logout"] button`)
		b.at(t, "/login")
		b.click(t, `button:has(.hc-code)`)
		b.at(t, "/")
		b.click(t, `form[action^="/logout"] button`)
	}
}

// at checks where the browser is.
func (b *browser) at(t *testing.T, path string) {
	t.Helper()
	if got := evaluate[string](t, b, "location.pathname"); got != path {
		t.Fatalf("the browser is at %s, want %s: %s", got, path, strings.Join(b.complaints(), "; "))
	}
}

func (b *browser) look(t *testing.T, name, axe, language string) {
	t.Helper()
	b.shoot(t, name)
	b.check(t, axe, language)
}

// click clicks what a selector finds first and waits for the page that follows.
func (b *browser) click(t *testing.T, selector string) {
	t.Helper()
	b.follow(t, chromedp.Click(selector))
}

// keys types into what has the focus, as the page opened it, and waits for the page that follows.
func (b *browser) keys(t *testing.T, typed string) {
	t.Helper()
	b.follow(t, chromedp.KeyEvent(typed))
}

func (b *browser) follow(t *testing.T, step chromedp.Action[chromedp.Void]) {
	t.Helper()
	if _, err := chromedp.RunResponse(b.ctx, step); err != nil {
		t.Fatal(err)
	}
}
