package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"healthcode/access"
	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"

	"github.com/gin-gonic/gin"
)

// CodeLife reads and changes what becomes of codes.
type CodeLife interface {
	// Code returns a code by its index, or an error that wraps schema.ErrNotFound.
	Code(ctx context.Context, idx uint32) (*schema.Code, error)
	// CodeSeen is Code within a sight; outside it is schema.ErrNotFound too.
	CodeSeen(ctx context.Context, sight access.Sight, idx uint32) (*schema.Code, error)
	// CodePage returns one page of a list, or an error that wraps schema.ErrCursor for a cursor of another list.
	CodePage(ctx context.Context, sight access.Sight, f schema.CodeFilter) (*schema.CodePage, error)
	CodeEvents(ctx context.Context, code registry.USCC, idx uint32) ([]schema.CodeEvent, error)
	ChangeCode(ctx context.Context, idx uint32, step schema.CodeStep, author, reason string) (*schema.Code, error)
}

// CodeIssuer signs codes. *jobs.Issuer satisfies it.
type CodeIssuer interface {
	Screen(ctx context.Context, code registry.USCC) (jobs.ScreenCode, error)
	Replace(ctx context.Context, old uint32, step schema.CodeStep, author, reason string) (credential.Issued, error)
}

// CodeItem is one code as JSON. Tier and colour are those at issue.
type CodeItem struct {
	Index     uint32            `json:"idx"`
	USCC      registry.USCC     `json:"uscc"`
	Form      string            `json:"form"`
	KID       string            `json:"kid"`
	Status    schema.CodeStatus `json:"status"`
	IssuedAt  time.Time         `json:"issued_at"`
	ExpiresAt time.Time         `json:"expires_at,omitzero"` // absent for the place of screen codes
	Tier      registry.Tier     `json:"tier"`
	Colour    registry.Colour   `json:"colour"`
	Model     int               `json:"model"`
}

// CodeStepItem is one step in the life of a code as JSON.
type CodeStepItem struct {
	Number int             `json:"number"`
	Step   schema.CodeStep `json:"step"`
	By     string          `json:"by"`
	Reason string          `json:"reason,omitempty"`
	At     time.Time       `json:"at"`
}

// CodeDetail is one code with its history and, unless it is a place of screen codes, its token.
type CodeDetail struct {
	CodeItem
	JWT   string         `json:"jwt,omitempty"`
	Steps []CodeStepItem `json:"steps"` // oldest first
}

// NewCodeItem returns what lists show of a code.
func NewCodeItem(c *schema.Code) CodeItem {
	return CodeItem{c.Index, c.USCC, c.Form, c.KID, c.Status, c.IssuedAt, c.ExpiresAt, c.Tier, c.Colour, c.Model}
}

// ReadCodeDetail puts together what is stored about a code.
func ReadCodeDetail(ctx context.Context, store interface {
	CodeEvents(ctx context.Context, code registry.USCC, idx uint32) ([]schema.CodeEvent, error)
}, c *schema.Code) (*CodeDetail, error) {
	events, err := store.CodeEvents(ctx, c.USCC, c.Index)
	if err != nil {
		return nil, fmt.Errorf("read the history of code %d: %w", c.Index, err)
	}
	d := &CodeDetail{CodeItem: NewCodeItem(c), Steps: make([]CodeStepItem, len(events))}
	if c.Form != string(credential.FormScreen) {
		d.JWT = c.JWT
	}
	for i, e := range events {
		d.Steps[i] = CodeStepItem{e.Number, e.Step, e.Author, e.Reason, e.At}
	}
	return d, nil
}

// codesListed answers GET /api/v1/codes.
func (s *server) codesListed(c *gin.Context) {
	query := s.query(c)
	filter, err := codeFilter(query)
	if err != nil {
		s.fail(c, err)
		return
	}
	page, err := s.store.CodePage(c.Request.Context(), s.sight(c), filter)
	if errors.Is(err, schema.ErrCursor) {
		err = badField("cursor", "is not of this list", "next of the page before, with the same filter and order")
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	list := List[CodeItem]{Items: make([]CodeItem, len(page.Items)), Next: page.Next}
	for i := range page.Items {
		list.Items[i] = NewCodeItem(&page.Items[i])
	}
	c.JSON(http.StatusOK, list)
}

var (
	codeSorts = []schema.CodeSort{"", schema.CodesByIndex, schema.CodesByIndexDown, schema.CodesByEnd, schema.CodesByEndDown}
	codeForms = []string{"", string(credential.FormPrinted), string(credential.FormScreen), string(credential.FormJWT)}
)

func codeFilter(query url.Values) (f schema.CodeFilter, err error) {
	f = schema.CodeFilter{Form: query.Get("form"), KID: query.Get("kid"), Sort: schema.CodeSort(query.Get("sort")), Cursor: query.Get("cursor")}
	if text := query.Get("uscc"); text != "" {
		if f.USCC, err = readUSCC(text); err != nil {
			return f, err
		}
	}
	if text := query.Get("status"); text != "" {
		f.Status = new(schema.CodeStatus)
		if f.Status.UnmarshalText([]byte(text)) != nil {
			return f, badField("status", "is not known", "one of valid, revoked, suspended, superseded")
		}
	}
	switch _, bad := credential.ParseKeyNumber(f.KID); {
	case f.KID != "" && bad != nil:
		return f, badField("kid", "is not the number of a key", "a number from 1 to 255")
	case !slices.Contains(codeForms, f.Form):
		return f, badField("form", "is not known", "one of printed, screen, jwt")
	case !slices.Contains(codeSorts, f.Sort):
		return f, badField("sort", "is not known", "one of idx, -idx, expires_at, -expires_at")
	}
	f.Limit, err = readLimit(query.Get("limit"))
	return f, err
}

// codeShown answers GET /api/v1/codes/:idx.
func (s *server) codeShown(c *gin.Context) {
	idx, err := readIndex(c.Param("idx"))
	if err != nil {
		s.fail(c, err)
		return
	}
	s.answerCode(c, http.StatusOK, idx)
}

func (s *server) answerCode(c *gin.Context, status int, idx uint32) {
	code, err := s.store.Code(c.Request.Context(), idx)
	if err != nil {
		s.fail(c, unknownCode(err))
		return
	}
	detail, err := ReadCodeDetail(c.Request.Context(), s.store, code)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(status, detail)
}

func unknownCode(err error) error {
	if errors.Is(err, schema.ErrNotFound) {
		return ErrNoSuchCode
	}
	return err
}

func readIndex(text string) (uint32, error) {
	idx, err := strconv.ParseUint(text, 10, 32)
	if err != nil || strconv.FormatUint(idx, 10) != text {
		return 0, badField("idx", "is not a place in the lists", "a number from 0 to 4294967295")
	}
	return uint32(idx), nil
}

// codeNote is the body of a step.
type codeNote struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
}

func (n *codeNote) check() error {
	for _, one := range []struct {
		field, text, want string
		most              int
	}{{"by", n.By, "the name of a person", schema.MaxStepAuthor}, {"reason", n.Reason, "why, in one line", schema.MaxStepReason}} {
		switch {
		case strings.TrimSpace(one.text) == "":
			return badField(one.field, "is missing", one.want)
		case len(one.text) > one.most:
			return badField(one.field, "is longer than "+strconv.Itoa(one.most)+" bytes", one.want)
		case !utf8.ValidString(one.text) || strings.ContainsFunc(one.text, isControl):
			return badField(one.field, "is not one line of text", one.want)
		}
	}
	return nil
}

// codeStepped answers POST /api/v1/codes/:idx/STEP: {"reason": "…"}, and "by" while nobody has an account. What renew and supersede issue is a new code, answered with 201.
func (s *server) codeStepped(step schema.CodeStep) gin.HandlerFunc {
	return func(c *gin.Context) {
		idx, note, err := s.readStep(c)
		if err != nil {
			s.fail(c, err)
			return
		}
		if step != schema.StepRenew && step != schema.StepSupersede {
			if _, err := s.store.ChangeCode(c.Request.Context(), idx, step, note.By, note.Reason); err != nil {
				s.fail(c, unknownCode(err))
				return
			}
			s.answerCode(c, http.StatusOK, idx)
			return
		}
		s.replaced(c, idx, step, note)
	}
}

func (s *server) replaced(c *gin.Context, idx uint32, step schema.CodeStep, note codeNote) {
	if s.Issuer == nil {
		s.fail(c, ErrNoSigner)
		return
	}
	issued, err := s.Issuer.Replace(c.Request.Context(), idx, step, note.By, note.Reason)
	if err != nil {
		s.fail(c, unknownCode(err))
		return
	}
	c.Header("Location", "/api/v1/codes/"+strconv.FormatUint(uint64(issued.Code.Index), 10))
	s.answerCode(c, http.StatusCreated, issued.Code.Index)
}

// readStep reads which code is meant and why. Who signed in is who does it; the machine itself, while there is no account, must be told.
func (s *server) readStep(c *gin.Context) (idx uint32, note codeNote, err error) {
	if idx, err = readIndex(c.Param("idx")); err != nil {
		return 0, note, err
	}
	if err = decodeJSON(c.Request, &note); err != nil {
		return 0, note, err
	}
	caller, err := s.caller(c)
	if err != nil {
		return 0, note, err
	}
	if caller.Kind != access.Operator {
		note.By = caller.Name
	}
	return idx, note, note.check()
}
