package exchange

import (
	"errors"

	"healthcode/registry"
)

// Bounds of what is read. They hold for every format.
const (
	MaxCell   = 64 << 10 // bytes in one cell
	MaxRow    = 1 << 20  // bytes in one row, and in one line of NDJSON
	maxHeader = 64 << 10 // bytes in the header line of a CSV file
	maxColumn = 2000     // columns of a table
)

// Format is the format of a file.
type Format string

// The formats.
const (
	FormatCSV    Format = "csv"
	FormatXLSX   Format = "xlsx"
	FormatNDJSON Format = "ndjson"
)

// Reasons why a whole file is refused. The error that wraps one of them says more.
var (
	ErrEmptyFile = errors.New("the file is empty")
	ErrFormat    = errors.New("the file is of another format")
	ErrEncoding  = errors.New("the text encoding is not known")
	ErrHeader    = errors.New("the header line is not usable")
	ErrDelimiter = errors.New("the delimiter is not clear")
	ErrBroken    = errors.New("the file is damaged")
	ErrTooLarge  = errors.New("the file is too large")
)

// Row is one row of a file as it stands there. A Reader fills it anew for each row.
type Row struct {
	Number   int               // the file's own: the line (the header is line 1), or the row of the sheet
	Origin   int               // the number in the first file, when this is a file of refused rows; otherwise Number
	Cells    []string          // one per column of the Reader; nil in a row of JSON
	JSON     []byte            // the JSON text of a row of NDJSON; valid until the next row
	Problems registry.Problems // why the row could not be read; empty for a good row
}

// original returns the cells as a file of refused rows keeps them.
func (r *Row) original() []string {
	if r.JSON != nil {
		return []string{string(r.JSON)}
	}
	return r.Cells
}

func (r *Row) refuse(field, problem, want string) {
	r.Problems = append(r.Problems, registry.Problem{Field: field, Problem: problem, Want: want})
}
