package web

import (
	"html/template"
	"time"

	"healthcode/registry"
)

// ScreenPage shows an enterprise's code on its own screen and renews it.
type ScreenPage struct {
	Page
	USCC       registry.USCC
	Name       string
	State      string // valid, suspended or revoked; only a valid one is shown
	Image      template.URL
	Tier       registry.Tier
	Colour     registry.Colour
	IssuedAt   time.Time
	Left       int64  // seconds that the code still lives
	RenewAfter int64  // seconds
	API        string // where the next one comes from
}

// Valid reports whether a code is shown.
func (s ScreenPage) Valid() bool { return s.State == "valid" }
