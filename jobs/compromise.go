package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"healthcode/credential"
	"healthcode/schema"
)

// Compromise is what is done when others may know a private key: the key is removed at once, another one signs, and everyone who had a printed
// code of it gets a new one. A process that is killed anywhere leaves the key removed or nothing done (but perhaps a key that waits); the next call goes on.
type Compromise struct {
	DB     *schema.DB
	Keys   Keys
	Clock  func() time.Time
	Number int    // of the key
	By     string // who decided it
	Reason string
	// Fresh makes a new key even where a published one waits: the one that waits may lie in the same hands.
	Fresh     bool
	RangeSize int
	Lease     time.Duration
	Progress  func(done, enterprises int64) // may be nil
}

// Compromised says what a compromise cost.
type Compromised struct {
	Key         int       `json:"key"`
	Reason      string    `json:"reason"`
	RemovedAt   time.Time `json:"removed_at"`
	NewKey      int       `json:"new_key"`     // that signs the new codes
	Codes       int       `json:"codes"`       // printed ones that fell with the key
	Enterprises int       `json:"enterprises"` // that must print anew
	Reissued    int       `json:"reissued"`    // of them, who have a new code
	Resumed     bool      `json:"resumed"`     // the key had been removed by an earlier call
	Seconds     float64   `json:"seconds"`     // from the removal to the last code, of this call
}

// RunOnce goes through the whole compromise, or what an earlier call left of it. schema.ErrRunning while another process issues codes: the key is
// removed by then. ErrNoActiveKey when the key is removed and no other could take its place: register one and call again.
func (j *Compromise) RunOnce(ctx context.Context) (*Compromised, error) {
	start := time.Now()
	row, err := j.DB.Key(ctx, j.Number)
	if err != nil {
		return nil, fmt.Errorf("find key %d: %w", j.Number, err)
	}
	done := &Compromised{Key: j.Number, Resumed: !row.CompromisedAt.IsZero()}
	if !done.Resumed {
		if err := j.remove(ctx, row); err != nil {
			return nil, err
		}
	}
	if done.NewKey, err = j.reissue(ctx, row); err != nil {
		return nil, err
	}
	done.Seconds = time.Since(start).Seconds()
	return done, j.count(ctx, done)
}

// remove removes the key and, when it signed, has another one sign, in one transaction.
func (j *Compromise) remove(ctx context.Context, row *schema.SigningKey) error {
	now := j.Clock()
	steps := []schema.KeyStep{{Number: row.Number, KeyStep: credential.KeyStep{Action: credential.CompromiseKey, At: now, By: j.By, Reason: j.Reason}}}
	if _, err := row.Take(steps[0].KeyStep); err != nil { // before a new key is made for nothing
		return fmt.Errorf("key %d: %w", row.Number, err)
	}
	if row.State == schema.KeyActive {
		next, err := nextKey(ctx, j.DB, j.Keys, row, j.Fresh, now)
		if err != nil {
			return err
		}
		if next != 0 { // otherwise the removal does not wait for a person who makes one
			steps = append(steps, schema.KeyStep{Number: next, KeyStep: credential.KeyStep{Action: credential.ActivateKey, At: now, By: j.By,
				Reason: fmt.Sprintf("key %d was compromised", row.Number), Now: true}})
		}
	}
	if err := j.DB.TakeKeySteps(ctx, steps...); err != nil {
		return fmt.Errorf("remove key %d: %w", row.Number, err)
	}
	return nil
}

// reissue gives everyone a code whose key is gone, and returns the key that signs. A run that another process began before the removal
// is brought to its end and followed by another one.
func (j *Compromise) reissue(ctx context.Context, row *schema.SigningKey) (number int, err error) {
	key, err := OpenActiveKey(ctx, j.DB, j.Keys, credential.Algorithm(row.Alg))
	if errors.Is(err, ErrNoActiveKey) {
		key, err = OpenActiveKey(ctx, j.DB, j.Keys, "")
	}
	if err != nil {
		return 0, fmt.Errorf("key %d is removed: %w", row.Number, err)
	}
	defer func() { err = errors.Join(err, key.Close()) }()
	work := &Reissue{Issuer: &Issuer{DB: j.DB, Signer: key, Clock: j.Clock}, RangeSize: j.RangeSize, Lease: j.Lease, Progress: j.Progress}
	run, err := work.RunOnce(ctx)
	if err == nil && run.Resumed {
		_, err = work.RunOnce(ctx)
	}
	return int(key.PublicKey().Number), err
}

// count fills in whom it costs what.
func (j *Compromise) count(ctx context.Context, done *Compromised) error {
	row, err := j.DB.Key(ctx, j.Number)
	if err != nil {
		return err
	}
	events, err := j.DB.KeyEvents(ctx, j.Number)
	if err != nil {
		return err
	}
	done.RemovedAt, done.Reason = row.RemovedAt, events[len(events)-1].Reason
	last := schema.LostCode{}
	for lost, err := range j.DB.LostCodes(ctx, row.KID, row.RemovedAt) {
		if err != nil {
			return err
		}
		done.Codes++
		if lost.USCC == last.USCC {
			continue
		}
		last = lost
		done.Enterprises++
		if lost.NewIndex > 0 {
			done.Reissued++
		}
	}
	return nil
}
