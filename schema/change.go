package schema

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"healthcode/access"
	"healthcode/registry"
	"healthcode/supervision"
)

// Change is one message of the change feed, as partners get it: see docs/formats.md. Position rises without gaps, and a change that has
// one never gets another.
type Change struct {
	Version  int             `json:"version"` // of the form of Data
	Position int64           `json:"position"`
	Topic    string          `json:"type"`
	At       time.Time       `json:"timestamp"` // when it happened, which may be before an earlier position's
	Data     json.RawMessage `json:"data"`
}

// ChangeVersion is the version of the form of a change.
const ChangeVersion = 1

// told lists what partners are told and makes what they may know of it from the message of the outbox.
var told = map[string]func(payload []byte) ([]byte, error){
	TopicGradeChanged: partOf[gradeTold],
	TopicCodeChanged:  partOf[codeTold],

	TopicRepairGranted:  partOf[repairTold],
	TopicListingChanged: partOf[listingTold],
}

// FeedTopics lists the topics of the change feed.
var FeedTopics = []string{TopicCodeChanged, TopicGradeChanged, TopicListingChanged, TopicRepairGranted}

// gradeTold leaves out the index and the digest: the tier and the colour are what a partner without a purpose may know.
type gradeTold struct {
	USCC   registry.USCC `json:"uscc"`
	AsOf   registry.Day  `json:"as_of"`
	Before *colourTold   `json:"before,omitempty"` // absent for a first grade
	After  colourTold    `json:"after"`
}

type colourTold struct {
	Tier   registry.Tier   `json:"tier"`
	Colour registry.Colour `json:"colour"`
}

// codeTold leaves out the reason, which a member of staff wrote for the register.
type codeTold struct {
	USCC   registry.USCC `json:"uscc"`
	Index  uint32        `json:"idx"`
	Form   string        `json:"form"`
	Step   CodeStep      `json:"step"`
	Status CodeStatus    `json:"status"`
}

// repairTold says which record is to be shown and shared no longer, since when, and nothing of what it said.
type repairTold struct {
	USCC      registry.USCC `json:"uscc"`
	Source    string        `json:"source"`
	SourceRef string        `json:"source_ref"`
	On        registry.Day  `json:"on"`
}

// listingTold leaves out reasons and the criteria that are missed, which are between the bureau and the enterprise.
type listingTold struct {
	USCC  registry.USCC            `json:"uscc"`
	List  string                   `json:"list"`
	State supervision.ListingState `json:"state"`
	Since registry.Day             `json:"since"`
}

// partOf keeps the members of a message that T has.
func partOf[T any](payload []byte) ([]byte, error) {
	var part T
	if err := json.Unmarshal(payload, &part); err != nil {
		return nil, err
	}
	return json.Marshal(part)
}

// sequencedAtOnce bounds how many messages get their places in one transaction.
const sequencedAtOnce = 2000

// waitingChanges selects the oldest messages that partners are to be told, at most limit. Each topic is read in the order of the index, so that a
// long queue is not sorted again for each part of it.
func waitingChanges(limit int) (query string, values []any) {
	parts := make([]string, len(FeedTopics))
	for i, topic := range FeedTopics {
		parts[i] = `SELECT * FROM (SELECT id, uscc, topic, payload, created_at FROM outbox WHERE published_at = 0 AND topic = ? ORDER BY id LIMIT ?) waiting`
		values = append(values, topic, limit)
	}
	return strings.Join(parts, ` UNION ALL `) + ` ORDER BY id LIMIT ?`, append(values, limit)
}

// SequenceChanges gives messages of the outbox that are committed, and that partners may be told, the next places in the change feed, and returns
// how many; 0 when there are none, or another process is at it. Numbers of the outbox are given before the commit and so become visible out of
// order; places are given by one writer at a time, which sees all of what the one before it stored, so they become visible in order.
func (db *DB) SequenceChanges(ctx context.Context) (int, error) {
	query, values := waitingChanges(1)
	var n int
	if err := db.read.GetContext(ctx, &n, db.read.Rebind(`SELECT count(*) FROM (`+query+`) one`), values...); err != nil {
		return 0, db.fail(ctx, "look for changes", err)
	}
	if n == 0 { // so that looking several times a second writes nothing
		return 0, nil
	}
	err := db.inWrite(ctx, "sequence changes", sql.LevelReadCommitted, func(t *tx) error {
		t.quiet()
		alone, err := t.aloneInFeed(ctx)
		if err != nil || !alone {
			n = 0
			return err
		}
		n, err = t.sequence(ctx)
		return err
	})
	return n, err
}

func (t *tx) aloneInFeed(ctx context.Context) (alone bool, err error) {
	if t.db.Engine() == sqliteDialect.name {
		return true, nil
	}
	if err := t.GetContext(ctx, &alone, `SELECT pg_try_advisory_xact_lock($1)`, lockChanges); err != nil {
		return false, fmt.Errorf("take the feed: %w", err)
	}
	return alone, nil
}

func (t *tx) sequence(ctx context.Context) (int, error) {
	head, err := t.feedHead(ctx)
	if err != nil {
		return 0, err
	}
	query, values := waitingChanges(sequencedAtOnce)
	var found []struct {
		Message
		Created int64 `db:"created_at"`
	}
	if err := t.SelectContext(ctx, &found, t.Rebind(query), values...); err != nil {
		return 0, fmt.Errorf("read outbox: %w", err)
	}
	rows := make([][]any, len(found))
	for i := range found {
		m := &found[i]
		data, err := told[m.Topic]([]byte(m.Payload))
		if err != nil {
			return 0, fmt.Errorf("read message %d of the outbox, %s: %w", m.ID, m.Topic, err)
		}
		rows[i] = []any{head + int64(i) + 1, string(m.USCC), m.ID, m.Topic, string(data), m.Created}
	}
	if err := t.insert(ctx, "change", "position, uscc, outbox_id, topic, data, at", "", rows); err != nil {
		return 0, err
	}
	return len(rows), t.markTold(ctx, head)
}

// markTold notes in the outbox what got places after head.
func (t *tx) markTold(ctx context.Context, head int64) error {
	now, err := t.now(ctx)
	if err != nil {
		return err
	}
	const mark = `UPDATE outbox SET published_at = ? FROM change c WHERE c.position > ? AND outbox.uscc = c.uscc AND outbox.id = c.outbox_id`
	if _, err := t.ExecContext(ctx, t.Rebind(mark), now, head); err != nil {
		return fmt.Errorf("mark messages: %w", err)
	}
	return nil
}

func (t *tx) feedHead(ctx context.Context) (head int64, err error) {
	if err := t.GetContext(ctx, &head, `SELECT coalesce(max(position), 0) FROM change`); err != nil {
		return 0, fmt.Errorf("read the end of the feed: %w", err)
	}
	return head, nil
}

// ChangePage is a part of the change feed. Whoever goes on after Next misses nothing.
type ChangePage struct {
	Items []Change
	Next  int64
}

// Changes returns the changes after a position that are about enterprises within a sight and of one of the topics (all topics when none is named),
// in their order, at most limit. ErrAhead when the feed has never come that far.
func (db *DB) Changes(ctx context.Context, sight access.Sight, after int64, topics []string, limit int) (*ChangePage, error) {
	page := &ChangePage{}
	err := db.inRead(ctx, "read changes", func(t *tx) error {
		head, err := t.feedHead(ctx)
		if err != nil {
			return err
		}
		if after > head {
			return fmt.Errorf("%w: %d, which ends at %d", ErrAhead, after, head)
		}
		page.Items, err = t.changes(ctx, sight, after, topics, limit)
		page.Next = head
		if n := len(page.Items); n == limit { // there may be more between the last one and the end
			page.Next = page.Items[n-1].Position
		}
		return err
	})
	return page, err
}

func (t *tx) changes(ctx context.Context, sight access.Sight, after int64, topics []string, limit int) ([]Change, error) {
	bound, values := seenByCode(sight, "change.uscc")
	arguments := append([]any{after}, values...)
	query := `SELECT position, topic, data, at FROM change WHERE position > ? AND ` + bound
	if len(topics) > 0 {
		query += ` AND topic IN (?` + strings.Repeat(`,?`, len(topics)-1) + `)`
		for _, topic := range topics {
			arguments = append(arguments, topic)
		}
	}
	var found []struct {
		Position int64  `db:"position"`
		Topic    string `db:"topic"`
		Data     string `db:"data"`
		At       int64  `db:"at"`
	}
	if err := t.SelectContext(ctx, &found, t.Rebind(query+` ORDER BY position LIMIT ?`), append(arguments, limit)...); err != nil {
		return nil, err
	}
	changes := make([]Change, len(found))
	for i, row := range found {
		changes[i] = Change{ChangeVersion, row.Position, row.Topic, instant(row.At), json.RawMessage(row.Data)}
	}
	return changes, nil
}
