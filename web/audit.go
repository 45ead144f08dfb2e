package web

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// AuditPage shows who changed what, newest first.
type AuditPage struct {
	Page
	Filter     AuditFilter
	Lines      []AuditLine
	Next       string           // cursor of the next page, empty on the last
	Checkpoint *AuditCheckpoint // the newest; nil when none was made
}

// AuditFilter is what the reader asked for, as it was typed.
type AuditFilter struct{ Noun, ID, Actor, USCC, From, To, Cursor string }

// AuditLine is one change.
type AuditLine struct {
	Number  int64
	At      time.Time
	Kind    string // of the actor
	Actor   string // its name
	Doing   string // of a command
	Request string
	Action  string
	Noun    string
	ID      string
	USCC    string // empty: about no enterprise, or several
	Before  []AuditValue
	After   []AuditValue
	Hash    string
}

// AuditValue is a member of what was before or is after a change.
type AuditValue struct{ Name, Text string }

// AuditCheckpoint says up to which line the log was signed, and when.
type AuditCheckpoint struct {
	Number int64
	At     time.Time
}

// auditNouns are what a change may be of, in the order of the choice.
var auditNouns = []string{"account", "session", "partner", "partner_key", "webhook", "ticket", "enterprise", "record", "submission", "recourse", "listing", "product", "region", "code", "signing_key", "key_set", "model", "run", "look", "scan", "delivery"}

// Nouns are the choices of what was changed.
func (p AuditPage) Nouns() []Choice {
	choices := make([]Choice, len(auditNouns))
	for i, noun := range auditNouns {
		choices[i] = Choice{Value: noun, Label: p.Term("audit_noun", noun)}
	}
	return choices
}

// ActionWord is the word for what was done, without what it was done to.
func (p AuditPage) ActionWord(l AuditLine) string {
	return p.Term("audit_action", strings.TrimPrefix(l.Action, l.Noun+"."))
}

// Filtered reports whether the reader asked for anything.
func (p AuditPage) Filtered() bool {
	f := p.Filter
	f.Cursor = ""
	return f != AuditFilter{}
}

// NextURL leads to the older lines.
func (p AuditPage) NextURL() string { return p.with("cursor", p.Next) }

// FirstURL leads to the newest lines.
func (p AuditPage) FirstURL() string { return p.with("cursor", "") }

// AuditValues puts the members of an object in the order of their names; a text stands without quotes.
func AuditValues(members map[string]json.RawMessage) []AuditValue {
	var values []AuditValue
	for _, name := range slices.Sorted(maps.Keys(members)) {
		text := string(members[name])
		var plain string
		if json.Unmarshal(members[name], &plain) == nil {
			text = plain
		}
		values = append(values, AuditValue{name, text})
	}
	return values
}
