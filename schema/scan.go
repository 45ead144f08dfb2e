package schema

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"healthcode/registry"
)

// Scans counts how often a printed code was scanned within an hour from one coarse area.
type Scans struct {
	USCC  registry.USCC
	Index uint32
	Hour  int64  // hours since 1970-01-01 00:00 UTC
	Area  string // a few bits of a keyed hash of the client's network, or the code of a region
	Count int64
}

// HourOf returns the hour of an instant as Scans counts it.
func HourOf(t time.Time) int64 { return t.Unix() / 3600 }

// AddScans adds counts and returns the signals that follow: for each of these codes that appeared in more than most areas on the day of its newest
// count, at most one a code and day.
func (db *DB) AddScans(ctx context.Context, scans []Scans, most int) (signals []Signal, err error) {
	scans = summed(scans)
	err = db.inWrite(ctx, "count scans", sql.LevelReadCommitted, func(t *tx) error {
		t.touches()
		signals = nil
		rows := make([][]any, len(scans))
		for i, s := range scans {
			rows[i] = []any{string(s.USCC), int64(s.Index), s.Hour, s.Area, s.Count}
		}
		const add = `ON CONFLICT (uscc, idx, hour, area) DO UPDATE SET scans = code_scan.scans + excluded.scans`
		if err := t.insert(ctx, "code_scan", "uscc, idx, hour, area, scans", add, rows); err != nil {
			return err
		}
		for i, s := range scans {
			if i+1 < len(scans) && scans[i+1].USCC == s.USCC && scans[i+1].Index == s.Index {
				continue // the newest hour of a code is its last
			}
			signal, err := t.signal(ctx, s, most)
			if err != nil {
				return err
			}
			if signal != nil {
				signals = append(signals, *signal)
			}
		}
		return nil
	})
	return signals, err
}

// summed puts counts in one order, in which writers that meet take rows, and adds up those of the same place.
func summed(scans []Scans) []Scans {
	order := func(a, b Scans) int {
		return cmp.Or(cmp.Compare(a.USCC, b.USCC), cmp.Compare(a.Index, b.Index), cmp.Compare(a.Hour, b.Hour), cmp.Compare(a.Area, b.Area))
	}
	var sums []Scans
	for _, s := range slices.SortedFunc(slices.Values(scans), order) {
		if last := len(sums) - 1; last >= 0 && order(sums[last], s) == 0 {
			sums[last].Count += s.Count
			continue
		}
		sums = append(sums, s)
	}
	return sums
}

// ScansOf returns how often each code of an enterprise was scanned since an hour.
func (db *DB) ScansOf(ctx context.Context, code registry.USCC, since int64) (map[uint32]int64, error) {
	type count struct {
		idx   uint32
		scans int64
	}
	const query = `SELECT idx, sum(scans) FROM code_scan WHERE uscc = ? AND hour >= ? GROUP BY idx`
	read := func(scan func(...any) error) (c count, err error) { return c, scan(&c.idx, &c.scans) }
	found := map[uint32]int64{}
	for c, err := range stream(ctx, db, "read counts of scans", query, []any{string(code), since}, read) {
		if err != nil {
			return nil, err
		}
		found[c.idx] = c.scans
	}
	return found, nil
}

// PruneScans deletes the counts of hours before one and returns how many rows went.
func (db *DB) PruneScans(ctx context.Context, before int64) (pruned int, err error) {
	const query = `DELETE FROM code_scan WHERE (uscc, idx, hour, area) IN (SELECT uscc, idx, hour, area FROM code_scan WHERE hour < ? LIMIT ?)`
	return db.prune(ctx, "scan", query, before, time.Unix(before*3600, 0))
}

// ScanKey returns the key of the areas of a day, 32 random bytes. The first who asks makes it; keys of days before are deleted.
func (db *DB) ScanKey(ctx context.Context, day registry.Day) (key []byte, err error) {
	err = db.inWrite(ctx, "read the key of scans", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		fresh := make([]byte, 32)
		rand.Read(fresh) // crypto/rand.Read never fails
		const add = `INSERT INTO scan_key (day, key) VALUES (?, ?) ON CONFLICT DO NOTHING`
		if _, err := t.ExecContext(ctx, t.Rebind(add), int(day), hex.EncodeToString(fresh)); err != nil {
			return err
		}
		var text string
		if err := t.GetContext(ctx, &text, t.Rebind(`SELECT key FROM scan_key WHERE day = ?`), int(day)); err != nil {
			return err
		}
		_, deleted := t.ExecContext(ctx, t.Rebind(`DELETE FROM scan_key WHERE day < ?`), int(day))
		key, err = hex.DecodeString(text)
		return errors.Join(err, deleted)
	})
	return key, err
}
