package verify

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"healthcode/credential"
)

// Why a bundle or list is not loaded, beside the errors of package credential. What was loaded before stays in use.
var (
	ErrRollback = errors.New("it is older than what was seen before")
	ErrExpired  = errors.New("the key set has expired")
	ErrFuture   = errors.New("it is dated in the future: is the clock right?")
	ErrNoRoot   = errors.New("no root key is pinned: a bundle cannot be checked")
)

// Verifier checks codes with what it has loaded. It is safe for concurrent use.
type Verifier struct {
	root   *credential.Root
	mu     sync.Mutex // held while loading
	memory Memory
	state  atomic.Pointer[state]
}

// New makes a verifier that trusts the root and nothing else. memory is what an earlier verifier remembered; the zero Memory is that of a
// first one.
func New(root *credential.Root, memory Memory) *Verifier {
	v := &Verifier{root: root, memory: memory.clone()}
	v.state.Store(&state{})
	return v
}

// NewWithKeys makes a verifier for who has a key set that it trusts, by TLS for instance, and gets the lists one by one: see LoadLists.
func NewWithKeys(keys *credential.KeySet, memory Memory) *Verifier {
	v := &Verifier{memory: memory.clone()}
	v.state.Store(&state{keys: keys})
	return v
}

// Memory returns what the verifier has seen, to be kept for the next one.
func (v *Verifier) Memory() Memory {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.memory.clone()
}

// LoadBundle verifies a bundle and uses it from now on instead of the one before. It is refused as a whole, and the one before stays in
// use, when anything in it is wrong, when the key set has expired, and when the key set or a list is older than one seen before. Lists that
// have expired are loaded: they still say what was revoked for good. A list dated more than credential.Leeway ahead is passed over, and not
// remembered: a wrong clock must not make the right lists of tomorrow look old.
func (v *Verifier) LoadBundle(data []byte, now time.Time) error {
	if v.root == nil {
		return ErrNoRoot
	}
	bundle, err := credential.ParseBundle(data, v.root)
	if err != nil {
		return err
	}
	return v.change(credential.ErrBundle, func(_ *state, memory *Memory) (*state, error) { return newState(bundle, memory, now) })
}

// LoadLists verifies the tokens of lists with the keys in use and takes them in the place of earlier ones, all or none. They are refused
// when anything is wrong with one, and when one is older than one seen before; one dated ahead is passed over as by LoadBundle.
func (v *Verifier) LoadLists(now time.Time, tokens ...string) error {
	return v.change(credential.ErrList, func(s *state, memory *Memory) (*state, error) { return s.withLists(tokens, memory, now) })
}

// change swaps the state for the next one, and the memory with it.
func (v *Verifier) change(sort error, next func(*state, *Memory) (*state, error)) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	memory := v.memory.clone()
	s, err := next(v.state.Load(), &memory)
	if err != nil {
		return fmt.Errorf("%w: %w", sort, err)
	}
	v.memory = memory
	v.state.Store(s)
	return nil
}

// Verify returns the verdict about a text at a time. It never panics, whatever the text.
func (v *Verifier) Verify(text string, now time.Time) credential.Verdict {
	s := v.state.Load()
	proven, err := s.prove(text, now)
	if err != nil {
		verdict := credential.Refused(err)
		verdict.Current = credential.CurrentNo
		return verdict
	}
	verdict := proven.At(now)
	s.judge(&verdict, now)
	return verdict
}

// Refusal says in one word why a bundle is not loaded: rollback, expired, not_yet_valid, bad_signature, unknown_key or malformed. It is
// empty for nil.
func Refusal(err error) string {
	if err == nil {
		return ""
	}
	for _, known := range []struct {
		err  error
		word string
	}{
		{ErrRollback, "rollback"},
		{ErrExpired, "expired"},
		{ErrFuture, "not_yet_valid"},
		{credential.ErrBadSignature, "bad_signature"},
		{credential.ErrUnknownKey, "unknown_key"},
	} {
		if errors.Is(err, known.err) {
			return known.word
		}
	}
	return "malformed"
}
