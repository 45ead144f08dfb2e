package schema

import (
	"encoding/json"
	"reflect"

	"healthcode/registry"
)

// appendDetail appends the recordDetail of a record, with the bytes that encoding/json writes. Findings, people and the details that are empty, which most
// are, are written here: that is several times as fast.
func appendDetail(dst []byte, r *registry.Record) ([]byte, error) {
	start := len(dst)
	var err error
	if len(r.Findings) > 0 {
		if dst, err = appendFindings(append(dst, `,"findings":`...), r.Findings); err != nil {
			return nil, err
		}
	}
	if r.People != nil {
		if dst, err = appendPeople(append(dst, `,"people":`...), r.People); err != nil {
			return nil, err
		}
	}
	if r.Detail != nil && !isEmpty(r.Detail) {
		if dst, err = appendMarshalled(append(dst, `,"detail":`...), r.Detail); err != nil {
			return nil, err
		}
	}
	if len(dst) == start {
		return append(dst, "{}"...), nil
	}
	dst[start] = '{'
	return append(dst, '}'), nil
}

func appendMarshalled(dst []byte, value any) ([]byte, error) {
	text, err := json.Marshal(value)
	return append(dst, text...), err
}

// emptyDetails holds the kinds whose empty detail is an object without members.
var emptyDetails = func() map[registry.Kind]bool {
	empty := make(map[registry.Kind]bool)
	for kind, rule := range registry.Kinds {
		text, err := json.Marshal(rule.New())
		empty[kind] = err == nil && string(text) == "{}"
	}
	return empty
}()

func isEmpty(d registry.Detail) bool {
	value := reflect.ValueOf(d)
	return value.Kind() == reflect.Pointer && !value.IsNil() && value.Elem().IsZero() && emptyDetails[d.Kind()]
}

func appendFindings(dst []byte, findings []registry.Finding) ([]byte, error) {
	start := len(dst)
	dst = append(dst, '[')
	for i := range findings {
		f := &findings[i]
		severity := f.Severity.String()
		for _, text := range [...]string{f.Item, severity, f.Standard, f.Limit, f.Value, f.Cause} {
			if !registry.PlainJSON(text) {
				return appendMarshalled(dst[:start], findings)
			}
		}
		at := len(dst)
		dst = appendMember(dst, `,"item":"`, f.Item)
		dst = append(append(append(dst, `,"severity":"`...), severity...), '"')
		dst = appendMember(appendMember(dst, `,"standard":"`, f.Standard), `,"limit":"`, f.Limit)
		dst = appendMember(appendMember(dst, `,"value":"`, f.Value), `,"cause":"`, f.Cause)
		dst[at] = '{'
		dst = append(dst, "},"...)
	}
	dst[len(dst)-1] = ']' // there is at least one
	return dst, nil
}

// appendMember appends a comma and a member whose text is plain, unless it is empty. head is all before the text.
func appendMember(dst []byte, head, text string) []byte {
	if text == "" {
		return dst
	}
	return append(append(append(dst, head...), text...), '"')
}

func appendPeople(dst []byte, p *registry.People) ([]byte, error) {
	for _, text := range append([]string{p.Sampler, p.Tester}, p.Inspectors...) {
		if !registry.PlainJSON(text) {
			return appendMarshalled(dst, p)
		}
	}
	start := len(dst)
	dst = appendMember(appendMember(dst, `,"sampler":"`, p.Sampler), `,"tester":"`, p.Tester)
	for i, inspector := range p.Inspectors {
		between := `,"`
		if i == 0 {
			between = `,"inspectors":["`
		}
		dst = append(append(append(dst, between...), inspector...), '"')
	}
	if len(p.Inspectors) > 0 {
		dst = append(dst, ']')
	}
	if len(dst) == start {
		return append(dst, "{}"...), nil
	}
	dst[start] = '{'
	return append(dst, '}'), nil
}
