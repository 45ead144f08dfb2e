package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"healthcode/scoring"

	"github.com/gin-gonic/gin"
)

const typeNDJSON = "application/x-ndjson"

// progressEvery is the least time between two lines about progress.
const progressEvery = 200 * time.Millisecond

// report hears how far a simulation is: reading, then grading. It may be called from several goroutines.
type report func(stage string, done, total int64)

// simulationLine is one line of an answer in lines: any number about progress, then one with the simulation or the problem.
type simulationLine struct {
	Progress   *simulationProgress `json:"progress,omitempty"`
	Simulation *scoring.Simulation `json:"simulation,omitempty"`
	Problem    *Problem            `json:"problem,omitempty"`
}

// simulationProgress says how many enterprises are done. Total is 0 while nobody knows it.
type simulationProgress struct {
	Stage string `json:"stage"` // reading or grading
	Done  int64  `json:"done"`
	Total int64  `json:"total"`
}

// wantsLines reports whether a client asks for lines by name.
func wantsLines(r *http.Request) bool {
	accept := joined(r)
	return strings.Contains(accept, typeNDJSON) && weight(accept, typeNDJSON) >= weight(accept, typeJSON)
}

// streamSimulation answers in lines, so that a client sees how far the simulation is and can go away. What fails before the first line
// is answered as ever, later it is the last line.
func (s *server) streamSimulation(c *gin.Context, request *simulationRequest) {
	lines := &lineWriter{c: c, now: s.now}
	answer, err := s.runSimulation(c, request, lines.progress)
	if err != nil && !c.Writer.Written() {
		s.fail(c, err)
		return
	}
	last := simulationLine{Simulation: answer}
	if err != nil {
		page := s.page(c)
		p := problemOf(err, page.Lang)
		p.RequestID = page.ID
		s.logProblem(c, p, err)
		last = simulationLine{Problem: &p}
	}
	if err := lines.write(last); err != nil {
		s.fail(c, err) // for the log: the client has gone
	}
}

// lineWriter writes lines of JSON, one at a time.
type lineWriter struct {
	c    *gin.Context
	now  func() time.Time
	mu   sync.Mutex
	last time.Time // when the last line about progress was written
	sent simulationProgress
}

// progress writes a line when the last one is old enough, or when another stage begins. A line that came too late, from a slower
// goroutine, is left out.
func (w *lineWriter) progress(stage string, done, total int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, p := w.now(), simulationProgress{stage, done, total}
	if stage == w.sent.Stage && (now.Sub(w.last) < progressEvery || done <= w.sent.Done) {
		return
	}
	w.last, w.sent = now, p
	_ = w.writeLocked(simulationLine{Progress: &p}) // a client that has gone ends the request's context
}

func (w *lineWriter) write(line simulationLine) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.writeLocked(line)
}

func (w *lineWriter) writeLocked(line simulationLine) error {
	text, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("write a line: %w", err)
	}
	if !w.c.Writer.Written() {
		w.c.Header("Content-Type", typeNDJSON)
		w.c.Header("Cache-Control", "no-store")
		w.c.Header("X-Accel-Buffering", "no") // a proxy in between passes each line on
		w.c.Status(http.StatusOK)
	}
	if _, err := w.c.Writer.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("write a line: %w", err)
	}
	w.c.Writer.Flush()
	return nil
}
