package api

import (
	"net/http/httptest"
	"os"
	"strconv"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/schema"

	"github.com/chromedp/chromedp"
)

// Tickets are made in a browser that runs no script of ours, seen on a small screen, and usable by everybody.
func TestTicketsInTheBrowser(t *testing.T) {
	w := ownWorld(t)
	axe, err := os.ReadFile("testdata/axe-4.14.1.min.js")
	if err != nil {
		t.Fatal(err)
	}
	bank, err := w.db.AddPartner(t.Context(), schema.Partner{Name: "嘉兴某某农村商业银行股份有限公司"})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		k := schema.Ticket{USCC: w.first, Hash: access.NewSecret().Hash(), Purpose: access.PurposeFinance, PartnerID: bank * int64(n%2), CreatedAt: w.now, ExpiresAt: w.now.Add(time.Duration(n) * time.Hour)}
		if err := w.db.AddTicket(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
	srv := httptest.NewServer(w.handler(t, nil))
	t.Cleanup(srv.Close)
	b := startBrowser(t)
	for _, one := range []struct {
		language, scheme string
		width            int64
	}{{"zh-CN", "light", 360}, {"en", "dark", 360}, {"en", "light", 1280}} {
		b.open(t, srv.URL+"/enterprises/"+string(w.first)+"?lang="+one.language, one.width, one.scheme)
		evaluate[bool](t, b, `document.querySelector("[aria-labelledby=tickets] form button[type=submit]").click(); true`)
		if err := chromedp.Do(b.ctx, chromedp.WaitVisible(".hc-made .hc-code")); err != nil {
			t.Fatal(err)
		}
		b.shoot(t, "tickets-"+one.language+"-"+strconv.FormatInt(one.width, 10)+"-"+one.scheme)
		b.check(t, string(axe), one.language)
	}
	if bad := b.complaints(); len(bad) > 0 {
		t.Errorf("the browser complains: %q", bad)
	}
}
