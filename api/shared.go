package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// pressedSuffix ends the tag of a compressed form.
const pressedSuffix = "-gzip"

// shared is a document for everyone, from any page: a list, a bundle. It is pressed once and never changes.
type shared struct {
	contentType string
	plain       []byte
	pressed     []byte // gzip; nil when it would not be smaller
	tag         string // of the plain form, without quotes
}

func newShared(contentType string, body []byte) *shared {
	sum := sha256.Sum256(body)
	d := &shared{contentType: contentType, plain: body, tag: hex.EncodeToString(sum[:16])}
	// What is large here is base64url of what was pressed already: nothing repeats, and Huffman codes win back what base64 costs.
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.HuffmanOnly)
	if err != nil {
		return d
	}
	if _, err := w.Write(body); err != nil {
		return d
	}
	if err := w.Close(); err == nil && out.Len() < len(body) {
		d.pressed = out.Bytes()
	}
	return d
}

// allowEveryone lets pages of any origin read an answer: what it says is public and signed.
func allowEveryone(c *gin.Context) {
	c.Header("Access-Control-Allow-Origin", "*")
	c.Header("Access-Control-Expose-Headers", "ETag")
	c.Header("Cross-Origin-Resource-Policy", "cross-origin")
}

// preflight answers OPTIONS for what everyone may read: a page that sends If-None-Match asks first (Fetch standard, CORS-preflight).
func (s *server) preflight(c *gin.Context) {
	allowEveryone(c)
	c.Header("Access-Control-Allow-Methods", "GET, HEAD")
	c.Header("Access-Control-Allow-Headers", "If-None-Match")
	c.Header("Access-Control-Max-Age", "86400")
	c.Header("Allow", "GET, HEAD, OPTIONS")
	c.Status(http.StatusNoContent)
}

// answerShared answers with a document that may be used again for a while. Each form has its own tag (RFC 9110 section 8.8.3.3).
func answerShared(c *gin.Context, d *shared, fresh time.Duration) {
	allowEveryone(c)
	c.Header("Cache-Control", fmt.Sprintf("public, max-age=%d", int(fresh.Seconds())))
	addVary(c, "Accept-Encoding")
	body, tag := d.plain, `"`+d.tag+`"`
	if d.pressed != nil && acceptsGzip(c.GetHeader("Accept-Encoding")) {
		body, tag = d.pressed, `"`+d.tag+pressedSuffix+`"`
		c.Header("Content-Encoding", "gzip")
	}
	answerTagged(c, tag, d.contentType, body)
}

// maxShared bounds the documents kept in memory, in bytes.
const maxShared = 128 << 20

// sharedCache keeps documents by what they are made of. When it is full it starts anew.
type sharedCache struct {
	mu        sync.Mutex
	documents map[string]*shared
	size      int
}

func (s *sharedCache) get(key string, read func() (*shared, error)) (*shared, error) {
	s.mu.Lock()
	d, ok := s.documents[key]
	s.mu.Unlock()
	if ok {
		return d, nil
	}
	d, err := read()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.documents == nil || s.size > maxShared {
		s.documents, s.size = map[string]*shared{}, 0
	}
	if _, twice := s.documents[key]; !twice {
		s.documents[key] = d
		s.size += len(d.plain) + len(d.pressed)
	}
	return d, nil
}
