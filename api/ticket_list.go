package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/web"

	"github.com/gin-gonic/gin"
)

// TicketLister lists tickets and takes them back.
type TicketLister interface {
	Tickets(ctx context.Context, sight access.Sight, code registry.USCC, cursor string, limit int) (*schema.TicketPage, error)
	WithdrawTicket(ctx context.Context, code registry.USCC, id string, at time.Time) error
}

// TicketState is how a ticket stands.
type TicketState string

// The states. One that was withdrawn is gone.
const (
	TicketOpen    TicketState = "open"
	TicketUsed    TicketState = "used"
	TicketExpired TicketState = "expired" // unused
)

// TicketItem is one line of the tickets as JSON. It holds nothing that could be used.
type TicketItem struct {
	ID        string         `json:"id"`
	Purpose   access.Purpose `json:"purpose"`
	Partner   string         `json:"partner,omitempty"` // who may use it; nothing: any partner
	State     TicketState    `json:"state"`
	MadeAt    time.Time      `json:"made_at"`
	ExpiresAt time.Time      `json:"expires_at"`
	UsedAt    time.Time      `json:"used_at,omitzero"`
	UsedBy    string         `json:"used_by,omitempty"` // the partner that used it
}

func newTicketItem(k *schema.TicketItem, now time.Time) TicketItem {
	item := TicketItem{k.ID(), k.Purpose, k.Partner, TicketOpen, k.CreatedAt, k.ExpiresAt, k.UsedAt, k.User}
	switch {
	case !k.UsedAt.IsZero():
		item.State = TicketUsed
	case !now.Before(k.ExpiresAt):
		item.State = TicketExpired
	}
	return item
}

// ticketsListed answers GET /api/v1/enterprises/:uscc/tickets, newest first.
func (s *server) ticketsListed(c *gin.Context) {
	query := s.query(c)
	code, limit, err := readOwnPage(c, query)
	if err != nil {
		s.fail(c, err)
		return
	}
	page, err := s.store.Tickets(c.Request.Context(), s.sight(c), code, query.Get("cursor"), limit)
	if errors.Is(err, schema.ErrCursor) {
		err = badField("cursor", "is not of this list", "next of the page before")
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	list := newList[TicketItem](len(page.Items))
	for i := range page.Items {
		list.Items = append(list.Items, newTicketItem(&page.Items[i], s.now()))
	}
	list.Next = page.Next
	c.JSON(http.StatusOK, list)
}

// ticketWithdrawn answers DELETE /api/v1/enterprises/:uscc/tickets/:id with 204.
func (s *server) ticketWithdrawn(c *gin.Context) {
	if err := s.withdrawTicket(c); err != nil {
		s.fail(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}

func (s *server) withdrawTicket(c *gin.Context) error {
	code, err := readUSCC(c.Param("uscc"))
	if err != nil {
		return err
	}
	err = s.store.WithdrawTicket(c.Request.Context(), code, c.Param("id"), s.now())
	if errors.Is(err, schema.ErrNotFound) {
		return ErrNoTicket
	}
	if err != nil {
		return fmt.Errorf("withdraw ticket: %w", err)
	}
	return nil
}

// ticketDays are the lives, in days, that the page offers.
var ticketDays = []int{1, 3, 7}

// ticketFormMade answers POST /enterprises/:uscc/tickets, the form of an enterprise's page: the page with the ticket, once, or with what is wrong.
func (s *server) ticketFormMade(c *gin.Context) {
	if _, err := readQuery(c.Request, "lang"); err != nil {
		s.fail(c, err)
		return
	}
	form, err := readForm(c.Request, "purpose", "partner", "days")
	if err != nil {
		s.fail(c, err)
		return
	}
	days, err := strconv.Atoi(form.Get("days"))
	if err != nil || days < 1 || days > 7 {
		s.fail(c, badField("days", "is not a number of days", "1 to 7"))
		return
	}
	body := &TicketBody{form.Get("purpose"), form.Get("partner"), s.now().UTC().AddDate(0, 0, days).Format(time.RFC3339)}
	made, err := s.makeTicket(c, body)
	if err != nil {
		s.formRefused(c, err, func(status int, problem string) {
			s.showTickets(c, status, func(k *web.Tickets) {
				k.Problem, k.Purpose, k.Partner, k.Lives = problem, body.Purpose, body.Partner, days
			})
		})
		return
	}
	uncompressed(c)
	s.showTickets(c, http.StatusOK, func(k *web.Tickets) { k.Made = made.Ticket })
}

// showTickets shows the page of the enterprise with what became of the form.
func (s *server) showTickets(c *gin.Context, status int, change func(*web.Tickets)) {
	s.enterpriseAgain(c, status, func(view *web.EnterprisePage) { change(view.Tickets) })
}

// ticketFormWithdrawn answers POST /enterprises/:uscc/tickets/:id/withdraw: back to the page. One that was used or has expired meanwhile shows there.
func (s *server) ticketFormWithdrawn(c *gin.Context) {
	if _, err := readQuery(c.Request, "lang"); err != nil {
		s.fail(c, err)
		return
	}
	if _, err := readForm(c.Request); err != nil {
		s.fail(c, err)
		return
	}
	err := s.withdrawTicket(c)
	if err != nil && !errors.Is(err, schema.ErrTicketUsed) && !errors.Is(err, schema.ErrTicketExpired) {
		s.fail(c, err)
		return
	}
	s.redirect(c, "/enterprises/"+url.PathEscape(c.Param("uscc")), "#tickets")
}

// ticketsView is the part about tickets of an enterprise's page.
func (s *server) ticketsView(c *gin.Context, e *registry.Enterprise) (*web.Tickets, error) {
	caller, err := s.caller(c)
	if err != nil {
		return nil, err
	}
	page, err := s.store.Tickets(c.Request.Context(), s.sight(c), e.USCC, "", web.MaxTickets)
	if err != nil {
		return nil, fmt.Errorf("read tickets: %w", err)
	}
	view := &web.Tickets{MayMake: caller.ActsFor(e.USCC) || caller.Holds(access.Supervisor, e.RegionCode), Days: ticketDays}
	for _, purpose := range access.Purposes {
		view.Purposes = append(view.Purposes, string(purpose))
	}
	for i := range page.Items {
		k := newTicketItem(&page.Items[i], s.now())
		view.Rows = append(view.Rows, web.TicketLine{ID: k.ID, Purpose: string(k.Purpose), Partner: k.Partner, State: string(k.State), MadeAt: k.MadeAt, ExpiresAt: k.ExpiresAt, UsedAt: k.UsedAt, UsedBy: k.UsedBy})
	}
	return view, nil
}
