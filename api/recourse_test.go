package api

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/supervision"
)

// court is a small city with an enterprise that has records to contest, and those who contest and decide.
type court struct {
	*counter
	day registry.Day
}

func newCourt(t testing.TB) *court {
	t.Helper()
	c := &court{newCounter(t), 0}
	c.day = registry.DayOf(c.now)
	e, err := c.db.Enterprise(t.Context(), c.target)
	if err != nil {
		t.Fatal(err)
	}
	county, far := e.RegionCode[:6], "330402"
	if county == far {
		far = "330481"
	}
	other := registry.USCC("")
	for code := range c.codes {
		if code != c.target {
			other = code
		}
	}
	staff := func(role access.Role, region string) schema.Account {
		return schema.Account{Kind: access.Staff, Grants: []access.Grant{{Role: role, Region: region}}}
	}
	for name, a := range map[string]schema.Account{"zhang": staff(access.Supervisor, county), "li": staff(access.Supervisor, ""), "far": staff(access.Supervisor, far),
		"reader": staff(access.Reader, county), "other": {Kind: access.Enterprise, Owns: []registry.USCC{other}}} {
		a.Login = name
		c.keys[name] = as(t, c.db, addAccount(t, c.db, a), c.now)
	}
	_, key := addPartner(t, c.db, schema.Partner{Name: "feed", Purposes: access.Purposes}, c.now.AddDate(1, 0, 0), access.ScopeChanges)
	c.keys["feed"] = bearer(key)
	c.add(t, "fail", registry.KindSpotCheck, registry.OutcomeFail, registry.SeverityMajor, c.day-5, &registry.SpotCheck{})
	// The city may have put the enterprise on the list, which bars a repair.
	c.add(t, "off", registry.KindExternalCredit, registry.OutcomeDelisted, 0, c.day, &registry.ExternalCredit{List: registry.ListSeriousViolation})
	c.add(t, "fine", registry.KindPenalty, registry.OutcomeImposed, registry.SeverityMajor, c.day-200, &registry.Penalty{LegalBasis: "law of the fine", DecisionNumber: "number of the fine"})
	return c
}

func (c *court) add(t testing.TB, ref string, kind registry.Kind, outcome string, severity registry.Severity, on registry.Day, detail registry.Detail, change ...func(*registry.Record)) {
	t.Helper()
	r := registry.Record{USCC: c.target, Source: "bureau", SourceRef: ref, Kind: kind, Outcome: outcome, Severity: severity, OccurredOn: on, State: registry.StateFinal, Detail: detail}
	for _, one := range change {
		one(&r)
	}
	results, err := c.db.PutRecords(t.Context(), []registry.Record{r}, schema.PutOptions{})
	if err != nil || results[0].Outcome == schema.Refused {
		t.Fatalf("%v: %+v", err, results)
	}
}

func (c *court) fileJSON(who, body string) *httptest.ResponseRecorder {
	return c.post("/api/v1/enterprises/"+string(c.target)+"/recourses", who, body)
}

func (c *court) file(t testing.TB, who, body string) RecourseAnswer {
	t.Helper()
	answer := c.fileJSON(who, body)
	made := decoded[RecourseAnswer](t, answer)
	if answer.Code != http.StatusCreated || answer.Header().Get("Location") != fmt.Sprintf("/api/v1/recourses/%d", made.ID) {
		t.Fatalf("status %d to %q: %s", answer.Code, answer.Header().Get("Location"), answer.Body)
	}
	return made
}

func (c *court) stepJSON(id int64, who, step, body string) *httptest.ResponseRecorder {
	return c.post(fmt.Sprintf("/api/v1/recourses/%d/%s", id, step), who, body)
}

func (c *court) step(t testing.TB, id int64, who, step, body string) RecourseAnswer {
	t.Helper()
	answer := c.stepJSON(id, who, step, body)
	if answer.Code != http.StatusOK && answer.Code != http.StatusCreated {
		t.Fatalf("%s by %s: status %d: %s", step, who, answer.Code, answer.Body)
	}
	return decoded[RecourseAnswer](t, answer)
}

func (c *court) read(who, path string) *httptest.ResponseRecorder {
	return get(c.h, path, c.keys[who]...)
}

func (c *court) clock() time.Time { return c.now }

// grade grades those with new facts.
func (c *court) grade(t testing.TB) {
	t.Helper()
	if _, err := (&jobs.Recompute{DB: c.db, Clock: c.clock, ChangedOnly: true}).RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
}

const objection = `{"kind":"objection","source":"bureau","source_ref":"fail","text":"the sample was not ours"}`

func TestAnObjectionAndItsAppeal(t *testing.T) {
	t.Parallel()
	c := newCourt(t)
	filed := c.file(t, "own", objection)
	if filed.State != supervision.Filed || filed.Overdue || filed.OnBehalf || filed.FiledBy != "own" || !slices.Equal(filed.Next, []supervision.Step{supervision.Withdraw}) || filed.DueOn <= c.day {
		t.Errorf("filed: %+v", filed)
	}
	problem(t, c.fileJSON("own", objection), http.StatusConflict, "recourse_filed")
	seen := decoded[RecourseAnswer](t, c.read("zhang", fmt.Sprintf("/api/v1/recourses/%d", filed.ID)))
	if !slices.Equal(seen.Next, []supervision.Step{supervision.Accept, supervision.Return}) || seen.Text != "the sample was not ours" {
		t.Errorf("seen by a supervisor: %+v", seen)
	}
	c.step(t, filed.ID, "zhang", "accept", `{}`)
	problem(t, c.stepJSON(filed.ID, "zhang", "decide", `{"outcome":"dismissed"}`), http.StatusBadRequest, "invalid_field")
	decided := c.step(t, filed.ID, "zhang", "decide", `{"outcome":"dismissed","reason":"the seal was whole"}`)
	if decided.Outcome != supervision.Dismissed || decided.Steps[2].Reason != "the seal was whole" || decided.Steps[2].Higher {
		t.Errorf("decided: %+v", decided)
	}
	problem(t, c.stepJSON(filed.ID, "li", "decide", `{"outcome":"upheld","reason":"x"}`), http.StatusConflict, "recourse_step")
	appeal := c.step(t, filed.ID, "own", "appeal", `{"text":"look again"}`)
	if appeal.Kind != supervision.Appeal || appeal.Against != filed.ID || appeal.USCC != c.target {
		t.Errorf("appeal: %+v", appeal)
	}
	c.step(t, appeal.ID, "zhang", "accept", `{}`)
	problem(t, c.stepJSON(appeal.ID, "zhang", "decide", `{"outcome":"dismissed","reason":"as before"}`), http.StatusConflict, "same_person")
	final := c.step(t, appeal.ID, "li", "decide", `{"outcome":"partly","reason":"one finding falls","record_severity":"minor"}`)
	if final.State != supervision.Decided || !final.Steps[2].Higher || final.DueOn != 0 {
		t.Errorf("final: %+v", final)
	}
	after := decoded[RecourseAnswer](t, c.read("own", fmt.Sprintf("/api/v1/recourses/%d", filed.ID)))
	if after.State != supervision.Appealed || after.Outcome != supervision.Partly {
		t.Errorf("turned round: %+v", after)
	}
	for _, r := range c.records(t) {
		if r.SourceRef == "fail" && r.Revision == 4 && r.Severity != registry.SeverityMinor {
			t.Errorf("the record: %+v", r)
		}
	}
}

func (c *court) records(t testing.TB) []registry.Record {
	t.Helper()
	records, err := c.db.RecordsOf(t.Context(), c.target)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// What is decided later than its day is listed, and each caller's list holds what is theirs.
func TestRecoursesAreListed(t *testing.T) {
	t.Parallel()
	c := newCourt(t)
	first := c.file(t, "own", objection)
	second := c.file(t, "zhang", `{"kind":"reply","text":"we are sorry"}`)
	if !second.OnBehalf {
		t.Errorf("on behalf: %+v", second)
	}
	for who, want := range map[string]int{"own": 2, "zhang": 2, "li": 2, "reader": 2, "far": 0, "other": 0} {
		if list := decoded[List[RecourseItem]](t, c.read(who, "/api/v1/recourses")); len(list.Items) != want {
			t.Errorf("%s sees %d, want %d", who, len(list.Items), want)
		}
		answer := c.read(who, fmt.Sprintf("/api/v1/recourses/%d", first.ID))
		if want == 0 {
			problem(t, answer, http.StatusNotFound, "unknown_recourse")
		} else if answer.Code != http.StatusOK {
			t.Errorf("%s: status %d", who, answer.Code)
		}
	}
	for query, want := range map[string]int{"?kind=reply": 1, "?state=filed": 1, "?overdue=true": 0, "?overdue=false": 2, "?uscc=" + string(c.target): 2, "?region=110101": 0, "?sort=due_on&limit=1": 1} {
		if list := decoded[List[RecourseItem]](t, c.read("li", "/api/v1/recourses"+query)); len(list.Items) != want {
			t.Errorf("%s: %d, want %d", query, len(list.Items), want)
		}
	}
	page := decoded[List[RecourseItem]](t, c.read("li", "/api/v1/recourses?sort=due_on&limit=1"))
	rest := decoded[List[RecourseItem]](t, c.read("li", "/api/v1/recourses?sort=due_on&cursor="+url.QueryEscape(page.Next)))
	if page.Items[0].ID != first.ID || len(rest.Items) != 1 || rest.Items[0].ID != second.ID {
		t.Errorf("pages: %+v, then %+v", page.Items, rest.Items)
	}
	c.at = c.now.AddDate(0, 0, 12)
	for who := range map[string]bool{"zhang": true} {
		c.keys[who] = as(t, c.db, addAccount(t, c.db, schema.Account{Login: "later", Kind: access.Staff, Grants: []access.Grant{{Role: access.Reader}}}), c.at)
	}
	late := decoded[List[RecourseItem]](t, c.read("zhang", "/api/v1/recourses?overdue=true"))
	if len(late.Items) != 1 || late.Items[0].ID != first.ID || !late.Items[0].Overdue {
		t.Errorf("overdue: %+v", late.Items)
	}
}

func TestWhoActsOnRecourses(t *testing.T) {
	t.Parallel()
	c := newCourt(t)
	id := c.file(t, "own", objection).ID
	for name, one := range map[string]struct {
		who, step, body string
		status          int
		code            string
	}{
		"an enterprise accepts":          {"own", "accept", `{}`, http.StatusForbidden, "forbidden"},
		"an enterprise decides":          {"own", "decide", `{"outcome":"upheld","reason":"x"}`, http.StatusForbidden, "forbidden"},
		"a reader accepts":               {"reader", "accept", `{}`, http.StatusForbidden, "forbidden"},
		"a partner accepts":              {"bank", "accept", `{}`, http.StatusForbidden, "forbidden"},
		"nobody accepts":                 {"nobody", "accept", `{}`, http.StatusUnauthorized, "not_signed_in"},
		"a supervisor of another county": {"far", "accept", `{}`, http.StatusNotFound, "unknown_recourse"},
		"another enterprise withdraws":   {"other", "withdraw", `{}`, http.StatusNotFound, "unknown_recourse"},
		"a supervisor withdraws":         {"zhang", "withdraw", `{}`, http.StatusForbidden, "forbidden"},
		"another enterprise appeals":     {"other", "appeal", `{"text":"x"}`, http.StatusNotFound, "unknown_recourse"},
		"decided before acceptance":      {"zhang", "decide", `{"outcome":"upheld","reason":"x"}`, http.StatusConflict, "recourse_step"},
		"returned without a reason":      {"zhang", "return", `{}`, http.StatusBadRequest, "invalid_field"},
		"an objection is hidden":         {"zhang", "hide", `{"reason":"x"}`, http.StatusConflict, "recourse_step"},
		"an outcome of another step":     {"zhang", "accept", `{"outcome":"upheld"}`, http.StatusBadRequest, "invalid_field"},
		"appealed before a decision":     {"own", "appeal", `{"text":"x"}`, http.StatusConflict, "recourse_step"},
	} {
		problem(t, c.stepJSON(id, one.who, one.step, one.body), one.status, one.code)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	c.step(t, id, "zhang", "return", `{"reason":"the report is missing"}`)
	done := c.step(t, id, "own", "complete", `{"reason":"here it is"}`)
	if done.State != supervision.Filed || done.Steps[2].Reason != "here it is" {
		t.Errorf("completed: %+v", done)
	}
	c.step(t, id, "zhang", "accept", `{}`)
	for name, body := range map[string]string{
		"void in part":            `{"outcome":"partly","reason":"x"}`,
		"as it was":               `{"outcome":"upheld","reason":"x","record_severity":"major"}`,
		"no such severity":        `{"outcome":"upheld","reason":"x","record_severity":"huge"}`,
		"no such outcome":         `{"outcome":"upheld","reason":"x","record_outcome":"held"}`,
		"corrected and dismissed": `{"outcome":"dismissed","reason":"x","record_severity":"minor"}`,
		"granted":                 `{"outcome":"granted","reason":"x"}`,
	} {
		problem(t, c.stepJSON(id, "zhang", "decide", body), http.StatusBadRequest, "invalid_field")
		if t.Failed() {
			t.Fatal(name)
		}
	}
	c.step(t, id, "own", "withdraw", `{}`)
}

// naughtyReplies are texts that have broken programs. Those that are plain are kept as they are, the others are refused.
var naughtyReplies = []string{"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "{{.Name}}", "'; DROP TABLE recourse; --", "../../etc/passwd", "%s%n%p", "${7*7}", "\u202eright to left",
	"a\x00b", "\x1b[31mred", "Ω≈ç√∫˜µ", "👩‍👩‍👧‍👦", "\r\nSet-Cookie: a=b", "NULL", "＜ｓｃｒｉｐｔ＞", "</blockquote></section><h1>绿码</h1>", strings.Repeat("言", 501)}

func TestRepliesStandBesideTheGradeAsTheyWereTyped(t *testing.T) {
	t.Parallel()
	c := newCourt(t)
	page := func(target string, headers ...string) string {
		return get(c.h, target, append(headers, "Accept", "text/html")...).Body.String()
	}
	code := "/v/" + c.codes[c.target].Digits
	kept := 0
	for _, text := range naughtyReplies {
		answer := c.fileJSON("own", fmt.Sprintf(`{"kind":"reply","text":%s}`, jsonText(text)))
		plain, err := supervision.PlainText(text, supervision.MaxReply)
		if err != nil {
			problem(t, answer, http.StatusBadRequest, "invalid_field")
			continue
		}
		kept++
		made := decoded[RecourseAnswer](t, answer)
		for name, body := range map[string]string{"scan": page(code), "enterprise": page("/enterprises/"+string(c.target), c.keys["reader"]...)} {
			shown := html.EscapeString(plain)
			if !strings.Contains(body, `<blockquote class="hc-lines">`+shown+`</blockquote>`) || !strings.Contains(body, "尚未核实") {
				t.Errorf("%s does not show %q as typed", name, text)
			}
		}
		told := decoded[EnterpriseAnswer](t, c.read("reader", "/api/v1/enterprises/"+string(c.target)))
		if told.Reply == nil || told.Reply.Text != plain || told.Reply.Verified {
			t.Errorf("told: %+v", told.Reply)
		}
		for name, said := range c.statements(t) {
			if said == nil || said.Text != plain || said.Verified || said.On != c.day {
				t.Errorf("%s says %+v, want %q", name, said, plain)
			}
		}
		c.step(t, made.ID, "own", "withdraw", `{}`)
		for name, said := range c.statements(t) {
			if said != nil {
				t.Errorf("%s still says %+v", name, said)
			}
		}
	}
	if kept < 10 {
		t.Errorf("only %d were plain", kept)
	}
	made := c.file(t, "own", `{"kind":"reply","text":"the officer X is a thief"}`)
	problem(t, c.fileJSON("own", `{"kind":"reply","text":"another"}`), http.StatusConflict, "recourse_filed")
	c.step(t, made.ID, "zhang", "hide", `{"reason":"names a person"}`)
	if body := page(code); strings.Contains(body, "thief") || strings.Contains(body, "尚未核实") {
		t.Error("a hidden reply is shown")
	}
}

// statements reads what the answers about the code of the target say beside its grade: twice each, so that what is kept in memory is seen.
func (c *court) statements(t testing.TB) map[string]*ReplyTold {
	t.Helper()
	said := map[string]*ReplyTold{}
	digits := c.codes[c.target].Digits
	for round := range 2 {
		for name, answer := range map[string]*httptest.ResponseRecorder{
			"/v/":        get(c.h, "/v/"+digits, "Accept", "application/json"),
			"GET verify": get(c.h, "/api/v1/verify?code="+digits),
			"verify":     c.post("/api/v1/verify", "nobody", fmt.Sprintf(`{"code":%q}`, digits)),
		} {
			said[fmt.Sprint(name, round)] = decoded[verdictJSON](t, answer).Statement
		}
	}
	if answer := decoded[verdictJSON](t, c.post("/api/v1/verify", "bank", fmt.Sprintf(`{"code":%q,"purpose":"finance"}`, digits))); answer.Statement != nil || answer.Enterprise == nil {
		t.Errorf("for a purpose: %+v", answer.Statement)
	}
	return said
}

func jsonText(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", `\r`, "\n", `\n`, "\x00", `\u0000`, "\x1b", `\u001b`).Replace(text) + `"`
}

func TestBadFilings(t *testing.T) {
	t.Parallel()
	c := newCourt(t)
	before := len(c.records(t))
	for name, one := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"no kind":               {`{"text":"x"}`, http.StatusBadRequest, "invalid_field"},
		"an unknown kind":       {`{"kind":"wish","text":"x"}`, http.StatusBadRequest, "invalid_field"},
		"no text":               {`{"kind":"reply"}`, http.StatusBadRequest, "invalid_field"},
		"a long text":           {`{"kind":"objection","source":"bureau","source_ref":"fail","text":"` + strings.Repeat("x", 2001) + `"}`, http.StatusBadRequest, "invalid_field"},
		"a list too much":       {`{"kind":"repair","list":"serious_violation","text":"x"}`, http.StatusBadRequest, "invalid_field"},
		"a list beside":         {`{"kind":"objection","list":"serious_violation","source":"bureau","source_ref":"fail","text":"x"}`, http.StatusBadRequest, "invalid_field"},
		"an unknown list":       {`{"kind":"objection","list":"trusted_merchant","text":"x"}`, http.StatusBadRequest, "invalid_field"},
		"on no list":            {`{"kind":"objection","list":"serious_violation","text":"x"}`, http.StatusConflict, "not_contestable"},
		"an entry of nobody":    {`{"kind":"objection","source":"listing","source_ref":"serious_violation/x/1","text":"x"}`, http.StatusConflict, "not_contestable"},
		"no record":             {`{"kind":"objection","text":"x"}`, http.StatusBadRequest, "invalid_field"},
		"a record of nobody":    {`{"kind":"objection","source":"bureau","source_ref":"none","text":"x"}`, http.StatusNotFound, "unknown_record"},
		"a record too much":     {`{"kind":"reply","source":"bureau","source_ref":"fail","text":"x"}`, http.StatusBadRequest, "invalid_field"},
		"duties too much":       {`{"kind":"reply","duties_done":true,"text":"x"}`, http.StatusBadRequest, "invalid_field"},
		"against too much":      {`{"kind":"reply","against":1,"text":"x"}`, http.StatusBadRequest, "invalid_field"},
		"against nothing":       {`{"kind":"appeal","against":999,"text":"x"}`, http.StatusNotFound, "unknown_recourse"},
		"against less":          {`{"kind":"appeal","against":-1,"text":"x"}`, http.StatusBadRequest, "invalid_field"},
		"a zero byte":           {`{"kind":"objection","source":"a\u0000","source_ref":"fail","text":"x"}`, http.StatusNotFound, "unknown_record"},
		"not repairable":        {`{"kind":"repair","source":"bureau","source_ref":"fail","text":"x","duties_done":true,"harm_removed":true}`, http.StatusConflict, "not_repairable"},
		"duties not done":       {`{"kind":"repair","source":"bureau","source_ref":"fine","text":"x","duties_done":true}`, http.StatusConflict, "duties_open"},
		"a wrong type":          {`{"kind":1,"text":"x"}`, http.StatusBadRequest, "invalid_field"},
		"an unknown member":     {`{"kind":"reply","text":"x","state":"published"}`, http.StatusBadRequest, "invalid_field"},
		"not JSON":              {`kind=reply`, http.StatusBadRequest, "invalid_field"},
		"a record with no name": {`{"kind":"repair","source":"bureau","text":"x"}`, http.StatusBadRequest, "invalid_field"},
	} {
		t.Run(name, func(t *testing.T) { problem(t, c.fileJSON("own", one.body), one.status, one.code) })
	}
	for _, path := range []string{"/api/v1/recourses/x", "/api/v1/recourses/0", "/api/v1/recourses/-1", "/api/v1/recourses/01", "/api/v1/recourses/99999999999999999999"} {
		problem(t, c.read("li", path), http.StatusNotFound, "unknown_recourse")
	}
	for _, query := range []string{"kind=x", "state=x", "overdue=1", "region=x", "sort=x", "cursor=x", "limit=0", "uscc=x", "name=x"} {
		problem(t, c.read("li", "/api/v1/recourses?"+query), http.StatusBadRequest, "invalid_field")
	}
	if list := decoded[List[RecourseItem]](t, c.read("li", "/api/v1/recourses")); len(list.Items) != 0 || len(c.records(t)) != before {
		t.Errorf("something was written: %+v", list.Items)
	}
}

// A repaired fact counts no more and is told nobody outside the bureau, and partners are told that it is so.
func TestARepairedFactIsToldNoMore(t *testing.T) {
	t.Parallel()
	c := newCourt(t)
	open := func(r *registry.Record) { r.RectifyBy = r.OccurredOn + 30 }
	c.add(t, "old", registry.KindPenalty, registry.OutcomeImposed, registry.SeverityMinor, c.day-120, &registry.Penalty{LegalBasis: "law of the old"}, open)
	c.add(t, "twice", registry.KindPenalty, registry.OutcomeImposed, registry.SeverityMinor, c.day-50, &registry.Penalty{LegalBasis: "law of the old"})
	c.grade(t)
	if told := c.ask("all", "permitting").Body.String(); !strings.Contains(told, `"penalty"`) {
		t.Fatalf("what is open is not told before: %s", told)
	}
	before := decoded[EnterpriseAnswer](t, c.read("reader", "/api/v1/enterprises/"+string(c.target)))

	asked := c.file(t, "own", `{"kind":"repair","source":"bureau","source_ref":"fine","text":"paid","duties_done":true,"harm_removed":true}`)
	c.step(t, asked.ID, "zhang", "accept", `{}`)
	c.step(t, asked.ID, "zhang", "decide", `{"outcome":"granted","reason":"paid and put right"}`)
	if n, err := (&jobs.EndPublications{DB: c.db, Clock: c.clock}).RunOnce(t.Context()); n < 1 || err != nil {
		t.Fatalf("%d ended, %v", n, err)
	}
	c.grade(t)

	after := decoded[EnterpriseAnswer](t, c.read("reader", "/api/v1/enterprises/"+string(c.target)))
	if after.Grade.Index <= before.Grade.Index {
		t.Errorf("the index was %d and is %d", before.Grade.Index, after.Grade.Index)
	}
	marked := 0
	for _, r := range after.Explanation.Records {
		if r.Source != "bureau" || r.SourceRef != "fine" && r.SourceRef != "old" {
			continue
		}
		marked++
		if r.Note != "repaired" || r.Points != 0 {
			t.Errorf("the bureau's archive: %+v", r)
		}
	}
	if marked != 2 {
		t.Errorf("%d repaired records stand in the bureau's archive", marked)
	}
	words := []string{"law of the fine", "number of the fine", "law of the old", `"fine"`, `"old"`, `"penalty"`}
	for _, purpose := range access.Purposes {
		c.silent(t, string(purpose), c.ask("all", string(purpose)).Body.String(), words)
		ticket := c.ticket(t, "own", fmt.Sprintf(`{"purpose":%q}`, purpose))
		c.silent(t, "ticket for "+string(purpose), c.post("/api/v1/verify", "all", redeemed(ticket.Ticket)).Body.String(), words)
	}
	code := "/v/" + c.codes[c.target].Digits
	c.silent(t, "scan", get(c.h, code, "Accept", "text/html").Body.String(), words)
	c.silent(t, "scan as JSON", get(c.h, code, "Accept", typeJSON).Body.String(), words)

	if _, err := (&jobs.Sequence{DB: c.db}).RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	feed := decoded[ChangeList](t, c.read("feed", "/api/v1/changes?topic=repair.granted&limit=500"))
	var refs []string
	for _, change := range feed.Items {
		if strings.Contains(string(change.Data), string(c.target)) && strings.Contains(string(change.Data), `"bureau"`) {
			refs = append(refs, string(change.Data))
		}
		c.silent(t, "feed", string(change.Data), words[:3])
	}
	if len(refs) != 2 {
		t.Errorf("partners are told of %d: %v", len(refs), refs)
	}
}

// silent checks that an answer says nothing of what must not be told. That an objectionable penalty of another number is told is no fault: there is none.
func (c *court) silent(t testing.TB, where, body string, words []string) {
	t.Helper()
	for _, word := range words {
		if strings.Contains(body, word) {
			t.Errorf("%s tells %s: %.400s", where, word, body)
		}
	}
}

func TestPagesOfRecourses(t *testing.T) {
	t.Parallel()
	c := newCourt(t)
	enterprise := "/enterprises/" + string(c.target)
	page := func(who, target string) string {
		return get(c.h, target, append(slices.Clone(c.keys[who]), "Accept", "text/html")...).Body.String()
	}
	send := func(who, path string, form url.Values) *httptest.ResponseRecorder {
		return sendForm(c.h, path, form, append(slices.Clone(c.keys[who]), "Sec-Fetch-Site", "same-origin")...)
	}
	for who, want := range map[string]bool{"own": true, "zhang": true, "reader": false} {
		body := page(who, enterprise+"?lang=en")
		if got := strings.Contains(body, "Object to a record") && strings.Contains(body, `value="[&#34;bureau&#34;,&#34;fail&#34;]"`) && strings.Contains(body, `value="[&#34;bureau&#34;,&#34;fine&#34;]"`); got != want {
			t.Errorf("%s is offered forms: %t", who, got)
		}
	}
	refused := send("own", enterprise+"/recourses?lang=en", url.Values{"kind": {"objection"}, "record": {`["bureau","fail"]`}, "text": {strings.Repeat("x", 2001)}})
	if body := refused.Body.String(); refused.Code != http.StatusBadRequest || !strings.Contains(body, strings.Repeat("x", 2001)) || !strings.Contains(body, `role="alert"`) {
		t.Errorf("too long: %d", refused.Code)
	}
	filed := send("own", enterprise+"/recourses?lang=en", url.Values{"kind": {"objection"}, "record": {`["bureau","fail"]`}, "text": {"one\r\n<b>two</b>"}})
	at := filed.Header().Get("Location")
	if filed.Code != http.StatusSeeOther || !strings.HasPrefix(at, "/recourses/") {
		t.Fatalf("filed: %d to %q", filed.Code, at)
	}
	if body := page("zhang", at); !strings.Contains(body, "one\n&lt;b&gt;two&lt;/b&gt;") || !strings.Contains(body, "/accept?lang=en") || strings.Contains(body, "/hide") {
		t.Errorf("the page of a supervisor: %.2000s", body)
	}
	path, _, _ := strings.Cut(at, "?")
	for _, one := range []struct {
		step   string
		form   url.Values
		status int
	}{
		{"accept", url.Values{}, http.StatusSeeOther},
		{"decide", url.Values{"outcome": {"upheld"}}, http.StatusBadRequest},
		{"decide", url.Values{"outcome": {"upheld"}, "reason": {"as it is"}, "record_severity": {"major"}}, http.StatusBadRequest},
		{"decide", url.Values{"outcome": {"upheld"}, "reason": {"right"}, "record_outcome": {""}, "record_severity": {""}}, http.StatusSeeOther},
		{"decide", url.Values{"outcome": {"upheld"}, "reason": {"again"}}, http.StatusConflict},
	} {
		if answer := send("zhang", path+"/"+one.step, one.form); answer.Code != one.status {
			t.Errorf("%s %v: %d, want %d: %.300s", one.step, one.form, answer.Code, one.status, answer.Body)
		}
	}
	if answer := sendForm(c.h, path+"/withdraw", url.Values{}, append(slices.Clone(c.keys["own"]), "Sec-Fetch-Site", "cross-site")...); answer.Code != http.StatusForbidden {
		t.Errorf("from another site: %d", answer.Code)
	}
	for who, want := range map[string]bool{"zhang": true, "own": true, "far": false, "other": false} {
		if got := strings.Contains(page(who, "/recourses"), path); got != want {
			t.Errorf("%s finds it on the desk: %t", who, got)
		}
	}
}

func TestAnAppealAgainstTheGrade(t *testing.T) {
	t.Parallel()
	c := newCourt(t)
	const body = `{"kind":"appeal","text":"the grade is wrong"}`
	filed := c.file(t, "own", body)
	problem(t, c.fileJSON("own", body), http.StatusConflict, "recourse_filed")
	c.step(t, filed.ID, "zhang", "accept", `{}`)
	c.step(t, filed.ID, "zhang", "decide", `{"outcome":"dismissed","reason":"it follows from the records"}`)
	problem(t, c.fileJSON("own", body), http.StatusConflict, "recourse_filed") // it is final
	problem(t, c.stepJSON(filed.ID, "own", "appeal", `{"text":"again"}`), http.StatusConflict, "recourse_step")
	c.at = c.now.AddDate(0, 0, 40)
	c.keys["own"] = as(t, c.db, addAccount(t, c.db, schema.Account{Login: "own.later", Kind: access.Enterprise, Owns: []registry.USCC{c.target}}), c.at)
	problem(t, c.fileJSON("own", body), http.StatusConflict, "too_late")
}

// An enterprise answers a notice, and the entry that came of another one: on its page and by the API. Who listed does not decide.
func TestObjectionsToANoticeAndAnEntry(t *testing.T) {
	t.Parallel()
	c := newCourt(t)
	entries := "/api/v1/listings/serious_violation/entries"
	notice := fmt.Sprintf(`{"uscc":%q,"reason":"x","legal_basis":"x","penalty_source":"bureau","penalty_ref":"fine"}`, c.target)
	stands := func(want supervision.ListingState) {
		t.Helper()
		if l := decoded[ListingAnswer](t, c.read("zhang", entries+"/"+string(c.target))); l.State != want {
			t.Errorf("it is %s, want %s", l.State, want)
		}
	}
	if answer := c.post(entries, "zhang", notice); answer.Code != http.StatusCreated {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	enterprise := "/enterprises/" + string(c.target)
	page := get(c.h, enterprise+"?lang=en", append(slices.Clone(c.keys["own"]), "Accept", "text/html")...).Body.String()
	choice := fmt.Sprintf(`["listing","serious_violation/%s/1"]`, c.target)
	if !strings.Contains(page, html.EscapeString(choice)) && !strings.Contains(page, strings.ReplaceAll(choice, `"`, "&#34;")) {
		t.Error("the page does not offer to answer the notice")
	}
	form := url.Values{"kind": {"objection"}, "record": {choice}, "text": {"we did not"}}
	filed := sendForm(c.h, enterprise+"/recourses?lang=en", form, append(slices.Clone(c.keys["own"]), "Sec-Fetch-Site", "same-origin")...)
	if filed.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", filed.Code, filed.Body)
	}
	first := decoded[List[RecourseItem]](t, c.read("li", "/api/v1/recourses")).Items[0]
	if first.List != supervision.ListSerious {
		t.Errorf("%+v", first)
	}
	if seen := get(c.h, fmt.Sprintf("/recourses/%d?lang=en", first.ID), append(slices.Clone(c.keys["li"]), "Accept", "text/html")...).Body.String(); !strings.Contains(seen, "Serious-violation list") {
		t.Error("the page of the recourse does not say what it is about")
	}
	c.step(t, first.ID, "zhang", "accept", `{}`)
	problem(t, c.stepJSON(first.ID, "zhang", "decide", `{"outcome":"upheld","reason":"x"}`), http.StatusConflict, "same_person")
	problem(t, c.stepJSON(first.ID, "li", "decide", `{"outcome":"partly","reason":"x"}`), http.StatusBadRequest, "invalid_field")
	c.step(t, first.ID, "li", "decide", `{"outcome":"upheld","reason":"right"}`)
	stands(supervision.StateRefused)

	c.takeListingStep(t, 1001, "zhang", supervision.StepNotice, c.day-8)
	c.takeListingStep(t, 1002, "staff", supervision.StepList, c.day)
	second := c.file(t, "own", `{"kind":"objection","list":"serious_violation","text":"we did not"}`)
	stands(supervision.StateListed)
	c.step(t, second.ID, "li", "accept", `{}`)
	problem(t, c.stepJSON(second.ID, "staff", "decide", `{"outcome":"upheld","reason":"x"}`), http.StatusConflict, "same_person")
	c.step(t, second.ID, "li", "decide", `{"outcome":"upheld","reason":"right"}`)
	stands(supervision.StateRemoved)
}

// takeListingStep takes a step with the serious-violation list on a day of the past.
func (c *court) takeListingStep(t testing.TB, id int64, who string, step supervision.ListingStep, day registry.Day) {
	t.Helper()
	ctx := schema.WithActor(t.Context(), schema.Actor{Kind: "staff", ID: id, Name: who})
	act := schema.ListingAct{List: supervision.ListSerious, USCC: c.target, Step: step, Day: day, Reason: "x", Basis: "x", Penalty: supervision.RecordRef{Source: "bureau", Ref: "fine"}}
	if _, err := c.db.TakeListingStep(ctx, act); err != nil {
		t.Fatal(err)
	}
}
