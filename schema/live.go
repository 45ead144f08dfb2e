package schema

import (
	"context"
	"time"

	"healthcode/registry"
)

// Live is what the register says of an enterprise and one of its codes, read at once.
type Live struct {
	Name       string
	RegionCode string
	Code       *Code      // without its JWT and when it was made; nil when the register never issued it
	Grade      *LiveGrade // nil without a grade
	Signalled  bool       // the code raised a signal of late
	Reply      *LiveReply // what the enterprise says beside its grade; nil for nothing
}

// LiveReply is what an enterprise says beside its grade. Nobody has verified it.
type LiveReply struct {
	Text string
	On   registry.Day
}

// LiveGrade is what verifiers are told of an Assessment.
type LiveGrade struct {
	AsOf      registry.Day
	KnownAt   time.Time
	Model     ModelRef // without the model's digest
	Index     int32
	Tier      registry.Tier
	Colour    registry.Colour
	Evidence  registry.EvidenceLevel
	ChangedOn registry.Day
}

// liveQuery reads few columns: each costs most of a microsecond.
func (db *DB) liveQuery() string {
	return `SELECT ` + db.engine.dialect().enterpriseName + `, e.region_code,
	coalesce(c.state, ''), coalesce(c.kid, ''), coalesce(c.form, ''), coalesce(c.issued_at, 0), coalesce(c.expires_at, 0), coalesce(c.tier, 0),
	coalesce(c.colour, 0), coalesce(c.model, 0), coalesce(c.status, 0), EXISTS (SELECT 1 FROM code_signal s WHERE s.uscc = e.uscc AND s.idx = ? AND s.at >= ?),
	coalesce(a.as_of, -1), coalesce(a.known_at, 0), coalesce(a.model_code, ''), coalesce(a.model_version, 0), coalesce(a.index_value, 0), coalesce(a.tier, 0),
	coalesce(a.colour, 0), coalesce(a.evidence, 0), coalesce(a.changed_on, 0), coalesce(r.body, ''), coalesce(r.filed_on, 0)
	FROM enterprise e LEFT JOIN code c ON c.uscc = e.uscc AND c.idx = ? LEFT JOIN assessment a ON a.uscc = e.uscc
	LEFT JOIN recourse r ON r.uscc = e.uscc AND r.state = 'published' WHERE e.uscc = ?`
}

// Live returns what a verifier asks about a code: whose it is, what has become of it, today's grade, and whether it raised a signal since an
// instant, and what the enterprise says beside the grade. ErrNotFound when the register does not have the enterprise.
func (db *DB) Live(ctx context.Context, code registry.USCC, idx uint32, since time.Time) (*Live, error) {
	statement, err := db.statement(ctx, db.liveQuery())
	if err != nil {
		return nil, db.fail(ctx, "read code and grade", err)
	}
	l, c, g := new(Live), Code{Index: idx, USCC: code}, new(LiveGrade)
	var issued, expires, known int64
	var reply LiveReply
	err = statement.QueryRowContext(ctx, int64(idx), micros(since), int64(idx), string(code)).Scan(&l.Name, &l.RegionCode,
		(*string)(&c.State), &c.KID, &c.Form, &issued, &expires, (*uint8)(&c.Tier), (*uint8)(&c.Colour), &c.Model, (*uint8)(&c.Status), &l.Signalled,
		(*int32)(&g.AsOf), &known, &g.Model.Code, &g.Model.Version, &g.Index, (*uint8)(&g.Tier), (*uint8)(&g.Colour), (*uint8)(&g.Evidence), (*int32)(&g.ChangedOn),
		&reply.Text, (*int32)(&reply.On))
	if err != nil {
		return nil, db.fail(ctx, "read code and grade", err)
	}
	if c.State != "" {
		c.IssuedAt, c.ExpiresAt = instant(issued), instant(expires)
		l.Code = &c
	}
	if g.AsOf >= 0 {
		g.KnownAt = instant(known)
		l.Grade = g
	}
	if reply.Text != "" {
		l.Reply = &reply
	}
	return l, nil
}
