package credential

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"healthcode/registry"

	"github.com/golang-jwt/jwt/v5"
)

// tokenType is the typ of a health code. Status lists and grade lists have others, so that none passes for another.
const tokenType = "qc+jwt"

// statusPath stands between an issuer and the number of a status list.
const statusPath = "/lists/status/"

// listBits is how much of an index counts within one list: a list holds 2^20 codes.
const listBits = 20

// maxPayload is room for the longest payload, so that none needs a second buffer.
const maxPayload = 288

// Leeway is how far ahead of the verifier's clock a code's time of issue may be.
const Leeway = 60 * time.Second

// appendHeader writes the JOSE header of version 1. Frozen.
func appendHeader(dst []byte, alg Algorithm, kid string) []byte {
	dst = append(dst, `{"alg":"`...)
	dst = append(dst, alg...)
	dst = append(dst, `","kid":"`...)
	dst = append(dst, kid...)
	return append(dst, `","typ":"`+tokenType+`"}`...)
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

// signingInput returns header "." payload in base64url: the bytes that are signed.
func signingInput(key *PublicKey, c *Code) string {
	var header, payload [maxPayload]byte
	text := make([]byte, 0, 512)
	text = base64.RawURLEncoding.AppendEncode(text, appendHeader(header[:0], key.Algorithm, key.ID()))
	text = append(text, '.')
	text = base64.RawURLEncoding.AppendEncode(text, appendPayload(payload[:0], key.Issuer, c))
	return string(text)
}

// assemble returns the whole token.
func assemble(key *PublicKey, c *Code, s *Signature) string {
	return withSignature(signingInput(key, c), s)
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

// claims is what the library reads of a payload. qc and status are read after the signature is found good.
type claims struct {
	jwt.RegisteredClaims
	QC     json.RawMessage `json:"qc"`
	Status json.RawMessage `json:"status"`
}

// verifyToken checks a token with one key and returns what it says. With ErrExpired and ErrNotYetValid the signature is good
// and the code is returned; with every other error it is empty.
func verifyToken(token string, key *PublicKey, now time.Time) (Code, error) {
	var read claims
	_, err := parserFor(key, now).ParseWithClaims(token, &read, func(*jwt.Token) (any, error) { return key.Material, nil })
	if err := withoutTime(err); err != nil {
		return Code{}, err
	}
	c, err := read.code(key)
	if err != nil {
		return Code{}, err
	}
	if payload := token[strings.IndexByte(token, '.')+1 : strings.LastIndexByte(token, '.')]; !isPayload(payload, key, &c) {
		return Code{}, fmt.Errorf("%w: the payload is not that of version %d", ErrMalformed, c.Version)
	}
	if !key.signedAt(c.Issued()) {
		return Code{}, fmt.Errorf("%w: key %s was not in use when the code was issued", ErrUnknownKey, key.ID())
	}
	return c, c.currentAt(now)
}

func parserFor(key *PublicKey, now time.Time) *jwt.Parser {
	return jwt.NewParser(
		jwt.WithValidMethods([]string{string(key.Algorithm)}),
		jwt.WithIssuer(key.Issuer),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(Leeway),
		jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(func() time.Time { return now }),
	)
}

// withoutTime names the library's error in this package's words. It passes over errors of time alone: Code.currentAt decides
// those, because the library would grant its leeway to the expiry too.
func withoutTime(err error) error {
	is := func(target error) bool { return errors.Is(err, target) }
	switch {
	case err == nil:
		return nil
	case is(jwt.ErrTokenMalformed):
		return fmt.Errorf("%w: it is not a JWT", ErrMalformed)
	case is(jwt.ErrTokenSignatureInvalid), is(jwt.ErrTokenUnverifiable):
		return ErrBadSignature
	case is(jwt.ErrTokenInvalidIssuer):
		return fmt.Errorf("%w: the key signs for another issuer", ErrUnknownKey)
	case is(jwt.ErrTokenRequiredClaimMissing):
		return fmt.Errorf("%w: a claim is missing", ErrMalformed)
	case is(jwt.ErrTokenExpired), is(jwt.ErrTokenUsedBeforeIssued), is(jwt.ErrTokenNotValidYet):
		return nil
	}
	return fmt.Errorf("%w: its claims are invalid", ErrMalformed)
}

// code reads the claims of a token whose signature is good.
func (r *claims) code(key *PublicKey) (Code, error) {
	var version struct{ V int }
	if err := json.Unmarshal(r.QC, &version); err != nil {
		return Code{}, fmt.Errorf("%w: no version", ErrMalformed)
	}
	if version.V != Version1 {
		return Code{}, fmt.Errorf("%w: version %d", ErrUnsupportedVersion, version.V)
	}
	c := Code{Version: Version1, Key: key.Number, USCC: registry.USCC(r.Subject)}
	if err := errors.Join(r.readTimes(&c), r.readGrade(&c), r.readIndex(&c)); err != nil {
		return Code{}, fmt.Errorf("%w: a claim is not that of version %d", ErrMalformed, Version1)
	}
	if err := c.Check(); err != nil {
		return Code{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return c, nil
}

var errClaim = errors.New("a claim is missing or out of range")

func (r *claims) readTimes(c *Code) error {
	if r.IssuedAt == nil || r.ExpiresAt == nil {
		return errClaim
	}
	issued, expires := r.IssuedAt.Unix(), r.ExpiresAt.Unix()
	if issued < 0 || issued > math.MaxUint32 || expires > math.MaxUint32 {
		return errClaim
	}
	lifetime, ok := lifetimeOf(expires - issued)
	if !ok {
		return errClaim
	}
	c.IssuedAt, c.Lifetime = uint32(issued), lifetime
	return nil
}

func (r *claims) readGrade(c *Code) error {
	var grade struct {
		Tier   registry.Tier
		Colour registry.Colour
		Model  uint16
	}
	err := json.Unmarshal(r.QC, &grade)
	c.Tier, c.Colour, c.Model = grade.Tier, grade.Colour, grade.Model
	return err
}

func (r *claims) readIndex(c *Code) error {
	var status struct {
		List struct {
			Idx uint32
			URI string
		} `json:"status_list"`
	}
	if err := json.Unmarshal(r.Status, &status); err != nil {
		return err
	}
	list, err := strconv.ParseUint(status.List.URI[strings.LastIndexByte(status.List.URI, '/')+1:], 10, 32-listBits)
	if err != nil {
		return err
	}
	c.Index = uint32(list)<<listBits | status.List.Idx
	return nil
}

// isPayload reports whether the segment is exactly the template's. So another order, a claim twice, one more claim, a fraction
// or a blank is refused, though the signature be good.
func isPayload(segment string, key *PublicKey, c *Code) bool {
	var buffer [maxPayload]byte
	return segment == base64.RawURLEncoding.EncodeToString(appendPayload(buffer[:0], key.Issuer, c))
}

// currentAt returns nil, ErrExpired or ErrNotYetValid.
func (c *Code) currentAt(now time.Time) error {
	if !now.Before(c.Expires()) {
		return ErrExpired
	}
	if c.Issued().After(now.Add(Leeway)) {
		return ErrNotYetValid
	}
	return nil
}
