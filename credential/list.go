package credential

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"healthcode/registry"
)

// ListKind is what a list says about each code.
type ListKind string

// The kinds. A status list is an IETF Token Status List with 2 bits a code (draft-ietf-oauth-status-list-21); a grade list is ours and
// has 8 bits a code, under another typ, so that neither passes for the other.
const (
	ListStatus ListKind = "status"
	ListGrade  ListKind = "grade"
)

const (
	// ListSize is how many codes one list holds, always: number of the list = index / ListSize, place in it = index % ListSize.
	ListSize = 1 << listBits
	// MaxListNumber is the number of the last list: an index has 32 bits.
	MaxListNumber = 1<<(32-listBits) - 1
	// ListTTL is how long a reader keeps a list before it asks for a newer one.
	ListTTL = time.Hour
	// ListLifetime is how long a list counts as current. Later a verifier must not say that a code is current.
	ListLifetime = 24 * time.Hour
)

// ErrList means that a text is not a usable list.
var ErrList = errors.New("not a usable list")

// shape is what the template of a list depends on.
type shape struct {
	bits   int    // of one code, a divisor of 8
	typ    string // of the header
	path   string // between the issuer and the list's number
	member string // of the payload
	tail   bool   // the payload names the aggregation document
}

var shapes = map[ListKind]shape{
	ListStatus: {bits: 2, typ: "statuslist+jwt", path: statusPath, member: "status_list", tail: true},
	ListGrade:  {bits: 8, typ: "qc-gradelist+jwt", path: "/lists/grade/", member: "grade_list"},
}

// Bytes returns how many bytes a list of this kind has: 2^18 or 2^20. It is 0 for an unknown kind.
func (k ListKind) Bytes() int { return ListSize * shapes[k].bits / 8 }

// MediaType returns the Content-Type of a token of this kind.
func (k ListKind) MediaType() string { return "application/" + shapes[k].typ }

// Subject returns the sub of a list, which is also its address: ISSUER/lists/status/N or ISSUER/lists/grade/N.
func (k ListKind) Subject(issuer string, number uint32) string {
	return issuer + shapes[k].path + strconv.FormatUint(uint64(number), 10)
}

// Status is what a status list says about a code.
type Status uint8

// The statuses. Revoked is the draft's INVALID; superseded is the value that the draft leaves to the application. Revoked and superseded
// are final.
const (
	StatusValid Status = iota
	StatusRevoked
	StatusSuspended
	StatusSuperseded
)

var statusNames = [...]string{"valid", "revoked", "suspended", "superseded"}

func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return strconv.Itoa(int(s)) + "?"
}

// Final reports whether the status can never change again.
func (s Status) Final() bool { return s == StatusRevoked || s == StatusSuperseded }

// PutStatus writes a code's status into the bytes of a status list. place is below ListSize.
func PutStatus(entries []byte, place uint32, s Status) {
	putValue(entries, shapes[ListStatus].bits, place, uint8(s))
}

// GradeByte is a code's byte in a grade list: colour in the high nibble, tier in the low, as in the packed form. 0 means no grade; so a
// colour that is none gives 0 whatever the tier.
func GradeByte(colour registry.Colour, tier registry.Tier) byte {
	if colour == registry.ColourNone {
		return 0
	}
	return byte(colour)<<4 | byte(tier)
}

// gradeOf takes a byte of a grade list apart; ok is false for no grade and for a byte that is none.
func gradeOf(b byte) (tier registry.Tier, colour registry.Colour, ok bool) {
	tier, colour = registry.Tier(b&15), registry.Colour(b>>4)
	if colour < registry.ColourGreen || colour > registry.ColourRed || tier > registry.TierC {
		return 0, 0, false
	}
	return tier, colour, true
}

// List is a list whose signature was found good. It never changes and is safe for concurrent use.
type List struct {
	Kind      ListKind
	Number    uint32
	Issuer    string
	KeyID     string
	IssuedAt  time.Time // UTC, whole seconds
	ExpiresAt time.Time
	TTL       time.Duration
	entries   []byte
}

// Subject returns the sub of the list, which is also its address.
func (l *List) Subject() string { return l.Kind.Subject(l.Issuer, l.Number) }

// Status returns the status of the code at a place. Whatever cannot be looked up (a place of 2^20 or more, a grade list) counts as revoked.
func (l *List) Status(place uint32) Status {
	if l.Kind != ListStatus || place >= ListSize {
		return StatusRevoked
	}
	return Status(valueAt(l.entries, shapes[ListStatus].bits, place))
}

// Grade returns the grade of the code at a place; ok is false when there is none, also for a place of 2^20 or more and in a status list.
func (l *List) Grade(place uint32) (tier registry.Tier, colour registry.Colour, ok bool) {
	if l.Kind != ListGrade || place >= ListSize {
		return 0, 0, false
	}
	return gradeOf(l.entries[place])
}

// Current reports whether the list may be used to say what is so at now: not expired, and not dated more than Leeway ahead.
func (l *List) Current(now time.Time) bool {
	return now.Before(l.ExpiresAt) && !l.IssuedAt.After(now.Add(Leeway))
}

// valueAt reads entry place of a list with so many bits an entry, least significant bits first.
func valueAt(entries []byte, bits int, place uint32) uint8 {
	bit := int(place) * bits
	return entries[bit/8] >> (bit % 8) & uint8(1<<bits-1)
}

// putValue writes it.
func putValue(entries []byte, bits int, place uint32, value uint8) {
	bit := int(place) * bits
	mask := uint8(1<<bits-1) << (bit % 8)
	entries[bit/8] = entries[bit/8]&^mask | value<<(bit%8)&mask
}

func checkList(kind ListKind, number uint32, size int) error {
	switch {
	case shapes[kind].bits == 0:
		return fmt.Errorf("%w: no such kind %.20q", ErrList, kind)
	case number > MaxListNumber:
		return fmt.Errorf("%w: number %d, the last is %d", ErrList, number, MaxListNumber)
	case size != kind.Bytes():
		return fmt.Errorf("%w: %d bytes, a %s list has %d", ErrList, size, kind, kind.Bytes())
	}
	return nil
}
