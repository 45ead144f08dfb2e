package exchange

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"healthcode/registry"
)

// ListingRow is one line of a list as open data. Its form is frozen: see docs/listings.md.
type ListingRow struct {
	USCC       registry.USCC `json:"uscc"`
	Name       string        `json:"name"`
	RegionCode string        `json:"region_code"`
	Region     string        `json:"region"`
	State      string        `json:"state"`
	Since      registry.Day  `json:"since"`
	Until      registry.Day  `json:"until"`       // empty: no term
	LegalBasis string        `json:"legal_basis"` // empty: none
	Commitment string        `json:"commitment"`  // empty: none
}

// ListingField describes one column of a list as open data.
type ListingField struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Zh   string `json:"zh-CN"`
	En   string `json:"en"`
}

// ListingFields describes the columns in their order.
var ListingFields = []ListingField{
	{"uscc", "string", "统一社会信用代码（GB 32100）", "unified social credit code (GB 32100)"},
	{"name", "string", "企业名称", "name of the enterprise"},
	{"region_code", "string", "区划代码（GB/T 2260）", "code of the division (GB/T 2260)"},
	{"region", "string", "区划名称", "name of the division"},
	{"state", "string", "状态：listed 在册，suspended 暂停", "listed, or suspended: on the list, and does not count for the time being"},
	{"since", "date", "处于该状态的起始日", "since when it is in this state"},
	{"until", "date", "期满日：该日起不再在册；无期限为空", "the first day after its term; empty: no term"},
	{"legal_basis", "string", "列入依据；无则为空", "legal basis of the entry; empty: none"},
	{"commitment", "string", "企业公开的质量承诺；无则为空", "quality commitment that the enterprise has made in public; empty: none"},
}

// ListingHead is what a list says of itself as open data.
type ListingHead struct {
	List        string         `json:"list"`
	TitleZh     string         `json:"title_zh_cn"`
	TitleEn     string         `json:"title_en"`
	Licence     string         `json:"licence"`
	LicenceURL  string         `json:"licence_url"`
	Attribution string         `json:"attribution,omitempty"`
	AsOf        registry.Day   `json:"as_of"`
	Fields      []ListingField `json:"fields"`
}

// ListingWriter writes a list as open data, a row at a time. Flush at the end.
type ListingWriter struct {
	out   *bufio.Writer
	write func(*ListingRow) error
	end   func() error
}

// Write writes a row.
func (w *ListingWriter) Write(r *ListingRow) error {
	if err := w.write(r); err != nil {
		return fmt.Errorf("write a list: %w", err)
	}
	return nil
}

// Flush writes the end of the document.
func (w *ListingWriter) Flush() error {
	if err := errors.Join(w.end(), w.out.Flush()); err != nil {
		return fmt.Errorf("write a list: %w", err)
	}
	return nil
}

// NewListingCSV writes CSV by RFC 4180 in UTF-8 with byte order mark and a line of names; cells are neutralised: see Neutralise.
func NewListingCSV(to io.Writer) (*ListingWriter, error) {
	out := bufio.NewWriterSize(to, 64<<10)
	lines := csv.NewWriter(out)
	lines.UseCRLF = true
	names := make([]string, len(ListingFields))
	for i, field := range ListingFields {
		names[i] = field.Name
	}
	_, err := out.WriteString(byteOrderMark)
	if err = errors.Join(err, lines.Write(names)); err != nil {
		return nil, fmt.Errorf("write a list: %w", err)
	}
	write := func(r *ListingRow) error {
		cells := []string{string(r.USCC), r.Name, r.RegionCode, r.Region, r.State, r.Since.String(), r.Until.String(), r.LegalBasis, r.Commitment}
		for i := range cells {
			cells[i] = Neutralise(cells[i])
		}
		return lines.Write(cells)
	}
	end := func() error {
		lines.Flush()
		return lines.Error()
	}
	return &ListingWriter{out, write, end}, nil
}

// NewListingJSON writes one JSON object: what the list says of itself, and its entries, one a line.
func NewListingJSON(to io.Writer, head ListingHead) (*ListingWriter, error) {
	out := bufio.NewWriterSize(to, 64<<10)
	text, err := plainJSON(head)
	if err != nil {
		return nil, fmt.Errorf("write a list: %w", err)
	}
	if _, err := out.Write(append(bytes.TrimSuffix(text, []byte("}")), `,"entries":[`...)); err != nil {
		return nil, fmt.Errorf("write a list: %w", err)
	}
	before := "\n"
	write := func(r *ListingRow) error {
		text, err := plainJSON(r)
		if err != nil {
			return err
		}
		_, err = out.WriteString(before + string(text))
		before = ",\n"
		return err
	}
	end := func() error {
		_, err := out.WriteString("\n]}\n")
		return err
	}
	return &ListingWriter{out, write, end}, nil
}

// plainJSON is JSON without HTML escapes and without a line's end.
func plainJSON(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
}
