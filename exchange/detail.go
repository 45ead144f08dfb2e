package exchange

import (
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"

	"healthcode/registry"
)

// detailValue is the text of a column that belongs to the detail of one kind or of several.
type detailValue struct{ name, text string }

// detailFields gives, for each kind, the place of each field of its detail by JSON name. It follows package registry by itself.
var detailFields = func() map[registry.Kind]map[string]int {
	fields := map[registry.Kind]map[string]int{}
	for kind, rule := range registry.Kinds {
		fields[kind] = map[string]int{}
		for i, name := range jsonNames(reflect.TypeOf(rule.New()).Elem()) {
			fields[kind][name] = i
		}
	}
	return fields
}()

// detailNames lists the fields of all details, each once, in alphabetical order.
var detailNames = func() []string {
	var names []string
	seen := map[string]bool{}
	for _, fields := range detailFields {
		for name := range fields {
			if !seen[name] {
				names = append(names, name)
			}
			seen[name] = true
		}
	}
	sort.Strings(names)
	return names
}()

func detailColumn(name string) column[recordDraft] {
	return column[recordDraft]{name: name,
		set: func(into *recordDraft, text string) *fault {
			into.details = append(into.details, detailValue{name, text})
			return nil
		},
		get: func(from *recordDraft) string { return detailText(from.r.Detail, name) }}
}

// finishDetail fills the detail of the record's kind. A column of another kind is refused.
func (x *recordDraft) finishDetail() registry.Problems {
	rule, known := registry.Kinds[x.r.Kind]
	if !known {
		return nil // the record's own validation says so
	}
	x.r.Detail = rule.New()
	into := reflect.ValueOf(x.r.Detail).Elem()
	var problems registry.Problems
	for _, value := range x.details {
		at, has := detailFields[x.r.Kind][value.name]
		if !has {
			problems = append(problems, registry.Problem{Field: value.name, Problem: "does not go with " + string(x.r.Kind), Want: "nothing; " + detailHint(x.r.Kind)})
			continue
		}
		if f := setDetail(into.Field(at), value.text); f != nil {
			problems = append(problems, registry.Problem{Field: value.name, Problem: f.problem, Want: f.want})
		}
	}
	return problems
}

func detailHint(kind registry.Kind) string {
	names := make([]string, 0, len(detailFields[kind]))
	for name := range detailFields[kind] {
		names = append(names, name)
	}
	sort.Strings(names)
	return string(kind) + " has " + strings.Join(names, ", ")
}

// setDetail sets a field of a detail: a text, a whole number or a day.
func setDetail(field reflect.Value, text string) *fault {
	if day, ok := field.Addr().Interface().(*registry.Day); ok {
		return setDay(day, text)
	}
	if field.Kind() == reflect.String {
		field.SetString(text)
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return &fault{fmt.Sprintf("%.20q is not a whole number", text), "a whole number"}
	}
	field.SetInt(n)
	return nil
}

func detailText(detail registry.Detail, name string) string {
	if detail == nil {
		return ""
	}
	at, has := detailFields[detail.Kind()][name]
	if !has {
		return ""
	}
	field := reflect.ValueOf(detail).Elem().Field(at)
	if day, ok := field.Interface().(registry.Day); ok {
		return day.String()
	}
	if field.Kind() == reflect.String {
		return field.String()
	}
	return positive(field.Int())
}
