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
	// LiveVersion returns a number that differs when what Live and Keys return may have changed; false when that cannot be told.
	LiveVersion(ctx context.Context) (uint64, bool)
}

// liveMark is what must stay the same for an answer to stay true: nothing was committed, and time has not gone on by more than it may.
type liveMark struct {
	version uint64
	unix    int64 // of the second or the minute, in seconds
}

type codePlace struct {
	uscc registry.USCC
	idx  uint32
}

const (
	maxLive    = 65536 // rows of the register a generation: together some sixty megabytes
	maxAnswers = 4096  // answers a generation: together some ten megabytes
)

// liveCache keeps in memory what verifying reads, for as long as nothing was committed that could change it: a code revoked a moment ago is revoked.
// A minute is the longest that anything is kept, because names of divisions go by time.
type liveCache struct {
	keys    generations[uint64, struct{}, *credential.KeySet]
	rows    generations[liveMark, codePlace, *schema.Live]
	answers generations[liveMark, string, []byte]
}

func (l *liveCache) bound() { l.keys.most, l.rows.most, l.answers.most = 1, maxLive, maxAnswers }

// liveView is the moment at which a request looks: the time, and what was committed by then.
type liveView struct {
	now     time.Time
	version uint64
	known   bool // false: nothing may be taken from memory
}

// view is taken before anything is read, so that what is kept under its version is never older than it.
func (s *server) view(ctx context.Context) liveView {
	version, known := s.store.LiveVersion(ctx)
	return liveView{s.now().UTC(), version, known}
}

func (v *liveView) minute() liveMark { return liveMark{v.version, v.now.Unix() / 60 * 60} }
func (v *liveView) second() liveMark { return liveMark{v.version, v.now.Unix()} }

// knownKeys is keySet from memory while no key changed.
func (s *server) knownKeys(ctx context.Context, view *liveView) (*credential.KeySet, error) {
	if keys, found := s.live.keys.find(view.version, struct{}{}); view.known && found {
		return keys, nil
	}
	keys, err := s.keySet(ctx)
	if err == nil && view.known {
		s.live.keys.keep(view.version, struct{}{}, keys)
	}
	return keys, err
}

// liveRow is Store.Live from memory while nothing changed. Nobody changes what it returns.
func (s *server) liveRow(ctx context.Context, view *liveView, code registry.USCC, idx uint32) (*schema.Live, error) {
	place := codePlace{code, idx}
	if row, found := s.live.rows.find(view.minute(), place); view.known && found {
		return row, nil
	}
	row, err := s.store.Live(ctx, code, idx)
	if err == nil && view.known {
		s.live.rows.keep(view.minute(), place, row)
	}
	return row, err
}
