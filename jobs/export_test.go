package jobs

// OnStep has a function called between each two steps of issuing.
func (s *Issuer) OnStep(reached func(step string)) { s.reached = reached }

// Steps are the steps of issuing, in order.
func Steps() []string {
	return []string{stepWanted, stepIntended, stepRead, stepPrepared, stepSigned, stepStored}
}
