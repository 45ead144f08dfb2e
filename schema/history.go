package schema

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"healthcode/registry"
	"healthcode/scoring"
)

// Histories calls yield once for each enterprise of a range, in the order of their codes, with everything that was ever known about it, so
// that any number of past days can be graded from one pass. The history is filled again for the next enterprise: yield must not keep it. An
// error of yield ends the reading and is returned as it is.
func (db *DB) Histories(ctx context.Context, r KeyRange, yield func(*scoring.History) error) error {
	return db.inRead(ctx, "read histories", func(t *tx) error {
		catalogue, err := t.catalogue(ctx)
		if err != nil {
			return err
		}
		for {
			part, err := t.firstPart(ctx, r)
			if err != nil {
				return err
			}
			if err := t.histories(ctx, part, catalogue, yield); err != nil || part.To == r.To {
				return err
			}
			r.From = part.To + " " // after this code, before any other
		}
	})
}

// catalogue reads every revision of every product's risk.
func (t *tx) catalogue(ctx context.Context) (scoring.Catalogue, error) {
	found := make(scoring.Catalogue)
	const query = `SELECT code, revision, since, known_at, risk FROM product_revision ORDER BY code, revision`
	err := t.each(ctx, query, nil, func(scan func(...any) error) error {
		var code string
		var risk int
		var p scoring.ProductRisk
		if err := scan(&code, &p.Revision, (*int32)(&p.Since), &p.KnownAt, &risk); err != nil {
			return err
		}
		p.Risk = registry.RiskLevel(risk)
		found[code] = append(found[code], p)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read product risks: %w", err)
	}
	return found, nil
}

// histories reads the descriptions of a part, which is small, and then streams its records: a connection has one open answer at a time.
func (t *tx) histories(ctx context.Context, part KeyRange, catalogue scoring.Catalogue, yield func(*scoring.History) error) error {
	described, err := t.descriptions(ctx, part)
	if err != nil {
		return err
	}
	m := &historyMerger{waiting: described, catalogue: catalogue, yield: yield}
	where, arguments := part.condition()
	query := `SELECT uscc, known_at, fact, CASE WHEN detail LIKE '%"inspectors"%' THEN detail ELSE '' END FROM record WHERE ` + where + ` ORDER BY uscc, source, source_ref, revision`
	err = t.each(ctx, query, arguments, func(scan func(...any) error) error {
		var code, fact, detail string
		var known int64
		if err := scan(&code, &known, &fact, &detail); err != nil {
			return err
		}
		return m.record(registry.USCC(code), known, fact, detail)
	})
	if err != nil {
		return err
	}
	return m.until("")
}

// descriptions reads the descriptions of the enterprises of a part, in the order of their codes.
func (t *tx) descriptions(ctx context.Context, part KeyRange) ([]scoring.History, error) {
	var all []scoring.History
	where, arguments := part.condition()
	query := `SELECT uscc, revision, since, known_at, registered_on, product_codes, body FROM enterprise_revision WHERE ` + where + ` ORDER BY uscc, revision`
	err := t.each(ctx, query, arguments, func(scan func(...any) error) error {
		var code registry.USCC
		var products, body string
		var d scoring.Description
		if err := scan((*string)(&code), &d.Revision, (*int32)(&d.Since), &d.KnownAt, (*int32)(&d.RegisteredOn), &products, &body); err != nil {
			return err
		}
		if products != "" {
			d.Products = strings.Split(products, "\n")
		}
		var about struct {
			Size   registry.Size `json:"size"`
			Region string        `json:"region_code"`
		}
		if err := json.Unmarshal([]byte(body), &about); err != nil {
			return fmt.Errorf("read enterprise %s: %w", code, err)
		}
		if len(all) == 0 || all[len(all)-1].USCC != code {
			all = append(all, scoring.History{})
		}
		h := &all[len(all)-1]
		h.Subject = scoring.Subject{USCC: code, Size: about.Size, Region: about.Region} // the newest rules
		h.Descriptions = append(h.Descriptions, d)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read descriptions: %w", err)
	}
	return all, nil
}

// historyMerger joins descriptions and records, both in the order of the codes.
type historyMerger struct {
	waiting   []scoring.History
	catalogue scoring.Catalogue
	facts     []scoring.KnownFact // of the first that waits
	parsed    []scoring.Fact
	yield     func(*scoring.History) error
}

func (m *historyMerger) record(code registry.USCC, known int64, fact, detail string) error {
	if len(m.waiting) == 0 || m.waiting[0].USCC != code {
		if err := m.until(code); err != nil {
			return err
		}
	}
	var err error
	if m.parsed, err = scoring.ParseFacts(m.parsed[:0], fact); err != nil || len(m.parsed) != 1 {
		return fmt.Errorf("facts of %s: %d in one record: %w", code, len(m.parsed), err)
	}
	f := scoring.KnownFact{Fact: m.parsed[0], KnownAt: known}
	if detail != "" {
		var packed recordDetail
		if err := json.Unmarshal([]byte(detail), &packed); err != nil {
			return fmt.Errorf("read detail of record %s/%s: %w", f.Source, f.SourceRef, err)
		}
		if packed.People != nil {
			f.Inspectors = packed.People.Inspectors
		}
	}
	m.facts = append(m.facts, f)
	return nil
}

// until hands out the enterprises before a code; all of them when it is empty.
func (m *historyMerger) until(code registry.USCC) error {
	for len(m.waiting) > 0 && (code == "" || m.waiting[0].USCC < code) {
		h := &m.waiting[0]
		h.Facts, h.Catalogue = m.facts, m.catalogue
		if err := m.yield(h); err != nil {
			return err
		}
		m.facts, m.waiting = m.facts[:0], m.waiting[1:]
	}
	return nil
}
