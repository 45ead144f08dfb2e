package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"healthcode/access"
	"healthcode/jobs"
	"healthcode/registry"
	"healthcode/schema"

	"github.com/gin-gonic/gin"
)

// TicketStore keeps tickets.
type TicketStore interface {
	AddTicket(ctx context.Context, k schema.Ticket) error
	Ticket(ctx context.Context, code registry.USCC, hash string) (*schema.Ticket, error)
	UseTicket(ctx context.Context, k *schema.Ticket, partner int64, at time.Time) error
	PartnerNamed(ctx context.Context, name string) (*schema.Partner, error)
}

// ErrNoTicket is the reason for a ticket that nobody made.
var ErrNoTicket = errors.New("there is no such ticket")

// How long a ticket may wait.
const (
	TicketLife    = 24 * time.Hour
	MaxTicketLife = 7 * 24 * time.Hour
)

// TicketBody is what POST /api/v1/enterprises/:uscc/tickets takes.
type TicketBody struct {
	Purpose   string `json:"purpose"`
	Partner   string `json:"partner"`    // name; empty: any partner
	ExpiresAt string `json:"expires_at"` // RFC 3339; empty: a day from now
}

// TicketMade is the answer. The whole ticket is shown once.
type TicketMade struct {
	Ticket    string         `json:"ticket"`
	ID        string         `json:"id"` // by which it is listed and withdrawn
	USCC      registry.USCC  `json:"uscc"`
	Purpose   access.Purpose `json:"purpose"`
	Partner   string         `json:"partner,omitempty"`
	ExpiresAt time.Time      `json:"expires_at"`
}

// TicketAnswer is what a partner gets for a ticket.
type TicketAnswer struct {
	CheckedAt  time.Time        `json:"checked_at"`
	Enterprise *EnterpriseBrief `json:"enterprise"`
	Purpose    access.Purpose   `json:"purpose"`
	Disclosed  any              `json:"disclosed"`
}

// ticketAdded answers POST /api/v1/enterprises/:uscc/tickets with 201.
func (s *server) ticketAdded(c *gin.Context) {
	var body TicketBody
	if err := decodeJSON(c.Request, &body); err != nil {
		s.fail(c, err)
		return
	}
	made, err := s.makeTicket(c, &body)
	if err != nil {
		s.fail(c, err)
		return
	}
	uncompressed(c)
	c.JSON(http.StatusCreated, made)
}

func (s *server) makeTicket(c *gin.Context, body *TicketBody) (*TicketMade, error) {
	ctx := c.Request.Context()
	caller, err := s.caller(c)
	if err != nil {
		return nil, err
	}
	code, err := s.known(ctx, c.Param("uscc"))
	if err != nil {
		return nil, err
	}
	k, err := body.ticket(s.now().UTC())
	if err != nil {
		return nil, err
	}
	if k.PartnerID, err = s.ticketPartner(ctx, body.Partner); err != nil {
		return nil, err
	}
	ticket := access.NewTicket(code)
	k.USCC, k.Hash, k.AccountID = code, ticket.Secret.Hash(), caller.ID
	if err := s.store.AddTicket(ctx, k); err != nil {
		return nil, fmt.Errorf("keep ticket: %w", err)
	}
	return &TicketMade{ticket.Text(), k.ID(), code, k.Purpose, body.Partner, k.ExpiresAt}, nil
}

// ticket checks purpose and time.
func (b *TicketBody) ticket(now time.Time) (k schema.Ticket, err error) {
	k = schema.Ticket{Purpose: access.Purpose(b.Purpose), CreatedAt: now, ExpiresAt: now.Add(TicketLife)}
	if !k.Purpose.Known() {
		return k, badField("purpose", "is not known", fmt.Sprintf("one of %v", access.Purposes))
	}
	if b.ExpiresAt == "" {
		return k, nil
	}
	k.ExpiresAt, err = time.Parse(time.RFC3339, b.ExpiresAt)
	if err != nil || !k.ExpiresAt.After(now) || k.ExpiresAt.After(now.Add(MaxTicketLife)) {
		return k, badField("expires_at", "is not an instant within the next 7 days", "RFC 3339, such as 2026-11-26T08:00:00Z")
	}
	k.ExpiresAt = k.ExpiresAt.UTC().Truncate(time.Microsecond)
	return k, nil
}

// ticketPartner returns the number of the partner that a ticket is for; 0 for any.
func (s *server) ticketPartner(ctx context.Context, name string) (int64, error) {
	if name == "" {
		return 0, nil
	}
	p, err := s.store.PartnerNamed(ctx, name)
	if errors.Is(err, schema.ErrNotFound) || err == nil && !p.DisabledAt.IsZero() {
		return 0, badField("partner", "is no partner of this name", "the name of a partner, or nothing for any")
	}
	if err != nil {
		return 0, fmt.Errorf("read partner: %w", err)
	}
	return p.ID, nil
}

// answerTicket answers POST /api/v1/verify with a ticket. The ticket is used up only when its answer is ready.
func (s *server) answerTicket(c *gin.Context, request *verifyBody) {
	answer, err := s.redeem(c, request)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, answer)
}

func (s *server) redeem(c *gin.Context, request *verifyBody) (*TicketAnswer, error) {
	caller, err := s.caller(c)
	ctx := c.Request.Context() // in the name of the caller
	switch {
	case err != nil:
		return nil, err
	case request.Code != "" || request.Purpose != "":
		return nil, badField("ticket", "stands beside code or purpose", "the ticket alone: it says whom and for what")
	case caller.Kind == access.Nobody:
		return nil, ErrNotSignedIn
	case caller.Kind != access.Partner || !caller.Has(access.ScopeVerify): // a look is a partner's
		return nil, ErrForbidden
	}
	ticket, ok := access.ParseTicket(request.Ticket)
	if !ok {
		return nil, badField("ticket", "is not a ticket", "the whole text of a ticket, beginning with hct_")
	}
	now := s.now().UTC()
	k, err := s.store.Ticket(ctx, ticket.USCC, ticket.Secret.Hash())
	if errors.Is(err, schema.ErrNotFound) {
		return nil, ErrNoTicket
	}
	if err != nil {
		return nil, fmt.Errorf("read ticket: %w", err)
	}
	if err := k.Usable(caller.ID, now); err != nil {
		return nil, err
	}
	answer, err := s.ticketAnswer(ctx, k, now)
	if err != nil {
		return nil, err
	}
	if err := s.store.UseTicket(ctx, k, caller.ID, now); err != nil {
		return nil, err
	}
	return answer, nil
}

func (s *server) ticketAnswer(ctx context.Context, k *schema.Ticket, now time.Time) (*TicketAnswer, error) {
	enterprise, err := s.register(ctx, k.USCC)
	if err != nil {
		return nil, err
	}
	live, err := s.gradeOf(ctx, k.USCC)
	if err != nil {
		return nil, err
	}
	if live == nil {
		return nil, jobs.ErrNotGraded
	}
	region, err := s.regionName(ctx, enterprise.RegionCode)
	if err != nil {
		return nil, err
	}
	answer := &TicketAnswer{CheckedAt: now.Truncate(time.Second), Enterprise: &EnterpriseBrief{enterprise.USCC, enterprise.Name, region}, Purpose: k.Purpose}
	answer.Disclosed, err = s.told(ctx, k.Purpose, k.USCC, live)
	return answer, err
}
