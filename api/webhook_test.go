package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/schema"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// send sends JSON and asks for JSON.
func send(t *testing.T, h http.Handler, method, target string, body any, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return call(h, method, target, strings.NewReader(string(text)), append([]string{"Content-Type", typeJSON}, headers...)...)
}

const hooksAt = "/api/v1/webhooks"

// A partner keeps its own webhooks, sees no other's, and sees each secret once; the database holds it sealed.
func TestWebhooksOfAPartner(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	admin := as(t, d.db, d.staff(t, "admin", access.Grant{Role: access.Admin}), d.at)
	until := d.at.Add(time.Hour)
	id, key := addPartner(t, d.db, schema.Partner{Name: "bank"}, until, access.ScopeChanges)
	_, other := addPartner(t, d.db, schema.Partner{Name: "other"}, until, access.ScopeChanges)
	answer := send(t, d.h, http.MethodPost, hooksAt, object{"url": "https://bank.example/hc?x=1", "topics": []string{"grade.changed"}}, bearer(key)...)
	made := decoded[WebhookItem](t, answer)
	at := hooksAt + "/" + made.ID
	if answer.Code != http.StatusCreated || answer.Header().Get("Location") != at || answer.Header().Get("Cache-Control") != "no-store" || made.PartnerID != id || made.State != "active" {
		t.Fatalf("%d %+v", answer.Code, made)
	}
	if _, err := webhooks.NewWebhook(made.Secret); err != nil || !strings.HasPrefix(made.Secret, "whsec_") || len(made.Secret) != 6+44 {
		t.Errorf("the secret is no Standard Webhooks secret: %v", err)
	}
	for _, target := range []string{hooksAt, at, at + "/deliveries"} {
		for who, headers := range map[string][]string{"its own": bearer(key), "the administrator": admin} {
			answer := get(d.h, target, headers...)
			if answer.Code != http.StatusOK || strings.Contains(answer.Body.String(), "secret") || target == hooksAt && !strings.Contains(answer.Body.String(), made.ID) {
				t.Errorf("%s: %s: %d %s", who, target, answer.Code, answer.Body)
			}
		}
	}
	if list := decoded[List[WebhookItem]](t, get(d.h, hooksAt, bearer(other)...)); len(list.Items) != 0 {
		t.Errorf("another partner sees %+v", list)
	}
	for method, target := range map[string]string{"GET": at, "DELETE": at, "POST": at + "/enable"} {
		problem(t, call(d.h, method, target, nil, bearer(other)...), http.StatusNotFound, "unknown_webhook")
	}
	problem(t, send(t, d.h, http.MethodPost, at+"/rotate", object{}, bearer(other)...), http.StatusNotFound, "unknown_webhook")
	problem(t, send(t, d.h, http.MethodPost, at+"/redeliver", object{"after": 0}, bearer(other)...), http.StatusNotFound, "unknown_webhook")

	rotated := decoded[WebhookItem](t, send(t, d.h, http.MethodPost, at+"/rotate", object{"overlap_days": 3}, bearer(key)...))
	for when, want := range map[time.Time][]string{d.at.AddDate(0, 0, 3).Add(-time.Second): {rotated.Secret, made.Secret}, d.at.AddDate(0, 0, 3): {rotated.Secret}} {
		sealed, err := d.db.WebhookSecrets(t.Context(), made.ID, when)
		if err != nil {
			t.Fatal(err)
		}
		var open []string
		for _, text := range sealed {
			if strings.Contains(text, "whsec") {
				t.Error("a secret is stored as it is")
			}
			secret, err := d.seal.Open(text, access.PurposeWebhook(made.ID))
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, secret)
		}
		if fmt.Sprint(open) != fmt.Sprint(want) {
			t.Errorf("at %s %d secrets are valid, want %d", when, len(open), len(want))
		}
	}
	if w := decoded[WebhookItem](t, send(t, d.h, http.MethodPost, at+"/enable", object{}, admin...)); w.ID != made.ID || w.Secret != "" {
		t.Errorf("%+v", w)
	}
	if w := decoded[WebhookItem](t, send(t, d.h, http.MethodPost, at+"/redeliver", object{"after": 0}, bearer(key)...)); w.Position != 0 {
		t.Errorf("%+v", w)
	}
	theirs := decoded[WebhookItem](t, send(t, d.h, http.MethodPost, hooksAt, object{"url": "https://bank.example/", "partner_id": id}, admin...))
	if theirs.PartnerID != id || len(theirs.Topics) != 0 {
		t.Errorf("%+v", theirs)
	}
	if gone := call(d.h, http.MethodDelete, at, nil, bearer(key)...); gone.Code != http.StatusNoContent {
		t.Errorf("deleted: %d", gone.Code)
	}
	problem(t, get(d.h, at, bearer(key)...), http.StatusNotFound, "unknown_webhook")
	for range schema.MaxWebhooks - 1 {
		send(t, d.h, http.MethodPost, hooksAt, object{"url": "https://bank.example/"}, bearer(key)...)
	}
	problem(t, send(t, d.h, http.MethodPost, hooksAt, object{"url": "https://bank.example/"}, bearer(key)...), http.StatusConflict, "too_many_webhooks")
}

func TestBadWebhooks(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	id, key := addPartner(t, d.db, schema.Partner{Name: "bank"}, d.at.Add(time.Hour), access.ScopeChanges)
	one := decoded[WebhookItem](t, send(t, d.h, http.MethodPost, hooksAt, object{"url": "https://bank.example/"}, bearer(key)...))
	at := hooksAt + "/" + one.ID
	for name, c := range map[string]struct {
		target string
		body   object
		field  string
	}{
		"no address":              {hooksAt, object{}, "url"},
		"a number":                {hooksAt, object{"url": 1}, "url"},
		"http":                    {hooksAt, object{"url": "http://bank.example/"}, "url"},
		"another scheme":          {hooksAt, object{"url": "gopher://bank.example/"}, "url"},
		"a file":                  {hooksAt, object{"url": "file:///etc/passwd"}, "url"},
		"no host":                 {hooksAt, object{"url": "https:///x"}, "url"},
		"no scheme":               {hooksAt, object{"url": "//bank.example"}, "url"},
		"a user":                  {hooksAt, object{"url": "https://u:p@bank.example/"}, "url"},
		"a fragment":              {hooksAt, object{"url": "https://bank.example/#x"}, "url"},
		"a header":                {hooksAt, object{"url": "https://bank.example/\r\nX: y"}, "url"},
		"a blank":                 {hooksAt, object{"url": "https://bank.example/ x"}, "url"},
		"a zero byte":             {hooksAt, object{"url": "https://bank.example/\x00"}, "url"},
		"long":                    {hooksAt, object{"url": "https://bank.example/" + strings.Repeat("x", 1024)}, "url"},
		"this machine":            {hooksAt, object{"url": "https://127.0.0.1/"}, "url"},
		"this machine, mapped":    {hooksAt, object{"url": "https://[::ffff:127.0.0.1]/"}, "url"},
		"a bad port":              {hooksAt, object{"url": "https://bank.example:x/"}, "url"},
		"cloud metadata":          {hooksAt, object{"url": "https://169.254.169.254/latest"}, "url"},
		"an unknown topic":        {hooksAt, object{"url": "https://bank.example/", "topics": []string{"record.received"}}, "topics"},
		"a topic twice":           {hooksAt, object{"url": "https://bank.example/", "topics": []string{"code.changed", "code.changed"}}, "topics"},
		"topics in one text":      {hooksAt, object{"url": "https://bank.example/", "topics": "code.changed"}, "topics"},
		"another partner's":       {hooksAt, object{"url": "https://bank.example/", "partner_id": id + 1}, "partner_id"},
		"a secret of one's own":   {hooksAt, object{"url": "https://bank.example/", "secret": "whsec_x"}, "secret"},
		"a long overlap":          {at + "/rotate", object{"overlap_days": 31}, "overlap_days"},
		"a negative overlap":      {at + "/rotate", object{"overlap_days": -1}, "overlap_days"},
		"an overlap in words":     {at + "/rotate", object{"overlap_days": "7"}, "overlap_days"},
		"again from nowhere":      {at + "/redeliver", object{}, "after"},
		"again from before":       {at + "/redeliver", object{"after": -1}, "after"},
		"again from a fraction":   {at + "/redeliver", object{"after": 1.5}, "after"},
		"enabled with a member":   {at + "/enable", object{"x": 1}, ""},
		"a huge place to go on":   {at + "/redeliver", object{"after": 1e300}, "after"},
		"an unknown member, wide": {hooksAt, object{strings.Repeat("x", 100): 1}, strings.Repeat("x", 40) + "…"},
	} {
		p := problem(t, send(t, d.h, http.MethodPost, c.target, c.body, bearer(key)...), http.StatusBadRequest, "invalid_field")
		if c.field != "" && (len(p.Errors) != 1 || p.Errors[0].Field != c.field) {
			t.Errorf("%s: %+v", name, p.Errors)
		}
	}
	problem(t, send(t, d.h, http.MethodPost, at+"/redeliver", object{"after": 1}, bearer(key)...), http.StatusConflict, "cursor_ahead")
	for _, bad := range []string{"wh_", "%00", "x'--", "%ff"} {
		problem(t, get(d.h, hooksAt+"/"+bad, bearer(key)...), http.StatusNotFound, "unknown_webhook")
	}
	for _, query := range []string{"cursor=x", "limit=x", "x=1", "cursor=-1"} {
		problem(t, get(d.h, at+"/deliveries?"+query, bearer(key)...), http.StatusBadRequest, "invalid_field")
	}
	if list := decoded[List[WebhookItem]](t, get(d.h, hooksAt, bearer(key)...)); len(list.Items) != 1 {
		t.Errorf("something was written: %+v", list)
	}
}

// An administrator names the partner. Networks that are allowed take plain HTTP, too. Without a key to seal with no secret is made.
func TestWebhooksOfTheOffice(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(c *Config) { c.WebhookAllow = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")} })
	id, _ := addPartner(t, d.db, schema.Partner{Name: "bank"}, d.at)
	for url, want := range map[string]int{"http://10.1.2.3/": 201, "https://10.1.2.3/": 201, "http://inner.example/": 201, "http://10.2.0.1/": 400, "https://10.2.0.1/": 400, "http://8.8.8.8/": 400} {
		if answer := send(t, d.h, http.MethodPost, hooksAt, object{"url": url, "partner_id": id}); answer.Code != want {
			t.Errorf("%s: %d %s", url, answer.Code, answer.Body)
		}
	}
	p := problem(t, send(t, d.h, http.MethodPost, hooksAt, object{"url": "https://bank.example/"}), http.StatusBadRequest, "invalid_field")
	if p.Errors[0].Field != "partner_id" {
		t.Errorf("%+v", p.Errors)
	}
	problem(t, send(t, d.h, http.MethodPost, hooksAt, object{"url": "https://bank.example/", "partner_id": id + 1}), http.StatusNotFound, "unknown_partner")
	bare := newDesk(t, func(c *Config) { c.Seal = access.SealKey{} })
	id, _ = addPartner(t, bare.db, schema.Partner{Name: "bank"}, d.at)
	problem(t, send(t, bare.h, http.MethodPost, hooksAt, object{"url": "https://bank.example/", "partner_id": id}), http.StatusServiceUnavailable, "unavailable")
}
