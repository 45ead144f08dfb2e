package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"healthcode/access"
	"healthcode/schema"

	"github.com/gin-gonic/gin"
)

// ChangeReader reads the change feed.
type ChangeReader interface {
	Changes(ctx context.Context, sight access.Sight, after int64, topics []string, limit int) (*schema.ChangePage, error)
}

// ChangeList is a part of the change feed as JSON. Next is always there: the cursor to go on with, also when nothing came.
type ChangeList struct {
	Items []schema.Change `json:"items"`
	Next  string          `json:"next"`
}

// changes answers GET /api/v1/changes?after=&topic=&limit=. A partner sees the changes of every enterprise: its code would show them to anyone.
func (s *server) changes(c *gin.Context) {
	query := s.query(c)
	after, err := readPosition("after", query.Get("after"))
	if err != nil {
		s.fail(c, err)
		return
	}
	topics, err := readTopics("topic", splitWords(query.Get("topic")))
	if err != nil {
		s.fail(c, err)
		return
	}
	limit, err := readLimit(query.Get("limit"))
	if err != nil {
		s.fail(c, err)
		return
	}
	sight := s.sight(c)
	if caller, err := s.caller(c); err == nil && caller.Has(access.ScopeChanges) {
		sight = access.Everything()
	}
	page, err := s.store.Changes(c.Request.Context(), sight, after, topics, limit)
	if err != nil {
		s.fail(c, fmt.Errorf("read changes: %w", err))
		return
	}
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusOK, ChangeList{orNone(page.Items), strconv.FormatInt(page.Next, 10)})
}

// readPosition reads a place in the feed. Nothing means its begin.
func readPosition(field, text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != text {
		return 0, badField(field, "is no cursor", "the next of an earlier answer")
	}
	return n, nil
}

func splitWords(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// readTopics checks topics of the change feed; none means all.
func readTopics(field string, topics []string) ([]string, error) {
	for i, topic := range topics {
		if !slices.Contains(schema.FeedTopics, topic) || slices.Contains(topics[:i], topic) {
			return nil, badField(field, "is not known, or stands twice", "some of "+strings.Join(schema.FeedTopics, ", "))
		}
	}
	return topics, nil
}
