package credential

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

var es256 = algorithm{
	method: es256Method{jwt.SigningMethodES256}, generate: generateP256, toJWK: p256ToJWK, fromJWK: p256FromJWK,
	toPKCS8: x509.MarshalPKCS8PrivateKey, fromPKCS8: x509.ParsePKCS8PrivateKey,
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

func generateP256() (crypto.Signer, error) {
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

func p256ToJWK(public crypto.PublicKey) (jwkPoint, error) {
	key, ok := public.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return jwkPoint{}, fmt.Errorf("%w: ES256 needs a key on P-256", ErrAlgorithm)
	}
	point, err := key.Bytes()
	if err != nil {
		return jwkPoint{}, fmt.Errorf("write public key: %w", err)
	}
	return ecPoint("P-256", point), nil
}

func p256FromJWK(j jwkPoint) (crypto.PublicKey, error) {
	point, err := j.uncompressed("P-256")
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, errors.New("the point is not on the curve P-256")
	}
	return key, nil
}
