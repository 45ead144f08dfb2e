package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"healthcode/credential"
	"healthcode/schema"
)

// Rotate sees to the keys: it makes the next one in time, activates it when its day has come, which retires the one before, and removes a
// key when its last code has ended. Several processes may do it: each step is taken once.
type Rotate struct {
	DB    *schema.DB
	Keys  Keys
	Clock func() time.Time
}

// Rotated says what a rotation did, by the numbers of the keys.
type Rotated struct {
	Made      []int `json:"made"`
	Activated []int `json:"activated"`
	Removed   []int `json:"removed"`
	Asked     []int `json:"asked"` // keys that end soon and for whose successor a person was asked
}

// RunOnce does what is due. schema.ErrNothingDue when nothing is. What fails does not keep the other keys from their steps.
func (j *Rotate) RunOnce(ctx context.Context) (Rotated, error) {
	done := Rotated{[]int{}, []int{}, []int{}, []int{}}
	rows, err := j.DB.Keys(ctx)
	if err != nil {
		return done, fmt.Errorf("look after the keys: %w", err)
	}
	standings, err := j.standings(ctx, rows)
	if err != nil {
		return done, err
	}
	now := j.Clock()
	var errs []error
	steps := credential.PlanRotation(standings, now)
	for i := range steps {
		made := len(done.Made)
		errs = append(errs, j.take(ctx, &steps[i], rows, now, &done))
		for _, number := range done.Made[made:] {
			rows = append(rows, schema.SigningKey{Number: number})
		}
	}
	if err := errors.Join(errs...); err != nil {
		return done, err
	}
	if len(done.Made)+len(done.Activated)+len(done.Removed)+len(done.Asked) == 0 {
		return done, schema.ErrNothingDue
	}
	return done, nil
}

// Now has another key sign at once in place of the one that signs with an algorithm ("": see OpenActiveKey): one that waits, or a new one.
// Verifiers who fetch the key set once a week do not know it yet, so it needs a reason. ErrNoActiveKey when none signs, or when only a
// person can make the next one.
func (j *Rotate) Now(ctx context.Context, alg credential.Algorithm, by, reason string) (Rotated, error) {
	rows, err := j.DB.Keys(ctx)
	if err != nil {
		return Rotated{}, fmt.Errorf("look after the keys: %w", err)
	}
	row := choose(rows, alg)
	if row == nil {
		return Rotated{}, ErrNoActiveKey
	}
	now := j.Clock()
	number, err := nextKey(ctx, j.DB, j.Keys, row, false, now)
	if err == nil && number == 0 {
		err = fmt.Errorf("register the next key first (healthcode keys new --signer …): %w", ErrNoActiveKey)
	}
	if err != nil {
		return Rotated{}, err
	}
	step := credential.KeyStep{Action: credential.ActivateKey, At: now, By: by, Reason: reason, Now: true}
	if err := j.DB.TakeKeySteps(ctx, schema.KeyStep{Number: number, KeyStep: step}); err != nil {
		return Rotated{}, err
	}
	return Rotated{[]int{}, []int{number}, []int{}, []int{}}, nil
}

func (j *Rotate) standings(ctx context.Context, rows []schema.SigningKey) ([]credential.KeyStanding, error) {
	standings := make([]credential.KeyStanding, len(rows))
	for i := range rows {
		row := &rows[i]
		standings[i] = credential.KeyStanding{Number: uint8(row.Number), Algorithm: credential.Algorithm(row.Alg), Life: row.KeyLife}
		if row.State != schema.KeyVerifyOnly {
			continue
		}
		var err error
		if standings[i].LastExpiry, err = j.DB.LastExpiry(ctx, row.KID); err != nil {
			return nil, err
		}
	}
	return standings, nil
}

func (j *Rotate) take(ctx context.Context, step *credential.RotationStep, rows []schema.SigningKey, now time.Time, done *Rotated) error {
	row := rowOf(rows, int(step.Number))
	switch {
	case step.Tell:
		return j.ask(ctx, row, "the next key waits for its activation", now, done)
	case step.Make && row.Driver != schema.DriverFile:
		return j.ask(ctx, row, "register the next key: only keys in files are made by themselves", now, done)
	case step.Make:
		return j.make(ctx, step, rows, row, now, done)
	case step.Action == credential.ActivateKey:
		return j.activate(ctx, row, now, done)
	}
	return j.step(ctx, row.Number, credential.RemoveKey, "its last code has ended", now, &done.Removed)
}

func rowOf(rows []schema.SigningKey, number int) *schema.SigningKey {
	for i := range rows {
		if rows[i].Number == number {
			return &rows[i]
		}
	}
	return &schema.SigningKey{Number: number}
}

func (j *Rotate) ask(ctx context.Context, row *schema.SigningKey, what string, now time.Time, done *Rotated) error {
	reason := fmt.Sprintf("key %s is to sign until %s: %s", row.KID, row.PlannedUntil.UTC().Format(time.RFC3339), what)
	first, err := j.DB.AskForRotation(ctx, row.Number, reason, now)
	if err != nil {
		return fmt.Errorf("ask for the key after %s: %w", row.KID, err)
	}
	if first {
		done.Asked = append(done.Asked, row.Number)
	}
	return nil
}

// make makes the next key of an algorithm, for the issuer of the one before. It takes the number after the keys that were there when the
// steps were planned: whoever made one since then has taken it.
func (j *Rotate) make(ctx context.Context, step *credential.RotationStep, rows []schema.SigningKey, row *schema.SigningKey, now time.Time, done *Rotated) error {
	before, err := row.Public()
	if err != nil {
		return err
	}
	plan := credential.KeyLife{CreatedAt: now, PlannedFrom: step.From, PlannedUntil: step.Until}
	number, err := numberAfter(rows)
	if err == nil {
		err = makeNumbered(ctx, j.DB, j.Keys, number, step.Algorithm, before.Issuer, plan)
	}
	if errors.Is(err, schema.ErrConflict) {
		return nil // another process made one
	}
	if err != nil {
		return fmt.Errorf("make the key after %s: %w", before.ID(), err)
	}
	done.Made = append(done.Made, int(number))
	return nil
}

// activate activates a key whose day has come, if this process can sign with it: better the old key than none.
func (j *Rotate) activate(ctx context.Context, row *schema.SigningKey, now time.Time, done *Rotated) error {
	signer, err := openRow(ctx, j.Keys, row)
	if err != nil {
		return fmt.Errorf("the day of key %s has come: %w", row.KID, err)
	}
	if err := signer.Close(); err != nil {
		return fmt.Errorf("close key %s: %w", row.KID, err)
	}
	return j.step(ctx, row.Number, credential.ActivateKey, "its day has come", now, &done.Activated)
}

// step takes a step unless another process was faster.
func (j *Rotate) step(ctx context.Context, number int, action credential.KeyAction, reason string, now time.Time, done *[]int) error {
	err := j.DB.TakeKeySteps(ctx, schema.KeyStep{Number: number, KeyStep: credential.KeyStep{Action: action, At: now, By: credential.BySystem, Reason: reason}})
	if errors.Is(err, credential.ErrKeyStep) {
		return nil
	}
	if err == nil {
		*done = append(*done, number)
	}
	return err
}
