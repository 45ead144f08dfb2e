package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"healthcode/access"
	"healthcode/exchange"
	"healthcode/registry"
	"healthcode/schema"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json/jsontext"
)

// RecordStore keeps records.
type RecordStore interface {
	PutRecords(ctx context.Context, records []registry.Record, options schema.PutOptions) ([]schema.PutResult, error)
	VoidRecord(ctx context.Context, bounds schema.Bounds, v schema.VoidRequest) (schema.PutResult, error)
	RecordPage(ctx context.Context, bounds schema.Bounds, f schema.RecordFilter) (*schema.RecordPage, error)
	Revisions(ctx context.Context, bounds schema.Bounds, source, ref string) ([]schema.Revision, error)
}

const recordsPath = "/api/v1/records"

// Why a record is not taken, or not shown.
var (
	ErrNoRecord     = errors.New("there is no such record")
	ErrRecord       = errors.New("the record is wrong")
	ErrSource       = errors.New("the caller does not deliver under this source")
	ErrPrecondition = errors.New("it is not what the caller saw")
)

// recordRoutes are about what departments report.
func (s *server) recordRoutes() []Route {
	const get, post = http.MethodGet, http.MethodPost
	delivers := access.Rule{Roles: []access.Role{access.Recorder}, Scopes: []access.Scope{access.ScopeRecords}}
	reads := access.Rule{Roles: []access.Role{access.Reader}, Scopes: delivers.Scopes}
	return []Route{
		{get, recordsPath, reads, s.recordsListed},
		{post, recordsPath, delivers, s.recordAdded},
		{get, recordsPath + "/:source/:ref", reads, s.recordShown},
		{post, recordsPath + "/:source/:ref/void", delivers, s.recordVoided},
		{get, submissionsPath, delivers, s.submissionsListed},
		{post, submissionsPath, delivers, s.submissionAdded},
		{get, submissionsPath + "/:id", delivers, s.submissionShown},
		{get, resultsPath, delivers, s.submissionResults},
		{post, submissionsPath + "/:id/cancel", delivers, s.submissionCancelled},
	}
}

// RecordAnswer says what became of a record.
type RecordAnswer struct {
	Outcome   schema.PutOutcome `json:"outcome"` // added, changed, unchanged or waiting
	Source    string            `json:"source"`
	SourceRef string            `json:"source_ref"`
	Revision  int               `json:"revision,omitempty"` // that holds this content; none while it waits for its enterprise
}

// VoidBody is what POST /api/v1/records/:source/:ref/void takes.
type VoidBody struct {
	Reason   string `json:"reason"`   // 1 to 500 characters
	Revision int    `json:"revision"` // that the caller saw; 0: whichever it is
}

// boundsOf returns whose records a caller may deliver or read: staff those of enterprises of their regions, a partner those of its own sources.
func (s *server) boundsOf(c *gin.Context) (*access.Caller, schema.Bounds, error) {
	caller, err := s.caller(c)
	if err != nil {
		return nil, schema.Bounds{}, err
	}
	if caller.Kind == access.Partner {
		return caller, schema.Bounds{Sight: access.Everything(), Sources: orNone(caller.Sources)}, nil
	}
	return caller, schema.Bounds{Sight: s.sight(c)}, nil
}

// defaultSource is the source of rows that name none: a partner's only one.
func defaultSource(bounds *schema.Bounds) string {
	if len(bounds.Sources) == 1 {
		return bounds.Sources[0]
	}
	return ""
}

// recordAdded answers POST /api/v1/records: 201 for a new record, 200 for a new revision or an equal one, 202 while its enterprise is not registered.
func (s *server) recordAdded(c *gin.Context) {
	answer, err := s.addRecord(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	status := map[schema.PutOutcome]int{schema.Added: http.StatusCreated, schema.Waiting: http.StatusAccepted}[answer.Outcome]
	if status == 0 {
		status = http.StatusOK
	}
	s.answerRecord(c, status, answer)
}

func (s *server) answerRecord(c *gin.Context, status int, answer *RecordAnswer) {
	if answer.Revision > 0 {
		c.Header("Location", recordsPath+"/"+url.PathEscape(answer.Source)+"/"+url.PathEscape(answer.SourceRef))
		c.Header("ETag", strconv.Quote(strconv.Itoa(answer.Revision)))
	}
	c.JSON(status, answer)
}

func (s *server) addRecord(c *gin.Context) (*RecordAnswer, error) {
	_, bounds, err := s.boundsOf(c)
	if err != nil {
		return nil, err
	}
	record, err := s.readRecord(c.Request, defaultSource(&bounds))
	if err != nil {
		return nil, err
	}
	if !bounds.Holds(record.Source) {
		return nil, badFieldFor(ErrSource, "source", "is not one of the caller's", "one of "+strings.Join(bounds.Sources, ", "))
	}
	results, err := s.store.PutRecords(c.Request.Context(), []registry.Record{*record}, schema.PutOptions{Bounds: &bounds})
	if err != nil {
		return nil, fmt.Errorf("store record: %w", err)
	}
	result := results[0]
	switch {
	case result.Outcome == schema.Refused && result.Problem.Field == "revision":
		return nil, &fieldError{registry.Problems{result.Problem}, schema.ErrRevision}
	case result.Outcome == schema.Refused:
		return nil, &fieldError{registry.Problems{result.Problem}, ErrRecord}
	}
	return &RecordAnswer{result.Outcome, record.Source, record.SourceRef, result.Revision}, nil
}

// readRecord reads the one record of a body as the lines of a file are read. What is no JSON object is ErrField, what is no good record ErrRecord with
// every field that is wrong.
func (s *server) readRecord(r *http.Request, source string) (*registry.Record, error) {
	body, err := readJSON(r)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(body) {
		return nil, badField("body", "is not valid UTF-8", "a JSON object in UTF-8")
	}
	members, err := readMembers(body)
	if err != nil {
		return nil, err
	}
	if err := checkMembers(members); err != nil {
		return nil, err
	}
	if !jsontext.Value(body).IsValid() { // readMembers has seen the outermost object
		return nil, badField("body", "has an object with a member twice, or is nested too deeply", "each member once")
	}
	decode, err := s.recordDecoder(source)
	if err != nil {
		return nil, err
	}
	record, problems := decode.Decode(&exchange.Row{JSON: body})
	if len(problems) > 0 {
		return nil, &fieldError{problems, ErrRecord}
	}
	return record, nil
}

// checkMembers refuses members that the decoder of files would take for another in small letters, since two of them could say two things, and null for a text.
func checkMembers(members map[string]json.RawMessage) error {
	for name, value := range members {
		if string(value) == "null" && name != "detail" && name != "people" && name != "findings" {
			return badFieldFor(ErrRecord, shortened(name), "is null", "a value, or leave it out")
		}
		if strings.ContainsFunc(name, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) {
			return badField(shortened(name), "is not known", "members of a record, in small letters")
		}
	}
	return nil
}

func (s *server) recordDecoder(source string) (*exchange.Decoder[registry.Record], error) {
	decode, err := exchange.NewJSONRecordDecoder(exchange.DecodeOptions{Today: registry.DayOf(s.now()), Source: source, PersonKey: s.PersonKey})
	if errors.Is(err, exchange.ErrPersonKey) {
		err = fmt.Errorf("%w: %w", errUnavailable, err)
	}
	return decode, err
}

// recordVoided answers POST /api/v1/records/:source/:ref/void.
func (s *server) recordVoided(c *gin.Context) {
	answer, err := s.voidRecord(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.answerRecord(c, http.StatusOK, answer)
}

func (s *server) voidRecord(c *gin.Context) (*RecordAnswer, error) {
	var body VoidBody
	if err := decodeJSON(c.Request, &body); err != nil {
		return nil, err
	}
	_, bounds, err := s.boundsOf(c)
	if err != nil {
		return nil, err
	}
	v := schema.VoidRequest{Source: c.Param("source"), SourceRef: c.Param("ref"), Revision: body.Revision, Reason: strings.TrimSpace(body.Reason)}
	if n := utf8.RuneCountInString(v.Reason); n < 1 || n > 500 || strings.ContainsFunc(v.Reason, isControl) {
		return nil, badField("reason", "is missing, too long or not plain text", "1 to 500 characters on one line")
	}
	if body.Revision < 0 {
		return nil, badField("revision", "is negative", "1, 2, … or nothing")
	}
	seen, err := readIfMatch(c.GetHeader("If-Match"))
	if err != nil {
		return nil, err
	}
	if seen != 0 {
		v.Revision = seen
	}
	result, err := s.store.VoidRecord(c.Request.Context(), bounds, v)
	switch {
	case errors.Is(err, schema.ErrNotFound):
		return nil, ErrNoRecord
	case errors.Is(err, schema.ErrRevision) && seen != 0:
		return nil, ErrPrecondition
	case err != nil:
		return nil, fmt.Errorf("void record: %w", err)
	case result.Outcome == schema.Refused:
		return nil, &fieldError{registry.Problems{result.Problem}, ErrRecord}
	}
	return &RecordAnswer{result.Outcome, v.Source, v.SourceRef, result.Revision}, nil
}

// readIfMatch reads an ETag of a record, its revision in quotes; 0 when there is none, or any will do.
func readIfMatch(text string) (int, error) {
	if text == "" || text == "*" {
		return 0, nil
	}
	inner, err := strconv.Unquote(text)
	revision, wrong := strconv.Atoi(inner)
	if err != nil || wrong != nil || revision < 1 {
		return 0, badField("If-Match", "is no ETag of a record", `the ETag of the record, such as "3"`)
	}
	return revision, nil
}

// RecordItem is a revision of a record as JSON. It says nothing about persons: the inspectors are counted, the complainant is left out.
type RecordItem struct {
	USCC             registry.USCC      `json:"uscc"`
	Source           string             `json:"source"`
	SourceRef        string             `json:"source_ref"`
	Revision         int                `json:"revision"`
	Kind             registry.Kind      `json:"kind"`
	Outcome          string             `json:"outcome"`
	Severity         registry.Severity  `json:"severity,omitzero"`
	OccurredOn       registry.Day       `json:"occurred_on"`
	KnownAt          time.Time          `json:"known_at"`
	ProductCode      string             `json:"product_code,omitempty"`
	Stage            string             `json:"stage,omitempty"`
	Purpose          string             `json:"purpose,omitempty"`
	CaseID           string             `json:"case_id,omitempty"`
	State            registry.State     `json:"state"`
	ProvisionalUntil registry.Day       `json:"provisional_until,omitzero"`
	RectifyBy        registry.Day       `json:"rectify_by,omitzero"`
	RectifiedOn      registry.Day       `json:"rectified_on,omitzero"`
	Findings         []registry.Finding `json:"findings,omitempty"`
	Sampler          string             `json:"sampler,omitempty"`
	Tester           string             `json:"tester,omitempty"`
	Inspectors       int                `json:"inspectors,omitempty"` // how many
	Detail           registry.Detail    `json:"detail,omitempty"`     // what only this kind has
	Reason           string             `json:"reason,omitempty"`     // why a person made this revision
}

func newRecordItem(r *registry.Record, reason string) RecordItem {
	item := RecordItem{r.USCC, r.Source, r.SourceRef, r.Revision, r.Kind, r.Outcome, r.Severity, r.OccurredOn, r.KnownAt, r.ProductCode, r.Stage, r.Purpose,
		r.CaseID, r.State, r.ProvisionalUntil, r.RectifyBy, r.RectifiedOn, r.Findings, "", "", 0, r.Detail, reason}
	if r.People != nil {
		item.Sampler, item.Tester, item.Inspectors = r.People.Sampler, r.People.Tester, len(r.People.Inspectors)
	}
	if complaint, ok := r.Detail.(*registry.Complaint); ok {
		item.Detail = &registry.Complaint{Cause: complaint.Cause}
	}
	return item
}

// RecordHistory is a record with all its revisions, oldest first.
type RecordHistory struct {
	Source    string       `json:"source"`
	SourceRef string       `json:"source_ref"`
	Revisions []RecordItem `json:"revisions"`
}

// recordShown answers GET /api/v1/records/:source/:ref. The ETag is the newest revision.
func (s *server) recordShown(c *gin.Context) {
	answer, err := s.showRecord(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	last := answer.Revisions[len(answer.Revisions)-1].Revision
	c.Header("ETag", strconv.Quote(strconv.Itoa(last)))
	c.JSON(http.StatusOK, answer)
}

func (s *server) showRecord(c *gin.Context) (*RecordHistory, error) {
	_, bounds, err := s.boundsOf(c)
	if err != nil {
		return nil, err
	}
	answer := &RecordHistory{Source: c.Param("source"), SourceRef: c.Param("ref")}
	found, err := s.store.Revisions(c.Request.Context(), bounds, answer.Source, answer.SourceRef)
	if errors.Is(err, schema.ErrNotFound) {
		return nil, ErrNoRecord
	}
	if err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	for i := range found {
		answer.Revisions = append(answer.Revisions, newRecordItem(&found[i].Record, found[i].Reason))
	}
	return answer, nil
}
