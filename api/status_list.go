package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"healthcode/credential"
	"healthcode/jobs"
	"healthcode/schema"

	"github.com/gin-gonic/gin"
)

// ListReader reads the published lists of codes.
type ListReader interface {
	// ListHeads returns the newest publication of every list without its token: the status lists first, by number.
	ListHeads(ctx context.Context) ([]schema.ListToken, error)
	// ListHead returns the newest publication of a list, dated not after a time if one is given, without its token; schema.ErrNotFound.
	ListHead(ctx context.Context, kind string, number uint32, at time.Time) (*schema.ListToken, error)
	// ListToken is ListHead with the token.
	ListToken(ctx context.Context, kind string, number uint32, at time.Time) (*schema.ListToken, error)
}

// ListsAnswer is the aggregation document (draft-ietf-oauth-status-list-21 section 9.3) with a member for the grade lists.
type ListsAnswer struct {
	StatusLists []string `json:"status_lists"`
	GradeLists  []string `json:"grade_lists"`
}

// listsNamed answers GET /lists: the addresses of all lists.
func (s *server) listsNamed(c *gin.Context) {
	answer, err := s.nameLists(c.Request.Context())
	if err != nil {
		s.fail(c, err)
		return
	}
	body, err := json.Marshal(answer)
	if err != nil {
		s.fail(c, fmt.Errorf("write the addresses of lists: %w", err))
		return
	}
	answerShared(c, newShared(typeJSON, body), minFresh)
}

func (s *server) nameLists(ctx context.Context) (*ListsAnswer, error) {
	heads, err := s.store.ListHeads(ctx)
	if err != nil {
		return nil, fmt.Errorf("read lists: %w", err)
	}
	issuers, err := s.issuers(ctx)
	if err != nil {
		return nil, err
	}
	answer := &ListsAnswer{StatusLists: []string{}, GradeLists: []string{}}
	for _, head := range heads {
		address := credential.ListKind(head.Kind).Subject(issuers[head.KID], head.Number)
		if head.Kind == string(credential.ListStatus) {
			answer.StatusLists = append(answer.StatusLists, address)
		} else {
			answer.GradeLists = append(answer.GradeLists, address)
		}
	}
	return answer, nil
}

// issuers returns the issuer of each key, by its kid.
func (s *server) issuers(ctx context.Context) (map[string]string, error) {
	keys, err := s.keySet(ctx)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for key := range keys.All() {
		found[key.ID()] = key.Issuer
	}
	return found, nil
}

// statusList answers GET /lists/status/:n, and gradeList GET /lists/grade/:n: the newest publication of a list, or with ?time= the newest that was
// published by then. It is the token as it was stored.
func (s *server) statusList(c *gin.Context) { s.list(c, credential.ListStatus) }

func (s *server) gradeList(c *gin.Context) { s.list(c, credential.ListGrade) }

func (s *server) list(c *gin.Context, kind credential.ListKind) {
	number, err := readListNumber(c.Param("n"))
	if err != nil {
		s.fail(c, err)
		return
	}
	at, err := readListTime(s.query(c))
	if err != nil {
		s.fail(c, err)
		return
	}
	head, err := s.store.ListHead(c.Request.Context(), string(kind), number, at)
	if err != nil {
		s.fail(c, listMissing(err, at))
		return
	}
	document, err := s.listDocument(c.Request.Context(), head)
	if err != nil {
		s.fail(c, listMissing(err, at))
		return
	}
	fresh := s.freshFor(head.IssuedAt)
	if !at.IsZero() {
		fresh = credential.ListTTL // the past does not change, but it is kept for a while only
	}
	c.Header("Last-Modified", head.IssuedAt.Format(http.TimeFormat))
	answerShared(c, document, fresh)
}

func listMissing(err error, at time.Time) error {
	switch {
	case !errors.Is(err, schema.ErrNotFound):
		return fmt.Errorf("read list: %w", err)
	case at.IsZero():
		return ErrNoList
	}
	return ErrNoListThen
}

func readListNumber(text string) (uint32, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n > credential.MaxListNumber || strconv.FormatUint(n, 10) != text {
		return 0, badFieldFor(ErrNoList, "n", "is not the number of a list", "0 to "+strconv.Itoa(credential.MaxListNumber)+", in plain digits")
	}
	return uint32(n), nil
}

// readListTime reads ?time=, Unix seconds; nothing is the zero time.
func readListTime(query url.Values) (time.Time, error) {
	if !query.Has("time") {
		return time.Time{}, nil
	}
	text := query.Get("time")
	seconds, err := strconv.ParseUint(text, 10, 32)
	if err != nil || strconv.FormatUint(seconds, 10) != text {
		return time.Time{}, badField("time", "is not a time", "Unix seconds, in plain digits")
	}
	return time.Unix(int64(seconds), 0), nil
}

// listDocument returns a publication with its token from the cache or the store.
func (s *server) listDocument(ctx context.Context, head *schema.ListToken) (*shared, error) {
	key := fmt.Sprintf("%s/%d/%d", head.Kind, head.Number, head.IssuedAt.Unix())
	return s.lists.get(key, func() (*shared, error) {
		stored, err := s.store.ListToken(ctx, head.Kind, head.Number, head.IssuedAt)
		if err != nil {
			return nil, err
		}
		if !stored.IssuedAt.Equal(head.IssuedAt) { // thinned out a moment ago
			return nil, schema.ErrNotFound
		}
		return newShared(credential.ListKind(head.Kind).MediaType(), []byte(stored.Token)), nil
	})
}

// minFresh is how long an answer may be used again when a newer one is expected at any moment.
const minFresh = 10 * time.Second

// freshFor returns how long a publication may be used without asking again: until the next one is expected, at most its ttl.
func (s *server) freshFor(published time.Time) time.Duration {
	left := published.Add(jobs.PublishEvery).Sub(s.now())
	return min(max(left, minFresh), credential.ListTTL)
}
