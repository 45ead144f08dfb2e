package api

import (
	"net/http"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/web"

	"github.com/danielgtaylor/huma/v2"
)

var recordOperations = operations{
	"GET /api/v1/records": {id: "listRecords", tag: "records", title: web.Phrase{ZhCN: "记录列表", En: "List records"},
		about: "The newest revision of each record within the caller's bounds.",
		query: paged(text("uscc", "Of one enterprise.", 18, "").without(), text("source", "Under which it was sent.", 100, "12315"), choice("kind", "Kind.", registry.KindNames()...),
			choice("state", "State.", registry.StateProvisional, registry.StateFinal, registry.StateVoided, registry.StateRepaired), formatted("from", "Occurred on this day or later.", "date", "2026-01-01"),
			formatted("to", "Occurred on this day or earlier.", "date", "2026-12-31"), formatted("known_from", "Known at this instant or later.", "date-time", "2026-01-01T00:00:00Z"),
			formatted("known_to", "Known before this instant.", "date-time", "2026-12-31T00:00:00Z"),
			text("sort", "known_at, -known_at (the default), or with uscc occurred_on, -occurred_on.", 20, string(schema.RecordsByKnown))),
		answers: ok(List[RecordItem]{}, "A page of records.")},
	"POST /api/v1/records": {id: "addRecord", tag: "records", title: web.Phrase{ZhCN: "报送一条记录", En: "Deliver a record"},
		about: "Sending the same again changes nothing; something else under the same source and source_ref is its next revision. A record whose enterprise is not registered waits for it. docs/examples describes the members of each kind.",
		body:  recordForm{}, needs: []string{"uscc", "source_ref", "kind", "outcome", "occurred_on"},
		example:  `{"uscc": "` + exampleUSCC + `", "source": "12315", "source_ref": "C-2026-0117", "kind": "complaint", "outcome": "substantiated", "severity": "minor", "occurred_on": "2026-11-20"}`,
		problems: []error{ErrRecord, ErrSource, schema.ErrRevision},
		answers: []answer{{http.StatusCreated, RecordAnswer{}, "A new record.", "", nil}, {http.StatusOK, RecordAnswer{}, "A new revision, or nothing new.", "", nil},
			{http.StatusAccepted, RecordAnswer{}, "It waits for its enterprise.", "", nil}}},
	"GET /api/v1/records/:source/:ref": {id: "readRecord", tag: "records", title: web.Phrase{ZhCN: "一条记录的各次修订", En: "A record with all its revisions"}, problems: []error{ErrNoRecord},
		answers: ok(RecordHistory{}, "The record. Its ETag is the newest revision.")},
	"POST /api/v1/records/:source/:ref/void": {id: "voidRecord", tag: "records", title: web.Phrase{ZhCN: "作废", En: "Void a record"}, body: VoidBody{}, needs: []string{"reason"}, example: `{"reason": "录入有误"}`,
		headers:  []parameter{text("If-Match", "The ETag of the record: its revision, in quotes.", 20, "")},
		problems: []error{ErrNoRecord, ErrRecord, ErrPrecondition, schema.ErrRevision}, answers: ok(RecordAnswer{}, "What became of it.")},
	"GET /api/v1/submissions": {id: "listSubmissions", tag: "records", title: web.Phrase{ZhCN: "批次列表", En: "List submissions"}, about: "Newest first.",
		query: paged(choice("state", "State.", schema.SubmissionStates...)), answers: ok(List[SubmissionItem]{}, "A page of submissions.")},
	"POST /api/v1/submissions": {id: "addSubmission", tag: "records", title: web.Phrase{ZhCN: "批量报送", En: "Deliver up to a million records"},
		about: "One record a line, as POST /api/v1/records takes it. The answer comes when every line is here; a job stores them. The body may be compressed (Content-Encoding: gzip).",
		media: typeNDJSON, body: linesForm{}, problems: []error{errReceiving, errSlow, schema.ErrManySubmissions},
		answers: []answer{{http.StatusAccepted, SubmissionItem{}, "The submission, to be followed.", "", nil}}},
	"GET /api/v1/submissions/:id": {id: "readSubmission", tag: "records", title: web.Phrase{ZhCN: "批次进度", En: "How far a submission is"}, problems: []error{ErrNoSubmission}, answers: ok(SubmissionItem{}, "The submission.")},
	"GET /api/v1/submissions/:id/results": {id: "listResults", tag: "records", title: web.Phrase{ZhCN: "逐行结果", En: "What became of each row"},
		about: "A page, or with `Accept: application/x-ndjson` all of them, a line each.", query: paged(choice("outcome", "Outcome.", "added", "changed", "unchanged", "waiting", "refused")),
		problems: []error{ErrNoSubmission},
		answers:  []answer{{http.StatusOK, resultsForm{}, "A page of results.", "", map[string]*huma.Schema{typeNDJSON: {Type: huma.TypeString}}}}},
	"POST /api/v1/submissions/:id/cancel": {id: "cancelSubmission", tag: "records", title: web.Phrase{ZhCN: "取消批次", En: "Cancel a submission"}, about: "What was stored stays.",
		problems: []error{ErrNoSubmission, schema.ErrSubmissionEnded}, answers: ok(SubmissionItem{}, "The submission.")},
}
