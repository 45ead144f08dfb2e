package exchange

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"healthcode/registry"
)

// DecodeOptions say how rows become values.
type DecodeOptions struct {
	Today     registry.Day // bounds the dates; required
	Mapping   *Mapping     // for files with foreign columns; nil: the columns are ours
	Source    string       // of records that name none
	PersonKey []byte       // hides the names of persons in records; at least MinPersonKey bytes
}

// ErrToday is the reason for refusing to decode without knowing which day it is.
var ErrToday = errors.New("decoding needs today's date")

// Decoder turns rows into values of one type. It is for one file: its columns are resolved once.
type Decoder[T any] struct {
	fill     func(row *Row) (value *T, problems registry.Problems, skip bool)
	settle   func(value *T)
	validate func(value *T) registry.Problems
}

// Decode returns the value of a row, checked by its own validation, or everything that is wrong with the row. Both are nil
// when the mapping skips the row.
func (d *Decoder[T]) Decode(row *Row) (*T, registry.Problems) {
	if len(row.Problems) > 0 {
		return nil, row.Problems
	}
	var value *T
	var problems registry.Problems
	if row.JSON != nil {
		value, problems = fromJSON[T](row.JSON)
	} else {
		var skip bool
		if value, problems, skip = d.fill(row); skip {
			return nil, nil
		}
	}
	if value == nil {
		return nil, problems
	}
	d.settle(value)
	problems = addNew(problems, d.validate(value))
	if len(problems) > 0 {
		return nil, problems
	}
	return value, nil
}

// addNew adds the problems of fields that have none yet: a date that cannot be read is not missing as well.
func addNew(problems, more registry.Problems) registry.Problems {
	if len(more) == 0 {
		return problems
	}
	named := map[string]bool{}
	for _, p := range problems {
		named[p.Field] = true
	}
	for _, p := range more {
		_, last, _ := strings.Cut(p.Field, ".")
		if !named[p.Field] && !named[last] && !slices.Contains(problems, p) {
			problems = append(problems, p)
		}
	}
	return problems
}

// NewEnterpriseDecoder resolves the columns of a file of enterprises. The error is a *ColumnError when columns are unknown.
func NewEnterpriseDecoder(columns []string, o DecodeOptions) (*Decoder[registry.Enterprise], error) {
	return newDecoder(enterpriseColumns, columns, o, (*enterpriseDraft).finish, hooks[registry.Enterprise]{
		validate: func(e *registry.Enterprise) registry.Problems { return validateEnterprise(e, o.Today) }})
}

// NewProductDecoder resolves the columns of a file of products. The error is a *ColumnError when columns are unknown.
func NewProductDecoder(columns []string, o DecodeOptions) (*Decoder[registry.Product], error) {
	return newDecoder(productColumns, columns, o, asItIs[registry.Product], hooks[registry.Product]{
		validate: func(p *registry.Product) registry.Problems { return p.Validate(o.Today) }})
}

// NewRegionDecoder resolves the columns of a file of regions. The error is a *ColumnError when columns are unknown.
func NewRegionDecoder(columns []string, o DecodeOptions) (*Decoder[registry.Region], error) {
	return newDecoder(regionColumns, columns, o, asItIs[registry.Region], hooks[registry.Region]{
		validate: func(r *registry.Region) registry.Problems { return r.Validate() }})
}

// NewRecordDecoder resolves the columns of a file of records. The error is a *ColumnError when columns are unknown, and
// ErrPersonKey when names of persons could not be hidden.
func NewRecordDecoder(columns []string, o DecodeOptions) (*Decoder[registry.Record], error) {
	if len(o.PersonKey) < MinPersonKey {
		return nil, ErrPersonKey
	}
	hide := newPersonHider(o.PersonKey)
	return newDecoder(recordColumns, columns, o, (*recordDraft).finish, hooks[registry.Record]{
		settle:   func(r *registry.Record) { settleRecord(r, o, hide) },
		validate: func(r *registry.Record) registry.Problems { return r.Validate(o.Today) }})
}

// NewJSONRecordDecoder decodes rows of JSON. It may be used by several goroutines at once. The error is ErrToday or ErrPersonKey.
func NewJSONRecordDecoder(o DecodeOptions) (*Decoder[registry.Record], error) {
	return NewRecordDecoder([]string{jsonColumn}, o)
}

// settleRecord hides names and fills what a row may leave out.
func settleRecord(r *registry.Record, o DecodeOptions, hide *personHider) {
	hide.record(r)
	if r.State == "" {
		r.State = registry.StateFinal
	}
	if r.Source == "" {
		r.Source = o.Source
	}
}

// hooks are the steps after a value is filled.
type hooks[T any] struct {
	settle   func(*T)
	validate func(*T) registry.Problems
}

func asItIs[T any](value *T) (*T, registry.Problems) { return value, nil }

// newDecoder resolves columns: JSON rows need none, a mapping brings its own, else the header's names must be known.
func newDecoder[D, T any](set *columnSet[D], columns []string, o DecodeOptions, finish func(*D) (*T, registry.Problems), h hooks[T]) (*Decoder[T], error) {
	if o.Today == 0 {
		return nil, ErrToday
	}
	cells, err := cellsOf(set, columns, o.Mapping)
	if err != nil {
		return nil, err
	}
	d := &Decoder[T]{settle: h.settle, validate: h.validate}
	if d.settle == nil {
		d.settle = func(*T) {}
	}
	d.fill = func(row *Row) (*T, registry.Problems, bool) {
		var draft D
		problems, skip := cells(row, func(column int, text string) registry.Problems { return set.put(&draft, column, text) })
		if skip {
			return nil, nil, true
		}
		value, more := finish(&draft)
		return value, append(problems, more...), false
	}
	return d, nil
}

// cellSource puts the texts of a row into our columns, by their place in the column set. skip leaves the row out.
type cellSource func(row *Row, put func(column int, text string) registry.Problems) (problems registry.Problems, skip bool)

func cellsOf[D any](set *columnSet[D], columns []string, m *Mapping) (cellSource, error) {
	isJSON := len(columns) == 1 && columns[0] == jsonColumn
	switch {
	case isJSON && m != nil:
		return nil, fmt.Errorf("%w: a mapping is for CSV and XLSX; NDJSON has our own fields", ErrMapping)
	case isJSON:
		return noCells, nil
	case m != nil:
		return mappedCells(set, columns, m)
	}
	at, err := set.resolve(columns)
	if err != nil {
		return nil, err
	}
	return plainCells(at), nil
}

// noCells is for files whose rows are JSON: a row without JSON has nothing.
func noCells(*Row, func(int, string) registry.Problems) (registry.Problems, bool) {
	return registry.Problems{{Problem: "is empty", Want: "one JSON object"}}, false
}

func plainCells(at []int) cellSource {
	return func(row *Row, put func(int, string) registry.Problems) (registry.Problems, bool) {
		var problems registry.Problems
		for i, cell := range row.Cells {
			if i < len(at) && at[i] >= 0 {
				problems = append(problems, put(at[i], cell)...)
			}
		}
		return problems, false
	}
}
