package schema

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"healthcode/registry"
	"healthcode/scoring"
)

// Population is what scoring reads of everybody, in memory, with the attributes by which enterprises are grouped: county, industry
// (section and two digits) and size, as they are described now. It never changes; RenewPopulation makes a newer one.
type Population struct {
	Columns    *scoring.Columns
	Attributes []scoring.Attribute
	AsOf       registry.Day // whose descriptions of enterprises and products hold; facts of any day are there
	KnownAt    time.Time

	marker marker
	seen   int64 // messages up to this number are in
}

// marker changes whenever facts arrive, and is cheap to read.
type marker struct{ messages, products int64 }

// ReadPopulation reads everybody as known now, in one ordered pass. progress may be nil.
func (db *DB) ReadPopulation(ctx context.Context, asOf registry.Day, progress func(done, total int64)) (*Population, error) {
	p, err := db.newPopulation(ctx, asOf)
	if err != nil {
		return nil, err
	}
	total, err := db.CountEnterprises(ctx)
	if err != nil {
		return nil, err
	}
	builder, added := scoring.NewColumnBuilder(total, 0), int64(0)
	err = db.Evidence(ctx, KeyRange{}, asOf, p.KnownAt, func(e *scoring.Evidence) error {
		if added++; progress != nil && added%DefaultRangeSize == 0 {
			progress(added, int64(total))
		}
		return builder.Add(e)
	})
	if err != nil {
		return nil, err
	}
	p.Columns = builder.Build()
	groups := newGrouping(p.Columns.Len())
	err = db.groups(ctx, `SELECT uscc, region_code, body FROM enterprise ORDER BY uscc`, nil, func(code registry.USCC, of groupNames) {
		if i := len(groups.county.codes); i < p.Columns.Len() && p.Columns.USCC(i) == code {
			groups.add(of)
		}
	})
	if err != nil {
		return nil, err
	}
	p.Attributes = groups.attributes(p.Columns.Len())
	return p, nil
}

// newPopulation fixes what is known now, and how far the messages about new facts have been seen by then.
func (db *DB) newPopulation(ctx context.Context, asOf registry.Day) (*Population, error) {
	seen, err := db.readMarker(ctx)
	if err != nil {
		return nil, err
	}
	p := &Population{AsOf: asOf, marker: seen}
	if p.KnownAt, err = db.Know(ctx); err != nil {
		return nil, err
	}
	p.seen, err = db.lastArrival(ctx, 0, p.KnownAt)
	return p, err
}

func (db *DB) readMarker(ctx context.Context) (marker, error) {
	var m marker
	const query = `SELECT (SELECT coalesce(max(id), 0) FROM outbox), (SELECT count(*) FROM product_revision)`
	err := db.read.QueryRowxContext(ctx, query).Scan(&m.messages, &m.products)
	return m, db.fail(ctx, "look for new facts", err)
}

// lastArrival returns the number of the newest message about facts that were known at a moment that Know has fixed. Messages get their
// numbers after their moment of knowledge, so every later one has a higher number: none is missed by going on from there.
func (db *DB) lastArrival(ctx context.Context, after int64, knownAt time.Time) (int64, error) {
	const query = `SELECT coalesce(max(id), 0) FROM outbox WHERE id > ? AND topic = ? AND created_at <= ?`
	var last int64
	err := db.read.GetContext(ctx, &last, db.read.Rebind(query), after, TopicRecordReceived, micros(knownAt))
	return max(last, after), db.fail(ctx, "look for new facts", err)
}

// RenewPopulation returns the population with the facts that arrived since it was read: itself when there are none, a changed copy when
// few enterprises are concerned, a new reading when many are or when the risk of a product may have changed.
func (db *DB) RenewPopulation(ctx context.Context, old *Population) (*Population, error) {
	now, err := db.readMarker(ctx)
	if err != nil || now == old.marker {
		return old, err
	}
	if now.products != old.marker.products {
		return db.ReadPopulation(ctx, old.AsOf, nil)
	}
	p := &Population{AsOf: old.AsOf, marker: now}
	if p.KnownAt, err = db.Know(ctx); err != nil {
		return nil, err
	}
	if p.seen, err = db.lastArrival(ctx, old.seen, p.KnownAt); err != nil {
		return nil, err
	}
	changed, err := db.arrivals(ctx, old.seen, p.seen)
	switch {
	case err != nil:
		return nil, err
	case len(changed) == 0:
		p.Columns, p.Attributes = old.Columns, old.Attributes
		return p, nil
	case len(changed) > 100+old.Columns.Len()/10:
		return db.ReadPopulation(ctx, old.AsOf, nil)
	}
	return p, db.changePopulation(ctx, old, p, changed)
}

// arrivals returns the enterprises that messages after one number, up to another, say to have new facts.
func (db *DB) arrivals(ctx context.Context, after, upTo int64) ([]string, error) {
	const query = `SELECT DISTINCT uscc FROM outbox WHERE id > ? AND id <= ? AND topic = ?`
	var codes []string
	err := db.read.SelectContext(ctx, &codes, db.read.Rebind(query), after, upTo, TopicRecordReceived)
	slices.Sort(codes)
	return codes, db.fail(ctx, "look for new facts", err)
}

// changePopulation fills p with the old population in which some enterprises are read again.
func (db *DB) changePopulation(ctx context.Context, old, p *Population, codes []string) error {
	among := `uscc IN (SELECT key FROM ` + db.engine.dialect().keys + ` k)`
	var changed []*scoring.Evidence
	err := db.inRead(ctx, "read evidence", func(t *tx) error {
		changed = changed[:0]
		q := evidenceQuery{horizon: horizon{old.AsOf, micros(p.KnownAt)}, among: among, amongList: list(codes)}
		return t.evidence(ctx, q, func(e *scoring.Evidence, _ string) error {
			kept := new(scoring.Evidence)
			kept.Set(e.Enterprise, slices.Clone(e.Facts()))
			changed = append(changed, kept)
			return nil
		})
	})
	if err != nil {
		return err
	}
	names := make(map[registry.USCC]groupNames, len(codes))
	err = db.groups(ctx, `SELECT uscc, region_code, body FROM enterprise WHERE `+among, []any{list(codes)}, func(code registry.USCC, of groupNames) {
		names[code] = of
	})
	if err != nil {
		return err
	}
	if p.Columns, err = old.Columns.With(changed); err != nil {
		return fmt.Errorf("take up new facts: %w", err)
	}
	p.Attributes = regroup(old, p.Columns, names)
	return nil
}

// regroup takes the attributes of new columns from the old ones, and of changed enterprises from names.
func regroup(old *Population, columns *scoring.Columns, names map[registry.USCC]groupNames) []scoring.Attribute {
	groups, j := newGrouping(columns.Len()), 0
	for i := range columns.Len() {
		code := columns.USCC(i)
		of, changed := names[code]
		if j < old.Columns.Len() && old.Columns.USCC(j) == code {
			if !changed {
				of = old.groupsOf(j)
			}
			j++
		}
		groups.add(of)
	}
	return groups.attributes(columns.Len())
}

func (p *Population) groupsOf(i int) groupNames {
	value := func(a *scoring.Attribute) string { return a.Values[a.Codes[i]] }
	return groupNames{value(&p.Attributes[0]), value(&p.Attributes[1]), value(&p.Attributes[2])}
}

// groupNames are the groups that an enterprise belongs to; empty when unknown.
type groupNames struct{ county, industry, size string }

// groups reads the groups of enterprises.
func (db *DB) groups(ctx context.Context, query string, arguments []any, yield func(code registry.USCC, of groupNames)) error {
	type row struct {
		code registry.USCC
		of   groupNames
	}
	read := func(scan func(...any) error) (row, error) {
		var r row
		var region, body string
		if err := scan((*string)(&r.code), &region, &body); err != nil {
			return r, err
		}
		var e struct {
			Size         string `json:"size"`
			IndustryCode string `json:"industry_code"`
		}
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			return r, fmt.Errorf("groups of %s: %w", r.code, err)
		}
		r.of = groupNames{beginning(region, 6), beginning(e.IndustryCode, 3), strings.Clone(e.Size)}
		return r, nil
	}
	for r, err := range stream(ctx, db, "read groups", query, arguments, read) {
		if err != nil {
			return err
		}
		yield(r.code, r.of)
	}
	return nil
}

func beginning(text string, n int) string { return strings.Clone(text[:min(n, len(text))]) }

// grouping builds the attributes.
type grouping struct{ county, industry, size groupColumn }

func newGrouping(n int) *grouping {
	column := func() groupColumn { return groupColumn{codes: make([]uint16, 0, n), byName: make(map[string]uint16)} }
	return &grouping{column(), column(), column()}
}

func (g *grouping) add(of groupNames) {
	g.county.add(of.county)
	g.industry.add(of.industry)
	g.size.add(of.size)
}

// attributes returns the columns, filled up with "unknown" should enterprises have come between the two readings.
func (g *grouping) attributes(n int) []scoring.Attribute {
	for len(g.county.codes) < n {
		g.add(groupNames{})
	}
	return []scoring.Attribute{g.county.attribute("county"), g.industry.attribute("industry"), g.size.attribute("size")}
}

// groupColumn gives each different name a number.
type groupColumn struct {
	names  []string
	codes  []uint16
	byName map[string]uint16
}

func (c *groupColumn) add(name string) {
	code, known := c.byName[name]
	if !known {
		code = uint16(len(c.names)) // counties are below ten thousand, industries below a thousand
		c.names = append(c.names, name)
		c.byName[name] = code
	}
	c.codes = append(c.codes, code)
}

// attribute returns the column with its values in order.
func (c *groupColumn) attribute(name string) scoring.Attribute {
	sorted := slices.Sorted(slices.Values(c.names))
	place := make([]uint16, len(c.names))
	for code, one := range c.names {
		at, _ := slices.BinarySearch(sorted, one)
		place[code] = uint16(at)
	}
	for i, code := range c.codes {
		c.codes[i] = place[code]
	}
	return scoring.Attribute{Name: name, Values: sorted, Codes: c.codes}
}

// NameMoves fills in the names of those who move.
func (db *DB) NameMoves(ctx context.Context, moves []scoring.Move) error {
	for i := range moves {
		e, err := db.Enterprise(ctx, moves[i].USCC)
		if err != nil {
			return fmt.Errorf("name those who move: %w", err)
		}
		moves[i].Name = e.Name
	}
	return nil
}
