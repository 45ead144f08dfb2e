package schema

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/scoring"
)

// PutRegions stores a batch in one transaction. A region's name is not dated: nothing in scoring reads it.
func (db *DB) PutRegions(ctx context.Context, regions []registry.Region) ([]PutResult, error) {
	var results []PutResult
	err := db.inWrite(ctx, "store regions", sql.LevelReadCommitted, func(t *tx) error {
		names, err := t.regionNames(ctx)
		if err != nil {
			return err
		}
		results = make([]PutResult, len(regions))
		changed := make(map[string]bool)
		for i, r := range regions {
			results[i] = putRegion(r, names, changed)
		}
		var rows [][]any
		for i, r := range regions {
			if changed[r.Code] && results[i].Outcome != Refused {
				rows = append(rows, []any{r.Code, names[r.Code]})
				delete(changed, r.Code)
			}
		}
		if err := t.insert(ctx, "region", "code, name", `ON CONFLICT (code) DO UPDATE SET name = excluded.name`, rows); err != nil {
			return err
		}
		return t.auditPut(ctx, putRegions, valueRows(rows), results)
	})
	return results, err
}

func putRegion(r registry.Region, names map[string]string, changed map[string]bool) PutResult {
	if !storable(r.Code, r.Name) {
		return refused("", "has a zero byte or is not valid UTF-8", "plain text")
	}
	name, exists := names[r.Code]
	if exists && name == r.Name {
		return PutResult{Outcome: Unchanged, Revision: 1}
	}
	names[r.Code], changed[r.Code] = r.Name, true
	if exists {
		return PutResult{Outcome: Changed, Revision: 1}
	}
	return PutResult{Outcome: Added, Revision: 1}
}

func (t *tx) regionNames(ctx context.Context) (map[string]string, error) {
	names := make(map[string]string)
	err := t.each(ctx, `SELECT code, name FROM region`, nil, func(scan func(...any) error) error {
		var code, name string
		if err := scan(&code, &name); err != nil {
			return err
		}
		names[code] = name
		return nil
	})
	return names, err
}

// Region returns a division by its code, or ErrNotFound.
func (db *DB) Region(ctx context.Context, code string) (*registry.Region, error) {
	r := &registry.Region{Code: code}
	err := db.read.GetContext(ctx, &r.Name, db.read.Rebind(`SELECT name FROM region WHERE code = ?`), code)
	if err != nil {
		return nil, db.fail(ctx, "read region", err)
	}
	return r, nil
}

// Regions iterates over all divisions in the order of their codes (by bytes).
func (db *DB) Regions(ctx context.Context) iter.Seq2[registry.Region, error] {
	return stream(ctx, db, "read regions", `SELECT code, name FROM region ORDER BY code`, nil,
		func(scan func(...any) error) (registry.Region, error) {
			var r registry.Region
			return r, scan(&r.Code, &r.Name)
		})
}

// NameGroups fills in the names of the counties by which a simulation is broken down.
func (db *DB) NameGroups(ctx context.Context, groups []scoring.GroupShifts) error {
	names := map[string]string{}
	for r, err := range db.Regions(ctx) {
		if err != nil {
			return fmt.Errorf("name counties: %w", err)
		}
		names[r.Code] = r.Name
	}
	for _, group := range groups {
		for i := range group.Values {
			if group.Attribute == "county" {
				group.Values[i].Name = names[group.Values[i].Value]
			}
		}
	}
	return nil
}

// RegionColours is how many enterprises of each region have each published colour. A region's enterprises are its own and those of
// every division that it holds.
type RegionColours struct {
	AsOf    registry.Day // the newest day among the grades, none when there are none
	KnownAt time.Time    // the newest moment of knowledge among them
	Counts  map[string]scoring.RegionCounts
}

// CountColours counts the current published colours within a sight by region: township, county, city and province. A region that reaches
// beyond the sight counts only what lies within.
func (db *DB) CountColours(ctx context.Context, sight access.Sight) (*RegionColours, error) {
	bound, values := seen(sight, "e.region_code", "e.uscc")
	query := `SELECT substr(e.region_code, 1, 9), a.colour, count(*), max(a.as_of), max(a.known_at)
		FROM assessment a JOIN enterprise e ON e.uscc = a.uscc WHERE ` + bound + ` GROUP BY 1, 2 ORDER BY 1, 2`
	colours := &RegionColours{Counts: make(map[string]scoring.RegionCounts)}
	for row, err := range stream(ctx, db, "count colours by region", query, values, readColourRow) {
		if err != nil {
			return nil, err
		}
		colours.add(&row)
	}
	return colours, nil
}

type colourRow struct {
	region  string
	colour  registry.Colour
	n       int64
	asOf    registry.Day
	knownAt int64
}

func readColourRow(scan func(...any) error) (row colourRow, err error) {
	err = scan(&row.region, (*uint8)(&row.colour), &row.n, (*int32)(&row.asOf), &row.knownAt)
	return row, err
}

func (c *RegionColours) add(row *colourRow) {
	c.AsOf = max(c.AsOf, row.asOf)
	if at := instant(row.knownAt); at.After(c.KnownAt) {
		c.KnownAt = at
	}
	for code := row.region; code != ""; code = registry.ParentRegion(code) {
		counts := c.Counts[code]
		counts.Add(row.colour, row.n)
		c.Counts[code] = counts
	}
}
