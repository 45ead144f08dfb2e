package api

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/schema"
)

// desk is where people sign in: an empty register with accounts, a real engine over it, and a clock that a test moves.
type desk struct {
	db *schema.DB
	h  http.Handler
	at time.Time

	seal access.SealKey
}

const rightPassword = "four plain words here"

var rightHash = sync.OnceValues(func() (string, error) { return access.HashPassword(rightPassword) })

func newDesk(t testing.TB, change func(*Config)) *desk {
	t.Helper()
	db := emptyDB(t)
	d := &desk{db: db, at: time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC), seal: access.SealKey{1, 2, 3}}
	c := Config{Log: slog.New(slog.DiscardHandler), Store: db, Now: func() time.Time { return d.at }, Seal: d.seal}
	if change != nil {
		change(&c)
	}
	var err error
	if d.h, err = New(c); err != nil {
		t.Fatal(err)
	}
	return d
}

// staff adds a member of staff who signs in with rightPassword.
func (d *desk) staff(t testing.TB, login string, grants ...access.Grant) int64 {
	t.Helper()
	return addAccount(t, d.db, schema.Account{Login: login, Kind: access.Staff, Grants: grants})
}

func addAccount(t testing.TB, db *schema.DB, a schema.Account) int64 {
	t.Helper()
	hash, err := rightHash()
	if err != nil {
		t.Fatal(err)
	}
	a.PasswordHash = hash
	id, err := db.AddAccount(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// secondFactor gives an account a second factor and returns its secret.
func (d *desk) secondFactor(t testing.TB, id int64) string {
	t.Helper()
	secret := access.NewTOTP()
	sealed, err := d.seal.Seal(secret, purposeTOTP(id))
	if err := errors.Join(err, d.db.SetTOTP(t.Context(), id, sealed)); err != nil {
		t.Fatal(err)
	}
	return secret
}

// post sends a form from this machine, as a browser on our own pages does.
func post(h http.Handler, target string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	headers = append([]string{"Content-Type", typeForm, "Accept", "text/html", "Sec-Fetch-Site", "same-origin"}, headers...)
	return call(h, http.MethodPost, target, strings.NewReader(form.Encode()), headers...)
}

func (d *desk) password(login, password string) *httptest.ResponseRecorder {
	return post(d.h, "/login", url.Values{"login": {login}, "password": {password}, "next": {"/regions"}})
}

// sessionOf returns the header that sends the session which an answer began.
func sessionOf(t testing.TB, answer *httptest.ResponseRecorder) []string {
	t.Helper()
	for _, cookie := range answer.Result().Cookies() {
		if cookie.Name != sessionCookie {
			continue
		}
		if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" {
			t.Errorf("the cookie is %+v", cookie)
		}
		return []string{"Cookie", sessionCookie + "=" + cookie.Value}
	}
	t.Fatalf("status %d began no session: %.300s", answer.Code, answer.Body)
	return nil
}

// as begins a whole session of an account, as the sign-in page does, and returns the header that sends it.
func as(t testing.TB, db *schema.DB, account int64, now time.Time) []string {
	t.Helper()
	secret := access.NewSecret()
	err := db.AddSession(t.Context(), schema.Session{Hash: secret.Hash(), AccountID: account, Passed: true, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(sessionLife)})
	if err != nil {
		t.Fatal(err)
	}
	return []string{"Cookie", sessionCookie + "=" + string(secret)}
}

// addPartner stores a partner with one key and returns the header that sends it.
func addPartner(t testing.TB, db *schema.DB, p schema.Partner, expires time.Time, scopes ...access.Scope) (id int64, key access.APIKey) {
	t.Helper()
	id, err := db.AddPartner(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	key = access.NewAPIKey()
	row := schema.PartnerKey{Prefix: key.Prefix, PartnerID: id, Hash: key.Secret.Hash(), Scopes: scopes, ExpiresAt: expires}
	if err := db.AddPartnerKey(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	return id, key
}

func bearer(key access.APIKey) []string { return []string{"Authorization", "Bearer " + key.Text()} }

var everywhere = access.Grant{Role: access.Reader}
