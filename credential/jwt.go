package credential

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
)

// tokenType is the typ of a health code. Status lists and grade lists have others, so that none passes for another.
const tokenType = "qc+jwt"

// statusPath stands between an issuer and the number of a status list.
const statusPath = "/lists/status/"

// listBits is how much of an index counts within one list: a list holds 2^20 codes.
const listBits = 20

// maxPayload and maxToken are room for the longest payload and token, so that none needs a second buffer.
const (
	maxPayload = 288
	maxToken   = 576
)

// How far a verifier's clock may be off. ScreenLeeway is for codes that live for seconds: telephones' clocks drift, and a code that was
// renewed half a minute ago must not fail because of that.
const (
	Leeway       = 60 * time.Second
	ScreenLeeway = 120 * time.Second
)

// appendHeader writes the JOSE header of version 1. Frozen.
func appendHeader(dst []byte, alg Algorithm, kid string) []byte {
	return appendJOSEHeader(dst, alg, kid, tokenType)
}

// headerSegment returns the header of a key's codes in base64url.
func headerSegment(key *PublicKey) string {
	return base64.RawURLEncoding.EncodeToString(appendHeader(nil, key.Algorithm, key.ID()))
}

// appendPayload writes the payload of version 1. Frozen: the packed form carries a signature over exactly these bytes. No value
// needs escaping: CheckIssuer and Code.Check allow no such character.
func appendPayload(dst []byte, issuer string, c *Code) []byte {
	dst = append(append(dst, `{"iss":"`...), issuer...)
	dst = append(append(dst, `","sub":"`...), c.USCC...)
	dst = strconv.AppendUint(append(dst, `","iat":`...), uint64(c.IssuedAt), 10)
	dst = strconv.AppendInt(append(dst, `,"exp":`...), c.expires(), 10)
	dst = strconv.AppendUint(append(dst, `,"qc":{"v":`...), uint64(c.Version), 10)
	dst = append(append(dst, `,"tier":"`...), c.Tier.String()...)
	dst = append(append(dst, `","colour":"`...), c.Colour.String()...)
	dst = strconv.AppendUint(append(dst, `","model":`...), uint64(c.Model), 10)
	dst = strconv.AppendUint(append(dst, `},"status":{"status_list":{"idx":`...), uint64(c.Index&(1<<listBits-1)), 10)
	dst = append(append(dst, `,"uri":"`...), issuer...)
	dst = strconv.AppendUint(append(dst, statusPath...), uint64(c.Index>>listBits), 10)
	return append(dst, `"}}}`...)
}

// signingInput returns header "." payload in base64url: the bytes that are signed. header is the key's headerSegment.
func signingInput(header string, issuer string, c *Code) string {
	var buffer [maxToken]byte
	return string(appendInput(buffer[:0], header, issuer, c))
}

func appendInput(dst []byte, header string, issuer string, c *Code) []byte {
	var payload [maxPayload]byte
	dst = append(append(dst, header...), '.')
	return base64.RawURLEncoding.AppendEncode(dst, appendPayload(payload[:0], issuer, c))
}

// assemble returns the whole token.
func assemble(header string, issuer string, c *Code, s *Signature) string {
	var buffer [maxToken]byte
	token := append(appendInput(buffer[:0], header, issuer, c), '.')
	return string(base64.RawURLEncoding.AppendEncode(token, s[:]))
}

func withSignature(input string, s *Signature) string {
	return input + "." + base64.RawURLEncoding.EncodeToString(s[:])
}

// decodeSegment decodes base64url without padding, refusing set bits that count for nothing, so that bytes have one spelling.
func decodeSegment(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") { // encoding/base64 skips them
		return nil, errors.New("a line break within base64url")
	}
	return base64.RawURLEncoding.Strict().DecodeString(text)
}

// currentAt returns nil, ErrExpired, ErrNotYetValid or ErrClock.
func (c *Code) currentAt(now time.Time) error {
	if c.onScreen() {
		return c.onScreenAt(now)
	}
	if !now.Before(c.Expires()) {
		return ErrExpired
	}
	if c.Issued().After(now.Add(Leeway)) {
		return ErrNotYetValid
	}
	return nil
}

// onScreenAt judges a code that lives for seconds. What a clock that is off explains is not called expired: the screen renews its code, a
// picture of it does not get better.
func (c *Code) onScreenAt(now time.Time) error {
	switch expires := c.Expires(); {
	case !now.Before(expires.Add(ScreenLeeway)):
		return ErrExpired
	case !now.Before(expires), c.Issued().After(now.Add(ScreenLeeway)):
		return ErrClock
	}
	return nil
}
