package api

import (
	"net/http"

	"healthcode/access"
	"healthcode/schema"
	"healthcode/web"
)

var accountOperations = operations{
	"GET /api/v1/accounts": {id: "listAccounts", tag: "accounts", title: web.Phrase{ZhCN: "账号列表", En: "List accounts"},
		query: paged(choice("kind", "Kind.", access.Staff, access.Enterprise, access.Agency)), answers: ok(List[AccountItem]{}, "A page of accounts, by login name.")},
	"POST /api/v1/accounts": {id: "addAccount", tag: "accounts", title: web.Phrase{ZhCN: "新增账号", En: "Add an account"}, body: accountBody{}, needs: []string{"login", "password"},
		example: `{"login": "li.na", "password": "four plain words here", "roles": ["reader", "supervisor:330402"]}`, problems: []error{ErrAccountTaken}, answers: created(AccountItem{}, "The account.")},
	"GET /api/v1/accounts/:login": {id: "readAccount", tag: "accounts", title: web.Phrase{ZhCN: "一个账号", En: "An account"}, version: schema.VersionOfAccount, problems: []error{ErrNoAccount},
		answers: ok(AccountItem{}, "The account.")},
	"POST /api/v1/accounts/:login/rights": {id: "giveRights", tag: "accounts", title: web.Phrase{ZhCN: "改权限", En: "Replace the rights of an account"}, version: schema.VersionOfAccount,
		body: Rights{}, example: `{"roles": ["supervisor:330402"]}`, problems: []error{ErrNoAccount, ErrOtherKind}, answers: ok(AccountItem{}, "The account.")},
	"POST /api/v1/accounts/:login/password": {id: "givePassword", tag: "accounts", title: web.Phrase{ZhCN: "改密码", En: "Give an account another password"}, about: "Its sessions end.",
		version: schema.VersionOfAccount, body: passwordBody{}, needs: []string{"password"}, example: `{"password": "four plain words here"}`, problems: []error{ErrNoAccount}, answers: ok(AccountItem{}, "The account.")},
	"POST /api/v1/accounts/:login/totp-reset": {id: "takeSecondFactor", tag: "accounts", title: web.Phrase{ZhCN: "解除双重验证", En: "Take away a second factor that was lost"}, version: schema.VersionOfAccount,
		body: nothing{}, example: `{}`, problems: []error{ErrNoAccount}, answers: ok(AccountItem{}, "The account.")},
	"POST /api/v1/accounts/:login/disable": {id: "disableAccount", tag: "accounts", title: web.Phrase{ZhCN: "停用账号", En: "Disable an account, for good"}, version: schema.VersionOfAccount,
		body: nothing{}, example: `{}`, problems: []error{ErrNoAccount}, answers: ok(AccountItem{}, "The account.")},
}

var partnerOperations = operations{
	"GET /api/v1/partners": {id: "listPartners", tag: "partners", title: web.Phrase{ZhCN: "合作部门列表", En: "List partners"}, query: paged(), answers: ok(List[PartnerItem]{}, "A page of partners, by name.")},
	"POST /api/v1/partners": {id: "addPartner", tag: "partners", title: web.Phrase{ZhCN: "新增合作部门", En: "Add a partner"}, body: PartnerBody{}, needs: []string{"name"},
		example: `{"name": "某银行嘉兴分行", "purposes": ["finance"], "addresses": ["192.0.2.0/24"]}`, problems: []error{ErrPartnerTaken}, answers: created(PartnerItem{}, "The partner.")},
	"GET /api/v1/partners/:id": {id: "readPartner", tag: "partners", title: web.Phrase{ZhCN: "一个合作部门", En: "A partner"}, version: schema.VersionOfPartner, problems: []error{ErrNoPartner},
		answers: ok(PartnerItem{}, "The partner.")},
	"POST /api/v1/partners/:id/disable": {id: "disablePartner", tag: "partners", title: web.Phrase{ZhCN: "停用合作部门", En: "Disable a partner, with all its keys"}, version: schema.VersionOfPartner,
		body: nothing{}, example: `{}`, problems: []error{ErrNoPartner}, answers: ok(PartnerItem{}, "The partner.")},
	"GET /api/v1/partners/:id/keys": {id: "listKeys", tag: "partners", title: web.Phrase{ZhCN: "密钥列表", En: "List the keys of a partner"}, about: "Newest first, without secrets.", problems: []error{ErrNoPartner},
		answers: ok(List[PartnerKeyItem]{}, "The keys.")},
	"POST /api/v1/partners/:id/keys": {id: "addKey", tag: "partners", title: web.Phrase{ZhCN: "发放密钥", En: "Make an API key"}, about: "The whole key is shown once, here.", body: KeyBody{}, needs: []string{"scopes"},
		example: `{"scopes": ["verify", "changes"], "days": 365}`, problems: []error{ErrNoPartner}, answers: created(PartnerKeyItem{}, "The key.")},
	"POST /api/v1/partners/:id/keys/:prefix/rotate": {id: "rotateKey", tag: "partners", title: web.Phrase{ZhCN: "轮换密钥", En: "Exchange a key"}, about: "The old key lives on for the overlap.", body: keyRotation{},
		example: `{"overlap_hours": 168}`, problems: []error{ErrNoPartner, ErrNoPartnerKey}, answers: created(PartnerKeyItem{}, "The new key, shown once.")},
	"POST /api/v1/partners/:id/keys/:prefix/revoke": {id: "revokeKey", tag: "partners", title: web.Phrase{ZhCN: "吊销密钥", En: "Revoke a key"}, body: nothing{}, example: `{}`,
		problems: []error{ErrNoPartner, ErrNoPartnerKey}, answers: ok(List[PartnerKeyItem]{}, "The keys of the partner.")},
}

var changeOperations = operations{
	"GET /api/v1/changes": {id: "readChanges", tag: "changes", title: web.Phrase{ZhCN: "变更流", En: "What changed"},
		about: "Changes in the order of their position, each once. `next` is always there: send it as `after` of the following request, also when nothing came.",
		query: []parameter{text("after", "`next` of an earlier answer; without it from the beginning.", 20, "0"),
			text("topic", "Topics, separated by commas; without it all of them.", 200, schema.FeedTopics[0]), limitParameter},
		problems: []error{schema.ErrAhead}, answers: ok(ChangeList{}, "A part of the feed.")},
	"GET /api/v1/webhooks": {id: "listWebhooks", tag: "changes", title: web.Phrase{ZhCN: "回调列表", En: "List webhooks"}, query: paged(), answers: ok(List[WebhookItem]{}, "A page of webhooks.")},
	"POST /api/v1/webhooks": {id: "addWebhook", tag: "changes", title: web.Phrase{ZhCN: "新增回调", En: "Add a webhook"},
		about: "Messages are signed as Standard Webhooks ask, with the secret that is shown here, once.", body: webhookBody{}, needs: []string{"url"},
		example: `{"url": "https://bank.example/health-codes", "topics": ["grade.changed"]}`, problems: []error{ErrNoPartner, schema.ErrManyHooks}, answers: created(WebhookItem{}, "The webhook.")},
	"GET /api/v1/webhooks/:id": {id: "readWebhook", tag: "changes", title: web.Phrase{ZhCN: "一个回调", En: "A webhook"}, version: schema.VersionOfWebhook, problems: []error{ErrNoWebhook}, answers: ok(WebhookItem{}, "The webhook.")},
	"DELETE /api/v1/webhooks/:id": {id: "deleteWebhook", tag: "changes", title: web.Phrase{ZhCN: "删除回调", En: "Delete a webhook"}, version: schema.VersionOfWebhook, problems: []error{ErrNoWebhook},
		answers: []answer{{http.StatusNoContent, nil, "It is gone.", "", nil}}},
	"POST /api/v1/webhooks/:id/rotate": {id: "rotateWebhook", tag: "changes", title: web.Phrase{ZhCN: "轮换回调密钥", En: "Exchange the secret of a webhook"}, version: schema.VersionOfWebhook,
		body: webhookRotation{}, example: `{"overlap_days": 7}`, problems: []error{ErrNoWebhook}, answers: created(WebhookItem{}, "The webhook with its new secret, shown once.")},
	"POST /api/v1/webhooks/:id/enable": {id: "enableWebhook", tag: "changes", title: web.Phrase{ZhCN: "重新启用回调", En: "Enable a webhook that was disabled"}, version: schema.VersionOfWebhook,
		body: nothing{}, example: `{}`, problems: []error{ErrNoWebhook}, answers: ok(WebhookItem{}, "The webhook.")},
	"POST /api/v1/webhooks/:id/redeliver": {id: "redeliver", tag: "changes", title: web.Phrase{ZhCN: "补发", En: "Send everything after a place in the feed again"}, version: schema.VersionOfWebhook,
		body: webhookReplay{}, needs: []string{"after"}, example: `{"after": 0}`, problems: []error{ErrNoWebhook, schema.ErrAhead}, answers: ok(WebhookItem{}, "The webhook.")},
	"GET /api/v1/webhooks/:id/deliveries": {id: "listDeliveries", tag: "changes", title: web.Phrase{ZhCN: "投递记录", En: "What was sent, and with which answer"}, query: paged(), problems: []error{ErrNoWebhook},
		answers: ok(List[DeliveryItem]{}, "A page of attempts, newest first.")},
}

var healthOperations = operations{
	"GET /healthz": {id: "checkAlive", tag: "health", title: web.Phrase{ZhCN: "进程是否存活", En: "Whether the process is alive"}, anyQuery: true, whole: true, answers: ok(Health{}, "It is.")},
	"GET /readyz":  {id: "checkReady", tag: "health", title: web.Phrase{ZhCN: "能否服务", En: "Whether requests can be served"}, anyQuery: true, whole: true, answers: ok(Health{}, "They can.")},
	"GET /openapi.json": {id: "readDocument", tag: "health", title: web.Phrase{ZhCN: "本文档", En: "This document"}, whole: true,
		answers: append(ok(map[string]any{}, "OpenAPI 3.1."), notModified)},
}
