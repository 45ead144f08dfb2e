package schema

import (
	"context"
	"fmt"

	"healthcode/registry"
)

// CodeIntent is what is stored about a code before it is signed: whose place in the lists it is, for which key and form, and the current grade of
// its owner.
type CodeIntent struct {
	Index  uint32
	USCC   registry.USCC
	KID    string
	Form   string
	Tier   registry.Tier
	Colour registry.Colour
	Model  int // version
}

// CodeIntents reads stored intents of graded enterprises between two codes, both included, in the order of indexes. What is missing, was issued
// (a place of screen codes may be signed for again), suspended or withdrawn, or has no grade is ErrNotFound.
func (db *DB) CodeIntents(ctx context.Context, from, to registry.USCC, indexes []uint32) ([]CodeIntent, error) {
	found := make(map[uint32]CodeIntent, len(indexes))
	for _, idx := range indexes {
		found[idx] = CodeIntent{}
	}
	const query = `SELECT c.idx, c.uscc, c.kid, c.form, a.tier, a.colour, a.model_version FROM code c JOIN assessment a ON a.uscc = c.uscc
		WHERE c.uscc >= ? AND c.uscc <= ? AND (c.state = 'intended' OR c.form = 'screen') AND c.status = 0`
	read := func(scan func(...any) error) (i CodeIntent, err error) {
		return i, scan(&i.Index, (*string)(&i.USCC), &i.KID, &i.Form, (*uint8)(&i.Tier), (*uint8)(&i.Colour), &i.Model)
	}
	for i, err := range stream(ctx, db, "read intents", query, []any{string(from), string(to)}, read) {
		if err != nil {
			return nil, err
		}
		if _, asked := found[i.Index]; asked {
			found[i.Index] = i
		}
	}
	intents := make([]CodeIntent, len(indexes))
	for n, idx := range indexes {
		if intents[n] = found[idx]; intents[n].USCC == "" {
			return nil, fmt.Errorf("read intents: %w: no open intent with index %d between %s and %s", ErrNotFound, idx, from, to)
		}
	}
	return intents, nil
}
