package schema

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"healthcode/registry"
	"healthcode/supervision"
)

// Why a step with a listing is refused, beside what package supervision says.
var (
	ErrOwnAct  = errors.New("who began it does not decide it")
	ErrPenalty = errors.New("the enterprise has no penalty of this source and number that stands")

	ErrAnswerOpen = errors.New("the enterprise has objected to the notice, which is to be decided first")
)

// ListingSource is the source of the records that listings write. Nobody else delivers under it.
const ListingSource = "listing"

// ListingAct is a step that somebody takes with an enterprise and a list. Who it is stands in the context (WithActor).
type ListingAct struct {
	List   string
	USCC   registry.USCC
	Step   supervision.ListingStep
	Day    registry.Day
	Reason string // may be missing where the enterprise itself acts
	Missed []string

	Commitment string                // of an application: what the enterprise promises; it becomes a record
	Basis      string                // of a notice
	Penalty    supervision.RecordRef // of a notice

	repaired bool // the entry ends because its penalty was repaired: it was right until today
}

// ListingCheck is what a look at an entry found.
type ListingCheck struct {
	Listing  *Listing // as it was read
	Criteria *supervision.Criteria
	Missed   []string
	Day      registry.Day
	KnownAt  time.Time // of the grade that was looked at
}

// TakeListingStep takes a step and returns the entry as it is then. Entry, history, records, message and audit land in one transaction.
// ErrNotFound when the register does not have the enterprise, ErrOwnAct, ErrPenalty, ErrAnswerOpen, ErrStepNote, and what ListingEntry.Take says.
func (db *DB) TakeListingStep(ctx context.Context, act ListingAct) (*Listing, error) {
	own := act.Step == supervision.StepApply || act.Step == supervision.StepWithdraw
	if err := checkNote(authorOf(ctx), act.Reason); err != nil && (!own || act.Reason != "") || !storable(act.Commitment, act.Basis, act.Penalty.Source, act.Penalty.Ref) {
		return nil, fmt.Errorf("%s: %w", act.Step, ErrStepNote)
	}
	var taken *Listing
	err := db.inPut(ctx, string(act.Step)+" in a list", PutOptions{}, func(t *tx) error {
		known, err := t.registered(ctx, []string{string(act.USCC)}, nil)
		if err != nil {
			return err
		}
		if !known[string(act.USCC)] {
			return ErrNotFound
		}
		before, err := t.lockListing(ctx, act.List, act.USCC)
		if err != nil {
			return err
		}
		taken, err = t.takeListingStep(ctx, before, &act)
		return err
	})
	return taken, err
}

// FollowListing notes what a look at an entry found, and takes the step that follows from it, if any. It returns nil when the entry has changed
// since it was read: whoever changed it has seen to it, or the next look will.
func (db *DB) FollowListing(ctx context.Context, check *ListingCheck) (step supervision.ListingStep, err error) {
	ctx = WithActor(ctx, Actor{Kind: ActorSystem}) // whoever runs it, rules decide
	err = db.inPut(ctx, "follow up a listing", PutOptions{}, func(t *tx) error {
		step = ""
		l, err := t.lockListing(ctx, check.Listing.List, check.Listing.USCC)
		if err != nil || l.Revision != check.Listing.Revision {
			return err
		}
		following, metSince := l.Follow(check.Criteria, len(check.Missed) == 0, check.Day)
		act := &ListingAct{List: l.List, USCC: l.USCC, Step: following, Day: check.Day, Missed: check.Missed}
		l.CheckedOn, l.CheckedAt, l.Checked = check.Day, check.KnownAt, check.Criteria.Version
		if l.List == supervision.ListSerious {
			if err := t.followPenalty(ctx, l, act); err != nil {
				return err
			}
		}
		if step = act.Step; step == "" {
			l.MetSince, l.Missed = metSince, check.Missed
			l.Revision++
			return t.putListing(ctx, l)
		}
		if step == supervision.StepExpire {
			act.Day = l.Until
		}
		_, err = t.takeListingStep(ctx, l, act)
		return err
	})
	return step, err
}

// followPenalty looks at the penalty on which a notice or an entry rests, and sets the step and the reason that follow from it. An entry that should
// never have been is taken off, also where its term is over meanwhile.
func (t *tx) followPenalty(ctx context.Context, l *Listing, act *ListingAct) error {
	revisions, err := t.revisionsOf(ctx, l.USCC, l.Penalty.Source, l.Penalty.Ref)
	if errors.Is(err, ErrNoRecord) { // nothing to follow
		return nil
	}
	if err != nil {
		return err
	}
	penalty := revisions[len(revisions)-1]
	restarted, err := (&recourseWriter{tx: t}).restarted(ctx, &penalty)
	if err != nil {
		return err
	}
	l.CheckedAt = penalty.KnownAt
	step, reason := l.FollowPenalty(penalty, restarted, act.Day)
	if step == "" || act.Step != "" && penalty.State != registry.StateVoided {
		return nil
	}
	act.Step, act.Reason, act.repaired = step, reason, penalty.State == registry.StateRepaired
	return nil
}

// lockListing reads an entry for the transaction that is about to change it; one of state none when there is none yet.
func (t *tx) lockListing(ctx context.Context, list string, code registry.USCC) (*Listing, error) {
	l := &Listing{ListingEntry: supervision.ListingEntry{List: list, USCC: code}}
	query := `SELECT ` + listingColumns + ` FROM listing_entry WHERE uscc = ? AND list = ?` + t.db.engine.dialect().updateLock
	err := t.each(ctx, query, []any{string(code), list}, func(scan func(...any) error) error {
		found, err := readListing(scan)
		*l = found
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read listing: %w", err)
	}
	return l, nil
}

func (t *tx) takeListingStep(ctx context.Context, before *Listing, act *ListingAct) (*Listing, error) {
	criteria, err := t.listingCriteria(ctx, act.List, act.Day)
	if err != nil {
		return nil, err
	}
	after := *before
	if after.ListingEntry, err = before.Take(act.Step, criteria, act.Day); err != nil {
		return nil, err
	}
	if err := t.openListing(ctx, before, &after, act); err != nil {
		return nil, err
	}
	after.ByHand = act.Step == supervision.StepSuspend && ActorOf(ctx).Kind != ActorSystem
	after.Missed, after.Revision, after.Steps = act.Missed, before.Revision+1, before.Steps+1
	if err := t.recordListing(ctx, &after, act); err != nil {
		return nil, err
	}
	if err := t.putListing(ctx, &after); err != nil {
		return nil, err
	}
	return &after, t.noteListing(ctx, before, &after, act)
}

// openListing notes who begins, and refuses whoever began as the one who decides.
func (t *tx) openListing(ctx context.Context, before, after *Listing, act *ListingAct) error {
	actor := ActorOf(ctx)
	who := actor.Kind + " " + strconv.FormatInt(actor.ID, 10)
	switch act.Step {
	case supervision.StepNotice:
		after.Basis, after.Penalty = act.Basis, act.Penalty
		after.opener = who
		return t.penaltyStands(ctx, act)
	case supervision.StepApply, supervision.StepNominate:
		after.opener, after.Commitment = who, act.Commitment
	case supervision.StepList, supervision.StepRefuse:
		if actor.ID != 0 && before.opener == who {
			return ErrOwnAct
		}
		if before.State == supervision.StateNoticed && act.Step == supervision.StepList {
			if err := t.answered(ctx, before); err != nil {
				return err
			}
			return t.penaltyStands(ctx, &ListingAct{USCC: act.USCC, Penalty: before.Penalty})
		}
	}
	return nil
}

// penaltyStands refuses a penalty that the enterprise does not have, or that was voided or repaired.
func (t *tx) penaltyStands(ctx context.Context, act *ListingAct) error {
	var n int
	const query = `SELECT count(*) FROM record WHERE uscc = ? AND source = ? AND source_ref = ? AND kind = 'penalty' AND superseded_at = 9223372036854775807
		AND state NOT IN ('voided', 'repaired')`
	if err := t.GetContext(ctx, &n, t.Rebind(query), string(act.USCC), act.Penalty.Source, act.Penalty.Ref); err != nil {
		return fmt.Errorf("look for the penalty: %w", err)
	}
	if n == 0 {
		return ErrPenalty
	}
	return nil
}

// recordListing writes what a step says about the enterprise as records, so that grades follow: the commitment of an application, and the
// serious-violation list, whose veto begins and ends with it. An entry that is taken off by decision, or because its penalty was voided, should never
// have been: its record is voided.
func (t *tx) recordListing(ctx context.Context, l *Listing, act *ListingAct) error {
	record := registry.Record{USCC: l.USCC, Source: ListingSource, SourceRef: listingRef(l.List, l.USCC, l.Steps), State: registry.StateFinal, OccurredOn: act.Day}
	switch {
	case act.Commitment != "":
		record.Kind, record.Outcome, record.Detail = registry.KindCommitment, registry.OutcomeMade, &registry.Commitment{Text: act.Commitment}
	case l.List != supervision.ListSerious || !l.seriousStep(act.Step):
		return nil
	default:
		record.Kind, record.Outcome, record.Detail = registry.KindExternalCredit, registry.OutcomeListed, &registry.ExternalCredit{List: l.List}
	}
	switch {
	case act.Step == supervision.StepList:
		l.recordRef = record.SourceRef
	case act.Step == supervision.StepRemove && !act.repaired:
		record.SourceRef, record.State = l.recordRef, registry.StateVoided
		if err := t.listedSince(ctx, l, &record); err != nil {
			return err
		}
	case act.Commitment == "": // expired, let go, or of a penalty that was repaired: it was right until now
		record.Outcome = registry.OutcomeDelisted
	}
	return t.putOwnRecord(ctx, record)
}

func (l *Listing) seriousStep(step supervision.ListingStep) bool {
	return step == supervision.StepList || step == supervision.StepRemove || step == supervision.StepExpire || step == supervision.StepExit
}

// listedSince gives the voided revision the day of the one that it voids.
func (t *tx) listedSince(ctx context.Context, l *Listing, r *registry.Record) error {
	const query = `SELECT occurred_on FROM record WHERE uscc = ? AND source = ? AND source_ref = ? AND revision = 1`
	if err := t.GetContext(ctx, (*int32)(&r.OccurredOn), t.Rebind(query), string(l.USCC), ListingSource, l.recordRef); err != nil {
		return fmt.Errorf("read the record of a listing: %w", err)
	}
	return nil
}

// putOwnRecord stores a record that follows from what this transaction does.
func (t *tx) putOwnRecord(ctx context.Context, r registry.Record) error {
	batch := newRecordBatch(t, PutOptions{})
	results, err := batch.put(ctx, []registry.Record{r})
	if err != nil {
		return err
	}
	if results[0].Outcome == Refused {
		return fmt.Errorf("record of a listing: %w", registry.Problems{results[0].Problem})
	}
	return t.announce(ctx, batch.changed)
}

func (t *tx) putListing(ctx context.Context, l *Listing) error {
	const tail = `ON CONFLICT (uscc, list) DO UPDATE SET revision = excluded.revision, steps = excluded.steps, state = excluded.state, since = excluded.since,
		by_hand = excluded.by_hand, met_since = excluded.met_since, until = excluded.until, answer_by = excluded.answer_by, basis = excluded.basis,
		penalty_source = excluded.penalty_source, penalty_ref = excluded.penalty_ref, commitment = excluded.commitment, opener = excluded.opener, record_ref = excluded.record_ref,
		missed = excluded.missed, checked_on = excluded.checked_on, checked_at = excluded.checked_at, checked_criteria = excluded.checked_criteria
		WHERE listing_entry.revision = excluded.revision - 1`
	query := `INSERT INTO listing_entry (` + listingColumns + `) VALUES (?` + strings.Repeat(`,?`, len(l.values())-1) + `) ` + tail
	result, err := t.ExecContext(ctx, t.Rebind(query), l.values()...)
	if err != nil {
		return fmt.Errorf("store listing: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 { // its first step was taken by two at once
		return fmt.Errorf("%w: the listing changed meanwhile", errAgain)
	}
	return nil
}

// listingAudit is what the audit log says of an entry.
type listingAudit struct {
	State  supervision.ListingState `json:"state"`
	Since  registry.Day             `json:"since"`
	Until  registry.Day             `json:"until,omitzero"`
	Reason string                   `json:"reason,omitempty"`
	Missed []string                 `json:"missed,omitempty"`
}

// noteListing keeps the step, tells it where others may know of it, and audits it.
func (t *tx) noteListing(ctx context.Context, before, after *Listing, act *ListingAct) error {
	row := []any{string(after.USCC), after.List, after.Steps, string(act.Step), string(after.State), int64(act.Day), t.stamp, authorOf(ctx), act.Reason, strings.Join(act.Missed, " ")}
	if err := t.insert(ctx, "listing_step", "uscc, list, number, step, state, day, at, author, reason, missed", "", [][]any{row}); err != nil {
		return err
	}
	if before.State.Public() || after.State.Public() {
		payload, err := json.Marshal(listingTold{after.USCC, after.List, after.State, after.Since})
		if err != nil {
			return fmt.Errorf("write message: %w", err)
		}
		if err := t.insert(ctx, "outbox", "uscc, topic, payload, created_at", "", [][]any{{string(after.USCC), TopicListingChanged, string(payload), t.stamp}}); err != nil {
			return err
		}
	}
	entry := auditEntry{Action: "listing." + string(act.Step), Noun: "listing", ID: after.List, USCC: after.USCC,
		After: listingAudit{after.State, after.Since, after.Until, act.Reason, act.Missed}}
	if before.State != supervision.StateNone {
		entry.Before = listingAudit{State: before.State, Since: before.Since, Until: before.Until}
	}
	return t.audit(ctx, entry)
}
