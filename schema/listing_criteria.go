package schema

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"healthcode/registry"
	"healthcode/supervision"
)

// CriteriaVersion is a stored version of a list's criteria.
type CriteriaVersion struct {
	supervision.Criteria
	Reason    string    `json:"reason,omitempty"`
	Author    string    `json:"author,omitempty"` // a login name
	CreatedAt time.Time `json:"created_at,omitzero"`
}

// ListingCriteria returns the criteria of a list that hold on a day: the newest stored version whose day has come, else those that come with
// the program. ErrNotFound for no list of ours.
func (db *DB) ListingCriteria(ctx context.Context, list string, day registry.Day) (c *supervision.Criteria, err error) {
	err = db.inRead(ctx, "read the criteria of a list", func(t *tx) error {
		c, err = t.listingCriteria(ctx, list, day)
		return err
	})
	return c, err
}

func (t *tx) listingCriteria(ctx context.Context, list string, day registry.Day) (*supervision.Criteria, error) {
	c := supervision.DefaultCriteria(list)
	if c == nil {
		return nil, fmt.Errorf("no list of ours: %w", ErrNotFound)
	}
	const query = `SELECT body FROM listing_criteria WHERE list = ? AND valid_from <= ? ORDER BY version DESC LIMIT 1`
	err := t.each(ctx, query, []any{list, int64(day)}, func(scan func(...any) error) error {
		var body string
		if err := scan(&body); err != nil {
			return err
		}
		var err error
		c, err = supervision.ParseCriteria([]byte(body))
		return err
	})
	return c, err
}

// ListingCriteriaVersions returns every version of a list's criteria, newest first; the last is what comes with the program.
func (db *DB) ListingCriteriaVersions(ctx context.Context, list string) ([]CriteriaVersion, error) {
	first := supervision.DefaultCriteria(list)
	if first == nil {
		return nil, fmt.Errorf("no list of ours: %w", ErrNotFound)
	}
	const query = `SELECT body, reason, author, created_at FROM listing_criteria WHERE list = ? ORDER BY version DESC`
	found, err := collect(ctx, db, "read the criteria of a list", query, []any{list}, func(scan func(...any) error) (v CriteriaVersion, err error) {
		var body string
		var created int64
		if err := scan(&body, &v.Reason, &v.Author, &created); err != nil {
			return v, err
		}
		v.CreatedAt = instant(created)
		return v, json.Unmarshal([]byte(body), &v.Criteria)
	})
	return append(found, CriteriaVersion{Criteria: *first}), err
}

// AddListingCriteria stores the next version of a list's criteria. ErrConflict when it is not the next one, or would hold before the one before it;
// ErrStepNote for a reason that is missing or cannot be stored.
func (db *DB) AddListingCriteria(ctx context.Context, c *supervision.Criteria, reason string) error {
	author := authorOf(ctx)
	if err := checkNote(author, reason); err != nil {
		return fmt.Errorf("store the criteria of a list: %w", err)
	}
	body, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("write the criteria of a list: %w", err)
	}
	return db.inWrite(ctx, "store the criteria of a list", sql.LevelReadCommitted, func(t *tx) error {
		last, err := t.listingCriteria(ctx, c.List, maxStoredDay)
		if err != nil {
			return err
		}
		if c.Version != last.Version+1 || c.ValidFrom < last.ValidFrom {
			return fmt.Errorf("%w: version %d holds from %s", ErrConflict, last.Version, last.ValidFrom)
		}
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		row := []any{c.List, c.Version, int64(c.ValidFrom), string(body), reason, author, now}
		if err := t.insert(ctx, "listing_criteria", "list, version, valid_from, body, reason, author, created_at", "", [][]any{row}); err != nil {
			return err
		}
		return t.audit(ctx, auditEntry{Action: "listing.criteria_set", Noun: "listing", ID: c.List, Before: last, After: c})
	})
}

// maxStoredDay is later than any day.
const maxStoredDay = registry.Day(1 << 30)

// authorOf names who acts in a context, as steps are signed.
func authorOf(ctx context.Context) string {
	actor := ActorOf(ctx)
	if actor.Name != "" {
		return actor.Name
	}
	return actor.Kind
}
