package schema

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"healthcode/access"
	"healthcode/registry"
)

// Signal says that a printed code was scanned in many areas on one day: a copy may be about.
type Signal struct {
	USCC  registry.USCC `json:"uscc"`
	Index uint32        `json:"idx"`
	Day   registry.Day  `json:"day"`
	Areas int           `json:"areas"` // at least so many
	Scans int64         `json:"scans"`
	Most  int           `json:"most"` // how many areas were still ordinary
	At    time.Time     `json:"at"`
}

// signal looks at the day of a count, Asia/Shanghai, up to its hour, and stores a signal when there is reason; nil when there is none, or there was
// one on that day. A day and not any 24 hours: areas have other names after midnight.
func (t *tx) signal(ctx context.Context, s Scans, most int) (*Signal, error) {
	const query = `SELECT count(DISTINCT area), coalesce(sum(scans), 0) FROM code_scan WHERE uscc = ? AND idx = ? AND hour >= ? AND hour <= ?`
	day := registry.DayOf(time.Unix(s.Hour*3600, 0))
	found := Signal{USCC: s.USCC, Index: s.Index, Day: day, Most: most}
	row := t.QueryRowContext(ctx, t.Rebind(query), string(s.USCC), int64(s.Index), HourOf(day.Time()), s.Hour)
	if err := row.Scan(&found.Areas, &found.Scans); err != nil {
		return nil, fmt.Errorf("count areas: %w", err)
	}
	if found.Areas <= most {
		return nil, nil //nolint:nilnil // no signal is the ordinary case
	}
	now, err := t.now(ctx)
	if err != nil {
		return nil, err
	}
	found.At = instant(now)
	const save = `INSERT INTO code_signal (uscc, idx, day, areas, scans, most, at) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
	result, err := t.ExecContext(ctx, t.Rebind(save), string(s.USCC), int64(s.Index), int(found.Day), found.Areas, found.Scans, most, now)
	if err != nil {
		return nil, fmt.Errorf("store signal: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return nil, err
	}
	t.touch(s.USCC)
	payload, err := json.Marshal(found)
	if err != nil {
		return nil, fmt.Errorf("write signal: %w", err)
	}
	message := []any{string(s.USCC), TopicCodeCopied, string(payload), now}
	return &found, t.insert(ctx, "outbox", "uscc, topic, payload, created_at", "", [][]any{message})
}

const signalColumns = `uscc, idx, day, areas, scans, most, at`

func readSignal(scan func(...any) error) (s Signal, err error) {
	var at int64
	err = scan((*string)(&s.USCC), &s.Index, (*int32)(&s.Day), &s.Areas, &s.Scans, &s.Most, &at)
	s.At = instant(at)
	return s, err
}

// Signals returns the signals about enterprises within a sight since an instant, newest first, at most limit.
func (db *DB) Signals(ctx context.Context, sight access.Sight, since time.Time, limit int) ([]Signal, error) {
	bound, values := seenByCode(sight, "code_signal.uscc")
	query := `SELECT ` + signalColumns + ` FROM code_signal WHERE at >= ? AND ` + bound + ` ORDER BY at DESC, uscc, idx LIMIT ?`
	return collect(ctx, db, "read signals", query, append(append([]any{micros(since)}, values...), limit), readSignal)
}

// SignalsOf returns the signals of the codes of an enterprise since an instant, newest first.
func (db *DB) SignalsOf(ctx context.Context, code registry.USCC, since time.Time) ([]Signal, error) {
	const query = `SELECT ` + signalColumns + ` FROM code_signal WHERE uscc = ? AND at >= ? ORDER BY at DESC, idx`
	return collect(ctx, db, "read signals", query, []any{string(code), micros(since)}, readSignal)
}
