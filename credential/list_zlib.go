package credential

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/adler32"
	"io"
)

// zlibHeader opens a zlib stream with a window of 32 KiB (RFC 1950 section 2.2).
var zlibHeader = []byte{0x78, 0x9c}

// deflate returns the zlib form of a list. Its codes stand close together at the beginning and nothing follows, so the two parts are
// packed each in its own way: grades follow no pattern, and there Huffman codes alone are smaller than zlib's best level and fifty
// times faster; the rest is one value and needs its matches. huffman is for lists that are full of varied values.
//
// Measured for a million grades (2 cores, Go 1.26): Huffman codes 293 KB in 4 ms, level 1 399 KB in 10 ms, level 6 341 KB in 200 ms,
// level 9 337 KB in 490 ms.
func deflate(entries []byte, huffman bool) ([]byte, error) {
	var out bytes.Buffer
	out.Write(zlibHeader)
	used := 0
	if huffman {
		used = len(bytes.TrimRight(entries, "\x00"))
		if err := deflatePart(&out, entries[:used], flate.HuffmanOnly, false); err != nil {
			return nil, err
		}
	}
	if err := deflatePart(&out, entries[used:], flate.BestCompression, true); err != nil {
		return nil, err
	}
	return binary.BigEndian.AppendUint32(out.Bytes(), adler32.Checksum(entries)), nil
}

// deflatePart appends the blocks of one part; only the last part ends the stream. A part that is not the last ends on a whole byte, as
// deflate allows (RFC 1951 section 3.2.4), so that the next one can follow.
func deflatePart(out *bytes.Buffer, part []byte, level int, last bool) error {
	w, err := flate.NewWriter(out, level)
	if err != nil {
		return err
	}
	if _, err := w.Write(part); err != nil {
		return err
	}
	if last {
		return w.Close()
	}
	return w.Flush()
}

var errInflate = errors.New("its content is not a zlib stream of the right length")

// inflate unpacks a zlib stream of exactly size bytes. It never makes more than that: a bomb ends here. A stream that is shorter or
// longer, has a wrong checksum, or is followed by anything is refused.
func inflate(packed []byte, size int) ([]byte, error) {
	in := bytes.NewReader(packed)
	stream, err := zlib.NewReader(in)
	if err != nil {
		return nil, errInflate
	}
	out := make([]byte, size)
	if _, err := io.ReadFull(stream, out); err != nil {
		return nil, errInflate
	}
	if n, err := stream.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) { // EOF comes after the checksum was found good
		return nil, errInflate
	}
	if in.Len() != 0 {
		return nil, errInflate
	}
	return out, nil
}
