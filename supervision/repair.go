package supervision

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"healthcode/registry"
)

// PublicationTerm says how long a bad fact is published, in months: repair can be asked for after Least, and publication ends by itself after Most.
type PublicationTerm struct{ Least, Most int }

// Terms by the severity of the dishonesty (国办发〔2025〕22号; 信用修复管理办法, in force 2026-04-01): 轻微, 一般, 严重. A minor one can be repaired once its
// duties are done. What has no severity, as a broken commitment, is 一般.
var Terms = map[registry.Severity]PublicationTerm{
	registry.SeverityMinor:    {0, 3},
	registry.SeverityNone:     {3, 12},
	registry.SeverityMajor:    {3, 12},
	registry.SeverityCritical: {12, 36},
}

// neverRepaired are sanctions for which there is no early end (order 45 of 2021): they stay until the longest term ends.
var neverRepaired = []string{registry.SanctionSuspension, registry.SanctionRestriction, registry.SanctionDowngrade, registry.SanctionRevocation}

// Lists whose members get no repair.
var barringLists = []string{registry.ListSeriousViolation, registry.ListAbnormalOperation}

// Publication is how long one record may be shown.
type Publication struct {
	From   registry.Day // the decision, or the day on which a repair got by fraud was revoked
	Repair registry.Day // from this day on repair may be asked for; 0: never
	Until  registry.Day // the last day
}

// Repairable reports whether a record is of a kind that is published for a term and can be repaired: a penalty or a broken commitment.
func Repairable(r *registry.Record) bool {
	return r.Kind.CanBeRepaired() && (r.Outcome == registry.OutcomeImposed || r.Outcome == registry.OutcomeBroken)
}

// PublicationOf returns how long a record may be shown. restarted is the day on which a repair of it was revoked for fraud, 0 for none: the clock
// then starts again.
func PublicationOf(r *registry.Record, restarted registry.Day) Publication {
	from, term := max(r.OccurredOn, restarted), Terms[r.Severity]
	p := Publication{From: from, Repair: addMonths(from, term.Least), Until: addMonths(from, term.Most)}
	penalty, ok := r.Detail.(*registry.Penalty)
	if !ok {
		return p
	}
	if slices.Contains(neverRepaired, penalty.Sanction) {
		p.Repair, p.Until = 0, addMonths(from, Terms[registry.SeverityCritical].Most)
	}
	if penalty.PublishUntil >= from { // the decision itself ends it earlier
		p.Until = min(p.Until, penalty.PublishUntil)
	}
	return p
}

// addMonths returns the same day of a later month, or that month's last day.
func addMonths(day registry.Day, months int) registry.Day {
	at := day.Time()
	first := time.Date(at.Year(), at.Month()+time.Month(months), 1, 12, 0, 0, 0, registry.Shanghai)
	last := first.AddDate(0, 1, -1).Day()
	return registry.DayOf(first.AddDate(0, 0, min(at.Day(), last)-1))
}

// Ended reports whether a record has been published for as long as it may: it is then to be treated as repaired.
func Ended(r *registry.Record, restarted, on registry.Day) bool {
	return Repairable(r) && (r.State == registry.StateFinal || r.State == registry.StateProvisional && r.ProvisionalUntil != 0) && on > PublicationOf(r, restarted).Until
}

// Repaired returns the record once its publication has ended, early or by time.
func Repaired(r registry.Record) registry.Record {
	r.State, r.ProvisionalUntil = registry.StateRepaired, 0
	return r
}

// Unrepaired returns the record once a repair was revoked.
func Unrepaired(r registry.Record) registry.Record {
	r.State, r.ProvisionalUntil = registry.StateFinal, 0
	return r
}

// Duties is what who asks for a repair declares.
type Duties struct {
	Done    bool // what the decision orders is done and paid
	Removed bool // the harm is removed
}

// Why a record cannot be repaired, or not yet.
var (
	ErrNotRepairable = errors.New("this record cannot be repaired")
	ErrTooEarly      = errors.New("the shortest term of publication has not ended")
	ErrDuties        = errors.New("the duties must be done and the harm removed")
	ErrAgain         = errors.New("there is a second penalty of the same kind since")
	ErrListed        = errors.New("the enterprise is on a list of seriously unlawful or abnormal enterprises")
)

// CanRepair says why a record cannot be repaired on a day, or nil. standing are all standing records of the enterprise.
func CanRepair(r *registry.Record, standing []registry.Record, duties Duties, restarted, on registry.Day) error {
	if !Repairable(r) || r.State != registry.StateFinal {
		return ErrNotRepairable
	}
	publication := PublicationOf(r, restarted)
	switch {
	case publication.Repair == 0:
		return fmt.Errorf("%w: its sanction is not repaired early", ErrNotRepairable)
	case on < publication.Repair:
		return fmt.Errorf("%w: it ends on %s", ErrTooEarly, publication.Repair)
	case !duties.Done || !duties.Removed, r.RectifyBy != 0 && (r.RectifiedOn == 0 || r.RectifiedOn > on):
		return ErrDuties
	case slices.ContainsFunc(standing, func(other registry.Record) bool { return sameAgain(r, &other) }):
		return ErrAgain
	}
	for _, listed := range registry.ListedOn(standing) {
		if slices.Contains(barringLists, listed.List) {
			return ErrListed
		}
	}
	return nil
}

// sameAgain reports whether another record is a later one of the same kind. Two penalties are of one kind when their legal bases are the same, or
// when one of them names none.
func sameAgain(r, other *registry.Record) bool {
	if other.Kind != r.Kind || other.Outcome != r.Outcome || other.OccurredOn <= r.OccurredOn {
		return false
	}
	a, ok := r.Detail.(*registry.Penalty)
	b, both := other.Detail.(*registry.Penalty)
	return !ok || !both || a.LegalBasis == "" || b.LegalBasis == "" || a.LegalBasis == b.LegalBasis
}
