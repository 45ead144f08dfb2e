package credential

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// PackedDigits is how many decimal digits the packed form has, always: 2^728 has 220.
const PackedDigits = 220

// A packed code is a number of 728 bits. These few lines turn it into digits and back ten times faster than math/big and without
// allocating; a fuzz test holds them against math/big.
const (
	limbs       = 12   // of 64 bits
	chunkDigits = 19   // the most that fit a limb
	chunkBase   = 1e19 // 10^chunkDigits
	firstChunk  = PackedDigits % chunkDigits
	topBits     = PackedSize*8 - 64*(limbs-1)
)

// number is a whole number, least significant limb first.
type number [limbs]uint64

// digits returns the packed code as 220 decimal digits, with leading zeros.
func (p *Packed) digits() [PackedDigits]byte {
	n := numberOf(p)
	var text [PackedDigits]byte
	for end := PackedDigits; end > 0; end -= chunkDigits {
		chunk := n.divideChunk()
		for i := end - 1; i >= max(0, end-chunkDigits); i-- {
			text[i] = byte('0' + chunk%10)
			chunk /= 10
		}
	}
	return text
}

// ParsePacked reads 220 decimal digits. It refuses anything else: another length, another character, a number of more than 728 bits.
// Every error wraps ErrMalformed.
func ParsePacked(text string) (Packed, error) {
	if len(text) != PackedDigits {
		return Packed{}, fmt.Errorf("%w: a packed code has %d digits, this has %d characters", ErrMalformed, PackedDigits, len(text))
	}
	var n number
	for start, end := 0, firstChunk; start < PackedDigits; start, end = end, end+chunkDigits {
		var chunk uint64
		for i := start; i < end; i++ {
			digit := text[i] - '0'
			if digit > 9 {
				return Packed{}, fmt.Errorf("%w: character %d is not a digit", ErrMalformed, i+1)
			}
			chunk = chunk*10 + uint64(digit)
		}
		n.appendChunk(chunk)
	}
	if n[limbs-1]>>topBits != 0 {
		return Packed{}, fmt.Errorf("%w: the number is too large", ErrMalformed)
	}
	return n.packed(), nil
}

// appendChunk sets n to n·10^19 + chunk. It cannot overflow: 10^220 is less than 2^768.
func (n *number) appendChunk(chunk uint64) {
	carry := chunk
	for i := range n {
		high, low := bits.Mul64(n[i], chunkBase)
		var c uint64
		n[i], c = bits.Add64(low, carry, 0)
		carry = high + c
	}
}

// divideChunk sets n to n / 10^19 and returns the remainder.
func (n *number) divideChunk() (remainder uint64) {
	for i := limbs - 1; i >= 0; i-- {
		n[i], remainder = bits.Div64(remainder, n[i], chunkBase)
	}
	return remainder
}

// numberOf reads the packed bytes as one big-endian number.
func numberOf(p *Packed) (n number) {
	var wide [limbs * 8]byte
	copy(wide[len(wide)-PackedSize:], p[:])
	for i := range n {
		n[i] = binary.BigEndian.Uint64(wide[8*(limbs-1-i):])
	}
	return n
}

func (n *number) packed() (p Packed) {
	var wide [limbs * 8]byte
	for i := range n {
		binary.BigEndian.PutUint64(wide[8*(limbs-1-i):], n[i])
	}
	copy(p[:], wide[len(wide)-PackedSize:])
	return p
}
