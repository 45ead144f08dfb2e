package exchange

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"healthcode/registry"
)

// mappedCells binds the section of a mapping to the columns of a file.
func mappedCells[D any](set *columnSet[D], columns []string, m *Mapping) (cellSource, error) {
	s, has := m.sections[set.kind]
	if !has {
		return nil, fmt.Errorf("%w: it has no section %s, only %s", ErrMapping, set.kind, strings.Join(m.Kinds(), ", "))
	}
	b := &binding{section: s, at: map[string]int{}}
	for i, name := range columns {
		b.at[name] = i
	}
	if missing := b.missing(); len(missing) > 0 {
		return nil, &ColumnError{Kind: set.kind, Unknown: missing, Known: columns, Mapped: true}
	}
	target := make([]int, len(s.fields))
	for i, field := range s.fields {
		target[i] = set.index(field.name)
	}
	return func(row *Row, put func(int, string) registry.Problems) (registry.Problems, bool) {
		return b.apply(row, target, put)
	}, nil
}

// binding is a section together with the places of a file's columns.
type binding struct {
	section *section
	at      map[string]int
}

// missing lists the columns that the section reads and the file lacks, each once.
func (b *binding) missing() []string {
	var missing []string
	for _, name := range b.section.reads() {
		if _, has := b.at[name]; !has && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	return missing
}

// reads lists the columns that a section reads.
func (s *section) reads() []string {
	var names []string
	for _, c := range s.skip {
		names = append(names, c.reads()...)
	}
	for _, field := range s.fields {
		for _, r := range field.rules {
			names = append(names, r.reads()...)
		}
	}
	return names
}

func (c condition) reads() []string {
	var names []string
	for _, test := range c {
		names = append(names, test.column)
	}
	return names
}

func (r *rule) reads() []string {
	names := slices.Concat(r.when.reads(), r.columns, r.sum)
	if r.id != "" {
		names = append(names, r.id)
	}
	for _, part := range r.template {
		if part.column != "" {
			names = append(names, part.column)
		}
	}
	return names
}

func (b *binding) cell(row *Row, column string) string {
	if at := b.at[column]; at < len(row.Cells) {
		return strings.TrimSpace(row.Cells[at])
	}
	return ""
}

// apply gives every field its value. What is wrong with a value is said of our field and of the column that it came from.
func (b *binding) apply(row *Row, target []int, put func(int, string) registry.Problems) (registry.Problems, bool) {
	for _, c := range b.section.skip {
		if b.holds(row, c) {
			return nil, true
		}
	}
	var problems registry.Problems
	for i, field := range b.section.fields {
		r := b.choose(row, field.rules)
		if r == nil {
			continue
		}
		text, f := b.value(row, r)
		if f != nil {
			problems = append(problems, registry.Problem{Field: field.name, Problem: f.problem + r.from(), Want: f.want})
			continue
		}
		for _, p := range put(target[i], text) {
			p.Problem += r.from()
			problems = append(problems, p)
		}
	}
	return problems, false
}

// from names the columns of a rule, for people who mend the file.
func (r *rule) from() string {
	names := slices.Compact(r.reads()[len(r.when):])
	if len(names) == 0 {
		return ""
	}
	return " (from " + strings.Join(names, ", ") + ")"
}

func (b *binding) holds(row *Row, c condition) bool {
	for _, test := range c {
		if !slices.Contains(test.anyOf, b.cell(row, test.column)) {
			return false
		}
	}
	return true
}

func (b *binding) choose(row *Row, rules []rule) *rule {
	for i := range rules {
		if b.holds(row, rules[i].when) {
			return &rules[i]
		}
	}
	return nil
}

// value evaluates a rule. A value that a list of values lacks is a problem unless there is a default: a new word in a foreign
// file must not pass unseen.
func (b *binding) value(row *Row, r *rule) (string, *fault) {
	text, f := b.source(row, r)
	if f != nil {
		return "", f
	}
	if text != "" && r.date != "" {
		t, err := time.ParseInLocation(r.date, text, registry.Shanghai)
		if err != nil {
			return "", &fault{fmt.Sprintf("%.40q is not a date as the mapping says", text), "the form " + time.Date(2024, 3, 1, 0, 0, 0, 0, registry.Shanghai).Format(r.date)}
		}
		text = t.Format(time.DateOnly)
	}
	if text != "" && r.values != nil {
		value, known := r.values[text]
		if !known && r.fallback == nil {
			return "", &fault{fmt.Sprintf("%.40q is not among the values of the mapping", text), "a value of the mapping, or a default in it"}
		}
		text = value
	}
	if text == "" && r.fallback != nil {
		text = *r.fallback
	}
	return text, nil
}

func (b *binding) source(row *Row, r *rule) (string, *fault) {
	switch {
	case r.constant != nil:
		return *r.constant, nil
	case r.template != nil:
		return b.fillTemplate(row, r.template), nil
	case r.sum != nil:
		return b.add(row, r.sum)
	case r.id != "":
		code, err := InventedUSCC(r.region, b.cell(row, r.id))
		if err != nil {
			return "", &fault{err.Error(), "an id"}
		}
		return string(code), nil
	}
	for _, name := range r.columns {
		if text := b.cell(row, name); text != "" {
			return text, nil
		}
	}
	return "", nil
}

// fillTemplate returns nothing when the template has columns and all of them are empty.
func (b *binding) fillTemplate(row *Row, parts []templatePart) string {
	var text strings.Builder
	columns, filled := 0, 0
	for _, part := range parts {
		text.WriteString(part.text)
		switch {
		case part.line:
			text.WriteString(strconv.Itoa(row.Origin))
		case part.column != "":
			value := b.cell(row, part.column)
			text.WriteString(value)
			columns++
			filled += min(len(value), 1)
		}
	}
	if columns > 0 && filled == 0 {
		return ""
	}
	return text.String()
}

// add adds whole numbers up; an empty cell is 0.
func (b *binding) add(row *Row, columns []string) (string, *fault) {
	const limit = 1_000_000_000
	sum := 0
	for _, name := range columns {
		text := b.cell(row, name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < -limit || n > limit {
			return "", &fault{fmt.Sprintf("%.20q is not a whole number", text), "a whole number"}
		}
		sum += n
	}
	return strconv.Itoa(sum), nil
}
