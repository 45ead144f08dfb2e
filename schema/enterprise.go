package schema

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"healthcode/access"
	"healthcode/registry"
)

// ErrCursor is the reason for a cursor that this program did not give out.
var ErrCursor = errors.New("the cursor is not one of ours")

// EnterpriseRevision is one description of an enterprise that was believed from KnownAt on.
type EnterpriseRevision struct {
	registry.Enterprise
	Revision int       `json:"revision"`
	KnownAt  time.Time `json:"known_at"`
}

// Enterprise returns the newest description of an enterprise, or ErrNotFound.
func (db *DB) Enterprise(ctx context.Context, code registry.USCC) (*registry.Enterprise, error) {
	statement, err := db.statement(ctx, `SELECT body FROM enterprise WHERE uscc = ?`)
	if err != nil {
		return nil, db.fail(ctx, "read enterprise", err)
	}
	var body string
	if err := statement.GetContext(ctx, &body, string(code)); err != nil {
		return nil, db.fail(ctx, "read enterprise", err)
	}
	return unpackEnterprise(body)
}

// EnterpriseSeen returns the newest description of an enterprise within a sight. ErrNotFound when the register does not have it, or it is
// outside: nobody learns which.
func (db *DB) EnterpriseSeen(ctx context.Context, sight access.Sight, code registry.USCC) (*registry.Enterprise, error) {
	if !storable(string(code)) {
		return nil, fmt.Errorf("read enterprise: %w", ErrNotFound)
	}
	bound, values := seen(sight, "region_code", "uscc")
	var body string
	err := db.read.GetContext(ctx, &body, db.read.Rebind(`SELECT body FROM enterprise WHERE uscc = ? AND `+bound), append([]any{string(code)}, values...)...)
	if err != nil {
		return nil, db.fail(ctx, "read enterprise", err)
	}
	return unpackEnterprise(body)
}

func unpackEnterprise(body string) (*registry.Enterprise, error) {
	e := new(registry.Enterprise)
	if err := json.Unmarshal([]byte(body), e); err != nil {
		return nil, fmt.Errorf("read enterprise: %w", err)
	}
	return e, nil
}

// EnterpriseRevisions returns every description of an enterprise, oldest first, or ErrNotFound.
func (db *DB) EnterpriseRevisions(ctx context.Context, code registry.USCC) ([]EnterpriseRevision, error) {
	var found []EnterpriseRevision
	const query = `SELECT revision, known_at, body FROM enterprise_revision WHERE uscc = ? ORDER BY revision`
	read := func(scan func(...any) error) (EnterpriseRevision, error) {
		var one EnterpriseRevision
		var known int64
		var body string
		if err := scan(&one.Revision, &known, &body); err != nil {
			return one, err
		}
		one.KnownAt = instant(known)
		return one, json.Unmarshal([]byte(body), &one.Enterprise)
	}
	for one, err := range stream(ctx, db, "read enterprise", query, []any{string(code)}, read) {
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	if found == nil {
		return nil, fmt.Errorf("read enterprise: %w", ErrNotFound)
	}
	return found, nil
}

// Enterprises iterates over the newest description of every enterprise in the order of their codes (by bytes).
func (db *DB) Enterprises(ctx context.Context) iter.Seq2[*registry.Enterprise, error] {
	return stream(ctx, db, "read enterprises", `SELECT body FROM enterprise ORDER BY uscc`, nil,
		func(scan func(...any) error) (*registry.Enterprise, error) {
			var body string
			if err := scan(&body); err != nil {
				return nil, err
			}
			return unpackEnterprise(body)
		})
}

// CountEnterprises returns how many enterprises are registered.
func (db *DB) CountEnterprises(ctx context.Context) (int, error) {
	var n int
	err := db.read.GetContext(ctx, &n, `SELECT count(*) FROM enterprise`)
	return n, db.fail(ctx, "count enterprises", err)
}

// EnterpriseSort is an order of EnterprisePage.
type EnterpriseSort string

// The orders. The code breaks ties. An enterprise without a grade sorts as index 0.
const (
	SortUSCC      EnterpriseSort = "uscc"
	SortName      EnterpriseSort = "name"
	SortIndex     EnterpriseSort = "index"       // lowest first
	SortIndexDown EnterpriseSort = "-index"      // highest first
	SortChanged   EnterpriseSort = "-changed_on" // newest change of grade first
	SortRegion    EnterpriseSort = "region"      // by division: what is handed out in one place stands together
)

// EnterpriseFilter chooses enterprises. The zero value chooses all.
type EnterpriseFilter struct {
	Region string // a division of any level: all below it
	Tier   *registry.Tier
	Colour registry.Colour
	Text   string          // part of the name, in any case, or the beginning of the code
	Codes  []registry.USCC // only these, at most 500; nil means any
	Sort   EnterpriseSort
	Cursor string // Next of the page before
	Limit  int    // 1 to 500; 0 means 50
}

// EnterpriseItem is one line of a page: an enterprise and its current assessment, if it has one.
type EnterpriseItem struct {
	Enterprise *registry.Enterprise
	Assessment *Assessment
}

// EnterprisePage is one page of a list. Next is empty on the last one.
type EnterprisePage struct {
	Items []EnterpriseItem
	Next  string
}

type cursor struct {
	Sort EnterpriseSort  `json:"s"`
	Key  json.RawMessage `json:"k"`
	USCC string          `json:"u"`
}

// sortKeys holds for each order its expression, direction and comparison.
var sortKeys = map[EnterpriseSort]struct{ expression, direction, after string }{
	SortUSCC:      {"e.uscc", "ASC", ">"},
	SortName:      {"e.folded_name", "ASC", ">"},
	SortIndex:     {"coalesce(a.index_value, 0)", "ASC", ">"},
	SortIndexDown: {"coalesce(a.index_value, 0)", "DESC", "<"},
	SortChanged:   {"coalesce(a.changed_on, 0)", "DESC", "<"},
	SortRegion:    {"e.region_code", "ASC", ">"},
}

// CountEnterprisesOf returns how many enterprises within a sight a filter chooses.
func (db *DB) CountEnterprisesOf(ctx context.Context, sight access.Sight, f EnterpriseFilter) (int, error) {
	f.Cursor = ""
	where, arguments, err := f.conditions(sight, "", "")
	if err != nil {
		return 0, fmt.Errorf("count enterprises: %w", err)
	}
	var n int
	query := `SELECT count(*) FROM enterprise e LEFT JOIN assessment a ON a.uscc = e.uscc WHERE ` + where
	err = db.read.GetContext(ctx, &n, db.read.Rebind(query), arguments...)
	return n, db.fail(ctx, "count enterprises", err)
}

// EnterprisePage returns one page of the enterprises within a sight with their current grades. It reads no rows before the cursor again and again: a deep
// page costs what the first one costs. ErrCursor for a cursor of another list.
func (db *DB) EnterprisePage(ctx context.Context, sight access.Sight, f EnterpriseFilter) (*EnterprisePage, error) {
	if f.Sort == "" {
		f.Sort = SortUSCC
	}
	if f.Limit <= 0 || f.Limit > 500 {
		f.Limit = 50
	}
	order, ok := sortKeys[f.Sort]
	if !ok {
		return nil, fmt.Errorf("list enterprises: %q is no order: %w", f.Sort, ErrCursor)
	}
	where, arguments, err := f.conditions(sight, order.expression, order.after)
	if err != nil {
		return nil, fmt.Errorf("list enterprises: %w", err)
	}
	query := `SELECT e.body, ` + order.expression + ` AS sort_key, coalesce(a.run_id, 0), ` + coalesced("a", assessmentColumns) + ` FROM enterprise e
		LEFT JOIN assessment a ON a.uscc = e.uscc WHERE ` + where + ` ORDER BY ` + order.expression + ` ` + order.direction + `, e.uscc LIMIT ?`
	return db.page(ctx, query, append(arguments, f.Limit+1), f)
}

func (db *DB) page(ctx context.Context, query string, arguments []any, f EnterpriseFilter) (*EnterprisePage, error) {
	page := &EnterprisePage{}
	var last cursor
	read := func(scan func(...any) error) (EnterpriseItem, error) { return f.readItem(scan, &last) }
	for item, err := range stream(ctx, db, "list enterprises", query, arguments, read) {
		if err != nil {
			return nil, err
		}
		if len(page.Items) == f.Limit { // one more than asked for: there is a next page
			return page, nil
		}
		page.Items = append(page.Items, item)
		text, err := json.Marshal(last)
		if err != nil {
			return nil, fmt.Errorf("make cursor: %w", err)
		}
		page.Next = base64.RawURLEncoding.EncodeToString(text)
	}
	page.Next = ""
	return page, nil
}

func (f *EnterpriseFilter) readItem(scan func(...any) error, last *cursor) (EnterpriseItem, error) {
	var body string
	var key any
	var row assessmentRow
	if err := scan(append([]any{&body, &key, &row.runID}, row.fields()...)...); err != nil {
		return EnterpriseItem{}, err
	}
	e, err := unpackEnterprise(body)
	if err != nil {
		return EnterpriseItem{}, err
	}
	item := EnterpriseItem{Enterprise: e}
	if row.runID != 0 {
		assessment := row.assessment()
		item.Assessment = &assessment
	}
	if bytes, ok := key.([]byte); ok {
		key = string(bytes)
	}
	text, err := json.Marshal(key)
	*last = cursor{Sort: f.Sort, Key: text, USCC: string(e.USCC)}
	return item, err
}

func (f *EnterpriseFilter) conditions(sight access.Sight, expression, after string) (string, []any, error) {
	bound, arguments := seen(sight, "e.region_code", "e.uscc")
	where := []string{bound}
	and := func(condition string, values ...any) {
		where, arguments = append(where, condition), append(arguments, values...)
	}
	if f.Region != "" {
		prefix := regionPrefix(f.Region)
		and("e.region_code >= ? AND e.region_code < ?", prefix, prefix+":") // ':' follows '9'
	}
	if f.Tier != nil {
		and("a.tier = ?", int(*f.Tier))
	}
	if f.Colour != registry.ColourNone {
		and("a.colour = ?", int(f.Colour))
	}
	if f.Text != "" {
		text := likePattern(fold(f.Text))
		and(`(e.folded_name LIKE ? ESCAPE '\' OR e.uscc LIKE ? ESCAPE '\')`, "%"+text+"%", strings.ToUpper(text)+"%")
	}
	if f.Codes != nil {
		list, values := listOf(f.Codes)
		and("e.uscc IN "+list, values...)
	}
	if f.Cursor != "" {
		key, code, err := f.parseCursor()
		if err != nil {
			return "", nil, err
		}
		and("("+expression+" "+after+" ? OR ("+expression+" = ? AND e.uscc > ?))", key, key, code)
	}
	return strings.Join(where, " AND "), arguments, nil
}

func (f *EnterpriseFilter) parseCursor() (key any, code string, err error) {
	text, err := base64.RawURLEncoding.DecodeString(f.Cursor)
	if err != nil {
		return nil, "", ErrCursor
	}
	var c cursor
	if err := json.Unmarshal(text, &c); err != nil || c.Sort != f.Sort {
		return nil, "", ErrCursor
	}
	if f.Sort == SortUSCC || f.Sort == SortName || f.Sort == SortRegion {
		var name string
		err = json.Unmarshal(c.Key, &name)
		key = name
		if !storable(name) {
			return nil, "", ErrCursor
		}
	} else {
		var number int32 // as the columns are: PostgreSQL compares with nothing wider
		err = json.Unmarshal(c.Key, &number)
		key = int64(number)
	}
	if err != nil || !storable(c.USCC) {
		return nil, "", ErrCursor
	}
	return key, c.USCC, nil
}

// listOf returns the placeholders of a list in parentheses, and its values. A list of none matches nothing.
func listOf(codes []registry.USCC) (list string, values []any) {
	if len(codes) == 0 {
		return "(NULL)", nil
	}
	for _, code := range codes {
		values = append(values, string(code))
	}
	return "(?" + strings.Repeat(",?", len(codes)-1) + ")", values
}

// regionPrefix returns what the codes of all divisions below one begin with.
func regionPrefix(code string) string {
	switch level, _ := registry.RegionLevelOf(code); level {
	case registry.LevelProvince:
		return code[:2]
	case registry.LevelCity:
		return code[:4]
	}
	return code
}

var likeEscapes = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func likePattern(text string) string { return likeEscapes.Replace(text) }
