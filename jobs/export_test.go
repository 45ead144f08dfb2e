package jobs

import "time"

// OnStep has a function called between each two steps of issuing.
func (s *Issuer) OnStep(reached func(step string)) { s.reached = reached }

// Steps are the steps of issuing, in order.
func Steps() []string {
	return []string{stepWanted, stepIntended, stepRead, stepPrepared, stepSigned, stepStored}
}

// SetTimeout says how long an attempt of a delivery may take.
func (j *Deliver) SetTimeout(timeout time.Duration) { j.sender.timeout = timeout }

// OnStep has a function called when a submission has reached a step of a chunk.
func (j *Submit) OnStep(reached func(step string, chunk int)) { j.reached = reached }

// The steps of a chunk.
const (
	StepStoring = stepStoring
	StepKept    = stepKept
)

// OnEntry has a function called after each entry that was followed up.
func (j *Listings) OnEntry(reached func()) { j.onEntry = reached }
