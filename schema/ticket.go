package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"healthcode/access"
	"healthcode/registry"
)

// Ticket lets a partner see once what its purpose allows (requirement J15). Its secret is not kept, only the hash of it.
type Ticket struct {
	USCC      registry.USCC
	Hash      string
	Purpose   access.Purpose
	PartnerID int64 // who may use it; 0: any partner
	AccountID int64 // who made it; 0: the operator
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time // zero: not yet
	UsedBy    int64
}

// Why a ticket may not be used, or made.
var (
	ErrTicketUsed    = errors.New("the ticket was used already")
	ErrTicketExpired = errors.New("the ticket has expired")
	ErrTicketForeign = errors.New("the ticket is for another partner")
	ErrManyTickets   = errors.New("the enterprise has as many open tickets as it may")
)

// MaxOpenTickets bounds how many tickets of an enterprise may wait at once.
const MaxOpenTickets = 100

// Usable says why a partner may not use the ticket at an instant, or nil. Whoever it is not for learns nothing else about it.
func (k *Ticket) Usable(partner int64, at time.Time) error {
	switch {
	case k.PartnerID != 0 && k.PartnerID != partner:
		return ErrTicketForeign
	case !k.UsedAt.IsZero():
		return ErrTicketUsed
	case !at.Before(k.ExpiresAt):
		return ErrTicketExpired
	}
	return nil
}

const ticketColumns = `uscc, hash, purpose, partner_id, account_id, created_at, expires_at, used_at, used_by`

func readTicket(scan func(...any) error) (Ticket, error) {
	var k Ticket
	var created, expires, used int64
	err := scan((*string)(&k.USCC), &k.Hash, (*string)(&k.Purpose), &k.PartnerID, &k.AccountID, &created, &expires, &used, &k.UsedBy)
	k.CreatedAt, k.ExpiresAt, k.UsedAt = instant(created), instant(expires), instant(used)
	return k, err
}

// AddTicket stores a ticket, made at k.CreatedAt. ErrManyTickets when too many are open.
func (db *DB) AddTicket(ctx context.Context, k Ticket) error {
	return db.inWrite(ctx, "add ticket", sql.LevelSerializable, func(t *tx) error {
		t.quiet()
		var open int
		const count = `SELECT count(*) FROM verify_ticket WHERE uscc = ? AND used_at = 0 AND expires_at > ?`
		if err := t.GetContext(ctx, &open, t.Rebind(count), string(k.USCC), micros(k.CreatedAt)); err != nil {
			return err
		}
		if open >= MaxOpenTickets {
			return ErrManyTickets
		}
		row := []any{string(k.USCC), k.Hash, string(k.Purpose), k.PartnerID, k.AccountID, micros(k.CreatedAt), micros(k.ExpiresAt), 0, 0}
		if err := t.insert(ctx, "verify_ticket", ticketColumns, "", [][]any{row}); err != nil {
			return err
		}
		return t.auditTicket(ctx, "ticket.added", &k, ticketAudited{Purpose: k.Purpose, Partner: k.PartnerID, ExpiresAt: k.ExpiresAt.UTC()})
	})
}

// ticketAudited is what the audit log says of a ticket.
type ticketAudited struct {
	Purpose   access.Purpose `json:"purpose"`
	Partner   int64          `json:"partner,omitempty"` // 0: any
	ExpiresAt time.Time      `json:"expires_at,omitzero"`
}

func (t *tx) auditTicket(ctx context.Context, action string, k *Ticket, after ticketAudited) error {
	return t.audit(ctx, auditEntry{Action: action, Noun: "ticket", ID: shortHash(k.Hash), USCC: k.USCC, After: after})
}

// Ticket returns a ticket, or ErrNotFound.
func (db *DB) Ticket(ctx context.Context, code registry.USCC, hash string) (*Ticket, error) {
	const query = `SELECT ` + ticketColumns + ` FROM verify_ticket WHERE uscc = ? AND hash = ?`
	k, err := readTicket(db.read.QueryRowContext(ctx, db.read.Rebind(query), string(code), hash).Scan)
	if err != nil {
		return nil, db.fail(ctx, "read ticket", err)
	}
	return &k, nil
}

// UseTicket uses a ticket up and notes the look, both at once. Of several who try, one succeeds; the others get ErrTicketUsed.
func (db *DB) UseTicket(ctx context.Context, k *Ticket, partner int64, at time.Time) error {
	rows := lookRows([]Look{{USCC: k.USCC, At: at, PartnerID: partner, Purpose: k.Purpose, Means: LookByTicket, Looks: 1}})
	return db.inWrite(ctx, "use ticket", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		const use = `UPDATE verify_ticket SET used_at = ?, used_by = ? WHERE uscc = ? AND hash = ? AND used_at = 0 AND expires_at > ? AND partner_id IN (0, ?)`
		result, err := t.ExecContext(ctx, t.Rebind(use), micros(at), partner, string(k.USCC), k.Hash, micros(at), partner)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return err
		}
		if n == 1 {
			if err := t.auditTicket(ctx, "ticket.used", k, ticketAudited{Purpose: k.Purpose, Partner: partner}); err != nil {
				return err
			}
			return t.addLooks(ctx, rows)
		}
		const query = `SELECT ` + ticketColumns + ` FROM verify_ticket WHERE uscc = ? AND hash = ?`
		now, err := readTicket(t.QueryRowContext(ctx, t.Rebind(query), string(k.USCC), k.Hash).Scan)
		if err != nil {
			return err
		}
		if err := now.Usable(partner, at); err != nil {
			return err
		}
		return fmt.Errorf("%w: the ticket changed meanwhile", errAgain)
	})
}
