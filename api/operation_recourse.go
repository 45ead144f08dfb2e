package api

import (
	"maps"

	"healthcode/schema"
	"healthcode/supervision"
	"healthcode/web"
)

var recourseOperations = func() operations {
	all := operations{
		"GET /api/v1/recourses": {id: "listRecourses", tag: "recourse", title: web.Phrase{ZhCN: "救济申请列表", En: "List recourses"},
			query: paged(choice("kind", "Kind.", supervision.Kinds...), choice("state", "State.", supervision.States...), choice("overdue", "Whether the bureau has let the time pass.", "true", "false"),
				text("region", "Division code; everything below it is meant too.", 12, "330402"), text("uscc", "Of one enterprise.", 18, "").without(), choice("sort", "Order; `-` is downward.", recourseSorts...)),
			answers: ok(List[RecourseItem]{}, "A page of recourses.")},
		"GET /api/v1/recourses/:id": {id: "readRecourse", tag: "recourse", title: web.Phrase{ZhCN: "一项救济申请", En: "A recourse and its steps"}, problems: []error{ErrNoRecourse}, answers: ok(RecourseAnswer{}, "The recourse.")},
		"POST /api/v1/enterprises/:uscc/recourses": {id: "fileRecourse", tag: "recourse", title: web.Phrase{ZhCN: "提出异议、修复、申诉或申辩", En: "File an objection, a repair, an appeal or a reply"},
			about: "An objection names a record, or a list whose notice or entry it is about; a repair names a record, an appeal what it is about, or nothing for the grade; a repair declares that the duties are done and the harm is removed.",
			body:  RecourseBody{}, needs: []string{"kind", "text"}, example: `{"kind": "reply", "text": "我司已于十月完成整改并通过复检。"}`, problems: recourseProblems, answers: created(RecourseAnswer{}, "The recourse.")},
		"POST /api/v1/recourses/:id/appeal": {id: "appealRecourse", tag: "recourse", title: web.Phrase{ZhCN: "申诉", En: "Appeal against a decision"}, body: RecourseAppealBody{}, needs: []string{"text"},
			example: `{"text": "复检报告未被采纳，请另行审查。"}`, problems: recourseProblems, answers: created(RecourseAnswer{}, "The appeal.")},
	}
	maps.Copy(all, operations{
		"POST /api/v1/recourses/:id/accept":   recourseStep("acceptRecourse", "受理", "Accept a recourse", `{}`),
		"POST /api/v1/recourses/:id/return":   recourseStep("returnRecourse", "退回补正", "Return a recourse to be completed", `{"reason": "请补充复检报告。"}`),
		"POST /api/v1/recourses/:id/decide":   recourseStep("decideRecourse", "决定", "Decide a recourse", `{"outcome": "upheld", "reason": "复检合格，原结论有误。"}`),
		"POST /api/v1/recourses/:id/hide":     recourseStep("hideReply", "隐去申辩", "Hide a reply that the law does not allow", `{"reason": "含有他人隐私。"}`),
		"POST /api/v1/recourses/:id/revoke":   recourseStep("revokeRepair", "撤销修复", "Revoke a repair that was got by fraud", `{"reason": "材料系伪造。"}`),
		"POST /api/v1/recourses/:id/complete": recourseStep("completeRecourse", "补正", "Complete a recourse that was returned", `{"reason": "已补充复检报告。"}`),
		"POST /api/v1/recourses/:id/withdraw": recourseStep("withdrawRecourse", "撤回", "Take a recourse back", `{}`),
	})
	return all
}()

// recourseProblems are what the rules of recourse refuse.
var recourseProblems = []error{ErrNoRecourse, schema.ErrNoRecord, schema.ErrFiled, schema.ErrManyRecourses, supervision.ErrStep, supervision.ErrSide, supervision.ErrSame, supervision.ErrLate, supervision.ErrTooEarly,
	supervision.ErrRecord, supervision.ErrNotRepairable, supervision.ErrDuties, supervision.ErrAgain, supervision.ErrListed}

func recourseStep(id, zh, en, example string) operation {
	return operation{id: id, tag: "recourse", title: web.Phrase{ZhCN: zh, En: en}, body: RecourseStepBody{}, example: example, problems: recourseProblems, answers: ok(RecourseAnswer{}, "The recourse after it.")}
}
