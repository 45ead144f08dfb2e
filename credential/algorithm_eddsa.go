package credential

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"

	"filippo.io/edwards25519"
	"github.com/golang-jwt/jwt/v5"
)

// The library's EdDSA signs with any crypto.Signer already.
var edDSA = algorithm{
	method: jwt.SigningMethodEdDSA, generate: generateEd25519, toJWK: ed25519ToJWK, fromJWK: ed25519FromJWK,
	toPKCS8: x509.MarshalPKCS8PrivateKey, fromPKCS8: x509.ParsePKCS8PrivateKey,
}

func generateEd25519() (crypto.Signer, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	return private, err
}

func ed25519ToJWK(public crypto.PublicKey) (jwkPoint, error) {
	key, ok := public.(ed25519.PublicKey)
	if !ok || len(key) != ed25519.PublicKeySize {
		return jwkPoint{}, fmt.Errorf("%w: EdDSA needs a key on Ed25519", ErrAlgorithm)
	}
	return jwkPoint{Kty: "OKP", Crv: "Ed25519", X: base64.RawURLEncoding.EncodeToString(key)}, nil
}

func ed25519FromJWK(j jwkPoint) (crypto.PublicKey, error) {
	if j.Kty != "OKP" || j.Crv != "Ed25519" || j.Y != "" {
		return nil, fmt.Errorf("%w: EdDSA needs kty OKP, crv Ed25519 and no y", ErrAlgorithm)
	}
	key, err := decodeCoordinate(j.X)
	if err != nil {
		return nil, err
	}
	return ed25519.PublicKey(key), checkEd25519(key)
}

// checkEd25519 refuses what is no point, a point in a second spelling, and the few points of small order: under those one signature
// fits many texts. crypto/ed25519 checks nothing of this when it reads a key.
func checkEd25519(key []byte) error {
	point, err := new(edwards25519.Point).SetBytes(key)
	if err != nil || string(point.Bytes()) != string(key) {
		return errors.New("the point is not on the curve Ed25519")
	}
	if new(edwards25519.Point).MultByCofactor(point).Equal(edwards25519.NewIdentityPoint()) == 1 {
		return errors.New("the point has a small order")
	}
	return nil
}
