package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"healthcode/access"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/supervision"

	"github.com/gin-gonic/gin"
)

func (s *server) listingRoutes() []Route {
	const get, post = http.MethodGet, http.MethodPost
	public := access.Rule{Public: true}
	supervisor := access.Rule{Roles: []access.Role{access.Supervisor}}
	both := access.Rule{Roles: []access.Role{access.Supervisor}, Enterprise: true}
	return []Route{
		{get, publicListingPath + ":name", public, s.publicListing},
		{get, "/api/v1/listings", public, s.listings},
		{get, "/api/v1/listings/:list/entries", public, s.listingEntries},
		{get, "/api/v1/listings/:list/entries/:uscc", public, s.listingEntry},
		{get, "/api/v1/listings/:list/criteria", public, s.listingCriteria},
		{post, "/api/v1/listings/:list/criteria", access.Rule{Roles: []access.Role{access.Approver, access.Admin}, Everywhere: true}, s.listingCriteriaSet},
		{post, "/api/v1/listings/:list/entries", both, s.listingOpened},
		{post, "/api/v1/listings/:list/entries/:uscc/decide", supervisor, s.listingDecided},
		{post, "/api/v1/listings/:list/entries/:uscc/suspend", supervisor, s.listingStepped(supervision.StepSuspend)},
		{post, "/api/v1/listings/:list/entries/:uscc/resume", supervisor, s.listingStepped(supervision.StepResume)},
		{post, "/api/v1/listings/:list/entries/:uscc/remove", supervisor, s.listingStepped(supervision.StepRemove)},
		{post, "/api/v1/listings/:list/entries/:uscc/exit", supervisor, s.listingStepped(supervision.StepExit)},
		{post, "/api/v1/listings/:list/entries/:uscc/withdraw", both, s.listingStepped(supervision.StepWithdraw)},
		{get, "/listings", access.Rule{Roles: []access.Role{access.Reader}}, s.listingDesk},
		{post, "/listings/:list/:uscc", supervisor, s.listingPosted},
		{post, "/enterprises/:uscc/listings", both, s.listingOwnPosted},
	}
}

// ListingBody is what POST /api/v1/listings/:list/entries takes. An enterprise applies with its commitment; staff nominate a merchant with a reason,
// or give notice of the serious-violation list with its legal basis and the penalty on which it rests.
type ListingBody struct {
	USCC       string `json:"uscc"`
	Commitment string `json:"commitment"` // of an application, 1 to 500 characters: published
	Reason     string `json:"reason"`     // of staff
	LegalBasis string `json:"legal_basis"`
	Source     string `json:"penalty_source"` // of the penalty, and its number there
	SourceRef  string `json:"penalty_ref"`
}

// ListingStepBody is what the steps of an entry take.
type ListingStepBody struct {
	Reason string `json:"reason"`
}

// ListingDecisionBody is what POST …/decide takes.
type ListingDecisionBody struct {
	Decision string `json:"decision"` // list or refuse
	Reason   string `json:"reason"`
}

// The bounds of texts, in characters.
const (
	maxCommitment = 500
	maxBasis      = 300
)

// checkLine refuses a text that is missing, longer than so many characters, or not one line.
func checkLine(field, text string, most int) error {
	switch n := utf8.RuneCountInString(text); {
	case strings.TrimSpace(text) == "":
		return badField(field, "is missing", "one line of text")
	case n > most || len(text) > schema.MaxStepReason:
		return badField(field, fmt.Sprintf("is longer than %d characters", most), "a shorter text")
	case !utf8.ValidString(text) || strings.ContainsFunc(text, isControl):
		return badField(field, "is not one line of text", "one line of text")
	}
	return nil
}

// maxReason bounds the reason of a step, in characters: three bytes each fit into schema.MaxStepReason.
const maxReason = schema.MaxStepReason / 3

// listingOpened answers POST /api/v1/listings/:list/entries with 201.
func (s *server) listingOpened(c *gin.Context) {
	var body ListingBody
	if err := decodeJSON(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	if err := s.openEntry(c, c.Param("list"), &body); err != nil {
		s.fail(c, err)
		return
	}
	c.Header("Location", "/api/v1/listings/"+c.Param("list")+"/entries/"+body.USCC)
	s.answerEntry(c, http.StatusCreated, body.USCC)
}

// openEntry applies, nominates or gives notice, as the list and the caller are.
func (s *server) openEntry(c *gin.Context, name string, body *ListingBody) error {
	list, err := readList(name)
	if err != nil {
		return err
	}
	code, err := readUSCC(body.USCC)
	if err != nil {
		return err
	}
	caller, err := s.caller(c)
	if err != nil {
		return err
	}
	_, err = s.store.EnterpriseSeen(c.Request.Context(), s.sight(c), code)
	if errors.Is(err, schema.ErrNotFound) {
		return ErrNoEnterprise
	}
	if err != nil {
		return fmt.Errorf("read enterprise: %w", err)
	}
	act := schema.ListingAct{List: list, USCC: code, Day: s.today(), Reason: body.Reason, Missed: nil}
	if act.Step, err = body.step(list, caller.Kind == access.Enterprise); err != nil {
		return err
	}
	act.Commitment, act.Basis, act.Penalty = body.Commitment, body.LegalBasis, supervision.RecordRef{Source: body.Source, Ref: body.SourceRef}
	return s.takeStep(c.Request.Context(), act)
}

// step says what a body asks for, and checks that it has what that needs and nothing else.
func (b *ListingBody) step(list string, own bool) (step supervision.ListingStep, err error) {
	type part struct {
		field, text string
		most        int
	}
	var needed, none []part
	commitment, reason := part{"commitment", b.Commitment, maxCommitment}, part{"reason", b.Reason, maxReason}
	notice := []part{{"legal_basis", b.LegalBasis, maxBasis}, {"penalty_source", b.Source, 60}, {"penalty_ref", b.SourceRef, 120}}
	switch {
	case own && list == supervision.ListTrusted:
		step, needed, none = supervision.StepApply, []part{commitment}, append(notice, reason)
	case own:
		return "", ErrForbidden
	case list == supervision.ListTrusted:
		step, needed, none = supervision.StepNominate, []part{reason}, append(notice, commitment)
	default:
		step, needed, none = supervision.StepNotice, append(notice, reason), []part{commitment}
	}
	for _, p := range needed {
		if err := checkLine(p.field, p.text, p.most); err != nil {
			return "", err
		}
	}
	for _, p := range none {
		if p.text != "" {
			return "", badField(p.field, "does not go with this list and caller", "nothing")
		}
	}
	return step, nil
}

// takeStep takes a step. Who is listed or returns meets every criterion; otherwise ErrCriteriaMissed names those that are missed.
func (s *server) takeStep(ctx context.Context, act schema.ListingAct) error {
	if act.List == supervision.ListTrusted && (act.Step == supervision.StepList || act.Step == supervision.StepResume) {
		results, err := s.criteriaOf(ctx, act.List, act.USCC)
		if err != nil {
			return err
		}
		if missed := supervision.Missed(results); len(missed) > 0 {
			return badFieldFor(ErrCriteriaMissed, "criteria", "are missed: "+strings.Join(missed, ", "), "every criterion met; refuse, or wait")
		}
	}
	_, err := s.store.TakeListingStep(ctx, act)
	switch {
	case errors.Is(err, schema.ErrNotFound):
		return ErrNoEnterprise
	case errors.Is(err, schema.ErrPenalty):
		return badField("penalty_ref", "is no penalty of the enterprise that stands", "source and number of a penalty in the register")
	case errors.Is(err, schema.ErrStepNote):
		return badField("reason", "is missing or not plain text", "one line of text")
	case err != nil:
		return fmt.Errorf("take a step in a list: %w", err)
	}
	return nil
}

// listingStepped answers POST /api/v1/listings/:list/entries/:uscc/STEP.
func (s *server) listingStepped(step supervision.ListingStep) gin.HandlerFunc {
	return func(c *gin.Context) {
		var body ListingStepBody
		if err := decodeJSON(c.Request, &body); err != nil {
			s.fail(c, err)
			return
		}
		s.stepAnswered(c, step, body.Reason)
	}
}

// listingDecided answers POST /api/v1/listings/:list/entries/:uscc/decide.
func (s *server) listingDecided(c *gin.Context) {
	var body ListingDecisionBody
	if err := decodeJSON(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	step, err := readDecision(body.Decision)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.stepAnswered(c, step, body.Reason)
}

func readDecision(text string) (supervision.ListingStep, error) {
	step := supervision.ListingStep(text)
	if step != supervision.StepList && step != supervision.StepRefuse {
		return "", badField("decision", "is not known", "list or refuse")
	}
	return step, nil
}

func (s *server) stepAnswered(c *gin.Context, step supervision.ListingStep, reason string) {
	if err := s.stepEntry(c, c.Param("list"), step, reason); err != nil {
		s.fail(c, err)
		return
	}
	s.answerEntry(c, http.StatusOK, c.Param("uscc"))
}

// stepEntry takes a step with the entry of the enterprise in the address. An enterprise that withdraws need not say why.
func (s *server) stepEntry(c *gin.Context, name string, step supervision.ListingStep, reason string) error {
	list, err := readList(name)
	if err != nil {
		return err
	}
	code, err := readUSCC(c.Param("uscc"))
	if err != nil {
		return err
	}
	caller, err := s.caller(c)
	if err != nil {
		return err
	}
	if reason != "" || caller.Kind != access.Enterprise {
		if err := checkLine("reason", reason, maxReason); err != nil {
			return err
		}
	}
	return s.takeStep(c.Request.Context(), schema.ListingAct{List: list, USCC: code, Step: step, Day: s.today(), Reason: reason})
}

// ListingCriteriaBody is what POST /api/v1/listings/:list/criteria takes.
type ListingCriteriaBody struct {
	Criteria json.RawMessage `json:"criteria"` // a whole document of criteria: the next version
	Reason   string          `json:"reason"`
	DryRun   bool            `json:"dry_run"` // only say whom it would concern
}

// ListingCriteriaAnswer says whom criteria concern, and whether they were stored.
type ListingCriteriaAnswer struct {
	Criteria supervision.Criteria `json:"criteria"`
	Stored   bool                 `json:"stored"`
	Preview  jobs.ListingPreview  `json:"preview"` // as of today
}

// ListingCriteriaVersion is a version of criteria as everybody may read it.
type ListingCriteriaVersion struct {
	supervision.Criteria
	Reason string `json:"reason,omitempty"`
}

// listingCriteria answers GET /api/v1/listings/:list/criteria: every version, newest first.
func (s *server) listingCriteria(c *gin.Context) {
	list, err := readList(c.Param("list"))
	if err != nil {
		s.fail(c, err)
		return
	}
	versions, err := s.store.ListingCriteriaVersions(c.Request.Context(), list)
	if err != nil {
		s.fail(c, err)
		return
	}
	page := newList[ListingCriteriaVersion](len(versions))
	for i := range versions {
		page.Items = append(page.Items, ListingCriteriaVersion{versions[i].Criteria, versions[i].Reason})
	}
	c.JSON(http.StatusOK, page)
}

// listingCriteriaSet answers POST /api/v1/listings/:list/criteria: 200 for a dry run, else 201.
func (s *server) listingCriteriaSet(c *gin.Context) {
	var body ListingCriteriaBody
	if err := decodeJSON(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	answer, err := s.setCriteria(c.Request.Context(), c.Param("list"), &body)
	if err != nil {
		s.fail(c, err)
		return
	}
	if answer.Stored {
		c.JSON(http.StatusCreated, answer)
		return
	}
	c.JSON(http.StatusOK, answer)
}

func (s *server) setCriteria(ctx context.Context, name string, body *ListingCriteriaBody) (*ListingCriteriaAnswer, error) {
	list, err := readList(name)
	if err != nil {
		return nil, err
	}
	then, err := supervision.ParseCriteria(body.Criteria)
	switch {
	case err != nil:
		return nil, badCriteria(err)
	case then.List != list:
		return nil, badField("criteria.list", "is another list", list)
	case then.ValidFrom < s.today():
		return nil, badField("criteria.valid_from", "has passed", "today or a later day: nobody is judged by rules that came afterwards")
	}
	now, err := s.store.ListingCriteria(ctx, list, s.today())
	if err != nil {
		return nil, fmt.Errorf("read criteria: %w", err)
	}
	preview, err := s.listingFacts().Preview(ctx, s.store.ListingsIn(ctx, list, jobs.PreviewStates...), now, then, s.today(), nil)
	if err != nil {
		return nil, fmt.Errorf("preview criteria: %w", err)
	}
	answer := &ListingCriteriaAnswer{Criteria: *then, Stored: !body.DryRun, Preview: *preview}
	if body.DryRun {
		return answer, nil
	}
	if err := checkLine("reason", body.Reason, maxReason); err != nil {
		return nil, err
	}
	err = s.store.AddListingCriteria(ctx, then, body.Reason)
	if errors.Is(err, schema.ErrConflict) {
		return nil, badFieldFor(ErrCriteriaVersion, "criteria.version", "is not the next one, or holds before the last one", "the last version plus one, from its day on or later")
	}
	if err != nil {
		return nil, fmt.Errorf("store criteria: %w", err)
	}
	return answer, nil
}

// ErrCriteriaVersion is the reason for criteria that do not follow the last ones.
var ErrCriteriaVersion = errors.New("the criteria are not the next version")

// badCriteria names the fields of a document that are wrong.
func badCriteria(err error) error {
	var fields registry.Problems
	if errors.As(err, &fields) {
		return &fieldError{fields, supervision.ErrCriteria}
	}
	return badFieldFor(supervision.ErrCriteria, "criteria", "is not a document of criteria", "one JSON object as in docs/listings.md")
}
