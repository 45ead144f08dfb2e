package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"healthcode/access"
	"healthcode/credential"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// VerdictAnswer is the answer about one code: what the code proves, and the live record of whom it belongs to. In JSON the members of
// credential.Verdict come first (its tier and colour are those at issue); then checked_at, enterprise, grade, statement and scanned_in_many_places.
type VerdictAnswer struct {
	Verdict    credential.Verdict
	CheckedAt  time.Time
	Enterprise *EnterpriseBrief
	Grade      *Grade     // the live grade; nothing when the code may not be relied on, or when there is none yet
	Statement  *ReplyTold // what the enterprise says beside it; only where the code may be relied on
	Copied     bool       // a printed code that was scanned in many places of late

	purpose access.Purpose // what the answer is for; empty where nobody named one
	told    any            // what the purpose may know, in place of the grade

	stored *schema.Code // what the register knows of it
	since  time.Time    // when it ended or was suspended
}

// EnterpriseBrief names an enterprise.
type EnterpriseBrief struct {
	USCC   registry.USCC `json:"uscc"`
	Name   string        `json:"name"`
	Region string        `json:"region"` // full name, largest division first
}

// verify checks a code's text and looks its enterprise up. An error is a failure of ours; whatever is wrong with the code is in the verdict.
func (s *server) verify(ctx context.Context, text string) (VerdictAnswer, error) {
	view := s.view(ctx)
	return s.verifyAt(ctx, &view, text)
}

func (s *server) verifyAt(ctx context.Context, view *liveView, text string) (VerdictAnswer, error) {
	keys, err := s.knownKeys(ctx, view)
	if err != nil {
		return VerdictAnswer{}, err
	}
	answer := VerdictAnswer{CheckedAt: view.now.Truncate(time.Second)}
	if proven, err := s.proven.prove(text, keys); err != nil {
		answer.Verdict = credential.Refused(err)
	} else {
		answer.Verdict = proven.At(view.now)
	}
	answer.Verdict.Current = credential.CurrentNo // until the register says otherwise
	if !answer.Verdict.SignatureValid {
		return answer, nil
	}
	return answer, s.lookUp(ctx, view, &answer)
}

// lookUp adds the live record. A code of an enterprise that the register does not have, and one that it never issued, are not relied on.
func (s *server) lookUp(ctx context.Context, view *liveView, answer *VerdictAnswer) error {
	verdict := &answer.Verdict
	live, err := s.liveRow(ctx, view, verdict.USCC, verdict.Index)
	if errors.Is(err, schema.ErrNotFound) {
		distrust(verdict, web.ReasonUnknownEnterprise, ErrNoEnterprise)
		return nil
	}
	if err != nil {
		return fmt.Errorf("look up code: %w", err)
	}
	region, err := s.regionName(ctx, live.RegionCode)
	if err != nil {
		return err
	}
	answer.Enterprise = &EnterpriseBrief{USCC: verdict.USCC, Name: live.Name, Region: region}
	if err := s.lookUpCode(ctx, answer, live); err != nil || !verdict.Authentic {
		return err
	}
	if live.Reply != nil {
		answer.Statement = &ReplyTold{Text: live.Reply.Text, On: live.Reply.On}
	}
	verdict.Current = credential.CurrentUnknown
	if answer.Grade = newLiveGrade(live.Grade); answer.Grade != nil {
		verdict.Current = credential.CurrentYes
	}
	return nil
}

func distrust(v *credential.Verdict, reason credential.Reason, why error) {
	v.Authentic, v.Reason, v.Detail = false, reason, why.Error()
}

// signalShown is for how long a signal stays a hint to those who scan the code.
const signalShown = 7 * 24 * time.Hour

// lookUpCode adds what has become of the code. One whose signature fits but that the register does not know was signed behind its back: the
// key is in other hands, or the register has lost something. Somebody must look at once.
func (s *server) lookUpCode(ctx context.Context, answer *VerdictAnswer, live *schema.Live) error {
	v, stored := &answer.Verdict, live.Code
	if stored == nil || !isOf(v, stored) {
		distrust(v, web.ReasonUnknownCode, ErrNoSuchCode)
		s.log.LogAttrs(ctx, slog.LevelError, "a signed code that the register does not know: is the key in other hands?", slog.String("kid", v.KeyID),
			slog.Uint64("idx", uint64(v.Index)), slog.String("uscc", string(v.USCC)), slog.String("form", string(v.Form)), slog.Time("issued_at", v.IssuedAt))
		return nil
	}
	answer.stored = stored
	if v.Authentic {
		v.SetStatus(credential.Status(stored.Status), answer.CheckedAt)
	}
	if stored.Status != schema.CodeValid {
		events, err := s.store.CodeEvents(ctx, v.USCC, v.Index)
		if err != nil {
			return fmt.Errorf("read the history of the code: %w", err)
		}
		if n := len(events); n > 0 { // nothing follows a step that ended it, but its resumption
			answer.since = events[n-1].At
		}
	}
	answer.Copied = !live.SignalAt.Before(answer.CheckedAt.Add(-signalShown)) && stored.Form == string(credential.FormPrinted)
	return nil
}

// isOf reports whether a stored code is the one that was shown. Screen codes share a place, so only their key and form must fit. An intent was never
// handed out, unless its process was killed: then its place is revoked, and that is the answer.
func isOf(v *credential.Verdict, stored *schema.Code) bool {
	if stored.KID != v.KeyID || v.LivesForSeconds() != (stored.Form == string(credential.FormScreen)) {
		return false
	}
	if stored.State == schema.CodeIntended {
		return stored.Status == schema.CodeRevoked
	}
	return v.LivesForSeconds() || stored.IssuedAt.Equal(v.IssuedAt) && stored.ExpiresAt.Equal(v.ExpiresAt) && stored.Tier == v.Tier &&
		stored.Colour == v.Colour && stored.Model == int(v.Model)
}

// refusal is the error of a verdict that is not an answer of status 200: what is no code of ours at all, or of nobody we know.
func refusal(verdict *credential.Verdict) error {
	switch verdict.Reason {
	case credential.ReasonMalformed:
		return codeError(verdict, ErrMalformedCode)
	case credential.ReasonUnknownKey:
		return codeError(verdict, ErrUnknownKey)
	case web.ReasonUnknownEnterprise:
		return codeError(verdict, ErrNoEnterprise)
	case web.ReasonUnknownCode:
		return codeError(verdict, ErrNoSuchCode)
	}
	return nil
}

func codeError(verdict *credential.Verdict, reason error) error {
	return &fieldError{registry.Problems{{Field: "code", Problem: verdict.Detail, Want: "the whole text of a code issued here: a URL, its digits, or a JWT"}}, reason}
}

// verifyBody is what POST /api/v1/verify takes: a code, for a purpose or for none, or a ticket alone.
type verifyBody struct {
	Code    string `json:"code"`
	Purpose string `json:"purpose"`
	Ticket  string `json:"ticket"`
}

// readVerifyBody reads a body. Nearly all of them are a code alone, which decodeObject would take apart in many steps.
func readVerifyBody(body []byte) (request verifyBody, err error) {
	if code, ok := codeAlone(body); ok {
		return verifyBody{Code: code}, nil
	}
	err = decodeObject(body, &request)
	return request, err
}

// codeAlone returns the code of a body that has nothing else, written without escapes.
func codeAlone(body []byte) (code string, ok bool) {
	rest, opens := bytes.CutPrefix(body, []byte(`{"code":`))
	rest, isText := bytes.CutPrefix(bytes.TrimLeft(rest, " "), []byte(`"`))
	inner, ends := bytes.CutSuffix(rest, []byte(`"}`))
	for _, c := range inner {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return "", false
		}
	}
	return string(inner), opens && isText && ends
}

// verifyPosted answers POST /api/v1/verify.
func (s *server) verifyPosted(c *gin.Context) {
	body, err := readJSON(c.Request)
	if err != nil {
		s.fail(c, err)
		return
	}
	request, err := readVerifyBody(body)
	switch {
	case err != nil:
		s.fail(c, err)
	case request.Ticket != "":
		s.answerTicket(c, &request)
	case request.Purpose != "" || isAsked(c.Request):
		s.answerVerdict(c, request.Code, request.Purpose)
	default:
		s.answerAnybody(c, body, request.Code)
	}
}

// typeVerdict is the media type of a verdict, as gin writes it.
const typeVerdict = "application/json; charset=utf-8"

// answerAnybody answers who names no purpose, and keeps the answer.
func (s *server) answerAnybody(c *gin.Context, body []byte, text string) {
	view := s.view(c.Request.Context())
	answer, err := s.verifyAt(c.Request.Context(), &view, text)
	if err != nil {
		s.fail(c, err)
		return
	}
	if written := s.writeVerdict(c, &answer); written != nil && view.known && len(body) <= maxAgain {
		s.live.answers.keep(view.mark(), body, written)
	}
}

// verifyQueried answers GET /api/v1/verify?code=….
func (s *server) verifyQueried(c *gin.Context) {
	query := s.query(c)
	s.answerVerdict(c, query.Get("code"), "")
}

func (s *server) answerVerdict(c *gin.Context, text, purpose string) {
	caller, held, err := s.asked(c, purpose)
	if err != nil {
		s.fail(c, err)
		return
	}
	ctx := c.Request.Context()
	answer, err := s.verifyFor(ctx, text, held)
	if err == nil {
		err = s.looks.write(ctx, s.store, looksOf(caller, answer))
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	s.writeVerdict(c, &answer)
}

// asked says who asks and for which purpose. Whoever names none and sends no key is not asked who it is: caller is nil and the purpose empty.
// A partner that names none asks what the public may know.
func (s *server) asked(c *gin.Context, text string) (caller *access.Caller, purpose access.Purpose, err error) {
	if text == "" && c.GetHeader("Authorization") == "" {
		return nil, "", nil
	}
	if caller, err = s.caller(c); err != nil {
		return nil, "", err
	}
	if purpose = access.Purpose(text); text == "" {
		purpose = access.PurposePublic
	}
	switch {
	case !purpose.Known():
		return nil, "", badField("purpose", "is not known", fmt.Sprintf("one of %v", access.Purposes))
	case !caller.Names(purpose):
		return nil, "", ErrPurpose
	case purpose != access.PurposePublic && !caller.Has(access.ScopeVerify):
		return nil, "", ErrForbidden
	}
	return caller, purpose, nil
}

// verifyFor is verify with what a purpose may know.
func (s *server) verifyFor(ctx context.Context, text string, purpose access.Purpose) (VerdictAnswer, error) {
	answer, err := s.verify(ctx, text)
	answer.purpose = purpose
	if err != nil || purpose == "" || answer.Grade == nil {
		return answer, err
	}
	answer.told, err = s.told(ctx, purpose, answer.Verdict.USCC, answer.Grade)
	return answer, err
}

// writeVerdict answers, and returns the body of an answer that is no problem.
func (s *server) writeVerdict(c *gin.Context, answer *VerdictAnswer) []byte {
	if err := refusal(&answer.Verdict); err != nil {
		s.answerProblem(c, err, answer)
		return nil
	}
	body, err := answer.appendJSON(nil) // what gin would write, without looking through it a second time
	if err != nil {
		s.fail(c, err)
		return nil
	}
	c.Data(http.StatusOK, typeVerdict, body)
	return body
}

// scanned answers GET /v/:code, what a printed code leads to: a page, or JSON for those who ask for it.
func (s *server) scanned(c *gin.Context) {
	addVary(c, "Accept", "Accept-Language")
	c.Header("X-Robots-Tag", "noindex")
	answer, err := s.verify(c.Request.Context(), c.Param("code"))
	if err != nil {
		s.fail(c, err)
		return
	}
	s.countScan(c, &answer)
	if prefersJSON(c.Request) {
		s.writeVerdict(c, &answer)
		return
	}
	status := http.StatusOK
	if err := refusal(&answer.Verdict); err != nil {
		status = problemOf(err, web.Chinese).Status
	}
	page := s.page(c)
	page.Query = nil // what a messenger appended to the link is no business of ours
	view := verdictPage(page, &answer)
	if said := answer.Statement; said != nil {
		view.Reply = &web.PublicReply{Text: said.Text, On: said.On}
	}
	s.render(c, status, view)
}

func verdictPage(page web.Page, answer *VerdictAnswer) web.VerdictPage {
	v := &answer.Verdict
	view := web.VerdictPage{Page: page, Reason: string(v.Reason), Authentic: v.Authentic, Signed: v.SignatureValid, CheckedAt: answer.CheckedAt}
	if e := answer.Enterprise; e != nil {
		view.Enterprise = &web.VerdictEnterprise{USCC: e.USCC, Name: e.Name, Region: e.Region}
	}
	if v.SignatureValid {
		view.Code = &web.VerdictCode{Form: string(v.Form), IssuedAt: v.IssuedAt, ExpiresAt: v.ExpiresAt, Tier: v.Tier, Colour: v.Colour,
			Model: int(v.Model), KeyID: v.KeyID}
	}
	view.Grade, view.Copied, view.Since = answer.Grade.view(), answer.Copied, answer.since
	return view
}
