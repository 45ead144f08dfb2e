package credential

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// maxHeader is room for the longest JOSE header, in base64url: an alg, a thumbprint as kid, a typ.
const maxHeader = 256

// appendJOSEHeader writes the JOSE header of every token here.
func appendJOSEHeader(dst []byte, alg Algorithm, kid, typ string) []byte {
	dst = append(append(dst, `{"alg":"`...), alg...)
	dst = append(append(dst, `","kid":"`...), kid...)
	dst = append(append(dst, `","typ":"`...), typ...)
	return append(dst, `"}`...)
}

// signJWS signs a payload as a token in compact form.
func signJWS(signer Signer, kid, typ string, payload []byte) (string, error) {
	header := appendJOSEHeader(nil, signer.PublicKey().Algorithm, kid, typ)
	input := make([]byte, 0, base64.RawURLEncoding.EncodedLen(len(payload))+maxHeader)
	input = append(base64.RawURLEncoding.AppendEncode(input, header), '.')
	input = base64.RawURLEncoding.AppendEncode(input, payload)
	text := string(input)
	signature, err := signer.Sign(text)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return withSignature(text, &signature), nil
}

// jws is a token taken apart but not verified.
type jws struct {
	alg       Algorithm
	kid, typ  string
	input     string // what is signed
	payload   []byte
	signature []byte
}

// readJWS takes a token apart. Length and characters come first, before anything is parsed. The header must be the template's, byte for
// byte: so crit, a second alg or anything else is refused. The caller looks at typ.
func readJWS(token string, limit int) (*jws, error) {
	if len(token) > limit {
		return nil, fmt.Errorf("%d characters, more than %d", len(token), limit)
	}
	if i := notToken(token); i >= 0 {
		return nil, fmt.Errorf("character %d does not belong in a token", i+1)
	}
	end := strings.LastIndexByte(token, '.')
	if strings.Count(token, ".") != 2 {
		return nil, errors.New("a token has three parts")
	}
	header, payload, _ := strings.Cut(token[:end], ".")
	read := &jws{input: token[:end]}
	if err := read.header(header); err != nil {
		return nil, err
	}
	var err error
	if read.payload, err = decodeSegment(payload); err != nil {
		return nil, errors.New("its payload is not strict base64url")
	}
	if read.signature, err = decodeSegment(token[end+1:]); err != nil {
		return nil, errors.New("its signature is not strict base64url")
	}
	return read, nil
}

func (j *jws) header(segment string) error {
	var header struct {
		Alg, Kid, Typ string
	}
	if len(segment) > maxHeader {
		return errors.New("its header is too long")
	}
	text, err := decodeSegment(segment)
	if err != nil || json.Unmarshal(text, &header) != nil {
		return errors.New("its header is not JSON")
	}
	j.alg, j.kid, j.typ = Algorithm(header.Alg), header.Kid, header.Typ
	if string(text) != string(appendJOSEHeader(nil, j.alg, j.kid, j.typ)) {
		return errors.New("its header is not alg, kid and typ")
	}
	return nil
}

// firstKey tries the keys of a number in turn: the first one whose signature it is and that its payload can be read by decides.
func firstKey[T any](j *jws, keys *KeySet, number uint8, payload func(*PublicKey) (*T, error)) (read *T, err error) {
	err = fmt.Errorf("%w: number %d", ErrUnknownKey, number)
	for key := range keys.numbered(number) {
		if err = j.verifyWith(key.Algorithm, key.Material); err != nil {
			continue
		}
		if read, err = payload(key); err == nil {
			return read, nil
		}
	}
	return nil, err
}

// verifyWith checks the signature. The algorithm is the key's: a token that names another one is not signed by it.
func (j *jws) verifyWith(alg Algorithm, material any) error {
	a, known := algorithms[alg]
	if !known || j.alg != alg || len(j.signature) != SignatureSize {
		return ErrBadSignature
	}
	if a.method.Verify(j.input, j.signature, material) != nil {
		return ErrBadSignature
	}
	return nil
}

// notToken returns the place of the first byte that no compact token has, or -1.
func notToken(text string) int {
	for i := range len(text) {
		c := text[i]
		letter, digit := c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9'
		if !letter && !digit && c != '_' && c != '-' && c != '.' {
			return i
		}
	}
	return -1
}
