package access

import (
	"encoding/base64"
	"strings"

	"healthcode/registry"
)

// Ticket is what an enterprise hands to a partner, so that it sees once what a purpose allows: hct_USCC_SECRET. The code finds its row, which
// has the enterprise first in its key; only the hash of the secret is stored.
type Ticket struct {
	USCC   registry.USCC
	Secret Secret
}

const (
	ticketMark = "hct_"
	codeLength = 18
)

// NewTicket makes a ticket of an enterprise.
func NewTicket(code registry.USCC) Ticket { return Ticket{code, NewSecret()} }

// Text returns the whole ticket. It is shown once.
func (t Ticket) Text() string { return ticketMark + string(t.USCC) + "_" + string(t.Secret) }

// ParseTicket takes the text of a ticket apart; ok is false for anything that NewTicket cannot have made.
func ParseTicket(text string) (t Ticket, ok bool) {
	rest, marked := strings.CutPrefix(text, ticketMark)
	if !marked || len(rest) != codeLength+1+secretLength || rest[codeLength] != '_' {
		return Ticket{}, false
	}
	t = Ticket{registry.USCC(rest[:codeLength]), Secret(rest[codeLength+1:])}
	if strings.Trim(string(t.USCC), "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return Ticket{}, false
	}
	bytes, err := base64.RawURLEncoding.Strict().DecodeString(string(t.Secret))
	return t, err == nil && len(bytes) == 32
}
