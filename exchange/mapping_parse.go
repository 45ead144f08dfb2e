package exchange

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// ParseMapping reads a mapping. It is strict: an unknown word, an unknown field of ours, or a rule without exactly one source is
// an error that names its line. Anchors, aliases and tags of YAML are not used.
func ParseMapping(data []byte) (m *Mapping, err error) {
	if len(data) > MaxMapping {
		return nil, fmt.Errorf("%w: larger than 256 KiB", ErrMapping)
	}
	defer func() {
		if p := recover(); p != nil { // the YAML library, on a malformed file
			m, err = nil, fmt.Errorf("%w: not YAML", ErrMapping)
		}
	}()
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("%w: not YAML: %s", ErrMapping, first)
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, fmt.Errorf("%w: it needs exactly one YAML document", ErrMapping)
	}
	return parseSections(file.Docs[0].Body)
}

func parseSections(body ast.Node) (*Mapping, error) {
	entries, err := entriesOf(body)
	if err != nil {
		return nil, err
	}
	m := &Mapping{sections: map[string]*section{}}
	for _, e := range entries {
		names, known := fieldNames(e.key)
		switch {
		case e.key == "about":
			_, err = scalarOf(e.value)
		case known:
			m.sections[e.key], err = parseSection(e.value, names)
		default:
			err = e.unknown("about", kindEnterprises, kindProducts, kindRegions, kindRecords)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(m.sections) == 0 {
		return nil, fmt.Errorf("%w: it has no section: enterprises, products, regions or records", ErrMapping)
	}
	return m, nil
}

// fieldNames lists our columns of a kind of thing.
func fieldNames(kind string) ([]string, bool) {
	switch kind {
	case kindEnterprises:
		return enterpriseColumns.names(), true
	case kindProducts:
		return productColumns.names(), true
	case kindRegions:
		return regionColumns.names(), true
	case kindRecords:
		return recordColumns.names(), true
	}
	return nil, false
}

func parseSection(n ast.Node, names []string) (*section, error) {
	entries, err := entriesOf(n)
	if err != nil {
		return nil, err
	}
	s := &section{}
	for _, e := range entries {
		switch e.key {
		case "skip":
			s.skip, err = parseSkip(e.value)
		case "fields":
			s.fields, err = parseFields(e.value, names)
		default:
			err = e.unknown("fields", "skip")
		}
		if err != nil {
			return nil, err
		}
	}
	if len(s.fields) == 0 {
		return nil, fmt.Errorf("%w: line %d: a section needs fields", ErrMapping, lineOf(n))
	}
	return s, nil
}

func parseSkip(n ast.Node) ([]condition, error) {
	items, ok := n.(*ast.SequenceNode)
	if !ok {
		one, err := parseCondition(n)
		return []condition{one}, err
	}
	var skip []condition
	for _, item := range items.Values {
		one, err := parseCondition(item)
		if err != nil {
			return nil, err
		}
		skip = append(skip, one)
	}
	return skip, nil
}

func parseFields(n ast.Node, names []string) ([]fieldRules, error) {
	entries, err := entriesOf(n)
	if err != nil {
		return nil, err
	}
	var fields []fieldRules
	for _, e := range entries {
		if !slices.Contains(names, e.key) {
			return nil, e.unknown(names...)
		}
		rules, err := parseRules(e.value)
		if err != nil {
			return nil, err
		}
		fields = append(fields, fieldRules{name: e.key, line: e.line, rules: rules})
	}
	return fields, nil
}

func parseRules(n ast.Node) ([]rule, error) {
	items, ok := n.(*ast.SequenceNode)
	if !ok {
		one, err := parseRule(n)
		return []rule{one}, err
	}
	if len(items.Values) == 0 {
		return nil, fmt.Errorf("%w: line %d: a field needs a rule", ErrMapping, lineOf(n))
	}
	var rules []rule
	for _, item := range items.Values {
		one, err := parseRule(item)
		if err != nil {
			return nil, err
		}
		rules = append(rules, one)
	}
	return rules, nil
}

// parseRule reads a rule; a plain text is the name of a column.
func parseRule(n ast.Node) (rule, error) {
	if text, err := scalarOf(n); err == nil {
		if text == "" {
			return rule{}, fmt.Errorf("%w: line %d: a field needs a column or a rule", ErrMapping, lineOf(n))
		}
		return rule{line: lineOf(n), columns: []string{text}}, nil
	}
	entries, err := entriesOf(n)
	if err != nil {
		return rule{}, err
	}
	r := rule{line: lineOf(n)}
	sources := 0
	for _, e := range entries {
		word, known := ruleWords[e.key]
		if !known {
			return rule{}, e.unknown(ruleWordNames...)
		}
		if word.source {
			sources++
		}
		if err := word.parse(&r, e.value); err != nil {
			return rule{}, err
		}
	}
	if sources != 1 {
		return rule{}, fmt.Errorf("%w: line %d: a rule needs exactly one of column, const, template, sum, uscc_from_id", ErrMapping, r.line)
	}
	if r.id != "" {
		if _, err := InventedUSCC(r.region, "1"); err != nil {
			return rule{}, fmt.Errorf("%w: line %d: uscc_from_id: %w", ErrMapping, r.line, err)
		}
	} else if r.region != "" {
		return rule{}, fmt.Errorf("%w: line %d: region goes with uscc_from_id", ErrMapping, r.line)
	}
	return r, nil
}

// ruleWord is one word of the language of rules.
type ruleWord struct {
	source bool // exactly one of these in a rule
	parse  func(r *rule, n ast.Node) error
}

var ruleWordNames = []string{"column", "const", "template", "sum", "uscc_from_id", "region", "values", "date", "default", "when"}

var ruleWords = map[string]ruleWord{
	"column": {true, func(r *rule, n ast.Node) (err error) { r.columns, err = textsOf(n); return err }},
	"const":  {true, func(r *rule, n ast.Node) (err error) { r.constant, err = pointerTo(n); return err }},
	"sum":    {true, func(r *rule, n ast.Node) (err error) { r.sum, err = textsOf(n); return err }},
	"template": {true, func(r *rule, n ast.Node) error {
		text, err := scalarOf(n)
		if err != nil {
			return err
		}
		r.template, err = parseTemplate(text, lineOf(n))
		return err
	}},
	"uscc_from_id": {true, func(r *rule, n ast.Node) (err error) { r.id, err = nameOf(n); return err }},
	"region":       {false, func(r *rule, n ast.Node) (err error) { r.region, err = nameOf(n); return err }},
	"values":       {false, func(r *rule, n ast.Node) (err error) { r.values, err = valuesOf(n); return err }},
	"default":      {false, func(r *rule, n ast.Node) (err error) { r.fallback, err = pointerTo(n); return err }},
	"when":         {false, func(r *rule, n ast.Node) (err error) { r.when, err = parseCondition(n); return err }},
	"date": {false, func(r *rule, n ast.Node) error {
		text, err := scalarOf(n)
		if err != nil {
			return err
		}
		if r.date, err = dateLayout(text); err != nil {
			return fmt.Errorf("%w: line %d: %w", ErrMapping, lineOf(n), err)
		}
		return nil
	}},
}

func parseCondition(n ast.Node) (condition, error) {
	entries, err := entriesOf(n)
	if err != nil {
		return nil, err
	}
	var all condition
	for _, e := range entries {
		values, err := textsOf(e.value)
		if err != nil {
			return nil, err
		}
		all = append(all, columnTest{column: e.key, anyOf: values})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: line %d: a condition needs a column and its value", ErrMapping, lineOf(n))
	}
	return all, nil
}

// parseTemplate reads a text such as {est}-{date}-{line}. {line} is the number of the row.
func parseTemplate(text string, line int) ([]templatePart, error) {
	var parts []templatePart
	for text != "" {
		before, rest, found := strings.Cut(text, "{")
		name, after, closed := strings.Cut(rest, "}")
		if strings.Contains(before, "}") || found && (!closed || name == "" || strings.Contains(name, "{")) {
			return nil, fmt.Errorf("%w: line %d: the braces of the template do not fit", ErrMapping, line)
		}
		part := templatePart{text: before, column: name, line: name == "line"}
		if part.line {
			part.column = ""
		}
		parts, text = append(parts, part), after
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("%w: line %d: the template is empty", ErrMapping, line)
	}
	return parts, nil
}
