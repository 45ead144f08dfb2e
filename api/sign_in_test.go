package api

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/web"

	"github.com/pquerna/otp/totp"
)

func TestSignInByPassword(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	d.staff(t, "zhang.min", everywhere)
	gone := d.staff(t, "gone", everywhere)
	if err := d.db.DisableAccount(t.Context(), gone, d.at); err != nil {
		t.Fatal(err)
	}
	addSeenElsewhere(t, d)
	for name, c := range map[string]struct{ login, password string }{
		"wrong password":              {"zhang.min", "four plain words her"},
		"no password":                 {"zhang.min", ""},
		"unknown login":               {"nobody", rightPassword},
		"no login":                    {"", rightPassword},
		"a disabled account":          {"gone", rightPassword},
		"one that signs in elsewhere": {"elsewhere", ""},
	} {
		answer := d.password(c.login, c.password)
		if answer.Code != http.StatusUnauthorized || answer.Header().Get("Set-Cookie") != "" || !strings.Contains(answer.Body.String(), web.Term(web.English, "problem", "wrong_credentials")) && !strings.Contains(answer.Body.String(), web.Term(web.Chinese, "problem", "wrong_credentials")) {
			t.Errorf("%s: status %d, %s", name, answer.Code, answer.Header())
		}
	}
	if answer := d.password("zhang\x00min", rightPassword); answer.Code != http.StatusBadRequest || answer.Header().Get("Set-Cookie") != "" {
		t.Errorf("a login that is no text: status %d", answer.Code)
	}
	answer := d.password("Zhang.Min", rightPassword)
	if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "/regions" {
		t.Fatalf("status %d to %s", answer.Code, answer.Header().Get("Location"))
	}
	if page := get(d.h, "/regions", sessionOf(t, answer)...); page.Code != http.StatusOK {
		t.Errorf("signed in: status %d", page.Code)
	}
	if page := get(d.h, "/api/v1/regions", "Cookie", sessionCookie+"=guess"); page.Code != http.StatusUnauthorized {
		t.Errorf("a guessed session: status %d", page.Code)
	}
}

func addSeenElsewhere(t *testing.T, d *desk) {
	t.Helper()
	id := d.staff(t, "elsewhere", everywhere)
	if err := d.db.SetPassword(t.Context(), id, "", d.at); err != nil {
		t.Fatal(err)
	}
}

func TestLockout(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	id := d.staff(t, "li", everywhere)
	for range 5 {
		d.password("li", "not at all the password")
	}
	if answer := d.password("li", rightPassword); answer.Code != http.StatusUnauthorized {
		t.Errorf("locked: status %d", answer.Code)
	}
	d.at = d.at.Add(time.Minute)
	if answer := d.password("li", rightPassword); answer.Code != http.StatusSeeOther {
		t.Errorf("after a minute: status %d", answer.Code)
	}
	if a, err := d.db.Account(t.Context(), id); err != nil || a.Failures != 0 {
		t.Errorf("failures that are not forgiven: %+v, %v", a, err)
	}
}

// Who sends many guesses at once gets few of them looked at.
func TestLockoutOfManyAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	id := d.staff(t, "li", everywhere)
	var all sync.WaitGroup
	for range 24 {
		all.Go(func() { d.password("li", "not at all the password") })
	}
	all.Wait()
	a, err := d.db.Account(t.Context(), id)
	if err != nil || a.Failures < 5 || a.Failures > 5+comparedAtOnce {
		t.Errorf("%d failures were looked at, %v", a.Failures, err)
	}
}

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	id := d.staff(t, "wu", everywhere)
	began := d.at
	for name, c := range map[string]struct {
		every, life time.Duration // a request every so often, for so long
		want        int
	}{
		"used all day":          {29 * time.Minute, 11*time.Hour + 30*time.Minute, http.StatusOK},
		"idle":                  {31 * time.Minute, 31 * time.Minute, http.StatusUnauthorized},
		"older than half a day": {29 * time.Minute, 12*time.Hour + 10*time.Minute, http.StatusUnauthorized},
	} {
		d.at = began
		session, last := as(t, d.db, id, began), 0
		for d.at.Sub(began) < c.life {
			d.at = d.at.Add(c.every)
			last = get(d.h, "/api/v1/regions", session...).Code
		}
		if last != c.want {
			t.Errorf("%s: status %d", name, last)
		}
	}
	d.at = began
	session := as(t, d.db, id, began)
	if err := d.db.SetRights(t.Context(), id, []access.Grant{{Role: access.Admin}}, nil); err != nil {
		t.Fatal(err)
	}
	problem(t, get(d.h, "/api/v1/regions", session...), http.StatusForbidden, "forbidden")
	if err := d.db.DisableAccount(t.Context(), id, d.at); err != nil {
		t.Fatal(err)
	}
	problem(t, get(d.h, "/api/v1/regions", session...), http.StatusUnauthorized, "not_signed_in")
}

func TestSecondFactor(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	secret := d.secondFactor(t, d.staff(t, "chen", everywhere))
	code := func(at time.Time) string {
		text, err := totp.GenerateCode(secret, at)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	try := func(session []string, code string) (status int, after []string) {
		answer := post(d.h, "/login", url.Values{"code": {code}, "next": {"/regions"}}, session...)
		if answer.Code == http.StatusSeeOther {
			after = sessionOf(t, answer)
		}
		return answer.Code, after
	}
	answer := d.password("chen", rightPassword)
	half := sessionOf(t, answer)
	if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), "one-time-code") {
		t.Fatalf("status %d: the code is not asked for", answer.Code)
	}
	problem(t, get(d.h, "/api/v1/regions", half...), http.StatusUnauthorized, "not_signed_in")
	wrong := code(d.at.Add(time.Hour))
	if status, _ := try(half, wrong); status != http.StatusUnauthorized {
		t.Errorf("a wrong code: status %d", status)
	}
	if status, _ := try(nil, code(d.at)); status != http.StatusUnauthorized {
		t.Errorf("a code without a password: status %d", status)
	}
	status, whole := try(half, code(d.at))
	if status != http.StatusSeeOther || get(d.h, "/api/v1/regions", whole...).Code != http.StatusOK {
		t.Fatalf("the right code: status %d", status)
	}
	if status, _ := try(half, code(d.at)); status != http.StatusUnauthorized {
		t.Errorf("the waiting session lived on: status %d", status)
	}
	if status, _ := try(whole, code(d.at)); status != http.StatusUnauthorized {
		t.Errorf("a whole session took a code: status %d", status)
	}
	if status, _ := try(sessionOf(t, d.password("chen", rightPassword)), code(d.at)); status != http.StatusUnauthorized {
		t.Errorf("the same code again: status %d", status)
	}
	late := sessionOf(t, d.password("chen", rightPassword))
	d.at = d.at.Add(secondFactorLife)
	if status, _ := try(late, code(d.at)); status != http.StatusUnauthorized {
		t.Errorf("a code that came too late: status %d", status)
	}
}

func TestSecondFactorIsLockedToo(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	secret := d.secondFactor(t, d.staff(t, "chen", everywhere))
	half := sessionOf(t, d.password("chen", rightPassword))
	for range 5 {
		post(d.h, "/login", url.Values{"code": {"12345x"}}, half...)
	}
	code, err := totp.GenerateCode(secret, d.at)
	if err != nil {
		t.Fatal(err)
	}
	if answer := post(d.h, "/login", url.Values{"code": {code}}, half...); answer.Code != http.StatusUnauthorized {
		t.Errorf("status %d", answer.Code)
	}
}

func TestSignInLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"/regions?lang=en": "/regions?lang=en", "": "/", "regions": "/", "//evil.example": "/", "https://evil.example/": "/", "/\\evil.example": "/",
		"\\\\evil.example": "/", "javascript:alert(1)": "/", "/\tevil": "/", "/a\r\nSet-Cookie: x=y": "/", "///evil.example": "/", "http:evil": "/", "/%zz": "/",
	} {
		if got := ownPath(next); got != want {
			t.Errorf("%q leads to %q", next, got)
		}
	}
	d := newDesk(t, nil)
	d.staff(t, "wu", everywhere)
	answer := post(d.h, "/login", url.Values{"login": {"wu"}, "password": {rightPassword}, "next": {"//evil.example/x"}})
	if got := answer.Header().Get("Location"); answer.Code != http.StatusSeeOther || got != "/" {
		t.Errorf("status %d to %q", answer.Code, got)
	}
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	id := d.staff(t, "wu", everywhere)
	session, other := as(t, d.db, id, d.at), as(t, d.db, id, d.at)
	if answer := post(d.h, "/logout", nil, append(session, "Sec-Fetch-Site", "cross-site")...); answer.Code != http.StatusForbidden {
		t.Errorf("a foreign page signed somebody out: status %d", answer.Code)
	}
	if get(d.h, "/api/v1/regions", session...).Code != http.StatusOK {
		t.Error("a foreign page ended the session")
	}
	answer := post(d.h, "/logout", nil, session...)
	if answer.Code != http.StatusSeeOther || !strings.Contains(answer.Header().Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("status %d, %s", answer.Code, answer.Header())
	}
	problem(t, get(d.h, "/api/v1/regions", session...), http.StatusUnauthorized, "not_signed_in")
	if get(d.h, "/api/v1/regions", other...).Code != http.StatusOK {
		t.Error("another session of the account ended too")
	}
	if answer := post(d.h, "/logout", nil, session...); answer.Code != http.StatusSeeOther {
		t.Errorf("signing out twice: status %d", answer.Code)
	}
}

func TestForeignPagesSignNobodyIn(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	d.staff(t, "wu", everywhere)
	for name, headers := range map[string][]string{
		"a new browser":  {"Sec-Fetch-Site", "cross-site"},
		"a sister site":  {"Sec-Fetch-Site", "same-site"},
		"an old browser": {"Sec-Fetch-Site", "", "Origin", "https://evil.example"},
	} {
		answer := post(d.h, "/login", url.Values{"login": {"wu"}, "password": {rightPassword}}, headers...)
		if answer.Code != http.StatusForbidden || answer.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: status %d", name, answer.Code)
		}
	}
}

// A person without a session is led to the sign-in page and back; a program is told by a problem.
func TestGuardedAddresses(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	if got := get(d.h, "/api/v1/regions").Code; got != http.StatusOK {
		t.Errorf("the machine itself, without any account: status %d", got)
	}
	id := d.staff(t, "first", access.Grant{Role: access.Admin})
	answer := get(d.h, "/regions?lang=en", "Accept", "text/html")
	if want := "/login?next=" + url.QueryEscape("/regions?lang=en"); answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != want {
		t.Errorf("a page: status %d to %s", answer.Code, answer.Header().Get("Location"))
	}
	refused := get(d.h, "/api/v1/regions", "Accept", "application/json")
	problem(t, refused, http.StatusUnauthorized, "not_signed_in")
	if refused.Header().Get("WWW-Authenticate") == "" {
		t.Error("a program is not told how to sign in")
	}
	if answer := get(d.h, "/regions", append(as(t, d.db, id, d.at), "Accept", "text/html")...); answer.Code != http.StatusForbidden {
		t.Errorf("one without the role: status %d", answer.Code)
	}
	if answer := get(d.h, "/login", "Accept", "text/html"); answer.Code != http.StatusOK || strings.Contains(answer.Body.String(), "name=\"demo\"") {
		t.Errorf("the sign-in page: status %d", answer.Code)
	}
}

func TestOneClickSignIn(t *testing.T) {
	t.Parallel()
	demo := func(c *Config) {
		c.Demo, c.DemoAccounts = true, []web.DemoAccount{{Login: "reader", Title: web.Phrase{ZhCN: "查阅", En: "Reader"}}}
	}
	for name, c := range map[string]struct {
		change  func(*Config)
		login   string
		headers []string
		want    int
	}{
		"on this machine":        {demo, "reader", nil, http.StatusSeeOther},
		"one that is not listed": {demo, "other", nil, http.StatusUnauthorized},
		"through a proxy":        {demo, "reader", []string{"X-Forwarded-For", "192.0.2.1"}, http.StatusUnauthorized},
		"real data":              {func(c *Config) { demo(c); c.Demo = false }, "reader", nil, http.StatusUnauthorized},
	} {
		d := newDesk(t, c.change)
		d.staff(t, "reader", everywhere)
		d.staff(t, "other", everywhere)
		if answer := post(d.h, "/login", url.Values{"demo": {c.login}}, c.headers...); answer.Code != c.want {
			t.Errorf("%s: status %d", name, answer.Code)
		}
	}
}
