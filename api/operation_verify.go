package api

import (
	"net/http"

	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/schema"
	"healthcode/web"
)

// typeJWKSet is the media type of key sets (RFC 7517).
const (
	typeJWKSet = "application/jwk-set+json"
	typeJWK    = "application/jwk+json"
)

var verifyOperations = operations{
	"GET /v/:code": {id: "showCode", tag: "verify", title: web.Phrase{ZhCN: "扫码所见", En: "What a scanned code shows"},
		about:    "What a printed code leads to: a page for people, JSON for `Accept: application/json`.",
		anyQuery: true, whole: true, problems: []error{ErrMalformedCode, ErrUnknownKey, ErrNoEnterprise, ErrNoSuchCode},
		answers: []answer{{http.StatusOK, VerdictAnswer{}, "The verdict.", "", bytesOf("text/html")}}},
	"GET /api/v1/verify": {id: "verifyCodeByQuery", tag: "verify", title: web.Phrase{ZhCN: "核验一个码", En: "Verify a code"},
		about: "The same as POST, for the public purpose and for clients that cannot post.", keyToo: true, whole: true,
		query:    []parameter{text("code", "A URL, its digits, or a JWT.", maxQuery, exampleCode).needed()},
		problems: []error{ErrMalformedCode, ErrUnknownKey, ErrNoEnterprise, ErrNoSuchCode, ErrPurpose, ErrForbidden},
		answers:  ok(VerdictAnswer{}, "The verdict.")},
	"POST /api/v1/verify": {id: "verifyCode", tag: "verify", title: web.Phrase{ZhCN: "核验一个码，或用授权票查询", En: "Verify a code, or look with a ticket"},
		about: "Answers whether a code is ours and may be relied on, and what the purpose allows to know of its enterprise. With `ticket` instead of `code`: what the enterprise " +
			"consented to, once. Whoever sends no key and names no purpose gets what a scanned code shows. A partner's look is logged, and the enterprise sees it.",
		body: verifyBody{}, example: `{"code": "` + exampleCode + `"}`, keyToo: true,
		problems: []error{ErrMalformedCode, ErrUnknownKey, ErrNoEnterprise, ErrNoSuchCode, ErrPurpose, ErrForbidden, ErrNoTicket, schema.ErrTicketUsed, schema.ErrTicketExpired,
			schema.ErrTicketForeign, jobs.ErrNotGraded},
		answers: ok(verifiedForm{}, "The verdict, or what a ticket discloses.")},
	"POST /api/v1/verify/batch": {id: "verifyCodes", tag: "verify", title: web.Phrase{ZhCN: "批量核验", En: "Verify up to 1,000 codes"},
		about: "One verdict for each code, in their order. What is wrong with a code stands in its verdict.", body: batchBody{}, needs: []string{"codes"},
		example: `{"codes": ["` + exampleCode + `"], "purpose": "public"}`, problems: []error{ErrPurpose},
		answers: ok(List[VerdictAnswer]{}, "The verdicts.")},
	"GET /api/v1/enterprises/:uscc/looks": {id: "listLooks", tag: "verify", title: web.Phrase{ZhCN: "谁查看过本企业", En: "Who looked at an enterprise"}, query: paged(),
		answers: ok(List[LookItem]{}, "Looks of partners, newest first.")},
	"GET /api/v1/enterprises/:uscc/tickets": {id: "listTickets", tag: "verify", title: web.Phrase{ZhCN: "本企业的授权票", En: "Tickets of an enterprise"}, query: paged(),
		about: "Open, used and expired ones, without their secrets, until a year after their end.", answers: ok(List[TicketItem]{}, "Tickets, newest first.")},
	"DELETE /api/v1/enterprises/:uscc/tickets/:id": {id: "withdrawTicket", tag: "verify", title: web.Phrase{ZhCN: "撤回授权票", En: "Withdraw a ticket"},
		problems: []error{ErrNoTicket, schema.ErrTicketUsed, schema.ErrTicketExpired}, answers: []answer{{http.StatusNoContent, nil, "Nobody can use it any more.", "", nil}}},
	"POST /api/v1/enterprises/:uscc/tickets": {id: "makeTicket", tag: "verify", title: web.Phrase{ZhCN: "开具授权票", En: "Make a ticket"},
		about: "With a ticket a partner may look once, for one purpose, at more than the public may know. It is shown once.", body: TicketBody{}, needs: []string{"purpose"},
		example: `{"purpose": "finance"}`, problems: []error{schema.ErrManyTickets, ErrNoPartner, jobs.ErrNotGraded}, answers: created(TicketMade{}, "The ticket.")},

	"GET /.well-known/jwks.json": {id: "readKeys", tag: "lists", title: web.Phrase{ZhCN: "公钥", En: "Public keys"}, anyQuery: true, whole: true,
		answers: []answer{{http.StatusOK, keySetForm{}, "A JWK set (RFC 7517).", typeJWKSet, nil}, notModified}},
	"GET /.well-known/root.json": {id: "readRoot", tag: "lists", title: web.Phrase{ZhCN: "根公钥", En: "The root key"}, anyQuery: true, whole: true, problems: []error{ErrNoRoot},
		about:   "To be compared with the one that a verifier has pinned; never to be pinned unseen.",
		answers: []answer{{http.StatusOK, keyForm{}, "A JWK.", typeJWK, nil}, notModified}},
	"GET /lists": {id: "nameLists", tag: "lists", title: web.Phrase{ZhCN: "名单目录", En: "The addresses of all lists"}, whole: true,
		answers: append(ok(ListsAnswer{}, "Addresses."), notModified)},
	"GET /lists/status/:n": {id: "readStatusList", tag: "lists", title: web.Phrase{ZhCN: "状态名单", En: "A status list"}, query: listTime, whole: true, problems: []error{ErrNoList, ErrNoListThen},
		answers: []answer{{http.StatusOK, nil, "A signed token: two bits a code.", "", bytesOf(credential.ListStatus.MediaType())}, notModified}},
	"GET /lists/grade/:n": {id: "readGradeList", tag: "lists", title: web.Phrase{ZhCN: "等级名单", En: "A grade list"}, query: listTime, whole: true, problems: []error{ErrNoList, ErrNoListThen},
		answers: []answer{{http.StatusOK, nil, "A signed token: eight bits a code.", "", bytesOf(credential.ListGrade.MediaType())}, notModified}},
	"GET /bundle": {id: "readBundle", tag: "lists", title: web.Phrase{ZhCN: "离线核验包", En: "Everything for offline verification"}, whole: true,
		about:    "The key set, every list and a manifest, signed, in one document. `healthcode bundle` and /verify read it.",
		problems: []error{ErrNoBundle, jobs.ErrNoKeySet, jobs.ErrOldKeySet, jobs.ErrNoLists}, answers: append(ok(bundleForm{}, "The bundle."), notModified)},
}

var (
	listTime    = []parameter{number("time", "Unix seconds: the newest list that was published by then, as far as it is kept.", 0, 4294967295, 0).without()}
	notModified = answer{http.StatusNotModified, nil, "The client has this very content already.", "", nil}
)
