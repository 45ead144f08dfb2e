package api

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
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

// LiveStream reads what Live returns of all codes in force.
type LiveStream interface {
	LiveRows(ctx context.Context, now time.Time, most int) iter.Seq2[schema.LiveRow, error]
	LiveClock
}

const (
	// DefaultLiveCodes is how many codes are held in memory, together some hundred megabytes. The others are read when they are asked for.
	DefaultLiveCodes = 131072
	maxAnswers       = 4096 // answers a generation: together some ten megabytes
)

type codePlace struct {
	uscc registry.USCC
	idx  uint32
}

// heldCode is what is held of a code. Nobody changes it.
type heldCode struct {
	idx  uint32
	live *schema.Live
}

// LiveRegister holds in memory what verifying reads, and lets go of an enterprise as soon as a commit touched it, by whichever process: a code revoked a
// moment ago is revoked. Run reads everything in; without it only what was asked is held.
type LiveRegister struct {
	most int // codes

	mu      sync.RWMutex
	known   bool // whether version is one
	version uint64
	era     int // how often everything was let go
	firms   map[registry.USCC][]heldCode
	held    int // codes
	keys    *credential.KeySet
	touched map[registry.USCC]bool // what a fill that is under way must not add: it may have read it before
	words   map[string]string      // each of the few words that nearly all rows have, once

	answers generations[liveMark, string, []byte]
	emptied chan struct{} // somebody is to read everything in
}

// NewLiveRegister returns one that holds at most so many codes.
func NewLiveRegister(most int) *LiveRegister {
	l := &LiveRegister{most: most, emptied: make(chan struct{}, 1)}
	l.answers.most = maxAnswers
	l.empty()
	return l
}

// empty lets everything go. The caller has the lock.
func (l *LiveRegister) empty() {
	l.firms, l.words, l.held, l.keys = map[registry.USCC][]heldCode{}, map[string]string{}, 0, nil
	l.era++
	l.wantFill()
}

func (l *LiveRegister) wantFill() {
	select {
	case l.emptied <- struct{}{}:
	default:
	}
}

// advance lets go of what was touched since the version that is held, and returns the version that is held then; false when that cannot be told.
func (l *LiveRegister) advance(ctx context.Context, clock LiveClock) (uint64, bool) {
	version, known := clock.LiveVersion(ctx)
	if !known {
		return 0, false
	}
	l.mu.RLock()
	same := l.known && l.version == version
	l.mu.RUnlock()
	if same {
		return version, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	changes, known := clock.LiveChanges(ctx, l.version)
	if !known {
		return 0, false
	}
	if !l.known || changes.All {
		l.empty()
	}
	for _, code := range changes.Enterprises {
		l.drop(code)
		if l.touched != nil {
			l.touched[code] = true
		}
	}
	l.known, l.version = true, changes.Version
	return l.version, true
}

func (l *LiveRegister) drop(code registry.USCC) {
	l.held -= len(l.firms[code])
	delete(l.firms, code)
}

// find returns what is held of a code. It is true at the version that is held, or later.
func (l *LiveRegister) find(place codePlace) *schema.Live {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, code := range l.firms[place.uscc] {
		if code.idx == place.idx {
			return code.live
		}
	}
	return nil
}

// keep holds what was read after a version was told, unless something changed since.
func (l *LiveRegister) keep(version uint64, place codePlace, row *schema.Live) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.version == version {
		l.hold(place, row)
	}
}

// hold holds a row. When there is no room, some other enterprise goes. The caller has the lock.
func (l *LiveRegister) hold(place codePlace, row *schema.Live) {
	if l.most <= 0 {
		return
	}
	for _, code := range l.firms[place.uscc] {
		if code.idx == place.idx {
			return
		}
	}
	for code := range l.firms {
		if l.held < l.most {
			break
		}
		l.drop(code)
	}
	l.share(row)
	l.firms[place.uscc] = append(l.firms[place.uscc], heldCode{place.idx, row})
	l.held++
}

// maxWords bounds the words that are kept once: as many as there are divisions and keys.
const maxWords = 65536

// share lets rows have their common words in common.
func (l *LiveRegister) share(row *schema.Live) {
	words := []*string{&row.RegionCode}
	if c := row.Code; c != nil {
		words = append(words, &c.KID, &c.Form, (*string)(&c.State))
	}
	if g := row.Grade; g != nil {
		words = append(words, &g.Model.Code)
	}
	for _, word := range words {
		if known, ok := l.words[*word]; ok {
			*word = known
		} else if len(l.words) < maxWords {
			l.words[*word] = *word
		}
	}
}

const (
	fillBatch = 256         // rows that are added under one lock
	fillRest  = time.Second // between the signal and the reading: what changes everything seldom comes alone
	fillShare = 10          // reading everything takes at most a tenth of the time
)

// fill reads everything in. What was touched meanwhile is left out, and all of it when everything was let go.
func (l *LiveRegister) fill(ctx context.Context, stream LiveStream, now time.Time) error {
	if _, known := l.advance(ctx, stream); !known {
		return errLiveUnknown
	}
	era := l.beginFill()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.touched = nil
	}()
	batch := make([]schema.LiveRow, 0, fillBatch)
	for row, err := range stream.LiveRows(ctx, now, l.most) {
		if err != nil {
			return err
		}
		if batch = append(batch, row); len(batch) == fillBatch {
			if !l.add(era, batch) {
				return nil
			}
			batch = batch[:0]
		}
	}
	l.add(era, batch)
	return nil
}

// beginFill begins to note what is touched, and returns which emptying is made good for.
func (l *LiveRegister) beginFill() (era int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.emptied:
	default:
	}
	l.touched = map[registry.USCC]bool{}
	return l.era
}

var errLiveUnknown = errors.New("it cannot be told now what changes in the register")

// add holds rows of a fill; false when everything was let go since it began.
func (l *LiveRegister) add(era int, rows []schema.LiveRow) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.era != era {
		return false
	}
	for i := range rows {
		if row := &rows[i]; l.held < l.most && !l.touched[row.USCC] {
			l.hold(codePlace{row.USCC, row.Index}, row.Live)
		}
	}
	return true
}

// Run reads everything in at once, and again after everything was let go, until ctx ends.
func (l *LiveRegister) Run(ctx context.Context, stream LiveStream, now func() time.Time, log *slog.Logger) {
	rest := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.emptied:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(rest):
		}
		began := time.Now()
		err := l.fill(ctx, stream, now())
		rest = max(fillRest, (fillShare-1)*time.Since(began))
		if err == nil || ctx.Err() != nil {
			continue
		}
		if !errors.Is(err, errLiveUnknown) { // that passes by itself, as a rule while the connection is made
			log.WarnContext(ctx, "the register was not read into memory; codes are looked up one by one", "error", err.Error())
			rest = time.Minute
		}
		l.wantFill()
	}
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

func (l *LiveRegister) keySet() *credential.KeySet {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.keys
}

func (l *LiveRegister) keepKeys(version uint64, keys *credential.KeySet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.version == version {
		l.keys = keys
	}
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
