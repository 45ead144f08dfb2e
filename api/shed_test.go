package api

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/schema"
)

// stuck is a store whose list of enterprises takes until it is let go.
type stuck struct {
	Store
	entered, leave chan struct{}
}

func (s stuck) EnterprisePage(ctx context.Context, sight access.Sight, f schema.EnterpriseFilter) (*schema.EnterprisePage, error) {
	s.entered <- struct{}{}
	select {
	case <-s.leave:
	case <-ctx.Done():
	}
	return s.Store.EnterprisePage(ctx, sight, f)
}

// While every place for ordinary requests is taken the next one is sent away, and codes are verified all the same.
func TestShedding(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	store := stuck{w.store, make(chan struct{}), make(chan struct{})}
	s, err := newServer(Config{Log: slog.New(slog.DiscardHandler), Store: store, Now: func() time.Time { return w.now }})
	if err != nil {
		t.Fatal(err)
	}
	s.gates = gates{verifying: newGate(4, time.Second), ordinary: newGate(3, time.Millisecond), long: newGate(1, time.Millisecond)}
	h, err := s.engine()
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			if answer := get(h, "/api/v1/enterprises", "Accept", typeJSON); answer.Code != http.StatusOK {
				t.Errorf("a request inside: %d %s", answer.Code, answer.Body)
			}
		})
		<-store.entered
	}
	answer := get(h, "/api/v1/enterprises", "Accept", typeJSON)
	if problem(t, answer, http.StatusServiceUnavailable, "overloaded"); answer.Header().Get("Retry-After") != "1" {
		t.Errorf("headers: %v", answer.Header())
	}
	body := `{"code":"` + w.codes[w.first].JWT + `"}`
	for _, verified := range []int{
		call(h, http.MethodPost, "/api/v1/verify", strings.NewReader(body), "Content-Type", typeJSON).Code,
		get(h, "/v/"+w.codes[w.first].Digits).Code, get(h, "/healthz").Code,
	} {
		if verified != http.StatusOK {
			t.Errorf("verifying meanwhile: %d", verified)
		}
	}
	close(store.leave)
	group.Wait()
	go func() { <-store.entered }()
	if answer := get(h, "/api/v1/enterprises", "Accept", typeJSON); answer.Code != http.StatusOK {
		t.Errorf("the places are not given back: %d", answer.Code)
	}
}
