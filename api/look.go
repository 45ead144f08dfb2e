package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// LookStore keeps who looked at an enterprise.
type LookStore interface {
	AddLooks(ctx context.Context, looks []schema.Look) error
	LooksAt(ctx context.Context, sight access.Sight, code registry.USCC, cursor string, limit int) (*schema.LookPage, error)
}

// LookItem is one line of who looked, as JSON.
type LookItem struct {
	At      time.Time      `json:"at"`
	Partner string         `json:"partner"`
	Purpose access.Purpose `json:"purpose"`
	Means   string         `json:"means"` // code or ticket
	Looks   int64          `json:"looks"` // at that instant
}

// lookWriter stores looks before the partner is answered. Those that arrive while others are being stored go into one transaction together,
// so that a disk's delay is shared.
type lookWriter struct {
	mu      sync.Mutex
	gather  *lookGroup
	storing sync.Mutex
}

type lookGroup struct {
	looks []schema.Look
	done  chan struct{}
	err   error
}

// write returns when the looks are stored. The first of a group stores for all of them, even if its own client has left.
func (w *lookWriter) write(ctx context.Context, store LookStore, looks []schema.Look) error {
	if len(looks) == 0 {
		return nil
	}
	w.mu.Lock()
	group, first := w.gather, w.gather == nil
	if first {
		group = &lookGroup{done: make(chan struct{})}
		w.gather = group
	}
	group.looks = append(group.looks, looks...)
	w.mu.Unlock()
	if first {
		w.storeGroup(ctx, store, group)
	}
	select {
	case <-group.done:
		return group.err
	case <-ctx.Done():
		return fmt.Errorf("note who looked: %w", ctx.Err())
	}
}

func (w *lookWriter) storeGroup(ctx context.Context, store LookStore, group *lookGroup) {
	w.storing.Lock()
	defer w.storing.Unlock()
	w.mu.Lock()
	w.gather = nil
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	group.err = store.AddLooks(ctx, group.looks)
	close(group.done)
}

// looksOf returns the looks that a partner's answers are: those that say something about an enterprise.
func looksOf(caller *access.Caller, answers ...VerdictAnswer) []schema.Look {
	if caller == nil || caller.Kind != access.Partner {
		return nil
	}
	var looks []schema.Look
	for i := range answers {
		if a := &answers[i]; a.Enterprise != nil {
			looks = append(looks, schema.Look{USCC: a.Enterprise.USCC, At: a.CheckedAt, PartnerID: caller.ID, Purpose: a.purpose, Means: schema.LookByCode, Looks: 1})
		}
	}
	return looks
}

// readOwnPage reads which enterprise's page of a list is asked for, and how long it may be.
func readOwnPage(c *gin.Context, query url.Values) (code registry.USCC, limit int, err error) {
	if limit, err = readLimit(query.Get("limit")); err != nil {
		return "", 0, err
	}
	code, err = readUSCC(c.Param("uscc"))
	return code, limit, err
}

// looksListed answers GET /api/v1/enterprises/:uscc/looks, newest first.
func (s *server) looksListed(c *gin.Context) {
	query := s.query(c)
	code, limit, err := readOwnPage(c, query)
	if err != nil {
		s.fail(c, err)
		return
	}
	page, err := s.store.LooksAt(c.Request.Context(), s.sight(c), code, query.Get("cursor"), limit)
	if errors.Is(err, schema.ErrCursor) {
		err = badField("cursor", "is not of this list", "next of the page before")
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	list := newList[LookItem](len(page.Items))
	for i := range page.Items {
		list.Items = append(list.Items, newLookItem(&page.Items[i]))
	}
	list.Next = page.Next
	c.JSON(http.StatusOK, list)
}

func newLookItem(l *schema.Look) LookItem {
	return LookItem{l.At, l.Partner, l.Purpose, l.Means, l.Looks}
}

// lookLines returns the newest looks for the page of an enterprise.
func (s *server) lookLines(ctx context.Context, sight access.Sight, code registry.USCC) ([]web.LookLine, error) {
	page, err := s.store.LooksAt(ctx, sight, code, "", web.MaxLooks)
	if err != nil {
		return nil, fmt.Errorf("read looks: %w", err)
	}
	lines := make([]web.LookLine, len(page.Items))
	for i, l := range page.Items {
		lines[i] = web.LookLine{At: l.At, Partner: l.Partner, Purpose: string(l.Purpose), Means: l.Means, Times: l.Looks}
	}
	return lines, nil
}
