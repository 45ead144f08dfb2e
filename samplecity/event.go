package samplecity

import (
	"fmt"

	"healthcode/registry"
)

// complaints come by 12315. A third cannot be confirmed; of the others some lead to a penalty.
func (x *dossier) complaints() {
	for _, day := range x.happenings(x.scaled(complaintsYearly)) {
		switch {
		case day > x.until-15:
			x.complaint(registry.OutcomePending, day, complaintCauses)
		case x.chance(unsubstantiated * 10_000):
			x.complaint(registry.OutcomeUnsubstantiated, day, claimCauses)
		default:
			x.confirmed(day)
		}
	}
}

func (x *dossier) complaint(outcome string, on registry.Day, causes []string) *registry.Record {
	r := x.add(registry.KindComplaint, outcome, on)
	r.ProductCode, r.Stage = pick(x.dice, x.e.ProductCodes), stages[x.weighted(10, 40, 50)]
	r.Detail = &registry.Complaint{Complainant: fmt.Sprintf("h%012x", x.Uint64()>>16), Cause: pick(x.dice, causes)}
	return r
}

// confirmed is a substantiated complaint, with its penalty when it is more than a trifle.
func (x *dossier) confirmed(on registry.Day) {
	severity := registry.Severity(1 + x.weighted(78, 20, 2))
	name := "case-" + x.nextNumber()
	r := x.complaint(registry.OutcomeSubstantiated, on, complaintCauses)
	r.Severity, r.CaseID = severity, name
	if day := on + registry.Day(x.between(30, 90)); severity > registry.SeverityMinor && day <= x.until && x.chance(400_000) {
		x.penalty(name, severity, day)
	}
}

// penalty is an administrative penalty. Some are repaired after a year: the record gets a newer revision.
func (x *dossier) penalty(name string, severity registry.Severity, on registry.Day) {
	r := x.add(registry.KindPenalty, registry.OutcomeImposed, on)
	r.Severity, r.CaseID = severity, name
	r.Detail = &registry.Penalty{DecisionNumber: "样市监处罚〔" + on.String()[:4] + "〕" + r.SourceRef + "号", LegalBasis: pick(x.dice, legalBases),
		AmountCents: int64(x.between(2, 60)) * 50_000 * int64(severity) * int64(severity), PublishUntil: on + window}
	if repairedOn := on + registry.Day(x.between(365, 480)); repairedOn <= x.until && x.chance(repairedPercent*10_000) {
		x.correct(*r, repairedOn).State = registry.StateRepaired
	}
}

func (x *dossier) recall(name, product string, on registry.Day) {
	outcome := registry.OutcomeOwnInitiative
	if x.chance(400_000) {
		outcome = registry.OutcomeOrdered
	}
	r := x.add(registry.KindRecall, outcome, on)
	r.CaseID, r.ProductCode = name, product
	r.Detail = &registry.Recall{Number: "YYZH-" + r.SourceRef, Units: x.between(50, 20_000)}
}

// events are the penalties, incidents, recalls, signals, commitments and awards that follow from no check.
func (x *dossier) events() {
	for _, day := range x.happenings(x.scaled(penaltiesYearly)) {
		x.penalty("", registry.Severity(1+x.weighted(75, 23, 2)), day)
	}
	for _, day := range x.happenings(x.scaled(incidentsYearly)) {
		x.incident(day)
	}
	for _, day := range x.happenings(x.scaled(recallsYearly)) {
		x.recall("", x.good.Code, day)
	}
	for _, day := range x.happenings(x.scaled(signalsYearly)) {
		r := x.add(registry.KindRiskSignal, registry.OutcomeRaised, day)
		r.Severity, r.ProductCode = registry.SeverityMinor, x.good.Code
		r.Detail = &registry.RiskSignal{Text: "同类产品风险监测提示"}
	}
	x.merits()
}

func (x *dossier) incident(on registry.Day) {
	r := x.add(registry.KindIncident, registry.OutcomeSuspected, on)
	r.ProductCode = x.good.Code
	injured := x.weighted(5, 4, 1)
	if x.chance(600_000) {
		r.Outcome, r.Severity = registry.OutcomeConfirmed, registry.Severity(1+x.weighted(70, 26, 4))
	}
	r.Detail = &registry.Incident{Injured: injured}
}

// merits are commitments, kept or broken, and awards, which go to the better half.
func (x *dossier) merits() {
	if x.days() > 90 && x.chance(commitmentPercent*10_000) {
		x.commitment()
	}
	if x.bad < 800 && x.days() > 30 && x.chance(awardPPM) {
		x.add(registry.KindAward, registry.OutcomeGranted, x.anyDay()).Detail = &registry.Award{Name: "样例区质量奖"}
	}
}

// commitment is made once and looked at after a year.
func (x *dossier) commitment() {
	text := "承诺出厂产品批批检验、缺陷产品主动召回"
	made := x.from + registry.Day(x.IntN(max(x.days()/2, 1)))
	x.add(registry.KindCommitment, registry.OutcomeMade, made).Detail = &registry.Commitment{Text: text}
	looked := made + 365
	if looked > x.until {
		return
	}
	outcome := registry.OutcomeKept
	if x.chance(x.ppm(brokenYearly, 365)) {
		outcome = registry.OutcomeBroken
	}
	x.add(registry.KindCommitment, outcome, looked).Detail = &registry.Commitment{Text: text}
}

// credit is the class that the general credit-risk classification gives, twice, and a rare entry in the list of serious violations.
func (x *dossier) credit() {
	shares := creditShares
	switch {
	case x.bad < 500:
		shares = []int{82, 15, 3, 0}
	case x.bad > 1500:
		shares = []int{41, 36, 17, 6}
	}
	outcome := []string{registry.OutcomeClassA, registry.OutcomeClassB, registry.OutcomeClassC, registry.OutcomeClassD}[x.weighted(shares...)]
	if day := x.until - registry.Day(x.between(1, 300)); day >= x.from {
		x.add(registry.KindExternalCredit, outcome, day).Detail = &registry.ExternalCredit{Body: "省企业信用风险分类"}
	}
	if x.bad > 1000 && x.chance(listedPPM) {
		x.add(registry.KindExternalCredit, registry.OutcomeListed, x.anyDay()).Detail =
			&registry.ExternalCredit{List: registry.ListSeriousViolation, Body: "样例市监管局"}
	}
}
