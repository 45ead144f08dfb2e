package supervision

import (
	"errors"
	"fmt"
	"slices"

	"healthcode/registry"
)

// Noticed returns the day on which what a record says now became known: that of the first revision after which its kind, outcome, severity, day
// and findings stayed the same. revisions are those of one record, oldest first.
func Noticed(revisions []registry.Record) registry.Day {
	var noticed registry.Day
	for i := range revisions {
		if i == 0 || !sameFinding(&revisions[i-1], &revisions[i]) {
			noticed = registry.DayOf(revisions[i].KnownAt)
		}
	}
	return noticed
}

func sameFinding(a, b *registry.Record) bool {
	return a.Kind == b.Kind && a.Outcome == b.Outcome && a.Severity == b.Severity && a.OccurredOn == b.OccurredOn && slices.Equal(a.Findings, b.Findings)
}

// ObjectUntil returns the last day for an objection against a record: 15 days after it became known (产品质量法 art. 15), or the day that its source
// gave, whichever is later.
func ObjectUntil(revisions []registry.Record, days *Calendar) registry.Day {
	if len(revisions) == 0 {
		return 0
	}
	return max(Objection.FileUntil(Noticed(revisions), days), revisions[len(revisions)-1].ProvisionalUntil)
}

// ErrRecord is the reason for a record that the recourse cannot be about.
var ErrRecord = errors.New("the record does not allow this recourse")

// CanObject says why an objection against a record may not be filed on a day, or nil. revisions are those of the record, oldest first.
func CanObject(revisions []registry.Record, on registry.Day, days *Calendar) error {
	if len(revisions) == 0 {
		return ErrRecord
	}
	if state := revisions[len(revisions)-1].State; state == registry.StateVoided || state == registry.StateRepaired {
		return fmt.Errorf("%w: it is %s", ErrRecord, state)
	}
	if until := ObjectUntil(revisions, days); on > until {
		return fmt.Errorf("%w: it ended on %s", ErrLate, until)
	}
	return nil
}

// Suspended returns the record as it stands while an objection is open: provisional without an end, unless it is critical, which counts all the
// same. changed is false when nothing is to be stored.
func Suspended(r registry.Record) (suspended registry.Record, changed bool) {
	if max(r.Severity, r.Worst()) == registry.SeverityCritical || r.State == registry.StateProvisional && r.ProvisionalUntil == 0 {
		return r, false
	}
	r.State, r.ProvisionalUntil = registry.StateProvisional, 0
	return r, true
}

// Settled returns the record as it stands once an objection against it has ended without success.
func Settled(r registry.Record) (settled registry.Record, changed bool) {
	if r.State != registry.StateProvisional {
		return r, false
	}
	r.State, r.ProvisionalUntil = registry.StateFinal, 0
	return r, true
}

// Correction is what an upheld objection does to a record: nothing named voids it.
type Correction struct {
	Outcome  string
	Severity registry.Severity
}

// Voids reports whether the record is to be as if it had never been.
func (c Correction) Voids() bool { return c.Outcome == "" && c.Severity == registry.SeverityNone }

// Corrected returns the record after an upheld objection. A severity that is lowered lowers the findings above it; an outcome without a severity
// has no findings. The caller validates what comes out.
func Corrected(r registry.Record, c Correction) registry.Record {
	r.ProvisionalUntil = 0
	if c.Voids() {
		r.State = registry.StateVoided
		return r
	}
	r.State = registry.StateFinal
	if c.Outcome != "" {
		r.Outcome = c.Outcome
	}
	switch rule := registry.Kinds[r.Kind]; {
	case c.Severity != registry.SeverityNone && (rule.SeverityNeeded(r.Outcome) || len(r.Findings) > 0):
		r.Findings = lowered(r.Findings, c.Severity)
		if rule.SeverityNeeded(r.Outcome) {
			r.Severity = c.Severity
		}
	case !rule.SeverityNeeded(r.Outcome) && c.Outcome != "":
		r.Severity, r.Findings, r.RectifyBy, r.RectifiedOn = registry.SeverityNone, nil, 0, 0
	}
	if check, ok := r.Detail.(*registry.SpotCheck); ok && r.Severity != registry.SeverityCritical && check.Cause != "" {
		plain := *check
		plain.Cause = ""
		r.Detail = &plain
	}
	return r
}

func lowered(findings []registry.Finding, most registry.Severity) []registry.Finding {
	low := slices.Clone(findings)
	for i := range low {
		low[i].Severity = min(low[i].Severity, most)
	}
	return low
}
