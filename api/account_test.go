package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"healthcode/access"
)

// admin signs in an administrator and returns how to send JSON as that person.
func (d *desk) admin(t *testing.T) func(method, target string, body any) *httptest.ResponseRecorder {
	t.Helper()
	session := as(t, d.db, d.staff(t, "root", access.Grant{Role: access.Admin}), d.at)
	return func(method, target string, body any) *httptest.ResponseRecorder {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		return call(d.h, method, target, strings.NewReader(string(text)), append(session, "Content-Type", typeJSON)...)
	}
}

type object map[string]any

func TestAccountsAreKept(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	send := d.admin(t)
	added := send(http.MethodPost, "/api/v1/accounts", object{"login": "Li.Hua", "password": rightPassword, "roles": []string{"reader:330402", "approver"}})
	item := decoded[AccountItem](t, added)
	if added.Code != http.StatusCreated || item.Login != "li.hua" || item.Kind != access.Staff || len(item.Roles) != 2 || strings.Contains(added.Body.String(), "argon2") {
		t.Fatalf("status %d: %s", added.Code, added.Body)
	}
	for name, c := range map[string]struct {
		target string
		body   any
		status int
		code   string
	}{
		"taken":                   {"", object{"login": "LI.hua", "password": rightPassword, "roles": []string{"reader"}}, 409, "account_taken"},
		"a simple password":       {"", object{"login": "wu", "password": "aaaaaaaaaaaa", "roles": []string{"reader"}}, 400, "invalid_field"},
		"no password":             {"", object{"login": "wu", "roles": []string{"reader"}}, 400, "invalid_field"},
		"no right":                {"", object{"login": "wu", "password": rightPassword}, 400, "invalid_field"},
		"an unknown role":         {"", object{"login": "wu", "password": rightPassword, "roles": []string{"boss"}}, 400, "invalid_field"},
		"roles and an enterprise": {"", object{"login": "wu", "password": rightPassword, "roles": []string{"reader"}, "enterprises": []string{"91350100M000100Y43"}}, 400, "invalid_field"},
		"no USCC":                 {"", object{"login": "wu", "password": rightPassword, "enterprises": []string{"1"}}, 400, "invalid_field"},
		"a name that is none":     {"", object{"login": "吴", "password": rightPassword, "roles": []string{"reader"}}, 400, "invalid_field"},
		"a member too many":       {"", object{"login": "wu", "totp": "x"}, 400, "invalid_field"},
		"rights of nobody":        {"/nobody/rights", object{"roles": []string{"reader"}}, 404, "unknown_account"},
		"staff become a firm":     {"/li.hua/rights", object{"enterprises": []string{"91350100M000100Y43"}}, 409, "other_kind"},
		"a short password":        {"/li.hua/password", object{"password": "short"}, 400, "invalid_field"},
		"disabled with a word":    {"/li.hua/disable", object{"why": "x"}, 400, "invalid_field"},
	} {
		t.Run(name, func(t *testing.T) {
			problem(t, send(http.MethodPost, "/api/v1/accounts"+c.target, c.body), c.status, c.code)
		})
	}
	session := sessionOf(t, d.password("li.hua", rightPassword))
	if got := decoded[AccountItem](t, send(http.MethodPost, "/api/v1/accounts/li.hua/rights", object{"roles": []string{"reader:330411"}})); len(got.Roles) != 1 {
		t.Errorf("%+v", got)
	}
	if answer := send(http.MethodPost, "/api/v1/accounts/li.hua/password", object{"password": "another plain phrase"}); answer.Code != http.StatusOK {
		t.Errorf("status %d: %s", answer.Code, answer.Body)
	}
	problem(t, get(d.h, "/api/v1/regions", session...), http.StatusUnauthorized, "not_signed_in")
	a, err := d.db.AccountOf(t.Context(), "li.hua")
	if err != nil {
		t.Fatal(err)
	}
	d.secondFactor(t, a.ID)
	if got := decoded[AccountItem](t, send(http.MethodPost, "/api/v1/accounts/li.hua/totp-reset", object{})); got.SecondFactor {
		t.Error("the second factor is still there")
	}
	if got := decoded[AccountItem](t, send(http.MethodPost, "/api/v1/accounts/li.hua/disable", object{})); got.DisabledAt.IsZero() {
		t.Error("not disabled")
	}
	first := decoded[List[AccountItem]](t, send(http.MethodGet, "/api/v1/accounts?limit=1", nil))
	second := decoded[List[AccountItem]](t, send(http.MethodGet, "/api/v1/accounts?limit=1&kind=staff&cursor="+first.Next, nil))
	if len(first.Items) != 1 || first.Items[0].Login != "li.hua" || len(second.Items) != 1 || second.Items[0].Login != "root" || second.Next != "" {
		t.Errorf("%+v, then %+v", first, second)
	}
	problem(t, send(http.MethodGet, "/api/v1/accounts?kind=x", nil), http.StatusBadRequest, "invalid_field")
}

func TestPartnersAreKept(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	send := d.admin(t)
	bank := object{"name": "某银行", "purposes": []string{"finance"}, "sources": []string{"bank"}, "addresses": []string{"127.0.0.0/8"}}
	added := send(http.MethodPost, "/api/v1/partners", bank)
	at := added.Header().Get("Location")
	if item := decoded[PartnerItem](t, added); added.Code != http.StatusCreated || at == "" || item.Name != "某银行" || len(item.Purposes) != 1 {
		t.Fatalf("status %d: %s", added.Code, added.Body)
	}
	for name, c := range map[string]struct {
		target string
		body   any
		status int
		code   string
	}{
		"the same name":       {"/api/v1/partners", bank, 409, "partner_taken"},
		"an unknown purpose":  {"/api/v1/partners", object{"name": "x", "purposes": []string{"gossip"}}, 400, "invalid_field"},
		"no network":          {"/api/v1/partners", object{"name": "x", "addresses": []string{"127.0.0.1"}}, 400, "invalid_field"},
		"no name":             {"/api/v1/partners", object{}, 400, "invalid_field"},
		"the source of lists": {"/api/v1/partners", object{"name": "x", "sources": []string{"listing"}}, 400, "invalid_field"},
		"two words a source":  {"/api/v1/partners", object{"name": "x", "sources": []string{"a b"}}, 400, "invalid_field"},
		"no scope":            {at + "/keys", object{}, 400, "invalid_field"},
		"an unknown scope":    {at + "/keys", object{"scopes": []string{"all"}}, 400, "invalid_field"},
		"a key for ever":      {at + "/keys", object{"scopes": []string{"verify"}, "days": 9999}, 400, "invalid_field"},
		"nobody's key":        {"/api/v1/partners/99/keys", object{"scopes": []string{"verify"}}, 404, "unknown_partner"},
		"an unknown key":      {at + "/keys/0000000000/revoke", object{}, 404, "unknown_partner_key"},
		"a long overlap":      {at + "/keys/0000000000/rotate", object{"overlap_hours": 1}, 404, "unknown_partner_key"},
	} {
		t.Run(name, func(t *testing.T) { problem(t, send(http.MethodPost, c.target, c.body), c.status, c.code) })
	}
	made := send(http.MethodPost, at+"/keys", object{"scopes": []string{"verify", "changes"}})
	key := decoded[PartnerKeyItem](t, made)
	if made.Code != http.StatusCreated || !key.ExpiresAt.Equal(d.at.Add(KeyLife)) {
		t.Fatalf("status %d: %s", made.Code, made.Body)
	}
	works := func(key PartnerKeyItem) bool { // a known key is forbidden on a page of the staff, another one is nobody's
		return get(d.h, "/api/v1/regions", "Authorization", "Bearer "+key.Key).Code == http.StatusForbidden
	}
	listed := send(http.MethodGet, at+"/keys", nil)
	if !works(key) || strings.Contains(listed.Body.String(), key.Key[15:]) || !strings.Contains(listed.Body.String(), key.Prefix) {
		t.Errorf("the key, or the list: %s", listed.Body)
	}
	next := decoded[PartnerKeyItem](t, send(http.MethodPost, at+"/keys/"+key.Prefix+"/rotate", object{"overlap_hours": 2}))
	if !works(key) || !works(next) || len(next.Scopes) != 2 {
		t.Error("both keys work while they are exchanged")
	}
	d.at = d.at.Add(2 * time.Hour)
	if works(key) || !works(next) {
		t.Error("the old key ends with the overlap")
	}
	d.at = d.at.Add(-2 * time.Hour)
	if answer := send(http.MethodPost, at+"/keys/"+next.Prefix+"/revoke", object{}); answer.Code != http.StatusOK || works(next) {
		t.Errorf("status %d: a revoked key works", answer.Code)
	}
	if got := decoded[PartnerItem](t, send(http.MethodPost, at+"/disable", object{})); got.DisabledAt.IsZero() || works(key) {
		t.Error("a key of a disabled partner works")
	}
	if all := decoded[List[PartnerItem]](t, send(http.MethodGet, "/api/v1/partners?limit=1", nil)); len(all.Items) != 1 || all.Next != "" {
		t.Errorf("%+v", all)
	}
}
