package api

import (
	"fmt"
	"net/http"
	"runtime"

	"healthcode/access"

	"github.com/gin-gonic/gin"
	"golang.org/x/sync/errgroup"
)

const (
	batchPath = "/api/v1/verify/batch"
	// MaxBatch bounds how many codes a batch may have.
	MaxBatch = 1000
	// MaxBatchBody bounds its body, in bytes: a thousand of the longest codes and what stands around them.
	MaxBatchBody = 1 << 20
	// batchWorkers bounds how many codes of one batch are checked at once, so that a batch leaves room for single codes.
	batchWorkers = 4
)

// batchBody is what POST /api/v1/verify/batch takes.
type batchBody struct {
	Codes   []string `json:"codes"`
	Purpose string   `json:"purpose"` // empty: public
}

// verifyBatch answers POST /api/v1/verify/batch: a verdict for each code, in their order. What is wrong with one code stands in its verdict.
func (s *server) verifyBatch(c *gin.Context) {
	var body batchBody
	if err := decodeJSON(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	if len(body.Codes) < 1 || len(body.Codes) > MaxBatch {
		s.fail(c, badField("codes", "has none or too many", fmt.Sprintf("1 to %d codes", MaxBatch)))
		return
	}
	if body.Purpose == "" {
		body.Purpose = string(access.PurposePublic)
	}
	caller, purpose, err := s.asked(c, body.Purpose)
	if err == nil {
		err = s.limitKey(c, caller, len(body.Codes)/codesACost)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	answers := make([]VerdictAnswer, len(body.Codes))
	group, ctx := errgroup.WithContext(c.Request.Context())
	group.SetLimit(min(batchWorkers, runtime.GOMAXPROCS(0)))
	for i, text := range body.Codes {
		group.Go(func() error {
			var err error
			answers[i], err = s.verifyFor(ctx, text, purpose)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		s.fail(c, err)
		return
	}
	if err := s.looks.write(c.Request.Context(), s.store, looksOf(caller, answers...)); err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, List[VerdictAnswer]{Items: answers})
}
