package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"healthcode/credential"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// VerdictAnswer is the answer about one code: what the code proves, and the live record of whom it belongs to. In JSON the members of
// credential.Verdict come first (its tier and colour are those at issue); then checked_at, enterprise and grade.
type VerdictAnswer struct {
	Verdict    credential.Verdict
	CheckedAt  time.Time
	Enterprise *EnterpriseBrief
	Grade      *Grade // the live grade; nothing when the code may not be relied on, or when there is none yet
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
	more, err := json.Marshal(struct {
		CheckedAt  time.Time        `json:"checked_at"`
		Enterprise *EnterpriseBrief `json:"enterprise,omitempty"`
		Grade      *Grade           `json:"grade,omitempty"`
	}{a.CheckedAt, a.Enterprise, a.Grade})
	if err != nil {
		return nil, fmt.Errorf("write verdict: %w", err)
	}
	return append(append(verdict[:len(verdict)-1], ','), more[1:]...), nil
}

// verify checks a code's text and looks its enterprise up. An error is a failure of ours; whatever is wrong with the code is in the verdict.
func (s *server) verify(ctx context.Context, text string) (VerdictAnswer, error) {
	keys, err := s.keySet(ctx)
	if err != nil {
		return VerdictAnswer{}, err
	}
	now := s.now().UTC()
	answer := VerdictAnswer{Verdict: credential.Verify(text, keys, now), CheckedAt: now.Truncate(time.Second)}
	if !answer.Verdict.SignatureValid {
		return answer, nil
	}
	return answer, s.lookUp(ctx, &answer)
}

// lookUp adds the live record. A code of an enterprise that the register does not have is not relied on.
func (s *server) lookUp(ctx context.Context, answer *VerdictAnswer) error {
	verdict := &answer.Verdict
	enterprise, err := s.store.Enterprise(ctx, verdict.USCC)
	if errors.Is(err, schema.ErrNotFound) {
		verdict.Authentic, verdict.Reason, verdict.Detail = false, web.ReasonUnknownEnterprise, ErrNoEnterprise.Error()
		return nil
	}
	if err != nil {
		return fmt.Errorf("read enterprise: %w", err)
	}
	region, err := s.regionName(ctx, enterprise.RegionCode)
	if err != nil {
		return err
	}
	answer.Enterprise = &EnterpriseBrief{USCC: enterprise.USCC, Name: enterprise.Name, Region: region}
	if !verdict.Authentic {
		return nil
	}
	answer.Grade, err = s.gradeOf(ctx, verdict.USCC)
	return err
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
	}
	return nil
}

func codeError(verdict *credential.Verdict, reason error) error {
	return &fieldError{registry.Problems{{Field: "code", Problem: verdict.Detail, Want: "the whole text of a code issued here: a URL, its digits, or a JWT"}}, reason}
}

// verifyPosted answers POST /api/v1/verify: {"code": "…"}.
func (s *server) verifyPosted(c *gin.Context) {
	var request struct {
		Code string `json:"code"`
	}
	if err := decodeJSON(c.Request, &request); err != nil {
		s.fail(c, err)
		return
	}
	s.answerVerdict(c, request.Code)
}

// verifyQueried answers GET /api/v1/verify?code=….
func (s *server) verifyQueried(c *gin.Context) {
	query, err := readQuery(c.Request, "code")
	if err != nil {
		s.fail(c, err)
		return
	}
	s.answerVerdict(c, query.Get("code"))
}

func (s *server) answerVerdict(c *gin.Context, text string) {
	answer, err := s.verify(c.Request.Context(), text)
	if err != nil {
		s.fail(c, err)
		return
	}
	if err := refusal(&answer.Verdict); err != nil {
		s.answerProblem(c, err, &answer)
		return
	}
	c.JSON(http.StatusOK, answer)
}

// scanned answers GET /v/:code, what a printed code leads to: a page, or JSON for those who ask for it.
func (s *server) scanned(c *gin.Context) {
	c.Header("Vary", "Accept, Accept-Language")
	c.Header("X-Robots-Tag", "noindex")
	if prefersJSON(c.Request) {
		s.answerVerdict(c, c.Param("code"))
		return
	}
	answer, err := s.verify(c.Request.Context(), c.Param("code"))
	if err != nil {
		s.fail(c, err)
		return
	}
	status := http.StatusOK
	if err := refusal(&answer.Verdict); err != nil {
		status = problemOf(err, web.Chinese).Status
	}
	page := s.page(c)
	page.Query = nil // what a messenger appended to the link is no business of ours
	s.render(c, status, verdictPage(page, &answer))
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
	view.Grade = answer.Grade.view()
	return view
}
