package api

import (
	"context"
	"time"

	"healthcode/credential"
	"healthcode/registry"
	"healthcode/schema"
)

// LiveReader reads what a verifier asks.
type LiveReader interface {
	// Live returns an enterprise with one of its codes and its grade, or an error that wraps schema.ErrNotFound without the enterprise.
	Live(ctx context.Context, code registry.USCC, idx uint32) (*schema.Live, error)
	LiveClock
}

// LiveClock tells whether what was read is still true.
type LiveClock interface {
	// LiveVersion returns a number that differs when what Live and Keys return may have changed; false when that cannot be told.
	LiveVersion(ctx context.Context) (uint64, bool)
	// LiveChanges says what may differ since a version; false when that cannot be told.
	LiveChanges(ctx context.Context, since uint64) (schema.LiveChanges, bool)
}

// liveMark is what must stay the same for an answer to stay true: nothing was committed, and it is the same second.
type liveMark struct {
	version uint64
	second  int64
}

// liveView is the moment at which a request looks: the time, and what was committed by then.
type liveView struct {
	now     time.Time
	version uint64
	known   bool // false: nothing may be taken from memory
}

// view is taken before anything is read, so that what is kept under its version is never older than it.
func (s *server) view(ctx context.Context) liveView {
	version, known := s.live.advance(ctx, s.store)
	return liveView{s.now().UTC(), version, known}
}

func (v *liveView) mark() liveMark { return liveMark{v.version, v.now.Unix()} }

// knownKeys is keySet from memory while no key changed.
func (s *server) knownKeys(ctx context.Context, view *liveView) (*credential.KeySet, error) {
	if keys := s.live.keySet(); view.known && keys != nil {
		return keys, nil
	}
	keys, err := s.keySet(ctx)
	if err == nil && view.known {
		s.live.keepKeys(view.version, keys)
	}
	return keys, err
}

// liveRow is Store.Live from memory while nothing changed. Nobody changes what it returns.
func (s *server) liveRow(ctx context.Context, view *liveView, code registry.USCC, idx uint32) (*schema.Live, error) {
	place := codePlace{code, idx}
	if view.known {
		if row := s.live.find(place); row != nil {
			return row, nil
		}
	}
	row, err := s.store.Live(ctx, code, idx)
	if err == nil && view.known {
		s.live.keep(view.version, place, row)
	}
	return row, err
}
