package schema

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
)

// SetRecovery replaces the recovery codes of an account by those of these hashes (access.RecoveryHash).
func (db *DB) SetRecovery(ctx context.Context, id int64, hashes []string) error {
	return db.inWrite(ctx, "set recovery codes", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		if _, err := t.ExecContext(ctx, t.Rebind(`DELETE FROM account_recovery WHERE account_id = ?`), id); err != nil {
			return err
		}
		rows := make([][]any, len(hashes))
		for i, hash := range hashes {
			rows[i] = []any{id, hash}
		}
		if err := t.insert(ctx, "account_recovery", "account_id, hash", "", rows); err != nil {
			return err
		}
		return t.audit(ctx, auditEntry{Action: "account.recovery_set", Noun: "account", ID: strconv.FormatInt(id, 10), After: recoveryAudited{len(hashes)}})
	})
}

// recoveryAudited is what the audit log says of recovery codes.
type recoveryAudited struct {
	Left int `json:"left"`
}

// UseRecovery uses a recovery code up; ErrNotFound when the account has none of this hash (any more).
func (db *DB) UseRecovery(ctx context.Context, id int64, hash string) error {
	return db.inWrite(ctx, "use a recovery code", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		result, err := t.ExecContext(ctx, t.Rebind(`DELETE FROM account_recovery WHERE account_id = ? AND hash = ?`), id, hash)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return fmt.Errorf("%w: there is no such code", ErrNotFound)
		}
		var left int
		if err := t.GetContext(ctx, &left, t.Rebind(`SELECT count(*) FROM account_recovery WHERE account_id = ?`), id); err != nil {
			return err
		}
		return t.audit(ctx, auditEntry{Action: "account.recovery_used", Noun: "account", ID: strconv.FormatInt(id, 10), After: recoveryAudited{left}})
	})
}

// CountRecovery returns how many recovery codes an account has left.
func (db *DB) CountRecovery(ctx context.Context, id int64) (left int, err error) {
	const query = `SELECT count(*) FROM account_recovery WHERE account_id = ?`
	return left, db.fail(ctx, "count recovery codes", db.read.GetContext(ctx, &left, db.read.Rebind(query), id))
}
