package exchange

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"github.com/xuri/excelize/v2"
)

// keepInMemory is the size from which excelize unpacks a part to a temporary file.
const keepInMemory = 1 << 20

// xlsxRows reads the rows of one sheet as a stream.
type xlsxRows struct {
	book   *excelize.File
	rows   *excelize.Rows
	table  table
	number int // of the row read last
	last   int // of the sheet's last row
	size   int64
	done   *atomic.Int64
}

// workbookFile is an XLSX file: its bytes, and a way to open it with the library that does not copy them all into memory.
type workbookFile struct {
	in   io.ReaderAt
	size int64
	open func(excelize.Options) (*excelize.File, error)
}

func workbookOnDisk(file *os.File, size int64) workbookFile {
	return workbookFile{in: file, size: size, open: func(o excelize.Options) (*excelize.File, error) { return excelize.OpenFile(file.Name(), o) }}
}

// newXLSXRows opens a sheet and reads its header, the first row with a value. done is kept at the share of rows read, in bytes.
func newXLSXRows(file workbookFile, sheet string, done *atomic.Int64) (x *xlsxRows, err error) {
	defer asBroken(&err)
	shape, err := inspectXLSX(file.in, file.size)
	if err != nil {
		return nil, err
	}
	if sheet, err = chooseSheet(shape, sheet); err != nil {
		return nil, err
	}
	book, err := file.open(excelize.Options{UnzipSizeLimit: maxUnzipped, UnzipXMLSizeLimit: keepInMemory})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	x = &xlsxRows{book: book, last: shape.lastRow[shape.paths[sheet]], size: file.size, done: done}
	if err := x.start(sheet); err != nil {
		return nil, errors.Join(err, x.close())
	}
	return x, nil
}

// asBroken turns a panic of the XLSX library on a malformed file into an error: a file from outside must not stop the program.
func asBroken(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: the XLSX parts do not fit together", ErrBroken)
	}
}

func chooseSheet(shape *workbookShape, wanted string) (string, error) {
	if len(shape.sheets) == 0 {
		return "", fmt.Errorf("%w: the workbook has no sheet", ErrBroken)
	}
	if wanted == "" {
		return shape.sheets[0], nil
	}
	for _, name := range shape.sheets {
		if name == wanted {
			return name, nil
		}
	}
	return "", fmt.Errorf("%w: there is no sheet %q; the sheets are %q", ErrHeader, wanted, shape.sheets)
}

func (x *xlsxRows) start(sheet string) (err error) {
	defer asBroken(&err)
	if err := x.plainFormats(); err != nil {
		return err
	}
	rows, err := x.book.Rows(sheet)
	if err != nil {
		return fmt.Errorf("%w: sheet %q: %w", ErrBroken, sheet, err)
	}
	x.rows = rows
	for {
		header, err := x.cells()
		if errors.Is(err, io.EOF) {
			return ErrEmptyFile
		}
		if err != nil {
			return err
		}
		if !blank(header) {
			x.table, err = newTable(header)
			return err
		}
	}
}

// plainFormats changes, in memory, how cells are shown: days as YYYY-MM-DD, whatever the sheet's author chose, and numbers with
// every digit that is stored. excelize applies formats while it streams, so this costs nothing per row.
func (x *xlsxRows) plainFormats() error {
	if x.book.Styles == nil || x.book.Styles.CellXfs == nil {
		return nil // no cell has a format
	}
	pattern, raw := "yyyy-mm-dd", -1
	day, err := x.book.NewStyle(&excelize.Style{CustomNumFmt: &pattern})
	if err != nil {
		return fmt.Errorf("%w: styles: %w", ErrBroken, err)
	}
	styles := x.book.Styles.CellXfs.Xf
	dayFormat := styles[day].NumFmtID
	for i := range styles {
		if i == day {
			continue
		}
		style, err := x.book.GetStyle(i)
		if err != nil {
			return fmt.Errorf("%w: styles: %w", ErrBroken, err)
		}
		if showsDay(styles[i].NumFmtID, style.CustomNumFmt) {
			styles[i].NumFmtID = dayFormat
		} else {
			styles[i].NumFmtID = &raw
		}
	}
	return nil
}

// showsDay reports whether a cell style shows a day: one of the built-in formats of ECMA-376 §18.8.30, the East Asian ones
// included, or a format of the author's own with a year or a day in it.
func showsDay(builtIn *int, custom *string) bool {
	if custom != nil {
		return strings.ContainsAny(strings.ToLower(bareFormat(*custom)), "yd")
	}
	if builtIn == nil {
		return false
	}
	n := *builtIn
	return n >= 14 && n <= 17 || n == 22 || n >= 27 && n <= 31 || n == 36 || n >= 50 && n <= 54 || n == 57 || n == 58
}

// bareFormat drops what a number format quotes, brackets or escapes.
func bareFormat(format string) string {
	var b strings.Builder
	skipTo := byte(0)
	for i := 0; i < len(format); i++ {
		c := format[i]
		switch {
		case skipTo != 0:
			if c == skipTo {
				skipTo = 0
			}
		case c == '"':
			skipTo = '"'
		case c == '[':
			skipTo = ']'
		case c == '\\' || c == '_' || c == '*':
			i++
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// cells returns the values of the next row. A sheet that ends before the last row that was counted is damaged.
func (x *xlsxRows) cells() (values []string, err error) {
	defer asBroken(&err)
	if !x.rows.Next() {
		if err := x.rows.Error(); err != nil {
			return nil, fmt.Errorf("%w: after row %d: %w", ErrBroken, x.number, err)
		}
		if x.number < x.last {
			return nil, fmt.Errorf("%w: the sheet breaks off after row %d of %d", ErrBroken, x.number, x.last)
		}
		return nil, io.EOF
	}
	x.number++
	if x.last > 0 {
		x.done.Store(int64(float64(x.size) * float64(min(x.number, x.last)) / float64(x.last)))
	}
	values, err = x.rows.Columns()
	if err != nil {
		return nil, fmt.Errorf("%w: row %d: %w", ErrBroken, x.number, err)
	}
	return values, nil
}

// next implements rowSource.
func (x *xlsxRows) next(row *Row) error {
	for {
		values, err := x.cells()
		if err != nil {
			return err
		}
		row.Number = x.number
		if blank(values) {
			continue
		}
		if x.table.fill(row, values, false) {
			return nil
		}
	}
}

func (x *xlsxRows) columns() []string { return x.table.columns }

func (x *xlsxRows) close() error {
	var err error
	if x.rows != nil {
		err = x.rows.Close()
	}
	return errors.Join(err, x.book.Close())
}
