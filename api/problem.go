package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/supervision"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// Problem is an answer of problem+json (RFC 9457). Code is stable: programs may compare it. Title is in the language that the request accepts.
type Problem struct {
	Type      string            `json:"type"`
	Title     string            `json:"title"`
	Status    int               `json:"status"`
	Code      string            `json:"code"`
	Detail    string            `json:"detail,omitempty"`
	RequestID string            `json:"request_id"`
	Errors    registry.Problems `json:"errors,omitempty"`  // what is wrong with which field
	Verdict   *VerdictAnswer    `json:"verdict,omitempty"` // where the request was to verify a code
}

// The reasons for refusing a request, one per meaning. Their codes and statuses are in the table below.
var (
	ErrField            = errors.New("a field is wrong")
	ErrTooLarge         = errors.New("the request body is too large")
	ErrMediaType        = errors.New("the request body is not JSON")
	ErrNoRoute          = errors.New("nothing at this address")
	ErrMethod           = errors.New("the address does not take this method")
	ErrCrossOrigin      = errors.New("a page of another site sent this")
	ErrMalformedCode    = errors.New("the text is no code")
	ErrUnknownKey       = errors.New("the key of the code is not ours")
	ErrNoEnterprise     = errors.New("the register does not have this enterprise")
	ErrNoRegion         = errors.New("the register does not have this region")
	ErrNoProduct        = errors.New("the catalogue does not have this product")
	ErrNotKnownThen     = errors.New("nothing was known of the enterprise at that moment")
	ErrNoModel          = errors.New("there is no scoring model to compute with")
	ErrNoCode           = errors.New("the enterprise has no code yet")
	ErrNoSuchCode       = errors.New("the register does not have this code")
	ErrNoSigner         = errors.New("this server has no signing key")
	ErrScreenSuspended  = errors.New("the screen codes of the enterprise are suspended")
	ErrScreenRevoked    = errors.New("the screen codes of the enterprise are revoked")
	ErrNoList           = errors.New("no such list is published")
	ErrNoListThen       = errors.New("no publication of the list by that time is kept")
	ErrNoCheckpoint     = errors.New("no such checkpoint of the audit log was made")
	ErrNoBundle         = errors.New("this server makes no bundle")
	ErrNoRoot           = errors.New("no root key is known")
	ErrBadModel         = errors.New("the scoring model makes no sense")
	errUnavailable      = errors.New("not ready")
	errHandlerPanicked  = errors.New("a handler panicked")
	errAlreadyAnswering = errors.New("the answer had already begun")
)

// problems maps each sentinel to its status and stable code. The first that fits decides; anything else is an internal error.
var problems = []struct {
	err    error
	status int
	code   string
}{
	{ErrMalformedCode, http.StatusBadRequest, "malformed_code"},
	{ErrUnknownKey, http.StatusNotFound, "unknown_key"},
	{ErrNoEnterprise, http.StatusNotFound, "unknown_enterprise"},
	{ErrNoRegion, http.StatusNotFound, "unknown_region"},
	{ErrNoProduct, http.StatusNotFound, "unknown_product"},
	{ErrNotKnownThen, http.StatusNotFound, "not_known_then"},
	{ErrNoModel, http.StatusServiceUnavailable, "no_model"},
	{ErrNoCode, http.StatusNotFound, "no_code"},
	{ErrNoSuchCode, http.StatusNotFound, "unknown_code"},
	{ErrNoSigner, http.StatusServiceUnavailable, "no_signer"},
	{ErrScreenSuspended, http.StatusConflict, "screen_suspended"},
	{ErrScreenRevoked, http.StatusConflict, "screen_revoked"},
	{schema.ErrCodeStep, http.StatusConflict, "code_step"},
	{jobs.ErrNotGraded, http.StatusConflict, "not_graded"},
	{jobs.ErrSuspended, http.StatusConflict, "code_suspended"},
	{ErrNoList, http.StatusNotFound, "unknown_list"},
	{ErrNoListThen, http.StatusNotFound, "list_not_kept"},
	{ErrNoRoot, http.StatusNotFound, "no_root"},
	{ErrNoBundle, http.StatusNotFound, "no_bundle"},
	{ErrNoCheckpoint, http.StatusNotFound, "no_checkpoint"},
	{jobs.ErrNoKeySet, http.StatusNotFound, "no_key_set"},
	{jobs.ErrOldKeySet, http.StatusServiceUnavailable, "old_key_set"},
	{jobs.ErrNoLists, http.StatusServiceUnavailable, "no_lists"},
	{schema.ErrNoPreview, http.StatusConflict, "no_preview"},
	{schema.ErrManyComments, http.StatusConflict, "too_many_comments"},
	{ErrBadModel, http.StatusUnprocessableEntity, "invalid_model"},
	{ErrNoRoute, http.StatusNotFound, "not_found"},
	{ErrMethod, http.StatusMethodNotAllowed, "method_not_allowed"},
	{ErrNotSignedIn, http.StatusUnauthorized, "not_signed_in"},
	{ErrForbidden, http.StatusForbidden, "forbidden"},
	{ErrCredentials, http.StatusUnauthorized, "wrong_credentials"},
	{ErrTOTP, http.StatusUnauthorized, "wrong_second_factor"},
	{ErrElsewhere, http.StatusUnauthorized, "not_signed_in_elsewhere"},
	{ErrNotLinked, http.StatusForbidden, "not_linked"},
	{errProviderDown, http.StatusServiceUnavailable, "provider_down"},
	{ErrNoSession, http.StatusNotFound, "unknown_session"},
	{ErrNoAccount, http.StatusNotFound, "unknown_account"},
	{ErrAccountTaken, http.StatusConflict, "account_taken"},
	{ErrOtherKind, http.StatusConflict, "other_kind"},
	{ErrNoPartner, http.StatusNotFound, "unknown_partner"},
	{ErrNoPartnerKey, http.StatusNotFound, "unknown_partner_key"},
	{ErrNoWebhook, http.StatusNotFound, "unknown_webhook"},
	{schema.ErrManyHooks, http.StatusConflict, "too_many_webhooks"},
	{schema.ErrAhead, http.StatusConflict, "cursor_ahead"},
	{ErrPartnerTaken, http.StatusConflict, "partner_taken"},
	{ErrPurpose, http.StatusForbidden, "purpose_not_held"},
	{ErrNoTicket, http.StatusNotFound, "unknown_ticket"},
	{schema.ErrTicketUsed, http.StatusConflict, "ticket_used"},
	{schema.ErrTicketExpired, http.StatusGone, "ticket_expired"},
	{schema.ErrTicketForeign, http.StatusForbidden, "ticket_foreign"},
	{schema.ErrManyTickets, http.StatusConflict, "too_many_tickets"},
	{ErrNoRecord, http.StatusNotFound, "unknown_record"},
	{ErrRecord, http.StatusUnprocessableEntity, "invalid_record"},
	{ErrSource, http.StatusForbidden, "source_not_held"},
	{ErrPrecondition, http.StatusPreconditionFailed, "precondition_failed"},
	{schema.ErrRevision, http.StatusConflict, "revision_conflict"},
	{ErrNoSubmission, http.StatusNotFound, "unknown_submission"},
	{schema.ErrSubmissionEnded, http.StatusConflict, "submission_ended"},
	{schema.ErrManySubmissions, http.StatusConflict, "too_many_submissions"},
	{errReceiving, http.StatusServiceUnavailable, "receiving_busy"},
	{errSlow, http.StatusRequestTimeout, "too_slow"},
	{schema.ErrKeyReused, http.StatusUnprocessableEntity, "idempotency_key_reused"},
	{schema.ErrKeyRunning, http.StatusConflict, "idempotency_key_running"},
	{schema.ErrKeyUnknown, http.StatusConflict, "idempotency_key_unknown"},
	{ErrNoRecourse, http.StatusNotFound, "unknown_recourse"},
	{schema.ErrNoRecord, http.StatusNotFound, "unknown_record"},
	{schema.ErrFiled, http.StatusConflict, "recourse_filed"},
	{schema.ErrManyRecourses, http.StatusConflict, "too_many_recourses"},
	{supervision.ErrStep, http.StatusConflict, "recourse_step"},
	{supervision.ErrSide, http.StatusForbidden, "forbidden"},
	{supervision.ErrSame, http.StatusConflict, "same_person"},
	{supervision.ErrLate, http.StatusConflict, "too_late"},
	{supervision.ErrTooEarly, http.StatusConflict, "too_early"},
	{supervision.ErrRecord, http.StatusConflict, "not_contestable"},
	{supervision.ErrNotRepairable, http.StatusConflict, "not_repairable"},
	{supervision.ErrDuties, http.StatusConflict, "duties_open"},
	{supervision.ErrAgain, http.StatusConflict, "penalised_again"},
	{supervision.ErrListed, http.StatusConflict, "still_listed"},
	{ErrNoListing, http.StatusNotFound, "no_such_listing"},
	{ErrNoEntry, http.StatusNotFound, "not_listed"},
	{ErrCriteriaMissed, http.StatusConflict, "criteria_missed"},
	{ErrCriteriaVersion, http.StatusConflict, "criteria_version"},
	{supervision.ErrCriteria, http.StatusUnprocessableEntity, "invalid_criteria"},
	{supervision.ErrListingStep, http.StatusConflict, "listing_step"},
	{supervision.ErrNoticeOpen, http.StatusConflict, "notice_open"},
	{supervision.ErrExitEarly, http.StatusConflict, "exit_too_early"},
	{schema.ErrOwnAct, http.StatusConflict, "own_act"},
	{schema.ErrAnswerOpen, http.StatusConflict, "answer_open"},
	{ErrCrossOrigin, http.StatusForbidden, "cross_origin"},
	{schema.ErrChanged, http.StatusPreconditionFailed, "precondition_failed"},
	{ErrTooMany, http.StatusTooManyRequests, "too_many_requests"},
	{errOverloaded, http.StatusServiceUnavailable, "overloaded"},
	{ErrTooLarge, http.StatusRequestEntityTooLarge, "body_too_large"},
	{ErrMediaType, http.StatusUnsupportedMediaType, "unsupported_media_type"},
	{ErrField, http.StatusBadRequest, "invalid_field"},
	{schema.ErrNotFound, http.StatusNotFound, "not_found"},
	{errUnavailable, http.StatusServiceUnavailable, "unavailable"},
	{schema.ErrBusy, http.StatusServiceUnavailable, "unavailable"},
	{schema.ErrUnreachable, http.StatusServiceUnavailable, "unavailable"},
	{schema.ErrUnmigrated, http.StatusServiceUnavailable, "unavailable"},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "timeout"},
	{context.Canceled, statusClientGone, "client_gone"},
}

// statusClientGone is what the log shows when the client went away before the answer; nobody reads the answer itself.
const statusClientGone = 499

// fieldError says which fields are wrong, and wraps the reason.
type fieldError struct {
	problems registry.Problems
	reason   error
}

func (e *fieldError) Error() string { return e.reason.Error() + ": " + e.problems.Error() }
func (e *fieldError) Unwrap() error { return e.reason }

// badField refuses one field: what is wrong with it and what would be right. Neither text repeats what the client sent.
func badField(field, problem, want string) error { return badFieldFor(ErrField, field, problem, want) }

// badFieldFor is badField with a status of its own.
func badFieldFor(cause error, field, problem, want string) error {
	return &fieldError{registry.Problems{{Field: field, Problem: problem, Want: want}}, cause}
}

// problemOf turns an error into a problem. Only sentinels of the table and field errors are shown; the text of any other error stays in the log.
func problemOf(err error, language web.Language) Problem {
	p := Problem{Status: http.StatusInternalServerError, Code: "internal"}
	for _, known := range problems {
		if errors.Is(err, known.err) {
			p.Status, p.Code = known.status, known.code
			break
		}
	}
	var fields *fieldError
	if errors.As(err, &fields) {
		p.Errors = fields.problems
		p.Detail = fields.problems.Error()
	}
	p.Type = problemType(p.Code)
	p.Title = web.Term(language, "problem", p.Code)
	return p
}

func problemType(code string) string { return "urn:healthcode:problem:" + code }

// fail answers with a problem: as a page when a person asked, as problem+json otherwise.
func (s *server) fail(c *gin.Context, err error) { s.answerProblem(c, err, nil) }

func (s *server) answerProblem(c *gin.Context, err error, verdict *VerdictAnswer) {
	page := s.page(c)
	p := problemOf(err, page.Lang)
	p.RequestID, p.Verdict = page.ID, verdict
	s.logProblem(c, p, err)
	if c.Writer.Written() {
		return
	}
	c.Writer.Header().Del("ETag")
	c.Header("Cache-Control", "no-store")
	addVary(c, "Accept", "Accept-Language")
	c.Header("Content-Language", string(page.Lang))
	c.Abort()
	if p.Status == http.StatusMethodNotAllowed && c.Writer.Header().Get("Allow") == "" {
		c.Header("Allow", "GET, HEAD")
	}
	if p.Status == http.StatusUnauthorized {
		c.Header("WWW-Authenticate", `Bearer realm="healthcode"`)
	}
	if wantsPage(c.Request) {
		setFields(c, pageFields) // a browser shows it, also where programs call
		s.render(c, p.Status, web.ProblemPage{Page: page, Status: p.Status, Title: p.Title, Detail: p.Detail, Home: page.Account != "" || isLocal(c.Request)})
		return
	}
	writeProblem(c, p)
}

func writeProblem(c *gin.Context, p Problem) {
	body, err := json.Marshal(p)
	if err != nil { // a Problem always encodes; should that ever change, the status still tells
		c.Status(p.Status)
		return
	}
	c.Data(p.Status, "application/problem+json", body)
}

// logProblem keeps the cause of what the client only sees as an internal error or an unavailable store.
func (s *server) logProblem(c *gin.Context, p Problem, err error) {
	if p.Status < http.StatusInternalServerError {
		return
	}
	s.log.LogAttrs(c.Request.Context(), slog.LevelError, "request failed", slog.String("request_id", p.RequestID),
		slog.String("route", c.FullPath()), slog.String("problem", p.Code), slog.String("error", err.Error()))
}

// noRoute answers for an address that has nothing.
func (s *server) noRoute(c *gin.Context) { s.fail(c, ErrNoRoute) }

// noMethod answers for an address that takes other methods. Gin has set Allow.
func (s *server) noMethod(c *gin.Context) { s.fail(c, ErrMethod) }

// recovered turns a panic into an internal error; the stack goes to the log, never to the client.
func (s *server) recovered(c *gin.Context, cause any, stack []byte) {
	err := fmt.Errorf("%w: %v\n%s", errHandlerPanicked, cause, strings.TrimSpace(string(stack)))
	if c.Writer.Written() {
		err = fmt.Errorf("%w: %w", errAlreadyAnswering, err)
	}
	s.fail(c, err)
}
