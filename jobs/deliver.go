package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"healthcode/access"
	"healthcode/schema"
)

const (
	// DeliveryLife is how long it is kept what became of an attempt.
	DeliveryLife = 30 * 24 * time.Hour
	// GiveUpAfter is how long a webhook may fail without a break before it is disabled.
	GiveUpAfter = 5 * 24 * time.Hour

	deliverTimeout = 10 * time.Second // for a whole attempt
	deliverClaim   = 30 * time.Second // a process that was killed is replaced after this; longer than an attempt
	deliverAtOnce  = 16               // webhooks
	deliverPage    = 50               // changes that are read together
)

// backoff is how long a webhook waits after its first, second, … failed attempt of a change; the last holds for all that follow.
var backoff = []time.Duration{5 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 24 * time.Hour}

// Deliver tells webhooks of changes: each one in the order of the feed, the next only when the one before was taken. Any number of processes may run it;
// one at a time serves a webhook. A change that was sent and not noted, because the process was killed, is sent again with the same identifier.
type Deliver struct {
	db     *schema.DB
	seal   access.SealKey
	clock  func() time.Time
	log    *slog.Logger
	sender *sender

	slots  chan struct{}
	busy   sync.WaitGroup
	pruned time.Time
}

// NewDeliver prepares deliveries to the public Internet and to the networks that are allowed beside.
func NewDeliver(db *schema.DB, seal access.SealKey, allowed []netip.Prefix, clock func() time.Time, log *slog.Logger) *Deliver {
	return &Deliver{db: db, seal: seal, clock: clock, log: log, sender: newSender(allowed, deliverTimeout), slots: make(chan struct{}, deliverAtOnce)}
}

// RunOnce begins to serve the webhooks that have something to get and returns how many; it does not wait for them. schema.ErrNothingDue when there
// are none. ctx ends what it began. Calls follow each other.
func (j *Deliver) RunOnce(ctx context.Context) (int, error) {
	now := j.clock()
	if now.Sub(j.pruned) >= time.Hour {
		if _, err := j.db.PruneDeliveries(ctx, now.Add(-DeliveryLife)); err != nil {
			return 0, fmt.Errorf("prune deliveries: %w", err)
		}
		j.pruned = now
	}
	claimed, err := j.db.ClaimWebhooks(ctx, now, now.Add(deliverClaim), cap(j.slots)-len(j.slots))
	if err != nil {
		return 0, fmt.Errorf("look for webhooks: %w", err)
	}
	if len(claimed) == 0 {
		return 0, schema.ErrNothingDue
	}
	for i := range claimed {
		j.slots <- struct{}{}
		j.busy.Go(func() {
			defer func() { <-j.slots }()
			j.serve(ctx, &claimed[i])
		})
	}
	return len(claimed), nil
}

// Wait waits for what RunOnce began and closes connections that are kept.
func (j *Deliver) Wait() {
	j.busy.Wait()
	j.sender.close()
}

// serve brings a webhook to the end of the feed, or to its first failure.
func (j *Deliver) serve(ctx context.Context, w *schema.Webhook) {
	for done := false; !done; {
		var err error
		done, err = j.servePage(ctx, w)
		switch {
		case err == nil:
		case errors.Is(err, schema.ErrLeaseLost): // moved, deleted, or served by another process
			return
		case ctx.Err() != nil:
			j.giveBack(ctx, w)
			return
		default: // the claim ends by itself
			j.log.ErrorContext(ctx, "delivery failed", "webhook", w.ID, "error", err.Error())
			return
		}
	}
}

// giveBack lets another process go on at once after this one was told to stop.
func (j *Deliver) giveBack(ctx context.Context, w *schema.Webhook) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := j.db.PassWebhook(ctx, w, w.Position); err != nil && !errors.Is(err, schema.ErrLeaseLost) {
		j.log.WarnContext(ctx, "a webhook waits for the end of its claim", "webhook", w.ID, "error", err.Error())
	}
}

func (j *Deliver) servePage(ctx context.Context, w *schema.Webhook) (done bool, err error) {
	page, err := j.db.Changes(ctx, access.Everything(), w.Position, w.Topics, deliverPage)
	if err != nil {
		return false, fmt.Errorf("read changes: %w", err)
	}
	for i := range page.Items {
		taken, err := j.tell(ctx, w, &page.Items[i])
		if err != nil || !taken {
			return true, err
		}
	}
	if len(page.Items) == deliverPage {
		return false, nil
	}
	return true, j.db.PassWebhook(ctx, w, page.Next)
}

// tell sends one change and notes what became of it.
func (j *Deliver) tell(ctx context.Context, w *schema.Webhook, c *schema.Change) (taken bool, err error) {
	m, err := j.message(ctx, w, c)
	if err != nil {
		return false, err
	}
	start := time.Now() // for how long it took; the day is the clock's
	answer := j.sender.send(ctx, w.URL, m)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	now := j.clock()
	d := &schema.Delivery{Position: c.Position, Attempt: w.Attempts + 1, Outcome: answer.outcome, Status: answer.status, Took: time.Since(start), At: now}
	next, claim := *w, time.Time{}
	if taken = answer.outcome == outcomeTaken; taken {
		next.Position, next.Attempts, next.NextAt, next.FailingSince = c.Position, 0, time.Time{}, time.Time{}
		claim = now.Add(deliverClaim)
	} else {
		fail(&next, answer, now)
	}
	if err := j.db.NoteDelivery(ctx, &next, d, claim); err != nil {
		return false, fmt.Errorf("note a delivery: %w", err)
	}
	*w = next
	if !w.DisabledAt.IsZero() {
		j.log.WarnContext(ctx, "webhook disabled", "webhook", w.ID, "failing_since", w.FailingSince, "outcome", answer.outcome, "status", answer.status)
	}
	return taken, nil
}

// fail says when a webhook is tried again after an attempt that failed, not before the receiver asks for it, or that it is disabled.
func fail(w *schema.Webhook, answer answer, now time.Time) {
	if w.FailingSince.IsZero() {
		w.FailingSince = now
	}
	w.Attempts++
	end := w.FailingSince.Add(GiveUpAfter)
	if answer.status == http.StatusGone || !now.Before(end) {
		w.DisabledAt = now
		return
	}
	w.NextAt = now.Add(max(backoff[min(w.Attempts, len(backoff))-1], answer.wait(now)))
	if w.NextAt.After(end) {
		w.NextAt = end
	}
}

// message signs a change for a webhook by every secret that is valid now. Its identifier is the same whenever it is sent.
func (j *Deliver) message(ctx context.Context, w *schema.Webhook, c *schema.Change) (*message, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("write change %d: %w", c.Position, err)
	}
	now := j.clock()
	m := &message{id: fmt.Sprintf("msg_%s_%d", strings.TrimPrefix(w.ID, "wh_"), c.Position), at: now, body: body}
	sealed, err := j.db.WebhookSecrets(ctx, w.ID, now)
	if err != nil {
		return nil, fmt.Errorf("read secrets: %w", err)
	}
	if len(sealed) == 0 { // nothing goes out unsigned
		return nil, fmt.Errorf("webhook %s has no secret any more: %w", w.ID, schema.ErrLeaseLost)
	}
	for _, text := range sealed {
		secret, err := j.seal.Open(text, access.PurposeWebhook(w.ID))
		if err != nil {
			return nil, fmt.Errorf("open the secret of a webhook: %w", err)
		}
		if err := m.sign(secret); err != nil {
			return nil, err
		}
	}
	return m, nil
}
