package schema

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"healthcode/access"
	"healthcode/registry"
)

// AuditLine is one line of the audit log: who changed what, when, from what into what. See docs/formats.md for its bytes.
type AuditLine struct {
	Number int64           `json:"number"` // 1, 2, … without gaps
	At     time.Time       `json:"at"`
	Actor  Actor           `json:"actor"`
	Action string          `json:"action"` // such as account.added
	Noun   string          `json:"noun"`
	ID     string          `json:"id"`
	USCC   registry.USCC   `json:"uscc,omitempty"`   // the enterprise that it is about, if any
	Before json.RawMessage `json:"before,omitempty"` // masked: no secret, no name of a person
	After  json.RawMessage `json:"after,omitempty"`
}

// AuditHash is the hash of a line: SHA-256 of the hash before it and the bytes of the line. The hash before the first line is all zero.
type AuditHash [sha256.Size]byte

func (h AuditHash) String() string { return hex.EncodeToString(h[:]) }

// Next returns the hash of the line that follows.
func (h AuditHash) Next(line []byte) AuditHash {
	return sha256.Sum256(append(h[:], line...))
}

// auditEntry is what a store function says of its change. Before and After are small structs, nil for nothing.
type auditEntry struct {
	Action, Noun, ID string
	USCC             registry.USCC
	Before, After    any
}

// audit adds a line to the log of this transaction. It is written at the very end (writeAudit), so that the head of the chain is held shortly.
func (t *tx) audit(ctx context.Context, e auditEntry) error {
	line := AuditLine{Actor: ActorOf(ctx), Action: e.Action, Noun: e.Noun, ID: e.ID, USCC: e.USCC}
	var err error
	if line.Before, err = masked(e.Before); err != nil {
		return fmt.Errorf("note what was before %s: %w", e.Action, err)
	}
	if line.After, err = masked(e.After); err != nil {
		return fmt.Errorf("note what is after %s: %w", e.Action, err)
	}
	t.audited = append(t.audited, line)
	return nil
}

// number writes the number of a row as the ID of an entry.
func number[T ~int | ~int64 | ~uint32](n T) string { return strconv.FormatInt(int64(n), 10) }

func masked(value any) (json.RawMessage, error) {
	if value == nil {
		return nil, nil
	}
	return access.Mask(value)
}

// writeAudit chains the lines of a transaction to the log. Nothing else of the transaction waits for a lock after it, so two can never wait for each
// other here.
func (t *tx) writeAudit(ctx context.Context) error {
	if len(t.audited) == 0 {
		return nil
	}
	head, err := t.auditHead(ctx, t.db.engine.dialect().updateLock)
	if err != nil {
		return err
	}
	now, err := t.now(ctx)
	if err != nil {
		return err
	}
	rows := make([][]any, len(t.audited))
	for i := range t.audited {
		if rows[i], err = head.append(&t.audited[i], max(now, head.At)); err != nil {
			return err
		}
	}
	if err := t.insert(ctx, "audit", `number, at, actor_kind, actor_id, actor_name, action, noun, noun_id, uscc, line, hash`, "", rows); err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, t.Rebind(`UPDATE audit_head SET number = ?, at = ?, hash = ?`), head.Number, head.At, head.Hash)
	return err
}

// auditHead is where the chain ends.
type auditHead struct {
	Number int64  `db:"number"`
	At     int64  `db:"at"`
	Hash   string `db:"hash"`
}

func (t *tx) auditHead(ctx context.Context, lock string) (h auditHead, err error) {
	if err := t.GetContext(ctx, &h, `SELECT number, at, hash FROM audit_head`+lock); err != nil {
		return h, fmt.Errorf("read the end of the audit log: %w", err)
	}
	return h, nil
}

// append makes the next line, and its row.
func (h *auditHead) append(line *AuditLine, at int64) ([]any, error) {
	line.Number, line.At = h.Number+1, instant(at)
	text, err := line.Bytes()
	if err != nil {
		return nil, err
	}
	before, err := parseAuditHash(h.Hash)
	if err != nil {
		return nil, err
	}
	h.Number, h.At, h.Hash = line.Number, at, before.Next(text).String()
	return []any{line.Number, at, line.Actor.Kind, line.Actor.ID, line.Actor.Name, line.Action, line.Noun, line.ID, string(line.USCC), string(text), h.Hash}, nil
}

// Bytes returns the line as it is stored and hashed: one line of JSON.
func (l *AuditLine) Bytes() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(l); err != nil {
		return nil, fmt.Errorf("write a line of the audit log: %w", err)
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}

func parseAuditHash(text string) (h AuditHash, err error) {
	n, err := hex.Decode(h[:], []byte(text[:min(len(text), 2*len(h))]))
	if err != nil || n != len(h) || len(text) != 2*len(h) {
		return h, fmt.Errorf("%w: %q is no hash", ErrAudit, text)
	}
	return h, nil
}

// AuditHead returns the number and the hash of the last line; 0 and the zero hash of an empty log.
func (db *DB) AuditHead(ctx context.Context) (number int64, hash AuditHash, err error) {
	err = db.inRead(ctx, "read the end of the audit log", func(t *tx) error {
		head, err := t.auditHead(ctx, "")
		if err != nil {
			return err
		}
		number = head.Number
		hash, err = parseAuditHash(head.Hash)
		return err
	})
	return number, hash, err
}

// AuditLines calls yield with the stored bytes and hash of each line after a number, in order, at most limit (0: all).
func (db *DB) AuditLines(ctx context.Context, after int64, limit int, yield func(number int64, line []byte, hash string) error) error {
	query, values := `SELECT number, line, hash FROM audit WHERE number > ? ORDER BY number`, []any{after}
	if limit > 0 {
		query, values = query+` LIMIT ?`, append(values, limit)
	}
	rows, err := db.read.QueryContext(ctx, db.read.Rebind(query), values...)
	if err != nil {
		return db.fail(ctx, "read the audit log", err)
	}
	defer rows.Close()
	for rows.Next() {
		var number int64
		var line sql.RawBytes
		var hash string
		if err := rows.Scan(&number, &line, &hash); err != nil {
			return db.fail(ctx, "read the audit log", err)
		}
		if err := yield(number, line, hash); err != nil {
			return err
		}
	}
	return db.fail(ctx, "read the audit log", rows.Err())
}
