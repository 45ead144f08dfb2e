package scoring

import (
	"cmp"
	"slices"

	"healthcode/registry"
)

// maxReasons is how many reasons an explanation gives: more are of no use to a reader.
const maxReasons = 4

// ReasonCode says what a reason is. The codes are stable; the words for people stand in package web.
type ReasonCode string

// The reasons that cap tier or colour. They come first, whether or not they cost points.
const (
	ReasonLicenceRevoked    ReasonCode = "licence_revoked"
	ReasonSeriousViolation  ReasonCode = "serious_violation"
	ReasonCriticalOpen      ReasonCode = "critical_failure_open"
	ReasonCheckRefused      ReasonCode = "check_refused"
	ReasonMajorOverdue      ReasonCode = "major_failure_overdue"
	ReasonTooLittleEvidence ReasonCode = "too_little_evidence"
	ReasonPoorStart         ReasonCode = "poor_start" // little is known, and the index is low
	ReasonItemsNotHeld      ReasonCode = "items_not_held"
	ReasonWorseThanMinor    ReasonCode = "recent_worse_than_minor"
	ReasonWorseThanMajor    ReasonCode = "recent_worse_than_major"
	ReasonRising            ReasonCode = "rising" // the evidence earns more; the published grade follows step by step
)

// The reasons that cost points, and the last one, which could bring some.
const (
	ReasonFailedCheck      ReasonCode = "failed_check"     // one spot check, not rectified
	ReasonRectifiedChecks  ReasonCode = "rectified_checks" // all failed spot checks that have been put right
	ReasonFindings         ReasonCode = "findings"         // all visits with findings
	ReasonComplaints       ReasonCode = "complaints"       // all substantiated complaints
	ReasonPenalty          ReasonCode = "penalty"
	ReasonIncident         ReasonCode = "incident"
	ReasonRecall           ReasonCode = "recall"
	ReasonLicenceLapsed    ReasonCode = "licence_lapsed"
	ReasonCertLapsed       ReasonCode = "certificate_lapsed"
	ReasonItemsMissing     ReasonCode = "items_missing" // all capability items that are known to be missing
	ReasonReportLate       ReasonCode = "report_late"
	ReasonCommitmentBroken ReasonCode = "commitment_broken"
	ReasonOther            ReasonCode = "other"         // a record of another kind to which the model gives bad mass
	ReasonItemsUnknown     ReasonCode = "items_unknown" // capability items about which nothing is known
)

// ReasonCodes lists every reason.
func ReasonCodes() []ReasonCode {
	return []ReasonCode{ReasonLicenceRevoked, ReasonSeriousViolation, ReasonCriticalOpen, ReasonCheckRefused, ReasonMajorOverdue,
		ReasonTooLittleEvidence, ReasonItemsNotHeld, ReasonWorseThanMinor, ReasonWorseThanMajor, ReasonRising, ReasonFailedCheck, ReasonRectifiedChecks,
		ReasonFindings, ReasonComplaints, ReasonPenalty, ReasonIncident, ReasonRecall, ReasonLicenceLapsed, ReasonCertLapsed, ReasonItemsMissing,
		ReasonReportLate, ReasonCommitmentBroken, ReasonOther, ReasonItemsUnknown}
}

// Reason is one of at most four reasons for a grade. It names the records that it rests on, a circumstance, or both; what the
// records say is that of the first of them.
type Reason struct {
	Code        ReasonCode        `json:"code"`
	Points      int32             `json:"points"`         // hundredths: the sum of the points of its records, below 0 for a loss
	Veto        registry.Colour   `json:"veto,omitzero"`  // the colour that it forces
	Gate        *GateResult       `json:"gate,omitempty"` // the gate that it closes
	Fact        string            `json:"fact,omitempty"` // the circumstance
	Actual      int32             `json:"actual,omitempty"`
	Records     []RecordRef       `json:"records"` // those that cost the points first, then what counts with them
	Items       []string          `json:"items,omitempty"`
	Checks      int64             `json:"checks_millionths,omitempty"` // too little evidence: what there is
	Needed      int64             `json:"needed_millionths,omitempty"` // and what the next level needs
	Kind        registry.Kind     `json:"kind,omitempty"`
	Outcome     string            `json:"outcome,omitempty"`
	Severity    registry.Severity `json:"severity,omitzero"`
	OccurredOn  registry.Day      `json:"occurred_on,omitzero"` // of the newest of its own records
	DaysSince   int32             `json:"days_since,omitempty"`
	RectifyBy   registry.Day      `json:"rectify_by,omitzero"`
	ProductCode string            `json:"product_code,omitempty"`
	Subject     string            `json:"subject,omitempty"`
	CaseID      string            `json:"case_id,omitempty"`
	Findings    FindingCounts     `json:"findings,omitzero"` // of all its visits
	Count       int               `json:"count,omitempty"`   // its own records
	CountedWith int               `json:"counted_with,omitempty"`
	EndsOn      registry.Day      `json:"ends_on,omitzero"` // the day on which time alone opens the gate
	Rising      *Rising           `json:"rising,omitempty"`
	Action      ActionCode        `json:"action"`
}

// Rising says what the evidence earns beyond the published grade. Since is the day from which on it has been earned with the margin; no
// day: it is not, or only a better one of the two is held back.
type Rising struct {
	Tier   registry.Tier   `json:"tier"`
	Colour registry.Colour `json:"colour"`
	Since  registry.Day    `json:"since,omitzero"`
	Movement
}

// RecordRef names a record.
type RecordRef struct {
	Source    string `json:"source"`
	SourceRef string `json:"source_ref"`
}

// Reasons returns at most four reasons for the grade that an explanation explains: first what caps the earned colour (vetoes), then
// that the published grade is still on its way up, then what caps the earned tier (too little evidence, or the closed gates of the next tier), then groups of records by the points that they cost, then the
// capability items about which nothing is known. No record is in two of them.
func Reasons(x *Explanation) []Reason {
	b := reasonBuilder{x: x, used: make([]bool, len(x.Records)), with: map[string][]int{}}
	for i, r := range x.Records {
		if r.Note == noteNames[noteCountedWith] {
			b.with[r.With] = append(b.with[r.With], i)
		}
	}
	list := b.losses(b.gates(b.rising(b.vetoes([]Reason{}))))
	list = b.unknownItems(list)
	return list[:min(len(list), maxReasons)]
}

type reasonBuilder struct {
	x    *Explanation
	used []bool
	with map[string][]int // by source/source_ref: the records that count with it
}

// vetoes adds the vetoes that force the colour, also where the matrix would give the same.
func (b *reasonBuilder) vetoes(list []Reason) []Reason {
	for _, v := range b.x.Vetoes {
		if v.Colour != b.x.EarnedColour || b.hasFact(list, v.Fact) {
			continue
		}
		r := b.circumstance(v.Fact, v.Actual)
		r.Veto = v.Colour
		list = append(list, r)
	}
	return list
}

// factMovement is the circumstance that a published grade is behind what is earned.
const factMovement = "movement"

// rising adds that the evidence earns more than is published.
func (b *reasonBuilder) rising(list []Reason) []Reason {
	x := b.x
	if x.Tier == x.EarnedTier && x.Colour == x.EarnedColour {
		return list
	}
	r := Reason{Code: ReasonRising, Fact: factMovement, Records: []RecordRef{}, Action: ActionWait,
		Rising: &Rising{Tier: x.EarnedTier, Colour: x.EarnedColour, Since: x.TierSince, Movement: x.Movement}}
	if r.Rising.Since == 0 {
		r.Rising.Since = x.ColourSince
	}
	if x.PathUp.Time != nil && x.PathUp.Before == nil {
		r.EndsOn = x.PathUp.Time.On
	}
	return append(list, r)
}

// gates adds what caps the tier: too little evidence, or the closed gates of the next tier that the index reaches.
func (b *reasonBuilder) gates(list []Reason) []Reason {
	x := b.x
	if x.Evidence < registry.EvidenceFair {
		if b.hasFact(list, EvidenceLevel) {
			return list
		}
		return append(list, b.circumstance(EvidenceLevel, int32(x.Evidence)))
	}
	next := registry.TierNew
	for _, g := range x.Gates {
		if g.Binds {
			next = max(next, g.Tier)
		}
	}
	for _, g := range x.Gates {
		if !g.Binds || g.Tier != next || b.hasFact(list, g.Fact) {
			continue
		}
		r := b.circumstance(g.Fact, g.Actual)
		if len(r.Records) == 0 && b.restsOnRecords(g.Fact) {
			continue // a veto has named them
		}
		r.Gate = &g
		if g.Operator == ">=" && len(r.Records) > 0 {
			r.EndsOn = x.AsOf - registry.Day(g.Actual) + registry.Day(g.Value)
		}
		list = append(list, r)
	}
	return list
}

func (b *reasonBuilder) hasFact(list []Reason, fact Circumstance) bool {
	return slices.ContainsFunc(list, func(r Reason) bool { return r.Fact == fact.String() })
}

func (b *reasonBuilder) restsOnRecords(fact Circumstance) bool {
	return fact != EvidenceLevel && fact != ItemsNotHeld && fact != IndexWhileNew
}

var circumstanceCodes = [circumstances]ReasonCode{ReasonTooLittleEvidence, ReasonItemsNotHeld, ReasonWorseThanMinor, ReasonWorseThanMajor,
	ReasonLicenceRevoked, ReasonSeriousViolation, ReasonCriticalOpen, ReasonCheckRefused, ReasonMajorOverdue, ReasonPoorStart}

// circumstance returns the reason of a circumstance with the records that it rests on.
func (b *reasonBuilder) circumstance(fact Circumstance, actual int32) Reason {
	r := Reason{Code: circumstanceCodes[fact], Fact: fact.String(), Actual: actual}
	var own []int
	for i := range b.x.Records {
		if !b.used[i] && b.restsOn(i, fact, actual) {
			own = append(own, i)
		}
	}
	b.cover(&r, own)
	switch fact {
	case EvidenceLevel:
		r.Checks, r.Needed = b.x.Checks, b.neededChecks()
	case ItemsNotHeld:
		for _, item := range b.x.Items {
			if !item.Held {
				r.Items = append(r.Items, item.Item)
			}
		}
	}
	r.Action = b.circumstanceAction(fact, &r)
	return r
}

// neededChecks returns what the next evidence level needs, in millionths of a check.
func (b *reasonBuilder) neededChecks() int64 {
	l := b.x.Levels
	for _, needed := range []int64{l.Fair * 1000, l.Strong * 1000} {
		if b.x.Checks < needed {
			return needed
		}
	}
	return 0
}

// restsOn reports whether a circumstance rests on record i.
func (b *reasonBuilder) restsOn(i int, fact Circumstance, actual int32) bool {
	r := &b.x.Records[i]
	latest := int32(b.x.AsOf-r.OccurredOn) == actual
	switch fact {
	case EvidenceLevel, IndexWhileNew:
		return false
	case ItemsNotHeld:
		return slices.ContainsFunc(b.x.Items, func(item ItemState) bool {
			return !item.Held && item.Source == r.Source && item.SourceRef == r.SourceRef
		})
	case DaysSinceWorseThanMinor:
		return latest && r.GateSeverity > registry.SeverityMinor
	case DaysSinceWorseThanMajor:
		return latest && r.GateSeverity > registry.SeverityMajor
	}
	return r.Raises == fact.String()
}

func (b *reasonBuilder) circumstanceAction(fact Circumstance, r *Reason) ActionCode {
	switch fact {
	case EvidenceLevel, ChecksRefused, IndexWhileNew:
		return ActionPassCheck
	case ItemsNotHeld:
		if len(r.Items) == 1 && r.Items[0] == registry.ItemSelfInspection {
			return ActionReport
		}
		return ActionHoldItem
	case LicencesRevoked:
		return ActionRegain
	case SeriousViolationListed:
		return ActionDelist
	case CriticalFailuresNotRectified, MajorFailuresOverdue:
		return ActionRectify
	}
	if r.Kind.CanBeRepaired() {
		return ActionRepair
	}
	return ActionWait
}

// losses adds the groups of records that cost points, dearest first; of equals the newest, then the lowest name.
func (b *reasonBuilder) losses(list []Reason) []Reason {
	var groups []Reason
	shared := map[ReasonCode][]int{}
	for i := range b.x.Records {
		r := &b.x.Records[i]
		if b.used[i] || r.Bad == 0 || r.Points >= 0 || r.Note == noteNames[noteCountedWith] {
			continue
		}
		if code := b.codeOf(r); sharedCodes[code] {
			shared[code] = append(shared[code], i)
		} else {
			groups = append(groups, b.group(code, []int{i}))
		}
	}
	for code, own := range shared {
		groups = append(groups, b.group(code, own))
	}
	slices.SortFunc(groups, func(p, q Reason) int {
		return cmp.Or(cmp.Compare(p.Points, q.Points), cmp.Compare(q.OccurredOn, p.OccurredOn), cmp.Compare(p.Code, q.Code),
			cmp.Compare(p.Records[0].SourceRef, q.Records[0].SourceRef), cmp.Compare(p.Records[0].Source, q.Records[0].Source))
	})
	for _, g := range groups {
		if g.Points < 0 {
			list = append(list, g)
		}
	}
	return list
}

// sharedCodes holds the reasons that speak of several records at once: each alone is small, and the same is to be done about all.
var sharedCodes = map[ReasonCode]bool{ReasonRectifiedChecks: true, ReasonFindings: true, ReasonComplaints: true, ReasonItemsMissing: true}

var kindCodes = map[registry.Kind]ReasonCode{registry.KindSpotCheck: ReasonFailedCheck, registry.KindInspection: ReasonFindings,
	registry.KindComplaint: ReasonComplaints, registry.KindPenalty: ReasonPenalty, registry.KindIncident: ReasonIncident,
	registry.KindRecall: ReasonRecall, registry.KindLicence: ReasonLicenceLapsed, registry.KindCertification: ReasonCertLapsed,
	registry.KindCapability: ReasonItemsMissing, registry.KindSelfInspection: ReasonReportLate, registry.KindCommitment: ReasonCommitmentBroken}

func (b *reasonBuilder) codeOf(r *RecordPoints) ReasonCode {
	code, known := kindCodes[r.Kind]
	lapse := r.Kind == registry.KindLicence || r.Kind == registry.KindCertification
	switch {
	case !known || (lapse && r.Outcome != registry.OutcomeLapsed):
		return ReasonOther
	case code == ReasonFailedCheck && b.rectified(r):
		return ReasonRectifiedChecks
	}
	return code
}

func (b *reasonBuilder) rectified(r *RecordPoints) bool {
	return r.RectifiedOn != 0 && r.RectifiedOn <= b.x.AsOf
}

func (b *reasonBuilder) group(code ReasonCode, own []int) Reason {
	r := Reason{Code: code}
	b.cover(&r, own)
	r.Action = b.groupAction(code, own)
	if code == ReasonItemsMissing {
		for _, item := range b.x.Items {
			if slices.ContainsFunc(own, func(i int) bool { return b.x.Records[i].Subject == item.Item }) {
				r.Items = append(r.Items, item.Item)
			}
		}
	}
	return r
}

func (b *reasonBuilder) groupAction(code ReasonCode, own []int) ActionCode {
	switch code {
	case ReasonItemsMissing:
		return ActionHoldItem
	case ReasonReportLate:
		return ActionReport
	case ReasonPenalty, ReasonCommitmentBroken:
		return ActionRepair
	case ReasonLicenceLapsed, ReasonCertLapsed:
		if b.validAgain(&b.x.Records[own[0]]) {
			return ActionWait
		}
		return ActionRenew
	case ReasonOther, ReasonRectifiedChecks:
		return ActionWait
	}
	for _, i := range own {
		if !b.rectified(&b.x.Records[i]) {
			return ActionRectify
		}
	}
	return ActionWait
}

// validAgain reports whether a licence or certificate was granted or renewed on the day on which it lapsed or later.
func (b *reasonBuilder) validAgain(lapsed *RecordPoints) bool {
	return slices.ContainsFunc(b.x.Records, func(r RecordPoints) bool {
		return r.Kind == lapsed.Kind && r.Subject == lapsed.Subject && r.State == registry.StateFinal && r.OccurredOn >= lapsed.OccurredOn &&
			grants[outcomeNumbers[r.Outcome]]
	})
}

// cover puts records into a reason: its own ones, dearest first, then those that count with them.
func (b *reasonBuilder) cover(r *Reason, own []int) {
	r.Records, r.Count = []RecordRef{}, len(own)
	if len(own) == 0 {
		return
	}
	slices.SortStableFunc(own, func(i, j int) int { return cmp.Compare(b.x.Records[i].Points, b.x.Records[j].Points) })
	for _, i := range own {
		b.take(r, i)
		f := &b.x.Records[i]
		r.OccurredOn = max(r.OccurredOn, f.OccurredOn)
		r.Findings.Minor += f.Findings.Minor
		r.Findings.Major += f.Findings.Major
		r.Findings.Critical += f.Findings.Critical
	}
	for _, i := range own {
		for _, j := range b.with[b.x.Records[i].Source+"/"+b.x.Records[i].SourceRef] {
			if !b.used[j] && b.x.Records[j].Points <= 0 {
				b.take(r, j)
				r.CountedWith++
			}
		}
	}
	main := &b.x.Records[own[0]]
	r.Kind, r.Outcome, r.Severity, r.ProductCode, r.Subject, r.CaseID = main.Kind, main.Outcome, main.Severity, main.ProductCode, main.Subject, main.CaseID
	r.RectifyBy, r.DaysSince = main.RectifyBy, int32(b.x.AsOf-r.OccurredOn)
}

func (b *reasonBuilder) take(r *Reason, i int) {
	f := &b.x.Records[i]
	b.used[i] = true
	r.Points += f.Points
	r.Records = append(r.Records, RecordRef{f.Source, f.SourceRef})
}

// unknownItems adds the capability items about which nothing is known, unless a reason names them already.
func (b *reasonBuilder) unknownItems(list []Reason) []Reason {
	r := Reason{Code: ReasonItemsUnknown, Fact: ItemsNotHeld.String(), Records: []RecordRef{}, Action: ActionHoldItem}
	if b.hasFact(list, ItemsNotHeld) {
		return list
	}
	for _, item := range b.x.Items {
		if item.Outcome == "" {
			r.Items = append(r.Items, item.Item)
		}
		if !item.Held {
			r.Actual++
		}
	}
	if len(r.Items) == 0 {
		return list
	}
	if len(r.Items) == 1 && r.Items[0] == registry.ItemSelfInspection {
		r.Action = ActionReport
	}
	return append(list, r)
}
