package verify

import (
	"fmt"
	"maps"
	"time"

	"healthcode/credential"
)

// state is one loaded bundle. Beside its cache it never changes.
type state struct {
	keys    *credential.KeySet
	expires time.Time // of the key set; zero: never
	lists   map[place]*credential.List
	cache   cache
}

// place says which list.
type place struct {
	kind   credential.ListKind
	issuer string
	number uint32
}

// newState takes a bundle in and notes it in memory.
func newState(bundle *credential.Bundle, memory *Memory, now time.Time) (*state, error) {
	set := &bundle.KeySet
	if !now.Before(set.ExpiresAt) {
		return nil, fmt.Errorf("%w on %s", ErrExpired, set.ExpiresAt.Format(time.RFC3339))
	}
	if ahead(set.IssuedAt, now) {
		return nil, fmt.Errorf("%w: the key set is of %s", ErrFuture, set.IssuedAt.Format(time.RFC3339))
	}
	if err := memory.takeKeySet(set.IssuedAt); err != nil {
		return nil, err
	}
	s := &state{keys: set.Keys, expires: set.ExpiresAt, lists: map[place]*credential.List{}}
	for _, list := range bundle.Lists {
		if err := s.take(list, memory, now); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// withLists is the state with some lists more, or newer.
func (s *state) withLists(tokens []string, memory *Memory, now time.Time) (*state, error) {
	next := &state{keys: s.keys, expires: s.expires, lists: maps.Clone(s.lists)}
	if next.lists == nil {
		next.lists = map[place]*credential.List{}
	}
	for _, token := range tokens {
		list, err := credential.ParseList(token, s.keys)
		if err != nil {
			return nil, err
		}
		if err := next.take(list, memory, now); err != nil {
			return nil, err
		}
	}
	return next, nil
}

// take takes a list in, unless it is dated ahead, and notes it.
func (s *state) take(list *credential.List, memory *Memory, now time.Time) error {
	if ahead(list.IssuedAt, now) {
		return nil
	}
	if err := memory.takeList(list); err != nil {
		return err
	}
	s.lists[place{list.Kind, list.Issuer, list.Number}] = list
	return nil
}

// ahead reports whether t is further ahead of now than a clock may be wrong.
func ahead(t, now time.Time) bool { return t.After(now.Add(credential.Leeway)) }

// prove checks what does not depend on the lists, from the cache if it can.
func (s *state) prove(text string, now time.Time) (*credential.Proven, error) {
	if !s.expires.IsZero() && !now.Before(s.expires) {
		return nil, fmt.Errorf("%w: the key set has expired, load a newer bundle", credential.ErrUnknownKey)
	}
	if proven := s.cache.get(text); proven != nil {
		return proven, nil
	}
	proven, err := credential.Prove(text, s.keys)
	if err != nil {
		return nil, err
	}
	s.cache.put(text, proven)
	return proven, nil
}

// judge adds to the verdict about the code itself what the lists say.
func (s *state) judge(v *credential.Verdict, now time.Time) {
	if !v.Authentic {
		v.Current = credential.CurrentNo
		return
	}
	status := s.list(v, credential.ListStatus)
	if status == nil {
		unknown(v, "no status list has been loaded")
		return
	}
	said := status.Status(placeOf(v))
	newer := v.IssuedAt.After(status.IssuedAt)
	switch {
	case said.Final(): // whatever the age of the list
		v.SetStatus(said, status.IssuedAt)
		return
	case !status.Current(now):
		v.StatusAsOf = status.IssuedAt
		unknown(v, "the status list is not of today")
		return
	case newer && (said != credential.StatusValid || !v.LivesForSeconds()):
		v.StatusAsOf = status.IssuedAt
		unknown(v, "the code is newer than the status list")
		return
	}
	v.SetStatus(said, status.IssuedAt)
	if v.Authentic {
		s.grade(v, now)
	}
}

// grade adds today's grade. Without it nothing is current: a reader must never take the grade at issue for today's.
func (s *state) grade(v *credential.Verdict, now time.Time) {
	list := s.list(v, credential.ListGrade)
	if list == nil || !list.Current(now) {
		unknown(v, "the grade list is not of today")
		return
	}
	tier, colour, ok := list.Grade(placeOf(v))
	if !ok {
		unknown(v, "the grade list has no grade for this code")
		return
	}
	v.Current = credential.CurrentYes
	v.Grade = credential.TodaysGrade{Tier: tier, Colour: colour, AsOf: list.IssuedAt}
	if v.LivesForSeconds() && v.IssuedAt.After(list.IssuedAt) {
		v.Grade = ownGrade(v)
	}
}

// unknown says that the code is authentic, and nothing more. A code that lives for seconds proves its grade as of its own issue.
func unknown(v *credential.Verdict, why string) {
	v.Current, v.Reason, v.Detail = credential.CurrentUnknown, credential.ReasonStaleList, why
	if v.LivesForSeconds() {
		v.Grade = ownGrade(v)
	}
}

func ownGrade(v *credential.Verdict) credential.TodaysGrade {
	return credential.TodaysGrade{Tier: v.Tier, Colour: v.Colour, AsOf: v.IssuedAt}
}

func (s *state) list(v *credential.Verdict, kind credential.ListKind) *credential.List {
	return s.lists[place{kind, v.Issuer, v.Index / credential.ListSize}]
}

func placeOf(v *credential.Verdict) uint32 { return v.Index % credential.ListSize }
