package web

import "time"

// MaxTickets is how many tickets an enterprise's page shows.
const MaxTickets = 20

// Tickets is the part of an enterprise's page about tickets, with a form for who may make them.
type Tickets struct {
	Rows     []TicketLine // newest first, at most MaxTickets
	MayMake  bool
	Purposes []string
	Days     []int  // for how long a ticket may live
	Made     string // the whole ticket that was just made: shown once
	Problem  string // why the last try was refused
	Purpose  string // what was typed then
	Partner  string
	Lives    int
}

// TicketLine is one ticket, without its secret.
type TicketLine struct {
	ID        string
	Purpose   string
	Partner   string // empty: any
	State     string // open, used or expired
	MadeAt    time.Time
	ExpiresAt time.Time
	UsedAt    time.Time
	UsedBy    string
}
