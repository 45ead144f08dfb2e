package schema

import (
	"context"
	"database/sql"
	"errors"

	"healthcode/registry"
)

// ScreenPlace returns the place that the screen codes of an enterprise share under a key: the one it has, whatever its status, or a new one, whose
// intent is stored. What was suspended or revoked under an earlier key stays so under the next one, until again asks for a new place in
// spite of a revocation.
func (db *DB) ScreenPlace(ctx context.Context, code registry.USCC, kid string, again bool) (*Code, error) {
	place, err := db.screenPlace(ctx, code)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	if err == nil && place.stays(kid, again) {
		return place, nil
	}
	err = db.inWrite(ctx, "reserve the place of screen codes", sql.LevelReadCommitted, func(t *tx) error {
		t.touches()
		place, err = t.screenPlace(ctx, code, kid, again)
		return err
	})
	return place, err
}

const newestPlace = `SELECT c.idx, c.uscc, c.state, c.kid, c.form, c.created_at, c.issued_at, c.expires_at, c.tier, c.colour, c.model, c.jwt, c.status
	FROM screen_place p JOIN code c ON c.uscc = p.uscc AND c.idx = p.idx WHERE p.uscc = ? ORDER BY c.idx DESC LIMIT 1`

func (db *DB) screenPlace(ctx context.Context, code registry.USCC) (*Code, error) {
	statement, err := db.statement(ctx, newestPlace)
	if err != nil {
		return nil, db.fail(ctx, "read the place of screen codes", err)
	}
	c, err := readCode(statement.QueryRowContext(ctx, string(code)).Scan)
	return &c, db.fail(ctx, "read the place of screen codes", err)
}

// stays reports whether the newest place of an enterprise remains the one in use under a key.
func (c *Code) stays(kid string, again bool) bool {
	abandoned := c.State == CodeIntended && c.Status != CodeValid // never signed for, or by a process that was killed
	switch {
	case abandoned:
		return false
	case c.Status.Final():
		return !again
	}
	return c.KID == kid || c.Status == CodeSuspended
}

// screenPlace looks once more, while nobody else can reserve a place for this enterprise.
func (t *tx) screenPlace(ctx context.Context, code registry.USCC, kid string, again bool) (*Code, error) {
	var owner string
	lock := `SELECT uscc FROM enterprise WHERE uscc = ?` + t.db.engine.dialect().updateLock
	if err := t.GetContext(ctx, &owner, t.Rebind(lock), string(code)); err != nil {
		return nil, err
	}
	place, err := readCode(t.QueryRowContext(ctx, t.Rebind(newestPlace), owner).Scan)
	if err == nil && place.stays(kid, again) || err != nil && !errors.Is(err, sql.ErrNoRows) {
		return &place, err
	}
	now, err := t.now(ctx)
	if err != nil {
		return nil, err
	}
	place = Code{USCC: code, State: CodeIntended, KID: kid, Form: "screen", CreatedAt: instant(now)}
	if place.Index, err = t.intend(ctx, code, kid, place.Form, now); err != nil {
		return nil, err
	}
	const save = `INSERT INTO screen_place (uscc, kid, idx) VALUES (?, ?, ?) ON CONFLICT (uscc, kid) DO UPDATE SET idx = excluded.idx`
	if _, err = t.ExecContext(ctx, t.Rebind(save), owner, kid, int64(place.Index)); err != nil {
		return nil, err
	}
	entry := auditEntry{Action: "code.place_given", Noun: "code", ID: number(place.Index), USCC: code, After: codeAudited{Form: place.Form, KID: kid}}
	return &place, t.audit(ctx, entry)
}
