package schema

import (
	"context"
	"database/sql"
	"fmt"
)

// CanReplace says whether a step, StepRenew or StepSupersede, may be taken with a code and stand beside such a note: ErrCodeStep or ErrStepNote when
// not. A renewed code stays valid to its end and is renewed once; a superseded one ends at once. Screen codes renew themselves.
func (db *DB) CanReplace(ctx context.Context, c *Code, step CodeStep, author, reason string) error {
	if err := checkNote(author, reason); err != nil {
		return fmt.Errorf("%s code %d: %w", step, c.Index, err)
	}
	events, err := db.CodeEvents(ctx, c.USCC, c.Index)
	if err != nil {
		return err
	}
	return canReplace(c, step, hasStep(events, StepRenew))
}

func hasStep(events []CodeEvent, step CodeStep) bool {
	for i := range events {
		if events[i].Step == step {
			return true
		}
	}
	return false
}

func canReplace(c *Code, step CodeStep, renewed bool) error {
	refused := func(why string) error { return fmt.Errorf("%s code %d: %w: %s", step, c.Index, ErrCodeStep, why) }
	switch {
	case step != StepRenew && step != StepSupersede:
		return refused("no code takes its place")
	case c.State != CodeIssued:
		return refused("it was never issued")
	case c.Form == "screen":
		return refused("screen codes renew themselves")
	case step == StepRenew && c.Status != CodeValid, c.Status.Final():
		return refused("it is " + c.Status.String())
	case step == StepRenew && renewed:
		return refused("it was renewed before")
	}
	return nil
}

// ReplaceCode issues a code, whose intent is open, in place of another one of the same enterprise and form: with StepRenew the old one stays valid to
// its end, with StepSupersede it ends. All of it, with its history, lands in one transaction. Errors as those of ChangeCode and SaveCode.
func (db *DB) ReplaceCode(ctx context.Context, old uint32, step CodeStep, next Code, author, reason string) error {
	if err := checkNote(author, reason); err != nil {
		return fmt.Errorf("%s code %d: %w", step, old, err)
	}
	return db.inWrite(ctx, fmt.Sprintf("%s code %d", step, old), sql.LevelReadCommitted, func(t *tx) error {
		t.touches()
		before, err := t.lockCode(ctx, old)
		if err != nil {
			return err
		}
		if before.USCC != next.USCC || before.Form != next.Form {
			return fmt.Errorf("%w: it is of another enterprise or form", ErrConflict)
		}
		var renewed bool
		const query = `SELECT count(*) > 0 FROM code_event WHERE uscc = ? AND idx = ? AND step = 'renew'`
		if err := t.GetContext(ctx, &renewed, t.Rebind(query), string(before.USCC), int64(old)); err != nil {
			return err
		}
		if err := canReplace(before, step, renewed); err != nil {
			return err
		}
		return t.replace(ctx, before, step, &next, author, reason)
	})
}

func (t *tx) replace(ctx context.Context, old *Code, step CodeStep, next *Code, author, reason string) error {
	if err := t.saveCodes(ctx, []Code{*next}); err != nil {
		return err
	}
	now, err := t.now(ctx)
	if err != nil {
		return err
	}
	if err := t.addCodeEvents(ctx, []Code{*next}, codeNote{Step: StepIssue, Author: author, Reason: reason, At: now}); err != nil {
		return err
	}
	if step == StepSupersede {
		_, err := t.changeCode(ctx, old.Index, step, author, reason)
		return err
	}
	return t.addCodeEvents(ctx, []Code{*old}, codeNote{Step: step, Author: author, Reason: reason, At: now})
}

// lockCode reads a code and keeps it for this transaction.
func (t *tx) lockCode(ctx context.Context, idx uint32) (*Code, error) {
	query := `SELECT ` + codeColumns + ` FROM code WHERE idx = ?` + t.db.engine.dialect().updateLock
	c, err := readCode(t.QueryRowContext(ctx, t.Rebind(query), int64(idx)).Scan)
	return &c, err
}

// checkNote refuses what cannot stand beside a step.
func checkNote(author, reason string) error {
	if author == "" || reason == "" || len(author) > MaxStepAuthor || len(reason) > MaxStepReason || !storable(author, reason) {
		return ErrStepNote
	}
	return nil
}
