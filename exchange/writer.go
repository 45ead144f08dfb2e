package exchange

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"healthcode/registry"
)

// NDJSONWriter writes one JSON object a line: fields in the order of the type, no HTML escaping. The same values give the same bytes.
type NDJSONWriter struct {
	out     *bufio.Writer
	encoder *json.Encoder
}

// NewNDJSONWriter writes to w. Flush at the end.
func NewNDJSONWriter(w io.Writer) *NDJSONWriter {
	out := bufio.NewWriterSize(w, 64<<10)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return &NDJSONWriter{out: out, encoder: encoder}
}

// Write writes one value.
func (w *NDJSONWriter) Write(value any) error {
	if err := w.encoder.Encode(value); err != nil {
		return fmt.Errorf("write NDJSON: %w", err)
	}
	return nil
}

// Flush writes what is still held back.
func (w *NDJSONWriter) Flush() error {
	if err := w.out.Flush(); err != nil {
		return fmt.Errorf("write NDJSON: %w", err)
	}
	return nil
}

// CSVWriter writes values of one type as CSV in UTF-8 with byte order mark, cells neutralised: see Neutralise. Open and a
// Decoder read the same values back.
type CSVWriter[T any] struct {
	out  *bufio.Writer
	csv  *csv.Writer
	line func(value *T) []string
}

// NewEnterpriseCSV writes the header of enterprises to w.
func NewEnterpriseCSV(w io.Writer) (*CSVWriter[registry.Enterprise], error) {
	return newCSVWriter(w, enterpriseColumns, enterpriseDraftOf)
}

// NewProductCSV writes the header of products to w.
func NewProductCSV(w io.Writer) (*CSVWriter[registry.Product], error) {
	return newCSVWriter(w, productColumns, func(p *registry.Product) *registry.Product { return p })
}

// NewRegionCSV writes the header of regions to w.
func NewRegionCSV(w io.Writer) (*CSVWriter[registry.Region], error) {
	return newCSVWriter(w, regionColumns, func(r *registry.Region) *registry.Region { return r })
}

// NewRecordCSV writes the header of records to w.
func NewRecordCSV(w io.Writer) (*CSVWriter[registry.Record], error) {
	return newCSVWriter(w, recordColumns, recordDraftOf)
}

func newCSVWriter[D, T any](w io.Writer, set *columnSet[D], draftOf func(*T) *D) (*CSVWriter[T], error) {
	var columns []column[D]
	var header []string
	for _, c := range set.columns {
		if c.get != nil {
			columns, header = append(columns, c), append(header, c.name)
		}
	}
	out := bufio.NewWriterSize(w, 64<<10)
	c := &CSVWriter[T]{out: out, csv: csv.NewWriter(out)}
	c.line = func(value *T) []string {
		draft := draftOf(value)
		line := make([]string, len(columns))
		for i := range columns {
			line[i] = Neutralise(columns[i].get(draft))
		}
		return line
	}
	if _, err := out.WriteString(byteOrderMark); err != nil {
		return nil, fmt.Errorf("write CSV: %w", err)
	}
	if err := c.csv.Write(header); err != nil {
		return nil, fmt.Errorf("write CSV: %w", err)
	}
	return c, nil
}

// Write writes one value.
func (w *CSVWriter[T]) Write(value *T) error {
	if err := w.csv.Write(w.line(value)); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

// Flush writes what is still held back.
func (w *CSVWriter[T]) Flush() error {
	w.csv.Flush()
	if err := errors.Join(w.csv.Error(), w.out.Flush()); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}
