package scoring

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Change is one difference between two models, in words. From and To are the values with their units; ZhCN and En are whole lines.
type Change struct {
	Path string `json:"path"` // in the model, list elements by what they are about: tiers/AA/index_from
	From string `json:"from"`
	To   string `json:"to"`
	ZhCN string `json:"zh-CN"`
	En   string `json:"en"`
}

// Diff lists every difference from one model to another, in the order of the fields. It is empty if and only if the models are the same
// but for their version numbers.
func Diff(from, to *Model) []Change {
	before, after := flatten(from), flatten(to)
	changes := []Change{}
	for _, path := range merged(before.paths, after.paths) {
		x, y := before.leaves[path], after.leaves[path]
		if x != y {
			changes = append(changes, describe(path, x, y))
		}
	}
	for _, list := range merged(before.lists, after.lists) {
		if c, moved := orderChange(list, before.order[list], after.order[list]); moved {
			changes = append(changes, c)
		}
	}
	return changes
}

// merged returns the texts of both lists, each once, those of the first in their order.
func merged(a, b []string) []string {
	all := slices.Clone(a)
	seen := map[string]bool{}
	for _, s := range a {
		seen[s] = true
	}
	for _, s := range b {
		if !seen[s] {
			all = append(all, s)
		}
	}
	return all
}

// orderChange reports that the elements which both lists have stand in another order.
func orderChange(list string, before, after []string) (Change, bool) {
	both := func(keys, other []string) []string {
		return slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return !slices.Contains(other, k) })
	}
	x, y := both(before, after), both(after, before)
	if slices.Equal(x, y) {
		return Change{}, false
	}
	name := nameOf(list)
	c := Change{Path: list, From: strings.Join(x, ", "), To: strings.Join(y, ", ")}
	c.ZhCN, c.En = name.zh+" 顺序 "+c.From+" → "+c.To, "order of "+name.en+": "+c.From+" → "+c.To
	return c, true
}

// leaf is a value of a model; nothing at all when it is not there.
type leaf struct {
	number int64
	text   string
	kind   uint8 // 0: nothing, 1: number, 2: text
}

// flat is a model as a list of values by path.
type flat struct {
	paths  []string
	leaves map[string]leaf
	lists  []string
	order  map[string][]string // of each list: its keys
}

func flatten(m *Model) *flat {
	f := &flat{leaves: map[string]leaf{}, order: map[string][]string{}}
	f.walk("", reflect.ValueOf(m).Elem())
	return f
}

func (f *flat) add(path string, l leaf) {
	f.paths = append(f.paths, path)
	f.leaves[path] = l
}

// walk adds every exported value below v. The version is what the two models are called, no difference between them.
func (f *flat) walk(path string, v reflect.Value) {
	if named, ok := v.Interface().(encoding.TextMarshaler); ok {
		if text, err := named.MarshalText(); err == nil && len(text) > 0 {
			f.add(path, leaf{text: string(text), kind: 2})
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		f.fields(path, v)
	case reflect.Slice:
		f.list(path, v)
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			f.walk(path+"/"+key.String(), v.MapIndex(key))
		}
	case reflect.String:
		if v.Len() > 0 {
			f.add(path, leaf{text: v.String(), kind: 2})
		}
	default:
		f.add(path, leaf{number: v.Int(), kind: 1})
	}
}

func (f *flat) fields(path string, v reflect.Value) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case !field.IsExported() || path == "" && name == "version":
		case field.Anonymous:
			f.walk(path, v.Field(i))
		default:
			f.walk(strings.TrimPrefix(path+"/"+name, "/"), v.Field(i))
		}
	}
}

// list adds the elements under what they are about, so that an inserted one does not shift the others.
func (f *flat) list(path string, v reflect.Value) {
	f.lists = append(f.lists, path)
	for i := range v.Len() {
		element := v.Index(i)
		key := keyOf(element.Interface())
		for n := 2; slices.Contains(f.order[path], key); n++ {
			key = fmt.Sprintf("%s#%d", keyOf(element.Interface()), n)
		}
		f.order[path] = append(f.order[path], key)
		if element.Kind() == reflect.String {
			f.add(path+"/"+key, leaf{text: "listed", kind: 2})
			continue
		}
		f.walk(path+"/"+key, element)
	}
}

func keyOf(element any) string {
	switch e := element.(type) {
	case Weight:
		return e.Dimension.String()
	case Base:
		return strings.TrimSuffix(fmt.Sprintf("%s %s %s", e.Kind, e.Outcome, e.Severity), " ")
	case ProductBase:
		return strings.TrimSuffix(fmt.Sprintf("%s %s %s", e.Kind, e.Outcome, e.Severity), " ")
	case ProductKind:
		return string(e.Kind)
	case RegionRule:
		return e.Colour.String()
	case TierRule:
		return e.Tier.String()
	case Condition:
		return e.Fact.String() + " " + e.Operator
	case Veto:
		return e.Fact.String() + " " + e.Operator
	}
	return fmt.Sprint(element)
}

// describe writes a difference in words.
func describe(path string, x, y leaf) Change {
	name := nameOf(path)
	from, to := x.in(path), y.in(path)
	return Change{Path: path, From: from.en, To: to.en, ZhCN: name.zh + " " + from.zh + " → " + to.zh, En: name.en + " " + from.en + " → " + to.en}
}

// in writes a value with its unit: a share in percent, a mass or k in checks, the index in points, a time in days.
func (l leaf) in(path string) term {
	switch l.kind {
	case 0:
		return term{"无", "none"}
	case 2:
		if word, ok := modelTerms[l.text]; ok && !strings.HasPrefix(path, "title/") && path != "code" {
			return word
		}
		return term{l.text, l.text}
	}
	segments := strings.Split(path, "/")
	for i := len(segments) - 1; i >= 0; i-- {
		if unit, ok := modelUnits[segments[i]]; ok {
			n := shifted(l.number, unit.digits)
			return term{n + unit.zh, n + unit.en}
		}
	}
	n := shifted(l.number, 0)
	return term{n, n}
}

// shifted writes n / 10^digits exactly, without idle zeros.
func shifted(n int64, digits int) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	text := fmt.Sprintf("%0*d", digits+1, n)
	whole, rest := text[:len(text)-digits], strings.TrimRight(text[len(text)-digits:], "0")
	if rest == "" {
		return sign + whole
	}
	return sign + whole + "." + rest
}

// nameOf writes a path in words: each part by its own word, and a part without one as it is.
func nameOf(path string) term {
	var zh, en []string
	for segment := range strings.SplitSeq(path, "/") {
		for part := range strings.SplitSeq(segment, " ") {
			word, ok := modelTerms[part]
			if !ok {
				word = term{part, part}
			}
			if word.zh != "" {
				zh, en = append(zh, word.zh), append(en, word.en)
			}
		}
	}
	return term{strings.Join(zh, " "), strings.Join(en, " ")}
}
