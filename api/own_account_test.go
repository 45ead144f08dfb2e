package api

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"

	"github.com/pquerna/otp/totp"
)

var (
	sessionField = regexp.MustCompile(`name="session" value="([0-9a-f]{16})"`)
	offerField   = regexp.MustCompile(`name="offer" value="([^"]+)"`)
	secretText   = regexp.MustCompile(`<span class="hc-code">([A-Z2-7]{32})</span>`)
)

func TestOwnSessions(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	id := d.staff(t, "wu", everywhere, access.Grant{Role: access.Approver, Region: "330402"})
	here, there := as(t, d.db, id, d.at), as(t, d.db, id, d.at.Add(-60e9))
	stranger := as(t, d.db, d.staff(t, "other", everywhere), d.at)
	page := get(d.h, "/account", append(here, "Accept", "text/html", "Accept-Language", "en")...)
	ids := sessionField.FindAllStringSubmatch(page.Body.String(), -1)
	if page.Code != http.StatusOK || len(ids) != 2 || !strings.Contains(page.Body.String(), "Approver") || !strings.Contains(page.Body.String(), "Signed in as wu") {
		t.Fatalf("status %d with %d sessions: %.2000s", page.Code, len(ids), page.Body)
	}
	if answer := post(d.h, "/account/sessions", url.Values{"session": {ids[1][1]}}, stranger...); answer.Code != http.StatusNotFound {
		t.Errorf("somebody else's session: status %d", answer.Code)
	}
	if answer := post(d.h, "/account/sessions", url.Values{"session": {ids[1][1]}}, append(here, "Sec-Fetch-Site", "cross-site")...); answer.Code != http.StatusForbidden {
		t.Errorf("a foreign page: status %d", answer.Code)
	}
	if get(d.h, "/account", there...).Code != http.StatusOK {
		t.Fatal("the other session ended by itself")
	}
	if answer := post(d.h, "/account/sessions", url.Values{"session": {ids[1][1]}}, here...); answer.Code != http.StatusSeeOther {
		t.Errorf("status %d", answer.Code)
	}
	if get(d.h, "/account", there...).Code != http.StatusUnauthorized || get(d.h, "/account", here...).Code != http.StatusOK {
		t.Error("the wrong session ended")
	}
}

func TestChangeOwnPassword(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	id := d.staff(t, "wu.hao", everywhere)
	here, there := as(t, d.db, id, d.at), as(t, d.db, id, d.at)
	const fresh = "another plain phrase"
	for name, form := range map[string]url.Values{
		"wrong old one":  {"old": {"not the old one"}, "new": {fresh}, "again": {fresh}},
		"typed wrongly":  {"old": {rightPassword}, "new": {fresh}, "again": {fresh + "x"}},
		"too short":      {"old": {rightPassword}, "new": {"short"}, "again": {"short"}},
		"the login name": {"old": {rightPassword}, "new": {"wu.hao wu.hao"}, "again": {"wu.hao wu.hao"}},
	} {
		if answer := post(d.h, "/account/password", form, here...); answer.Code != http.StatusUnprocessableEntity || !strings.Contains(answer.Body.String(), `role="alert"`) {
			t.Errorf("%s: status %d", name, answer.Code)
		}
	}
	answer := post(d.h, "/account/password", url.Values{"login": {"wu.hao"}, "old": {rightPassword}, "new": {fresh}, "again": {fresh}}, here...)
	if answer.Code != http.StatusSeeOther {
		t.Fatalf("status %d: %.300s", answer.Code, answer.Body)
	}
	for _, old := range [][]string{here, there} {
		if get(d.h, "/account", old...).Code != http.StatusUnauthorized {
			t.Error("a session outlived its password")
		}
	}
	if get(d.h, "/account", sessionOf(t, answer)...).Code != http.StatusOK || d.password("wu.hao", fresh).Code != http.StatusSeeOther {
		t.Error("the new password does not work")
	}
}

func TestOwnSecondFactor(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	id := d.staff(t, "wu", everywhere)
	here, stranger := as(t, d.db, id, d.at), as(t, d.db, d.staff(t, "other", everywhere), d.at)
	offered := html.UnescapeString(post(d.h, "/account/second-factor", nil, here...).Body.String())
	offer, secret := offerField.FindStringSubmatch(offered), secretText.FindStringSubmatch(offered)
	if offer == nil || secret == nil || !strings.Contains(offered, "data:image/svg+xml;base64,") {
		t.Fatalf("no offer: %.2000s", offered)
	}
	code, err := totp.GenerateCode(secret[1], d.at)
	if err != nil {
		t.Fatal(err)
	}
	wrong := post(d.h, "/account/second-factor", url.Values{"offer": {offer[1]}, "code": {"000000"}}, here...)
	if wrong.Code != http.StatusUnprocessableEntity || secretText.FindStringSubmatch(wrong.Body.String())[1] != secret[1] {
		t.Errorf("a wrong code: status %d", wrong.Code)
	}
	if answer := post(d.h, "/account/second-factor", url.Values{"offer": {offer[1]}, "code": {code}}, stranger...); answer.Code != http.StatusBadRequest {
		t.Errorf("somebody else's offer: status %d", answer.Code)
	}
	if answer := post(d.h, "/account/second-factor", url.Values{"offer": {offer[1]}, "code": {code}}, here...); answer.Code != http.StatusOK {
		t.Fatalf("status %d", answer.Code)
	} else if codes := recoveryText.FindAllString(answer.Body.String(), -1); len(codes) != access.RecoveryCodes {
		t.Errorf("%d recovery codes are shown", len(codes))
	}
	if answer := d.password("wu", rightPassword); answer.Code != http.StatusOK {
		t.Errorf("the second factor is not asked for: status %d", answer.Code)
	}
	if answer := post(d.h, "/account/second-factor/off", url.Values{"code": {code}}, here...); answer.Code != http.StatusUnprocessableEntity {
		t.Errorf("a used code turned it off: status %d", answer.Code)
	}
	d.at = d.at.Add(60e9)
	if code, err = totp.GenerateCode(secret[1], d.at); err != nil {
		t.Fatal(err)
	}
	if answer := post(d.h, "/account/second-factor/off", url.Values{"code": {code}}, here...); answer.Code != http.StatusSeeOther {
		t.Errorf("status %d", answer.Code)
	}
	if answer := d.password("wu", rightPassword); answer.Code != http.StatusSeeOther {
		t.Errorf("it is still asked for: status %d", answer.Code)
	}
}

// Who may not see the first page is led to where they begin.
func TestWherePeopleBegin(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	const code registry.USCC = "91350100M000100Y43"
	for name, c := range map[string]struct {
		account schema.Account
		want    string
	}{
		"an enterprise": {schema.Account{Login: "firm", Kind: access.Enterprise, Owns: []registry.USCC{code}}, "/enterprises/" + string(code)},
		"an admin":      {schema.Account{Login: "root", Kind: access.Staff, Grants: []access.Grant{{Role: access.Admin}}}, "/account"},
		"an agency":     {schema.Account{Login: "lab", Kind: access.Agency, Agency: "lab"}, "/account"},
	} {
		answer := get(d.h, "/", append(as(t, d.db, addAccount(t, d.db, c.account), d.at), "Accept", "text/html")...)
		if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != c.want {
			t.Errorf("%s: status %d to %s", name, answer.Code, answer.Header().Get("Location"))
		}
	}
}
