package schema

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Lease is the right to do what only one process may do at a time, for as long as it is renewed.
type Lease struct {
	Name  string
	Until time.Time // by the database's clock

	worker string
	length time.Duration
}

// TakeLease takes a lease that nobody holds, or whose holder has not renewed it in time. ErrRunning when another holds it.
func (db *DB) TakeLease(ctx context.Context, name string, length time.Duration) (*Lease, error) {
	l := &Lease{Name: name, worker: newWorker(), length: length}
	err := db.inWrite(ctx, "take lease", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		const query = `INSERT INTO lease (name, worker, lease_until) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE
			SET worker = excluded.worker, lease_until = excluded.lease_until WHERE lease.lease_until <= ?`
		until := now + length.Microseconds()
		result, err := t.ExecContext(ctx, t.Rebind(query), name, l.worker, until, now)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return fmt.Errorf("%s: %w", name, ErrRunning)
		}
		l.Until = instant(until)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// RenewLease holds a lease for its length from now. ErrLeaseLost when another process has taken it.
func (db *DB) RenewLease(ctx context.Context, l *Lease) error {
	return db.inWrite(ctx, "renew lease", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		return t.renewLease(ctx, l)
	})
}

// renewLease is the fence of a transaction that only the holder may commit: it keeps the lease's row until the end.
func (t *tx) renewLease(ctx context.Context, l *Lease) error {
	now, err := t.now(ctx)
	if err != nil {
		return err
	}
	until := now + l.length.Microseconds()
	if err := t.ours(ctx, `UPDATE lease SET lease_until = ? WHERE name = ? AND worker = ?`, until, l.Name, l.worker); err != nil {
		return fmt.Errorf("%s: %w", l.Name, err)
	}
	l.Until = instant(until)
	return nil
}

// ReleaseLease gives a lease back, so that another process need not wait for its end. One that was lost stays with its new holder.
func (db *DB) ReleaseLease(ctx context.Context, l *Lease) error {
	return db.inWrite(ctx, "release lease", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		_, err := t.ExecContext(ctx, t.Rebind(`DELETE FROM lease WHERE name = ? AND worker = ?`), l.Name, l.worker)
		return err
	})
}
