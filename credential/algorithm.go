package credential

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"

	"github.com/golang-jwt/jwt/v5"
)

// Algorithm is a signature algorithm by its JOSE name ("alg"). It belongs to a key; a token cannot choose another one.
type Algorithm string

// ES256 is ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4).
const ES256 Algorithm = "ES256"

// SignatureSize is the length of a signature in bytes: the packed form has room for exactly this.
const SignatureSize = 64

// Signature is a JOSE signature; for ES256 it is r and s, 32 bytes each, big-endian.
type Signature [SignatureSize]byte

// ErrAlgorithm means that a key's algorithm is not known here, or that the key is of another kind than its algorithm says.
var ErrAlgorithm = errors.New("unknown signature algorithm or unfitting key")

// algorithm is all that this package must know about one signature algorithm. Another one is another entry in algorithms.
type algorithm struct {
	method   jwt.SigningMethod // signs with a crypto.Signer
	generate func() (crypto.Signer, error)
	toJWK    func(crypto.PublicKey) (jwkPoint, error)
	fromJWK  func(jwkPoint) (crypto.PublicKey, error)
}

var algorithms = map[Algorithm]algorithm{
	ES256: {es256Method{jwt.SigningMethodES256}, generateP256, p256ToJWK, p256FromJWK},
}

func algorithmOf(name Algorithm) (algorithm, error) {
	a, ok := algorithms[name]
	if !ok {
		return a, fmt.Errorf("%w: %.20q", ErrAlgorithm, name)
	}
	return a, nil
}

// es256Method is the library's ES256, except that it signs with any crypto.Signer: the key may live in a token or on
// another machine. What it signs verifies with the library's own method.
type es256Method struct{ *jwt.SigningMethodECDSA }

// Sign returns r and s of signingInput, 64 bytes. The key must be a crypto.Signer on P-256.
func (m es256Method) Sign(signingInput string, key any) ([]byte, error) {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, jwt.ErrInvalidKeyType
	}
	digest := sha256.Sum256([]byte(signingInput))
	der, err := signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return rawFromASN1(der)
}

// rawFromASN1 turns the ASN.1 form of an ECDSA signature, which every crypto.Signer gives, into r and s side by side.
func rawFromASN1(der []byte) ([]byte, error) {
	var point struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &point)
	if err != nil {
		return nil, fmt.Errorf("read signature: %w", err)
	}
	const half = SignatureSize / 2
	for _, n := range []*big.Int{point.R, point.S} {
		if n.Sign() <= 0 || n.BitLen() > half*8 {
			return nil, errors.New("read signature: a number is out of range")
		}
	}
	if len(rest) > 0 {
		return nil, errors.New("read signature: bytes left over")
	}
	raw := make([]byte, SignatureSize)
	point.R.FillBytes(raw[:half])
	point.S.FillBytes(raw[half:])
	return raw, nil
}

func generateP256() (crypto.Signer, error) {
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

// jwkPoint is the part of a JWK that says which public key it is (RFC 7518 section 6.2).
type jwkPoint struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y,omitempty"`
}

const p256Bytes = 32

func p256ToJWK(public crypto.PublicKey) (jwkPoint, error) {
	key, ok := public.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return jwkPoint{}, fmt.Errorf("%w: ES256 needs a key on P-256", ErrAlgorithm)
	}
	point, err := key.Bytes() // 4, x, y
	if err != nil {
		return jwkPoint{}, fmt.Errorf("write public key: %w", err)
	}
	x, y := point[1:1+p256Bytes], point[1+p256Bytes:]
	return jwkPoint{"EC", "P-256", base64.RawURLEncoding.EncodeToString(x), base64.RawURLEncoding.EncodeToString(y)}, nil
}

func p256FromJWK(j jwkPoint) (crypto.PublicKey, error) {
	if j.Kty != "EC" || j.Crv != "P-256" {
		return nil, fmt.Errorf("%w: ES256 needs kty EC and crv P-256", ErrAlgorithm)
	}
	point := []byte{4} // uncompressed (SEC 1)
	for _, text := range []string{j.X, j.Y} {
		coordinate, err := decodeSegment(text)
		if err != nil || len(coordinate) != p256Bytes {
			return nil, errors.New("a coordinate is not 32 bytes in base64url")
		}
		point = append(point, coordinate...)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, errors.New("the point is not on the curve P-256")
	}
	return key, nil
}
