package api

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"healthcode/access"

	"github.com/pquerna/otp/totp"
)

var recoveryText = regexp.MustCompile(`[a-z2-7]{4}-[a-z2-7]{4}-[a-z2-7]{4}-[a-z2-7]{4}`)

// A recovery code takes the place of the second factor once; new ones end the old.
func TestRecovery(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	id := d.staff(t, "chen", everywhere)
	secret := d.secondFactor(t, id)
	renew := func(code string) []string {
		t.Helper()
		answer := post(d.h, "/account/recovery", url.Values{"code": {code}}, as(t, d.db, id, d.at)...)
		if answer.Code != http.StatusOK || answer.Header().Get("Cache-Control") != "no-store" {
			t.Fatalf("status %d: %.300s", answer.Code, answer.Body)
		}
		return recoveryText.FindAllString(answer.Body.String(), -1)
	}
	signIn := func(code string) int {
		half := sessionOf(t, d.password("chen", rightPassword))
		return post(d.h, "/login", url.Values{"code": {code}}, half...).Code
	}
	code, err := totp.GenerateCode(secret, d.at)
	if err != nil {
		t.Fatal(err)
	}
	first := renew(code)
	if len(first) != access.RecoveryCodes {
		t.Fatalf("%d codes", len(first))
	}
	if answer := post(d.h, "/account/recovery", url.Values{"code": {code}}, as(t, d.db, id, d.at)...); answer.Code != http.StatusUnprocessableEntity {
		t.Errorf("new ones for a used code: status %d", answer.Code)
	}
	if status := signIn(strings.ToUpper(first[0])); status != http.StatusSeeOther {
		t.Errorf("a recovery code: status %d", status)
	}
	if status := signIn(first[0]); status != http.StatusUnauthorized {
		t.Errorf("the same again: status %d", status)
	}
	if page := get(d.h, "/account?lang=en", append(as(t, d.db, id, d.at), "Accept", "text/html")...).Body.String(); !strings.Contains(page, "9 recovery codes are left") ||
		recoveryText.MatchString(page) {
		t.Error("the page does not say how many are left, or shows them again")
	}
	second := renew(first[1])
	if status := signIn(first[2]); status != http.StatusUnauthorized {
		t.Errorf("one of the old: status %d", status)
	}
	if status := signIn(second[2]); status != http.StatusSeeOther {
		t.Errorf("one of the new: status %d", status)
	}
	other := d.staff(t, "li", everywhere)
	d.secondFactor(t, other)
	half := sessionOf(t, d.password("li", rightPassword))
	if answer := post(d.h, "/login", url.Values{"code": {second[3]}}, half...); answer.Code != http.StatusUnauthorized {
		t.Errorf("somebody else's: status %d", answer.Code)
	}
}
