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

// chunkSize is the length of the pieces of a list that are looked at one by one.
const chunkSize = 1 << 13

// deflate returns the zlib form of a list. Pieces that are full of values and pieces that are nearly empty are packed each in their own
// way. Grades follow no pattern: there Huffman codes alone are smaller than zlib's best level and fifty times faster. What is empty needs
// its matches.
//
// Measured for a list with a million grades (2 cores, Go 1.26): Huffman codes 293 KB in 4 ms, level 1 399 KB in 10 ms, level 6 341 KB in
// 200 ms, level 9 337 KB in 490 ms; this function 284 KB in 7 ms. A list with a thousand grades: 131 KB by Huffman codes alone, 1.5 KB by this.
func deflate(entries []byte) ([]byte, error) {
	var out bytes.Buffer
	out.Write(zlibHeader)
	for start := 0; start < len(entries); {
		full := isFull(entries[start:min(start+chunkSize, len(entries))])
		end := start
		for end < len(entries) && isFull(entries[end:min(end+chunkSize, len(entries))]) == full {
			end = min(end+chunkSize, len(entries))
		}
		level := flate.BestCompression
		if full {
			level = flate.HuffmanOnly
		}
		if err := deflatePart(&out, entries[start:end], level, end == len(entries)); err != nil {
			return nil, err
		}
		start = end
	}
	return binary.BigEndian.AppendUint32(out.Bytes(), adler32.Checksum(entries)), nil
}

// isFull reports whether at least every fourth byte says something.
func isFull(piece []byte) bool { return 4*(len(piece)-bytes.Count(piece, []byte{0})) >= len(piece) }

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
