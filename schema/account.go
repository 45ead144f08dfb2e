package schema

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"healthcode/access"
	"healthcode/registry"
)

// Account is a person who signs in.
type Account struct {
	ID           int64
	Login        string // in small letters
	Kind         access.Kind
	Agency       string
	PasswordHash string // empty for one who signs in elsewhere
	TOTP         string // the sealed secret of the second factor, empty when there is none
	TOTPStep     int64
	Failures     int // in a row
	FailedAt     time.Time
	DisabledAt   time.Time // zero while the account may be used
	CreatedAt    time.Time
	PasswordAt   time.Time
	Grants       []access.Grant
	Owns         []registry.USCC
}

// Caller returns what the account may do.
func (a *Account) Caller() *access.Caller {
	return &access.Caller{Kind: a.Kind, ID: a.ID, Name: a.Login, Grants: a.Grants, Owns: a.Owns, Agency: a.Agency}
}

const accountColumns = `a.id, a.login, a.kind, a.agency, a.password_hash, a.totp, a.totp_step, a.failures, a.failed_at, a.disabled_at, a.created_at, a.password_at`

func readAccount(scan func(...any) error) (Account, error) {
	var a Account
	var failed, disabled, created, password int64
	err := scan(&a.ID, &a.Login, (*string)(&a.Kind), &a.Agency, &a.PasswordHash, &a.TOTP, &a.TOTPStep, &a.Failures, &failed, &disabled, &created, &password)
	a.FailedAt, a.DisabledAt, a.CreatedAt, a.PasswordAt = instant(failed), instant(disabled), instant(created), instant(password)
	return a, err
}

// rightsAudited is what the audit log says of the rights of an account.
type rightsAudited struct {
	Login  string          `json:"login,omitempty"`
	Kind   access.Kind     `json:"kind,omitempty"`
	Grants []access.Grant  `json:"grants"`
	Owns   []registry.USCC `json:"owns"`
}

// AddAccount stores an account with its grants and enterprises and returns its number; ErrConflict when the login name is taken.
func (db *DB) AddAccount(ctx context.Context, a Account) (int64, error) {
	var id int64
	err := db.inWrite(ctx, "add account", sql.LevelReadCommitted, func(t *tx) error {
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		const query = `INSERT INTO account (login, kind, agency, password_hash, totp, totp_step, failures, failed_at, disabled_at, created_at, password_at)
			VALUES (?, ?, ?, ?, '', 0, 0, 0, 0, ?, ?) ON CONFLICT (login) DO NOTHING RETURNING id`
		ids := []int64{}
		if err := t.SelectContext(ctx, &ids, t.Rebind(query), fold(a.Login), string(a.Kind), a.Agency, a.PasswordHash, now, now); err != nil {
			return err
		}
		if len(ids) == 0 {
			return fmt.Errorf("%w: the login name is taken", ErrConflict)
		}
		id = ids[0]
		after := rightsAudited{fold(a.Login), a.Kind, a.Grants, a.Owns}
		if err := t.audit(ctx, auditEntry{Action: "account.added", Noun: "account", ID: number(id), After: after}); err != nil {
			return err
		}
		return t.setRights(ctx, id, a.Grants, a.Owns)
	})
	return id, err
}

// SetRights replaces the grants and enterprises of an account; its sessions go on with the new ones.
func (db *DB) SetRights(ctx context.Context, id int64, grants []access.Grant, owns []registry.USCC) error {
	return db.inWrite(ctx, "set the rights of an account", sql.LevelReadCommitted, func(t *tx) error {
		var one int64 // one change at a time, and none beside an edit with a condition
		if err := t.GetContext(ctx, &one, t.Rebind(`SELECT id FROM account WHERE id = ?`+t.db.engine.dialect().updateLock), id); err != nil {
			return err
		}
		before, err := t.rights(ctx, id)
		if err != nil {
			return err
		}
		for _, table := range []string{"account_grant", "account_enterprise"} {
			if _, err := t.ExecContext(ctx, t.Rebind(`DELETE FROM `+table+` WHERE account_id = ?`), id); err != nil {
				return err
			}
		}
		if err := t.setRights(ctx, id, grants, owns); err != nil {
			return err
		}
		after, err := t.rights(ctx, id)
		if err != nil {
			return err
		}
		return t.audit(ctx, auditEntry{Action: "account.rights_set", Noun: "account", ID: number(id), Before: before, After: after})
	})
}

// rights reads the rights of an account in this transaction; ErrNotFound when there is no such account.
func (t *tx) rights(ctx context.Context, id int64) (r rightsAudited, err error) {
	const account = `SELECT login, kind FROM account WHERE id = ?`
	if err := t.QueryRowContext(ctx, t.Rebind(account), id).Scan(&r.Login, (*string)(&r.Kind)); err != nil {
		return r, err
	}
	const grants, owns = `SELECT role, region FROM account_grant WHERE account_id = ? ORDER BY role, region`, `SELECT uscc FROM account_enterprise WHERE account_id = ? ORDER BY uscc`
	if err := t.each(ctx, grants, []any{id}, func(scan func(...any) error) error {
		var g access.Grant
		err := scan((*string)(&g.Role), &g.Region)
		r.Grants = append(r.Grants, g)
		return err
	}); err != nil {
		return r, fmt.Errorf("read grants: %w", err)
	}
	return r, t.SelectContext(ctx, &r.Owns, t.Rebind(owns), id)
}

func (t *tx) setRights(ctx context.Context, id int64, grants []access.Grant, owns []registry.USCC) error {
	for _, g := range grants {
		const query = `INSERT INTO account_grant (account_id, role, region) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`
		if _, err := t.ExecContext(ctx, t.Rebind(query), id, string(g.Role), g.Region); err != nil {
			return err
		}
	}
	for _, code := range owns {
		const query = `INSERT INTO account_enterprise (account_id, uscc) VALUES (?, ?) ON CONFLICT DO NOTHING`
		if _, err := t.ExecContext(ctx, t.Rebind(query), id, string(code)); err != nil {
			return err
		}
	}
	return nil
}

// Account returns an account by its number, or ErrNotFound.
func (db *DB) Account(ctx context.Context, id int64) (*Account, error) {
	return db.account(ctx, `a.id = ?`, id)
}

// AccountOf returns an account by its login name in any case, or ErrNotFound.
func (db *DB) AccountOf(ctx context.Context, login string) (*Account, error) {
	if !storable(login) {
		return nil, fmt.Errorf("read account: %w", ErrNotFound)
	}
	return db.account(ctx, `a.login = ?`, fold(login))
}

// AccountElsewhere returns the account of somebody whom an OpenID provider knows, or ErrNotFound.
func (db *DB) AccountElsewhere(ctx context.Context, issuer, subject string) (*Account, error) {
	if !storable(issuer, subject) {
		return nil, fmt.Errorf("read account: %w", ErrNotFound)
	}
	return db.account(ctx, `a.id = (SELECT i.account_id FROM account_identity i WHERE i.issuer = ? AND i.subject = ?)`, issuer, subject)
}

func (db *DB) account(ctx context.Context, where string, arguments ...any) (*Account, error) {
	a, err := readAccount(db.read.QueryRowContext(ctx, db.read.Rebind(`SELECT `+accountColumns+` FROM account a WHERE `+where), arguments...).Scan)
	if err != nil {
		return nil, db.fail(ctx, "read account", err)
	}
	return &a, db.readRights(ctx, &a)
}

func (db *DB) readRights(ctx context.Context, a *Account) (err error) {
	const grants, owns = `SELECT role, region FROM account_grant WHERE account_id = ? ORDER BY role, region`, `SELECT uscc FROM account_enterprise WHERE account_id = ? ORDER BY uscc`
	readGrant := func(scan func(...any) error) (g access.Grant, err error) {
		return g, scan((*string)(&g.Role), &g.Region)
	}
	if a.Grants, err = collect(ctx, db, "read grants", grants, []any{a.ID}, readGrant); err != nil {
		return err
	}
	readCode := func(scan func(...any) error) (code registry.USCC, err error) { return code, scan((*string)(&code)) }
	a.Owns, err = collect(ctx, db, "read the enterprises of an account", owns, []any{a.ID}, readCode)
	return err
}

// AccountFilter chooses accounts; the zero value takes the first 50.
type AccountFilter struct {
	Kind  access.Kind
	After string // the login name that ended the page before
	Limit int
}

// Accounts returns accounts in the order of their login names, with their rights.
func (db *DB) Accounts(ctx context.Context, f AccountFilter) ([]Account, error) {
	where, arguments := []string{`a.login > ?`}, []any{f.After}
	if f.Kind != "" {
		where, arguments = append(where, `a.kind = ?`), append(arguments, string(f.Kind))
	}
	if f.Limit <= 0 {
		f.Limit = 50
	}
	query := `SELECT ` + accountColumns + ` FROM account a WHERE ` + strings.Join(where, " AND ") + ` ORDER BY a.login LIMIT ?`
	found, err := collect(ctx, db, "list accounts", query, append(arguments, f.Limit), readAccount)
	for i := range found {
		if err == nil {
			err = db.readRights(ctx, &found[i])
		}
	}
	return found, err
}

// AnyAccount reports whether there is an account at all. Until then the machine itself is trusted.
func (db *DB) AnyAccount(ctx context.Context) (bool, error) {
	var any bool
	err := db.read.GetContext(ctx, &any, `SELECT EXISTS (SELECT 1 FROM account)`)
	return any, db.fail(ctx, "look for accounts", err)
}

// accountAudited is what the audit log says of an account beside its rights. Secrets are told apart only by whether there is one.
type accountAudited struct {
	Login        string    `json:"login"`
	HasPassword  bool      `json:"has_password"`
	SecondFactor bool      `json:"second_factor"`
	Failures     int       `json:"failures,omitempty"`       // to sign in, in a row
	LockedUntil  time.Time `json:"locked_until,omitzero"`    // no attempt before is looked at
	DisabledAt   time.Time `json:"disabled_at,omitzero"`     //
	PasswordAt   time.Time `json:"password_at,omitzero"`     //
	EndedSession int64     `json:"ended_sessions,omitempty"` // with the change
}

// NoteFailure counts a failed attempt to sign in.
func (db *DB) NoteFailure(ctx context.Context, id int64, at time.Time) error {
	return db.changeAccount(ctx, accountChange{"account.sign_in_failed", `failures = failures + 1, failed_at = ?`, false}, id, micros(at))
}

// ForgiveFailures forgets the failed attempts of an account, if there are any.
func (db *DB) ForgiveFailures(ctx context.Context, id int64) error {
	return db.inWrite(ctx, "forget failed sign-ins", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		a, err := t.accountState(ctx, id)
		if err != nil || a.Failures == 0 {
			return err
		}
		return t.changeAccount(ctx, accountChange{"account.failures_forgiven", `failures = 0`, false}, id)
	})
}

// SetPassword stores the hash of a new password, forgets failures and ends every session of the account.
func (db *DB) SetPassword(ctx context.Context, id int64, hash string, at time.Time) error {
	return db.changeAccount(ctx, accountChange{"account.password_set", `password_hash = ?, password_at = ?, failures = 0`, true}, id, hash, micros(at))
}

// SetTOTP stores the sealed secret of the second factor; the empty one takes it away.
func (db *DB) SetTOTP(ctx context.Context, id int64, sealed string) error {
	return db.changeAccount(ctx, accountChange{"account.second_factor_set", `totp = ?, totp_step = 0`, false}, id, sealed)
}

// UseTOTP remembers the step of a code of the second factor; ErrConflict when it, or a later one, was used already.
func (db *DB) UseTOTP(ctx context.Context, id, step int64) error {
	return db.inWrite(ctx, "use a code of the second factor", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		result, err := t.ExecContext(ctx, t.Rebind(`UPDATE account SET totp_step = ? WHERE id = ? AND totp_step < ?`), step, id, step)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return fmt.Errorf("%w: the code was used already", ErrConflict)
		}
		return nil
	})
}

// DisableAccount ends an account and its sessions; its name stays taken, because the audit log speaks of it.
func (db *DB) DisableAccount(ctx context.Context, id int64, at time.Time) error {
	return db.changeAccount(ctx, accountChange{"account.disabled", `disabled_at = ?`, true}, id, micros(at))
}

// accountChange is a change of one account. Safety: set is a constant of this package.
type accountChange struct {
	action, set  string
	endsSessions bool
}

func (db *DB) changeAccount(ctx context.Context, change accountChange, id int64, values ...any) error {
	return db.inWrite(ctx, change.action, sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		return t.changeAccount(ctx, change, id, values...)
	})
}

func (t *tx) changeAccount(ctx context.Context, change accountChange, id int64, values ...any) error {
	before, err := t.accountState(ctx, id)
	if err != nil {
		return err
	}
	if _, err := t.ExecContext(ctx, t.Rebind(`UPDATE account SET `+change.set+` WHERE id = ?`), append(slices.Clone(values), id)...); err != nil {
		return err
	}
	after, err := t.accountState(ctx, id)
	if err != nil {
		return err
	}
	if change.endsSessions {
		if after.EndedSession, err = t.endSessions(ctx, id); err != nil {
			return err
		}
	}
	return t.audit(ctx, auditEntry{Action: change.action, Noun: "account", ID: number(id), Before: before, After: after})
}

// accountState reads an account for the audit log and keeps it for this transaction; ErrNotFound when there is none.
func (t *tx) accountState(ctx context.Context, id int64) (a accountAudited, err error) {
	query := `SELECT login, password_hash <> '', totp <> '', failures, failed_at, disabled_at, password_at FROM account WHERE id = ?` + t.db.engine.dialect().updateLock
	var failed, disabled, password int64
	err = t.QueryRowContext(ctx, t.Rebind(query), id).Scan(&a.Login, &a.HasPassword, &a.SecondFactor, &a.Failures, &failed, &disabled, &password)
	a.DisabledAt, a.PasswordAt = instant(disabled), instant(password)
	if until := access.LockedUntil(a.Failures, instant(failed)); until.After(instant(failed)) {
		a.LockedUntil = until
	}
	return a, err
}

// LinkAccount says by what name an OpenID provider knows the account; ErrConflict when that name is another account's.
func (db *DB) LinkAccount(ctx context.Context, id int64, issuer, subject string) error {
	return db.inWrite(ctx, "link account", sql.LevelReadCommitted, func(t *tx) error {
		const query = `INSERT INTO account_identity (issuer, subject, account_id) VALUES (?, ?, ?) ON CONFLICT (issuer, subject) DO NOTHING`
		result, err := t.ExecContext(ctx, t.Rebind(query), issuer, subject, id)
		if err != nil {
			return err
		}
		var owner int64
		if err := t.GetContext(ctx, &owner, t.Rebind(`SELECT account_id FROM account_identity WHERE issuer = ? AND subject = ?`), issuer, subject); err != nil {
			return err
		}
		if owner != id {
			return fmt.Errorf("%w: it is another account's", ErrConflict)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return err // it was linked before
		}
		after := struct {
			Issuer string `json:"issuer"` // not by what name it knows the person
		}{issuer}
		return t.audit(ctx, auditEntry{Action: "account.linked", Noun: "account", ID: number(id), After: after})
	})
}
