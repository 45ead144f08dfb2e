package api

import (
	"net/http"

	"healthcode/web"
)

var auditOperations = operations{
	"GET /audit/checkpoints": {id: "listCheckpoints", tag: "audit", title: web.Phrase{ZhCN: "审计检查点", En: "Checkpoints of the audit log"}, whole: true, about: "Whoever keeps one is a witness: what is rewritten later does not fit it.",
		query: paged(), answers: append(ok(CheckpointList{}, "A page of checkpoints, newest first, with the keys that signed them."), notModified)},
	"GET /audit/checkpoints/:number": {id: "readCheckpoint", tag: "audit", title: web.Phrase{ZhCN: "一个检查点", En: "A signed checkpoint"}, problems: []error{ErrNoCheckpoint},
		answers: []answer{{http.StatusOK, nil, "A signed token.", "", bytesOf(typeJWT)}, notModified}},
	"GET /api/v1/audit": {id: "listAudit", tag: "audit", title: web.Phrase{ZhCN: "审计日志", En: "The audit log"},
		query: paged(text("noun", "What was changed.", 60, "account"), text("id", "Which of them.", 200, "zhang.min"), text("action", "What was done.", 60, "account.disabled"),
			text("kind", "Kind of who did it.", 20, "staff"), text("actor", "Who did it.", 100, "zhang.min"), text("uscc", "About one enterprise.", 18, "").without(),
			formatted("from", "On this day or later.", "date", "2026-01-01"), formatted("to", "On this day or earlier.", "date", "2026-12-31")),
		answers: ok(List[AuditItem]{}, "A page of lines, newest first.")},
	"GET /api/v1/enterprises/:uscc/audit": {id: "listOwnAudit", tag: "audit", title: web.Phrase{ZhCN: "与本企业有关的变更", En: "Changes about an enterprise"}, query: paged(), answers: ok(List[OwnAuditItem]{}, "A page of lines, newest first.")},
}
