package jobs

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"healthcode/access"

	"github.com/klauspost/compress/gzip"
)

// Spool packs and seals what lies in the database between the reception of a submission and its end: lines, which may name persons, and results.
type Spool struct{ Seal access.SealKey }

// What a part of a submission holds.
const (
	spoolLines   = "lines"
	spoolResults = "results"
)

// maxPart bounds a part that is unpacked, in bytes. Every part is cut far below it.
const maxPart = 64 << 20

// Lines packs lines of a submission. number is that of the chunk.
func (s *Spool) Lines(id string, number int, lines []byte) (string, error) {
	return s.pack(id, number, spoolLines, lines)
}

// Results unpacks the results of a chunk: one RowResult a line.
func (s *Spool) Results(id string, number int, packed string) ([]byte, error) {
	return s.unpack(id, number, spoolResults, packed)
}

func purposeOf(id string, number int, what string) string {
	return fmt.Sprintf("submission %s %d %s", id, number, what)
}

func (s *Spool) pack(id string, number int, what string, plain []byte) (string, error) {
	var packed strings.Builder
	w, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		return "", fmt.Errorf("pack %s: %w", what, err)
	}
	if _, err := w.Write(plain); err != nil {
		return "", fmt.Errorf("pack %s: %w", what, err)
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("pack %s: %w", what, err)
	}
	return s.Seal.Seal(packed.String(), purposeOf(id, number, what))
}

func (s *Spool) unpack(id string, number int, what, sealed string) ([]byte, error) {
	packed, err := s.Seal.Open(sealed, purposeOf(id, number, what))
	if err != nil {
		return nil, fmt.Errorf("unpack %s of %s: %w", what, id, err)
	}
	r, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack %s of %s: %w", what, id, err)
	}
	var plain bytes.Buffer
	plain.Grow(8 * len(packed))
	if _, err := io.Copy(&plain, io.LimitReader(r, maxPart)); err != nil {
		return nil, fmt.Errorf("unpack %s of %s: %w", what, id, err)
	}
	return plain.Bytes(), nil
}
