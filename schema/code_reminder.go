package schema

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"healthcode/registry"
)

// EndingCode is a printed code that ends soon.
type EndingCode struct {
	USCC      registry.USCC
	Index     uint32
	ExpiresAt time.Time
	Days      int // the reminder that is due: so many days before the end
}

// EndingCodes returns the valid printed codes that end within the largest of some numbers of days and whose reminder for the smallest number that
// has come was not given yet. Codes that were renewed are left out, and so are those whose owner has a valid printed code with a later end.
func (db *DB) EndingCodes(ctx context.Context, now time.Time, days []int) ([]EndingCode, error) {
	sorted := slices.Sorted(slices.Values(days))
	const query = `SELECT c.uscc, c.idx, c.expires_at, coalesce((SELECT min(r.days) FROM code_reminder r WHERE r.uscc = c.uscc AND r.idx = c.idx), ?)
		FROM code c WHERE c.form = 'printed' AND c.state = 'issued' AND c.status = 0 AND c.expires_at > ? AND c.expires_at <= ?
		AND NOT EXISTS (SELECT 1 FROM code_event e WHERE e.uscc = c.uscc AND e.idx = c.idx AND e.step = 'renew')
		AND NOT EXISTS (SELECT 1 FROM code n WHERE n.uscc = c.uscc AND n.form = 'printed' AND n.state = 'issued' AND n.status = 0 AND n.expires_at > c.expires_at)
		ORDER BY c.uscc, c.idx`
	const never = 1 << 20
	last := sorted[len(sorted)-1]
	arguments := []any{never, micros(now), micros(now.AddDate(0, 0, last))}
	var given int
	read := func(scan func(...any) error) (c EndingCode, err error) {
		var ends int64
		err = scan((*string)(&c.USCC), &c.Index, &ends, &given)
		c.ExpiresAt = instant(ends)
		return c, err
	}
	var found []EndingCode
	for c, err := range stream(ctx, db, "look for codes that end", query, arguments, read) {
		if err != nil {
			return nil, err
		}
		for _, n := range sorted { // the smallest that has come
			if c.Days = n; !c.ExpiresAt.After(now.AddDate(0, 0, n)) {
				break
			}
		}
		if c.Days < given {
			found = append(found, c)
		}
	}
	return found, nil
}

// Remind notes that reminders were given and tells it in the outbox, in one transaction. One that was given meanwhile is left out; it returns how
// many were new.
func (db *DB) Remind(ctx context.Context, codes []EndingCode) (told int, err error) {
	err = db.inWrite(ctx, "remind of codes that end", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		told = 0
		var rows [][]any
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		for i := range codes {
			isNew, err := t.remind(ctx, &codes[i], now)
			if err != nil {
				return err
			}
			if isNew {
				told++
				rows = append(rows, []any{string(codes[i].USCC), int64(codes[i].Index), codes[i].Days})
			}
		}
		if told == 0 {
			return nil
		}
		after := batchAudited{Rows: told, First: rowKey(rows[0][:2], " "), Last: rowKey(rows[told-1][:2], " "), Digest: digestOf(rows)}
		return t.audit(ctx, auditEntry{Action: "code.reminded", Noun: "code", After: after})
	})
	return told, err
}

func (t *tx) remind(ctx context.Context, c *EndingCode, now int64) (isNew bool, err error) {
	const note = `INSERT INTO code_reminder (uscc, idx, days, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`
	result, err := t.ExecContext(ctx, t.Rebind(note), string(c.USCC), int64(c.Index), c.Days, now)
	if err != nil {
		return false, err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return false, err
	}
	payload, err := json.Marshal(struct {
		USCC      registry.USCC `json:"uscc"`
		Index     uint32        `json:"idx"`
		ExpiresAt time.Time     `json:"expires_at"`
		Days      int           `json:"days"`
	}{c.USCC, c.Index, c.ExpiresAt, c.Days})
	if err != nil {
		return false, fmt.Errorf("write reminder: %w", err)
	}
	row := []any{string(c.USCC), TopicCodeExpiring, string(payload), now}
	return true, t.insert(ctx, "outbox", "uscc, topic, payload, created_at", "", [][]any{row})
}
