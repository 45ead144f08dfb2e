package schematest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/schema"
)

// lookCases are about partners who look.
var lookCases = []suiteCase{
	{"looks: counted, paged, bounded, pruned", looks},
	{"tickets: listed, withdrawn, pruned", ticketsListed},
	{"tickets: one partner, once", tickets},
}

func looks(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	seed(t, db, 2, 0)
	bank := must(db.AddPartner(t.Context(), schema.Partner{Name: "bank"}))(t)
	office := must(db.AddPartner(t.Context(), schema.Partner{Name: "office"}))(t)
	look := func(n int, partner int64, purpose access.Purpose, after time.Duration) schema.Look {
		return schema.Look{USCC: Code(n), At: signIn.Add(after), PartnerID: partner, Purpose: purpose, Means: schema.LookByCode, Looks: 1}
	}
	var many []schema.Look
	for range 30 {
		many = append(many, look(0, bank, access.PurposeFinance, 0), look(0, office, access.PurposePermitting, 0), look(1, bank, access.PurposeFinance, 0))
	}
	many = append(many, look(0, bank, access.PurposePublic, 0), look(0, bank, access.PurposeFinance, time.Second))
	must(0, db.AddLooks(t.Context(), many))(t)
	must(0, db.AddLooks(t.Context(), many[:1]))(t)
	must(0, db.AddLooks(t.Context(), nil))(t)

	var got []schema.Look
	for cursor := ""; ; {
		page := must(db.LooksAt(t.Context(), access.Everything(), Code(0), cursor, 1))(t)
		got = append(got, page.Items...)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	want := []schema.Look{look(0, bank, access.PurposeFinance, time.Second), look(0, bank, access.PurposeFinance, 0), look(0, bank, access.PurposePublic, 0),
		look(0, office, access.PurposePermitting, 0)}
	want[1].Looks, want[3].Looks = 31, 30
	for i := range want {
		want[i].Partner = map[int64]string{bank: "bank", office: "office"}[want[i].PartnerID]
		if len(got) != len(want) || got[i] != want[i] {
			t.Fatalf("look %d: %+v, want %+v", i, got, want)
		}
	}
	for name, sight := range map[string]access.Sight{"another county": {Regions: access.RegionsOf("330481")}, "nowhere": {}, "another's": {Owns: []registry.USCC{Code(1)}}} {
		if page := must(db.LooksAt(t.Context(), sight, Code(0), "", 9))(t); len(page.Items) != 0 {
			t.Errorf("%s: %+v", name, page.Items)
		}
	}
	for name, sight := range map[string]access.Sight{"the county": {Regions: access.RegionsOf("330402")}, "its own": {Owns: []registry.USCC{Code(0)}}} {
		if page := must(db.LooksAt(t.Context(), sight, Code(0), "", 9))(t); len(page.Items) != 4 {
			t.Errorf("%s: %+v", name, page.Items)
		}
	}
	for _, cursor := range []string{"x", "[]", `{"a":"x"}`, `{"u":"\u0000"}`} {
		if _, err := db.LooksAt(t.Context(), access.Everything(), Code(0), cursor, 1); !errors.Is(err, schema.ErrCursor) {
			t.Errorf("cursor %s: %v", cursor, err)
		}
	}
	if n := must(db.PruneLooks(t.Context(), signIn))(t); n != 0 {
		t.Errorf("%d looks of today are gone", n)
	}
	if n := must(db.PruneLooks(t.Context(), signIn.Add(time.Millisecond)))(t); n != 4 {
		t.Errorf("%d went, want 4", n)
	}
	if page := must(db.LooksAt(t.Context(), access.Everything(), Code(0), "", 9))(t); len(page.Items) != 1 || page.Items[0] != want[0] {
		t.Errorf("left: %+v", page.Items)
	}
}

func tickets(t *testing.T, fresh Opener) {
	config := fresh(t)
	db := Reopen(t, config)
	seed(t, db, 1, 0)
	bank := must(db.AddPartner(t.Context(), schema.Partner{Name: "bank"}))(t)
	rival := must(db.AddPartner(t.Context(), schema.Partner{Name: "rival"}))(t)
	ticket := func(hash string, partner int64) *schema.Ticket {
		k := schema.Ticket{USCC: Code(0), Hash: hash, Purpose: access.PurposeFinance, PartnerID: partner, AccountID: 7, CreatedAt: signIn, ExpiresAt: signIn.Add(time.Hour)}
		must(0, db.AddTicket(t.Context(), k))(t)
		return must(db.Ticket(t.Context(), k.USCC, hash))(t)
	}
	for name, c := range map[string]struct {
		ticket  *schema.Ticket
		partner int64
		at      time.Time
		want    error
	}{
		"its own":         {ticket("own", bank), bank, signIn, nil},
		"anybody's":       {ticket("any", 0), rival, signIn.Add(time.Hour - time.Microsecond), nil},
		"another's":       {ticket("foreign", bank), rival, signIn, schema.ErrTicketForeign},
		"at its end":      {ticket("expired", 0), bank, signIn.Add(time.Hour), schema.ErrTicketExpired},
		"another's, late": {ticket("both", bank), rival, signIn.Add(time.Hour), schema.ErrTicketForeign},
		"unknown":         {&schema.Ticket{USCC: Code(0), Hash: "none"}, bank, signIn, schema.ErrNotFound},
	} {
		if err := db.UseTicket(t.Context(), c.ticket, c.partner, c.at); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if c.want != nil {
			continue
		}
		if err := db.UseTicket(t.Context(), c.ticket, c.partner, c.at); !errors.Is(err, schema.ErrTicketUsed) {
			t.Errorf("%s, again: %v", name, err)
		}
		if k := must(db.Ticket(t.Context(), Code(0), c.ticket.Hash))(t); !k.UsedAt.Equal(c.at) || k.UsedBy != c.partner || k.AccountID != 7 {
			t.Errorf("%s: %+v", name, k)
		}
	}
	if page := must(db.LooksAt(t.Context(), access.Everything(), Code(0), "", 9))(t); len(page.Items) != 2 || page.Items[0].Means != schema.LookByTicket {
		t.Errorf("looks: %+v", page.Items)
	}
	raceForTicket(t, config, ticket("raced", 0), bank)
	for n := range schema.MaxOpenTickets - 3 { // three of those above are still open
		ticket(string(rune('a'+n)), 0)
	}
	over := schema.Ticket{USCC: Code(0), Hash: "over", CreatedAt: signIn, ExpiresAt: signIn.Add(time.Hour)}
	if err := db.AddTicket(t.Context(), over); !errors.Is(err, schema.ErrManyTickets) {
		t.Errorf("one ticket too many: %v", err)
	}
	over.CreatedAt, over.ExpiresAt = signIn.Add(time.Hour), signIn.Add(2*time.Hour)
	must(0, db.AddTicket(t.Context(), over))(t)
}

// raceForTicket has many use one ticket at once over several handles: one succeeds.
func raceForTicket(t *testing.T, config schema.Config, k *schema.Ticket, partner int64) {
	t.Helper()
	var group sync.WaitGroup
	var succeeded atomic.Int32
	for range 4 {
		db := Reopen(t, config)
		for range 4 {
			group.Go(func() {
				switch err := db.UseTicket(t.Context(), k, partner, signIn); {
				case err == nil:
					succeeded.Add(1)
				case !errors.Is(err, schema.ErrTicketUsed):
					t.Errorf("lost the race: %v", err)
				}
			})
		}
	}
	group.Wait()
	if n := succeeded.Load(); n != 1 {
		t.Errorf("the ticket counted %d times", n)
	}
}

func ticketsListed(t *testing.T, fresh Opener) {
	db := Open(t, fresh)
	seed(t, db, 2, 0)
	bank := must(db.AddPartner(t.Context(), schema.Partner{Name: "bank"}))(t)
	hash := func(n int) string { return fmt.Sprintf("%012x%052x", n, n) }
	add := func(n int, code registry.USCC, partner int64, made time.Time) {
		k := schema.Ticket{USCC: code, Hash: hash(n), Purpose: access.PurposeFinance, PartnerID: partner, AccountID: 7, CreatedAt: made, ExpiresAt: made.Add(time.Hour)}
		must(0, db.AddTicket(t.Context(), k))(t)
	}
	for n := range 5 {
		add(n, Code(0), bank*int64(n%2), signIn.Add(time.Duration(n/2)*time.Minute))
	}
	add(9, Code(1), 0, signIn)
	must(0, db.UseTicket(t.Context(), must(db.Ticket(t.Context(), Code(0), hash(4)))(t), bank, signIn.Add(3*time.Minute)))(t)
	walk := func(sight access.Sight, code registry.USCC) (ids []string) {
		t.Helper()
		cursor := ""
		for {
			page := must(db.Tickets(t.Context(), sight, code, cursor, 2))(t)
			for _, k := range page.Items {
				ids = append(ids, strings.TrimLeft(k.ID(), "0")+k.Partner+k.User)
			}
			if cursor = page.Next; cursor == "" {
				return ids
			}
			if strings.Contains(cursor, "00000000000000") {
				t.Errorf("a cursor tells a hash: %s", cursor)
			}
		}
	}
	everything := access.Everything()
	if got := walk(everything, Code(0)); !slices.Equal(got, []string{"4bank", "2", "3bank", "", "1bank"}) {
		t.Errorf("tickets: %q", got)
	}
	if got := walk(access.Sight{Owns: []registry.USCC{Code(1)}}, Code(0)); len(got) != 0 {
		t.Errorf("seen by another: %q", got)
	}
	for _, bad := range []string{"x", "[]", `{"c":1,"h":"\u0000"}`} {
		if _, err := db.Tickets(t.Context(), everything, Code(0), bad, 2); !errors.Is(err, schema.ErrCursor) {
			t.Errorf("cursor %q: %v", bad, err)
		}
	}
	for name, c := range map[string]struct {
		code registry.USCC
		id   string
		at   time.Time
		want error
	}{
		"used":                 {Code(0), hash(4)[:12], signIn, schema.ErrTicketUsed},
		"expired":              {Code(0), hash(0)[:12], signIn.Add(time.Hour), schema.ErrTicketExpired},
		"another enterprise's": {Code(1), hash(0)[:12], signIn, schema.ErrNotFound},
		"a whole hash":         {Code(0), hash(0), signIn, schema.ErrNotFound},
		"a zero byte":          {Code(0), "\x00", signIn, schema.ErrNotFound},
		"a pattern":            {Code(0), "%", signIn, schema.ErrNotFound},
	} {
		if err := db.WithdrawTicket(t.Context(), c.code, c.id, c.at); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	open := must(db.Ticket(t.Context(), Code(0), hash(2)))(t)
	ticketsEnded(t, db, open, bank)
	if got := walk(everything, Code(0)); !slices.Equal(got, []string{"3bank"}) {
		t.Errorf("left: %q", got)
	}
	lines := strings.Join(auditTexts(t, db), "\n")
	if !strings.Contains(lines, `"action":"ticket.withdrawn","noun":"ticket","id":"`+open.ID()+`"`) || !strings.Contains(lines, "ticket.pruned") || strings.Contains(lines, open.Hash) {
		t.Errorf("audit: %s", lines)
	}
}

// ticketsEnded withdraws the open ticket and prunes the others of its time: 0, 1, the used 4, and the other enterprise's.
func ticketsEnded(t *testing.T, db *schema.DB, open *schema.Ticket, bank int64) {
	t.Helper()
	must(0, db.WithdrawTicket(t.Context(), Code(0), open.ID(), signIn))(t)
	if err := db.WithdrawTicket(t.Context(), Code(0), open.ID(), signIn); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("again: %v", err)
	}
	if err := db.UseTicket(t.Context(), open, bank, signIn); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("used after it: %v", err)
	}
	if n := must(db.PruneTickets(t.Context(), signIn.Add(3*time.Minute)))(t); n != 0 {
		t.Errorf("%d went too early", n)
	}
	if n := must(db.PruneTickets(t.Context(), signIn.Add(time.Hour+time.Microsecond)))(t); n != 4 {
		t.Errorf("%d went, want 4", n)
	}
}
