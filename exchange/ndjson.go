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
type ndjsonRows struct{ split *splitter }

func newNDJSONRows(r io.Reader) (*ndjsonRows, error) {
	skipped, mark := utfbom.Skip(r)
	if mark != utfbom.Unknown && mark != utfbom.UTF8 {
		return nil, fmt.Errorf("%w: NDJSON is UTF-8, this is %s", ErrEncoding, mark)
	}
	in := bufio.NewReaderSize(skipped, detectionWindow)
	if _, err := in.Peek(1); errors.Is(err, io.EOF) {
		return nil, ErrEmptyFile
	}
	return &ndjsonRows{split: &splitter{in: in, end: '\n'}}, nil
}

// next implements rowSource.
func (n *ndjsonRows) next(row *Row) error {
	for {
		line, number, err := n.split.next()
		if err != nil && !errors.Is(err, errOversize) {
			row.Number, row.Origin = number, number
			return err
		}
		if fillLine(row, line, number, err != nil) {
			return nil
		}
	}
}

// fillLine makes a row of a line; false when the line is blank.
func fillLine(row *Row, line []byte, number int, oversize bool) bool {
	row.Number, row.Origin = number, number
	if oversize {
		lines := table{columns: []string{jsonColumn}}
		lines.unreadable(row, "", "the line is longer than 1 MiB", "at most 1 MiB in a line")
		return true
	}
	if line = bytes.TrimSpace(line); len(line) == 0 {
		return false
	}
	row.JSON = line
	if !utf8.Valid(line) {
		row.refuse("", "has bytes that are not UTF-8", "UTF-8 text")
	}
	return true
}

// SplitNDJSON cuts NDJSON that lies in memory into the rows that a Reader reads. They are parts of lines. The error is ErrEncoding.
func SplitNDJSON(lines []byte) ([]Row, error) {
	_, mark := utfbom.Skip(bytes.NewReader(lines))
	switch mark {
	case utfbom.Unknown:
	case utfbom.UTF8:
		lines = lines[3:]
	default:
		return nil, fmt.Errorf("%w: NDJSON is UTF-8, this is %s", ErrEncoding, mark)
	}
	rows := make([]Row, 0, bytes.Count(lines, []byte("\n"))+1)
	for number := 1; len(lines) > 0; number++ {
		end := bytes.IndexByte(lines, '\n') + 1
		if end == 0 {
			end = len(lines)
		}
		var row Row
		if fillLine(&row, lines[:end:end], number, end > MaxRow) {
			rows = append(rows, row)
		}
		lines = lines[end:]
	}
	return rows, nil
}

func (n *ndjsonRows) columns() []string { return []string{jsonColumn} }
func (n *ndjsonRows) close() error      { return nil }
