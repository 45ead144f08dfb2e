package credential

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// MaxText is how long a text may be to be looked at. The longest code of version 1, as a URL with a JWT, has under 600 characters.
const MaxText = 1024

// Verify says whether a text is a health code that one of the keys signed and that is valid at now. The text is a URL
// (https://HOST/v/DIGITS or https://HOST/v/JWT), or bare digits, or a bare JWT, with nothing before or after it. The host in a URL
// is not trusted and not compared: who issued the code is known by the key. It never panics, whatever the text.
//
// A grade in a code is that of the time of issue. Whether the code has been revoked since and what the grade is today is for the lists to
// say: see package verify.
func Verify(text string, keys *KeySet, now time.Time) Verdict {
	proven, err := Prove(text, keys)
	if err != nil {
		return Refused(err)
	}
	return proven.At(now)
}

// Proven is a code whose signature was found good. That does not depend on the time, so it may be kept. It never changes.
type Proven struct {
	code Code
	key  *PublicKey
	form Form
}

// Prove checks everything about a text that does not depend on the time. The error is one for Refused.
func Prove(text string, keys *KeySet) (*Proven, error) {
	shown, err := readText(text)
	if err != nil {
		return nil, err
	}
	members := keys.members()
	for i := range members {
		m := &members[i]
		if !shown.by(m) {
			continue
		}
		var code Code
		if code, err = m.open(shown.tokenFor(m)); err == nil {
			return &Proven{code, &m.PublicKey, shown.form(&code)}, nil
		}
	}
	if err == nil {
		err = shown.unknown(keys)
	}
	return nil, err
}

// At returns the verdict at a time.
func (p *Proven) At(now time.Time) Verdict {
	v := Verdict{Authentic: true, Reason: ReasonOK}
	if err := p.code.currentAt(now); err != nil {
		v = Refused(err)
	}
	v.fill(&p.code, p.key, p.form)
	return v
}

// open verifies a token with one key and returns what it says.
func (m *member) open(token string) (Code, error) {
	read := newClaims(&m.PublicKey)
	_, err := m.parser.ParseWithClaims(token, read, m.keyFunc)
	if errors.Is(err, jwt.ErrTokenMalformed) {
		return Code{}, fmt.Errorf("%w: it is not a JWT", ErrMalformed)
	}
	if err != nil {
		return Code{}, ErrBadSignature
	}
	if !read.exact {
		return Code{}, read.fault
	}
	payload := token[strings.IndexByte(token, '.')+1 : strings.LastIndexByte(token, '.')]
	if base64.RawURLEncoding.DecodedLen(len(payload)) != read.size { // encoding/json passes over blanks before and after
		return Code{}, fmt.Errorf("%w: blanks around the payload", ErrMalformed)
	}
	if !m.signedAt(read.code.Issued()) {
		return Code{}, fmt.Errorf("%w: key %s was not in use when the code was issued", ErrUnknownKey, m.ID())
	}
	return read.code, nil
}

// shown is a text taken apart but not verified.
type shown struct {
	token     string // the JWT, empty for a packed code
	header    string // its first segment
	code      Code   // of a packed code
	signature Signature
}

// by reports whether the text says that this key signed it. A header that is not the template's fits no key: so crit, another typ, a second
// alg or anything else that the library would pass over never gets further.
func (s *shown) by(m *member) bool {
	if s.token != "" {
		return s.header == m.header
	}
	return s.code.Key == m.Number
}

// tokenFor returns the token to verify. A packed code does not say who issued it: the key does.
func (s *shown) tokenFor(m *member) string {
	if s.token != "" {
		return s.token
	}
	return assemble(m.header, m.Issuer, &s.code, &s.signature)
}

// unknown says why the text names no key of the set.
func (s *shown) unknown(keys *KeySet) error {
	if s.token == "" {
		return fmt.Errorf("%w: number %d", ErrUnknownKey, s.code.Key)
	}
	return blameHeader(s.header, keys)
}

// blameHeader says why the header is that of no key's codes.
func blameHeader(segment string, keys *KeySet) error {
	var read jws
	if err := read.header(segment); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if read.typ != tokenType {
		return fmt.Errorf("%w: its typ is not that of a health code", ErrMalformed)
	}
	number, err := ParseKeyNumber(read.kid)
	if err != nil {
		return fmt.Errorf("%w: its kid is not a number", ErrUnknownKey)
	}
	for range keys.numbered(number) {
		return ErrBadSignature // the key is another algorithm's
	}
	return fmt.Errorf("%w: number %d", ErrUnknownKey, number)
}

func (s *shown) form(c *Code) Form {
	switch {
	case s.token != "":
		return FormJWT
	case c.onScreen():
		return FormScreen
	}
	return FormPrinted
}

// readText takes a text apart. Length and characters come first, before anything is parsed.
func readText(text string) (shown, error) {
	if len(text) > MaxText {
		return shown{}, fmt.Errorf("%w: %d characters, more than %d", ErrMalformed, len(text), MaxText)
	}
	core, err := cutURL(text)
	if err != nil {
		return shown{}, err
	}
	if strings.Contains(core, ".") {
		return readToken(core)
	}
	return readPacked(core)
}

// cutURL returns what follows /v/ of a URL, and a text that is no URL as it is. Scheme and host may be in capitals: they mean
// the same (RFC 3986 section 6.2.2.1), and some scanners write them so.
func cutURL(text string) (string, error) {
	scheme, rest, isURL := strings.Cut(text, "://")
	if !isURL {
		return text, nil
	}
	if !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") {
		return "", fmt.Errorf("%w: it is a link, but not to a web page", ErrMalformed)
	}
	host, core, found := strings.Cut(rest, codePath)
	if !found || !isHost(host) {
		return "", fmt.Errorf("%w: it is a link, but not https://HOST%s…", ErrMalformed, codePath)
	}
	return core, nil
}

func readPacked(digits string) (shown, error) {
	packed, err := ParsePacked(digits)
	if err != nil {
		return shown{}, err
	}
	code, signature, err := packed.Unpack()
	if err != nil {
		return shown{}, err
	}
	return shown{code: code, signature: signature}, nil
}

// readToken checks the characters and the number of parts of a JWT.
func readToken(token string) (shown, error) {
	if i := notToken(token); i >= 0 {
		return shown{}, fmt.Errorf("%w: character %d does not belong in a JWT", ErrMalformed, i+1)
	}
	header, rest, _ := strings.Cut(token, ".")
	if strings.Count(rest, ".") != 1 {
		return shown{}, fmt.Errorf("%w: a JWT has three parts", ErrMalformed)
	}
	return shown{token: token, header: header}, nil
}
