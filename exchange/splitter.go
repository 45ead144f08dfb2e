package exchange

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// splitter cuts a text into records without ever holding more than MaxRow bytes of one. encoding/csv reads a record whole,
// however long; the splitter stands before it. With quoting off a record is a line.
type splitter struct {
	in      *bufio.Reader
	end     byte // the byte that ends a line: \n, or \r in files of old machines
	delim   byte // 0: any delimiter, for the header
	quoting bool
	line    int // lines read so far
	rescans int
	buf     []byte
}

// Reasons why a record cannot be given whole.
var (
	errOversize = errors.New("the row is longer than 1 MiB")
	errUnclosed = errors.New("a quote is opened and never closed")
)

// maxRescans bounds the work on a file full of quotes that never close.
const maxRescans = 100

// The places of a byte in a record.
const (
	atFieldStart = iota
	inBareField
	inQuotes
	afterQuote
)

// next returns the next record with its line ends, and the line on which it begins. The bytes are valid until the next call.
// After errOversize and errUnclosed reading goes on with the following record; io.EOF and other errors are final.
func (s *splitter) next() (record []byte, line int, err error) {
	s.buf = s.buf[:0]
	first := s.line + 1
	state, oversize := atFieldStart, false
	for {
		part, err := s.in.ReadSlice(s.end)
		if !oversize {
			s.buf = append(s.buf, part...)
			oversize = len(s.buf) > MaxRow
		}
		state = s.scan(part, state)
		if bytes.HasSuffix(part, []byte{s.end}) {
			s.line++
		}
		switch {
		case errors.Is(err, io.EOF):
			return s.last(first, state, oversize)
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return nil, first, fmt.Errorf("read line %d: %w", s.line+1, err)
		case err == nil && state != inQuotes:
			return s.whole(first, oversize)
		}
	}
}

func (s *splitter) whole(first int, oversize bool) ([]byte, int, error) {
	if oversize {
		return nil, first, errOversize
	}
	return s.buf, first, nil
}

// last ends the text. Behind a quote that never closes the rest of the text was taken for one field: what is still at hand is
// read again from the following line on.
func (s *splitter) last(first, state int, oversize bool) ([]byte, int, error) {
	if len(s.buf) == 0 {
		return nil, first, io.EOF
	}
	if state != inQuotes {
		return s.whole(first, oversize)
	}
	cut := bytes.IndexByte(s.buf, s.end) + 1
	s.rescans++
	if oversize || s.rescans > maxRescans {
		return nil, first, fmt.Errorf("%w: line %d: %w; nothing after this line was read", ErrBroken, first, errUnclosed)
	}
	if cut == 0 {
		return s.buf, first, errUnclosed
	}
	rest := bytes.Clone(s.buf[cut:])
	s.in = bufio.NewReader(bytes.NewReader(rest))
	s.line = first
	return s.buf[:cut], first, errUnclosed
}

// scan follows the quotes through a part of a record.
func (s *splitter) scan(part []byte, state int) int {
	if !s.quoting {
		return inBareField
	}
	for _, b := range part {
		switch {
		case state == inQuotes && b == '"':
			state = afterQuote
		case state == inQuotes:
		case b == '"' && (state == atFieldStart || state == afterQuote):
			state = inQuotes
		case s.separates(b):
			state = atFieldStart
		case b != '\r':
			state = inBareField
		}
	}
	return state
}

func (s *splitter) separates(b byte) bool {
	if s.delim != 0 {
		return b == s.delim || b == s.end
	}
	return b == s.end || bytes.IndexByte([]byte(delimiters), b) >= 0
}
