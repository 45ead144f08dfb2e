package schema

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"healthcode/registry"
	"healthcode/supervision"
)

// Listing is how an enterprise stands with a list, as it is stored.
type Listing struct {
	supervision.ListingEntry
	Revision   int64    // rises with every change
	Steps      int      // the number of its last step
	Missed     []string // criteria, as last checked
	CheckedOn  registry.Day
	CheckedAt  time.Time // the moment of knowledge of the grade that was looked at
	Commitment string    // of its last application
	Checked    int       // the version of the criteria that it was checked by

	opener    string // kind and number of who began it
	recordRef string // of the record that says that it is listed
}

// ListingEvent is one step that was taken.
type ListingEvent struct {
	Number int // from 1
	Step   supervision.ListingStep
	State  supervision.ListingState // after it
	Day    registry.Day
	At     time.Time
	Author string // a login name, or "system"
	Reason string
	Missed []string // criteria
}

const listingColumns = `uscc, list, revision, steps, state, since, by_hand, met_since, until, answer_by, basis, penalty_source, penalty_ref, commitment, opener, record_ref,
	missed, checked_on, checked_at, checked_criteria`

// listingRow reads the columns of a listing.
type listingRow struct {
	Listing
	missed    string
	checkedAt int64
	byHand    int
}

func (r *listingRow) fields() []any {
	l := &r.Listing
	return []any{(*string)(&l.USCC), &l.List, &l.Revision, &l.Steps, (*string)(&l.State), (*int32)(&l.Since), &r.byHand, (*int32)(&l.MetSince), (*int32)(&l.Until),
		(*int32)(&l.AnswerBy), &l.Basis, &l.Penalty.Source, &l.Penalty.Ref, &l.Commitment, &l.opener, &l.recordRef, &r.missed, (*int32)(&l.CheckedOn), &r.checkedAt, &l.Checked}
}

func (r *listingRow) listing() Listing {
	l := r.Listing
	l.ByHand, l.Missed, l.CheckedAt = r.byHand != 0, strings.Fields(r.missed), instant(r.checkedAt)
	return l
}

func readListing(scan func(...any) error) (Listing, error) {
	var row listingRow
	err := scan(row.fields()...)
	return row.listing(), err
}

func (l *Listing) values() []any {
	byHand := 0
	if l.ByHand {
		byHand = 1
	}
	return []any{string(l.USCC), l.List, l.Revision, l.Steps, string(l.State), int64(l.Since), byHand, int64(l.MetSince), int64(l.Until), int64(l.AnswerBy), l.Basis,
		l.Penalty.Source, l.Penalty.Ref, l.Commitment, l.opener, l.recordRef, strings.Join(l.Missed, " "), int64(l.CheckedOn), micros(l.CheckedAt), l.Checked}
}

// Listing returns how an enterprise stands with a list, or ErrNotFound when it never had to do with it.
func (db *DB) Listing(ctx context.Context, list string, code registry.USCC) (*Listing, error) {
	found, err := db.ListingsOf(ctx, code)
	if err != nil {
		return nil, err
	}
	for i := range found {
		if found[i].List == list {
			return &found[i], nil
		}
	}
	return nil, fmt.Errorf("read listing: %w", ErrNotFound)
}

// ListingsOf returns how an enterprise stands with the lists that it has ever had to do with, by name.
func (db *DB) ListingsOf(ctx context.Context, code registry.USCC) ([]Listing, error) {
	const query = `SELECT ` + listingColumns + ` FROM listing_entry WHERE uscc = ? ORDER BY list`
	if !storable(string(code)) {
		return nil, nil
	}
	return collect(ctx, db, "read listings", query, []any{string(code)}, readListing)
}

// ListingSteps returns the steps of an enterprise with a list, oldest first; none is no error.
func (db *DB) ListingSteps(ctx context.Context, list string, code registry.USCC) ([]ListingEvent, error) {
	const query = `SELECT number, step, state, day, at, author, reason, missed FROM listing_step WHERE uscc = ? AND list = ? ORDER BY number`
	return collect(ctx, db, "read steps of a listing", query, []any{string(code), list}, func(scan func(...any) error) (e ListingEvent, err error) {
		var at int64
		var missed string
		err = scan(&e.Number, (*string)(&e.Step), (*string)(&e.State), (*int32)(&e.Day), &at, &e.Author, &e.Reason, &missed)
		e.At, e.Missed = instant(at), strings.Fields(missed)
		return e, err
	})
}

// DueListings returns entries of a list with codes after one, in the order of codes, at most limit, that have to be looked at on a day: merchants
// that were not checked on the day, by this version of the criteria, or since they were graded anew; entries whose term is over; entries and notices
// whose penalty was voided, or was repaired since the last look.
func (db *DB) DueListings(ctx context.Context, list string, day registry.Day, version int, after registry.USCC, limit int) ([]Listing, error) {
	query := `SELECT ` + prefixed("e", listingColumns) + ` FROM listing_entry e LEFT JOIN record r
		ON r.uscc = e.uscc AND r.source = e.penalty_source AND r.source_ref = e.penalty_ref AND r.superseded_at = 9223372036854775807
		WHERE e.list = ? AND e.state IN ('listed', 'noticed') AND e.uscc > ?
		AND (e.state = 'listed' AND e.until <= ? OR r.state = 'voided' OR r.state = 'repaired' AND r.known_at > e.checked_at) ORDER BY e.uscc LIMIT ?`
	arguments := []any{list, string(after), int64(day), limit}
	if list == supervision.ListTrusted {
		query = `SELECT ` + prefixed("e", listingColumns) + ` FROM listing_entry e LEFT JOIN assessment a ON a.uscc = e.uscc
			WHERE e.list = ? AND e.state IN ('listed', 'suspended') AND e.uscc > ?
			AND (e.checked_on < ? OR e.checked_criteria <> ? OR coalesce(a.known_at, 0) > e.checked_at) ORDER BY e.uscc LIMIT ?`
		arguments = []any{list, string(after), int64(day), version, limit}
	}
	return collect(ctx, db, "look for listings", query, arguments, readListing)
}

// ListingsIn iterates over the entries of a list in some states, in the order of codes. It reads a part at a time, so the loop may write.
func (db *DB) ListingsIn(ctx context.Context, list string, states ...supervision.ListingState) iter.Seq2[Listing, error] {
	chosen, values := statesOf("state", states)
	query := `SELECT ` + listingColumns + ` FROM listing_entry WHERE list = ? AND ` + chosen + ` AND uscc > ? ORDER BY uscc LIMIT ?`
	return func(yield func(Listing, error) bool) {
		after := ""
		for {
			part, err := collect(ctx, db, "read a list", query, append(append([]any{list}, values...), after, 500), readListing)
			if err != nil {
				yield(Listing{}, err)
				return
			}
			for i := range part {
				if !yield(part[i], nil) {
					return
				}
			}
			if len(part) < 500 {
				return
			}
			after = string(part[len(part)-1].USCC)
		}
	}
}
