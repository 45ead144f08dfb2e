package exchange

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// ReadOptions say how a file is read. The zero value finds everything out by itself.
type ReadOptions struct {
	Format    Format // empty: told by the file's first bytes, and by the ending .ndjson or .jsonl
	Delimiter string // of a CSV file: "," ";" "|" or a tab; empty: told by the header line
	Sheet     string // of an XLSX file: its name; empty: the first one
}

// rowSource is what a format gives. next fills a cleared row, or returns io.EOF.
type rowSource interface {
	next(row *Row) error
	columns() []string
	close() error
}

// Reader reads the rows of one file in order. Only Progress may be called from another goroutine.
type Reader struct {
	rows   rowSource
	format Format
	file   *os.File
	total  int64
	read   atomic.Int64
	row    Row
}

// Open opens a file of rows. The caller closes the Reader. The errors of this package's sentinels say why a file is refused as a
// whole; they come before any row.
func Open(path string, o ReadOptions) (*Reader, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the file: %w", err)
	}
	r, err := newReader(file, o)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", path, err), file.Close())
	}
	return r, nil
}

// ReadNDJSON reads rows of NDJSON that do not come from a file. The errors are ErrEmptyFile and ErrEncoding.
func ReadNDJSON(in io.Reader) (*Reader, error) {
	rows, err := newNDJSONRows(in)
	if err != nil {
		return nil, err
	}
	return &Reader{rows: rows, format: FormatNDJSON}, nil
}

func newReader(file *os.File, o ReadOptions) (*Reader, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("look at the file: %w", err)
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%w: it is a folder: %w", ErrFormat, fs.ErrInvalid)
	}
	r := &Reader{file: file, total: info.Size()}
	counted := bufio.NewReaderSize(&countingReader{from: file, n: &r.read}, detectionWindow)
	if r.format, err = sniff(counted, wantedFormat(file.Name(), o.Format)); err != nil {
		return nil, err
	}
	if r.rows, err = r.open(counted, o); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Reader) open(in io.Reader, o ReadOptions) (rowSource, error) {
	switch r.format {
	case FormatXLSX:
		r.read.Store(0) // its parts are read in another order: progress counts rows
		return newXLSXRows(workbookOnDisk(r.file, r.total), o.Sheet, &r.read)
	case FormatNDJSON:
		return newNDJSONRows(in)
	default:
		delimiter, err := parseDelimiter(o.Delimiter)
		if err != nil {
			return nil, err
		}
		return newCSVRows(in, delimiter)
	}
}

func parseDelimiter(text string) (byte, error) {
	switch {
	case text == "":
		return 0, nil
	case text == "tab" || text == `\t`:
		return '\t', nil
	case len(text) == 1 && strings.Contains(delimiters, text):
		return text[0], nil
	}
	return 0, fmt.Errorf("%w: %.10q is none; use a comma, semicolon, pipe or tab", ErrDelimiter, text)
}

func wantedFormat(name string, said Format) Format {
	if ending := strings.ToLower(filepath.Ext(name)); said == "" && (ending == ".ndjson" || ending == ".jsonl") {
		return FormatNDJSON
	}
	return said
}

// sniff tells the format by the first bytes. wanted, when given, must agree as far as they can tell.
func sniff(in *bufio.Reader, wanted Format) (Format, error) {
	head, err := in.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the file: %w", err)
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF")))
	found := FormatCSV
	switch {
	case len(head) == 0:
		return "", ErrEmptyFile
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		found = FormatXLSX
	case bytes.HasPrefix(head, []byte("\xD0\xCF\x11\xE0")):
		return "", fmt.Errorf("%w: an old Excel file (.xls) or one with a password; save it as .xlsx without password", ErrFormat)
	case bytes.HasPrefix(text, []byte("{")):
		found = FormatNDJSON
	case bytes.HasPrefix(text, []byte("[{")) && wanted != FormatCSV:
		return "", fmt.Errorf("%w: a JSON array; put each object on its own line", ErrFormat)
	}
	if wanted == "" || wanted == found {
		return found, nil
	}
	if wanted == FormatCSV && found == FormatNDJSON || wanted == FormatNDJSON && found == FormatCSV {
		return wanted, nil // a heading may begin with a brace, and the first line of NDJSON may be spoilt
	}
	return "", fmt.Errorf("%w: it was said to be %s but looks like %s", ErrFormat, wanted, found)
}

// Next returns the next row, or io.EOF after the last one. A row that could not be read carries its Problems and reading goes
// on; any other error ends the file, and the rows before it stand. The row is valid until the next call.
func (r *Reader) Next() (*Row, error) {
	r.row = Row{Cells: r.row.Cells[:0]}
	if err := r.rows.next(&r.row); err != nil {
		return nil, err
	}
	return &r.row, nil
}

// Columns returns the names of the columns; for NDJSON the one name "json".
func (r *Reader) Columns() []string { return r.rows.columns() }

// Format returns the format that was found.
func (r *Reader) Format() Format { return r.format }

// Encoding returns the text encoding found so far, such as "UTF-8" or "GB18030". A file that is plain ASCII up to here says so.
func (r *Reader) Encoding() string {
	if c, ok := r.rows.(*csvRows); ok {
		return c.text.encoding
	}
	return encodingUTF8
}

// Delimiter returns the delimiter of a CSV file as text, or nothing.
func (r *Reader) Delimiter() string {
	if c, ok := r.rows.(*csvRows); ok {
		return string(rune(c.split.delim))
	}
	return ""
}

// Progress returns how many bytes of the file are read, and how many there are. For XLSX it is the share of rows, in bytes.
func (r *Reader) Progress() (done, total int64) { return min(r.read.Load(), r.total), r.total }

// Close closes the file and removes what was unpacked for it.
func (r *Reader) Close() error {
	if r.file == nil {
		return r.rows.close()
	}
	return errors.Join(r.rows.close(), r.file.Close())
}

type countingReader struct {
	from io.Reader
	n    *atomic.Int64
}

// Read implements io.Reader.
func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n.Add(int64(n))
	return n, err
}
