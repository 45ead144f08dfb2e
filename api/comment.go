package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// CommentStore keeps what enterprises say about a version that is open for preview.
type CommentStore interface {
	ModelCommentsOf(ctx context.Context, whose registry.USCC, code string, version int) ([]schema.ModelComment, error)
	AddModelComment(ctx context.Context, code string, version int, c schema.ModelComment, today registry.Day) error
}

// commentBody is what POST /api/v1/enterprises/:uscc/preview/comments takes.
type commentBody struct {
	Version int    `json:"version"`
	Text    string `json:"text"`
}

// comments answers GET /api/v1/enterprises/:uscc/preview/comments?version=N: what the enterprise said about a version, whether its preview is
// still open or not.
func (s *server) comments(c *gin.Context) {
	query := s.query(c)
	list, err := s.commentsOf(c.Request.Context(), c.Param("uscc"), query.Get("version"))
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, list)
}

func (s *server) commentsOf(ctx context.Context, uscc, version string) (*List[schema.ModelComment], error) {
	code, err := s.known(ctx, uscc)
	if err != nil {
		return nil, err
	}
	active, err := s.model(ctx, schema.ModelRef{})
	if err != nil {
		return nil, err
	}
	ref, err := readVersion(active.Code, "version", version)
	if err != nil {
		return nil, err
	}
	if _, err := s.store.Model(ctx, ref.Code, ref.Version); err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	said, err := s.store.ModelCommentsOf(ctx, code, ref.Code, ref.Version)
	if err != nil {
		return nil, fmt.Errorf("read comments: %w", err)
	}
	return &List[schema.ModelComment]{Items: said}, nil
}

// known reads a code that the register has.
func (s *server) known(ctx context.Context, uscc string) (registry.USCC, error) {
	code, err := readUSCC(uscc)
	if err != nil {
		return "", err
	}
	_, err = s.register(ctx, code)
	return code, err
}

// comment answers POST /api/v1/enterprises/:uscc/preview/comments with all that the enterprise has said about the version. The approver of the
// version reads it. Saying the same again changes nothing.
func (s *server) comment(c *gin.Context) {
	var body commentBody
	if err := decodeJSON(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	ctx, version := c.Request.Context(), strconv.Itoa(body.Version)
	if err := s.say(ctx, c.Param("uscc"), version, body.Text); err != nil {
		s.fail(c, err)
		return
	}
	list, err := s.commentsOf(ctx, c.Param("uscc"), version)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusCreated, list)
}

// say keeps a comment.
func (s *server) say(ctx context.Context, uscc, version, text string) error {
	code, err := s.known(ctx, uscc)
	if err != nil {
		return err
	}
	active, err := s.model(ctx, schema.ModelRef{})
	if err != nil {
		return err
	}
	ref, err := readVersion(active.Code, "version", version)
	if err != nil {
		return err
	}
	text = strings.ReplaceAll(text, "\r\n", "\n") // as forms send it
	err = s.store.AddModelComment(ctx, ref.Code, ref.Version, schema.ModelComment{USCC: code, Text: text}, registry.DayOf(s.now()))
	if errors.Is(err, schema.ErrComment) {
		return badField("text", "is empty, too long or not plain text", fmt.Sprintf("1 to %d characters of plain text", schema.MaxComment))
	}
	if err != nil {
		return fmt.Errorf("keep a comment: %w", err)
	}
	return nil
}

// commentPosted answers POST /enterprises/:uscc/comments, the form of the enterprise's page: back to the page, which shows the comment; or the
// page with what is wrong and the text as it was.
func (s *server) commentPosted(c *gin.Context) {
	if _, err := readQuery(c.Request, "lang"); err != nil {
		s.fail(c, err)
		return
	}
	form, err := readForm(c.Request, "version", "text")
	if err != nil {
		s.fail(c, err)
		return
	}
	err = s.say(c.Request.Context(), c.Param("uscc"), form.Get("version"), form.Get("text"))
	var wrong *fieldError
	if errors.As(err, &wrong) && wrong.problems[0].Field == "text" {
		s.commentAgain(c, form.Get("text"))
		return
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	s.redirect(c, "/enterprises/"+url.PathEscape(c.Param("uscc")), "#preview")
}

// commentAgain shows the page with the text that was not kept.
func (s *server) commentAgain(c *gin.Context, text string) {
	s.enterpriseAgain(c, http.StatusBadRequest, func(view *web.EnterprisePage) {
		if view.Preview != nil {
			view.Preview.Refused, view.Preview.Text = true, text
		}
	})
}

// previewView is the preview for the enterprise's page; nil when no version is open.
func (s *server) previewView(ctx context.Context, page web.Page, code registry.USCC) (*web.Preview, error) {
	answer, err := s.previewOf(ctx, string(code), "")
	if errors.Is(err, schema.ErrNoPreview) || errors.Is(err, ErrNoModel) || errors.Is(err, ErrNotKnownThen) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	view := &web.Preview{Code: answer.After.Model.Code, Version: answer.After.Model.Version, EffectiveOn: answer.EffectiveOn, Until: answer.PreviewUntil,
		Before: web.OwnGrade(answer.Before), After: web.OwnGrade(answer.After), MaxText: schema.MaxComment}
	for _, change := range answer.Changes {
		view.Changes = append(view.Changes, web.Phrase{ZhCN: change.ZhCN, En: change.En}.In(page.Lang))
	}
	said, err := s.store.ModelCommentsOf(ctx, code, view.Code, view.Version)
	if err != nil {
		return nil, fmt.Errorf("read comments: %w", err)
	}
	for _, one := range said {
		view.Said = append(view.Said, web.Said{Text: one.Text, At: one.At})
	}
	return view, nil
}
