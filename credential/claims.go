package credential

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"healthcode/registry"

	"github.com/golang-jwt/jwt/v5"
)

// claims is a payload as the library hands it over. exact says that it is the template's, byte for byte, and code what it says; otherwise
// fault says why it is refused. So the bytes are read once, and the library's own checks of claims, which are looser, are not needed.
type claims struct {
	jwt.RegisteredClaims // never filled: the library asks for its methods
	issuer               string
	key                  uint8
	code                 Code
	exact                bool
	size                 int // of the payload that was read
	fault                error
}

var errSaysNothing = fmt.Errorf("%w: it says nothing", ErrMalformed)

// newClaims expects a payload by the key. Until one was read it is a fault: the library passes over the payload null.
func newClaims(key *PublicKey) *claims {
	return &claims{issuer: key.Issuer, key: key.Number, fault: errSaysNothing}
}

// UnmarshalJSON reads a payload. It fails only when a payload is not a JSON object of the right types: what is right in form but not the
// template's is told after the signature was checked.
func (r *claims) UnmarshalJSON(payload []byte) error {
	r.size = len(payload)
	if r.code, r.exact = readPayload(payload, r.issuer, r.key); r.exact {
		return nil
	}
	return r.blame(payload)
}

// blame finds out why a payload is not the template's.
func (r *claims) blame(payload []byte) error {
	var read struct {
		Iss *string         `json:"iss"`
		QC  json.RawMessage `json:"qc"`
	}
	if err := json.Unmarshal(payload, &read); err != nil {
		return err
	}
	var qc struct{ V int }
	err := json.Unmarshal(read.QC, &qc)
	switch {
	case read.Iss == nil:
		r.fault = fmt.Errorf("%w: a claim is missing", ErrMalformed)
	case *read.Iss != r.issuer:
		r.fault = fmt.Errorf("%w: the key signs for another issuer", ErrUnknownKey)
	case err != nil:
		r.fault = fmt.Errorf("%w: no version", ErrMalformed)
	case qc.V != Version1:
		r.fault = fmt.Errorf("%w: version %d", ErrUnsupportedVersion, qc.V)
	default:
		r.fault = fmt.Errorf("%w: the payload is not that of version %d", ErrMalformed, Version1)
	}
	return nil
}

// readPayload reads a payload; exact is true only when it is, byte for byte, what appendPayload writes of the code. So another order, a
// claim twice, one more claim, a fraction or a blank is refused, though the signature be good.
func readPayload(payload []byte, issuer string, key uint8) (c Code, exact bool) {
	rest := payload
	field := func(before string) (value []byte) {
		at := bytes.Index(rest, []byte(before))
		if at < 0 {
			rest = nil
			return nil
		}
		rest = rest[at+len(before):]
		end := bytes.IndexAny(rest, `",}`)
		return rest[:max(end, 0)]
	}
	c = Code{Version: Version1, Key: key}
	c.USCC = registry.USCC(field(`"sub":"`))
	issued, err1 := decimal(field(`"iat":`), math.MaxUint32)
	expires, err2 := decimal(field(`"exp":`), math.MaxUint32)
	err3 := c.Tier.UnmarshalText(field(`"tier":"`))
	err4 := c.Colour.UnmarshalText(field(`"colour":"`))
	model, err5 := decimal(field(`"model":`), math.MaxUint16)
	place, err6 := decimal(field(`"idx":`), ListSize-1)
	list, err7 := decimal(field(statusPath), MaxListNumber)
	lifetime, ok := lifetimeOf(int64(expires) - int64(issued))
	if !ok || errors.Join(err1, err2, err3, err4, err5, err6, err7) != nil {
		return c, false
	}
	c.IssuedAt, c.Lifetime, c.Model, c.Index = uint32(issued), lifetime, uint16(model), uint32(list<<listBits|place)
	var buffer [maxPayload]byte
	return c, c.Check() == nil && bytes.Equal(payload, appendPayload(buffer[:0], issuer, &c))
}

func decimal(text []byte, largest uint64) (uint64, error) {
	n, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil || n > largest {
		return 0, ErrMalformed
	}
	return n, nil
}
