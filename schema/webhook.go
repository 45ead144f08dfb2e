package schema

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"time"
)

// Webhook is an address where a partner is told of changes, in their order: what is before Position was delivered.
type Webhook struct {
	ID           string // wh_ and 20 hex digits; it also stands in the identifiers of messages
	PartnerID    int64
	URL          string
	Topics       []string // none: every topic
	Position     int64
	Attempts     int       // failed ones of the change after Position
	NextAt       time.Time // not tried again before; zero: at once
	FailingSince time.Time // zero while the last attempt was answered well
	DisabledAt   time.Time // zero while it gets changes
	CreatedAt    time.Time

	turn int64 // of the row, when it was read
}

// MaxWebhooks is how many webhooks a partner may have.
const MaxWebhooks = 10

const webhookColumns = `w.id, w.partner_id, w.url, w.topics, w.position, w.attempts, w.next_at, w.failing_since, w.disabled_at, w.created_at, w.turn`

func readWebhook(scan func(...any) error) (Webhook, error) {
	var w Webhook
	var topics string
	var next, failing, disabled, created int64
	err := scan(&w.ID, &w.PartnerID, &w.URL, &topics, &w.Position, &w.Attempts, &next, &failing, &disabled, &created, &w.turn)
	w.Topics = words[string](topics)
	w.NextAt, w.FailingSince, w.DisabledAt, w.CreatedAt = instant(next), instant(failing), instant(disabled), instant(created)
	return w, err
}

// webhookAudited is what the audit log says of a webhook. Of its address only the host: the rest may hold a secret of the partner's.
type webhookAudited struct {
	Partner    int64     `json:"partner,omitempty"`
	Host       string    `json:"host,omitempty"`
	Topics     []string  `json:"topics,omitempty"`
	Position   *int64    `json:"position,omitempty"`
	Signature  int       `json:"signature,omitempty"`    // the number of the secret that it signs with
	Until      time.Time `json:"before_until,omitzero"`  // how long the secret before stays good
	DisabledAt time.Time `json:"disabled_at,omitzero"`   //
	Since      time.Time `json:"failing_since,omitzero"` //
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// webhookState reads a webhook for the audit log.
func (t *tx) webhookState(ctx context.Context, id string) (webhookAudited, error) {
	w, err := readWebhook(t.QueryRowContext(ctx, t.Rebind(`SELECT `+webhookColumns+` FROM webhook w WHERE w.id = ?`), id).Scan)
	return webhookAudited{Partner: w.PartnerID, Host: hostOf(w.URL), Topics: w.Topics, Position: &w.Position, DisabledAt: w.DisabledAt, Since: w.FailingSince}, err
}

// AddWebhook stores a webhook with its first sealed secret. It begins after what the feed holds now. ErrManyHooks when the partner has MaxWebhooks,
// ErrNotFound when there is no such partner.
func (db *DB) AddWebhook(ctx context.Context, w Webhook, sealed string) error {
	return db.inWrite(ctx, "add webhook", sql.LevelReadCommitted, func(t *tx) error {
		var id int64
		lock := `SELECT id FROM partner WHERE id = ?` + db.engine.dialect().updateLock
		if err := t.GetContext(ctx, &id, t.Rebind(lock), w.PartnerID); err != nil { // of two at once the second counts the first
			return err
		}
		var has int
		if err := t.GetContext(ctx, &has, t.Rebind(`SELECT count(*) FROM webhook WHERE partner_id = ?`), w.PartnerID); err != nil {
			return err
		}
		if has >= MaxWebhooks {
			return ErrManyHooks
		}
		head, err := t.feedHead(ctx)
		if err != nil {
			return err
		}
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		const add = `INSERT INTO webhook (id, partner_id, url, topics, position, turn, attempts, next_at, claimed_until, failing_since, disabled_at, created_at)
			VALUES (?, ?, ?, ?, ?, 0, 0, 0, 0, 0, 0, ?)`
		if _, err := t.ExecContext(ctx, t.Rebind(add), w.ID, w.PartnerID, w.URL, joined(w.Topics), head, now); err != nil {
			return err
		}
		if err := t.addWebhookSecret(ctx, w.ID, 1, sealed, now); err != nil {
			return err
		}
		after := webhookAudited{Partner: w.PartnerID, Host: hostOf(w.URL), Topics: w.Topics, Position: &head}
		return t.audit(ctx, auditEntry{Action: "webhook.added", Noun: "webhook", ID: w.ID, After: after})
	})
}

func (t *tx) addWebhookSecret(ctx context.Context, id string, number int, sealed string, now int64) error {
	const add = `INSERT INTO webhook_secret (webhook_id, number, sealed, created_at, expires_at) VALUES (?, ?, ?, ?, 0)`
	_, err := t.ExecContext(ctx, t.Rebind(add), id, number, sealed, now)
	return err
}

// Webhook returns a webhook by its identifier, or ErrNotFound.
func (db *DB) Webhook(ctx context.Context, id string) (*Webhook, error) {
	if !storable(id) {
		return nil, fmt.Errorf("read webhook: %w", ErrNotFound)
	}
	w, err := readWebhook(db.read.QueryRowContext(ctx, db.read.Rebind(`SELECT `+webhookColumns+` FROM webhook w WHERE w.id = ?`), id).Scan)
	if err != nil {
		return nil, db.fail(ctx, "read webhook", err)
	}
	return &w, nil
}

// Webhooks returns the webhooks of a partner, or of everybody when the partner is 0, in the order of their identifiers.
func (db *DB) Webhooks(ctx context.Context, partner int64) ([]Webhook, error) {
	query, values := `SELECT `+webhookColumns+` FROM webhook w`, []any(nil)
	if partner != 0 {
		query, values = query+` WHERE w.partner_id = ?`, []any{partner}
	}
	return collect(ctx, db, "list webhooks", query+` ORDER BY w.id`, values, readWebhook)
}

// DeleteWebhook removes a webhook with its secrets and what is known of its deliveries; ErrNotFound when there is none.
func (db *DB) DeleteWebhook(ctx context.Context, id string) error {
	return db.inWrite(ctx, "delete webhook", sql.LevelReadCommitted, func(t *tx) error {
		// The row first: a delivery that is being noted waits for it, and then finds that it is gone.
		const lock = `UPDATE webhook SET turn = turn + 1 WHERE id = ?`
		if err := t.changeOne(ctx, lock, id); err != nil {
			return err
		}
		before, err := t.webhookState(ctx, id)
		if err != nil {
			return err
		}
		for _, query := range []string{`DELETE FROM webhook_secret WHERE webhook_id = ?`, `DELETE FROM webhook_delivery WHERE webhook_id = ?`, `DELETE FROM webhook WHERE id = ?`} {
			if _, err := t.ExecContext(ctx, t.Rebind(query), id); err != nil {
				return err
			}
		}
		return t.audit(ctx, auditEntry{Action: "webhook.deleted", Noun: "webhook", ID: id, Before: before})
	})
}

// changeOne runs a query that changes one row; ErrNotFound when it changed none.
func (t *tx) changeOne(ctx context.Context, query string, values ...any) error {
	result, err := t.ExecContext(ctx, t.Rebind(query), values...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, fmt.Errorf("%w: no such webhook", ErrNotFound))
	}
	return nil
}

// RotateWebhookSecret stores a new sealed secret beside the newest one, which stays valid until an instant. Older ones end at once.
func (db *DB) RotateWebhookSecret(ctx context.Context, id, sealed string, until time.Time) error {
	return db.inWrite(ctx, "exchange a webhook's secret", sql.LevelReadCommitted, func(t *tx) error {
		if err := t.changeOne(ctx, `UPDATE webhook SET turn = turn + 1 WHERE id = ?`, id); err != nil { // one exchange at a time
			return err
		}
		var newest int
		if err := t.GetContext(ctx, &newest, t.Rebind(`SELECT max(number) FROM webhook_secret WHERE webhook_id = ?`), id); err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, t.Rebind(`DELETE FROM webhook_secret WHERE webhook_id = ? AND number < ?`), id, newest); err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, t.Rebind(`UPDATE webhook_secret SET expires_at = ? WHERE webhook_id = ?`), micros(until), id); err != nil {
			return err
		}
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		if err := t.addWebhookSecret(ctx, id, newest+1, sealed, now); err != nil {
			return err
		}
		after := webhookAudited{Signature: newest + 1, Until: until.UTC()}
		return t.audit(ctx, auditEntry{Action: "webhook.secret_exchanged", Noun: "webhook", ID: id, Before: webhookAudited{Signature: newest}, After: after})
	})
}

// WebhookSecrets returns the sealed secrets of a webhook that are valid at an instant, newest first; none when the webhook or its partner is gone.
func (db *DB) WebhookSecrets(ctx context.Context, id string, at time.Time) ([]string, error) {
	const query = `SELECT s.sealed FROM webhook_secret s JOIN webhook w ON w.id = s.webhook_id JOIN partner p ON p.id = w.partner_id
		WHERE s.webhook_id = ? AND (s.expires_at = 0 OR s.expires_at > ?) AND p.disabled_at = 0 ORDER BY s.number DESC`
	var sealed []string
	if err := db.read.SelectContext(ctx, &sealed, db.read.Rebind(query), id, micros(at)); err != nil {
		return nil, db.fail(ctx, "read the secrets of a webhook", err)
	}
	return sealed, nil
}

// MoveWebhook lets a webhook get what comes after a position, again or without what is between, from now on. ErrAhead beyond the end of the feed.
func (db *DB) MoveWebhook(ctx context.Context, id string, after int64) error {
	return db.inWrite(ctx, "move webhook", sql.LevelReadCommitted, func(t *tx) error {
		head, err := t.feedHead(ctx)
		if err != nil {
			return err
		}
		if after > head {
			return fmt.Errorf("%w: %d, which ends at %d", ErrAhead, after, head)
		}
		const move = `UPDATE webhook SET position = ?, attempts = 0, next_at = 0, claimed_until = 0, turn = turn + 1 WHERE id = ?`
		return t.auditWebhook(ctx, "webhook.moved", id, func() error { return t.changeOne(ctx, move, after, id) })
	})
}

// EnableWebhook lets a disabled webhook go on where it was, and one that waits after failures at once.
func (db *DB) EnableWebhook(ctx context.Context, id string) error {
	return db.inWrite(ctx, "enable webhook", sql.LevelReadCommitted, func(t *tx) error {
		const enable = `UPDATE webhook SET disabled_at = 0, failing_since = 0, attempts = 0, next_at = 0, claimed_until = 0, turn = turn + 1 WHERE id = ?`
		return t.auditWebhook(ctx, "webhook.enabled", id, func() error { return t.changeOne(ctx, enable, id) })
	})
}

// auditWebhook makes a change of a webhook and notes what it was before and is after.
func (t *tx) auditWebhook(ctx context.Context, action, id string, change func() error) error {
	before, err := t.webhookState(ctx, id)
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	after, err := t.webhookState(ctx, id)
	if err != nil {
		return err
	}
	return t.audit(ctx, auditEntry{Action: action, Noun: "webhook", ID: id, Before: before, After: after})
}

// ClaimWebhooks takes webhooks that have something to get, at most limit, so that no other process delivers to them before an instant. Each
// NoteDelivery lengthens the claim.
func (db *DB) ClaimWebhooks(ctx context.Context, now, until time.Time, limit int) ([]Webhook, error) {
	const due = ` FROM webhook w JOIN partner p ON p.id = w.partner_id WHERE w.disabled_at = 0 AND p.disabled_at = 0 AND w.next_at <= ? AND w.claimed_until <= ?
		AND w.position < (SELECT coalesce(max(position), 0) FROM change)`
	var waiting int
	if err := db.read.GetContext(ctx, &waiting, db.read.Rebind(`SELECT count(*)`+due), micros(now), micros(now)); err != nil {
		return nil, db.fail(ctx, "look for webhooks", err)
	}
	if waiting == 0 || limit <= 0 { // so that looking several times a second writes nothing
		return nil, nil
	}
	var claimed []Webhook
	err := db.inWrite(ctx, "claim webhooks", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		claimed = nil
		found, err := t.webhooks(ctx, `SELECT `+webhookColumns+due+` ORDER BY w.next_at, w.id LIMIT ?`, micros(now), micros(now), limit)
		if err != nil {
			return err
		}
		for _, w := range found {
			err := t.turn(ctx, &w, `claimed_until = ?`, micros(until))
			if errors.Is(err, ErrLeaseLost) { // another process was faster
				continue
			}
			if err != nil {
				return err
			}
			claimed = append(claimed, w)
		}
		return nil
	})
	return claimed, err
}

func (t *tx) webhooks(ctx context.Context, query string, values ...any) ([]Webhook, error) {
	rows, err := t.QueryContext(ctx, t.Rebind(query), values...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []Webhook
	for rows.Next() {
		w, err := readWebhook(rows.Scan)
		if err != nil {
			return nil, err
		}
		found = append(found, w)
	}
	return found, rows.Err()
}

// turn changes a webhook's row if it is still as it was read; else ErrLeaseLost. Safety: set is a constant of this package.
func (t *tx) turn(ctx context.Context, w *Webhook, set string, values ...any) error {
	query := `UPDATE webhook SET ` + set + `, turn = turn + 1 WHERE id = ? AND turn = ?`
	result, err := t.ExecContext(ctx, t.Rebind(query), append(slices.Clone(values), w.ID, w.turn)...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, fmt.Errorf("webhook %s: %w", w.ID, ErrLeaseLost))
	}
	w.turn++
	return nil
}

// Delivery is one attempt to tell a webhook of a change.
type Delivery struct {
	Number   int64 // of the attempt, rising with time
	Position int64 // of the change
	Attempt  int   // 1 is the first
	Outcome  string
	Status   int // of the answer; 0: there was none
	Took     time.Duration
	At       time.Time
}

// NoteDelivery stores what became of an attempt and the state of the webhook after it, and keeps the claim until an instant (zero: gives it back).
// When the webhook became disabled the outbox tells it. ErrLeaseLost when somebody changed the webhook meanwhile: then nothing is stored.
func (db *DB) NoteDelivery(ctx context.Context, w *Webhook, d *Delivery, claim time.Time) error {
	next := *w
	err := db.inWrite(ctx, "note a delivery", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		next = *w
		if err := t.saveWebhook(ctx, &next, claim); err != nil {
			return err
		}
		const add = `INSERT INTO webhook_delivery (webhook_id, number, position, attempt, outcome, status, took, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
		_, err := t.ExecContext(ctx, t.Rebind(add), w.ID, next.turn, d.Position, d.Attempt, d.Outcome, d.Status, d.Took.Microseconds(), micros(d.At))
		if err != nil || w.DisabledAt.IsZero() {
			return err
		}
		after := webhookAudited{Partner: w.PartnerID, DisabledAt: w.DisabledAt, Since: w.FailingSince, Position: &w.Position}
		if err := t.audit(ctx, auditEntry{Action: "webhook.disabled", Noun: "webhook", ID: w.ID, After: after}); err != nil {
			return err
		}
		return t.tellDisabled(ctx, &next, d)
	})
	if err == nil {
		*w = next
	}
	return err
}

func (t *tx) saveWebhook(ctx context.Context, w *Webhook, claim time.Time) error {
	const set = `position = ?, attempts = ?, next_at = ?, failing_since = ?, disabled_at = ?, claimed_until = ?`
	return t.turn(ctx, w, set, w.Position, w.Attempts, micros(w.NextAt), micros(w.FailingSince), micros(w.DisabledAt), micros(claim))
}

// tellDisabled leaves out the address: it may hold a secret of the partner's.
func (t *tx) tellDisabled(ctx context.Context, w *Webhook, d *Delivery) error {
	payload, err := json.Marshal(struct {
		ID           string    `json:"webhook"`
		PartnerID    int64     `json:"partner_id"`
		FailingSince time.Time `json:"failing_since"`
		Position     int64     `json:"position"`
		Outcome      string    `json:"outcome"`
		Status       int       `json:"status,omitempty"`
	}{w.ID, w.PartnerID, w.FailingSince, d.Position, d.Outcome, d.Status})
	if err != nil {
		return fmt.Errorf("write notice: %w", err)
	}
	return t.insert(ctx, "outbox", "uscc, topic, payload, created_at", "", [][]any{{"", TopicWebhookDisabled, string(payload), micros(w.DisabledAt)}})
}

// PassWebhook notes that a webhook has nothing to get up to a position, and gives the claim back. ErrLeaseLost as in NoteDelivery.
func (db *DB) PassWebhook(ctx context.Context, w *Webhook, position int64) error {
	next := *w
	err := db.inWrite(ctx, "note what a webhook does not get", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		next = *w
		next.Position = max(w.Position, position)
		return t.saveWebhook(ctx, &next, time.Time{})
	})
	if err == nil {
		*w = next
	}
	return err
}

// Deliveries returns the attempts of a webhook with a number below one (0: the newest), newest first, at most limit.
func (db *DB) Deliveries(ctx context.Context, id string, below int64, limit int) ([]Delivery, error) {
	if below <= 0 {
		below = math.MaxInt64
	}
	const query = `SELECT number, position, attempt, outcome, status, took, at FROM webhook_delivery WHERE webhook_id = ? AND number < ? ORDER BY number DESC LIMIT ?`
	return collect(ctx, db, "list deliveries", query, []any{id, below, limit}, func(scan func(...any) error) (d Delivery, err error) {
		var took, at int64
		err = scan(&d.Number, &d.Position, &d.Attempt, &d.Outcome, &d.Status, &took, &at)
		d.Took, d.At = time.Duration(took)*time.Microsecond, instant(at)
		return d, err
	})
}

// PruneDeliveries forgets attempts before an instant and returns how many.
func (db *DB) PruneDeliveries(ctx context.Context, before time.Time) (pruned int, err error) {
	err = db.inWrite(ctx, "forget old deliveries", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		result, err := t.ExecContext(ctx, t.Rebind(`DELETE FROM webhook_delivery WHERE at < ?`), micros(before))
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil || n == 0 {
			return err
		}
		pruned = int(n)
		return t.auditPruned(ctx, "delivery", before, n)
	})
	return pruned, err
}
