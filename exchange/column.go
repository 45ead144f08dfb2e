package exchange

import (
	"encoding"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"healthcode/registry"
)

// listSeparator stands between the values of a cell that holds several.
const listSeparator = ";"

// fault says what is wrong with a value, and what would be right.
type fault struct{ problem, want string }

// column is one column of a table of Ds: its name and how its text is put into a D and taken from one.
type column[D any] struct {
	name string
	set  func(into *D, text string) *fault
	get  func(from *D) string // nil: the column is only read
}

// columnSet is all columns of one kind of file.
type columnSet[D any] struct {
	kind    string
	columns []column[D]
}

func (s *columnSet[D]) names() []string {
	names := make([]string, len(s.columns))
	for i, c := range s.columns {
		names[i] = c.name
	}
	return names
}

func (s *columnSet[D]) index(name string) int {
	if own, ok := headings[s.kind][name]; ok {
		name = own
	}
	return slices.IndexFunc(s.columns, func(c column[D]) bool { return c.name == name })
}

// put sets one column from a cell. An empty cell sets nothing.
func (s *columnSet[D]) put(into *D, i int, text string) registry.Problems {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	c := s.columns[i]
	if word, ok := words[c.name][text]; ok {
		text = word
	}
	if f := c.set(into, text); f != nil {
		return registry.Problems{{Field: c.name, Problem: f.problem, Want: f.want}}
	}
	return nil
}

// ColumnError refuses a file for its columns.
type ColumnError struct {
	Kind    string   // enterprises, products, regions or records
	Unknown []string // columns that are not known, or that a mapping asks for and the file lacks
	Known   []string // the columns there could be
	Mapped  bool     // Unknown are asked for by a mapping
}

// Error names the columns, for each the nearest that there is, and all there are.
func (e *ColumnError) Error() string {
	parts := make([]string, len(e.Unknown))
	for i, name := range e.Unknown {
		parts[i] = fmt.Sprintf("%q", name)
		if near := nearest(name, e.Known); near != "" {
			parts[i] += fmt.Sprintf(" (did you mean %q?)", near)
		}
	}
	what := "unknown column"
	if e.Mapped {
		what = "the mapping asks for a column that the file does not have:"
	}
	return fmt.Sprintf("%s: %s %s; the columns are %s", e.Kind, what, strings.Join(parts, ", "), strings.Join(e.Known, ", "))
}

// resolve finds the column of every heading. A heading without a name is left out.
func (s *columnSet[D]) resolve(header []string) ([]int, error) {
	at := make([]int, len(header))
	var unknown []string
	used := map[int]string{}
	for i, name := range header {
		at[i] = s.index(name)
		if at[i] < 0 && name != "" {
			unknown = append(unknown, name)
		}
		if before, twice := used[at[i]]; twice && at[i] >= 0 {
			return nil, fmt.Errorf("%w: %q and %q are the same column", ErrHeader, before, name)
		}
		used[at[i]] = name
	}
	if len(unknown) > 0 {
		return nil, &ColumnError{Kind: s.kind, Unknown: unknown, Known: s.names()}
	}
	return at, nil
}

// textColumn, dayColumn and the like build the columns of the usual types.
func textColumn[D any, S ~string](name string, of func(*D) *S) column[D] {
	return column[D]{name: name,
		set: func(into *D, text string) *fault { *of(into) = S(text); return nil },
		get: func(from *D) string { return string(*of(from)) }}
}

// codeColumn holds a unified social credit code; small letters and spaces around it are put right.
func codeColumn[D any](name string, of func(*D) *registry.USCC) column[D] {
	c := textColumn(name, of)
	c.set = func(into *D, text string) *fault {
		*of(into) = registry.USCC(text)
		if code, _ := registry.ParseUSCC(text); code != "" {
			*of(into) = code
		}
		return nil
	}
	return c
}

// level is one of the ordered words of package registry.
type level[S any] interface {
	*S
	encoding.TextUnmarshaler
	fmt.Stringer
}

func levelColumn[D any, S any, P level[S]](name string, of func(*D) P, want string) column[D] {
	return column[D]{name: name,
		set: func(into *D, text string) *fault {
			if err := of(into).UnmarshalText([]byte(text)); err != nil {
				return &fault{fmt.Sprintf("%.40q is not known", text), want}
			}
			return nil
		},
		get: func(from *D) string { return of(from).String() }}
}

// jsonColumnOf holds a list as JSON, strictly: unknown names in it are refused.
func jsonColumnOf[D any, E any](name string, of func(*D) *[]E) column[D] {
	return column[D]{name: name,
		set: func(into *D, text string) *fault {
			if err := strictJSON([]byte(text), of(into)); err != nil {
				*of(into) = nil
				return &fault{plainJSONError(err), "a JSON list as in the NDJSON form"}
			}
			return nil
		},
		get: func(from *D) string {
			if len(*of(from)) == 0 {
				return ""
			}
			return compactJSON(*of(from))
		}}
}

func dayColumn[D any](name string, of func(*D) *registry.Day) column[D] {
	return column[D]{name: name,
		set: func(into *D, text string) *fault { return setDay(of(into), text) },
		get: func(from *D) string { return of(from).String() }}
}

func setDay(into *registry.Day, text string) *fault {
	day, err := parseDay(text)
	if err != nil {
		return &fault{err.Error(), wantDay}
	}
	*into = day
	return nil
}

func listColumn[D any](name string, of func(*D) *[]string) column[D] {
	return column[D]{name: name,
		set: func(into *D, text string) *fault {
			if !strings.HasPrefix(text, "[") || strictJSON([]byte(text), of(into)) != nil {
				*of(into) = splitList(text)
			}
			return nil
		},
		get: func(from *D) string { return joinList(*of(from)) }}
}

// joinList writes a;b;c, or a JSON list when that would not be read back as it was.
func joinList(list []string) string {
	text := strings.Join(list, listSeparator)
	if strings.HasPrefix(text, "[") || !slices.Equal(splitList(text), list) {
		return compactJSON(list)
	}
	return text
}

// splitList reads a;b;c. The full-width semicolon and the enumeration comma separate as well.
func splitList(text string) []string {
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == '；' || r == '、' })
	var list []string
	for _, part := range parts {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

func setInt(into *int, text string, limit int) *fault {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > limit {
		return &fault{fmt.Sprintf("%.20q is not a count", text), fmt.Sprintf("a whole number from 0 to %d", limit)}
	}
	*into = n
	return nil
}

func setFloat(into *float64, text string) *fault {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return &fault{fmt.Sprintf("%.20q is not a number", text), "degrees such as 120.7551"}
	}
	*into = f
	return nil
}

func setBool(into *bool, text string) *fault {
	value, known := truth[text]
	if !known {
		return &fault{fmt.Sprintf("%.20q is neither yes nor no", text), "true or false"}
	}
	*into = value
	return nil
}
