package credential

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"healthcode/registry"
)

// PackedSize is the length of a packed code in bytes.
const PackedSize = contentSize + SignatureSize

// Where the fields of a packed code begin; all numbers are big-endian. Frozen for version 1.
const (
	atVersion   = 0
	atKey       = 1
	atUSCC      = 2
	atIssued    = 14
	atLifetime  = 18
	atGrade     = 20 // colour in the high nibble, tier in the low, as in the grade list
	atModel     = 21
	atIndex     = 23
	contentSize = 27
)

// Packed is a code with its signature in the least space: what a QR code carries, as digits.
type Packed [PackedSize]byte

// Pack puts a code and its signature together. It fails, wrapping ErrCode or ErrUnsupportedVersion, as Code.Check does.
func Pack(c *Code, s *Signature) (Packed, error) {
	var p Packed
	if err := c.Check(); err != nil {
		return p, err
	}
	p[atVersion], p[atKey] = c.Version, c.Key
	putUSCC(p[atUSCC:atIssued], string(c.USCC))
	binary.BigEndian.PutUint32(p[atIssued:], c.IssuedAt)
	binary.BigEndian.PutUint16(p[atLifetime:], uint16(c.Lifetime))
	p[atGrade] = byte(c.Colour)<<4 | byte(c.Tier)
	binary.BigEndian.PutUint16(p[atModel:], c.Model)
	binary.BigEndian.PutUint32(p[atIndex:], c.Index)
	copy(p[contentSize:], s[:])
	return p, nil
}

// Unpack takes a packed code apart. It is strict: what it accepts, Pack makes again byte for byte. Every error wraps
// ErrUnsupportedVersion or ErrMalformed. Nothing that it returns has been verified: see Verify.
func (p *Packed) Unpack() (Code, Signature, error) {
	if p[atVersion] != Version1 {
		return Code{}, Signature{}, fmt.Errorf("%w: version %d", ErrUnsupportedVersion, p[atVersion])
	}
	uscc, ok := usccOf(p[atUSCC:atIssued])
	if !ok {
		return Code{}, Signature{}, fmt.Errorf("%w: the USCC is not 18 characters of GB 32100", ErrMalformed)
	}
	c := Code{
		Version:  Version1,
		Key:      p[atKey],
		USCC:     uscc,
		IssuedAt: binary.BigEndian.Uint32(p[atIssued:]),
		Lifetime: Lifetime(binary.BigEndian.Uint16(p[atLifetime:])),
		Tier:     registry.Tier(p[atGrade] & 15),
		Colour:   registry.Colour(p[atGrade] >> 4),
		Model:    binary.BigEndian.Uint16(p[atModel:]),
		Index:    binary.BigEndian.Uint32(p[atIndex:]),
	}
	if err := c.Check(); err != nil {
		return Code{}, Signature{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return c, Signature(p[contentSize:]), nil
}

// Digits returns the packed code as 220 decimal digits, with leading zeros.
func (p *Packed) Digits() string {
	text := p.digits()
	return string(text[:])
}

// The USCC is read as a number in base 36 (0-9, A-Z) and stored in 12 bytes. Its two halves of 9 characters fit a uint64 each.
const (
	halfUSCC  = registry.USCCLength / 2
	halfRange = 36 * 36 * 36 * 36 * 36 * 36 * 36 * 36 * 36 // 36^9
	base36    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// putUSCC writes an 18-character code into 12 bytes.
func putUSCC(dst []byte, uscc string) {
	high, low := bits.Mul64(halfNumber(uscc[:halfUSCC]), halfRange)
	low, carry := bits.Add64(low, halfNumber(uscc[halfUSCC:]), 0)
	binary.BigEndian.PutUint32(dst, uint32(high+carry))
	binary.BigEndian.PutUint64(dst[4:], low)
}

func halfNumber(half string) (n uint64) {
	for i := range len(half) {
		value := uint64(half[i] - '0')
		if half[i] >= 'A' {
			value = uint64(half[i]-'A') + 10
		}
		n = n*36 + value
	}
	return n
}

// usccOf reads 12 bytes; ok is false when they are not 18 characters of the USCC alphabet.
func usccOf(src []byte) (uscc registry.USCC, ok bool) {
	high, low := uint64(binary.BigEndian.Uint32(src)), binary.BigEndian.Uint64(src[4:])
	if high >= halfRange {
		return "", false
	}
	first, second := bits.Div64(high, low, halfRange)
	if first >= halfRange {
		return "", false
	}
	var text [registry.USCCLength]byte
	writeHalf(text[:halfUSCC], first)
	writeHalf(text[halfUSCC:], second)
	return registry.USCC(text[:]), isUSCC(string(text[:]))
}

func writeHalf(dst []byte, n uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = base36[n%36]
		n /= 36
	}
}
