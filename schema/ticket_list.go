package schema

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"healthcode/access"
	"healthcode/registry"
)

// TicketItem is one line of the tickets of an enterprise. It says nothing that could be used.
type TicketItem struct {
	Ticket
	Partner string // name of who may use it; empty: any partner
	User    string // name of who used it; empty: nobody yet
}

// ID is what names a ticket without its secret: the beginning of the hash, as the audit log has it. Of one enterprise no two are alike.
func (k *Ticket) ID() string { return shortHash(k.Hash) }

// TicketPage is one page of tickets. Next is empty on the last one.
type TicketPage struct {
	Items []TicketItem
	Next  string
}

type ticketCursor struct {
	Created int64  `json:"c"`
	Hash    string `json:"h"` // only the beginning: a cursor must not tell more than the list does
}

// Tickets returns one page of the tickets of an enterprise within a sight, newest first. ErrCursor for a cursor of another list.
func (db *DB) Tickets(ctx context.Context, sight access.Sight, code registry.USCC, cursor string, limit int) (*TicketPage, error) {
	bound, values := seenByCode(sight, "k.uscc")
	query := `SELECT ` + prefixed("k", ticketColumns) + `, coalesce(p.name, ''), coalesce(u.name, '') FROM verify_ticket k
		LEFT JOIN partner p ON p.id = k.partner_id LEFT JOIN partner u ON u.id = k.used_by WHERE k.uscc = ? AND ` + bound
	values = append([]any{string(code)}, values...)
	if cursor != "" {
		var c ticketCursor
		if json.Unmarshal([]byte(cursor), &c) != nil || !storable(c.Hash) {
			return nil, fmt.Errorf("list tickets: %w", ErrCursor)
		}
		query += ` AND (k.created_at < ? OR k.created_at = ? AND substr(k.hash, 1, 12) > ?)`
		values = append(values, c.Created, c.Created, c.Hash)
	}
	query += ` ORDER BY k.created_at DESC, substr(k.hash, 1, 12) LIMIT ?`
	found, err := collect(ctx, db, "list tickets", query, append(values, limit+1), func(scan func(...any) error) (item TicketItem, err error) {
		item.Ticket, err = readTicket(func(fields ...any) error { return scan(append(fields, &item.Partner, &item.User)...) })
		return item, err
	})
	if err != nil {
		return nil, err
	}
	page := &TicketPage{Items: found}
	if len(found) > limit {
		last := &found[limit-1]
		page.Items, page.Next = found[:limit], list(ticketCursor{micros(last.CreatedAt), last.ID()})
	}
	return page, nil
}

// WithdrawTicket deletes an open ticket, so that nobody can use it any more. ErrNotFound when the enterprise has none of this ID, ErrTicketUsed,
// ErrTicketExpired: those are kept for who asks later.
func (db *DB) WithdrawTicket(ctx context.Context, code registry.USCC, id string, at time.Time) error {
	if !storable(id) {
		return fmt.Errorf("withdraw ticket: %w", ErrNotFound)
	}
	return db.inWrite(ctx, "withdraw ticket", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		const withdraw = `DELETE FROM verify_ticket WHERE uscc = ? AND substr(hash, 1, 12) = ? AND used_at = 0 AND expires_at > ? RETURNING ` + ticketColumns
		k, err := readTicket(t.QueryRowContext(ctx, t.Rebind(withdraw), string(code), id, micros(at)).Scan)
		if err == nil {
			return t.auditTicket(ctx, "ticket.withdrawn", &k, ticketAudited{Purpose: k.Purpose, Partner: k.PartnerID, ExpiresAt: k.ExpiresAt.UTC()})
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		const query = `SELECT ` + ticketColumns + ` FROM verify_ticket WHERE uscc = ? AND substr(hash, 1, 12) = ?`
		now, err := readTicket(t.QueryRowContext(ctx, t.Rebind(query), string(code), id).Scan)
		if err != nil {
			return err
		}
		if now.UsedAt.IsZero() {
			return ErrTicketExpired
		}
		return ErrTicketUsed
	})
}

// PruneTickets deletes the tickets that were used, or expired unused, before an instant and returns how many went.
func (db *DB) PruneTickets(ctx context.Context, before time.Time) (pruned int, err error) {
	const query = `DELETE FROM verify_ticket WHERE (uscc, hash) IN
		(SELECT uscc, hash FROM verify_ticket WHERE CASE WHEN used_at > 0 THEN used_at ELSE expires_at END < ? LIMIT ?)`
	return db.prune(ctx, "ticket", query, micros(before), before)
}
