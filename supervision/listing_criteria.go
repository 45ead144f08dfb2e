package supervision

import (
	"bytes"
	_ "embed" // the criteria that come with the program
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"healthcode/registry"
)

// Criteria are the terms of a list as data: what stands on it must meet them. A version is immutable and holds from a day on.
type Criteria struct {
	List      string       `json:"list"`
	Version   int          `json:"version"` // 1, 2, …
	ValidFrom registry.Day `json:"valid_from"`
	Basis     string       `json:"basis"` // the text on which the list rests, for people

	Asked *Asked `json:"asked,omitempty"` // of trusted merchants
	Term  *Term  `json:"term,omitempty"`  // of the serious-violation list
}

// Asked is what a trusted merchant must meet. What is zero is not asked.
type Asked struct {
	Tier           registry.Tier     `json:"tier_at_least,omitzero"`
	Colour         registry.Colour   `json:"colour_at_least,omitzero"`
	HeldDays       int               `json:"held_days,omitempty"` // for so long tier and colour must have been that good without a break
	RegisteredDays int               `json:"registered_days,omitempty"`
	NoHazard       registry.Severity `json:"no_open_hazard_from,omitzero"` // nothing of this severity or above waits to be rectified
	NoVeto         bool              `json:"no_veto,omitempty"`
	NotSerious     bool              `json:"not_on_serious_list,omitempty"`
	Commitment     bool              `json:"commitment,omitempty"` // made, and not broken since

	ReturnDays int `json:"return_days,omitempty"` // after a suspension everything must have been met for so long
	RemoveDays int `json:"remove_days,omitempty"` // a suspension of so many days ends the listing; 0: never
}

// Term is how long an entry of the serious-violation list lasts.
type Term struct {
	Years      int `json:"years"`
	ExitDays   int `json:"exit_days"`   // after so many days it may be let go early
	NoticeDays int `json:"notice_days"` // for so long the enterprise may answer before it is listed
}

// MaxCriteria bounds a document, in bytes.
const MaxCriteria = 16 << 10

// ErrCriteria is the reason for a document of criteria that cannot be taken.
var ErrCriteria = errors.New("the criteria make no sense")

//go:embed listing_trusted_merchant.json
var trustedDefault []byte

//go:embed listing_serious_violation.json
var seriousDefault []byte

// DefaultCriteria returns the criteria that come with the program, version 1, which hold until a bureau sets its own. Nil for no list of ours.
func DefaultCriteria(list string) *Criteria {
	text := map[string][]byte{ListTrusted: trustedDefault, ListSerious: seriousDefault}[list]
	if text == nil {
		return nil
	}
	c, err := ParseCriteria(text)
	if err != nil {
		panic(err) // a test reads them
	}
	return c
}

// ParseCriteria reads a document strictly: at most MaxCriteria bytes of UTF-8, one JSON object, no unknown and no repeated member, every number in
// its range. An error wraps ErrCriteria, and registry.Problems when fields are wrong.
func ParseCriteria(data []byte) (*Criteria, error) {
	if len(data) > MaxCriteria || !utf8.Valid(data) {
		return nil, fmt.Errorf("%w: want at most %d bytes of UTF-8", ErrCriteria, MaxCriteria)
	}
	if err := onceEach(json.NewDecoder(bytes.NewReader(data))); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCriteria, err)
	}
	c := &Criteria{}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(c); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCriteria, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows the object", ErrCriteria)
	}
	if err := c.problems().Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCriteria, err)
	}
	return c, nil
}

// onceEach refuses a value in which an object names a member twice.
func onceEach(d *json.Decoder) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	open, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			name, err := d.Token()
			if err != nil {
				return err
			}
			text, _ := name.(string) // encoding/json takes members in any case
			if seen[strings.ToLower(text)] {
				return fmt.Errorf("%.40q stands twice", text)
			}
			seen[strings.ToLower(text)] = true
		}
		if err := onceEach(d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// maxDays bounds every number of days: ten years.
const maxDays = 3660

func (c *Criteria) problems() (p registry.Problems) {
	add := func(bad bool, field, problem, want string) {
		if bad {
			p = append(p, registry.Problem{Field: field, Problem: problem, Want: want})
		}
	}
	days := func(field string, n, least int) {
		add(n < least || n > maxDays, field, "is out of range", fmt.Sprintf("%d to %d days", least, maxDays))
	}
	add(c.List != ListTrusted && c.List != ListSerious, "list", "is not known", ListTrusted+" or "+ListSerious)
	add(c.Version < 1 || c.Version > 9999, "version", "is out of range", "1 to 9999")
	add(c.ValidFrom == 0, "valid_from", "is missing", "a date, YYYY-MM-DD")
	add(c.Basis == "" || utf8.RuneCountInString(c.Basis) > 500 || bytes.ContainsFunc([]byte(c.Basis), func(r rune) bool { return r < ' ' }),
		"basis", "is missing, too long or not one line", "1 to 500 characters on one line")
	add((c.Asked != nil) != (c.List == ListTrusted), "asked", "goes with "+ListTrusted+" and with nothing else", "what a trusted merchant must meet")
	add((c.Term != nil) != (c.List == ListSerious), "term", "goes with "+ListSerious+" and with nothing else", "how long an entry lasts")
	if a := c.Asked; a != nil {
		days("asked.held_days", a.HeldDays, 0)
		days("asked.registered_days", a.RegisteredDays, 0)
		days("asked.return_days", a.ReturnDays, 0)
		days("asked.remove_days", a.RemoveDays, 0)
		add(a.HeldDays > 0 && a.Tier == registry.TierNew && a.Colour == registry.ColourNone, "asked.held_days", "says for how long, not what", "tier_at_least or colour_at_least beside it")
		add(*a == Asked{ReturnDays: a.ReturnDays, RemoveDays: a.RemoveDays}, "asked", "asks nothing", "at least one criterion")
	}
	if t := c.Term; t != nil {
		add(t.Years < 1 || t.Years > 10, "term.years", "is out of range", "1 to 10")
		days("term.exit_days", t.ExitDays, 1)
		days("term.notice_days", t.NoticeDays, 1)
	}
	return p
}
