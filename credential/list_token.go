package credential

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// MaxListToken is how long the token of a list may be. A full grade list that zlib cannot press has 1.9 million characters.
const MaxListToken = 2 << 20

// aggregationPath is where an issuer names all its lists.
const aggregationPath = "/lists"

// listClaims is what a list's payload says.
type listClaims struct {
	issuer          string
	number          uint32
	issued, expires uint32 // Unix seconds
	ttl             uint32 // seconds
	packed          string // base64url of the zlib stream
}

// appendListPayload writes the payload of a list. Frozen.
func appendListPayload(dst []byte, kind ListKind, c *listClaims) []byte {
	s := shapes[kind]
	dst = append(append(dst, `{"iss":"`...), c.issuer...)
	dst = append(append(dst, `","sub":"`...), kind.Subject(c.issuer, c.number)...)
	dst = strconv.AppendUint(append(dst, `","iat":`...), uint64(c.issued), 10)
	dst = strconv.AppendUint(append(dst, `,"exp":`...), uint64(c.expires), 10)
	dst = strconv.AppendUint(append(dst, `,"ttl":`...), uint64(c.ttl), 10)
	dst = append(append(dst, `,"`...), s.member...)
	dst = strconv.AppendInt(append(dst, `":{"bits":`...), int64(s.bits), 10)
	dst = append(append(dst, `,"lst":"`...), c.packed...)
	if s.tail {
		dst = append(append(dst, `","aggregation_uri":"`...), c.issuer...)
		dst = append(dst, aggregationPath...)
	}
	return append(dst, `"}}`...)
}

// SignList signs a list of kind.Bytes() bytes and returns its token. at is the iat; within one list it must rise from one publication
// to the next. It lives ListLifetime. What was signed is read again, the way a verifier does, before it leaves.
func SignList(signer Signer, kind ListKind, number uint32, entries []byte, at time.Time) (string, error) {
	if err := checkList(kind, number, len(entries)); err != nil {
		return "", err
	}
	claims, err := newListClaims(signer.PublicKey(), number, at)
	if err != nil {
		return "", err
	}
	packed, err := deflate(entries)
	if err != nil {
		return "", fmt.Errorf("compress list: %w", err)
	}
	claims.packed = base64.RawURLEncoding.EncodeToString(packed)
	payload := appendListPayload(make([]byte, 0, len(claims.packed)+512), kind, claims)
	token, err := signJWS(signer, signer.PublicKey().ID(), shapes[kind].typ, payload)
	if err != nil {
		return "", fmt.Errorf("list %s/%d: %w", kind, number, err)
	}
	if err := checkSignedList(token, signer.PublicKey(), entries); err != nil {
		return "", err
	}
	return token, nil
}

func newListClaims(key *PublicKey, number uint32, at time.Time) (*listClaims, error) {
	if err := key.Check(); err != nil { // a Signer of another kind may not have checked it
		return nil, err
	}
	issued, err := UnixSeconds(at)
	if err != nil {
		return nil, err
	}
	expires, err := UnixSeconds(at.Add(ListLifetime))
	if err != nil {
		return nil, err
	}
	return &listClaims{issuer: key.Issuer, number: number, issued: issued, expires: expires, ttl: uint32(ListTTL / time.Second)}, nil
}

func checkSignedList(token string, key *PublicKey, entries []byte) error {
	keys, err := NewKeySet(*key)
	if err != nil {
		return err
	}
	read, err := ParseList(token, keys)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotIssued, err)
	}
	if string(read.entries) != string(entries) {
		return fmt.Errorf("%w: the list reads otherwise", ErrNotIssued)
	}
	return nil
}

// ParseList verifies the token of a status or grade list. Header and payload must be those of the template, byte for byte, signed by a
// key of the set that was in use at the iat, and the content must unpack to exactly the list's length. It does not look at the clock:
// see List.Current. Every error wraps ErrList; ErrBadSignature and ErrUnknownKey stand within where they fit.
func ParseList(token string, keys *KeySet) (*List, error) {
	list, err := parseList(token, keys)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrList, err)
	}
	return list, nil
}

func parseList(token string, keys *KeySet) (*List, error) {
	read, err := readJWS(token, MaxListToken)
	if err != nil {
		return nil, err
	}
	kind, err := kindOf(read.typ)
	if err != nil {
		return nil, err
	}
	number, err := ParseKeyNumber(read.kid)
	if err != nil {
		return nil, fmt.Errorf("%w: its kid is not a number", ErrUnknownKey)
	}
	return firstKey(read, keys, number, func(key *PublicKey) (*List, error) {
		claims, err := parseListPayload(read.payload, kind, key.Issuer)
		if err != nil {
			return nil, err
		}
		return claims.list(kind, key)
	})
}

func kindOf(typ string) (ListKind, error) {
	for _, kind := range []ListKind{ListStatus, ListGrade} {
		if shapes[kind].typ == typ {
			return kind, nil
		}
	}
	return "", errors.New("its typ is not that of a list")
}

// parseListPayload reads a payload and holds it against the template, so that a member twice, one more, another order, a fraction or
// another sub is refused though signed.
func parseListPayload(payload []byte, kind ListKind, issuer string) (*listClaims, error) {
	type content struct {
		Lst string `json:"lst"`
	}
	var read struct {
		Sub    string  `json:"sub"`
		Iat    uint32  `json:"iat"`
		Exp    uint32  `json:"exp"`
		TTL    uint32  `json:"ttl"`
		Status content `json:"status_list"`
		Grade  content `json:"grade_list"`
	}
	if json.Unmarshal(payload, &read) != nil {
		return nil, errors.New("its payload is not that of a list")
	}
	number, err := strconv.ParseUint(read.Sub[strings.LastIndexByte(read.Sub, '/')+1:], 10, 32-listBits)
	if err != nil {
		return nil, errors.New("its sub is not that of a list")
	}
	c := &listClaims{issuer: issuer, number: uint32(number), issued: read.Iat, expires: read.Exp, ttl: read.TTL, packed: read.Status.Lst + read.Grade.Lst}
	if string(payload) != string(appendListPayload(make([]byte, 0, len(payload)), kind, c)) {
		return nil, fmt.Errorf("its payload is not that of a %s list of %s", kind, issuer)
	}
	return c, nil
}

// list unpacks the content.
func (c *listClaims) list(kind ListKind, key *PublicKey) (*List, error) {
	if c.expires <= c.issued || c.ttl == 0 {
		return nil, errors.New("it ends before it begins")
	}
	issued := time.Unix(int64(c.issued), 0).UTC()
	if !key.signedAt(issued) {
		return nil, fmt.Errorf("%w: key %s was not in use when the list was issued", ErrUnknownKey, key.ID())
	}
	packed, err := decodeSegment(c.packed)
	if err != nil {
		return nil, errors.New("its content is not strict base64url")
	}
	entries, err := inflate(packed, kind.Bytes())
	if err != nil {
		return nil, err
	}
	return &List{
		Kind: kind, Number: c.number, Issuer: c.issuer, KeyID: key.ID(), IssuedAt: issued, ExpiresAt: time.Unix(int64(c.expires), 0).UTC(),
		TTL: time.Duration(c.ttl) * time.Second, entries: entries,
	}, nil
}
