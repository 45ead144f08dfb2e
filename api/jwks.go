package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

// jwks answers GET /.well-known/jwks.json: the keys that verify our codes, for everyone, from any page.
func (s *server) jwks(c *gin.Context) {
	keys, err := s.keySet(c.Request.Context())
	if err != nil {
		s.fail(c, err)
		return
	}
	body, err := json.Marshal(keys)
	if err != nil {
		s.fail(c, fmt.Errorf("write key set: %w", err))
		return
	}
	sum := sha256.Sum256(body)
	c.Header("Access-Control-Allow-Origin", "*")
	c.Header("Cross-Origin-Resource-Policy", "cross-origin")
	c.Header("Cache-Control", "public, max-age=3600")
	answerTagged(c, `"`+hex.EncodeToString(sum[:16])+`"`, "application/jwk-set+json", body)
}

// answerTagged answers 304 to a client that already has this very content.
func answerTagged(c *gin.Context, tag, contentType string, body []byte) {
	c.Header("ETag", tag)
	for known := range strings.SplitSeq(c.GetHeader("If-None-Match"), ",") {
		known = strings.TrimPrefix(strings.TrimSpace(known), "W/")
		if known == tag || known == "*" || strings.TrimSuffix(known, pressedSuffix+`"`)+`"` == tag {
			c.Status(http.StatusNotModified)
			return
		}
	}
	c.Data(http.StatusOK, contentType, body)
}
