package schema

import (
	"context"
	"errors"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/supervision"
)

// lapseBatch bounds how many recourses lapse, and records end, in one transaction.
const lapseBatch = 500

// LapseRecourses ends what was returned to its author and not completed in time, and returns how many.
func (db *DB) LapseRecourses(ctx context.Context, on registry.Day, days *supervision.Calendar) (lapsed int, err error) {
	const late = `SELECT id FROM recourse WHERE state = 'returned' AND due_on < ? ORDER BY due_on, id LIMIT ?`
	var ids []int64
	if err := db.read.SelectContext(ctx, &ids, db.read.Rebind(late), int64(on), lapseBatch); err != nil {
		return 0, db.fail(ctx, "look for recourses that lapse", err)
	}
	for _, id := range ids {
		act := RecourseAct{Act: supervision.Act{Step: supervision.Lapse, By: bySystem, Side: supervision.System, On: on}}
		_, err := db.StepRecourse(ctx, access.Everything(), id, act, days)
		switch {
		case errors.Is(err, supervision.ErrStep), errors.Is(err, supervision.ErrEarly): // somebody was faster
		case err != nil:
			return lapsed, err
		default:
			lapsed++
		}
	}
	return lapsed, nil
}

// EndPublications makes the records repaired whose longest term of publication has ended by a day, tells partners, and returns how many.
func (db *DB) EndPublications(ctx context.Context, on registry.Day) (ended int, err error) {
	var after recordName
	for {
		found, last, err := db.publicationsEnded(ctx, after, on)
		if err != nil {
			return ended, err
		}
		if len(found) > 0 {
			n, err := db.endPublications(ctx, found, on)
			if err != nil {
				return ended, err
			}
			ended += n
		}
		if last == (recordName{}) {
			return ended, nil
		}
		after = last
	}
}

type recordName struct{ uscc, source, ref string }

// publicationsEnded looks through the next records after a name and returns those that have been published for as long as they may, and where
// it stopped; the zero name at the end.
func (db *DB) publicationsEnded(ctx context.Context, after recordName, on registry.Day) (found []recordName, last recordName, err error) {
	err = db.inRead(ctx, "look for publications that end", func(t *tx) error {
		records, restarted, err := t.published(ctx, `(r.uscc, r.source, r.source_ref) > (?, ?, ?)`, after.uscc, after.source, after.ref, lapseBatch)
		if err != nil {
			return err
		}
		for i := range records {
			r := &records[i]
			name := recordName{string(r.USCC), r.Source, r.SourceRef}
			if supervision.Ended(r, restarted[i], on) {
				found = append(found, name)
			}
			if len(records) == lapseBatch {
				last = name
			}
		}
		return nil
	})
	return found, last, err
}

// published reads records that are published for a term, with the day on which a repair of them was last revoked.
func (t *tx) published(ctx context.Context, where string, values ...any) (records []registry.Record, restarted []registry.Day, err error) {
	query := `SELECT ` + prefixed("r", recordColumns) + `, coalesce((SELECT max(x.revoked_on) FROM recourse x WHERE x.source = r.source AND x.source_ref = r.source_ref AND x.source <> ''), 0)
		FROM record r WHERE r.superseded_at = 9223372036854775807 AND r.kind IN ('penalty', 'commitment') AND r.state IN ('final', 'provisional') AND ` + where + `
		ORDER BY r.uscc, r.source, r.source_ref LIMIT ?`
	err = t.each(ctx, query, values, func(scan func(...any) error) error {
		var row recordRow
		var since registry.Day
		if err := scan(append(row.fields(), &since)...); err != nil {
			return err
		}
		record, err := row.record()
		records, restarted = append(records, record), append(restarted, since)
		return err
	})
	return records, restarted, err
}

type publicationsAudited struct {
	Records int          `json:"records"`
	On      registry.Day `json:"on"`
}

// endPublications looks at each record again within the transaction that ends it.
func (db *DB) endPublications(ctx context.Context, names []recordName, on registry.Day) (ended int, err error) {
	err = db.inPut(ctx, "end publications", PutOptions{}, func(t *tx) error {
		w := &recourseWriter{tx: t, changed: map[string]bool{}}
		ended = 0
		for _, name := range names {
			records, restarted, err := t.published(ctx, `r.uscc = ? AND r.source = ? AND r.source_ref = ?`, name.uscc, name.source, name.ref, 1)
			if err != nil {
				return err
			}
			if len(records) == 0 || !supervision.Ended(&records[0], restarted[0], on) {
				continue
			}
			if err := w.reviseIf(ctx, true, supervision.Repaired(records[0])); err != nil {
				return err
			}
			if err := t.tellRepair(ctx, records[0].USCC, name.source, name.ref, on); err != nil {
				return err
			}
			ended++
		}
		if ended == 0 {
			return nil
		}
		after := publicationsAudited{Records: ended, On: on}
		if err := t.audit(ctx, auditEntry{Action: "record.publication_ended", Noun: "record", After: after}); err != nil {
			return err
		}
		return t.announce(ctx, w.changed)
	})
	return ended, err
}
