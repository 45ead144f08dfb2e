package api

import (
	"encoding/json"
	"net/http"

	"healthcode/schema"
	"healthcode/supervision"
	"healthcode/web"
)

var listingOperations = operations{
	"GET /public/listings/:name": {id: "readPublicList", tag: "listings", title: web.Phrase{ZhCN: "公开名单", En: "A list for everybody"}, whole: true,
		about: "A page by the bare name; open data by NAME.csv and NAME.json, under the licence that the file names.", anyQuery: true, problems: []error{ErrNoListing, ErrNoRoute},
		answers: []answer{{http.StatusOK, openListForm{}, "The list.", "", bytesOf("text/html", "text/csv")}, notModified}},
	"GET /api/v1/listings": {id: "listLists", tag: "listings", title: web.Phrase{ZhCN: "名单及其条件", En: "Lists, their criteria and counts"}, keyToo: true, answers: ok(List[ListingSummary]{}, "The lists.")},
	"GET /api/v1/listings/:list/entries": {id: "listEntries", tag: "listings", title: web.Phrase{ZhCN: "名单条目", En: "Who is on a list"}, keyToo: true,
		query: paged(text("q", "Part of a name or of a code.", maxSearch, "电缆"), text("region", "Division code; everything below it is meant too.", 12, "330402"), text("product", "Code of a product.", 40, "AG03"),
			choice("state", "State.", supervision.ListingStates...), choice("sort", "Order; `-` is downward.", schema.ListingByName, schema.ListingBySince)),
		problems: []error{ErrNoListing}, answers: ok(List[ListingItem]{}, "A page of entries.")},
	"GET /api/v1/listings/:list/entries/:uscc": {id: "readEntry", tag: "listings", title: web.Phrase{ZhCN: "一家企业在名单上的情况", En: "How an enterprise stands on a list"}, keyToo: true,
		problems: []error{ErrNoListing, ErrNoEntry, ErrNoModel}, answers: ok(ListingAnswer{}, "The entry.")},
	"GET /api/v1/listings/:list/criteria": {id: "listCriteria", tag: "listings", title: web.Phrase{ZhCN: "入列条件的各版本", En: "Every version of the criteria"}, problems: []error{ErrNoListing},
		answers: ok(List[ListingCriteriaVersion]{}, "The versions, newest first.")},
	"POST /api/v1/listings/:list/criteria": {id: "setCriteria", tag: "listings", title: web.Phrase{ZhCN: "修订入列条件", En: "Set the next version of the criteria"},
		about: "With `dry_run` only says whom it would concern.", body: ListingCriteriaBody{}, needs: []string{"criteria"}, example: criteriaExample(), problems: []error{ErrNoListing, ErrCriteriaVersion, supervision.ErrCriteria, ErrNoModel},
		answers: []answer{{http.StatusCreated, ListingCriteriaAnswer{}, "Stored, and whom it concerns.", "", nil}, {http.StatusOK, ListingCriteriaAnswer{}, "Whom it would concern.", "", nil}}},
	"POST /api/v1/listings/:list/entries": {id: "openEntry", tag: "listings", title: web.Phrase{ZhCN: "申请、推荐或事先告知", En: "Apply, nominate or give notice"},
		about: "An enterprise applies with its commitment; staff nominate a merchant with a reason, or give notice of the serious-violation list with its legal basis and the penalty on which it rests.",
		body:  ListingBody{}, needs: []string{"uscc"}, example: `{"uscc": "` + exampleUSCC + `", "reason": "连续三年抽查合格"}`, problems: append(listingProblems, ErrNoEnterprise), answers: created(ListingAnswer{}, "The entry.")},
	"POST /api/v1/listings/:list/entries/:uscc/decide": {id: "decideEntry", tag: "listings", title: web.Phrase{ZhCN: "决定", En: "List or refuse"}, body: ListingDecisionBody{}, needs: []string{"decision", "reason"},
		example: `{"decision": "list", "reason": "符合全部条件"}`, problems: listingProblems, answers: ok(ListingAnswer{}, "The entry.")},
	"POST /api/v1/listings/:list/entries/:uscc/suspend":  listingStep("suspendEntry", "暂停", "Suspend an entry"),
	"POST /api/v1/listings/:list/entries/:uscc/resume":   listingStep("resumeEntry", "恢复", "Resume an entry"),
	"POST /api/v1/listings/:list/entries/:uscc/remove":   listingStep("removeEntry", "移出", "Remove an entry"),
	"POST /api/v1/listings/:list/entries/:uscc/exit":     listingStep("exitEntry", "提前移出", "Let go before the end of the term"),
	"POST /api/v1/listings/:list/entries/:uscc/withdraw": listingStep("withdrawEntry", "退出", "Leave by one's own will"),
}

// criteriaExample asks whom today's default criteria would concern.
func criteriaExample() string {
	body, err := json.Marshal(struct {
		Criteria *supervision.Criteria `json:"criteria"`
		DryRun   bool                  `json:"dry_run"`
	}{supervision.DefaultCriteria(supervision.ListTrusted), true})
	if err != nil {
		return ""
	}
	return string(body)
}

// listingProblems are what the rules of lists refuse.
var listingProblems = []error{ErrNoListing, ErrNoEntry, ErrNoModel, ErrCriteriaMissed, supervision.ErrListingStep, supervision.ErrNoticeOpen, supervision.ErrExitEarly, schema.ErrOwnAct, schema.ErrAnswerOpen}

func listingStep(id, zh, en string) operation {
	return operation{id: id, tag: "listings", title: web.Phrase{ZhCN: zh, En: en}, body: ListingStepBody{}, example: `{"reason": "核查中"}`, problems: listingProblems, answers: ok(ListingAnswer{}, "The entry.")}
}
