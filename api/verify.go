package api

import (
	"context"
	"encoding/json"
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

// MarshalJSON joins the verdict's own members and ours into one object.
func (a VerdictAnswer) MarshalJSON() ([]byte, error) {
	verdict, err := json.Marshal(a.Verdict)
	if err != nil {
		return nil, fmt.Errorf("write verdict: %w", err)
	}
	var grade *PublicTold
	var statement *ReplyTold
	if a.purpose == "" { // whoever names a purpose is told what it may know, in another member
		statement = a.Statement
		if a.Grade != nil {
			grade = &PublicTold{a.Grade.Tier, a.Grade.Colour, a.Grade.AsOf}
		}
	}
	more, err := json.Marshal(struct {
		CheckedAt  time.Time        `json:"checked_at"`
		Enterprise *EnterpriseBrief `json:"enterprise,omitempty"`
		Grade      *PublicTold      `json:"grade,omitempty"`
		Statement  *ReplyTold       `json:"statement,omitempty"`
		Copied     bool             `json:"scanned_in_many_places,omitempty"`
		Purpose    access.Purpose   `json:"purpose,omitempty"`
		Disclosed  any              `json:"disclosed,omitempty"`
	}{a.CheckedAt, a.Enterprise, grade, statement, a.Copied, a.purpose, a.told})
	if err != nil {
		return nil, fmt.Errorf("write verdict: %w", err)
	}
	return append(append(verdict[:len(verdict)-1], ','), more[1:]...), nil
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

// verifyPosted answers POST /api/v1/verify.
func (s *server) verifyPosted(c *gin.Context) {
	body, err := readJSON(c.Request)
	if err != nil {
		s.fail(c, err)
		return
	}
	view := s.view(c.Request.Context())
	if kept := s.keptAnswer(c, &view, body); kept != nil {
		c.Data(http.StatusOK, typeVerdict, kept)
		return
	}
	var request verifyBody
	switch err := decodeObject(body, &request); {
	case err != nil:
		s.fail(c, err)
	case request.Ticket != "":
		s.answerTicket(c, &request)
	case request.Purpose != "" || c.GetHeader("Authorization") != "":
		s.answerVerdict(c, request.Code, request.Purpose)
	default:
		s.answerAnybody(c, &view, body, request.Code)
	}
}

// typeVerdict is the media type of a verdict, as gin writes it.
const typeVerdict = "application/json; charset=utf-8"

// keptAnswer returns what the very same question of nobody in particular was answered in this second, if nothing was committed since.
func (s *server) keptAnswer(c *gin.Context, view *liveView, body []byte) []byte {
	if !view.known || c.GetHeader("Authorization") != "" {
		return nil
	}
	kept, _ := s.live.answers.find(view.second(), string(body))
	return kept
}

// answerAnybody answers who names no purpose, and keeps the answer.
func (s *server) answerAnybody(c *gin.Context, view *liveView, body []byte, text string) {
	answer, err := s.verifyAt(c.Request.Context(), view, text)
	if err != nil {
		s.fail(c, err)
		return
	}
	if written := s.writeVerdict(c, &answer); written != nil && view.known {
		s.live.answers.keep(view.second(), string(body), written)
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
	body, err := answer.MarshalJSON() // what gin would write, without looking through it a second time
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
