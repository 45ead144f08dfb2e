package exchange

import (
	"unicode/utf8"

	"healthcode/registry"

	"github.com/go-json-experiment/json"
)

// scanRecord reads what nearly every record is: an object of our members, each once, whose texts have no escapes and whose values are not null. It
// does so several times as fast as a reader of any JSON. False means no more than that this way did not do.
func scanRecord(data []byte) (*registry.Record, bool) {
	s := recordScan{data: data, text: string(data)}
	record := new(registry.Record)
	if !s.object(func(name string) bool { return s.member(name, record) }) {
		return nil, false
	}
	if s.space(); s.at != len(s.text) {
		return nil, false
	}
	rule, known := registry.Kinds[record.Kind]
	if !known {
		return nil, false
	}
	record.Detail = rule.New()
	if string(s.detail) == "" || string(s.detail) == "{}" {
		return record, true
	}
	return record, json.Unmarshal(s.detail, record.Detail, strictMembers) == nil
}

// recordScan is a place in the text of a record.
type recordScan struct {
	data   []byte
	text   string // the same; texts of the record are parts of it
	at     int
	seen   uint32 // members, by their place below
	nest   []byte // the list or object that was passed last
	detail []byte // read when the kind is known
}

// once notes a member and reports whether it is the first of its name.
func (s *recordScan) once(member int) bool {
	before := s.seen
	s.seen |= 1 << member
	return s.seen != before
}

func (s *recordScan) space() {
	for s.at < len(s.text) && (s.text[s.at] == ' ' || s.text[s.at] == '\t' || s.text[s.at] == '\n' || s.text[s.at] == '\r') {
		s.at++
	}
}

// take passes a character, behind white space, if it is there.
func (s *recordScan) take(c byte) bool {
	s.space()
	if s.at == len(s.text) || s.text[s.at] != c {
		return false
	}
	s.at++
	return true
}

// object reads an object, each member's value with a function.
func (s *recordScan) object(member func(name string) bool) bool {
	if !s.take('{') {
		return false
	}
	for first := true; !s.take('}'); first = false {
		if !first && !s.take(',') {
			return false
		}
		name, ok := s.plain()
		if !ok || !s.take(':') || !member(name) {
			return false
		}
	}
	return true
}

// list reads a list, each value with a function.
func (s *recordScan) list(value func() bool) bool {
	if !s.take('[') {
		return false
	}
	for first := true; !s.take(']'); first = false {
		if !first && !s.take(',') || !value() {
			return false
		}
	}
	return true
}

// plain reads a text without escapes.
func (s *recordScan) plain() (string, bool) {
	if !s.take('"') {
		return "", false
	}
	ascii := true
	for start := s.at; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			text := s.text[start:s.at]
			s.at++
			return text, ascii || utf8.ValidString(text)
		case c == '\\' || c < ' ':
			return "", false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return "", false
}

func plainInto[T ~string](s *recordScan, into *T) bool {
	text, ok := s.plain()
	*into = T(text)
	return ok
}

func (s *recordScan) day(into *registry.Day) bool {
	text, ok := s.plain()
	if !ok {
		return false
	}
	day, err := registry.ParseDay(text)
	*into = day
	return err == nil
}

// nested passes a list or an object up to where its brackets close. Whoever reads it sees whether it is valid.
func (s *recordScan) nested(open byte) bool {
	s.space()
	start, depth := s.at, 0
	if s.at == len(s.text) || s.text[s.at] != open {
		return false
	}
	for ; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				s.at++
				s.nest = s.data[start:s.at]
				return true
			}
		case '"':
			if !s.passText() {
				return false
			}
		}
	}
	return false
}

// passText goes from the quote that opens a text to the one that closes it.
func (s *recordScan) passText() bool {
	for s.at++; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case '"':
			return true
		case '\\':
			s.at++
		}
	}
	return false
}

// member reads the value of a member that was not there before.
func (s *recordScan) member(name string, r *registry.Record) bool {
	switch name {
	case "uscc":
		return s.once(0) && plainInto(s, &r.USCC)
	case "source":
		return s.once(1) && plainInto(s, &r.Source)
	case "source_ref":
		return s.once(2) && plainInto(s, &r.SourceRef)
	case "kind":
		return s.once(3) && plainInto(s, &r.Kind)
	case "outcome":
		return s.once(4) && plainInto(s, &r.Outcome)
	case "severity":
		return s.once(5) && s.severity(&r.Severity)
	case "occurred_on":
		return s.once(6) && s.day(&r.OccurredOn)
	case "product_code":
		return s.once(7) && plainInto(s, &r.ProductCode)
	case "stage":
		return s.once(8) && plainInto(s, &r.Stage)
	case "purpose":
		return s.once(9) && plainInto(s, &r.Purpose)
	case "case_id":
		return s.once(10) && plainInto(s, &r.CaseID)
	case "state":
		return s.once(11) && plainInto(s, &r.State)
	}
	return s.rareMember(name, r)
}

func (s *recordScan) rareMember(name string, r *registry.Record) bool {
	switch name {
	case "provisional_until":
		return s.once(12) && s.day(&r.ProvisionalUntil)
	case "rectify_by":
		return s.once(13) && s.day(&r.RectifyBy)
	case "rectified_on":
		return s.once(14) && s.day(&r.RectifiedOn)
	case "findings":
		return s.once(15) && s.findings(&r.Findings)
	case "people":
		r.People = new(registry.People)
		return s.once(16) && s.object(func(name string) bool { return s.person(name, r.People) })
	case "detail":
		ok := s.once(17) && s.nested('{')
		s.detail = s.nest
		return ok
	case "known_at":
		text, ok := s.plain()
		return ok && s.once(18) && r.KnownAt.UnmarshalText([]byte(text)) == nil
	}
	return false // also revision, which only exports have
}

func (s *recordScan) person(name string, p *registry.People) bool {
	switch name {
	case "sampler":
		return s.once(19) && plainInto(s, &p.Sampler)
	case "tester":
		return s.once(20) && plainInto(s, &p.Tester)
	case "inspectors":
		p.Inspectors = make([]string, 0, 2)
		return s.once(21) && s.list(func() bool {
			text, ok := s.plain()
			p.Inspectors = append(p.Inspectors, text)
			return ok
		})
	}
	return false
}

// findings reads a list of findings; one with escapes or nulls with the reader of any JSON.
func (s *recordScan) findings(into *[]registry.Finding) bool {
	s.space()
	start := s.at
	*into = make([]registry.Finding, 0, 2)
	if s.list(func() bool {
		var f registry.Finding
		seen := s.seen
		ok := s.object(func(name string) bool { return s.finding(name, &f) })
		s.seen = seen // the next one has the same members
		*into = append(*into, f)
		return ok
	}) {
		return true
	}
	s.at, *into = start, nil
	return s.nested('[') && json.Unmarshal(s.nest, into, strictMembers) == nil
}

func (s *recordScan) finding(name string, f *registry.Finding) bool {
	switch name {
	case "item":
		return s.once(22) && plainInto(s, &f.Item)
	case "severity":
		return s.once(23) && s.severity(&f.Severity)
	case "standard":
		return s.once(24) && plainInto(s, &f.Standard)
	case "limit":
		return s.once(25) && plainInto(s, &f.Limit)
	case "value":
		return s.once(26) && plainInto(s, &f.Value)
	case "cause":
		return s.once(27) && plainInto(s, &f.Cause)
	}
	return false
}

func (s *recordScan) severity(into *registry.Severity) bool {
	text, ok := s.plain()
	return ok && into.UnmarshalText([]byte(text)) == nil
}
