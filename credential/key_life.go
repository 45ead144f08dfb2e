package credential

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// KeyState is the state of a signing key in its life.
type KeyState string

// The states of a key: published but not used yet, signing, only verifying, gone.
const (
	KeyPending    KeyState = "pending"
	KeyActive     KeyState = "active"
	KeyVerifyOnly KeyState = "verify_only"
	KeyRemoved    KeyState = "removed"
)

// KeyAction is a step in the life of a key.
type KeyAction string

// The steps. A compromise removes a key at once, with every code that it signed.
const (
	ActivateKey   KeyAction = "activate"
	RetireKey     KeyAction = "retire"
	RemoveKey     KeyAction = "remove"
	CompromiseKey KeyAction = "compromise"
)

// How long a key waits.
const (
	// PublishedAhead is how long a key is published before it signs, so that verifiers who fetch the key set once a week know it.
	PublishedAhead = 7 * 24 * time.Hour
	// KeyLifetime is how long a key signs unless somebody plans otherwise.
	KeyLifetime = 365 * 24 * time.Hour
	// KeyClockSkew is how far the clocks of those who sign and those who keep the keys may differ. nbf and naf leave this room.
	KeyClockSkew = 5 * time.Minute
	// listLife is how long a status list or bundle that a key signed lives.
	listLife = 24 * time.Hour
)

// Why a step in the life of a key is refused.
var (
	ErrKeyStep   = errors.New("no such step in the life of a key")
	ErrKeyEarly  = errors.New("it is too early for this step")
	ErrKeyReason = errors.New("this step needs a reason")
)

// KeyLife is the life of a signing key so far. A zero time means not yet, or not planned.
type KeyLife struct {
	State         KeyState
	CreatedAt     time.Time // published since
	PlannedFrom   time.Time // when it is to begin to sign
	PlannedUntil  time.Time // when it is to stop; it goes on until another one signs
	ActiveAt      time.Time
	RetiredAt     time.Time // when it stopped signing
	RemovedAt     time.Time
	CompromisedAt time.Time // its private key is known to others
}

// KeyStep is one step that somebody takes.
type KeyStep struct {
	Action     KeyAction
	At         time.Time
	By         string
	Reason     string    // needed for a compromise, and for what is done before its time
	Now        bool      // activate before the key was published for a week
	LastExpiry time.Time // remove: when the last code that the key signed ends, zero for none
}

// BySystem is the author of the steps that the rotation takes.
const BySystem = "system"

// Take returns the life after a step. ErrKeyStep, ErrKeyEarly and ErrKeyReason say why it is refused; then nothing changes.
func (l KeyLife) Take(s KeyStep) (KeyLife, error) {
	take, known := map[KeyAction]func(*KeyLife, *KeyStep) error{
		ActivateKey: (*KeyLife).activate, RetireKey: (*KeyLife).retire, RemoveKey: (*KeyLife).remove, CompromiseKey: (*KeyLife).compromise,
	}[s.Action]
	if !known {
		return l, fmt.Errorf("%w: %.20q", ErrKeyStep, s.Action)
	}
	after := l
	if err := take(&after, &s); err != nil {
		return l, err
	}
	return after, nil
}

func (l *KeyLife) mustBe(s *KeyStep, states ...KeyState) error {
	for _, state := range states {
		if l.State == state {
			return nil
		}
	}
	return fmt.Errorf("%w: %s a key that is %s", ErrKeyStep, s.Action, l.State)
}

func (l *KeyLife) activate(s *KeyStep) error {
	if err := l.mustBe(s, KeyPending); err != nil {
		return err
	}
	if early := l.CreatedAt.Add(PublishedAhead); s.At.Before(early) {
		if !s.Now {
			return fmt.Errorf("%w: verifiers know the key for sure from %s on", ErrKeyEarly, early.Format(time.RFC3339))
		}
		if err := s.needsReason(); err != nil {
			return err
		}
	}
	l.State, l.ActiveAt = KeyActive, s.At
	if !l.PlannedUntil.After(s.At) {
		l.PlannedUntil = s.At.Add(KeyLifetime)
	}
	return nil
}

func (l *KeyLife) retire(s *KeyStep) error {
	if err := l.mustBe(s, KeyActive); err != nil {
		return err
	}
	l.State, l.RetiredAt = KeyVerifyOnly, s.At
	return nil
}

// remove takes a key away whose codes have ended, or that never signed.
func (l *KeyLife) remove(s *KeyStep) error {
	if err := l.mustBe(s, KeyPending, KeyVerifyOnly); err != nil {
		return err
	}
	if early := l.RemovableFrom(s.LastExpiry); l.State == KeyVerifyOnly && s.At.Before(early) {
		return fmt.Errorf("%w: what the key signed is valid until %s", ErrKeyEarly, early.Format(time.RFC3339))
	}
	l.State, l.RemovedAt = KeyRemoved, s.At
	return nil
}

func (l *KeyLife) compromise(s *KeyStep) error {
	if err := l.mustBe(s, KeyPending, KeyActive, KeyVerifyOnly); err != nil {
		return err
	}
	if err := s.needsReason(); err != nil {
		return err
	}
	if l.State == KeyActive {
		l.RetiredAt = s.At
	}
	l.State, l.RemovedAt, l.CompromisedAt = KeyRemoved, s.At, s.At
	return nil
}

func (s *KeyStep) needsReason() error {
	if strings.TrimSpace(s.Reason) == "" {
		return fmt.Errorf("%w: say why", ErrKeyReason)
	}
	return nil
}

// RemovableFrom returns when nothing that a retired key signed is valid any more: its last code, and its last lists, with room for clocks.
func (l *KeyLife) RemovableFrom(lastExpiry time.Time) time.Time {
	end := l.RetiredAt.Add(listLife)
	if lastExpiry.After(end) {
		end = lastExpiry
	}
	return end.Add(KeyClockSkew)
}

// Window returns between which moments the key signs, as the key set says it (nbf and naf), in whole seconds with room for clocks. A pending key says
// what is planned. A key for which no beginning was ever planned has none, and one that signs has no end, because plans change: a zero time
// means no limit.
func (l *KeyLife) Window() (from, until time.Time) {
	if from = l.PlannedFrom; !from.IsZero() {
		if !l.ActiveAt.IsZero() {
			from = l.ActiveAt
		}
		from = from.Add(-KeyClockSkew).Truncate(time.Second)
	}
	if !l.RetiredAt.IsZero() {
		until = l.RetiredAt.Add(KeyClockSkew).Truncate(time.Second)
	}
	return from, until
}
