package schema

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"healthcode/registry"
)

// Live is what the register says of an enterprise and one of its codes, read at once.
type Live struct {
	Name       string
	RegionCode string
	Code       *Code       // without its JWT; nil when the register never issued it
	Assessment *Assessment // nil without a grade
	Signalled  bool        // the code raised a signal of late
	Reply      *LiveReply  // what the enterprise says beside its grade; nil for nothing
}

// LiveReply is what an enterprise says beside its grade. Nobody has verified it.
type LiveReply struct {
	Text string
	On   registry.Day
}

const liveQuery = `SELECT e.body, coalesce(c.state, ''), coalesce(c.kid, ''), coalesce(c.form, ''), coalesce(c.created_at, 0), coalesce(c.issued_at, 0),
	coalesce(c.expires_at, 0), coalesce(c.tier, 0), coalesce(c.colour, 0), coalesce(c.model, 0), coalesce(c.status, 0),
	EXISTS (SELECT 1 FROM code_signal s WHERE s.uscc = e.uscc AND s.idx = ? AND s.at >= ?), coalesce(r.body, ''), coalesce(r.filed_on, 0), `

// Live returns what a verifier asks about a code: whose it is, what has become of it, today's grade, and whether it raised a signal since an
// instant, and what the enterprise says beside the grade. ErrNotFound when the register does not have the enterprise.
func (db *DB) Live(ctx context.Context, code registry.USCC, idx uint32, since time.Time) (*Live, error) {
	statement, err := db.statement(ctx, liveQuery+coalesced("a", assessmentColumns)+` FROM enterprise e
		LEFT JOIN code c ON c.uscc = e.uscc AND c.idx = ? LEFT JOIN assessment a ON a.uscc = e.uscc
		LEFT JOIN recourse r ON r.uscc = e.uscc AND r.state = 'published' WHERE e.uscc = ?`)
	if err != nil {
		return nil, db.fail(ctx, "read code and grade", err)
	}
	l, c := new(Live), Code{Index: idx, USCC: code}
	var body []byte
	var created, issued, expires int64
	var row assessmentRow
	var reply LiveReply
	fields := append([]any{&body, (*string)(&c.State), &c.KID, &c.Form, &created, &issued, &expires, (*uint8)(&c.Tier), (*uint8)(&c.Colour), &c.Model,
		(*uint8)(&c.Status), &l.Signalled, &reply.Text, (*int32)(&reply.On)}, row.fields()...)
	if err := statement.QueryRowContext(ctx, int64(idx), micros(since), int64(idx), string(code)).Scan(fields...); err != nil {
		return nil, db.fail(ctx, "read code and grade", err)
	}
	if c.State != "" {
		c.CreatedAt, c.IssuedAt, c.ExpiresAt = instant(created), instant(issued), instant(expires)
		l.Code = &c
	}
	if reply.Text != "" {
		l.Reply = &reply
	}
	if row.USCC != "" {
		a := row.assessment()
		l.Assessment = &a
	}
	about := struct {
		Name       string `json:"name"`
		RegionCode string `json:"region_code"`
	}{}
	if err := json.Unmarshal(body, &about); err != nil {
		return nil, fmt.Errorf("read enterprise: %w", err)
	}
	l.Name, l.RegionCode = about.Name, about.RegionCode
	return l, nil
}
