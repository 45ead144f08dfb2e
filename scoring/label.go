package scoring

import (
	"fmt"

	"healthcode/registry"
)

// Label says which checks count as bad when a grade is tested against what came after.
type Label uint8

// The labels.
const (
	LabelAnyBad      Label = iota + 1 // a failed spot check, or a visit with any finding
	LabelMajor                        // a spot check failed at major or worse, or a visit with such a finding
	LabelCritical                     // the same at critical
	LabelFailedCheck                  // a failed spot check; visits are no outcomes
)

var labelNames = []string{"", "any-bad", "major", "critical", "failed-check"}

// LabelNames lists the labels.
func LabelNames() []string { return labelNames[1:] }

func (l Label) String() string { return labelNames[l] }

// MarshalText writes the name of the label.
func (l Label) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads a label's name.
func (l *Label) UnmarshalText(text []byte) error {
	for i, name := range labelNames {
		if i > 0 && name == string(text) {
			*l = Label(i)
			return nil
		}
	}
	return fmt.Errorf("label %.20q is none of %q", text, LabelNames())
}

// outcomes chooses the checks that a grade is tested against.
type outcomes struct {
	label   Label
	purpose uint8 // 0: any
}

// is reports whether a check is one of the outcomes.
func (o *outcomes) is(f *Fact) bool {
	return isCheck(f) && (o.purpose == 0 || f.purpose == o.purpose) && (o.label != LabelFailedCheck || f.kind == kindSpotCheck)
}

// bad reports whether an outcome is a failure.
func (o *outcomes) bad(f *Fact) bool {
	worst := worstOf(f)
	switch o.label {
	case LabelMajor:
		return worst >= registry.SeverityMajor
	case LabelCritical:
		return worst >= registry.SeverityCritical
	}
	return worst > registry.SeverityNone
}

// worstOf returns how bad a check ended: the severity of a failed spot check, the worst finding of a visit.
func worstOf(f *Fact) registry.Severity {
	switch {
	case f.kind == kindSpotCheck:
		if f.outcome == outcomeFail {
			return f.Severity
		}
		return registry.SeverityNone
	case f.Critical > 0:
		return registry.SeverityCritical
	case f.Major > 0:
		return registry.SeverityMajor
	case f.Minor > 0:
		return registry.SeverityMinor
	}
	return registry.SeverityNone
}

// The naive rankings beside which an index must earn its keep, made of the same checks as the outcomes.
const (
	lastResult      = iota // 1 when the last check was a failure
	decayedSeverity        // mean severity of the checks, the newer the heavier
	failureShare           // failures among the checks of the window
	naiveRankings
)

var naiveNames = [naiveRankings]string{"last_result", "decayed_severity", "failure_share"}

// naiveHalfLife is the half-life in days of decayed severity, naiveWindow the oldest check that the naive rankings look at.
const (
	naiveHalfLife = 365
	naiveWindow   = 1095
)

// severityPoints are the points of decayed severity: 1 for a minor finding or failure, 5 for a major one, 15 for a critical one.
func severityPoints(f *Fact) int64 {
	if f.kind == kindSpotCheck {
		return [...]int64{0, 1, 5, 15}[worstOf(f)]
	}
	return int64(f.Minor) + 5*int64(f.Major) + 15*int64(f.Critical)
}

// naive computes the naive rankings from facts in the order of Evidence. n is the number of checks they are made of; without any, all are 0.
func (o *outcomes) naive(facts []Fact, asOf registry.Day, decay []int64) (risks [naiveRankings]float64, n int) {
	var weights, severity, bad int64
	lastDay := registry.Day(0)
	for i := range facts {
		f := &facts[i]
		age := int(asOf - f.OccurredOn)
		if !o.is(f) || f.state == stateVoided || age >= len(decay) {
			continue
		}
		n++
		weights += decay[age]
		severity += decay[age] * severityPoints(f)
		failed := 0.0
		if o.bad(f) {
			failed = 1
			bad++
		}
		if f.OccurredOn > lastDay { // of several on one day, the worst
			risks[lastResult] = 0
		}
		risks[lastResult] = max(risks[lastResult], failed)
		lastDay = f.OccurredOn
	}
	if n > 0 {
		risks[decayedSeverity] = float64(severity) / float64(weights)
		risks[failureShare] = float64(bad) / float64(n)
	}
	return risks, n
}
