package api

import (
	"fmt"
	"mime"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"
	"github.com/klauspost/compress/gzhttp"
)

// minCompressed is the size in bytes from which an answer is compressed: below, it fits one packet anyway. A verdict fits, so it does not even come here.
const minCompressed = 1400

// compressed is what is worth compressing. Lists, bundles and assets are compressed once and come here with their encoding; PNG is compressed by itself.
var compressed = []string{typeJSON, typeProblem, typeNDJSON, typeJWKSet, typeHTML, "text/plain", "text/csv", "image/svg+xml"}

// compresses answers in gzip to those who take it. A stream still flushes line by line. Tags of compressed answers end in pressedSuffix.
func compresses(h http.Handler) (http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(minCompressed), gzhttp.EnableZstd(false), gzhttp.SuffixETag(pressedSuffix), gzhttp.ContentTypeFilter(isCompressed))
	if err != nil {
		return nil, fmt.Errorf("prepare compression: %w", err)
	}
	pressed := wrap(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == verifyPath { // too short for it, and asked too often to look each time
			h.ServeHTTP(w, r)
			return
		}
		pressed.ServeHTTP(w, r)
	}), nil
}

func isCompressed(contentType string) bool {
	mediaType, _, err := mime.ParseMediaType(contentType)
	return err == nil && slices.Contains(compressed, mediaType)
}

// uncompressed keeps an answer with a secret as it is: the length of a compressed one would tell what stands in it beside what was sent (BREACH).
func uncompressed(c *gin.Context) { c.Header(gzhttp.HeaderNoCompression, "1") }
