package credential

import "time"

// KeyStanding is a key as a rotation sees it.
type KeyStanding struct {
	Number     uint8
	Algorithm  Algorithm
	Life       KeyLife
	LastExpiry time.Time // when the last code that it signed ends, zero for none
}

// RotationStep is one thing that a rotation has to do.
type RotationStep struct {
	Make      bool      // a new key is needed
	Tell      bool      // a person is needed: the next key waits without a date
	Action    KeyAction // else: ActivateKey (which retires the key before it) or RemoveKey
	Number    uint8     // of the key, or of the one that the new key is to follow
	Algorithm Algorithm
	From      time.Time // Make: when the new key is to begin to sign, and to stop
	Until     time.Time
}

// rotationAhead is how long before a key's planned end the next one is made: the week of publication, and a week to notice what went wrong.
const rotationAhead = 2 * PublishedAhead

// PlanRotation returns what is to be done with the keys at a moment, at most one step for each of them. Every algorithm that signs
// gets its next key in time, published for a week before it signs; a key whose last code has ended is removed. A pending
// key without a planned beginning waits for a person. Taking the steps and planning again at the same moment gives nothing more to do.
func PlanRotation(keys []KeyStanding, now time.Time) []RotationStep {
	var steps []RotationStep
	for _, alg := range Algorithms() {
		h := succession(keys, alg)
		steps = append(steps, h.plan(now)...)
	}
	for i := range keys {
		k := &keys[i]
		if k.Life.State == KeyVerifyOnly && !now.Before(k.Life.RemovableFrom(k.LastExpiry)) {
			steps = append(steps, RotationStep{Action: RemoveKey, Number: k.Number, Algorithm: k.Algorithm})
		}
	}
	return steps
}

// heirs is who signs under an algorithm and who is to follow.
type heirs struct {
	active  *KeyStanding
	next    *KeyStanding // the one that is planned to begin first
	waiting bool         // there is a pending key
}

func succession(keys []KeyStanding, alg Algorithm) (h heirs) {
	for i := range keys {
		k := &keys[i]
		switch {
		case k.Algorithm != alg:
		case k.Life.State == KeyActive:
			h.active = k
		case k.Life.State == KeyPending:
			h.waiting = true
			if !k.Life.PlannedFrom.IsZero() && (h.next == nil || k.begins().Before(h.next.begins())) {
				h.next = k
			}
		}
	}
	return h
}

// begins returns when a planned key may sign: not before it was published for a week.
func (k *KeyStanding) begins() time.Time {
	if published := k.Life.CreatedAt.Add(PublishedAhead); published.After(k.Life.PlannedFrom) {
		return published
	}
	return k.Life.PlannedFrom
}

func (h *heirs) plan(now time.Time) []RotationStep {
	switch {
	case h.next != nil && now.Before(h.next.begins()):
		return nil
	case h.next != nil:
		return []RotationStep{{Action: ActivateKey, Number: h.next.Number, Algorithm: h.next.Algorithm}}
	case h.active == nil || h.active.Life.PlannedUntil.IsZero() || now.Before(h.active.Life.PlannedUntil.Add(-rotationAhead)):
		return nil
	}
	from := h.active.Life.PlannedUntil
	if earliest := now.Add(PublishedAhead); from.Before(earliest) {
		from = earliest
	}
	return []RotationStep{{Make: !h.waiting, Tell: h.waiting, Number: h.active.Number, Algorithm: h.active.Algorithm, From: from, Until: from.Add(KeyLifetime)}}
}
