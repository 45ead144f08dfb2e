package web

import (
	"time"

	"healthcode/registry"
)

// VerdictPage is what someone sees after scanning a code.
type VerdictPage struct {
	Page
	Reason     string // one of the reasons of a verdict: ok, expired, bad_signature, …, or unknown_enterprise
	Authentic  bool   // the signature is ours and the code may be relied on now
	Signed     bool   // the signature is ours, whatever else is wrong
	Enterprise *VerdictEnterprise
	Grade      *Grade // the live grade; nil when the code may not be relied on or no grade exists
	Code       *VerdictCode
	CheckedAt  time.Time
	Since      time.Time // when the code was revoked, suspended or superseded; zero otherwise
	Reply      *PublicReply
	Copied     bool // a printed code that was scanned in many places of late: a hint, no verdict
}

// VerdictEnterprise names the enterprise that a code belongs to.
type VerdictEnterprise struct {
	USCC   registry.USCC
	Name   string
	Region string // full name, largest division first
}

// VerdictCode is what the code itself says.
type VerdictCode struct {
	Form      string // printed, screen or jwt
	IssuedAt  time.Time
	ExpiresAt time.Time
	Tier      registry.Tier   // at issue
	Colour    registry.Colour // at issue
	Model     int             // version of the model at issue
	KeyID     string
}

// Tone names the style of the headline: good, warn or bad.
func (v VerdictPage) Tone() string {
	switch {
	case v.Authentic:
		return "good"
	case v.Signed:
		return "warn"
	}
	return "bad"
}

// The reasons of a verdict whose signature fits, but the register does not have the enterprise, or never issued this code.
const (
	ReasonUnknownEnterprise = "unknown_enterprise"
	ReasonUnknownCode       = "unknown_code"
)

// VerdictReasons lists every reason that the verdict page has words for.
func VerdictReasons() []string {
	return []string{"ok", "expired", "not_yet_valid", "revoked", "suspended", "superseded", "bad_signature", "unknown_key",
		"unsupported_version", "malformed", "stale_list", "clock", ReasonUnknownEnterprise, ReasonUnknownCode}
}
