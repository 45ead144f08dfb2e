package registry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is the kind of a record (requirements D5 and DESIGN of the index: each source of knowledge has one).
type Kind string

// The kinds of records.
const (
	KindSpotCheck      Kind = "spot_check"      // 监督抽查
	KindInspection     Kind = "inspection"      // 日常巡查, 专项检查
	KindComplaint      Kind = "complaint"       // 投诉举报
	KindPenalty        Kind = "penalty"         // 行政处罚
	KindIncident       Kind = "incident"        // 伤害事故
	KindRecall         Kind = "recall"          // 召回
	KindLicence        Kind = "licence"         // 生产许可证
	KindCertification  Kind = "certification"   // 认证
	KindCapability     Kind = "capability"      // 质量安全保证能力
	KindSelfInspection Kind = "self_inspection" // 自查报告
	KindCommitment     Kind = "commitment"      // 质量承诺
	KindAward          Kind = "award"           // 表彰
	KindRiskSignal     Kind = "risk_signal"     // 风险监测
	KindExternalCredit Kind = "external_credit" // 外部信用: classes and lists of other bodies
)

// State says how far a record's facts are settled.
type State string

// The states of a record.
const (
	StateProvisional State = "provisional" // the objection window is open
	StateFinal       State = "final"
	StateVoided      State = "voided"   // as if it had never been
	StateRepaired    State = "repaired" // credit repair granted (信用修复)
)

// The stages at which something was found, and the purposes of a check.
const (
	StageProduction = "production"
	StageShop       = "shop"
	StageOnline     = "online"
	PurposeRandom   = "random"
	PurposeTargeted = "targeted"
)

// The outcomes. Which of them a kind may have is in Kinds.
const (
	OutcomePass            = "pass"
	OutcomeFail            = "fail"
	OutcomeRefused         = "refused" // the enterprise refused the check
	OutcomeDone            = "done"
	OutcomeSubstantiated   = "substantiated"
	OutcomeUnsubstantiated = "unsubstantiated"
	OutcomePending         = "pending"
	OutcomeImposed         = "imposed"
	OutcomeConfirmed       = "confirmed"
	OutcomeSuspected       = "suspected"
	OutcomeOwnInitiative   = "own_initiative"
	OutcomeOrdered         = "ordered"
	OutcomeGranted         = "granted"
	OutcomeRenewed         = "renewed"
	OutcomeRelocated       = "relocated"
	OutcomeExtended        = "extended"
	OutcomeChanged         = "changed"
	OutcomeReplaced        = "replaced"
	OutcomeRevoked         = "revoked"
	OutcomeWithdrawn       = "withdrawn"
	OutcomeCancelled       = "cancelled"
	OutcomeSuspended       = "suspended"
	OutcomeLapsed          = "lapsed"
	OutcomeHeld            = "held"
	OutcomeMissing         = "missing"
	OutcomeOnTime          = "on_time"
	OutcomeLate            = "late"
	OutcomeMade            = "made"
	OutcomeKept            = "kept"
	OutcomeBroken          = "broken"
	OutcomeRaised          = "raised"
	OutcomeCleared         = "cleared"
	OutcomeClassA          = "class_a"
	OutcomeClassB          = "class_b"
	OutcomeClassC          = "class_c"
	OutcomeClassD          = "class_d"
	OutcomeListed          = "listed"
	OutcomeDelisted        = "delisted"
)

// Record is one thing known about an enterprise (记录). Records are only ever added: a correction is a new revision of the same
// (source, source_ref). OccurredOn is when it happened, KnownAt when this system learned it.
type Record struct {
	USCC             USCC      `json:"uscc"`
	Source           string    `json:"source"`
	SourceRef        string    `json:"source_ref"`
	Revision         int       `json:"revision,omitempty"` // 1, 2, …; 0 on the way in: the store counts
	Kind             Kind      `json:"kind"`
	Outcome          string    `json:"outcome"`
	Severity         Severity  `json:"severity,omitzero"`
	OccurredOn       Day       `json:"occurred_on"`
	KnownAt          time.Time `json:"known_at,omitzero"` // UTC, whole microseconds; stamped by the store
	ProductCode      string    `json:"product_code,omitempty"`
	Stage            string    `json:"stage,omitempty"`
	Purpose          string    `json:"purpose,omitempty"`
	CaseID           string    `json:"case_id,omitempty"`
	State            State     `json:"state"`
	ProvisionalUntil Day       `json:"provisional_until,omitzero"` // last day of the objection window; a provisional record is final after it
	RectifyBy        Day       `json:"rectify_by,omitzero"`
	RectifiedOn      Day       `json:"rectified_on,omitzero"` // re-inspection passed
	Findings         []Finding `json:"findings,omitempty"`
	People           *People   `json:"people,omitempty"`
	Detail           Detail    `json:"detail,omitempty"`
}

// Finding is one item that was found wrong.
type Finding struct {
	Item     string   `json:"item,omitempty"`
	Severity Severity `json:"severity"`
	Standard string   `json:"standard,omitempty"`
	Limit    string   `json:"limit,omitempty"`
	Value    string   `json:"value,omitempty"`
	Cause    string   `json:"cause,omitempty"`
}

// People says who did a check. Sampler and tester are organisations and never the same (requirements C2). Inspectors, two or
// more when given (K2), are keyed hashes: a person's name is never stored.
type People struct {
	Sampler    string   `json:"sampler,omitempty"`
	Tester     string   `json:"tester,omitempty"`
	Inspectors []string `json:"inspectors,omitempty"`
}

// MaxFindings bounds the findings of one record.
const MaxFindings = 200

// Validate checks the fields that all kinds share and then those of its kind. today bounds the dates: nothing has happened tomorrow.
// The enterprise's check-character override is the enterprise row's business; here the code needs only shape.
func (r *Record) Validate(today Day) Problems {
	var p Problems
	p.recordCode(r.USCC)
	p.required("source", r.Source, 60)
	p.required("source_ref", r.SourceRef, 120)
	if r.Revision < 0 {
		p.add("revision", "is negative", "1, 2, … or nothing")
	}
	p.common(r, today)
	rule, known := Kinds[r.Kind]
	if !known {
		p.oneOf("kind", string(r.Kind), KindNames())
		return p
	}
	p.oneOf("outcome", r.Outcome, rule.Outcomes)
	p.severity(r, rule)
	p.place(r, rule)
	if r.Detail == nil {
		r.Detail = rule.New()
	}
	if got := r.Detail.Kind(); got != r.Kind {
		p.add("detail", "is of kind "+string(got), "the detail of "+string(r.Kind))
		return p
	}
	r.Detail.validate(r, &p)
	return p
}

func (p *Problems) recordCode(code USCC) {
	if parsed, err := ParseUSCC(string(code)); parsed == "" {
		p.add("uscc", err.Error(), "18 characters as on the licence, such as 91350100M000100Y43")
	} else if parsed != code {
		p.add("uscc", "has small letters or spaces", string(parsed))
	}
}

// firstRecordDay is the first day on which anything can have happened.
var firstRecordDay = MustDay("1990-01-01")

func (p *Problems) common(r *Record, today Day) {
	if r.OccurredOn == 0 {
		p.add("occurred_on", "is missing", "the date on which it happened, YYYY-MM-DD")
	}
	p.between("occurred_on", r.OccurredOn, firstRecordDay, today)
	p.between("provisional_until", r.ProvisionalUntil, r.OccurredOn, today+366)
	p.between("rectify_by", r.RectifyBy, r.OccurredOn, today+3*366)
	p.between("rectified_on", r.RectifiedOn, r.OccurredOn, today)
	p.text("product_code", r.ProductCode, 40)
	p.text("case_id", r.CaseID, 120)
	if r.Stage != "" {
		p.oneOf("stage", r.Stage, []string{StageProduction, StageShop, StageOnline})
	}
	if r.Purpose != "" {
		p.oneOf("purpose", r.Purpose, []string{PurposeRandom, PurposeTargeted})
	}
	p.oneOf("state", string(r.State), []string{string(StateProvisional), string(StateFinal), string(StateVoided), string(StateRepaired)})
	p.findings(r.Findings)
	p.people(r.People)
}

func (p *Problems) findings(findings []Finding) {
	if len(findings) > MaxFindings {
		p.add("findings", fmt.Sprintf("%d findings", len(findings)), fmt.Sprintf("at most %d", MaxFindings))
		return
	}
	for i := range findings {
		f, before := &findings[i], len(*p)
		if f.Severity == SeverityNone || f.Severity > SeverityCritical {
			p.add(".severity", "is missing", "minor, major or critical")
		}
		for _, text := range [...]string{f.Item, f.Standard, f.Limit, f.Value, f.Cause} {
			p.text("", text, 300)
		}
		for at := before; at < len(*p); at++ {
			(*p)[at].Field = fmt.Sprintf("findings[%d]%s", i, (*p)[at].Field)
		}
	}
}

func (p *Problems) people(people *People) {
	if people == nil {
		return
	}
	p.text("people.sampler", people.Sampler, 200)
	p.text("people.tester", people.Tester, 200)
	if sampler := strings.TrimSpace(people.Sampler); sampler != "" && strings.EqualFold(sampler, strings.TrimSpace(people.Tester)) {
		p.add("people.tester", "is the sampler too", "two parties: who samples does not test")
	}
	if n := len(people.Inspectors); n > 20 || n > 0 && !slices.ContainsFunc(people.Inspectors, func(other string) bool { return other != people.Inspectors[0] }) {
		p.add("people.inspectors", "is not a team", "two or more different inspectors")
	}
	for _, inspector := range people.Inspectors {
		p.required("people.inspectors", inspector, 100)
	}
}

func (p *Problems) severity(r *Record, rule KindRule) {
	needed := rule.SeverityNeeded(r.Outcome)
	switch {
	case r.Severity > SeverityCritical:
		p.add("severity", "is not known", "minor, major or critical")
	case needed && r.Severity == SeverityNone:
		p.add("severity", "is missing", "minor, major or critical")
	case !needed && r.Severity != SeverityNone:
		p.add("severity", fmt.Sprintf("does not go with %s %s", r.Kind, r.Outcome), "nothing")
	}
}

// place refuses where, why and until when on records that have no such thing.
func (p *Problems) place(r *Record, rule KindRule) {
	if r.Stage != "" && !rule.Event {
		p.add("stage", "does not go with "+string(r.Kind), "nothing")
	}
	if (r.RectifyBy != 0 || r.RectifiedOn != 0) && !rule.Event {
		p.add("rectified_on", "does not go with "+string(r.Kind), "no rectification dates")
	}
	if r.Purpose != "" && r.Kind != KindSpotCheck && r.Kind != KindInspection {
		p.add("purpose", "does not go with "+string(r.Kind), "nothing")
	}
}

// Worst returns the highest severity among the findings.
func (r *Record) Worst() Severity {
	worst := SeverityNone
	for _, f := range r.Findings {
		worst = max(worst, f.Severity)
	}
	return worst
}

// UnmarshalJSON reads a record; the kind says which type the detail has. Unknown fields are refused, at every depth.
func (r *Record) UnmarshalJSON(data []byte) error {
	type plain Record
	shape := struct {
		*plain
		Detail json.RawMessage `json:"detail"`
	}{plain: (*plain)(r)}
	if err := strictJSON(data, &shape); err != nil {
		return err
	}
	rule, known := Kinds[r.Kind]
	if !known {
		return Problems{{Field: "kind", Problem: fmt.Sprintf("%.40q is not known", string(r.Kind)), Want: "one of the kinds of records"}}
	}
	r.Detail = rule.New()
	if len(shape.Detail) == 0 || bytes.Equal(shape.Detail, []byte("null")) {
		return nil
	}
	if err := strictJSON(shape.Detail, r.Detail); err != nil {
		return fmt.Errorf("detail: %w", err)
	}
	return nil
}

func strictJSON(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("read JSON: %w", err)
	}
	return nil
}
