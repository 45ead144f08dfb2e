package schema

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"healthcode/access"
)

// Partner is another department or a bank, whose systems call the API.
type Partner struct {
	ID         int64
	Name       string
	Purposes   []access.Purpose
	Sources    []string // the record sources that it may send under
	Addresses  []string // CIDRs that its requests come from; none means any
	DisabledAt time.Time
	CreatedAt  time.Time

	Certificates []string // thumbprints (access.Thumbprint): its client must show one of them, beside the key; none means none
}

// PartnerKey is one API key of a partner, without its secret. Two may be in use at once while they are exchanged.
type PartnerKey struct {
	Prefix    string
	PartnerID int64
	Hash      string
	Scopes    []access.Scope
	CreatedAt time.Time
	ExpiresAt time.Time
	RevokedAt time.Time // zero while it may be used
	UsedAt    time.Time // to the minute
}

const partnerColumns = `p.id, p.name, p.purposes, p.sources, p.addresses, p.certificates, p.disabled_at, p.created_at`

func readPartner(scan func(...any) error) (Partner, error) {
	var p Partner
	var purposes, sources, addresses, certificates string
	var disabled, created int64
	err := scan(&p.ID, &p.Name, &purposes, &sources, &addresses, &certificates, &disabled, &created)
	p.Purposes, p.Sources, p.Addresses = words[access.Purpose](purposes), words[string](sources), words[string](addresses)
	p.Certificates = words[string](certificates)
	p.DisabledAt, p.CreatedAt = instant(disabled), instant(created)
	return p, err
}

// words splits what is kept in one column, separated by blanks.
func words[T ~string](text string) []T {
	var found []T
	for _, word := range strings.Fields(text) {
		found = append(found, T(word))
	}
	return found
}

func joined[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = string(word)
	}
	return strings.Join(texts, " ")
}

// partnerAudited is what the audit log says of a partner.
type partnerAudited struct {
	Name     string           `json:"name"`
	Purposes []access.Purpose `json:"purposes,omitempty"`
	Sources  []string         `json:"sources,omitempty"`
	Networks []string         `json:"networks,omitempty"` // Addresses; that word is masked, since a person has one

	Certificates []string `json:"certificates,omitempty"` // thumbprints, no secret
}

// partnerKeyAudited is what the audit log says of a partner's key.
type partnerKeyAudited struct {
	Partner   int64          `json:"partner,omitempty"`
	Scopes    []access.Scope `json:"scopes,omitempty"`
	ExpiresAt time.Time      `json:"expires_at,omitzero"`
	RevokedAt time.Time      `json:"revoked_at,omitzero"`
	Follows   string         `json:"follows,omitempty"` // the prefix of the key whose place it takes
}

// AddPartner stores a partner and returns its number; ErrConflict when the name is taken.
func (db *DB) AddPartner(ctx context.Context, p Partner) (int64, error) {
	var id int64
	err := db.inWrite(ctx, "add partner", sql.LevelReadCommitted, func(t *tx) error {
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		const query = `INSERT INTO partner (name, purposes, sources, addresses, certificates, disabled_at, created_at) VALUES (?, ?, ?, ?, ?, 0, ?)
			ON CONFLICT (name) DO NOTHING RETURNING id`
		ids := []int64{}
		if err := t.SelectContext(ctx, &ids, t.Rebind(query), p.Name, joined(p.Purposes), joined(p.Sources), joined(p.Addresses), joined(p.Certificates), now); err != nil {
			return err
		}
		if len(ids) == 0 {
			return fmt.Errorf("%w: the name is taken", ErrConflict)
		}
		id = ids[0]
		after := partnerAudited{p.Name, p.Purposes, p.Sources, p.Addresses, p.Certificates}
		return t.audit(ctx, auditEntry{Action: "partner.added", Noun: "partner", ID: number(id), After: after})
	})
	return id, err
}

// Partner returns a partner by its number, or ErrNotFound.
func (db *DB) Partner(ctx context.Context, id int64) (*Partner, error) {
	p, err := readPartner(db.read.QueryRowContext(ctx, db.read.Rebind(`SELECT `+partnerColumns+` FROM partner p WHERE p.id = ?`), id).Scan)
	if err != nil {
		return nil, db.fail(ctx, "read partner", err)
	}
	return &p, nil
}

// PartnerNamed returns a partner by its name, or ErrNotFound.
func (db *DB) PartnerNamed(ctx context.Context, name string) (*Partner, error) {
	if !storable(name) {
		return nil, fmt.Errorf("read partner: %w", ErrNotFound)
	}
	p, err := readPartner(db.read.QueryRowContext(ctx, db.read.Rebind(`SELECT `+partnerColumns+` FROM partner p WHERE p.name = ?`), name).Scan)
	if err != nil {
		return nil, db.fail(ctx, "read partner", err)
	}
	return &p, nil
}

// Partners returns every partner in the order of their names.
func (db *DB) Partners(ctx context.Context) ([]Partner, error) {
	return collect(ctx, db, "list partners", `SELECT `+partnerColumns+` FROM partner p ORDER BY p.name`, nil, readPartner)
}

// DisablePartner ends a partner with all its keys.
func (db *DB) DisablePartner(ctx context.Context, id int64, at time.Time) error {
	after := struct {
		DisabledAt time.Time `json:"disabled_at"`
	}{at.UTC()}
	entry := auditEntry{Action: "partner.disabled", Noun: "partner", ID: number(id), After: after}
	return db.changePartner(ctx, entry, `UPDATE partner SET disabled_at = ? WHERE id = ?`, micros(at), id)
}

const partnerKeyColumns = `k.prefix, k.partner_id, k.hash, k.scopes, k.created_at, k.expires_at, k.revoked_at, k.used_at`

func readPartnerKey(scan func(...any) error) (PartnerKey, error) {
	var k PartnerKey
	var scopes string
	var created, expires, revoked, used int64
	err := scan(&k.Prefix, &k.PartnerID, &k.Hash, &scopes, &created, &expires, &revoked, &used)
	k.Scopes = words[access.Scope](scopes)
	k.CreatedAt, k.ExpiresAt, k.RevokedAt, k.UsedAt = instant(created), instant(expires), instant(revoked), instant(used)
	return k, err
}

// AddPartnerKey stores a key of a partner. ErrConflict when the prefix is taken.
func (db *DB) AddPartnerKey(ctx context.Context, k PartnerKey) error {
	return db.inWrite(ctx, "add a partner's key", sql.LevelReadCommitted, func(t *tx) error { return t.addPartnerKey(ctx, k, "") })
}

func (t *tx) addPartnerKey(ctx context.Context, k PartnerKey, follows string) error {
	now, err := t.now(ctx)
	if err != nil {
		return err
	}
	const query = `INSERT INTO partner_key (prefix, partner_id, hash, scopes, created_at, expires_at, revoked_at, used_at) VALUES (?, ?, ?, ?, ?, ?, 0, 0)
		ON CONFLICT (prefix) DO NOTHING`
	result, err := t.ExecContext(ctx, t.Rebind(query), k.Prefix, k.PartnerID, k.Hash, joined(k.Scopes), now, micros(k.ExpiresAt))
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("%w: the prefix is taken", ErrConflict)
	}
	after := partnerKeyAudited{Partner: k.PartnerID, Scopes: k.Scopes, ExpiresAt: k.ExpiresAt.UTC(), Follows: follows}
	return t.audit(ctx, auditEntry{Action: "partner_key.added", Noun: "partner_key", ID: k.Prefix, After: after})
}

// RotatePartnerKey stores the key that takes an old one's place and lets the old one end: both at once. The new one is for the same
// partner and scopes. ErrNotFound when the old one is not there or was revoked.
func (db *DB) RotatePartnerKey(ctx context.Context, old string, k PartnerKey, until time.Time) error {
	return db.inWrite(ctx, "exchange a partner's key", sql.LevelReadCommitted, func(t *tx) error {
		const end = `UPDATE partner_key SET expires_at = CASE WHEN expires_at < ? THEN expires_at ELSE ? END WHERE prefix = ? AND revoked_at = 0
			RETURNING partner_id, scopes, expires_at`
		var scopes string
		var ends int64
		err := t.QueryRowContext(ctx, t.Rebind(end), micros(until), micros(until), old).Scan(&k.PartnerID, &scopes, &ends)
		if err != nil {
			return err
		}
		k.Scopes = words[access.Scope](scopes)
		entry := auditEntry{Action: "partner_key.ends", Noun: "partner_key", ID: old, After: partnerKeyAudited{ExpiresAt: instant(ends)}}
		if err := t.audit(ctx, entry); err != nil {
			return err
		}
		return t.addPartnerKey(ctx, k, old)
	})
}

// PartnerKey returns a key by its prefix, or ErrNotFound.
func (db *DB) PartnerKey(ctx context.Context, prefix string) (*PartnerKey, error) {
	statement, err := db.statement(ctx, `SELECT `+partnerKeyColumns+` FROM partner_key k WHERE k.prefix = ?`)
	if err != nil {
		return nil, db.fail(ctx, "read a partner's key", err)
	}
	k, err := readPartnerKey(statement.QueryRowContext(ctx, prefix).Scan)
	if err != nil {
		return nil, db.fail(ctx, "read a partner's key", err)
	}
	return &k, nil
}

// PartnerKeys returns the keys of a partner, newest first.
func (db *DB) PartnerKeys(ctx context.Context, partner int64) ([]PartnerKey, error) {
	const query = `SELECT ` + partnerKeyColumns + ` FROM partner_key k WHERE k.partner_id = ? ORDER BY k.created_at DESC, k.prefix`
	return collect(ctx, db, "list a partner's keys", query, []any{partner}, readPartnerKey)
}

// UsePartnerKey notes that a key was used.
func (db *DB) UsePartnerKey(ctx context.Context, prefix string, at time.Time) error {
	return db.inWrite(ctx, "note the use of a key", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		return t.updatePartner(ctx, `UPDATE partner_key SET used_at = ? WHERE prefix = ?`, micros(at), prefix)
	})
}

// RevokePartnerKey ends a key at once.
func (db *DB) RevokePartnerKey(ctx context.Context, prefix string, at time.Time) error {
	entry := auditEntry{Action: "partner_key.revoked", Noun: "partner_key", ID: prefix, After: partnerKeyAudited{RevokedAt: at.UTC()}}
	return db.changePartner(ctx, entry, `UPDATE partner_key SET revoked_at = ? WHERE prefix = ? AND revoked_at = 0`, micros(at), prefix)
}

func (db *DB) changePartner(ctx context.Context, entry auditEntry, query string, arguments ...any) error {
	return db.inWrite(ctx, entry.Action, sql.LevelReadCommitted, func(t *tx) error {
		if err := t.updatePartner(ctx, query, arguments...); err != nil {
			return err
		}
		return t.audit(ctx, entry)
	})
}

func (t *tx) updatePartner(ctx context.Context, query string, arguments ...any) error {
	result, err := t.ExecContext(ctx, t.Rebind(query), arguments...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("%w: no such partner or key", ErrNotFound)
	}
	return nil
}
