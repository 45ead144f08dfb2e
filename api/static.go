package api

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

// static answers GET /static/:hash/:name. The path holds the content's hash, so the answer never changes.
func (s *server) static(c *gin.Context) {
	asset, ok := s.assets.Lookup(c.Param("hash") + "/" + c.Param("name"))
	if !ok {
		s.fail(c, ErrNoRoute)
		return
	}
	c.Header("Cache-Control", "public, max-age=31536000, immutable")
	addVary(c, "Accept-Encoding")
	if strings.HasPrefix(asset.ContentType, "text/javascript") {
		c.Header("Content-Security-Policy", scriptPolicy)
	}
	if acceptsGzip(c.GetHeader("Accept-Encoding")) {
		c.Header("Content-Encoding", "gzip")
		c.Data(http.StatusOK, asset.ContentType, asset.Gzip)
		return
	}
	c.Data(http.StatusOK, asset.ContentType, asset.Body)
}

func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		if coding, q := mediaRange(part); coding == "gzip" && q > 0 {
			return true
		}
	}
	return false
}
