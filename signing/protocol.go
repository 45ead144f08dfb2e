package signing

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"healthcode/credential"
)

// The protocol between a server and the process that holds its key: docs/formats.md, "The signer's socket". A frame is 4 bytes of length
// (big-endian) of what follows, one byte that says what it is, and its content.

// maxFrame is the longest frame: a list as long as lists may be.
const maxFrame = credential.MaxListToken + 1

// frameKind says what a frame is.
type frameKind byte

const (
	askKey  frameKind = 1 // for the public key, as a JWK
	askSign frameKind = 2 // for the signature of a signing input

	answerGood    frameKind = 16 // the JWK, or the 64 bytes of the signature
	answerRefused frameKind = 17 // why not, in words: asking again will not help
	answerFailed  frameKind = 18 // why not, in words
)

// Why the other side was not understood, or says no.
var (
	ErrProtocol = errors.New("this is not the signer's protocol")
	ErrRefused  = errors.New("the signer refuses")
	ErrFailed   = errors.New("the signer failed")
)

// frameTime is how long one frame may take on its way.
const frameTime = 10 * time.Second

func appendFrame(dst []byte, kind frameKind, content []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(content)+1))
	return append(append(dst, byte(kind)), content...)
}

// readFrame reads one frame. started is called when its first bytes are there: the rest must follow soon. io.EOF means that the other side
// has gone between two frames.
func readFrame(r io.Reader, started func()) (kind frameKind, content []byte, err error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	started()
	size := binary.BigEndian.Uint32(head[:])
	if size == 0 || size > maxFrame {
		return 0, nil, fmt.Errorf("%w: a frame of %d bytes", ErrProtocol, size)
	}
	body, err := io.ReadAll(io.LimitReader(r, int64(size))) // grows with what really comes
	if err != nil {
		return 0, nil, err
	}
	if len(body) != int(size) {
		return 0, nil, io.ErrUnexpectedEOF
	}
	return frameKind(body[0]), body[1:], nil
}
