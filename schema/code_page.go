package schema

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"healthcode/access"
	"healthcode/registry"
)

// CodeSort is an order of CodePage.
type CodeSort string

// The orders. The index breaks ties.
const (
	CodesByIndex     CodeSort = "idx"
	CodesByIndexDown CodeSort = "-idx" // newest first
	CodesByEnd       CodeSort = "expires_at"
	CodesByEndDown   CodeSort = "-expires_at"
)

// CodeFilter chooses codes. The zero value chooses all that were issued.
type CodeFilter struct {
	USCC   registry.USCC
	Form   string
	KID    string
	Status *CodeStatus
	Sort   CodeSort // nothing means CodesByIndex
	Cursor string   // Next of the page before
	Limit  int      // 1 to 500; 0 means 50
}

// CodePage is one page of a list of codes. Next is empty on the last one.
type CodePage struct {
	Items []Code
	Next  string
}

// codeOrders holds for each order its column, direction and comparison.
var codeOrders = map[CodeSort]struct{ column, direction, after string }{
	CodesByIndex:     {"idx", "ASC", ">"},
	CodesByIndexDown: {"idx", "DESC", "<"},
	CodesByEnd:       {"expires_at", "ASC", ">"},
	CodesByEndDown:   {"expires_at", "DESC", "<"},
}

type codeCursor struct {
	Sort CodeSort `json:"s"`
	Key  int64    `json:"k"`
	Idx  int64    `json:"i"`
}

// CodePage returns one page of issued codes of enterprises within a sight. ErrCursor for a cursor of another list.
func (db *DB) CodePage(ctx context.Context, sight access.Sight, f CodeFilter) (*CodePage, error) {
	if f.Sort == "" {
		f.Sort = CodesByIndex
	}
	if f.Limit <= 0 || f.Limit > 500 {
		f.Limit = 50
	}
	order, ok := codeOrders[f.Sort]
	if !ok {
		return nil, fmt.Errorf("list codes: %q is no order: %w", f.Sort, ErrCursor)
	}
	where, arguments, err := f.conditions(sight, order.column, order.after)
	if err != nil {
		return nil, fmt.Errorf("list codes: %w", err)
	}
	query := `SELECT ` + codeColumns + ` FROM code WHERE ` + where + ` ORDER BY ` + order.column + ` ` + order.direction + `, idx ` + order.direction + ` LIMIT ?`
	found, err := collect(ctx, db, "list codes", query, append(arguments, f.Limit+1), readCode)
	if err != nil || len(found) <= f.Limit {
		return &CodePage{Items: found}, err
	}
	page := &CodePage{Items: found[:f.Limit]}
	page.Next, err = f.cursorAt(&page.Items[f.Limit-1])
	return page, err
}

func (f *CodeFilter) cursorAt(last *Code) (string, error) {
	c := codeCursor{Sort: f.Sort, Key: int64(last.Index), Idx: int64(last.Index)}
	if codeOrders[f.Sort].column == "expires_at" {
		c.Key = micros(last.ExpiresAt)
	}
	text, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("make cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(text), nil
}

func (f *CodeFilter) conditions(sight access.Sight, column, after string) (string, []any, error) {
	bound, arguments := seenByCode(sight, "code.uscc")
	where := []string{"state = 'issued'", bound}
	and := func(condition string, values ...any) {
		where, arguments = append(where, condition), append(arguments, values...)
	}
	if f.USCC != "" {
		and("uscc = ?", string(f.USCC))
	}
	if f.Form != "" {
		and("form = ?", f.Form)
	}
	if f.KID != "" {
		and("kid = ?", f.KID)
	}
	if f.Status != nil {
		and("status = ?", int(*f.Status))
	}
	if f.Cursor != "" {
		c, err := f.parseCursor()
		if err != nil {
			return "", nil, err
		}
		and("("+column+" "+after+" ? OR ("+column+" = ? AND idx "+after+" ?))", c.Key, c.Key, c.Idx)
	}
	return strings.Join(where, " AND "), arguments, nil
}

func (f *CodeFilter) parseCursor() (c codeCursor, err error) {
	text, err := base64.RawURLEncoding.DecodeString(f.Cursor)
	if err != nil {
		return c, ErrCursor
	}
	if err := json.Unmarshal(text, &c); err != nil || c.Sort != f.Sort {
		return c, ErrCursor
	}
	return c, nil
}
