package exchange

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// csvRows reads the rows of a CSV file.
type csvRows struct {
	text  *textReader
	split *splitter
	feed  bytes.Reader // holds one record at a time for parse
	parse *csv.Reader
	table table
}

// newCSVRows reads the header. delimiter 0 means: find out.
func newCSVRows(r io.Reader, delimiter byte) (*csvRows, error) {
	text, err := newTextReader(r)
	if err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(text, detectionWindow)
	end, err := lineEnd(in)
	if err != nil {
		return nil, err
	}
	c := &csvRows{text: text, split: &splitter{in: in, end: end, delim: delimiter, quoting: true}}
	header, err := c.header()
	if err != nil {
		return nil, err
	}
	c.parse = csv.NewReader(&c.feed)
	c.parse.Comma, c.parse.FieldsPerRecord, c.parse.ReuseRecord = rune(c.split.delim), -1, true
	names, err := c.fields(header)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHeader, err)
	}
	for i := range names {
		names[i] = Restore(names[i])
	}
	c.table, err = newTable(names)
	return c, err
}

// lineEnd says how lines end: \r when the beginning of the file has it and no \n.
func lineEnd(in *bufio.Reader) (byte, error) {
	seen, err := in.Peek(detectionWindow)
	if len(seen) == 0 && errors.Is(err, io.EOF) {
		return 0, ErrEmptyFile
	}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return 0, fmt.Errorf("read text: %w", err)
	}
	if bytes.IndexByte(seen, '\n') < 0 && bytes.IndexByte(seen, '\r') >= 0 {
		return '\r', nil
	}
	return '\n', nil
}

// header returns the first line that is not empty. Excel's hint "sep=;" before it names the delimiter.
func (c *csvRows) header() ([]byte, error) {
	for {
		record, line, err := c.split.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil, ErrEmptyFile
		case err != nil:
			return nil, fmt.Errorf("%w: line %d: %w", ErrHeader, line, err)
		case bytes.IndexByte(record, 0) >= 0:
			return nil, fmt.Errorf("%w: the first line has NUL bytes; save the file as CSV in UTF-8", ErrFormat)
		case len(record) > maxHeader:
			return nil, fmt.Errorf("%w: line %d is longer than 64 KiB", ErrHeader, line)
		}
		text := strings.TrimRight(string(record), "\r\n")
		if hint, ok := strings.CutPrefix(text, "sep="); ok && len(hint) == 1 && strings.Contains(delimiters, hint) {
			c.split.delim = hint[0]
			continue
		}
		if strings.TrimSpace(text) != "" {
			return record, c.settleDelimiter(text)
		}
	}
}

func (c *csvRows) settleDelimiter(header string) error {
	if c.split.delim != 0 {
		return nil
	}
	delimiter, err := detectDelimiter(header)
	c.split.delim = delimiter
	return err
}

// fields splits one record. The parser sees nothing but this record: its reader ends after it.
func (c *csvRows) fields(record []byte) ([]string, error) {
	if c.split.end == '\r' {
		record = bytes.ReplaceAll(record, []byte{'\r'}, []byte{'\n'})
	}
	c.feed.Reset(record)
	before := c.parse.InputOffset()
	fields, err := c.parse.Read()
	if err == nil && c.parse.InputOffset()-before != int64(len(record)) {
		err = csv.ErrQuote // the splitter and the parser see different rows
	}
	if err != nil {
		for drained := err; !errors.Is(drained, io.EOF); { // what the parser still holds of this record
			_, drained = c.parse.Read()
		}
		return nil, quoteError(err)
	}
	return fields, nil
}

// quoteError drops encoding/csv's own line number, which counts from the record.
func quoteError(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return parse.Err
	}
	return err
}

// next implements rowSource.
func (c *csvRows) next(row *Row) error {
	for {
		record, line, err := c.split.next()
		if err == nil && len(bytes.TrimRight(record, "\r\n")) == 0 {
			continue
		}
		row.Number = line
		switch {
		case errors.Is(err, errOversize):
			c.table.unreadable(row, "", err.Error(), "at most 1 MiB in a row and 64 KiB in a cell")
			return nil
		case errors.Is(err, errUnclosed) && !errors.Is(err, ErrBroken):
			c.table.unreadable(row, string(record), err.Error(), `a closing ", and "" for a quote inside quotes`)
			return nil
		case err != nil:
			return err
		}
		if c.row(row, record) {
			return nil
		}
	}
}

// row fills the row and reports whether it is one: a line without any value is none.
func (c *csvRows) row(row *Row, record []byte) bool {
	fields, err := c.fields(record)
	if err != nil {
		c.table.unreadable(row, string(record), "the quotes are wrong: "+err.Error(), `quotes around the whole value, and "" for a quote inside`)
		return true
	}
	for i := range fields {
		fields[i] = Restore(fields[i])
	}
	if !c.table.fill(row, fields, true) {
		return false
	}
	c.checkText(row, record)
	return true
}

// checkText refuses a row whose text did not survive decoding.
func (c *csvRows) checkText(row *Row, record []byte) {
	switch {
	case !utf8.Valid(record):
		row.refuse("", "has bytes that are not "+c.text.encoding, "the whole file in one encoding, best UTF-8")
	case bytes.ContainsRune(record, utf8.RuneError):
		row.refuse("", "has characters that were lost in conversion", "the right characters")
	case bytes.IndexByte(record, 0) >= 0:
		row.refuse("", "has a NUL byte", "plain text")
	}
}

func (c *csvRows) columns() []string { return c.table.columns }
func (c *csvRows) close() error      { return nil }
