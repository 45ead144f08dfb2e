package schema

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"healthcode/registry"
)

const auditColumns = `number, at, actor_kind, actor_id, actor_name, action, noun, noun_id, uscc, line, hash`

// CheckAudit looks at every line after a number, from one state of the database, and holds the log against its head and against points. progress is
// told how far it is, now and then. ErrNotFound when there is no line of the number to begin after.
func (db *DB) CheckAudit(ctx context.Context, after int64, points []AuditPoint, progress func(done, of int64)) (*AuditChecker, error) {
	var checker *AuditChecker
	err := db.inRead(ctx, "check the audit log", func(t *tx) error {
		head, err := t.auditHead(ctx, "")
		if err != nil {
			return err
		}
		hash, err := t.auditHashOf(ctx, after)
		if err != nil {
			return err
		}
		checker = NewAuditChecker(after, hash, points)
		var row AuditRow
		var line sql.RawBytes
		err = t.each(ctx, `SELECT `+auditColumns+` FROM audit WHERE number > ? ORDER BY number`, []any{after}, func(scan func(...any) error) error {
			if err := scan(&row.Number, &row.At, &row.Kind, &row.ActorID, &row.Name, &row.Action, &row.Noun, &row.ID, &row.USCC, &line, &row.Hash); err != nil {
				return err
			}
			row.Line = line
			checker.Row(&row)
			if checker.Lines%1000 == 0 {
				progress(checker.Lines, head.Number-after)
			}
			return nil
		})
		if err == nil {
			checker.End(head.Number, head.Hash)
			progress(checker.Lines, checker.Lines)
		}
		return err
	})
	return checker, err
}

// auditHashOf returns the stored hash of a line, the zero hash of number 0.
func (t *tx) auditHashOf(ctx context.Context, number int64) (hash AuditHash, err error) {
	if number == 0 {
		return hash, nil
	}
	var text string
	if err := t.GetContext(ctx, &text, t.Rebind(`SELECT hash FROM audit WHERE number = ?`), number); err != nil {
		return hash, fmt.Errorf("line %d of the audit log: %w", number, err)
	}
	return parseAuditHash(text)
}

// AuditFilter chooses lines of the audit log, newest first; the zero value takes the newest 50.
type AuditFilter struct {
	Noun, ID string // what was changed; the ID only with its noun
	Action   string
	Kind     string // of the actor
	Actor    string // its name
	USCC     registry.USCC
	From     time.Time // the first instant; zero: no bound
	Until    time.Time // the instant after the last
	Before   int64     // lines below this number; 0: from the newest
	Limit    int
}

// AuditEntry is a line of the log as it is read: what it says, its exact bytes and its hash.
type AuditEntry struct {
	AuditLine
	Bytes json.RawMessage
	Hash  string
}

// AuditLog returns the lines that a filter chooses, newest first.
func (db *DB) AuditLog(ctx context.Context, f AuditFilter) ([]AuditEntry, error) {
	where, values, err := f.conditions(ctx, db)
	if err != nil {
		return nil, err
	}
	if f.Limit <= 0 {
		f.Limit = 50
	}
	query := `SELECT line, hash FROM audit WHERE ` + strings.Join(where, " AND ") + ` ORDER BY number DESC LIMIT ?`
	return collect(ctx, db, "read the audit log", query, append(values, f.Limit), func(scan func(...any) error) (AuditEntry, error) {
		var e AuditEntry
		var text string
		if err := scan(&text, &e.Hash); err != nil {
			return e, err
		}
		e.Bytes = json.RawMessage(text)
		if err := json.Unmarshal(e.Bytes, &e.AuditLine); err != nil {
			return e, fmt.Errorf("%w: a line is none: %w", ErrAudit, err)
		}
		return e, nil
	})
}

func (f *AuditFilter) conditions(ctx context.Context, db *DB) (where []string, values []any, err error) {
	add := func(condition string, value any) { where, values = append(where, condition), append(values, value) }
	if f.Before <= 0 {
		f.Before = math.MaxInt64
	}
	until, err := db.auditNumber(ctx, f.Until, math.MaxInt64)
	if err != nil {
		return nil, nil, err
	}
	add(`number < ?`, min(f.Before, until))
	if !f.From.IsZero() {
		from, err := db.auditNumber(ctx, f.From, math.MaxInt64)
		if err != nil {
			return nil, nil, err
		}
		add(`number >= ?`, from)
	}
	for _, part := range []struct{ column, value string }{
		{"noun", f.Noun}, {"noun_id", f.ID}, {"action", f.Action}, {"actor_kind", f.Kind}, {"actor_name", f.Actor}, {"uscc", string(f.USCC)},
	} {
		if part.value == "" {
			continue
		}
		if !storable(part.value) {
			add(`number < ?`, 0) // no line has it
			continue
		}
		add(part.column+` = ?`, part.value)
	}
	if f.USCC != "" {
		where = append(where, `uscc <> ''`) // so that the index of enterprises serves
	}
	return where, values, nil
}

// auditNumber returns the number of the first line at or after an instant, otherwise when there is none or no instant.
func (db *DB) auditNumber(ctx context.Context, at time.Time, otherwise int64) (int64, error) {
	if at.IsZero() {
		return otherwise, nil
	}
	var number sql.NullInt64
	err := db.read.GetContext(ctx, &number, db.read.Rebind(`SELECT number FROM audit WHERE at >= ? ORDER BY at, number LIMIT 1`), micros(at))
	if errors.Is(err, sql.ErrNoRows) {
		return otherwise, nil
	}
	return number.Int64, db.fail(ctx, "find a day in the audit log", err)
}

// AuditCheckpoint is a point of the log for which the register vouches.
type AuditCheckpoint struct {
	Number int64 // of the last line that it covers
	Hash   string
	At     time.Time
	KID    string
	Token  string // see credential.Checkpoint
}

const checkpointColumns = `number, hash, at, kid, token`

func readCheckpoint(scan func(...any) error) (c AuditCheckpoint, err error) {
	var at int64
	err = scan(&c.Number, &c.Hash, &at, &c.KID, &c.Token)
	c.At = instant(at)
	return c, err
}

// SaveAuditCheckpoint stores a checkpoint that follows another (0: the first). ErrConflict when another process was faster, ErrAudit when the line
// has another hash.
func (db *DB) SaveAuditCheckpoint(ctx context.Context, c AuditCheckpoint, previous int64) error {
	return db.inWrite(ctx, "store a checkpoint", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		if _, err := t.auditHead(ctx, t.db.engine.dialect().updateLock); err != nil { // one at a time
			return err
		}
		var newest int64
		if err := t.GetContext(ctx, &newest, `SELECT coalesce(max(number), 0) FROM audit_checkpoint`); err != nil {
			return err
		}
		if newest != previous {
			return fmt.Errorf("%w: checkpoint %d was made meanwhile", ErrConflict, newest)
		}
		hash, err := t.auditHashOf(ctx, c.Number)
		if err != nil {
			return err
		}
		if hash.String() != c.Hash {
			return fmt.Errorf("%w: line %d has another hash than the checkpoint", ErrAudit, c.Number)
		}
		return t.insert(ctx, "audit_checkpoint", checkpointColumns, "", [][]any{{c.Number, c.Hash, micros(c.At), c.KID, c.Token}})
	})
}

// AuditCheckpoints returns checkpoints with a number below one (0: the newest), newest first, at most limit (0: all).
func (db *DB) AuditCheckpoints(ctx context.Context, below int64, limit int) ([]AuditCheckpoint, error) {
	if below <= 0 {
		below = math.MaxInt64
	}
	if limit <= 0 {
		limit = math.MaxInt32
	}
	const query = `SELECT ` + checkpointColumns + ` FROM audit_checkpoint WHERE number < ? ORDER BY number DESC LIMIT ?`
	return collect(ctx, db, "list checkpoints", query, []any{below, limit}, readCheckpoint)
}

// AuditCheckpoint returns the checkpoint of a line, or ErrNotFound.
func (db *DB) AuditCheckpoint(ctx context.Context, number int64) (*AuditCheckpoint, error) {
	c, err := readCheckpoint(db.read.QueryRowContext(ctx, db.read.Rebind(`SELECT `+checkpointColumns+` FROM audit_checkpoint WHERE number = ?`), number).Scan)
	if err != nil {
		return nil, db.fail(ctx, "read checkpoint", err)
	}
	return &c, nil
}
