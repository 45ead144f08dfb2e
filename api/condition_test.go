package api

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/schema"
)

// An edit with the tag of what was read is done once; whoever read the same before it is refused, and nothing of theirs is written.
func TestIfMatch(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	admin := as(t, d.db, d.staff(t, "admin", access.Grant{Role: access.Admin}), d.at)
	d.staff(t, "zhang.min", everywhere)
	_, key := addPartner(t, d.db, schema.Partner{Name: "bank"}, d.at.Add(time.Hour), access.ScopeChanges)
	hook := decoded[WebhookItem](t, send(t, d.h, http.MethodPost, hooksAt, object{"url": "https://bank.example/"}, bearer(key)...))
	const account = "/api/v1/accounts/zhang.min"
	for name, c := range map[string]struct {
		at, edit string
		body     any
		status   int
	}{
		"rights":   {account, account + "/rights", object{"roles": []string{"reader:330402"}}, http.StatusOK},
		"webhooks": {hooksAt + "/" + hook.ID, hooksAt + "/" + hook.ID + "/rotate", object{"overlap_days": 1}, http.StatusCreated},
		"partners": {"/api/v1/partners/1", "/api/v1/partners/1/disable", object{}, http.StatusOK},
	} {
		first := get(d.h, c.at, admin...).Header().Get("ETag")
		if len(first) != 34 {
			t.Fatalf("%s: the tag is %q", name, first)
		}
		for wrong, tag := range map[string]string{"another": `"00000000000000000000000000000000"`, "weak": "W/" + first} {
			problem(t, send(t, d.h, http.MethodPost, c.edit, c.body, append(admin, "If-Match", tag)...), http.StatusPreconditionFailed, "precondition_failed")
			if now := get(d.h, c.at, admin...).Header().Get("ETag"); now != first {
				t.Errorf("%s: %s tag: something was written", name, wrong)
			}
		}
		problem(t, send(t, d.h, http.MethodPost, c.edit, c.body, append(admin, "If-Match", "no tag")...), http.StatusBadRequest, "invalid_field")
		d.at = d.at.Add(time.Second)
		if answer := send(t, d.h, http.MethodPost, c.edit, c.body, append(admin, "If-Match", `"x", `+first)...); answer.Code != c.status {
			t.Errorf("%s: %d %s", name, answer.Code, answer.Body)
		}
		problem(t, send(t, d.h, http.MethodPost, c.edit, c.body, append(admin, "If-Match", first)...), http.StatusPreconditionFailed, "precondition_failed")
	}
}

// Of many who edit what they all read, one succeeds.
func TestIfMatchAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	admin := as(t, d.db, d.staff(t, "admin", access.Grant{Role: access.Admin}), d.at)
	d.staff(t, "zhang.min", everywhere)
	const account = "/api/v1/accounts/zhang.min"
	tag := get(d.h, account, admin...).Header().Get("ETag")
	counties := []string{"330402", "330411", "330421", "330424", "330481", "330482", "330483", "330400"}
	codes := make([]int, len(counties))
	var group sync.WaitGroup
	for i, county := range counties {
		group.Go(func() {
			codes[i] = send(t, d.h, http.MethodPost, account+"/rights", object{"roles": []string{"reader:" + county}}, append(append([]string{}, admin...), "If-Match", tag)...).Code
		})
	}
	group.Wait()
	done := 0
	for _, code := range codes {
		switch code {
		case http.StatusOK:
			done++
		case http.StatusPreconditionFailed:
		default:
			t.Errorf("status %d", code)
		}
	}
	if done != 1 {
		t.Errorf("%d of %d edits succeeded: %v", done, len(counties), codes)
	}
}

// Nothing of another partner's webhook is told by a tag or by a condition.
func TestTagsTellNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	d.staff(t, "admin", access.Grant{Role: access.Admin})
	_, key := addPartner(t, d.db, schema.Partner{Name: "bank"}, d.at.Add(time.Hour), access.ScopeChanges)
	_, other := addPartner(t, d.db, schema.Partner{Name: "other"}, d.at.Add(time.Hour), access.ScopeChanges)
	hook := decoded[WebhookItem](t, send(t, d.h, http.MethodPost, hooksAt, object{"url": "https://bank.example/"}, bearer(key)...))
	answer := get(d.h, hooksAt+"/"+hook.ID, bearer(other)...)
	problem(t, answer, http.StatusNotFound, "unknown_webhook")
	if tag := answer.Header().Get("ETag"); tag != "" {
		t.Errorf("the tag is %s", tag)
	}
	problem(t, send(t, d.h, http.MethodPost, hooksAt+"/"+hook.ID+"/enable", object{}, append(bearer(other), "If-Match", `"x"`)...), http.StatusNotFound, "unknown_webhook")
}
