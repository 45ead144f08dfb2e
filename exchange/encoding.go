package exchange

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/dimchansky/utfbom"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// The names of encodings as Reader.Encoding gives them.
const (
	encodingASCII   = "ASCII"
	encodingUTF8    = "UTF-8"
	encodingBOM     = "UTF-8 with BOM"
	encodingUTF16   = "UTF-16"
	encodingGB18030 = "GB18030"
)

const detectionWindow = 64 << 10 // bytes that decide the encoding

// textReader gives the text of a file as UTF-8. A byte order mark decides the encoding; without one the first 64 KiB that hold
// a character beyond ASCII do. What was decided stays: a later byte that does not fit is passed on, for its row to be refused.
type textReader struct {
	raw      *bufio.Reader
	decided  io.Reader // nil until the encoding is known
	encoding string
}

func newTextReader(r io.Reader) (*textReader, error) {
	skipped, mark := utfbom.Skip(r)
	t := &textReader{raw: bufio.NewReaderSize(skipped, detectionWindow), encoding: encodingASCII}
	switch mark {
	case utfbom.UTF8:
		t.decided, t.encoding = t.raw, encodingBOM
	case utfbom.UTF16LittleEndian:
		t.decode(unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder(), encodingUTF16)
	case utfbom.UTF16BigEndian:
		t.decode(unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder(), encodingUTF16)
	case utfbom.UTF32LittleEndian, utfbom.UTF32BigEndian:
		return nil, fmt.Errorf("%w: this is UTF-32; save the file as UTF-8", ErrEncoding)
	}
	return t, nil
}

func (t *textReader) decode(with transform.Transformer, name string) {
	t.decided, t.encoding = transform.NewReader(t.raw, with), name
}

// Read implements io.Reader.
func (t *textReader) Read(p []byte) (int, error) {
	if t.decided != nil {
		return t.decided.Read(p)
	}
	if _, err := t.raw.Peek(1); err != nil {
		return 0, err
	}
	seen, err := t.raw.Peek(t.raw.Buffered())
	if err != nil {
		return 0, err
	}
	ascii := bytes.IndexFunc(seen, func(r rune) bool { return r >= utf8.RuneSelf })
	if ascii == 0 {
		if err := t.decide(); err != nil {
			return 0, err
		}
		return t.decided.Read(p)
	}
	if ascii < 0 {
		ascii = len(seen)
	}
	return t.raw.Read(p[:min(ascii, len(p))])
}

// decide chooses between UTF-8 and GB18030 by the window that begins with the first byte beyond ASCII. A few misfits among much
// that fits are damage, not another encoding.
func (t *textReader) decide() error {
	window, err := t.raw.Peek(detectionWindow)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read text: %w", err)
	}
	high, bad := utf8Faults(window)
	if bad*10 <= high {
		t.decided, t.encoding = t.raw, encodingUTF8
		return nil
	}
	if high, bad = gb18030Faults(window); bad*10 <= high {
		t.decode(simplifiedchinese.GB18030.NewDecoder(), encodingGB18030)
		return nil
	}
	return fmt.Errorf("%w: neither UTF-8 nor GB18030; save the file as UTF-8", ErrEncoding)
}

// utf8Faults counts the characters beyond ASCII and the bytes that are no UTF-8. A character cut off by the window's end is neither.
func utf8Faults(window []byte) (high, bad int) {
	for i := 0; i < len(window); {
		r, size := utf8.DecodeRune(window[i:])
		switch {
		case r == utf8.RuneError && size <= 1 && !utf8.FullRune(window[i:]):
			return high, bad
		case r == utf8.RuneError && size <= 1:
			high, bad = high+1, bad+1
		case r >= utf8.RuneSelf:
			high++
		}
		i += size
	}
	return high, bad
}

// gb18030Faults counts as utf8Faults does, for GB18030.
func gb18030Faults(window []byte) (high, bad int) {
	text := make([]byte, 3*len(window)+16)
	n, _, err := simplifiedchinese.GB18030.NewDecoder().Transform(text, window, false)
	if err != nil && !errors.Is(err, transform.ErrShortSrc) {
		return len(window), len(window)
	}
	for _, r := range string(text[:n]) {
		if r >= utf8.RuneSelf {
			high++
		}
		if r == utf8.RuneError {
			bad++
		}
	}
	return high, bad
}
