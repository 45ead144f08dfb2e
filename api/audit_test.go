package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/credential"
	"healthcode/jobs"
)

// auditOf returns the newest lines of the log as an auditor sees them, oldest first.
func auditOf(t *testing.T, d *desk, query string) []AuditItem {
	t.Helper()
	session := as(t, d.db, d.staff(t, "auditor"+strings.ToLower(access.NewTOTP()[:6]), access.Grant{Role: access.Auditor}), d.at)
	answer := get(d.h, "/api/v1/audit"+query, session...)
	if answer.Code != http.StatusOK {
		t.Fatalf("status %d: %s", answer.Code, answer.Body)
	}
	list := decoded[List[AuditItem]](t, answer)
	slices.Reverse(list.Items)
	return list.Items
}

func TestTheAuditLogSaysWhoSignsIn(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	id := d.staff(t, "zhang.min", everywhere)
	wrong := d.password("zhang.min", "four plain words her")
	right := d.password("zhang.min", rightPassword)
	call(d.h, http.MethodPost, "/logout", nil, sessionOf(t, right)...)
	var got []string
	for _, item := range auditOf(t, d, "") {
		if item.Noun == "session" || item.Action == "account.sign_in_failed" || item.Action == "account.failures_forgiven" {
			if item.Actor.Kind != "system" { // the auditor's own session is made by the test
				got = append(got, item.Action+" by "+item.Actor.Kind+" "+item.Actor.Name)
			}
			if strings.Contains(string(item.After), "argon2") {
				t.Errorf("%s shows a hash", item.After)
			}
		}
		if item.Action == "account.sign_in_failed" && item.Actor.RequestID != wrong.Header().Get(headerRequestID) {
			t.Errorf("%+v, the request was %s", item.Actor, wrong.Header().Get(headerRequestID))
		}
		if item.Action == "session.begun" && item.Actor.Kind == "staff" && (item.Actor.ID != id || item.Actor.RequestID != right.Header().Get(headerRequestID)) {
			t.Errorf("%+v, the request was %s", item.Actor, right.Header().Get(headerRequestID))
		}
	}
	want := []string{"account.sign_in_failed by public ", "session.begun by staff zhang.min", "account.failures_forgiven by staff zhang.min", "session.ended by staff zhang.min"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

func TestTheAuditLogShowsBeforeAndAfter(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	send := d.admin(t)
	send(http.MethodPost, "/api/v1/accounts", object{"login": "li.hua", "password": rightPassword, "roles": []string{"reader:330402"}})
	changed := send(http.MethodPost, "/api/v1/accounts/li.hua/rights", object{"roles": []string{"approver"}})
	found := auditOf(t, d, "?noun=account&action=account.rights_set")
	if len(found) != 1 {
		t.Fatalf("%d lines", len(found))
	}
	line := found[0]
	if !strings.Contains(string(line.Before), `"330402"`) || !strings.Contains(string(line.After), `"approver"`) || strings.Contains(string(line.After), "330402") {
		t.Errorf("before %s, after %s", line.Before, line.After)
	}
	if line.Actor.Name != "root" || line.Actor.Kind != "staff" || line.Actor.RequestID != changed.Header().Get(headerRequestID) {
		t.Errorf("by %+v", line.Actor)
	}
}

func TestTheAuditLogIsReadInPages(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	for _, login := range []string{"a", "b", "c", "d"} {
		d.staff(t, login, everywhere)
	}
	session := as(t, d.db, d.staff(t, "auditor", access.Grant{Role: access.Auditor}), d.at)
	var numbers []int64
	for cursor, pages := "", 0; pages < 10; pages++ {
		list := decoded[List[AuditItem]](t, get(d.h, "/api/v1/audit?limit=2&cursor="+cursor, session...))
		for _, item := range list.Items {
			numbers = append(numbers, item.Number)
		}
		if cursor = list.Next; cursor == "" {
			break
		}
	}
	if len(numbers) != 6 || !slices.IsSortedFunc(numbers, func(a, b int64) int { return int(b - a) }) { // five accounts, one session
		t.Errorf("lines %v", numbers)
	}
	for query, field := range map[string]string{"?from=x": "from", "?to=2026-13-01": "to", "?cursor=-1": "cursor", "?limit=0": "limit", "?uscc=1": "uscc", "?by=x": "by", "?noun=%00": "noun"} {
		p := problem(t, get(d.h, "/api/v1/audit"+query, session...), http.StatusBadRequest, "invalid_field")
		if len(p.Errors) != 1 || p.Errors[0].Field != field {
			t.Errorf("%s: %+v", query, p.Errors)
		}
	}
	county := as(t, d.db, d.staff(t, "county", access.Grant{Role: access.Auditor, Region: "330402"}), d.at)
	problem(t, get(d.h, "/api/v1/audit", county...), http.StatusForbidden, "forbidden")
	page := get(d.h, "/audit?noun=account&lang=en", session...)
	for _, want := range []string{"Audit log", "account · added", `<option value="account" selected>`, "There is no signed checkpoint yet."} {
		if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), want) {
			t.Errorf("status %d; the page lacks %s", page.Code, want)
		}
	}
}

func TestAnEnterpriseSeesWhatWasChangedWithoutWho(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.ticket(t, "staff", `{"purpose":"finance"}`)
	made := c.ticket(t, "own", `{"purpose":"permitting"}`)
	c.post("/api/v1/verify", "bank", redeemed(made.Ticket))
	answer := get(c.h, "/api/v1/enterprises/"+string(c.target)+"/audit?limit=3", c.keys["own"]...)
	if answer.Code != http.StatusOK {
		t.Fatalf("status %d: %s", answer.Code, answer.Body)
	}
	list := decoded[List[OwnAuditItem]](t, answer)
	var got []string
	for _, item := range list.Items {
		got = append(got, item.Action+" by "+item.By)
	}
	if want := []string{"ticket.used by partner", "ticket.added by enterprise", "ticket.added by staff"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if body := answer.Body.String(); strings.Contains(body, "name") || strings.Contains(body, made.Ticket) || strings.Contains(body, "request_id") {
		t.Errorf("it shows too much: %s", body)
	}
}

// TestCheckpointsAreForEveryone: a stranger fetches them and verifies them with the keys that come along.
func TestCheckpointsAreForEveryone(t *testing.T) {
	t.Parallel()
	w := ownWorld(t)
	h := w.handler(t, nil)
	first, err := (&jobs.Checkpoint{DB: w.db, Signer: w.key, Clock: func() time.Time { return w.now }}).RunOnce(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	answer := get(h, "/audit/checkpoints")
	list := decoded[struct {
		Items []CheckpointItem
		Keys  json.RawMessage
	}](t, answer)
	keys, err := credential.ParseKeySet(list.Keys)
	if err != nil || len(list.Items) != 1 || answer.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Fatalf("%v: %s", err, answer.Body)
	}
	token := get(h, "/audit/checkpoints/"+strconv.FormatInt(first.Number, 10))
	read, err := credential.ParseCheckpoint(token.Body.String(), keys)
	if err != nil || read.Number != first.Number || read.Hash != first.Hash || token.Header().Get("Content-Type") != typeJWT || list.Items[0].Token != token.Body.String() {
		t.Errorf("%+v, %v: %s", read, err, token.Header())
	}
	problem(t, get(h, "/audit/checkpoints/1"), http.StatusNotFound, "no_checkpoint")
	problem(t, get(h, "/audit/checkpoints/01"), http.StatusBadRequest, "invalid_field")
}
