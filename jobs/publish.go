package jobs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"healthcode/credential"
	"healthcode/schema"
)

const (
	// PublishEvery is how old a publication gets before its list is signed again without a change: a reader that asks at any time gets one that
	// is younger than credential.ListTTL.
	PublishEvery = 50 * time.Minute
	// DefaultListHistory is how long old publications of a list stay: see Publish.History.
	DefaultListHistory = 30 * 24 * time.Hour
	// IntentLife is how long the intent of a code may stay open. An older one is revoked: whoever was to sign it did not come back.
	IntentLife = 10 * time.Minute

	publishLease = "publish-lists"
	leaseLength  = 15 * time.Second // a process that was killed is replaced after this
	// maxMarks bounds how many marks are looked up one by one; when more wait, everything is read in one pass.
	maxMarks = 20_000
	// maxAhead is how far the iat of a list may run ahead of the clock. Readers accept as much.
	maxAhead = time.Minute
	// keepMinutes is for how long one publication a minute is kept.
	keepMinutes = 24 * time.Hour
)

// ErrClockBehind says that this machine's clock is far behind the newest publication. Nothing is published until it has caught up: verifiers
// refuse a list that is older than the one they saw.
var ErrClockBehind = errors.New("the clock is behind the newest publication of a list: set it right, or wait")

// Publish publishes the status and grade lists. One process at a time does: the holder of a lease. It keeps every list in memory, applies the
// marks that writers leave with each change, signs the lists that changed and stores them together with the deletion of those marks. A
// process that is killed anywhere leaves the marks or the publication, never neither.
//
// The iat of a list always rises. After a second publication within a second, or when the clock was set back, it is the last one plus a
// second; when that would be more than a minute ahead of the clock, ErrClockBehind.
type Publish struct {
	DB      *schema.DB
	Signer  credential.Signer // the active key
	Clock   func() time.Time
	History time.Duration // how long old publications stay, one an hour, and one a minute for a day; 0: DefaultListHistory
	Lease   time.Duration // without a sign of life; 0: 15 s

	mu     sync.Mutex
	lease  *schema.Lease
	renew  time.Time // when to renew the lease, by this process's steady clock
	tidied time.Time // when intents and history were last looked at
	lists  *listArrays
}

// Published says what one publication did.
type Published struct {
	Lists     int  // signed and stored
	Marks     int  // of enterprises that changed
	Abandoned int  // intents
	Rebuilt   bool // everything was read again
}

// RunOnce publishes what is due. schema.ErrNothingDue when nothing is, schema.ErrRunning when another process publishes. Calls follow each other.
func (j *Publish) RunOnce(ctx context.Context) (Published, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.hold(ctx); err != nil {
		return Published{}, err
	}
	done, err := j.publish(ctx)
	if err != nil && !errors.Is(err, ErrClockBehind) {
		j.lists = nil // what was stored is not known for sure: read it again
	}
	if errors.Is(err, schema.ErrLeaseLost) {
		j.lease = nil
	}
	if err == nil && done == (Published{}) {
		err = schema.ErrNothingDue
	}
	return done, err
}

// Release gives the lease back, so that another process can publish at once.
func (j *Publish) Release(ctx context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.lease == nil {
		return nil
	}
	lease := j.lease
	j.lease, j.lists = nil, nil
	if err := j.DB.ReleaseLease(ctx, lease); err != nil {
		return fmt.Errorf("let another process publish lists: %w", err)
	}
	return nil
}

func (j *Publish) leaseLength() time.Duration {
	if j.Lease > 0 {
		return j.Lease
	}
	return leaseLength
}

// hold takes the lease or renews it. Whoever takes it anew reads everything: another process may have published meanwhile.
func (j *Publish) hold(ctx context.Context) error {
	if j.lease == nil {
		lease, err := j.DB.TakeLease(ctx, publishLease, j.leaseLength())
		if err != nil {
			return err
		}
		j.lease, j.lists = lease, nil
		j.renew = time.Now().Add(j.leaseLength() / 3)
		return nil
	}
	if time.Now().Before(j.renew) {
		return nil
	}
	if err := j.DB.RenewLease(ctx, j.lease); err != nil {
		j.lists = nil
		if errors.Is(err, schema.ErrLeaseLost) {
			j.lease = nil
		}
		return err
	}
	j.renew = time.Now().Add(j.leaseLength() / 3)
	return nil
}

func (j *Publish) publish(ctx context.Context) (done Published, err error) {
	if done.Abandoned, err = j.tidy(ctx); err != nil {
		return done, err
	}
	marks, rebuilt, err := j.update(ctx)
	if err != nil {
		return done, err
	}
	done.Marks, done.Rebuilt = len(marks), rebuilt
	signer, err := pinned(ctx, j.Signer)
	if err != nil {
		return done, fmt.Errorf("find the key that signs: %w", err)
	}
	lists := j.lists.due(j.Clock(), signer.PublicKey().ID())
	done.Lists = len(lists)
	if len(lists) == 0 && len(marks) == 0 {
		return Published{Abandoned: done.Abandoned}, nil
	}
	tokens, err := j.sign(signer, lists)
	if err != nil {
		return done, err
	}
	if err := j.DB.SaveLists(ctx, j.lease, tokens, marks); err != nil {
		return done, fmt.Errorf("store the lists: %w", err)
	}
	for i, l := range lists {
		l.iat, l.kid, l.content, l.changed = tokens[i].IssuedAt, tokens[i].KID, tokens[i].Content, false
	}
	return done, nil
}

// update brings the arrays up to date and returns the marks that are made good by it.
func (j *Publish) update(ctx context.Context) (marks []schema.ListMark, rebuilt bool, err error) {
	if j.lists == nil {
		marks, err = j.build(ctx)
		return marks, true, err
	}
	due, err := j.DB.ListsDue(ctx)
	if err != nil || !due {
		return nil, false, err
	}
	marks, entries, err := j.DB.ListChanges(ctx, maxMarks)
	if err != nil {
		return nil, false, fmt.Errorf("read the changes of lists: %w", err)
	}
	if len(marks) == maxMarks {
		marks, err = j.build(ctx)
		return marks, true, err
	}
	for _, e := range entries {
		j.lists.put(e)
	}
	return marks, false, nil
}

// build reads everything in one pass.
func (j *Publish) build(ctx context.Context) ([]schema.ListMark, error) {
	lists := newListArrays()
	lists.get(listName{credential.ListStatus, 0}) // the first lists are there before the first code
	lists.get(listName{credential.ListGrade, 0})
	marks, err := j.DB.Lists(ctx, lists.put)
	if err != nil {
		return nil, fmt.Errorf("build the lists: %w", err)
	}
	heads, err := j.DB.ListHeads(ctx)
	if err != nil {
		return nil, fmt.Errorf("find what is published: %w", err)
	}
	lists.published(heads)
	j.lists = lists
	return marks, nil
}

// sign makes the tokens of lists.
func (j *Publish) sign(signer credential.Signer, lists []*listArray) ([]schema.ListToken, error) {
	tokens := make([]schema.ListToken, len(lists))
	now := j.Clock()
	for i, l := range lists {
		at, err := l.nextIAT(now)
		if err != nil {
			return nil, err
		}
		token, err := credential.SignList(signer, l.kind, l.number, l.entries, at)
		if err != nil {
			return nil, fmt.Errorf("sign the %s list %d: %w", l.kind, l.number, err)
		}
		tokens[i] = schema.ListToken{Kind: string(l.kind), Number: l.number, IssuedAt: at, KID: signer.PublicKey().ID(), Content: l.digest(), Token: token}
	}
	return tokens, nil
}

// nextIAT returns the second that dates the next publication: after the last one.
func (l *listArray) nextIAT(now time.Time) (time.Time, error) {
	at := now.UTC().Truncate(time.Second)
	if l.iat.IsZero() || at.After(l.iat) {
		return at, nil
	}
	at = l.iat.Add(time.Second)
	if at.Sub(now) > maxAhead {
		return at, fmt.Errorf("%s list %d was published with the time %s: %w", l.kind, l.number, l.iat.Format(time.RFC3339), ErrClockBehind)
	}
	return at, nil
}

// tidy abandons old intents and thins the history out, once a minute.
func (j *Publish) tidy(ctx context.Context) (abandoned int, err error) {
	now := j.Clock()
	if since := now.Sub(j.tidied); since >= 0 && since < time.Minute {
		return 0, nil
	}
	if abandoned, err = j.DB.AbandonIntents(ctx, IntentLife); err != nil {
		return 0, fmt.Errorf("abandon intents of codes: %w", err)
	}
	history := j.History
	if history <= 0 {
		history = DefaultListHistory
	}
	if _, err := j.DB.PruneLists(ctx, schema.ListKeeping{Minutes: now.Add(-keepMinutes), Hours: now.Add(-history)}); err != nil {
		return abandoned, fmt.Errorf("thin the history of lists out: %w", err)
	}
	j.tidied = now
	return abandoned, nil
}
