package credential

import (
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/golang-jwt/jwt/v5"
)

// Algorithm is a signature algorithm by its JOSE name ("alg"). It belongs to a key; a token cannot choose another one.
type Algorithm string

// The algorithms. All have signatures of 64 bytes. A token says only the name that its key has: RFC 9864's newer name for EdDSA on
// this curve, Ed25519, is not read, because one key would then have two tokens for one code.
const (
	ES256  Algorithm = "ES256"  // ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4)
	EdDSA  Algorithm = "EdDSA"  // Ed25519 (RFC 8037 section 3.1)
	SM2SM3 Algorithm = "SM2SM3" // SM2 with SM3 and the default user id (GB/T 32918.2); no name is registered with IANA
)

// SignatureSize is the length of a signature in bytes: the packed form has room for exactly this.
const SignatureSize = 64

// Signature is a JOSE signature: for ES256 and SM2SM3 r and s, 32 bytes each, big-endian; for EdDSA that of RFC 8032.
type Signature [SignatureSize]byte

// ErrAlgorithm means that a key's algorithm is not known here, or that the key is of another kind than its algorithm says.
var ErrAlgorithm = errors.New("unknown signature algorithm or unfitting key")

// algorithm is all that this package must know about one signature algorithm. Another one is another entry in algorithms.
type algorithm struct {
	method    jwt.SigningMethod // signs with a crypto.Signer
	generate  func() (crypto.Signer, error)
	toJWK     func(crypto.PublicKey) (jwkPoint, error) // refuses a key of another kind, so that no key has two algorithms
	fromJWK   func(jwkPoint) (crypto.PublicKey, error)
	toPKCS8   func(key any) ([]byte, error)
	fromPKCS8 func(der []byte) (key any, err error)
}

var algorithms = map[Algorithm]algorithm{ES256: es256, EdDSA: edDSA, SM2SM3: sm2sm3}

// Algorithms returns the names of all algorithms, sorted.
func Algorithms() []Algorithm { return slices.Sorted(maps.Keys(algorithms)) }

func algorithmOf(name Algorithm) (algorithm, error) {
	a, ok := algorithms[name]
	if !ok {
		return a, fmt.Errorf("%w: %.20q", ErrAlgorithm, name)
	}
	return a, nil
}

// jwkPoint is the part of a JWK that says which public key it is (RFC 7518 section 6.2, RFC 8037 section 2).
type jwkPoint struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y,omitempty"`
}

const coordinateBytes = 32

// ecPoint writes a point (4, x, y) of a curve as a JWK.
func ecPoint(crv string, point []byte) jwkPoint {
	x, y := point[1:1+coordinateBytes], point[1+coordinateBytes:]
	return jwkPoint{"EC", crv, base64.RawURLEncoding.EncodeToString(x), base64.RawURLEncoding.EncodeToString(y)}
}

// uncompressed reads the point of a JWK of a curve as SEC 1 writes it: 4, x, y. Whether it lies on the curve is not checked here.
func (j *jwkPoint) uncompressed(crv string) ([]byte, error) {
	if j.Kty != "EC" || j.Crv != crv {
		return nil, fmt.Errorf("%w: it needs kty EC and crv %s", ErrAlgorithm, crv)
	}
	point := []byte{4}
	for _, text := range []string{j.X, j.Y} {
		coordinate, err := decodeCoordinate(text)
		if err != nil {
			return nil, err
		}
		point = append(point, coordinate...)
	}
	return point, nil
}

func decodeCoordinate(text string) ([]byte, error) {
	coordinate, err := decodeSegment(text)
	if err != nil || len(coordinate) != coordinateBytes {
		return nil, errors.New("a coordinate is not 32 bytes in base64url")
	}
	return coordinate, nil
}
