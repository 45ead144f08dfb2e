package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"healthcode/schema"

	"github.com/gin-gonic/gin"
)

// VersionReader reads the versions of what can be edited.
type VersionReader interface {
	// ContentVersion returns the version of a noun, or an error that wraps schema.ErrNotFound.
	ContentVersion(ctx context.Context, noun, key string) (string, error)
}

// maxTags bounds how many entity tags an If-Match may list.
const maxTags = 20

// versions gives a GET its ETag, and makes an edit with If-Match depend on it: the store compares within the transaction of the edit.
func (s *server) versions(o *operation) gin.HandlerFunc {
	noun, key := o.version, lastParameter(o.route)
	return func(c *gin.Context) {
		ctx := c.Request.Context()
		if o.method != http.MethodGet {
			versions, given, err := readTags(c.Request)
			if err != nil {
				s.fail(c, err)
				return
			}
			if given {
				c.Request = c.Request.WithContext(schema.IfVersion(ctx, noun, c.Param(key), versions...))
			}
			return
		}
		version, err := s.store.ContentVersion(ctx, noun, c.Param(key)) // before the content: at worst the tag is older, and the edit refused
		switch {
		case err == nil:
			c.Header("ETag", `"`+version+`"`) // answerProblem takes it away
		case !errors.Is(err, schema.ErrNotFound): // that is the handler's to say
			s.fail(c, fmt.Errorf("read a version: %w", err))
		}
	}
}

// lastParameter names the last parameter of a path.
func lastParameter(path string) (name string) {
	for part := range strings.SplitSeq(path, "/") {
		if parameter, ok := strings.CutPrefix(part, ":"); ok {
			name = parameter
		}
	}
	return name
}

// readTags reads If-Match (RFC 9110 section 13.1.1). A star means that the thing need only be there. Weak tags never match; one that was sent
// with a compressed answer means the same version.
func readTags(r *http.Request) (versions []string, given bool, err error) {
	header := strings.TrimSpace(strings.Join(r.Header.Values("If-Match"), ","))
	if header == "" || header == "*" {
		return nil, header == "*", nil
	}
	for part := range strings.SplitSeq(header, ",") {
		part = strings.TrimSpace(part)
		tag, weak := strings.CutPrefix(part, "W/")
		if len(tag) < 2 || tag[0] != '"' || tag[len(tag)-1] != '"' || len(versions) == maxTags {
			return nil, false, badField("If-Match", "is no list of entity tags", `the ETag of an earlier answer, such as "5f2b6f0f4f6f4a0c9d1e2a3b4c5d6e7f"`)
		}
		version := strings.TrimSuffix(tag[1:len(tag)-1], pressedSuffix)
		if weak {
			version = "" // no version is empty
		}
		versions = append(versions, version)
	}
	return versions, true, nil
}
