package web

import (
	"time"

	"healthcode/registry"
)

// CodeLine is one code of an enterprise with what became of it.
type CodeLine struct {
	Index     uint32
	Form      string // printed, screen or jwt
	Status    string // valid, revoked, suspended or superseded
	Expired   bool
	IssuedAt  time.Time
	ExpiresAt time.Time // zero for the place that all screen codes share
	Scans     int64     // of late; only printed codes are counted
	Steps     []CodeStepLine
}

// State is the word for what the code is good for now.
func (c CodeLine) State() string {
	if c.Status == "valid" && c.Expired {
		return "expired"
	}
	return c.Status
}

// CodeStepLine is one step in the life of a code.
type CodeStepLine struct {
	Step   string
	By     string
	Reason string
	At     time.Time
}

// SignalLine says that a printed code was scanned in many places on one day.
type SignalLine struct {
	USCC  registry.USCC
	Name  string
	Index uint32
	Day   registry.Day
	Areas int
	Scans int64
	Most  int // how many areas were still ordinary
}
