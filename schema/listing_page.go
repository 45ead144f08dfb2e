package schema

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"healthcode/access"
	"healthcode/supervision"
)

// ListingSort is an order of ListingPage.
type ListingSort string

// The orders. The code breaks ties.
const (
	ListingByName  ListingSort = "name"
	ListingBySince ListingSort = "-since" // newest first
)

// ListingFilter chooses entries of a list. Entries within the sight show in every state, others in those of Everywhere.
type ListingFilter struct {
	List       string
	Sight      access.Sight
	Everywhere []supervision.ListingState
	States     []supervision.ListingState // only these; nil: any
	Region     string                     // a division of any level: all below it
	Product    string                     // a code of the catalogue
	Text       string                     // part of the name, in any case, or the beginning of the code
	Sort       ListingSort
	Cursor     string // Next of the page before
	Limit      int    // 1 to 500; 0 means 50
}

// ListingItem is one line of a list.
type ListingItem struct {
	Listing
	Name   string
	Region string // code of the division
}

// ListingPage is one page of a list. Next is empty on the last one.
type ListingPage struct {
	Items []ListingItem
	Next  string
}

// listingCursor is where a page ended.
type listingCursor struct {
	Sort ListingSort `json:"s"`
	Name string      `json:"n,omitempty"`
	Day  int32       `json:"d,omitempty"`
	USCC string      `json:"u"`
}

// conditions returns what a row must be, without the cursor.
func (f *ListingFilter) conditions() (string, []any) {
	where, values := []string{"l.list = ?"}, []any{f.List}
	and := func(condition string, more ...any) { where, values = append(where, condition), append(values, more...) }
	bound, within := seen(f.Sight, "e.region_code", "e.uscc")
	everywhere, states := statesOf("l.state", f.Everywhere)
	and("("+everywhere+" OR "+bound+")", append(states, within...)...)
	if f.States != nil {
		chosen, states := statesOf("l.state", f.States)
		and(chosen, states...)
	}
	if f.Region != "" {
		prefix := regionPrefix(f.Region)
		and("e.region_code >= ? AND e.region_code < ?", prefix, prefix+":") // ':' follows '9'
	}
	if f.Product != "" {
		and(`? || e.product_codes || ? LIKE ? ESCAPE '\'`, "\n", "\n", "%\n"+likePattern(f.Product)+"\n%")
	}
	if f.Text != "" {
		text := likePattern(fold(f.Text))
		and(`(e.folded_name LIKE ? ESCAPE '\' OR e.uscc LIKE ? ESCAPE '\')`, "%"+text+"%", strings.ToUpper(text)+"%")
	}
	return strings.Join(where, " AND "), values
}

// statesOf is the condition that a state is one of some. Of none, none is.
func statesOf(column string, states []supervision.ListingState) (string, []any) {
	if len(states) == 0 {
		return "1 = 0", nil
	}
	values := make([]any, len(states))
	for i, state := range states {
		values[i] = string(state)
	}
	return column + " IN (?" + strings.Repeat(",?", len(states)-1) + ")", values
}

const listingItems = ` FROM listing_entry l JOIN enterprise e ON e.uscc = l.uscc WHERE `

// ListingPage returns one page of a list. ErrCursor for a cursor of another list.
func (db *DB) ListingPage(ctx context.Context, f ListingFilter) (*ListingPage, error) {
	if f.Limit <= 0 || f.Limit > 500 {
		f.Limit = 50
	}
	where, values := f.conditions()
	order := "e.folded_name, l.uscc"
	if f.Sort == ListingBySince {
		order = "l.since DESC, l.uscc"
	}
	if f.Cursor != "" {
		c, err := f.parseCursor()
		if err != nil {
			return nil, fmt.Errorf("list a list: %w", err)
		}
		if f.Sort == ListingBySince {
			where, values = where+" AND (l.since < ? OR l.since = ? AND l.uscc > ?)", append(values, c.Day, c.Day, c.USCC)
		} else {
			where, values = where+" AND (e.folded_name > ? OR e.folded_name = ? AND l.uscc > ?)", append(values, c.Name, c.Name, c.USCC)
		}
	}
	query := `SELECT ` + prefixed("l", listingColumns) + `, e.body` + listingItems + where + ` ORDER BY ` + order + ` LIMIT ?`
	items, err := collect(ctx, db, "list a list", query, append(values, f.Limit+1), readListingItem)
	if err != nil {
		return nil, err
	}
	page := &ListingPage{Items: items}
	if len(items) > f.Limit {
		page.Items = items[:f.Limit]
		end := &page.Items[f.Limit-1]
		page.Next = base64.RawURLEncoding.EncodeToString([]byte(list(listingCursor{f.Sort, fold(end.Name), int32(end.Since), string(end.USCC)})))
	}
	return page, nil
}

func readListingItem(scan func(...any) error) (ListingItem, error) {
	var row listingRow
	var body string
	if err := scan(append(row.fields(), &body)...); err != nil {
		return ListingItem{}, err
	}
	e, err := unpackEnterprise(body)
	if err != nil {
		return ListingItem{}, err
	}
	return ListingItem{row.listing(), e.Name, e.RegionCode}, nil
}

func (f *ListingFilter) parseCursor() (c listingCursor, err error) {
	text, err := base64.RawURLEncoding.DecodeString(f.Cursor)
	if err != nil || json.Unmarshal(text, &c) != nil || c.Sort != f.Sort || !storable(c.Name, c.USCC) {
		return c, ErrCursor
	}
	return c, nil
}

// CountListing returns how many entries of each state a filter chooses.
func (db *DB) CountListing(ctx context.Context, f ListingFilter) (map[supervision.ListingState]int, error) {
	where, values := f.conditions()
	counts := map[supervision.ListingState]int{}
	read := func(scan func(...any) error) (struct{}, error) {
		var state string
		var n int
		err := scan(&state, &n)
		counts[supervision.ListingState(state)] = n
		return struct{}{}, err
	}
	_, err := collect(ctx, db, "count a list", `SELECT l.state, count(*)`+listingItems+where+` GROUP BY l.state`, values, read)
	return counts, err
}

// PublicListing iterates over what everybody may know of a list, in the order of codes.
func (db *DB) PublicListing(ctx context.Context, list string) iter.Seq2[ListingItem, error] {
	query := `SELECT ` + prefixed("l", listingColumns) + `, e.body` + listingItems + `l.list = ? AND l.state IN ('listed', 'suspended') ORDER BY l.uscc`
	return stream(ctx, db, "read a list", query, []any{list}, readListingItem)
}

// PublicListingMark is a text that changes whenever what everybody may know of a list does.
func (db *DB) PublicListingMark(ctx context.Context, list string) (string, error) {
	var mark struct {
		Entries int64 `db:"entries"`
		Steps   int64 `db:"steps"`
		Names   int64 `db:"names"`
		Known   int64 `db:"known"`
	}
	const query = `SELECT count(*) AS entries, coalesce(sum(l.steps), 0) AS steps, coalesce(sum(e.revision), 0) AS names, coalesce(max(e.known_at), 0) AS known` + listingItems +
		`l.list = ? AND l.state IN ('listed', 'suspended')`
	const gone = `SELECT coalesce(sum(steps), 0) FROM listing_entry WHERE list = ?`
	var all int64
	if err := db.read.GetContext(ctx, &mark, db.read.Rebind(query), list); err != nil {
		return "", db.fail(ctx, "look for changes of a list", err)
	}
	if err := db.read.GetContext(ctx, &all, db.read.Rebind(gone), list); err != nil {
		return "", db.fail(ctx, "look for changes of a list", err)
	}
	return fmt.Sprintf("%d %d %d %d %d", mark.Entries, mark.Steps, mark.Names, mark.Known, all), nil
}
