package api

import (
	"io"
	"net/http"

	"github.com/gin-gonic/gin"
)

const (
	verifyPath = "/api/v1/verify"
	// maxAgain bounds the questions whose answers are kept, in bytes: a code of credential.MaxText characters and what stands around it.
	maxAgain = 1280
)

// again answers POST /api/v1/verify when nobody in particular asked the very same in this second and nothing was committed since: before anything is
// parsed and without a place of the gate, since it takes microseconds. All else goes on as if it had not been here.
func (s *server) again(c *gin.Context) {
	if !mayBeAgain(c) {
		return
	}
	r := c.Request
	body := make([]byte, r.ContentLength)
	n, err := io.ReadFull(r.Body, body)
	r.Body = newGathered(body[:n], err)
	if err != nil {
		return
	}
	view := s.view(r.Context())
	if kept := s.keptAnswer(&view, string(body)); kept != nil {
		c.Data(http.StatusOK, typeVerdict, kept)
		c.Abort()
	}
}

// mayBeAgain reports whether a request is one whose answer is kept: of nobody in particular, plain and short.
func mayBeAgain(c *gin.Context) bool {
	r := c.Request
	if c.FullPath() != verifyPath || r.Method != http.MethodPost || r.URL.RawQuery != "" || r.ContentLength <= 0 || r.ContentLength > maxAgain {
		return false
	}
	mediaType := r.Header["Content-Type"]
	return len(mediaType) == 1 && mediaType[0] == typeJSON && !isAsked(r)
}

// isAsked reports whether a request says who asks.
func isAsked(r *http.Request) bool {
	given := r.Header["Authorization"]
	return len(given) > 0 && given[0] != ""
}

// keptAnswer returns what the very same question was answered in this second, if nothing was committed since.
func (s *server) keptAnswer(view *liveView, question string) []byte {
	if !view.known {
		return nil
	}
	kept, _ := s.live.answers.find(view.mark(), question)
	return kept
}
