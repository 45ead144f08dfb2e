package access

import "slices"

// Purpose is why a partner asks about an enterprise (requirement J15). It decides how much the answer says.
type Purpose string

// The purposes.
const (
	PurposePublic     Purpose = "public"     // colour, tier, date: what a scanned code shows to anyone
	PurposeFinance    Purpose = "finance"    // tier, colour, index band, since when, trend, listings
	PurposePermitting Purpose = "permitting" // licences, vetoes, open rectifications
	PurposeListing    Purpose = "listing"    // eligibility as trusted merchant, criterion by criterion
	PurposeProject    Purpose = "project"    // application for a project or an award: tier, colour, since when, listings
)

// Purposes lists every purpose.
var Purposes = []Purpose{PurposePublic, PurposeFinance, PurposePermitting, PurposeListing, PurposeProject}

// Known reports whether the purpose is one of Purposes.
func (p Purpose) Known() bool { return slices.Contains(Purposes, p) }

// Scope is what a partner's key may be used for.
type Scope string

// The scopes.
const (
	ScopeVerify   Scope = "verify"   // verify codes, one by one and in batches, for its purposes
	ScopeChanges  Scope = "changes"  // the change feed and webhooks
	ScopeRecords  Scope = "records"  // send records under its own source names
	ScopeListings Scope = "listings" // read listings in full
)

// Scopes lists every scope.
var Scopes = []Scope{ScopeVerify, ScopeChanges, ScopeRecords, ScopeListings}

// Known reports whether the scope is one of Scopes.
func (s Scope) Known() bool { return slices.Contains(Scopes, s) }
