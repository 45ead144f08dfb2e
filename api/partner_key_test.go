package api

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/schema"

	"github.com/gin-gonic/gin"
)

func TestPartnerKeys(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	s, err := newServer(Config{Log: slog.New(slog.DiscardHandler), Store: d.db, Now: func() time.Time { return d.at }})
	if err != nil {
		t.Fatal(err)
	}
	until := d.at.Add(time.Hour)
	id, key := addPartner(t, d.db, schema.Partner{Name: "bank", Purposes: []access.Purpose{access.PurposeFinance}}, until, access.ScopeVerify)
	_, near := addPartner(t, d.db, schema.Partner{Name: "near", Addresses: []string{"127.0.0.0/8"}}, until, access.ScopeVerify)
	_, far := addPartner(t, d.db, schema.Partner{Name: "far", Addresses: []string{"192.0.2.0/24", "2001:db8::/32"}}, until, access.ScopeVerify)
	_, old := addPartner(t, d.db, schema.Partner{Name: "old"}, d.at, access.ScopeVerify)
	_, revoked := addPartner(t, d.db, schema.Partner{Name: "revoked"}, until, access.ScopeVerify)
	gone, disabled := addPartner(t, d.db, schema.Partner{Name: "gone"}, until, access.ScopeVerify)
	for _, err := range []error{d.db.RevokePartnerKey(t.Context(), revoked.Prefix, d.at), d.db.DisablePartner(t.Context(), gone, d.at)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	other := access.APIKey{Prefix: key.Prefix, Secret: access.NewSecret()}
	for name, c := range map[string]struct {
		header, from string
		want         bool
	}{
		"the key":               {"Bearer " + key.Text(), "127.0.0.1:1", true},
		"in small letters":      {"bearer " + key.Text(), "127.0.0.1:1", true},
		"another secret":        {"Bearer " + other.Text(), "127.0.0.1:1", false},
		"another scheme":        {"Basic " + key.Text(), "127.0.0.1:1", false},
		"no key":                {"Bearer", "127.0.0.1:1", false},
		"nonsense":              {"Bearer hck_", "127.0.0.1:1", false},
		"an unknown prefix":     {"Bearer " + access.NewAPIKey().Text(), "127.0.0.1:1", false},
		"from its network":      {"Bearer " + near.Text(), "127.0.0.1:1", true},
		"from elsewhere":        {"Bearer " + far.Text(), "127.0.0.1:1", false},
		"from its own":          {"Bearer " + far.Text(), "192.0.2.9:1", true},
		"from its own, mapped":  {"Bearer " + far.Text(), "[::ffff:192.0.2.9]:1", true},
		"from its own, IPv6":    {"Bearer " + far.Text(), "[2001:db8::1]:1", true},
		"expired":               {"Bearer " + old.Text(), "127.0.0.1:1", false},
		"revoked":               {"Bearer " + revoked.Text(), "127.0.0.1:1", false},
		"of a disabled partner": {"Bearer " + disabled.Text(), "127.0.0.1:1", false},
	} {
		caller, err := whoCalls(t, s, func(r *http.Request) {
			r.RemoteAddr = c.from
			r.Header.Set("Authorization", c.header)
			r.Header.Set("X-Forwarded-For", "192.0.2.9") // believed of nobody
		})
		if (err == nil) != c.want || err == nil && caller.Kind != access.Partner {
			t.Errorf("%s: %+v, %v", name, caller, err)
		}
	}
	caller, err := whoCalls(t, s, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+key.Text()) })
	if err != nil || caller.ID != id || caller.Name != "bank" || !caller.Has(access.ScopeVerify) || caller.Has(access.ScopeRecords) || !caller.Names(access.PurposeFinance) {
		t.Errorf("%+v, %v", caller, err)
	}
	if used, err := d.db.PartnerKey(t.Context(), key.Prefix); err != nil || !used.UsedAt.Equal(d.at) {
		t.Errorf("%+v, %v", used, err)
	}
	// A key opens no page of the staff, whatever else the request carries.
	problem(t, get(d.h, "/api/v1/regions", bearer(key)...), http.StatusForbidden, "forbidden")
	problem(t, get(d.h, "/api/v1/regions", bearer(other)...), http.StatusUnauthorized, "not_signed_in")
	person := as(t, d.db, d.staff(t, "wu", everywhere), d.at)
	problem(t, get(d.h, "/api/v1/regions", append(person, bearer(other)...)...), http.StatusUnauthorized, "not_signed_in")
}

// whoCalls asks the server who makes a request.
func whoCalls(t *testing.T, s *server, change func(*http.Request)) (caller *access.Caller, err error) {
	t.Helper()
	e := gin.New()
	if err := e.SetTrustedProxies(nil); err != nil {
		t.Fatal(err)
	}
	e.GET("/who", func(c *gin.Context) { caller, err = s.caller(c) })
	r := httptest.NewRequest(http.MethodGet, "/who", nil)
	r.RemoteAddr, r.Host = "127.0.0.1:40000", "localhost:8080"
	change(r)
	e.ServeHTTP(httptest.NewRecorder(), r)
	return caller, err
}
