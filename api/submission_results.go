package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"healthcode/jobs"
	"healthcode/schema"

	"github.com/gin-gonic/gin"
)

// outcomesNamed are the outcomes by which results are filtered.
var outcomesNamed = func() map[string]schema.PutOutcome {
	named := map[string]schema.PutOutcome{"": 0}
	for o := schema.Added; o <= schema.Refused; o++ {
		named[o.String()] = o
	}
	return named
}()

// resultPlace is where reading of results goes on: the chunk, and how many of its rows are passed.
type resultPlace struct{ chunk, row int }

func (p resultPlace) String() string { return fmt.Sprintf("%d.%d", p.chunk, p.row) }

func readResultPlace(text string) (p resultPlace, err error) {
	if text == "" {
		return resultPlace{chunk: 1}, nil
	}
	chunk, row, _ := strings.Cut(text, ".")
	p.chunk, err = strconv.Atoi(chunk)
	if err == nil {
		p.row, err = strconv.Atoi(row)
	}
	if err != nil || p.chunk < 1 || p.row < 0 || p.chunk > MaxSubmissionRows || p.row > MaxSubmissionRows {
		return p, badField("cursor", "is not of this list", "next of the page before")
	}
	return p, nil
}

// submissionResults answers GET /api/v1/submissions/:id/results: what became of each row that is stored so far, as a page or, to who accepts NDJSON, to the end.
func (s *server) submissionResults(c *gin.Context) {
	read, limit, err := s.resultsAsked(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	if wantsLines(c.Request) {
		s.streamResults(c, read)
		return
	}
	list := newList[json.RawMessage](limit)
	err = read.each(c, func(line []byte, place resultPlace) bool {
		return list.add(json.RawMessage(bytes.Clone(line)), place.String())
	})
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, list)
}

// resultReader reads results from a place on.
type resultReader struct {
	store   SubmissionStore
	spool   jobs.Spool
	id      string
	from    resultPlace
	outcome schema.PutOutcome
}

func (s *server) resultsAsked(c *gin.Context) (*resultReader, int, error) {
	query := s.query(c)
	limit, err := readLimit(query.Get("limit"))
	if err != nil {
		return nil, 0, err
	}
	outcome, known := outcomesNamed[query.Get("outcome")]
	if !known {
		return nil, 0, badField("outcome", "is not known", "added, changed, unchanged, waiting or refused")
	}
	place, err := readResultPlace(query.Get("cursor"))
	if err != nil {
		return nil, 0, err
	}
	found, err := s.submissionOf(c)
	if err != nil {
		return nil, 0, err
	}
	return &resultReader{s.store, jobs.Spool{Seal: s.Seal}, found.ID, place, outcome}, limit, nil
}

// each calls take with the JSON of one result after the other and the place behind it, until it says no.
func (r *resultReader) each(c *gin.Context, take func(line []byte, place resultPlace) bool) error {
	for place := r.from; ; place = (resultPlace{chunk: place.chunk + 1}) {
		chunk, err := r.store.ResultChunk(c.Request.Context(), r.id, place.chunk, r.outcome)
		if errors.Is(err, schema.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read results: %w", err)
		}
		if chunk.Number > place.chunk {
			place = resultPlace{chunk: chunk.Number}
		}
		lines, err := r.spool.Results(r.id, chunk.Number, chunk.Results)
		if err != nil {
			return err
		}
		row := 0
		for line := range bytes.Lines(lines) {
			if row++; row <= place.row {
				continue
			}
			if wanted, err := r.wants(line); err != nil || !wanted {
				if err != nil {
					return err
				}
				continue
			}
			if !take(bytes.TrimSpace(line), resultPlace{chunk.Number, row}) {
				return nil
			}
		}
	}
}

func (r *resultReader) wants(line []byte) (bool, error) {
	if r.outcome == 0 {
		return true, nil
	}
	var result struct {
		Outcome string `json:"outcome"`
	}
	if err := json.Unmarshal(line, &result); err != nil {
		return false, fmt.Errorf("read results: %w", err)
	}
	return result.Outcome == r.outcome.String(), nil
}

// streamResults sends every result as a line. A client that reads too slowly is given up.
func (s *server) streamResults(c *gin.Context, read *resultReader) {
	control := http.NewResponseController(c.Writer)
	c.Header("Content-Type", typeNDJSON)
	c.Header("Cache-Control", "no-store")
	left := 0
	err := read.each(c, func(line []byte, _ resultPlace) bool {
		if left <= 0 {
			left = paceBytes
			_ = control.SetWriteDeadline(time.Now().Add(paceTime)) // a recorder in a test has none
		}
		n, err := c.Writer.Write(append(line, '\n'))
		left -= n
		return err == nil
	})
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Status(http.StatusOK)
}
