package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"healthcode/registry"
	"healthcode/schema"

	"github.com/gin-gonic/gin"
)

// RunReader reads the runs of jobs.
type RunReader interface {
	// Runs returns the runs before a number (0: the newest), newest first, at most limit.
	Runs(ctx context.Context, before int64, limit int) ([]schema.Run, error)
}

// RunItem is one run as JSON.
type RunItem struct {
	ID          int64           `json:"id"`
	Kind        string          `json:"kind"`
	State       schema.RunState `json:"state"`
	ChangedOnly bool            `json:"changed_only"`
	AsOf        registry.Day    `json:"as_of"`
	KnownAt     time.Time       `json:"known_at"`
	Model       schema.ModelRef `json:"model"`
	StartedAt   time.Time       `json:"started_at"`
	FinishedAt  time.Time       `json:"finished_at,omitzero"`
	Error       string          `json:"error,omitempty"`
	Ranges      int             `json:"ranges"`
	RangesDone  int             `json:"ranges_done"`
	Enterprises int64           `json:"enterprises"`
	Assessed    int64           `json:"assessed"`
	Changed     int64           `json:"changed"`
}

// runs answers GET /api/v1/runs, newest first.
func (s *server) runs(c *gin.Context) {
	before, limit, err := readRuns(s.query(c))
	if err != nil {
		s.fail(c, err)
		return
	}
	stored, err := s.store.Runs(c.Request.Context(), before, limit+1)
	if err != nil {
		s.fail(c, fmt.Errorf("read runs: %w", err))
		return
	}
	page := newList[RunItem](limit)
	for _, r := range stored {
		item := RunItem{r.ID, r.Kind, r.State, r.ChangedOnly, r.AsOf, r.KnownAt, r.Model, r.StartedAt, r.FinishedAt, r.Error, r.Ranges,
			r.RangesDone, r.Enterprises, r.Assessed, r.Changed}
		if !page.add(item, strconv.FormatInt(r.ID, 10)) {
			break
		}
	}
	c.JSON(http.StatusOK, page)
}

func readRuns(query url.Values) (before int64, limit int, err error) {
	if limit, err = readLimit(query.Get("limit")); err != nil {
		return 0, 0, err
	}
	if text := query.Get("cursor"); text != "" {
		before, err = strconv.ParseInt(text, 10, 64)
		if err != nil || before < 1 {
			return 0, 0, badField("cursor", "is not of this list", "next of the page before")
		}
	}
	return before, limit, nil
}
