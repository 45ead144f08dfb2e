package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"healthcode/access"
	"healthcode/schema"

	"github.com/gin-gonic/gin"
)

// SubmissionStore keeps submissions.
type SubmissionStore interface {
	AddSubmission(ctx context.Context, s schema.Submission, lease time.Duration) (*schema.Submission, error)
	AddChunk(ctx context.Context, s *schema.Submission, c schema.Chunk) error
	QueueSubmission(ctx context.Context, s *schema.Submission) error
	CutSubmission(ctx context.Context, s *schema.Submission, reason string) error
	CancelSubmission(ctx context.Context, owner *access.Caller, id string) error
	Submission(ctx context.Context, owner *access.Caller, id string) (*schema.Submission, error)
	Submissions(ctx context.Context, owner *access.Caller, state schema.SubmissionState, cursor string, limit int) (*schema.SubmissionPage, error)
	ResultChunk(ctx context.Context, id string, from int, outcome schema.PutOutcome) (*schema.Chunk, error)
}

const (
	submissionsPath = "/api/v1/submissions"
	resultsPath     = submissionsPath + "/:id/results"
)

// ErrNoSubmission is the answer about a submission that is not there, or is another caller's.
var ErrNoSubmission = errors.New("there is no such submission")

// SubmissionItem is a submission as JSON. The numbers of rows are of the part that is stored.
type SubmissionItem struct {
	ID         string                 `json:"id"`
	State      schema.SubmissionState `json:"state"` // receiving, queued, running, finished, cancelled, cut or failed
	CallerKind access.Kind            `json:"caller_kind"`
	CallerID   int64                  `json:"caller_id"`
	CreatedAt  time.Time              `json:"created_at"`
	ReceivedAt time.Time              `json:"received_at,omitzero"`
	StartedAt  time.Time              `json:"started_at,omitzero"`
	EndedAt    time.Time              `json:"ended_at,omitzero"`
	Bytes      int64                  `json:"bytes"`    // unpacked
	Lines      int64                  `json:"lines"`    // received
	Progress   int                    `json:"progress"` // of the storing, in hundredths
	Rows       int64                  `json:"rows"`     // seen: the sum of the five that follow
	Added      int64                  `json:"added"`
	Changed    int64                  `json:"changed"`
	Unchanged  int64                  `json:"unchanged"`
	Waiting    int64                  `json:"waiting"`
	Refused    int64                  `json:"refused"`
	Error      string                 `json:"error,omitempty"` // why it was cut or failed
}

func newSubmissionItem(s *schema.Submission) SubmissionItem {
	progress := 0
	if s.Chunks > 0 {
		progress = 100 * s.ChunksDone / s.Chunks
	}
	return SubmissionItem{s.ID, s.State, s.CallerKind, s.CallerID, s.CreatedAt, s.ReceivedAt, s.StartedAt, s.EndedAt, s.Bytes, s.Lines, progress,
		s.Rows, s.Added, s.Changed, s.Unchanged, s.Waiting, s.Refused, s.Error}
}

// submissionOwner returns whose submissions a caller sees: its own, or all (nil) when it delivers for the whole register as staff.
func (s *server) submissionOwner(c *gin.Context) (*access.Caller, error) {
	caller, bounds, err := s.boundsOf(c)
	if err != nil {
		return nil, err
	}
	if caller.Kind != access.Partner && bounds.Sight.All {
		return nil, nil
	}
	return caller, nil
}

// submissionOf returns the submission that the address names.
func (s *server) submissionOf(c *gin.Context) (*schema.Submission, error) {
	owner, err := s.submissionOwner(c)
	if err != nil {
		return nil, err
	}
	found, err := s.store.Submission(c.Request.Context(), owner, c.Param("id"))
	if errors.Is(err, schema.ErrNotFound) {
		return nil, ErrNoSubmission
	}
	if err != nil {
		return nil, fmt.Errorf("read submission: %w", err)
	}
	return found, nil
}

// submissionsListed answers GET /api/v1/submissions, newest first.
func (s *server) submissionsListed(c *gin.Context) {
	list, err := s.listSubmissions(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, list)
}

func (s *server) listSubmissions(c *gin.Context) (*List[SubmissionItem], error) {
	query := s.query(c)
	limit, err := readLimit(query.Get("limit"))
	if err != nil {
		return nil, err
	}
	state := schema.SubmissionState(query.Get("state"))
	if state != "" && !slices.Contains(schema.SubmissionStates, state) {
		return nil, badField("state", "is not known", fmt.Sprintf("one of %v", schema.SubmissionStates))
	}
	owner, err := s.submissionOwner(c)
	if err != nil {
		return nil, err
	}
	page, err := s.store.Submissions(c.Request.Context(), owner, state, query.Get("cursor"), limit)
	if errors.Is(err, schema.ErrCursor) {
		return nil, badField("cursor", "is not of this list", "next of the page before")
	}
	if err != nil {
		return nil, err
	}
	list := newList[SubmissionItem](limit)
	for i := range page.Items {
		list.Items = append(list.Items, newSubmissionItem(&page.Items[i]))
	}
	list.Next = page.Next
	return list, nil
}

// submissionShown answers GET /api/v1/submissions/:id.
func (s *server) submissionShown(c *gin.Context) {
	found, err := s.submissionOf(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, newSubmissionItem(found))
}

// submissionCancelled answers POST /api/v1/submissions/:id/cancel. What was stored stays.
func (s *server) submissionCancelled(c *gin.Context) {
	owner, err := s.submissionOwner(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	err = s.store.CancelSubmission(c.Request.Context(), owner, c.Param("id"))
	if errors.Is(err, schema.ErrNotFound) {
		err = ErrNoSubmission
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	found, err := s.submissionOf(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, newSubmissionItem(found))
}
