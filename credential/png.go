package credential

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"sync"
)

// The PNG of a QR code is written here and not by image/png, which takes longer for it than making the code does. Here every row of
// pixels of one row of modules is the same: it is built once, and the others say "as above", which costs almost nothing to compress.

// Parts of a PNG file (W3C PNG specification, sections 5 and 11).
const (
	pngSignature = "\x89PNG\r\n\x1a\n"
	pngPalette   = "\xff\xff\xff\x00\x00\x00" // 0 white, 1 black
	// One bit a pixel, palette, deflate, adaptive filters, not interlaced.
	pngDepthAndKind = "\x01\x03\x00\x00\x00"
	filterNone      = 0
	filterUp        = 2 // the row is the difference to the one above
)

// deflaters keeps compressors, which are large, for the next image.
var deflaters = sync.Pool{New: func() any {
	w, _ := zlib.NewWriterLevel(nil, zlib.BestSpeed) // fails for an unknown level only
	return w
}}

// encodePNG draws rows of modules, each scale by scale pixels, as a palette image of one bit.
func encodePNG(rows [][]bool, scale int) []byte {
	side := len(rows) * scale
	header := make([]byte, 8, 13)
	binary.BigEndian.PutUint32(header[0:], uint32(side))
	binary.BigEndian.PutUint32(header[4:], uint32(side))

	var out bytes.Buffer
	out.WriteString(pngSignature)
	writeChunk(&out, "IHDR", append(header, pngDepthAndKind...))
	writeChunk(&out, "PLTE", []byte(pngPalette))
	writeChunk(&out, "IDAT", deflateRows(rows, scale))
	writeChunk(&out, "IEND", nil)
	return out.Bytes()
}

// writeChunk writes length, name, data and the checksum of name and data.
func writeChunk(out *bytes.Buffer, name string, data []byte) {
	var number [4]byte
	binary.BigEndian.PutUint32(number[:], uint32(len(data)))
	out.Write(number[:])
	start := out.Len()
	out.WriteString(name)
	out.Write(data)
	binary.BigEndian.PutUint32(number[:], crc32.ChecksumIEEE(out.Bytes()[start:]))
	out.Write(number[:])
}

// deflateRows compresses the pixels. Writing to memory cannot fail.
func deflateRows(rows [][]bool, scale int) []byte {
	width := (len(rows)*scale + 7) / 8
	first, same := make([]byte, 1+width), make([]byte, 1+width)
	first[0], same[0] = filterNone, filterUp

	var out bytes.Buffer
	deflater := deflaters.Get().(*zlib.Writer)
	defer deflaters.Put(deflater)
	deflater.Reset(&out)
	for _, row := range rows {
		clear(first[1:])
		setBits(first[1:], row, scale)
		_, _ = deflater.Write(first)
		for range scale - 1 {
			_, _ = deflater.Write(same)
		}
	}
	_ = deflater.Close()
	return out.Bytes()
}

// setBits sets the pixels of the black modules, first pixel in the highest bit.
func setBits(pixels []byte, row []bool, scale int) {
	for x, black := range row {
		if !black {
			continue
		}
		for i := x * scale; i < (x+1)*scale; i++ {
			pixels[i/8] |= 0x80 >> (i % 8)
		}
	}
}
