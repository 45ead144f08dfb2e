package samplecity

import "healthcode/registry"

// live tells the enterprise's last three years.
func (x *dossier) live() {
	x.inspections()
	x.spotChecks()
	x.complaints()
	x.permitEvents()
	x.selfReports()
	x.events()
	x.credit()
}

// inspections are the routine visits and campaigns.
func (x *dossier) inspections() {
	yearly := inspectionsYearly[x.good.Risk]
	if x.key {
		yearly = keyInspectionsYearly
	}
	for _, day := range x.spread(x.visits(yearly)) {
		if x.chance(refusalsPPM * x.bad / 1000) {
			x.visit(registry.OutcomeRefused, day)
			continue
		}
		x.visit(registry.OutcomeDone, day).Findings = x.findings()
	}
}

// visits returns how many checks the span holds at a yearly rate in thousandths. A young enterprise is visited early: one that is past
// its first quarter has one more when it would have fewer than two.
func (x *dossier) visits(yearlyMilli int) int {
	n := x.about(yearlyMilli * x.days() / 365)
	if x.days() < window-2 && x.days() > 120 && n < 2 {
		n++
	}
	return n
}

// visit adds an inspection at the enterprise's main place of work.
func (x *dossier) visit(outcome string, on registry.Day) *registry.Record {
	r := x.add(registry.KindInspection, outcome, on)
	r.Stage, r.Purpose = registry.StageProduction, registry.PurposeRandom
	if x.chance(250_000) {
		r.Purpose = registry.PurposeTargeted
		r.Detail = &registry.Inspection{Campaign: pick(x.dice, campaigns)}
	}
	r.People = &registry.People{Inspectors: x.team()}
	return r
}

// team returns two inspectors as the keyed hashes that stand for them: nobody's, they are drawn.
func (x *dossier) team() []string {
	first := x.IntN(inspectorHashes)
	second := (first + x.between(1, inspectorHashes-1)) % inspectorHashes
	return []string{inspectors[first], inspectors[second]}
}

// findings draws what a visit finds, at the enterprise's badness.
func (x *dossier) findings() []registry.Finding {
	var list []registry.Finding
	share := x.bad
	if x.key {
		share = share * keyFindings / 1000
	}
	for i, mean := range findingsPerVisit {
		for range min(x.about(mean*share/1000), 5) {
			list = append(list, registry.Finding{Item: pick(x.dice, visitFindings[i]), Severity: registry.Severity(i + 1)})
		}
	}
	return list
}

// spotChecks are samples taken and tested.
func (x *dossier) spotChecks() {
	yearly := spotChecksYearly[x.good.Risk]
	if x.key {
		yearly = keySpotChecksYearly
	}
	for _, day := range x.spread(x.visits(yearly)) {
		stage := x.weighted(stageShares...)
		if x.chance(x.failChance(stage)) {
			x.failure(day, stages[stage], x.failureSeverity())
			continue
		}
		x.sample(registry.OutcomePass, day, stages[stage])
	}
}

// failChance returns the chance in parts per million that a batch fails, by stage, size, product risk and hidden quality.
func (x *dossier) failChance(stage int) int {
	return min(failPPM[stage]*sizeFactor[x.size]/1000*riskFactor[x.good.Risk]/1000*x.bad/1000, 900_000)
}

func (x *dossier) failureSeverity() registry.Severity {
	return registry.Severity(1 + x.weighted(100-majorPercent-criticalPercent, majorPercent, criticalPercent))
}

// sample adds a spot check of one of the enterprise's products. Who samples never tests.
func (x *dossier) sample(outcome string, on registry.Day, stage string) *registry.Record {
	r := x.add(registry.KindSpotCheck, outcome, on)
	r.ProductCode, r.Stage, r.Purpose = pick(x.dice, x.e.ProductCodes), stage, registry.PurposeRandom
	r.People = &registry.People{Sampler: pick(x.dice, samplers), Tester: pick(x.dice, testers)}
	return r
}

// failure is a failed spot check and what follows from it as one case: objection, rectification and re-check, penalty, recall.
func (x *dossier) failure(on registry.Day, stage string, severity registry.Severity) {
	name := "case-" + x.nextNumber()
	r := x.sample(registry.OutcomeFail, on, stage)
	r.Severity, r.CaseID, r.RectifyBy = severity, name, on+recheckDays
	r.Findings = []registry.Finding{{Item: pick(x.dice, testedItems[severity-1]), Severity: severity}}
	if severity == registry.SeverityCritical {
		r.Detail = &registry.SpotCheck{Cause: registry.CriticalCauses()[x.weighted(70, 22, 2, 2, 4)]}
	}
	product, notified := r.ProductCode, on+registry.Day(x.between(8, 20)) // testing takes its time
	switch {
	case notified+objectionDays > x.until:
		r.State, r.ProvisionalUntil = registry.StateProvisional, max(notified, x.until)+objectionDays
		return // nothing follows before the window has closed
	case x.chance(voidedPercent * 10_000):
		x.correct(*r, notified+registry.Day(x.between(10, 40))).State = registry.StateVoided
		return // a re-test has shown the batch to be right
	}
	x.rectify(r, notified)
	x.afterFailure(name, product, severity, notified)
}

// rectify dates the re-inspection and adds the re-check, unless the enterprise lets it slide.
func (x *dossier) rectify(r *registry.Record, notified registry.Day) {
	day := notified + registry.Day(x.between(15, 60))
	if day > x.until || x.chance(min(unrectifiedPPM*x.bad/1000, 300_000)) {
		return
	}
	name, stage, product := r.CaseID, r.Stage, r.ProductCode
	x.correct(*r, day).RectifiedOn = day // known only afterwards
	again := x.sample(registry.OutcomePass, day, stage)
	again.CaseID, again.ProductCode, again.Purpose = name, product, registry.PurposeTargeted
}

// afterFailure adds the penalty and the recall that a failure may bring.
func (x *dossier) afterFailure(name, product string, severity registry.Severity, notified registry.Day) {
	fined := [4]int{0, 60_000, 450_000, 900_000}[severity]
	if day := notified + registry.Day(x.between(30, 100)); day <= x.until && x.chance(fined) {
		x.penalty(name, severity, day)
	}
	recalled := [4]int{0, 0, 30_000, 300_000}[severity]
	if day := notified + registry.Day(x.between(3, 25)); day <= x.until && x.chance(recalled) {
		x.recall(name, product, day)
	}
}
