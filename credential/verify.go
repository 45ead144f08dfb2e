package credential

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// MaxText is how long a text may be to be looked at. The longest code of version 1, as a URL with a JWT, has under 600 characters.
const MaxText = 1024

// Verify says whether a text is a health code that one of the keys signed and that is valid at now. The text is a URL
// (https://HOST/v/DIGITS or https://HOST/v/JWT), or bare digits, or a bare JWT, with nothing before or after it. The host in a URL
// is not trusted and not compared: who issued the code is known by the key. It never panics, whatever the text.
//
// A grade in a code is that of the time of issue; whether the code has been revoked since is for the status list to say.
func Verify(text string, keys *KeySet, now time.Time) Verdict {
	shown, err := readText(text)
	if err != nil {
		return refused(err)
	}
	verdict := refused(fmt.Errorf("%w: number %d", ErrUnknownKey, shown.key))
	for key := range keys.numbered(shown.key) {
		code, err := verifyToken(shown.tokenFor(key), key, now)
		verdict = verdictOf(&code, err, key, shown.form(&code))
		if verdict.SignatureValid {
			return verdict
		}
	}
	return verdict
}

func verdictOf(c *Code, err error, key *PublicKey, form Form) Verdict {
	v := Verdict{Authentic: true, Reason: ReasonOK}
	if err != nil {
		v = refused(err)
	}
	if err == nil || errors.Is(err, ErrExpired) || errors.Is(err, ErrNotYetValid) {
		v.fill(c, key, form)
	}
	return v
}

// shown is a text taken apart but not verified.
type shown struct {
	key       uint8
	token     string // the JWT, empty for a packed code
	code      Code   // of a packed code
	signature Signature
}

// tokenFor returns the token to verify. A packed code does not say who issued it: the key does.
func (s *shown) tokenFor(key *PublicKey) string {
	if s.token != "" {
		return s.token
	}
	return assemble(key, &s.code, &s.signature)
}

func (s *shown) form(c *Code) Form {
	switch {
	case s.token != "":
		return FormJWT
	case c.Lifetime&inSeconds != 0:
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
	return shown{key: code.Key, code: code, signature: signature}, nil
}

// readToken checks the characters and the header of a JWT. The header must be the template's, byte for byte: so crit, another
// typ, a second alg or anything else that the library would pass over is refused here.
func readToken(token string) (shown, error) {
	if i := strings.IndexFunc(token, notOfToken); i >= 0 {
		return shown{}, fmt.Errorf("%w: character %d does not belong in a JWT", ErrMalformed, i+1)
	}
	segment, _, _ := strings.Cut(token, ".")
	var header struct {
		Alg, Kid string
	}
	text, err := decodeSegment(segment)
	if err != nil || json.Unmarshal(text, &header) != nil {
		return shown{}, fmt.Errorf("%w: it is not a JWT", ErrMalformed)
	}
	if strings.Count(token, ".") != 2 {
		return shown{}, fmt.Errorf("%w: a JWT has three parts", ErrMalformed)
	}
	template := appendHeader(nil, Algorithm(header.Alg), header.Kid)
	if segment != base64.RawURLEncoding.EncodeToString(template) {
		return shown{}, fmt.Errorf("%w: its header is not that of a health code", ErrMalformed)
	}
	number, err := ParseKeyNumber(header.Kid)
	if err != nil {
		return shown{}, fmt.Errorf("%w: its kid is not a number", ErrUnknownKey)
	}
	return shown{key: number, token: token}, nil
}

func notOfToken(r rune) bool {
	letter := r|0x20 >= 'a' && r|0x20 <= 'z'
	digit := r >= '0' && r <= '9'
	return !letter && !digit && r != '_' && r != '-' && r != '.'
}
