package jobs

import (
	"fmt"

	"healthcode/access"

	"github.com/klauspost/compress/s2"
)

// Spool packs (S2: as small as gzip here and several times as fast) and seals what lies in the database between the reception of a submission and its end: lines, which may name persons, and results.
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
	return s.unpack(nil, id, number, spoolResults, packed)
}

func purposeOf(id string, number int, what string) string {
	return fmt.Sprintf("submission %s %d %s", id, number, what)
}

func (s *Spool) pack(id string, number int, what string, plain []byte) (string, error) {
	return s.Seal.Seal(string(s2.Encode(nil, plain)), purposeOf(id, number, what))
}

// unpack unpacks into a buffer if it is long enough, or into a new one.
func (s *Spool) unpack(into []byte, id string, number int, what, sealed string) ([]byte, error) {
	packed, err := s.Seal.Open(sealed, purposeOf(id, number, what))
	if err != nil {
		return nil, fmt.Errorf("unpack %s of %s: %w", what, id, err)
	}
	n, err := s2.DecodedLen([]byte(packed))
	if err == nil && n > maxPart {
		err = s2.ErrTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("unpack %s of %s: %w", what, id, err)
	}
	plain, err := s2.Decode(into, []byte(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack %s of %s: %w", what, id, err)
	}
	return plain, nil
}
