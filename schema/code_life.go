package schema

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"healthcode/registry"
	"healthcode/scoring"
)

// CodeStatus is what the status list says of a code.
type CodeStatus uint8

// The statuses, by their values in the list. Revoked and superseded are final.
const (
	CodeValid CodeStatus = iota
	CodeRevoked
	CodeSuspended
	CodeSuperseded
)

var codeStatusNames = []string{"valid", "revoked", "suspended", "superseded"}

func (s CodeStatus) String() string { return codeStatusNames[s] }

// MarshalText writes the name of the status.
func (s CodeStatus) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the name of a status.
func (s *CodeStatus) UnmarshalText(text []byte) error {
	i := slices.Index(codeStatusNames, string(text))
	if i < 0 {
		return fmt.Errorf("%.20q is no status of a code; want one of %s", text, strings.Join(codeStatusNames, ", "))
	}
	*s = CodeStatus(i)
	return nil
}

// Final reports whether no step leads away from the status.
func (s CodeStatus) Final() bool { return s == CodeRevoked || s == CodeSuperseded }

// CodeStep is one step in the life of a code.
type CodeStep string

// The steps. ChangeCode takes supersede, suspend, resume and revoke; ReplaceCode takes renew and supersede together with the code that
// follows; the others go with what they record.
const (
	StepIssue     CodeStep = "issue"
	StepRenew     CodeStep = "renew" // another code was issued in its place; this one stays valid to its end
	StepSupersede CodeStep = "supersede"
	StepSuspend   CodeStep = "suspend"
	StepResume    CodeStep = "resume"
	StepRevoke    CodeStep = "revoke"
	StepAbandon   CodeStep = "abandon" // an intent that nobody came back to: it may have been signed, so its place becomes revoked
)

// codeSteps says from which statuses a step leads to which. Only a revocation may also be of an intent.
var codeSteps = map[CodeStep]struct {
	from []CodeStatus
	to   CodeStatus
}{
	StepSuspend:   {[]CodeStatus{CodeValid}, CodeSuspended},
	StepResume:    {[]CodeStatus{CodeSuspended}, CodeValid},
	StepRevoke:    {[]CodeStatus{CodeValid, CodeSuspended}, CodeRevoked},
	StepSupersede: {[]CodeStatus{CodeValid, CodeSuspended}, CodeSuperseded},
}

// The bounds of what stands beside a step, in bytes.
const (
	MaxStepAuthor = 200
	MaxStepReason = 2000
)

// CodeEvent is one step that was taken.
type CodeEvent struct {
	USCC   registry.USCC
	Index  uint32
	Number int // from 1
	Step   CodeStep
	Author string
	Reason string
	At     time.Time
}

// ChangeCode takes one step with a code and returns it as it is then. Status, event, list mark and message land in one transaction.
// ErrNotFound for an index that was never given, ErrCodeStep when the status does not allow the step, ErrStepNote when author or reason is
// missing, too long or cannot be stored.
func (db *DB) ChangeCode(ctx context.Context, idx uint32, step CodeStep, author, reason string) (*Code, error) {
	doing := fmt.Sprintf("%s code %d", step, idx)
	if err := checkNote(author, reason); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	var changed *Code
	err := db.inWrite(ctx, doing, sql.LevelReadCommitted, func(t *tx) (err error) {
		t.touches()
		changed, err = t.changeCode(ctx, idx, step, author, reason)
		return err
	})
	return changed, err
}

func (t *tx) changeCode(ctx context.Context, idx uint32, step CodeStep, author, reason string) (*Code, error) {
	c, err := t.lockCode(ctx, idx)
	if err != nil {
		return nil, err
	}
	rule, known := codeSteps[step]
	if !known || !slices.Contains(rule.from, c.Status) || c.State == CodeIntended && step != StepRevoke {
		return nil, fmt.Errorf("%w: it is %s and %s", ErrCodeStep, c.State, c.Status)
	}
	now, err := t.now(ctx)
	if err != nil {
		return nil, err
	}
	t.touch(c.USCC)
	before := c.Status
	c.Status = rule.to
	const update = `UPDATE code SET status = ? WHERE uscc = ? AND idx = ?`
	if _, err := t.ExecContext(ctx, t.Rebind(update), int(c.Status), string(c.USCC), int64(idx)); err != nil {
		return nil, err
	}
	if err := t.addCodeEvents(ctx, []Code{*c}, codeNote{step, author, reason, now, &before}); err != nil {
		return nil, err
	}
	row := []any{string(c.USCC), TopicCodeChanged, codeChanged(c, step, reason), now}
	return c, t.insert(ctx, "outbox", "uscc, topic, payload, created_at", "", [][]any{row})
}

// codeChanged is the payload of a code.changed message. Who did it stays in the register.
func codeChanged(c *Code, step CodeStep, reason string) string {
	text, err := json.Marshal(struct {
		USCC   registry.USCC `json:"uscc"`
		Index  uint32        `json:"idx"`
		Form   string        `json:"form"`
		Step   CodeStep      `json:"step"`
		Status CodeStatus    `json:"status"`
		Reason string        `json:"reason"`
	}{c.USCC, c.Index, c.Form, step, c.Status, reason})
	if err != nil {
		panic(err) // texts and numbers always marshal
	}
	return string(text)
}

// codeNote is a step that was taken with codes.
type codeNote struct {
	Step           CodeStep
	Author, Reason string
	At             int64
	Before         *CodeStatus // where the step changed it
}

// addCodeEvents notes the same step for each of the codes and marks their enterprises for the lists. The caller has the codes' rows.
func (t *tx) addCodeEvents(ctx context.Context, codes []Code, note codeNote) error {
	numbers, err := t.eventNumbers(ctx, codes)
	if err != nil {
		return err
	}
	rows, owners := make([][]any, len(codes)), make([]registry.USCC, len(codes))
	for i := range codes {
		owners[i] = codes[i].USCC
		rows[i] = []any{string(codes[i].USCC), int64(codes[i].Index), numbers[codes[i].Index] + 1, string(note.Step), note.Author, note.Reason, note.At}
	}
	if err := t.insert(ctx, "code_event", "uscc, idx, number, step, author, reason, at", "", rows); err != nil {
		return err
	}
	if err := t.auditCodes(ctx, codes, note, rows); err != nil {
		return err
	}
	return t.markLists(ctx, owners)
}

// codeAudited is what the audit log says of a code.
type codeAudited struct {
	Status    CodeStatus      `json:"status"`
	Form      string          `json:"form,omitempty"`
	KID       string          `json:"kid,omitempty"`
	Tier      registry.Tier   `json:"tier,omitzero"`
	Colour    registry.Colour `json:"colour,omitzero"`
	Model     int             `json:"model,omitempty"`
	ExpiresAt time.Time       `json:"expires_at,omitzero"`
	Reason    string          `json:"reason,omitempty"`
}

// auditCodes adds the line of a step: what became of one code, or the digest of the events of many.
func (t *tx) auditCodes(ctx context.Context, codes []Code, note codeNote, events [][]any) error {
	entry := auditEntry{Action: "code." + string(note.Step), Noun: "code"}
	switch {
	case len(codes) == 0:
		return nil
	case len(codes) == 1:
		c := &codes[0]
		entry.ID, entry.USCC = number(c.Index), c.USCC
		entry.After = codeAudited{c.Status, c.Form, c.KID, c.Tier, c.Colour, c.Model, c.ExpiresAt.UTC(), note.Reason}
		if note.Before != nil {
			entry.Before = codeAudited{Status: *note.Before}
		}
	default:
		entry.After = batchAudited{Rows: len(codes), First: number(codes[0].Index), Last: number(codes[len(codes)-1].Index), Digest: digestOf(events)}
	}
	return t.audit(ctx, entry)
}

// eventNumbers returns the number of the newest event of each code that has one.
func (t *tx) eventNumbers(ctx context.Context, codes []Code) (map[uint32]int, error) {
	owners := make([]registry.USCC, len(codes))
	for i := range codes {
		owners[i] = codes[i].USCC
	}
	query := `SELECT e.idx, max(e.number) FROM ` + t.db.engine.dialect().keys + ` k JOIN code_event e ON e.uscc = k.key GROUP BY e.idx`
	found := make(map[uint32]int, len(codes))
	err := t.each(ctx, query, []any{list(owners)}, func(scan func(...any) error) error {
		var idx uint32
		var number int
		err := scan(&idx, &number)
		found[idx] = number
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read events of codes: %w", err)
	}
	return found, nil
}

// CodeEvents returns the steps of a code of an enterprise, oldest first; none is no error.
func (db *DB) CodeEvents(ctx context.Context, code registry.USCC, idx uint32) ([]CodeEvent, error) {
	read := func(scan func(...any) error) (e CodeEvent, err error) {
		var at int64
		err = scan((*string)(&e.USCC), &e.Index, &e.Number, (*string)(&e.Step), &e.Author, &e.Reason, &at)
		e.At = instant(at)
		return e, err
	}
	const query = `SELECT uscc, idx, number, step, author, reason, at FROM code_event WHERE uscc = ? AND idx = ? ORDER BY number`
	return collect(ctx, db, "read events of a code", query, []any{string(code), int64(idx)}, read)
}

// abandonBatch bounds how many intents one transaction abandons.
const abandonBatch = 5000

// AbandonIntents revokes the places of intents that were left open for longer than age, at most some thousands at once, and returns how many.
// Such a code may have been signed by a process that was killed before it could say so.
func (db *DB) AbandonIntents(ctx context.Context, age time.Duration) (int, error) {
	const oldest = `SELECT coalesce(min(created_at), 0) FROM code WHERE state = 'intended' AND status = 0`
	var first int64
	if err := db.read.GetContext(ctx, &first, oldest); err != nil || first == 0 {
		return 0, db.fail(ctx, "look for open intents", err)
	}
	var abandoned int
	err := db.inWrite(ctx, "abandon intents", sql.LevelReadCommitted, func(t *tx) error {
		t.touches()
		now, err := t.now(ctx)
		if err != nil {
			return err
		}
		codes, err := t.abandon(ctx, now-age.Microseconds())
		if abandoned = len(codes); err != nil || abandoned == 0 {
			return err
		}
		return t.addCodeEvents(ctx, codes, codeNote{Step: StepAbandon, Author: scoring.BySystem, Reason: "the process that was to sign it did not come back", At: now})
	})
	return abandoned, err
}

func (t *tx) abandon(ctx context.Context, before int64) ([]Code, error) {
	const query = `UPDATE code SET status = 1 WHERE state = 'intended' AND status = 0 AND idx IN
		(SELECT idx FROM code WHERE state = 'intended' AND status = 0 AND created_at < ? ORDER BY created_at LIMIT ?) RETURNING uscc, idx`
	var codes []Code
	err := t.each(ctx, query, []any{before, abandonBatch}, func(scan func(...any) error) error {
		var c Code
		err := scan((*string)(&c.USCC), &c.Index)
		t.touch(c.USCC)
		codes = append(codes, c)
		return err
	})
	return codes, err
}
