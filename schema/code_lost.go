package schema

import (
	"context"
	"iter"
	"time"

	"healthcode/registry"
)

// LostCode is a printed code that fell with its key, and the one that takes its place.
type LostCode struct {
	USCC     registry.USCC
	Name     string
	Region   string
	Index    uint32
	NewIndex uint32 // of the newest printed code by a key that is good; 0 while there is none
}

// LostCodes iterates over the printed codes of a key that were good at a moment, in the order of enterprises and indexes: not ended, not
// revoked and not superseded.
func (db *DB) LostCodes(ctx context.Context, kid string, at time.Time) iter.Seq2[LostCode, error] {
	const query = `SELECT c.uscc, c.idx, coalesce(e.region_code, ''), coalesce(e.body, '{}'),
		coalesce((SELECT max(n.idx) FROM code n WHERE n.uscc = c.uscc AND n.form = 'printed' AND n.state = 'issued' AND n.status = 0
			AND n.kid IN (SELECT kid FROM signing_key WHERE state IN ('active', 'verify_only'))), 0)
		FROM code c LEFT JOIN enterprise e ON e.uscc = c.uscc
		WHERE c.kid = ? AND c.expires_at > ? AND c.form = 'printed' AND c.state = 'issued' AND c.status IN (0, 2) ORDER BY c.uscc, c.idx`
	read := func(scan func(...any) error) (LostCode, error) {
		var l LostCode
		var body string
		if err := scan((*string)(&l.USCC), &l.Index, &l.Region, &body, &l.NewIndex); err != nil {
			return l, err
		}
		e, err := unpackEnterprise(body)
		if err == nil {
			l.Name = e.Name
		}
		return l, err
	}
	return stream(ctx, db, "find the codes that fell with key "+kid, query, []any{kid, micros(at)}, read)
}
