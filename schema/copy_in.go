package schema

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// copyBlock is how many bytes of rows go to the driver at once.
const copyBlock = 48 << 10

// copyLine appends the row at a place as a line of COPY's text format, without its end
// (https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS).
type copyLine func(dst []byte, at int) ([]byte, error)

// copier is the statement that the driver makes of COPY … FROM STDIN.
type copier interface {
	CopyData(ctx context.Context, lines string) (driver.Result, error)
	Exec(values []driver.Value) (driver.Result, error)
	Close() error
}

var errNoCopy = errors.New("the driver cannot copy")

// copyIn adds rows with COPY. It speaks to the driver itself: a call of database/sql for each row costs more than all else that we do for it.
// Safety: table and columns are constants of this package.
func (t *tx) copyIn(ctx context.Context, table, columns string, rows int, line copyLine) error {
	err := t.conn.Raw(func(connection any) (err error) {
		preparer, ok := connection.(driver.ConnPrepareContext)
		if !ok {
			return errNoCopy
		}
		statement, err := preparer.PrepareContext(ctx, "COPY "+table+" ("+columns+") FROM STDIN")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, statement.Close()) }()
		in, ok := statement.(copier)
		if !ok {
			return errNoCopy
		}
		if err := sendLines(ctx, in, rows, line); err != nil {
			return err
		}
		_, err = in.Exec(nil) // waits until all is stored
		return err
	})
	if err != nil {
		return fmt.Errorf("copy to %s: %w", table, err)
	}
	return nil
}

func sendLines(ctx context.Context, in copier, rows int, line copyLine) error {
	block := make([]byte, 0, copyBlock+copyBlock/4)
	for i := range rows {
		var err error
		if block, err = line(block, i); err != nil {
			return err
		}
		if i < rows-1 && len(block) < copyBlock {
			block = append(block, '\n')
			continue
		}
		if _, err := in.CopyData(ctx, string(block)); err != nil { // which adds the last end of a line
			return err
		}
		block = block[:0]
	}
	return nil
}

// valueLines makes lines of rows of values.
func valueLines(rows [][]any) copyLine {
	return func(dst []byte, at int) ([]byte, error) {
		for i, value := range rows[at] {
			if i > 0 {
				dst = append(dst, '\t')
			}
			var err error
			if dst, err = appendCopyValue(dst, value); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}
}

func appendCopyValue(dst []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case string:
		return appendCopyText(dst, v), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	}
	plain, err := driver.DefaultParameterConverter.ConvertValue(value)
	if err != nil {
		return dst, err
	}
	switch v := plain.(type) {
	case nil:
		return append(dst, `\N`...), nil
	case string:
		return appendCopyText(dst, v), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case []byte:
		return fmt.Appendf(dst, `\\x%x`, v), nil
	}
	return dst, fmt.Errorf("a value of type %T cannot be copied", value)
}

// appendCopyText appends a text with what COPY would take for something else behind backslashes.
func appendCopyText(dst []byte, text string) []byte {
	if needsEscapes(text) {
		return appendEscaped(dst, text)
	}
	return append(dst, text...)
}

// needsEscapes looks at each byte of a short text, and asks for each of the four in a long one, which the library does many bytes at a time.
func needsEscapes(text string) bool {
	if len(text) >= 64 {
		return strings.IndexByte(text, '\\') >= 0 || strings.IndexByte(text, '\n') >= 0 || strings.IndexByte(text, '\t') >= 0 || strings.IndexByte(text, '\r') >= 0
	}
	for i := range len(text) {
		if copyEscapes[text[i]] != 0 {
			return true
		}
	}
	return false
}

// copyEscapes holds the letter that stands behind the backslash for each byte that needs one.
var copyEscapes = [256]byte{'\\': '\\', '\n': 'n', '\r': 'r', '\t': 't'}

func appendEscaped(dst []byte, text string) []byte {
	for i := range len(text) {
		if letter := copyEscapes[text[i]]; letter != 0 {
			dst = append(dst, '\\', letter)
			continue
		}
		dst = append(dst, text[i])
	}
	return dst
}
