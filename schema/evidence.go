package schema

import (
	"context"
	"fmt"
	"time"

	"healthcode/registry"
	"healthcode/scoring"
)

// KeyRange is a range of enterprises by their codes (in byte order), both ends included. An empty To has no end, so the zero value is
// everyone.
type KeyRange struct {
	From, To registry.USCC
}

// horizon is a point of view: what had happened by the end of a day, as far as it was known at a moment.
type horizon struct {
	asOf    registry.Day
	knownAt int64
}

// EvidenceOf returns what scoring reads of one enterprise as of a day, knowing what was known at a moment; ErrNotFound when no
// description of it was known and in force then.
func (db *DB) EvidenceOf(ctx context.Context, code registry.USCC, asOf registry.Day, knownAt time.Time) (*scoring.Evidence, error) {
	var found *scoring.Evidence
	err := db.Evidence(ctx, KeyRange{code, code}, asOf, knownAt, func(e *scoring.Evidence) error {
		found = e
		return nil
	})
	if err == nil && found == nil {
		err = fmt.Errorf("read evidence: %w", ErrNotFound)
	}
	return found, err
}

// Evidence calls yield for each enterprise of a range, in the order of their codes, with what scoring reads of it as of a day, knowing
// what was known at a moment. The evidence is filled again for the next enterprise: yield must not keep it. An error of yield ends
// the reading and is returned as it is.
func (db *DB) Evidence(ctx context.Context, r KeyRange, asOf registry.Day, knownAt time.Time, yield func(*scoring.Evidence) error) error {
	return db.inRead(ctx, "read evidence", func(t *tx) error {
		for {
			part, err := t.firstPart(ctx, r)
			if err != nil {
				return err
			}
			q := evidenceQuery{KeyRange: part, horizon: horizon{asOf, micros(knownAt)}}
			err = t.evidence(ctx, q, func(e *scoring.Evidence, _ string) error { return yield(e) })
			if err != nil || part.To == r.To {
				return err
			}
			r.From = part.To + " " // after this code, before any other
		}
	})
}

// firstPart cuts off the first enterprises of a range, so that reading everyone takes no more memory than reading a few.
func (t *tx) firstPart(ctx context.Context, r KeyRange) (KeyRange, error) {
	if r.From == r.To && r.To != "" {
		return r, nil
	}
	where, arguments := r.condition()
	query := `SELECT uscc FROM enterprise WHERE ` + where + ` ORDER BY uscc LIMIT 1 OFFSET ?`
	err := t.each(ctx, query, append(arguments, DefaultRangeSize), func(scan func(...any) error) error {
		return scan((*string)(&r.To))
	})
	if err != nil {
		return r, fmt.Errorf("cut range: %w", err)
	}
	return r, nil
}

// evidenceQuery says whose evidence to read, and how far back to look.
type evidenceQuery struct {
	KeyRange
	horizon
	changedOnly bool   // only enterprises that are due, or that time alone will have changed
	among       string // a further condition with one parameter, amongList; empty: none
	amongList   string
}

// evidence also hands out the packed facts as they are stored, which tell whether the records are the same as before. An enterprise is
// one row: its newest description in force and, joined by the database in key order, the newest revision of each record that had happened.
// The key's own index gives that order, so nothing is sorted (half the time of ORDER BY within the aggregate).
func (t *tx) evidence(ctx context.Context, q evidenceQuery, yield func(e *scoring.Evidence, packed string) error) error {
	catalogue, err := t.risksAt(ctx, q.asOf, q.knownAt)
	if err != nil {
		return err
	}
	where, arguments := q.conditions()
	query := `SELECT e.uscc, e.registered_on, e.product_codes, coalesce((SELECT ` + t.db.engine.dialect().packed + ` FROM (SELECT fact FROM record
		WHERE record.uscc = e.uscc AND known_at <= ? AND superseded_at > ? AND occurred_on <= ? ORDER BY source, source_ref) ordered), '')
		FROM (` + fmt.Sprintf(t.db.engine.dialect().newestRevision, where) + `) e ORDER BY e.uscc`
	arguments = append([]any{q.knownAt, q.knownAt, int64(q.asOf)}, arguments...)
	reader := evidenceReader{catalogue: catalogue}
	return t.each(ctx, query, arguments, func(scan func(...any) error) error {
		packed, err := reader.read(scan)
		if err != nil {
			return fmt.Errorf("read evidence: %w", err)
		}
		return yield(&reader.evidence, packed)
	})
}

// evidenceReader fills the same evidence again and again.
type evidenceReader struct {
	catalogue risks
	evidence  scoring.Evidence
	facts     []scoring.Fact
}

func (r *evidenceReader) read(scan func(...any) error) (packed string, err error) {
	var who scoring.Enterprise
	var codes string
	if err := scan((*string)(&who.USCC), (*int32)(&who.RegisteredOn), &codes, &packed); err != nil {
		return "", err
	}
	who.Risk = r.catalogue.highest(codes)
	if r.facts, err = scoring.ParseFacts(r.facts[:0], packed); err != nil {
		return "", fmt.Errorf("facts of %s: %w", who.USCC, err)
	}
	r.evidence.Set(who, r.facts)
	return packed, nil
}

func (q *evidenceQuery) conditions() (string, []any) {
	where, arguments := q.KeyRange.condition()
	arguments = append([]any{}, arguments...)
	if q.changedOnly {
		due, rest := q.changedCodes()
		where += ` AND uscc IN (` + due + `)`
		arguments = append(arguments, rest...)
	}
	if q.among != "" {
		where += ` AND ` + q.among
		arguments = append(arguments, q.amongList)
	}
	return where + ` AND known_at <= ? AND since <= ?`, append(arguments, q.knownAt, int64(q.asOf))
}

// changedCodes selects the enterprises that need a new grade.
func (q *evidenceQuery) changedCodes() (string, []any) {
	where, arguments := q.KeyRange.condition()
	query := `SELECT uscc FROM due WHERE ` + where + ` AND known_at <= ? UNION
		SELECT uscc FROM assessment WHERE ` + where + ` AND next_change_on > 0 AND next_change_on <= ?`
	all := append([]any{}, arguments...)
	all = append(all, q.settled())
	all = append(all, arguments...)
	return query, append(all, int64(q.asOf))
}

// settled is the moment up to which everything known had also happened by the as-of day: facts are never dated after the day on which
// they become known. What became known later may need a grade of a later day, so its due row must stay.
func (h horizon) settled() int64 { return min(h.knownAt, micros((h.asOf+1).Time())-1) }

func (r KeyRange) condition() (string, []any) {
	if r.To == "" {
		return `uscc >= ?`, []any{string(r.From)}
	}
	if r.From == r.To {
		return `uscc = ?`, []any{string(r.From)}
	}
	return `uscc >= ? AND uscc <= ?`, []any{string(r.From), string(r.To)}
}
