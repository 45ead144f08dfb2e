package api

import (
	"bytes"
	"hash/maphash"
	"io"
	"net/http"
	"sync"

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
	room, ok := askedRoom.Get().(*[maxAgain]byte)
	if !ok {
		room = new([maxAgain]byte)
	}
	defer askedRoom.Put(room)
	body := room[:c.Request.ContentLength]
	n, err := io.ReadFull(c.Request.Body, body)
	if err == nil {
		if answer := s.keptAnswer(c, body); answer != nil {
			c.Data(http.StatusOK, typeVerdict, answer)
			c.Abort()
			return
		}
	}
	c.Request.Body = newGathered(bytes.Clone(body[:n]), err)
}

// askedRoom holds room for questions.
var askedRoom sync.Pool

// keptAnswer returns what the very same question was answered in this second, if nothing was committed since.
func (s *server) keptAnswer(c *gin.Context, question []byte) []byte {
	view := s.view(c.Request.Context())
	if !view.known {
		return nil
	}
	return s.live.answers.find(view.mark(), question)
}

// keptAnswers keeps answers by their whole questions, found by a hash that nobody can foresee.
type keptAnswers struct {
	seed maphash.Seed
	by   generations[liveMark, uint64, said]
}

type said struct{ question, answer []byte }

func (k *keptAnswers) find(mark liveMark, question []byte) []byte {
	if kept, found := k.by.find(mark, maphash.Bytes(k.seed, question)); found && bytes.Equal(kept.question, question) {
		return kept.answer
	}
	return nil
}

func (k *keptAnswers) keep(mark liveMark, question, answer []byte) {
	k.by.keep(mark, maphash.Bytes(k.seed, question), said{question, answer})
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
