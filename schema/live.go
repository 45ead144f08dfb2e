package schema

import (
	"context"
	"iter"
	"time"

	"healthcode/registry"
)

// Live is what the register says of an enterprise and one of its codes, read at once.
type Live struct {
	Name       string
	RegionCode string
	Code       *Code      // without its JWT and when it was made; nil when the register never issued it
	Grade      *LiveGrade // nil without a grade
	SignalAt   time.Time  // when the code last raised a signal; zero for never
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

// liveColumns are few: each costs most of a microsecond.
func liveColumns(d *dialect) string {
	return `SELECT ` + d.enterpriseName + `, e.region_code,
	coalesce(c.state, ''), coalesce(c.kid, ''), coalesce(c.form, ''), coalesce(c.issued_at, 0), coalesce(c.expires_at, 0), coalesce(c.tier, 0),
	coalesce(c.colour, 0), coalesce(c.model, 0), coalesce(c.status, 0), coalesce((SELECT max(s.at) FROM code_signal s WHERE s.uscc = c.uscc AND s.idx = c.idx), 0),
	coalesce(a.as_of, -1), coalesce(a.known_at, 0), coalesce(a.model_code, ''), coalesce(a.model_version, 0), coalesce(a.index_value, 0), coalesce(a.tier, 0),
	coalesce(a.colour, 0), coalesce(a.evidence, 0), coalesce(a.changed_on, 0), coalesce(r.body, ''), coalesce(r.filed_on, 0)`
}

const liveGrades = ` LEFT JOIN assessment a ON a.uscc = e.uscc LEFT JOIN recourse r ON r.uscc = e.uscc AND r.state = 'published'`

// liveQueries are those of Live and of LiveRows.
type liveQueries struct{ one, all string }

func newLiveQueries(d *dialect) liveQueries {
	columns := liveColumns(d)
	return liveQueries{
		one: columns + ` FROM enterprise e LEFT JOIN code c ON c.uscc = e.uscc AND c.idx = ?` + liveGrades + ` WHERE e.uscc = ?`,
		all: columns + `, c.uscc, c.idx FROM code c JOIN enterprise e ON e.uscc = c.uscc` + liveGrades + `
	WHERE c.state = 'issued' AND c.status IN (0, 2) AND (c.form = 'screen' OR c.expires_at > ?) ORDER BY c.uscc, c.idx LIMIT ?`,
	}
}

// liveQueriesOf holds the queries of each dialect.
var liveQueriesOf = map[string]liveQueries{sqliteDialect.name: newLiveQueries(&sqliteDialect), postgresDialect.name: newLiveQueries(&postgresDialect)}

// liveScan takes what liveColumns selects.
type liveScan struct {
	live                           Live
	code                           Code
	grade                          LiveGrade
	reply                          LiveReply
	issued, expires, signal, known int64
}

func (s *liveScan) fields(more ...any) []any {
	c, g := &s.code, &s.grade
	return append([]any{&s.live.Name, &s.live.RegionCode,
		(*string)(&c.State), &c.KID, &c.Form, &s.issued, &s.expires, (*uint8)(&c.Tier), (*uint8)(&c.Colour), &c.Model, (*uint8)(&c.Status), &s.signal,
		(*int32)(&g.AsOf), &s.known, &g.Model.Code, &g.Model.Version, &g.Index, (*uint8)(&g.Tier), (*uint8)(&g.Colour), (*uint8)(&g.Evidence), (*int32)(&g.ChangedOn),
		&s.reply.Text, (*int32)(&s.reply.On)}, more...)
}

// row returns what was read; what is not there stays nil.
func (s *liveScan) row() *Live {
	l := s.live
	l.SignalAt = instant(s.signal)
	if s.code.State != "" {
		c := s.code
		c.IssuedAt, c.ExpiresAt = instant(s.issued), instant(s.expires)
		l.Code = &c
	}
	if s.grade.AsOf >= 0 {
		g := s.grade
		g.KnownAt = instant(s.known)
		l.Grade = &g
	}
	if s.reply.Text != "" {
		r := s.reply
		l.Reply = &r
	}
	return &l
}

// Live returns what a verifier asks about a code: whose it is, what has become of it, today's grade, and what the enterprise says beside the grade.
// ErrNotFound when the register does not have the enterprise.
func (db *DB) Live(ctx context.Context, code registry.USCC, idx uint32) (*Live, error) {
	statement, err := db.statement(ctx, liveQueriesOf[db.Engine()].one)
	if err != nil {
		return nil, db.fail(ctx, "read code and grade", err)
	}
	s := liveScan{code: Code{Index: idx, USCC: code}}
	if err := statement.QueryRowContext(ctx, int64(idx), string(code)).Scan(s.fields()...); err != nil {
		return nil, db.fail(ctx, "read code and grade", err)
	}
	return s.row(), nil
}

// LiveRow is one code with what Live returns of it.
type LiveRow struct {
	USCC  registry.USCC
	Index uint32
	Live  *Live
}

// LiveRows yields what Live returns of the codes that were issued, are valid or suspended and have not expired by an instant, at most so many, ordered
// by enterprise and index, from one state of the database. The place of an enterprise's screen codes does not expire.
func (db *DB) LiveRows(ctx context.Context, now time.Time, most int) iter.Seq2[LiveRow, error] {
	return func(yield func(LiveRow, error) bool) {
		var s liveScan
		fields := s.fields(&s.code.USCC, &s.code.Index)
		read := func(scan func(...any) error) (LiveRow, error) {
			if err := scan(fields...); err != nil {
				return LiveRow{}, err
			}
			return LiveRow{s.code.USCC, s.code.Index, s.row()}, nil
		}
		stream(ctx, db, "read the register", liveQueriesOf[db.Engine()].all, []any{micros(now), most}, read)(yield)
	}
}
