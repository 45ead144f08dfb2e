package exchange

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/dimchansky/utfbom"
)

// ndjsonRows reads one JSON object a line. JSON is UTF-8 (RFC 8259), so no other encoding is looked for.
type ndjsonRows struct {
	split *splitter
	table table
}

func newNDJSONRows(r io.Reader) (*ndjsonRows, error) {
	skipped, mark := utfbom.Skip(r)
	if mark != utfbom.Unknown && mark != utfbom.UTF8 {
		return nil, fmt.Errorf("%w: NDJSON is UTF-8, this is %s", ErrEncoding, mark)
	}
	in := bufio.NewReaderSize(skipped, detectionWindow)
	if _, err := in.Peek(1); errors.Is(err, io.EOF) {
		return nil, ErrEmptyFile
	}
	return &ndjsonRows{split: &splitter{in: in, end: '\n'}, table: table{columns: []string{jsonColumn}}}, nil
}

// next implements rowSource.
func (n *ndjsonRows) next(row *Row) error {
	for {
		line, number, err := n.split.next()
		row.Number, row.Origin = number, number
		if errors.Is(err, errOversize) {
			n.table.unreadable(row, "", "the line is longer than 1 MiB", "at most 1 MiB in a line")
			return nil
		}
		if err != nil {
			return err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		row.JSON = line
		if !utf8.Valid(line) {
			row.refuse("", "has bytes that are not UTF-8", "UTF-8 text")
		}
		return nil
	}
}

func (n *ndjsonRows) columns() []string { return n.table.columns }
func (n *ndjsonRows) close() error      { return nil }
