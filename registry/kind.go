package registry

import (
	"slices"
	"sort"
)

// Detail is what only one kind of record has. Each kind has its own type with its own validation.
type Detail interface {
	// Kind returns the kind that the type belongs to.
	Kind() Kind
	validate(r *Record, p *Problems)
}

// KindRule says which outcomes a kind may have and which of them need a severity.
type KindRule struct {
	Outcomes []string
	Severe   []string      // outcomes that need a severity; the others must have none
	Event    bool          // something that happened to products at a stage, and can be rectified
	New      func() Detail // an empty detail
}

// SeverityNeeded reports whether a record with this outcome must carry a severity.
func (k KindRule) SeverityNeeded(outcome string) bool { return slices.Contains(k.Severe, outcome) }

// Kinds holds the rule of every kind.
var Kinds = map[Kind]KindRule{
	KindSpotCheck:  {[]string{OutcomePass, OutcomeFail, OutcomeRefused}, []string{OutcomeFail}, true, func() Detail { return &SpotCheck{} }},
	KindInspection: {[]string{OutcomeDone, OutcomeRefused}, nil, true, func() Detail { return &Inspection{} }},
	KindComplaint:  {[]string{OutcomePending, OutcomeSubstantiated, OutcomeUnsubstantiated}, []string{OutcomeSubstantiated}, true, func() Detail { return &Complaint{} }},
	KindPenalty:    {[]string{OutcomeImposed}, []string{OutcomeImposed}, true, func() Detail { return &Penalty{} }},
	KindIncident:   {[]string{OutcomeSuspected, OutcomeConfirmed}, []string{OutcomeConfirmed}, true, func() Detail { return &Incident{} }},
	KindRecall:     {[]string{OutcomeOwnInitiative, OutcomeOrdered}, nil, true, func() Detail { return &Recall{} }},
	KindLicence: {[]string{OutcomeGranted, OutcomeRenewed, OutcomeRelocated, OutcomeExtended, OutcomeChanged, OutcomeReplaced,
		OutcomeRevoked, OutcomeWithdrawn, OutcomeCancelled, OutcomeLapsed}, nil, false, func() Detail { return &Licence{} }},
	KindCertification:  {[]string{OutcomeGranted, OutcomeRenewed, OutcomeSuspended, OutcomeRevoked, OutcomeLapsed}, nil, false, func() Detail { return &Certification{} }},
	KindCapability:     {[]string{OutcomeHeld, OutcomeMissing}, nil, false, func() Detail { return &Capability{} }},
	KindSelfInspection: {[]string{OutcomeOnTime, OutcomeLate, OutcomeMissing}, nil, false, func() Detail { return &SelfInspection{} }},
	KindCommitment:     {[]string{OutcomeMade, OutcomeKept, OutcomeBroken}, nil, false, func() Detail { return &Commitment{} }},
	KindAward:          {[]string{OutcomeGranted}, nil, false, func() Detail { return &Award{} }},
	KindRiskSignal:     {[]string{OutcomeRaised, OutcomeCleared}, []string{OutcomeRaised}, true, func() Detail { return &RiskSignal{} }},
	KindExternalCredit: {[]string{OutcomeClassA, OutcomeClassB, OutcomeClassC, OutcomeClassD, OutcomeListed, OutcomeDelisted}, nil,
		false, func() Detail { return &ExternalCredit{} }},
}

// CanBeRepaired reports whether credit repair (信用修复) can be granted for bad records of the kind: penalties and broken commitments,
// which are what the repair rules are about. What was found on products is rectified instead.
func (k Kind) CanBeRepaired() bool { return k == KindPenalty || k == KindCommitment }

// KindNames lists the kinds in alphabetical order.
func KindNames() []string {
	names := make([]string, 0, len(Kinds))
	for kind := range Kinds {
		names = append(names, string(kind))
	}
	sort.Strings(names)
	return names
}

// The five causes that make a failed spot check critical (严重质量问题); every other failure is minor or major.
const (
	CauseSafetyStandard = "safety_standard" // fails a standard that protects health, persons or property
	CauseAdulteration   = "adulteration"    // 掺杂掺假, 以假充真, 以次充好, 以不合格冒充合格
	CauseProhibited     = "prohibited"      // 明令淘汰
	CauseSpoiled        = "spoiled"         // 失效变质
	CauseForged         = "forged"          // forged origin, maker, date or mark
)

// CriticalCauses lists the five causes of a critical failure.
func CriticalCauses() []string {
	return []string{CauseSafetyStandard, CauseAdulteration, CauseProhibited, CauseSpoiled, CauseForged}
}

// SpotCheck is a sample taken and tested under the spot-check law (产品质量法 art. 15).
type SpotCheck struct {
	Batch string `json:"batch,omitempty"`
	Plan  string `json:"plan,omitempty"`
	Cause string `json:"cause,omitempty"` // one of CriticalCauses, only and always for a critical failure
}

// Inspection is a routine visit (日常巡查) or a campaign visit (专项检查). Its findings carry the severities.
type Inspection struct {
	Campaign string `json:"campaign,omitempty"`
}

// Complaint is a complaint or a report of a violation (投诉举报). Only a substantiated one counts.
type Complaint struct {
	Complainant string `json:"complainant,omitempty"` // a keyed hash, never a name
	Cause       string `json:"cause,omitempty"`
}

// Penalty is an administrative penalty (行政处罚).
type Penalty struct {
	DecisionNumber string `json:"decision_number,omitempty"`
	LegalBasis     string `json:"legal_basis,omitempty"`
	AmountCents    int64  `json:"amount_cents,omitempty"` // fine in hundredths of a yuan
	PublishUntil   Day    `json:"publish_until,omitzero"`
	Sanction       string `json:"sanction,omitempty"` // the heaviest that was imposed, one of Sanctions; empty: not told
}

// The sanctions of a penalty (行政处罚法 art. 9). The last four are never repaired early.
const (
	SanctionWarning      = "warning"      // 警告
	SanctionCriticism    = "criticism"    // 通报批评
	SanctionFine         = "fine"         // 罚款
	SanctionConfiscation = "confiscation" // 没收违法所得, 没收非法财物
	SanctionSuspension   = "suspension"   // 责令停产停业
	SanctionRestriction  = "restriction"  // 限制开展生产经营活动
	SanctionDowngrade    = "downgrade"    // 降低资质等级
	SanctionRevocation   = "revocation"   // 吊销许可证件
)

// Sanctions lists the sanctions, the lightest first.
func Sanctions() []string {
	return []string{SanctionWarning, SanctionCriticism, SanctionFine, SanctionConfiscation, SanctionSuspension, SanctionRestriction, SanctionDowngrade,
		SanctionRevocation}
}

// Incident is an injury or damage that a product did.
type Incident struct {
	Injured int `json:"injured,omitempty"`
	Deaths  int `json:"deaths,omitempty"`
}

// Recall is a recall of products (召回).
type Recall struct {
	Number string `json:"number,omitempty"`
	Units  int    `json:"units,omitempty"`
}

// Licence is an event of a production licence (requirements H1).
type Licence struct {
	Number     string `json:"number"`
	ValidUntil Day    `json:"valid_until,omitzero"`
}

// Certification is an event of a certificate (requirements C4, C5).
type Certification struct {
	Number     string `json:"number"`
	Scheme     string `json:"scheme,omitempty"`
	ValidUntil Day    `json:"valid_until,omitzero"`
}

// Capability says that one capability item is held or missing.
type Capability struct {
	Item string `json:"item"`
}

// SelfInspection is the yearly self-inspection report (自查报告, requirement D1).
type SelfInspection struct {
	Year int `json:"year"`
}

// Commitment is a public quality commitment (质量承诺, requirement H11).
type Commitment struct {
	Text string `json:"text,omitempty"`
}

// Award is a quality award.
type Award struct {
	Name string `json:"name"`
}

// RiskSignal is a result of risk monitoring (requirement H7). It moves no index.
type RiskSignal struct {
	Text string `json:"text,omitempty"`
}

// ListSeriousViolation is the list of seriously unlawful enterprises (严重违法失信名单).
const ListSeriousViolation = "serious_violation"

// ListAbnormalOperation is the list of enterprises with irregular operations (经营异常名录).
const ListAbnormalOperation = "abnormal_operation"

// ExternalCredit is a class given or a list kept by another body.
type ExternalCredit struct {
	List string `json:"list,omitempty"` // for listed and delisted: which list
	Body string `json:"body,omitempty"`
}

// Kind implements Detail.
func (*SpotCheck) Kind() Kind { return KindSpotCheck }

// Kind implements Detail.
func (*Inspection) Kind() Kind { return KindInspection }

// Kind implements Detail.
func (*Complaint) Kind() Kind { return KindComplaint }

// Kind implements Detail.
func (*Penalty) Kind() Kind { return KindPenalty }

// Kind implements Detail.
func (*Incident) Kind() Kind { return KindIncident }

// Kind implements Detail.
func (*Recall) Kind() Kind { return KindRecall }

// Kind implements Detail.
func (*Licence) Kind() Kind { return KindLicence }

// Kind implements Detail.
func (*Certification) Kind() Kind { return KindCertification }

// Kind implements Detail.
func (*Capability) Kind() Kind { return KindCapability }

// Kind implements Detail.
func (*SelfInspection) Kind() Kind { return KindSelfInspection }

// Kind implements Detail.
func (*Commitment) Kind() Kind { return KindCommitment }

// Kind implements Detail.
func (*Award) Kind() Kind { return KindAward }

// Kind implements Detail.
func (*RiskSignal) Kind() Kind { return KindRiskSignal }

// Kind implements Detail.
func (*ExternalCredit) Kind() Kind { return KindExternalCredit }

func (d *SpotCheck) validate(r *Record, p *Problems) {
	p.text("batch", d.Batch, 120)
	p.text("plan", d.Plan, 120)
	critical := r.Severity == SeverityCritical
	switch {
	case critical:
		p.oneOf("cause", d.Cause, CriticalCauses())
	case d.Cause != "":
		p.add("cause", "goes only with a critical failure", "nothing, or severity critical")
	}
	if r.Outcome != OutcomeFail && len(r.Findings) > 0 {
		p.add("findings", "do not go with "+r.Outcome, "no findings, or outcome fail")
	}
	if r.Outcome == OutcomeFail && r.Worst() > r.Severity && r.Severity != SeverityNone {
		p.add("severity", "is below the worst finding, "+r.Worst().String(), r.Worst().String())
	}
}

func (d *Inspection) validate(r *Record, p *Problems) {
	p.text("campaign", d.Campaign, 120)
	if r.Outcome == OutcomeRefused && len(r.Findings) > 0 {
		p.add("findings", "do not go with refused", "no findings, or outcome done")
	}
}

func (d *Complaint) validate(_ *Record, p *Problems) {
	p.text("complainant", d.Complainant, 100)
	p.text("cause", d.Cause, 200)
}

func (d *Penalty) validate(r *Record, p *Problems) {
	p.text("decision_number", d.DecisionNumber, 120)
	p.text("legal_basis", d.LegalBasis, 300)
	if d.AmountCents < 0 {
		p.add("amount_cents", "is negative", "0 or more")
	}
	if d.PublishUntil != 0 && d.PublishUntil < r.OccurredOn {
		p.add("publish_until", "is before the decision", "a later date")
	}
	if d.Sanction != "" {
		p.oneOf("sanction", d.Sanction, Sanctions())
	}
}

func (d *Incident) validate(_ *Record, p *Problems) {
	p.count("injured", d.Injured)
	p.count("deaths", d.Deaths)
}

func (d *Recall) validate(_ *Record, p *Problems) {
	p.text("number", d.Number, 120)
	p.count("units", d.Units)
}

func (d *Licence) validate(r *Record, p *Problems) {
	p.required("number", d.Number, 60)
	p.validity(d.ValidUntil, r.OccurredOn)
}

func (d *Certification) validate(r *Record, p *Problems) {
	p.required("number", d.Number, 60)
	p.text("scheme", d.Scheme, 60)
	p.validity(d.ValidUntil, r.OccurredOn)
}

func (d *Capability) validate(_ *Record, p *Problems) { p.required("item", d.Item, 40) }

func (d *SelfInspection) validate(r *Record, p *Problems) {
	if d.Year < 1990 || Day(0) != r.OccurredOn && d.Year > r.OccurredOn.Time().Year() {
		p.add("year", "is out of range", "the year that the report is about, 1990 or later and not after occurred_on")
	}
}

func (d *Commitment) validate(_ *Record, p *Problems) { p.text("text", d.Text, 500) }
func (d *Award) validate(_ *Record, p *Problems)      { p.required("name", d.Name, 200) }
func (d *RiskSignal) validate(_ *Record, p *Problems) { p.text("text", d.Text, 500) }

func (d *ExternalCredit) validate(r *Record, p *Problems) {
	p.text("body", d.Body, 200)
	if r.Outcome == OutcomeListed || r.Outcome == OutcomeDelisted {
		p.required("list", d.List, 60)
	}
}

func (p *Problems) count(field string, n int) {
	if n < 0 {
		p.add(field, "is negative", "0 or more")
	}
}

func (p *Problems) validity(until, from Day) {
	if until != 0 && until < from {
		p.add("valid_until", "is before the event", "a later date")
	}
}
