package scoring

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"healthcode/registry"
)

// Fact is what scoring reads of one revision of a record. Nothing else of a record can move an index.
type Fact struct {
	Source, SourceRef string
	Case              string // what belongs together; empty: a case of its own
	Subject           string // capability item, licence or certificate number, name of a list
	ProductCode       string
	Revision          int32
	OccurredOn        registry.Day
	ProvisionalUntil  registry.Day
	RectifyBy         registry.Day
	RectifiedOn       registry.Day
	Minor, Major      uint8 // findings of each severity, at most 255
	Critical          uint8
	Severity          registry.Severity
	kind, outcome     uint8
	stage, purpose    uint8
	state             uint8
	class             uint16 // of facts read from columns in a grading pass: where its worth stands; 0 when it is to be computed
	item              int8   // with a class: the number of the capability item in the model, -1 for none
	caseNo            int32  // set by Evidence.Set: 1, 2, … for facts that share a case, 0 for a case of its own
}

// The names that a fact keeps as small numbers. Their order is no part of any format.
var (
	kindNames = []registry.Kind{"", registry.KindSpotCheck, registry.KindInspection, registry.KindComplaint, registry.KindPenalty,
		registry.KindIncident, registry.KindRecall, registry.KindLicence, registry.KindCertification, registry.KindCapability,
		registry.KindSelfInspection, registry.KindCommitment, registry.KindAward, registry.KindRiskSignal, registry.KindExternalCredit}
	outcomeNames = []string{"", registry.OutcomePass, registry.OutcomeFail, registry.OutcomeRefused, registry.OutcomeDone,
		registry.OutcomeSubstantiated, registry.OutcomeUnsubstantiated, registry.OutcomePending, registry.OutcomeImposed,
		registry.OutcomeConfirmed, registry.OutcomeSuspected, registry.OutcomeOwnInitiative, registry.OutcomeOrdered,
		registry.OutcomeGranted, registry.OutcomeRenewed, registry.OutcomeRelocated, registry.OutcomeExtended, registry.OutcomeChanged,
		registry.OutcomeReplaced, registry.OutcomeRevoked, registry.OutcomeWithdrawn, registry.OutcomeCancelled, registry.OutcomeSuspended,
		registry.OutcomeLapsed, registry.OutcomeHeld, registry.OutcomeMissing, registry.OutcomeOnTime, registry.OutcomeLate,
		registry.OutcomeMade, registry.OutcomeKept, registry.OutcomeBroken, registry.OutcomeRaised, registry.OutcomeCleared,
		registry.OutcomeClassA, registry.OutcomeClassB, registry.OutcomeClassC, registry.OutcomeClassD, registry.OutcomeListed,
		registry.OutcomeDelisted}
	stageNames    = []string{"", registry.StageProduction, registry.StageShop, registry.StageOnline}
	purposeNames  = []string{"", registry.PurposeRandom, registry.PurposeTargeted}
	stateNames    = []registry.State{registry.StateFinal, registry.StateProvisional, registry.StateVoided, registry.StateRepaired}
	severityNames = []string{"", "minor", "major", "critical"}
)

const (
	stateFinal = iota
	stateProvisional
	stateVoided
	stateRepaired
)

func numbers[T ~string](names []T) map[T]uint8 {
	byName := make(map[T]uint8, len(names))
	for i, name := range names {
		byName[name] = uint8(i)
	}
	return byName
}

var (
	kindNumbers    = numbers(kindNames)
	outcomeNumbers = numbers(outcomeNames)
	stageNumbers   = numbers(stageNames)
	purposeNumbers = numbers(purposeNames)
	stateNumbers   = numbers(stateNames)

	kindSpotCheck, kindInspection      = kindNumbers[registry.KindSpotCheck], kindNumbers[registry.KindInspection]
	kindLicence, kindExternalCredit    = kindNumbers[registry.KindLicence], kindNumbers[registry.KindExternalCredit]
	kindCertification                  = kindNumbers[registry.KindCertification]
	kindCapability, kindSelfInspection = kindNumbers[registry.KindCapability], kindNumbers[registry.KindSelfInspection]

	outcomeFail, outcomeRefused = outcomeNumbers[registry.OutcomeFail], outcomeNumbers[registry.OutcomeRefused]
	outcomeRevoked              = outcomeNumbers[registry.OutcomeRevoked]
	outcomeLapsed               = outcomeNumbers[registry.OutcomeLapsed]
	outcomeListed               = outcomeNumbers[registry.OutcomeListed]
	outcomeHeld, outcomeOnTime  = outcomeNumbers[registry.OutcomeHeld], outcomeNumbers[registry.OutcomeOnTime]
)

// FactOf reduces a valid record to what scoring reads. The record's Revision must be set.
func FactOf(r *registry.Record) Fact {
	f := Fact{
		Source: r.Source, SourceRef: r.SourceRef, Case: r.CaseID, ProductCode: r.ProductCode, Revision: int32(r.Revision),
		OccurredOn: r.OccurredOn, ProvisionalUntil: r.ProvisionalUntil, RectifyBy: r.RectifyBy, RectifiedOn: r.RectifiedOn,
		Severity: r.Severity, kind: kindNumbers[r.Kind], outcome: outcomeNumbers[r.Outcome],
		stage: stageNumbers[r.Stage], purpose: purposeNumbers[r.Purpose], state: stateNumbers[r.State], Subject: subject(r.Detail),
	}
	for _, finding := range r.Findings {
		switch finding.Severity {
		case registry.SeverityMinor:
			f.Minor++
		case registry.SeverityMajor:
			f.Major++
		case registry.SeverityCritical:
			f.Critical++
		}
	}
	return f
}

func subject(detail registry.Detail) string {
	switch d := detail.(type) {
	case *registry.Capability:
		return d.Item
	case *registry.SelfInspection:
		return registry.ItemSelfInspection
	case *registry.Licence:
		return d.Number
	case *registry.Certification:
		return d.Number
	case *registry.ExternalCredit:
		return d.List
	}
	return ""
}

// Kind returns the kind of the record.
func (f *Fact) Kind() registry.Kind { return kindNames[f.kind] }

// Outcome returns the outcome of the record.
func (f *Fact) Outcome() string { return outcomeNames[f.outcome] }

// State returns the state of the record.
func (f *Fact) State() registry.State { return stateNames[f.state] }

// Stage returns where it was found, or nothing.
func (f *Fact) Stage() string { return stageNames[f.stage] }

// Purpose returns the purpose of the check, or nothing.
func (f *Fact) Purpose() string { return purposeNames[f.purpose] }

// AppendJSON appends the canonical JSON array of the fact: source, source_ref, revision, kind, outcome, severity, occurred_on, stage,
// purpose, state, provisional_until, rectify_by, rectified_on, case_id, minor, major and critical findings, subject, product_code.
// No white space; strings as encoding/json writes them without HTML escaping. docs/formats.md specifies it; a digest is made of it.
func (f *Fact) AppendJSON(dst []byte) []byte {
	dst = append(dst, '[')
	dst = appendText(dst, f.Source)
	dst = appendText(append(dst, ','), f.SourceRef)
	dst = strconv.AppendInt(append(dst, ','), int64(f.Revision), 10)
	dst = appendName(dst, string(f.Kind()))
	dst = appendName(dst, f.Outcome())
	dst = appendName(dst, severityNames[f.Severity])
	dst = appendDay(dst, ',', f.OccurredOn)
	dst = appendName(dst, f.Stage())
	dst = appendName(dst, f.Purpose())
	dst = appendName(dst, string(f.State()))
	dst = appendDay(dst, ',', f.ProvisionalUntil)
	dst = appendDay(dst, ',', f.RectifyBy)
	dst = appendDay(dst, ',', f.RectifiedOn)
	dst = appendText(append(dst, ','), f.Case)
	for _, n := range [3]uint8{f.Minor, f.Major, f.Critical} {
		dst = strconv.AppendUint(append(dst, ','), uint64(n), 10)
	}
	dst = appendText(append(dst, ','), f.Subject)
	dst = appendText(append(dst, ','), f.ProductCode)
	return append(dst, ']')
}

// appendName appends a comma and a name that needs no escaping.
func appendName(dst []byte, name string) []byte {
	dst = append(dst, ',', '"')
	return append(append(dst, name...), '"')
}

// appendDay appends a separator and a day, or the empty text.
func appendDay(dst []byte, separator byte, day registry.Day) []byte {
	dst = append(dst, separator, '"')
	if day != 0 {
		dst = appendDate(dst, day)
	}
	return append(dst, '"')
}

// appendText appends a JSON string. Most texts need no escaping and are copied.
func appendText(dst []byte, text string) []byte {
	if !plain(text) {
		return append(dst, escaped(text)...)
	}
	dst = append(dst, '"')
	return append(append(dst, text...), '"')
}

func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < 0x20 || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func escaped(text string) []byte {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		panic(err) // a string always encodes
	}
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}

// ErrFact is the reason for a text that AppendJSON cannot have written.
var ErrFact = errors.New("not a list of facts")

// ParseFacts reads facts as AppendJSON wrote them, separated by commas, and appends them to dst. The strings of the facts share the
// memory of text. On an error (ErrFact) the facts read so far are returned too.
func ParseFacts(dst []Fact, text string) ([]Fact, error) {
	p := factParser{text: text, bad: !utf8.ValidString(text) || hasControl(text)}
	for p.at < len(text) && !p.bad {
		dst = append(dst, Fact{})
		p.fact(&dst[len(dst)-1])
		if p.at < len(text) {
			p.expect(',')
			p.bad = p.bad || p.at == len(text)
		}
	}
	if p.bad {
		return dst, fmt.Errorf("%w: near byte %d", ErrFact, p.at)
	}
	return dst, nil
}

func hasControl(text string) bool {
	for i := range len(text) {
		if text[i] < 0x20 {
			return true
		}
	}
	return false
}

type factParser struct {
	text string
	at   int
	bad  bool
}

func (p *factParser) expect(c byte) {
	if p.at >= len(p.text) || p.text[p.at] != c {
		p.bad = true
		return
	}
	p.at++
}

func (p *factParser) fact(f *Fact) {
	p.expect('[')
	f.Source = p.string()
	f.SourceRef = p.next()
	f.Revision = int32(p.number(math.MaxInt32))
	f.kind = lookup(p, kindNumbers, registry.Kind(p.next()))
	f.outcome = lookup(p, outcomeNumbers, p.next())
	f.Severity = p.severity()
	f.OccurredOn = p.day()
	f.stage = lookup(p, stageNumbers, p.next())
	f.purpose = lookup(p, purposeNumbers, p.next())
	f.state = lookup(p, stateNumbers, registry.State(p.next()))
	f.ProvisionalUntil, f.RectifyBy, f.RectifiedOn = p.day(), p.day(), p.day()
	f.Case = p.next()
	f.Minor, f.Major, f.Critical = uint8(p.number(255)), uint8(p.number(255)), uint8(p.number(255))
	f.Subject, f.ProductCode = p.next(), p.next()
	p.expect(']')
}

func lookup[T ~string](p *factParser, byName map[T]uint8, name T) uint8 {
	n, known := byName[name]
	p.bad = p.bad || !known
	return n
}

func (p *factParser) next() string {
	p.expect(',')
	return p.string()
}

// string reads a JSON string; without escapes it is a piece of the text itself.
func (p *factParser) string() string {
	start := p.at + 1
	p.expect('"')
	if p.bad {
		return ""
	}
	end := strings.IndexAny(p.text[start:], `"\`)
	if end < 0 {
		p.bad = true
		return ""
	}
	if p.text[start+end] == '"' {
		p.at = start + end + 1
		return p.text[start : start+end]
	}
	return p.escapedString(start - 1)
}

func (p *factParser) escapedString(start int) string {
	decoder := json.NewDecoder(strings.NewReader(p.text[start:]))
	var s string
	if err := decoder.Decode(&s); err != nil {
		p.bad = true
		return ""
	}
	p.at = start + int(decoder.InputOffset())
	return s
}

func (p *factParser) number(most int64) int64 {
	p.expect(',')
	start := p.at
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	n, err := strconv.ParseInt(p.text[start:min(p.at, len(p.text))], 10, 64)
	p.bad = p.bad || err != nil || n > most
	return n
}

func (p *factParser) severity() registry.Severity {
	name := p.next()
	for i, one := range severityNames {
		if one == name {
			return registry.Severity(i)
		}
	}
	p.bad = true
	return 0
}

func (p *factParser) day() registry.Day {
	text := p.next()
	day, ok := parseDate(text)
	p.bad = p.bad || !ok
	return day
}
