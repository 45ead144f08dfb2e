package credential

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
	"github.com/golang-jwt/jwt/v5"
)

var sm2sm3 = algorithm{
	method: sm2Method{}, generate: generateSM2, toJWK: sm2ToJWK, fromJWK: sm2FromJWK,
	toPKCS8: smx509.MarshalPKCS8PrivateKey, fromPKCS8: smx509.ParsePKCS8PrivateKey,
}

// The library's parser finds methods in its own table only. No other name than ours is touched.
func init() {
	jwt.RegisterSigningMethod(string(SM2SM3), func() jwt.SigningMethod { return sm2Method{} })
}

// sm2Method is SM2 with SM3 (GB/T 32918.2): what is signed is SM3(Z ‖ text), where Z comes of the public key and the default user id,
// 1234567812345678 (GB/T 35276).
type sm2Method struct{}

// Alg returns the name of the algorithm.
func (sm2Method) Alg() string { return string(SM2SM3) }

// Sign returns r and s of signingInput, 64 bytes. The key must be a crypto.Signer on the curve SM2 that hashes for itself, as
// those of gmsm do when they are given its options.
func (sm2Method) Sign(signingInput string, key any) ([]byte, error) {
	signer, ok := key.(crypto.Signer)
	if !ok || !sm2.IsSM2PublicKey(signer.Public()) {
		return nil, jwt.ErrInvalidKeyType
	}
	der, err := signer.Sign(rand.Reader, []byte(signingInput), sm2.DefaultSM2SignerOpts)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return rawFromASN1(der)
}

// Verify returns jwt.ErrSignatureInvalid unless signature is r and s of signingInput by the key.
func (sm2Method) Verify(signingInput string, signature []byte, key any) error {
	public, ok := key.(*ecdsa.PublicKey)
	if !ok || !sm2.IsSM2PublicKey(public) {
		return jwt.ErrInvalidKeyType
	}
	if len(signature) != SignatureSize {
		return jwt.ErrSignatureInvalid
	}
	der, err := asn1FromRaw(signature)
	if err != nil || !sm2.VerifyASN1WithSM2(public, nil, []byte(signingInput), der) {
		return jwt.ErrSignatureInvalid
	}
	return nil
}

func generateSM2() (crypto.Signer, error) { return sm2.GenerateKey(rand.Reader) }

func sm2ToJWK(public crypto.PublicKey) (jwkPoint, error) {
	key, ok := public.(*ecdsa.PublicKey)
	if !ok || !sm2.IsSM2PublicKey(key) {
		return jwkPoint{}, fmt.Errorf("%w: SM2SM3 needs a key on the curve SM2", ErrAlgorithm)
	}
	point, err := sm2.PublicKeyToECDH(key)
	if err != nil {
		return jwkPoint{}, fmt.Errorf("write public key: %w", err)
	}
	return ecPoint("SM2", point.Bytes()), nil
}

func sm2FromJWK(j jwkPoint) (crypto.PublicKey, error) {
	point, err := j.uncompressed("SM2")
	if err != nil {
		return nil, err
	}
	key, err := sm2.ParseUncompressedPublicKey(point)
	if err != nil {
		return nil, errors.New("the point is not on the curve SM2")
	}
	return key, nil
}
