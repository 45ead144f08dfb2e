package api

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"healthcode/access"
)

func (c *counter) ticket(t testing.TB, who, body string) TicketMade {
	t.Helper()
	answer := c.post("/api/v1/enterprises/"+string(c.target)+"/tickets", who, body)
	if answer.Code != http.StatusCreated || answer.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("status %d: %s", answer.Code, answer.Body)
	}
	return decoded[TicketMade](t, answer)
}

func redeemed(ticket string) string { return `{"ticket":"` + ticket + `"}` }

func TestTicketGivesThePurposeOnce(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	for name, k := range map[string]struct{ who, body string }{
		"its own people, any partner": {"own", `{"purpose":"permitting"}`},
		"staff, for the bank":         {"staff", `{"purpose":"permitting","partner":"bank"}`},
	} {
		made := c.ticket(t, k.who, k.body)
		if made.USCC != c.target || made.Purpose != access.PurposePermitting || !made.ExpiresAt.Equal(c.now.Add(TicketLife)) {
			t.Errorf("%s: %+v", name, made)
		}
		problem(t, c.ask("bank", "permitting"), http.StatusForbidden, "purpose_not_held")
		answer := c.post("/api/v1/verify", "bank", redeemed(made.Ticket))
		told := decoded[TicketAnswer](t, answer)
		if answer.Code != http.StatusOK || told.Enterprise.USCC != c.target || told.Purpose != access.PurposePermitting {
			t.Errorf("%s: status %d: %s", name, answer.Code, answer.Body)
		}
		problem(t, c.post("/api/v1/verify", "bank", redeemed(made.Ticket)), http.StatusConflict, "ticket_used")
	}
	for _, purpose := range access.Purposes {
		made := c.ticket(t, "own", fmt.Sprintf(`{"purpose":%q}`, purpose))
		got := pathsOf(t, c.post("/api/v1/verify", "none", redeemed(made.Ticket)).Body.Bytes())
		want := map[string]bool{}
		for _, member := range strings.Fields("checked_at enterprise enterprise.uscc enterprise.name enterprise.region purpose disclosed") {
			want[member] = true
		}
		for _, member := range strings.Fields(toldMembers[purpose]) {
			want["disclosed."+member] = true
		}
		for _, path := range got {
			if !want[path] {
				t.Errorf("%s tells %s", purpose, path)
			}
			delete(want, path)
		}
		if len(want) > 0 {
			t.Errorf("%s does not tell %v", purpose, want)
		}
	}
	page, err := c.db.LooksAt(t.Context(), access.Everything(), c.target, "", 50)
	if err != nil || len(page.Items) != 6 || page.Items[0].Means != "ticket" {
		t.Errorf("looks: %+v, %v", page, err)
	}
}

func TestTicketsThatAreNotTaken(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	foreign := c.ticket(t, "own", `{"purpose":"finance","partner":"all"}`).Ticket
	short := c.ticket(t, "own", `{"purpose":"finance","expires_at":"`+c.now.Add(time.Minute).Format(time.RFC3339)+`"}`).Ticket
	open := c.ticket(t, "own", `{"purpose":"finance"}`).Ticket
	c.at = c.now.Add(time.Minute)
	for name, k := range map[string]struct {
		who, body   string
		status      int
		code, field string
	}{
		"another's":            {"bank", redeemed(foreign), 403, "ticket_foreign", ""},
		"at its end":           {"bank", redeemed(short), 410, "ticket_expired", ""},
		"nobody's":             {"bank", redeemed(access.NewTicket(c.target).Text()), 404, "unknown_ticket", ""},
		"another enterprise's": {"bank", redeemed("hct_91350100M000100Y43" + open[len("hct_91350100M000100Y43"):]), 404, "unknown_ticket", ""},
		"cut":                  {"bank", redeemed(open[:40]), 400, "invalid_field", "ticket"},
		"zero byte":            {"bank", `{"ticket":"hct_\u0000"}`, 400, "invalid_field", "ticket"},
		"number":               {"bank", `{"ticket":1}`, 400, "invalid_field", "ticket"},
		"beside a code":        {"bank", `{"ticket":"` + open + `","code":"1"}`, 400, "invalid_field", "ticket"},
		"beside a purpose":     {"bank", `{"ticket":"` + open + `","purpose":"finance"}`, 400, "invalid_field", "ticket"},
		"by nobody":            {"nobody", redeemed(open), 401, "not_signed_in", ""},
		"by staff":             {"staff", redeemed(open), 403, "forbidden", ""},
		"by its own people":    {"own", redeemed(open), 403, "forbidden", ""},
		"for another scope":    {"sender", redeemed(open), 403, "forbidden", ""},
	} {
		p := problem(t, c.post("/api/v1/verify", k.who, k.body), k.status, k.code)
		if k.field != "" && (len(p.Errors) != 1 || p.Errors[0].Field != k.field) {
			t.Errorf("%s: %+v", name, p.Errors)
		}
	}
	if page, err := c.db.LooksAt(t.Context(), access.Everything(), c.target, "", 50); err != nil || len(page.Items) != 0 {
		t.Errorf("looks that were none: %+v, %v", page, err)
	}
	if answer := c.post("/api/v1/verify", "bank", redeemed(open)); answer.Code != http.StatusOK {
		t.Errorf("a refused try used the ticket up: %d", answer.Code)
	}
}

func TestTicketsThatAreNotMade(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	if err := c.db.DisablePartner(t.Context(), c.bank, c.now); err != nil {
		t.Fatal(err)
	}
	at := func(d time.Duration) string { return c.now.Add(d).Format(time.RFC3339) }
	for name, k := range map[string]struct{ body, field string }{
		"nothing":              {`{}`, "purpose"},
		"unknown purpose":      {`{"purpose":"curiosity"}`, "purpose"},
		"unknown partner":      {`{"purpose":"finance","partner":"a stranger"}`, "partner"},
		"disabled partner":     {`{"purpose":"finance","partner":"bank"}`, "partner"},
		"naughty partner":      {`{"purpose":"finance","partner":"x\u0000' OR 1=1 --"}`, "partner"},
		"more than a week":     {`{"purpose":"finance","expires_at":"` + at(MaxTicketLife+time.Second) + `"}`, "expires_at"},
		"now":                  {`{"purpose":"finance","expires_at":"` + at(0) + `"}`, "expires_at"},
		"no instant":           {`{"purpose":"finance","expires_at":"tomorrow"}`, "expires_at"},
		"number as an instant": {`{"purpose":"finance","expires_at":7}`, "expires_at"},
		"unknown member":       {`{"purpose":"finance","uscc":"x"}`, "uscc"},
	} {
		p := problem(t, c.post("/api/v1/enterprises/"+string(c.target)+"/tickets", "own", k.body), http.StatusBadRequest, "invalid_field")
		if len(p.Errors) != 1 || p.Errors[0].Field != k.field {
			t.Errorf("%s: %+v, want %s", name, p.Errors, k.field)
		}
	}
	for range 100 {
		c.ticket(t, "own", `{"purpose":"finance","expires_at":"`+at(MaxTicketLife)+`"}`)
	}
	problem(t, c.post("/api/v1/enterprises/"+string(c.target)+"/tickets", "own", `{"purpose":"finance"}`), http.StatusConflict, "too_many_tickets")
}

func TestTicketCountsOnceInARace(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	body := redeemed(c.ticket(t, "own", `{"purpose":"finance"}`).Ticket)
	var group sync.WaitGroup
	var answered, used atomic.Int32
	for i := range 16 {
		group.Go(func() {
			switch answer := c.post("/api/v1/verify", []string{"bank", "all"}[i%2], body); answer.Code {
			case http.StatusOK:
				answered.Add(1)
			case http.StatusConflict:
				used.Add(1)
			default:
				t.Errorf("status %d: %s", answer.Code, answer.Body)
			}
		})
	}
	group.Wait()
	if answered.Load() != 1 || used.Load() != 15 {
		t.Errorf("answered %d times, refused %d times", answered.Load(), used.Load())
	}
}

func TestTicketsAreListedAndWithdrawn(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	path := "/api/v1/enterprises/" + string(c.target) + "/tickets"
	list := func(who, query string) List[TicketItem] {
		t.Helper()
		answer := get(c.h, path+query, c.keys[who]...)
		if answer.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", who, answer.Code, answer.Body)
		}
		return decoded[List[TicketItem]](t, answer)
	}
	used, open := c.ticket(t, "own", `{"purpose":"finance","partner":"bank"}`), c.ticket(t, "own", `{"purpose":"permitting"}`)
	short := c.ticket(t, "own", `{"purpose":"finance","expires_at":"`+c.now.Add(time.Minute).Format(time.RFC3339)+`"}`)
	if answer := c.post("/api/v1/verify", "bank", redeemed(used.Ticket)); answer.Code != http.StatusOK {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	c.at = c.now.Add(time.Minute)
	states := map[string]TicketItem{}
	for cursor := ""; ; {
		page := list("own", "?limit=1"+cursor)
		states[page.Items[0].ID] = page.Items[0]
		if page.Next == "" {
			break
		}
		cursor = "&cursor=" + url.QueryEscape(page.Next)
	}
	if u := states[used.ID]; len(states) != 3 || u.State != TicketUsed || u.UsedBy != "bank" || u.Partner != "bank" || u.UsedAt.IsZero() || states[open.ID].State != TicketOpen || states[short.ID].State != TicketExpired {
		t.Errorf("%+v", states)
	}
	if text := get(c.h, path, c.keys["staff"]...).Body.String(); strings.Contains(text, "hct_") || strings.Contains(text, access.Secret(strings.TrimPrefix(used.Ticket, "hct_"+string(c.target)+"_")).Hash()) {
		t.Errorf("a list tells a secret: %s", text)
	}
	problem(t, get(c.h, path+"?cursor=x", c.keys["own"]...), http.StatusBadRequest, "invalid_field")
	remove := func(who, id string) *httptest.ResponseRecorder {
		return call(c.h, http.MethodDelete, path+"/"+id, nil, c.keys[who]...)
	}
	problem(t, remove("bank", open.ID), http.StatusForbidden, "forbidden")
	problem(t, remove("own", used.ID), http.StatusConflict, "ticket_used")
	problem(t, remove("own", short.ID), http.StatusGone, "ticket_expired")
	problem(t, remove("own", "none"), http.StatusNotFound, "unknown_ticket")
	if answer := remove("own", open.ID); answer.Code != http.StatusNoContent {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	problem(t, c.post("/api/v1/verify", "bank", redeemed(open.Ticket)), http.StatusNotFound, "unknown_ticket")
	if len(list("staff", "").Items) != 2 {
		t.Error("it is still listed")
	}
}

// The page makes a ticket, shows it once, and takes it back.
func TestTicketsOnThePageOfTheEnterprise(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	at := "/enterprises/" + string(c.target)
	send := func(who, path string, form url.Values) *httptest.ResponseRecorder {
		return sendForm(c.h, path+"?lang=en", form, append(slices.Clone(c.keys[who]), "Sec-Fetch-Site", "same-origin", "Accept", "text/html")...)
	}
	form := url.Values{"purpose": {"finance"}, "partner": {"bank"}, "days": {"3"}}
	made := send("own", at+"/tickets", form)
	text := regexp.MustCompile(`hct_[0-9A-Z]{18}_[A-Za-z0-9_-]{43}`).FindString(made.Body.String())
	if made.Code != http.StatusOK || text == "" || made.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %q %q", made.Code, text, made.Header().Get("Cache-Control"))
	}
	page := get(c.h, at+"?lang=en", append(slices.Clone(c.keys["own"]), "Accept", "text/html")...).Body.String()
	items := decoded[List[TicketItem]](t, get(c.h, "/api/v1"+at+"/tickets", c.keys["own"]...)).Items
	if len(items) != 1 || strings.Contains(page, text) || !strings.Contains(page, items[0].ID+"/withdraw") || !items[0].ExpiresAt.Equal(c.now.AddDate(0, 0, 3).Truncate(time.Second)) {
		t.Errorf("listed: %+v", items)
	}
	for name, change := range map[string][2]string{"a stranger": {"partner", "<b>nobody</b>"}, "no purpose": {"purpose", "curiosity"}} {
		wrong := maps.Clone(form)
		wrong[change[0]] = []string{change[1]}
		answer := send("own", at+"/tickets", wrong)
		if body := answer.Body.String(); answer.Code != http.StatusBadRequest || !strings.Contains(body, `role="alert"`) || strings.Contains(body, "<b>nobody") {
			t.Errorf("%s: %d", name, answer.Code)
		}
	}
	for _, days := range []string{"0", "8", "x", ""} {
		if answer := send("own", at+"/tickets", url.Values{"purpose": {"finance"}, "days": {days}}); answer.Code != http.StatusBadRequest {
			t.Errorf("%q days: %d", days, answer.Code)
		}
	}
	for range 2 { // the second finds nothing, and says so
		answer := send("own", at+"/tickets/"+items[0].ID+"/withdraw", url.Values{})
		if answer.Code != http.StatusSeeOther && answer.Code != http.StatusNotFound {
			t.Errorf("%d %s", answer.Code, answer.Body)
		}
	}
	problem(t, c.post("/api/v1/verify", "bank", redeemed(text)), http.StatusNotFound, "unknown_ticket")
}
