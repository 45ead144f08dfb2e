package exchange

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
)

// MaxMapping is the largest mapping file, in bytes.
const MaxMapping = 256 << 10

// ErrMapping is the reason why a mapping file is refused; the error that wraps it names the line.
var ErrMapping = errors.New("the mapping is not usable")

// Mapping says how the columns and values of foreign files become ours. One mapping may have a section for each kind of thing, so
// that enterprises and records can come from the same rows. docs/examples/README.md describes the language.
type Mapping struct {
	sections map[string]*section
}

// section is the part of a mapping for one kind of thing.
type section struct {
	skip   []condition
	fields []fieldRules
}

// fieldRules are the rules of one of our columns: the first whose condition holds gives the value.
type fieldRules struct {
	name  string
	line  int
	rules []rule
}

// rule gives a value: exactly one source, then date or values, then the fallback.
type rule struct {
	line     int
	when     condition
	columns  []string // the first that is not empty
	constant *string
	template []templatePart
	sum      []string // whole numbers added up
	id       string   // the column of a foreign id, for an invented code
	region   string
	values   map[string]string
	date     string // a layout of package time
	fallback *string
}

// condition holds when each column has one of its values. The empty condition always holds.
type condition []columnTest

type columnTest struct {
	column string
	anyOf  []string
}

// templatePart is a text, then the value of a column or the number of the row.
type templatePart struct {
	text   string
	column string
	line   bool
}

// ReadMapping reads a mapping file.
func ReadMapping(path string) (*Mapping, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the mapping: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(file, MaxMapping+1))
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("read the mapping: %w", err)
	}
	return ParseMapping(data)
}

// Kinds lists what the mapping can produce: enterprises, products, records, regions.
func (m *Mapping) Kinds() []string {
	kinds := make([]string, 0, len(m.sections))
	for kind := range m.sections {
		kinds = append(kinds, kind)
	}
	sort.Strings(kinds)
	return kinds
}
