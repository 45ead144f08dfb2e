package api

import (
	"encoding/json"
	"fmt"

	"healthcode/registry"
	"healthcode/scoring"
)

// attacked says what a route that writes takes: a JSON object or a form, and one that is right as far as it goes. Its members are attacked one by one.
type attacked struct {
	body  any      // the named type of a JSON object; nil where the type is another package's: then its members are those of right
	form  []string // the fields of a form
	right string
	dear  bool // compares passwords, which takes long: a few strings must do; so for forms, which are written again
}

// attackedRoutes are all routes that write but OPTIONS. A route that is not here fails the test: think of what it must refuse first.
func attackedRoutes(own registry.USCC, model *scoring.Model) map[string]attacked {
	reason := attacked{body: ListingStepBody{}, right: `{"reason":"why"}`}
	nothing := attacked{body: struct{}{}, right: `{}`}
	simulation, err := json.Marshal(map[string]any{"model": json.RawMessage(model.JSON()), "movers": map[string]any{"limit": 1}})
	if err != nil {
		panic(err)
	}
	all := map[string]attacked{
		"POST /api/v1/verify":                                {body: verifyBody{}, right: `{"code":"1"}`},
		"POST " + batchPath:                                  {body: batchBody{}, right: `{"codes":["1"]}`},
		"POST /api/v1/enterprises/:uscc/tickets":             {body: TicketBody{}, right: `{"purpose":"finance"}`},
		"POST /api/v1/enterprises/:uscc/preview/comments":    {body: commentBody{}, right: `{"version":1,"text":"a comment"}`},
		"POST /api/v1/simulations":                           {body: simulationBody{}, right: string(simulation)},
		"POST /api/v1/accounts":                              {body: accountBody{}, right: `{"login":"nobody.yet","roles":["reader"]}`, dear: true},
		"POST /api/v1/accounts/:login/rights":                {body: Rights{}, right: `{"roles":["reader"]}`},
		"POST /api/v1/accounts/:login/password":              {right: `{"password":"four plain words are long"}`, dear: true},
		"POST /api/v1/accounts/:login/totp-reset":            nothing,
		"POST /api/v1/accounts/:login/disable":               nothing,
		"POST /api/v1/partners":                              {body: PartnerBody{}, right: `{"name":"a bank"}`},
		"POST /api/v1/partners/:id/disable":                  nothing,
		"POST /api/v1/partners/:id/keys":                     {body: KeyBody{}, right: `{"scopes":["verify"],"days":1}`},
		"POST /api/v1/partners/:id/keys/:prefix/rotate":      {right: `{"overlap_hours":1}`},
		"POST /api/v1/partners/:id/keys/:prefix/revoke":      nothing,
		"POST /api/v1/webhooks":                              {body: webhookBody{}, right: `{"url":"https://hooks.example.org/x","topics":[],"partner_id":1}`},
		"POST /api/v1/webhooks/:id/rotate":                   {right: `{"overlap_days":1}`},
		"POST /api/v1/webhooks/:id/enable":                   nothing,
		"POST /api/v1/webhooks/:id/redeliver":                {right: `{"after":0}`},
		"POST " + recordsPath:                                {right: visited(own, "attacked", "detail", "null", "findings", "[]", "case_id", `"c"`, "product_code", `""`, "severity", `""`)},
		"POST " + recordsPath + "/:source/:ref/void":         {body: VoidBody{}, right: `{"reason":"why"}`},
		"POST /api/v1/enterprises/:uscc/recourses":           {body: RecourseBody{}, right: `{"kind":"objection","source":"lab","source_ref":"known","text":"not so"}`},
		"POST /api/v1/recourses/:id/appeal":                  {body: RecourseAppealBody{}, right: `{"text":"not so"}`},
		"POST /api/v1/listings/:list/criteria":               {body: ListingCriteriaBody{}, right: `{"criteria":{},"reason":"why","dry_run":true}`},
		"POST /api/v1/listings/:list/entries":                {body: ListingBody{}, right: fmt.Sprintf(`{"uscc":%q,"reason":"why"}`, own)},
		"POST /api/v1/listings/:list/entries/:uscc/decide":   {body: ListingDecisionBody{}, right: `{"decision":"list","reason":"why"}`},
		"POST /api/v1/listings/:list/entries/:uscc/suspend":  reason,
		"POST /api/v1/listings/:list/entries/:uscc/resume":   reason,
		"POST /api/v1/listings/:list/entries/:uscc/remove":   reason,
		"POST /api/v1/listings/:list/entries/:uscc/exit":     reason,
		"POST /api/v1/listings/:list/entries/:uscc/withdraw": reason,

		"POST /login":                       {form: []string{"login", "password", "code", "next", "demo"}, right: "login=nobody&password=x", dear: true},
		"POST /account/sessions":            {form: []string{"session"}, right: "session=x"},
		"POST /account/password":            {form: []string{"login", "old", "new", "again"}, right: "old=x&new=y&again=y", dear: true},
		"POST /account/second-factor":       {form: []string{"offer", "code"}, right: "offer=x&code=1"},
		"POST /account/second-factor/off":   {form: []string{"code"}, right: "code=1"},
		"POST /account/recovery":            {form: []string{"code"}, right: "code=1"},
		"POST /enterprises/:uscc/comments":  {form: []string{"version", "text"}, right: "version=1&text=x"},
		"POST /listings/:list/:uscc":        {form: []string{"step", "reason", "state"}, right: "step=list&reason=why"},
		"POST /enterprises/:uscc/listings":  {form: []string{"list", "step", "commitment", "reason", "legal_basis", "penalty"}, right: "list=trusted_merchant&step=nominate&reason=why"},
		"POST /enterprises/:uscc/recourses": {form: []string{"kind", "record", "against", "text", "duties_done", "harm_removed"}, right: "kind=objection&record=lab known&text=x"},
		"POST /enterprises/:uscc/tickets":   {form: []string{"purpose", "partner", "days"}, right: "purpose=finance&days=1"},
		"POST /logout":                      {},

		"POST /enterprises/:uscc/tickets/:id/withdraw": {},
		"DELETE /api/v1/enterprises/:uscc/tickets/:id": {},
		"DELETE /api/v1/webhooks/:id":                  {},
		"POST /api/v1/submissions":                     {}, // lines, not an object: submission_test.go attacks them
		"POST /api/v1/submissions/:id/cancel":          {},
	}
	for _, step := range []string{"suspend", "resume", "revoke", "supersede", "renew"} {
		all["POST /api/v1/codes/:idx/"+step] = attacked{body: codeNote{}, right: `{"by":"Li Hua","reason":"why"}`}
	}
	for _, step := range []string{"accept", "return", "decide", "hide", "revoke", "complete", "withdraw"} {
		all["POST /api/v1/recourses/:id/"+step] = attacked{body: RecourseStepBody{}, right: `{"reason":"why"}`}
		all["POST /recourses/:id/"+step] = attacked{form: []string{"reason", "outcome", "record_outcome", "record_severity"}, right: "reason=why"}
	}
	return all
}
