package credential

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// MaxKeySet is how large a key set may be, in bytes.
const MaxKeySet = 1 << 20

// ErrKeySet means that a text is not a usable key set.
var ErrKeySet = errors.New("not a usable key set")

// KeySet is the public keys that a verifier trusts. Several may share a number (keys of two issuers, or by mishap): all are tried.
// A KeySet never changes and is safe for concurrent use; nil is the empty one.
type KeySet struct{ keys []member }

// member is a key of a set with what every verification needs of it.
type member struct {
	PublicKey
	header  string // headerSegment
	parser  *jwt.Parser
	keyFunc jwt.Keyfunc
}

// newMember prepares a key. The library checks the algorithm, the base64 and the signature; the claims are held against the template.
func newMember(key *PublicKey) *member {
	material := key.Material
	return &member{
		PublicKey: *key,
		header:    headerSegment(key),
		parser:    jwt.NewParser(jwt.WithValidMethods([]string{string(key.Algorithm)}), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation()),
		keyFunc:   func(*jwt.Token) (any, error) { return material, nil },
	}
}

// NewKeySet makes a set. It fails when a key's Check does.
func NewKeySet(keys ...PublicKey) (*KeySet, error) {
	for i := range keys {
		if err := keys[i].Check(); err != nil {
			return nil, fmt.Errorf("key %d: %w", keys[i].Number, err)
		}
	}
	return newKeySet(keys), nil
}

// newKeySet makes a set of keys that were checked.
func newKeySet(keys []PublicKey) *KeySet {
	set := &KeySet{make([]member, 0, len(keys))}
	for i := range keys {
		set.keys = append(set.keys, *newMember(&keys[i]))
	}
	return set
}

// All yields every key in order. The caller does not change them.
func (s *KeySet) All() iter.Seq[*PublicKey] {
	return func(yield func(*PublicKey) bool) {
		if s == nil {
			return
		}
		for i := range s.keys {
			if !yield(&s.keys[i].PublicKey) {
				return
			}
		}
	}
}

func (s *KeySet) numbered(number uint8) iter.Seq[*PublicKey] {
	return func(yield func(*PublicKey) bool) {
		for key := range s.All() {
			if key.Number == number && !yield(key) {
				return
			}
		}
	}
}

// members returns every key, nothing of a nil set.
func (s *KeySet) members() []member {
	if s == nil {
		return nil
	}
	return s.keys
}

// MarshalJSON writes a JWK set (RFC 7517 section 5).
func (s *KeySet) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Keys []*PublicKey `json:"keys"`
	}{s.list()})
}

// ParseKeySet reads a JWK set of at most MaxKeySet bytes. Keys for other uses are passed over, as RFC 7517 section 5 asks: another kty,
// alg or use, or a kid that is no number. A key that means to sign codes must be right in every member, or the whole set is refused;
// so is a member given twice, a private key, and a set without a single key for codes. Every error wraps ErrKeySet.
func ParseKeySet(data []byte) (*KeySet, error) {
	if len(data) > MaxKeySet {
		return nil, fmt.Errorf("%w: %d bytes, more than %d", ErrKeySet, len(data), MaxKeySet)
	}
	if err := refuseTwice(data); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeySet, err)
	}
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, fmt.Errorf("%w: not a JSON object with keys", ErrKeySet)
	}
	var keys []PublicKey
	for i, text := range set.Keys {
		key, err := parseJWK(text)
		if errors.Is(err, errOtherUse) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%w: key %d of the list: %w", ErrKeySet, i+1, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: it has no key for health codes", ErrKeySet)
	}
	return newKeySet(keys), nil
}

// jwk is one key as JSON. iss, thumbprint, nbf and naf are members of this project: for whom the key signs, its RFC 7638
// thumbprint, and the Unix seconds between which it is in use.
type jwk struct {
	jwkPoint
	Kid        string          `json:"kid"`
	Alg        Algorithm       `json:"alg"`
	Use        string          `json:"use"`
	Iss        string          `json:"iss"`
	Thumbprint string          `json:"thumbprint,omitempty"`
	Nbf        *uint32         `json:"nbf,omitempty"`
	Naf        *uint32         `json:"naf,omitempty"`
	Private    json.RawMessage `json:"d,omitempty"`
}

// MarshalJSON writes the key as a JWK (RFC 7517).
func (k *PublicKey) MarshalJSON() ([]byte, error) {
	if err := k.Check(); err != nil {
		return nil, err
	}
	point, err := algorithms[k.Algorithm].toJWK(k.Material)
	if err != nil {
		return nil, err
	}
	out := jwk{jwkPoint: point, Kid: k.ID(), Alg: k.Algorithm, Use: "sig", Iss: k.Issuer, Thumbprint: point.thumbprint()}
	if out.Nbf, err = secondsOrNil(k.NotBefore); err != nil {
		return nil, err
	}
	if out.Naf, err = secondsOrNil(k.NotAfter); err != nil {
		return nil, err
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads a JWK as MarshalJSON writes it. A key for another use is an error here.
func (k *PublicKey) UnmarshalJSON(data []byte) error {
	if err := refuseTwice(data); err != nil {
		return fmt.Errorf("%w: %w", ErrKeySet, err)
	}
	key, err := parseJWK(data)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKeySet, err)
	}
	*k = key
	return nil
}

// Thumbprint returns the RFC 7638 thumbprint (SHA-256, base64url). The key must pass Check.
func (k *PublicKey) Thumbprint() (string, error) {
	a, err := algorithmOf(k.Algorithm)
	if err != nil {
		return "", err
	}
	point, err := a.toJWK(k.Material)
	if err != nil {
		return "", err
	}
	return point.thumbprint(), nil
}

// thumbprint hashes the required members in the order of their names, without blanks (RFC 7638 section 3). No value needs escaping.
func (p *jwkPoint) thumbprint() string {
	y := ""
	if p.Y != "" {
		y = `,"y":"` + p.Y + `"`
	}
	sum := sha256.Sum256([]byte(`{"crv":"` + p.Crv + `","kty":"` + p.Kty + `","x":"` + p.X + `"` + y + `}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// errOtherUse marks a key that is not for codes.
var errOtherUse = errors.New("the key is not for health codes")

func parseJWK(text []byte) (PublicKey, error) {
	var use struct {
		Kty, Kid, Alg, Use string
	}
	if err := json.Unmarshal(text, &use); err != nil {
		return PublicKey{}, errors.New("kty, kid, alg and use must be texts")
	}
	number, err := ParseKeyNumber(use.Kid)
	a, known := algorithms[Algorithm(use.Alg)]
	if err != nil || !known || use.Use != "sig" {
		return PublicKey{}, errOtherUse
	}
	var read jwk
	if err := json.Unmarshal(text, &read); err != nil {
		return PublicKey{}, errors.New("a member is of the wrong type")
	}
	return read.publicKey(number, a)
}

func (j *jwk) publicKey(number uint8, a algorithm) (PublicKey, error) {
	if j.Private != nil {
		return PublicKey{}, errors.New("it is a private key: take it back and replace it, it is no longer secret")
	}
	material, err := a.fromJWK(j.jwkPoint)
	if err != nil {
		return PublicKey{}, err
	}
	if j.Thumbprint != "" && j.Thumbprint != j.thumbprint() {
		return PublicKey{}, errors.New("the thumbprint is that of another key")
	}
	key := PublicKey{
		Number: number, Algorithm: j.Alg, Issuer: j.Iss, Material: material,
		NotBefore: timeOrZero(j.Nbf), NotAfter: timeOrZero(j.Naf),
	}
	return key, key.Check()
}

func secondsOrNil(t time.Time) (*uint32, error) {
	if t.IsZero() {
		return nil, nil
	}
	s, err := UnixSeconds(t)
	return &s, err
}

func timeOrZero(seconds *uint32) time.Time {
	if seconds == nil {
		return time.Time{}
	}
	return time.Unix(int64(*seconds), 0).UTC()
}

// maxDepth is how deep JSON may nest here; a key set needs 4.
const maxDepth = 32

// refuseTwice fails when an object has a member twice: two readers could take it for two keys. Names that differ only in case
// count as the same, since encoding/json takes one for the other.
func refuseTwice(data []byte) error {
	in := json.NewDecoder(bytes.NewReader(data))
	var open []*level
	for {
		token, err := in.Token()
		if errors.Is(err, io.EOF) && len(open) == 0 {
			return nil
		}
		if err != nil {
			return errors.New("not JSON")
		}
		if open, err = step(open, token); err != nil {
			return err
		}
	}
}

// level is one object or list that is open while tokens are read.
type level struct {
	seen    map[string]bool // nil for a list
	isValue bool            // the next token is a member's value
}

func step(open []*level, token json.Token) ([]*level, error) {
	if d, ok := token.(json.Delim); ok && (d == '}' || d == ']') {
		return open[:len(open)-1], nil
	}
	if len(open) > 0 {
		if err := open[len(open)-1].take(token); err != nil {
			return nil, err
		}
	}
	switch token {
	case json.Delim('{'):
		open = append(open, &level{seen: map[string]bool{}})
	case json.Delim('['):
		open = append(open, &level{})
	}
	if len(open) > maxDepth {
		return nil, errors.New("nested too deep")
	}
	return open, nil
}

// take notes a name or passes a value.
func (l *level) take(token json.Token) error {
	if l.seen == nil {
		return nil
	}
	l.isValue = !l.isValue
	if !l.isValue {
		return nil
	}
	name := strings.ToLower(fmt.Sprint(token))
	if l.seen[name] {
		return fmt.Errorf("member %.20q stands twice", name)
	}
	l.seen[name] = true
	return nil
}
