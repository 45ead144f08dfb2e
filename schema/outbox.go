package schema

import (
	"context"
	"database/sql"
	"time"

	"healthcode/registry"
)

// The topics of the outbox.
const (
	TopicRecordReceived = "record.received" // an enterprise has new facts: one row for each enterprise and batch
	TopicGradeChanged   = "grade.changed"   // tier or colour changed, or was given for the first time
	TopicCodeChanged    = "code.changed"    // a code was suspended, resumed, revoked or superseded
	TopicCodeExpiring   = "code.expiring"   // a printed code ends soon and nothing takes its place
	TopicCodeCopied     = "code.copied"     // a printed code was scanned in many places
	TopicRepairGranted  = "repair.granted"  // a record is published no longer: repaired, or its longest term has ended

	TopicListingChanged = "listing.changed" // an enterprise was listed, suspended, returned, or left a list

	TopicWebhookDisabled = "webhook.disabled" // a webhook failed for so long that it gets nothing any more; no enterprise

	TopicKeyChanged     = "key.changed"      // a signing key was added or took a step in its life; no enterprise
	TopicKeyRotationDue = "key.rotation_due" // a signing key ends soon and a person must see to the next one; no enterprise
)

// Message is one thing that others are to be told.
type Message struct {
	ID        int64         `db:"id"`
	USCC      registry.USCC `db:"uscc"`
	Topic     string        `db:"topic"`
	Payload   string        `db:"payload"` // JSON
	CreatedAt time.Time     `db:"-"`
}

// Unpublished returns the oldest messages of a topic that nobody was told yet, at most limit.
func (db *DB) Unpublished(ctx context.Context, topic string, limit int) ([]Message, error) {
	const query = `SELECT id, uscc, topic, payload, created_at FROM outbox WHERE published_at = 0 AND topic = ? ORDER BY id LIMIT ?`
	var found []struct {
		Message
		Created int64 `db:"created_at"`
	}
	if err := db.read.SelectContext(ctx, &found, db.read.Rebind(query), topic, limit); err != nil {
		return nil, db.fail(ctx, "read outbox", err)
	}
	messages := make([]Message, len(found))
	for i, row := range found {
		messages[i] = row.Message
		messages[i].CreatedAt = instant(row.Created)
	}
	return messages, nil
}

// MarkPublished says that these messages were delivered at an instant. One that is marked already stays as it is.
func (db *DB) MarkPublished(ctx context.Context, messages []Message, at time.Time) error {
	return db.inWrite(ctx, "mark messages", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		statement, err := t.PreparexContext(ctx, t.Rebind(`UPDATE outbox SET published_at = ? WHERE uscc = ? AND id = ? AND published_at = 0`))
		if err != nil {
			return err
		}
		defer statement.Close()
		for _, m := range messages {
			if _, err := statement.ExecContext(ctx, micros(at), string(m.USCC), m.ID); err != nil {
				return err
			}
		}
		return nil
	})
}
