package api

import (
	"context"
	"hash/maphash"
	"sync"

	"healthcode/credential"
	"healthcode/registry"
	"healthcode/schema"
)

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

	answers keptAnswers
	emptied chan struct{} // somebody is to read everything in
}

// NewLiveRegister returns one that holds at most so many codes.
func NewLiveRegister(most int) *LiveRegister {
	l := &LiveRegister{most: most, emptied: make(chan struct{}, 1), answers: keptAnswers{seed: maphash.MakeSeed()}}
	l.answers.by.most = maxAnswers
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
