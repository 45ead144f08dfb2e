// Command go verifies a health code in its JWT form with golang-jwt and the issuer's published keys:
//
//	go run ./docs/examples/verify/go jwks.json JWT
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"regexp"

	"github.com/golang-jwt/jwt/v5"
)

type jwk struct{ X, Y, Kid, Alg, Iss string }

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: go run ./docs/examples/verify/go jwks.json JWT")
	}
	claims, err := verify(os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal("not valid: ", err)
	}
	fmt.Println(claims["sub"], claims["qc"], "at issue")
}

var alphabet = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// verify is the ten lines: one algorithm, the key by its number, the type, both dates, the issuer that belongs to the key.
func verify(jwks, token string) (jwt.MapClaims, error) {
	claims, issuer := jwt.MapClaims{}, ""
	if len(token) > 1024 || !alphabet.MatchString(token) { // golang-jwt would pass over line breaks
		return nil, errors.New("not a token")
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding())
	_, err := parser.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) {
		if t.Header["typ"] != "qc+jwt" || t.Header["crit"] != nil {
			return nil, errors.New("not a health code")
		}
		key, err := find(jwks, t.Header["kid"])
		issuer = key.Iss
		if err != nil {
			return nil, err
		}
		return key.public()
	})
	if err == nil && (issuer == "" || claims["iss"] != issuer) {
		err = errors.New("not by the issuer of this key")
	}
	return claims, err
}

func find(jwks string, kid any) (jwk, error) {
	var set struct{ Keys []jwk }
	data, err := os.ReadFile(jwks)
	if err != nil {
		return jwk{}, err
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return jwk{}, err
	}
	for _, key := range set.Keys {
		if key.Kid == kid && key.Alg == "ES256" {
			return key, nil
		}
	}
	return jwk{}, errors.New("unknown key")
}

func (k jwk) public() (*ecdsa.PublicKey, error) {
	x, errX := base64.RawURLEncoding.DecodeString(k.X)
	y, errY := base64.RawURLEncoding.DecodeString(k.Y)
	if err := errors.Join(errX, errY); err != nil {
		return nil, err
	}
	return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
}
