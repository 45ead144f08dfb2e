package credential

import (
	"errors"
	"time"

	"healthcode/registry"
)

// Reason says in one word why a verdict is what it is. The words are part of the interface: machines read them.
type Reason string

// The reasons that one text, a key set and a time can give.
const (
	ReasonOK                 Reason = "ok"
	ReasonExpired            Reason = "expired"
	ReasonNotYetValid        Reason = "not_yet_valid"
	ReasonBadSignature       Reason = "bad_signature"
	ReasonUnknownKey         Reason = "unknown_key"
	ReasonUnsupportedVersion Reason = "unsupported_version"
	ReasonMalformed          Reason = "malformed"
	ReasonClock              Reason = "clock" // of screen codes: a clock is off, or it is an old picture
)

// The reasons that lists give.
const (
	ReasonRevoked    Reason = "revoked"
	ReasonSuspended  Reason = "suspended"
	ReasonSuperseded Reason = "superseded"
	ReasonStaleList  Reason = "stale_list" // authentic, but whether it still counts and with what grade is not known
)

// Why a text is not a valid code; one for each reason but ok.
var (
	ErrExpired            = errors.New("the code has expired")
	ErrNotYetValid        = errors.New("the code is dated in the future")
	ErrBadSignature       = errors.New("the signature does not fit")
	ErrUnknownKey         = errors.New("no such key in the key set")
	ErrUnsupportedVersion = errors.New("the code is of a version that is not known here")
	ErrMalformed          = errors.New("this is not a health code")
	ErrClock              = errors.New("a clock is off, or this is an old picture: have the screen renew its code")
)

// Form is the form in which a code was shown.
type Form string

// The forms. A packed code that lives for seconds was shown on a screen.
const (
	FormPrinted Form = "printed"
	FormScreen  Form = "screen"
	FormJWT     Form = "jwt"
)

// Currency says whether a code counts today. Empty: nobody looked.
type Currency string

// The currencies. CurrentYes comes only with today's grade.
const (
	CurrentYes     Currency = "yes"
	CurrentNo      Currency = "no"
	CurrentUnknown Currency = "unknown" // authentic, but the lists are too old, or there are none: never show a grade as today's
)

// TodaysGrade is a grade with its date.
type TodaysGrade struct {
	Tier   registry.Tier   `json:"tier"`
	Colour registry.Colour `json:"colour"`
	AsOf   time.Time       `json:"as_of"` // iat of the grade list, or of a screen code, UTC
}

// Verdict is the answer about one text. Without lists Authentic alone decides; with lists, Authentic and Current. All fields after Detail
// are empty unless SignatureValid: nothing of an unverified code is ever returned.
type Verdict struct {
	Authentic      bool     `json:"authentic"`         // true only with ReasonOK and ReasonStaleList
	Current        Currency `json:"current,omitempty"` // empty when no lists were asked
	Reason         Reason   `json:"reason"`            //
	SignatureValid bool     `json:"signature_valid"`   // true also for codes that are out of date, revoked, suspended or superseded
	Detail         string   `json:"detail,omitempty"`  // what is wrong, in English; at most a number of the text, never its words

	Form      Form            `json:"form"`
	Issuer    string          `json:"issuer"` // that of the key; a host in the text counts for nothing
	KeyID     string          `json:"kid"`
	USCC      registry.USCC   `json:"uscc"`
	Tier      registry.Tier   `json:"tier"`
	Colour    registry.Colour `json:"colour"`
	AtIssue   bool            `json:"at_issue"` // tier and colour are those of the time of issue, not today's
	Model     uint16          `json:"model"`
	IssuedAt  time.Time       `json:"issued_at"`
	ExpiresAt time.Time       `json:"expires_at"`
	Index     uint32          `json:"idx"` // place in the status and grade lists

	StatusAsOf time.Time   `json:"status_as_of,omitzero"` // iat of the status list that was asked, UTC
	Grade      TodaysGrade `json:"grade,omitzero"`        // today's; absent when unknown
}

// Refused is the verdict for an error of this package. Anything unforeseen is malformed, never ok.
func Refused(err error) Verdict {
	v := Verdict{Reason: ReasonMalformed, Detail: err.Error()}
	for _, known := range []struct {
		err    error
		reason Reason
	}{
		{ErrUnsupportedVersion, ReasonUnsupportedVersion}, // first: it may stand within ErrMalformed
		{ErrExpired, ReasonExpired},
		{ErrNotYetValid, ReasonNotYetValid},
		{ErrClock, ReasonClock},
		{ErrBadSignature, ReasonBadSignature},
		{ErrUnknownKey, ReasonUnknownKey},
	} {
		if errors.Is(err, known.err) {
			v.Reason = known.reason
			return v
		}
	}
	return v
}

// fill writes what the signature vouches for.
func (v *Verdict) fill(c *Code, key *PublicKey, form Form) {
	v.SignatureValid, v.AtIssue = true, true
	v.Form, v.Issuer, v.KeyID = form, key.Issuer, key.ID()
	v.USCC, v.Tier, v.Colour, v.Model, v.Index = c.USCC, c.Tier, c.Colour, c.Model, c.Index
	v.IssuedAt, v.ExpiresAt = c.Issued(), c.Expires()
}

// SetStatus writes what is known about the code's status and of when. A code that is not valid any more is not authentic any more.
func (v *Verdict) SetStatus(s Status, asOf time.Time) {
	v.StatusAsOf = asOf.UTC()
	switch s {
	case StatusValid:
		return
	case StatusSuspended:
		v.Reason, v.Detail = ReasonSuspended, "the code is suspended"
	case StatusSuperseded:
		v.Reason, v.Detail = ReasonSuperseded, "a newer code has taken its place"
	default:
		v.Reason, v.Detail = ReasonRevoked, "the code has been revoked"
	}
	v.Authentic, v.Current = false, CurrentNo
}

// LivesForSeconds reports whether the code is renewed every few seconds, as those on a screen are: its tier and colour are those of its
// time of issue, which is now.
func (v *Verdict) LivesForSeconds() bool {
	return v.ExpiresAt.Sub(v.IssuedAt) < time.Duration(inSeconds)*time.Second
}
