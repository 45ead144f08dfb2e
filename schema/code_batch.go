package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"healthcode/registry"
	"healthcode/scoring"
)

// KindReissueCodes is the kind of run that issues and renews printed codes.
const KindReissueCodes = "reissue-codes"

// CodeNeeds returns the graded enterprises between two codes without a valid printed code that lives until a time and was signed by the key kid
// or by one that is stored and good: a key that only verifies costs nobody a new print, a removed one does. With missing, those that never had one
// too; otherwise only those whose code is to be renewed. Where a printed code is suspended, or the newest was revoked,
// a person decided so, and a person decides about the next one.
func (db *DB) CodeNeeds(ctx context.Context, from, to registry.USCC, kid string, until time.Time, missing bool) ([]registry.USCC, error) {
	const printed = `FROM code c WHERE c.uscc = a.uscc AND c.form = 'printed' AND c.state = 'issued'`
	query := `SELECT a.uscc FROM assessment a WHERE a.uscc >= ? AND a.uscc <= ?
		AND NOT EXISTS (SELECT 1 ` + printed + ` AND c.status = 0 AND c.expires_at >= ?
			AND (c.kid = ? OR c.kid IN (SELECT kid FROM signing_key WHERE state IN ('active', 'verify_only'))))
		AND NOT EXISTS (SELECT 1 ` + printed + ` AND (c.status = 2 OR c.status = 1 AND c.idx =
			(SELECT max(n.idx) FROM code n WHERE n.uscc = a.uscc AND n.form = 'printed' AND n.state = 'issued')))`
	if !missing {
		query += ` AND EXISTS (SELECT 1 ` + printed + `)`
	}
	read := func(scan func(...any) error) (code registry.USCC, err error) { return code, scan((*string)(&code)) }
	var found []registry.USCC
	arguments := []any{string(from), string(to), micros(until), kid}
	for code, err := range stream(ctx, db, "find enterprises that need a code", query+` ORDER BY a.uscc`, arguments, read) {
		if err != nil {
			return nil, err
		}
		found = append(found, code)
	}
	return found, nil
}

// PrintedCodes returns the printed codes of enterprises that were issued and end after a time, newest first for each. An enterprise
// without one is absent.
func (db *DB) PrintedCodes(ctx context.Context, enterprises []registry.USCC, after time.Time) (map[registry.USCC][]Code, error) {
	list, arguments := listOf(enterprises)
	query := `SELECT ` + codeColumns + ` FROM code WHERE uscc IN ` + list + ` AND form = 'printed' AND state = 'issued' AND expires_at > ? ORDER BY uscc, idx DESC`
	found := map[registry.USCC][]Code{}
	for c, err := range stream(ctx, db, "read printed codes", query, append(arguments, micros(after)), readCode) {
		if err != nil {
			return nil, err
		}
		found[c.USCC] = append(found[c.USCC], c)
	}
	return found, nil
}

// Codes iterates over every issued code in the order of enterprises and indexes.
func (db *DB) Codes(ctx context.Context) iter.Seq2[Code, error] {
	return stream(ctx, db, "read codes", `SELECT `+codeColumns+` FROM code WHERE state = 'issued' ORDER BY uscc, idx`, nil, readCode)
}

// ReserveIndexes takes a list index for each enterprise, as ReserveIndex does, in one transaction. The indexes are in the order of the
// enterprises; one that is named twice gets two.
func (db *DB) ReserveIndexes(ctx context.Context, codes []registry.USCC, kid, form string) ([]uint32, error) {
	var indexes []uint32
	err := db.inWrite(ctx, "reserve code indexes", sql.LevelReadCommitted, func(t *tx) error {
		t.touches()
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		given := make(map[registry.USCC][]uint32, len(codes))
		for chunk := range slices.Chunk(codes, 500) {
			if err := t.reserve(ctx, chunk, kid, form, now, given); err != nil {
				return err
			}
		}
		indexes = indexes[:0]
		for _, code := range codes {
			indexes = append(indexes, given[code][0])
			given[code] = given[code][1:]
		}
		return nil
	})
	return indexes, err
}

// reserve adds one intent a code in one statement and notes which indexes each enterprise got: rows may come back in any order.
func (t *tx) reserve(ctx context.Context, codes []registry.USCC, kid, form string, now int64, given map[registry.USCC][]uint32) error {
	t.touch(codes...)
	const row = `(?, 'intended', ?, ?, ?, 0, 0, 0, 0, 0, '')`
	query := `INSERT INTO code (uscc, state, kid, form, created_at, issued_at, expires_at, tier, colour, model, jwt)
		VALUES ` + strings.Repeat(row+`,`, len(codes)-1) + row + ` RETURNING uscc, idx`
	arguments := make([]any, 0, 4*len(codes))
	for _, code := range codes {
		arguments = append(arguments, string(code), kid, form, now)
	}
	return t.each(ctx, query, arguments, func(scan func(...any) error) error {
		var code string
		var idx uint32
		if err := scan(&code, &idx); err != nil {
			return err
		}
		given[registry.USCC(code)] = append(given[registry.USCC(code)], idx)
		return nil
	})
}

// FinishCodeRange turns the intents of a range into issued codes and marks the range as done, in one transaction. ErrLeaseLost when
// another process has taken the run up; then nothing is stored, and the intents stay what they are: never handed out.
func (db *DB) FinishCodeRange(ctx context.Context, run *Run, r Range, codes []Code) error {
	if err := db.Heartbeat(ctx, run); err != nil {
		return err
	}
	return db.inWrite(ctx, fmt.Sprintf("store the codes of range %d", r.Number), sql.LevelReadCommitted, func(t *tx) error {
		t.touches()
		if err := t.saveCodes(ctx, codes); err != nil {
			return err
		}
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		if err := t.addCodeEvents(ctx, codes, codeNote{Step: StepIssue, Author: scoring.BySystem, At: now}); err != nil {
			return err
		}
		const query = `UPDATE run_range SET done_at = ?, assessed = ?, changed = ? WHERE run_id = ? AND number = ? AND done_at = 0`
		result, err := t.ExecContext(ctx, t.Rebind(query), now, r.Enterprises, len(codes), run.ID, r.Number)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return errors.Join(ErrLeaseLost, errRangeTaken)
		}
		return nil
	})
}

func (t *tx) saveCodes(ctx context.Context, codes []Code) error {
	statement, err := t.PreparexContext(ctx, t.Rebind(saveIntent))
	if err != nil {
		return err
	}
	defer statement.Close()
	for i := range codes {
		t.touch(codes[i].USCC)
		result, err := statement.ExecContext(ctx, codes[i].issue()...)
		if err != nil {
			return err
		}
		if err := codes[i].issued(result); err != nil {
			return err
		}
	}
	return nil
}
