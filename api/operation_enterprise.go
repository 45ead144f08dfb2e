package api

import (
	"net/http"

	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/web"

	"github.com/danielgtaylor/huma/v2"
)

var enterpriseOperations = operations{
	"GET /api/v1/enterprises": {id: "listEnterprises", tag: "enterprises", title: web.Phrase{ZhCN: "企业列表", En: "List enterprises"},
		query: paged(text("q", "Part of a name or of a code.", maxSearch, "电缆"), text("region", "Division code; everything below it is meant too.", 12, "330402"),
			choice("tier", "Credit tier.", registry.TierAA.String(), registry.TierA.String(), registry.TierB.String(), registry.TierC.String(), registry.TierNew.String()),
			choice("colour", "Colour.", registry.ColourGreen.String(), registry.ColourBlue.String(), registry.ColourYellow.String(), registry.ColourRed.String()),
			choice("sort", "Order; `-` is downward.", enterpriseSorts...)),
		answers: ok(List[EnterpriseItem]{}, "A page of enterprises.")},
	"GET /api/v1/enterprises/:uscc": {id: "readEnterprise", tag: "enterprises", title: web.Phrase{ZhCN: "企业等级与得分说明", En: "An enterprise, its grade and where every point comes from"},
		query: []parameter{formatted("as_of", "As of which day; without it the live grade.", "date", "").without(),
			formatted("known_at", "Knowing what was known at which instant; without it now.", "date-time", "").without()},
		problems: []error{ErrNotKnownThen, ErrNoModel}, answers: ok(EnterpriseAnswer{}, "The enterprise.")},
	"GET /api/v1/enterprises/:uscc/code.svg": {id: "drawCodeSVG", tag: "enterprises", title: web.Phrase{ZhCN: "打印码（SVG）", En: "The printed code as SVG"}, problems: []error{ErrNoCode},
		answers: []answer{{http.StatusOK, nil, "The QR code.", "", bytesOf("image/svg+xml")}, notModified}},
	"GET /api/v1/enterprises/:uscc/code.png": {id: "drawCodePNG", tag: "enterprises", title: web.Phrase{ZhCN: "打印码（PNG）", En: "The printed code as PNG"}, problems: []error{ErrNoCode},
		query:   []parameter{number("scale", "Pixels a module.", 1, maxScale, defaultScale)},
		answers: []answer{{http.StatusOK, nil, "The QR code.", "", map[string]*huma.Schema{"image/png": {}}}, notModified}},
	"GET /api/v1/enterprises/:uscc/screen": {id: "readScreenCode", tag: "enterprises", title: web.Phrase{ZhCN: "亮码", En: "A code for a screen"},
		about:    "Signed for this answer. It lives three minutes; ask for the next after `renew_after` seconds.",
		problems: []error{ErrNoSigner, ErrScreenSuspended, ErrScreenRevoked, jobs.ErrNotGraded}, answers: ok(ScreenAnswer{}, "The code.")},
	"GET /api/v1/enterprises/:uscc/preview": {id: "previewModel", tag: "models", title: web.Phrase{ZhCN: "新模型对本企业的影响", En: "What a proposed model would change for an enterprise"},
		query:    []parameter{number("version", "Version of the model; without it the newest that is open.", 1, 65535, 2).without()},
		problems: []error{schema.ErrNoPreview, ErrNoModel, ErrNotKnownThen, schema.ErrNotFound}, answers: ok(PreviewAnswer{}, "The grades by both models.")},
	"GET /api/v1/enterprises/:uscc/preview/comments": {id: "listComments", tag: "models", title: web.Phrase{ZhCN: "本企业对新模型的意见", En: "What an enterprise said about a model"},
		query:    []parameter{number("version", "Version of the model.", 1, 65535, 1).needed()},
		problems: []error{ErrNoModel, schema.ErrNotFound}, answers: ok(List[schema.ModelComment]{}, "The comments.")},
	"POST /api/v1/enterprises/:uscc/preview/comments": {id: "addComment", tag: "models", title: web.Phrase{ZhCN: "提交意见", En: "Comment on a model"},
		about: "Saying the same again changes nothing.", body: commentBody{}, needs: []string{"version", "text"}, example: `{"version": 2, "text": "建议保留随机抽查的权重。"}`,
		problems: []error{schema.ErrNoPreview, schema.ErrManyComments, ErrNoModel, schema.ErrNotFound}, answers: created(List[schema.ModelComment]{}, "All that the enterprise said.")},
}

var codeOperations = operations{
	"GET /api/v1/codes": {id: "listCodes", tag: "codes", title: web.Phrase{ZhCN: "健康码列表", En: "List codes"},
		query: paged(text("uscc", "Of one enterprise.", 18, "").without(), choice("form", "Form.", string(credential.FormPrinted), string(credential.FormScreen), string(credential.FormJWT)),
			choice("status", "Status.", "valid", "revoked", "suspended", "superseded"), text("kid", "Number of the signing key.", 3, "1"),
			choice("sort", "Order; `-` is downward.", schema.CodesByIndex, schema.CodesByIndexDown, schema.CodesByEnd, schema.CodesByEndDown)),
		answers: ok(List[CodeItem]{}, "A page of codes.")},
	"GET /api/v1/codes/:idx": {id: "readCode", tag: "codes", title: web.Phrase{ZhCN: "一个健康码的经过", En: "A code and its history"}, version: schema.VersionOfCode,
		answers: ok(CodeDetail{}, "The code.")},
	"POST /api/v1/codes/:idx/suspend":   codeStep("suspendCode", "暂停", "Suspend a code"),
	"POST /api/v1/codes/:idx/resume":    codeStep("resumeCode", "恢复", "Resume a code"),
	"POST /api/v1/codes/:idx/revoke":    codeStep("revokeCode", "撤销", "Revoke a code, for good"),
	"POST /api/v1/codes/:idx/supersede": codeReplaced("supersedeCode", "换发", "Replace a code; the old one ends"),
	"POST /api/v1/codes/:idx/renew":     codeReplaced("renewCode", "续期", "Issue the next code before this one ends"),
	"GET /api/v1/signals": {id: "listSignals", tag: "codes", title: web.Phrase{ZhCN: "多地扫码提示", En: "Codes that were scanned in many places"}, query: []parameter{limitParameter},
		about: "Of the last 30 days, newest first.", answers: ok(List[schema.Signal]{}, "The signals.")},
}

func codeStep(id, zh, en string) operation {
	return operation{id: id, tag: "codes", title: web.Phrase{ZhCN: zh, En: en}, body: codeNote{}, needs: []string{"reason"}, example: `{"reason": "涉嫌冒用，核实中"}`, version: schema.VersionOfCode,
		about:    "`by` is for the machine itself while there is no account; else it is who signed in.",
		problems: []error{schema.ErrCodeStep}, answers: ok(CodeDetail{}, "The code as it is now.")}
}

func codeReplaced(id, zh, en string) operation {
	o := codeStep(id, zh, en)
	o.problems = append(o.problems, ErrNoSigner, jobs.ErrNotGraded, jobs.ErrSuspended)
	o.answers = created(CodeDetail{}, "The new code.")
	return o
}
