package jobs

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"time"

	"healthcode/registry"
	"healthcode/schema"
	"healthcode/supervision"
)

// Listings looks whether those who stand on a list still meet its criteria, suspends and returns them, and ends terms that are over. Any number of
// processes may run it, and it may be killed at any point: each entry is followed in one transaction, which notices when another was faster.
type Listings struct {
	DB    *schema.DB
	Clock func() time.Time

	onEntry func() // for tests: after each entry
}

// ListingsDone says what a run did.
type ListingsDone struct {
	Checked int                             `json:"checked"`
	Steps   map[supervision.ListingStep]int `json:"steps"`
}

// listingBatch is how many entries are read at once.
const listingBatch = 200

// RunOnce looks at every entry that was not looked at today, or whose grade or criteria have changed since. schema.ErrNothingDue when there is none. An
// entry that cannot be looked at does not keep the others waiting; the first such failure is returned at the end.
func (j *Listings) RunOnce(ctx context.Context) (*ListingsDone, error) {
	done := &ListingsDone{Steps: map[supervision.ListingStep]int{}}
	day := registry.DayOf(j.Clock())
	facts, failed := NewListingFacts(j.DB), error(nil)
	for _, list := range supervision.Lists {
		criteria, err := j.DB.ListingCriteria(ctx, list, day)
		if err != nil {
			return done, fmt.Errorf("read the criteria of %s: %w", list, err)
		}
		failed = cmp.Or(failed, j.follow(ctx, facts, criteria, day, done))
	}
	if failed != nil {
		return done, failed
	}
	if done.Checked == 0 {
		return nil, schema.ErrNothingDue
	}
	return done, nil
}

func (j *Listings) follow(ctx context.Context, facts *ListingFacts, criteria *supervision.Criteria, day registry.Day, done *ListingsDone) error {
	after, failed := registry.USCC(""), error(nil)
	for {
		due, err := j.DB.DueListings(ctx, criteria.List, day, criteria.Version, after, listingBatch)
		if err != nil || len(due) == 0 {
			return cmp.Or(err, failed)
		}
		for i := range due {
			step, err := j.followOne(ctx, facts, criteria, &due[i], day)
			if ctx.Err() != nil {
				return err
			}
			if err != nil {
				failed = cmp.Or(failed, fmt.Errorf("follow up %s in %s: %w", due[i].USCC, criteria.List, err))
				continue
			}
			if done.Checked++; step != "" {
				done.Steps[step]++
			}
			if j.onEntry != nil {
				j.onEntry()
			}
		}
		after = due[len(due)-1].USCC
	}
}

func (j *Listings) followOne(ctx context.Context, facts *ListingFacts, criteria *supervision.Criteria, l *schema.Listing, day registry.Day) (supervision.ListingStep, error) {
	check := &schema.ListingCheck{Listing: l, Criteria: criteria, Day: day}
	if criteria.Asked != nil {
		found, known, err := facts.Of(ctx, l.USCC, day)
		if err != nil {
			return "", err
		}
		check.KnownAt, check.Missed = known, supervision.Missed(criteria.Check(found, day))
	}
	return j.DB.FollowListing(ctx, check)
}

// ListingMove is what other criteria would change for one entry.
type ListingMove struct {
	USCC   registry.USCC            `json:"uscc"`
	State  supervision.ListingState `json:"state"`
	Missed []string                 `json:"missed"`      // by the present criteria
	Then   []string                 `json:"missed_then"` // by the others
}

// ListingPreview says whom other criteria would concern.
type ListingPreview struct {
	List      string        `json:"list"`
	Entries   int           `json:"entries"`   // that were looked at
	Suspended []ListingMove `json:"suspended"` // listed, and would be suspended
	Admitted  []ListingMove `json:"admitted"`  // suspended or waiting, and would meet everything
	Refused   []ListingMove `json:"refused"`   // waiting, and would no longer meet everything
}

// PreviewStates are the states of those whom other criteria concern.
var PreviewStates = []supervision.ListingState{supervision.StateApplied, supervision.StateListed, supervision.StateSuspended}

// Preview compares two sets of criteria on a day for entries, all who stand on a list or wait for it. It changes nothing. Progress may be nil.
func (l *ListingFacts) Preview(ctx context.Context, entries iter.Seq2[schema.Listing, error], now, then *supervision.Criteria, day registry.Day, progress func(done int)) (*ListingPreview, error) {
	p := &ListingPreview{List: then.List, Suspended: []ListingMove{}, Admitted: []ListingMove{}, Refused: []ListingMove{}}
	if then.Asked == nil || now.Asked == nil { // the other list asks nothing that an enterprise meets or misses
		return p, nil
	}
	for entry, err := range entries {
		if err != nil {
			return nil, err
		}
		found, _, err := l.Of(ctx, entry.USCC, day)
		if err != nil {
			return nil, err
		}
		p.add(ListingMove{entry.USCC, entry.State, supervision.Missed(now.Check(found, day)), supervision.Missed(then.Check(found, day))})
		if progress != nil {
			progress(p.Entries)
		}
	}
	return p, nil
}

func (p *ListingPreview) add(m ListingMove) {
	p.Entries++
	switch met, then := len(m.Missed) == 0, len(m.Then) == 0; {
	case m.State == supervision.StateListed && !then:
		p.Suspended = append(p.Suspended, m)
	case m.State != supervision.StateListed && !met && then:
		p.Admitted = append(p.Admitted, m)
	case m.State == supervision.StateApplied && met && !then:
		p.Refused = append(p.Refused, m)
	}
}
